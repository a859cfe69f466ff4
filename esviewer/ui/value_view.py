"""A value as a tree that can be read, walked with the keyboard and copied: payloads, metadata, states.

Own-painted, because a state must be right in every frame while the playhead is dragged: no model is reset and no
widget is made for that, the visible rows are painted from a list.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QToolTip, QWidget

from esviewer.domain import Value
from esviewer.projections.paths import Change, item, leaves, member
from esviewer.stores.codecs import json_text
from esviewer.ui import fonts
from esviewer.ui.theme import signals, theme
from esviewer.ui.value_rows import Folding, ValueRow, rows_of
from esviewer.ui.widgets import tooltip

ROW = 26
INDENT = 16
MARGIN = 12
_MARKS = {"added": "+", "changed": "~", "removed": "−"}


class ValueView(QAbstractScrollArea):
    """Shows one value; ``selected`` is emitted with the path of a leaf or container, or ``""``."""

    selected = Signal(str)
    activated = Signal(str)
    """A row was double-clicked, or Enter was pressed on it."""

    def __init__(self, name: str, parent: QWidget | None = None, *, notes: bool = False) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.viewport().setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.note_of: Callable[[str], str] | None = None
        """Gives the text at the right end of a leaf's row ("Loan.Renewed v17")."""
        self._notes = notes
        self._value: Value = None
        self._changes: Mapping[str, Change] = {}
        self._folding = Folding()
        self._rows: list[ValueRow] = []
        self._selected: str | None = None
        self._hover = -1
        self._message = ""
        signals().changed.connect(self.viewport().update)

    # What is shown

    def show_value(self, value: Value, changes: Mapping[str, Change] | None = None) -> None:
        """Shows a value, with the leaves that the event under the playhead changed."""
        self._value, self._changes, self._message = value, changes or {}, ""
        self._rebuild()

    def show_message(self, text: str) -> None:
        """Shows a sentence instead of a value."""
        self._value, self._changes, self._rows, self._message = None, {}, [], text
        self._sized()

    def select(self, path: str | None) -> None:
        """Selects a row by its path, without telling anybody."""
        self._selected = path
        self.viewport().update()

    def reveal_changes(self) -> None:
        """Scrolls to the first changed row, if no changed row is in sight."""
        changed = [
            i for i, row in enumerate(self._rows) if row.change is not None or (row.changes_below and not row.is_open)
        ]
        bar = self.verticalScrollBar()
        first, last = bar.value() // ROW, (bar.value() + self.viewport().height()) // ROW - 1
        if changed and not any(first <= i <= last for i in changed):
            bar.setValue(max(0, changed[0] * ROW - self.viewport().height() // 3))

    def reset_folding(self) -> None:
        """Forgets what was opened and closed; for another stream's values."""
        self._folding = Folding()

    @property
    def rows(self) -> list[ValueRow]:
        """The visible rows, top to bottom."""
        return list(self._rows)

    def text_of(self, path: str) -> str:
        """The value at a path as JSON, or as the plain text that a string is."""
        if not path:
            return json_text.dumps(self._value, pretty=True, sort_keys=False).decode()
        value = _at(self._value, path)
        return value if isinstance(value, str) else json_text.dumps(value, pretty=True, sort_keys=False).decode()

    def _rebuild(self) -> None:
        self._rows = rows_of(self._value, self._folding, self._changes)
        self._sized()

    def _sized(self) -> None:
        height = len(self._rows) * ROW
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(ROW)
        bar.setRange(0, max(0, height - self.viewport().height()))
        self.viewport().update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        # Ended whatever happens: a painter that outlives its event takes the process with it.
        with QPainter(self.viewport()) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        current = theme()
        if self._message or not self._rows:
            painter.setFont(fonts.ui(13))
            painter.setPen(current.color("third"))
            area = self.viewport().rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
            flags = Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
            painter.drawText(area, int(flags), self._message or "Nothing here.")
            return
        top = self.verticalScrollBar().value()
        first = top // ROW
        last = min(len(self._rows), (top + self.viewport().height()) // ROW + 1)
        metrics = QFontMetrics(fonts.mono(12))
        for number in range(first, last):
            area = QRect(0, number * ROW - top, self.viewport().width(), ROW)
            self._paint_row(painter, self._rows[number], area, metrics, number == self._hover)

    def _paint_row(self, painter: QPainter, row: ValueRow, area: QRect, metrics: QFontMetrics, hovered: bool) -> None:
        current = theme()
        if row.path == self._selected and row.kind != "more":
            painter.fillRect(area, current.color("selected"))
        elif hovered:
            painter.fillRect(area, current.color("hover"))
        x = area.x() + MARGIN + row.depth * INDENT
        if row.is_container:
            self._paint_chevron(painter, QPoint(x + 2, area.center().y()), row.is_open)
        x += INDENT
        painter.setFont(fonts.mono(12))
        if row.kind == "more":
            painter.setPen(current.color("accent"))
            painter.drawText(area.adjusted(x, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), f"… {row.text}")
            return
        if row.change is not None:
            painter.setPen(current.color(row.change))
            painter.drawText(QRect(x - 13, area.y(), 12, ROW), int(Qt.AlignmentFlag.AlignCenter), _MARKS[row.change])
        key_width = self._key_width(row, metrics)
        key = metrics.elidedText(row.key, Qt.TextElideMode.ElideRight, key_width)
        painter.setPen(current.color("json_key"))
        painter.drawText(QRect(x, area.y(), key_width + 2, ROW), int(Qt.AlignmentFlag.AlignVCenter), key)
        self._paint_value(painter, row, QRect(x + key_width + 12, area.y(), 0, ROW), area.right() - MARGIN, metrics)

    def _key_width(self, row: ValueRow, metrics: QFontMetrics) -> int:
        """Values of one depth start in one column, two fifths of the width at most."""
        column = max(96, int(self.viewport().width() * 0.36)) - row.depth * INDENT - INDENT
        return max(column, 48)

    def _paint_value(self, painter: QPainter, row: ValueRow, place: QRect, right: int, metrics: QFontMetrics) -> None:
        current = theme()
        if self._notes and self.note_of is not None and not row.is_container and row.change is None:
            right -= self._paint_note(painter, row, place, right)
        x = place.x()
        if row.change == "changed":
            half = max(40, (right - x) // 2 - 14)
            x += self._paint_chip(painter, row.before, QRect(x, place.y(), half, ROW), metrics, "removed") + 6
            painter.setPen(current.color("third"))
            painter.drawText(QRect(x, place.y(), 14, ROW), int(Qt.AlignmentFlag.AlignVCenter), "→")
            x += 18
        if row.change in ("added", "changed", "removed"):
            tone = "removed" if row.change == "removed" else "added"
            self._paint_chip(painter, row.text, QRect(x, place.y(), right - x, ROW), metrics, tone)
            return
        if row.tag:
            right -= self._paint_tag(painter, row.tag, place, right)
        painter.setPen(current.color("third" if row.kind in ("container", "bytes") else f"json_{row.kind}"))
        text = metrics.elidedText(row.text, Qt.TextElideMode.ElideRight, right - x)
        painter.drawText(QRect(x, place.y(), right - x, ROW), int(Qt.AlignmentFlag.AlignVCenter), text)
        if row.changes_below and not row.is_open:
            painter.setPen(current.color("changed"))
            shown = metrics.horizontalAdvance(text) + 10
            note = f"{row.changes_below} changed"
            painter.drawText(
                QRect(x + shown, place.y(), right - x - shown, ROW), int(Qt.AlignmentFlag.AlignVCenter), note
            )

    def _paint_chip(self, painter: QPainter, text: str, area: QRect, metrics: QFontMetrics, tone: str) -> int:
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, max(12, area.width() - 8))
        width = metrics.horizontalAdvance(shown) + 8
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color(f"{tone}_behind"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawRoundedRect(QRect(area.x() - 4, area.y() + 4, width, ROW - 8), 4, 4)
        painter.setPen(theme().color(tone))
        painter.drawText(QRect(area.x(), area.y(), width, ROW), int(Qt.AlignmentFlag.AlignVCenter), shown)
        return width - 4

    def _paint_tag(self, painter: QPainter, tag: str, place: QRect, right: int) -> int:
        """Paints the kind of a wrapped value at the right; returns the width that it took."""
        small = fonts.ui(11)
        width = QFontMetrics(small).horizontalAdvance(tag) + 10
        if width > (right - place.x()) // 2:
            return 0
        painter.setFont(small)
        painter.setPen(theme().color("third"))
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRect(right - width, place.y(), width, ROW), int(align), tag)
        painter.setFont(fonts.mono(12))
        return width

    def _paint_note(self, painter: QPainter, row: ValueRow, place: QRect, right: int) -> int:
        """Paints the note at the right end; returns the width that it took, 0 where there is no room."""
        text = self.note_of(row.path) if self.note_of is not None else ""
        room = (right - place.x()) // 2
        if not text or room < 60:
            return 0
        painter.setFont(fonts.ui(11))
        metrics = QFontMetrics(fonts.ui(11))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideLeft, room)
        painter.setPen(theme().color("third"))
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRect(right - room, place.y(), room, ROW), int(align), shown)
        painter.setFont(fonts.mono(12))
        return metrics.horizontalAdvance(shown) + 12

    def _paint_chevron(self, painter: QPainter, center: QPoint, is_open: bool) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = painter.pen()
        pen.setColor(theme().color("third"))
        pen.setWidthF(1.4)
        painter.setPen(pen)
        x, y = center.x(), center.y()
        points = [(-3, -2), (0, 1), (3, -2)] if is_open else [(-1, -3), (2, 0), (-1, 3)]
        for (x1, y1), (x2, y2) in pairwise(points):
            painter.drawLine(x + x1, y + y1, x + x2, y + y2)

    # Mouse and keyboard

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._sized()
        self.reveal_changes()

    def sizeHint(self) -> QSize:
        return QSize(320, 220)

    def _row_at(self, y: int) -> int:
        number = (y + self.verticalScrollBar().value()) // ROW
        return number if 0 <= number < len(self._rows) else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        number = self._row_at(int(event.position().y()))
        if number < 0 or event.button() == Qt.MouseButton.MiddleButton:
            return
        row = self._rows[number]
        if row.kind == "more":
            self._folding.show_more(row.path)
            self._rebuild()
            return
        chevron = MARGIN + row.depth * INDENT
        if row.is_container and chevron - 4 <= event.position().x() <= chevron + INDENT:
            self._toggle(row)
        self._choose(row)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        number = self._row_at(int(event.position().y()))
        if number < 0:
            return
        row = self._rows[number]
        if row.is_container:
            self._toggle(row)
        elif row.kind != "more":
            self.activated.emit(row.path)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        number = self._row_at(int(event.position().y()))
        if number != self._hover:
            self._hover = number
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.viewport().update()

    def _toggle(self, row: ValueRow) -> None:
        self._folding.toggle(row.path, not row.is_open)
        self._rebuild()

    def _choose(self, row: ValueRow) -> None:
        self._selected = row.path
        self.viewport().update()
        self.selected.emit(row.path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        place = next((i for i, row in enumerate(self._rows) if row.path == self._selected and row.kind != "more"), -1)
        key = event.key()
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}
        if key in steps and self._rows:
            place = max(0, min(len(self._rows) - 1, place + steps[Qt.Key(key)]))
            self._choose(self._rows[place])
            self._reveal(place)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right) and place >= 0 and self._rows[place].is_container:
            if self._rows[place].is_open != (key == Qt.Key.Key_Right):
                self._toggle(self._rows[place])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and place >= 0:
            self.activated.emit(self._rows[place].path)
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy(self.text_of(self._selected or ""))
        else:
            super().keyPressEvent(event)

    def _reveal(self, number: int) -> None:
        bar = self.verticalScrollBar()
        top = number * ROW
        if top < bar.value():
            bar.setValue(top)
        elif top + ROW > bar.value() + self.viewport().height():
            bar.setValue(top + ROW - self.viewport().height())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        number = self._row_at(event.pos().y())
        menu = QMenu(self)
        if number >= 0 and self._rows[number].kind != "more":
            row = self._rows[number]
            menu.addAction("Copy value", lambda: self._copy(self.text_of(row.path)))
            menu.addAction("Copy path", lambda: self._copy(row.path))
        menu.addAction("Copy all as JSON", lambda: self._copy(self.text_of("")))
        menu.addSeparator()
        menu.addAction("Unfold all", lambda: self._fold_all(True))
        menu.addAction("Fold all", lambda: self._fold_all(False))
        menu.exec(event.globalPos())

    def _fold_all(self, is_open: bool) -> None:
        self._folding = Folding(open_depth=64, open_size=10_000) if is_open else Folding(open_depth=0)
        self._rebuild()

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            number = self._row_at(event.pos().y())
            if number >= 0 and self._rows[number].kind != "more":
                row = self._rows[number]
                lines = [row.path[:600], row.text[:600]]
                if row.change == "changed":
                    lines = [row.path[:600], f"before  {row.before[:300]}", f"after   {row.text[:300]}"]
                if self.note_of is not None and not row.is_container:
                    lines.append(self.note_of(row.path))
                QToolTip.showText(event.globalPos(), tooltip("\n".join(line for line in lines if line)), self)
            return True
        return super().viewportEvent(event)


def _at(value: Value, path: str) -> Value:
    """The value at a path: a leaf by its path, or a container rebuilt from where its path leads."""
    for step_path, child in _walk(value, path):
        if step_path == path:
            return child
    return dict(leaves(value)).get(path)


def _walk(value: Value, path: str) -> list[tuple[str, Value]]:
    found: list[tuple[str, Value]] = []
    prefix = ""
    while True:
        children: list[tuple[str, Value]]
        if isinstance(value, dict):
            children = [(member(prefix, key), child) for key, child in value.items()]
        elif isinstance(value, list | tuple):
            children = [(item(prefix, i), child) for i, child in enumerate(value)]
        else:
            return found
        step = next(((p, c) for p, c in children if path == p or (path.startswith(p) and path[len(p)] in ".[")), None)
        if step is None:
            return found
        found.append(step)
        prefix, value = step
