"""Commands that read a study: status, report, slices, notebook."""

from typing import Annotated, Any

import typer

from caviar.commands.options import Existing, Json
from caviar.commands.speaking import print_json, print_text
from caviar.study.stop import BUDGET

_WORK = {"search": "search", "confirm": "training of the best again"}


def status(run: Existing, json_: Json = False) -> None:
    """How far a study is."""
    from caviar.study.request import open_existing
    from caviar.study.summary import summary

    study = open_existing(run)
    found = summary(study)
    if json_:
        print_json(found)
        return
    print(f"{found['run']}: {found['state']}\n")
    print_text(outcome(study))


def report(run: Existing, json_: Json = False) -> None:
    """Write the study's page anew."""
    from caviar.report.page import write_report
    from caviar.study.request import open_existing
    from caviar.study.summary import summary

    study = open_existing(run)
    path = write_report(study)
    if json_:
        print_json({**summary(study), "report": str(path)})
    else:
        print(path)


def slices(
    run: Existing,
    by: Annotated[
        str | None, typer.Option("--by", metavar="COL", help="a column (default: the classes, or parts of the target)")
    ] = None,
    bins: Annotated[int, typer.Option("--bins", min=2, help="parts of a column of numbers")] = 4,
    json_: Json = False,
) -> None:
    """Where the best network errs: its errors by class, or by a column, on dev rows that chose nothing."""
    from caviar.study.request import open_existing

    found = open_existing(run).by_slice(by, bins=bins)
    if json_:
        print_json({"run": str(run), **found.to_dict()})
    else:
        print_text(str(found))


def notebook(
    run: Existing,
    idea: Annotated[str | None, typer.Option("--idea", help="note why the next experiment is done")] = None,
    conclusion: Annotated[
        str | None, typer.Option("--conclusion", help="note what the last experiment has shown")
    ] = None,
    json_: Json = False,
) -> None:
    """The lab notebook: of every experiment the idea, what was tried, what came of it, what was concluded."""
    from caviar.study.request import open_existing

    study = open_existing(run)
    if idea is not None or conclusion is not None:
        study.note(idea=idea, conclusion=conclusion)
    found = study.notebook
    if json_:
        print_json({"run": str(run), "experiments": [experiment.to_dict() for experiment in found]})
    else:
        print_text("\n\n".join(map(str, found)) or "Nothing was done yet.")


def outcome(study: Any) -> str:
    """What a study came to, as a person reads it."""
    from caviar.report.page import page_of
    from caviar.report.text import summary
    from caviar.study.approach import of_study

    parts = [summary(page_of(study))]
    ended = study.results.get("stopped") or {}
    if ended.get("why") == BUDGET:
        work = _WORK.get(str(ended.get("campaign")), "training")
        parts.append(f"The budget of time ended the {work} after segment {ended['tick']}.")
    advice = of_study(study)
    return "\n\n".join([*parts, *([advice] if advice else [])])
