"""Projections in SQL: what they give, how exact, what they cannot reach, how they end, and beside the other kinds."""

from __future__ import annotations

import json
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("duckdb")

from esviewer.cli import run
from esviewer.domain import EsviewerError
from esviewer.domain.times import iso
from esviewer.projections import sql_file
from esviewer.projections.definition import DefinitionError
from esviewer.projections.sandbox.process import Sandbox
from esviewer.projections.sandbox.spot import Wish
from esviewer.projections.sql_comparing import bisected
from esviewer.projections.sql_engine import engine
from esviewer.projections.sql_projection import SqlProjection, load
from esviewer.projections.sql_reads import attributes_of
from esviewer.stores.database import open_database
from tests.stores.test_replay import A1, QUICK, Stored, compared, made_store, replayed, rows, source

WRITTEN = {"_type_": "datetime_iso", "_data_": "2024-05-06T07:08:09.123456+00:00"}
README = Path(__file__).resolve().parents[2] / "README.md"
PAID: list[Stored] = [
    ("a", 1, "Opened", {"owner": "Ann"}),
    ("a", 2, "Paid", {"amount": {"_type_": "decimal_str", "_data_": "10.10"}, "n": 2**70}),
    ("b", 1, "Opened", {"timestamp": WRITTEN, "owner": "Bob", "since": None}),
    ("a", 3, "Paid", {"amount": {"_type_": "decimal_str", "_data_": "20.20"}, "n": 1}),
    ("b", 2, "Closed", {}),
]


def sql(path: Path, body: str) -> Path:
    path.write_text(textwrap.dedent(body))
    return path


def one(tmp_path: Path, query: str, events: Sequence[Stored] = PAID) -> dict[Any, dict[str, Any]]:
    """The rows of one query over events."""
    store = tmp_path / "a.sqlite"
    if not store.exists():
        made_store(store, events)
    done = replayed(store, sql(tmp_path / "p.sql", query))
    assert done.verdict == "complete", done.failure and done.failure.text
    return rows(done)


# What they give


def test_that_each_select_is_a_table_by_its_key(tmp_path: Path) -> None:
    done = replayed(
        made_store(tmp_path / "a.sqlite", PAID),
        sql(
            tmp_path / "accounts.sql",
            """\
            -- name: accounts
            -- version: 2
            -- An account is open until it is closed.

            -- table: accounts
            -- key: stream
            SELECT count(*) AS events, stream, max(version) AS version FROM events GROUP BY stream;

            -- table: types
            -- key: type, stream
            SELECT type, stream, count(*) AS n FROM events GROUP BY ALL;

            -- table: all
            -- key: 'all'
            SELECT count(*) AS n, max(position) AS head FROM events
            """,
        ),
    )
    assert (done.projection, done.version, done.text, done.applied) == ("accounts", 2, "COMPLETE", 5)
    assert rows(done, "accounts") == {"a": {"events": 3, "version": 3}, "b": {"events": 2, "version": 2}}
    assert rows(done, "types")["Paid", "a"] == {"n": 2}
    assert rows(done, "all") == {"all": {"n": 5, "head": 5}}


def test_that_the_name_is_that_of_the_file_and_the_key_the_first_column(tmp_path: Path) -> None:
    done = replayed(
        made_store(tmp_path / "a.sqlite", PAID), sql(tmp_path / "opened.sql", "FROM events SELECT stream, data->>'owner' AS owner WHERE type = 'Opened'")
    )  # fmt: skip
    assert (done.projection, done.version, rows(done)) == ("opened", 1, {"a": {"owner": "Ann"}, "b": {"owner": "Bob"}})


def test_that_numbers_are_exact_whatever_their_size(tmp_path: Path) -> None:
    query = """
        SELECT stream, sum((data->>'amount')::DECIMAL(18,2)) AS total, sum((data->>'n')::BIGNUM) AS n,
               max((data->>'n')::HUGEINT) AS most, data->'n' AS json
        FROM events WHERE type = 'Paid' AND version = 2 GROUP BY stream, json"""
    (row,) = one(tmp_path, query).values()
    assert row == {"total": "10.10", "n": 2**70, "most": 2**70, "json": 2**70}
    beyond: list[Stored] = [("a", 1, "Paid", {"n": 10**60})]
    (tmp_path / "other").mkdir()
    query = "SELECT stream, (data->>'n')::BIGNUM + 1::BIGNUM AS n, data->>'n' AS text FROM events"
    (row,) = one(tmp_path / "other", query, beyond).values()
    assert row == {"n": 10**60 + 1, "text": str(10**60)}


