"""A store's events as columns in memory: what lists, counts, lanes and histograms are answered from.

Built in one pass of the reader; usable while it grows, since a reader of it takes the published length first and rows
are only ever added (law 5: append-only is used).
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, Key
from esviewer.stores.dialects.base import Dialect
from esviewer.stores.reader import Reader, Window

NONE: Final = np.iinfo(np.int64).min
"""Stands for "the store has none" in the columns ``position``, ``version`` and ``time``."""

UNDECODABLE, DELETED, ARCHIVED = 1, 2, 4

LOOK_BACK = 500
"""Rows at the head that are read again for events that were committed late."""

_COLUMNS: Final[dict[str, Any]] = {
    "position": np.int64,
    "stream": np.int32,
    "version": np.int64,
    "type": np.int32,
    "time": np.int64,
    "size": np.int32,
    "flags": np.uint8,
    "own": np.uint32,
    "cause": np.uint32,
    "correlation": np.uint32,
    "transaction": np.uint32,
}

ProgressListener = Callable[[int, float], None]
"""Told how many events have been read and how many a second, at most 20 times a second."""


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
    """Figures of all streams by ordinal: number of events, first and last row, greatest time (:data:`NONE`: none)."""

    events: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    last_time: NDArray[np.int64]


class Index:
    """Columns of one row an event, in store order. ``length`` is published after the rows are there."""

    def __init__(self) -> None:
        self.length = 0
        self.complete = False
        self.types: list[str] = []
        self.streams: list[str] = []
        self.stream_category: list[str | None] = []
        self.stream_tenant: list[str | None] = []
        self.keys: list[Key] | None = None
        self.position_text: list[str | None] | None = None
        self._type_ordinal: dict[str | None, int] = {}
        self._stream_ordinal: dict[tuple[Any, ...], int] = {}
        self._same_name: dict[str, int] = {}
        self._identity: list[tuple[Any, ...]] = []
        self._arrays: dict[str, NDArray[Any]] = {n: np.empty(1024, dtype) for n, dtype in _COLUMNS.items()}

    def column(self, name: str) -> NDArray[Any]:
        """The published part of a column."""
        length = self.length
        return self._arrays[name][:length]

    def columns(self, *names: str) -> tuple[NDArray[Any], ...]:
        """The published parts of several columns, all of one length while the index grows."""
        length = self.length
        return tuple(self._arrays[name][:length] for name in names)

    def key_of(self, row: int) -> Key:
        """The paging key of a row."""
        return self.keys[row] if self.keys is not None else (int(self._arrays["position"][row]),)

    def position_of(self, row: int) -> int | str | None:
        """The position of a row as the contract writes it."""
        if self.position_text is not None and self.position_text[row] is not None:
            return self.position_text[row]
        value = int(self._arrays["position"][row])
        return None if value == NONE else value

    def stream_name(self, ordinal: int) -> str:
        """The name by which a stream is asked for: with its tenant or type where the name alone is not unique."""
        name = self.streams[ordinal]
        return name if self._same_name[name] == 1 else "/".join(map(str, self._identity[ordinal]))

    def ordinal_of(self, event: Event, identity: tuple[str, ...]) -> int | None:
        """The ordinal of an event's stream, ``None`` while it has not been read."""
        return self._stream_ordinal.get(tuple(getattr(event, name) for name in identity))

    # Answers

    def type_counts(self) -> dict[str, int]:
        """Events by stored type, most frequent first."""
        types = self.column("type")
        counts = np.bincount(types[types >= 0], minlength=len(self.types))
        pairs = zip(self.types, counts.tolist(), strict=False)
        return dict(sorted(((t, n) for t, n in pairs if n), key=lambda pair: (-pair[1], pair[0])))

    def category_counts(self) -> dict[str, int]:
        """Streams by category, in the order of names; streams without category are left out."""
        counts: dict[str, int] = {}
        for category in tuple(self.stream_category):
            if category is not None:
                counts[category] = counts.get(category, 0) + 1
        return dict(sorted(counts.items()))

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
        if self.position_text is None and (positions != NONE).all():
            return int(positions.min()), int(positions.max())
        return self.position_of(0), self.position_of(length - 1)

    def undecodable(self) -> int:
        """How many payloads could not be decoded."""
        return int(np.count_nonzero(self.column("flags") & UNDECODABLE))

    def events_after(self, position: int | str | None, category: str | None = None, tenant: str | None = None) -> int:
        """How many events stand after a position, of one category or tenant or of all: what lag counts."""
        if isinstance(position, str):
            return self._after_text(position)
        positions, streams = self.columns("position", "stream")
        after = positions > (NONE if position is None else position)
        for names, wanted in ((self.stream_category, category), (self.stream_tenant, tenant)):
            if wanted is not None:
                ordinals = [i for i, name in enumerate(tuple(names)) if name == wanted]
                after = after & np.isin(streams, np.asarray(ordinals, np.int32))
        return int(np.count_nonzero(after))

    def _after_text(self, position: str) -> int:
        texts = (self.position_text or [])[: self.length]
        return self.length - 1 - texts.index(position) if position in texts else self.length

    def stream_table(self) -> StreamTable:
        """Per stream, by ordinal: events, first and last row, greatest time. All arrays have one entry a stream."""
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
        return StreamTable(counts, first, last, latest)

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

    def add(self, events: list[Event], reader: Reader) -> None:
        """Adds events that follow what is there, then publishes them."""
        start, end = self.length, self.length + len(events)
        self._grow(end)
        # Whole columns at once: setting single cells of numpy arrays takes as long as all the rest.
        for name, values in (*self._own_columns(events, reader), *_relation_columns(events, reader)):
            self._arrays[name][start:end] = values
        self._keep_keys(events, start)
        self.length = end

    def _own_columns(self, events: list[Event], reader: Reader) -> Iterator[tuple[str, list[int] | int]]:
        """Names of columns with their cells, each taken from the events' own fields; one number where all have it."""
        yield "position", [e.position if isinstance(e.position, int) else NONE for e in events]
        yield "stream", self._streams_of(events, reader)
        yield "version", [NONE if e.version is None else e.version for e in events]
        yield "type", self._types_of(events)
        yield "time", [NONE if e.recorded_at is None else e.recorded_at for e in events]
        yield "size", [0 if e.raw is None else len(e.raw) for e in events]
        plain = all(e.undecodable is None and not e.deleted and not e.archived for e in events)
        yield "flags", 0 if plain else [_flags(e) for e in events]

    def cut(self, row: int) -> None:
        """Forgets the rows from ``row`` on; streams and types that only they had stay known, with no events."""
        self.length = row
        if self.keys is not None:
            del self.keys[row:]
        if self.position_text is not None:
            del self.position_text[row:]

    def _keep_keys(self, events: list[Event], start: int) -> None:
        """Keeps keys that are more than the position, and positions that are text, from the first of them on."""
        keys = [event.key for event in events]
        positions = [event.position for event in events]
        if self.keys is None and keys != [(position,) for position in positions]:
            self.keys = [(value,) for value in self._arrays["position"][:start].tolist()]
        if self.keys is not None:
            self.keys += keys
        if self.position_text is None and any(isinstance(position, str) for position in positions):
            self.position_text = [None] * start
        if self.position_text is not None:
            self.position_text += [position if isinstance(position, str) else None for position in positions]

    def _grow(self, needed: int) -> None:
        have = len(self._arrays["position"])
        if needed <= have:
            return
        size = max(needed, have * 2)
        for name, array in self._arrays.items():
            larger = np.empty(size, array.dtype)
            larger[: self.length] = array[: self.length]
            self._arrays[name] = larger

    def _streams_of(self, events: list[Event], reader: Reader) -> list[int]:
        parts = [[getattr(event, name) for event in events] for name in reader.dialect.identity]
        ordinals = list(map(self._stream_ordinal.get, zip(*parts, strict=True)))
        if None not in ordinals:
            return ordinals  # type: ignore[return-value]
        return [
            self._stream_of(event, identity) if ordinal is None else ordinal
            for event, identity, ordinal in zip(events, zip(*parts, strict=True), ordinals, strict=True)
        ]

    def _stream_of(self, event: Event, identity: tuple[Any, ...]) -> int:
        if event.stream is None:
            return -1
        ordinal = self._stream_ordinal.get(identity)
        if ordinal is None:
            ordinal = self._stream_ordinal[identity] = len(self.streams)
            self.stream_category.append(event.category)
            self.stream_tenant.append(event.tenant)
            self._identity.append(identity)
            self._same_name[event.stream] = self._same_name.get(event.stream, 0) + 1
            self.streams.append(event.stream)
        return ordinal

    def _types_of(self, events: list[Event]) -> list[int]:
        names = [event.type for event in events]
        ordinals = list(map(self._type_ordinal.get, names))
        if None not in ordinals:
            return ordinals  # type: ignore[return-value]
        return [self._type_of(name) for name in names]

    def _type_of(self, name: str | None) -> int:
        if name is None:
            return -1
        ordinal = self._type_ordinal.get(name)
        if ordinal is None:
            ordinal = self._type_ordinal[name] = len(self.types)
            self.types.append(name)
        return ordinal


