"""The Python upcasters of a catalogue in the window: they run once the reader lets them, and never on the UI thread."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.preview import Preview, preview
from esviewer.catalogue.status import Judge
from esviewer.domain import Event, Key
from esviewer.projections.upcast_functions import LIMITS, UpcastFunctions, code_edges
from esviewer.session import StoreSession

if TYPE_CHECKING:
    from esviewer.ui.catalogue_control import Catalogues
    from esviewer.ui.main_view import MainView

WORDS: Final = "The catalogue's upcasters are Python code of this folder. None of it has run yet."
_KEPT: Final = 1_000
"""Events of a store whose outcome is remembered."""


class UpcasterCode(QObject):
    """Starts and ends what runs functions, store by store: ``StoreCatalogue.runner``. Jobs judge with it."""

    def __init__(self, view: MainView, catalogues: Catalogues) -> None:
        super().__init__(catalogues)
        self._view = view
        self._catalogues = catalogues
        self._folders: dict[StoreSession, Path] = {}
        self._asked: dict[StoreSession, Path] = {}
        self._previews: dict[StoreSession, dict[Key, Preview | None]] = {}

    # Consent

    def offer(self, store: StoreSession, folder: Path | None) -> None:
        """Goes on with a catalogue that was just taken, whose code would be in a folder: runs what is trusted, and asks
        where there is code that nothing else stands in for.
        """
        self._end(store)
        current = store.catalogue.current
        if current is None or folder is None or not _is_there(current, folder):
            return
        if self._view.folding.is_trusted(str(folder.resolve())):
            self._begin(store, folder.resolve())
        elif code_edges(current, only_code=True) and self._asked.get(store) != folder:
            self._asked[store] = folder
            self._ask(store, folder)

    def folder_of(self, store: StoreSession) -> Path | None:
        """The folder whose functions run for a store; ``None`` where none do."""
        return self._folders.get(store)

    def can_run(self, store: StoreSession) -> bool:
        """Whether the catalogue of a store names functions that do not run."""
        held = store.catalogue
        return held.current is not None and held.runner is None and bool(code_edges(held.current))

    def choose(self, store: StoreSession) -> None:
        """Lets the reader choose the folder of the functions, and asks whether its code may run."""
        path = store.catalogue.path or store.database.address.path
        start = "" if path is None else str(path.absolute().parent)
        name = QFileDialog.getExistingDirectory(self._view, "Folder that holds the module of the upcasters", start)
        if name:
            folder = Path(name)
            if self._view.folding.is_trusted(str(folder.resolve())):
                self._let(store, folder)
            else:
                self._ask(store, folder)

    def _ask(self, store: StoreSession, folder: Path) -> None:
        from esviewer.ui.trust_dialog import TrustDialog

        current = store.catalogue.current
        if current is None:
            return
        functions = frozenset(edge.function or "" for edge in code_edges(current))
        dialog = TrustDialog(folder, functions, self._view, title="Run Python upcasters", words=WORDS, limits=LIMITS)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._consented(store, folder, dialog.is_kept))
        dialog.open()

    def _consented(self, store: StoreSession, folder: Path, is_kept: bool) -> None:
        self._view.folding.trust(str(folder.resolve()), is_kept)
        self._let(store, folder)

    def _let(self, store: StoreSession, folder: Path) -> None:
        if store.database in self._view.session.databases and store.catalogue.current is not None:
            self._end(store)
            self._begin(store, folder.resolve())
            self._catalogues.judge_anew(store)

    def taken_back(self, folder: str) -> None:
        """The code in a folder may not run any more."""
        for store in [store for store, own in self._folders.items() if str(own) == folder]:
            self._end(store)
            self._catalogues.judge_anew(store)

    # Running

    def _begin(self, store: StoreSession, folder: Path) -> None:
        self._folders[store] = folder
        store.catalogue.runner = UpcastFunctions.of_store(store.found, store.database.database.codecs, folder)

    def _end(self, store: StoreSession) -> None:
        runner, store.catalogue.runner = store.catalogue.runner, None
        self._folders.pop(store, None)
        self._previews.pop(store, None)
        if isinstance(runner, UpcastFunctions):
            runner.stop()

    def forget(self, store: StoreSession) -> None:
        """Ends what runs for a store, which is closed."""
        self._end(store)
        self._asked.pop(store, None)

    def shut_down(self) -> None:
        """Ends all that runs."""
        for store in list(self._folders):
            self._end(store)

    # Single events

    def changed(self, store: StoreSession) -> None:
        """The catalogue says something else: outcomes that are known may be others."""
        self._previews.pop(store, None)

    def preview(self, store: StoreSession, event: Event, judge: Judge) -> Preview:
        """What becomes of an event as far as is known; where code is to run for it that is done, and then told."""
        known = self._previews.get(store, {}).get(event.key)
        if known is not None:
            return known
        found = preview(judge, event)
        if found.assessment.unverified and store.catalogue.runner is not None:
            self._run(store, event)
        return found

    def _run(self, store: StoreSession, event: Event) -> None:
        kept = self._previews.setdefault(store, {})
        catalogue, runner = store.catalogue.current, store.catalogue.runner
        if event.key in kept or catalogue is None:
            return
        if len(kept) >= _KEPT:
            kept.clear()
        kept[event.key] = None
        types = tuple(store.index.types)
        self._view.jobs.run(
            f"preview {id(store)}",
            lambda control: preview(Judge(catalogue, types, runner), event),
            partial(self._ran, store, kept, event),
            self._view.failed,
        )

    def _ran(self, store: StoreSession, kept: dict[Key, Preview | None], event: Event, found: Preview) -> None:
        kept[event.key] = found
        stream = self._view.session.stream
        if stream is not None and stream.store is store and stream.event.key == event.key:
            self._view.inspector.event_panel.show_event(stream.event)


def _is_there(catalogue: Catalogue, folder: Path) -> bool:
    """Whether any module that the upcasters name lies in a folder."""
    for edge in code_edges(catalogue):
        place = folder.joinpath(*(edge.function or "").partition(":")[0].split("."))
        if place.with_suffix(".py").is_file() or (place / "__init__.py").is_file():
            return True
    return False
