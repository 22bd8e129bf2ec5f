"""The search for learning rates: its rounds, what is refused, and that it leaves the study's trials alone."""

from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.errors import StudyError
from caviar.study import rate_finder
from caviar.study.learning_rates import LearningRates, Trainings
from cli.running import invoke, sentence, told
from study import making

SMALL = {"rates": 20, "seeds": 3, "steps": 50, "epochs": 10}


def test_rounds_are_no_longer_than_the_training_to_come() -> None:
    """Each round is three times as long as the one before, up to the length of the whole training."""
    trainings = Trainings(np.geomspace(1e-6, 10.0, 64), 4, 100, 3, 50, 0)
    assert trainings.lengths(30) == [100, 300, 900]
    assert trainings.lengths(4) == [100, 200]
    assert trainings.lengths(1) == [50]


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[caviar.Study, LearningRates]:
    """A small study and its learning rates, of a task that a small network learns."""
    study = making.study(tmp_path_factory.mktemp("rates") / "run", splits=making.splits(1200))
    return study, study.find_learning_rate(**SMALL)


def test_a_study_finds_them(searched: tuple[caviar.Study, LearningRates]) -> None:
    """On real trainings the costs fall and rise again, the range is inside, and tiny rates learn nothing."""
    study, found = searched
    assert found.costs.shape == (20, 3) and (found.optimiser, found.decay) == ("adam", "constant")
    assert 1e-4 < found.low <= found.suggested <= found.high < 1.0
    at_best = found.costs[np.argmin(np.abs(np.log(found.rates / found.suggested)))].mean()
    assert at_best < 0.7 * found.costs[0].mean()
    assert not (found.costs[0] < found.chance).all()
    assert study.trials == [] and study.campaigns == [] and not study.sealed


def test_later_rounds_train_fewer_rates_for_longer(searched: tuple[caviar.Study, LearningRates]) -> None:
    """A third of the rates goes on, neighbours all, at costs below those of the shorter trainings."""
    _, found = searched
    assert [len(one.rates) for one in found.rounds] == [20, 7, 5]
    assert [one.steps for one in found.rounds] == [50, 150, 230]  # the last as long as ten epochs are
    for before, after in zip(found.rounds, found.rounds[1:], strict=False):
        first = int(np.flatnonzero(before.rates == after.rates[0])[0])
        assert np.array_equal(before.rates[first : first + len(after.rates)], after.rates)
        assert after.costs.mean() < before.costs[first : first + len(after.rates)].mean()


