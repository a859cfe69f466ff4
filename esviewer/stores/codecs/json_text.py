"""JSON read and written without bending anything.

orjson is fast and bends silently: integers beyond 64 bits and long decimals become rounded floats, a key that occurs
twice is dropped, NaN and lone surrogates are refused (orjson 3.13, tried). So its reading is trusted only where it is
proven: a value that orjson writes back as the very text that was read has lost nothing.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from numbers import Integral
from typing import NoReturn, TypeAlias
from uuid import UUID

import orjson

from esviewer.stores.codecs.exact_numbers import exact_float, exact_int, int_text
from esviewer.stores.codecs.limits import TOO_DEEP, Repeated, check_depth

Loaded: TypeAlias = tuple[object, tuple[str, ...]]

_BOM = b"\xef\xbb\xbf"

_orjson_loads = orjson.loads
_orjson_dumps = orjson.dumps


def loads(raw: bytes | str) -> Loaded:
    """The value that JSON text holds, exactly, and notes for people; raises ValueError with a short reason.

    Integers of any size are int. A decimal that a float would bend is a Decimal. NaN and the infinities are floats,
    lone surrogates stay in the text. Of a key that occurs twice the last value counts, and a note says so. A byte
    order mark is accepted. Objects and arrays nested deeper than ``limits.MAX_DEPTH`` are refused.
    """
    try:
        value = _orjson_loads(raw)
        written = _orjson_dumps(value)
    except (ValueError, TypeError):  # not plain JSON, or too deep for orjson
        return _loads_other(raw)
    if written == raw or _is_faithful(raw, written):
        return value, ()
    return _loads_exact(raw)


def _is_faithful(raw: bytes | str, written: bytes) -> bool:
    """Whether orjson's reading of ``raw``, ``written`` again, is the same text but for spaces, as jsonb has them.

    orjson reads strings right, and outside of strings a space says nothing in valid JSON: texts that agree without
    spaces have the same keys and the same numbers. Text with escapes or floats of another spelling is left to the exact
    decoder: telling the harmless ones (by runs of digits, by counting keys) costs about as much as decoding them.
    """
    data = raw if isinstance(raw, bytes) else raw.encode()
    return data.replace(b" ", b"") == written.replace(b" ", b"")


def _loads_other(raw: bytes | str) -> Loaded:
    """As ``loads``, for what orjson refuses: a byte order mark, or the exact decoder must say what it is."""
    mark = _BOM if isinstance(raw, bytes) else "\ufeff"
    if raw.startswith(mark):  # type: ignore[arg-type]
        raw = raw[len(mark) :]
        if not raw.startswith(mark):  # type: ignore[arg-type]
            return loads(raw)
    value, notes = _loads_exact(raw)
    check_depth(value)
    return value, notes


class _Repetition(Exception):
    """A key occurs twice in one object."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise _Repetition
    return built


# One decoder for all: making one takes a third of the time of reading 300 bytes.
_EXACT = json.JSONDecoder(object_pairs_hook=_unique, parse_int=exact_int, parse_float=exact_float)


