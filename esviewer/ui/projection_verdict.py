"""How a replay or a comparison ended: the verdict in large type, what it stands on, and ways to the events."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QVBoxLayout

from esviewer.projections.compare import Comparison
from esviewer.projections.event_pass import Position
from esviewer.projections.replay import Replay, Verdict
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.projection_work import Ran, cell_text
from esviewer.ui.widgets import IconLabel, Severity, Tone, label, set_tone, tooltip
from esviewer.ui.widgets.format import grouped, rate
from esviewer.ui.words import one_line, short_type

_LISTED: Final = 30
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Look:
    """How a verdict is shown: its shape, colour, ground, and what it means."""

    symbol: str
    token: Tone
    severity: Severity
    sentence: str


LOOKS: Final[dict[Verdict, Look]] = {
    "complete": Look("circle-check", "added", "success", "Every event up to the end was taken."),
    "stopped": Look(
        "circle-alert", "removed", "error", "Halted before an event that today's code does not understand."
    ),
    "quarantined": Look("triangle-alert", "changed", "warning", "Events were set aside: the rows lack them."),
    "cancelled": Look("minus", "second", "info", "Ended before the last event; the rows are those up to there."),
    "failed": Look("x", "removed", "error", "A handler failed; the rows are those before the event."),
}


def figures(ran: Ran) -> str:
    """What the verdict stands on, in one line."""
    done = ran.done
    parts = [] if done.position is None else [f"to position {_place(done.position)}"]
    if isinstance(done, Replay):
        parts.append(f"{grouped(done.applied)} applied")
        parts.append(f"{grouped(done.ignored)} ignored")
        if done.declared:
            parts.append(f"{grouped(done.declared)} of them by the catalogue")
        if done.erased:
            parts.append(f"{grouped(done.erased)} erased")
    parts.append(f"{grouped(done.read)} read in {done.seconds:.2f} s")
    if done.seconds > 0:
        parts.append(rate(done.read, done.seconds))
    return "  ·  ".join(parts)


def _word(done: Replay | Comparison) -> str:
    """The verdict; of many events that were set aside the first few."""
    aside = done.quarantined
    if done.verdict != "quarantined" or len(aside) <= _NAMED:
        return done.text
    return f"QUARANTINED {grouped(len(aside))} [{','.join(map(str, aside[:_NAMED]))},…]"


def _meaning(done: Replay | Comparison, look: Look) -> str:
    """What the verdict means; of a comparison first how many rows differ."""
    said = "" if done.verdict == "complete" else look.sentence
    if isinstance(done, Replay) or (done.failure is not None and not done.rows):
        return said
    count = len(done.rows)
    differ = "No row differs." if not count else f"{grouped(count)} row{' differs' if count == 1 else 's differ'}."
    return f"{differ} {said}".strip()


def _place(position: Position) -> str:
    return grouped(position) if isinstance(position, int) else str(position)


class VerdictBar(QFrame):
    """The verdict of the last run; hidden until there is one."""

    position_wanted = Signal(object)
    line_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.sign = IconLabel("circle-check", "added", 28)
        self.word = label(font=fonts.ui(fonts.TITLE, 600))
        self.means = label(tone="second")
        self.numbers = label(tone="second", font=fonts.ui(12))
        self.trouble = label()
        for text in (self.numbers, self.trouble, self.means):
            text.setWordWrap(True)
            text.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self.go = _button("git-commit-horizontal", "Go to the event")
        self.to_line = _button("terminal", "Go to the line")
        self.aside = _button("list", "Events set aside")
        self.aside.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._position: Position = None
        self._line: int | None = None
        self._lay_out()
        self.go.clicked.connect(lambda: self.position_wanted.emit(self._position))
        self.to_line.clicked.connect(self._to_line)
        self.hide()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 10, 8)
        row.setSpacing(12)
        row.addWidget(self.sign, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(2)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.word)
        head.addWidget(self.means, 1)
        column.addLayout(head)
        column.addWidget(self.numbers)
        column.addWidget(self.trouble)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(0, 2, 0, 0)
        buttons.setSpacing(6)
        for button in (self.go, self.to_line, self.aside):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column.addLayout(buttons)
        row.addLayout(column, 1)

    def show_ran(self, ran: Ran) -> None:
        """Tells how a run ended."""
        done, look = ran.done, LOOKS[ran.done.verdict]
        self.sign.set_icon(look.symbol, look.token)
        self.word.setText(_word(done))
        self.word.setToolTip(tooltip(done.text))
        set_tone(self.word, look.token)
        self.means.setText(_meaning(done, look))
        self.numbers.setText(figures(ran))
        self.trouble.setText(trouble_of(done))
        self.trouble.setVisible(bool(self.trouble.text()))
        where = done.stop if done.stop is not None else done.failure
        self._position = None if where is None else where.position
        self._line = None if done.failure is None else done.failure.line
        self.go.setVisible(self._position is not None)
        self.to_line.setVisible(self._line is not None)
        self._list_aside(done.quarantined)
        self.setProperty("severity", look.severity)
        self.setAccessibleName(f"Verdict: {done.text}. {look.sentence} {self.trouble.text()}")
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    def _to_line(self) -> None:
        if self._line is not None:
            self.line_wanted.emit(self._line)

    def _list_aside(self, positions: tuple[Position, ...]) -> None:
        self.aside.setVisible(bool(positions))
        menu = QMenu(self.aside)
        for position in positions[:_LISTED]:
            menu.addAction(f"Position {_place(position)}", partial(self.position_wanted.emit, position))
        if len(positions) > _LISTED:
            menu.addAction(f"… and {grouped(len(positions) - _LISTED)} more: export as JSON has all").setEnabled(False)
        before = self.aside.menu()
        self.aside.setMenu(menu)
        if before is not None:
            before.deleteLater()


def trouble_of(done: Replay | Comparison) -> str:
    """The event stopped at, or the handler that raised with the rows before; empty where all went well."""
    lines = []
    if done.stop is not None:
        stop = done.stop
        why = f": {'; '.join(stop.reasons)}" if stop.reasons else ""
        where = f"at position {stop.position} of {one_line(str(stop.stream))}"
        lines.append(f"{short_type(stop.type)} {where} is {stop.status}{why}.")
    if done.failure is not None:
        if isinstance(done, Comparison) and done.failed_side is not None:
            lines.append(f"A handler of {done.failed_side.upper()} failed.")
        lines.append(done.failure.text)
        for row in done.failure.rows_before[:5]:
            before = "not there" if row["row"] is None else cell_text(row["row"])
            lines.append(f"Before it, {row['table']} {cell_text(row['key'])} was {one_line(before)[:300]}")
    tainted = sum(map(len, done.tainted.values()))
    if tainted:
        lines.append(f"{grouped(tainted)} row{'' if tainted == 1 else 's'} of these streams are tainted.")
    return "\n".join(lines)


def _button(symbol: str, words: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(symbol))
    button.setText(words)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    button.hide()
    return button
