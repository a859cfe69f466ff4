"""The panels of the overview around the history: numbers that matter, what is wrong, how far consumers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from esviewer.catalogue.status import STOPPING, Status
from esviewer.domain import Checkpoint
from esviewer.stores.glimpse import Glimpse
from esviewer.ui import fonts
from esviewer.ui.overview_data import PERIODS, Figures
from esviewer.ui.overview_words import a_day, change_text, growth_text, size_a_day
from esviewer.ui.statuses import LOOKS
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import ElidedLabel, Panel, label, set_tone, tooltip
from esviewer.ui.widgets.format import ABSENT, grouped, size, when, when_exact
from esviewer.ui.zone import zone

_BARS = PERIODS
_WIDE = 980
"""Pixels from which on all tiles stand in one row."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the index; ``None`` while it is being looked up."""

    snapshots: int | None = None
    checkpoints: tuple[Checkpoint, ...] | None = None
    records_checkpoints: bool = True
    unread: tuple[str, ...] = ()


class Tiles(Panel):
    """The numbers that matter."""

    NAMES = (
        "Events", "Streams", "Event types", "Consumers", "First event", "Last event", "Events a day", "Bytes a day",
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__("Overview", "database")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(14, 0, 12, 8)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(10)
        self._values: dict[str, ElidedLabel] = {}
        self._below: dict[str, ElidedLabel] = {}
        self._cells: list[QWidget] = []
        self._trend = Trend()
        for name in self.NAMES:
            cell = QWidget()
            column = QVBoxLayout(cell)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(1)
            value, below = ElidedLabel("–"), ElidedLabel("", "second")
            value.setFont(fonts.ui(16, 600))
            below.setFont(fonts.ui(11))
            column.addWidget(label(name, "second", fonts.ui(11)))
            line = QHBoxLayout()
            line.addWidget(value)
            if name == "Events a day":
                line.addWidget(self._trend, 1)
            column.addLayout(line)
            column.addWidget(below)
            self._values[name], self._below[name] = value, below
            self._cells.append(cell)
        self._columns = 0
        self._arrange(4)
        self.body.addLayout(self._grid)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._arrange(len(self.NAMES) if event.size().width() >= _WIDE else 4)
        super().resizeEvent(event)

    def _arrange(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for number, cell in enumerate(self._cells):
            self._grid.addWidget(cell, number // columns, number % columns)
        for column in range(len(self.NAMES)):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def show_figures(self, figures: Figures, facts: Facts, glimpse: Glimpse | None = None) -> None:
        """Shows the numbers of a store; while it is being read, a glimpse of it says more than what has been read."""
        self._show("Events", grouped(figures.events), _positions(figures))
        self._show("Streams", grouped(figures.streams), _snapshots(facts.snapshots))
        self._show("Event types", grouped(figures.types))
        ends = (figures.earliest, figures.latest)
        if glimpse is not None:
            self._show_glimpse(figures, glimpse)
            ends = _wider(ends, glimpse.times)
        self._show_consumers(facts)
        for name, time in zip(("First event", "Last event"), ends, strict=True):
            text = when(time, zone())
            day, clock = (text[:10], text[11:]) if time is not None and text[4] == "-" else (text, "")
            self._show(name, _no_times(figures) if time is None else day, clock)
            for kept in (self._values[name], self._below[name]):
                kept.setToolTip(tooltip(when_exact(time, zone()) if time is not None else ""))
        self._show_growth(figures)

    def _show_glimpse(self, figures: Figures, glimpse: Glimpse) -> None:
        if glimpse.estimate is not None and glimpse.estimate > figures.events:
            self._show("Events", f"≈ {grouped(glimpse.estimate)}", f"{grouped(figures.events)} read")
        first, last = glimpse.events[0].position, glimpse.events[-1].position
        self._values["Events"].setToolTip(tooltip(f"positions {first} to {last}; the number is an estimate"))
        types = max(figures.types, len(glimpse.types))
        self._show("Event types", f"{grouped(types)} or more")
        self._show("Streams", f"{grouped(max(figures.streams, len(glimpse.streams)))} or more", "")

    def _show_consumers(self, facts: Facts) -> None:
        kept = facts.checkpoints
        lags = [checkpoint.lag for checkpoint in kept or () if checkpoint.lag is not None]
        behind = max(lags, default=0)
        set_tone(self._below["Consumers"], "changed" if behind else "second")
        if not kept:
            nothing = "" if kept is None and facts.records_checkpoints else "none has a position"
            self._show("Consumers", ABSENT, nothing if facts.records_checkpoints else "not recorded here")
            return
        text = f"up to {grouped(behind)} behind" if behind else "all up to date" if lags else "lag unknown"
        self._show("Consumers", grouped(len(kept)), text)

    def _show_growth(self, figures: Figures) -> None:
        grown = figures.growth
        self._trend.show_counts(figures.trend if grown is not None and grown.events_a_day is not None else ())
        if grown is None:
            self._show("Events a day", _no_times(figures))
            self._show("Bytes a day", _no_times(figures), f"{size(figures.size)} in all" if figures.size else "")
            return
        self._show("Events a day", a_day(grown.events_a_day), change_text(grown.change, grown))
        bytes_text = change_text(grown.size_change, grown) if figures.size else "sizes are not known"
        self._show("Bytes a day", size_a_day(grown.size_a_day) if figures.size else ABSENT, bytes_text)
        about = growth_text(grown, figures.latest or 0, zone())
        for name, kept in self._values.items():
            if name.endswith(" a day"):
                kept.setToolTip(
                    tooltip(about if name.startswith("Events") else f"{about}\nPayloads: {size(figures.size)} in all")
                )
                self._below[name].setToolTip(kept.toolTip())

    def _show(self, name: str, value: str, below: str = "") -> None:
        self._values[name].setText(value)
        self._below[name].setText(below)


def _wider(ends: tuple[int | None, int | None], others: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    """The earlier of two beginnings and the later of two ends."""
    begun = [time for time in (ends[0], others[0]) if time is not None]
    ended = [time for time in (ends[1], others[1]) if time is not None]
    return min(begun, default=None), max(ended, default=None)


def _snapshots(count: int | None) -> str:
    return "" if count is None else f"{grouped(count) if count else 'no'} snapshot{'' if count == 1 else 's'}"


def _positions(figures: Figures) -> str:
    first, last = (grouped(place) if isinstance(place, int) else place for place in (figures.first, figures.last))
    if first is None or last is None:
        return "no positions" if figures.events else ""
    return f"position {first}" if first == last else f"position {first} – {last}"


def _no_times(figures: Figures) -> str:
    """Why there is no time: nothing is there at all, or what is there carries none."""
    return "no times" if figures.events else ABSENT


class Trend(QWidget):
    """A few bars without numbers: whether there were more and more events, or fewer."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(20)
        self.setMaximumWidth(_BARS * 4)
        self.setAccessibleName("Events over the whole history")
        self._counts: tuple[int, ...] = ()
        signals().changed.connect(self.update)

    def show_counts(self, counts: tuple[int, ...]) -> None:
        """Shows the events of equal periods."""
        if counts != self._counts:
            self._counts = counts
            self.setToolTip(f"events in {len(counts)} equal parts of the history" if counts else "")
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(_BARS * 4, 20)

    def paintEvent(self, event: QPaintEvent) -> None:
        top = max(self._counts, default=0)
        if not top or self.width() < len(self._counts):
            return
        with QPainter(self) as painter:
            colour = theme().color("accent")
            colour.setAlphaF(0.55)
            step = min(4.0, self.width() / len(self._counts))
            for number, count in enumerate(self._counts):
                height = max(1, round(16 * count / top)) if count else 0
                painter.fillRect(QRectF(number * step, 18 - height, max(step - 1, 1), height), colour)


class Wrong(QFrame):
    """What is wrong with the store, if anything; not there otherwise."""

    key_wanted = Signal()
    findings_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Figures, Facts] | None = None
        self._counts: Mapping[Status, int] = {}
        self.setProperty("panel", "true")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 8, 8)
        self._text = label(tone="changed")
        self._text.setWordWrap(True)
        self._key = QToolButton()
        self._key.setText("Give the key…")
        self._key.clicked.connect(self.key_wanted)
        self._findings = QToolButton()
        self._findings.setText("Findings…")
        self._findings.setToolTip("What the rules find, with the events concerned")
        self._findings.clicked.connect(self.findings_wanted)
        line.addWidget(self._text, 1)
        line.addWidget(self._findings)
        line.addWidget(self._key)
        self.hide()

    @property
    def text(self) -> str:
        """What is said, if anything."""
        return self._text.text()

    def show_counts(self, counts: Mapping[Status, int]) -> None:
        """Says how many events today's code does not understand."""
        self._counts = counts
        if self._shown is not None:
            self.show_figures(*self._shown)

    def show_figures(self, figures: Figures, facts: Facts) -> None:
        """Says what could not be read."""
        self._shown = (figures, facts)
        sentences = list(facts.unread)
        stopping = {status: count for status, count in self._counts.items() if status in STOPPING}
        if stopping:
            total = sum(stopping.values())
            words = ", ".join(f"{grouped(stopping[s])} {LOOKS[s].counted}" for s in LOOKS if s in stopping)
            verb = "event is" if total == 1 else "events are"
            sentences.append(f"{grouped(total)} {verb} not understood by today's code: {words}.")
        self._findings.setVisible(bool(stopping))
        if figures.undecodable:
            lost = f"{grouped(figures.undecodable)} of {grouped(figures.events)} payloads cannot be decoded."
            sentences.insert(0, lost)
        self._text.setText("\n".join(sentences))
        self._key.setVisible(bool(figures.undecodable))
        self.setVisible(bool(sentences))


class Consumers(Panel):
    """How far each consumer is behind."""

    def __init__(self) -> None:
        super().__init__("Consumers", "radio")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(14, 2, 12, 6)
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(6)
        self._shown: Facts | None = None
        self.body.addLayout(self._grid)

    def show_facts(self, facts: Facts) -> None:
        """Lists the consumers."""
        if facts == self._shown:
            return
        self._shown = facts
        while self._grid.count():
            held = self._grid.takeAt(0)
            widget = held.widget() if held is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if not facts.checkpoints:
            self._cell(0, 0, _nothing(facts), "third")
            return
        for column, name in enumerate(("Consumer", "Follows", "Position", "Events behind")):
            self._cell(0, column, name, "third", caption=True)
        for row, kept in enumerate(facts.checkpoints, 1):
            position = kept.position
            behind = "unknown: what it follows is not here" if kept.lag is None else grouped(kept.lag)
            self._cell(row, 0, kept.consumer, "text")
            self._cell(row, 1, kept.upstream or "–", "second")
            self._cell(row, 2, grouped(position) if isinstance(position, int) else str(position or "–"), "second")
            self._cell(row, 3, behind, "changed" if kept.lag else "second")
        self._grid.setColumnStretch(0, 2)
        for column in (1, 2, 3):
            self._grid.setColumnStretch(column, 1)

    def _cell(self, row: int, column: int, text: str, tone: str, *, caption: bool = False) -> None:
        cell = ElidedLabel(text)
        cell.setProperty("tone", tone)
        if caption:
            cell.setFont(fonts.ui(11))
        self._grid.addWidget(cell, row, column)


def _nothing(facts: Facts) -> str:
    if not facts.records_checkpoints:
        return "This framework does not record how far its consumers are."
    if facts.checkpoints is None:
        return "Looked up when the store has been read."
    return "No consumer has recorded a position here."
