"""All payloads of one type and version as a tree of paths, counted by signature.

::

    object ── signature {a: int, b: null} ── count, first, last
       ├───── values of a (first and last few, distinct ones up to a limit)
       └───── object or elements below b …
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from esviewer.catalogue.paths import ANY_KEY, any_key, items, member
from esviewer.catalogue.shapes import kind_of
from esviewer.domain import Value

Position: TypeAlias = int | str | None
Attributes: TypeAlias = tuple[tuple[str, str], ...]
"""Names with kinds, sorted by name."""
ShapeKey: TypeAlias = Any
"""A signature's number; with children ``(number, (key of child, …))``. Elements of an array: a frozenset of keys."""
Content: TypeAlias = Any
"""A shape written out: ``(attributes, (content of child, …))``. Elements: a frozenset of ``(kind, content)``."""

DISTINCT: Final = 100
"""Distinct values that are told apart; more are "at least so many"."""
RECENT: Final = 16
FIRST: Final = 16
LONGEST: Final = 80
"""Characters of a text that are kept as a sample."""
MANY_NAMES: Final = 50
DEEPEST: Final = 30
"""Levels whose insides are looked at; below them an object is an object."""
MOST_NAMES: Final = 2_000
"""An object with more names is a map from the first on."""
MOST_SIGNATURES: Final = 50_000
"""Where optional attributes come in more combinations, only those that are nearly always there are told apart."""
RARE: Final = 0.05
"""Objects with more than 50 names that are each in less than a twentieth of them are maps: their keys are data."""


@dataclass(slots=True)
class Span:
    """How often and where. ``first_at`` and ``last_at`` count events of the whole store as read, from 0."""

    count: int = 0
    first_at: int = -1
    first: Position = None
    last_at: int = -1
    last: Position = None

    def hit(self, at: int, position: Position) -> None:
        """One more, which is the latest."""
        if not self.count:
            self.first_at, self.first = at, position
        self.count += 1
        self.last_at, self.last = at, position

    def join(self, other: Span) -> None:
        """Takes in another, whichever came first."""
        if not other.count:
            return
        if not self.count or other.first_at < self.first_at:
            self.first_at, self.first = other.first_at, other.first
        if other.last_at > self.last_at:
            self.last_at, self.last = other.last_at, other.last
        self.count += other.count

    def moved(self, by: int) -> Span:
        """The same, later in the store."""
        return Span(self.count, self.first_at + by, self.first, self.last_at + by, self.last) if self.count else Span()


@dataclass(slots=True)
class Values:
    """Some of the scalar values at a path: never those of personal attributes."""

    distinct: set[Value] = field(default_factory=set)
    firsts: list[Value] = field(default_factory=list)
    recent: deque[Value] = field(default_factory=lambda: deque(maxlen=RECENT))
    is_full: bool = False
    """Whether there are more distinct values than are kept."""

    def note(self, value: Value) -> None:
        """Keeps a value as long as it is among the first or the last."""
        kept = value[:LONGEST] if isinstance(value, str) else value
        self.recent.append(kept)
        if not self.is_full:
            self.note_distinct(kept)

    def note_distinct(self, kept: Value) -> None:
        """Keeps a value, cut already, as one of the first, and tells it apart from others until there are too many."""
        if kept not in self.distinct:
            if len(self.distinct) >= DISTINCT:
                self.is_full = True
                return
            self.distinct.add(kept)
        if len(self.firsts) < FIRST:
            self.firsts.append(kept)

    def join(self, later: Values) -> None:
        """Takes in the values of later events."""
        self.is_full |= later.is_full
        for value in later.distinct - self.distinct:
            if len(self.distinct) >= DISTINCT:
                self.is_full = True
                break
            self.distinct.add(value)
        self.firsts += later.firsts[: FIRST - len(self.firsts)]
        self.recent.extend(later.recent)


class Signature:
    """Objects with the same names and kinds of values. ``below`` are the names of what has an inside."""

    __slots__ = ("attributes", "below", "number", "span", "watched")

    def __init__(self, number: int, attributes: Attributes) -> None:
        self.number = number
        self.attributes = attributes
        self.span = Span()
        self.below: tuple[str, ...] = ()
        self.watched: tuple[tuple[str, Values], ...] = ()


