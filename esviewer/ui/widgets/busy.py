"""The line that shows a running job."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from esviewer.ui import fonts
from esviewer.ui.widgets.format import grouped, rate
from esviewer.ui.widgets.labels import ElidedLabel, label

_STEPS = 1_000


class BusyBar(QWidget):
    """What is being done, how far it is, how fast it goes, and a button to stop it."""

    cancelled = Signal()

    def __init__(self, what: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        self._what = ElidedLabel()
        row.addWidget(self._what)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        row.addWidget(self.progress, 1)
        self._rate = label(tone="second", font=fonts.ui(12))
        # The numbers grow while the job runs, and the bar beside them must not shrink at every step.
        self._rate.setMinimumWidth(self._rate.fontMetrics().horizontalAdvance("000 000 of 000 000 · 000 k/s"))
        self._rate.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._rate)
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self.cancelled)
        row.addWidget(self.cancel)
        self.start(what)

    @property
    def figures(self) -> str:
        """The count and the rate as they are shown."""
        return self._rate.text()

    def start(self, what: str) -> None:
        """Names the job; how far it is stays unknown until ``advance``."""
        self._what.setText(what)
        self.setAccessibleName(what)
        self.progress.setAccessibleName(what)
        self.progress.setRange(0, 0)
        self._rate.setText("")

    def advance(self, done: int, total: int | None, seconds: float) -> None:
        """Shows ``done`` of ``total`` (``None`` where nobody knows) after that many seconds."""
        if total:
            self.progress.setRange(0, _STEPS)
            # Counts go beyond the 32 bits that the bar has.
            self.progress.setValue(min(done, total) * _STEPS // total)
        else:
            self.progress.setRange(0, 0)
        count = grouped(done) if total is None else f"{grouped(done)} of {grouped(total)}"
        self._rate.setText(f"{count} · {rate(done, seconds)}")
