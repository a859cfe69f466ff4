"""An opened database: what it is, which event stores it holds, and how to read them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Protocol

from sqlalchemy import text

from esviewer.domain import EsviewerError, NeedsChoice, NotAStore, NotFound
from esviewer.stores.address import Address, parse
from esviewer.stores.codecs import Codecs
from esviewer.stores.connection import Connection
from esviewer.stores.dialects import known
from esviewer.stores.dialects.base import Follow, Found
from esviewer.stores.index import Index
from esviewer.stores.postgres import PostgresSource
from esviewer.stores.query_log import QueryLog
from esviewer.stores.reader import Reader
from esviewer.stores.schema import Catalog
from esviewer.stores.sqlite import SqliteSource


class Source(Protocol):
    """A database as a source of read-only connections."""

    log: QueryLog
    way: str

    def connect(self) -> Connection: ...
    def catalog(self, connection: Connection) -> Catalog: ...


class Database:
    """A database that was opened and looked at. Readers have connections of their own; closing closes them all."""

    def __init__(
        self, address: Address, source: Source, codecs: Codecs, key: bytes | None = None, password: str | None = None
    ) -> None:
        self.address = address
        self.key = key
        self.password = password
        """What it was opened with, for processes of ours that open it too; never shown or kept."""
        self.source = source
        self.codecs = codecs
        self._made: Callable[[Reader], None] | None = None
        self._open: list[Connection] = []
        self._lock = threading.Lock()
        try:
            self._control = self.connect()
            catalog = _within(source.catalog(self._control), address)
            self.stores = detect(catalog)
            self.unread = tuple(sentence for dialect in known() for sentence in dialect.unread(catalog))
            if not self.stores:
                raise NotAStore(_nothing_found(address, catalog, self.unread))
        except BaseException:
            self.close()
            raise

    @property
    def log(self) -> QueryLog:
        return self.source.log

    def connect(self) -> Connection:
        """A new connection that is closed with the database."""
        connection = self.source.connect()
        with self._lock:
            self._open.append(connection)
        return connection

    def release(self, connection: Connection) -> None:
        """Closes one connection."""
        with self._lock:
            if connection in self._open:
                self._open.remove(connection)
        connection.close()

    def chosen(self) -> Found:
        """The one store that the address means; raises :class:`NeedsChoice` where it leaves that open."""
        if self.address.store is not None:
            return self.named(self.address.store)
        if len(self.stores) == 1:
            return self.stores[0]
        names = tuple(store.name for store in self.stores)
        raise NeedsChoice(
            f"{self.address.text} holds several stores; add ?store=NAME with one of: {', '.join(names)}.", names
        )

    def named(self, name: str) -> Found:
        """The store of that name, or else of that table, less ``_events`` or not, in any case; raises NotFound."""
        wanted = name.lower()
        for store in self.stores:
            if store.name.lower() == wanted:
                return store
        of_table = [store for store in self.stores if wanted in _table_names(store)]
        if len(of_table) == 1:
            return of_table[0]
        names = ", ".join(store.name for store in self.stores)
        raise NotFound(f"{self.address.text} holds no store {name!r}; it holds: {names}.")

    def reader(
        self, store: Found, *, waiting: Callable[[str, float], None] | None = None, patience: float = 60.0
    ) -> Reader:
        """A reader of one store on a connection of its own.

        A lost connection is tried anew for ``patience`` seconds; ``waiting(sentence, seconds)`` is told of each pause.
        """
        reader = Reader(store, self.connect, self.release, self.codecs, waiting=waiting, patience=patience)
        if self._made is not None:
            self._made(reader)
        return reader

    def telling(self, made: Callable[[Reader], None]) -> Database:
        """The same database, on the same connections, that tells of each reader it gives: so that it can be stopped."""
        other = copy(self)
        other._made = made
        return other

    def listen(self, store: Found, heard: Callable[[], None], is_wanted: Callable[[], bool]) -> None:
        """Calls ``heard`` whenever the store's framework says that events were saved, on a connection of its own.

        Returns when it is not wanted any more, and at once where the framework says nothing. Raises what connecting and
        losing a connection raise.
        """
        channel = store.dialect.channel(store)
        if channel is None:
            return
        connection = self.connect()
        try:
            connection.listen(channel, heard, is_wanted)
        finally:
            self.release(connection)

    def follows(self) -> dict[str, list[Follow] | None]:
        """Consumers by the store under which they are listed (contract: the followed store if it is here).

        ``None`` for a store whose framework records none and that nobody follows.
        """
        result: dict[str, list[Follow] | None] = {}
        for store in self.stores:
            found = store.dialect.follows(store, self.stores, self._control)
            result.setdefault(store.name, None if found is None else [])
            for follow in found or ():
                under = follow.followed or store.name
                listed = result.get(under)
                if listed is None:
                    listed = result[under] = []
                listed.append(follow)
        return {store.name: result[store.name] for store in self.stores}

    def skips(self, store: Found) -> list[tuple[int, int]]:
        """Ranges of positions that the store itself records as given up, both ends included."""
        return store.dialect.skips(store, self._control)

    def has_open_writers(self) -> bool:
        """Whether a transaction that has changed something is open on the server now; never on SQLite, which has one
        writer and gives out no number before it commits.
        """
        if self.address.path is not None:
            return False
        snapshot = text("SELECT count(*) FROM txid_snapshot_xip(txid_current_snapshot())")
        return bool(self._control.scalar(snapshot))

    def with_indexes(self) -> list[tuple[Found, Index]]:
        """Each store with an index that is empty yet."""
        return [(store, Index()) for store in self.stores]

    def close(self) -> None:
        """Closes all connections; a closed database may be closed again."""
        with self._lock:
            connections, self._open = self._open, []
        for connection in connections:
            connection.close()


def _table_names(store: Found) -> tuple[str, ...]:
    """What a store's table may be called when a store is asked for."""
    names = (store.events.name.lower(), store.events.full_name.lower())
    return (*names, *(name.removesuffix("_events") for name in names))


