"""Marten (.NET) on Postgres, versions 3 to 9.

Format facts: ``src/Marten/Events/Schema/{EventsTable,StreamsTable,EventProgressionTable,EventBdataColumn}.cs`` and
``src/Marten/Events/Archiving/ArchiveStreamFunction.cs`` of JasperFx/marten at V9.29.0; see ``dialects/marten.md``.

``metadata`` is the members of ``headers`` and, under their column's name, the facts that the envelope has no field for:
``mt_dotnet_type``, ``user_name``, ``is_skipped``, ``tags``. Where a header has the name of one of these columns, all
headers stand under ``headers`` instead, so that neither hides the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Text, and_, cast, collate, func, or_, select

from esviewer.domain import Event
from esviewer.stores.codecs import Codecs
from esviewer.stores.connection import Connection
from esviewer.stores.dialects.base import Dialect, Fields, Follow, Found, match, spelled, store_name
from esviewer.stores.schema import Catalog, Table

_CORE = ("seq_id", "id", "stream_id", "version", "data", "type", "timestamp", "tenant_id", "mt_dotnet_type")
_LABELS = {
    "position": "seq_id",
    "stream": "stream_id",
    "version": "version",
    "type": "type",
    "recorded_at": "timestamp",
    "event_id": "id",
    "correlation_id": "correlation_id",
    "causation_id": "causation_id",
    "tenant": "tenant_id",
    "archived": "is_archived",
    "data": "data",
    "bdata": "bdata",
    "metadata": "headers",
}
_FACTS = ("mt_dotnet_type", "user_name", "is_skipped")
"""Columns that go to ``metadata``; ``tags`` too, in its text form."""
_BOOKKEEPING = frozenset({"HighWaterMark", "HighWaterAllocationFence", "HighWaterStuckGap"})
_TOMBSTONE = "tombstone"
_SCHEMA_VERSION = re.compile(r"_v(\d+)\Z")
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_HSTORE_PAIR = re.compile(rf"{_QUOTED}=>(?:NULL|{_QUOTED})")


class Marten(Dialect):
    name = "marten"
    title = "Marten"
    backends = frozenset({"postgresql"})
    payload = "any"  # bodies of opted-in types are binary (bdata, from 9.3)
    order = "by seq_id, drawn from a sequence when events are appended: a late commit may show up below the newest"
    identity = ("tenant", "stream")

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [table for table in catalog.tables if table.has(*_CORE)]
        return [self._found(catalog, log, len(logs)) for log in logs]

    def _found(self, catalog: Catalog, log: Table, count: int) -> Found:
        _, confidence, sentence = match(log, _CORE, ("is_archived",))
        evidence = [sentence]
        roles = {"events": log}
        for role, name, columns, meaning in (
            ("streams", "mt_streams", ("id", "type"), "the types of streams"),
            ("progression", "mt_event_progression", ("name", "last_seq_id"), "positions of projections"),
            ("skips", "mt_high_water_skips", ("starting_sequence", "ending_sequence"), "numbers that were given up"),
        ):
            table = catalog.sibling(log, name)
            if table is not None and table.has(*columns):
                may = "holds" if table.readable else "may not be read; it would tell"
                evidence.append(f"Table {table.full_name} {may} {meaning}.")
                if table.readable:
                    roles[role] = table
        if not log.has("is_archived"):
            evidence.append("Without column is_archived: written by version 3.")
        if log.has("bdata"):
            evidence.append("Column bdata is that of version 9.3 and later.")
        if "tenant_id" in log.primary_key:
            evidence.append("The primary key has tenant_id in it: each tenant counts its own seq_id.")
        name = store_name(catalog, log, count=count)
        return Found(self, name, roles, confidence, tuple(evidence), catalog.backend)

    def select(self, found: Found) -> Select[Any]:
        table = found.events
        columns: list[ColumnElement[Any]] = [c.label(f"key_{i}") for i, c in enumerate(self.key(found))]
        columns += [table.column(stored).label(label) for label, stored in _LABELS.items() if table.has(stored)]
        columns += [table.column(name).label(name) for name in _FACTS if table.has(name)]
        if table.has("tags"):
            # hstore, an extension's type whose oid differs between databases.
            columns.append(cast(table.column("tags"), Text).label("tags"))
        streams = found.tables.get("streams")
        if streams is None:
            return select(*columns)
        types, shared = _types(streams)
        same = [types.c.id == table.column("stream_id"), *(types.c[name] == table.column(name) for name in shared)]
        return select(*columns, types.c.type.label("category")).select_from(table.clause.outerjoin(types, and_(*same)))

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        table = found.events
        # UseTenantPartitionedEvents: one sequence a tenant, so seq_id repeats. Without any key nothing is promised.
        if "tenant_id" in table.primary_key or not table.primary_key:
            return (table.column("seq_id"), table.column("tenant_id"))
        return (table.column("seq_id"),)

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        """By id in any spelling, or by ``TENANT/ID`` where tenants use one id for streams of their own."""
        table = found.events
        declared = table.type_of("stream_id")
        condition = spelled(table.column("stream_id"), declared, stream)
        tenant, slash, rest = stream.partition("/")
        if not slash:
            return condition
        of_tenant = and_(table.column("tenant_id") == tenant, spelled(table.column("stream_id"), declared, rest))
        return or_(condition, of_tenant)

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        table = found.events
        tenant = collate(func.coalesce(table.column("tenant_id"), ""), "C")
        return (tenant, table.column("version"), table.column("seq_id"))

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return (event.tenant or "", event.version is None, event.version or 0, event.key)

    def expand(self, row: Fields, codecs: Codecs) -> Iterable[Fields]:
        binary = row.pop("bdata", None)
        if binary is not None:
            row["data"] = binary  # the column data is then only {}
        yield self.decoded(row, codecs)

    def complete(self, row: Fields) -> None:
        tombstone = row["type"] == _TOMBSTONE
        row["deleted"] = tombstone
        if not tombstone:
            suffix = _SCHEMA_VERSION.search(row["type"])
            row["schema_version"] = int(suffix[1]) if suffix else 1
        facts = {name: row[name] for name in _FACTS if row.get(name) is not None}
        if row.get("tags") is not None:
            facts["tags"] = _pairs(row["tags"])
        row["metadata"] = _merged(row.get("metadata"), facts)

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        table = found.tables.get("progression")
        if table is None:
            return []
        name, position = table.column("name"), table.column("last_seq_id")
        rows = connection.all(select(name, position).order_by(name))
        each = len(self.key(found)) > 1
        return [
            Follow(consumer, found.name, reached, found.name, tenant=_tenant(consumer) if each else None)
            for consumer, reached in rows
            if consumer.partition(":")[0] not in _BOOKKEEPING
        ]

    def skips(self, found: Found, connection: Connection) -> list[tuple[int, int]]:
        table = found.tables.get("skips")
        if table is None:
            return []
        first, last = table.column("starting_sequence"), table.column("ending_sequence")
        return [(int(low), int(high)) for low, high in connection.all(select(first, last).order_by(last))]


def _types(streams: Table) -> tuple[FromClause, tuple[str, ...]]:
    """One row a stream with its ``type``, and the columns besides ``id`` by which it is found.

    The id alone names a stream, under conjoined tenancy with tenant_id; where the primary key does not promise that
    (archive partitioning has is_archived in it, a copy may have none), rows are grouped, or events would multiply.
    """
    key = set(streams.primary_key)
    shared = ("tenant_id",) if streams.has("tenant_id") and ("tenant_id" in key or not key) else ()
    if key and key <= {"id", *shared}:
        return streams.clause, shared
    columns = [streams.column(name) for name in ("id", *shared)]
    grouped = select(*columns, func.max(streams.column("type")).label("type")).group_by(*columns)
    return grouped.subquery(), shared


def _tenant(consumer: str) -> str | None:
    """``Orders:All:acme`` → ``acme``: where tenants count for themselves, the name of a shard may end with one."""
    projection, *parts = consumer.split(":")
    shard = parts[1:] if parts and re.fullmatch(r"V\d+", parts[0]) else parts
    return ":".join(shard[1:]) if projection and len(shard) > 1 else None


def _merged(headers: object, facts: dict[str, object]) -> object:
    if headers is None:
        return facts or None
    if isinstance(headers, dict) and not headers.keys() & facts.keys():
        return headers | facts
    return {"headers": headers, **facts}


def _pairs(text: str) -> object:
    """The members of an hstore in its text form; the text itself where it is something else."""
    pairs: dict[str, str | None] = {}
    for pair in _HSTORE_PAIR.finditer(text):
        pairs[_unescaped(pair[1])] = None if pair[2] is None else _unescaped(pair[2])
    return pairs if pairs or not text else text


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
