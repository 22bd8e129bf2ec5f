"""One network, as a pair of pure functions."""
