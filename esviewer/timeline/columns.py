"""Counts per lane and pixel column without touching each event: for more events than can be drawn one by one.

::

    borders   |  0  |  1  |  2  |  3  |      pixel columns as values of the axis
    lane 0      .. .  .      ....  .         its values, ascending: two bisections a border give the counts
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.axis import Axis, whole_bounds, whole_numbers
from esviewer.timeline.lanes import Lanes, Merged
from esviewer.timeline.marks import UNDECODABLE, Marks
from esviewer.timeline.scale import Scale


def counts_between(ascending: NDArray[np.int64], borders: NDArray[np.float64]) -> NDArray[np.int64]:
    """How many values lie between neighbouring ``borders`` (ascending), one count fewer than borders.

    A value on a border counts to the right of it, on the last one to the left.
    """
    return np.diff(_below(ascending, borders)).astype(np.int64)


def _below(ascending: NDArray[np.int64], borders: NDArray[np.float64]) -> NDArray[np.int64]:
    # Whole numbers, or numpy would make floats of all values first.
    whole = np.append(np.ceil(borders[:-1]), np.floor(borders[-1]) + 1)
    return np.searchsorted(ascending, whole_numbers(whole)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The events of each lane from left to right, for one axis; made once, as it looks at every event."""

    indexes: tuple[NDArray[np.int64], ...]
    """Per lane, its events."""
    values: tuple[NDArray[np.int64], ...]
    """Per lane, their values, ascending."""
    unreadable: NDArray[np.int64]
    """The events that cannot be read, in the order of the stream."""

    def in_sight(self, lane: int, lower: float, upper: float) -> NDArray[np.int64]:
        """The events of a lane between two values, both included, from left to right."""
        return self.indexes[lane][self._bounds(lane, lower, upper)]

    def count(self, lane: int, lower: float, upper: float) -> int:
        """How many events of a lane lie between two values, both included."""
        bounds = self._bounds(lane, lower, upper)
        return int(bounds.stop - bounds.start)

    def _bounds(self, lane: int, lower: float, upper: float) -> slice:
        first, beyond = np.searchsorted(self.values[lane], whole_bounds(lower, upper))
        return slice(int(first), int(beyond))

    def merged(self, lanes: list[int], scale: Scale, column: float) -> tuple[Merged, NDArray[np.int64]]:
        """What ``lanes.merge`` gives for all events of some lanes, and the first event of each entry.

        ``Merged.first`` are places in that second array, for there are no pixels of single events here.
        """
        columns = int(scale.width // column) + 1
        borders = scale.to_values(np.append(np.arange(columns) * column, scale.width))
        found = [_below(self.values[lane], borders) for lane in lanes]
        counts = [np.diff(below) for below in found]
        held = [np.flatnonzero(count) for count in counts]
        firsts = [self.indexes[lane][below[:-1][own]] for lane, below, own in zip(lanes, found, held, strict=True)]
        sizes = [len(own) for own in held]
        first = np.concatenate([*firsts, np.empty(0, np.int64)])
        return Merged(
            np.repeat(np.array(lanes, np.int64), sizes),
            np.concatenate([*held, np.empty(0, np.int64)]),
            np.concatenate([*(count[own] for count, own in zip(counts, held, strict=True)), np.empty(0, np.int64)]),
            np.arange(len(first), dtype=np.int64),
        ), first


def crowd_of(marks: Marks, lanes: Lanes, axis: Axis, *, is_shared: bool) -> Crowd:
    """The lanes of a stream along an axis, or all events in one lane."""
    unreadable = np.flatnonzero(marks.flags & UNDECODABLE)
    if is_shared:
        return Crowd((axis.order,), (axis.ordered,), unreadable)
    of_place = lanes.lane_of_event if axis.is_in_order else lanes.lane_of_event[axis.order]
    places = [np.flatnonzero(of_place == lane) for lane in range(len(lanes))]
    return Crowd(
        tuple(own if axis.is_in_order else axis.order[own] for own in places),
        tuple(axis.ordered[own] for own in places),
        unreadable,
    )
