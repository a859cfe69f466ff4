"""Writes a large event store in the table of Python's `eventsourcing` (SQLite), the same bytes' worth every time.

    python tests/benchmarks/make_store.py N PATH        N events; PATH must not exist

A bank: N/20 accounts (50 000 at a million), one of which has N/5 events, at most 200 000, and the others a heavy tail;
eight types; JSON states of 200 to 360 bytes. Nothing of the library is called, since it writes 20 000 events a second
and this 66 000. Table and state as in eventsourcing/sqlite.py and persistence.py, 9.5.6.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

TABLE = (
    "CREATE TABLE IF NOT EXISTS stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, "
    "state BLOB, PRIMARY KEY (originator_id, originator_version))"
)
LONGEST = 200_000
"""Events of the longest stream at a million and more."""
FIRST_MOMENT = datetime(2019, 1, 1, 6, tzinfo=UTC)
CITIES = ("Utrecht", "Łódź", "Málaga", "Zürich", "København", "İzmir", "Reykjavík", "Brno")
PURPOSES = ("rent", "groceries and household", "wages for the month", "insurance, yearly premium", "café", "train")

Row = tuple[str, int, str, bytes]
Body = Callable[[random.Random, int], str]


def _opened(rng: random.Random, bits: int) -> str:
    return (
        f'"originator_topic":"bank:Account","owner":{{"name":"Owner {bits % 99_991}","city":"{CITIES[bits & 7]}",'
        f'"born":{{"_type_":"date_iso","_data_":"19{40 + bits % 60}-0{1 + bits % 9}-1{bits % 10}"}}}},'
        f'"currency":"EUR"'
    )


def _amount(bits: int) -> str:
    return f'{{"_type_":"decimal_str","_data_":"{1 + bits % 4_999}.{bits % 90 + 10}"}}'


def _moved(rng: random.Random, bits: int) -> str:
    return (
        f'"amount":{_amount(bits)},"purpose":"{PURPOSES[bits % 6]}","reference":"REF-{bits:016d}",'
        f'"counter":{bits % 997}'
    )


def _transferred(rng: random.Random, bits: int) -> str:
    return (
        f'"amount":{_amount(bits)},"transfer_id":{{"_type_":"uuid_hex","_data_":"{rng.getrandbits(128):032x}"}},'
        f'"party":{{"bank":"BANK{bits % 10}","account":"{bits % 10**10:010d}","city":"{CITIES[bits & 7]}"}}'
    )


def _charged(rng: random.Random, bits: int) -> str:
    return (
        f'"amount":{_amount(bits)},"reason":{{"kind":"monthly","tariff":{bits % 12}}},"lines":[{bits % 7},{bits % 5}]'
    )


def _noted(rng: random.Random, bits: int) -> str:
    return f'"text":"{"called about the card; " * (2 + bits % 7)}","by":"desk {bits % 40}","pinned":false'


def _limited(rng: random.Random, bits: int) -> str:
    return (
        f'"limits":{{"day":{bits % 5_000},"week":{bits % 20_000},"abroad":null}},"until":null,"tags":["limit","desk"]'
    )


BODIES: tuple[tuple[str, int, Body], ...] = (
    ("Deposited", 24, _moved),
    ("Withdrawn", 15, _moved),
    ("TransferSent", 20, _transferred),
    ("TransferReceived", 20, _transferred),
    ("FeeCharged", 8, _charged),
    ("NoteAdded", 8, _noted),
    ("LimitChanged", 5, _limited),
)
"""Name, weight and body of every type but `Opened`, which is the first event of each stream and of no other version."""


def _order_of_streams(events: int, rng: random.Random) -> list[int]:
    """The stream number of each event in global order; every stream has at least one, stream 0 the most."""
    streams = max(2, events // 20)
    longest = min(events // 5, LONGEST)
    order = [0] * longest + list(range(1, streams))
    weights = accumulate((1 / (number + 8)) ** 0.7 for number in range(1, streams))
    order += rng.choices(range(1, streams), cum_weights=list(weights), k=events - len(order))
    rng.shuffle(order)
    return order


def rows(events: int, seed: int = 1) -> Iterator[Row]:
    """`events` rows in global order, versions gapless from 1; needs at least 10 events, else ValueError."""
    if events < 10:
        raise ValueError(f"A store of {events} events has no long stream; ask for 10 or more.")
    rng = random.Random(seed)
    order = _order_of_streams(events, rng)
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(max(order) + 1)]
    versions = [0] * len(ids)
    kinds = rng.choices(BODIES, [weight for _, weight, _ in BODIES], k=events)
    moment = FIRST_MOMENT
    for number, (stream, (name, _, body)) in enumerate(zip(order, kinds, strict=True)):
        bits = rng.getrandbits(40)
        versions[stream] += 1
        moment += timedelta(seconds=bits % 241, microseconds=1 + bits % 999_983)
        if versions[stream] == 1:
            name, body = "Opened", _opened
        # In the second half deposits are of class version 2: something to upcast.
        tail = ',"class_version":2}' if name == "Deposited" and number * 2 >= events else "}"
        when = moment.isoformat(timespec="microseconds")
        head = (
            f'{{"timestamp":{{"_type_":"datetime_iso","_data_":"{when}"}},"command":"{bits * 65_537:016x}","desk":null,'
        )
        state = head + body(rng, bits) + tail
        yield ids[stream], versions[stream], f"bank:Account.{name}", state.encode()


def write(events: int, path: Path, seed: int = 1) -> None:
    """Writes a new store, in rollback mode; raises FileExistsError rather than touch what is there."""
    path.touch(exist_ok=False)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # A crash leaves rubbish, which is to be made again anyway.
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-500000")
        connection.execute(TABLE)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO stored_events VALUES (?,?,?,?)", rows(events, seed))
        connection.execute("COMMIT")


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", type=int, metavar="N")
    parser.add_argument("path", type=Path, metavar="PATH")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    write(options.events, options.path, options.seed)
    seconds = time.perf_counter() - began
    print(f"{options.path}: {options.events} events, {options.path.stat().st_size / 1e6:.0f} MB, {seconds:.1f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
