"""The statuses of the events of streams: of those that are shown, and for filters that ask for them."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.session import StoreSession
from esviewer.ui import catalogue_work as work
from esviewer.ui.statuses import status_word
from esviewer.ui.stream_tab import StreamTab

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class StreamStatuses(QObject):
    """Gives tabs of streams their statuses, each once for a catalogue."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._given: weakref.WeakKeyDictionary[StreamTab, tuple[Catalogue | None, int]] = weakref.WeakKeyDictionary()

    def forget(self) -> None:
        """What was given may be others now."""
        self._given.clear()

    def status_words(self, store: StoreSession) -> Any:
        """Gives the status of an event as filters write it, for a job; ``None`` without a catalogue."""
        current = store.catalogue.current
        if current is None:
            return None
        judge = Judge(current, tuple(store.index.types), store.catalogue.runner)
        return lambda event: status_word(judge.status(event))

    def show_on(self, tab: StreamTab) -> None:
        """Gives a stream that came to the front the statuses of its events."""
        stream = tab.stream
        current, count = stream.store.catalogue.current, len(stream.events)
        if self._given.get(tab) == (current, count):
            return
        self._given[tab] = (current, count)
        if current is None:
            tab.set_statuses(None)
            return
        events, types, runner = stream.events, tuple(stream.store.index.types), stream.store.catalogue.runner
        self._view.jobs.run(
            f"mask {id(stream.store)}",
            lambda control: work.stream_job(events, current, types, control, runner),
            lambda codes: self._show_stream(tab, current, codes),
            self._view.failed,
        )

    def _show_stream(self, tab: StreamTab, catalogue: Catalogue, codes: NDArray[np.uint8]) -> None:
        is_still_so = self._given.get(tab) == (catalogue, len(codes)) and len(tab.stream.events) == len(codes)
        if self._view.tab_of(tab.stream) is tab and is_still_so:
            tab.set_statuses(codes)
