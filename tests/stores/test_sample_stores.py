"""The sample store that is shipped, and the maker of large stores for the benchmarks, read with sqlite3 alone."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import make_store

SAMPLES = Path(__file__).resolve().parents[2] / "sample_stores"
LENDING = SAMPLES / "lending.sqlite"
BUSY_COPY = "b9ae5c8f1fca4da2b744001a6aa45fe0"
LOAD_ALL = """
import sys
from uuid import UUID
from eventsourcing.utils import TopicError
from lending.application import Lending

app = Lending()
for line in sys.stdin:
    try:
        app.repository.get(UUID(line.strip()))
    except TopicError:
        print(line.strip())
app.close()
"""


@pytest.fixture
def lending() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{LENDING.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def column(connection: sqlite3.Connection, statement: str) -> list[Any]:
    return [value for (value,) in connection.execute(statement)]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **more}


def test_that_the_sample_is_in_rollback_mode_and_small() -> None:
    # Bytes 18 and 19 are 1 in rollback mode and 2 in WAL mode (sqlite.org/fileformat2.html, 1.3.3).
    assert LENDING.read_bytes()[18:20] == b"\x01\x01"
    assert LENDING.stat().st_size < 1_200_000


def test_that_positions_run_from_one_without_a_gap(lending: sqlite3.Connection) -> None:
    positions = column(lending, "SELECT rowid FROM stored_events ORDER BY rowid")
    assert len(positions) > 1_000
    assert positions == list(range(1, len(positions) + 1))


def test_that_versions_are_gapless_and_one_copy_has_a_long_life(lending: sqlite3.Connection) -> None:
    streams = lending.execute(
        "SELECT originator_id, count(*), min(originator_version), max(originator_version) FROM stored_events GROUP BY 1"
    ).fetchall()
    assert [stream for stream, count, first, last in streams if (first, last) != (1, count)] == []
    assert max((count, stream) for stream, count, _, _ in streams) == (117, BUSY_COPY)


def test_that_time_never_goes_back_and_stands_still_while_the_house_is_closed(lending: sqlite3.Connection) -> None:
    times = column(lending, "SELECT json_extract(state, '$.timestamp._data_') FROM stored_events ORDER BY rowid")
    assert times == sorted(set(times))
    months = {time[:7] for time in times}
    assert months.isdisjoint({"2023-07", "2023-08", "2024-07", "2024-08", "2025-03", "2025-04", "2025-05", "2025-06"})
    assert sum(time.startswith("2024-03") for time in times) > 200


def test_that_three_class_versions_of_started_loans_follow_each_other(lending: sqlite3.Connection) -> None:
    states = column(
        lending, "SELECT state FROM stored_events WHERE topic = 'lending.loans:Loan.Started' ORDER BY rowid"
    )
    versions = [json.loads(state).get("class_version", 1) for state in states]
    assert versions == sorted(versions)
    assert set(versions) == {1, 2, 3}
    assert {"due", "due_on", "desk"} <= {key for state in states for key in json.loads(state)}


def test_that_fines_go_on_as_charges_in_the_same_stream(lending: sqlite3.Connection) -> None:
    both = column(
        lending,
        "SELECT originator_id FROM stored_events WHERE topic LIKE 'lending.money:Fine.%' "
        "INTERSECT SELECT originator_id FROM stored_events WHERE topic LIKE 'lending.money:Charge.%'",
    )
    assert len(both) == 8


def test_that_some_payment_references_were_received_more_than_once(lending: sqlite3.Connection) -> None:
    repeated = column(
        lending,
        "SELECT json_extract(state, '$.reference') FROM stored_events WHERE topic LIKE '%.PaymentReceived' "
        "GROUP BY 1 HAVING count(*) > 1 ORDER BY 1",
    )
    assert repeated == ["PAY-00004", "PAY-00009", "PAY-00022", "PAY-00024", "PAY-00028", "PAY-00030"]


def test_that_snapshots_of_members_are_older_than_their_renamed_attribute(lending: sqlite3.Connection) -> None:
    states = [json.loads(state)["state"] for state in column(lending, "SELECT state FROM stored_snapshots")]
    members = [state for state in states if "card_no" in state]
    assert {state.get("class_version", 1) for state in members} == {1, 2}
    assert all(("name" in state) == ("class_version" in state) for state in members)


def test_that_the_last_release_loads_every_stream_but_the_holds_that_were_deferred(
    lending: sqlite3.Connection, tmp_path: Path
) -> None:
    pytest.importorskip("eventsourcing")
    deferred = column(
        lending, "SELECT DISTINCT originator_id FROM stored_events WHERE topic = 'lending.loans:Hold.Deferred'"
    )
    store = shutil.copy(LENDING, tmp_path)  # the library would turn the shipped file to WAL mode
    run = subprocess.run(
        [sys.executable, "-c", LOAD_ALL],
        input="\n".join(column(lending, "SELECT DISTINCT originator_id FROM stored_events")),
        env=environment(
            PERSISTENCE_MODULE="eventsourcing.sqlite",
            SQLITE_DBNAME=str(store),
            PYTHONPATH=str(SAMPLES / "library" / "r3"),
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert deferred
    assert sorted(run.stdout.split()) == sorted(deferred)


def check(store: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SAMPLES / "make_lending.py"), "--check", str(store)]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment())


def test_that_the_three_releases_write_the_shipped_file() -> None:
    pytest.importorskip("eventsourcing")
    run = check(LENDING)
    assert (run.returncode, run.stderr) == (0, ""), run.stdout


def test_that_the_check_tells_a_changed_state(tmp_path: Path) -> None:
    pytest.importorskip("eventsourcing")
    store = Path(shutil.copy(LENDING, tmp_path))
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE stored_events SET state = CAST('{}' AS BLOB) WHERE rowid = 40")
    run = check(store)
    assert run.returncode == 1
    assert run.stdout.startswith("The first difference: made (40, ")


def test_that_a_large_store_has_the_table_of_the_library(lending: sqlite3.Connection, tmp_path: Path) -> None:
    make_store.write(2_000, tmp_path / "large.sqlite")
    statement = "SELECT sql FROM sqlite_master WHERE name = 'stored_events'"
    with closing(sqlite3.connect(tmp_path / "large.sqlite")) as large:
        assert column(large, statement) == column(lending, statement)
        assert column(large, "SELECT max(rowid) FROM stored_events") == [2_000]


def test_that_a_large_store_has_one_long_stream_and_gapless_versions() -> None:
    lengths: dict[str, int] = {}
    for stream, version, topic, state in make_store.rows(20_000):
        lengths[stream] = lengths.get(stream, 0) + 1
        assert version == lengths[stream]
        assert topic.startswith("bank:Account.")
        assert (topic == "bank:Account.Opened") == (version == 1) == ("originator_topic" in json.loads(state))
        assert 200 <= len(state) <= 360
    assert len(lengths) == 1_000
    first, second = sorted(lengths.values(), reverse=True)[:2]
    assert (first, sum(lengths.values())) == (4_000, 20_000)
    assert second < 1_000


def test_that_a_large_store_is_the_same_every_time() -> None:
    def digest(seed: int) -> str:
        return hashlib.sha256(repr(list(make_store.rows(500, seed))).encode()).hexdigest()

    assert digest(1) == digest(1) != digest(2)


def test_that_a_large_store_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(FileExistsError):
        make_store.write(100, tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "kept"
