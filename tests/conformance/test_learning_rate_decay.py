"""Learning-rate decay: the formulas, the schedules of other libraries, and what a decay does near an optimum."""

import numpy as np
import pytest

from caviar.search import hyperparameters
from caviar.training.decay import learning_rates
from conformance import descents

WHOLE = {"learning_rate": 1.0, "warmup": 0.0, "horizon": 40}


def rates(decay: str, updates: int, steps: int = 200, **numbers: float) -> np.ndarray:
    """α at each of some steps."""
    return learning_rates({**WHOLE, "decay": decay, **numbers}, np.arange(1, steps + 1), updates)


def test_the_notes_example() -> None:
    """0.2 at a decay rate of 1 is 0.2, 0.1, 0.0667, 0.05, 0.04 in epochs 0 to 4."""
    found = rates("inverse_time", 1, 5, learning_rate=0.2, decay_rate=1.0)
    assert found.round(4).tolist() == [0.2, 0.1, 0.0667, 0.05, 0.04]


def test_every_decay_has_its_formula() -> None:
    """Each decay is what the notes write, of the epoch from 0 or the update from 1, for any number of updates."""
    t = np.arange(1, 201)
    for updates in (1, 7, 25):
        epoch = (t - 1) // updates
        formulas = {
            "constant": np.ones(200),
            "inverse_time": 1 / (1 + 0.3 * epoch),
            "exponential": 0.95**epoch,
            "sqrt_epoch": 1 / np.sqrt(epoch + 1),
            "sqrt_step": 1 / np.sqrt(t),
            "staircase": 0.5 ** np.floor(epoch / 3),
            "cosine": (1 + np.cos(np.pi * np.minimum(t - 1, 40 * updates) / (40 * updates))) / 2,
        }
        assert set(formulas) == set(hyperparameters.DECAYS)
        for decay, formula in formulas.items():
            base = 0.5 if decay == "staircase" else 0.95
            found = rates(decay, updates, decay_rate=0.3, decay_base=base, decay_steps=3)
            assert np.allclose(found, formula, rtol=1e-14, atol=1e-16), decay


def test_a_warm_up_rises_in_a_line_to_the_decay() -> None:
    """Over the first epochs, whole or not, every decay is multiplied by t over the warm-up's updates, then by 1."""
    t = np.arange(1, 201)
    for warmup, updates in ((2.0, 7), (0.5, 25), (1.5, 1)):
        rise = np.array([min(1.0, step / (warmup * updates)) for step in t])
        assert rise[0] < 1.0 == rise[-1]
        for decay in hyperparameters.DECAYS:
            numbers = {"decay_rate": 0.3, "decay_base": 0.9, "decay_steps": 3}
            found = rates(decay, updates, warmup=warmup, **numbers)
            assert np.allclose(found, rise * rates(decay, updates, **numbers), rtol=1e-14, atol=1e-16), decay
    both = rates("cosine", 5, 15, learning_rate=0.4, warmup=2.0)
    whole = [0.4 * min(1.0, s / 10) * (1 + np.cos(np.pi * (s - 1) / 200)) / 2 for s in range(1, 16)]
    assert np.allclose(both, whole, rtol=1e-14)


def test_the_schedules_of_pytorch() -> None:
    """Exponential, staircase and cosine are ExponentialLR, StepLR and CosineAnnealingLR."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    schedulers = torch.optim.lr_scheduler
    pairs = {
        "exponential": lambda o: schedulers.ExponentialLR(o, 0.95),
        "staircase": lambda o: schedulers.StepLR(o, 3, 0.95),
        "cosine": lambda o: schedulers.CosineAnnealingLR(o, 40),
    }
    for decay, make in pairs.items():
        optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
        scheduler = make(optimiser)
        theirs = []
        for _ in range(40):
            theirs.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            scheduler.step()
        assert np.allclose(rates(decay, 1, 40, decay_base=0.95, decay_steps=3), theirs, rtol=1e-12), decay


@pytest.mark.parametrize("decay", hyperparameters.DECAYS)
@pytest.mark.parametrize("optimiser", hyperparameters.OPTIMISERS)
def test_every_optimiser_follows_every_decay(optimiser: str, decay: str) -> None:
    """A thousand steps of each optimiser under each decay land where the formulas and Optax land, to 1e-10."""
    configuration, path = descents.walked(optimiser, decay)
    for library in (descents.by_textbook, descents.by_optax):
        assert descents.apart(path, library(configuration)) < 1e-10


def test_the_grid_is_whole() -> None:
    """The optimisers and decays that are compared are all that there are."""
    assert set(descents.OPTIMISERS) == set(hyperparameters.OPTIMISERS)
    assert set(descents.DECAYS) == set(hyperparameters.DECAYS)


def test_a_decay_settles_near_an_optimum() -> None:
    """Where noisy slopes keep a constant α wandering about the minimum, a decaying one is ten times nearer."""
    # Stochastic descent on (w − θ)²/2, one θ a step: what is left at the end is the noise that α lets through.
    steps = 4000
    noise = np.random.default_rng(0).standard_normal(steps)
    ends = {}
    for decay in ("constant", "sqrt_step", "inverse_time"):
        w, late = 0.0, []
        for rate, theta in zip(rates(decay, 40, steps, learning_rate=0.5, decay_rate=1.0), noise, strict=True):
            w -= rate * (w - theta)
            late.append(w)
        ends[decay] = float(np.mean(np.square(late[-500:])))
    assert ends["constant"] > 10 * ends["sqrt_step"] > 0
    assert ends["constant"] > 10 * ends["inverse_time"] > 0
