"""Python eventsourcing in tables of SQLAlchemy and of Django: the library's store, and stores in the packages' layouts.

The statements are those that eventsourcing_sqlalchemy 1.0.1 and eventsourcing_django 0.6 send.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from esviewer.domain import NotAStore, UsageError
from esviewer.projections.classes import fold_with_classes
from esviewer.stores.database import Database, detect, open_database
from esviewer.stores.dialects.eventsourcing import EventSourcing
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.reader import Reader, Window
from esviewer.stores.schema import Catalog, Table
from esviewer.stores.summary import summarise
from tests.postgres import OWNER, PostgresServer
from tests.stores.dialects.contract import DialectContract, Expected, StateAnswer
from tests.stores.dialects.test_eventsourcing import _LibraryContract, expected_of

Row = tuple[Any, ...]

SQLALCHEMY = {
    "sqlite": (
        "CREATE TABLE {app}_events (id INTEGER NOT NULL, originator_id {id} NOT NULL, "
        "originator_version INTEGER NOT NULL, topic TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (id));"
        "CREATE TABLE {app}_snapshots (originator_id {id} NOT NULL, originator_version INTEGER NOT NULL, "
        "topic TEXT NOT NULL, state BLOB NOT NULL, PRIMARY KEY (originator_id, originator_version));"
        "CREATE TABLE {app}_tracking (application_name VARCHAR(32) NOT NULL, notification_id INTEGER, "
        "PRIMARY KEY (application_name));"
    ),
    "postgresql": (
        "CREATE TABLE {app}_events (id BIGSERIAL PRIMARY KEY, originator_id {id} NOT NULL, "
        "originator_version BIGINT NOT NULL, topic TEXT NOT NULL, state BYTEA NOT NULL);"
        "CREATE TABLE {app}_snapshots (originator_id {id} NOT NULL, originator_version BIGINT NOT NULL, "
        "topic TEXT NOT NULL, state BYTEA NOT NULL, PRIMARY KEY (originator_id, originator_version));"
        "CREATE TABLE {app}_tracking (application_name VARCHAR(32) PRIMARY KEY, notification_id BIGINT);"
    ),
}
DJANGO = {
    "sqlite": (
        "CREATE TABLE stored_events (id integer NOT NULL PRIMARY KEY AUTOINCREMENT, "
        "application_name varchar(32) NOT NULL, originator_id char(32) NOT NULL, originator_version bigint NOT NULL, "
        "topic text NOT NULL, state BLOB NOT NULL);"
        "CREATE TABLE snapshots (uid integer NOT NULL PRIMARY KEY AUTOINCREMENT, "
        "application_name varchar(32) NOT NULL, originator_id char(32) NOT NULL, originator_version bigint NOT NULL, "
        "topic text NOT NULL, state BLOB NOT NULL);"
        "CREATE TABLE notification_tracking (uid integer NOT NULL PRIMARY KEY AUTOINCREMENT, "
        "application_name varchar(32) NOT NULL, upstream_application_name varchar(32) NOT NULL, "
        "notification_id bigint NOT NULL);"
        "CREATE UNIQUE INDEX by_stream ON stored_events (application_name, originator_id, originator_version);"
    ),
    "postgresql": (
        "CREATE TABLE stored_events (id bigserial PRIMARY KEY, application_name varchar(32) NOT NULL, "
        "originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text NOT NULL, state bytea NOT NULL);"
        "CREATE TABLE snapshots (uid bigserial PRIMARY KEY, application_name varchar(32) NOT NULL, "
        "originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text NOT NULL, state bytea NOT NULL);"
        "CREATE TABLE notification_tracking (uid bigserial PRIMARY KEY, application_name varchar(32) NOT NULL, "
        "upstream_application_name varchar(32) NOT NULL, notification_id bigint NOT NULL);"
        "CREATE UNIQUE INDEX by_stream ON stored_events (application_name, originator_id, originator_version);"
    ),
}


def identity(number: int) -> UUID:
    return UUID(int=(0xABCDEF << 100) + number)


def state(number: int, body: str, topic: str | None = None) -> bytes:
    created = "" if topic is None else f'"originator_topic":"{topic}",'
    time = f'"timestamp":{{"_type_":"datetime_iso","_data_":"2026-01-01T00:{number // 60:02}:{number % 60:02}.000007+00:00"}}'
    return f"{{{time},{created}{body}}}".encode()


def things(kind: str, count: int = 5) -> list[tuple[UUID, int, str, bytes]]:
    """Streams of five events each: created by an event of another class than the rest, as a renamed class leaves it."""
    rows = []
    for version in range(1, 6):
        for number in range(count):
            if version == 1:
                rows.append((identity(number), 1, f"shop:Old{kind}.Made", state(number, '"n":1', f"shop:{kind}")))
            else:
                body = f'"n":{version},"label":"×{number}","class_version":2'
                rows.append((identity(number), version, f"shop:{kind}.Changed", state(60 * version + number, body)))
    return rows


SNAPSHOT = (
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2026-01-01T00:04:00+00:00"},"topic":"shop:Cart","state":{"n":4}}'
)
KEPT = "eventsourcing.domain:Snapshot"


EVENT = "originator_id, originator_version, topic, state"


def insert(table: str, columns: str) -> str:
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' for _ in columns.split(','))})"


class Target:
    """A database that is written to with statements in SQLite's way of naming parameters."""

    def __init__(self, backend: str, address: str) -> None:
        self.backend, self.address = backend, address

    def run(self, script: str, *inserts: tuple[str, Sequence[Row]]) -> None:
        if self.backend == "sqlite":
            with closing(sqlite3.connect(self.address)) as connection:
                connection.executescript(script)
                for statement, rows in inserts:
                    connection.executemany(statement, rows)
                connection.commit()
            return
        with psycopg.connect(self.address) as server:
            server.execute(script.encode())
            with server.cursor() as cursor:
                for statement, rows in inserts:
                    cursor.executemany(statement.replace("?", "%s").encode(), rows)


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if request.param == "sqlite":
        yield Target("sqlite", str(tmp_path / "shop.sqlite"))
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.create_database()
    yield Target("postgresql", server.url(name, OWNER))
    server.drop_database(name)


