"""Replays and comparisons in the child process, over real stores."""

from __future__ import annotations

import json
import os
import textwrap
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run
from esviewer.domain import EsviewerError
from esviewer.projections.compare import Comparison, compare
from esviewer.projections.naming import named
from esviewer.projections.replay import Asked, Progress, Replay, replay
from esviewer.projections.sandbox import seccomp
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.process import Sandbox
from esviewer.projections.sandbox.spot import Wish
from esviewer.stores.database import open_database
from tests.stores.dialects.test_eventsourcing import write_store

on_linux = pytest.mark.skipif(not seccomp.is_possible(), reason="system calls are filtered on Linux only")
QUICK = Limits(stall=1.0, loading=20.0, memory=256 << 20)

Stored = tuple[str, int, str, dict[str, Any] | bytes]


def made_store(path: Path, events: Sequence[Stored]) -> Path:
    """A store of eventsourcing on SQLite: stream, version, type and payload, in store order."""
    rows = [(s, v, t, data if isinstance(data, bytes) else json.dumps(data).encode()) for s, v, t, data in events]
    return write_store(path, rows)


def source(path: Path, body: str) -> Path:
    path.write_text("from esviewer import Projection, on\n" + textwrap.dedent(body))
    return path


def replayed(store: Path | str, projection: str | Path, **options: Any) -> Replay:
    limits, started = options.pop("limits", QUICK), options.pop("started", lambda sandbox: None)
    told = options.pop("told", lambda progress: None)
    with closing(open_database(str(store), key=options.pop("key", None))) as database:
        found = database.chosen()
        return replay(
            database, found, named(str(projection)), Asked(**options), limits=limits, started=started, told=told
        )


def compared(store: Path, left: str | Path, right: str | Path, **options: Any) -> Comparison:
    with closing(open_database(str(store))) as database:
        found = database.chosen()
        return compare(database, found, named(str(left)), named(str(right)), Asked(**options), limits=QUICK)


def rows(done: Replay, table: str = "rows") -> dict[Any, dict[str, Any]]:
    """Rows by key, without it."""
    by_key = {}
    for row in done.rows[table]:
        key = row["key"]
        by_key[tuple(key) if isinstance(key, list) else key] = {n: v for n, v in row.items() if n != "key"}
    return by_key


ACCOUNTS = """
class Accounts(Projection):
    name = "accounts"
    version = 1

    @on("Opened")
    def opened(self, event):
        self.rows[event.stream] = {"events": [event.position]}

    @on("Paid")
    def paid(self, event):
        self.rows[event.stream]["events"].append(event.position)
"""
A1: list[Stored] = [("a", 1, "Opened", {}), ("a", 2, "Bonus", {}), ("a", 3, "Paid", {}), ("b", 1, "Opened", {})]


@pytest.fixture
def a1(tmp_path: Path) -> Callable[..., Replay]:
    """Replays the store of A1 against its catalogue."""
    store = made_store(tmp_path / "a.sqlite", A1)
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text("types: {Opened: {}, Paid: {}}\n")
    projection = source(tmp_path / "accounts.py", ACCOUNTS)
    return lambda mode: replayed(store, projection, on_unknown=mode, catalogue=catalogue)


# A1


def test_A1_stop_halts_before_the_event_and_keeps_the_state_before_it(a1: Callable[..., Replay]) -> None:
    done = a1("stop")
    assert (done.verdict, done.position, done.text, done.applied) == ("stopped", 2, "STOPPED@2", 1)
    assert rows(done) == {"a": {"events": [1]}}
    assert done.stop is not None and (done.stop.type, done.stop.status) == ("Bonus", "UNKNOWN-TYPE")


def test_A1_quarantine_event_skips_it_and_taints_what_its_stream_touches_later(a1: Callable[..., Replay]) -> None:
    done = a1("quarantine-event")
    assert (done.verdict, done.text, done.quarantined, done.applied) == ("quarantined", "QUARANTINED 1 [2]", (2,), 3)
    assert rows(done) == {"a": {"events": [1, 3]}, "b": {"events": [4]}}
    assert done.tainted == {"rows": ["a"]}