def build(reader: Reader, index: Index, progress: ProgressListener | None = None) -> Index:
    """Reads the rest of the store into ``index``; raises what the reader raises, and what was read stays."""
    after = index.key_of(index.length - 1) if index.length else None
    began = told = time.monotonic()
    first = index.length
    block: list[Event] = []
    for event in reader.events(Window(after=after)):
        block.append(event)
        if len(block) >= 512:
            index.add(block, reader)
            block = []
            now = time.monotonic()
            if progress is not None and now - told >= 0.05:
                told = now
                progress(index.length, (index.length - first) / max(now - began, 1e-9))
    index.add(block, reader)
    index.complete = True
    if progress is not None:
        progress(index.length, (index.length - first) / max(time.monotonic() - began, 1e-9))
    return index


def tail(reader: Reader, index: Index, look_back: int = LOOK_BACK) -> int:
    """Brings a complete index up to the store's head; returns the first row that is new (its length if none is).

    A transaction that commits late may show events below the newest position: the last ``look_back`` rows are read
    again, and where an event stands that the index does not have, the index is taken up anew from there.
    """
    start = max(0, index.length - look_back)
    after = index.key_of(start - 1) if start else None
    row = start
    new: list[Event] = []
    for event in reader.events(Window(after=after)):
        if not new and row < index.length and index.key_of(row) == event.key:
            row += 1
            continue
        if not new and row < index.length:
            index.cut(row)
        new.append(event)
    first = index.length
    index.add(new, reader)
    return first


