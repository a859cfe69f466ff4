"""The bottom bar: where the playhead stands, and how to move it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLineEdit, QSlider, QToolButton, QWidget

from esviewer.domain import from_iso
from esviewer.session import StreamSession
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.widgets import label
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.zone import zone

_SPEEDS = (1, 2, 5, 10, 50)
_TICK = 40
"""ms between two frames while playing; faster speeds take larger steps."""


class Transport(QFrame):
    """Moves the playhead of one stream: steps, play, slider, a version or a date typed in."""

    said = Signal(str)
    """A sentence about something typed in that leads nowhere."""
    jumped = Signal()
    """The playhead was moved to a place typed in."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("panel", "true")
        self._stream: StreamSession | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK)
        self._timer.timeout.connect(self._tick)
        self._progress = 0.0
        self.first = self._button("skip-back", "First event (Home)", lambda: self._go(0))
        self.back = self._button("step-back", "Previous event (Left)", lambda: self._step(-1))
        self.play = self._button("play", "Play (Space)", self.toggle_play)
        self.forward = self._button("step-forward", "Next event (Right)", lambda: self._step(1))
        self.last = self._button("skip-forward", "Last event (End)", lambda: self._go(self._count() - 1))
        self.speed = QComboBox()
        self.speed.addItems([f"{speed}×" for speed in _SPEEDS])
        self.speed.setAccessibleName("Play speed")
        self.speed.setToolTip("Play speed")
        self.version = _Entry("Version")
        self.version.setFixedWidth(72)
        self.version.returnPressed.connect(self._version_typed)
        self._word = label("Version", "second")
        self.of = label(tone="second")
        self.time = _Entry("Date and time")
        self.time.setMinimumWidth(160)
        self.time.setMaximumWidth(200)
        self.time.returnPressed.connect(self._time_typed)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Playhead")
        self.slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.slider.valueChanged.connect(self._slid)
        self._lay_out()
        self.show_stream(None)

    def _button(self, symbol: str, text: str, action: object) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setToolTip(text)
        button.setAccessibleName(text.split(" (")[0])
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action)
        return button

    def _lay_out(self) -> None:
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 4, 12, 4)
        line.setSpacing(4)
        for widget in (self.first, self.back, self.play, self.forward, self.last, self.speed):
            line.addWidget(widget)
        line.addSpacing(12)
        line.addWidget(self._word)
        line.addWidget(self.version)
        line.addWidget(self.of)
        line.addSpacing(8)
        line.addWidget(self.time)
        line.addSpacing(8)
        line.addWidget(self.slider, 1)

    def show_stream(self, stream: StreamSession | None) -> None:
        """Takes another stream, or none."""
        self.stop()
        self._stream = stream
        self.setEnabled(stream is not None)
        self.slider.blockSignals(True)
        self.slider.setRange(0, max(0, self._count() - 1))
        self.slider.setPageStep(max(1, self._count() // 20))
        self.slider.blockSignals(False)
        self.refresh()

    def refresh(self) -> None:
        """Shows where the playhead stands; called for every move of it."""
        stream = self._stream
        if stream is None:
            self.version.setText("")
            self.time.setText("")
            self.of.setText("")
            return
        event, index, count = stream.event, stream.playhead, self._count()
        last = stream.events[-1].version
        self._word.setText("Version" if event.version is not None else "Event")
        self.version.setText(str(event.version if event.version is not None else index + 1))
        self.of.setText(f"of {grouped(last if last is not None else count)}")
        self.time.setText("no time" if event.recorded_at is None else when(event.recorded_at, zone()))
        for button, is_able in ((self.first, index > 0), (self.back, index > 0)):
            button.setEnabled(is_able)
        for button in (self.forward, self.last):
            button.setEnabled(index < count - 1)
        self.slider.blockSignals(True)
        self.slider.setValue(index)
        self.slider.blockSignals(False)

    def _count(self) -> int:
        return len(self._stream.events) if self._stream is not None else 0

    # Moving

    def _go(self, index: int) -> None:
        if self._stream is not None:
            self._stream.move(index)

    def _step(self, by: int) -> None:
        if self._stream is not None:
            self._stream.move(self._stream.playhead + by)

    def _slid(self, value: int) -> None:
        self._go(value)

    def _version_typed(self) -> None:
        stream, text = self._stream, self.version.text().strip().lstrip("v#").replace("\u202f", "")
        if stream is None:
            return
        if not text.lstrip("-").isdigit():
            self.said.emit(f"{self.version.text()!r} is not a version: type a number.")
            return
        number = int(text)
        index = stream.history.index_of_version(number)
        if index is None and stream.events[0].version is None and 1 <= number <= self._count():
            index = number - 1
        if index is None:
            first, last = stream.events[0].version, stream.events[-1].version
            self.said.emit(f"This stream has no version {number}; it has {first} to {last}.")
            self.refresh()
            return
        stream.move(index)
        self.jumped.emit()

    def _time_typed(self) -> None:
        stream, text = self._stream, self.time.text().strip()
        if stream is None:
            return
        time = from_iso(text)
        if time is None:
            self.said.emit(f"{text!r} is not a time: type it as 2024-03-05 or 2024-03-05 12:31:22.")
            return
        if len(text) <= 19 and "." not in text:
            # What is typed without fractions means that whole second, or that whole day.
            time += 999_999 if len(text) > 10 else 86_400_000_000 - 1
        index = stream.history.index_at(time)
        if index < 0:
            self.said.emit("This stream has no event at or before that time.")
            self.refresh()
            return
        stream.move(index)
        self.jumped.emit()

    # Playing

    @property
    def is_playing(self) -> bool:
        return self._timer.isActive()

    def toggle_play(self) -> None:
        """Plays from the playhead, from the beginning if it stands at the end; or stops."""
        if self._stream is None:
            return
        if self.is_playing:
            self.stop()
            return
        if self._stream.playhead >= self._count() - 1:
            self._stream.move(0)
        self._progress = 0.0
        self._timer.start()
        self.play.setIcon(icon("pause"))

    def stop(self) -> None:
        """Stops playing."""
        self._timer.stop()
        self.play.setIcon(icon("play"))

    def _tick(self) -> None:
        if self._stream is None or self._stream.playhead >= self._count() - 1:
            self.stop()
            return
        # At 1× five events a second, whatever the speed of frames.
        self._progress += 5 * _SPEEDS[self.speed.currentIndex()] * _TICK / 1000
        whole = int(self._progress)
        if whole:
            self._progress -= whole
            self._step(whole)


class _Entry(QLineEdit):
    """A field of the transport; Escape gives the focus back, and typing begins anew on focus."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setFont(fonts.mono(12))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clearFocus()
        else:
            super().keyPressEvent(event)
