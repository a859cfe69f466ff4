"""The picture of a density: one lane a type, a bar for each column that has events.

Loan.Started   ▁▂▅▇▃▁ ▂▃      1,204
Loan.Returned    ▁▃▅▂▁▂▃        980
               2024-01-01 … 2024-12-31
"""

from __future__ import annotations

from math import sqrt
from typing import Final

from esviewer.reports.document import Density, Lane
from esviewer.reports.drawing import WIDTH, Boxes, Drawing, Group, Words

LEFT: Final = 250
RIGHT: Final = 72
LANE: Final = 24
AXIS: Final = 26
_BAR: Final = 18.0
_LABEL: Final = 36
"""Letters of a name that fit beside its lane; the whole name is told with its group."""


def drawn(picture: Density) -> Drawing:
    """The picture as shapes. A bar's height is the square root of its events: rare ones are seen."""
    peak = max((count for lane in picture.lanes for count in lane.counts), default=0)
    height = len(picture.lanes) * LANE + AXIS
    caption = f"Heights are square roots; the tallest bar stands for {peak:,} event{'' if peak == 1 else 's'}."
    ends = (
        Words(LEFT, height - 6, day(picture.start), "second"),
        Words(WIDTH - RIGHT, height - 6, day(picture.end), "second", "end"),
    )
    groups = tuple(_lane(lane, row, peak) for row, lane in enumerate(picture.lanes))
    return Drawing(picture.title, caption, height, groups, ends)


def label(name: str) -> str:
    """A name as it stands beside a lane; its end tells more: library_es.lending:Loan.Started."""
    return name if len(name) <= _LABEL else "…" + name[-_LABEL + 1 :]


def ground(row: int) -> Boxes:
    """What a lane lies on."""
    return Boxes(((LEFT, row * LANE + 2, WIDTH - LEFT - RIGHT, LANE - 4),))


def beside(row: int, name: str, total: int) -> tuple[Words, Words]:
    """The name of a lane at its left, and the number of its events at its right."""
    baseline = row * LANE + LANE - 7
    return (
        Words(LEFT - 10, baseline, label(name), anchor="end"),
        Words(WIDTH, baseline, f"{total:,}", "second", "end"),
    )


def day(time: str) -> str:
    """A time to the minute; other words as they are."""
    return time[:16].replace("T", " ") if time[:4].isdigit() else time


def _lane(lane: Lane, row: int, peak: int) -> Group:
    base = row * LANE + LANE - 3
    total = sum(lane.counts)
    step = (WIDTH - LEFT - RIGHT) / len(lane.counts)
    bars = []
    for column, count in enumerate(lane.counts):
        if count:
            high = max(1.5, _BAR * sqrt(count / peak))
            bars.append((LEFT + column * step, base - high, step * 0.86, high))
    shapes = (ground(row), *beside(row, lane.name, total), Boxes(tuple(bars), lane.rank))
    return Group(f"{lane.name}: {total:,}", shapes)
