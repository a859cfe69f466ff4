"""Emmett: its own stores on Postgres and SQLite, and layouts that it had before."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from esviewer.domain import Event
from esviewer.stores.database import Database, open_database
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.reader import Reader, Window
from esviewer.stores.summary import summarise
from tests.postgres import PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected


def expected_of(name: str, known: dict[str, Any]) -> Expected:
    return Expected(
        name=name,
        dialect="emmett",
        events=known["events"],
        streams=known["streams"],
        types=known["event_types"],
        first_position=known["first_position"],
        last_position=known["last_position"],
        categories={row["stream_type"]: row["n"] for row in known["stream_types"]},
        snapshots=0,
        checkpoints=[
            (p["processor_id"], name, int(p["last_processed_checkpoint"]), p["behind_by_positions"])
            for p in known["processors"]
        ],
    )


class _ShopContract(DialectContract):
    @pytest.fixture
    def known(self) -> dict[str, Any]:
        raise NotImplementedError

    def test_that_states_keep_the_last_value_of_what_events_carry(self, reader: Reader, known: dict[str, Any]) -> None:
        from esviewer.projections.history import AggregateHistory
        from esviewer.projections.inferred import InferredFold

        compared = 0
        for answer in known["aggregate_states"]:
            history = AggregateHistory(reader.stream(answer["stream"]), InferredFold())
            index = history.index_of_version(answer["version"])
            assert index is not None
            carried: dict[str, Any] = {}
            for event in history.events[: index + 1]:
                assert isinstance(event.data, dict)
                carried.update(event.data)
            for name, value in answer["state"].items():
                if name in carried and carried[name] == value:
                    assert history.state_at(index)[name] == value
                    compared += 1
        assert compared

    def test_that_cause_and_conversation_are_found(
        self, reader: Reader, events: list[Event], known: dict[str, Any]
    ) -> None:
        index = build(reader, Index())
        by_id = {event.event_id: event for event in events}
        caused = [event for event in events if event.causation_id in by_id]
        assert caused
        for event in caused[:50]:
            rows = index.rows_related("own", str(event.causation_id))
            found = reader.at([index.key_of(int(row)) for row in rows])
            assert by_id[event.causation_id] in found
        example = known.get("correlation_example")
        if example is None:
            return
        rows = index.rows_related("correlation", example["correlationId"])
        together = reader.at([index.key_of(int(row)) for row in rows])
        assert [event.position for event in together] == example["positions"]


class TestShopSqlite(_ShopContract):
    @pytest.fixture
    def known(self, answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        return answers("emmett_shop", "answers_sqlite.json")

    @pytest.fixture
    def database(self, shared_store: Callable[[str, str], Path]) -> Iterator[Database]:
        database = open_database(str(shared_store("emmett_shop", "emmett_shop.sqlite.gz")))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, known: dict[str, Any]) -> Expected:
        return expected_of("emmett_shop", known)


class TestShopPostgres(_ShopContract):
    @pytest.fixture
    def known(self, answers: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        return answers("emmett_shop", "answers_pg.json")

    @pytest.fixture
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:
        database = open_database(shared_database("emmett_shop", "emmett_shop_pg.sql.gz"))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, known: dict[str, Any]) -> Expected:
        return expected_of("public", known)

    def test_that_what_was_appended_together_shares_a_transaction(
        self, events: list[Event], known: dict[str, Any]
    ) -> None:
        groups: dict[str | None, list[Any]] = {}
        for event in events:
            groups.setdefault(event.transaction, []).append(event.position)
        together = sorted(positions for positions in groups.values() if len(positions) > 1)
        assert together == sorted(known["atomic_groups_positions"])

    def test_that_no_row_above_the_servers_own_transactions_is_hidden(
        self, events: list[Event], known: dict[str, Any]
    ) -> None:
        assert len(events) == known["events"]


def test_that_the_layout_of_0_31_is_read_with_its_own_column_names(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "old.sqlite")
    connection.execute(
        "CREATE TABLE emt_events (stream_id TEXT, stream_position BIGINT, partition TEXT, event_data JSONB, event_metadata JSONB,"
        " event_schema_version TEXT, event_type TEXT, event_id TEXT, is_archived BOOLEAN, global_position INTEGER PRIMARY KEY,"
        " created DATETIME)"
    )
    connection.execute(
        "CREATE TABLE emt_subscriptions (subscription_id TEXT, version INT, partition TEXT, last_processed_position BIGINT)"
    )
    connection.executemany(
        "INSERT INTO emt_events VALUES (?, ?, 'global', ?, '{}', '1', 'Opened', ?, ?, ?, '2024-01-02 03:04:05')",
        [("cart-1", 1, '{"a":1}', "x", 0, 1), ("cart-1", 2, '{"a":2}', "y", 1, 2), ("lonely", 1, "{}", "z", 0, 5)],
    )
    connection.execute("INSERT INTO emt_subscriptions VALUES ('mailer', 1, 'global', 1), ('new', 1, 'global', NULL)")
    connection.commit()
    connection.close()
    database = open_database(str(tmp_path / "old.sqlite"))
    (summary,) = summarise(database, database.stores)
    reader = database.reader(database.stores[0])
    events = list(reader.events())
    database.close()
    assert [(e.category, e.version, e.archived, e.recorded_at) for e in events] == [
        ("cart", 1, False, 1_704_164_645_000_000),
        ("cart", 2, True, 1_704_164_645_000_000),
        ("emt:unknown", 1, False, 1_704_164_645_000_000),
    ]
    assert Counter(e.schema_version for e in events) == {None: 3}
    assert [(c.consumer, c.position, c.lag) for c in summary.checkpoints or ()] == [("mailer", 1, 2), ("new", None, 3)]


def test_that_two_partitions_with_one_name_are_two_streams(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "tenants.sqlite")
    connection.execute(
        "CREATE TABLE emt_messages (stream_id TEXT, stream_position BIGINT, partition TEXT, message_kind CHAR(1),"
        " message_data JSONB, message_metadata JSONB, message_schema_version TEXT, message_type TEXT, message_id TEXT,"
        " is_archived BOOLEAN, global_position INTEGER PRIMARY KEY, created DATETIME)"
    )
    connection.executemany(
        "INSERT INTO emt_messages VALUES ('cart-1', 1, ?, 'E', '{}', '{}', '0', 'Opened', ?, 0, ?, '2024-01-02 03:04:05')",
        [("nl", "a", 1), ("de", "b", 2)],
    )
    connection.commit()
    connection.close()
    database = open_database(str(tmp_path / "tenants.sqlite"))
    reader = database.reader(database.stores[0])
    index = build(reader, Index())
    assert [index.stream_name(i) for i in range(2)] == ["nl/cart-1", "de/cart-1"]
    assert [e.tenant for e in reader.aggregate("de/cart-1")] == ["de"]
    database.close()


POSTGRES = """
CREATE SCHEMA shop;
CREATE TABLE shop.emt_messages (stream_id text, stream_position bigint, partition text, message_kind varchar(1),
    message_data jsonb, message_metadata jsonb, message_schema_version text, message_type text, message_id text,
    is_archived boolean, global_position bigint, transaction_id xid8, created timestamptz,
    PRIMARY KEY (stream_id, stream_position, partition, is_archived)) PARTITION BY LIST (partition);
