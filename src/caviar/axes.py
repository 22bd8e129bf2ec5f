"""The axes of every array, one letter each; their order is fixed: epochs, slots, the rest.

N rows, D features, C outputs, S streams, K slots, E epochs, B batch, L layers
G slots of one group (the slots that share a stream and sit together in the cache)
U updates (mini-batches) of an epoch, H units of a layer
"""

AXES: dict[str, str] = {
    "N": "rows",
    "D": "features",
    "C": "outputs",
    "S": "streams",
    "K": "slots",
    "E": "epochs",
    "B": "batch",
    "L": "layers",
    "G": "slots of a group",
    "U": "updates of an epoch",
    "H": "units of a layer",
}
