"""One pass over a store's events, as projections are given them: judged, upcast, set aside, counted. Runs in the child.

Read and decoded once, whatever number of projections is fed. What no projection wants is not decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal, Protocol, TypeAlias

from esviewer.catalogue.chains import Blocked, Chains, NeedsCode
from esviewer.catalogue.model import Catalogue, EventType, Version
from esviewer.catalogue.status import STOPPING, Status
from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event
from esviewer.projections.definition import ProjectionEvent
from esviewer.projections.sandbox.spot import Phase, Wish
from esviewer.projections.wrapped import marked, unmarked
from esviewer.stores.connection import Row
from esviewer.stores.dialects.base import Fields
from esviewer.stores.reader import Reader, Window, labels_of

Mode: TypeAlias = Literal["stop", "quarantine-event", "quarantine-stream"]
MODES: Final[tuple[Mode, ...]] = ("stop", "quarantine-event", "quarantine-stream")
Position: TypeAlias = int | str | None

_EVENT_FIELDS = frozenset(Event.__slots__)
_LOOK = 1024
"""Events between two looks at the clock and at what is wished for."""
_TOLD_SECONDS = 0.2
_PAUSE_SECONDS = 0.05


class Judgement(Protocol):
    """What a catalogue says of one event."""

    @property
    def status(self) -> Status: ...
    @property
    def known(self) -> EventType | None: ...
    @property
    def version(self) -> Version | NoFit: ...
    @property
    def reasons(self) -> tuple[str, ...]: ...
    @property
    def events(self) -> tuple[Draft, ...] | None: ...
    @property
    def unverified(self) -> bool: ...


class EventJudge(Protocol):
    """Judges events against a catalogue: :class:`esviewer.catalogue.status.Judge`."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def chains(self) -> Chains: ...

    def assess(self, event: Event) -> Judgement: ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """An event that cannot be applied: unknown, undecodable, from the future, blocked, …"""

    position: Position
    stream: str | None
    type: str | None
    status: str
    reasons: tuple[str, ...]

    def as_object(self) -> dict[str, Any]:
        """For the way out of the child."""
        return {
            "position": self.position,
            "stream": self.stream,
            "type": self.type,
            "status": self.status,
            "reasons": list(self.reasons),
        }


@dataclass(slots=True)
class Counts:
    """What became of the events that were read. ``declared`` of the ignored ones are so by the catalogue."""

    read: int = 0
    ignored: int = 0
    declared: int = 0
    erased: int = 0
    quarantined: list[Position] = field(default_factory=list)
    position: Position = None
    """That of the last event that was read and not stopped at."""


