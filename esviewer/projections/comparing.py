"""The child's part of a comparison: two projections over one pass, in lockstep until they differ for the first time.

What is compared after each event are the rows that it touched, so that the first difference is exact, also where the
two agree again later. Rows that were changed behind the back of the tables are found at the end, and looked for anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

from esviewer.projections import rows
from esviewer.projections.definition import (
    UNCHANGING,
    DefinitionError,
    Handler,
    Projection,
    ProjectionEvent,
    RowKey,
    Table,
)
from esviewer.projections.event_pass import Counts, EventPass
from esviewer.projections.naming import Named
from esviewer.projections.paths import MISSING
from esviewer.projections.replaying import (
    Failure,
    Lane,
    Opened,
    as_text,
    counts_object,
    end_of,
    failure_at,
    identity_of,
    no_view,
    note_place,
    opened,
    tell_progress,
    unwatch,
    verdict_of,
    watch,
)
from esviewer.projections.row_keys import Places, Spelled
from esviewer.projections.sameness import differing, rows_are_same
from esviewer.projections.sandbox.entry import Run, Tell, UserCodeError
from esviewer.projections.sandbox.spot import Phase, Spot
from esviewer.stores.codecs import json_text

Side: TypeAlias = Literal["a", "b"]
Place: TypeAlias = tuple[str, RowKey]
"""A table and a key in it."""

_get = dict.get
_NO_HANDLERS: Final = (None, None)
_READING: Final = int(Phase.READING)
_BATCH: Final = 250
_MOST_STRAYS: Final = 1_000
"""Rows that are compared after every event of a second pass, at most."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The event after which a row differed for the first time."""

    event: ProjectionEvent
    place: Place

    def as_object(self) -> dict[str, Any]:
        """As in ``compare --json``, the key as JSON."""
        return {
            "position": self.event.position,
            "type": self.event.type,
            "stream": self.event.stream,
            "table": self.place[0],
            "key": as_text(self.place[1]),
        }


@dataclass(slots=True)
class _Outcome:
    """What one pass over both gave."""

    events: EventPass
    first: Divergence | None = None
    failure: Failure | None = None
    side: Side = "a"
    strays: tuple[Place, ...] = ()
    """Rows that differed, and no event was seen to touch them."""
    tainted: dict[str, set[RowKey]] = field(default_factory=dict)
    """Keys of rows that either touched by an event of a stream of which an earlier event was set aside."""


def prepare(order: dict[str, Any]) -> Run:
    """Opens the store, and returns what compares two projections over it once user code may run."""
    views: list[memoryview] = []
    store = opened(order, lambda: views[0] if views else no_view())

    def run(tell: Tell, spot: Spot) -> dict[str, Any]:
        views.append(spot.view())
        store.waits.append(tell)
        return _Comparing(store, [Named.told(each) for each in order["projections"]], tell, spot, views[0]).run()

    return run


