"""What a dialect says about a framework's tables; everything that dialects share is in the reader.

A dialect is data: how its tables are recognised, and one ``select`` whose labelled columns are the envelope. Labels
that are fields of :class:`~esviewer.domain.Event` are taken as they are; ``data`` and ``metadata`` are decoded;
``key_0``, ``key_1``, … are the paging key. Other labels are for the dialect's own :meth:`Dialect.complete`.
"""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, FromClause, Select, false, func, select

from esviewer.domain import Event, from_iso
from esviewer.stores.codecs import Codecs, Undecodable, json_text
from esviewer.stores.connection import Connection, Row, TornText
from esviewer.stores.schema import Catalog, Table

Picked: TypeAlias = tuple[str, dict[str, Any], dict[str, Any] | None]
Fields: TypeAlias = dict[str, Any]
"""One row as read, by label; then, after :meth:`Dialect.complete`, the fields of one event."""


@dataclass(frozen=True)
class Found:
    """One event store that was recognised in a database.

    ``tables`` names the tables by role (``events``, ``snapshots``, ``streams``, …). ``confidence`` is 0 to 1 and
    ``evidence`` says in sentences what it rests on. ``options`` holds what the dialect learned about this store.
    """

    dialect: Dialect
    name: str
    tables: Mapping[str, Table]
    confidence: float
    evidence: tuple[str, ...]
    backend: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def events(self) -> Table:
        return self.tables["events"]


@dataclass(frozen=True, slots=True)
class Follow:
    """What a store says about a consumer: the position it has reached in what it follows.

    ``followed`` is the name of the followed store in this database, ``None`` if it is not here. ``category`` is given
    where a consumer follows one category only, ``tenant`` where it follows one tenant only.
    """

    consumer: str
    upstream: str | None
    position: int | str | None
    followed: str | None
    category: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PlainRows:
    """Rows whose envelope is plain to see, as columns of one length; times are µs.

    ``streams`` are names as stored, whatever their spelling and type, and ``spelled`` gives the spelling of the
    contract; ``category`` gives the category of a row's stream, if the row is its first. ``tenants`` are given where
    tenant and stream together name one.
    """

    positions: NDArray[np.int64]
    streams: Sequence[Any]
    spelled: Callable[[Any], str]
    category: Callable[[int], str | None]
    versions: NDArray[np.int64]
    types: Sequence[str]
    times: NDArray[np.int64]
    raws: Sequence[bytes]
    tenants: Sequence[str] | None = None