class Objects:
    """All objects at one path."""

    __slots__ = (
        "_by_class",
        "_check_at",
        "_numbered",
        "depth",
        "elements",
        "is_personal",
        "kept",
        "objects",
        "path",
        "rest",
        "signatures",
        "values",
    )

    def __init__(self, path: str, is_personal: Callable[[str], bool], depth: int = 0) -> None:
        self.path = path
        self.depth = depth
        self.is_personal = is_personal
        self.signatures: dict[Attributes, Signature] = {}
        self.values: dict[str, Values] = {}
        self.objects: dict[str, Objects] = {}
        self.elements: dict[str, Elements] = {}
        self.kept: frozenset[str] | None = None
        self.rest: Elements | None = None
        self._by_class: dict[tuple[tuple[str, ...], tuple[type, ...]], Signature] = {}
        self._check_at = MANY_NAMES
        self._numbered: list[Signature] = []

    @property
    def count(self) -> int:
        """How many objects."""
        return sum(signature.span.count for signature in self.signatures.values())

    def see(self, data: dict[str, Value], at: int, position: Position) -> ShapeKey:
        """Counts one object; gives the key of its shape."""
        if self.kept is not None:
            data = self._collapsed(data, self.kept, at, position)
        key = (tuple(data), tuple([value.__class__ for value in data.values()]))
        signature = self._by_class.get(key)
        if signature is None:
            if any(name.__class__ is not str for name in data):
                # YAML and MessagePack have other names than texts.
                return self.see({str(name): value for name, value in data.items()}, at, position)
            if len(data) > MOST_NAMES and self.kept is None:
                self.collapse(frozenset())
                return self.see(data, at, position)
            signature = self._signature(data, key)
            if self.kept is None and self._is_due() and self._collapse():
                return self.see(data, at, position)
        span = signature.span
        if not span.count:
            span.first_at, span.first = at, position
        span.count += 1
        span.last_at, span.last = at, position
        for name, values in signature.watched:
            value = data[name]
            if isinstance(value, str):
                value = value[:LONGEST]
            values.recent.append(value)
            if not values.is_full:
                values.note_distinct(value)
        if not signature.below:
            return signature.number
        return (signature.number, tuple([self._below(name, data[name], at, position) for name in signature.below]))

    def _below(self, name: str, value: Value, at: int, position: Position) -> ShapeKey:
        if isinstance(value, dict):
            return self.objects[name].see(value, at, position)
        return self.elements[name].see(value, at, position) if isinstance(value, list | tuple) else None

    def _signature(self, data: dict[str, Value], key: tuple[tuple[str, ...], tuple[type, ...]]) -> Signature:
        attributes = tuple(sorted((str(name), kind_of(value)) for name, value in data.items()))
        signature = self.signatures.get(attributes) or self.add_signature(attributes)
        if len(self._by_class) < 10_000:
            self._by_class[key] = signature
        return signature

    def add_signature(self, attributes: Attributes) -> Signature:
        """A new signature with room for what is inside; its number is the next."""
        signature = self.signatures[attributes] = Signature(len(self._numbered), attributes)
        self._numbered.append(signature)
        watched: list[tuple[str, Values]] = []
        goes_on = self.depth < DEEPEST
        for name, kind in attributes:
            path = member(self.path, name)
            if kind == "object" and name not in self.objects and goes_on:
                self.objects[name] = Objects(path, self.is_personal, self.depth + 1)
            elif kind == "array" and name not in self.elements and goes_on:
                self.elements[name] = Elements(items(path), self.is_personal, self.depth + 1)
            elif kind in ("string", "int", "number", "bool") and not self.is_personal(path):
                watched.append((name, self.values.setdefault(name, Values())))
        signature.watched = tuple(watched)
        signature.below = tuple(name for name, kind in attributes if kind in ("object", "array") and goes_on)
        return signature

    # Maps: objects whose keys are data

    def _collapsed(self, data: dict[str, Value], kept: frozenset[str], at: int, position: Position) -> dict[str, Value]:
        rest = [value for name, value in data.items() if name not in kept]
        if not rest:
            return data
        if self.rest is None:
            self.rest = Elements(any_key(self.path), self.is_personal, self.depth + 1)
        self.rest.see(rest, at, position)
        return {**{name: value for name, value in data.items() if name in kept}, ANY_KEY: None}

    def _is_due(self) -> bool:
        return len(self.signatures) > self._check_at

    def _collapse(self) -> bool:
        """Becomes a map if there are many rare names; else looks again when twice as many signatures are known."""
        self._check_at = min(2 * len(self.signatures), MOST_SIGNATURES)
        counts: dict[str, int] = {}
        for signature in self.signatures.values():
            for name, _ in signature.attributes:
                counts[name] = counts.get(name, 0) + signature.span.count
        total = max(self.count, 1)
        if len(self.signatures) > MOST_SIGNATURES:
            self.collapse(frozenset(name for name, count in counts.items() if count > (1 - RARE) * total))
            return True
        limit = RARE * total
        rare = {name for name, count in counts.items() if count < limit or count <= 1}
        if len(rare) <= MANY_NAMES:
            return False
        self.collapse(frozenset(counts) - rare)
        return True

    def collapse(self, kept: frozenset[str]) -> None:
        """Keeps these names and takes all others together as ``{*}``."""
        rest = self.rest or Elements(any_key(self.path), self.is_personal, self.depth + 1)
        before, self.signatures, self._by_class = list(self.signatures.values()), {}, {}
        for signature in before:
            inside = [pair for pair in signature.attributes if pair[0] in kept or pair[0] == ANY_KEY]
            outside = [pair for pair in signature.attributes if pair not in inside]
            for _, kind in outside:
                rest.kinds.setdefault(kind, Span()).join(signature.span)
            if outside and (ANY_KEY, "null") not in inside:
                inside.append((ANY_KEY, "null"))
            attributes = tuple(sorted(inside))
            (self.signatures.get(attributes) or self.add_signature(attributes)).span.join(signature.span)
        for name in [name for name in self.values if name not in kept]:
            rest.values.join(self.values.pop(name))
        for name in [name for name in self.objects if name not in kept]:
            rest.objects = _joined(rest.objects, self.objects.pop(name), rest)
        for name in [name for name in self.elements if name not in kept]:
            rest.elements = _joined_elements(rest.elements, self.elements.pop(name), rest)
        self.kept, self.rest = kept, rest

    # Shapes of whole payloads

    def content(self, key: ShapeKey) -> Content:
        """What a key that :meth:`see` gave means, also if this became a map since."""
        number, children = key if isinstance(key, tuple) else (key, ())
        signature = self._numbered[number]
        inside: dict[str, Content] = {}
        for name, child in zip(signature.below, children, strict=True):
            if self.kept is None or name in self.kept:
                is_object = (name, "object") in signature.attributes
                inside[name] = self.objects[name].content(child) if is_object else self.elements[name].content(child)
        attributes = self._settled(signature.attributes)
        return attributes, tuple(inside[name] for name, _ in attributes if name in inside)

    def _settled(self, attributes: Attributes) -> Attributes:
        """The attributes as they are counted: those of a map without its keys."""
        kept = self.kept
        if kept is None or all(name in kept or name == ANY_KEY for name, _ in attributes):
            return attributes
        return tuple(sorted({(name, kind) if name in kept else (ANY_KEY, "null") for name, kind in attributes}))

    def key_of(self, content: Content) -> ShapeKey:
        """The key of a shape that is written out."""
        attributes, children = content
        settled = self._settled(attributes)
        signature = self.signatures.get(settled) or self.add_signature(settled)
        if not signature.below or not children:
            return signature.number
        below = dict(zip((name for name, kind in attributes if kind in ("object", "array")), children, strict=True))
        made = []
        for name in signature.below:
            is_object = (name, "object") in settled
            made.append(
                self.objects[name].key_of(below[name]) if is_object else self.elements[name].key_of(below[name])
            )
        return signature.number, tuple(made)

    def join(self, later: Objects, by: int) -> None:
        """Takes in the objects of later events, moved by so many events."""
        if later.kept is not None and self.kept is None:
            self.collapse(later.kept)
        elif self.kept is not None and later.kept != self.kept:
            later.collapse(self.kept)
        for attributes, signature in later.signatures.items():
            mine = self.signatures.get(attributes) or self.add_signature(attributes)
            mine.span.join(signature.span.moved(by))
        for name, values in later.values.items():
            self.values.setdefault(name, Values()).join(values)
        for name, objects in later.objects.items():
            self.objects.setdefault(name, Objects(objects.path, self.is_personal, objects.depth)).join(objects, by)
        for name, elements in later.elements.items():
            self.elements.setdefault(name, Elements(elements.path, self.is_personal, elements.depth)).join(elements, by)
        if later.rest is not None:
            self.rest = self.rest or Elements(later.rest.path, self.is_personal, later.rest.depth)
            self.rest.join(later.rest, by)
        if self.kept is None and self._is_due():
            self._collapse()


