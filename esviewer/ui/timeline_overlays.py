"""What lies over the marks of the timeline: rings, the second cursor, what is in sight, the playhead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from esviewer.timeline.lanes import merge
from esviewer.timeline.placement import MARK
from esviewer.timeline.ticks import version_label
from esviewer.ui.axis_model import LABELS, RIGHT
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import theme
from esviewer.ui.timeline_painting import Drawing, paint_halo, paint_handle

ABOVE = 4
"""Pixels by which lines stand out of the lanes at the top."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlays:
    """Painted anew in every frame; ``strip`` is the minimap, ``area`` where marks may be drawn."""

    drawing: Drawing
    strip: QRect
    area: QRect

    def rings(self, painter: QPainter, indexes: NDArray[np.int64]) -> None:
        """Rings around events in sight, one for those of a lane that would cover each other."""
        if not len(indexes):
            return
        drawing = self.drawing
        pixels, lanes = drawing.placement.pixels_of(indexes), drawing.lanes_of(indexes)
        shown = merge(pixels, lanes, drawing.placement.scale.width, 4.0)
        painter.save()
        painter.setClipRect(self.area)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme().color("text"), 1.4))
        for pixel, lane in zip(pixels[shown.first].tolist(), lanes[shown.first].tolist(), strict=True):
            painter.drawEllipse(QPointF(LABELS + pixel, drawing.lane_y(lane)), MARK - 1, MARK - 1)
        painter.restore()

    def second_cursor(self, painter: QPainter, mark: int | None, playhead: int) -> None:
        """The second cursor, and the stretch between it and the playhead."""
        if mark is None or not 0 <= mark < len(self.drawing.marks):
            return
        plot, current = self.drawing.plot, theme()
        x, head = (plot.x() + self.drawing.placement.pixel_of(index) for index in (mark, playhead))
        left, right = max(min(x, head), plot.x()), min(max(x, head), plot.right())
        if right > left:
            shade = current.color("changed")
            shade.setAlphaF(0.10)
            painter.fillRect(QRectF(left, plot.y(), right - left, plot.height()), shade)
        if plot.x() - 1 <= x <= plot.right() + RIGHT:
            painter.setPen(QPen(current.color("changed"), 1.4, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, plot.y() - ABOVE), QPointF(x, plot.bottom() + 1))

    def brush(self, painter: QPainter, left: float, right: float) -> None:
        """What of the whole stream is in sight, on the minimap between two pixels."""
        strip = self.strip
        shade = theme().color("accent")
        shade.setAlphaF(0.10)
        painter.fillRect(QRectF(left, strip.y(), right - left, strip.height()), shade)
        painter.setPen(QPen(theme().color("accent"), 1))
        for x in (left, right):
            painter.drawLine(QPointF(x, strip.y()), QPointF(x, strip.bottom()))

    def playhead(self, painter: QPainter, index: int, beyond: float) -> None:
        """The playhead through all lanes with its handle, which stays left of ``beyond``; none for -1."""
        if index < 0:
            return
        drawing, strip, accent = self.drawing, self.strip, theme().color("accent")
        plot, axis = drawing.plot, drawing.placement.axis
        x = plot.x() + drawing.placement.pixel_of(index)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(accent, 1))
        small = strip.x() + axis.fit(strip.width()).pixel(float(axis.values[index]))
        painter.drawLine(QPointF(small, strip.y()), QPointF(small, strip.bottom()))
        if not plot.x() - 1 <= x <= plot.right() + RIGHT:
            return
        painter.setPen(QPen(accent, 1.6))
        painter.drawLine(QPointF(x, plot.y() - ABOVE), QPointF(x, plot.bottom() + 1))
        self._mark_under(painter, index, x)
        paint_handle(painter, x, version_label(drawing.marks, index), beyond)

    def _mark_under(self, painter: QPainter, index: int, x: float) -> None:
        drawing = self.drawing
        y = drawing.lane_y(int(drawing.lanes.lane_of_event[index]))
        if not drawing.plot.y() <= y <= drawing.plot.bottom():
            return
        if drawing.marks.is_undecodable(index):
            paint_halo(painter, x, y, theme().color("removed"))
            return
        ordinal = int(drawing.marks.types[index])
        paint_halo(painter, x, y, theme().color("accent"))
        draw_mark(painter, theme().lane_shape(ordinal), x, y, MARK + 1, theme().lane(ordinal))
