"""All events of a store as one table: in store order or sorted, all of them or what a filter lets through."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from esviewer.domain import EsviewerError, Event
from esviewer.domain.objects import event_object
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.ui.colours import TypeColours
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Control, Job, Jobs
from esviewer.ui.row_pages import RowPages
from esviewer.ui.row_ranges import RowRanges
from esviewer.ui.statuses import next_flagged
from esviewer.ui.store_tab import StoreTab
from esviewer.ui.store_table_export import (
    FORMATS,
    Copied,
    Exported,
    Progress,
    copy_job,
    event_job,
    export_job,
)
from esviewer.ui.store_table_menu import menu_of
from esviewer.ui.store_table_rows import Arranged, Sort, TableRows, arrange, relocate
from esviewer.ui.store_table_view import StoreTableView
from esviewer.ui.store_table_words import Landing, land, target_of
from esviewer.ui.widgets import BusyBar, EmptyState, Panel, set_tone
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import none_passes
from esviewer.ui.zone import zone

T = TypeVar("T")


class StoreTableTab(StoreTab):
    """Every event of a store. Shows what the index knows at once, and payloads as they are read."""

    event_wanted = Signal(object)
    """An :class:`Event` whose stream is to be opened at it."""
    filter_wanted = Signal(str)
    """Words to be added to the filter, such as ``type:Loan.Started`` or ``-type:Loan.Started``."""
    clear_wanted = Signal()
    """The filter leaves out everything, and is to be taken away."""
    failed = Signal(object)
    said = Signal(str)

    def __init__(self, store: StoreSession, jobs: Jobs, colours: TypeColours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._jobs = jobs
        self._running: dict[str, Job[Any]] = {}
        self._chosen: NDArray[np.int64] | None = None
        self._before_jump: int | None = None
        self._busy_with = ""
        self.pages = RowPages(store, jobs, self)
        self.pages.failed.connect(self.failed)
        self.pages.waited.connect(self.said)
        self.view = StoreTableView(store.index, self.pages, colours)
        self.view.setAccessibleName(f"Events of {store.name}")
        self.panel = Panel("Events", "table")
        self.jump = QLineEdit()
        self.busy = BusyBar()
        self._empty = EmptyState("table", "")
        self._empty.offered.connect(self.clear_wanted)
        self._pages = QStackedWidget()
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        self.jump.setPlaceholderText("Position or date")
        self.jump.setToolTip("Go to a position (10482) or a date (2024-03-05 12:31); Esc goes back")
        self.jump.setAccessibleName("Go to position or date")
        self.jump.setFixedWidth(170)
        self.again = QToolButton()
        self.again.setText("Sort again")
        self.again.hide()
        self.export_button = QToolButton()
        self.export_button.setIcon(icon("download"))
        self.export_button.setToolTip("Export events…")
        self.export_button.setAccessibleName("Export events")
        for widget in (self.again, self.jump, self.export_button):
            self.panel.add_to_header(widget)
        self.busy.setContentsMargins(14, 0, 12, 6)
        self.busy.hide()
        self._pages.addWidget(self.view)
        self._pages.addWidget(self._empty)
        self.panel.body.addWidget(self.busy)
        self.panel.body.addWidget(self._pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.panel)
        self.setFocusProxy(self.view)

    def _connect(self) -> None:
        self.view.moved.connect(self._show_note)
        self.view.activated.connect(self._open)
        self.view.typed.connect(self._begin_jump)
        self.view.menu_wanted.connect(self._show_menu)
        self.view.copy_wanted.connect(self.copy)
        self.view.header.sort_wanted.connect(self.sort_by)
        self.jump.textEdited.connect(self._jump_typed)
        self.jump.returnPressed.connect(self._jump_entered)
        self.again.clicked.connect(self._sort_again)
        self.export_button.clicked.connect(lambda: self.ask_and_export(only_selected=False))
        self.busy.cancelled.connect(self.cancel_export)

    # What is shown

    def set_rows(self, rows: NDArray[np.int64] | None) -> None:
        """Shows only these rows of the index, which are ascending; all for ``None``. What is looked at stays."""
        if rows is None and self._chosen is None:
            return
        self._chosen = rows
        self._arrange(self.view.header.sort)

    def set_statuses(self, codes: NDArray[np.uint8] | None) -> None:
        """Shows what a catalogue makes of each row of the index; nothing for ``None``."""
        self.view.codes = codes
        self.view.viewport().update()

    def step_to_flagged(self, step: int) -> bool:
        """Goes to the next (1) or previous (-1) flagged event in the order shown; false where there is none."""
        codes, table = self.view.codes, self.view.table
        if codes is None:
            return False
        rows = table.at(0, table.count)
        shown = np.zeros(len(rows), np.uint8)
        known = rows < len(codes)
        shown[known] = codes[rows[known]]
        at = self.view.current if self.view.current is not None else (-1 if step > 0 else table.count)
        place = next_flagged(shown, at, step)
        if place is not None:
            self.view.go(place, in_middle=True)
        return place is not None

    def refresh(self) -> None:
        """Shows the index as far as it goes now."""
        self.view.grow(self.view.table.grown())
        positions = self.store.index.column("position")
        if len(positions):
            # Near enough the greatest; those that are text are shortened.
            self.view.header.make_room(len(grouped(max(int(positions[-1]), 0))))
        self._show_state()

    def repaint_types(self) -> None:
        """Shows types in the colours that they have now."""
        self.view.repaint_types()

    def _show_state(self) -> None:
        index, is_empty = self.store.index, not self.view.table.count
        if is_empty:
            sentence = "Nothing has been stored here yet." if index.complete else "The store is being read …"
            is_filtered = self._chosen is not None and bool(index.length)
            if is_filtered:
                sentence = none_passes(self.store)
            self._empty.set_sentence(sentence, "Clear the filter" if is_filtered else "")
        self._pages.setCurrentIndex(1 if is_empty else 0)
        self.jump.setEnabled(not is_empty)
        self.export_button.setEnabled(not is_empty)
        self._show_note()

    def _show_note(self) -> None:
        table, view = self.view.table, self.view
        count = grouped(table.count)
        parts = [f"{count} event{'' if table.count == 1 else 's'}"]
        if table.chosen is not None:
            parts = [f"{count} of {grouped(self.store.index.length)} events"]
            if self.store.rows is not None and self.store.covered < self.store.index.length:
                parts = [f"{count} found so far"]
        elif not self.store.index.complete:
            parts.append("still being read")
        if view.selected.count > 1:
            parts.append(f"{grouped(view.selected.count)} selected")
        if "arrange" in self._running:
            parts.append("sorting …")
        elif table.unsorted:
            parts.append(f"{grouped(table.unsorted)} newer at the end")
        self.again.setVisible(bool(table.unsorted) and "arrange" not in self._running)
        self.panel.set_note("  ·  ".join(parts))

    # Sorting

    def sort_by(self, sort: Sort | None) -> None:
        """Sorts off the UI thread; store order for ``None``. What is shown stays until the new order is there."""
        self.view.header.show_sort(sort)
        self._arrange(sort)

    def _sort_again(self) -> None:
        self._arrange(self.view.header.sort)

    def _arrange(self, sort: Sort | None) -> None:
        before, chosen, standing = self.view.table, self._chosen, self.view.standing
        self._run(
            "arrange",
            lambda control: arrange(before, chosen, sort, standing, control.check),
            lambda arranged: self._arranged(before, arranged),
            self._not_arranged,
        )
        self._show_note()

    def _arranged(self, before: TableRows, arranged: Arranged) -> None:
        """Shows the new arrangement; first finds there what was selected and gone to while it was made."""
        now, then = self.view.standing, arranged.before
        is_scrolled = now.top != then.top and before.sort == arranged.table.sort
        if now.selected is not then.selected or now.current != then.current or is_scrolled:
            self._run(
                "arrange",
                lambda control: relocate(before, arranged.table, now),
                lambda again: self._arranged(before, again),
                self._not_arranged,
            )
            return
        place = arranged.after
        self.view.show_rows(arranged.table.grown(), place.selected, place.current, place.top)
        if place.top is None and place.current is not None:
            self.view.reveal(place.current, in_middle=True)
        self._show_state()

    def _not_arranged(self, error: BaseException) -> None:
        self.view.header.show_sort(self.view.table.sort)
        self._show_note()
        self.failed.emit(error)

    # Jumping

    def _begin_jump(self, text: str) -> None:
        self.jump.setText(text)
        self.jump.setFocus()
        self._jump_typed(text)

    def _jump_typed(self, text: str) -> None:
        if self._before_jump is None:
            self._before_jump = self.view.current if self.view.current is not None else self.view.first
        target = target_of(text, zone())
        is_wrong = bool(text.strip(" #")) and target is None
        self.jump.setProperty("invalid", "true" if is_wrong and len(text) >= 7 else "false")
        set_tone(self.jump, "")
        if target is None:
            return
        table = self.view.table
        self._run("jump", lambda control: land(table, target), self._landed)

    def _landed(self, landing: Landing) -> None:
        self.said.emit(landing.sentence)
        if landing.place is not None and landing.place < self.view.table.count:
            self.view.go(landing.place, in_middle=True)

    def _jump_entered(self) -> None:
        text = self.jump.text()
        if target_of(text, zone()) is None:
            self.said.emit(f"{text!r} is neither a position nor a date: type 10482, or 2024-03-05 12:31.")
            return
        self._jump_typed(text)
        self._end_jump()

    def _end_jump(self) -> None:
        self._before_jump = None
        self.view.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.jump.hasFocus():
            self._cancel("jump")
            if self._before_jump is not None:
                self.view.go(self._before_jump, in_middle=True)
            self.jump.clear()
            self._end_jump()
            return
        super().keyPressEvent(event)

    # Events

    def _open(self, place: int) -> None:
        self._with_event(self.view.row_at(place), self.event_wanted.emit)

    def _with_event(self, row: int, use: Callable[[Event], object]) -> None:
        self._run("event", lambda control: event_job(self.store, row, control), use)

    def _show_menu(self, at: QPoint) -> None:
        menu = menu_of(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    @property
    def current_row(self) -> int | None:
        """The row of the index that is the current one."""
        place = self.view.current
        return None if place is None or place >= self.view.table.count else self.view.row_at(place)

    def open_current(self) -> None:
        """Opens the stream of the current row at its event."""
        if self.view.current is not None:
            self._open(self.view.current)

    def copy_id(self) -> None:
        """Puts the current event's id on the clipboard."""
        row = self.current_row
        if row is not None:
            self._with_event(row, self._copy_id_of)

    def _copy_id_of(self, event: Event) -> None:
        if event.event_id is None:
            self.said.emit("This store records no ids of events.")
            return
        QGuiApplication.clipboard().setText(event.event_id)
        self.said.emit("Event id copied.")

    def copy_payload(self) -> None:
        """Puts the current event's payload on the clipboard as JSON, the bytes' hex digits where it has no reading."""
        row = self.current_row
        if row is not None:
            self._with_event(row, self._copy_payload_of)

    def _copy_payload_of(self, event: Event) -> None:
        if event.undecodable is not None:
            text, words = (event.raw or b"").hex(), "Payload copied as hex digits: it cannot be decoded."
        else:
            text = json_text.dumps(event_object(event)["data"], pretty=True).decode("utf-8", "replace")
            words = "Payload copied."
        QGuiApplication.clipboard().setText(text)
        self.said.emit(words)

    # Copying and exporting

    def copy(self) -> None:
        """Puts the selected rows on the clipboard, tab separated under a header; says so where there are too many."""
        table, places = self.view.table, self.view.selected
        if places.count:
            self._begin_busy("copy", f"Copying {grouped(places.count)} rows", places.count)
            self._run("copy", lambda control: copy_job(self.store, table, places, control), self._copied, self._refused)

    def _copied(self, copied: Copied) -> None:
        self._end_busy("copy")
        QGuiApplication.clipboard().setText(copied.text)
        self.said.emit(f"{grouped(copied.rows)} row{'' if copied.rows == 1 else 's'} copied.")

    def ask_and_export(self, *, only_selected: bool) -> None:
        """Asks for a file and writes the selected rows, or all that are shown, in the order shown."""
        endings = {words: ending for ending, (words, _) in FORMATS.items()}
        name, chosen = QFileDialog.getSaveFileName(
            self, "Export events", f"{self.store.name}.ndjson", ";;".join(endings)
        )
        path = Path(name)
        if name and path.suffix.lower() not in FORMATS:
            path = path.with_name(path.name + endings.get(chosen, ".ndjson"))
            if path.exists():
                # The dialog asked about another name.
                self.said.emit(f"{path.name} is there already: give its whole name to replace it.")
                return
        if name:
            self.export(path, only_selected=only_selected)

    def export(self, path: Path, *, only_selected: bool = False) -> None:
        """Writes rows to a file whose ending names the format; goes on while one works, and can be cancelled."""
        if "export" in self._running:
            self.said.emit("An export is running: wait for it, or cancel it.")
            return
        table = self.view.table
        places = self.view.selected if only_selected else RowRanges.between(0, table.count)
        self._begin_busy("export", f"Exporting to {path.name}", places.count)
        self._run(
            "export",
            lambda control: export_job(self.store, table, places, path, control),
            self._exported,
            self._not_exported,
        )

    def cancel_export(self) -> None:
        """Ends what the bar shows: an export, of which nothing stays, or a copy."""
        self._cancel(self._busy_with)
        self._end_busy(self._busy_with)
        self.said.emit("Cancelled: nothing was written.")

    def _begin_busy(self, what: str, words: str, total: int) -> None:
        """Shows the bar for a piece of work; an export keeps it."""
        if "export" in self._running:
            return
        self._busy_with = what
        self.busy.start(words)
        # Small ones are done before the bar could be read.
        self.busy.setVisible(total > 2_000)

    def _end_busy(self, what: str) -> None:
        if self._busy_with == what:
            self.busy.hide()

    def _advanced(self, what: str, progress: object) -> None:
        if isinstance(progress, Progress) and self._busy_with == what:
            self.busy.advance(progress.done, progress.total, progress.seconds)

    def _exported(self, exported: Exported) -> None:
        self._end_busy("export")
        self.said.emit(exported.sentence)

    def _not_exported(self, error: BaseException) -> None:
        self._end_busy("export")
        if isinstance(error, OSError):
            error = EsviewerError(f"The file cannot be written: {error.strerror or error}.")
        self.failed.emit(error)

    def _refused(self, error: BaseException) -> None:
        self._end_busy("copy")
        self.failed.emit(error)

    # Work off the UI thread

    def _run(
        self,
        what: str,
        work: Callable[[Control], T],
        done: Callable[[T], object],
        failed: Callable[[BaseException], object] | None = None,
    ) -> None:
        """Starts one kind of work; what is still running of its kind is dropped."""
        self._cancel(what)
        refuse = failed or self.failed.emit

        def finished(result: T) -> None:
            self._running.pop(what, None)
            done(result)

        def ended(error: BaseException) -> None:
            self._running.pop(what, None)
            refuse(error)

        lane = f"table {what} {id(self.store)}"
        self._running[what] = self._jobs.run(
            lane, work, finished, ended, lambda progress: self._advanced(what, progress)
        )

    def _cancel(self, what: str) -> None:
        job = self._running.pop(what, None)
        if job is not None:
            job.cancel()

    def stop(self) -> None:
        """Ends all work of the tab; nothing is shown any more after it."""
        for what in tuple(self._running):
            self._cancel(what)
        self.pages.stop()
