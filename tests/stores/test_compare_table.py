"""A projection beside the live read model: a table of the same database."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
import sqlalchemy

from esviewer.cli import run
from esviewer.domain import StoreUnavailable
from esviewer.projections.explaining import MOST_EVENTS
from esviewer.projections.live_table import end_of_replay
from esviewer.projections.row_keys import Places, place_of
from esviewer.stores.database import open_database
from esviewer.stores.dialects.base import Follow
from esviewer.stores.read_model import read_model
from tests.postgres import PostgresServer
from tests.shared_stores import unpack
from tests.stores.drawn_stores import emmett
from tests.stores.test_replay import Stored, made_store, source

LOANS = """
from datetime import datetime, timezone
from decimal import Decimal
from uuid import UUID

class Loans(Projection):
    @on("Opened")
    def opened(self, event):
        self.rows[event.stream] = {
            "Balance": Decimal("0.00"), "payments": 0, "isOpen": True, "tags": {"b": 1, "a": [1, 2]},
            "owner": UUID("6f3d5b5e-0a7e-4a51-9d3c-1a0d3a1b2c3d"),
            "since": datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
        }

    @on("Paid")
    def paid(self, event):
        row = self.rows[event.stream]
        row["Balance"] += Decimal(event.data["amount"])
        row["payments"] += 1
"""
EVENTS: list[Stored] = [
    ("a", 1, "Opened", {}),
    ("b", 1, "Opened", {}),
    ("a", 2, "Paid", {"amount": "10.50"}),
    ("c", 1, "Opened", {}),
    ("b", 2, "Paid", {"amount": "5"}),
]
OWNER = "6f3d5b5e0a7e4a519d3c1a0d3a1b2c3d"
LIVE: list[tuple[Any, ...]] = [
    ("a", "10.5", 1, 1, '{"a": [1, 2], "b": 1}', OWNER, "2024-01-02 05:04:05+02:00", "x"),
    ("b", 6, 1, 1, '{"a": [1, 2], "b": 1}', OWNER.upper(), "2024-01-02T03:04:05Z", "x"),
    ("d", 0, 0, 1, "{}", OWNER, "2024-01-02T03:04:05Z", "x"),
]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A SQLite store with the read model `loans`: `a` as a replay gives it, `b` with a balance of its own, no `c`."""
    path = made_store(tmp_path / "bank.sqlite", EVENTS)
    source(tmp_path / "loans.py", LOANS)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE loans (stream TEXT PRIMARY KEY, balance NUMERIC, payments INTEGER, is_open INTEGER, tags TEXT,"
            " owner TEXT, since TEXT, written TEXT)"
        )
        connection.executemany("INSERT INTO loans VALUES (?, ?, ?, ?, ?, ?, ?, ?)", LIVE)
        connection.execute('CREATE TABLE "odd "" name" (x TEXT, y TEXT, n INTEGER)')
        connection.commit()
    return path


