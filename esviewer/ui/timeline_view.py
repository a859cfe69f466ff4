"""The timeline of one stream: a lane for each event type, marks, snapshots, the playhead, and a minimap.

Own-painted by one widget; the lanes are kept as a picture, so that a move of the playhead paints little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from esviewer.timeline.lanes import LaneLayout, Lanes, lane_layout, lanes_of, merge
from esviewer.timeline.marks import Marks, no_marks
from esviewer.timeline.placement import MARK
from esviewer.timeline.ticks import Ticks, time_ticks, version_label, version_ticks
from esviewer.ui import fonts, timeline_hover, timeline_painting
from esviewer.ui.axis_model import LABELS, RIGHT, AxisModel
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import signals, theme
from esviewer.ui.timeline_painting import DIMMED, Drawing, MarkPainter
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped
from esviewer.ui.zone import zone

TOP = 26
AXIS = 24
MINIMAP = 34
KEYS = "Left and Right move the playhead, W A S D zoom and pan, F fits."


class TimelineView(QWidget):
    """Shows a stream's events along versions or time, and moves the playhead."""

    playhead_moved = Signal(int)
    type_activated = Signal(str)
    mark_wanted = Signal(int)
    """Shift+click: the second cursor is wanted at an event."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.setAccessibleDescription(KEYS)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(TOP + AXIS + MINIMAP + 30)
        self.model = AxisModel(self)
        self.model.changed.connect(self._moved)
        self._marks: Marks = no_marks()
        self._lanes: Lanes = lanes_of(self._marks)
        self._layout: LaneLayout = lane_layout(0, 1)
        self._playhead = -1
        self._mark: int | None = None
        self._highlighted = np.empty(0, np.int64)
        self._back: QPixmap | None = None
        self._front: QPixmap | None = None
        self._flags: QPixmap | None = None
        self._small: QPixmap | None = None
        self._drawn_axis = self.model.axis
        self._dragging = ""
        self._grip = 0.0
        signals().changed.connect(self._repaint_all)

    # What is shown

    def set_stream(self, marks: Marks) -> None:
        """Shows another stream, the whole of it; of the same stream with more events, what was in sight."""
        self._marks = marks
        self._lanes = lanes_of(marks)
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
                self._front = None
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
            self._small = None
        self._back = self._front = None
        self.update()

    def _repaint_all(self) -> None:
        self._back = self._front = self._small = None
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
        ratio = self.devicePixelRatioF()
        painter.drawPixmap(0, 0, self._painted_back(ratio))
        self._paint_front(painter, self._painted(ratio))
        if self._flags is not None:
            painter.drawPixmap(0, 0, self._flags)
        self._paint_brush(painter)
        self._paint_mark_line(painter)
        self._paint_rings(painter)
        self._paint_playhead(painter)
        if self.hasFocus():
            painter.setPen(QPen(theme().color("focus"), 1))
            painter.drawLine(2, self.height() - 1, self.width() - 3, self.height() - 1)

    def _drawing(self) -> Drawing:
        placement, ratio = self.model.placement, self.devicePixelRatioF()
        return Drawing(self._marks, self._lanes, self._layout, placement, self._plot(), ratio)

    def _painted(self, ratio: float) -> QPixmap:
        """The marks, and in ``_flags`` what is never dimmed: they stay as they are while the playhead moves."""
        if self._front is None or self._front.devicePixelRatioF() != ratio:
            marks = MarkPainter(self._drawing())
            self._front, self._flags = self._layer(ratio), self._layer(ratio) if self._marks.flags.any() else None
            with QPainter(self._front) as painter:
                painter.setClipRect(self._lane_area())
                marks.paint(painter, None if self._is_split else self._playhead)
            if self._flags is not None:
                with QPainter(self._flags) as painter:
                    painter.setClipRect(self._lane_area())
                    marks.paint_flags(painter)
        return self._front

    def _painted_back(self, ratio: float) -> QPixmap:
        """Everything behind the marks."""
        if self._back is None or self._back.devicePixelRatioF() != ratio:
            drawing = self._drawing()
            self._back = self._layer(ratio)
            self._back.fill(theme().color("panel"))
            with QPainter(self._back) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                timeline_painting.paint_lanes(painter, drawing)
                ticks = self._ticks(QFontMetrics(fonts.ui(11)))
                timeline_painting.paint_axis(painter, drawing.plot, self.model.scale, ticks)
                painter.drawPixmap(0, 0, self._small_picture(drawing))
                painter.setClipRect(self._lane_area().adjusted(0, -TOP, 0, 0))
                timeline_painting.paint_snapshots(painter, drawing)
        return self._back

    def _small_picture(self, drawing: Drawing) -> QPixmap:
        """The minimap, which zooming and panning leave as it is."""
        if self._small is None or self._small.devicePixelRatioF() != drawing.ratio:
            self._small, self._drawn_axis = self._layer(drawing.ratio), self.model.axis
            with QPainter(self._small) as painter:
                timeline_painting.paint_minimap(painter, drawing, self._strip())
        return self._small

    def _layer(self, ratio: float) -> QPixmap:
        layer = QPixmap(self.size() * ratio)
        layer.setDevicePixelRatio(ratio)
        layer.fill(Qt.GlobalColor.transparent)
        return layer

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

    def _paint_rings(self, painter: QPainter) -> None:
        """Rings around highlighted events in sight, one for those that would cover each other."""
        if not len(self._highlighted):
            return
        pixels = self.model.placement.pixels_of(self._highlighted)
        lanes = self._drawing().lanes_of(self._highlighted)
        shown = merge(pixels, lanes, self.model.scale.width, 4.0)
        painter.save()
        painter.setClipRect(self._lane_area())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("text"), 1.4))
        for pixel, lane in zip(pixels[shown.first].tolist(), lanes[shown.first].tolist(), strict=True):
            painter.drawEllipse(QPointF(LABELS + pixel, self._lane_y(lane)), MARK - 1, MARK - 1)
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

    def _paint_brush(self, painter: QPainter) -> None:
        """What of the whole stream is in sight, on the minimap."""
        strip, (left, right) = self._strip(), self._brush()
        shade = theme().color("accent")
        shade.setAlphaF(0.10)
        painter.fillRect(QRectF(left, strip.y(), right - left, strip.height()), shade)
        painter.setPen(QPen(theme().color("accent"), 1))
        for x in (left, right):
            painter.drawLine(QPointF(x, strip.y()), QPointF(x, strip.bottom()))

    def _paint_playhead(self, painter: QPainter) -> None:
        if self._playhead < 0:
            return
        plot, strip, accent = self._plot(), self._strip(), theme().color("accent")
        x = plot.x() + self.model.pixel_of(self._playhead)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(accent, 1))
        small = strip.x() + self.model.axis.fit(strip.width()).pixel(float(self.model.axis.values[self._playhead]))
        painter.drawLine(QPointF(small, strip.y()), QPointF(small, strip.bottom()))
        if not plot.x() - 1 <= x <= plot.right() + RIGHT:
            return
        painter.setPen(QPen(accent, 1.6))
        painter.drawLine(QPointF(x, TOP - 4), QPointF(x, plot.bottom() + 1))
        y = self._lane_y(int(self._lanes.lane_of_event[self._playhead]))
        if TOP <= y <= plot.bottom() and not self._marks.is_undecodable(self._playhead):
            ordinal = int(self._marks.types[self._playhead])
            timeline_painting.paint_halo(painter, x, y, accent)
            draw_mark(painter, theme().lane_shape(ordinal), x, y, MARK + 1, theme().lane(ordinal))
        elif TOP <= y <= plot.bottom():
            timeline_painting.paint_halo(painter, x, y, theme().color("removed"))
        timeline_painting.paint_handle(painter, x, version_label(self._marks, self._playhead), self.width() - 2.0)

    # Mouse

    def index_at(self, place: QPoint) -> int | None:
        """The event whose mark is under a place, else the nearest along the axis."""
        x, placement = place.x() - LABELS, self.model.placement
        near = placement.between(x - MARK / 2 - 2, x + MARK / 2 + 2)
        if len(near):
            heights = self._drawing().lanes_of(near) * self._layout.lane_height + self._lane_y(0)
            hit = near[np.abs(heights - place.y()) <= MARK / 2 + 3]
            if len(hit):
                return int(hit[np.argmin(np.abs(placement.pixels_of(hit) - x))])
        return self._index_along(x)

    def _index_along(self, x: float) -> int | None:
        return self.model.placement.index_at(min(max(x, 0.0), self.model.scale.width))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._dragging, self._grip = "pan", event.position().x()
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
        self._grip = x

    def _shift_brush(self, pixels: float) -> None:
        whole = self.model.axis.fit(self._strip().width())
        shift = pixels / whole.pixels_per_unit
        self.model.show(self.model.scale.start + shift, self.model.scale.end + shift)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._dragging == "playhead":
            self._move_to(self._index_along(x - LABELS))
        elif self._dragging == "pan":
            self.model.pan(self._grip - x)
            self._grip = x
        elif self._dragging == "brush":
            self._shift_brush(x - self._grip)
            self._grip = x
        elif self._dragging:
            value = self.model.axis.fit(self._strip().width()).to_value(x - self._strip().x())
            start, end = self.view_range()
            start, end = (value, end) if self._dragging == "left" else (start, value)
            if start < end:
                self.model.show(start, end)
        self._show_cursor(event.position().toPoint())

    def _show_cursor(self, place: QPoint) -> None:
        left, right = self._brush()
        on_edge = place.y() >= self._strip().y() and min(abs(place.x() - left), abs(place.x() - right)) <= 5
        on_label = place.x() < LABELS and self._layout.lane_at(place.y() - TOP) is not None
        other = Qt.CursorShape.PointingHandCursor if on_label else Qt.CursorShape.ArrowCursor
        self.setCursor(Qt.CursorShape.SizeHorCursor if on_edge else other)

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
        sideways, shift = pixels.x() or angle.x(), event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if event.position().x() < LABELS and self._layout.overflow:
            self._layout = self._layout.scrolled(self._layout.scroll - (pixels.y() or angle.y() / 4))
            self._moved()
        elif shift or abs(sideways) > abs(pixels.y() or angle.y()):
            self.model.pan(-float(sideways or pixels.y() or angle.y()))
        else:
            self.model.zoom(event.position().x() - LABELS, 1.0015 ** (pixels.y() * 3 or angle.y()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.model.zoom(event.position().x() - LABELS, max(0.1, 1.0 + event.value()))
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
            return f"{self._marks.type_names[self._lanes.types[lane]]}\n{grouped(self._lanes.counts[lane])} events"
        if place.y() < TOP:
            return timeline_hover.snapshot_text(self._marks, self.model.placement, place.x() - LABELS)
        index = self.index_at(place)
        placement = self.model.placement
        return "" if index is None else timeline_hover.event_text(self._marks, self._lanes, placement, index)

    # Keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        if event.key() != Qt.Key.Key_Plus:  # which stands above another key on most keyboards
            held |= Qt.KeyboardModifier.ShiftModifier
        moves: dict[int, Callable[[], None]] = {
            Qt.Key.Key_W: self.zoom_in,
            Qt.Key.Key_S: self.zoom_out,
            Qt.Key.Key_A: self.pan_left,
            Qt.Key.Key_D: self.pan_right,
            Qt.Key.Key_Plus: self.zoom_in,
            Qt.Key.Key_Minus: self.zoom_out,
        }
        move = moves.get(event.key())
        if move is None or event.modifiers() & held:
            super().keyPressEvent(event)
        else:
            move()
