"""What is measured layer by layer: the names, in the order in which a block holds them."""

import numpy as np

# One number a layer of weights, first to last, for each epoch, at the update of its last mini-batch (the one before it
# where that is less than half full), before the update, dropout off and batch norm by the batch. W[l] leads from layer
# l−1 to layer l, z[l] = W[l] a[l−1] + b[l], and the activation a[l] is that of z[l], normalised where batch norm stands
# before it. Real units and rows count alone. NaN where a name has no meaning: shares of dead, saturated and linear
# pre-activations belong to the activations that can be so, and to hidden layers.
PROBES = (
    "log10_gradient_norm",  # of dJ/dW[l], all its entries; the penalties are not in it; −inf for a norm of 0
    "log10_backward_norm",  # of dJ/dz[l] over units and rows: the signal that backpropagation brings to the layer
    "weight_norm",  # ‖W[l]‖_F
    "update_ratio",  # ‖change of W[l] in that update‖ / ‖W[l]‖
    "activation_mean",  # of a[l] over units and rows; the last layer's is that of the outputs
    "log10_activation_spread",  # of its standard deviation; −inf where all are equal
    "dead_share",  # of ReLU units: 0 on every row of the mini-batch
    "saturated_share",  # of tanh and sigmoid units: on 95 % of the rows the slope is below 5 % of its largest
    "linear_share",  # of tanh's and sigmoid's pre-activations: within 5 % of the tangent at 0
    "zero_share",  # of the weights after the update: exactly 0, as L1 makes them
    "twin_share",  # of the hidden units: incoming weights equal to the first unit's; 1: symmetry is not broken
)


def shorten(values: np.ndarray) -> np.ndarray:
    """float32 rounded to 11 bits of mantissa (0.05 %), which a block holds in half the bytes."""
    bits = np.ascontiguousarray(values, "<f4").view("<u4")
    rounded = ((bits + np.uint32(1 << 12)) & np.uint32(0xFFFFE000)).view("<f4")
    return np.where(np.isfinite(values), rounded, values).astype("<f4")
