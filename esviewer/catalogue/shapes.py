"""Whether a payload fits a shape: compiled once, asked a million times; and the reasons, for those that do not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeAlias

from esviewer.catalogue.model import MISSING, Attribute, TypeVersion
from esviewer.catalogue.paths import items, member
from esviewer.domain import Value

Check: TypeAlias = Callable[[Value], bool]

_KINDS: Final[dict[type, str]] = {
    str: "string",
    int: "int",
    bool: "bool",
    float: "number",
    Decimal: "number",
    dict: "object",
    list: "array",
    tuple: "array",
    bytes: "bytes",
    type(None): "null",
}
_CLASSES: Final[dict[str, frozenset[type]]] = {
    "string": frozenset({str}),
    "int": frozenset({int}),
    "bool": frozenset({bool}),
    "number": frozenset({int, float, Decimal}),
    "object": frozenset({dict}),
    "array": frozenset({list, tuple}),
    "bytes": frozenset({bytes}),
}


def kind_of(value: Value) -> str:
    """The type of a value as the catalogue has it, or ``null``. True is not an int; what has no name is a string."""
    return _KINDS.get(value.__class__, "string")


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def fits(shape: TypeVersion) -> Check | None:
    """The compiled check of a payload; ``None`` if every payload fits."""
    if shape.says_nothing:
        return None
    inner = _object_check(shape.attributes, shape.open)
    return lambda payload: payload.__class__ is dict and inner(payload)


def _attribute_check(attribute: Attribute) -> Check | None:
    """The compiled check of one value; ``None`` if every value fits."""
    classes = _classes(attribute)
    deeper = _deeper(attribute)
    if classes is None:
        if not deeper and attribute.nullable:
            return None
        nullable = attribute.nullable
        return lambda value: nullable if value is None else all(check(value) for check in deeper)
    if not deeper:
        return lambda value: value.__class__ in classes
    return lambda value: value.__class__ in classes and (value is None or all(check(value) for check in deeper))


def _classes(attribute: Attribute) -> frozenset[type] | None:
    if attribute.is_any:
        return None
    classes = frozenset[type]().union(*(_CLASSES[kind] for kind in attribute.types))
    return classes | {type(None)} if attribute.nullable else classes


def _deeper(attribute: Attribute) -> list[Check]:
    """What is checked of a value that is not null, beyond its class."""
    checks: list[Check] = []
    if attribute.enum is not None:
        checks.append(_enum_check(attribute.enum))
    checks += _limit_checks(attribute)
    if attribute.attributes is not None:
        inner = _object_check(attribute.attributes, attribute.open)
        checks.append(lambda value: value.__class__ is not dict or inner(value))
    element = _attribute_check(attribute.items) if attribute.items is not None else None
    if element is not None:
        each = element
        checks.append(lambda value: not isinstance(value, list | tuple) or all(map(each, value)))
    return checks


def _enum_check(enum: tuple[Value, ...]) -> Check:
    """True is not 1; 1 is 1.0, as in JSON."""
    truths = [value for value in enum if isinstance(value, bool)]
    others = [value for value in enum if not isinstance(value, bool)]
    return lambda value: value in truths if isinstance(value, bool) else value in others


def _limit_checks(attribute: Attribute) -> list[Check]:
    checks: list[Check] = []
    low, high = attribute.minimum, attribute.maximum
    if low is not None or high is not None:
        checks.append(lambda value: not _is_number(value) or _is_within(value, low, high))
    for least, most, kind in (
        (attribute.min_length, attribute.max_length, str),
        (attribute.min_items, attribute.max_items, list),
    ):
        if least is not None or most is not None:
            checks.append(_size_check(least, most, kind))
    if attribute.pattern is not None:
        found = _pattern(attribute.pattern).search
        checks.append(lambda value: not isinstance(value, str) or found(value) is not None)
    return checks


def _size_check(least: int | None, most: int | None, kind: type[Sized]) -> Check:
    def check(value: Value) -> bool:
        return not isinstance(value, kind) or _is_within(len(value), least, most)

    return check


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _is_within(value: Value, low: float | None, high: float | None) -> bool:
    assert isinstance(value, int | float | Decimal)
    return (low is None or value >= low) and (high is None or value <= high)


def _object_check(attributes: Mapping[str, Attribute], is_open: bool) -> Callable[[dict[str, Value]], bool]:
    parts = [
        (name, known.required and known.default is MISSING, _attribute_check(known))
        for name, known in attributes.items()
    ]
    known_names = frozenset(attributes)

    def check(value: dict[str, Value]) -> bool:
        for name, required, fitting in parts:
            held = value.get(name, MISSING)
            if held is MISSING:
                if required:
                    return False
            elif fitting is not None and not fitting(held):
                return False
        return is_open or value.keys() <= known_names

    return check


# Reasons


def problems(shape: TypeVersion, payload: Value) -> list[str]:
    """Why a payload does not fit, as sentences without a full stop; empty if it fits. Values are not quoted."""
    if shape.says_nothing:
        return []
    if not isinstance(payload, dict):
        return [f"the payload is {_a(kind_of(payload))}, not an object"]
    return _object_problems(shape.attributes, shape.open, payload, "")


def _object_problems(
    attributes: Mapping[str, Attribute], is_open: bool, value: dict[str, Value], prefix: str
) -> list[str]:
    found = []
    for name, known in attributes.items():
        path = member(prefix, name)
        if name in value:
            found += _attribute_problems(known, value[name], path)
        elif known.required and known.default is MISSING:
            found.append(f"{path} is missing")
    if not is_open:
        found += [f"{member(prefix, str(name))} is not part of the shape" for name in value if name not in attributes]
    return found


def _attribute_problems(known: Attribute, value: Value, path: str) -> list[str]:
    if value is None:
        return [] if known.nullable else [f"{path} is null"]
    kind = kind_of(value)
    classes = _classes(known)
    if classes is not None and value.__class__ not in classes:
        return [f"{path} is {_a(kind)}, not {_a(' or '.join(known.types))}"]
    found = []
    if known.enum is not None and not _enum_check(known.enum)(value):
        found.append(f"{path} is none of the {len(known.enum)} values allowed")
    if not all(check(value) for check in _limit_checks(known)):
        found.append(f"{path} is outside its limits")
    if known.attributes is not None and isinstance(value, dict):
        found += _object_problems(known.attributes, known.open, value, path)
    if known.items is not None and isinstance(value, list | tuple):
        seen = dict.fromkeys(
            text for element in value for text in _attribute_problems(known.items, element, items(path))
        )
        found += list(seen)
    return found


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aio" else f"a {kind}"
