"""Writes `lending.sqlite` with the real `eventsourcing` library, or checks that the shipped file is what it writes.

    python sample_stores/make_lending.py            writes sample_stores/lending.sqlite anew
    python sample_stores/make_lending.py FILE       writes it elsewhere
    python sample_stores/make_lending.py --check    writes it into a temporary folder and compares; 1 when different

The three releases under `library/` run one after another on the same file, each in a process of its own, because
they share their module names, as releases of a real deployment do.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock
from uuid import UUID

HERE = Path(__file__).resolve().parent
SHIPPED = HERE / "lending.sqlite"
RELEASES = (1, 2, 3)
SEED = 2023


def run_release(release: int, store: Path) -> None:
    """Lets release 1, 2 or 3 live its part of the calendar in `store`; ids go on in `store`'s folder, `known.json`."""
    sys.path.insert(0, str(HERE / "library" / f"r{release}"))
    os.environ.update({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(store)})
    lending = importlib.import_module("lending.application")
    from lending_days import CALENDAR, Clock, Department, Known

    rng = random.Random(SEED + release)
    clock = Clock(datetime.combine(CALENDAR[release][0].first, datetime.min.time(), UTC), rng)
    notes = store.parent / "known.json"
    known = Known(**json.loads(notes.read_text())) if release > 1 else Known([], [], [], [], [], [], 0)
    # Time and ids of the library come from these two names (eventsourcing/domain.py, 9.5.6).
    with (
        mock.patch("eventsourcing.domain.datetime_now_with_tzinfo", clock),
        mock.patch("eventsourcing.domain.uuid4", lambda: UUID(int=rng.getrandbits(128), version=4)),
    ):
        Department(release, lending, rng, clock, known).live()
    notes.write_text(json.dumps(asdict(known)))


def make(folder: Path) -> Path:
    """A new `lending.sqlite` in `folder`, in rollback mode; raises CalledProcessError when a release fails."""
    store = folder / "lending.sqlite"
    for release in RELEASES:
        subprocess.run([sys.executable, "-B", __file__, "--release", str(release), str(store)], check=True)
    # The library leaves the file in WAL mode, in which even reading makes two side files. No VACUUM: positions are
    # rowids, which it may renumber.
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("PRAGMA journal_mode=DELETE")
    return store


def rows_of(store: Path) -> list[tuple[object, ...]]:
    """Every event by position, then every snapshot by stream and version, all columns."""
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
        events = connection.execute("SELECT rowid, * FROM stored_events ORDER BY rowid").fetchall()
        return events + connection.execute("SELECT * FROM stored_snapshots ORDER BY 1, 2").fetchall()


def differences(made: Path, shipped: Path) -> list[str]:
    """One sentence for the number of rows and one for the first row that differs; empty when all are the same."""
    ours, theirs = rows_of(made), rows_of(shipped)
    found = [] if len(ours) == len(theirs) else [f"{len(ours)} rows were made, {len(theirs)} are shipped."]
    for mine, other in zip(ours, theirs, strict=False):
        if mine != other:
            return [*found, f"The first difference: made {mine!r}, shipped {other!r}."]
    return found


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=SHIPPED)
    parser.add_argument("--check", action="store_true", help="compare FILE with a new one, write nothing")
    parser.add_argument("--release", type=int, choices=RELEASES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    target: Path = options.file.resolve()
    if options.release:
        run_release(options.release, target)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder))
        if options.check:
            found = differences(made, target)
            print(*(found or [f"{target.name} is what the three releases write."]), sep="\n")
            return 1 if found else 0
        shutil.copyfile(made, target)
        print(f"{target}: {len(rows_of(target))} events and snapshots, {target.stat().st_size} bytes.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
