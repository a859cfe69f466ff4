"""YAML as Ruby's Psych writes it, read as plain data: no object is ever constructed.

Rails Event Store keeps payloads so (ruby_event_store/lib/ruby_event_store/serializers/yaml.rb, 3.0.0): symbols as keys,
tags such as ``!ruby/object:BigDecimal``. Reading goes over PyYAML's events, not its nodes: so depth and the growth by
aliases are bounded before anything is built, and PyYAML's composer, which recurses in C, is not involved.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from esviewer.stores.codecs.exact_numbers import exact_float, exact_int
from esviewer.stores.codecs.json_text import dumps
from esviewer.stores.codecs.limits import MAX_DEPTH, TOO_DEEP, Repeated, depth_of, shortened

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_STANDARD = "tag:yaml.org,2002:"
_ALIAS_GROWTH = 100_000
"""Values that aliases may add to a payload."""

_TIME = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?[ \t]*(Z|[-+]\d\d?(?::?\d\d)?)?)?"
)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_NO_NUMBERS = {".inf": "inf", "+.inf": "inf", "-.inf": "-inf", ".nan": "nan"}


def loads(raw: bytes | str) -> tuple[object, tuple[str, ...]]:
    """The one document's value and notes; raises ValueError with a short reason.

    Symbols are text without their colon, times ISO texts, BigDecimal is Decimal, sets are arrays, ActiveSupport's times
    with zone are their UTC time. Other tags leave plain objects, arrays and texts, and a note.
    """
    try:
        loader = _Loader(raw)
        try:
            return _Reader(loader, len(raw) + _ALIAS_GROWTH).document()
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise ValueError(f"not valid UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise ValueError("text with lone surrogates, which YAML does not allow") from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    except yaml.reader.ReaderError as error:
        raise ValueError(f"not YAML: a character that is not allowed at {error.position}") from None
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in (error.problem or ""):
            # libyaml 0.2.6, which PyYAML 6.0.4 brings, counts for itself.
            raise ValueError(TOO_DEEP) from None
        where = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"not YAML: {error.problem or error.context}{where}") from None
    except yaml.YAMLError:
        raise ValueError("not YAML") from None


@dataclass(frozen=True, slots=True)
class _Anchored:
    value: object
    size: int
    depth: int


def _copy(value: object) -> object:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return value


class _Reader:
    def __init__(self, loader: Any, budget: int) -> None:
        self._loader = loader
        self._next: Callable[[], Any] = loader.get_event
        self._budget = budget
        self._count = 0
        self._anchors: dict[str, _Anchored] = {}
        self._repeated = Repeated()
        self._foreign: dict[str, None] = {}

    def document(self) -> tuple[object, tuple[str, ...]]:
        self._next()  # start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            raise ValueError("empty")
        value = self._value(self._next(), 0)
        self._next()  # end of the document
        if not isinstance(self._next(), yaml.StreamEndEvent):
            raise ValueError("several YAML documents in one payload")
        foreign = [f"{tag} is shown as plain data" for tag in self._foreign]
        return value, (*self._repeated.notes(), *shortened(foreign))

    def _value(self, event: Any, depth: int) -> object:
        self._spend(1)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), depth)
        before = self._count
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif depth >= MAX_DEPTH:
            raise ValueError(TOO_DEEP)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(event, depth)
        else:
            value = self._mapping(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchored(value, self._count - before + 1, depth_of(value))
        return value

    def _spend(self, values: int) -> None:
        self._count += values
        if self._count > self._budget:
            raise ValueError("YAML aliases that repeat too much")

    def _alias(self, anchor: str, depth: int) -> object:
        if anchor not in self._anchors:
            raise ValueError(f"YAML alias *{anchor[:40]} stands before or inside of what it names")
        anchored = self._anchors[anchor]
        self._spend(anchored.size)
        if depth + anchored.depth > MAX_DEPTH:
            raise ValueError(TOO_DEEP)
        # A value of its own: who folds events may change one place and must not see it in another.
        return _copy(anchored.value)

    def _sequence(self, event: Any, depth: int) -> object:
        items: list[object] = []
        while not isinstance(inner := self._next(), yaml.SequenceEndEvent):
            items.append(self._value(inner, depth + 1))
        self._note_tag(event.tag, _PLAIN_SEQUENCES)
        return items

    def _mapping(self, event: Any, depth: int) -> object:
        pairs: list[tuple[object, object]] = []
        merged: list[tuple[object, object]] = []
        while not isinstance(inner := self._next(), yaml.MappingEndEvent):
            is_merge = isinstance(inner, yaml.ScalarEvent) and inner.value == "<<" and inner.implicit[0]
            key = self._value(inner, depth + 1)
            value = self._value(self._next(), depth + 1)
            if is_merge and (items := _merge_items(value)) is not None:
                merged.extend(items)
            else:
                pairs.append((_as_key(key), value))
        built = self._repeated.build(pairs)
        for key, value in merged:
            built.setdefault(key, value)
        return self._object(event.tag, built)

    def _object(self, tag: str | None, built: dict[object, object]) -> object:
        if tag is None:
            return built
        if tag == "!ruby/object:ActiveSupport::TimeWithZone" and isinstance(
            time := built.get("utc", built.get("time")), str
        ):
            return time
        if tag == "!ruby/object:Set" and isinstance(members := built.get("hash"), dict):
            return list(members)
        if tag in (_STANDARD + "set", "!ruby/set"):
            return list(built)
        if tag.startswith("!ruby/hash-with-ivars") and isinstance(built.get("elements"), dict):
            return built["elements"]
        self._note_tag(tag, _PLAIN_MAPPINGS)
        return built

    def _note_tag(self, tag: str | None, known: tuple[str, ...]) -> None:
        if tag is not None and not tag.startswith(known):
            self._foreign[tag[:60]] = None

    def _scalar(self, event: Any) -> object:
        text: str = event.value
        tag: str | None = event.tag
        if tag is None or tag == "!":
            if tag == "!" or not event.implicit[0]:
                return text
            tag = self._loader.resolve(yaml.ScalarNode, text, (True, False))
            if tag == _STANDARD + "str":
                return _symbol(text) if text[:1] == ":" and len(text) > 1 else text
        read = _SCALARS.get(tag or "")
        if read is not None:
            try:
                return read(text)
            except (ValueError, IndexError):  # a tag that does not fit, or more digits than are converted
                return text
        self._note_tag(tag, _PLAIN_SCALARS)
        return text


# Tags that say no more than the plain value does.
_PLAIN_SEQUENCES = (_STANDARD, "!ruby/array:")
_PLAIN_MAPPINGS = (_STANDARD, "!ruby/hash:", "!map:")
_PLAIN_SCALARS = (_STANDARD, "!ruby/string:", "!ruby/regexp", "!ruby/class", "!ruby/module", "!str")


def _merge_items(value: object) -> list[tuple[object, object]] | None:
    """The pairs that ``<<: value`` brings in, or None where that is an ordinary key."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return [pair for item in value for pair in item.items()]
    return None


