"""A value as the rows of an unfolded tree: arithmetic of the value view, no Qt.

Large containers are cut into portions, so that an object of 100 000 members costs no more than what is shown of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from typing import Literal

from esviewer.domain import Value
from esviewer.projections.paths import MISSING, Change, item, member

PORTION = 200
"""Children of a container that are shown before a row that offers more."""
TEXT_LIMIT = 2_000
"""Characters of one value that are kept in a row; the rest is a click away."""

KEY_LIMIT = 200
"""Characters of one key that are kept in a row."""
ROW_LIMIT = 20_000
"""Rows after which containers stay closed: three levels of portions would be millions of rows."""

_QUOTED_TAIL = re.compile(r'\["(?:[^"\\]|\\.)*"\]\Z', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_WRAPPED = {"_type_", "_data_"}

Kind = Literal["string", "number", "keyword", "container", "bytes", "more"]


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One line of the tree. ``change`` tells what the event under the playhead did to it."""

    depth: int
    key: str
    path: str
    text: str
    kind: Kind
    is_container: bool = False
    is_open: bool = False
    change: Literal["added", "changed", "removed"] | None = None
    before: str = ""
    changes_below: int = 0
    tag: str = ""
    """The name of the transcoding that a wrapped value was written with."""


class Folding:
    """Which containers are open, by path: what the reader did, else open down to a depth unless they are large."""

    def __init__(self, *, open_depth: int = 3, open_size: int = 40) -> None:
        self._chosen: dict[str, bool] = {}
        self._shown: dict[str, int] = {}
        self._open_depth = open_depth
        self._open_size = open_size

    def is_open(self, path: str, depth: int, size: int) -> bool:
        return self._chosen.get(path, depth < self._open_depth and size <= self._open_size)

    def toggle(self, path: str, is_open: bool) -> None:
        self._chosen[path] = is_open

    def shown(self, path: str) -> int:
        """How many children of a container are shown."""
        return self._shown.get(path, PORTION)

    def show_more(self, path: str) -> None:
        self._shown[path] = self.shown(path) + 5 * PORTION


def rows_of(value: Value, folding: Folding, changes: Mapping[str, Change] | None = None) -> list[ValueRow]:
    """The visible rows of a value, top to bottom; removed leaves stand at the end of the container they were in.

    Where that is gone too they stand in the nearest one that is left, with the rest of their path. After
    :data:`ROW_LIMIT` rows, containers that are not shown yet stay closed.
    """
    return _Rows(value, folding, changes or {}).all()


class _Rows:
    """Writes the rows of one value."""

    def __init__(self, value: Value, folding: Folding, changes: Mapping[str, Change]) -> None:
        self._value = value
        self._folding = folding
        self._changes = changes
        self._removed = _removed_by_home(value, changes)
        self._sorted: list[str] | None = None
        self._rows: list[ValueRow] = []

    def all(self) -> list[ValueRow]:
        value = self._value
        if isinstance(value, dict | list) and value:
            self._children(value, "", 0)
            return self._rows
        if not (isinstance(value, dict | list) and self._removed):
            self._rows.append(self._leaf("", "", value, 0))
        self._gone("", 0)
        return self._rows

    def _children(self, value: Value, prefix: str, depth: int) -> None:
        limit = self._folding.shown(prefix)
        children: Iterator[tuple[str, str, Value]]
        if isinstance(value, dict):
            size = len(value)
            children = ((str(key), member(prefix, key), child) for key, child in value.items())
        else:
            assert isinstance(value, list | tuple)
            size = len(value)
            children = ((str(i), item(prefix, i), child) for i, child in enumerate(value))
        for key, path, child in islice(children, limit):
            self._row(key[:KEY_LIMIT], path, child, depth)
        if size > limit:
            self._rows.append(ValueRow(depth, "", prefix, f"{_grouped(size - limit)} more", "more"))
        self._gone(prefix, depth)

    def _gone(self, home: str, depth: int) -> None:
        """The leaves that were removed from a container."""
        gone, limit = self._removed.get(home, ()), self._folding.shown(home)
        for change in gone[:limit]:
            text, kind = shown(change.before)
            key = _last_part(change.path) if parent(change.path) == home else change.path[len(home) :].lstrip(".")
            self._rows.append(ValueRow(depth, key[:KEY_LIMIT], change.path, text, kind, change="removed", before=text))
        if len(gone) > limit:
            self._rows.append(ValueRow(depth, "", home, f"{_grouped(len(gone) - limit)} more removed", "more"))

    def _row(self, key: str, path: str, value: Value, depth: int) -> None:
        if not isinstance(value, dict | list | tuple) or not value:
            self._rows.append(self._leaf(key, path, value, depth))
            return
        if isinstance(value, dict) and value.keys() == _WRAPPED and not isinstance(value["_data_"], dict | list):
            # eventsourcing's wrapped values: what is meant is the inside, the wrapping is its kind.
            inner = self._leaf(key, member(path, "_data_"), value["_data_"], depth)
            self._rows.append(replace(inner, tag=str(value["_type_"])[:KEY_LIMIT]))
            return
        is_open = self._folding.is_open(path, depth, len(value)) and len(self._rows) < ROW_LIMIT
        text = f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"
        below = self._changes_below(path)
        self._rows.append(ValueRow(depth, key, path, text, "container", True, is_open, changes_below=below))
        if is_open:
            self._children(value, path, depth + 1)

    def _leaf(self, key: str, path: str, value: Value, depth: int) -> ValueRow:
        text, kind = shown(value)
        change = self._changes.get(path)
        if change is None or change.kind == "removed":
            return ValueRow(depth, key, path, text, kind)
        before = "" if change.before is MISSING else shown(change.before)[0]
        return ValueRow(depth, key, path, text, kind, change=change.kind, before=before)

    def _changes_below(self, path: str) -> int:
        """How many changed leaves stand below a container; sorted once, as one event may change 100 000 of them."""
        if not self._changes:
            return 0
        if self._sorted is None:
            self._sorted = sorted(self._changes)
        # What follows the path of a container is "." or "["; "/" and "\\" are the characters after those.
        bounds = [bisect_left(self._sorted, path + end) for end in "./[\\"]
        return bounds[1] - bounds[0] + bounds[3] - bounds[2]


