"""Event types from JSON Schema and Avro files, where a team has them.

JSON Schema: draft 4 to 2020-12, ``$ref`` within the file, ``allOf``; of ``anyOf``/``oneOf`` the types. Avro: records,
enums, arrays, maps, unions with null, logical types as texts. What a file says beyond the catalogue is left out.
The type is the schema's ``title`` or ``$id``'s last part, for Avro the full name, else the name of the file; a version
is taken from the end of the name (``order_placed.v2.json``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from esviewer.catalogue.model import MISSING, Attribute, Catalogue, EventType, TypeVersion, Version
from esviewer.catalogue.versions import suffix
from esviewer.domain import NotFound, UsageError, Value

_JSON: Final = {
    "string": "string",
    "integer": "int",
    "number": "number",
    "boolean": "bool",
    "object": "object",
    "array": "array",
}
_AVRO: Final = {
    "string": "string",
    "bytes": "bytes",
    "fixed": "bytes",
    "int": "int",
    "long": "int",
    "float": "number",
    "double": "number",
    "boolean": "bool",
    "map": "object",
}
_LIMITS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_items",
    "maxItems": "max_items",
    "pattern": "pattern",
}
_DEEP: Final = 30
_ENDINGS: Final = (".avsc", ".schema.json", ".json")
_ANY: Final = Attribute(nullable=True)
_NULL: Final = Attribute(("null",), nullable=True)
"""Only on the way: see :func:`_settled`."""


@dataclass(frozen=True, slots=True)
class FromSchemas:
    """The catalogue and what could not be read, as sentences."""

    catalogue: Catalogue
    notes: tuple[str, ...]


def from_schemas(path: Path) -> FromSchemas:
    """The catalogue of a schema file, or of all below a folder; raises :class:`NotFound` if there is none."""
    if not path.exists():
        raise NotFound(f"There is no file or folder {path}.")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.name.endswith(_ENDINGS))
    types: dict[str, EventType] = {}
    notes: list[str] = []
    for file in files:
        try:
            name, version, shape = _read(file)
        except UsageError as wrong:
            notes.append(str(wrong))
            continue
        known = types.get(name) or EventType(name)
        if version in known.versions:
            notes.append(f"{file} is version {version} of {name} once more: the first is kept.")
            continue
        types[name] = replace(known, versions={**known.versions, version: shape})
    settled = {name: _with_current(known) for name, known in types.items()}
    return FromSchemas(Catalogue(settled, origin="schemas"), tuple(notes))


def _with_current(known: EventType) -> EventType:
    numbers = sorted(version for version in known.versions if isinstance(version, int))
    return replace(known, current=numbers[-1], versions={number: known.versions[number] for number in numbers})


def _read(file: Path) -> tuple[str, Version, TypeVersion]:
    """Type, version and shape of a file; raises :class:`UsageError`."""
    try:
        tree: Any = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as failure:
        raise UsageError(f"{file} cannot be read as JSON: {failure}.") from None
    stem = file.name
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    if isinstance(tree, dict) and tree.get("type") == "record":
        name, version = _named(
            f"{tree['namespace']}.{tree['name']}" if tree.get("namespace") else tree.get("name"), stem
        )
        return name, version, TypeVersion(_Avro().fields(tree))
    if isinstance(tree, dict) and (
        tree.get("type") == "object" or "properties" in tree or "allOf" in tree or "$ref" in tree
    ):
        name, version = _named(tree.get("title") or str(tree.get("$id", "")).rstrip("/").rpartition("/")[2], stem)
        attribute = _JsonSchema(tree).attribute(tree, 0)
        return name, version, TypeVersion(attribute.attributes or {}, attribute.open)
    raise UsageError(f"{file} describes no object: neither a JSON Schema with properties nor an Avro record.")


def _named(name: object, stem: str) -> tuple[str, int]:
    """The type and its version; the number at the end of the file's name counts where the schema has none."""
    given = str(name) if name else stem
    for ending in _ENDINGS:
        given = given.removesuffix(ending)
    own, file = suffix(given), suffix(stem)
    if own is not None:
        return own
    return given, file[1] if file is not None else 1


