"""The picture of the timeline: a lane for each event type, marks, snapshots, the playhead, and a minimap.

Own-painted by one widget; the lanes are kept as a picture, so that a move of the playhead paints little.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QWidget

from esviewer.timeline.columns import Crowd, crowd_of
from esviewer.timeline.gaps import gaps_in_sight
from esviewer.timeline.lanes import LaneLayout, Lanes, lane_layout, lanes_of
from esviewer.timeline.marks import Marks, no_marks
from esviewer.timeline.placement import MARK
from esviewer.timeline.ticks import Ticks, time_ticks, version_label, version_ticks
from esviewer.ui import (
    fonts,
    timeline_gaps,
    timeline_hover,
    timeline_labels,
    timeline_painting,
    timeline_statuses,
)
from esviewer.ui.axis_model import LABELS, RIGHT, AxisModel
from esviewer.ui.theme import signals, theme
from esviewer.ui.timeline_hover import FactsOf, no_facts
from esviewer.ui.timeline_layers import Layer
from esviewer.ui.timeline_overlays import Overlays
from esviewer.ui.timeline_painting import DIMMED, LEFT_OUT, Drawing, MarkPainter
from esviewer.ui.widgets.format import grouped
from esviewer.ui.zone import zone

TOP = 26
AXIS = 24
MINIMAP = 34
KEYS = "Left and Right move the playhead, W A S D zoom and pan, F fits or focuses, I tells of the event."


class TimelineCanvas(QWidget):
    """Shows a stream's events along versions or time; what the mouse and the keyboard do is `TimelineView`'s."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.setAccessibleDescription(KEYS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumHeight(TOP + AXIS + MINIMAP + 30)
        self.model = AxisModel(self)
        self.model.changed.connect(self._moved)
        self._marks: Marks = no_marks()
        self._lanes: Lanes = lanes_of(self._marks)
        self._layout: LaneLayout = lane_layout(0, 1)
        self._has_flags = False
        self._playhead = -1
        self._mark: int | None = None
        self._highlighted = np.empty(0, np.int64)
        self._ground, self._back, self._front, self._flags = Layer(), Layer(), Layer(), Layer()
        self._drawn_axis = self.model.axis
        self._facts_of: FactsOf = no_facts
        self._crowd: tuple[tuple[object, ...], Crowd] | None = None
        self._passes: NDArray[np.bool_] | None = None
        self._statuses: NDArray[np.uint8] | None = None
        self._hides = False
        signals().changed.connect(self._repaint_all)

    # What is shown

    def set_facts(self, facts_of: FactsOf) -> None:
        """Where labels and cards look up what an event did."""
        self._facts_of = facts_of
        self._repaint_all()

    def set_stream(self, marks: Marks) -> None:
        """Shows another stream, the whole of it; of the same stream with more events, what was in sight."""
        self._marks = marks
        self._lanes = lanes_of(marks)
        self._has_flags = bool(marks.flags.any())
        self._ground.outdate()
        self._playhead = min(self._playhead, len(marks) - 1)
        self._highlighted = np.empty(0, np.int64)
        self._lay_out()
        self.model.set_marks(marks)

    def set_playhead(self, index: int) -> None:
        """Moves the playhead and brings it into sight; tells nobody."""
        if index != self._playhead and 0 <= index < len(self._marks):
            self._playhead = index
            self.model.reveal(index)
            if not self.model.axis.is_in_order:
                # What is later in the stream is not what stands further right, so it is dimmed mark by mark.
                self._front.outdate()
            name, version = self._marks.type_name(index), version_label(self._marks, index)
            self.setAccessibleDescription(
                f"Event {grouped(index + 1)} of {grouped(len(self._marks))}: {name}, version {version}. {KEYS}"
            )
            self.update()

    def set_mark(self, index: int | None) -> None:
        """Shows the second cursor at an event, or takes it away; tells nobody."""
        if index != self._mark:
            self._mark = index
            self.update()

    def highlight(self, indexes: Iterable[int]) -> None:
        """Puts a ring around events, instead of those that had one; indexes beyond the stream are left out."""
        count = len(self._marks)
        self._highlighted = np.array(sorted({index for index in indexes if 0 <= index < count}), np.int64)
        self.update()

    def set_statuses(self, codes: NDArray[np.uint8] | None) -> None:
        """Shows what a catalogue makes of each event, a code for each; nothing for ``None``."""
        self._statuses = codes
        self._front.outdate()
        self.update()

    def set_filter(self, passes: NDArray[np.bool_] | None, hides: bool) -> None:
        """Shows which events a filter lets through, all for ``None``; the others are faint, or hidden."""
        self._passes, self._hides = passes, hides
        self._front.outdate()
        self.update()

    @property
    def playhead(self) -> int:
        return self._playhead

    def set_axis(self, kind: str) -> None:
        """Version axis (evenly spaced) or time axis (true spacing)."""
        self.model.set_kind(kind)

    def view_range(self) -> tuple[float, float]:
        """Ends of what is in sight, in values of the axis."""
        return self.model.scale.start, self.model.scale.end

    def set_view_range(self, start: float, end: float) -> None:
        """Shows a range, as :meth:`view_range` gave it."""
        self.model.show(start, end)

    def fit(self) -> None:
        self.model.fit()

    def zoom_in(self) -> None:
        self._zoom(1.5)

    def zoom_out(self) -> None:
        self._zoom(1 / 1.5)

    def pan_left(self) -> None:
        self.model.pan(-self.model.scale.width / 6)

    def pan_right(self) -> None:
        self.model.pan(self.model.scale.width / 6)

    def _zoom(self, factor: float) -> None:
        """About the playhead if it is in sight, else about the middle."""
        scale = self.model.scale
        pixel = self.model.pixel_of(self._playhead) if self._playhead >= 0 else -1.0
        self.model.zoom(pixel if 0 <= pixel <= scale.width else scale.width / 2, factor)

    def _moved(self) -> None:
        """Another part of the stream is in sight."""
        if self._drawn_axis is not self.model.axis:
            self._ground.outdate()
        self._back.outdate()
        self._front.outdate()
        self.update()

    def _repaint_all(self) -> None:
        for layer in (self._ground, self._back, self._front):
            layer.outdate()
        self.update()

    # Geometry

    def _plot(self) -> QRect:
        return QRect(LABELS, TOP, max(10, self.width() - LABELS - RIGHT), max(10, self.height() - TOP - AXIS - MINIMAP))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._lay_out()
        self.model.set_width(self._plot().width())
        self._repaint_all()

    def _lay_out(self) -> None:
        self._layout = lane_layout(max(1, len(self._lanes)), self._plot().height()).scrolled(self._layout.scroll)

    def _lane_y(self, lane: int) -> float:
        return TOP + self._layout.middle(0 if self._layout.is_shared else lane)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        # Ended whatever happens: a painter that outlives its event takes the process with it.
        with QPainter(self) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        if not len(self._marks):
            painter.setPen(theme().color("third"))
            painter.setFont(fonts.ui(13))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), "The events of a stream are shown here.")
            return
        self._refresh_back()
        self._refresh_front()
        painter.drawPixmap(0, 0, self._back.pixmap)
        self._paint_front(painter, self._front.pixmap)
        if self._has_signs:
            painter.drawPixmap(0, 0, self._flags.pixmap)
        over = Overlays(self._drawing(), self._strip(), self._lane_area())
        over.brush(painter, *self._brush())
        over.second_cursor(painter, self._mark, self._playhead)
        over.rings(painter, self._highlighted)
        over.playhead(painter, self._playhead, self.width() - 2.0)
        if self.hasFocus():
            painter.setPen(QPen(theme().color("focus"), 1))
            painter.drawLine(2, self.height() - 1, self.width() - 3, self.height() - 1)

    def _drawing(self) -> Drawing:
        placement, ratio = self.model.placement, self.devicePixelRatioF()
        # There may be other events than those that were asked.
        passes = self._passes if self._passes is not None and len(self._passes) == len(self._marks) else None
        left_out = 0.0 if self._hides else LEFT_OUT
        return Drawing(
            self._marks,
            self._lanes,
            self._layout,
            placement,
            self._plot(),
            ratio,
            self._all_lanes,
            passes,
            left_out,
            self._known_statuses,
        )

    @property
    def _known_statuses(self) -> NDArray[np.uint8] | None:
        # There may be other events than those that were judged.
        codes = self._statuses
        return codes if codes is not None and len(codes) == len(self._marks) else None

    @property
    def _has_signs(self) -> bool:
        """Whether something stands above the marks that is never dimmed."""
        return self._has_flags or self._known_statuses is not None

    def _all_lanes(self) -> Crowd:
        """The lanes for counting; kept, for making them looks at every event."""
        key = (self.model.axis.ordered, self._lanes, self._layout.is_shared)
        if self._crowd is None or any(one is not other for one, other in zip(self._crowd[0], key, strict=True)):
            self._crowd = key, crowd_of(self._marks, self._lanes, self.model.axis, is_shared=self._layout.is_shared)
        return self._crowd[1]

    def _refresh_front(self) -> None:
        """The marks, and in ``_flags`` what is never dimmed: they stay as they are while the playhead moves."""
        size, ratio = self.size(), self.devicePixelRatioF()
        if not self._front.is_outdated(size, ratio):
            return
        marks = MarkPainter(self._drawing())
        with self._front.painted(size, ratio) as painter:
            painter.setClipRect(self._lane_area())
            marks.paint(painter, None if self._is_split else self._playhead)
            painter.setOpacity(1.0)
            barriers = [gap.left + MARK for gap in self.model.gaps() if not gap.is_open]
            timeline_labels.paint_labels(painter, marks.drawing, barriers, self._telling)
        if self._has_signs:
            with self._flags.painted(size, ratio) as painter:
                painter.setClipRect(self._lane_area())
                marks.paint_flags(painter)
                timeline_statuses.paint_statuses(painter, marks)

    def _telling(self, index: int) -> tuple[str, bool]:
        return timeline_hover.telling_value(self._facts_of(index))

    def _refresh_back(self) -> None:
        """Everything behind the marks."""
        size, ratio = self.size(), self.devicePixelRatioF()
        if not self._back.is_outdated(size, ratio):
            return
        drawing = self._drawing()
        self._refresh_ground(drawing)
        with self._back.painted(size, ratio, self._ground) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            ticks = self._ticks(QFontMetrics(fonts.ui(11)))
            timeline_painting.paint_axis(painter, drawing.plot, self.model.scale, ticks)
            timeline_gaps.paint_gaps(painter, drawing.plot, self.model.gaps())
            painter.setClipRect(self._lane_area().adjusted(0, -TOP, 0, 0))
            timeline_painting.paint_snapshots(painter, drawing)

    def _refresh_ground(self, drawing: Drawing) -> None:
        """The lanes and the minimap, which zooming and panning leave as they are."""
        if self._ground.is_outdated(self.size(), drawing.ratio):
            self._drawn_axis = self.model.axis
            with self._ground.painted(self.size(), drawing.ratio, theme().color("panel")) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                timeline_painting.paint_lanes(painter, drawing)
                strip = self._strip()
                folds = gaps_in_sight(self.model.axis.fit(strip.width()), self.model.axis.ordered, frozenset())
                timeline_gaps.paint_gaps(painter, strip, folds, has_labels=False)
                timeline_painting.paint_minimap(painter, drawing, strip)

    def _lane_area(self) -> QRect:
        """The lanes with the half of a mark that may stand out of them."""
        return self._plot().adjusted(-MARK, 0, RIGHT - 4, 0)

    @property
    def _is_split(self) -> bool:
        """Events after the playhead are all right of it, so that one picture serves for both sides."""
        return self.model.axis.is_in_order or self._playhead < 0

    def _paint_front(self, painter: QPainter, front: QPixmap) -> None:
        """The marks, dimmed right of the playhead."""
        area = self._lane_area()
        if not self._is_split or self._playhead < 0:
            painter.drawPixmap(0, 0, front)
            return
        x = self.model.pixel_of(self._playhead)
        following = self.model.placement.between(x + 0.01, x + 2 * MARK)
        half = (self.model.pixel_of(int(following[0])) - x) / 2 if len(following) else MARK
        border = min(max(round(LABELS + x + min(half, MARK)), area.left()), area.right() + 1)
        painter.save()
        painter.setClipRect(QRect(area.left(), area.top(), border - area.left(), area.height()))
        painter.drawPixmap(0, 0, front)
        painter.setClipRect(QRect(border, area.top(), area.right() + 1 - border, area.height()))
        painter.setOpacity(DIMMED)
        painter.drawPixmap(0, 0, front)
        painter.restore()

    def _ticks(self, metrics: QFontMetrics) -> Ticks:
        model, character = self.model, float(metrics.averageCharWidth())
        if model.kind == "time":
            return time_ticks(model.axis.origin, model.scale, character, zone())
        return version_ticks(self._marks, model.scale, character)

    def _strip(self) -> QRect:
        plot = self._plot()
        return QRect(plot.x(), self.height() - MINIMAP + 2, plot.width(), MINIMAP - 8)

    def _brush(self) -> tuple[float, float]:
        """Pixels of the minimap between which lies what is in sight."""
        strip = self._strip()
        whole = self.model.axis.fit(strip.width())
        return strip.x() + whole.pixel(self.model.scale.start), strip.x() + whole.pixel(self.model.scale.end)
