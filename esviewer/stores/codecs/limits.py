"""What every decoder refuses, so that no payload can exhaust the stack of those who walk its value."""

from __future__ import annotations

from typing import Any

MAX_DEPTH = 254
"""Levels of objects and arrays. It is orjson's own limit for writing (3.13), far below Python's recursion limit."""

MAX_NOTES = 10

TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def depth_of(value: object) -> int:
    """Levels of dicts and lists in one another, 0 for a scalar; counts no further than one beyond ``MAX_DEPTH``."""
    depth = 0
    level = [value]
    while depth <= MAX_DEPTH:
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            break
        depth += 1
        level = [inner for item in containers for inner in (item.values() if isinstance(item, dict) else item)]
    return depth


def check_depth(value: object) -> None:
    """Raises ValueError where dicts and lists stand deeper in one another than ``MAX_DEPTH``; not recursive."""
    if depth_of(value) > MAX_DEPTH:
        raise ValueError(TOO_DEEP)


class Repeated:
    """Collects keys that occur more than once in one object, and tells of them in sentences."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def build(self, pairs: list[tuple[Any, Any]]) -> dict[Any, Any]:
        """The dict of these pairs, last value winning, as every framework's own reader has it."""
        built = dict(pairs)
        if len(built) != len(pairs):
            self._count(pairs)
        return built

    def _count(self, pairs: list[tuple[object, object]]) -> None:
        counts: dict[object, int] = {}
        for key, _ in pairs:
            counts[key] = counts.get(key, 0) + 1
        for key, times in counts.items():
            if times > 1:
                name = str(key)
                self._times[name] = max(times, self._times.get(name, 0))

    def notes(self) -> tuple[str, ...]:
        """One sentence a key, at most ``MAX_NOTES`` and one that counts the rest."""
        return shortened(
            [
                f"key '{name if len(name) <= 60 else name[:60] + '…'}' occurs "
                f"{'twice' if times == 2 else f'{times} times'}; the last value is shown"
                for name, times in self._times.items()
            ]
        )


def shortened(notes: list[str]) -> tuple[str, ...]:
    """At most ``MAX_NOTES`` of them, then how many more there are."""
    if len(notes) <= MAX_NOTES:
        return tuple(notes)
    return (*notes[:MAX_NOTES], f"and {len(notes) - MAX_NOTES} more")
