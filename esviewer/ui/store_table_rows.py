"""Which event of the index stands in which row of the table: all or some of them, in store order or sorted.

``row`` is a row of the index (an event's place in its store), ``place`` one of the table.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.stores.index import NO_VERSION, NONE, Index
from esviewer.ui.row_ranges import RowRanges
from esviewer.ui.store_table_columns import Column
from esviewer.ui.words import short_type

Rows = NDArray[np.int64]
Check = Callable[[], None]
"""Raises when the work should end."""

_CHUNK: Final = 5_000
"""Names that are taken at a time: the interpreter is not held for longer than some milliseconds."""
_SHORT: Final = 80
"""Characters of names that are sorted as an array of one width."""


@dataclass(frozen=True, slots=True)
class Sort:
    """What the rows are sorted by; equal ones stay in store order, absent values come last either way."""

    column: Column
    is_descending: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TableRows:
    """The rows of the table. Never changes; what was added to the store comes with :meth:`grown`.

    ``chosen`` are rows of the index, ascending (all for ``None``). ``order`` holds the first places when sorted; what
    was added to the store since stands after them, in store order.
    """

    index: Index
    count: int = 0
    chosen: Rows | None = None
    sort: Sort | None = None
    order: NDArray[np.int64] | NDArray[np.int32] | None = None

    @property
    def unsorted(self) -> int:
        """How many rows at the end have been added since the rest was sorted."""
        return 0 if self.order is None else self.count - len(self.order)

    def grown(self) -> TableRows:
        """The same with what has been added to the index, if the table shows all of it."""
        return self if self.chosen is not None else replace(self, count=self.index.length)

    def at(self, first: int, end: int) -> Rows:
        """The rows of the index at the places from ``first`` up to ``end``."""
        end = min(end, self.count)
        if self.order is None:
            return self._base(first, end)
        middle = len(self.order)
        if end <= middle:
            return self.order[first:end].astype(np.int64)
        return np.concatenate((self.order[first:].astype(np.int64), self._base(max(first, middle), end)))

    def _base(self, first: int, end: int) -> Rows:
        return np.arange(first, end, dtype=np.int64) if self.chosen is None else self.chosen[first:end]

    def among(self, places: Rows) -> Rows:
        """The rows of the index at these places, in their order."""
        if self.order is None:
            return places if self.chosen is None else self.chosen[places]
        middle = len(self.order)
        rows = np.empty(len(places), np.int64)
        early = places < middle
        rows[early] = self.order[places[early]]
        late = places[~early]
        rows[~early] = late if self.chosen is None else self.chosen[late]
        return rows

    def values(self, name: str) -> NDArray[Any]:
        """A column of the index, by place."""
        column = self.index.column(name)
        if self.order is None and self.chosen is None:
            return column[: self.count]
        return np.asarray(column[self.at(0, self.count)])

    def place_of(self, row: int) -> int | None:
        """The place of a row of the index, ``None`` where it is not shown; looks at all rows when sorted."""
        if self.order is None:
            if self.chosen is None:
                return row if 0 <= row < self.count else None
            place = int(np.searchsorted(self.chosen, row))
            return place if place < self.count and self.chosen[place] == row else None
        places = np.flatnonzero(self.at(0, self.count) == row)
        return int(places[0]) if len(places) else None

    def place_near(self, row: int) -> int:
        """The place of a row or, in store order, of the next one that is shown."""
        place = self.place_of(row)
        if place is not None:
            return place
        if self.order is not None or self.chosen is None:
            return 0
        return min(int(np.searchsorted(self.chosen, row)), max(self.count - 1, 0))

    def places_of(self, rows: Rows) -> RowRanges:
        """The places of those of these rows that are shown."""
        is_meant = np.zeros(max(self.index.length, int(rows.max(initial=-1)) + 1), np.bool_)
        is_meant[rows] = True
        return RowRanges.of(np.flatnonzero(is_meant[self.at(0, self.count)]))


@dataclass(frozen=True, slots=True)
class Standing:
    """What the reader selected and where he stands, as places: of the current row, and of the one at the upper edge."""

    selected: RowRanges
    current: int | None
    top: int | None
    """``None`` where the current row is to be brought into sight."""


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Rows in a new arrangement, what was the reader's standing before, and what has become of it."""

    table: TableRows
    before: Standing
    after: Standing


def arrange(
    before: TableRows, chosen: Rows | None, sort: Sort | None, standing: Standing, check: Check = lambda: None
) -> Arranged:
    """The rows ``chosen`` (ascending; all for ``None``), sorted; for a job, as millions of rows take seconds."""
    index = before.index
    length = index.length
    table = TableRows(index, length if chosen is None else len(chosen), chosen, sort)
    if sort is not None:
        table = replace(table, order=_sorted_rows(index, chosen, length, sort, check))
    check()
    return relocate(before, table, standing)


def relocate(before: TableRows, table: TableRows, standing: Standing) -> Arranged:
    """Where a standing in one arrangement of rows is in another; for a job, as it looks at all rows."""
    selected, current = standing.selected, standing.current
    top = standing.top or 0
    if before.chosen is table.chosen and selected.count == before.count:
        kept = RowRanges.between(0, table.count)
    else:
        kept = table.places_of(before.among(selected.rows())) if selected.count else RowRanges.none()
    stood = int(before.at(current, current + 1)[0]) if current is not None and current < before.count else None
    new_top: int | None = 0
    if before.sort != table.sort:
        # A newly sorted table is looked at from its top; back in store order, from where one was.
        new_top = None if table.sort is None and stood is not None else 0
    elif top < before.count:
        new_top = table.place_near(int(before.at(top, top + 1)[0]))
    after = Standing(kept, None if stood is None else table.place_of(stood), new_top)
    return Arranged(table, standing, after)


