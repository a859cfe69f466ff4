"""cqrs-es (Rust): stores in the layouts of postgres-es and sqlite-es, with payloads as serde writes them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from esviewer.domain import Event, NotAStore, UsageError
from esviewer.stores.database import Database, open_database
from esviewer.stores.dialects.cqrs_es import CqrsEs
from esviewer.stores.reader import Reader, Window
from esviewer.stores.schema import Catalog, Table
from esviewer.stores.summary import estimate_of, summarise
from tests.postgres import OWNER, PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected, StateAnswer

KEY = "PRIMARY KEY (aggregate_type, aggregate_id, sequence)"
EVENTS = {
    # johnbcodes/sqlite-es v0.4.13
    "sqlite": """
        CREATE TABLE {name} (
            aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL, sequence INTEGER NOT NULL CHECK (sequence >= 0),
            event_type TEXT NOT NULL, event_version TEXT NOT NULL, payload TEXT NOT NULL, metadata TEXT NOT NULL,
            {key}) STRICT
    """,
    # serverlesstechnology/cqrs v0.5.0
    "postgresql": """
        CREATE TABLE {name} (
            aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint NOT NULL CHECK (sequence >= 0),
            event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL, {key})
    """,
}
SNAPSHOTS = """
    CREATE TABLE {name} (
        aggregate_type text NOT NULL, aggregate_id text NOT NULL, last_sequence bigint NOT NULL,
        current_snapshot bigint NOT NULL, payload {kind} NOT NULL,
        PRIMARY KEY (aggregate_type, aggregate_id, last_sequence))
