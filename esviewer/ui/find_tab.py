"""Find events in a whole store: text in payloads, or a condition in the words of ``events --where``."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import EsviewerError, Event
from esviewer.domain.objects import event_object
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.stores.where import predicate
from esviewer.ui import finding, fonts
from esviewer.ui.events_table import ROW, export_events
from esviewer.ui.jobs import Job, Jobs
from esviewer.ui.widgets import BusyBar, Panel, SearchField, tooltip
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.words import short_type
from esviewer.ui.zone import zone

_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    POSITION = 0
    TIME = 1
    TYPE = 2
    STREAM = 3
    VERSION = 4
    DATA = 5


_TITLES = ("Position", "Recorded", "Type", "Stream", "Version", "Payload")
_WIDTHS = (84, 164, 180, 290, 72)


class FoundModel(QAbstractTableModel):
    """The events that were found, in store order; more may be added."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def clear(self) -> None:
        self.beginResetModel()
        self.events = []
        self.endResetModel()

    def add(self, events: list[Event]) -> None:
        """Adds events at the end."""
        if events:
            first = len(self.events)
            self.beginInsertRows(QModelIndex(), first, first + len(events) - 1)
            self.events += events
            self.endInsertRows()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.events)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        event, column = self.events[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(event, column)
        if role == Qt.ItemDataRole.FontRole and column is not Column.TYPE:
            return fonts.mono(12)
        if role == Qt.ItemDataRole.ToolTipRole and column in (Column.TYPE, Column.STREAM):
            return tooltip(str(event.type if column is Column.TYPE else event.stream))
        return None

    def _text(self, event: Event, column: Column) -> str:
        if column is Column.POSITION:
            position = event.position
            return grouped(position) if isinstance(position, int) else position or "–"
        if column is Column.TIME:
            return "–" if event.recorded_at is None else when(event.recorded_at, zone())
        if column is Column.TYPE:
            return short_type(event.type)
        if column is Column.STREAM:
            return event.stream or "–"
        if column is Column.VERSION:
            return "–" if event.version is None else str(event.version)
        shown = event.undecodable or json_text.dumps(event.data).decode()[:300]
        return f"undecodable: {shown}" if event.undecodable else shown


class FindTab(QWidget):
    """Asks, shows what is found while it is found, and leads to it."""

    event_wanted = Signal(object)
    failed = Signal(object)

    def __init__(self, store: StoreSession, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._jobs = jobs
        self._job: Job[Any] | None = None
        self.kind = QComboBox()
        self.kind.addItems(["Text", "Condition"])
        self.kind.setAccessibleName("What to find")
        self.field = SearchField("")
        self.field.returnPressed.connect(self.search)
        self.types = QComboBox()
        self.types.setAccessibleName("Event type")
        self.types.setMaximumWidth(240)
        self.types.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.types.setMinimumContentsLength(18)
        self.go = QPushButton("Find")
        self.go.setProperty("primary", "true")
        self.go.clicked.connect(self.search)
        self.busy = BusyBar()
        self.busy.cancelled.connect(self.stop)
        self.busy.hide()
        self.model = FoundModel()
        self.table = _FoundTable(self.model)
        self.table.event_wanted.connect(self.event_wanted)
        self._panel = Panel("Find events", "search")
        self.kind.currentIndexChanged.connect(self._show_kind)
        self._lay_out()
        self._show_kind(0)
        self.refresh()

    def _lay_out(self) -> None:
        asked = QHBoxLayout()
        asked.setContentsMargins(12, 0, 12, 8)
        asked.setSpacing(8)
        asked.addWidget(self.kind)
        asked.addWidget(self.field, 1)
        asked.addWidget(self.types)
        asked.addWidget(self.go)
        self._panel.body.addLayout(asked)
        self._panel.body.addWidget(self.busy)
        self._panel.body.addWidget(self.table, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._panel)

    def _show_kind(self, kind: int) -> None:
        examples = ("Text in payloads", "A condition, such as  data.amount > `10`  or  type == 'Paid'")
        self.field.setPlaceholderText(examples[kind])
        self.field.setAccessibleName(examples[kind])

    def refresh(self) -> None:
        """Lists the store's types, most frequent first."""
        chosen = self.types.currentData()
        self.types.clear()
        self.types.addItem("All types", None)
        for name, count in self.store.index.type_counts().items():
            self.types.addItem(f"{short_type(name)}  {grouped(count)}", name)
        self.types.setCurrentIndex(max(0, self.types.findData(chosen)))

    def search(self) -> None:
        """Begins anew with what is asked now."""
        text = self.field.text().strip()
        try:
            matches = self._matcher(text)
        except EsviewerError as error:
            self._panel.set_note(str(error))
            return
        self.stop()
        self.model.clear()
        self._panel.set_note("")
        self.busy.start("Finding")
        self.busy.show()
        kind = self.types.currentData()
        types = None if kind is None else frozenset([kind])
        self._job = self._jobs.run(
            f"find {id(self.store)}",
            lambda control: finding.find_job(self.store, matches, types, control),
            self._done,
            self._failed,
            self._advanced,
        )

    def _matcher(self, text: str) -> Callable[[Event], bool]:
        if self.kind.currentIndex() == 1 and text:
            return predicate(text)
        return finding.text_matcher(text)

    def stop(self) -> None:
        """Ends the search; what was found stays."""
        if self._job is not None and not self._job.is_finished:
            self._job.cancel()
            self._panel.set_note(f"{grouped(len(self.model.events))} found, stopped early")
        self.busy.hide()

    def _advanced(self, part: finding.Part) -> None:
        self.model.add(part.events)
        self.busy.advance(part.read, self.store.index.length or None, part.seconds)

    def _done(self, part: finding.Part) -> None:
        self.model.add(part.events)
        self.busy.hide()
        more = f", the first {grouped(finding.LIMIT)} shown" if part.is_cut else ""
        self._panel.set_note(f"{grouped(len(self.model.events))} found in {grouped(part.read)} events{more}")

    def _failed(self, error: BaseException) -> None:
        self.busy.hide()
        self.failed.emit(error)


class _FoundTable(QTableView):
    """Rows of what was found; Enter or a double click opens the stream at the event."""

    event_wanted = Signal(object)

    def __init__(self, model: FoundModel) -> None:
        super().__init__()
        self._model = model
        self.setModel(model)
        self.setAccessibleName("Events found")
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setStretchLastSection(True)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(_WIDTHS):
            self.setColumnWidth(column, width)
        self.doubleClicked.connect(self._open)

    def _open(self, place: QModelIndex) -> None:
        if place.isValid():
            self.event_wanted.emit(self._model.events[place.row()])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentIndex())
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.addAction("Open the stream here", lambda: self._open(self.currentIndex()))
        menu.addAction("Copy event as JSON", self._copy)
        menu.addSeparator()
        menu.addAction("Export all that was found…", self.export)
        menu.exec(event.globalPos())

    def _copy(self) -> None:
        row = self.currentIndex().row()
        if 0 <= row < len(self._model.events):
            text = json_text.dumps(event_object(self._model.events[row]), pretty=True).decode()
            QGuiApplication.clipboard().setText(text)

    def export(self) -> None:
        """Writes what was found to a file the user names, as lines of JSON or as CSV by its ending."""
        name, _ = QFileDialog.getSaveFileName(self, "Export", "found.ndjson", "JSON lines (*.ndjson);;CSV (*.csv)")
        if name:
            export_events(self._model.events, Path(name))
