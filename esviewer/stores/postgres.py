"""Postgres databases, read in sessions that are read-only by the server's own rule.

Etiquette (law 1 of design.md): ``default_transaction_read_only``, a statement timeout, ``application_name=esviewer``,
every statement on its own (autocommit), so that no snapshot is left open to hold back vacuum.
"""

from __future__ import annotations

import re
import struct
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import keyring
import keyring.errors
import psycopg
import psycopg.sql
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import psycopg as postgres_dialect

from esviewer.domain import Cancelled, ConnectionLost, NotFound, QueryTimeout, StoreUnavailable, UsageError
from esviewer.stores.connection import CHUNK, Connection, Row
from esviewer.stores.query_log import QueryLog
from esviewer.stores.schema import Catalog, Table

STATEMENT_SECONDS = 60.0
CONNECT_SECONDS = 10
KEYRING_SERVICE = "esviewer"

_PG_EPOCH = 946_684_800_000_000
"""µs from 1970 to 2000, where Postgres counts its timestamps from (src/include/datatype/timestamp.h)."""
_INFINITE = (2**63 - 1, -(2**63))
_INFINITE_DATES = (2**31 - 1, -(2**31))
_XID8 = 5069
"""oid of xid8 in pg_type.dat since Postgres 13; psycopg does not know it by name."""
_ANY_OTHER = 0
"""What psycopg looks up for an oid that nothing is registered for."""
_LISTEN_SECONDS = 0.5
"""How soon listening ends when it is not wanted any more."""
_READ_ONLY = "default_transaction_read_only"

_QUERY = re.compile(r"\s*\(*\s*(SELECT|WITH|VALUES|SHOW)\b", re.IGNORECASE)
_CHANGING = re.compile(r"\b(?:set_config|lo_\w+)\"?\s*\(", re.IGNORECASE)
"""Functions that a read-only transaction allows all the same; large objects are open to it before Postgres 16."""


class _Micros(Loader):
    """timestamp and timestamptz as µs since 1970; infinities as ``None``. No datetime in between: Postgres knows years
    that Python does not."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        (value,) = struct.unpack("!q", data)
        return None if value in _INFINITE else value + _PG_EPOCH


class _Json(Loader):
    """json as its bytes: what they mean is for the codecs."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return bytes(data)


class _Jsonb(Loader):
    """jsonb as JSON bytes: the binary form is a version byte and the text (jsonb_send in jsonb.c)."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return bytes(data[1:])


class _Uuid(Loader):
    """uuid as dashed text."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        digits = bytes(data).hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class _Text(Loader):
    """Text; in a database without encoding (SQL_ASCII) bytes that are not UTF-8 are shown as escapes."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return bytes(data).decode("utf-8", "backslashreplace")


class _Date(Loader):
    """date as µs since 1970 at midnight; infinities as ``None`` (src/include/utils/date.h)."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        (days,) = struct.unpack("!i", data)
        return None if days in _INFINITE_DATES else days * 86_400_000_000 + _PG_EPOCH


