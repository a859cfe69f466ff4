"""The line above code and rows: run, compare, up to where, and what to do at an event that is not understood."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QMenu, QPushButton, QToolButton, QWidget

from esviewer.domain import UsageError, iso
from esviewer.projections.event_pass import Mode
from esviewer.ui.icons import icon
from esviewer.ui.projection_work import Until
from esviewer.ui.store_table_words import target_of
from esviewer.ui.zone import zone

_UNTIL: Final[tuple[tuple[Until, str, str], ...]] = (
    ("head", "To the head", ""),
    ("position", "To a position", "Position"),
    ("time", "To a time", "2024-03-05 12:31"),
)
_MODES: Final[tuple[tuple[Mode, str, str], ...]] = (
    ("stop", "At unknown: stop", "Halts before the first event that today's code does not understand"),
    ("quarantine-event", "Set event aside", "Skips the event; rows its stream touches later are tainted"),
    ("quarantine-stream", "Set stream aside", "Skips the event and all that follow it in its stream"),
)


class RunBar(QWidget):
    """What to run with. ``order`` reads it."""

    run_wanted = Signal()
    compare_wanted = Signal()
    menu_wanted = Signal(object)
    """The menu of what to compare with is about to be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.run = QPushButton("Replay")
        self.compare = QToolButton()
        self.menu = QMenu(self.compare)
        self.until = QComboBox()
        self.at = QLineEdit()
        self.mode = QComboBox()
        self._lay_out()
        self.run.clicked.connect(self.run_wanted)
        self.compare.clicked.connect(self.compare_wanted)
        self.at.returnPressed.connect(self.run_wanted)
        self.at.textChanged.connect(lambda _text: self._mark(is_wrong=False))
        self.until.currentIndexChanged.connect(lambda _place: self._show_at())
        self.menu.aboutToShow.connect(lambda: self.menu_wanted.emit(self.menu))
        self._show_at()

    def _lay_out(self) -> None:
        self.run.setProperty("primary", "true")
        self.run.setIcon(icon("play", "on_accent"))
        self.run.setToolTip("Replay the chosen projection from the first event on (Ctrl+Return)")
        self.compare.setText("Compare")
        self.compare.setIcon(icon("arrow-up-down"))
        self.compare.setToolButtonStyle(self.compare.toolButtonStyle().ToolButtonTextBesideIcon)
        self.compare.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.compare.setMenu(self.menu)
        for _, words, _ in _UNTIL:
            self.until.addItem(words)
        self.until.setAccessibleName("How far to replay")
        self.until.setToolTip("To a time: up to the last event that was recorded by then, included")
        self.at.setMaximumWidth(140)
        self.at.setMinimumWidth(64)
        for mode, words, tip in _MODES:
            self.mode.addItem(words, mode)
            self.mode.setItemData(self.mode.count() - 1, tip, 3)
        self.mode.setAccessibleName("What to do at an event that is not understood")
        self.mode.setToolTip("What to do at an event that the catalogue does not know, or that cannot be read")
        for box, least in ((self.until, 124), (self.mode, 140)):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            box.setMinimumWidth(least)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.run, self.compare, self.until, self.at, self.mode):
            row.addWidget(widget)
        row.addStretch(1)

    def _show_at(self) -> None:
        kind, _, hint = _UNTIL[self.until.currentIndex()]
        self.at.setVisible(kind != "head")
        self.at.setPlaceholderText(hint)
        self.at.setAccessibleName(
            f"{hint.partition(' ')[0]} to replay to" if kind == "position" else "Time to replay to"
        )
        self.at.setToolTip(
            "The event there is included"
            if kind == "position"
            else "A date, or date and time, in the zone that times are shown in"
        )
        self._mark(is_wrong=False)

    def show_compared(self, title: str) -> None:
        """Says what a click on Compare compares with; without it there is only the menu."""
        self.compare.setToolTip(f"Compare with {title} (Ctrl+Shift+Return)" if title else "Choose what to compare with")

    def set_running(self, is_on: bool) -> None:
        """While something runs, nothing else does."""
        self.run.setEnabled(not is_on)
        self.compare.setEnabled(not is_on)

    def end(self) -> tuple[Until, int | None]:
        """How far to replay; raises :class:`UsageError`, and marks the field, where it says no position or time."""
        kind = _UNTIL[self.until.currentIndex()][0]
        text = self.at.text().strip()
        if kind == "head":
            return kind, None
        target = target_of(text, zone())
        at = target.value if target is not None and target.column == kind else None
        if at is None:
            self._mark(is_wrong=True)
            self.at.setFocus()
            wanted = "a position, which is a number" if kind == "position" else "a time, such as 2024-03-05 12:31"
            raise UsageError(f"{text or 'Nothing'} is not {wanted}.")
        return kind, at

    @property
    def on_unknown(self) -> Mode:
        """What to do at an event that is not understood."""
        return _MODES[self.mode.currentIndex()][0]

    def show_end(self, until: Until, at: int | None) -> None:
        """Puts an end into the fields."""
        self.until.setCurrentIndex([kind for kind, _, _ in _UNTIL].index(until))
        self.at.setText("" if at is None else str(at) if until == "position" else iso(at) or "")

    def _mark(self, *, is_wrong: bool) -> None:
        self.at.setProperty("invalid", "true" if is_wrong else "false")
        self.at.style().unpolish(self.at)
        self.at.style().polish(self.at)