def test_a_miniature_is_the_training_itself_where_that_is_short(tmp_path: Path) -> None:
    """Where a round is as long as the training to come, its cost is that of the study's own training, decay and all."""
    study = making.study(tmp_path / "run", splits=making.splits(1200), space=caviar.Space().fix(hidden=[8]))
    whole = study.space.fix(decay="exponential", warmup=1.5).default_configuration()
    epochs, batch = 4, whole["batch_size"]
    updates = -(-len(study.splits.train) // batch)
    trainings = Trainings(np.array([0.01, 0.03]), 2, epochs * updates, 1, epochs, 7)
    span = rate_finder.Span(trainings.rates, epochs * updates)
    little = rate_finder.best_costs(study.material, whole, trainings, span, 1)
    streams = [rate_finder._stream(study.material, 7, seed, 10**9) for seed in range(2)]
    runs = [(seed, {**whole, "learning_rate": rate}) for seed in range(2) for rate in (0.01, 0.03)]
    measured = rate_finder.train(study.material, streams, runs, epochs=epochs, seed=7, devices=1)
    assert np.allclose(little.T.ravel(), measured["dev_cost"].min(axis=1), rtol=1e-5)


def test_a_shorter_training_takes_the_whole_decay() -> None:
    """A miniature of a quarter of the updates runs through the same rates, four times as fast."""
    from caviar.training.decay import learning_rates

    for decay in ("cosine", "exponential", "staircase", "inverse_time"):
        own = {**caviar.Space().default_configuration(), "decay": decay, "decay_steps": 2, "warmup": 2.0, "horizon": 10}
        whole = learning_rates(own, np.arange(1, 1001), updates=100)
        little = learning_rates(own, np.arange(1, 251), updates=25.0)
        assert np.allclose(little, whole[3::4], rtol=0.02, atol=0.02 * whole.max())


def test_they_stay_with_the_study(searched: tuple[caviar.Study, LearningRates]) -> None:
    """Opened again, the study holds them, and its page shows the figure."""
    from caviar.report import html
    from caviar.report.page import page_of

    study, found = searched
    again = caviar.Study(study.folder)
    assert LearningRates.from_dict(again.results["learning_rates"]).suggested == found.suggested
    page = page_of(again)
    assert page.learning_rates is not None
    assert 'data-figure="learning_rates"' in html.render(page)


def test_the_same_seed_finds_the_same(searched: tuple[caviar.Study, LearningRates]) -> None:
    """Repeated, the costs are equal bit for bit."""
    study, found = searched
    again = study.find_learning_rate(**SMALL)
    assert all(np.array_equal(one.costs, two.costs) for one, two in zip(again.rounds, found.rounds, strict=True))


def test_the_configuration_is_what_is_trained(searched: tuple[caviar.Study, LearningRates]) -> None:
    """Gradient descent wants larger rates than Adam; the given rate plays no part, the decay does."""
    study, found = searched
    plain = {"optimiser": "gradient_descent", "learning_rate": 123.0, "decay": "cosine"}
    descent = study.find_learning_rate(plain, **SMALL)
    assert descent.suggested > 3 * found.suggested
    assert (descent.optimiser, descent.decay) == ("gradient_descent", "cosine")


def test_bad_arguments_are_refused(searched: tuple[caviar.Study, LearningRates]) -> None:
    """Rates, seeds and steps that are none are refused in a sentence, before anything is trained."""
    study, _ = searched
    for changed in ({"low": 0.0}, {"low": 1.0, "high": 0.1}, {"high": np.nan}, {"rates": 1}, {"seeds": 0},
                    {"steps": 0}, {"steps": 1.5}, {"low": "x"}, {"rounds": 0}, {"epochs": True}):  # fmt: skip
        with pytest.raises(StudyError, match="Got"):
            study.find_learning_rate(**changed)
    with pytest.raises(StudyError, match=r"no learning rate .* does better"):
        study.find_learning_rate(low=1e-9, high=1e-8, **SMALL)
    with pytest.raises(caviar.CaviarError, match="optimiser"):
        study.find_learning_rate({"optimiser": "sgd"})
    with pytest.raises(caviar.CaviarError, match="table"):
        study.find_learning_rate({"rotation": 10})


WORDS = ("find-learning-rate", "table.csv", "--target", "y", "--set", "hidden=8", "--seeds", "2", "--steps", "60")


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caviar find-learning-rate` on a CSV prints the sentence, writes a report, resumes to the same, and has JSON."""
    monkeypatch.chdir(tmp_path)
    making.table(900).write_csv("table.csv")
    words = (*WORDS, "--rates", "12", "--rounds", "2")
    done = invoke(*words, "--run", "one")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Train at a learning rate of")
    again = invoke("resume", "one")
    assert done.stdout.splitlines()[0] in again.stdout
    found = told(*words, "--run", "two")
    assert len(found["rates"]) == len(found["costs"]) == 12 and len(found["rounds"]) == 2
    assert found["low"] <= found["suggested"] <= found["high"]
    page = Path("one/report.html").read_text(encoding="utf-8")
    assert (
        "caviar find-learning-rate table.csv --target y --rates 12 --seeds 2 --steps 60 --rounds 2 --set hidden=8"
        in page
    )


def test_a_failed_command_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad options, and rates of which none learns, end in a sentence; no folder stays, an empty one given is empty."""
    monkeypatch.chdir(tmp_path)
    making.table(900).write_csv("table.csv")
    Path("mine").mkdir()
    assert "'rates'" in sentence(invoke(*WORDS, "--rates", "2", "--run", "x"))
    hopeless = (*WORDS, "--rates", "5", "--low", "1e-9", "--high", "1e-8", "--rounds", "1")
    for where in ((), ("--run", "deep/er/x"), ("--run", "mine")):
        failed = invoke(*hopeless, *where)
        assert failed.exit_code == 2 and failed.stdout == "" and "no learning rate" in failed.stderr.splitlines()[-1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "table.csv"]
    assert list(Path("mine").iterdir()) == []