class Elements:
    """All elements of the arrays at one path, or all values of a map."""

    __slots__ = ("_is_personal", "depth", "elements", "is_personal", "kinds", "objects", "path", "values")

    def __init__(self, path: str, is_personal: Callable[[str], bool], depth: int) -> None:
        self.path = path
        self.depth = depth
        self.is_personal = is_personal
        self._is_personal = is_personal(path)
        self.kinds: dict[str, Span] = {}
        self.values = Values()
        self.objects: Objects | None = None
        self.elements: Elements | None = None

    def see(self, array: Iterable[Value], at: int, position: Position) -> ShapeKey:
        """Counts the elements; gives the set of the keys of their shapes."""
        keys = set()
        for value in array:
            kind = kind_of(value)
            span = self.kinds.get(kind)
            if span is None:
                span = self.kinds[kind] = Span()
            span.hit(at, position)
            if self.depth >= DEEPEST:
                keys.add((kind, None))
            elif isinstance(value, dict):
                if self.objects is None:
                    self.objects = Objects(self.path, self.is_personal, self.depth + 1)
                keys.add((kind, self.objects.see(value, at, position)))
            elif isinstance(value, list | tuple):
                if self.elements is None:
                    self.elements = Elements(items(self.path), self.is_personal, self.depth + 1)
                keys.add((kind, self.elements.see(value, at, position)))
            else:
                keys.add((kind, None))
                if not self._is_personal and value is not None and kind != "bytes":
                    self.values.note(value)
        return frozenset(keys)

    def content(self, key: ShapeKey) -> Content:
        """As :meth:`Objects.content`."""
        return frozenset((kind, self._inner(kind, inner, written=True)) for kind, inner in key)

    def key_of(self, content: Content) -> ShapeKey:
        """As :meth:`Objects.key_of`."""
        return frozenset((kind, self._inner(kind, inner, written=False)) for kind, inner in content)

    def _inner(self, kind: str, inner: ShapeKey, *, written: bool) -> Content:
        if inner is None:
            return None
        below: Objects | Elements | None = self.objects if kind == "object" else self.elements
        assert below is not None
        return below.content(inner) if written else below.key_of(inner)

    def join(self, later: Elements, by: int) -> None:
        """Takes in the elements of later events."""
        for kind, span in later.kinds.items():
            self.kinds.setdefault(kind, Span()).join(span.moved(by))
        self.values.join(later.values)
        if later.objects is not None:
            self.objects = _joined(self.objects, later.objects, self, by)
        if later.elements is not None:
            self.elements = _joined_elements(self.elements, later.elements, self, by)


def _joined(mine: Objects | None, other: Objects, around: Elements, by: int = 0) -> Objects:
    mine = mine or Objects(around.path, around.is_personal, around.depth + 1)
    mine.join(other, by)
    return mine


def _joined_elements(mine: Elements | None, other: Elements, around: Elements, by: int = 0) -> Elements:
    mine = mine or Elements(items(around.path), around.is_personal, around.depth + 1)
    mine.join(other, by)
    return mine
