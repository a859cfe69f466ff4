"""What the index takes and how fast it answers, at each of several sizes. Run it by name.

python tests/benchmarks/bench_index.py [N ...]

Bytes an event are those of the columns, as filled. Each answer's time is given as a multiple of numpy sorting the same
index's times, since only ratios mean anything; best of several rounds, taken in turn.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from esviewer.stores.database import open_database
from esviewer.stores.index import NONE, Index
from esviewer.stores.index_building import build
from tests.benchmarks import make_store

ROUNDS = 4
SIZES = (200_000, 1_000_000)
COLUMNS = (
    "position",
    "stream",
    "version",
    "type",
    "time",
    "size",
    "flags",
    "own",
    "cause",
    "correlation",
    "transaction",
)


def category_lanes(index: Index) -> int:
    """Ascending times of each category's events, as the overview groups them; how many times in all."""
    times, streams = index.columns("time", "stream")
    numbers = {name: number for number, name in enumerate(index.category_counts())}
    of_stream = np.asarray([numbers.get(name or "", -1) for name in index.stream_category] or [-1], np.int32)
    of_event = np.where(streams >= 0, of_stream[np.maximum(streams, 0)], -1)
    order = np.argsort(of_event, kind="stable")
    bounds = np.searchsorted(of_event[order], np.arange(len(numbers) + 1))
    found = 0
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        own = times[order[start:end]]
        own = own[own != NONE]
        found += len(own if (own[1:] >= own[:-1]).all() else np.sort(own))
    return found


def indexed(path: Path) -> Index:
    """The index of the only store in a file."""
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        try:
            return build(reader, Index())
        finally:
            reader.close()


def measure(index: Index) -> None:
    """Prints the size of the columns and the time of each answer."""
    size = sum(column.nbytes for column in index.columns(*COLUMNS))
    print(f"{index.length:9,} events in {len(index.streams):,} streams: {size / index.length:.1f} bytes an event")
    times = index.column("time")
    ways: dict[str, Callable[[], object]] = {
        "np.sort of times": lambda: np.sort(times),
        "stream_table": index.stream_table,
        "type_counts": index.type_counts,
        "category lanes": lambda: category_lanes(index),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - began)
    sort = next(iter(best.values()))
    for name, seconds in best.items():
        print(f"{index.length:9,} {name:16} {seconds * 1000:7.2f} ms, {seconds / sort:5.2f} times np.sort of the times")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    for events in [int(argument) for argument in arguments] or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bank.sqlite"
            make_store.write(events, path)
            measure(indexed(path))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
