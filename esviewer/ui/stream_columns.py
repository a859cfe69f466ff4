"""A stream as the columns that its timeline and field tracks are drawn from; worked out off the UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Snapshot
from esviewer.projections.history import AggregateHistory
from esviewer.projections.paths import MISSING
from esviewer.timeline.marks import NO_TIME, UNDECODABLE, Marks
from esviewer.timeline.tracks import Track
from esviewer.ui.colours import TypeColours
from esviewer.ui.value_rows import shown

TRACK_LIMIT = 2_000
"""Fields that get a track; a payload of 100 000 keys has more than anybody can look at."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamColumns:
    """Everything about a stream's marks but their lanes, which belong to the store's colours; and its tracks."""

    versions: list[int | None]
    times: NDArray[np.int64]
    flags: NDArray[np.uint8]
    types: list[str | None]
    snapshots: list[int]
    positions: list[str]
    tracks: list[Track]

    def marks(self, colours: TypeColours) -> Marks:
        """The timeline's columns. Types are numbered by their lanes in the whole store."""
        lanes = np.asarray([colours.lane(name) for name in self.types], np.int32)
        return Marks(self.versions, self.times, lanes, colours.names(), self.flags, self.snapshots, self.positions)


def columns_of(history: AggregateHistory, snapshots: Sequence[Snapshot]) -> StreamColumns:
    """The columns of a stream that has been read and folded."""
    events = history.events
    versions = [event.version for event in events]
    places = {version: index for index, version in enumerate(versions) if version is not None}
    stored = (snapshot.version for snapshot in snapshots)
    return StreamColumns(
        versions,
        np.asarray([NO_TIME if e.recorded_at is None else e.recorded_at for e in events], np.int64),
        np.asarray([UNDECODABLE if e.undecodable is not None else 0 for e in events], np.uint8),
        [event.type for event in events],
        sorted({places[version] for version in stored if version is not None and version in places}),
        ["" if event.position is None else str(event.position) for event in events],
        _tracks_of(history),
    )


def _tracks_of(history: AggregateHistory) -> list[Track]:
    """A track for each field of the state, in the order in which the fields first appeared."""
    values: dict[str, tuple[list[int], list[str], list[bool]]] = {}
    for index, changed in enumerate(history.changed):
        for change in changed:
            track = values.get(change.path)
            if track is None:
                if len(values) >= TRACK_LIMIT:
                    continue
                track = values[change.path] = ([], [], [])
            starts, labels, removed = track
            if starts and starts[-1] == index:
                for column in track:
                    column.pop()
            gone = change.after is MISSING
            starts.append(index)
            labels.append("" if gone else shown(change.after)[0][:120])
            removed.append(gone)
    # Arrays here, so that painting need not make them.
    return [
        Track(path, np.asarray(starts, np.int64), labels, removed) for path, (starts, labels, removed) in values.items()
    ]
