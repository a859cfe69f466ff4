"""What a fold of one aggregate is: events in, state out, and which parts of the state each event touched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from esviewer.domain import Event, Value

State: TypeAlias = dict[str, Value]


@dataclass(frozen=True, slots=True)
class Touch:
    """A part of the state before and after an event: ``MISSING`` for not there. Nothing outside it changed."""

    path: str
    before: Value
    after: Value


class Fold(Protocol):
    """Turns events into the state of an aggregate. ``apply`` changes ``state`` in place and never an event."""

    @property
    def name(self) -> str:
        """How results say which fold made them: ``inferred``, ``classes``, or a name of the workspace."""
        ...

    def initial(self) -> State: ...

    def apply(self, state: State, event: Event) -> list[Touch]: ...
