"""What a study notes beside its segments: files, findings, and the notebook's experiments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from caviar.errors import StudyError
from caviar.records import plain
from caviar.records.database import put
from caviar.records.store_schema import artefact, experiment, finding

_SAID = ("code", "severity", "message")  # a finding's columns; whatever else it holds is packed beside them


@dataclass(frozen=True)
class Artefact:
    """A file beside the database: a checkpoint, weights, per-row records.

    Args:
        sha256: of its content.
        kind: "checkpoint", "best_weights", "rows", ...
        path: relative to the study's folder.
        size: bytes.
        about: what it is, e.g. {"lane": 0, "tick": 57}.
    """

    sha256: str
    kind: str
    path: str
    size: int
    about: dict[str, Any]


def add_artefact(connection: Connection, one: Artefact) -> None:
    """Note a file; the same content and kind again replaces what was said about it."""
    row = {"sha256": one.sha256, "kind": one.kind, "path": str(one.path), "size": int(one.size)}
    put(connection, artefact, ("sha256", "kind"), [row | {"about": plain.encode(one.about)}])


def remove_artefact(connection: Connection, sha256: str, kind: str) -> None:
    """Forget a file."""
    connection.execute(delete(artefact).where(artefact.c.sha256 == sha256, artefact.c.kind == kind))


def artefacts(connection: Connection, kind: str | None) -> list[Artefact]:
    """The files of one kind, or all, in the order of their first noting."""
    query = select(artefact).order_by(artefact.c.number)
    rows = connection.execute(query if kind is None else query.where(artefact.c.kind == kind))
    return [Artefact(row.sha256, row.kind, row.path, row.size, plain.decode(row.about)) for row in rows]


def add_findings(connection: Connection, findings: Iterable[Mapping[str, Any]], replace: bool) -> None:
    """Store findings in their order, after or instead of the earlier ones."""
    rows = []
    for one in findings:
        rest = {name: value for name, value in one.items() if name not in _SAID}
        rows.append({name: str(one[name]) for name in _SAID} | {"about": plain.encode(rest)})
    if replace:
        connection.execute(delete(finding))
    if rows:
        connection.execute(insert(finding), rows)


def findings(connection: Connection) -> list[dict[str, Any]]:
    """The findings as they were given, in the order of their storing."""
    rows = connection.execute(select(finding).order_by(finding.c.number))
    return [
        {"code": row.code, "severity": row.severity, "message": row.message} | plain.decode(row.about) for row in rows
    ]


def add_experiment(connection: Connection, content: Mapping[str, Any]) -> int:
    """Begin an entry of the notebook; its number counts from 1."""
    key = connection.execute(insert(experiment).values(content=plain.encode(content))).inserted_primary_key
    assert key is not None
    return int(key[0])


def set_experiment(connection: Connection, number: int, content: Mapping[str, Any]) -> None:
    """Write an entry anew.

    Raises:
        StudyError: there is no such entry.
    """
    change = update(experiment).where(experiment.c.number == number).values(content=plain.encode(content))
    if connection.execute(change).rowcount == 0:
        raise StudyError(f"There is no experiment {number} in this study's notebook.")


def experiments(connection: Connection) -> list[dict[str, Any]]:
    """The entries of the notebook, each with its "number"."""
    rows = connection.execute(select(experiment).order_by(experiment.c.number))
    return [plain.decode(row.content) | {"number": row.number} for row in rows]
