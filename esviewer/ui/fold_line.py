"""The line above a state that says which fold made it, with the menu of folds and the progress of another one."""

from __future__ import annotations

from bisect import bisect_right

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.projections.classes import NAME as CLASSES
from esviewer.projections.classes import sentence_of
from esviewer.projections.edited import EditedFold
from esviewer.session import StreamSession
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.refolding import Progress
from esviewer.ui.upcast_chip import UpcastChip
from esviewer.ui.widgets import ElidedLabel, IconLabel, label, tooltip
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import short_type

_STEPS = 1_000
_REASON = 160
"""Characters of a reason that stand above the details, which have all of it."""


class FoldLine(QWidget):
    """Says how a state came to be. ``menu`` is filled by who knows the folds, when it is about to be shown."""

    cancelled = Signal()
    switched = Signal()
    """To be shown as stored, or upcast again."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chip = UpcastChip()
        self.chip.clicked.connect(self.switched)
        self.words = ElidedLabel("", "third")
        self.words.setFont(fonts.ui(11))
        self.button = QToolButton()
        self.button.setText("Fold")
        self.button.setFont(fonts.ui(11, 500))
        self.button.setProperty("small", "true")
        self.button.setToolTip(
            "Which fold makes the state: inferred, one of the workspace, or the application's classes"
        )
        self.button.setAccessibleName("Fold")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.button)
        self.menu.setToolTipsVisible(True)
        self.button.setMenu(self.menu)
        self.cancel = QToolButton()
        self.cancel.setText("Cancel")
        self.cancel.setFont(fonts.ui(11, 500))
        self.cancel.setToolTip("Leave the state folded as it is")
        self.cancel.setAccessibleName("Cancel folding")
        self.cancel.clicked.connect(self.cancelled)
        self.cancel.hide()
        self.busy = QProgressBar()
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName("Folding")
        self._described = ""
        self._is_busy = False
        self._lay_out()

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setContentsMargins(12, 0, 8, 0)
        line.setSpacing(8)
        line.addWidget(self.words, 1)
        line.addWidget(self.chip)
        line.addWidget(self.button)
        line.addWidget(self.cancel)
        below = QHBoxLayout()
        below.setContentsMargins(12, 0, 12, 0)
        below.addWidget(self.busy)
        # Its room is kept, so that nothing below it jumps.
        kept = self.busy.sizePolicy()
        kept.setRetainSizeWhenHidden(True)
        self.busy.setSizePolicy(kept)
        self.busy.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 4)
        column.setSpacing(2)
        column.addLayout(line)
        column.addLayout(below)

    def show_stream(self, stream: StreamSession | None) -> None:
        """Describes the fold of a stream; nothing is described, nor can be chosen, without one."""
        self._described = "" if stream is None else described(stream)
        self.button.setVisible(stream is not None and not self._is_busy)
        self._show_chip(stream)
        if not self._is_busy:
            self.words.setText(self._described)

    def _show_chip(self, stream: StreamSession | None) -> None:
        sights = None if stream is None else stream.history.sights
        if stream is None or (sights is None and not (stream.store.shows_stored and stream.store.catalogue.current)):
            self.chip.say("", "", is_upcast=False)
        elif sights is None:
            self.chip.say("As stored", "This state is made of events as they are stored.", is_upcast=False)
        elif not sights.upcast:
            self.chip.say("", "", is_upcast=True)
        else:
            count = sights.upcast_until(_last(stream))
            more = f"{grouped(count)} of {grouped(len(sights.upcast))} older events of this stream are in it, upcast."
            self.chip.say(f"{grouped(count)} upcast", more, is_upcast=True)

    def show_progress(self, is_busy: bool, progress: Progress | None = None) -> None:
        """Shows that another fold is being worked out, and how far it is where that is known."""
        self._is_busy = is_busy
        self.busy.setVisible(is_busy)
        self.cancel.setVisible(is_busy)
        self.button.setVisible(not is_busy and bool(self._described))
        if not is_busy:
            self.words.setText(self._described)
        elif progress is None:
            self.busy.setRange(0, 0)
            self.words.setText("Folding…")
        else:
            self.busy.setRange(0, _STEPS)
            self.busy.setValue(progress.done * _STEPS // max(progress.total, 1))
            self.words.setText(f"Folding: {grouped(progress.done)} of {grouped(progress.total)} events")


def described(stream: StreamSession) -> str:
    """How a stream's state came to be, in words."""
    fold = stream.history.fold
    # Told anew in every frame, of a stream that may have 200 000 such events.
    lost = bisect_right(stream.history.undecodable, _last(stream))
    rest = f"; {grouped(lost)} undecodable events are not in it" if lost else ""
    sights = stream.history.sights
    if sights is not None:
        stored, passed = sights.as_stored_until(_last(stream)), sights.passed_over_until(_last(stream))
        rest += f"; {grouped(stored)} folded as stored, which today's code would not read" if stored else ""
        rest += f"; {grouped(passed)} ignored" if passed else ""
    if isinstance(fold, EditedFold):
        count = len(fold.rules.rules)
        rules = f"{grouped(count)} rule{'' if count == 1 else 's'}" if count else "no rules"
        return f"Fold {fold.name}: {rules}, the rest is guessed{rest}"
    if fold.name == CLASSES:
        known = "" if stream.failure is None else f"; not known from {_name(stream, stream.failure.index)} on"
        return f"Classes in {stream.sources}{known}{rest}"
    return f"{fold.name.capitalize()} fold: a guess from the events alone{rest}"


