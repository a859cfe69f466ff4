"""Marten: rows in its documented layout, and small stores for what the shared one lacks."""

from __future__ import annotations

import gzip
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import psycopg
import pytest

from esviewer.domain import Event
from esviewer.stores.database import Database, open_database
from esviewer.stores.summary import Summary, summarise
from tests import shared_stores
from tests.postgres import OWNER, PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected, StateAnswer

ALICE, BOB = "7d9a4c1e-2a53-4a8a-9b9e-6f0c5b1d2e3f", "018f3c1e-6a1b-7c55-9d3c-0a4be2a1c001"


def pascal(name: str) -> str:
    """``car_bought`` → ``CarBought``, as the answers spell types."""
    return "".join(part.capitalize() for part in name.split("_"))


def written(state: dict[str, Any]) -> dict[str, Any]:
    """A state of the answers with its attributes as stored: ``license_no`` is ``License_no`` in this store."""
    return {name[0].upper() + name[1:]: value for name, value in state.items()}


def stored_rows(table: str) -> list[list[str]]:
    """The rows of a table in the dump, by its COPY block."""
    rows: list[list[str]] = []
    inside = False
    with gzip.open(shared_stores.stored("layout_marten", "marten.sql.gz"), "rt", encoding="utf-8") as lines:
        for line in lines:
            if inside and line == "\\.\n":
                break
            if inside:
                rows.append(line.rstrip("\n").split("\t"))
            inside = inside or line.startswith(f"COPY public.{table} ")
    return rows


class TestTaxi(DialectContract):
    @pytest.fixture
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:
        database = open_database(shared_database("layout_marten", "marten.sql.gz"))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, answers: Callable[..., dict[str, Any]]) -> Expected:
        known = answers("layout_marten")
        positions = [int(row[0]) for row in stored_rows("mt_events")]
        progress = {row[0]: int(row[1]) for row in stored_rows("mt_event_progression")}
        del progress["HighWaterMark"]
        return Expected(
            name="public",
            dialect="marten",
            events=known["events"],
            streams=known["streams"],
            types=dict(Counter(row[5] for row in stored_rows("mt_events"))),
            first_position=known["first_position"],
            last_position=known["last_position"],
            # Streams that were started without a type have none here; the answers tell them by what is in them.
            categories=dict(Counter(row[1] for row in stored_rows("mt_streams") if row[1] != "\\N")),
            snapshots=0,
            checkpoints=[(name, "public", at, sum(p > at for p in positions)) for name, at in progress.items()],
            merged=[
                StateAnswer(answer["stream"], written(answer["state"]), version=answer["last_event_version_as_stored"])
                for answer in known["aggregate_states"]
            ],
        )

    def test_that_types_without_their_version_are_those_of_the_answers(
        self, events: list[Event], answers: Callable[..., dict[str, Any]]
    ) -> None:
        stems = Counter(pascal(str(event.type).removesuffix("_v2")) for event in events)
        assert stems == answers("layout_marten")["event_types"]
        assert {event.schema_version for event in events if str(event.type).endswith("_v2")} == {2}
        assert {event.schema_version for event in events if not str(event.type).endswith("_v2")} == {1}

    def test_that_the_columns_of_an_event_are_in_its_envelope(self, events: list[Event]) -> None:
        rows = stored_rows("mt_events")
        assert [e.event_id for e in events] == [row[1] for row in sorted(rows, key=lambda row: int(row[0]))]
        second = events[1]
        assert (second.correlation_id, second.causation_id) == (events[0].correlation_id, events[0].event_id)
        assert (second.tenant, second.archived, second.deleted, second.transaction) == ("*DEFAULT*", False, False, None)
        assert second.metadata == {
            "source": "api",
            "tenant": "*DEFAULT*",
            "mt_dotnet_type": "Taxi.Events.RideCancelled, Taxi",
        }
        assert sum(bool(event.archived) for event in events) == sum(row[12] == "t" for row in rows) > 0


