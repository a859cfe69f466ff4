"""The events of a stream as rows: the list and the playhead are one control."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from esviewer.domain import Event, iso
from esviewer.domain.objects import event_object
from esviewer.reports import tables
from esviewer.session import StreamSession
from esviewer.stores.codecs import json_text
from esviewer.ui import fonts
from esviewer.ui.colours import TypeColours
from esviewer.ui.theme import theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.words import short_type
from esviewer.ui.zone import zone

ROW = 26
_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    VERSION = 0
    TIME = 1
    TYPE = 2
    CHANGED = 3
    POSITION = 4


_TITLES = {
    Column.VERSION: "Version",
    Column.TIME: "Recorded",
    Column.TYPE: "Type",
    Column.CHANGED: "Changed",
    Column.POSITION: "Position",
}
_WIDTHS = {Column.VERSION: 72, Column.TIME: 158, Column.TYPE: 190, Column.CHANGED: 260, Column.POSITION: 90}


class EventsModel(QAbstractTableModel):
    """One event a row, in the stream's order."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: StreamSession | None = None

    def show(self, stream: StreamSession | None) -> None:
        self.beginResetModel()
        self._stream = stream
        self.endResetModel()

    @property
    def events(self) -> Sequence[Event]:
        return self._stream.events if self._stream is not None else ()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.events)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[Column(section)]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._stream is None or not index.isValid():
            return None
        event = self._stream.events[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(event, index.row(), Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole:
            facts = [event.type or "no type", iso(event.recorded_at) or "no time", f"position {event.position}"]
            if event.undecodable:
                facts.append(f"undecodable: {event.undecodable}")
            return tooltip("\n".join(facts))
        return None

    def _text(self, event: Event, row: int, column: Column) -> str:
        assert self._stream is not None
        if column is Column.VERSION:
            return "–" if event.version is None else grouped(event.version)
        if column is Column.TIME:
            return "–" if event.recorded_at is None else when(event.recorded_at, zone())
        if column is Column.TYPE:
            return short_type(event.type)
        if column is Column.POSITION:
            position = event.position
            return "–" if position is None else grouped(position) if isinstance(position, int) else position
        if event.undecodable is not None:
            return "undecodable"
        paths = [change.path for change in self._stream.history.changed[row][:6]]
        return ", ".join(paths)


class EventsTable(QTableView):
    """Rows of events; the row under the playhead is marked, those after it are dimmed."""

    event_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = EventsModel()
        self.setModel(self.rows)
        self._playhead = -1
        self._colours: TypeColours | None = None
        self.setAccessibleName("Events of the stream")
        self.setItemDelegate(_EventDelegate(self))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setStretchLastSection(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.horizontalHeader().setSectionResizeMode(Column.CHANGED, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            if column is not Column.CHANGED:
                self.setColumnWidth(column, width)
        self.selectionModel().currentRowChanged.connect(self._current_changed)

    @property
    def playhead(self) -> int:
        return self._playhead

    @property
    def colours(self) -> TypeColours | None:
        return self._colours

    def show_stream(self, stream: StreamSession | None, colours: TypeColours | None) -> None:
        """Shows another stream's events."""
        self._colours = colours
        self.rows.show(stream)
        self._playhead = -1
        if stream is not None:
            self.set_playhead(stream.playhead)

    def set_playhead(self, index: int) -> None:
        """Marks a row and keeps it in sight; tells nobody."""
        if index == self._playhead:
            return
        self._playhead = index
        place = self.rows.index(index, 0)
        self.selectionModel().blockSignals(True)
        self.setCurrentIndex(place)
        self.selectionModel().blockSignals(False)
        self.scrollTo(place)
        self.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.scrollTo(self.rows.index(self._playhead, 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, what each event changed gives way: the fields tell it too."""
        super().resizeEvent(event)
        self.setColumnHidden(Column.CHANGED, self.viewport().width() < 640)
        self.scrollTo(self.rows.index(self._playhead, 0))

    def _current_changed(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid() and now.row() != self._playhead:
            self.event_chosen.emit(now.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy_event()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Space):
            # The playhead's keys work everywhere in the window.
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = self.indexAt(event.pos())
        menu = QMenu(self)
        if place.isValid():
            menu.addAction("Copy cell", lambda: QGuiApplication.clipboard().setText(str(place.data() or "")))
            menu.addAction("Copy event as JSON", self._copy_event)
            menu.addSeparator()
        menu.addAction("Export all rows…", self.export)
        menu.exec(event.globalPos())

    def _copy_event(self) -> None:
        row = self.currentIndex().row()
        if 0 <= row < len(self.rows.events):
            text = json_text.dumps(event_object(self.rows.events[row]), pretty=True).decode()
            QGuiApplication.clipboard().setText(text)

    def export(self) -> None:
        """Writes all events of the stream to a file the user names, as lines of JSON or as CSV by its ending."""
        name, _ = QFileDialog.getSaveFileName(
            self, "Export events", "events.ndjson", "JSON lines (*.ndjson);;CSV (*.csv)"
        )
        if name:
            export_events(self.rows.events, Path(name))


def export_events(events: Sequence[Event], path: Path) -> None:
    """Writes events as lines of JSON, or as CSV where the name ends so."""
    with path.open("wb") as out:
        write = tables.comma_separated if path.suffix.lower() == ".csv" else tables.lines
        write((event_object(event) for event in events), out)


class _EventDelegate(QStyledItemDelegate):
    """Cells in the colours of the window; the type's mark before its name."""

    def __init__(self, table: EventsTable) -> None:
        super().__init__(table)
        self._table = table

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(60, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        current, table = theme(), self._table
        area = QRect(option.rect)
        playhead = table.playhead
        if index.row() == playhead:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        column = Column(index.column())
        area.adjust(12, 0, -8, 0)
        if column is Column.TYPE and table.colours is not None:
            event = table.rows.events[index.row()]
            table.colours.paint(painter, event.type, area.x() + 4, area.center().y() + 1, dimmed=index.row() > playhead)
            area.adjust(18, 0, 0, 0)
        font = fonts.ui(13) if column in (Column.TYPE,) else fonts.mono(12)
        painter.setFont(font)
        token = "third" if index.row() > playhead else "second" if column is not Column.TYPE else "text"
        if index.data() == "undecodable" and column is Column.CHANGED:
            token = "removed"
        painter.setPen(current.color(token))
        text = QFontMetrics(font).elidedText(str(index.data() or ""), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
