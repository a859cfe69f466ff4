"""From Python annotations to attributes of the catalogue, without evaluating them.

What is stored of a value depends on the framework: uuids, datetimes and decimals are texts in a payload (as the
contract shows them), and of all that has a transcoding of its own nothing is said.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Final

from esviewer.catalogue.model import MISSING, Attribute
from esviewer.domain import Value

_PLAIN: Final = {
    "str": "string",
    "UUID": "string",
    "datetime": "string",
    "Decimal": "string",
    "EmailStr": "string",
    "int": "int",
    "float": "number",
    "bool": "bool",
    "dict": "object",
    "Dict": "object",
    "Mapping": "object",
    "TypedDict": "object",
}
_LISTS: Final = frozenset({"list", "List", "Sequence", "Iterable", "Collection", "MutableSequence"})
_TRANSPARENT: Final = frozenset({"Annotated", "Final", "Required", "Mapped"})
_ANY: Final = Attribute(nullable=True)


def attribute_of(annotation: ast.expr | None, default: ast.expr | None = None) -> Attribute:
    """The attribute that an annotation describes, always required: frameworks store every field, defaults too."""
    described = _described(annotation, 0)
    if described.types == ("null",):
        described = _ANY
    value: Value = MISSING
    if default is not None:
        value = _constant(default)
    # A default that cannot be read (a factory) still is one: the attribute may be missing.
    return replace(described, required=default is None or value is not MISSING, default=value)


def _constant(node: ast.expr) -> Value:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return MISSING
    return value if value is None or isinstance(value, str | int | float | bool | list | dict) else MISSING


def _described(node: ast.expr | None, depth: int) -> Attribute:
    if node is None or depth > 20:
        return _ANY
    if isinstance(node, ast.Constant):
        if node.value is None:
            return Attribute(types=("null",), nullable=True)
        if isinstance(node.value, str):
            return _described(_parsed(node.value), depth + 1)
        return _ANY
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return _union([_described(node.left, depth + 1), _described(node.right, depth + 1)])
    if isinstance(node, ast.Subscript):
        return _subscripted(node, depth)
    kind = _PLAIN.get(_last_name(node))
    if kind is not None:
        return Attribute(types=(kind,))
    return Attribute(types=("array",)) if _last_name(node) in _LISTS else _ANY


def _subscripted(node: ast.Subscript, depth: int) -> Attribute:
    name = _last_name(node.value)
    arguments = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if name == "Optional":
        return replace(_described(arguments[0], depth + 1), nullable=True)
    if name == "Union":
        return _union([_described(argument, depth + 1) for argument in arguments])
    if name in _TRANSPARENT:
        return _described(arguments[0], depth + 1)
    if name == "Literal":
        return _literal(arguments)
    if name in _LISTS:
        element = _described(arguments[0], depth + 1)
        return Attribute(types=("array",), items=None if element.types in ((), ("null",)) else element)
    kind = _PLAIN.get(name)
    return Attribute(types=(kind,)) if kind is not None else _ANY


def _literal(arguments: list[ast.expr]) -> Attribute:
    values = [_constant(argument) for argument in arguments]
    if any(value is MISSING for value in values):
        return _ANY
    kinds = {bool: "bool", int: "int", str: "string"}
    types = sorted({kinds[type(value)] for value in values if type(value) in kinds})
    kept = tuple(value for value in values if value is not None)
    return Attribute(types=tuple(types), nullable=None in values, enum=kept)


def _union(parts: list[Attribute]) -> Attribute:
    nullable = any(part.nullable for part in parts)
    real = [part for part in parts if part.types != ("null",)]
    if not real or any(part.is_any for part in real):
        return _ANY
    if len(real) == 1:
        return replace(real[0], nullable=nullable)
    types = {kind for part in real for kind in part.types if kind != "null"}
    return Attribute(types=tuple(sorted(types - {"int"} if "number" in types else types)), nullable=nullable)


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
