"""The strip of flagged events in the history of a store: where today's code would stop, and what is to be upcast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QPainter

from esviewer.catalogue.status import Status
from esviewer.timeline.bins import edges
from esviewer.ui import fonts
from esviewer.ui.catalogue_facts import Ticks
from esviewer.ui.overview_frame import Frame
from esviewer.ui.overview_painting import LABEL, Layout, strips
from esviewer.ui.statuses import CODES, paint_status
from esviewer.ui.theme import theme
from esviewer.ui.widgets.format import grouped

_REACH: Final = 6
"""Pixels from a tick within which it is meant."""
_LEFT: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_END: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


class FlagStrip:
    """Counts and paints flagged events; those that stop a replay above those that are to be upcast."""

    def __init__(self) -> None:
        self.ticks: Mapping[str, Ticks] = {}

    def is_there(self, axis: str) -> bool:
        """Whether any event is flagged."""
        own = self.ticks.get(axis)
        return own is not None and bool(len(own.stopping) or len(own.upcast))

    def _parts(self, axis: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        own = self.ticks[axis]
        return own.stopping, own.upcast

    def paint(self, painter: QPainter, frame: Frame, layout: Layout) -> None:
        """Paints the strip with its label and the number in sight."""
        axis = frame.picture.axis
        area = layout.ticks
        if not self.is_there(axis) or not area.height():
            return
        borders = edges(frame.sight.start, frame.sight.end, frame.columns)
        counts = np.array([np.diff(np.searchsorted(part, borders)) for part in self._parts(axis)])
        image = strips(counts, [theme().color("removed"), theme().color("changed")])
        rows = [row for row in range(2) if len(self._parts(axis)[row])]
        height = (area.height() - 4) // len(rows)
        for number, row in enumerate(rows):
            place = QRect(area.x(), area.y() + 2 + number * height, area.width(), max(height - 1, 3))
            painter.drawImage(place, image, QRect(0, row, frame.columns, 1))
        status = Status.UNKNOWN_TYPE if rows[0] == 0 else Status.UPCAST
        paint_status(painter, CODES[status], 18, area.center().y() + 0.5)
        painter.setFont(fonts.ui(13))
        painter.setPen(theme().color("text"))
        text = QRect(30, area.y(), LABEL - 44, area.height())
        painter.drawText(text, _LEFT, "Flagged")
        painter.setFont(fonts.ui(12))
        painter.setPen(theme().color("second"))
        painter.drawText(text, _END, grouped(int(counts.sum())))

    def text_at(self, frame: Frame, x: int) -> str:
        """How many flagged events stand near a pixel of the plot; of all in sight left of it."""
        start, end = (frame.sight.start, frame.sight.end) if x < 0 else self._around(frame, x)
        counts = [self._between(part, start, end) for part in self._parts(frame.picture.axis)]
        words = [
            f"{grouped(count)} {what}"
            for count, what in zip(counts, ("not understood by today's code", "to upcast"), strict=True)
            if count
        ]
        if not words:
            return ""
        return "\n".join([*words, "Click to see the findings" if x < 0 else "Click to go to the first of them"])

    def nearest(self, frame: Frame, x: int) -> int | None:
        """The value on the axis of the first flagged event near a pixel of the plot, the worst kind first."""
        start, end = self._around(frame, x)
        for part in self._parts(frame.picture.axis):
            place = int(np.searchsorted(part, start))
            if place < len(part) and part[place] <= end:
                return int(part[place])
        return None

    @staticmethod
    def _around(frame: Frame, x: int) -> tuple[int, int]:
        width = max(frame.width, 1)
        return frame.sight.value_at((x - _REACH) / width), frame.sight.value_at((x + _REACH) / width)

    @staticmethod
    def _between(part: NDArray[np.int64], start: int, end: int) -> int:
        return int(np.searchsorted(part, end, side="right") - np.searchsorted(part, start))
