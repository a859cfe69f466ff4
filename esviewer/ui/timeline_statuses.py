"""The signs of statuses on a timeline: above the marks of events that today's code would not read as they are."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from esviewer.catalogue.status import STOPPING, Status
from esviewer.timeline.lanes import merge
from esviewer.timeline.placement import MARK
from esviewer.ui.axis_model import LABELS
from esviewer.ui.statuses import CODES, LOOKS, SHOWN, SIDE, status_pixmap
from esviewer.ui.theme import theme
from esviewer.ui.timeline_hover import Card
from esviewer.ui.timeline_painting import BAR, Drawing, MarkPainter
from esviewer.ui.widgets.format import grouped

_APART: Final = 12.0
"""Pixels within which signs of one lane are drawn as one."""
_ABOVE: Final = MARK / 2 + SIDE / 2 + 0.5
"""Pixels from the middle of a mark to that of its sign, where the lane has room for it."""


def paint_statuses(painter: QPainter, marks: MarkPainter) -> None:
    """A sign for each event in sight whose status has one, the worst on top; never dimmed.

    Of events that are drawn as one each kind of sign is drawn once. In a crowd, where signs would hide each other,
    there are ticks above the bars: long ones where a replay would stop, short ones for what is to be upcast.
    """
    drawing = marks.drawing
    codes, placement = drawing.statuses, drawing.placement
    if codes is None:
        return
    own = codes if placement.is_dense else codes[placement.indexes]
    crowded = np.array([marks.is_crowded(lane) for lane in range(drawing.layout.count)])
    for status in reversed(SHOWN):
        found = np.flatnonzero(own == CODES[status])
        if not len(found):
            continue
        indexes = found if placement.is_dense else placement.indexes[found]
        lanes, pixels = _in_sight(drawing, indexes)
        is_crowd = crowded[lanes]
        _paint_signs(painter, drawing, status, lanes[~is_crowd], pixels[~is_crowd])
        if status in STOPPING or status is Status.UPCAST:
            _paint_ticks(painter, drawing, status, lanes[is_crowd], pixels[is_crowd])


def _in_sight(drawing: Drawing, indexes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Lanes and pixels of those events that are in sight."""
    visible = drawing.layout.visible()
    lanes, pixels = drawing.lanes_of(indexes), drawing.placement.pixels_of(indexes)
    is_seen = (pixels > -MARK) & (pixels < drawing.placement.scale.width + MARK)
    is_seen &= (lanes >= visible.start) & (lanes < visible.stop)
    return lanes[is_seen], pixels[is_seen]


def _paint_signs(
    painter: QPainter, drawing: Drawing, status: Status, lanes: NDArray[np.int64], pixels: NDArray[np.float64]
) -> None:
    ratio = drawing.ratio
    above = min(_ABOVE, drawing.layout.lane_height / 2 - SIDE / 2 + 2)
    shown = merge(pixels + MARK, lanes, drawing.placement.scale.width + 2 * MARK, _APART).first
    stamp = status_pixmap(CODES[status], ratio, ground=True)
    for pixel, lane in zip(pixels[shown].tolist(), lanes[shown].tolist(), strict=True):
        left = round((LABELS + pixel - SIDE / 2) * ratio) / ratio
        top = round((drawing.lane_y(lane) - above - SIDE / 2) * ratio) / ratio
        painter.drawPixmap(QPointF(left, top), stamp)


def _paint_ticks(
    painter: QPainter, drawing: Drawing, status: Status, lanes: NDArray[np.int64], pixels: NDArray[np.float64]
) -> None:
    if not len(lanes):
        return
    found = merge(pixels, lanes, drawing.placement.scale.width, BAR)
    length = 5 if status in STOPPING else 3
    half = round(drawing.layout.lane_height) // 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().color(LOOKS[status].token))
    tops = [round(drawing.lane_y(lane)) - half + 5 - length for lane in range(drawing.layout.count)]
    places = zip(found.columns.tolist(), found.lanes.tolist(), strict=True)
    painter.drawRects([QRectF(LABELS + column * BAR, tops[lane], BAR - 1, length) for column, lane in places])


def with_statuses(card: Card, codes: NDArray[np.uint8] | None, indexes: NDArray[np.int64]) -> Card:
    """A card with the statuses of its events, worst first; of several events with their numbers."""
    if codes is None:
        return card
    counted = np.bincount(codes[indexes], minlength=len(CODES) + 1)
    present = [(LOOKS[status], int(counted[CODES[status]])) for status in SHOWN if counted[CODES[status]]]
    if len(indexes) == 1:
        words = [look.word.lower() for look, _ in present]
    else:
        words = [f"{grouped(count)} {look.counted}" for look, count in present]
    return replace(card, flags=tuple(dict.fromkeys((*card.flags, *words))))
