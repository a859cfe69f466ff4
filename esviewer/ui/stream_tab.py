"""One aggregate: its timeline, and below it field tracks or the table of its events."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSplitter, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from esviewer.session import StreamSession
from esviewer.stores.filters import EventFilter
from esviewer.ui.colours import TypeColours
from esviewer.ui.events_table import EventsTable
from esviewer.ui.field_tracks_view import FieldTracksView
from esviewer.ui.icons import icon
from esviewer.ui.stream_columns import StreamColumns
from esviewer.ui.timeline_hover import facts_of
from esviewer.ui.timeline_view import TimelineView
from esviewer.ui.widgets import Panel
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import stream_title


class StreamTab(QWidget):
    """Shows one stream; every part of it follows the playhead in the same frame."""

    jumped = Signal()
    """The playhead was moved by a click that one may want to come back from."""
    type_wanted = Signal(str)
    filter_wanted = Signal(object)
    """A part to be added to the filter."""
    clear_wanted = Signal()
    """The filter is in the way."""
    export_wanted = Signal(object, object)
    """Events, and the path of the file to write them to."""

    def __init__(
        self, stream: StreamSession, columns: StreamColumns, colours: TypeColours, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.stream = stream
        self.columns = columns
        self.timeline = TimelineView()
        self.tracks = FieldTracksView()
        self.table = EventsTable()
        self._lower = QStackedWidget()
        self._panel = Panel(stream.name, "activity")
        self._buttons: dict[str, QToolButton] = {}
        self._filter = EventFilter()
        self._mask: NDArray[np.bool_] | None = None
        self._hides = False
        self.statuses: NDArray[np.uint8] | None = None
        """What the catalogue makes of each event, a code for each; ``None`` while that is not known."""
        self._lay_out()
        self.fill(colours)
        self._connect()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (
            self._choice("axis", (("version", "hash", "Version axis (V)"), ("time", "clock", "Time axis (T)"))),
            self._fold_button(),
            self._plain("zoom-out", "Zoom out (Ctrl+-)", lambda: self.timeline.zoom_out()),
            self._plain("zoom-in", "Zoom in (Ctrl++)", lambda: self.timeline.zoom_in()),
            self._plain("maximize", "Fit (F)", lambda: self.timeline.fit()),
        ):
            self._panel.add_to_header(widget)
        lower_panel = Panel("Fields", "list")
        self._lower_panel = lower_panel
        lower_panel.add_to_header(
            self._choice(
                "lower", (("tracks", "sliders-horizontal", "Field tracks"), ("table", "table", "Events table"))
            )
        )
        self._lower.addWidget(self.tracks)
        self._lower.addWidget(self.table)
        lower_panel.body.addWidget(self._lower, 1)
        self._panel.body.addWidget(self.timeline, 1)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self._panel)
        self.splitter.addWidget(lower_panel)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(8)
        self.splitter.setSizes([430, 330])
        layout.addWidget(self.splitter)

    def _choice(self, name: str, options: tuple[tuple[str, str, str], ...]) -> QWidget:
        """A pair of buttons of which one is down."""
        box = QWidget()
        line = QHBoxLayout(box)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        group = QButtonGroup(box)
        for value, symbol, text in options:
            button = self._plain(symbol, text, lambda _checked=False, chosen=value: self._chosen(name, chosen))
            button.setCheckable(True)
            button.setChecked(value == options[0][0])
            group.addButton(button)
            line.addWidget(button)
            self._buttons[value] = button
        return box

    def _fold_button(self) -> QToolButton:
        button = QToolButton()
        button.setDefaultAction(self.timeline.fold_action)
        button.setAccessibleName("Fold idle time")
        return button

    def _plain(self, symbol: str, text: str, action: object) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setToolTip(text)
        button.setAccessibleName(text.split(" (")[0])
        button.clicked.connect(action)
        return button

    def fill(self, colours: TypeColours) -> None:
        """Shows the stream in the colours of its store."""
        stream = self.stream
        self.timeline.set_facts(partial(facts_of, stream))
        self.timeline.set_stream(self.columns.marks(colours))
        self.tracks.set_tracks(self.columns.tracks)
        self.table.show_stream(stream, colours)
        self.timeline.set_axis(stream.axis)
        self._buttons[stream.axis].setChecked(True)
        self._lower_panel.set_title("Fields")
        self._panel.set_title(stream_title(stream.category, stream.name))
        if self._mask is not None and len(self._mask) != len(stream.events):
            # What the filter makes of events that were added is told soon.
            self._filter, self._mask = EventFilter(), None
        self.show_filter(self._filter, self._mask)
        if stream.view_range is not None:
            self.timeline.set_view_range(*stream.view_range)

    def show_fold(self, columns: StreamColumns) -> None:
        """Shows the fields of the same events folded in another way; axis and range stay."""
        self.columns = columns
        self.tracks.set_tracks(columns.tracks)
        self.tracks.select_path(self.stream.selected_path)
        # Its labels tell what events changed.
        self.timeline.set_facts(partial(facts_of, self.stream))
        self.table.viewport().update()

    def _show_count(self) -> None:
        count = len(self.stream.events)
        passed = "" if self._mask is None else f"{grouped(int(np.count_nonzero(self._mask)))} of "
        self._panel.set_note(f"{passed}{grouped(count)} event{'' if count == 1 else 's'}")

    def show_filter(self, wanted: EventFilter, mask: NDArray[np.bool_] | None) -> None:
        """Shows which events the filter lets through, all if ``None``; playhead and state do not follow a filter."""
        self._filter, self._mask = wanted, mask
        self._show_count()
        self.timeline.set_filter(mask, self._hides)
        self.table.show_filter(wanted, mask, self._hides)

    def set_statuses(self, codes: NDArray[np.uint8] | None) -> None:
        """Shows what a catalogue makes of each event; nothing for ``None``."""
        self.statuses = codes
        self.timeline.set_statuses(codes)
        self.table.show_statuses(codes)

    def set_hides(self, hides: bool) -> None:
        """Hides what the filter leaves out, or shows it faint."""
        if hides != self._hides:
            self._hides = hides
            self.show_filter(self._filter, self._mask)

    def _connect(self) -> None:
        self.tracks.share_axis(self.timeline)
        self.timeline.playhead_moved.connect(self.stream.move)
        self.timeline.mark_wanted.connect(self.stream.set_mark)
        self.table.event_chosen.connect(self.stream.move)
        self.table.filter_wanted.connect(self.filter_wanted)
        self.table.clear_wanted.connect(self.clear_wanted)
        self.table.export_wanted.connect(self.export_wanted)
        self.tracks.edge_clicked.connect(self._edge)
        self.tracks.track_selected.connect(self.stream.select_path)
        self.timeline.type_activated.connect(self.type_wanted)
        self._removers = [
            self.stream.moved.add(self.refresh),
            self.stream.path_selected.add(lambda: self.tracks.select_path(self.stream.selected_path)),
        ]
        self.refresh()

    def release(self) -> None:
        """Stops listening to the stream; called before the tab is closed."""
        self.stream.view_range = self.timeline.view_range()
        for remove in self._removers:
            remove()

    def kept(self) -> dict[str, object]:
        """What of this tab comes back at the next start."""
        start, end = self.timeline.view_range()
        lower = "table" if self._lower.currentWidget() is self.table else "tracks"
        return {
            "store": self.stream.store.name,
            "name": self.stream.name,
            "playhead": self.stream.playhead,
            "axis": self.stream.axis,
            "range": [start, end],
            "lower": lower,
        }

    def show_zone(self) -> None:
        """Shows times anew: another zone was chosen."""
        self.timeline.set_view_range(*self.timeline.view_range())
        self.table.viewport().update()

    def refresh(self) -> None:
        """Follows the playhead."""
        index = self.stream.playhead
        self.timeline.set_playhead(index)
        self.timeline.set_mark(self.stream.mark)
        self.tracks.set_playhead(index)
        self.table.set_playhead(index)

    def _edge(self, index: int) -> None:
        self.stream.move(index)
        self.jumped.emit()

    def _chosen(self, name: str, value: str) -> None:
        if name == "axis":
            self.set_axis("time" if value == "time" else "version")
        else:
            self.show_lower(value)

    def set_axis(self, axis: str) -> None:
        """Version axis (evenly spaced) or time axis (true spacing)."""
        self.stream.axis = "time" if axis == "time" else "version"
        self._buttons[self.stream.axis].setChecked(True)
        self.timeline.set_axis(self.stream.axis)

    def show_lower(self, value: str) -> None:
        """Field tracks or the events table below the timeline."""
        self._buttons[value].setChecked(True)
        self._lower.setCurrentIndex(0 if value == "tracks" else 1)
        self._lower_panel.set_title("Fields" if value == "tracks" else "Events")
