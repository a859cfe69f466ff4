"""From the tree of a YAML file to a catalogue, with a note for everything that is wrong or not understood.

The tree is ruamel.yaml's, which knows the line of every key.
"""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast, get_args

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from esviewer.catalogue.model import (
    AUTO,
    MISSING,
    UNSET,
    Attribute,
    Catalogue,
    Erased,
    EventType,
    Ignored,
    Origin,
    Step,
    TypeVersion,
    Upcaster,
    Version,
    VersionRule,
    VersionSource,
    _Unset,
    version_of,
)
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.catalogue.steps import StepError
from esviewer.domain import Value

_TYPES: Final = {
    **{name: name for name in ("any", "array", "bool", "bytes", "int", "number", "object", "string")},
    "integer": "int",
    "boolean": "bool",
    "float": "number",
    "double": "number",
    "decimal": "number",
    "str": "string",
    "text": "string",
    "list": "array",
    "dict": "object",
    "map": "object",
}
_TOP = ("types", "snapshots", "ignored", "erased", "version_from", "inferred", "origin")
_TYPE = (
    "aliases", "current", "starts_stream", "ends_stream", "note", "version_from", "versions", "upcasters",
)  # fmt: skip
_ATTRIBUTE = (
    "type", "required", "nullable", "personal", "default", "enum", "minimum", "maximum", "min_length", "max_length",
    "min_items", "max_items", "pattern", "note", "attributes", "open", "items",
)  # fmt: skip
_ARGUED = ("metadata", "field", "type")
_DEEPEST: Final = 40
"""Levels of attributes in attributes; drift and inference look at 30."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is wrong, or was passed over; the sentence says what to do. ``line`` counts from 1."""

    line: int | None
    sentence: str

    def __str__(self) -> str:
        where = f", line {self.line}" if self.line is not None else ""
        return f"{where}: {self.sentence}"


