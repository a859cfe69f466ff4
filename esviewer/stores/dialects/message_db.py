"""Message DB on Postgres, with the conventions of Eventide and Protean for what its messages mean.

Format facts: ``database/tables/messages.sql`` of message-db/message-db at 1.3.0; ``stream_name.rb``, ``metadata.rb``
and ``position_store`` of the Eventide gems; ``utils/eventing.py`` and ``event_store_subscription.py`` of protean 0.18;
see ``dialects/message_db.md`` and ``protean.md``.

Eventide names a message's cause by a stream and a position in it, not by an id: ``causation_id`` is then written
``STREAM/POSITION``, and :meth:`MessageDb.related` names every message so. Protean gives every message an id of its own
beside the column's (``metadata.headers.id``), which causes are named by: there it is the ``event_id``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, func, select, text, true

from esviewer.domain import Event
from esviewer.stores.codecs import Codecs, Undecodable
from esviewer.stores.connection import Connection
from esviewer.stores.dialects.base import Dialect, Fields, Follow, Found, Relations, match, store_name
from esviewer.stores.schema import Catalog, Table

_REQUIRED = ("global_position", "position", "stream_name", "type", "data", "metadata", "time", "id")
# Types follow the colon of a category, joined with +: account:command+position-accountComponent
# and not the second colon of Protean's shop::snapshot, which is an aggregate of that name.
_SNAPSHOT_STREAM = r"^[^-]*[^-:]:([^-:]*\+)?snapshot(\+[^-:]*)?(-|$)"
_POSITION_STREAM = r"^([^-]*[^-:]:([^-:]*\+)?position(\+[^-:]*)?(-|$)|position-)"
_VERSIONED_TYPE = re.compile(r"\.v(\d+)\Z")
_VERSION = re.compile(r"v?(\d+)\Z")
_EVERYTHING = "$all"
"""What a Protean subscription to all categories says that it follows."""
_INDEXED = text(
    "SELECT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam"
    " JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]"
    " WHERE i.indrelid = to_regclass(:name) AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree'"
    " AND a.attname = 'stream_name')"
)


class MessageDb(Dialect):
    name = "message_db"
    title = "Message DB"
    backends = frozenset({"postgresql"})
    payload = "json"
    order = "by global position; writers of two categories may commit out of its order"

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [table for table in catalog.tables if table.name == "messages" and table.has(*_REQUIRED)]
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
        versioned = _VERSIONED_TYPE.search(row["type"] or "")
        row["schema_version"] = None if versioned is None else int(versioned.group(1))
        metadata = row.get("metadata")
        if not isinstance(metadata, dict):
            return
        protean = _protean(metadata)
        if protean is not None:
            facts, identity = protean
            row["event_id"] = identity or row["event_id"]
            row["correlation_id"] = _text(facts.get("correlation_id"))
            row["causation_id"] = _text(facts.get("causation_id"))
            if versioned is None:
                row["schema_version"] = _number(facts.get("version"))
            return
        row["correlation_id"] = _text(metadata.get("correlationStreamName"))
        stream, position = metadata.get("causationMessageStreamName"), metadata.get("causationMessagePosition")
        if stream is not None and position is not None:
            row["causation_id"] = f"{stream}/{position}"
        version = metadata.get("schemaVersion")
        if version is not None:
            row["schema_version"] = version if type(version) is int else _text(version)

    def related(self, event: Event) -> Relations:
        protean = _protean(event.metadata)
        own = event.event_id if protean is not None else f"{event.stream}/{event.version}"
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
        """By the name of the snapshots' stream, which its index finds.

        An entity class that is not called like its category, or a specifier of the entity store after it
        (``accountSomeSpecifier:snapshot-1``), is not in the name of the entity's stream: such snapshots are counted and
        listed, under the name they give, and not found here. Only a look at the whole table would find them.
        """
        category, dash, identity = stream.partition("-")
        condition: ColumnElement[bool] = found.events.column("stream_name") == f"{category}:snapshot{dash}{identity}"
        return condition

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        state = row["state"]
        category, dash, identity = row["stream"].partition("-")
        row["stream"] = _typed(category)[0] + dash + identity
        # The position in the snapshot's own stream says nothing about the entity's version.
        row["version"] = None
        if isinstance(state, dict):
            version = state.get("entityVersion", state.get("_version"))
            row["version"] = version if type(version) is int else None
            row["state"] = state.get("entityData", state)
        return row

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        """Consumers from their position streams: the newest message of each tells the position."""
        table = found.events
        if not table.readable:
            # Another store of this database may have been chosen: reading this one says what is wrong.
            return []
        names = _distinct_names(table) if _is_indexed(table, connection) else _matching_names(table)
        newest = (
            select(table.column("type"), table.column("data"), table.column("metadata"))
            .where(table.column("stream_name") == names.c.stream)
            .order_by(table.column("position").desc())
            .limit(1)
            .lateral()
        )
        latest = (
            select(names.c.stream, newest.c.type, newest.c.data, newest.c.metadata)
            .select_from(names.join(newest, true()))
            .where(names.c.stream.regexp_match(_POSITION_STREAM))
            .order_by(names.c.stream)
        )
        follows = (_follow(found.name, *row) for row in connection.all(latest))
        return [follow for follow in follows if follow is not None]


def _distinct_names(table: Table) -> CTE:
    """All names of streams, each found by one look into the index that begins with them.

    Costs by the number of streams, not of messages (measured on a million messages in memory: 1,000 streams 0.02 s,
    200,000 streams 1 s, a filter over the whole table 0.5 s), and never reads the payloads' pages. The index on
    ``category()`` would cost less still, but needs the right to call that function.
    """
    column = table.column("stream_name")
    names = select(func.min(column).label("stream")).cte("names", recursive=True)
    following = select(func.min(column)).where(column > names.c.stream).scalar_subquery()
    return names.union_all(select(following).where(names.c.stream.is_not(None)))


def _matching_names(table: Table) -> Subquery:
    column = table.column("stream_name")
    return select(column.label("stream")).where(column.regexp_match(_POSITION_STREAM)).distinct().subquery()


def _is_indexed(table: Table, connection: Connection) -> bool:
    name = ".".join(f'"{part}"' for part in (table.schema or "public", table.name))
    return bool(connection.scalar(_INDEXED.bindparams(name=name)))


def _follow(store: str, stream: str, kind: str | None, data: bytes | None, metadata: bytes | None) -> Follow | None:
    """A consumer by the newest message of its position stream; ``None`` if that is no such stream after all."""
    position, origin = _decoded(data).get("position"), None
    if category_of(stream) == "position":
        if kind != "Read":
            # Somebody's events about positions.
            return None
        about = _decoded(metadata)
        domain = about.get("domain")
        origin = (domain if isinstance(domain, dict) else about).get("origin_stream")
    consumer, followed = consumer_of(stream, origin if isinstance(origin, str) else None)
    if followed is None:
        return None
    reached = position if type(position) is int else None
    return Follow(consumer, followed, reached, store, None if followed == _EVERYTHING else followed)


def category_of(stream: str) -> str:
    """What stands before the first dash; a name without one is a category itself (stream_name.rb)."""
    return stream.partition("-")[0]


def consumer_of(stream: str, origin: str | None = None) -> tuple[str, str | None]:
    """The consumer and the category that it follows, from the name of its position stream; ``None`` if it is none.

    ``origin`` is the followed category where the position's message names it, as Protean's do.
    """
    category, dash, identity = stream.partition("-")
    if category == "position" and identity:
        # position-<subscriber>-<category>: subscribers may have dashes, and so may what they follow.
        if origin is not None and identity.endswith(f"-{origin}"):
            return identity.removesuffix(f"-{origin}"), origin
        subscriber, _, followed = identity.rpartition("-")
        return (subscriber, followed) if subscriber else (stream, None)
    entity, kinds = _typed(category)
    if "position" not in kinds:
        return stream, None
    others = [kind for kind in kinds if kind != "position"]
    followed = entity + (":" + "+".join(others) if others else "")
    return (identity if dash and identity else stream), followed


def _typed(category: str) -> tuple[str, list[str]]:
    """A category's entity and its types: of ``account:command+position``, and of Protean's ``shop::order:snapshot``."""
    entity, colon, types = category.rpartition(":")
    return (entity, types.split("+")) if colon and not entity.endswith(":") else (category, [])


def _protean(metadata: object) -> tuple[dict[str, Any], str | None] | None:
    """What Protean says of a message and the message's own id; ``None`` where Protean did not write it.

    Old releases wrote the same facts flat into the metadata (``protean.md``, section 3).
    """
    if not isinstance(metadata, dict):
        return None
    domain, headers = metadata.get("domain"), metadata.get("headers")
    if isinstance(domain, dict) and isinstance(headers, dict):
        return domain, _text(headers.get("id"))
    if isinstance(metadata.get("fqn"), str):
        return metadata, _text(metadata.get("id"))
    return None


def _decoded(raw: bytes | None) -> dict[str, Any]:
    """The object in a JSON column; an empty one where there is none."""
    try:
        value = Codecs().decode(raw, "json").value
    except Undecodable:
        return {}
    return value if isinstance(value, dict) else {}


def _number(version: object) -> int | str | None:
    """Protean's version as a number: ``2``, ``"2"``, and ``"v2"`` of old data."""
    if isinstance(version, str) and (found := _VERSION.match(version)):
        return int(found.group(1))
    return version if type(version) is int else _text(version)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
