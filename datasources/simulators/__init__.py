"""Stand-ins for the providers on this machine, with made-up data: for the demo, for tests, for trials."""
