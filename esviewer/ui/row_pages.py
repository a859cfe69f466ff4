"""Payloads of the rows in sight: read by pages off the UI thread, kept for some thousand rows, never for all."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from esviewer.domain import Event, Key
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.stores.reader import Reader
from esviewer.stores.row_reading import events_of_rows
from esviewer.ui.jobs import Control, Job, Jobs
from esviewer.ui.opening import PATIENCE
from esviewer.ui.words import one_line

KEPT: Final = 4_000
"""Rows whose payloads are kept."""
_AT_ONCE: Final = 400
"""Rows read by one job: what is in sight comes soon even while one scrolls."""
_CHARACTERS: Final = 400
"""Of a payload, as much as a wide row can show."""
_REST_SECONDS: Final = 10.0
"""For so long nothing is asked for after a failure, which would come back with every frame."""


@dataclass(frozen=True, slots=True)
class Preview:
    """The beginning of a payload as one line; ``is_lost`` where the line tells why there is none."""

    text: str
    is_lost: bool = False


_GONE: Final = Preview("not in the store any more", True)


class RowPages(QObject):
    """Gives previews of payloads by row of the index, and asks for those that are wanted and not there yet."""

    arrived = Signal()
    failed = Signal(object)
    waited = Signal(str)
    """A sentence about a server that is waited for."""

    def __init__(self, store: StoreSession, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self._jobs = jobs
        self._lane = f"rows {id(store)}"
        self._kept: dict[int, tuple[Key, Preview]] = {}
        self._wanted = self._nearby = np.zeros(0, np.int64)
        self._job: Job[Any] | None = None
        self._reader: Reader | None = None
        self._trouble: Preview | None = None
        self._failed_at = 0.0

    def get(self, row: int) -> Preview | None:
        """What is known of a row's payload: after a failure, that."""
        known = self._kept.get(row)
        return self._trouble if known is None else known[1]

    def want(self, rows: NDArray[np.int64], nearby: NDArray[np.int64]) -> None:
        """Asks for these rows, then for those nearby; what was asked for before and not begun is forgotten."""
        index = self._store.index
        self._wanted, self._nearby = rows[rows < index.length], nearby[nearby < index.length]
        for row in self._wanted.tolist():
            known = self._kept.get(row)
            # An event that was committed late, or a store that was replaced, puts other events in these rows.
            if known is not None and known[0] != index.key_of(row):
                del self._kept[row]
        if self._job is None and (self._trouble is None or time.monotonic() - self._failed_at >= _REST_SECONDS):
            self._ask()

    def rest(self) -> None:
        """Gives the connection back until more is wanted."""
        reader = self._reader
        if reader is not None:
            self._jobs.run(self._lane, lambda control: reader.close(), lambda done: None, self.failed.emit)

    def stop(self) -> None:
        """Ends reading and gives the connection back."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._wanted = self._nearby = self._wanted[:0]
        self.rest()
        self._reader = None

    def _ask(self) -> None:
        # What is in sight first, and by itself: it comes the sooner.
        missing = self._missing(self._wanted) or self._missing(self._nearby)
        if not missing:
            return
        rows = np.array(missing, np.int64)
        self._job = self._jobs.run(
            self._lane, lambda control: self._read(rows, control), self._take, self._fail, self._told
        )

    def _missing(self, rows: NDArray[np.int64]) -> list[int]:
        return [row for row in rows.tolist() if row not in self._kept][:_AT_ONCE]

    def _read(self, rows: NDArray[np.int64], control: Control) -> dict[int, tuple[Key, Preview]]:
        """The previews of some rows; in the lane's thread, on one connection for all jobs."""
        reader = self._reader
        if reader is None:
            reader = self._reader = self._store.database.database.reader(
                self._store.found, waiting=lambda sentence, seconds: control.progress(sentence), patience=PATIENCE
            )
        control.on_stop(reader.stop)
        index = self._store.index
        keys = {row: index.key_of(row) for row in rows.tolist()}
        return {row: (keys[row], _preview(event)) for row, event in events_of_rows(reader, index, [np.sort(rows)])}

    def _told(self, sentence: Any) -> None:
        self.waited.emit(str(sentence))

    def _take(self, previews: dict[int, tuple[Key, Preview]]) -> None:
        self._job = self._trouble = None
        for row in previews:
            # Put at the end again: what came first is forgotten first.
            self._kept.pop(row, None)
        self._kept.update(previews)
        for row in _surplus(self._kept):
            del self._kept[row]
        self.arrived.emit()
        self._ask()

    def _fail(self, error: BaseException) -> None:
        self._job = None
        self._wanted = self._nearby = self._wanted[:0]
        self._failed_at = time.monotonic()
        is_told, self._trouble = (
            self._trouble is not None,
            Preview(one_line(f"cannot be read: {error}")[:_CHARACTERS], True),
        )
        self.arrived.emit()
        if not is_told:
            self.failed.emit(error)


def _surplus(kept: dict[int, tuple[Key, Preview]]) -> list[int]:
    count = len(kept) - KEPT
    return [row for row, _ in zip(kept, range(count), strict=False)] if count > 0 else []


def _preview(event: Event | None) -> Preview:
    if event is None:
        return _GONE
    if event.undecodable is not None:
        return Preview(one_line(f"undecodable: {event.undecodable}")[:_CHARACTERS], True)
    if event.data is None:
        return Preview("–")
    return Preview(one_line(json_text.dumps(event.data).decode("utf-8", "replace")[:_CHARACTERS]))
