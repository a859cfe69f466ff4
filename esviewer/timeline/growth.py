"""How fast a store grows: its last thirty days against the thirty before, by the store's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.bins import edges
from esviewer.timeline.density_order import Ordered

DAY: Final = 86_400_000_000
"""µs."""
WINDOW: Final = 30


@dataclass(frozen=True, slots=True)
class Growth:
    """Events and payload bytes of the last ``days`` days up to the latest event, and of as many days before.

    ``days`` is :data:`WINDOW`, less where the history is shorter. The figures before are ``None`` where the history
    does not reach back so far: half a window would look like growth.
    """

    days: float
    events: int
    size: int
    events_before: int | None
    size_before: int | None

    @property
    def events_a_day(self) -> float | None:
        """``None`` where the whole history is shorter than a day: a rate a day would be made up."""
        return self.events / self.days if self.days >= 1 else None

    @property
    def size_a_day(self) -> float | None:
        """Bytes; ``None`` as for events."""
        return self.size / self.days if self.days >= 1 else None

    @property
    def change(self) -> float | None:
        """By how much events grew against the days before: 0.5 for half as many more; ``None`` if unknown."""
        return _change(self.events, self.events_before)

    @property
    def size_change(self) -> float | None:
        """The same for bytes."""
        return _change(self.size, self.size_before)


def _change(now: int, before: int | None) -> float | None:
    return now / before - 1 if before else None


def growth(ordered: Ordered, sizes: NDArray[np.int32]) -> Growth | None:
    """How a store grows, from its events in order of time (µs) and the size of each row; ``None`` without times.

    The window is the half-open ``latest - 30 days < time <= latest``, the one before it ends where it begins.
    """
    times = ordered.values
    if not len(times):
        return None
    earliest, latest = int(times[0]), int(times[-1])
    days = min(float(WINDOW), (latest - earliest) / DAY)
    window = WINDOW * DAY
    begin, before, end = np.searchsorted(times, [latest - window, latest - 2 * window, latest], side="right").tolist()
    if latest - earliest < window:
        begin = 0
    has_before = latest - earliest >= 2 * window
    return Growth(
        days,
        end - begin,
        _sum(ordered, sizes, begin, end),
        begin - before if has_before else None,
        _sum(ordered, sizes, before, begin) if has_before else None,
    )


def _sum(ordered: Ordered, sizes: NDArray[np.int32], first: int, beyond: int) -> int:
    own = sizes[first:beyond] if ordered.rows is None else sizes[ordered.rows[first:beyond]]
    return int(own.sum(dtype=np.int64))


def periods(times: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """How many events there were in each of ``parts`` equal periods from the first of ascending times to the last."""
    if not len(times):
        return np.zeros(0, np.int64)
    borders = edges(int(times[0]), int(times[-1]), parts)
    return np.diff(np.searchsorted(times, borders)).astype(np.int64)
