"""Promise 8: one network trained by plain NumPy loops agrees with the engine, step by step."""

import numpy as np
import pytest

from caviar.records.history import FIELDS
from caviar.search.hyperparameters import ACTIVATIONS, DECAYS, OPTIMISERS, default_configuration
from promises import agreement, grid
from reference.decay import learning_rate

EPOCHS = 10  # 30 updates on most streams, 20 on the one with fewer

# Depth, loss, and whether rows and classes weigh differently.
CASES = [
    (0, "softmax", False),
    (1, "softmax", True),
    (2, "softmax", True),
    (3, "softmax", False),
    (1, "logistic", True),
    (1, "squared", True),
]


@pytest.mark.parametrize("depth", range(4))
def test_the_grid_holds_every_combination(depth):
    """Each optimiser stands with and without batch norm under each regulariser; all activations and decays occur."""
    configurations, default = grid.configurations(depth), default_configuration()
    seen = {
        (c["optimiser"], c["batch_norm"], name)
        for c in configurations
        for name in grid.TOGETHER
        if c[name] != default[name]
    }
    assert len(seen) == len(OPTIMISERS) * 2 * len(grid.TOGETHER)
    assert {c["activation"] for c in configurations} == set(ACTIVATIONS)
    assert {c["decay"] for c in configurations} == set(DECAYS)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(("depth", "loss", "weighted"), CASES)
def test_plain_numpy_agrees_step_by_step(depth, loss, weighted):
    """After each of 30 updates all that 80 unlike trials carry equals the reference's to 1e-9, and padding stays 0."""
    problem = grid.problem(loss)
    features = grid.EVERYTHING if weighted else grid.unweighted()
    cohort = grid.cohort(problem, grid.architecture(depth, loss), features)
    trials = grid.assignments(problem, grid.configurations(depth, loss), grid.COMBINATIONS)
    cohort.admit(trials)
    references = {s: agreement.reference_steps(cohort, problem, s, own, EPOCHS) for s, own in trials.items()}
    networks = {}
    for epoch in range(EPOCHS):
        running = {slot: [] for slot in trials}
        for update in range(cohort.updates):
            measured = cohort.run(1, batches=1)
            state = cohort.read_state()
            for slot, own in trials.items():
                if update < own.updates:
                    networks[slot], *seen = next(references[slot])
                    running[slot].append(seen)
                ours = agreement.parameters_of(state, slot, own)
                theirs = agreement.carried_by(networks[slot])
                names = sorted(theirs)
                apart = grid.distance([ours[name] for name in names], [theirs[name] for name in names])
                assert apart < 1e-9, (slot, update, apart, own.configuration)
                assert agreement.padding_of(state, slot, own) == 0.0
        for slot, own in trials.items():
            moments = agreement.moments_of(networks[slot], cohort, problem, slot, own, epoch)
            wanted = expected(cohort, problem, slot, own, (networks[slot], moments), running[slot])
            assert measured.fields[slot] == pytest.approx(wanted, rel=1e-6, abs=1e-7, nan_ok=True), (
                slot,
                own.configuration,
            )


def expected(cohort, problem, slot, own, reached, running):
    """What the reference measures at the end of an epoch, in the order of FIELDS.

    Args:
        reached: the network, and batch norm's moments where they are not its averages.
        running: the cost of each mini-batch of the epoch, and the sum of its errors.
    """
    network, moments = reached
    stream = cohort.groups[slot // cohort.layout.group].stream
    sizes = [min(grid.BATCH_SIZE, own.examples)] * own.updates
    sizes[-1] = own.examples - sum(sizes[:-1])
    if sizes[-1] == 1:
        sizes[-2:] = 9, 8
    every = np.ones(len(stream.sample), bool)
    judge = stream.choose if stream.choose.all() else ~stream.choose
    train = agreement.measured_by(network, problem, stream.sample, every, moments)
    choose = agreement.measured_by(network, problem, stream.dev, stream.choose, moments)
    judged = agreement.measured_by(network, problem, stream.dev, judge, moments)
    costs, errors = zip(*running, strict=True)
    missed = sum(errors) / sum(sizes)
    found = {
        "cost": float(np.average(costs, weights=sizes)),
        "running_error": missed**0.5 if problem.loss == "squared" else missed,
        "train_error": train["error"],
        "train_cost": train["cost"],
        "dev_error": choose["error"],
        "dev_cost": choose["cost"],
        "judge_error": judged["error"],
        "judge_cost": judged["cost"],
        "dev_value": np.nan,
        "learning_rate": learning_rate(own.configuration, network.updates, own.updates, own.horizon),
    }
    return [found[name] for name in FIELDS]
