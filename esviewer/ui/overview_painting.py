"""Paints a frame of the history: all events as bars, consumers as flags, lanes as density or as single marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen, QPixmap, QPixmapCache, QPolygonF

from esviewer.timeline.density_marks import Flag
from esviewer.timeline.scale import Scale
from esviewer.timeline.ticks import Tick, grouped, nice_step, time_ticks
from esviewer.ui import fonts
from esviewer.ui.marks import draw_mark
from esviewer.ui.overview_frame import Frame, LaneLook
from esviewer.ui.theme import theme
from esviewer.ui.zone import zone

LANE: Final = 26
LABEL: Final = 224
RIGHT: Final = 22
TOTAL: Final = 50
AXIS: Final = 24
FLAGS: Final = 20
TICKS: Final = 22
_BAR: Final = 5
_MARK: Final = 8
_SIDE: Final = 16
"""Pixels of the square that a mark is drawn in."""
_MANY: Final = 14
_HEAD: Final = 32
"""Pixels below which the first half of a name says nothing."""
_FEW: Final = 20
"""Events in sight from which on a curve of growth says anything."""
_LEFT: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_END: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are, in pixels of a widget of some width."""

    width: int
    lanes: int
    has_flags: bool
    has_ticks: bool = False

    @property
    def plot_width(self) -> int:
        return max(40, self.width - LABEL - RIGHT)

    @property
    def total(self) -> QRect:
        """The strip of all events."""
        return QRect(LABEL, 6, self.plot_width, TOTAL - 8)

    @property
    def axis(self) -> int:
        """The line that the ticks hang from."""
        return TOTAL

    @property
    def flags(self) -> QRect:
        """The row of consumers, empty where there are none."""
        return QRect(LABEL, TOTAL + AXIS, self.plot_width, FLAGS if self.has_flags else 0)

    @property
    def top(self) -> int:
        """Where the first lane begins."""
        return TOTAL + AXIS + (FLAGS + 2 if self.has_flags else 0) + (TICKS + 2 if self.has_ticks else 0)

    @property
    def ticks(self) -> QRect:
        """The strip of flagged events, empty where there are none."""
        height = TICKS if self.has_ticks else 0
        return QRect(LABEL, self.top - height - (2 if height else 0), self.plot_width, height)

    @property
    def height(self) -> int:
        return self.bottom + (AXIS if self.has_foot else 0) + 6

    @property
    def bottom(self) -> int:
        """Where the lanes end."""
        return self.top + LANE * max(1, self.lanes)

    @property
    def has_foot(self) -> bool:
        """Whether the axis is repeated below, as what is above may have been scrolled away."""
        return self.lanes > _MANY

    def lane(self, number: int) -> QRect:
        """The plot of one lane."""
        return QRect(LABEL, self.top + number * LANE, self.plot_width, LANE)

    def lane_at(self, y: int) -> int | None:
        """The lane at a height."""
        number = (y - self.top) // LANE
        return number if 0 <= number < self.lanes else None


def paint_history(painter: QPainter, frame: Frame, layout: Layout, ratio: float) -> None:
    """Everything but flags, brush and what follows the mouse."""
    ticks = _ticks(frame)
    for number in range(0, layout.lanes, 2):
        painter.fillRect(QRect(0, layout.lane(number).y(), layout.width, LANE), theme().color("sunken"))
    _paint_total(painter, frame, layout)
    if not frame.sight.is_whole:
        _paint_share(painter, frame, layout)
    _paint_axis(painter, ticks, frame, layout)
    _paint_labels(painter, frame, layout, ratio)
    if frame.is_single:
        _paint_marks(painter, frame, layout, ratio)
    else:
        _paint_strips(painter, frame, layout)


