"""The child's part of comparing a projection with a live read model: a table of the database, as it is at one moment.

A is replayed to the head that the store had at that moment, or to where it is asked for; B are the table's rows, under
the names of the projection's columns. A table knows no missing column: what the projection has not set is like null.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as time_of_day
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any, Final
from uuid import UUID

from esviewer.domain import UsageError
from esviewer.projections import rows
from esviewer.projections.definition import MAIN, DefinitionError, Projection, RowKey, Table
from esviewer.projections.event_pass import Counts, EventPass
from esviewer.projections.explaining import MOST_ROWS, Explainer, OwnEvents, note_own_events
from esviewer.projections.naming import Named
from esviewer.projections.replaying import (
    Failure,
    Lane,
    Opened,
    counts_object,
    end_of,
    forward,
    identity_of,
    no_view,
    opened,
    tainted_rows,
    tell_progress,
    verdict_of,
)
from esviewer.projections.row_keys import Places, id_of
from esviewer.projections.sameness import are_same
from esviewer.projections.sandbox.entry import Run, Tell, UserCodeError
from esviewer.projections.sandbox.spot import Phase, Spot
from esviewer.stores.codecs import json_text
from esviewer.stores.read_model import ReadModel, read_model

_BATCH: Final = 250


def prepare(order: dict[str, Any]) -> Run:
    """Opens the store and reads the table, and returns what compares a projection with it once user code may run."""
    views: list[memoryview] = []
    store = opened(order, lambda: views[0] if views else no_view())
    asked = order["table"]
    live = read_model(store.database, store.reader.found, asked["name"], tuple(asked["key"]), asked["consumer"])
    names = Names.of(live, asked["columns"])

    def run(tell: Tell, spot: Spot) -> dict[str, Any]:
        views.append(spot.view())
        store.waits.append(tell)
        return _Against(store, order, live, names, tell, spot, views[0]).run()

    return run


@dataclass(frozen=True, slots=True)
class Names:
    """What the columns of a table are called in a projection: as they are, in any case, or as was said."""

    live: ReadModel
    given: Mapping[str, str]
    """Names in the projection by column of the table."""

    @classmethod
    def of(cls, live: ReadModel, given: Mapping[str, str]) -> Names:
        """Raises :class:`UsageError` where a column is named that the table has not."""
        spelled = {column.lower(): column for column in live.columns}
        for column in given:
            if column.lower() not in spelled:
                raise UsageError(f"{live.name} has no column {column!r}; it has {', '.join(live.columns)}.")
        return cls(live, {spelled[column.lower()]: name for column, name in given.items()})

    def columns(self, projected: Iterable[str]) -> dict[str, str]:
        """The column of the table for each name in the projection that has one.

        If nothing was projected, all columns but the key under their own names.
        """
        names = list(projected)
        if not names:
            return {self.given.get(c, c): c for c in self.live.columns if c not in self.live.key}
        exact = {column: column for column in self.live.columns if column not in self.given}
        lower = {column.lower(): column for column in exact}
        said = {name: column for column, name in self.given.items()}
        # A column of a row may be named by a number, which no column of a table is.
        found = {name: said.get(name) or exact.get(name) or lower.get(str(name).lower()) for name in names}
        return {name: column for name, column in found.items() if column is not None}


@dataclass(frozen=True, slots=True)
class Pair:
    """One key with the row of the projection and that of the table, ``None`` where there is none.

    ``place`` is what the key means.
    """

    key: RowKey
    place: Any
    a: dict[str, Any] | None
    b: dict[str, Any] | None


class TableComparison:
    """The rows of a projection's table beside those of the live one."""

    def __init__(self, projection: Projection, live: ReadModel, names: Names) -> None:
        tables = rows.check(projection)
        self.live = live
        self.name = table_name(tables, live.name)
        self.projected: Table = tables.get(self.name, Table())
        self.others = sorted(name for name, table in tables.items() if name != self.name and len(table))
        self.known = dict.fromkeys(name for row in dict.values(self.projected) for name in row)
        self.columns = names.columns(self.known)
        self.places = Places(dict.keys(self.projected), live.rows)

    def pairs(self) -> Iterator[Pair]:
        """All rows of both, sorted by key; a key is shown as the projection has it."""
        left, right = self.places.keys(dict.keys(self.projected)), self.places.keys(self.live.rows)
        shown = {**right, **left}
        for place in sorted(shown, key=lambda place: rows.rank(shown[place])):
            a = dict.get(self.projected, left[place]) if place in left else None
            b = self.renamed(self.live.rows[right[place]]) if place in right else None
            yield Pair(shown[place], place, a, b)

    def renamed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of the table under the projection's names."""
        return {name: row[column] for name, column in self.columns.items()}

    def differing(self, a: Mapping[str, Any] | None, b: Mapping[str, Any] | None) -> list[str]:
        """The columns in which two rows differ: all that are compared where one is not there, none where neither is."""
        if a is None or b is None:
            return [] if a is b else list(self.columns)
        return [name for name in self.columns if not _is_same(a.get(name), b[name])]

    def fits(self, row: Mapping[str, Any] | None, live: Mapping[str, Any] | None) -> bool:
        """Whether a row of the projection is the live one, as far as it is compared."""
        return (row is None) == (live is None) and not self.differing(row, live)

    def notes(self) -> list[str]:
        """Sentences on what is not compared."""
        told = []
        used = {*self.columns.values(), *self.live.key}
        unused = [column for column in self.live.columns if column not in used]
        if unused:
            told.append(f"{self.live.name} has columns that the projection has not: {', '.join(unused)}.")
        missing = [str(name) for name in self.known if name not in self.columns]
        if missing:
            told.append(f"The projection has columns that {self.live.name} has not: {', '.join(missing)}.")
        if self.others:
            told.append(f"Compared is the projection's table {self.name}, not {', '.join(self.others)}.")
        mine, theirs = self.places.keys(dict.keys(self.projected)), self.places.keys(self.live.rows)
        if mine and theirs and not mine.keys() & theirs.keys():
            one, other = next(iter(mine.values())), next(iter(theirs.values()))
            told.append(
                f"No row has the same key in both: the projection's are like {one!s}, those of {self.live.name} by "
                f"{', '.join(self.live.key)} like {other!s}; --key names other columns."
            )
        return told


