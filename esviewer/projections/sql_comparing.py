"""The child's part of a comparison with a projection in SQL on one side or both.

SQL has no state after each event, only a result over the first n of them. The last results are compared as always; the
first divergence is looked for by bisection over n, which finds an event that made equal results differ. Whether an
earlier one did, and the two agreed again, is then looked at for every n before it, as long as that takes few seconds:
only where it was looked at for all of them is the answer surely the first, and the result says which it is.
"""

from __future__ import annotations

import sys
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from esviewer.projections.comparing import Divergence, Place, Side, pairs
from esviewer.projections.definition import DefinitionError, Handler, Projection, ProjectionEvent, Table
from esviewer.projections.event_pass import Counts, EventPass
from esviewer.projections.naming import Named
from esviewer.projections.paths import MISSING
from esviewer.projections.replaying import (
    Dispatch,
    Failure,
    Lane,
    Opened,
    counts_object,
    end_of,
    failure_at,
    identity_of,
    no_view,
    opened,
    tell_progress,
    verdict_of,
)
from esviewer.projections.sameness import differing, rows_are_same
from esviewer.projections.sandbox.entry import Run, Tell, UserCodeError
from esviewer.projections.sandbox.spot import Phase, Spot, Wish
from esviewer.projections.sql_engine import QueryEnded
from esviewer.projections.sql_projection import SqlFailed, SqlProjection
from esviewer.projections.sql_replaying import QUERIES_ENDED, failure_of_queries
from esviewer.stores.codecs import json_text

FoundBy: TypeAlias = Literal["every-event", "bisection"]

_BATCH: Final = 250
_EVERY_SECONDS: Final = 5.0
"""How long it is looked for an earlier divergence than the one that bisection found."""
_HANDLING, _READING = int(Phase.HANDLING), int(Phase.READING)
_NO_HANDLERS: Final = (None, None)


def prepare(order: dict[str, Any]) -> Run:
    """Opens the store and DuckDB, and returns what compares two projections over it once user code may run."""
    views: list[memoryview] = []
    store = opened(order, lambda: views[0] if views else no_view())

    def run(tell: Tell, spot: Spot) -> dict[str, Any]:
        views.append(spot.view())
        store.waits.append(tell)
        return _SqlComparing(store, [Named.told(each) for each in order["projections"]], tell, spot, views[0]).run()

    return run


def bisected(low: int, high: int, differs: Callable[[int], bool]) -> int:
    """A number up to ``high`` at which ``differs`` while it does not one before; so it must be at ``low`` and ``high``.

    Not surely the first one (oracle I1).
    """
    while high - low > 1:
        middle = (low + high) // 2
        if differs(middle):
            high = middle
        else:
            low = middle
    return high


