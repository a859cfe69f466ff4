"""Ctrl+K: one box for streams, event types, positions, times and commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from esviewer.session import Session, StoreSession
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.theme import theme
from esviewer.ui.widgets.format import grouped
from esviewer.ui.widgets.object_rows import ObjectRows
from esviewer.ui.words import short_category, short_type

LIMIT = 40
ROW = 30
_POSITION = re.compile(r"#\s*([\d\u202f ,]+)\Z")


@dataclass(frozen=True)
class Entry:
    """One thing that can be gone to or done. ``hint`` stands at the right: what it is, or its shortcut."""

    text: str
    hint: str
    symbol: str
    act: Callable[[], None]


def _told(entry: Entry) -> str:
    return f"{entry.text}, {entry.hint}"


class CommandPalette(QDialog):
    """Type, choose, Enter. Best match first: an exact name, then one that begins so, then one that contains it."""

    stream_wanted = Signal(object, str)
    type_wanted = Signal(object, str)
    position_wanted = Signal(object, int)

    def __init__(self, session: Session, commands: list[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._session = session
        self._commands = commands
        self._width = 620
        self.setAccessibleName("Go to")
        self.setProperty("raised", "true")
        self.box = QLineEdit()
        self.box.setPlaceholderText("Stream, event type, #position or command")
        self.box.setAccessibleName("Stream, event type, position or command")
        self.box.setClearButtonEnabled(True)
        self.box.textChanged.connect(self._ask)
        self.box.installEventFilter(self)
        self.list = QListView()
        self._matches: ObjectRows[Entry] = ObjectRows(self, ROW, _told, "Nothing matches.")
        self.list.setModel(self._matches)
        self.list.setAccessibleName("Matches")
        self.list.setUniformItemSizes(True)
        self.list.setItemDelegate(_EntryDelegate(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._act)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.box)
        layout.addWidget(self.list)

    def open_over(self, window: QWidget, text: str = "") -> None:
        """Opens below the top of a window, with the box ready to be typed into."""
        width = min(620, window.width() - 60)
        place = window.mapToGlobal(window.rect().topLeft())
        self._width = width
        self.move(place.x() + (window.width() - width) // 2, place.y() + 52)
        self.box.setText(text)
        self._ask(text)
        self.show()
        self.box.setFocus()
        self.box.selectAll()

    def entries(self, text: str) -> list[Entry]:
        """What matches, best first."""
        text = text.strip()
        if not text:
            return self._commands[:LIMIT]
        streams = list(self._streams(text))
        found = [*self._positions(text), *streams, *self._types(text)]
        lowered = text.lower()
        found += [entry for entry in self._commands if lowered in entry.text.lower()]
        store = self._session.store
        if store is not None and not streams:
            # What has not been indexed yet, or is a link of other streams, can be asked of the store itself.
            asked = Entry(text, f"open this stream of {store.name}", "git-branch", self._goer(store, text))
            found = [*found[: LIMIT - 1], asked]
        return found[:LIMIT]

    def _stores(self) -> list[StoreSession]:
        stores = [store for database in self._session.databases for store in database.stores]
        return sorted(stores, key=lambda store: store is not self._session.store)

    def _positions(self, text: str) -> Iterator[Entry]:
        match = _POSITION.match(text if text.startswith("#") else f"#{text}" if text.isdigit() else "")
        store = self._session.store
        if match is None or store is None:
            return
        number = int(re.sub(r"\D", "", match.group(1)) or 0)

        def go() -> None:
            self.position_wanted.emit(store, number)

        yield Entry(f"#{grouped(number)}", f"position in {store.name}", "hash", go)

    def _streams(self, text: str) -> Iterator[Entry]:
        lowered = text.lower()
        bare = lowered.replace("-", "").strip("{}")
        for store in self._stores():
            ranked: list[tuple[int, int, str]] = []
            for ordinal, name in enumerate(store.index.streams):
                own = name.lower()
                if lowered in own or (len(bare) >= 6 and bare in own.replace("-", "")):
                    rank = (
                        0
                        if own in (lowered, bare) or own.replace("-", "") == bare
                        else 1
                        if own.startswith(lowered)
                        else 2
                    )
                    ranked.append((rank, ordinal, name))
                    if len(ranked) > 2_000:
                        break
            for _, ordinal, name in sorted(ranked)[:20]:
                category = short_category(store.index.stream_category[ordinal])
                yield Entry(name, f"{category} in {store.name}", "git-branch", self._goer(store, name))

    def _goer(self, store: StoreSession, name: str) -> Callable[[], None]:
        return lambda: self.stream_wanted.emit(store, name)

    def _types(self, text: str) -> Iterator[Entry]:
        lowered = text.lower()
        for store in self._stores():
            counts = store.index.type_counts()
            for name in [name for name in counts if lowered in name.lower()][:10]:
                act = self._type_goer(store, name)
                yield Entry(
                    short_type(name), f"{grouped(counts[name])} events in {store.name}", "git-commit-horizontal", act
                )

    def _type_goer(self, store: StoreSession, name: str) -> Callable[[], None]:
        return lambda: self.type_wanted.emit(store, name)

    def _ask(self, text: str) -> None:
        self._matches.show(self.entries(text))
        self._choose(0)
        self.list.setFixedHeight(min(ROW * self._matches.rowCount(), 12 * ROW) + 4)
        self.adjustSize()
        self.resize(self._width, self.height())

    def _choose(self, row: int) -> None:
        row = max(0, min(self._matches.rowCount() - 1, row))
        self.list.setCurrentIndex(self._matches.index(row))

    def _act(self, index: QModelIndex) -> None:
        entry = self._matches.at(index)
        if entry is not None:
            self.close()
            entry.act()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.box and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
            if event.key() in steps:
                self._choose(self.list.currentIndex().row() + steps[Qt.Key(event.key())])
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._act(self.list.currentIndex())
                return True
        return super().eventFilter(watched, event)


class _EntryDelegate(QStyledItemDelegate):
    """Icon, text, and at the right what it is."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rows = index.model()
        entry = rows.at(index) if isinstance(rows, ObjectRows) else None
        if entry is None:
            super().paint(painter, option, index)
            return
        current = theme()
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        icon(entry.symbol).paint(painter, QRect(area.x() + 8, area.y() + 7, 16, 16))
        small, face = fonts.ui(11), fonts.ui(13)
        hint = QFontMetrics(small).elidedText(entry.hint, Qt.TextElideMode.ElideRight, area.width() // 2)
        width = QFontMetrics(small).horizontalAdvance(hint)
        painter.setFont(small)
        painter.setPen(current.color("third"))
        place = QRect(area.right() - width - 10, area.y(), width + 2, area.height())
        painter.drawText(place, int(Qt.AlignmentFlag.AlignVCenter), hint)
        painter.setFont(face)
        painter.setPen(current.color("text"))
        room = QRect(area.x() + 34, area.y(), place.x() - area.x() - 44, area.height())
        text = QFontMetrics(face).elidedText(entry.text, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), text)
