"""What trying out a change needs done off the UI thread: a candidate for an upcaster, and a draft of a type."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.catalogue.compatibility import DataVerdict
from esviewer.catalogue.dry_run import DryRun, dry_run, with_candidate
from esviewer.catalogue.model import Catalogue, TypeVersion, Upcaster, version_text
from esviewer.catalogue.preview import Preview, preview
from esviewer.catalogue.simulator import payloads
from esviewer.catalogue.status import Judge, Status
from esviewer.domain import Event, Key, Value
from esviewer.session import StoreSession
from esviewer.stores.filter_words import Part
from esviewer.stores.index import NONE, Index
from esviewer.ui.catalogue_facts import Advance
from esviewer.ui.finding import Rows, stored_events
from esviewer.ui.jobs import Control
from esviewer.ui.opening import reader_of
from esviewer.ui.statuses import LOOKS, as_sentence
from esviewer.ui.widgets import Tone
from esviewer.ui.widgets.format import grouped

_KEPT_BYTES: Final = 8_000_000
_KEPT_EVENTS: Final = 50_000
"""Up to so much is kept from one edit of a draft to the next: then each edit is answered in milliseconds."""
_SPANS: Final = 300
"""Spans of positions that a filter names: more would be no filter that anybody can read."""


def rows_of_type(index: Index, judge: Judge, name: str) -> Rows:
    """The rows of events that may be of a type of the catalogue, ascending."""
    wanted = np.array([_is_of(judge, stored, name) for stored in (*index.types, None)], np.bool_)
    return np.flatnonzero(wanted[index.column("type")])


def _is_of(judge: Judge, stored: str | None, name: str) -> bool:
    if stored is None:
        # Where the type is no column of the row, only the decoded event tells.
        return True
    known = judge.entry_type(stored)
    return known is not None and known.name == name


class _Walk:
    """The events of a type, with progress; ``given`` are the rows of those that were read."""

    def __init__(self, store: StoreSession, judge: Judge, name: str, control: Control) -> None:
        self._store, self._control = store, control
        self._names = frozenset(stored for stored in (*store.index.types, None) if _is_of(judge, stored, name))
        self.given = array("q")
        self.rows = rows_of_type(store.index, judge, name)

    def _may(self, fields: Mapping[str, Any]) -> bool:
        return fields.get("type") in self._names

    def __iter__(self) -> Iterator[Event]:
        control, began, total = self._control, time.monotonic(), len(self.rows)
        reader = reader_of(self._store, control)
        try:
            for number, (row, event) in enumerate(stored_events(reader, self._store.index, self.rows, self._may)):
                if not number & 127:
                    control.check()
                    control.progress(Advance(number, total, time.monotonic() - began))
                self.given.append(row)
                yield event
        finally:
            reader.close()


# A candidate for an upcaster


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """What a candidate did with the stored events, and what becomes of those that are worth a look, hop by hop."""

    edge: Upcaster
    run: DryRun
    previews: Mapping[Key, Preview]
    seconds: float


def candidate_job(store: StoreSession, catalogue: Catalogue, name: str, edge: Upcaster, control: Control) -> Tried:
    """Runs a candidate over all stored events of its type."""
    began = time.monotonic()
    types = tuple(store.index.types)
    walk = _Walk(store, Judge(catalogue, types), name, control)
    runner = store.catalogue.runner
    found = dry_run(catalogue, name, edge, walk, store_types=types, runner=runner)
    judge = Judge(with_candidate(catalogue, name, edge), types, runner)
    previews: dict[Key, Preview] = {}
    for event in found.sample.events:
        control.check()
        previews[event.key] = preview(judge, event)
    return Tried(edge, found, previews, time.monotonic() - began)


def outcome_of(found: Tried) -> tuple[str, Tone]:
    """What the candidate did, in a sentence or two."""
    run = found.run
    source = version_text(found.edge.source)
    if not run.tried:
        return f"No stored event of the type has version {source}: there is nothing to try.", "second"
    good = run.tried - len(run.failures)
    words = f"{grouped(good)} of {grouped(run.tried)} events that need it come through."
    changed = [
        f"{LOOKS[status].word.lower()} {grouped(run.before[status])} → {grouped(run.after[status])}"
        for status in LOOKS
        if run.before[status] != run.after[status]
    ]
    if changed:
        words += f" {as_sentence(', '.join(changed))}"
    blocked = run.after[Status.BLOCKED]
    if blocked:
        words += f" {grouped(blocked)} are still blocked: the chain does not reach the current version."
    return words, "removed" if run.failures else "changed" if blocked else "added"


# A draft of a type


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """What a draft of a type is given, kept: payloads as projections see them, with row and position of their events.

    True for one catalogue and for so many rows of the index.
    """

    catalogue: Catalogue
    type: str
    length: int
    payloads: tuple[tuple[int, int | str | None, Value], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Affected:
    """What a draft does to stored events. ``rows`` are those of events that its tolerant reader cannot read.

    ``filter`` leads to them in the table of events, ``is_cut`` where there are more than it names; ``None`` where the
    store has no numbers for positions.
    """

    tolerant: DataVerdict
    strict: DataVerdict
    rows: NDArray[np.int64]
    filter: tuple[Part, ...] | None
    is_cut: bool
    given: Given | None
    seconds: float


def draft_job(
    store: StoreSession, catalogue: Catalogue, name: str, draft: TypeVersion, kept: Given | None, control: Control
) -> Affected:
    """Which stored events a draft cannot read; from what was ``kept`` where that is still so."""
    began, length = time.monotonic(), store.index.length
    tolerant, strict = DataVerdict(draft, "tolerant"), DataVerdict(draft, "strict", with_reasons=False)
    affected: list[int] = []
    judge = Judge(catalogue, tuple(store.index.types), store.catalogue.runner)
    is_kept = kept is not None and kept.catalogue is catalogue and kept.type == name and kept.length == length
    walk = _Walk(store, judge, name, control)
    source = kept.payloads if kept is not None and is_kept else _read(walk, judge, name)
    known: list[tuple[int, int | str | None, Value]] | None
    known = [] if _is_small(store.index, walk.rows) and not is_kept else None
    for number, (row, position, payload) in enumerate(source):
        if not number & 1023:
            control.check()
        before = len(tolerant.failing)
        tolerant.see(position, payload)
        strict.see(position, payload)
        if len(tolerant.failing) > before and (not affected or affected[-1] != row):
            affected.append(row)
        if known is not None:
            known.append((row, position, payload))
    given = kept if is_kept else None if known is None else Given(catalogue, name, length, tuple(known))
    rows = np.array(affected, np.int64)
    wanted, is_cut = filter_of(store.index, rows, walk.rows)
    return Affected(tolerant, strict, rows, wanted, is_cut, given, time.monotonic() - began)


def _read(walk: _Walk, judge: Judge, name: str) -> Iterator[tuple[int, int | str | None, Value]]:
    for number, position, payload in payloads(judge, name, walk):
        yield walk.given[number], position, payload


def _is_small(index: Index, rows: Rows) -> bool:
    return len(rows) <= _KEPT_EVENTS and int(index.column("size")[rows].sum(dtype=np.int64)) <= _KEPT_BYTES


def filter_of(index: Index, rows: Rows, own: Rows) -> tuple[tuple[Part, ...] | None, bool]:
    """The filter that means these of a type's ``own`` rows, and whether some had to be left out.

    Rows between which no other of the type's lie are named as one span of positions.
    """
    positions = index.column("position")
    if not len(rows) or bool((positions[rows] == NONE).any()):
        return None, False
    names = [index.types[ordinal] for ordinal in np.unique(index.column("type")[rows]).tolist() if ordinal >= 0]
    places = np.searchsorted(own, rows)
    breaks = np.flatnonzero(np.diff(places) != 1)
    firsts = np.concatenate(([0], breaks + 1))[:_SPANS]
    lasts = np.concatenate((breaks, [len(rows) - 1]))[:_SPANS]
    # Positions need not ascend with rows.
    spans = [
        (int(positions[rows[first]]), int(positions[rows[last]])) for first, last in zip(firsts, lasts, strict=True)
    ]
    words = ",".join(str(low) if low == high else f"{low}-{high}" for low, high in (sorted(span) for span in spans))
    return (*(Part("type", name) for name in names), Part("position", words)), len(breaks) + 1 > _SPANS
