"""Paths to attributes: ``a.b``, through the elements of arrays ``a.b[].c``, through map-like objects ``a.{*}``.

Names with dots, brackets or quotes are written ``["a.b"]``, as in the paths of states.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PLAIN = re.compile(r"[^.\[\]\"\\]+\Z")
_PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\.?([^.\[\]"\\]+)')
ITEMS = "[]"
ANY_KEY = "{*}"


def member(prefix: str, name: str) -> str:
    """The path of an attribute of an object."""
    if not _PLAIN.match(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{prefix}["{escaped}"]'
    return f"{prefix}.{name}" if prefix else name


def items(prefix: str) -> str:
    """The path of the elements of an array."""
    return prefix + ITEMS


def any_key(prefix: str) -> str:
    """The path of the values of a map-like object, whose keys are data."""
    return f"{prefix}.{ANY_KEY}" if prefix else ANY_KEY


@lru_cache(maxsize=4096)
def parse(path: str) -> tuple[str, ...]:
    """The names along a path of objects: ``a.b`` → ``("a", "b")``; raises ``ValueError`` for what is no such path."""
    names, at = [], 0
    while at < len(path):
        part = _PART.match(path, at)
        if part is None:
            raise ValueError(f"{path!r} is no path to an attribute")
        quoted, plain = part.groups()
        names.append(plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = part.end()
    if not names or path.startswith("."):
        raise ValueError(f"{path!r} is no path to an attribute")
    return tuple(names)
