"""Every example runs, draws its figure, and shows what it says."""

import ast
import re
import runpy
import tempfile
from pathlib import Path
from typing import Any

import jax
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.py") if path.stem != "mnist_dropout")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_shows_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example runs from top to bottom, its figure is a picture, and each sentence holds, with its numbers in it."""
    from PIL import Image

    monkeypatch.setenv("CAVIAR_FIGURES", str(tmp_path / "figures"))
    monkeypatch.setenv("CAVIAR_QUICK", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # What a person writes may broadcast as NumPy does.
    with jax.numpy_rank_promotion("allow"):
        names: dict[str, Any] = runpy.run_path(str(path))
    said = capsys.readouterr().out
    assert "not seen:" not in said, said
    assert said.count("seen:") == len(names["seen"]) >= 2
    for sentence, holds in names["seen"].items():
        assert bool(holds) and re.search(r"\d", sentence), sentence
        assert "nan" not in sentence.split()
    with Image.open(tmp_path / "figures" / f"{path.stem}.png") as picture:
        assert min(picture.size) > 400
        assert picture.convert("L").getextrema()[0] < 80, "nothing is drawn"
    figure = names["figure"]
    assert figure.key == path.stem and figure.description


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_written_in_cells(path: Path) -> None:
    """An example begins with a cell of words and a heading, has cells of code, and its claims are computed."""
    content = path.read_text(encoding="utf-8")
    assert content.startswith("# %% [markdown]\n# # ")
    assert content.count("\n# %%\n") >= 3
    assert "\n# ## What is seen" in content
    (claims,) = [node for node in ast.walk(ast.parse(content)) if _assigns(node, "seen")]
    assert isinstance(claims, ast.Assign) and isinstance(claims.value, ast.Dict)
    for sentence, holds in zip(claims.value.keys, claims.value.values, strict=True):
        assert isinstance(sentence, ast.JoinedStr), "a sentence holds no computed number"
        assert not isinstance(holds, ast.Constant), "a claim is typed in"


def _assigns(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)


def test_every_example_is_listed() -> None:
    """docs/examples.md links to every example, and to no other."""
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(\.\./examples/(\w+)\.py\)", page))
    assert linked == {path.stem for path in (ROOT / "examples").glob("*.py")}
