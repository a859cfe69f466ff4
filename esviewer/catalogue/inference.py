"""The catalogue that a store's events say: types, versions and shapes as they were seen, and nothing more.

It is marked as inferred: what was not seen so far is not wrong because of that, until a person confirms it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.drift import Drift, Shapes
from esviewer.catalogue.drift_report import FEW
from esviewer.catalogue.drift_tree import Elements, Objects, Span
from esviewer.catalogue.model import AUTO, Attribute, Catalogue, EventType, TypeVersion, Version
from esviewer.catalogue.paths import ANY_KEY
from esviewer.catalogue.versions import CLASS_VERSION, Names, Teller, Told
from esviewer.domain import Event


class Inference:
    """Sees every event of a store once, then gives its catalogue. Suffixes are told from names at the end."""

    def __init__(self) -> None:
        self.drift = Drift()
        self._tellers: dict[str | None, Teller] = {}
        self._told_by_column: set[str] = set()

    def see(self, event: Event) -> None:
        """Takes in one event."""
        teller = self._tellers.get(event.type)
        if teller is None:
            teller = self._tellers[event.type] = Teller(EventType(event.type or ""), AUTO, None, event.type or "")
        told = teller.tell(event)
        if told.source == "column":
            self._told_by_column.add(event.type or "")
        # What says nothing is kept apart for now: it is version 1, that of a suffix, or "(none)" where others have one.
        version = None if told.source == "absent" else told.version
        assert version is None or isinstance(version, int | str)
        self.drift.see(_without_version(event, told), event.type, version)

    def catalogue(self) -> Catalogue:
        """All types in the order in which they were first written."""
        names = Names(name for name, _ in self.drift.shapes)
        types: dict[str, EventType] = {}
        for (stored, version), shapes in self.drift.shapes.items():
            name, number = names.split(stored)
            settled = self._settled(stored, version, number)
            known = types.get(name) or EventType(name)
            shape = shape_of(shapes)
            if settled in known.versions:
                shape = _either(known.versions[settled], shape)
            types[name] = replace(known, versions={**known.versions, settled: shape})
        return Catalogue({name: _in_order(known) for name, known in types.items()}, inferred=True, origin="store")

    def _settled(self, stored: str, version: Version, number: int | None) -> Version:
        """The version, as :class:`Teller` tells it once names are known."""
        if number is not None and version in (None, 1):
            return number
        if version is not None:
            return version
        return None if stored in self._told_by_column else 1


def infer(events: Iterable[Event]) -> Catalogue:
    """The catalogue of a store's events, in one pass."""
    inference = Inference()
    for event in events:
        inference.see(event)
    return inference.catalogue()


def shape_of(shapes: Shapes) -> TypeVersion:
    """The shape of what was seen of one version, open. Required is what was in all of at least 20 events."""
    return TypeVersion(_attributes(shapes.root, with_required=shapes.span.count >= FEW))


def _without_version(event: Event, told: Told) -> Event:
    data = event.data
    if told.field != CLASS_VERSION or not isinstance(data, dict):
        return event
    return replace(event, data={name: value for name, value in data.items() if name != CLASS_VERSION})


def _attributes(objects: Objects, *, with_required: bool) -> dict[str, Attribute]:
    total = objects.count
    kinds: dict[str, dict[str, Span]] = {}
    for signature in objects.signatures.values():
        for name, kind in signature.attributes:
            kinds.setdefault(name, {}).setdefault(kind, Span()).join(signature.span)
    found = {}
    for name, seen in kinds.items():
        if name == ANY_KEY and objects.rest is not None:
            continue
        present = sum(span.count for span in seen.values())
        inner, elements = objects.objects.get(name), objects.elements.get(name)
        attribute = _attribute(seen, inner, elements, with_required=with_required)
        found[name] = replace(attribute, required=with_required and present == total)
    return found


def _attribute(
    kinds: Mapping[str, Span], objects: Objects | None, elements: Elements | None, *, with_required: bool
) -> Attribute:
    types = {kind for kind in kinds if kind != "null"}
    if "number" in types:
        types.discard("int")
    inner = _attributes(objects, with_required=with_required) if objects is not None and objects.rest is None else None
    items = None
    if elements is not None and elements.kinds:
        items = _attribute(elements.kinds, elements.objects, elements.elements, with_required=with_required)
    return Attribute(
        types=tuple(sorted(types)),
        nullable="null" in kinds or not types,
        attributes=inner or None,
        items=items,
    )


def _either(left: TypeVersion, right: TypeVersion) -> TypeVersion:
    """A shape that takes what either takes, attribute by attribute."""
    names = dict.fromkeys([*left.attributes, *right.attributes])
    merged: dict[str, Attribute] = {}
    for name in names:
        one, other = left.attributes.get(name), right.attributes.get(name)
        if one is None or other is None:
            only = one or other
            assert only is not None
            merged[name] = replace(only, required=False)
        else:
            types = () if one.is_any or other.is_any else tuple(sorted({*one.types, *other.types}))
            merged[name] = Attribute(
                types, required=one.required and other.required, nullable=one.nullable or other.nullable or not types
            )
    return TypeVersion(merged)


def _in_order(known: EventType) -> EventType:
    order = in_order(known, set(known.versions))
    return replace(known, current=order[-1], versions={version: known.versions[version] for version in order})