# SQLAlchemy


class _SqlAlchemyLibrary(_LibraryContract):
    folder, file = "es_library_sqlalchemy", "library.sqlite.gz"

    @pytest.fixture
    def expected(self, answers: Callable[..., dict[str, Any]]) -> Expected:
        known = expected_of(self.context, answers(self.folder)["contexts"][self.context], [])
        return replace(known, dialect="eventsourcing_sqlalchemy")


class TestLendingSqlAlchemy(_SqlAlchemyLibrary):
    context = "lending"


class TestMembershipSqlAlchemy(_SqlAlchemyLibrary):
    context = "membership"

    def test_that_each_application_of_a_file_is_a_store_of_its_own(self, database: Database) -> None:
        assert [store.name for store in database.stores] == ["lending_events", "membership_events"]
        assert database.named("lending").name == "lending_events"


def stored_id(stored: str) -> Callable[[UUID], object]:
    """How an id is written to a column of that type."""
    if stored in ("BINARY(16)", "BLOB", "bytea"):
        return lambda id: id.bytes
    return (lambda id: id) if stored == "uuid" else (lambda id: id.hex)


def write_sqlalchemy(target: Target, app: str, *, stored: str | None = None) -> None:
    """The tables of one application with a snapshot and positions; ids in the package's own type if none is given."""
    kind = stored or {"sqlite": "BINARY(16)", "postgresql": "uuid"}[target.backend]
    written = stored_id(kind)
    name = app.rpartition(".")[2]
    target.run(
        SQLALCHEMY[target.backend].format(app=app, id=kind),
        (
            insert(f"{app}_events", EVENT),
            [(written(row[0]), *row[1:]) for row in things(name.title())],
        ),
        (insert(f"{app}_snapshots", EVENT), [(written(identity(0)), 4, KEPT, SNAPSHOT)]),
        (insert(f"{app}_tracking", "application_name, notification_id"), [("Shop", 10), ("Elsewhere", 3)]),
    )


