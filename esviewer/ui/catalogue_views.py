"""The tabs of a store's catalogue and findings, and what shows statuses elsewhere: opened, filled and kept in step."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from esviewer.domain import EsviewerError
from esviewer.session import StoreSession
from esviewer.stores.filter_words import Part
from esviewer.stores.filters import EventFilter
from esviewer.ui.catalogue_tab import CatalogueTab
from esviewer.ui.catalogue_work import text_row_job
from esviewer.ui.consumers_tab import ConsumersTab
from esviewer.ui.findings_tab import FindingsTab
from esviewer.ui.icons import icon
from esviewer.ui.overview import Overview
from esviewer.ui.store_table import StoreTableTab
from esviewer.ui.stream_tab import StreamTab
from esviewer.ui.widgets import tooltip

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class CatalogueViews(QObject):
    """Carries statuses to what is in front, and opens the tabs that tell about them."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        catalogues = view.catalogues
        catalogues.judged.connect(self._judged)
        catalogues.checked.connect(self._checked)

    def connect_views(self) -> None:
        """Connects what is made after this."""
        view = self._view
        panel = view.inspector.event_panel
        panel.assess = view.catalogues.assess
        panel.upcast.preview_of = view.catalogues.preview
        view.status.filter_wanted.connect(self.filter_status)

    # Tabs

    def show_catalogue(self, store: StoreSession | None) -> None:
        """Brings the catalogue of a store to the front."""
        view = self._view
        if store is None:
            return
        tab = next((tab for tab in self._tabs() if isinstance(tab, CatalogueTab) and tab.store is store), None)
        if tab is None:
            tab = CatalogueTab(store, view.catalogues, view.colours(store))
            tab.row_wanted.connect(partial(view.navigation.to_row, store))
            tab.position_wanted.connect(partial(self.to_position, store))
            tab.filter_wanted.connect(partial(self._show_events, store))
            self._add(tab, "book-open", "Catalogue", store)
        view.tabs.setCurrentWidget(tab)
        tab.table.setFocus()

    def show_findings(self, store: StoreSession | None) -> None:
        """Brings the findings of a store to the front."""
        view = self._view
        if store is None:
            return
        tab = next((tab for tab in self._tabs() if isinstance(tab, FindingsTab) and tab.store is store), None)
        if tab is None:
            tab = FindingsTab(store, view.catalogues)
            tab.row_wanted.connect(partial(view.navigation.to_row, store))
            self._add(tab, "list-checks", tab.title, store)
        view.tabs.setCurrentWidget(tab)
        tab.tree.setFocus()

    def show_consumers(self, store: StoreSession | None) -> None:
        """Brings the consumers of a store to the front."""
        view = self._view
        if store is None:
            return
        tab = next((tab for tab in self._tabs() if isinstance(tab, ConsumersTab) and tab.store is store), None)
        if tab is None:
            tab = ConsumersTab(store, view)
            tab.position_wanted.connect(partial(self.to_position, store))
            self._add(tab, "radio", "Consumers", store)
        view.tabs.setCurrentWidget(tab)
        tab.table.setFocus()

    def _add(self, tab: QWidget, symbol: str, title: str, store: StoreSession) -> None:
        tabs = self._view.tabs
        place = tabs.addTab(tab, icon(symbol), self._titled(title, store))
        tabs.setTabToolTip(place, tooltip(f"{title.split()[0]} of {store.name}"))

    def _titled(self, title: str, store: StoreSession) -> str:
        """A title for a tab, with the store where there are several."""
        several = sum(len(database.stores) for database in self._view.session.databases) > 1
        return f"{title} of {store.name}".replace("&", "&&") if several else title

    def _tabs(self) -> list[QWidget]:
        tabs = self._view.tabs
        return [widget for place in range(tabs.count()) if (widget := tabs.widget(place)) is not None]

    def show_zone(self) -> None:
        """Times are shown in another zone."""
        for tab in self._tabs():
            if isinstance(tab, CatalogueTab | FindingsTab | ConsumersTab):
                tab.show_zone()

    def _checked(self, store: StoreSession) -> None:
        for place, tab in enumerate(self._tabs()):
            if isinstance(tab, FindingsTab) and tab.store is store:
                tab.refresh()
                self._view.tabs.setTabText(place, self._titled(tab.title, store))

    def to_position(self, store: StoreSession, position: int | str) -> None:
        """Opens the stream of the event at a position of any kind."""
        if isinstance(position, int):
            self._view.navigation.to_position(store, position)
            return
        view = self._view

        def done(row: int | None) -> None:
            if row is not None:
                view.navigation.to_row(store, row)

        view.jobs.run(f"read {id(store)}", lambda control: text_row_job(store, position, control), done, view.failed)

    def _show_events(self, store: StoreSession, parts: list[Part]) -> None:
        view = self._view
        try:
            view.filtering.set_filter(store, EventFilter.of(parts))
        except EsviewerError as error:
            view.failed(error)
            return
        view.tables.show(store)

    # Statuses

    def _judged(self, store: StoreSession) -> None:
        view = self._view
        if store is view.session.store:
            self.show_counts()
        self.show_on(view.tabs.currentWidget())
        view.actions_.refresh()

    def show_counts(self) -> None:
        """Shows the numbers of the store that is looked at."""
        view = self._view
        store = view.session.store
        is_judging = store is not None and view.catalogues.is_judging(store)
        view.status.show_statuses(view.catalogues.counts_of(store), is_judging)

    def show_on(self, tab: QWidget | None) -> None:
        """Gives what came to the front the statuses of what it shows."""
        if isinstance(tab, StreamTab):
            self._view.catalogues.streams.show_on(tab)
        elif isinstance(tab, StoreTableTab):
            tab.set_statuses(tab.store.catalogue.statuses)
        elif isinstance(tab, Overview):
            judged = self._view.catalogues.judged_of(tab.store)
            # What was known stays until all is known anew: nothing jumps meanwhile.
            if judged.facts or not self._view.catalogues.is_judging(tab.store):
                tab.set_judged(judged)

    def filter_status(self, word: str) -> None:
        """Looks only at events of one status, in the table of all events."""
        view = self._view
        store = view.session.store
        if store is None:
            return
        others = [part for part in store.filter.parts if part.kind == "is"]
        wanted = store.filter
        for part in others:
            wanted = wanted.replacing(part)
        view.filtering.set_filter(store, wanted.adding([Part("is", word)]))
        view.tables.show(store)
