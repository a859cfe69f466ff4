"""Event types down, versions across: how many events each has, and what today's code makes of them."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from esviewer.catalogue.status import Status
from esviewer.stores.index import NONE, Index
from esviewer.ui import fonts
from esviewer.ui.catalogue_rows import SORTS, TypeCell, TypeRow, columns_of
from esviewer.ui.colours import TypeColours
from esviewer.ui.statuses import CODES, LOOKS, SHOWN, SIDE, paint_status
from esviewer.ui.theme import theme
from esviewer.ui.widgets import ROW_HEIGHT, tooltip
from esviewer.ui.widgets.format import ABSENT, grouped, when
from esviewer.ui.words import one_line, short_type
from esviewer.ui.zone import zone

_Index = QModelIndex | QPersistentModelIndex
_BEFORE: Final = ("Type", "Events")
_AFTER: Final = ("First", "Last")
_WIDTHS: Final = {"Type": 220, "Events": 66, "First": 94, "Last": 94}
_VERSION_WIDTH: Final = 72
_TYPE_LEAST: Final = 150


class TypesModel(QAbstractTableModel):
    """A row a type; columns are its name and number, its versions, and when it was first and last written."""

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._index = index
        self._given: list[TypeRow] = []
        self.rows: list[TypeRow] = []
        self.titles: list[str] = [*_BEFORE, *_AFTER]
        self._sort: tuple[int, Qt.SortOrder] = (-1, Qt.SortOrder.AscendingOrder)
        self._words = ""

    def show(self, index: Index, rows: list[TypeRow]) -> None:
        """Shows other rows, in the order that was chosen, else as they are given."""
        self.beginResetModel()
        self._index, self._given = index, rows
        self.titles = [*_BEFORE, *columns_of(rows), *_AFTER]
        self._arrange()
        self.endResetModel()

    def show_matching(self, words: str) -> None:
        """Shows only types whose name contains these words."""
        self.beginResetModel()
        self._words = words.casefold()
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        rows = [row for row in self._given if self._words in row.name.casefold()]
        column, order = self._sort
        title = self.titles[column] if 0 <= column < len(self.titles) else ""
        is_descending = order is Qt.SortOrder.DescendingOrder
        if title in SORTS:
            rows = sorted(rows, key=SORTS[title], reverse=is_descending)
        elif title:

            def stored(row: TypeRow) -> int:
                cell = row.cells.get(title)
                return cell.fact.count if cell is not None and cell.fact is not None else -1

            rows = sorted(rows, key=stored, reverse=is_descending)
        self.rows = rows

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.beginResetModel()
        self._sort = (column, order)
        self._arrange()
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.titles)

    def cell(self, index: _Index) -> TypeCell | None:
        """The version of a type that stands in a cell."""
        title = self.titles[index.column()]
        return None if title in (*_BEFORE, *_AFTER) else self.rows[index.row()].cells.get(title)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.titles):
            return None
        title = self.titles[section]
        is_version = title not in (*_BEFORE, *_AFTER)
        if role == Qt.ItemDataRole.DisplayRole:
            return f"v{title}" if is_version and title.isdigit() else title
        if role == Qt.ItemDataRole.TextAlignmentRole and (is_version or title == "Events"):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, title = self.rows[index.row()], self.titles[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, title)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self._tip(row, title))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._tip(row, title).replace("\n", ", ")
        return None

    def _text(self, row: TypeRow, title: str) -> str:
        if title == "Type":
            return short_type(row.name)
        if title == "Events":
            return grouped(row.count)
        if title in _AFTER:
            return self._day(row.first if title == "First" else row.last)
        cell = row.cells.get(title)
        if cell is None:
            return ""
        return grouped(cell.fact.count) if cell.fact is not None else ABSENT

    def _day(self, row: int | None) -> str:
        time = self._time(row)
        return ABSENT if time is None else when(time, zone())[:10]

    def _time(self, row: int | None) -> int | None:
        if row is None or row >= self._index.length:
            return None
        time = int(self._index.column("time")[row])
        return None if time == NONE else time

    def _tip(self, row: TypeRow, title: str) -> str:
        cell = row.cells.get(title) if title not in (*_BEFORE, *_AFTER) else None
        if cell is not None:
            return self._cell_tip(row, title, cell)
        if title in _AFTER:
            place = row.first if title == "First" else row.last
            if place is None or place >= self._index.length:
                return "no event of it is stored"
            time = self._time(place)
            return f"position {self._index.position_of(place)}\n{when(time, zone()) if time is not None else 'no time'}"
        if title not in _BEFORE:
            return ""
        lines = [row.name]
        lines += [f"stored as {name}" for name in row.stored if name != row.name]
        if row.ignored is not None:
            lines.append(f"ignored: {row.ignored.reason or 'no reason given'}")
        elif row.known is None:
            lines.append("not in the catalogue")
        return "\n".join([*lines, *_counts(row.statuses)])

    def _cell_tip(self, row: TypeRow, title: str, cell: TypeCell) -> str:
        lines = [f"{short_type(row.name)}, version {title}" + (" (current)" if cell.is_current else "")]
        if not cell.is_declared and row.known is not None:
            lines.append("not declared in the catalogue")
        if cell.fact is None:
            return "\n".join([*lines, "no event of it is stored"])
        lines.append(f"{grouped(cell.fact.streams)} stream{'' if cell.fact.streams == 1 else 's'}")
        lines += [f"from {self._day(cell.fact.first)} to {self._day(cell.fact.last)}"]
        return "\n".join([*lines, *_counts(cell.fact.statuses)])


def _counts(statuses: Any) -> list[str]:
    return [f"{grouped(statuses[status])} {look.counted}" for status, look in LOOKS.items() if statuses.get(status)]


class TypesTable(QTableView):
    """The types with their versions; the selected type is told about beside it."""

    type_chosen = Signal(object)
    """A :class:`TypeRow`, or ``None``."""
    cell_activated = Signal(object, object)
    """A row and a cell of it (or ``None``) were double-clicked."""

    def __init__(self, index: Index, colours: TypeColours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.types = TypesModel(index)
        self.colours = colours
        self._chosen = ""
        self.setModel(self.types)
        self.setAccessibleName("Event types and their versions")
        self.setItemDelegate(_CellDelegate(self))
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head = self.horizontalHeader()
        head.setHighlightSections(False)
        head.setSectionsClickable(True)
        head.setSortIndicatorShown(True)
        head.setSortIndicatorClearable(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        head.sortIndicatorChanged.connect(self._sort)
        self.selectionModel().currentRowChanged.connect(self._current_changed)
        self.doubleClicked.connect(self._activate)

    def show_rows(self, index: Index, rows: list[TypeRow]) -> None:
        """Shows other rows; the type that was chosen stays chosen, or the first one is."""
        titles = list(self.types.titles)
        self.types.show(index, rows)
        if titles != self.types.titles:
            self.fit_columns()
        self.choose(self._chosen)

    def _sort(self, column: int, order: Qt.SortOrder) -> None:
        self.types.sort(column, order)
        self.choose(self._chosen)

    def show_matching(self, words: str) -> None:
        """Shows only types whose name contains these words."""
        self.types.show_matching(words)
        self.choose(self._chosen)

    def fit_columns(self) -> None:
        """Gives names what the numbers leave."""
        titles = self.types.titles
        widths = [_WIDTHS.get(title, _VERSION_WIDTH) for title in titles]
        rest = self.viewport().width() - sum(widths[1:])
        widths[0] = max(_TYPE_LEAST, min(rest, 460))
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.fit_columns()

    def choose(self, name: str) -> None:
        """Makes a type the chosen one, the first one where it is not there."""
        names = [row.name for row in self.types.rows]
        is_there = name in names
        self.selectionModel().blockSignals(True)
        if names:
            self.setCurrentIndex(self.types.index(names.index(name) if is_there else 0, 0))
        self.selectionModel().blockSignals(False)
        if is_there:
            self._chosen = name
        self.type_chosen.emit(self.chosen)
        self.viewport().update()

    @property
    def chosen(self) -> TypeRow | None:
        """The type that is told about."""
        place = self.currentIndex().row()
        return self.types.rows[place] if 0 <= place < len(self.types.rows) else None

    def _current_changed(self, now: _Index, _before: _Index) -> None:
        row = self.chosen
        if row is not None and now.isValid():
            # What nobody chose is not kept: the first row may be another one soon.
            self._chosen = row.name
        self.type_chosen.emit(row)

    def _activate(self, index: QModelIndex) -> None:
        self.cell_activated.emit(self.types.rows[index.row()], self.types.cell(index))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current = self.currentIndex()
        if event.matches(QKeySequence.StandardKey.Copy) and current.isValid():
            QGuiApplication.clipboard().setText(self.types.rows[current.row()].name)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and current.isValid():
            self._activate(current)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = self.indexAt(event.pos())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if place.isValid():
            name = self.types.rows[place.row()].name
            menu.addAction("Show its events", lambda: self._activate(place))
            menu.addAction("Copy the type's name", lambda: QGuiApplication.clipboard().setText(name))
            menu.addSeparator()
        menu.addAction("Copy the table", lambda: QGuiApplication.clipboard().setText(self.text()))
        menu.popup(event.globalPos())

    def text(self) -> str:
        """All of it, separated by tabs under a header; types by their whole names."""
        lines = ["\t".join(self.types.titles)]
        for place, row in enumerate(self.types.rows):
            cells = [str(self.types.index(place, column).data() or "") for column in range(1, len(self.types.titles))]
            lines.append("\t".join([one_line(row.name), *cells]))
        return "\n".join(lines)


class _CellDelegate(QStyledItemDelegate):
    """Names with the marks of their types, numbers with the signs of their statuses."""

    def __init__(self, table: TypesTable) -> None:
        super().__init__(table)
        self._table = table

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        current, table = theme(), self._table
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        row, title = table.types.rows[index.row()], table.types.titles[index.column()]
        text = str(index.data() or "")
        if title == "Type":
            self._paint_name(painter, area, row, text)
            return
        painter.setFont(fonts.mono(12))
        cell = table.types.cell(index)
        if cell is not None:
            self._paint_cell(painter, area, cell, text)
            return
        painter.setPen(current.color("second" if row.count else "third"))
        align = Qt.AlignmentFlag.AlignRight if title == "Events" else Qt.AlignmentFlag.AlignLeft
        painter.drawText(area.adjusted(10, 0, -10, 0), int(align | Qt.AlignmentFlag.AlignVCenter), text)

    def _paint_name(self, painter: QPainter, area: QRect, row: TypeRow, text: str) -> None:
        current = theme()
        stored = row.stored[0] if row.stored else None
        y = area.center().y() + 1
        if stored is not None:
            self._table.colours.paint(painter, stored, area.x() + 16, y)
        worst = row.worst
        right = area.right() - 4
        if worst in SHOWN:
            paint_status(painter, CODES[worst], right - SIDE / 2, y)
            right -= SIDE + 6
        painter.setFont(fonts.ui(13))
        painter.setPen(current.color("third" if row.ignored is not None or not row.count else "text"))
        room = QRect(area.x() + 30, area.y(), right - area.x() - 30, area.height())
        shown = QFontMetrics(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)

    def _paint_cell(self, painter: QPainter, area: QRect, cell: TypeCell, text: str) -> None:
        current, worst = theme(), cell.worst
        box = QRectF(area.adjusted(4, 3, -4, -3))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tone = LOOKS[worst].token if worst in SHOWN else ""
        if tone in ("removed", "changed"):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(current.color(f"{tone}_behind"))
            painter.drawRoundedRect(box, 4, 4)
        if cell.is_current:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(current.color("strong"), 1))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        token = tone or ("third" if cell.fact is None or worst is Status.IGNORED else "text")
        painter.setPen(current.color(token))
        painter.drawText(
            area.adjusted(8, 0, -10, 0), int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), text
        )
        if worst in SHOWN:
            centre = QPointF(area.x() + 8 + SIDE / 2, area.center().y() + 1)
            paint_status(painter, CODES[worst], centre.x(), centre.y(), size=SIDE - 1)
