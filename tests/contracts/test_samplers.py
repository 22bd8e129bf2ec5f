"""What every sampler keeps, found by the table and put through one battery."""

import json
import math
from collections.abc import Callable

import pytest

from caviar.errors import SpaceError, StudyError
from caviar.search.hyperparameters import complete
from caviar.search.samplers import SAMPLERS, GridSampler, RandomSampler, Sampler
from caviar.search.space import Space

SPACES = {
    "nothing varies": Space(),
    "numbers": Space().vary("learning_rate", 1e-4, 1e-1).vary("beta_1", 0.9, 0.999).vary("l2", off=0.3),
    "conditional": Space().choose("optimiser", "adam", "momentum", "rmsprop").vary("momentum").vary("beta_2"),
    "structures": Space().widths([32, 16], [32]).choose("batch_size", 32, 64).vary("learning_rate").vary("l1", off=0.4),
    "linear and deep": Space().choose("hidden", [], [8] * 3).vary("keep_probability").choose("batch_norm", 0, 1),
    "whole numbers": Space().fix(decay="staircase").vary("decay_steps", 1, 50, scale="log").vary("decay_base"),
}
CASES = [(name, space) for name in SAMPLERS for space in SPACES]
battery = pytest.mark.parametrize(("name", "space"), CASES, ids=[f"{name}-{space}" for name, space in CASES])


def make(name: str, space: str, seed: int = 0) -> tuple[Sampler, list[dict]]:
    """A sampler and the structures that it will be asked for."""
    return SAMPLERS[name](SPACES[space], seed), SPACES[space].structures(seed, 3)


def run(sampler: Sampler, structures: list[dict], batches: list[int]) -> list[dict]:
    """Ask batch by batch, structure by structure in turn, and tell something of each trial."""
    asked: list[dict] = []
    for number, size in enumerate(batches):
        for configuration in sampler.ask(size, structures[number % len(structures)]):
            sampler.tell(len(asked), 1, 0.1 * len(asked), "running")
            asked.append(configuration)
    return asked


@battery
def test_configurations_are_complete_and_in_the_space(name: str, space: str) -> None:
    """Every configuration is complete, lies in the space, has the structure asked for, and is plain JSON."""
    sampler, structures = make(name, space)
    for structure in structures:
        for configuration in sampler.ask(5, structure):
            assert configuration == complete(configuration)
            assert SPACES[space].contains(configuration)
            assert json.loads(json.dumps(configuration)) == configuration
            assert configuration["batch_size"] == structure["batch_size"]
            assert len(configuration["hidden"]) == len(structure["hidden"])
            assert all(w <= b for w, b in zip(configuration["hidden"], structure["hidden"], strict=True))


@battery
def test_same_seed_same_configurations(name: str, space: str) -> None:
    """The seed and the asking decide everything."""
    sampler, structures = make(name, space)
    again, _ = make(name, space)
    assert run(sampler, structures, [3, 4, 5]) == run(again, structures, [3, 4, 5])


@pytest.mark.parametrize("name", SAMPLERS)
def test_other_seed_other_configurations(name: str) -> None:
    """Another seed proposes something else, or in another order."""
    one, structures = make(name, "numbers", seed=0)
    two, _ = make(name, "numbers", seed=1)
    assert one.ask(6, structures[0])[1:] != two.ask(6, structures[0])[1:]


@battery
@pytest.mark.parametrize("phase", range(5))
def test_stopped_and_restored_at_any_phase(name: str, space: str, phase: int) -> None:
    """A sampler restored from JSON at any moment goes on as the one that was never stopped."""
    batches = [1, 4, 2, 6]
    whole, structures = make(name, space)
    expected = run(whole, structures, batches)
    first, _ = make(name, space)
    before = run(first, structures, batches[:phase])
    second, _ = make(name, space)
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    turned = structures[phase % len(structures) :] + structures[: phase % len(structures)]
    assert before + run(second, turned, batches[phase:]) == expected
    assert second.state() == whole.state()


@battery
def test_batches_do_not_matter(name: str, space: str) -> None:
    """Asking for four and four gives what asking for eight gives."""
    one, structures = make(name, space)
    two, _ = make(name, space)
    assert one.ask(4, structures[0]) + one.ask(4, structures[0]) == two.ask(8, structures[0])


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("space", ["numbers", "structures"])
def test_configurations_differ(name: str, space: str) -> None:
    """No configuration is proposed twice where the space is wide enough."""
    sampler, structures = make(name, space)
    found = [json.dumps(c) for structure in structures for c in sampler.ask(40, structure)]
    assert len(found) == len(set(found)) > 5


