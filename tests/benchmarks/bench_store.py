"""First screen, index, reopening and a long aggregate of a large store, each against a floor or a peer of the same run.

    python tests/benchmarks/bench_store.py STORE [STORE ...]

STORE is a SQLite file as tests/benchmarks/make_store.py writes it. Aims of issue 3: first screen at most 0.02 of a cold
count(*), index build at least 0.8 of reading and decoding the same columns with the bare driver, at most 32 bytes an
event. Files are put out of the page cache before what is to be cold. Best of ROUNDS, taken in turn.
"""

from __future__ import annotations

import os
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.stores.database import open_database
from esviewer.stores.glimpse import look
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.index_files import cache_folder
from esviewer.stores.index_process import IndexProcess

ROUNDS = 2
SEEKS = 300
PEER_SEEKS = 3


@contextmanager
def taken(times: dict[str, list[float]], name: str) -> Iterator[None]:
    """Notes how long a stretch took."""
    began = time.perf_counter()
    yield
    times.setdefault(name, []).append(time.perf_counter() - began)


def chill(path: Path) -> None:
    """Puts a file out of the page cache."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def count(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute("SELECT count(*) FROM stored_events").fetchone()[0])


def floor(path: Path) -> int:
    """Reads and decodes what the index needs with the bare driver and orjson."""
    events = 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        cursor = connection.execute(
            "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events ORDER BY rowid"
        )
        while rows := cursor.fetchmany(500):
            for row in rows:
                orjson.loads(row[4])["timestamp"]["_data_"]
            events += len(rows)
    return events


def opening(path: Path, times: dict[str, list[float]]) -> None:
    """The first figures of a cold store, and its count."""
    chill(path)
    with taken(times, "count(*), cold"):
        count(path)
    chill(path)
    with taken(times, "first screen, cold"), closing(open_database(str(path))) as database:
        look(database.reader(database.chosen()))


def indexing(path: Path, times: dict[str, list[float]]) -> None:
    """The index by a process of its own, and again when it is kept."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ESVIEWER_CACHE_DIR"] = folder
        for name in ("index", "index of the second opening, compared"):
            with closing(open_database(str(path))) as database:
                index = Index()
                process = IndexProcess(database, database.chosen(), index)
                if name != "index":
                    with taken(times, "kept index shown"):
                        assert process.show_kept(database.reader(database.chosen()))
                with taken(times, name):
                    process.run("build", lambda report: None)
                process.close()
        kept = sum(file.stat().st_size for file in cache_folder().rglob("*") if file.is_file())
        share = kept / path.stat().st_size
        print(f"  {index.length:,} events: {index.bytes_per_event:g} bytes an event in columns;", end=" ")
        print(f"{kept / index.length:.1f} with names and digests, {share:.1%} of the store")


def here(path: Path) -> Index:
    """The index in this process."""
    with closing(open_database(str(path))) as database:
        return build(database.reader(database.chosen()), Index())


def scrubbing(path: Path, index: Index) -> None:
    """Random versions of the longest stream: ours, a plain refold, and the library's repository."""
    table = index.stream_table()
    name = index.stream_name(int(table.events.argmax()))
    with closing(open_database(str(path))) as database:
        events = database.reader(database.chosen()).aggregate(name)
    history = AggregateHistory(events, InferredFold())
    rng = random.Random(3)
    places = [rng.randrange(len(events)) for _ in range(SEEKS)]
    ours = [timed(lambda place=place: history.state_at(place)) for place in places]  # type: ignore[misc]
    refolds = [timed(lambda place=place: refolded(history, place)) for place in places[:20]]  # type: ignore[misc]
    print(
        f"  {len(events):,} events in the longest stream; any version: median {statistics.median(ours) * 1e3:.2f} ms,",
        end=" ",
    )
    print(f"p99 {sorted(ours)[SEEKS * 99 // 100] * 1e3:.2f} ms;", end=" ")
    print(f"a plain refold takes {statistics.median(refolds) / statistics.median(ours):,.0f} times as long", end="")
    peer = [timed(lambda place=place: library_get(path, name, place + 1)) for place in places[:PEER_SEEKS]]  # type: ignore[misc]
    print(f", repository.get(version=) {statistics.median(peer) / statistics.median(ours):,.0f} times")


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def refolded(history: AggregateHistory, place: int) -> None:
    fold, state = InferredFold(), InferredFold().initial()
    for event in history.events[: place + 1]:
        fold.apply(state, event)


def library_get(path: Path, name: str, version: int) -> object:
    """What Repository.get(version=) of the library does: its select, its mapper, and its events' mutate."""
    from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

    from tests.benchmarks.bank import register, transcodings

    register()
    transcoder = JSONTranscoder()
    for transcoding in transcodings():
        transcoder.register(transcoding)
    mapper: Any = Mapper(transcoder)
    aggregate: Any = None
    # The library's own connection would set the file's journal mode.
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT * FROM stored_events WHERE originator_id=? AND originator_version<=? ORDER BY originator_version ASC",
            (UUID(name).hex, version),
        ).fetchall()
    for originator_id, originator_version, topic, state in rows:
        stored = StoredEvent(UUID(originator_id), originator_version, topic, state)
        event: Any = mapper.to_domain_event(stored)
        aggregate = event.mutate(aggregate)
    return aggregate


def measure(path: Path) -> None:
    print(f"{path.name}: {path.stat().st_size / 1e6:,.0f} MB")
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        opening(path, times)
        with taken(times, "floor"):
            floor(path)
        indexing(path, times)
        with taken(times, "index, in this process"):
            index = here(path)
    best = {name: min(each) for name, each in times.items()}
    print(f"  first screen: {best['first screen, cold'] / best['count(*), cold']:.4f} of a cold count(*)")
    for name in ("index", "index, in this process"):
        print(f"  {name}: {best['floor'] / best[name]:.2f} of the bare driver with orjson")
    shown = best["kept index shown"] / best["index"]
    print(f"  kept index shown after {shown:.4f} of the time of building it,", end=" ")
    print(f"compared and brought up after {best['index of the second opening, compared'] / best['index']:.3f}")
    scrubbing(path, index)


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    for name in arguments:
        measure(Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
