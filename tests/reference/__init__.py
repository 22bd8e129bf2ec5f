"""One network trained by plain NumPy loops in float64, as a textbook would: what the engine must agree with."""
