"""Marks of event types: shapes that tell types apart where colours repeat, or cannot be told apart."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPolygonF

_TURN = {
    "diamond": (4, 0.0),
    "triangle": (3, -90.0),
    "triangle_down": (3, 90.0),
    "hexagon": (6, 30.0),
    "square": (4, 45.0),
}


def draw_mark(painter: QPainter, shape: str, x: float, y: float, size: float, colour: QColor) -> None:
    """Paints one mark of about ``size`` pixels about a point, without an outline."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    half = size / 2
    if shape in _TURN:
        corners, turn = _TURN[shape]
        grow = {"square": 1.25, "triangle": 1.25, "triangle_down": 1.25, "diamond": 1.3, "hexagon": 1.12}[shape]
        painter.drawPolygon(_ring(x, y, half * grow, corners, turn))
    elif shape == "plus":
        arm = size / 3
        painter.drawRect(QRectF(x - half, y - arm / 2, size, arm))
        painter.drawRect(QRectF(x - arm / 2, y - half, arm, size))
    elif shape == "star":
        outer, inner = _points(x, y, half * 1.3, 5, -90.0), _points(x, y, half * 0.55, 5, -54.0)
        painter.drawPolygon(QPolygonF([point for pair in zip(outer, inner, strict=True) for point in pair]))
    else:
        painter.drawEllipse(QPointF(x, y), half, half)


def _ring(x: float, y: float, radius: float, corners: int, turn: float) -> QPolygonF:
    return QPolygonF(_points(x, y, radius, corners, turn))


def _points(x: float, y: float, radius: float, corners: int, turn: float) -> list[QPointF]:
    step = 2 * math.pi / corners
    start = math.radians(turn)
    angles = [start + step * corner for corner in range(corners)]
    return [QPointF(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
