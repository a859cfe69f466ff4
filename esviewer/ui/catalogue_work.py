"""What a catalogue needs done off the UI thread: judging every event, inferring from a store, running all rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.drift_report import report
from esviewer.catalogue.files import Loaded, dump, load, parse, read_text, save
from esviewer.catalogue.inference import Inference
from esviewer.catalogue.model import Catalogue, Version
from esviewer.catalogue.schemas import FromSchemas, from_schemas
from esviewer.catalogue.sources import FromSources, from_sources
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.versions import NoFit
from esviewer.checks import Checking
from esviewer.checks.drift import DriftRules
from esviewer.checks.registry import RULES
from esviewer.checks.run import ranked
from esviewer.checks.store import store_findings
from esviewer.checks.upcasters import Upcasters
from esviewer.domain import EsviewerError, Event, Key, UsageError
from esviewer.domain.finding import Finding
from esviewer.domain.replacing import refuse_database
from esviewer.session import StoreSession
from esviewer.stores.index import NONE, Index
from esviewer.stores.reader import Window
from esviewer.ui.catalogue_facts import LISTED, Advance, Cell, CellFact, Checked, Judged, Ticks
from esviewer.ui.finding import stored_events
from esviewer.ui.jobs import Control
from esviewer.ui.opening import reader_of
from esviewer.ui.statuses import CODES, are_flagged, are_stopping
from esviewer.workspace import read

_TOLD_SECONDS: Final = 0.25
_BLOCK: Final = 200
"""Events that are judged together."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The catalogue that counts, what its file says (``None`` where there is none), and sentences about both."""

    current: Catalogue
    saved: Catalogue | None
    notes: tuple[str, ...] = ()


def open_job(path: Path | None, unsaved: str | Path | None, control: Control) -> Opened:
    """The catalogue of a file; ``unsaved`` is one with changes that were not saved, as text or where it was kept.

    A file that cannot be read takes nothing away from what was not saved.
    """
    if unsaved is None:
        assert path is not None
        loaded = load(path)
        control.check()
        return Opened(loaded.catalogue, loaded.catalogue, tuple(f"{path.name}{note}" for note in loaded.warnings))
    text = unsaved if isinstance(unsaved, str) else read_text(unsaved)
    current = parse(text, "The catalogue that was not saved").catalogue
    control.check()
    try:
        return Opened(current, load(path).catalogue if path is not None else None)
    except EsviewerError as error:
        return Opened(current, None, (f"{error} What you changed in it and did not save is here.",))


def workspace_job(folder: Path, control: Control) -> tuple[Path, Loaded] | None:
    """The catalogue that a workspace names, with its file; ``None`` where it names none."""
    path = read(folder).catalogue
    control.check()
    return None if path is None else (path, load(path))


def save_job(catalogue: Catalogue, path: Path, control: Control) -> Catalogue:
    """Writes a catalogue, and gives it as the file says it.

    Raises :class:`CatalogueError` for one that could not be read again, :class:`UsageError` where something else is.
    """
    control.check()
    parse(dump(catalogue, as_json=path.suffix.lower() == ".json"), "Not saved: the catalogue")
    refuse_database(path)
    if path.exists() and read_text(path).strip():
        there = load(path)
        if there.warnings and there.catalogue == parse("{}").catalogue:
            raise UsageError(f"{path} holds something else than a catalogue: name another file.")
    control.check()
    save(catalogue, path)
    return load(path).catalogue


def sources_job(folder: Path, control: Control) -> FromSources:
    """The catalogue of Python sources; nothing of them is run."""
    control.check()
    return from_sources(folder)


def schemas_job(folder: Path, control: Control) -> FromSchemas:
    """The catalogue of JSON Schema and Avro files."""
    control.check()
    return from_schemas(folder)


# Judging


