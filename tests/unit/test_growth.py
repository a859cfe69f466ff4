"""Rates of the last thirty days against the thirty before, by the store's own clock."""

from __future__ import annotations

import numpy as np
import pytest

from esviewer.timeline.density_order import Ordered
from esviewer.timeline.growth import DAY, Growth, growth, periods

LATEST = 1_700_000_000_000_000


def store(*days_ago: float, size: int = 100) -> Growth | None:
    times = np.asarray(sorted(LATEST - round(days * DAY) for days in days_ago), np.int64)
    return growth(Ordered(times), np.full(len(times), size, np.int32))


def test_that_the_last_thirty_days_are_set_against_the_thirty_before() -> None:
    grown = store(100, *[45] * 10, *[20] * 14, 0, size=300)
    assert grown is not None
    assert (grown.events, grown.events_before, grown.days) == (15, 10, 30)
    assert grown.events_a_day == 0.5 and grown.change == 0.5
    assert (grown.size, grown.size_before, grown.size_a_day) == (4_500, 3_000, 150.0)


def test_that_an_event_just_thirty_days_old_belongs_to_the_days_before() -> None:
    grown = store(90, 30, 0)
    assert grown is not None and (grown.events, grown.events_before) == (1, 1) and grown.change == 0.0


def test_that_a_history_of_less_than_two_windows_is_not_compared() -> None:
    grown = store(59, *[10] * 5, 0)
    assert grown is not None and grown.events == 6
    assert grown.events_before is None and grown.change is None and grown.size_change is None


def test_that_a_short_history_gives_a_rate_over_its_own_length() -> None:
    grown = store(10, 5, 0)
    assert grown is not None and grown.days == 10 and grown.events == 3
    assert grown.events_a_day == pytest.approx(0.3)


def test_that_a_history_within_a_day_has_no_rate_a_day() -> None:
    grown = store(0.04, 0.01, 0)
    assert grown is not None and grown.events == 3
    assert grown.events_a_day is None and grown.size_a_day is None


def test_that_there_is_no_percentage_on_nothing() -> None:
    grown = store(100, 5, 0)
    assert grown is not None and grown.events_before == 0 and grown.change is None


def test_that_a_store_without_times_has_no_growth() -> None:
    assert growth(Ordered(np.zeros(0, np.int64)), np.zeros(4, np.int32)) is None


def test_that_sizes_are_those_of_the_rows_and_not_of_the_ranks() -> None:
    times = np.asarray([LATEST - 90 * DAY, LATEST - 40 * DAY, LATEST], np.int64)
    grown = growth(Ordered(times, np.asarray([2, 0, 1], np.int32)), np.asarray([7, 11, 13], np.int32))
    assert grown is not None and (grown.size, grown.size_before) == (11, 7)


def test_that_each_event_is_in_one_of_the_periods() -> None:
    times = np.asarray([0, 10, 10, 25, 100], np.int64)
    assert periods(times, 4).tolist() == [3, 1, 0, 1]
    assert periods(times[:1], 4).sum() == 1 and periods(times[:0], 4).tolist() == []
