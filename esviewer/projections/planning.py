"""What a rebuild will take: its time with a range, catching up with new events, the lag of one worker, what is touched.

Arithmetic over measurements (domain.md, §3j and §3l): nothing here reads a store or runs anybody's code.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.projections.definition import ANY, Handler
from esviewer.projections.reads import Reads, of_handler

SAMPLED_EVENTS: Final = 2_000
"""Events that a sample of whole streams holds at least."""
_RESAMPLES: Final = 200
_GROWTH: Final = 1.2
"""How much dearer an event may become over a fourfold prefix before the cost is called more than linear."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What the events of one type in one sampled stream took."""

    events: int
    seconds: float


Sample = Mapping[str, Measured]
"""One stream: by type."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of a rebuild, with the range that holds 95 of 100 resamples of the streams.

    ``unsampled`` are types of which no event was measured: each is taken to be as dear as the dearest.
    """

    seconds: float
    low: float
    high: float
    unsampled: tuple[str, ...]


def sampled_streams(lengths: Sequence[int], seed: int, at_least: int = SAMPLED_EVENTS) -> list[int]:
    """Numbers of streams, drawn at random, that hold so many events together; all where there are no more.

    Whole streams from anywhere: the oldest events are of other kinds than those that came later.
    """
    drawn: list[int] = []
    events = 0
    for number in np.random.default_rng(seed).permutation(len(lengths)).tolist():
        if events >= at_least:
            break
        drawn.append(number)
        events += lengths[number]
    return drawn


def estimate(counts: Mapping[str, int], streams: Sequence[Sample], seed: int = 0) -> Estimate | None:
    """What events of these types will take; ``None`` where nothing was measured."""
    types = list(counts)
    events, seconds = _columns(types, streams, lambda m: m.events), _columns(types, streams, lambda m: m.seconds)
    measured = events.sum(axis=0) > 0
    if not measured.any():
        return None
    wanted = np.array([counts[name] for name in types], float)
    means = _means(events.sum(axis=0), seconds.sum(axis=0), None)
    random = np.random.default_rng(seed)
    totals = []
    for _ in range(_RESAMPLES):
        drawn = random.integers(0, len(streams), len(streams))
        totals.append(float(wanted @ _means(events[drawn].sum(axis=0), seconds[drawn].sum(axis=0), means)))
    low, high = np.quantile(totals, (0.025, 0.975)).tolist()
    unsampled = tuple(name for name, known in zip(types, measured.tolist(), strict=True) if not known)
    return Estimate(float(wanted @ means), low, high, unsampled)


def _columns(types: list[str], streams: Sequence[Sample], value: Callable[[Measured], float]) -> NDArray[np.float64]:
    """A number of each stream's events of each type."""
    return np.array([[value(s[name]) if name in s else 0.0 for name in types] for s in streams], float).reshape(
        len(streams), len(types)
    )


def _means(
    events: NDArray[np.float64], seconds: NDArray[np.float64], otherwise: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Seconds an event by type; of a type that a sample lacks as ``otherwise``, or as the dearest of those it has."""
    means = np.divide(seconds, events, out=np.zeros_like(seconds), where=events > 0)
    lacking = events <= 0
    means[lacking] = means.max() if otherwise is None else otherwise[lacking]
    return means


def growth(prefixes: Sequence[tuple[int, float]]) -> float | None:
    """The power of the number of events with which the time grows, from runs over prefixes (n, seconds); ``None``
    where an event is not more than a fifth dearer in the longest than in the shortest.
    """
    (first, first_seconds), (last, last_seconds) = min(prefixes), max(prefixes)
    if first <= 0 or first_seconds <= 0 or last_seconds / last <= _GROWTH * first_seconds / first:
        return None
    logs = np.log(np.array(prefixes, float))
    return float(np.polyfit(logs[:, 0], logs[:, 1], 1)[0])


def catch_up(events: int, speed: float, arrivals: float) -> float | None:
    """Seconds until a rebuild of so many events has caught up while others arrive; ``None``: never.

    ``speed`` and ``arrivals`` are events a second.
    """
    if speed <= 0 or arrivals >= speed:
        return None
    return events / speed / (1 - arrivals / speed)


def lags(arrivals: Iterable[float], costs: Iterable[float]) -> list[float]:
    """Seconds from the arrival of each event until one worker has handled it, in order of arrival."""
    done, found = -math.inf, []
    for arrival, cost in zip(arrivals, costs, strict=True):
        done = max(arrival, done) + cost
        found.append(done - arrival)
    return found


@dataclass(frozen=True, slots=True)
class Touched:
    """A projection that a change touches, and whether that is certain: else its code may read any attribute."""

    projection: str
    is_certain: bool


def reads_of(handlers: Mapping[str, Handler]) -> dict[str, Reads]:
    """One row of the impact matrix: what a projection reads of each type that it handles."""
    return {name: of_handler(handler) for name, handler in handlers.items()}


def touched_by(
    matrix: Mapping[str, Mapping[str, Reads]], event_type: str, attribute: str | None = None
) -> list[Touched]:
    """The projections that the removal of a type, or a change to one of its attributes, touches."""
    found = []
    for projection, types in matrix.items():
        reads = types.get(event_type) or types.get(ANY)
        if reads is None:
            continue
        if attribute is None or reads.attributes is None:
            found.append(Touched(projection, attribute is None))
        elif attribute in reads.attributes:
            found.append(Touched(projection, True))
    return found
