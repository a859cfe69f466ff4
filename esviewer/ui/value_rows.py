"""A value as the rows of an unfolded tree: arithmetic of the value view, no Qt.

Large containers are cut into portions, so that an object of 100 000 members costs no more than what is shown of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from esviewer.domain import Value
from esviewer.projections.paths import MISSING, Change, item, member

PORTION = 200
"""Children of a container that are shown before a row that offers more."""
TEXT_LIMIT = 2_000
"""Characters of one value that are kept in a row; the rest is a click away."""

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
    """The visible rows of a value, top to bottom; removed leaves stand at the end of the container they were in."""
    changes = changes or {}
    removed = _removed_by_parent(changes)
    if isinstance(value, dict | list) and value:
        return list(_children(value, "", 0, folding, changes, removed))
    rows = [] if isinstance(value, dict | list) and removed else [_leaf("", "", value, 0, changes)]
    return rows + [_gone(change, 0) for change in removed.get("", ())]


def _children(
    value: Value,
    prefix: str,
    depth: int,
    folding: Folding,
    changes: Mapping[str, Change],
    removed: Mapping[str, list[Change]],
) -> Iterator[ValueRow]:
    limit = folding.shown(prefix)
    children: Iterator[tuple[str, str, Value]]
    if isinstance(value, dict):
        size = len(value)
        children = ((str(key), member(prefix, key), child) for key, child in value.items())
    else:
        assert isinstance(value, list | tuple)
        size = len(value)
        children = ((str(i), item(prefix, i), child) for i, child in enumerate(value))
    for count, (key, path, child) in enumerate(children):
        if count == limit:
            yield ValueRow(depth, "", prefix, f"{size - limit:,} more".replace(",", "\u202f"), "more")
            break
        yield from _row(key, path, child, depth, folding, changes, removed)
    for change in removed.get(prefix, ()):
        yield _gone(change, depth)


def _row(
    key: str,
    path: str,
    value: Value,
    depth: int,
    folding: Folding,
    changes: Mapping[str, Change],
    removed: Mapping[str, list[Change]],
) -> Iterator[ValueRow]:
    if not isinstance(value, dict | list | tuple) or not value:
        yield _leaf(key, path, value, depth, changes)
        return
    if isinstance(value, dict) and value.keys() == _WRAPPED and not isinstance(value["_data_"], dict | list):
        # eventsourcing's wrapped values: what is meant is the inside, the wrapping is its kind.
        inner = _leaf(key, member(path, "_data_"), value["_data_"], depth, changes)
        yield replace(inner, tag=str(value["_type_"]))
        return
    is_open = folding.is_open(path, depth, len(value))
    text = f"{{{len(value)}}}" if isinstance(value, dict) else f"[{len(value)}]"
    below = sum(_is_below(changed, path) for changed in changes) if changes else 0
    yield ValueRow(depth, key, path, text, "container", True, is_open, changes_below=below)
    if is_open:
        yield from _children(value, path, depth + 1, folding, changes, removed)


def _leaf(key: str, path: str, value: Value, depth: int, changes: Mapping[str, Change]) -> ValueRow:
    text, kind = shown(value)
    change = changes.get(path)
    if change is None or change.kind == "removed":
        return ValueRow(depth, key, path, text, kind)
    before = "" if change.before is MISSING else shown(change.before)[0]
    return ValueRow(depth, key, path, text, kind, change=change.kind, before=before)


def _gone(change: Change, depth: int) -> ValueRow:
    text, kind = shown(change.before)
    return ValueRow(depth, _last_part(change.path), change.path, text, kind, change="removed", before=text)


def _removed_by_parent(changes: Mapping[str, Change]) -> dict[str, list[Change]]:
    result: dict[str, list[Change]] = {}
    for change in changes.values():
        if change.kind == "removed":
            result.setdefault(parent(change.path), []).append(change)
    return result


def parent(path: str) -> str:
    """The path of the container that holds a path."""
    return path[: len(path) - len(_tail(path))]


def _tail(path: str) -> str:
    """The last step of a path as it is written: ``.name``, ``[3]``, ``["a.b"]``, or a first name."""
    if path.endswith('"]'):
        place = path.rfind('["')
        while place > 0 and _is_escaped(path, place + 1):
            place = path.rfind('["', 0, place)
        return path[place:]
    if path.endswith("]"):
        return path[path.rfind("[") :]
    return path[path.rfind(".") :] if "." in path else path


def _is_escaped(path: str, place: int) -> bool:
    return path[place - 1] == "\\"


def _last_part(path: str) -> str:
    tail = _tail(path)
    if tail.startswith('["'):
        return tail[2:-2].replace('\\"', '"').replace("\\\\", "\\")
    return tail.strip(".[]")


def _is_below(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (".", "[")


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
