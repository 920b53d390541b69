"""What one attempt does: one file per job type."""