def _loads_exact(raw: bytes | str) -> Loaded:
    """As ``loads`` without a look at depth, by the standard library's decoder: some five times slower than orjson."""
    try:
        text = raw.decode() if isinstance(raw, bytes) else raw
        try:
            return _EXACT.decode(text), ()
        except _Repetition:
            return _loads_repeated(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise ValueError(_reason(error)) from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def _loads_repeated(text: str) -> Loaded:
    repeated = Repeated()
    decoder = json.JSONDecoder(object_pairs_hook=repeated.build, parse_int=exact_int, parse_float=exact_float)
    return decoder.decode(text), repeated.notes()


def _reason(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "empty"
    if error.pos >= len(error.doc) or error.msg.startswith("Unterminated"):
        return f"JSON that is cut off after {len(error.doc)} characters"
    what = error.msg[0].lower() + error.msg[1:]
    return f"not JSON: {what.removesuffix(' at')} at character {error.pos}"


def dumps(value: object, *, pretty: bool = False, sort_keys: bool = True) -> bytes:
    """JSON as UTF-8, compact or indented by two spaces; the one writer of the whole tool.

    Integers of any size are JSON integers, Decimals their text, floats that are no number ``"NaN"``, ``"Infinity"``
    and ``"-Infinity"``, bytes ``{"base64": …}``, tuples and sets arrays, dates and times ISO texts, UUIDs dashed,
    keys text. Lone surrogates are written as escapes. Raises TypeError for what has no such form, ValueError for
    values that contain themselves or are nested too deep.
    """
    option = _OPTION
    if sort_keys:
        option |= orjson.OPT_SORT_KEYS
    if pretty:
        option |= orjson.OPT_INDENT_2
    try:
        written = _orjson_dumps(value, default=_spelled, option=option)
    except TypeError:
        return _dumps_exact(value, option)
    # orjson writes floats that are no number as null.
    if b"null" in written and _has_no_number(value):
        return _dumps_exact(value, option)
    return written


# Enums and subclasses of str, int, dict and list go through as their values; the rest is ours.
_OPTION = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _spelled(value: object) -> str:
    """The text of what orjson does not know and rows are full of, as :class:`_Writer` has it."""
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else _refuse(value)


def _refuse(value: object) -> NoReturn:
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _has_no_number(value: object) -> bool:
    """Whether a NaN or an infinity stands in a value that orjson wrote: one without cycles, at most 254 deep."""
    if isinstance(value, float):
        return value - value != 0.0
    if isinstance(value, dict):
        value = value.values()
    elif isinstance(value, Enum):
        return _has_no_number(value.value)
    elif not isinstance(value, (list, tuple)):
        return False
    for item in value:
        kind = item.__class__
        if kind is str or kind is int or item is None:
            continue
        if _has_no_number(item):
            return True
    return False


def _dumps_exact(value: object, option: int) -> bytes:
    try:
        return _Writer(option).text(value)
    except RecursionError:
        raise ValueError("the value contains itself, or is nested too deep to be written") from None


class _Writer:
    """Turns a value into what orjson writes as wanted, with ready text where orjson refuses. Same text."""

    _CHUNK = 200
    """Levels after which a part is written on its own, since orjson goes no deeper than 254."""

    def __init__(self, option: int) -> None:
        self._option = option

    def text(self, value: object) -> bytes:
        return _orjson_dumps(self._plain(value, 0), option=self._option)

    def _plain(self, value: object, depth: int) -> object:
        """``value`` in orjson's terms. ``depth`` is that within the text being written, for indentation."""
        if value is None or value is True or value is False:
            return value
        if isinstance(value, Enum):
            return self._plain(value.value, depth)
        if isinstance(value, str):
            return _plain_text(str(value))
        if isinstance(value, Integral):
            number = int(value)
            return number if -(2**63) <= number < 2**64 else orjson.Fragment(int_text(number))
        if isinstance(value, float):
            return _plain_float(float(value))
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._plain_container(value, depth)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return {"base64": base64.b64encode(value).decode()}
        if isinstance(value, (date, time)):
            return value.isoformat()
        if isinstance(value, (Decimal, UUID)):
            return str(value)
        _refuse(value)

    def _plain_container(
        self,
        value: Mapping[object, object] | list[object] | tuple[object, ...] | set[object] | frozenset[object],
        depth: int,
    ) -> object:
        if depth == self._CHUNK:
            return self._fragment(self.text(value), depth)
        if isinstance(value, Mapping):
            return self._plain_object(value, depth)
        if isinstance(value, (set, frozenset)):
            value = sorted(value, key=_Writer(orjson.OPT_SORT_KEYS | _OPTION).text)
        return [self._plain(item, depth + 1) for item in value]

    def _plain_object(self, value: Mapping[object, object], depth: int) -> object:
        named: dict[str, object] = {key: item for key, item in value.items() if isinstance(key, str)}
        if len(named) != len(value):
            named = _with_text_keys(value)
        if all(_is_utf8(key) for key in named):
            return {str(key): self._plain(item, depth + 1) for key, item in named.items()}
        return self._fragment(self._object_text(named), depth)

    def _object_text(self, named: dict[str, object]) -> bytes:
        """An object with keys that orjson refuses, written by hand."""
        keys = sorted(named) if self._option & orjson.OPT_SORT_KEYS else list(named)
        texts = [(_key_text(key), self.text(named[key])) for key in keys]
        if not self._option & orjson.OPT_INDENT_2:
            return b"{" + b",".join(key + b":" + text for key, text in texts) + b"}"
        lines = [b"  " + key + b": " + text.replace(b"\n", b"\n  ") for key, text in texts]
        return b"{\n" + b",\n".join(lines) + b"\n}"

    def _fragment(self, text: bytes, depth: int) -> orjson.Fragment:
        # Text of JSON holds line ends only as layout, so that moving it to the right is a replacement.
        return orjson.Fragment(text.replace(b"\n", b"\n" + b"  " * depth))


def _plain_float(value: float) -> float | str:
    if value - value == 0.0:
        return value
    if value != value:
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _plain_text(text: str) -> object:
    return text if _is_utf8(text) else orjson.Fragment(_key_text(text))


def _key_text(text: str) -> bytes:
    """A JSON string in which lone surrogates are escapes; everything else is as orjson writes it."""
    pieces = re.split("([\ud800-\udfff])", text)
    return (
        b'"'
        + b"".join(
            f"\\u{ord(piece):04x}".encode() if index % 2 else _orjson_dumps(piece)[1:-1]
            for index, piece in enumerate(pieces)
        )
        + b'"'
    )


def _with_text_keys(value: Mapping[object, object]) -> dict[str, object]:
    """The same items with text as keys; where two become one, the second one's type is added: ``1 (int)``."""
    named: dict[str, object] = {str(key): item for key, item in value.items() if isinstance(key, str)}
    for key, item in value.items():
        if isinstance(key, str):
            continue
        name = _name_of_key(key)
        if name in named:
            name = f"{name} ({type(key).__name__})"
        named[name] = item
    return named


def _name_of_key(key: object) -> str:
    if key is None or isinstance(key, bool):
        return _orjson_dumps(key).decode()
    if isinstance(key, Enum):
        return _name_of_key(key.value)
    if isinstance(key, Integral):
        return int_text(int(key))
    if isinstance(key, (date, time)):
        return key.isoformat()
    if isinstance(key, bytes):
        return base64.b64encode(key).decode() if not _is_utf8_bytes(key) else key.decode()
    return str(key)


def _is_utf8_bytes(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
