"""SQLite files in every state they are found in: read whole, changed never, with nothing of a writer's lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text

from esviewer.domain import EsviewerError, NotAStore, NotFound, StoreBusy, StoreUnavailable
from esviewer.stores.database import open_database
from esviewer.stores.query_log import QueryLog
from esviewer.stores.sqlite import SqliteSource

WRITES = (
    "INSERT INTO stored_events VALUES ('x', 1, 't', x'00')",
    "UPDATE stored_events SET topic = 'x'",
    "DELETE FROM stored_events",
    "CREATE TABLE other (a int)",
    "CREATE TEMP TABLE other (a int)",
    "DROP TABLE stored_events",
    "ALTER TABLE stored_events ADD COLUMN b int",
    "CREATE INDEX i ON stored_events (topic)",
    "PRAGMA journal_mode=DELETE",
    "PRAGMA journal_mode=WAL",
    "PRAGMA query_only=0",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA user_version=7",
    "PRAGMA writable_schema=1",
    "ATTACH DATABASE 'other.sqlite' AS other",
    "VACUUM",
    "VACUUM INTO 'other.sqlite'",
    "REINDEX",
    "BEGIN IMMEDIATE",
    "SAVEPOINT a",
    "SELECT load_extension('x')",
)


def make(path: Path, *, wal: bool = False, rows: int = 10) -> sqlite3.Connection:
    """A store with its writer still connected."""
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute(f"PRAGMA journal_mode={'WAL' if wal else 'DELETE'}")
    writer.execute(
        "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB, "
        "PRIMARY KEY (originator_id, originator_version))"
    )
    add(writer, range(1, rows + 1))
    return writer


def add(writer: sqlite3.Connection, versions: range) -> None:
    for version in versions:
        writer.execute("INSERT INTO stored_events VALUES ('a', ?, 'm:A.B', ?)", (version, b'{"n":%d}' % version))


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a folder with the hash of its bytes."""
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def count(path: Path) -> int:
    database = open_database(str(path))
    try:
        reader = database.reader(database.chosen())
        return sum(1 for _ in reader.events())
    finally:
        database.close()


def rollback_file(folder: Path) -> Path:
    make(folder / "store.sqlite").close()
    return folder / "store.sqlite"


def wal_file_without_wal(folder: Path) -> Path:
    make(folder / "store.sqlite", wal=True).close()
    assert not (folder / "store.sqlite-wal").exists()
    return folder / "store.sqlite"


def wal_file_left_by_a_crash(folder: Path) -> Path:
    writer = make(folder / "live.sqlite", wal=True)
    for suffix in ("", "-wal"):
        shutil.copyfile(folder / f"live.sqlite{suffix}", folder / f"store.sqlite{suffix}")
    writer.close()
    for path in folder.glob("live*"):
        path.unlink()
    return folder / "store.sqlite"


