"""A report as one model, whatever it is written as: facts, sections of sentences, tables and pictures, and figures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, TypeAlias

from esviewer.domain import Value
from esviewer.stores.codecs import json_text

Cell: TypeAlias = int | str | tuple[str, ...] | None
Kind: TypeAlias = Literal["text", "name", "number", "severity", "positions", "sentences"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``name`` columns hold what a store calls things; ``sentences`` cells are tuples of them."""

    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of as many cells as there are columns; ``None`` is absent. ``title`` is unique in a document."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """Events of one type in each column of a picture, from left to right."""

    name: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Density:
    """A picture: events per type along the history. ``start`` and ``end`` are what its axis begins and ends with."""

    title: str
    lanes: tuple[Lane, ...]
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report with its heading. Sentences come first, then the picture, then the tables."""

    title: str
    sentences: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    picture: Density | None = None


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
