"""Counts of events per column, for density strips."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def density(ascending: NDArray[np.int64], start: float, end: float, columns: int) -> NDArray[np.int64]:
    """Counts in ``columns`` equal parts of ``start`` … ``end``, both ends included; shape ``(columns,)``.

    Each value between the ends is counted exactly once: a value on an inner border counts to the right of it.
    """
    if columns < 1:
        return np.zeros(0, np.int64)
    borders = np.linspace(start, end, columns + 1)
    below = np.searchsorted(ascending, borders, side="left")
    below[-1] = np.searchsorted(ascending, end, side="right")
    return np.diff(below).astype(np.int64)