class _Comparing:
    def __init__(self, store: Opened, named: list[Named], tell: Tell, spot: Spot, view: memoryview) -> None:
        self._store = store
        self._named = named
        self._tell = tell
        self._spot = spot
        self._view = view
        self._began = time.monotonic()
        self._read: dict[str | None, tuple[str, ...] | None] = {}
        """Attributes that both read together, by type; ``None`` where it may be any."""

    def run(self) -> dict[str, Any]:
        self._spot.set(Phase.LOADING)
        lanes = self._new_lanes()
        self._tell("loaded", projections=[identity_of(lane.projection) for lane in lanes])
        self._began = time.monotonic()
        try:
            return self._compared(lanes)
        except DefinitionError as wrong:
            raise UserCodeError(f"its rows cannot be shown: {wrong}", -1, "") from None

    def _compared(self, lanes: list[Lane]) -> dict[str, Any]:
        outcome = self._passed(lanes)
        seconds, read = time.monotonic() - self._began, outcome.events.counts.read
        first = outcome.first
        if outcome.strays:
            first = self._passed(self._new_lanes(), watched=outcome.strays).first or first
        if outcome.failure is not None:
            # Handlers leave rows half done where they fail: what is compared is how all was before that event.
            lanes = self._new_lanes()
            self._passed(lanes, before=(outcome.events.counts.read, outcome.failure.event.part))
        self._view[0] = Phase.ENDING
        return {
            "verdict": verdict_of(outcome.events, outcome.failure),
            "position": outcome.failure.event.position if outcome.failure is not None else end_of(outcome.events),
            "trouble": outcome.events.stopped.as_object() if outcome.events.stopped is not None else None,
            "failure": outcome.failure.as_object() if outcome.failure is not None else None,
            "side": outcome.side,
            "first": first.as_object() if first is not None else None,
            "counts": counts_object(outcome.events.counts),
            "seconds": seconds,
            "read": read,
            "tainted": _tainted_rows(outcome.tainted, lanes),
            **self._differences(lanes[0].projection, lanes[1].projection),
        }

    def _new_lanes(self) -> list[Lane]:
        return [Lane.of(named, self._store.catalogue) for named in self._named]

    def _told(self, counts: Counts) -> None:
        tell_progress(self._tell, counts, time.monotonic() - self._began)

    def _passed(
        self, lanes: list[Lane], *, watched: tuple[Place, ...] = (), before: tuple[int, int | None] | None = None
    ) -> _Outcome:
        """One pass over both; ``before`` ends it before an event, ``watched`` rows are compared after every one."""
        events = self._store.new_pass(lanes, self._view, self._told)
        outcome = _Outcome(events)
        lockstep = _Lockstep(lanes, watched) if before is None else None
        left, right = (lane.dispatch for lane in lanes)
        tainted = events.tainted
        for event in events.events():
            if before is not None and before == (events.counts.read, event.part):
                break
            handlers = left[event.type], right[event.type]
            if handlers == _NO_HANDLERS:
                events.counts.ignored += event.part is None
                continue
            is_tainted = bool(tainted) and events.identity(event) in tainted
            if is_tainted and lockstep is None:
                for lane in lanes:
                    watch(lane.projection, lambda table: outcome.tainted.setdefault(table, set()).add)
            outcome.failure = self._applied(lanes, handlers, event, outcome)
            if is_tainted and lockstep is not None:
                for table, keys in lockstep.touched():
                    outcome.tainted.setdefault(table, set()).update(keys)
            elif is_tainted:
                for lane in lanes:
                    unwatch(lane.projection)
            if outcome.failure is not None:
                return outcome
            if lockstep is not None:
                place = lockstep.difference()
                if place is not None:
                    outcome.first = Divergence(event, place)
                    outcome.strays = lockstep.strays()
                    if watched:
                        return outcome
                    lockstep.end()
                    lockstep = None
        if lockstep is not None:
            outcome.strays = lockstep.strays()
            lockstep.end()
        return outcome

    def _applied(
        self, lanes: list[Lane], handlers: tuple[Handler | None, ...], event: ProjectionEvent, outcome: _Outcome
    ) -> Failure | None:
        view, (first, second) = self._view, handlers
        note_place(view, event.position)
        given = event
        if first is not None and second is not None and not self._can_share(lanes, event):
            # What one handler does to a payload, or keeps of it, is not to be seen by the other.
            given = event.with_own_payload()
        is_second = False
        try:
            if first is not None:
                first(event)
            is_second = True
            if second is not None:
                view[2] += 1
                second(given)
        except BaseException as error:  # noqa: BLE001 - user code raises what it likes
            view[0] = _READING
            outcome.side = "b" if is_second else "a"
            return failure_at(event, error)
        return None

    def _can_share(self, lanes: list[Lane], event: ProjectionEvent) -> bool:
        """Whether both handlers are known to read no more of an event than values that cannot change."""
        name, data = event.type, event.data
        if name not in self._read:
            reads = reduce(or_, (lane.reads(name or "") for lane in lanes))
            is_known = reads.attributes is not None and reads.fields is not None and "metadata" not in reads.fields
            self._read[name] = tuple(reads.attributes or ()) if is_known else None
        names = self._read[name]
        if names is None or data.__class__ is not dict:
            return False
        return UNCHANGING.issuperset([data.get(each).__class__ for each in names])

    def _differences(self, left: Projection, right: Projection) -> dict[str, int]:
        """Tells the rows that differ, sorted, in batches; returns the four counts."""
        counts = {"same": 0, "added": 0, "removed": 0, "changed": 0}
        batch: list[dict[str, Any]] = []
        try:
            for place, a, b in pairs(left, right):
                kind = _kind(a, b)
                counts[kind] += 1
                if kind == "same":
                    continue
                fields = differing({} if a is MISSING else a, {} if b is MISSING else b)
                shown = {"a": None if a is MISSING else a, "b": None if b is MISSING else b, "fields": fields}
                batch.append({"table": place[0], "key": place[1], **shown})
                if len(batch) == _BATCH:
                    self._tell("rows", table="", rows=json_text.dumps(batch).decode())
                    batch = []
            self._tell("rows", table="", rows=json_text.dumps(batch).decode())
        except (TypeError, ValueError) as wrong:
            raise UserCodeError(f"its rows cannot be shown: {wrong}", -1, "") from None
        return counts


