"""The parts of a filter as chips: to be read, turned into their opposite, edited and removed, by mouse or by keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QEnterEvent,
    QFocusEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QLineEdit, QMenu, QSizePolicy, QWidget

from esviewer.domain import from_iso
from esviewer.stores.filter_words import Part
from esviewer.ui import fonts, icons
from esviewer.ui.colours import TypeColours
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import ELLIPSIS, grouped, short_id, when
from esviewer.ui.words import one_line, short_category, short_type
from esviewer.ui.zone import zone

HEIGHT = 24
_WIDEST = 280
_KEYS = "Click for more. Del removes it, - makes it the opposite, Enter edits it."
_GAP = 4
_STEP = 28
"""Pixels from row to row."""
_LINE_LEAST, _LINE_IDLE = 90, 12


def chip_text(part: Part) -> tuple[str, str]:
    """What a chip says: a quiet word on what is meant, and the value as people call it."""
    value = one_line(part.value)
    if part.kind == "type":
        return "", short_type(part.value)
    if part.kind == "category":
        return "in", short_category(part.value)
    if part.kind == "stream":
        return "stream", short_id(value, 24)
    if part.kind in ("since", "until"):
        shown = when(from_iso(part.value), zone())
        return part.kind, shown.removesuffix(" 00:00:00")
    if part.kind == "position":
        return "at", f"#{short_id(value, 24)}"
    if part.kind.endswith("position"):
        word = "from" if part.kind == "from-position" else "to"
        return word, f"#{grouped(int(part.value))}" if len(value) < 20 else f"#{value[:20]}{ELLIPSIS}"
    if part.kind == "text":
        return "text", f"“{value}”"
    return ("" if part.kind == "is" else part.kind), value


class Chip(QWidget):
    """One part of the filter."""

    removed = Signal()
    negated = Signal()
    edited = Signal()
    left = Signal(int)
    """The focus should go to the chip before (-1) or after (1), or to the line (0)."""

    def __init__(self, part: Part, colours: TypeColours | None, is_known: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.part = part
        self._colours = colours
        self.is_known = is_known
        self._over_cross = False
        quiet, value = chip_text(part)
        self._quiet = " ".join(word for word in ("not" if part.is_negated else "", quiet) if word)
        self._face = fonts.mono(11) if part.kind == "where" else fonts.ui(12)
        self._value = QFontMetrics(self._face).elidedText(value, Qt.TextElideMode.ElideMiddle, _WIDEST)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        lacking = "" if is_known else f"\nNo event of this store has this {part.kind}."
        self.setToolTip(tooltip(f"{part.words}{lacking}\n{_KEYS}"))
        self.setAccessibleName(f"{self._quiet} {value}".strip())
        self.setAccessibleDescription(f"Part of the filter. {_KEYS}{lacking}")
        self.setFixedSize(self.sizeHint())
        signals().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        width = 8 + self._mark_width() + QFontMetrics(self._face).horizontalAdvance(self._value) + 4 + 20
        if self._quiet:
            width += QFontMetrics(fonts.ui(11)).horizontalAdvance(self._quiet) + 5
        return QSize(width, HEIGHT)

    def _mark_width(self) -> int:
        return 14 if self.part.kind == "type" and self._colours is not None else 0

    def _cross(self) -> QRect:
        return QRect(self.width() - 20, 4, 16, 16)

    def paintEvent(self, event: QPaintEvent) -> None:
        # Ended whatever happens: a painter that outlives its event takes the process with it.
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        current = theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        edge = "accent" if self.hasFocus() else "removed_behind" if self.part.is_negated else "selected"
        painter.setPen(QPen(current.color(edge), 1))
        painter.setBrush(current.color("removed_behind" if self.part.is_negated else "selected"))
        painter.drawRoundedRect(area, 6, 6)
        x = 8
        if self._quiet:
            face = fonts.ui(11)
            painter.setFont(face)
            painter.setPen(current.color("removed" if self.part.is_negated else "second"))
            painter.drawText(x, 0, 200, HEIGHT, int(Qt.AlignmentFlag.AlignVCenter), self._quiet)
            x += QFontMetrics(face).horizontalAdvance(self._quiet) + 5
        if self._mark_width() and self._colours is not None and self.is_known:
            self._colours.paint(painter, self.part.value, x + 4, HEIGHT // 2)
        elif self._mark_width():
            icons.paint(painter, "triangle-alert", QRectF(x - 1, 7, 11, 11), current.color("changed"))
        x += self._mark_width()
        painter.setFont(self._face)
        painter.setPen(current.color("text" if self.is_known else "changed"))
        painter.drawText(x, 0, self.width() - x - 20, HEIGHT, int(Qt.AlignmentFlag.AlignVCenter), self._value)
        icons.paint(painter, "x", QRectF(self._cross()).adjusted(2, 2, -2, -2), current.color(self._cross_token()))

    def _cross_token(self) -> str:
        return "text" if self._over_cross else "third"

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_over(self._cross().contains(event.position().toPoint()))

    def enterEvent(self, event: QEnterEvent) -> None:
        self._set_over(self._cross().contains(event.position().toPoint()))

    def leaveEvent(self, event: object) -> None:
        self._set_over(False)

    def _set_over(self, is_over: bool) -> None:
        if is_over != self._over_cross:
            self._over_cross = is_over
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if not self.rect().contains(place):
            return
        if event.button() == Qt.MouseButton.MiddleButton or self._cross().contains(place):
            self.removed.emit()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.open_menu()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.open_menu()

    def open_menu(self) -> None:
        """Opens what can be done with the part."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        opposite = self.part.negated()
        quiet, value = chip_text(opposite)
        shown = " ".join(word for word in ("not" if opposite.is_negated else "", quiet, value[:60]) if word)
        menu.addAction(f"Make it “{shown}”\t-".replace("&", "&&"), self.negated.emit)
        menu.addAction("Edit\tEnter", self.edited.emit)
        menu.addAction("Copy", lambda: QGuiApplication.clipboard().setText(self.part.words))
        menu.addSeparator()
        menu.addAction("Remove\tDel", self.removed.emit)
        menu.popup(self.mapToGlobal(self.rect().bottomLeft()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.removed.emit()
        elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Exclam):
            self.negated.emit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.edited.emit()
        elif key in (Qt.Key.Key_Space, Qt.Key.Key_Menu, Qt.Key.Key_Down):
            self.open_menu()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.left.emit(-1 if key == Qt.Key.Key_Left else 1)
        elif key in (Qt.Key.Key_Escape, Qt.Key.Key_End):
            self.left.emit(0)
        else:
            super().keyPressEvent(event)


class ChipRow(QWidget):
    """Chips from left to right and a line to type in after them; ``tail`` stands at the right end of the first row.

    Where there is no room another row begins, which has the whole width.
    """

    def __init__(self, line: QLineEdit, tail: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = line
        self._tail = tail
        line.setParent(self)
        tail.setParent(self)
        self.chips: list[Chip] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_STEP)

    def show_parts(self, parts: dict[Part, bool], make: Callable[[Part, bool], Chip]) -> None:
        """Shows other parts, each with whether the store knows it; chips of parts that stay keep the focus."""
        kept = {chip.part: chip for chip in self.chips if parts.get(chip.part) is chip.is_known}
        for chip in self.chips:
            if chip.part not in kept:
                chip.hide()
                chip.deleteLater()
        self.chips = [kept[part] if part in kept else make(part, is_known) for part, is_known in parts.items()]
        for chip in self.chips:
            chip.setParent(self)
            chip.show()
        self.arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.arrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._line.setFocus()

    def arrange(self) -> None:
        """Gives everything its place; called when the tail has another width."""
        width = self._tail.sizeHint().width()
        self._tail.setGeometry(self.width() - width, 0, width, _STEP)
        room, x, y = self.width() - width - 2 * _GAP, 0, 0
        for chip in self.chips:
            if x and x + chip.width() > room:
                room, x, y = self.width(), 0, y + _STEP
            chip.move(x, y + (_STEP - HEIGHT) // 2)
            x += chip.width() + _GAP
        # A line that nobody types in takes what is left, so that no row stands empty.
        least = _LINE_LEAST if self._line.hasFocus() or self._line.text() else _LINE_IDLE
        if x and room - x < least:
            room, x, y = self.width(), 0, y + _STEP
        self._line.setGeometry(x, y + (_STEP - HEIGHT) // 2, max(room - x, 20), HEIGHT)
        if y + _STEP != self.height():
            self.setFixedHeight(y + _STEP)
