"""Field tracks: the value of one field of the state as segments along the axis, as a logic analyser draws
signals.

::

    starts   2        5     6            (indexes of events)
             |  "new" | "lent" | removed
    nothing before the first start; the last segment reaches to the end of the axis
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

THINNEST: Final = 3.0
"""Pixels below which neighbouring segments are drawn as one."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One field: segment ``k`` begins with event ``starts[k]`` and ends where the next begins.

    ``starts`` ascend strictly; ``labels`` are the values as text; ``removed`` says that the event took
    the field away. Raises ``ValueError`` if the three differ in length.
    """

    path: str
    starts: Sequence[int] | NDArray[np.int64]
    labels: Sequence[str]
    removed: Sequence[bool]

    def __post_init__(self) -> None:
        if not len(self.starts) == len(self.labels) == len(self.removed):
            raise ValueError(f"The segments of {self.path!r} differ in number.")

    def segment_at(self, index: int) -> int | None:
        """The segment in which event ``index`` lies, ``None`` before the first."""
        place = bisect_right(self.starts, index) - 1
        return place if place >= 0 else None


@dataclass(frozen=True, slots=True)
class Segment:
    """A rectangle of a track: segments ``first`` … ``last`` of it, from ``left`` to ``right`` pixels."""

    left: float
    right: float
    first: int
    last: int

    @property
    def count(self) -> int:
        """How many segments were drawn as one."""
        return self.last - self.first + 1


def segments(edges: NDArray[np.float64], end: float, width: float, thinnest: float = THINNEST) -> list[Segment]:
    """Rectangles of a track within 0 … ``width``, left to right, adjoining and without overlap.

    ``edges`` are the pixels of the track's starts, in order, also those out of sight; ``end`` is the
    pixel at which the axis ends. An edge left of the one before it (clocks that ran backwards) is drawn
    at that one. Runs of segments thinner than ``thinnest`` become one.
    """
    if not len(edges):
        return []
    borders = np.maximum.accumulate(np.append(edges, max(end, float(edges[-1]))))
    first = max(int(np.searchsorted(borders, 0.0, side="right")) - 1, 0)
    beyond = min(int(np.searchsorted(borders, width, side="left")), len(edges))
    if beyond <= first or borders[beyond] <= 0:
        return []
    lefts, rights = borders[first:beyond], borders[first + 1 : beyond + 1]
    thin = rights - lefts < thinnest
    # A rectangle begins wherever a segment is not the continuation of a run of thin ones.
    begins = np.flatnonzero(np.concatenate(([True], ~(thin[1:] & thin[:-1]))))
    ends = np.append(begins[1:], len(lefts)) - 1
    return [
        Segment(max(float(lefts[a]), 0.0), min(float(rights[b]), width), first + int(a), first + int(b))
        for a, b in zip(begins, ends, strict=True)
    ]
