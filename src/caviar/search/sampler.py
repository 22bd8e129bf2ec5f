"""What every sampler is: asked for configurations, told what came of them, stopped and continued exactly."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from caviar.errors import SpaceError, StudyError
from caviar.given import seed as checked_seed

PURPOSE = 0xA5C  # keeps a sampler's draws apart from others made with the same seed


class Sampler(ABC):
    """Proposes configurations in batches, is told what came of them, and can be stopped and continued exactly."""

    @abstractmethod
    def ask(self, n: int, structure: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The next configurations of one structure.

        Args:
            n: how many.
            structure: one of `Space.structures`.

        Returns:
            Complete configurations; fewer than n where there are no more.
        """

    @abstractmethod
    def tell(self, trial: int, epoch: int, value: float, status: str) -> None:
        """What was measured.

        Args:
            trial: its number, which is its place in the order of asking.
            epoch: its own epochs so far.
            value: dev error on the choose half, lower is better; NaN where it diverged.
            status: "running", "finished", "stopped", "diverged" or "interrupted".
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain JSON."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where a sampler of the same kind, space and seed gave its `state`.

        Raises:
            StudyError: the state is another sampler's.
        """


def check_seed(seed: int) -> int:
    """The seed, if it is one.

    Raises:
        SpaceError: it is not a whole number from 0 on.
    """
    return checked_seed(seed, SpaceError)


def own_state(state: Mapping[str, Any], sampler: str, seed: int) -> Mapping[str, Any]:
    """A saved state, if it is this sampler's.

    Raises:
        StudyError: it is another sampler's, or of another seed.
    """
    if state.get("sampler") != sampler or state.get("seed") != seed:
        raise StudyError(
            f"The saved state is of sampler {state.get('sampler')!r} with seed {state.get('seed')!r}, "
            f"this is {sampler!r} with seed {seed!r}. Resume with the sampler and the seed of the study."
        )
    return state
