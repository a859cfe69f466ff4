"""The state of an aggregate after the event under the playhead, and who set the selected field."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from esviewer.projections.history import Writer
from esviewer.projections.paths import Change
from esviewer.session import StreamSession
from esviewer.ui import fonts
from esviewer.ui.fold_line import FoldLine, UnknownState
from esviewer.ui.icons import icon
from esviewer.ui.value_view import ValueView
from esviewer.ui.widgets import ElidedLabel, Panel
from esviewer.ui.widgets.format import when
from esviewer.ui.words import short_type
from esviewer.ui.zone import zone


class StatePanel(Panel):
    """The state after the event under the playhead, what that event changed, and who set the selected field."""

    event_chosen = Signal(int)
    """An index in the stream: "set by" was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("State", "layers", parent)
        self._stream: StreamSession | None = None
        self.fold = FoldLine()
        self.unknown = UnknownState()
        self.unknown.last_known_wanted.connect(self.event_chosen)
        self.view = ValueView("State", notes=True)
        self.view.note_of = self._setter
        self.view.selected.connect(self._select)
        self.view.activated.connect(self._go_to_writer)
        self.field = FieldCard()
        self.field.event_chosen.connect(self.event_chosen)
        self.field.hide()
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.unknown)
        self.body.addWidget(self.fold)
        self.body.addWidget(self._stack, 1)
        self.body.addWidget(self.field)

    def show_stream(self, stream: StreamSession | None) -> None:
        """Shows another stream's state, or nothing."""
        self._stream = stream
        self.view.reset_folding()
        self.view.verticalScrollBar().setValue(0)
        self.refresh()

    def refresh(self) -> None:
        """Shows the state at the playhead; called for every move of it."""
        stream = self._stream
        self.fold.show_stream(stream)
        self._stack.setCurrentWidget(self.view)
        if stream is None:
            self.set_title("State")
            self.set_note("")
            self.field.hide()
            self.view.show_message("The state of the opened stream is shown here, with the event that set each field.")
            return
        history, index = stream.history, stream.playhead
        if not stream.is_known(max(index, stream.mark or 0)):
            self._show_unknown(stream)
            return
        shown = history.changed[index]
        if stream.mark is not None and stream.mark != index:
            shown = tuple(history.difference(*sorted((stream.mark, index))))
        changed = {change.path: change for change in shown}
        self.set_title(_state_title(stream))
        self.set_note(_counted(changed))
        self.view.show_value(history.state_at(max(index, stream.mark or 0)), changed)
        self.view.reveal_changes()
        self.view.select(stream.selected_path)
        self.field.show_field(stream)

    def _show_unknown(self, stream: StreamSession) -> None:
        self.set_title(_state_title(stream))
        self.set_note("not known")
        self.field.hide()
        self.unknown.show_failure(stream)
        self._stack.setCurrentWidget(self.unknown)

    def _setter(self, path: str) -> str:
        writer = self._writer(path)
        if writer is None:
            return ""
        version = f" v{writer.version}" if writer.version is not None else ""
        assert self._stream is not None
        sight = self._stream.history.sight(writer.index)
        sign = " ↑" if sight is not None and sight.is_upcast else ""
        return f"{short_type(writer.type).rsplit('.', 1)[-1]}{version}{sign}"

    def _writer(self, path: str) -> Writer | None:
        stream = self._stream
        return None if stream is None else stream.history.writer(path, stream.playhead)

    def _select(self, path: str) -> None:
        if self._stream is not None:
            self._stream.select_path(path or None)

    def _go_to_writer(self, path: str) -> None:
        writer = self._writer(path)
        if writer is not None:
            self.event_chosen.emit(writer.index)


def _state_title(stream: StreamSession) -> str:
    def name(index: int) -> str:
        version = stream.events[index].version
        return f"version {version}" if version is not None else f"event {index + 1}"

    if stream.mark is None or stream.mark == stream.playhead:
        return f"State at {name(stream.playhead)}"
    first, last = sorted((stream.mark, stream.playhead))
    return f"State from {name(first)} to {name(last).split()[-1]}"


def _counted(changed: dict[str, Change]) -> str:
    kinds = [change.kind for change in changed.values()]
    signs = (("added", "+"), ("removed", "−"), ("changed", "~"))
    return "  ".join(f"{sign}{kinds.count(kind)}" for kind, sign in signs if kind in kinds) or "unchanged"


class FieldCard(QFrame):
    """Who set the selected field, who set it before that, and the way to both."""

    event_chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "true")
        self._path = ElidedLabel("")
        self._path.setFont(fonts.mono(12))
        self._rows: list[tuple[ElidedLabel, QToolButton]] = []
        self._targets: list[int | None] = [None, None]
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 8, 8)
        layout.setSpacing(2)
        layout.addWidget(self._path)
        for number in range(2):
            layout.addLayout(self._line(number))

    def _line(self, number: int) -> QHBoxLayout:
        label = ElidedLabel("")
        label.setProperty("tone", "second")
        button = QToolButton()
        button.setIcon(icon("arrow-right"))
        button.setAccessibleName("Go to the event that set it" if number == 0 else "Go to the event before that")
        button.setToolTip(button.accessibleName())
        button.clicked.connect(self._chooser(number))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(label, 1)
        row.addWidget(button)
        self._rows.append((label, button))
        return row

    def _chooser(self, number: int) -> Callable[[], None]:
        def choose() -> None:
            target = self._targets[number]
            if target is not None:
                self.event_chosen.emit(target)

        return choose

    def show_field(self, stream: StreamSession) -> None:
        """Shows the selected field of a stream at its playhead; hides itself when none is selected."""
        path, history = stream.selected_path, stream.history
        writers = None if path is None else history.writers.get(path)
        if path is None or writers is None:
            self.hide()
            return
        self._path.setText(path)
        last = history.writer(path, stream.playhead)
        before = None if last is None else history.writer(path, last.index - 1)
        self._show_writer(0, "Set", last, stream, "Not set yet at this version.")
        self._show_writer(1, "Before that", before, stream, "Nothing set it before that.")
        self.show()

    def _show_writer(self, number: int, word: str, writer: Writer | None, stream: StreamSession, none: str) -> None:
        label, button = self._rows[number]
        self._targets[number] = None if writer is None else writer.index
        button.setEnabled(writer is not None and writer.index != stream.playhead)
        if writer is None:
            label.setText(none)
            return
        event = stream.events[writer.index]
        at = f"  ·  {when(event.recorded_at, zone())}" if event.recorded_at is not None else ""
        version = f" at v{writer.version}" if writer.version is not None else ""
        gone = any(c.kind == "removed" and c.path == stream.selected_path for c in stream.history.changed[writer.index])
        verb = ("Removed", "Before that removed")[number] if gone else word
        sight = stream.history.sight(writer.index)
        seen = f", {sight.words}" if sight is not None and sight.words else ""
        label.setText(f"{verb}{version} by {short_type(writer.type).rsplit('.', 1)[-1]}{seen}{at}")
