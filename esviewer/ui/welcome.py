"""What stands in the window while nothing is open: what was opened before, and three ways to open something."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import UsageError
from esviewer.stores.address import Address, parse, without_password
from esviewer.ui import fonts, icons
from esviewer.ui.brief_jobs import BriefJobs
from esviewer.ui.jobs import Control
from esviewer.ui.samples import sample_path
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import IconLabel, label, tooltip

WIDTH: Final = 600
_ROW: Final = 46
_MARGIN: Final = 12
_ICON: Final = 18
_TEXT_LEFT: Final = _MARGIN + _ICON + 14
_RecentRole: Final = Qt.ItemDataRole.UserRole
_MissingRole: Final = Qt.ItemDataRole.UserRole + 1
_WORDMARK: Final = 24
"""Pixels of the product's name: a mark and no text of the type scale."""


@dataclass(frozen=True, slots=True)
class Recent:
    """One line of the list: ``address`` as kept, and what is shown of it. ``path`` is given for files."""

    address: str
    icon: str
    name: str
    detail: str
    path: Path | None


def describe(kept: str) -> Recent:
    """How an address is shown: file and folder, or database and server; never a password."""
    try:
        address = parse(kept)
    except UsageError:
        return Recent(kept, "file", without_password(kept) if "@" in kept else kept, "cannot be read", None)
    if address.path is not None:
        folder = _from_home(address.path.absolute().parent)
        return Recent(kept, "database", address.path.name, _joined([folder, *_choice(address)]), address.path)
    parts = urlsplit(address.text)
    server = unquote(parts.netloc) or "Postgres"
    return Recent(kept, "server", address.database, _joined([server, *_choice(address)]), None)


def _choice(address: Address) -> Iterable[str]:
    if address.schema is not None:
        yield f"schema {address.schema}"
    if address.store is not None:
        yield f"store {address.store}"


def _joined(parts: Iterable[str]) -> str:
    return "  ·  ".join(parts)


def _from_home(folder: Path) -> str:
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(folder)


class Welcome(QWidget):
    """A column in the middle of the window, worked with Tab, arrows, Enter and Delete."""

    open_wanted = Signal(str)
    """The address of a store: a recent one, or the sample."""
    file_wanted = Signal()
    connect_wanted = Signal()
    recent_removed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Welcome")
        self.open_file = _Offer("folder-open", "Open a file", "A SQLite database of any framework", "Ctrl+O")
        self.connect_ = _Offer("plug", "Connect to Postgres", "A read-only session on a server", "Ctrl+Shift+O")
        self.open_sample = _Offer("layers", "Open the sample", "A small library from 2023 to 2025, to look around", "")
        self.recent = _RecentList()
        self._caption = label("Recent", "second", fonts.ui(fonts.CAPTION, 600))
        self._caption.setContentsMargins(_MARGIN, 0, 0, 0)
        self._jobs: BriefJobs | None = None
        self._sample = sample_path()
        self.open_sample.setVisible(self._sample is not None)
        self._lay_out()
        self.open_file.clicked.connect(self.file_wanted)
        self.connect_.clicked.connect(self.connect_wanted)
        self.open_sample.clicked.connect(lambda: self.open_wanted.emit(str(self._sample)))
        self.recent.opened.connect(self.open_wanted)
        self.recent.removed.connect(self._removed)
        signals().changed.connect(self.update)
        self.show_recent([])

    def _lay_out(self) -> None:
        page = QWidget()
        page.setMaximumWidth(WIDTH)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addStretch(1)
        column.addLayout(self._head())
        column.addSpacing(24)
        for offer in (self.open_file, self.connect_, self.open_sample):
            column.addWidget(offer)
        column.addSpacing(20)
        column.addWidget(self._caption)
        column.addSpacing(4)
        column.addWidget(self.recent)
        column.addSpacing(20)
        column.addLayout(self._foot())
        column.addStretch(2)
        across = QHBoxLayout(self)
        across.setContentsMargins(24, 24, 24, 16)
        across.addStretch(1)
        across.addWidget(page, 1_000)
        across.addStretch(1)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        head.setSpacing(14)
        head.addWidget(IconLabel("layers", "accent", 40))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label("esviewer", font=fonts.ui(_WORDMARK, 600)))
        words.addWidget(label("Shows what happened in an event store, and which event did it.", "second"))
        head.addLayout(words, 1)
        return head

    def _foot(self) -> QHBoxLayout:
        foot = QHBoxLayout()
        foot.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        foot.setSpacing(8)
        foot.addWidget(IconLabel("download", "third", 14))
        foot.addWidget(label("Or drop a SQLite file anywhere", "second", fonts.ui(fonts.CAPTION)))
        foot.addStretch(1)
        foot.addWidget(IconLabel("lock", "third", 14))
        foot.addWidget(label("Stores are opened read-only", "second", fonts.ui(fonts.CAPTION)))
        return foot

    def show_recent(self, addresses: list[str]) -> None:
        """Lists these addresses in their order; those whose file is gone are greyed as soon as that is known."""
        entries = [describe(address) for address in addresses]
        self.recent.show_entries(entries)
        for widget in (self._caption, self.recent):
            widget.setVisible(bool(entries))
        if self._jobs is not None:
            self._jobs.leave()
            self._jobs = None
        paths = [entry.path for entry in entries if entry.path is not None]
        if paths:
            # Off the UI thread: a folder on a server that is away takes seconds to answer.
            self._jobs = BriefJobs(self)
            self._jobs.run("recent", _missing_of(paths), self._looked, lambda _error: self._looked(frozenset()))

    def _looked(self, missing: frozenset[Path]) -> None:
        self.recent.mark_missing(missing)
        if self._jobs is not None:
            self._jobs.leave()
            self._jobs = None

    def _removed(self, address: str) -> None:
        for widget in (self._caption, self.recent):
            widget.setVisible(self.recent.count() > 0)
        if self.recent.count() == 0:
            self.open_file.setFocus()
        self.recent_removed.emit(address)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        (self.recent if self.recent.count() else self.open_file).setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme().color("panel"))


