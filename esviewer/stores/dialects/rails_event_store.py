"""Rails Event Store (RubyEventStore) on SQLite and Postgres: 2.x and 3.x, and the layout of 1.x.

Format facts: ``ruby_event_store-active_record`` templates and ``event_repository_reader.rb`` at v1.0.0, v2.19.2 and
v3.0.0, ``ruby_event_store-rom`` migrations; see ``dialects/rails_event_store.md``.

An event stands in any number of streams. Its own is that of its first row in ``event_store_events_in_streams``; the
others (``$by_type_…``, ``$by_correlation_id_…``) are links: they can be opened by name and are not counted as streams.
``metadata`` is as stored, without ``types`` (the JSON client's notes on Ruby classes) and with ``valid_at`` where that
differs from the time of recording.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, ScalarSelect, Select, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from esviewer.domain import Event, from_iso, iso
from esviewer.stores.codecs import json_text
from esviewer.stores.dialects.base import Dialect, Fields, Found, match, store_name
from esviewer.stores.schema import Catalog, Table

_EVENTS = ("event_type", "data", "metadata", "created_at")
_IN_STREAMS = ("id", "stream", "position", "event_id")
_ALL = "all"
"""The stream that 1.x keeps every event in; its rows order the store."""
_SNAPSHOT = "AggregateRoot::SnapshotRepository::Snapshot"
_SNAPSHOTS = "_snapshots"


class RailsEventStore(Dialect):
    name = "rails_event_store"
    title = "Rails Event Store"
    backends = frozenset({"sqlite", "postgresql"})
    payload = "yaml"  # the default of binary columns; what begins as JSON is read as JSON
    records_checkpoints = False
    order = "by id, drawn when events are inserted: not always the order of commits"

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [t for t in catalog.tables if t.name.lower() == "event_store_events" and t.has(*_EVENTS, "id")]
        found = [self._found(catalog, log, len(logs)) for log in logs]
        return [store for store in found if store is not None]

    def _found(self, catalog: Catalog, log: Table, count: int) -> Found | None:
        _, confidence, sentence = match(log, (*_EVENTS, "id"), ("event_id", "valid_at"))
        evidence = [sentence]
        links = catalog.sibling(log, "event_store_events_in_streams")
        usable = links is not None and links.has(*_IN_STREAMS) and links.readable
        roles = {"events": log}
        if usable and links is not None:
            roles["streams"] = links
            evidence.append(f"Table {links.full_name} says in which streams each event stands.")
        elif not log.has("event_id"):
            # 1.x is ordered by the rows that cannot be read.
            return None
        else:
            evidence.append("The table of streams cannot be read: events are shown without their streams.")
        if not log.has("event_id"):
            evidence.append("Without column event_id: written by version 1.")
        name = store_name(catalog, log, count=count)
        return Found(self, name, roles, confidence, tuple(evidence), catalog.backend)

    def select(self, found: Found) -> Select[Any]:
        table = found.events
        (position,) = self.key(found)
        columns: list[ColumnElement[Any]] = [
            position.label("key_0"),
            position.label("position"),
            _event_id(table).label("event_id"),
            table.column("event_type").label("type"),
            table.column("created_at").label("recorded_at"),
            table.column("data").label("data"),
            table.column("metadata").label("metadata"),
        ]
        if table.has("valid_at"):
            columns.append(table.column("valid_at").label("valid_at"))
        if "streams" in found.tables:
            columns.append(self._streams(found).label("streams"))
        return select(*columns).select_from(self._source(found))

    def _source(self, found: Found) -> FromClause:
        if found.events.has("event_id"):
            return found.events.clause
        everything = found.tables["streams"].clause
        mine = found.events.column("id") == found.tables["streams"].column("event_id")
        return everything.join(found.events.clause, mine & (found.tables["streams"].column("stream") == _ALL))

    def _streams(self, found: Found) -> ScalarSelect[Any]:
        """The rows of an event in the table of streams, as JSON ``[[id, stream, position], …]``."""
        rows = found.tables["streams"].clause.alias("own")
        of_event = rows.c.event_id == _event_id(found.events)
        triple = (rows.c.id, rows.c.stream, rows.c.position)
        if found.backend == "sqlite":
            # Without an order of its own: sorted when it is read.
            listed: ColumnElement[Any] = func.json_group_array(func.json_array(*triple))
        else:
            listed = func.json_agg(aggregate_order_by(func.json_build_array(*triple), rows.c.id))
        statement = select(listed).where(of_event)
        if not found.events.has("event_id"):
            statement = statement.where(rows.c.stream != _ALL)
        return statement.correlate(found.events.clause).scalar_subquery()

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        if found.events.has("event_id"):
            return (found.events.column("id"),)
        return (found.tables["streams"].column("id"),)

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        links = found.tables.get("streams")
        if links is None:
            return _event_id(found.events).is_(None)
        rows = links.clause.alias("inside")
        return _event_id(found.events).in_(select(rows.c.event_id).where(rows.c.stream == stream))

    def order_in(self, found: Found, stream: str) -> tuple[ColumnElement[Any], ...]:
        """By the rows of that stream: an event may have been linked long after it was recorded."""
        links = found.tables.get("streams")
        if links is None:
            return self.key(found)
        rows = links.clause.alias("place")
        place = select(rows.c.id).where(rows.c.stream == stream, rows.c.event_id == _event_id(found.events))
        return (place.correlate(found.events.clause).scalar_subquery(),)

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return event.key

    def complete(self, row: Fields) -> None:
        if row["event_id"] is not None:
            row["event_id"] = str(row["event_id"])
        self._place(row)
        data = row["data"]
        if isinstance(data, str) and data.lstrip()[:1] in ("{", "["):
            # Old installs hold JSON that was serialized twice.
            try:
                row["data"], _ = json_text.loads(data)
            except ValueError:
                row["data"] = data
        metadata = row.get("metadata")
        if isinstance(metadata, str) and metadata.lstrip()[:1] == "{":
            try:
                metadata, _ = json_text.loads(metadata)
            except ValueError:
                metadata = row["metadata"]
        if isinstance(metadata, dict):
            metadata = {name: value for name, value in metadata.items() if name != "types"}
            row["correlation_id"] = _text(metadata.get("correlation_id"))
            row["causation_id"] = _text(metadata.get("causation_id"))
        row["metadata"] = _with_validity(metadata, row.get("valid_at"))

    def _place(self, row: Fields) -> None:
        streams, _ = json_text.loads(row["streams"]) if row.get("streams") else ([], ())
        assert isinstance(streams, list)
        placed = sorted(streams, key=lambda entry: entry[0])
        if placed:
            _, row["stream"], row["version"] = placed[0]
            row["links"] = tuple(entry[1] for entry in placed[1:])
            row["category"] = category_of(row["stream"])

    # Snapshots are events of streams named <stream>_snapshots

    def snapshots(self, found: Found) -> Select[Any] | None:
        links = found.tables.get("streams")
        if links is None:
            return None
        table = found.events
        rows = links.clause.alias("own")
        home = select(rows.c.stream).where(rows.c.event_id == _event_id(table), rows.c.stream.like(f"%{_SNAPSHOTS}"))
        stream = home.order_by(rows.c.id).limit(1).correlate(table.clause).scalar_subquery()
        return select(
            stream.label("stream"),
            table.column("created_at").label("recorded_at"),
            table.column("event_type").label("type"),
            table.column("data").label("data"),
        ).where(table.column("event_type") == _SNAPSHOT)

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        return self.of_stream(found, stream + _SNAPSHOTS)

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        state = row["state"]
        row["stream"] = (row["stream"] or "").removesuffix(_SNAPSHOTS)
        version = state.get("version") if isinstance(state, dict) else None
        row["version"] = version if isinstance(version, int) else None
        if isinstance(row["recorded_at"], str):
            row["recorded_at"] = from_iso(row["recorded_at"])
        return row


def category_of(stream: str | None) -> str | None:
    """``Ordering::Order$42`` → ``Ordering::Order``, by the convention of AggregateRoot; ``None`` without one."""
    category, dollar, _ = (stream or "").rpartition("$")
    return category if dollar and category else None


def _event_id(table: Table) -> ColumnElement[Any]:
    return table.column("event_id" if table.has("event_id") else "id")


def _with_validity(metadata: object, valid_at: object) -> object:
    """Metadata with the time from which the event is valid, where the store records another than that of writing."""
    if valid_at is None:
        return metadata
    time = valid_at if isinstance(valid_at, int) else from_iso(str(valid_at))
    shown = iso(time) or str(valid_at)
    if metadata is None:
        return {"valid_at": shown}
    return metadata | {"valid_at": metadata.get("valid_at", shown)} if isinstance(metadata, dict) else metadata


def _text(value: object) -> str | None:
    return None if value is None else str(value)
