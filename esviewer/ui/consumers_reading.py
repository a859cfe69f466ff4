"""Where the consumers of a store stand at one moment, and what became of that while it was looked at; no widgets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from esviewer.checks.checkpoints import ahead_by
from esviewer.session import StoreSession
from esviewer.stores.dialects.base import Follow
from esviewer.stores.index import Index
from esviewer.stores.sheet import NONE
from esviewer.ui.jobs import Control

State = Literal["caught up", "behind", "stuck", "ahead", "unknown"]

PATIENCE: Final = 5_000_000
"""µs for which a consumer may leave new events alone before it is called stuck: many of them poll."""
KEPT: Final = 120
"""Readings that a trend shows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one consumer stands.

    ``lag`` counts the events after its position, ``None`` where what it follows is not here or not read yet; ``ahead``
    is by how many positions it is beyond the head, if it is; ``oldest`` is when the first event that waits was
    recorded, ``latest`` when the last event of the store was; µs, ``None`` where not known.
    """

    follow: Follow
    lag: int | None = None
    ahead: int | None = None
    oldest: int | None = None
    latest: int | None = None
    why_unknown: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """All consumers at ``read_at`` (µs); ``places`` is ``None`` where the framework records none."""

    read_at: int
    places: tuple[Place, ...] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A consumer as it is shown: its place, what the readings before say of it, its lags up to now, oldest first."""

    place: Place
    state: State
    waited: int | None
    trend: tuple[int, ...]


def consumers_job(store: StoreSession, control: Control) -> Reading:
    """Reads where the consumers that are listed under a store stand; counts in the index, where that is complete."""
    control.check()
    listed = store.database.database.follows()[store.name]
    read_at = time.time_ns() // 1_000
    if listed is None:
        return Reading(read_at, None)
    places = []
    for follow in listed:
        control.check()
        followed = store.database.store(follow.followed) if follow.followed is not None else None
        if followed is None:
            places.append(Place(follow, why_unknown="What it follows is not in this database."))
        elif not followed.index.complete:
            places.append(Place(follow, why_unknown="What it follows is still being read."))
        else:
            places.append(place_of(followed.index, follow))
    return Reading(read_at, tuple(places))


def place_of(index: Index, follow: Follow) -> Place:
    """Where a consumer stands in what it follows; events are counted, not subtracted, as gaps are no events."""
    # As `lag_of` counts, without a number in Python for each event: a new consumer of a long history has millions.
    rows = index.rows_after(follow.position, follow.category, follow.tenant)
    oldest = int(index.column("time")[rows[0]]) if len(rows) else NONE
    return Place(follow, len(rows), ahead_by(index, follow), None if oldest == NONE else oldest, index.time_range()[1])


@dataclass(slots=True)
class _Watched:
    """What is remembered of one consumer between readings."""

    position: int | str | None
    least: int | None
    """The fewest events that waited while it stood at this position."""
    grown_at: int | None = None
    """When more than that were first seen to wait."""
    lags: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT))


class Trends:
    """Remembers readings for as long as they are looked at."""

    def __init__(self) -> None:
        self._watched: dict[Follow, _Watched] = {}

    def add(self, reading: Reading) -> tuple[Standing, ...]:
        """Takes a reading, and says what is to be said of every consumer now."""
        places = reading.places or ()
        known, self._watched = self._watched, {}
        return tuple(self._standing(place, known.get(_key(place.follow)), reading.read_at) for place in places)

    def _standing(self, place: Place, watched: _Watched | None, now: int) -> Standing:
        follow, lag = place.follow, place.lag
        if watched is None:
            watched = _Watched(follow.position, lag)
        elif watched.position != follow.position or watched.least is None or lag is None or lag <= watched.least:
            watched.position, watched.least, watched.grown_at = follow.position, lag, None
        elif watched.grown_at is None:
            watched.grown_at = now
        if lag is not None and place.ahead is None:
            watched.lags.append(lag)
        self._watched[_key(follow)] = watched
        is_stuck = watched.grown_at is not None and now - watched.grown_at >= PATIENCE
        waited = None if place.oldest is None or place.ahead else max(now - place.oldest, 0)
        return Standing(place, _state(place, is_stuck=is_stuck), waited, tuple(watched.lags))


def _key(follow: Follow) -> Follow:
    """The consumer whatever its position."""
    return Follow(follow.consumer, follow.upstream, None, follow.followed, follow.category, follow.tenant)


def _state(place: Place, *, is_stuck: bool) -> State:
    # A checkpoint beyond the head has nothing after it, and that is no lag of 0.
    if place.ahead is not None:
        return "ahead"
    if place.lag is None:
        return "unknown"
    if not place.lag:
        return "caught up"
    return "stuck" if is_stuck else "behind"


def tendency(trend: Sequence[int]) -> str:
    """What a trend says: ``catching up``, ``falling behind``, ``stable``; empty where there is only one reading."""
    if len(trend) < 2:
        return ""
    change = trend[-1] - trend[0]
    return "falling behind" if change > 0 else "catching up" if change < 0 else "stable"
