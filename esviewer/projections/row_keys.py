"""What keys of rows mean, whatever a database makes of them: ids in any spelling, numbers as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from esviewer.projections.definition import RowKey


@dataclass(frozen=True, slots=True)
class Spelled:
    """What a key means and how it is spelled, where one side has several keys that mean the same."""

    place: Any
    spelling: Any
    key: RowKey = field(compare=False)


class Places:
    """Which rows of several sides belong together: those whose keys mean the same.

    Where one side has several keys of one meaning, as 7 and "7", these stay rows of their own, and belong to what is
    spelled alike. ``meaning`` gives equal values for keys that mean the same.
    """

    def __init__(self, *sides: Iterable[RowKey], meaning: Callable[[RowKey], Any] | None = None) -> None:
        self._meaning = meaning or place_of
        self._shared: set[Any] = set()
        for side in sides:
            seen: set[Any] = set()
            for key in side:
                place = self._meaning(key)
                (self._shared if place in seen else seen).add(place)

    def of(self, key: RowKey) -> Any:
        """Where a row belongs."""
        place = self._meaning(key)
        return Spelled(place, _spelling(key), key) if place in self._shared else place

    def keys(self, side: Iterable[RowKey]) -> dict[Any, RowKey]:
        """The keys of a side by where they belong."""
        return {self.of(key): key for key in side}


def _spelling(key: RowKey) -> Any:
    """The kind of a key, and its very text if it is one: numbers of any kind are alike, and so are ids."""
    if isinstance(key, tuple):
        return tuple(map(_spelling, key))
    if isinstance(key, bool) or not isinstance(key, int | float | Decimal):
        return type(key).__name__, None if isinstance(key, UUID) else key
    return "number", None


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