EVENTS = """
CREATE TABLE {schema}.mt_events (
    seq_id bigint NOT NULL, id uuid NOT NULL, stream_id {key} NOT NULL, version bigint NOT NULL, data jsonb NOT NULL,
    type varchar(500) NOT NULL, "timestamp" timestamptz NOT NULL DEFAULT '2026-03-02 10:15:04.123456+00',
    tenant_id varchar DEFAULT '*DEFAULT*', mt_dotnet_type varchar{more})
"""
STREAMS = """
CREATE TABLE {schema}.mt_streams (
    id {key} NOT NULL, type varchar, version bigint, tenant_id varchar DEFAULT '*DEFAULT*',
    is_archived boolean NOT NULL DEFAULT false)
"""
PROGRESSION = "CREATE TABLE {schema}.mt_event_progression (name varchar PRIMARY KEY, last_seq_id bigint)"
ROW = "INSERT INTO {schema}.mt_events ({columns}) VALUES ({places})"


@pytest.fixture
def store(postgres: PostgresServer) -> Iterator[Callable[..., Database]]:
    """`store([statements])` is an opened database after these statements."""
    made: list[str] = []
    opened: list[Database] = []

    def build(statements: list[Any], name: str | None = None) -> Database:
        if name is None:
            made.append(postgres.create_database())
            name = made[-1]
        with psycopg.connect(postgres.url(name, OWNER), autocommit=True) as connection:
            for statement in statements:
                connection.execute(*(statement if isinstance(statement, tuple) else (statement,)))
        opened.append(open_database(postgres.url(name, OWNER)))
        return opened[-1]

    yield build
    for database in opened:
        database.close()
    for name in made:
        postgres.drop_database(name)


def tables(schema: str = "public", key: str = "varchar", more: str = "") -> list[str]:
    columns = "".join(f", {column}" for column in more.split("; ") if column)
    return [statement.format(schema=schema, key=key, more=columns) for statement in (EVENTS, STREAMS, PROGRESSION)]


def keyed(events: str, streams: str) -> list[str]:
    return [f"ALTER TABLE mt_events ADD PRIMARY KEY ({events})", f"ALTER TABLE mt_streams ADD PRIMARY KEY ({streams})"]


def event(
    number: int, stream: str, version: int, kind: str, *, schema: str = "public", **more: object
) -> tuple[str, list[Any]]:
    """A statement that writes one event; further columns by name."""
    values: dict[str, object] = {
        "seq_id": number,
        "id": uuid.uuid5(uuid.NAMESPACE_OID, f"{number} {stream} {more.get('tenant_id')}"),
        "stream_id": stream,
        "version": version,
        "data": "{}",
        "type": kind,
        **more,
    }
    statement = ROW.format(schema=schema, columns=", ".join(values), places=", ".join(["%s"] * len(values)))
    return statement, list(values.values())


def events_of(database: Database, store: str = "public") -> list[Event]:
    reader = database.reader(database.named(store))
    try:
        return list(reader.events())
    finally:
        reader.close()


def summary_of(database: Database, store: str = "public") -> Summary:
    (summary,) = summarise(database, [database.named(store)])
    return summary


def test_that_version_three_without_any_optional_column_is_read(store: Callable[..., Database]) -> None:
    database = store([*tables(), *keyed("seq_id", "id"), event(1, "order-1", 1, "order_placed", data='{"a": 1}')])
    (found,) = events_of(database)
    assert (found.key, found.position, found.stream, found.version) == ((1,), 1, "order-1", 1)
    assert (found.archived, found.correlation_id, found.causation_id, found.metadata) == (None, None, None, None)
    assert (found.category, found.data, found.recorded_at) == (None, {"a": 1}, 1_772_446_504_123_456)
    assert "Without column is_archived: written by version 3." in database.stores[0].evidence


