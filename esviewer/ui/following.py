"""Following opened stores: new events appear by themselves while the switch is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from esviewer.session import DatabaseSession, StoreSession
from esviewer.ui import indexing
from esviewer.ui.jobs import Job
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

INTERVAL = 1_000
"""ms between two looks at a store: new events are to be seen within two seconds."""


class Following(QObject):
    """Looks at each opened store in turn; a store that is slow to answer is asked again only when it has answered."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._asked: dict[StoreSession, Job[int]] = {}
        self._again: set[StoreSession] = set()
        self._listening: dict[StoreSession, Job[None]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL)
        self._timer.timeout.connect(self.look)

    @property
    def is_on(self) -> bool:
        return self._timer.isActive()

    def switch(self, is_on: bool) -> None:
        """Begins or ends following."""
        if is_on:
            self._timer.start()
            self.look()
        else:
            self._timer.stop()
            for job in self._listening.values():
                job.cancel()
            self._listening.clear()

    def look(self) -> None:
        """Asks all stores for new events."""
        for database in self._view.session.databases:
            for store in database.stores:
                if store.index.complete:
                    self._listen(store)
                    self._ask_if_idle(store)

    def _ask_if_idle(self, store: StoreSession) -> bool:
        asked = self._asked.get(store)
        if asked is not None and not asked.is_finished:
            return False
        self._ask(store)
        return True

    def _listen(self, store: StoreSession) -> None:
        """Hears from the server where its framework notifies: sooner than the next look. Looks go on all the same."""
        if store in self._listening or store.found.dialect.channel(store.found) is None:
            return
        self._listening[store] = self._view.jobs.run(
            f"listen {id(store)}",
            lambda control: indexing.listen_job(store, control),
            lambda _: None,
            # A server that does not let us listen, or went away: looking finds out the rest.
            lambda _error: None,
            self._heard,
            is_waiting=True,
        )

    def _heard(self, store: StoreSession) -> None:
        if self.is_on and store.index.complete and not self._ask_if_idle(store):
            # What is being read may have begun before the event was there.
            self._again.add(store)

    def forget(self, database: DatabaseSession) -> None:
        """Ends listening to a database that is closed."""
        for store in database.stores:
            self._again.discard(store)
            self._asked.pop(store, None)
            job = self._listening.pop(store, None)
            if job is not None:
                job.cancel()

    def _ask(self, store: StoreSession) -> None:
        before = store.index.length
        self._asked[store] = self._view.jobs.run(
            f"index {id(store)}",
            lambda control: indexing.tail_job(store, control),
            lambda first: self._answered(store, first, before),
            self._failed,
        )

    def _answered(self, store: StoreSession, first: int, before: int) -> None:
        """Tells all views; ``first`` is the first row that is new, ``before`` how many there were."""
        view, index = self._view, store.index
        if store in self._again:
            self._again.discard(store)
            if self.is_on:
                QTimer.singleShot(0, self, lambda: self._ask_if_idle(store))
        is_cut = first < before
        if store.database not in view.session.databases or (first >= index.length and not is_cut):
            return
        # Filters ask what catalogues say.
        view.catalogues.grown(store, first)
        view.filtering.grown(store, first)
        view.show_growth({store})
        view.databases.show_progress()
        view.status.say(_told(store.name, index.length - before))
        view.databases.look_up_facts(store)
        changed = {
            index.stream_name(ordinal) for ordinal in set(index.column("stream")[first:].tolist()) if ordinal >= 0
        }
        for tab in view.stream_tabs():
            # Of what is no longer there nobody knows in which streams it was.
            if tab.stream.store is store and (is_cut or tab.stream.name in changed):
                view.reread(tab.stream)

    def _failed(self, error: BaseException) -> None:
        """One failure ends following: a store that cannot be read would be told of every second."""
        self._view.actions_.live.setChecked(False)
        self._view.failed(error)


def _told(name: str, more: int) -> str:
    """What has become of a store that has so many events more than before."""
    if not more:
        return f"The last events of {name} are others than before"
    count = f"{grouped(abs(more))} {'new event' if more > 0 else 'event'}{'' if abs(more) == 1 else 's'}"
    return f"{count} in {name}" if more > 0 else f"{count} of {name} {'is' if more == -1 else 'are'} no longer there"
