"""An aggregate folded with the user's own classes, in a child process; here the fold is what the child reported."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esviewer.domain import Event, UsageError
from esviewer.projections.fold import State, Touch
from esviewer.projections.history import AggregateHistory
from esviewer.projections.paths import MISSING, member
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.process import Report, Sandbox, UserCodeFailed
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found

NAME = "classes"


@dataclass(frozen=True, slots=True)
class ClassFoldFailure:
    """The first event that the classes could not take: its place in the stream, and why."""

    index: int
    sentence: str
    details: str


class ClassFold:
    """What the child reported, event by event. After an event that failed, nothing changes any more."""

    name = NAME

    def __init__(self, events: Sequence[Event], deltas: list[tuple[State, list[str]]]) -> None:
        self._deltas = {event.key: delta for event, delta in zip(events, deltas, strict=False)}

    def initial(self) -> State:
        return {}

    def freeze(self, state: State) -> object:
        return dict(state)

    def thaw(self, frozen: object) -> State:
        assert isinstance(frozen, dict)
        return dict(frozen)

    def apply(self, state: State, event: Event) -> list[Touch]:
        changed, removed = self._deltas.get(event.key, ({}, []))
        touches = []
        for name, value in changed.items():
            touches.append(Touch(member("", name), state.get(name, MISSING), value))
            state[name] = value
        return touches + [Touch(member("", name), state.pop(name, MISSING), MISSING) for name in removed]


@dataclass(frozen=True, slots=True)
class ClassHistory:
    """A history that was folded with the user's classes. ``output`` is what they printed."""

    history: AggregateHistory
    failure: ClassFoldFailure | None
    output: str


def check_sources(sources: Path) -> Path:
    """The folder of sources, made absolute; raises :class:`UsageError` if it holds no Python."""
    if not sources.is_dir():
        raise UsageError(f"{sources} is not a folder: give the one that holds the top-level package.")
    if not any(sources.glob("*.py")) and not any(sources.glob("*/*.py")):
        raise UsageError(f"{sources} holds no Python: give the folder that holds the top-level package.")
    return sources.resolve()


def fold_with_classes(
    database: Database,
    found: Found,
    events: Sequence[Event],
    sources: Path,
    *,
    limits: Limits | None = None,
    started: Callable[[Sandbox], None] = lambda sandbox: None,
    progressed: Callable[[int], None] = lambda count: None,
) -> ClassHistory:
    """Folds a stream's events with the classes in ``sources``, whose consent must have been had before.

    The child reads the stream itself, so that nothing but names and states passes between. Raises
    :class:`UserCodeFailed` where the classes could not be loaded, took too long or ended the process, and what opening
    the store raises. ``started`` is given the sandbox, to be able to stop it; ``progressed`` how many events are done.
    """
    key = database.key
    order = {
        "address": database.address.whole,
        "store": found.name,
        "stream": "/".join(str(getattr(events[0], name)) for name in found.dialect.identity),
        "key": None if key is None else base64.b64encode(key).decode(),
        "password": database.password,
        "sources": str(check_sources(sources)),
    }
    sandbox = Sandbox("fold-classes", order, limits)
    started(sandbox)
    deltas: list[tuple[State, list[str]]] = []

    def told(report: Report) -> None:
        if report["kind"] == "deltas":
            deltas.extend((changed, removed) for changed, removed in report["deltas"])
            progressed(len(deltas))

    try:
        result: dict[str, Any] = sandbox.run(told)
    except UserCodeFailed as failure:
        raise named(failure, events) from None
    failed = result["failed"]
    trouble = None if failed is None else ClassFoldFailure(failed["number"], failed["sentence"], failed["details"])
    history = AggregateHistory(events, ClassFold(events, deltas))
    return ClassHistory(history, trouble, sandbox.output)


def named(failure: UserCodeFailed, events: Sequence[Event]) -> UserCodeFailed:
    """The failure in a sentence that names the event it was at."""
    if not 0 <= failure.number < len(events):
        sentence = f"The classes could not be used: {failure}."
    else:
        sentence = sentence_of(events[failure.number], str(failure))
    return UserCodeFailed(sentence, failure.number, failure.details, failure.output)


def sentence_of(event: Event, reason: str) -> str:
    """Which event the classes could not take, and why."""
    return (
        f"{event.type} at version {event.version} of {event.stream} (position {event.position}) "
        f"cannot be folded with these classes: {reason.rstrip('.')}."
    )
