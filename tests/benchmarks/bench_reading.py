"""What the envelope costs: events a second of the reader and of the index, against the bare driver. Run it by name.

python tests/benchmarks/bench_reading.py [N]

Bare is the driver's own cursor over the same columns, 500 rows at a time, each state through orjson and nothing else;
rows is the same without orjson, on SQLite. Drafts are events before they are made such. All ways are taken in turn, several times over, and the best round of each counts: only their ratios mean anything.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import psycopg

from esviewer.stores.database import Database, open_database
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from tests.benchmarks import make_store
from tests.postgres import PostgresServer, installations

ROUNDS = 4
CHUNK = 500
TABLE = (
    "CREATE TABLE bank_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
    " notification_id bigserial, PRIMARY KEY (originator_id, originator_version))"
)
NOTIFICATIONS = "CREATE UNIQUE INDEX ON bank_events (notification_id)"
COLUMNS = "originator_id, originator_version, topic, state"


def bare_sqlite(path: Path, *, decode: bool = True) -> int:
    """Reads and decodes all states; how many there were."""
    with closing(sqlite3.connect(path)) as connection:
        cursor = connection.execute(f"SELECT rowid, {COLUMNS} FROM stored_events ORDER BY rowid")
        count = 0
        while rows := cursor.fetchmany(CHUNK):
            if decode:
                for row in rows:
                    orjson.loads(row[4])
            count += len(rows)
        return count


def bare_postgres(url: str) -> int:
    """As :func:`bare_sqlite`."""
    statement = f"SELECT notification_id, {COLUMNS} FROM bank_events ORDER BY notification_id"
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor(binary=True) as cursor:
        count = 0
        for row in cursor.stream(statement, size=CHUNK):
            orjson.loads(row[4])
            count += 1
        return count


def read(database: Database) -> int:
    """Reads all events; how many there were."""
    reader = database.reader(database.chosen())
    try:
        return sum(1 for _ in reader.events())
    finally:
        reader.close()


def drafts(database: Database) -> int:
    """As :func:`read`, without making events."""
    reader = database.reader(database.chosen())
    try:
        return sum(1 for _ in reader.drafts())
    finally:
        reader.close()


def index(database: Database) -> int:
    """Builds the index; how many events it holds."""
    reader = database.reader(database.chosen())
    try:
        return build(reader, Index()).length
    finally:
        reader.close()


def fill(url: str, events: int) -> None:
    """The same events in a table of eventsourcing on Postgres (postgres.py, 9.5.6)."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
        with connection.cursor().copy(f"COPY bank_events ({COLUMNS}) FROM STDIN") as copy:
            for row in make_store.rows(events):
                copy.write_row(row)
        connection.execute(NOTIFICATIONS)
        connection.execute("VACUUM ANALYZE bank_events")


def measure(title: str, events: int, ways: dict[str, Callable[[], int]]) -> None:
    """Prints events a second of each way and its rate as a part of the bare one's."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            found = way()
            best[name] = min(best[name], time.perf_counter() - began)
            if found != events:
                raise SystemExit(f"{title}, {name}: {found} events instead of {events}.")
    for name, seconds in best.items():
        line = f"{title:9} {name:6} {events / seconds:9,.0f} events/s, {best['bare'] / seconds:5.2f} of the bare rate"
        print(f"{line}, {best['rows'] / seconds:5.2f} of rows alone" if "rows" in best else line)


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    events = int(arguments[0]) if arguments else 200_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bank.sqlite"
        make_store.write(events, path)
        with closing(open_database(str(path))) as database:
            ways = {
                "rows": lambda: bare_sqlite(path, decode=False),
                "bare": lambda: bare_sqlite(path),
                "drafts": lambda: drafts(database),
                "events": lambda: read(database),
                "index": lambda: index(database),
            }
            measure("SQLite", events, ways)
    with PostgresServer(installations()[0]) as server:
        url = server.url(server.create_database())
        fill(url, events)
        with closing(open_database(url)) as database:
            ways = {
                "bare": lambda: bare_postgres(url),
                "events": lambda: read(database),
                "index": lambda: index(database),
            }
            measure("Postgres", events, ways)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
