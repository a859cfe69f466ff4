"""What a replay costs: events a second against reading and decoding alone, and against the same fold in a bare loop.

python tests/benchmarks/bench_replay.py [PATH] [EVENTS]

PATH is a store of make_store.py (a million events: /tmp/big/1m.sqlite), EVENTS how many of it are replayed. Bare is the
driver's own cursor, 500 rows at a time, each state through orjson; the loop folds with plain functions by type what it
reads so, with the decimals that the handlers use. Two is a comparison of two versions that never differ, the dearest
kind; little handles two of the eight types. All ways are taken in turn; the best round of each counts.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from esviewer.projections.compare import compare
from esviewer.projections.naming import named
from esviewer.projections.replay import Asked, replay
from esviewer.stores.database import open_database

ROUNDS = 3
PROJECTION = '''
from esviewer import Projection, on

class Accounts(Projection):
    """One row an account."""
    name = "accounts"

    @on("bank:Account.Opened")
    def opened(self, event):
        owner = event.data["owner"]
        self.rows[event.stream] = {
            "owner": owner["name"], "city": owner["city"], "balance": 0, "moves": 0, "fees": 0, "notes": 0,
            "last": None, "limit": None,
        }

    @on("bank:Account.Deposited", "bank:Account.TransferReceived")
    def came(self, event):
        row = self.rows[event.stream]
        row["balance"] += event.data["amount"]
        row["moves"] += 1
        row["last"] = event.version

    @on("bank:Account.Withdrawn", "bank:Account.TransferSent")
    def went(self, event):
        row = self.rows[event.stream]
        row["balance"] -= event.data["amount"]
        row["moves"] += 1
        row["last"] = event.version

    @on("bank:Account.FeeCharged")
    def charged(self, event):
        row = self.rows[event.stream]
        row["balance"] -= event.data["amount"]
        row["fees"] += event.data["reason"]["tariff"]

    @on("bank:Account.NoteAdded")
    def noted(self, event):
        self.rows[event.stream]["notes"] += 1

    @on("bank:Account.LimitChanged")
    def limited(self, event):
        self.rows[event.stream]["limit"] = event.data["limits"]["day"]

class Second(Accounts):
    version = 2

class Little(Projection):
    """Two of eight types."""
    @on("bank:Account.FeeCharged")
    def charged(self, event):
        row = self.rows.setdefault(event.stream, {"fees": 0, "limit": None})
        row["fees"] += event.data["amount"]

    @on("bank:Account.LimitChanged")
    def limited(self, event):
        row = self.rows.setdefault(event.stream, {"fees": 0, "limit": None})
        row["limit"] = event.data["limits"]["day"]
'''
Rows = dict[str, dict[str, Any]]


def _opened(rows: Rows, stream: str, version: int, data: dict[str, Any]) -> None:
    owner = data["owner"]
    rows[stream] = {
        "owner": owner["name"],
        "city": owner["city"],
        "balance": 0,
        "moves": 0,
        "fees": 0,
        "notes": 0,
        "last": None,
        "limit": None,
    }


def _came(rows: Rows, stream: str, version: int, data: dict[str, Any]) -> None:
    row = rows[stream]
    row["balance"] += Decimal(data["amount"]["_data_"])
    row["moves"] += 1
    row["last"] = version


def _went(rows: Rows, stream: str, version: int, data: dict[str, Any]) -> None:
    row = rows[stream]
    row["balance"] -= Decimal(data["amount"]["_data_"])
    row["moves"] += 1
    row["last"] = version


def _charged(rows: Rows, stream: str, version: int, data: dict[str, Any]) -> None:
    row = rows[stream]
    row["balance"] -= Decimal(data["amount"]["_data_"])
    row["fees"] += data["reason"]["tariff"]


def _noted(rows: Rows, stream: str, version: int, data: dict[str, Any]) -> None:
    rows[stream]["notes"] += 1


def _limited(rows: Rows, stream: str, version: int, data: dict[str, Any]) -> None:
    rows[stream]["limit"] = data["limits"]["day"]


HANDLERS: dict[str, Callable[[Rows, str, int, dict[str, Any]], None]] = {
    "bank:Account.Opened": _opened,
    "bank:Account.Deposited": _came,
    "bank:Account.TransferReceived": _came,
    "bank:Account.Withdrawn": _went,
    "bank:Account.TransferSent": _went,
    "bank:Account.FeeCharged": _charged,
    "bank:Account.NoteAdded": _noted,
    "bank:Account.LimitChanged": _limited,
}


def bare(path: Path, events: int, handlers: dict[str, Any]) -> tuple[float, Rows]:
    """Seconds of reading, decoding, and folding with these handlers."""
    rows: Rows = {}
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute(
            "SELECT rowid, originator_id, originator_version, topic, state FROM stored_events"
            f" WHERE rowid <= {events} ORDER BY rowid"
        )
        while chunk := cursor.fetchmany(500):
            for _, stream, version, topic, state in chunk:
                data = orjson.loads(state)
                handler = handlers.get(topic)
                if handler is not None:
                    handler(rows, stream, version, data)
    return time.perf_counter() - began, rows


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    path = Path(arguments[0] if arguments else "/tmp/big/1m.sqlite")
    events = int(arguments[1]) if len(arguments) > 1 else 1_000_000
    best: dict[str, float] = {}

    def note(name: str, seconds: float) -> None:
        best[name] = min(seconds, best.get(name, seconds))

    with tempfile.TemporaryDirectory() as folder, closing(open_database(str(path))) as database:
        file = Path(folder) / "accounts.py"
        file.write_text(PROJECTION)
        found, asked = database.chosen(), Asked(to=events)
        for _ in range(ROUNDS):
            note("decode", bare(path, events, {})[0])
            seconds, rows = bare(path, events, HANDLERS)
            note("loop", seconds)
            done = replay(database, found, named(f"{file}:Accounts"), asked)
            note("one", done.seconds)
            if (done.applied, len(done.rows["rows"])) != (events, len(rows)):
                raise SystemExit(f"{done.text}: {done.applied} applied, {len(done.rows['rows'])} rows.")
            two = compare(database, found, named(f"{file}:Accounts"), named(f"{file}:Second"), asked)
            note("two", two.seconds)
            if (two.same, two.first) != (len(rows), None):
                raise SystemExit(f"{two.text}: {two.same} same.")
            note("little", replay(database, found, named(f"{file}:Little"), asked).seconds)
    for name, seconds in best.items():
        print(
            f"{name:7} {events / seconds:9,.0f} events/s, {best['decode'] / seconds:5.2f} of reading and decoding,"
            f" {best['loop'] / seconds:5.2f} of the bare loop, {seconds / best['one']:5.2f} times one"
        )
    print(f"largest child: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