class _Shown(Projection):
    """Tables of a side as they are compared: SQL has all columns in each row, so what the other has not set is null."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._shown = tables

    @property
    def tables(self) -> Mapping[str, Table]:
        return self._shown


class _Idle(Projection):
    """Has events of the types that a projection in SQL wants, and does nothing with them."""

    def __init__(self, model: SqlProjection) -> None:
        self._types = tuple(model.handlers())

    def handlers(self) -> dict[str, Handler]:
        return dict.fromkeys(self._types, lambda event: None)


def _shown(lanes: list[Lane]) -> tuple[Projection, Projection]:
    left, right = (lane.projection for lane in lanes)
    if isinstance(left, SqlProjection) and isinstance(right, SqlProjection):
        return left, right
    if isinstance(left, SqlProjection):
        return left, _Shown(_filled(right.tables, left.tables))
    return _Shown(_filled(left.tables, right.tables)), right


def _filled(tables: Mapping[str, Table], model: Mapping[str, Table]) -> dict[str, Table]:
    """Tables with the columns that rows of the other side have, ``None`` where they have them not themselves."""
    made = {}
    for name, table in tables.items():
        first = next(iter(model.get(name, {}).values()), {})
        absent = dict.fromkeys(first)
        made[name] = Table({key: {**absent, **row} for key, row in dict.items(table)})
    return made


@dataclass(slots=True)
class _Fed:
    """Two lanes on their way through one pass; ``given`` counts events that either of them took."""

    lanes: list[Lane]
    events: EventPass
    given: int = 0
    last: ProjectionEvent | None = None
    failure: Failure | None = None
    side: Side = "a"
    taken: tuple[array[int], array[int]] = field(default_factory=lambda: (array("q"), array("q")))
    """How many events each lane had taken after each that was given."""
    steps: Iterator[None] | None = None


class _SqlComparing:
    def __init__(self, store: Opened, named: list[Named], tell: Tell, spot: Spot, view: memoryview) -> None:
        self._store = store
        self._named = named
        self._tell = tell
        self._spot = spot
        self._view = view
        self._began = time.monotonic()

    def run(self) -> dict[str, Any]:
        self._spot.set(Phase.LOADING)
        fed = self._new()
        self._tell("loaded", projections=[identity_of(lane.projection) for lane in fed.lanes])
        self._began = time.monotonic()
        for _ in self._fed(fed):
            pass
        self._query(fed)
        seconds, read = time.monotonic() - self._began, fed.events.counts.read
        was_ended = fed.failure is QUERIES_ENDED
        counts, first = {"same": 0, "added": 0, "removed": 0, "changed": 0}, None
        found_by: FoundBy | None = None
        if fed.failure is None:
            self._view[0] = Phase.ENDING
            counts = self._differences(fed)
            if counts["same"] < sum(counts.values()) and not fed.events.was_ended:
                try:
                    first, found_by = self._first(fed)
                except QueryEnded:
                    was_ended = True
                except SqlFailed as failed:
                    # Over fewer events a query may fail that does not over all; then there is no telling.
                    sys.stderr.write(f"The first divergence was not found: {failed}\n")
        shown = None if was_ended else fed.failure
        return {
            "verdict": "cancelled" if was_ended else verdict_of(fed.events, fed.failure),
            "position": shown.event.position if shown is not None and shown.event.type else end_of(fed.events),
            "trouble": fed.events.stopped.as_object() if fed.events.stopped is not None else None,
            "failure": shown.as_object() if shown is not None else None,
            "side": fed.side,
            "first": first.as_object() if first is not None else None,
            "first_by": found_by,
            "applied": [lane.applied for lane in fed.lanes],
            "counts": counts_object(fed.events.counts),
            "seconds": seconds,
            "read": read,
            **counts,
        }

    def _new(self, before: _Fed | None = None) -> _Fed:
        """New lanes and a new pass; sides of SQL that are known from ``before`` pass events over."""
        catalogue = self._store.catalogue
        lanes = []
        for at, named in enumerate(self._named):
            known = before.lanes[at].projection if before is not None else None
            if isinstance(known, SqlProjection):
                idle = _Idle(known)
                lanes.append(Lane(idle, Dispatch(idle, catalogue)))
            else:
                lanes.append(Lane.of(named, catalogue))
        return _Fed(lanes, self._store.new_pass(lanes, self._view, self._told))

    def _told(self, counts: Counts) -> None:
        tell_progress(self._tell, counts, time.monotonic() - self._began)

    def _fed(self, fed: _Fed) -> Iterator[None]:
        """Gives both the events of the pass, one at each step, until its end or a failure."""
        left, right = (lane.dispatch for lane in fed.lanes)
        view = self._view
        for event in fed.events.events():
            handlers = left[event.type], right[event.type]
            if handlers == _NO_HANDLERS:
                fed.events.counts.ignored += event.part is None
                continue
            number = event.position
            view[1] = number if isinstance(number, int) and -1 <= number < 2**63 else -1
            view[0] = _HANDLING
            # What one handler does to a payload is not to be seen by the other; SQL does nothing to it.
            is_sql = isinstance(fed.lanes[0].projection, SqlProjection)
            for at in (0, 1) if is_sql else (1, 0):
                handler, lane = handlers[at], fed.lanes[at]
                if handler is not None:
                    view[2] += 1
                    try:
                        handler(event)
                    except BaseException as error:  # noqa: BLE001 - user code raises what it likes
                        view[0] = _READING
                        fed.failure, fed.side = failure_at(event, error), "b" if at else "a"
                        return
                    lane.applied += 1
                fed.taken[at].append(lane.applied)
            view[0] = _READING
            fed.given += 1
            fed.last = event
            yield

    def _query(self, fed: _Fed) -> None:
        """Runs the queries of both; a failure is noted with its side."""
        sides: tuple[Side, Side] = ("a", "b")
        for side, lane in zip(sides, fed.lanes, strict=True):
            if fed.failure is None and isinstance(lane.projection, SqlProjection):
                fed.failure, fed.side = failure_of_queries(lane.projection), side

    def _differences(self, fed: _Fed) -> dict[str, int]:
        """Tells the rows that differ, sorted, in batches; returns the four counts."""
        counts = {"same": 0, "added": 0, "removed": 0, "changed": 0}
        batch: list[dict[str, Any]] = []
        try:
            for place, a, b in pairs(*_shown(fed.lanes)):
                if rows_are_same(a, b):
                    counts["same"] += 1
                    continue
                counts["added" if a is MISSING else "removed" if b is MISSING else "changed"] += 1
                fields = differing({} if a is MISSING else a, {} if b is MISSING else b)
                shown = {"a": None if a is MISSING else a, "b": None if b is MISSING else b, "fields": fields}
                batch.append({"table": place[0], "key": place[1], **shown})
                if len(batch) == _BATCH:
                    self._tell("rows", table="", rows=json_text.dumps(batch).decode())
                    batch = []
            self._tell("rows", table="", rows=json_text.dumps(batch).decode())
        except (TypeError, ValueError, DefinitionError) as wrong:
            raise UserCodeError(f"its rows cannot be shown: {wrong}", -1, "") from None
        return counts

    # The first divergence

    def _first(self, fed: _Fed) -> tuple[Divergence | None, FoundBy | None]:
        """The event that made the first difference, and how it was found; none if there is one without any event."""
        states = _States(self, fed)
        if states.difference(0) is not None:
            return None, None
        at = bisected(0, fed.given, lambda count: states.difference(count) is not None)
        found_by: FoundBy = "every-event"
        until = time.monotonic() + _EVERY_SECONDS
        for count in range(1, at):
            if time.monotonic() > until:
                found_by = "bisection"
                break
            if states.difference(count) is not None:
                at = count
                break
        place = states.difference(at)
        event = states.event(at)
        assert place is not None and event is not None
        return Divergence(event, place), found_by

    def refold(self, whole: _Fed) -> _Fed:
        """Both from the first event on, without what SQL has taken already."""
        fed = self._new(whole)
        fed.steps = self._fed(fed)
        return fed

    def check_wish(self) -> None:
        """Raises :class:`QueryEnded` where the user wishes for an end."""
        if Wish.of(self._view[3]) is Wish.END:
            raise QueryEnded("the search was ended", False)


class _States:
    """What both sides are after the first so many events."""

    def __init__(self, comparing: _SqlComparing, fed: _Fed) -> None:
        self._comparing = comparing
        self._whole = fed
        self._again: _Fed | None = None

    def difference(self, count: int) -> Place | None:
        """The first place that differs after ``count`` events; raises :class:`QueryEnded` and :class:`SqlFailed`."""
        self._comparing.check_wish()
        lanes = list(self._whole.lanes)
        for at, lane in enumerate(lanes):
            if isinstance(lane.projection, SqlProjection):
                lane.projection.show_only(self._whole.taken[at][count - 1] if count else 0)
            else:
                lanes[at] = self._forward(count).lanes[at]
        for place, a, b in pairs(*_shown(lanes)):
            if not rows_are_same(a, b):
                return place
        return None

    def event(self, count: int) -> ProjectionEvent | None:
        """The last of ``count`` events."""
        return self._forward(count).last

    def _forward(self, count: int) -> _Fed:
        """Both folded anew up to ``count``: on from where they are, or from the first event."""
        again = self._again
        if again is None or again.given > count:
            again = self._again = self._comparing.refold(self._whole)
        assert again.steps is not None
        while again.given < count:
            next(again.steps)
        return again
