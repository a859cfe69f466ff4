"""Density, order, range in sight and marks of the overview: numbers in, numbers out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from esviewer.timeline.bins import edges
from esviewer.timeline.density_lanes import LANES, LaneCounter, count_all
from esviewer.timeline.density_marks import CELL, clusters, flags
from esviewer.timeline.density_order import Growing, Order, ordered_part
from esviewer.timeline.density_range import Sight
from esviewer.timeline.marks import NO_TIME

numbers = st.integers(-(2**40), 2**40)
columns_of_time = st.lists(st.one_of(st.just(NO_TIME), st.integers(0, 50), numbers), max_size=60)


def array(values: list[int]) -> NDArray[np.int64]:
    return np.asarray(values, np.int64)


# Edges of columns


@given(numbers, st.integers(1, 2**40), st.integers(1, 300), st.lists(st.floats(0, 1), max_size=40))
def test_that_a_value_is_in_the_column_that_its_share_of_the_range_names(
    start: int, span: int, columns: int, shares: list[float]
) -> None:
    borders = edges(start, start + span, columns)
    for share in shares:
        offset = round(share * span)
        column = min(offset * columns // span, columns - 1)
        assert borders[column] <= start + offset < borders[column + 1]


# Order


@given(st.lists(columns_of_time, max_size=5))
def test_that_growing_in_parts_gives_the_order_of_the_whole(parts: list[list[int]]) -> None:
    order, column = Order(), array([])
    for part in parts:
        before = order.view()
        kept = before.values.copy()
        column = np.concatenate((column, array(part)))
        first = order.extend(column)
        after = order.view()
        # What was handed out is as it was, and the ranks below ``first`` are still right.
        assert np.array_equal(before.values, kept)
        assert np.array_equal(after.values[:first], kept[:first])
        rows = [row for row in np.argsort(column, kind="stable").tolist() if column[row] != NO_TIME]
        assert after.rows_between(0, len(after)).tolist() == rows
        assert after.values.tolist() == column[rows].tolist()


def test_that_an_ascending_column_is_taken_as_it_is() -> None:
    order, column = Order(), array([5, 5, 9])
    order.extend(column)
    assert order.is_plain and order.view().values is column
    assert order.view().between(5, 8) == (0, 2)


@given(columns_of_time, st.data())
def test_that_a_part_holds_the_chosen_rows_with_a_value_in_order(values: list[int], data: st.DataObject) -> None:
    chosen = sorted(data.draw(st.sets(st.integers(0, 70))))
    part = ordered_part(array(values), array(chosen))
    expected = sorted((values[row], row) for row in chosen if row < len(values) and values[row] != NO_TIME)
    assert part.rows is not None
    assert list(zip(part.values.tolist(), part.rows.tolist(), strict=True)) == expected


def test_that_a_view_survives_what_is_written_later() -> None:
    growing = Growing(np.int64)
    growing.put(0, array([1, 2, 3]))
    seen = growing.view()
    growing.put(3, array([4]))
    growing.put(1, array([9]))
    assert seen.tolist() == [1, 2, 3] and growing.view().tolist() == [1, 9]


# Lanes


@given(st.integers(0, 3_000), st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 900)), max_size=4))
def test_that_counts_by_lane_and_column_are_those_of_counting_one_by_one(
    length: int, changes: list[tuple[int, int]]
) -> None:
    random = np.random.default_rng(length)
    counter, codes = LaneCounter(), np.zeros(0, np.uint8)
    for start, count in [(0, length), *changes]:
        start = min(start, len(codes))
        codes = np.append(codes[:start], random.integers(0, LANES, count).astype(np.uint8))
        counter.put(start, codes[start:])
    counts = counter.view()
    for columns in (2, 40):
        ranks = np.sort(random.integers(0, len(codes) + 1, columns + 1))
        expected = [np.bincount(codes[a:b], minlength=LANES) for a, b in pairwise(ranks)]
        assert np.array_equal(counts.columns(ranks), np.asarray(expected).T)
    assert np.array_equal(counts.totals(), np.bincount(codes, minlength=LANES))


def test_that_both_ways_of_counting_agree_where_many_events_are_in_sight() -> None:
    codes = np.random.default_rng(3).integers(0, LANES, 200_000).astype(np.uint8)
    ranks = np.linspace(777, 199_001, 31).astype(np.int64)
    expected = np.diff([np.bincount(codes[:rank], minlength=LANES) for rank in ranks], axis=0).T
    assert np.array_equal(count_all(codes).columns(ranks), expected)


# The range in sight

moves = st.one_of(
    st.tuples(st.just("zoom"), st.floats(0, 1), st.floats(0.1, 10)),
    st.tuples(st.just("pan"), st.floats(-2, 2), st.just(0.0)),
    st.tuples(st.just("brush"), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just("back"), st.just(0.0), st.just(0.0)),
    st.tuples(st.just("all"), st.just(0.0), st.just(0.0)),
)


def moved(sight: Sight, move: tuple[str, float, float]) -> Sight:
    kind, one, two = move
    if kind == "zoom":
        return sight.zoomed(one, two)
    if kind == "pan":
        return sight.panned(one)
    if kind == "brush":
        start, end = sorted((sight.value_at(one), sight.value_at(two)))
        return sight.shown(start, end)
    return sight.back() if kind == "back" else sight.everything()


@given(numbers, st.integers(0, 10**6), st.integers(1, 2_000), st.lists(moves, max_size=30))
def test_that_what_is_in_sight_stays_within_the_whole_and_never_too_narrow(
    lower: int, span: int, smallest: int, steps: list[tuple[str, float, float]]
) -> None:
    sight = Sight.of(lower, lower + span, smallest)
    for step in steps:
        sight = moved(sight, step)
        assert sight.lower <= sight.start < sight.end <= sight.upper
        assert sight.span >= min(smallest, sight.upper - sight.lower)


def test_that_brushes_are_walked_back_one_by_one_and_turns_of_the_wheel_at_once() -> None:
    whole = Sight.of(0, 1_000)
    brushed = whole.shown(100, 500)
    wheeled = brushed.zoomed(0.5, 1.25).zoomed(0.5, 1.25).panned(0.1)
    narrow = wheeled.shown(wheeled.start + 10, wheeled.start + 50)
    assert (narrow.back().start, narrow.back().end) == (wheeled.start, wheeled.end)
    assert (narrow.back().back().start, narrow.back().back().end) == (100, 500)
    assert narrow.back().back().back().is_whole and not narrow.back().back().back().behind


def test_that_zooming_keeps_what_is_under_the_mouse() -> None:
    sight = Sight.of(0, 10_000_000).shown(2_000_000, 6_000_000)
    closer = sight.zoomed(0.25, 2.0)
    assert closer.value_at(0.25) == sight.value_at(0.25) == 3_000_000 and closer.span == 2_000_000


def test_that_who_sees_everything_goes_on_seeing_everything_and_others_stay() -> None:
    whole, part = Sight.of(0, 1_000), Sight.of(0, 1_000).shown(100, 200)
    assert whole.grown(0, 2_000).is_whole
    grown = part.grown(0, 2_000)
    assert (grown.start, grown.end) == (100, 200) and grown.back().is_whole


# Marks


@given(st.lists(st.tuples(st.floats(0, 900), st.integers(0, 5)), max_size=80))
def test_that_every_event_is_in_one_mark_of_its_lane_near_its_place(events: list[tuple[float, int]]) -> None:
    events = sorted(events)
    pixels = np.asarray([x for x, _ in events], np.float64)
    lanes = array([lane for _, lane in events])
    marks = clusters(lanes, pixels)
    seen: list[int] = []
    for mark in range(len(marks)):
        for member in marks.members(mark).tolist():
            assert lanes[member] == marks.lane[mark]
            assert abs(pixels[member] - marks.x[mark]) <= CELL
            seen.append(member)
    assert sorted(seen) == list(range(len(events)))


def test_that_a_mark_is_found_in_its_lane_only() -> None:
    marks = clusters(array([0, 1, 0]), np.asarray([10.0, 50.0, 90.0]))
    assert marks.at(0, 12.0, 5.0) == 0 and marks.at(0, 50.0, 5.0) is None
    assert marks.at(1, 50.0, 5.0) == 2 and marks.at(7, 50.0, 5.0) is None


def test_that_flags_at_one_place_are_one_and_labels_do_not_cover_each_other() -> None:
    found = flags([500.0, 10.0, 14.0, 580.0], [90.0, 40.0, 60.0, 90.0], 70.0, 600.0)
    assert [flag.members for flag in found] == [(1, 2), (0,), (3,)]
    taken = sorted((flag.label_at, flag.label_at + flag.label_width) for flag in found if flag.label_at is not None)
    assert all(one[1] <= two[0] for one, two in pairwise(taken))
    assert found[2].label_at is None or found[2].label_at < 580
