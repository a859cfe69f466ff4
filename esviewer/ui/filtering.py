"""One filter for every view of a store: resolves it off the UI thread and gives its rows to what is looked at."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from esviewer.domain import EsviewerError, Event
from esviewer.session import StoreSession, StreamSession, remember
from esviewer.stores.filter_words import split
from esviewer.stores.filters import EventFilter, parse
from esviewer.ui import finding
from esviewer.ui.jobs import Control, Job
from esviewer.ui.opening import Growth
from esviewer.ui.stream_tab import StreamTab
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

_NO_ROWS: NDArray[np.int64] = np.empty(0, np.int64)
_GROWTH_MS = 500
"""ms after which rows that were indexed meanwhile are asked for too."""


@runtime_checkable
class TakesRows(Protocol):
    """A view of a store that shows only some rows of its index, all where ``None``."""

    store: StoreSession

    def set_rows(self, rows: NDArray[np.int64] | None) -> None:
        """Shows these rows alone."""
        ...


@dataclass(eq=False)
class _Work:
    """The resolving of one store's filter."""

    job: Job[Any] | None = None
    is_stopped: bool = False
    seconds: float = 0.0
    begun: int = 0
    """How far the index went when the job began."""

    @property
    def is_running(self) -> bool:
        return self.job is not None and self.job.is_running


