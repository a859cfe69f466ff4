"""The rows of a value: what is shown, marked and cut, whatever the size of the value."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import Value
from esviewer.projections.paths import Change, changes, item, leaves, member
from esviewer.ui.value_rows import KEY_LIMIT, PORTION, ROW_LIMIT, TEXT_LIMIT, Folding, ValueRow, parent, rows_of, shown

keys = st.text(st.sampled_from('ab."[]\\\n模 '), max_size=5)
leaf_values = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
values = st.recursive(
    leaf_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)
objects = st.dictionaries(keys, values, max_size=4)


def unfolded(value: Value, before: Value = None) -> list[ValueRow]:
    return rows_of(value, Folding(open_depth=64, open_size=10**9), by_path(before, value) if before is not None else {})


def by_path(before: Value, after: Value) -> dict[str, Change]:
    """What an event changed, as the state's view is given it: the whole state is never a leaf of it."""
    return {change.path: change for change in changes(before, after) if change.path}


@given(st.text(max_size=5), st.lists(keys | st.integers(0, 12), min_size=1, max_size=4))
def test_that_a_path_leads_back_to_the_one_it_was_made_from(first: str, steps: list[str | int]) -> None:
    path = member("", first)
    for step in steps:
        longer = item(path, step) if isinstance(step, int) else member(path, step)
        assert parent(longer) == path
        path = longer


@given(values)
def test_that_every_leaf_has_its_row(value: Value) -> None:
    rows = [row.path for row in unfolded(value) if row.kind != "container" or not row.is_container]
    assert rows == [path for path, _ in leaves(value)]


@given(objects, objects)
def test_that_every_change_of_a_state_is_marked_once(before: Value, after: Value) -> None:
    marked = sorted((row.path, row.change) for row in unfolded(after, before) if row.change is not None)
    assert marked == sorted((change.path, change.kind) for change in by_path(before, after).values())


@given(objects, objects)
def test_that_a_container_counts_the_changes_below_it(before: Value, after: Value) -> None:
    changed = list(by_path(before, after))
    for row in unfolded(after, before):
        if row.is_container:
            below = [p for p in changed if p.startswith(row.path) and p[len(row.path) :][:1] in (".", "[")]
            assert row.changes_below == len(below)


def test_that_a_leaf_removed_with_its_container_stands_in_the_nearest_one_left() -> None:
    rows = unfolded({"a": 5}, {"a": {"x": 1}, "b": {"c": {"y": 2}}})
    assert [(row.key, row.change) for row in rows] == [("a", "added"), ("a.x", "removed"), ("b.c.y", "removed")]


def test_that_a_large_container_is_cut_and_offers_the_rest() -> None:
    value = {f"k{i}": i for i in range(100_000)}
    folding = Folding()
    rows = rows_of(value, folding)
    assert len(rows) == PORTION + 1 and rows[-1].kind == "more" and rows[-1].text == "99\u202f800 more"
    folding.show_more("")
    assert len(rows_of(value, folding)) == 6 * PORTION + 1


def test_that_100_000_removed_leaves_are_cut_too() -> None:
    gone = {f"k{i}": Change(f"k{i}", "removed", i, None) for i in range(100_000)}
    rows = rows_of({"left": 1}, Folding(), gone)
    assert len(rows) == 1 + PORTION + 1 and rows[-1].text == "99\u202f800 more removed"


def test_that_unfolding_all_is_bounded() -> None:
    value = [[[[i] for i in range(PORTION)] for _ in range(PORTION)] for _ in range(PORTION)]
    assert len(rows_of(value, Folding(open_depth=64, open_size=10_000))) < ROW_LIMIT + 4 * PORTION


def test_that_many_changes_in_many_containers_are_counted() -> None:
    value = {f"k{i}": dict.fromkeys(map(str, range(500)), i) for i in range(PORTION)}
    rows = rows_of(value, Folding(), by_path({}, value))
    assert [row.changes_below for row in rows] == [500] * PORTION


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 20_000_000, '"' + "x" * TEXT_LIMIT + "…"),
        ('a"b\\c\nd', '"a\\"b\\\\c\\nd"'),
        (True, "true"),
        (None, "null"),
        (10**399, str(10**399)),
        (10**5_000, "an integer of 16610 bits"),
        (-(10**5_000), "an integer of 16610 bits"),
        (Decimal("1E+999999"), "1E+999999"),
        (float("nan"), "nan"),
        (b"\xff" * 100, "100 bytes  " + " ".join(["ff"] * 48) + "…"),
        ({}, "{}"),
        ([], "[]"),
    ],
    ids=range(12),
)
def test_that_a_value_is_one_short_text(value: Value, text: str) -> None:
    assert shown(value)[0] == text


def test_that_a_key_of_megabytes_is_cut_in_its_row_and_whole_in_its_path() -> None:
    (row,) = rows_of({"k" * 5_000_000: 1}, Folding())
    assert len(row.key) == KEY_LIMIT and len(row.path) == 5_000_000
