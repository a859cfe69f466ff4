"""The edited fold: rules that people gave for event types and attributes; what has no rule goes by the inferred guess.

A rule takes the value at a path of the payload and does one of seven things with it at a path of the state. What is
taken by a rule is not merged by the guess any more; an edited fold without rules is the inferred fold.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from esviewer.catalogue.paths import parse
from esviewer.domain import Event, UsageError, Value
from esviewer.projections.fold import State, Touch
from esviewer.projections.inferred import Grown, InferredFold, guessed, is_meant, total
from esviewer.projections.paths import MISSING, item, member

Operation: TypeAlias = Literal["set", "add", "subtract", "append", "remove", "merge", "ignore"]
OPERATIONS: Final[tuple[Operation, ...]] = get_args(Operation)
WHOLE: Final = "."
"""Stands for the payload as a whole where a rule names an attribute."""
RESERVED: Final = frozenset({"inferred", "classes"})
"""Names that are folds already."""

Names: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoldRule:
    """What becomes of an attribute (a path, or :data:`WHOLE`) of an event type, and where; by default at its own path.

    ``set``: the value is there. ``add``, ``subtract``: a number there (at first 0) is raised or lowered. ``append``:
    the value becomes the last element of a list there. ``remove``: elements that equal the value, or have its ids,
    leave the list there; where there is no list, what is there goes. ``merge``: the members of an object are set in the
    object there. ``ignore``: nothing. Where a value does not fit (no number, no list, no object), nothing changes.
    """

    event_type: str
    attribute: str
    operation: Operation
    target: str | None = None

    @property
    def words(self) -> str:
        """The rule as the workspace's file has it: ``set due``."""
        return self.operation if self.target is None else f"{self.operation} {self.target}"


