"""What handlers are given and what becomes of their rows: values, statuses, keys, and nothing more than that."""

from __future__ import annotations

import functools
import json
import textwrap
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from esviewer.catalogue import files
from esviewer.catalogue.model import Upcaster
from esviewer.catalogue.status import Judge
from esviewer.catalogue.steps import Draft
from esviewer.domain import Event, StoreUnavailable
from esviewer.projections.definition import Projection, ProjectionEvent, on
from esviewer.projections.event_pass import EventPass
from esviewer.projections.explaining import OwnEvents, note_own_events
from esviewer.projections.live_table import Names
from esviewer.projections.replaying import Dispatch, Lane, no_view
from esviewer.projections.row_keys import Places
from esviewer.projections.sandbox.process import Sandbox
from esviewer.projections.sandbox.spot import Wish
from esviewer.stores.connection import Connection
from esviewer.stores.database import Database, open_database
from esviewer.stores.read_model import ReadModel
from esviewer.stores.reader import Reader
from tests.stores.test_replay import HARD, Stored, compared, made_store, replayed, rows, source

TIME = {"_type_": "datetime_iso", "_data_": "2024-01-01T00:00:00+00:00"}
AMOUNT = {"_type_": "decimal_str", "_data_": "1.50"}
OWNER = {"_type_": "uuid_hex", "_data_": "0" * 31 + "5"}


def compact(**payload: Any) -> bytes:
    """A state as the library writes it, for which there is a short way."""
    return json.dumps({"timestamp": TIME, **payload}, separators=(",", ":")).encode()


def passed(database: Database, judge: Judge | None = None, **options: Any) -> Iterator[ProjectionEvent]:
    """The events of a store as handlers are given them, without a child."""
    reader = database.reader(database.chosen())
    yield from EventPass(reader, lambda name: name != "Unwanted", no_view(), judge=judge, **options).events()
    reader.close()


# Values


def test_that_values_stand_for_the_texts_that_events_shows(tmp_path: Path) -> None:
    """One decode path: what is a text to `events` is that text, or what it says, to a handler."""
    more = [
        b'{"timestamp":"2024-01-01T00:00:00+00:00","u":{"_type_":"uuid_hex","_data_":"00000000000000000000000000000005"}}',
        b'{"u":{"_type_":"uuid_hex","_data_":"00000000-0000-0000-0000-000000000005"},"d":{"_type_":"decimal_str","_data_":5}}',
        b'{"o":{"_type_":{"_type_":"decimal_str","_data_":"1"},"x":{"_type_":"decimal_str","_data_":"2"}}}',
        b'[{"_type_":"decimal_str","_data_":"1.5"}]',
        b'{"_type_":"decimal_str","_data_":"1.5"}',
    ]
    states = [*HARD, *more]
    store = made_store(tmp_path / "a.sqlite", [("a", n, "T", state) for n, state in enumerate(states, 1)])
    with closing(open_database(str(store))) as database:
        reader = database.reader(database.chosen())
        shown = {event.position: event for event in reader.events()}
        reader.close()
        seen = {event.position: event.data for event in passed(database, mode="quarantine-event")}
    assert seen.keys() == {position for position, event in shown.items() if event.undecodable is None}
    for position, data in seen.items():
        _check_alike(shown[position].data, data)
    assert seen[len(HARD) + 1]["u"] == UUID(int=5) and seen[len(states)] == Decimal("1.5")
    assert seen[len(states) - 1] == [Decimal("1.5")]


def _check_alike(shown: Any, given: Any) -> None:
    if isinstance(given, dict):
        assert list(given) == list(shown)
        for name, value in given.items():
            _check_alike(shown[name], value)
    elif isinstance(given, list):
        assert len(given) == len(shown)
        for pair in zip(shown, given, strict=True):
            _check_alike(*pair)
    elif isinstance(shown, str) and not isinstance(given, str):
        kind = {Decimal: Decimal, UUID: UUID, datetime: datetime.fromisoformat}[type(given)]
        assert kind(shown) == given
    else:
        assert type(given) is type(shown) and repr(given) == repr(shown)


