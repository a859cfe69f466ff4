"""The last line of the window: read-only, which store, how far it has been read, and what was just said."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from esviewer.catalogue.status import Status
from esviewer.session import StoreSession
from esviewer.ui import fonts
from esviewer.ui.catalogue_counts import StatusCounts
from esviewer.ui.widgets import ElidedLabel, IconLabel, tooltip
from esviewer.ui.widgets.format import grouped


class StatusLine(QFrame):
    """Facts at the left, the latest sentence at the right."""

    switch_wanted = Signal()
    """Reading is to be stopped, or gone on with."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "bottom")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 2, 12, 2)
        line.setSpacing(6)
        self._lock = IconLabel("lock", "second", 14)
        self._lock.setAccessibleName("Read-only")
        self._facts = ElidedLabel("")
        self._facts.setProperty("tone", "second")
        self._said = ElidedLabel("")
        self._said.setProperty("tone", "second")
        self.statuses = StatusCounts()
        self.filter_wanted = self.statuses.filter_wanted
        for text in (self._facts, self._said):
            text.setFont(fonts.ui(12))
        self._switch = QToolButton()
        self._switch.setAutoRaise(True)
        self._switch.setProperty("compact", "true")
        self._switch.setFont(fonts.ui(11))
        self._switch.setFixedHeight(24)
        self._switch.clicked.connect(self.switch_wanted)
        self._switch.hide()
        line.addWidget(self._lock)
        line.addWidget(self._facts, 3)
        line.addWidget(self.statuses)
        line.addWidget(self._said, 2)
        line.addWidget(self._switch)
        self.setFixedHeight(28)

    def show_store(self, store: StoreSession | None, is_reading: bool = True) -> None:
        """Shows what store is looked at, with its figures."""
        self._lock.setVisible(store is not None)
        if store is None:
            self._facts.setText("No store is open")
            self._switch.hide()
            return
        index, source = store.index, store.database.database.source
        lost = index.undecodable()
        facts = [
            "Read-only",
            "SQLite" if store.found.backend == "sqlite" else "Postgres",
            store.found.dialect.title,
            f"{grouped(index.length)} events",
            "read whole" if index.complete else "being read" if is_reading else "not read whole",
        ]
        if lost:
            facts.append(f"{grouped(lost)} undecodable")
        self._facts.setText("   ·   ".join(facts))
        self._switch.setVisible(not index.complete)
        self._switch.setText("Stop reading" if is_reading else "Go on reading")
        self._facts.setToolTip(tooltip(f"{store.database.address.text}\nopened as: {source.way}"))

    def show_statuses(self, counts: Mapping[Status, int], is_judging: bool) -> None:
        """Shows how many events the catalogue flags; nothing without one."""
        self.statuses.show_counts(counts, is_judging)

    def indexing(self, store: StoreSession, events: int, rate: float) -> None:
        """Shows how far the store has been read."""
        self.show_store(store)
        self._said.setText(f"Reading: {grouped(events)} events, {grouped(round(rate))} a second")

    def busy(self, sentence: str) -> None:
        """Says what is being waited for."""
        self._said.setText(sentence)

    def say(self, sentence: str) -> None:
        """Says something once; an empty sentence takes the last one away."""
        self._said.setText(sentence)

    @property
    def said(self) -> str:
        """The sentence that stands there."""
        return self._said.text()
