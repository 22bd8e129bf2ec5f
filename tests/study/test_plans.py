"""How work is laid out: campaigns as plain data, seeds, folds, slots."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import caviar
from caviar.errors import StudyError
from caviar.records import plain
from caviar.study import campaigns
from caviar.study.material import Material, own_widths, trial_seed
from caviar.study.spec import Campaign, CohortSpec, StreamSpec
from caviar.study.summary import clean
from study.making import data, space, splits, study, table


def test_a_campaign_survives_its_way_through_the_store(tmp_path: Path) -> None:
    """What is planned is stored as plain JSON and read again exactly."""
    spec = CohortSpec(
        2, {"hidden": [8], "batch_size": 32, "encoding": "standard"}, 8, 4, 2, 1, (StreamSpec(0, 5, 1, 5),), 0,
        ({"configuration": {"clip_norm": float("inf")}, "seed": 2**62 - 1, "group": 1, "of": 3},),
    )  # fmt: skip
    campaign = Campaign("confirm", "why", 9, None, (spec,), 16, {"of": {"16": 3}})
    assert Campaign.from_dict(plain.decode(plain.encode(campaign.to_dict()))) == campaign
    assert campaign.trials == 1
    planned = study(tmp_path / "study").search(trials=8, epochs=2).confirm().campaigns
    assert [c.kind for c in planned] == ["search", "confirm"]
    assert planned[0].trials == 8
    assert planned[1].first_trial == 8


@given(st.integers(0, 2**32), st.integers(0, 10_000))
def test_seeds_of_trials_are_positive_and_their_own(seed: int, trial: int) -> None:
    """A trial's seed fits 63 bits and differs from its neighbours' and from other studies'."""
    own = trial_seed(seed, trial)
    assert 0 <= own < 2**63
    assert len({own, trial_seed(seed, trial + 1), trial_seed(seed + 1, trial)}) == 3


def folds_of(material: Material, folds: int = 5) -> list[tuple[set[int], set[int]]]:
    """Train and dev rows of every fold."""
    made = [material.stream(StreamSpec(1 + fold, 0, fold, folds)) for fold in range(folds)]
    return [(set(stream.rows.tolist()), set(stream.dev.tolist())) for stream in made]


def test_folds_judge_every_row_of_train_and_dev_once_and_no_test_row() -> None:
    """The folds' dev rows are a partition of train and dev; their train rows are the rest."""
    cut = splits()
    whole = set(cut.train.tolist()) | set(cut.dev.tolist())
    folds = folds_of(Material(cut))
    assert sorted(row for _, dev in folds for row in dev) == sorted(whole)
    for train, dev in folds:
        assert train == whole - dev
        assert abs(len(dev) - len(whole) / 5) <= 2
        classes = cut.dataset.targets[sorted(dev)]
        assert abs(classes.mean() - cut.dataset.targets[sorted(whole)].mean()) < 0.05


def test_copies_of_a_row_are_in_one_fold() -> None:
    """A row and its copy are never on both sides of a fold."""
    twice = pl.concat([table(100), table(100)])
    cut = caviar.split(caviar.read(twice, target="y"), seed=0)
    hashes = cut.dataset.hashes
    for train, dev in folds_of(Material(cut)):
        assert not {int(hashes[row]) for row in train} & {int(hashes[row]) for row in dev}


def test_groups_are_in_one_fold() -> None:
    """Rows of one group are judged by networks that saw no row of it."""
    grouped = table(200).with_columns(g=pl.int_range(pl.len()) % 40)
    cut = caviar.split(caviar.read(grouped, target="y", group="g"), seed=0)
    for train, dev in folds_of(Material(cut)):
        groups = cut.dataset.groups
        assert groups is not None
        assert not set(groups[sorted(train)].tolist()) & set(groups[sorted(dev)].tolist())


@pytest.mark.parametrize("trials", [1, 2, 7, 64, 200])
@pytest.mark.parametrize("stopping", ["halving", None])
def test_every_trial_has_a_place(trials: int, stopping: str | None) -> None:
    """Slots are whole groups on every device, not more than there are trials for, and the shares add up."""
    plan = campaigns.search(Material(splits()), space(), trials=trials, epochs=5, stopping=stopping, seed=0, devices=2)
    assert plan.trials == trials
    for spec in plan.cohorts:
        assert spec.slots % (spec.group * spec.devices) == 0
        assert 1 <= spec.slots <= max(2 * spec.count, 2)
        assert spec.devices in (1, 2)


def test_the_next_campaign_counts_on(tmp_path: Path) -> None:
    """Numbers of trials and cohorts go on from one campaign to the next."""
    begun = study(tmp_path / "study").search(trials=8, epochs=2).search(trials=8, epochs=2).confirm()
    numbers = [spec.number for campaign in begun.campaigns for spec in campaign.cohorts]
    assert numbers == list(range(len(numbers)))
    assert [campaign.first_trial for campaign in begun.campaigns] == [0, 8, 16]
    assert [trial.number for trial in begun.trials] == list(range(len(begun.trials)))


