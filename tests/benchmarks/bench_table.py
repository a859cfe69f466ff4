"""The table of all events at 20 million rows: frames against an empty widget's and against a QTableView's, in one run.

Run by name: ``QT_QPA_PLATFORM=offscreen PYTHONPATH=. python tests/benchmarks/bench_table.py [ROWS]``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtWidgets import QAbstractItemView, QApplication, QTableView, QWidget

from esviewer.stores.index import Index
from esviewer.ui import theme
from esviewer.ui.colours import TypeColours
from esviewer.ui.jobs import Control, Jobs
from esviewer.ui.row_ranges import RowRanges
from esviewer.ui.store_table import StoreTableTab
from esviewer.ui.store_table_columns import TITLES, WIDTHS, Column
from esviewer.ui.store_table_export import COPIED_AT_MOST, copy_job
from esviewer.ui.store_table_painting import Cells
from esviewer.ui.store_table_rows import Sort, Standing, TableRows, arrange
from esviewer.ui.widgets import ROW_HEIGHT
from tests.benchmarks.synthetic import index_of, store_of

FRAMES = 200
NOWHERE = Standing(RowRanges.none(), None, 0)
SIZE = (1400, 900)


class PlainModel(QAbstractTableModel):
    """The same cells for Qt's own table."""

    def __init__(self, index: Index) -> None:
        super().__init__()
        self._index = index

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return self._index.length

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        is_title = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return TITLES[section] if is_title else None

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        column = Column(index.column())
        if column is Column.PAYLOAD:
            return '{"note":"as made up"}'
        return Cells.of(self._index, np.array([index.row()])).texts(column)[0]


def milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1_000


def quantiles(times: list[float]) -> tuple[float, float]:
    return float(np.median(times)), float(np.quantile(times, 0.99))


def plain_table(index: Index) -> QTableView:
    table = QTableView()
    table.setModel(PlainModel(index))
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    for column, width in zip(Column, WIDTHS, strict=True):
        table.setColumnWidth(column, width)
    return table


def measure_frames(tab: StoreTableTab, plain: QTableView, empty: QWidget, rows: int) -> None:
    """Prints scrolling by three rows and jumping anywhere, for both tables and the empty widget, interleaved."""
    view, jumps = tab.view, np.random.default_rng(2).integers(0, rows, FRAMES).tolist()
    for what, place_of in (("scroll", lambda turn: rows // 2 + 3 * turn), ("jump", jumps.__getitem__)):
        ours, qts, floor = list[float](), list[float](), list[float]()
        for turn in range(FRAMES):
            place = place_of(turn)
            floor.append(milliseconds(empty.grab))
            ours.append(milliseconds(lambda at=place: (view.scroll_to_offset(at * ROW_HEIGHT), view.grab())))  # type: ignore[misc]
            qts.append(milliseconds(lambda at=place: (plain.verticalScrollBar().setValue(at), plain.grab())))  # type: ignore[misc]
            # Payloads that were read meanwhile arrive between frames, as they do when one scrolls.
            QApplication.processEvents()
        (bare, _), (own, own_99), (qt, qt_99) = map(quantiles, (floor, ours, qts))
        print(
            f"{what:>7} frame  {own:6.2f} ms median {own_99:6.2f} p99   {own / bare:5.1f} x empty widget"
            f"   QTableView {qt:6.2f} / {qt_99:6.2f}, {qt / own:4.1f} x ours"
        )


def longest_block(jobs: Jobs, act: Callable[[], object]) -> float:
    """ms for which the event loop stood still at most while something was done off the UI thread."""
    ticks = [time.perf_counter()]
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(0)
    act()
    while jobs.busy:
        QApplication.processEvents()
    QApplication.processEvents()
    return float(np.diff([*ticks, time.perf_counter()]).max()) * 1_000


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000_000
    app = QApplication([])
    theme.apply(app, "light")
    index, jobs = index_of(rows), Jobs()
    store = store_of(index)
    tab, plain, empty = StoreTableTab(store, jobs, TypeColours(index.types)), plain_table(index), QWidget()
    for widget in (tab.view, plain, empty):
        widget.resize(*SIZE)
    for widget in (tab, plain, empty):
        widget.show()
    tab.resize(SIZE[0] + 40, SIZE[1] + 80)
    for widget in (tab.view, plain, empty):
        widget.resize(*SIZE)
        widget.grab()
    print(f"{rows:,} rows, {SIZE[0]} x {SIZE[1]}, {tab.view.whole_rows} rows of {len(Column)} cells in sight")
    measure_frames(tab, plain, empty, rows)
    plain.close()

    print(f"select all and paint     {milliseconds(lambda: (tab.view.select_all(), tab.view.grab())):8.1f} ms")
    control, table = Control(lambda state: None), TableRows(index, rows)
    for column in (Column.SIZE, Column.TIME, Column.TYPE, Column.STREAM):
        took = milliseconds(lambda by=column: arrange(table, None, Sort(by), NOWHERE))  # type: ignore[misc]
        print(f"sort by {TITLES[column].lower():<12}     {took:8.0f} ms off the UI thread")
    places = RowRanges.between(0, min(COPIED_AT_MOST, rows))
    took = milliseconds(lambda: copy_job(store, table, places, control))
    print(f"copy {places.count:,} rows        {took:8.0f} ms off the UI thread, made-up events included")
    for column in (Column.SIZE, Column.TIME, Column.STREAM):
        block = longest_block(jobs, lambda by=column: tab.sort_by(Sort(by, True)))  # type: ignore[misc]
        print(f"longest block of the event loop, sorting by {TITLES[column].lower()}: {block:.0f} ms")
    tab.stop()
    jobs.close()


if __name__ == "__main__":
    main()
