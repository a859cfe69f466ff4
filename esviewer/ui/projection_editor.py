"""An editor for files of projections: line numbers, colours, completion from the store, mistakes on their line."""

from __future__ import annotations

import re
from typing import Final

from PySide6.QtCore import QEvent, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QSyntaxHighlighter,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QAbstractItemView, QCompleter, QFrame, QPlainTextEdit, QTextEdit, QToolTip, QWidget

from esviewer.projections.naming import Kind
from esviewer.ui import fonts
from esviewer.ui.projection_known import Known
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip

_TEXT = r"\"(?:[^\"\\]|\\.)*\"?|'(?:[^'\\]|\\.)*'?"
_NUMBER = r"(?<![\w.])-?\d+(?:\.\d+)?\b"
_PYTHON_WORDS = (
    "and|as|assert|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|"
    "nonlocal|not|or|pass|raise|return|try|while|with|yield|None|True|False|self|super"
)
_SQL_WORDS = (
    "select|from|where|group|by|order|having|limit|as|and|or|not|null|is|in|case|when|then|else|end|join|left|on|with|"
    "distinct|union|all|count|sum|min|max|avg|over|partition|filter|desc|asc|between|like|using"
)
_RULES: Final[dict[Kind, tuple[tuple[str, re.Pattern[str]], ...]]] = {
    "python": (
        ("json_string", re.compile(rf"\"\"\".*?(?:\"\"\"|$)|{_TEXT}")),
        ("third", re.compile(r"#.*$")),
        ("accent", re.compile(r"@\w+(?:\.\w+)*")),
        ("json_keyword", re.compile(rf"\b(?:{_PYTHON_WORDS})\b")),
        ("json_key", re.compile(r"(?<=def )\w+|(?<=class )\w+")),
        ("json_number", re.compile(_NUMBER)),
    ),
    "steps": (
        ("third", re.compile(r"(?:^|(?<=\s))#.*$")),
        ("json_key", re.compile(r"\"(?:[^\"\\]|\\.)*\"(?=\s*:)|[\w.-]+(?=\s*:(?:\s|$))")),
        ("json_string", re.compile(_TEXT)),
        ("json_keyword", re.compile(r"\b(?:true|false|null)\b")),
        ("json_number", re.compile(_NUMBER)),
    ),
    "sql": (
        ("third", re.compile(r"--.*$")),
        ("json_string", re.compile(r"'(?:[^']|'')*'?")),
        ("json_keyword", re.compile(rf"\b(?:{_SQL_WORDS})\b", re.IGNORECASE)),
        ("json_number", re.compile(_NUMBER)),
    ),
}
_PREFIX: Final = re.compile(r"[\w.:/\\-]*$")
_NAMES_TYPE: Final = re.compile(r"@on\([^)]*[\"'][^\"']*$|--\s*types:.*$|^\s{0,4}[\"'][^\"']*$")
_NAMES_ATTRIBUTE: Final = re.compile(r"data(?:\[|\.get\()\s*[\"'][^\"']*$|\bdata\.\w*$|data->>?'[^']*$")
_SHOWN: Final = 12
_RIGHT: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class Highlighter(QSyntaxHighlighter):
    """Colours a file of one kind in the colours that payloads have; what is taken by one rule is not by a later one."""

    kind: Kind = "python"

    def highlightBlock(self, text: str) -> None:
        taken: list[tuple[int, int]] = []
        current = theme()
        for token, rule in _RULES[self.kind]:
            for match in rule.finditer(text):
                start, end = match.span()
                if start == end or any(start < right and left < end for left, right in taken):
                    continue
                style = QTextCharFormat()
                style.setForeground(current.color(token))
                self.setFormat(start, end - start, style)
                taken.append((start, end))


