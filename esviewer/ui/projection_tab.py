"""The projections of a store: the list, the code of the chosen one, and what a run of it came to."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import EsviewerError
from esviewer.projections.naming import names_a_file
from esviewer.session import StoreSession
from esviewer.ui.icons import icon
from esviewer.ui.projection_bar import RunBar
from esviewer.ui.projection_file import FilePanel
from esviewer.ui.projection_files import PATTERNS, ProjectionEntry
from esviewer.ui.projection_known import known_job, named_types
from esviewer.ui.projection_list import ProjectionList, label_of
from esviewer.ui.projection_result import ResultView
from esviewer.ui.projection_work import Order
from esviewer.ui.store_tab import StoreTab
from esviewer.ui.widgets import IconLabel, Panel, label

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView
    from esviewer.ui.projection_control import Projections

_WIDE: Final = 900
"""Pixels from which on code and rows stand side by side."""


class ProjectionTab(StoreTab):
    """One a store."""

    def __init__(self, view: MainView, store: StoreSession, projections: Projections) -> None:
        super().__init__()
        self.store = store
        self._view, self._projections = view, projections
        self.list = ProjectionList()
        self.bar = RunBar()
        self.code = FilePanel()
        self.result = ResultView(view.jobs, f"rows {id(store)}")
        self.none = _NoProjections()
        self.pages = QStackedWidget()
        self._shown: object = None
        self._is_saving = False
        self._lay_out()
        self._connect()
        self.setAcceptDrops(True)
        self._learn()
        self.refresh()

    # Layout

    def _lay_out(self) -> None:
        self.new = _button("plus", "New projection: a starter made of what is in this store")
        self.new_menu = QMenu(self.new)
        self.new.clicked.connect(lambda: self.new_menu.popup(self.new.mapToGlobal(self.new.rect().bottomLeft())))
        self.open = _button("folder-open", "Open files of projections…")
        self.side = Panel("Projections", "table")
        self.side.setMinimumWidth(196)
        for button in (self.new, self.open):
            self.side.add_to_header(button)
        self.side.body.addWidget(self.list, 1)
        self.outcome = Panel("Result", "list-checks")
        self.outcome.body.addWidget(self.result, 1)
        self.shows_code = _button("terminal", "Show the code beside the result, or give the result its room (F11)")
        self.shows_code.setText("Code")
        self.shows_code.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.shows_code.setAccessibleName("Show the code")
        self.shows_code.setCheckable(True)
        self.shows_code.setChecked(True)
        self.outcome.add_to_header(self.shows_code)
        self.halves = QSplitter(Qt.Orientation.Horizontal)
        for part in (self.code, self.outcome):
            self.halves.addWidget(part)
        self.halves.setChildrenCollapsible(False)
        self.halves.setHandleWidth(8)
        self.halves.setStretchFactor(0, 2)
        self.halves.setStretchFactor(1, 3)
        self.halves.setSizes([400, 600])
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.bar)
        column.addWidget(self.halves, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.side)
        self.splitter.addWidget(right)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(8)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([200, 900])
        self.pages.addWidget(self.splitter)
        self.pages.addWidget(self.none)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.pages)
        self.setFocusProxy(self.list)

    def _connect(self) -> None:
        own = self._projections
        own.changed.connect(self._told)
        own.advanced.connect(self._advanced)
        self.open.clicked.connect(self.ask_for_files)
        self.none.open.clicked.connect(self.ask_for_files)
        for menu in (self.new_menu, self.none.menu):
            menu.aboutToShow.connect(lambda shown=menu: self._fill_new(shown))
        self.list.chosen.connect(self._choose)
        self.list.run_wanted.connect(self.run)
        self.list.compare_wanted.connect(self.compare_with)
        self.list.forget_wanted.connect(lambda entry: own.leave_out(self.store, entry))
        self.bar.run_wanted.connect(self.run)
        self.bar.compare_wanted.connect(self.compare)
        self.bar.menu_wanted.connect(self._fill_compare)
        self.shows_code.toggled.connect(self.code.setVisible)
        self.result.cancelled.connect(lambda: own.cancel(self.store))
        self.result.paused.connect(lambda is_on: own.pause(self.store, is_on))
        self.result.position_wanted.connect(
            lambda position: self._view.catalogue_views.to_position(self.store, position)
        )
        self.result.row_activated.connect(self._open_stream)
        self.result.export_wanted.connect(lambda sheet, path: own.export(self.store, sheet, path))
        self.result.said.connect(self._view.status.say)
        self.result.line_wanted.connect(self.code.go_to)
        self.code.saved.connect(self._saved)
        self.code.run_wanted.connect(self.run)
        self.code.failed.connect(self._view.failed)
        self.code.said.connect(self._view.status.say)

    def _learn(self) -> None:
        """Has the editor know the types of the store at once, and their attributes a little later."""
        store, editor = self.store, self.code.editor
        editor.set_known(named_types(store))
        self._view.jobs.run(
            f"words {id(store)}", lambda control: known_job(store, control), editor.set_known, self._view.failed
        )

    def stop(self) -> None:
        """Listens no more; the tab closes. What runs goes on, and its outcome is there when the tab comes back."""
        self._projections.changed.disconnect(self._told)
        self._projections.advanced.disconnect(self._advanced)
        self.code.leave()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wanted = Qt.Orientation.Horizontal if self.width() >= _WIDE else Qt.Orientation.Vertical
        if wanted is not self.halves.orientation():
            self.halves.setOrientation(wanted)
            self.halves.setSizes([400, 600] if wanted is Qt.Orientation.Horizontal else [220, 320])

    # What is shown

    def _told(self, store: object) -> None:
        if store is self.store:
            self.refresh()

    def refresh(self) -> None:
        """Shows what is known now."""
        work = self._projections.work(self.store)
        entries = self._projections.entries(self.store)
        self.pages.setCurrentIndex(0 if entries else 1)
        self.list.show_entries(entries)
        if work.chosen:
            self.list.choose(work.chosen)
            work.chosen = ""
        self.bar.set_running(work.is_running)
        partner = self._partner()
        self.bar.show_compared("" if partner is None else label_of(partner))
        if work.is_running:
            if not self.result.is_running:
                self.result.show_running("Comparing" if work.order is not None and work.order.compares else "Replaying")
            return
        shown = (id(work.ran), id(work.failure), work.refused)
        if self._shown != shown or self.result.is_running:
            self._shown = shown
            self._show_end()

    def _show_end(self) -> None:
        work = self._projections.work(self.store)
        self.outcome.set_title("Result")
        if work.refused:
            self.result.show_refused(
                f"Nothing was run: the code in {work.refused} may not. Replay again to look at it and let it."
            )
        elif work.failure is not None:
            self.result.show_failed(work.failure.sentence, work.failure.details)
            self.code.tell_failure(work.failure.sentence, work.failure.details)
        elif work.ran is not None:
            self.outcome.set_title(self._title(work.ran.order))
            self.result.show_ran(work.ran)
            failure = work.ran.done.failure
            if failure is None:
                self.code.tell_mistake("")
            else:
                self.code.tell_failure(failure.sentence, failure.details, failure.file, failure.line)
        else:
            self.result.show_nothing()

    def _title(self, order: Order) -> str:
        names = {entry.text: entry.title for entry in self._projections.entries(self.store)}
        said = [names.get(text, Path(text).name) for text in order.projections]
        if order.table is not None:
            said.append(f"table {order.table.name}")
        return f"A {said[0]}  ·  B {said[1]}" if len(said) > 1 else f"Rows of {said[0]}"

    def _advanced(self, store: object) -> None:
        advance = self._projections.work(self.store).advance
        if store is self.store and advance is not None and self.result.is_running:
            self.result.show_advance(advance)

    def _choose(self, entry: ProjectionEntry | None) -> None:
        if entry is not None:
            self.code.show_entry(entry)
        partner = self._partner()
        self.bar.show_compared("" if partner is None else label_of(partner))

    # Running

    def order(self, *others: str) -> Order | None:
        """What to run as everything stands now; ``None``, and said, where the end makes no sense."""
        entry = self.list.current
        if entry is None:
            return None
        try:
            until, at = self.bar.end()
        except EsviewerError as error:
            self._view.status.say(str(error))
            return None
        return Order((entry.text, *others), None, until, at, self.bar.on_unknown)

    def run(self) -> None:
        """Replays the chosen projection."""
        self._run(self.order())

    def compare(self) -> None:
        """Compares the chosen projection with the one that is likely meant; where there is none, asks."""
        other = self._partner()
        if other is None:
            self.bar.compare.showMenu()
        else:
            self.compare_with(other)

    def compare_with(self, other: ProjectionEntry) -> None:
        """Compares with another projection: the one of the lower version is A."""
        order = self.order(other.text)
        current = self.list.current
        if order is None or current is None:
            return
        self._projections.work(self.store).partners[current.text] = other.text
        if _is_older(other, current):
            order = Order((other.text, current.text), None, order.until, order.at, order.on_unknown)
        self._run(order)

    def _run(self, order: Order | None) -> None:
        if order is None:
            return
        if self.code.is_changed:
            # What runs is the file: it is to be what is seen.
            if self.code.notice.isVisible():
                self._view.status.say("Say first which text counts: yours, or that of the file.")
                return
            self._is_saving = True
            try:
                is_saved = self.code.save()
            finally:
                self._is_saving = False
            if not is_saved:
                return
        if self.halves.orientation() is Qt.Orientation.Vertical and not self.code.editor.hasFocus():
            self.shows_code.setChecked(False)
        self._projections.run(self.store, order)

    def _partner(self) -> ProjectionEntry | None:
        """What the chosen projection is likely to be compared with: the selected, the last, else one of its name."""
        current, entries = self.list.current, self._projections.entries(self.store)
        if current is None:
            return None
        second = self.list.second
        if second is not None:
            return second
        last = self._projections.work(self.store).partners.get(current.text)
        others = [entry for entry in entries if entry.text != current.text]
        known = next((entry for entry in others if entry.text == last), None)
        if known is not None:
            return known
        alike = [entry for entry in others if entry.name == current.name]
        return alike[0] if alike else others[0] if len(others) == 1 else None

    def _fill_compare(self, menu: QMenu) -> None:
        menu.clear()
        current = self.list.current
        for entry in self._projections.entries(self.store):
            if current is not None and entry.text != current.text:
                menu.addAction(label_of(entry), partial(self.compare_with, entry))
        menu.addSeparator()
        head = menu.addAction(icon("git-branch"), "Its last commit in git (HEAD)", self.compare_with_head)
        head.setEnabled(current is not None)
        menu.addAction(icon("database"), "A table of the database…", self.compare_with_table)

    def compare_with_head(self) -> None:
        """Compares the chosen projection, as B, with its file as it was committed last."""
        order = self.order()
        if order is not None:
            both = (f"{order.projections[0]}@HEAD", order.projections[0])
            self._run(Order(both, None, order.until, order.at, order.on_unknown))

    def compare_with_table(self) -> None:
        """Asks for a read model in the database, and compares the chosen projection with it."""
        from esviewer.ui.projection_table_dialog import TableDialog

        order = self.order()
        if order is None:
            return
        dialog = TableDialog(self.store, self._projections.entries(self.store), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(
            lambda table: self._run(Order(order.projections, table, order.until, order.at, order.on_unknown))
        )
        dialog.open()

    def _saved(self, path: Path) -> None:
        self.refresh()
        order = self._projections.work(self.store).order
        if self._is_saving or not self.code.on_save.isChecked():
            return
        if order is not None and any(Path(text.rpartition(":")[0] or text) == path for text in order.projections):
            self._projections.again(self.store)
        else:
            self.run()

    def _open_stream(self, row: dict[str, object]) -> None:
        key = row["key"]
        name = key if isinstance(key, str) else key[0] if isinstance(key, list) and key else None
        if isinstance(name, str):
            self._view.open_stream(self.store, name)
        else:
            self._view.status.say("The key of this row is no stream.")

    # Files

    def ask_for_files(self) -> None:
        """Lets the reader choose files of projections."""
        chosen, _ = QFileDialog.getOpenFileNames(self, "Open projections", self._start_folder(), PATTERNS)
        if chosen:
            self._projections.open_files(self.store, [Path(name) for name in chosen])

    def _start_folder(self) -> str:
        entry, path = self.list.current, self.store.database.address.path
        if entry is not None:
            return entry.folder
        return "" if path is None else str(path.absolute().parent)

    def _fill_new(self, menu: QMenu) -> None:
        from esviewer.ui.projection_starting import fill_menu

        fill_menu(menu, self._view, self.store, self._projections, self._start_folder())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(names_a_file(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        self._projections.open_files(self.store, [path for path in paths if names_a_file(str(path))])
        event.acceptProposedAction()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_return = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if is_return and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            (self.compare if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else self.run)()
            return
        if event.key() == Qt.Key.Key_F11:
            self.shows_code.toggle()
            return
        super().keyPressEvent(event)


def _is_older(one: ProjectionEntry, other: ProjectionEntry) -> bool:
    """Whether a projection is of a lower version than another; where that says nothing, no."""
    if one.version.isdecimal() and other.version.isdecimal():
        return int(one.version) < int(other.version)
    return one.version < other.version


def _button(symbol: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(icon(symbol))
    button.setToolTip(tip)
    button.setAccessibleName(tip.partition(":")[0].rstrip("…"))
    return button


class _NoProjections(QFrame):
    """What a projection is for, and the two ways to one."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("panel", "true")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(IconLabel("table", "third", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        words = label(
            "A projection folds the events of this store into rows. Replay one to see what it gives, and compare two "
            "versions to see which rows change and which event makes the first difference.",
            tone="second",
        )
        words.setWordWrap(True)
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        words.setMaximumWidth(460)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(words, 100)
        row.addStretch(1)
        column.addLayout(row)
        self.open = QPushButton("Open a projection…")
        self.open.setIcon(icon("folder-open"))
        self.open.setToolTip("Python, YAML, TOML, JSON or SQL; nothing of it runs before you let it")
        self.new = QPushButton("New projection")
        self.new.setIcon(icon("plus", "on_accent"))
        self.new.setProperty("primary", "true")
        self.new.setToolTip("A starter made of the types and attributes of this store")
        self.menu = QMenu(self.new)
        self.new.setMenu(self.menu)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.new)
        buttons.addWidget(self.open)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(label("Or drop a file here.", tone="third"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
