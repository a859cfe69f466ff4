"""The timeline of one stream under the mouse and the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from esviewer.timeline.gaps import Gap
from esviewer.timeline.placement import MARK
from esviewer.ui import timeline_gaps, timeline_hover
from esviewer.ui.axis_model import LABELS
from esviewer.ui.icons import icon
from esviewer.ui.timeline_canvas import TOP, TimelineCanvas
from esviewer.ui.timeline_card import Hovering
from esviewer.ui.timeline_hover import Card
from esviewer.ui.timeline_painting import BAR, MarkPainter
from esviewer.ui.timeline_statuses import with_statuses
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped


class TimelineView(TimelineCanvas):
    """Shows a stream's events along versions or time, and moves the playhead."""

    playhead_moved = Signal(int)
    type_activated = Signal(str)
    mark_wanted = Signal(int)
    """Shift+click: the second cursor is wanted at an event."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self._dragging = ""
        self._grip = 0.0
        self._has_switched_gap = False
        self.hovering = Hovering(self)
        self.model.changed.connect(self._move_card)
        self.fold_action = QAction(icon("fold-horizontal"), "Fold idle time\tG", self)
        self.fold_action.setToolTip("Fold idle time on the time axis (G)")
        self.fold_action.setCheckable(True)
        # Not toggled: that would be heard too when the axis changes.
        self.fold_action.triggered.connect(self.model.set_folding)
        self._show_folding()

    def set_axis(self, kind: str) -> None:
        super().set_axis(kind)
        self._show_folding()

    def _show_folding(self) -> None:
        """Where folding does nothing the switch is off and cannot be used; the choice itself stays."""
        has_effect = self.model.kind == "time"
        self.fold_action.setEnabled(has_effect)
        self.fold_action.setChecked(has_effect and self.model.is_folding)

    # Mouse

    def index_at(self, place: QPoint) -> int | None:
        """The event whose mark is under a place, else the nearest along the axis."""
        hit = self._hit(place)
        return self._index_along(place.x() - LABELS) if hit is None else hit

    def _hit(self, place: QPoint) -> int | None:
        """The event whose mark is under a place."""
        x, placement = place.x() - LABELS, self.model.placement
        near = placement.between(x - MARK / 2 - 2, x + MARK / 2 + 2)
        if len(near):
            heights = self._drawing().lanes_of(near) * self._layout.lane_height + self._lane_y(0)
            hit = near[np.abs(heights - place.y()) <= MARK / 2 + 3]
            if len(hit):
                return int(hit[np.argmin(np.abs(placement.pixels_of(hit) - x))])
        return None

    def _index_along(self, x: float) -> int | None:
        return self.model.placement.index_at(min(max(x, 0.0), self.model.scale.width))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position().toPoint()
        self.hovering.close()
        self._has_switched_gap = False
        if event.button() == Qt.MouseButton.MiddleButton:
            self._dragging, self._grip = "pan", event.position().x()
        elif event.button() != Qt.MouseButton.LeftButton or not len(self._marks):
            return
        elif place.y() >= self._strip().y() and place.x() >= LABELS - 6:
            self._grab_brush(event.position().x())
        elif place.x() < LABELS:
            lane = self._layout.lane_at(place.y() - TOP)
            if lane is not None and not self._layout.is_shared:
                self.type_activated.emit(self._marks.type_names[self._lanes.types[lane]])
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            index = self.index_at(place)
            if index is not None:
                self.mark_wanted.emit(index)
        elif (gap := self._gap_at(place)) is not None:
            self._has_switched_gap = True
            self.model.switch_gap(gap)
        else:
            self._dragging = "playhead"
            self._move_to(self.index_at(place))

    def _gap_at(self, place: QPoint) -> Gap | None:
        """The mark of idle time under a place, unless an event's lies over it."""
        gap = timeline_gaps.gap_at(self.model.gaps(), self._plot(), place.x(), place.y())
        return None if gap is None or self._hit(place) is not None else gap

    def _grab_brush(self, x: float) -> None:
        left, right = self._brush()
        if abs(x - left) <= 5 or abs(x - right) <= 5:
            self._dragging = "left" if abs(x - left) <= abs(x - right) else "right"
        else:
            self._dragging = "brush"
            if not left <= x <= right:
                self._shift_brush(x - (left + right) / 2)
        self._grip = x

    def _shift_brush(self, pixels: float) -> None:
        whole = self.model.axis.fit(self._strip().width())
        ends = self.view_range()
        # As far as there is room, or what is in sight would shrink at an end.
        at = [whole.pixel(end) for end in ends]
        pixels = min(max(pixels, -at[0]), whole.width - at[1])
        self.model.show(*(whole.to_value(pixel + pixels) for pixel in at))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        if self._dragging == "playhead":
            self._move_to(self._index_along(x - LABELS))
        elif self._dragging == "pan":
            self.model.pan(self._grip - x)
            self._grip = x
        elif self._dragging == "brush":
            self._shift_brush(x - self._grip)
            self._grip = x
        elif self._dragging:
            value = self.model.axis.fit(self._strip().width()).to_value(x - self._strip().x())
            start, end = self.view_range()
            start, end = (value, end) if self._dragging == "left" else (start, value)
            if start < end:
                self.model.show(start, end)
        self._show_cursor(event.position().toPoint())
        if self._dragging:
            self.hovering.leave()
        else:
            self._hover(event.position().toPoint())

    def leaveEvent(self, event: QEvent) -> None:
        self.hovering.leave()

    def hideEvent(self, event: QHideEvent) -> None:
        self.hovering.close()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.hovering.close()
        super().focusOutEvent(event)

    def _show_cursor(self, place: QPoint) -> None:
        left, right = self._brush()
        on_edge = place.y() >= self._strip().y() and min(abs(place.x() - left), abs(place.x() - right)) <= 5
        on_label = place.x() < LABELS and self._layout.lane_at(place.y() - TOP) is not None
        is_link = on_label or (not self._dragging and self._gap_at(place) is not None)
        other = Qt.CursorShape.PointingHandCursor if is_link else Qt.CursorShape.ArrowCursor
        self.setCursor(Qt.CursorShape.SizeHorCursor if on_edge else other)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._dragging = ""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.position().x() >= LABELS and not self._has_switched_gap:
            self.fit()

    def _move_to(self, index: int | None) -> None:
        if index is not None and index != self._playhead:
            self.set_playhead(index)
            self.playhead_moved.emit(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        sideways, shift = pixels.x() or angle.x(), event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if event.position().x() < LABELS and self._layout.overflow:
            self._layout = self._layout.scrolled(self._layout.scroll - (pixels.y() or angle.y() / 4))
            self._repaint_all()
        elif shift or abs(sideways) > abs(pixels.y() or angle.y()):
            self.model.pan(-float(sideways or pixels.y() or angle.y()))
        else:
            self.model.zoom(event.position().x() - LABELS, 1.0015 ** (pixels.y() * 3 or angle.y()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.model.zoom(event.position().x() - LABELS, max(0.1, 1.0 + event.value()))
            return True
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), tooltip(self._hover_text(event.pos())), self)
            return True
        return super().event(event)

    def _hover_text(self, place: QPoint) -> str:
        if not len(self._marks) or place.y() >= self._strip().y():
            return ""
        if place.x() < LABELS:
            lane = self._layout.lane_at(place.y() - TOP)
            if lane is None or self._layout.is_shared:
                return ""
            return f"{self._marks.type_names[self._lanes.types[lane]]}\n{grouped(self._lanes.counts[lane])} events"
        if place.y() < TOP:
            return timeline_hover.snapshot_text(self._marks, self.model.placement, place.x() - LABELS)
        gap = self._gap_at(place)
        return "" if gap is None else timeline_gaps.gap_text(gap, self.model.axis.origin)

    # Cards

    def _hover(self, place: QPoint) -> None:
        """Prepares the card of what is under the mouse."""
        is_in_lanes = len(self._marks) and self._lane_area().contains(place)
        index = self._hovered(place) if is_in_lanes else None
        if index is None:
            self.hovering.leave()
            return
        column = int((place.x() - LABELS) // BAR)
        merged = self._together(index)
        target = (column, len(merged)) if len(merged) > 1 else index
        self.hovering.over(target, self._around(index), partial(self._card, index, merged))

    def _hovered(self, place: QPoint) -> int | None:
        """The event whose mark is under a place, or one of those that a crowd's bar there stands for."""
        index, lane = self._hit(place), self._layout.lane_at(place.y() - TOP)
        drawing, x = self._drawing(), place.x() - LABELS
        if index is None and lane is not None and MarkPainter(drawing).is_crowded(lane):
            near = self.model.placement.between(x - BAR / 2, x + BAR / 2)
            own = near[drawing.lanes_of(near) == lane]
            return int(own[0]) if len(own) else None
        return index

    def _together(self, index: int) -> NDArray[np.int64]:
        """The events drawn as one with an event, of its lane; in a crowd, those of its column in all lanes."""
        drawing, x = self._drawing(), self.model.pixel_of(index)
        lane = drawing.lanes_of(np.array([index], np.int64))
        near = self.model.placement.between(x - BAR / 2, x + BAR / 2)
        return near if MarkPainter(drawing).is_crowded(int(lane[0])) else near[drawing.lanes_of(near) == lane]

    def _card(self, index: int, merged: NDArray[np.int64]) -> Card:
        codes = self._known_statuses
        if len(merged) > 1:
            return with_statuses(timeline_hover.merged_card(self._marks, merged), codes, merged)
        card = timeline_hover.event_card(self._marks, index, self._facts_of(index))
        return with_statuses(card, codes, np.array([index], np.int64))

    def _around(self, index: int) -> QRect:
        """The place of an event's mark in the widget."""
        y = self._lane_y(int(self._lanes.lane_of_event[index]))
        return QRect(round(LABELS + self.model.pixel_of(index)) - MARK // 2, round(y) - MARK // 2, MARK, MARK)

    def show_card(self) -> None:
        """Shows the card of the event under the playhead, which follows the playhead; or takes it away."""
        if self.hovering.is_pinned or self._playhead < 0:
            self.hovering.close()
            return
        self.model.reveal(self._playhead)
        self._pin_card()

    def set_playhead(self, index: int) -> None:
        before = self._playhead
        super().set_playhead(index)
        if self.hovering.is_pinned and self._playhead != before:
            self._pin_card()

    def _pin_card(self) -> None:
        index = self._playhead
        self.hovering.pin(index, self._around(index), partial(self._card, index, np.empty(0, np.int64)))

    def _move_card(self) -> None:
        """What the card stands beside has moved."""
        is_in_sight = self._playhead >= 0 and 0 <= self.model.pixel_of(self._playhead) <= self.model.scale.width
        if self.hovering.is_pinned and is_in_sight:
            self._pin_card()
        else:
            self.hovering.close()

    # Keyboard and menu

    def focus_or_fit(self) -> None:
        """Shows the whole stream; where that is in sight already, the playhead and its neighbours."""
        if self.model.is_fitted:
            self.model.focus(self._playhead)
        else:
            self.fit()

    def step_on_lane(self, step: int) -> None:
        """Moves the playhead to the next (1) or previous (-1) event of the same type."""
        if self._playhead >= 0:
            same = np.flatnonzero(self._marks.types == self._marks.types[self._playhead])
            place = int(np.searchsorted(same, self._playhead)) + step
            if 0 <= place < len(same):
                self._move_to(int(same[place]))

    def switch_gap_at_playhead(self) -> None:
        """Opens or folds the idle stretch next to the playhead, the one after it where there are two."""
        if self._playhead >= 0:
            value = int(self.model.axis.values[self._playhead])
            beside = [gap for gap in self.model.gaps() if value in (gap.start, gap.end)]
            if beside:
                self.model.switch_gap(beside[-1])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self.act_on_key(event):
            super().keyPressEvent(event)

    def act_on_key(self, event: QKeyEvent) -> bool:
        """Does what a key means here; false if it means nothing. Escape takes away a card."""
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in _EITHER:  # which stand above another key on some keyboards
            modifiers &= ~Qt.KeyboardModifier.ShiftModifier
        act = _KEYS.get((event.key(), modifiers))
        if act is not None:
            act(self)
        elif event.key() == Qt.Key.Key_Escape and self.hovering.card is not None:
            self.hovering.close()
        else:
            return False
        return True

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not len(self._marks):
            return
        self.hovering.close()
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        menu = self.menu(None if by_key else self._gap_at(event.pos()))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        place = self._around(self._playhead).bottomRight() if by_key and self._playhead >= 0 else event.pos()
        menu.popup(self.mapToGlobal(place))

    def menu(self, gap: Gap | None = None) -> QMenu:
        """What can be done here; ``gap`` is the idle stretch under the mouse."""
        menu = QMenu(self)
        if gap is not None:
            menu.addAction(f"{'Fold' if gap.is_open else 'Open'} this gap", partial(self.model.switch_gap, gap))
        menu.addAction(self.fold_action)
        menu.addSeparator()
        for text, act in (
            ("About the event at the playhead\tI", self.show_card),
            ("Previous event of its type\t,", partial(self.step_on_lane, -1)),
            ("Next event of its type\t.", partial(self.step_on_lane, 1)),
        ):
            menu.addAction(text, act)
        menu.addSeparator()
        fit = "Focus on the playhead" if self.model.is_fitted else "Fit the whole stream"
        for text, act in (
            ("Zoom in\tW", self.zoom_in),
            ("Zoom out\tS", self.zoom_out),
            (f"{fit}\tF", self.focus_or_fit),
        ):
            menu.addAction(text, act)
        return menu


_EITHER: Final = (Qt.Key.Key_Plus, Qt.Key.Key_Comma, Qt.Key.Key_Period)
_NONE: Final = Qt.KeyboardModifier.NoModifier
_SHIFT: Final = Qt.KeyboardModifier.ShiftModifier
_KEYS: Final[dict[tuple[int, Qt.KeyboardModifier], Callable[[TimelineView], None]]] = {
    (Qt.Key.Key_W, _NONE): TimelineView.zoom_in,
    (Qt.Key.Key_S, _NONE): TimelineView.zoom_out,
    (Qt.Key.Key_A, _NONE): TimelineView.pan_left,
    (Qt.Key.Key_D, _NONE): TimelineView.pan_right,
    (Qt.Key.Key_Plus, _NONE): TimelineView.zoom_in,
    (Qt.Key.Key_Minus, _NONE): TimelineView.zoom_out,
    (Qt.Key.Key_F, _NONE): TimelineView.focus_or_fit,
    (Qt.Key.Key_Comma, _NONE): lambda view: view.step_on_lane(-1),
    (Qt.Key.Key_Period, _NONE): lambda view: view.step_on_lane(1),
    (Qt.Key.Key_G, _NONE): lambda view: view.fold_action.trigger(),
    (Qt.Key.Key_G, _SHIFT): TimelineView.switch_gap_at_playhead,
    (Qt.Key.Key_I, _NONE): TimelineView.show_card,
}
