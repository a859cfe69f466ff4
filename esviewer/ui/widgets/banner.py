"""The bar that tells what happened without standing in the way."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QToolButton, QWidget

from esviewer.ui import icons
from esviewer.ui.widgets.labels import IconLabel, label

Severity = Literal["info", "success", "warning", "error"]

_LOOKS: Final[dict[Severity, tuple[str, str]]] = {
    "info": ("info", "accent"),
    "success": ("circle-check", "added"),
    "warning": ("triangle-alert", "changed"),
    "error": ("circle-alert", "removed"),
}


class Banner(QFrame):
    """One sentence with a severity; details to copy, an action and a way to close it. Hidden until ``tell``."""

    closed = Signal()
    acted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._details = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(8)
        self._icon = IconLabel("info", "accent")
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        self._sentence = label()
        self._sentence.setWordWrap(True)
        self._sentence.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        row.addWidget(self._sentence, 1)
        self.action = QPushButton()
        self.action.clicked.connect(self.acted)
        row.addWidget(self.action)
        self.copy = QPushButton("Copy details")
        self.copy.setIcon(icons.icon("copy"))
        self.copy.clicked.connect(self.copy_details)
        row.addWidget(self.copy)
        close = QToolButton()
        close.setIcon(icons.icon("x"))
        close.setIconSize(QSize(16, 16))
        close.setAccessibleName("Close this message")
        close.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        close.clicked.connect(self.dismiss)
        row.addWidget(close)
        self.hide()

    def tell(self, severity: Severity, sentence: str, details: str = "", action: str = "") -> None:
        """Shows the bar; without details or action their buttons are away."""
        self._details = details
        self._icon.set_icon(*_LOOKS[severity])
        self._sentence.setText(sentence)
        self.action.setText(action)
        self.action.setVisible(bool(action))
        self.copy.setVisible(bool(details))
        self.setProperty("severity", severity)
        self.setAccessibleName(f"{severity.capitalize()}: {sentence}")
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    @property
    def sentence(self) -> str:
        """What the bar says."""
        return self._sentence.text()

    @Slot()
    def copy_details(self) -> None:
        """Puts the sentence and all details on the clipboard."""
        QGuiApplication.clipboard().setText(f"{self.sentence}\n\n{self._details}")

    @Slot()
    def dismiss(self) -> None:
        """Hides the bar and says so."""
        self.hide()
        self.closed.emit()
