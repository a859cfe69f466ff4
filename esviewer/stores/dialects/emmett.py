"""Emmett (TypeScript) on Postgres and SQLite, 0.12 to the betas of 0.43, and what has its columns elsewhere.

Format facts: ``src/packages/emmett-postgresql/src/eventStore/schema/*.ts`` and ``emmett-sqlite`` of
event-driven-io/emmett at 0.38 to 0.42; see ``dialects/emmett.md``. ``message_schema_version`` is no schema version (on
SQLite it is the expected stream version of the append) and is left alone. ``@wataruoguchi/emmett-event-store-kysely``
has the same columns in tables of other names, without transactions (``other_node.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, cast, or_, select
from sqlalchemy.types import Text, UserDefinedType

from esviewer.domain import Event
from esviewer.stores.connection import Connection
from esviewer.stores.dialects.base import Dialect, Fields, Follow, Found, match, store_name
from esviewer.stores.schema import Catalog, Table

_MESSAGES = ("stream_id", "stream_position", "message_type", "message_data", "global_position")
_EVENTS = ("stream_id", "stream_position", "event_type", "event_data", "global_position")
_OPTIONAL = ("partition", "is_archived", "created")
_OWN_NAMES = ("emt_messages", "emt_events")
_PROCESSORS = ("processor_id", "last_processed_checkpoint")
_SUBSCRIPTIONS = ("subscription_id", "last_processed_position")
_CHECKPOINTS = (
    ("emt_processors", *_PROCESSORS),
    # Kept beside the processors, with the same contents, until it is cleaned away (migration 0.42.0).
    ("emt_subscriptions", *_SUBSCRIPTIONS),
    ("subscriptions", *_SUBSCRIPTIONS),
)


class _Xid8(UserDefinedType[int]):
    """Postgres' 64-bit transaction id; compared as such, given as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "xid8"


class Emmett(Dialect):
    name = "emmett"
    title = "Emmett"
    backends = frozenset({"sqlite", "postgresql"})
    payload = "json"
    order = "by transaction where it is recorded, then by global position, as the library reads"
    identity = ("tenant", "stream")
    transactions = "the messages of one append"

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [t for t in catalog.tables if t.has(*_MESSAGES) or t.has(*_EVENTS)]
        return [self._found(catalog, log, len(logs)) for log in logs]

    def _found(self, catalog: Catalog, log: Table, count: int) -> Found:
        prefix = "message" if log.has(*_MESSAGES) else "event"
        required = _MESSAGES if prefix == "message" else _EVENTS
        _, confidence, sentence = match(log, required, (*_OPTIONAL, f"{prefix}_id", f"{prefix}_metadata"))
        evidence = [sentence]
        if prefix == "event":
            evidence.append("Columns named event_… are those of 0.31 and before.")
        if log.name.lower() not in _OWN_NAMES:
            confidence = round(confidence * 0.9, 3)
            evidence.append(f"Emmett itself would call it {_OWN_NAMES[0]}.")
        roles, options = {"events": log}, {"prefix": prefix}
        for name, consumer, reached in _CHECKPOINTS:
            table = catalog.sibling(log, name)
            if table is not None and table.has(consumer, reached) and table.readable:
                roles["checkpoints"] = table
                options |= {"consumer": consumer, "reached": reached}
                evidence.append(f"Table {table.full_name} holds positions of processors.")
                break
        name = store_name(catalog, log, count=count)
        return Found(self, name, roles, confidence, tuple(evidence), catalog.backend, options)

    def select(self, found: Found) -> Select[Any]:
        table, prefix = found.events, found.options["prefix"]
        columns: list[ColumnElement[Any]] = [
            *(column.label(f"key_{i}") for i, column in enumerate(self.key(found))),
            table.column("global_position").label("position"),
            table.column("stream_id").label("stream"),
            table.column("stream_position").label("version"),
            table.column(f"{prefix}_type").label("type"),
            table.column(f"{prefix}_data").label("data"),
        ]
        for label, name in (
            ("recorded_at", "created"),
            ("event_id", f"{prefix}_id"),
            ("metadata", f"{prefix}_metadata"),
            ("tenant", "partition"),
            ("archived", "is_archived"),
        ):
            if table.has(name):
                columns.append(table.column(name).label(label))
        if table.has("transaction_id"):
            columns.append(cast(table.column("transaction_id"), Text).label("transaction"))
        return select(*columns)

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        position = found.events.column("global_position")
        # A sequence number is drawn before the commit: the library reads by transaction, then by number.
        return (found.events.column("transaction_id"), position) if found.events.has("transaction_id") else (position,)

    def stored_key(self, key: Sequence[Any], found: Found) -> tuple[Any, ...]:
        if found.events.type_of("transaction_id") != "xid8":
            return tuple(key)
        return (cast(cast(str(key[0]), Text), _Xid8()), *key[1:])

    def position(self, found: Found) -> ColumnElement[Any] | None:
        # Not the first of the key: a bound on it filters, and the order stays that of the transactions.
        return found.events.column("global_position")

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        """By name, or by ``PARTITION/NAME`` where partitions use one name for streams of their own."""
        table = found.events
        condition: ColumnElement[bool] = table.column("stream_id") == stream
        partition, slash, rest = stream.partition("/")
        if not slash or not table.has("partition"):
            return condition
        return or_(condition, and_(table.column("partition") == partition, table.column("stream_id") == rest))

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        table = found.events
        first = (table.column("partition"),) if table.has("partition") else ()
        return (*first, table.column("stream_position"), table.column("global_position"))

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return (event.tenant or "", event.version or 0, event.position)

    def complete(self, row: Fields) -> None:
        first, dash, _ = (row["stream"] or "").partition("-")
        # As the library derives the stream's type (appendToStream.ts).
        row["category"] = first if dash and first else "emt:unknown"
        metadata = row.get("metadata")
        if isinstance(metadata, dict):
            row["correlation_id"] = _text(metadata.get("correlationId"))
            row["causation_id"] = _text(metadata.get("causationId"))

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        table = found.tables.get("checkpoints")
        if table is None:
            return []
        names, reached = table.column(found.options["consumer"]), table.column(found.options["reached"])
        rows = connection.all(select(names, cast(reached, Text)).order_by(names))
        return [Follow(name, found.name, _position(checkpoint), found.name) for name, checkpoint in rows]


def _position(checkpoint: str | None) -> int | None:
    """The position in a checkpoint: zero-padded digits, behind ``transaction:`` from 0.43 on."""
    digits = (checkpoint or "").rsplit(":", 1)[-1].strip()
    return int(digits) if digits.isdecimal() else None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
