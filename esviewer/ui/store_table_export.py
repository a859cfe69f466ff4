"""What leaves the table of all events: rows on the clipboard, and files of any length written by pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, UsageError, Value, iso
from esviewer.domain.objects import event_object
from esviewer.domain.replacing import replacing
from esviewer.reports import tables
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.stores.row_reading import PAGE, events_of_rows
from esviewer.ui.jobs import Control
from esviewer.ui.opening import reader_of
from esviewer.ui.row_ranges import RowRanges
from esviewer.ui.store_table_columns import TITLES
from esviewer.ui.store_table_rows import TableRows
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import one_line

COPIED_AT_MOST: Final = 100_000
_CHARACTERS: Final = 64_000_000
"""Of the clipboard at most."""

Write = Callable[[Iterable[Mapping[str, Value]], BinaryIO], None]
FORMATS: Final[dict[str, tuple[str, Write]]] = {
    ".ndjson": ("JSON lines (*.ndjson)", tables.lines),
    ".csv": ("CSV (*.csv)", tables.comma_separated),
    ".parquet": ("Parquet (*.parquet)", tables.parquet),
}
"""By ending: what the dialog calls it, and what writes it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of how many rows have been written, in how many seconds."""

    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export has come to; ``lost`` counts events that are not in the store any more."""

    path: Path
    events: int
    lost: int

    @property
    def sentence(self) -> str:
        """For people."""
        lost = f"; {grouped(self.lost)} are not in the store any more" if self.lost else ""
        return f"{grouped(self.events)} event{'' if self.events == 1 else 's'} written to {self.path.name}{lost}."


@dataclass(slots=True)
class _Count:
    events: int = 0
    lost: int = 0
    began: float = field(default_factory=time.monotonic)


def export_job(store: StoreSession, table: TableRows, places: RowRanges, path: Path, control: Control) -> Exported:
    """Writes the events at these places, in the order of the table, in the format that the path's ending names.

    A page of events is in memory at a time. The file appears under its name when it is whole; an export that is
    cancelled or fails leaves what was there before. Raises :class:`UsageError` for a format that is not known or cannot
    be written, ``OSError`` where the folder refuses.
    """
    if path.suffix.lower() not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"{path.name} does not say what to write: let it end in one of {known}.")
    _, write = FORMATS[path.suffix.lower()]
    count, total = _Count(), places.count
    reader = reader_of(store, control)

    def objects() -> Iterator[dict[str, Value]]:
        for _, event in events_of_rows(reader, store.index, _pages(table, places, control)):
            if event is None:
                count.lost += 1
            else:
                count.events += 1
                yield event_object(event)
            if (count.events + count.lost) % 500 == 0:
                control.check()
                control.progress(Progress(count.events + count.lost, total, time.monotonic() - count.began))

    try:
        with replacing(path) as out:
            write(objects(), out)
            control.check()
    finally:
        reader.close()
    return Exported(path, count.events, count.lost)


def _pages(table: TableRows, places: RowRanges, control: Control) -> Iterator[NDArray[np.int64]]:
    for page in places.pages(PAGE):
        control.check()
        yield table.among(page)


@dataclass(frozen=True, slots=True)
class Copied:
    """Lines for the clipboard and how many rows they are."""

    text: str
    rows: int


def copy_job(store: StoreSession, table: TableRows, places: RowRanges, control: Control) -> Copied:
    """The rows at these places, tab separated under a header, payloads whole; :class:`UsageError` if too many."""
    total = places.count
    if total > COPIED_AT_MOST:
        raise UsageError(
            f"{grouped(total)} rows are selected, and up to {grouped(COPIED_AT_MOST)} can be copied:"
            " export them to a file instead."
        )
    began, length = time.monotonic(), 0
    lines = ["\t".join(TITLES)]
    sizes, positions = store.index.column("size"), store.index.position_of
    reader = reader_of(store, control)
    try:
        for row, event in events_of_rows(reader, store.index, _pages(table, places, control)):
            lines.append(row_line(event, int(sizes[row]), positions(row)))
            length += len(lines[-1])
            if length > _CHARACTERS:
                raise UsageError(
                    f"The selected rows are more than {grouped(_CHARACTERS // 1_000_000)} MB of text:"
                    " export them to a file instead."
                )
            if len(lines) % 500 == 0:
                control.progress(Progress(len(lines) - 1, total, time.monotonic() - began))
    finally:
        reader.close()
    return Copied("\n".join(lines), total)


def row_line(event: Event | None, size: int, position: int | str | None) -> str:
    """A row as it is copied: absent is empty, times are ISO 8601 in UTC, the payload is JSON in one line."""
    if event is None:
        return "\t".join([_cell(position), "", "", "", "", str(size), "not in the store any more"])
    if event.undecodable is not None:
        payload = one_line(f"undecodable: {event.undecodable}")
    else:
        payload = "" if event.data is None else json_text.dumps(event.data).decode("utf-8", "replace")
    cells = (event.position, iso(event.recorded_at), event.type, event.stream, event.version, size)
    return "\t".join([*map(_cell, cells), payload])


def _cell(value: object) -> str:
    return "" if value is None else str(value) if isinstance(value, int) else one_line(str(value))


def event_job(store: StoreSession, row: int, control: Control) -> Event:
    """The event in a row of the index; raises :class:`UsageError` if it is not there any more."""
    reader = reader_of(store, control)
    try:
        for _, event in events_of_rows(reader, store.index, [np.array([row])]):
            if event is not None:
                return event
    finally:
        reader.close()
    raise UsageError("This event is not in the store any more.")
