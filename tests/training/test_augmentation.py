"""Augmentation in the engine: train rows alone, the same alone and among others, and mixup's cost."""

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from caviar.data.streams import Stream
from caviar.networks.architecture import Architecture
from caviar.networks.draws import tick_keys
from caviar.networks.mlp import first_layers
from caviar.search.hyperparameters import complete
from caviar.training.augmentation import Augmentation
from caviar.training.batches import GroupStream, Version
from caviar.training.cohort import Cohort
from caviar.training.features import Features, features_of, union
from caviar.training.layout import Layout
from caviar.training.mixing import shares
from caviar.training.step import Batch, batch_cost
from caviar.training.values import Assignment, slot_values
from promises import grid

SHAPE = (5, 6, 1)
EVERYTHING: dict[str, Any] = {
    "flip_horizontal": 0.5, "crop": 1, "shift": 0.7, "rotation": 30.0, "zoom": 0.2, "elastic": 0.8, "noise": 0.1,
    "cut_out": 2, "mixup": 0.4,
}  # fmt: skip
MIXED = ({}, EVERYTHING, {"rotation": 8.0}, {"mixup": 1.0, "noise": 0.3})


def cohort_of(
    slots: dict[int, dict[str, Any]], *, wide: bool = True, features: Features | None = None, **other: Any
) -> Cohort:
    """Four slots in two groups on 70 pictures, 48 of them train rows, the last mini-batch short."""
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (70, int(np.prod(SHAPE))), dtype=np.uint8)
    targets = (pixels.reshape(70, 5, 6)[:, :3].mean(axis=(1, 2)) > 127).astype(np.int32)
    columns = np.ones(pixels.shape[1], np.float32)
    version = Version(pixels, targets, np.ones(70), columns / 75, columns * 127)
    stream = Stream(0, 5, np.arange(45), np.arange(20), np.arange(48, 70), np.ones(22, bool))
    shapes = Architecture(30 + other.get("larger", 2), (7,), 2, "softmax", 16, "float64" if wide else "float32")
    whole = {slot: complete({"learning_rate": 0.02, "hidden": [7], **c}) for slot, c in slots.items()}
    every = features_of(whole.values(), padded_outputs=False, image_shape=SHAPE)
    layout = Layout(4, 2, 2, 4)
    cohort = Cohort(shapes, features or every, layout, [version], [GroupStream(stream)] * 2).ready()
    cohort.admit({
        slot: Assignment(slot, c, other.get("seed", range(9, 13))[slot], (30, 7, 2), 45, 3, 20, 20)
        for slot, c in whole.items()
    })  # fmt: skip
    return cohort


def weights_of(cohort: Cohort, slot: int) -> list[np.ndarray]:
    """A slot's parameters, padding cut."""
    parameters = cohort.read_state().train.parameters
    return [parameters.weights[0][slot, :, :30], *(leaf[slot] for leaf in parameters.weights[1:])]


ALL = dict(enumerate(MIXED))


@pytest.mark.usefixtures("wide")
def test_alone_and_among_others() -> None:
    """A slot trains the same alone as among slots of other strengths: 4 epochs in double precision, to 1e-9."""
    together = cohort_of(ALL)
    told = together.run(4)
    assert told is not None
    for slot in ALL:
        alone = cohort_of({slot: ALL[slot]}, features=together.key.features)
        alone.run(4)
        assert grid.distance(weights_of(alone, slot), weights_of(together, slot)) < 1e-9
    own = cohort_of({2: ALL[2]})  # in a program that holds what it uses and no more
    own.run(4)
    assert grid.distance(weights_of(own, 2), weights_of(together, 2)) < 1e-9
    plain, bent = weights_of(together, 0), weights_of(together, 1)
    assert grid.distance(plain, bent) > 1e-3


@pytest.mark.usefixtures("wide")
def test_padded_inputs_change_nothing() -> None:
    """More padding of the inputs changes no draw, and padded inputs get no noise: their weights stay as they are."""
    one, other = cohort_of(ALL, larger=0), cohort_of(ALL, larger=10)
    for cohort in (one, other):
        cohort.run(4)
    for slot in ALL:
        assert grid.distance(weights_of(one, slot), weights_of(other, slot)) < 1e-9
    padding = other.read_state().train.parameters.weights[0][:, :, 30:]
    assert (padding == 0).all()


