"""From values to pixels and back, for one visible range.

::

    value   start                 end
              |--------------------|
    pixel     0                  width

Values are integers (an event's index, or µs after the first event); only the ends of the range are
floats. Whole units are subtracted as integers before anything becomes a float, so a deep zoom into a long
history stays exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scale:
    """The visible range ``start`` … ``end`` (``start < end``) drawn over ``width`` pixels (more than 0)."""

    start: float
    end: float
    width: float

    @property
    def span(self) -> float:
        """How many units of value are visible."""
        return self.end - self.start

    @property
    def pixels_per_unit(self) -> float:
        """Pixels from one value to the next."""
        return self.width / self.span

    def to_pixel(self, values: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pixels of integer ``values``, in their order; those outside the range fall below 0 or beyond
        ``width``.
        """
        base = math.floor(self.start)
        return ((values - base).astype(np.float64) - (self.start - base)) * self.pixels_per_unit

    def pixel(self, value: float) -> float:
        """The pixel of one value."""
        return (value - self.start) * self.pixels_per_unit

    def to_value(self, pixel: float) -> float:
        """The value under a pixel; rounded, it is the integer that ``to_pixel`` was given (spans to
        2**50).
        """
        return self.start + pixel / self.pixels_per_unit

    def to_values(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values under pixels, in their order."""
        return self.start + pixels / self.pixels_per_unit

    def zoomed(self, pixel: float, factor: float) -> Scale:
        """Shows ``factor`` times more detail, the value under ``pixel`` staying under it."""
        anchor = self.to_value(pixel)
        span = self.span / factor
        start = anchor - span * (pixel / self.width)
        return Scale(start, start + span, self.width)

    def panned(self, pixels: float) -> Scale:
        """The picture moved left by ``pixels``: later values come into sight."""
        shift = pixels / self.pixels_per_unit
        return Scale(self.start + shift, self.end + shift, self.width)

    def clamped(self, lower: float, upper: float, smallest: float) -> Scale:
        """Moved, then shrunk or grown, to lie within ``lower`` … ``upper`` and show at least ``smallest``
        units.
        """
        span = min(max(self.span, smallest), upper - lower)
        middle = (self.start + self.end) / 2
        start = self.start if span == self.span else middle - span / 2
        start = max(min(start, upper - span), lower)
        return Scale(start, start + span, self.width)
