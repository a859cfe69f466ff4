"""What the overview shows, worked out from the index off the UI thread; of an index that grows only the new part."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Checkpoint
from esviewer.stores.index import Index
from esviewer.stores.sheet import NONE, UNDECODABLE
from esviewer.timeline.density_lanes import LANES, LaneCounter, LaneCounts, count_all
from esviewer.timeline.density_order import Growing, Order, Ordered, ordered_part
from esviewer.timeline.growth import Growth, growth, periods

AxisName = Literal["time", "position"]
By = Literal["type", "category"]

NO_NAME: Final = LANES - 1
"""The code of events without a type or category."""
REST: Final = LANES - 2
"""The code of all kinds that are too rare for a lane of their own."""
PERIODS: Final = 20
"""Equal parts of the history whose events are counted for the trend."""
_BLOCK: Final = 1 << 20
_LOOKED_AT: Final = 1_000
"""Rows at the end that are looked at to see whether events came late: more than an index reads again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be shown. Without an axis: time, or position where nothing carries a time."""

    axis: AxisName | None = None
    by: By = "type"
    rows: NDArray[np.int64] | None = None
    """Rows that pass a filter, ascending; ``None`` for all."""
    checkpoints: tuple[Checkpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers on the whole store; ``None`` where it has none."""

    events: int = 0
    streams: int = 0
    types: int = 0
    earliest: int | None = None
    latest: int | None = None
    first: int | str | None = None
    last: int | str | None = None
    undecodable: int = 0
    size: int = 0
    untimed: int = 0
    growth: Growth | None = None
    trend: tuple[int, ...] = ()
    """Events in each of :data:`PERIODS` equal parts of the history."""


@dataclass(frozen=True, slots=True)
class LaneFact:
    """A lane by its code; ``name`` is ``None`` for events without one, ``rest`` how many kinds share the lane."""

    code: int
    name: str | None
    events: int
    rest: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Events along an axis: their order, and which lane each is in."""

    axis: AxisName
    by: By
    ordered: Ordered
    counts: LaneCounts
    lanes: tuple[LaneFact, ...]
    """Most events first; those without events are left out."""
    has_positions: bool = True
    """On the axis of positions: whether the values are positions, else the events' numbers from 1 on."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a consumer stands: the row of the last event it has seen, and the value of that on the axis."""

    checkpoint: Checkpoint
    row: int | None = None
    value: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class OverviewState:
    """Everything that is shown of a store at one time."""

    figures: Figures = field(default_factory=Figures)
    picture: Picture | None = None
    stands: tuple[Stand, ...] = ()
    filtered: int | None = None
    """How many events pass the filter; ``None`` without one."""
    seconds: float = 0.0
    """How long it took."""


