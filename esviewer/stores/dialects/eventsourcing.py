"""Python ``eventsourcing`` 9.x (and the alphas of 10) on SQLite and Postgres.

Format facts: ``eventsourcing/sqlite.py``, ``postgres.py``, ``persistence.py`` at 9.2.22, 9.5.6 and 10.0.0a7; see
``dialects/eventsourcing.md``. The SQLite position is the implicit ``rowid``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any

import numpy as np
import sqlalchemy
from orjson import dumps, loads
from sqlalchemy import ColumnElement, Select, func, literal_column, select

from esviewer.domain import Event, from_iso
from esviewer.stores.codecs import Codecs, Undecodable, json_text, tagged
from esviewer.stores.codecs.limits import MAX_DEPTH
from esviewer.stores.connection import Connection, Row
from esviewer.stores.dialects.base import Dialect, Fields, Follow, Found, Picked, PlainRows, match, spelled, store_name
from esviewer.stores.iso_times import micros_of
from esviewer.stores.schema import Catalog, Table

CORE = ("originator_id", "originator_version", "topic", "state")
"""Columns of events and of snapshots, whichever package made the tables."""
_SHARED = ("application_name", "pipeline_id")
"""Columns of tables that several applications share (eventsourcing_django, 8.x)."""
_PLAIN_LABELS = ("key_0", "position", "stream", "version", "type", "data")
_TYPE, _DATA = itemgetter("_type_"), itemgetter("_data_")
_MARK = tagged.MARK
_ENVELOPE = frozenset({"timestamp", "originator_id", "originator_version", "originator_topic", "class_version"})
"""Attributes of a state that are taken into the envelope."""
_SHORT = 2 * MAX_DEPTH
"""Bytes of a payload that cannot be nested deeper than is read."""
_REMEMBERED = 131_072
_DASHED: dict[str, str] = {}
"""Names of streams as they are shown, by what is stored: looking there costs half of a cached call."""
_WRAPPED_TIME = b'{"timestamp":{"_type_":"datetime_iso",'
_MIGRATION_MARK = "__migration__"
_HEX_32 = re.compile("[0-9a-fA-F]{32}").fullmatch


class EventSourcing(Dialect):
    name = "eventsourcing"
    title = "Python eventsourcing"
    backends = frozenset({"sqlite", "postgresql"})
    payload = "any"
    category_from_first_event = True
    has_python_classes = True
    order = "by notification id, in which the library commits"

    def find(self, catalog: Catalog) -> list[Found]:
        tables = [t for t in catalog.tables if t.has(*CORE) and not any(t.has(c) for c in _SHARED)]
        # All of them, whichever dialect reads them: a snapshot or tracking table belongs to one of them only.
        logs = [t for t in tables if _is_log(catalog, t)]
        count = sum(map(self._is_own, logs))
        return [self._found(catalog, log, logs, tables, count) for log in logs if self._is_own(log)]

    def _is_own(self, log: Table) -> bool:
        """Whether a table of events is of the library itself, not of eventsourcing_sqlalchemy."""
        return not log.has("id")

    def _needed(self, backend: str) -> tuple[str, ...]:
        """The columns that a table of events is recognised by."""
        return CORE if backend == "sqlite" else (*CORE, "notification_id")

    def _name(self, catalog: Catalog, log: Table, count: int) -> str:
        """The name of one of ``count`` stores."""
        return store_name(catalog, log, count=count, named=None if catalog.backend == "sqlite" else prefix_of(log))

    def _found(self, catalog: Catalog, log: Table, logs: list[Table], tables: list[Table], count: int) -> Found:
        _, _, sentence = match(log, self._needed(catalog.backend))
        evidence = [sentence]
        roles = {"events": log}
        snapshots = _snapshots(log, logs, tables)
        if snapshots is not None:
            roles["snapshots"] = snapshots
            evidence.append(f"Table {snapshots.full_name} holds snapshots.")
        for role, table in _tracking(catalog, log, logs).items():
            roles[role] = table
            evidence.append(f"Table {table.full_name} holds positions of consumers.")
        if log.has("event_id", "metadata"):
            evidence.append("Columns event_id and metadata are those of version 10.")
        return Found(self, self._name(catalog, log, count), roles, 1.0, tuple(evidence), catalog.backend)

    def unread(self, catalog: Catalog) -> list[str]:
        """Tagged events of dynamic consistency boundaries (``eventsourcing/dcb/postgres_tt.py`` at 9.5.6), and 8.x.

        The tables of 8.x: ``eventsourcing/infrastructure/sqlalchemy/records.py`` at 8.2.5.
        """
        old = [
            f"Table {table.full_name} holds events of Python eventsourcing 8, which are not read yet."
            for table in catalog.tables
            if table.has(*CORE, *_SHARED)
        ]
        return old + [
            f"Table {table.full_name} holds tagged events (DCB) of Python eventsourcing, which are not read yet."
            for table in catalog.tables
            if table.name.endswith("_tt_main")
            and table.has("id", "type", "data", "tags")
            and catalog.sibling(table, table.name.removesuffix("_main") + "_tag") is not None
        ]

    def select(self, found: Found) -> Select[Any]:
        table = found.events
        (position,) = self.key(found)
        columns: list[ColumnElement[Any]] = [
            position.label("key_0"),
            position.label("position"),
            table.column("originator_id").label("stream"),
            table.column("originator_version").label("version"),
            table.column("topic").label("type"),
            table.column("state").label("data"),
        ]
        columns += [table.column(name).label(name) for name in ("event_id", "metadata") if table.has(name)]
        return select(*columns)

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        if found.backend == "sqlite":
            return (literal_column("rowid", sqlalchemy.Integer),)
        return (found.events.column("notification_id"),)

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        return self._named(found.events, stream)

    def _named(self, table: Table, stream: str) -> ColumnElement[bool]:
        """The condition that a row is of a stream, whatever the spelling of its name."""
        return spelled(table.column("originator_id"), table.type_of("originator_id"), stream)

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return (found.events.column("originator_version"),)

    def complete(self, row: Fields) -> None:
        stream, version = _dashed(row["stream"]), row["version"]
        row["stream"] = stream
        row["category"] = _category(row["type"] or "")
        data = row["data"] = tagged.untag(row["data"])
        if not isinstance(data, dict):
            return
        # What the envelope holds is taken out of the payload (Mapper.to_stored_event puts it in).
        if "originator_id" in data and _is_same(data["originator_id"], stream):
            del data["originator_id"]
        if "originator_version" in data and _is_same(data["originator_version"], version):
            del data["originator_version"]
        # What is not of the kind that the library writes stays where it is.
        written = data.get("timestamp")
        if isinstance(written, str) and (time := from_iso(written)) is not None:
            row["recorded_at"] = time
            del data["timestamp"]
        if "originator_topic" in data and isinstance(data["originator_topic"], str):
            row["category"] = data.pop("originator_topic")
        if not found_in_ten(row):
            if "class_version" not in data:
                row["schema_version"] = 1
            else:
                row["schema_version"] = data.pop("class_version") if _is_version(data["class_version"]) else None
        metadata = row.get("metadata")
        if isinstance(metadata, dict):
            row["correlation_id"] = _text(metadata.get("correlation_id"))
            row["causation_id"] = _text(metadata.get("causation_id"))

    def light(self, labels: tuple[str, ...]) -> Callable[[Row], Fields | None] | None:
        if labels != _PLAIN_LABELS:
            return None
        return partial(_light, defaultdict(tagged.Wrapped))

    def picking(
        self, labels: tuple[str, ...], names: frozenset[str], has_time: bool
    ) -> Callable[[Row], Picked | None] | None:
        if labels != _PLAIN_LABELS or not names.isdisjoint(_ENVELOPE):
            return None
        return _picker(tuple(names), has_time)

    def python_data(self, row: Fields, codecs: Codecs) -> Any:
        data, raw = row["data"], row["raw"]
        if not data or raw is None or data.__class__ not in (dict, list, str):
            return data
        try:
            if raw[:1] != b"{":
                raw = codecs.opened(raw)
            # One value is wrapped in nearly every payload: the time, which is in the envelope.
            marks = raw.count(tagged.MARK)
            if not marks or (marks == 1 and raw.startswith(_WRAPPED_TIME) and row.get("recorded_at") is not None):
                return data
            value = json_text.loads(raw)[0]
        except (ValueError, Undecodable):
            return data
        if not isinstance(value, dict) or not isinstance(data, dict):
            return tagged.python_values(value)
        return {name: tagged.python_values(value[name]) for name in data}

    def plain(self, rows: Sequence[Row], labels: tuple[str, ...]) -> PlainRows | None:
        """Rows of version 9 whose states are JSON objects with a time as the library writes it."""
        if labels != _PLAIN_LABELS:
            return None
        _, positions, streams, versions, types, states = zip(*rows, strict=True)
        if set(map(type, states)) != {bytes} or {*map(type, positions), *map(type, versions)} != {int}:
            return None
        spelling = self._spelling(streams)
        if spelling is None or not all(isinstance(name, str) for name in set(types)):
            return None
        try:
            # Every payload is read, so that one that cannot be is counted; orjson refuses what is in doubt.
            written = [loads(state)["timestamp"] for state in states]
            if set(map(len, written)) != {2} or set(map(_TYPE, written)) != {"datetime_iso"} or _may_be_deep(states):
                return None
            times = micros_of(list(map(_DATA, written)))
        except (ValueError, TypeError, KeyError):
            return None
        if times is None:
            return None

        def category(number: int) -> str | None:
            topic = loads(states[number]).get("originator_topic")
            return topic if isinstance(topic, str) else _category(types[number])

        places, counts = np.array(positions, np.int64), np.array(versions, np.int64)
        return PlainRows(places, streams, spelling, category, counts, types, times, states)

    def _spelling(self, streams: Sequence[Any]) -> Callable[[Any], str] | None:
        """What gives stored ids as :meth:`complete` does, ``None`` where some are of another kind."""
        return dashed_text if set(map(type, streams)) == {str} else None

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return (event.version or 0, event.key)

    def snapshots(self, found: Found) -> Select[Any] | None:
        table = found.tables.get("snapshots")
        if table is None:
            return None
        return select(
            table.column("originator_id").label("stream"),
            table.column("originator_version").label("version"),
            table.column("topic").label("type"),
            table.column("state").label("data"),
        )

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        return self._named(found.tables["snapshots"], stream)

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        row["stream"] = _dashed(row["stream"])
        state = tagged.untag(row["state"])
        if isinstance(state, dict):
            row["recorded_at"] = _time(state.get("timestamp"))
            state = state.get("state", state)
        row["state"] = state
        return row

    def application(self, found: Found) -> str:
        """The name of the application whose events these are, as far as file and tables tell it."""
        return found.name if found.backend == "sqlite" else prefix_of(found.events)

    def channel(self, found: Found) -> str | None:
        # channel_name of PostgresApplicationRecorder, eventsourcing/postgres.py at 9.4 and later.
        return found.events.name.replace(".", "_") if found.backend == "postgresql" else None

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        result = []
        for role, table in found.tables.items():
            if not role.startswith("tracking:") or not table.readable:
                continue
            consumer = role.removeprefix("tracking:")
            name, position = table.column("application_name"), table.column("notification_id")
            # Up to 9.4.2 one row for each processed notification; the newest counts.
            rows = connection.all(select(name, func.max(position)).group_by(name).order_by(name))
            for upstream, reached in rows:
                if upstream != _MIGRATION_MARK:
                    result.append(Follow(consumer, upstream, reached, _followed(found, stores, upstream)))
        return result


def _light(wrapped: defaultdict[str, tagged.Wrapped], row: Row) -> Fields | None:
    """The fields of a row of version 9 whose state is as the library writes it."""
    _, position, stream, version, topic, state = row
    if state.__class__ is not bytes or stream.__class__ is not str or version.__class__ is not int:
        return None
    try:
        data = loads(state)
        # As in json_text: what is written back the same was read without loss.
        if dumps(data) != state or topic.__class__ is not str:
            return None
        written = data.pop("timestamp")
        time = written["_data_"]
        if written["_type_"] != "datetime_iso" or len(written) != 2 or not time.endswith("+00:00"):
            return None
        datetime.fromisoformat(time)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if "originator_topic" in data and data.pop("originator_topic").__class__ is not str:
        return None
    if "class_version" in data and not _is_version(data.pop("class_version")):
        return None
    if "originator_id" in data or "originator_version" in data:
        return None
    # One value is wrapped in nearly every state: the time.
    marks = state.count(_MARK)
    if marks > 1:
        wrapped[topic].unwrap(data, marks - 1)
    dashed = stream if len(stream) != 32 else _dashed_32(stream)
    return {"position": position, "stream": dashed, "version": version, "type": topic, "data": data}


def _picker(names: tuple[str, ...], has_time: bool) -> Callable[[Row], Picked | None]:
    """Stream, payload and time of a row of version 9, of which only these attributes are looked at.

    What orjson may have bent is a float; what is read and holds none is exact.
    """
    dashed = _DASHED

    def pick(row: Row) -> Picked | None:
        _, _, stream, version, _, state = row
        try:
            data = loads(state)
        except (ValueError, TypeError):
            return None
        if data.__class__ is not dict or version.__class__ is not int:
            return None
        if len(state) > _SHORT and _may_be_deep((state,)):
            return None
        for name in names:
            item = data.get(name)
            kind = item.__class__
            if kind is str or kind is int or item is None:
                continue
            if kind is dict:
                text, tag = item.get("_data_"), item.get("_type_")
                if text.__class__ is str and tag.__class__ is str and len(item) == 2:
                    # The commonest kind at once, as in tagged.untag.
                    if tag == "decimal_str":
                        try:
                            data[name] = Decimal(text)
                        except InvalidOperation:
                            data[name] = text
                    else:
                        data[name] = tagged.python_values(item)
                    continue
            if kind is float or (kind is not bool and not _unwrapped(item)):
                return None
        shown = dashed.get(stream)
        if shown is None:
            if stream.__class__ is not str:
                return None
            if len(dashed) > _REMEMBERED:
                dashed.clear()
            shown = dashed[stream] = dashed_text(stream)
        if not has_time:
            return shown, data, None
        time = _written_time(data.get("timestamp"))
        return None if time is None else (shown, data, {"recorded_at": time})

    return pick


def _unwrapped(value: Any) -> bool:
    """Unwraps what is in an object or list, in place, as ``tagged.python_values``; false where there is a float."""
    for key, item in value.items() if value.__class__ is dict else enumerate(value):
        kind = item.__class__
        if kind is str or kind is int or item is None:
            continue
        if kind is dict and len(item) == 2 and item.get("_data_").__class__ is str is item.get("_type_").__class__:
            value[key] = tagged.python_values(item)
        elif kind is float or (kind is not bool and not _unwrapped(item)):
            return False
    return True


def _written_time(written: Any) -> datetime | None:
    """A time as the library writes it, in UTC to the second or microsecond; ``None`` for any other."""
    if written.__class__ is not dict or len(written) != 2 or written.get("_type_") != "datetime_iso":
        return None
    text = written.get("_data_")
    if text.__class__ is not str or len(text) not in (25, 32) or not text.endswith("+00:00"):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _may_be_deep(states: Sequence[bytes]) -> bool:
    """Whether a payload could be nested deeper than is read: no short one is, and a long one only if it says so."""
    if max(map(len, states)) <= 2 * MAX_DEPTH:
        return False
    return any(state.count(b"{") + state.count(b"[") > MAX_DEPTH for state in states if len(state) > 2 * MAX_DEPTH)


def found_in_ten(row: Fields) -> bool:
    """Whether the row is one of version 10, which writes no ``class_version``."""
    return "event_id" in row


def _is_log(catalog: Catalog, table: Table) -> bool:
    """Whether a table with the core columns holds events, not snapshots."""
    if table.has("id"):
        # eventsourcing_sqlalchemy, whose tables of snapshots have none.
        return not table.has("notification_id")
    if catalog.backend == "sqlite":
        # Binary ids are those of snapshots by eventsourcing_sqlalchemy, whatever the table is called.
        is_binary = table.type_of("originator_id").startswith("binary")
        return not table.without_rowid and not is_binary and not table.name.endswith("_snapshots")
    return table.has("notification_id")


def prefix_of(log: Table) -> str:
    return log.name.removesuffix("_events")


def _snapshots(log: Table, logs: list[Table], tables: list[Table]) -> Table | None:
    """The snapshots of a log: the table with its prefix, or the only one beside an only log whatever it is called."""
    beside = [table for table in tables if table.schema == log.schema and table not in logs]
    named = [table for table in beside if table.name == f"{prefix_of(log)}_snapshots"]
    if named:
        return named[0]
    alone = len([other for other in logs if other.schema == log.schema]) == 1 and len(beside) == 1
    return beside[0] if alone else None


def _tracking(catalog: Catalog, log: Table, logs: list[Table]) -> dict[str, Table]:
    """Tracking tables that belong to a log, by role ``tracking:CONSUMER``.

    A process application's table carries its name; what carries no log's name goes to the first log of the schema.
    """
    beside = [other for other in logs if other.schema == log.schema]
    prefixes = {prefix_of(other) for other in beside}
    roles: dict[str, Table] = {}
    for table in catalog.beside(log):
        if table.lower != {"application_name", "notification_id"} or table.name.startswith(("old1_", "bkup1_")):
            continue
        consumer = table.name.removesuffix("_tracking")
        owner = consumer if consumer in prefixes else prefix_of(beside[0])
        if owner == prefix_of(log):
            shown = catalog.file_stem if catalog.backend == "sqlite" and table.name == "tracking" else consumer
            roles[f"tracking:{shown}"] = table
    return roles


def _followed(found: Found, stores: Sequence[Found], upstream: str) -> str | None:
    """Name of the store of an upstream application, if it is in this database."""
    for other in stores:
        if not isinstance(other.dialect, EventSourcing) or other.events.schema != found.events.schema:
            continue
        if other.dialect.application(other).lower() == upstream.lower():
            return other.name
    return None


def _dashed(stream: str | None) -> str | None:
    return None if stream is None else dashed_text(stream)


def dashed_text(stream: str) -> str:
    return stream if len(stream) != 32 else _dashed_32(stream)


@lru_cache(maxsize=131_072)
def _dashed_32(stream: str) -> str:
    if not _HEX_32(stream):
        return stream
    text = stream.lower()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@lru_cache(maxsize=1_024)
def _category(topic: str) -> str | None:
    """``school:Dog.Registered`` → ``school:Dog``; ``None`` where the topic names no class inside another."""
    module, colon, qualified = topic.partition(":")
    owner, dot, _ = qualified.rpartition(".")
    return f"{module}:{owner}" if colon and dot else None


def _is_same(value: object, column: object) -> bool:
    """Whether a payload repeats what a column holds; uuids are dashed in one and not in the other."""
    if isinstance(value, str) and isinstance(column, str):
        return value.replace("-", "").lower() == column.replace("-", "").lower()
    return value == column


def _time(value: object) -> int | None:
    return from_iso(value) if isinstance(value, str) else None


def _is_version(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json_text.dumps(value).decode()