class _Unknown(Loader):
    """A type that is not known by its oid (enumerations, citext, xml, …): text where it is text, else its bytes."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        raw = bytes(data)
        try:
            return raw if b"\0" in raw else raw.decode()
        except UnicodeDecodeError:
            return raw


class _Unsigned(Loader):
    """xid and xid8 as integers."""

    format = Format.BINARY

    def load(self, data: Buffer) -> Any:
        return int.from_bytes(bytes(data), "big")


_LOADERS: dict[str | int, type[Loader]] = {
    "timestamptz": _Micros,
    "timestamp": _Micros,
    "date": _Date,
    "json": _Json,
    "jsonb": _Jsonb,
    "uuid": _Uuid,
    "xid": _Unsigned,
    _XID8: _Unsigned,
    _ANY_OTHER: _Unknown,
}


class PostgresSource:
    """A Postgres database as a source of read-only connections."""

    def __init__(
        self,
        url: str,
        shown: str,
        log: QueryLog,
        *,
        password: str | None = None,
        statement_seconds: float = STATEMENT_SECONDS,
    ) -> None:
        self.shown = shown
        self.log = log
        self.way = "read-only session"
        self._url = url
        self._password = password
        self.statement_seconds = statement_seconds

    def connect(self) -> PostgresConnection:
        """A new connection; raises StoreUnavailable with what the server said, or NotFound for the database."""
        try:
            return self._session(self._password)
        except psycopg.ProgrammingError as error:
            raise UsageError(f"{self.shown}: {_misspelt(error)}.") from error
        except psycopg.OperationalError as error:
            stored = None if self._password or "password" not in str(error) else stored_password(self._url)
            if stored is None:
                raise _refused(error, self.shown) from error
        try:
            return self._session(stored)
        except psycopg.OperationalError as error:
            raise _refused(error, self.shown) from error

    def _session(self, password: str | None) -> PostgresConnection:
        connection = PostgresConnection(self, self._raw(password))
        try:
            connection.make_sure()
        except BaseException:
            connection.close()
            raise
        return connection

    def _raw(self, password: str | None) -> psycopg.Connection[Row]:
        given = dict(parse_qsl(urlsplit(self._url).query))
        own = (
            f"-c {_READ_ONLY}=on "
            f"-c statement_timeout={int(self.statement_seconds * 1000)} "
            "-c idle_in_transaction_session_timeout=60000"
        )
        settings: dict[str, Any] = {
            "application_name": "esviewer",
            "client_encoding": "UTF8",
            # Ours come last: of two settings of one name the server takes the last.
            "options": f"{given.get('options', '')} {own}".strip(),
            "connect_timeout": given.get("connect_timeout", CONNECT_SECONDS),
            "keepalives_idle": 20,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
        if password is not None:
            settings["password"] = password
        # No prepared statements: they do not survive a pooler between us and the server.
        return psycopg.connect(self._url, autocommit=True, prepare_threshold=None, **settings)

    def catalog(self, connection: Connection) -> Catalog:
        """All tables of all schemas but the system's, partitions of others left out."""
        tables = [
            Table(name, dict(zip(columns, types, strict=True)), schema, tuple(key or ()), readable=bool(readable))
            for schema, name, readable, columns, types, key in connection.all(sql_text(_CATALOG))
        ]
        return Catalog("postgresql", tuple(tables))


_CATALOG = """
SELECT n.nspname, c.relname,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE'),
       array_agg(a.attname::text ORDER BY a.attnum),
       array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum),
       (SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey::int2[], k.attnum))
          FROM pg_index i JOIN pg_attribute k ON k.attrelid = c.oid AND k.attnum = ANY (i.indkey::int2[])
         WHERE i.indrelid = c.oid AND i.indisprimary)
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
 GROUP BY n.oid, n.nspname, c.oid, c.relname
-- A table that only has what it inherits is a partition by older means; its rows are its parent's.
HAVING NOT bool_and(a.attinhcount > 0)
 ORDER BY n.nspname, c.relname
"""


