"""Which marks have room for a label beside them, and how much."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.placement import MARK

BESIDE: Final = MARK / 2 + 4.0
"""Pixels from the middle of a mark to its label."""
_AFTER: Final = 8.0
"""Pixels from the end of a label to the next mark of the lane, or to what else stands in its way."""


def rooms(
    pixels: NDArray[np.float64], lanes: NDArray[np.int64], barriers: NDArray[np.float64], beyond: float
) -> NDArray[np.float64]:
    """Pixels free at the right of each mark for a label, which begins ``BESIDE`` after it; at least 0.

    ``pixels`` ascend, with the lane of each mark in ``lanes``. A label ends before the next mark of its lane,
    before ``barriers`` (ascending: pixels at which no text may stand) and before ``beyond``.
    """
    if not len(pixels):
        return np.empty(0, np.float64)
    order = np.lexsort((pixels, lanes))
    following = np.full(len(pixels), beyond + MARK / 2)
    is_same = lanes[order][1:] == lanes[order][:-1]
    following[order[:-1][is_same]] = pixels[order[1:][is_same]]
    ends = following - MARK / 2
    if len(barriers):
        # Marks that were fanned out into what begins at a barrier get no label.
        place = np.searchsorted(barriers, pixels - MARK - 6.0, side="left")
        ends = np.minimum(ends, np.append(barriers, np.inf)[place])
    return np.maximum(ends - _AFTER - (pixels + BESIDE), 0.0)
