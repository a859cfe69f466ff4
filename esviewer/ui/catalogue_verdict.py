"""What a draft of an event type would do: to readers, to stored events, and which tactic fits the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QFont, QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from esviewer.catalogue.advisor import KINDS, Advice, Kind
from esviewer.catalogue.compatibility import Change, DataVerdict, Level, Reader, Verdict
from esviewer.catalogue.model import version_text
from esviewer.catalogue.simulator import Outline
from esviewer.catalogue.step_text import steps_yaml
from esviewer.ui import fonts
from esviewer.ui.catalogue_trials import Affected
from esviewer.ui.icons import icon
from esviewer.ui.statuses import as_sentence
from esviewer.ui.trial_bar import TrialBar
from esviewer.ui.widgets import IconLabel, Tone, label, set_tone, tooltip
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import one_line

_READERS: Final[tuple[Reader, ...]] = ("tolerant", "strict")
_READER_WORDS: Final[dict[Reader, tuple[str, str]]] = {
    "tolerant": ("Tolerant reader", "Ignores attributes that it does not know, and fills in defaults"),
    "strict": ("Strict reader", "Takes attributes that it does not know for errors"),
}
_LEVELS: Final[dict[Level, tuple[str, Tone, str]]] = {
    Level.FULL: ("circle-check", "added", "New readers read old events, and old readers new ones"),
    Level.BACKWARD: ("info", "changed", "New readers read old events; old readers do not read all new ones"),
    Level.FORWARD: ("triangle-alert", "removed", "Old readers read new events; new readers do not read all old ones"),
    Level.NONE: ("circle-alert", "removed", "Neither reads all that the other writes"),
}
_UNSEEN: Final[dict[Kind, str]] = {
    "meaning changed": "A meaning or unit changes",
    "one event becomes several": "One event becomes several",
    "several events become one": "Several events become one",
    "events change streams": "Events move to other streams",
    "a fact was wrong": "A recorded fact was wrong",
    "legal erasure": "Data must be erased by law",
}
_REASONS, _CHANGES = 5, 12


class Lines(QWidget):
    """Sentences below each other; their labels are used again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: list[QLabel] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(3)

    def show_lines(self, lines: Sequence[tuple[str, Tone]], font: QFont | None = None) -> None:
        """Shows these; without any the widget goes."""
        while len(self._labels) < len(lines):
            made = label(font=font or fonts.ui(12))
            made.setWordWrap(True)
            made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._labels.append(made)
            self._column.addWidget(made)
        for place, own in enumerate(self._labels):
            own.setVisible(place < len(lines))
            if place < len(lines):
                own.setText(one_line(lines[place][0]))
                set_tone(own, lines[place][1])
        self.setVisible(bool(lines))

    @property
    def text(self) -> str:
        """All that is said, a line each."""
        return "\n".join(own.text() for own in self._labels if not own.isHidden())