def judge_job(store: StoreSession, catalogue: Catalogue, before: Judged, control: Control) -> Judged:
    """The status of every event, as far as the index goes now; the rows ``before`` are known.

    Types that need no look at payloads are settled by the index alone. What has been judged meanwhile is told as
    progress, rows in store order.
    """
    return _Judging(store, catalogue, before, control).run()


class _Judging:
    def __init__(self, store: StoreSession, catalogue: Catalogue, before: Judged, control: Control) -> None:
        self._store, self._control, self._before = store, control, before
        self._began = time.monotonic()
        self._length = store.index.length
        self._first = min(len(before.codes), self._length)
        self._judge = Judge(catalogue, tuple(store.index.types), store.catalogue.runner)
        self._codes = np.zeros(self._length, np.uint8)
        self._cells = np.full(self._length, -1, np.int32)
        self._codes[: self._first] = before.codes[: self._first]
        self._cells[: self._first] = before.cells[: self._first]
        self._names: list[Cell] = list(before.names)
        self._ordinals: dict[tuple[str, type, object], int] = {
            (name, version.__class__, version): number for number, (name, version) in enumerate(before.names)
        }

    def run(self) -> Judged:
        index = self._store.index
        rows = self._settle_types(index)
        if len(rows):
            self._ask(rows)
        self._control.check()
        return self._result(whole=True)

    def _settle_types(self, index: Index) -> NDArray[np.int64]:
        """Settles rows by their types alone where that can be; gives the others."""
        types = index.column("type")[self._first : self._length]
        names = [*index.types, None]
        codes = np.zeros(len(names), np.uint8)
        cells = np.full(len(names), -1, np.int32)
        for ordinal, name in enumerate(names):
            found = self._judge.settled(name)
            if found is not None:
                codes[ordinal] = CODES[found.status]
                cells[ordinal] = self._cell(found.known.name if found.known is not None else name or "", found.version)
        self._undecided = frozenset(name for name, code in zip(names, codes.tolist(), strict=True) if not code)
        self._codes[self._first :] = codes[types]
        self._cells[self._first :] = cells[types]
        return np.flatnonzero(self._codes[self._first :] == 0) + self._first

    def _cell(self, name: str, version: Version | NoFit) -> int:
        key = (name, version.__class__, version)
        number = self._ordinals.get(key)
        if number is None:
            number = self._ordinals[key] = len(self._names)
            self._names.append((name, version))
        return number

    def _ask(self, rows: NDArray[np.int64]) -> None:
        codes, cells, control = self._codes, self._cells, self._control
        undecided, numbers = self._undecided, CODES
        told = self._began
        reader = reader_of(self._store, control)
        try:
            stored = stored_events(reader, self._store.index, rows, lambda fields: _may(fields, undecided))
            for row, event, found in self._assessed(stored):
                codes[row] = numbers[found.status]
                known = found.known
                cells[row] = self._cell(known.name if known is not None else event.type or "", found.version)
                if not row & 255:
                    control.check()
                    now = time.monotonic()
                    if now - told >= _TOLD_SECONDS:
                        told = now
                        control.progress(self._result(row + 1), always=True)
        finally:
            reader.close()

    def _assessed(self, stored: Iterator[tuple[int, Event]]) -> Iterator[tuple[int, Event, Assessment]]:
        """Rows and events with what is made of them, by blocks: functions of the user are run together."""
        while some := list(islice(stored, _BLOCK)):
            self._control.check()
            for (row, event), found in zip(some, self._judge.assess_all([event for _, event in some]), strict=True):
                yield row, event, found

    def _result(self, length: int | None = None, *, whole: bool = False) -> Judged:
        """What is known; of codes and cells only rows are shown that do not change any more."""
        length = self._length if length is None else length
        codes, cells = self._codes[:length], self._cells[:length]
        counts = counted(codes)
        seconds = time.monotonic() - self._began
        names, index = tuple(self._names), self._store.index
        if not whole:
            return Judged(codes, cells, names, counts, seconds=seconds)
        facts = tuple(_facts(index, codes, cells, names))
        self._control.check()
        ticks = {
            "time": _ticks(index.column("time")[:length], codes),
            "position": _ticks(_numbered(index.column("position")[:length]), codes),
        }
        return Judged(codes, cells, names, counts, facts, ticks, seconds)


