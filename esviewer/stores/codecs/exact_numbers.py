"""Numbers as they were written: integers of any size, and decimals that a float would bend."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

MAX_DIGITS = 100_000
"""Longer integers are refused: converting them takes seconds."""

_ALWAYS_EXACT = 15  # a double holds every decimal of up to 15 significant digits (and a two-digit exponent)
_PLAIN_INT = 4_300  # Python's own limit for int(text), a global that is better left alone


def exact_int(text: str) -> int:
    """The integer that decimal digits say, with an optional sign; raises ValueError beyond ``MAX_DIGITS`` digits.

    Long ones take the way over Decimal, which does not know Python's process-wide limit on int(text).
    """
    if len(text) <= _PLAIN_INT:
        return int(text)
    if len(text) > MAX_DIGITS + 1:
        raise ValueError(f"an integer of {len(text):,} digits, more than {MAX_DIGITS:,}")
    return int(Decimal(text))


def int_text(value: int) -> str:
    """The decimal digits of an integer of any size."""
    if -(10**_ALWAYS_EXACT) < value < 10**_ALWAYS_EXACT:
        return str(value)
    return format(Decimal(value), "f")


def exact_float(text: str) -> float | Decimal:
    """A float where its shortest form is the same number as ``text``, else a Decimal; raises ValueError.

    ``text`` is a JSON number, or what Python's float() and Decimal() both read.
    """
    number = float(text)
    if len(text) <= _ALWAYS_EXACT and "e" not in text and "E" not in text:
        return number
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise ValueError("a number whose exponent is out of range") from None
    return number if Decimal(repr(number)) == exact else exact
