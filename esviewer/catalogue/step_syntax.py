"""How the steps of an upcaster are written in a file.

============== =================================================== ==================================================
step           as written                                          does
============== =================================================== ==================================================
``rename``     ``{old: new}``                                      moves a value; nothing if ``old`` is not there
``default``    ``{name: value}``                                   gives a value to what is not there (null is there)
``set``        ``{name: value}``                                   gives a value, whatever was there
``drop``       ``name`` or ``[names]`` (also ``remove``)           takes attributes out
``copy``       ``{from: to}``                                      gives a value a second name
``convert``    ``{name: type}``                                    int, number, string, bool, array; null stays null
``map``        ``{name: {old value: new value}}``                  replaces values; others stay
``split``      ``{attribute:, into: [], at: " "}``                 cuts a text into parts and takes it out
``merge``      ``{attributes: [], into:, with: " "}``              joins texts into one and takes them out
``set-type``   ``Name``                                            makes it an event of another type
``expression`` ``{name: JMESPath}``                                gives what an expression over the payload yields
``each``       ``{in: path, steps: []}``                           does steps to each object of an array
``emit``       ``[{type:, version:, attributes:, steps:, when:}]`` makes several events of it; the last step
``discard``    ``true`` or ``{when: JMESPath}``                    makes no event of it
============== =================================================== ==================================================

Attributes are paths (``address.city``). A step that meets what it cannot work on raises :class:`StepFailed`; nothing is
passed on half-converted. Of ``split``, the last part takes the rest; with ``missing: null`` a text with fewer parts
gives null for those that are missing, else it fails. ``attributes`` of ``emit`` is a list, or ``{new: old}``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from esviewer.catalogue.model import MISSING, UNSET, Operation, Step, version_of
from esviewer.catalogue.paths import parse
from esviewer.catalogue.steps import (
    CONVERSIONS,
    Change,
    Convert,
    Copy,
    Discard,
    Drop,
    Each,
    Emit,
    Express,
    Expression,
    Give,
    MapValues,
    Merge,
    Output,
    Path,
    Rename,
    SetType,
    Split,
    StepError,
)
from esviewer.domain import Value


def parse_steps(raw: Value) -> tuple[Step, ...]:
    """The steps that a file holds; raises :class:`StepError` with what to write instead."""
    if not isinstance(raw, list):
        raise StepError("steps are a list, such as [{rename: {old: new}}]")
    made = tuple(parse_step(one) for one in raw)
    for step in made[:-1]:
        if isinstance(step.operation, Emit):
            raise StepError("emit ends a list of steps: put the steps of each event into it")
    return made


def parse_step(raw: Value) -> Step:
    """One step; raises :class:`StepError`."""
    if isinstance(raw, str) and raw == "discard":
        raw = {"discard": True}
    if not isinstance(raw, dict) or len(raw) != 1:
        raise StepError(f"a step is one name with its arguments, such as {{drop: email}}, not {_short(raw)}")
    ((name, arguments),) = raw.items()
    name = {"remove": "drop", "set_type": "set-type"}.get(str(name), str(name))
    parser = _PARSERS.get(name)
    if parser is None:
        raise StepError(f"{name!r} is no step: there are {', '.join(sorted(_PARSERS))}")
    try:
        return Step(name, arguments, parser(arguments))
    except StepError as wrong:
        raise StepError(f"step {name}: {wrong}") from None


def _short(raw: Value) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else text[:57] + "…"


def _path(raw: Value) -> Path:
    if not isinstance(raw, str):
        raise StepError(f"{_short(raw)} is no name of an attribute")
    try:
        return parse(raw)
    except ValueError as wrong:
        raise StepError(str(wrong)) from None


def _object(raw: Value, example: str, needed: Sequence[str] = (), allowed: Sequence[str] = ()) -> dict[Any, Any]:
    if not isinstance(raw, dict) or not raw:
        raise StepError(f"write it as {example}")
    missing = [name for name in needed if name not in raw]
    if missing:
        raise StepError(f"{', '.join(missing)} is missing; write it as {example}")
    unknown = [str(name) for name in raw if needed and name not in (*needed, *allowed)]
    if unknown:
        raise StepError(f"{', '.join(unknown)} is not known here; write it as {example}")
    return raw


def _pairs(raw: Value, example: str) -> tuple[tuple[Path, Path], ...]:
    return tuple((_path(old), _path(new)) for old, new in _object(raw, example).items())


def _names(raw: Value, example: str) -> tuple[Path, ...]:
    listed = [raw] if isinstance(raw, str) else raw
    if not isinstance(listed, list) or not listed:
        raise StepError(f"write it as {example}")
    return tuple(map(_path, listed))


def _separator(raw: Value) -> str:
    if not isinstance(raw, str):
        raise StepError(f"{_short(raw)} is no text to join or cut at")
    return raw


def _convert(raw: Value) -> Operation:
    kinds = []
    for name, kind in _object(raw, "{convert: {price: int}}").items():
        settled = {"integer": "int", "boolean": "bool", "float": "number", "text": "string"}.get(kind, kind)
        if settled not in CONVERSIONS:
            raise StepError(f"{_short(kind)} is nothing to convert to: there are {', '.join(CONVERSIONS)}")
        kinds.append((_path(name), settled))
    return Convert(tuple(kinds))


def _map(raw: Value) -> Operation:
    example = "{map: {status: {open: OPEN}}}"
    given = _object(raw, example)
    if len(given) != 1:
        raise StepError(f"one attribute a step; write it as {example}")
    ((name, values),) = given.items()
    return MapValues(_path(name), tuple(_object(values, example).items()))


def _split(raw: Value) -> Operation:
    example = '{split: {attribute: name, into: [first, last], at: " "}}'
    given = _object(raw, example, ("attribute", "into"), ("at", "missing"))
    into = _names(given["into"], example)
    at = _separator(given.get("at", " "))
    if len(into) < 2 or not at:
        raise StepError(f"a text is cut into two or more at a text that is not empty; write it as {example}")
    return Split(_path(given["attribute"]), into, at, given.get("missing", MISSING))


def _merge(raw: Value) -> Operation:
    example = '{merge: {attributes: [first, last], into: name, with: " "}}'
    given = _object(raw, example, ("attributes", "into"), ("with",))
    return Merge(_names(given["attributes"], example), _path(given["into"]), _separator(given.get("with", " ")))


def _set_type(raw: Value) -> Operation:
    if not isinstance(raw, str) or not raw:
        raise StepError("write it as {set-type: OrderPlaced}")
    return SetType(raw)


def _express(raw: Value) -> Operation:
    pairs = _object(raw, "{expression: {city: address.city}}").items()
    return Express(tuple((_path(name), _expression(text)) for name, text in pairs))


def _expression(raw: Value) -> Expression:
    if not isinstance(raw, str):
        raise StepError(f"{_short(raw)} is no JMESPath expression")
    return Expression(raw)


def _each(raw: Value) -> Operation:
    given = _object(raw, "{each: {in: lines, steps: [{drop: note}]}}", ("in", "steps"))
    return Each(_path(given["in"]), _changes(given["steps"], "each"))


def _changes(raw: Value, where: str) -> tuple[Step, ...]:
    made = parse_steps(raw)
    for step in made:
        if not isinstance(step.operation, Change):
            raise StepError(f"{step.name} cannot stand inside {where}")
    return made


def _emit(raw: Value) -> Operation:
    if not isinstance(raw, list):
        raise StepError("write it as {emit: [{type: Moved, attributes: [street, city]}, {type: PhoneSet}]}")
    return Emit(tuple(map(_output, raw)))


def _output(raw: Value) -> Output:
    example = "{type: Moved, version: 1, attributes: [street, city], steps: [], when: street}"
    given = _object(raw, example, ("type",), ("version", "attributes", "steps", "when"))
    attributes = given.get("attributes")
    pairs: tuple[tuple[Path, Path], ...] | None = None
    if isinstance(attributes, dict):
        pairs = tuple((_path(new), _path(old)) for new, old in attributes.items())
    elif attributes is not None:
        pairs = tuple((path, path) for path in _names(attributes, example)) if attributes != [] else ()
    if not isinstance(given["type"], str):
        raise StepError(f"{_short(given['type'])} is no event type")
    try:
        version = version_of(given["version"]) if "version" in given else UNSET
    except ValueError as wrong:
        raise StepError(str(wrong)) from None
    when = _expression(given["when"]) if "when" in given else None
    return Output(given["type"], version, pairs, _changes(given.get("steps", []), "emit"), when)


def _discard(raw: Value) -> Operation:
    if raw is True or raw is None:
        return Discard(None)
    return Discard(_expression(_object(raw, "{discard: {when: test}}", ("when",))["when"]))


def _give(always: bool) -> Callable[[Value], Operation]:
    example = "{set: {currency: EUR}}" if always else "{default: {currency: EUR}}"

    def parser(raw: Value) -> Operation:
        return Give(tuple((_path(name), value) for name, value in _object(raw, example).items()), always)

    return parser


_PARSERS: Final[dict[str, Callable[[Value], Operation]]] = {
    "rename": lambda raw: Rename(_pairs(raw, "{rename: {old: new}}")),
    "default": _give(False),
    "set": _give(True),
    "drop": lambda raw: Drop(_names(raw, "{drop: [email, phone]}")),
    "copy": lambda raw: Copy(_pairs(raw, "{copy: {email: contact}}")),
    "convert": _convert,
    "map": _map,
    "split": _split,
    "merge": _merge,
    "set-type": _set_type,
    "expression": _express,
    "each": _each,
    "emit": _emit,
    "discard": _discard,
}
