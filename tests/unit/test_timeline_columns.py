"""Counting by columns gives what looking at each event gives; labels never reach what is beside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.timeline.axis import Axis, TimeAxis, VersionAxis
from esviewer.timeline.columns import counts_between, crowd_of
from esviewer.timeline.idle import idle_time
from esviewer.timeline.labels import BESIDE, rooms
from esviewer.timeline.lanes import lanes_of, merge
from esviewer.timeline.marks import UNDECODABLE, Marks
from esviewer.timeline.placement import MANY, MARK, place

SECOND = 1_000_000


def stream(count: int, seed: int) -> Marks:
    """Events of three types in bursts, with clocks that run backwards at times."""
    random = np.random.default_rng(seed)
    steps = random.choice([0, 3, SECOND, 60 * SECOND, 90 * 86_400 * SECOND], count, p=[0.2, 0.3, 0.3, 0.19, 0.01])
    times = np.cumsum(steps) - random.choice([0, 5 * SECOND], count, p=[0.95, 0.05])
    types = random.choice(3, count, p=[0.7, 0.29, 0.01]).astype(np.int32)
    flags = (random.random(count) < 0.01).astype(np.uint8) * np.uint8(UNDECODABLE)
    return Marks(range(count), times.astype(np.int64), types, ("a", "b", "c"), flags)


def axis_of(marks: Marks, kind: str) -> Axis:
    if kind == "version":
        return VersionAxis(marks)
    axis = TimeAxis(marks)
    return axis.folding(idle_time(axis.ordered)) if kind == "folded" else axis


@pytest.mark.parametrize("kind", ["version", "time", "folded"])
@given(st.integers(1, 400), st.integers(0, 10_000), st.floats(0, 1), st.integers(0, 6))
def test_that_counting_by_columns_is_merging_event_by_event(
    kind: str, count: int, seed: int, share: float, zooms: int
) -> None:
    marks = stream(count, seed)
    axis, lanes = axis_of(marks, kind), lanes_of(marks)
    scale = axis.fit(500.0)
    for _ in range(zooms):
        scale = axis.clamped(scale.zoomed(share * 500.0, 1.5))
    found, firsts = crowd_of(marks, lanes, axis, is_shared=False).merged(list(range(len(lanes))), scale, 3.0)
    pixels = scale.to_pixel(axis.ordered)
    expected = merge(pixels, lanes.lane_of_event[axis.order], 500.0, 3.0)
    is_close = np.abs(pixels / 3.0 - np.rint(pixels / 3.0)) < 1e-6
    if not is_close.any():  # else rounding may put an event on either side of a border
        assert found.lanes.tolist() == expected.lanes.tolist()
        assert found.columns.tolist() == expected.columns.tolist()
        assert found.counts.tolist() == expected.counts.tolist()
        assert firsts.tolist() == axis.order[expected.first].tolist()
    assert found.counts.sum() == expected.counts.sum()


@given(st.lists(st.integers(0, 1000), max_size=80).map(sorted), st.lists(st.floats(-5, 1005), min_size=2).map(sorted))
def test_that_every_value_between_the_borders_is_counted_once(values: list[int], borders: list[float]) -> None:
    counts = counts_between(np.array(values, np.int64), np.array(borders))
    assert counts.sum() == sum(borders[0] <= value <= borders[-1] for value in values)
    assert len(counts) == len(borders) - 1


@pytest.mark.parametrize("kind", ["version", "folded"])
def test_that_too_many_events_are_found_where_fewer_would_be(kind: str) -> None:
    marks = stream(2 * MANY, 1)
    axis = axis_of(marks, kind)
    scale = axis.fit(700.0)
    dense = place(axis, scale, marks.types)
    assert dense.is_dense
    pixels = scale.to_pixel(axis.values)
    assert dense.pixels_of(np.array([7, 4_000])).tolist() == pixels[[7, 4_000]].tolist()
    inside = np.flatnonzero((pixels > 100.5) & (pixels < 130.5))
    assert sorted(dense.between(100.5, 130.5).tolist()) == inside.tolist()
    nearest = dense.index_at(333.0)
    assert nearest is not None
    assert abs(pixels[nearest] - 333.0) == pytest.approx(np.abs(pixels - 333.0).min())


@given(
    st.lists(st.tuples(st.floats(0, 600), st.integers(0, 3)), min_size=1, max_size=40).map(sorted),
    st.lists(st.floats(0, 600), max_size=4).map(sorted),
)
def test_that_a_label_ends_before_the_next_mark_of_its_lane_and_before_a_barrier(
    places: list[tuple[float, int]], barriers: list[float]
) -> None:
    pixels, lanes = np.array([x for x, _ in places]), np.array([lane for _, lane in places])
    free = rooms(pixels, lanes, np.array(barriers), 600.0)
    for x, lane, room in zip(pixels, lanes, free, strict=True):
        if room > 0:
            end = x + BESIDE + room
            assert all(end <= other - MARK / 2 for other, at in places if at == lane and other > x)
            assert all(end <= barrier for barrier in barriers if barrier >= x)
            assert end <= 600.0
