"""The header of the table of all events: Qt's own, over no rows, so that it never looks at any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QHeaderView

from esviewer.ui import fonts, icons
from esviewer.ui.store_table_columns import NARROW, RIGHT, SORTED, TITLES, WIDTHS, Column
from esviewer.ui.store_table_painting import Span
from esviewer.ui.store_table_rows import Sort
from esviewer.ui.theme import theme

if TYPE_CHECKING:
    from esviewer.ui.store_table_view import StoreTableView

_HEIGHT = 30
_LEAST = 48
_PADDING = 10
_ARROW = 12
_GIVING_WAY = (Column.PAYLOAD, Column.TYPE, Column.STREAM, Column.VERSION, Column.SIZE)
"""Columns that become narrower where there is little room, the first of them first."""


class StoreTableHeader(QHeaderView):
    """Titles, widths and the sort. A click sorts upwards, the next downwards, the third gives store order back."""

    resized = Signal()
    widths_chosen = Signal(object)
    """Widths by column, as they were made by hand."""
    sort_wanted = Signal(object)

    def __init__(self, view: StoreTableView) -> None:
        super().__init__(Qt.Orientation.Horizontal, view)
        model = QStandardItemModel(0, len(Column), self)
        for column in Column:
            item = QStandardItem(TITLES[column])
            item.setToolTip(f"Sort by {TITLES[column].lower()}" if column in SORTED else "")
            model.setHorizontalHeaderItem(column, item)
        self.setModel(model)
        self.setFixedHeight(_HEIGHT)
        self.setSectionsClickable(True)
        self.setHighlightSections(False)
        self.setMinimumSectionSize(_LEAST)
        self.setStretchLastSection(False)
        self._position = WIDTHS[Column.POSITION]
        self._chosen: list[int] | None = None
        self._hovered = -1
        self.viewport().setMouseTracking(True)
        self._sort: Sort | None = None
        self.setSortIndicatorClearable(True)
        self.setSortIndicatorShown(True)
        self.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.sortIndicatorChanged.connect(self._indicated)
        self.sectionResized.connect(self._section_resized)
        self.setAccessibleName("Columns, in store order")

    @property
    def sort(self) -> Sort | None:
        """What is shown as sorted by."""
        return self._sort

    def show_sort(self, sort: Sort | None) -> None:
        """Shows what rows are sorted by; tells nobody."""
        self._sort = sort
        self.blockSignals(True)
        column = -1 if sort is None else int(sort.column)
        is_descending = sort is not None and sort.is_descending
        self.setSortIndicator(column, Qt.SortOrder.DescendingOrder if is_descending else Qt.SortOrder.AscendingOrder)
        self.blockSignals(False)
        said = "in store order"
        if sort is not None:
            said = f"sorted by {TITLES[sort.column].lower()}, {'descending' if is_descending else 'ascending'}"
        self.setAccessibleName(f"Columns, {said}")
        self.viewport().update()

    def spans(self) -> list[Span]:
        """Where each column stands in the viewport."""
        return [Span(column, self.sectionViewportPosition(column), self.sectionSize(column)) for column in Column]

    def choose_widths(self, widths: Sequence[int]) -> None:
        """Takes widths that were made by hand earlier."""
        self._chosen = list(widths)
        self.fill(self.viewport().width())

    def make_room(self, digits: int) -> None:
        """Lets positions of so many characters fit in, unless widths were made by hand."""
        needed = round(digits * QFontMetricsF(fonts.mono(12)).horizontalAdvance("0")) + 26
        if needed > self._position:
            self._position = needed
            self.fill(self.viewport().width())

    def fill(self, width: int) -> None:
        """Shares out so many pixels; what was made by hand stays, but that the payload takes what is left over."""
        widths = list(WIDTHS if self._chosen is None else self._chosen)
        if self._chosen is None:
            widths[Column.POSITION] = self._position
            for column in _GIVING_WAY:
                lacking = sum(widths) - width
                widths[column] -= max(0, min(lacking, widths[column] - NARROW[column]))
        widths[Column.PAYLOAD] += max(0, width - sum(widths))
        self.blockSignals(True)
        for column in Column:
            self.resizeSection(column, widths[column])
        self.blockSignals(False)
        self.resized.emit()

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """A title; beside it, at the side where there is room, the arrow of the column that rows are sorted by."""
        if not rect.isValid():
            return
        column, current = Column(section), theme()
        is_sorted = self._sort is not None and self._sort.column is column
        painter.save()
        painter.fillRect(rect, current.color("panel"))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, current.color("border"))
        is_lit = is_sorted or section == self._hovered
        painter.setPen(current.color("text" if is_lit and column in SORTED else "second"))
        painter.setFont(fonts.ui(fonts.CAPTION, 500))
        side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
        # Words begin where the words of the rows do.
        room = rect.adjusted(_PADDING + 2, 0, -_PADDING, 0)
        place = painter.boundingRect(room, int(side | Qt.AlignmentFlag.AlignVCenter), TITLES[column])
        painter.drawText(room, int(side | Qt.AlignmentFlag.AlignVCenter), TITLES[column])
        if is_sorted and self._sort is not None:
            x = place.left() - _ARROW - 3 if column in RIGHT else place.right() + 4
            arrow = QRectF(x, rect.center().y() - _ARROW / 2 + 1, _ARROW, _ARROW)
            icons.paint(
                painter, "chevron-down" if self._sort.is_descending else "chevron-up", arrow, current.color("text")
            )
        if section == self._hovered:
            painter.fillRect(rect.right(), rect.top() + 8, 1, rect.height() - 16, current.color("strong"))
        painter.restore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(self.logicalIndexAt(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(-1)

    def _hover(self, section: int) -> None:
        if section != self._hovered:
            self._hovered = section
            self.viewport().update()

    def _indicated(self, section: int, order: Qt.SortOrder) -> None:
        if section >= 0 and Column(section) not in SORTED:
            self.show_sort(self._sort)
            return
        sort = None if section < 0 else Sort(Column(section), order == Qt.SortOrder.DescendingOrder)
        self.sort_wanted.emit(sort)

    def _section_resized(self, section: int, _before: int, now: int) -> None:
        chosen = [self.sectionSize(column) for column in Column]
        if section != Column.PAYLOAD:
            # What was given to the payload because it was left over is not a wish.
            least = (WIDTHS if self._chosen is None else self._chosen)[Column.PAYLOAD]
            chosen[Column.PAYLOAD] = min(chosen[Column.PAYLOAD], least)
        self._chosen = chosen
        self.fill(self.viewport().width())
        self.widths_chosen.emit(chosen)
