"""What a comparison found: counts that filter, the first divergence, the differing rows, and the chosen one whole."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QSplitter,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.projections.compare import Comparison, DifferingRow
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Job, Jobs
from esviewer.ui.projection_diff import CHANGES, DiffDelegate, DiffModel, SidesModel
from esviewer.ui.projection_rows import chosen_numbers, dress
from esviewer.ui.projection_work import Change, Differences, as_lines, cell_text, matching_job
from esviewer.ui.widgets import IconLabel, SearchField, label, tooltip
from esviewer.ui.widgets.format import grouped, short_id
from esviewer.ui.words import one_line, short_type

_SIGN_WIDTH: Final = 96
_LEAST: Final = 80
_WIDEST: Final = 300
_LOOKED_AT: Final = 200
"""Rows that the width of a column is made for."""
_FIELDS_SHOWN: Final = 8


class DifferencesView(QWidget):
    """For one comparison at a time."""

    position_wanted = Signal(object)
    row_activated = Signal(object)
    """A row of either side, as a dict."""
    export_wanted = Signal(object, object)
    said = Signal(str)

    def __init__(self, jobs: Jobs, lane: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._lane = jobs, lane
        self._job: Job[list[DifferingRow]] | None = None
        self._change: Change | None = None
        self._field: str | None = None
        self.first = _First()
        self.table = _DiffTable()
        self.model_ = DiffModel(self)
        self.sides = QTableView()
        self._sides = SidesModel(self)
        self.search = SearchField("Filter differing rows")
        self.only = QToolButton()
        self._changes: dict[Change, QToolButton] = {}
        self._fields: list[QToolButton] = []
        self._same = label(tone="second", font=fonts.ui(12))
        self._chip_row = QHBoxLayout()
        self.shown = label(tone="second", font=fonts.ui(12))
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.only.setText("Only fields that differ")
        self.only.setCheckable(True)
        self.only.setChecked(True)
        self.only.setToolTip("Leave out the columns in which all rows are the same")
        export = QToolButton()
        export.setIcon(icon("download"))
        export.setToolTip("Export the differing rows as they are shown, as CSV or JSON…")
        export.setAccessibleName("Export the differing rows")
        export.clicked.connect(self.ask_and_export)
        self.search.setMaximumWidth(200)
        bar = QHBoxLayout()
        bar.setContentsMargins(10, 4, 8, 4)
        bar.setSpacing(6)
        for widget in (self.search, self.only):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self.shown)
        bar.addWidget(export)
        self._chip_row.setContentsMargins(10, 2, 8, 0)
        self._chip_row.setSpacing(4)
        self._make_chips()
        self.table.setModel(self.model_)
        self.table.setItemDelegate(DiffDelegate(self.table))
        self.table.setAccessibleName("Rows that differ")
        self.sides.setModel(self._sides)
        dress(self.sides)
        self.sides.setAccessibleName("The chosen row, field by field")
        self.sides.setWordWrap(True)
        self.sides.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.sides.setColumnWidth(0, 130)
        self.sides.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self.sides)
        self.splitter.setHandleWidth(4)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([330, 110])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        first = QHBoxLayout()
        first.setContentsMargins(8, 0, 8, 2)
        first.addWidget(self.first)
        column.addLayout(first)
        column.addLayout(self._chip_row)
        column.addLayout(bar)
        column.addWidget(self.splitter, 1)

    def _connect(self) -> None:
        self.first.go.clicked.connect(lambda: self.position_wanted.emit(self.first.position))
        self.search.textChanged.connect(lambda _text: self._filter())
        self.only.toggled.connect(self._show_only)
        self.table.activated.connect(lambda index: self._activate(index.row()))
        self.table.selectionModel().currentRowChanged.connect(lambda now, _before: self._choose(now.row()))
        self.model_.modelReset.connect(lambda: self._choose(0))
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._show_menu)
        self.table.copy = self.copy

    # What is shown

    def show_comparison(self, done: Comparison, differences: Differences) -> None:
        """Shows another comparison, all of its rows."""
        self.first.show_divergence(done)
        self._change = self._field = None
        self.model_.show(differences)
        self._fit()
        self._fill_chips(done, differences)
        self._filter()

    def _fit(self) -> None:
        model, metrics = self.model_, QFontMetrics(self.table.font())
        for place, name in enumerate(model.columns):
            widest = max((len(model.text(row, name)) for row in model.differences.rows[:_LOOKED_AT]), default=0)
            wanted = max(widest, len(name)) * metrics.horizontalAdvance("0") + 28
            self.table.setColumnWidth(place, min(max(wanted, _LEAST), _WIDEST) if name else _SIGN_WIDTH)

    def _make_chips(self) -> None:
        """Makes all of them once: what is made and thrown away with each run makes PySide mix up its wrappers."""
        for change, (_, _, words) in CHANGES.items():
            chip = self._changes[change] = self._chip()
            chip.setToolTip(f"Rows {words}")
            chip.clicked.connect(partial(self._choose_change, change, chip))
        self._same.setContentsMargins(4, 0, 8, 0)
        self._chip_row.addWidget(self._same)
        for place in range(_FIELDS_SHOWN):
            chip = self._chip()
            chip.clicked.connect(partial(self._choose_field, place, chip))
            self._fields.append(chip)
        self._chip_row.addStretch(1)

    def _chip(self) -> QToolButton:
        chip = QToolButton()
        chip.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        chip.setCheckable(True)
        self._chip_row.addWidget(chip)
        return chip

    def _fill_chips(self, done: Comparison, differences: Differences) -> None:
        counts: dict[Change, int] = {"added": done.added, "removed": done.removed, "changed": done.changed}
        for change, chip in self._changes.items():
            symbol, tone, words = CHANGES[change]
            chip.setText(f"{grouped(counts[change])} {change}")
            chip.setIcon(icon(symbol, tone))
            chip.setAccessibleName(f"{grouped(counts[change])} rows {words}")
            chip.setEnabled(counts[change] > 0)
            chip.setChecked(False)
        self._same.setText(f"{grouped(done.same)} same")
        for place, chip in enumerate(self._fields):
            chip.setVisible(place < len(differences.fields))
            chip.setChecked(False)
            if place < len(differences.fields):
                name, count = differences.fields[place]
                tip = f"Rows in which {name} is not the same: {grouped(count)}"
                chip.setText(f"{one_line(name)[:24]} {grouped(count)}".replace("&", "&&"))
                chip.setToolTip(tooltip(tip))
                chip.setAccessibleName(tip)

    def _choose_change(self, change: Change, chip: QToolButton) -> None:
        self._only_chip(chip)
        self._change, self._field = (change if chip.isChecked() else None), None
        self._filter()

    def _choose_field(self, place: int, chip: QToolButton) -> None:
        self._only_chip(chip)
        name = self.model_.differences.fields[place][0]
        self._change, self._field = None, (name if chip.isChecked() else None)
        self._filter()

    def _only_chip(self, chip: QToolButton) -> None:
        for other in (*self._changes.values(), *self._fields):
            if other is not chip:
                other.setChecked(False)

    def _show_only(self, is_on: bool) -> None:
        self.model_.show_only_differing(is_on)
        self._fit()

    def _filter(self) -> None:
        if self._job is not None:
            self._job.cancel()
        rows, words = self.model_.differences.rows, self.search.text().strip()
        change, field = self._change, self._field
        if not words and change is None and field is None:
            self._filtered(list(rows))
            return
        self._job = self._jobs.run(
            self._lane,
            lambda control: matching_job(rows, words, change, field, control),
            self._filtered,
            lambda error: self.said.emit(str(error)),
        )

    def _filtered(self, rows: list[DifferingRow]) -> None:
        self._job = None
        self.model_.show_rows(rows)
        total = len(self.model_.differences.rows)
        count = grouped(total) if len(rows) == total else f"{grouped(len(rows))} of {grouped(total)}"
        self.shown.setText(f"{count} differing row{'' if total == 1 else 's'}")

    def _choose(self, number: int) -> None:
        rows = self.model_.rows
        self._sides.show(rows[number] if 0 <= number < len(rows) else None)

    def _activate(self, number: int) -> None:
        row = self.model_.rows[number]
        self.row_activated.emit({"key": row.key})

    # Taking rows away

    def copy(self) -> None:
        """Puts the chosen rows on the clipboard, with both sides."""
        chosen = [self.model_.rows[number] for number in chosen_numbers(self.table)]
        if chosen:
            sheet = self.model_.sheet(chosen)
            QGuiApplication.clipboard().setText(as_lines(sheet.rows, sheet.columns))
            self.said.emit(f"{grouped(len(chosen))} row{'' if len(chosen) == 1 else 's'} copied.")

    def ask_and_export(self) -> None:
        """Asks for a file and has the rows written to it, as they are shown."""
        path, _ = QFileDialog.getSaveFileName(
            self, "Export differing rows", "differences.csv", "CSV (*.csv);;JSON (*.json)"
        )
        if path:
            self.export_wanted.emit(self.model_.sheet(self.model_.rows), Path(path))

    def _show_menu(self, place: QPoint) -> None:
        index = self.table.currentIndex()
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        go = menu.addAction(icon("git-branch"), "Open the stream of this key", lambda: self._activate(index.row()))
        go.setEnabled(index.isValid())
        menu.addAction(icon("copy"), "Copy rows", self.copy).setEnabled(index.isValid())
        if index.isValid():
            for told in self.model_.rows[index.row()].explained or ():
                if told.get("position") is not None:
                    words = f"Go to position {told['position']}: {told['kind']}"
                    menu.addAction(words, partial(self.position_wanted.emit, told["position"]))
        menu.addAction(icon("download"), "Export as CSV or JSON…", self.ask_and_export)
        menu.popup(self.table.viewport().mapToGlobal(place))


class _DiffTable(QTableView):
    """The rows; copies by ``copy``."""

    def __init__(self) -> None:
        super().__init__()
        dress(self)
        self.copy = _nothing

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)


def _nothing() -> None:
    """There is nothing to copy."""


class _First(QFrame):
    """The first event that made a difference, with the way to it."""

    def __init__(self) -> None:
        super().__init__()
        self.position: object = None
        self.setProperty("severity", "warning")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 6, 4)
        row.setSpacing(8)
        row.addWidget(IconLabel("git-branch", "changed"))
        self.sentence = label()
        self.sentence.setWordWrap(True)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(self.sentence, 1)
        self.go = QToolButton()
        self.go.setText("Go to the event")
        self.go.setIcon(icon("git-commit-horizontal"))
        self.go.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.go.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.go.setToolTip("Opens the stream of the event, with the playhead on it")
        row.addWidget(self.go)

    def show_divergence(self, done: Comparison) -> None:
        """Says which event it is; hidden where there is none."""
        first = done.first
        self.setVisible(first is not None)
        if first is None:
            self.sentence.setText("")
            return
        self.position = first.position
        said = "A difference, by bisection, maybe not the first" if done.first_by == "bisection" else "First difference"
        where = f"{short_type(first.type)} at position {first.position}"
        key = one_line(cell_text(first.key))
        self.sentence.setText(f"{said}: {where}, in {first.table} {short_id(key, 24)}")
        self.sentence.setToolTip(tooltip(f"{first.type}\n{first.table} {key}"))
        self.setAccessibleName(self.sentence.text())
