"""The index: figures from columns, and keeping up with the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from esviewer.stores.database import open_database
from esviewer.stores.index import Index
from esviewer.stores.index_building import build, tail
from tests.stores.dialects.test_eventsourcing import write_store


def payload(number: int) -> bytes:
    return b'{"n":%d}' % number


def test_that_a_tail_adds_what_is_new_and_finds_what_was_committed_late(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", [("s", n, "m:A.B", payload(n)) for n in range(1, 21)])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("UPDATE stored_events SET rowid = rowid + 1 WHERE rowid = 20")
    database = open_database(str(path))
    reader = database.reader(database.chosen())
    index = build(reader, Index())
    assert [index.position_of(row) for row in (18, 19)] == [19, 21]
    assert tail(reader, index) == 20
    writer.execute(
        "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state) VALUES (30, 't', 1, 'm:C.D', '{}')"
    )
    assert tail(reader, index) == 20 and index.length == 21
    writer.execute(
        "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state) VALUES (20, 'u', 1, 'm:C.D', '{}')"
    )
    assert tail(reader, index) == 19 and index.length == 22
    assert index.column("position").tolist() == [*range(1, 20), 20, 21, 30]
    assert index.type_counts() == {"m:A.B": 20, "m:C.D": 2}
    fresh = build(reader, Index())
    assert {e.name: (e.events, e.first, e.last) for e in index.stream_entries()} == {
        e.name: (e.events, e.first, e.last) for e in fresh.stream_entries()
    }
    database.close()
    writer.close()


def test_that_a_look_back_shorter_than_the_store_reads_only_the_end(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", [("s", n, "m:A.B", payload(n)) for n in range(1, 101)])
    database = open_database(str(path))
    reader = database.reader(database.chosen())
    index = build(reader, Index())
    before = len(database.log.entries())
    assert tail(reader, index, look_back=10) == 100
    (entry,) = database.log.entries()[before:]
    assert entry.rows == 10
    database.close()


def test_that_lag_counts_events_and_not_positions(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", [("s", n, "m:A.B", payload(n)) for n in range(1, 11)])
    connection = sqlite3.connect(path)
    connection.execute("UPDATE stored_events SET rowid = rowid + 100 WHERE rowid > 5")
    connection.commit()
    connection.close()
    database = open_database(str(path))
    index = build(database.reader(database.chosen()), Index())
    assert [index.events_after(position) for position in (None, 0, 4, 50, 110)] == [10, 10, 6, 5, 0]
    database.close()
