"""The public testing kit: what a host's own tests need to drive moomarkets without waiting."""
