"""Many networks, one program."""
