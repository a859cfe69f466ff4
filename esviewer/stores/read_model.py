"""A read model: the rows of a table that a user's projection keeps, read in one snapshot with what goes with them.

What a driver gives is made Python's own value by the column's declared type, so that it can be compared with what a
projection computes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final
from uuid import UUID

import sqlalchemy

from esviewer.domain import NotFound, StoreUnavailable, UsageError
from esviewer.domain.times import moment
from esviewer.stores.codecs import json_text
from esviewer.stores.connection import Connection
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Follow, Found
from esviewer.stores.reader import Reader, Window
from esviewer.stores.schema import Catalog, Table

_LISTED: Final = 12
_SHOWABLE: Final = (bool, int, float, str, bytes, Decimal, UUID, date, time, dict, list)


@dataclass(frozen=True, slots=True)
class ReadModel:
    """Rows by key, each with all columns, in the columns' order; a key of several columns is a tuple.

    ``head`` is the position of the store's last event in the same snapshot, ``checkpoint`` what its consumer had
    recorded; both ``None`` where there is none.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    rows: dict[Any, dict[str, Any]]
    head: int | str | None
    checkpoint: Follow | None = None


def read_model(
    database: Database, found: Found, name: str, key: tuple[str, ...] = (), consumer: str | None = None
) -> ReadModel:
    """Reads a table, the head of a store and a consumer's checkpoint as they are at one moment.

    ``key`` are the columns by which rows are told apart; the primary key if none are given. Raises NotFound where there
    is no such table or consumer, StoreUnavailable where the table may not be read, UsageError for a key that is none.
    """
    connection = database.connect()
    try:
        catalog = database.source.catalog(connection)
        table = _table(catalog, name, _taken(database))
        columns = _key_columns(table, key)
        with connection.snapshot():
            head = _head(database, found, connection)
            checkpoint = None if consumer is None else _checkpoint(database, found, connection, consumer)
            rows = _rows(connection, catalog, table, columns)
        return ReadModel(table.full_name, columns, tuple(table.columns), rows, head, checkpoint)
    finally:
        database.release(connection)


def _taken(database: Database) -> set[str]:
    """Tables that hold events, which nobody means by a read model."""
    return {found.events.full_name for found in database.stores}


def _table(catalog: Catalog, name: str, taken: set[str]) -> Table:
    wanted = name.removeprefix("main.") if catalog.backend == "sqlite" else name
    fits = [table for table in catalog.tables if wanted in (table.full_name, table.name)] or [
        table for table in catalog.tables if wanted.lower() in (table.full_name.lower(), table.name.lower())
    ]
    if not fits:
        raise NotFound(f"There is no table {name} in this database; {_candidates(catalog, wanted, taken)}.")
    if len(fits) > 1:
        listed = ", ".join(f"table:{table.full_name}" for table in fits)
        raise UsageError(f"Several tables are called {name}: give one of {listed}.")
    if not fits[0].readable:
        others = _candidates(catalog, wanted, taken)
        raise StoreUnavailable(f"The table {name} may not be read by this role: grant it SELECT; {others}.")
    return fits[0]


def _candidates(catalog: Catalog, wanted: str, taken: set[str]) -> str:
    names = [table.full_name for table in catalog.tables if table.readable and table.full_name not in taken]
    if not names:
        return "it has no table that could be a read model"
    near = get_close_matches(wanted, names, n=_LISTED, cutoff=0.6)
    listed = [*near, *(name for name in names if name not in near)]
    more = "" if len(listed) <= _LISTED else f" and {len(listed) - _LISTED} more"
    return f"there are {', '.join(listed[:_LISTED])}{more}"


def _key_columns(table: Table, key: tuple[str, ...]) -> tuple[str, ...]:
    if not key and not table.primary_key:
        columns = ", ".join(table.columns)
        raise UsageError(f"{table.full_name} has no primary key: give --key with one or more of {columns}.")
    for column in key:
        if not table.has(column):
            raise UsageError(f"{table.full_name} has no column {column!r}; it has {', '.join(table.columns)}.")
    return tuple(table.column(column).name for column in key) or table.primary_key