@battery
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_being_told_nonsense_breaks_nothing(name: str, space: str, value: float) -> None:
    """A diverged trial, an unknown one or one told again leaves a sampler that goes on and can be saved."""
    sampler, structures = make(name, space)
    sampler.ask(2, structures[0])
    for trial in (0, 0, 1, 999):
        sampler.tell(trial, 3, value, "diverged")
    found = sampler.ask(3, structures[0])
    assert all(configuration == complete(configuration) for configuration in found)
    json.dumps(sampler.state(), allow_nan=False)


@pytest.mark.parametrize("name", SAMPLERS)
def test_another_studys_state_is_refused(name: str) -> None:
    """The state of another seed or another sampler is refused with a sentence."""
    sampler, _ = make(name, "numbers")
    other, _ = make(name, "numbers", seed=1)
    for state in (other.state(), {**sampler.state(), "sampler": "guess"}, {}):
        with pytest.raises(StudyError, match="Resume with the sampler and the seed"):
            sampler.restore(state)


@pytest.mark.parametrize("name", SAMPLERS)
def test_impossible_seeds_and_spaces_are_refused(name: str) -> None:
    """A negative seed, or a space in which something varies for nothing, is refused before anything trains."""
    with pytest.raises(SpaceError, match="whole number from 0"):
        SAMPLERS[name](Space(), -1)
    with pytest.raises(SpaceError, match="does not use it"):
        SAMPLERS[name](Space().vary("momentum"), 0)


@pytest.mark.parametrize("space", SPACES)
def test_random_begins_with_the_strong_default(space: str) -> None:
    """The first random configuration is trial 0, and each draw depends on its place alone."""
    sampler, structures = make("random", space)
    assert sampler.ask(1, structures[0]) == [SPACES[space].default_configuration()]
    fresh, _ = make("random", space)
    fresh.ask(1, structures[-1])
    assert fresh.ask(3, structures[0]) == sampler.ask(3, structures[0])


def test_25_random_points_try_25_values_and_a_grid_5() -> None:
    """Of 25 trials, random search tries 25 values of each hyperparameter, a grid of 5 by 5 tries 5."""
    space = Space().vary("learning_rate", 1e-4, 1e-1).vary("l2", 1e-2, 10)
    structure = space.structures(0, 1)[0]
    for sampler, tried in [(RandomSampler(space, 0), 25), (GridSampler(space, 0, points=5), 5)]:
        found = sampler.ask(25, structure)
        assert [len({c[name] for c in found}) for name in space.varied] == [tried, tried]


def test_a_grid_is_complete_and_ends() -> None:
    """A grid asks every combination of each structure once, leaves out what the optimiser ignores, then nothing."""
    space = SPACES["conditional"]
    sampler = GridSampler(space, 0, points=3)
    found = sampler.ask(10_000, space.structures(0, 1)[0])
    assert len(found) == 3 + 3 + 3 == len({json.dumps(c) for c in found})
    assert {(c["optimiser"], c["momentum"]) for c in found if c["optimiser"] != "momentum"} == {
        ("adam", 0.9),
        ("rmsprop", 0.9),
    }
    assert sorted(c["momentum"] for c in found if c["optimiser"] == "momentum") == pytest.approx(
        [0.8, 0.98586, 0.999], abs=1e-5
    )
    assert sampler.ask(1, space.structures(0, 1)[0]) == []


def test_a_grid_has_its_ends_and_its_off_value() -> None:
    """The points of a range are even on its scale from end to end, and "off" is a point of its own."""
    space = Space().vary("l2", 0.01, 100, off=0.2)
    found = GridSampler(space, 3, points=5).ask(99, space.structures(0, 1)[0])
    assert sorted(c["l2"] for c in found) == pytest.approx([0, 0.01, 0.1, 1, 10, 100])
    assert [c["l2"] for c in GridSampler(space, 0, points=1).ask(9, {})] != []


def test_a_huge_grid_is_refused() -> None:
    """A grid above 100 000 points is refused with its size, axis by axis, and ways out."""
    space = Space().vary("l1").vary("l2").vary("weight_decay").vary("warmup").vary("label_smoothing")
    GridSampler(space, 0, points=10)
    with pytest.raises(SpaceError, match=r"161\xa0051 points.*l1 11.*random search"):
        GridSampler(space, 0, points=11)
    with pytest.raises(SpaceError, match="at least 1 point"):
        GridSampler(space, 0, points=0)


def test_samplers_are_made_by_name() -> None:
    """The table makes each of its samplers from a space and a seed."""
    makers: dict[str, Callable[[Space, int], Sampler]] = SAMPLERS
    assert isinstance(makers["random"](Space(), 0), RandomSampler)
    assert isinstance(makers["grid"](Space(), 0), GridSampler)