def _as_key(key: object) -> object:
    return dumps(key).decode() if isinstance(key, (dict, list)) else key


def _symbol(text: str) -> str:
    """``:a`` and ``:"a b"`` without their marks (psych/scalar_scanner.rb, Psych 5)."""
    name = text[1:]
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        return name[1:-1]
    return name


def _time(text: str) -> str:
    """ISO 8601 with the offset as written; digits beyond microseconds are kept where they are not zero."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return text
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    iso = f"{year}-{month:0>2}-{day:0>2}"
    if hour is None:
        return iso
    iso += f"T{hour:0>2}:{minute}:{second}"
    digits = (fraction or "").rstrip("0")
    if digits:
        iso += f".{digits:0<6}"
    if zone is None:
        return iso
    if zone == "Z":
        return iso + "+00:00"
    hours, minutes = zone[1:].replace(":", "")[:-2], zone[-2:]
    if len(zone) <= 3:
        hours, minutes = zone[1:], "00"
    return f"{iso}{zone[0]}{hours:0>2}:{minutes}"


def _int(text: str) -> int:
    digits = text.replace("_", "").replace(",", "")
    if _INT.fullmatch(digits):
        return exact_int(digits)
    sign = -1 if digits[0] == "-" else 1
    bare = digits.lstrip("+-").lower()
    if ":" in bare:
        value = 0
        for part in bare.split(":"):
            value = value * 60 + int(part)
        return sign * value
    if bare.startswith(("0b", "0x")):
        return sign * int(bare, 0)
    return sign * int(bare, 8)


def _float(text: str) -> float | Decimal:
    digits = text.replace("_", "").replace(",", "").lower()
    if digits in _NO_NUMBERS:
        return float(_NO_NUMBERS[digits])
    if ":" in digits:
        value = 0.0
        for part in digits.lstrip("+-").split(":"):
            value = value * 60 + float(part)
        return -value if digits[0] == "-" else value
    return exact_float(digits)


def _big_decimal(text: str) -> Decimal | str:
    """``27:0.1999e2``: room in digits, then the number (ext/bigdecimal, BigDecimal#_dump)."""
    number = text.rpartition(":")[2]
    try:
        value = Decimal(number)
    except InvalidOperation:
        return text
    if not value.is_finite() or abs(value.adjusted()) > 40:
        return value
    # 0.5e3 is 500 to people, not 5E+2.
    return Decimal(format(value, "f"))


def _binary(text: str) -> bytes | str:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return text


def _bool(text: str) -> bool:
    return text.lower() in ("yes", "true", "on")


def _same(text: str) -> str:
    return text


_SCALARS: dict[str, Callable[[str], object]] = {
    _STANDARD + "null": lambda text: None,
    _STANDARD + "bool": _bool,
    _STANDARD + "int": _int,
    _STANDARD + "float": _float,
    _STANDARD + "timestamp": _time,
    _STANDARD + "binary": _binary,
    _STANDARD + "str": _same,
    "!binary": _binary,
    "!float": _float,
    "!int": _int,
    "!ruby/symbol": lambda text: _symbol(text) if text[:1] == ":" else text,
    "!ruby/sym": lambda text: _symbol(text) if text[:1] == ":" else text,
    "!ruby/object:BigDecimal": _big_decimal,
    "!ruby/object:DateTime": _time,
    "!ruby/object:Time": _time,
    "!ruby/object:Date": _time,
}
