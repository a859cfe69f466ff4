"""Message DB: a store written by its own functions, with Eventide's conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from esviewer.domain import Event
from esviewer.stores.database import Database, open_database
from esviewer.stores.dialects.message_db import category_of, consumer_of
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.reader import Reader
from esviewer.stores.summary import summarise
from tests.postgres import PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected


class TestBank(DialectContract):
    @pytest.fixture
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:
        database = open_database(shared_database("message_db_bank", "message_db_bank.sql.gz"))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, answers: Callable[..., dict[str, Any]]) -> Expected:
        known = answers("message_db_bank")
        return Expected(
            name="message_store",
            dialect="message_db",
            events=known["events"],
            streams=known["streams"],
            types=known["event_types"],
            first_position=known["first_position"],
            last_position=known["last_position"],
            categories=known["streams_by_category"],
            snapshots=known["categories"]["account:snapshot"],
            checkpoints=[
                (consumer_of(c["stream"])[0], c["follows"], c["position"], c["behind_by_messages"])
                for c in known["consumers"]
            ],
        )

    def test_that_causes_are_found_by_stream_and_position(
        self, reader: Reader, events: list[Event], answers: Callable[..., dict[str, Any]]
    ) -> None:
        known = answers("message_db_bank")["causation"]
        places = {(event.stream, event.version) for event in events}
        caused = [event for event in events if event.causation_id is not None]
        assert len(caused) == known["caused_messages"]
        named = [str(event.causation_id).rpartition("/") for event in caused]
        assert sum((stream, int(version)) not in places for stream, _, version in named) == known["dangling"]
        index = build(reader, Index())
        deepest = next(e for e in events if e.position == known["deepest_example"]["global_position"])
        rows = index.rows_related("cause", str(reader.dialect.related(deepest).own))
        effects = [e.position for e in reader.at([index.key_of(int(row)) for row in rows])]
        assert effects == [child["global_position"] for child in known["deepest_example"]["children"]]

    def test_that_snapshots_belong_to_the_entity_they_were_taken_of(self, reader: Reader) -> None:
        taken = reader.snapshots()
        assert all(snapshot.stream.startswith("account-") for snapshot in taken)
        one = taken[0].stream
        assert reader.snapshots(one) == [snapshot for snapshot in taken if snapshot.stream == one]
        assert isinstance(taken[0].version, int)


@pytest.mark.parametrize(
    ("stream", "consumer", "followed"),
    [
        ("account:position", "account:position", "account"),
        ("account:position-statement", "statement", "account"),
        ("account:command+position-component-a", "component-a", "account:command"),
        ("position-mailer-account", "mailer", "account"),
        ("shop::order:command+position-x", "x", "shop::order:command"),
        ("shop::position-x", "shop::position-x", None),
        ("account-position", "account-position", None),
        ("account:snapshot-1", "account:snapshot-1", None),
    ],
)
def test_that_a_position_stream_names_its_consumer(stream: str, consumer: str, followed: str | None) -> None:
    assert consumer_of(stream) == (consumer, followed)


def test_that_the_category_ends_at_the_first_dash() -> None:
    assert [category_of(s) for s in ("account-1-2", "account:command-1", "account")] == [
        "account",
        "account:command",
        "account",
    ]


def test_that_protean_names_what_a_subscriber_follows_even_with_dashes() -> None:
    assert consumer_of("position-shop.Mailer-shop::order-fact", "shop::order-fact") == (
        "shop.Mailer",
        "shop::order-fact",
    )
    assert consumer_of("position-shop.Mailer-$all", "$all") == ("shop.Mailer", "$all")


MESSAGES = (
    "CREATE TABLE {schema}.messages (id uuid NOT NULL DEFAULT gen_random_uuid(), stream_name varchar NOT NULL,"
    " type varchar NOT NULL, position bigint NOT NULL, global_position bigserial PRIMARY KEY, data jsonb, metadata jsonb,"
    " time timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'utc'))"
)
"""As before 1.2.4 of Message DB: the columns in another order, varchar for text."""
INDEX = "CREATE UNIQUE INDEX ON {schema}.messages (stream_name, position)"


@pytest.fixture
def build_store(postgres: PostgresServer) -> Iterator[Callable[..., Database]]:
    """`build_store([(stream, position, type, data, metadata), …], schema="public", indexed=True)` opened."""
    opened: list[tuple[Database, str]] = []

    def make(rows: list[tuple[Any, ...]], *, schema: str = "public", indexed: bool = True) -> Database:
        name = postgres.create_database()
        with psycopg.connect(postgres.url(name), autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
            connection.execute(MESSAGES.format(schema=schema).encode())
            if indexed:
                connection.execute(INDEX.format(schema=schema).encode())
            insert = f"INSERT INTO {schema}.messages (stream_name, position, type, data, metadata) VALUES (%s, %s, %s, %s, %s)"
            connection.cursor().executemany(insert.encode(), rows)
        opened.append((open_database(postgres.url(name)), name))
        return opened[-1][0]

    yield make
    for database, name in opened:
        database.close()
        postgres.drop_database(name)


PROTEAN = (
    '{"headers": {"id": "h1"}, "domain": {"correlation_id": "c", "causation_id": "h0", "version": "v3", "fqn": "x"}}'
)
OLD_PROTEAN = '{"id": "h7", "fqn": "shop.Paid", "kind": "EVENT", "version": "v2"}'
READ = '{"headers": {"id": "r"}, "domain": {"kind": "READ_POSITION", "origin_stream": "%s"}}'


def test_that_proteans_messages_keep_their_own_ids_and_versions(build_store: Callable[..., Database]) -> None:
    database = build_store(
        [
            ("shop::order-1", 0, "Shop.Placed.v3", "{}", PROTEAN),
            ("shop::order-1", 1, "Shop.Paid", None, OLD_PROTEAN),
            ("shop::order-1", 2, "Shop.Sent.v1", None, None),
        ],
        schema="store",
    )
    reader = database.reader(database.stores[0])
    placed, paid, sent = reader.stream("shop::order-1")
    assert (placed.event_id, placed.correlation_id, placed.causation_id, placed.schema_version) == ("h1", "c", "h0", 3)
    assert (paid.event_id, paid.schema_version) == ("h7", 2)
    assert (sent.schema_version, sent.data, sent.undecodable) == (1, None, None)
    assert [reader.dialect.related(event).own for event in (placed, paid, sent)] == ["h1", "h7", "shop::order-1/2"]
    assert {event.category for event in (placed, paid, sent)} == {"shop::order"}
    assert (database.stores[0].name, database.stores[0].dialect.name) == ("store", "message_db")


@pytest.mark.parametrize("indexed", [True, False])
def test_that_lag_counts_the_messages_of_the_followed_category(
    build_store: Callable[..., Database], indexed: bool
) -> None:
    database = build_store(
        [
            ("account-1", 0, "Opened", "{}", None),
            # The newest is the one with the highest position, wherever it stands in the table.
            ("account:position", 1, "Recorded", '{"position": 4}', None),
            ("account:position", 0, "Recorded", '{"position": 1}', None),
            ("account-1", 1, "Deposited", "{}", None),
            ("account:command-1", 0, "Close", "{}", None),
            ("account-2", 0, "Opened", "{}", None),
            ("position-shop.Mailer-account", 0, "Read", '{"position": 1}', READ % "account"),
            ("position-shop.Audit-$all", 0, "Read", '{"position": 6}', READ % "$all"),
            # Somebody's stock exchange, and a consumer whose last word cannot be read.
            ("position-77-long", 0, "Read out", '{"position": 3}', None),
            ("account:command+position-x", 0, "Recorded", '{"position": "many"}', None),
        ],
        indexed=indexed,
    )
    (summary,) = summarise(database, database.stores)
    assert [(c.consumer, c.upstream, c.position, c.lag) for c in summary.checkpoints or ()] == [
        ("x", "account:command", None, 1),
        ("account:position", "account", 4, 1),
        ("shop.Audit", "$all", 6, 4),
        ("shop.Mailer", "account", 1, 2),
    ]


def test_that_snapshots_of_eventide_and_protean_show_the_entitys_version(
    build_store: Callable[..., Database],
) -> None:
    database = build_store(
        [
            ("account:snapshot-1-2", 0, "Recorded", '{"entityData": {"sum": 5}, "entityVersion": 7}', None),
            ("account:snapshot-1-2", 1, "Recorded", "null", None),
            ("shop::order:snapshot-9", 0, "SNAPSHOT", '{"_version": 3, "total": 4}', None),
            ("account-1-2", 0, "Opened", "{}", None),
            ("snapshot-1", 0, "Taken", "{}", None),
            ("shop::snapshot-1", 0, "Shop.Taken.v1", "{}", None),
        ]
    )
    reader = database.reader(database.stores[0])
    assert reader.snapshot_count() == 3
    assert [(s.version, s.state) for s in reader.snapshots("account-1-2")] == [(None, None), (7, {"sum": 5})]
    assert [(s.stream, s.version) for s in reader.snapshots("shop::order-9")] == [("shop::order-9", 3)]


def test_that_a_schema_version_is_given_as_eventide_stored_it(build_store: Callable[..., Database]) -> None:
    metadata = (
        '{"schemaVersion": "2", "correlationStreamName": "transfer-1", "causationMessageStreamName": "a:command-1"}'
    )
    database = build_store([("account-1", 0, "Deposited", "{}", metadata)])
    (event,) = database.reader(database.stores[0]).events()
    # A stream without a position in it names no message.
    assert (event.schema_version, event.correlation_id, event.causation_id) == ("2", "transfer-1", None)


def test_that_only_the_table_called_messages_is_a_store(build_store: Callable[..., Database]) -> None:
    database = build_store([("account-1", 0, "Opened", "{}", None)], schema="message_store")
    with psycopg.connect(database.address.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE message_store.messages_before AS SELECT * FROM message_store.messages")
    again = open_database(database.address)
    assert [store.name for store in again.stores] == ["message_store"]
    again.close()


def test_that_a_store_that_may_not_be_read_does_not_hide_its_neighbour(
    build_store: Callable[..., Database], postgres: PostgresServer
) -> None:
    rows = [("account-1", 0, "Opened", "{}", None), ("account:position-x", 0, "Recorded", '{"position": 0}', None)]
    database = build_store(rows, schema="open")
    name = database.address.text.rpartition("/")[2]
    role = postgres.role("message_reader", "SELECT", name)
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shut")
        connection.execute(MESSAGES.format(schema="shut").encode())
    as_reader = open_database(postgres.url(name, role))
    assert [store.name for store in as_reader.stores] == ["open", "shut"]
    (summary,) = summarise(as_reader, [as_reader.named("open")])
    as_reader.close()
    assert [(c.consumer, c.position, c.lag) for c in summary.checkpoints or ()] == [("x", 0, 1)]
