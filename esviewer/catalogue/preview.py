"""What a chain makes of real events: as stored, after each hop, and as projections see it; and which events to show."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from esviewer.catalogue.chains import Blocked, Hop, NeedsCode
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event, Value

_RANDOM = 10


@dataclass(frozen=True, slots=True)
class Preview:
    """One event on its way. ``failure`` says why it stopped, without a full stop; ``final`` is then empty."""

    event: Event
    assessment: Assessment
    stored: Value
    hops: tuple[Hop, ...] = ()
    final: tuple[Draft, ...] = ()
    failure: str | None = None


def preview(judge: Judge, event: Event) -> Preview:
    """What happens to one event. An event that needs no upcast is its own final state."""
    found = judge.assess(event)
    known, version = found.known, found.version
    if known is None or isinstance(version, NoFit) or not isinstance(event.data, dict):
        return Preview(event, found, event.data, failure="; ".join(found.reasons) or None)
    if found.status not in (Status.UPCAST, Status.UPCAST_FAILED):
        final = found.events or (Draft(known.name, version, event.data),)
        stopped = "; ".join(found.reasons) or None
        return Preview(event, found, event.data, final=final if found.status is Status.CURRENT else (), failure=stopped)
    hops: list[Hop] = []
    data = judge.payload(event)
    assert isinstance(data, dict)
    try:
        final = tuple(judge.chains.trace((known.name, version), data, event, hops))
    except (StepFailed, Blocked, NeedsCode) as failure:
        return Preview(event, found, event.data, tuple(hops), failure=str(failure))
    if found.status is Status.UPCAST_FAILED:
        return Preview(event, found, event.data, tuple(hops), failure="; ".join(found.reasons))
    return Preview(event, found, event.data, tuple(hops), final)


@dataclass(slots=True)
class Sample:
    """Events of one type and version worth a look: first, last, longest, shortest, some at random, all failures."""

    seed: int = 0
    first: Event | None = None
    last: Event | None = None
    longest: Event | None = None
    shortest: Event | None = None
    chosen: list[Event] = field(default_factory=list)
    failures: list[Event] = field(default_factory=list)
    _lengths: tuple[int, int] = (0, 0)
    _seen: int = 0
    _dice: random.Random | None = None

    def see(self, event: Event, status: Status) -> None:
        """Takes in one event."""
        self._dice = self._dice or random.Random(self.seed)
        length = len(event.raw) if event.raw is not None else len(repr(event.data))
        if self.first is None:
            self.first = self.longest = self.shortest = event
            self._lengths = (length, length)
        longest, shortest = self._lengths
        if length > longest:
            self.longest, longest = event, length
        if length < shortest:
            self.shortest, shortest = event, length
        self._lengths, self.last = (longest, shortest), event
        if status is Status.UPCAST_FAILED:
            self.failures.append(event)
        self._seen += 1
        if len(self.chosen) < _RANDOM:
            self.chosen.append(event)
        elif (place := self._dice.randrange(self._seen)) < _RANDOM:
            self.chosen[place] = event

    @property
    def events(self) -> list[Event]:
        """All of them once, by key."""
        listed = [self.first, self.last, self.longest, self.shortest, *self.chosen, *self.failures]
        return sorted({event.key: event for event in listed if event is not None}.values(), key=lambda event: event.key)
