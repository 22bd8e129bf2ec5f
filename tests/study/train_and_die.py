"""A study in its own process, for tests that kill it: begins the study of a folder, or goes on with it, and ends it.

python train_and_die.py FOLDER
"""

import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from caviar.study import campaigns, lane, writer
from caviar.study.study import Study
from study import making

TRIALS, EPOCHS = 60, 16


def linger(look: Any) -> None:
    """A segment of so small a network is over before anybody could aim at it."""
    time.sleep(0.004)


def main(folder: Path) -> None:
    """Train until the study is finished, with many short segments, checkpoints and changes among the kept weights."""
    campaigns.EPOCHS_PER_SEGMENT = 1
    lane.KEPT_WEIGHTS = 8
    writer.CHECKPOINT_SECONDS, writer.CHECKPOINT_SHARE = 0.05, 0.9
    study = Study(folder, watch=linger) if (folder / "study.db").exists() else making.study(folder, watch=linger)
    if not study.campaigns:
        study.search(trials=TRIALS, epochs=EPOCHS)
    study.resume()
    if not study.sealed:
        study.finish()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
