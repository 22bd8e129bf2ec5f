"""Records become findings."""
