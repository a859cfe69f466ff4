"""The line of the filter bar in which parts of a filter are typed, with what may be typed next in a list below it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from esviewer.ui import fonts
from esviewer.ui.filter_completion import Completion, StoreWords, last_word
from esviewer.ui.theme import theme
from esviewer.ui.widgets import ROW_HEIGHT
from esviewer.ui.widgets.object_rows import ObjectRows

_ROWS = 10
_WIDTH = 420
_CHOOSES_FIRST = ("type:", "-type:", "category:", "-category:", "is:", "-is:")


class FilterLine(QLineEdit):
    """Enter takes the line; Tab or Enter takes what is chosen in the list; Left or Backspace at the start leave it."""

    entered = Signal(str)
    left_at_start = Signal()
    escaped = Signal()
    focused = Signal(bool)

    def __init__(self, placeholder: str) -> None:
        super().__init__()
        self.setProperty("flush", "true")
        self.setPlaceholderText(placeholder)
        self.setAccessibleName("Filter events")
        self.words: StoreWords | None = None
        self._list: _CompletionList | None = None
        self.textEdited.connect(self.offer)

    # What may be typed next

    @property
    def offers(self) -> list[Completion]:
        """What stands in the list; empty while it is closed."""
        shown = self._list
        return [] if shown is None or shown.isHidden() else shown.completions

    def offer(self, _text: str = "") -> None:
        """Opens the list of what may be typed next."""
        before = self.text()[: self.cursorPosition()]
        found = self.words.complete(before) if self.words is not None else []
        word = last_word(before)
        if not found or (len(found) == 1 and found[0].words == word):
            self.close_list()
            return
        if self._list is None:
            self._list = _CompletionList(self)
            self._list.taken.connect(self._take)
        self._list.show_completions(found, 0 if word.startswith(_CHOOSES_FIRST) else -1)

    def close_list(self) -> None:
        """Closes the list."""
        if self._list is not None:
            self._list.hide()

    def _take(self, completion: Completion) -> None:
        cursor = self.cursorPosition()
        before, after = self.text()[:cursor], self.text()[cursor:]
        before = before[: len(before) - len(last_word(before))]
        self.close_list()
        self.setText(before + completion.words + after)
        self.setCursorPosition(len(before) + len(completion.words))
        if completion.is_whole and not (before + after).strip():
            self._enter()
        else:
            self.offer()

    def _enter(self) -> None:
        self.close_list()
        self.entered.emit(self.text())

    # Keys and focus

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._steer_list(event) and not self._leave(event):
            super().keyPressEvent(event)

    def _steer_list(self, event: QKeyEvent) -> bool:
        key, shown = event.key(), self._list
        if key in (Qt.Key.Key_Down, Qt.Key.Key_Space) and event.modifiers() == Qt.KeyboardModifier.ControlModifier:
            self.offer()
            return True
        if shown is None or shown.isHidden():
            if key == Qt.Key.Key_Down:
                self.offer()
                return True
            return False
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _ROWS, Qt.Key.Key_PageUp: -_ROWS}
        if key in steps:
            shown.choose(max(0, shown.currentIndex().row() + steps[Qt.Key(key)]))
            return True
        if key == Qt.Key.Key_Escape:
            self.close_list()
            return True
        chosen = shown.chosen(first_if_none=key == Qt.Key.Key_Tab)
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab) and chosen is not None:
            self._take(chosen)
            return True
        return False

    def _leave(self, event: QKeyEvent) -> bool:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
        elif key == Qt.Key.Key_Escape:
            if self.text():
                self.clear()
            self.escaped.emit()
        elif (
            key in (Qt.Key.Key_Left, Qt.Key.Key_Backspace) and not self.cursorPosition() and not self.hasSelectedText()
        ):
            self.left_at_start.emit()
        else:
            return False
        return True

    def event(self, event: QEvent) -> bool:
        # Tab goes to the next widget before the line sees it as a key, unless it takes what the list offers.
        is_press = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if is_press and self._is_tab_taken(event):  # type: ignore[arg-type]
            return True
        return super().event(event)

    def _is_tab_taken(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Tab and self._steer_list(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        if not self.text():
            self.offer()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.close_list()
        self.focused.emit(False)


def _told(completion: Completion) -> str:
    return f"{completion.shown}, {completion.hint}"


class _CompletionList(QListView):
    """Lies over the window below the line and never takes the keyboard."""

    taken = Signal(object)

    def __init__(self, line: FilterLine) -> None:
        super().__init__(line.window())
        self._line = line
        self.setProperty("raised", "true")
        self.setAccessibleName("What may be typed next")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_CompletionDelegate(self))
        self._rows: ObjectRows[Completion] = ObjectRows(self, ROW_HEIGHT, _told)
        self.setModel(self._rows)
        self.clicked.connect(self._clicked)
        self.completions: list[Completion] = []
        self.hide()

    def show_completions(self, completions: list[Completion], current: int) -> None:
        """Opens the list below the cursor."""
        self.completions = completions
        self._rows.show(completions)
        self.choose(current)
        window = self._line.window()
        below = self._line.mapTo(window, QPoint(self._line.cursorRect().left(), self._line.height() + 4))
        width = min(_WIDTH, window.width() - 16)
        left = max(8, min(below.x(), window.width() - width - 8))
        self.setGeometry(left, below.y(), width, min(_ROWS, len(completions)) * ROW_HEIGHT + 10)
        self.show()
        self.raise_()

    def choose(self, row: int) -> None:
        """Chooses a row, the last one where there are fewer; none for -1."""
        self.setCurrentIndex(self._rows.index(min(row, self._rows.rowCount() - 1)))

    def chosen(self, *, first_if_none: bool) -> Completion | None:
        """What is chosen."""
        row = self.currentIndex().row()
        if row < 0 and first_if_none and self.completions:
            row = 0
        return self.completions[row] if 0 <= row < len(self.completions) else None

    def _clicked(self, index: QModelIndex) -> None:
        completion = self._rows.at(index)
        if completion is not None:
            self.taken.emit(completion)


class _CompletionDelegate(QStyledItemDelegate):
    """What may be typed, and at the right what it is."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rows, current = index.model(), theme()
        completion = rows.at(index) if isinstance(rows, ObjectRows) else None
        if completion is None:
            return
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        small = fonts.ui(11)
        face = fonts.ui(13) if completion.is_whole else fonts.mono(12)
        room = area.adjusted(10, 0, -10, 0)
        # The value is what one looks for; what it is gives way.
        wanted = min(QFontMetrics(face).horizontalAdvance(completion.shown), room.width() - 60)
        hint = QFontMetrics(small).elidedText(
            completion.hint, Qt.TextElideMode.ElideRight, max(room.width() - wanted - 16, 40)
        )
        painter.setFont(small)
        painter.setPen(current.color("second"))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), hint)
        room.setRight(room.right() - QFontMetrics(small).horizontalAdvance(hint) - 12)
        painter.setFont(face)
        painter.setPen(current.color("text"))
        shown = QFontMetrics(face).elidedText(completion.shown, Qt.TextElideMode.ElideMiddle, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), shown)
