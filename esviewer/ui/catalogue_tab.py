"""What is known of a store's event types: all of them with their versions, and everything about the chosen one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
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

from esviewer.catalogue.versions import NoFit
from esviewer.session import StoreSession
from esviewer.stores.filter_words import Part
from esviewer.ui import fonts
from esviewer.ui.catalogue_details import TypeDetails
from esviewer.ui.catalogue_facts import Advance, CellFact
from esviewer.ui.catalogue_rows import TypeCell, TypeRow, rows_of
from esviewer.ui.catalogue_table import TypesTable
from esviewer.ui.colours import TypeColours
from esviewer.ui.icons import icon
from esviewer.ui.statuses import status_word
from esviewer.ui.store_tab import StoreTab
from esviewer.ui.widgets import BusyBar, IconLabel, Panel, SearchField, label
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from esviewer.ui.catalogue_control import Catalogues

_SIZES = [690, 410]
_WIDE = 960
"""Pixels from which on the chosen type stands beside the table, and not below it."""


class CatalogueTab(StoreTab):
    """The catalogue of one store, with the ways to get one where there is none."""

    row_wanted = Signal(int)
    position_wanted = Signal(object)
    filter_wanted = Signal(object)
    """Parts of a filter: the events of a type."""

    def __init__(
        self, store: StoreSession, catalogues: Catalogues, colours: TypeColours, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.store = store
        self._catalogues = catalogues
        self.panel = Panel("Catalogue", "book-open")
        self.table = TypesTable(store.index, colours)
        self.details = TypeDetails(store, catalogues)
        self.alone = self._button("maximize", "", "Give the type the whole tab, and the table back its place")
        self.alone.setAccessibleName("Show the type alone")
        self.alone.setCheckable(True)
        self.details.add_to_header(self.alone)
        self.busy = BusyBar()
        self._pages = QStackedWidget()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self._facts: tuple[CellFact, ...] = ()
        self._shown: tuple[object, object] | None = None
        self._lay_out()
        self._connect()
        self.refresh()

    # Layout

    def _lay_out(self) -> None:
        self.search = SearchField("Filter types")
        self.search.setFixedWidth(150)
        self.save = self._button("save", "Save", "Save the catalogue to its file; comments in it stay")
        self.check = self._button("list-checks", "Check", "Read all events: attributes, shapes, upcasters, findings")
        self.more = self._button("ellipsis", "", "Other catalogues, and what can be done with this one")
        self.more.setAccessibleName("More about the catalogue")
        menu = QMenu(self.more)
        menu.aboutToShow.connect(lambda: self._fill_menu(menu))
        self.more.setMenu(menu)
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        for widget in (self.search, self.check, self.save, self.more):
            self.panel.add_to_header(widget)
        self.hint = _Hint()
        self.busy.setContentsMargins(14, 0, 12, 6)
        self.busy.hide()
        for part in (self.busy, self.hint):
            self.panel.body.addWidget(part)
        self.panel.body.addWidget(self.table, 1)
        self.splitter.addWidget(self.panel)
        self.splitter.addWidget(self.details)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(8)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setSizes(_SIZES)
        self._none = _NoCatalogue()
        self._pages.addWidget(self.splitter)
        self._pages.addWidget(self._none)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.setFocusProxy(self.table)

    def _button(self, symbol: str, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setText(text)
        if text:
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setToolTip(tip)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wanted = Qt.Orientation.Horizontal if self.width() >= _WIDE else Qt.Orientation.Vertical
        if wanted is not self.splitter.orientation():
            self.splitter.setOrientation(wanted)
            self.splitter.setSizes(_SIZES)

    def _connect(self) -> None:
        store, catalogues = self.store, self._catalogues
        for signal in (catalogues.changed, catalogues.judged, catalogues.checked, catalogues.advanced):
            signal.connect(self._told)
        none = self._none
        none.open.clicked.connect(lambda: catalogues.asking.for_file(store))
        none.sources.clicked.connect(lambda: catalogues.asking.for_sources(store))
        none.schemas.clicked.connect(lambda: catalogues.asking.for_schemas(store))
        none.infer.clicked.connect(lambda: catalogues.asking.to_infer(store))
        none.busy.cancelled.connect(lambda: catalogues.cancel_making(store))
        self.search.textChanged.connect(self.table.show_matching)
        self.save.clicked.connect(lambda: catalogues.asking.and_save(store))
        self.check.clicked.connect(lambda: catalogues.check(store))
        self.busy.cancelled.connect(self._cancel)
        self.hint.confirm.clicked.connect(lambda: catalogues.confirm(store))
        self.hint.revert.clicked.connect(lambda: catalogues.revert(store))
        self.table.type_chosen.connect(self._choose)
        self.table.cell_activated.connect(self._show_events)
        self.alone.toggled.connect(lambda is_on: self.panel.setVisible(not is_on))
        self.details.edited.connect(lambda catalogue: catalogues.edit(store, catalogue))
        self.details.type_wanted.connect(self.table.choose)
        self.details.check_wanted.connect(lambda: catalogues.check(store))
        self.details.position_wanted.connect(self.position_wanted)
        self.details.row_wanted.connect(self.row_wanted)
        self.details.filter_wanted.connect(self.filter_wanted)

    def stop(self) -> None:
        """Listens no more; the tab closes."""
        self.details.stop()
        catalogues = self._catalogues
        for signal in (catalogues.changed, catalogues.judged, catalogues.checked, catalogues.advanced):
            signal.disconnect(self._told)

    def _fill_menu(self, menu: QMenu) -> None:
        menu.clear()
        store, catalogues, held = self.store, self._catalogues, self.store.catalogue
        menu.addAction(icon("folder-open"), "Open a catalogue…", lambda: catalogues.asking.for_file(store))
        menu.addAction("Take from Python sources…", lambda: catalogues.asking.for_sources(store))
        menu.addAction("Read from schema files…", lambda: catalogues.asking.for_schemas(store))
        menu.addAction("Infer from the store", lambda: catalogues.asking.to_infer(store))
        menu.addSeparator()
        menu.addAction(icon("save"), "Save", lambda: catalogues.asking.and_save(store)).setEnabled(held.is_edited)
        menu.addAction("Save as…", lambda: catalogues.asking.and_save_as(store))
        back = menu.addAction("Back to the saved file", lambda: catalogues.revert(store))
        back.setEnabled(held.saved is not None and held.is_edited)
        path = held.path
        again = menu.addAction("Read the file again", lambda: catalogues.open(store, path))
        again.setEnabled(path is not None)
        menu.addSeparator()
        if catalogues.code.can_run(store):
            menu.addAction("Run its Python upcasters…", lambda: catalogues.code.choose(store))
        if catalogues.is_stopped(store):
            menu.addAction(icon("play"), "Go on judging", lambda: catalogues.go_on_judging(store))
        menu.addAction(icon("x"), "Judge by no catalogue", lambda: catalogues.leave(store))

    # What is shown

    def _told(self, store: object) -> None:
        if store is self.store:
            self.refresh()

    def show_zone(self) -> None:
        """Times are shown in another zone."""
        self.table.viewport().update()
        self.details.show_zone()

    def refresh(self) -> None:
        """Shows what is known now."""
        store, catalogues = self.store, self._catalogues
        current = store.catalogue.current
        self._pages.setCurrentIndex(0 if current is not None else 1)
        self._show_busy()
        if current is None:
            self._none.show_busy(catalogues.is_making(store))
            return
        self._show_title()
        # While events are judged anew, the numbers of before stay: the next edit may come sooner than theirs.
        self._facts = catalogues.judged_of(store).facts or self._facts
        shown = (current, self._facts)
        if self._shown is None or any(one is not other for one, other in zip(shown, self._shown, strict=True)):
            self._shown = shown
            self.table.show_rows(store.index, rows_of(current, self._facts))
        self.details.show_checked(catalogues.checked_of(store), catalogues.is_checking(store))

    def _show_title(self) -> None:
        held, catalogues = self.store.catalogue, self._catalogues
        name = held.path.name if held.path is not None else held.origin or "not saved"
        self.panel.set_title(f"Catalogue  ·  {name}")
        judged, length = len(catalogues.judged_of(self.store).codes), self.store.index.length
        is_behind = catalogues.is_stopped(self.store) and judged < length
        self.panel.set_note(f"{grouped(judged)} of {grouped(length)} judged" if is_behind else "")
        self.save.setEnabled(held.is_edited)
        assert held.current is not None
        self.hint.show_state(held.current.inferred, held.is_edited and held.saved is not None)

    def _show_busy(self) -> None:
        store, catalogues = self.store, self._catalogues
        is_checking, is_making = catalogues.is_checking(store), catalogues.is_making(store)
        judged = catalogues.judged_of(store)
        # What takes a moment is not worth a bar that comes and goes.
        is_judging = catalogues.is_judging(store) and bool(judged.seconds)
        what = "Checking" if is_checking else catalogues.making_words(store) if is_making else "Judging"
        advance = catalogues.advance_of(store)
        if advance is None and is_judging:
            advance = Advance(len(judged.codes), store.index.length, judged.seconds)
        for bar, is_on in ((self.busy, is_checking or is_making or is_judging), (self._none.busy, is_making)):
            if is_on and (bar.isHidden() or bar.accessibleName() != what):
                bar.start(what)
            bar.setVisible(is_on)
            if is_on and advance is not None:
                bar.advance(advance.done, advance.total, advance.seconds)
        self.check.setEnabled(not is_checking)

    def _cancel(self) -> None:
        store, catalogues = self.store, self._catalogues
        if catalogues.is_checking(store):
            catalogues.cancel_check(store)
        elif catalogues.is_making(store):
            catalogues.cancel_making(store)
        else:
            catalogues.stop_judging(store)

    def _choose(self, row: TypeRow | None) -> None:
        self.details.show_type(self.store.catalogue.current, row)

    def _show_events(self, row: TypeRow, cell: TypeCell | None) -> None:
        """Looks at the events of a type; those of a version by their status and where they stand."""
        parts = [Part("type", name) for name in row.stored]
        fact = cell.fact if cell is not None else None
        if fact is not None and len(fact.statuses) == 1:
            parts += [Part("is", status_word(status)) for status in fact.statuses]
        if fact is not None and not isinstance(fact.version, NoFit):
            positions = [self.store.index.position_of(place) for place in (fact.first, fact.last)]
            if all(isinstance(position, int) for position in positions):
                parts += [Part("from-position", str(positions[0])), Part("to-position", str(positions[1]))]
        if parts:
            self.filter_wanted.emit(parts)


class _Hint(QFrame):
    """A line above the table: that the catalogue is only inferred, or that changes are not saved."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("severity", "info")
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 4, 6, 4)
        line.setSpacing(8)
        self._text = label(font=fonts.ui(12))
        self._text.setWordWrap(True)
        self.confirm = QPushButton("Confirm it")
        self.confirm.setToolTip("From then on, what it does not say is unknown or does not fit")
        self.revert = QPushButton("Back to the saved file")
        line.addWidget(self._text, 1)
        line.addWidget(self.confirm)
        line.addWidget(self.revert)
        self.hide()

    def show_state(self, is_inferred: bool, is_edited: bool) -> None:
        """Says what there is to say, if anything."""
        self.setVisible(is_inferred or is_edited)
        self.confirm.setVisible(is_inferred)
        self.revert.setVisible(is_edited and not is_inferred)
        self._text.setText(
            "Inferred from the store: nothing can be unknown until you confirm it."
            if is_inferred
            else "Changes count at once, and are not saved yet."
        )


