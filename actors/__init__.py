"""The actors of moomarkets and, in `actors.otp`, what they stand on."""
