"""How many events of each lane lie in each column of pixels, at a cost that does not grow with the history.

Events stand in order of their values (their rank). For every 256th rank the counts of all lanes before it are kept;
what lies between a column's edge and the rank kept before it is counted when asked for::

    rank      0         256        512  edge      768
    kept      |----------|----------|---:----------|
                                    |===|            counted on demand: 128 codes on average

"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.density_order import Growing

LANES: Final = 64
"""Codes there may be, ``0`` … ``LANES - 1``."""
_STEP: Final = 256
_CHUNK: Final = 2048
"""Steps counted at once."""


@dataclass(frozen=True, slots=True, eq=False)
class LaneCounts:
    """The lane's code of each rank, and the counts of all lanes before every 256th rank, shape ``(n, LANES)``."""

    codes: NDArray[np.uint8]
    kept: NDArray[np.int32]

    def totals(self) -> NDArray[np.int64]:
        """Events by lane; shape ``(LANES,)``."""
        totals: NDArray[np.int64] = self.before(np.asarray([len(self.codes)]))[0]
        return totals

    def before(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Events by lane below each of the ranks; shape ``(len(ranks), LANES)``."""
        steps = np.minimum(ranks // _STEP, len(self.kept) - 1)
        lengths = ranks - steps * _STEP
        owners = np.repeat(np.arange(len(ranks)), lengths)
        starts = np.cumsum(lengths) - lengths
        places = np.arange(len(owners)) + np.repeat(steps * _STEP - starts, lengths)
        cells = owners * LANES + self.codes[places]
        counted = np.bincount(cells, minlength=len(ranks) * LANES).reshape(-1, LANES)
        return counted + self.kept[steps]

    def columns(self, ranks: NDArray[np.int64]) -> NDArray[np.int64]:
        """Events by lane and column, from the ranks of the columns' edges; shape ``(LANES, len(ranks) - 1)``."""
        first, beyond, count = int(ranks[0]), int(ranks[-1]), len(ranks) - 1
        if beyond - first > count * _STEP // 2:
            return np.ascontiguousarray(np.diff(self.before(ranks), axis=0).T)
        columns = np.repeat(np.arange(count), np.diff(ranks))
        cells = self.codes[first:beyond] * np.int64(count) + columns
        return np.bincount(cells, minlength=LANES * count).reshape(LANES, count)


class LaneCounter:
    """Keeps :class:`LaneCounts` up to date while events are added."""

    def __init__(self) -> None:
        self._codes = Growing(np.uint8)
        self._kept = Growing(np.int32, LANES)
        self._kept.put(0, np.zeros((1, LANES), np.int32))

    def put(self, start: int, codes: NDArray[np.uint8]) -> None:
        """Takes the codes of the ranks from ``start`` (at most the length) on; nothing stays behind them."""
        self._codes.put(start, codes)
        step, beyond = start // _STEP, self._codes.length // _STEP
        all_codes = self._codes.view()
        if step + 1 < self._kept.length:
            self._kept.put(step + 1, np.zeros((0, LANES), np.int32))
        for first in range(step, beyond, _CHUNK):
            last = min(first + _CHUNK, beyond)
            part = all_codes[first * _STEP : last * _STEP]
            cells = np.repeat(np.arange(0, (last - first) * LANES, LANES), _STEP) + part
            counts = np.bincount(cells, minlength=(last - first) * LANES).reshape(-1, LANES)
            sums = np.cumsum(counts, axis=0) + self._kept.view()[first]
            self._kept.put(first + 1, sums.astype(np.int32))

    def view(self) -> LaneCounts:
        """The counts of what has been taken in; never written to again."""
        return LaneCounts(self._codes.view(), self._kept.view())


def count_all(codes: NDArray[np.uint8]) -> LaneCounts:
    """The counts of codes that will not grow."""
    counter = LaneCounter()
    counter.put(0, codes)
    return counter.view()