class Compare:
    """Runs `compare STORE loans.py table:NAME --trust --json`."""

    def __init__(self, projection: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.projection = projection
        self.capture = capture
        self.said = ""

    def __call__(self, store: Path | str, table: str, *options: str, status: int = 0) -> dict[str, Any]:
        asked = ["compare", str(store), str(self.projection), f"table:{table}", "--trust", "--json", *options]
        assert run(asked) == status, self.capture.readouterr().err
        captured = self.capture.readouterr()
        self.said = captured.err
        answer: dict[str, Any] = json.loads(captured.out) if captured.out else {}
        return answer


@pytest.fixture
def compare(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Compare:
    return Compare(tmp_path / "loans.py", capfd)


def counts(answer: dict[str, Any]) -> Sequence[int]:
    return [answer[name] for name in ("same", "added", "removed", "changed")]


def test_that_a_table_is_compared_by_what_its_values_mean(store: Path, compare: Compare) -> None:
    answer = compare(store, "LOANS", "--map", "IS_OPEN=isOpen")
    assert counts(answer) == [1, 1, 1, 1] and (answer["verdict"], answer["position"]) == ("complete", 5)
    assert answer["first_divergence"] is None and set(answer) == {
        *("verdict", "position", "same", "added", "removed", "changed", "rows", "first_divergence"),
    }
    changed, removed, added = answer["rows"]
    assert (changed["table"], changed["key"], changed["fields"]) == ("rows", "b", ["Balance"])
    assert (changed["a"]["Balance"], changed["b"]["Balance"]) == ("5.00", 6)
    assert (removed["key"], removed["b"], added["key"], added["a"]) == ("c", None, "d", None)
    assert "columns that the projection has not: written." in compare.said


def test_that_columns_without_a_counterpart_are_said_and_not_compared(store: Path, compare: Compare) -> None:
    answer = compare(store, "loans")
    assert "The projection has columns that loans has not: isOpen." in compare.said
    assert "loans has columns that the projection has not: is_open, written." in compare.said
    assert counts(answer) == [1, 1, 1, 1]


def test_that_to_a_position_replays_no_further(store: Path, compare: Compare) -> None:
    answer = compare(store, "loans", "--to", "2")
    assert (answer["position"], counts(answer)) == (2, [0, 1, 0, 2])


def test_that_other_columns_may_be_the_key_and_must_tell_rows_apart(
    store: Path, tmp_path: Path, compare: Compare
) -> None:
    source(
        tmp_path / "pairs.py",
        'class P(Projection):\n    @on("Opened")\n    def o(self, event):\n        self.rows[event.stream, 1] = {"n": 1}\n',
    )
    compare.projection = tmp_path / "pairs.py"
    with closing(sqlite3.connect(store)) as connection:
        connection.executemany('INSERT INTO "odd "" name" VALUES (?, ?, ?)', [("a", "1", 1), ("b", "1", 2)])
        connection.commit()
    answer = compare(store, 'odd " name', "--key", "x,Y")
    assert counts(answer) == [1, 0, 1, 1]
    assert [row["key"] for row in answer["rows"]] == [["b", 1], ["c", 1]]
    compare(store, 'odd " name', status=2)
    assert "no primary key: give --key with one or more of x, y, n" in compare.said
    compare(store, 'odd " name', "--key", "y", status=2)
    assert "y is no key" in compare.said and "'1' stands in several rows" in compare.said
    compare(store, 'odd " name', "--key", "z", status=2)
    assert "no column 'z'" in compare.said
    compare(store, 'odd " name', "--key", "n")
    assert "--key names other columns" in compare.said


def test_that_a_table_that_is_not_there_is_refused_with_those_that_are(store: Path, compare: Compare) -> None:
    compare(store, "public.loan", status=2)
    assert compare.said == 'There is no table public.loan in this database; there are loans, odd " name.\n'
    compare(store, "loans; DROP TABLE loans", status=2)
    compare(store, "loans", "--map", "nope=x", status=2)
    assert "no column 'nope'" in compare.said
    compare(store, "loans", "--map", "nope", status=2)
    compare(store, "", status=2)


def test_that_comparing_leaves_the_file_and_its_folder_as_they_were(store: Path, compare: Compare) -> None:
    before = hashlib.sha256(store.read_bytes()).hexdigest(), store.stat().st_mtime_ns, sorted(store.parent.iterdir())
    compare(store, "loans")
    after = hashlib.sha256(store.read_bytes()).hexdigest(), store.stat().st_mtime_ns, sorted(store.parent.iterdir())
    assert before == after


def test_that_a_handler_that_fails_leaves_the_rows_before_the_event(
    store: Path, tmp_path: Path, compare: Compare
) -> None:
    (tmp_path / "loans.py").write_text(
        (tmp_path / "loans.py").read_text().replace('row["payments"] += 1', "1 / (event.position - 5)")
    )
    answer = compare(store, "loans", status=1)
    assert (answer["verdict"], answer["position"]) == ("failed", 5)
    assert {row["key"]: row["fields"] for row in answer["rows"]}["b"] == ["Balance", "payments"]


def test_that_key_and_map_are_for_tables_only(store: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "loans.py")
    assert run(["compare", str(store), path, path, "--trust", "--key", "stream"]) == 2
    assert "table:SCHEMA.NAME" in capfd.readouterr().err


POSTGRES = """
CREATE SCHEMA views;
CREATE TABLE bank_events (
    originator_id text, originator_version int, topic text, state bytea, notification_id bigserial,
    PRIMARY KEY (originator_id, originator_version));
CREATE TABLE views."Loans" (
    stream text PRIMARY KEY, balance numeric(12, 4), payments bigint, "isOpen" boolean, tags jsonb, owner uuid,
    since timestamptz);
CREATE TABLE loans (LIKE views."Loans" INCLUDING ALL);
"""


@pytest.fixture
def served(postgres: PostgresServer, tmp_path: Path) -> str:
    """The same on a server, the read model twice: in `views` with rows, in `public` without."""
    source(tmp_path / "loans.py", LOANS)
    name = postgres.create_database()
    with psycopg.connect(postgres.url(name), autocommit=True) as connection:
        connection.execute(POSTGRES)
        for stream, version, kind, data in EVENTS:
            connection.execute(
                "INSERT INTO bank_events VALUES (%s, %s, %s, %s)", (stream, version, kind, json.dumps(data).encode())
            )
        for stream, balance, payments, is_open, tags, owner, since, _ in LIVE:
            row = (stream, balance, payments, bool(is_open), tags, owner, since)
            connection.execute('INSERT INTO views."Loans" VALUES (%s, %s, %s, %s, %s, %s, %s)', row)
    return name


def test_that_a_table_of_a_server_is_compared_as_one_of_a_file(
    postgres: PostgresServer, served: str, compare: Compare
) -> None:
    answer = compare(postgres.url(served), "views.Loans")
    assert counts(answer) == [1, 1, 1, 1] and compare.said == ""
    changed = answer["rows"][0]
    assert (changed["key"], changed["fields"]) == ("b", ["Balance"])
    assert (changed["b"]["Balance"], changed["b"]["since"]) == ("6.0000", "2024-01-02T03:04:05+00:00")
    assert counts(compare(postgres.url(served), "public.loans")) == [0, 0, 3, 0]
    assert counts(compare(postgres.url(served), "loans")) == [0, 0, 3, 0]
    compare(postgres.url(served), "LOANS", status=2)
    assert compare.said == "Several tables are called LOANS: give one of table:public.loans, table:views.Loans.\n"


def test_that_a_table_that_may_not_be_read_is_refused_with_those_that_may(
    postgres: PostgresServer, served: str, compare: Compare
) -> None:
    clerk = postgres.role("clerk", "SELECT", served)
    with psycopg.connect(postgres.url(served), autocommit=True) as connection:
        connection.execute('REVOKE SELECT ON views."Loans" FROM clerk')
    compare(postgres.url(served, clerk), "views.Loans", status=2)
    assert "grant it SELECT; there are public.loans." in compare.said


def test_that_a_snapshot_is_one_moment_and_can_write_nothing(postgres: PostgresServer, served: str) -> None:
    count = sqlalchemy.text("SELECT count(*) FROM loans")
    database = open_database(postgres.url(served))
    with closing(database), psycopg.connect(postgres.url(served), autocommit=True) as writer:
        connection = database.connect()
        with connection.snapshot():
            assert connection.scalar(count) == 0
            writer.execute("INSERT INTO loans (stream) VALUES ('z')")
            assert connection.scalar(count) == 0
            with pytest.raises(StoreUnavailable):
                connection.scalar(sqlalchemy.text("WITH x AS (DELETE FROM loans RETURNING 1) SELECT * FROM x"))
        assert connection.scalar(count) == 1
        state = "SELECT state FROM pg_stat_activity WHERE application_name = 'esviewer'"
        assert {row[0] for row in writer.execute(state)} == {"idle"}


def test_that_a_snapshot_of_a_file_is_one_moment(tmp_path: Path) -> None:
    path = made_store(tmp_path / "bank.sqlite", EVENTS)
    count = sqlalchemy.text("SELECT count(*) FROM stored_events")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("INSERT INTO stored_events VALUES ('z', 1, 'Opened', '{}')")
        with closing(open_database(str(path))) as database:
            connection = database.connect()
            with connection.snapshot():
                assert connection.scalar(count) == 6
                writer.execute("INSERT INTO stored_events VALUES ('z', 2, 'Opened', '{}')")
                assert connection.scalar(count) == 6
            assert connection.scalar(count) == 7


# I3

ACCOUNTS = """
class Accounts(Projection):
    @on("Opened")
    def opened(self, event):
        self.rows[event.stream] = {"bal": 0, "n": 0}

    @on("Dep", "Wd")
    def moved(self, event):
        row = self.rows[event.stream]
        row["bal"] += event.data["amount"] if event.type == "Dep" else -event.data["amount"]
        row["n"] += 1
"""
OLD = (
    ACCOUNTS.replace("-event.data", "event.data")
    .replace("class Accounts", "class Before")
    .replace("Projection):", "Projection):\n    version = 0")
)
HISTORY = """
1 a/0 Opened {}
2 a/1 Dep {"amount": 100}
3 z/0 Opened {}
4 z/1 Dep {"amount": 1}
5 a/2 Wd {"amount": 30}
6 z/2 Dep {"amount": 1}
7 z/3 Dep {"amount": 1}
8 a/3 Dep {"amount": 50}
"""


def explained(
    folder: Path, compare: Compare, live: tuple[int, int] | None, checkpoint: int, *options: str, more: str = ""
) -> Any:
    """What explains the live row of `a` where `ledger` has come to a checkpoint; `None` where it is the same."""
    path = emmett(folder / "bank.sqlite", HISTORY + more)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "CREATE TABLE emt_subscriptions (subscription_id TEXT, version INT, partition TEXT,"
            " last_processed_position BIGINT)"
        )
        connection.execute("INSERT INTO emt_subscriptions VALUES ('ledger', 1, 'p', ?)", (checkpoint,))
        connection.execute("CREATE TABLE accounts (id TEXT PRIMARY KEY, bal INT, n INT)")
        connection.execute("INSERT INTO accounts VALUES ('z', ?, ?)", (3, 3) if checkpoint == 8 else (1, 1))
        if live is not None:
            connection.execute("INSERT INTO accounts VALUES ('a', ?, ?)", live)
        connection.commit()
    if compare.projection.name == "loans.py":
        compare.projection = source(folder / "accounts.py", ACCOUNTS)
    answer = compare(path, "accounts", "--consumer", "ledger", *options)
    assert answer["position"] == checkpoint
    return {row["key"]: row["explained"] for row in answer["rows"]}.get("a")


@pytest.mark.parametrize(
    ("live", "checkpoint", "found"),
    [
        ((120, 3), 8, None),
        ((70, 2), 8, [("lag", 5), ("missed", 8)]),
        ((150, 2), 8, [("missed", 5)]),
        ((90, 4), 8, [("doubled", 5)]),
        ((220, 4), 8, [("doubled", 2)]),
        ((120, 3), 5, [("ahead", 8)]),
        ((999, 3), 8, [("unexplained", None)]),
        (None, 8, [("lag", None)]),
    ],
)
def test_I3_each_difference_from_the_live_row_is_explained(
    tmp_path: Path, compare: Compare, live: tuple[int, int] | None, checkpoint: int, found: Any
) -> None:
    told = explained(tmp_path, compare, live, checkpoint)
    assert (told and [(one["kind"], one.get("position")) for one in told]) == found


def test_that_what_the_version_before_gives_is_called_old_logic(tmp_path: Path, compare: Compare) -> None:
    previous = source(tmp_path / "before.py", OLD)
    told = explained(tmp_path, compare, (180, 3), 8, "--previous", f"{previous}:Before")
    assert told == [{"kind": "old-logic", "version": 0}]


def test_that_a_row_that_hangs_on_others_is_unexplained_and_why_is_said(tmp_path: Path, compare: Compare) -> None:
    body = ACCOUNTS + '        self.rows["a"]["n"] = sum(each["n"] for each in self.rows.values())\n'
    compare.projection = source(tmp_path / "sums.py", body.replace('row["n"] += 1', 'row["n"] += len(self.rows)'))
    told = explained(tmp_path, compare, (5, 5), 8)
    assert [one["kind"] for one in told] == ["unexplained"] and "depends on other rows" in told[0]["reason"]


def test_that_a_consumer_that_is_not_recorded_is_refused_with_those_that_are(
    tmp_path: Path, compare: Compare, capfd: pytest.CaptureFixture[str]
) -> None:
    explained(tmp_path, compare, (999, 3), 8)
    store, projection = str(tmp_path / "bank.sqlite"), str(compare.projection)
    asked = ["compare", store, projection, "table:accounts", "--trust"]
    assert run([*asked, "--consumer", "mailer"]) == 2
    assert "no consumer 'mailer'; recorded are: ledger." in capfd.readouterr().err
    assert run([*asked, "--consumer", "ledger", "--to", "3"]) == 2
    assert run([*asked, "--previous", projection]) == 2
    capfd.readouterr()
    assert run([*asked, "--consumer", "ledger"]) == 0
    assert "Explained: 1 unexplained." in capfd.readouterr().out


def test_that_a_previous_version_that_fails_is_said_and_the_rest_explained(tmp_path: Path, compare: Compare) -> None:
    previous = source(tmp_path / "before.py", OLD.replace('row["n"] += 1', "1 / 0"))
    told = explained(tmp_path, compare, (150, 2), 8, "--previous", str(previous))
    assert told == [{"kind": "missed", "position": 5}]
    assert "previous version failed at position 2 (ZeroDivisionError" in compare.said


def test_that_a_row_of_too_many_events_is_unexplained_and_why_is_said(tmp_path: Path, compare: Compare) -> None:
    many = "".join(f'{9 + n} a/{4 + n} Dep {{"amount": 1}}\n' for n in range(MOST_EVENTS - 3))
    told = explained(tmp_path, compare, (0, 0), 8 + MOST_EVENTS - 3, more=many)
    assert told == [{"kind": "unexplained", "reason": "more than 200 events touched it"}]


def test_that_a_replay_does_not_go_behind_what_the_table_can_hold(store: Path) -> None:
    with closing(open_database(str(store))) as database:
        live = read_model(database, database.chosen(), "loans")
    assert (live.head, live.key) == (5, ("stream",))
    assert [end_of_replay(asked, live) for asked in (None, 3, 9)] == [5, 3, 5]
    reached = replace(live, checkpoint=Follow("c", None, 4, "bank"))
    assert end_of_replay(None, reached) == 4


def test_that_keys_are_found_whatever_a_database_makes_of_them() -> None:
    told = UUID("6f3d5b5e-0a7e-4a51-9d3c-1a0d3a1b2c3d")
    assert len({place_of(each) for each in (told, str(told), told.hex.upper(), told.bytes)}) == 1
    assert place_of(("x", 7)) == place_of(("x", Decimal("7"))) == place_of(("x", "7"))


def test_that_keys_of_one_meaning_stay_rows_of_their_own_and_belong_to_what_is_spelled_alike() -> None:
    told = UUID("6f3d5b5e-0a7e-4a51-9d3c-1a0d3a1b2c3d")
    left, right = [7, "7", told, str(told)], [str(told).upper(), "7", Decimal("7")]
    places = Places(left, right)
    mine, theirs = places.keys(left), places.keys(right)
    assert len(mine) == 4 and len(theirs) == 3
    assert {repr(mine[place]): repr(theirs[place]) for place in mine.keys() & theirs.keys()} == {
        "7": "Decimal('7')",
        "'7'": "'7'",
    }
    # Where no side has two of one meaning, spelling says nothing.
    alone = Places([told], [told.hex])
    assert alone.of(told) == alone.of(told.hex)


# Read models that Emmett itself keeps

CARTS = """
class Carts(Projection):
    def row(self, event):
        data = self.rows.setdefault(event.stream, {"data": {}})["data"]
        data.update(_id=event.stream, _version=str(int(data.get("_version", 0)) + 1))
        return data

    @on("ProductItemAdded", "ProductItemRemoved")
    def moved(self, event):
        data, item = self.row(event), event.data["productItem"]
        if event.type == "ProductItemAdded":
            data["clientId"] = event.data["clientId"]
        data.setdefault("status", "Opened")
        items = data.setdefault("items", {})
        sign = 1 if event.type == "ProductItemAdded" else -1
        items[item["productId"]] = items.get(item["productId"], 0) + sign * item["quantity"]
        if items[item["productId"]] == 0:
            del items[item["productId"]]

    @on("ShoppingCartConfirmed")
    def confirmed(self, event):
        self.row(event).update(status="Confirmed", confirmedAt=event.data["confirmedAt"])

    @on("ShoppingCartCancelled")
    def cancelled(self, event):
        self.row(event).update(status="Cancelled")
"""
ENDED = """
class Ended(Projection):
    @on("ShoppingCartConfirmed", "ShoppingCartCancelled")
    def ended(self, event):
        self.rows.setdefault(event.type, {"n": 0})["n"] += 1
"""


def test_that_the_documents_that_emmett_keeps_are_what_a_replay_gives(
    shared_database: Callable[[str, str], str],
    answers: Callable[..., dict[str, Any]],
    tmp_path: Path,
    compare: Compare,
) -> None:
    compare.projection = source(tmp_path / "carts.py", CARTS)
    address = shared_database("emmett_shop", "emmett_shop_pg.sql.gz")
    answer = compare(address, "public.shop_summary")
    assert (answer["verdict"], answer["position"]) == ("complete", 6005)
    assert (counts(answer), answer["rows"]) == ([577, 0, 0, 0], [])
    for consumer in answers("emmett_shop", "answers_pg.json")["processors"]:
        reached, name = consumer["checkpoint_as_number"], consumer["processor_id"]
        answer = compare(address, "public.shop_summary", "--consumer", name)
        assert answer["position"] == reached
        kinds = Counter(row["explained"][0]["kind"] for row in answer["rows"])
        # What is kept in the transaction of the append is ahead of what a consumer has come to, in every row.
        assert set(kinds) == ({"ahead"} if answer["same"] < 577 else set())


@pytest.mark.shared
def test_that_the_counts_that_emmett_keeps_in_sqlite_are_what_a_replay_gives(tmp_path: Path, compare: Compare) -> None:
    compare.projection = source(tmp_path / "ended.py", ENDED)
    path = unpack("emmett_shop", "emmett_shop.sqlite.gz", tmp_path)
    assert counts(compare(path, "shop_event_counts")) == [2, 0, 0, 0]
