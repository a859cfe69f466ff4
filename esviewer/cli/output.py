"""How answers leave the command line: JSON documents, lines of JSON, CSV, Parquet, tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from esviewer.domain import UsageError, Value
from esviewer.reports import tables
from esviewer.reports.tables import EVENT_COLUMNS, cell
from esviewer.stores.codecs import json_text


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
    """Events as Parquet, all columns as text but the flags; ``data`` and ``metadata`` are JSON."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError("Parquet needs the extra: pip install 'esviewer[parquet]'.") from None
    flags = ("deleted", "archived")
    schema = pyarrow.schema([(name, pyarrow.bool_() if name in flags else pyarrow.string()) for name in EVENT_COLUMNS])
    out = _out()
    if out.isatty():
        raise UsageError("Parquet is not for a terminal: write it to a file with > FILE.")
    with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(out, mode="w"), schema) as writer:
        rows: list[dict[str, Any]] = []
        for value in objects:
            rows.append({n: value.get(n) if n in flags else cell(value, n) for n in EVENT_COLUMNS})
            if len(rows) == 5_000:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table for people; stored text is printed as it is, never read as markup."""
    made = Table(title=escape(title) or None, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(escape(_shown(cell)) for cell in row))
    console().print(made)


def say(text: str) -> None:
    """One line for people on standard output."""
    console().print(escape(_shown(text)), highlight=False)


def console() -> Console:
    """Standard output for people; as wide as it needs to be when it is not a terminal."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=False)


def _shown(cell: object) -> str:
    if cell is None:
        return "–"
    text = str(cell)
    # Control characters could move the cursor of the reader's terminal.
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _out() -> BinaryIO:
    return sys.stdout.buffer
