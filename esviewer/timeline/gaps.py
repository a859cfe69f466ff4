"""Which idle stretches are in sight, and where their marks stand."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.folded_scale import FoldedScale
from esviewer.timeline.idle import FOLD
from esviewer.timeline.scale import Scale


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without events between ``start`` and ``end`` (values of two events), drawn ``left`` … ``right``."""

    start: int
    end: int
    left: float
    right: float
    is_open: bool
    """Shown at its true length, though it could be folded."""

    @property
    def length(self) -> int:
        """µs without an event."""
        return self.end - self.start

    def holds(self, pixel: float, reach: float) -> bool:
        """Whether a pixel is on its mark: anywhere in a fold, within ``reach`` of the middle of an open one."""
        if self.is_open:
            return abs(pixel - (self.left + self.right) / 2) <= reach
        return self.left + 5 <= pixel <= self.right - 5


def gaps_in_sight(scale: Scale, ascending: NDArray[np.int64], opened: Set[int]) -> list[Gap]:
    """The folds in sight, and the opened stretches (by their starts) that would be folds; from left to right.

    An open stretch is cut to what of it is in sight.
    """
    found = []
    if isinstance(scale, FoldedScale):
        lefts = scale.to_pixel(scale.folds.starts)
        for place in np.flatnonzero((lefts > -FOLD) & (lefts < scale.width)).tolist():
            start, end, left = int(scale.folds.starts[place]), int(scale.folds.ends[place]), float(lefts[place])
            found.append(Gap(start, end, left, left + FOLD, is_open=False))
    for start in opened:
        place = int(np.searchsorted(ascending, start, side="right"))
        if place == len(ascending):
            continue
        end = int(ascending[place])
        left, right = scale.pixel(start), scale.pixel(end)
        if right - left > FOLD and right > 0 and left < scale.width:
            found.append(Gap(start, end, max(left, 0.0), min(right, scale.width), is_open=True))
    return sorted(found, key=lambda gap: gap.left)


def stretches(scale: Scale) -> list[tuple[float, float]]:
    """The values in sight outside of folds: from, to, from left to right; at least one unless all is a fold."""
    if not isinstance(scale, FoldedScale):
        return [(scale.start, scale.end)]
    folds = scale.folds
    seen = np.flatnonzero((folds.ends > scale.start) & (folds.starts < scale.end))
    begins = [scale.start, *folds.ends[seen].astype(np.float64).tolist()]
    ends = [*folds.starts[seen].astype(np.float64).tolist(), scale.end]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin <= end]
