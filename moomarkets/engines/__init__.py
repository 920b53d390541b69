"""Where one attempt runs. Job code never runs in an actor's thread."""
