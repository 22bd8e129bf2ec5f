"""A study: a folder that holds splits, space, events, trials, findings and the best model."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caviar.diagnosis.finding import Finding
from caviar.errors import StudyError
from caviar.given import switch
from caviar.records.lease import Lease
from caviar.records.trial import Trial
from caviar.search.samplers import SAMPLERS
from caviar.search.space import Space
from caviar.study import (
    becoming,
    budget,
    early_stopping,
    gradients,
    notebook,
    opening,
    ranking,
    shown,
    slices,
    verdict,
    work,
)
from caviar.study.arguments import (
    check_configurations,
    check_known,
    check_minutes,
    check_rates,
    check_search,
    check_space,
    own_values,
)
from caviar.study.folder import StudyFolder
from caviar.study.holding import holding
from caviar.study.learning_rates import LearningRates, Trainings
from caviar.study.model import Model
from caviar.study.notebook import Experiment

if TYPE_CHECKING:
    from caviar.study.babysit import Babysitter
    from caviar.training.descent_check import DescentCheck


class Study(StudyFolder):
    """A study in a folder; an existing folder is opened with what it holds.

    Args:
        folder: of the study; made where there is none.
        splits: what to train on. Needed for a new study; an existing one reads its own again.
        space: what varies; by default `Space.default(splits.dataset)`.
        seed: of everything random.
        metric: what trials are compared by: "error" (the share misclassified, or the RMSE); of classes also "log_loss",
            "balanced_error", "f1" or "auc", of numbers "mae" or "r2". Equal ones are told apart by cost.
        base_error: the error that the best possible predictor would make, for the bias.
        watch: called with a `loop.Look` after every segment.
        job: of a new study, what the command line was asked to do (see `study.jobs`), so that it can be resumed from
            its first moment on.

    Raises:
        StudyError: the folder holds another study, or none and no splits were given.
    """

    # ---- the notebook and the space --------------------------------------------------------------------------------

    @property
    def notebook(self) -> list[Experiment]:
        """The lab notebook: of each experiment the idea, the configuration, the result, the conclusion."""
        return notebook.notebook(self)

    def note(self, *, idea: str | None = None, conclusion: str | None = None) -> "Study":
        """Write into the notebook: the idea behind what is done next, or the conclusion from what was done last.

        Raises:
            StudyError: there are no words, or nothing to conclude from.
        """
        notebook.note(self, idea, conclusion)
        return self

    def change_space(self, space: Space) -> None:
        """Let later searches draw from another space.

        Raises:
            StudyError: a search of the present one is not done.
        """
        opening.change_space(self.store, self.folder, space)
        self.space = space

    # ---- what is done ----------------------------------------------------------------------------------------------

    def search(
        self,
        trials: int = 256,
        epochs: int = 50,
        *,
        stopping: str | None = "halving",
        patience: int | None = None,
        twins: bool = True,
        minutes: float | None = None,
        sampler: str = "random",
        start_from: "Study | str | Path | None" = None,
        probes: bool = True,
    ) -> "Study":
        """Train many networks at once and keep the best.

        Args:
            trials: how many configurations to try; the first is a strong default.
            epochs: of a trial that is not stopped.
            stopping: "halving" (successive halving with refilled slots), "patience", or None.
            patience: epochs without a better one after which a trial ends, beside what `stopping` says.
            twins: where patience stopped the best, train it unstopped and with L2 alone too, to compare.
            minutes: a budget of training time, a quarter of which is kept for confirming the best; the search ends at
                a segment and says where.
            sampler: "random", "grid" or "coarse_to_fine" (zooms into the region around the best, again and again).
            start_from: an earlier study, perhaps of older data: its best configurations are tried first, then the
                space around them.
            probes: measure gradients, activations and updates of every layer at every epoch, for the GRD findings.

        Raises:
            StudyError: an argument is not allowed, or the study is sealed or being trained elsewhere.
        """
        check_search(trials, epochs, stopping, minutes, patience)
        check_known("sampler", sampler, list(SAMPLERS))
        twins, probes = switch("twins", twins, StudyError), switch("probes", probes, StudyError)
        self._refuse_sealed()
        check_space(self, self.space)
        earlier = start_from if isinstance(start_from, Study | None) else Study(start_from)
        stops = work.Stopping(stopping, patience, twins)
        with self._held():
            work.search(self, trials, epochs, stops, sampler, minutes, earlier, probes=probes)
            work.run(self)
        return self

    def train(
        self,
        configuration: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
        *,
        epochs: int = 50,
        patience: int | None = None,
        twins: bool = True,
        minutes: float | None = None,
    ) -> "Study":
        """Train one network, or some side by side.

        Args:
            configuration: values that differ from the space's own default. Of a list each is a network; all start
                from the same draws, see the same mini-batches and share one program, so they must share their
                structure (hidden, batch_size, encoding).
            patience, twins: as for `search`; the best epoch's parameters are kept with and without.

        Raises:
            SpaceError: a value is not allowed.
            StudyError: as for `search`, or the networks differ in structure.
        """
        check_search(1, epochs, None, minutes, patience)
        twins = switch("twins", twins, StudyError)
        self._refuse_sealed()
        one = configuration is None or isinstance(configuration, Mapping)
        several: Any = [configuration or {}] if one else configuration
        check_configurations(several)
        if not several:
            raise StudyError("There is no network to train: the list of configurations is empty. Give at least one.")
        spaces = [self.space.fix(**own_values(own)) for own in several]
        for space in spaces:
            check_space(self, space)
        stopping = work.Stopping(None, patience, twins)
        with self._held():
            work.train(self, [space.default_configuration() for space in spaces], epochs, stopping, minutes)
            work.run(self)
        return self

    def find_learning_rate(
        self,
        configuration: Mapping[str, Any] | None = None,
        *,
        low: float = 1e-6,
        high: float = 10.0,
        rates: int = 64,
        seeds: int = 4,
        steps: int = 100,
        rounds: int = 3,
        epochs: int = 50,
    ) -> LearningRates:
        """Train one network at many learning rates, several seeds each, all at once, and the best third longer.

        Every training is a miniature of the one to come: the configuration's decay and warm-up, stretched over its own
        steps. Nothing is added to the trials; the result stays with the study, and its page shows it.

        Args:
            configuration: values that differ from the space's own default; its learning rate is left out.
            low, high: the smallest and the largest rate.
            rates: how many, evenly spread on a logarithmic axis.
            seeds: trainings of each rate.
            steps: updates of each training of the first round.
            rounds: in each the best third of the rates goes on, three times as long.
            epochs: of the training to come; no round is longer than that.

        Raises:
            SpaceError: a value of the configuration is not allowed.
            StudyError: an argument is not allowed, no rate learns, or the study is sealed.
        """
        tried = check_rates(low, high, rates, seeds=seeds, steps=steps, rounds=rounds, epochs=epochs)
        self._refuse_sealed()
        space = self.space.fix(**own_values(configuration))
        check_space(self, space)
        trainings = Trainings(tried, seeds, steps, rounds, epochs, self.seed)
        found = work.find_learning_rate(self, space.default_configuration(), trainings)
        self.set_results(learning_rates=found.to_dict())
        return found

    def babysit(
        self, configuration: Mapping[str, Any] | None = None, *, epochs: int = 50, trial: int | None = None
    ) -> "Babysitter":
        """Train one network by hand: watch it, change it while it trains, go back. Nothing is trained yet.

        Args:
            configuration: values that differ from the space's own default.
            epochs: over which a decay of the learning rate is stretched; it may train longer.
            trial: a network that was babysat before, to go on with; then nothing else is given.

        Raises:
            SpaceError: a value is not allowed.
            StudyError: as for `search`, or this trial was not trained by hand.
        """
        check_search(1, epochs, None, None)
        self._refuse_sealed()
        from caviar.study import panda

        if trial is not None:
            return panda.again(self, trial)
        space = self.space.fix(**own_values(configuration))
        check_space(self, space)
        return panda.begin(self, space.default_configuration(), epochs)

    def resume(self, minutes: float | None = None) -> "Study":
        """Go on with what was interrupted; nothing happens where everything is done.

        Args:
            minutes: a new budget from now on; by default what is left of the old one.
        """
        check_minutes(minutes)
        if minutes is not None:
            number = self.unfinished()
            search = number is not None and self.campaigns[number].kind == "search"
            budget.set_budget(self, minutes, confirmed=search)
        work.run(self)
        return self

    def confirm(self) -> "Study":
        """Train the best few again on fresh seeds and streams (small dev sets: cross-validate) and declare the best.

        Raises:
            StudyError: no trial is usable, the study is sealed, or another process is at it.
            LeaseLost: another process took the study over; from then on nothing is written.
        """
        with self._held():
            if self.results.get("winner"):
                return self
            ranked = ranking.ranked(self)
            work.confirm(self, ranked)
            work.run(self)
            winner = verdict.declare(self, ranked)
            early_stopping.compare(self, self.store.trial(winner["trial"]))
            self.set_results(winner=winner)
        return self

    def diagnose(self) -> list[Finding]:
        """Bias, variance and what else holds the best network back, as findings with their evidence.

        Raises:
            StudyError, LeaseLost: as for `confirm`; a sealed study may be diagnosed again.
        """
        with holding(self.store):
            findings = verdict.diagnose(self)
            self.set_results(stopped_too_soon=verdict.stopped_too_soon(self))
            with suppress(StudyError):  # nothing to say where the model's weights are not kept
                self.set_results(slices=[found.to_dict() for found in slices.telling(self)])
            self.store.add_findings([finding.to_dict() for finding in findings], replace=True)
        return self.findings

    def finish(self) -> "Study":
        """Declare the best, diagnose it, save its model and open the test set; the study is then sealed.

        Raises:
            StudyError, LeaseLost: as for `confirm`; a sealed study may be finished again, which is counted.
        """
        with holding(self.store) as lease:
            self._declare()
            self.store.renew(lease)  # a file knows no lease, so it is asked before one is written
            self.best_model().save(self.model_path)
            shown.keep(self)
            self.diagnose()
            # The lease is asked before the set is opened: what one process has opened, another may not open as well.
            self.store.renew(lease)
            opened = int(self.store.setting("test_opened", 0)) + 1
            # The seal comes last: a process killed in between finishes again, and finds the same.
            self.set_results(test=verdict.open_test(self, opened))
            self.store.set_setting("test_opened", opened)
        return self

    def snapshot(self, trial: int) -> Model:
        """The model of a trial at its best epoch so far; from `watch` also while it trains.

        Raises:
            StudyError: there is no such trial, or its weights are not kept.
        """
        return becoming.snapshot(self, trial)

    def best_model(self) -> Model:
        """The model of the best trial.

        Raises:
            StudyError: no trial is usable, or its weights are not kept.
        """
        return becoming.best_model(self)

    # ---- what is looked at -----------------------------------------------------------------------------------------

    def by_slice(self, column: str | None = None, *, bins: int = 4) -> slices.Slices:
        """Where the model errs: its errors in each class, or in each part of a column, with the verdict on each.

        The dev rows are those that chose nothing, where dev is large enough to have such. The test set stays closed.

        Args:
            column: whose categories, or parts of its range, divide the rows; None: the classes, or parts of the target.
            bins: parts of a column of numbers, each with about as many rows.

        Raises:
            StudyError: there is no such column, no trial is usable, or its weights are not kept.
        """
        return slices.slices_of(self, column, bins)

    def check_gradients(
        self, trial: int | Trial | None = None, *, entries: int = 2000, seed: int = 0
    ) -> gradients.TrialGradients:
        """Compare a trial's gradient with differences of its cost, at its first weights and at its best ones.

        The cost is the engine's own in training, on the trial's first mini-batch: with its penalties (L2, and L1 by its
        subgradient), dropout with the mask of the first update, batch norm on this batch; in double precision.
        Decoupled weight decay and clipping are no parts of the cost. Weights are named as [unit, input].

        Args:
            trial: its number or record; the best trial by default.
            entries, seed: see `caviar.check_gradients`.

        Raises:
            StudyError: there is no such trial, or the data is gone.
        """
        return gradients.check_gradients(self, trial, entries, seed)

    def check_descent(
        self, trial: int | Trial | None = None, *, steps: int = 100, learning_rate: float | None = None
    ) -> "DescentCheck":
        """Run batch gradient descent from a trial's first weights: its cost must fall at every step.

        Every keep probability is 1, the batch is the whole train set (its first 4096 rows where it is larger), the
        penalties are the trial's, and the steps are the engine's own, in double precision.

        Args:
            trial: its number or record; the best trial by default.
            steps: how many.
            learning_rate: α, constant; the trial's own by default.

        Raises:
            StudyError: there is no such trial, the data is gone, or an argument is not allowed.
        """
        return gradients.check_descent(self, trial, steps, learning_rate)

    # ---- inside ----------------------------------------------------------------------------------------------------

    @contextmanager
    def _held(self) -> Iterator[Lease]:
        """The right to change this study, unless it is sealed, which another process may have done just before."""
        with holding(self.store) as lease:
            self._refuse_sealed()
            yield lease

    def _declare(self) -> None:
        """The best: confirmed where it was searched for, else itself."""
        if self.results.get("winner"):
            return
        if any(campaign.kind == "search" for campaign in self.campaigns):
            self.confirm()
            return
        best = ranking.ranked(self)[0]
        early_stopping.compare(self, best)
        self.set_results(winner=verdict.alone(best))

    def _refuse_sealed(self) -> None:
        if self.sealed:
            raise StudyError(
                f"The study in '{self.folder}' is sealed: its test set has been opened, so more trials would be chosen "
                "by it. Begin a new study in another folder."
            )
