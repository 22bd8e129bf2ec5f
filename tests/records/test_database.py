"""Whatever lies where a study is expected: a sentence, never a traceback, and never a foreign file changed."""

import shutil
import sqlite3
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from caviar.errors import CaviarError, StudyError
from caviar.records.lease import _advance
from caviar.records.store import Store
from caviar.records.store_schema import clock, metadata

from .making import make_block, make_events, make_trial, repeatable


def fill(path, ticks=5):
    """A study with a few committed segments, closed."""
    with Store(path) as store:
        lease = store.acquire(0, "somebody", 0.0)
        for tick in range(ticks):
            trials = [make_trial(n) for n in range(8)] if tick == 0 else []
            store.commit(0, lease, tick, events=make_events(tick), block=make_block(epoch=tick + 1), trials=trials)
        store.add_findings([{"code": "FIT001", "severity": "note", "message": "m"}])
    return path


def read_all(path):
    """Read everything there is in a study, histories included."""
    with Store(path, read_only=True) as store:
        store.findings(), store.artefacts(), store.experiments(), store.setting("space"), store.state(0)
        seen = [len(trial.history["cost"]) for trial in store.trials()]
        return store.events(0), store.blocks(0), seen


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"number,name\n1,a\n" * 50, "is not a study's file"),
        (b"S", "is not a study's file"),
        (b"SQLite format 3\0", "damaged"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "damaged"),
    ],
)
@pytest.mark.parametrize("read_only", [True, False])
def test_other_files(tmp_path, content, match, read_only):
    """A file of another kind, or with a torn beginning, is refused in one sentence and not changed."""
    path = tmp_path / "study.sqlite"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=match):
        Store(path, read_only=read_only)
    assert path.read_bytes() == content


def test_another_program_s_database(tmp_path):
    """A database of another program is refused, and not a byte of it changes."""
    path = tmp_path / "optuna.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE studies (study_id INTEGER)")
        raw.execute("CREATE TABLE trials (trial_id INTEGER)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StudyError, match="not a study's"):
        Store(path, read_only=True)
    with pytest.raises(StudyError, match="not a study's"):
        Store(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("version", ["2", "0", '"x"', "null"])
def test_another_version(tmp_path, version):
    """A study with another schema version is refused, with both versions named."""
    path = fill(tmp_path / "study.sqlite")
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE study SET value = ? WHERE setting = 'schema_version'", (version,))
    raw.close()
    with pytest.raises(StudyError, match=r"schema version .* reads version 1"):
        Store(path)


def test_a_study_with_a_table_missing(tmp_path):
    """A study that lost a table is called damaged, with the table's name."""
    path = fill(tmp_path / "study.sqlite")
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE finding")
    raw.close()
    with pytest.raises(StudyError, match=r"damaged .*finding"):
        Store(path)


def test_nothing_there(tmp_path):
    """Looking at a study that does not exist, or at a folder, is a sentence and makes no file."""
    with pytest.raises(StudyError, match="no study at"):
        Store(tmp_path / "study.sqlite", read_only=True)
    with pytest.raises(StudyError, match="is a folder"):
        Store(tmp_path)
    with pytest.raises(StudyError, match="folder exists"):
        Store(tmp_path / "no" / "study.sqlite")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file(tmp_path):
    """An empty file becomes a study when it is opened for writing, and is refused for reading."""
    path = tmp_path / "study.sqlite"
    path.touch()
    with pytest.raises(StudyError, match="empty file"):
        Store(path, read_only=True)
    assert read_all(fill(path))[2] == [5] * 8


@pytest.mark.parametrize("name", ["a b.sqlite", "50%.sqlite", "who?.sqlite", "#1.sqlite", "Zürich&x=1.sqlite"])
def test_any_file_name(tmp_path, name):
    """The path is taken literally, whatever signs an address would read otherwise."""
    fill(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert len(read_all(tmp_path / name)[1]) == 5


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("UPDATE event SET block = x'00' WHERE tick = 2", lambda store: store.events(0)),
        ("UPDATE event SET block = 7", lambda store: store.events(0)),
        ("UPDATE measurement SET block = substr(block, 1, 40)", lambda store: store.blocks(0)),
        ("UPDATE measurement SET block = 'text'", lambda store: store.trial(0).history["cost"]),
        ("UPDATE trial SET status = 'runnink'", lambda store: store.trials()),
        ("UPDATE trial SET configuration = '{'", lambda store: store.trials()),
        ("UPDATE trial SET epochs = 'many'", lambda store: store.trials()),
        ("UPDATE lane SET state = '[1'", lambda store: store.state(0)),
        ("UPDATE lane SET state = CAST(x'fffe' AS TEXT)", lambda store: store.state(0)),
        ("UPDATE finding SET about = '{'", lambda store: store.findings()),
    ],
)
def test_damaged_rows(tmp_path, change, read):
    """A row that holds nonsense makes one sentence that names the file."""
    path = fill(tmp_path / "study.sqlite")
    with sqlite3.connect(path) as raw:
        raw.execute(change)
    raw.close()
    with Store(path, read_only=True) as store, pytest.raises(StudyError, match=r"study\.sqlite' is damaged"):
        read(store)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("filled") / "study.sqlite").read_bytes()


