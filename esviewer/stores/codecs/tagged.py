"""The values that Python's eventsourcing library wraps, unwrapped.

Its JSONTranscoder writes what JSON has no type for as an object of exactly two keys, ``_type_`` and ``_data_``
(eventsourcing/persistence.py, 9.0.3 to 9.5.6). Built in are ``uuid_hex``, ``decimal_str`` and ``datetime_iso``.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

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
    """``value`` with wrapped UUIDs, decimals and datetimes as Python's own; what else is wrapped stays an object.

    Changes dicts and lists in place. What cannot be read as what it says it is stays an object, too.
    """
    kind = value.__class__
    if kind is dict:
        if len(value) == 2 and "_type_" in value:  # type: ignore[arg-type,operator]
            return _python_value(value)  # type: ignore[arg-type]
        for key, item in value.items():  # type: ignore[attr-defined]
            kind = item.__class__
            if kind is dict or kind is list:
                value[key] = python_values(item)  # type: ignore[index]
    elif kind is list:
        value[:] = [python_values(item) for item in value]  # type: ignore[index,attr-defined]
    return value


def _python_value(value: dict[str, object]) -> object:
    text = value.get("_data_")
    if isinstance(text, str):
        try:
            match value["_type_"]:
                case "decimal_str":
                    return Decimal(text)
                case "datetime_iso":
                    return datetime.fromisoformat(text)
                case "uuid_hex":
                    return UUID(text)
        except (ValueError, InvalidOperation):
            return value
    if "_data_" in value:
        value["_data_"] = python_values(text)
    return value