class Dialect(ABC):
    """How one framework stores events. One instance serves all stores of its kind; it keeps nothing."""

    name: ClassVar[str]
    title: ClassVar[str]
    backends: ClassVar[frozenset[str]]
    payload: ClassVar[Literal["any", "json", "yaml"]] = "json"
    records_checkpoints: ClassVar[bool] = True
    """Whether the framework keeps consumers' positions in the database at all."""
    category_from_first_event: ClassVar[bool] = False
    """Whether the category of a stream is what :meth:`complete` gives for its first event, for all its events."""
    has_python_classes: ClassVar[bool] = False
    """Whether events are those of aggregate classes of Python's eventsourcing, which can fold them."""
    order: ClassVar[str]
    """One phrase for people: what the order of events rests on."""
    identity: ClassVar[tuple[str, ...]] = ("stream",)
    """Fields that together name one stream."""
    transactions: ClassVar[str | None] = None
    """One phrase on what ``transaction`` groups, ``None`` if the framework does not record it."""

    @abstractmethod
    def find(self, catalog: Catalog) -> list[Found]:
        """The stores of this framework in a database; must survive missing siblings and unreadable tables."""

    def unread(self, catalog: Catalog) -> list[str]:
        """One sentence for each group of tables that is recognised and not read yet."""
        return []

    @abstractmethod
    def select(self, found: Found) -> Select[Any]:
        """Every event with labelled columns, without order, filter or limit."""

    def ordered(
        self,
        found: Found,
        statement: Select[Any],
        order: Sequence[ColumnElement[Any]],
        *,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Select[Any]:
        """Rows of :meth:`select` in an order, the first ``limit`` of them: what is sent for one page.

        A hook for what is better looked up for all rows of a page at once.
        """
        return statement.order_by(*(column.desc() if reverse else column for column in order)).limit(limit)

    @abstractmethod
    def key(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        """The columns of the paging key, which is unique and orders the store; labels ``key_0``, … in the select."""

    @abstractmethod
    def of_stream(self, found: Found, stream: str) -> ColumnElement[bool]:
        """The condition for events of a stream, whatever the spelling of its name."""

    def of_same_stream(self, found: Found, row: Fields) -> ColumnElement[bool]:
        """The condition for events of the very stream of an event of :meth:`expand`.

        To be narrowed where :attr:`identity` is more than the name and :attr:`category_from_first_event` is set.
        """
        return self.of_stream(found, row["stream"])

    def stream_order(self, found: Found) -> tuple[ColumnElement[Any], ...]:
        """How the events of one stream are ordered; by the store's order unless the dialect knows better."""
        return self.key(found)

    def order_in(self, found: Found, stream: str) -> tuple[ColumnElement[Any], ...]:
        """How the events of this stream are ordered, where that depends on which stream they are looked at in."""
        return self.stream_order(found)

    def position(self, found: Found) -> ColumnElement[Any] | None:
        """The column behind ``position`` where it is one integer that grows with the store's order, else ``None``."""
        return self.key(found)[0]

    def stored_key(self, key: Sequence[Any], found: Found) -> tuple[Any, ...]:
        """The key as values for a comparison with :meth:`key`'s columns."""
        return tuple(key)

    def order_of_stream(self, event: Event) -> tuple[Any, ...]:
        """Sorts the events of one stream as :meth:`stream_order` does, once they are read."""
        return (event.version is None, event.version or 0, event.key)

    def hint(self, row: Fields, label: str) -> Literal["any", "json", "yaml"]:
        """How ``data`` or ``metadata`` of a row is to be decoded, where that differs from store to store."""
        return self.payload

    def plain(self, rows: Sequence[Row], labels: tuple[str, ...]) -> PlainRows | None:
        """Rows of :meth:`select` as the index's columns by a shorter way than :meth:`expand`, or ``None``.

        To be given only where :meth:`expand` would make one decodable event with these very values of each row, whose
        key is its position, and which is tied to no other event; ``None`` sends the rows the long way.
        """
        return None

    def expand(self, row: Fields, codecs: Codecs) -> Iterable[Fields]:
        """The events of one row as fields of the envelope; decodes ``data`` and ``metadata``."""
        return (self.decoded(row, codecs),)

    def decoded(self, row: Fields, codecs: Codecs) -> Fields:
        """The row with ``data``, ``metadata`` and the time decoded, and completed by the dialect."""
        notes = _regular(row)
        raw: Any = row.get("data")
        if raw.__class__ is not bytes:
            raw = _bytes(raw)
        row["raw"] = raw
        try:
            row["data"], told = self._payload(row, raw, codecs)
        except Undecodable as reason:
            row["data"] = None
            row["undecodable"] = str(reason.reason)
        else:
            notes += told
        row["notes"] = notes
        if row.get("metadata") is not None:
            row["metadata"] = self._metadata(row, codecs)
        time = row.get("recorded_at")
        if time.__class__ is not int and isinstance(time, str):
            row["recorded_at"] = from_iso(time)
        if row.get("deleted") is not None:
            row["deleted"] = bool(row["deleted"])
        if row.get("archived") is not None:
            row["archived"] = bool(row["archived"])
        self.complete(row)
        return row

    def _payload(self, row: Fields, raw: bytes | None, codecs: Codecs) -> tuple[object, tuple[str, ...]]:
        """A payload's value and notes; raises :class:`Undecodable`."""
        if raw is not None and raw[:1] == b"{":
            # What begins so is first tried as JSON whatever the hint says: the short way for nearly all payloads.
            try:
                return json_text.loads(raw)
            except ValueError:
                pass
        decoded = codecs.decode(raw, self.hint(row, "data"))
        return decoded.value, decoded.notes

    def _metadata(self, row: Fields, codecs: Codecs) -> object:
        try:
            return codecs.decode(row["metadata"], self.hint(row, "metadata")).value
        except Undecodable as reason:
            row["notes"] = (*row.get("notes", ()), f"metadata cannot be read: {reason.reason}")
            return None

    def complete(self, row: Fields) -> None:
        """Fills in the fields that only this dialect can tell, in place. ``row["data"]`` is decoded already."""

    def light(self, labels: tuple[str, ...]) -> Callable[[Row], Fields | None] | None:
        """A short way from a row of :meth:`select` to what code mostly asks of an event.

        It gives ``position stream version type`` and ``data`` as :meth:`python_data` does, where :meth:`expand` would
        make one decodable event of the row, with these very values; ``None`` sends the row the long way.
        """
        return None

    def picking(
        self, labels: tuple[str, ...], names: frozenset[str], has_time: bool
    ) -> Callable[[Row], Picked | None] | None:
        """As :meth:`light`, for code that reads only these attributes of the payload, and the time or not.

        It gives the stream, the payload, of which only these attributes are as :meth:`python_data` has them and the
        others whatever they may be, and ``recorded_at`` as a ``datetime`` where that is asked for.
        """
        return None

    def python_data(self, row: Fields, codecs: Codecs) -> Any:
        """The payload of an event of :meth:`expand` as code wants it: Python's own values where some are wrapped."""
        return row["data"]

    def snapshots(self, found: Found) -> Select[Any] | None:
        """Stored snapshots with labels ``stream version recorded_at type data``, ``None`` if there are none."""
        return None

    def snapshot_fields(self, found: Found, row: Fields) -> Fields:
        """The fields of a snapshot, from its row with ``state`` decoded; hook for wrapped states."""
        return row

    def snapshots_of(self, found: Found, stream: str) -> ColumnElement[bool]:
        """The condition for a stream's snapshots in :meth:`snapshots`."""
        return false()

    def follows(self, found: Found, stores: Sequence[Found], connection: Connection) -> list[Follow] | None:
        """The consumers that this store's tables record; ``None`` where the framework records none."""
        return [] if self.records_checkpoints else None

    def numbers_rows_itself(self, found: Found) -> bool:
        """Whether positions are SQLite's implicit row numbers: a save that is rolled back leaves no hole in them."""
        return found.backend == "sqlite" and str(self.key(found)[0]) == "rowid"

    def skips(self, found: Found, connection: Connection) -> list[tuple[int, int]]:
        """Ranges of positions that the framework records as given up, both ends included."""
        return []

    def channel(self, found: Found) -> str | None:
        """The channel of Postgres that the framework notifies when it has saved events; ``None`` if it does not."""
        return None

    def related(self, event: Event) -> Relations:
        """What the store itself records about an event's cause and company."""
        return Relations(event.event_id, event.causation_id, event.correlation_id, event.transaction)


@dataclass(frozen=True, slots=True)
class Relations:
    """How an event is tied to others: its own name, the name of its cause, its conversation and its transaction.

    ``own`` is in the same terms as other events' ``cause`` (an event id; stream and position for Message DB).
    """

    own: str | None
    cause: str | None
    correlation: str | None
    transaction: str | None


def match(table: Table, required: Iterable[str], optional: Iterable[str] = ()) -> tuple[bool, float, str]:
    """Whether a table has all required columns, with a confidence and a sentence as evidence."""
    needed, extra = tuple(required), tuple(optional)
    if not table.has(*needed):
        return False, 0.0, ""
    present = [name for name in extra if table.has(name)]
    confidence = 0.9 + 0.1 * (len(present) / len(extra) if extra else 1.0)
    total, got = len(needed) + len(extra), len(needed) + len(present)
    return True, round(confidence, 3), f"{got} of {total} columns of table {table.full_name} match."


def store_name(catalog: Catalog, table: Table, *, count: int, named: str | None = None) -> str:
    """The store's name by the contract.

    SQLite: the file's stem where the file holds one store, else the table. Postgres: the schema, with ``named`` (the
    table less ``_events``) where the framework names its tables; then without the schema if that is ``public``.
    """
    if catalog.backend == "sqlite":
        return catalog.file_stem if count == 1 else table.name
    if named is None:
        return table.schema or "public"
    return named if table.schema in (None, "public") else f"{table.schema}.{named}"


def distinct_values(table: Table, name: str, **where: Any) -> Select[Any]:
    """All values of a column but NULL, in rows where other columns have the values of ``where``.

    In as many steps as there are values, through an index that begins with the columns of ``where`` and then this one
    (PostgreSQL wiki, "Loose indexscan").
    """
    first, later = table.clause.alias(), table.clause.alias()

    def least(rows: FromClause) -> Select[Any]:
        same = [rows.c[table.column(other).name] == value for other, value in where.items()]
        return select(func.min(rows.c[table.column(name).name]).label("value")).where(*same)

    found = least(first).cte("leaps", recursive=True)
    beyond = later.c[table.column(name).name] > found.c.value
    following = least(later).where(beyond).scalar_subquery().correlate(found)
    found = found.union_all(select(following).where(found.c.value.is_not(None)))
    return select(found.c.value).where(found.c.value.is_not(None))


def as_uuid(text: str) -> uuid.UUID | None:
    """The UUID that a text spells: dashed, 32 digits, braces, ``urn:uuid:``; ``None`` if it is none."""
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None


def spelled(column: ColumnElement[Any], declared: str, text: str) -> ColumnElement[bool]:
    """The condition that a stream column holds ``text`` in any spelling that its type allows."""
    identity = as_uuid(text)
    if declared == "uuid":
        return column == identity if identity is not None else false()
    if identity is None:
        return column == text
    forms = {text, str(identity), identity.hex, str(identity).upper(), identity.hex.upper()}
    return column.in_(sorted(forms))


def _regular(row: Fields) -> tuple[str, ...]:
    """Makes name, type and version of a row what they are everywhere, in place; returns notes on what they were.

    SQLite keeps any value in any column, whatever its declared type.
    """
    notes: tuple[str, ...] = ()
    for name in ("stream", "type"):
        value = row.get(name)
        if value is not None and not isinstance(value, str):
            row[name] = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    version = row.get("version")
    if version is not None and type(version) is not int:
        row["version"] = None
        told = repr(version[:40] if isinstance(version, str | bytes) else version)
        notes = (f"its version is stored as {told}, which is no integer",)
    return notes


def _bytes(value: object) -> bytes | None:
    """A payload column as bytes, whatever the column holds; ``None`` stays ``None``."""
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, TornText):
        return value.raw
    text = value if isinstance(value, str) else str(value)
    return text.encode("utf-8", "surrogatepass")
