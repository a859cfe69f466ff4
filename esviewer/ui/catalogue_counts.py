"""How many events the catalogue flags, in the status line: each number filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from esviewer.catalogue.status import Status
from esviewer.ui import fonts
from esviewer.ui.statuses import LOOKS, SHOWN, SIDE, status_icon, status_word
from esviewer.ui.theme import signals
from esviewer.ui.widgets import label
from esviewer.ui.widgets.format import grouped

_AT_MOST: Final = 4
"""Numbers that have room in a narrow window; of the others there is a word."""


def _most_told(present: Sequence[Status]) -> Status:
    """Beside the worst ones the status that most events have in many stores, where it is there."""
    return Status.UPCAST if Status.UPCAST in present[_AT_MOST - 1 :] else present[_AT_MOST - 1]


class StatusCounts(QWidget):
    """Numbers by status, worst first; nothing for what is current, and nothing at all without a catalogue."""

    filter_wanted = Signal(str)
    """A status, as filters write it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._buttons: dict[Status, QToolButton] = {}
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(2)
        for status in SHOWN:
            button = self._buttons[status] = QToolButton()
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(SIDE, SIDE))
            button.setProperty("compact", "true")
            button.setFont(fonts.ui(12))
            button.setFixedHeight(24)
            button.clicked.connect(partial(self._clicked, status))
            button.hide()
            line.addWidget(button)
        self._rest = label(tone="second", font=fonts.ui(12))
        self._rest.hide()
        line.addWidget(self._rest)
        self._fine = label(tone="second", font=fonts.ui(12))
        line.addWidget(self._fine)
        self.hide()
        signals().changed.connect(self._tint)
        self._tint()

    def _tint(self) -> None:
        for status, button in self._buttons.items():
            button.setIcon(status_icon(status))

    def _clicked(self, status: Status, _checked: bool = False) -> None:
        self.filter_wanted.emit(status_word(status))

    def button(self, status: Status) -> QToolButton:
        """The number of one status."""
        return self._buttons[status]

    @property
    def texts(self) -> list[str]:
        """What is shown, from left to right."""
        shown = [button.text() for button in self._buttons.values() if not button.isHidden()]
        shown += [] if self._rest.isHidden() else [self._rest.text()]
        return shown if shown or self.isHidden() else [self._fine.text()]

    def show_counts(self, counts: Mapping[Status, int], is_judging: bool) -> None:
        """Shows the numbers of one store."""
        self.setVisible(bool(counts) or is_judging)
        present = [status for status in SHOWN if counts.get(status, 0)]
        shown = present if len(present) <= _AT_MOST else [*present[: _AT_MOST - 1], _most_told(present)]
        for status, button in self._buttons.items():
            count = counts.get(status, 0)
            button.setVisible(status in shown)
            look = LOOKS[status]
            button.setText(f"{grouped(count)} {look.counted}")
            noun = "event" if count == 1 else "events"
            button.setToolTip(f"{look.sentence} Click to see only {'this event' if count == 1 else 'these events'}.")
            button.setAccessibleName(f"{grouped(count)} {noun} {look.counted}: filter by them")
        rest = [status for status in present if status not in shown]
        self._rest.setText(f"+{len(rest)}")
        self._rest.setToolTip(", ".join(f"{grouped(counts[status])} {LOOKS[status].counted}" for status in rest))
        self._rest.setVisible(bool(rest))
        is_fine = not any(counts.get(status, 0) for status in SHOWN)
        self._fine.setText("judging …" if is_judging and is_fine else "all current" if is_fine else "")
        self._fine.setVisible(is_fine)
