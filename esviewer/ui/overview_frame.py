"""One frame of the history: what lies where, in numbers, before anything is painted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from esviewer.timeline.bins import edges
from esviewer.timeline.density_lanes import LANES
from esviewer.timeline.density_marks import SINGLE_LIMIT, Clusters, clusters
from esviewer.timeline.density_range import Sight
from esviewer.ui.overview_data import Picture


@dataclass(frozen=True, slots=True)
class LaneLook:
    """A lane as it is painted: its code, its label, and the number that gives colour and shape.

    ``name`` is what is asked for when the lane is chosen, ``None`` where it stands for no one kind.
    """

    code: int
    label: str
    number: int
    name: str | None
    about: str
    """The whole name, for hovering."""


@dataclass(frozen=True)
class Frame:
    """A picture at a sight, over ``width`` pixels and ``columns`` columns of density."""

    picture: Picture
    sight: Sight
    looks: tuple[LaneLook, ...]
    width: int
    columns: int

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """How many events stand before each edge of a column; shape ``(columns + 1,)``."""
        borders = edges(self.sight.start, self.sight.end, self.columns)
        return np.searchsorted(self.picture.ordered.values, borders)

    @property
    def first(self) -> int:
        """The rank of the first event in sight."""
        return int(self.ranks[0])

    @property
    def beyond(self) -> int:
        """One more than the rank of the last event in sight."""
        return int(self.ranks[-1])

    @property
    def count(self) -> int:
        """Events in sight."""
        return self.beyond - self.first

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Events by lane, in the order of ``looks``, and column; shape ``(lanes, columns)``."""
        own = [look.code for look in self.looks]
        counts: NDArray[np.int64] = self.picture.counts.columns(self.ranks)[own]
        return counts

    @cached_property
    def in_lanes(self) -> NDArray[np.int64]:
        """Events in sight by lane."""
        if self.is_single:
            codes = self.picture.counts.codes[self.first : self.beyond]
            counted: NDArray[np.int64] = np.bincount(codes, minlength=LANES)[[look.code for look in self.looks]]
            return counted
        return np.asarray(self.counts.sum(axis=1))

    @property
    def is_single(self) -> bool:
        """Whether events are painted one by one."""
        return self.count <= SINGLE_LIMIT

    @cached_property
    def pixels(self) -> NDArray[np.float64]:
        """Where each event in sight stands, ascending, from the left end of the plot."""
        return self.pixels_of(self.picture.ordered.values[self.first : self.beyond])

    @cached_property
    def marks(self) -> Clusters:
        """The events in sight as marks; their places are ranks less ``first``."""
        lanes = np.full(LANES, -1, np.int64)
        lanes[[look.code for look in self.looks]] = np.arange(len(self.looks))
        return clusters(lanes[self.picture.counts.codes[self.first : self.beyond]], self.pixels)

    def pixels_of(self, values: NDArray[np.int64]) -> NDArray[np.float64]:
        """Pixels of values, from the left end of the plot; outside of the sight they are outside of the plot."""
        return (values - self.sight.start).astype(np.float64) * (self.width / max(self.sight.span, 1))

    def pixel_of(self, value: int) -> float:
        """The pixel of one value."""
        return (value - self.sight.start) * (self.width / max(self.sight.span, 1))
