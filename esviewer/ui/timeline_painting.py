"""The layers of the timeline's picture: lanes and marks, axis, minimap. What they show is decided in ``timeline``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap, QPolygonF

from esviewer.timeline.axis import Axis
from esviewer.timeline.columns import Crowd, counts_between
from esviewer.timeline.lanes import LaneLayout, Lanes, Merged, bars, merge
from esviewer.timeline.marks import UNDECODABLE, Marks, short_name
from esviewer.timeline.placement import MANY, MARK, Placement
from esviewer.timeline.scale import Scale
from esviewer.timeline.ticks import Ticks
from esviewer.ui import fonts
from esviewer.ui.axis_model import LABELS, RIGHT
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import theme
from esviewer.ui.timeline_layers import bar_image, premultiplied

DIMMED: Final = 0.38
"""Opacity of what lies after the playhead."""
LEFT_OUT: Final = 0.22
"""Opacity of what a filter leaves out: fainter than what lies after the playhead."""
BAR: Final = 3
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
    crowd: Callable[[], Crowd]
    """The lanes for counting, made when they are first needed."""
    passes: NDArray[np.bool_] | None = None
    """Which events a filter lets through, all for ``None``."""
    left_out: float = 0.0
    """Opacity of what the filter leaves out."""
    statuses: NDArray[np.uint8] | None = None
    """What a catalogue makes of each event, a code for each; ``None`` without one."""

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

    def chosen(self, which: NDArray[np.bool_]) -> _Events:
        return _Events(self.indexes[which], self.pixels[which], self.lanes[which])


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
        self.drawing = drawing
        self._stamps: dict[tuple[str, int, bool], QPixmap] = {}
        spacing = drawing.placement.scale.pixels_per_unit
        is_tight = drawing.placement.axis.smallest <= 4 and spacing < MARK + 2
        self._size = min(max(6.5, spacing - 2), float(MARK)) if is_tight else float(MARK)
        self._crowded = self._find_crowded()

    def paint(self, painter: QPainter, dimmed_after: int | None) -> None:
        """Bars and marks in sight; those after ``dimmed_after`` in the stream dimmed one by one, none for ``None``."""
        self._paint_bars(painter, dimmed_after)
        for events, opacity in self._by_filter(self._single_events()):
            painter.setOpacity(opacity)
            unreadable = (self.drawing.marks.flags[events.indexes] & UNDECODABLE).astype(np.bool_)
            guessed = self.drawing.placement.axis.untimed[events.indexes]
            self._stamp_all(painter, "mark", events.chosen(~unreadable), dimmed_after)
            self._stamp_all(painter, "untimed", events.chosen(guessed), dimmed_after)

    def _by_filter(self, events: _Events) -> list[tuple[_Events, float]]:
        """Events with their opacity: what the filter leaves out lies beneath what it lets through."""
        passes = self.drawing.passes
        if passes is None:
            return [(events, 1.0)]
        inside = passes[events.indexes]
        return [(events.chosen(~inside), self.drawing.left_out), (events.chosen(inside), 1.0)]

    def paint_flags(self, painter: QPainter) -> None:
        """Crosses for the events that cannot be read: on top of any crowd, and never dimmed."""
        drawing = self.drawing
        if drawing.placement.is_dense:
            indexes = drawing.crowd().unreadable
        else:
            indexes = drawing.placement.indexes
            indexes = indexes[(drawing.marks.flags[indexes] & UNDECODABLE).astype(np.bool_)]
        lanes = drawing.lanes_of(indexes)
        events = _Events(indexes, drawing.placement.pixels_of(indexes), lanes)
        self._stamp_all(painter, "undecodable", events.chosen(self._in_sight(lanes)))

    def is_crowded(self, lane: int) -> bool:
        """Whether a lane has more events in sight than marks can show, and therefore bars."""
        return lane in self._crowded

    def _find_crowded(self) -> set[int]:
        placement, layout = self.drawing.placement, self.drawing.layout
        if placement.is_dense:
            ends = self._ends()
            counts = {lane: self.drawing.crowd().count(lane, *ends) for lane in layout.visible()}
        else:
            lanes = self.drawing.lanes_of(placement.indexes)
            found = np.bincount(lanes, minlength=layout.count).tolist()
            counts = {lane: found[lane] for lane in layout.visible()}
        return {lane for lane, count in counts.items() if count * _CROWD > placement.scale.width}

    def _ends(self) -> tuple[float, float]:
        """The values between which marks are in sight, be it half."""
        scale = self.drawing.placement.scale
        return scale.to_value(-MARK), scale.to_value(scale.width + MARK)

    def _in_sight(self, lanes: NDArray[np.int64]) -> NDArray[np.bool_]:
        visible = self.drawing.layout.visible()
        return (lanes >= visible.start) & (lanes < visible.stop)

    def _single_events(self) -> _Events:
        """The events in sight that are drawn as marks."""
        drawing, placement = self.drawing, self.drawing.placement
        if not placement.is_dense:
            indexes = placement.indexes
            lanes = drawing.lanes_of(indexes)
            is_mark = self._in_sight(lanes) & ~np.isin(lanes, list(self._crowded))
            return _Events(indexes, placement.pixels, lanes).chosen(is_mark)
        ends, visible = self._ends(), drawing.layout.visible()
        found = [drawing.crowd().in_sight(lane, *ends) for lane in visible if lane not in self._crowded]
        indexes = np.concatenate([*found, np.empty(0, np.int64)])
        return _Events(indexes, placement.pixels_of(indexes), drawing.lanes_of(indexes))

    def _bars(self) -> tuple[Merged, NDArray[np.int64]]:
        """What the bars stand for, and the first event of each."""
        drawing, placement = self.drawing, self.drawing.placement
        if placement.is_dense:
            return drawing.crowd().merged(sorted(self._crowded), placement.scale, BAR)
        indexes = placement.indexes
        lanes = drawing.lanes_of(indexes)
        events = _Events(indexes, placement.pixels, lanes).chosen(np.isin(lanes, list(self._crowded)))
        found = merge(events.pixels, events.lanes, placement.scale.width, BAR)
        return found, events.indexes[found.first]

    def _paint_bars(self, painter: QPainter, dimmed_after: int | None) -> None:
        """Bars for each column and lane, the higher the more events they stand for, alike in all lanes."""
        if not self._crowded:
            return
        found, firsts = self._bars()
        most = int(found.counts.max(initial=0))
        is_filtered = self.drawing.passes is not None
        painter.setOpacity(self.drawing.left_out if is_filtered else 1.0)
        self._paint_found(painter, found, _later(firsts, dimmed_after), most)
        painter.setOpacity(1.0)
        if is_filtered:
            found, firsts = self._passing_bars()
            self._paint_found(painter, found, _later(firsts, dimmed_after), most)

    def _passing_bars(self) -> tuple[Merged, NDArray[np.int64]]:
        """As :meth:`_bars`, of the events that the filter lets through."""
        drawing, placement = self.drawing, self.drawing.placement
        indexes = placement.indexes
        indexes = indexes if drawing.passes is None else indexes[drawing.passes[indexes]]
        lanes = drawing.lanes_of(indexes)
        events = _Events(indexes, placement.pixels_of(indexes), lanes).chosen(np.isin(lanes, list(self._crowded)))
        found = merge(events.pixels, events.lanes, placement.scale.width, BAR)
        return found, events.indexes[found.first]

    def _paint_found(self, painter: QPainter, found: Merged, dim: NDArray[np.bool_], most: int) -> None:
        """Bars whose height is to that of the highest as their count to ``most``, by square root."""
        drawing = self.drawing
        heights = bars(np.append(found.counts, most), drawing.layout.lane_height - 10, 3.0)[:-1]
        halves = np.rint(heights / 2)
        columns, height = int(drawing.placement.scale.width // BAR) + 1, int(drawing.layout.lane_height) // 2 * 2
        for lane in sorted(self._crowded):
            colour = theme().color("second") if drawing.layout.is_shared else theme().lane(drawing.lanes.types[lane])
            bright, dimmed = (premultiplied(colour, opacity) for opacity in (0.85, 0.85 * DIMMED))
            own = slice(*np.searchsorted(found.lanes, [lane, lane + 1]))
            high, colours = np.zeros(columns), np.zeros(columns, np.uint32)
            high[found.columns[own]] = halves[own]
            colours[found.columns[own]] = np.where(dim[own], np.uint32(dimmed), np.uint32(bright))
            painter.drawImage(LABELS, round(drawing.lane_y(lane)) - height // 2, bar_image(high, colours, height, BAR))

    def _stamp_all(self, painter: QPainter, kind: str, events: _Events, dimmed_after: int | None = None) -> None:
        """One stamp for each event, or for those of a lane that would cover each other."""
        if not len(events.indexes):
            return
        drawing, ratio = self.drawing, self.drawing.ratio
        # Half a mark outside still shows.
        found = merge(events.pixels + MARK, events.lanes, drawing.placement.scale.width + 2 * MARK, _MERGED)
        indexes, half = events.indexes[found.first], self._stamp(kind, 0, False).width() / ratio / 2
        heights = np.array([drawing.lane_y(lane) for lane in range(drawing.layout.count)])
        # On whole device pixels, or the stamps would blur.
        lefts = np.rint((LABELS + events.pixels[found.first] - half) * ratio) / ratio
        tops = np.rint((heights[found.lanes] - half) * ratio) / ratio
        types, dim = drawing.marks.types[indexes], _later(indexes, dimmed_after)
        for ordinal, left, top, is_dim in zip(types.tolist(), lefts.tolist(), tops.tolist(), dim.tolist(), strict=True):
            painter.drawPixmap(QPointF(left, top), self._stamp(kind, ordinal, is_dim))

    def _stamp(self, kind: str, ordinal: int, is_dim: bool) -> QPixmap:
        key = (kind, ordinal if kind == "mark" else -1, is_dim)
        stamp = self._stamps.get(key)
        if stamp is None:
            stamp = self._stamps[key] = self._cut(*key)
        return stamp

    def _cut(self, kind: str, ordinal: int, is_dim: bool) -> QPixmap:
        side, ratio, current = 2 * MARK, self.drawing.ratio, theme()
        stamp = QPixmap(round(side * ratio), round(side * ratio))
        stamp.setDevicePixelRatio(ratio)
        stamp.fill(Qt.GlobalColor.transparent)
        with QPainter(stamp) as painter:
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
    beyond, taken = plot.right() + RIGHT - 2.0, list[tuple[float, float]]()
    # Those that tell most first; of the others, what finds room between them.
    for tick in sorted(ticks.ticks, key=lambda tick: not tick.is_major):
        x = round(plot.x() + scale.pixel(tick.value)) + 0.5
        width = metrics.horizontalAdvance(tick.label)
        left = min(max(x - width / 2, plot.x() - 8.0), beyond - width)
        painter.setPen(QPen(current.color("strong"), 1))
        painter.drawLine(QPointF(x, y), QPointF(x, y + 4))
        if all(left + width + 8 <= start or end + 8 <= left for start, end in taken):
            painter.setPen(current.color("text" if tick.is_major else "third"))
            painter.drawText(QPointF(left, plot.bottom() + 18), tick.label)
            taken.append((left, left + width))
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
    borders = whole.to_values(np.linspace(0.0, whole.width, columns + 1))
    heights = np.rint(bars(counts_between(axis.ordered, borders), strip.height() - 4)).tolist()
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
    shown = [lane for lane in range(len(lanes)) if round(strip.y() + 2 + lane * row) <= strip.bottom() - 1]
    scale = axis.fit(strip.width())
    if len(axis) > MANY and not drawing.layout.is_shared:
        found, _ = drawing.crowd().merged(shown, scale, BAR)
    else:
        found = merge(scale.to_pixel(axis.values), lanes.lane_of_event, strip.width(), BAR)
    for lane in shown:
        y = round(strip.y() + 2 + lane * row)
        colour = theme().lane(lanes.types[lane])
        colour.setAlphaF(0.75)
        painter.setBrush(colour)
        columns = found.columns[found.lanes == lane].tolist()
        painter.drawRects([QRectF(strip.x() + column * BAR, y, BAR, height) for column in columns])


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
