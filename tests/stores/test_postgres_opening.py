"""Postgres databases: read-only by the server's rule, under any role, through a server that goes away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import text

from esviewer.domain import Cancelled, ConnectionLost, EsviewerError, NotFound, QueryTimeout, StoreUnavailable
from esviewer.stores import postgres as postgres_module
from esviewer.stores import reader as reader_module
from esviewer.stores.address import parse
from esviewer.stores.database import open_database
from esviewer.stores.query_log import QueryLog
from esviewer.stores.reader import Reader
from esviewer.stores.summary import estimate_of
from tests.postgres import OWNER, PostgresServer

WRITES = (
    "INSERT INTO shop_events VALUES ('00000000-0000-0000-0000-000000000009', 1, 't', '', 99)",
    "UPDATE shop_events SET topic = 'x'",
    "DELETE FROM shop_events",
    "TRUNCATE shop_events",
    "CREATE TABLE other (a int)",
    "CREATE TEMP TABLE other (a int)",
    "DROP TABLE shop_events",
    "ALTER TABLE shop_events ADD COLUMN b int",
    "COPY shop_events FROM '/tmp/x'",
    "LOCK TABLE shop_events",
    "VACUUM shop_events",
    "BEGIN READ WRITE",
    "SET default_transaction_read_only = off",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SELECT set_config('default_transaction_read_only', 'off', false)",
    "SELECT \"set_config\"('default_transaction_read_only', 'off', false)",
    "WITH s AS (UPDATE pg_settings SET setting = 'off' WHERE name LIKE '%read_only' RETURNING 1) SELECT 1",
    "SELECT setval('shop_events_notification_id_seq', 1)",
    "SELECT * INTO other FROM shop_events",
    "SELECT * INTO TEMP other FROM shop_events",
    "TABLE shop_events",
    "REINDEX TABLE shop_events",
    "REFRESH MATERIALIZED VIEW nothing",
    "GRANT ALL ON shop_events TO PUBLIC",
    "NOTIFY shop",
    "PREPARE p AS DELETE FROM shop_events",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "/* */ DELETE FROM shop_events",
    "EXPLAIN ANALYZE DELETE FROM shop_events",
    "SELECT drain()",
    "SELECT * FROM draining",
    "SELECT nextval('shop_events_notification_id_seq')",
    "SELECT * FROM shop_events FOR UPDATE",
    "WITH gone AS (DELETE FROM shop_events RETURNING 1) SELECT * FROM gone",
    "SELECT 1; DELETE FROM shop_events",
    "DO $$ BEGIN DELETE FROM shop_events; END $$",
    "SELECT lo_create(0)",
    'SELECT "lo_from_bytea" (0, NULL)',
)
UNDOING = (
    "SELECT * FROM undoing",
    "SELECT U&\"set\\005fconfig\"('default_transaction_read_only', 'off', false)",
)
"""Calls that Postgres allows in a read-only transaction, after which the next one would not be read-only."""
DRAIN = (
    "CREATE FUNCTION drain() RETURNS bigint LANGUAGE sql AS 'DELETE FROM shop_events; SELECT 1::bigint';"
    "CREATE VIEW draining AS SELECT drain();"
    "CREATE VIEW undoing AS SELECT set_config('default_transaction_read_only', 'off', false)"
)
TABLE = (
    "CREATE TABLE {name}_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
    " notification_id bigserial, PRIMARY KEY (originator_id, originator_version))"
)


@pytest.fixture
def shop(postgres: PostgresServer) -> Iterator[str]:
    """A database with one store of 500 events."""
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(TABLE.format(name="shop"))
        connection.execute(
            "INSERT INTO shop_events (originator_id, originator_version, topic, state)"
            " SELECT '00000000-0000-0000-0000-000000000001', n, 'm:A.B', convert_to('{\"n\":' || n || '}', 'UTF8')"
            " FROM generate_series(1, 500) n"
        )
        connection.execute(DRAIN)
    yield name
    postgres.start()
    postgres.drop_database(name)


def rows(postgres: PostgresServer, name: str) -> list[Any]:
    with psycopg.connect(postgres.url(name)) as connection:
        found = connection.execute("SELECT * FROM shop_events ORDER BY notification_id").fetchall()
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchall()
        return [found, sorted(tables)]


@pytest.mark.parametrize("user", ["postgres", OWNER, "reader"])
def test_that_every_write_statement_is_refused_to_any_role(postgres: PostgresServer, shop: str, user: str) -> None:
    if user == "reader":
        postgres.role("reader", "SELECT", shop)
    if user == OWNER:
        with psycopg.connect(postgres.url(shop), autocommit=True) as connection:
            connection.execute(f"ALTER TABLE shop_events OWNER TO {OWNER}")
    before = rows(postgres, shop)
    database = open_database(postgres.url(shop, user))
    session = database.connect()
    for statement in WRITES:
        with pytest.raises(EsviewerError):
            session.all(text(statement))
        assert session.scalar(text("SELECT current_setting('transaction_read_only')")) == "on"
    assert sum(1 for _ in database.reader(database.chosen()).events()) == 500
    database.close()
    assert rows(postgres, shop) == before


@pytest.mark.parametrize("statement", UNDOING)
def test_that_a_session_that_was_made_writable_is_sent_nothing_more(
    postgres: PostgresServer, shop: str, statement: str
) -> None:
    before = rows(postgres, shop)
    database = open_database(postgres.url(shop))
    session = database.connect()
    assert session.all(text(statement)) == [("off",)]
    with pytest.raises(StoreUnavailable, match="not read-only"):
        session.all(text("SELECT drain()"))
    with pytest.raises(EsviewerError):
        session.all(text("SELECT drain()"))
    database.close()
    assert rows(postgres, shop) == before


def test_that_a_session_that_did_not_become_read_only_is_not_used(
    postgres: PostgresServer, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As through a pooler that drops the options of a connection.
    connect = psycopg.connect
    monkeypatch.setattr(psycopg, "connect", lambda url, options, **settings: connect(url, **settings))
    with pytest.raises(StoreUnavailable, match=r"not read-only.*pooler"):
        open_database(postgres.url(shop))


def test_that_sessions_say_who_they_are_and_leave_no_transaction_open(postgres: PostgresServer, shop: str) -> None:
    database = open_database(postgres.url(shop))
    reader = database.reader(database.chosen())
    half = reader.events()
    for _ in range(3):
        next(half)
    half.close()
    assert sum(1 for _ in reader.events()) == 500
    with psycopg.connect(postgres.url(shop)) as connection:
        states = connection.execute(
            "SELECT state, backend_xmin FROM pg_stat_activity WHERE application_name = 'esviewer' AND datname = %s",
            (shop,),
        ).fetchall()
    assert states and set(states) == {("idle", None)}
    database.close()


def test_that_options_of_the_address_do_not_take_ours_away(postgres: PostgresServer, shop: str) -> None:
    url = postgres.url(shop, options="-c default_transaction_read_only=off -c statement_timeout=0")
    database = open_database(url)
    connection = database.connect()
    assert connection.scalar(text("SELECT current_setting('default_transaction_read_only')")) == "on"
    assert connection.scalar(text("SELECT current_setting('statement_timeout')")) == "1min"
    database.close()


def test_that_a_long_statement_is_ended_with_a_sentence(postgres: PostgresServer, shop: str) -> None:
    database = open_database(postgres.url(shop), statement_seconds=0.2)
    with pytest.raises(QueryTimeout, match=r"longer than 0\.2 s"):
        database.connect().all(text("SELECT pg_sleep(20)"))
    database.close()


def test_that_reading_goes_on_where_it_was_when_the_server_comes_back(
    postgres: PostgresServer, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "PAGE", 40)
    database = open_database(postgres.url(shop))
    undisturbed = list(database.reader(database.chosen()).events())
    told: list[str] = []
    back = threading.Event()

    def waiting(sentence: str, _seconds: float) -> None:
        told.append(sentence)
        if len(told) == 2 and not back.is_set():
            back.set()
            postgres.start()

    reader = database.reader(database.chosen(), waiting=waiting)
    events = []
    for event in reader.events():
        events.append(event)
        if len(events) == 200:
            postgres.stop()
    assert events == undisturbed
    assert told and "lost" in told[0]
    database.close()


def test_that_patience_ends_with_what_happened(postgres: PostgresServer, shop: str) -> None:
    database = open_database(postgres.url(shop))
    reader = Reader(database.chosen(), database.connect, database.release, database.codecs, patience=0.5)
    next(reader.events())
    postgres.stop()
    with pytest.raises(ConnectionLost, match="lost"):
        list(reader.events())
    database.close()


def test_that_stopping_a_reader_ends_its_waiting_and_its_statement(postgres: PostgresServer, shop: str) -> None:
    database = open_database(postgres.url(shop))
    # Its patience is longer than a test may take: only the stop can end it.
    reader = Reader(database.chosen(), database.connect, database.release, database.codecs, patience=3600)
    next(reader.events())
    postgres.stop()
    thread = threading.Timer(0.3, reader.stop)
    thread.start()
    with pytest.raises(Cancelled):
        list(reader.events())
    thread.join()
    database.close()


def test_that_a_role_without_rights_gets_a_sentence(postgres: PostgresServer, shop: str) -> None:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS stranger")
        connection.execute("CREATE ROLE stranger LOGIN")
    database = open_database(postgres.url(shop, "stranger"))
    with pytest.raises(EsviewerError) as caught:
        list(database.reader(database.chosen()).events())
    database.close()
    assert "grant it SELECT" in str(caught.value)


def test_that_schemas_and_stores_are_named_and_chosen(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute('CREATE SCHEMA "Other Shop"')
        connection.execute(TABLE.format(name="shop"))
        connection.execute('SET search_path TO "Other Shop"')
        connection.execute(TABLE.format(name="shop"))
    database = open_database(postgres.url(name))
    assert [store.name for store in database.stores] == ["Other Shop.shop", "shop"]
    database.close()
    only = open_database(postgres.url(name, schema="Other Shop"))
    assert only.chosen().name == "Other Shop.shop"
    assert list(only.reader(only.chosen()).events()) == []
    only.close()
    with pytest.raises(NotFound):
        open_database(postgres.url(name, schema="none"))
    postgres.drop_database(name)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda url: url.replace("127.0.0.1", "no-such-host.invalid"), "no server of that name"),
        (lambda url: url.replace(url.rsplit(":", 1)[1].split("/")[0], "1"), "no Postgres server is listening"),
        (lambda url: url.rsplit("/", 1)[0] + "/nonesuch", "no such database"),
        (lambda url: url.replace("postgres@", "nobody_here:s3cret@"), "no such user"),
        (lambda url: url + "?nonsense=1", "nonsense"),
        (lambda url: url + "?sslmode=require&password=s3cret", "does not support SSL"),
        (lambda url: url + "?service=nope&password=s3cret", 'service "nope" not found'),
        (lambda url: url + "?connect_timeout=x&password=s3cret", "cannot be read"),
        (lambda url: url + "?options=-c%20nonsense", "nonsense requires a value"),
        (lambda url: url.replace("postgres@", "postgres:s3cret%zz@"), "cannot be read"),
        (lambda url: "postgresql://me:s3cret@[::1]:1/shop", "no Postgres server is listening"),
        (lambda url: "postgresql:///shop?host=/nonesuch&password=s3cret", "no Postgres server is listening"),
    ],
)
def test_that_what_goes_wrong_while_connecting_is_one_sentence_without_secrets(
    postgres: PostgresServer, shop: str, change: Callable[[str], str], part: str
) -> None:
    with pytest.raises(EsviewerError) as caught:
        open_database(change(postgres.url(shop)))
    assert part in str(caught.value)
    assert "s3cret" not in str(caught.value) and "\n" not in str(caught.value)


def test_that_infinite_and_far_times_do_not_break_a_page(postgres: PostgresServer, shop: str) -> None:
    database = open_database(postgres.url(shop))
    (row,) = database.connect().all(
        text(
            "SELECT 'infinity'::timestamptz, '20000-01-01'::timestamp, '2024-01-01 12:00+05:45'::timestamptz,"
            " '{\"a\": 1}'::jsonb, '5'::xid8, '00000000-0000-0000-0000-00000000000a'::uuid"
        )
    )
    assert row == (
        None,
        568_971_820_800_000_000,
        1_704_089_700_000_000,
        b'{"a": 1}',
        5,
        "00000000-0000-0000-0000-00000000000a",
    )
    database.close()


def test_that_partitions_and_views_are_not_stores_of_their_own(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE shop_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
            " notification_id bigint) PARTITION BY RANGE (notification_id)"
        )
        connection.execute("CREATE TABLE shop_events_1 PARTITION OF shop_events FOR VALUES FROM (0) TO (100)")
        connection.execute("CREATE VIEW v_events AS SELECT * FROM shop_events")
        connection.execute(TABLE.format(name="old"))
        connection.execute("CREATE TABLE old_1_events () INHERITS (old_events)")
        connection.execute("CREATE TABLE base (noted_by text)")
        connection.execute(TABLE.format(name="heir") + " INHERITS (base)")
    database = open_database(postgres.url(name))
    assert [store.name for store in database.stores] == ["heir", "old", "shop"]
    database.close()
    postgres.drop_database(name)


def test_that_an_estimate_counts_nothing(postgres: PostgresServer, shop: str) -> None:
    with psycopg.connect(postgres.url(shop), autocommit=True) as connection:
        connection.execute("ANALYZE shop_events")
    log = QueryLog()
    database = open_database(postgres.url(shop), log=log)
    figures = estimate_of(database, database.chosen())
    database.close()
    assert (figures["events"], figures["first_position"], figures["last_position"]) == (500, 1, 500)
    assert not any("count(" in entry.statement.lower() for entry in log.entries())


def test_that_a_password_stands_in_no_text(postgres: PostgresServer) -> None:
    address = parse("postgresql://me:pa%40ss@host:5432/db?password=other&sslmode=require&schema=shop")
    for shown in (address.text, address.kept, repr(address)):
        assert "pa%40ss" not in shown and "other" not in shown
    assert "pa%40ss" in address.whole and parse(address.kept).schema == "shop"


@pytest.mark.parametrize("url", ["postgresql:///clinic", "postgresql://", "postgresql:///?service=shop"])
def test_that_addresses_without_a_host_keep_their_slashes(url: str) -> None:
    address = parse(url)
    assert address.backend == "postgresql" and address.url.startswith("postgresql:///")
    assert parse(address.kept) == address


@pytest.mark.parametrize("url", ["postgresql://[::1", "postgresql://host:secret/db"])
def test_that_a_malformed_address_is_not_quoted(url: str) -> None:
    with pytest.raises(EsviewerError) as caught:
        parse(url)
    assert "secret" not in str(caught.value)


def test_that_a_database_without_stores_names_its_tables(postgres: PostgresServer) -> None:
    name = postgres.create_database()
    with pytest.raises(EsviewerError, match="holds no tables"):
        open_database(postgres.url(name))
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute("CREATE TABLE invoices (a int)")
    with pytest.raises(EsviewerError, match=r"its tables are public\.invoices"):
        open_database(postgres.url(name))
    postgres.drop_database(name)


# Passwords


@pytest.fixture(scope="module")
def guarded(postgres: PostgresServer) -> str:
    """A role that the server asks for its password ``pa ss:%/'@``, on TCP and on the socket."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE ROLE guarded LOGIN PASSWORD 'pa ss:%/''@'")
    rules = postgres.folder / "data" / "pg_hba.conf"
    asked = "host all guarded 127.0.0.1/32 scram-sha-256\nlocal all guarded scram-sha-256\n"
    rules.write_text(asked + rules.read_text())
    postgres.stop()
    postgres.start()
    return "guarded"


