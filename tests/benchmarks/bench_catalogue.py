"""What statuses and drift cost beside reading and decoding alone. Run it by name.

python tests/benchmarks/bench_catalogue.py [N]

All passes read the same events of a SQLite store; each is taken several times in turn, and the best round counts. The
last line shows a second pass over 1 000 new events only, from a saved state. Only the ratios mean anything.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from esviewer.catalogue.drift import Drift
from esviewer.catalogue.drift_report import report
from esviewer.catalogue.drift_state import drift_from, drift_object
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.checks import Checking
from esviewer.domain import Event
from esviewer.stores.database import Database, open_database
from esviewer.stores.reader import Window
from tests.benchmarks import make_store

ROUNDS = 3
NEW = 1_000
EVERYTHING = Window()


@contextmanager
def reading(database: Database, window: Window = EVERYTHING) -> Iterator[Iterator[Event]]:
    """The events of the store, read and decoded."""
    reader = database.reader(database.chosen())
    try:
        yield reader.events(window)
    finally:
        reader.close()


def read(database: Database) -> None:
    with reading(database) as events:
        for _ in events:
            pass


def judged(database: Database, known: Catalogue) -> None:
    judge = Judge(known)
    with reading(database) as events:
        for event in events:
            judge.assess(event)


def drifted(database: Database, known: Catalogue, window: Window = EVERYTHING) -> Drift:
    with reading(database, window) as events:
        return Drift(known).extend(events, Judge(known))


def checked(database: Database, known: Catalogue) -> None:
    checking = Checking(known)
    with reading(database) as events:
        for event in events:
            checking.see(event)
    checking.findings()


def measure(ways: dict[str, Callable[[], object]], events: int) -> None:
    """Prints the rate of each way as a part of that of reading and decoding alone."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - began)
    for name, seconds in best.items():
        print(
            f"{name:8} {events / seconds:9,.0f} events/s, {best['read'] / seconds:5.2f} of reading and decoding alone"
        )


def again(database: Database, known: Catalogue, events: int) -> None:
    """Goes on from a saved state and compares with one pass over everything."""
    first = drifted(database, known, Window(to_position=events - NEW))
    saved = json.dumps(drift_object(first))
    began = time.perf_counter()
    resumed = drift_from(json.loads(saved), known)
    with reading(database, Window(after=resumed.last_key)) as rest:
        resumed.extend(rest, Judge(known))
    seconds = time.perf_counter() - began
    same = report(resumed) == report(drifted(database, known))
    print(
        f"second pass over {NEW:,} new events: {seconds * 1000:.0f} ms, {len(saved):,} bytes saved, same result: {same}"
    )


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    events = int(arguments[0]) if arguments else 200_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.sqlite"
        make_store.write(events, path)
        with closing(open_database(str(path))) as database:
            with reading(database) as stored:
                known = replace(infer(stored), inferred=False)
            ways: dict[str, Callable[[], object]] = {
                "read": lambda: read(database),
                "status": lambda: judged(database, known),
                "drift": lambda: drifted(database, known),
                "check": lambda: checked(database, known),
            }
            measure(ways, events)
            again(database, known, events)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