def rollback_file_with_a_hot_journal(folder: Path) -> Path:
    """As a writer leaves it that died in the middle of a commit: half written, with the journal that undoes it."""
    path = folder / "store.sqlite"
    make(path, rows=2_000).close()
    script = (
        "import os, sqlite3, sys\n"
        "c = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('PRAGMA cache_size=2')\n"
        "c.execute('BEGIN')\n"
        "c.execute(\"UPDATE stored_events SET topic = 'm:A.X', state = randomblob(400)\")\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert (folder / "store.sqlite-journal").stat().st_size > 0
    return path


WAYS: list[Callable[[Path], Path]] = [
    rollback_file,
    wal_file_without_wal,
    wal_file_left_by_a_crash,
    rollback_file_with_a_hot_journal,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_that_reading_changes_no_byte_and_leaves_no_file(way: Callable[[Path], Path], tmp_path: Path) -> None:
    path = way(tmp_path)
    before = fingerprint(tmp_path)
    assert count(path) in (10, 2_000)
    after = fingerprint(tmp_path)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"store.sqlite-shm"}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_that_every_write_statement_is_refused(way: Callable[[Path], Path], tmp_path: Path) -> None:
    path = way(tmp_path)
    before = path.read_bytes()
    connection = SqliteSource(path, QueryLog()).connect()
    for statement in WRITES:
        with pytest.raises(EsviewerError):
            connection.all(text(statement))
    connection.close()
    assert path.read_bytes() == before


def test_that_an_unfinished_transaction_of_a_dead_writer_is_not_shown(tmp_path: Path) -> None:
    path = rollback_file_with_a_hot_journal(tmp_path)
    database = open_database(str(path))
    types = {event.type for event in database.reader(database.chosen()).events()}
    database.close()
    assert types == {"m:A.B"}


def test_that_what_a_writer_commits_while_we_read_is_neither_lost_nor_hidden(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    writer = make(path, wal=True)
    database = open_database(str(path))
    reader = database.reader(database.chosen())
    assert sum(1 for _ in reader.events()) == 10
    add(writer, range(11, 21))
    assert sum(1 for _ in reader.events()) == 20
    reader.close()
    database.close()
    add(writer, range(21, 26))
    writer.close()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM stored_events").fetchone() == (25,)


def test_that_closing_last_does_not_take_the_log_of_a_writer_away(tmp_path: Path) -> None:
    path = wal_file_left_by_a_crash(tmp_path)
    before = (tmp_path / "store.sqlite-wal").read_bytes()
    assert count(path) == 10
    assert (tmp_path / "store.sqlite-wal").read_bytes() == before


def test_that_a_writer_can_start_while_a_private_copy_is_read(tmp_path: Path) -> None:
    path = wal_file_without_wal(tmp_path)
    source = SqliteSource(path, QueryLog())
    first = source.connect()
    assert source.way == "private copy"
    writer = sqlite3.connect(path, isolation_level=None)
    add(writer, range(11, 13))
    second = source.connect()
    assert first.scalar(text("SELECT count(*) FROM stored_events")) == 10
    assert second.scalar(text("SELECT count(*) FROM stored_events")) == 12
    first.close()
    second.close()
    writer.close()
    assert sqlite3.connect(path).execute("SELECT count(*) FROM stored_events").fetchone() == (12,)


def test_that_a_large_wal_file_is_opened_in_place(tmp_path: Path) -> None:
    path = wal_file_without_wal(tmp_path)
    before = path.read_bytes()
    source = SqliteSource(path, QueryLog(), small=0)
    connection = source.connect()
    assert connection.scalar(text("SELECT count(*) FROM stored_events")) == 10
    connection.close()
    assert path.read_bytes() == before


def as_nobody(path: Path, small: int) -> str:
    """Counts events as a user without rights on the folder (root may write everywhere); returns count and way.

    A fork, since the interpreter itself may lie where that user cannot start it.
    """
    receive, send = os.pipe()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads; this child starts none and ends at once.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            source = SqliteSource(path, QueryLog(), small=small)
            connection = source.connect()
            told = f"{connection.scalar(text('SELECT count(*) FROM stored_events'))} {source.way}"
            connection.close()
        except BaseException as error:  # noqa: BLE001 - the child must end here whatever happened
            told = repr(error)
        os.write(send, told.encode())
        os._exit(0)
    os.close(send)
    with os.fdopen(receive) as answer:
        told = answer.read()
    os.waitpid(child, 0)
    return told


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """A folder that another user can reach; the test takes the right to write away when it is filled."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("only root can act as another user")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


def closed(folder: Path) -> None:
    """Everybody may read, nobody but root may write."""
    for file in folder.iterdir():
        file.chmod(0o644)
    folder.chmod(0o555)


@pytest.mark.parametrize(("small", "way"), [(10**9, "private copy"), (0, "unchanging file, read-only")])
def test_that_a_wal_file_in_an_unwritable_folder_is_read_without_side_files(
    unwritable: Path, small: int, way: str
) -> None:
    path = wal_file_without_wal(unwritable)
    closed(unwritable)
    before = fingerprint(unwritable)
    assert as_nobody(path, small) == f"10 {way}"
    assert fingerprint(unwritable) == before


def test_that_a_log_in_an_unwritable_folder_is_read_with_its_file(unwritable: Path) -> None:
    path = wal_file_left_by_a_crash(unwritable)
    closed(unwritable)
    assert as_nobody(path, 0) == "10 private copy"


def test_that_a_file_that_may_not_be_read_is_refused_with_a_sentence(unwritable: Path) -> None:
    path = rollback_file(unwritable)
    path.chmod(0o600)
    assert "may not be read by this user" in as_nobody(path, 0)


def test_that_an_unchanging_file_that_changes_is_noticed_before_the_next_statement(tmp_path: Path) -> None:
    path = wal_file_without_wal(tmp_path)
    source = SqliteSource(path, QueryLog())
    connection = source._open_immutable(source.stamp())
    assert connection is not None
    writer = sqlite3.connect(path, isolation_level=None)
    add(writer, range(11, 12))
    with pytest.raises(EsviewerError, match="changed by another process"):
        connection.all(text("SELECT count(*) FROM stored_events"))
    connection.close()
    writer.close()


def test_that_paths_with_signs_of_a_url_are_opened(tmp_path: Path) -> None:
    path = tmp_path / "a b?c#d%20e'ü.sqlite"
    make(path).close()
    assert count(path) == 10


# Bad input: one clear sentence each


def refusal(path: Path | str) -> str:
    with pytest.raises(EsviewerError) as caught:
        open_database(str(path))
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def test_that_a_folder_is_told_from_a_file(tmp_path: Path) -> None:
    assert "is a folder" in refusal(tmp_path)


def test_that_a_file_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no file"):
        open_database(str(tmp_path / "none.sqlite"))
    assert not (tmp_path / "none.sqlite").exists()


def test_that_a_text_file_is_not_a_database(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("hello, this is no database at all")
    with pytest.raises(NotAStore, match="not a SQLite database"):
        open_database(str(tmp_path / "text.sqlite"))


def test_that_an_empty_file_and_a_database_without_tables_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.sqlite").touch()
    assert "is empty" in refusal(tmp_path / "empty.sqlite")
    connection = sqlite3.connect(tmp_path / "bare.sqlite")
    connection.execute("PRAGMA user_version=1")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("DROP TABLE t")
    connection.close()
    assert "holds no tables" in refusal(tmp_path / "bare.sqlite")


def test_that_unknown_tables_are_named(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.sqlite")
    connection.execute("CREATE TABLE invoices (a)")
    connection.close()
    assert "its tables are invoices" in refusal(tmp_path / "other.sqlite")


def test_that_a_truncated_file_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    make(path, rows=5_000).close()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged or cut short" in refusal(path)
    assert path.read_bytes() == whole[: len(whole) // 2]


def test_that_events_before_a_damaged_page_are_read_and_the_rest_is_said_to_be_damaged(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    make(path, rows=5_000).close()
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 2 // 4096 * 4096
    whole[middle : middle + 3 * 4096] = b"\xff" * (3 * 4096)
    path.write_bytes(whole)
    database = open_database(str(path))
    read = []
    with pytest.raises(StoreUnavailable, match="damaged or cut short"):
        read.extend(event.version for event in database.reader(database.chosen()).events())
    database.close()


def test_that_a_locked_file_is_said_to_be_locked(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    writer = make(path)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusy, match="locked by another process"):
        SqliteSource(path, QueryLog(), busy_seconds=0.05).connect()
    writer.execute("ROLLBACK")
    writer.close()


def test_that_every_statement_is_in_the_query_log(tmp_path: Path) -> None:
    make(tmp_path / "store.sqlite").close()
    log = QueryLog()
    database = open_database(str(tmp_path / "store.sqlite"), log=log)
    list(database.reader(database.chosen()).events())
    database.close()
    entry = log.entries()[-1]
    assert entry.statement.startswith("SELECT rowid") and entry.rows == 10 and entry.error is None


def test_that_text_which_is_not_utf8_is_shown_with_escapes(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    writer = make(path)
    writer.execute("INSERT INTO stored_events VALUES (CAST(x'6162ff' AS TEXT), 1, 'm:A.B', x'7b7d')")
    writer.close()
    database = open_database(str(path))
    streams = [event.stream for event in database.reader(database.chosen()).events()]
    database.close()
    assert streams == ["a"] * 10 + ["ab\\xff"]
