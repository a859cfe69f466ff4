"""The history of a whole store: a lane a type or category, as density, or event by event where few are in sight."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from esviewer.timeline.density_marks import Flag
from esviewer.timeline.density_range import Sight
from esviewer.ui import fonts
from esviewer.ui.catalogue_facts import Ticks
from esviewer.ui.catalogue_strip import FlagStrip
from esviewer.ui.overview_data import Picture, Stand
from esviewer.ui.overview_frame import Frame, LaneLook
from esviewer.ui.overview_hover import Hover
from esviewer.ui.overview_painting import (
    LABEL,
    LANE,
    Layout,
    paint_brush,
    paint_flags,
    paint_history,
    paint_ring,
)
from esviewer.ui.overview_stands import flag_text, flags_of
from esviewer.ui.overview_words import duration, events
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.words import one_line

_REACH = 7.0
"""Pixels from a mark within which it is meant."""
_CLICK = 4
"""Pixels that a click may move."""
_MENU = 20
"""Events of one place that are offered to choose from."""
_NOTCH = 120.0
_AROUND = 1_800_000_000
"""µs in sight on either side where all events are at one time."""
_PANS: Final[dict[int, float]] = {Qt.Key.Key_Left: -0.2, Qt.Key.Key_A: -0.2, Qt.Key.Key_Right: 0.2, Qt.Key.Key_D: 0.2}
_ZOOMS: Final[dict[int, float]] = {
    Qt.Key.Key_Plus: 1.5, Qt.Key.Key_Equal: 1.5, Qt.Key.Key_W: 1.5, Qt.Key.Key_Minus: 1 / 1.5, Qt.Key.Key_S: 1 / 1.5,
}  # fmt: skip

Describe = Callable[[int], str]


class DensityView(QWidget):
    """Drag shows a range, Ctrl+wheel zooms, Shift+drag pans, Home shows everything, Backspace leads back.

    Where few events are in sight each is a mark: click it, or walk with , and . and press Enter.
    """

    lane_activated = Signal(str)
    row_wanted = Signal(int)
    """A row of the index."""
    flag_activated = Signal(object)
    """The strip of flagged events was clicked: at a value on the axis, or (``None``) on its label."""
    sight_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Events over time")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._picture: Picture | None = None
        self._looks: tuple[LaneLook, ...] = ()
        self._stands: tuple[Stand, ...] = ()
        self._nothing = ""
        self._sights: dict[str, Sight] = {}
        self._frame: Frame | None = None
        self._painted: QPixmap | None = None
        self._pressed: QPoint | None = None
        self._panning: tuple[int, Sight] | None = None
        self._brush: tuple[int, int] | None = None
        self._mouse: QPoint | None = None
        self._chosen: int | None = None
        self.strip = FlagStrip()
        self._describe: Describe = str
        self._short: Describe = str
        signals().changed.connect(self._repaint)

    # What is shown

    def show_picture(self, picture: Picture, looks: Sequence[LaneLook], stands: Sequence[Stand]) -> None:
        """Shows a history; what is in sight stays in sight, unless all was and it has grown."""
        values = picture.ordered.values
        if self._picture is None or self._picture.axis != picture.axis:
            self._chosen = None
        self._picture, self._looks = picture, tuple(looks)
        self._stands = tuple(stand for stand in stands if stand.value is not None)
        if len(values):
            lower, upper = int(values[0]), int(values[-1])
            if lower == upper:
                around = _AROUND if picture.axis == "time" else 5
                lower, upper = lower - around, upper + around
            known = self._sights.get(picture.axis)
            smallest = 1_000 if picture.axis == "time" else 10
            self._sights[picture.axis] = (
                Sight.of(lower, upper, smallest) if known is None else known.grown(lower, upper)
            )
        self.setFixedHeight(self.sizeHint().height())
        self._repaint()
        self.sight_changed.emit()

    def set_ticks(self, ticks: Mapping[str, Ticks]) -> None:
        """Shows where flagged events stand, by axis; nothing where there are none."""
        if ticks is not self.strip.ticks:
            self.strip.ticks = ticks
            self.setFixedHeight(self.sizeHint().height())
            self._repaint()

    def set_nothing(self, sentence: str) -> None:
        """What to say where there is nothing to draw."""
        self._nothing = sentence
        self.update()

    def set_descriptions(self, whole: Describe, short: Describe) -> None:
        """How an event is described by its row: in lines for hovering, in one for a menu."""
        self._describe, self._short = whole, short

    @property
    def sight(self) -> Sight | None:
        """What is in sight; ``None`` where there is nothing."""
        picture = self._picture
        return None if picture is None or not len(picture.ordered) else self._sights.get(picture.axis)

    @property
    def frame(self) -> Frame | None:
        """The numbers of what is painted; made anew when something changed."""
        sight, picture = self.sight, self._picture
        if sight is None or picture is None:
            return None
        layout = self.lanes_layout
        columns = max(1, round(layout.plot_width * self.devicePixelRatioF()))
        wanted = Frame(picture, sight, self._looks, layout.plot_width, columns)
        if self._frame is None or not _is_same(self._frame, wanted):
            self._frame = wanted
        return self._frame

    @property
    def lanes_layout(self) -> Layout:
        """Where things are."""
        is_flagged = self._picture is not None and self.strip.is_there(self._picture.axis)
        return Layout(self.width(), len(self._looks), bool(self._stands), is_flagged)

    @property
    def count(self) -> int:
        """Events in sight."""
        frame = self.frame
        return 0 if frame is None else frame.count

    def sizeHint(self) -> QSize:
        return QSize(640, self.lanes_layout.height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._repaint()
        super().resizeEvent(event)

    def _repaint(self) -> None:
        self._painted = None
        self.update()

    # Moving

    def set_sight(self, sight: Sight) -> None:
        """Shows another part of the history."""
        picture = self._picture
        if picture is not None and sight != self._sights.get(picture.axis):
            self._sights[picture.axis] = sight
            self._repaint()
            self.sight_changed.emit()

    def everything(self) -> None:
        """Shows everything."""
        if self.sight is not None:
            self.set_sight(self.sight.everything())

    def back(self) -> None:
        """Shows what was in sight before."""
        if self.sight is not None:
            self.set_sight(self.sight.back())

    def zoom(self, factor: float, share: float = 0.5) -> None:
        """Shows ``factor`` times more detail about a share of the width."""
        if self.sight is not None:
            self.set_sight(self.sight.zoomed(share, factor))

    def pan(self, share: float) -> None:
        """Moves by a share of the width towards later events."""
        if self.sight is not None:
            self.set_sight(self.sight.panned(share))

    def choose_next(self, step: int) -> None:
        """Chooses the next (1) or previous (-1) event of those in sight, moving along where it is out of sight."""
        frame, picture = self.frame, self._picture
        if frame is None or picture is None or not frame.is_single:
            return
        if self._chosen is None or not frame.first <= self._chosen < frame.beyond:
            rank = frame.first if step > 0 else frame.beyond - 1
        else:
            rank = self._chosen + step
        if not 0 <= rank < len(picture.ordered):
            return
        value, sight = int(picture.ordered.values[rank]), frame.sight
        if not sight.start <= value <= sight.end:
            self.set_sight(sight.shown(value - sight.span // 2, value + sight.span // 2, "drift"))
        self._chosen = rank
        self.setAccessibleDescription(self._short(picture.ordered.row(rank)))
        self.update()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            frame = self.frame
            if frame is None:
                painter.setPen(theme().color("third"))
                painter.setFont(fonts.ui(13))
                painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self._nothing)
                return
            if self._painted is None or self._painted.devicePixelRatio() != self.devicePixelRatioF():
                self._painted = self._paint_all(frame)
            painter.drawPixmap(0, 0, self._painted)
            self._paint_mouse(painter, frame)
            if self.hasFocus():
                painter.setPen(theme().color("focus"))
                painter.drawRect(LABEL - 1, 1, self.lanes_layout.plot_width + 1, self.height() - 3)

    def _paint_all(self, frame: Frame) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme().color("panel"))
        with QPainter(picture) as painter:
            paint_history(painter, frame, self.lanes_layout, ratio)
            self.strip.paint(painter, frame, self.lanes_layout)
            own = self.flags()
            late = [bool(stand.checkpoint.lag) for stand in self._stands]
            paint_flags(painter, own, [flag_text(flag, self._stands) for flag in own], late, self.lanes_layout)
        return picture

    def _paint_mouse(self, painter: QPainter, frame: Frame) -> None:
        layout, mouse = self.lanes_layout, self._mouse
        if self._brush is not None:
            left, right = sorted(self._brush)
            start, end = self._values(frame, left, right)
            first, beyond = frame.picture.ordered.between(start, end)
            text = events(beyond - first)
            if frame.picture.axis == "time":
                text = f"{duration(end - start)}, {text}"
            paint_brush(painter, left, right, text, layout)
        elif mouse is not None and LABEL <= mouse.x() <= LABEL + layout.plot_width:
            painter.setPen(theme().color("strong"))
            painter.drawLine(mouse.x(), 0, mouse.x(), layout.bottom)
        if not frame.is_single:
            return
        if self._chosen is not None and frame.first <= self._chosen < frame.beyond:
            place = self._chosen - frame.first
            lane = int(frame.marks.lane_of[place])
            paint_ring(painter, LABEL + float(frame.pixels[place]), _middle(layout, lane), strong=True)
        mark = self._mark_at(frame, mouse)
        if mark is not None:
            lane, x = int(frame.marks.lane[mark]), float(frame.marks.x[mark])
            paint_ring(painter, LABEL + x, _middle(layout, lane), strong=False)

    # Consumers

    def flags(self) -> list[Flag]:
        """The consumers in sight, those at one place together."""
        frame = self.frame
        if frame is None:
            return []
        return flags_of(frame, self._stands)

    # Mouse

    def _share(self, x: int) -> float:
        return (x - LABEL) / self.lanes_layout.plot_width

    def _values(self, frame: Frame, left: int, right: int) -> tuple[int, int]:
        return frame.sight.value_at(self._share(left)), frame.sight.value_at(self._share(right))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place, sight = event.position().toPoint(), self.sight
        is_shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if sight is None:
            return
        is_pan = event.button() == Qt.MouseButton.MiddleButton or (
            event.button() == Qt.MouseButton.LeftButton and is_shifted
        )
        if is_pan and place.x() >= LABEL:
            self._panning = (place.x(), sight)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() == Qt.MouseButton.LeftButton:
            self._pressed = place

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place, layout = event.position().toPoint(), self.lanes_layout
        self._mouse = place
        if self._panning is not None:
            began, sight = self._panning
            self.set_sight(sight.panned((began - place.x()) / layout.plot_width))
        elif self._pressed is not None and self._pressed.x() >= LABEL:
            x = max(LABEL, min(place.x(), LABEL + layout.plot_width))
            if self._brush is not None or abs(x - self._pressed.x()) > _CLICK:
                self._brush = (self._pressed.x(), x)
        self._show_cursor(place)
        self.update()

    def _show_cursor(self, place: QPoint) -> None:
        if self._panning is not None:
            return
        frame = self.frame
        is_link = self._mark_at(frame, place) is not None if frame is not None else False
        number = self.lanes_layout.lane_at(place.y()) if place.x() < LABEL else None
        is_link = (
            is_link
            or (self._is_on_strip(place) and place.x() < LABEL)
            or (number is not None and self._looks[number].name is not None)
        )
        self.setCursor(Qt.CursorShape.PointingHandCursor if is_link else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, brush, panning = self._pressed, self._brush, self._panning
        self._pressed = self._brush = self._panning = None
        frame, place = self.frame, event.position().toPoint()
        if frame is None or panning is not None:
            self._show_cursor(place)
        elif brush is not None:
            self.set_sight(frame.sight.shown(*self._values(frame, *sorted(brush))))
        elif pressed is not None:
            self._clicked(frame, place)
        self.update()

    def _clicked(self, frame: Frame, place: QPoint) -> None:
        if self._is_on_strip(place):
            value = self.strip.nearest(frame, place.x() - LABEL) if place.x() >= LABEL else None
            if value is not None or place.x() < LABEL:
                self.flag_activated.emit(value)
            return
        if place.x() < LABEL:
            number = self.lanes_layout.lane_at(place.y())
            name = self._looks[number].name if number is not None else None
            if name is not None:
                self.lane_activated.emit(name)
            return
        mark = self._mark_at(frame, place)
        if mark is None:
            return
        ranks = [frame.first + int(member) for member in frame.marks.members(mark)]
        if len(ranks) == 1:
            self._open(ranks[0])
            return
        values = frame.picture.ordered.values
        start, end = int(values[ranks[0]]), int(values[ranks[-1]])
        sight = frame.sight
        if end - start > sight.smallest // 50 and sight.span > sight.smallest:
            self.set_sight(sight.shown(start - (end - start) // 4, end + (end - start) // 4))
        else:
            self._offer(frame.picture, ranks, place)

    def _open(self, rank: int) -> None:
        assert self._picture is not None
        self._chosen = rank
        self.row_wanted.emit(self._picture.ordered.row(rank))

    def _offer(self, picture: Picture, ranks: Sequence[int], place: QPoint) -> None:
        """Events that no zoom can tell apart, to choose from."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for rank in ranks[:_MENU]:
            text = one_line(self._short(picture.ordered.row(rank))).replace("&", "&&")
            menu.addAction(text, partial(self._open, rank))
        if len(ranks) > _MENU:
            more = menu.addAction(f"and {events(len(ranks) - _MENU)} more: see Position")
            more.setEnabled(False)
        menu.popup(self.mapToGlobal(place))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().x() >= LABEL and event.button() == Qt.MouseButton.LeftButton:
            self.everything()

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta, modifiers = event.angleDelta(), event.modifiers()
        turn = delta.y() or delta.x()
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            self.zoom(1.25 ** (turn / _NOTCH), min(1.0, max(0.0, self._share(int(event.position().x())))))
        elif modifiers & Qt.KeyboardModifier.ShiftModifier or (delta.x() and not delta.y()):
            self.pan(-0.1 * turn / _NOTCH)
        else:
            event.ignore()

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse = None
        self.update()
        super().leaveEvent(event)

    def _is_on_strip(self, place: QPoint) -> bool:
        area = self.lanes_layout.ticks
        return area.y() <= place.y() < area.y() + area.height()

    def _mark_at(self, frame: Frame | None, place: QPoint | None) -> int | None:
        if frame is None or place is None or place.x() < LABEL - _REACH or not frame.is_single:
            return None
        lane = self.lanes_layout.lane_at(place.y())
        return None if lane is None else frame.marks.at(lane, place.x() - LABEL, _REACH)

    # Keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, text = event.key(), event.text()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            super().keyPressEvent(event)
        elif key == Qt.Key.Key_Escape and self._brush is not None:
            self._pressed = self._brush = None
            self.update()
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_F):
            self.everything()
        elif key == Qt.Key.Key_Backspace:
            self.back()
        elif key in _PANS:
            self.pan(_PANS[key])
        elif key in _ZOOMS:
            self.zoom(_ZOOMS[key])
        elif text in (",", "."):
            self.choose_next(1 if text == "." else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._chosen is not None:
            self._open(self._chosen)
        else:
            super().keyPressEvent(event)

    # Hovering

    def hover_text(self, place: QPoint) -> str:
        """What lies at a point, in lines; empty where nothing does."""
        frame, layout = self.frame, self.lanes_layout
        if frame is None:
            return ""
        hover = Hover(frame, self._describe)
        x = place.x() - LABEL
        if layout.has_flags and layout.flags.y() <= place.y() < layout.flags.bottom():
            near = [flag for flag in self.flags() if flag.covers(x)]
            if near:
                return hover.stands([self._stands[member] for member in near[0].members])
        if self._is_on_strip(place):
            return self.strip.text_at(frame, x)
        lane = layout.lane_at(place.y())
        if x < 0:
            return "" if lane is None else hover.lane(lane)
        mark = self._mark_at(frame, place)
        return hover.place(lane, x) if mark is None else hover.mark(mark)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            share = self._share(int(event.position().x()))
            self.zoom(max(0.1, 1 + event.value()), min(1.0, max(0.0, share)))
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), tooltip(self.hover_text(event.pos())), self)
            return True
        return super().event(event)


def _middle(layout: Layout, lane: int) -> float:
    return layout.lane(lane).y() + LANE / 2 + 0.5


def _is_same(kept: Frame, wanted: Frame) -> bool:
    return (
        kept.picture is wanted.picture
        and kept.looks is wanted.looks
        and (kept.sight, kept.width, kept.columns) == (wanted.sight, wanted.width, wanted.columns)
    )
