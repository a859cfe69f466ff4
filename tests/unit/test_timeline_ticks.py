"""Ticks: round, with room for their labels, true to the calendar of the zone."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain.times import from_iso
from esviewer.timeline.marks import Marks
from esviewer.timeline.scale import Scale
from esviewer.timeline.ticks import nice_step, time_ticks, version_ticks

CHARACTER = 6.0


def marks(versions: list[int | None]) -> Marks:
    count = len(versions)
    return Marks(
        versions=versions,
        times=np.zeros(count, np.int64),
        types=np.zeros(count, np.int16),
        type_names=("Happened",),
        flags=np.zeros(count, np.uint8),
    )


def labels(start: str, end: str, width: float = 900.0, zone: str = "UTC") -> tuple[list[str], str]:
    first, last = from_iso(start), from_iso(end)
    assert first is not None
    assert last is not None
    found = time_ticks(first, Scale(0.0, float(last - first), width), CHARACTER, ZoneInfo(zone))
    return [tick.label for tick in found.ticks], found.context


@pytest.mark.parametrize(("least", "step"), [(0.2, 1), (1, 1), (1.1, 2), (3, 5), (11, 20), (201, 500)])
def test_that_steps_are_one_two_or_five_times_a_power_of_ten(least: float, step: int) -> None:
    assert nice_step(least) == step


def test_that_ticks_stand_at_round_versions_whatever_the_first_version_is() -> None:
    stream = marks(list(range(7, 107)))
    found = version_ticks(stream, Scale(-0.5, 99.5, 600.0), CHARACTER)
    assert [tick.label for tick in found.ticks] == ["10", "20", "30", "40", "50", "60", "70", "80", "90", "100"]
    assert [tick.value for tick in found.ticks][:2] == [3, 13]


def test_that_events_without_version_are_labelled_by_their_place() -> None:
    found = version_ticks(marks([None] * 3), Scale(-0.5, 2.5, 600.0), CHARACTER)
    assert ([tick.label for tick in found.ticks], found.context) == (["#1", "#2", "#3"], "event")


def test_that_seconds_carry_the_date_as_context() -> None:
    found, context = labels("2026-11-23T14:02:10", "2026-11-23T14:04:00", 630.0)
    assert found == ["14:02:15", "14:02:30", "14:02:45", "14:03:00", "14:03:15", "14:03:30", "14:03:45", "14:04:00"]
    assert context == "23 Nov 2026 UTC"


def test_that_midnight_shows_the_new_date() -> None:
    found, _ = labels("2024-02-28T20:00", "2024-03-01T04:00")
    assert "29 Feb" in found
    assert "1 Mar" in found


def test_that_january_shows_the_new_year() -> None:
    found, context = labels("2023-06-01", "2024-08-01", 700.0)
    assert found == ["Jul", "Oct", "2024", "Apr", "Jul"]
    assert context == "2023 UTC"


def test_that_days_begin_at_the_midnight_of_the_zone_across_a_change_of_clocks() -> None:
    first, last = from_iso("2024-03-29T12:00+00:00"), from_iso("2024-04-02T12:00+00:00")
    assert first is not None
    assert last is not None
    zone = ZoneInfo("Europe/Berlin")
    found = time_ticks(first, Scale(0.0, float(last - first), 400.0), CHARACTER, zone)
    moments = [datetime.fromtimestamp((first + tick.value) / 1e6, UTC).astimezone(zone) for tick in found.ticks]
    assert [tick.label for tick in found.ticks] == ["30 Mar", "31 Mar", "1 Apr", "2 Apr"]
    assert all(moment.hour == 0 for moment in moments)


def test_that_weeks_begin_on_monday() -> None:
    first = from_iso("2024-03-01")
    assert first is not None
    found = time_ticks(first, Scale(0.0, 60 * 86_400e6, 900.0), CHARACTER)
    days = {datetime.fromtimestamp((first + tick.value) / 1e6, UTC).weekday() for tick in found.ticks}
    assert days == {0}


def test_that_microseconds_are_written_out() -> None:
    found, _ = labels("2024-03-05T12:31:22.000001", "2024-03-05T12:31:22.000011")
    assert found[0] in {"12:31:22.000001", "12:31:22.000002"}


@given(
    st.integers(-(10**15), 4 * 10**15),
    st.floats(20, 1e16),
    st.floats(50, 3000),
    st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York"]),
)
def test_that_time_ticks_ascend_within_the_range_and_leave_room_for_labels(
    origin: int, span: float, width: float, zone: str
) -> None:
    scale = Scale(0.0, span, width)
    ticks = time_ticks(origin, scale, CHARACTER, ZoneInfo(zone)).ticks
    pixels = [scale.pixel(tick.value) for tick in ticks]
    values = [tick.value for tick in ticks]
    assert values == sorted(set(values))
    assert all(0 <= value <= span + 1 for value in values)
    # Months differ by a tenth, and the hour that clocks skip can bring two ticks closer.
    room = len("12:30") * CHARACTER
    assert all(right - left >= room * 0.9 for left, right in pairwise(pixels))


def test_that_times_beyond_the_calendar_have_no_ticks() -> None:
    assert time_ticks(2**62, Scale(0.0, 1e6, 500.0), CHARACTER).ticks == ()


@given(st.integers(1, 5000), st.floats(0, 1), st.floats(0.001, 1))
def test_that_version_ticks_leave_room_for_labels(count: int, start: float, share: float) -> None:
    scale = Scale(start * count, start * count + max(count * share, 4), 700.0)
    ticks = version_ticks(marks(list(range(1, count + 1))), scale, CHARACTER).ticks
    pixels = [scale.pixel(tick.value) for tick in ticks]
    assert all(
        right - left >= len(tick.label) * CHARACTER
        for left, right, tick in zip(pixels, pixels[1:], ticks, strict=False)
    )
