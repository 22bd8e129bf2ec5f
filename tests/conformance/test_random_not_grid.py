"""Random, not grid: how many values of each hyperparameter 25 trainings try."""

from caviar.search.samplers import GridSampler, RandomSampler
from caviar.search.space import Space


def test_25_points() -> None:
    """25 random points try 25 values of each hyperparameter, a grid of 5 by 5 tries 5 of each."""
    space = Space().vary("learning_rate", 1e-4, 1.0).vary("keep_probability", 0.5, 1.0)
    structure = space.structures(0, 1)[0]
    for sampler, tried in ((RandomSampler(space, 3), 25), (GridSampler(space, 3, points=5), 5)):
        points = {(c["learning_rate"], c["keep_probability"]) for c in sampler.ask(25, structure)}
        assert len(points) == 25
        assert len({rate for rate, _ in points}) == len({keep for _, keep in points}) == tried


def test_where_one_hyperparameter_alone_matters_random_comes_nearer() -> None:
    """If α decides and ε does not, 25 random points come nearer to the best α than a grid, in most of 40 studies."""
    space = Space().vary("learning_rate", 1e-4, 1.0).vary("epsilon", 1e-9, 1e-6)
    structure = space.structures(0, 1)[0]
    nearer = 0
    for seed in range(40):
        best = 10.0 ** (-4.0 + 4.0 * ((seed * 0.618) % 1.0))  # wherever the best α may lie

        def distance(sampler: RandomSampler | GridSampler, best: float = best) -> float:
            return min(abs(c["learning_rate"] / best - 1) for c in sampler.ask(25, structure))

        nearer += distance(RandomSampler(space, seed)) < distance(GridSampler(space, seed, points=5))
    assert nearer >= 30
