"""The steps that a method ``upcast_vX_vY(state)`` takes, where its statements are simple enough to be read.

So that an upcast can be shown and checked without running anybody's code: what is not understood to the last statement
is not translated at all, and stays a function.
"""

from __future__ import annotations

import ast

from esviewer.catalogue.model import Step
from esviewer.catalogue.paths import member
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.domain import Value


class _NotSimple(Exception):
    pass


def translated(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Step, ...] | None:
    """The steps of an upcast method; ``None`` if any of its statements does something else."""
    names = [argument.arg for argument in function.args.args]
    is_static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    state = names[0] if is_static and names else names[1] if len(names) > 1 else None
    if state is None:
        return None
    try:
        steps = [step for statement in function.body for step in _steps(statement, state)]
    except _NotSimple:
        return None
    return parse_steps(steps)


_OUTSIDE = frozenset(
    {
        "now", "utcnow", "today", "time", "time_ns", "monotonic",
        "random", "randint", "choice", "uniform", "uuid1", "uuid4", "token_hex", "token_urlsafe", "urandom",
        "open", "read_text", "read_bytes", "getenv", "environ",
        "execute", "fetchone", "fetchall", "connect", "cursor", "objects", "urlopen", "requests", "httpx",
    }
)  # fmt: skip
"""Names of clocks, chance, files, databases and the network. A guess by name: there is no telling without running."""


def outside_reads(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[str, ...]:
    """What the source of an upcast method seems to read outside its event, as ``datetime.now (line 12)``."""
    found: list[tuple[int, int, str]] = []
    for node in ast.walk(function):
        # What belongs to the payload are items, not attributes.
        if isinstance(node, ast.Attribute) and node.attr in _OUTSIDE:
            found.append((node.lineno, node.col_offset, ast.unparse(node)))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OUTSIDE:
            found.append((node.lineno, node.col_offset, node.func.id))
    return tuple(dict.fromkeys(f"{text} (line {line})" for line, _, text in sorted(found)))


def _steps(statement: ast.stmt, state: str) -> list[Value]:
    if isinstance(statement, ast.Pass):
        return []
    if isinstance(statement, ast.Return) and (statement.value is None or _is_state(statement.value, state)):
        return []
    if isinstance(statement, ast.Expr):
        return _expression(statement.value, state)
    if isinstance(statement, ast.Delete):
        return [{"drop": [_key(target, state) for target in statement.targets]}]
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return [_assignment(_key(statement.targets[0], state), statement.value, state)]
    if isinstance(statement, ast.If) and not statement.orelse:
        return _guarded(statement, state)
    raise _NotSimple


def _expression(value: ast.expr, state: str) -> list[Value]:
    if isinstance(value, ast.Constant):
        return []  # a docstring
    called = _call(value, state)
    if called is None:
        raise _NotSimple
    method, name, arguments = called
    if method == "pop":
        return [{"drop": name}]
    if method == "setdefault":
        return [{"default": {name: _constant(arguments[0]) if arguments else None}}]
    raise _NotSimple


def _assignment(name: str, value: ast.expr, state: str) -> Value:
    called = _call(value, state)
    if called is not None:
        method, other, arguments = called
        if method == "pop" and not arguments:
            return {"rename": {other: name}}
        raise _NotSimple
    if isinstance(value, ast.Subscript):
        return {"copy": {_key(value, state): name}}
    return {"set": {name: _constant(value)}}


def _guarded(statement: ast.If, state: str) -> list[Value]:
    """``if "x" not in state: state["x"] = constant``."""
    test = statement.test
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.NotIn)):
        raise _NotSimple
    if not _is_state(test.comparators[0], state) or len(statement.body) != 1:
        raise _NotSimple
    (inner,) = statement.body
    if not isinstance(inner, ast.Assign) or len(inner.targets) != 1:
        raise _NotSimple
    name = _key(inner.targets[0], state)
    if member("", str(_constant(test.left))) != name:
        raise _NotSimple
    return [{"default": {name: _constant(inner.value)}}]


def _call(value: ast.expr, state: str) -> tuple[str, str, list[ast.expr]] | None:
    """``state.pop("x", …)`` as method, path and further arguments."""
    if not (isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute)):
        return None
    if not _is_state(value.func.value, state) or not value.args or value.keywords:
        return None
    return value.func.attr, member("", _text(value.args[0])), value.args[1:]


def _key(target: ast.expr, state: str) -> str:
    if not (isinstance(target, ast.Subscript) and _is_state(target.value, state)):
        raise _NotSimple
    return member("", _text(target.slice))


def _is_state(node: ast.expr, state: str) -> bool:
    return isinstance(node, ast.Name) and node.id == state


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        return node.value
    raise _NotSimple


def _constant(node: ast.expr) -> Value:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise _NotSimple from None
    if not _is_plain(value):
        raise _NotSimple
    return value


def _is_plain(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | int | float | bool)