def _paint_total(painter: QPainter, frame: Frame, layout: Layout) -> None:
    area = layout.total
    painter.setFont(fonts.ui(13))
    painter.setPen(theme().color("text"))
    text = QRect(30, area.y(), LABEL - 44, area.height())
    painter.drawText(text, _LEFT, "All events")
    painter.setPen(theme().color("second"))
    painter.setFont(fonts.ui(12))
    painter.drawText(text, _END, grouped(frame.count))
    painter.drawImage(area, bars(np.diff(frame.ranks), area.height(), _BAR * frame.columns // frame.width))
    if frame.count > _FEW:
        _paint_curve(painter, frame, area)


def bars(counts: NDArray[np.int64], height: int, width: int) -> QImage:
    """Columns' counts as bars ``width`` columns wide with a gap between, as an image of as many columns."""
    colour = theme().color("accent")
    colour.setAlphaF(0.45)
    places = np.arange(0, len(counts), width)
    # The last bar may be narrower; it is as high as if it were not.
    sums = np.add.reduceat(counts, places) * (width / np.diff(np.append(places, len(counts))))
    heights = np.where(sums > 0, np.maximum(np.rint(sums * (height / max(float(sums.max()), 1.0))), 2), 0)
    by_column = np.repeat(heights, width)[: len(counts)]
    by_column[width - 1 :: width] = 0
    is_filled = by_column >= np.arange(height, 0, -1)[:, None]
    return _image(np.where(is_filled, np.uint32(colour.rgba()), np.uint32(0)))


def _image(pixels: NDArray[np.uint32]) -> QImage:
    """An image of its own from ARGB values."""
    height, width = pixels.shape
    # Made of numpy's bytes it only borrows them; a copy owns its own.
    return QImage(np.ascontiguousarray(pixels).data, width, height, width * 4, QImage.Format.Format_ARGB32).copy()


def _paint_share(painter: QPainter, frame: Frame, layout: Layout) -> None:
    """A thin bar for the whole history, and on it what is in sight."""
    sight, width = frame.sight, layout.plot_width
    whole = sight.upper - sight.lower
    left = (sight.start - sight.lower) * width // whole
    wide = max(3, sight.span * width // whole)
    painter.fillRect(QRect(LABEL, 0, width, 3), theme().color("border"))
    painter.fillRect(QRect(LABEL + min(left, width - 3), 0, wide, 3), theme().color("accent"))


def _paint_curve(painter: QPainter, frame: Frame, area: QRect) -> None:
    """How many events there were so far: from none in sight at the bottom to all in sight at the top."""
    places = np.linspace(0, frame.columns, min(frame.columns, 120) + 1).astype(np.int64)
    so_far = (frame.ranks[places] - frame.first) / frame.count
    x = area.x() + places * (area.width() / frame.columns)
    y = area.bottom() - so_far * (area.height() - 2)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme().color("second"), 1.25))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([QPointF(*point) for point in zip(x.tolist(), y.tolist(), strict=True)]))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _paint_labels(painter: QPainter, frame: Frame, layout: Layout, ratio: float) -> None:
    """The lanes' marks, numbers in sight and names; one face after the other, since changing it takes time."""
    numbers = [grouped(count) for count in frame.in_lanes.tolist()]
    small = fonts.ui(12)
    widest = QFontMetrics(small).horizontalAdvance(max(numbers, key=len, default=""))
    tones = {some: theme().color("second" if some else "third") for some in (True, False)}
    painter.setFont(small)
    for number, text in enumerate(numbers):
        y = layout.top + number * LANE
        painter.drawPixmap(
            QPointF(18 - _SIDE / 2, y + (LANE - _SIDE) / 2 + 0.5), _mark(frame.looks[number], _MARK, ratio)
        )
        painter.setPen(tones[text != "0"])
        painter.drawText(QRect(30, y, LABEL - 44, LANE), _END, text)
    tones[True] = theme().color("text")
    painter.setFont(fonts.ui(13))
    # In steps, so that names need not be fitted anew whenever a number changes.
    room = (LABEL - 52 - widest) // 4 * 4
    for number, look in enumerate(frame.looks):
        painter.setPen(tones[numbers[number] != "0"])
        painter.drawText(QRect(30, layout.top + number * LANE, room, LANE), _LEFT, _fitted(look.label, room))


@lru_cache(1_000)
def _fitted(label: str, room: int) -> str:
    """A label that fits: ``PurchaseOrder.Drafted`` as ``Purchase….Drafted``, since the end tells it from others."""
    metrics = QFontMetrics(fonts.ui(13))
    if metrics.horizontalAdvance(label) > room and "." in label:
        head, _, tail = label.rpartition(".")
        left = room - metrics.horizontalAdvance(f".{tail}")
        head = metrics.elidedText(head, Qt.TextElideMode.ElideRight, left) if left >= _HEAD else "…"
        label = f"{head}.{tail}"
    return metrics.elidedText(label, Qt.TextElideMode.ElideMiddle, room)