def _last(stream: StreamSession) -> int:
    """The index of the last event that is in the state that is shown."""
    return max(stream.playhead, stream.mark or 0)


def _name(stream: StreamSession, index: int) -> str:
    version = stream.events[index].version
    return f"version {grouped(version)}" if version is not None else f"event {grouped(index + 1)}"


class UnknownState(QFrame):
    """Stands in the place of a state that the application's classes could not make: which event, why, what was said."""

    last_known_wanted = Signal(int)
    """The index of the last event whose state is known."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index = 0
        self._stream: StreamSession | None = None
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.details = QPlainTextEdit()
        self.details.setReadOnly(True)
        self.details.setFont(fonts.mono(11))
        self.details.setAccessibleName("Traceback, and what the classes printed")
        self.details.setMinimumHeight(40)
        self.copy = QPushButton("Copy")
        self.copy.setToolTip("Copy the event, the reason, the traceback and what the classes printed")
        self.copy.setIcon(icon("copy"))
        self.copy.clicked.connect(self.copy_details)
        self.back = QPushButton("Last known")
        self.back.setIcon(icon("step-back"))
        self.back.clicked.connect(lambda: self.last_known_wanted.emit(self._index - 1))
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(IconLabel("circle-alert", "removed"), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.sentence, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.back)
        buttons.addStretch(1)
        buttons.addWidget(self.copy)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 4)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.details, 1)
        column.addLayout(buttons)

    def show_failure(self, stream: StreamSession) -> None:
        """Says at which event the state was lost, and why."""
        failure = stream.failure
        if failure is None or (self._stream is stream and self._index == failure.index and self.details.toPlainText()):
            return
        self._stream, self._index = stream, failure.index
        event = stream.events[failure.index]
        whole = sentence_of(event, failure.sentence)
        reason = failure.sentence if len(failure.sentence) <= _REASON else failure.sentence[:_REASON] + "…"
        what = f"{short_type(event.type)} could not be folded"
        self.sentence.setText(f"Not known from {_name(stream, failure.index)} on: {what}. {reason}")
        self.sentence.setToolTip(tooltip(whole))
        printed = f"\n\nPrinted by the classes:\n{stream.output}" if stream.output.strip() else ""
        self.details.setPlainText(f"{whole}\n\n{failure.details.rstrip()}{printed}".strip())
        self.back.setEnabled(failure.index > 0)
        hint = "Go to the event before it, whose state is right" if failure.index else "The first event already failed"
        self.back.setToolTip(hint)

    def copy_details(self) -> None:
        """Puts the sentence, the traceback and what was printed on the clipboard."""
        QGuiApplication.clipboard().setText(self.details.toPlainText())
