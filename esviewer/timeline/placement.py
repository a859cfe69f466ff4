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


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Events ``axis.order[first:beyond]`` at ``pixels``, which ascend; all others at their true place."""

    axis: Axis
    scale: Scale
    first: int
    beyond: int
    pixels: NDArray[np.float64]

    @property
    def indexes(self) -> NDArray[np.int64]:
        """The events in sight, from left to right."""
        return self.axis.order[self.first : self.beyond]

    def pixels_of(self, indexes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pixels of events, in the order given, in sight or not."""
        found = self.scale.to_pixel(self.axis.values[indexes])
        rank = self.axis.rank[indexes]
        placed = (rank >= self.first) & (rank < self.beyond)
        found[placed] = self.pixels[rank[placed] - self.first]
        return found

    def pixel_of(self, index: int) -> float:
        """The pixel of one event."""
        return float(self.pixels_of(np.array([index], np.int64))[0])

    def index_at(self, pixel: float) -> int | None:
        """The event drawn nearest to a pixel, of those at one place the last; ``None`` if there is none."""
        if self.first == self.beyond:
            return self.axis.index_at(pixel, self.scale)
        return int(self.axis.order[self.first + nearest(self.pixels, pixel)])

    def between(self, left: float, right: float) -> NDArray[np.int64]:
        """The events drawn from ``left`` to ``right``, both ends included, from left to right."""
        first = int(np.searchsorted(self.pixels, left, side="left"))
        beyond = int(np.searchsorted(self.pixels, right, side="right"))
        return self.axis.order[self.first + first : self.first + beyond]


def place(axis: Axis, scale: Scale, types: NDArray[np.int16] | NDArray[np.int32]) -> Placement:
    """Places the events in sight (and those a mark's width out of it); ``types`` are those of all events.

    Fanned out is only what has room: with more events in sight than pixels, each stands at its true time.
    """
    first, beyond = axis.visible(scale, MARK)
    pixels = scale.to_pixel(axis.ordered[first:beyond])
    if isinstance(axis, TimeAxis) and 1 < len(pixels) <= scale.width:
        kinds = types[axis.order[first:beyond]]
        gaps = np.where(kinds[1:] == kinds[:-1], MARK + 1.0, _ASIDE)
        pixels = fan_out(pixels, gaps, _BOUND)
    return Placement(axis, scale, first, beyond, pixels)
