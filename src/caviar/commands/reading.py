"""Commands that read a study: status, report."""

from caviar.commands.options import Existing, Json
from caviar.commands.speaking import print_json, print_text


def status(run: Existing, json_: Json = False) -> None:
    """How far a study is."""
    from caviar.study.jobs import open_existing
    from caviar.study.summary import summary

    study = open_existing(run)
    found = summary(study)
    if json_:
        print_json(found)
        return
    from caviar.report.page import page_of
    from caviar.report.text import summary as study_text

    print(f"{found['run']}: {found['state']}\n")
    print_text(study_text(page_of(study)))


def report(run: Existing, json_: Json = False) -> None:
    """Write the study's page anew."""
    from caviar.report.page import write_report
    from caviar.study.jobs import open_existing
    from caviar.study.summary import summary

    study = open_existing(run)
    path = write_report(study)
    if json_:
        print_json({**summary(study), "report": str(path)})
    else:
        print(path)
