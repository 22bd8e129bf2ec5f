"""The space: ranges and scales, structures, draws, round trips, sentences."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.errors import SpaceError
from caviar.search.hyperparameters import HYPERPARAMETERS, complete, default_configuration
from caviar.search.space import Space

STRUCTURE = {"hidden": [128, 64], "batch_size": 64, "encoding": "standard"}


def draws(space: Space, count: int = 400, structure: dict | None = None) -> list[dict]:
    """Configurations keyed by their index."""
    chosen = structure or space.structures(0, 1)[0]
    return [space.draw(np.random.default_rng([7, index]), chosen) for index in range(count)]


def values(space: Space, name: str, count: int = 2000) -> np.ndarray:
    """One hyperparameter of many draws."""
    return np.array([configuration[name] for configuration in draws(space, count)])


def test_empty_space_is_the_defaults() -> None:
    """Without axes every draw is the default configuration."""
    assert Space().default_configuration() == default_configuration()
    assert draws(Space(), 3) == [default_configuration()] * 3
    assert Space().structures(0, 4) == [{"hidden": [128, 64], "batch_size": 64, "encoding": "standard"}]


def test_log_range_gives_each_decade_its_share() -> None:
    """On [1e-4, 1] logarithmic draws put a quarter in each decade, uniform ones nine tenths above 0.1."""
    logarithmic = values(Space().vary("learning_rate", 1e-4, 1.0, scale="log"), "learning_rate")
    shares = np.histogram(np.log10(logarithmic), bins=[-4, -3, -2, -1, 0])[0] / len(logarithmic)
    assert np.abs(shares - 0.25).max() < 0.04
    uniform = values(Space().vary("learning_rate", 1e-4, 1.0, scale="linear"), "learning_rate")
    assert abs(np.mean(uniform > 0.1) - 0.9) < 0.03


def test_one_minus_log_gives_each_horizon_its_share() -> None:
    """β between 0.9 and 0.99 is drawn as often as between 0.99 and 0.999."""
    beta = values(Space().vary("beta_1", 0.9, 0.999), "beta_1")
    assert beta.min() >= 0.9 and beta.max() <= 0.999
    assert abs(np.mean(beta < 0.99) - 0.5) < 0.04


def test_whole_numbers_include_both_ends() -> None:
    """A range of whole numbers gives each of them alike, both ends included."""
    steps = values(Space().fix(decay="staircase").vary("decay_steps", 2, 5), "decay_steps")
    counts = np.bincount(steps.astype(int))
    assert list(np.flatnonzero(counts)) == [2, 3, 4, 5] and counts[2:].min() > 400


def test_whole_numbers_on_a_logarithmic_scale() -> None:
    """Whole numbers on a logarithmic scale reach both ends, half of them below the geometric middle."""
    steps = values(Space().fix(decay="staircase").vary("decay_steps", 1, 100, scale="log"), "decay_steps")
    assert steps.min() == 1 and steps.max() == 100
    assert abs(np.mean(steps < 10) - 0.5) < 0.04


def test_share_that_is_off() -> None:
    """With off=0.25 a quarter of the trials have no penalty, and the rest lie in the range."""
    l2 = values(Space().vary("l2", 1e-2, 10, off=0.25), "l2")
    assert abs(np.mean(l2 == 0) - 0.25) < 0.03
    assert (l2[l2 > 0] >= 1e-2).all() and l2.max() <= 10
    keep = values(Space().vary("keep_probability", 0.5, 0.9, off=0.4), "keep_probability")
    assert abs(np.mean(keep == 1.0) - 0.4) < 0.04


def test_ignored_values_stay_at_their_default() -> None:
    """What the drawn optimiser ignores is recorded at its default, and varies where it is used."""
    space = Space().choose("optimiser", "adam", "momentum", "rmsprop").vary("momentum").vary("beta_1")
    found = draws(space)
    for configuration in found:
        if configuration["optimiser"] != "momentum":
            assert configuration["momentum"] == 0.9
        if configuration["optimiser"] != "adam":
            assert configuration["beta_1"] == 0.9
    assert len({c["momentum"] for c in found if c["optimiser"] == "momentum"}) > 50
    assert {c["beta_2"] for c in found if c["optimiser"] == "rmsprop"} == {0.9}
    assert {c["beta_2"] for c in found if c["optimiser"] == "adam"} == {0.999}


def test_one_axis_more_leaves_the_others() -> None:
    """Another axis does not change what the others draw, so that spaces can be compared trial by trial."""
    one = Space().vary("learning_rate", 1e-4, 1e-1).widths([128, 64])
    two = one.vary("l2", 1e-2, 10).choose("activation", "tanh", "relu")
    for a, b in zip(draws(one, 20), draws(two, 20), strict=True):
        assert a["learning_rate"] == b["learning_rate"] and a["hidden"] == b["hidden"]


def test_widths_stay_below_their_bucket() -> None:
    """Widths vary between three quarters of the bucket and the bucket, and use at least 60 % of the arithmetic."""
    space = Space().widths([128, 64], [32])
    found = draws(space, 300, STRUCTURE)
    first, second = np.array([configuration["hidden"] for configuration in found]).T
    assert (first.min(), first.max(), second.min(), second.max()) == (96, 128, 48, 64)
    useful = (64 * first + first * second + second * 10) / (64 * 128 + 128 * 64 + 64 * 10)
    assert useful.mean() > 0.75 and useful.min() > 0.6
    assert space.default_configuration()["hidden"] == [128, 64]
    assert space.default_configuration({"hidden": [32]})["hidden"] == [32]


def test_options_of_hidden_are_exact() -> None:
    """A person's own choice of layers is trained as written, not below a bucket."""
    space = Space().choose("hidden", [64, 32], [], [7])
    assert space.structures(0, 9)[0]["hidden"] == [64, 32]
    assert sorted(structure["hidden"] for structure in space.structures(0, 9)) == [[], [7], [64, 32]]
    assert {tuple(c["hidden"]) for c in draws(space, 9, {"hidden": [7]})} == {(7,)}


