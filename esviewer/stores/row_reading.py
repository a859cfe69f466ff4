"""Reads the events that stand in given rows of an index, by pages, in the order asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, Key
from esviewer.stores.index import Index
from esviewer.stores.reader import Reader, Window

PAGE: Final = 1_000
"""Events in memory at most: small pages are the fastest (performance.md)."""
_RUN: Final = 32
"""Rows that follow each other from which on they are read as a range, not by key."""

RowEvent = tuple[int, Event | None]


def events_of_rows(reader: Reader, index: Index, pages: Iterable[NDArray[np.int64]]) -> Iterator[RowEvent]:
    """Each row with its event, in the order of ``pages``; ``None`` for an event that is not in the store any more.

    Rows that follow each other in the store are read as a range, however many pages they stand in; others by key.
    """
    scattered: list[int] = []
    for first, end, is_range in _runs(pages):
        if not is_range:
            scattered += range(first, end)
            if len(scattered) < PAGE:
                continue
        yield from _by_key(reader, index, scattered)
        scattered = []
        if is_range:
            yield from _by_range(reader, index, first, end)
    yield from _by_key(reader, index, scattered)


def streams_of_rows(index: Index, rows: NDArray[np.int64]) -> Iterator[tuple[str, str | None, str | None]]:
    """Stream, tenant and category of these rows' streams: what a reader would ask the store for, one by one."""
    ordinals = np.unique(index.column("stream")[rows])
    for ordinal in ordinals[ordinals >= 0].tolist():
        yield index.streams[ordinal], index.stream_tenant[ordinal], index.stream_category[ordinal]


def _runs(pages: Iterable[NDArray[np.int64]]) -> Iterator[tuple[int, int, bool]]:
    """Ascending runs ``(first, end, whether it is long)``; runs that go on in the next page are one."""
    first = end = -1
    for page in pages:
        if not len(page):
            continue
        breaks = np.flatnonzero(np.diff(page) != 1) + 1
        starts = page[np.concatenate(([0], breaks))].tolist()
        ends = (page[np.concatenate((breaks - 1, [len(page) - 1]))] + 1).tolist()
        for start, stop in zip(starts, ends, strict=True):
            if start == end:
                end = stop
                continue
            if end > first:
                yield first, end, end - first >= _RUN
            first, end = start, stop
    if end > first:
        yield first, end, end - first >= _RUN


def _by_key(reader: Reader, index: Index, rows: list[int]) -> Iterator[RowEvent]:
    for start in range(0, len(rows), PAGE):
        some = rows[start : start + PAGE]
        reader.learn_categories(streams_of_rows(index, np.asarray(some, np.int64)))
        keys = [index.key_of(row) for row in some]
        found = {event.key: event for event in reader.at(keys)}
        for row, key in zip(some, keys, strict=True):
            yield row, found.get(key)


def _by_range(reader: Reader, index: Index, first: int, end: int) -> Iterator[RowEvent]:
    """The events of ``first`` up to ``end``. What was committed late among them is not in the index and left out."""
    after = index.key_of(first - 1) if first else None
    events = reader.events(Window(after=after, limit=end - first))
    ahead: dict[Key, Event] = {}
    try:
        for start in range(first, end, PAGE):
            rows = list(range(start, min(start + PAGE, end)))
            reader.learn_categories(streams_of_rows(index, np.asarray(rows, np.int64)))
            keys = [index.key_of(row) for row in rows]
            found = _pulled(events, keys, ahead)
            lost = [key for key in keys if key not in found]
            if lost:
                found.update({event.key: event for event in reader.at(lost)})
            for row, key in zip(rows, keys, strict=True):
                yield row, found.get(key)
    finally:
        events.close()


def _pulled(events: Iterator[Event], keys: list[Key], ahead: dict[Key, Event]) -> dict[Key, Event]:
    """Events by these keys, taken from ``events``; others that came on the way are put ``ahead``, a page at most."""
    found = {key: ahead.pop(key) for key in keys if key in ahead}
    wanted = set(keys)
    while len(found) < len(keys) and len(ahead) < PAGE:
        event = next(events, None)
        if event is None:
            break
        (found if event.key in wanted else ahead)[event.key] = event
    return found
