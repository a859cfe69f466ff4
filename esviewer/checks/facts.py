"""What rules about a store as a whole look at: its index, snapshots and consumers, and what kind of numbers it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from esviewer.checks.rules import Rule
from esviewer.domain import Snapshot
from esviewer.domain.finding import Finding
from esviewer.stores.dialects.base import Follow
from esviewer.stores.index import Index
from esviewer.stores.index_columns import NO_VERSION
from esviewer.stores.sheet import NONE


@dataclass(frozen=True)
class StoreFacts:
    """A store as it was read. ``index`` is complete.

    ``one_sequence``: positions are numbers of one sequence for the whole store, so that a missing one means something.
    ``implicit_rowid``: they are SQLite's own row numbers, of which a rollback burns none. ``skips`` are ranges of
    positions that the store itself records as skipped, both ends included. ``is_unsettled``: transactions were open
    while it was read, so that what is missing near its end may still come. ``consumers`` follow this store.
    """

    index: Index
    one_sequence: bool = True
    implicit_rowid: bool = False
    skips: Sequence[tuple[int, int]] = ()
    is_unsettled: bool = False
    snapshots: Sequence[Snapshot] = ()
    consumers: Sequence[Follow] = ()

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """All positions that are numbers, each once, ascending."""
        positions: NDArray[np.int64] = self.index.column("position")
        return np.unique(positions[positions != NONE])

    @cached_property
    def by_version(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows that have stream and version, ordered by these; with them the streams' ordinals and the versions."""
        streams, versions = self.index.columns("stream", "version")
        rows = np.flatnonzero((streams >= 0) & (versions != NO_VERSION))
        order = rows[np.lexsort((versions[rows], streams[rows]))]
        return order, streams[order].astype(np.int64), versions[order].astype(np.int64)

    @cached_property
    def version_gaps(self) -> list[VersionGap]:
        """All version gaps of all streams, by stream and version."""
        rows, streams, versions = self.by_version
        places = np.flatnonzero((streams[1:] == streams[:-1]) & (versions[1:] - versions[:-1] > 1))
        return [
            VersionGap(int(streams[i]), int(versions[i]) + 1, int(versions[i + 1]) - 1, int(rows[i]), int(rows[i + 1]))
            for i in places.tolist()
        ]


class StoreFamily(Protocol):
    """Rules that need no catalogue: they look at the index, and at what lies beside the events."""

    rules: ClassVar[tuple[Rule, ...]]

    def findings(self, facts: StoreFacts) -> Iterator[Finding]:
        """What was found, of all rules of the family."""


@dataclass(frozen=True, slots=True)
class VersionGap:
    """Versions of one stream that no event has, ``first`` to ``last``; ``before`` and ``after`` are rows around it."""

    stream: int
    first: int
    last: int
    before: int
    after: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def missing(self) -> str:
        """``version 3``, ``versions 3 to 5``."""
        return f"version {self.first}" if self.first == self.last else f"versions {self.first} to {self.last}"
