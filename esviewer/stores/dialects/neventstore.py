"""NEventStore's SQL persistence (.NET) on Postgres and SQLite: one row is a commit that holds several events.

Format facts: ``src/NEventStore.Persistence.Sql/Sha1StreamIdHasher.cs`` and ``SqlDialects/{CommonSqlStatements,
PostgreSqlStatements,SqliteStatements}.resx`` of NEventStore/NEventStore.Persistence.SQL at 10.1.0,
``JsonSerializer.cs`` of NEventStore/NEventStore; see ``dialects/neventstore.md``.

- An event's key is (checkpoint number, place in the commit), its ``position`` the commit's checkpoint number.
- ``metadata`` is the commit's headers overlaid by the event's own: where both have a name, the event's value stands.
- ``raw`` is the event's own part of the payload, as JSON, where the commit could be read, else the whole payload.
- There is no event id; relations call an event ``COMMIT/PLACE``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CHAR,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    cast,
    collate,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.sql import FromClause

from esviewer.domain import Event, from_iso
from esviewer.stores.codecs import Codecs, Undecodable, json_text
from esviewer.stores.dialects.base import (
    Dialect,
    Fields,
    Found,
    Relations,
    as_uuid,
    distinct_values,
    match,
    spelled,
    store_name,
)
from esviewer.stores.schema import Catalog, Table

_CORE = (
    "BucketId",
    "StreamId",
    "StreamIdOriginal",
    "StreamRevision",
    "Items",
    "CommitId",
    "CommitSequence",
    "CommitStamp",
    "CheckpointNumber",
    "Headers",
    "Payload",
)
_LABELS = {
    "key_0": "CheckpointNumber",
    "position": "CheckpointNumber",
    "tenant": "BucketId",
    "stream": "StreamIdOriginal",
    "revision": "StreamRevision",
    "items": "Items",
    "transaction": "CommitId",
    "recorded_at": "CommitStamp",
    "headers": "Headers",
    "data": "Payload",
}
_TYPE = "$type"
_BINARY_FORMATTER = b"\x00\x01\x00\x00\x00\xff\xff\xff\xff"
"""SerializationHeaderRecord of MS-NRBF 2.6.1: record type 0, root id 1, header id -1."""


class NEventStore(Dialect):
    name = "neventstore"
    title = "NEventStore"
    backends = frozenset({"sqlite", "postgresql"})
    payload = "any"
    records_checkpoints = False
    category_from_first_event = True
    order = "by the commit's checkpoint number, then by place in the commit"
    identity = ("tenant", "stream")
    transactions: ClassVar[str | None] = "the events of one commit, which were saved at once"

    def find(self, catalog: Catalog) -> list[Found]:
        logs = [table for table in catalog.tables if table.has(*_CORE)]
        return [self._found(catalog, log, len(logs)) for log in logs]

    def _found(self, catalog: Catalog, log: Table, count: int) -> Found:
        _, confidence, sentence = match(log, _CORE)
        evidence = [sentence]
        roles = {"events": log}
        snapshots = catalog.sibling(log, "Snapshots")
        if snapshots is not None and snapshots.has("BucketId", "StreamId", "StreamRevision", "Payload"):
            evidence.append(f"Table {snapshots.full_name} holds snapshots.")
            if snapshots.readable:
                roles["snapshots"] = snapshots
        if log.has("Dispatched"):
            evidence.append("Column Dispatched is that of version 5 and earlier.")
        name = store_name(catalog, log, count=count)
        return Found(self, name, roles, confidence, tuple(evidence), catalog.backend)

    def select(self, found: Found) -> Select[Any]:
        return select(*(found.events.column(stored).label(label) for label, stored in _LABELS.items()))

    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        return (found.events.column("CheckpointNumber"),)

    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        """By name, or by ``BUCKET/NAME`` where buckets use one name for streams of their own."""
        return found.events.column("CheckpointNumber").in_(_commits_of(found.events, stream))

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        table = found.events
        # Byte order, as order_of_stream compares: a server's collation may order otherwise.
        bucket = collate(table.column("BucketId"), "C" if found.backend == "postgresql" else "BINARY")
        return (bucket, table.column("StreamRevision"), table.column("CheckpointNumber"))

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        return (event.tenant or "", event.version or 0, event.key)

    def expand(self, row: Fields, codecs: Codecs) -> Iterable[Fields]:
        items = int(row.pop("items"))
        first = int(row.pop("revision")) - items + 1
        raw, stored_headers = row.pop("data"), row.pop("headers")
        row["transaction"] = _guid(row["transaction"])
        if not isinstance(row["recorded_at"], int):
            row["recorded_at"] = from_iso(str(row["recorded_at"]))
        headers, notes = _headers(stored_headers, codecs)
        kind = (headers or {}).get("AggregateType")
        row["category"] = kind if isinstance(kind, str) else None
        for place, event in enumerate(_events(raw, items, headers, codecs)):
            event["notes"] = (*notes, *event.get("notes", ()))
            yield {**row, **event, "key": (row["key_0"], place), "version": first + place}

    def related(self, event: Event) -> Relations:
        own = None if event.transaction is None else f"{event.transaction}/{event.key[1]}"
        return Relations(own, event.causation_id, event.correlation_id, event.transaction)

    def snapshots(self, found: Found) -> Select[Any] | None:
        table = found.tables.get("snapshots")
        if table is None:
            return None
        commits = found.events.clause.alias("commits_of_stream")
        named = (
            select(_of(commits, found.events, "StreamIdOriginal"))
            .where(
                _of(commits, found.events, "BucketId") == table.column("BucketId"),
                _of(commits, found.events, "StreamId") == table.column("StreamId"),
            )
            .limit(1)
            .scalar_subquery()
            .correlate(table.clause)
        )
        return select(
            func.coalesce(named, table.column("StreamId")).label("stream"),
            table.column("StreamRevision").label("version"),
            table.column("Payload").label("data"),
        )

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        table, commits = found.tables["snapshots"], found.events.clause.alias("named_commits")
        bucket, hashed, number = (_of(commits, found.events, n) for n in ("BucketId", "StreamId", "CheckpointNumber"))
        named = select(bucket, hashed).where(number.in_(_commits_of(found.events, stream)))
        own = tuple_(table.column("BucketId"), table.column("StreamId")).in_(named)
        return or_(own, table.column("StreamId").in_(_hashes(table, stream)))

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        row["type"], row["state"] = _typed(row["state"])
        return row


def _of(place: FromClause, table: Table, name: str) -> ColumnElement[Any]:
    """A column of an alias of a table, by its name in any case."""
    return place.c[table.column(name).name]


def _commits_of(table: Table, stream: str) -> CompoundSelect[Any]:
    """The checkpoint numbers of a stream's commits.

    Only the hashed name has an index, with the bucket before it: so the buckets are found by leaping through that
    index. The name itself is looked for only if its hash is not there, which is so where another hasher was set.
    """
    parts = [*_lookup(table, stream, distinct_values(table, "BucketId"))]
    bucket, slash, name = stream.partition("/")
    if slash:
        parts += _lookup(table, name, bucket)
    return union_all(*parts)


def _lookup(table: Table, stream: str, bucket: str | Select[Any]) -> tuple[Select[Any], Select[Any]]:
    """A stream's commits by hash, and by name where no commit has that hash; in one bucket or in several."""
    by_hash, by_name, any_hash = (table.clause.alias() for _ in range(3))

    def within(place: FromClause) -> ColumnElement[bool]:
        column = _of(place, table, "BucketId")
        return column == bucket if isinstance(bucket, str) else column.in_(bucket)

    def hashed(place: FromClause) -> ColumnElement[bool]:
        return _of(place, table, "StreamId").in_(_hashes(table, stream))

    number = _of(by_name, table, "CheckpointNumber")
    same = spelled(_of(by_name, table, "StreamIdOriginal"), "text", stream)
    if isinstance(bucket, str):
        same = and_(same, within(by_name))
    is_hashed = exists(literal(1)).select_from(any_hash).where(within(any_hash), hashed(any_hash))
    # One row or none, to the left of an outer join: neither database then scans for a name whose hash is there.
    gate = select(literal(1).label("open")).where(~is_hashed).subquery()
    return (
        select(_of(by_hash, table, "CheckpointNumber")).where(within(by_hash), hashed(by_hash)),
        select(number).select_from(gate.outerjoin(by_name, same)),
    )


