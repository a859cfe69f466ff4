"""Payloads, names and columns at their worst: each row is shown, counted and kept exact; nothing raises."""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.cli import run
from esviewer.domain import Event
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.projections.paths import changes, leaves, same
from esviewer.stores.database import open_database
from tests.stores.dialects.test_eventsourcing import write_store

HTML = "<b>&amp;<img src=x onerror=alert(1)></b>"
TIME = b'"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"}'

Read = Callable[..., list[Event]]
Capture = pytest.CaptureFixture[bytes]

ROOT = Path(__file__).parents[2]
HUGE = b"9" * 5_000
LOOSE = "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB)"


def state(body: bytes) -> bytes:
    return b"{" + TIME + b"," + body + b"}"


def loose(path: Path, *rows: tuple[Any, ...]) -> Path:
    """A store without the library's key, as copies and migrations leave it: anything may stand in it twice."""
    with sqlite3.connect(path) as connection:
        connection.execute(LOOSE)
        connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows)
    connection.close()
    return path


@contextmanager
def digits_without_limit() -> Iterator[None]:
    """The standard library's JSON refuses integers of more than 4 300 digits; that is no fault of what it is given."""
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(limit)


def answer(capture: Capture, *arguments: str) -> list[Any]:
    """The lines of a command that must succeed and write nothing but JSON in UTF-8."""
    capture.readouterr()
    assert run([*arguments, "--json"]) == 0
    text = capture.readouterr().out.decode("utf-8")
    with digits_without_limit():
        return [
            json.loads(part, parse_constant=lambda token: pytest.fail(f"{token} is no JSON"))
            for part in (text.splitlines() if arguments[0] == "events" else [text])
        ]


def refused(capture: Capture, *arguments: str) -> str:
    """The one sentence of a command that cannot be done."""
    assert run(list(arguments)) == 2
    sentence = capture.readouterr().err.decode()
    assert sentence.count("\n") == 1 and sentence.isprintable() is False and sentence.rstrip("\n").isprintable()
    return sentence


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def events(*rows: tuple[Any, ...]) -> list[Event]:
        database = open_database(str(write_store(tmp_path / "hard.sqlite", list(rows))))
        try:
            return list(database.reader(database.chosen()).events())
        finally:
            database.close()

    return events


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"x":NaN', "NaN"),
        (b'"x":-Infinity', "-Infinity"),
        (b'"x":123456789012345678901234567890', 123456789012345678901234567890),
        (b'"x":0.1234567890123456789012345', "0.1234567890123456789012345"),
        (b'"x":1e400', "1E+400"),
        (rb'"x":"\ud800"', "\ud800"),
        (rb'"x":"\u0000"', "\x00"),
        (b'"x":1,"x":2', 2),
    ],
)
def test_that_values_that_json_readers_bend_are_given_out_exactly(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], body: bytes, value: object
) -> None:
    path = write_store(tmp_path / "hard.sqlite", [("a", 1, "m:A.B", state(body))])
    assert run(["events", str(path), "--json"]) == 0
    text = capfdbinary.readouterr().out.decode("utf-8")
    event = json.loads(text, parse_constant=lambda token: pytest.fail(f"{token} is no JSON"))
    assert event["data"] == {"x": value}
    assert ("notes" in event) == (body.count(b'"x"') == 2)


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        (b"", "empty"),
        (b"not json", "neither JSON"),
        (b'{"x":"\xff\xfe"}', "not valid UTF-8 at byte 6"),
        (b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "nested deeper"),
        (b'{"x":1', "cut off"),
        (b"x\x9c" + b"\x00" * 40, ""),
    ],
)
def test_that_what_cannot_be_decoded_keeps_its_bytes_and_says_why(read: Read, raw: bytes, part: str) -> None:
    (event,) = read(("a", 1, "m:A.B", raw))
    assert event.data is None and event.raw == raw
    assert event.undecodable is not None and part in event.undecodable


