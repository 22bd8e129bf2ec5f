"""Frameworks: the comparison says where each peer stands on ease of programming, running speed and true openness."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "comparison.md"
PEERS = {
    "PyTorch", "TensorFlow", "Keras", "JAX", "scikit-learn", "Lightning", "fastai",
    "Optuna", "Ray Tune", "Keras Tuner", "Hyperoptax", "Ludwig", "AutoGluon",
}  # fmt: skip


def test_every_peer_stands_on_all_three() -> None:
    """The table of frameworks has a row for Caviar and each peer, with words on ease, speed and openness in each."""
    section = PAGE.read_text(encoding="utf-8").partition("## Choosing a framework")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in section.splitlines() if line.startswith("|")]
    assert rows[0] == ["framework", "ease of programming", "running speed", "true openness"]
    found = {cells[0]: cells[1:] for cells in rows[2:]}
    assert found.keys() >= PEERS | {"Caviar"}
    for name, cells in found.items():
        assert len(cells) == 3 and all(len(cell) > 12 for cell in cells), name


def test_what_is_said_of_openness_names_a_licence() -> None:
    """Openness is a licence and who governs it, not a word of praise."""
    section = PAGE.read_text(encoding="utf-8").partition("## Choosing a framework")[2].partition("\n## ")[0]
    for line in section.splitlines():
        if line.startswith("|") and not line.startswith(("| framework", "|--")):
            assert re.search(r"Apache-2\.0|MIT|BSD|no licence named", line), line
