"""The first screen of a store: how much, since when, which aggregates and types, is anything wrong, who lags."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from esviewer.session import StoreSession
from esviewer.stores.glimpse import Glimpse
from esviewer.ui.catalogue_facts import Judged
from esviewer.ui.colours import TypeColours
from esviewer.ui.jobs import Job, Jobs
from esviewer.ui.overview_data import AxisName, By, LaneFact, OverviewData, OverviewState, Wish
from esviewer.ui.overview_frame import LaneLook
from esviewer.ui.overview_history import History
from esviewer.ui.overview_panels import Consumers, Facts, Tiles, Wrong
from esviewer.ui.overview_words import filter_text, untimed_text
from esviewer.ui.statuses import are_flagged, are_stopping
from esviewer.ui.widgets.format import when, when_exact
from esviewer.ui.words import none_passes, one_line, short_category, short_type, stream_title
from esviewer.ui.zone import zone

__all__ = ["Facts", "Overview"]

_PAUSE = 4.0
"""While the index grows, this many times longer than the work took passes before it is done again."""


class Overview(QScrollArea):
    """The whole store on one page. What it shows is worked out off the UI thread; nothing here walks all events."""

    category_wanted = Signal(str)
    type_wanted = Signal(str)
    key_wanted = Signal()
    row_wanted = Signal(int)
    """An event was chosen, by its row in the index."""
    findings_wanted = Signal()
    failed = Signal(object)

    def __init__(self, store: StoreSession, colours: TypeColours, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._colours = colours
        self._jobs = jobs
        self._facts = Facts()
        self._glimpse: Glimpse | None = None
        self._data = OverviewData(store.index)
        self._wish = Wish()
        self._state = OverviewState()
        self._job: Job[Any] | None = None
        self._is_stale = False
        self._not_before = 0.0
        self._order: list[int] = []
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._start_late)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(f"Overview of {store.name}")
        self._tiles = Tiles()
        self.wrong = Wrong()
        self._consumers = Consumers()
        self._history = History()
        self.density = self._history.density
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for panel in (self._tiles, self.wrong, self._history, self._consumers):
            column.addWidget(panel)
        column.addStretch(1)
        self.setWidget(page)

    def _connect(self) -> None:
        self.wrong.key_wanted.connect(self.key_wanted)
        self.wrong.findings_wanted.connect(self.findings_wanted)
        self._history.axis_wanted.connect(self._axis_chosen)
        self._history.by_wanted.connect(self._by_chosen)
        self.density.lane_activated.connect(self._lane_activated)
        self.density.row_wanted.connect(self.row_wanted)
        self.density.flag_activated.connect(self._flag_activated)
        self.density.set_descriptions(self._event_text, self._short_text)

    # What is shown

    @property
    def state(self) -> OverviewState:
        """What is shown now."""
        return self._state

    def show_facts(self, facts: Facts) -> None:
        """Takes what was looked up beside the index."""
        self._facts = facts
        self._want(checkpoints=facts.checkpoints or ())

    def show_glimpse(self, glimpse: Glimpse) -> None:
        """Takes what was seen of the store before it is read; shown until it has been."""
        self._glimpse = glimpse
        self._show_tiles()

    def set_rows(self, rows: NDArray[np.int64] | None) -> None:
        """Shows only the rows that pass a filter (ascending), or all; the numbers on top stay those of the store."""
        self._want(rows=rows)

    def set_judged(self, judged: Judged) -> None:
        """Shows where events are that today's code would not read as they are."""
        self.density.set_ticks(judged.ticks)
        self.wrong.show_counts(judged.counts)

    def _flag_activated(self, value: int | None) -> None:
        """Goes to the first flagged event at a value on the axis, or to what is wrong in all."""
        picture, codes = self._state.picture, self.store.catalogue.statuses
        if value is None or picture is None or codes is None:
            self.findings_wanted.emit()
            return
        values = self.store.index.column(picture.axis)[: len(codes)]
        has_numbers = picture.axis == "position" and not picture.has_positions
        at = np.array([value - 1]) if has_numbers else np.flatnonzero(values == value)
        flagged = at[are_flagged(codes[at])]
        # What stops a replay before what is merely older.
        worst = flagged[are_stopping(codes[flagged])]
        for row in (*worst[:1].tolist(), *flagged[:1].tolist()):
            self.row_wanted.emit(row)
            return

    def _axis_chosen(self, axis: AxisName) -> None:
        self._want(axis=axis)

    def _by_chosen(self, by: By) -> None:
        self._order = []
        self._want(by=by)

    def _want(self, **changes: Any) -> None:
        self._wish = replace(self._wish, **changes)
        self._start()

    def refresh(self) -> None:
        """Shows the index as far as it goes, soon; while it grows, no oftener than is good for the reading of it."""
        self._show_title()
        left = 0.0 if self.store.index.complete else self._not_before - time.monotonic()
        if left <= 0:
            self._start()
        elif not self._later.isActive():
            self._later.start(int(left * 1000) + 1)

    def _start_late(self) -> None:
        # A tab that is not in front is refreshed when it comes there.
        if self.isVisible():
            self._start()

    def _start(self) -> None:
        """Works out what is wanted now; what was begun before is finished first, as the next builds on it."""
        if self._job is not None and not self._job.is_finished:
            self._is_stale = True
            return
        self._is_stale = False
        if self._data.index is not self.store.index:
            self._data = OverviewData(self.store.index)
        wish, data = self._wish, self._data
        self._job = self._jobs.run(
            f"overview {id(self.store)}",
            lambda control: data.bring_up(wish, control.check),
            self._show,
            self.failed.emit,
        )

    def stop(self) -> None:
        """Ends the work; the tab closes."""
        self._later.stop()
        if self._job is not None:
            self._job.cancel()

    def _show(self, state: OverviewState) -> None:
        self._not_before = time.monotonic() + _PAUSE * state.seconds
        self._state = state
        self._show_title()
        self._show_tiles()
        self.wrong.show_figures(state.figures, self._facts)
        self._consumers.show_facts(self._facts)
        self._show_history(state)
        if self._is_stale:
            self._start()

    def _show_tiles(self) -> None:
        glimpse = None if self.store.index.complete or not (self._glimpse and self._glimpse.events) else self._glimpse
        self._tiles.show_figures(self._state.figures, self._facts, glimpse)

    def _show_title(self) -> None:
        store = self.store
        growing = "" if store.index.complete else "  ·  still being read"
        self._tiles.set_title(store.name)
        self._tiles.set_note(f"{store.found.dialect.title}, {store.found.confidence:.0%} sure{growing}")

    def _show_history(self, state: OverviewState) -> None:
        picture = state.picture
        if picture is None:
            return
        self.density.set_nothing(self._nothing(state))
        self.density.show_picture(picture, self._looks(picture.lanes), state.stands)
        self._history.show_choices(picture.axis, picture.by)
        self._history.show_sight()
        remark = untimed_text(state.figures.untimed) if picture.axis == "time" else ""
        if state.filtered is not None:
            remark = filter_text(state.filtered, state.figures.events)
        self._history.set_remark(remark)

    def _nothing(self, state: OverviewState) -> str:
        if state.filtered is not None and state.figures.events:
            return none_passes(self.store) if not state.filtered else "No event that passes carries a time."
        if not state.figures.events:
            return "Nothing has been stored here yet." if self.store.index.complete else "Reading …"
        return "No event here carries a time. Position shows them in their order."

    def _looks(self, lanes: tuple[LaneFact, ...]) -> list[LaneLook]:
        """The lanes in an order that does not change while the index grows."""
        place = {code: number for number, code in enumerate(self._order)}
        if not self.store.index.complete:
            lanes = tuple(sorted(lanes, key=lambda lane: place.get(lane.code, len(place))))
        if self._wish.rows is None:
            self._order = [lane.code for lane in lanes]
        return [self._look(lane) for lane in lanes]

    def _look(self, lane: LaneFact) -> LaneLook:
        is_type = self._state.picture is not None and self._state.picture.by == "type"
        kinds = "event types" if is_type else "categories"
        if lane.rest:
            return LaneLook(lane.code, f"{lane.rest} other {kinds}", -1, None, f"{lane.rest} {kinds} with few events")
        if lane.name is None:
            text = "no type" if is_type else "no category"
            return LaneLook(lane.code, text, -1, None, f"events with {text}")
        if is_type:
            return LaneLook(lane.code, short_type(lane.name), self._colours.lane(lane.name), lane.name, lane.name)
        return LaneLook(lane.code, short_category(lane.name), lane.code, lane.name, lane.name)

    def _lane_activated(self, name: str) -> None:
        picture = self._state.picture
        is_category = picture is not None and picture.by == "category"
        (self.category_wanted if is_category else self.type_wanted).emit(name)

    # One event in words

    def _event_text(self, row: int) -> str:
        """Lines on the event in a row: type, stream, position, time."""
        kind, stream, position, moment = self._event(row)
        lines = [one_line(kind), stream] if stream else [one_line(kind), "in no stream"]
        lines.append("no position" if position is None else f"position {position}")
        lines.append("no time" if moment is None else when_exact(moment, zone()))
        return "\n".join(lines)

    def _short_text(self, row: int) -> str:
        """The same in one line."""
        kind, stream, position, moment = self._event(row)
        parts = [short_type(kind), stream, f"#{position}" if position is not None else "", ""]
        parts[3] = when(moment, zone()) if moment is not None else ""
        return "  ·  ".join(part for part in parts if part)

    def _event(self, row: int) -> tuple[str, str, int | str | None, int | None]:
        index = self.store.index
        if row >= index.length:
            return "no event", "", None, None
        kind, ordinal, moment = (int(column[row]) for column in index.columns("type", "stream", "time"))
        stream = "" if ordinal < 0 else stream_title(index.stream_category[ordinal], index.streams[ordinal], 24)
        has_time = moment != np.iinfo(np.int64).min
        return (
            index.types[kind] if kind >= 0 else "no type",
            stream,
            index.position_of(row),
            moment if has_time else None,
        )
