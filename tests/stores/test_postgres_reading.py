"""What a Postgres server is made to bear, and what comes from it: pauses, losses, values and names of every kind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from esviewer.domain import Cancelled, ConnectionLost, EsviewerError, StoreUnavailable
from esviewer.stores import reader as reader_module
from esviewer.stores.database import Database, open_database
from esviewer.stores.query_log import QueryLog
from esviewer.stores.reader import Window
from esviewer.stores.summary import estimate_of
from tests.postgres import PostgresServer

COLUMNS = (
    "(originator_id uuid, originator_version bigint, topic text, state bytea, notification_id bigserial,"
    " PRIMARY KEY (originator_id, originator_version))"
)
FILL = (
    "INSERT INTO {table} (originator_id, originator_version, topic, state)"
    " SELECT ('00000000-0000-0000-0000-' || lpad((n % 7)::text, 12, '0'))::uuid, n / 7 + 1, 'm:A.B',"
    " convert_to('{{\"text\":\"' || repeat('x', {width}) || '\"}}', 'UTF8') FROM generate_series(1, {rows}) n"
)


@pytest.fixture
def new(postgres: PostgresServer) -> Iterator[Callable[..., str]]:
    """`new("CREATE …", …)` is the name of a database of its own, in which these statements were executed."""
    made: list[str] = []

    def create(*statements: str) -> str:
        made.append(postgres.create_database())
        with psycopg.connect(postgres.url(made[-1]), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return made[-1]

    yield create
    postgres.start()
    for name in made:
        postgres.drop_database(name)


def store(name: str = "shop_events", rows: int = 300, width: int = 10) -> tuple[str, str]:
    return f"CREATE TABLE {name} {COLUMNS}", FILL.format(table=name, rows=rows, width=width)


def sessions(postgres: PostgresServer, name: str) -> list[tuple[Any, ...]]:
    """State and oldest snapshot of each of our sessions."""
    with psycopg.connect(postgres.url(name)) as connection:
        return connection.execute(
            "SELECT state, backend_xmin FROM pg_stat_activity WHERE application_name = 'esviewer' AND datname = %s",
            (name,),
        ).fetchall()


def end_sessions(postgres: PostgresServer, name: str) -> None:
    with psycopg.connect(postgres.url("postgres")) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'esviewer' AND datname = %s",
            (name,),
        )


def events_of(database: Database) -> list[Any]:
    with closing(database.reader(database.chosen())) as reader:
        return list(reader.events())


# Pauses and ends


def test_that_a_reader_that_pauses_holds_no_snapshot_and_outlasts_the_timeout(
    postgres: PostgresServer, new: Callable[..., str]
) -> None:
    # More than what the sockets between us and the server take in.
    name = new(*store(rows=4_000, width=4_000))
    database = open_database(postgres.url(name), statement_seconds=0.5)
    reader = database.reader(database.chosen())
    events = reader.events()
    next(events)
    assert set(sessions(postgres, name)) == {("idle", None)}
    for _ in range(1_500):
        next(events)
    with psycopg.connect(postgres.url(name)) as connection:
        connection.execute("SELECT pg_sleep(0.6)")
    assert set(sessions(postgres, name)) == {("idle", None)}
    assert sum(1 for _ in events) == 4_000 - 1_501
    database.close()


def test_that_rows_too_large_for_one_block_come_in_several(
    postgres: PostgresServer, new: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "BLOCK_BYTES", 200_000)
    name = new(*store(rows=3_000, width=1_000))
    log = QueryLog()
    database = open_database(postgres.url(name), log=log)
    events = events_of(database)
    assert [event.position for event in events] == list(range(1, 3_001))
    read = [entry.rows or 0 for entry in log.entries() if "ORDER BY" in entry.statement][2:]
    assert max(read) <= 500 and set(sessions(postgres, name)) == {("idle", None)}
    database.close()


def test_that_an_answer_dropped_half_way_is_in_the_log_and_leaves_a_usable_session(
    postgres: PostgresServer, new: Callable[..., str]
) -> None:
    name = new(*store(rows=5_000, width=3_000))
    log = QueryLog()
    database = open_database(postgres.url(name), log=log)
    connection = database.connect()
    half = connection.rows(text("SELECT state FROM shop_events"))
    assert len(next(half)) == 500
    half.close()
    assert log.entries()[-1].statement == "SELECT state FROM shop_events" and log.entries()[-1].rows == 500
    assert connection.scalar(text("SELECT 7")) == 7
    assert set(sessions(postgres, name)) == {("idle", None)}
    database.close()


def test_that_stopping_a_reader_ends_a_slow_statement_at_once(
    postgres: PostgresServer, new: Callable[..., str]
) -> None:
    name = new(
        *store(),
        "ALTER TABLE shop_events ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY slow ON shop_events USING (pg_sleep(0.2) IS NOT NULL)",
    )
    database = open_database(postgres.url(name, postgres.role("reader", "SELECT", name)))
    reader = database.reader(database.chosen())
    asked: list[float] = []

    def stop_when_it_runs() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and ("active",) not in [row[:1] for row in sessions(postgres, name)]:
            time.sleep(0.01)
        asked.append(time.monotonic())
        reader.stop()

    thread = threading.Thread(target=stop_when_it_runs)
    thread.start()
    with pytest.raises(Cancelled):
        list(reader.events())
    ended = time.monotonic()
    thread.join()
    database.close()
    assert ended - asked[0] < 1


def test_that_a_statement_ended_by_an_administrator_is_no_cancellation_of_ours(
    postgres: PostgresServer, new: Callable[..., str]
) -> None:
    name = new(*store())
    database = open_database(postgres.url(name))
    connection = database.connect()
    with pytest.raises(StoreUnavailable, match="canceling statement"):
        connection.all(text("SELECT pg_cancel_backend(pg_backend_pid()), pg_sleep(5)"))
    database.close()


# Losses


def test_that_an_ended_session_is_replaced_at_once(
    postgres: PostgresServer, new: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "PAGE", 40)
    name = new(*store())
    database = open_database(postgres.url(name))
    undisturbed = events_of(database)
    told: list[str] = []
    reader = database.reader(database.chosen(), waiting=lambda sentence, _: told.append(sentence))
    events = []
    for event in reader.events():
        events.append(event)
        if len(events) in (1, 100):
            end_sessions(postgres, name)
    assert events == undisturbed
    assert len(told) == 2 and all("was lost" in sentence for sentence in told)
    database.close()


def test_that_the_category_of_a_stream_is_waited_for_too(postgres: PostgresServer, new: Callable[..., str]) -> None:
    name = new(*store())
    database = open_database(postgres.url(name))
    whole = events_of(database)
    told: list[str] = []

    def waiting(sentence: str, _seconds: float) -> None:
        told.append(sentence)
        postgres.start()

    # From the middle on, the first event of each stream has to be looked up.
    reader = database.reader(database.chosen(), waiting=waiting)
    events = reader.events(Window(after=whole[99].key))
    first = next(events)
    postgres.stop()
    assert [first, *events] == whole[100:]
    assert told
    database.close()


def test_that_a_standby_that_lets_go_of_rows_is_asked_again(postgres: PostgresServer, new: Callable[..., str]) -> None:
    name = new(
        "CREATE FUNCTION conflict() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION"
        " 'canceling statement due to conflict with recovery' USING ERRCODE = '40001'; END $$",
        *store(),
    )
    database = open_database(postgres.url(name))
    with pytest.raises(ConnectionLost):
        database.connect().all(text("SELECT conflict()"))
    database.close()


def test_that_stopping_a_reader_whose_server_is_gone_raises_nothing(
    postgres: PostgresServer, new: Callable[..., str]
) -> None:
    name = new(*store())
    database = open_database(postgres.url(name))
    reader = database.reader(database.chosen())
    events = reader.events()
    next(events)
    postgres.stop()
    reader.stop()
    with pytest.raises(Cancelled):
        list(reader.events())
    database.close()


# Rights


def test_that_one_schema_without_rights_does_not_hide_the_others(
    postgres: PostgresServer, new: Callable[..., str]
) -> None:
    name = new(*store(), "CREATE SCHEMA closed", *store("closed.shop_events"))
    reader = postgres.role("half", "SELECT", name)
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("REVOKE ALL ON SCHEMA closed FROM half")
    database = open_database(postgres.url(name, reader))
    assert [found.name for found in database.stores] == ["closed.shop", "shop"]
    assert sum(1 for _ in database.reader(database.named("shop")).events()) == 300
    with pytest.raises(EsviewerError, match=r"permission denied for schema closed\): grant it"):
        list(database.reader(database.named("closed.shop")).events())
    database.close()


def test_that_a_foreign_table_does_not_hide_the_others(postgres: PostgresServer, new: Callable[..., str]) -> None:
    name = new(
        *store(),
        "CREATE FOREIGN DATA WRAPPER nothing",
        "CREATE SERVER away FOREIGN DATA WRAPPER nothing",
        "CREATE FOREIGN TABLE far_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
        " notification_id bigint) SERVER away",
    )
    database = open_database(postgres.url(name))
    assert sum(1 for _ in database.reader(database.named("shop")).events()) == 300
    with pytest.raises(EsviewerError, match="no handler"):
        list(database.reader(database.named("far")).events())
    database.close()


# Values and names


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'ok'::mood", "ok"),
        ("'a'::name", "a"),
        ("'1.50'::numeric::text", "1.50"),
        ("'infinity'::date", None),
        ("'20000-01-02'::date", 568_971_907_200_000_000),
        ("'1969-12-31 23:59:59.999999Z'::timestamptz", -1),
        ("'2024-01-01 12:00'::timestamp", 1_704_110_400_000_000),
        ("'2024-01-01 12:00Z'::timestamptz", 1_704_110_400_000_000),
        ("'5'::xid", 5),
        ("'18446744073709551615'::xid8", 2**64 - 1),
        ('\'{"b":1, "b":2}\'::json', b'{"b":1, "b":2}'),
        ("'\\x00ff'::bytea", b"\x00\xff"),
        ("ARRAY['a', NULL]::text[]", ["a", None]),
        ("ARRAY['00000000-0000-0000-0000-00000000000a'::uuid]", ["00000000-0000-0000-0000-00000000000a"]),
        ("'0/16B3748'::pg_lsn", b"\x00\x00\x00\x00\x01\x6b\x37\x48"),
    ],
)
def test_that_values_arrive_as_dialects_expect_them(
    postgres: PostgresServer, values: Database, expression: str, value: object
) -> None:
    found = values.connect().scalar(text("SELECT " + expression.replace(":", "\\:")))
    assert found == value and type(found) is type(value)


@pytest.fixture(scope="module")
def values(postgres: PostgresServer) -> Iterator[Database]:
    """One database for all values."""
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('sad', 'ok')")
        connection.execute(f"CREATE TABLE shop_events {COLUMNS}")
    with closing(open_database(postgres.url(name))) as database:
        yield database
    postgres.drop_database(name)


def test_that_text_of_a_database_without_encoding_is_shown_with_escapes(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE bytes ENCODING 'SQL_ASCII' TEMPLATE template0")
    strange = f'CREATE TABLE "Größe_events" {COLUMNS}'
    with psycopg.connect(postgres.url("bytes"), autocommit=True) as connection:
        connection.execute(strange.encode())
        connection.execute(
            "INSERT INTO \"Größe_events\" VALUES ('00000000-0000-0000-0000-000000000001', 1, E'm:\\xff.B', '{}')".encode()
        )
    database = open_database(postgres.url("bytes"))
    assert database.chosen().name == "Größe"
    assert [event.type for event in events_of(database)] == ["m:\\xff.B"]
    database.close()
    postgres.drop_database("bytes")


@pytest.mark.parametrize("schema", ["public", 'A "b".c', "100%s :x", "Größe", "select"])
@pytest.mark.parametrize("table", ["select", 'Or"der.%(x)s_events', "A:b ?_events"])
def test_that_schemas_and_tables_may_be_called_anything(
    postgres: PostgresServer, new: Callable[..., str], schema: str, table: str
) -> None:
    name = new()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        place = sql.Identifier(schema, table).as_string(connection)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        for statement in (*store(place), f"ALTER TABLE {place} ADD COLUMN gone int", f"ANALYZE {place}"):
            connection.execute(statement.encode())
        connection.execute(f"ALTER TABLE {place} DROP COLUMN gone".encode())
    database = open_database(postgres.url(name, schema=schema))
    short = table.removesuffix("_events")
    assert database.chosen().name == (short if schema == "public" else f"{schema}.{short}")
    events = events_of(database)
    reader = database.reader(database.chosen())
    stream = events[0].stream
    assert stream is not None
    assert reader.stream(stream) == [event for event in events if event.stream == stream]
    assert reader.at([events[3].key]) == [events[3]]
    assert estimate_of(database, database.chosen())["events"] == len(events) == 300
    database.close()


def test_that_rows_of_partitions_are_estimated_and_read_once(postgres: PostgresServer, new: Callable[..., str]) -> None:
    name = new(
        "CREATE TABLE shop_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
        " notification_id bigserial) PARTITION BY RANGE (notification_id)",
        "CREATE TABLE first_events PARTITION OF shop_events FOR VALUES FROM (0) TO (101)",
        "CREATE SCHEMA parts",
        "CREATE TABLE parts.rest_events PARTITION OF shop_events FOR VALUES FROM (101) TO (1000)",
        store()[1],
    )
    log = QueryLog()
    database = open_database(postgres.url(name), log=log)
    assert estimate_of(database, database.chosen())["events"] is None
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("ANALYZE")
    assert estimate_of(database, database.chosen())["events"] == 300
    assert not any("count(" in entry.statement.lower() for entry in log.entries())
    assert len(events_of(database)) == 300
    database.close()
