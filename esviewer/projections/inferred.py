"""The inferred fold: a state guessed from events alone, without any code of the application.

Every attribute of an event *sets* the attribute of the same name. Where the name of an event type says so, more is
guessed, into attributes of its own, so that what events carry is never hidden by a guess:

- ``TagAdded {tag}`` *appends* to ``tags``, ``TagRemoved {tag}`` *removes* from it; ``LineAdded {isbn, quantity}``,
  which has no attribute ``line``, appends the whole payload to ``lines``;
- ``Deposited {amount}`` and ``Withdrawn {amount}`` *add* to ``amount_total``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal

from esviewer.domain import Event, Value
from esviewer.projections.fold import State, Touch
from esviewer.projections.paths import MISSING, item, member

_APPENDING = frozenset({"added", "appended", "attached", "included"})
_REMOVING = frozenset({"removed", "detached", "excluded", "dropped"})
_RAISING = frozenset({"deposited", "credited", "increased", "earned"})
_LOWERING = frozenset({"withdrawn", "debited", "decreased", "redeemed", "spent"})
_VERBS = _APPENDING | _REMOVING | _RAISING | _LOWERING
_QUANTITY = re.compile(r"amount|quantity|cents|points|delta", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\dA-Z_]+|\d+")
_VERSION_SUFFIX = re.compile(r"(?:[_.:]v\d+|\bV\d+\.)", re.IGNORECASE)

_DIGITS = 10_000
"""Decimal digits before and after the point beyond which nothing is added up: a payload may say 1e999999."""
_EXACT = Context(prec=3 * _DIGITS)

Operation = Literal["append", "remove", "add", "subtract"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A guess about one attribute of one event type; ``attribute`` is ``None`` where the whole payload is meant."""

    operation: Operation
    attribute: str | None
    target: str


class InferredFold:
    """Merges attributes, and guesses lists and totals from names; says so by its name."""

    name = "inferred"

    def initial(self) -> State:
        return {}

    def apply(self, state: State, event: Event) -> list[Touch]:
        """Merges one event. Events whose payload could not be decoded change nothing; they are counted elsewhere."""
        data = event.data
        if data is None:
            return []
        if not isinstance(data, dict):
            return [_set(state, "data", data)]
        return guessed(state, event.type, data, data)

    def freeze(self, state: State) -> object:
        # Values belong to events and are never changed; only lists that grow here do, and only at their end.
        return {name: Beginning(v, len(v)) if v.__class__ is Grown else v for name, v in state.items()}

    def thaw(self, frozen: object) -> State:
        assert isinstance(frozen, dict)
        return {name: v.thawed() if v.__class__ is Beginning else v for name, v in frozen.items()}


def guessed(
    state: State,
    event_type: str | None,
    data: dict[str, Value],
    rest: dict[str, Value],
    ruled: frozenset[str | None] = frozenset(),
) -> list[Touch]:
    """Merges what nobody gave a rule for: ``rest`` is the payload without what has one, ``ruled`` names what has.

    ``None`` among these is the payload as a whole.
    """
    touched = [_set(state, str(name), value) for name, value in rest.items()]
    for rule in rules(event_type, tuple(map(str, data))):
        if rule.attribute in ruled or (rule.attribute is not None and rule.attribute not in rest):
            continue
        touch = _guess(state, rule, data if rule.attribute is None else rest)
        if touch is not None:
            touched.append(touch)
    return touched


def rules(event_type: str | None, attributes: tuple[str, ...]) -> tuple[Rule, ...]:
    """What is guessed for a type beyond setting its attributes; empty for most types."""
    words = _words(event_type or "")
    if not words or words[-1] not in _VERBS:
        # Most types; a payload may have 100 000 attributes, which nothing should keep.
        return ()
    return _rules(words, attributes)


@lru_cache(maxsize=4096)
def _words(event_type: str) -> tuple[str, ...]:
    """``shop:Cart.ProductItemAdded`` → ``("product", "item", "added")``; without a version at its end."""
    local = re.split(r"[.:/\\$]", _VERSION_SUFFIX.sub("", event_type))[-1]
    return tuple(word.lower() for word in _WORD.findall(local))


