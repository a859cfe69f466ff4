"""What an open esviewer costs a Postgres that is being written to. Run it by name.

    python tests/benchmarks/bench_postgres.py [N]

A projection updates its one tracking row as fast as it can, while nothing else happens, while the store of N events is
indexed again and again, and while a cursor in a transaction reads it, which is what not to do. After each, VACUUM says
how many dead rows it could not remove: those that a snapshot still sees. Rates are against the undisturbed one.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

import psycopg

from esviewer.stores.database import open_database
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from tests.benchmarks import bench_reading
from tests.postgres import PostgresServer, installations

SECONDS = 8.0


def index_again_and_again(url: str, is_over: threading.Event) -> int:
    """Builds the index until it is over; how many events were read."""
    events = 0
    with closing(open_database(url)) as database:
        reader = database.reader(database.chosen())
        while not is_over.is_set():
            index = Index()
            build(reader, index)
            events += index.length
    return events


def hold_a_cursor(url: str, is_over: threading.Event) -> int:
    """Reads slowly within one transaction, as a naive reader does."""
    with psycopg.connect(url) as connection, connection.cursor("held") as cursor:
        cursor.itersize = 500
        cursor.execute("SELECT * FROM bank_events ORDER BY notification_id")
        for number, _ in enumerate(cursor):
            if number % 500 == 0:
                time.sleep(0.05)
            if is_over.is_set():
                return number
    return 0


def nothing(url: str, is_over: threading.Event) -> int:
    is_over.wait()
    return 0


def measure(url: str, name: str, beside: Callable[[str, threading.Event], int], usual: float | None) -> float:
    """Updates a second, with something beside it; prints them and the dead rows that are held."""
    is_over = threading.Event()
    read: list[int] = []
    other = threading.Thread(target=lambda: read.append(beside(url, is_over)))
    with psycopg.connect(url, autocommit=True) as writer:
        writer.execute("VACUUM FULL tracking")
        other.start()
        updates, end = 0, time.perf_counter() + SECONDS
        while time.perf_counter() < end:
            writer.execute("UPDATE tracking SET position = position + 1")
            updates += 1
        notices: list[str] = []
        writer.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        writer.execute("VACUUM (VERBOSE) tracking")
        is_over.set()
        other.join()
    held = [int(n) for n in re.findall(r"(\d+) are dead but not yet removable", " ".join(notices))]
    rate = updates / SECONDS
    share = f"{rate / usual:.2f} of the undisturbed rate" if usual else "undisturbed"
    print(f"  {name:30} {share}; {max(held, default=0):,} of {updates:,} dead rows held; {read[0]:,} events read")
    return rate


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    count = int(arguments[0]) if arguments else 200_000
    with PostgresServer(installations()[0]) as server:
        url = server.url(server.create_database())
        bench_reading.fill(url, count)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE tracking (position bigint)")
            connection.execute("INSERT INTO tracking VALUES (0)")
        print(f"{count:,} events")
        usual = measure(url, "nothing beside it", nothing, None)
        measure(url, "indexed by esviewer beside it", index_again_and_again, usual)
        measure(url, "a cursor in a transaction", hold_a_cursor, usual)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