PASSWORD = "pa ss:%/'@"


def with_variable(url: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setenv("PGPASSWORD", PASSWORD)
    return url


def with_password_file(url: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "pgpass").write_text("*:*:*:guarded:" + PASSWORD.replace(":", "\\:") + "\n")
    (folder / "pgpass").chmod(0o600)
    patch.setenv("PGPASSFILE", str(folder / "pgpass"))
    return url


def with_service(url: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    (folder / "services").write_text(f"[shop]\npassword={PASSWORD}\n")
    patch.setenv("PGSERVICEFILE", str(folder / "services"))
    return f"{url}?service=shop"


def with_password_inside(url: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    return url.replace("guarded@", f"guarded:{quote(PASSWORD, safe='')}@")


def with_parameter(url: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    return f"{url}?password={quote(PASSWORD, safe='')}"


def with_keyring(url: str, folder: Path, patch: pytest.MonkeyPatch) -> str:
    patch.setattr(postgres_module, "stored_password", lambda _url: PASSWORD)
    return url


WAYS = (with_variable, with_password_file, with_service, with_password_inside, with_parameter, with_keyring)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_that_a_password_is_found_wherever_it_is_kept_and_shown_nowhere(
    postgres: PostgresServer,
    shop: str,
    guarded: str,
    way: Callable[[str, Path, pytest.MonkeyPatch], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = QueryLog()
    with closing(open_database(way(postgres.url(shop, guarded), tmp_path, monkeypatch), log=log)) as database:
        with pytest.raises(EsviewerError) as caught:
            list(database.reader(database.chosen()).events())
        shown = [str(caught.value), repr(database.address), database.address.text, database.address.kept]
    for secret in (PASSWORD, quote(PASSWORD, safe=""), quote(PASSWORD)):
        assert not any(secret in text for text in (*shown, *map(repr, log.entries())))


def test_that_a_wrong_password_and_none_are_told_apart(postgres: PostgresServer, shop: str, guarded: str) -> None:
    url = postgres.url(shop, guarded)
    with pytest.raises(StoreUnavailable, match="asks for a password; give it in PGPASSWORD"):
        open_database(url)
    for attempt in (url.replace("guarded@", "guarded:s3cret@"), f"{url}?password=s3cret"):
        with pytest.raises(StoreUnavailable, match="refused the user name or the password") as caught:
            open_database(attempt)
        assert "s3cret" not in str(caught.value)
    with pytest.raises(StoreUnavailable, match="refused the user name or the password"):
        open_database(url, password="s3cret")
    open_database(url, password=PASSWORD).close()


# Ways to a server


def test_that_a_socket_and_a_list_of_servers_are_addresses_too(postgres: PostgresServer, shop: str) -> None:
    folder = quote(str(postgres.folder), safe="")
    for url in (
        f"postgresql:///{shop}?host={folder}&port={postgres.port}&user=postgres",
        f"postgresql://postgres@{folder}:{postgres.port}/{shop}",
        f"postgresql://postgres@127.0.0.1:1,127.0.0.1:{postgres.port}/{shop}",
    ):
        with closing(open_database(url)) as database:
            assert database.address.database == shop
            assert sum(1 for _ in database.reader(database.chosen()).events()) == 500


def test_that_a_server_that_never_answers_is_given_up(shop: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"postgresql://me:s3cret@127.0.0.1:{mute.getsockname()[1]}/{shop}?connect_timeout=1"
        with pytest.raises(StoreUnavailable, match="did not answer in time") as caught:
            open_database(url)
    assert "s3cret" not in str(caught.value)