class _NoCatalogue(Panel):
    """What a catalogue is for, and the ways to one."""

    def __init__(self) -> None:
        super().__init__("Catalogue", "book-open")
        column = QVBoxLayout()
        column.setContentsMargins(24, 8, 24, 24)
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(IconLabel("book-open", "third", 32), 0, Qt.AlignmentFlag.AlignHCenter)
        words = label(
            "A catalogue says which event types and versions today's code knows. With one, every event is told: "
            "current, to be upcast, or not understood.",
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
        self.infer = self._way("Infer it from this store", "activity", "Reads all events; you confirm it afterwards")
        self.infer.setProperty("primary", "true")
        self.open = self._way("Open a catalogue file…", "folder-open", "YAML or JSON")
        self.sources = self._way("Take it from Python sources…", "terminal", "Read as text: nothing of them is run")
        self.schemas = self._way("Read it from schema files…", "file", "JSON Schema or Avro")
        self._ways = (self.infer, self.open, self.sources, self.schemas)
        for button in self._ways:
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.busy = BusyBar()
        self.busy.hide()
        column.addWidget(self.busy)
        column.addStretch(3)
        self.body.addLayout(column, 1)

    def _way(self, text: str, symbol: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        if symbol != "activity":
            button.setIcon(icon(symbol))
        button.setToolTip(tip)
        button.setMinimumWidth(250)
        return button

    def show_busy(self, is_busy: bool) -> None:
        """While a catalogue is being made no other way can be taken."""
        for button in self._ways:
            button.setEnabled(not is_busy)
