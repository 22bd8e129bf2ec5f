"""Numbers that the JAX network and the NumPy forward pass must agree on; this file loads no JAX."""

# ε under batch norm's root.
BATCH_NORM_EPSILON = 1e-5
# Weight of the past in the averages that batch norm uses at test time.
BATCH_NORM_MEMORY = 0.9
