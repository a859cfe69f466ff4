"""The schema version of an event, by every convention that frameworks and teams have for it.

Sources, highest first:

1. a column or what the dialect knows as one (``Event.schema_version``); null is a version of its own where the
   catalogue has it, else it says nothing;
2. a metadata key, or a regular expression over the type with a group ``n`` (and ``base``): only where a rule names it;
3. a payload field: ``class_version`` always, ``version`` and ``event_version`` where no higher source speaks, no
   shape has an attribute of that name, and the type has other versions than 1. Absent is 1;
4. the suffix of the type (``OrderPlaced_v2``), if ``OrderPlaced`` or ``OrderPlaced_v1`` is known too: else it is part
   of the name;
5. an alias of the catalogue names the type, not the version;
6. the shape alone: fits the newest → current; only an older → that version; none → no version.

A rule, of the type or of the whole catalogue, settles on one of them. Without a rule (``auto``) the highest that speaks
counts, and what a lower one says differently is a conflict. If none speaks: the shape where the current version has one
declared, else 1; among versions that are texts, ``(none)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.model import MISSING, EventType, Version, VersionRule, version_of, version_text
from esviewer.catalogue.paths import parse
from esviewer.catalogue.shapes import Check, fits, kind_of
from esviewer.domain import Event, Value

_SUFFIX = re.compile(r"(?P<base>.+?)[._-]?[vV](?P<n>\d{1,9})\Z", re.DOTALL)
CLASS_VERSION: Final = "class_version"
_GUESSED_FIELDS: Final = ("version", "event_version")


class NoFit:
    """The payload fits no shape of its type, so that no version can be told."""

    def __repr__(self) -> str:
        return "NO_FIT"


NO_FIT: Final = NoFit()


@dataclass(frozen=True, slots=True)
class Told:
    """The version of an event and who says it. ``field`` is the payload field that is no attribute.

    ``conflict`` is a sentence without a full stop where two sources disagree.
    """

    version: Version | NoFit
    source: str
    field: str | None = None
    conflict: str | None = None


@lru_cache(maxsize=16_384)
def suffix(name: str) -> tuple[str, int] | None:
    """``OrderPlaced_v2`` → ``("OrderPlaced", 2)``, whether or not that is what it means; ``None`` without one."""
    found = _SUFFIX.match(name)
    return (found["base"], int(found["n"])) if found else None


class Names:
    """Type names of a store and a catalogue: which suffixes are versions, and which are parts of names."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = frozenset(known)
        self._families: dict[str, set[str]] = {}
        for name in self._known:
            cut = suffix(name)
            if cut is not None:
                self._families.setdefault(cut[0], set()).add(name)

    def split(self, name: str) -> tuple[str, int | None]:
        """Base and version of a stored type name: ``Ipv4`` alone stays ``("Ipv4", None)``."""
        cut = suffix(name)
        if cut is None:
            return name, None
        base, number = cut
        others = self._families.get(base, set()) - {name}
        return (base, number) if base in self._known or others else (name, None)


