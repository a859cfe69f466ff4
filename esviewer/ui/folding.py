"""Which fold the streams of a category are shown with: choosing, folding anew, remembering, and asking for consent."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QFileDialog, QMenu

from esviewer.catalogue.model import Catalogue
from esviewer.domain import EsviewerError
from esviewer.projections.classes import NAME as CLASSES
from esviewer.projections.sandbox.process import UserCodeFailed
from esviewer.session import INFERRED, FoldChoice, StoreSession, StreamSession, config_folder, remember
from esviewer.ui import refolding
from esviewer.ui.catalogue_keeping import judges_alike
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Control, Job
from esviewer.ui.refolding import Progress, Refolded
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import short_id
from esviewer.ui.words import short_category
from esviewer.workspace import Workspace, default_folder, read

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

_FRAMEWORK = "eventsourcing"


@dataclass(eq=False)
class _Work:
    """Folding anew the open streams of one category."""

    job: Job[list[Refolded]]
    choice: FoldChoice
    catalogue: Catalogue | None
    """What events are folded by."""
    is_chosen: bool
    """Whether the reader chose the fold, and not only what is folded has changed."""
    progress: Progress | None = None


class Folding(QObject):
    """Keeps the folds of open streams in step with what was chosen for their categories."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._work: dict[tuple[StoreSession, str | None], _Work] = {}
        self._trusted_now: set[str] = set()
        self._line = view.inspector.state_panel.fold
        self._line.menu.aboutToShow.connect(self.fill_menu)
        self._line.cancelled.connect(self.cancel)
        self._line.switched.connect(self.switch_stored)
        view.inspector.event_panel.switched.connect(self.switch_stored)
        view.inspector.event_panel.shows_stored = self._shows_stored
        view.catalogues.changed.connect(self.follow)

    # Opening and closing

    def prepare(self, store: StoreSession) -> None:
        """Finds a store's workspace and what was chosen for its categories; before a stream of it is read."""
        if store.workspace is not None:
            return
        remembered, address = self._view.frame.remembered, store.database.address
        chosen = remembered.workspaces.get(address.kept)
        store.workspace = Path(chosen) if chosen else default_folder(address, config_folder())
        for entry in remembered.folds:
            if (entry.get("address"), entry.get("store")) == (address.kept, store.name) and entry.get("fold"):
                store.folds[entry.get("category")] = FoldChoice(entry["fold"] or INFERRED.name, entry.get("sources"))

    def opened(self, stream: StreamSession, notice: str) -> None:
        """Goes on with a stream that was just read: says what could not be done, and folds with trusted classes."""
        store, category = stream.store, stream.category
        choice = store.folds.get(category, INFERRED)
        if notice:
            self._view.tell("warning", notice)
        elif _present(stream) == choice or (store, category) in self._work:
            self.follow(store)
        elif choice.sources is None or self.is_trusted(choice.sources):
            self._start(store, category, [stream], choice)
        else:
            store.folds.pop(category)
            self._view.tell(
                "info",
                f"{short_category(category)} was folded with the classes in {choice.sources}, which are not trusted "
                "to run: the inferred fold is shown.",
            )

    def forget(self, store: StoreSession) -> None:
        """Ends the work of a store that is closed."""
        for key in [key for key in self._work if key[0] is store]:
            self._work.pop(key).job.cancel()

    # Choosing

    def choose(self, store: StoreSession, category: str | None, choice: FoldChoice) -> None:
        """Folds the open streams of a category anew; the choice holds, and is remembered, once that is done."""
        self._start(store, category, self._streams(store, category), choice)

    def follow(self, store: StoreSession) -> None:
        """Folds open streams anew where the catalogue that counts now is another than they were folded by."""
        wanted = refolding.catalogue_for(store)
        for category in {tab.stream.category for tab in self._view.stream_tabs() if tab.stream.store is store}:
            streams, running = self._streams(store, category), self._work.get((store, category))
            behind = [stream for stream in streams if not _is_folded_by(stream, wanted)]
            if running is not None and running.catalogue is not wanted and running.choice.name != CLASSES:
                self._start(store, category, streams, running.choice, is_chosen=running.is_chosen)
            elif running is None and behind:
                self._start(store, category, behind, _present(behind[0]), is_chosen=False)

    def _shows_stored(self) -> bool:
        stream = self._view.session.stream
        return stream is not None and stream.store.shows_stored

    def switch_stored(self) -> None:
        """Shows events and states of the store that is looked at as they are stored, or as upcasters have them seen."""
        view = self._view
        stream = view.session.stream
        if stream is None:
            return
        store = stream.store
        if store.catalogue.current is None:
            view.status.say("Without a catalogue every event is shown as it is stored.")
            return
        store.shows_stored = not store.shows_stored
        view.status.say("Events are shown as they are stored" if store.shows_stored else "Events are shown upcast")
        view.inspector.event_panel.show_event(stream.event)
        self.follow(store)
        view.inspector.state_panel.refresh()

    def _streams(self, store: StoreSession, category: str | None) -> list[StreamSession]:
        streams = [tab.stream for tab in self._view.stream_tabs()]
        return [stream for stream in streams if stream.store is store and stream.category == category]

    def _start(
        self,
        store: StoreSession,
        category: str | None,
        streams: list[StreamSession],
        choice: FoldChoice,
        *,
        is_chosen: bool = True,
    ) -> None:
        key = (store, category)
        running = self._work.pop(key, None)
        if running is not None:
            running.job.cancel()
        histories = [stream.history for stream in streams]

        def work(control: Control) -> list[Refolded]:
            return refolding.refold_job(store, streams, choice, control)

        job = self._view.jobs.run(
            f"fold {id(store)}",
            work,
            lambda made: self._done(key, choice, histories, made),
            lambda error: self._failed(key, error),
            lambda progress: self._progressed(key, progress),
        )
        self._work[key] = _Work(job, choice, refolding.catalogue_for(store), is_chosen)
        self.show()

    def _done(
        self, key: tuple[StoreSession, str | None], choice: FoldChoice, histories: list[Any], made: list[Refolded]
    ) -> None:
        store, category = key
        work = self._work.pop(key)
        if store.database not in self._view.session.databases:
            return
        if work.is_chosen:
            store.folds[category] = choice
            self._remember(store, category, choice)
        behind = []
        for refolded, history in zip(made, histories, strict=True):
            if refolded.stream.history is history:
                self._show_refolded(refolded)
            elif self._view.tab_of(refolded.stream) is not None and _present(refolded.stream) == choice:
                # It has grown meanwhile.
                behind.append(refolded.stream)
        if work.is_chosen:
            behind += [stream for stream in self._streams(store, category) if _present(stream) != choice]
        if behind:
            self._start(store, category, behind, choice, is_chosen=work.is_chosen)
        self.follow(store)
        self.show()

    def _show_refolded(self, refolded: Refolded) -> None:
        view, stream, folded = self._view, refolded.stream, refolded.folded
        before = stream.history
        stream.refold(folded.history, folded.failure, folded.sources, folded.output)
        tab = view.tab_of(stream)
        if tab is None:
            return
        columns = tab.columns
        tab.show_fold(refolded.columns)
        view.jobs.run("release", lambda control: refolding.release(before, columns), lambda _: None, view.failed)
        if stream is view.session.stream:
            view.inspector.state_panel.refresh()

    def _failed(self, key: tuple[StoreSession, str | None], error: BaseException) -> None:
        self._work.pop(key, None)
        self.show()
        self._tell(error)

    def not_reread(self, stream: StreamSession, error: BaseException) -> None:
        """A stream has grown and could not be read anew; classes that fail then are not asked again and again."""
        self._tell(error)
        if isinstance(error, UserCodeFailed) and self._view.tab_of(stream) is not None:
            self.choose(stream.store, stream.category, INFERRED)

    def _tell(self, error: BaseException) -> None:
        if isinstance(error, UserCodeFailed):
            printed = f"\n\nPrinted by the classes:\n{error.output}" if error.output.strip() else ""
            self._view.tell("error", str(error), f"{error.details}{printed}".strip())
        else:
            self._view.failed(error)

    def _progressed(self, key: tuple[StoreSession, str | None], progress: Progress) -> None:
        work = self._work.get(key)
        if work is not None and isinstance(progress, Progress):
            work.progress = progress
            self.show()

    def cancel(self) -> None:
        """Leaves the category that is looked at as it is folded now."""
        stream = self._view.session.stream
        work = None if stream is None else self._work.pop((stream.store, stream.category), None)
        if work is not None:
            work.job.cancel()
            self._view.status.say("The fold stays as it was")
        self.show()

    def show(self) -> None:
        """Shows in the state panel whether another fold of the present stream is being worked out."""
        stream = self._view.session.stream
        work = None if stream is None else self._work.get((stream.store, stream.category))
        self._line.show_progress(work is not None, None if work is None else work.progress)

    def _remember(self, store: StoreSession, category: str | None, choice: FoldChoice) -> None:
        remembered, address = self._view.frame.remembered, store.database.address.kept
        place = {"address": address, "store": store.name, "category": category}
        kept = [entry for entry in remembered.folds if {**entry, **place} != entry]
        if choice != INFERRED:
            kept.append({**place, "fold": choice.name, "sources": choice.sources})
        if kept != remembered.folds:
            remembered.folds = kept
            remember(remembered)

    # The menu

    def fill_menu(self) -> None:
        """Lists the folds there are for the stream that is looked at."""
        menu, stream = self._line.menu, self._view.session.stream
        menu.clear()
        if stream is None:
            return
        self.prepare(stream.store)
        workspace, problem = self._workspace(stream.store)
        present = _present(stream)
        group = QActionGroup(menu)
        choices = [(FoldChoice(name), name) for name in workspace.folds]
        if present.name == CLASSES and present.sources:
            choices.append((present, f"Classes in {short_id(present.sources, 36)}"))
        for choice, words in ((INFERRED, "Inferred"), *choices):
            action = menu.addAction(
                words.replace("&", "&&"), partial(self.choose, stream.store, stream.category, choice)
            )
            action.setCheckable(True)
            action.setChecked(choice == present)
            group.addAction(action)
        if problem:
            menu.addAction("The workspace cannot be read").setEnabled(False)
            menu.actions()[-1].setToolTip(tooltip(problem))
        menu.addSeparator()
        words = f"Edit {present.name}…" if present.name in workspace.folds else "Edit…"
        edit = menu.addAction(icon("sliders-horizontal"), words.replace("&", "&&"), self.edit)
        edit.setToolTip(tooltip(f"Rules by event type and attribute, kept in {workspace.file}"))
        self._add_classes(menu, stream)

    def _workspace(self, store: StoreSession) -> tuple[Workspace, str]:
        folder = store.workspace or Path()
        try:
            return read(folder), ""
        except EsviewerError as error:
            return Workspace(folder), str(error)

    def _add_classes(self, menu: QMenu, stream: StreamSession) -> None:
        classes = menu.addAction(icon("terminal"), "Fold with the application's classes…", self.ask_for_classes)
        reason = why_no_classes(stream.store)
        classes.setEnabled(not reason)
        classes.setToolTip(
            tooltip(reason or "Runs the aggregate classes of the application, after you have seen what would run")
        )
        if stream.output.strip():
            menu.addAction("Show what the classes printed", partial(self._show_output, stream))
        trusted = sorted({*self._view.frame.remembered.trusted, *self._trusted_now})
        if trusted:
            inner = menu.addMenu("Trusted folders")
            inner.setToolTipsVisible(True)
            for folder in trusted:
                action = inner.addAction(f"Take back: {short_id(folder, 48)}".replace("&", "&&"))
                action.triggered.connect(partial(self._take_back, folder))
                action.setToolTip(tooltip(f"No code in {folder} runs any more until it is trusted again"))

    def _show_output(self, stream: StreamSession) -> None:
        self._view.tell("info", "What the classes printed can be copied.", stream.output)

    # Editing

    def edit(self) -> None:
        """Opens the table of rules for the category of the stream that is looked at."""
        from esviewer.ui.fold_dialog import FoldDialog

        stream = self._view.session.stream
        if stream is None:
            return
        self.prepare(stream.store)
        dialog = FoldDialog(stream, self._view)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.folder_chosen.connect(partial(self._use_workspace, stream.store))
        dialog.saved.connect(lambda name: self.choose(stream.store, stream.category, FoldChoice(name)))
        dialog.open()

    def _use_workspace(self, store: StoreSession, folder: Path) -> None:
        remembered = self._view.frame.remembered
        remembered.workspaces[store.database.address.kept] = str(folder)
        remember(remembered)
        for other in store.database.stores:
            other.workspace = folder

    # Classes and consent

    def is_trusted(self, folder: str) -> bool:
        """Whether the code in a folder may run."""
        return folder in self._view.frame.remembered.trusted or folder in self._trusted_now

    @property
    def can_use_classes(self) -> bool:
        """Whether the stream that is looked at can be folded with classes."""
        stream = self._view.session.stream
        return stream is not None and not why_no_classes(stream.store)

    def ask_for_classes(self) -> None:
        """Lets the reader choose the folder of the classes."""
        stream = self._view.session.stream
        if stream is None:
            return
        path = stream.store.database.address.path
        start = stream.sources or ("" if path is None else str(path.absolute().parent))
        folder = QFileDialog.getExistingDirectory(self._view, "The folder that holds the top-level package", start)
        if folder:
            self.fold_with(stream, Path(folder))

    def fold_with(self, stream: StreamSession, folder: Path) -> None:
        """Folds a stream's category with the classes in a folder, once it is trusted."""
        sources = str(folder.resolve())
        if self.is_trusted(sources):
            self.choose(stream.store, stream.category, FoldChoice(CLASSES, sources))
            return
        from esviewer.ui.trust_dialog import TrustDialog

        events = [event for one in self._streams(stream.store, stream.category) for event in one.events]
        dialog = TrustDialog(folder, frozenset(event.type for event in events if event.type), self._view)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._consented(stream, sources, dialog.is_kept))
        dialog.open()

    def trust(self, folder: str, is_kept: bool) -> None:
        """Lets the code in a folder run from now on; if that is not kept, until the window is closed."""
        remembered = self._view.frame.remembered
        if is_kept and folder not in remembered.trusted:
            remembered.trusted.append(folder)
            remember(remembered)
        self._trusted_now.add(folder)

    def _consented(self, stream: StreamSession, sources: str, is_kept: bool) -> None:
        self.trust(sources, is_kept)
        self.choose(stream.store, stream.category, FoldChoice(CLASSES, sources))

    def _take_back(self, folder: str) -> None:
        """Trusts a folder no more; what was folded with it is inferred again."""
        remembered = self._view.frame.remembered
        remembered.trusted = [kept for kept in remembered.trusted if kept != folder]
        self._trusted_now.discard(folder)
        remember(remembered)
        self._view.status.say(f"{short_id(folder, 40)} is not trusted any more")
        self._view.catalogues.code.taken_back(folder)
        for work in [work for work in self._work.values() if work.choice.sources == folder]:
            work.job.cancel()
        self._work = {key: work for key, work in self._work.items() if work.choice.sources != folder}
        for database in self._view.session.databases:
            for store in database.stores:
                for category in [c for c, choice in store.folds.items() if choice.sources == folder]:
                    self.choose(store, category, INFERRED)
        self.show()


def _present(stream: StreamSession) -> FoldChoice:
    """What a stream is folded with now."""
    return FoldChoice(stream.history.fold.name, stream.sources)


def _is_folded_by(stream: StreamSession, catalogue: Catalogue | None) -> bool:
    """Whether a stream is folded as a catalogue has its events seen; classes upcast by themselves."""
    sights = stream.history.sights
    held = None if sights is None else sights.catalogue
    if held is catalogue or stream.history.fold.name == CLASSES:
        return True
    return held is not None and catalogue is not None and judges_alike(held, catalogue)


def why_no_classes(store: StoreSession) -> str:
    """Why a store cannot be folded with classes; empty where it can."""
    dialect = store.found.dialect
    if not dialect.has_python_classes:
        return (
            f"Only aggregates of Python's eventsourcing can be folded with classes; this is a store of {dialect.title}"
        )
    if importlib.util.find_spec(_FRAMEWORK) is None:
        return "The library eventsourcing is not installed beside esviewer: pip install 'esviewer[eventsourcing]'"
    return ""