class EventPass:
    """Gives the events of a store to whoever iterates over :meth:`events`; afterwards the counts say how it went.

    ``handles`` tells whether any projection has a handler for a type. ``view`` is that of the child's spot. The pass
    ends at the head, behind ``until``, before the first trouble in mode ``stop``, or where that is wished for.
    """

    def __init__(
        self,
        reader: Reader,
        handles: Callable[[str], bool],
        view: memoryview,
        *,
        judge: EventJudge | None = None,
        mode: Mode = "stop",
        until: int | None = None,
        told: Callable[[Counts], None] = lambda counts: None,
    ) -> None:
        self.counts = Counts()
        self.stopped: Trouble | None = None
        self.was_ended = False
        self.tainted: set[tuple[object, ...]] = set()
        """Streams of which an event was set aside in mode ``quarantine-event``."""
        self._reader = reader
        self._handles = handles
        self._view = view
        self._judge = judge
        self._mode = mode
        self._until = until
        self._told = told
        self._next_look = _LOOK
        self._told_at = time.monotonic()
        self._blocked: set[tuple[object, ...]] = set()
        self._wanted: dict[str | None, bool] = {}
        self._settled: dict[str | None, str] = {}
        self._identity = reader.dialect.identity
        self._keep = self._keeper()

    def events(self) -> Iterator[ProjectionEvent]:
        """The events to apply, in store order."""
        found, dialect = self._reader.found, self._reader.dialect
        is_bounded = self._until is not None and dialect.position(found) is None
        if self._judge is not None or is_bounded or dialect.light(labels_of(dialect.select(found))) is None:
            return self._decoded()
        return self._light()

    def _light(self) -> Iterator[ProjectionEvent]:
        """As :meth:`events` without a catalogue: rows whose dialect knows a short way take it."""
        counts, wanted, blocked, reader = self.counts, self._wanted, self._blocked, self._reader
        for labels, rows in reader.chunks(Window(to_position=self._until)):
            short = reader.dialect.light(labels)
            if short is None:
                for row in rows:
                    yield from self._whole_row(row, labels)
                    if self.was_ended or self.stopped is not None:
                        return
                continue
            at_position, at_type = labels.index("position"), labels.index("type")
            whole = partial(self._first_of, labels=labels)
            new, kind = object.__new__, ProjectionEvent
            for row in rows:
                if counts.read >= self._next_look:
                    self._look()
                    if self.was_ended:
                        return
                name = row[at_type]
                is_wanted = wanted.get(name)
                if is_wanted is False and not blocked:
                    counts.ignored += 1
                elif not is_wanted or blocked or (fields := short(row)) is None:
                    yield from self._whole_row(row, labels)
                    if self.was_ended or self.stopped is not None:
                        return
                    continue
                else:
                    fields["_whole"], fields["_row"] = whole, row
                    # As ProjectionEvent.of, without a call.
                    made = new(kind)
                    made.__dict__ = fields
                    yield made
                counts.read += 1
                counts.position = row[at_position]
        self._look()

    def _first_of(self, row: Row, labels: tuple[str, ...]) -> Fields:
        """All fields of a row of one event."""
        return next(self._reader.drafts_of(row, labels))

    def _whole_row(self, row: Row, labels: tuple[str, ...]) -> Iterator[ProjectionEvent]:
        """The events of a row by the long way."""
        fields = dict(zip(labels, row, strict=True))
        if self._keep(fields):
            for draft in self._reader.drafts_of(row, labels):
                yield from self._settled_draft(draft)
                if self.stopped is not None or self.was_ended:
                    return

    def _decoded(self) -> Iterator[ProjectionEvent]:
        """As :meth:`events`, every event by the long way."""
        for fields in self._reader.drafts(Window(to_position=self._until), keep=self._keep):
            yield from self._settled_draft(fields)
            if self.stopped is not None or self.was_ended:
                return
        self._look()

    def _settled_draft(self, fields: Fields) -> Iterator[ProjectionEvent]:
        """What a decoded event is to projections: given to them, passed over, set aside, or stopped at."""
        counts, judge = self.counts, self._judge
        if counts.read >= self._next_look:
            self._look()
        if self.was_ended:
            return
        position = fields.get("position")
        if self._blocked and self.identity(fields) in self._blocked:
            self._set_aside(position)
        elif judge is not None:
            yield from self._judged(judge, fields)
        elif not self._wants(fields.get("type")):
            counts.ignored += 1
        elif fields.get("undecodable") is not None:
            self._trouble(fields, Status.UNDECODABLE, (fields["undecodable"],))
        else:
            fields["data"] = self._reader.dialect.python_data(fields, self._reader.codecs)
            yield ProjectionEvent.of(fields)
        if self.stopped is None:
            counts.read += 1
            counts.position = position

    def identity(self, fields: Mapping[str, Any]) -> tuple[object, ...]:
        """What names an event's stream in this store."""
        return tuple([fields.get(name) for name in self._identity])

    def _keeper(self) -> Callable[[Fields], bool]:
        """Passes over rows that no projection wants, before they are decoded; they are counted."""
        counts, wanted, blocked = self.counts, self._wanted, self._blocked

        def keep(row: Fields) -> bool:
            name = row.get("type")
            if name.__class__ is not str or wanted.get(name, True) or blocked or "position" not in row:
                # Where the type is no column of the row, only the decoded event tells.
                return True
            if counts.read >= self._next_look:
                self._look()
            if self.was_ended:
                return True
            counts.ignored += 1
            counts.read += 1
            counts.position = row["position"]
            return False

        return keep

    def _look(self) -> None:
        """Tells how far it is, and does what is wished for."""
        self._next_look = self.counts.read + _LOOK
        now = time.monotonic()
        if now - self._told_at >= _TOLD_SECONDS:
            self._told_at = now
            self._told(self.counts)
        while self._view[3] == Wish.PAUSE:
            self._view[0] = Phase.READING
            time.sleep(_PAUSE_SECONDS)
        if self._view[3] == Wish.END:
            self.was_ended = True

    # Which types

    def _wants(self, name: str | None) -> bool:
        """Whether any event of this type is to be looked at; settled once a type."""
        try:
            return self._wanted[name]
        except KeyError:
            wanted = self._wanted[name] = name is not None and self._handles(name)
            return wanted

    def _settle(self, judge: EventJudge, name: str | None) -> str:
        """``look`` at events of this type, or pass over them: they are ``declared`` as ignored, or ``unhandled``."""
        bare = judge.assess(Event(key=(), position=None, stream=None, category=None, version=None, type=name))
        if bare.status is Status.IGNORED:
            return "declared"
        if bare.status is Status.UNKNOWN_TYPE or name is None:
            return "look"
        return "look" if self._handles(name) or self._leads_to_handled(judge, bare.known) else "unhandled"

    def _leads_to_handled(self, judge: EventJudge, known: EventType | None) -> bool:
        """Whether a chain of upcasters may make an event of a handled type of it."""
        pending, seen = ([known.name] if known is not None else []), set[str]()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            if self._handles(name):
                return True
            found = judge.catalogue.types.get(name)
            for edge in found.upcasters if found is not None else ():
                pending += [target for target, _ in judge.chains.targets(name, edge)]
        return False

    # Judged by a catalogue

    def _judged(self, judge: EventJudge, fields: Fields) -> Iterator[ProjectionEvent]:
        name = fields.get("type")
        settled = self._settled.get(name)
        if settled is None:
            settled = self._settled[name] = self._settle(judge, name)
            if settled == "unhandled":
                self._wanted[name] = False
        if settled != "look":
            self.counts.ignored += 1
            self.counts.declared += settled == "declared"
            return
        event = Event(**{"key": (), **{label: value for label, value in fields.items() if label in _EVENT_FIELDS}})
        found = judge.assess(event)
        if found.status in STOPPING or found.unverified:
            self._trouble(fields, found.status, found.reasons)
        elif found.status is Status.ERASED:
            self.counts.erased += 1
            fields["data"] = _with_placeholders(event, found.known)
            yield ProjectionEvent.of(fields)
        elif found.events is None or found.status is not Status.UPCAST:
            data = self._reader.dialect.python_data(fields, self._reader.codecs)
            if found.events is not None and isinstance(data, dict):
                # Without the field that says the version, which the catalogue knows.
                kept = found.events[0].data
                data = {label: value for label, value in data.items() if label in kept}
            fields["data"] = data
            yield ProjectionEvent.of(fields)
        else:
            yield from self._upcast(fields, self._with_values(judge, fields, event, found))

    def _with_values(self, judge: EventJudge, fields: Fields, event: Event, found: Judgement) -> Sequence[Draft]:
        """The outcome of a chain with Python's values where the payload has some."""
        assert found.events is not None
        python = self._reader.dialect.python_data(fields, self._reader.codecs)
        if python is event.data or found.known is None or isinstance(found.version, NoFit):
            return found.events
        try:
            made = judge.chains.upcast((found.known.name, found.version), marked(event.data, python), event)
        except (StepFailed, Blocked, NeedsCode):
            return found.events
        for draft in made:
            draft.data = unmarked(draft.data)
        return made

    def _upcast(self, fields: Fields, made: Sequence[Draft]) -> Iterator[ProjectionEvent]:
        if not made:
            self.counts.ignored += 1
        for part, draft in enumerate(made):
            shown = None if len(made) == 1 else part
            yield ProjectionEvent.of(
                {**fields, "type": draft.type, "schema_version": draft.version, "data": draft.data, "part": shown}
            )

    # What cannot be applied

    def _trouble(self, fields: Fields, status: Status, reasons: tuple[str, ...]) -> None:
        if self._mode == "stop":
            self.stopped = Trouble(
                fields.get("position"), fields.get("stream"), fields.get("type"), status.value, reasons
            )
            return
        self._set_aside(fields.get("position"))
        if fields.get("stream") is not None:
            (self.tainted if self._mode == "quarantine-event" else self._blocked).add(self.identity(fields))

    def _set_aside(self, position: Position) -> None:
        self.counts.quarantined.append(position)


def _with_placeholders(event: Event, known: EventType | None) -> dict[str, Any]:
    """What is left of an erased payload, with ``None`` for attributes that its type has and that are gone."""
    shape = known.current_shape if known is not None else None
    left = event.data if isinstance(event.data, dict) else {}
    return {**dict.fromkeys(shape.attributes if shape is not None else ()), **left}