def test_that_times_are_instants_in_microseconds_and_what_is_absent_is_null(tmp_path: Path) -> None:
    query = """
        SELECT position, recorded_at, recorded_at = TIMESTAMPTZ '2020-01-01 00:00:00+00' AS never, tenant,
               data->>'since' AS since, typeof(recorded_at) AS kind, epoch_us(recorded_at) AS us
        FROM events WHERE position = 3"""
    row = one(tmp_path, query)[3]
    assert row["kind"] == "TIMESTAMP WITH TIME ZONE" and row["tenant"] is None and row["since"] is None
    with closing(open_database(str(tmp_path / "a.sqlite"))) as database:
        event = list(database.reader(database.chosen()).events())[2]
    assert event.recorded_at == row["us"] and row["never"] is False
    assert row["recorded_at"] == iso(event.recorded_at) == WRITTEN["_data_"]


def test_that_nested_values_keep_their_kinds(tmp_path: Path) -> None:
    query = """
        SELECT 1 AS k, [data->'owner'] AS list, {'a': 1::BIGNUM, 'b': DATE '2020-01-02'} AS struct, MAP {'x': 2} AS map,
               INTERVAL 1 DAY AS while, 'Infinity'::DOUBLE AS much, 'x'::BLOB AS bytes
        FROM events WHERE position = 1"""
    assert one(tmp_path, query)[1] == {
        "list": ["Ann"],
        "struct": {"a": 1, "b": "2020-01-02"},
        "map": {"x": 2},
        "while": "1 day, 0:00:00",
        "much": "Infinity",
        "bytes": {"base64": "eA=="},
    }


def test_that_only_events_of_the_types_that_it_names_are_there(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [*PAID, ("c", 1, "Noted", b"{oops")])
    some = sql(tmp_path / "some.sql", "-- types: Opened, Closed\nSELECT 1 AS k, count(*) AS n FROM events")
    done = replayed(store, some)
    assert (done.text, done.applied, done.ignored, rows(done)) == ("COMPLETE", 3, 3, {1: {"n": 3}})
    every = sql(tmp_path / "every.sql", "SELECT 1 AS k, count(*) AS n FROM events")
    done = replayed(store, every)
    assert done.text == "STOPPED@6" and rows(done) == {1: {"n": 5}}
    done = replayed(store, every, on_unknown="quarantine-event")
    assert done.text == "QUARANTINED 1 [6]" and rows(done) == {1: {"n": 5}}
    assert rows(replayed(store, every, to=2)) == {1: {"n": 2}}


