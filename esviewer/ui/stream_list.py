"""The list of streams of a store or a category: filtered, sorted, as many as there are."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from esviewer.session import StoreSession
from esviewer.stores.index import NONE, StreamTable
from esviewer.ui import fonts
from esviewer.ui.theme import theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.words import one_line, short_category
from esviewer.ui.zone import zone

ROW = 26
NameRole = Qt.ItemDataRole.UserRole
CountRole = Qt.ItemDataRole.UserRole + 1

_Index = QModelIndex | QPersistentModelIndex


class Order(Enum):
    """How streams are sorted; the value is what the menu says."""

    RECENT = "Most recent first"
    LARGEST = "Most events first"
    FIRST = "In order of first event"
    NAME = "By name"


class StreamListModel(QAbstractListModel):
    """Streams of a store by ordinal; what is shown is an array of ordinals, made anew when the question changes."""

    def __init__(self) -> None:
        super().__init__()
        self._store: StoreSession | None = None
        self._table: StreamTable | None = None
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self._category: str | None = None
        self._all_categories = True
        self._filter = ""
        self._names: list[str] = []
        self._bare: list[str] = []
        self._order = Order.RECENT

    def show(self, store: StoreSession | None) -> None:
        """Shows the streams of a store as far as its index goes."""
        # The table is worked out by the job that reads the store; a small one is made here.
        table = store.index.latest_stream_table() if store is not None else None
        if store is self._store and table is self._table:
            return
        if store is not self._store:
            self._names, self._bare = [], []
        self._store, self._table = store, table
        self._ask()

    def choose(self, *, category: str | None = None, every: bool = True) -> None:
        """Restricts the list to a category, or shows all of them."""
        self._category, self._all_categories = category, every
        self._ask()

    def set_filter(self, text: str) -> None:
        """Keeps streams whose name contains ``text``, in any case; dashes are ignored for ids pasted without them."""
        self._filter = text.strip().lower()
        self._ask()

    def set_order(self, order: Order) -> None:
        self._order = order
        self._ask()

    def _ask(self) -> None:
        self.beginResetModel()
        try:
            self._shown = self._answer()
        finally:
            self.endResetModel()

    def _answer(self) -> NDArray[np.int64]:
        store, table = self._store, self._table
        if store is None or table is None:
            return np.zeros(0, np.int64)
        names, categories = store.index.streams, store.index.stream_category
        kept = np.flatnonzero(table.events)
        if not self._all_categories:
            kept = np.asarray([i for i in kept.tolist() if categories[i] == self._category], np.int64)
        if self._filter:
            kept = np.asarray(self._containing(kept.tolist(), names), np.int64)
        if self._order is Order.NAME:
            return np.asarray(sorted(kept.tolist(), key=names.__getitem__), np.int64)
        if self._order is Order.FIRST:
            return kept
        ordered = table.largest if self._order is Order.LARGEST else table.recent
        is_kept = np.zeros(len(table.events), np.bool_)
        is_kept[kept] = True
        return ordered[is_kept[ordered]]

    def _containing(self, ordinals: list[int], names: list[str]) -> list[int]:
        """The streams whose name contains the filter; what it is compared with is kept, as every key asks again."""
        for name in names[len(self._names) :]:
            self._names.append(name.lower())
            self._bare.append(self._names[-1].replace("-", ""))
        text, bare = self._filter, self._filter.replace("-", "")
        return [i for i in ordinals if text in self._names[i] or bare in self._bare[i]]

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        store, table = self._store, self._table
        if store is None or table is None or not 0 <= index.row() < len(self._shown):
            return None
        ordinal = int(self._shown[index.row()])
        if role in (Qt.ItemDataRole.DisplayRole, NameRole):
            return store.index.stream_name(ordinal)
        if role == CountRole:
            return grouped(int(table.events[ordinal]))
        if role == Qt.ItemDataRole.ToolTipRole:
            time = int(table.last_time[ordinal])
            last = "no time" if time == NONE else when(time, zone())
            category = store.index.stream_category[ordinal]
            events = grouped(int(table.events[ordinal]))
            return tooltip(f"{store.index.streams[ordinal]}\n{short_category(category)}, {events} events, last {last}")
        return None

    def row_of(self, name: str) -> int:
        """The row of a stream, -1 if it is not shown."""
        store = self._store
        if store is None:
            return -1
        names = store.index.stream_name
        return next((row for row, ordinal in enumerate(self._shown.tolist()) if names(ordinal) == name), -1)


class StreamDelegate(QStyledItemDelegate):
    """One stream a row: its name, shortened in the middle, and the number of its events."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(120, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        current, area = theme(), option.rect
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        small = fonts.ui(11)
        count = str(index.data(CountRole))
        width = QFontMetrics(small).horizontalAdvance(count)
        place = QRect(area.right() - 12 - width, area.y(), width, area.height())
        painter.setFont(small)
        painter.setPen(current.color("third"))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignCenter), count)
        name = fonts.mono(12)
        painter.setFont(name)
        painter.setPen(current.color("text"))
        room = QRect(area.x() + 12, area.y(), place.x() - area.x() - 22, area.height())
        text = one_line(str(index.data(NameRole)))
        text = QFontMetrics(name).elidedText(text, Qt.TextElideMode.ElideMiddle, room.width())
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(room, int(align), text)