def lane_colour(look: LaneLook) -> QColor:
    """The colour of a lane; what stands for no one kind is grey."""
    return theme().color("third") if look.number < 0 else theme().lane(look.number)


# Density


def _paint_strips(painter: QPainter, frame: Frame, layout: Layout) -> None:
    """All lanes as one image of a pixel's height each, stretched where they stand."""
    image = strips(frame.counts, [lane_colour(look) for look in frame.looks])
    for number in range(layout.lanes):
        area = layout.lane(number)
        painter.drawImage(
            QRect(area.x(), area.y() + 7, area.width(), LANE - 14), image, QRect(0, number, frame.columns, 1)
        )


def strips(counts: NDArray[np.int64], colours: Sequence[QColor]) -> QImage:
    """Lanes as rows of an image, a column a pixel, more opaque where more of the lane's events are."""
    top = np.maximum(counts.max(axis=1, initial=1), 1).astype(np.float32)
    # The root: one event among hundreds is to be seen, and so is a half among wholes.
    share = np.sqrt(counts.astype(np.float32) / top[:, None]) * np.float32(0.72) + np.float32(0.28)
    share[counts == 0] = 0.0
    # Single pixels are hard to see: an event is two wide, the second fainter.
    np.maximum(share[:, 1:], share[:, :-1].copy() * np.float32(0.6), out=share[:, 1:])
    alpha = (share * 255).astype(np.uint32)
    tint = np.asarray([colour.rgb() & 0xFFFFFF for colour in colours], np.uint32)
    return _image((alpha << np.uint32(24)) | tint[:, None])


# Single marks


def _paint_marks(painter: QPainter, frame: Frame, layout: Layout, ratio: float) -> None:
    painter.setPen(theme().color("border"))
    for number in range(layout.lanes):
        area = layout.lane(number)
        painter.drawLine(area.x(), area.center().y() + 1, area.right(), area.center().y() + 1)
    marks = frame.marks
    kept: dict[tuple[int, bool], QPixmap] = {}
    font = fonts.ui(11)
    metrics = QFontMetrics(font)
    painter.setFont(font)
    half = _SIDE / 2
    room = _room(marks.lane, marks.x)
    # Larger where several stand at one place, but not within a crowd, where sizes only make noise.
    is_large = (marks.count > 1) & (room > _SIDE) & (np.roll(room, 1) > _SIDE)
    columns = (marks.lane, marks.x, marks.count, room, is_large)
    for lane, x, count, free, large in zip(*(column.tolist() for column in columns), strict=True):
        picture = kept.get((lane, large))
        if picture is None:
            picture = kept[(lane, large)] = _mark(frame.looks[lane], 11 if large else _MARK, ratio)
        y = layout.top + lane * LANE + LANE / 2
        painter.drawPixmap(QPointF(LABEL + x - half, y - half + 0.5), picture)
        if count > 1 and free > _SIDE:
            text = grouped(count)
            if metrics.horizontalAdvance(text) + 16 < free:
                painter.setPen(theme().color("second"))
                painter.drawText(QPointF(LABEL + x + 9, y + 4.5), text)