CATALOGUE = """
types:
  Moved:
    current: 2
    versions: {2: {open: true, attributes: {sum: {type: string, required: true}}}}
    upcasters: [{from: 1, to: 2, function: "shop.code:moved"}]
  Told: {versions: {1: {open: true, attributes: {name: {type: string}, owner: {type: string}}}}}
erased: [{type: Told, attributes: [name], reason: "request 114"}]
"""


@pytest.fixture
def judge(tmp_path: Path) -> tuple[Judge, list[str]]:
    """A judge whose function renames an attribute, and the calls of it."""
    path = tmp_path / "catalogue.yaml"
    path.write_text(CATALOGUE)
    calls: list[str] = []

    def runner(function: str, draft: Draft, edge: Upcaster, event: Event | None) -> list[Draft]:
        calls.append(function)
        return [Draft(draft.type, edge.target, {"sum": draft.data["amount"], "calls": len(calls)})]

    return Judge(files.load(path).catalogue, runner=runner), calls


def test_that_a_chain_is_run_once_and_what_it_moves_is_a_value(tmp_path: Path, judge: tuple[Judge, list[str]]) -> None:
    moved = {"timestamp": TIME, "amount": AMOUNT}
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "Moved", moved), ("a", 2, "Moved", moved)])
    with closing(open_database(str(store))) as database:
        seen = [(event.data, event.status) for event in passed(database, judge[0])]
    assert seen == [
        ({"sum": Decimal("1.50"), "calls": 1}, "UPCAST"),
        ({"sum": Decimal("1.50"), "calls": 2}, "UPCAST"),
    ]
    assert type(seen[0][0]["sum"]) is Decimal and len(judge[1]) == 2


def test_that_what_is_left_of_an_erased_event_holds_values(tmp_path: Path, judge: tuple[Judge, list[str]]) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "Told", {"timestamp": TIME, "owner": OWNER})])
    with closing(open_database(str(store))) as database:
        (event,) = passed(database, judge[0])
    assert event.data == {"name": None, "owner": UUID(int=5)} and event.status == "ERASED"


def test_that_the_status_is_none_without_a_catalogue(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "Told", {"timestamp": TIME})])
    with closing(open_database(str(store))) as database:
        assert [event.status for event in passed(database)] == [None]


@pytest.mark.parametrize(
    "payload", [{"n": 0.1}, {"n": 123456789012345678901234567890}, {"n": AMOUNT}, {"n": {"x": AMOUNT}}]
)
def test_that_only_what_is_read_is_made_a_value_and_it_is_exact(tmp_path: Path, payload: dict[str, Any]) -> None:
    """The way that looks at nothing but what a handler reads gives what the others give."""
    state = {"timestamp": TIME, **payload, "unread": OWNER}
    text = json.dumps(state, separators=(",", ":")).encode()
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "T", text), ("a", 2, "T", text)])
    body = """
    class Few(Projection):
        @on("T")
        def t(self, event):
            value = event.data["n"]
            self.rows[event.version] = {"n": value, "kind": type(value).__name__}

    class Whole(Projection):
        @on("T")
        def t(self, event):
            data = dict(event.data)
            self.rows[event.version] = {"n": data["n"], "kind": type(data["n"]).__name__}
    """
    path = source(tmp_path / "few.py", body)
    done = compared(store, f"{path}:Few", f"{path}:Whole")
    assert (done.verdict, done.same, done.rows) == ("complete", 2, ())


def test_that_a_failing_handler_shows_the_whole_payload_whatever_it_read(tmp_path: Path) -> None:
    events: list[Stored] = [("a", n, "T", json.dumps({"timestamp": TIME, "n": n, "owner": OWNER}, separators=(",", ":")).encode()) for n in (1, 2)]  # fmt: skip
    body = """
    class Failing(Projection):
        @on("T")
        def t(self, event):
            self.rows[event.stream] = {"n": 1 / (2 - event.data["n"])}
    """
    done = replayed(made_store(tmp_path / "a.sqlite", events), source(tmp_path / "failing.py", body))
    assert done.failure is not None
    assert done.failure.data == {"n": 2, "owner": "00000000-0000-0000-0000-000000000005"}


