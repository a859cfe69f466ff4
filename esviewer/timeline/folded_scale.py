"""From times to pixels and back where idle time is folded: straight between the folds, and within each.

::

    value   start        a              b      end
              |----------|______________|-------|
    pixel     0          |---- FOLD ----|     width

A stretch is folded where its true length would be more than ``FOLD`` pixels. It therefore grows with the zoom up to
``FOLD`` and then stays: nothing jumps, and of a start, an end and a width there is one such scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.idle import FOLD, IdleTime
from esviewer.timeline.scale import Scale


@dataclass(frozen=True, slots=True, eq=False)
class FoldedScale(Scale):
    """A scale on which ``rate`` is the pixels of a unit outside of folds; make it with :func:`folded_scale`."""

    rate: float
    idle: IdleTime
    """All that may be folded, at this zoom or at another."""
    folds: IdleTime
    """What is folded at this zoom, in sight or not."""
    _skipped: NDArray[np.int64] = field(repr=False)
    """Units within the folds before fold ``k``; one entry more than folds."""

    @property
    def pixels_per_unit(self) -> float:
        """Pixels from one value to the next where nothing is folded."""
        return self.rate

    def to_pixel(self, values: NDArray[np.int64]) -> NDArray[np.float64]:
        """As :meth:`Scale.to_pixel`; ascending values come back ascending, within folds too."""
        base = math.floor(self.start)
        units, extra = self._reckon(np.append(values, base))
        ahead = (units[:-1] - units[-1]).astype(np.float64) * self.rate
        found: NDArray[np.float64] = ahead + (extra[:-1] - extra[-1]) - (self.start - base) * self._slope(base)
        return found

    def pixel(self, value: float) -> float:
        base = math.floor(value)
        return float(self.to_pixel(np.array([base], np.int64))[0]) + (value - base) * self._slope(base)

    def _slope(self, value: int) -> float:
        """Pixels of the unit after a value."""
        fold = self._fold_at(value)
        return self.rate if fold is None else FOLD / float(self.folds.ends[fold] - self.folds.starts[fold])

    def _fold_at(self, value: int) -> int | None:
        """The fold that holds the unit after ``value``."""
        place = int(np.searchsorted(self.folds.ends, value, side="right"))
        return place if place < len(self.folds) and self.folds.starts[place] <= value else None

    def _reckon(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Per value the units outside of folds before it, exact, and the pixels within folds before it."""
        folds = self.folds
        if not len(folds):
            return values, np.zeros(len(values))
        ended = np.searchsorted(folds.ends, values, side="right")
        following = np.minimum(ended, len(folds) - 1)
        depth = np.where(ended < len(folds), np.maximum(values - folds.starts[following], 0), 0)
        extra = (ended + depth / folds.lengths[following]) * FOLD
        return values - self._skipped[ended] - depth, extra

    def to_value(self, pixel: float) -> float:
        return float(self.to_values(np.array([pixel]))[0])

    def to_values(self, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values under pixels, in their order; the inverse of ``to_pixel``."""
        folds = self.folds
        if not len(folds):
            return self.start + pixels / self.rate
        lefts = self.to_pixel(folds.starts)
        rights = lefts + FOLD
        ended = np.searchsorted(rights, pixels, side="right")
        following = np.minimum(ended, len(folds) - 1)
        before = np.maximum(ended - 1, 0)
        # Counted from the nearest thing that is known exactly: the start of the range, else the end of a fold.
        is_within = self._fold_at(math.floor(self.start)) is not None
        is_near = (ended == np.searchsorted(rights, 0.0, side="right")) & (not is_within)
        known = np.where(ended > 0, folds.ends[before], folds.starts[0]).astype(np.float64)
        known_at = np.where(ended > 0, rights[before], lefts[0])
        straight = np.where(is_near, self.start + pixels / self.rate, known + (pixels - known_at) / self.rate)
        share = (pixels - lefts[following]) / FOLD
        inside = (ended < len(folds)) & (share > 0)
        return np.where(inside, folds.starts[following] + share * folds.lengths[following], straight)

    def zoomed(self, pixel: float, factor: float) -> Scale:
        """``factor`` times more detail outside of folds, the value under ``pixel`` staying under it."""
        return _anchored(self.to_value(pixel), pixel, self.rate * factor, self.width, self.idle)

    def panned(self, pixels: float) -> Scale:
        return _starting(self.to_value(pixels), self.rate, self.width, self.idle)

    def clamped(self, lower: float, upper: float, smallest: float) -> Scale:
        """Within ``lower`` … ``upper``, and no more than ``smallest`` units over the whole width."""
        scale, fastest = self, self.width / smallest
        if self.rate > fastest:
            middle = self.width / 2
            scale = _anchored(self.to_value(middle), middle, fastest, self.width, self.idle)
        left, right = scale.pixel(lower), scale.pixel(upper)
        if right - left <= self.width:
            return folded_scale(lower, upper, self.width, self.idle, smallest)
        if left > 0:
            return _starting(lower, scale.rate, self.width, self.idle)
        if right < self.width:
            return _anchored(upper, self.width, scale.rate, self.width, self.idle)
        return scale


def folded_scale(start: float, end: float, width: float, idle: IdleTime, smallest: float) -> FoldedScale:
    """The scale that shows ``start`` … ``end`` over ``width`` pixels with idle time folded.

    Where there is nothing but a fold between them, it shows ``smallest`` units over the width, about that fold's
    end: there is no looking into a fold.
    """
    lefts, rights = np.maximum(idle.starts, start), np.minimum(idle.ends, end)
    seen = np.flatnonzero(rights > lefts)
    lengths = idle.lengths[seen].astype(np.float64)
    order = np.argsort(-lengths)
    lengths, parts = lengths[order], (rights - lefts)[seen][order]
    # rates[k] is the rate with the k longest folded; right is the first at which the next one needs no fold.
    room = width - FOLD * np.concatenate(([0.0], np.cumsum(parts / lengths)))
    units = (end - start) - np.concatenate(([0.0], np.cumsum(parts)))
    fastest = width / smallest
    rates = room / np.maximum(units, 1e-9)
    fits = np.append(lengths, 0.0) * rates <= FOLD
    rate = float(rates[int(np.argmax(fits))])
    return _starting(start, min(max(rate, width / (end - start)), fastest), width, idle)


def _starting(start: float, rate: float, width: float, idle: IdleTime) -> FoldedScale:
    folds = idle.chosen(idle.lengths * rate > FOLD)
    skipped = np.concatenate((np.zeros(1, np.int64), np.cumsum(folds.lengths)))
    scale = FoldedScale(start, math.inf, width, rate, idle, folds, skipped)
    return FoldedScale(start, scale.to_value(width), width, rate, idle, folds, skipped)


def _anchored(value: float, pixel: float, rate: float, width: float, idle: IdleTime) -> FoldedScale:
    """The scale of that rate on which ``value`` stands at ``pixel``."""
    return _starting(_starting(value, rate, width, idle).to_value(-pixel), rate, width, idle)
