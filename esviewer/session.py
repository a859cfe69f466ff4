"""What is open and selected and where the playhead stands: plain state with listeners, no Qt.

The window only shows what stands here; the same state can be saved and brought back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

# At run time this module needs the standard library alone: the window reads what was kept before its first paint.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from esviewer.catalogue.chains import FunctionRunner
    from esviewer.catalogue.model import Catalogue
    from esviewer.domain import Event, Snapshot
    from esviewer.projections.classes import ClassFoldFailure
    from esviewer.projections.history import AggregateHistory
    from esviewer.stores.address import Address
    from esviewer.stores.database import Database
    from esviewer.stores.dialects.base import Found
    from esviewer.stores.filters import EventFilter
    from esviewer.stores.index import Index
    from esviewer.stores.index_process import IndexProcess

Axis = Literal["version", "time"]
RECENT_LIMIT = 12


class Listeners:
    """Functions to call when something changed; a listener that leaves while others are called is no trouble."""

    def __init__(self) -> None:
        self._functions: list[Callable[[], None]] = []

    def add(self, function: Callable[[], None]) -> Callable[[], None]:
        """Registers a listener; returns the way to remove it."""
        self._functions.append(function)

        def remove() -> None:
            if function in self._functions:
                self._functions.remove(function)

        return remove

    def notify(self) -> None:
        for function in tuple(self._functions):
            function()


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere one has been: a stream of a store with the playhead, or a store's overview (no stream)."""

    address: str
    store: str
    stream: str | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class FoldChoice:
    """Which fold the streams of a category are shown with: ``inferred``, a name of the workspace, or ``classes``.

    ``sources`` is the folder of the classes.
    """

    name: str = "inferred"
    sources: str | None = None


INFERRED = FoldChoice()


class StreamSession:
    """One opened stream: its history, where the playhead stands, and what is selected in it."""

    def __init__(self, store: StoreSession, name: str, history: AggregateHistory, snapshots: list[Snapshot]) -> None:
        self.store = store
        self.name = name
        self.history = history
        self.snapshots = snapshots
        self.failure: ClassFoldFailure | None = None
        """From which event on the state is not known, because the application's classes could not take it."""
        self.sources: str | None = None
        """The folder of the classes that the history was folded with."""
        self.output = ""
        """What those classes printed."""
        self.playhead = len(history.events) - 1
        self.axis: Axis = "version"
        self.mark: int | None = None
        """The second cursor: what the state at the playhead is compared with."""
        self.selected_path: str | None = None
        self.view_range: tuple[float, float] | None = None
        self.moved = Listeners()
        self.path_selected = Listeners()

    @property
    def events(self) -> tuple[Event, ...]:
        return self.history.events

    @property
    def event(self) -> Event:
        """The event under the playhead."""
        return self.history.events[self.playhead]

    @property
    def category(self) -> str | None:
        return self.history.events[0].category

    def move(self, index: int) -> None:
        """Moves the playhead to an event, as near as the stream allows."""
        index = max(0, min(index, len(self.events) - 1))
        if index != self.playhead:
            self.playhead = index
            self.moved.notify()

    def set_mark(self, index: int | None) -> None:
        """Sets or takes away the second cursor; at the playhead there is nothing to compare."""
        index = None if index is None or index == self.playhead else max(0, min(index, len(self.events) - 1))
        if index != self.mark:
            self.mark = index
            self.moved.notify()

    def grow(self, history: AggregateHistory, snapshots: list[Snapshot]) -> None:
        """Takes the stream as it was read anew; the playhead stays, unless it stood at the head."""
        at_head = self.playhead == len(self.events) - 1
        self.history, self.snapshots = history, snapshots
        self.playhead = len(self.events) - 1 if at_head else min(self.playhead, len(self.events) - 1)

    def refold(
        self,
        history: AggregateHistory,
        failure: ClassFoldFailure | None = None,
        sources: str | None = None,
        output: str = "",
    ) -> None:
        """Takes the same events folded in another way; playhead, mark and selection stay."""
        self.history, self.failure, self.sources, self.output = history, failure, sources, output

    def is_known(self, index: int) -> bool:
        """Whether the state after an event is known."""
        return self.failure is None or index < self.failure.index

    def select_path(self, path: str | None) -> None:
        """Selects a field of the state, for "set by" and for the keys that walk its changes."""
        if path != self.selected_path:
            self.selected_path = path
            self.path_selected.notify()

    def step_to_change(self, direction: int) -> None:
        """Moves to the previous (-1) or next (1) event that changes the selected field, any field if none."""
        history = self.history
        find = history.next_change if direction > 0 else history.previous_change
        index = find(self.selected_path, self.playhead)
        if index is not None:
            self.move(index)


