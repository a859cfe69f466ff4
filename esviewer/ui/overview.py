"""The first screen of a store: how much, since when, which aggregates and types, is anything wrong, who lags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import Checkpoint
from esviewer.session import StoreSession
from esviewer.stores.index import NONE
from esviewer.ui import fonts
from esviewer.ui.colours import TypeColours
from esviewer.ui.density_view import DensityView, Lane, ascending
from esviewer.ui.widgets import ElidedLabel, Panel, label, tooltip
from esviewer.ui.widgets.format import grouped, when, when_exact
from esviewer.ui.words import short_category, short_type
from esviewer.ui.zone import zone

LANE_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known beside the index; ``None`` while it is being looked up."""

    snapshots: int | None = None
    checkpoints: tuple[Checkpoint, ...] | None = None
    records_checkpoints: bool = True
    unread: tuple[str, ...] = ()


class Overview(QScrollArea):
    """The whole store on one page."""

    category_wanted = Signal(str)
    type_wanted = Signal(str)
    key_wanted = Signal()

    def __init__(self, store: StoreSession, colours: TypeColours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._colours = colours
        self._facts = Facts()
        self._by = "type"
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(f"Overview of {store.name}")
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._tiles = _Tiles()
        self._wrong = _Wrong()
        self._wrong.key_wanted.connect(self.key_wanted)
        self.density = DensityView()
        self.density.lane_activated.connect(self._lane_activated)
        self._history = Panel("History", "activity")
        self._history.add_to_header(self._switch())
        self._history.body.addWidget(self.density)
        self._consumers = _Consumers()
        column.addWidget(self._tiles)
        column.addWidget(self._wrong)
        column.addWidget(self._consumers)
        column.addWidget(self._history)
        column.addStretch(1)
        self.setWidget(page)
        self.refresh()

    def _switch(self) -> QWidget:
        box = QWidget()
        line = QHBoxLayout(box)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        group = QButtonGroup(box)
        for value, text in (("type", "Event types"), ("category", "Categories")):
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setChecked(value == self._by)
            button.clicked.connect(lambda _checked=False, chosen=value: self._show_by(chosen))
            group.addButton(button)
            line.addWidget(button)
        return box

    def _show_by(self, value: str) -> None:
        self._by = value
        self.density.show_lanes(self._lanes())

    def show_facts(self, facts: Facts) -> None:
        """Takes what was looked up beside the index."""
        self._facts = facts
        self.refresh()

    def refresh(self) -> None:
        """Shows the index as far as it goes."""
        self._tiles.show_store(self.store, self._facts)
        self._wrong.show_store(self.store, self._facts)
        empty = self.store.index.complete and not self.store.index.length
        self.density.set_nothing("Nothing has been stored here yet." if empty else "No event here carries a time.")
        self.density.show_lanes(self._lanes())
        self._consumers.show_checkpoints(self.store, self._facts)

    def _lanes(self) -> list[Lane]:
        index = self.store.index
        times, types, streams = index.columns("time", "type", "stream")
        if self._by == "type":
            names = list(index.type_counts())[:LANE_LIMIT]
            ordinals = {name: number for number, name in enumerate(index.types)}
            groups = _grouped(times, types, [ordinals[name] for name in names])
            lanes = [self._colours.lane(name) for name in names]
            return [Lane(n, short_type(n), own, lane) for n, own, lane in zip(names, groups, lanes, strict=True)]
        counts = sorted(index.category_counts().items(), key=lambda pair: (-pair[1], pair[0]))[:LANE_LIMIT]
        numbers = {name: number for number, (name, _) in enumerate(counts)}
        of_stream = np.asarray([numbers.get(name or "", -1) for name in index.stream_category] or [-1], np.int32)
        of_event = np.where(streams >= 0, of_stream[np.maximum(streams, 0)], -1)
        groups = _grouped(times, of_event, list(numbers.values()))
        return [Lane(n, short_category(n), own, i) for (n, i), own in zip(numbers.items(), groups, strict=True)]

    def _lane_activated(self, name: str) -> None:
        (self.category_wanted if self._by == "category" else self.type_wanted).emit(name)


def _grouped(times: NDArray[np.int64], keys: NDArray[np.int32], wanted: list[int]) -> list[NDArray[np.int64]]:
    """Ascending times of the events with each of the keys, in one pass over all events."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts, ends = np.searchsorted(ordered, wanted, side="left"), np.searchsorted(ordered, wanted, side="right")
    groups = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        own = times[order[start:end]]
        groups.append(ascending(own[own != NONE]))
    return groups


class _Tiles(Panel):
    """The numbers that matter."""

    def __init__(self) -> None:
        super().__init__("Overview", "database")
        grid = QGridLayout()
        grid.setContentsMargins(12, 4, 12, 14)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(10)
        self._values: dict[str, ElidedLabel] = {}
        names = ("Events", "Streams", "Event types", "First event", "Last event", "Snapshots")
        for number, name in enumerate(names):
            caption = label(name, "third", fonts.ui(11))
            value = ElidedLabel("–")
            value.setFont(fonts.ui(16, 600))
            grid.addWidget(caption, 0, number)
            grid.addWidget(value, 1, number)
            grid.setColumnStretch(number, 4 if name.endswith(" event") else 3)
            self._values[name] = value
        self.body.addLayout(grid)

    def show_store(self, store: StoreSession, facts: Facts) -> None:
        index = store.index
        self.set_title(store.name)
        growing = "" if index.complete else "  ·  still being read"
        self.set_note(f"{store.found.dialect.title}, {store.found.confidence:.0%} sure{growing}")
        earliest, latest = index.time_range()
        first, last = index.position_range()
        texts = {
            "Events": grouped(index.length),
            "Streams": grouped(len(index.streams)),
            "Event types": grouped(len(index.types)),
            "First event": when(earliest, zone())[:10] if earliest is not None else "no times",
            "Last event": when(latest, zone())[:10] if latest is not None else "no times",
            "Snapshots": "–" if facts.snapshots is None else grouped(facts.snapshots),
        }
        for name, text in texts.items():
            self._values[name].setText(text)
        self._values["First event"].setToolTip(tooltip(when_exact(earliest, zone())))
        self._values["Last event"].setToolTip(tooltip(when_exact(latest, zone())))
        self._values["Events"].setToolTip(tooltip(f"positions {first} to {last}; {store.found.dialect.order}"))


class _Wrong(QFrame):
    """What is wrong with the store, if anything; not there otherwise."""

    key_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("panel", "true")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 8, 8, 8)
        self._text = label(tone="changed")
        self._text.setWordWrap(True)
        self._key = QToolButton()
        self._key.setText("Give the key…")
        self._key.clicked.connect(self.key_wanted)
        line.addWidget(self._text, 1)
        line.addWidget(self._key)
        self.hide()

    def show_store(self, store: StoreSession, facts: Facts) -> None:
        sentences = list(facts.unread)
        lost = store.index.undecodable()
        if lost:
            sentences.insert(0, f"{grouped(lost)} of {grouped(store.index.length)} payloads cannot be decoded.")
        self._text.setText("\n".join(sentences))
        self._key.setVisible(bool(lost))
        self.setVisible(bool(sentences))


class _Consumers(Panel):
    """How far each consumer is behind."""

    def __init__(self) -> None:
        super().__init__("Consumers", "radio")
        self._grid = QGridLayout()
        self._grid.setContentsMargins(12, 2, 12, 12)
        self._grid.setHorizontalSpacing(20)
        self._grid.setVerticalSpacing(6)
        self.body.addLayout(self._grid)

    def show_checkpoints(self, store: StoreSession, facts: Facts) -> None:
        while self._grid.count():
            held = self._grid.takeAt(0)
            widget = held.widget() if held is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        if facts.checkpoints is None or not facts.checkpoints:
            self._cell(0, 0, self._nothing(facts), "third")
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

    def _nothing(self, facts: Facts) -> str:
        if not facts.records_checkpoints:
            return "This framework does not record how far its consumers are."
        return "No consumer has recorded a position here."

    def _cell(self, row: int, column: int, text: str, tone: str, *, caption: bool = False) -> None:
        cell = ElidedLabel(text)
        cell.setProperty("tone", tone)
        if caption:
            cell.setFont(fonts.ui(11))
        self._grid.addWidget(cell, row, column)
