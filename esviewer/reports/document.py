"""A report as one model, whatever it is written as: facts, sections of sentences, tables and pictures, and figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, TypeAlias

from esviewer.domain import Value
from esviewer.stores.codecs import json_text

Cell: TypeAlias = int | str | tuple[str, ...] | None
Kind: TypeAlias = Literal["text", "name", "number", "severity", "positions", "sentences", "value", "code"]


MOST_BYTES: Final = 16_000_000
"""Bytes of events or rows, as JSON, that a report holds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``name`` columns hold what a store calls things; ``sentences`` cells are tuples of them.

    ``value`` cells are JSON, of which a format may show the beginning; ``code`` cells are tuples of lines.
    """

    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Shown:
    """The rows of a table that a format shows, and sentences on how many it leaves out before and behind them."""

    rows: Sequence[tuple[Cell, ...]]
    left_out_before: str | None = None
    left_out_behind: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns; ``None`` is absent. ``title`` is unique in a document.

    Where a format has not room for all rows it keeps the first, or those at the end.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    keeps_end: bool = False

    def shown(self, most: int) -> Shown:
        """At most so many rows."""
        left_out = len(self.rows) - most
        if left_out <= 0:
            return Shown(self.rows)
        count = f"{left_out:,} {{}} row{'' if left_out == 1 else 's'}, which the JSON has."
        if self.keeps_end:
            return Shown(self.rows[left_out:], f"Below the last {most:,}; before them {count.format('earlier')}")
        return Shown(self.rows[:most], None, f"And {count.format('more')}")


@dataclass(frozen=True, slots=True)
class Lane:
    """Events of one type in each column of a picture, from left to right; ``rank`` chooses the colour.

    It is that of the type by frequency in its store, so that a type has one colour everywhere.
    """

    name: str
    counts: tuple[int, ...]
    rank: int


@dataclass(frozen=True, slots=True)
class Density:
    """A picture: events per type along the history. ``start`` and ``end`` are what its axis begins and ends with."""

    title: str
    lanes: tuple[Lane, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Mark:
    """An event in a picture: the lane it stands in, what it is called on the axis, its time as ISO text."""

    lane: int
    label: str
    time: str | None
    hollow: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """A picture: the events of one stream in their order, each in the lane of its type; lanes are names and ranks."""

    title: str
    lanes: tuple[tuple[str, int], ...]
    marks: tuple[Mark, ...]


Picture: TypeAlias = Density | Timeline


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report with its heading. Sentences come first, then the picture, then the tables."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """What a report says of itself or of its store, with its label. ``is_main``: one of the few large figures."""

    label: str
    value: int | str | None
    kind: Kind = "text"
    is_main: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A report. ``figures`` is the JSON, which everything else agrees with; ``records`` are its rows as CSV."""

    title: str
    summary: str
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
    figures: Mapping[str, Value]
    records: Table


def content_hash(content: Mapping[str, Value]) -> str:
    """SHA-256 of figures as JSON with sorted keys, as 64 hexadecimal digits."""
    return hashlib.sha256(json_text.dumps(dict(content), pretty=True)).hexdigest()


def within(items: Iterable[Value]) -> tuple[list[Value], int]:
    """The first of these that there is room for in a report, and how many behind them are left out."""
    held: list[Value] = []
    left_out, room = 0, MOST_BYTES
    for item in items:
        if room > 0:
            room -= size_in_report(item)
        if room > 0 or not (held or left_out):
            held.append(item)
        else:
            left_out += 1
    return held, left_out


def size_in_report(value: Value) -> int:
    """Bytes of a value as it stands in the JSON of a report, two levels in."""
    written = json_text.dumps(value, pretty=True)
    return len(written) + 4 * written.count(b"\n")


def value_text(value: Value) -> str:
    """A value as a ``value`` cell has it."""
    return json_text.dumps(value).decode("utf-8", "backslashreplace")


def shortened(text: str, most: int) -> str:
    """At most so many letters of a value, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… and {len(text) - most:,} more characters"


def visible(text: str) -> str:
    """Text in which characters that cannot be seen, or that turn the reading direction, are escapes."""
    if text.isprintable():
        return text
    # Our own sentences group digits by thin spaces.
    return "".join(c if c.isprintable() or c == "\u202f" else c.encode("unicode_escape").decode() for c in text)


def ranges(positions: Sequence[int | str], most: int) -> str:
    """Positions in their order as ``1–50, 61``: numbers that follow each other as one range, at most so many parts."""
    parts = list(islice(_runs(positions), most + 1))
    shown = [str(first) if first == last else f"{first}–{last}" for first, last, _ in parts[:most]]
    if len(parts) > most:
        shown.append(f"and {len(positions) - sum(count for _, _, count in parts[:most]):,} more")
    return ", ".join(shown)


def _runs(positions: Sequence[int | str]) -> Iterator[tuple[int | str, int | str, int]]:
    start = 0
    for end in range(1, len(positions) + 1):
        before = positions[end - 1]
        if end < len(positions) and isinstance(before, int) and positions[end] == before + 1:
            continue
        yield positions[start], before, end - start
        start = end
