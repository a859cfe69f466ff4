"""One lane per event type: which lanes there are, where they lie, and what is drawn in each pixel column
of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.marks import Marks

LOWEST_LANE: Final = 24
HIGHEST_LANE: Final = 52


@dataclass(frozen=True, slots=True, eq=False)
class Lanes:
    """The lanes of a stream. ``types`` are type ordinals from the top down, most frequent in this stream
    first.
    """

    types: tuple[int, ...]
    counts: tuple[int, ...]
    """How many events each lane has."""
    lane_of_type: NDArray[np.int64]
    """Lane per type ordinal, -1 for a type that this stream does not have."""
    lane_of_event: NDArray[np.int64]
    """Lane per event."""

    def __len__(self) -> int:
        return len(self.types)


def lanes_of(marks: Marks) -> Lanes:
    """Lanes for the types that occur, ordered by frequency in the stream, then by name."""
    counts = np.bincount(marks.types, minlength=len(marks.type_names)).astype(np.int64)
    present = [int(ordinal) for ordinal in np.flatnonzero(counts)]
    present.sort(key=lambda ordinal: (-int(counts[ordinal]), marks.type_names[ordinal]))
    lane_of_type = np.full(len(marks.type_names), -1, np.int64)
    lane_of_type[present] = np.arange(len(present))
    return Lanes(
        types=tuple(present),
        counts=tuple(int(counts[ordinal]) for ordinal in present),
        lane_of_type=lane_of_type,
        lane_of_event=lane_of_type[marks.types] if len(marks) else np.empty(0, np.int64),
    )


@dataclass(frozen=True, slots=True)
class LaneLayout:
    """Lanes of equal height over ``height`` visible pixels; y counts from the top of the visible part."""

    count: int
    """Lanes drawn: 1 when all types share a lane."""
    lane_height: float
    height: float
    is_shared: bool
    """All types in one lane, because there is no room for two."""
    scroll: float = 0.0

    @property
    def overflow(self) -> float:
        """How far the lanes can be scrolled."""
        return max(0.0, self.count * self.lane_height - self.height)

    def scrolled(self, scroll: float) -> LaneLayout:
        """The same lanes scrolled to ``scroll`` pixels, or as far as it goes."""
        scroll = min(max(scroll, 0.0), self.overflow)
        return LaneLayout(self.count, self.lane_height, self.height, self.is_shared, scroll)

    def top(self, lane: int) -> float:
        """y of the upper edge of a lane."""
        return lane * self.lane_height - self.scroll

    def middle(self, lane: int) -> float:
        """y of the line on which the marks of a lane stand."""
        return self.top(lane) + self.lane_height / 2

    def lane_at(self, y: float) -> int | None:
        """The lane at y, ``None`` above, below and beyond the last lane."""
        if not 0 <= y < self.height:
            return None
        lane = int((y + self.scroll) // self.lane_height)
        return lane if lane < self.count else None

    def visible(self) -> range:
        """The lanes of which something is in sight."""
        first = int(self.scroll // self.lane_height)
        beyond = int(-(-(self.scroll + self.height) // self.lane_height))
        return range(min(first, self.count), min(max(beyond, first), self.count))


def lane_layout(count: int, height: float) -> LaneLayout:
    """Spreads ``count`` lanes over ``height``: from ``LOWEST_LANE`` (then they scroll) to
    ``HIGHEST_LANE`` each.
    """
    if count > 1 and height < 2 * LOWEST_LANE:
        return LaneLayout(1, max(height, 1.0), height, is_shared=True)
    lane_height = min(max(height / max(count, 1), LOWEST_LANE), HIGHEST_LANE)
    # Whole pixels keep the stripes crisp.
    return LaneLayout(count, float(int(lane_height)), height, is_shared=False)


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """What to draw: one entry per lane and column that holds an event, ordered by lane, then by column."""

    lanes: NDArray[np.int64]
    columns: NDArray[np.int64]
    counts: NDArray[np.int64]
    """How many events the mark stands for."""
    first: NDArray[np.int64]
    """Place, in the arrays that were given, of the first event that the mark stands for."""


def merge(pixels: NDArray[np.float64], lanes: NDArray[np.int64], width: float, column: float = 1.0) -> Merged:
    """One mark per lane and pixel column (``column`` pixels wide) with the number of events that fell
    together.

    ``pixels`` and ``lanes`` have one entry per event; events left of 0 or right of ``width`` are left
    out, and so is lane -1. The counts sum to the events that remain.
    """
    columns = int(width // column) + 1
    inside = np.flatnonzero((pixels >= 0) & (pixels <= width) & (lanes >= 0))
    keys = lanes[inside] * columns + (pixels[inside] / column).astype(np.int64)
    counts = np.bincount(keys) if len(keys) else np.empty(0, np.int64)
    cells = np.flatnonzero(counts)
    first = np.empty(len(counts), np.int64)
    # Of repeated keys the last assignment stays, hence backwards.
    first[keys[::-1]] = inside[::-1]
    return Merged(cells // columns, cells % columns, counts[cells].astype(np.int64), first[cells])


def bars(counts: NDArray[np.int64], highest: float, lowest: float = 2.0) -> NDArray[np.float64]:
    """Heights for counts: the largest gets ``highest``, any event at least ``lowest``; by square root, so
    that a single event beside a crowd can still be seen."""
    if not len(counts):
        return np.empty(0, np.float64)
    share = np.sqrt(counts / counts.max())
    return np.where(counts > 0, np.maximum(share * highest, lowest), 0.0)