@pytest.mark.parametrize("raw", [b"[1, 2]", b'"text"', b"null", b"42", None, 42, '{"text": "column"}'])
def test_that_payloads_that_are_no_objects_are_shown_and_folded(read: Read, raw: object) -> None:
    (event,) = read(("a", 1, "m:A.B", raw))
    assert event.undecodable is None
    state_now = AggregateHistory([event], InferredFold()).state_at(0)
    assert state_now == (
        event.data if isinstance(event.data, dict) else {} if event.data is None else {"data": event.data}
    )


@pytest.mark.parametrize("version", ["abc", None, 1.5, b"\x01"])
def test_that_a_version_that_is_no_number_is_absent_with_a_note(read: Read, version: object) -> None:
    (event,) = read(("a", version, "m:A.B", state(b'"x":1')))
    assert event.version is None and event.data == {"x": 1}
    assert bool(event.notes) == (version is not None)


def test_that_names_of_every_kind_are_kept_as_they_are(read: Read) -> None:
    names = [HTML, "\u202eRTL אבג", "s\x1b[31mred", "x" * 10_000, "🦆", "a\nb", "[red]x[/red]"]
    events = read(*((name, 1, f"模块:{name}.已支付", state(b'"x":1')) for name in names))
    assert [event.stream for event in events] == names
    assert [event.type for event in events] == [f"模块:{name}.已支付" for name in names]


def test_that_absent_names_and_types_are_absent(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = loose(tmp_path / "hard.sqlite", (None, 1, None, state(b'"x":1')), ("a", 1, None, state(b'"x":1')))
    assert run(["info", str(path), "--json"]) == 0
    (figures,) = json.loads(capfdbinary.readouterr().out)["stores"]
    assert (figures["events"], figures["streams"], figures["types"]) == (2, 1, {})


def test_that_no_control_character_reaches_the_terminal(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    path = write_store(
        tmp_path / "hard.sqlite", [("s\x1b[31mred", 1, "m:A\x07.B", state(b'"k\\u001b[2J":"v\\u001b[1m"'))]
    )
    for command in (["info"], ["streams"], ["events"]):
        assert run([*command, str(path)]) == 0
    assert run(["state", str(path), "s\x1b[31mred"]) == 0
    assert b"\x1b" not in capfdbinary.readouterr().out


def test_that_an_empty_store_is_all_zeros(tmp_path: Path, capfdbinary: Capture) -> None:
    path = str(write_store(tmp_path / "hard.sqlite", []))
    ((figures,),) = (document["stores"] for document in answer(capfdbinary, "info", path))
    counted = ("events", "streams", "snapshots", "undecodable", "types", "categories", "checkpoints")
    assert [figures[name] for name in counted] == [0, 0, 0, 0, {}, {}, []]
    bounds = ("first_position", "last_position", "first_recorded_at", "last_recorded_at")
    assert [figures[name] for name in bounds] == [None] * 4
    assert answer(capfdbinary, "streams", path) == [[]]
    assert answer(capfdbinary, "events", path) == []
    assert "no stream 'a'" in refused(capfdbinary, "state", path, "a")
    for command in ("info", "streams", "events"):
        assert run([command, path]) == 0


def test_that_large_payloads_are_folded_and_blamed(read: Read) -> None:
    many = b",".join(b'"k%d":%d' % (i, i) for i in range(100_000))
    events = read(
        ("a", 1, "m:A.B", state(many)),
        ("a", 2, "m:A.B", state(b'"k5":7')),
        ("b", 1, "m:A.B", state(b'"x":"' + b"y" * 20_000_000 + b'"')),
    )
    history = AggregateHistory(events[:2], InferredFold())
    assert len(history.blame(1)) == 100_000 and history.blame(1)["k5"].version == 2
    assert isinstance(events[2].data, dict) and len(events[2].data["x"]) == 20_000_000


def test_that_a_list_written_whole_again_and_again_changes_by_what_is_new() -> None:
    events = [Event((n,), n, "a", "m:A", n, "m:A.Changed", data={"items": list(range(n))}) for n in range(1, 3_000)]
    history = AggregateHistory(events, InferredFold())
    assert history.state_at(2_998)["items"] == list(range(2_999))
    assert [change.path for change in history.changed[2_998]] == ["items[2998]"]
    assert history.blame(2_998)["items[7]"].version == 8


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 1) | st.decimals(0, 1, places=0) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES, VALUES, st.integers(0, 600))
def test_that_changes_are_those_found_leaf_by_leaf(before: object, after: object, shared: int) -> None:
    before, after = [*range(shared), before], [*range(shared), after]
    old, new = dict(leaves(before)), dict(leaves(after))
    expected = {path: "added" for path in new if path not in old} | {path: "removed" for path in old if path not in new}
    expected |= {path: "changed" for path in new if path in old and not same(old[path], new[path])}
    assert {change.path: change.kind for change in changes(before, after)} == expected


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        (["0.1", "0.2"], "0.3"),
        (["1234567890123456789012345678901234567890.01", "0.01"], "1234567890123456789012345678901234567890.02"),
        ([10**60, 1], 10**60 + 1),
        ([int(HUGE[:4_000]), 1], 10**4_000),
        (["1e999999", "1"], "1"),
        ([Decimal("1e1000000000"), 1], 1),
        ([Decimal("-1e-1000000000"), 1], 1),
        (["NaN", "Infinity", True, None, 5], 5),
    ],
    ids=range(8),
)
def test_that_totals_are_exact_and_leave_out_what_cannot_be_added(amounts: list[object], total: object) -> None:
    events = [
        Event((n,), n, "a", None, n, "m:A.Deposited", data={"amount": amount}) for n, amount in enumerate(amounts, 1)
    ]
    held = AggregateHistory(events, InferredFold()).state_at(len(events) - 1)["amount_total"]
    assert (str(held) if isinstance(total, str) else held) == total


