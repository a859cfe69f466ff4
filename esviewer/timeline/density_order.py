"""The rows of a growing column in ascending order of their values: what density and single marks are looked up in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.marks import NO_TIME

_BLOCK = 1 << 20
"""Rows looked at in one step, so that no step holds other threads up for long."""


class Growing:
    """An array that grows at its end. What was handed out stays as it was: only room behind it is written to."""

    def __init__(self, dtype: Any, width: int | None = None) -> None:
        self._tail = () if width is None else (width,)
        self._array: NDArray[Any] = np.empty((0, *self._tail), dtype)
        self.length = 0

    def put(self, start: int, values: NDArray[Any]) -> None:
        """Writes ``values`` from ``start`` (at most the length) on; they are the last afterwards."""
        end = start + len(values)
        if start < self.length or end > len(self._array):
            larger = np.empty((max(end, len(self._array) * 3 // 2, 1024), *self._tail), self._array.dtype)
            larger[:start] = self._array[:start]
            self._array = larger
        self._array[start:end] = values
        self.length = end

    def view(self) -> NDArray[Any]:
        """All entries; never written to again."""
        return self._array[: self.length]


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """Ascending ``values``, and the row of each (``None``: the n-th value is row n's); equal values in row order."""

    values: NDArray[np.int64]
    rows: NDArray[np.int32] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def row(self, rank: int) -> int:
        """The row of the ``rank``-th value."""
        return rank if self.rows is None else int(self.rows[rank])

    def rows_between(self, first: int, beyond: int) -> NDArray[np.int64]:
        """The rows of the ranks ``first`` … ``beyond - 1``."""
        if self.rows is None:
            return np.arange(first, beyond, dtype=np.int64)
        return self.rows[first:beyond].astype(np.int64)

    def between(self, start: int, end: int) -> tuple[int, int]:
        """Bounds ``(first, beyond)`` of the ranks whose values lie in ``start`` … ``end``, both included."""
        first = np.searchsorted(self.values, start, side="left")
        return int(first), int(np.searchsorted(self.values, end, side="right"))


class Order:
    """Keeps :class:`Ordered` up to date while its column grows. Rows without a value are left out.

    A column that ascends by itself, as nearly all do, costs no memory and no sorting: only the new part is looked at.
    Where new values belong between old ones, what lies above the least of them is sorted anew.
    """

    def __init__(self) -> None:
        self._plain: NDArray[np.int64] | None = np.zeros(0, np.int64)
        self._values = Growing(np.int64)
        self._rows = Growing(np.int32)
        self._taken = 0

    @property
    def is_plain(self) -> bool:
        """Whether the column ascends by itself, without gaps."""
        return self._plain is not None

    def extend(self, column: NDArray[np.int64]) -> int:
        """Takes in the rows that ``column`` has more than the last; returns the first rank that is another's now."""
        before, taken = self._taken, len(column)
        self._taken = taken
        if self._plain is not None:
            if _ascends(column, before):
                self._plain = column
                return before
            self._values.put(0, self._plain)
            self._rows.put(0, np.arange(before, dtype=np.int32))
            self._plain = None
        return self._merge(column[before:], before)

    def _merge(self, new: NDArray[np.int64], first_row: int) -> int:
        known = np.flatnonzero(new != NO_TIME)
        if not len(known):
            return self._values.length
        values, rows = new[known], (known + first_row).astype(np.int32)
        old = self._values.view()
        start = int(np.searchsorted(old, values.min(), side="right"))
        values = np.concatenate((old[start:], values))
        rows = np.concatenate((self._rows.view()[start:], rows))
        order = np.argsort(values, kind="stable")
        self._values.put(start, values[order])
        self._rows.put(start, rows[order])
        return start

    def view(self) -> Ordered:
        """The rows in order, as far as they have been taken in."""
        if self._plain is not None:
            return Ordered(self._plain)
        return Ordered(self._values.view(), self._rows.view())


def ordered_part(column: NDArray[np.int64], rows: NDArray[np.int64]) -> Ordered:
    """Some rows (ascending numbers) of a column in order of their values; those without a value are left out."""
    rows = rows[: int(np.searchsorted(rows, len(column)))]
    values = column[rows]
    known = values != NO_TIME
    if not known.all():
        values, rows = values[known], rows[known]
    if _ascends(values, 0):
        return Ordered(values, rows.astype(np.int32))
    order = np.argsort(values, kind="stable")
    return Ordered(values[order], rows[order].astype(np.int32))


def _ascends(column: NDArray[np.int64], start: int) -> bool:
    """Whether the values from ``start`` on are all there, ascend, and follow the one before."""
    begin = max(start - 1, 0)
    # The absent value is the least, so it can only be the first of an ascending column.
    if begin < len(column) and column[begin] == NO_TIME:
        return False
    for block in range(begin, len(column) - 1, _BLOCK):
        part = column[block : block + _BLOCK + 1]
        if not bool((part[1:] >= part[:-1]).all()):
            return False
    return True