class CodeEditor(QPlainTextEdit):
    """Plain text with line numbers. Tab indents, Ctrl+Space completes, Ctrl+S saves, Ctrl+Enter runs."""

    save_wanted = Signal()
    run_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._wrong: tuple[int, str] | None = None
        self._known = Known()
        self.setFont(fonts.mono(12))
        self.setAccessibleName("Text of the projection")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setProperty("flush", "true")
        self.setFrameShape(QFrame.Shape.NoFrame)
        # Files that are dropped are for the tab.
        self.setAcceptDrops(False)
        self._gutter = _Gutter(self)
        self._colours = Highlighter(self.document())
        self._model = QStringListModel(self)
        self.completer = QCompleter(self._model, self)
        popup = self.completer.popup()
        assert popup is not None
        self._popup: QAbstractItemView = popup
        self.completer.setWidget(self)
        self.completer.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)
        self.completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.completer.setMaxVisibleItems(_SHOWN)
        self._popup.setFont(fonts.mono(12))
        self.completer.activated.connect(self._complete)
        self.blockCountChanged.connect(self._make_room)
        self.updateRequest.connect(lambda _rect, _dy: self._gutter.update())
        signals().changed.connect(self._tint)
        self._make_room()

    # What is shown

    def show_text(self, text: str, kind: Kind) -> None:
        """Shows another text; nothing of it can be undone."""
        self._wrong = None
        self._colours.kind = kind
        self.setPlainText(text)
        self.document().setModified(False)
        self._tint()

    def replace_text(self, text: str) -> None:
        """The file says something else now; the cursor stays where it was, and it can be undone."""
        cursor = self.textCursor()
        place, top = cursor.position(), self.verticalScrollBar().value()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        cursor.setPosition(min(place, len(self.toPlainText())))
        self.setTextCursor(cursor)
        self.verticalScrollBar().setValue(top)
        self.document().setModified(False)

    def set_known(self, known: Known) -> None:
        """Takes what can be completed."""
        self._known = known

    @property
    def wrong_line(self) -> int | None:
        """The line that is marked, from 1."""
        return None if self._wrong is None else self._wrong[0]

    def mark(self, line: int | None, sentence: str = "") -> None:
        """Marks the line of a mistake, with the sentence as its tooltip; or none."""
        self._wrong = None if line is None else (line, sentence)
        self._tint(anew=False)

    def go_to_line(self, line: int) -> None:
        """Puts the cursor on a line, from 1, and shows it."""
        block = self.document().findBlockByNumber(line - 1)
        if block.isValid():
            self.setTextCursor(QTextCursor(block))
            self.centerCursor()
        self.setFocus()

    def _tint(self, *, anew: bool = True) -> None:
        if anew:
            self._colours.rehighlight()
        marked: list[QTextEdit.ExtraSelection] = []
        block = self.document().findBlockByNumber((self.wrong_line or 0) - 1)
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

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and self._wrong is not None:
            place = event.pos()  # type: ignore[attr-defined]
            if self.cursorForPosition(place).blockNumber() + 1 == self._wrong[0]:
                QToolTip.showText(event.globalPos(), tooltip(self._wrong[1]), self)  # type: ignore[attr-defined]
                return True
            QToolTip.hideText()
        return super().viewportEvent(event)

    # Completion

    def complete(self) -> None:
        """Offers what may stand at the cursor: types of the store, or attributes of their payloads."""
        before = self.textCursor().block().text()[: self.textCursor().positionInBlock()]
        found = _PREFIX.search(before)
        prefix = found[0] if found is not None else ""
        if _NAMES_ATTRIBUTE.search(before):
            prefix = re.split(r"[^\w-]", prefix)[-1]
            words = self._attributes()
        else:
            words = [known.name for known in self._known.types]
            words = words if _NAMES_TYPE.search(before) else [*words, *self._known.attributes]
        self._model.setStringList(words)
        self.completer.setCompletionPrefix(prefix)
        count = self.completer.completionCount()
        if not count or (count == 1 and self.completer.currentCompletion() == prefix):
            self._popup.hide()
            return
        popup = self._popup
        popup.setCurrentIndex(self.completer.completionModel().index(0, 0))
        area = self.cursorRect()
        area.translate(self.viewportMargins().left(), 0)
        area.setWidth(min(popup.sizeHintForColumn(0) + 32, 560))
        self.completer.complete(area)

    def _attributes(self) -> list[str]:
        """The attributes of the type that was named last above the cursor, and then all others."""
        above = self.toPlainText()[: self.textCursor().position()]
        own: list[str] = []
        best = -1
        for known in self._known.types:
            place = above.rfind(known.name)
            if place > best:
                best, own = place, list(known.attributes)
        return [*own, *(name for name in self._known.attributes if name not in own)]

    def _complete(self, word: str) -> None:
        cursor = self.textCursor()
        length = len(self.completer.completionPrefix())
        cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, length)
        cursor.insertText(word)
        self.setTextCursor(cursor)

    # Keys

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_own(event):
            # These mean something else in the rest of the window.
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if _is_own(event):
            (self.save_wanted if event.matches(QKeySequence.StandardKey.Save) else self.run_wanted).emit()
            return
        key, modifiers = event.key(), event.modifiers()
        is_open = self._popup.isVisible()
        if is_open and key in (Qt.Key.Key_Enter, Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Escape):
            event.ignore()
            return
        if key == Qt.Key.Key_Space and modifiers & Qt.KeyboardModifier.ControlModifier:
            self.complete()
            return
        if key == Qt.Key.Key_Tab and not modifiers:
            self._indent()
            return
        if key in (Qt.Key.Key_Enter, Qt.Key.Key_Return) and not modifiers:
            self._begin_line()
            return
        super().keyPressEvent(event)
        if event.text() and (is_open or event.text() in "\"'."):
            before = self.textCursor().block().text()[: self.textCursor().positionInBlock()]
            if _NAMES_TYPE.search(before) or _NAMES_ATTRIBUTE.search(before):
                self.complete()
            else:
                self._popup.hide()

    def _unit(self) -> str:
        return "    " if self._colours.kind == "python" else "  "

    def _indent(self) -> None:
        """Indents the selected lines, or goes on to the next stop."""
        cursor, unit = self.textCursor(), self._unit()
        if not cursor.hasSelection():
            cursor.insertText(unit[cursor.positionInBlock() % len(unit) :] or unit)
            return
        first, last = cursor.selectionStart(), cursor.selectionEnd()
        cursor.setPosition(first)
        cursor.beginEditBlock()
        while True:
            cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock)
            cursor.insertText(unit)
            last += len(unit)
            if not cursor.movePosition(QTextCursor.MoveOperation.NextBlock) or cursor.position() >= last:
                break
        cursor.endEditBlock()

    def _begin_line(self) -> None:
        """A new line that is indented as the one before, further behind a colon."""
        cursor = self.textCursor()
        line = cursor.block().text()[: cursor.positionInBlock()]
        indent = line[: len(line) - len(line.lstrip())]
        if line.rstrip().endswith(":"):
            indent += self._unit()
        cursor.insertText(f"\n{indent}")
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    # Numbers of lines

    @property
    def gutter_width(self) -> int:
        """Pixels left of the text."""
        return 20 + self.fontMetrics().horizontalAdvance("0") * max(2, len(str(self.blockCount())))

    def _make_room(self) -> None:
        self.setViewportMargins(self.gutter_width, 0, 0, 0)
        self._place_gutter()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_gutter()

    def _place_gutter(self) -> None:
        area = self.contentsRect()
        self._gutter.setGeometry(area.left(), area.top(), self.gutter_width, area.height())

    def paint_gutter(self, painter: QPainter) -> None:
        """Paints the numbers of the lines in sight."""
        block, offset, width = self.firstVisibleBlock(), self.contentOffset(), self.gutter_width
        current, here = theme(), self.textCursor().blockNumber()
        painter.setFont(fonts.mono(11))
        while block.isValid():
            area = self.blockBoundingGeometry(block).translated(offset)
            if area.top() > self.viewport().height():
                return
            number = block.blockNumber() + 1
            tone = "removed" if number == self.wrong_line else "text" if number == here + 1 else "third"
            painter.setPen(current.color(tone))
            place = area.toRect()
            painter.drawText(0, place.top(), width - 10, place.height(), _RIGHT, str(number))
            block = block.next()


def _is_own(event: QKeyEvent) -> bool:
    """Whether keys are Ctrl+S or Ctrl+Enter."""
    is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
    has_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
    return event.matches(QKeySequence.StandardKey.Save) or (is_enter and has_control)


class _Gutter(QWidget):
    """The numbers of lines, left of them."""

    def __init__(self, editor: CodeEditor) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:
        return QSize(self._editor.gutter_width, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), QColor(theme().color("panel")))
            self._editor.paint_gutter(painter)
