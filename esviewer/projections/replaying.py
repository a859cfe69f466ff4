"""The child's part of a replay: opens the store, loads the projection, folds, and tells rows and verdict."""

from __future__ import annotations

import base64
import copy
import gc
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Final

from esviewer.catalogue import files as catalogue_files
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.domain import Cancelled, EsviewerError
from esviewer.projections import loading, rows, sql_engine
from esviewer.projections.definition import (
    ANY,
    DefinitionError,
    Handler,
    Projection,
    ProjectionEvent,
    RowKey,
    Table,
    WatchedTable,
)
from esviewer.projections.event_pass import Counts, EventPass, Position
from esviewer.projections.naming import Named
from esviewer.projections.paths import MISSING
from esviewer.projections.reads import Reads, of_handler
from esviewer.projections.sandbox.entry import Run, Tell, UserCodeError, failure_of
from esviewer.projections.sandbox.spot import Phase, Spot, Wish
from esviewer.projections.upcast_functions import FunctionsHere
from esviewer.stores.codecs import json_text
from esviewer.stores.database import Database, open_database
from esviewer.stores.reader import Reader, Window

_BATCH: Final = 500
"""Rows told at once."""
_READING: Final = int(Phase.READING)


@dataclass(frozen=True, slots=True)
class Opened:
    """The store that a child reads, opened before it runs any user code."""

    database: Database
    reader: Reader
    catalogue: Catalogue | None
    order: dict[str, Any]
    runner: FunctionsHere | None = None
    """Runs the catalogue's Python upcasters, where they may run."""
    waits: list[Tell] = field(default_factory=list)
    """Told by ``waiting`` with a sentence where a lost server is waited for."""

    def new_pass(
        self, lanes: list[Lane], view: memoryview, told: Callable[[Counts], None], until: int | None = None
    ) -> EventPass:
        """A pass from the first event on; ``until`` goes before what the order says."""
        return EventPass(
            self.reader,
            lambda name: any(lane.dispatch[name] is not None for lane in lanes),
            view,
            reads=lambda name: reduce(or_, (lane.reads(name) for lane in lanes)),
            judge=Judge(self.catalogue, runner=self.runner) if self.catalogue is not None else None,
            mode=self.order["mode"],
            until=self.order["to"] if until is None else until,
            told=told,
        )


def opened(order: dict[str, Any], view: Callable[[], memoryview]) -> Opened:
    """Opens the store and reads a first event, so that no file has to be opened when user code runs."""
    key = base64.b64decode(order["key"]) if order["key"] else None
    catalogue = None
    if order["catalogue"] is not None:
        catalogue = catalogue_files.load(Path(order["catalogue"])).catalogue
    database = open_database(order["address"], key=key, password=order["password"])

    waits: list[Tell] = []

    def waiting(sentence: str, seconds: float) -> None:
        # Waiting for a server is no fault of a handler.
        view()[0] = Phase.READING
        if Wish.of(view()[3]) is Wish.END:
            raise Cancelled("Cancelled while waiting for the server.")
        for tell in waits:
            tell("waiting", sentence=sentence, seconds=seconds)

    reader = database.reader(database.named(order["store"]), waiting=waiting, patience=order["patience"])
    for _ in reader.events(Window(limit=1)):
        break
    sql_engine.make_ready(order, view)
    # Rows and payloads are no garbage in cycles: looking for such less often saves a twelfth of the time.
    gc.set_threshold(20_000, 20, 100)
    runner = None if order["code"] is None else FunctionsHere.of_store(reader.found, reader.codecs, Path(order["code"]))
    return Opened(database, reader, catalogue, order, runner, waits)


class Dispatch(dict[str | None, Handler | None]):
    """The handler of each stored type: by its own name, else by what the catalogue calls it."""

    def __init__(self, projection: Projection, catalogue: Catalogue | None) -> None:
        handlers = projection.handlers()
        super().__init__(handlers.items())
        self._any = handlers.get(ANY)
        known = catalogue.by_name() if catalogue is not None else {}
        self._by_meaning = {known[name].name: handler for name, handler in handlers.items() if name in known}
        self._judge = Judge(catalogue) if catalogue is not None else None

    def __missing__(self, name: str | None) -> Handler | None:
        known = self._judge.entry_type(name) if self._judge is not None else None
        found = self._by_meaning.get(known.name) if known is not None else None
        if found is None:
            found = self._any
        self[name] = found
        return found


@dataclass(slots=True)
class Lane:
    """One projection on its way through the events."""

    projection: Projection
    dispatch: Dispatch
    applied: int = 0
    tainted: dict[str, set[RowKey]] = field(default_factory=dict)
    """Keys of rows that were touched by an event of a stream of which an earlier event was set aside."""

    @classmethod
    def of(cls, named: Named, catalogue: Catalogue | None) -> Lane:
        """A new one; raises what loading raises."""
        projection = loading.made(named)
        return cls(projection, Dispatch(projection, catalogue))

    def reads(self, name: str) -> Reads:
        """What is asked of events of a stored type."""
        handler = self.dispatch[name]
        return Reads() if handler is None else of_handler(handler)


