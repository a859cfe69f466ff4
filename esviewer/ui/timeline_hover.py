"""What the timeline says of the thing under the mouse, as plain text: stored names are shown letter by letter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Value
from esviewer.projections.paths import MISSING, Change
from esviewer.session import StreamSession
from esviewer.timeline.marks import NO_TIME, UNDECODABLE, Marks
from esviewer.timeline.placement import Placement
from esviewer.timeline.ticks import version_label
from esviewer.ui.value_rows import shown
from esviewer.ui.widgets.format import ABSENT, grouped, when, when_exact
from esviewer.ui.zone import zone

CHANGES: Final = 5
"""Changed fields that a card shows."""
TYPES: Final = 8
"""Types that a card of merged marks counts one by one."""
_LONGEST: Final = 200
"""Characters of a value: more than a card is wide."""
_TELLING: Final = 28
"""Characters of a value that may stand beside a mark."""
_LOOKED_AT: Final = 8
"""Changes among which a telling value is looked for."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an event did, beyond what its mark tells."""

    changes: Sequence[Change] = ()
    is_deleted: bool = False
    undecodable: str | None = None
    seen: str = ""
    """How it is folded where a catalogue has something to say of that: ``↑ upcast 1 → 3``."""


FactsOf = Callable[[int], Facts]


def facts_of(stream: StreamSession, index: int) -> Facts:
    """What is known of an event of an opened stream."""
    event = stream.events[index]
    sight = stream.history.sight(index)
    seen = "" if sight is None else f"↑ {sight.words}" if sight.is_upcast else sight.words
    return Facts(stream.history.changed[index], bool(event.deleted), event.undecodable, seen)


def no_facts(index: int) -> Facts:
    """Of an event of which nothing more is known."""
    return Facts()


@dataclass(frozen=True, slots=True)
class Card:
    """The content of a hover card; texts are plain and of one line."""

    ordinal: int | None
    """The type whose mark stands before the title; ``None`` for marks of several events."""
    title: str
    lines: tuple[str, ...]
    flags: tuple[str, ...] = ()
    changes: tuple[tuple[str, str, str], ...] = ()
    """Path, value before and value after; ``—`` where there was or is none."""
    counts: tuple[tuple[int, str, int], ...] = ()
    """Type ordinal, name and number of events."""
    rest: str = ""
    """What is left out of the last two, in words."""

    @property
    def text(self) -> str:
        """All of it in lines, for a screen reader and the clipboard."""
        changes = (f"{path}: {before} → {after}" for path, before, after in self.changes)
        counts = (f"{name}: {grouped(count)}" for _, name, count in self.counts)
        return "\n".join(filter(None, (self.title, *self.lines, *self.flags, *changes, *counts, self.rest)))


def snapshot_text(marks: Marks, placement: Placement, x: float) -> str:
    """Which snapshot is at pixel ``x`` of the plot; empty if none is."""
    pixels = placement.pixels_of(np.asarray(marks.snapshots, np.int64))
    near = np.flatnonzero(np.abs(pixels - x) <= 6)
    if not len(near):
        return ""
    return f"Snapshot stored at version {version_label(marks, marks.snapshots[int(near[-1])])}"


def event_card(marks: Marks, index: int, facts: Facts) -> Card:
    """The card of one event."""
    where = [f"version {version_label(marks, index)}"]
    if marks.positions and marks.positions[index]:
        where.append(f"position {marks.positions[index]}")
    time = marks.time(index)
    flags = []
    if marks.is_undecodable(index):
        reason = f": {_line(facts.undecodable)}" if facts.undecodable else ""
        flags.append(f"undecodable{reason}")
    if facts.is_deleted:
        flags.append("deleted")
    more = len(facts.changes) - CHANGES
    seen = (_line(facts.seen),) if facts.seen else ()
    return Card(
        int(marks.types[index]),
        _line(marks.type_name(index)),
        ("  ·  ".join(where), "no time" if time is None else when_exact(time, zone()), *seen),
        tuple(flags),
        tuple((_line(c.path), _value(c.before), _value(c.after)) for c in facts.changes[:CHANGES]),
        rest=f"and {grouped(more)} more change{'' if more == 1 else 's'}" if more > 0 else "",
    )


def merged_card(marks: Marks, indexes: NDArray[np.int64]) -> Card:
    """The card of events that are drawn as one or side by side: how many of each type, from when to when."""
    counts = np.bincount(marks.types[indexes], minlength=len(marks.type_names))
    order = [int(ordinal) for ordinal in np.argsort(-counts, kind="stable")[: TYPES + 1] if counts[ordinal]]
    first, last = int(indexes.min()), int(indexes.max())
    lines = [f"versions {version_label(marks, first)} to {version_label(marks, last)}"]
    times = marks.times[indexes]
    times = times[times != NO_TIME]
    if len(times):
        ends = int(times.min()), int(times.max())
        lines.append(" – ".join(dict.fromkeys(when(time, zone()) for time in ends)) + f" {_offset(ends[0])}")
    others = int(np.count_nonzero(counts)) - TYPES
    unreadable = int(np.count_nonzero(marks.flags[indexes] & UNDECODABLE))
    return Card(
        None,
        f"{grouped(len(indexes))} events",
        tuple(lines),
        (f"{grouped(unreadable)} undecodable",) if unreadable else (),
        counts=tuple((o, _line(marks.type_names[o]), int(counts[o])) for o in order[:TYPES]),
        rest=f"and {grouped(others)} more type{'' if others == 1 else 's'}" if others > 0 else "",
    )


def telling_value(facts: Facts) -> tuple[str, bool]:
    """The first value that an event set, if it is short enough to stand beside its mark, else nothing.

    And whether its beginning alone would tell something: not of a number, which stands after its name.
    """
    for change in facts.changes[:_LOOKED_AT]:
        value = change.after
        if value is MISSING or isinstance(value, dict | list | bytes) or value is None:
            continue
        is_text = isinstance(value, str)
        text = _line(value if isinstance(value, str) else f"{_last_name(change.path)} {shown(value)[0]}")
        if text and len(text) <= _TELLING:
            return text, is_text
    return "", False


def _last_name(path: str) -> str:
    return path.rpartition(".")[2]


def _value(value: Value) -> str:
    return ABSENT if value is MISSING else _line(shown(value)[0])


def _line(text: str) -> str:
    return " ".join(text[:_LONGEST].split())


def _offset(time: int) -> str:
    return when_exact(time, zone()).rpartition(" ")[2]