def _room(lanes: NDArray[np.int64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels from each mark to the next of its lane; many where it is the last."""
    room = np.full(len(x), 1e6)
    room[:-1] = np.where(lanes[1:] == lanes[:-1], x[1:] - x[:-1], 1e6)
    return room


def _mark(look: LaneLook, side: float, ratio: float) -> QPixmap:
    """The mark of a lane as a picture, kept by Qt for the next time: shapes take their time."""
    colour = lane_colour(look)
    shape = theme().lane_shape(max(look.number, 0))
    key = f"esviewer/overview/{shape}/{colour.rgba():x}/{side}@{ratio}"
    kept = QPixmap()
    if QPixmapCache.find(key, kept):
        return kept
    picture = QPixmap(round(_SIDE * ratio), round(_SIDE * ratio))
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    draw_mark(painter, shape, _SIDE / 2, _SIDE / 2, side, colour)
    painter.end()
    QPixmapCache.insert(key, picture)
    return picture


def paint_ring(painter: QPainter, x: float, y: float, *, strong: bool) -> None:
    """A ring around the mark under the mouse, or around the chosen one."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme().color("accent" if strong else "second"), 2 if strong else 1.5))
    painter.drawEllipse(QPointF(x, y), 8.0, 8.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


# The axis


def _ticks(frame: Frame) -> tuple[Tick, ...]:
    metrics = QFontMetrics(fonts.ui(11))
    start, span, width = frame.sight.start, frame.sight.span, frame.width
    if frame.picture.axis == "time":
        return time_ticks(start, Scale(0, max(1, span), width), metrics.averageCharWidth(), zone()).ticks
    room = metrics.horizontalAdvance(grouped(frame.sight.end)) + 24
    step = nice_step(room * span / width)
    return tuple(
        Tick(place - start, grouped(place)) for place in range(-(-start // step) * step, frame.sight.end + 1, step)
    )


def _paint_axis(painter: QPainter, ticks: Sequence[Tick], frame: Frame, layout: Layout) -> None:
    metrics = QFontMetrics(fonts.ui(11))
    painter.setFont(fonts.ui(11))
    border, major, minor = theme().color("border"), theme().color("text"), theme().color("second")
    right = LABEL + layout.plot_width
    axes = (layout.axis, layout.bottom) if layout.has_foot else (layout.axis,)
    painter.setPen(border)
    for y in axes:
        painter.drawLine(LABEL, y, right, y)
    for tick in ticks:
        x = LABEL + round(tick.value * frame.width / max(frame.sight.span, 1))
        width = metrics.horizontalAdvance(tick.label)
        left = min(max(LABEL, x - width // 2), right - width)
        painter.setPen(border)
        painter.drawLine(x, layout.top, x, layout.bottom)
        for y in axes:
            painter.setPen(border)
            painter.drawLine(x, y, x, y + 5)
            painter.setPen(major if tick.is_major else minor)
            painter.drawText(QPoint(left, y + 18), tick.label)


# Consumers


def paint_flags(
    painter: QPainter, flags: Sequence[Flag], texts: Sequence[str], late: Sequence[bool], layout: Layout
) -> None:
    """Each flag with a line through all lanes; in the colour of a warning where one is behind."""
    painter.setFont(fonts.ui(11))
    area = layout.flags
    bottom = layout.bottom
    for flag, text in zip(flags, texts, strict=True):
        tone = "changed" if any(late[member] for member in flag.members) else "added"
        colour = theme().color(tone)
        x = area.x() + round(flag.x)
        line = QColor(colour)
        line.setAlphaF(0.6)
        painter.setPen(QPen(line, 1, Qt.PenStyle.DashLine))
        painter.drawLine(x, area.y() + 4, x, bottom)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        side = -1 if flag.label_at is not None and flag.label_at < flag.x else 1
        top = area.y() + 4
        painter.drawPolygon(QPolygonF([QPointF(x, top), QPointF(x + side * 7, top + 5), QPointF(x, top + 10)]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if flag.label_at is not None:
            painter.setPen(colour)
            room = QRectF(x + 10, area.y(), 600, FLAGS) if side > 0 else QRectF(x - 610, area.y(), 600, FLAGS)
            painter.drawText(room, _LEFT if side > 0 else _END, text)


def paint_brush(painter: QPainter, left: int, right: int, text: str, layout: Layout) -> None:
    """The range that is being drawn with the mouse, and what lies in it."""
    shade = theme().color("accent")
    shade.setAlphaF(0.16)
    bottom = layout.bottom
    painter.fillRect(QRect(left, 0, right - left, bottom), shade)
    painter.setPen(theme().color("accent"))
    painter.drawLine(left, 0, left, bottom)
    painter.drawLine(right, 0, right, bottom)
    painter.setFont(fonts.ui(12))
    wide = QFontMetrics(fonts.ui(12)).horizontalAdvance(text) + 16
    x = min(max(LABEL, (left + right - wide) // 2), LABEL + layout.plot_width - wide)
    painter.setPen(theme().color("strong"))
    painter.setBrush(theme().color("raised"))
    painter.drawRect(QRect(x, 8, wide, 24))
    painter.setPen(theme().color("text"))
    painter.drawText(QRect(x, 8, wide, 24), int(Qt.AlignmentFlag.AlignCenter), text)