class Teller:
    """Tells the versions of events of one type under one stored name. Compiled once for each of these."""

    def __init__(self, known: EventType, rule: VersionRule, suffix_version: int | None, name: str) -> None:
        self._rule = known.version_rule or rule
        self._suffix = suffix_version
        # A dialect may have read a version off a name of which the number is a part, as of Ipv4.
        cut = suffix(name)
        self._misread = cut[1] if cut is not None and suffix_version is None else None
        self._takes_null = None in known.known_versions
        self._shapes = _newest_first(known)
        # Among versions that are texts, what has none is before all of them, not number 1.
        self._absent = Told(None if isinstance(known.current_version, str) else 1, "absent")
        declared = {attribute for shape in known.versions.values() for attribute in shape.attributes}
        # A type of version 1 alone may well have an attribute of such a name.
        has_versions = known.watched and known.known_versions != {1}
        self._guessed = tuple(field for field in _GUESSED_FIELDS if field not in declared) if has_versions else ()
        self._has_class_version = CLASS_VERSION in declared
        self._plain: dict[int | str, Told] = {}
        self._is_plain = self._rule.source == "auto" and self._suffix is None and self._misread is None

    def tell(self, event: Event) -> Told:
        """The version of an event; raises nothing, what is no version is told as a text."""
        data, column = event.data, event.schema_version
        if self._is_plain and column is not None and (data.__class__ is not dict or CLASS_VERSION not in data):
            told = self._plain.get(column)
            if told is None:
                told = self._plain[column] = Told(_settled(column), "column")
            return told
        return self._auto(event) if self._rule.source == "auto" else self._ruled(event)

    def _ruled(self, event: Event) -> Told:
        rule, column = self._rule, event.schema_version
        if rule.source == "column":
            return Told(_settled(column), "column")
        if rule.source == "metadata":
            found = _at(event.metadata, rule.argument or "version")
            return Told(self._absent.version if found is MISSING else _settled(found), "metadata")
        if rule.source == "field":
            field = rule.argument or CLASS_VERSION
            found = _at(event.data, field)
            # A dialect may have moved the field to the envelope already.
            absent = 1 if column is None else _settled(column)
            return Told(absent if found is MISSING else _settled(found), "field", field)
        if rule.source == "suffix":
            return Told(1 if self._suffix is None else self._suffix, "suffix")
        if rule.source == "type":
            matched = re.search(rule.argument or "", event.type or "")
            number = matched.groupdict().get("n") if matched else None
            return Told(1 if number is None else _settled(number), "type")
        return Told(self.by_shape(event.data), "shape")

    def _auto(self, event: Event) -> Told:
        said = self._column(event.schema_version)
        field = self._field(event.data, guess=not said and self._suffix is None)
        if field is not None:
            said.append(field)
        if self._suffix is not None:
            said.append(("suffix", self._suffix))
        if not said:
            return self._silent(event)
        (source, version), *others = said
        name = field[0] if field is not None else None
        for other, different in others:
            if different != version:
                texts = f"{source} says version {version_text(version)}, {other} says {version_text(different)}"
                return Told(version, source, name, texts)
        return Told(version, source, name)

    def _column(self, column: int | str | None) -> list[tuple[str, Version]]:
        if column is None:
            return [("column", None)] if self._takes_null else []
        version = _settled(column)
        # Dialects say 1 where a payload has no version; then the suffix is not contradicted.
        is_default = version == 1 and self._suffix is not None
        return [] if is_default or version == self._misread else [("column", version)]

    def _field(self, data: Value, guess: bool) -> tuple[str, Version] | None:
        if not isinstance(data, dict):
            return None
        if not self._has_class_version and CLASS_VERSION in data:
            return CLASS_VERSION, _settled(data[CLASS_VERSION])
        for name in self._guessed if guess else ():
            value = data.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                return name, value
        return None

    def _silent(self, event: Event) -> Told:
        return Told(self.by_shape(event.data), "shape") if self._shapes else self._absent

    def by_shape(self, data: Value) -> Version | NoFit:
        """The newest version whose shape a payload fits; versions of which nothing is declared are passed over."""
        for version, check in self._shapes:
            if check({} if data is None else data):
                return version
        return NO_FIT


def _newest_first(known: EventType) -> list[tuple[Version, Check]]:
    """The declared shapes; none where that of the current version is not declared, since then no payload says much."""
    checks = [(version, fits(known.versions[version])) for version in reversed(in_order(known, set(known.versions)))]
    shape = known.current_shape
    if shape is None or shape.says_nothing:
        return []
    newest = [pair for pair in checks if pair[0] == known.current_version]
    others = [pair for pair in checks if pair[0] != known.current_version]
    return [(version, check) for version, check in (*newest, *others) if check is not None]


def _settled(value: Value) -> Version:
    """What a source says as a version; what can be none as its text, so that it is reported as it is."""
    try:
        return version_of(value)
    except ValueError:
        return str(value) if isinstance(value, float | bool) else f"({kind_of(value)})"


def _at(data: Value, path: str) -> Value:
    if isinstance(data, dict) and path in data:
        return data[path]
    try:
        names = parse(path)
    except ValueError:
        return MISSING
    for name in names:
        if not isinstance(data, dict) or name not in data:
            return MISSING
        data = data[name]
    return data