def test_that_a_catalogue_upcasts_before(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", A1)
    catalogue = tmp_path / "c.yaml"
    catalogue.write_text(
        "types: {Opened: {current: 2, upcasters: [{from: 1, to: 2, steps: [{default: {state: new}}]}]}, Paid: {}}\n"
        "ignored: {Bonus: {}}\n"
    )
    states = sql(tmp_path / "p.sql", "SELECT position, data->>'state' AS state, schema_version FROM events")
    done = replayed(store, states, catalogue=catalogue)
    assert (done.applied, done.declared) == (3, 1)
    assert {key: row["state"] for key, row in rows(done).items()} == {1: "new", 3: None, 4: "new"}


def test_that_a_select_over_no_events_has_no_rows(tmp_path: Path) -> None:
    assert one(tmp_path, "SELECT stream FROM events WHERE false") == {}


# Mistakes


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "p.sql holds no SELECT"),
        ("-- nothing but a comment\n", "holds no SELECT"),
        ("SELECT 1 AS a;\n\nSELEC 2", "p.sql, line 3: syntax error"),
        ("\n\nSELECT strem FROM events", 'p.sql, line 3: Referenced column "strem" not found'),
        ("SELECT stream FROM event", "p.sql, line 1: Table with name event does not exist"),
        ("SELECT 1 AS a;\n-- b\nSELECT 2 AS b", "p.sql, line 3: there are two SELECTs for rows"),
        ("SELECT 1 AS a, 2 AS a", "p.sql, line 1: two columns are called a"),
        ("-- key: c\nSELECT 1 AS a", "p.sql, line 2: key c is no column of the SELECT: a"),
        ("-- tabel: x\nSELECT 1 AS a", "p.sql, line 1: tabel: is not known; is table: meant"),
        ("SELECT 1 AS a;\n-- name: x\n-- table: y\nSELECT 1 AS a", "line 2: name: belongs before the first SELECT"),
        ("SELECT 1 AS a;\n\n-- now\nCREATE TABLE x(a INT)", "p.sql, line 4: CREATE is not allowed"),
        ("PRAGMA database_list", "line 1: PRAGMA is not allowed"),
        ("SET memory_limit = '1TB'", "SET is not allowed"),
        ("COPY (SELECT 1) TO '/tmp/esviewer-stolen'", "COPY is not allowed"),
        ("ATTACH '/tmp/x.db'", "ATTACH is not allowed"),
        ("INSTALL httpfs", "INSTALL is not allowed"),
        ("LOAD httpfs", "LOAD is not allowed"),
        ("EXPORT DATABASE '/tmp/x'", "EXPORT is not allowed"),
        ("DROP VIEW events", "DROP is not allowed"),
        ("INSERT INTO held VALUES (1)", "INSERT is not allowed"),
        ("CALL pragma_version()", "CALL is not allowed"),
    ],
)
def test_that_a_mistake_is_told_with_its_line_before_anything_is_read(body: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as refused:
        load(tmp_path / "p.sql", body.encode())
    assert said in str(refused.value)


def test_that_a_mistake_is_status_2_with_one_sentence(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    mistaken = sql(tmp_path / "p.sql", "SELECT stream,\n  foo FROM events")
    assert run(["replay", str(store), str(mistaken)]) == 2
    out, err = capfd.readouterr()
    assert not out and 'p.sql, line 2: Referenced column "foo" not found' in err and "Traceback" not in err


def test_that_a_query_that_fails_over_the_events_is_a_verdict_with_its_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    failing = sql(tmp_path / "p.sql", "-- a\n\nSELECT stream,\n  (data->>'owner')::INT AS n\nFROM events")
    done = replayed(store, failing)
    assert done.verdict == "failed" and done.failure is not None and not done.rows
    assert (done.failure.line, done.failure.code) == (4, "(data->>'owner')::INT AS n")
    assert "Could not convert string 'Ann'" in done.failure.text
    assert run(["replay", str(store), str(failing), "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["failure"]["line"] == 4


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT stream FROM events", "two rows of rows have the key 'a'"),
        ("SELECT tenant, count(*) AS n FROM events GROUP BY ALL", "a row of rows has no key: tenant"),
    ],
)
def test_that_keys_are_there_and_apart(query: str, said: str, tmp_path: Path) -> None:
    done = replayed(made_store(tmp_path / "a.sqlite", PAID), sql(tmp_path / "p.sql", query))
    assert done.verdict == "failed" and done.failure is not None and said in done.failure.sentence


def test_that_without_duckdb_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(Exception, match=r"pip install 'esviewer\[sql\]'"):
        sql_file.driver()
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "duckdb.py").write_text("raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(hidden))
    store = made_store(tmp_path / "a.sqlite", PAID)
    assert run(["replay", str(store), str(sql(tmp_path / "p.sql", "SELECT 1 AS a"))]) == 2
    assert "pip install 'esviewer[sql]'" in capfd.readouterr().err


# What they cannot do


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM sqlite_scan('/etc/passwd', 'x')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM query('COPY (SELECT 1) TO ''/tmp/x''')",
        "SELECT getenv('HOME')",
        "SELECT * FROM some_python_variable",
        "WITH x AS (INSERT INTO held SELECT * FROM held RETURNING 1) SELECT * FROM x",
    ],
)
def test_that_a_select_reaches_nothing_but_the_events(query: str, tmp_path: Path) -> None:
    some_python_variable = ["secret"]
    store = made_store(tmp_path / "a.sqlite", PAID)
    try:
        done = replayed(store, sql(tmp_path / "p.sql", query))
    except EsviewerError as refused:
        assert "p.sql, line 1" in str(refused)
    else:
        assert done.verdict == "failed" and not done.rows
    assert some_python_variable


