"""Opening databases and reading them: what the window does with an address, step by step."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import QFileDialog

from esviewer.domain import EsviewerError
from esviewer.session import DatabaseSession, StoreSession
from esviewer.stores.address import Address, parse
from esviewer.stores.database import Database
from esviewer.stores.glimpse import Glimpse
from esviewer.stores.index_process import HistoryChanged
from esviewer.stores.keys import remember_key
from esviewer.ui import indexing, opening
from esviewer.ui.jobs import Job
from esviewer.ui.overview import Facts
from esviewer.ui.samples import sample_path
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

_GROWTH_MS = 250


class Databases(QObject):
    """Opens, indexes and asks for keys, all off the UI thread; tells the view what has become known."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self.facts: dict[StoreSession, Facts] = {}
        self._keys: dict[str, bytes] = {}
        self._asked: set[str] = set()
        self._passwords: dict[str, str] = {}
        self._grown: set[StoreSession] = set()
        self._running: dict[StoreSession, Job[None]] = {}
        self.glimpses: dict[StoreSession, Glimpse] = {}
        self._growth = QTimer(self)
        self._growth.setInterval(_GROWTH_MS)
        self._growth.setSingleShot(True)
        self._growth.timeout.connect(self._show_growth)

    def ask_for_file(self) -> None:
        """Lets the reader choose a SQLite file."""
        kinds = "SQLite (*.sqlite *.sqlite3 *.db);;All files (*)"
        name, _ = QFileDialog.getOpenFileName(self._view, "Open a store", "", kinds)
        if name:
            self.open(name)

    def ask_for_server(self) -> None:
        """Lets the reader name a Postgres database."""
        from esviewer.ui.connect_dialog import ConnectDialog

        dialog = ConnectDialog(self._view)
        if dialog.exec():
            password = dialog.password()
            if password is not None:
                self._passwords[parse(dialog.address()).kept] = password
            self.open(dialog.address())
        dialog.deleteLater()

    def open_sample(self) -> None:
        """Opens the store that comes with esviewer."""
        path = sample_path()
        if path is not None:
            self.open(str(path))

    def open(self, text: str) -> None:
        """Opens a path or URL; one that is open already comes to the front."""
        view = self._view
        try:
            address = parse(text)
        except EsviewerError as error:
            view.failed(error)
            return
        present = next((d for d in view.session.databases if d.address.kept == address.kept), None)
        if present is not None:
            view.overviews.show(present.stores[0])
            return
        view.status.busy(f"Opening {address.database} …")
        key, password = self._keys.get(address.kept), self._passwords.get(address.kept)
        view.jobs.run(
            f"open {address.text}",
            lambda control: opening.open_job(address, key, password, control),
            self._opened,
            lambda error: self._open_failed(address, error),
        )

    def _opened(self, database: Database) -> None:
        view = self._view
        opened = DatabaseSession(database)
        view.frame.remembered.note(database.address.kept)
        view.session.add(opened)
        for sentence in database.unread:
            view.tell("info", sentence)
        for store in opened.stores:
            self.index(store)
        view.status.say("")
        view.restoring.bring_back(opened)

    def _open_failed(self, address: Address, error: BaseException) -> None:
        self._view.restoring.forget(address.kept)
        self._view.failed(error)

    def close(self, database: DatabaseSession) -> None:
        """Closes a database; its views are closed before."""
        self._view.following.forget(database)
        for store in database.stores:
            self.facts.pop(store, None)
            self.glimpses.pop(store, None)
            self._grown.discard(store)
            running = self._running.pop(store, None)
            if running is not None:
                running.cancel()
        self._view.session.remove(database)

    def stop(self) -> None:
        """Ends the timer; the window closes."""
        self._growth.stop()

    # Indexing

    def index(self, store: StoreSession) -> None:
        """Brings a store's index to its head; goes on where it was stopped."""
        self._running[store] = self._view.jobs.run(
            f"index {id(store)}",
            lambda control: indexing.index_job(store, control),
            lambda _: self._indexed(store),
            lambda error: self._not_indexed(store, error),
            lambda told: self._told(store, told),
        )

    def stop_indexing(self, store: StoreSession) -> None:
        """Leaves a store's index as far as it is; :meth:`index` goes on."""
        job = self._running.pop(store, None)
        if job is not None:
            job.cancel()
            self.show_progress()
            self._view.status.say(f"Reading was stopped at {grouped(store.index.length)} events")

    def switch_indexing(self) -> None:
        """Stops reading the store that is looked at, or goes on with it."""
        store = self._view.session.store
        if store is None:
            return
        if store in self._running:
            self.stop_indexing(store)
        elif store.index.complete:
            self._view.status.say(f"{store.name} has been read whole")
        else:
            self.index(store)

    def check_history(self, store: StoreSession) -> None:
        """Compares all that was indexed with the store as it is now, and says what has changed."""
        view = self._view
        view.status.busy(f"Comparing {store.name} with its index …")
        view.jobs.run(
            f"index {id(store)}",
            lambda control: indexing.check_job(store, control),
            self._checked,
            view.failed,
            lambda growth: view.status.busy(f"Compared {grouped(growth.events)} events of {store.name}"),
        )

    def _checked(self, notice: indexing.Notice) -> None:
        self._view.status.say("")
        self._view.tell(notice.severity, notice.sentence)

    def _not_indexed(self, store: StoreSession, error: BaseException) -> None:
        self._running.pop(store, None)
        if isinstance(error, HistoryChanged):
            report = error.report
            self._view.tell(
                "warning", indexing.change_notice(store.name, report["position"], report["indexed"]).sentence
            )
            self._reopen(store.database)
            return
        self.show_progress()
        self._view.failed(error)

    def _told(self, store: StoreSession, told: opening.Growth | indexing.Notice | Glimpse) -> None:
        view = self._view
        if isinstance(told, indexing.Notice):
            view.tell(told.severity, told.sentence)
        elif isinstance(told, Glimpse):
            self.glimpses[store] = told
            view.overviews.show_glimpse(store, told)
        elif told.waiting:
            view.status.say(told.waiting)
        else:
            self._grown.add(store)
            if store is view.session.store:
                view.status.indexing(store, told.events, told.rate)
            if not self._growth.isActive():
                self._growth.start()

    def show_progress(self) -> None:
        """Shows how far the store that is looked at has been read."""
        store = self._view.session.store
        self._view.status.show_store(store, store in self._running)

    def _show_growth(self) -> None:
        grown, self._grown = self._grown, set()
        began = time.monotonic()
        self._view.show_growth(grown)
        # A large store takes long to show: then it is shown less often, so that the window stays usable.
        self._growth.setInterval(max(_GROWTH_MS, int((time.monotonic() - began) * 10_000)))

    def _indexed(self, store: StoreSession) -> None:
        view = self._view
        self._running.pop(store, None)
        view.settle_colours(store)
        self._grown.add(store)
        self._show_growth()
        view.status.say("")
        self.show_progress()
        for other in store.database.stores:
            self.look_up_facts(other)
        index = store.index
        if index.length and index.undecodable() == index.length and store.database.address.kept not in self._asked:
            self.ask_for_key(store)

    def look_up_facts(self, store: StoreSession) -> None:
        """Looks up snapshots and consumers anew."""
        self._view.jobs.run(
            f"facts {id(store.database)}",
            lambda control: opening.facts_job(store, control),
            lambda facts: self._facts_known(store, facts),
            self._view.failed,
        )

    def _facts_known(self, store: StoreSession, facts: Facts) -> None:
        self.facts[store] = facts
        self._view.overviews.show_facts(store, facts)

    # Keys of encrypted payloads

    def ask_for_key(self, store: StoreSession | None = None) -> None:
        """Asks for the key of encrypted payloads; by itself only once for each database."""
        from esviewer.ui.key_dialog import KeyDialog

        store = store or self._view.session.store
        if store is None:
            return
        self._asked.add(store.database.address.kept)
        dialog = KeyDialog(store.index.undecodable(), store.index.length, self._view)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.use_key(store, dialog.key(), dialog.keep()))
        dialog.open()

    def use_key(self, store: StoreSession, key: bytes | None, keep: bool) -> None:
        """Reads the database anew with a key; what was open in it comes back."""
        if key is None:
            return
        view, address = self._view, store.database.address
        self._keys[address.kept] = key
        if keep and not remember_key(address, key):
            view.tell("warning", "The key could not be kept: this machine has no keyring that works.")
        self._reopen(store.database)

    def _reopen(self, database: DatabaseSession) -> None:
        """Opens a database anew; what was open in it comes back."""
        self._view.restoring.note_open()
        self._view.close_database(database)
        self.open(database.address.whole)
