"""What a store shows at once, whatever its size: its first and last events, and some in between."""

from __future__ import annotations

from dataclasses import dataclass

from esviewer.domain import Event
from esviewer.stores.reader import Reader, Window

ENDS = 200
"""Events at each end that are read."""
PROBES = 64
"""Single events between them, at even distances in position."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Some events of a store in its order, and how many there are as the database estimates it, if it does."""

    events: tuple[Event, ...]
    estimate: int | None

    @property
    def types(self) -> frozenset[str]:
        """The event types seen: there may be more."""
        return frozenset(event.type for event in self.events if event.type is not None)

    @property
    def streams(self) -> frozenset[str]:
        """The streams seen: there will be more."""
        return frozenset(event.stream for event in self.events if event.stream is not None)

    @property
    def times(self) -> tuple[int | None, int | None]:
        """Least and greatest time seen, µs."""
        times = [event.recorded_at for event in self.events if event.recorded_at is not None]
        return (min(times), max(times)) if times else (None, None)


def look(reader: Reader) -> Glimpse:
    """Reads a few hundred events by the store's own order: nothing is counted or scanned."""
    estimate = reader.planner_count()
    with reader.without_categories():
        first = list(reader.events(Window(limit=ENDS)))
        last = list(reader.events(Window(limit=ENDS, reverse=True)))[::-1]
        between = _probes(reader, first, last)
    seen = {event.key: event for event in (*first, *between, *last)}
    return Glimpse(tuple(seen.values()), estimate)


def _probes(reader: Reader, first: list[Event], last: list[Event]) -> list[Event]:
    """Events at even distances, where positions are numbers that the database can look up; gaps are passed over."""
    if len(first) < ENDS:
        return []
    start, end = first[-1].position, last[0].position
    if not isinstance(start, int) or not isinstance(end, int):
        return []
    return reader.at_positions([start + (end - start) * number // (PROBES + 1) for number in range(1, PROBES + 1)])