class OverviewData:
    """Keeps what has been worked out of one index. Used by one thread at a time; what it returns never changes."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._forget()

    def _forget(self) -> None:
        self._length = 0
        self._times = Order()
        self._positions: Order | None = Order()
        self._numbers = Growing(np.int64)
        self._strips: dict[tuple[AxisName, By], _Strip] = {}
        self._kinds: dict[By, _Kinds] = {"type": _Types(self.index), "category": _Categories(self.index)}
        self._undecodable = self._size = 0
        self._end: list[NDArray[np.int64]] = []
        self._found: dict[str, int] = {}
        self._part: _Part | None = None

    def bring_up(self, wish: Wish, check: Callable[[], None]) -> OverviewState:
        """What is shown of the index as it is now; ``check`` is called between steps and may raise to end the work."""
        began = time.monotonic()
        complete = self.index.complete
        names = ("position", "time", "stream", "type", "size", "flags", "version")
        # Mapped files are looked at as plain arrays, whose slices cost less.
        position, times, stream, kind, size, flags, version = map(np.asarray, self.index.columns(*names))
        ends = (position, times, stream, version)
        if not self._is_same(ends):
            self._forget()
        self._take(times, position, size, flags, check)
        self._end = [column[max(self._length - _LOOKED_AT, 0) :].copy() for column in ends]
        axis: AxisName = wish.axis or ("time" if len(self._times.view()) or not len(times) else "position")
        codes = self._kinds[wish.by]
        if codes.settle(stream if wish.by == "category" else kind, complete):
            self._strips = {key: strip for key, strip in self._strips.items() if key[1] != wish.by}
            self._part = None
        check()
        own = stream if wish.by == "category" else kind
        if wish.rows is None:
            ordered, counts = self._whole(axis, wish.by, own)
        else:
            ordered, counts = self._filtered(axis, wish, own)
        picture = Picture(axis, wish.by, ordered, counts, codes.lanes(counts), self._positions is not None)
        check()
        figures = self._figures(times, size)
        stands = tuple(self._stand(kept, axis, times) for kept in wish.checkpoints)
        filtered = None if wish.rows is None else len(wish.rows)
        return OverviewState(figures, picture, stands, filtered, time.monotonic() - began)

    def _is_same(self, columns: Sequence[NDArray[np.int64]]) -> bool:
        """Whether the rows seen before are still those; where late events came between, the last have moved."""
        begin, end = max(self._length - _LOOKED_AT, 0), self._length
        if len(columns[0]) < end:
            return False
        pairs = zip(self._end, columns, strict=bool(self._end))
        return all(np.array_equal(kept, column[begin:end]) for kept, column in pairs)

    def _take(
        self,
        times: NDArray[np.int64],
        positions: NDArray[np.int64],
        sizes: NDArray[np.int32],
        flags: NDArray[np.uint8],
        check: Callable[[], None],
    ) -> None:
        before, self._length = self._length, len(times)
        for start in range(before, len(times), _BLOCK):
            end = min(start + _BLOCK, len(times))
            self._size += int(sizes[start:end].sum(dtype=np.int64))
            self._undecodable += int(np.count_nonzero(flags[start:end] & UNDECODABLE))
            self._dirty("time", self._times.extend(times[:end]))
            if self._positions is not None:
                self._positions.extend(positions[:end])
                if not self._positions.is_plain:
                    self._positions = None
            check()
            if self._positions is None:
                seen = self._numbers.length
                self._numbers.put(seen, np.arange(seen + 1, end + 1, dtype=np.int64))

    def _dirty(self, axis: AxisName, rank: int) -> None:
        for (own, _), strip in self._strips.items():
            if own == axis:
                strip.clean = min(strip.clean, rank)

    def _ordered(self, axis: AxisName) -> Ordered:
        if axis == "time":
            return self._times.view()
        return Ordered(self._numbers.view()) if self._positions is None else self._positions.view()

    def _whole(self, axis: AxisName, by: By, own: NDArray[np.int32]) -> tuple[Ordered, LaneCounts]:
        ordered = self._ordered(axis)
        strip = self._strips.setdefault((axis, by), _Strip())
        kinds = self._kinds[by]
        for start in range(strip.clean, len(ordered), _BLOCK):
            end = min(start + _BLOCK, len(ordered))
            mine = own[start:end] if ordered.rows is None else own[ordered.rows[start:end]]
            strip.counter.put(start, kinds.codes(mine))
        strip.clean = len(ordered)
        return ordered, strip.counter.view()

    def _filtered(self, axis: AxisName, wish: Wish, own: NDArray[np.int32]) -> tuple[Ordered, LaneCounts]:
        assert wish.rows is not None
        part = self._part
        if part is None or part.rows is not wish.rows or part.key != (axis, wish.by, self._length):
            whole = self._ordered(axis)
            # The column that the order was made of: by row, whatever the order is.
            column = self.index.column("time")[: self._length] if axis == "time" else whole.values
            ordered = ordered_part(column, wish.rows)
            assert ordered.rows is not None
            counts = count_all(self._kinds[wish.by].codes(own[ordered.rows]))
            part = self._part = _Part(wish.rows, (axis, wish.by, self._length), ordered, counts)
        return part.ordered, part.counts

    def _figures(self, times: NDArray[np.int64], sizes: NDArray[np.int32]) -> Figures:
        index, ordered = self.index, self._times.view()
        first: int | str | None = None
        last: int | str | None = None
        if len(times):
            first, last = index.position_of(0), index.position_of(len(times) - 1)
        timed = len(ordered)
        return Figures(
            len(times),
            len(index.streams),
            len(index.types),
            int(ordered.values[0]) if timed else None,
            int(ordered.values[-1]) if timed else None,
            first,
            last,
            self._undecodable,
            self._size,
            len(times) - timed,
            growth(ordered, sizes),
            tuple(periods(ordered.values, PERIODS).tolist()),
        )

    # Consumers

    def _stand(self, kept: Checkpoint, axis: AxisName, times: NDArray[np.int64]) -> Stand:
        row = None if kept.lag is None else self._row_of(kept.position)
        if row is None or not self._length:
            return Stand(kept)
        if axis == "position":
            return Stand(kept, row, int(self._ordered(axis).values[row]))
        timed = np.flatnonzero(times[max(row - _NEAR, 0) : row + 1] != NONE)
        return Stand(kept, row, int(times[max(row - _NEAR, 0) + int(timed[-1])]) if len(timed) else None)

    def _row_of(self, position: int | str | None) -> int | None:
        """The row of the last event at or before a position, the first row where there is none before."""
        if isinstance(position, int) and self._positions is not None:
            return max(int(np.searchsorted(self._positions.view().values, position, side="right")) - 1, 0)
        texts = self.index.keys.texts
        if not isinstance(position, str) or texts is None:
            return None
        # In steps: a search of millions of texts in one holds all other threads up.
        for start in range(0, self._length, _NEAR * 100) if position not in self._found else ():
            if position in texts[start : min(start + _NEAR * 100, self._length)]:
                self._found[position] = texts.index(position, start)
        return self._found.get(position)


_NEAR: Final = 1_000
"""Rows that are searched backwards for a time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What passed the filter that was asked for last."""

    rows: NDArray[np.int64]
    key: tuple[AxisName, By, int]
    ordered: Ordered
    counts: LaneCounts


class _Strip:
    """The lanes' counts along one axis, right for the ranks below ``clean``."""

    def __init__(self) -> None:
        self.counter = LaneCounter()
        self.clean = 0


