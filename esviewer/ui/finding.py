"""What a filter needs done off the UI thread: which rows and which events it means, and writing those to a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, UsageError, Value
from esviewer.domain.objects import event_object
from esviewer.domain.replacing import replacing
from esviewer.session import StoreSession
from esviewer.stores.filters import EventFilter, StatusOf
from esviewer.stores.index import NONE, Index
from esviewer.stores.reader import Reader, Window
from esviewer.stores.row_reading import PAGE, events_of_rows, streams_of_rows
from esviewer.ui.jobs import Control
from esviewer.ui.opening import reader_of
from esviewer.ui.store_table_export import FORMATS

Rows = NDArray[np.int64]
Keep = Callable[[Mapping[str, Any]], bool]

_TOLD_SECONDS, _TOLD_SELDOM = 0.25, 2.0
"""Views draw anew with each part, which takes them some 50 ms in a large store: soon at first, then less often."""
_SPAN = 64_000
"""Rows that are read at a stretch."""
_DENSE = 10
"""Rows of a stretch for each one that is wanted, up to which reading all of them is faster than asking for each."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Ascending rows that are meant, of the first ``covered`` rows of the index, after so many seconds."""

    rows: Rows
    covered: int
    seconds: float


def resolve_job(store: StoreSession, wanted: EventFilter, known: Rows, first: int, control: Control) -> Answer:
    """Which rows are meant, as far as the index goes now; those before ``first`` are ``known``.

    Where events must be read, what is found meanwhile is told as progress.
    """
    index, began = store.index, time.monotonic()
    length = index.length
    statuses = store.catalogue.statuses
    if wanted.needs_statuses and statuses is not None:
        # Rows that have not been judged are asked again when they have.
        length = min(length, len(statuses))
    rows = wanted.rows(index, first, statuses)
    rows = rows[rows < length]
    control.check()
    if wanted.needs_events and len(rows):
        rows = _scanned(store, wanted, known, rows, control)
    return Answer(np.concatenate((known, rows)), length, time.monotonic() - began)


def _scanned(store: StoreSession, wanted: EventFilter, known: Rows, rows: Rows, control: Control) -> Rows:
    """Those of the rows whose events are meant."""
    # What a catalogue makes of them was asked of the rows.
    accepts, found = wanted.without_statuses.matcher(), list[int]()
    began = told = time.monotonic()
    reader = reader_of(store, control)
    try:
        for row, event in stored_events(reader, store.index, rows, wanted.keep):
            if accepts(event):
                found.append(row)
            control.check()
            now = time.monotonic()
            if now - told >= max(_TOLD_SECONDS, min(_TOLD_SELDOM, (now - began) / 10)):
                told = now
                so_far = np.concatenate((known, np.asarray(found, np.int64)))
                control.progress(Answer(so_far, row + 1, now - began), always=True)
    finally:
        reader.close()
    return np.asarray(found, np.int64)


def stored_events(reader: Reader, index: Index, rows: Rows, keep: Keep | None) -> Iterator[tuple[int, Event]]:
    """The events of ascending rows of the index, each with its row; what is no longer there is left out.

    ``keep`` is asked before a row is decoded, as in :meth:`Reader.events`, and must let these rows through.
    """
    start = 0
    while start < len(rows):
        end = int(np.searchsorted(rows, rows[start] + _SPAN))
        if int(rows[end - 1] - rows[start]) < _DENSE * (end - start):
            yield from _stretch(reader, index, rows[start:end], keep)
        else:
            end = min(end, start + PAGE)
            found = events_of_rows(reader, index, [rows[start:end]])
            yield from ((row, event) for row, event in found if event is not None)
        start = end


def _stretch(reader: Reader, index: Index, rows: Rows, keep: Keep | None) -> Iterator[tuple[int, Event]]:
    first, last = int(rows[0]), int(rows[-1])
    # Of all rows: of an event that is read over the category is asked too.
    reader.learn_categories(streams_of_rows(index, np.arange(first, last + 1)))
    row_of = {index.key_of(row): row for row in rows.tolist()}
    bound = int(index.column("position")[last]) if reader.dialect.position(reader.found) is not None else NONE
    window = Window(
        after=index.key_of(first - 1) if first else None,
        # Bounds the reading where the last row is no longer there.
        to_position=None if bound == NONE else bound,
    )
    with closing(reader.events(window, keep=keep)) as events:
        for event in events:
            row = row_of.pop(event.key, None)
            if row is not None:
                yield row, event
                if not row_of:
                    return


def mask_job(
    events: Sequence[Event], wanted: EventFilter, control: Control, status_of: StatusOf | None = None
) -> NDArray[np.bool_]:
    """For each event, whether it is meant."""
    accepts = wanted.matcher(status_of)
    mask = np.zeros(len(events), np.bool_)
    for number, event in enumerate(events):
        if not number % 1_000:
            control.check()
        mask[number] = accepts(event)
    return mask


def write_job(events: Sequence[Event], path: Path, control: Control) -> int:
    """Writes events to a file, as the ending of its name says, else as lines of JSON; returns how many.

    A file that could not be finished is not left behind. Raises :class:`UsageError` where it cannot be written.
    """
    _, write = FORMATS.get(path.suffix.lower(), FORMATS[".ndjson"])

    def objects() -> Iterator[Mapping[str, Value]]:
        for event in events:
            control.check()
            yield event_object(event)

    try:
        with replacing(path) as out:
            write(objects(), out)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
    return len(events)
