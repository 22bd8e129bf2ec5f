"""A study in its own process, for tests that kill it: python train_and_die.py FOLDER [seconds between checkpoints]."""

import sys
from pathlib import Path

import caviar
from caviar.study import loop
from caviar.study.study import Study


def main(folder: str, seconds: str = "0.2") -> None:
    """Begin the study, or go on with it, until it is finished."""
    loop.CHECKPOINT_SECONDS = float(seconds)
    loop.CHECKPOINT_SHARE = 0.5
    if Path(folder, "study.db").exists():
        study = Study(folder)
        if study.campaigns:
            study.resume()
    else:
        study = Study(folder, caviar.split(caviar.read("digits"), seed=0), seed=0)
    if not study.campaigns:
        study.search(trials=60, epochs=12)
    study.confirm()


if __name__ == "__main__":
    main(*sys.argv[1:])
