"""The catalogue: what is known of event types, their versions and attributes, and how old versions are read.

All of it is plain frozen data. :mod:`esviewer.catalogue.files` reads and writes it, and the format is documented there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from esviewer.domain import Value

Version: TypeAlias = int | str | None
"""A schema version as stored. ``None`` is the version of events that carry none where others do: ``(none)``.

Texts that are whole numbers are numbers, so that ``"3"`` in a column and ``3`` in a file are one version; all other
texts stand for themselves and have no order but that of the chain (``"10.0"`` is not before ``"2.0"``).
"""

NO_VERSION: Final = "(none)"
"""How the version ``None`` is written for people."""

Origin: TypeAlias = Literal["file", "store", "sources", "schemas"]


_MOST = 10**15


def version_of(value: Value) -> Version:
    """The version that a stored value says; raises ``ValueError`` for what can be none (a float, a list, true)."""
    if value is None or value == NO_VERSION:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and -_MOST < value < _MOST:
        return value
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and str(int(value[:18])) == value else value
    raise ValueError(f"{type(value).__name__} can be no schema version: give a whole number or a text")


def version_text(version: Version) -> str:
    """``3``, ``1.0`` or ``(none)``."""
    return NO_VERSION if version is None else str(version)


class _Missing:
    """Stands for "not there", which is different from ``None``."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Attribute:
    """What one attribute may hold. Limits are inclusive.

    ``types`` is sorted: array, bool, bytes, int, number (takes integers too), object, string; empty takes everything.
    Null is no type: see ``nullable``.

    ``attributes`` and ``open`` describe an object, ``items`` the elements of an array; without them anything goes
    inside. ``personal`` attributes are masked on screen and in exports. ``default`` is MISSING if there is none.
    """

    types: tuple[str, ...] = ()
    required: bool = False
    nullable: bool = False
    default: Value = MISSING
    enum: tuple[Value, ...] | None = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    pattern: str | None = None
    personal: bool = False
    attributes: Mapping[str, Attribute] | None = None
    open: bool = True
    items: Attribute | None = None
    note: str | None = None

    @property
    def is_any(self) -> bool:
        """Whether every value fits, null excepted unless it is nullable."""
        return not self.types or "any" in self.types


@dataclass(frozen=True, slots=True)
class TypeVersion:
    """The shape of one version of an event type. ``open``: attributes that are not named here are allowed."""

    attributes: Mapping[str, Attribute] = field(default_factory=lambda: MappingProxyType({}))
    open: bool = True

    @property
    def says_nothing(self) -> bool:
        """Whether every payload fits."""
        return self.open and not self.attributes

    def as_attribute(self) -> Attribute:
        """The shape as that of an object, which is what payloads are."""
        return Attribute(types=("object",), required=True, attributes=self.attributes, open=self.open)


@dataclass(frozen=True, slots=True)
class Step:
    """One declarative step of an upcaster: its name, and what it is given as the file has it, checked on reading.

    ``operation`` are the settled arguments; see :mod:`esviewer.catalogue.steps`.
    """

    name: str
    arguments: Value
    operation: Operation


class Operation:
    """Base of the settled steps. Each changes a payload, or ends in other events."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Upcaster:
    """An edge of the chain: events of ``source`` become events of ``target``, of another type if one is named.

    ``function`` names Python code (``module:qualified.name``), never run here; where ``steps`` stand beside it, they
    say the same and are used where no code may run. Neither: the payload stays as it is.
    """

    source: Version
    target: Version
    steps: tuple[Step, ...] = ()
    function: str | None = None
    target_type: str | None = None
    reads: tuple[str, ...] = ()
    """What the source of the function seems to read outside the event: clocks, chance, files, databases."""
    line: int | None = field(default=None, compare=False)

    @property
    def is_code(self) -> bool:
        """Whether the edge can only be followed by running Python code."""
        return self.function is not None and not self.steps

    def __str__(self) -> str:
        return f"{version_text(self.source)}→{version_text(self.target)}"


VersionSource: TypeAlias = Literal["auto", "column", "metadata", "field", "suffix", "type", "shape"]


@dataclass(frozen=True, slots=True)
class VersionRule:
    """Where the version of an event is read: see :mod:`esviewer.catalogue.versions`.

    ``argument`` is the path of a metadata key, the name of a payload field, or the regular expression for types.
    """

    source: VersionSource = "auto"
    argument: str | None = None


AUTO: Final = VersionRule()


class _Unset:
    """No current version is given: versions of the type are not judged."""

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


@dataclass(frozen=True, slots=True)
class EventType:
    """A known event type. ``aliases`` are other stored names of it; ``current`` is what today's code writes."""

    name: str
    aliases: tuple[str, ...] = ()
    current: Version | _Unset = UNSET
    versions: Mapping[Version, TypeVersion] = field(default_factory=lambda: MappingProxyType({}))
    upcasters: tuple[Upcaster, ...] = ()
    version_rule: VersionRule | None = None
    starts_stream: bool = False
    ends_stream: bool = False
    note: str | None = None
    line: int | None = field(default=None, compare=False)

    @property
    def watched(self) -> bool:
        """Whether versions of this type are judged."""
        return not isinstance(self.current, _Unset)

    @property
    def current_version(self) -> Version:
        """The current version; ``None`` also where none is given."""
        return None if isinstance(self.current, _Unset) else self.current

    @property
    def current_shape(self) -> TypeVersion | None:
        """The shape of the current version, if the catalogue has it."""
        return self.versions.get(self.current_version) if self.watched else None

    @property
    def known_versions(self) -> frozenset[Version]:
        """Versions that are declared, or stand at an end of an upcaster of this type."""
        ends = {edge.source for edge in self.upcasters}
        ends |= {edge.target for edge in self.upcasters if edge.target_type in (None, self.name)}
        current = {self.current_version} if self.watched else set()
        return frozenset(self.versions) | ends | current


@dataclass(frozen=True, slots=True)
class Ignored:
    """A type that is passed over on purpose."""

    type: str
    reason: str | None = None
    by: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True)
class Erased:
    """Data that was removed on purpose. An event is meant if everything that is given here fits it."""

    stream: str | None = None
    type: str | None = None
    positions: frozenset[int | str] = frozenset()
    attributes: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is known. Against an ``inferred`` one nothing can be unknown until a person confirms it.

    ``snapshots`` are the chains of stored snapshots, by aggregate type: versions of aggregate classes, not of events.
    """

    types: Mapping[str, EventType] = field(default_factory=lambda: MappingProxyType({}))
    ignored: Mapping[str, Ignored] = field(default_factory=lambda: MappingProxyType({}))
    erased: tuple[Erased, ...] = ()
    snapshots: Mapping[str, EventType] = field(default_factory=lambda: MappingProxyType({}))
    version_rule: VersionRule = AUTO
    inferred: bool = False
    origin: Origin = "file"

    def by_name(self) -> dict[str, EventType]:
        """Types by name and by alias; a name wins over an alias."""
        found = {alias: known for known in self.types.values() for alias in known.aliases}
        found.update(self.types)
        return found
