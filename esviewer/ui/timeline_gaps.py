"""The marks of idle time: a torn band with its length where it is folded, a dotted line where it was opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF

from esviewer.timeline.gaps import Gap
from esviewer.timeline.idle import in_words
from esviewer.ui import fonts
from esviewer.ui.axis_model import LABELS
from esviewer.ui.theme import theme
from esviewer.ui.widgets.format import when
from esviewer.ui.zone import zone

_TOOTH: Final = 4.0
_MARGIN: Final = 5.0
"""Pixels between a fold's ends, at which events stand, and its torn edges."""
_HEIGHT: Final = 18


def label_y(plot: QRect) -> float:
    """The middle of the labels: above the lanes' ends, where the axis is near."""
    return plot.bottom() - _HEIGHT / 2 - 3.0


def gap_at(gaps: Sequence[Gap], plot: QRect, x: float, y: float) -> Gap | None:
    """The gap whose mark is at a place of the widget: a fold over its height, an opened one at its label."""
    if not plot.y() <= y <= plot.bottom() or x < plot.x():
        return None
    for gap in gaps:
        if gap.holds(x - LABELS, label_width(gap) / 2) and (not gap.is_open or abs(y - label_y(plot)) <= _HEIGHT / 2):
            return gap
    return None


def gap_text(gap: Gap, origin: int) -> str:
    """What a tooltip says of a gap."""
    act = "Click to fold it." if gap.is_open else "Click to show it at its true length."
    start, end = (when(origin + value, zone()) for value in (gap.start, gap.end))
    return f"{in_words(gap.length)} without an event\n{start} – {end}\n{act}"


def label_width(gap: Gap) -> float:
    """Pixels of a gap's label with its frame."""
    return QFontMetrics(fonts.ui(11)).horizontalAdvance(in_words(gap.length)) + 6.0


def paint_gaps(painter: QPainter, plot: QRect, gaps: Sequence[Gap], *, has_labels: bool = True) -> None:
    """The marks of gaps over the height of ``plot``; labels may be left to another view."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(plot)
    free = 0.0
    for gap in gaps:
        if not gap.is_open:
            _paint_fold(painter, plot, gap)
        elif has_labels:
            _paint_open(painter, plot, gap)
        middle, half = (gap.left + gap.right) / 2, label_width(gap) / 2
        if has_labels and middle - half >= free and middle + half <= plot.width() + _MARGIN:
            _paint_label(painter, plot, gap)
            free = middle + half
    painter.restore()


def _paint_fold(painter: QPainter, plot: QRect, gap: Gap) -> None:
    current = theme()
    left, right = LABELS + gap.left + _MARGIN, LABELS + gap.right - _MARGIN
    edges = (_torn(left, plot), _torn(right, plot))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(current.color("window"))
    painter.drawPolygon(QPolygonF([*edges[0], *reversed(edges[1])]))
    painter.setPen(QPen(current.color("strong"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for edge in edges:
        painter.drawPolyline(QPolygonF(edge))


def _torn(x: float, plot: QRect) -> list[QPointF]:
    """A zigzag from the top to the bottom, and a little beyond."""
    count = int(plot.height() / _TOOTH) + 2
    return [
        QPointF(x + (_TOOTH / 2 if number % 2 else -_TOOTH / 2), plot.y() - 1 + number * _TOOTH)
        for number in range(count + 1)
    ]


def _paint_open(painter: QPainter, plot: QRect, gap: Gap) -> None:
    y = label_y(plot)
    painter.setPen(QPen(theme().color("strong"), 1, Qt.PenStyle.DotLine))
    painter.drawLine(QPointF(LABELS + gap.left + _MARGIN, y), QPointF(LABELS + gap.right - _MARGIN, y))


def _paint_label(painter: QPainter, plot: QRect, gap: Gap) -> None:
    current, width = theme(), label_width(gap)
    middle = LABELS + (gap.left + gap.right) / 2
    frame = QRectF(middle - width / 2, label_y(plot) - _HEIGHT / 2, width, _HEIGHT)
    painter.setPen(QPen(current.color("border"), 1) if gap.is_open else Qt.PenStyle.NoPen)
    painter.setBrush(current.color("panel" if gap.is_open else "window"))
    painter.drawRoundedRect(frame, 4, 4)
    painter.setFont(fonts.ui(11))
    painter.setPen(current.color("second"))
    painter.drawText(frame, int(Qt.AlignmentFlag.AlignCenter), in_words(gap.length))
