"""The drift of a store as plain objects and back, so that a second pass reads only new events.

Sample values of kinds that no payload of JSON has (bytes, times) are left out; they are samples.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from esviewer.catalogue.drift import Drift, Shapes
from esviewer.catalogue.drift_tree import RECENT, Content, Elements, Objects, Span, Values
from esviewer.catalogue.files import fingerprint
from esviewer.catalogue.model import Catalogue, version_of
from esviewer.domain import Key, UsageError, Value

FORMAT: Final = 1
"""Raised with every change of what is saved: older states are made anew."""


def drift_object(drift: Drift) -> dict[str, Any]:
    """The state, of which JSON can be made."""
    return {
        "format": FORMAT,
        "events": drift.events,
        "catalogue": fingerprint(drift.catalogue),
        "last_position": drift.last_position,
        "last_key": None if drift.last_key is None else _plain_key(drift.last_key),
        "shapes": [
            {"type": name, "version": version, **_shapes(shapes)} for (name, version), shapes in drift.shapes.items()
        ],
    }


def drift_from(saved: dict[str, Any], catalogue: Catalogue | None = None) -> Drift:
    """The drift of a saved state; raises :class:`UsageError` for one of another format, or by another catalogue.

    By another catalogue events have other types and versions, and other attributes are personal.
    """
    if saved.get("format") != FORMAT:
        raise UsageError("The saved drift is of another version of esviewer: it has to be read anew.")
    drift = Drift(catalogue)
    if saved["catalogue"] != fingerprint(drift.catalogue):
        raise UsageError("The catalogue has changed since the drift was saved: it has to be read anew.")
    drift.events, drift.last_position = saved["events"], saved["last_position"]
    drift.last_key = None if saved["last_key"] is None else tuple(saved["last_key"])
    for one in saved["shapes"]:
        shapes = drift.room(one["type"], version_of(one["version"]))
        _fill_objects(shapes.root, one["root"])
        shapes.undecodable = _span_from(one["undecodable"])
        shapes.others = {kind: _span_from(span) for kind, span in one["others"].items()}
        for content, span in one["wholes"]:
            shapes.wholes[shapes.root.key_of(_content_from(content))] = _span_from(span)
    return drift


def _shapes(shapes: Shapes) -> dict[str, Any]:
    wholes: dict[Content, Span] = {}
    for key, span in shapes.wholes.items():
        wholes.setdefault(shapes.root.content(key), Span()).join(span)
    return {
        "root": _objects(shapes.root),
        "undecodable": _span(shapes.undecodable),
        "others": {kind: _span(span) for kind, span in shapes.others.items()},
        "wholes": [[_content(content), _span(span)] for content, span in wholes.items()],
    }


def _plain_key(key: Key) -> list[object] | None:
    """A key that JSON can hold; others (bytes, times) are not kept, and reading goes on by position."""
    return list(key) if all(isinstance(part, int | str) or part is None for part in key) else None


def _span(span: Span) -> list[Any]:
    return [span.count, span.first_at, span.first, span.last_at, span.last]


def _span_from(saved: list[Any]) -> Span:
    return Span(*saved)


def _content(content: Content) -> Any:
    """Nested lists: an object is ``[attributes, children]``, elements are ``{"elements": [[kind, content], …]}``."""
    if content is None:
        return None
    if isinstance(content, frozenset):
        return {"elements": [[kind, _content(inner)] for kind, inner in sorted(content, key=repr)]}
    attributes, children = content
    return [list(map(list, attributes)), [_content(child) for child in children]]


def _content_from(saved: Any) -> Content:
    if saved is None:
        return None
    if isinstance(saved, dict):
        return frozenset((kind, _content_from(inner)) for kind, inner in saved["elements"])
    attributes, children = saved
    return tuple((name, kind) for name, kind in attributes), tuple(map(_content_from, children))


def _values(values: Values) -> dict[str, Any]:
    return {
        "distinct": _plain(values.distinct),
        "firsts": _plain(values.firsts),
        "recent": _plain(values.recent),
        "full": values.is_full,
    }


def _plain(values: Iterable[Value]) -> list[Value]:
    """Values as JSON has them; a decimal as a list of its text."""
    kept = (value for value in values if isinstance(value, str | int | float | Decimal) and not _is_too_long(value))
    return [[str(value)] if isinstance(value, Decimal) else value for value in kept]


def _is_too_long(value: object) -> bool:
    """Whether Python refuses to write it: integers of more than 4 300 digits."""
    return isinstance(value, int) and value.bit_length() > 14_000


def _read(saved: list[Any]) -> list[Value]:
    return [Decimal(value[0]) if isinstance(value, list) else value for value in saved]


def _values_from(saved: dict[str, Any]) -> Values:
    recent: deque[Value] = deque(_read(saved["recent"]), maxlen=RECENT)
    return Values(set(_read(saved["distinct"])), _read(saved["firsts"]), recent, saved["full"])


def _objects(objects: Objects) -> dict[str, Any]:
    return {
        "signatures": [[list(map(list, s.attributes)), _span(s.span)] for s in objects.signatures.values()],
        "values": {name: _values(values) for name, values in objects.values.items()},
        "objects": {name: _objects(inner) for name, inner in objects.objects.items()},
        "elements": {name: _elements(inner) for name, inner in objects.elements.items()},
        "kept": None if objects.kept is None else sorted(objects.kept),
        "rest": None if objects.rest is None else _elements(objects.rest),
    }


def _fill_objects(objects: Objects, saved: dict[str, Any]) -> None:
    if saved["kept"] is not None:
        objects.collapse(frozenset(saved["kept"]))
    for attributes, span in saved["signatures"]:
        objects.add_signature(tuple((name, kind) for name, kind in attributes)).span = _span_from(span)
    for name, values in saved["values"].items():
        # Into the values that signatures watch already.
        objects.values.setdefault(name, Values()).join(_values_from(values))
    for name, inner in saved["objects"].items():
        _fill_objects(objects.objects[name], inner)
    for name, inner in saved["elements"].items():
        _fill_elements(objects.elements[name], inner)
    if saved["rest"] is not None and objects.rest is not None:
        _fill_elements(objects.rest, saved["rest"])


def _elements(elements: Elements) -> dict[str, Any]:
    return {
        "kinds": {kind: _span(span) for kind, span in elements.kinds.items()},
        "values": _values(elements.values),
        "objects": None if elements.objects is None else _objects(elements.objects),
        "elements": None if elements.elements is None else _elements(elements.elements),
    }


def _fill_elements(elements: Elements, saved: dict[str, Any]) -> None:
    elements.kinds = {kind: _span_from(span) for kind, span in saved["kinds"].items()}
    elements.values.join(_values_from(saved["values"]))
    personal: Callable[[str], bool] = elements.is_personal
    if saved["objects"] is not None:
        elements.objects = Objects(elements.path, personal, elements.depth + 1)
        _fill_objects(elements.objects, saved["objects"])
    if saved["elements"] is not None:
        elements.elements = Elements(elements.path + "[]", personal, elements.depth + 1)
        _fill_elements(elements.elements, saved["elements"])