def test_structures_cover_before_they_repeat() -> None:
    """The first structure is trial 0's; the next ones show every option as soon as can be, and none comes twice."""
    space = (
        Space()
        .choose("hidden", [64], [32, 32], [16] * 3)
        .choose("batch_size", 64, 128)
        .choose("encoding", "standard", "quantile")
    )
    for seed in range(8):
        found = space.structures(seed, 3)
        assert found[0] == {"hidden": [64], "batch_size": 64, "encoding": "standard"}
        for name, options in (("hidden", 3), ("batch_size", 2), ("encoding", 2)):
            assert len({str(structure[name]) for structure in found}) == options
        assert space.structures(seed, 2) == found[:2]
    everything = space.structures(0, 100)
    assert len(everything) == 12 == len({json.dumps(structure) for structure in everything})


def test_structures_of_a_range_are_few() -> None:
    """A range of batch sizes gives a few whole sizes within it, so that programs stay few."""
    space = Space().vary("batch_size", 16, 512, scale="log")
    found = [structure["batch_size"] for structure in space.structures(3, 100)]
    assert found[0] == 64 and 2 <= len(found) <= 9
    assert all(isinstance(size, int) and 16 <= size <= 512 for size in found)


def test_structures_of_a_huge_space_come_at_once() -> None:
    """Very many combinations are sampled instead of listed."""
    space = Space().choose("hidden", *([width] for width in range(1, 3000)))
    space = space.choose("batch_size", *range(1, 200)).choose("encoding", "standard", "robust")
    assert len({json.dumps(structure) for structure in space.structures(0, 5)}) == 5


def test_nothing_is_changed_in_place() -> None:
    """Every method gives a new space; what is drawn can be changed without changing the space."""
    space = Space().fix(hidden=[4, 4])
    space.fix(l2=1.0).vary("momentum", 0.5, 0.9).choose("activation", "relu", "tanh")
    assert space == Space().fix(hidden=[4, 4])
    space.default_configuration()["hidden"].append(9)
    space.structures(0)[0]["hidden"].append(9)
    assert space.default_configuration()["hidden"] == [4, 4]


def test_last_word_counts_and_order_does_not() -> None:
    """Fixing undoes varying and the other way round; the order of writing is not part of a space."""
    space = Space().vary("l2").fix(l2=1.0)
    assert space == Space().fix(l2=1.0) and space.varied == ()
    assert space.vary("l2", 0.5, 2).varied == ("l2",) and space.vary("l2", 0.5, 2).fixed == ()
    one = Space().fix(momentum=0.5).vary("l2").choose("activation", "relu", "tanh")
    two = Space().choose("activation", "relu", "tanh").vary("l2").fix(momentum=0.5)
    assert one == two and hash(one) == hash(two)


