"""What keys of rows mean, whatever a database makes of them: ids in any spelling, numbers as text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from esviewer.projections.definition import RowKey


def by_place(keys: Iterable[RowKey]) -> dict[Any, RowKey]:
    """Keys by what they mean."""
    found: dict[Any, RowKey] = {}
    for key in keys:
        place = place_of(key)
        # Two keys that mean the same, as 7 and "7", stay two rows.
        found[(type(key).__name__, place) if place in found else place] = key
    return found


def place_of(key: RowKey) -> Any:
    """What a key means; keys that mean the same are equal."""
    if isinstance(key, tuple):
        return tuple(map(place_of, key))
    known = id_of(key)
    if known is not None:
        return str(known)
    if isinstance(key, Decimal) and key == key.to_integral_value():
        return str(int(key))
    if isinstance(key, date | time):
        return key.isoformat()
    return str(key) if isinstance(key, int | float | Decimal) and not isinstance(key, bool) else key


def id_of(value: Any) -> UUID | None:
    """The id that a value is, in any spelling, else ``None``."""
    if isinstance(value, UUID):
        return value
    try:
        if isinstance(value, bytes) and len(value) == 16:
            return UUID(bytes=value)
        return UUID(value) if isinstance(value, str) and len(value) in (32, 36) else None
    except ValueError:
        return None
