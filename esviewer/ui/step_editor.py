"""A small editor for the steps of an upcaster, in which a mistake is shown on its line."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QWidget

from esviewer.ui import fonts
from esviewer.ui.theme import signals, theme

SNIPPETS: Final[dict[str, str]] = {
    "rename": "- rename: {old: new}",
    "default": "- default: {currency: EUR}",
    "set": "- set: {currency: EUR}",
    "drop": "- drop: [email]",
    "copy": "- copy: {email: contact}",
    "convert": "- convert: {price: int}",
    "map": "- map: {status: {open: OPEN}}",
    "split": '- split: {attribute: name, into: [first, last], at: " "}',
    "merge": '- merge: {attributes: [first, last], into: name, with: " "}',
    "set-type": "- set-type: OrderPlaced",
    "expression": "- expression: {total: sum(lines[].amount)}",
    "each": "- each: {in: lines, steps: [{rename: {no: number}}]}",
    "emit": "- emit: [{type: Moved, attributes: [street, city]}, {type: PhoneSet, attributes: [phone]}]",
    "discard": "- discard: {when: amount == `0`}",
}
"""A line to begin with for each step."""

_RULES: Final = (
    ("third", re.compile(r"#.*$")),
    ("json_string", re.compile(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'")),
    ("json_number", re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?\b(?!\w*:)")),
    ("json_keyword", re.compile(r"\b(?:true|false|null)\b(?!:)")),
    ("json_key", re.compile(r"[\w.\[\]-]+(?=\s*:)")),
    ("accent", re.compile(r"^\s*-\s*([\w-]+)(?=\s*:)")),
)
_GUTTER: Final = 30
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class _Colours(QSyntaxHighlighter):
    """Keys, texts, numbers and the names of steps in the colours of payloads."""

    def highlightBlock(self, text: str) -> None:
        taken: list[tuple[int, int]] = []
        current = theme()
        for token, rule in _RULES:
            for match in rule.finditer(text):
                start, end = match.span(1 if rule.groups else 0)
                if token != "accent" and any(start < right and left < end for left, right in taken):
                    continue
                style = QTextCharFormat()
                style.setForeground(current.color(token))
                self.setFormat(start, end - start, style)
                taken.append((start, end))


class StepEditor(QPlainTextEdit):
    """YAML with line numbers; Tab gives two spaces, Shift+Tab leaves."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wrong: int | None = None
        self.setFont(fonts.mono(12))
        self.setAccessibleName("Steps of the upcaster")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setProperty("flush", "true")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self._gutter = _Gutter(self)
        self._colours = _Colours(self.document())
        self.setViewportMargins(_GUTTER, 0, 0, 0)
        self.updateRequest.connect(lambda _rect, _dy: self._gutter.update())
        signals().changed.connect(self._tint)

    @property
    def wrong_line(self) -> int | None:
        """The line that is marked, from 1."""
        return self._wrong

    def mark(self, line: int | None) -> None:
        """Marks the line of a mistake, or none."""
        self._wrong = line
        self._tint(anew=False)

    def insert(self, snippet: str) -> None:
        """Adds a step below the line with the cursor, and selects its arguments."""
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock)
        cursor.insertText(f"\n{snippet}" if cursor.block().text().strip() else snippet)
        self.setTextCursor(cursor)
        self.setFocus()

    def _tint(self, *, anew: bool = True) -> None:
        if anew:
            self._colours.rehighlight()
        marked: list[QTextEdit.ExtraSelection] = []
        block = self.document().findBlockByNumber((self._wrong or 0) - 1)
        if self._wrong is not None and block.isValid():
            selection = QTextEdit.ExtraSelection()
            selection.cursor = QTextCursor(block)
            style = QTextCharFormat()
            style.setBackground(theme().color("removed_behind"))
            style.setProperty(QTextFormat.Property.FullWidthSelection, True)
            selection.format = style
            marked.append(selection)
        self.setExtraSelections(marked)
        self._gutter.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Tab and not event.modifiers():
            self.textCursor().insertText("  ")
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        area = self.contentsRect()
        self._gutter.setGeometry(area.left(), area.top(), _GUTTER, area.height())

    def paint_gutter(self, painter: QPainter) -> None:
        """Paints the numbers of the lines in sight."""
        block, offset = self.firstVisibleBlock(), self.contentOffset()
        current = theme()
        painter.setFont(fonts.mono(11))
        while block.isValid():
            area = self.blockBoundingGeometry(block).translated(offset)
            if area.top() > self.viewport().height():
                return
            number = block.blockNumber() + 1
            painter.setPen(current.color("removed" if number == self._wrong else "third"))
            place = area.toRect()
            painter.drawText(0, place.top(), _GUTTER - 8, place.height(), _RIGHT, str(number))
            block = block.next()


class _Gutter(QWidget):
    """The numbers of lines, left of them."""

    def __init__(self, editor: StepEditor) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:
        return QSize(_GUTTER, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme().color("panel")))
            self._editor.paint_gutter(painter)
