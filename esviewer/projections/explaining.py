"""Why a row of a live read model is not what a replay gives, from the row's own events alone. Runs in the child.

A row is folded anew from the events that touched it: from fewer (lag), from more than the checkpoint covers (ahead),
without one (missed), with one twice (doubled). Where that leads to the live row, it is an explanation; all are told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from esviewer.catalogue.model import Catalogue
from esviewer.projections import rows
from esviewer.projections.definition import ProjectionEvent, RowKey, Table
from esviewer.projections.event_pass import EventPass
from esviewer.projections.naming import Named
from esviewer.projections.replaying import Lane, note_place, raise_own, unwatch, watch
from esviewer.projections.row_keys import Places
from esviewer.projections.sameness import rows_are_same
from esviewer.projections.sandbox.spot import Phase

MOST_EVENTS: Final = 200
"""Events of one row from which explanations are sought (domain.md, §3i)."""
MOST_ROWS: Final = 1_000
MOST_SECONDS: Final = 60.0

Explanation = dict[str, Any]
Fits = Callable[[Mapping[str, Any] | None], bool]
"""Whether a row, ``None`` for none, is the live one."""

_HANDLING = int(Phase.HANDLING)


@dataclass(slots=True)
class OwnEvents:
    """The events that touched one row, up to the checkpoint and behind it, as they were before handlers had them."""

    until: list[ProjectionEvent] = field(default_factory=list)
    later: list[ProjectionEvent] = field(default_factory=list)

    @property
    def are_too_many(self) -> bool:
        """Whether there were more than are looked at."""
        return len(self.until) > MOST_EVENTS

    def add(self, event: ProjectionEvent, checkpoint: int) -> None:
        """Takes one more, unless there are too many already."""
        known = self.until if isinstance(event.position, int) and event.position <= checkpoint else self.later
        if len(known) <= MOST_EVENTS:
            known.append(event)


@dataclass(frozen=True, slots=True)
class _State:
    """A row at some moment: whether it is the live one, and whether it is what the replay gave."""

    fits: bool
    is_replayed: bool


def note_own_events(
    lane: Lane,
    events: EventPass,
    view: memoryview,
    table: str,
    places: Places,
    own: dict[Any, OwnEvents],
    checkpoint: int,
) -> None:
    """Adds the events that touch each of some rows of a table, by where they belong; ends where a handler fails."""
    touched: set[Any] = set()

    def note(name: str) -> Callable[[RowKey], object]:
        return (lambda key: touched.add(places.of(key))) if name == table else (lambda key: None)

    watch(lane.projection, note)
    try:
        for event in events.events():
            if (handler := lane.dispatch[event.type]) is None:
                continue
            kept = event.with_own_payload()
            if _failed(handler, event, view):
                break
            for place in touched:
                if place in own:
                    own[place].add(kept, checkpoint)
            touched.clear()
    finally:
        unwatch(lane.projection)


def _failed(handler: Callable[[ProjectionEvent], object], event: ProjectionEvent, view: memoryview) -> bool:
    """Whether a handler raises: a history that fails explains nothing. What is no fault of its goes through."""
    before = view[0]
    note_place(view, event.position)
    view[0] = _HANDLING
    try:
        handler(event)
    except BaseException as error:  # noqa: BLE001 - user code raises what it likes
        raise_own(error)
        return True
    finally:
        view[0] = before
    return False


class Explainer:
    """Seeks explanations row by row, for a while."""

    def __init__(self, named: Named, catalogue: Catalogue | None, table: str, places: Places, view: memoryview) -> None:
        self._named = named
        self._catalogue = catalogue
        self._table = table
        self._places = places
        self._view = view
        self._ends = time.monotonic() + MOST_SECONDS

    @property
    def has_time(self) -> bool:
        """Whether another row is to be looked at."""
        return time.monotonic() < self._ends

    def explained(
        self, place: Any, own: OwnEvents, replayed: Mapping[str, Any] | None, fits: Fits
    ) -> tuple[list[Explanation], str | None]:
        """What explains a live row, the likeliest first, and why it could not be looked for."""
        # Between events, too, user code may run: values of its own kinds are compared.
        self._view[2] += 1
        self._view[0] = _HANDLING
        if own.are_too_many:
            return [], f"more than {MOST_EVENTS} events touched it"
        states = list(self._states(place, [*own.until, *own.later], replayed, fits))
        count = len(own.until)
        if len(states) <= count or not states[count].is_replayed:
            return [], "it depends on other rows, or on what a replay does not repeat"
        behind = zip(own.later, states[count + 1 :], strict=False)
        return [
            *self._lags(own.until, states[:count]),
            *({"kind": "ahead", "position": event.position} for event, state in behind if state.fits),
            *self._without_one(place, own.until, fits),
            *self._with_one_twice(place, own.until, fits),
        ], None

    def _lags(self, events: list[ProjectionEvent], states: list[_State]) -> Iterator[Explanation]:
        """Earlier states, the latest first; ``position`` is that of the last event in it, ``None`` before the first."""
        for number in reversed(range(len(states))):
            if states[number].fits:
                yield {"kind": "lag", "position": events[number - 1].position if number else None}

    def _without_one(self, place: Any, events: list[ProjectionEvent], fits: Fits) -> Iterator[Explanation]:
        for number, event in enumerate(events):
            if self._leads_there(place, [*events[:number], *events[number + 1 :]], fits):
                yield {"kind": "missed", "position": event.position}

    def _with_one_twice(self, place: Any, events: list[ProjectionEvent], fits: Fits) -> Iterator[Explanation]:
        for number, event in enumerate(events):
            if self._leads_there(place, [*events[: number + 1], *events[number:]], fits):
                yield {"kind": "doubled", "position": event.position}

    def _leads_there(self, place: Any, events: list[ProjectionEvent], fits: Fits) -> bool:
        lane = Lane.of(self._named, self._catalogue)
        return all(self._goes_on(lane, event) for event in events) and fits(self._row(lane, place))

    def _states(
        self, place: Any, events: list[ProjectionEvent], replayed: Mapping[str, Any] | None, fits: Fits
    ) -> Iterator[_State]:
        """How the row is before the first event and after each, up to the first that fails."""
        lane = Lane.of(self._named, self._catalogue)
        yield _State(fits(None), replayed is None)
        for event in events:
            if not self._goes_on(lane, event):
                return
            row = self._row(lane, place)
            yield _State(fits(row), _are_same(row, replayed))

    def _goes_on(self, lane: Lane, event: ProjectionEvent) -> bool:
        handler = lane.dispatch[event.type]
        return handler is None or not _failed(handler, event.with_own_payload(), self._view)

    def _row(self, lane: Lane, place: Any) -> Mapping[str, Any] | None:
        table = rows.check(lane.projection).get(self._table, Table())
        return next((row for key, row in dict.items(table) if self._places.of(key) == place), None)


def _are_same(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> bool:
    return left is right if left is None or right is None else rows_are_same(left, right)
