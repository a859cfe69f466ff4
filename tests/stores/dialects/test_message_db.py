"""Message DB: a store written by its own functions, with Eventide's conventions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from esviewer.domain import Event
from esviewer.stores.database import Database, open_database
from esviewer.stores.dialects.message_db import category_of, consumer_of
from esviewer.stores.index import Index, build
from esviewer.stores.reader import Reader
from tests.postgres import PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected


class TestBank(DialectContract):
    @pytest.fixture
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:  # type: ignore[override]
        database = open_database(shared_database("message_db_bank", "message_db_bank.sql.gz"))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, answers: Callable[..., dict[str, Any]]) -> Expected:  # type: ignore[override]
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


PROTEAN = (
    '{"headers": {"id": "h1"}, "domain": {"correlation_id": "c", "causation_id": "h0", "version": "v2", "fqn": "x"}}'
)


def test_that_proteans_messages_keep_their_ids_and_versions(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("CREATE SCHEMA store")
        connection.execute(
            "CREATE TABLE store.messages (id uuid DEFAULT gen_random_uuid(), stream_name text, type text, position bigint,"
            " global_position bigserial PRIMARY KEY, data jsonb, metadata jsonb, time timestamp DEFAULT now())"
        )
        connection.execute(
            "INSERT INTO store.messages (stream_name, type, position, data, metadata)"
            " VALUES ('shop::order-1', 'Shop.Placed.v2', 0, '{}', %s), ('shop::order-1', 'Shop.Paid.v1', 1, NULL, NULL)",
            (PROTEAN,),
        )
    database = open_database(postgres.url(name))
    reader = database.reader(database.stores[0])
    first, second = reader.stream("shop::order-1")
    assert (first.correlation_id, first.causation_id, first.schema_version) == ("c", "h0", "v2")
    assert reader.dialect.related(first).own == "h1"
    assert (second.schema_version, second.data, second.undecodable) == (1, None, None)
    assert database.stores[0].name == "store"
    database.close()
    postgres.drop_database(name)
