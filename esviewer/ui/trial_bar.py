"""The line that shows a running trial, where there is little room."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QProgressBar, QPushButton, QWidget

from esviewer.ui import fonts
from esviewer.ui.widgets import ElidedLabel
from esviewer.ui.widgets.format import grouped, rate

_STEPS = 1_000


class TrialBar(QWidget):
    """How far a trial is, how fast it goes, and a button to stop it."""

    cancelled = Signal()

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what = what
        self._figures = ElidedLabel(what, "second")
        self._figures.setFont(fonts.ui(12))
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(what)
        self.cancel = QPushButton("Cancel")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.cancelled)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(4)
        grid.addWidget(self._figures, 0, 0)
        grid.addWidget(self.progress, 1, 0)
        grid.addWidget(self.cancel, 0, 1, 2, 1)
        grid.setColumnStretch(0, 1)
        self.setAccessibleName(what)
        self.hide()

    @property
    def figures(self) -> str:
        """What is said."""
        return self._figures.text()

    def start(self) -> None:
        """Is shown; how far it is stays unknown until ``advance``."""
        self._figures.setText(f"{self._what}…")
        self.progress.setRange(0, 0)
        self.show()

    def advance(self, done: int, total: int, seconds: float) -> None:
        """Shows how many are done of how many, after so many seconds."""
        self.progress.setRange(0, _STEPS)
        # Counts go beyond the 32 bits that the bar has.
        self.progress.setValue(min(done, total) * _STEPS // max(total, 1))
        self._figures.setText(f"{self._what}: {grouped(done)} of {grouped(total)} · {rate(done, seconds)}")
