"""Payloads on their way to Python upcasters and back, as MessagePack: exact, and nothing but values can arrive.

The catalogue sees the wrapped values of Python's eventsourcing as texts; code is given what they stand for. So both are
carried: a wrapped value with its kind, any number with all its digits. What user code sends is read by this alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import msgpack

from esviewer.projections.wrapped import WrappedText
from esviewer.stores.codecs import tagged

_INTEGER, _DECIMAL, _WRAPPED = 1, 2, 3
"""Kinds beside MessagePack's own: integers beyond 64 bits and decimals as texts, wrapped values as a kind and data."""
_MOST_DIGITS: Final = 100_000
"""Digits of a number; more take so long to be read that it must not happen in the window's process."""

Tag = Callable[[object], "tuple[str, object] | None"]


class NotAValue(ValueError):
    """Something that no payload can hold; the text says what, as part of a sentence."""


def tag(value: object) -> tuple[str, object] | None:
    """The kind and the data with which the library's built-in transcodings wrap a value; ``None`` for others."""
    if isinstance(value, UUID):
        return "uuid_hex", value.hex
    if isinstance(value, Decimal):
        return "decimal_str", str(value)
    return ("datetime_iso", value.isoformat()) if isinstance(value, datetime) else None


class Packing:
    """Packs values; ``wraps`` tells which are wrapped, none if it is not given. Not for several threads at once."""

    def __init__(self, wraps: Tag | None = None) -> None:
        self._wraps = wraps
        self._packer = self._new()
        self.was_marked = False
        """Whether the last value held texts that stand for values (:class:`WrappedText`)."""

    def pack(self, value: object) -> bytes:
        """The value; raises :class:`NotAValue`."""
        self.was_marked = False
        try:
            packed: bytes = self._packer.pack(value)
        except BaseException as failure:
            self._packer = self._new()
            if isinstance(failure, NotAValue):
                raise
            if isinstance(failure, ValueError | TypeError | OverflowError | UnicodeError):
                # Deeper than MessagePack's 511 levels, or larger than 4 GB.
                raise NotAValue("something that is nested too deep or too large") from None
            raise
        return packed

    def _new(self) -> Any:
        return msgpack.Packer(default=self._other, strict_types=True, unicode_errors="surrogatepass")

    def _other(self, value: object) -> object:
        kind = type(value)
        if isinstance(value, WrappedText):
            self.was_marked = True
            return self._wrapped(tag(value.value) or ("text", str(value)))
        if (named := self._wraps(value) if self._wraps is not None else None) is not None:
            return self._wrapped(named)
        if kind is int:
            return msgpack.ExtType(_INTEGER, f"{value:x}".encode())
        if isinstance(value, Decimal):
            return msgpack.ExtType(_DECIMAL, str(value).encode())
        for plain in (dict, list, tuple, str, bool, int, float):
            if isinstance(value, plain):
                return _plainly(plain, value)
        if isinstance(value, UUID | datetime | date | time):
            return str(value) if isinstance(value, UUID) else value.isoformat()
        if isinstance(value, bytearray | memoryview):
            return bytes(value)
        raise NotAValue(f"something of the type {kind.__name__[:60]}")

    def _wrapped(self, named: tuple[str, object]) -> object:
        return msgpack.ExtType(_WRAPPED, Packing(self._wraps).pack(list(named)))


def _plainly(kind: Any, value: Any) -> object:
    """What an object of a class derived from one of Python's own holds, without the methods of that class."""
    if kind in (list, tuple):
        return list(kind.__iter__(value))
    if kind is dict:
        return dict(dict.items(value))
    return str.__str__(value) if kind is str else kind.__add__(value, kind(0)) if kind is not bool else value


def unpack(packed: bytes, wrapped: Callable[[str, object], object]) -> Any:
    """The value; ``wrapped`` gives what stands for a wrapped one. Raises ``ValueError`` for what is none."""

    def other(code: int, data: bytes) -> object:
        if code == _WRAPPED:
            name, inner = unpack(data, wrapped)
            return wrapped(str(name), inner)
        if code not in (_INTEGER, _DECIMAL) or len(data) > _MOST_DIGITS:
            raise ValueError("there is no such kind of value")
        return int(data, 16) if code == _INTEGER else Decimal(data.decode("ascii"))

    try:
        return msgpack.unpackb(packed, ext_hook=other, strict_map_key=False, unicode_errors="surrogatepass")
    except (ValueError, TypeError, ArithmeticError, RecursionError, msgpack.exceptions.UnpackException) as failure:
        raise ValueError(f"{type(failure).__name__}") from None


def as_seen(name: str, data: object) -> object:
    """A wrapped value as the catalogue sees it: its text, else an object of the kind and the data."""
    if name == "text":
        return data
    return tagged.untag({"_type_": name, "_data_": data})


def as_python(name: str, data: object) -> object:
    """A wrapped value as handlers and functions are given it."""
    return data if name == "text" else tagged.python_values({"_type_": name, "_data_": data})


def as_marked(name: str, data: object) -> object:
    """A wrapped value as its text, which remembers what it stands for."""
    seen, value = as_seen(name, data), as_python(name, data)
    return WrappedText.of(seen, value) if isinstance(seen, str) and not isinstance(value, str | dict) else seen
