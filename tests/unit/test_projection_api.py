"""Projections as users write and test them, without a store."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from esviewer import Projection, ProjectionEvent, on
from esviewer.domain import EsviewerError, Event
from esviewer.projections import declarative
from esviewer.projections.definition import DefinitionError, WatchedTable
from esviewer.projections.naming import named
from esviewer.projections.reads import Reads, of_handler
from esviewer.projections.rows import row_object, sorted_keys
from esviewer.projections.sameness import are_same, rows_are_same
from esviewer.stores.where import search


class Loans(Projection):
    """One row a loan."""

    name = "loans"
    version = 1

    @on("Started", "StartedAgain")
    def started(self, event: ProjectionEvent) -> None:
        self.rows[event.stream] = {"state": "out", "member": event.data["card_no"]}

    @on("Returned")
    def returned(self, event: ProjectionEvent) -> None:
        self.rows[event.stream]["state"] = "back"


class CountedLoans(Loans):
    version = 2

    def returned(self, event: ProjectionEvent) -> None:
        super().returned(event)
        counts = self.table("counts").setdefault("returned", {"n": 0})
        counts["n"] += 1


def test_that_handlers_fill_rows_by_key() -> None:
    loans = Loans().given("Started", {"card_no": "C1"}, stream="a").given("StartedAgain", {"card_no": "C2"}, stream="b")
    loans.given("Returned", stream="a").given("NobodyHandlesThis", stream="a")
    assert loans.rows == {"a": {"state": "back", "member": "C1"}, "b": {"state": "out", "member": "C2"}}


def test_that_a_subclass_overrides_a_handler_and_calls_the_old_one() -> None:
    loans = CountedLoans().given("Started", {"card_no": "C1"}, stream="a").given("Returned", stream="a")
    assert loans.rows["a"]["state"] == "back" and loans.table("counts") == {"returned": {"n": 1}}
    assert (loans.name, loans.version) == ("loans", 2)


def test_that_an_override_with_types_of_its_own_handles_only_those_and_none_takes_a_handler_away() -> None:
    class Other(Loans):
        started = None  # type: ignore[assignment]

        @on("Came")
        def returned(self, event: ProjectionEvent) -> None: ...

    assert set(Other().handlers()) == {"Came"}


def test_that_two_handlers_of_one_type_are_refused() -> None:
    class Twice(Loans):
        @on("Returned")
        def also(self, event: ProjectionEvent) -> None: ...

    with pytest.raises(DefinitionError, match="Returned twice: in returned and in also"):
        Twice().handlers()


def test_that_on_without_types_says_what_to_write() -> None:
    with pytest.raises(DefinitionError, match='@on\\("OrderPlaced"\\)'):
        on(lambda self, event: None)  # type: ignore[arg-type]


def test_that_a_star_handles_what_nothing_else_does() -> None:
    class All(Loans):
        @on("*")
        def counted(self, event: ProjectionEvent) -> None:
            self.table("others").setdefault(event.type, {"n": 0})["n"] += 1

    loans = All().given("Started", {"card_no": "C1"}, stream="a").given("Odd").given("Odd")
    assert loans.table("others") == {"Odd": {"n": 2}} and len(loans.rows) == 1


def test_that_init_need_not_call_its_base_and_replaced_rows_are_told() -> None:
    class Own(Loans):
        def __init__(self) -> None:
            self.seen = 0

    own = Own().given("Started", {"card_no": "C1"}, stream="a")
    assert own.tables["rows"] == own.rows
    own.rows = {}  # type: ignore[assignment]
    with pytest.raises(DefinitionError, match=r"self\.rows was replaced"):
        own.tables  # noqa: B018


@pytest.mark.parametrize(
    "given",
    [
        Event((), 7, "a", None, 1, "Started", recorded_at=1_000_000, data={"card_no": "C1"}),
        {
            "type": "Started",
            "stream": "a",
            "position": 7,
            "recorded_at": "1970-01-01T00:00:01+00:00",
            "data": {"card_no": "C1"},
        },
    ],
)
def test_that_events_of_the_tool_and_of_its_json_are_taken(given: Any) -> None:
    seen: list[ProjectionEvent] = []

    class Seeing(Loans):
        def started(self, event: ProjectionEvent) -> None:
            super().started(event)
            seen.append(event)

    Seeing().feed([given])
    assert seen[0].recorded_at == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert (seen[0].position, seen[0].place, seen[0].tenant, seen[0].metadata) == (7, "7", None, None)


def test_that_importing_the_package_imports_nothing_else() -> None:
    code = "import sys, esviewer; print([n for n in sys.modules if n.startswith('esviewer.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    code = "import sys; from esviewer import Projection, on; print('sqlalchemy' in sys.modules, 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False False"


def test_that_a_watched_table_tells_every_key_that_is_used() -> None:
    loans = Loans().given("Started", {"card_no": "C1"}, stream="a").given("Started", {"card_no": "C2"}, stream="b")
    loans.rows.__class__ = WatchedTable
    assert isinstance(loans.rows, WatchedTable)
    used: list[Any] = []
    loans.rows.note = used.append
    for use in (
        lambda rows: rows["a"],
        lambda rows: rows.get("x"),
        lambda rows: rows.setdefault("c", {}),
        lambda rows: rows.update(d={}),
        lambda rows: rows.pop("d"),
        lambda rows: list(rows.values()),
        lambda rows: rows.popitem(),
        lambda rows: rows.__delitem__("b"),
        lambda rows: rows.clear(),
    ):
        use(loans.rows)
    assert used == ["a", "x", "c", "d", "d", "a", "b", "c", "c", "b", "a"]


# Rows


def test_that_keys_are_sorted_whatever_they_are() -> None:
    assert sorted_keys(["b", 2, ("a", 2), "a", 10, ("a", 1)]) == [2, 10, "a", "b", ("a", 1), ("a", 2)]


def test_that_a_column_called_key_moves_aside() -> None:
    assert row_object(1, {"key": 2, "key_": 3, "n": 4}) == {"key": 1, "key_": 2, "key__": 3, "n": 4}


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (30, Decimal("30.00"), True),
        (0.1, Decimal("0.1"), True),
        (1, True, False),
        ("30", Decimal("30.0"), True),
        ("30", 30, False),
        (None, 0, False),
        ([1, 2], [2, 1], False),
        ((1, 2), [1, 2], True),
        ({1, 2}, {2, 1}, True),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": [True]}, {"a": [1]}, False),
        (float("nan"), float("nan"), True),
        (10**40, 10**40 + 1, False),
        ("2024-01-01T10:00:00+00:00", "2024-01-01T11:00:00+01:00", True),
        (datetime(2024, 1, 1, 10, tzinfo=UTC), "2024-01-01T10:00:00Z", True),
        (UUID(int=5), str(UUID(int=5)), True),
        ("2024-01-01", "2024-01-02", False),
    ],
)
def test_that_values_are_compared_by_what_they_mean(left: Any, right: Any, same: bool) -> None:
    assert are_same(left, right) is same and are_same(right, left) is same
    assert rows_are_same({"x": left}, {"x": right}) is same


# Without code


def test_that_steps_do_what_they_are_called() -> None:
    orders = declarative.made(
        {
            "name": "orders",
            "version": 3,
            "handlers": {
                "Placed, PlacedAgain": [{"insert": {"state": "'open'", "total": 0, "lines": {"value": []}}}],
                "LineAdded": [
                    {"append": {"lines": "data.sku"}},
                    {"add": {"total": "data.price", "n": 1}},
                    {"set": {"dear": True}, "when": "data.price > `10`"},
                ],
                "LineTaken": [{"remove": {"lines": "data.sku"}}, {"subtract": {"total": "data.price"}}],
                "Noted": [{"set": {"note": "data.text", "at": "recorded_at", "lines_seen": "length(row.lines)"}}],
                "Cleared": [{"remove": ["note", "at"]}],
                "Closed": {"steps": [{"delete": True}], "when": "data.really"},
                "Visited": {"key": ["data.day", "stream"], "table": "visits", "steps": [{"add": {"n": 1}}]},
            },
        }
    )
    orders.given("Placed", stream="a").given("LineAdded", {"sku": "x", "price": Decimal("12.50")}, stream="a")
    orders.given("LineAdded", {"sku": "y", "price": 0.1}, stream="a").given(
        "LineTaken", {"sku": "x", "price": "12.50"}, stream="a"
    )
    orders.given("Noted", {"text": "hm"}, stream="a", recorded_at=0)
    row = orders.rows["a"]
    assert row == {
        "state": "open",
        "total": Decimal("0.1"),
        "lines": ["y"],
        "n": 2,
        "dear": True,
        "note": "hm",
        "at": "1970-01-01T00:00:00+00:00",
        "lines_seen": 1,
    }
    orders.given("Cleared", stream="a").given("PlacedAgain", stream="b").given("Closed", {"really": True}, stream="b")
    orders.given("Visited", {"day": 3}, stream="a").given("Visited", {"day": 3}, stream="a").given("Closed", stream="a")
    assert set(orders.rows) == {"a"} and "note" not in orders.rows["a"]
    assert orders.table("visits") == {(3, "a"): {"n": 2}}


@pytest.mark.parametrize(
    ("handlers", "said"),
    [
        ({}, "handlers is an object"),
        ({"A": []}, "A: give a list of steps"),
        ({"A": [{"put": {"x": 1}}]}, "step 1: put is no step"),
        ({"A": [{"set": {"x": "out"}}]}, "'out' begins with 'out'"),
        ({"A": [{"set": {"x": "data.["}}]}, "not a JMESPath expression"),
        ({"A": [{"delete": "yes"}]}, "delete: true"),
        ({"A": {"stepps": []}}, "'stepps' is not known"),
        ({"A": [{"add": {"n": 1}}], "B,A": [{"add": {"n": 1}}]}, "A is handled twice"),
    ],
)
def test_that_a_mistake_in_a_file_of_steps_is_told_with_its_place(handlers: Any, said: str) -> None:
    with pytest.raises(DefinitionError) as wrong:
        declarative.made({"handlers": handlers}, "x.yaml")
    assert said in str(wrong.value) and str(wrong.value).startswith("x.yaml")


def test_that_what_cannot_be_added_fails_loudly() -> None:
    sums = declarative.made({"handlers": {"A": [{"add": {"n": "data.n"}}]}}, "x.yaml")
    with pytest.raises(declarative.StepFailed, match=r"x\.yaml, A, step 1: n is None, and 'many' cannot be added"):
        sums.given("A", {"n": "many"}, stream="a")


def test_I5_sums_are_exact_and_counted() -> None:
    amounts = declarative.made(
        {"handlers": {"Paid": {"key": "'all'", "steps": [{"add": {"count": 1, "sum": "data.amount"}}]}}}
    )
    for amount in (10, 20, 30):
        amounts.given("Paid", {"amount": amount}, stream="a")
    assert amounts.rows == {"all": {"count": 3, "sum": 60}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing.py:A", "There is no file"),
        ("a.txt", "names no projection"),
        ("a.sql:Loans", "name it without :Loans"),
        ("a.yaml:Loans", "name it without :Loans"),
    ],
)
def test_that_what_names_no_projection_is_refused(text: str, said: str, tmp_path: Path) -> None:
    for name in ("a.txt", "a.sql", "a.yaml"):
        (tmp_path / name).write_text("")
    with pytest.raises(EsviewerError) as refused:
        named(str(tmp_path / text))
    assert said in str(refused.value)


def test_that_a_name_is_a_file_and_a_class(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("")
    projection = named(f"{tmp_path / 'a.py'}:Loans")
    assert (projection.path.name, projection.member, projection.runs_code) == ("a.py", "Loans", True)
    assert named(str(tmp_path / "a.py")).member is None


def test_that_functions_of_numbers_take_decimals_and_stay_exact() -> None:
    """As JMESPath takes ints and floats; before, a decimal made them find nothing."""
    row = {"a": Decimal("-1.50"), "l": [{"p": Decimal("3.1")}, {"p": 0.2}], "huge": Decimal("1e1000000000")}
    found = {
        text: search(text)(row)
        for text in (
            "abs(a)",
            "ceil(a)",
            "floor(a)",
            "sum(l[].p)",
            "avg(l[].p)",
            "max_by(l, &p).p",
            "type(a)",
            "ceil(huge)",
        )
    }
    assert found == {
        "abs(a)": Decimal("1.50"),
        "ceil(a)": -1,
        "floor(a)": -2,
        "sum(l[].p)": Decimal("3.3"),
        "avg(l[].p)": Decimal("1.65"),
        "max_by(l, &p).p": Decimal("3.1"),
        "type(a)": "number",
        "ceil(huge)": None,
    }
    sums = declarative.made({"handlers": {"A": [{"add": {"n": "abs(data.n)"}}]}})
    sums.given("A", {"n": Decimal("-1.50")}, stream="a")
    assert sums.rows["a"]["n"] == Decimal("1.50")


# What a handler reads


class Reading(Projection):
    @on("Some")
    def some(self, event: ProjectionEvent) -> None:
        data = event.data
        self.rows[event.stream] = {"a": data["a"], "b": event.data.get("b", 0), "c": "c" in data}

    @on("Whole")
    def whole(self, event: ProjectionEvent) -> None:
        self.rows[event.stream] = dict(event.data)

    @on("Handed")
    def handed(self, event: ProjectionEvent) -> None:
        print(event)

    @on("None")
    def nothing(self, event: ProjectionEvent) -> None:
        self.rows[event.stream] = {"at": event.recorded_at}

    @on("Rebound")
    def rebound(self, event: ProjectionEvent) -> None:
        data = event.data
        data = {"x": data}
        self.rows[event.stream] = data

    @on("Changed")
    def changed(self, event: ProjectionEvent) -> None:
        event.data["a"] = 1

    @on("Within")
    def within(self, event: ProjectionEvent) -> None:
        self.rows[event.stream] = {"n": [event.data["n"] for _ in range(2)], "v": vars()}


class ReadingMore(Reading):
    def some(self, event: ProjectionEvent) -> None:
        super().some(event)
        self.rows[event.stream]["d"] = event.data["d"]


@pytest.mark.parametrize(
    ("kind", "event_type", "attributes", "fields"),
    [
        (Reading, "Some", {"a", "b", "c"}, {"stream", "data"}),
        (ReadingMore, "Some", {"a", "b", "c", "d"}, {"stream", "data"}),
        (Reading, "Whole", None, {"stream", "data"}),
        (Reading, "Handed", None, None),
        (Reading, "None", set(), {"stream", "recorded_at"}),
        (Reading, "Rebound", None, {"stream", "data"}),
        (Reading, "Changed", None, {"data"}),
        (Reading, "Within", None, None),
    ],
)
def test_that_what_a_handler_reads_is_told_from_its_code_or_is_anything(
    kind: type[Projection], event_type: str, attributes: set[str] | None, fields: set[str] | None
) -> None:
    assert of_handler(kind().handlers()[event_type]) == Reads(
        None if attributes is None else frozenset(attributes), None if fields is None else frozenset(fields)
    )


def test_that_what_steps_read_is_told_from_their_expressions() -> None:
    steps = declarative.made(
        {
            "handlers": {
                "A": {"key": "data.k", "when": "data.w > `1`", "steps": [{"set": {"x": "data.a[0].b", "y": "row.z"}}]},
                "B": [{"append": {"all": "data"}}],
                "C": [{"remove": ["data"]}, {"add": {"n": 1}, "when": "meta.user == 'a'"}],
            }
        }
    ).handlers()
    assert of_handler(steps["A"]) == Reads(frozenset({"k", "w", "a"}), frozenset({"data"}))
    assert of_handler(steps["B"]) == Reads(None, frozenset({"stream", "data"}))
    assert of_handler(steps["C"]) == Reads(frozenset(), frozenset({"stream", "metadata"}))
