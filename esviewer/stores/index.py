"""A store's events as columns: what lists, counts, lanes and histograms are answered from.

Usable while it grows, since a reader of it takes the published length first and rows are only ever added (law 5:
append-only is used). It is built in memory, or in files by another process and mapped here (:mod:`index_files`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, Key
from esviewer.stores.index_columns import NO_VERSION, Columns
from esviewer.stores.index_digests import BLOCK, CHECKED, Digests, digest
from esviewer.stores.index_keys import Keys
from esviewer.stores.sheet import (
    ARCHIVED,
    DELETED,
    NONE,
    RELATIONS,
    UNDECODABLE,
    Opened,
    Sheet,
    identities_of,
    name_hash,
)


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One stream in the list of streams. ``first`` and ``last`` are rows of the index; times are µs or ``None``."""

    ordinal: int
    name: str
    category: str | None
    events: int
    first: int
    last: int
    last_recorded_at: int | None


@dataclass(frozen=True, slots=True)
class StreamTable:
    """Figures of all streams by ordinal: number of events, first and last row, greatest time (:data:`NONE`: none).

    ``recent`` and ``largest`` are all ordinals, those with the latest event and with the most events first.
    """

    events: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    last_time: NDArray[np.int64]
    recent: NDArray[np.int64]
    largest: NDArray[np.int64]