@dataclass(slots=True)
class Failure:
    """A handler that raised: at which event, where in the user's files, and the rows that it touched as they were."""

    event: ProjectionEvent
    sentence: str
    details: str
    file: str | None
    line: int | None
    code: str | None
    rows: list[tuple[str, RowKey, Any]] = field(default_factory=list)

    def as_object(self) -> dict[str, Any]:
        """For the way out of the child."""
        before = [{"table": t, "key": k, "row": None if row is MISSING else row} for t, k, row in self.rows]
        return {
            "position": self.event.position,
            "place": self.event.place,
            "stream": self.event.stream,
            "type": self.event.type,
            "data": as_text(self.event.whole_payload()),
            "sentence": self.sentence,
            "details": self.details,
            "file": self.file,
            "line": self.line,
            "code": self.code,
            "rows_before": as_text(before),
        }


def prepare(order: dict[str, Any]) -> Run:
    """Opens the store, and returns what replays it once user code may run."""
    views: list[memoryview] = []
    store = opened(order, lambda: views[0] if views else no_view())

    def run(tell: Tell, spot: Spot) -> dict[str, Any]:
        views.append(spot.view())
        store.waits.append(tell)
        return _Replaying(store, Named.told(order["projections"][0]), tell, spot, views[0]).run()

    return run


class _Replaying:
    def __init__(self, store: Opened, named: Named, tell: Tell, spot: Spot, view: memoryview) -> None:
        self._store = store
        self._named = named
        self._tell = tell
        self._spot = spot
        self._view = view
        self._began = time.monotonic()

    def run(self) -> dict[str, Any]:
        self._spot.set(Phase.LOADING)
        lane = Lane.of(self._named, self._store.catalogue)
        name, version = identity_of(lane.projection)
        self._tell("loaded", name=name, version=version)
        self._began = time.monotonic()
        events = self._store.new_pass([lane], self._view, self._told)
        failure = forward(lane, events, self._view)
        seconds = time.monotonic() - self._began
        read = events.counts.read
        if failure is not None:
            lane, events, failure = self._again(failure, lane, events)
        self._view[0] = Phase.ENDING
        names = tell_rows(self._tell, lane.projection, "rows")
        return {
            "name": name,
            "version": version,
            "applied": lane.applied,
            "counts": counts_object(events.counts),
            "verdict": verdict_of(events, failure),
            "position": failure.event.position if failure is not None else end_of(events),
            "trouble": events.stopped.as_object() if events.stopped is not None else None,
            "failure": failure.as_object() if failure is not None else None,
            "tainted": tainted_rows(lane),
            "tables": names,
            "seconds": seconds,
            "read": read,
        }

    def _told(self, counts: Counts) -> None:
        tell_progress(self._tell, counts, time.monotonic() - self._began)

    def _again(self, failure: Failure, lane: Lane, events: EventPass) -> tuple[Lane, EventPass, Failure]:
        """The state before the event that failed, and the rows it touched, by another pass that stops before it.

        Nothing is kept for going back while a replay runs well, which nearly all do; that costs more than it is worth.
        """
        again = Lane.of(self._named, self._store.catalogue)
        position = failure.event.position
        retried = self._store.new_pass([again], self._view, self._told, position if isinstance(position, int) else None)
        before: list[tuple[str, RowKey, Any]] = []
        second = forward(again, retried, self._view, before_event=(events.counts.read, failure.event.part, before))
        if second is None:
            # It does not fail twice: chance or a clock is in it, and the rows are as the handler left them.
            return lane, events, failure
        second.rows = before
        return again, retried, second


def identity_of(projection: Projection) -> tuple[str, int | str]:
    """Name and version as they can be told, whatever was given as such."""
    version: object = projection.version
    is_plain = isinstance(version, int | str) and not isinstance(version, bool)
    return str(projection.name), version if is_plain else str(version)  # type: ignore[return-value]


def no_view() -> memoryview:
    """What stands for the view of a spot while there is none."""
    return memoryview(bytearray(32)).cast("q")


def forward(
    lane: Lane,
    events: EventPass,
    view: memoryview,
    *,
    before_event: tuple[int, int | None, list[tuple[str, RowKey, Any]]] | None = None,
) -> Failure | None:
    """Gives a projection the events of a pass; returns what failed, if anything did.

    With ``before_event`` (how many were read before it, its part) the rows that this event touches are remembered in
    the list that is given, and put back if its handler raises.
    """
    dispatch, tainted, counts = lane.dispatch, events.tainted, events.counts
    applied = 0
    for event in events.events():
        handler = dispatch[event.type]
        if handler is None:
            counts.ignored += event.part is None
            continue
        applied += 1
        note_place(view, event.position)
        try:
            if before_event is not None and before_event[:2] == (counts.read, event.part):
                _remembering(lane, handler, event, before_event[2])
            elif tainted and events.identity(event) in tainted:
                _tainting(lane, handler, event)
            else:
                handler(event)
        except BaseException as error:  # noqa: BLE001 - user code raises what it likes
            view[0] = _READING
            lane.applied = applied - 1
            return failure_at(event, error)
    lane.applied = applied
    return None