def test_that_what_grows_without_end_is_ended_by_memory(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    endless = "WITH RECURSIVE t AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM t, range(2)) SELECT max(x) AS x FROM t"
    done = replayed(store, sql(tmp_path / "p.sql", endless))
    assert done.verdict == "failed" and done.failure is not None and done.failure.line == 1
    much = "SELECT 1 AS k, list(a) AS l FROM range(1000000000) t(a)"
    done = replayed(store, sql(tmp_path / "p.sql", much))
    assert done.verdict == "failed" and done.failure is not None and "memory" in done.failure.sentence.lower()


ENDLESS = "SELECT 1 AS k, count(*) AS n FROM range(1000000) a(x), range(1000000) b(y) WHERE (x * y) % 7 = 3"


def test_that_a_query_without_end_is_ended_by_its_time(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    done = replayed(store, sql(tmp_path / "p.sql", ENDLESS), limits=replace(QUICK, loading=1.0))
    assert done.verdict == "failed" and done.failure is not None
    assert done.failure.sentence == "the query did not end within 2 s"


@pytest.mark.parametrize("kill", [False, True])
def test_that_a_query_is_cancelled(kill: bool, tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    timers: list[threading.Timer] = []

    def started(sandbox: Sandbox) -> None:
        timers.append(threading.Timer(1.5, sandbox.stop if kill else lambda: sandbox.ask(Wish.END)))
        timers[0].start()

    began = time.monotonic()
    done = replayed(store, sql(tmp_path / "p.sql", ENDLESS), started=started)
    timers[0].join()
    assert done.verdict == "cancelled" and not done.rows and time.monotonic() - began < 20


# As the other kinds


def test_that_only_columns_that_are_read_are_kept(tmp_path: Path) -> None:
    def used(query: str) -> tuple[str, ...]:
        return load(tmp_path / "p.sql", query.encode()).used

    assert used("SELECT stream, count(*) AS n FROM events WHERE type = 'x' GROUP BY ALL") == ("stream", "type")
    assert used("SELECT 1 AS k, count(*) AS n FROM events") == ()
    assert len(used("SELECT * FROM events")) == 17
    assert used("SELECT e.p, (SELECT max(data->>'a') FROM events) AS m FROM events e(p)") == ("position", "data")


def test_that_it_can_be_fed_without_a_store(tmp_path: Path) -> None:
    balances: SqlProjection = load(
        tmp_path / "p.sql", b"SELECT stream, sum((data->>'n')::INT) AS n FROM events GROUP BY 1"
    )
    for n in (1, 2):
        balances.given("Paid", {"n": n, "amount": Decimal("1.5")}, stream="a")
    assert balances.rows == {} and balances.tables["rows"] == {"a": {"n": 3}}


COUNTS = """
class Counts(Projection):
    @on("Opened", "Paid", "Closed")
    def any(self, event):
        row = self.rows.setdefault(event.stream, {"n": 0})
        row["n"] += 1
        if event.type == "Closed":
            row["closed"] = event.version
"""
COUNTS_SQL = """
-- name: counts
SELECT stream, count(*) AS n, max(version) FILTER (type = 'Closed') AS closed FROM events GROUP BY stream
"""


def test_that_sql_and_python_are_compared_and_what_is_not_set_is_null(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    python, select = source(tmp_path / "p.py", COUNTS), sql(tmp_path / "p.sql", COUNTS_SQL)
    for done in (compared(store, python, select), compared(store, select, python)):
        assert (done.verdict, done.same, len(done.rows), done.first) == ("complete", 2, 0, None)
    wrong = sql(tmp_path / "q.sql", COUNTS_SQL.replace("FROM events", "FROM events WHERE position <> 4"))
    done = compared(store, python, wrong)
    assert (done.changed, done.same, done.rows[0].key, done.rows[0].fields) == (1, 1, "a", ("n",))
    assert done.first is not None and (done.first.position, done.first.type, done.first.key) == (4, "Paid", "a")
    assert done.first_by == "every-event" and done.as_object()["first_divergence_by"] == "every-event"


def test_that_an_earlier_divergence_that_healed_is_found_while_there_is_time(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", n, "Paid", {}) for n in range(1, 9)])
    plain = sql(tmp_path / "a.sql", "SELECT stream, count(*) AS n FROM events GROUP BY 1")
    differing = "SELECT stream, count(*) + (count(*) = 3 OR count(*) >= 7)::INT AS n FROM events GROUP BY 1"
    done = compared(store, plain, sql(tmp_path / "b.sql", differing))
    assert done.first is not None and (done.first.position, done.first_by) == (3, "every-event"), done.failure


def test_I1_bisection_probes_4_6_7_and_answers_7() -> None:
    probes: list[int] = []

    def differs(count: int) -> bool:
        probes.append(count)
        return count == 3 or count >= 7

    assert bisected(0, 8, differs) == 7 and probes == [4, 6, 7]


def test_that_a_difference_without_any_event_has_no_first_event(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    left = sql(tmp_path / "a.sql", "SELECT 'all' AS k, count(*) AS n FROM events")
    right = sql(tmp_path / "b.sql", "SELECT 'all' AS k, count(*) + 1 AS n FROM events")
    done = compared(store, left, right)
    assert (done.changed, done.first, done.first_by) == (1, None, None)


def test_that_a_failing_side_is_named(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    python = source(tmp_path / "p.py", COUNTS)
    failing = sql(tmp_path / "p.sql", "SELECT stream, (data->>'owner')::INT AS n FROM events")
    done = compared(store, python, failing)
    assert (done.verdict, done.failed_side) == ("failed", "b")
    raising = source(tmp_path / "q.py", COUNTS + "        raise ValueError(event.position)\n")
    done = compared(store, raising, sql(tmp_path / "r.sql", COUNTS_SQL))
    assert (done.verdict, done.failed_side, done.position) == ("failed", "a", 1)


def test_that_the_readme_shows_a_file_that_is_understood(tmp_path: Path) -> None:
    section = README.read_text("utf-8").split("### Projections in SQL", 1)[1].split("\n## ", 1)[0]
    example = "\n".join(line.removeprefix("    ") for line in section.splitlines() if line.startswith("    "))
    shown = load(tmp_path / "p.sql", example.encode())
    assert (shown.name, shown.version) == ("fines", 2)
    assert [(query.table, query.key) for query in shown.file.queries] == [
        ("members", ("member",)),
        ("months", ("branch", "month")),
    ]
    assert shown.file.types is not None and len(shown.file.types) == 2
    assert all(f"| `{word}`" in section or f"`{word}`" in section for word in sql_file._WORDS)


@pytest.mark.parametrize(
    ("query", "attributes"),
    [
        (
            "SELECT data->>'a' AS x, max(e.data->'b'->>'data') FROM events e WHERE (data->>'$.c.d') > '1' GROUP BY x",
            "abc",
        ),
        ("SELECT json_extract_string(data, '$.a[0]') AS x FROM events", "a"),
        ("WITH q AS (SELECT data->>'a' AS x FROM events) SELECT x FROM q", "a"),
        ("SELECT count(*) AS n FROM events", ""),
        ("SELECT 'data' AS x FROM events", ""),
        ("SELECT * FROM events", None),
        ("FROM events", None),
        ("SELECT data FROM events", None),
        ("SELECT DATA ->> 'a' AS x, data AS y FROM events", None),
        ("WITH q AS (SELECT data AS d FROM events) SELECT d->>'a' FROM q", None),
        ("SELECT e FROM events e", None),
        ("SELECT to_json(events) AS x FROM events", None),
        ("SELECT e.b->>'a' AS x FROM events e(a, b)", None),
        ("SELECT data->>('a' || 'b') AS x FROM events", None),
        ("SELECT data->>stream AS x FROM events", None),
        ("SELECT data->'$.*' AS x FROM events", None),
        ("SELECT data->'/a/b' AS x FROM events", None),
        ("SELECT data.a AS x FROM events", None),
        ("SELECT a.stream FROM events a JOIN events b USING (data)", None),
        ("SELECT #16 AS x FROM events", None),
        ("SELECT stream FROM query_table('events')", None),
        ("SELECT columns('d.*') FROM events", None),
    ],
)
def test_that_only_certain_attributes_are_taken_out_of_payloads(query: str, attributes: str | None) -> None:
    connection = engine().connection()
    connection.execute("CREATE TABLE events (stream VARCHAR, data JSON)")
    assert attributes_of(connection, query) == (None if attributes is None else frozenset(attributes))


def test_that_picked_attributes_give_the_same_as_whole_payloads(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    asked = (
        "SELECT position, data->>'owner' AS owner, data->>'amount' AS amount, data->'n' AS n, {} AS whole FROM events"
    )
    picked = replayed(store, sql(tmp_path / "a.sql", asked.format("NULL::JSON")))
    whole = replayed(store, sql(tmp_path / "b.sql", asked.format("data")))
    named = ("owner", "amount", "n")
    both = [[[row[name] for name in named] for row in done.rows["rows"]] for done in (picked, whole)]
    assert both[0] == both[1] and both[0][1] == [None, "10.10", 2**70]


def test_that_a_wish_from_before_the_first_event_is_heard(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", PAID)
    counts = sql(tmp_path / "p.sql", COUNTS_SQL)
    done = replayed(store, counts, started=lambda sandbox: sandbox.ask(Wish.END))
    assert done.verdict == "cancelled" and done.applied == 0
