"""The declarative steps of an upcaster: what each does to a payload, and what it loses.

How they are written is in :mod:`esviewer.catalogue.step_syntax`. A step that meets what it cannot work on raises
:class:`StepFailed`; nothing is passed on half-converted.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

import jmespath
from jmespath.exceptions import JMESPathError

from esviewer.catalogue.model import MISSING, Operation, Step, Upcaster, Version, _Unset
from esviewer.domain import Value


class StepFailed(Exception):
    """A step met a payload that it cannot work on; the text is part of a sentence for people and quotes no value.

    ``edge`` is the upcaster that failed, where a chain was followed.
    """

    edge: Upcaster | None = None


class StepError(ValueError):
    """A step that is written wrongly; the text says what is wrong and what to write."""


@dataclass(slots=True)
class Draft:
    """An event on its way through a chain. ``version`` is UNSET where the current one of the type is meant.

    What runs Python upcasters fills in ``touched``, parts of the identity of the event that a function wanted to change
    (id, stream, version, position, time), and ``looked_up``, what it read outside the event.
    """

    type: str
    version: Version | _Unset
    data: dict[str, Value]
    touched: tuple[str, ...] = ()
    looked_up: tuple[str, ...] = ()


class Change(Operation):
    """A step that changes a payload in place."""

    __slots__ = ()

    def change(self, draft: Draft) -> None:
        raise NotImplementedError

    @property
    def loses(self) -> str | None:
        """What is lost whatever the payload, or ``None``."""
        return None

    @property
    def is_deep(self) -> bool:
        """Whether anything below the first level is changed, so that a deep copy has to be made before."""
        return True


Path = tuple[str, ...]


def _get(data: Value, path: Path) -> Value:
    for name in path:
        if not isinstance(data, dict) or name not in data:
            return MISSING
        data = data[name]
    return data


def _put(data: dict[str, Value], path: Path, value: Value) -> None:
    for name in path[:-1]:
        inner = data.setdefault(name, {})
        if not isinstance(inner, dict):
            raise StepFailed(f"{'.'.join(path)} cannot be given, {name} holds no object")
        data = inner
    data[path[-1]] = value


def _take(data: dict[str, Value], path: Path) -> Value:
    """Takes a value out; objects that are empty then stay."""
    parent = _get(data, path[:-1])
    return parent.pop(path[-1], MISSING) if isinstance(parent, dict) else MISSING


def _text(path: Path) -> str:
    return ".".join(path)


def _are_deep(*paths: Path) -> bool:
    return any(len(path) > 1 for path in paths)


@dataclass(frozen=True, slots=True)
class Rename(Change):
    pairs: tuple[tuple[Path, Path], ...]

    def change(self, draft: Draft) -> None:
        taken = [(new, _take(draft.data, old), old) for old, new in self.pairs]
        for new, value, old in taken:
            if value is MISSING:
                continue
            if _get(draft.data, new) is not MISSING:
                raise StepFailed(f"{_text(old)} cannot be renamed, there is a {_text(new)} already")
            _put(draft.data, new, value)

    @property
    def is_deep(self) -> bool:
        return any(_are_deep(*pair) for pair in self.pairs)


@dataclass(frozen=True, slots=True)
class Give(Change):
    """``default`` where ``always`` is false, else ``set``."""

    values: tuple[tuple[Path, Value], ...]
    always: bool

    def change(self, draft: Draft) -> None:
        for path, value in self.values:
            if self.always or _get(draft.data, path) is MISSING:
                _put(draft.data, path, copy.deepcopy(value) if isinstance(value, dict | list) else value)

    @property
    def is_deep(self) -> bool:
        return _are_deep(*(path for path, _ in self.values))


@dataclass(frozen=True, slots=True)
class Drop(Change):
    names: tuple[Path, ...]

    def change(self, draft: Draft) -> None:
        for path in self.names:
            _take(draft.data, path)

    @property
    def loses(self) -> str | None:
        return f"drop takes out {', '.join(map(_text, self.names))}"

    @property
    def is_deep(self) -> bool:
        return _are_deep(*self.names)


@dataclass(frozen=True, slots=True)
class Copy(Change):
    pairs: tuple[tuple[Path, Path], ...]

    def change(self, draft: Draft) -> None:
        for old, new in self.pairs:
            value = _get(draft.data, old)
            if value is not MISSING:
                _put(draft.data, new, copy.deepcopy(value))


@dataclass(frozen=True, slots=True)
class Convert(Change):
    kinds: tuple[tuple[Path, str], ...]

    def change(self, draft: Draft) -> None:
        for path, kind in self.kinds:
            value = _get(draft.data, path)
            if value is not MISSING and value is not None:
                _put(draft.data, path, _converted(value, kind, _text(path)))

    @property
    def loses(self) -> str | None:
        narrow = [f"{_text(path)} to {kind}" for path, kind in self.kinds if kind in _NARROW]
        return f"convert of {', '.join(narrow)} is narrowing" if narrow else None

    @property
    def is_deep(self) -> bool:
        return _are_deep(*(path for path, _ in self.kinds))


_NARROW: Final = frozenset({"int", "bool"})
"""Other conversions give different results for different values, but for the way that a number is written."""
CONVERSIONS: Final = ("array", "bool", "int", "number", "string")
_TRUTHS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _converted(value: Value, kind: str, name: str) -> Value:
    if kind == "array":
        return value if isinstance(value, list) else [value]
    if isinstance(value, dict | list):
        raise StepFailed(f"{name} holds no single value, so that it cannot become {kind}")
    if kind == "string":
        return value if isinstance(value, str) else _written(value)
    if kind == "bool":
        truth = value if isinstance(value, bool) else _TRUTHS.get(str(value).lower())
        if truth is None:
            raise StepFailed(f"{name} is neither true nor false")
        return truth
    number = _number(value)
    if number is None:
        raise StepFailed(f"{name} is no number")
    if kind == "int":
        return int(number)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return value
    whole = int(number) if number == number.to_integral_value() else None
    return whole if whole is not None and "." not in str(value) else _float(number)


def _float(number: Decimal) -> Value:
    """A float where its shortest form is the same number, else the decimal: no digit is lost."""
    return float(number) if Decimal(repr(float(number))) == number else number


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value)
    except ValueError:  # Python writes no integer of more than 4 300 digits
        raise StepFailed("an integer is too long to be written as a text") from None


def _number(value: Value) -> Decimal | None:
    if isinstance(value, bool):
        return Decimal(int(value))
    try:
        number = Decimal(str(value).strip())
    except (InvalidOperation, ValueError):
        return None
    # What has thousands of digits is no number that anybody wrote, and int() of it may take for ever.
    return number if number.is_finite() and abs(number.adjusted()) < 4_000 else None


@dataclass(frozen=True, slots=True)
class MapValues(Change):
    path: Path
    values: tuple[tuple[Value, Value], ...]

    def change(self, draft: Draft) -> None:
        value = _get(draft.data, self.path)
        for old, new in self.values:
            if value.__class__ is old.__class__ and value == old:
                _put(draft.data, self.path, copy.deepcopy(new))
                return

    @property
    def loses(self) -> str | None:
        targets = [repr(new) for _, new in self.values]
        twice = sorted({target for target in targets if targets.count(target) > 1})
        return f"map gives {', '.join(twice)} for several values of {_text(self.path)}" if twice else None


@dataclass(frozen=True, slots=True)
class Split(Change):
    path: Path
    into: tuple[Path, ...]
    at: str
    missing: Value = MISSING

    def change(self, draft: Draft) -> None:
        value = _get(draft.data, self.path)
        if value is MISSING:
            return
        parts: list[Value] = []
        if value is not None:
            if not isinstance(value, str):
                raise StepFailed(f"{_text(self.path)} is no text, so that it cannot be split")
            parts += value.split(self.at, len(self.into) - 1)
        if value is not None and len(parts) < len(self.into) and self.missing is MISSING:
            raise StepFailed(f"{_text(self.path)} has {len(parts)} of the {len(self.into)} parts to be split into")
        parts += [None if self.missing is MISSING else self.missing] * (len(self.into) - len(parts))
        _take(draft.data, self.path)
        for path, part in zip(self.into, parts, strict=True):
            _put(draft.data, path, part)


@dataclass(frozen=True, slots=True)
class Merge(Change):
    paths: tuple[Path, ...]
    into: Path
    separator: str

    def change(self, draft: Draft) -> None:
        values = [_take(draft.data, path) for path in self.paths]
        present = [value for value in values if value is not MISSING and value is not None]
        if any(isinstance(value, dict | list) for value in present):
            raise StepFailed(f"{_text(self.into)} cannot be merged of what are no single values")
        if values and all(value is MISSING for value in values):
            return
        _put(draft.data, self.into, self.separator.join(map(_written, present)) if present else None)

    @property
    def loses(self) -> str | None:
        return None if self.separator else f"merge into {_text(self.into)} has no separator, so that it is irreversible"

    def is_ambiguous(self, data: Mapping[str, Value]) -> bool:
        """Whether the merged text of this payload cannot be split into the same values again."""
        values = [_get(dict(data), path) for path in self.paths]
        if all(value is MISSING for value in values):
            return False
        texts = [value if isinstance(value, str) else None for value in values]
        joined = self.separator.join(text for text in texts if text is not None)
        return not self.separator or joined.split(self.separator, len(texts) - 1) != texts


@dataclass(frozen=True, slots=True)
class SetType(Change):
    type: str

    def change(self, draft: Draft) -> None:
        draft.type = self.type

    @property
    def is_deep(self) -> bool:
        return False


class Expression:
    """A compiled JMESPath expression; equal where its text is."""

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._compiled = jmespath.compile(text)
        except JMESPathError as wrong:
            raise StepError(f"{text!r} is no JMESPath expression: {str(wrong).splitlines()[0]}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __call__(self, data: Mapping[str, Value]) -> Value:
        try:
            found: Value = self._compiled.search(data)
        except (JMESPathError, TypeError, ValueError, RecursionError) as wrong:
            raise StepFailed(f"the expression {self.text!r} fails ({type(wrong).__name__})") from None
        return found


@dataclass(frozen=True, slots=True)
class Express(Change):
    values: tuple[tuple[Path, Expression], ...]

    def change(self, draft: Draft) -> None:
        found = [(path, copy.deepcopy(expression(draft.data))) for path, expression in self.values]
        for path, value in found:
            _put(draft.data, path, value)


@dataclass(frozen=True, slots=True)
class Each(Change):
    path: Path
    steps: tuple[Step, ...]

    def change(self, draft: Draft) -> None:
        elements = _get(draft.data, self.path)
        if elements is MISSING or elements is None:
            return
        if not isinstance(elements, list):
            raise StepFailed(f"{_text(self.path)} holds no list")
        for number, element in enumerate(elements):
            if not isinstance(element, dict):
                raise StepFailed(f"{_text(self.path)}[{number}] is no object")
            for step in self.steps:
                _of(step, Change).change(Draft(draft.type, draft.version, element))

    @property
    def loses(self) -> str | None:
        return next((lost for step in self.steps if (lost := _of(step, Change).loses)), None)


@dataclass(frozen=True, slots=True)
class Output:
    """One event of an ``emit``. ``attributes`` are pairs of new and old path; ``None`` takes all."""

    type: str
    version: Version | _Unset
    attributes: tuple[tuple[Path, Path], ...] | None
    steps: tuple[Step, ...]
    when: Expression | None


@dataclass(frozen=True, slots=True)
class Emit(Operation):
    outputs: tuple[Output, ...]

    def drafts(self, draft: Draft) -> list[Draft]:
        result: list[Draft] = []
        for output in self.outputs:
            if output.when is not None and not output.when(draft.data):
                continue
            data: dict[str, Value] = {} if output.attributes is not None else copy.deepcopy(draft.data)
            for new, old in output.attributes or ():
                value = _get(draft.data, old)
                if value is not MISSING:
                    _put(data, new, copy.deepcopy(value))
            made = Draft(output.type, output.version, data)
            for step in output.steps:
                _of(step, Change).change(made)
            result.append(made)
        return result


@dataclass(frozen=True, slots=True)
class Discard(Operation):
    when: Expression | None


def _of(step: Step, kind: type[Change]) -> Change:
    assert isinstance(step.operation, kind)
    return step.operation


def run(steps: Sequence[Step], draft: Draft) -> list[Draft]:
    """The events that a payload becomes: usually one. The given draft is not changed. Raises :class:`StepFailed`."""
    deep = any(not isinstance(s.operation, Change) or s.operation.is_deep for s in steps)
    made = Draft(draft.type, draft.version, copy.deepcopy(draft.data) if deep else dict(draft.data))
    for step in steps:
        operation = step.operation
        if isinstance(operation, Change):
            operation.change(made)
        elif isinstance(operation, Emit):
            return operation.drafts(made)
        elif isinstance(operation, Discard) and (operation.when is None or operation.when(made.data)):
            return []
    return [made]


def losses(steps: Sequence[Step]) -> list[str]:
    """What steps lose whatever the payload, as sentences without a full stop."""
    found = []
    for step in steps:
        operation = step.operation
        if isinstance(operation, Change) and operation.loses is not None:
            found.append(operation.loses)
        elif isinstance(operation, Discard):
            found.append("discard makes no event of it")
    return found


def ambiguous_merges(steps: Sequence[Step]) -> list[Merge]:
    """The steps that join values which may not come apart again."""
    return [step.operation for step in steps if isinstance(step.operation, Merge)]