def counted(codes: NDArray[np.uint8]) -> dict[Status, int]:
    """Events by status, those without events left out."""
    numbers = np.bincount(codes, minlength=len(CODES) + 1)
    return {status: int(numbers[code]) for status, code in CODES.items() if numbers[code]}


def _may(fields: Mapping[str, Any], undecided: frozenset[str | None]) -> bool:
    # Where the type is no column of the row, only the decoded event tells.
    name = fields.get("type")
    return name is None or name in undecided


def _facts(
    index: Index, codes: NDArray[np.uint8], cells: NDArray[np.int32], names: tuple[Cell, ...]
) -> Iterator[CellFact]:
    """Figures of each cell that has events."""
    streams, types = index.columns("stream", "type")
    order = np.argsort(cells, kind="stable")
    bounds = np.searchsorted(cells[order], np.arange(len(names) + 1))
    for number, (name, version) in enumerate(names):
        rows = order[bounds[number] : bounds[number + 1]]
        if not len(rows):
            continue
        stored = np.bincount(types[rows] + 1, minlength=len(index.types) + 1)
        own = [int(ordinal) for ordinal in np.argsort(-stored, kind="stable") if stored[ordinal] and ordinal]
        held = streams[rows]
        yield CellFact(
            name,
            version,
            len(rows),
            counted(codes[rows]),
            len(np.unique(held[held >= 0])),
            int(rows[0]),
            int(rows[-1]),
            tuple(index.types[ordinal - 1] for ordinal in own),
        )