def open_database(
    address: Address | str,
    *,
    key: bytes | None = None,
    password: str | None = None,
    log: QueryLog | None = None,
    statement_seconds: float = 60.0,
) -> Database:
    """Opens a database read-only and finds its stores; raises a subclass of :class:`EsviewerError`.

    ``key`` opens encrypted payloads, ``password`` is tried instead of what URL, environment and files give.
    """
    if isinstance(address, str):
        address = parse(address)
    log = log if log is not None else QueryLog()
    source: Source
    if address.path is not None:
        source = SqliteSource(address.path, log)
    else:
        source = PostgresSource(address.url, address.text, log, password=password, statement_seconds=statement_seconds)
    return Database(address, source, Codecs(key), key, password)


def detect(catalog: Catalog) -> tuple[Found, ...]:
    """All event stores in a database, each table claimed once, by the first dialect that recognises it."""
    claimed: set[tuple[str | None, str]] = set()
    stores: list[Found] = []
    for dialect in known():
        if catalog.backend not in dialect.backends:
            continue
        for found in dialect.find(catalog):
            place = (found.events.schema, found.events.name)
            if place not in claimed:
                claimed.add(place)
                stores.append(found)
    return _with_distinct_names(stores)


def _with_distinct_names(stores: list[Found]) -> tuple[Found, ...]:
    """Two frameworks in one schema would both be called by it: then the table tells them apart."""
    counts = Counter(store.name.lower() for store in stores)
    return tuple(
        replace(store, name=store.events.full_name) if counts[store.name.lower()] > 1 else store
        for store in sorted(stores, key=lambda store: store.name)
    )


def _within(catalog: Catalog, address: Address) -> Catalog:
    if address.schema is None:
        return catalog
    tables = tuple(table for table in catalog.tables if table.schema == address.schema)
    if not tables:
        raise NotFound(f"{address.text} has no schema {address.schema!r} with tables in it.")
    return replace(catalog, tables=tables)


def _nothing_found(address: Address, catalog: Catalog, unread: tuple[str, ...]) -> str:
    if unread:
        return f"{address.text}: {' '.join(unread)}"
    if not catalog.tables:
        return f"{address.text} holds no tables."
    names = ", ".join(table.full_name for table in catalog.tables[:8])
    more = "" if len(catalog.tables) <= 8 else f" and {len(catalog.tables) - 8} more"
    return f"{address.text} holds no event store that is known; its tables are {names}{more}."


__all__ = ["Database", "EsviewerError", "Source", "detect", "open_database"]