class Filtering(QObject):
    """Keeps ``StoreSession.rows`` in step with ``StoreSession.filter`` and with the index.

    Views that are not in front are told when they come to the front.
    """

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._work: dict[StoreSession, _Work] = {}
        self._given: weakref.WeakKeyDictionary[QWidget, object] = weakref.WeakKeyDictionary()
        self._masks: dict[StreamSession, Job[Any]] = {}
        self._hides = False
        self._behind: set[StoreSession] = set()
        self._growth = QTimer(self)
        self._growth.setSingleShot(True)
        self._growth.setInterval(_GROWTH_MS)
        self._growth.timeout.connect(self._catch_up)

    # The filter of a store

    def set_filter(self, store: StoreSession, wanted: EventFilter) -> None:
        """Looks at other events of a store."""
        self._cancel(store)
        store.filter, store.covered = wanted, 0
        store.rows = None if wanted.is_empty else _NO_ROWS
        self._work[store] = _Work()
        if not wanted.is_empty:
            self._resolve(store)
        self._view.actions_.refresh()
        if wanted.is_empty or wanted.needs_events:
            # Otherwise the answer is here before a view could draw that nothing is known yet.
            self._tell(store)
        else:
            store.filtered.notify()

    def is_running(self, store: StoreSession) -> bool:
        """Whether events are being asked for a filter."""
        work = self._work.get(store)
        return work is not None and work.is_running

    def is_stopped(self, store: StoreSession) -> bool:
        """Whether the reader ended it before all events were asked."""
        work = self._work.get(store)
        return work is not None and work.is_stopped

    def seconds(self, store: StoreSession) -> float:
        """For how long events have been read for the present filter."""
        work = self._work.get(store)
        return work.seconds if work is not None else 0.0

    def stop(self, store: StoreSession) -> None:
        """Ends the reading of events; what was found stays."""
        work = self._work.get(store)
        if work is not None and work.is_running:
            self._cancel(store)
            work.is_stopped = True
            self._tell(store)

    def go_on(self, store: StoreSession) -> None:
        """Takes up again what was stopped."""
        work = self._work.get(store)
        if work is not None and work.is_stopped:
            work.is_stopped = False
            self._resolve(store)
            store.filtered.notify()

    def grown(self, store: StoreSession, first: int | None = None) -> None:
        """The index has grown; with ``first``, it may have been taken up anew from that row on."""
        work = self._work.get(store)
        if first is not None and work is not None and first < work.begun:
            self._cancel(store)
        if store.rows is not None and first is not None and first < store.covered:
            store.rows, store.covered = store.rows[store.rows < first], first
        self._behind.add(store)
        if store.index.complete and not self.is_running(store):
            self._catch_up()
        elif not self._growth.isActive():
            self._growth.start()

    def _catch_up(self) -> None:
        behind, self._behind = self._behind, set()
        for store in behind:
            work = self._work.get(store)
            if store.rows is None:
                store.filtered.notify()
            elif work is not None and not work.is_stopped and not work.is_running:
                self._resolve(store)
            elif work is not None and work.is_running:
                self._behind.add(store)
        if self._behind and not self._growth.isActive():
            self._growth.start()

    def forget(self, store: StoreSession) -> None:
        """Ends all work for a store, which is closed."""
        self._cancel(store)
        self._work.pop(store, None)
        self._behind.discard(store)

    def close(self) -> None:
        """Ends the timer; the window closes."""
        self._growth.stop()

    def _resolve(self, store: StoreSession) -> None:
        work = self._work.setdefault(store, _Work())
        wanted, known, first = store.filter, store.rows, store.covered
        before = work.seconds
        if wanted.needs_statuses and store.catalogue.statuses is None and self._view.catalogues.is_making(store):
            # The filter is asked again when the catalogue is there.
            return
        work.begun = max(store.index.length, first)

        def resolve(control: Control) -> finding.Answer:
            work.begun = max(work.begun, store.index.length)
            return finding.resolve_job(store, wanted, _NO_ROWS if known is None else known, first, control)

        work.job = self._view.jobs.run(
            f"filter {id(store)}",
            resolve,
            lambda answer: self._answered(store, work, answer, before),
            lambda error: self._failed(store, work, error),
            lambda told: self._progressed(store, work, told, before),
        )

    def _progressed(self, store: StoreSession, work: _Work, told: finding.Answer | Growth, before: float) -> None:
        if isinstance(told, Growth):
            self._view.status.say(told.waiting)
        else:
            self._answered(store, work, told, before)

    def _answered(self, store: StoreSession, work: _Work, answer: finding.Answer, before: float) -> None:
        store.rows, store.covered = answer.rows, answer.covered
        work.seconds = before + answer.seconds
        self._tell(store)

    def _failed(self, store: StoreSession, work: _Work, error: BaseException) -> None:
        work.is_stopped = True
        self._tell(store)
        self._view.failed(error)

    def _cancel(self, store: StoreSession) -> None:
        work = self._work.get(store)
        if work is not None and work.job is not None and work.is_running:
            work.job.cancel()

    # What shows it

    def connect_tab(self, tab: StreamTab) -> None:
        """Carries what a stream asks of the filter."""
        store = tab.stream.store
        tab.filter_wanted.connect(lambda part: self.set_filter(store, store.filter.adding([part])))
        tab.clear_wanted.connect(lambda: self.set_filter(store, EventFilter()))
        tab.export_wanted.connect(self.export)

    def _tell(self, store: StoreSession) -> None:
        store.filtered.notify()
        self.show_on(self._view.tabs.currentWidget())

    def show_on(self, tab: QWidget | None) -> None:
        """Gives a view that came to the front, or whose filter changed, what it is to show."""
        if isinstance(tab, StreamTab):
            self._show_on_stream(tab)
        elif tab is not None and isinstance(tab, TakesRows):
            rows = tab.store.rows
            if tab not in self._given or self._given[tab] is not rows:
                self._given[tab] = rows
                tab.set_rows(rows)

    @property
    def hides(self) -> bool:
        """Whether streams hide what the filter leaves out; otherwise it is dimmed."""
        return self._hides

    def set_hides(self, hides: bool) -> None:
        """Hides what the filter leaves out of a stream, or dims it."""
        self._hides = hides
        for tab in self._view.stream_tabs():
            tab.set_hides(hides)

    def reread(self, tab: StreamTab) -> None:
        """The events of a stream were read anew."""
        self._given.pop(tab, None)
        self.show_on(tab)

    def _show_on_stream(self, tab: StreamTab) -> None:
        stream = tab.stream
        wanted = stream.store.filter
        key = (wanted, stream.store.catalogue.current if wanted.needs_statuses else None)
        if self._given.get(tab) == key:
            return
        self._given[tab] = key
        before = self._masks.pop(stream, None)
        if before is not None and not before.is_finished:
            before.cancel()
        tab.set_hides(self._hides)
        if wanted.is_empty:
            tab.show_filter(wanted, None)
            return
        events, status_of = stream.events, self._view.catalogues.streams.status_words(stream.store)
        self._masks[stream] = self._view.jobs.run(
            f"mask {id(stream.store)}",
            lambda control: finding.mask_job(events, wanted, control, status_of),
            lambda mask: self._masked(tab, wanted, mask),
            self._view.failed,
        )

    def _masked(self, tab: StreamTab, wanted: EventFilter, mask: NDArray[np.bool_]) -> None:
        self._masks.pop(tab.stream, None)
        if self._view.tab_of(tab.stream) is tab and len(mask) == len(tab.stream.events):
            tab.show_filter(wanted, mask)

    # Filters with a name

    @property
    def saved(self) -> dict[str, str]:
        """Saved filters: words by name."""
        return self._view.frame.remembered.filters

    def save(self, name: str, wanted: EventFilter) -> None:
        """Keeps a filter under a name, for this store and any other."""
        self.saved[name] = wanted.words
        remember(self._view.frame.remembered)

    def remove(self, name: str) -> None:
        """Forgets a saved filter."""
        if self.saved.pop(name, None) is not None:
            remember(self._view.frame.remembered)

    def add_words(self, store: StoreSession, words: str) -> None:
        """Adds the parts of a line of words to a store's filter."""
        try:
            self.set_filter(store, store.filter.adding(split(words)))
        except EsviewerError as error:
            self._view.failed(error)

    def export(self, events: Sequence[Event], path: Path) -> None:
        """Writes events to a file, off the UI thread, and says so."""

        def done(count: int) -> None:
            self._view.status.say(f"{grouped(count)} event{'' if count == 1 else 's'} written to {path.name}.")

        self._view.status.busy(f"Writing {path.name} …")
        self._view.jobs.run("export", lambda control: finding.write_job(events, path, control), done, self._view.failed)

    def set_words(self, store: StoreSession, words: str) -> None:
        """Looks at what a line of words means; one that means nothing is told."""
        try:
            self.set_filter(store, parse(words))
        except EsviewerError as error:
            self._view.failed(error)