class TestApplicationsOfSqlAlchemy(DialectContract):
    """Two applications: ``bills`` follows ``shop`` and another that is not here, as ``shop`` follows itself."""

    @pytest.fixture
    def database(self, target: Target) -> Iterator[Database]:
        write_sqlalchemy(target, "shop")
        write_sqlalchemy(target, "bills")
        database = open_database(target.address)
        yield database
        database.close()

    @pytest.fixture
    def expected(self) -> Expected:
        return Expected(
            name="shop",
            dialect="eventsourcing_sqlalchemy",
            events=25,
            streams=5,
            types={"shop:Shop.Changed": 20, "shop:OldShop.Made": 5},
            first_position=1,
            last_position=25,
            categories={"shop:Shop": 5},
            snapshots=1,
            checkpoints=[("shop", "Shop", 10, 15), ("bills", "Shop", 10, 15), ("shop", "Elsewhere", 3, None)],
            merged=[StateAnswer(str(identity(3)), {"n": 4, "label": "×3"}, version=4)],
        )

    def test_that_a_consumer_of_what_is_not_here_is_under_its_own_store(self, database: Database) -> None:
        (summary,) = summarise(database, [database.named("bills")])
        assert [(c.consumer, c.upstream, c.lag) for c in summary.checkpoints or ()] == [("bills", "Elsewhere", None)]

    def test_that_a_snapshot_is_found_by_any_spelling_of_its_stream(self, reader: Reader) -> None:
        (kept,) = reader.snapshots(identity(0).hex.upper())
        assert (kept.stream, kept.version, kept.state) == (str(identity(0)), 4, {"n": 4})
        assert reader.snapshots(str(identity(1))) == []

    def test_that_any_spelling_of_an_id_finds_the_stream(self, reader: Reader) -> None:
        name = str(identity(2))
        spellings = (name, name.upper(), identity(2).hex, f"{{{name}}}", f"urn:uuid:{name}")
        assert {len(reader.stream(spelling)) for spelling in spellings} == {5}


@pytest.mark.parametrize(
    ("target", "stored"),
    [("sqlite", "CHAR(32)"), ("sqlite", "BLOB"), ("postgresql", "bytea"), ("postgresql", "character(32)")],
    indirect=["target"],
)
def test_that_ids_are_read_and_found_in_whatever_type_they_are_kept(target: Target, stored: str) -> None:
    write_sqlalchemy(target, "shop", stored=stored)
    with closing(open_database(target.address)) as database:
        reader = database.reader(database.chosen())
        assert [e.stream for e in reader.events()] == [str(row[0]) for row in things("Shop")]
        assert len(reader.stream(str(identity(1)))) == len(reader.stream(identity(1).hex)) == 5
        assert [kept.stream for kept in reader.snapshots(str(identity(0)))] == [str(identity(0))]
        assert build(reader, Index()).streams == [str(identity(number)) for number in range(5)]


