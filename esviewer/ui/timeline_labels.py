"""Labels beside marks: the type where all types share a lane, else the value that an event set, or its version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFontMetrics, QPainter

from esviewer.timeline.labels import BESIDE, rooms
from esviewer.timeline.marks import short_name
from esviewer.timeline.ticks import version_label
from esviewer.ui import fonts
from esviewer.ui.axis_model import LABELS, RIGHT
from esviewer.ui.theme import theme
from esviewer.ui.timeline_painting import Drawing

MOST: Final = 400
"""Events in sight beyond which nothing is labelled: there would be room for some, at random."""
_LEAST: Final = 26.0
"""Pixels for a label that has to be cut."""

Telling = Callable[[int], tuple[str, bool]]
"""The value by which one would know an event from others of its type, and whether it may be cut."""


def paint_labels(painter: QPainter, drawing: Drawing, barriers: list[float], telling: Telling) -> None:
    """Writes beside the marks in sight what there is room for; ``barriers`` are pixels of the plot to stay before."""
    indexes = drawing.placement.indexes
    if not 0 < len(indexes) <= MOST:
        return
    lanes, pixels = drawing.lanes_of(indexes), drawing.placement.pixels
    free = rooms(pixels, lanes, np.array(barriers), float(drawing.plot.width() + RIGHT - 4))
    metrics = QFontMetrics(fonts.ui(11))
    painter.setFont(fonts.ui(11))
    painter.setPen(theme().color("second"))
    is_told = (free >= metrics.horizontalAdvance("v0")) & (pixels >= 0)
    if drawing.passes is not None:
        is_told &= drawing.passes[indexes]
    for place in np.flatnonzero(is_told).tolist():
        text = _fitting(_texts(drawing, int(indexes[place]), telling), metrics, float(free[place]))
        if text:
            y = drawing.lane_y(int(lanes[place]))
            painter.drawText(QPointF(LABELS + pixels[place] + BESIDE, y + metrics.ascent() / 2 - 1), text)


def _fitting(texts: list[tuple[str, bool]], metrics: QFontMetrics, room: float) -> str:
    """The first text that fits, perhaps cut where it may be; empty if none does."""
    for text, may_be_cut in texts:
        if text and metrics.horizontalAdvance(text) <= room:
            return text
        if text and may_be_cut and room >= _LEAST:
            return metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room))
    return ""


def _texts(drawing: Drawing, index: int, telling: Telling) -> list[tuple[str, bool]]:
    """What may be written beside a mark, the best first, and whether it may be cut."""
    if drawing.layout.is_shared:
        return [(" ".join(short_name(drawing.marks.type_name(index)).split()), True)]
    version = version_label(drawing.marks, index)
    return [telling(index), (version if version.startswith("#") else f"v{version}", False)]
