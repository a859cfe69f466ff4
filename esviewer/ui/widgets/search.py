"""The field for searching and filtering."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from esviewer.ui import fonts, icons
from esviewer.ui.theme import theme


class SearchField(QLineEdit):
    """A line with a magnifier, a button that clears it (Escape does too), and its shortcut at the right while empty."""

    def __init__(self, placeholder: str, shortcut: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self._shortcut = shortcut
        self.addAction(icons.icon("search", "third"), QLineEdit.ActionPosition.LeadingPosition)
        self._clear = QAction(icons.icon("x"), "Clear", self)
        self._clear.triggered.connect(self.clear)
        self.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
        # Only from here on: the line makes a button for a hidden action and shows it.
        self._clear.setVisible(False)
        self.textChanged.connect(self._show_clear)

    def _show_clear(self, text: str) -> None:
        self._clear.setVisible(bool(text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
            return
        super().keyPressEvent(event)

    def hint_rect(self) -> QRect | None:
        """Where the shortcut stands; none where it would touch the placeholder or what was typed."""
        if not self._shortcut or self.text():
            return None
        width = self.fontMetrics().horizontalAdvance(self._shortcut)
        taken = 36 + self.fontMetrics().horizontalAdvance(self.placeholderText())
        if taken + width + 24 > self.width():
            return None
        return QRect(self.width() - width - 10, 0, width, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        rect = self.hint_rect()
        if rect is not None:
            with QPainter(self) as painter:
                painter.setFont(fonts.ui(12))
                painter.setPen(theme().color("third"))
                painter.drawText(rect, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), self._shortcut)
