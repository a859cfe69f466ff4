"""Where the events in sight are drawn, which is where they are hit: bursts on the time axis fanned out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.axis import Axis, TimeAxis, nearest
from esviewer.timeline.bursts import fan_out
from esviewer.timeline.scale import Scale

MARK: Final = 9
"""Pixels that a mark is wide."""
_ASIDE: Final = 4.0
"""Pixels between neighbours of different types, whose marks cannot cover each other."""
_BOUND: Final = 14.0
"""Pixels that a mark may stand away from its true time."""


MANY: Final = 5_000
"""Events in sight above which none is placed for itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Events ``axis.order[first:beyond]`` at ``placed``, which ascend; all others at their true place.

    Of more than ``MANY`` events in sight all are at their true place, and ``placed`` is ``None``.
    """

    axis: Axis
    scale: Scale
    first: int
    beyond: int
    placed: NDArray[np.float64] | None

    @property
    def is_dense(self) -> bool:
        """Whether there are too many events in sight for each to be placed."""
        return self.placed is None

    @property
    def indexes(self) -> NDArray[np.int64]:
        """The events in sight, from left to right."""
        return self.axis.order[self.first : self.beyond]

    @property
    def pixels(self) -> NDArray[np.float64]:
        """Where they are drawn, ascending; reckoned anew for each call where they are too many."""
        if self.placed is None:
            return self.scale.to_pixel(self.axis.ordered[self.first : self.beyond])
        return self.placed

    def pixels_of(self, indexes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pixels of events, in the order given, in sight or not."""
        found = self.scale.to_pixel(self.axis.values[indexes])
        if self.placed is not None:
            rank = self.axis.rank[indexes]
            is_placed = (rank >= self.first) & (rank < self.beyond)
            found[is_placed] = self.placed[rank[is_placed] - self.first]
        return found

    def pixel_of(self, index: int) -> float:
        """The pixel of one event."""
        return float(self.pixels_of(np.array([index], np.int64))[0])

    def index_at(self, pixel: float) -> int | None:
        """The event drawn nearest to a pixel, of those at one place the last; ``None`` if there is none."""
        if self.placed is None or self.first == self.beyond:
            return self.axis.index_at(pixel, self.scale)
        return int(self.axis.order[self.first + nearest(self.placed, pixel)])

    def between(self, left: float, right: float) -> NDArray[np.int64]:
        """The events drawn from ``left`` to ``right``, both ends included, from left to right."""
        if self.placed is None:
            first, beyond = self.axis.bounds(self.scale.to_value(left), self.scale.to_value(right))
            return self.axis.order[first:beyond]
        first = int(np.searchsorted(self.placed, left, side="left"))
        beyond = int(np.searchsorted(self.placed, right, side="right"))
        return self.axis.order[self.first + first : self.first + beyond]


def place(axis: Axis, scale: Scale, types: NDArray[np.int16] | NDArray[np.int32]) -> Placement:
    """Places the events in sight (and those a mark's width out of it); ``types`` are those of all events.

    Fanned out is only what has room: with more events in sight than pixels, each stands at its true time.
    """
    first, beyond = axis.visible(scale, MARK)
    if beyond - first > MANY:
        return Placement(axis, scale, first, beyond, None)
    pixels = scale.to_pixel(axis.ordered[first:beyond])
    if isinstance(axis, TimeAxis) and 1 < len(pixels) <= scale.width:
        kinds = types[axis.order[first:beyond]]
        gaps = np.where(kinds[1:] == kinds[:-1], MARK + 1.0, _ASIDE)
        pixels = fan_out(pixels, gaps, _BOUND)
    return Placement(axis, scale, first, beyond, pixels)
