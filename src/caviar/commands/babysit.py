"""The command that trains one network by hand: babysit."""

import shlex
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from caviar.commands.options import Json, Run, Seed, Sets, Source, Target
from caviar.commands.speaking import print_json, print_text
from caviar.networks.naming import NAMES

_HEAD = ("epoch", "cost", "train error", "dev error", "learning rate")


@dataclass(frozen=True)
class By:
    """What is done to the network; see `caviar.study.babysit_jobs.Hand`."""

    set_: Sets = None
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="why, for the log")] = ""
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", min=0, help="how many more (default: 10; none after --undo, --back-to or --finish)"),
    ] = None
    undo: Annotated[bool, typer.Option("--undo", help="go back to before the last change")] = False
    back_to: Annotated[
        int | None, typer.Option("--back-to", metavar="EPOCH", min=0, help="go back to an epoch, bit for bit")
    ] = None
    branch: Annotated[
        bool, typer.Option("--branch", help="go on with a branch, from now or --back-to; the network itself stays")
    ] = False
    trial: Annotated[int | None, typer.Option("--trial", min=0, help="which network (default: the last begun)")] = None
    new: Annotated[bool, typer.Option("--new", help="begin another network in the same study")] = False
    finish: Annotated[bool, typer.Option("--finish", help="end all networks, judge the best, open the test set")] = (
        False
    )
    horizon: Annotated[
        int, typer.Option("--horizon", min=1, help="of a new network: epochs over which a decay is stretched")
    ] = 50


@dataclass(frozen=True)
class Begin:
    """Of a new study: its target, and where it goes; as for every command that trains."""

    target: Target = None
    seed: Seed = 0
    run: Run = None
    json_: Json = False


def babysit(
    what: Annotated[
        str, typer.Argument(metavar="DATA|RUN", help="data, to begin with; the folder of a study, to go on with")
    ],
    by: By,
    begin: Begin,
    source: Source,
) -> None:
    """Train one network by hand: watch it, change it while it trains, go back, branch off."""
    from caviar.report.page import write_report
    from caviar.study import babysit_jobs
    from caviar.study.request import Request

    request = Request(
        what,
        target=begin.target,
        task=source.task,
        fixed=tuple(by.set_ or ()),
        seed=begin.seed,
        run=begin.run,
        roles=source.roles(),
    )
    given = {
        name: getattr(by, name) for name in ("trial", "new", "undo", "back_to", "branch", "note", "epochs", "finish")
    }
    hand = babysit_jobs.Hand(**given, changes=request.fixed, horizon=by.horizon)
    lines = None if begin.json_ else _Lines()
    study, network = babysit_jobs.babysit(request, hand, lines)
    found = babysit_jobs.told(study, network) | {"report": str(write_report(study))}
    if begin.json_:
        print_json(found)
    else:
        print_text(_words(found))
    study.store.close()


class _Lines:
    """A line for every epoch, as it ends; a star where it is the best so far."""

    def __init__(self) -> None:
        self._begun = False

    def __call__(self, trial: Any, stick: Any) -> None:
        compared = {} if stick is None else {f"dev {stick.name}": stick.write(float(stick.curve(trial)[1][-1]))}
        if not self._begun:
            print("  ".join(f"{name:>13}" for name in (*_HEAD, *compared)))
            self._begun = True
        history = trial.history
        shown = [f"{trial.epochs:>13}"]
        shown += [f"{float(history[name.replace(' ', '_')][-1]):>13.5g}" for name in _HEAD[1:]]
        shown += [f"{value:>13}" for value in compared.values()]
        print("  ".join(shown) + (" *" if trial.best_epoch == trial.epochs else ""), flush=True)


def _named(found: dict[str, Any], value: str, error: str) -> tuple[str, float]:
    """What trials are compared by, and what it is; the error where it decides, or the metric is not known."""
    if found["metric"] == "error" or found[value] is None:
        return "error", found[error]
    return NAMES[found["metric"]].name, found[value]


def _words(found: dict[str, Any]) -> str:
    """What has come of it, and how to go on."""
    trial, best = found["trial"], found["best_epoch"]
    lines = [f"Trial {trial} has trained {found['epoch']} epochs."]
    if best:
        name, value = _named(found, "metric_value", "dev_error")
        lines[0] += f" Its best dev {name} is {value:.4g}, in epoch {best}."
    if found["diverged"]:
        lines.append("It has diverged: its cost is no finite number, and no change mends it. Go back, or begin anew.")
    if found["log"]:
        lines += ["By hand:", *(f"  {line}" for line in found["log"])]
    if found["test_error"] is not None:
        name, value = _named(found, "test_value", "test_error")
        lines.append(f"Test {name} of the best, trial {found['best']}: {value:.4g}")
    lines += ["", f"Report: {found['report']}", f"Model:  {found['model'] or 'none yet'}"]
    if found["state"] != "finished":
        back = f"--back-to {found['best_epoch']} " if found["diverged"] else ""
        lines.append(f"Go on:  caviar babysit {shlex.quote(found['run'])} {back}--set learning_rate=…")
    return "\n".join(lines)
