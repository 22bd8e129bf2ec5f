"""Opening a study's SQLite file: transactions, durability, and a sentence for whatever is wrong with the file."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, Table, create_engine, event, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from caviar.errors import StudyError
from caviar.records import plain
from caviar.records.store_schema import SCHEMA_VERSION, metadata, study

_MAGIC = b"SQLite format 3\0"
# `INSERT ... ON CONFLICT` is spelt alike in both databases, but SQLAlchemy keeps one construct for each.
_INSERT: dict[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_WAIT = 30.0  # seconds to wait for another process's transaction, which takes milliseconds


class Database:
    """A study's file, open for reading or for reading and writing.

    Readers never wait for a writer nor it for them (write-ahead log): a page may follow a study that trains. Writers
    come one at a time. The log needs shared memory between processes, so the file belongs on a disk of the machine that
    trains, not on a network share.

    Args:
        path: the file; made where there is none, unless `read_only`.
        read_only: look, never write, never make.

    Raises:
        StudyError: there is no such file, it is not a study, it is damaged, or a newer Caviar wrote it.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        _look_at_file(path, read_only)
        self.engine: Engine = create_engine("sqlite+pysqlite://", creator=self._connect, poolclass=QueuePool)
        event.listen(self.engine, "begin", _begin)
        try:
            self._check_tables()
        except BaseException:
            self.close()
            raise

    @property
    def dialect(self) -> str:
        """The database's kind, as `store_schema.clock` knows it."""
        return self.engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent look. A row that cannot be read is a StudyError as well."""
        try:
            with self._sentences(), self.engine.connect() as connection, connection.begin():
                yield connection
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise self._damaged(error) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is stored, or nothing."""
        with self._sentences(), self.engine.connect() as connection:
            connection = connection.execution_options(caviar_writes=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close all connections; a later use opens new ones."""
        self.engine.dispose()

    def _connect(self) -> sqlite3.Connection:
        # isolation_level None: Python's sqlite3 begins no transactions behind our back; `_begin` does.
        options = _reading_options(self.path) if self._read_only else "mode=rwc"
        connection = sqlite3.connect(
            f"{self.path.resolve().as_uri()}?{options}",
            uri=True,
            timeout=_WAIT,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _keep_log(self) -> None:
        """Write-ahead log, synced when it is folded back (NORMAL) rather than at each commit (FULL).

        After `kill -9` of the process nothing is lost: the operating system holds what was written. After a power cut
        the last transactions may be missing, but each is there as a whole or not at all and no later one without an
        earlier, so the study goes on from a slightly earlier segment and trains the same bits again. FULL would sync
        the disk at every segment to protect what can be computed again.
        """
        with self._sentences(), closing(self.engine.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA journal_mode=WAL").fetchone()

    def _check_tables(self) -> None:
        with self.read() as connection:
            ours = self._is_ours(connection)
        if self._read_only:
            if not ours:
                raise StudyError(f"'{self.path}' is an empty file, not a study. Give the folder of a run.")
            return
        self._keep_log()  # only now: another program's file is not touched
        if ours:
            return
        with self.write() as connection:
            if not self._is_ours(connection):  # another process may have come first
                metadata.create_all(connection)
                connection.execute(insert(study).values(setting="schema_version", value=plain.encode(SCHEMA_VERSION)))

    def _is_ours(self, connection: Connection) -> bool:
        tables = set(inspect(connection).get_table_names())
        if not tables:
            return False
        if not {"study", "lane", "trial"} <= tables:
            raise StudyError(f"'{self.path}' is a database, but not a study's. Give the folder of a run.")
        found = connection.scalar(select(study.c.value).where(study.c.setting == "schema_version"))
        version = None if found is None else plain.decode(found)
        if version != SCHEMA_VERSION:
            raise StudyError(
                f"'{self.path}' has schema version {version}; this Caviar reads version {SCHEMA_VERSION}. "
                "Open it with the Caviar that wrote it."
            )
        if missing := set(metadata.tables) - tables:
            raise self._damaged(f"no table {', '.join(sorted(missing))}")
        return True

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """What the database says becomes a sentence for a person."""
        try:
            yield
        except (DBAPIError, sqlite3.Error) as error:
            told = str(error.orig if isinstance(error, DBAPIError) else error)
            raise self._say(told) from error

    def _say(self, told: str) -> StudyError:
        if "locked" in told or "busy" in told:
            return StudyError(
                f"'{self.path}' is being written by another process for over {_WAIT:g} s. End it, then try again."
            )
        if "full" in told:
            return StudyError(
                f"The disk with '{self.path}' is full. Free some space, then run `caviar resume`; nothing is lost."
            )
        if "readonly" in told or "read-only" in told:
            return StudyError(f"'{self.path}' cannot be written. Check the rights of the file and of its folder.")
        if "I/O" in told:
            return StudyError(f"'{self.path}' could not be read or written ({told}). Check its disk.")
        if "unable to open" in told:
            return StudyError(
                f"'{self.path}' cannot be opened ({told}). Check that its folder exists and may be written."
            )
        return self._damaged(told)

    def _damaged(self, error: Any) -> StudyError:
        return StudyError(
            f"The study's file '{self.path}' is damaged ({error}). Restore it from a copy, or begin a new run."
        )


def _look_at_file(path: Path, read_only: bool) -> None:
    """What can be said before SQLite opens the file, and better than it would."""
    if path.is_dir():
        raise StudyError(f"'{path}' is a folder; a study's file was expected there.")
    try:
        with path.open("rb") as stream:
            beginning = stream.read(len(_MAGIC))
    except FileNotFoundError:
        if read_only:
            raise StudyError(
                f"There is no study at '{path}'. Check the path, or begin one with `caviar search`."
            ) from None
        return
    except OSError as error:
        raise StudyError(f"'{path}' cannot be read: {error.strerror or error}.") from None
    if beginning and beginning != _MAGIC:
        raise StudyError(f"'{path}' is not a study's file, or its beginning is damaged. Give the folder of a run.")


def _reading_options(path: Path) -> str:
    """To follow a log SQLite makes a small file beside it. Where it may not and there is no log, nobody writes."""
    quiet = not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
    return "mode=ro&immutable=1" if quiet else "mode=ro"


def _begin(connection: Connection) -> None:
    # A writer takes its place at once: a transaction that reads first and writes later may be refused in between.
    writes = connection.get_execution_options().get("caviar_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def put(connection: Connection, table: Table, keys: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Insert rows, or replace the ones with the same keys."""
    statement = _INSERT[connection.dialect.name](table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed), rows)


def put_new(connection: Connection, table: Table, row: dict[str, Any]) -> None:
    """Insert a row unless there is one with its key."""
    connection.execute(_INSERT[connection.dialect.name](table).values(row).on_conflict_do_nothing())
