"""Payload values as keys: whether two are the same, to the last leaf."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator
from decimal import Decimal

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


def digest(values: Iterable[Value]) -> int:
    """64 bits that stand for some values together: the same where all are the same, as :func:`is_same` has it.

    Python's own hashes do not do: those of -1 and -2 are one.
    """
    written = "".join(part for value in values for part in _written(value))
    return int.from_bytes(hashlib.blake2b(written.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def _written(value: Value) -> Iterator[str]:
    """A value as text in parts of which each says where it ends."""
    kind = value.__class__
    if isinstance(value, str) and kind is str:
        yield f"s{len(value)}:{value}"
    elif kind is int:
        # Not in tens: Python writes no number of more than 4 300 digits.
        yield f"i{value:x};"
    elif value is None:
        yield "n;"
    elif isinstance(value, dict):
        yield f"{{{len(value)};"
        yield from sorted("".join((*_written(str(name)), *_written(inner))) for name, inner in value.items())
    elif isinstance(value, list | tuple):
        yield f"[{len(value)};"
        for inner in value:
            yield from _written(inner)
    else:
        text = _plain(value)
        yield f"{kind.__name__} {len(text)}:{text}"


def _plain(value: Value) -> str:
    """A single value as text, equal numbers alike: 0.0 and -0.0, the decimals 1.0 and 1.00."""
    if isinstance(value, float):
        return repr(value + 0.0)
    if isinstance(value, Decimal) and value.is_finite():
        sign, digits, exponent = value.as_tuple()
        significant = "".join(map(str, digits)).strip("0")
        if not significant:
            return "0"
        trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
        return f"{sign}:{significant}e{int(exponent) + trailing}"
    return repr(value)