def test_confirmed_are_the_best_on_seeds_of_their_own(tmp_path: Path) -> None:
    """The best three are trained again on fresh seeds and streams; what is reported are those trainings."""
    begun = study(tmp_path / "study").search(trials=8, epochs=4).confirm()
    ranked = sorted(begun.trials[:8], key=lambda trial: (trial.dev_error, trial.dev_cost, trial.number))
    again = begun.campaigns[1].about["of"]
    assert set(again.values()) == {trial.number for trial in ranked[:3]}
    trained = [begun.store.trial(int(number)) for number in again]
    assert len({trial.seed for trial in trained}) == len(trained) == 30
    assert all(trial.stream != 0 for trial in trained)
    for number, original in again.items():
        assert begun.store.trial(int(number)).configuration == begun.trials[original].configuration
    winner = begun.results["winner"]
    own = [begun.store.trial(int(number)) for number, original in again.items() if original == winner["trial"]]
    assert winner["error"] == pytest.approx(np.mean([trial.judge_error for trial in own]))


def test_given_sets_are_not_folded(tmp_path: Path) -> None:
    """Where a person said which rows are dev, the best are trained again on that train set, not cross-validated."""
    marks = ["train"] * 160 + ["dev"] * 40 + ["test"] * 40
    cut = caviar.split(caviar.read(table().with_columns(s=pl.Series(marks)), target="y", split="s"), seed=0)
    begun = study(tmp_path / "study", splits=cut).search(trials=8, epochs=3).finish()
    assert begun.results["winner"]["how"] == "fresh seeds and streams"
    model = begun.results["winner"]["model"]
    assert model in begun.results["winner"]["retrained"]
    assert begun.best_model().about["trial"]["number"] == model


def test_a_repeat_of_the_confirmation_is_one_stream(tmp_path: Path) -> None:
    """All of the best are compared on each of four streams, which two groups share, and no trial waits for a slot."""
    begun = study(tmp_path / "study").search(trials=128, epochs=1, stopping="halving")
    before = begun.campaigns[0].cohorts[0]
    assert (before.slots, before.group) == (16, 2)
    spec = campaigns._reseeded(Material(splits()), before, begun.trials[:3], seed=0, devices=2, number=9, seeds=4)
    groups = [trial["group"] for trial in spec.trials]
    assert (spec.slots, spec.group, len(spec.streams)) == (16, 2, 4)
    assert max(groups.count(group) for group in groups) <= spec.group
    by_stream = {stream: [t["of"] for t in spec.trials if t["group"] % 4 == stream] for stream in range(4)}
    assert all(sorted(own) == [0, 1, 2] for own in by_stream.values())


def test_a_network_has_its_own_widths() -> None:
    """From the inputs over its own hidden layers to the outputs."""
    assert own_widths(13, {"hidden": [8, 4]}, 3) == (13, 8, 4, 3)
    assert own_widths(13, {"hidden": []}, 1) == (13, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"clip_norm": float("inf"), "x": float("inf")}, {"clip_norm": "inf", "x": None}),
        ([float("nan"), np.float32(0.5), np.int64(3), np.arange(2)], [None, 0.5, 3, [0, 1]]),
        ({1: (True, None, "nan")}, {"1": [True, None, "nan"]}),
        (np.float64("nan"), None),
    ],
)
def test_what_strict_json_cannot_say_is_made_plain(value: Any, expected: Any) -> None:
    """Numbers that are not finite become null, NumPy's become Python's."""
    assert clean(value) == expected


def test_class_weights_balance_the_train_rows() -> None:
    """Each class weighs the same in sum."""
    cut = splits()
    prepared = Material(cut).prepare(StreamSpec(0, 0), "standard")
    counts = np.bincount(data().targets[cut.train])
    np.testing.assert_allclose(np.asarray(prepared.class_weights) * counts, len(cut.train) / 2)


def test_where_the_devices_memory_runs_out_the_slots_are_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smaller layout is stored before anything runs, and the search is the one of so many slots."""
    tried = []

    def try_out(cohort: Any) -> None:
        tried.append(cohort.layout.slots)
        if cohort.layout.slots > 4:
            raise MemoryError("RESOURCE_EXHAUSTED: 3 GiB")

    monkeypatch.setattr("caviar.training.cohort.Cohort.try_out", try_out)
    found = study(tmp_path / "study").search(trials=128, epochs=2)
    assert tried == [16, 8, 4] and found.campaigns[0].cohorts[0].slots == 4
    assert len(found.trials) == 128 and {trial.status for trial in found.trials} <= {"finished", "stopped"}
    assert caviar.Study(tmp_path / "study").campaigns[0].cohorts[0].slots == 4


def test_a_network_that_no_memory_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not one slot fits there is a sentence with the way out."""

    def try_out(cohort: Any) -> None:
        raise MemoryError("RESOURCE_EXHAUSTED: 3 GiB")

    monkeypatch.setattr("caviar.training.cohort.Cohort.try_out", try_out)
    with pytest.raises(StudyError, match=r"Not even one network fits .*JAX_PLATFORMS=cpu"):
        study(tmp_path / "study").search(trials=8, epochs=2)
