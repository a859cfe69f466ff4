"""What the drift of a store means: presence, types, nulls, shapes with their ranges, renames, types that change."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Final

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.drift import Drift, Shapes
from esviewer.catalogue.drift_tree import Content, Elements, Objects, Position, Span, Values
from esviewer.catalogue.model import EventType, Version
from esviewer.catalogue.paths import ANY_KEY, any_key, items, member
from esviewer.domain import Value

FEW: Final = 20
"""Below so many events nothing is said about what is required."""
_RARE: Final = 0.01
_ENOUGH: Final = 100
_JUMP: Final = 10


@dataclass(frozen=True, slots=True)
class PathDrift:
    """One path. ``present`` of ``total``: objects that have it, of those around it. ``types`` are without null.

    ``types`` maps to the number of values, in the order in which they were first seen; ``changes`` are the positions at
    which a further type began. ``distinct`` is a lower bound where ``is_capped``. ``samples`` are empty for personal
    attributes.
    """

    path: str
    present: int
    total: int
    nulls: int
    types: dict[str, int]
    first: Position
    last: Position
    changes: tuple[tuple[str, Position], ...]
    distinct: int
    is_capped: bool
    samples: tuple[Value, ...]
    first_at: int
    last_at: int

    @property
    def is_required(self) -> bool:
        """Whether every object had it. How much that says is in :attr:`strength`."""
        return self.present == self.total

    @property
    def strength(self) -> str:
        """How sure it is that the path is required, a sentence without a full stop."""
        if not self.is_required:
            return f"missing in {self.total - self.present} of {self.total}"
        if self.total < FEW:
            return "too few"
        return f"in all {self.total}: missing in less than {3 / self.total:.2%} (95 %)"


@dataclass(frozen=True, slots=True)
class ShapeDrift:
    """One shape: its paths with types, ``?`` for nullable. Positions are those of its first and last event."""

    attributes: tuple[tuple[str, str], ...]
    count: int
    first: Position
    last: Position
    first_at: int
    last_at: int
    is_rare: bool

    def __str__(self) -> str:
        return "{" + ", ".join(f"{path}: {kind}" for path, kind in self.attributes) + "}"


@dataclass(frozen=True, slots=True)
class TypeDrift:
    """One type and version. ``others`` are payloads that are no objects, by their type."""

    type: str
    version: Version
    events: int
    undecodable: int
    first: Position
    last: Position
    first_at: int
    last_at: int
    paths: tuple[PathDrift, ...]
    shapes: tuple[ShapeDrift, ...]
    others: dict[str, int]


@dataclass(frozen=True, slots=True)
class RenameGuess:
    """An attribute that vanished where another appeared, of the same type, with values in common."""

    type: str
    old: str
    new: str
    last_old: Position
    first_new: Position
    shared_values: int


@dataclass(frozen=True, slots=True)
class Jump:
    """Numbers that became ten times larger or smaller: perhaps another unit."""

    type: str
    path: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class MixedWriters:
    """A version that was written after the next one was first written: an old deployment still wrote."""

    type: str
    older: Version
    newer: Version
    newer_first: Position
    older_last: Position


def report(drift: Drift) -> list[TypeDrift]:
    """All types and versions, in the order in which they were first written."""
    made = [type_drift(name, version, shapes) for (name, version), shapes in drift.shapes.items()]
    return sorted(made, key=lambda one: one.first_at)


def type_drift(name: str, version: Version, shapes: Shapes) -> TypeDrift:
    """One type and version."""
    paths = list(_paths(shapes.root))
    whole = shapes.span
    whole_all = Span()
    whole_all.join(whole)
    whole_all.join(shapes.undecodable)
    return TypeDrift(
        type=name,
        version=version,
        events=whole_all.count,
        undecodable=shapes.undecodable.count,
        first=whole_all.first,
        last=whole_all.last,
        first_at=whole_all.first_at,
        last_at=whole_all.last_at,
        paths=tuple(paths),
        shapes=tuple(_shapes(shapes, {path.path: path for path in paths})),
        others={kind: span.count for kind, span in shapes.others.items()},
    )


# Paths


def _paths(objects: Objects) -> Iterator[PathDrift]:
    total = objects.count
    names: dict[str, dict[str, Span]] = {}
    for signature in objects.signatures.values():
        for name, kind in signature.attributes:
            names.setdefault(name, {}).setdefault(kind, Span()).join(signature.span)
    for name, kinds in names.items():
        if name == ANY_KEY and objects.rest is not None:
            continue
        path = member(objects.path, name)
        yield _path(path, kinds, total, objects.values.get(name))
        if name in objects.objects:
            yield from _paths(objects.objects[name])
        if name in objects.elements:
            yield from _element_paths(objects.elements[name])
    if objects.rest is not None:
        present = sum(s.span.count for s in objects.signatures.values() if (ANY_KEY, "null") in s.attributes)
        yield _path(any_key(objects.path), objects.rest.kinds, total, objects.rest.values, present=present)
        yield from _below_elements(objects.rest)


def _element_paths(elements: Elements) -> Iterator[PathDrift]:
    if elements.kinds:
        total = sum(span.count for span in elements.kinds.values())
        yield _path(elements.path, elements.kinds, total, elements.values)
    yield from _below_elements(elements)


def _below_elements(elements: Elements) -> Iterator[PathDrift]:
    if elements.objects is not None:
        yield from _paths(elements.objects)
    if elements.elements is not None:
        yield from _element_paths(elements.elements)


def _path(
    path: str, kinds: dict[str, Span], total: int, values: Values | None, present: int | None = None
) -> PathDrift:
    whole = Span()
    for span in kinds.values():
        whole.join(span)
    types = _types(kinds)
    ordered = sorted(types, key=lambda kind: types[kind].first_at)
    values = values or Values()
    return PathDrift(
        path=path,
        present=whole.count if present is None else present,
        total=total,
        nulls=kinds["null"].count if "null" in kinds else 0,
        types={kind: types[kind].count for kind in ordered},
        first=whole.first,
        last=whole.last,
        changes=tuple((kind, types[kind].first) for kind in ordered[1:]),
        distinct=len(values.distinct),
        is_capped=values.is_full,
        samples=tuple(values.firsts[:5]),
        first_at=whole.first_at,
        last_at=whole.last_at,
    )


def _types(kinds: dict[str, Span]) -> dict[str, Span]:
    """Without null; int and number both seen is number."""
    types = {kind: span for kind, span in kinds.items() if kind != "null"}
    if "int" in types and "number" in types:
        number = Span()
        number.join(types.pop("int"))
        number.join(types["number"])
        types["number"] = number
    return types


# Shapes


def _shapes(shapes: Shapes, paths: dict[str, PathDrift]) -> list[ShapeDrift]:
    folded: dict[tuple[tuple[str, str], ...], Span] = {}
    for signature in shapes.root.signatures.values():
        if not signature.below:
            _add(folded, (signature.attributes, ()), signature.span, paths)
    for key, span in shapes.wholes.items():
        content = shapes.root.content(key)
        # What has no inside any more, since it became a map, is counted by its signature.
        if content[1]:
            _add(folded, content, span, paths)
    total = sum(span.count for span in folded.values())
    made = [
        ShapeDrift(
            attributes,
            span.count,
            span.first,
            span.last,
            span.first_at,
            span.last_at,
            total >= _ENOUGH and span.count < _RARE * total,
        )
        for attributes, span in folded.items()
    ]
    return sorted(made, key=lambda shape: shape.first_at)


def _add(
    folded: dict[tuple[tuple[str, str], ...], Span], content: Content, span: Span, paths: dict[str, PathDrift]
) -> None:
    written = sorted({(path, _folded(path, kind, paths)) for path, kind in _leaves(content, "")})
    folded.setdefault(tuple(written), Span()).join(span)


def _folded(path: str, kind: str, paths: dict[str, PathDrift]) -> str:
    """The type as it stands in a shape: null as its sibling, ``?`` where a path is nullable."""
    known = paths.get(path)
    if known is None:
        return kind
    if kind == "null":
        kind = max(known.types, key=lambda sibling: known.types[sibling], default="null")
    elif kind == "int" and "number" in known.types:
        kind = "number"
    return f"{kind}?" if known.nulls and kind != "null" else kind


def _leaves(content: Content, prefix: str) -> Iterator[tuple[str, str]]:
    attributes, children = content
    below = iter(children)
    for name, kind in attributes:
        path = any_key(prefix) if name == ANY_KEY else member(prefix, name)
        yield path, kind
        # There are none below the deepest level that is looked at.
        inside = next(below, None) if kind in ("object", "array") else None
        if inside is not None and kind == "object":
            yield from _leaves(inside, path)
        elif inside is not None:
            yield from _element_leaves(inside, items(path))


def _element_leaves(content: Content, path: str) -> Iterator[tuple[str, str]]:
    for kind, inner in content:
        yield path, kind
        if inner is not None and kind == "object":
            yield from _leaves(inner, path)
        elif inner is not None:
            yield from _element_leaves(inner, items(path))


# Guesses


def rename_guesses(drift: Drift) -> list[RenameGuess]:
    """Attributes of a type that vanish where another appears within 1 % of the store, alike in type and values."""
    near = max(1, math.ceil(drift.events * 0.01))
    found: list[RenameGuess] = []
    for name in dict.fromkeys(name for name, _ in drift.shapes):
        parts = [shapes for (other, _), shapes in drift.shapes.items() if other == name]
        whole = Span()
        for shapes in parts:
            whole.join(shapes.span)
        traces = _traces(parts)
        for old, gone in traces.items():
            if gone.span.last_at >= whole.last_at or _is_below(old, found, name):
                continue
            inside = {path[len(old) :]: trace for path, trace in traces.items() if path == old or _is_inside(path, old)}
            for new, came in traces.items():
                if old == new or came.span.first_at <= whole.first_at or _parent(old) != _parent(new):
                    continue
                # Values are compared last: that is what costs.
                if abs(came.span.first_at - gone.span.last_at) > near or not gone.kinds & came.kinds:
                    continue
                shared = _shared(inside, new, traces)
                if shared:
                    found.append(RenameGuess(name, old, new, gone.span.last, came.span.first, shared))
    return found


@dataclass(slots=True)
class _Trace:
    span: Span
    kinds: set[str]
    recent: set[Value]
    distinct: set[Value]


def _traces(parts: list[Shapes]) -> dict[str, _Trace]:
    """All paths of a type in all its versions, with where they were and their values."""
    traces: dict[str, _Trace] = {}
    for shapes in parts:
        pending = [shapes.root]
        while pending:
            objects = pending.pop()
            for signature in objects.signatures.values():
                for name, kind in signature.attributes:
                    trace = traces.setdefault(member(objects.path, name), _Trace(Span(), set(), set(), set()))
                    trace.span.join(signature.span)
                    trace.kinds |= {"number" if kind == "int" else kind} - {"null"}
            for name, values in objects.values.items():
                trace = traces[member(objects.path, name)]
                trace.recent |= set(values.recent)
                trace.distinct |= values.distinct
            pending += objects.objects.values()
    return traces


def _shared(inside: dict[str, _Trace], new: str, traces: dict[str, _Trace]) -> int:
    """How many values the last of the old path and the first of the new one have in common, nested ones included.

    ``inside``: the old path's traces by what follows it.
    """
    pairs = ((trace, traces.get(new + rest)) for rest, trace in inside.items())
    return sum(len(trace.recent & other.distinct) for trace, other in pairs if other is not None)


def _is_inside(path: str, around: str) -> bool:
    return path.startswith(around + ".")


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _is_below(path: str, found: list[RenameGuess], name: str) -> bool:
    return any(guess.type == name and _is_inside(path, guess.old) for guess in found)


def jumps(drift: Drift) -> list[Jump]:
    """Numeric paths whose last values are ten times the first ones, or a tenth, in the median."""
    found = []
    for name in dict.fromkeys(name for name, _ in drift.shapes):
        firsts: dict[str, list[float]] = {}
        lasts: dict[str, list[float]] = {}
        for (other, _), shapes in drift.shapes.items():
            if other == name:
                for attribute, values in shapes.root.values.items():
                    path = member("", attribute)
                    firsts.setdefault(path, _numbers(values.firsts))
                    lasts[path] = _numbers(list(values.recent))
        for path, before in firsts.items():
            after = lasts[path]
            if len(before) >= 5 and len(after) >= 5:
                left, right = abs(median(before)), abs(median(after))
                if left and right and max(left, right) >= _JUMP * min(left, right):
                    found.append(Jump(name, path, left, right))
    return found


def _numbers(values: list[Value]) -> list[float]:
    """The numbers among values; those that no finite float stands for are left out: they are no measures."""
    numbers = []
    for value in values:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            with suppress(OverflowError, ValueError):
                numbers.append(float(value))
    return [number for number in numbers if math.isfinite(number)]


def mixed_writers(drift: Drift) -> list[MixedWriters]:
    """Versions that were still written after the next one was, by type; each against the next later one stored."""
    found = []
    for name in dict.fromkeys(name for name, _ in drift.shapes):
        spans = {version: shapes.span for (other, version), shapes in drift.shapes.items() if other == name}
        stored = {version: span for version, span in spans.items() if span.count}
        known = drift.catalogue.types.get(name) or EventType(name)
        order = in_order(known, set(stored))
        for older, newer in pairwise(order):
            if stored[older].last_at > stored[newer].first_at >= 0:
                found.append(MixedWriters(name, older, newer, stored[newer].first, stored[older].last))
    return found
