"""The values that Python's eventsourcing library wraps, unwrapped.

Its JSONTranscoder writes what JSON has no type for as an object of exactly two keys, ``_type_`` and ``_data_``
(eventsourcing/persistence.py, 9.0.3 to 9.5.6). Built in are ``uuid_hex``, ``decimal_str`` and ``datetime_iso``.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, SafeUUID

MARK = b'"_type_"'
"""What is in the JSON text of every wrapped value."""

_HEX_32 = re.compile("[0-9a-fA-F]{32}").fullmatch


def untag(value: object) -> object:
    """``value`` with wrapped UUIDs dashed, and decimals and datetimes as their texts; other tags stay objects.

    Nothing is changed in place. What holds no wrapped value is returned as the same object.
    """
    kind = value.__class__
    if kind is dict:
        return _untag_dict(value)  # type: ignore[arg-type]
    if kind is list:
        return _untag_list(value)  # type: ignore[arg-type]
    return value


def _untag_dict(value: dict[object, object]) -> object:
    if len(value) == 2 and "_type_" in value and (text := _wrapped(value)) is not None:
        return text
    changed = value
    new: object
    for key, item in value.items():
        kind = item.__class__
        if kind is str or kind is int or item is None:
            continue
        if kind is dict:
            # The commonest kinds at once: a call for each takes as long as all the rest.
            if (
                len(item) == 2  # type: ignore[arg-type]
                and item.get("_type_") in ("datetime_iso", "decimal_str")  # type: ignore[attr-defined]
                and item.get("_data_").__class__ is str  # type: ignore[attr-defined]
            ):
                new = item["_data_"]  # type: ignore[index]
            else:
                new = _untag_dict(item)  # type: ignore[arg-type]
        elif kind is list:
            new = _untag_list(item)  # type: ignore[arg-type]
        else:
            continue
        if new is not item:
            if changed is value:
                changed = value.copy()
            changed[key] = new
    return changed


def _wrapped(value: dict[object, object]) -> str | None:
    """The text of a wrapped value, ``None`` if it is none, or of a kind that is not unwrapped."""
    data = value.get("_data_")
    if isinstance(data, str):
        kind = value["_type_"]
        if kind == "datetime_iso" or kind == "decimal_str":
            return data
        if kind == "uuid_hex" and _HEX_32(data):
            text = data.lower()
            return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    return None


def _untag_list(value: list[object]) -> list[object]:
    changed = value
    for index, item in enumerate(value):
        new = untag(item)
        if new is not item:
            if changed is value:
                changed = value.copy()
            changed[index] = new
    return changed


def python_values(value: object) -> object:
    """``value`` with wrapped UUIDs, decimals and datetimes as Python's own; what :func:`untag` leaves stays an object.

    Changes dicts and lists in place. A text that is no decimal or time is that text, as it is to :func:`untag`.
    """
    kind = value.__class__
    if kind is dict:
        if len(value) == 2 and "_type_" in value:  # type: ignore[arg-type,operator]
            return python_value(value)  # type: ignore[arg-type]
        for key, item in value.items():  # type: ignore[attr-defined]
            kind = item.__class__
            if kind is dict:
                # The values of an object within are looked at here: most objects are small, and a call costs as much.
                if len(item) == 2 and "_type_" in item:
                    value[key] = python_value(item)  # type: ignore[index]
                elif not _SIMPLE.issuperset(map(type, item.values())):
                    python_values(item)
            elif kind is list and not _SIMPLE.issuperset(map(type, item)):
                python_values(item)
    elif kind is list:
        value[:] = [python_values(item) for item in value]  # type: ignore[index,attr-defined]
    return value


_SIMPLE = frozenset({str, int, float, bool, type(None)})


class Wrapped:
    """Where payloads of one type hold wrapped values, learnt from those that came: most are alike.

    Looking only there costs half of looking everywhere. That nothing is missed is known by the marks in the text.
    """

    __slots__ = ("_lessons", "_names")

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._lessons = _LESSONS

    def unwrap(self, data: dict[str, Any], marks: int) -> None:
        """As :func:`python_values` for an object whose text has so many marks."""
        for name in self._names:
            item = data.get(name)
            if item.__class__ is dict and len(item) == 2 and "_type_" in item:
                data[name] = python_value(item)
                marks -= 1
        if marks:
            if self._lessons:
                self._learn(data)
            python_values(data)

    def _learn(self, data: dict[str, Any]) -> None:
        found = (name for name, item in data.items() if item.__class__ is dict and item.keys() == {"_type_", "_data_"})
        self._names = tuple(dict.fromkeys((*self._names, *found)))
        self._lessons -= 1


_LESSONS = 8
"""Payloads of a type that are learnt from; those that hold wrapped values deeper down teach nothing."""


def _uuid(text: str) -> UUID:
    """As ``UUID(text)`` for 32 digits, in half the time."""
    made = _new(UUID)
    _set_int(made, int(text, 16))
    _set_safe(made, _UNKNOWN)
    return made


# UUID refuses assignments; its slots do not (uuid.py of CPython, 3.8 and later).
_set_int = UUID.__dict__["int"].__set__
_set_safe = UUID.__dict__["is_safe"].__set__
_new = object.__new__
_UNKNOWN = SafeUUID.unknown


def python_value(value: dict[str, object]) -> object:
    """What an object of two keys, one of them ``_type_``, stands for; itself where that is nothing that is known."""
    text = value.get("_data_")
    if isinstance(text, str):
        kind = value["_type_"]
        try:
            if kind == "decimal_str":
                return Decimal(text)
            if kind == "datetime_iso":
                return datetime.fromisoformat(text)
        except (ValueError, InvalidOperation):
            return text
        if kind == "uuid_hex" and _HEX_32(text):
            return _uuid(text)
    for key, item in value.items():
        value[key] = python_values(item)
    return value
