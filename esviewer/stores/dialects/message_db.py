"""Message DB on Postgres, with the conventions of Eventide and Protean for what its messages mean.

Format facts: ``database/tables/messages.sql`` of message-db/message-db at 1.3.0; ``stream_name.rb``, ``metadata.rb``
and ``position_store`` of the Eventide gems; ``utils/eventing.py`` of protean 0.18; see ``dialects/message_db.md``.

A message's cause is a stream and a position in it, not an id: ``causation_id`` is written ``STREAM/POSITION``, and
:meth:`MessageDb.related` names every message so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from esviewer.domain import Event
from esviewer.stores.codecs import Codecs, Undecodable
from esviewer.stores.connection import Connection
from esviewer.stores.dialects.base import Dialect, Fields, Follow, Found, Relations, match, store_name
from esviewer.stores.schema import Catalog, Table

_REQUIRED = ("global_position", "position", "stream_name", "type", "data", "metadata", "time", "id")
# Types follow the colon of a category, joined with +: account:command+position-accountComponent
_SNAPSHOT_STREAM = r"^[^-]*:([^-]*\+)?snapshot(\+[^-]*)?(-|$)"
_POSITION_STREAM = r"^([^-]*:([^-]*\+)?position(\+[^-]*)?(-|$)|position-)"
_PROTEAN_VERSION = re.compile(r"\.v(\d+)\Z")


class MessageDb(Dialect):
    name = "message_db"
    title = "Message DB"
    backends = frozenset({"postgresql"})
    payload = "json"
    order = "by global position; writers of two categories may commit out of its order"

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [table for table in catalog.tables if table.has(*_REQUIRED)]
        return [self._found(catalog, log, len(logs)) for log in logs]

    def _found(self, catalog: Catalog, log: Table, count: int) -> Found:
        _, confidence, sentence = match(log, _REQUIRED)
        name = store_name(catalog, log, count=count)
        return Found(self, name, {"events": log}, confidence, (sentence,), catalog.backend)

    def select(self, found: Found) -> Select[Any]:
        table = found.events
        return select(
            table.column("global_position").label("key_0"),
            table.column("global_position").label("position"),
            table.column("stream_name").label("stream"),
            table.column("position").label("version"),
            table.column("type").label("type"),
            table.column("time").label("recorded_at"),
            table.column("id").label("event_id"),
            table.column("data").label("data"),
            table.column("metadata").label("metadata"),
        )

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return (found.events.column("global_position"),)

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        condition: ColumnElement[bool] = found.events.column("stream_name") == stream
        return condition

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return (found.events.column("position"),)

    def complete(self, row: Fields) -> None:
        row["category"] = category_of(row["stream"])
        metadata = row.get("metadata")
        if isinstance(metadata, dict):
            self._from_metadata(row, metadata)
        version = _PROTEAN_VERSION.search(row["type"] or "")
        if row.get("schema_version") is None and version is not None:
            row["schema_version"] = int(version.group(1))

    def _from_metadata(self, row: Fields, metadata: dict[str, Any]) -> None:
        domain = metadata.get("domain")
        if isinstance(domain, dict):
            row["correlation_id"] = _text(domain.get("correlation_id"))
            row["causation_id"] = _text(domain.get("causation_id"))
            row["schema_version"] = _text(domain.get("version"))
            return
        row["correlation_id"] = _text(metadata.get("correlationStreamName"))
        stream, position = metadata.get("causationMessageStreamName"), metadata.get("causationMessagePosition")
        if stream is not None and position is not None:
            row["causation_id"] = f"{stream}/{position}"
        version = metadata.get("schemaVersion")
        row["schema_version"] = version if isinstance(version, int | None) else _text(version)

    def related(self, event: Event) -> Relations:
        own = f"{event.stream}/{event.version}"
        metadata = event.metadata
        if isinstance(metadata, dict) and isinstance(metadata.get("domain"), dict):
            headers = metadata.get("headers")
            own = str(headers.get("id")) if isinstance(headers, dict) and headers.get("id") else own
        return Relations(own, event.causation_id, event.correlation_id, None)

    # Snapshots are messages of their own streams: account:snapshot-123

    def snapshots(self, found: Found) -> Select[Any] | None:
        table = found.events
        name = table.column("stream_name")
        return select(
            name.label("stream"),
            table.column("position").label("version"),
            table.column("time").label("recorded_at"),
            table.column("type").label("type"),
            table.column("data").label("data"),
        ).where(name.regexp_match(_SNAPSHOT_STREAM))

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        category, dash, identity = stream.partition("-")
        condition: ColumnElement[bool] = found.events.column("stream_name") == f"{category}:snapshot{dash}{identity}"
        return condition

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        state = row["state"]
        category, dash, identity = row["stream"].partition("-")
        row["stream"] = category.split(":")[0] + dash + identity
        if isinstance(state, dict):
            version = state.get("entityVersion", state.get("_version"))
            row["version"] = version if isinstance(version, int) else None
            row["state"] = state.get("entityData", state)
        return row

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        """Consumers from their position streams: the newest message of each tells the position."""
        table = found.events
        name = table.column("stream_name")
        newest = func.row_number().over(partition_by=name, order_by=table.column("position").desc())
        ranked = (
            select(name.label("stream"), table.column("data").label("data"), newest.label("rank"))
            .where(name.regexp_match(_POSITION_STREAM))
            .subquery()
        )
        latest = select(ranked.c.stream, ranked.c.data).where(ranked.c.rank == 1).order_by(ranked.c.stream)
        result = []
        for stream, data in connection.all(latest):
            consumer, category = consumer_of(stream)
            if category is not None:
                result.append(Follow(consumer, category, _reached(data), found.name, category))
        return result


def category_of(stream: str) -> str:
    """What stands before the first dash; a name without one is a category itself (stream_name.rb)."""
    return stream.partition("-")[0]


def consumer_of(stream: str) -> tuple[str, str | None]:
    """The consumer and the category that it follows, from the name of its position stream; ``None`` if it is none."""
    category, dash, identity = stream.partition("-")
    if category == "position" and identity:
        # Protean: position-<subscriber>-<category>; subscribers may have dashes, categories do not.
        subscriber, _, followed = identity.rpartition("-")
        return (subscriber, followed) if subscriber else (stream, None)
    entity, colon, types = category.partition(":")
    kinds = types.split("+") if colon else []
    if "position" not in kinds:
        return stream, None
    others = [kind for kind in kinds if kind != "position"]
    followed = entity + (":" + "+".join(others) if others else "")
    return (identity if dash and identity else stream), followed


def _reached(data: bytes | None) -> int | None:
    try:
        value = Codecs().decode(data, "json").value
    except Undecodable:
        return None
    position = value.get("position") if isinstance(value, dict) else None
    return position if isinstance(position, int) and not isinstance(position, bool) else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
