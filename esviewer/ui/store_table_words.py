"""What the table of all events says in words: tips of cells, the current row for a screen reader, places to jump to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

import numpy as np

from esviewer.catalogue.status import Status
from esviewer.domain.times import micros
from esviewer.stores.index import ARCHIVED, DELETED, NONE, UNDECODABLE, Index
from esviewer.ui.row_pages import Preview
from esviewer.ui.statuses import LOOKS, OF_CODE, SHOWN
from esviewer.ui.store_table_columns import Column
from esviewer.ui.store_table_painting import Cells
from esviewer.ui.store_table_rows import TableRows
from esviewer.ui.widgets.format import grouped, when, when_exact
from esviewer.ui.zone import zone

_NUMBER = re.compile(r"#?\s*(-?\d[\d\u202f\u00a0 ,]*)")
_FLAGS = ((UNDECODABLE, "payload cannot be decoded"), (DELETED, "deleted"), (ARCHIVED, "archived"))


def flag_words(flags: int) -> list[str]:
    """What an event's flags say."""
    return [words for flag, words in _FLAGS if flags & flag]


def _sign_words(cells: Cells) -> list[str]:
    """What the first row's flags and its status say, each once."""
    status = OF_CODE[cells.statuses[0]]
    words = flag_words(cells.flags[0])
    return words if status not in SHOWN or status is Status.UNDECODABLE else [*words, LOOKS[status].word.lower()]


def cell_tip(cells: Cells, column: Column, index: Index, known: Preview | None) -> str:
    """The first row's cell in full; empty where there is no row."""
    if not cells.rows:
        return ""
    if column is Column.TIME:
        return "no time recorded" if cells.times[0] == NONE else when_exact(cells.times[0], zone())
    if column is Column.TYPE:
        return "\n".join([cells.types[0] or "no type", *_sign_words(cells)])
    if column is Column.STREAM:
        stream = int(index.column("stream")[cells.rows[0]])
        if stream < 0:
            return "in no stream"
        category = index.stream_category[stream]
        return index.streams[stream] if category is None else f"{index.streams[stream]}\ncategory {category}"
    if column is Column.SIZE:
        return f"{grouped(cells.sizes[0])} bytes as stored"
    if column is Column.PAYLOAD:
        return "\n".join([known.text if known is not None else "being read", *flag_words(cells.flags[0])])
    return cells.texts(column)[0]


def row_sentence(cells: Cells, known: Preview | None) -> str:
    """The first row as one sentence; empty where there is no row."""
    if not cells.rows:
        return ""
    parts = [
        cells.texts(Column.TYPE)[0],
        f"position {cells.positions[0]}",
        f"recorded {cells.texts(Column.TIME)[0]}",
        f"stream {cells.texts(Column.STREAM)[0]}",
        f"version {cells.texts(Column.VERSION)[0]}",
        *_sign_words(cells),
    ]
    return ", ".join(parts) + (f", payload {known.text[:200]}" if known is not None else "")


@dataclass(frozen=True, slots=True)
class Target:
    """Where one wants to go: a position, or a moment in µs."""

    column: Literal["position", "time"]
    value: int


def target_of(text: str, here: tzinfo) -> Target | None:
    """The position (``#1 234``, ``1234``) or moment (``2024-03``, ``2024-03-05 12:31``, in a zone) that is meant."""
    text = text.strip()
    number = _NUMBER.fullmatch(text)
    if number is not None:
        return Target("position", int(re.sub(r"[^\d-]", "", number[1])))
    if re.fullmatch(r"\d{4}-\d\d", text):
        text += "-01"
    try:
        moment = datetime.fromisoformat(text)
        return Target("time", micros(moment if moment.tzinfo is not None else moment.replace(tzinfo=here)))
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Landing:
    """The place one comes to, ``None`` if there is none; and a sentence where it is not what was asked for."""

    place: int | None
    sentence: str = ""


def land(table: TableRows, target: Target) -> Landing:
    """The place of a position or moment, else of the next greater one that is shown, else of the greatest.

    Looks at all rows: for a job.
    """
    values = table.values(target.column)
    word = target.column
    known = values != NONE
    if not known.any():
        if word == "position" and 1 <= target.value <= table.count:
            return Landing(target.value - 1, f"Positions here are no numbers; this is row {grouped(target.value)}.")
        return Landing(None, f"No event here has a {word} that could be gone to.")
    exact = np.flatnonzero(values == target.value)
    if len(exact):
        return Landing(int(exact[0]))
    later = values > target.value
    if later.any():
        place = int(np.where(later, values, np.iinfo(np.int64).max).argmin())
        if word == "time":
            return Landing(place)
        return Landing(
            place, f"No event here has position {grouped(target.value)}; the next is {_said(values, place, word)}."
        )
    place = int(values.argmax())
    return Landing(place, f"The last {word} here is {_said(values, place, word)}.")


def _said(values: np.ndarray[tuple[int], np.dtype[np.int64]], place: int, word: str) -> str:
    value = int(values[place])
    return when(value, zone()) if word == "time" else grouped(value)
