"""Ticks at round numbers and at round moments, as many as have room for their labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal

from esviewer.domain.times import micros, moment
from esviewer.timeline.gaps import stretches
from esviewer.timeline.marks import Marks
from esviewer.timeline.scale import Scale

Unit = Literal["us", "s", "min", "h", "day", "month", "year"]

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_LOWEST: Final = micros(datetime(2, 1, 1, tzinfo=UTC))
_HIGHEST: Final = micros(datetime(9998, 12, 31, tzinfo=UTC))

# Unit, how many of them, µs (of months and years: the mean), characters of the longest label.
_STEPS: Final[tuple[tuple[Unit, int, int, int], ...]] = (
    *(("us", step, step, 15) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(("us", step, step, 12) for step in (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)),
    *(("us", step, step, 10) for step in (100_000, 200_000, 500_000)),
    *(("s", step, step * _SECOND, 8) for step in (1, 2, 5, 10, 15, 30)),
    *(("min", step, step * 60 * _SECOND, 6) for step in (1, 2, 5, 10, 15, 30)),
    *(("h", step, step * 3_600 * _SECOND, 6) for step in (1, 2, 3, 6, 12)),
    *(("day", step, step * _DAY, 6) for step in (1, 2, 7)),
    *(("month", step, int(step * 30.44 * _DAY), 8) for step in (1, 3, 6)),
    *(("year", step, int(step * 365.2425 * _DAY), 4) for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)),
)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Tick:
    """A value of the axis (see ``Axis.values``) with its label; ``is_major`` begins a new day or year."""

    value: int
    label: str
    is_major: bool = False


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks in ascending order, and what all their labels leave unsaid (the date, the year, the zone)."""

    ticks: tuple[Tick, ...]
    context: str


def grouped(number: int) -> str:
    """``20134`` as ``20 134``, with thin no-break spaces."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def nice_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 … that is not below ``least``."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor >= least:
                return step * factor
        step *= 10


def version_ticks(marks: Marks, scale: Scale, character: float) -> Ticks:
    """Ticks at events, labelled with their versions, for labels in a face with ``character`` pixels a letter.

    Where versions count without gaps, the ticks are at round versions, else at every n-th event. An event
    without version is labelled by its place in the stream with a ``#`` before it.
    """
    first, last = max(int(-(-scale.start // 1)), 0), min(int(scale.end // 1), len(marks) - 1)
    if last < first:
        return Ticks((), "")
    label_length = len(version_label(marks, last)) + 3
    step = nice_step(label_length * character / scale.pixels_per_unit)
    offset = marks.first_version or 0
    begin = first + (-(first + offset)) % step
    places = range(begin, last + 1, step)
    has_versions = marks.first_version is not None or marks.versions[first] is not None
    return Ticks(
        tuple(Tick(place, version_label(marks, place)) for place in places),
        "version" if has_versions else "event",
    )


def version_label(marks: Marks, index: int) -> str:
    """The version of an event, grouped; ``#n`` with its place (from 1) where it has none."""
    version = marks.versions[index]
    return f"#{grouped(index + 1)}" if version is None else grouped(version)