def test_A1_quarantine_stream_skips_all_that_follows_in_the_stream(a1: Callable[..., Replay]) -> None:
    done = a1("quarantine-stream")
    assert (done.text, done.quarantined, done.applied) == ("QUARANTINED 2 [2,3]", (2, 3), 2)
    assert rows(done) == {"a": {"events": [1]}, "b": {"events": [4]}} and not done.tainted


def test_A3_A4_ignored_types_are_counted_and_aliases_are_known(tmp_path: Path) -> None:
    store = made_store(
        tmp_path / "a.sqlite", [("a", 1, "old.mod:Opened", {}), ("a", 2, "Ping", {}), ("a", 3, "Paid", {})]
    )
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text("types: {Opened: {aliases: ['old.mod:Opened']}, Paid: {}}\nignored: {Ping: {}}\n")
    done = replayed(store, source(tmp_path / "accounts.py", ACCOUNTS), catalogue=catalogue)
    assert (done.text, done.applied, done.ignored, done.declared) == ("COMPLETE", 2, 1, 1)
    assert rows(done) == {"a": {"events": [1, 3]}}


def test_that_an_undecodable_event_stops_only_a_projection_that_wants_it(tmp_path: Path) -> None:
    store = made_store(
        tmp_path / "a.sqlite", [("a", 1, "Opened", {}), ("a", 2, "Noted", b"{oops"), ("a", 3, "Paid", {})]
    )
    done = replayed(store, source(tmp_path / "accounts.py", ACCOUNTS))
    assert (done.text, done.ignored, done.position) == ("COMPLETE", 1, 3)
    noting = ACCOUNTS + "\n    @on('Noted')\n    def noted(self, event): ...\n"
    done = replayed(store, source(tmp_path / "noting.py", noting))
    assert done.text == "STOPPED@2" and done.stop is not None and done.stop.status == "UNDECODABLE"
    done = replayed(store, tmp_path / "noting.py", on_unknown="quarantine-event")
    assert done.text == "QUARANTINED 1 [2]" and rows(done) == {"a": {"events": [1, 3]}}