def test_that_all_optional_columns_are_shown(store: Callable[..., Database]) -> None:
    more = "headers jsonb; user_name varchar; is_skipped boolean DEFAULT false; tags text; is_archived boolean"
    own: dict[str, Any] = {"user_name": "ann", "is_skipped": True, "tags": '"order"=>"a \\"b\\"", "none"=>NULL'}
    database = store(
        [
            *tables(more=more),
            *keyed("seq_id", "id"),
            event(1, "s", 1, "paid_v12", headers='{"source": "api"}', mt_dotnet_type="Shop.Paid, Shop", **own),
            event(2, "s", 2, "paid", headers='{"user_name": "someone else"}', user_name="ann"),
        ]
    )
    first, second = events_of(database)
    assert (first.type, first.schema_version) == ("paid_v12", 12)
    assert first.metadata == {
        "source": "api",
        "mt_dotnet_type": "Shop.Paid, Shop",
        "user_name": "ann",
        "is_skipped": True,
        "tags": {"order": 'a "b"', "none": None},
    }
    # Neither hides the other where a header is called like a column.
    assert second.metadata == {"headers": {"user_name": "someone else"}, "user_name": "ann", "is_skipped": False}


def test_that_binary_bodies_are_read_as_messagepack_or_kept_as_bytes(store: Callable[..., Database]) -> None:
    database = store(
        [
            *tables(more="bdata bytea"),
            *keyed("seq_id", "id"),
            event(1, "s", 1, "json", data='{"a": 1}'),
            event(2, "s", 2, "packed", bdata=msgpack.packb({"Amount": 5})),
            event(3, "s", 3, "opaque", bdata=b"\x03\xff\x00\x01"),
        ]
    )
    plain, packed, opaque = events_of(database)
    assert (plain.data, packed.data, opaque.data) == ({"a": 1}, {"Amount": 5}, None)
    assert opaque.undecodable is not None and opaque.raw == b"\x03\xff\x00\x01"
    assert summary_of(database).as_object()["undecodable"] == 1


def test_that_tombstones_are_marked_and_bookkeeping_is_no_consumer(store: Callable[..., Database]) -> None:
    names = (
        "HighWaterMark",
        "HighWaterMark:acme",
        "HighWaterAllocationFence",
        "HighWaterStuckGap",
        "HighWaterStuckGap:acme",
    )
    database = store(
        [
            *tables(),
            *keyed("seq_id", "id"),
            event(1, "s", 1, "opened"),
            event(4, "mt_tombstone", 1, "tombstone"),
            event(9, "s", 2, "closed"),
            *(("INSERT INTO mt_event_progression VALUES (%s, 9)", [name]) for name in names),
            "INSERT INTO mt_event_progression VALUES ('Orders:V2:All', 1), ('Never:All', NULL)",
        ]
    )
    assert [(e.deleted, e.schema_version) for e in events_of(database)] == [(False, 1), (True, None), (False, 1)]
    kept = summary_of(database).checkpoints or ()
    assert [(c.consumer, c.upstream, c.position, c.lag) for c in kept] == [
        ("Never:All", "public", None, 3),
        ("Orders:V2:All", "public", 1, 2),
    ]


