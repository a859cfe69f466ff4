"""The events of a stream as rows: the list and the playhead are one control."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
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
    QGridLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from esviewer.catalogue.status import Status
from esviewer.domain import Event, iso
from esviewer.domain.objects import event_object
from esviewer.session import StreamSession
from esviewer.stores.codecs import json_text
from esviewer.stores.filter_words import Part
from esviewer.stores.filters import EventFilter
from esviewer.ui import fonts
from esviewer.ui.colours import TypeColours
from esviewer.ui.statuses import CODES, LOOKS, OF_CODE, SHOWN, SIDE, paint_status
from esviewer.ui.theme import theme
from esviewer.ui.widgets import ElidedLabel, label, tooltip
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.words import short_type
from esviewer.ui.zone import zone

ROW = 26
_FAINT = 0.4
"""How much is left of what the filter leaves out."""
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
    """One event a row, in the stream's order; what the filter leaves out may be hidden."""

    def __init__(self) -> None:
        super().__init__()
        self._stream: StreamSession | None = None
        self._mask: NDArray[np.bool_] | None = None
        self._shown: NDArray[np.int64] | None = None
        """The events that have a row, ``None`` where all have one."""
        self._statuses: NDArray[np.uint8] | None = None

    def show(self, stream: StreamSession | None) -> None:
        """Shows another stream, whole."""
        self.beginResetModel()
        self._stream, self._mask, self._shown = stream, None, None
        self.endResetModel()

    def show_statuses(self, codes: NDArray[np.uint8] | None) -> None:
        """What a catalogue makes of each event, a code for each."""
        self._statuses = codes

    def status(self, index: int) -> Status | None:
        """What a catalogue makes of an event, ``None`` while that is not known."""
        codes = self._statuses
        return OF_CODE[codes[index]] if codes is not None and index < len(codes) else None

    def show_filter(self, mask: NDArray[np.bool_] | None, hides: bool) -> None:
        """Which events the filter lets through, all if ``None``, and whether the others are hidden."""
        self.beginResetModel()
        self._mask = mask
        self._shown = np.flatnonzero(mask) if mask is not None and hides else None
        self.endResetModel()

    @property
    def events(self) -> Sequence[Event]:
        """All events of the stream, whether they have a row or not."""
        return self._stream.events if self._stream is not None else ()

    @property
    def passed(self) -> Sequence[Event]:
        """The events that the filter lets through."""
        if self._mask is None:
            return self.events
        return [self.events[index] for index in np.flatnonzero(self._mask).tolist()]

    def passes(self, index: int) -> bool:
        """Whether the filter lets an event through."""
        return self._mask is None or bool(self._mask[index])

    def event_at(self, row: int) -> int:
        """The event in a row, by its place in the stream."""
        return row if self._shown is None else int(self._shown[row])

    def row_of(self, index: int) -> int | None:
        """The row of an event, ``None`` if it is hidden."""
        if self._shown is None:
            return index if 0 <= index < len(self.events) else None
        row = int(np.searchsorted(self._shown, index))
        return row if row < len(self._shown) and self._shown[row] == index else None

    def last_before(self, index: int) -> int:
        """The last row whose event is not after an event, the first row if none is."""
        return index if self._shown is None else max(0, int(np.searchsorted(self._shown, index, side="right")) - 1)

    def rowCount(self, parent: _Index | None = None) -> int:
        if parent is not None and parent.isValid():
            return 0
        return len(self.events) if self._shown is None else len(self._shown)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[Column(section)]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self._stream is None or not index.isValid():
            return None
        place = self.event_at(index.row())
        event = self._stream.events[place]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(event, place, Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole:
            facts = [event.type or "no type", iso(event.recorded_at) or "no time", f"position {event.position}"]
            if event.undecodable:
                facts.append(f"undecodable: {event.undecodable}")
            status = self.status(place)
            if status is not None:
                facts.append(LOOKS[status].word.lower())
            if not self.passes(place):
                facts.append("The filter leaves this event out.")
            return tooltip("\n".join(facts))
        return None

    def _text(self, event: Event, place: int, column: Column) -> str:
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
        paths = [change.path for change in self._stream.history.changed[place][:6]]
        return ", ".join(paths)


class EventsTable(QTableView):
    """Rows of events; the row under the playhead is marked, those after it are dimmed.

    What the filter leaves out is faint, or hidden; the playhead may stand on a hidden event.
    """

    event_chosen = Signal(int)
    filter_wanted = Signal(object)
    """A part to be added to the filter."""
    clear_wanted = Signal()
    export_wanted = Signal(object, object)
    """Events and the path they are to be written to."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = EventsModel()
        self.setModel(self.rows)
        self._playhead = -1
        self._colours: TypeColours | None = None
        self._filter = EventFilter()
        self.empty = _NothingPasses(self)
        self.empty.clear.clicked.connect(self.clear_wanted)
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
        self._filter = EventFilter()
        self.empty.hide()
        self._playhead = -1
        if stream is not None:
            self.set_playhead(stream.playhead)

    def show_statuses(self, codes: NDArray[np.uint8] | None) -> None:
        """Shows what a catalogue makes of each event, a code for each; nothing for ``None``."""
        self.rows.show_statuses(codes)
        self.viewport().update()

    def show_filter(self, wanted: EventFilter, mask: NDArray[np.bool_] | None, hides: bool) -> None:
        """Shows which events the filter lets through, all if ``None``; the others faint, or not at all."""
        playhead = self._playhead
        self._filter = wanted
        self.rows.show_filter(mask, hides)
        self.empty.words.setText(wanted.words)
        self.empty.setGeometry(self.viewport().geometry())
        self.empty.setVisible(mask is not None and hides and not mask.any())
        self._playhead = -1
        self.set_playhead(playhead)

    def set_playhead(self, index: int) -> None:
        """Marks a row and keeps it in sight; tells nobody."""
        if index == self._playhead:
            return
        self._playhead = index
        place = self._playhead_place()
        self.selectionModel().blockSignals(True)
        self.setCurrentIndex(place)
        self.selectionModel().blockSignals(False)
        self._scroll_to_playhead()
        self.viewport().update()

    def _playhead_place(self) -> QModelIndex:
        """The row under the playhead; none while the filter hides it."""
        row = self.rows.row_of(self._playhead)
        return QModelIndex() if row is None else self.rows.index(row, 0)

    def _scroll_to_playhead(self) -> None:
        """Brings the row under the playhead into sight, the last one before it where it is hidden."""
        self.scrollTo(self.rows.index(self.rows.last_before(self._playhead), 0))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._scroll_to_playhead()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, what each event changed gives way: the fields tell it too."""
        super().resizeEvent(event)
        self.setColumnHidden(Column.CHANGED, self.viewport().width() < 640)
        self._scroll_to_playhead()
        self.empty.setGeometry(self.viewport().geometry())

    def _current_changed(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid() and self.rows.event_at(now.row()) != self._playhead:
            self.event_chosen.emit(self.rows.event_at(now.row()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy_event()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Space):
            # The playhead's keys work everywhere in the window.
            event.ignore()
        elif event.text().isprintable() and event.text():
            # So do letters. Qt would look for a row that begins so, through all 200 000 of them.
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = self.indexAt(event.pos())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if place.isValid():
            menu.addAction("Copy cell", lambda: QGuiApplication.clipboard().setText(str(place.data() or "")))
            menu.addAction("Copy event as JSON", self._copy_event)
            menu.addSeparator()
            for text, part in self.filter_offers(self.rows.event_at(place.row())):
                menu.addAction(text, partial(self.filter_wanted.emit, part))
            menu.addSeparator()
        passed, count = len(self.rows.passed), len(self.rows.events)
        menu.addAction(f"Export {_of(passed, count)}…", self.export)
        menu.popup(event.globalPos())

    def filter_offers(self, index: int) -> list[tuple[str, Part]]:
        """What an event offers to look at, or to leave out: words for people, and the part of a filter."""
        event = self.rows.events[index]
        offers: list[tuple[str, Part]] = []
        if event.type is not None:
            offers.append((f"Only events of type {_plain(short_type(event.type))}", Part("type", event.type)))
            offers.append((f"Leave out {_plain(short_type(event.type))}", Part("type", event.type, True)))
        time = iso(event.recorded_at)
        if time is not None:
            offers.append(("Only since this event", Part("since", time.removesuffix("+00:00"))))
        if isinstance(event.position, int):
            offers.append(("Only up to this event", Part("to-position", str(event.position))))
        return offers

    def _copy_event(self) -> None:
        row = self.currentIndex().row()
        if 0 <= row < self.rows.rowCount():
            event = self.rows.events[self.rows.event_at(row)]
            QGuiApplication.clipboard().setText(json_text.dumps(event_object(event), pretty=True).decode())

    def export(self) -> None:
        """Asks for a file to write the events to that the filter lets through, all of them, shown or not."""
        events = self.rows.passed
        title = f"Export {_of(len(events), len(self.rows.events))}"
        formats = "JSON lines (*.ndjson);;CSV (*.csv);;Parquet (*.parquet)"
        name, _ = QFileDialog.getSaveFileName(self, title, "events.ndjson", formats)
        if name:
            self.export_wanted.emit(list(events), Path(name))


class _NothingPasses(QWidget):
    """Stands in the place of the rows where the filter leaves out all of them: names it and takes it away."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.words = ElidedLabel(tone="second")
        self.words.setFont(fonts.mono(12))
        self.clear = QPushButton("Clear the filter")
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 8, 16, 8)
        grid.setHorizontalSpacing(16)
        grid.addWidget(label("No event of this stream passes the filter."), 1, 1)
        grid.addWidget(self.words, 2, 1)
        grid.addWidget(self.clear, 1, 2, 2, 1)
        for edge in (0, 3):
            grid.setRowStretch(edge, 1)
            grid.setColumnStretch(edge, 1)
        self.hide()


def _of(passed: int, count: int) -> str:
    if passed == count:
        return f"all {grouped(count)} events" if count != 1 else "the event"
    return f"the {grouped(passed)} of {grouped(count)} events that pass the filter"


def _plain(text: str) -> str:
    """A title for a menu: what would be read as a mnemonic is shown."""
    return text.replace("&", "&&")


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
        playhead, place = table.playhead, table.rows.event_at(index.row())
        if place == playhead:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        column = Column(index.column())
        area.adjust(12, 0, -8, 0)
        painter.setOpacity(1.0 if table.rows.passes(place) else _FAINT)
        if column is Column.TYPE and table.colours is not None:
            event = table.rows.events[place]
            table.colours.paint(painter, event.type, area.x() + 4, area.center().y() + 1, dimmed=place > playhead)
            area.adjust(18, 0, 0, 0)
            status = table.rows.status(place)
            if status in SHOWN:
                # Never dimmed: what is wrong stays wrong after the playhead.
                paint_status(painter, CODES[status], area.right() - SIDE / 2, area.center().y() + 1)
                area.adjust(0, 0, -SIDE - 6, 0)
        font = fonts.ui(13) if column in (Column.TYPE,) else fonts.mono(12)
        painter.setFont(font)
        token = "third" if place > playhead else "second" if column is not Column.TYPE else "text"
        if index.data() == "undecodable" and column is Column.CHANGED:
            token = "removed"
        painter.setPen(current.color(token))
        text = QFontMetrics(font).elidedText(str(index.data() or ""), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        painter.setOpacity(1.0)
