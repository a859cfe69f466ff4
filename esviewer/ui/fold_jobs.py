"""What the table of rules needs, worked out off the UI thread: guesses, previews, and writing the workspace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from esviewer.catalogue.status import Judge
from esviewer.domain import EsviewerError, Event
from esviewer.projections.edited import EditedFold, FoldRules
from esviewer.projections.fold import State
from esviewer.projections.guesses import Guesses, guesses
from esviewer.projections.history import AggregateHistory
from esviewer.projections.paths import Change, changes
from esviewer.projections.upcast_events import sights_of
from esviewer.session import StreamSession
from esviewer.ui.jobs import Control
from esviewer.ui.memory import without_collection
from esviewer.ui.opening import reader_of
from esviewer.workspace import Workspace, read, save_fold

_TYPES = 200
"""Event types of a category that are looked at beyond those of the stream."""
_EACH = 25
"""Events of each type that are read."""
_STRIDE = 256
_READ_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where editing begins: the guesses, of how many events; the workspace, or why it cannot be read."""

    guesses: Guesses
    looked_at: int
    workspace: Workspace
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """The state by the rules that are being edited, and where it differs from the state that is shown."""

    state: State
    changed: dict[str, Change]


@without_collection()
def begin_job(stream: StreamSession, folder: Path, control: Control) -> Beginning:
    """The guesses for all events of a stream and a sample of the other events of its category."""
    history, sampled = stream.history, _sample(stream, control)
    looked_at = len(history.events) + len(sampled)
    own = chain.from_iterable(map(history.folded, range(len(history.events))))
    found = guesses(chain(own, _as_folded(stream, sampled, control)))
    control.check()
    try:
        return Beginning(found, looked_at, read(folder))
    except EsviewerError as error:
        return Beginning(found, looked_at, Workspace(folder), str(error))


def _as_folded(stream: StreamSession, events: list[Event], control: Control) -> Iterator[Event]:
    """Other events as the catalogue has them seen that the stream is folded by."""
    held = stream.history.sights
    judge = None if held is None else Judge(held.catalogue, tuple(stream.store.index.types))
    sights = None if judge is None else sights_of(judge, events, lambda _: control.check())
    for index, event in enumerate(events):
        yield from (event,) if sights is None else sights.folded(index, event)


def _sample(stream: StreamSession, control: Control) -> list[Event]:
    index, category = stream.store.index, stream.category
    streams, types = index.columns("stream", "type")
    ordinals = [i for i, name in enumerate(tuple(index.stream_category)) if name == category]
    own = stream.store.index.ordinal_of(stream.events[0], stream.store.found.dialect.identity)
    rows = np.flatnonzero(np.isin(streams, [i for i in ordinals if i != own]))
    kinds = types[rows]
    keys = []
    for kind in np.unique(kinds)[:_TYPES]:
        control.check()
        of_kind = rows[kinds == kind]
        picked = of_kind[np.unique(np.linspace(0, len(of_kind) - 1, min(_EACH, len(of_kind))).astype(np.int64))]
        keys += [index.key_of(int(row)) for row in picked]
    reader = reader_of(stream.store, control)
    events: list[Event] = []
    try:
        for start in range(0, len(keys), _READ_AT_ONCE):
            control.check()
            events += reader.at(keys[start : start + _READ_AT_ONCE])
    finally:
        reader.close()
    return events


@without_collection()
def preview_job(
    history: AggregateHistory, index: int, rules: FoldRules, present: State | None, control: Control
) -> Preview:
    """The state after the event at ``index`` by these rules, of what ``history`` folds.

    It is compared with the ``present`` one where that is known.
    """
    fold = EditedFold(rules)
    state = fold.initial()
    for number in range(index + 1):
        if number % _STRIDE == 0:
            control.check()
        for part in history.folded(number):
            fold.apply(state, part)
    differing = [] if present is None else changes(present, state)
    return Preview(state, {change.path: change for change in differing if change.path})


def save_job(folder: Path, rules: FoldRules, control: Control) -> Workspace:
    """Writes the fold into the workspace."""
    control.check()
    return save_fold(folder, rules)
