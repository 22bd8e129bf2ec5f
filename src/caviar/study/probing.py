"""What a study's probes say: the GRD findings of the declared best, and of those trials that diverged, if many did."""

from dataclasses import replace
from typing import TYPE_CHECKING

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.gradients import GradientEvidence, diagnose_gradients
from caviar.records.status import Status
from caviar.records.trial import Trial

if TYPE_CHECKING:
    from caviar.study.study import Study

# From this share of the trials on, and from this number, what became of one of the diverged is told.
MANY = 0.1
FEWEST = 3


def gradient_findings(study: "Study") -> list[Finding]:
    """The GRD findings of the best network, then those of a trial that stands for the diverged ones."""
    winner = study.results["winner"]
    found = diagnose_gradients(evidence_of(study, probed(study, [winner["trial"], *winner["retrained"]])))
    trials = study.trials
    lost = [trial for trial in trials if trial.status is Status.DIVERGED]
    if len(lost) >= max(FEWEST, MANY * len(trials)):
        one = sorted(lost, key=lambda trial: (trial.epochs, trial.number))[len(lost) // 2]
        subject = f"Trial {one.number}, which stands for the {len(lost)} of {len(trials)} trials that diverged"
        told = diagnose_gradients(replace(evidence_of(study, one), subject=subject))
        found += [replace(finding, severity="warning") for finding in told]
    return found


def probed(study: "Study", numbers: list[int]) -> Trial:
    """The first of these trials that has probes, or else the first."""
    trials = [study.store.trial(number) for number in numbers]
    return next((trial for trial in trials if "update_ratio" in trial.history), trials[0])


def evidence_of(study: "Study", trial: Trial) -> GradientEvidence:
    """What was probed of a trial."""
    rows = min(int(trial.configuration["batch_size"]), len(study.splits.train))
    return GradientEvidence(trial.history, updates=trial.updates // max(1, trial.epochs), rows=rows)
