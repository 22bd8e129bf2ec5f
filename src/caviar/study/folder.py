"""A study's folder, opened: what it holds, read without training anything."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from caviar.counts import count
from caviar.data.dataset import Dataset
from caviar.data.splits import Splits
from caviar.diagnosis.finding import Finding
from caviar.errors import StudyError
from caviar.given import path
from caviar.records.trial import Trial
from caviar.search.space import Space
from caviar.study import keeping, opening, ranking
from caviar.study.spec import Campaign
from caviar.study.summary import state_of


class StudyFolder:
    """What a study holds: splits, space, trials, campaigns, findings, numbers.

    Args:
        see `Study`, which adds what is done.
    """

    def __init__(
        self,
        folder: str | Path,
        splits: Splits | None = None,
        *,
        space: Space | None = None,
        seed: int | None = None,
        metric: str | None = None,
        base_error: float | None = None,
        watch: Callable[[Any], None] | None = None,
        job: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = path("The folder of a study", folder, StudyError)
        self.watch = watch
        self._splits = splits
        self._material: Any = None
        self.loop: Any = None  # the loop that trains now
        given = opening.checked(opening.Given(splits, space, seed, metric, base_error, watch, job))
        self.store = opening.store_of(self.folder, given)
        about = self.store.setting("study")
        self.job: dict[str, Any] = about.get("job", {})
        self.seed: int = about["seed"]
        self.metric: str = about["metric"]
        self.base_error: float = about["base_error"]
        self.created: float = about["created"]
        self.space = Space.from_dict(about["space"])

    @property
    def splits(self) -> Splits:
        """The study's splits, read again from their source where they were not given.

        Raises:
            StudyError: the data is gone or has changed.
        """
        if self._splits is None:
            self._splits = keeping.splits_of(self.store, self.folder)
        return self._splits

    def __repr__(self) -> str:
        """Where it lies and how far it is."""
        number = len(self.trials)
        told = [f"{count(number)} trial{'s' * (number != 1)}"]
        if (state := state_of(self)) != "idle":
            told.append(state)
        return f"<Study '{self.folder}': {', '.join(told)}>"

    @property
    def dataset(self) -> Dataset:
        """The study's data."""
        return self.splits.dataset

    @property
    def material(self) -> Any:
        """Encoded versions and streams of the splits."""
        if self._material is None:
            from caviar.study.material import Material

            self._material = Material(self.splits)
        return self._material

    @property
    def trials(self) -> list[Trial]:
        """Frozen records of all trials so far."""
        return self.store.trials()

    @property
    def campaigns(self) -> list[Campaign]:
        """What was done and is being done, in order."""
        return [Campaign.from_dict(plain) for plain in self.store.setting("campaigns", [])]

    @property
    def findings(self) -> list[Finding]:
        """What was diagnosed so far."""
        return [Finding(**found) for found in self.store.findings()]

    @property
    def results(self) -> dict[str, Any]:
        """Numbers of the study as plain data: winner, confirmation, test, statistics."""
        return dict(self.store.setting("results", {}))

    @property
    def model_path(self) -> Path:
        """Where the best model is kept."""
        return self.folder / "best.caviar"

    @property
    def best_trial(self) -> Trial:
        """The trial that is declared best; before a confirmation the one with the lowest dev error.

        Raises:
            StudyError: no trial is usable.
        """
        declared = (self.results.get("winner") or {}).get("trial")
        return self.store.trial(declared) if declared is not None else ranking.ranked(self)[0]

    @property
    def sealed(self) -> bool:
        """Whether the test set has been opened."""
        return bool(self.store.setting("test_opened", 0))

    def unfinished(self) -> int | None:
        """The number of the campaign that is still to be done, or None."""
        return opening.unfinished(self.store)

    def set_results(self, **values: Any) -> None:
        """Note numbers of the study, in place of what was noted under these names."""
        self.store.set_setting("results", {**self.results, **values})
