"""Where the outcome of a run stands: progress while it runs, then the verdict, and rows or differences below it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QTabBar, QToolButton, QVBoxLayout, QWidget

from esviewer.projections.compare import Comparison
from esviewer.ui import fonts
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Jobs
from esviewer.ui.projection_differences import DifferencesView
from esviewer.ui.projection_rows import RowsView
from esviewer.ui.projection_verdict import VerdictBar
from esviewer.ui.projection_work import Advance, Ran, cell_text
from esviewer.ui.widgets import Banner, BusyBar, EmptyState, SearchField, label
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import one_line

_NOTHING = "Replay the projection: its rows will stand here, with the verdict."


class ResultView(QWidget):
    """The outcome of the last run of a store, or what stands in its place."""

    position_wanted = Signal(object)
    line_wanted = Signal(int)
    row_activated = Signal(object)
    export_wanted = Signal(object, object)
    said = Signal(str)
    cancelled = Signal()
    paused = Signal(bool)

    def __init__(self, jobs: Jobs, lane: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.busy = BusyBar()
        self.left = label(tone="second", font=fonts.ui(12))
        self.pause = QToolButton()
        self.verdict = VerdictBar()
        self.notice = Banner()
        self.tables = QTabBar()
        self.rows = RowsView(jobs, lane)
        self.search = SearchField("Filter rows")
        self.shown = label(tone="second", font=fonts.ui(12))
        self.differences = DifferencesView(jobs, lane)
        self.empty = EmptyState("table", _NOTHING)
        self.pages = QStackedWidget()
        self._ran: Ran | None = None
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.pause.setIcon(icon("pause"))
        self.pause.setCheckable(True)
        self.pause.setToolTip("Rest, or go on")
        self.pause.setAccessibleName("Pause the replay")
        self._busy_row = QWidget()
        both = QVBoxLayout(self._busy_row)
        both.setContentsMargins(12, 4, 8, 4)
        both.setSpacing(0)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.busy, 1)
        row.addWidget(self.pause)
        both.addLayout(row)
        both.addWidget(self.left)
        self.tables.setProperty("inner", "true")
        self.tables.setDrawBase(False)
        self.tables.setExpanding(False)
        self.tables.setAccessibleName("Tables of the projection")
        export = QToolButton()
        export.setIcon(icon("download"))
        export.setToolTip("Export the rows as they are shown, as CSV or JSON…")
        export.setAccessibleName("Export the rows")
        export.clicked.connect(self.rows.ask_and_export)
        self.search.setMaximumWidth(200)
        bar = QHBoxLayout()
        bar.setContentsMargins(10, 6, 8, 4)
        bar.setSpacing(8)
        for widget in (self.search, self.tables):
            bar.addWidget(widget)
        bar.addStretch(1)
        bar.addWidget(self.shown)
        bar.addWidget(export)
        of_rows = QWidget()
        inner = QVBoxLayout(of_rows)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addLayout(bar)
        inner.addWidget(self.rows, 1)
        for page in (self.empty, of_rows, self.differences):
            self.pages.addWidget(page)
        head = QVBoxLayout()
        head.setContentsMargins(8, 0, 8, 4)
        head.setSpacing(6)
        head.addWidget(self.notice)
        head.addWidget(self.verdict)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._busy_row)
        column.addLayout(head)
        column.addWidget(self.pages, 1)
        self._busy_row.hide()

    def _connect(self) -> None:
        self.busy.cancelled.connect(self.cancelled)
        self.pause.toggled.connect(self.paused)
        for view in (self.verdict, self.differences):
            view.position_wanted.connect(self.position_wanted)
        self.verdict.line_wanted.connect(self.line_wanted)
        self.rows.arranged.connect(self._count)
        self.rows.failed = lambda error: self.said.emit(str(error))
        self.search.textChanged.connect(self.rows.show_matching)
        self.tables.currentChanged.connect(self._show_table)
        self.notice.acted.connect(self._show_output)
        for part in (self.rows, self.differences):
            part.row_activated.connect(self.row_activated)
            part.export_wanted.connect(self.export_wanted)
            part.said.connect(self.said)

    # Running

    def show_running(self, what: str) -> None:
        """A run has begun; what an earlier one came to stays until this one ends."""
        self.notice.dismiss()
        self.busy.start(what)
        self.left.setText("")
        self.pause.blockSignals(True)
        self.pause.setChecked(False)
        self.pause.blockSignals(False)
        self._busy_row.show()
        self.empty.set_sentence(f"{what} …")

    def show_advance(self, advance: Advance) -> None:
        """Shows how far the run is."""
        self.busy.advance(advance.read, advance.total, advance.seconds)
        left = advance.left
        if advance.waiting is not None:
            self.left.setText(f"Waiting for the server: {one_line(advance.waiting)[:80]}")
        else:
            self.left.setText("" if left is None else f"About {duration(left)} left")

    @property
    def is_running(self) -> bool:
        """Whether progress is shown."""
        return not self._busy_row.isHidden()

    # The end

    def show_nothing(self, sentence: str = _NOTHING) -> None:
        """Nothing has been run, or what was run is of no use any more."""
        self._busy_row.hide()
        self.verdict.hide()
        self._ran = None
        self.empty.set_sentence(sentence)
        self.pages.setCurrentIndex(0)

    def show_failed(self, sentence: str, details: str) -> None:
        """A run could not be made at all."""
        self.show_nothing("There are no rows.")
        self.notice.tell("error", sentence, details)

    def show_refused(self, sentence: str) -> None:
        """Code was not allowed to run."""
        self.show_nothing("Nothing was run.")
        self.notice.tell("info", sentence)

    def show_ran(self, ran: Ran) -> None:
        """Shows what a run came to."""
        self._busy_row.hide()
        self.notice.dismiss()
        self._ran = ran
        self.verdict.show_ran(ran)
        if isinstance(ran.done, Comparison):
            self.differences.show_comparison(ran.done, ran.differences)
            is_same = not ran.done.rows
            self.empty.set_sentence(_no_difference(ran.done))
            self.pages.setCurrentIndex(0 if is_same else 2)
        else:
            self._show_sheets(ran)
        told = [ran.done.output.strip(), *(ran.done.notes if isinstance(ran.done, Comparison) else ())]
        if any(told):
            text = "\n".join(filter(None, told))
            first = one_line(text.splitlines()[0])[:120]
            self.notice.tell("info", f"Said on the way: {first}", text)

    def _show_sheets(self, ran: Ran) -> None:
        before = self.tables.tabText(self.tables.currentIndex()) if self.tables.count() else ""
        self.tables.blockSignals(True)
        while self.tables.count():
            self.tables.removeTab(0)
        for sheet in ran.sheets:
            self.tables.addTab(sheet.name.replace("&", "&&"))
        names = [self.tables.tabText(place) for place in range(self.tables.count())]
        self.tables.setCurrentIndex(names.index(before) if before in names else 0)
        self.tables.blockSignals(False)
        self.tables.setVisible(len(ran.sheets) > 1)
        if any(sheet.rows for sheet in ran.sheets):
            self.pages.setCurrentIndex(1)
            self._show_table(self.tables.currentIndex())
        else:
            self.empty.set_sentence("The projection has no rows: no handler made any.")
            self.pages.setCurrentIndex(0)

    def _show_table(self, place: int) -> None:
        if self._ran is None or not 0 <= place < len(self._ran.sheets):
            return
        sheet = self._ran.sheets[place]
        tainted = self._ran.done.tainted.get(sheet.name, ())
        self.rows.show_sheet(sheet, frozenset(map(cell_text, tainted)))

    def _count(self) -> None:
        model = self.rows.model_
        total, count = len(model.sheet.rows), model.rowCount()
        shown = grouped(total) if count == total else f"{grouped(count)} of {grouped(total)}"
        self.shown.setText(f"{shown} row{'' if total == 1 else 's'}")

    def _show_output(self) -> None:
        if self._ran is not None:
            QGuiApplication.clipboard().setText(self._ran.done.output)


def _no_difference(done: Comparison) -> str:
    if done.failure is not None or done.verdict == "cancelled":
        return "The comparison did not get to its end."
    return f"No row differs: {grouped(done.same)} row{' is' if done.same == 1 else 's are'} the same in both."


def duration(seconds: float) -> str:
    """A time to wait, roughly: ``8 s``, ``3 min``, ``2.5 h``."""
    if seconds < 99.5:
        return f"{max(round(seconds), 1)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"