def _missing_of(paths: list[Path]) -> Callable[[Control], frozenset[Path]]:
    def look(control: Control) -> frozenset[Path]:
        missing = set()
        for path in paths:
            control.check()
            if not path.exists():
                missing.add(path)
        return frozenset(missing)

    return look


class _Offer(QAbstractButton):
    """A row that opens something: icon, what, in more words, and its keys at the right."""

    def __init__(self, icon: str, text: str, detail: str, keys: str) -> None:
        super().__init__()
        self._icon, self._detail = icon, detail
        self._keys = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        self.setText(text)
        self.setAccessibleName(text)
        self.setAccessibleDescription(f"{detail}. {self._keys}" if keys else detail)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_ROW)

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, _ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, _ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            back = "pressed" if self.isDown() else "hover" if self.underMouse() else ""
            _paint_back(painter, self.rect(), back, self.hasFocus())
            _paint_two_lines(
                painter, self.rect(), self._icon, "accent", self.text(), self._detail, "text", "second", 160
            )
            painter.setFont(fonts.ui(fonts.CAPTION))
            painter.setPen(theme().color("third"))
            right = self.rect().adjusted(0, 0, -_MARGIN, 0)
            painter.drawText(right, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._keys)


def _paint_back(painter: QPainter, rect: QRect, token: str, has_focus: bool) -> None:
    painter.setPen(theme().color("focus") if has_focus else Qt.PenStyle.NoPen)
    painter.setBrush(theme().color(token) if token else Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(QRectF(rect).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)


def _paint_two_lines(
    painter: QPainter,
    rect: QRect,
    icon: str,
    icon_token: str,
    first: str,
    second: str,
    first_token: str,
    second_token: str,
    kept_right: int,
) -> None:
    """An icon and two lines beside it; ``kept_right`` pixels at the right are left to others."""
    place = QRectF(rect.left() + _MARGIN, rect.top() + (_ROW - _ICON) / 2, _ICON, _ICON)
    icons.paint(painter, icon, place, theme().color(icon_token))
    width = rect.width() - _TEXT_LEFT - _MARGIN - kept_right
    for text, font, token, top in (
        (first, fonts.ui(fonts.BODY, 500), first_token, 5),
        (second, fonts.ui(12), second_token, 24),
    ):
        painter.setFont(font)
        painter.setPen(theme().color(token))
        shown = _elided(text, font, width)
        area = QRect(rect.left() + _TEXT_LEFT, rect.top() + top, width, 18)
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)