@pytest.mark.parametrize(
    "body",
    [
        b'"originator_version":' + HUGE,
        b'"class_version":' + HUGE,
        b'"class_version":[1]',
        b'"timestamp":20240101',
        b'"timestamp":null',
        b'"originator_topic":null',
        b'"originator_topic":{"a":1}',
        b'"originator_id":5',
    ],
    ids=range(8),
)
def test_that_fields_of_the_library_with_other_values_stay_in_the_payload(
    tmp_path: Path, capfdbinary: Capture, body: bytes
) -> None:
    path = str(write_store(tmp_path / "hard.sqlite", [("a", 1, "m:A.B", b"{" + body + b"}")]))
    (event,) = answer(capfdbinary, "events", path)
    with digits_without_limit():
        assert event["data"] == json.loads(b"{" + body + b"}")
    assert (event["category"], event["recorded_at"]) == ("m:A", None)
    assert event["schema_version"] == (None if b"class_version" in body else 1)
    for arguments in (["events", path], ["events", path, "--format", "csv"], ["state", path, "a"]):
        assert run(arguments) == 0


def test_that_a_payload_that_is_one_wrapped_value_is_that_value(read: Read) -> None:
    (event,) = read(("a", 1, "m:A.B", b'{"_type_":"uuid_hex","_data_":"' + b"0" * 32 + b'"}'))
    assert event.data == "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("time", "recorded"),
    [
        ("0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59.999999+00:00", "9999-12-31T23:59:59.999999+00:00"),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_that_a_time_that_is_none_in_utc_stays_in_the_payload(
    tmp_path: Path, capfdbinary: Capture, time: str, recorded: str | None
) -> None:
    path = str(write_store(tmp_path / "hard.sqlite", [("a", 1, "m:A.B", json.dumps({"timestamp": time}).encode())]))
    (event,) = answer(capfdbinary, "events", path)
    assert (event["recorded_at"], event["data"]) == (recorded, {} if recorded else {"timestamp": time})
    (document,) = answer(capfdbinary, "info", path)
    assert document["stores"][0]["first_recorded_at"] == recorded


def test_that_text_that_is_no_utf_8_keeps_its_bytes(tmp_path: Path) -> None:
    path = loose(tmp_path / "hard.sqlite", ("a", 1, "m:A.B", b"{}"))
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE stored_events SET originator_id = CAST(x'61ff' AS TEXT), state = CAST(x'7b22ff22' AS TEXT)"
        )
    connection.close()
    database = open_database(str(path))
    (event,) = database.reader(database.chosen()).events()
    database.close()
    assert (event.stream, event.raw) == ("a\\xff", b'{"\xff"')
    assert event.undecodable == "not valid UTF-8 at byte 2"