def _sorted_rows(index: Index, chosen: Rows | None, length: int, sort: Sort, check: Check) -> NDArray[Any]:
    ranks = _ranks(index, chosen, length, sort, check)
    check()
    order = stable_order(ranks, check)
    # Four bytes a row suffice for two thousand million of them.
    small = np.int32 if length < 2**31 else np.int64
    return (order if chosen is None else chosen[order]).astype(small)


def _ranks(index: Index, chosen: Rows | None, length: int, sort: Sort, check: Check) -> NDArray[np.uint64]:
    """Numbers by which rows are to be sorted, ascending: for absent values the greatest."""

    def cells(name: str) -> NDArray[Any]:
        column = index.column(name)[:length]
        return column if chosen is None else column[chosen]

    if sort.column in (Column.TYPE, Column.STREAM):
        ordinals = cells("type" if sort.column is Column.TYPE else "stream")
        names = tuple(index.types if sort.column is Column.TYPE else index.streams)
        if sort.column is Column.TYPE:
            by_name = _name_ranks([f"{short_type(name).casefold()}\0{name}" for name in names], check)
        else:
            by_name = _name_ranks(names, check)
        # The last one stands for no name: ordinals of -1 lead to it.
        return _upwards(np.append(by_name, -1)[ordinals], ordinals < 0, sort.is_descending)
    if sort.column is Column.POSITION:
        positions = cells("position")
        absent = positions == NONE
        if absent.any() and index.position_of(_first(absent, chosen)) is not None:
            # Positions that are text: their order is the store's.
            rows = np.arange(length, dtype=np.int64) if chosen is None else chosen
            return _upwards(rows, np.zeros(len(rows), np.bool_), sort.is_descending)
        return _upwards(positions, absent, sort.is_descending)
    if sort.column is Column.TIME:
        times = cells("time")
        return _upwards(times, times == NONE, sort.is_descending)
    if sort.column is Column.VERSION:
        versions = cells("version")
        return _upwards(versions, versions <= NO_VERSION, sort.is_descending)
    sizes = cells("size")
    return _upwards(sizes, np.zeros(len(sizes), np.bool_), sort.is_descending)


def _first(absent: NDArray[np.bool_], chosen: Rows | None) -> int:
    place = int(np.argmax(absent))
    return place if chosen is None else int(chosen[place])


def _upwards(values: NDArray[Any], absent: NDArray[np.bool_], is_descending: bool) -> NDArray[np.uint64]:
    """Values as numbers from 0 on, turned round where they are to descend; the absent ones beyond all others."""
    wide = values.astype(np.int64)
    wide = wide if wide is not values else wide.copy()
    has_absent = bool(absent.any())
    if has_absent:
        if absent.all():
            return np.zeros(len(values), np.uint64)
        wide[absent] = wide[int(np.argmin(absent))]
    if not len(wide):
        return wide.view(np.uint64)
    # Differences of 64 bits are right as unsigned numbers even where the signed ones overflow.
    least = np.uint64(int(wide.min()) % 2**64)
    ranks = wide.view(np.uint64)
    ranks -= least
    greatest = ranks.max()
    if is_descending:
        np.subtract(greatest, ranks, out=ranks)
    if has_absent:
        ranks[absent] = greatest + np.uint64(1)
    return ranks


def stable_order(ranks: NDArray[np.uint64], check: Check = lambda: None) -> NDArray[np.int64]:
    """The order that sorts ``ranks``, equal ones as they stand.

    numpy sorts 16 bits by their digits, in a fifth of the time that it takes for more; 32 bits are sorted in two goes,
    from the lower ones. Longer ranks are mostly times, which are nearly in order: numpy's sort makes use of that.
    """
    if len(ranks) < 2 or bool((ranks[1:] >= ranks[:-1]).all()):
        return np.arange(len(ranks), dtype=np.int64)
    bits = int(ranks.max()).bit_length()
    if bits > 32:
        return np.argsort(ranks, kind="stable")
    order = np.argsort(ranks.astype(np.uint16), kind="stable")
    if bits > 16:
        check()
        upper = (ranks >> np.uint64(16)).astype(np.uint16)[order]
        order = order[np.argsort(upper, kind="stable")]
    return order


def _name_ranks(names: Sequence[str], check: Check) -> NDArray[np.int64]:
    """The rank of each name among all, by code points; equal names have one rank.

    Names are taken a few at a time and no object is made of each, so that the interpreter is free for the window.
    """
    ranks = np.zeros(len(names), np.int64)
    if not names:
        return ranks
    chunks = range(0, len(names), _CHUNK)
    longest = max(max(map(len, names[start : start + _CHUNK])) for start in chunks)
    if longest > _SHORT:
        parts = [sorted(range(start, min(start + _CHUNK, len(names))), key=names.__getitem__) for start in chunks]
        before, rank = None, -1
        for number, ordinal in enumerate(heapq.merge(*parts, key=names.__getitem__)):
            if names[ordinal] != before:
                before, rank = names[ordinal], rank + 1
            ranks[ordinal] = rank
            if number % _CHUNK == 0:
                check()
        return ranks
    # Not concatenated from parts: numpy holds the interpreter for as long as that takes.
    written = np.empty(len(names), f"U{longest}")
    for start in chunks:
        written[start : start + _CHUNK] = np.array(names[start : start + _CHUNK])
        check()
    order = np.argsort(written, kind="stable")
    written = written[order]
    ranks[order] = np.concatenate(([0], np.cumsum(written[1:] != written[:-1])))
    return ranks
