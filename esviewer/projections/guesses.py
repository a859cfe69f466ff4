"""What the inferred fold does with the events of a stream or category, rule by rule: where editing begins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from esviewer.domain import Event
from esviewer.projections.edited import WHOLE, FoldRule
from esviewer.projections.inferred import rules
from esviewer.projections.paths import member

TYPE_LIMIT = 300
"""Attributes of one type that are listed: a payload may have 100 000, which nobody gives rules to."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A rule of the inferred fold as one would write it, why it is guessed, and for how many events it held."""

    rule: FoldRule
    why: str
    seen: int


@dataclass(frozen=True, slots=True)
class Guesses:
    """All guesses for some events; ``types`` counts the events of each, in the order of their first.

    ``left_out`` is the number of attributes that are not listed, because their types have so many.
    """

    guesses: tuple[Guess, ...]
    types: dict[str, int]
    left_out: int = 0


def guesses(events: Iterable[Event]) -> Guesses:
    """What the inferred fold does with these events, by type and then attribute in the order of their appearance."""
    types: dict[str, int] = {}
    counted: dict[str, dict[FoldRule, int]] = {}
    left_out: set[tuple[str, str]] = set()
    for event in events:
        if event.type is None:
            continue
        types[event.type] = types.get(event.type, 0) + 1
        known = counted.setdefault(event.type, {})
        for rule in _guessed(event):
            if rule in known:
                known[rule] += 1
            elif len(known) < TYPE_LIMIT:
                known[rule] = 1
            elif len(left_out) < 100_000:
                left_out.add((event.type, rule.attribute))
    listed = tuple(Guess(rule, _why(rule), n) for known in counted.values() for rule, n in _ordered(known))
    return Guesses(listed, types, len(left_out))


def _guessed(event: Event) -> Iterable[FoldRule]:
    kind, data = event.type or "", event.data
    if data is None:
        return
    if not isinstance(data, dict):
        yield FoldRule(kind, WHOLE, "set", "data")
        return
    for name in data:
        yield FoldRule(kind, member("", name), "set")
    for rule in rules(kind, tuple(map(str, data))):
        attribute = WHOLE if rule.attribute is None else member("", rule.attribute)
        yield FoldRule(kind, attribute, rule.operation, member("", rule.target))


def _ordered(known: dict[FoldRule, int]) -> list[tuple[FoldRule, int]]:
    """By attribute, as these first appeared; the payload as a whole last."""
    places = {rule.attribute: place for place, rule in reversed(list(enumerate(known)))}
    return sorted(known.items(), key=lambda entry: (entry[0].attribute == WHOLE, places[entry[0].attribute]))


def _why(rule: FoldRule) -> str:
    if rule.operation == "set":
        return "Every attribute sets the one of its name" if rule.attribute != WHOLE else "The payload is no object"
    verb = {
        "append": "says that something is added",
        "remove": "says that something is removed",
        "add": "says that an amount grows",
        "subtract": "says that an amount shrinks",
    }
    return f"The type's name {verb[rule.operation]}"
