"""Promises of the engine on an accelerator; they need the engine's rooms, JAX, NumPy and pytest alone."""