@settings(repeatable, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), length=st.integers(1, 600), byte=st.integers(0, 255), cut=st.booleans())
def test_damage_anywhere(tmp_path, filled, place, length, byte, cut):
    """A study overwritten or cut anywhere is read, or refused in a sentence; no other error comes out."""
    path = tmp_path / "study.sqlite"
    for old in tmp_path.iterdir():
        old.unlink()
    start = int(place * (len(filled) - 1))
    path.write_bytes(filled[:start] if cut else filled[:start] + bytes([byte]) * length + filled[start + length :])
    try:
        read_all(path)
    except CaviarError as error:
        assert "study.sqlite" in str(error) and "\n" not in str(error)


def test_a_cut_log_loses_the_end_alone(tmp_path):
    """A write-ahead log cut anywhere leaves a study whose segments are whole and without a gap."""
    path = tmp_path / "study.sqlite"
    store = Store(path)
    lease = store.acquire(0, "somebody", 0.0)
    for tick in range(6):
        store.commit(0, lease, tick, events=make_events(tick), block=make_block(epoch=tick + 1), state={"tick": tick})
    log = path.with_name(path.name + "-wal")
    size = log.stat().st_size
    reached = set()
    for i, part in enumerate((1.0, 0.95, 0.8, 0.7, 0.55, 0.4)):
        copy = tmp_path / f"copy{i}"
        copy.mkdir()
        shutil.copy(path, copy / path.name)
        (copy / log.name).write_bytes(log.read_bytes()[: int(size * part)])
        with Store(copy / path.name) as found:
            last = found.tick(0)
            assert [tick for tick, _ in found.blocks(0)] == list(range(last + 1))
            assert found.events(0) == [event for tick in range(last + 1) for event in make_events(tick)]
            assert found.state(0) == ({"tick": last} if last >= 0 else {})
            reached.add(last)
    store.close()
    assert 5 in reached and len(reached) > 2


def test_reading_while_another_writes(tmp_path):
    """A reader waits for no writer: in the middle of another's transaction it sees the last committed segment."""
    path = fill(tmp_path / "study.sqlite", ticks=3)
    with sqlite3.connect(path, isolation_level=None) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE lane SET tick = 99")
        with Store(path, read_only=True) as one, Store(path, read_only=True) as two:
            assert (one.tick(0), two.tick(0)) == (2, 2)
            assert len(one.trials()[0].history["cost"]) == len(two.blocks(0)) == 3
            writer.execute("COMMIT")
            assert (one.tick(0), two.tick(0)) == (99, 99)
    writer.close()


def test_a_reader_does_not_hinder_a_writer(tmp_path):
    """A segment is committed while a reader is in the middle of its look, and that look stays what it was."""
    path = fill(tmp_path / "study.sqlite", ticks=3)
    with Store(path, read_only=True) as reader, Store(path) as writer:
        with reader._database.read() as connection:
            count = "SELECT count(*) FROM measurement"
            assert connection.exec_driver_sql(count).scalar() == 3
            writer.commit(0, writer.acquire(0, "other"), 3, block=make_block(epoch=4))
            assert connection.exec_driver_sql(count).scalar() == 3
        assert len(reader.blocks(0)) == 4


def test_a_reader_cannot_write(tmp_path):
    """A store opened for reading refuses to write, in a sentence."""
    path = fill(tmp_path / "study.sqlite")
    with Store(path, read_only=True) as store, pytest.raises(StudyError, match="cannot be written"):
        store.set_setting("seed", 1)


def test_many_open_a_new_study_at_once(tmp_path):
    """A study that several processes begin at the same moment is made once, and all of them can use it."""
    path = tmp_path / "study.sqlite"
    failures = []

    def begin(number):
        try:
            with Store(path) as store:
                store.commit(number, store.acquire(number), 0, events=make_events(0, lane=number))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with Store(path, read_only=True) as store:
        assert store.lanes() == list(range(6))


def test_the_schema_is_postgresql_s_too():
    """Every table, index and hand-made statement can be spelt in PostgreSQL's dialect."""
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect)).strip().startswith("CREATE TABLE")
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=dialect))
    assert "BIGSERIAL" in str(CreateTable(metadata.tables["measurement"]).compile(dialect=dialect))
    assert "clock_timestamp()" in str(_advance("postgresql").compile(dialect=dialect))
    assert "clock_timestamp()" in str(clock("postgresql").compile(dialect=dialect))
