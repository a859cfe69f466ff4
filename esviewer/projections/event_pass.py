"""One pass over a store's events, as projections are given them: judged, upcast, set aside, counted. Runs in the child.

Read and decoded once, whatever number of projections is fed. What no projection wants is not decoded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol, TypeAlias

from esviewer.catalogue.chains import Chains
from esviewer.catalogue.model import Catalogue, EventType, Version
from esviewer.catalogue.status import STOPPING, Status
from esviewer.catalogue.steps import Draft
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event
from esviewer.projections.definition import SOURCES, ProjectionEvent
from esviewer.projections.reads import ANYTHING, Reads
from esviewer.projections.sandbox.spot import Phase, Wish
from esviewer.projections.upcast_events import with_placeholders
from esviewer.projections.wrapped import marked, unmarked
from esviewer.stores.connection import Row
from esviewer.stores.dialects.base import Fields, Picked
from esviewer.stores.reader import Reader, Window, labels_of

Mode: TypeAlias = Literal["stop", "quarantine-event", "quarantine-stream"]
MODES: Final[tuple[Mode, ...]] = ("stop", "quarantine-event", "quarantine-stream")
Position: TypeAlias = int | str | None

_EVENT_FIELDS = frozenset(Event.__slots__)
_PAUSE_SECONDS = 0.05
_HANDLING, _READING = int(Phase.HANDLING), int(Phase.READING)
"""As plain integers, which are noted in a fifth of the time."""

Way: TypeAlias = Callable[[Row], Picked | None]
"""From a row to what handlers of its type read; ``None`` sends the row the long way."""


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
        reads: Callable[[str], Reads] = lambda name: ANYTHING,
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
        self._reads = reads
        self._view = view
        self._judge = judge
        self._mode = mode
        self._until = until
        self._told = told
        # A wish from before the first event is one, too.
        self._heard = view[3] if Wish.of(view[3]) is Wish.GO_ON else -1
        self._blocked: set[tuple[object, ...]] = set()
        self._wanted: dict[str | None, bool] = {}
        self._ways: dict[object, Way | None] = {}
        self._settled: dict[str | None, str] = {}
        self._chained: dict[str | None, bool] = {}
        self._identity = reader.dialect.identity
        self._has_late_category = reader.dialect.category_from_first_event
        self._keep = self._keeper()
        self._labels = labels_of(reader.dialect.select(reader.found))
        # A kind of its own, by which events find what they are read with.
        self._kind: type[ProjectionEvent] = type("ProjectionEvent", (ProjectionEvent,), {"__slots__": ()})
        SOURCES[self._kind] = _Rows(reader, self._labels, view)

    def events(self) -> Iterator[ProjectionEvent]:
        """The events to apply, in store order. While one is given out, the phase is that of user code."""
        if self._until is not None and self._reader.dialect.position(self._reader.found) is None:
            return self._decoded()
        return self._by_chunk()

    def _by_chunk(self) -> Iterator[ProjectionEvent]:
        """As :meth:`events`: rows that a dialect knows a short way for take it, where no catalogue is asked."""
        view = self._view
        with self._reader.without_categories():
            for labels, rows in self._reader.chunks(Window(to_position=self._until)):
                view[0] = _HANDLING
                yield from self._short_ways(rows) if self._has_short_way(labels) else self._long_ways(rows)
                view[0] = _READING
                if self.was_ended or self.stopped is not None:
                    return
        self._look()

    def _has_short_way(self, labels: tuple[str, ...]) -> bool:
        return self._judge is None and self._reader.dialect.light(labels) is not None

    def _long_ways(self, rows: Sequence[Row]) -> Iterator[ProjectionEvent]:
        for row in rows:
            yield from self._whole_row(row)
            if self.was_ended or self.stopped is not None:
                return

    def _short_ways(self, rows: Sequence[Row]) -> Iterator[ProjectionEvent]:
        counts, ways, blocked, view = self.counts, self._ways, self._blocked, self._view
        at_position, at_version, at_type = map(self._labels.index, ("position", "version", "type"))
        new, kind, heard = object.__new__, self._kind, self._heard
        for row in rows:
            if view[3] != heard:
                self._look()
                if self.was_ended:
                    return
                heard = self._heard
            name = row[at_type]
            way = ways.get(name, _unknown_way)
            if way is None and not blocked:
                counts.ignored += 1
            elif way is None or blocked or (found := way(row)) is None:
                yield from self._whole_row(row)
                if self.was_ended or self.stopped is not None:
                    return
                self._learn_way(name)
                continue
            else:
                # As ProjectionEvent.of, without a call.
                made = new(kind)
                made.position, made.version, made.type, made._row = row[at_position], row[at_version], name, row
                made.stream, made.data, rest = found
                if rest is not None:
                    made.__dict__ = rest
                yield made
            counts.read += 1
            counts.position = row[at_position]

    def _learn_way(self, name: object) -> None:
        """Settles which way rows of a type go."""
        if name.__class__ is not str or name in self._ways:
            return
        assert isinstance(name, str)
        if not self._wants(name):
            self._ways[name] = None
            return
        dialect, reads = self._reader.dialect, self._reads(name)
        picking = None
        if reads.attributes is not None and reads.fields is not None:
            picking = dialect.picking(self._labels, reads.attributes, "recorded_at" in reads.fields)
        self._ways[name] = picking or _whole_picking(dialect.light(self._labels))

    def _whole_row(self, row: Row) -> Iterator[ProjectionEvent]:
        """The events of a row by the long way."""
        fields = dict(zip(self._labels, row, strict=True))
        if self._keep(fields):
            for draft in self._reader.drafts_of(row, self._labels):
                yield from self._settled_draft(draft)
                if self.stopped is not None or self.was_ended:
                    return

    def _decoded(self) -> Iterator[ProjectionEvent]:
        """As :meth:`events`, where only the decoded event tells whether it is in bounds."""
        view = self._view
        with self._reader.without_categories():
            for fields in self._reader.drafts(Window(to_position=self._until), keep=self._keep):
                view[0] = _HANDLING
                yield from self._settled_draft(fields)
                view[0] = _READING
                if self.stopped is not None or self.was_ended:
                    return
        self._look()

    def _settled_draft(self, fields: Fields) -> Iterator[ProjectionEvent]:
        """What a decoded event is to projections: given to them, passed over, set aside, or stopped at."""
        counts, judge = self.counts, self._judge
        if self._view[3] != self._heard:
            self._look()
        if self.was_ended:
            return
        position = fields.get("position")
        if self._blocked and tuple([fields.get(name) for name in self._identity]) in self._blocked:
            self._set_aside(position)
        elif judge is not None:
            yield from self._judged(judge, fields)
        elif not self._wants(fields.get("type")):
            counts.ignored += 1
        elif fields.get("undecodable") is not None:
            self._trouble(fields, Status.UNDECODABLE, (fields["undecodable"],))
        else:
            fields["data"] = self._reader.dialect.python_data(fields, self._reader.codecs)
            yield self._event(fields)
        if self.stopped is None:
            counts.read += 1
            counts.position = position

    def _event(self, fields: Fields) -> ProjectionEvent:
        """The event of decoded fields, which are used up."""
        if self._has_late_category:
            fields["_category"] = fields.pop("category", None)
        return self._kind.of(fields)

    def identity(self, event: ProjectionEvent) -> tuple[object, ...]:
        """What names an event's stream in this store."""
        return tuple([getattr(event, name) for name in self._identity])

    def _keeper(self) -> Callable[[Fields], bool]:
        """Passes over rows that no projection wants, before they are decoded; they are counted."""
        counts, wanted, blocked = self.counts, self._wanted, self._blocked

        def keep(row: Fields) -> bool:
            name = row.get("type")
            if name.__class__ is not str or wanted.get(name, True) or blocked or "position" not in row:
                # Where the type is no column of the row, only the decoded event tells.
                return True
            if self._view[3] != self._heard:
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
        view = self._view
        self._told(self.counts)
        while Wish.of(view[3]) is Wish.PAUSE:
            phase, view[0] = view[0], _READING
            time.sleep(_PAUSE_SECONDS)
            view[0] = phase
        self._heard = view[3]
        if Wish.of(self._heard) is Wish.END:
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
        bare = judge.assess(_bare(name))
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
        python = self._reader.dialect.python_data(fields, self._reader.codecs)
        event = Event(**{"key": (), **{label: value for label, value in fields.items() if label in _EVENT_FIELDS}})
        if python is not event.data and self._has_chain(judge, name):
            # A chain is run once, over texts that remember what they stand for.
            event = replace(event, data=marked(event.data, python))
        found = judge.assess(event)
        fields["status"] = found.status.value
        if found.status in STOPPING or found.unverified:
            self._trouble(fields, found.status, found.reasons)
        elif found.status is Status.ERASED:
            self.counts.erased += 1
            fields["data"] = with_placeholders(python, found.known)
            yield self._event(fields)
        elif found.events is None or found.status is not Status.UPCAST:
            if found.events is not None and isinstance(python, dict):
                # Without the field that says the version, which the catalogue knows.
                kept = found.events[0].data
                python = {label: value for label, value in python.items() if label in kept}
            fields["data"] = python
            yield self._event(fields)
        else:
            yield from self._upcast(fields, found.events)

    def _has_chain(self, judge: EventJudge, name: str | None) -> bool:
        """Whether events of a type may be upcast; settled once a type."""
        if name not in self._chained:
            known = judge.assess(_bare(name)).known
            self._chained[name] = known is not None and bool(known.upcasters)
        return self._chained[name]

    def _upcast(self, fields: Fields, made: Sequence[Draft]) -> Iterator[ProjectionEvent]:
        if not made:
            self.counts.ignored += 1
        for part, draft in enumerate(made):
            shown = None if len(made) == 1 else part
            data = unmarked(draft.data)
            yield self._event(
                {**fields, "type": draft.type, "schema_version": draft.version, "data": data, "part": shown}
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
            streams = self.tainted if self._mode == "quarantine-event" else self._blocked
            streams.add(tuple([fields.get(name) for name in self._identity]))

    def _set_aside(self, position: Position) -> None:
        self.counts.quarantined.append(position)


class _Rows:
    """What events of a pass are read with, when a handler asks for more than it was given."""

    def __init__(self, reader: Reader, labels: tuple[str, ...], view: memoryview) -> None:
        self._reader = reader
        self._labels = labels
        self._view = view

    def whole(self, row: Row) -> Fields:
        """All fields of a row of one event but its stream's category; the row's own is called ``_category``."""
        dialect, codecs = self._reader.dialect, self._reader.codecs
        (fields,) = dialect.expand(dict(zip(self._labels, row, strict=True)), codecs)
        fields["data"] = dialect.python_data(fields, codecs)
        fields["_category"] = fields.pop("category", None)
        return fields

    def category(self, event: ProjectionEvent) -> str | None:
        """The category of the event's stream, looked up where its first event was not seen."""
        phase, self._view[0] = self._view[0], _READING
        rest = {"stream": event.stream, "version": event.version, "category": event.__dict__.get("_category")}
        found = self._reader.category_of({**event.__dict__, **rest})
        self._view[0] = phase
        return found


def _bare(name: str | None) -> Event:
    """An event of a type of which nothing else is known."""
    return Event(key=(), position=None, stream=None, category=None, version=None, type=name)


def _unknown_way(row: Row) -> None:
    """The way of types that nothing is known of yet: it leads to the long one."""


def _whole_picking(light: Callable[[Row], Fields | None] | None) -> Way:
    """A short way to whole payloads as one to picked ones."""
    assert light is not None

    def pick(row: Row) -> Picked | None:
        fields = light(row)
        return None if fields is None else (fields["stream"], fields["data"], None)

    return pick
