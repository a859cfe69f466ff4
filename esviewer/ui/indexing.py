"""Indexing a store off the UI thread: a small one here and in memory, a large one by a process of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from esviewer.domain import iso
from esviewer.session import StoreSession
from esviewer.stores.glimpse import look
from esviewer.stores.index_building import build, changed_up_to, tail
from esviewer.stores.index_history import changed_since_last_time
from esviewer.stores.index_process import IndexProcess, Report
from esviewer.stores.reader import Reader
from esviewer.ui.jobs import Control
from esviewer.ui.opening import Growth, reader_of
from esviewer.ui.widgets import Severity
from esviewer.ui.widgets.format import grouped

IN_MEMORY = 50_000
"""Events up to which a store is read whole at each opening: that takes less time than starting a process."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence about a store that was read: that something is wrong with it, or that nothing is."""

    sentence: str
    severity: Severity = "warning"


def index_job(store: StoreSession, control: Control) -> None:
    """Brings a store's index to its head, so that views can show the part that is there; may be called again."""
    if store.indexing is None:
        reader = reader_of(store, control)
        try:
            if not reader.is_longer_than(IN_MEMORY):
                _read_here(store, reader, control)
                return
            if not store.index.length:
                control.progress(look(reader), always=True)
            store.indexing = IndexProcess(store.database.database, store.found, store.index)
            if store.indexing.show_kept(reader):
                store.index.stream_table()
                control.progress(Growth(store.index.length, 0.0), always=True)
        finally:
            reader.close()
    _run(store, "build", control)


def _read_here(store: StoreSession, reader: Reader, control: Control) -> None:
    build(reader, store.index, lambda events, rate: control.progress(Growth(events, rate)))
    store.index.stream_table()
    changed = changed_since_last_time(store.index, store.database.address.kept, store.name)
    if changed is not None:
        control.progress(change_notice(store.name, changed, None), always=True)


def tail_job(store: StoreSession, control: Control) -> int:
    """Reads what has been added to a store since it was indexed; returns the first new row."""
    if store.indexing is not None:
        return _run(store, "tail", control)
    reader = reader_of(store, control)
    try:
        first = tail(reader, store.index)
        store.index.stream_table()
        return first
    finally:
        reader.close()


def listen_job(store: StoreSession, control: Control) -> None:
    """Tells whenever the store's framework says that events were saved; ends when the job does."""
    store.database.database.listen(
        store.found, lambda: control.progress(store, always=True), lambda: not control.stop_requested
    )


def check_job(store: StoreSession, control: Control) -> Notice:
    """Compares all that was indexed with the store as it is now."""
    changes: list[Notice] = []
    if store.indexing is not None:
        compared = _run(store, "check", control, changes)
    else:
        reader = reader_of(store, control)
        try:
            compared = store.index.length
            end = changed_up_to(reader, store.index, lambda events: control.progress(Growth(events, 0.0)))
        finally:
            reader.close()
        if end is not None:
            changes.append(change_notice(store.name, store.index.position_of(end - 1), None))
    if changes:
        return changes[-1]
    return Notice(f"{store.name}: {grouped(compared)} events are as they were when they were indexed.", "info")


def _run(store: StoreSession, command: str, control: Control, changes: list[Notice] | None = None) -> int:
    process = store.indexing
    assert process is not None
    control.on_stop(process.interrupt)

    def told(report: Report) -> None:
        kind = report["kind"]
        if kind == "changed" and changes is not None:
            changes.append(
                change_notice(store.name, report["position"], None, " Open the store again to index it anew.")
            )
        elif kind == "changed":
            control.progress(change_notice(store.name, report["position"], report["indexed"]), always=True)
        elif kind == "replaced":
            control.progress(Notice(_replaced(store)), always=True)
        elif kind == "waiting":
            sentence = f"{report['sentence']} Trying again in {report['seconds']:.0f} s."
            control.progress(Growth(store.index.length, 0.0, sentence), always=True)
        elif kind in ("grown", "checked"):
            tables.bring_up()
            control.progress(Growth(report["events"], report.get("rate", 0.0)))

    tables = _Tables(store)
    first = process.run(command, told)  # type: ignore[arg-type]
    store.index.stream_table()
    return first


class _Tables:
    """Works out the table of streams while an index grows, here and not on the UI thread, and not too often."""

    def __init__(self, store: StoreSession) -> None:
        self._index = store.index
        self._not_before = 0.0

    def bring_up(self) -> None:
        began = time.monotonic()
        if began >= self._not_before:
            self._index.stream_table()
            self._not_before = time.monotonic() + 5 * (time.monotonic() - began) + 0.2


def change_notice(name: str, position: int | str | None, indexed: int | None, what: str = "") -> Notice:
    """What is said of a store whose history is not what it was."""
    when = f" on {(iso(indexed) or '')[:16].replace('T', ' ')}" if indexed is not None else ""
    place = grouped(position) if isinstance(position, int) else str(position)
    return Notice(
        f"{name}: history before position {place} has changed since it was indexed{when}. "
        f"An event store is append-only: find out who rewrote it.{what}"
    )


def _replaced(store: StoreSession) -> str:
    return (
        f"{store.name}: another history begins here than when this address was last opened. "
        "Either the store was replaced, or its first events were rewritten."
    )
