"""Where one attempt runs: never in an actor's thread."""
