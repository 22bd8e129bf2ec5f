"""One row for each hyperparameter, and sentences for what is not allowed."""

import json
import math

import numpy as np
import pytest

from caviar.errors import SpaceError
from caviar.search.hyperparameters import (
    HYPERPARAMETERS,
    complete,
    default_configuration,
    look_up,
)


@pytest.mark.parametrize("name", HYPERPARAMETERS)
def test_default_is_allowed(name: str) -> None:
    """Every row allows its own default, its own choices, its own range and the value at which it is off."""
    row = HYPERPARAMETERS[name]
    allowed = [row.default, *row.choices, *(row.range or ()), *([row.off] if row.off is not None else [])]
    for value in allowed:
        assert row.check(value) == (list(value) if isinstance(value, tuple) else value)
    assert row.meaning and (row.needs is None or row.needs[0] in HYPERPARAMETERS)


@pytest.mark.parametrize("name", HYPERPARAMETERS)
@pytest.mark.parametrize("value", [None, "", "much", math.nan, {"a": 1}, b"1", object()])
def test_nonsense_gets_a_sentence(name: str, value: object) -> None:
    """Nonsense is answered by a SpaceError that names the hyperparameter, and by no other error."""
    if (name, value) in (("hidden", ""), ("class_weight", None)):
        return  # no hidden layers, no weights: read as what they say
    with pytest.raises(SpaceError, match=name):
        look_up(name).check(value)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("hidden", "64-32", [64, 32]),
        ("hidden", "[64, 32]", [64, 32]),
        ("hidden", "64 32", [64, 32]),
        ("hidden", "none", []),
        ("hidden", 64, [64]),
        ("hidden", np.array([8, 4]), [8, 4]),
        ("hidden", [], []),
        ("batch_norm", "yes", True),
        ("batch_norm", 0, False),
        ("optimiser", " Adam ", "adam"),
        ("learning_rate", np.float64(0.5), 0.5),
        ("keep_probability", "0.8,0.5", [0.8, 0.5]),
        ("keep_probability", (1, 0.5), [1.0, 0.5]),
        ("batch_size", "64", 64),
        ("clip_norm", "inf", math.inf),
    ],
)
def test_readings(name: str, given: object, kept: object) -> None:
    """What a person may write is read into one plain type that goes into JSON."""
    value = look_up(name).check(given)
    assert value == kept and type(value) is type(kept)
    assert json.loads(json.dumps(value)) == kept


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("learning_rate", -1, "between 0 and 1000. Got -1"),
        ("learning_rate", True, "must be a number"),
        ("batch_size", 1.5, "whole number"),
        ("batch_size", math.inf, "whole number"),
        ("batch_size", 0, "between 1"),
        ("hidden", [0], "from 1 to 65536"),
        ("hidden", "-3", "from 1 to 65536"),
        ("hidden", [2.5], "whole widths"),
        ("hidden", "64x32", "whole widths"),
        ("hidden", [1] * 201, "at most 200"),
        ("hidden", True, "linear model"),
        ("keep_probability", [0.5, 0.0], "share of hidden units"),
        ("optimiser", "sgd", "gradient_descent, momentum"),
        ("beta_1", 1.0, "between 0 and 1"),
    ],
)
def test_refusals(name: str, value: object, rule: str) -> None:
    """A value that is not allowed is refused with the rule and the value."""
    with pytest.raises(SpaceError, match=rule):
        look_up(name).check(value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lr", "learning_rate"),
        ("dropout", "1 − the dropped share"),
        ("optimizer", "optimiser"),
        ("beta2", "beta_2"),
        ("learning-rate", "learning_rate"),
        ("momentun", "momentum"),
        ("hidden_layer_sizes", "hidden"),
    ],
)
def test_other_names(name: str, meant: str) -> None:
    """A name from another library, or one with a slip, is answered by the name that was meant."""
    with pytest.raises(SpaceError, match=f"Did you mean .*{meant}"):
        look_up(name)


def test_unknown_name_lists_all() -> None:
    """A name that nothing comes near is answered by the whole list."""
    with pytest.raises(SpaceError, match=r"There are: learning_rate, .*encoding"):
        look_up("zzzz")


def test_complete_fills_and_checks() -> None:
    """A configuration is completed with defaults; RMSprop's β is 0.9 unless it is given."""
    assert complete({}) == default_configuration()
    assert complete({"optimiser": "rmsprop"})["beta_2"] == 0.9
    assert complete({"optimiser": "rmsprop", "beta_2": 0.99})["beta_2"] == 0.99
    assert complete({"optimiser": "adam"})["beta_2"] == 0.999
    with pytest.raises(SpaceError, match="lists 1 values but 'hidden' has 2 layers"):
        complete({"keep_probability": [0.5], "hidden": [4, 4]})


def test_defaults_are_not_shared() -> None:
    """Changing one configuration changes no other."""
    default_configuration()["hidden"].append(1)
    assert default_configuration()["hidden"] == [128, 64]


@pytest.mark.parametrize(
    ("name", "matters", "idle"),
    [
        ("momentum", {"optimiser": "nesterov"}, {"optimiser": "adam"}),
        ("beta_1", {}, {"optimiser": "rmsprop"}),
        ("beta_2", {"optimiser": "rmsprop"}, {"optimiser": "momentum"}),
        ("decay_base", {"decay": "staircase"}, {"decay": "cosine"}),
        ("decay_steps", {"decay": "staircase"}, {"decay": "exponential"}),
        ("keep_probability", {"hidden": [3]}, {"hidden": []}),
    ],
)
def test_what_matters_beside_what(name: str, matters: dict, idle: dict) -> None:
    """A hyperparameter matters beside those values of another that use it, and beside no others."""
    assert look_up(name).matters(matters)
    assert not look_up(name).matters(idle)
