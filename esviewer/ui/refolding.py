"""The work of folding streams by the fold that was chosen for their category; nothing of it runs on the UI thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.domain import EsviewerError, Event, Snapshot
from esviewer.projections.classes import NAME as CLASSES
from esviewer.projections.classes import ClassFoldFailure, fold_with_classes
from esviewer.projections.edited import EditedFold
from esviewer.projections.fold import Fold
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.projections.upcast_events import Sights, is_telling, sights_of
from esviewer.session import INFERRED, FoldChoice, StoreSession, StreamSession
from esviewer.timeline.tracks import Track
from esviewer.ui.jobs import Control
from esviewer.ui.memory import without_collection
from esviewer.ui.stream_columns import StreamColumns, columns_of
from esviewer.workspace import read

_STRIDE = 256
"""Parts of a history that are freed at once."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many events have been folded, of how many."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Folded:
    """A stream's events folded. ``notice`` says why not as chosen, where it is so."""

    history: AggregateHistory
    failure: ClassFoldFailure | None = None
    sources: str | None = None
    output: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Refolded:
    """An open stream folded anew, with what is drawn of it."""

    stream: StreamSession
    folded: Folded
    columns: StreamColumns


def catalogue_for(store: StoreSession) -> Catalogue | None:
    """The catalogue that events are to be folded by; ``None`` where they are to be folded as they are stored."""
    current = store.catalogue.current
    return None if store.shows_stored or current is None or not is_telling(current) else current


def history_of(
    store: StoreSession, events: Sequence[Event], fold: Fold, control: Control, done: int = 0, total: int = 0
) -> AggregateHistory:
    """Folds the events of a stream as its store's catalogue has them seen; raises ``Cancelled`` soon after it should
    end.
    """

    def told(folded: int) -> None:
        control.check()
        control.progress(Progress(done + folded, total))

    history = AggregateHistory(events, fold, sights=_sights_of(store, events, control), told=told)
    # Worked out once, and here: the panel asks for it in every frame.
    _ = history.undecodable
    return history


def _sights_of(store: StoreSession, events: Sequence[Event], control: Control) -> Sights | None:
    catalogue = catalogue_for(store)
    if catalogue is None:
        return None
    judge = Judge(catalogue, tuple(store.index.types), store.catalogue.runner)
    return sights_of(judge, events, lambda _: control.check())


def fold_of(store: StoreSession, choice: FoldChoice) -> Fold:
    """The fold that was chosen, the inferred one in the place of classes; raises what reading the workspace raises."""
    if choice.name in (INFERRED.name, CLASSES) or store.workspace is None:
        return InferredFold()
    return EditedFold(read(store.workspace).fold(choice.name))


def folded_as_chosen(store: StoreSession, events: Sequence[Event], control: Control) -> Folded:
    """Folds a stream that was just read. With classes it is folded later, where that can be seen and stopped."""
    choice = store.folds.get(events[0].category, INFERRED)
    notice = ""
    try:
        fold = fold_of(store, choice)
    except EsviewerError as error:
        fold, notice = InferredFold(), f"{error} The inferred fold is shown instead."
    return Folded(history_of(store, events, fold, control, 0, len(events)), notice=notice)


@without_collection()
def refold_job(
    store: StoreSession, streams: Sequence[StreamSession], choice: FoldChoice, control: Control
) -> list[Refolded]:
    """Folds open streams anew, all or none of them."""
    fold = fold_of(store, choice)
    total = sum(len(stream.events) for stream in streams)
    made, done = [], 0
    for stream in streams:
        events = stream.events
        if choice.name == CLASSES and choice.sources is not None:
            folded = with_classes(store, events, choice.sources, control, done, total)
        else:
            folded = Folded(history_of(store, events, fold, control, done, total))
        done += len(events)
        made.append(Refolded(stream, folded, columns_of_folded(folded, stream.snapshots)))
        control.check()
    return made


def with_classes(
    store: StoreSession, events: Sequence[Event], sources: str, control: Control, done: int = 0, total: int = 0
) -> Folded:
    """Folds a stream with the application's classes, in a child process that ends when the work should."""
    total = total or len(events)
    made = fold_with_classes(
        store.database.database,
        store.found,
        events,
        Path(sources),
        started=lambda sandbox: control.on_stop(sandbox.stop),
        progressed=lambda count: control.progress(Progress(done + count, total)),
    )
    return Folded(made.history, made.failure, sources, made.output)


def columns_of_folded(folded: Folded, snapshots: Sequence[Snapshot]) -> StreamColumns:
    """What is drawn of a stream; its tracks end where the state is not known any more."""
    columns = columns_of(folded.history, snapshots)
    if folded.failure is None:
        return columns
    return replace(columns, tracks=[_ended(track, folded.failure.index) for track in columns.tracks])


def release(history: AggregateHistory, columns: StreamColumns) -> None:
    """Frees a history that nobody looks at any more bit by bit: at once it would hold Python's lock for too long."""
    for parts in (history.changed, columns.tracks):
        while parts:
            del parts[-_STRIDE:]


def _ended(track: Track, index: int) -> Track:
    return Track(track.path, np.append(track.starts, index), [*track.labels, ""], [*track.removed, True])
