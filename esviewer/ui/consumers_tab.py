"""Where every consumer that a store records stands, kept up to date while it is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFrame,
    QHeaderView,
    QMenu,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
)

from esviewer.domain import EsviewerError
from esviewer.domain.replacing import replacing
from esviewer.session import StoreSession
from esviewer.ui import theme as themes
from esviewer.ui.consumers_reading import Reading, Standing, Trends, consumers_job
from esviewer.ui.consumers_rows import LOOKS, Column, ConsumerDelegate, ConsumersModel, as_csv, as_text
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Job
from esviewer.ui.store_tab import StoreTab
from esviewer.ui.widgets import ROW_HEIGHT, Banner, EmptyState, Panel
from esviewer.ui.widgets.format import grouped, when
from esviewer.ui.zone import zone

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

_EVERY: Final = 2_000
"""ms between two readings while events are followed: consumers move also where no event comes."""
_SOON: Final = 250
"""ms from growth to a reading: growth comes in bursts."""
_NONE_RECORDED: Final = "This store records no consumers."
_NONE_YET: Final = "No consumer has recorded a position in this store."
_WIDTHS: Final = {
    Column.STATE: 164, Column.BEHIND: 108, Column.TREND: 84, Column.WAITED: 132, Column.POSITION: 96,
}  # fmt: skip
_LEAST: Final = (150, 90)
"""Widths below which names of consumers, and of what they follow, do not go: the table is scrolled then."""


class ConsumersTab(StoreTab):
    """The consumers of one store."""

    position_wanted = Signal(object)
    """An ``int`` or ``str``: where a consumer stands."""

    def __init__(self, store: StoreSession, view: MainView) -> None:
        super().__init__()
        self.store = store
        self._view = view
        self._job: Job[Reading] | None = None
        self._trends = Trends()
        self._reading: Reading | None = None
        self.model = ConsumersModel()
        self.panel = Panel("Consumers", "radio")
        self.table = ConsumersTable(self.model)
        self.empty = EmptyState("radio", "Looking up where consumers stand …")
        self.banner = Banner()
        self._stack = QStackedWidget()
        self._again = QTimer(self)
        self._soon = QTimer(self)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        self.refresh_button = _button("activity", "Look again")
        self.export_button = _button("download", "Export the consumers, as CSV…")
        for button in (self.refresh_button, self.export_button):
            self.panel.add_to_header(button)
        self.panel.body.addWidget(self.banner)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.table)
        self.panel.body.addWidget(self._stack, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self.setFocusProxy(self.table)
        self.export_button.setEnabled(False)

    def _connect(self) -> None:
        self._again.setInterval(_EVERY)
        self._again.timeout.connect(self._look_again)
        self._again.start()
        self._soon.setInterval(_SOON)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.refresh)
        self._view.catalogues.grew.connect(self._grown)
        self.refresh_button.clicked.connect(self.refresh)
        self.export_button.clicked.connect(self.ask_and_export)
        self.table.activated.connect(lambda index: self._go(self.model.standings[index.row()]))
        self.table.copy_wanted.connect(self.copy)
        self.table.customContextMenuRequested.connect(self._show_menu)
        themes.signals().changed.connect(self.table.viewport().update)

    def stop(self) -> None:
        """Looks no more; the tab closes."""
        self._again.stop()
        self._soon.stop()
        self._view.catalogues.grew.disconnect(self._grown)
        if self._job is not None:
            self._job.cancel()

    # Reading

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._reading is not None:
            self.refresh()

    def _look_again(self) -> None:
        if self.isVisible() and self._view.following.is_on:
            self.refresh()

    def _grown(self, store: object) -> None:
        # What is followed may be another store of the database; while a store is read for the first time it waits.
        of_here = any(store is one for one in self.store.database.stores)
        if of_here and self.store.index.complete and self.isVisible() and not self._soon.isActive():
            self._soon.start()

    def refresh(self) -> None:
        """Reads where consumers stand, unless that is being read."""
        if self._job is not None and self._job.is_running:
            return
        store = self.store
        self._job = self._view.jobs.run(
            f"facts {id(store.database)}", lambda control: consumers_job(store, control), self.show_reading, self._lost
        )

    def _lost(self, error: BaseException) -> None:
        """What was known stays, and it is said that it is not of now."""
        if self._reading is None:
            self.empty.set_sentence("It is not known where consumers stand.")
        self.banner.tell(
            "error", "Where consumers stand could not be read. Look again when the store answers.", str(error)
        )

    def show_reading(self, reading: Reading) -> None:
        """Shows a reading, and what it says together with those before."""
        self._reading = reading
        self.banner.hide()
        standings = self._trends.add(reading)
        had_none = not self.model.standings
        self.model.show_standings(standings)
        self.empty.set_sentence(_NONE_RECORDED if reading.places is None else _NONE_YET)
        self._stack.setCurrentIndex(1 if standings else 0)
        self.export_button.setEnabled(bool(standings))
        if had_none and standings:
            self.table.selectRow(0)
        self._show_note()

    def show_zone(self) -> None:
        """Times are shown in another zone."""
        self._show_note()

    def _show_note(self) -> None:
        if self._reading is None:
            return
        states = [standing.state for standing in self.model.standings]
        words = [f"{grouped(states.count(one))} {LOOKS[one][2].lower()}" for one in LOOKS if one in states]
        at = when(self._reading.read_at, zone())[11:]
        self.panel.set_note("  ·  ".join([*words, f"read at {at}"]))

    # One consumer

    def _go(self, standing: Standing) -> None:
        position = standing.place.follow.position
        if position is not None and _is_here(standing):
            self.position_wanted.emit(position)

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        index = self.table.currentIndex()
        if index.isValid():
            standing = self.model.standings[index.row()]
            go = menu.addAction("Go to its position", lambda: self._go(standing))
            go.setEnabled(standing.place.follow.position is not None and _is_here(standing))
            menu.addAction(icon("copy"), "Copy", self.copy)
        menu.addAction(icon("download"), "Export the consumers…", self.ask_and_export)
        menu.popup(self.table.viewport().mapToGlobal(at))

    # Leaving the tool

    def copy(self) -> None:
        """Puts the selected rows on the clipboard, with titles."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        if rows:
            QGuiApplication.clipboard().setText(as_text([self.model.standings[row] for row in rows]))

    def ask_and_export(self) -> None:
        """Asks for a file and writes all consumers to it."""
        name, _ = QFileDialog.getSaveFileName(self, "Export the consumers", "consumers.csv", "CSV (*.csv)")
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Writes all consumers to a file, as CSV."""
        try:
            with replacing(path) as out:
                out.write(as_csv(self.model.standings).encode("utf-8", "backslashreplace"))
        except OSError as error:
            self.banner.tell("error", f"{path.name} could not be written: {error.strerror}.", str(error))
        except EsviewerError as error:
            self.banner.tell("error", str(error))
        else:
            self._view.status.say(f"{grouped(len(self.model.standings))} consumers were written to {path}")


def _is_here(standing: Standing) -> bool:
    """Whether what a consumer follows is in this database."""
    return standing.place.follow.followed is not None


def _button(symbol: str, text: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(symbol))
    button.setToolTip(text)
    button.setAccessibleName(text.rstrip("…"))
    return button


class ConsumersTable(QTableView):
    """Rows of one height."""

    copy_wanted = Signal()

    def __init__(self, model: ConsumersModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(ConsumerDelegate(self))
        self.setAccessibleName("Consumers")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names share what the numbers leave."""
        super().resizeEvent(event)
        rest = self.viewport().width() - sum(_WIDTHS.values())
        follows = max(rest // 3, _LEAST[1])
        self.setColumnWidth(Column.FOLLOWS, follows)
        self.setColumnWidth(Column.CONSUMER, max(rest - follows, _LEAST[0]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
            return
        super().keyPressEvent(event)
