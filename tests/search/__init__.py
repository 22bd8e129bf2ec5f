"""Which networks to try."""
