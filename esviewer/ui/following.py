"""Following opened stores: new events appear by themselves while the switch is on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from esviewer.session import StoreSession
from esviewer.ui import opening
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

    def look(self) -> None:
        """Asks all stores for new events."""
        for database in self._view.session.databases:
            for store in database.stores:
                asked = self._asked.get(store)
                if store.index.complete and (asked is None or asked.is_finished):
                    self._ask(store)

    def _ask(self, store: StoreSession) -> None:
        self._asked[store] = self._view.jobs.run(
            f"index {id(store)}",
            lambda control: opening.tail_job(store, control),
            lambda first: self._answered(store, first),
            self._failed,
        )

    def _answered(self, store: StoreSession, first: int) -> None:
        view, index = self._view, store.index
        if first >= index.length or store.database not in view.session.databases:
            return
        count = index.length - first
        view.show_growth({store})
        view.status.show_store(view.session.store)
        view.status.say(f"{grouped(count)} new event{'' if count == 1 else 's'} in {store.name}")
        view.databases.look_up_facts(store)
        changed = {
            index.stream_name(ordinal) for ordinal in set(index.column("stream")[first:].tolist()) if ordinal >= 0
        }
        for tab in view.stream_tabs():
            if tab.stream.store is store and tab.stream.name in changed:
                view.reread(tab.stream)

    def _failed(self, error: BaseException) -> None:
        """One failure ends following: a store that cannot be read would be told of every second."""
        self._view.actions_.live.setChecked(False)
        self._view.failed(error)
