"""The sister packages of Python ``eventsourcing``: what it stores, in tables made by SQLAlchemy or by Django.

Format facts: ``models.py``, ``factory.py`` and ``recorders.py`` of ``eventsourcing_sqlalchemy`` 1.0.1, the same and
``migrations/0001_initial.py`` of ``eventsourcing_django`` 0.6; see ``dialects/eventsourcing_sqlalchemy_django.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, collate, false, func, or_, select

from esviewer.domain import Event
from esviewer.stores.codecs import Codecs
from esviewer.stores.connection import Connection, Row
from esviewer.stores.dialects.base import (
    Fields,
    Follow,
    Found,
    PlainRows,
    as_uuid,
    distinct_values,
    match,
    spelled,
    store_name,
)
from esviewer.stores.dialects.eventsourcing import CORE, EventSourcing, prefix_of
from esviewer.stores.schema import Catalog, Table

_APPLICATION = "application_name"
_UPSTREAM = "upstream_application_name"
_TRACKING = frozenset({_APPLICATION, _UPSTREAM, "notification_id"})


class EventSourcingSqlAlchemy(EventSourcing):
    """Tables of each application by its name, as the library has them on Postgres, with a column ``id``."""

    name = "eventsourcing_sqlalchemy"
    title = "Python eventsourcing with SQLAlchemy"
    order = "by id, drawn when events are inserted; on Postgres under a lock, so that it is the order of commits"

    def _is_own(self, log: Table) -> bool:
        return log.has("id")

    def _needed(self, backend: str) -> tuple[str, ...]:
        return ("id", *CORE)

    def unread(self, catalog: Catalog) -> list[str]:
        return []

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return (found.events.column("id"),)

    def application(self, found: Found) -> str:
        return prefix_of(found.events)

    def _named(self, table: Table, stream: str) -> ColumnElement[bool]:
        """UUIDType of SQLAlchemy-Utils is uuid on Postgres and BINARY(16) on SQLite, or CHAR(32) where that is set."""
        column, declared = table.column("originator_id"), table.type_of("originator_id")
        if "binary" not in declared and declared not in ("blob", "bytea"):
            return spelled(column, declared, stream)
        identity = as_uuid(stream)
        return column == identity.bytes if identity is not None else false()

    def expand(self, row: Fields, codecs: Codecs) -> Iterable[Fields]:
        row["stream"] = _text(row["stream"])
        return super().expand(row, codecs)

    def _spelling(self, streams: Sequence[Any]) -> Callable[[Any], str] | None:
        if set(map(type, streams)) == {bytes} and set(map(len, streams)) == {16}:
            return _dashed_bytes
        return super()._spelling(streams)

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        row["stream"] = _text(row["stream"])
        return super().snapshot_fields(found, row)


class EventSourcingDjango(EventSourcing):
    """One table for all applications: each is a tenant, with streams of its own in one sequence of ids."""

    name = "eventsourcing_django"
    title = "Python eventsourcing with Django"
    order = "by id, one sequence for all applications; on Postgres drawn under a lock: the order of commits"
    identity = ("tenant", "stream")

    def find(self, catalog: Catalog) -> list[Found]:
        shared = [t for t in catalog.tables if t.has(*CORE, _APPLICATION) and not t.has("pipeline_id")]
        logs = [table for table in shared if table.has("id")]
        return [self._store(catalog, log, [t for t in shared if t not in logs], len(logs)) for log in logs]

    def _store(self, catalog: Catalog, log: Table, snapshots: list[Table], count: int) -> Found:
        _, _, sentence = match(log, ("id", _APPLICATION, *CORE))
        evidence = [sentence]
        roles = {"events": log}
        tracking = [table for table in catalog.tables if table.has(*_TRACKING)]
        for role, tables, usual, meaning in (
            ("snapshots", snapshots, "snapshots", "snapshots"),
            ("tracking", tracking, "notification_tracking", "positions of consumers"),
        ):
            table = _beside(log, tables, usual)
            if table is not None:
                evidence.append(
                    f"Table {table.full_name} {'holds' if table.readable else 'may not be read; it holds'} {meaning}."
                )
                if table.readable:
                    roles[role] = table
        if catalog.sibling(log, "django_migrations") is not None:
            evidence.append("Table django_migrations is there, as wherever Django made the tables.")
        return Found(self, store_name(catalog, log, count=count), roles, 1.0, tuple(evidence), catalog.backend)

    def unread(self, catalog: Catalog) -> list[str]:
        return []

    def select(self, found: Found) -> Select[Any]:
        return super().select(found).add_columns(found.events.column(_APPLICATION).label("tenant"))

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return (found.events.column("id"),)

    def _named(self, table: Table, stream: str) -> ColumnElement[bool]:
        """By id, or by ``APPLICATION/ID`` where applications use one id for streams of their own.

        All indexes begin with the application, so those are looked up first.
        """
        application, slash, name = stream.rpartition("/")
        column = table.column(_APPLICATION)
        anywhere = and_(column.in_(distinct_values(table, _APPLICATION)), super()._named(table, stream))
        return or_(anywhere, and_(column == application, super()._named(table, name))) if slash else anywhere

    def of_same_stream(self, found: Found, row: Fields) -> ColumnElement[bool]:
        table = found.events
        return and_(table.column(_APPLICATION) == row["tenant"], super()._named(table, row["stream"]))

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        table = found.events
        # Byte order, as order_of_stream compares: a server's collation may order otherwise.
        application = collate(table.column(_APPLICATION), "C" if found.backend == "postgresql" else "BINARY")
        return (application, table.column("originator_version"))

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return (event.tenant or "", *super().order_of_stream(event))

    def plain(self, rows: Sequence[Row], labels: tuple[str, ...]) -> PlainRows | None:
        if labels[-1] != "tenant":
            return None
        tenants = [row[-1] for row in rows]
        if not all(isinstance(name, str) for name in set(tenants)):
            return None
        found = super().plain([row[:-1] for row in rows], labels[:-1])
        return None if found is None else replace(found, tenants=tenants)

    def channel(self, found: Found) -> str | None:
        return None

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        table = found.tables.get("tracking")
        if table is None:
            return []
        here = {name for (name,) in connection.all(distinct_values(found.events, _APPLICATION))}
        return [
            Follow(consumer, upstream, position, found.name if upstream in here else None, tenant=upstream)
            for consumer, upstream, position in _reached(table, connection)
        ]


def _reached(table: Table, connection: Connection) -> Iterator[tuple[str, str, int]]:
    """Follower, what it follows, and how far it is: of one row for each processed notification, the newest."""
    followers, followed = table.column(_APPLICATION), table.column(_UPSTREAM)
    newest = select(func.max(table.column("notification_id")))
    for (consumer,) in connection.all(distinct_values(table, _APPLICATION)):
        for (upstream,) in connection.all(distinct_values(table, _UPSTREAM, **{_APPLICATION: consumer})):
            yield consumer, upstream, connection.scalar(newest.where(followers == consumer, followed == upstream))


def _beside(log: Table, tables: list[Table], usual: str) -> Table | None:
    """Of the tables in the schema of a log that with the usual name, or the only one."""
    beside = [table for table in tables if table.schema == log.schema]
    named = [table for table in beside if table.name.lower() == usual]
    if named:
        return named[0]
    return beside[0] if len(beside) == 1 else None


def _text(stored: Any) -> Any:
    """An id as text where it is the 16 bytes of a UUID, big-endian; else as it is."""
    return _dashed_bytes(stored) if stored.__class__ is bytes and len(stored) == 16 else stored


@lru_cache(maxsize=16_384)
def _dashed_bytes(stored: bytes) -> str:
    text = stored.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
