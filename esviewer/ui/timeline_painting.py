"""The layers of the timeline's picture: lanes and marks, axis, minimap. What they show is decided in ``timeline``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap, QPolygonF

from esviewer.timeline.axis import Axis
from esviewer.timeline.bins import density
from esviewer.timeline.lanes import LaneLayout, Lanes, bars, merge
from esviewer.timeline.marks import UNDECODABLE, Marks, short_name
from esviewer.timeline.placement import MARK, Placement
from esviewer.timeline.scale import Scale
from esviewer.timeline.ticks import Ticks
from esviewer.ui import fonts
from esviewer.ui.axis_model import LABELS, RIGHT
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import theme

DIMMED: Final = 0.38
"""Opacity of what lies after the playhead."""
_COLUMN: Final = 3
"""Pixels of a bar and the space after it, in a lane with more events than marks can show."""
_CROWD: Final = 4
"""Pixels of the plot for each event of a lane, below which the lane shows bars."""
_MERGED: Final = 3.0
"""Pixels within which marks of a lane are drawn as one."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """What is drawn, and where: ``plot`` is the rectangle of the lanes in the widget."""

    marks: Marks
    lanes: Lanes
    layout: LaneLayout
    placement: Placement
    plot: QRect
    ratio: float
    """Device pixels for each pixel."""

    def lane_y(self, lane: int) -> float:
        """y in the widget of the line on which a lane's marks stand."""
        return self.plot.y() + self.layout.middle(0 if self.layout.is_shared else lane)

    def lanes_of(self, indexes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The lanes in which events are drawn."""
        lanes = self.lanes.lane_of_event[indexes]
        return np.zeros_like(lanes) if self.layout.is_shared else lanes


@dataclass(frozen=True, slots=True, eq=False)
class _Events:
    """Some of the events in sight, from left to right."""

    indexes: NDArray[np.int64]
    pixels: NDArray[np.float64]
    lanes: NDArray[np.int64]


def _later(indexes: NDArray[np.int64], playhead: int | None) -> NDArray[np.bool_]:
    return np.zeros(len(indexes), np.bool_) if playhead is None else indexes > playhead


def paint_lanes(painter: QPainter, drawing: Drawing) -> None:
    """Stripes, lines and labels of the lanes."""
    current, plot, layout = theme(), drawing.plot, drawing.layout
    right = plot.right() + RIGHT
    painter.save()
    painter.setClipRect(QRect(0, plot.y(), right, plot.height()))
    for lane in layout.visible():
        top, height = plot.y() + layout.top(lane), layout.lane_height
        if lane % 2 == 0:
            painter.fillRect(QRectF(plot.x(), top, right - plot.x(), height), current.color("sunken"))
        middle = round(top + height / 2) + 0.5
        painter.setPen(QPen(current.color("border"), 1))
        painter.drawLine(QPointF(plot.x(), middle), QPointF(plot.right(), middle))
        _paint_label(painter, drawing, lane, middle)
    if layout.overflow:
        share = plot.height() / (layout.count * layout.lane_height)
        thumb = QRectF(right - 5, plot.y() + layout.scroll * share, 4, plot.height() * share)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current.color("thumb"))
        painter.drawRoundedRect(thumb, 2, 2)
    painter.restore()


def _paint_label(painter: QPainter, drawing: Drawing, lane: int, y: float) -> None:
    current, text = theme(), "all types"
    if not drawing.layout.is_shared:
        ordinal = drawing.lanes.types[lane]
        draw_mark(painter, current.lane_shape(ordinal), 18, y, 8, current.lane(ordinal))
        text = " ".join(short_name(drawing.marks.type_names[ordinal]).split())
    painter.setFont(fonts.ui(13))
    painter.setPen(current.color("text"))
    shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, LABELS - 42)
    # Absolute: a name that begins in Arabic or Hebrew is not to leave its mark.
    align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(QRectF(30, y - 12, LABELS - 38, 24), int(align), shown)


class MarkPainter:
    """Paints marks and bars. Marks are drawn once each and then stamped, which is what makes thousands cheap."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._stamps: dict[tuple[str, int, bool], QPixmap] = {}
        spacing = drawing.placement.scale.pixels_per_unit
        is_tight = drawing.placement.axis.smallest <= 4 and spacing < MARK + 2
        self._size = min(max(6.5, spacing - 2), float(MARK)) if is_tight else float(MARK)

    def paint(self, painter: QPainter, dimmed_after: int | None) -> None:
        """Bars and marks in sight; those after ``dimmed_after`` in the stream dimmed one by one, none for ``None``."""
        drawing = self._drawing
        indexes = drawing.placement.indexes
        lanes = drawing.lanes_of(indexes)
        in_sight = self._in_sight(lanes)
        crowded = np.bincount(lanes, minlength=len(in_sight)) * _CROWD > drawing.placement.scale.width
        as_marks = (~crowded & in_sight)[lanes]
        guessed = drawing.placement.axis.untimed[indexes]
        self._paint_bars(painter, self._events((crowded & in_sight)[lanes], lanes), dimmed_after)
        self._stamp_all(painter, "mark", self._events(as_marks & ~self._unreadable(), lanes), dimmed_after)
        self._stamp_all(painter, "untimed", self._events(as_marks & guessed, lanes), dimmed_after)

    def paint_flags(self, painter: QPainter) -> None:
        """Crosses for the events that cannot be read: on top of any crowd, and never dimmed."""
        lanes = self._drawing.lanes_of(self._drawing.placement.indexes)
        self._stamp_all(painter, "undecodable", self._events(self._in_sight(lanes)[lanes] & self._unreadable(), lanes))

    def _in_sight(self, lanes: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Per lane, whether something of it is in sight."""
        found = np.zeros(max(self._drawing.layout.count, int(lanes.max(initial=-1)) + 1), np.bool_)
        found[list(self._drawing.layout.visible())] = True
        return found

    def _unreadable(self) -> NDArray[np.bool_]:
        return (self._drawing.marks.flags[self._drawing.placement.indexes] & UNDECODABLE).astype(np.bool_)

    def _events(self, chosen: NDArray[np.bool_], lanes: NDArray[np.int64]) -> _Events:
        places = np.flatnonzero(chosen)
        placement = self._drawing.placement
        return _Events(placement.indexes[places], placement.pixels[places], lanes[places])

    def _paint_bars(self, painter: QPainter, events: _Events, dimmed_after: int | None) -> None:
        """Bars for each column and lane, the higher the more events they stand for, alike in all lanes."""
        drawing = self._drawing
        found = merge(events.pixels, events.lanes, drawing.placement.scale.width, _COLUMN)
        halves = np.rint(bars(found.counts, drawing.layout.lane_height - 10, 3.0) / 2)
        dim = _later(events.indexes[found.first], dimmed_after)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for lane in np.unique(found.lanes).tolist():
            colour = theme().color("second") if drawing.layout.is_shared else theme().lane(drawing.lanes.types[lane])
            y = round(drawing.lane_y(lane))
            for is_dim in (False, True):
                own = (found.lanes == lane) & (dim == is_dim)
                colour.setAlphaF(0.85 * (DIMMED if is_dim else 1.0))
                painter.setBrush(colour)
                painter.drawRects(
                    [
                        QRectF(LABELS + column * _COLUMN, y - half, _COLUMN - 1, 2 * half)
                        for column, half in zip(found.columns[own].tolist(), halves[own].tolist(), strict=True)
                    ]
                )
        painter.restore()

    def _stamp_all(self, painter: QPainter, kind: str, events: _Events, dimmed_after: int | None = None) -> None:
        """One stamp for each event, or for those of a lane that would cover each other."""
        if not len(events.indexes):
            return
        drawing, ratio = self._drawing, self._drawing.ratio
        # Half a mark outside still shows.
        found = merge(events.pixels + MARK, events.lanes, drawing.placement.scale.width + 2 * MARK, _MERGED)
        indexes = events.indexes[found.first]
        for index, x, lane, is_dim in zip(
            indexes.tolist(),
            events.pixels[found.first].tolist(),
            found.lanes.tolist(),
            _later(indexes, dimmed_after).tolist(),
            strict=True,
        ):
            stamp = self._stamp(kind, int(drawing.marks.types[index]), is_dim)
            half = stamp.width() / ratio / 2
            left, top = LABELS + x - half, drawing.lane_y(lane) - half
            # On whole device pixels, or the stamp would blur.
            painter.drawPixmap(QPointF(round(left * ratio) / ratio, round(top * ratio) / ratio), stamp)

    def _stamp(self, kind: str, ordinal: int, is_dim: bool) -> QPixmap:
        key = (kind, ordinal if kind == "mark" else -1, is_dim)
        stamp = self._stamps.get(key)
        if stamp is None:
            stamp = self._stamps[key] = self._cut(*key)
        return stamp

    def _cut(self, kind: str, ordinal: int, is_dim: bool) -> QPixmap:
        side, ratio, current = 2 * MARK, self._drawing.ratio, theme()
        stamp = QPixmap(round(side * ratio), round(side * ratio))
        stamp.setDevicePixelRatio(ratio)
        stamp.fill(Qt.GlobalColor.transparent)
        painter = QPainter(stamp)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(DIMMED if is_dim else 1.0)
        centre, arm = side / 2, self._size / 2
        if kind == "mark":
            draw_mark(painter, current.lane_shape(ordinal), centre, centre, self._size, current.lane(ordinal))
        elif kind == "untimed":
            painter.setPen(QPen(current.color("second"), 1, Qt.PenStyle.DotLine))
            painter.drawEllipse(QPointF(centre, centre), arm * 1.6, arm * 1.6)
        else:
            cross = [
                QLineF(centre - arm, centre - arm, centre + arm, centre + arm),
                QLineF(centre - arm, centre + arm, centre + arm, centre - arm),
            ]
            # Set off against the marks of a crowd beneath it.
            for colour, width in ((current.color("panel"), 4.5), (current.color("removed"), 2.0)):
                painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
                painter.drawLines(cross)
        painter.end()
        return stamp


def paint_snapshots(painter: QPainter, drawing: Drawing) -> None:
    """A small camera above the lanes at each event after which a snapshot was stored."""
    if not len(drawing.marks.snapshots):
        return
    pixels = drawing.placement.pixels_of(np.asarray(drawing.marks.snapshots, np.int64))
    shown = merge(pixels + MARK, np.zeros(len(pixels), np.int64), drawing.placement.scale.width + 2 * MARK, 4.0)
    y = drawing.plot.y()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().color("second"), 1.4))
    for pixel in pixels[shown.first].tolist():
        x = round(LABELS + pixel) + 0.5
        painter.drawRoundedRect(QRectF(x - 4, y - 11, 8, 6), 1.5, 1.5)
        painter.drawEllipse(QPointF(x, y - 8), 1.2, 1.2)


def paint_axis(painter: QPainter, plot: QRect, scale: Scale, ticks: Ticks) -> None:
    """The line under the lanes with its ticks, and at the left what their labels leave unsaid."""
    current, metrics = theme(), QFontMetrics(fonts.ui(11))
    painter.setFont(fonts.ui(11))
    y = plot.bottom() + 1.5
    painter.setPen(QPen(current.color("border"), 1))
    painter.drawLine(QPointF(plot.x(), y), QPointF(plot.right(), y))
    free, beyond = float(plot.x()), plot.right() + RIGHT - 2.0
    for tick in ticks.ticks:
        x = round(plot.x() + scale.pixel(tick.value)) + 0.5
        width = metrics.horizontalAdvance(tick.label)
        left = min(x - width / 2, beyond - width)
        painter.setPen(QPen(current.color("strong"), 1))
        painter.drawLine(QPointF(x, y), QPointF(x, y + 4))
        if left >= free:
            painter.setPen(current.color("text" if tick.is_major else "third"))
            painter.drawText(QPointF(left, plot.bottom() + 18), tick.label)
            free = left + width + 8
    painter.setPen(current.color("third"))
    _caption(painter, plot.bottom() + 2, 20, ticks.context)


def paint_minimap(painter: QPainter, drawing: Drawing, strip: QRect) -> None:
    """The whole stream: its density over time, or, where events are evenly spaced, its lanes in small."""
    axis = drawing.placement.axis
    painter.setFont(fonts.ui(11))
    painter.setPen(theme().color("third"))
    _caption(painter, strip.y(), strip.height(), "whole stream")
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    if axis.smallest > 4:
        _paint_density(painter, axis, strip)
    else:
        _paint_small_lanes(painter, drawing, strip)
    painter.restore()


def _paint_density(painter: QPainter, axis: Axis, strip: QRect) -> None:
    whole = axis.fit(strip.width())
    columns = max(1, strip.width() // 5)
    heights = np.rint(bars(density(axis.ordered, whole.start, whole.end, columns), strip.height() - 4)).tolist()
    colour = theme().color("accent")
    colour.setAlphaF(0.4)
    painter.setBrush(colour)
    painter.drawRects(
        [
            QRectF(strip.x() + column * 5, strip.bottom() + 1 - height, 4, height)
            for column, height in enumerate(heights)
            if height
        ]
    )


def _paint_small_lanes(painter: QPainter, drawing: Drawing, strip: QRect) -> None:
    axis, lanes = drawing.placement.axis, drawing.lanes
    row = max(1.0, (strip.height() - 4) / max(len(lanes), 1))
    height = min(max(1.0, float(int(row))), 3.0)
    pixels = axis.fit(strip.width()).to_pixel(axis.values)
    found = merge(pixels, lanes.lane_of_event, strip.width(), _COLUMN)
    for lane in np.unique(found.lanes).tolist():
        y = round(strip.y() + 2 + lane * row)
        if y > strip.bottom() - 1:
            break
        colour = theme().lane(lanes.types[lane])
        colour.setAlphaF(0.75)
        painter.setBrush(colour)
        columns = found.columns[found.lanes == lane].tolist()
        painter.drawRects([QRectF(strip.x() + column * _COLUMN, y, _COLUMN, height) for column in columns])


def paint_halo(painter: QPainter, x: float, y: float, colour: QColor) -> None:
    """What sets the event under the playhead off from its neighbours."""
    faint = QColor(colour)
    faint.setAlphaF(0.25)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(faint)
    painter.drawEllipse(QPointF(x, y), MARK, MARK)


def paint_handle(painter: QPainter, x: float, text: str, beyond: float) -> None:
    """The handle at the top of the playhead, with the version on it; stays left of ``beyond``."""
    current, metrics = theme(), QFontMetrics(fonts.ui(11, 600))
    width = max(22, metrics.horizontalAdvance(text) + 12)
    left = min(max(x - width / 2, LABELS - width / 2), beyond - width)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(current.color("accent"))
    painter.drawRoundedRect(QRectF(left, 2, width, 17), 5, 5)
    painter.drawPolygon(QPolygonF([QPointF(x - 4, 18), QPointF(x + 4, 18), QPointF(x, 23)]))
    painter.setFont(fonts.ui(11, 600))
    painter.setPen(current.color("on_accent"))
    painter.drawText(QRectF(left, 2, width, 17), int(Qt.AlignmentFlag.AlignCenter), text)


def _caption(painter: QPainter, y: float, height: float, text: str) -> None:
    align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignAbsolute
    painter.drawText(QRectF(12, y, LABELS - 24, height), int(align), text)
