"""Where single events, and flags on the axis, are drawn when there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SINGLE_LIMIT: Final = 2_000
"""Up to so many events in sight are drawn one by one."""
CELL: Final = 3.0
"""Pixels: events of one lane that are closer than this are one mark with their number beside it."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Marks in order of lane and place: events ``first[i]`` … ``first[i] + count[i] - 1`` of ``order`` are mark i."""

    lane: NDArray[np.int64]
    x: NDArray[np.float64]
    """The middle of its events, pixels."""
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    order: NDArray[np.int64]
    """Events (by their place in what was given), by lane and then as given."""
    lane_of: NDArray[np.int64]
    """The lane of each event, as given."""

    def __len__(self) -> int:
        return len(self.x)

    def members(self, mark: int) -> NDArray[np.int64]:
        """The events of one mark, as places in what was given."""
        first = int(self.first[mark])
        return self.order[first : first + int(self.count[mark])]

    def at(self, lane: int, x: float, reach: float) -> int | None:
        """The mark of a lane nearest to a pixel, no farther than ``reach``."""
        low, high = np.searchsorted(self.lane, [lane, lane + 1])
        if low == high:
            return None
        nearest = int(low + np.argmin(np.abs(self.x[low:high] - x)))
        return nearest if abs(float(self.x[nearest]) - x) <= reach else None


def clusters(lanes: NDArray[np.int64], pixels: NDArray[np.float64]) -> Clusters:
    """Events with their lanes and ascending pixels as marks; every event is in exactly one.

    A mark stands for the events of one lane in one cell of :data:`CELL` pixels, so none is drawn farther than that
    from its place, however dense the lane is.
    """
    order = np.argsort(lanes, kind="stable")
    own, x = lanes[order], pixels[order]
    cells = np.floor(x / CELL).astype(np.int64)
    if not len(order):
        nothing = np.zeros(0, np.int64)
        return Clusters(nothing, np.zeros(0), nothing, nothing, nothing, nothing)
    is_new = np.concatenate(([True], (np.diff(own) != 0) | (np.diff(cells) != 0)))
    first = np.flatnonzero(is_new)
    count = np.diff(np.append(first, len(order)))
    middle = np.add.reduceat(x, first) / count
    return Clusters(own[first], middle, first, count, order, lanes)


_NEAR: Final = 7.0
"""Pixels: flags that are nearer than this to each other are one."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Things at one place of the axis, ``members`` in the order given; the label is right or left of it, or absent."""

    x: float
    members: tuple[int, ...]
    label_at: float | None
    label_width: float = 0.0

    def covers(self, x: float) -> bool:
        """Whether a pixel is on the flag or its label."""
        on_label = self.label_at is not None and self.label_at <= x <= self.label_at + self.label_width
        return on_label or abs(x - self.x) <= _NEAR


def flags(pixels: Sequence[float], widths: Sequence[float], together: float, width: float) -> list[Flag]:
    """Flags for things at pixels; those that are too near to each other share one.

    ``widths`` are those of their labels, ``together`` is that of a shared one. A label stands right of its flag, left
    of it where there is no room at the right, and is left out where it would cover another.
    """
    order = sorted(range(len(pixels)), key=lambda place: pixels[place])
    groups: list[list[int]] = []
    for place in order:
        if groups and pixels[place] - pixels[groups[-1][0]] < _NEAR:
            groups[-1].append(place)
        else:
            groups.append([place])
    result: list[Flag] = []
    free = 0.0
    for number, group in enumerate(groups):
        x = sum(pixels[place] for place in group) / len(group)
        wide = (widths[group[0]] if len(group) == 1 else together) + 8
        following = pixels[groups[number + 1][0]] if number + 1 < len(groups) else width
        label_at: float | None = None
        if x + wide <= following and x >= free - 8:
            label_at, free = x + 8, x + 8 + wide
        elif x - wide >= free:
            label_at, free = x - wide, x + 8
        else:
            free = max(free, x + 8)
        result.append(Flag(x, tuple(group), label_at, wide - 8))
    return result