# Nothing more than events


def test_that_no_way_leads_from_an_event_to_the_store(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", n, "T", state) for n, state in enumerate([compact(), HARD[3]], 1)])
    with closing(open_database(str(store))) as database:
        for event in passed(database):
            seen: set[int] = set()
            pending: list[Any] = [event, type(event)]
            while pending:
                one = pending.pop()
                if id(one) in seen or isinstance(one, str | int | type(None)):
                    continue
                seen.add(id(one))
                assert not isinstance(one, Reader | Connection | Database | EventPass), one
                pending += getattr(one, "__dict__", {}).values() if not isinstance(one, type) else vars(one).values()
                pending += [
                    getattr(one, name, None) for name in getattr(type(one), "__slots__", ()) if name[:2] != "__"
                ]
                pending += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
                pending += [getattr(one, name, None) for name in ("__self__", "__func__", "__wrapped__")]
                if isinstance(one, functools.partial):
                    pending += [one.func, *one.args, *one.keywords.values()]
                pending += one if isinstance(one, list | tuple) else one.values() if isinstance(one, dict) else ()


def test_that_streams_are_looked_up_only_for_who_asks_for_their_category(tmp_path: Path) -> None:
    events: list[Stored] = [(f"s{n}", 1, "Unwanted", compact(originator_topic="shop:Cart")) for n in range(30)]
    events += [(f"s{n}", version, "shop:Cart.T", compact()) for n in range(30) for version in (2, 3)]
    store = made_store(tmp_path / "a.sqlite", events)
    with closing(open_database(str(store))) as database:

        def asking(name: str) -> tuple[set[Any], int]:
            before = len(database.log.entries())
            found = {getattr(event, name) for event in passed(database)}
            return found, len(database.log.entries()) - before

        plain = asking("stream")[1]
        assert asking("metadata") == ({None}, plain) and asking("recorded_at")[1] == plain
        assert asking("category") == ({"shop:Cart"}, plain + 30)


def test_that_an_own_failure_on_the_way_is_no_failure_of_a_handler(tmp_path: Path) -> None:
    class Reading(Projection):
        @on("T")
        def t(self, event: ProjectionEvent) -> None:
            raise StoreUnavailable("The server went away.")

    store = made_store(tmp_path / "a.sqlite", [("a", 1, "T", {})])
    projection = Reading()
    lane = Lane(projection, Dispatch(projection, None))
    with closing(open_database(str(store))) as database:
        reader = database.reader(database.chosen())
        events = EventPass(reader, lambda name: True, no_view())
        with pytest.raises(StoreUnavailable, match="went away"):
            note_own_events(lane, events, no_view(), "rows", Places(), {"a": OwnEvents()}, 1)
        reader.close()


# Files


def test_that_a_file_has_its_own_modules_and_leaves_those_of_others_alone(tmp_path: Path) -> None:
    shared = tmp_path / "one_shared"
    shared.mkdir()
    (shared / "kept.py").write_text("mark = []\n")
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "own.py").write_text(f"name = {name!r}\n")
        body = f"""
        import sys
        sys.path.append({str(shared)!r})
        import kept, own
        kept.mark.append({name!r})

        class Seen(Projection):
            @on("T")
            def t(self, event):
                self.rows[event.stream] = {{"own": own.name, "kept": list(kept.mark)}}
        """
        source(folder / "seen.py", body)
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "T", {})])
    (row,) = compared(store, tmp_path / "one" / "seen.py", tmp_path / "two" / "seen.py").rows
    assert row.a == {"own": "one", "kept": ["one", "two"]} and row.b == {"own": "two", "kept": ["one", "two"]}


# Time


