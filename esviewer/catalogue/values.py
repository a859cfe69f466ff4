"""Payload values as keys: whether two are the same, to the last leaf."""

from __future__ import annotations

from collections.abc import Hashable

from esviewer.domain import Value


def frozen(value: Value) -> Hashable:
    """A hashable stand-in, equal where the values are the same: the order of names does not count, true is not 1."""
    kind = value.__class__
    if kind is str or kind is int or value is None:
        return value
    if isinstance(value, dict):
        return ("{}", frozenset((str(name), frozen(inner)) for name, inner in value.items()))
    if isinstance(value, list | tuple):
        return ("[]", *map(frozen, value))
    if isinstance(value, float) and value != value:
        return ("nan",)
    return (kind.__name__, value)


def is_same(left: Value, right: Value) -> bool:
    """Whether two values are the same: 1 is not 1.0 and not true, a NaN is itself."""
    return frozen(left) == frozen(right)