def test_that_to_a_position_is_included_and_the_head_is_where_it_ends(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", A1)
    projection = source(tmp_path / "accounts.py", ACCOUNTS)
    done = replayed(store, projection, to=3)
    assert (done.text, done.position, done.applied, done.ignored) == ("COMPLETE", 3, 2, 1)
    assert replayed(store, projection).position == 4
    assert replayed(store, projection, to=0).position is None


# B8


B8_CATALOGUE = """
types:
  AddressChanged:
    current: 2
    versions: {1: {}, 2: {}}
    upcasters:
      - from: 1
        to: 2
        steps:
          - emit:
              - {type: Moved, attributes: [street, since]}
              - {type: PhoneSet, attributes: [phone]}
  Moved: {}
  PhoneSet: {}
"""
B8 = """
class Seen(Projection):
    @on("Moved", "PhoneSet")
    def seen(self, event):
        kinds = sorted((name, type(value).__name__) for name, value in event.data.items())
        self.rows[event.place] = {"type": event.type, "position": event.position, "kinds": kinds}
"""


def test_B8_a_split_event_is_one_source_event_and_two_applied(tmp_path: Path) -> None:
    since = {"_type_": "datetime_iso", "_data_": "2024-01-01T00:00:00+00:00"}
    noted = [("b", version, "Moved", {"street": "x"}) for version in range(1, 7)]
    changed = ("a", 1, "AddressChanged", {"street": "Elm", "phone": "5", "since": since})
    store = made_store(tmp_path / "a.sqlite", [*noted, changed])
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(B8_CATALOGUE)
    done = replayed(store, source(tmp_path / "seen.py", B8), catalogue=catalogue)
    assert (done.text, done.position, done.applied, done.read) == ("COMPLETE", 7, 8, 7)
    moved = {"type": "Moved", "position": 7, "kinds": [["since", "datetime"], ["street", "str"]]}
    assert rows(done)["7.0"] == moved
    assert rows(done)["7.1"] == {"type": "PhoneSet", "position": 7, "kinds": [["phone", "str"]]}


# I1, I2


I1_LEFT = """
class Sums(Projection):
    name = "sums"
    limit = 100

    @on("Added")
    def added(self, event):
        row = self.rows.setdefault(event.data["to"], {"n": 0, "total": 0})
        row["n"] += 1
        row["total"] += self.weighed(event)

    def weighed(self, event):
        return event.data["amount"]
"""
I1_RIGHT = """
from left import Sums as Left

class Sums(Left):
    version = 2

    def weighed(self, event):
        # Differs at position 3, agrees again from 5 on, and differs for good from 7 on.
        return super().weighed(event) + {3: 1, 5: -1, 7: 4}.get(event.position, 0)
"""


def test_I1_the_first_divergence_is_exact_although_outputs_agree_again(tmp_path: Path) -> None:
    store = made_store(
        tmp_path / "a.sqlite", [("a", n, "Added", {"to": "x" if n != 4 else "y", "amount": n}) for n in range(1, 9)]
    )
    left, right = source(tmp_path / "left.py", I1_LEFT), source(tmp_path / "right.py", I1_RIGHT)
    done = compared(store, left, f"{right}:Sums")
    assert done.first is not None
    assert (done.first.position, done.first.type, done.first.stream) == (3, "Added", "a")
    assert (done.first.table, done.first.key) == ("rows", "x")
    assert (done.verdict, done.position, done.same, done.changed) == ("complete", 8, 1, 1)
    assert [(row.key, row.fields) for row in done.rows] == [("x", ("total",))]
    again = compared(store, left, right, to=6)
    assert again.first is not None and again.first.position == 3 and again.changed == 0


def test_I2_rows_are_same_added_removed_and_changed(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "Go", {})])
    body = """
    from decimal import Decimal
    class One(Projection):
        @on("Go")
        def go(self, event):
            self.rows.update({1: {"n": 2, "total": 30}, 2: {"n": 1}})
    class Two(Projection):
        @on("Go")
        def go(self, event):
            self.rows.update({1: {"n": 2, "total": Decimal("30.00")}, 3: {"n": 1, "total": None}})
    """
    path = source(tmp_path / "both.py", body)
    done = compared(store, f"{path}:One", f"{path}:Two")
    assert (done.same, done.removed, done.added, done.changed) == (1, 1, 1, 0)
    assert [(row.key, row.a, row.b, row.fields) for row in done.rows] == [
        (2, {"n": 1}, None, ("n",)),
        (3, None, {"n": 1, "total": None}, ("n", "total")),
    ]


@pytest.mark.parametrize(
    "change",
    ["self.kept['n'] = 9", "[r.update(n=9) for r in self.rows.values()]", "self.table('t')['x'] = {'n': 1}"],
)
def test_that_no_way_of_changing_a_row_escapes_the_first_divergence(tmp_path: Path, change: str) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", n, "Go", {"n": n}) for n in range(1, 7)])
    body = f"""
    class One(Projection):
        @on("Go")
        def go(self, event):
            if event.position == 1:
                self.kept = self.rows["x"] = {{"n": 1}}
            self.rows[event.position] = {{"n": event.data["n"]}}
    class Two(One):
        def go(self, event):
            super().go(event)
            if event.position == 3:
                {change}
            if event.position == 5:
                self.rows[5]["n"] = 7
    """
    path = source(tmp_path / "both.py", body)
    done = compared(store, f"{path}:One", f"{path}:Two")
    assert done.first is not None and done.first.position == 3


