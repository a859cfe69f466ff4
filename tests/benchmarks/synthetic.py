"""A store of any length that exists only as the columns of its index; its events are made up when they are read."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, Key
from esviewer.session import StoreSession
from esviewer.stores.index import NONE, Index
from esviewer.stores.reader import Window

_START = 1_700_000_000_000_000


class SyntheticIndex(Index):
    """An index whose columns are given whole; it can be made to seem shorter by its ``length``."""

    def __init__(self, columns: dict[str, NDArray[Any]], types: list[str], streams: list[str]) -> None:
        super().__init__()
        self.given = columns
        self.types = types
        self.streams = streams
        self.stream_category = ["Order"] * len(streams)
        self.length = len(columns["position"])
        self.complete = True

    def column(self, name: str) -> NDArray[Any]:
        return self.given[name][: self.length]

    def columns(self, *names: str) -> tuple[NDArray[Any], ...]:
        return tuple(self.given[name][: self.length] for name in names)

    def key_of(self, row: int) -> Key:
        return (int(self.given["position"][row]),)

    def position_of(self, row: int) -> int | None:
        value = int(self.given["position"][row])
        return None if value == NONE else value


def index_of(count: int, *, streams: int = 50_000, types: int = 12, seed: int = 1) -> SyntheticIndex:
    """An index of so many events: positions with gaps, times that mostly ascend, sizes of some hundred bytes."""
    random = np.random.default_rng(seed)
    numbers = np.arange(count, dtype=np.int64)
    times = _START + numbers * 1_000_000
    times[::1_000] -= 5_000_000
    columns = {
        "position": 1 + numbers + numbers // 10,
        "stream": random.integers(0, streams, count, dtype=np.int32),
        "version": random.integers(1, 400, count, dtype=np.int32),
        "type": random.integers(0, types, count, dtype=np.int16),
        "time": times,
        "size": random.integers(80, 2_000, count, dtype=np.int32),
        "flags": np.zeros(count, np.uint8),
    }
    return SyntheticIndex(
        columns,
        [f"shop.orders:Order.Event{number:02}" for number in range(types)],
        [f"{number * 2654435761 % 2**32:08x}-ba6f-475c-ae84-{number:012x}" for number in range(streams)],
    )


class SyntheticReader:
    """Gives what the index says, with a payload; ``gone`` are rows that the store has lost."""

    def __init__(self, index: Index, gone: frozenset[int] = frozenset()) -> None:
        self._index = index
        self._gone = gone
        self.dialect: Any = SimpleNamespace(category_from_first_event=False)
        self.reads: list[int] = []

    def event(self, row: int) -> Event:
        """The event of a row."""
        index = self._index
        position, stream, version, kind, time = (
            int(column[row]) for column in index.columns("position", "stream", "version", "type", "time")
        )
        data = {"row": row, "note": "as made up"}
        return Event(
            (position,), position, index.streams[stream], "Order", version, index.types[kind], None, time, data=data
        )

    def events(self, window: Window) -> Generator[Event, None, None]:
        """Events in store order."""
        positions = self._index.column("position")
        first = 0 if window.after is None else int(np.searchsorted(positions, int(str(window.after[0])), "right"))
        given = 0
        for row in range(first, len(positions)):
            if given == window.limit:
                return
            if row not in self._gone:
                self.reads.append(row)
                given += 1
                yield self.event(row)

    def at(self, keys: Sequence[Key]) -> list[Event]:
        """The events with these keys, in store order."""
        positions = self._index.column("position")
        rows = sorted(int(np.searchsorted(positions, int(str(key[0])))) for key in keys)
        self.reads += rows
        return [self.event(row) for row in rows if row not in self._gone]

    def learn_categories(self, known: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Every event has its own."""

    def stop(self) -> None:
        """There is nothing to be interrupted."""

    def close(self) -> None:
        """There is no connection."""


def store_of(index: Index, gone: frozenset[int] = frozenset()) -> StoreSession:
    """A store with this index, as the window knows it."""
    database: Any = SimpleNamespace(reader=lambda found, **others: SyntheticReader(index, gone))
    found: Any = SimpleNamespace(name="orders")
    session: Any = SimpleNamespace(database=database, stores=[])
    return StoreSession(session, found, index)