def _hashes(table: Table, stream: str) -> list[ColumnElement[Any]]:
    """What the default hasher makes of a name, in each spelling that it may have if it is a UUID."""
    identity = as_uuid(stream)
    names = {stream}
    if identity is not None:
        names |= {str(identity), identity.hex, str(identity).upper(), identity.hex.upper()}
    hashes = [literal(hashlib.sha1(name.encode()).hexdigest().upper()) for name in sorted(names)]
    if table.type_of("StreamId") == "character":
        # Compared with text, char(40) would be cast and its index be of no use.
        return [cast(value, CHAR(40)) for value in hashes]
    return [*hashes]


def _events(raw: Any, items: int, headers: dict[str, object] | None, codecs: Codecs) -> Iterator[Fields]:
    """``type``, ``data`` and ``metadata`` of each event of a commit; as many unreadable ones as the commit says."""
    raw = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    try:
        messages, notes = _messages(raw, codecs)
        if items and not messages:
            raise Undecodable("the payload holds no events")
    except Undecodable as reason:
        for _ in range(max(items, 1)):
            yield {"type": None, "data": None, "metadata": headers, "raw": raw, "undecodable": reason.reason}
        return
    if len(messages) != items:
        notes = (*notes, f"the commit says that it holds {items} events, and it holds {len(messages)}")
    for message in messages:
        own, body = _parts(message)
        kind, data = _typed(body)
        share = raw if len(messages) == 1 else json_text.dumps(message, sort_keys=False)
        metadata = headers if own is None else {**(headers or {}), **own}
        yield {"type": kind, "data": data, "metadata": metadata, "raw": share, "notes": notes}