def test_that_stores_of_a_server_are_named_by_application_and_schema(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    target = Target("postgresql", postgres.url(name, OWNER))
    target.run("CREATE SCHEMA till")
    for app in ("shop", "till.shop", "till.stored"):
        write_sqlalchemy(target, app)
    with closing(open_database(target.address)) as database:
        assert [store.name for store in database.stores] == ["shop", "till.shop", "till.stored"]
        lags = {
            store.name: [(c.consumer, c.lag) for c in s.checkpoints or ()]
            for store, s in zip(database.stores, summarise(database, database.stores), strict=True)
        }
    postgres.drop_database(name)
    assert lags == {
        "shop": [("shop", None), ("shop", 15)],
        "till.shop": [("shop", None), ("shop", 15), ("stored", 15)],
        "till.stored": [("stored", None)],
    }


def test_that_one_application_in_a_file_is_called_by_the_file(tmp_path: Path) -> None:
    target = Target("sqlite", str(tmp_path / "orders.sqlite"))
    write_sqlalchemy(target, "shop")
    with closing(open_database(target.address)) as database:
        assert [store.name for store in database.stores] == ["orders"]


def test_that_tables_of_both_packages_beside_each_other_are_told_apart() -> None:
    core = dict.fromkeys(("originator_id", "originator_version", "topic", "state"), "")
    tracking = dict.fromkeys(("application_name", "notification_id"), "")
    tables = {
        "a_events": {**core, "notification_id": "bigint"},
        "a_snapshots": core,
        "b_events": {"id": "bigint", **core},
        "b_snapshots": core,
        "b_tracking": tracking,
        "stored_events": {"id": "bigint", "application_name": "text", **core},
        "snapshots": {"uid": "bigint", "application_name": "text", **core},
        "old_events": {"application_name": "text", "pipeline_id": "int", "notification_id": "int", **core},
    }
    catalog = Catalog("postgresql", tuple(Table(name, columns, "public") for name, columns in tables.items()))
    found = {store.events.name: store for store in detect(catalog)}
    assert {name: store.dialect.name for name, store in found.items()} == {
        "a_events": "eventsourcing",
        "b_events": "eventsourcing_sqlalchemy",
        "stored_events": "eventsourcing_django",
    }
    roles = {name: {role: table.name for role, table in store.tables.items()} for name, store in found.items()}
    assert roles["a_events"] == {"events": "a_events", "snapshots": "a_snapshots"}
    assert roles["b_events"] == {"events": "b_events", "snapshots": "b_snapshots", "tracking:b": "b_tracking"}
    assert roles["stored_events"] == {"events": "stored_events", "snapshots": "snapshots"}
    assert EventSourcing().unread(catalog) == [
        "Table public.old_events holds events of Python eventsourcing 8, which are not read yet."
    ]


def test_that_a_snapshot_table_of_another_name_is_no_store(tmp_path: Path) -> None:
    target = Target("sqlite", str(tmp_path / "shop.sqlite"))
    write_sqlalchemy(target, "shop")
    target.run("ALTER TABLE shop_snapshots RENAME TO folds")
    with closing(open_database(target.address)) as database:
        (store,) = database.stores
        assert store.tables["snapshots"].name == "folds"
        assert database.reader(store).snapshot_count() == 1


# Django


def write_django(target: Target, applications: Sequence[str], rows: Sequence[Row]) -> None:
    """Each row once for each application, so that their ids interleave and their streams share names."""
    written = stored_id({"sqlite": "char(32)", "postgresql": "uuid"}[target.backend])
    target.run(
        DJANGO[target.backend],
        (
            insert("stored_events", f"application_name, {EVENT}"),
            [
                (app, written(row[0]), row[1], row[2].format(app), row[3].replace(b"{}", app.encode()))
                for row in rows
                for app in applications
            ],
        ),
        (
            insert("snapshots", f"application_name, {EVENT}"),
            [("Shop", written(identity(0)), 4, KEPT, SNAPSHOT), ("Till", written(identity(0)), 5, KEPT, SNAPSHOT)],
        ),
        (
            insert("notification_tracking", "application_name, upstream_application_name, notification_id"),
            [("Till", "Shop", number) for number in (1, 3, 5, 41)] + [("Till", "Elsewhere", 9), ("Far", "Till", 2)],
        ),
    )


class TestDjango(DialectContract):
    """Two applications in one table, whose streams have the same ids and other categories."""

    @pytest.fixture
    def database(self, target: Target) -> Iterator[Database]:
        write_django(target, ("Shop", "Till"), things("{}"))
        database = open_database(target.address)
        yield database
        database.close()

    @pytest.fixture
    def expected(self, target: Target) -> Expected:
        return Expected(
            name="shop" if target.backend == "sqlite" else "public",
            dialect="eventsourcing_django",
            events=50,
            streams=10,
            types={
                f"shop:{kind}": n
                for app in ("Shop", "Till")
                for kind, n in ((f"{app}.Changed", 20), (f"Old{app}.Made", 5))
            },
            first_position=1,
            last_position=50,
            categories={"shop:Shop": 5, "shop:Till": 5},
            snapshots=2,
            checkpoints=[("Till", "Shop", 41, 4), ("Till", "Elsewhere", 9, None), ("Far", "Till", 2, 24)],
            merged=[StateAnswer(f"Till/{identity(3)}", {"n": 4, "label": "×3"}, version=4)],
        )

    def test_that_applications_have_streams_of_their_own(self, reader: Reader) -> None:
        name = str(identity(2))
        both, till = reader.stream(name), reader.stream(f"Till/{identity(2).hex}")
        assert [(e.tenant, e.version) for e in both] == [(app, n) for app in ("Shop", "Till") for n in range(1, 6)]
        assert till == both[5:] and {e.category for e in till} == {"shop:Till"}
        with pytest.raises(UsageError, match="tenants"):
            reader.aggregate(name)

    def test_that_the_category_is_that_of_the_application_s_own_first_event(self, reader: Reader) -> None:
        events = list(reader.events(Window(from_position=31)))
        assert all(event.category == f"shop:{event.tenant}" for event in events) and len(events) == 20

    def test_that_snapshots_are_told_apart_by_application(self, reader: Reader) -> None:
        assert [kept.version for kept in reader.snapshots(str(identity(0)))] == [4, 5]
        assert [kept.version for kept in reader.snapshots(f"Till/{identity(0)}")] == [5]


def test_that_a_stream_is_looked_up_in_the_index(tmp_path: Path) -> None:
    target = Target("sqlite", str(tmp_path / "shop.sqlite"))
    write_django(target, ("Shop", "Till"), things("{}"))
    with closing(open_database(target.address)) as database:
        store = database.chosen()
        for name in (str(identity(1)), f"Till/{identity(1)}"):
            statement = store.dialect.select(store).where(store.dialect.of_stream(store, name))
            text, parameters = database.connect().compiled(statement)
            with closing(sqlite3.connect(target.address)) as raw:
                plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {text}", parameters)]
            assert not [step for step in plan if step.startswith("SCAN stored_events") and "INDEX" not in step], plan


# Both


def test_that_the_short_way_to_the_index_gives_what_the_long_one_does(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_sqlalchemy(target, "shop")
    write_django(target, ("Shop", "Till"), things("{}"))
    with closing(open_database(target.address)) as database:
        for store in database.stores:
            reader = database.reader(store)
            shortened: list[bool] = []
            own = type(store.dialect).plain

            def spied(self: Any, *given: Any, own: Any = own, shortened: list[bool] = shortened) -> Any:
                shortened.append((made := own(self, *given)) is not None)
                return made

            with monkeypatch.context() as patch:
                patch.setattr(type(store.dialect), "plain", spied)
                short = build(reader, Index())
                patch.setattr(type(store.dialect), "plain", lambda *given: None)
                long = build(reader, Index())
            assert shortened and all(shortened)
            assert facts_of(short) == facts_of(long)


def facts_of(index: Index) -> dict[str, Any]:
    columns = {
        name: index.column(name).tolist() for name in ("position", "stream", "version", "type", "time", "size", "flags")
    }
    streams = [index.identity_of(ordinal) for ordinal in range(len(index.streams))]
    return columns | {
        "streams": list(index.streams),
        "identities": streams,
        "categories": list(index.stream_category),
        "tenants": list(index.stream_tenant),
        "types": list(index.types),
    }


def test_that_classes_fold_the_stream_of_the_application_that_is_meant(tmp_path: Path) -> None:
    pytest.importorskip("eventsourcing")
    target = Target("sqlite", str(tmp_path / "shop.sqlite"))
    made = [(identity(1), 1, "till:{}.Made", state(1, '"n":1', "till:{}"))]
    write_django(target, ("Shop", "Till"), [*made, (identity(1), 2, "till:{}.Changed", state(2, '"n":2'))])
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "till.py").write_text(
        "from eventsourcing.domain import Aggregate, event\n"
        "class Till(Aggregate):\n"
        '    @event("Made")\n    def __init__(self, n: int):\n        self.n = n\n'
        '    @event("Changed")\n    def change(self, n: int):\n        self.n += 10 * n\n'
    )
    with closing(open_database(target.address)) as database:
        store = database.chosen()
        events = database.reader(store).aggregate(f"Till/{identity(1)}")
        folded = fold_with_classes(database, store, events, sources)
    assert folded.failure is None and folded.history.state_at(1)["n"] == 21


def test_that_a_database_of_version_8_alone_is_named_and_not_misread(tmp_path: Path) -> None:
    target = Target("sqlite", str(tmp_path / "old.sqlite"))
    target.run(
        "CREATE TABLE stored_events (application_name TEXT, originator_id BINARY(16), originator_version BIGINT, "
        "pipeline_id INTEGER, notification_id BIGINT, causal_dependencies TEXT, topic TEXT, state BLOB)"
    )
    with pytest.raises(NotAStore, match="events of Python eventsourcing 8"):
        open_database(target.address)
