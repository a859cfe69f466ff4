"""One aggregate through time: its state at every version, what each event changed, and which event set each field.

One forward pass folds the stream, keeps checkpoints, and notes the writers of every leaf. Any version is then a short
refold from the checkpoint before it (performance.md, D).
"""

from __future__ import annotations

import pickle
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from sys import getsizeof

from esviewer.domain import Event, Value
from esviewer.projections.fold import Fold, SharingFold, State, Touch
from esviewer.projections.paths import MISSING, Change, changes, plain_change, same
from esviewer.projections.upcast_events import Sight, Sights

CHECKPOINT_EVERY = 200
_TOLD_EVERY = 500
CHECKPOINT_BYTES = 64 * 1024 * 1024
"""Distance of checkpoints is doubled until they fit these bytes."""


@dataclass(frozen=True, slots=True)
class Writer:
    """The event that last changed a field."""

    index: int
    version: int | None
    position: int | str | None
    type: str | None


class AggregateHistory:
    """The events of one stream, in order, and everything that follows from folding them.

    ``index`` counts events from 0; the state *at* an index includes that event, and index -1 is before the first.
    ``events`` are those that are stored; what is folded in the place of some of them stands in ``sights``.
    """

    def __init__(
        self,
        events: Sequence[Event],
        fold: Fold,
        *,
        sights: Sights | None = None,
        every: int = CHECKPOINT_EVERY,
        told: Callable[[int], None] | None = None,
    ) -> None:
        """Folds the events, as they are stored or as a catalogue has them seen.

        ``told`` is called now and then with how many are done, and may raise to end it.
        """
        self.events = tuple(events)
        self.fold = fold
        self.sights = sights
        self._given = (
            {} if sights is None else {i: s.events for i, s in sights.by_index.items() if s.events is not None}
        )
        self._sharing = fold if isinstance(fold, SharingFold) else None
        self._told = told
        self.changed: list[tuple[Change, ...]] = []
        """What each event changed, leaf by leaf."""
        self.writers: dict[str, list[int]] = {}
        """By path, the indexes of the events that changed it, ascending; in the order of first appearance."""
        self._every = every
        self._checkpoints: dict[int, object] = {}
        self._current: tuple[int, State] = (-1, fold.initial())
        self._pass()

    def _pass(self) -> None:
        state, apply, given = self.fold.initial(), self.fold.apply, self._given
        kept = 0
        for index, event in enumerate(self.events):
            if index in given:
                changed = _joined([_changes_of(apply(state, part)) for part in given[index]])
            else:
                changed = _changes_of(apply(state, event))
            self.changed.append(tuple(changed))
            for change in changed:
                writers = self.writers.setdefault(change.path, [])
                if not writers or writers[-1] != index:
                    writers.append(index)
            if self._told is not None and index % _TOLD_EVERY == 0:
                self._told(index)
            if index % self._every == self._every - 1:
                kept += self._keep(index, state)
                if kept > CHECKPOINT_BYTES:
                    kept = self._thin_out()
        self._current = (len(self.events) - 1, state)

    def _keep(self, index: int, state: State) -> int:
        """Keeps a checkpoint; returns its bytes in memory, about."""
        made = self._checkpoints[index] = self._frozen(state)
        return _size(made)

    def _frozen(self, state: State) -> object:
        if self._sharing is not None:
            return self._sharing.freeze(state)
        # pickle keeps what JSON would bend: decimals, bytes, integers of any size. It is ours and never leaves memory.
        return pickle.dumps(state, protocol=5)

    def _thawed(self, frozen: object) -> State:
        if self._sharing is not None:
            return self._sharing.thaw(frozen)
        assert isinstance(frozen, bytes)
        state: State = pickle.loads(frozen)
        return state

    def _thin_out(self) -> int:
        self._every *= 2
        self._checkpoints = {i: c for i, c in self._checkpoints.items() if i % self._every == self._every - 1}
        return sum(map(_size, self._checkpoints.values()))

    @cached_property
    def undecodable(self) -> tuple[int, ...]:
        """Indexes of events whose payload could not be decoded, and which therefore are not in the state."""
        given = self._given
        return tuple(i for i, event in enumerate(self.events) if event.undecodable is not None and i not in given)

    def sight(self, index: int) -> Sight | None:
        """How an event is seen by the catalogue it was folded with; ``None`` for simply as it is stored."""
        return None if self.sights is None else self.sights.by_index.get(index)

    def folded(self, index: int) -> tuple[Event, ...]:
        """What is folded in the place of an event: itself, or what a catalogue's upcasters make of it."""
        return self._given.get(index, (self.events[index],))

    def state_at(self, index: int) -> State:
        """The state after the event at ``index`` (-1: before the first). To be read, not changed."""
        at, state = self._current
        if at == index:
            return state
        if not at < index <= at + self._every:
            start = (index + 1) // self._every * self._every - 1
            at, state = (start, self._thawed(self._checkpoints[start])) if start >= 0 else (-1, self.fold.initial())
        else:
            # Going on from the state that was given out last would change it under its reader.
            state = self._thawed(self._frozen(state))
        for place in range(at + 1, index + 1):
            for part in self.folded(place):
                self.fold.apply(state, part)
        self._current = (index, state)
        return state

    def difference(self, start: int, end: int) -> list[Change]:
        """The leaves that differ between the states at two indexes, as if one event had led from one to the other."""
        before = self._thawed(self._frozen(self.state_at(start)))
        found = changes(before, self.state_at(end))
        # The path of the whole state is empty: it stands for "nothing yet".
        return [change for change in found if change.path]

    def writer(self, path: str, index: int) -> Writer | None:
        """The last event up to ``index`` that changed a field (also by removing it), ``None`` if none did."""
        writers = self.writers.get(path)
        place = bisect_right(writers, index) if writers else 0
        return self._writer(writers[place - 1]) if writers and place else None

    def previous_change(self, path: str | None, index: int) -> int | None:
        """The event before ``index`` that changed a field (any field if ``None``)."""
        if path is None:
            return next((i for i in range(index - 1, -1, -1) if self.changed[i]), None)
        writers = self.writers.get(path, [])
        place = bisect_right(writers, index - 1)
        return writers[place - 1] if place else None

    def next_change(self, path: str | None, index: int) -> int | None:
        """The event after ``index`` that changes a field (any field if ``None``)."""
        if path is None:
            return next((i for i in range(index + 1, len(self.events)) if self.changed[i]), None)
        writers = self.writers.get(path, [])
        place = bisect_right(writers, index)
        return writers[place] if place < len(writers) else None

    def blame(self, index: int) -> dict[str, Writer]:
        """For each leaf that was ever set up to ``index``, the event that last changed it."""
        result: dict[str, Writer] = {}
        # One for all fields that an event set: it may have set 100 000.
        made: dict[int, Writer] = {}
        for path, writers in self.writers.items():
            place = bisect_right(writers, index)
            if place:
                last = writers[place - 1]
                result[path] = made[last] = made.get(last) or self._writer(last)
        return result

    def _writer(self, index: int) -> Writer:
        event = self.events[index]
        return Writer(index, event.version, event.position, event.type)

    def index_of_version(self, version: int) -> int | None:
        """The index of the event with this stored version, ``None`` if there is none."""
        # Nearly always the versions are dense, so that the place can be computed.
        first = self.events[0].version if self.events else None
        if first is not None:
            guess = version - first
            if 0 <= guess < len(self.events) and self.events[guess].version == version:
                return guess
        return next((i for i, event in enumerate(self.events) if event.version == version), None)

    def index_at(self, time: int) -> int:
        """The index of the last event recorded at or before a time in µs; -1 if there is none."""
        for index in range(len(self.events) - 1, -1, -1):
            recorded = self.events[index].recorded_at
            if recorded is not None and recorded <= time:
                return index
        return -1


def _changes_of(touched: list[Touch]) -> list[Change]:
    """What touches changed, leaf by leaf."""
    changed: list[Change] = []
    for path, before, after in touched:
        if before is after:
            continue
        change = plain_change(path, before, after)
        if change:
            changed.append(change)
        elif change is False:
            changed += changes(before, after, path)
    return changed


def _joined(parts: list[list[Change]]) -> list[Change]:
    """The changes by several events in a row as those of one: a leaf that comes back to what it was did not change."""
    if len(parts) == 1:
        return parts[0]
    joined: dict[str, Change] = {}
    for change in (change for part in parts for change in part):
        first = joined.get(change.path)
        joined[change.path] = change if first is None else _change(change.path, first.before, change.after)
    return [change for change in joined.values() if not same(change.before, change.after)]


def _change(path: str, before: Value, after: Value) -> Change:
    return Change(path, "added" if before is MISSING else "removed" if after is MISSING else "changed", before, after)


def _size(frozen: object) -> int:
    return len(frozen) if isinstance(frozen, bytes) else getsizeof(frozen) + 64
