"""Rails Event Store (RubyEventStore) on SQLite and Postgres: 2.x and 3.x, and the layout of 1.x.

Format facts: ``ruby_event_store-active_record`` templates and ``event_repository_reader.rb`` at v1.0.0, v2.19.2 and
v3.0.0, ``ruby_event_store-rom`` migrations; see ``dialects/rails_event_store.md``.

An event stands in any number of streams. Its own is that of its first row in ``event_store_events_in_streams``, one of
the library's technical streams (``$by_…``) only where there is no other; the others are links: they can be opened
by name and are not counted as streams. ``metadata`` is as stored, without ``types`` (the JSON client's notes on Ruby
classes) and with ``valid_at`` where that column is filled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    cast,
    exists,
    false,
    func,
    literal_column,
    or_,
    select,
)

from esviewer.domain import Event, from_iso, iso
from esviewer.stores.codecs import json_text
from esviewer.stores.dialects.base import Dialect, Fields, Found, match, store_name
from esviewer.stores.schema import Catalog, Table

_EVENTS = ("id", "event_type", "data", "metadata", "created_at")
_IN_STREAMS = ("id", "stream", "position", "event_id")
_ALL = "all"
"""The stream that 1.x keeps every event in; its rows order the store."""
_TECHNICAL = "$by_"
"""Begins the streams of links that subscribers of the library make: by type, by correlation and causation id, and by
any key of the metadata (ruby_event_store/link_by_metadata.rb)."""
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
        logs = [table for table in _logs(catalog) if not _is_before_0_19(table)]
        found = [self._found(catalog, log, len(logs)) for log in logs]
        return [store for store in found if store is not None]

    def unread(self, catalog: Catalog) -> list[str]:
        """The one table of versions before 0.19, which had a stream column and no table of streams."""
        return [
            f"Table {table.full_name} is that of Rails Event Store before 0.19, which is not read yet."
            for table in _logs(catalog)
            if _is_before_0_19(table)
        ]

    def _found(self, catalog: Catalog, log: Table, count: int) -> Found | None:
        _, confidence, sentence = match(log, _EVENTS, ("event_id", "valid_at"))
        evidence = [sentence]
        links = catalog.sibling(log, "event_store_events_in_streams")
        roles = {"events": log}
        if links is not None and links.has(*_IN_STREAMS) and links.readable:
            roles["streams"] = links
            evidence.append(f"Table {links.full_name} says in which streams each event stands.")
        elif not log.has("event_id"):
            # 1.x is ordered by the rows that cannot be read.
            return None
        else:
            state = "is missing" if links is None else "cannot be read"
            evidence.append(f"The table of streams {state}: events are shown without their streams.")
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
            *_encodings(table, "data", "metadata"),
        ]
        if table.has("valid_at"):
            columns.append(table.column("valid_at").label("valid_at"))
        if "streams" not in found.tables:
            return select(*columns)
        rows = found.tables["streams"].clause
        mine, theirs = _event_ids(found, rows)
        columns.append(mine.label("compared_id"))
        if table.has("event_id"):
            return select(*columns)
        return select(*columns).where(mine == theirs, _is_in_order(rows))

    def ordered(
        self,
        found: Found,
        statement: Select[Any],
        order: Sequence[ColumnElement[Any]],
        *,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Select[Any]:
        """With the streams of these events, as JSON ``[[id, stream, position], …]``.

        In one pass for the page: old installations have no index on event_id, and looking up event by event would read
        the whole table of streams for each.
        """
        if "streams" not in found.tables:
            return super().ordered(found, statement, order, limit=limit, reverse=reverse)
        ranks = [column.label(f"rank_{i}") for i, column in enumerate(order)]
        page = super().ordered(found, statement.add_columns(*ranks), order, limit=limit, reverse=reverse).cte("page")
        placed = self._placed(found, page)
        source = page.outerjoin(placed, placed.c.of == page.c.compared_id)
        turned = (page.c[rank.key].desc() if reverse else page.c[rank.key] for rank in ranks)
        return select(*page.c, placed.c.streams).select_from(source).order_by(*turned)

    def _placed(self, found: Found, page: FromClause) -> FromClause:
        """The rows of streams of the events of a page, one list for each event that has any."""
        rows = found.tables["streams"].clause.alias("own")
        _, event_id = _event_ids(found, rows)
        triple = (rows.c.id, cast(rows.c.stream, Text), rows.c.position)
        listed: ColumnElement[Any] = func.json_agg(func.json_build_array(*triple))
        if found.backend == "sqlite":
            listed = func.json_group_array(func.json_array(*triple))
        lists = select(event_id.label("of"), listed.label("streams")).where(event_id.in_(select(page.c.compared_id)))
        if not found.events.has("event_id"):
            lists = lists.where(rows.c.stream != _ALL)
        return lists.group_by(event_id).subquery("placed")

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        if found.events.has("event_id"):
            return (found.events.column("id"),)
        return (found.tables["streams"].column("id"),)

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        links = found.tables.get("streams")
        if links is None:
            return false()
        rows = links.clause.alias("inside")
        mine, theirs = _event_ids(found, rows)
        return mine.in_(select(theirs).where(rows.c.stream == stream))

    def order_in(self, found: Found, stream: str) -> tuple[ColumnElement[Any], ...]:
        """By the rows of that stream: an event may have been linked long after it was recorded."""
        links = found.tables.get("streams")
        if links is None:
            return self.key(found)
        rows = links.clause.alias("place")
        mine, theirs = _event_ids(found, rows)
        place = select(func.min(rows.c.id)).where(rows.c.stream == stream, theirs == mine)
        return (place.correlate(found.events.clause).scalar_subquery(),)

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return event.key

    def hint(self, row: Fields, label: str) -> Literal["any", "json", "yaml"]:
        return "json" if row.get(f"{label}_is_json") else self.payload

    def complete(self, row: Fields) -> None:
        if row["event_id"] is not None:
            row["event_id"] = str(row["event_id"])
        _place(row)
        row["data"] = _once_more(row["data"], row)
        metadata = _once_more(row.get("metadata"), row)
        if isinstance(metadata, dict):
            metadata = {name: value for name, value in metadata.items() if name != "types"}
            row["correlation_id"] = _text(metadata.get("correlation_id"))
            row["causation_id"] = _text(metadata.get("causation_id"))
        row["metadata"] = _with_validity(metadata, row.get("valid_at"))

    # Snapshots are events of streams named <stream>_snapshots

    def snapshots(self, found: Found) -> Select[Any] | None:
        links = found.tables.get("streams")
        if links is None:
            return None
        table = found.events
        rows = links.clause.alias("kept")
        mine, theirs = _event_ids(found, rows)
        kept_in = and_(mine == theirs, rows.c.stream.endswith(_SNAPSHOTS, autoescape=True))
        return (
            select(
                rows.c.stream.label("stream"),
                table.column("created_at").label("recorded_at"),
                table.column("event_type").label("type"),
                table.column("data").label("data"),
                *_encodings(table, "data"),
            )
            .select_from(table.clause.outerjoin(rows, kept_in))
            .where(table.column("event_type") == _SNAPSHOT)
        )

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        return self.of_stream(found, stream + _SNAPSHOTS)

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        row["state"] = state = _once_more(row["state"], row)
        row["stream"] = (row["stream"] or "").removesuffix(_SNAPSHOTS)
        version = state.get("version") if isinstance(state, dict) else None
        row["version"] = version if type(version) is int else None
        if isinstance(row["recorded_at"], str):
            row["recorded_at"] = from_iso(row["recorded_at"])
        return row


def category_of(stream: str | None) -> str | None:
    """``Ordering::Order$42`` → ``Ordering::Order``, by the convention of AggregateRoot; ``None`` without one."""
    if stream is None or stream.startswith(_TECHNICAL):
        return None
    category, dollar, _ = stream.rpartition("$")
    return category if dollar and category else None


def _logs(catalog: Catalog) -> list[Table]:
    return [table for table in catalog.tables if table.name.lower() == "event_store_events" and table.has(*_EVENTS)]


def _is_before_0_19(log: Table) -> bool:
    return log.has("stream", "event_id")


def _event_id(table: Table) -> ColumnElement[Any]:
    return table.column("event_id" if table.has("event_id") else "id")


def _event_ids(found: Found, rows: FromClause) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """The id of an event in its own table and in the rows of streams, so that the two can be compared.

    As text only where one is a uuid and the other is not (Sequel's are varchar): the cast hides indexes.
    """
    mine, theirs = _event_id(found.events), rows.c.event_id
    types = found.events.type_of(mine.key or ""), found.tables["streams"].type_of("event_id")
    if found.backend == "postgresql" and types[0] != types[1] and "uuid" in types:
        return cast(mine, Text), cast(theirs, Text)
    return mine, theirs


def _is_in_order(rows: FromClause) -> ColumnElement[bool]:
    """The one row by which 1.x orders an event: that of the stream ``all``, without one the event's first row.

    SQLite would otherwise take the index on stream and sort all its rows for each page (measured: 16 times slower).
    """
    other = rows.alias("other")
    same = other.c.event_id == rows.c.event_id
    in_all = exists().where(same, other.c.stream == _ALL)
    earlier = exists().where(same, other.c.id < rows.c.id)
    return or_(rows.c.stream == _ALL, and_(~in_all, ~earlier))


def _encodings(table: Table, *columns: str) -> list[ColumnElement[Any]]:
    """Says of the columns that are JSON by their type that they are."""
    known = [name for name in columns if table.type_of(name) in ("json", "jsonb")]
    return [literal_column("1").label(f"{name}_is_json") for name in known]


def _place(row: Fields) -> None:
    """Home stream, version and links of an event from its rows in the table of streams."""
    try:
        streams, _ = json_text.loads(row["streams"]) if row.get("streams") else ([], ())
    except ValueError:
        row["notes"] = (*row.get("notes", ()), "its streams cannot be read")
        return
    assert isinstance(streams, list)
    placed = sorted(streams, key=lambda place: (place[1].startswith(_TECHNICAL), place[0]))
    if placed:
        _, row["stream"], version = placed[0]
        row["version"] = version if type(version) is int else None
        row["links"] = tuple(place[1] for place in placed[1:])
        row["category"] = category_of(row["stream"])


def _once_more(value: object, row: Fields) -> Any:
    """The value; parsed where it is JSON again, as old installations hold it that serialized twice."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        inner, notes = json_text.loads(value)
    except ValueError:
        return value
    row["notes"] = (*row.get("notes", ()), *notes)
    return inner


def _with_validity(metadata: object, valid_at: object) -> object:
    """Metadata with the time from which the event is valid, where the store records one."""
    if valid_at is None:
        return metadata
    time = valid_at if isinstance(valid_at, int) else from_iso(str(valid_at))
    shown = iso(time) or str(valid_at)
    if metadata is None:
        return {"valid_at": shown}
    return metadata | {"valid_at": metadata.get("valid_at", shown)} if isinstance(metadata, dict) else metadata


def _text(value: object) -> str | None:
    return None if value is None else str(value)
