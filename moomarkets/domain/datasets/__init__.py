"""The datasets of the built-in sources: what they are called, what they hold, and what makes a row unique."""
