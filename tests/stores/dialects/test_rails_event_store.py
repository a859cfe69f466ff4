"""Rails Event Store: rows in its documented layout, as JSON on Postgres and as YAML bytes on SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from esviewer.domain import Event, NotAStore, iso
from esviewer.stores.database import Database, open_database
from esviewer.stores.reader import Reader, Window
from tests.postgres import OWNER, PostgresServer
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
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:
        database = open_database(shared_database("layout_res_pg", "res_pg.sql.gz"))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, known: dict[str, Any]) -> Expected:
        return expected_of("public", known, "Clinic")


class TestGreenhouseSqlite(_LayoutContract):
    @pytest.fixture
    def known(self, answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        return answers("layout_res_sqlite")

    @pytest.fixture
    def database(self, shared_store: Callable[[str, str], Path]) -> Iterator[Database]:
        database = open_database(str(shared_store("layout_res_sqlite", "res_sqlite.sqlite.gz")))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, known: dict[str, Any]) -> Expected:
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


def test_that_version_1_loses_no_event_without_its_row_in_all(tmp_path: Path) -> None:
    rows = [(name, "Shop::Placed", None, "{}", "2024-01-01 00:00:00") for name in "abc"]
    places = [
        (1, "Shop::Order$1", 0, "c"),
        (2, "$latest", None, "c"),
        (3, "all", None, "a"),
        (4, "Shop::Order$2", 0, "a"),
        (5, "all", None, "b"),
    ]
    database = small(tmp_path / "one.sqlite", ONE, rows, places)
    reader = database.reader(database.stores[0])
    events = list(reader.events())
    assert [(e.position, e.event_id, e.stream, e.links) for e in events] == [
        (1, "c", "Shop::Order$1", ("$latest",)),
        (3, "a", "Shop::Order$2", ()),
        (5, "b", None, ()),
    ]
    assert list(reader.events(Window(reverse=True))) == events[::-1]
    database.close()


def test_that_a_technical_stream_is_home_only_where_there_is_no_other(tmp_path: Path) -> None:
    rows = [(n, name, "Shop::Placed", None, "{}", "2024-01-01 00:00:00", None) for n, name in ((1, "a"), (2, "b"))]
    places = [
        (1, "$by_type_Shop::Placed", None, "a"),
        (2, "Shop::Order$1", None, "a"),
        (3, "$by_type_Shop::Placed", None, "b"),
    ]
    database = small(tmp_path / "three.sqlite", THREE, rows, places)
    first, second = database.reader(database.stores[0]).events()
    assert (first.stream, first.category, first.links) == (
        "Shop::Order$1",
        "Shop::Order",
        ("$by_type_Shop::Placed",),
    )
    assert (second.stream, second.category, second.links) == ("$by_type_Shop::Placed", None, ())
    database.close()


@pytest.mark.parametrize("layout", [THREE, ONE])
def test_that_streams_are_not_looked_up_event_by_event(tmp_path: Path, layout: str) -> None:
    """Old installations have no index on event_id: there each look-up would read the whole table of streams."""
    rows: list[tuple[Any, ...]] = [("a", "Shop::Placed", None, "{}", "2024-01-01 00:00:00")]
    if layout == THREE:
        rows = [(1, *rows[0], None)]
    database = small(tmp_path / "plan.sqlite", layout, rows, [(1, "all", None, "a")])
    list(database.reader(database.stores[0]).events())
    sent = database.log.entries()[-1].statement
    connection = sqlite3.connect(tmp_path / "plan.sqlite")
    plan = connection.execute(f"EXPLAIN QUERY PLAN {sent}", (1,) * sent.count("?")).fetchall()
    connection.close()
    steps = {number: (parent, step) for number, parent, _, step in plan}
    (above,) = [parent for parent, step in steps.values() if "own" in step.split()]
    while above:
        above, step = steps[above]
        assert "CORRELATED" not in step
    database.close()


def test_that_snapshots_are_counted_and_stand_under_their_aggregate(tmp_path: Path) -> None:
    kind = "AggregateRoot::SnapshotRepository::Snapshot"
    kept = "---\n:marshal: BAhv\n:last_event_id: a\n:version: 7\n"
    rows = [
        (1, "a", "Shop::Placed", None, "---\n:n: 1\n", "2024-01-01 00:00:00", None),
        (2, "s", kind, None, kept, "2024-01-02 00:00:00", None),
    ]
    places = [
        (1, "Shop::Order$1", 0, "a"),
        (2, "Shop::Order$1_snapshots", None, "s"),
        (3, f"$by_type_{kind}", None, "s"),
    ]
    database = small(tmp_path / "three.sqlite", THREE, rows, places)
    reader = database.reader(database.stores[0])
    assert reader.snapshot_count() == 1
    (snapshot,) = reader.snapshots("Shop::Order$1")
    assert reader.snapshots() == [snapshot]
    assert (snapshot.stream, snapshot.version, iso(snapshot.recorded_at)) == (
        "Shop::Order$1",
        7,
        "2024-01-02T00:00:00+00:00",
    )
    assert [e.event_id for e in reader.stream("Shop::Order$1_snapshots")] == ["s"]
    assert reader.snapshots("Shop::Order$2") == []
    database.close()


def test_that_the_table_of_versions_before_0_19_is_named_and_not_misread(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.sqlite")
    connection.execute(
        "CREATE TABLE event_store_events (id integer PRIMARY KEY, stream varchar, event_type varchar,"
        " event_id varchar, metadata text, data text, created_at datetime)"
    )
    connection.close()
    with pytest.raises(NotAStore, match=r"before 0\.19"):
        open_database(str(tmp_path / "old.sqlite"))


@pytest.fixture
def sequel(postgres: PostgresServer) -> Iterator[str]:
    """A database with the store in a schema of its own, ids as varchar beside uuid, and JSON that is JSON again."""
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name, OWNER), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ordering")
        connection.execute("SET search_path = ordering")
        connection.execute(
            "CREATE TABLE event_store_events (id bigserial PRIMARY KEY, event_id varchar(36) UNIQUE,"
            " event_type varchar, metadata json, data json, created_at timestamp, valid_at timestamp)"
        )
        connection.execute(
            "CREATE TABLE event_store_events_in_streams (id bigserial PRIMARY KEY, stream varchar,"
            " position int, event_id uuid, created_at timestamp)"
        )
        own = "00000000-0000-4000-8000-00000000000a"
        again = '"{\\"note\\": \\"\x7f\\", \\"n\\": 123456789012345678901234567890}"'
        connection.execute(
            "INSERT INTO event_store_events (event_id, event_type, metadata, data, created_at)"
            " VALUES (%s, 'Placed', %s, %s, '2024-01-01'), (%s, 'Paid', NULL, ' {\"n\": 1e2}', '2024-01-02')",
            [own, '"{\\"correlation_id\\": \\"k\\", \\"types\\": {}}"', again, own.replace("a", "b")],
        )
        connection.execute(
            "INSERT INTO event_store_events_in_streams (stream, position, event_id) VALUES ('Order$1', NULL, %s)",
            [own],
        )
    yield name
    postgres.drop_database(name)


def test_that_postgres_ids_of_two_types_are_joined_and_json_is_read_as_json(
    postgres: PostgresServer, sequel: str
) -> None:
    database = open_database(postgres.url(sequel, OWNER))
    assert [store.name for store in database.stores] == ["ordering"]
    reader = database.reader(database.stores[0])
    first, second = reader.events()
    assert (first.stream, first.version, first.category, first.correlation_id) == ("Order$1", None, "Order", "k")
    assert first.data == {"note": "\x7f", "n": 123456789012345678901234567890}
    assert first.metadata == {"correlation_id": "k"}
    assert (second.stream, second.data) == (None, {"n": 100.0})
    assert reader.stream("Order$1") == [first]
    assert reader.at([second.key]) == [second]
    database.close()


def test_that_events_are_shown_without_streams_to_a_role_that_may_not_read_them(
    postgres: PostgresServer, sequel: str
) -> None:
    role = postgres.role("reads_events_only", "SELECT", sequel)
    with psycopg.connect(postgres.url(sequel, OWNER), autocommit=True) as connection:
        connection.execute(f"REVOKE SELECT ON ordering.event_store_events_in_streams FROM {role}")
    database = open_database(postgres.url(sequel, role))
    (store,) = database.stores
    reader = database.reader(store)
    assert [(e.stream, e.version, e.type) for e in reader.events()] == [(None, None, "Placed"), (None, None, "Paid")]
    assert "cannot be read" in store.evidence[-1]
    database.close()