class _Against:
    def __init__(
        self,
        store: Opened,
        order: dict[str, Any],
        live: ReadModel,
        names: Names,
        tell: Tell,
        spot: Spot,
        view: memoryview,
    ) -> None:
        self._store = store
        self._order = order
        self._named = Named.told(order["projections"][0])
        self._live = live
        self._names = names
        self._tell = tell
        self._spot = spot
        self._view = view
        self._until = end_of_replay(order["to"], live)
        self._began = time.monotonic()
        self._older: Lane | None = None

    def run(self) -> dict[str, Any]:
        self._spot.set(Phase.LOADING)
        lane = Lane.of(self._named, self._store.catalogue)
        if len(self._order["projections"]) > 1:
            self._older = Lane.of(Named.told(self._order["projections"][1]), self._store.catalogue)
        self._tell("loaded", projections=[identity_of(lane.projection)])
        self._began = time.monotonic()
        events = self._pass(lane)
        failure = forward(lane, events, self._view)
        seconds, read = time.monotonic() - self._began, events.counts.read
        if failure is not None:
            lane = self._before(failure, events)
        verdict = verdict_of(events, failure)
        self._view[0] = Phase.ENDING
        told = self._told_rows(lane.projection, verdict in ("complete", "quarantined"))
        return {
            "verdict": verdict,
            "position": failure.event.position if failure is not None else end_of(events),
            "trouble": events.stopped.as_object() if events.stopped is not None else None,
            "failure": failure.as_object() if failure is not None else None,
            "side": "a",
            "first": None,
            "tainted": tainted_rows(lane),
            "counts": counts_object(events.counts),
            "seconds": seconds,
            "read": read,
            **told,
        }

    def _pass(self, lane: Lane) -> EventPass:
        return self._store.new_pass([lane], self._view, self._told, self._until)

    def _told(self, counts: Counts) -> None:
        tell_progress(self._tell, counts, time.monotonic() - self._began)

    def _before(self, failure: Failure, events: EventPass) -> Lane:
        """The state before the event that failed: handlers leave rows half done where they fail."""
        again = Lane.of(self._named, self._store.catalogue)
        forward(again, self._pass(again), self._view, before_event=(events.counts.read, failure.event.part, []))
        return again

    def _told_rows(self, projection: Projection, is_whole: bool) -> dict[str, Any]:
        """Tells the rows that differ, sorted, in batches; returns the four counts and what is to be said."""
        counts = {"same": 0, "added": 0, "removed": 0, "changed": 0}
        listed: list[tuple[Pair, dict[str, Any]]] = []
        try:
            both = TableComparison(projection, self._live, self._names)
            for pair in both.pairs():
                fields = both.differing(pair.a, pair.b)
                kind = _kind(pair, fields)
                counts[kind] += 1
                if kind != "same":
                    row = {"table": both.name, "key": pair.key, "a": pair.a, "b": pair.b, "fields": fields}
                    listed.append((pair, row))
            notes = both.notes()
            if self._live.checkpoint is not None and is_whole:
                self._view[0] = Phase.READING
                notes += self._explain(both, listed)
                self._view[0] = Phase.ENDING
            for start in range(0, len(listed), _BATCH):
                batch = [row for _, row in listed[start : start + _BATCH]]
                self._tell("rows", table="", rows=json_text.dumps(batch).decode())
        except (TypeError, ValueError, DefinitionError) as wrong:
            raise UserCodeError(f"its rows cannot be shown: {wrong}", -1, "") from None
        return {**counts, "notes": notes}

    def _explain(self, both: TableComparison, listed: list[tuple[Pair, dict[str, Any]]]) -> list[str]:
        """Adds ``explained`` to the rows that differ; returns sentences on what was left out."""
        wanted = listed[:MOST_ROWS]
        lane, checkpoint = Lane.of(self._named, self._store.catalogue), self._until
        if not wanted or checkpoint is None:
            return []
        beyond = self._live.head if isinstance(self._live.head, int) else None
        events = self._store.new_pass([lane], self._view, self._told, beyond)
        own = {pair.place: OwnEvents() for pair, _ in wanted}
        note_own_events(lane, events, self._view, both.name, both.places, own, checkpoint)
        explainer = Explainer(self._named, self._store.catalogue, both.name, both.places, self._view)
        older, notes = self._previous_rows(both)
        done = 0
        for pair, row in wanted:
            if not explainer.has_time:
                break
            done += 1
            fits = partial(both.fits, live=pair.b)
            found, reason = explainer.explained(pair.place, own[pair.place], pair.a, fits)
            if older is not None and self._older is not None and fits(older.get(pair.place)):
                found.append({"kind": "old-logic", "version": identity_of(self._older.projection)[1]})
            row["explained"] = found or [{"kind": "unexplained", **({} if reason is None else {"reason": reason})}]
        if done < len(listed):
            notes.append(f"Explanations were sought for the first {done:,} differing rows only.")
        return notes

    def _previous_rows(self, both: TableComparison) -> tuple[dict[Any, dict[str, Any]] | None, list[str]]:
        """The rows that the previous version gives at the same position, by place, if there is one and it can."""
        if self._older is None:
            return None, []
        failure = forward(self._older, self._pass(self._older), self._view)
        if failure is not None:
            told = f"The previous version failed at position {failure.event.place} ({failure.sentence})"
            return None, [f"{told}: old logic was not looked for."]
        table = rows.check(self._older.projection).get(both.name) or Table()
        return {both.places.of(key): row for key, row in dict.items(table)}, []


