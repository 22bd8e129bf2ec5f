"""What the project says of itself is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import caviar

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "caviar"
MAP_SUFFIXES = {".py", ".css", ".js", ".typed"}


def run_python(code: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter, so that what earlier tests imported does not matter."""
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def loaded_after(code: str) -> set[str]:
    """The names of the modules that a fresh interpreter holds after running the code."""
    done = run_python(f"{code}\nimport sys\nprint('\\n'.join(sys.modules), file=sys.stderr)")
    assert done.returncode == 0, done.stderr[-2000:]
    return set(done.stderr.split())


def python_blocks(document: str) -> list[str]:
    """The Python examples of a document of the project."""
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


def tracked_files() -> list[Path]:
    """Every file under version control that is still there; a skipped test where git does not answer."""
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs git and a clone, to know which files are tracked")
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_imports_go_one_way() -> None:
    """The rooms import downwards only: import-linter keeps the contract of pyproject.toml."""
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_a_room_says_what_it_is_and_does_nothing_else() -> None:
    """Every folder's __init__ but the root's is one docstring."""
    rooms = sorted(SOURCE.rglob("*/__init__.py"))
    assert rooms
    for path in rooms:
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(body) == 1, f"{path.relative_to(ROOT)} does more than say what the folder is"
        assert isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant), path.relative_to(ROOT)
        assert isinstance(body[0].value.value, str), path.relative_to(ROOT)


def test_every_folder_with_modules_is_a_room() -> None:
    """No module lies in a folder without an __init__, which a package built from the sources would leave out."""
    for path in SOURCE.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path.relative_to(ROOT)


def test_the_root_exports_few_names() -> None:
    """The root offers at most 25 names, each with a home, and lists all of them."""
    assert len(caviar.__all__) <= 25
    assert set(caviar.__all__) == set(caviar._HOMES)
    assert set(caviar.__all__) <= set(dir(caviar))
    with pytest.raises(AttributeError, match=r"no attribute 'Stduy'.*Study"):
        caviar.Stduy  # noqa: B018


