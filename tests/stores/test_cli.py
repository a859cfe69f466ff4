"""The command line by the contract, on a real store of the project's own making."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run


def when(day: int) -> str:
    return f'{{"_type_":"datetime_iso","_data_":"2024-01-{day:02d}T10:00:00+00:00"}}'


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB, "
        "PRIMARY KEY (originator_id, originator_version))"
    )
    first, second = "1" * 32, "2" * 32
    rows = [
        (first, 1, "shop:Order.Placed", f'{{"timestamp":{when(1)},"originator_topic":"shop:Order","total":"12.50"}}'),
        (second, 1, "shop:Order.Placed", f'{{"timestamp":{when(2)},"originator_topic":"shop:Order","total":"7.00"}}'),
        (first, 2, "shop:Order.Paid", f'{{"timestamp":{when(3)},"paid":true,"class_version":2}}'),
        (first, 3, "shop:Order.Noted", "not json at all"),
        (second, 2, "shop:Order.Noted", f'{{"timestamp":{when(5)},"note":"<b>x</b>","big":{10**30},"nan":NaN}}'),
    ]
    connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", [(*r[:3], r[3].encode()) for r in rows])
    connection.commit()
    connection.close()
    return path


FIRST = "11111111-1111-1111-1111-111111111111"


def out(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> bytes:
    assert run(list(arguments)) == 0
    return capfdbinary.readouterr().out


def objects(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out(capfdbinary, *arguments, "--json").splitlines()]


def refused(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> str:
    assert run(list(arguments)) == 2
    captured = capfdbinary.readouterr()
    sentence = captured.err.decode()
    assert sentence.count("\n") == 1 and "Traceback" not in sentence
    return sentence.strip()


def test_that_info_has_the_shape_of_the_contract(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    document = json.loads(out(capfdbinary, "info", str(store), "--json"))
    assert set(document) == {"address", "database", "stores"}
    (figures,) = document["stores"]
    assert figures == figures | {
        "name": "shop",
        "dialect": "eventsourcing",
        "events": 5,
        "streams": 2,
        "first_position": 1,
        "last_position": 5,
        "first_recorded_at": "2024-01-01T10:00:00+00:00",
        "last_recorded_at": "2024-01-05T10:00:00+00:00",
        "types": {"shop:Order.Noted": 2, "shop:Order.Paid": 1, "shop:Order.Placed": 2},
        "categories": {"shop:Order": 2},
        "snapshots": 0,
        "checkpoints": [],
        "undecodable": 1,
        "statuses": None,
    }
    assert set(figures) - set(figures | {}) == set() and set(figures) >= {"confidence", "evidence"}


def test_that_events_have_the_shape_of_the_contract(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    events = objects(capfdbinary, "events", str(store))
    assert events[0] == {
        "position": 1,
        "stream": FIRST,
        "category": "shop:Order",
        "version": 1,
        "type": "shop:Order.Placed",
        "schema_version": 1,
        "recorded_at": "2024-01-01T10:00:00+00:00",
        "event_id": None,
        "correlation_id": None,
        "causation_id": None,
        "transaction": None,
        "tenant": None,
        "deleted": None,
        "archived": None,
        "status": None,
        "data": {"total": "12.50"},
        "metadata": None,
    }
    assert events[2]["schema_version"] == 2
    assert events[3]["data"] is None and events[3]["undecodable"]
    assert events[4]["data"] == {"note": "<b>x</b>", "big": 10**30, "nan": "NaN"}


@pytest.mark.parametrize(
    ("arguments", "positions"),
    [
        ((), [1, 2, 3, 4, 5]),
        (("--stream", "1" * 32), [1, 3, 4]),
        (("--stream", FIRST.upper(), "--from-position", "2", "--to-position", "3"), [3]),
        (("--type", "shop:Order.Placed", "--type", "shop:Order.Paid"), [1, 2, 3]),
        (("--not-type", "shop:Order.Noted"), [1, 2, 3]),
        (("--since", "2024-01-02T10:00:00Z"), [2, 3, 5]),
        (("--until", "2024-01-02T10:00:00+00:00"), [1]),
        (("--since", "2024-01-02", "--until", "2024-01-04"), [2, 3]),
        (("--from-position", "2", "--to-position", "4"), [2, 3, 4]),
        (("--limit", "2"), [1, 2]),
        (("--type", "shop:Order.Noted", "--limit", "1"), [4]),
        (("--where", "data.total > `10`"), [1]),
        (("--where", "data.paid == `true`"), [3]),
        (("--where", "data.missing != `1`"), []),
        (("--where", "data.note > `1`"), []),
        (("--where", "contains(data.note, '<b>')"), [5]),
        (("--where", "data.big > `1000000000000000000000000`"), [5]),
        (("--where", "version == `2` && type != 'shop:Order.Paid'"), [5]),
    ],
)
def test_that_filters_choose_by_the_contract(
    store: Path, capfdbinary: pytest.CaptureFixture[bytes], arguments: tuple[str, ...], positions: list[int]
) -> None:
    assert [event["position"] for event in objects(capfdbinary, "events", str(store), *arguments)] == positions


def test_that_json_and_ndjson_are_the_same_bytes(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    lines = out(capfdbinary, "events", str(store), "--format", "ndjson")
    assert lines == out(capfdbinary, "events", str(store), "--json")
    assert str(10**30).encode() in lines


def test_that_csv_has_a_header_and_a_line_for_each_event(
    store: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    import csv
    import io

    text = out(capfdbinary, "events", str(store), "--format", "csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5 and rows[0]["data"] == '{"total":"12.50"}' and rows[3]["data"] == ""


def test_that_parquet_holds_the_same_events(store: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    target = tmp_path / "events.parquet"
    with target.open("wb") as file:
        command = [sys.executable, "-m", "esviewer", "events", str(store), "--format", "parquet"]
        subprocess.run(command, stdout=file, check=True, cwd=Path(__file__).parents[2])
    table = pyarrow.parquet.read_table(target)
    assert table.column("position").to_pylist() == ["1", "2", "3", "4", "5"]


def test_that_streams_are_listed_and_chosen(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    rows = json.loads(out(capfdbinary, "streams", str(store), "--json"))
    assert rows[0] == {
        "stream": FIRST,
        "category": "shop:Order",
        "events": 3,
        "first_position": 1,
        "last_position": 4,
        "last_recorded_at": "2024-01-03T10:00:00+00:00",
    }
    assert [
        r["stream"][0] for r in json.loads(out(capfdbinary, "streams", str(store), "--json", "--like", "2222*"))
    ] == ["2"]
    assert json.loads(out(capfdbinary, "streams", str(store), "--json", "--category", "none")) == []
    assert len(json.loads(out(capfdbinary, "streams", str(store), "--json", "--limit", "1"))) == 1


def test_that_a_state_has_the_shape_of_the_contract(store: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    state = json.loads(out(capfdbinary, "state", str(store), FIRST, "--version", "2", "--json"))
    assert state == {
        "stream": FIRST,
        "category": "shop:Order",
        "version": 2,
        "fold": "inferred",
        "state": {"total": "12.50", "paid": True},
        "blame": {
            "total": {"version": 1, "position": 1, "type": "shop:Order.Placed"},
            "paid": {"version": 2, "position": 3, "type": "shop:Order.Paid"},
        },
    }
    assert (
        json.loads(out(capfdbinary, "state", str(store), FIRST, "--at", "2024-01-01T10:00:00Z", "--json"))["version"]
        == 1
    )
    assert json.loads(out(capfdbinary, "state", str(store), FIRST, "--json"))["undecodable"] == [3]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("state", "STORE", "nobody"), "no stream"),
        (("state", "STORE", FIRST, "--version", "0"), "no version 0; it has 1 to 3"),
        (("state", "STORE", FIRST, "--version", "9"), "no version 9"),
        (("state", "STORE", FIRST, "--at", "2020-01-01"), "no event at or before"),
        (("state", "STORE", FIRST, "--at", "yesterday"), "is not a time"),
        (("state", "STORE", FIRST, "--fold", "magic"), "There is no fold 'magic': there are inferred, classes"),
        (("events", "STORE", "--where", "data.["), "not a JMESPath expression"),
        (("events", "STORE", "--stream", "nobody"), "no stream"),
        (("events", "STORE", "--format", "xml"), "is not known"),
        (("events", "STORE", "--nonsense"), "--nonsense"),
        (("info", "STORE?store=other"), "holds no store 'other'"),
        (("info", "nowhere.sqlite"), "There is no file"),
        (("info", "mongodb://x"), "not a kind of database"),
        (("report", "STORE"), "'-o'"),
        (("info",), "STORE"),
    ],
)
def test_that_what_cannot_be_done_is_one_sentence_and_status_2(
    store: Path, capfdbinary: pytest.CaptureFixture[bytes], arguments: tuple[str, ...], part: str
) -> None:
    assert part in refused(capfdbinary, *(a.replace("STORE", str(store)) for a in arguments))


def test_that_a_payload_key_that_is_none_is_refused(
    store: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ESVIEWER_KEY", "abc")
    assert "not base64" in refused(capfdbinary, "info", str(store))
    monkeypatch.setenv("ESVIEWER_KEY", "YWJj")
    assert "has 3 bytes" in refused(capfdbinary, "info", str(store))


def test_that_tables_for_people_show_stored_markup_as_text(
    store: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    shown = out(capfdbinary, "state", str(store), "2" * 32).decode()
    assert '"<b>x</b>"' in shown and str(10**30) in shown
    assert "undecodable: " in out(capfdbinary, "events", str(store)).decode()
    assert b"shop:Order.Paid" in out(capfdbinary, "info", str(store))
    assert b"total" in out(capfdbinary, "state", str(store), FIRST)


def test_that_a_closed_pipe_is_no_error(store: Path) -> None:
    command = f"{sys.executable} -m esviewer events {store} --json | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, cwd=Path(__file__).parents[2], check=False)
    assert result.stdout.count(b"\n") == 1 and result.stderr == b""


def test_that_the_window_without_a_display_says_so_and_offers_the_headless_commands(store: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [sys.executable, "-m", "esviewer", str(store)]
    result = subprocess.run(
        command, env=environment, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert result.returncode == 2
    assert "no display" in result.stderr and "esviewer info STORE" in result.stderr