def test_the_same_again_bit_for_bit() -> None:
    """The same seeds give the same weights bit for bit, in one segment as in four, and other strengths other ones."""
    one, other = cohort_of(ALL, wide=False), cohort_of(ALL, wide=False)
    one.run(4)
    for _ in range(4):
        other.run(1, 1)
        other.run(1)
    for slot in ALL:
        assert grid.same_bits(weights_of(one, slot), weights_of(other, slot))


def test_measurements_are_of_rows_as_they_are() -> None:
    """At learning rate 0 the errors of train, dev and judge rows stay, while the cost of what was shown changes."""
    still = {**EVERYTHING, "learning_rate": 0.0, "mixup": 0.0}
    cohort = cohort_of({0: still, 1: {"learning_rate": 0.0}}, wide=False, seed=(4, 4))
    first, second = (cohort.run(1) for _ in range(2))
    assert first is not None and second is not None
    errors = slice(1, 7)
    assert (first.fields[:, errors] == second.fields[:, errors]).all()
    assert (first.fields[0, errors] == first.fields[1, errors]).all()  # of the same first weights
    assert first.fields[0, 0] != second.fields[0, 0]  # two epochs are shown other pictures
    np.testing.assert_allclose(first.fields[1, 0], second.fields[1, 0], rtol=1e-6)  # but not where nothing is changed


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("loss", ["softmax", "logistic", "squared"])
def test_the_cost_of_a_mixture(loss: str) -> None:
    """Mixup's cost is λ·L(yᵢ) + (1 − λ)·L(yⱼ) with each label's own weight, over the rows that are real."""
    generator = np.random.default_rng(0)
    outputs = {"softmax": 3, "logistic": 1, "squared": 1}[loss]
    shapes = Architecture(4, (), outputs, loss, 6, "float64")
    parameters, averages = first_layers(shapes, shapes.widths, kind="he", scale=1.0, seed=0)
    inputs = generator.normal(size=(6, 4))
    targets = generator.normal(size=6) if loss == "squared" else generator.integers(0, max(outputs, 2), 6)
    weights, partner, share = generator.uniform(0.5, 2.0, 6), np.array([2, 3, 4, 0, 1, 2]), 0.3
    present = np.array([1.0, 1, 1, 1, 1, 0])
    c = complete({"mixup": 1.0, "hidden": []})
    features = replace(features_of([c], weighted=True, padded_outputs=False))
    values = slot_values([Assignment(0, c, 0, shapes.widths, 6, 1, 1, 1)], shapes)
    own = {name: jnp.asarray(array[0]) for name, array in values.items()} | {"share": jnp.asarray(share)}
    batch = Batch(jnp.asarray(inputs), jnp.asarray(targets), jnp.asarray(weights * present), jnp.asarray(present),
                  jax.random.key(0), jnp.asarray(partner))  # fmt: skip
    used = parameters._replace(gammas=(), betas=())
    found, _ = batch_cost(used, averages, batch, own, features=features, loss=loss)
    z = inputs @ np.asarray(parameters.weights[0]).T

    def cost(labels: np.ndarray) -> np.ndarray:
        if loss == "squared":
            return 0.5 * (z[:, 0] - labels) ** 2
        if loss == "logistic":
            p = 1 / (1 + np.exp(-z[:, 0]))
            return -np.where(labels == 1, np.log(p), np.log(1 - p))
        return np.log(np.exp(z).sum(axis=1)) - z[np.arange(6), labels]

    mixed = share * weights * cost(targets) + (1 - share) * weights[partner] * cost(targets[partner])
    np.testing.assert_allclose(found, mixed[:5].sum() / 5, rtol=1e-12)


def test_a_slot_without_mixup_keeps_its_rows() -> None:
    """Beside slots that mix, a slot without mixup has shares of exactly 1."""
    keys = tick_keys(1, 0, np.arange(50))
    assert (shares(0.0, keys) == 1.0).all()
    assert (shares(0.3, keys) < 1.0).any()


def test_programs_hold_only_what_is_used() -> None:
    """A configuration without augmentation has none in its program; a union has what either uses."""
    plain, bent = (features_of([complete(c)], image_shape=SHAPE) for c in ({}, {"rotation": 5.0}))
    assert plain.augmentation == Augmentation() and not plain.augmentation.inputs
    assert bent.augmentation == Augmentation(rotation=True, image_shape=SHAPE)
    noisy = features_of([complete({"noise": 0.1})])
    assert noisy.augmentation == Augmentation(noise=True)
    assert union(bent, noisy).augmentation == Augmentation(rotation=True, noise=True, image_shape=SHAPE)