class _Kinds:
    """Which code the events of a type, or of a stream's category, have.

    The first 62 kinds have codes of their own. Where there are more, the most frequent have: chosen as they come
    while the index grows, and once more when it is complete.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._own: list[int] = []
        """Kinds with a code of their own, by code."""
        self._known = -1
        self._table = np.full(1, NO_NAME, np.uint8)
        self._is_settled = False

    def names(self) -> Sequence[str]:
        """All kinds there are, by ordinal."""
        raise NotImplementedError

    def _kind_of(self) -> NDArray[np.int64] | None:
        """The kind of each ordinal of the column (-1: none); ``None`` where the ordinals are the kinds."""
        return None

    def settle(self, ordinals: NDArray[np.int32], complete: bool) -> bool:
        """Takes in kinds that are new; returns whether codes have changed, so that all events are to be coded anew."""
        count, kind_of = len(self.names()), self._kind_of()
        size = count if kind_of is None else len(kind_of)
        changed = False
        if len(self._own) < min(count, REST):
            self._own += range(len(self._own), min(count, REST))
        if count > REST and complete and not self._is_settled:
            self._is_settled = True
            best = self._most_frequent(ordinals, kind_of, count)
            changed = set(best) != set(self._own)
            self._own = best if changed else self._own
        if changed or size != self._known:
            codes = np.full(count + 1, REST, np.uint8)
            codes[np.asarray(self._own, np.int64)] = np.arange(len(self._own), dtype=np.uint8)
            codes[-1] = NO_NAME
            self._table = codes if kind_of is None else np.append(codes[kind_of], np.uint8(NO_NAME))
            self._known = size
        return changed

    def _most_frequent(self, ordinals: NDArray[np.int32], kind_of: NDArray[np.int64] | None, count: int) -> list[int]:
        # Ordinals from -1 on; one more makes them places.
        each = np.bincount(ordinals.astype(np.int64) + 1, minlength=1)[1:]
        if kind_of is not None:
            kinds = kind_of[: len(each)]
            each = np.bincount(kinds[kinds >= 0], each[: len(kinds)][kinds >= 0], count).astype(np.int64)
        each = np.append(each, np.zeros(max(count - len(each), 0), np.int64))
        return [int(kind) for kind in np.argsort(-each, kind="stable")[:REST]]

    def codes(self, ordinals: NDArray[np.int32]) -> NDArray[np.uint8]:
        """The code of each event, from its ordinal in the column."""
        return self._table[ordinals]

    def lanes(self, counts: LaneCounts) -> tuple[LaneFact, ...]:
        """The lanes that have events, most events first, the shared one and the nameless one last."""
        names, totals = self.names(), counts.totals()
        own = [LaneFact(code, names[kind], int(totals[code])) for code, kind in enumerate(self._own) if totals[code]]
        own.sort(key=lambda lane: -lane.events)
        if totals[REST]:
            own.append(LaneFact(REST, None, int(totals[REST]), max(len(names) - len(self._own), 1)))
        if totals[NO_NAME]:
            own.append(LaneFact(NO_NAME, None, int(totals[NO_NAME])))
        return tuple(own)


class _Types(_Kinds):
    def names(self) -> Sequence[str]:
        return self._index.types


class _Categories(_Kinds):
    def __init__(self, index: Index) -> None:
        super().__init__(index)
        self._ordinals: dict[str, int] = {}
        self._names: list[str] = []
        self._of_stream = Growing(np.int64)

    def names(self) -> Sequence[str]:
        return self._names

    def settle(self, ordinals: NDArray[np.int32], complete: bool) -> bool:
        new: list[int] = []
        for name in self._index.stream_category[self._of_stream.length :]:
            kind = -1
            if name is not None:
                kind = self._ordinals.setdefault(name, len(self._names))
                if kind == len(self._names):
                    self._names.append(name)
            new.append(kind)
        self._of_stream.put(self._of_stream.length, np.asarray(new, np.int64))
        return super().settle(ordinals, complete)

    def _kind_of(self) -> NDArray[np.int64] | None:
        return self._of_stream.view()
