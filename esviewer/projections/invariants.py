"""Invariants of an aggregate, looked at in its state after every event; and the last event that wrote each field."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from esviewer.domain import Event, Value
from esviewer.projections.fold import Fold
from esviewer.projections.history import AggregateHistory
from esviewer.projections.paths import MISSING, leaves
from esviewer.stores import where


@dataclass(frozen=True, slots=True)
class Break:
    """A time during which an invariant did not hold: the event that broke it, and the one that healed it if any did.

    ``state`` is that after the first.
    """

    event: Event
    state: dict[str, Value]
    healed: Event | None


def breaks(history: AggregateHistory, expression: str) -> list[Break]:
    """Every break of an invariant in the life of one aggregate, each once.

    ``expression`` is JMESPath over the state with the comparisons of ``--where``; nothing, false and what is empty are
    breaks. Raises :class:`UsageError` for what is no expression.
    """
    search = where.search(expression)
    found: list[Break] = []
    begun: tuple[Event, dict[str, Value]] | None = None
    for index, event in enumerate(history.events):
        state = history.state_at(index)
        holds = _is_true(search(state))
        if not holds and begun is None:
            begun = event, state
        elif holds and begun is not None:
            found.append(Break(*begun, event))
            begun = None
    return found if begun is None else [*found, Break(*begun, None)]


def _is_true(value: Value) -> bool:
    return value is not None and value is not False and value not in ("", [], {})


def written(fold: Fold, events: Sequence[Event] | Iterable[Event]) -> dict[str, Event]:
    """The last event that wrote each leaf of the state, whether it changed it or not; removed ones keep theirs.

    Beside the blame of :class:`AggregateHistory`, which is by what changed.
    """
    state, found = fold.initial(), dict[str, Event]()
    for event in events:
        for touch in fold.apply(state, event):
            for value in (touch.before, touch.after):
                if value is not MISSING:
                    found |= {path: event for path, _ in leaves(value, touch.path)}
    return found
