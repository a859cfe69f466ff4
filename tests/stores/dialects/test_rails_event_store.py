"""Rails Event Store: rows in its documented layout, as JSON on Postgres and as YAML bytes on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from esviewer.domain import Event, iso
from esviewer.stores.database import Database, open_database
from esviewer.stores.reader import Reader
from tests.stores.dialects.contract import DialectContract, Expected, StateAnswer


def expected_of(name: str, known: dict[str, Any], prefix: str) -> Expected:
    return Expected(
        name=name,
        dialect="rails_event_store",
        events=known["events"],
        streams=known["streams"],
        types={f"{prefix}::{kind}": n for kind, n in known["event_types"].items()},
        first_position=known["first_position"],
        last_position=known["last_position"],
        categories={f"{prefix}::{name.capitalize()}": n for name, n in known["streams_by_category"].items()},
        snapshots=0,
        checkpoints=None,
        merged=[StateAnswer(a["stream"], a["state"], events=a["after_events"]) for a in known["aggregate_states"]],
    )


class _LayoutContract(DialectContract):
    @pytest.fixture
    def known(self) -> dict[str, Any]:
        raise NotImplementedError

    def test_that_each_event_stands_in_its_own_stream_and_in_its_links(
        self, events: list[Event], known: dict[str, Any]
    ) -> None:
        assert sum(1 + len(event.links) for event in events) == known["rows_in_streams"]
        assert sum(len(event.links) for event in events) == known["link_rows"]
        absent = {e.category for e in events if e.version is None}
        assert absent == {
            c for c in {e.category for e in events} if str(c).lower().endswith(known["position_null_category"])
        }

    def test_that_a_link_stream_opens_by_name_with_its_events(self, reader: Reader, events: list[Event]) -> None:
        name = next(link for event in events for link in event.links if link.startswith("$by_type_"))
        linked = reader.stream(name)
        assert [e.key for e in linked] == [e.key for e in events if name in e.links]

    def test_that_a_time_of_validity_is_kept_beside_the_time_of_recording(
        self, events: list[Event], known: dict[str, Any]
    ) -> None:
        found = [e.position for e in events if isinstance(e.metadata, dict) and "valid_at" in e.metadata]
        assert found == known["events_with_valid_at"]

    def test_that_every_event_has_the_correlation_of_its_client(self, events: list[Event]) -> None:
        assert all(event.correlation_id and event.event_id for event in events)
        assert not any("types" in event.metadata for event in events if isinstance(event.metadata, dict))


class TestClinicPostgres(_LayoutContract):
    @pytest.fixture
    def known(self, answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        return answers("layout_res_pg")

    @pytest.fixture
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:  # type: ignore[override]
        database = open_database(shared_database("layout_res_pg", "res_pg.sql.gz"))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, known: dict[str, Any]) -> Expected:  # type: ignore[override]
        return expected_of("public", known, "Clinic")


class TestGreenhouseSqlite(_LayoutContract):
    @pytest.fixture
    def known(self, answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        return answers("layout_res_sqlite")

    @pytest.fixture
    def database(self, shared_store: Callable[[str, str], Path]) -> Iterator[Database]:  # type: ignore[override]
        database = open_database(str(shared_store("layout_res_sqlite", "res_sqlite.sqlite.gz")))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, known: dict[str, Any]) -> Expected:  # type: ignore[override]
        return expected_of("res_sqlite", known, "Greenhouse")

    def test_that_ruby_decimals_are_exact(self, events: list[Event]) -> None:
        first = events[0].data
        assert isinstance(first, dict) and first["kilos"] == Decimal("918.10")


IN_STREAMS = "CREATE TABLE event_store_events_in_streams (id integer PRIMARY KEY, stream varchar, position integer, event_id varchar, created_at datetime)"


def small(path: Path, events: str, rows: list[tuple[Any, ...]], places: list[tuple[Any, ...]]) -> Database:
    connection = sqlite3.connect(path)
    connection.execute(events)
    connection.execute(IN_STREAMS)
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO event_store_events VALUES ({marks})", rows)
    connection.executemany("INSERT INTO event_store_events_in_streams VALUES (?, ?, ?, ?, '2024-01-01')", places)
    connection.commit()
    connection.close()
    return open_database(str(path))


THREE = "CREATE TABLE event_store_events (id integer PRIMARY KEY, event_id varchar, event_type varchar, metadata text, data text, created_at datetime, valid_at datetime)"
ONE = "CREATE TABLE event_store_events (id varchar PRIMARY KEY, event_type varchar, metadata text, data text, created_at datetime)"


def test_that_version_1_is_ordered_by_its_stream_of_everything(tmp_path: Path) -> None:
    database = small(
        tmp_path / "one.sqlite",
        ONE,
        [
            ("b", "Shop::Paid", "{}", '{"n":2}', "2024-01-02 00:00:00"),
            ("a", "Shop::Placed", "{}", '{"n":1}', "2024-01-01 00:00:00"),
        ],
        [(1, "Shop::Order$1", 0, "a"), (2, "all", None, "a"), (3, "Shop::Order$1", 1, "b"), (4, "all", None, "b")],
    )
    reader = database.reader(database.stores[0])
    events = list(reader.events())
    assert [(e.position, e.stream, e.version, e.event_id, e.links) for e in events] == [
        (2, "Shop::Order$1", 0, "a", ()),
        (4, "Shop::Order$1", 1, "b", ()),
    ]
    assert reader.stream("Shop::Order$1") == events
    assert reader.at([events[1].key]) == [events[1]]
    database.close()


def test_that_links_are_in_the_order_of_linking_and_events_in_no_stream_are_shown(tmp_path: Path) -> None:
    database = small(
        tmp_path / "three.sqlite",
        THREE,
        [
            (1, "a", "Shop::Placed", '{"types":{}}', '"{\\"n\\": 1}"', "2024-01-01 00:00:00.000001", None),
            (2, "b", "Shop::Paid", None, "---\n:n: 2\n", "2024-01-02 00:00:00", "2023-01-01 00:00:00"),
            (3, "c", "Shop::Lost", "{}", "{}", "2024-01-03 00:00:00", None),
        ],
        [
            (1, "Shop::Order$1", 0, "a"),
            (2, "Shop::Order$1", 1, "b"),
            (3, "$latest", None, "b"),
            (4, "$latest", None, "a"),
        ],
    )
    reader = database.reader(database.stores[0])
    first, second, third = reader.events()
    assert first.data == {"n": 1} and first.metadata == {}
    assert second.data == {"n": 2} and second.metadata == {"valid_at": "2023-01-01T00:00:00+00:00"}
    assert iso(first.recorded_at) == "2024-01-01T00:00:00.000001+00:00"
    assert (third.stream, third.version, third.category) == (None, None, None)
    assert [e.event_id for e in reader.stream("$latest")] == ["b", "a"]
    database.close()
