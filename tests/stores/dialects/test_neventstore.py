"""NEventStore (.NET): stores in its layout, with payloads as its serializers write them."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import Event, NotAStore
from esviewer.stores.codecs import Codecs
from esviewer.stores.database import Database, open_database
from esviewer.stores.dialects.neventstore import NEventStore
from esviewer.stores.reader import Reader, Window
from tests.postgres import OWNER, PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected, StateAnswer

COMMITS = """
    CREATE TABLE Commits (
        BucketId varchar(40) NOT NULL, StreamId char(40) NOT NULL, StreamIdOriginal {text} NOT NULL,
        StreamRevision int NOT NULL CHECK (StreamRevision > 0), Items int NOT NULL, CommitId {guid} NOT NULL,
        CommitSequence int NOT NULL, CommitStamp {time} NOT NULL, CheckpointNumber {number}, {more}
        Headers {bytes} NULL, Payload {bytes} NOT NULL)
"""
SNAPSHOTS = """
    CREATE TABLE Snapshots (
        BucketId varchar(40) NOT NULL, StreamId char(40) NOT NULL, StreamRevision int NOT NULL,
        Payload {bytes} NOT NULL, PRIMARY KEY (BucketId, StreamId, StreamRevision))
"""
INDEX = "CREATE UNIQUE INDEX IX_Commits_CommitSequence ON Commits (BucketId, StreamId, CommitSequence)"
SQLITE = {
    "text": "text",
    "guid": "guid",
    "time": "datetime",
    "number": "integer PRIMARY KEY AUTOINCREMENT",
    "bytes": "blob",
    "more": "",
}
POSTGRES = {
    "text": "varchar(1000)",
    "guid": "uuid",
    "time": "timestamp",
    "number": "bigserial PRIMARY KEY",
    "bytes": "bytea",
    "more": "",
}
BINARY_FORMATTER = bytes.fromhex("0001000000ffffffff01000000000000000c02000000")
NAMESPACE = UUID("5b1d0000-0000-4000-8000-000000000000")


def sha1(name: str) -> str:
    return hashlib.sha1(name.encode()).hexdigest().upper()


def message(kind: str | None, headers: dict[str, object] | None = None, **body: object) -> dict[str, object]:
    return {"Headers": headers or {}, "Body": body if kind is None else {"$type": kind, **body}}


def packed(value: object) -> bytes:
    return json.dumps(value).encode()


@dataclass(frozen=True)
class Commit:
    number: int
    stream: str
    revision: int
    items: int
    payload: bytes
    bucket: str = "default"
    headers: bytes | None = b"{}"
    hashed: str | None = None
    stamp: str = "2025-01-05 11:22:33.4"
    sequence: int = 1
    more: tuple[object, ...] = ()

    @property
    def identity(self) -> UUID:
        return uuid5(NAMESPACE, f"{self.bucket} {self.stream} {self.revision} {self.number}")

    def values(self, backend: str) -> list[object]:
        # System.Data.SQLite writes a Guid in the byte order of .NET.
        identity: object = self.identity.bytes_le if backend == "sqlite" else self.identity
        hashed = self.hashed or sha1(self.stream)
        before = [self.bucket, hashed, self.stream, self.revision, self.items, identity, self.sequence, self.stamp]
        return [*before, self.number, *self.more, self.headers, self.payload]


def wrapped(number: int, messages: list[dict[str, object]]) -> bytes:
    """The payload as one of the usual serializers writes it: JSON, with a byte order mark, compressed."""
    text = packed(messages)
    return (text, b"\xef\xbb\xbf" + text, gzip.compress(text))[number % 3]


def shop() -> list[Commit]:
    """66 commits of 1 to 5 events in two buckets that share their streams' names; gaps between checkpoints."""
    commits = []
    revisions: dict[tuple[str, str], int] = {}
    for k in range(66):
        bucket, stream = ("default", "acme")[k % 2], f"order-{k // 2 % 6}"
        items = k % 5 + 1
        first = revisions.get((bucket, stream), 0)
        messages = [
            message("Shop.Opened, Shop" if version == 1 else "Shop.Paid, Shop", {"n": version}, step=version, by=bucket)
            for version in range(first + 1, first + items + 1)
        ]
        revisions[bucket, stream] = first + items
        kind = {"AggregateType": f"Shop.{bucket.capitalize()}Order", "n": 0, "user": "ann"}
        payload = BINARY_FORMATTER if k == 65 else wrapped(k, messages)
        commits.append(
            Commit(k + 1 + k // 20, stream, first + items, items, payload, bucket, packed(kind), sequence=k // 12 + 1)
        )
    return commits


def write_sqlite(path: Path, commits: Sequence[Commit], more: str = "") -> Path:
    connection = sqlite3.connect(path)
    connection.execute(COMMITS.format_map({**SQLITE, "more": more}))
    connection.execute(INDEX)
    connection.execute(SNAPSHOTS.format_map(SQLITE))
    for commit in commits:
        values = commit.values("sqlite")
        connection.execute(f"INSERT INTO Commits VALUES ({', '.join('?' * len(values))})", values)
    state = packed({"$type": "Shop.OrderMemento, Shop", "Total": 5})
    connection.execute("INSERT INTO Snapshots VALUES ('default', ?, 3, ?)", [sha1("order-1"), state])
    connection.commit()
    connection.close()
    return path


class _ShopContract(DialectContract):
    name: str

    @pytest.fixture
    def expected(self) -> Expected:
        commits = shop()
        return Expected(
            name=self.name,
            dialect="neventstore",
            events=sum(commit.items for commit in commits),
            streams=12,
            types={"Shop.Paid, Shop": sum(c.items for c in commits) - 12 - 1, "Shop.Opened, Shop": 12},
            first_position=1,
            last_position=69,
            categories={"Shop.AcmeOrder": 6, "Shop.DefaultOrder": 6},
            snapshots=1,
            checkpoints=None,
            undecodable=1,
            merged=[
                StateAnswer("acme/order-2", {"step": 7, "by": "acme"}, version=7),
                StateAnswer("default/order-2", {"step": 1, "by": "default"}, version=1),
            ],
        )

    def test_that_the_events_of_a_commit_are_told_apart(self, events: list[Event]) -> None:
        commits = {commit.number: commit for commit in shop()}
        assert len(events) == sum(commit.items for commit in commits.values()) > 150
        for event in events:
            number, place = event.key
            assert isinstance(number, int) and isinstance(place, int)
            commit = commits[number]
            assert event.position == number
            assert event.version == commit.revision - commit.items + 1 + place
            assert (event.stream, event.tenant, event.event_id) == (commit.stream, commit.bucket, None)
            assert event.transaction == str(commit.identity)
            assert event.recorded_at == 1_736_076_153_400_000
            if event.undecodable is None:
                assert event.data == {"step": event.version, "by": commit.bucket}
                assert isinstance(event.metadata, dict)
                # The event's own header stands where the commit has one of the same name.
                assert (event.metadata["n"], event.metadata["user"]) == (event.version, "ann")

    def test_that_reading_goes_on_inside_a_commit_in_both_directions(self, reader: Reader, events: list[Event]) -> None:
        inside = next(i for i, event in enumerate(events) if event.key[1] == 2)
        assert list(reader.events(Window(after=events[inside].key, limit=9))) == events[inside + 1 : inside + 10]
        assert list(reader.events(Window(after=events[inside].key, reverse=True))) == events[:inside][::-1]

    def test_that_a_stream_of_one_bucket_can_be_named(self, reader: Reader) -> None:
        both, acme = reader.stream("order-3"), reader.stream("acme/order-3")
        assert acme == [event for event in both if event.tenant == "acme"] and 0 < len(acme) < len(both)
        assert {event.category for event in acme} == {"Shop.AcmeOrder"}
        assert [event.version for event in acme] == list(range(1, len(acme) + 1))

    def test_that_events_of_one_commit_are_one_transaction(self, reader: Reader, events: list[Event]) -> None:
        third = next(event for event in events if event.key[1] == 2)
        relations = reader.dialect.related(third)
        assert (relations.own, relations.transaction) == (f"{third.transaction}/2", third.transaction)

    def test_that_snapshots_are_found_by_the_name_that_was_hashed(self, reader: Reader) -> None:
        (found,) = reader.snapshots("order-1")
        assert (found.stream, found.version, found.type) == ("order-1", 3, "Shop.OrderMemento, Shop")
        assert found.state == {"Total": 5}
        assert reader.snapshots("default/order-1") == [found] == reader.snapshots()
        assert reader.snapshots("order-2") == [] == reader.snapshots("acme/order-1")


class TestShopSqlite(_ShopContract):
    name = "shop"

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[Database]:
        database = open_database(str(write_sqlite(tmp_path / "shop.sqlite", shop())))
        yield database
        database.close()


class TestShopPostgres(_ShopContract):
    name = "public"

    @pytest.fixture
    def database(self, postgres: PostgresServer) -> Iterator[Database]:
        name = postgres.create_database()
        with psycopg.connect(postgres.url(name, OWNER), autocommit=True) as connection:
            for statement in (COMMITS.format_map(POSTGRES), INDEX, SNAPSHOTS.format_map(POSTGRES)):
                connection.execute(statement.encode())
            rows = [commit.values("postgresql") for commit in shop()]
            places = ", ".join(["%s"] * len(rows[0]))
            connection.cursor().executemany(f"INSERT INTO Commits VALUES ({places})".encode(), rows)
            state = packed({"$type": "Shop.OrderMemento, Shop", "Total": 5})
            connection.execute("INSERT INTO Snapshots VALUES ('default', %s, 3, %s)", [sha1("order-1"), state])
        database = open_database(postgres.url(name, OWNER))
        yield database
        database.close()
        postgres.drop_database(name)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Reader]]:
    """`opened(commits)` is a reader of a SQLite store with these commits."""
    databases: list[Database] = []

    def build(commits: Sequence[Commit], more: str = "") -> Reader:
        path = write_sqlite(tmp_path / f"store{len(databases)}.sqlite", commits, more)
        databases.append(open_database(str(path)))
        return databases[-1].reader(databases[-1].stores[0])

    yield build
    for database in databases:
        database.close()