def test_survives_copies() -> None:
    """A space can be copied and pickled, as scikit-learn's tools do with parameters."""
    space = Space().fix(hidden=[4], clip_norm=math.inf).vary("l2", off=0.5).widths([64])
    assert copy.deepcopy(space) == space == pickle.loads(pickle.dumps(space))


NUMBERS = sorted(name for name, row in HYPERPARAMETERS.items() if row.range is not None)
CHOICES = sorted(name for name, row in HYPERPARAMETERS.items() if len(row.choices) > 1)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Any space that a person may write."""
    space = Space()
    for name in draw(st.lists(st.sampled_from(NUMBERS), unique=True, max_size=6)):
        row = HYPERPARAMETERS[name]
        whole = row.scale == "integer"
        low, high = row.range or (0, 1)
        ends = sorted(draw(st.tuples(*2 * [st.integers(int(low), int(high)) if whole else st.floats(low, high)])))
        if ends[0] < ends[1]:
            off = draw(st.floats(0, 0.9)) if row.off is not None else 0.0
            scale = None if ends[0] > 0 else "linear"
            space = space.vary(name, *ends, scale=scale, off=off)
    for name in draw(st.lists(st.sampled_from(CHOICES), unique=True, max_size=4)):
        options = draw(st.lists(st.sampled_from(HYPERPARAMETERS[name].choices), unique=True, min_size=1))
        space = space.choose(name, *options) if len(options) > 1 else space.fix(**{name: options[0]})
    widths = st.lists(st.integers(1, 300), max_size=4)
    for kind in (draw(st.sampled_from(["none", "fix", "choose", "widths"])),):
        buckets = draw(st.lists(widths, min_size=2, max_size=4, unique_by=tuple))
        if kind == "fix":
            space = space.fix(hidden=buckets[0])
        elif kind != "none":
            space = space.choose("hidden", *buckets) if kind == "choose" else space.widths(*buckets)
    return space


@settings(max_examples=150, deadline=None)
@given(spaces(), st.integers(0, 2**32))
def test_any_space_round_trips_and_contains_its_draws(space: Space, seed: int) -> None:
    """Any space comes back exactly from strict JSON, draws only complete configurations, and contains them."""
    again = Space.from_dict(json.loads(json.dumps(space.to_dict(), allow_nan=False)))
    assert again == space
    try:
        space.check()
    except SpaceError:
        return  # something varies that no trial would use
    for structure in space.structures(seed, 3):
        configuration = space.draw(np.random.default_rng(seed), structure)
        assert configuration == complete(configuration)
        assert space.contains(configuration), space
        assert configuration["batch_size"] == structure["batch_size"]
        assert again.draw(np.random.default_rng(seed), structure) == configuration
    assert space.contains(space.default_configuration())


def test_contains_refuses_strangers() -> None:
    """A configuration outside a range, a choice, a bucket or a fixed value is not in the space."""
    space = Space().vary("learning_rate", 1e-3, 1e-2).choose("activation", "relu", "tanh").widths([64]).fix(l2=1.0)
    inside = space.default_configuration()
    assert space.contains(inside)
    for name, value in [("learning_rate", 0.1), ("activation", "gelu"), ("hidden", [40]), ("hidden", [64, 64])]:
        assert not space.contains(inside | {name: value})
    for name, value in [("l2", 0.0), ("optimiser", "momentum"), ("momentum", 0.5)]:
        assert not space.contains(inside | {name: value})


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda s: s.fix(lr=1), "Did you mean learning_rate"),
        (lambda s: s.vary("learning_rate", 1e-1, 1e-4), r"must rise: 0.1 is not below 0.0001"),
        (lambda s: s.vary("learning_rate", 1, 1), "must rise"),
        (lambda s: s.vary("learning_rate", 0, 1), "must begin above 0"),
        (lambda s: s.vary("l2", 0, 1), "with off=0.25"),
        (lambda s: s.vary("learning_rate", 1e-4, 1e4), "between 0 and 1000"),
        (lambda s: s.vary("learning_rate", 1e-4, 1, scale="geometric"), "linear, log"),
        (lambda s: s.vary("learning_rate", 1e-4, 1, off=0.5), "cannot be off"),
        (lambda s: s.vary("l2", 1e-4, 1, off=1.0), "share of trials"),
        (lambda s: s.vary("l2", 1e-4, 1, start=-1), "Got -1"),
        (lambda s: s.vary("keep_probability", 0.5, 1.0, scale="one_minus_log"), "must end below 1"),
        (lambda s: s.vary("keep_probability", [0.5, 0.5], 1.0), "two numbers as its ends"),
        (lambda s: s.vary("clip_norm", 1, math.inf), "finite"),
        (lambda s: s.vary("decay_steps", 1.5, 3), "whole number"),
        (lambda s: s.vary("warmup", 0.5, 3, scale="integer"), "whole ends"),
        (lambda s: s.vary("optimiser"), "Space.choose"),
        (lambda s: s.vary("hidden", 32, 64), r"Space.choose\('hidden', \[64, 32\]"),
        (lambda s: s.choose("hidden", [64]), r"at least two different"),
        (lambda s: s.choose("decay", "cosine", "cosine"), "at least two different"),
        (lambda s: s.choose("decay"), "at least two different"),
        (lambda s: s.choose("decay", "cosine", "linear"), "must be one of"),
        (lambda s: s.widths(), "at least one bucket"),
        (lambda s: s.widths([64], smallest=0), "above 0"),
        (lambda s: s.vary("momentum").check(), "'optimiser' is always adam, which does not use it"),
        (lambda s: s.fix(hidden=[]).vary("keep_probability").structures(0), "Allow hidden layers"),
        (lambda s: s.fix(keep_probability=[0.5, 0.5]).widths([64]).structures(0), "'hidden' has 1 layers"),
        (lambda s: Space.from_dict({}), "'fixed' and 'axes'"),
        (lambda s: Space.from_dict({"fixed": {}, "axes": [{"kind": "range"}]}), "damaged"),
        (lambda s: Space.from_dict({"fixed": {}, "axes": [{"kind": "wave"}]}), "unknown kind"),
    ],
)
def test_refusals(change: object, rule: str) -> None:
    """What cannot be searched is refused with the rule, the value and the way out."""
    with pytest.raises(SpaceError, match=rule):
        change(Space())  # type: ignore[operator]


def test_a_list_of_options_is_taken_as_the_options() -> None:
    """Options given as one list are the options, where no list can be a value itself."""
    assert Space().choose("activation", ["relu", "tanh"]) == Space().choose("activation", "relu", "tanh")
    assert Space().choose("hidden", [[8], [4, 4]]) == Space().choose("hidden", [8], [4, 4])


def test_is_written_for_a_person() -> None:
    """A space prints one line for each thing that varies or is fixed."""
    space = Space().vary("l2", 1e-2, 10, off=0.25).choose("hidden", [], [64, 32]).fix(activation="tanh")
    assert str(space).splitlines() == [
        "l2: 0.01 to 10 (log, off 25%)",
        "hidden: none or 64-32",
        "activation: tanh",
    ]


def test_lists_of_widths_that_are_alike_share_a_program_and_keep_their_order() -> None:
    """Small networks of one depth ride in one program; large ones only where each fills half of its bucket."""
    small = Space().choose("hidden", [32, 32], [128], [128, 64])
    assert [structure["hidden"] for structure in small.structures(0)] == [[128, 64], [128]]
    assert small.default_configuration()["hidden"] == [32, 32]
    large = Space().choose("hidden", [1024], [900], [256])
    assert [structure["hidden"] for structure in large.structures(0)] == [[1024], [256]]


def test_every_list_of_widths_of_a_bucket_is_drawn() -> None:
    """A structure's draws are the chosen lists alone, each about as often as the others."""
    space = Space().choose("hidden", [32, 32], [64, 32], [128, 64])
    (structure,) = space.structures(0)
    generator = np.random.default_rng(0)
    drawn = [tuple(space.draw(generator, structure)["hidden"]) for _ in range(300)]
    assert set(drawn) == {(32, 32), (64, 32), (128, 64)}
    assert min(map(drawn.count, set(drawn))) > 70