def _no_filter() -> EventFilter:
    from esviewer.stores.filters import EventFilter

    return EventFilter()


@dataclass(eq=False)
class StoreCatalogue:
    """What is known of a store's event types, where it is kept, and what it makes of each event."""

    current: Catalogue | None = None
    """What events are judged by; ``None`` while nothing is known."""
    saved: Catalogue | None = None
    """As its file has it: edits are undone by going back to it."""
    path: Path | None = None
    """The file that it is kept in, ``None`` for one that was inferred or taken from sources and not saved."""
    origin: str = ""
    """Where it came from if not from a file, in a few words."""
    statuses: NDArray[np.uint8] | None = None
    """The status of each row of the index, as far as it is known: a code of ``esviewer.stores.filters.STATUSES``."""
    changed: Listeners = field(default_factory=Listeners)
    """Another catalogue counts, or it was saved."""
    judged: Listeners = field(default_factory=Listeners)
    """More is known of statuses, or they are others."""
    runner: FunctionRunner | None = None
    """Runs its Python upcasters, where the reader lets them; it waits for them, which the UI thread must not."""

    @property
    def is_edited(self) -> bool:
        """Whether it says something that its file does not."""
        return self.current is not None and self.current != self.saved


@dataclass(eq=False)
class StoreSession:
    """One store of an opened database with its index, which may still grow."""

    database: DatabaseSession
    found: Found
    index: Index
    snapshots: int | None = None
    streams: dict[str, StreamSession] = field(default_factory=dict)
    filter: EventFilter = field(default_factory=_no_filter)
    """Which events are looked at, in every view of the store; the state of an aggregate always has all."""
    rows: NDArray[np.int64] | None = None
    """Ascending rows of the index that the filter lets through, as far as they are known; ``None`` for all rows."""
    covered: int = 0
    """How many rows of the index, from the first, have been asked for :attr:`rows`."""
    filtered: Listeners = field(default_factory=Listeners)
    """The filter changed, or more is known of its rows."""

    folds: dict[str | None, FoldChoice] = field(default_factory=dict)
    """By category, the fold that was chosen; the inferred one where none was."""
    workspace: Path | None = None
    """The folder of the store's workspace, once it has been looked for."""
    shows_stored: bool = False
    """Whether events and states are shown as stored, and not as the catalogue's upcasters have them seen."""

    catalogue: StoreCatalogue = field(default_factory=StoreCatalogue)
    """What is known of its event types."""
    indexing: IndexProcess | None = None
    """The process that indexes the store, where it is too large to be read here."""

    @property
    def name(self) -> str:
        return self.found.name


