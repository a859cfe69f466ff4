"""Fans out events that stand closer together than a mark is wide, so that each can be seen and hit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fan_out(pixels: NDArray[np.float64], gap: float | NDArray[np.float64], bound: float) -> NDArray[np.float64]:
    """Ascending ``pixels`` moved apart towards ``gap``; still ascending, none moved by more than ``bound``.

    ::

        before   ●●●        ●         one place, three events
        after  ● ● ●        ●         centred on where they were

    ``gap`` may be one number for each event and its next, shape ``(n - 1,)``. Where a burst has no room for its
    gaps within the bound, each gets the same share of what it asks for.
    """
    if len(pixels) < 2:
        return pixels.copy()
    steps = _steps(pixels, gap, bound)
    if steps is None:
        return pixels.copy()
    ladder = np.concatenate(([0.0], np.cumsum(steps)))
    slack = pixels - ladder
    # Pushing only right and pushing only left both keep the gaps, hence so does their mean, which stays centred.
    right = np.maximum.accumulate(slack) + ladder
    left = np.minimum.accumulate(slack[::-1])[::-1] + ladder
    # Minimum and maximum of ascending sequences ascend, so the bound cannot change the order; the last
    # accumulate takes away rounding of equal pixels.
    moved = np.clip((right + left) / 2, pixels - bound, pixels + bound)
    return np.maximum.accumulate(moved)


def _steps(pixels: NDArray[np.float64], gap: float | NDArray[np.float64], bound: float) -> NDArray[np.float64] | None:
    """The distance to ask for between each event and the next; ``None`` if all are far enough apart."""
    distances = np.diff(pixels)
    gaps = np.broadcast_to(np.asarray(gap, np.float64), distances.shape)
    close = distances < gaps
    if not close.any():
        return None
    burst = np.concatenate(([0], np.cumsum(~close)))
    sizes = np.bincount(burst)
    first = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    room = pixels[first + sizes - 1] - pixels[first] + 2 * bound
    wanted = np.bincount(burst[:-1], weights=np.where(close, gaps, 0.0), minlength=len(sizes))
    share = np.minimum(1.0, room / np.where(wanted > 0, wanted, 1.0))
    return np.where(close, gaps * share[burst[:-1]], gaps)
