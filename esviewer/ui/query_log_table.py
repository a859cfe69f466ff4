"""The rows of the query log, and the statements as text to be taken away."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from esviewer.domain import iso
from esviewer.stores.query_log import LoggedStatement
from esviewer.ui import fonts, icons
from esviewer.ui.theme import theme
from esviewer.ui.widgets import ROW_HEIGHT, tooltip
from esviewer.ui.widgets.format import ABSENT, grouped, when_exact
from esviewer.ui.zone import zone

_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    TIME = 0
    TOOK = 1
    ROWS = 2
    STATEMENT = 3


_TITLES: Final = {
    Column.TIME: "Sent at",
    Column.TOOK: "Took",
    Column.ROWS: "Rows",
    Column.STATEMENT: "Statement",
}
_WIDTHS: Final = {Column.TIME: 108, Column.TOOK: 84, Column.ROWS: 78}
_NUMBERS: Final = (Column.TOOK, Column.ROWS)


def took(seconds: float | None) -> str:
    """A duration in the unit that suits it: ``0.4 ms``, ``38 ms``, ``1.20 s``."""
    if seconds is None:
        return ABSENT
    if seconds >= 0.9995:
        return f"{seconds:.2f} s"
    return f"{seconds * 1_000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1_000:.0f} ms"


def one_line(entry: LoggedStatement) -> str:
    """The statement with its line breaks made spaces: the first line of generated SQL says little."""
    return " ".join(entry.statement.split())


def as_sql(entries: Sequence[LoggedStatement]) -> str:
    """The statements as an SQL script; what is known of each stands above it as comments."""
    return "\n".join(_facts(entry, "-- ") + entry.statement.strip().rstrip(";") + ";\n" for entry in entries)


def as_text(entries: Sequence[LoggedStatement]) -> str:
    """The statements to be read."""
    return "\n\n".join(f"{_facts(entry, '')}\n{entry.statement.strip()}\n" for entry in entries)


def _facts(entry: LoggedStatement, prefix: str) -> str:
    rows = ABSENT if entry.rows is None else str(entry.rows)
    lines = [f"{iso(_micros(entry))}  took {took(entry.seconds)}  rows {rows}", f"parameters {entry.parameters}"]
    if entry.error is not None:
        lines.append(f"error {entry.error}")
    return "".join(f"{prefix}{line}\n" for text in lines for line in text.splitlines())


def _micros(entry: LoggedStatement) -> int:
    return round(entry.at * 1_000_000)


class StatementsModel(QAbstractTableModel):
    """The statements that contain the filter's text, oldest first; grows at its end and is cut at its start."""

    def __init__(self) -> None:
        super().__init__()
        self._all: tuple[LoggedStatement, ...] = ()
        self.shown: list[LoggedStatement] = []
        self._filter = ""

    @property
    def total(self) -> int:
        """How many statements there are, the filter left aside."""
        return len(self._all)

    def update_to(self, entries: tuple[LoggedStatement, ...]) -> int:
        """Takes over what the log holds now; returns how many of the shown rows went at the start."""
        first = entries[0] if entries else None
        gone = next((i for i, entry in enumerate(self._all) if entry is first), len(self._all))
        kept = len(self._all) - gone
        lost = {id(entry) for entry in self._all[:gone]}
        removed = next((i for i, entry in enumerate(self.shown) if id(entry) not in lost), len(self.shown))
        added = [entry for entry in entries[kept:] if self._is_wanted(entry)]
        self._all = entries
        if removed:
            self.beginRemoveRows(QModelIndex(), 0, removed - 1)
            try:
                del self.shown[:removed]
            finally:
                self.endRemoveRows()
        if added:
            self.beginInsertRows(QModelIndex(), len(self.shown), len(self.shown) + len(added) - 1)
            try:
                self.shown.extend(added)
            finally:
                self.endInsertRows()
        return removed

    def set_filter(self, text: str) -> None:
        """Keeps statements in which this text occurs, in any case, in statement, parameters or error."""
        self._filter = text.strip().lower()
        self.beginResetModel()
        try:
            self.shown = [entry for entry in self._all if self._is_wanted(entry)]
        finally:
            self.endResetModel()

    def _is_wanted(self, entry: LoggedStatement) -> bool:
        return not self._filter or any(
            self._filter in text.lower() for text in (one_line(entry), entry.parameters, entry.error or "")
        )

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.shown)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(Column(section))
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        entry, column = self.shown[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell(entry, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole and column is Column.TIME:
            return when_exact(_micros(entry), zone())
        if role == Qt.ItemDataRole.ToolTipRole and entry.error is not None:
            return tooltip(entry.error)
        return None


def _cell(entry: LoggedStatement, column: Column) -> str:
    if column is Column.TIME:
        # Hours to milliseconds of "2024-03-05 12:31:22.000417 +01:00".
        return when_exact(_micros(entry), zone())[11:23]
    if column is Column.TOOK:
        return took(entry.seconds)
    if column is Column.ROWS:
        return ABSENT if entry.rows is None else grouped(entry.rows)
    return one_line(entry) if entry.error is None else f"{_first_line(entry.error)}  ·  {one_line(entry)}"


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[0]


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class StatementsTable(QTableView):
    """Rows of one height; copies whole statements."""

    export_wanted = Signal()
    walked = Signal()
    """A key was pressed that may have scrolled."""

    def __init__(self, statements: StatementsModel) -> None:
        super().__init__()
        self._statements = statements
        self.setModel(statements)
        self.setItemDelegate(_StatementDelegate(self))
        self.setAccessibleName("Statements")
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(Column.STATEMENT, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)

    def selected(self) -> list[LoggedStatement]:
        """The selected statements in their order."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._statements.shown[row] for row in rows]

    def copy_selected(self) -> None:
        """Puts the selected statements, with what is known of them, on the clipboard."""
        chosen = self.selected()
        if chosen:
            QGuiApplication.clipboard().setText(as_sql(chosen))

    def _copy_statements_alone(self) -> None:
        QGuiApplication.clipboard().setText("\n\n".join(entry.statement for entry in self.selected()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selected()
            return
        if event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End):
            # In a table these are the first and last cell of the row, and rows are what is walked here.
            row = 0 if event.key() == Qt.Key.Key_Home else len(self._statements.shown) - 1
            self.setCurrentIndex(self._statements.index(row, Column.STATEMENT))
        else:
            super().keyPressEvent(event)
        self.walked.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.selected():
            menu.addAction(icons.icon("copy"), "Copy statement", self._copy_statements_alone)
            menu.addAction("Copy with parameters and times", self.copy_selected)
            menu.addSeparator()
        menu.addAction(icons.icon("download"), "Export all rows shown…", self.export_wanted)
        menu.popup(event.globalPos() + QPoint(1, 1))


class _StatementDelegate(QStyledItemDelegate):
    """Cells in the mono face; a statement that failed has a sign before it."""

    def __init__(self, table: StatementsTable) -> None:
        super().__init__(table)
        self._font = fonts.mono(12)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        current = theme()
        area, column = QRect(option.rect), Column(index.column())
        model = index.model()
        assert isinstance(model, StatementsModel)
        has_failed = model.shown[index.row()].error is not None
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif index.row() % 2:
            painter.fillRect(area, current.color("sunken"))
        area.adjust(10, 0, -10, 0)
        token = "text" if column is Column.STATEMENT else "second"
        if has_failed and column is Column.STATEMENT:
            token = "removed"
            icons.paint(painter, "circle-alert", _square(area, 14), current.color(token))
            area.adjust(20, 0, 0, 0)
        painter.setFont(self._font)
        painter.setPen(current.color(token))
        text = QFontMetrics(self._font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(_alignment(column)), text)


def _square(area: QRect, side: int) -> QRectF:
    return QRectF(area.left(), area.center().y() - side / 2 + 0.5, side, side)
