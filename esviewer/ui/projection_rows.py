"""The rows of a projection's table: sorted, filtered, copied and exported; hundreds of thousands of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QMenu, QTableView, QWidget

from esviewer.domain import Value
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Job, Jobs
from esviewer.ui.projection_work import Sheet, arranged_job, as_lines, cell_text
from esviewer.ui.theme import theme
from esviewer.ui.widgets import ROW_HEIGHT, RowDelegate, tooltip
from esviewer.ui.widgets.format import ABSENT, grouped
from esviewer.ui.words import one_line

_Index = QModelIndex | QPersistentModelIndex
_SHOWN: Final = 300
"""Characters of a cell that are painted: nobody reads more in a table, and the tooltip has all."""
_LOOKED_AT: Final = 200
"""Rows that the width of a column is made for."""
_WIDEST: Final = 300
COPIED_AT_MOST: Final = 100_000
EMPTY: Final = Sheet("rows", [], [])


class RowsModel(QAbstractTableModel):
    """The rows of a sheet at some places, in some order."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.sheet = EMPTY
        self.places: NDArray[np.int64] = np.empty(0, np.int64)
        self._tainted: frozenset[str] = frozenset()

    def show(self, sheet: Sheet, tainted: frozenset[str] = frozenset()) -> None:
        """Shows other rows, as they come. ``tainted`` are keys, as texts."""
        self.beginResetModel()
        self.sheet, self._tainted = sheet, tainted
        self.places = np.arange(len(sheet.rows), dtype=np.int64)
        self.endResetModel()

    def arrange(self, places: NDArray[np.int64]) -> None:
        """Shows the rows at these places, in this order."""
        self.layoutAboutToBeChanged.emit()
        for kept in self.persistentIndexList():
            self.changePersistentIndex(kept, QModelIndex())
        self.places = places
        self.layoutChanged.emit()

    def row(self, number: int) -> dict[str, Value]:
        """The row that is shown there."""
        return self.sheet.rows[int(self.places[number])]

    def is_tainted(self, number: int) -> bool:
        """Whether an event of the row's stream was set aside."""
        return bool(self._tainted) and cell_text(self.row(number)["key"]) in self._tainted

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.places)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.sheet.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.sheet.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(self.sheet.columns[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, name = self.row(index.row()), self.sheet.columns[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return shown(row[name]) if name in row else ABSENT
        if role == Qt.ItemDataRole.ToolTipRole:
            taint = "Tainted: an earlier event of its stream was set aside\n" if self.is_tainted(index.row()) else ""
            return tooltip(taint + (cell_text(row[name]) if name in row else "This row has no such column"))
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(row, name, index)
        if role == Qt.ItemDataRole.TextAlignmentRole and is_number(row.get(name)) and index.column():
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _colour(self, row: dict[str, Value], name: str, index: _Index) -> Any:
        if name not in row or row[name] is None:
            return theme().color("third")
        return theme().color("changed") if not index.column() and self.is_tainted(index.row()) else None


def shown(value: Value) -> str:
    """A value as a cell shows it: one line, not endless."""
    return one_line(cell_text(value)[:_SHOWN])


def is_number(value: Value) -> bool:
    """Whether a value is a number: these stand at the right."""
    return isinstance(value, int | float) and not isinstance(value, bool)


class RowsView(QTableView):
    """The table with its keys and menu. Sorting and searching are done by ``jobs`` in a lane of the store."""

    row_activated = Signal(object)
    """A row, as a dict."""
    arranged = Signal()
    export_wanted = Signal(object, object)
    """A sheet of the rows as shown, and the path."""
    said = Signal(str)

    def __init__(self, jobs: Jobs, lane: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_ = RowsModel(self)
        self._jobs, self._lane = jobs, lane
        self._job: Job[NDArray[np.int64]] | None = None
        self._words = ""
        self._sort: tuple[str | None, bool] = (None, False)
        self.name = "rows"
        self.failed: Callable[[BaseException], None] = lambda error: None
        self.setModel(self.model_)
        dress(self)
        self.setAccessibleName("Rows of the projection")
        self.horizontalHeader().sectionClicked.connect(self._sort_by)
        self.activated.connect(lambda index: self.row_activated.emit(self.model_.row(index.row())))
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)

    def show_sheet(self, sheet: Sheet, tainted: frozenset[str] = frozenset()) -> None:
        """Shows other rows; the search and the order stay, where there is still such a column."""
        has_columns = self.model_.sheet.columns == sheet.columns
        self.name = sheet.name
        self.model_.show(sheet, tainted)
        if not has_columns:
            fit_columns(self, [[row.get(name) for row in sheet.rows[:_LOOKED_AT]] for name in sheet.columns])
        if self._sort[0] not in sheet.columns:
            self._sort = (None, False)
            self.horizontalHeader().setSortIndicatorShown(False)
        self._arrange()

    def show_matching(self, words: str) -> None:
        """Shows only rows that contain these words."""
        self._words = words.strip()
        self._arrange()

    def _sort_by(self, section: int) -> None:
        name = self.model_.sheet.columns[section]
        is_again = self._sort[0] == name
        self._sort = (name, not self._sort[1] if is_again else False)
        order = Qt.SortOrder.DescendingOrder if self._sort[1] else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicatorShown(True)
        self.horizontalHeader().setSortIndicator(section, order)
        self._arrange()

    def _arrange(self) -> None:
        if self._job is not None:
            self._job.cancel()
        rows, words, (column, is_descending) = self.model_.sheet.rows, self._words, self._sort
        if not words and column is None:
            self._job = None
            self._arranged(np.arange(len(rows), dtype=np.int64))
            return
        self._job = self._jobs.run(
            self._lane,
            lambda control: arranged_job(rows, words, column, is_descending, control),
            self._arranged,
            lambda error: self.failed(error),
        )

    def _arranged(self, places: NDArray[np.int64]) -> None:
        self._job = None
        self.model_.arrange(places)
        self.arranged.emit()

    # Taking rows away

    def _chosen(self) -> list[dict[str, Value]]:
        return [self.model_.row(number) for number in chosen_numbers(self)[:COPIED_AT_MOST]]

    def copy(self) -> None:
        """Puts the chosen rows on the clipboard, for a spreadsheet."""
        rows = self._chosen()
        if rows:
            QGuiApplication.clipboard().setText(as_lines(rows, self.model_.sheet.columns))
            self.said.emit(f"{grouped(len(rows))} row{'' if len(rows) == 1 else 's'} copied.")

    def copy_cell(self) -> None:
        """Puts the whole value of the current cell on the clipboard."""
        index = self.currentIndex()
        if index.isValid():
            row, name = self.model_.row(index.row()), self.model_.sheet.columns[index.column()]
            QGuiApplication.clipboard().setText(cell_text(row.get(name)))

    def ask_and_export(self) -> None:
        """Asks for a file and has the rows written to it, as they are shown."""
        path, _ = QFileDialog.getSaveFileName(self, "Export rows", f"{self.name}.csv", "CSV (*.csv);;JSON (*.json)")
        if path:
            self.export(Path(path))

    def export(self, path: Path) -> None:
        """Has the rows written to a file, as they are shown."""
        model = self.model_
        rows = [model.sheet.rows[place] for place in model.places.tolist()]
        self.export_wanted.emit(Sheet(self.name, rows, model.sheet.columns), path)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        has_row = self.currentIndex().isValid()
        go = menu.addAction(icon("git-branch"), "Open the stream of this key", self._activate)
        go.setEnabled(has_row)
        menu.addAction(icon("copy"), "Copy rows", self.copy).setEnabled(has_row)
        menu.addAction("Copy value", self.copy_cell).setEnabled(has_row)
        menu.addAction(icon("download"), "Export as CSV or JSON…", self.ask_and_export)
        menu.popup(self.viewport().mapToGlobal(place))

    def _activate(self) -> None:
        self.row_activated.emit(self.model_.row(self.currentIndex().row()))


def chosen_numbers(view: QTableView) -> list[int]:
    """The numbers of the rows that are selected, from above."""
    chosen = view.selectionModel().selection()
    runs = [chosen.at(place) for place in range(chosen.count())]
    return sorted({number for run in runs for number in range(run.top(), run.bottom() + 1)})


def dress(view: QTableView) -> None:
    """Gives a table the looks that all of the window's tables have."""
    view.setFont(fonts.mono(12))
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setCornerButtonEnabled(False)
    view.setItemDelegate(RowDelegate(view))
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setTabKeyNavigation(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setSectionsClickable(True)
    header.setStretchLastSection(True)


def fit_columns(view: QTableView, values: list[list[Value]]) -> None:
    """Makes each column as wide as its first values want it, within reason."""
    metrics, model = QFontMetrics(view.font()), view.model()
    title = QFontMetrics(fonts.ui(12, 600))
    for column, own in enumerate(values):
        widest = max((len(shown(value)[:60]) for value in own), default=0) * metrics.horizontalAdvance("0")
        name = model.headerData(column, Qt.Orientation.Horizontal) or ""
        view.setColumnWidth(column, min(max(widest, title.horizontalAdvance(str(name)) + 24) + 30, _WIDEST))