def end_of_replay(asked: int | None, live: ReadModel) -> int | None:
    """Where the replay ends: at the checkpoint or where asked, and never behind the head that the table was read at."""
    if live.checkpoint is not None and isinstance(live.checkpoint.position, int):
        asked = live.checkpoint.position
    if not isinstance(live.head, int):
        return asked
    return live.head if asked is None else min(asked, live.head)


def table_name(tables: Mapping[str, Table], live: str) -> str:
    """Which of a projection's tables the live one is: that of its name, else the only one with rows, else ``rows``."""
    plain = live.rpartition(".")[2].lower()
    for name in tables:
        if name.lower() == plain:
            return name
    filled = [name for name, table in tables.items() if len(table)]
    return filled[0] if len(filled) == 1 else MAIN


def _kind(pair: Pair, fields: list[str]) -> str:
    if pair.a is None:
        return "added"
    if pair.b is None:
        return "removed"
    return "changed" if fields else "same"


def _is_same(projected: Any, stored: Any) -> bool:
    return are_same(projected, as_projected(stored, projected))


def as_projected(stored: Any, projected: Any) -> Any:
    """A table's value in the kind that the projection has, where the database has no such kind: SQLite keeps booleans
    as 0 and 1, JSON as text, ids as text without dashes or as 16 bytes.
    """
    if isinstance(projected, bool):
        return bool(stored) if isinstance(stored, int) and stored in (0, 1) else stored
    if isinstance(projected, Mapping | list | tuple | Set):
        return _container(stored, projected)
    if isinstance(projected, str | UUID):
        return _as_text(stored, projected)
    if isinstance(projected, int | float | Decimal) and isinstance(stored, str):
        return _number(stored)
    if isinstance(projected, date) and not isinstance(projected, datetime) and stored == projected.isoformat():
        return projected
    return stored


def _container(stored: Any, projected: Any) -> Any:
    if isinstance(stored, str | bytes):
        try:
            stored = json_text.loads(stored)[0]
        except ValueError:
            return stored
    if isinstance(projected, Set) and isinstance(stored, list):
        try:
            return set(stored)
        except TypeError:
            return stored
    return stored


def _as_text(stored: Any, projected: str | UUID) -> Any:
    if isinstance(stored, int | float) and not isinstance(stored, bool):
        return Decimal(str(stored))
    if isinstance(stored, date | time_of_day) and not isinstance(stored, datetime):
        return stored.isoformat()
    known = id_of(projected)
    return projected if known is not None and known == id_of(stored) else stored


def _number(text: str) -> Any:
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