TWO = [message("Shop.Opened, Shop", a=1), message("Shop.Paid, Shop", b=2)]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (BINARY_FORMATTER, "serialized by .NET's BinaryFormatter, which only .NET can read"),
        (b"\x0c\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x00", "BSON, which is not read here"),
        (b"\x9f\x03\xff" * 20, "neither JSON, compressed data nor MessagePack"),
        (packed({"a": 1}), "JSON, and not a list of event messages"),
        (packed([]), "the payload holds no events"),
    ],
)
def test_that_an_unreadable_commit_has_as_many_events_as_it_says(
    opened: Callable[..., Reader], payload: bytes, reason: str
) -> None:
    events = list(opened([Commit(7, "order-1", 5, 3, payload)]).events())
    assert [(e.key, e.version, e.type, e.data) for e in events] == [((7, k), 3 + k, None, None) for k in range(3)]
    assert all(reason in str(event.undecodable) and event.raw == payload for event in events)


def test_that_a_commit_of_another_size_than_it_says_is_shown_whole_with_a_note(opened: Callable[..., Reader]) -> None:
    events = list(opened([Commit(1, "order-1", 1, 1, packed(TWO))]).events())
    assert [(e.version, e.type) for e in events] == [(1, "Shop.Opened, Shop"), (2, "Shop.Paid, Shop")]
    assert {event.notes for event in events} == {("the commit says that it holds 1 events, and it holds 2",)}


