"""SQLite files, opened so that they cannot be written to and nothing of a writer's is lost.

The ways of opening, chosen anew for every connection (law 1 of design.md):

- rollback-mode file: ``mode=ro``. Leaves nothing beside the file. With a hot journal, a private copy of both.
- WAL-mode file whose ``-wal`` is there: ``mode=ro``; a private copy of both where that fails (folder not writable and
  no ``-shm``).
- WAL-mode file without ``-wal``: a private copy if small, else ``mode=ro`` where the folder can be written (SQLite then
  leaves its side files, which are let be), else ``immutable=1``, rechecked before every statement.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
import weakref
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.dialects import sqlite as sqlite_dialect

from esviewer.domain import Cancelled, ConnectionLost, NotAStore, NotFound, StoreBusy, StoreUnavailable
from esviewer.stores.connection import CHUNK, Connection, Row, TornText
from esviewer.stores.query_log import QueryLog
from esviewer.stores.schema import Catalog, Table

SMALL = 64 * 1024 * 1024
"""Bytes up to which a WAL-mode file without a ``-wal`` is copied rather than opened in place."""

BUSY_SECONDS = 5.0

_HEADER = b"SQLite format 3\x00"
_ALLOWED = {
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
}
_PRAGMAS = {"table_list", "table_xinfo", "index_list", "index_info"}
_REFUSED_FUNCTIONS = {"load_extension", "writefile", "edit"}


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What changes when somebody writes: size and time of the file, and of its side files."""

    file: tuple[int, int, int]
    wal: tuple[int, int] | None
    journal: tuple[int, int] | None


