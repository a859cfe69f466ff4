"""Rows of a table of any length, painted by themselves: what is in sight is all that a frame costs.

A QTableView takes three times as long a frame, a minute to select five million rows, and shows nothing at all where
the rows' heights add up to 2**31 pixels (performance.md, F). Here the scroll bar counts in steps of its own.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QAbstractSlider, QFrame, QToolTip, QWidget

from esviewer.stores.index import Index
from esviewer.ui import theme as themes
from esviewer.ui.colours import TypeColours
from esviewer.ui.row_pages import RowPages
from esviewer.ui.row_ranges import RowRanges
from esviewer.ui.store_table_columns import Column
from esviewer.ui.store_table_header import StoreTableHeader
from esviewer.ui.store_table_painting import Cells, Looks, RowPainter
from esviewer.ui.store_table_rows import Standing, TableRows
from esviewer.ui.store_table_words import cell_tip, row_sentence
from esviewer.ui.widgets import ROW_HEIGHT, tooltip
from esviewer.ui.widgets.format import grouped

_STEPS: Final = 1 << 30
"""Of the scroll bar at most; a table of fewer pixels has a step a pixel."""
_DRAG_MS: Final = 40
_WHEEL_ROWS: Final = 3
_SHIFT, _CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


class StoreTableView(QAbstractScrollArea):
    """The rows with their header, a current row and a selection. Places count from 0 in the order shown."""

    activated = Signal(int)
    moved = Signal()
    """The current row or the selection has changed."""
    typed = Signal(str)
    """A digit was typed: it is meant for the box that jumps."""
    menu_wanted = Signal(QPoint)
    copy_wanted = Signal()

    def __init__(self, index: Index, pages: RowPages, colours: TypeColours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = TableRows(index)
        self.selected = RowRanges.none()
        self.current: int | None = None
        self.codes: NDArray[np.uint8] | None = None
        """What a catalogue makes of each row of the index, as far as it is known."""
        self._pages = pages
        self._painter = RowPainter(colours)
        self._anchor = 0
        self._offset = 0
        """Pixels of the table above the viewport; the scroll bar has it in its own steps."""
        self._hovered: int | None = None
        self._drag_y = 0
        self._drag = QTimer(self)
        self._drag.setInterval(_DRAG_MS)
        self._drag.timeout.connect(self._drag_on)
        self.header = StoreTableHeader(self)
        self.header.resized.connect(self._columns_changed)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setViewportMargins(0, self.header.height(), 0, 0)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.verticalScrollBar().setSingleStep(ROW_HEIGHT)
        self.verticalScrollBar().valueChanged.connect(self._bar_moved)
        self.verticalScrollBar().sliderMoved.connect(self._show_where)
        self.horizontalScrollBar().valueChanged.connect(self._columns_changed)
        pages.arrived.connect(self.viewport().update)
        themes.signals().changed.connect(self._theme_changed)

    # What is shown

    def show_rows(self, table: TableRows, selected: RowRanges, current: int | None, top: int | None = None) -> None:
        """Shows rows in a new arrangement; ``top`` is the place that comes to the upper edge (none: all stays)."""
        self.table, self.selected, self.current = table, selected, current
        self._anchor = current or 0
        self._set_range()
        if top is not None:
            self.scroll_to_offset(top * ROW_HEIGHT + self._offset % ROW_HEIGHT if top else 0)
        self._tell()

    def grow(self, table: TableRows) -> None:
        """Takes rows that were added at the end; what is looked at stays where it is."""
        if self.table.count and self.selected.count == self.table.count and table.count < self.table.count:
            self.selected = RowRanges.between(0, table.count)
        self.table = table
        self.selected = self.selected.without_rows(table.count, 1 << 62)
        if self.current is not None and self.current >= table.count:
            self.current = table.count - 1 if table.count else None
        self._set_range()
        self.viewport().update()

    def repaint_types(self) -> None:
        """Paints the marks anew: types have other colours."""
        self._painter.forget()
        self.viewport().update()

    @property
    def first(self) -> int:
        """The place at the upper edge, perhaps cut."""
        return self._offset // ROW_HEIGHT

    @property
    def standing(self) -> Standing:
        """What is selected and where one stands."""
        return Standing(self.selected, self.current, self.first)

    @property
    def whole_rows(self) -> int:
        """How many rows fit in whole."""
        return max(1, self.viewport().height() // ROW_HEIGHT)

    def places_in_sight(self) -> tuple[int, int]:
        """First place in sight and the one after the last, those that are cut included."""
        end = (self._offset + self.viewport().height() + ROW_HEIGHT - 1) // ROW_HEIGHT
        return self.first, min(end, self.table.count)

    def row_at(self, place: int) -> int:
        """The row of the index at a place."""
        return int(self.table.at(place, place + 1)[0])

    def place_at(self, y: int) -> int | None:
        """The place that is painted at a height of the viewport."""
        place = (self._offset + y) // ROW_HEIGHT
        return place if 0 <= place < self.table.count else None

    # Scrolling

    def scroll_to_offset(self, offset: int) -> None:
        """Brings a pixel of the table to the upper edge, as near as its end allows."""
        offset = max(0, min(offset, self._last_offset()))
        if offset == self._offset:
            return
        self._offset = offset
        bar = self.verticalScrollBar()
        bar.blockSignals(True)
        bar.setValue(self._step_of(offset))
        bar.blockSignals(False)
        self._hovered = None
        self.viewport().update()

    def reveal(self, place: int, *, in_middle: bool = False) -> None:
        """Brings a place into sight, by as little as it takes."""
        height = self.viewport().height()
        top = place * ROW_HEIGHT
        if in_middle and not self._offset <= top <= self._offset + height - ROW_HEIGHT:
            self.scroll_to_offset(top - (height - ROW_HEIGHT) // 2)
        elif top < self._offset:
            self.scroll_to_offset(top)
        elif top + ROW_HEIGHT > self._offset + height:
            self.scroll_to_offset(top + ROW_HEIGHT - height)

    def _last_offset(self) -> int:
        return max(0, self.table.count * ROW_HEIGHT - self.viewport().height())

    def _step_of(self, offset: int) -> int:
        last = self._last_offset()
        return offset if last <= _STEPS else offset * _STEPS // last

    def _set_range(self) -> None:
        last = self._last_offset()
        self._offset = min(self._offset, last)
        bar = self.verticalScrollBar()
        bar.blockSignals(True)
        bar.setRange(0, min(last, _STEPS))
        page = self.whole_rows * ROW_HEIGHT
        bar.setPageStep(page if last <= _STEPS else max(1, page * _STEPS // last))
        bar.setValue(self._step_of(self._offset))
        bar.blockSignals(False)
        self._set_horizontal_range()

    def _set_horizontal_range(self) -> None:
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(0, self.header.length() - self.viewport().width()))
        bar.setPageStep(self.viewport().width())
        bar.setSingleStep(40)

    def _bar_moved(self, value: int) -> None:
        last = self._last_offset()
        self._offset = value if last <= _STEPS else last if value == _STEPS else value * last // _STEPS
        self._hovered = None
        self.viewport().update()

    def _show_where(self, _value: int) -> None:
        """Says, while the bar is dragged, how far one has come: in millions of rows a pixel is weeks."""
        bar = self.verticalScrollBar()
        share = bar.sliderPosition() / max(bar.maximum(), 1)
        at = bar.mapToGlobal(QPoint(-190, round(share * max(bar.height() - 40, 0))))
        QToolTip.showText(at, tooltip(self.where()), bar)

    def where(self) -> str:
        """The row at the upper edge in a few words: its number, its position and its time."""
        if not self.table.count:
            return ""
        cells = Cells.of(self.table.index, self.table.at(self.first, self.first + 1))
        if not cells.rows:
            return ""
        row = f"row {grouped(self.first + 1)} of {grouped(self.table.count)}"
        return f"{row}\nposition {cells.positions[0]}\n{cells.texts(Column.TIME)[0]}"

    def _columns_changed(self) -> None:
        self._set_horizontal_range()
        self.header.setOffset(self.horizontalScrollBar().value())
        self.viewport().update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & _SHIFT or abs(angle.x()) > abs(angle.y()):
            super().wheelEvent(event)
            return
        by = pixels.y() if not pixels.isNull() else angle.y() * _WHEEL_ROWS * ROW_HEIGHT // 120
        self.scroll_to_offset(self._offset - by)
        event.accept()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.header.setGeometry(self.viewport().x(), 0, self.viewport().width(), self.header.height())
        self.header.fill(self.viewport().width())
        self._set_range()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._set_range()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), themes.theme().color("panel"))
            first, end = self.places_in_sight()
            if first >= end:
                return
            rows = self.table.at(first, end)
            self._want(rows, first, end)
            looks = Looks(
                first,
                first * ROW_HEIGHT - self._offset,
                self._are_selected(first, end),
                self.current,
                self._hovered,
                self.hasFocus(),
            )
            spans = self.header.spans()
            cells = Cells.of(self.table.index, rows, self.codes)
            self._painter.paint(painter, self.viewport().width(), cells, spans, looks, self._pages.get)

    def _are_selected(self, first: int, end: int) -> list[bool]:
        places = np.arange(first, end)
        at = np.searchsorted(self.selected.starts, places, side="right") - 1
        if not len(self.selected.starts):
            return [False] * len(places)
        is_in: NDArray[np.bool_] = (at >= 0) & (places < self.selected.ends[np.maximum(at, 0)])
        result: list[bool] = is_in.tolist()
        return result

    def _want(self, rows: NDArray[np.int64], first: int, end: int) -> None:
        """Asks for the payloads in sight, then for those a screen below and above."""
        margin = end - first
        below, above = self.table.at(end, end + margin), self.table.at(max(0, first - margin), first)
        self._pages.want(rows, np.concatenate((below, above)))

    def _theme_changed(self) -> None:
        self._painter.forget()
        self.viewport().update()

    # The current row and the selection

    def go(self, place: int, *, extend: bool = False, keep: bool = False, in_middle: bool = False) -> None:
        """Makes a place the current one and selects it, or all from the anchor to it; ``keep`` selects nothing."""
        if not self.table.count:
            return
        place = max(0, min(place, self.table.count - 1))
        self.current = place
        if extend:
            low, high = sorted((self._anchor, place))
            self.selected = RowRanges.between(low, high + 1)
        elif not keep:
            self._anchor = place
            self.selected = RowRanges.between(place, place + 1)
        self.reveal(place, in_middle=in_middle)
        self._tell()

    def toggle(self, place: int) -> None:
        """Selects a place besides the others, or takes it out."""
        self.current = self._anchor = place
        self.selected = self.selected.toggled(place)
        self.reveal(place)
        self._tell()

    def select_all(self) -> None:
        """Selects every row, however many: one interval."""
        self.selected = RowRanges.between(0, self.table.count)
        self._tell()

    def select_current_only(self) -> None:
        """Takes all but the current row out of the selection."""
        self.selected = RowRanges.none() if self.current is None else RowRanges.between(self.current, self.current + 1)
        self._tell()

    def _tell(self) -> None:
        """Repaints, tells, and gives a screen reader the current row as a sentence."""
        self.viewport().update()
        if self.current is not None and self.current < self.table.count:
            row = self.row_at(self.current)
            sentence = row_sentence(Cells.of(self.table.index, np.array([row]), self.codes), self._pages.get(row))
            where = f"Row {grouped(self.current + 1)} of {grouped(self.table.count)}"
            chosen = "" if self.current in self.selected else ", not selected"
            self.setAccessibleDescription(f"{where}{chosen}: {sentence}")
        else:
            self.setAccessibleDescription("No current row")
        self.moved.emit()

    # Keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.current is not None:
            self.activated.emit(self.current)
        elif event.key() == Qt.Key.Key_Escape and self.selected.count > 1:
            self.select_current_only()
        elif not (self._move_by_key(event) or self._scroll_by_key(event) or self._type(event)):
            event.ignore()

    def _move_by_key(self, event: QKeyEvent) -> bool:
        here, page, last = self.current, self.whole_rows - 1, self.table.count - 1
        from_here = -1 if here is None else here
        targets = {
            Qt.Key.Key_Up: max(from_here - 1, 0),
            Qt.Key.Key_Down: from_here + 1,
            Qt.Key.Key_PageUp: max(from_here - page, 0),
            Qt.Key.Key_PageDown: max(from_here, 0) + page,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space and event.modifiers() & _CTRL and here is not None:
            self.toggle(here)
            return True
        if key not in targets:
            return False
        is_step = key in (Qt.Key.Key_Up, Qt.Key.Key_Down)
        keep = bool(event.modifiers() & _CTRL) and is_step
        self.go(targets[key], extend=bool(event.modifiers() & _SHIFT), keep=keep)
        return True

    def _scroll_by_key(self, event: QKeyEvent) -> bool:
        bar = self.horizontalScrollBar()
        if event.modifiers() or event.key() not in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            return False
        is_left = event.key() == Qt.Key.Key_Left
        step = QAbstractSlider.SliderAction
        bar.triggerAction(step.SliderSingleStepSub if is_left else step.SliderSingleStepAdd)
        return True

    def _type(self, event: QKeyEvent) -> bool:
        text = event.text()
        if not text or text not in "0123456789#" or event.modifiers() & _CTRL:
            return False
        self.typed.emit(text)
        return True

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(int(event.position().y()))
        if place is None:
            return
        if event.button() == Qt.MouseButton.RightButton:
            if place not in self.selected:
                self.go(place)
            return
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if event.modifiers() & _SHIFT:
            self.go(place, extend=True)
        elif event.modifiers() & _CTRL:
            self.toggle(place)
        else:
            self.go(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        y = int(event.position().y())
        if event.buttons() & Qt.MouseButton.LeftButton and not event.modifiers() & _CTRL:
            self._drag_y = y
            is_outside = not 0 <= y < self.viewport().height()
            if is_outside and not self._drag.isActive():
                self._drag.start()
            self._drag_on()
            return
        place = self.place_at(y)
        if place != self._hovered:
            self._hovered = place
            self.viewport().update()

    def _drag_on(self) -> None:
        """Selects up to the mouse; beyond an edge the faster the farther."""
        height = self.viewport().height()
        beyond = min(self._drag_y, 0) or max(self._drag_y - height + 1, 0)
        if not beyond:
            self._drag.stop()
        place = (self._offset + max(0, min(self._drag_y, height - 1)) + beyond) // ROW_HEIGHT
        place = max(0, min(place, self.table.count - 1))
        if place != self.current:
            self.go(place, extend=True)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag.stop()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self.place_at(int(event.position().y()))
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.activated.emit(place)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._drag.stop()
        self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        at = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard and self.current is not None:
            self.reveal(self.current)
            y = (self.current + 1) * ROW_HEIGHT - self._offset
            at = self.viewport().mapToGlobal(QPoint(24, min(y, self.viewport().height())))
        self.menu_wanted.emit(at)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), tooltip(self.tip_at(event.pos())), self.viewport())
            return True
        if event.type() == QEvent.Type.Leave and self._hovered is not None:
            self._hovered = None
            self.viewport().update()
        return super().viewportEvent(event)

    def tip_at(self, at: QPoint) -> str:
        """What a cell holds in full, where it says more than the cell shows."""
        place = self.place_at(at.y())
        column = next((s.column for s in self.header.spans() if s.left <= at.x() < s.left + s.width), None)
        if place is None or column is None:
            return ""
        row = self.row_at(place)
        cells = Cells.of(self.table.index, np.array([row]), self.codes)
        return cell_tip(cells, Column(column), self.table.index, self._pages.get(row))
