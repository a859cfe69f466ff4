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


def edges(start: int, end: int, columns: int) -> NDArray[np.int64]:
    """Least integers of ``columns`` equal parts of ``start`` … ``end``, and one beyond ``end``; ``(columns + 1,)``.

    A value between the ends is in column ``i`` where ``edges[i] <= value < edges[i + 1]``. Exact for all of int64
    whose span fits it, and integers, so that a search for them in a column of integers converts nothing.
    """
    whole, rest = divmod(end - start, columns)
    steps = np.arange(columns + 1, dtype=np.int64)
    result: NDArray[np.int64] = start + steps * whole + -(-(steps * rest) // columns)
    result[-1] = end + 1
    return result