def _removed_by_home(value: Value, changes: Mapping[str, Change]) -> dict[str, list[Change]]:
    """Removed leaves by the path of the nearest container that is left of those they were in."""
    result: dict[str, list[Change]] = {}
    known: dict[str, Value] = {"": value}
    for change in changes.values():
        if change.kind == "removed":
            home = parent(change.path)
            while home and not _is_unfolded(_at(home, known)):
                home = parent(home)
            result.setdefault(home, []).append(change)
    return result


def _is_unfolded(value: Value) -> bool:
    """Whether a value has rows of its own below its row."""
    return isinstance(value, dict | list | tuple) and bool(value)


def _at(path: str, known: dict[str, Value]) -> Value:
    """What stands at a path, :data:`MISSING` if nothing does; what was looked up is kept in ``known``."""
    if path not in known:
        holder, name = _at(parent(path), known), _last_part(path)
        if isinstance(holder, dict):
            known[path] = holder.get(name, MISSING)
        elif isinstance(holder, list | tuple) and name.isdecimal() and int(name) < len(holder):
            known[path] = holder[int(name)]
        else:
            known[path] = MISSING
    return known[path]


def parent(path: str) -> str:
    """The path of the container that holds a path."""
    return path[: len(path) - len(_tail(path))]


def _tail(path: str) -> str:
    """The last step of a path as it is written: ``.name``, ``[3]``, ``["a.b"]``, or a first name."""
    quoted = _QUOTED_TAIL.search(path) if path.endswith('"]') else None
    if quoted is not None:
        return quoted[0]
    if path.endswith("]"):
        return path[path.rfind("[") :]
    return path[path.rfind(".") :] if "." in path else path


def _last_part(path: str) -> str:
    tail = _tail(path)
    if tail.startswith('["'):
        return _ESCAPED.sub(r"\1", tail[2:-2])
    return tail.strip(".[]")


def _grouped(number: int) -> str:
    # As widgets.format has it, which comes with Qt.
    return f"{number:,}".replace(",", "\u202f")


def shown(value: Value) -> tuple[str, Kind]:
    """A leaf as text, JSON-like, cut to a bound, with the kind that decides its colour."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], "keyword"
    if isinstance(value, str):
        cut = value[:TEXT_LIMIT]
        quoted = '"' + cut.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t") + '"'
        return (quoted if len(value) <= TEXT_LIMIT else quoted[:-1] + "…"), "string"
    if isinstance(value, int | float | Decimal):
        text = (
            str(value)
            if not isinstance(value, int) or abs(value) < 10**400
            else f"an integer of {value.bit_length()} bits"
        )
        return text, "number"
    if isinstance(value, bytes):
        return f"{len(value)} bytes  {value[:48].hex(' ')}{'…' if len(value) > 48 else ''}", "bytes"
    if isinstance(value, dict | list | tuple) and not value:
        return ("{}" if isinstance(value, dict) else "[]"), "container"
    return str(value)[:TEXT_LIMIT], "string"
