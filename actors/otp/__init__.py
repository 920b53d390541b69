"""OTP's building blocks on Pykka: servers, supervisors, timers, names and monitors."""