"""
Row = tuple[str, str, int, str, str, str, str]


def row(kind: str, identity: str, sequence: int, name: str, payload: Any, metadata: Any = None) -> Row:
    return (kind, identity, sequence, name, "1.0", json.dumps(payload), json.dumps(metadata or {}))


def shop() -> list[Row]:
    """12 accounts and 12 carts with the same ids, 9 events each, latest first as no order is to be relied on."""
    rows = []
    for number in range(12):
        for kind, opened, changed in (("Account", "AccountOpened", "Credited"), ("Cart", "CartOpened", "LineAdded")):
            start = {"time": f"2026-01-{number + 1:02}T03:04:05Z"}
            rows.append(row(kind, f"id-{number}", 1, opened, {opened: {"owner": f"o{number}"}}, start))
            rows += [
                row(kind, f"id-{number}", k, changed, {changed: {"step": k, "note": "×"}}, {"user": "u"})
                for k in range(2, 10)
            ]
    return rows[::-1]


def write_sqlite(
    path: Path, tables: Mapping[str, Sequence[Row]], snapshots: Sequence[str] = (), key: str = KEY
) -> Path:
    connection = sqlite3.connect(path)
    for name, rows in tables.items():
        connection.execute(EVENTS["sqlite"].format(name=name, key=key))
        connection.executemany(f"INSERT INTO {name} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    for name in snapshots:
        connection.execute(SNAPSHOTS.format(name=name, kind="text"))
        connection.execute(f"INSERT INTO {name} VALUES ('Cart', 'id-0', 9, 2, '{{\"step\": 9}}')")
    connection.commit()
    connection.close()
    return path


class _ShopContract(DialectContract):
    name: str

    @pytest.fixture
    def expected(self) -> Expected:
        return Expected(
            name=self.name,
            dialect="cqrs_es",
            events=216,
            streams=24,
            types={"Credited": 96, "LineAdded": 96, "AccountOpened": 12, "CartOpened": 12},
            first_position=None,
            last_position=None,
            categories={"Account": 12, "Cart": 12},
            snapshots=1,
            checkpoints=None,
            merged=[
                StateAnswer("Cart/id-3", {"owner": "o3", "step": 4, "note": "×"}, version=4),
                StateAnswer("Account/id-11", {"owner": "o11"}, version=1),
            ],
        )

    def test_that_two_types_with_one_id_are_two_streams(self, reader: Reader) -> None:
        both, cart = reader.stream("id-5"), reader.stream("Cart/id-5")
        assert [(e.category, e.version) for e in both] == [
            (kind, k) for kind in ("Account", "Cart") for k in range(1, 10)
        ]
        assert cart == both[9:]
        assert {event.stream for event in both} == {"id-5"}

    def test_that_what_the_store_lacks_is_absent(self, events: list[Event]) -> None:
        assert {(e.position, e.event_id, e.transaction, e.tenant, e.deleted) for e in events} == {(None,) * 5}
        assert sum(event.recorded_at is not None for event in events) == 24
        assert {event.schema_version for event in events} == {"1.0"}

    def test_that_no_event_is_within_bounds_of_a_position(self, reader: Reader) -> None:
        assert list(reader.events(Window(from_position=0))) == [] == list(reader.events(Window(to_position=9)))

    def test_that_snapshots_are_found_by_their_stream(self, reader: Reader) -> None:
        (found,) = reader.snapshots("Cart/id-0")
        assert (found.stream, found.version, found.type, found.state) == ("id-0", 9, "Cart", {"step": 9})
        assert reader.snapshots("id-0") == [found] and reader.snapshots("Account/id-0") == []

    def test_that_an_estimate_has_no_positions(self, database: Database, expected: Expected) -> None:
        figures = estimate_of(database, database.named(expected.name))
        assert (figures["first_position"], figures["last_position"]) == (None, None)


class TestShopSqlite(_ShopContract):
    name = "shop"

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = open_database(str(write_sqlite(tmp_path / "shop.sqlite", {"events": shop()}, ["snapshots"])))
        yield database
        database.close()


class TestShopPostgres(_ShopContract):
    name = "public"

    @pytest.fixture
    def database(self, postgres: PostgresServer) -> Iterator[Database]:
        name = postgres.create_database()
        with psycopg.connect(postgres.url(name, OWNER), autocommit=True) as connection:
            connection.execute(EVENTS["postgresql"].format(name="events", key=KEY))
            connection.execute(SNAPSHOTS.format(name="snapshots", kind="json"))
            connection.cursor().executemany("INSERT INTO events VALUES (%s, %s, %s, %s, %s, %s, %s)", shop())
            connection.execute("INSERT INTO snapshots VALUES ('Cart', 'id-0', 9, 2, '{\"step\": 9}')")
        database = open_database(postgres.url(name, OWNER))
        yield database
        database.close()
        postgres.drop_database(name)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[list[Row]], list[Event]]:
    """`read(rows)` is the events of a SQLite store with these rows."""

    def events(rows: list[Row]) -> list[Event]:
        database = open_database(str(write_sqlite(tmp_path / "one.sqlite", {"events": rows})))
        reader = database.reader(database.stores[0])
        try:
            return list(reader.events())
        finally:
            database.close()

    return events


@pytest.mark.parametrize(
    ("kind", "payload", "data"),
    [
        ("Opened", {"Opened": {"a": 1}}, {"a": 1}),
        ("account.Opened", {"Opened": {"a": 1}}, {"a": 1}),
        ("AccountEvent::Opened", {"Opened": {}}, {}),
        ("Closed", "Closed", {}),
        ("Closed", {"Closed": None}, {}),
        ("name added", {"name added": {"a": 1}}, {"a": 1}),
        # Not a tag: another name, more than one member, an internal tag; or no name for what is inside.
        ("Opened", {"Account": {"a": 1}}, {"Account": {"a": 1}}),
        ("Opened", {"Opened": {"a": 1}, "b": 2}, {"Opened": {"a": 1}, "b": 2}),
        ("Opened", {"type": "Opened", "a": 1}, {"type": "Opened", "a": 1}),
        ("Moved", {"Moved": [1, 2]}, {"Moved": [1, 2]}),
        ("Opened", "something", "something"),
    ],
)
def test_that_a_tag_which_repeats_the_type_is_taken_off(
    read: Callable[[list[Row]], list[Event]], kind: str, payload: object, data: object
) -> None:
    (event,) = read([row("Account", "a", 1, kind, payload)])
    assert (event.type, event.data, event.undecodable) == (kind, data, None)


@pytest.mark.parametrize(
    ("metadata", "time"),
    [
        ({"time": "2026-01-02T03:04:05Z"}, 1_767_323_045_000_000),
        ({"timestamp": "2026-01-02T04:04:05.123456789+01:00"}, 1_767_323_045_123_456),
        ({"timestamp": "2026-01-02 03:04:05.5 UTC"}, 1_767_323_045_500_000),
        ({"timestamp": "1767323045"}, 1_767_323_045_000_000),
        ({"timestamp": "1767323045123"}, 1_767_323_045_123_000),
        ({"timestamp": "soon", "time": "2026-01-02T03:04:05Z"}, 1_767_323_045_000_000),
        ({"timestamp": "17123"}, None),
        ({"time": "yesterday"}, None),
        ({}, None),
    ],
)
def test_that_the_time_is_the_applications_own_where_it_can_be_read(
    read: Callable[[list[Row]], list[Event]], metadata: dict[str, str], time: int | None
) -> None:
    (event,) = read([row("Account", "a", 1, "Opened", {}, metadata)])
    assert (event.recorded_at, event.metadata) == (time, metadata)


def test_that_correlation_is_taken_from_metadata_in_either_spelling(read: Callable[[list[Row]], list[Event]]) -> None:
    snake, camel, bare = read(
        [
            row("A", "a", 1, "X", {}, {"correlation_id": "c", "causation_id": "d"}),
            row("A", "a", 2, "X", {}, {"correlationId": "e", "causationId": "f"}),
            row("A", "a", 3, "X", {}),
        ]
    )
    assert [(e.correlation_id, e.causation_id) for e in (snake, camel, bare)] == [("c", "d"), ("e", "f"), (None, None)]


def test_that_a_broken_payload_is_told_and_kept(read: Callable[[list[Row]], list[Event]]) -> None:
    broken, whole = read([("A", "a", 1, "X", "1.0", '{"X": ', "{"), row("A", "a", 2, "X", {"X": {"n": 1}})])
    assert broken.data is None and broken.undecodable is not None and broken.raw == b'{"X": '
    assert broken.metadata is None and any("metadata" in note for note in broken.notes)
    assert whole.data == {"n": 1}


def test_that_tables_of_other_names_are_stores_with_snapshots_of_their_own(tmp_path: Path) -> None:
    tables = {"order_events": shop()[:9], "user_events": shop()[9:12]}
    path = write_sqlite(tmp_path / "shop.sqlite", tables, ["user_snapshots"])
    database = open_database(str(path))
    summaries = summarise(database, database.stores)
    figures = [(s.found.name, s.index.length, s.snapshots, s.checkpoints) for s in summaries]
    assert figures == [("order_events", 9, 0, None), ("user_events", 3, 1, None)]
    database.close()


def test_that_several_tables_in_a_schema_are_told_by_their_name() -> None:
    columns = dict.fromkeys(
        ("aggregate_type", "aggregate_id", "event_type", "event_version", "payload", "metadata"), "text"
    )
    columns["sequence"] = "bigint"
    key = ("aggregate_type", "aggregate_id", "sequence")
    places = (("public", "order_events"), ("public", "user_events"), ("billing", "invoice_events"))
    tables = tuple(Table(name, columns, schema, key) for schema, name in places)
    assert [f.name for f in CqrsEs().find(Catalog("postgresql", tables))] == ["order", "user", "billing"]


def test_that_a_table_with_another_key_or_zitadels_columns_is_another_framework(tmp_path: Path) -> None:
    columns = dict.fromkeys(
        ("instance_id", "position", "in_tx_order", "aggregate_type", "aggregate_id", "sequence", "event_type",
         "event_version", "payload", "metadata"),
        "text",
    )  # fmt: skip
    assert CqrsEs().find(Catalog("postgresql", (Table("events2", columns, "eventstore"),))) == []
    path = write_sqlite(tmp_path / "other.sqlite", {"events": shop()[:1]}, key="PRIMARY KEY (event_type)")
    with pytest.raises(NotAStore):
        open_database(str(path))


def test_that_two_aggregates_with_one_name_are_not_folded_as_one(tmp_path: Path) -> None:
    database = open_database(str(write_sqlite(tmp_path / "shop.sqlite", {"events": shop()})))
    reader = database.reader(database.stores[0])
    with pytest.raises(UsageError, match="name one of Account/id-5, Cart/id-5"):
        reader.aggregate("id-5")
    assert len(reader.aggregate("Cart/id-5")) == 9
    database.close()