def _head(database: Database, found: Found, connection: Connection) -> int | str | None:
    reader = Reader(found, lambda: connection, lambda _: None, database.codecs, patience=0)
    last = [event.position for event in reader.events(Window(reverse=True, limit=1))]
    return last[0] if last else None


def _checkpoint(database: Database, found: Found, connection: Connection, consumer: str) -> Follow:
    """The record of a consumer of this store, by its name in any case."""
    known = [
        follow
        for store in database.stores
        for follow in store.dialect.follows(store, database.stores, connection) or ()
        if follow.followed == found.name
    ]
    fits = [follow for follow in known if follow.consumer == consumer] or [
        follow for follow in known if follow.consumer.lower() == consumer.lower()
    ]
    if len(fits) == 1:
        if not isinstance(fits[0].position, int):
            raise UsageError(f"{consumer} has recorded no position that a replay could go to: {fits[0].position}.")
        return fits[0]
    names = ", ".join(dict.fromkeys(follow.consumer for follow in known)) or "none"
    if fits:
        raise UsageError(f"{consumer} is recorded {len(fits)} times for {found.name}: which one is meant is not clear.")
    raise NotFound(f"{found.name} records no consumer {consumer!r}; recorded are: {names}.")


def _rows(connection: Connection, catalog: Catalog, table: Table, key: tuple[str, ...]) -> dict[Any, dict[str, Any]]:
    names = list(table.columns)
    kinds = [table.columns[name] for name in names]
    places = [names.index(name) for name in key]
    on_server = catalog.backend == "postgresql"
    rows: dict[Any, dict[str, Any]] = {}
    statement = sqlalchemy.select(*(table.column(name) for name in names)).select_from(table.clause)
    for chunk in connection.rows(statement):
        for stored in chunk:
            values = [_meant(value, kind, on_server) for value, kind in zip(stored, kinds, strict=True)]
            parts = tuple(_hashable(values[place]) for place in places)
            told = parts[0] if len(parts) == 1 else parts
            if told in rows:
                raise UsageError(f"{', '.join(key)} is no key of {table.full_name}: {told!r} stands in several rows.")
            rows[told] = dict(zip(names, values, strict=True))
    return rows


def _hashable(value: Any) -> Any:
    return json_text.dumps(value).decode() if isinstance(value, list | dict) else value


def _meant(value: Any, declared: str, on_server: bool) -> Any:
    """A column's value as Python has it; the drivers' loaders give times as µs and JSON as its bytes."""
    if value is None:
        return None
    if isinstance(value, list):
        return [_meant(each, declared.removesuffix("[]"), on_server) for each in value]
    if declared in ("json", "jsonb") and isinstance(value, str | bytes):
        return _parsed(value)
    if on_server:
        return _of_server(value, declared)
    if declared.startswith("bool") and value in (0, 1):
        return bool(value)
    return value


def _of_server(value: Any, declared: str) -> Any:
    if isinstance(value, int) and declared.startswith(("timestamp", "date")):
        try:
            return moment(value).date() if declared == "date" else moment(value)
        except OverflowError:
            return value
    if isinstance(value, float) and declared == "real":
        return _short_float(value)
    if isinstance(value, str) and declared.startswith("character("):
        return value.rstrip(" ")
    return value if isinstance(value, _SHOWABLE) else str(value)


def _short_float(value: float) -> float:
    """Of the floats that four bytes hold alike the one with the shortest text, which is the one that was written."""
    for digits in range(6, 9):
        short = float(f"{value:.{digits}g}")
        if struct.pack("!f", short) == struct.pack("!f", value):
            return short
    return value


def _parsed(value: str | bytes) -> Any:
    try:
        return json_text.loads(value)[0]
    except ValueError:
        return value