def _messages(raw: bytes | None, codecs: Codecs) -> tuple[list[object], tuple[str, ...]]:
    """The list of event messages in a payload; raises Undecodable."""
    if raw is not None and raw.startswith(_BINARY_FORMATTER):
        raise Undecodable("serialized by .NET's BinaryFormatter, which only .NET can read")
    if raw is not None and raw[-1:] == b"\x00" and int.from_bytes(raw[:4], "little") == len(raw):
        # https://bsonspec.org/spec.html: a document begins with its length and ends with a zero.
        raise Undecodable("BSON, which is not read here")
    decoded = codecs.decode(raw, NEventStore.payload)
    value = decoded.value
    if isinstance(value, dict) and isinstance(value.get("$values"), list):
        value = value["$values"]  # Json.NET's form of a list whose type is written too
    if not isinstance(value, list):
        raise Undecodable(f"{decoded.encoding}, and not a list of event messages")
    return value, decoded.notes


def _parts(message: object) -> tuple[dict[str, object] | None, object]:
    """Headers and body of an event message; what has neither is taken as the body."""
    if not isinstance(message, dict):
        return None, message
    named = {str(name).lower(): value for name, value in message.items() if name != _TYPE}
    if not named.keys() & {"headers", "body"}:
        return None, message
    headers = named.get("headers")
    return (_without_type(headers) if isinstance(headers, dict) else None), named.get("body")


def _headers(stored: Any, codecs: Codecs) -> tuple[dict[str, object] | None, tuple[str, ...]]:
    """The headers of a commit, and notes if they cannot be read."""
    if stored is None:
        return None, ()
    try:
        decoded = codecs.decode(stored, NEventStore.payload)
    except Undecodable as reason:
        return None, (f"headers of the commit cannot be read: {reason.reason}",)
    if not isinstance(decoded.value, dict):
        return None, (f"headers of the commit are {decoded.encoding}, and no dictionary",)
    return _without_type(decoded.value), decoded.notes


def _typed(body: object) -> tuple[str | None, object]:
    """The .NET type that Json.NET wrote into an object, whole, and the object without it."""
    if not isinstance(body, dict) or not isinstance(body.get(_TYPE), str):
        return None, body
    return body[_TYPE], _without_type(body)


def _without_type(value: dict[str, object]) -> dict[str, object]:
    return {name: item for name, item in value.items() if name != _TYPE}


def _guid(value: object) -> str | None:
    """A commit id as dashed text. System.Data.SQLite writes a Guid as the 16 bytes of .NET's own order."""
    if value is None:
        return None
    if isinstance(value, bytes) and len(value) == 16:
        return str(UUID(bytes_le=value))
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    identity = as_uuid(text)
    return text if identity is None else str(identity)