def _elided(text: str, font: QFont, width: int) -> str:
    return QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideMiddle, width)


class _RecentList(QListWidget):
    """Recent stores; Enter or a click opens one, Delete takes one off the list."""

    opened = Signal(str)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Recent stores")
        self.setItemDelegate(_RecentDelegate(self))
        self.setMouseTracking(True)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setFrameShape(QListWidget.Shape.NoFrame)
        # The focus is shown by the row.
        self.setStyleSheet("QListView, QListView:focus { border: none; background: transparent; }")
        self.itemClicked.connect(self._open)

    def show_entries(self, entries: list[Recent]) -> None:
        """Lists these."""
        self.clear()
        for entry in entries:
            item = QListWidgetItem(entry.name)
            item.setData(_RecentRole, entry)
            item.setData(_MissingRole, False)
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, entry.detail)
            item.setToolTip(tooltip(f"{entry.name}\n{entry.detail}"))
            self.addItem(item)
        if entries:
            self.setCurrentRow(0)
        self._fit()

    def mark_missing(self, missing: frozenset[Path]) -> None:
        """Greys the entries of these files."""
        for row in range(self.count()):
            item = self.item(row)
            entry: Recent = item.data(_RecentRole)
            is_missing = entry.path in missing
            item.setData(_MissingRole, is_missing)
            if is_missing:
                item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, f"{entry.detail}, not there any more")

    def missing(self) -> list[str]:
        """The addresses that are shown as not there any more."""
        items = [self.item(row) for row in range(self.count())]
        return [item.data(_RecentRole).address for item in items if item.data(_MissingRole)]

    def _fit(self) -> None:
        self.setMinimumHeight(min(self.count(), 3) * _ROW)
        self.setMaximumHeight(max(self.count(), 1) * _ROW)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, max(self.count(), 1) * _ROW)

    def _open(self, item: QListWidgetItem) -> None:
        self.opened.emit(item.data(_RecentRole).address)

    def remove_current(self) -> None:
        """Takes the current entry off the list and says so."""
        if self.currentRow() >= 0:
            entry: Recent = self.takeItem(self.currentRow()).data(_RecentRole)
            self._fit()
            self.removed.emit(entry.address)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.currentRow() < 0:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(self.currentItem())
        elif event.key() == Qt.Key.Key_Delete:
            self.remove_current()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy(self.currentItem())
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        item = self.currentItem() if event.reason() is QContextMenuEvent.Reason.Keyboard else self.itemAt(event.pos())
        if item is None:
            return
        self.setCurrentItem(item)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Open", lambda: self._open(item))
        menu.addAction(icons.icon("copy"), "Copy address", lambda: self._copy(item))
        menu.addSeparator()
        removal = menu.addAction(icons.icon("x"), "Remove from this list", self.remove_current)
        removal.setShortcut(QKeySequence(Qt.Key.Key_Delete))
        menu.popup(event.globalPos() + QPoint(1, 1))

    def _copy(self, item: QListWidgetItem) -> None:
        entry: Recent = item.data(_RecentRole)
        text = entry.address if entry.path is not None else without_password(entry.address)
        QGuiApplication.clipboard().setText(text)

    def focusInEvent(self, event: QEvent) -> None:
        self.viewport().update()

    def focusOutEvent(self, event: QEvent) -> None:
        self.viewport().update()


class _RecentDelegate(QStyledItemDelegate):
    """Name and place of a store, greyed if its file is gone."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, _ROW)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry: Recent = index.data(_RecentRole)
        is_missing = bool(index.data(_MissingRole))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        has_focus = bool(option.state & QStyle.StateFlag.State_HasFocus)
        back = "hover" if option.state & QStyle.StateFlag.State_MouseOver else "selected" if has_focus else ""
        _paint_back(painter, option.rect, back, has_focus)
        detail = f"not there any more  ·  {entry.detail}" if is_missing else entry.detail
        tokens = ("third", "third", "third") if is_missing else ("second", "text", "second")
        _paint_two_lines(
            painter, QRect(option.rect), entry.icon, tokens[0], entry.name, detail, tokens[1], tokens[2], 0
        )
        painter.restore()
