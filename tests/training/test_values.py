"""A slot's hyperparameters as the numbers that the program reads."""

import numpy as np
import pytest

from caviar.networks.activations import NAMES
from caviar.networks.architecture import Architecture
from caviar.search.hyperparameters import complete
from caviar.training.values import Assignment, schedule, slot_values

SHAPES = Architecture(6, (8, 6), 4, dtype="float64")


def assigned(shapes=SHAPES, class_weights=(), **configuration):
    """An assignment of widths 5-7-4-3 with 50 examples and 4 updates an epoch."""
    own = complete({"hidden": [7, 4], **configuration})
    return Assignment(0, own, 1, (5, 7, 4, 3), 50, 4, horizon=6, stop_at=6, class_weights=class_weights)


def values(*slots, shapes=SHAPES):
    """The values of some slots."""
    return slot_values(slots, shapes)


def test_every_value_of_a_slot():
    """All hyperparameters arrive: penalties over m, 1 − β, index of the activation, one keep probability a layer."""
    found = values(
        assigned(
            optimiser="adam", beta_1=0.8, beta_2=0.99, epsilon=1e-5, l1=2.0, l2=3.0, weight_decay=0.1, clip_norm=0.5,
            label_smoothing=0.1, keep_probability=[0.5, 0.7], input_keep_probability=0.9, activation="gelu",
            batch_norm=True, batch_norm_place="after", penalise_biases=True,
        )
    )  # fmt: skip
    one = {name: array[0].tolist() for name, array in found.items()}
    assert one == {
        "units": [7, 4], "activation": NAMES.index("gelu"), "keep_probability": [0.5, 0.7],
        "input_keep_probability": 0.9, "batch_norm": True, "batch_norm_after": True,
        "batch_norm_output": False, "batch_norm_train_set": False, "penalise_biases": True,
        "one_minus_beta_1": pytest.approx(0.2),
        "one_minus_beta_2": pytest.approx(0.01), "epsilon": 1e-5, "nesterov": False, "with_momentum": True,
        "adaptive": True, "l1": 0.04, "l2": 0.06, "weight_decay": 0.1, "clip_norm": 0.5, "smoothing": 0.1, "classes": 3,
        "class_weights": [1.0] * 4, "augmentation": [0.0] * 7 + [4.0, 0.0, 0.0],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("optimiser", "one_minus_beta_1", "one_minus_beta_2"),
    [("gradient_descent", 1.0, 1.0), ("momentum", 0.3, 1.0), ("nesterov", 0.3, 1.0), ("rmsprop", 1.0, 0.1),
     ("adam", 0.1, 0.001)],
)  # fmt: skip
def test_each_optimiser_reads_its_own_numbers(optimiser, one_minus_beta_1, one_minus_beta_2):
    """Momentum and Nesterov read `momentum`, RMSprop `beta_2` (0.9 unless set), Adam β₁ and β₂, and no more."""
    found = values(assigned(optimiser=optimiser, momentum=0.7))
    assert found["one_minus_beta_1"][0] == pytest.approx(one_minus_beta_1)
    assert found["one_minus_beta_2"][0] == pytest.approx(one_minus_beta_2)


def test_one_minus_beta_is_computed_in_double_precision():
    """β₂ = 0.999999 in a program of single precision arrives as 1e-6 to single precision's own rounding."""
    found = slot_values([assigned(beta_2=0.999999)], Architecture(6, (8, 6), 4, dtype="float32"))
    assert found["one_minus_beta_2"].dtype == np.float32
    assert found["one_minus_beta_2"][0] == pytest.approx(1e-6, rel=1e-6)
    assert abs((1 - np.float32(0.999999)) - 1e-6) > 1e-8  # what single precision would make of it


def test_an_empty_slot_gets_harmless_values():
    """An empty slot has values of the same shapes and types as a full one, all finite but the norm to clip by."""
    found = values(None, assigned(), None)
    alone = values(assigned())
    for name, array in found.items():
        assert array.shape == (3, *alone[name].shape[1:]) and array.dtype == alone[name].dtype
        assert np.array_equal(array[1], alone[name][0])
        if name != "clip_norm":
            assert np.isfinite(array[0]).all()


def test_class_weights_are_padded_with_ones():
    """Weights of three classes in an architecture of four leave the padded class at 1."""
    assert values(assigned(class_weights=(0.5, 1.0, 1.5)))["class_weights"].tolist() == [[0.5, 1.0, 1.5, 1.0]]


def test_logistic_loss_has_two_classes():
    """With one output for two classes there is room for two class weights, beside slots without any."""
    shapes = Architecture(6, (8, 6), 1, "logistic")
    found = values(assigned(class_weights=(0.5, 1.5)), None, assigned(), shapes=shapes)
    assert found["class_weights"].tolist() == [[0.5, 1.5], [1.0, 1.0], [1.0, 1.0]]


def test_no_hidden_layer_needs_no_units():
    """A linear model has empty lists of units and keep probabilities."""
    linear = Assignment(0, complete({"hidden": []}), 1, (5, 3), 50, 4, 6, 6)
    found = slot_values([linear, None], Architecture(6, (), 4))
    assert found["units"].shape == (2, 0) and found["keep_probability"].shape == (2, 0)


def test_the_schedule_of_each_slot():
    """Every slot has the rate and corrections of its own updates; empty slots stand still; only Adam is corrected."""
    t = [np.array([3, 4]), np.array([1, 2]), np.array([1, 2]), np.array([7, 8])]
    slots = [
        assigned(optimiser="adam", learning_rate=0.1, beta_1=0.9, beta_2=0.99),
        None,
        assigned(optimiser="rmsprop", learning_rate=0.3, decay="inverse_time", decay_rate=1.0),
        assigned(optimiser="momentum", learning_rate=0.2, decay="exponential", decay_base=0.5),
    ]
    table = schedule(slots, t)
    assert table.dtype == np.float64 and table.shape == (4, 2, 3)
    assert table[:, :, 0] == pytest.approx(np.array([[0.1, 0.1], [0, 0], [0.3, 0.3], [0.1, 0.1]]))
    assert table[0, :, 1] == pytest.approx([1 / (1 - 0.9**3), 1 / (1 - 0.9**4)])
    assert table[0, :, 2] == pytest.approx([1 / (1 - 0.99**3), 1 / (1 - 0.99**4)])
    assert (table[1:, :, 1:] == 1.0).all()
