"""What a handler asks of the events it is given, told from its code without running it.

It says which attributes of a payload need be Python's values in a replay, and what a changed attribute would touch. Of
Python only what is certain counts: an event that is handed on, or whose payload is used as a whole, may be read in any
way. The code that was read is compiled and compared with the code that runs.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import CodeType, FunctionType
from typing import Any, Final

import jmespath
from jmespath.exceptions import JMESPathError

from esviewer.domain import Value
from esviewer.projections.definition import LATER

_FIELDS: Final = LATER | {"position", "stream", "version", "type", "recorded_at", "place", "part", "undecodable"}
_DOORS: Final = frozenset({"locals", "vars", "eval", "exec", "globals", "dir", "sys", "gc", "inspect", "traceback"})
"""Names by which a function comes to its own variables."""


@dataclass(frozen=True, slots=True)
class Reads:
    """Attributes of the payload and fields of the event that are asked for; ``None`` where it may be any."""

    attributes: frozenset[str] | None = frozenset()
    fields: frozenset[str] | None = frozenset()

    def __or__(self, other: Reads) -> Reads:
        return Reads(_both(self.attributes, other.attributes), _both(self.fields, other.fields))


ANYTHING: Final = Reads(None, None)


def _both(left: frozenset[str] | None, right: frozenset[str] | None) -> frozenset[str] | None:
    return None if left is None or right is None else left | right


def of_handler(handler: Callable[..., object]) -> Reads:
    """What a handler reads: it says so itself (steps), or its code does."""
    known = getattr(handler, "reads", None)
    if isinstance(known, Reads):
        return known
    function = getattr(handler, "__func__", None)
    if not isinstance(function, FunctionType):
        return ANYTHING
    return _of_function(function, type(getattr(handler, "__self__", None)), 0)


# Python


def _of_function(function: FunctionType, owner: type, depth: int) -> Reads:
    node = _node_of(function)
    arguments = None if node is None else node.args
    if node is None or arguments is None or len(arguments.args) != 2 or arguments.vararg or arguments.kwarg:
        return ANYTHING
    reading = _Reading(arguments.args[1].arg, node, depth, lambda name: _above(function, owner, name))
    return reading.result() if depth < 20 else ANYTHING


def _node_of(function: FunctionType) -> ast.FunctionDef | None:
    """The function in the text of its file; ``None`` unless that text is what was compiled."""
    code = function.__code__
    source = "".join(linecache.getlines(code.co_filename, function.__globals__))
    try:
        tree, compiled = _parsed(source, code.co_filename)
    except (SyntaxError, ValueError, RecursionError):
        return None
    if not any(found == code for found in _codes(compiled)):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
            if first == code.co_firstlineno:
                return node
    return None


@cache
def _parsed(source: str, name: str) -> tuple[ast.Module, CodeType]:
    return ast.parse(source), compile(source, name, "exec", dont_inherit=True)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _above(function: FunctionType, owner: type, name: str) -> tuple[FunctionType, type] | None:
    """The function that ``super().name`` is in a function of a class."""
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
    kind = cells["__class__"].cell_contents if "__class__" in cells else None
    line = owner.__mro__
    if kind not in line:
        return None
    for above in line[line.index(kind) + 1 :]:
        if name in vars(above):
            found = vars(above)[name]
            return (found, owner) if isinstance(found, FunctionType) else None
    return None


class _Anything(Exception):
    """The event goes somewhere where it cannot be followed."""


class _Reading:
    """Follows the event, and the names that its payload is given, through one function."""

    def __init__(
        self,
        event: str,
        node: ast.FunctionDef,
        depth: int,
        above: Callable[[str], tuple[FunctionType, type] | None],
    ) -> None:
        self._event = event
        self._node = node
        self._depth = depth
        self._above = above
        self._attributes: set[str] = set()
        self._fields: set[str] = set()
        self._more = Reads()
        self._uses_whole_payload = False
        self._aliases = self._names_of_payload()

    def result(self) -> Reads:
        try:
            for statement in self._node.body:
                self._visit(statement)
        except _Anything:
            return ANYTHING
        attributes = None if self._uses_whole_payload else frozenset(self._attributes)
        return Reads(attributes, frozenset(self._fields)) | self._more

    def _names_of_payload(self) -> set[str]:
        """Local names that are given ``event.data`` and nothing else, ever."""
        stored: dict[str, int] = {}
        for node in ast.walk(self._node):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                stored[node.id] = stored.get(node.id, 0) + 1
            elif isinstance(node, ast.Global | ast.Nonlocal):
                stored |= dict.fromkeys(node.names, 2)
        return {
            target.id
            for node in ast.walk(self._node)
            if isinstance(node, ast.Assign) and len(node.targets) == 1 and self._is_payload_itself(node.value)
            for target in node.targets
            if isinstance(target, ast.Name) and stored[target.id] == 1 and target.id != self._event
        }

    def _is_payload_itself(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr == "data" and self._is_event(node.value)

    def _is_event(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._event

    def _is_payload(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self._aliases and isinstance(node.ctx, ast.Load)
        return self._is_payload_itself(node) and isinstance(getattr(node, "ctx", None), ast.Load)

    def _visit(self, node: ast.AST) -> None:
        rest = self._known_use(node)
        for child in ast.iter_child_nodes(node) if rest is None else rest:
            self._visit(child)

    def _known_use(self, node: ast.AST) -> Iterable[ast.AST] | None:
        """Notes a use that is understood, and returns what of the node is left to be looked at."""
        match node:
            case ast.arg(arg=name) if name == self._event or name in self._aliases:
                raise _Anything
            case ast.Name(id=name) if name == self._event or name in _DOORS:
                raise _Anything
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name)), ctx=ast.Load()):
                return self._attribute(value, name, [])
            case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[ast.Constant(value=str(name)), *more]):
                return self._attribute(value, name, [*more, *node.keywords])
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[value]):
                return self._attribute(value, name, [])
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in self._aliases:
                self._fields.add("data")
                return ()
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr=name)):
                return self._super(node, name)
            case ast.Attribute(value=value, attr=name, ctx=context) if self._is_event(value):
                self._field(name, context)
                return ()
            case ast.Name() if self._is_payload(node):
                self._uses_whole_payload = True
        return None

    def _attribute(self, value: ast.AST, name: str, rest: list[ast.AST]) -> Iterable[ast.AST] | None:
        if not self._is_payload(value):
            return None
        self._fields.add("data")
        self._attributes.add(name)
        return rest

    def _field(self, name: str, context: ast.expr_context) -> None:
        if not isinstance(context, ast.Load) or (name not in _FIELDS and name != "data"):
            raise _Anything
        self._uses_whole_payload |= name == "data"
        self._fields.add(name)

    def _super(self, node: ast.Call, name: str) -> Iterable[ast.AST] | None:
        if node.keywords or len(node.args) != 1 or not self._is_event(node.args[0]):
            return None
        found = self._above(name)
        if found is None:
            raise _Anything
        self._more |= _of_function(*found, self._depth + 1)
        return ()


# Expressions


def of_expressions(given: Iterable[Value]) -> Reads:
    """What the expressions of a file of steps read: texts are JMESPath, all else stands for itself."""
    found = Reads()
    for raw in given:
        if isinstance(raw, str):
            found |= _of_expression(raw)
    return found


def _of_expression(text: str) -> Reads:
    try:
        return _of_tree(jmespath.compile(text).parsed)
    except (JMESPathError, ValueError, RecursionError):
        return ANYTHING


_RELATIVE: Final = frozenset({"expref", "literal", "index", "slice"})
_FIRST_ONLY: Final = frozenset(
    {"index_expression", "projection", "value_projection", "filter_projection", "flatten", "pipe"}
)
"""Nodes of which only the first child looks at the event; the others look at what that found."""


def _of_tree(node: Mapping[str, Any]) -> Reads:
    """What an expression reads that is applied to the event itself; kinds of nodes as in jmespath/ast.py, 1.0."""
    kind, children = node["type"], node.get("children", [])
    if kind == "field":
        return _of_root(node["value"])
    if kind in ("current", "identity"):
        return ANYTHING
    if kind in _RELATIVE:
        return Reads()
    if kind == "subexpression":
        first, *names = children
        name = _first_name(names[0]) if names else None
        if first["type"] == "field" and first["value"] == "data" and name is not None:
            return Reads(frozenset({name}), frozenset({"data"}))
        return _of_tree(first)
    found = Reads()
    for child in children[:1] if kind in _FIRST_ONLY else children:
        found |= _of_tree(child)
    return found


def _first_name(node: Mapping[str, Any]) -> str | None:
    """The attribute that a part of a path begins with."""
    while node["type"] in _FIRST_ONLY:
        node = node["children"][0]
    return str(node["value"]) if node["type"] == "field" else None


def _of_root(name: str) -> Reads:
    if name == "data":
        return Reads(None, frozenset({"data"}))
    if name == "row":
        return Reads()
    return Reads(frozenset(), frozenset({"metadata" if name == "meta" else name}))