class PostgresConnection(Connection):
    """One read-only session."""

    def __init__(self, source: PostgresSource, raw: psycopg.Connection[Row]) -> None:
        self.sql = postgres_dialect.dialect()  # type: ignore[no-untyped-call]
        self._source = source
        self._raw = raw
        for name, loader in _LOADERS.items():
            raw.adapters.register_loader(name, loader)
        if raw.info.parameter_status("server_encoding") in (None, "SQL_ASCII"):
            # Elsewhere the server vouches for its text, and the driver's own loader is faster.
            for name in ("text", "varchar", "bpchar", "name"):
                raw.adapters.register_loader(name, _Text)
            self._take_text_as_it_is()
        self._interrupted = False

    def listen(self, channel: str, heard: Callable[[], None], is_wanted: Callable[[], bool]) -> None:
        # LISTEN writes nothing, is allowed to sessions that only read, and holds no snapshot while it waits.
        statement = psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
        began = time.perf_counter()
        try:
            self._raw.execute(statement)
            self._source.log.add(statement.as_string(self._raw), None, began, None, None)
            while is_wanted():
                for _ in self._raw.notifies(timeout=_LISTEN_SECONDS, stop_after=1):
                    heard()
        except psycopg.Error as error:
            raise ConnectionLost(f"{self._source.shown}: listening for new events ended: {error}.") from error

    def _take_text_as_it_is(self) -> None:
        """For a database without encoding: the server refuses to give bytes out as UTF-8 that are not."""
        began, statement = time.perf_counter(), "SET client_encoding TO 'SQL_ASCII'"
        self._raw.execute(statement)
        self._source.log.add(statement, None, began, None, None)

    def make_sure(self) -> None:
        """Raises StoreUnavailable where the session did not become read-only, as behind a pooler that drops options."""
        if self._raw.info.parameter_status(_READ_ONLY) is None:
            # Servers before 14 do not report it by themselves.
            ((state,),) = (row for chunk in self.fetch(f"SHOW {_READ_ONLY}", None) for row in chunk)
        else:
            state = self._raw.info.parameter_status(_READ_ONLY)
        if state != "on":
            raise self._not_read_only()

    def _not_read_only(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"{self._source.shown}: this session is not read-only, so nothing is sent: give the address of the server "
            "itself, not of a pooler."
        )

    def fetch(self, text: str, parameters: Any) -> Generator[list[Row], None, None]:
        if not _QUERY.match(text) or _CHANGING.search(text):
            # The session's settings keep writes out; what they do not cover, or could change them, is not sent at all.
            raise StoreUnavailable(f"{self._source.shown} was opened read-only; only queries are sent.")
        if not self._raw.closed and self._raw.info.parameter_status(_READ_ONLY) == "off":
            # The server reports a change made by whatever was called, a function behind a view for one.
            self._raw.close()
            raise self._not_read_only()
        began = time.perf_counter()
        count = 0
        failure: str | None = None
        self._interrupted = False
        try:
            with self._raw.cursor(binary=True) as cursor:
                chunk: list[Row] = []
                for row in cursor.stream(text.encode(), parameters, size=CHUNK):
                    chunk.append(row)
                    if len(chunk) == CHUNK:
                        count += CHUNK
                        yield chunk
                        chunk = []
                if chunk:
                    count += len(chunk)
                    yield chunk
        except psycopg.Error as error:
            failure = str(error)
            raise self._translated(error, time.perf_counter() - began) from error
        finally:
            # One that was dropped half way has been sent, too.
            self._source.log.add(text, parameters, began, count, failure)

    @contextmanager
    def snapshot(self) -> Generator[None, None, None]:
        self._said("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        try:
            yield
        finally:
            # A server that is gone has ended it by itself.
            with suppress(ConnectionLost):
                self._said("ROLLBACK")

    def _said(self, statement: str) -> None:
        began = time.perf_counter()
        try:
            self._raw.execute(statement.encode())
        except psycopg.Error as error:
            self._source.log.add(statement, None, began, None, str(error))
            raise self._translated(error, time.perf_counter() - began) from error
        self._source.log.add(statement, None, began, None, None)

    def _translated(self, error: psycopg.Error, seconds: float) -> Exception:
        """Our error for the server's or the driver's, by SQLSTATE (errcodes.txt of Postgres), whatever its language."""
        where, state, limit = self._source.shown, error.sqlstate or "", self._source.statement_seconds
        if state == "57014" and self._interrupted:
            return Cancelled("The query was cancelled.")
        if state == "57014" and seconds >= limit:
            return QueryTimeout(f"{where}: a statement took longer than {limit:g} s and was ended by the server.")
        # 40001 without a transaction of ours is a standby that had to let go of rows: as good as a lost connection.
        if self._raw.broken or self._raw.closed or state.startswith(("08", "57P")) or state == "40001":
            return ConnectionLost(f"The connection to {where} was lost: {_first_line(error)}.")
        if state == "42501":
            return StoreUnavailable(
                f"{where}: this role may not read everything that is needed ({_first_line(error)}): grant it SELECT."
            )
        if state == "25006":
            return StoreUnavailable(f"{where} was opened read-only; this statement was refused: {_first_line(error)}.")
        return StoreUnavailable(f"{where}: {_first_line(error)}.")

    def interrupt(self) -> None:
        self._interrupted = True
        # A server that is gone runs nothing any more.
        with suppress(psycopg.Error):
            self._raw.cancel_safe(timeout=2)

    def close(self) -> None:
        self._raw.close()


def stored_password(url: str) -> str | None:
    """The password that the keyring holds for this address, if any."""
    try:
        return keyring.get_password(KEYRING_SERVICE, keyring_name(url))
    except keyring.errors.KeyringError:
        return None


def remember_password(url: str, password: str) -> bool:
    """Keeps the password of an address in the keyring; ``False`` where this machine has none that works."""
    try:
        keyring.set_password(KEYRING_SERVICE, keyring_name(url), password)
    except keyring.errors.KeyringError:
        return False
    # The backend that keeps nothing says nothing either.
    return stored_password(url) == password


def keyring_name(url: str) -> str:
    """Under which name the keyring holds the password of an address; another server never has the same name."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query))
    user = given.get("user") or parts.username or ""
    hosts, port = parts.netloc.rpartition("@")[2], given.get("port")
    if "," in hosts:
        # Several servers, each with its port: their list as it stands.
        port = port or ""
    else:
        hosts, port = parts.hostname or "", port or str(parts.port or 5432)
    host = given.get("host") or given.get("hostaddr") or hosts or "localhost"
    path = "/" + given["dbname"] if "dbname" in given else parts.path
    service = f" service={given['service']}" if "service" in given else ""
    return f"{user}@{host}:{port}{path}{service}"


def _first_line(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error)
    return text.strip().splitlines()[0].rstrip(".") if text.strip() else type(error).__name__


def _misspelt(error: psycopg.ProgrammingError) -> str:
    """What libpq does not understand in an address. It quotes what it read, which may be a password: only names of
    parameters are told on."""
    found = re.search(r'invalid (?:URI query parameter|connection option)[^"]*"(\w+)"', str(error))
    return f"there is no parameter {found[1]!r} of a connection" if found else "the address cannot be read"


def _refused(error: psycopg.OperationalError, shown: str) -> Exception:
    """What went wrong while connecting, in one sentence; libpq gives no SQLSTATE there."""
    text = str(error)
    if "password authentication failed" in text:
        return StoreUnavailable(f"{shown}: the server refused the user name or the password.")
    if "no password supplied" in text:
        return StoreUnavailable(
            f"{shown}: the server asks for a password; give it in PGPASSWORD, ~/.pgpass or the URL."
        )
    if re.search(r'database ".*" does not exist', text):
        return NotFound(f"{shown}: there is no such database on this server.")
    if re.search(r'role ".*" does not exist', text):
        return StoreUnavailable(f"{shown}: the server knows no such user.")
    if "could not translate host name" in text or "failed to resolve host" in text:
        return StoreUnavailable(f"{shown}: no server of that name is known.")
    if "timeout expired" in text or "timed out" in text:
        return StoreUnavailable(f"{shown}: the server did not answer in time.")
    if "onnection refused" in text or "No such file or directory" in text:
        return StoreUnavailable(f"{shown}: no Postgres server is listening there.")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # libpq says twice where it connected to; what happened stands after that.
    said = re.split(r"(?:FATAL|failed|bad):\s+", lines[-1])[-1].rstrip(".") if lines else ""
    return StoreUnavailable(f"{shown}: {said or 'the server could not be reached'}.")
