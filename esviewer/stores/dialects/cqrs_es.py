"""cqrs-es (Rust): postgres-es on Postgres, sqlite-es and its likes on SQLite.

Format facts: ``persistence/postgres-es/db/init.sql`` and ``src/persist/serialized_event.rs`` of
serverlesstechnology/cqrs at v0.5.0, ``migrations/20221114171845_init.sql`` of johnbcodes/sqlite-es at v0.4.13; see
``dialects/cqrs_es.md``. There is no order between streams and no time column; table names are the user's choice.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, collate, or_, select

from esviewer.domain import Event, from_iso
from esviewer.stores.dialects.base import Dialect, Fields, Found, match, spelled, store_name
from esviewer.stores.schema import Catalog, Table

_KEY = ("aggregate_type", "aggregate_id", "sequence")
_CORE = (*_KEY, "event_type", "event_version", "payload", "metadata")
_FOREIGN = ("instance_id", "position", "global_position")
"""Columns of others that count in streams of typed aggregates, Zitadel among them."""
_SNAPSHOT = ("aggregate_type", "aggregate_id", "last_sequence", "current_snapshot", "payload")
_TIMES = ("timestamp", "time")
_EPOCH_UNITS = {10: 1_000_000, 13: 1_000, 16: 1}
"""µs in a unit, by the number of digits that a time of this century since 2001 has in seconds, ms and µs."""


class CqrsEs(Dialect):
    name = "cqrs_es"
    title = "cqrs-es"
    backends = frozenset({"sqlite", "postgresql"})
    records_checkpoints = False
    order = "by aggregate type, id and sequence: the framework records neither a time nor an order between streams"
    identity = ("category", "stream")

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [
            table
            for table in catalog.tables
            if table.has(*_CORE)
            and not any(table.has(name) for name in _FOREIGN)
            and {name.lower() for name in table.primary_key} in (set(), set(_KEY))
        ]
        return [self._found(catalog, log, logs) for log in logs]

    def _found(self, catalog: Catalog, log: Table, logs: list[Table]) -> Found:
        _, confidence, sentence = match(log, _CORE)
        evidence = [sentence]
        if log.primary_key:
            evidence.append(f"Its primary key is {', '.join(log.primary_key)}.")
        else:
            confidence = 0.9
        roles = {"events": log}
        beside = [other for other in logs if other.schema == log.schema]
        snapshots = _snapshots(catalog, log, alone=len(beside) == 1)
        if snapshots is not None:
            roles["snapshots"] = snapshots
            evidence.append(f"Table {snapshots.full_name} holds snapshots.")
        count = len(logs) if catalog.backend == "sqlite" else len(beside)
        named = None if count == 1 else log.name.removesuffix("_events")
        name = store_name(catalog, log, count=count, named=named)
        return Found(self, name, roles, confidence, tuple(evidence), catalog.backend)

    def select(self, found: Found) -> Select[Any]:
        table = found.events
        return select(
            *(column.label(f"key_{i}") for i, column in enumerate(self.key(found))),
            table.column("aggregate_id").label("stream"),
            table.column("aggregate_type").label("category"),
            table.column("sequence").label("version"),
            table.column("event_type").label("type"),
            table.column("event_version").label("schema_version"),
            table.column("payload").label("data"),
            table.column("metadata").label("metadata"),
        )

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return tuple(found.events.column(name) for name in _KEY)

    def position(self, found: Found) -> ColumnElement[Any] | None:
        return None

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        """By aggregate id, or by ``TYPE/ID`` to tell two aggregates with one id apart."""
        return _of_stream(found.events, stream)

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        table = found.events
        # Byte order, as order_of_stream compares: a server's collation may order otherwise.
        kind = collate(table.column("aggregate_type"), "C" if found.backend == "postgresql" else "BINARY")
        return (kind, table.column("sequence"), table.column("aggregate_id"))

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return (event.category or "", event.version or 0, event.stream or "")

    def complete(self, row: Fields) -> None:
        row["data"] = _untagged(row["data"], row["type"])
        metadata = row.get("metadata")
        if isinstance(metadata, dict):
            row["recorded_at"] = _time(metadata)
            row["correlation_id"] = _first(metadata, "correlation_id", "correlationId")
            row["causation_id"] = _first(metadata, "causation_id", "causationId")

    def snapshots(self, found: Found) -> Select[Any] | None:
        table = found.tables.get("snapshots")
        if table is None:
            return None
        return select(
            table.column("aggregate_id").label("stream"),
            table.column("last_sequence").label("version"),
            table.column("aggregate_type").label("type"),
            table.column("payload").label("data"),
        )

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        return _of_stream(found.tables["snapshots"], stream)


def _of_stream(table: Table, stream: str) -> ColumnElement[bool]:
    column, declared = table.column("aggregate_id"), table.type_of("aggregate_id")
    condition = spelled(column, declared, stream)
    kind, slash, identity = stream.partition("/")
    if not slash:
        return condition
    return or_(condition, and_(table.column("aggregate_type") == kind, spelled(column, declared, identity)))


def _snapshots(catalog: Catalog, log: Table, *, alone: bool) -> Table | None:
    """The snapshots of a log: the table named alike (``x_events``, ``x_snapshots``), or the only one there is."""
    candidates = [t for t in catalog.beside(log) if t.has(*_SNAPSHOT) and t.readable]
    wanted = log.name.lower().removesuffix("events") + "snapshots"
    named = [table for table in candidates if table.name.lower() == wanted]
    if named or not alone:
        return named[0] if named else None
    return candidates[0] if len(candidates) == 1 else None


def _untagged(data: object, kind: str) -> object:
    """The fields of an externally tagged enum (serde's default), whose tag repeats the event's type.

    ``{"Opened": {…}}`` → ``{…}``; a variant without fields, ``"Opened"`` or ``{"Opened": null}``, → ``{}``. A tagged
    scalar or array stays under its tag: it has no other name.
    """
    names = (kind, re.split(r"[.:/]", kind)[-1])
    if isinstance(data, str):
        return {} if data in names else data
    if not isinstance(data, dict) or len(data) != 1:
        return data
    ((tag, fields),) = data.items()
    if tag not in names or not isinstance(fields, dict | None):
        return data
    return fields or {}


def _time(metadata: dict[str, Any]) -> int | None:
    """The time that the application wrote, in µs; the framework itself records none."""
    for name in _TIMES:
        text = str(metadata.get(name, "")).strip()
        if text.isascii() and text.isdigit():
            unit = _EPOCH_UNITS.get(len(text))
            time = None if unit is None else int(text) * unit
        else:
            # chrono writes "2026-01-02 03:04:05.123 UTC" where no format is asked for.
            time = from_iso(text.removesuffix(" UTC"))
        if time is not None:
            return time
    return None


def _first(metadata: dict[str, Any], *names: str) -> str | None:
    return next((str(metadata[name]) for name in names if metadata.get(name) is not None), None)
