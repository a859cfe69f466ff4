"""How numbers, ids and times are written in the window; pure text, no Qt."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from esviewer.domain import times

# Narrow, and no line ever breaks at it.
THIN: Final = "\u202f"
ELLIPSIS: Final = "…"
ABSENT: Final = "—"

_AGES: Final = (
    (365 * 86_400, "year"),
    (30 * 86_400, "month"),
    (86_400, "day"),
    (3_600, "hour"),
    (60, "minute"),
    (1, "second"),
)
_UNITS: Final = ("kB", "MB", "GB", "TB", "PB")


def grouped(n: int) -> str:
    """The number in groups of three: ``20 134``, with a narrow space."""
    return f"{n:,}".replace(",", THIN)


def short_id(text: str, width: int = 13) -> str:
    """At most ``width`` characters, both ends kept: ``7f3c9d4e…a1b2``; a text that fits is left as it is."""
    if len(text) <= width:
        return text
    if width < 3:
        return text[: max(width, 0)]
    tail = (width - 1) // 3
    return f"{text[: width - 1 - tail]}{ELLIPSIS}{text[len(text) - tail :]}"


def when(time_us: int | None, zone: tzinfo) -> str:
    """``2024-03-05 12:31:22`` in a zone; a dash for no time, the bare microseconds beyond the years 1 to 9999."""
    local = _local(time_us, zone)
    if local is not None:
        return local.strftime("%Y-%m-%d %H:%M:%S").zfill(19)
    return ABSENT if time_us is None else f"{grouped(time_us)} µs"


def when_exact(time_us: int | None, zone: tzinfo) -> str:
    """The same with microseconds and the offset: ``2024-03-05 12:31:22.000417 +01:00``; for tooltips and copies."""
    local = _local(time_us, zone)
    if local is None:
        return when(time_us, zone)
    text = local.isoformat(" ", "microseconds")
    return f"{text[:26]} {text[26:]}"


def _local(time_us: int | None, zone: tzinfo) -> datetime | None:
    if time_us is None:
        return None
    try:
        return times.moment(time_us).astimezone(zone)
    except (OverflowError, ValueError):
        return None


def ago(time_us: int | None, now_us: int) -> str:
    """How long before ``now_us`` that was, in its largest whole unit: ``3 hours ago``, ``in 2 days``, ``now``."""
    if time_us is None:
        return ABSENT
    seconds = abs(now_us - time_us) // 1_000_000
    for length, unit in _AGES:
        if seconds >= length:
            n = seconds // length
            span = f"{grouped(n)} {unit}{'' if n == 1 else 's'}"
            return f"{span} ago" if time_us < now_us else f"in {span}"
    return "now"


def size(n: int) -> str:
    """A number of bytes in steps of 1 000: ``812 B``, ``1.4 MB``."""
    if n < 1_000:
        return f"{n} B"
    value = float(n)
    for unit in _UNITS:
        value /= 1_000
        if value < 999.5 or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if value < 99.95 else f"{grouped(round(value))} {unit}"


def rate(n: int, seconds: float) -> str:
    """``n`` things in that time: ``184 k/s``, ``12/s``, ``0.4/s``; a dash where no time has passed."""
    if seconds <= 0:
        return ABSENT
    value = n / seconds
    if value >= 999_500:
        return f"{value / 1_000_000:.1f} M/s"
    if value >= 9_999.5:
        return f"{value / 1_000:.0f} k/s"
    return f"{grouped(round(value))}/s" if value >= 9.95 or value == 0 else f"{value:.1f}/s"
