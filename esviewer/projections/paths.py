"""Paths into a value (``a.b[0].c``), its leaves, and what differs between two values leaf by leaf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from esviewer.domain import Value

_PLAIN = re.compile(r"[^.\[\]\"\\]+\Z")


class _Missing:
    """Stands for "not there", which is different from ``None``."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Change:
    """One leaf that an event changed; ``before`` or ``after`` is :data:`MISSING` where it was not there."""

    path: str
    kind: Literal["added", "changed", "removed"]
    before: Value
    after: Value


def member(prefix: str, key: object) -> str:
    """The path of a member of an object; names with dots, brackets or quotes are written ``["a.b"]``."""
    name = str(key)
    if not _PLAIN.match(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{prefix}["{escaped}"]'
    return f"{prefix}.{name}" if prefix else name


def item(prefix: str, index: int) -> str:
    """The path of an element of a list."""
    return f"{prefix}[{index}]"


def leaves(value: Value, prefix: str = "") -> Iterator[tuple[str, Value]]:
    """All scalars and empty containers below a value with their paths, in order; deep values do not recurse."""
    stack: list[tuple[str, Value]] = [(prefix, value)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, dict) and node:
            stack.extend((member(path, key), child) for key, child in reversed(node.items()))
        elif isinstance(node, list | tuple) and node:
            stack.extend((item(path, i), node[i]) for i in range(len(node) - 1, -1, -1))
        else:
            yield path, node


def same(left: Value, right: Value) -> bool:
    """Whether two leaves are the same value: ``True`` is not 1, a NaN is itself."""
    if left is right:
        return True
    if isinstance(left, bool) or isinstance(right, bool):
        return False
    if isinstance(left, float) and isinstance(right, float) and left != left and right != right:
        return True
    return (type(left) is type(right) and left == right) or (_numbers(left, right) and left == right)


def _numbers(left: Value, right: Value) -> bool:
    return isinstance(left, int | float) and isinstance(right, int | float)


def changes(before: Value, after: Value, prefix: str = "") -> list[Change]:
    """The leaves that differ, in the order of ``after``, removed ones last."""
    if before is after:
        return []
    old = {} if before is MISSING else dict(leaves(before, prefix))
    new = {} if after is MISSING else dict(leaves(after, prefix))
    result: list[Change] = []
    for path, value in new.items():
        if path not in old:
            result.append(Change(path, "added", MISSING, value))
        elif not same(old[path], value):
            result.append(Change(path, "changed", old[path], value))
    result += [Change(path, "removed", value, MISSING) for path, value in old.items() if path not in new]
    return result