def time_ticks(origin: int, scale: Scale, character: float, zone: tzinfo = UTC) -> Ticks:
    """Ticks at round moments of ``zone`` for values that are µs after ``origin`` (µs since the epoch).

    The step goes from 1 µs to 1 000 years by the calendar: days begin at the zone's midnight, weeks on
    Monday. No ticks for times outside the years 2 to 9998, and none within a fold: where time goes on
    after one, a major tick says when.
    """
    unit, count = _time_step(scale, character)
    ticks: list[Tick] = []
    start = min(max(origin + int(scale.start // 1), _LOWEST), _HIGHEST)
    before = moment(start).astimezone(zone)
    has_range = False
    for begin, end in stretches(scale):
        first = max(origin + int(begin // 1), _LOWEST)
        last = min(origin + int(-(-end // 1)), _HIGHEST)
        if last < first:
            continue
        has_range = True
        if begin != scale.start:
            ticks.append(Tick(first - origin, _landing(moment(first).astimezone(zone), before, unit), is_major=True))
            first += 1
        for time, local in _moments(first, last, unit, count, zone):
            is_major = _is_major(local, unit)
            ticks.append(Tick(time - origin, _label(local, unit, count, is_major), is_major))
        before = moment(last).astimezone(zone)
    return Ticks(tuple(ticks), _context(moment(start).astimezone(zone), unit) if has_range else "")


def _landing(local: datetime, before: datetime, unit: Unit) -> str:
    """What is new about a moment after a fold that began at another."""
    date = f"{local.day} {_MONTHS[local.month - 1]}"
    if local.year != before.year:
        return f"{date} {local.year}"
    if local.date() != before.date():
        return date if unit in ("day", "month", "year") else f"{date} {local:%H:%M}"
    return f"{local:%H:%M:%S}"


def _time_step(scale: Scale, character: float) -> tuple[Unit, int]:
    for unit, count, length, characters in _STEPS:
        if length * scale.pixels_per_unit >= (characters + 3) * character:
            return unit, count
    return "year", _STEPS[-1][1]


def _moments(start: int, end: int, unit: Unit, count: int, zone: tzinfo) -> Iterator[tuple[int, datetime]]:
    """Each round moment between two times, as µs and as local time; ascending."""
    before = start - 1
    wall = _floor(moment(start).astimezone(zone).replace(tzinfo=None), unit, count)
    while True:
        local = wall.replace(tzinfo=zone)
        time = micros(local)
        if time > end:
            return
        # Where clocks are set back or forward, a wall time can come out twice or out of order.
        if time >= start and time > before:
            before = time
            yield time, local
        following = _next(wall, unit, count)
        if following is None:
            return
        wall = following


def _floor(wall: datetime, unit: Unit, count: int) -> datetime:
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "year":
        return midnight.replace(year=max(wall.year // count * count, 1), month=1, day=1)
    if unit == "month":
        return midnight.replace(month=(wall.month - 1) // count * count + 1, day=1)
    if unit == "day":
        since_monday = (midnight - datetime(1, 1, 1)).days
        return midnight - timedelta(days=since_monday % count)
    step = timedelta(microseconds=count * _SIZES[unit])
    return midnight + (wall - midnight) // step * step


def _next(wall: datetime, unit: Unit, count: int) -> datetime | None:
    if unit == "year":
        year = wall.year // count * count + count
        return wall.replace(year=year) if year <= 9999 else None
    if unit == "month":
        months = wall.year * 12 + wall.month - 1 + count
        return wall.replace(year=months // 12, month=months % 12 + 1) if months < 120_000 else None
    return wall + timedelta(microseconds=count * _SIZES[unit])


_SIZES: Final[dict[Unit, int]] = {
    "us": 1,
    "s": _SECOND,
    "min": 60 * _SECOND,
    "h": 3_600 * _SECOND,
    "day": _DAY,
}


def _is_major(local: datetime, unit: Unit) -> bool:
    if unit == "year":
        return False
    if unit in ("day", "month"):
        return local.month == 1 and local.day == 1
    return local.hour == local.minute == local.second == local.microsecond == 0


def _label(local: datetime, unit: Unit, count: int, is_major: bool) -> str:
    if unit == "year" or (is_major and unit in ("day", "month")):
        return str(local.year)
    if unit == "month":
        return _MONTHS[local.month - 1]
    if unit == "day" or is_major:
        return f"{local.day} {_MONTHS[local.month - 1]}"
    if unit in ("min", "h"):
        return f"{local:%H:%M}"
    if unit == "s":
        return f"{local:%H:%M:%S}"
    digits = 6 if count < 1_000 else 3 if count < 100_000 else 1
    return f"{local:%H:%M:%S}.{local.microsecond:06}"[: 9 + digits]


def _context(local: datetime, unit: Unit) -> str:
    zone = local.tzname() or ""
    if unit == "year":
        return zone
    if unit in ("day", "month"):
        return f"{local.year} {zone}".strip()
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year} {zone}".strip()
