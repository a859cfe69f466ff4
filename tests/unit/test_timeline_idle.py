"""Laws of folded idle time: the scale stays monotone and round-trips, and fills the width exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.timeline.axis import TimeAxis
from esviewer.timeline.folded_scale import FoldedScale
from esviewer.timeline.idle import FOLD, idle_time, in_words
from esviewer.timeline.marks import Marks
from esviewer.timeline.ticks import time_ticks

SECOND = 1_000_000
DAY = 86_400 * SECOND
WAITS = st.lists(
    st.one_of(st.just(0), st.integers(1, 2_000), st.integers(SECOND, 100 * SECOND), st.integers(DAY, 2_000 * DAY)),
    min_size=1,
    max_size=60,
)
WIDTHS = st.integers(200, 3_000).map(float)


def axis_of(waits: list[int]) -> TimeAxis:
    times = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.array(waits, np.int64)))) + 1_700_000_000 * SECOND
    count = len(times)
    marks = Marks(range(count), times, np.zeros(count, np.int16), ("Happened",), np.zeros(count, np.uint8))
    axis = TimeAxis(marks)
    return axis.folding(idle_time(axis.ordered))


@given(WAITS, WIDTHS)
def test_that_the_whole_fills_the_width_exactly(waits: list[int], width: float) -> None:
    axis = axis_of(waits)
    scale = axis.fit(width)
    assert scale.pixel(axis.lower) == pytest.approx(0.0, abs=0.5)
    assert scale.pixel(axis.upper) == pytest.approx(width, abs=0.5)


@given(WAITS, WIDTHS, st.floats(0, 1), st.integers(0, 30))
def test_that_every_event_comes_back_from_its_pixel_at_any_zoom(
    waits: list[int], width: float, share: float, zooms: int
) -> None:
    axis = axis_of(waits)
    scale = axis.fit(width)
    for _ in range(zooms):
        scale = axis.clamped(scale.zoomed(share * width, 1.7))
    first, beyond = axis.visible(scale)
    seen = axis.ordered[first:beyond]
    assert scale.to_values(scale.to_pixel(seen)).round().tolist() == seen.tolist()
    assert all(
        scale.pixel(float(value)) == pytest.approx(float(scale.to_pixel(np.array([value]))[0])) for value in seen
    )


@given(WAITS, WIDTHS, st.floats(0, 1), st.integers(0, 30), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_that_pixels_rise_with_time_and_come_back_from_it(
    waits: list[int], width: float, share: float, zooms: int, places: list[float]
) -> None:
    axis = axis_of(waits)
    scale = axis.fit(width)
    for _ in range(zooms):
        scale = axis.clamped(scale.zoomed(share * width, 1.7))
    pixels = np.sort(np.array(places)) * width
    values = scale.to_values(pixels)
    assert (np.diff(values) >= 0).all()
    back = [scale.pixel(value) for value in values.tolist()]
    # Values are floats: at the deepest zoom their last bit is up to a quarter of a pixel.
    assert back == pytest.approx(pixels.tolist(), abs=0.5)


@given(WAITS, WIDTHS, st.floats(0, 1), st.floats(0.2, 5.0))
def test_that_zooming_keeps_the_time_under_the_pixel(
    waits: list[int], width: float, share: float, factor: float
) -> None:
    scale = axis_of(waits).fit(width)
    pixel = share * width
    value = scale.to_value(pixel)
    assert scale.zoomed(pixel, factor).pixel(value) == pytest.approx(pixel, abs=0.5)


@given(WAITS, WIDTHS, st.floats(0, 1), st.integers(1, 12), st.floats(-400, 400))
def test_that_a_range_shown_again_is_the_same_scale(
    waits: list[int], width: float, share: float, zooms: int, pan: float
) -> None:
    axis = axis_of(waits)
    scale = axis.fit(width)
    for _ in range(zooms):
        scale = axis.clamped(scale.zoomed(share * width, 1.7))
    scale = axis.clamped(scale.panned(pan))
    again = axis.clamped(axis.scale(scale.start, scale.end, width))
    first, beyond = axis.visible(scale)
    seen = axis.ordered[first:beyond]
    assert again.to_pixel(seen) == pytest.approx(scale.to_pixel(seen), abs=0.5)


@given(WAITS, WIDTHS, st.integers(0, 12))
def test_that_a_fold_is_never_wider_than_its_width_and_what_is_open_has_its_true_one(
    waits: list[int], width: float, zooms: int
) -> None:
    axis = axis_of(waits)
    scale = axis.fit(width)
    for _ in range(zooms):
        scale = axis.clamped(scale.zoomed(width / 2, 2.0))
    lengths = scale.to_pixel(axis.idle.ends) - scale.to_pixel(axis.idle.starts)
    true = axis.idle.lengths * scale.pixels_per_unit
    assert lengths == pytest.approx(np.minimum(true, FOLD), rel=1e-6, abs=1e-3)


@given(WAITS, WIDTHS, st.floats(0, 1), st.integers(0, 20))
def test_that_no_tick_lies_within_a_fold(waits: list[int], width: float, share: float, zooms: int) -> None:
    axis = axis_of(waits)
    scale = axis.fit(width)
    for _ in range(zooms):
        scale = axis.clamped(scale.zoomed(share * width, 1.7))
    values = np.array([tick.value for tick in time_ticks(axis.origin, scale, 7.0).ticks], np.int64)
    assert (np.diff(values) > 0).all()
    assert len(values) < width
    if isinstance(scale, FoldedScale):
        for start, end in zip(scale.folds.starts, scale.folds.ends, strict=True):
            assert not ((start < values) & (values < end)).any()


def test_that_the_first_tick_after_a_fold_says_when_time_goes_on() -> None:
    # 1 700 000 000 s is the 14th of November 2023, 22:13:20.
    axis = axis_of([SECOND, 2 * SECOND, 41 * DAY, SECOND, 3 * SECOND, 400 * DAY, SECOND])
    found = time_ticks(axis.origin, axis.fit(900.0), 7.0)
    landings = [tick.label for tick in found.ticks if tick.is_major]
    assert landings == ["25 Dec 22:13", "28 Jan 2025"]
    assert {int(axis.values[3]), int(axis.values[6])} == {tick.value for tick in found.ticks if tick.is_major}


def test_that_times_at_the_ends_of_what_fits_are_placed() -> None:
    axis = axis_of([1, 2, 3, 2**62])
    scale = axis.fit(800.0)
    assert axis.visible(scale) == (0, 5)
    assert axis.index_at(800.0, scale) == 4


def test_that_weeks_of_silence_are_folded_and_the_seconds_about_them_are_not() -> None:
    axis = axis_of([SECOND, 2 * SECOND, 41 * DAY, SECOND, 3 * SECOND])
    scale = axis.fit(620.0)
    assert isinstance(scale, FoldedScale)
    assert scale.folds.lengths.tolist() == [41 * DAY]
    assert np.diff(scale.to_pixel(axis.ordered))[0] > 50


def test_that_an_opened_stretch_has_its_true_length() -> None:
    axis = axis_of([SECOND, 2 * SECOND, 41 * DAY, SECOND, 3 * SECOND])
    opened = axis.folding(axis.idle.without({int(axis.idle.starts[0])}))
    pixels = opened.fit(620.0).to_pixel(opened.ordered)
    assert pixels[3] - pixels[2] > 500


@pytest.mark.parametrize("waits", [[0, 0, 0], [DAY], [60 * SECOND] * 30])
def test_that_a_steady_stream_has_no_idle_time(waits: list[int]) -> None:
    assert not len(axis_of(waits).idle)


def test_that_only_the_longest_are_kept_where_idle_stretches_are_many() -> None:
    waits = np.where(np.arange(120_000) % 5 == 0, DAY + np.arange(120_000), 5)
    idle = idle_time(np.cumsum(waits))
    assert len(idle) == 10_000
    assert int(idle.lengths.min()) == DAY + 70_000
    assert (np.diff(idle.starts) > 0).all()


def test_that_what_is_not_rare_is_not_folded() -> None:
    # A book: lent out for days, back and shelved within the second, and once forgotten for a year.
    days = [52, 10, 0, 7, 5, 0, 350, 1, 0, 6, 12, 0]
    axis = axis_of([day * DAY or SECOND // 2 for day in days])
    assert axis.idle.lengths.tolist() == [52 * DAY, 350 * DAY]


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (41 * DAY, "41 days"),
        (90 * 60 * SECOND, "90 min"),
        (26 * 3600 * SECOND, "26 hours"),
        (420 * DAY, "14 months"),
        (900 * DAY, "2 years"),
        (1, "1 µs"),
        (1_500, "1500 µs"),
    ],
)
def test_that_a_length_is_said_in_its_largest_fitting_unit(length: int, words: str) -> None:
    assert in_words(length) == words
