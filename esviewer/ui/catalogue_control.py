"""The catalogues of opened stores: where they come from, what they make of events, and what is checked by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from esviewer.catalogue import files
from esviewer.catalogue.merging import joined
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.preview import Preview
from esviewer.catalogue.schemas import FromSchemas
from esviewer.catalogue.sources import FromSources
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.domain import Event
from esviewer.domain.finding import Finding
from esviewer.session import StoreSession
from esviewer.ui import catalogue_work as work
from esviewer.ui.catalogue_asking import Asking
from esviewer.ui.catalogue_code import UpcasterCode
from esviewer.ui.catalogue_facts import NOTHING_JUDGED, Advance, Checked, Judged
from esviewer.ui.catalogue_keeping import LEFT, judges_alike, read_kept
from esviewer.ui.catalogue_state import Work
from esviewer.ui.catalogue_streams import StreamStatuses
from esviewer.ui.findings_details import write_findings
from esviewer.ui.jobs import Job, Jobs
from esviewer.ui.opening import Growth
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

_TOLD: Final = 3
"""Remarks on what was read that are told; of the others there is a number."""


class Catalogues(QObject):
    """Keeps ``StoreSession.catalogue`` and statuses in step with files, edits and indexes."""

    judged = Signal(object)
    """More is known of the statuses of a store (:class:`StoreSession`)."""
    changed = Signal(object)
    """A store has another catalogue, or it was saved."""
    checked = Signal(object)
    """A check of a store has begun, ended, or was cancelled."""
    grew = Signal(object)
    """A store has more events than it had, or others."""
    advanced = Signal(object)
    """A check, or inferring, is further than it was."""

    def __init__(self, view: MainView) -> None:
        super().__init__(view)
        self._view = view
        self.asking = Asking(view, self)
        self.code = UpcasterCode(view, self)
        self._work: dict[StoreSession, Work] = {}
        self.streams = StreamStatuses(view)

    @property
    def jobs(self) -> Jobs:
        """Where work off the UI thread is done."""
        return self._view.jobs

    def failed(self, error: BaseException) -> None:
        """Tells of work that came to no end."""
        self._view.failed(error)

    def _of(self, store: StoreSession) -> Work:
        return self._work.setdefault(store, Work())

    # What is known

    def judged_of(self, store: StoreSession) -> Judged:
        """What the catalogue makes of the events of a store, as far as is known."""
        return self._of(store).judged

    def checked_of(self, store: StoreSession) -> Checked | None:
        """What the last check of a store found."""
        return self._of(store).checked

    def advance_of(self, store: StoreSession) -> Advance | None:
        """How far a running check, or inferring, is."""
        return self._of(store).advance

    def is_judging(self, store: StoreSession) -> bool:
        """Whether events are being judged."""
        return self._of(store).is_judging

    def is_stopped(self, store: StoreSession) -> bool:
        """Whether the reader ended the judging before all events were judged."""
        return self._of(store).is_stopped

    def stop_judging(self, store: StoreSession) -> None:
        """Ends the judging of events; what is known stays."""
        own = self._of(store)
        if self.is_judging(store):
            self._cancel(own.judging)
            own.is_stopped = True
            self.judged.emit(store)

    def go_on_judging(self, store: StoreSession) -> None:
        """Judges the events that are left."""
        if store.catalogue.current is not None and not self.is_judging(store):
            self._judge(store)

    def is_checking(self, store: StoreSession) -> bool:
        """Whether rules are being run."""
        return self._of(store).is_checking

    def is_making(self, store: StoreSession) -> bool:
        """Whether a catalogue is being inferred or read."""
        return self._of(store).is_making

    def making_words(self, store: StoreSession) -> str:
        """What is being done to get a catalogue, in a word or two."""
        return self._of(store).making_words

    def is_overtaken(self, store: StoreSession) -> bool:
        """Whether events that the last check saw are no longer what they were."""
        return self._of(store).is_overtaken

    def judge(self, store: StoreSession) -> Judge | None:
        """Judges single events of a store, for the UI thread; ``None`` without a catalogue."""
        current = store.catalogue.current
        if current is None:
            return None
        own = self._of(store)
        # Without what runs functions: that would wait for them.
        if own.judge is None or own.judge.catalogue is not current:
            own.judge = Judge(current, tuple(store.index.types))
        return own.judge

    def assess(self, event: Event) -> Assessment | None:
        """What the catalogue makes of an event of the stream that is looked at."""
        stream = self._view.session.stream
        judge = self.judge(stream.store) if stream is not None else None
        return None if judge is None or stream is None else self.code.preview(stream.store, event, judge).assessment

    def preview(self, event: Event) -> Preview | None:
        """What becomes of an event of the stream that is looked at, hop by hop."""
        stream = self._view.session.stream
        judge = self.judge(stream.store) if stream is not None else None
        return None if judge is None or stream is None else self.code.preview(stream.store, event, judge)

    # Where it comes from

    def open(
        self,
        store: StoreSession,
        path: Path | None,
        unsaved: str | Path | None = None,
        origin: str = "",
        *,
        adds: bool = False,
    ) -> None:
        """Judges a store by the catalogue of a file; ``unsaved`` is one with changes, as text or where it was kept.

        With ``adds``, here and below, what is read adds to the present catalogue, and does not take its place.
        """

        def done(found: work.Opened) -> None:
            self._tell(found.notes)
            if not (adds and self._add(store, found.current)):
                self._use(store, found.current, found.saved, path, origin)

        self._make(store, "Reading", lambda control: work.open_job(path, unsaved, control), done)

    def read_sources(self, store: StoreSession, folder: Path, *, adds: bool = False) -> None:
        """Judges a store by what Python sources say; none of them is run."""

        def done(found: FromSources) -> None:
            self._tell(found.notes)
            self._take_or_add(store, found.catalogue, f"from the sources in {folder}", adds, folder)

        self._make(store, "Reading", lambda control: work.sources_job(folder, control), done)

    def read_schemas(self, store: StoreSession, folder: Path, *, adds: bool = False) -> None:
        """Judges a store by what JSON Schema and Avro files say."""

        def done(found: FromSchemas) -> None:
            self._tell(found.notes)
            if found.catalogue.types:
                self._take_or_add(store, found.catalogue, f"from the schema files in {folder}", adds)
            elif not found.notes:
                self._view.tell("info", f"There is no JSON Schema or Avro file in {folder}.")

        self._make(store, "Reading", lambda control: work.schemas_job(folder, control), done)

    def infer(self, store: StoreSession, *, adds: bool = False) -> None:
        """Makes the catalogue that a store's own events say."""

        def done(catalogue: Catalogue) -> None:
            self._take_or_add(store, catalogue, "inferred from the store", adds)

        self._make(store, "Inferring", lambda control: work.infer_job(store, control), done)

    def _tell(self, notes: Sequence[str]) -> None:
        for note in notes[:_TOLD]:
            self._view.tell("info", note)
        if len(notes) > _TOLD:
            self._view.tell("info", f"And {len(notes) - _TOLD} more.")

    def _take_or_add(
        self, store: StoreSession, catalogue: Catalogue, origin: str, adds: bool, code: Path | None = None
    ) -> None:
        if not (adds and self._add(store, catalogue)):
            self._use(store, catalogue, None, None, origin, code)

    def _add(self, store: StoreSession, other: Catalogue) -> bool:
        """Brings what another source says into the present catalogue; whether there is one."""
        present = store.catalogue.current
        if present is None:
            return False
        made = joined(present, other)
        if made == present:
            self._view.status.say("It says nothing that the catalogue does not say already.")
        self.edit(store, made)
        return True

    def _make(self, store: StoreSession, words: str, job: Any, done: Any) -> None:
        own = self._of(store)
        self._cancel(own.making)
        own.making_words = words

        def finished(result: Any) -> None:
            own.advance = None
            if store.database in self._view.session.databases:
                done(result)
                self._not_made(store)

        def failed(error: BaseException) -> None:
            own.advance = None
            self._view.failed(error)
            self._not_made(store)
            self.changed.emit(store)

        own.making = self._view.jobs.run(
            f"check {id(store)}", job, finished, failed, lambda told: self._advanced(store, told)
        )
        self.changed.emit(store)

    def _not_made(self, store: StoreSession) -> None:
        """Where no catalogue came, a filter that waited for one says so."""
        if store.catalogue.current is None and store.filter.needs_statuses:
            self._view.filtering.set_filter(store, store.filter)

    def _advanced(self, store: StoreSession, told: Advance | Growth) -> None:
        if isinstance(told, Growth):
            self._view.status.say(told.waiting)
            return
        self._of(store).advance = told
        self.advanced.emit(store)

    def cancel_making(self, store: StoreSession) -> None:
        """Ends inferring; what was known stays."""
        own = self._of(store)
        self._cancel(own.making)
        own.advance = None
        self._not_made(store)
        self.changed.emit(store)

    @staticmethod
    def _cancel(job: Job[Any] | None) -> None:
        if job is not None and not job.is_finished:
            job.cancel()

    def _use(
        self,
        store: StoreSession,
        current: Catalogue | None,
        saved: Catalogue | None,
        path: Path | None,
        origin: str,
        code: Path | None = None,
    ) -> None:
        """``code`` is the folder of Python upcasters, that of the file if it is not given."""
        held = store.catalogue
        held.current, held.saved, held.path, held.origin = current, saved, path, origin
        self._of(store).uses += 1
        self.code.offer(store, code if code is not None or path is None else path.absolute().parent)
        self._changed(store)

    def _look_for(self, store: StoreSession) -> None:
        """Judges a store by the catalogue that its workspace names, if it names one."""
        self._view.folding.prepare(store)
        folder = store.workspace
        if folder is None:
            return

        def done(found: tuple[Path, files.Loaded] | None) -> None:
            if found is not None and store.catalogue.current is None:
                self._use(store, found[1].catalogue, found[1].catalogue, found[0], "")

        self._make(store, "Reading", lambda control: work.workspace_job(folder, control), done)

    # Changing it

    def edit(self, store: StoreSession, catalogue: Catalogue) -> None:
        """Judges a store by a changed catalogue; nothing is written before it is saved."""
        before = store.catalogue.current
        if catalogue == before:
            return
        store.catalogue.current = catalogue
        self._changed(store, is_judged_anew=before is None or not judges_alike(before, catalogue))

    def confirm(self, store: StoreSession) -> None:
        """Makes an inferred catalogue one that counts: what it does not say is not known."""
        current = store.catalogue.current
        if current is not None:
            self.edit(store, replace(current, inferred=False))

    def revert(self, store: StoreSession) -> None:
        """Goes back to what the file says."""
        if store.catalogue.saved is not None:
            self.edit(store, store.catalogue.saved)

    def save(self, store: StoreSession, path: Path) -> None:
        """Writes the catalogue to a file; comments and order of what is there stay."""
        current, own = store.catalogue.current, self._of(store)
        if current is None:
            return
        uses = own.uses

        def done(saved: Catalogue) -> None:
            self._view.status.say(f"The catalogue was saved to {path.name}.")
            if uses == own.uses:
                # Else another one was taken meanwhile, which is not this file's.
                store.catalogue.path, store.catalogue.saved, store.catalogue.origin = path, saved, ""
                store.catalogue.changed.notify()
                self.changed.emit(store)

        self._view.jobs.run(
            f"save {id(store)}", lambda control: work.save_job(current, path, control), done, self._view.failed
        )

    def leave(self, store: StoreSession) -> None:
        """Judges a store by no catalogue any more."""
        self._use(store, None, None, None, LEFT)

    def judge_anew(self, store: StoreSession) -> None:
        """Judges all events of a store again: its Python upcasters run now, or do not any more."""
        self._of(store).going = None
        self.streams.forget()
        self._changed(store)

    def _changed(self, store: StoreSession, *, is_judged_anew: bool = True) -> None:
        own, held = self._of(store), store.catalogue
        self.code.changed(store)
        own.judge = None
        if is_judged_anew:
            own.judged, own.is_new = NOTHING_JUDGED, True
        if held.current is None:
            self._cancel(own.judging)
            self._take(store, NOTHING_JUDGED)
        elif is_judged_anew:
            # None is not yet the same as none: that would be told to need a catalogue.
            held.statuses = NOTHING_JUDGED.codes if held.statuses is None else held.statuses
            self._judge(store)
        store.catalogue.changed.notify()
        self.changed.emit(store)
        self._show_again(store)

    # Statuses

    def grown(self, store: StoreSession, first: int | None = None) -> None:
        """The index has grown; with ``first``, it may have been taken up anew from that row on."""
        own, held = self._of(store), store.catalogue
        is_cut = first is not None and own.cut(first)
        if is_cut and held.current is not None:
            # Before anybody asks which of the new rows are meant.
            held.statuses = own.judged.codes
        is_wanted = held.current is not None and not own.is_stopped and not own.is_judging
        if is_wanted and store.index.complete and len(own.judged.codes) < store.index.length:
            self._judge(store)
        if first is not None:
            self._check_cut(store, first)
        if is_cut:
            held.judged.notify()
            self.judged.emit(store)
        self.grew.emit(store)

    def _check_cut(self, store: StoreSession, first: int) -> None:
        """What was checked before the index was taken up anew from a row on may not be so any more."""
        own = self._of(store)
        if own.is_checking and first < own.checked_from:
            self.cancel_check(store)
            self._view.tell("info", f"{store.name}: history changed while it was checked. Check again.")
        if own.going is not None and not own.going.holds(store.index, first):
            own.going, own.is_overtaken = None, True
        elif own.going is None and own.checked is not None and first < own.checked.events:
            own.is_overtaken = True

    def _judge(self, store: StoreSession) -> None:
        own, catalogue = self._of(store), store.catalogue.current
        assert catalogue is not None
        self._cancel(own.judging)
        own.is_stopped = False
        before = own.judged
        own.begun = max(store.index.length, len(before.codes))
        own.judging = self._view.jobs.run(
            f"status {id(store)}",
            lambda control: work.judge_job(store, catalogue, before, control),
            lambda judged: self._all_judged(store, judged),
            self._view.failed,
            lambda told: self._take(store, told),
        )

    def _all_judged(self, store: StoreSession, judged: Judged) -> None:
        self._take(store, judged)
        if len(judged.codes) < store.index.length and store.index.complete:
            self._judge(store)

    def _take(self, store: StoreSession, told: Judged | Growth) -> None:
        if isinstance(told, Growth):
            self._view.status.say(told.waiting)
            return
        own, view = self._of(store), self._view
        is_new, own.is_new, own.judged = own.is_new, False, told
        store.catalogue.statuses = told.codes if store.catalogue.current is not None else None
        store.catalogue.judged.notify()
        if store.filter.needs_statuses and is_new:
            view.filtering.set_filter(store, store.filter)
        elif store.filter.needs_statuses:
            view.filtering.grown(store)
        self.judged.emit(store)

    def counts_of(self, store: StoreSession | None) -> Mapping[Status, int]:
        """How many events of a store have each status."""
        return {} if store is None or store.catalogue.current is None else self._of(store).judged.counts

    # Streams

    def _show_again(self, store: StoreSession) -> None:
        """The present event may be told something else now."""
        view = self._view
        stream = view.session.stream
        if stream is not None and stream.store is store:
            view.inspector.event_panel.show_event(stream.event)
        tab = view.current_tab
        if tab is not None and tab.stream.store is store:
            self.streams.show_on(tab)

    # Rules

    def check(self, store: StoreSession) -> None:
        """Runs all rules; where the catalogue is the same as last time, over what was added since."""
        own, current = self._of(store), store.catalogue.current
        self._cancel(own.checking)
        last = own.checked
        going = own.going if last is not None and last.catalogue == current and own.going is not None else None
        going = going or work.new_pass(current, store.index, store.catalogue.runner)
        own.going, own.checked_from = None, store.index.length

        def done(checked: Checked) -> None:
            own.going, own.checked, own.advance, own.is_overtaken = going, checked, None, False
            self.checked.emit(store)

        def failed(error: BaseException) -> None:
            own.advance = None
            self._view.failed(error)
            self.checked.emit(store)

        own.checking = self._view.jobs.run(
            f"check {id(store)}",
            lambda control: work.check_job(store, current, going, control),
            done,
            failed,
            lambda told: self._advanced(store, told),
        )
        self.checked.emit(store)

    def cancel_check(self, store: StoreSession) -> None:
        """Ends running rules; what an earlier check found stays."""
        own = self._of(store)
        self._cancel(own.checking)
        own.advance = None
        self.checked.emit(store)

    def export(self, findings: Sequence[Finding], path: Path) -> None:
        """Writes findings to a file, off the UI thread, and says so."""
        view = self._view

        def done(count: int) -> None:
            view.status.say(f"{grouped(count)} finding{'' if count == 1 else 's'} written to {path.name}.")

        view.status.busy(f"Writing {path.name} …")
        view.jobs.run("export", lambda control: write_findings(findings, path), done, view.failed)

    # Coming back

    def forget(self, store: StoreSession) -> None:
        """Ends all work for a store, which is closed."""
        self.code.forget(store)
        own = self._work.pop(store, None)
        if own is not None:
            for job in (own.judging, own.checking, own.making):
                self._cancel(job)

    def restore(self, store: StoreSession, kept: object) -> None:
        """Brings back what was kept; of a store that nothing was kept of, takes what its workspace names."""
        if not isinstance(kept, dict):
            self._look_for(store)
            return
        if kept.get("origin") == LEFT:
            store.catalogue.origin = LEFT
            return
        path, unsaved, origin = read_kept(kept)
        if path is not None or unsaved is not None:
            self.open(store, path, unsaved, origin)