@pytest.mark.parametrize(
    ("payload", "kind", "data", "metadata"),
    [
        # Json.NET with all types written, as a list and as an element.
        (
            {
                "$type": "List",
                "$values": [{"$type": "M", "Headers": {"$type": "D", "h": 1}, "Body": {"$type": "T", "a": 1}}],
            },
            "T",
            {"a": 1},
            {"h": 1},
        ),
        ([{"headers": {}, "body": {"$type": "T", "a": {"$type": "U"}}}], "T", {"a": {"$type": "U"}}, {}),
        # Json.NET leaves out what is null.
        ([{"Headers": {}}], None, None, {}),
        ([{"Body": {"a": 1}}], None, {"a": 1}, {}),
        ([{"Headers": {}, "Body": "text"}], None, "text", {}),
        ([{"$type": "T", "a": 1}], "T", {"a": 1}, {}),
    ],
)
def test_that_messages_are_read_as_json_net_writes_them(
    opened: Callable[..., Reader], payload: object, kind: str | None, data: object, metadata: object
) -> None:
    (event,) = opened([Commit(1, "order-1", 1, 1, packed(payload))]).events()
    assert (event.type, event.data, event.metadata, event.undecodable) == (kind, data, metadata, None)


def test_that_headers_may_be_missing_compressed_or_unreadable(opened: Callable[..., Reader]) -> None:
    bare = [{"Body": {"a": 1}}]
    missing, compressed, unreadable = opened(
        [
            Commit(1, "a", 1, 1, packed(bare), headers=None),
            Commit(2, "b", 1, 1, packed(bare), headers=gzip.compress(packed({"AggregateType": "Order"}))),
            Commit(3, "c", 1, 1, packed(bare), headers=b"{"),
        ]
    ).events()
    assert (missing.metadata, missing.category) == (None, None)
    assert (compressed.metadata, compressed.category) == ({"AggregateType": "Order"}, "Order")
    assert unreadable.metadata is None and "headers of the commit cannot be read" in unreadable.notes[0]
    assert unreadable.data == {"a": 1}


