"""The tabs with all events of a store: one a store, opened when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QToolButton

from esviewer.domain import Event
from esviewer.session import StoreSession
from esviewer.ui.icons import icon
from esviewer.ui.store_table import StoreTableTab
from esviewer.ui.widgets import tooltip

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class StoreTables(QObject):
    """Opens these tabs, keeps them in step with indexes and colours, and carries what they ask for."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._widths: list[int] | None = None

    def add_button(self) -> None:
        """Puts the way to the table at the top of the sidebar."""
        button = QToolButton()
        button.setDefaultAction(self._view.actions_.all_events)
        button.setAccessibleName("All events")
        self._view.sidebar.add_to_header(button)
        self._view.tabs.currentChanged.connect(self._rest)

    def _rest(self, _place: int) -> None:
        """Tables that are not looked at hold no connections."""
        for tab in self._tabs():
            if tab is not self._view.tabs.currentWidget():
                tab.pages.rest()

    def tab_of(self, store: StoreSession) -> StoreTableTab | None:
        """The tab with a store's events, if it is open."""
        return next((tab for tab in self._tabs() if tab.store is store), None)

    def show(self, store: StoreSession | None) -> None:
        """Brings all events of a store to the front."""
        if store is None:
            return
        view = self._view
        tab = self.tab_of(store)
        if tab is None:
            tab = StoreTableTab(store, view.jobs, view.colours(store))
            tab.event_wanted.connect(lambda event, own=store: self._to_event(own, event))
            tab.failed.connect(view.failed)
            tab.said.connect(view.status.say)
            tab.filter_wanted.connect(lambda words, own=store: view.filtering.add_words(own, words))
            tab.clear_wanted.connect(lambda own=store: view.filtering.set_words(own, ""))
            if self._widths is not None:
                tab.view.header.choose_widths(self._widths)
            tab.view.header.widths_chosen.connect(self._remember_widths)
            stores = sum(len(database.stores) for database in view.session.databases)
            title = "Events" if stores == 1 else f"Events of {store.name}".replace("&", "&&")
            place = view.tabs.addTab(tab, icon("table"), title)
            view.tabs.setTabToolTip(place, tooltip(f"All events of {store.name}"))
        view.tabs.setCurrentWidget(tab)
        tab.view.setFocus()

    def _remember_widths(self, widths: list[int]) -> None:
        self._widths = widths

    def _to_event(self, store: StoreSession, event: Event) -> None:
        self._view.navigation.to_event(event, store)

    def refresh(self, stores: set[StoreSession]) -> None:
        """Shows how far the indexes of these stores have grown."""
        for tab in self._tabs():
            if tab.store in stores:
                tab.refresh()

    def repaint(self) -> None:
        """Types have other colours, or times are shown in another zone."""
        for tab in self._tabs():
            tab.repaint_types()

    def _tabs(self) -> list[StoreTableTab]:
        tabs = [self._view.tabs.widget(number) for number in range(self._view.tabs.count())]
        return [tab for tab in tabs if isinstance(tab, StoreTableTab)]
