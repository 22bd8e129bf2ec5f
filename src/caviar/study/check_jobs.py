"""What `caviar check-gradients` looks at: a cost in a file, or a trial of a study."""

from pathlib import Path
from typing import Any

from caviar.errors import StudyError
from caviar.study.cost_file import cost_of
from caviar.study.request import open_existing


def check_gradients(what: str, entries: int, seed: int) -> Any:
    """Check what is named: a file's cost (`FILE.py:NAME`) or a study's trial (`RUN` for its best, `RUN:TRIAL`).

    Returns:
        A `GradientCheck`, or a `TrialGradients`.

    Raises:
        CaviarError: it is neither, or cannot be checked.
    """
    folder, _, number = what.rpartition(":")
    if Path(what).is_dir():
        return open_existing(Path(what)).check_gradients(entries=entries, seed=seed)
    if folder and (Path(folder) / "study.db").exists():
        if not (number.isascii() and number.isdecimal()):
            raise StudyError(f"A trial of '{folder}' is given by its number, as in {folder}:0. Got '{number}'.")
        return open_existing(Path(folder)).check_gradients(int(number), entries=entries, seed=seed)
    checked = cost_of(what)
    from caviar.training.gradient_check import check_gradients

    return check_gradients(checked.cost, checked.parameters, checked.gradient, entries=entries, seed=seed)
