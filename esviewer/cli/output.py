"""How answers leave the command line: JSON documents, lines of JSON, CSV, Parquet, tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import BinaryIO

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from esviewer.domain import UsageError, Value
from esviewer.reports import tables
from esviewer.stores.codecs import json_text

_GAP = 2
"""Spaces between columns."""
_LEAST = 8
"""Characters below which no column is narrowed."""
_MOST = 100
"""Characters to which columns are filled up with spaces where lines may be of any length."""


def document(value: Value) -> None:
    """One JSON document with sorted keys on standard output."""
    _out().write(json_text.dumps(value, pretty=True) + b"\n")


def lines(objects: Iterable[Mapping[str, Value]]) -> None:
    """One JSON object a line on standard output."""
    tables.lines(objects, _out())


def comma_separated(objects: Iterable[Mapping[str, Value]]) -> None:
    """Events as CSV on standard output."""
    tables.comma_separated(objects, _out())


def parquet(objects: Iterable[Mapping[str, Value]]) -> None:
    """Events as Parquet on standard output, which is not for a terminal."""
    out = _out()
    if out.isatty():
        raise UsageError("Parquet is not for a terminal: write it to a file with > FILE.")
    tables.parquet(objects, out)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table for people. On a terminal long cells are folded; elsewhere a row is one line, however long."""
    if title:
        say(title)
    # Not rich's tables: at 0.2 ms a row, 100 000 fields of a state would take half a minute.
    shown = [[_shown(cell) for cell in row] for row in rows]
    cells = zip(*shown, strict=True) if shown else [()] * len(columns)
    widths = [max([len(name), *map(cell_len, column)]) for name, column in zip(columns, cells, strict=True)]
    is_terminal = sys.stdout.isatty()
    if is_terminal:
        widths = _fitted(widths, console().width - _GAP * (len(widths) - 1))
    else:
        widths = [min(width, _MOST) for width in widths]
    at_right = [name in right for name in columns]
    header = "\n".join(_lines(columns, widths, at_right, is_terminal))
    console().print(Text(header, style="bold"), soft_wrap=True)
    for row in shown:
        sys.stdout.write("\n".join(_lines(row, widths, at_right, is_terminal)) + "\n")


def _fitted(widths: list[int], room: int) -> list[int]:
    """Widths that fit into a room: the widest columns give way first, none below :data:`_LEAST`."""
    widths = list(widths)
    while sum(widths) > room and max(widths) > _LEAST:
        widest = max(widths)
        next_widest = max((width for width in widths if width < widest), default=_LEAST)
        widths[widths.index(widest)] = max(_LEAST, next_widest, widest - (sum(widths) - room))
    return widths


def _lines(cells: Sequence[str], widths: Sequence[int], at_right: Sequence[bool], is_folded: bool) -> list[str]:
    """A row as one line, or more where a cell is wider than its column and is to be folded."""
    parts = [
        chop_cells(cell, width) if is_folded and cell_len(cell) > width else [cell]
        for cell, width in zip(cells, widths, strict=True)
    ]
    lines = []
    for line in zip_longest(*parts, fillvalue=""):
        padded = []
        for text, width, is_right in zip(line, widths, at_right, strict=True):
            space = " " * (width - cell_len(text))
            padded.append(space + text if is_right else text + space)
        lines.append((" " * _GAP).join(padded).rstrip())
    return lines


def say(text: str) -> None:
    """One line for people on standard output."""
    console().print(Text(printable(text)), soft_wrap=True)


def console() -> Console:
    """Standard output for people; stored text is printed as it is, never read as markup."""
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False)


def _shown(cell: object) -> str:
    return "–" if cell is None else printable(str(cell))


def printable(text: str) -> str:
    """Text as one line in which characters that could move the cursor of a terminal are escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _out() -> BinaryIO:
    return sys.stdout.buffer