def tenants(count: int = 60) -> list[Any]:
    """Two tenants with a sequence each (UseTenantPartitionedEvents), with streams of the same ids."""
    rows = [
        event(number, f"order-{number % 7}", (number - 1) // 7 + 1, "paid", tenant_id=tenant)
        for number in range(1, count + 1)
        for tenant in ("acme", "bolt")
    ]
    streams = [
        ("INSERT INTO mt_streams (id, type, tenant_id) VALUES (%s, %s, %s)", [f"order-{k}", kind, tenant])
        for k in range(7)
        for tenant, kind in (("acme", "order"), ("bolt", "invoice"))
    ]
    progress = [
        ("INSERT INTO mt_event_progression VALUES (%s, %s)", [name, at])
        for name, at in (("Orders:All:acme", 50), ("Orders:V2:All:bolt", 58), ("Orders:V3:All", 59))
    ]
    return [*tables(), *keyed("seq_id, tenant_id", "tenant_id, id"), *rows, *streams, *progress]


class TestTenantsWithSequencesOfTheirOwn(DialectContract):
    @pytest.fixture
    def database(self, store: Callable[..., Database]) -> Database:
        return store(tenants())

    @pytest.fixture
    def expected(self) -> Expected:
        return Expected(
            name="public",
            dialect="marten",
            events=120,
            streams=14,
            types={"paid": 120},
            first_position=1,
            last_position=60,
            categories={"invoice": 7, "order": 7},
            snapshots=0,
            checkpoints=[
                ("Orders:All:acme", "public", 50, 10),
                ("Orders:V2:All:bolt", "public", 58, 2),
                ("Orders:V3:All", "public", 59, 2),
            ],
        )

    def test_that_each_tenant_keeps_its_streams_and_their_category(self, events: list[Event]) -> None:
        assert [event.key for event in events[:3]] == [(1, "acme"), (1, "bolt"), (2, "acme")]
        assert {(event.tenant, event.category) for event in events} == {("acme", "order"), ("bolt", "invoice")}

    def test_that_a_stream_of_one_tenant_can_be_named(self, database: Database) -> None:
        reader = database.reader(database.named("public"))
        both, own = reader.stream("order-3"), reader.stream("bolt/order-3")
        reader.close()
        assert [event.tenant for event in both] == ["acme"] * 9 + ["bolt"] * 9
        assert own == both[9:]


@pytest.mark.parametrize("key", ["tenant_id, id, is_archived", "id, is_archived"])
def test_that_an_archived_stream_does_not_multiply_its_events(store: Callable[..., Database], key: str) -> None:
    """Archive partitioning has is_archived in the keys, so that a stream may have two rows."""
    database = store(
        [
            *tables(more="is_archived boolean DEFAULT false"),
            *keyed("seq_id, is_archived", key),
            event(1, "s", 1, "opened", is_archived=True),
            event(2, "s", 2, "closed"),
            "INSERT INTO mt_streams (id, type, is_archived) VALUES ('s', NULL, true), ('s', 'order', false)",
        ]
    )
    assert [(e.key, e.category, e.archived) for e in events_of(database)] == [
        ((1,), "order", True),
        ((2,), "order", False),
    ]


def test_that_partitions_are_not_read_beside_their_parent(store: Callable[..., Database]) -> None:
    (parent, _, _) = tables(key="uuid", more="is_archived boolean DEFAULT false")
    database = store(
        [
            f"{parent} PARTITION BY LIST (is_archived)",
            "CREATE TABLE mt_events_archived PARTITION OF mt_events FOR VALUES IN (true)",
            "CREATE TABLE mt_events_default PARTITION OF mt_events DEFAULT",
            event(1, ALICE, 1, "opened", is_archived=True),
            event(2, BOB, 1, "opened"),
        ]
    )
    assert [found.name for found in database.stores] == ["public"]
    assert [e.stream for e in events_of(database)] == [ALICE, BOB]


def test_that_several_stores_in_one_database_are_told_by_their_schema(store: Callable[..., Database]) -> None:
    database = store(
        [
            "CREATE SCHEMA billing",
            *tables("public", "uuid"),
            *tables("billing"),
            event(1, ALICE, 1, "opened"),
            event(1, "invoice-1", 1, "sent", schema="billing"),
            event(2, "invoice-1", 2, "paid", schema="billing"),
            "INSERT INTO billing.mt_event_progression VALUES ('Ledger:All', 1)",
        ]
    )
    assert [found.name for found in database.stores] == ["billing", "public"]
    assert [e.type for e in events_of(database, "billing")] == ["sent", "paid"]
    (kept,) = summary_of(database, "billing").checkpoints or ()
    assert (kept.consumer, kept.upstream, kept.position, kept.lag) == ("Ledger:All", "billing", 1, 1)
    assert summary_of(database, "public").checkpoints == ()


def test_that_documents_are_no_events_and_missing_siblings_are_no_obstacle(store: Callable[..., Database]) -> None:
    (events, _, _) = tables(key="uuid")
    database = store(
        [
            events,
            "CREATE TABLE mt_doc_order (id uuid PRIMARY KEY, data jsonb, mt_dotnet_type varchar, mt_version integer)",
            event(1, ALICE, 1, "opened"),
        ]
    )
    assert [found.events.name for found in database.stores] == ["mt_events"]
    assert summary_of(database).checkpoints == ()
    reader = database.reader(database.named("public"))
    spellings = (ALICE, ALICE.upper(), ALICE.replace("-", ""), f"*DEFAULT*/{ALICE}")
    assert all([e.stream for e in reader.stream(spelling)] == [ALICE] for spelling in spellings)
    reader.close()
