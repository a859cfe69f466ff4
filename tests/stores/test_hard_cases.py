"""Payloads, names and columns at their worst: each row is shown, counted and kept exact; nothing raises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run
from esviewer.domain import Event
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.stores.database import open_database
from tests.stores.dialects.test_eventsourcing import write_store

HTML = "<b>&amp;<img src=x onerror=alert(1)></b>"
TIME = b'"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"}'

Read = Callable[..., list[Event]]


def state(body: bytes) -> bytes:
    return b"{" + TIME + b"," + body + b"}"


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
    assert read.__closure__ is not None


def test_that_absent_names_and_types_are_absent(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = write_store(tmp_path / "hard.sqlite", [(None, 1, None, state(b'"x":1')), ("a", 1, None, state(b'"x":1'))])
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


def test_that_an_empty_store_is_all_zeros(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = write_store(tmp_path / "hard.sqlite", [])
    assert run(["info", str(path), "--json"]) == 0
    (figures,) = json.loads(capfdbinary.readouterr().out)["stores"]
    assert [figures[k] for k in ("events", "streams", "types", "categories", "first_position", "last_recorded_at")] == [
        0,
        0,
        {},
        {},
        None,
        None,
    ]
    for command in ("streams", "events"):
        assert run([command, str(path), "--json"]) == 0
    assert capfdbinary.readouterr().out == b"[]\n"
    assert run(["state", str(path), "a"]) == 2


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


def test_that_a_list_written_whole_again_and_again_stays_bearable() -> None:
    events = [Event((n,), n, "a", "m:A", n, "m:A.Changed", data={"items": list(range(n))}) for n in range(1, 400)]
    history = AggregateHistory(events, InferredFold())
    assert history.state_at(398)["items"] == list(range(399))
    assert [change.path for change in history.changed[398]] == ["items[398]"]
