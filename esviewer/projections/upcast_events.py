"""What a fold is given in the place of stored events where a catalogue counts: what a projection would see.

An upcast event is folded as its chain makes it: one event, several, or none. Ignored events are left out, erased ones
give placeholders. What cannot be upcast (blocked, failed, its upcaster is code that was not run) and all else that
today's code would not read is folded as it is stored, and marked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any

from esviewer.catalogue.model import Catalogue, EventType, Version, _Unset, version_text
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.steps import Draft
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event, Value

_TOGETHER = 500
"""Events that are judged together where functions of the user run."""

# An event of a stream of 200 000 is copied in a third of the time that dataclasses.replace takes (measured).
_NAMES = tuple(field.name for field in fields(Event))
_values_of: Callable[[Event], tuple[Any, ...]] = attrgetter(*_NAMES)
_TYPE, _SCHEMA_VERSION, _DATA, _UNDECODABLE = map(_NAMES.index, ("type", "schema_version", "data", "undecodable"))


@dataclass(frozen=True, slots=True)
class Sight:
    """How one event is seen. ``events`` is what is folded, ``None`` for the event as it is stored.

    ``words`` say so: ``upcast 1 → 3``, ``folded as stored``, ``left out``, ``placeholders``; none where only the field
    that says the version is taken out of the payload. ``reasons`` are sentences without a full stop.
    """

    status: Status
    words: str
    events: tuple[Event, ...] | None = None
    reasons: tuple[str, ...] = ()

    @property
    def is_upcast(self) -> bool:
        """Whether a chain of upcasters made what is folded."""
        return self.status is Status.UPCAST and self.events is not None


def sight_of(found: Assessment, event: Event) -> Sight | None:
    """How an event is seen by what a catalogue made of it; ``None`` for simply as it is stored."""
    status, made, known = found.status, found.events, found.known
    if status is Status.CURRENT:
        if made is None:
            return None
        return Sight(status, "", (replace(event, data=made[0].data),))
    if status is Status.UPCAST and made is not None and known is not None:
        parts = tuple([_event_of(draft, known, event) for draft in made])
        return Sight(status, _words(known, found.version, made), parts)
    if status is Status.IGNORED:
        return Sight(status, "left out", (), found.reasons)
    if status is Status.ERASED:
        seen = replace(event, data=with_placeholders(event.data, known), undecodable=None)
        return Sight(status, "placeholders", (seen,), found.reasons)
    return Sight(status, "folded as stored", None, found.reasons)


def with_placeholders(data: Value, known: EventType | None) -> dict[str, Value]:
    """What is left of an erased payload, with ``None`` for attributes that its type has and that are gone."""
    shape = known.current_shape if known is not None else None
    left = data if isinstance(data, dict) else {}
    return {**dict.fromkeys(shape.attributes if shape is not None else ()), **left}


def _event_of(draft: Draft, known: EventType, event: Event) -> Event:
    """What a chain made, in the envelope of the stored event.

    A type that stays the same keeps the name it is stored under: rules of a fold are written for that.
    """
    values = list(_values_of(event))
    if draft.type != known.name:
        values[_TYPE] = draft.type
    if not isinstance(draft.version, _Unset):
        values[_SCHEMA_VERSION] = draft.version
    values[_DATA], values[_UNDECODABLE] = draft.data, None
    return Event(*values)


def _words(known: EventType, version: Version | NoFit, made: Sequence[Draft]) -> str:
    source = "" if isinstance(version, NoFit) else version_text(version)
    if len(made) != 1:
        return _phrase(source, f"{len(made)} events" if made else "no event")
    draft = made[0]
    target = version_text(known.current_version if isinstance(draft.version, _Unset) else draft.version)
    return _phrase(source, target if draft.type == known.name else f"{target} of {draft.type}")


@lru_cache(maxsize=1_024)
def _phrase(source: str, target: str) -> str:
    """One text for all events alike: a stream may have 200 000."""
    return f"upcast {source} → {target}"


@dataclass(frozen=True, slots=True)
class Sights:
    """The events of a stream as a catalogue has them seen; ``by_index`` has those that are not simply as stored."""

    catalogue: Catalogue
    by_index: Mapping[int, Sight]
    upcast: tuple[int, ...]
    """Indexes of events that were upcast, ascending."""
    as_stored: tuple[int, ...]
    """Indexes of events that today's code would not read, and that are folded as they are stored; ascending."""
    passed_over: tuple[int, ...]
    """Indexes of ignored events, ascending."""

    def folded(self, index: int, event: Event) -> tuple[Event, ...]:
        """What is folded in the place of the event at an index."""
        sight = self.by_index.get(index)
        return (event,) if sight is None or sight.events is None else sight.events

    def upcast_until(self, index: int) -> int:
        """How many events up to an index were upcast."""
        return bisect_right(self.upcast, index)

    def as_stored_until(self, index: int) -> int:
        """How many events up to an index are folded as they are stored although today's code would not read them."""
        return bisect_right(self.as_stored, index)

    def passed_over_until(self, index: int) -> int:
        """How many events up to an index are left out, being ignored."""
        return bisect_right(self.passed_over, index)


def is_telling(catalogue: Catalogue) -> bool:
    """Whether a catalogue may have events seen otherwise than stored: not one that only says what was seen so far."""
    if not catalogue.inferred or catalogue.ignored or catalogue.erased:
        return True
    return any(known.upcasters for known in catalogue.types.values())


def sights_of(judge: Judge, events: Sequence[Event], told: Callable[[int], None] | None = None) -> Sights | None:
    """How the events of a stream are seen; ``None`` where the catalogue has nothing to say of them.

    ``told`` is called now and then with how many are done, and may raise to end it.
    """
    if not is_telling(judge.catalogue):
        return None
    found: dict[int, Sight] = {}
    for start in range(0, len(events), _TOGETHER):
        some = events[start : start + _TOGETHER]
        if told is not None:
            told(start)
        for index, (event, assessment) in enumerate(zip(some, judge.assess_all(some), strict=True), start):
            sight = sight_of(assessment, event)
            if sight is not None:
                found[index] = sight
    return Sights(
        judge.catalogue,
        found,
        tuple([index for index, sight in found.items() if sight.is_upcast]),
        tuple([index for index, sight in found.items() if sight.events is None]),
        tuple([index for index, sight in found.items() if sight.status is Status.IGNORED]),
    )