def plain(value: object) -> Value:
    """A node of the tree as Python's own kinds; dates as their texts."""
    if isinstance(value, Mapping):
        return {plain(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    # ruamel's numbers and texts are subclasses, which keep how they were written.
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value.isoformat() if isinstance(value, datetime.date) else str(value)


def read_catalogue(tree: object) -> tuple[Catalogue, list[Note], list[Note]]:
    """The catalogue with its mistakes and warnings; with mistakes it holds what could be understood."""
    reading = _Reading()
    catalogue = reading.catalogue(tree)
    return catalogue, reading.mistakes, reading.warnings


class _Reading:
    def __init__(self) -> None:
        self.mistakes: list[Note] = []
        self.warnings: list[Note] = []

    def catalogue(self, tree: object) -> Catalogue:
        if tree is None:
            tree = CommentedMap()
        top = self._map(tree, "the file", None, "it begins with types:")
        self._known(top, _TOP, "the catalogue")
        types = self._types(top, "types")
        self._unique(types)
        rule = self._rule(top) or AUTO
        origin = plain(top.get("origin", "file"))
        if origin not in get_args(Origin):
            self._wrong(_line(top, "origin"), f"origin is one of {', '.join(get_args(Origin))}")
            origin = "file"
        return Catalogue(
            types=types,
            ignored=self._ignored(top),
            erased=tuple(self._erased(top)),
            snapshots=self._types(top, "snapshots"),
            version_rule=rule,
            inferred=self._flag(top, "inferred", False),
            origin=cast(Origin, origin),
        )

    # Notes

    def _wrong(self, line: int | None, sentence: str) -> None:
        self.mistakes.append(Note(line, sentence + "."))

    def _known(self, node: CommentedMap, known: Sequence[str], where: str) -> None:
        for key in node:
            if key not in known:
                close = difflib.get_close_matches(str(key), known, 1)
                advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}."
                self.warnings.append(Note(_line(node, key), f"{key} is not known in {where} and passed over; {advice}"))

    # Kinds of nodes

    def _map(self, node: object, what: str, line: int | None, example: str) -> CommentedMap:
        if isinstance(node, CommentedMap):
            return node
        if node is not None:
            self._wrong(line, f"{what} is {_kind(node)}, where names with values are wanted: {example}")
        return CommentedMap()

    def _list(self, parent: CommentedMap, key: str, example: str) -> CommentedSeq:
        node = parent.get(key)
        if isinstance(node, CommentedSeq):
            return node
        if node is not None:
            self._wrong(_line(parent, key), f"{key} is {_kind(node)}, where a list is wanted: {example}")
        return CommentedSeq()

    def _flag(self, node: CommentedMap, key: str, default: bool) -> bool:
        value = node.get(key, default)
        if not isinstance(value, bool):
            self._wrong(_line(node, key), f"{key} is {_kind(value)}, where true or false is wanted")
            return default
        return value

    def _text(self, node: CommentedMap, key: str) -> str | None:
        value = plain(node.get(key))
        if value is not None and not isinstance(value, str):
            self._wrong(_line(node, key), f"{key} is {_kind(value)}, where a text is wanted: put it in quotes")
            return None
        return value

    def _version(self, value: object, line: int | None) -> Version:
        held = plain(value)
        try:
            return version_of(held)
        except ValueError:
            advice = f'write it in quotes, "{value}"' if isinstance(held, float) else "give a whole number or a text"
            self._wrong(line, f"{value} is read as {_kind(held)} and can be no version: {advice}")
            return None

    # Types

    def _types(self, top: CommentedMap, key: str) -> dict[str, EventType]:
        raw = top.get(key)
        if isinstance(raw, CommentedSeq):
            # Names alone.
            return {name: EventType(name, line=_line(top, key)) for name in self._names(top, key)}
        node = self._map(raw, key, _line(top, key), "OrderPlaced: {current: 1}")
        return {str(name): self._type(str(name), node[name], _line(node, name)) for name in node}

    def _type(self, name: str, raw: object, line: int | None) -> EventType:
        node = self._map(raw, f"type {name}", line, "{current: 1}")
        self._known(node, _TYPE, f"type {name}")
        versions = self._versions(name, node)
        upcasters = tuple(self._upcasters(name, node))
        current: Version | _Unset = UNSET
        if "current" in node:
            current = self._version(node["current"], _line(node, "current"))
        elif versions or upcasters:
            current = self._latest(name, versions, upcasters, line)
        return EventType(
            name=name,
            aliases=tuple(self._names(node, "aliases")),
            current=current,
            versions=versions,
            upcasters=upcasters,
            version_rule=self._rule(node),
            starts_stream=self._flag(node, "starts_stream", False),
            ends_stream=self._flag(node, "ends_stream", False),
            note=self._text(node, "note"),
            line=line,
        )

    def _latest(
        self, name: str, versions: Mapping[Version, TypeVersion], upcasters: Sequence[Upcaster], line: int | None
    ) -> Version | _Unset:
        """The current version where none is given: the greatest number, or the only one."""
        known = {*versions, *(edge.target for edge in upcasters if edge.target_type in (None, name))}
        if len(known) == 1:
            return next(iter(known))
        numbers = [version for version in known if isinstance(version, int)]
        if known and len(numbers) == len(known):
            return max(numbers)
        self._wrong(line, f"type {name} has several versions: say which one is current")
        return UNSET

    def _names(self, node: CommentedMap, key: str) -> Iterator[str]:
        listed = self._list(node, key, '["shop.orders:OrderPlaced"]')
        for index, value in enumerate(listed):
            if isinstance(value, str):
                yield str(value)
            else:
                self._wrong(_line(listed, index), f"{value} in {key} is {_kind(value)}, where a text is wanted")

    def _unique(self, types: Mapping[str, EventType]) -> None:
        owners: dict[str, str] = {}
        for known in types.values():
            for alias in known.aliases:
                if alias in types and alias != known.name:
                    self._wrong(
                        known.line, f"{alias} is a type of its own, so that it cannot be an alias of {known.name}"
                    )
                elif owners.setdefault(alias, known.name) != known.name:
                    self._wrong(known.line, f"{alias} is an alias of both {owners[alias]} and {known.name}: choose one")

    def _versions(self, name: str, parent: CommentedMap) -> dict[Version, TypeVersion]:
        example = "3: {attributes: {total: number}}"
        node = self._map(parent.get("versions"), f"versions of {name}", _line(parent, "versions"), example)
        found: dict[Version, TypeVersion] = {}
        for key in node:
            line = _line(node, key)
            version = self._version(key, line)
            if version in found:
                self._wrong(line, f"version {key} of {name} stands there twice")
            found[version] = self._shape(node[key], f"version {key} of {name}", line)
        return found

    def _shape(self, raw: object, where: str, line: int | None) -> TypeVersion:
        node = self._map(raw, where, line, "{attributes: {total: number}}")
        self._known(node, ("open", "attributes"), where)
        return TypeVersion(self._attributes(node, where), self._flag(node, "open", True))

    def _attributes(self, parent: CommentedMap, where: str, depth: int = 0) -> dict[str, Attribute]:
        node = self._map(
            parent.get("attributes"), f"attributes of {where}", _line(parent, "attributes"), "total: number"
        )
        if depth > _DEEPEST:
            self._wrong(_line(parent, "attributes"), f"attributes of {where} are nested deeper than {_DEEPEST} levels")
            return {}
        return {
            str(name): self._attribute(node[name], f"{name} of {where}", _line(node, name), depth + 1) for name in node
        }

    def _attribute(self, raw: object, where: str, line: int | None, depth: int) -> Attribute:
        if raw is None or isinstance(raw, str | CommentedSeq):
            types, nullable = self._kinds(plain(raw), where, line)
            return Attribute(types, nullable=nullable)
        node = self._map(raw, where, line, "{type: number, required: true}")
        self._known(node, _ATTRIBUTE, where)
        types, nullable = self._kinds(plain(node.get("type")), where, _line(node, "type") or line)
        enum = plain(self._list(node, "enum", "[EUR, USD]")) if "enum" in node else None
        inner = self._attributes(node, where, depth) if "attributes" in node else None
        items, items_line = node.get("items"), _line(node, "items")
        if depth > _DEEPEST and items is not None:
            self._wrong(items_line, f"items of {where} are nested deeper than {_DEEPEST} levels")
            items = None
        return Attribute(
            types=types,
            required=self._flag(node, "required", False),
            nullable=self._flag(node, "nullable", False) or nullable,
            default=plain(node["default"]) if "default" in node else MISSING,
            enum=tuple(enum) if isinstance(enum, list) else None,
            personal=self._flag(node, "personal", False),
            attributes=inner,
            open=self._flag(node, "open", True),
            items=None if items is None else self._attribute(items, f"items of {where}", items_line, depth + 1),
            note=self._text(node, "note"),
            **self._limits(node),
        )

    def _kinds(self, raw: Value, where: str, line: int | None) -> tuple[tuple[str, ...], bool]:
        """Settled types and whether null is among them."""
        listed = raw if isinstance(raw, list) else [] if raw is None else [raw]
        nullable, types = False, set[str]()
        for one in listed:
            text = str(one).lower() if one is not None else "null"
            if text == "null" or text.endswith("?"):
                nullable = True
                text = text.removesuffix("?")
            if text == "null":
                continue
            if text not in _TYPES:
                known = ", ".join(sorted(set(_TYPES.values())))
                self._wrong(line, f"{one} is no type of an attribute ({where}): there are {known}")
                continue
            types.add(_TYPES[text])
        if "any" in types:
            return (), True
        if not types:
            return (), True
        return tuple(sorted(types - {"int"} if "number" in types else types)), nullable

    def _limits(self, node: CommentedMap) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in ("minimum", "maximum", "min_length", "max_length", "min_items", "max_items"):
            value = plain(node.get(key))
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                self._wrong(_line(node, key), f"{key} is {_kind(value)}, where a number is wanted")
            else:
                found[key] = value
        pattern = self._text(node, "pattern")
        if pattern is not None and self._is_regex(pattern, _line(node, "pattern")):
            found["pattern"] = pattern
        return found

    def _is_regex(self, text: str, line: int | None) -> bool:
        try:
            re.compile(text)
        except re.error as wrong:
            self._wrong(line, f"{text!r} is no regular expression: {wrong}")
            return False
        return True

    # Upcasters

    def _upcasters(self, name: str, parent: CommentedMap) -> Iterator[Upcaster]:
        example = "[{from: 1, to: 2, steps: [{rename: {due: due_on}}]}]"
        listed = self._list(parent, "upcasters", example)
        for index, raw in enumerate(listed):
            line = _line(listed, index)
            where = f"an upcaster of {name}"
            node = self._map(raw, where, line, "{from: 1, to: 2, steps: []}")
            self._known(node, ("from", "to", "type", "steps", "function", "reads"), where)
            if "from" not in node or "to" not in node:
                self._wrong(line, f"{where} names no versions: it begins with from: 1, to: 2")
                continue
            function = self._text(node, "function")
            if function is not None and ":" not in function:
                self._wrong(line, f"{function} names no function: write module:name")
            yield Upcaster(
                self._version(node["from"], _line(node, "from")),
                self._version(node["to"], _line(node, "to")),
                self._steps(node, where),
                function,
                self._text(node, "type"),
                tuple(self._names(node, "reads")),
                line,
            )

    def _steps(self, node: CommentedMap, where: str) -> tuple[Step, ...]:
        steps: list[Step] = []
        listed = self._list(node, "steps", "[{default: {currency: EUR}}]")
        try:
            steps += parse_steps(plain(listed))
        except StepError as wrong:
            self._wrong(_line(node, "steps"), f"{where}: {wrong}")
        return tuple(steps)

    def _rule(self, node: CommentedMap) -> VersionRule | None:
        raw = plain(node.get("version_from"))
        line = _line(node, "version_from")
        if raw is None:
            return None
        if isinstance(raw, str) and raw in get_args(VersionSource) and raw != "type":
            return VersionRule(cast(VersionSource, raw))
        if isinstance(raw, dict) and len(raw) == 1:
            ((source, argument),) = raw.items()
            if source in _ARGUED and isinstance(argument, str):
                if source != "type":
                    return VersionRule(cast(VersionSource, source), argument)
                if self._is_regex(argument, line):
                    if "n" in re.compile(argument).groupindex:
                        return VersionRule("type", argument)
                    self._wrong(line, f"{argument!r} has no group n for the number of the version: write (?P<n>\\d+)")
                return None
        self._wrong(
            line, "version_from is auto, column, suffix, shape, {metadata: path}, {field: name} or {type: regex}"
        )
        return None

    # What is passed over, what was removed

    def _ignored(self, top: CommentedMap) -> dict[str, Ignored]:
        raw = top.get("ignored")
        if isinstance(raw, CommentedSeq):
            return {str(name): Ignored(str(name)) for name in raw}
        node = self._map(raw, "ignored", _line(top, "ignored"), 'DebugPing: {reason: "load test"}')
        found = {}
        for name in node:
            inner = self._map(node[name], f"ignored {name}", _line(node, name), '{reason: "load test"}')
            self._known(inner, ("reason", "by", "date"), f"ignored {name}")
            texts = {key: str(plain(inner[key])) for key in ("reason", "by", "date") if inner.get(key) is not None}
            found[str(name)] = Ignored(str(name), **texts)
        return found

    def _erased(self, top: CommentedMap) -> Iterator[Erased]:
        listed = self._list(top, "erased", '[{stream: user-9, attributes: [email], reason: "request 114"}]')
        for index, raw in enumerate(listed):
            line = _line(listed, index)
            node = self._map(raw, "an erasure", line, "{stream: user-9, attributes: [email]}")
            self._known(node, ("stream", "type", "position", "positions", "attributes", "reason"), "an erasure")
            positions = plain(node.get("positions", [])) or []
            if "position" in node:
                positions = [*(positions if isinstance(positions, list) else [positions]), plain(node["position"])]
            if not isinstance(positions, list) or not all(type(p) in (int, str) for p in positions):
                self._wrong(line, "positions of an erasure are numbers: write positions: [7, 9]")
                positions = []
            # A stream may be called 9.
            stream = None if node.get("stream") is None else str(plain(node["stream"]))
            if stream is None and not positions and "type" not in node:
                self._wrong(line, "an erasure names a stream, a type or positions")
                continue
            attributes = tuple(self._names(node, "attributes"))
            reason = None if node.get("reason") is None else str(plain(node["reason"]))
            yield Erased(stream, self._text(node, "type"), frozenset(positions), attributes, reason)


def _line(node: CommentedMap | CommentedSeq, key: object) -> int | None:
    """The line of a key or an element, from 1."""
    data = node.lc.data
    if data is None or key not in data:
        return node.lc.line + 1 if key in node and node.lc.line is not None else None
    return int(data[key][0]) + 1


def _kind(value: object) -> str:
    kinds = {dict: "names with values", list: "a list", str: "a text", bool: "true or false", type(None): "empty"}
    held = plain(value)
    return kinds.get(type(held), "a number")
