"""How the overview says ranges, rates and where consumers stand; plain text."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from esviewer.domain.times import moment
from esviewer.timeline.growth import DAY, WINDOW, Growth
from esviewer.ui.overview_data import Stand
from esviewer.ui.widgets.format import ABSENT, grouped, size, when
from esviewer.ui.words import one_line

_SECOND: Final = 1_000_000
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SPANS: Final = (
    (365 * 86_400 * _SECOND, "year", "years"),
    (86_400 * _SECOND, "day", "days"),
    (3_600 * _SECOND, "h", "h"),
    (60 * _SECOND, "min", "min"),
    (_SECOND, "s", "s"),
    (1_000, "ms", "ms"),
    (1, "µs", "µs"),
)


def events(count: int) -> str:
    """``412 events``, ``1 event``."""
    return f"{grouped(count)} event{'' if count == 1 else 's'}"


def duration(span: int) -> str:
    """µs in the two largest units that matter: ``3 h 12 min``, ``2 years 40 days``, ``417 ms``."""
    for place, (length, one, many) in enumerate(_SPANS):
        if span >= length or length == 1:
            count, rest = divmod(span, length)
            text = f"{grouped(count)} {one if count == 1 else many}"
            if place + 1 < len(_SPANS) and count < 10 and length > 1_000:
                below, one, many = _SPANS[place + 1]
                part = rest // below
                text += f" {part} {one if part == 1 else many}" if part else ""
            return text
    return ABSENT


def range_text(start: int, end: int, zone: tzinfo) -> str:
    """Two moments in µs as one phrase, as exact as the range is narrow: ``3 Mar 2024 10:02 – 10:09``."""
    try:
        first, last = moment(start).astimezone(zone), moment(end).astimezone(zone)
    except (OverflowError, ValueError):
        return f"{when(start, zone)} – {when(end, zone)}"
    span = end - start
    days = _day(first), _day(last)
    if span >= 3 * 86_400 * _SECOND:
        return f"{days[0]} – {days[1]}"
    clocks = _clock(first, span), _clock(last, span)
    if days[0] == days[1]:
        return f"{days[0]} {clocks[0]} – {clocks[1]}"
    return f"{days[0]} {clocks[0]} – {days[1]} {clocks[1]}"


def _day(local: datetime) -> str:
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def _clock(local: datetime, span: int) -> str:
    if span >= 600 * _SECOND:
        return f"{local:%H:%M}"
    if span >= 5 * _SECOND:
        return f"{local:%H:%M:%S}"
    digits = 3 if span >= 5_000 else 6
    return f"{local:%H:%M:%S}.{local.microsecond:06}"[: 9 + digits]


def place_range(start: int, end: int, *, has_positions: bool) -> str:
    """``positions 9 120 – 9 400``; events by their number where the store has no positions."""
    return f"{'positions' if has_positions else 'events'} {grouped(start)} – {grouped(end)}"


def a_day(value: float | None) -> str:
    """A number of events a day: ``312``, ``0.4``; a dash where there is no rate."""
    if value is None:
        return ABSENT
    return grouped(round(value)) if value >= 10 else f"{value:.1f}"


def size_a_day(value: float | None) -> str:
    """A number of bytes a day."""
    return ABSENT if value is None else size(round(value))


def change_text(change: float | None, grown: Growth) -> str:
    """What became of a rate: ``↑ 12 % in 30 days``; what it is the rate of where there is nothing to compare."""
    if grown.days < 1:
        return "all within a day"
    if grown.events_before is None:
        return f"in {_days(grown.days)}" if grown.days < WINDOW else f"in the last {WINDOW} days"
    if change is None:
        return f"none {WINDOW} days before"
    percent = round(abs(change) * 100)
    if not percent:
        return f"as {WINDOW} days before"
    return f"{'↑' if change > 0 else '↓'} {grouped(percent)} % in {WINDOW} days"


def growth_text(grown: Growth, latest: int, zone: tzinfo) -> str:
    """What the rates were worked out from, for a tooltip; ``latest`` is the time of the last event."""
    before = latest - round(grown.days * DAY)
    lines = [f"{range_text(before, latest, zone)}: {events(grown.events)}, {size(grown.size)}"]
    if grown.events_before is not None and grown.size_before is not None:
        lines.append(f"{WINDOW} days before that: {events(grown.events_before)}, {size(grown.size_before)}")
    return "\n".join(lines)


def _days(days: float) -> str:
    count = round(days)
    return f"{count} day{'' if count == 1 else 's'}"


def stand_text(stand: Stand) -> str:
    """Where a consumer stands: ``loans_projector at 9 120, 310 events behind``."""
    kept = stand.checkpoint
    place = grouped(kept.position) if isinstance(kept.position, int) else str(kept.position or "no position")
    behind = "lag unknown" if kept.lag is None else f"{events(kept.lag)} behind" if kept.lag else "up to date"
    return f"{one_line(kept.consumer)} at {place}, {behind}"


def filter_text(passing: int, of: int) -> str:
    """``filtered: 12 345 of 5 000 000 events``."""
    return f"filtered: {grouped(passing)} of {events(of)}"


def untimed_text(count: int) -> str:
    """Says that some events cannot be shown over time; empty if all can."""
    if not count:
        return ""
    verb = "carries" if count == 1 else "carry"
    return f"{events(count)} {verb} no time: see Position"