class DatabaseSession:
    """One opened database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.stores = [StoreSession(self, found, index) for found, index in database.with_indexes()]

    @property
    def address(self) -> Address:
        return self.database.address

    def close(self) -> None:
        """Closes all connections, those of other processes too."""
        for store in self.stores:
            if store.indexing is not None:
                store.indexing.leave()
        self.database.close()

    def store(self, name: str | None) -> StoreSession | None:
        """The store of that name."""
        return next((store for store in self.stores if store.name == name), None)


class Session:
    """Everything that is open, and the places visited."""

    def __init__(self) -> None:
        self.databases: list[DatabaseSession] = []
        self.store: StoreSession | None = None
        self.stream: StreamSession | None = None
        self.changed = Listeners()
        """Databases were opened or closed, or another store or stream was chosen."""
        self._visited: list[Place] = []
        self._at = -1

    def add(self, database: DatabaseSession) -> None:
        self.databases.append(database)
        self.changed.notify()

    def remove(self, database: DatabaseSession) -> None:
        """Forgets a database and closes its connections."""
        self.databases.remove(database)
        if self.store is not None and self.store.database is database:
            self.store = self.stream = None
        database.close()
        self.changed.notify()

    def choose(self, store: StoreSession | None, stream: StreamSession | None = None) -> None:
        """Makes a store, or one of its streams, the one that is looked at."""
        if store is self.store and stream is self.stream:
            return
        self.store, self.stream = store, stream
        self.changed.notify()

    # Back and forward

    def visit(self, place: Place) -> None:
        """Notes a place; what was ahead of the present one is forgotten, as in a browser."""
        if self._at >= 0 and self._visited[self._at] == place:
            return
        del self._visited[self._at + 1 :]
        self._visited.append(place)
        self._at = len(self._visited) - 1

    def note_index(self, index: int) -> None:
        """Updates the playhead of the present place, so that coming back finds it where it was left."""
        if self._at >= 0 and self._visited[self._at].stream is not None:
            self._visited[self._at] = replace(self._visited[self._at], index=index)

    @property
    def can_go_back(self) -> bool:
        return self._at > 0

    @property
    def can_go_forward(self) -> bool:
        return self._at + 1 < len(self._visited)

    def go(self, step: Literal[-1, 1]) -> Place | None:
        """The place before or after the present one, which becomes the present one; ``None`` at the ends."""
        if not 0 <= self._at + step < len(self._visited):
            return None
        self._at += step
        return self._visited[self._at]


# What is kept between sessions


def config_folder() -> Path:
    """Where settings are kept: ``ESVIEWER_CONFIG_DIR``, else where this system keeps them."""
    given = os.environ.get("ESVIEWER_CONFIG_DIR")
    if given:
        return Path(given)
    import platformdirs

    return platformdirs.user_config_path("esviewer")


@dataclass
class Remembered:
    """What comes back at the next start. Addresses never hold passwords."""

    recent: list[str] = field(default_factory=list)
    open: list[dict[str, Any]] = field(default_factory=list)
    """Opened databases: ``{address, store, streams: [{name, playhead, axis, range}], current}``."""
    theme: str = "system"
    live: bool = False
    """Whether opened stores are followed."""
    zone: str = "utc"
    """``utc`` or ``local``: the zone that times are shown in."""
    window: dict[str, Any] = field(default_factory=dict)
    filters: dict[str, str] = field(default_factory=dict)
    """Saved filters by name, in the words of the filter bar."""
    trusted: list[str] = field(default_factory=list)
    """Folders whose code may run, as whole paths."""
    workspaces: dict[str, str] = field(default_factory=dict)
    """Folders that were chosen as workspaces, by the address of the database."""
    folds: list[dict[str, str | None]] = field(default_factory=list)
    """Chosen folds: ``{address, store, category, fold, sources}``."""
    projections: dict[str, list[str]] = field(default_factory=dict)
    """Opened files of projections, by ``ADDRESS#STORE``."""

    def note(self, address: str) -> None:
        """Puts an address on top of the recent ones."""
        self.recent = [address, *(other for other in self.recent if other != address)][:RECENT_LIMIT]


def recall(folder: Path | None = None) -> Remembered:
    """What was kept; a file that is missing or damaged gives the defaults."""
    path = (folder or config_folder()) / "session.json"
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return Remembered()
    return _remembered(kept) if isinstance(kept, dict) else Remembered()


def _remembered(kept: Mapping[str, Any]) -> Remembered:
    result = Remembered()
    recent, opened = kept.get("recent"), kept.get("open")
    if isinstance(recent, list):
        result.recent = [entry for entry in recent if isinstance(entry, str)][:RECENT_LIMIT]
    if isinstance(opened, list):
        result.open = [entry for entry in opened if isinstance(entry, dict) and isinstance(entry.get("address"), str)]
    if kept.get("theme") in ("light", "dark", "system"):
        result.theme = kept["theme"]
    result.live = kept.get("live") is True
    if kept.get("zone") in ("utc", "local"):
        result.zone = kept["zone"]
    if isinstance(kept.get("window"), dict):
        result.window = dict(kept["window"])
    if isinstance(kept.get("filters"), dict):
        result.filters = {name: words for name, words in kept["filters"].items() if isinstance(words, str)}
    if isinstance(kept.get("trusted"), list):
        result.trusted = [folder for folder in kept["trusted"] if isinstance(folder, str)]
    if isinstance(kept.get("workspaces"), dict):
        result.workspaces = {name: folder for name, folder in kept["workspaces"].items() if isinstance(folder, str)}
    if isinstance(kept.get("folds"), list):
        entries = [entry for entry in kept["folds"] if isinstance(entry, dict)]
        result.folds = [entry for entry in entries if all(isinstance(value, str | None) for value in entry.values())]
    if isinstance(kept.get("projections"), dict):
        listed = {place: files for place, files in kept["projections"].items() if isinstance(files, list)}
        result.projections = {place: [one for one in files if isinstance(one, str)] for place, files in listed.items()}
    return result


def remember(state: Remembered, folder: Path | None = None) -> None:
    """Keeps what comes back at the next start; a folder that cannot be written is no reason to fail."""
    folder = folder or config_folder()
    text = json.dumps(
        {
            "recent": state.recent,
            "open": state.open,
            "theme": state.theme,
            "zone": state.zone,
            "live": state.live,
            "window": state.window,
            "filters": state.filters,
            "trusted": state.trusted,
            "workspaces": state.workspaces,
            "folds": state.folds,
            "projections": state.projections,
        },
        indent=1,
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / "session.json.new"
        unfinished.write_text(text, "utf-8")
        unfinished.replace(folder / "session.json")
    except OSError:
        return
