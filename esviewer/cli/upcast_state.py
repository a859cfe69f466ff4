"""What ``state --catalogue`` needs beside ``state``: the events of a stream as a catalogue has them seen."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.domain import Event
from esviewer.projections.history import AggregateHistory
from esviewer.projections.upcast_events import Sights, sights_of


def sights(
    events: Sequence[Event],
    catalogue: Catalogue,
    store_types: Callable[[], Iterable[str]],
    runner: FunctionRunner | None = None,
) -> Sights | None:
    """How a catalogue has the events of a stream seen.

    ``store_types`` is asked for the types of the whole store where those of the stream leave open which of them end
    with a version: it must not read by what ``events`` are read by.
    """
    judge = Judge(catalogue, runner=runner)
    if any(map(judge.needs_store_types, {event.type for event in events})):
        judge = Judge(catalogue, store_types(), runner)
    return sights_of(judge, events)


def upcast_positions(history: AggregateHistory, index: int) -> list[int | str | None]:
    """The positions of upcast events up to an index; what is not folded as it should be is told on standard error."""
    found = history.sights
    if found is None:
        return []
    _say(found.as_stored_until(index), "today's code would not read: folded as stored")
    _say(found.passed_over_until(index), "the catalogue ignores: not in this state")
    return [history.events[place].position for place in found.upcast[: found.upcast_until(index)]]


def _say(count: int, words: str) -> None:
    if count:
        print(f"{count:,} event{'' if count == 1 else 's'} that {words}.", file=sys.stderr)