def test_that_a_version_that_stands_twice_is_two_events(tmp_path: Path, capfdbinary: Capture) -> None:
    path = str(loose(tmp_path / "hard.sqlite", *(("a", 1, "m:A.B", state(b'"x":%d' % n)) for n in range(3))))
    assert [event["data"]["x"] for event in answer(capfdbinary, "events", path, "--stream", "a")] == [0, 1, 2]
    (document,) = answer(capfdbinary, "state", path, "a")
    assert (document["state"], document["version"]) == ({"x": 2}, 1)


ODD_ROWS: list[tuple[Any, ...]] = [
    ("odd", 1, "m:A.Deposited", state(b'"amount":' + HUGE)),
    ("odd", 2, "m:A.Deposited", state(b'"amount":1e1000000000')),
    ("odd", 3, "m:A.Deposited", state(rb'"a\ud800":"\ud800"')),
    ("odd", 4, "m:A.Deposited", state(b'"amount":NaN')),
    ("odd", 5, "m:A.Deposited", state(b'"amount":' + b"[" * 250 + b"]" * 250)),
    ("odd", -(2**63), "m:A.B", b"[1]"),
    ("odd", 2**63 - 1, "m:A.B", b"\xff"),
    ("odd", 1e19, "m:A.B", None),
    (None, None, None, None),
    (7, "x" * 1_000_000, 7, 7),
    ("a\nb\x1b[31m[red]x[/red]", 1, "模块:\u202e.\x07", state(b'"[/]":"[bold]"')),
]


@pytest.mark.parametrize(
    "expression",
    [
        "data.amount > `1`",
        "data.amount == data.amount",
        "to_string(@)",
        "to_number(data.amount) > `1`",
        "ceil(to_number(data.amount)) > `1`",
        "floor(`1e400`) > `1`",
        "sum(data) > `1`",
        "sort([data.amount, `1`])",
        "max_by([@], &data) || min_by([@, @], &data)",
        "contains(data, `1`)",
        "data[99999999999999999999:]",
        "length(to_string(data)) > `100`",
        "*.*[]",
    ],
)
def test_that_where_survives_every_value(tmp_path: Path, capfdbinary: Capture, expression: str) -> None:
    path = str(loose(tmp_path / "hard.sqlite", *ODD_ROWS))
    assert all("position" in event for event in answer(capfdbinary, "events", path, "--where", expression))


@pytest.mark.parametrize("expression", ["(" * 3_000 + "a" + ")" * 3_000, "!" * 3_000 + "a", "a[", ""])
def test_that_an_expression_that_is_none_is_one_sentence(tmp_path: Path, capfdbinary: Capture, expression: str) -> None:
    path = str(write_store(tmp_path / "hard.sqlite", []))
    assert "--where is not a JMESPath expression" in refused(capfdbinary, "events", path, "--where", expression)