def test_that_an_event_has_the_category_of_its_streams_first_commit(opened: Callable[..., Reader]) -> None:
    first = Commit(1, "order-1", 2, 2, packed(TWO), headers=packed({"AggregateType": "Order"}))
    reader = opened([first, Commit(2, "order-1", 3, 1, packed(TWO[:1]), sequence=2)])
    (event,) = reader.events(Window(from_position=2))
    assert event.category == "Order"


def test_that_a_stream_is_found_whatever_hashed_its_name(opened: Callable[..., Reader]) -> None:
    guid = "7d9a4c1e-2a53-4a8a-9b9e-6f0c5b1d2e3f"
    reader = opened(
        [
            Commit(1, "order-1", 1, 1, packed(TWO[:1])),
            Commit(2, "order-2", 1, 1, packed(TWO[:1]), hashed="order-2"),
            Commit(3, guid, 1, 1, packed(TWO[:1])),
            Commit(4, "order-2", 1, 1, packed(TWO[:1]), bucket="acme", hashed="order-2"),
        ]
    )
    for name, positions in (
        ("order-1", [1]),
        ("order-2", [4, 2]),
        ("default/order-2", [2]),
        (guid.upper(), [3]),
        (guid.replace("-", ""), [3]),
    ):
        assert [event.position for event in reader.stream(name)] == positions


def test_that_a_hashed_stream_is_found_without_a_scan(tmp_path: Path) -> None:
    path = write_sqlite(tmp_path / "shop.sqlite", shop())
    database = open_database(str(path))
    found = database.stores[0]
    connection = database.connect()
    dialect = found.dialect
    text, parameters = connection.compiled(dialect.select(found).where(dialect.of_stream(found, "order-1")))
    raw = sqlite3.connect(path)
    plan = [str(row[3]) for row in raw.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]
    raw.close()
    database.close()
    scans = [step for step in plan if step.startswith("SCAN Commits")]
    # The one by name, behind a gate that is shut where the hash is there.
    assert len(scans) == 1, plan
    assert any("(BucketId=? AND StreamId=?)" in step for step in plan)


def test_that_version_five_with_its_dispatched_column_is_read(opened: Callable[..., Reader]) -> None:
    reader = opened([Commit(1, "order-1", 2, 2, packed(TWO), more=(1,))], more="Dispatched bit NOT NULL DEFAULT 0,")
    assert [event.version for event in reader.events()] == [1, 2]
    assert "Column Dispatched is that of version 5 and earlier." in reader.found.evidence


def test_that_the_python_copy_of_the_layout_is_another_framework(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "aett.sqlite")
    connection.execute(COMMITS.format_map(SQLITE).replace("BucketId", "TenantId"))
    connection.commit()
    connection.close()
    with pytest.raises(NotAStore):
        open_database(str(tmp_path / "aett.sqlite"))


@given(
    messages=st.lists(st.dictionaries(st.text(), st.integers() | st.text(), max_size=3), min_size=1, max_size=5),
    revision=st.integers(5, 100),
    packing=st.integers(0, 2),
)
def test_that_a_commit_gives_back_the_bodies_that_went_in(
    messages: list[dict[str, object]], revision: int, packing: int
) -> None:
    bodies = [{name: value for name, value in body.items() if name != "$type"} for body in messages]
    payload = wrapped(packing, [message("T", None) | {"Body": {"$type": "T", **body}} for body in bodies])
    row = {
        "key_0": 9,
        "position": 9,
        "tenant": "default",
        "stream": "s",
        "revision": revision,
        "items": len(bodies),
        "transaction": str(NAMESPACE),
        "recorded_at": 5,
        "headers": None,
        "data": payload,
    }
    fields: list[Any] = list(NEventStore().expand(row, Codecs()))
    assert [draft["data"] for draft in fields] == bodies
    assert [draft["version"] for draft in fields] == list(range(revision - len(bodies) + 1, revision + 1))
    assert {draft["type"] for draft in fields} == {"T"}
