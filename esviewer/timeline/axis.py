"""Where events stand along x: evenly by their place in the stream, or at their true time."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.folded_scale import folded_scale
from esviewer.timeline.idle import IdleTime, no_idle_time
from esviewer.timeline.marks import NO_TIME, Marks
from esviewer.timeline.scale import Scale

_MARGIN: Final = 0.02
"""Share of the whole time that stays free before the first and after the last event."""
_LONE_MARGIN: Final = 500_000
"""µs on either side where all events have the same time."""
_WHOLE: Final = 9.2e18
"""About the largest number of 64 bits."""
_USUAL_WIDTH: Final = 800.0
"""Pixels for which the margins are worked out where idle time is folded."""


class Axis(ABC):
    """Values of all events and the limits between which one may look. Values are integers counted from
    ``origin``.
    """

    origin: int
    values: NDArray[np.int64]
    """One value per event, in the order of the stream."""
    order: NDArray[np.int64]
    """Indexes of events from left to right; events at the same value keep the order of the stream."""
    rank: NDArray[np.int64]
    """The inverse of ``order``: how many events stand left of each event."""
    ordered: NDArray[np.int64]
    """``values[order]``: ascending."""
    untimed: NDArray[np.bool_]
    """Per event: its place is a guess, because it has no time."""
    is_in_order: bool
    """Whether left to right is the order of the stream for all events."""
    lower: float
    upper: float

    @property
    @abstractmethod
    def smallest(self) -> float:
        """The fewest units that may be visible at once."""

    def __len__(self) -> int:
        return len(self.values)

    def fit(self, width: float) -> Scale:
        """The scale that shows everything."""
        return self.scale(self.lower, self.upper, width)

    def scale(self, start: float, end: float, width: float) -> Scale:
        """The scale that shows a range (not yet within the limits)."""
        return Scale(start, end, width)

    def clamped(self, scale: Scale) -> Scale:
        """The nearest scale within the limits of this axis."""
        return scale.clamped(self.lower, self.upper, self.smallest)

    def visible(self, scale: Scale, margin: float = 0.0) -> tuple[int, int]:
        """Bounds ``(first, beyond)`` into ``order`` of the events in sight, ``margin`` pixels more on
        either side.
        """
        return self.bounds(scale.to_value(-margin), scale.to_value(scale.width + margin))

    def bounds(self, lower: float, upper: float) -> tuple[int, int]:
        """Bounds ``(first, beyond)`` into ``order`` of the events between two values, both included."""
        first, beyond = np.searchsorted(self.ordered, whole_bounds(lower, upper))
        return int(first), int(beyond)

    def around(self, index: int, count: int) -> tuple[float, float]:
        """The range that shows an event with ``count`` others on either side, or as many as there are."""
        rank = int(self.rank[index])
        first = float(self.ordered[max(rank - count, 0)])
        last = float(self.ordered[min(rank + count, len(self) - 1)])
        margin = max((last - first) * 0.05, self.smallest / 4)
        return first - margin, last + margin

    def index_at(self, pixel: float, scale: Scale) -> int | None:
        """The event nearest to a pixel, ``None`` if there is none; of events at one place the last in the
        stream.
        """
        return self.index_near(scale.to_value(pixel))

    def index_near(self, value: float) -> int | None:
        """The event nearest to a value, as ``index_at``; halfway between two, the earlier."""
        if not len(self.ordered):
            return None
        return int(self.order[nearest(self.ordered, value)])


class VersionAxis(Axis):
    """Evenly spaced by index: event ``i`` has the value ``i``, whatever its version number is."""

    def __init__(self, marks: Marks) -> None:
        count = len(marks)
        self.origin = 0
        self.values = self.order = self.rank = self.ordered = np.arange(count, dtype=np.int64)
        self.untimed = np.zeros(count, dtype=np.bool_)
        self.is_in_order = True
        self.lower, self.upper = -0.5, max(count, 1) - 0.5

    @property
    def smallest(self) -> float:
        return min(4.0, self.upper - self.lower)


class TimeAxis(Axis):
    """True spacing: the value is µs after the earliest event (``origin``, µs since the epoch).

    An event without a time stands between its neighbours in the stream that have one (or at the one
    neighbour, at the ends) and is marked ``untimed``. Clocks may run backwards, so ``order`` need not be
    the stream's order. If no event has a time, all are untimed and stand one second apart from ``origin`` 0.
    """

    def __init__(self, marks: Marks) -> None:
        count = len(marks)
        self.untimed = np.asarray(marks.times == NO_TIME, dtype=np.bool_)
        self.origin, self.values = _offsets(marks.times, self.untimed)
        self.is_in_order = bool((self.values[1:] >= self.values[:-1]).all())
        if self.is_in_order:
            self.order = self.rank = np.arange(count, dtype=np.int64)
            self.ordered = self.values
        else:
            self.order = np.argsort(self.values, kind="stable").astype(np.int64)
            self.rank = np.empty(count, np.int64)
            self.rank[self.order] = np.arange(count, dtype=np.int64)
            self.ordered = self.values[self.order]
        self.idle = no_idle_time()
        self._set_limits()

    def _set_limits(self) -> None:
        longest = float(self.ordered[-1]) if len(self) else 0.0
        margin: float = _LONE_MARGIN
        if longest:
            # Without idle time 2 % of the whole, with it as many pixels.
            shown = folded_scale(0.0, longest, _USUAL_WIDTH, self.idle, self.smallest)
            margin = max(_USUAL_WIDTH * _MARGIN / shown.pixels_per_unit, self.smallest)
        self.lower, self.upper = -margin, longest + margin
        self._fitted: Scale | None = None

    def folding(self, idle: IdleTime) -> Self:
        """The same axis, of which stretches are folded wherever they would eat the width."""
        axis = copy.copy(self)
        axis.idle = idle
        axis._set_limits()
        return axis

    def fit(self, width: float) -> Scale:
        # Asked for several times a frame.
        if self._fitted is None or self._fitted.width != width:
            self._fitted = super().fit(width)
        return self._fitted

    def scale(self, start: float, end: float, width: float) -> Scale:
        if not len(self.idle):
            return Scale(start, end, width)
        return folded_scale(start, end, width, self.idle, self.smallest)

    @property
    def has_times(self) -> bool:
        """Whether any event has a time; without, the labels of this axis mean nothing."""
        return bool((~self.untimed).any())

    @property
    def smallest(self) -> float:
        # Beyond a few thousand units in the last place of the range's ends, pixels would move in steps.
        return max(20.0, float(np.spacing(float(self.ordered[-1]) if len(self) else 1.0)) * 4096)


def whole_bounds(lower: float, upper: float) -> NDArray[np.int64]:
    """The least whole number from ``lower`` on, and the least beyond ``upper``: two, of 64 bits.

    To look integers up by: for a float, numpy would first make floats of all of them.
    """
    return whole_numbers(np.array([np.ceil(lower), np.floor(upper) + 1]))


def whole_numbers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Values that are whole as integers, those beyond 64 bits as about the largest of these."""
    bounded: NDArray[np.float64] = np.clip(values, -_WHOLE, _WHOLE)
    return bounded.astype(np.int64)


def nearest(ascending: NDArray[np.int64] | NDArray[np.float64], value: float) -> int:
    """The place in a non-empty ascending array of the entry nearest to ``value``.

    Of equal entries the last; halfway between two different entries, the smaller.
    """
    if ascending.dtype == np.int64:
        beyond = int(np.searchsorted(ascending, whole_bounds(value, value)[1]))
    else:
        beyond = int(np.searchsorted(ascending, value, side="right"))
    if beyond == len(ascending):
        return beyond - 1
    if beyond == 0 or ascending[beyond] - value < value - ascending[beyond - 1]:
        return int(np.searchsorted(ascending, ascending[beyond], side="right")) - 1
    return beyond - 1


def _offsets(times: NDArray[np.int64], untimed: NDArray[np.bool_]) -> tuple[int, NDArray[np.int64]]:
    known = np.flatnonzero(~untimed)
    if not len(known):
        return 0, np.arange(len(times), dtype=np.int64) * 1_000_000
    origin = int(times[known].min())
    values = np.where(untimed, 0, times - origin).astype(np.int64)
    unknown = np.flatnonzero(untimed)
    if len(unknown):
        values[unknown] = np.rint(np.interp(unknown, known, values[known])).astype(np.int64)
    return origin, values