@pytest.mark.parametrize("name", caviar.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    """Each exported name is found in its home on first use, and the same object afterwards."""
    first = getattr(caviar, name)
    assert first is getattr(caviar, name)


def test_type_checkers_see_the_exports() -> None:
    """The names that type checkers see are those that are exported, from the homes they are loaded from."""
    tree = ast.parse((SOURCE / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname: statement.module
        for block in tree.body
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert seen == caviar._HOMES


def test_importing_caviar_loads_almost_nothing() -> None:
    """`import caviar` loads none of its rooms, no JAX and no NumPy, so that it answers at once."""
    loaded = loaded_after("import caviar")
    assert {name for name in loaded if name.startswith("caviar")} == {"caviar"}
    assert not loaded & {"jax", "jaxlib", "numpy", "sklearn", "polars", "plotly"}


def test_help_starts_no_device() -> None:
    """`caviar --help` answers without loading JAX, NumPy, scikit-learn or polars."""
    code = """
import sys
from caviar import cli
sys.argv = ["caviar", "--help"]
try:
    cli.main()
except SystemExit as end:
    assert not end.code, end.code
"""
    assert not loaded_after(code) & {"jax", "jaxlib", "numpy", "sklearn", "polars", "plotly"}


@pytest.mark.parametrize(
    "module",
    ["caviar.report.html", "caviar.report.text", "caviar.diagnosis.fit", "caviar.records.store", "caviar.study.model"],
)
def test_reading_a_study_never_loads_jax(module: str) -> None:
    """What shows or uses a study that is done does not load JAX."""
    assert not loaded_after(f"import {module}") & {"jax", "jaxlib"}


def test_jax_lives_in_two_rooms() -> None:
    """Only networks/ and training/ name JAX in an import."""
    pattern = re.compile(r"^\s*(?:from|import) (?:jax|jaxlib|optax)\b", re.MULTILINE)
    guests = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if pattern.search(path.read_text(encoding="utf-8"))
    }
    assert not {name for name in guests if name.split("/")[0] not in ("networks", "training")}


def test_the_map_is_the_territory() -> None:
    """ARCHITECTURE.md's tree has one line for every file of the package, and no other."""
    document = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tree = re.search(r"```text\nsrc/caviar/\n(.*?)```", document, re.DOTALL)
    assert tree, "ARCHITECTURE.md has no tree of src/caviar/"
    drawn, folder = set(), ""
    for line in tree[1].splitlines():
        name, _, said = line.strip().partition(" ")
        if name.endswith("/"):
            folder = name
            drawn.add(folder)
        else:
            drawn.add(("" if line.startswith("  ") and not line.startswith("    ") else folder) + name)
        assert said.strip(), f"ARCHITECTURE.md says nothing of {name}"
    files = [p for p in SOURCE.rglob("*") if p.suffix in MAP_SUFFIXES and "__pycache__" not in p.parts]
    there = {
        path.relative_to(SOURCE).as_posix() for path in files if path.parent == SOURCE or path.name != "__init__.py"
    }
    there |= {f"{path.parent.relative_to(SOURCE).as_posix()}/" for path in files if path.parent != SOURCE}
    lines = [
        f"{name}  {(ast.get_docstring(ast.parse((SOURCE / name).read_text())) or '').splitlines()[:1]}"
        for name in sorted(there - drawn)
        if name.endswith(".py")
    ]
    assert not there - drawn, f"missing in ARCHITECTURE.md: {sorted(there - drawn)}; their own words: {lines}"
    assert not drawn - there, f"in ARCHITECTURE.md but not on disk: {sorted(drawn - there)}"


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md"])
def test_the_examples_run(document: str, tmp_path: Path) -> None:
    """The Python examples of the document run as they stand, in an empty folder, without a warning."""
    blocks = python_blocks(document)
    assert blocks, f"{document} has no example"
    for block in blocks:
        done = run_python(block, tmp_path)
        assert done.returncode == 0, done.stderr[-3000:]


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of a tracked document leads to a file that is there."""
    for path in (path for path in tracked_files() if path.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"


def test_no_machine_is_named() -> None:
    """No tracked text names a folder of somebody's machine or a host of a package registry."""
    homes = "|".join(["/" + "work/", "/" + "home/", "/" + "root/", "/" + "Users/", "C:" + r"\\Users"])
    hosts = "|".join([r"pypi\." + "org", r"pythonhosted\." + "org", "index" + "-url", r"test\.py" + "pi"])
    pattern = re.compile(f"(?<![\\w.])(?:{homes})|{hosts}")
    for path in tracked_files():
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found = pattern.search(content)
        assert not found, f"{path.relative_to(ROOT)} names {found and found[0]!r}"


def test_the_pinned_versions_meet_what_is_asked_for() -> None:
    """constraints.txt pins every dependency of the package and of its tests, each within the bounds asked for."""
    import tomllib

    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    pinned = {canonicalize_name(name): version for name, version in pairs}
    for asked in map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["dev"]]):
        assert canonicalize_name(asked.name) in pinned, f"{asked.name} is not pinned"
        version = pinned[canonicalize_name(asked.name)]
        assert asked.specifier.contains(version), f"{asked.name} is pinned to {version}, asked for is {asked.specifier}"


def test_every_test_states_a_fact() -> None:
    """Every test has a docstring."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                assert ast.get_docstring(node), f"{path.relative_to(ROOT)}: {node.name} states no fact"


def test_shapes_are_checked_while_tests_trace() -> None:
    """An array of the wrong rank is refused where it enters the networks' functions, not somewhere inside them."""
    import jax.numpy as jnp
    from jaxtyping import TypeCheckError

    from caviar.networks.losses import softmax

    with pytest.raises(TypeCheckError, match="outputs"):
        softmax(jnp.zeros(3), jnp.zeros(3, int), smoothing=0.0, classes=3)