def name_hash(name: str | None) -> int:
    """32 bits of a name; 0 stands for no name."""
    return 0 if name is None else zlib.crc32(name.encode("utf-8", "surrogatepass")) or 1


_UNRELATED = [None, None, None, None]


def _relation_columns(events: list[Event], reader: Reader) -> Iterator[tuple[str, list[int] | int]]:
    """The hashed names by which events are tied to others, by name of the column; one 0 where there are none at all."""
    dialect = reader.dialect
    recorded = ([e.event_id, e.causation_id, e.correlation_id, e.transaction] for e in events)
    if type(dialect).related is Dialect.related and all(names == _UNRELATED for names in recorded):
        # Some frameworks record nothing of the kind.
        for name in ("own", "cause", "correlation", "transaction"):
            yield name, 0
        return
    relations = [dialect.related(event) for event in events]
    yield "own", [name_hash(r.own) for r in relations]
    yield "cause", [name_hash(r.cause) for r in relations]
    yield "correlation", [name_hash(r.correlation) for r in relations]
    yield "transaction", [name_hash(r.transaction) for r in relations]


def _flags(event: Event) -> int:
    flags = UNDECODABLE if event.undecodable is not None else 0
    if event.deleted:
        flags |= DELETED
    if event.archived:
        flags |= ARCHIVED
    return flags
