"""Going places: to events, positions and types, back and forward."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject

from esviewer.domain import Event
from esviewer.session import Place, StoreSession, StreamSession
from esviewer.ui import opening
from esviewer.ui.jobs import Job
from esviewer.ui.statuses import next_flagged

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class Navigation(QObject):
    """Moves the window to where the reader wants to be, and remembers where he was."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._related: Job[Any] | None = None
        self._flagged_at: weakref.WeakKeyDictionary[StoreSession, int] = weakref.WeakKeyDictionary()

    def jump(self, index: int) -> None:
        """Moves the playhead of the present stream to a place one may want to come back from."""
        stream = self._view.session.stream
        if stream is not None:
            stream.move(index)
            self.note_place()

    def note_place(self) -> None:
        """Notes where the window is, for Back."""
        stream = self._view.session.stream
        if stream is not None:
            address = stream.store.database.address.kept
            self._view.session.visit(Place(address, stream.store.name, stream.name, stream.playhead))
            self._view.actions_.refresh()

    def go(self, step: int) -> None:
        """Goes back (-1) or forward (1) among the places visited."""
        view = self._view
        place = view.session.go(-1 if step < 0 else 1)
        if place is None or place.stream is None:
            return
        index = place.index
        database = next((d for d in view.session.databases if d.address.kept == place.address), None)
        store = database.store(place.store) if database is not None else None
        if store is not None and not view.front(store.streams.get(place.stream), index):
            view.open_stream(store, place.stream, lambda stream: stream.move(index), is_visit=False)
        view.actions_.refresh()

    def to_event(self, event: Event, store: StoreSession | None = None) -> None:
        """Opens the stream of an event with the playhead on it."""
        store = store or self._view.session.store
        name = event.stream or (event.links[0] if event.links else None)
        if store is None or name is None:
            self._view.status.say("This event stands in no stream.")
            return

        def move(stream: StreamSession) -> None:
            index = next((i for i, own in enumerate(stream.events) if own.key == event.key), None)
            if index is not None:
                stream.move(index)

        self._view.open_stream(store, opening.name_of(store, event, name), move)

    def to_position(self, store: StoreSession, position: int) -> None:
        """Opens the stream of the event at a position, or at the next one there is."""

        def done(event: Event | None) -> None:
            if event is None:
                self._view.status.say(f"There is no event at or after position {position}.")
                return
            if event.position != position:
                self._view.status.say(f"No event has position {position}; the next is {event.position}.")
            self.to_event(event, store)

        view = self._view
        view.jobs.run(
            f"read {id(store)}", lambda control: opening.position_job(store, position, control), done, view.failed
        )

    def to_type(self, store: StoreSession, name: str) -> None:
        """Opens the stream of the latest event of a type."""
        index = store.index
        rows = np.flatnonzero(index.column("type") == index.types.index(name))
        if len(rows):
            self.to_row(store, int(rows[-1]))

    def to_row(self, store: StoreSession, row: int) -> None:
        """Opens the stream of the event in a row of the index, with the playhead on it."""

        def done(event: Event | None) -> None:
            if event is not None:
                self.to_event(event, store)

        view = self._view
        view.jobs.run(f"read {id(store)}", lambda control: opening.row_job(store, row, control), done, view.failed)

    def to_flagged(self, step: int) -> None:
        """Goes to the next (1) or previous (-1) event that today's code would not read as it is.

        In a stream within it; from elsewhere across the whole store, on from where one came last.
        """
        view = self._view
        store, tab = view.session.store, view.current_tab
        codes = store.catalogue.statuses if store is not None else None
        if store is None or codes is None:
            view.status.say("Only a catalogue tells which events to go to: open one, or infer it from the store.")
            return
        way = "later" if step > 0 else "earlier"
        if tab is not None:
            place = None if tab.statuses is None else next_flagged(tab.statuses, tab.stream.playhead, step)
            if place is None:
                view.status.say(f"No {way} event of this stream is flagged.")
            else:
                self.jump(place)
            return
        table = view.tables.tab_of(store)
        if table is not None and view.tabs.currentWidget() is table:
            if not table.step_to_flagged(step):
                view.status.say(f"No {way} event here is flagged.")
            return
        row = next_flagged(codes, self._flagged_at.get(store, -1 if step > 0 else len(codes)), step)
        if row is None:
            view.status.say(f"No {way} event of {store.name} is flagged.")
            return
        self._flagged_at[store] = row
        self.to_row(store, row)

    def to_next_of_type(self, stream: StreamSession, name: str) -> None:
        """Walks the events of a type in a stream, from the playhead on and around."""
        indexes = [i for i, event in enumerate(stream.events) if (event.type or "no type") == name]
        later = [i for i in indexes if i > stream.playhead]
        if indexes:
            stream.move(later[0] if later else indexes[0])

    def look_up_related(self) -> None:
        """Looks up what the event under the playhead is tied to; an answer that comes late is dropped."""
        view = self._view
        stream = view.session.stream
        if stream is None:
            return
        event, store = stream.event, stream.store
        if self._related is not None and not self._related.is_finished:
            self._related.cancel()
        self._related = view.jobs.run(
            f"related {id(store)}",
            lambda control: opening.related_job(store, event, control),
            lambda related: view.inspector.event_panel.set_related(event, related),
            view.failed,
        )