CREATE TABLE shop.emt_messages_emt_default PARTITION OF shop.emt_messages FOR VALUES IN ('emt:default')
    PARTITION BY LIST (is_archived);
CREATE TABLE shop.emt_messages_emt_default_active PARTITION OF shop.emt_messages_emt_default FOR VALUES IN (false);
CREATE TABLE shop.emt_messages_emt_default_archived PARTITION OF shop.emt_messages_emt_default FOR VALUES IN (true);
CREATE TABLE shop.emt_messages_nl PARTITION OF shop.emt_messages FOR VALUES IN ('nl');
INSERT INTO shop.emt_messages SELECT stream, version, partition, kind, '{"big": "123456789012345678901"}', '{}', '1',
    'Opened', 'id-' || number, archived, number, transaction::xid8, '2024-01-02 03:04:05+00' FROM (VALUES
    ('cart-1', 1, 'emt:default', 'E', false, 1, '9223372036854775900'),
    ('cart-1', 2, 'emt:default', 'C', true, 2, '100'),
    ('cart-1', 1, 'nl', 'E', false, 4, '99'),
    ('-odd', 1, 'emt:default', 'E', false, 5, '100')
) AS t (stream, version, partition, kind, archived, number, transaction);
CREATE TABLE shop.emt_subscriptions (subscription_id text, version int, partition text, last_processed_position bigint);
INSERT INTO shop.emt_subscriptions VALUES ('forgotten', 1, 'emt:default', 1);
CREATE TABLE shop.emt_processors (processor_id text, version int, partition text, last_processed_checkpoint text);
INSERT INTO shop.emt_processors VALUES ('a', 1, 'emt:default', '0000000000000000002'),
    ('b', 1, 'emt:default', '00000000000000000100:0000000000000000004'), ('c', 1, 'emt:default', ''),
    ('d', 1, 'emt:default', NULL), ('e', 1, 'emt:default', '0');