class _Readers(QWidget):
    """Both readers, each with the verdict in theory and that of the data."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(2, 1)
        self._parts: dict[Reader, tuple[IconLabel, QLabel, QLabel]] = {}
        for number, reader in enumerate(_READERS):
            sign, level, data = IconLabel("info"), label(font=fonts.ui(12, 600)), label("", "second", fonts.ui(12))
            data.setWordWrap(True)
            data.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            name, hint = _READER_WORDS[reader]
            title = label(name)
            title.setToolTip(hint)
            row = 2 * number
            grid.addWidget(sign, row, 0)
            grid.addWidget(title, row, 1)
            grid.addWidget(level, row, 2)
            grid.addWidget(data, row + 1, 1, 1, 2)
            self._parts[reader] = (sign, level, data)
        grid.setRowMinimumHeight(1, 18)
        grid.setRowMinimumHeight(3, 18)

    def show_verdict(self, verdict: Verdict) -> None:
        """Shows what holds in theory; of the data nothing is known yet."""
        for reader, (sign, level, _) in self._parts.items():
            own = verdict.level(reader)
            symbol, tone, words = _LEVELS[own]
            sign.set_icon(symbol, tone)
            level.setText(str(own))
            set_tone(level, tone)
            level.setToolTip(words)
            level.setAccessibleName(f"{_READER_WORDS[reader][0]}: {own}. {words}")

    def show_data(self, reader: Reader, words: str, tone: Tone) -> None:
        """Says what is known of stored events."""
        data = self._parts[reader][2]
        data.setText(words)
        set_tone(data, tone)

    @property
    def text(self) -> str:
        """All that is said."""
        return "\n".join(f"{level.text()} {data.text()}".strip() for _, level, data in self._parts.values())


class VerdictView(QScrollArea):
    """Verdicts, affected events, an upcaster to begin with, and advice, for one draft."""

    first_wanted = Signal()
    table_wanted = Signal()
    try_wanted = Signal()
    version_wanted = Signal()
    """The draft is to be the next version, with the upcaster that is shown."""
    shape_wanted = Signal()
    """The draft is to take the place of the shape that is current."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._outline: Outline | None = None
        self._affected: Affected | None = None
        self.setAccessibleName("What the draft would do")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        page = QWidget()
        page.setProperty("plain", "true")
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(14, 8, 14, 14)
        self._column.setSpacing(8)
        self.setWidget(page)
        self._make_readers()
        self._make_changes()
        self._make_stub()
        self._make_advice()
        self._column.addStretch(1)

    def _make_readers(self) -> None:
        self.readers = _Readers()
        self.busy = TrialBar("Asking stored events")
        self.reasons = Lines()
        self.first = self._button("Go to the first", "Opens the stream of the first event that could not be read")
        self.table = self._button("Show them in the table", "Filters the table of all events")
        self._places = self._row(self.first, self.table)
        for part in (self.readers, self.busy, self.reasons, self._places):
            self._column.addWidget(part)
        self.first.clicked.connect(self.first_wanted)
        self.table.clicked.connect(self.table_wanted)

    def _make_changes(self) -> None:
        self._title("What changes")
        self.changes = Lines()
        self.history = Lines()
        self._column.addWidget(self.changes)
        self._column.addWidget(self.history)

    def _make_stub(self) -> None:
        self._stub_title = self._title("Upcaster")
        self.stub = label(font=fonts.mono(12))
        self.stub.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.stub.setWordWrap(True)
        self.stub.setAccessibleName("Upcaster to begin with")
        box = QFrame()
        box.setProperty("field", "true")
        inner = QVBoxLayout(box)
        inner.setContentsMargins(10, 6, 10, 6)
        inner.addWidget(self.stub)
        self.copy = self._button("Copy", "Copies the steps as YAML")
        self.copy.setIcon(icon("copy"))
        self.attempt = self._button("Edit and try…", "Opens the steps, to be tried on stored events")
        self._stub_buttons = self._row(self.copy, self.attempt)
        self.version = self._button("", "Puts the draft and these steps into the catalogue, which is not saved by that")
        self.version.setProperty("primary", "true")
        self.shape_ = self._button("", "Changes the shape that is current, without a new version")
        for part in (box, self._stub_buttons, self._row(self.version, self.shape_)):
            self._column.addWidget(part)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.stub.text()))
        self.attempt.clicked.connect(self.try_wanted)
        self.version.clicked.connect(self.version_wanted)
        self.shape_.clicked.connect(self.shape_wanted)

    def _make_advice(self) -> None:
        self._title("What fits such a change")
        self.advice = Lines()
        self.more = QPushButton("What no shape can say")
        self.more.setToolTip("Adds to the advice what only a person can know of the change")
        menu = QMenu(self.more)
        self.kinds: dict[Kind, QAction] = {}
        for kind in KINDS:
            if kind in _UNSEEN:
                action = self.kinds[kind] = menu.addAction(_UNSEEN[kind])
                action.setCheckable(True)
                action.toggled.connect(lambda _on: self._show_advice())
        self.more.setMenu(menu)
        self._column.addWidget(self.advice)
        self._column.addWidget(self._row(self.more))

    def _title(self, text: str) -> QLabel:
        made = label(text, "second", fonts.ui(11, 600))
        made.setContentsMargins(0, 8, 0, 0)
        self._column.addWidget(made)
        return made

    def _button(self, text: str, tip: str) -> QPushButton:
        made = QPushButton(text)
        made.setToolTip(tip)
        made.setAutoDefault(False)
        return made

    def _row(self, *widgets: QWidget) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        for widget in widgets:
            widget.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
            line.addWidget(widget)
        line.addStretch(1)
        return row

    # What is shown

    def show_outline(self, found: Outline) -> None:
        """Shows what a draft is in theory; what it does to stored events is not known yet."""
        self._outline, self._affected = found, None
        self.readers.show_verdict(found.verdict)
        for reader in _READERS:
            self.readers.show_data(reader, "Stored events are asked…", "third")
        self._show_changes(found)
        steps = steps_yaml(found.stub.steps).rstrip() if found.stub is not None else ""
        edge = f"{version_text(found.source)} → {version_text(found.target)}"
        self._stub_title.setText(f"Upcaster {edge}, to begin with")
        is_read = Level.BACKWARD in found.verdict.tolerant
        none = "# none is needed: old payloads stay as they are" if is_read else "# shapes alone do not tell what to do"
        self.stub.setText(steps or none)
        self._stub_buttons.setVisible(bool(steps))
        self.version.setText(f"Make it version {version_text(found.target)}")
        self.shape_.setText(f"Change version {version_text(found.source)}")
        self._places.hide()
        self.reasons.hide()
        self._show_advice()

    def _show_changes(self, found: Outline) -> None:
        changes = [_change_line(change) for change in found.verdict.changes[:_CHANGES]]
        if len(found.verdict.changes) > _CHANGES:
            changes.append((f"And {len(found.verdict.changes) - _CHANGES} more changes.", "second"))
        for old, new in found.verdict.silent_losses:
            words = f"Silent loss: a reader of {new} sees what stood in {old} as missing, without any error."
            changes.append((words, "changed"))
        self.changes.show_lines(changes or [("Nothing changes for readers.", "second")])
        closed = [version for version, own in found.against.items() if Level.BACKWARD not in own.tolerant]
        names = ", ".join(map(version_text, closed))
        self.history.show_lines(
            [(f"Without an upcaster it cannot read all of version {names}, and a replay meets them all.", "changed")]
            if closed
            else [("It reads every version that is declared, as a replay of all history has to.", "second")]
        )

    def show_affected(self, found: Affected) -> None:
        """Adds what the draft does to stored events."""
        self._affected = found
        if self._outline is None:
            return
        verdict = self._outline.verdict
        for data in (found.tolerant, found.strict):
            tone: Tone = "removed" if data.failing else "added" if data.total else "second"
            self.readers.show_data(data.reader, as_sentence(data.beside(verdict)), tone)
        self.reasons.show_lines(_reason_lines(found.tolerant))
        count = len(found.rows)
        self._places.setVisible(bool(count))
        self.table.setText(f"Show {'it' if count == 1 else f'all {grouped(count)}'} in the table")
        self.table.setEnabled(found.filter is not None)
        cut = "\nThere are more than a filter can name: the first of them are shown." if found.is_cut else ""
        self.table.setToolTip(tooltip(f"Filters the table of all events{cut}"))

    def show_unasked(self) -> None:
        """Says that nobody asks stored events any more."""
        for reader in _READERS:
            self.readers.show_data(reader, "Stored events were not asked to the end.", "third")

    def _show_advice(self) -> None:
        if self._outline is None:
            return
        also = [kind for kind, action in self.kinds.items() if action.isChecked()]
        listed = self._outline.advice(also)
        lines = [_advice_line(one) for one in listed]
        if listed and all(one.rank is None for one in listed):
            lines.insert(0, ("No tactic fits all of it at once: deal with each change on its own.", "changed"))
        self.advice.show_lines(lines or [("Nothing has to be migrated.", "second")])

    @property
    def affected(self) -> Affected | None:
        """What is known of stored events."""
        return self._affected


def _change_line(change: Change) -> tuple[str, Tone]:
    own = str(change.tolerant)
    levels = own if change.tolerant == change.strict else f"{own}, strict {change.strict}"
    return f"{change.sentence}: {levels}", "" if Level.BACKWARD in change.tolerant else "removed"


def _advice_line(advice: Advice) -> tuple[str, Tone]:
    if advice.rank is None:
        return f"✕  {_capital(advice.tactic)}: not suitable, {advice.reason}.", "third"
    return f"{advice.rank}  {_capital(advice.tactic)}: {advice.reason}.", "" if advice.rank == 1 else "second"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _reason_lines(data: DataVerdict) -> list[tuple[str, Tone]]:
    ranked = sorted(data.reasons.items(), key=lambda pair: -pair[1])
    lines: list[tuple[str, Tone]] = [(f"{grouped(count)} × {reason}", "removed") for reason, count in ranked[:_REASONS]]
    if len(ranked) > _REASONS:
        lines.append((f"And {grouped(len(ranked) - _REASONS)} more reasons.", "second"))
    return lines
