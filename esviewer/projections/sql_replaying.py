"""The child's part of a replay of a projection in SQL: the events go into DuckDB, then its queries run once."""

from __future__ import annotations

import time
from typing import Any

from esviewer.projections.definition import DefinitionError, ProjectionEvent
from esviewer.projections.event_pass import Counts, EventPass
from esviewer.projections.naming import Named
from esviewer.projections.replaying import (
    Failure,
    Lane,
    Opened,
    counts_object,
    end_of,
    identity_of,
    no_view,
    opened,
    tell_progress,
    tell_rows,
    verdict_of,
)
from esviewer.projections.sandbox.entry import Run, Tell
from esviewer.projections.sandbox.spot import Phase, Spot
from esviewer.projections.sql_engine import QueryEnded
from esviewer.projections.sql_projection import SqlFailed, SqlProjection


def prepare(order: dict[str, Any]) -> Run:
    """Opens the store and DuckDB, and returns what replays a projection in SQL."""
    views: list[memoryview] = []
    store = opened(order, lambda: views[0] if views else no_view())

    def run(tell: Tell, spot: Spot) -> dict[str, Any]:
        views.append(spot.view())
        store.waits.append(tell)
        return _SqlReplaying(store, Named.told(order["projections"][0]), tell, spot, views[0]).run()

    return run


class _SqlReplaying:
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
        assert isinstance(lane.projection, SqlProjection)
        name, version = identity_of(lane.projection)
        self._tell("loaded", name=name, version=version)
        self._began = time.monotonic()
        events = self._store.new_pass([lane], self._view, self._told)
        failure = _fed(lane, events, self._view) or failure_of_queries(lane.projection)
        seconds = time.monotonic() - self._began
        was_ended = failure is QUERIES_ENDED
        self._view[0] = Phase.ENDING
        names = [] if failure is not None else tell_rows(self._tell, lane.projection, "rows")
        shown = None if was_ended else failure
        return {
            "name": name,
            "version": version,
            "applied": lane.applied,
            "counts": counts_object(events.counts),
            "verdict": "cancelled" if was_ended else verdict_of(events, failure),
            "position": end_of(events),
            "trouble": events.stopped.as_object() if events.stopped is not None else None,
            "failure": shown.as_object() if shown is not None else None,
            "tainted": [],
            "tables": names,
            "seconds": seconds,
            "read": events.counts.read,
        }

    def _told(self, counts: Counts) -> None:
        tell_progress(self._tell, counts, time.monotonic() - self._began)


def _fed(lane: Lane, events: EventPass, view: memoryview) -> Failure | None:
    """Gives all events of a pass to a projection; what failed, if anything did."""
    dispatch, counts = lane.dispatch, events.counts
    for event in events.events():
        handler = dispatch[event.type]
        if handler is None:
            counts.ignored += event.part is None
            continue
        try:
            handler(event)
        except (SqlFailed, DefinitionError) as failed:
            return _failure(failed)
        lane.applied += 1
        view[2] += 1
    return None


QUERIES_ENDED = Failure(ProjectionEvent(), "the query was ended", "", None, None, None)
"""Stands for queries that were ended since the user wished so."""


def failure_of_queries(projection: SqlProjection) -> Failure | None:
    """Runs the queries; what failed, if anything did."""
    try:
        _ = projection.tables
    except QueryEnded:
        return QUERIES_ENDED
    except SqlFailed as failed:
        return _failure(failed)
    return None


def _failure(failed: SqlFailed | DefinitionError) -> Failure:
    if isinstance(failed, DefinitionError):
        return Failure(ProjectionEvent(), str(failed), "", None, None, None)
    return Failure(ProjectionEvent(), str(failed.args[0]), "", str(failed.path), failed.line, failed.code)