def test_that_every_command_takes_every_row(tmp_path: Path, capfdbinary: Capture) -> None:
    path = str(loose(tmp_path / "hard.sqlite", *ODD_ROWS))
    events = answer(capfdbinary, "events", path)
    assert len(events) == len(ODD_ROWS)
    (streams,) = answer(capfdbinary, "streams", path)
    (document,) = answer(capfdbinary, "info", path)
    (figures,) = document["stores"]
    assert (figures["events"], figures["streams"], figures["undecodable"]) == (len(ODD_ROWS), 3, 1)
    assert sum(entry["events"] for entry in streams) == len(ODD_ROWS) - 1
    for entry in streams:
        assert answer(capfdbinary, "state", path, entry["stream"])[0]["stream"] == entry["stream"]
        assert run(["state", path, entry["stream"]]) == 0
    for arguments in (["info"], ["streams"], ["events"]):
        assert run([*arguments, path]) == 0
    assert b"\x1b" not in capfdbinary.readouterr().out
    assert run(["events", path, "--format", "csv"]) == 0
    csv.field_size_limit(10**7)
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [row["position"] for row in rows] == [str(event["position"]) for event in events]


@pytest.mark.parametrize("name", ["\udcff", "nul\x00", "x" * 10_000, "%", "\x1b[31m"])
def test_that_a_name_that_cannot_be_there_is_one_sentence(tmp_path: Path, capfdbinary: Capture, name: str) -> None:
    path = str(write_store(tmp_path / "hard.sqlite", [("a", 1, "m:A.B", b"{}")]))
    assert "has no stream" in refused(capfdbinary, "state", path, name)
    assert "has no stream" in refused(capfdbinary, "events", path, "--stream", name)


def test_that_positions_beyond_64_bits_are_bounds_like_others(tmp_path: Path, capfdbinary: Capture) -> None:
    path = str(write_store(tmp_path / "hard.sqlite", [("a", 1, "m:A.B", b"{}")]))
    found = {
        option: len(answer(capfdbinary, "events", path, option))
        for option in (f"--{side}-position={sign}{10**30}" for side in ("from", "to") for sign in ("", "-"))
    }
    assert list(found.values()) == [0, 1, 1, 0]
    assert "no version" in refused(capfdbinary, "state", path, "a", f"--version={10**30}")


@pytest.mark.parametrize(
    "environment", [{"LANG": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "latin-1"}]
)
def test_that_a_pipe_without_unicode_gets_escapes_and_json_in_utf_8(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    path = loose(tmp_path / "hard.sqlite", *ODD_ROWS, ("模块🦆", 1, "m:A.B", state('"名":"值"'.encode())))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LANG", "LC_", "PYTHON"))}
    for arguments in (["info"], ["events"], ["events", "--json"]):
        command = [sys.executable, "-m", "esviewer", arguments[0], str(path), *arguments[1:]]
        result = subprocess.run(command, env=kept | environment, cwd=ROOT, capture_output=True, check=False)
        assert (result.returncode, result.stderr) == (0, b"")
        if "--json" in arguments:
            assert "模块🦆" in result.stdout.decode("utf-8")


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_that_events_of_a_store_that_grows_are_each_given_once(tmp_path: Path, capfdbinary: Capture, mode: str) -> None:
    path = write_store(tmp_path / "hard.sqlite", [("a", n, "m:A.B", state(b'"x":1')) for n in range(1, 3_001)])
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
    writer.execute(f"PRAGMA journal_mode={mode}")
    writer.execute("INSERT INTO stored_events VALUES ('b', 0, 'm:A.B', x'7b7d')")
    ended, written = threading.Event(), threading.Event()

    def append() -> None:
        version = 0
        # A writer that never pauses would lock everybody else out, which no framework does.
        while not ended.wait(0.002):
            version += 1
            writer.execute("INSERT INTO stored_events VALUES ('b', ?, 'm:A.B', x'7b7d')", (version,))
            written.set()

    thread = threading.Thread(target=append)
    thread.start()
    try:
        assert written.wait(30)
        positions = [event["position"] for event in answer(capfdbinary, "events", str(path))]
    finally:
        ended.set()
        thread.join()
        writer.close()
    assert len(positions) > 3_001 and positions == list(range(1, len(positions) + 1))
