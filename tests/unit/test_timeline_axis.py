"""Laws of the timeline's axes: pixels and values round trip, the nearest event is the nearest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.timeline.axis import TimeAxis, VersionAxis
from esviewer.timeline.bins import density
from esviewer.timeline.bursts import fan_out
from esviewer.timeline.marks import NO_TIME, Marks, short_name
from esviewer.timeline.placement import place
from esviewer.timeline.scale import Scale

WIDTHS = st.integers(1, 4000).map(float)
PIXELS = st.lists(st.floats(0, 3000), min_size=1, max_size=60).map(sorted).map(np.array)


def marks(times: list[int | None], versions: list[int | None] | None = None) -> Marks:
    count = len(times)
    return Marks(
        versions=list(range(1, count + 1)) if versions is None else versions,
        times=np.array([NO_TIME if time is None else time for time in times], np.int64),
        types=np.zeros(count, np.int16),
        type_names=("Happened",),
        flags=np.zeros(count, np.uint8),
    )


TIMES = st.lists(st.none() | st.integers(-(2**50), 2**50), max_size=40)


@given(st.integers(-(2**49), 2**49), st.floats(0, 0.999), st.integers(20, 2**48), WIDTHS, st.floats(0, 1))
def test_that_a_value_comes_back_from_its_pixel(
    start: int, fraction: float, span: int, width: float, share: float
) -> None:
    scale = Scale(start + fraction, start + fraction + span, width)
    value = start + int(span * share)
    pixel = float(scale.to_pixel(np.array([value]))[0])
    assert round(scale.to_value(pixel)) == value


def test_that_neighbouring_microseconds_stay_apart_centuries_after_the_first_event() -> None:
    late = 8_000_000_000_000_000
    scale = Scale(late - 10.0, late + 10.0, 1000.0)
    pixels = scale.to_pixel(np.array([late, late + 1]))
    assert pixels.tolist() == [500.0, 550.0]


@given(st.integers(0, 10_000), st.integers(20, 10_000), WIDTHS, st.floats(0, 1), st.floats(0.1, 10))
def test_that_zooming_keeps_the_value_under_the_pixel(
    start: int, span: int, width: float, share: float, factor: float
) -> None:
    scale = Scale(float(start), float(start + span), width)
    pixel = share * width
    assert scale.zoomed(pixel, factor).to_value(pixel) == pytest.approx(scale.to_value(pixel), rel=1e-9, abs=1e-6)


@given(TIMES, st.floats(-1e9, 1e9), st.floats(1, 1e9))
def test_that_a_clamped_range_lies_within_the_axis(times: list[int | None], start: float, span: float) -> None:
    axis = TimeAxis(marks(times))
    scale = axis.clamped(Scale(start, start + span, 500.0))
    assert axis.lower <= scale.start < scale.end <= axis.upper + 1e-6 * max(axis.upper, 1)


@given(TIMES.filter(bool), st.floats(0, 500))
def test_that_no_event_is_nearer_than_the_one_found(times: list[int | None], pixel: float) -> None:
    axis = TimeAxis(marks(times))
    scale = axis.fit(500.0)
    found = axis.index_at(pixel, scale)
    assert found is not None
    distances = np.abs(axis.values - scale.to_value(pixel))
    assert distances[found] == distances.min()


@given(TIMES)
def test_that_the_order_is_by_value_and_then_by_place_in_the_stream(times: list[int | None]) -> None:
    axis = TimeAxis(marks(times))
    assert axis.order.tolist() == sorted(range(len(times)), key=lambda i: (int(axis.values[i]), i))
    assert axis.order[axis.rank].tolist() == list(range(len(times)))


def test_that_an_event_without_time_stands_between_its_neighbours_and_is_marked() -> None:
    axis = TimeAxis(marks([None, 1000, None, 2000, None]))
    assert (axis.origin, axis.values.tolist()) == (1000, [0, 0, 500, 1000, 1000])
    assert axis.untimed.tolist() == [True, False, True, False, True]


def test_that_a_stream_without_any_time_is_spread_evenly_and_says_so() -> None:
    axis = TimeAxis(marks([None, None, None]))
    assert np.diff(axis.values).tolist() == [1_000_000, 1_000_000]
    assert not axis.has_times


@pytest.mark.parametrize("axis", [VersionAxis(marks([])), TimeAxis(marks([]))])
def test_that_an_empty_stream_has_a_range_but_no_nearest_event(axis: VersionAxis | TimeAxis) -> None:
    scale = axis.fit(300.0)
    assert scale.span > 0
    assert axis.index_at(10.0, scale) is None


def test_that_the_visible_events_are_those_between_the_ends() -> None:
    axis = VersionAxis(marks([0] * 10))
    assert axis.visible(Scale(2.5, 6.0, 100.0)) == (3, 7)


@given(PIXELS, st.floats(1, 20), st.floats(0, 40))
def test_that_fanning_out_keeps_the_order_and_the_bound(pixels: np.ndarray, gap: float, bound: float) -> None:
    moved = fan_out(pixels, gap, bound)
    assert (np.diff(moved) >= 0).all()
    assert (np.abs(moved - pixels) <= bound + 1e-6).all()


def test_that_a_burst_is_fanned_out_evenly_around_its_place() -> None:
    assert fan_out(np.array([100.0, 100.0, 100.0]), 9.0, 30.0).tolist() == [91.0, 100.0, 109.0]


def test_that_a_burst_too_large_for_the_bound_shares_the_room() -> None:
    moved = fan_out(np.full(41, 100.0), 9.0, 20.0)
    assert moved[[0, 20, 40]].tolist() == pytest.approx([80.0, 100.0, 120.0])
    assert np.diff(moved).tolist() == pytest.approx([1.0] * 40)


def test_that_each_neighbour_may_ask_for_a_gap_of_its_own() -> None:
    moved = fan_out(np.array([100.0, 100.0, 100.0]), np.array([10.0, 4.0]), 30.0)
    assert np.diff(moved).tolist() == [10.0, 4.0]


def test_that_events_far_apart_are_left_where_they_are() -> None:
    pixels = np.array([0.0, 50.0, 90.0])
    assert fan_out(pixels, 9.0, 20.0).tolist() == pixels.tolist()


@given(st.lists(st.integers(0, 1000), max_size=80).map(sorted), st.integers(1, 300))
def test_that_a_density_counts_every_event_once(values: list[int], columns: int) -> None:
    counts = density(np.array(values, np.int64), 100.0, 900.0, columns)
    assert counts.shape == (columns,)
    assert counts.sum() == sum(100 <= value <= 900 for value in values)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Loan.Extended", "Extended"),
        ("library:Loan.Extended", "Extended"),
        ("App\\Loan", "App\\Loan"),
        ("odd.", "odd."),
        ("", ""),
    ],
)
def test_that_a_short_name_is_the_last_part(name: str, short: str) -> None:
    assert short_name(name) == short


def test_that_versions_count_from_the_first_only_while_they_rise_by_one() -> None:
    assert marks([0, 0, 0], [5, 6, 7]).first_version == 5
    assert marks([0, 0, 0], [5, 6, 8]).first_version is None
    assert marks([0, 0], [None, 1]).first_version is None


def test_that_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in length"):
        marks([1, 2], [1])


@given(TIMES.filter(bool), st.integers(0, 1000))
def test_that_every_event_is_hit_where_it_is_drawn(times: list[int | None], seed: int) -> None:
    stream = marks(times)
    axis = TimeAxis(stream)
    types = np.random.default_rng(seed).integers(0, 3, len(times)).astype(np.int16)
    placement = place(axis, axis.fit(800.0), types)
    drawn = placement.pixels_of(np.arange(len(times)))
    for index in range(len(times)):
        found = placement.index_at(float(drawn[index]))
        assert found is not None
        assert drawn[found] == drawn[index]
        assert index in placement.between(drawn[index], drawn[index])


def test_that_a_burst_at_one_moment_can_be_hit_event_by_event() -> None:
    stream = marks([0, 60_000_000, 60_000_000, 60_000_000, 120_000_000])
    axis = TimeAxis(stream)
    placement = place(axis, axis.fit(800.0), stream.types)
    pixels = placement.pixels_of(np.array([1, 2, 3]))
    assert np.diff(pixels).tolist() == pytest.approx([10.0, 10.0])
    assert [placement.index_at(float(pixel)) for pixel in pixels] == [1, 2, 3]


def test_that_an_event_out_of_sight_keeps_its_true_pixel() -> None:
    stream = marks([0] * 100)
    placement = place(VersionAxis(stream), Scale(10.0, 20.0, 100.0), stream.types)
    assert placement.pixel_of(50) == 400.0


def test_that_a_snapshot_without_its_event_is_refused() -> None:
    with pytest.raises(ValueError, match="snapshot"):
        Marks([1], np.zeros(1, np.int64), np.zeros(1, np.int16), ("Happened",), np.zeros(1, np.uint8), [1])