@lru_cache(maxsize=4096)
def _rules(words: tuple[str, ...], attributes: tuple[str, ...]) -> tuple[Rule, ...]:
    *noun_words, verb = words
    noun = "".join(noun_words)
    if verb in _APPENDING | _REMOVING and noun:
        operation: Operation = "append" if verb in _APPENDING else "remove"
        matching = [name for name in attributes if name.replace("_", "").lower() == noun]
        if matching:
            return (Rule(operation, matching[0], _plural(matching[0])),)
        return (Rule(operation, None, _plural("_".join(noun_words))),) if attributes else ()
    if verb in _RAISING | _LOWERING:
        change: Operation = "add" if verb in _RAISING else "subtract"
        return tuple(Rule(change, name, f"{name}_total") for name in attributes if _QUANTITY.search(name))
    return ()


def _plural(name: str) -> str:
    if re.search(r"[^aeiou]y$", name):
        return name[:-1] + "ies"
    return name + ("es" if re.search(r"(s|x|z|ch|sh)$", name) else "s")


def _set(state: State, name: str, value: Value) -> Touch:
    before = state.get(name, MISSING)
    state[name] = value
    return Touch(member("", name), before, value)


def _guess(state: State, rule: Rule, data: dict[str, Value]) -> Touch | None:
    value: Value = data if rule.attribute is None else data[rule.attribute]
    if rule.operation in ("add", "subtract"):
        return _total(state, rule, value)
    present = state.get(rule.target, MISSING)
    if rule.target in data or (present is not MISSING and not isinstance(present, list)):
        return None
    if rule.operation == "append":
        return _append(state, rule.target, present, value)
    if not isinstance(present, list):
        return None
    kept = [element for element in present if not is_meant(element, value)]
    if len(kept) == len(present):
        return None
    state[rule.target] = kept
    return Touch(member("", rule.target), present, kept)


def _append(state: State, target: str, present: Value, value: Value) -> Touch:
    path = member("", target)
    if not isinstance(present, list) or not present:
        state[target] = Grown([value])
        return Touch(path, present, state[target])
    if not isinstance(present, Grown):
        # An event set this list: it belongs to the event, so a copy grows.
        present = state[target] = Grown(present)
    present.append(value)
    return Touch(item(path, len(present) - 1), MISSING, value)


class Grown(list[Value]):
    """A list that a fold made and may grow in place."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first elements of a list that grows."""

    grown: Grown
    length: int

    def thawed(self) -> Grown:
        """A list of its own of these elements."""
        return Grown(self.grown[: self.length])


def is_meant(element: Value, value: Value) -> bool:
    """Whether an element of a list is the one that a removal names: the same value, or an object with the same ids."""
    if element == value:
        return True
    if not isinstance(element, dict):
        return False
    if not isinstance(value, dict):
        return any(_is_id(name) and held == value for name, held in element.items())
    shared = [name for name in value if _is_id(name) and name in element]
    return bool(shared) and all(element[name] == value[name] for name in shared)


def _is_id(name: str) -> bool:
    return name.lower().endswith("id") or name.lower() in ("key", "sku", "code", "number")


def _total(state: State, rule: Rule, value: Value) -> Touch | None:
    before = state.get(rule.target, MISSING)
    after = total(before, value, is_raised=rule.operation == "add")
    if after is MISSING:
        return None
    state[rule.target] = after
    return Touch(member("", rule.target), before, after)


def total(before: Value, value: Value, *, is_raised: bool) -> Value:
    """A number (``MISSING``: zero) raised or lowered by a value, exactly; ``MISSING`` where they are no numbers."""
    amount = _number(value)
    held = Decimal(0) if before is MISSING else _number(before)
    if amount is None or held is None:
        return MISSING
    change = _EXACT.add if is_raised else _EXACT.subtract
    return _plain(change(held, amount), value)


def _number(value: Value) -> Decimal | None:
    """A finite number, exactly; ``None`` for what is none, or too long to be added up."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        # Not by way of its text: Python bounds the digits of that.
        number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and _is_addable(number) else None


def _is_addable(number: Decimal) -> bool:
    *_, exponent = number.as_tuple()
    return isinstance(exponent, int) and exponent >= -_DIGITS and number.adjusted() <= _DIGITS


def _plain(number: Decimal, like: Value) -> Value:
    return int(number) if isinstance(like, int) and number == int(number) else number
