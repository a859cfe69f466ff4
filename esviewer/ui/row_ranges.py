"""Which rows of a table are selected: intervals in numpy, so that selecting all of 20 million rows is one of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class RowRanges:
    """A set of row numbers as half-open intervals ``[start, end)``: ascending, not empty, none touching another."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def none(cls) -> RowRanges:
        """No rows."""
        return cls(np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def between(cls, start: int, end: int) -> RowRanges:
        """The rows from ``start`` up to ``end``, which is not one of them."""
        return cls(np.array([start], np.int64), np.array([end], np.int64)) if start < end else cls.none()

    @classmethod
    def of(cls, rows: NDArray[np.int64]) -> RowRanges:
        """These rows, which are ascending and distinct."""
        if not len(rows):
            return cls.none()
        breaks = np.flatnonzero(np.diff(rows) != 1)
        starts = rows[np.concatenate(([0], breaks + 1))]
        ends = rows[np.concatenate((breaks, [len(rows) - 1]))] + 1
        return cls(starts.astype(np.int64), ends.astype(np.int64))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return int((self.ends - self.starts).sum())

    def __contains__(self, row: int) -> bool:
        place = int(np.searchsorted(self.starts, row, side="right")) - 1
        return place >= 0 and row < int(self.ends[place])

    def with_rows(self, start: int, end: int) -> RowRanges:
        """These and the rows from ``start`` up to ``end``."""
        if start >= end:
            return self
        low = int(np.searchsorted(self.ends, start, side="left"))
        high = int(np.searchsorted(self.starts, end, side="right"))
        if low < high:
            start, end = min(start, int(self.starts[low])), max(end, int(self.ends[high - 1]))
        return self._replaced(low, high, [start], [end])

    def without_rows(self, start: int, end: int) -> RowRanges:
        """These without the rows from ``start`` up to ``end``."""
        low = int(np.searchsorted(self.ends, start, side="right"))
        high = int(np.searchsorted(self.starts, end, side="left"))
        if start >= end or low >= high:
            return self
        first, last = int(self.starts[low]), int(self.ends[high - 1])
        kept = [(a, b) for a, b in ((first, start), (end, last)) if a < b]
        return self._replaced(low, high, [a for a, _ in kept], [b for _, b in kept])

    def _replaced(self, low: int, high: int, starts: list[int], ends: list[int]) -> RowRanges:
        return RowRanges(
            np.concatenate((self.starts[:low], np.array(starts, np.int64), self.starts[high:])),
            np.concatenate((self.ends[:low], np.array(ends, np.int64), self.ends[high:])),
        )

    def toggled(self, row: int) -> RowRanges:
        """These with a row that was not one of them, or without one that was."""
        return self.without_rows(row, row + 1) if row in self else self.with_rows(row, row + 1)

    def rows(self) -> NDArray[np.int64]:
        """All rows, ascending: one number a row."""
        pages = list(self.pages(1 << 20))
        return np.concatenate(pages) if pages else np.zeros(0, np.int64)

    def pages(self, size: int) -> Iterator[NDArray[np.int64]]:
        """All rows, ascending, in arrays of ``size`` rows; the last is shorter. Never more than one in memory."""
        # Where each interval begins when the rows are counted off.
        befores = np.cumsum(self.ends - self.starts) - (self.ends - self.starts)
        for first in range(0, self.count, size):
            numbers = np.arange(first, min(first + size, self.count), dtype=np.int64)
            places = np.searchsorted(befores, numbers, side="right") - 1
            yield self.starts[places] + numbers - befores[places]
