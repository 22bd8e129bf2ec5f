"""What `minimise` gives back: the path that a cost was followed down, for one start or for many slots at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.records.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class Descent:
    """The path of one minimisation, or of K at once; of K, arrays have the axes points, slots, the rest.

    Args:
        path: the parameters at each point, the start first and the last parameters last: shaped like the start, each
            array with an axis of P points in front ([P, ...], or [P, K, ...]).
        costs: the cost at each point, [P] or [P, K].
        gradient_norms: the Euclidean norm of the gradient at each point, all parameters together, [P] or [P, K].
        steps: the updates made before each point, int64 [P]: 0, every, 2 · every … and the last.
        configurations: what each slot used, K of them; 1 where no slots were asked for.
        diverged_at: for each slot the step at which its cost or its gradient was no longer finite; −1: never.
        many: whether slots were asked for, and the arrays have their axis.
    """

    path: Any
    costs: np.ndarray
    gradient_norms: np.ndarray
    steps: np.ndarray
    configurations: tuple[Mapping[str, Any], ...]
    diverged_at: tuple[int, ...]
    many: bool

    @property
    def parameters(self) -> Any:
        """The last parameters, shaped like the start; of K slots with an axis of slots in front."""
        return _over(self.path, lambda leaf: leaf[-1])

    @property
    def cost(self) -> Any:
        """The last cost; of K slots [K]."""
        return self.costs[-1]

    @property
    def status(self) -> Any:
        """`Status.FINISHED` or `Status.DIVERGED`; of K slots a tuple of them."""
        found = tuple(Status.FINISHED if at < 0 else Status.DIVERGED for at in self.diverged_at)
        return found if self.many else found[0]

    @property
    def best(self) -> int | None:
        """The slot with the lowest last cost among those that did not diverge; None where all did."""
        last = self.costs[-1:].reshape(-1)
        usable = [slot for slot, at in enumerate(self.diverged_at) if at < 0]
        return min(usable, key=lambda slot: float(last[slot])) if usable else None

    def __len__(self) -> int:
        """How many slots there are."""
        return len(self.configurations)

    def __getitem__(self, slot: int) -> "Descent":
        """One slot's own path, as if it had been minimised alone.

        Raises:
            IndexError: there is no such slot.
        """
        at = range(len(self))[slot]
        if not self.many:
            return self
        return Descent(
            path=_over(self.path, lambda leaf: leaf[:, at]),
            costs=self.costs[:, at],
            gradient_norms=self.gradient_norms[:, at],
            steps=self.steps,
            configurations=(self.configurations[at],),
            diverged_at=(self.diverged_at[at],),
            many=False,
        )

    def __iter__(self) -> Iterator["Descent"]:
        """The slots, one after the other."""
        return (self[slot] for slot in range(len(self)))

    def __repr__(self) -> str:
        """What happened, as a sentence."""
        return self._told_of_many() if self.many else self._told()

    def _told(self) -> str:
        configuration = self.configurations[0]
        how = f"{configuration['optimiser']} at learning rate {configuration['learning_rate']:g}"
        if self.diverged_at[0] == 0:
            return f"The cost or its gradient is not finite at the start, where the cost is {self.costs[0]:g}."
        if self.diverged_at[0] > 0:
            return f"Diverged at step {self.diverged_at[0]} of {self.steps[-1]} ({how}): try a smaller learning rate."
        return (
            f"Cost {self.costs[0]:.6g} at the start, {self.costs[-1]:.6g} after {self.steps[-1]} steps ({how}); "
            f"the gradient's norm is {self.gradient_norms[-1]:.3g}."
        )

    def _told_of_many(self) -> str:
        lost = sum(at >= 0 for at in self.diverged_at)
        said = f"{len(self)} slots, {self.steps[-1]} steps each; {lost} diverged."
        if self.best is None:
            return f"{said} Try smaller learning rates."
        differs = [name for name in self.configurations[0] if len({str(c[name]) for c in self.configurations}) > 1]
        own = self.configurations[self.best]
        with_what = ", ".join(f"{name} {_plain(own[name])}" for name in differs)
        return f"{said} The lowest cost, {self.costs[-1, self.best]:.6g}, is slot {self.best}'s" + (
            f" ({with_what})." if with_what else "."
        )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _over(tree: Any, act: Any) -> Any:
    import jax

    return jax.tree.map(act, tree)
