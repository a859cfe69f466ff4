"""Laws of lanes, merged marks and field tracks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.timeline.lanes import LOWEST_LANE, bars, lane_layout, lanes_of, merge
from esviewer.timeline.marks import Marks
from esviewer.timeline.tracks import Track, segments


def marks(types: list[int], names: tuple[str, ...]) -> Marks:
    count = len(types)
    return Marks(
        versions=list(range(count)),
        times=np.arange(count, dtype=np.int64),
        types=np.array(types, np.int16),
        type_names=names,
        flags=np.zeros(count, np.uint8),
    )


def test_that_lanes_are_ordered_by_frequency_in_the_stream_and_then_by_name() -> None:
    lanes = lanes_of(marks([0, 3, 3, 2, 1, 1], ("Common", "B", "Z", "A", "Absent")))
    assert lanes.types == (3, 1, 0, 2)
    assert lanes.counts == (2, 2, 1, 1)
    assert lanes.lane_of_type.tolist() == [2, 1, 3, 0, -1]
    assert lanes.lane_of_event.tolist() == [2, 0, 0, 3, 1, 1]


def test_that_lanes_scroll_when_there_are_more_than_fit() -> None:
    layout = lane_layout(40, 240.0)
    assert layout.lane_height == LOWEST_LANE
    end = layout.scrolled(1e9)
    assert end.scroll == 40 * LOWEST_LANE - 240
    assert end.visible() == range(30, 40)
    assert end.lane_at(239.0) == 39


def test_that_all_types_share_a_lane_when_two_do_not_fit() -> None:
    layout = lane_layout(8, 40.0)
    assert (layout.count, layout.is_shared) == (1, True)
    assert not lane_layout(1, 40.0).is_shared


@given(st.integers(1, 60), st.floats(50, 900), st.floats(0, 900))
def test_that_the_lane_found_at_y_is_the_one_drawn_there(count: int, height: float, y: float) -> None:
    layout = lane_layout(count, height)
    lane = layout.lane_at(y)
    if lane is not None:
        assert layout.top(lane) <= y < layout.top(lane) + layout.lane_height
        assert lane in layout.visible()


EVENTS = st.lists(st.tuples(st.floats(-50, 450), st.integers(-1, 5)), max_size=120)


@given(EVENTS, st.sampled_from([1.0, 3.0, 4.0, 7.5]))
def test_that_merged_counts_sum_to_the_visible_events(events: list[tuple[float, int]], column: float) -> None:
    pixels = np.array([pixel for pixel, _ in events])
    lanes = np.array([lane for _, lane in events], np.int64)
    merged = merge(pixels, lanes, 400.0, column)
    visible = [(lane, int(pixel / column)) for pixel, lane in events if 0 <= pixel <= 400 and lane >= 0]
    assert merged.counts.sum() == len(visible)
    assert list(zip(merged.lanes.tolist(), merged.columns.tolist(), strict=True)) == sorted(set(visible))


@given(EVENTS)
def test_that_a_merged_mark_names_its_first_event(events: list[tuple[float, int]]) -> None:
    pixels = np.array([pixel for pixel, _ in events])
    lanes = np.array([lane for _, lane in events], np.int64)
    merged = merge(pixels, lanes, 400.0, 5.0)
    for lane, column, first in zip(merged.lanes, merged.columns, merged.first, strict=True):
        same = np.flatnonzero((lanes == lane) & (pixels >= 0) & (pixels <= 400) & (pixels // 5 == column))
        assert first == same[0]


def test_that_a_single_event_beside_a_crowd_keeps_a_bar() -> None:
    assert bars(np.array([0, 1, 1_000_000]), 20.0).tolist() == [0.0, 2.0, 20.0]


EDGES = st.lists(st.floats(-300, 700), min_size=1, max_size=50).map(sorted).map(np.array)


@given(EDGES, st.floats(0, 300))
def test_that_segments_cover_the_track_without_overlap(edges: np.ndarray, beyond: float) -> None:
    width, end = 500.0, float(edges[-1]) + beyond
    found = segments(edges, end, width)
    for left, right in pairwise(found):
        assert left.right == right.left
        assert left.last + 1 == right.first
    if found:
        assert found[0].left == max(float(edges[0]), 0.0)
        assert found[-1].right == min(end, width)
    else:
        assert edges[0] >= width or end <= 0


@given(EDGES)
def test_that_only_thin_neighbours_are_drawn_as_one(edges: np.ndarray) -> None:
    borders = np.append(edges, edges[-1] + 100)
    for segment in segments(edges, float(borders[-1]), 500.0):
        if segment.count > 1:
            assert (np.diff(borders)[segment.first : segment.last + 1] < 3.0).all()


def test_that_clocks_running_backwards_do_not_make_segments_overlap() -> None:
    found = segments(np.array([10.0, 60.0, 30.0, 90.0]), 200.0, 500.0)
    assert [(part.left, part.right) for part in found] == [
        (10.0, 60.0),
        (60.0, 60.0),
        (60.0, 90.0),
        (90.0, 200.0),
    ]


def test_that_a_track_knows_the_segment_of_an_event() -> None:
    track = Track("status", [2, 5], ["new", "lent"], [False, False])
    assert [track.segment_at(index) for index in (1, 2, 4, 5, 99)] == [None, 0, 0, 1, 1]


def test_that_a_track_with_a_missing_label_is_refused() -> None:
    with pytest.raises(ValueError, match="status"):
        Track("status", [2, 5], ["new"], [False, False])
