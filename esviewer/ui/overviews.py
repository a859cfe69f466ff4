"""The overviews of the opened stores: made when they are first asked for, filled as facts arrive."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QTabBar, QWidget

from esviewer.session import StoreSession
from esviewer.stores.glimpse import Glimpse
from esviewer.ui.icons import icon
from esviewer.ui.overview import Facts, Overview
from esviewer.ui.widgets import tooltip
from esviewer.ui.words import tab_text

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class Overviews:
    """One overview a store at most, in the first tabs; the last one cannot be closed."""

    def __init__(self, view: MainView) -> None:
        self._view = view
        self._overviews: dict[StoreSession, Overview] = {}

    def of(self, store: StoreSession) -> Overview | None:
        """The overview of a store, if it was made."""
        return self._overviews.get(store)

    def show(self, store: StoreSession | None) -> None:
        """Brings a store's overview to the front."""
        if store is None:
            return
        view = self._view
        overview = self._overviews.get(store) or self._made(store)
        place = view.tabs.indexOf(overview)
        if place < 0:
            stores = sum(len(database.stores) for database in view.session.databases)
            title = "Overview" if stores == 1 else store.name
            place = view.tabs.insertTab(self._count(), overview, icon("layers"), tab_text(title))
            view.tabs.setTabToolTip(place, tooltip(f"Overview of {store.name}"))
            if self._count() == 1:
                view.tabs.tabBar().setTabButton(place, QTabBar.ButtonPosition.RightSide, None)
        view.tabs.setCurrentIndex(place)
        view.tab_changed(place)

    def _made(self, store: StoreSession) -> Overview:
        view = self._view
        overview = self._overviews[store] = Overview(store, view.colours(store), view.jobs)
        overview.category_wanted.connect(partial(view.sidebar.choose_category, store))
        overview.type_wanted.connect(partial(view.navigation.to_type, store))
        overview.key_wanted.connect(partial(view.databases.ask_for_key, store))
        overview.row_wanted.connect(partial(view.navigation.to_row, store))
        overview.findings_wanted.connect(partial(view.catalogue_views.show_findings, store))
        overview.failed.connect(view.failed)
        if store in view.databases.facts:
            overview.show_facts(view.databases.facts[store])
        if store in view.databases.glimpses:
            overview.show_glimpse(view.databases.glimpses[store])
        return overview

    def _count(self) -> int:
        tabs = self._view.tabs
        return sum(isinstance(tabs.widget(place), Overview) for place in range(tabs.count()))

    def can_close(self, tab: QWidget | None) -> bool:
        """Whether a tab may go: something of a store is always to be seen."""
        return not isinstance(tab, Overview) or self._count() > 1

    def closed(self, overview: Overview) -> None:
        """Ends the work of an overview that is taken away."""
        overview.stop()
        self._overviews.pop(overview.store, None)

    def show_facts(self, store: StoreSession, facts: Facts) -> None:
        """Shows what was looked up about a store beside its index."""
        if (overview := self.of(store)) is not None:
            overview.show_facts(facts)

    def show_glimpse(self, store: StoreSession, glimpse: Glimpse) -> None:
        """Shows what was seen of a store that is about to be read."""
        if (overview := self.of(store)) is not None:
            overview.show_glimpse(glimpse)

    def refresh(self) -> None:
        """Shows all anew: another zone was chosen."""
        for overview in self._overviews.values():
            overview.refresh()
