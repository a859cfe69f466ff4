"""What was open comes back: databases, streams, playheads, axes and sizes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from esviewer.session import DatabaseSession, StreamSession, remember
from esviewer.stores.address import parse
from esviewer.ui.catalogue_keeping import kept as kept_catalogue
from esviewer.ui.catalogue_keeping import sweep

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class Restoring:
    """Keeps the session when the window closes, and brings it back."""

    def __init__(self, view: MainView) -> None:
        self._view = view
        self._wanted: dict[str, dict[str, Any]] = {}

    def restore(self) -> None:
        """Opens what was open when the window was closed last; files that are gone are left out."""
        remembered = self._view.frame.remembered
        self._wanted = {entry["address"]: entry for entry in remembered.open}
        for entry in remembered.open:
            address = parse(entry["address"])
            if address.path is None or address.path.is_file():
                self._view.databases.open(entry["address"])
        sizes = remembered.window.get("splitter")
        if isinstance(sizes, list) and len(sizes) == 3 and all(isinstance(size, int) for size in sizes):
            self._view.splitter.setSizes(sizes)

    def forget(self, address: str) -> None:
        """A database that cannot be opened has nothing to bring back."""
        self._wanted.pop(address, None)

    def bring_back(self, database: DatabaseSession) -> None:
        """Shows the store, and opens the streams, that were open in a database; else its first store."""
        view = self._view
        wanted = self._wanted.pop(database.address.kept, {})
        catalogues = wanted.get("catalogues")
        for own in database.stores:
            view.catalogues.restore(own, catalogues.get(own.name) if isinstance(catalogues, dict) else None)
        # Filters by what a catalogue makes of events wait for the one that is being read.
        filters = wanted.get("filters")
        for name, words in filters.items() if isinstance(filters, dict) else ():
            filtered = database.store(name)
            if filtered is not None and isinstance(words, str):
                view.filtering.set_words(filtered, words)
        view.overviews.show(database.store(database.address.store or wanted.get("store")) or database.stores[0])
        for entry in wanted.get("streams", []):
            store = database.store(entry.get("store"))
            if store is not None and isinstance(entry.get("name"), str):
                view.open_stream(store, entry["name"], partial(self._as_it_was, entry))

    def _as_it_was(self, kept: dict[str, Any], stream: StreamSession) -> None:
        tab = self._view.tab_of(stream)
        if isinstance(kept.get("playhead"), int):
            stream.move(kept["playhead"])
        if tab is None:
            return
        if kept.get("axis") == "time":
            tab.set_axis("time")
        shown = kept.get("range")
        if isinstance(shown, list) and len(shown) == 2 and all(isinstance(end, int | float) for end in shown):
            tab.timeline.set_view_range(float(shown[0]), float(shown[1]))
        if kept.get("lower") == "table":
            tab.show_lower("table")

    def note_open(self) -> None:
        """Notes what is open now, to be kept or to be brought back at once."""
        view = self._view
        opened: list[dict[str, Any]] = []
        for database in view.session.databases:
            chosen = view.session.store
            streams = [tab.kept() for tab in view.stream_tabs() if tab.stream.store.database is database]
            name = chosen.name if chosen is not None and chosen.database is database else None
            filters = {store.name: store.filter.words for store in database.stores if not store.filter.is_empty}
            kept = {"address": database.address.kept, "store": name, "streams": streams}
            found = {store.name: kept_catalogue(store.catalogue) for store in database.stores}
            known = {name: own for name, own in found.items() if own is not None}
            opened.append(kept | ({"filters": filters} if filters else {}) | ({"catalogues": known} if known else {}))
        view.frame.remembered.open = opened
        self._wanted = {entry["address"]: entry for entry in opened}

    def keep(self) -> None:
        """Keeps the session in the settings."""
        view = self._view
        self.note_open()
        remembered = view.frame.remembered
        remembered.window = {
            "width": view.frame.width(),
            "height": view.frame.height(),
            "splitter": view.splitter.sizes(),
        }
        remember(remembered)
        sweep([own for entry in remembered.open for own in entry.get("catalogues", {}).values()])