def note_place(view: memoryview, position: Position) -> None:
    """Notes for whoever watches that user code begins with an event: its position if that is a number, and a beat."""
    try:
        view[1] = position  # type: ignore[assignment]
    except (TypeError, ValueError):
        view[1] = -1
    view[2] += 1


def raise_own(error: BaseException) -> None:
    """Raises again what a handler only passed on: the store could not be read, which is no fault of its."""
    if isinstance(error, EsviewerError) and not isinstance(error, DefinitionError):
        raise error


def failure_at(event: ProjectionEvent, error: BaseException) -> Failure:
    """What a handler's exception says, with the line of the user's file that it came from.

    Raises it again where it is none of theirs: the store could not be read.
    """
    raise_own(error)
    told = failure_of(error, -1)
    own = str(Path(__file__).parent)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(own)]
    if not frames:
        return Failure(event, str(told), told.details, None, None, None)
    last = frames[-1]
    return Failure(event, str(told), told.details, last.filename, last.lineno, last.line)


# Which rows an event touches


def watch(projection: Projection, note_of: Callable[[str], Callable[[RowKey], object]]) -> None:
    """Has every use of a key told to what ``note_of`` gives for its table, until :func:`unwatch`."""

    def begin(name: str, table: Table) -> None:
        table.__class__ = WatchedTable
        assert isinstance(table, WatchedTable)
        table.note = note_of(name)

    for name, table in projection.tables.items():
        begin(name, table)
    projection.watching = begin


def unwatch(projection: Projection) -> None:
    """The end of :func:`watch`."""
    projection.watching = None
    for table in projection.tables.values():
        table.__class__ = Table


def _tainting(lane: Lane, handler: Handler, event: ProjectionEvent) -> None:
    watch(lane.projection, lambda table: lane.tainted.setdefault(table, set()).add)
    try:
        handler(event)
    finally:
        unwatch(lane.projection)


def _remembering(lane: Lane, handler: Handler, event: ProjectionEvent, before: list[tuple[str, RowKey, Any]]) -> None:
    held: dict[tuple[str, RowKey], Any] = {}

    def note(name: str, key: RowKey) -> None:
        if (name, key) not in held:
            held[name, key] = _copied(dict.get(lane.projection.tables[name], key, MISSING))

    watch(lane.projection, lambda name: lambda key: note(name, key))
    try:
        handler(event)
    except BaseException:
        unwatch(lane.projection)
        for (name, key), row in held.items():
            before.append((name, key, row))
            if row is MISSING:
                dict.pop(lane.projection.tables[name], key, None)
            else:
                dict.__setitem__(lane.projection.tables[name], key, row)
        raise
    unwatch(lane.projection)


def _copied(row: Any) -> Any:
    try:
        return copy.deepcopy(row) if row is not MISSING else row
    except Exception:  # noqa: BLE001 - values of the user's own kinds copy as they like, or not at all
        return dict(row)


# The way out


def verdict_of(events: EventPass, failure: object) -> str:
    """The verdict in the contract's word."""
    if failure is not None:
        return "failed"
    if events.stopped is not None:
        return "stopped"
    if events.was_ended:
        return "cancelled"
    return "quarantined" if events.counts.quarantined else "complete"


def end_of(events: EventPass) -> Position:
    """The position that goes with the verdict: of the event stopped at, else of the last one that was read."""
    return events.stopped.position if events.stopped is not None else events.counts.position


def tainted_rows(lane: Lane) -> list[list[str]]:
    """Keys of tainted rows that are there, by table, as JSON."""
    tables = lane.projection.tables
    return [
        [table, as_text(rows.sorted_keys(keys & tables[table].keys()))] for table, keys in sorted(lane.tainted.items())
    ]


def counts_object(counts: Counts) -> dict[str, Any]:
    """Counts for the way out."""
    return {
        "ignored": counts.ignored,
        "declared": counts.declared,
        "erased": counts.erased,
        "quarantined": counts.quarantined,
    }


def tell_progress(tell: Tell, counts: Counts, seconds: float) -> None:
    """How far it is, and how fast, in events a second."""
    tell("progress", read=counts.read, position=counts.position, rate=counts.read / seconds if seconds else 0.0)


def tell_rows(tell: Tell, projection: Projection, kind: str) -> list[str]:
    """Tells all rows by table, sorted, in batches; returns the names of the tables.

    As JSON within JSON, since only the tool's own writer keeps numbers as they are.
    """
    try:
        tables = rows.check(projection)
        for name, table in tables.items():
            keys = rows.sorted_keys(table)
            for start in range(0, len(keys), _BATCH):
                some = [rows.row_object(key, table[key]) for key in keys[start : start + _BATCH]]
                tell(kind, table=name, rows=json_text.dumps(some).decode())
    except (TypeError, ValueError, DefinitionError) as wrong:
        raise UserCodeError(f"its rows cannot be shown: {wrong}", -1, "") from None
    return list(tables)


def as_text(value: object) -> str:
    """JSON, whatever the value."""
    try:
        return json_text.dumps(value).decode()
    except (TypeError, ValueError):
        return json_text.dumps(repr(value)).decode()
