"""The tables of a study, one schema for SQLite and PostgreSQL.

JSON is kept as text that `plain` wrote: both databases treat it alike, and its infinities survive. Blobs are packed by
`events` and `history`, one row a segment, since a row per slot and epoch costs five times the bytes. Times are seconds
since 1970 by the database's own clock; no process's clock is ever compared with another's.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
)

from caviar.records import events as event_log
from caviar.records import history
from caviar.records.events import Event
from caviar.records.history import Block

SCHEMA_VERSION = 1

metadata = MetaData()


def _counting(name: str) -> Column:
    """A key that counts by itself; SQLite does so for INTEGER alone."""
    return Column(name, BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)


def _whole(name: str) -> Column:
    return Column(name, BigInteger, nullable=False)


def _text(name: str) -> Column:
    return Column(name, Text, nullable=False)


def _real(name: str) -> Column:
    return Column(name, Double)  # NULL is NaN: SQLite keeps no NaN


study = Table(
    "study",
    metadata,
    Column("setting", Text, primary_key=True),
    _text("value"),
)

lane = Table(
    "lane",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _whole("lease"),
    _text("holder"),
    Column("expires", Double, nullable=False),
    _whole("tick"),  # of the last committed segment; −1 before the first
    _text("state"),
)

event = Table(
    "event",
    metadata,
    _whole("lane"),
    _whole("tick"),  # of the segment they were stored with
    _whole("last"),  # the largest tick at which one of them takes effect
    Column("block", LargeBinary, nullable=False),
    PrimaryKeyConstraint("lane", "tick"),
)

measurement = Table(
    "measurement",
    metadata,
    _counting("number"),  # the order in which segments were stored, over all lanes
    _whole("lane"),
    _whole("tick"),
    _whole("first_trial"),
    _whole("last_trial"),
    Column("block", LargeBinary, nullable=False),
    UniqueConstraint("lane", "tick"),
)

trial = Table(
    "trial",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _text("status"),
    _text("configuration"),
    _whole("seed"),
    _whole("stream"),
    _whole("cohort"),
    _real("dev_error"),
    _real("train_error"),
    _whole("best_epoch"),
    _whole("epochs"),
    Column("exempt", Boolean, nullable=False),
    _text("reason"),
    _whole("updates"),
    _whole("horizon"),
    _whole("stop_at"),
    _real("dev_cost"),
    _real("train_cost"),
    _real("judge_error"),
    _real("judge_cost"),
    _whole("lane"),
    Column("parent", BigInteger),
)

artefact = Table(
    "artefact",
    metadata,
    _counting("number"),
    _text("sha256"),
    _text("kind"),
    _text("path"),  # relative to the study's folder, so that it may be moved
    _whole("size"),
    _text("about"),
    UniqueConstraint("sha256", "kind"),
    Index("artefact_kind", "kind"),
)

finding = Table(
    "finding",
    metadata,
    _counting("number"),
    _text("code"),
    _text("severity"),
    _text("message"),
    _text("about"),  # everything else: evidence, threshold
)

experiment = Table(
    "experiment",
    metadata,
    _counting("number"),
    _text("content"),  # idea, trials, result, conclusion
)

CLOCKS = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "EXTRACT(EPOCH FROM clock_timestamp())",
}


def clock(dialect: str) -> ColumnElement[float]:
    """The database's own clock, seconds since 1970: the only one that leases know."""
    return literal_column(CLOCKS[dialect], Double)


def events_row(lane: int, tick: int, events: Sequence[Event]) -> dict[str, Any]:
    """A segment's events as a row of their table; empty where there are none."""
    if not events:
        return {}
    return {"lane": lane, "tick": tick, "last": int(max(one.tick for one in events)), "block": event_log.pack(events)}


def block_row(lane: int, tick: int, block: Block | None) -> dict[str, Any]:
    """A segment's measurements as a row of their table; empty where nothing was measured."""
    if block is None or len(block) == 0:
        return {}
    first, last = int(block.trials.min()), int(block.trials.max())
    return {"lane": lane, "tick": tick, "first_trial": first, "last_trial": last, "block": history.pack(block)}
