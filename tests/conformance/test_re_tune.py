"""Re-tune: a study is done again on new data, starting from what is known."""

import json
from pathlib import Path

import pytest

from caviar.search.around import StartingWith, around
from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.space import Space
from study.making import splits, study

OLD = Space().widths([32, 16], [32]).choose("batch_size", 32, 64).vary("learning_rate", 1e-4, 1.0).vary("l2", off=0.4)


def test_the_old_best_are_tried_first(tmp_path: Path) -> None:
    """On new data the first trials are the old best ones in their order; the others lie in the space around them."""
    old = study(tmp_path / "old").search(trials=6, epochs=2, stopping=None)
    new = study(tmp_path / "new", splits=splits(seed=1))
    new.search(trials=9, epochs=2, stopping=None, start_from=tmp_path / "old")
    ranked = sorted(old.trials, key=lambda trial: (trial.dev_error, trial.dev_cost, trial.number))
    assert [t.configuration for t in new.trials[:6]] == [t.configuration for t in ranked]
    assert all(new.space.contains(trial.configuration) for trial in new.trials)
    known = [trial.configuration["learning_rate"] for trial in ranked]
    assert all(t.configuration["learning_rate"] not in known for t in new.trials[6:])


def test_the_space_around_the_best() -> None:
    """It holds the best, begins with the very best, and is narrower where they agree."""
    structure = OLD.structures(0, 1)[0]
    best = [
        OLD.assemble({"learning_rate": rate, "l2": 0.0}, {**structure, "hidden": [30, 14]}) for rate in (0.01, 0.02)
    ]
    space = around(OLD, best)
    assert space.default_configuration() == best[0]
    assert all(space.contains(one) for one in best)
    axis = space.axis("learning_rate")
    assert (axis.low, axis.high) == (pytest.approx(0.005), pytest.approx(0.04))
    assert space == Space.from_dict(json.loads(json.dumps(space.to_dict())))
    assert len(space.structures(0, 9)) == 1


def test_known_ones_are_asked_once_and_where_they_fit() -> None:
    """Each known configuration is asked for in the first cohort that it fits, then the sampler's own; both go on."""
    structures = OLD.structures(3, 3)
    known = [OLD.default_configuration(one) for one in reversed(structures)]
    sampler = StartingWith(known, CoarseToFine(OLD, 0))
    asked = [configuration for structure in structures for configuration in sampler.ask(4, structure)]
    assert [asked[at] for at in (0, 4, 8)] == known[::-1]
    for number, _ in enumerate(asked):
        sampler.tell(number, 1, 0.1 * number, "finished")
    again = StartingWith(known, CoarseToFine(OLD, 0))
    again.restore(json.loads(json.dumps(sampler.state())))
    assert again.ask(5, structures[0]) == sampler.ask(5, structures[0])
    # The sampler was told of its own trials alone, under its own numbers.
    told = sampler.sampler.state()["values"]
    assert sorted(told.values()) == pytest.approx([0.1 * number for number in range(12) if number % 4])
    for place, value in told.items():
        drawn = asked[round(value / 0.1)]
        assert sampler.sampler.state()["points"][place]["learning_rate"] == drawn["learning_rate"]


def test_a_space_in_which_nothing_varies() -> None:
    """Where there is nothing but what is known, it is asked for again rather than for ever looked for."""
    space = Space().fix(hidden=[4])
    sampler = StartingWith([space.default_configuration()], CoarseToFine(space, 0))
    assert sampler.ask(3, space.structures(0, 1)[0]) == [space.default_configuration()] * 3
