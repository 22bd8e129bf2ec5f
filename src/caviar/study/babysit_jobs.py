"""What `caviar babysit` does: a network is begun or found again, taken back, branched off, changed, trained, ended."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from caviar.errors import NothingUsable, StudyError
from caviar.given import path
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.search.parsing import parse_set
from caviar.study.interventions import changed
from caviar.study.request import Request, begin, open_existing
from caviar.study.spec import BY_HAND
from caviar.study.stop import interrupts
from caviar.study.study import Study
from caviar.study.summary import metric_value, state_of
from caviar.study.yardstick import Yardstick, yardstick_of

if TYPE_CHECKING:
    from caviar.study.babysit import Babysitter

Watch = Callable[[Trial, Yardstick | None], Any]
EPOCHS = 10
HORIZON = 50


@dataclass(frozen=True)
class Hand:
    """What a person does to a network by one command, in this order.

    Args:
        trial: the network; None: the one begun last.
        new: begin another one.
        undo: take the last change back.
        back_to: an epoch to go back to, or to branch off at.
        branch: go on with a branch; the network that it comes from stays.
        changes: texts of `--set`.
        note: why, for the log.
        epochs: how many more; None: `EPOCHS`, or none where the network is only taken back or ended.
        finish: end all of them, judge the study's best network and open the test set.
        horizon: of a new network, the epochs over which a decay of the learning rate is stretched.
    """

    trial: int | None = None
    new: bool = False
    undo: bool = False
    back_to: int | None = None
    branch: bool = False
    changes: tuple[str, ...] = ()
    note: str = ""
    epochs: int | None = None
    finish: bool = False
    horizon: int = HORIZON

    @property
    def of_one_that_is_there(self) -> str:
        """The first option that needs a network, or ""."""
        asked = {"--trial": self.trial is not None, "--undo": self.undo, "--back-to": self.back_to is not None}
        asked |= {"--branch": self.branch, "--new": self.new}
        return next((option for option, given in asked.items() if given), "")

    @property
    def more(self) -> int:
        """How many epochs to train."""
        if self.epochs is not None:
            return self.epochs
        return 0 if self.undo or self.back_to is not None or self.finish else EPOCHS


def babysit(request: Request, hand: Hand, watch: Watch | None = None) -> tuple[Study, "Babysitter"]:
    """Do what a person asks to a network of a study, or to the first one of a new study.

    Args:
        request: whose data is a study's folder, or the data of a new study.
        watch: called with the network's record after every epoch, and with what its study compares by.

    Raises:
        CaviarError: something given is not allowed; then nothing is changed.
    """
    _check(hand)
    folder = path("What is trained", request.data, StudyError)
    if (folder / "study.db").exists() or hand.of_one_that_is_there:
        study = open_existing(folder)
        _refuse_reading(request, hand)
        network = _of_a_study(study, hand)
    else:
        study = begin(request, "babysit", {}, None, horizon=hand.horizon)
        network = _begun(study, {}, hand)
    if hand.more:
        _train(network, hand.more, None if watch is None else _with(watch, yardstick_of(study)))
    if hand.finish:
        network.finish()
        for number in _going(study):
            study.babysit(trial=number).finish()
        study.finish()
    return study, network


def _check(hand: Hand) -> None:
    """What cannot be asked together."""
    if hand.new and (hand.trial is not None or hand.undo or hand.branch or hand.back_to is not None):
        raise StudyError("'--new' begins another network; leave --trial, --undo, --back-to and --branch out.")
    if hand.undo and (hand.branch or hand.back_to is not None):
        raise StudyError("'--undo' takes the last change back; give it without --back-to and --branch.")
    for text in hand.changes:
        parse_set(text)


def _refuse_reading(request: Request, hand: Hand) -> None:
    """What a new study, or a new network, alone can be told."""
    told: dict[str, Any] = {"target": request.target, "run": request.run, "seed": request.seed}
    told |= {"task": request.task != "auto", **request.roles}
    given = [f"--{name}" for name, value in told.items() if value]
    if given:
        raise StudyError(f"'{request.data}' is a study, whose data is read already. Leave {' and '.join(given)} out.")
    if hand.horizon != HORIZON and not hand.new:
        raise StudyError("'--horizon' is of a new network: a decay that has begun keeps its own. Give it with --new.")


def _of_a_study(study: Study, hand: Hand) -> "Babysitter":
    """The network that is meant, as it is to be trained on."""
    going = _going(study)
    changes = dict(map(parse_set, hand.changes))
    if hand.trial is not None or (going and not hand.new):
        network = study.babysit(trial=going[-1] if hand.trial is None else hand.trial)
        return _changed(network, hand, changes)
    if hand.undo or hand.branch or hand.back_to is not None:
        raise StudyError(
            f"No network of '{study.folder}' is being trained by hand. Begin one: caviar babysit {study.folder}"
        )
    return _begun(study, changes, hand)


def _going(study: Study) -> list[int]:
    """The networks that can be trained on."""
    own = [campaign.first_trial for campaign in study.campaigns if campaign.kind == BY_HAND]
    return [number for number in own if study.store.trial(number).status is Status.RUNNING]


def _begun(study: Study, configuration: Mapping[str, Any], hand: Hand) -> "Babysitter":
    """A new network; the note is the idea behind it."""
    if hand.note:
        study.note(idea=hand.note)
    return study.babysit(configuration, epochs=hand.horizon)


def _changed(network: "Babysitter", hand: Hand, changes: Mapping[str, Any]) -> "Babysitter":
    """The network, or a branch of it, taken back and changed. All that may be refused is refused first."""
    going_back = hand.undo or hand.back_to is not None or hand.branch
    if hand.note and not changes and not going_back:
        raise StudyError(
            "'--note' says why something is changed, and nothing is. Note it with caviar notebook RUN --conclusion."
        )
    if changes:
        changed(network.configuration, changes)
    told = "" if changes else hand.note
    if hand.branch:
        network = network.branch(hand.back_to)
    elif hand.back_to is not None:
        network.back_to(hand.back_to, note=told)
    elif hand.undo:
        network.undo(note=told)
    return network.set(note=hand.note, **changes) if changes else network


def _with(watch: Watch, stick: Yardstick | None) -> Callable[[Trial], Any]:
    return lambda trial: watch(trial, stick)


def _train(network: "Babysitter", epochs: int, watch: Callable[[Trial], Any] | None) -> None:
    """Some epochs; Ctrl-C ends them after the present one."""
    asked: list[bool] = []

    def look(trial: Trial) -> bool:
        if watch is not None:
            watch(trial)
        return bool(asked)

    with interrupts(lambda: asked.append(True)):
        network.run(epochs, look)


def told(study: Study, network: "Babysitter") -> dict[str, Any]:
    """What a program wants to know after a command.

    Returns:
        run, state, trial, epoch, best_epoch, dev_error, train_error, metric (what trials are compared by), metric_value
        (as it is known), configuration, diverged (its cost is no
        finite number, and stays so until it is taken back), log (a sentence each),
        interventions (the same as plain data), trials (every network by hand), best, test_error, model.
    """
    trial, results = network.trial, study.results
    with suppress(NothingUsable):
        study.best_model()
    usable = trial.best_epoch > 0
    return {
        "run": str(study.folder),
        "state": state_of(study),
        "trial": trial.number,
        "epoch": network.epoch,
        "best_epoch": trial.best_epoch,
        "dev_error": trial.dev_error if usable else None,
        "train_error": trial.train_error if usable else None,
        "metric": study.metric,
        "metric_value": metric_value(study, trial) if usable else None,
        "configuration": network.configuration,
        "diverged": network.epoch > 0 and not math.isfinite(trial.history["cost"][-1]),
        "log": [str(one) for one in network.log],
        "interventions": [one.to_dict() for one in network.log],
        "trials": [campaign.first_trial for campaign in study.campaigns if campaign.kind == BY_HAND],
        "best": (results.get("winner") or {}).get("trial"),
        "test_error": (results.get("test") or {}).get("error"),
        "test_value": (results.get("test") or {}).get(study.metric),
        "model": str(study.model_path) if study.model_path.exists() else None,
    }