def test_that_slow_handlers_end_soon_after_they_are_asked_to_and_progress_is_told(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", n, "T", {}) for n in range(1, 201)])
    body = """
    import time
    class Slow(Projection):
        @on("T")
        def t(self, event):
            self.rows[event.version] = {}
            time.sleep(0.05)
    """
    sandboxes: list[Sandbox] = []
    told: list[int] = []

    def hear(progress: Any) -> None:
        told.append(progress.read)
        sandboxes[0].ask(Wish.END)

    done = replayed(store, source(tmp_path / "slow.py", body), started=sandboxes.append, told=hear)
    assert done.verdict == "cancelled" and 0 < len(rows(done)) < 150 and told


def test_that_values_that_never_end_comparing_are_ended(tmp_path: Path) -> None:
    body = """
    class Endless:
        def __eq__(self, other):
            while True:
                pass

    class Rows(Projection):
        @on("T")
        def t(self, event):
            self.rows[event.stream] = {"x": Endless()}

    class Again(Rows):
        pass
    """
    path = source(tmp_path / "rows.py", body)
    done = compared(made_store(tmp_path / "a.sqlite", [("a", 1, "T", {})]), f"{path}:Rows", f"{path}:Again")
    assert done.verdict == "failed" and done.failure is not None and "did not end" in done.failure.sentence


# Rows and keys


def test_that_comparing_rows_that_are_none_says_so(tmp_path: Path) -> None:
    body = """
    class Rows(Projection):
        @on("T")
        def t(self, event):
            self.rows[event.stream] = 5
    """
    path = source(tmp_path / "rows.py", body)
    done = compared(made_store(tmp_path / "a.sqlite", [("a", 1, "T", {})]), path, path)
    assert done.verdict == "failed" and done.failure is not None
    assert "self.rows['a'] is 5: a row is a dict of columns" in done.failure.sentence


def test_that_an_id_and_its_text_are_one_key_unless_a_side_has_both(tmp_path: Path) -> None:
    body = """
    from uuid import UUID
    ID = UUID(int=5)
    class Left(Projection):
        @on("T")
        def t(self, event):
            self.rows[ID] = {"n": 1}
    class Right(Projection):
        @on("T")
        def t(self, event):
            self.rows[str(ID)] = {"n": 1}
    class Both(Projection):
        @on("T")
        def t(self, event):
            self.rows[ID] = {"n": 1}
            self.rows[str(ID)] = {"n": 2}
    """
    path = source(tmp_path / "keys.py", body)
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "T", {})])
    counts = [
        (done.same, done.added, done.removed, done.changed)
        for done in (compared(store, f"{path}:{a}", f"{path}:{b}") for a, b in (("Left", "Right"), ("Left", "Both")))
    ]
    assert counts == [(1, 0, 0, 0), (1, 1, 0, 0)]


def test_that_columns_named_by_numbers_have_no_counterpart_in_a_table() -> None:
    live = ReadModel("t", ("k",), ("k", "A"), {}, None)
    assert Names.of(live, {}).columns([1, "a"]) == {"a": "A"}


def test_that_tainted_rows_are_told_of_a_comparison_too(tmp_path: Path) -> None:
    events: list[Stored] = [("a", 1, "Opened", {}), ("a", 2, "Bonus", {}), ("a", 3, "Paid", {}), ("b", 1, "Opened", {})]
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text("types: {Opened: {}, Paid: {}}\n")
    body = """
    class Left(Projection):
        @on("Opened", "Paid")
        def seen(self, event):
            self.rows[event.stream] = {"n": event.version}

    class Right(Left):
        @on("Opened", "Paid")
        def seen(self, event):
            self.rows[event.stream] = {"n": self.shown(event)}

        def shown(self, event):
            return event.version

    class Odd(Left):
        @on("Opened", "Paid")
        def seen(self, event):
            self.rows[event.stream] = {"n": 0}
    """
    path = source(tmp_path / "seen.py", textwrap.dedent(body))
    store = made_store(tmp_path / "a.sqlite", events)
    for other in ("Right", "Odd"):
        # With the two in lockstep all the way, and with a difference before the event that taints.
        done = compared(store, f"{path}:Left", f"{path}:{other}", on_unknown="quarantine-event", catalogue=catalogue)
        assert done.verdict == "quarantined" and done.tainted == {"rows": ["a"]}
        assert done.as_object()["tainted"] == {"rows": ["a"]}
