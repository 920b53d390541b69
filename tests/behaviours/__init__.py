"""What the supervision tree promises, rule by rule, and which test shows each."""