"""


@pytest.fixture
def partitioned(postgres: PostgresServer) -> Iterator[Database]:
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(POSTGRES)
    database = open_database(postgres.url(name))
    yield database
    database.close()
    postgres.drop_database(name)


def test_that_events_stand_in_the_order_of_their_transactions_as_the_library_reads(partitioned: Database) -> None:
    assert [store.name for store in partitioned.stores] == ["shop"]
    reader = partitioned.reader(partitioned.stores[0])
    events = list(reader.events())
    # As 64-bit numbers without sign: text or bigint would order these otherwise, or fail.
    assert [(e.position, e.transaction) for e in events] == [
        (4, "99"),
        (2, "100"),
        (5, "100"),
        (1, "9223372036854775900"),
    ]
    assert list(reader.events(Window(after=events[1].key))) == events[2:]
    assert list(reader.events(Window(after=events[3].key, reverse=True))) == events[2::-1]
    assert reader.at([events[3].key]) == [events[3]]
    assert [e.position for e in reader.events(Window(from_position=2, to_position=4))] == [4, 2]
    assert [e.position for e in reader.aggregate("emt:default/cart-1")] == [1, 2]
    reader.close()


def test_that_archived_rows_commands_and_other_partitions_are_counted(partitioned: Database) -> None:
    (summary,) = summarise(partitioned, partitioned.stores)
    figures = summary.as_object()
    assert (figures["events"], figures["streams"], figures["snapshots"]) == (4, 3, 0)
    assert figures["categories"] == {"cart": 2, "emt:unknown": 1}
    assert (figures["first_position"], figures["last_position"]) == (1, 5)


def test_that_checkpoints_of_every_release_are_read_and_empty_ones_kept(partitioned: Database) -> None:
    (summary,) = summarise(partitioned, partitioned.stores)
    assert [(c.consumer, c.upstream, c.position, c.lag) for c in summary.checkpoints or ()] == [
        ("a", "shop", 2, 2),
        ("b", "shop", 4, 1),
        ("c", "shop", None, 4),
        ("d", "shop", None, 4),
        ("e", "shop", 0, 4),
    ]


def test_that_the_same_columns_under_another_name_are_less_certain(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE messages (stream_id text, stream_position bigint, partition text, message_data jsonb,"
            " message_metadata jsonb, message_schema_version text, message_type text, message_id text, is_archived boolean,"
            " global_position bigint PRIMARY KEY, created timestamptz)"
        )
        connection.execute(
            "INSERT INTO messages VALUES ('cart-1', 1, 'p', '{}', NULL, '1', 'Opened', 'i', false, 3, now())"
        )
        connection.execute(
            "CREATE TABLE subscriptions (subscription_id text, partition text, version int, last_processed_position bigint)"
        )
        connection.execute("INSERT INTO subscriptions VALUES ('mailer', 'p', 1, 2)")
    database = open_database(postgres.url(name))
    (summary,) = summarise(database, database.stores)
    database.close()
    postgres.drop_database(name)
    assert 0.8 < summary.found.confidence <= 0.9
    assert summary.index.length == 1
    assert [(c.consumer, c.position, c.lag) for c in summary.checkpoints or ()] == [("mailer", 2, 1)]
