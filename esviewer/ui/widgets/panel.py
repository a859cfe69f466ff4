"""The frames that the window is laid out with, and what stands in them while there is nothing to show."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from esviewer.ui import fonts, icons
from esviewer.ui.widgets.labels import ElidedLabel, IconLabel, label


class Panel(QFrame):
    """A rounded frame: icon and title in a header, a note and buttons at its right, the content below in ``body``."""

    def __init__(self, title: str, icon: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", "true")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        header = QWidget(self)
        header.setFixedHeight(44)
        row = QHBoxLayout(header)
        row.setContentsMargins(14, 0, 8, 0)
        row.setSpacing(8)
        if icon:
            row.addWidget(IconLabel(icon))
        self._title = ElidedLabel()
        self._title.setFont(fonts.ui(fonts.BODY, 600))
        row.addWidget(self._title)
        row.addStretch(1)
        self._note = label(tone="second", font=fonts.ui(12))
        self._note.hide()
        row.addWidget(self._note)
        self.slot = QHBoxLayout()
        self.slot.setSpacing(4)
        row.addLayout(self.slot)
        self.body = QVBoxLayout()
        # The lower corners are round, and what lies in the body is not.
        self.body.setContentsMargins(1, 0, 1, 7)
        self.body.setSpacing(0)
        outer.addWidget(header)
        outer.addLayout(self.body, 1)
        self.set_title(title)

    @property
    def title(self) -> str:
        """What the header says."""
        return self._title.text()

    def set_title(self, title: str) -> None:
        """Says something else in the header, and to a screen reader."""
        self._title.setText(title)
        self.setAccessibleName(title)

    def set_note(self, note: str) -> None:
        """A few quiet words at the right of the header; none hides them."""
        self._note.setText(note)
        self._note.setVisible(bool(note))

    def add_to_header(self, widget: QWidget) -> None:
        """Puts a widget at the right end of the header."""
        self.slot.addWidget(widget)


class EmptyState(QWidget):
    """Says what would be here and offers the one thing to do next."""

    offered = Signal()

    def __init__(
        self, icon: str, sentence: str, offer: str = "", offer_icon: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        column.addStretch(1)
        column.addWidget(IconLabel(icon, "third", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        self._sentence = label(sentence, tone="second")
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence.setWordWrap(True)
        self._sentence.setMaximumWidth(420)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self._sentence, 100)
        row.addStretch(1)
        column.addLayout(row)
        self.button = QPushButton(offer)
        if offer_icon:
            self.button.setIcon(icons.icon(offer_icon))
        self.button.setVisible(bool(offer))
        self.button.clicked.connect(self.offered)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.setAccessibleName(sentence)

    def set_sentence(self, sentence: str, offer: str = "") -> None:
        """Says and offers something else; without an offer there is no button."""
        self._sentence.setText(sentence)
        self.setAccessibleName(sentence)
        self.button.setText(offer)
        self.button.setVisible(bool(offer))