def test_that_versions_do_not_see_what_the_other_does_to_a_payload(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", [("a", 1, "Go", {"tags": ["x"]}), ("a", 2, "Went", {})])
    body = """
    class One(Projection):
        @on("Go")
        def go(self, event):
            self.rows["r"] = {"tags": event.data.pop("tags")}
        @on("Went")
        def went(self, event):
            self.rows["r"]["tags"].append("y")
    class Two(One): ...
    """
    path = source(tmp_path / "both.py", body)
    done = compared(store, f"{path}:One", f"{path}:Two")
    assert (done.verdict, done.same, done.first) == ("complete", 1, None)


def test_that_a_failing_version_is_named_and_rows_compared_as_they_were_before(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", A1)
    bad = ACCOUNTS + "\nclass Bad(Accounts):\n    def paid(self, event):\n        super().paid(event)\n        1 / 0\n"
    path = source(tmp_path / "accounts.py", bad)
    done = compared(store, f"{path}:Accounts", f"{path}:Bad")
    assert (done.verdict, done.position, done.failed_side) == ("failed", 3, "b")
    assert done.failure is not None and "ZeroDivisionError" in done.failure.sentence
    assert (done.same, done.changed, done.first) == (1, 0, None)


# Handlers that fail, or worse


def poked(tmp_path: Path, body: str, **options: Any) -> Replay:
    """Replays three events of which the second does what is given."""
    path = tmp_path / "poked.py"
    path.write_text(
        "import ctypes, os, sys, time\nfrom esviewer import Projection, on\n"
        "class Poked(Projection):\n    @on('Poked')\n    def poked(self, event):\n"
        "        row = self.rows.setdefault('r', {'n': 0, 'seen': []})\n"
        "        row['n'] += 1\n        row['seen'].append(event.data['n'])\n        if event.position == 2:\n"
        + textwrap.indent(textwrap.dedent(body), " " * 12)
    )
    store = tmp_path / "a.sqlite"
    if not store.exists():
        made_store(store, [("a", n, "Poked", {"n": n}) for n in (1, 2, 3)])
    return replayed(store, path, **options)


def test_that_a_handler_that_raises_shows_event_line_and_the_row_before(tmp_path: Path) -> None:
    done = poked(tmp_path, "raise ValueError('no twos')")
    assert (done.text, done.applied, done.position) == ("FAILED@2", 1, 2)
    assert rows(done) == {"r": {"n": 1, "seen": [1]}}
    failure = done.failure
    assert failure is not None and failure.sentence == "ValueError: no twos"
    assert (failure.type, failure.stream, failure.data) == ("Poked", "a", {"n": 2})
    assert failure.file == str(tmp_path / "poked.py") and failure.code == "raise ValueError('no twos')"
    assert failure.rows_before == ({"table": "rows", "key": "r", "row": {"n": 1, "seen": [1]}},)
    assert "poked.py, line 10" in failure.text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("sys.exit(3)", "sys.exit(3)"),
        ("held = []\nwhile True: held.append(bytearray(16 << 20))", "ran out of the memory it may have"),
        ("def f(): f()\nf()", "called itself without end"),
        ("os.fork()", "may not start processes"),
        ("open('written', 'w')", "may not write files"),
        ("os.remove(__file__)", "may not change files"),
        ("class E(BaseException):\n    def __str__(self): raise E()\nraise E()", "its text cannot be had"),
    ],
)
def test_that_what_a_handler_may_not_do_is_its_failure_at_that_event(tmp_path: Path, body: str, said: str) -> None:
    done = poked(tmp_path, body)
    assert done.text == "FAILED@2" and done.failure is not None and said in done.failure.sentence
    assert rows(done) == {"r": {"n": 1, "seen": [1]}}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while True: pass", "did not end within 1 s over one event"),
        ("time.sleep(60)", "did not end within 1 s over one event"),
        ("os._exit(7)", "ended its process with status 7"),
        ("ctypes.string_at(0)", "SIGSEGV"),
        ("os.write(3, b'{\"kind\": 1}\\n')\ntime.sleep(60)", "channel of its own reports"),
    ],
)
def test_that_a_handler_that_hangs_or_ends_the_child_is_told_with_its_position(
    tmp_path: Path, body: str, said: str
) -> None:
    done = poked(tmp_path, body)
    assert done.text == "FAILED@2" and done.failure is not None and said in done.failure.sentence
    assert done.rows == {}


