"""A catalogue as the plain objects that its file holds."""

from __future__ import annotations

from dataclasses import fields

from esviewer.catalogue.model import (
    AUTO,
    MISSING,
    Attribute,
    Catalogue,
    Erased,
    EventType,
    Ignored,
    TypeVersion,
    Upcaster,
    VersionRule,
    _Unset,
)
from esviewer.domain import Value

_PLAIN_LIMITS = ("minimum", "maximum", "min_length", "max_length", "min_items", "max_items", "pattern")


def catalogue_object(catalogue: Catalogue) -> dict[str, Value]:
    """The catalogue as its file has it: only what differs from the defaults, in the order of the format."""
    result: dict[str, Value] = {}
    if catalogue.inferred:
        result["inferred"] = True
    if catalogue.origin != "file":
        result["origin"] = catalogue.origin
    if catalogue.version_rule != AUTO:
        result["version_from"] = _rule(catalogue.version_rule)
    result["types"] = {name: type_object(known) for name, known in catalogue.types.items()}
    if catalogue.snapshots:
        result["snapshots"] = {name: type_object(known) for name, known in catalogue.snapshots.items()}
    if catalogue.ignored:
        result["ignored"] = {name: _ignored(ignored) for name, ignored in catalogue.ignored.items()}
    if catalogue.erased:
        result["erased"] = [_erased(erased) for erased in catalogue.erased]
    return result


def type_object(known: EventType) -> dict[str, Value]:
    """One type as the file has it."""
    result: dict[str, Value] = {}
    if known.aliases:
        result["aliases"] = list(known.aliases)
    if not isinstance(known.current, _Unset):
        result["current"] = known.current
    for flag in ("starts_stream", "ends_stream"):
        if getattr(known, flag):
            result[flag] = True
    if known.note is not None:
        result["note"] = known.note
    if known.version_rule is not None:
        result["version_from"] = _rule(known.version_rule)
    if known.versions:
        result["versions"] = {version: shape_object(shape) for version, shape in known.versions.items()}
    if known.upcasters:
        result["upcasters"] = [upcaster_object(edge) for edge in known.upcasters]
    return result


def shape_object(shape: TypeVersion) -> dict[str, Value]:
    """One version as the file has it."""
    return {"open": shape.open, "attributes": {name: attribute_object(a) for name, a in shape.attributes.items()}}


def upcaster_object(edge: Upcaster) -> dict[str, Value]:
    """One edge as the file has it."""
    result: dict[str, Value] = {"from": edge.source, "to": edge.target}
    if edge.target_type is not None:
        result["type"] = edge.target_type
    if edge.function is not None:
        result["function"] = edge.function
    if edge.steps:
        result["steps"] = [{step.name: step.arguments} for step in edge.steps]
    if edge.reads:
        result["reads"] = list(edge.reads)
    return result


def attribute_object(attribute: Attribute) -> dict[str, Value]:
    """One attribute as the file has it."""
    types = list(attribute.types) or ["any"]
    result: dict[str, Value] = {"type": types[0] if len(types) == 1 else types}
    for flag in ("required", "nullable", "personal"):
        if getattr(attribute, flag):
            result[flag] = True
    if attribute.default is not MISSING:
        result["default"] = attribute.default
    if attribute.enum is not None:
        result["enum"] = list(attribute.enum)
    for limit in (*_PLAIN_LIMITS, "note"):
        if getattr(attribute, limit) is not None:
            result[limit] = getattr(attribute, limit)
    if attribute.attributes is not None:
        result["attributes"] = {name: attribute_object(inner) for name, inner in attribute.attributes.items()}
    if not attribute.open:
        result["open"] = False
    if attribute.items is not None:
        result["items"] = attribute_object(attribute.items)
    return result


def _rule(rule: VersionRule) -> Value:
    return rule.source if rule.argument is None else {rule.source: rule.argument}


def _ignored(ignored: Ignored) -> dict[str, Value]:
    named = {field.name: getattr(ignored, field.name) for field in fields(ignored) if field.name != "type"}
    return {name: value for name, value in named.items() if value is not None}


def _erased(erased: Erased) -> dict[str, Value]:
    result: dict[str, Value] = {}
    for name in ("stream", "type", "reason"):
        if getattr(erased, name) is not None:
            result[name] = getattr(erased, name)
    if erased.positions:
        result["positions"] = sorted(erased.positions, key=lambda position: (isinstance(position, str), position))
    if erased.attributes:
        result["attributes"] = list(erased.attributes)
    return result
