"""What a fold of one aggregate is: events in, state out, and which parts of the state each event touched."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias, runtime_checkable

from esviewer.domain import Event, Value

State: TypeAlias = dict[str, Value]


class Touch(NamedTuple):
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


@runtime_checkable
class SharingFold(Fold, Protocol):
    """A fold that never changes a value it has put into the state, and so can keep a state by keeping its values.

    What it keeps costs a few pointers, where writing the whole state down costs as much as the state is large.
    """

    def freeze(self, state: State) -> object:
        """The state as it is now, whatever becomes of it; never changed."""
        ...

    def thaw(self, frozen: object) -> State:
        """A state of its own, equal to the one that was frozen."""
        ...
