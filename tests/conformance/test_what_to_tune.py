"""What to tune, in order: α first; then β, units and mini-batch; then layers and decay; Adam's own rarely."""

import numpy as np

from caviar.search.space import Space
from data.tables import blobs


def test_the_default_space_follows_the_order() -> None:
    """It varies α, units, mini-batch, layers and decay; β₁, β₂ and ε of Adam stay where they are."""
    space = Space.default(blobs(3000))
    assert {"learning_rate", "hidden", "batch_size", "decay"} <= set(space.varied)
    assert not {"beta_1", "beta_2", "epsilon"} & set(space.varied)
    first = space.default_configuration()
    assert (first["beta_1"], first["beta_2"], first["epsilon"]) == (0.9, 0.999, 1e-8)
    assert len({len(option["hidden"]) for option in space.structures(0, 4)}) > 1  # layers


def test_alpha_gets_most_room() -> None:
    """α varies in every trial, on a logarithmic scale over more than a decade, whatever else is off."""
    space = Space.default(blobs(3000))
    axis = space.axis("learning_rate")
    assert axis.scale == "log" and axis.off == 0.0 and axis.high / axis.low > 10
    structure = space.structures(0, 1)[0]
    generator = np.random.default_rng(0)
    rates = [space.draw(generator, structure)["learning_rate"] for _ in range(50)]
    assert len(set(rates)) == 50


def test_what_is_asked_for_is_varied() -> None:
    """β and Adam's own numbers are searched when a person asks for them."""
    space = Space.default(blobs(300)).with_options(varied=["beta_1=0.8..0.99", "epsilon=1e-9..1e-6"])
    assert {"beta_1", "epsilon"} <= set(space.varied)
