"""The projections that are known for a store, as a list, with the ways to get more."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import QAbstractItemView, QListView, QMenu, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.projection_files import KIND_WORDS, ProjectionEntry
from esviewer.ui.theme import theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.object_rows import ObjectRows
from esviewer.ui.words import one_line

_HEIGHT: Final = 46
_SYMBOLS: Final = {"python": "terminal", "steps": "list-checks", "sql": "database"}
_Index = QModelIndex | QPersistentModelIndex


class EntryRows(ObjectRows[ProjectionEntry]):
    """The entries, each with where it lies as its tooltip."""

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.at(index)
        if role == Qt.ItemDataRole.ToolTipRole and entry is not None:
            where = f"{entry.called}: {entry.text}" if entry.called else entry.text
            return tooltip(f"{where}\n{entry.problem}".strip())
        return super().data(index, role)


class ProjectionList(QListView):
    """One entry is chosen; a second one, with Ctrl, is what it is compared with."""

    chosen = Signal(object)
    run_wanted = Signal()
    compare_wanted = Signal(object)
    forget_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.rows_ = EntryRows(self, _HEIGHT, _told)
        self.setModel(self.rows_)
        self.setItemDelegate(_EntryDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setAccessibleName("Projections")
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.selectionModel().currentChanged.connect(lambda now, _before: self.chosen.emit(self.rows_.at(now)))
        self.activated.connect(lambda _index: self.run_wanted.emit())
        self._entries: list[ProjectionEntry] = []

    def show_entries(self, entries: list[ProjectionEntry]) -> None:
        """Shows other entries; the chosen one stays so, if it is still there."""
        if entries == self._entries:
            return
        before = self.current
        self._entries = entries
        self.rows_.show(entries)
        texts = [entry.text for entry in entries]
        if entries:
            place = texts.index(before.text) if before is not None and before.text in texts else 0
            self.setCurrentIndex(self.rows_.index(place))
        else:
            self.chosen.emit(None)

    def choose(self, text: str) -> None:
        """Chooses the entry of this text, if there is one."""
        for place, entry in enumerate(self._entries):
            if entry.text == text:
                self.setCurrentIndex(self.rows_.index(place))
                return

    @property
    def current(self) -> ProjectionEntry | None:
        """The chosen entry."""
        return self.rows_.at(self.currentIndex())

    @property
    def second(self) -> ProjectionEntry | None:
        """The other one of two that are selected."""
        picked = [index for index in self.selectedIndexes() if index != self.currentIndex()]
        return self.rows_.at(picked[0]) if len(picked) == 1 else None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.current is not None:
            self.forget_wanted.emit(self.current)
            return
        super().keyPressEvent(event)

    def _show_menu(self, place: QPoint) -> None:
        entry = self.rows_.at(self.indexAt(place))
        if entry is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icon("play"), "Replay", self.run_wanted.emit)
        others = menu.addMenu(icon("arrow-up-down"), "Compare with")
        for other in self._entries:
            if other.text != entry.text:
                others.addAction(label_of(other), partial(self.compare_wanted.emit, other))
        others.setEnabled(len(self._entries) > 1)
        menu.addSeparator()
        forget = menu.addAction(icon("x"), "Leave it out of the list", partial(self.forget_wanted.emit, entry))
        forget.setEnabled(not entry.called)
        forget.setToolTip("The file stays where it is")
        menu.popup(self.viewport().mapToGlobal(place))


def label_of(entry: ProjectionEntry) -> str:
    """An entry in a menu: what it is called, and its file, as versions are often called the same."""
    return f"{entry.title}  ({entry.path.name})".replace("&", "&&")


def _told(entry: ProjectionEntry) -> str:
    return f"{entry.title}, {KIND_WORDS[entry.kind]}, {Path(entry.path).name} {entry.problem}".strip()


class _EntryDelegate(QStyledItemDelegate):
    """Name and version, and the file below."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(0, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        rows = index.model()
        entry = rows.at(index) if isinstance(rows, EntryRows) else None
        if entry is None:
            return
        current = theme()
        area = QRect(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        symbol = "triangle-alert" if entry.problem else _SYMBOLS[entry.kind]
        tone = "changed" if entry.problem else "second"
        icon(symbol, tone).paint(painter, QRect(area.x() + 12, area.y() + 15, 16, 16))
        face, small = fonts.ui(fonts.BODY, 600), fonts.ui(fonts.CAPTION)
        room = area.adjusted(38, 5, -10, -24)
        version = f"v{entry.version}" if entry.version else ""
        width = QFontMetrics(small).horizontalAdvance(version)
        painter.setFont(small)
        painter.setPen(current.color("second"))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), version)
        file = QFontMetrics(small).elidedText(entry.path.name, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(area.adjusted(38, 24, -10, -5), int(Qt.AlignmentFlag.AlignVCenter), file)
        painter.setFont(face)
        painter.setPen(current.color("text"))
        name = QFontMetrics(face).elidedText(
            one_line(entry.name), Qt.TextElideMode.ElideMiddle, room.width() - width - 8
        )
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.restore()
