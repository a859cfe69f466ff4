"""How far the upcasters reach: per type and version the events that are current, upcastable, blocked or failed.

Also *mixed writers*: events of a version that were written after the next one was first written, so that an old
deployment still writes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.model import EventType, Version
from esviewer.catalogue.status import UNVERSIONED, Assessment, Status
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event

Position = int | str | None


@dataclass(slots=True)
class Cover:
    """The events of one version. Positions are in the order of reading; ``last_recorded_at`` is µs since the epoch."""

    count: int = 0
    statuses: Counter[Status] = field(default_factory=Counter)
    streams: set[str] = field(default_factory=set)
    first_position: Position = None
    last_position: Position = None
    last_recorded_at: int | None = None
    late: list[int | str] = field(default_factory=list)
    """Positions of events that were written after a later version was."""

    @property
    def current(self) -> int:
        return self.statuses[Status.CURRENT]

    @property
    def upcastable(self) -> int:
        return self.statuses[Status.UPCAST]

    @property
    def blocked(self) -> int:
        return self.statuses[Status.BLOCKED]

    @property
    def failed(self) -> int:
        return self.statuses[Status.UPCAST_FAILED]


class Writers:
    """Tells events of a version that were written after a later one was. Give it every event in store order."""

    def __init__(self) -> None:
        self._ranks: dict[str, dict[Version, int]] = {}
        self._newest: dict[str, Version] = {}

    def is_late(self, known: EventType, version: Version) -> bool:
        """Takes in an event; whether a later version of its type was there before."""
        ranks = self._ranks.get(known.name)
        if ranks is None or version not in ranks:
            seen = known.known_versions | {version} | set(ranks or ())
            ranks = self._ranks[known.name] = {v: rank for rank, v in enumerate(in_order(known, seen))}
        newest = self._newest.setdefault(known.name, version)
        if ranks[version] < ranks[newest]:
            return True
        self._newest[known.name] = version
        return False


class Coverage:
    """Sees every event once with its assessment. ``covers``: by type (the catalogue's, else as stored) and version."""

    def __init__(self) -> None:
        self.covers: dict[tuple[str, Version | NoFit], Cover] = {}
        self.statuses: Counter[Status] = Counter()
        self._writers = Writers()

    def see(self, event: Event, found: Assessment) -> None:
        """Takes in one event."""
        self.statuses[found.status] += 1
        known = found.known
        name = known.name if known is not None else event.type or ""
        cover = self.covers.get((name, found.version))
        if cover is None:
            cover = self.covers[name, found.version] = Cover(first_position=event.position)
        cover.count += 1
        cover.statuses[found.status] += 1
        cover.last_position = event.position
        if event.stream is not None:
            cover.streams.add(event.stream)
        if event.recorded_at is not None and (
            cover.last_recorded_at is None or event.recorded_at > cover.last_recorded_at
        ):
            cover.last_recorded_at = event.recorded_at
        if known is not None and found.status not in UNVERSIONED and not isinstance(found.version, NoFit):
            is_late = self._writers.is_late(known, found.version)
            if is_late and event.position is not None:
                cover.late.append(event.position)

    def totals(self, type_name: str) -> Cover:
        """All versions of a type together."""
        total = Cover()
        for (name, _), cover in self.covers.items():
            if name == type_name:
                total.count += cover.count
                total.statuses.update(cover.statuses)
                total.streams |= cover.streams
        return total
