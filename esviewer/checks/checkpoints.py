"""Consumers whose checkpoint is not where the store ends: beyond it, or behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np

from esviewer.checks.facts import StoreFacts
from esviewer.checks.rules import Place, Rule, counted
from esviewer.domain import iso
from esviewer.domain.finding import Finding
from esviewer.stores.dialects.base import Follow
from esviewer.stores.index import Index
from esviewer.stores.sheet import NONE

_AHEAD: Final = Rule(
    "checkpoint-ahead",
    "error",
    "A consumer whose checkpoint is beyond the last event: it will never see the events in between.",
    "Find out whether the store was restored from a backup; set the checkpoint back and rebuild what it has built.",
)
_LAG: Final = Rule(
    "checkpoint-lag",
    "info",
    "A consumer that has not processed all events yet.",
    "Nothing while it catches up; look at the consumer if a second reading shows the same checkpoint.",
)


@dataclass(frozen=True, slots=True)
class Lag:
    """Events after a checkpoint: their rows in store order; ``oldest`` is the time of the first one, µs or ``None``."""

    rows: tuple[int, ...]
    oldest: int | None


def ahead_by(index: Index, follow: Follow) -> int | None:
    """By how many positions a checkpoint is beyond the head of what it follows; ``None`` if it is not, or untold."""
    if not isinstance(follow.position, int):
        return None
    positions = index.column("position")
    if follow.tenant is not None:
        ordinals = [i for i, name in enumerate(tuple(index.stream_tenant)) if name == follow.tenant]
        positions = positions[np.isin(index.column("stream"), np.asarray(ordinals, np.int32))]
    positions = positions[positions != NONE]
    if not len(positions) and index.length:
        return None
    head = int(positions.max()) if len(positions) else 0
    return follow.position - head if follow.position > head else None


def lag_of(index: Index, follow: Follow) -> Lag:
    """The events that a consumer has not processed, of all types: a store does not say which of them it handles.

    Counted, not subtracted: gaps are no events.
    """
    rows = index.rows_after(follow.position, follow.category, follow.tenant)
    if not len(rows):
        return Lag((), None)
    oldest = int(index.column("time")[rows[0]])
    return Lag(tuple(rows.tolist()), None if oldest == NONE else oldest)


class Checkpoints:
    """Looks at every consumer that follows the store."""

    rules: ClassVar[tuple[Rule, ...]] = (_AHEAD, _LAG)

    def findings(self, facts: StoreFacts) -> Iterator[Finding]:
        """One finding for each rule and consumer."""
        index = facts.index
        head = index.position_range()[1]
        for follow in facts.consumers:
            beyond = ahead_by(index, follow)
            if beyond is not None:
                sentence = f"Checkpoint {follow.position}, head {'none' if head is None else head}: ahead {beyond}."
                yield _AHEAD.finding(follow.consumer, [], [sentence, *_part(follow)])
                continue
            lag = lag_of(index, follow)
            if lag.rows:
                places: list[Place | None] = [index.position_of(row) for row in lag.rows]
                reached = "–" if follow.position is None else follow.position
                sentences = [f"Checkpoint {reached}: {counted(len(places))} behind."]
                if lag.oldest is not None:
                    sentences.append(f"The oldest of them was recorded at {iso(lag.oldest)}.")
                yield _LAG.finding(follow.consumer, places, [*sentences, *_part(follow)])


def _part(follow: Follow) -> list[str]:
    """What a consumer follows, where that is a part of the store."""
    part = follow.category or follow.tenant
    return [] if part is None else [f"It follows {part} only."]
