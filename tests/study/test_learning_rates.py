"""The search for learning rates: what is judged, what is refused, and that it leaves the study's trials alone."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.errors import StudyError
from caviar.study.learning_rates import LearningRates, judge
from cli.running import invoke, sentence, told
from study import making

RATES = np.geomspace(1e-6, 10.0, 64)


def costs(best: float = 1e-2, noise: float = 0.01, seeds: int = 4, diverged_above: float = 1.0) -> np.ndarray:
    """Costs that fall to 0.1 at the best rate, as bowls on the logarithmic axis, and diverge above a rate."""
    generator = np.random.default_rng(0)
    bowl = 0.1 + 0.05 * np.log10(RATES / best) ** 2
    found = bowl[:, None] * np.exp(noise * generator.standard_normal((len(RATES), seeds)))
    found[diverged_above < RATES] = np.inf
    return found


def judged(**changed: float) -> LearningRates:
    """What is found in such costs, of which a constant prediction's is 0.7."""
    found = judge(RATES, costs(**changed), chance=0.7, steps=300, optimiser="adam")
    assert found is not None
    return found


def test_the_range_holds_the_best_rate() -> None:
    """The range lies around the known best rate, and the suggestion near that, in its interval."""
    found = judged()
    assert found.low < 1e-2 < found.high < found.largest_stable <= 1.0
    assert 0.5e-2 < found.suggested < 2e-2
    assert found.interval is not None and found.interval[0] < found.suggested < found.interval[1]
    assert found.largest_stable == RATES[RATES <= 1.0].max()


def test_noise_widens_what_is_said() -> None:
    """With ten times the noise between seeds the range is wider; no interval is finer than the grid of rates."""
    calm, noisy = judged(noise=0.02), judged(noise=0.2)
    assert noisy.high / noisy.low > calm.high / calm.low
    for found in (calm, noisy):
        assert found.interval and found.interval[1] / found.interval[0] > 0.99 * RATES[1] / RATES[0]


def test_a_rate_at_which_one_seed_diverges_is_not_stable() -> None:
    """One diverged seed of four ends the stable rates below it, whatever the other seeds do."""
    found = costs()
    found[50, 2] = math.nan
    got = judge(RATES, found, chance=0.7, steps=300, optimiser="adam")
    assert got is not None and got.largest_stable == RATES[49]
    assert "at 10 of 64 rates some diverged" in repr(got)


def test_nothing_learns_where_all_stay_above_chance() -> None:
    """Costs above that of a constant prediction are no learning, however flat they are."""
    assert judge(RATES, costs() + 1.0, chance=0.7, steps=300, optimiser="adam") is None
    assert judge(RATES, np.full((64, 4), np.inf), chance=0.7, steps=300, optimiser="adam") is None


def test_few_seeds_tell_no_interval() -> None:
    """With one or two seeds there is a suggestion without an interval."""
    for seeds in (1, 2):
        found = judged(seeds=seeds)
        assert found.interval is None and "over seeds" not in repr(found)


def test_it_is_plain_data_and_back() -> None:
    """What is stored reads back the same through strict JSON, infinite costs included."""
    found = judged()
    again = LearningRates.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert np.array_equal(again.costs, found.costs) and repr(again) == repr(found)


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[caviar.Study, LearningRates]:
    """A small study and its learning rates, of a task that a small network learns."""
    study = making.study(tmp_path_factory.mktemp("rates") / "run", splits=making.splits(1200))
    return study, study.find_learning_rate(rates=20, seeds=3, steps=150)


def test_a_study_finds_them(searched: tuple[caviar.Study, LearningRates]) -> None:
    """On real trainings the costs fall and rise again, the range is inside, and tiny rates learn nothing."""
    study, found = searched
    assert found.costs.shape == (20, 3) and found.optimiser == "adam"
    assert 1e-4 < found.low <= found.suggested < 1.0
    at_best = found.costs[np.argmin(np.abs(np.log(found.rates / found.suggested)))].mean()
    assert at_best < 0.7 * found.costs[0].mean()
    assert not (found.costs[0] < found.chance).all()
    assert study.trials == [] and study.campaigns == [] and not study.sealed


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
    assert np.array_equal(study.find_learning_rate(rates=20, seeds=3, steps=150).costs, found.costs)


def test_the_configuration_is_what_is_trained(searched: tuple[caviar.Study, LearningRates]) -> None:
    """Gradient descent diverges where Adam does not, and takes larger rates; the given rate and decay play no part."""
    study, found = searched
    plain = {"optimiser": "gradient_descent", "learning_rate": 123.0, "decay": "cosine"}
    descent = study.find_learning_rate(plain, rates=20, seeds=3, steps=150)
    assert descent.suggested > 3 * found.suggested
    assert descent.optimiser == "gradient_descent"


def test_bad_arguments_are_refused(searched: tuple[caviar.Study, LearningRates]) -> None:
    """Rates, seeds and steps that are none are refused in a sentence, before anything is trained."""
    study, _ = searched
    for changed in ({"low": 0.0}, {"low": 1.0, "high": 0.1}, {"high": math.nan}, {"rates": 1}, {"seeds": 0},
                    {"steps": 0}, {"steps": 1.5}, {"low": "x"}):  # fmt: skip
        with pytest.raises(StudyError, match="Got"):
            study.find_learning_rate(**changed)
    with pytest.raises(StudyError, match=r"no learning rate .* does better"):
        study.find_learning_rate(low=1e-9, high=1e-8, rates=20, seeds=3, steps=150)
    with pytest.raises(caviar.CaviarError, match="optimiser"):
        study.find_learning_rate({"optimiser": "sgd"})


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caviar find-learning-rate` on a CSV prints the sentence, writes a report, resumes to the same, and has JSON."""
    monkeypatch.chdir(tmp_path)
    making.table(900).write_csv("table.csv")
    words = ("find-learning-rate", "table.csv", "--target", "y", "--set", "hidden=8", "--rates", "12", "--seeds", "2",
             "--steps", "60")  # fmt: skip
    done = invoke(*words, "--run", "one")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Train at a learning rate of")
    again = invoke("resume", "one")
    assert done.stdout.splitlines()[0] in again.stdout
    found = told(*words, "--run", "two")
    assert len(found["rates"]) == len(found["costs"]) == 12
    assert found["low"] <= found["suggested"] <= found["high"]
    page = Path("one/report.html").read_text(encoding="utf-8")
    assert "caviar find-learning-rate table.csv --target y --rates 12 --seeds 2 --steps 60 --set hidden=8" in page
    refused = sentence(invoke("find-learning-rate", "table.csv", "--target", "y", "--rates", "2", "--run", "x"))
    assert "'rates'" in refused and not Path("x").exists()
