"""The jobs that make reports from what the window shows; the documents are those of ``esviewer report``."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from esviewer.catalogue import files
from esviewer.domain import UsageError
from esviewer.projections.compare import Comparison
from esviewer.projections.history import AggregateHistory
from esviewer.projections.naming import named
from esviewer.projections.replay import Replay
from esviewer.reports import catalogue as of_catalogue
from esviewer.reports import lag as of_lag
from esviewer.reports.comparison import Compared, comparison_report, short_name
from esviewer.reports.document import Document, content_hash
from esviewer.reports.files import save
from esviewer.reports.grounds import Grounds, Ran, Waiting, grounds
from esviewer.reports.health import Known, health_report
from esviewer.reports.markdown import markdown
from esviewer.reports.replay import replay_report
from esviewer.reports.stream import Told, fold_ran, lacks, stream_report
from esviewer.session import StoreSession, StreamSession
from esviewer.stores.database import Database
from esviewer.stores.index import Index
from esviewer.ui.jobs import Control
from esviewer.ui.opening import Growth

if TYPE_CHECKING:
    from esviewer.projections.classes import ClassFoldFailure
    from esviewer.ui.projection_work import Order
    from esviewer.ui.projection_work import Ran as Outcome

_SHOWN: Final = 60_000
"""Characters of a report that its preview has."""


@dataclass(frozen=True, slots=True)
class OfStream:
    """A stream as it is shown: up to the event at ``place``, folded as it is there."""

    name: str
    history: AggregateHistory
    place: int
    sources: Path | None
    failure: ClassFoldFailure | None

    @classmethod
    def of(cls, stream: StreamSession) -> OfStream:
        """The stream as it is now."""
        sources = None if stream.sources is None else Path(stream.sources)
        return cls(stream.name, stream.history, stream.playhead, sources, stream.failure)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about. ``stream`` and ``outcome`` go with the kinds that are about them."""

    kind: str
    title: str
    what: str
    stream: OfStream | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A report and its beginning in Markdown; ``is_cut`` where there is more of it."""

    document: Document
    text: str
    is_cut: bool


def subjects(store: StoreSession, stream: StreamSession | None, outcome: Outcome | None) -> list[Subject]:
    """What can be reported on now: what is in front first."""
    found = []
    if stream is not None and stream.store is store:
        what = "State before and after the playhead's event, who set each field, all events and changes."
        found.append(Subject("stream", "This aggregate's history", what, OfStream.of(stream)))
    if outcome is not None and isinstance(outcome.done, Replay):
        what = "The verdict, what was set aside, and the rows of the last replay."
        found.append(Subject("replay", "The last replay", what, outcome=outcome))
    elif outcome is not None:
        what = "Which rows differ, in which columns, and the first event that makes a difference."
        found.append(Subject("comparison", "The last comparison", what, outcome=outcome))
    return [
        *found,
        Subject("health", "The store's health", "The findings of every rule, by theme, and what was read."),
        Subject("catalogue", "Catalogue and upcasts", "Each type and version: its events, and what becomes of them."),
        Subject("lag", "Consumers", "Each consumer that the store records, what waits for it, and since when."),
    ]


def report_job(store: StoreSession, subject: Subject, control: Control) -> Made:
    """Makes a report; it ends when the job should. Raises what reading does, :class:`UsageError` while indexing."""
    if not store.index.complete:
        raise UsageError("The store is still being read: a report is about all of it.")

    def waiting(sentence: str, seconds: float) -> None:
        told = f"{sentence} Trying again in {seconds:.0f} s."
        control.progress(Growth(store.index.length, 0.0, told), always=True)

    database = store.database.database.telling(lambda reader: control.on_stop(reader.stop))
    making = _Making(store, subject, database, waiting)
    document = _KINDS[subject.kind](making)
    control.check()
    text = markdown(document)
    return Made(document, text[:_SHOWN], len(text) > _SHOWN)


def save_job(document: Document, target: Path, control: Control) -> Path:
    """Writes a report; raises as :func:`esviewer.reports.files.save`."""
    save(document, target)
    return target


class _Making:
    """Makes one report from a store as the window has it."""

    def __init__(self, store: StoreSession, subject: Subject, database: Database, waiting: Waiting) -> None:
        self._store = store
        self._subject = subject
        self._database = database
        self._waiting = waiting
        self._read_at = time.time_ns() // 1_000

    def health(self) -> Document:
        held = self._store.catalogue
        known = None
        if held.current is not None:
            (ran,) = self._catalogue_ran()
            known = Known(held.current, ran.name, ran.sha256 or "")
        return health_report(
            self._database,
            self._store.found,
            known,
            read_at=self._read_at,
            runner=held.runner,
            waiting=self._waiting,
        )

    def catalogue(self) -> Document:
        held = self._store.catalogue
        covered = of_catalogue.cover(
            self._database, self._store.found, held.current, runner=held.runner, waiting=self._waiting
        )
        return of_catalogue.catalogue_report(covered, self._grounds(self._catalogue_ran(), covered.index))

    def lag(self) -> Document:
        lags = of_lag.lags_of(self._database, self._store.found, waiting=self._waiting)
        return of_lag.lag_report(lags, self._grounds([], lags.checked.index))

    def stream(self) -> Document:
        own = self._subject.stream
        assert own is not None
        place, failure = own.place, own.failure
        if failure is not None and place >= failure.index:
            if failure.index == 0:
                raise UsageError(f"The state of this stream is not known: {failure.sentence}.")
            place = failure.index - 1
        ran = [fold_ran(own.history.fold, own.sources, own.history)]
        ran += self._catalogue_ran() if own.history.sights is not None else []
        options = ["--stream", own.name, "--fold", own.history.fold.name]
        version = own.history.events[place].version
        options += [] if version is None else ["--version", str(version)]
        told = Told(own.history, place, self._grounds(ran, None, options), tuple(lacks(own.history, place, failure)))
        return stream_report(told)

    def replay(self) -> Document:
        outcome = self._subject.outcome
        assert outcome is not None and isinstance(outcome.done, Replay)
        options = ["--projection", *outcome.order.projections, *_until(outcome.order)]
        return replay_report(outcome.done, self._grounds(self._projections_ran(outcome.order), None, options))

    def comparison(self) -> Document:
        outcome = self._subject.outcome
        assert outcome is not None and isinstance(outcome.done, Comparison)
        order = outcome.order
        left = named(order.projections[0])
        right = named(order.projections[1]) if len(order.projections) > 1 else None
        ran = self._projections_ran(order)
        if order.table is not None:
            ran.append(Ran("Table B", order.table.name, None))
        name = short_name(right) if right is not None else "" if order.table is None else f"table:{order.table.name}"
        options = ["--a", order.projections[0], "--b", order.projections[1] if right is not None else name]
        made = self._grounds(ran, None, [*options, *_until(order)])
        return comparison_report(Compared(outcome.done, left, right, name, None, made))

    def _projections_ran(self, order: Order) -> list[Ran]:
        roles = ("Projection A", "Projection B") if order.compares else ("Projection",)
        own = [Ran(role, text, named(text).hash) for role, text in zip(roles, order.projections, strict=False)]
        return [*own, *self._catalogue_ran()]

    def _catalogue_ran(self) -> list[Ran]:
        """The catalogue as it counts in the window, which may have changes that its file does not have."""
        held = self._store.catalogue
        if held.current is None:
            return []
        name = str(held.path) if held.path is not None else held.origin or "not saved"
        if held.is_edited and held.path is not None:
            name += ", with changes that are not saved"
        return [Ran("Catalogue", name, content_hash({"catalogue": files.dump(held.current, as_json=True)}))]

    def _grounds(self, ran: list[Ran], index: Index | None, options: list[str] | None = None) -> Grounds:
        subject, store = self._subject, self._store
        words = ["esviewer", "report", store.database.address.text, "-o", "FILE.html", "--kind", subject.kind]
        return grounds(
            self._database,
            store.found,
            read_at=self._read_at,
            ran=ran,
            command=shlex.join([*words, *(options or [])]),
            index=index,
            waiting=self._waiting,
        )


def _until(order: Order) -> list[str]:
    mode = [] if order.on_unknown == "stop" else ["--on-unknown", order.on_unknown]
    return [*(["--to", str(order.at)] if order.until == "position" else []), *mode]


_KINDS: Final[dict[str, Callable[[_Making], Document]]] = {
    "health": _Making.health,
    "catalogue": _Making.catalogue,
    "lag": _Making.lag,
    "stream": _Making.stream,
    "replay": _Making.replay,
    "comparison": _Making.comparison,
}
