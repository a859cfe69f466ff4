"""The code that a projection has for an event type, read from its source without running it."""

from __future__ import annotations

import ast
import textwrap

from esviewer.projections.naming import Named


def handler_code(projection: Named, event_type: str) -> tuple[str, ...] | None:
    """The lines of the handler for a type, as it is named in ``@on``; ``None`` where it cannot be told.

    Declarative and SQL projections have no handlers. A handler that a class inherits, or that names its type by
    something else than a text, is not found.
    """
    if projection.kind != "python":
        return None
    try:
        source = projection.read().decode("utf-8")
        tree = ast.parse(source)
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and projection.member in (None, node.name):
            for function in node.body:
                if isinstance(function, ast.FunctionDef) and _is_for(function, event_type):
                    return _lines(source, function)
    return None


def _is_for(function: ast.FunctionDef, event_type: str) -> bool:
    """Whether a method has a decorator ``on(…)`` with the name of the type."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call):
            called = decorator.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
            told = [one.value for one in decorator.args if isinstance(one, ast.Constant)]
            if name == "on" and event_type in told:
                return True
    return False


def _lines(source: str, function: ast.FunctionDef) -> tuple[str, ...]:
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    lines = source.splitlines()[first - 1 : function.end_lineno]
    return tuple(textwrap.dedent("\n".join(lines).expandtabs(4)).splitlines())
