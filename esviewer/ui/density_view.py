"""The history of a whole store as density lanes: one lane a category or event type, darker where more happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QHelpEvent, QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from esviewer.timeline.bins import density
from esviewer.timeline.scale import Scale
from esviewer.timeline.ticks import time_ticks
from esviewer.ui import fonts
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.zone import zone

LANE = 26
LABEL = 168
AXIS = 26
TOTAL = 44


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """One lane: its ascending times in µs, and the lane number that gives colour and shape."""

    name: str
    label: str
    times: NDArray[np.int64]
    lane: int


class DensityView(QWidget):
    """Lanes over time with a strip of all events on top; drag to zoom into a range, double-click for everything."""

    lane_activated = Signal(str)
    range_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Events over time")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._lanes: list[Lane] = []
        self._nothing = "No event here carries a time."
        self._all: NDArray[np.int64] = np.zeros(0, np.int64)
        self._range = (0, 1)
        self._whole = (0, 1)
        self._pressed: int | None = None
        self._brush: tuple[int, int] | None = None
        signals().changed.connect(self.update)

    def show_lanes(self, lanes: list[Lane]) -> None:
        """Shows other lanes; the range stays if the reader has zoomed."""
        was_whole = self._range == self._whole
        self._lanes = lanes
        columns = [lane.times for lane in lanes if len(lane.times)]
        self._all = ascending(np.concatenate(columns)) if columns else np.zeros(0, np.int64)
        self._whole = (int(self._all[0]), max(int(self._all[-1]), int(self._all[0]) + 1)) if columns else (0, 1)
        if was_whole or not self._whole[0] <= self._range[0] < self._whole[1]:
            self._range = self._whole
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def set_nothing(self, sentence: str) -> None:
        """What to say where there is nothing to draw."""
        self._nothing = sentence

    @property
    def range(self) -> tuple[int, int]:
        """Start and end of what is shown, µs."""
        return self._range

    def sizeHint(self) -> QSize:
        return QSize(640, TOTAL + LANE * max(1, len(self._lanes)) + AXIS + 4)

    def _plot(self) -> QRect:
        return QRect(LABEL, 0, max(10, self.width() - LABEL - 12), TOTAL + LANE * len(self._lanes))

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not len(self._all):
            painter.setPen(theme().color("third"))
            painter.setFont(fonts.ui(13))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self._nothing)
            return
        plot = self._plot()
        self._paint_total(painter, QRect(plot.x(), 4, plot.width(), TOTAL - 8))
        for number, lane in enumerate(self._lanes):
            area = QRect(plot.x(), TOTAL + number * LANE, plot.width(), LANE)
            if number % 2 == 0:
                painter.fillRect(QRect(0, area.y(), self.width(), LANE), theme().color("sunken"))
            self._paint_lane(painter, lane, area)
        self._paint_axis(painter, plot)
        if self._brush is not None:
            left, right = sorted(self._brush)
            shade = QColor(theme().color("accent"))
            shade.setAlphaF(0.18)
            painter.fillRect(QRect(left, 0, right - left, plot.height()), shade)

    def _paint_total(self, painter: QPainter, area: QRect) -> None:
        painter.setFont(fonts.ui(11))
        painter.setPen(theme().color("third"))
        text = QRect(12, area.y(), LABEL - 24, area.height())
        painter.drawText(text, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), "all events")
        columns = max(1, area.width() // 5)
        counts = density(self._all, self._range[0], self._range[1], columns)
        top = max(1, int(counts.max()))
        colour = QColor(theme().color("accent"))
        colour.setAlphaF(0.45)
        for number in np.flatnonzero(counts).tolist():
            height = max(2, round(area.height() * int(counts[number]) / top))
            x = area.x() + number * area.width() // columns
            width = max(1, area.width() // columns - 1)
            painter.fillRect(QRect(x, area.bottom() - height + 1, width, height), colour)

    def _paint_lane(self, painter: QPainter, lane: Lane, area: QRect) -> None:
        colour = theme().lane(lane.lane)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_mark(painter, theme().lane_shape(lane.lane), 18, area.center().y() + 1, 8, colour)
        painter.setFont(fonts.ui(13))
        painter.setPen(theme().color("text"))
        metrics = QFontMetrics(fonts.ui(13))
        text = metrics.elidedText(lane.label, Qt.TextElideMode.ElideRight, LABEL - 44)
        painter.drawText(QRect(30, area.y(), LABEL - 40, LANE), int(Qt.AlignmentFlag.AlignVCenter), text)
        counts = density(lane.times, self._range[0], self._range[1], area.width())
        painter.drawImage(area.x(), area.y() + 7, _strip(counts, colour, LANE - 14))

    def _paint_axis(self, painter: QPainter, plot: QRect) -> None:
        painter.setFont(fonts.ui(11))
        painter.setPen(theme().color("border"))
        painter.drawLine(plot.x(), plot.bottom() + 1, plot.right(), plot.bottom() + 1)
        start, end = self._range
        metrics = QFontMetrics(fonts.ui(11))
        scale = Scale(0, max(1, end - start), plot.width())
        for tick in time_ticks(start, scale, metrics.averageCharWidth(), zone()).ticks:
            x = plot.x() + round(scale.pixel(tick.value))
            painter.setPen(theme().color("border"))
            painter.drawLine(x, plot.bottom() + 1, x, plot.bottom() + 5)
            painter.setPen(theme().color("third"))
            width = metrics.horizontalAdvance(tick.label)
            left = min(max(plot.x(), x - width // 2), plot.right() - width)
            painter.drawText(QPoint(left, plot.bottom() + 18), tick.label)

    # Mouse

    def _time_at(self, x: int) -> int:
        plot = self._plot()
        share = min(1.0, max(0.0, (x - plot.x()) / plot.width()))
        return self._range[0] + round(share * (self._range[1] - self._range[0]))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x = int(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and x >= LABEL:
            self._pressed = x

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None:
            self._brush = (self._pressed, max(LABEL, min(int(event.position().x()), self._plot().right())))
            self.update()
        over_label = event.position().x() < LABEL and self._lane_at(int(event.position().y())) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over_label else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, brush = self._pressed, self._brush
        self._pressed = self._brush = None
        if brush is not None and abs(brush[1] - brush[0]) > 4:
            left, right = sorted(brush)
            self._set_range(self._time_at(left), self._time_at(right))
        elif pressed is None and event.button() == Qt.MouseButton.LeftButton:
            lane = self._lane_at(int(event.position().y()))
            if lane is not None:
                self.lane_activated.emit(lane.name)
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._set_range(*self._whole)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            event.ignore()
            return
        factor = 0.8 if event.angleDelta().y() > 0 else 1.25
        center = self._time_at(int(event.position().x()))
        start, end = (round(center + (edge - center) * factor) for edge in self._range)
        self._set_range(max(start, self._whole[0]), min(end, self._whole[1]))

    def _set_range(self, start: int, end: int) -> None:
        self._range = (start, max(end, start + 1_000))
        self.range_changed.emit()
        self.update()

    def _lane_at(self, y: int) -> Lane | None:
        number = (y - TOTAL) // LANE
        return self._lanes[number] if 0 <= number < len(self._lanes) else None

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and len(self._all):
            lane = self._lane_at(event.pos().y())
            lines = [lane.name, f"{grouped(len(lane.times))} events"] if lane is not None else []
            if event.pos().x() >= LABEL:
                lines.append(when(self._time_at(event.pos().x()), zone()))
            QToolTip.showText(event.globalPos(), tooltip("\n".join(lines)), self)
            return True
        return super().event(event)


def ascending(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """The times in order; most stores keep them so, and then nothing is done."""
    return times if bool((times[1:] >= times[:-1]).all()) else np.sort(times)


def _strip(counts: NDArray[np.int64], colour: QColor, height: int) -> QImage:
    """One lane as an image: a column a pixel, more opaque where more events are."""
    width = len(counts)
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2] = colour.blue(), colour.green(), colour.red()
    top = max(1, int(counts.max()) if width else 1)
    share = np.where(counts > 0, 0.35 + 0.65 * np.log1p(counts) / np.log1p(top), 0.0)
    pixels[:, :, 3] = (share * 255).astype(np.uint8)
    # Single pixels are hard to see: an event is two wide, the second fainter.
    faint = np.zeros(width)
    faint[1:] = share[:-1] * 0.6
    pixels[:, :, 3] = np.maximum(pixels[:, :, 3], (faint * 255).astype(np.uint8))
    image = QImage(np.ascontiguousarray(pixels).tobytes(), width, height, width * 4, QImage.Format.Format_ARGB32)
    return image.copy()
