"""The timeline of one stream: a lane for each event type, marks, snapshots, the playhead, and a minimap.

Own-painted by one widget; the lanes are kept as a picture, so that a move of the playhead paints little.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from esviewer.timeline.bins import density
from esviewer.timeline.bursts import fan_out
from esviewer.timeline.lanes import LaneLayout, Lanes, bars, lane_layout, lanes_of, merge
from esviewer.timeline.marks import Marks, no_marks, short_name
from esviewer.timeline.ticks import Ticks, time_ticks, version_label, version_ticks
from esviewer.ui import fonts
from esviewer.ui.axis_model import LABELS, RIGHT, AxisModel
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import when_exact
from esviewer.ui.zone import zone

TOP = 26
AXIS = 24
MINIMAP = 34
SINGLE = 5_000
"""Marks in sight up to which each is drawn; beyond, one for each pixel column."""
_SIZE = 9


class TimelineView(QWidget):
    """Shows a stream's events along versions or time, and moves the playhead."""

    playhead_moved = Signal(int)
    type_activated = Signal(str)
    mark_wanted = Signal(int)
    """Shift+click: the second cursor is wanted at an event."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.setAccessibleDescription("Left and Right move the playhead, W A S D zoom and pan, F fits")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(TOP + AXIS + MINIMAP + 30)
        self.model = AxisModel(self)
        self.model.changed.connect(self._axis_changed)
        self._marks: Marks = no_marks()
        self._lanes: Lanes = lanes_of(self._marks)
        self._layout: LaneLayout = lane_layout(0, 1)
        self._playhead = -1
        self._mark: int | None = None
        self._picture: QPixmap | None = None
        self._dragging = ""
        self._grip = (0.0, 0.0)
        self._sorted = np.zeros(0, np.int64)
        signals().changed.connect(self._repaint_all)

    # What is shown

    def set_stream(self, marks: Marks) -> None:
        """Shows another stream, the whole of it."""
        self._marks = marks
        self._lanes = lanes_of(marks)
        self._playhead = min(self._playhead, len(marks) - 1)
        self.model.set_marks(marks)
        self._axis_changed()

    def set_playhead(self, index: int) -> None:
        """Moves the playhead and brings it into sight; tells nobody."""
        if index != self._playhead and 0 <= index < len(self._marks):
            before = self._playhead
            self._playhead = index
            self.model.reveal(index)
            if before < 0 or len(self._marks) <= SINGLE:
                self._picture = None
            self.update()

    def set_mark(self, index: int | None) -> None:
        """Shows the second cursor at an event, or takes it away; tells nobody."""
        if index != self._mark:
            self._mark = index
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

    def _axis_changed(self) -> None:
        self._sorted = self.model.axis.ordered
        self._picture = None
        self.update()

    def _repaint_all(self) -> None:
        self._picture = None
        self.update()

    # Geometry

    def _plot(self) -> QRect:
        return QRect(LABELS, TOP, max(10, self.width() - LABELS - RIGHT), max(10, self.height() - TOP - AXIS - MINIMAP))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.model.set_width(self._plot().width())
        self._layout = lane_layout(max(1, len(self._lanes)), self._plot().height()).scrolled(self._layout.scroll)
        self._picture = None

    def _lane_y(self, lane: int) -> float:
        return TOP + self._layout.middle(0 if self._layout.is_shared else lane)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._marks):
            painter.setPen(theme().color("third"))
            painter.setFont(fonts.ui(13))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), "The events of a stream are shown here.")
            return
        if self._picture is None:
            self._picture = self._painted()
        painter.drawPixmap(0, 0, self._picture)
        self._paint_mark_line(painter)
        self._paint_playhead(painter)
        if self.hasFocus():
            painter.setPen(QPen(theme().color("focus"), 1))
            painter.drawLine(2, self.height() - 1, self.width() - 3, self.height() - 1)

    def _painted(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme().color("panel"))
        self._layout = lane_layout(max(1, len(self._lanes)), self._plot().height()).scrolled(self._layout.scroll)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_lanes(painter)
        painter.save()
        plot = self._plot()
        painter.setClipRect(plot.adjusted(-_SIZE, -TOP, RIGHT, 0))
        self._paint_snapshots(painter)
        self._paint_marks(painter)
        painter.restore()
        self._paint_axis(painter)
        self._paint_minimap(painter)
        painter.end()
        return picture

    def _paint_lanes(self, painter: QPainter) -> None:
        current, plot = theme(), self._plot()
        metrics = QFontMetrics(fonts.ui(13))
        painter.save()
        painter.setClipRect(QRect(0, TOP, self.width(), plot.height()))
        for lane in self._layout.visible():
            top, height = TOP + self._layout.top(lane), self._layout.lane_height
            if lane % 2 == 0:
                painter.fillRect(QRectF(plot.x(), top, plot.width() + RIGHT, height), current.color("sunken"))
            painter.setPen(QPen(current.color("border"), 1))
            middle = round(top + height / 2) + 0.5
            painter.drawLine(QPointF(plot.x(), middle), QPointF(plot.right(), middle))
            if self._layout.is_shared:
                self._paint_label(painter, "all types", -1, middle, metrics)
            else:
                ordinal = self._lanes.types[lane]
                self._paint_label(painter, short_name(self._marks.type_names[ordinal]), ordinal, middle, metrics)
        painter.restore()

    def _paint_label(self, painter: QPainter, text: str, ordinal: int, y: float, metrics: QFontMetrics) -> None:
        current = theme()
        if ordinal >= 0:
            draw_mark(painter, current.lane_shape(ordinal), 18, y, 8, current.lane(ordinal))
        painter.setFont(fonts.ui(13))
        painter.setPen(current.color("text"))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, LABELS - 42)
        painter.drawText(QRectF(30, y - 12, LABELS - 38, 24), int(Qt.AlignmentFlag.AlignVCenter), shown)

    def _visible(self) -> tuple[np.ndarray, np.ndarray]:
        """Indexes of the events in sight, from left to right, and their pixels."""
        axis, scale = self.model.axis, self.model.scale
        first, beyond = axis.visible(scale, _SIZE)
        indexes = axis.order[first:beyond]
        return indexes, scale.to_pixel(axis.ordered[first:beyond])

    def _paint_marks(self, painter: QPainter) -> None:
        indexes, pixels = self._visible()
        lanes = self._lanes.lane_of_event[indexes]
        if len(indexes) > SINGLE:
            self._paint_merged(painter, indexes, pixels, lanes)
            return
        spots = self._spots(indexes, pixels, lanes)
        for index, x, lane in zip(indexes.tolist(), spots.tolist(), lanes.tolist(), strict=True):
            self._paint_mark(painter, index, LABELS + x, self._lane_y(lane))

    def _spots(self, indexes: np.ndarray, pixels: np.ndarray, lanes: np.ndarray) -> np.ndarray:
        """Pixels at which marks are drawn: bursts on the time axis are fanned out, lane by lane."""
        if self.model.kind != "time":
            return pixels
        spots = pixels.copy()
        for lane in np.unique(lanes):
            own = np.flatnonzero((lanes == lane) if not self._layout.is_shared else np.ones_like(lanes, bool))
            spots[own] = fan_out(pixels[own], _SIZE + 1, 14.0)
        return spots

    def _paint_mark(self, painter: QPainter, index: int, x: float, y: float) -> None:
        current, marks = theme(), self._marks
        ordinal = int(marks.types[index])
        colour = current.lane(ordinal)
        if index > self._playhead >= 0:
            colour.setAlphaF(0.38)
        crowded = self.model.kind == "version" and self.model.scale.pixels_per_unit < _SIZE + 2
        size = max(6.5, self.model.scale.pixels_per_unit - 2) if crowded else float(_SIZE)
        if marks.is_undecodable(index):
            painter.setPen(QPen(current.color("removed"), 2))
            arm = size / 2
            painter.drawLine(QPointF(x - arm, y - arm), QPointF(x + arm, y + arm))
            painter.drawLine(QPointF(x - arm, y + arm), QPointF(x + arm, y - arm))
            return
        draw_mark(painter, current.lane_shape(ordinal), x, y, size, colour)
        if self.model.axis.untimed[index] and self.model.kind == "time":
            painter.setPen(QPen(current.color("third"), 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(QPointF(x, y), size * 0.8, size * 0.8)

    def _paint_merged(self, painter: QPainter, indexes: np.ndarray, pixels: np.ndarray, lanes: np.ndarray) -> None:
        """One bar for each pixel column and lane, the higher the more events it stands for."""
        shared = np.zeros_like(lanes) if self._layout.is_shared else lanes
        found = merge(pixels, shared, self.model.scale.width)
        heights = bars(found.counts, self._layout.lane_height - 8)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        beyond = self.model.pixel_of(self._playhead) if self._playhead >= 0 else float("inf")
        colours: dict[tuple[int, bool], QColor] = {}
        for lane, column, height in zip(found.lanes.tolist(), found.columns.tolist(), heights.tolist(), strict=True):
            ordinal = self._lanes.types[lane] if not self._layout.is_shared else 0
            key = (ordinal, column > beyond)
            colour = colours.get(key)
            if colour is None:
                colour = theme().lane(ordinal)
                colour.setAlphaF(0.4 if key[1] else 0.9)
                colours[key] = colour
            painter.fillRect(QRectF(LABELS + column, self._lane_y(lane) - height / 2, 1, height), colour)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_snapshots(self, painter: QPainter) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("second"), 1.4))
        for index in self._marks.snapshots:
            x = self.model.pixel_of(index)
            if -8 <= x <= self.model.scale.width + 8:
                painter.drawRoundedRect(QRectF(LABELS + x - 4, TOP - 11, 8, 6), 1.5, 1.5)
                painter.drawEllipse(QPointF(LABELS + x, TOP - 8), 1.2, 1.2)

    def _ticks(self, metrics: QFontMetrics) -> Ticks:
        model, character = self.model, float(metrics.averageCharWidth())
        if model.kind == "time":
            return time_ticks(model.axis.origin, model.scale, character, zone())
        return version_ticks(self._marks, model.scale, character)

    def _paint_axis(self, painter: QPainter) -> None:
        plot, current = self._plot(), theme()
        metrics = QFontMetrics(fonts.ui(11))
        painter.setFont(fonts.ui(11))
        painter.setPen(QPen(current.color("border"), 1))
        y = plot.bottom() + 1.5
        painter.drawLine(QPointF(plot.x(), y), QPointF(plot.right(), y))
        ticks = self._ticks(metrics)
        painter.setPen(current.color("third"))
        painter.drawText(
            QRect(12, plot.bottom() + 2, LABELS - 24, AXIS - 4),
            int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight),
            ticks.context,
        )
        free = float(plot.x())
        for tick in ticks.ticks:
            x = plot.x() + self.model.scale.pixel(tick.value)
            width = metrics.horizontalAdvance(tick.label)
            left = min(x - width / 2, self.width() - width - 2.0)
            painter.setPen(QPen(current.color("border"), 1))
            painter.drawLine(QPointF(x, y), QPointF(x, y + 4))
            if left >= free:
                painter.setPen(current.color("second" if tick.is_major else "third"))
                painter.drawText(QPointF(left, plot.bottom() + 18), tick.label)
                free = left + width + 8

    def _paint_minimap(self, painter: QPainter) -> None:
        strip, current = self._strip(), theme()
        whole = self.model.axis.fit(strip.width())
        columns = max(1, strip.width() // 4)
        counts = density(self._sorted, whole.start, whole.end, columns)
        heights = bars(counts, strip.height() - 4)
        colour = current.color("accent")
        colour.setAlphaF(0.4)
        for column in np.flatnonzero(counts).tolist():
            height = float(heights[column])
            x = strip.x() + column * strip.width() / columns
            painter.fillRect(QRectF(x, strip.bottom() - height, strip.width() / columns - 1, height), colour)
        left, right = self._brush()
        shade = current.color("accent")
        shade.setAlphaF(0.10)
        painter.fillRect(QRectF(left, strip.y(), right - left, strip.height()), shade)
        painter.setPen(QPen(current.color("accent"), 1))
        for x in (left, right):
            painter.drawLine(QPointF(x, strip.y()), QPointF(x, strip.bottom()))
        painter.setFont(fonts.ui(11))
        painter.setPen(current.color("third"))
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(QRect(12, strip.y(), LABELS - 24, strip.height()), int(align), "whole stream")

    def _strip(self) -> QRect:
        plot = self._plot()
        return QRect(plot.x(), self.height() - MINIMAP + 2, plot.width(), MINIMAP - 8)

    def _brush(self) -> tuple[float, float]:
        """Pixels of the minimap between which lies what is in sight."""
        strip = self._strip()
        whole = self.model.axis.fit(strip.width())
        return strip.x() + whole.pixel(self.model.scale.start), strip.x() + whole.pixel(self.model.scale.end)

    def _paint_mark_line(self, painter: QPainter) -> None:
        """The second cursor, and the stretch between it and the playhead."""
        if self._mark is None or not 0 <= self._mark < len(self._marks):
            return
        plot, current = self._plot(), theme()
        x, head = (plot.x() + self.model.pixel_of(index) for index in (self._mark, self._playhead))
        left, right = max(min(x, head), plot.x()), min(max(x, head), plot.right())
        if right > left:
            shade = current.color("changed")
            shade.setAlphaF(0.10)
            painter.fillRect(QRectF(left, TOP, right - left, plot.height()), shade)
        if plot.x() - 1 <= x <= plot.right() + RIGHT:
            painter.setPen(QPen(current.color("changed"), 1.4, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, TOP - 4), QPointF(x, plot.bottom() + 1))

    def _paint_playhead(self, painter: QPainter) -> None:
        if self._playhead < 0:
            return
        plot, current = self._plot(), theme()
        x = plot.x() + self.model.pixel_of(self._playhead)
        strip = self._strip()
        whole = self.model.axis.fit(strip.width())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        faint = current.color("accent")
        painter.setPen(QPen(faint, 1))
        small = strip.x() + whole.pixel(float(self.model.axis.values[self._playhead]))
        painter.drawLine(QPointF(small, strip.y()), QPointF(small, strip.bottom()))
        if not plot.x() - 1 <= x <= plot.right() + RIGHT:
            return
        painter.setPen(QPen(current.color("accent"), 1.6))
        painter.drawLine(QPointF(x, TOP - 4), QPointF(x, plot.bottom() + 1))
        lane = int(self._lanes.lane_of_event[self._playhead])
        y = self._lane_y(lane)
        if TOP <= y <= plot.bottom():
            halo = current.color("accent")
            halo.setAlphaF(0.25)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(halo)
            painter.drawEllipse(QPointF(x, y), 9, 9)
            ordinal = int(self._marks.types[self._playhead])
            draw_mark(painter, current.lane_shape(ordinal), x, y, _SIZE, current.lane(ordinal))
        self._paint_handle(painter, x)

    def _paint_handle(self, painter: QPainter, x: float) -> None:
        """The handle at the top of the playhead, with the version on it."""
        current, text = theme(), version_label(self._marks, self._playhead)
        metrics = QFontMetrics(fonts.ui(11, 600))
        width = max(22, metrics.horizontalAdvance(text) + 12)
        left = min(max(x - width / 2, LABELS - width / 2), self.width() - width - 2.0)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current.color("accent"))
        painter.drawRoundedRect(QRectF(left, 2, width, 17), 5, 5)
        painter.drawPolygon(QPolygonF([QPointF(x - 4, 18), QPointF(x + 4, 18), QPointF(x, 23)]))
        painter.setFont(fonts.ui(11, 600))
        painter.setPen(current.color("on_accent"))
        painter.drawText(QRectF(left, 2, width, 17), int(Qt.AlignmentFlag.AlignCenter), text)

    # Mouse

    def index_at(self, place: QPoint) -> int | None:
        """The event whose mark is under a place, else the nearest along the axis."""
        x = place.x() - LABELS
        indexes, pixels = self._visible()
        if len(indexes) and len(indexes) <= SINGLE:
            lanes = self._lanes.lane_of_event[indexes]
            spots = self._spots(indexes, pixels, lanes)
            near = np.abs(spots - x) <= _SIZE / 2 + 2
            heights = np.asarray([self._lane_y(lane) for lane in lanes[near].tolist()])
            hit = np.flatnonzero(near)[np.abs(heights - place.y()) <= _SIZE / 2 + 3] if near.any() else []
            if len(hit):
                return int(indexes[min(hit, key=lambda i: abs(spots[i] - x))])
        return self.model.axis.index_at(min(max(x, 0.0), self.model.scale.width), self.model.scale)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._dragging, self._grip = "pan", (event.position().x(), 0.0)
        elif event.button() != Qt.MouseButton.LeftButton or not len(self._marks):
            return
        elif place.y() >= self._strip().y() and place.x() >= LABELS - 6:
            self._grab_brush(event.position().x())
        elif place.x() < LABELS:
            lane = self._layout.lane_at(place.y() - TOP)
            if lane is not None and not self._layout.is_shared:
                self.type_activated.emit(self._marks.type_names[self._lanes.types[lane]])
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            index = self.index_at(place)
            if index is not None:
                self.mark_wanted.emit(index)
        else:
            self._dragging = "playhead"
            self._move_to(self.index_at(place))

    def _grab_brush(self, x: float) -> None:
        left, right = self._brush()
        if abs(x - left) <= 5 or abs(x - right) <= 5:
            self._dragging = "left" if abs(x - left) <= abs(x - right) else "right"
        else:
            self._dragging = "brush"
            if not left <= x <= right:
                self._shift_brush(x - (left + right) / 2)
        self._grip = (x, 0.0)

    def _shift_brush(self, pixels: float) -> None:
        whole = self.model.axis.fit(self._strip().width())
        shift = pixels / whole.pixels_per_unit
        self.model.show(self.model.scale.start + shift, self.model.scale.end + shift)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._dragging == "playhead":
            scale = self.model.scale
            self._move_to(self.model.axis.index_at(min(max(x - LABELS, 0.0), scale.width), scale))
        elif self._dragging == "pan":
            self.model.pan(self._grip[0] - x)
            self._grip = (x, 0.0)
        elif self._dragging == "brush":
            self._shift_brush(x - self._grip[0])
            self._grip = (x, 0.0)
        elif self._dragging:
            value = self.model.axis.fit(self._strip().width()).to_value(x - self._strip().x())
            start, end = self.view_range()
            self.model.show(min(value, end), end) if self._dragging == "left" else self.model.show(
                start, max(value, start)
            )
        self._show_cursor(event.position().toPoint())

    def _show_cursor(self, place: QPoint) -> None:
        left, right = self._brush()
        on_edge = place.y() >= self._strip().y() and min(abs(place.x() - left), abs(place.x() - right)) <= 5
        on_label = place.x() < LABELS and self._layout.lane_at(place.y() - TOP) is not None
        shape = (
            Qt.CursorShape.SizeHorCursor
            if on_edge
            else Qt.CursorShape.PointingHandCursor
            if on_label
            else Qt.CursorShape.ArrowCursor
        )
        self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().x() >= LABELS:
            self.fit()

    def _move_to(self, index: int | None) -> None:
        if index is not None and index != self._playhead:
            self.set_playhead(index)
            self.playhead_moved.emit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        sideways = pixels.x() or angle.x()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if event.position().x() < LABELS and self._layout.overflow:
            self._layout = self._layout.scrolled(self._layout.scroll - (pixels.y() or angle.y() / 4))
            self._repaint_all()
        elif shift or abs(sideways) > abs(pixels.y() or angle.y()):
            self.model.pan(-float(sideways or pixels.y() or angle.y()))
        else:
            self.model.zoom(event.position().x() - LABELS, 1.0015 ** (pixels.y() * 3 or angle.y()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.model.zoom(event.position().x() - LABELS, 1.0 + event.value())
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), tooltip(self._hover_text(event.pos())), self)
            return True
        return super().event(event)

    def _hover_text(self, place: QPoint) -> str:
        if not len(self._marks) or place.y() >= self._strip().y():
            return ""
        if place.x() < LABELS:
            lane = self._layout.lane_at(place.y() - TOP)
            if lane is None or self._layout.is_shared:
                return ""
            return f"{self._marks.type_names[self._lanes.types[lane]]}\n{self._lanes.counts[lane]} events"
        if place.y() < TOP:
            near = [i for i in self._marks.snapshots if abs(self.model.pixel_of(i) + LABELS - place.x()) <= 6]
            return f"Snapshot stored at version {version_label(self._marks, near[0])}" if near else ""
        index = self.index_at(place)
        if index is None:
            return ""
        marks = self._marks
        lines = [marks.type_name(index), f"version {version_label(marks, index)}"]
        if marks.positions and marks.positions[index]:
            lines.append(f"position {marks.positions[index]}")
        lines.append(when_exact(marks.time(index), zone()) if marks.time(index) is not None else "no time")
        if marks.is_undecodable(index):
            lines.append("undecodable")
        return "\n".join(lines)

    # Keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
        ):
            super().keyPressEvent(event)
            return
        moves = {
            Qt.Key.Key_W: self.zoom_in,
            Qt.Key.Key_S: self.zoom_out,
            Qt.Key.Key_A: self.pan_left,
            Qt.Key.Key_D: self.pan_right,
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
        }
        move = moves.get(Qt.Key(event.key()))
        if move is not None:
            move()
        else:
            super().keyPressEvent(event)