class _Lockstep:
    """Watches two projections, and tells after each event whether they differ in a row that it touched."""

    def __init__(self, lanes: Iterable[Lane], watched: tuple[Place, ...]) -> None:
        self._left, self._right = [lane.projection for lane in lanes]
        self._watched = watched
        self._touched: dict[str, tuple[Table, Table, list[RowKey]]] = {}
        self._last: set[Place] = set()
        for projection in (self._left, self._right):
            watch(projection, self._note_of)

    def _note_of(self, name: str) -> Callable[[RowKey], object]:
        """What takes the keys that are used of a table, whichever of the two has it first."""
        if name not in self._touched:
            # Its place is taken before the other's is made, which comes here too.
            keys: list[RowKey] = []
            self._touched[name] = Table(), Table(), keys
            self._touched[name] = self._left.table(name), self._right.table(name), keys
        return self._touched[name][2].append

    def touched(self) -> Iterator[tuple[str, list[RowKey]]]:
        """The keys that this event used, by table, as long as nobody asked for the difference."""
        return ((name, keys) for name, (_, _, keys) in self._touched.items() if keys)

    def difference(self) -> Place | None:
        """The first place that differs after this event, in the order in which they were touched."""
        for name, (left, right, keys) in self._touched.items():
            if not keys:
                continue
            # Mostly both touch one row, each once.
            for key in keys[:1] if len(keys) == 2 and keys[0] == keys[1] else dict.fromkeys(keys):
                if not rows_are_same(_get(left, key, MISSING), _get(right, key, MISSING)) and not rows_are_same(
                    _looked_up(left, key), _looked_up(right, key)
                ):
                    self._last = {(table, _meant(each)) for table, some in self.touched() for each in some}
                    return name, _meant(key)
            keys.clear()
        for name, key in self._watched:
            if not rows_are_same(_looked_up(self._left.table(name), key), _looked_up(self._right.table(name), key)):
                return name, key
        return None

    def strays(self) -> tuple[Place, ...]:
        """Rows that differ now although no event was seen to make them differ."""
        found = []
        for place, a, b in pairs(self._left, self._right):
            if place not in self._last and not rows_are_same(a, b):
                found.append(place)
                if len(found) == _MOST_STRAYS:
                    break
        return tuple(found)

    def end(self) -> None:
        """Watches no more."""
        unwatch(self._left)
        unwatch(self._right)


def pairs(left: Projection, right: Projection) -> Iterator[tuple[Place, Any, Any]]:
    """All rows of both by table and key, sorted; MISSING where one has none. Ids are keys as their texts are.

    Raises :class:`DefinitionError` where something stands for a row that is none.
    """
    tables = rows.check(left), rows.check(right)
    for name in sorted({*tables[0], *tables[1]}):
        sides = [side.get(name) or Table() for side in tables]
        places = Places(*map(dict.keys, sides), meaning=_meant)
        first, second = ({places.of(key): row for key, row in dict.items(side)} for side in sides)
        shown = {place: place.key if isinstance(place, Spelled) else place for place in {**first, **second}}
        for place in sorted(shown, key=lambda place: rows.rank(shown[place])):
            yield (name, shown[place]), first.get(place, MISSING), second.get(place, MISSING)


def _tainted_rows(tainted: dict[str, set[RowKey]], lanes: list[Lane]) -> list[list[str]]:
    """Tainted keys by table, as JSON, of rows that are there."""
    there = {
        table: {key for lane in lanes for key in keys & lane.projection.table(table).keys()}
        for table, keys in sorted(tainted.items())
    }
    return [[table, as_text(rows.sorted_keys(set(map(_meant, keys))))] for table, keys in there.items()]


def _kind(a: Any, b: Any) -> str:
    if a is MISSING:
        return "added"
    if b is MISSING:
        return "removed"
    return "same" if rows_are_same(a, b) else "changed"


def _meant(key: RowKey) -> RowKey:
    """A key with ids as their texts: one version may take them from the payload, the other from the stream's name."""
    if isinstance(key, UUID):
        return str(key)
    return tuple(map(_meant, key)) if isinstance(key, tuple) else key


def _looked_up(table: dict[RowKey, Any], key: RowKey) -> Any:
    """The row of a key in any spelling of ids."""
    for spelled in (key, _meant(key), _as_ids(key)):
        if spelled in table:
            return dict.get(table, spelled)
    return MISSING


def _as_ids(key: RowKey) -> RowKey:
    if isinstance(key, str) and len(key) == 36:
        try:
            return UUID(key)
        except ValueError:
            return key
    return tuple(map(_as_ids, key)) if isinstance(key, tuple) else key
