"""The command line's --set and --vary."""

import pytest

from caviar.errors import SpaceError
from caviar.search.parsing import parse_set, parse_vary
from caviar.search.space import Space


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("learning_rate=0.01", "learning_rate", 0.01),
        (" learning_rate = 1e-2 ", "learning_rate", 0.01),
        ("hidden=64-32", "hidden", [64, 32]),
        ("hidden=64,32", "hidden", [64, 32]),
        ("hidden=[64, 32]", "hidden", [64, 32]),
        ("hidden=64", "hidden", [64]),
        ("hidden=", "hidden", []),
        ("hidden=none", "hidden", []),
        ('hidden=""', "hidden", []),
        ("keep_probability=0.8", "keep_probability", 0.8),
        ("keep_probability=0.8,0.5", "keep_probability", [0.8, 0.5]),
        ("batch_norm=true", "batch_norm", True),
        ("optimiser=Momentum", "optimiser", "momentum"),
    ],
)
def test_set(text: str, name: str, value: object) -> None:
    """--set NAME=VALUE gives the name and the checked value."""
    assert parse_set(text) == (name, value)


@pytest.mark.parametrize(
    ("text", "space"),
    [
        ("learning_rate=1e-4..1e-1", Space().vary("learning_rate", 1e-4, 1e-1)),
        ("learning_rate=..1e-2", Space().vary("learning_rate", high=1e-2)),
        ("learning_rate=0..1:linear", Space().vary("learning_rate", 0, 1, scale="linear")),
        ("beta_1=0.9..0.999", Space().vary("beta_1", 0.9, 0.999, scale="one_minus_log")),
        ("l2=.01..10:log:off=.25", Space().vary("l2", 0.01, 10, scale="log", off=0.25)),
        ("l2=.01..10:off=.25", Space().vary("l2", 0.01, 10, off=0.25)),
        ("batch_size=16..512:log", Space().vary("batch_size", 16, 512, scale="integer_log")),
        ("activation=relu, tanh", Space().choose("activation", "relu", "tanh")),
        ("batch_norm=no,yes", Space().choose("batch_norm", False, True)),
        ("hidden=none,64,64-32", Space().choose("hidden", [], [64], [64, 32])),
        ("keep_probability=1,0.8-0.5", Space().choose("keep_probability", 1.0, [0.8, 0.5])),
        ("learning_rate=1e-3,1e-2", Space().choose("learning_rate", 1e-3, 1e-2)),
        ("keep_probability=5e-1,1e-0", Space().choose("keep_probability", 0.5, 1.0)),
    ],
)
def test_vary(text: str, space: Space) -> None:
    """--vary gives the same axis as the method in Python."""
    assert Space().put(parse_vary(text)) == space


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("learning_rate", "not of the form NAME=VALUE"),
        ("=1", "not of the form"),
        ("learning_rate=", "gives no value"),
        ("learning_rate=1..2", "Write --vary learning_rate=1..2"),
        ("activation=relu,tanh", "Write --vary activation=relu,tanh"),
        ("lr=1", "Did you mean learning_rate"),
    ],
)
def test_set_refusals(text: str, rule: str) -> None:
    """What --set cannot read is answered by what to write instead."""
    with pytest.raises(SpaceError, match=rule):
        parse_set(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("learning_rate", "not of the form NAME=LOW..HIGH"),
        ("learning_rate=0.1", "--set learning_rate=0.1"),
        ("learning_rate=1..2..3", "must be a number"),
        ("learning_rate=a..b", "must be a number"),
        ("learning_rate=1e-3..1:logg", "There are: linear"),
        ("l2=1..2:off=some", "share such as off=0.25"),
        ("hidden=32..64", r"--vary hidden=A,B"),
        ("hidden=64,,32", "empty option"),
        ("optimiser=adam..rmsprop", "--vary optimiser=A,B"),
    ],
)
def test_vary_refusals(text: str, rule: str) -> None:
    """What --vary cannot read is answered by what to write instead."""
    with pytest.raises(SpaceError, match=rule):
        parse_vary(text)


def test_options_are_applied_together() -> None:
    """Options change a space at once, so that it does not matter which of two that need each other comes first."""
    space = Space().with_options(["hidden=8-8"], ["momentum=0.5..0.9", "optimiser=momentum,adam"])
    assert space == Space().fix(hidden=[8, 8]).vary("momentum", 0.5, 0.9).choose("optimiser", "momentum", "adam")
    assert Space().with_options() == Space()


def test_a_name_is_given_once() -> None:
    """A name that is set twice, or set and varied, is refused rather than decided by order."""
    for fixed, varied in [(["l2=1", "l2=2"], []), (["l2=1"], ["l2=1..2"]), ([], ["l2=1..2", "l2=1..3"])]:
        with pytest.raises(SpaceError, match="'l2' is given 2 times"):
            Space().with_options(fixed, varied)