@dataclass(frozen=True, slots=True)
class FoldRules:
    """A fold of the workspace. ``starts``: before such an event there is nothing; ``ends``: after it there is nothing.

    Events of the types in ``ignores`` change nothing. An attribute may have several rules, which are followed in order.
    """

    name: str
    rules: tuple[FoldRule, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    ignores: tuple[str, ...] = ()


def rule_of(event_type: str, attribute: str, words: str) -> FoldRule:
    """The rule that ``set due`` stands for; raises :class:`UsageError` with what is wrong with it."""
    operation, _, target = words.strip().partition(" ")
    if operation not in OPERATIONS:
        raise UsageError(f"{operation!r} is no rule: give one of {', '.join(OPERATIONS)}.")
    target = target.strip()
    for path in (attribute, target):
        if path and path != WHOLE:
            _names(path)
    if operation == "ignore" and target:
        raise UsageError("'ignore' has no target: what is ignored goes nowhere.")
    if target == WHOLE and not (operation == "merge"):
        raise UsageError(f"'{operation}' needs the name of an attribute of the state, not '.'.")
    if attribute == WHOLE and not target and operation not in ("merge", "ignore"):
        raise UsageError(f"The payload as a whole needs a target: '{operation} lines', for example.")
    return FoldRule(event_type, attribute, operation, target or None)


def _names(path: str) -> Names:
    try:
        return parse(path)
    except ValueError:
        raise UsageError(f'{path!r} is no path: write it as due_on, address.city or ["a.b"].') from None


@dataclass(frozen=True, slots=True)
class _Step:
    """A rule made ready: the names that lead to the value in the payload, and to its place in the state."""

    source: Names
    operation: Operation
    target: Names


@dataclass(frozen=True, slots=True)
class _Steps:
    """The rules of one type; ``nested`` are those of the paths below an attribute."""

    steps: tuple[_Step, ...]
    ruled: frozenset[str | None]
    nested: tuple[Names, ...]


class EditedFold:
    """A fold by rules; ``name`` is the one it has in the workspace."""

    def __init__(self, rules: FoldRules) -> None:
        self.rules = rules
        self.name = rules.name
        self._starts, self._ends = frozenset(rules.starts), frozenset(rules.ends)
        self._ignores = frozenset(rules.ignores)
        self._guess = InferredFold()
        self._steps = {name: _prepared(own) for name, own in _by_type(rules.rules).items()}
        self._growing = {
            step.target[0]
            for prepared in self._steps.values()
            for step in prepared.steps
            if step.operation == "append" and len(step.target) > 1
        }
        """Attributes of the state that may hold, further in, lists that grow in place."""

    def initial(self) -> State:
        return {}

    def freeze(self, state: State) -> object:
        """The state as it is now: values are shared, but for lists that grow in place further in."""
        inner = {name: pickle.dumps(state[name], protocol=5) for name in self._growing & state.keys()}
        rest = self._guess.freeze({name: value for name, value in state.items() if name not in inner})
        return tuple(state), inner, rest

    def thaw(self, frozen: object) -> State:
        assert isinstance(frozen, tuple)
        names, inner, rest = frozen
        held = self._guess.thaw(rest)
        return {name: pickle.loads(inner[name]) if name in inner else held[name] for name in names}

    def apply(self, state: State, event: Event) -> list[Touch]:
        """Applies one event. That a type starts or ends the aggregate holds for undecodable events too."""
        if event.type not in self._starts and event.type not in self._ends:
            return self._applied(state, event)
        before = dict(state)
        state.clear()
        if event.type not in self._ends:
            self._applied(state, event)
        names = (*state, *(name for name in before if name not in state))
        return [Touch(member("", name), before.get(name, MISSING), state.get(name, MISSING)) for name in names]

    def _applied(self, state: State, event: Event) -> list[Touch]:
        data = event.data
        if data is None or event.type in self._ignores:
            return []
        prepared = self._steps.get(event.type or "")
        if prepared is None:
            return self._guess.apply(state, event)
        touched: list[Touch] = []
        if isinstance(data, dict):
            rest = {name: value for name, value in data.items() if name not in prepared.ruled}
            for names in prepared.nested:
                _take_out(rest, names)
            touched = guessed(state, event.type, data, rest, prepared.ruled)
        elif None not in prepared.ruled:
            return self._guess.apply(state, event)
        for step in prepared.steps:
            value = _at(data, step.source)
            if value is not MISSING:
                touched += _follow(state, step, value)
        return _joined(touched)


def _by_type(rules: Iterable[FoldRule]) -> Mapping[str, list[FoldRule]]:
    result: dict[str, list[FoldRule]] = {}
    for rule in rules:
        result.setdefault(rule.event_type, []).append(rule)
    return result


def _prepared(rules: list[FoldRule]) -> _Steps:
    steps, ruled, nested = [], set[str | None](), []
    for rule in rules:
        source = () if rule.attribute == WHOLE else _names(rule.attribute)
        target = source if rule.target is None else () if rule.target == WHOLE else _names(rule.target)
        steps.append(_Step(source, rule.operation, target))
        if len(source) > 1:
            nested.append(source)
        else:
            ruled.add(source[0] if source else None)
    return _Steps(tuple(steps), frozenset(ruled), tuple(nested))


def _at(value: Value, names: Names) -> Value:
    for name in names:
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def _take_out(rest: dict[str, Value], names: Names) -> None:
    """Takes the value at a path out of a payload that is ours at its top alone; what becomes empty goes with it."""
    if _at(rest, names) is MISSING:
        return
    left = _with(rest[names[0]], names[1:], MISSING)
    if left:
        rest[names[0]] = left
    else:
        del rest[names[0]]


def _with(held: Value, names: Names, value: Value) -> Value:
    """A copy of an object with a value (``MISSING``: none) at a path; objects that are not there are made."""
    if not names:
        return value
    made = dict(held) if isinstance(held, dict) else {}
    inner = _with(made.get(names[0], MISSING), names[1:], value)
    if inner is MISSING or (value is MISSING and inner == {}):
        made.pop(names[0], None)
    else:
        made[names[0]] = inner
    return made


def _put(state: State, names: Names, value: Value) -> Touch:
    """Sets (``MISSING``: removes) what is at a path. Objects on the way belong to events: they are copied."""
    top = names[0]
    before = state.get(top, MISSING)
    after = _with(before, names[1:], value)
    if after is MISSING or (value is MISSING and len(names) > 1 and after == {}):
        state.pop(top, None)
        return Touch(member("", top), before, MISSING)
    state[top] = after
    return Touch(member("", top), before, after)


def _follow(state: State, step: _Step, value: Value) -> list[Touch]:
    operation, target = step.operation, step.target
    if operation == "ignore":
        return []
    if operation == "merge":
        return _merged(state, target, value)
    present = _at(state, target)
    if operation == "set":
        return [_put(state, target, value)]
    if operation == "append":
        return _appended(state, target, present, value)
    if operation == "remove":
        return _removed(state, target, present, value)
    after = total(MISSING if present is None else present, value, is_raised=operation == "add")
    return [] if after is MISSING else [_put(state, target, after)]


def _merged(state: State, target: Names, value: Value) -> list[Touch]:
    if not isinstance(value, dict):
        return []
    if not target:
        return [_put(state, (str(name),), inner) for name, inner in value.items()]
    present = _at(state, target)
    return [_put(state, target, {**present, **value} if isinstance(present, dict) else value)]


def _appended(state: State, target: Names, present: Value, value: Value) -> list[Touch]:
    if isinstance(present, Grown) and present:
        present.append(value)
        path = ""
        for name in target:
            path = member(path, name)
        return [Touch(item(path, len(present) - 1), MISSING, value)]
    if present is MISSING or present is None or isinstance(present, list):
        return [_put(state, target, Grown([*(present or ()), value] if isinstance(present, list) else [value]))]
    return []


def _removed(state: State, target: Names, present: Value, value: Value) -> list[Touch]:
    if present is MISSING:
        return []
    if not isinstance(present, list):
        return [_put(state, target, MISSING)]
    kept = [element for element in present if not is_meant(element, value)]
    return [] if len(kept) == len(present) else [_put(state, target, kept)]


def _joined(touched: list[Touch]) -> list[Touch]:
    """One touch for a part that several rules changed."""
    if len({touch.path for touch in touched}) == len(touched):
        return touched
    joined: dict[str, Touch] = {}
    for touch in touched:
        first = joined.get(touch.path)
        joined[touch.path] = touch if first is None else Touch(touch.path, first.before, touch.after)
    return list(joined.values())