class _JsonSchema:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root

    def attribute(self, node: Any, depth: int) -> Attribute:
        """What a schema allows; anything where it is too deep, or not a schema."""
        if not isinstance(node, Mapping) or depth > _DEEP:
            return _ANY
        if "$ref" in node:
            target = self._resolved(str(node["$ref"]))
            return _ANY if target is None else self.attribute({**target, **_rest(node, "$ref")}, depth + 1)
        if isinstance(node.get("allOf"), list):
            return self.attribute(self._combined(node, depth), depth + 1)
        for word in ("anyOf", "oneOf"):
            if isinstance(node.get(word), list):
                return _union([self.attribute(one, depth + 1) for one in node[word]])
        return self._plain(node, depth)

    def _plain(self, node: Mapping[str, Any], depth: int) -> Attribute:
        given = node.get("type")
        listed = given if isinstance(given, list) else [given] if given is not None else []
        if listed == ["null"]:
            return _NULL
        types = {_JSON[one] for one in listed if one in _JSON}
        nullable = "null" in listed or node.get("nullable") is True or not listed
        enum = node.get("enum", [node["const"]] if "const" in node else None)
        if isinstance(enum, list) and None in enum and not listed:
            nullable = True
        limits = {ours: node[theirs] for theirs, ours in _LIMITS.items() if _is_limit(theirs, node.get(theirs))}
        inner = self._properties(node, depth) if "properties" in node else None
        items = node.get("items")
        return Attribute(
            types=tuple(sorted(types - {"int"} if "number" in types else types)),
            nullable=nullable,
            default=node.get("default", MISSING),
            enum=tuple(value for value in enum if value is not None) if isinstance(enum, list) else None,
            attributes=inner,
            open=node.get("additionalProperties", True) is not False or inner is None,
            items=_settled(self.attribute(items, depth + 1)) if isinstance(items, Mapping) else None,
            **limits,
        )

    def _properties(self, node: Mapping[str, Any], depth: int) -> dict[str, Attribute]:
        required = node.get("required")
        needed = set(map(str, required)) if isinstance(required, list) else set()
        properties = node["properties"]
        if not isinstance(properties, Mapping):
            return {}
        return {
            str(name): replace(_settled(self.attribute(inner, depth + 1)), required=name in needed)
            for name, inner in properties.items()
        }

    def _resolved(self, reference: str) -> Mapping[str, Any] | None:
        if not reference.startswith("#"):
            return None
        node: Any = self._root
        for part in reference[1:].strip("/").split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if name and isinstance(node, Mapping):
                node = node.get(name)
        return node if isinstance(node, Mapping) and node is not self._root else None

    def _combined(self, node: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """``allOf`` as one schema: properties and required names together."""
        result: dict[str, Any] = {}
        for part in [*node["allOf"], _rest(node, "allOf")]:
            if isinstance(part, Mapping) and "$ref" in part:
                part = {**(self._resolved(str(part["$ref"])) or {}), **_rest(part, "$ref")}
            if not isinstance(part, Mapping):
                continue
            if isinstance(part.get("allOf"), list) and depth < _DEEP:
                part = self._combined(part, depth + 1)
            properties = {**result.get("properties", {}), **part.get("properties", {})}
            required = [*result.get("required", []), *part.get("required", [])]
            result.update(part)
            if properties:
                result["properties"] = properties
            if required:
                result["required"] = required
        return result


def _rest(node: Mapping[str, Any], without: str) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name != without}


def _is_limit(name: str, value: object) -> bool:
    if name == "pattern":
        return isinstance(value, str)
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Avro:
    def __init__(self) -> None:
        self._named: dict[str, Any] = {}

    def fields(self, record: Mapping[str, Any], depth: int = 0) -> dict[str, Attribute]:
        """The fields of a record; all are stored, those with a default may be missing in older data."""
        self._note(record)
        found = {}
        fields = record.get("fields")
        for field in fields if isinstance(fields, list) else []:
            if isinstance(field, Mapping) and "name" in field:
                default: Value = field.get("default", MISSING)
                attribute = _settled(self._attribute(field.get("type"), depth + 1))
                found[str(field["name"])] = replace(attribute, required=True, default=default)
        return found

    def _note(self, node: Mapping[str, Any]) -> None:
        name = str(node.get("name", ""))
        self._named[name] = node
        if node.get("namespace"):
            self._named[f"{node['namespace']}.{name}"] = node

    def _attribute(self, node: Any, depth: int) -> Attribute:
        if depth > _DEEP:
            return _ANY
        if isinstance(node, list):
            return _union([_NULL if n == "null" else self._attribute(n, depth) for n in node])
        if isinstance(node, str):
            if node in self._named:
                return self._attribute(self._named[node], depth + 1)
            return _NULL if node == "null" else Attribute((_AVRO[node],)) if node in _AVRO else _ANY
        if not isinstance(node, Mapping):
            return _ANY
        kind = node.get("type")
        if "logicalType" in node:
            return _ANY  # how it is written depends on who writes it
        if kind == "record":
            return Attribute(("object",), attributes=self.fields(node, depth))
        if kind == "enum":
            self._note(node)
            symbols = node.get("symbols")
            return Attribute(("string",), enum=tuple(symbols) if isinstance(symbols, list) else None)
        if kind == "array":
            return Attribute(("array",), items=self._attribute(node.get("items"), depth + 1))
        if kind == "fixed":
            self._note(node)
        return self._attribute(kind, depth + 1)


def _settled(attribute: Attribute) -> Attribute:
    """Null alone is no type: nothing is known of what may come later."""
    return _ANY if attribute == _NULL else attribute


def _union(parts: list[Attribute]) -> Attribute:
    """What any of several allows; for several that are not null only their types."""
    real = [part for part in parts if part != _NULL]
    nullable = any(part.nullable for part in parts)
    if not real or any(part.is_any for part in real):
        return _ANY
    if len(real) == 1:
        return replace(real[0], nullable=nullable)
    types = {kind for part in real for kind in part.types}
    return Attribute(tuple(sorted(types - {"int"} if "number" in types else types)), nullable=nullable)