class Index:
    """Columns of one row an event, in store order. ``length`` is published after the rows are there.

    ``position`` and ``time`` hold :data:`NONE` and ``version`` :data:`NO_VERSION` where the store has none; ``stream``
    and ``type`` are ordinals in :attr:`streams` and :attr:`types`, -1 for none; ``size`` is bytes of the payload as
    stored.
    """

    def __init__(self, columns: Columns | None = None) -> None:
        self.columns_ = Columns() if columns is None else columns
        self.forget()

    def forget(self) -> None:
        """Begins anew with no names and no rows."""
        self.length = 0
        self.complete = False
        self.types: list[str] = []
        self.streams: list[str] = []
        self.stream_category: list[str | None] = []
        self.stream_tenant: list[str | None] = []
        self.keys = Keys()
        self.digests = Digests()
        self._type_ordinal: dict[str | None, int] = {}
        self._stream_ordinal: dict[Any, int] = {}
        self._same_name: dict[str, int] = {}
        self._identity: list[Any] = []
        self._category_counts: dict[str | None, int] = {}
        self._table: tuple[int, StreamTable] | None = None

    def adopt(self, other: Index) -> None:
        """Takes the names of another index, which this one may have fewer of; rows are taken apart."""
        self.types, self.streams = other.types, other.streams
        self.stream_category, self.stream_tenant = other.stream_category, other.stream_tenant
        self.keys = other.keys
        self._type_ordinal, self._stream_ordinal = other._type_ordinal, other._stream_ordinal
        self._same_name, self._identity = other._same_name, other._identity
        self._category_counts, self._table = other._category_counts, None

    def column(self, name: str) -> NDArray[Any]:
        """The published part of a column."""
        return self.columns_.part(name, self.length)

    def columns(self, *names: str) -> tuple[NDArray[Any], ...]:
        """The published parts of several columns, all of one length while the index grows."""
        length, columns = self.length, self.columns_
        return tuple(columns.part(name, length) for name in names)

    def key_of(self, row: int) -> Key:
        """The paging key of a row."""
        return self.keys.of(self.columns_, row)

    def position_of(self, row: int) -> int | str | None:
        """The position of a row as the contract writes it."""
        text = self.keys.text(row)
        if text is not None:
            return text
        value = int(self.column("position")[row])
        return None if value == NONE else value

    def stream_name(self, ordinal: int) -> str:
        """The name by which a stream is asked for: with its tenant or type where the name alone is not unique."""
        name = self.streams[ordinal]
        return name if self._same_name[name] == 1 else "/".join(map(str, self._identity[ordinal]))

    def ordinal_of(self, event: Event, identity: tuple[str, ...]) -> int | None:
        """The ordinal of an event's stream, ``None`` while it has not been read."""
        return self._stream_ordinal.get(identities_of([event], identity)[0])

    @property
    def bytes_per_event(self) -> float:
        """Bytes of the columns for each event; names and keys that are no numbers are not counted."""
        return sum(np.dtype(dtype).itemsize for dtype in self.columns_.dtypes.values())

    # Answers

    def type_counts(self) -> dict[str, int]:
        """Events by stored type, most frequent first."""
        types = self.column("type")
        counts = np.bincount(types[types >= 0], minlength=len(self.types))
        pairs = zip(self.types, counts.tolist(), strict=False)
        return dict(sorted(((t, n) for t, n in pairs if n), key=lambda pair: (-pair[1], pair[0])))

    def category_counts(self) -> dict[str, int]:
        """Streams by category, in the order of names; streams without category are left out."""
        # Counted as they are learned: there may be a million.
        return dict(sorted((c, n) for c, n in self._category_counts.copy().items() if c is not None))

    def time_range(self) -> tuple[int | None, int | None]:
        """Least and greatest time in µs."""
        times = self.column("time")
        times = times[times != NONE]
        return (int(times.min()), int(times.max())) if len(times) else (None, None)

    def position_range(self) -> tuple[int | str | None, int | str | None]:
        """First and last position, in store order."""
        length = self.length
        if not length:
            return None, None
        positions = self.column("position")
        if self.keys.texts is None and (positions != NONE).all():
            return int(positions.min()), int(positions.max())
        return self.position_of(0), self.position_of(length - 1)

    def undecodable(self) -> int:
        """How many payloads could not be decoded."""
        return int(np.count_nonzero(self.column("flags") & UNDECODABLE))

    def events_after(self, position: int | str | None, category: str | None = None, tenant: str | None = None) -> int:
        """How many events stand after a position, of one category or tenant or of all: what lag counts."""
        return len(self.rows_after(position, category, tenant))

    def rows_after(
        self, position: int | str | None, category: str | None = None, tenant: str | None = None
    ) -> NDArray[np.int64]:
        """The rows of the events after a position, of one category or tenant or of all, in store order."""
        if isinstance(position, str):
            return np.arange(self._row_after_text(position), self.length, dtype=np.int64)
        positions, streams = self.columns("position", "stream")
        after = positions > (NONE if position is None else position)
        for names, wanted in ((self.stream_category, category), (self.stream_tenant, tenant)):
            if wanted is not None:
                ordinals = [i for i, name in enumerate(tuple(names)) if name == wanted]
                after = after & np.isin(streams, np.asarray(ordinals, np.int32))
        return np.flatnonzero(after)

    def _row_after_text(self, position: str) -> int:
        texts = (self.keys.texts or [])[: self.length]
        return texts.index(position) + 1 if position in texts else 0

    def stream_table(self) -> StreamTable:
        """Per stream, by ordinal: events, first and last row, greatest time. All arrays have one entry a stream.

        Worked out once for a length: 0.4 s for five million events.
        """
        length, known = self.length, self._table
        if known is None or known[0] != length or len(known[1].events) != len(self.streams):
            known = self._table = (length, self._made_table())
        return known[1]

    def latest_stream_table(self) -> StreamTable:
        """The table as it was worked out last, if it ever was: while the index grows it says somewhat less."""
        return self.stream_table() if self._table is None else self._table[1]

    def _made_table(self) -> StreamTable:
        ordinals, times = self.columns("stream", "time")
        rows = np.flatnonzero(ordinals >= 0)
        own = ordinals[rows]
        # numpy sorts 16 bits by their digits, in a fraction of the time.
        small = own.astype(np.uint16) if len(self.streams) <= 1 << 16 else own
        order = rows[np.argsort(small, kind="stable")]
        counts = np.bincount(own, minlength=len(self.streams)).astype(np.int64)
        ends = np.cumsum(counts)
        some = np.flatnonzero(counts)
        # Streams without events (their rows were cut) have no place to be looked up at.
        first, last = np.full(len(counts), -1, np.int64), np.full(len(counts), -1, np.int64)
        latest = np.full(len(counts), NONE, np.int64)
        if len(some):
            starts = ends[some] - counts[some]
            first[some], last[some] = order[starts], order[ends[some] - 1]
            latest[some] = np.maximum.reduceat(times[order], starts)
        recent, largest = (np.argsort(-column, kind="stable") for column in (last, counts))
        return StreamTable(counts, first, last, latest, recent, largest)

    def stream_entries(self) -> Iterator[StreamEntry]:
        """All streams in the order of their first event."""
        table = self.stream_table()
        columns = (table.events.tolist(), table.first.tolist(), table.last.tolist(), table.last_time.tolist())
        for ordinal, (count, first, last, latest) in enumerate(zip(*columns, strict=True)):
            if not count:
                continue
            name, category = self.streams[ordinal], self.stream_category[ordinal]
            yield StreamEntry(ordinal, name, category, count, first, last, None if latest == NONE else latest)

    def rows_related(self, column: str, name: str) -> NDArray[np.int64]:
        """Rows whose ``own``, ``cause``, ``correlation`` or ``transaction`` may be ``name``, in store order.

        Names are kept as 32-bit hashes, so the events must be read to be sure.
        """
        return np.flatnonzero(self.column(column) == name_hash(name))

    # Building

    def extend(self, sheet: Sheet) -> None:
        """Adds events that follow what is there, then publishes them."""
        start, count = self.length, len(sheet)
        self.columns_.reserve(start + count)
        for name, values in self._cells(sheet).items():
            self.columns_.write(name, start, values, count)
        self.keys.extend(self.columns_, start, sheet)
        for block, raws in self.digests.extend(sheet.raws):
            self.digests.complete(self._digest(block * BLOCK, raws))
        self.length = start + count

    def _cells(self, sheet: Sheet) -> dict[str, NDArray[Any] | Sequence[int] | int]:
        """The cells of a sheet by column; names that are new get their ordinals."""
        cells: dict[str, NDArray[Any] | Sequence[int] | int] = {
            "position": sheet.positions,
            "stream": self._streams_of(sheet),
            "version": _versions(sheet.versions),
            "type": self._types_of(sheet.types),
            "time": sheet.times,
            "size": _sizes(sheet.raws),
            "flags": 0 if sheet.flags is None else sheet.flags,
        }
        for name in RELATIONS:
            if name in sheet.relations or name in self.columns_:
                cells[name] = sheet.relations.get(name, 0)
        return cells

    def _digest(self, start: int, raws: Sequence[bytes | None]) -> bytes:
        end = start + len(raws)
        return digest([self.columns_.part(name, end)[start:] for name in CHECKED], raws)

    def rest_digest(self) -> bytes:
        """The digest of the rows after the last whole block."""
        return self._digest(self.digests.count * BLOCK, self.digests.rest())

    def digest_between(self, start: int, end: int) -> bytes | None:
        """The digest of rows near the end, whose payloads are still held; ``None`` for others."""
        raws = self.digests.held(start, end)
        return None if raws is None else self._digest(start, raws)

    def digest_of(self, sheets: Sequence[Sheet]) -> bytes:
        """The digest that rows like these would have; nothing is added, and an unknown name counts as none."""
        columns: list[list[NDArray[Any]]] = [[] for _ in CHECKED]
        for sheet in sheets:
            streams = [-1 if ordinal is None else ordinal for ordinal in self._known_streams(sheet)]
            types = [self._type_ordinal.get(name, -1) for name in sheet.types]
            cells = (sheet.positions, streams, _versions(sheet.versions), types, _sizes(sheet.raws))
            for column, values in zip(columns, cells, strict=True):
                column.append(np.asarray(values, np.int64))
        return digest([np.concatenate(column) for column in columns], [raw for sheet in sheets for raw in sheet.raws])

    def agreement(self, row: int, sheet: Sheet) -> int:
        """How many cells of a sheet, from its first on, have the keys of the rows from ``row`` on."""
        return self.keys.agreement(self.columns_, row, sheet, min(len(sheet), self.length - row))

    def cut(self, row: int) -> int:
        """Forgets the rows from ``row`` on; returns where the index ends then, which may be some rows before.

        Streams and types that only they had stay known, with no events.
        """
        row = self.digests.cut(row)
        self.length = row
        self._table = None
        self.keys.cut(row)
        return row

    def _known_streams(self, sheet: Sheet) -> list[int | None]:
        """The ordinals of a sheet's streams, ``None`` for those that are not known."""
        ordinals = list(map(self._stream_ordinal.get, sheet.identities))
        if sheet.spelled is not None:
            for place in _unknown(ordinals):
                ordinal = self._stream_ordinal.get(sheet.spelled(sheet.identities[place]))
                if ordinal is not None:
                    # Found at once the next time.
                    ordinals[place] = self._stream_ordinal[sheet.identities[place]] = ordinal
        return ordinals

    def _streams_of(self, sheet: Sheet) -> NDArray[np.int32]:
        ordinals = self._known_streams(sheet)
        for place in _unknown(ordinals):
            ordinals[place] = self._new_stream(sheet, place)
        return np.array(ordinals, np.int32)

    def _new_stream(self, sheet: Sheet, number: int) -> int:
        identity = sheet.identities[number]
        ordinal = self._stream_ordinal.get(identity)
        if ordinal is None:
            opened = sheet.opened(number)
            if opened is None:
                return -1
            ordinal = self._stream_ordinal.get(opened.identity)
            if ordinal is None:
                ordinal = len(self.streams)
                self.learn_stream(opened)
            self._stream_ordinal[identity] = ordinal
        return ordinal

    def learn_stream(self, stream: Opened) -> None:
        """Gives a stream the next ordinal."""
        self._stream_ordinal[stream.identity] = len(self.streams)
        self.stream_category.append(stream.category)
        self._category_counts[stream.category] = self._category_counts.get(stream.category, 0) + 1
        self.stream_tenant.append(stream.tenant)
        self._identity.append(stream.identity)
        self._same_name[stream.name] = self._same_name.get(stream.name, 0) + 1
        self.streams.append(stream.name)

    def identity_of(self, ordinal: int) -> Any:
        """What tells a stream from others: its name, or a tuple."""
        return self._identity[ordinal]

    def _types_of(self, names: Sequence[str | None]) -> NDArray[np.int64]:
        ordinals = list(map(self._type_ordinal.get, names))
        if None in ordinals:
            ordinals = [self._type_of(name) for name in names]
        return np.array(ordinals, np.int64)

    def _type_of(self, name: str | None) -> int:
        if name is None:
            return -1
        ordinal = self._type_ordinal.get(name)
        if ordinal is None:
            ordinal = len(self.types)
            self.learn_type(name)
        return ordinal

    def learn_type(self, name: str) -> None:
        """Gives an event type the next ordinal."""
        self._type_ordinal[name] = len(self.types)
        self.types.append(name)


def _unknown(ordinals: list[int | None]) -> Iterator[int]:
    """The places of ``None``, which may be filled while they are gone through."""
    place = -1
    with suppress(ValueError):  # there is no further one
        while True:
            place = ordinals.index(None, place + 1)
            yield place


def _versions(versions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Versions with the mark that the column uses for none."""
    return np.where(versions == NONE, NO_VERSION, versions)


def _sizes(raws: Sequence[bytes | None]) -> list[int]:
    try:
        return list(map(len, raws))  # type: ignore[arg-type]
    except TypeError:
        return [0 if raw is None else len(raw) for raw in raws]


__all__ = [
    "ARCHIVED",
    "BLOCK",
    "DELETED",
    "NONE",
    "NO_VERSION",
    "UNDECODABLE",
    "Index",
    "StreamEntry",
    "StreamTable",
]
