"""The store: the only door to a study's record. Training writes through it, everything else reads."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select

from caviar.errors import StudyError
from caviar.records import entries, history, plain
from caviar.records import events as event_log
from caviar.records import lease as leases
from caviar.records import store_schema as tables
from caviar.records.database import Database, put
from caviar.records.entries import Artefact
from caviar.records.events import Event
from caviar.records.history import Block, Histories
from caviar.records.lease import Lease
from caviar.records.status import Status
from caviar.records.trial import Trial, from_row, to_row


class Store:
    """The record of one study.

    Args:
        path: the database's file; made where there is none, unless `read_only`.
        read_only: for pages and reports, which look and never write.

    Raises:
        StudyError: there is no such file, it is not a study, it is damaged, or a newer Caviar wrote it.
    """

    def __init__(self, path: str | Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._database = Database(self.path, read_only=read_only)
        # A trial changes many times, its configuration never: the text is kept with the very object it was made from.
        self._texts: dict[int, tuple[Mapping[str, Any], str]] = {}
        self._held: dict[int, Lease] = {}  # leases taken through this store and not given back, by lane

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a later use opens it again."""
        self._database.close()

    # --- settings -----------------------------------------------------------------------------------------------

    def setting(self, name: str, default: Any = None) -> Any:
        """A plain value by name, or the default where it was never set."""
        with self._database.read() as connection:
            found = connection.scalar(select(tables.study.c.value).where(tables.study.c.setting == name))
            return default if found is None else plain.decode(found)

    def set_setting(self, name: str, value: Any) -> None:
        """Store a plain value under a name, in place of what was there.

        Raises:
            StudyError: the name is the store's own.
            LeaseLost: a lane held through this store was taken over; so with all that is written beside segments.
        """
        if name == "schema_version":
            raise StudyError("'schema_version' is the store's own setting. Choose another name.")
        with self._fenced() as connection:
            put(connection, tables.study, ("setting",), [{"setting": name, "value": plain.encode(value)}])

    # --- lanes and their leases -----------------------------------------------------------------------------------

    def acquire(self, lane: int, holder: str | None = None, seconds: float = 30.0) -> Lease:
        """Take the right to write for a lane, renewed by every commit.

        Args:
            lane: the lane's number; a new one is made.
            holder: who takes it; this process where not given.
            seconds: how long the lease lasts from now, from each commit and from each renewal.

        Raises:
            StudyError: somebody else's lease is alive.
        """
        with self._database.write() as connection:
            lease = leases.acquire(connection, int(lane), holder or leases.this_process(), float(seconds))
        self._held[lease.lane] = lease
        return lease

    @contextmanager
    def _fenced(self) -> Iterator[Connection]:
        """A transaction that writes if every lease held through this store is still ours: what is beside the segments
        (settings, files, findings) must not be changed either by a process that was thought dead.

        Raises:
            LeaseLost: somebody else took a lane over; nothing was written.
        """
        with self._database.write() as connection:
            for lease in list(self._held.values()):
                leases.hold(connection, lease)
            yield connection

    def renew(self, lease: Lease) -> None:
        """Prolong a lease without writing anything else, as a long compilation or replay must.

        Raises:
            LeaseLost: somebody else took the lane over.
        """
        with self._database.write() as connection:
            leases.hold(connection, lease)

    def release(self, lease: Lease) -> None:
        """Give a lane back, so that the next one need not wait. Nothing happens where it was taken over."""
        if self._held.get(lease.lane) == lease:
            del self._held[lease.lane]
        with self._database.write() as connection:
            leases.release(connection, lease)

    def held(self, number: int) -> Lease | None:
        """The lease of a lane that was taken through this store and not given back; it may have been lost since."""
        return self._held.get(number)

    def holder(self, number: int) -> str:
        """Who may write for a lane now; empty where nobody does, or where the process surely ended."""
        with self._database.read() as connection:
            return leases.holder(connection, number)

    def lanes(self) -> list[int]:
        """The lanes' numbers."""
        with self._database.read() as connection:
            return list(connection.scalars(select(tables.lane.c.number).order_by(tables.lane.c.number)))

    def tick(self, lane: int) -> int:
        """The tick of a lane's last committed segment; −1 before the first."""
        with self._database.read() as connection:
            found = connection.scalar(select(tables.lane.c.tick).where(tables.lane.c.number == int(lane)))
            return -1 if found is None else int(found)

    def state(self, lane: int) -> dict[str, Any]:
        """The host state of a lane as its last commit left it; empty before the first."""
        with self._database.read() as connection:
            found = connection.scalar(select(tables.lane.c.state).where(tables.lane.c.number == int(lane)))
            return {} if found is None else dict(plain.decode(found))

    # --- segments -------------------------------------------------------------------------------------------------

    def commit(
        self,
        lane: int,
        lease: Lease,
        tick: int,
        *,
        events: Iterable[Event] = (),
        block: Block | None = None,
        trials: Iterable[Trial] = (),
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Store one segment in ONE transaction, if the lease is still ours: all of it, or nothing.

        Args:
            lane: the lane's number.
            lease: the right to write for it, renewed by the way.
            tick: of this segment, larger than the last one stored (gaps are allowed).
            events: the edits decided now, before they take effect.
            block: what the segment measured; None where nothing was.
            trials: the whole records of the trials that are new or changed (their histories are not looked at).
            state: the host state (sampler, stopping, slots) in plain values; None leaves the last one.

        Raises:
            LeaseLost: somebody else took the lane over; nothing was written.
            StudyError: the tick is stored already, or the disk is full; nothing was written.
            ValueError: lease or events belong to another lane.
            TypeError: a value is not plain.
        """
        lane, tick, events = int(lane), int(tick), list(events)  # NumPy's integers are none to SQLite
        if lease.lane != lane or any(event.lane != lane for event in events):
            raise ValueError(f"Lease and events must belong to lane {lane}.")
        # Everything is packed before the transaction begins, so that other processes wait for the writing alone.
        rows = [self._row(one) for one in trials]
        packed_events = tables.events_row(lane, tick, events)
        packed_block = tables.block_row(lane, tick, block)
        text = None if state is None else plain.encode(state)
        with self._database.write() as connection:
            leases.advance(connection, lease, tick, text)
            if packed_events:
                connection.execute(insert(tables.event), packed_events)
            if packed_block:
                connection.execute(insert(tables.measurement), packed_block)
            if rows:
                put(connection, tables.trial, ("number",), rows)

    def _row(self, one: Trial) -> dict[str, Any]:
        row = to_row(one)
        known = self._texts.get(one.number)
        if known is None or known[0] is not one.configuration:
            known = self._texts[one.number] = (one.configuration, plain.encode(one.configuration))
        return row | {"configuration": known[1]}

    def events(self, lane: int, since: int = 0) -> list[Event]:
        """The events of a lane that take effect at tick `since` or later, in the order of their storing."""
        query = (
            select(tables.event.c.block)
            .where(tables.event.c.lane == int(lane), tables.event.c.last >= int(since))
            .order_by(tables.event.c.tick)
        )
        with self._database.read() as connection:
            found = [one for packed in connection.scalars(query) for one in event_log.unpack(lane, packed)]
        return [one for one in found if one.tick >= since]

    def blocks(self, lane: int, since: int = 0) -> list[tuple[int, Block]]:
        """The measurement blocks of a lane from tick `since` on, each with its tick."""
        query = (
            select(tables.measurement.c.tick, tables.measurement.c.block)
            .where(tables.measurement.c.lane == int(lane), tables.measurement.c.tick >= int(since))
            .order_by(tables.measurement.c.tick)
        )
        with self._database.read() as connection:
            return [(tick, history.unpack(packed)) for tick, packed in connection.execute(query)]

    # --- trials ---------------------------------------------------------------------------------------------------

    def trials(self) -> list[Trial]:
        """All trials by number, as they are now; their histories are read on first use, and end now as well."""
        with self._database.read() as connection:
            histories = self._histories(connection)
            rows = connection.execute(select(tables.trial).order_by(tables.trial.c.number)).mappings()
            return [_trial(row, histories) for row in rows]

    def trial(self, number: int) -> Trial:
        """One trial as it is now.

        Raises:
            StudyError: there is no such trial.
        """
        with self._database.read() as connection:
            row = (
                connection.execute(select(tables.trial).where(tables.trial.c.number == int(number))).mappings().first()
            )
            if row is not None:
                return _trial(row, self._histories(connection))
            count = connection.scalar(select(func.count()).select_from(tables.trial))
        raise StudyError(f"There is no trial {number}; this study has {count} trials, counted from 0.")

    def _histories(self, connection: Connection) -> Histories:
        stored = connection.scalar(select(func.max(tables.measurement.c.number))) or 0

        def load(first: int, last: int) -> list[Block]:
            query = (
                select(tables.measurement.c.block)
                .where(tables.measurement.c.first_trial <= last, tables.measurement.c.last_trial >= first)
                .where(tables.measurement.c.number <= stored)
                .order_by(tables.measurement.c.number)
            )
            with self._database.read() as later:
                return [history.unpack(packed) for packed in later.scalars(query)]

        return Histories(load)

    # --- artefacts, findings, experiments ---------------------------------------------------------------------------

    def add_artefact(self, sha256: str, kind: str, path: str, size: int, about: Mapping[str, Any]) -> None:
        """Note a file of the study, path relative to its folder; noting it again replaces what was said about it."""
        with self._fenced() as connection:
            entries.add_artefact(connection, Artefact(sha256, kind, path, size, dict(about)))

    def remove_artefact(self, sha256: str, kind: str) -> None:
        """Forget a file; deleting it is the caller's, afterwards, while its lease holds."""
        with self._fenced() as connection:
            entries.remove_artefact(connection, sha256, kind)

    def artefacts(self, kind: str | None = None) -> list[Artefact]:
        """The files of one kind, or all, in the order of their first noting."""
        with self._database.read() as connection:
            return entries.artefacts(connection, kind)

    def add_findings(self, findings: Iterable[Mapping[str, Any]], *, replace: bool = False) -> None:
        """Store findings as plain mappings (`Finding.to_dict()`): code, severity, message, and what else they hold.

        Args:
            findings: in the order in which they shall be read.
            replace: forget all earlier ones, as a repeated diagnosis does.
        """
        with self._fenced() as connection:
            entries.add_findings(connection, findings, replace)

    def findings(self) -> list[dict[str, Any]]:
        """The findings as they were given, in the order of their storing."""
        with self._database.read() as connection:
            return entries.findings(connection)

    def add_experiment(self, content: Mapping[str, Any]) -> int:
        """Begin an entry of the notebook (idea, trials, result, conclusion) and return its number, from 1."""
        with self._fenced() as connection:
            return entries.add_experiment(connection, content)

    def set_experiment(self, number: int, content: Mapping[str, Any]) -> None:
        """Write an entry of the notebook anew, once its result is known.

        Raises:
            StudyError: there is no such entry.
        """
        with self._fenced() as connection:
            entries.set_experiment(connection, number, content)

    def experiments(self) -> list[dict[str, Any]]:
        """The entries of the notebook, each with its "number"."""
        with self._database.read() as connection:
            return entries.experiments(connection)


def _trial(row: RowMapping, histories: Histories) -> Trial:
    # What a restore took back counts until it is trained past; once the trial ended, its record says how far it came.
    done = Status(row["status"]) in (Status.FINISHED, Status.STOPPED)
    shown = histories.of(row["number"], row["epochs"] if done else None)
    return from_row(dict(row), plain.decode(row["configuration"]), shown)
