"""The picture of one stream: a lane a type, a mark an event, evenly spaced by version.

Loan.Started    ●                       1
Loan.Extended       ■     ■             2
Loan.Returned                   ◆       1
               v1  v2    v3    v4
               2024-01-01 …   2024-03-02
"""

from __future__ import annotations

from typing import Final

from esviewer.reports.density_picture import LANE, LEFT, RIGHT, beside, day, ground
from esviewer.reports.document import Timeline
from esviewer.reports.drawing import WIDTH, Drawing, Group, Marks, Words

_EDGE: Final = 12
_TICKS: Final = 6
_AXIS: Final = 42


def drawn(picture: Timeline) -> Drawing:
    """The picture as shapes; undecodable events are hollow."""
    count = len(picture.marks)
    step = (WIDTH - LEFT - RIGHT - 2 * _EDGE) / max(1, count - 1)
    places = [LEFT + _EDGE + index * step if count > 1 else (LEFT + WIDTH - RIGHT) / 2 for index in range(count)]
    height = len(picture.lanes) * LANE + _AXIS
    groups = tuple(_lane(picture, row, places) for row in range(len(picture.lanes)))
    hollow = " Hollow marks are events that could not be decoded." if any(one.hollow for one in picture.marks) else ""
    return Drawing(picture.title, f"Evenly spaced, one mark an event.{hollow}", height, groups, _axis(picture, places))


def _lane(picture: Timeline, row: int, places: list[float]) -> Group:
    name, rank = picture.lanes[row]
    middle = row * LANE + LANE / 2
    own = [(place, mark.hollow) for place, mark in zip(places, picture.marks, strict=True) if mark.lane == row]
    marks = tuple(
        Marks(some, rank, is_hollow)
        for is_hollow in (False, True)
        if (some := tuple((place, middle) for place, hollow in own if hollow == is_hollow))
    )
    return Group(f"{name}: {len(own):,}", (ground(row), *beside(row, name, len(own)), *marks))


def _axis(picture: Timeline, places: list[float]) -> tuple[Words, ...]:
    """Some events' versions, and their times below, the first and the last among them."""
    last = len(places) - 1
    ticks = min(_TICKS, last + 1)
    shown = sorted({round(number * last / max(1, ticks - 1)) for number in range(ticks)})
    base = len(picture.lanes) * LANE + 15
    words = []
    for index in shown:
        mark, x = picture.marks[index], places[index]
        words.append(Words(x, base, mark.label, "text", "middle"))
        if mark.time is not None:
            words.append(Words(x, base + 16, day(mark.time), "second", "middle"))
    return tuple(words)