@on_linux
def test_that_the_store_stays_as_it_is_whatever_a_handler_tries(tmp_path: Path) -> None:
    poked(tmp_path, "pass")
    store = tmp_path / "a.sqlite"
    before = store.read_bytes()
    done = poked(tmp_path, f"ctypes.CDLL(None).unlink({os.fsencode(store)!r})\nrow['n'] = 0")
    assert done.verdict == "complete" and store.read_bytes() == before
    done = poked(tmp_path, f"import sqlite3\nsqlite3.connect({str(store)!r}).execute('DELETE FROM stored_events')")
    assert done.text == "FAILED@2" and store.read_bytes() == before


def test_that_what_is_printed_is_kept_apart_and_much_of_it_counted(tmp_path: Path) -> None:
    done = poked(tmp_path, "print('hello')\nfor _ in range(50): sys.stdout.write('x' * 1_000_000)")
    assert done.output.startswith("hello") and len(done.output) < 70_000 and "50,000,006 bytes" in done.output
    assert done.verdict == "complete"


def test_that_a_projection_that_cannot_be_loaded_is_refused(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", A1)
    for body, said in (
        ("import no_such_module", r"accounts.py cannot be imported: ModuleNotFoundError"),
        ("class Accounts(Projection): ...", "handles no type of event"),
        ("x = 1", "defines 0 projections"),
        (ACCOUNTS + "\nclass More(Accounts): ...", "accounts.py:Accounts, accounts.py:More"),
        (ACCOUNTS + "\n    def __init__(self, n): ...", r"\(\) cannot be made"),
    ):
        path = source(tmp_path / "accounts.py", body)
        with pytest.raises(EsviewerError, match=said):
            replayed(store, path)


def test_that_a_row_that_is_no_dict_is_told(tmp_path: Path) -> None:
    done = poked(tmp_path, "self.rows['x'] = 5")
    assert done.verdict == "failed" and done.failure is not None
    assert "self.rows['x'] is 5: a row is a dict of columns" in done.failure.sentence


# Asked to end, to pause


MANY = [("a", n, "Added", {"to": n % 7, "amount": n}) for n in range(1, 20_001)]


def test_that_a_replay_ends_with_its_rows_when_asked_and_without_them_when_stopped(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", MANY)
    slow = (
        I1_LEFT
        + "\nimport time\nclass Slow(Sums):\n    def weighed(self, event):\n        time.sleep(0.0005)\n        return 1\n"
    )
    path = source(tmp_path / "slow.py", slow)
    sandboxes: list[Sandbox] = []

    def ask(progress: Progress) -> None:
        sandboxes[-1].ask(Wish.END)

    done = replayed(store, f"{path}:Slow", started=sandboxes.append, told=ask)
    assert done.verdict == "cancelled" and done.text == f"CANCELLED@{done.position}"
    assert isinstance(done.position, int) and 0 < done.position < 20_000
    assert sum(row["n"] for row in rows(done).values()) == done.applied == done.position

    def stop(progress: Progress) -> None:
        sandboxes[-1].stop()

    done = replayed(store, f"{path}:Slow", started=sandboxes.append, told=stop)
    assert done.verdict == "cancelled" and done.rows == {}


def test_that_a_paused_replay_goes_on_and_ends_as_if_it_never_paused(tmp_path: Path) -> None:
    store = made_store(tmp_path / "a.sqlite", MANY)
    path = source(tmp_path / "sums.py", I1_LEFT)
    sandboxes: list[Sandbox] = []

    def started(sandbox: Sandbox) -> None:
        sandboxes.append(sandbox)
        sandbox.ask(Wish.PAUSE)
        # Longer than a handler may take: a pause is no stall.
        threading.Timer(1.5, sandbox.ask, [Wish.GO_ON]).start()

    done = replayed(store, path, started=started)
    assert done.verdict == "complete" and done.seconds > 0.3
    assert rows(done) == rows(replayed(store, path))


# Against the answers


def test_that_the_library_s_answers_are_reproduced(
    shared_store: Callable[..., Path], answers: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    expected = answers("es_library_sqlite")["projections"]
    lending = shared_store("es_library_sqlite", "lending.sqlite.gz")
    body = """
    class Desk(Projection):
        @on("library_es.lending:Loan.Started")
        def started(self, event):
            self.rows[event.stream] = {"branch": event.data["branch_code"], "state": "open"}
        @on("library_es.lending:Loan.Returned")
        def returned(self, event):
            self.rows[event.stream]["state"] = "returned"
        @on("library_es.lending:Loan.DeclaredLost")
        def lost(self, event):
            self.rows[event.stream]["state"] = "lost"
        @on("library_es.lending:Fine.Raised", "library_es.lending:Charge.Raised")
        def raised(self, event):
            self.table("fines")[event.stream] = {"amount": event.data["amount"]["_data_"].split(" ")[0]}
        @on("library_es.lending:Fine.Paid", "library_es.lending:Fine.Waived",
            "library_es.lending:Charge.Paid", "library_es.lending:Charge.Waived")
        def settled(self, event):
            del self.table("fines")[event.stream]
    class Months(Projection):
        @on("*")
        def counted(self, event):
            month = self.rows.setdefault(f"{event.recorded_at:%Y-%m}", {"n": 0})
            month["n"] += 1
    """
    path = source(tmp_path / "library.py", body)
    done = replayed(lending, f"{path}:Desk")
    assert (done.verdict, done.position) == ("complete", 13_022)
    per: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(done).values():
        per[row["branch"]][row["state"]] += 1
    assert per == expected["loans_by_branch_code_of_Loan_Started"]
    fines = [Decimal(row["amount"]) for row in rows(done, "fines").values()]
    assert {"count": len(fines), "sum": float(sum(fines))} == expected["fines_owed"]
    months = rows(replayed(lending, f"{path}:Months"))
    assert {month: row["n"] for month, row in months.items()} == expected["events_per_month_utc"]["lending"]
    steps = tmp_path / "loans.yaml"
    steps.write_text(
        """
name: loans
handlers:
  "library_es.lending:Loan.Started": [{insert: {branch: data.branch_code, state: "'open'"}}]
  "library_es.lending:Loan.Returned": [{set: {state: "'returned'"}}]
  "library_es.lending:Loan.DeclaredLost": [{set: {state: "'lost'"}}]
"""
    )
    assert rows(replayed(lending, steps)) == rows(done)


def test_that_the_shop_s_answers_are_reproduced(
    shared_store: Callable[..., Path], answers: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    expected = answers("emmett_shop", "answers_sqlite.json")["projection"]["result"]
    store = shared_store("emmett_shop", "emmett_shop.sqlite.gz")
    steps = tmp_path / "shop.yaml"
    steps.write_text(
        """
name: shop
handlers:
  PaymentCaptured:
    key: "'all'"
    table: revenue
    steps: [{add: {captured: 1, sum: data.amount}}]
  ShoppingCartConfirmed: [{set: {status: "'confirmed'"}}]
  ShoppingCartCancelled: [{set: {status: "'cancelled'"}}]
"""
    )
    done = replayed(store, steps)
    (revenue,) = rows(done, "revenue").values()
    assert revenue == {"captured": expected["captured_payments"], "sum": expected["revenue"]}
    assert Counter(row["status"] for row in rows(done).values()) == expected["carts_by_status"]


BANK = """
class Balances(Projection):
    name = "balances"
    def row(self, event):
        return self.rows.setdefault(event.stream, {"balance": 0, "rejected": 0})
    @on("Opened")
    def opened(self, event):
        self.row(event)
    @on("Deposited")
    def deposited(self, event):
        self.row(event)["balance"] += event.data["amount"] * (1 if "currency" in event.data else 100)
    @on("Withdrawn")
    def withdrawn(self, event):
        self.row(event)["balance"] -= event.data["amount"]
    @on("WithdrawalRejected")
    def rejected(self, event):
        self.row(event)["rejected"] += 1
"""


def test_that_the_bank_s_answers_are_reproduced_also_after_the_server_went_away(
    shared_database: Callable[..., str], postgres: Any, answers: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    expected = answers("message_db_bank")["projection"]
    address = shared_database("message_db_bank", "message_db_bank.sql.gz")
    path = source(tmp_path / "bank.py", BANK)
    done = replayed(address, path)
    balances = {key: row["balance"] for key, row in rows(done).items()}
    assert (done.verdict, len(balances)) == ("complete", expected["accounts"])
    assert sum(balances.values()) == expected["total_cents"]
    richest = sorted(((cents, key) for key, cents in balances.items()), reverse=True)[:5]
    assert richest == [tuple(pair) for pair in expected["five_richest"]]
    assert sum(row["rejected"] for row in rows(done).values()) == expected["withdrawals_rejected"]

    slow = BANK + "    @on('Replied')\n    def replied(self, event):\n        import time\n        time.sleep(0.002)\n"
    interrupted: list[Progress] = []

    def told(progress: Progress) -> None:
        if not interrupted:
            interrupted.append(progress)
            postgres.stop()
            postgres.start()

    again = replayed(address, source(tmp_path / "slow.py", slow), told=told)
    assert interrupted and again.verdict == "complete" and again.rows == done.rows


HARD = [
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"n":1}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+02:00"},"n":1}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"yesterday+00:00"},"n":1}',
    b'{"timestamp": {"_type_": "datetime_iso", "_data_": "2024-01-01T00:00:00+00:00"}, "n": 1}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"n":123456789012345678901234567890}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"n":0.1234567890123456789}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"n":1,"n":2}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"class_version":"x"}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"class_version":2,"originator_topic":5}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"originator_version":7,"originator_id":"a"}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"l":[{"_type_":"decimal_str","_data_":"1.50"},[{"_type_":"x","_data_":{"_type_":"uuid_hex","_data_":"00000000000000000000000000000005"}}]]}',
    b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"d":{"_type_":"decimal_str","_data_":"much"},"u":{"_type_":"uuid_hex","_data_":"zz"},"o":{"a":{"_type_":"datetime_iso","_data_":"2024-01-01"}}}',
    b"[1]", b"7", b"null", b"{oops", b"",
]  # fmt: skip


@pytest.mark.parametrize("name", ["hard", "es_library_sqlite", "es_library_pg"])
def test_that_the_short_way_from_a_row_gives_what_the_long_one_does(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """One decode path (law 2): the short way is allowed to give up on a row, and never to differ."""
    if name == "hard":
        address = str(made_store(tmp_path / "a.sqlite", [("a", n, "T", state) for n, state in enumerate(HARD, 1)]))
    elif name == "es_library_pg":
        address = request.getfixturevalue("shared_database")(name, f"{name}.sql.gz") + "?store=lending"
    else:
        address = str(request.getfixturevalue("shared_store")(name, "lending.sqlite.gz"))
    short_ones = 0
    with closing(open_database(address)) as database:
        reader = database.reader(database.chosen())
        for labels, listed in reader.chunks():
            light = reader.dialect.light(labels)
            assert light is not None
            for row in listed:
                fields = light(row)
                (whole,) = reader.drafts_of(row, labels)
                if fields is not None:
                    short_ones += 1
                    assert whole.get("undecodable") is None and not whole["notes"]
                    whole["data"] = reader.dialect.python_data(whole, reader.codecs)
                    assert repr({label: whole[label] for label in fields}) == repr(fields)
        reader.close()
    assert short_ones >= (1 if name == "hard" else 13_000)


def test_that_payloads_hold_python_s_values_by_both_ways(tmp_path: Path) -> None:
    wrapped = {"_type_": "decimal_str", "_data_": "1.50"}, {"_type_": "uuid_hex", "_data_": "0" * 31 + "5"}
    data = {
        "a": wrapped[0],
        "b": [wrapped[1]],
        "big": 10**30,
        "when": {"_type_": "datetime_iso", "_data_": "2024-01-01T00:00:00"},
    }
    stamped = {"timestamp": {"_type_": "datetime_iso", "_data_": "2024-01-01T00:00:00+00:00"}, **data}
    compact = json.dumps({**stamped, "big": 5}, separators=(",", ":")).encode()
    store = made_store(tmp_path / "a.sqlite", [("s", 1, "T", stamped), ("s", 2, "T", compact)])
    body = """
    class Kinds(Projection):
        @on("T")
        def t(self, event):
            data = event.data
            self.rows[event.position] = {
                "kinds": [type(v).__name__ for v in (data["a"], data["b"][0], data["when"], data["big"])],
                "values": [data["a"], data["b"][0], data["when"], data["big"]],
                "rest": [f"{event.recorded_at:%Y}", event.schema_version, event.category, event.metadata],
            }
    """
    seen = rows(replayed(store, source(tmp_path / "kinds.py", body)))
    for position, big in ((1, 10**30), (2, 5)):
        assert seen[position]["kinds"] == ["Decimal", "UUID", "datetime", "int"]
        assert seen[position]["values"] == ["1.50", "00000000-0000-0000-0000-000000000005", "2024-01-01T00:00:00", big]
        assert seen[position]["rest"] == ["2024", 1, None, None]


# The command line


def test_that_the_commands_speak_by_the_contract(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    store = str(made_store(tmp_path / "a.sqlite", A1))
    path = source(tmp_path / "accounts.py", ACCOUNTS)
    asked = ["replay", store, f"{path}:Accounts", "--json"]
    assert run(asked) == 2
    told = capfd.readouterr()
    assert "--trust" in told.err and f"{path}:Accounts" in told.err and told.err.count("\n") == 1 and not told.out
    assert run([*asked, "--trust"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert set(document) == {
        *("projection", "version", "verdict", "position", "applied", "ignored"),
        *("quarantined", "rows", "seconds", "events_per_second"),
    }
    assert document | {"seconds": 0, "events_per_second": 0} == {
        "projection": "accounts",
        "version": 1,
        "verdict": "complete",
        "position": 4,
        "applied": 3,
        "ignored": 1,
        "quarantined": [],
        "rows": {"rows": [{"key": "a", "events": [1, 3]}, {"key": "b", "events": [4]}]},
        "seconds": 0,
        "events_per_second": 0,
    }
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text("types: {Opened: {}, Paid: {}}\n")
    asked = ["replay", store, str(path), "--trust", "--catalogue", str(catalogue)]
    assert run(asked) == 1 and "STOPPED@2" in capfd.readouterr().out
    assert run([*asked, "--on-unknown", "quarantine-event", "--json"]) == 1
    assert json.loads(capfd.readouterr().out)["quarantined"] == [2]
    assert run([*asked, "--on-unknown", "skip"]) == 2 and "quarantine-stream" in capfd.readouterr().err


def test_that_compare_speaks_by_the_contract_and_steps_need_no_trust(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    store = str(made_store(tmp_path / "a.sqlite", A1))
    steps = tmp_path / "one.yaml"
    steps.write_text("name: one\nhandlers: {Opened: [{insert: {n: 1}}], Paid: [{add: {n: 1}}]}\n")
    (tmp_path / "two.toml").write_text(
        'name = "one"\n[handlers]\nOpened = [{insert = {n = 1}}]\nPaid = [{add = {n = 2}}]\n'
    )
    assert run(["compare", store, str(steps), str(tmp_path / "two.toml"), "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == {
        "verdict": "complete",
        "position": 4,
        "same": 1,
        "added": 0,
        "removed": 0,
        "changed": 1,
        "rows": [{"table": "rows", "key": "a", "a": {"n": 2}, "b": {"n": 3}, "fields": ["n"]}],
        "first_divergence": {"position": 3, "type": "Paid", "stream": "a", "table": "rows", "key": "a"},
    }
    assert run(["compare", store, str(steps), str(tmp_path / "two.toml")]) == 0
    assert "First difference: position 3, Paid of a" in capfd.readouterr().out
    assert run(["compare", store, str(steps), "table:public.loans"]) == 2
    assert run(["replay", store, str(tmp_path / "three.yaml")]) == 2
    assert "no file" in capfd.readouterr().err
