"""When two values of rows are the same, by the rules for comparing projections.

Numbers are compared as decimals, times as instants, objects whatever the order of their keys, lists in theirs, sets
without. ``True`` is not 1, and nothing is not ``None``. A text that stands for a decimal, an id or a time is the same
as that value, since that is how it leaves the tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from esviewer.projections.paths import MISSING

_PLAIN: Final = frozenset({str, int, type(None), Decimal, float, UUID})
"""Kinds of which equal values are the same."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def rows_are_same(left: Any, right: Any) -> bool:
    """Whether two rows are the same; either may be :data:`MISSING`, or no row at all. Fast where they are equal."""
    if left is MISSING or right is MISSING:
        return left is right
    if left.__class__ is dict is right.__class__ and left == right:
        kinds = {*map(type, left.values()), *map(type, right.values())}
        if kinds <= _PLAIN:
            return True
    return are_same(left, right)


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """The columns in which two rows differ, in the order of the left one, then those that only the right one has."""
    names = [*left, *(name for name in right if name not in left)]
    return [name for name in names if not are_same(left.get(name, MISSING), right.get(name, MISSING))]


def are_same(left: Any, right: Any) -> bool:
    """Whether two values are the same."""
    if left is right:
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return isinstance(left, bool) and isinstance(right, bool) and left == right
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return _numbers_are_same(left, right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(are_same(value, right[key]) for key, value in left.items())
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(are_same, left, right))
    if isinstance(left, Set) and isinstance(right, Set):
        return left == right
    return left == right or _texts_are_same(left, right)


def _numbers_are_same(left: Any, right: Any) -> bool:
    if left == right:
        return True
    if left != left and right != right:
        return True
    if isinstance(left, float) or isinstance(right, float):
        # A float is the decimal it is written as.
        return Decimal(str(left)) == Decimal(str(right))
    return False


def _texts_are_same(left: Any, right: Any) -> bool:
    """Whether two values are the same where a text stands for one or both."""
    if isinstance(left, UUID) or isinstance(right, UUID):
        return str(left) == str(right)
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        try:
            return Decimal(str(left)) == Decimal(str(right))
        except InvalidOperation:
            return False
    first, second = _instant(left), _instant(right)
    return first is not None and first == second


def _instant(value: Any) -> datetime | None:
    if isinstance(value, str) and _TIME.match(value):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        try:
            return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except OverflowError:
            return None
    return None