class SqliteSource:
    """A SQLite file as a source of read-only connections."""

    def __init__(self, path: Path, log: QueryLog, *, small: int = SMALL, busy_seconds: float = BUSY_SECONDS) -> None:
        self.path = path.absolute()
        self.log = log
        self._small = small
        self._busy = busy_seconds
        self._copy: _PrivateCopy | None = None
        self.way = ""
        """How the last connection was opened, in words."""
        _check_file(self.path)

    def connect(self) -> SqliteConnection:
        """A new connection; raises StoreBusy, StoreUnavailable, NotAStore or NotFound."""
        for _ in range(5):
            _check_file(self.path)
            before = self.stamp()
            connection = self._attempt(before)
            if connection is not None:
                return connection
        raise StoreBusy(f"{self.path} is being changed by another process all the time: try again in a moment.")

    def stamp(self) -> _Stamp:
        """Sizes and times of the file and its side files now."""
        status = self.path.stat()
        return _Stamp(
            (status.st_size, status.st_mtime_ns, status.st_ino),
            _size(self._side("-wal")),
            _size(self._side("-journal")),
        )

    def _side(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    def _attempt(self, before: _Stamp) -> SqliteConnection | None:
        if not _is_wal_mode(self.path):
            return self._open_in_place("rollback journal, read-only", before) or self._open_copy(before)
        if before.wal is not None:
            return self._open_in_place("write-ahead log, read-only", before) or self._open_copy(before)
        if before.file[0] <= self._small:
            return self._open_copy(before)
        if os.access(self.path.parent, os.W_OK):
            return self._open_in_place("write-ahead log, read-only", before)
        return self._open_immutable(before)

    def _open_in_place(self, way: str, before: _Stamp) -> SqliteConnection | None:
        """Opened with ``mode=ro``, or ``None`` where SQLite would have to write to do so (a hot journal, no -shm)."""
        try:
            connection = SqliteConnection(self, f"file:{_quoted(self.path)}?mode=ro", self._busy)
        except _WouldWrite:
            return None
        self.way = way
        del before
        return connection

    def _open_immutable(self, before: _Stamp) -> SqliteConnection | None:
        if self.stamp() != before:
            return None
        self.way = "unchanging file, read-only"
        return SqliteConnection(self, f"file:{_quoted(self.path)}?mode=ro&immutable=1", self._busy, guard=before)

    def _open_copy(self, before: _Stamp) -> SqliteConnection | None:
        """Opened as a private copy, or ``None`` if somebody wrote while it was made."""
        if self._copy is None or self._copy.stamp != before:
            copy = _PrivateCopy(self.path, before)
            if self.stamp() != before:
                copy.remove()
                return None
            self._copy = copy
        self.way = "private copy"
        # The copy is ours: SQLite may recover a journal or a -wal in it. The connection still refuses to write.
        return SqliteConnection(self, f"file:{_quoted(self._copy.file)}?mode=rw", self._busy)

    def catalog(self, connection: Connection) -> Catalog:
        """All tables with their columns."""
        listed = _fetch_all(connection, "PRAGMA main.table_list")
        tables = [
            self._table(connection, name, bool(without_rowid))
            for schema, name, kind, _columns, without_rowid, *_ in listed
            if schema == "main" and kind in ("table", "virtual") and not name.startswith("sqlite_")
        ]
        return Catalog("sqlite", tuple(sorted(tables, key=lambda t: t.name)), self.path.stem)

    def _table(self, connection: Connection, name: str, without_rowid: bool) -> Table:
        quoted = '"' + name.replace('"', '""') + '"'
        columns: dict[str, str] = {}
        key: list[tuple[int, str]] = []
        for _, column, declared, _, _, in_key, _ in _fetch_all(connection, f"PRAGMA table_xinfo({quoted})"):
            columns[column] = (declared or "").lower()
            if in_key:
                key.append((in_key, column))
        indexes = set()
        for _, index, *_rest in _fetch_all(connection, f"PRAGMA index_list({quoted})"):
            quoted_index = '"' + index.replace('"', '""') + '"'
            parts = _fetch_all(connection, f"PRAGMA index_info({quoted_index})")
            indexes.add(tuple(str(part[2]).lower() for part in parts if part[2] is not None))
        ordered = tuple(column for _, column in sorted(key))
        return Table(name, columns, None, ordered, without_rowid, indexes=frozenset(indexes))


class _PrivateCopy:
    """A copy of a file and its side files in a folder of our own, removed when nobody uses it any more."""

    def __init__(self, path: Path, stamp: _Stamp) -> None:
        self.stamp = stamp
        folder = tempfile.mkdtemp(prefix="esviewer-")
        self.file = Path(folder) / "copy.sqlite"
        self.remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        try:
            shutil.copyfile(path, self.file)
            for suffix, present in (("-wal", stamp.wal), ("-journal", stamp.journal)):
                if present is not None:
                    shutil.copyfile(path.with_name(path.name + suffix), self.file.with_name("copy.sqlite" + suffix))
        except FileNotFoundError:
            # A side file went away while it was copied: the stamp differs, so the caller starts again.
            return
        except OSError as error:
            self.remove()
            raise StoreUnavailable(f"{path} cannot be copied for reading: {error.strerror}.") from error


class SqliteConnection(Connection):
    """One read-only connection to a SQLite file."""

    def __init__(self, source: SqliteSource, uri: str, busy_seconds: float, guard: _Stamp | None = None) -> None:
        self.sql = sqlite_dialect.dialect(paramstyle="qmark")
        self._source = source
        self._guard = guard
        self._copy = source._copy  # keeps a private copy alive as long as a connection reads it
        try:
            self._raw = sqlite3.connect(
                uri, uri=True, timeout=busy_seconds, check_same_thread=False, isolation_level=None
            )
        except sqlite3.Error as error:
            raise _translated(error, source.path) from error
        try:
            self._raw.execute("PRAGMA query_only=1")
            self._raw.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error as error:
            self._raw.close()
            raise _translated(error, source.path) from error
        self._raw.set_authorizer(_authorize)

    def fetch(self, text: str, parameters: Any) -> Generator[list[Row], None, None]:
        if self._guard is not None and self._source.stamp() != self._guard:
            raise ConnectionLost(f"{self._source.path} was changed by another process; it is opened anew.")
        began = time.perf_counter()
        count = 0
        try:
            for chunk in self._chunks(text, parameters):
                count += len(chunk)
                yield chunk
        except sqlite3.Error as error:
            self._source.log.add(text, parameters, began, count, str(error))
            ours = _translated(error, self._source.path)
            raise StoreUnavailable(str(ours)) if isinstance(ours, _WouldWrite) else ours from error
        self._source.log.add(text, parameters, began, count, None)

    @contextmanager
    def snapshot(self) -> Generator[None, None, None]:
        # A statement that has not come to its end keeps its view of the file, which all others on the connection share:
        # no BEGIN has to be allowed for it (https://www.sqlite.org/lang_transaction.html, implicit transactions).
        try:
            held = self._raw.execute("SELECT name FROM sqlite_master")
        except sqlite3.Error as error:
            raise _translated(error, self._source.path) from error
        try:
            yield
        finally:
            held.close()

    def _chunks(self, text: str, parameters: Any) -> Iterator[list[Row]]:
        cursor = self._raw.execute(text, parameters)
        given = 0
        try:
            while True:
                try:
                    chunk = cursor.fetchmany(CHUNK)
                except sqlite3.OperationalError as error:
                    if "decode to UTF-8" not in str(error) or self._raw.text_factory is not str:
                        raise
                    # Text that is not UTF-8: read the answer again, leniently, from where it stood.
                    self._raw.text_factory = _lenient
                    cursor.close()
                    cursor = self._raw.execute(text, parameters)
                    _skip(cursor, given)
                    continue
                if not chunk:
                    return
                given += len(chunk)
                yield chunk
        finally:
            # A reader that is dropped half way may outlive its connection.
            with suppress(sqlite3.ProgrammingError):
                cursor.close()

    def interrupt(self) -> None:
        self._raw.interrupt()

    def close(self) -> None:
        self._raw.close()


class _WouldWrite(Exception):
    """SQLite can open this file in place only by writing to it."""


def _authorize(action: int, first: str | None, second: str | None, _db: str | None, _by: str | None) -> int:
    """Lets queries through and nothing else; prepared at every statement, so that no path can be forgotten."""
    if action in _ALLOWED:
        refused = action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _REFUSED_FUNCTIONS
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and (first or "").lower() in _PRAGMAS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _fetch_all(connection: Connection, text: str) -> list[Row]:
    return [row for chunk in connection.fetch(text, ()) for row in chunk]


def _skip(cursor: sqlite3.Cursor, count: int) -> None:
    while count > 0:
        count -= len(cursor.fetchmany(min(count, CHUNK)))


def _lenient(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return TornText.of(raw)


def _quoted(path: Path) -> str:
    return quote(str(path), safe="/:\\") if os.name == "nt" else quote(str(path))


def _size(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _check_file(path: Path) -> None:
    """Raises the sentence that tells why this cannot be a SQLite store that we may read."""
    if path.is_dir():
        raise NotAStore(f"{path} is a folder: give the SQLite file in it.")
    try:
        with path.open("rb") as file:
            header = file.read(16)
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {path}.") from error
    except PermissionError as error:
        raise StoreUnavailable(f"{path} may not be read by this user: ask for read permission on it.") from error
    except OSError as error:
        raise StoreUnavailable(f"{path} cannot be read: {error.strerror}.") from error
    if not header:
        raise NotAStore(f"{path} is empty: it holds no database yet.")
    if header != _HEADER:
        raise NotAStore(f"{path} is not a SQLite database: its first bytes are those of another kind of file.")


def _is_wal_mode(path: Path) -> bool:
    """Bytes 18 and 19 of the header are 2 for WAL (https://www.sqlite.org/fileformat2.html#the_database_header)."""
    with path.open("rb") as file:
        file.seek(18)
        return file.read(2) == b"\x02\x02"


def _translated(error: sqlite3.Error, path: Path) -> Exception:
    """Our error for a driver's, decided once for all callers."""
    code = getattr(error, "sqlite_errorcode", None) or 0
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreBusy(f"{path} is locked by another process: try again when it has finished writing.")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return _WouldWrite(f"{path}: {error}")
    if primary == sqlite3.SQLITE_INTERRUPT:
        return Cancelled("The query was cancelled.")
    if primary == sqlite3.SQLITE_NOTADB:
        return NotAStore(f"{path} is not a SQLite database, or it is encrypted as a whole.")
    if primary == sqlite3.SQLITE_CORRUPT:
        return StoreUnavailable(f"{path} is damaged or cut short ({error}): open a backup, or recover it with sqlite3.")
    if primary == sqlite3.SQLITE_AUTH or "prohibited" in str(error) or "not authorized" in str(error):
        return StoreUnavailable(f"{path} was opened read-only; this statement was refused: {error}.")
    return StoreUnavailable(f"{path} cannot be read: {error}.")
