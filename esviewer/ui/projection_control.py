"""Projections in the window: which are known for a store, who may run them, and what runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from esviewer.domain import EsviewerError
from esviewer.projections.sandbox.process import UserCodeFailed
from esviewer.session import StoreSession, remember
from esviewer.ui import projection_files as files
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Control, Job
from esviewer.ui.projection_files import ProjectionEntry
from esviewer.ui.projection_work import Advance, Judging, Order, Ran, Sheet, Steering, export_job, run_job
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped, short_id
from esviewer.workspace import read

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView
    from esviewer.ui.projection_tab import ProjectionTab

TITLE = "Let the projection run"
WORDS = "Replaying a projection in Python runs this code. Nothing of it has run yet."


@dataclass(slots=True)
class Failure:
    """Why an order could not be run, with what can be copied; ``lines`` are those of files that are to blame."""

    sentence: str
    details: str


@dataclass(slots=True)
class Work:
    """What runs for a store, and what was run last."""

    order: Order | None = None
    job: Job[Ran] | None = None
    steering: Steering = field(default_factory=Steering)
    advance: Advance | None = None
    ran: Ran | None = None
    failure: Failure | None = None
    refused: str = ""
    chosen: str = ""
    """The text of the projection that is looked at."""
    partners: dict[str, str] = field(default_factory=dict)
    """What each projection was compared with last."""

    @property
    def is_running(self) -> bool:
        return self.job is not None


class Projections(QObject):
    """Made once a window. Signals carry the store."""

    changed = Signal(object)
    """The list, or what runs, is another one."""
    advanced = Signal(object)

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self._work: dict[StoreSession, Work] = {}

    def work(self, store: StoreSession) -> Work:
        """What runs for a store, and what was run last."""
        return self._work.setdefault(store, Work())

    # The list

    def entries(self, store: StoreSession) -> list[ProjectionEntry]:
        """The projections that are known: those opened by the reader, then those that the workspace names."""
        self._view.folding.prepare(store)
        found: dict[str, ProjectionEntry] = {}
        named: list[tuple[str, str]] = [(text, "") for text in self._kept(store)]
        if store.workspace is not None:
            try:
                named += [(text, name) for name, text in read(store.workspace).projections.items()]
            except EsviewerError as error:
                self._view.status.say(str(error))
        for text, called in named:
            try:
                listed = files.entries_of(text, called)
            except EsviewerError:
                continue
            for entry in listed:
                found.setdefault(entry.text, entry)
        return list(found.values())

    def _kept(self, store: StoreSession) -> list[str]:
        return self._view.frame.remembered.projections.get(_place(store), [])

    def open_files(self, store: StoreSession, paths: Sequence[Path]) -> None:
        """Adds files to the list, and looks at the first of them."""
        kept, added = self._kept(store), []
        for path in paths:
            try:
                added += files.entries_of(str(path.resolve()))
            except EsviewerError as error:
                self._view.failed(error)
        if not added:
            return
        texts = list(dict.fromkeys(str(entry.path) for entry in added))
        self._keep(store, [*(text for text in kept if text not in texts), *texts])
        self.work(store).chosen = added[0].text
        self.changed.emit(store)

    def leave_out(self, store: StoreSession, entry: ProjectionEntry) -> None:
        """Takes a file out of the list; it stays where it is."""
        self._keep(store, [text for text in self._kept(store) if text != str(entry.path)])
        self.changed.emit(store)

    def _keep(self, store: StoreSession, texts: list[str]) -> None:
        remembered = self._view.frame.remembered
        remembered.projections = {**remembered.projections, _place(store): texts}
        remember(remembered)

    # Consent

    def run(self, store: StoreSession, order: Order) -> None:
        """Runs an order, once all code in it may run: whoever refuses that is asked again next time."""
        work = self.work(store)
        if work.is_running or store.database not in self._view.session.databases:
            return
        work.refused = ""
        untrusted: dict[str, list[Path]] = {}
        for entry in self._meant(order):
            if entry.kind == "python" and not self._view.folding.is_trusted(entry.folder):
                untrusted.setdefault(entry.folder, []).append(entry.path)
        if not untrusted:
            self._start(store, order)
            return
        folder, paths = next(iter(untrusted.items()))
        self._ask(store, order, folder, paths)

    def _meant(self, order: Order) -> list[ProjectionEntry]:
        texts = list(order.projections)
        if order.table is not None and order.table.previous is not None:
            texts.append(order.table.previous.text)
        found: list[ProjectionEntry] = []
        for text in texts:
            try:
                found += files.entries_of(text if Path(text).is_file() else files.without_revision(text))
            except EsviewerError as error:
                self._view.failed(error)
        return found

    def _ask(self, store: StoreSession, order: Order, folder: str, paths: list[Path]) -> None:
        from esviewer.ui.trust_dialog import TrustDialog

        dialog = TrustDialog(
            Path(folder),
            frozenset(),
            self._view,
            title=TITLE,
            words=WORDS,
            look=lambda control: files.what_would_run(paths),
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self._consented(store, order, folder, dialog.is_kept))
        dialog.rejected.connect(partial(self._refused, store, folder))
        dialog.open()

    def _consented(self, store: StoreSession, order: Order, folder: str, is_kept: bool) -> None:
        self._view.folding.trust(folder, is_kept)
        self.run(store, order)

    def _refused(self, store: StoreSession, folder: str) -> None:
        self.work(store).refused = folder
        self.changed.emit(store)

    # Running

    def _start(self, store: StoreSession, order: Order) -> None:
        work, view = self.work(store), self._view
        work.order, work.advance, work.failure = order, None, None
        work.steering = steering = Steering()
        judging = self._judging(store)
        if len(order.projections) > 1:
            work.partners[order.projections[0]] = order.projections[1]
        work.job = view.jobs.run(
            f"project {id(store)}",
            lambda control: run_job(store, order, judging, steering, control),
            partial(self._done, store),
            partial(self._failed, store),
            partial(self._advanced, store),
        )
        self.changed.emit(store)

    def _judging(self, store: StoreSession) -> Judging:
        held = store.catalogue
        if held.current is None or held.current.inferred:
            return Judging()
        code = self._view.catalogues.code.folder_of(store)
        if held.path is None or held.is_edited:
            return Judging(None, held.current, code)
        return Judging(held.path, None, code)

    def again(self, store: StoreSession) -> None:
        """Runs what was run last once more: its files have changed."""
        order = self.work(store).order
        if order is not None:
            self.run(store, order)

    def cancel(self, store: StoreSession) -> None:
        """Ends what runs, with the rows it has so far; a second time, at once and without any."""
        self.work(store).steering.end()

    def pause(self, store: StoreSession, is_on: bool) -> None:
        """Has what runs rest, or go on."""
        self.work(store).steering.pause(is_on)

    def _done(self, store: StoreSession, ran: Ran) -> None:
        work = self.work(store)
        work.job, work.ran = None, ran
        self.changed.emit(store)

    def _failed(self, store: StoreSession, error: BaseException) -> None:
        work = self.work(store)
        work.job = work.ran = None
        if isinstance(error, UserCodeFailed):
            printed = f"\n\nPrinted on the way:\n{error.output}" if error.output.strip() else ""
            work.failure = Failure(str(error), f"{error.details}{printed}".strip())
        elif isinstance(error, EsviewerError):
            work.failure = Failure(str(error), "")
        else:
            work.failure = Failure("The run could not be made.", "")
            self._view.failed(error)
        self.changed.emit(store)

    def _advanced(self, store: StoreSession, advance: Advance) -> None:
        self.work(store).advance = advance
        self.advanced.emit(store)

    def export(self, store: StoreSession, sheet: Sheet, path: Path) -> None:
        """Writes rows to a file, with the verdict they stand under."""
        ran, view = self.work(store).ran, self._view
        if ran is None:
            return
        done = ran.done

        def write(control: Control) -> int:
            whole = done.as_object()
            heading = {name: value for name, value in whole.items() if name != "rows"}
            return export_job(sheet.rows, sheet.columns, path, heading, control)

        def said(count: int) -> None:
            view.status.say(f"{grouped(count)} row{'' if count == 1 else 's'} written to {path.name}.")

        view.status.busy(f"Writing {short_id(path.name, 40)} …")
        view.jobs.run("export", write, said, view.failed)

    def shut_down(self) -> None:
        """Keeps what was not saved: the window closes."""
        for tab in self._tabs():
            tab.code.leave()

    def forget(self, store: StoreSession) -> None:
        """Ends all work for a store, which is closed."""
        work = self._work.pop(store, None)
        if work is not None and work.job is not None:
            work.job.cancel()

    # The tab

    def show(self, store: StoreSession | None) -> ProjectionTab | None:
        """Brings the projections of a store to the front."""
        from esviewer.ui.projection_tab import ProjectionTab

        if store is None:
            return None
        tabs = self._view.tabs
        tab = next((own for own in self._tabs() if own.store is store), None)
        if tab is None:
            tab = ProjectionTab(self._view, store, self)
            self._add(tab, store)
        tabs.setCurrentWidget(tab)
        tab.refresh()
        tab.setFocus()
        return tab

    def _tabs(self) -> list[ProjectionTab]:
        from esviewer.ui.projection_tab import ProjectionTab

        tabs = self._view.tabs
        listed = [tabs.widget(place) for place in range(tabs.count())]
        return [tab for tab in listed if isinstance(tab, ProjectionTab)]

    def _add(self, tab: QWidget, store: StoreSession) -> None:
        several = sum(len(database.stores) for database in self._view.session.databases) > 1
        title = f"Projections of {store.name}".replace("&", "&&") if several else "Projections"
        place = self._view.tabs.addTab(tab, icon("table"), title)
        self._view.tabs.setTabToolTip(place, tooltip(f"Projections of {store.name}"))


def _place(store: StoreSession) -> str:
    """What the files of a store are kept by."""
    return f"{store.database.address.kept}#{store.name}"