def _numbered(positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Positions; where there are none, the events' numbers from 1 on, as the axis of the overview has them."""
    if len(positions) and bool((positions == NONE).all()):
        return np.arange(1, len(positions) + 1, dtype=np.int64)
    return positions


def _ticks(values: NDArray[np.int64], codes: NDArray[np.uint8]) -> Ticks:
    stopping = are_stopping(codes)
    parts = []
    for mask in (stopping, are_flagged(codes) & ~stopping):
        own = values[mask]
        parts.append(np.sort(own[own != NONE], kind="stable"))
    return Ticks(*parts)


def stream_job(
    events: tuple[Event, ...],
    catalogue: Catalogue,
    store_types: tuple[str, ...],
    control: Control,
    runner: FunctionRunner | None = None,
) -> NDArray[np.uint8]:
    """The status code of each event of a stream."""
    judge = Judge(catalogue, store_types, runner)
    codes = np.zeros(len(events), np.uint8)
    for start in range(0, len(events), _BLOCK):
        control.check()
        found = judge.assess_all(events[start : start + _BLOCK])
        codes[start : start + len(found)] = [CODES[one.status] for one in found]
    return codes


# Whole passes


def all_events(store: StoreSession, after: Key | None, seen: int, control: Control) -> Iterator[Event]:
    """Every event after the one with a key, which is the last of so many that were seen before, with progress."""
    index, began, told = store.index, time.monotonic(), 0.0
    reader = reader_of(store, control)
    try:
        for number, event in enumerate(reader.events(Window(after=after)), seen):
            if not number & 127:
                control.check()
                now = time.monotonic()
                if now - told >= 0.05:
                    told = now
                    total = max(index.length, number)
                    control.progress(Advance(number - seen, total - seen, now - began))
            yield event
    finally:
        reader.close()


def infer_job(store: StoreSession, control: Control) -> Catalogue:
    """The catalogue that the store's events say."""
    inference = Inference()
    for event in all_events(store, None, 0, control):
        inference.see(event)
    return inference.catalogue()


@dataclass(eq=False)
class Pass:
    """All rules in the middle of their way through a store: goes on where it ended. Used by one job at a time.

    ``length`` events have been seen, ``last`` is the key of the last of them. They may be more than the index has rows;
    ``indexed`` of them are known to be its first rows.
    """

    checking: Checking
    length: int = 0
    last: Key | None = None
    indexed: int = 0

    def holds(self, index: Index, first: int) -> bool:
        """Whether these events are still the first of the store, after the index was taken up anew from a row on."""
        if first >= self.length:
            return True
        is_added = first >= self.indexed and index.length >= self.length
        return is_added and index.key_of(self.length - 1) == self.last


def check_job(store: StoreSession, catalogue: Catalogue | None, going: Pass | None, control: Control) -> Checked:
    """Runs all rules over the events that they have not seen.

    A pass that was cancelled has seen some events and not others: it must not be gone on with.
    """
    began = time.monotonic()
    assert going is not None
    count, last = going.length, going.last
    stored = all_events(store, last, count, control)
    while some := list(islice(stored, _BLOCK)):
        for event, assessment in zip(some, going.checking.judge.assess_all(some), strict=True):
            going.checking.see(event, assessment)
        count, last = count + len(some), some[-1].key
    going.length, going.last, going.indexed = count, last, min(count, store.index.length)
    findings = tuple(ranked([*going.checking.findings(), *_of_store(store, control)]))
    control.check()
    families = going.checking.families
    drift = next((report(one.drift) for one in families if isinstance(one, DriftRules)), [])
    problems = next((one.validation.problems() for one in families if isinstance(one, Upcasters)), [])
    texts = store.index.keys.texts
    find = finder(store.index.column("position"), texts)
    rows = tuple(find(finding.positions[:LISTED]) for finding in findings)
    return Checked(findings, rows, tuple(drift), tuple(problems), catalogue, count, time.monotonic() - began)


def _of_store(store: StoreSession, control: Control) -> list[Finding]:
    """What the rules about the store as a whole find; nothing while it is being read."""
    if not store.index.complete:
        return []
    reader = reader_of(store, control)
    try:
        return store_findings(store.database.database, reader, store.index, RULES)
    finally:
        reader.close()


def new_pass(catalogue: Catalogue | None, index: Index, runner: FunctionRunner | None = None) -> Pass:
    """All rules before their first event. Without a catalogue nothing can be unknown, but payloads can drift."""
    wanted = catalogue if catalogue is not None else Catalogue(inferred=True, origin="store")
    return Pass(Checking(wanted, store_types=tuple(index.types), runner=runner))


def text_row_job(store: StoreSession, position: str, control: Control) -> int | None:
    """The row of the event at a position that is a text; ``None`` where there is none."""
    control.check()
    rows = finder(store.index.column("position"), store.index.keys.texts)((position,))
    return int(rows[0]) if len(rows) else None


def finder(
    positions: NDArray[np.int64], names: Sequence[str | None] | None
) -> Callable[[tuple[int | str, ...]], NDArray[np.int64]]:
    """Gives the rows of events at positions, in the order of the positions; what is not there is left out.

    ``names`` are positions by row where they are texts.
    """
    ascending = bool(len(positions) < 2 or (positions[1:] >= positions[:-1]).all())
    order = None if ascending else np.argsort(positions, kind="stable")
    ordered = positions if order is None else positions[order]
    texts = {name: row for row, name in enumerate(names[: len(positions)]) if name is not None} if names else {}

    def find(wanted: tuple[int | str, ...]) -> NDArray[np.int64]:
        rows: list[int] = []
        for position in wanted:
            if isinstance(position, str):
                rows += [texts[position]] if position in texts else []
                continue
            place = int(np.searchsorted(ordered, position))
            if place < len(ordered) and ordered[place] == position:
                rows.append(place if order is None else int(order[place]))
        return np.array(rows, np.int64)

    return find
