"""Events as lines of JSON, as CSV and as Parquet: the same bytes from the command line and from the window."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from esviewer.domain import UsageError, Value
from esviewer.stores.codecs import json_text

EVENT_COLUMNS = (
    "position",
    "stream",
    "category",
    "version",
    "type",
    "schema_version",
    "recorded_at",
    "event_id",
    "correlation_id",
    "causation_id",
    "transaction",
    "tenant",
    "deleted",
    "archived",
    "status",
    "undecodable",
    "data",
    "metadata",
)


_FLAGS = ("deleted", "archived")


def lines(objects: Iterable[Mapping[str, Value]], out: BinaryIO) -> None:
    """One JSON object a line."""
    for value in objects:
        out.write(json_text.dumps(value) + b"\n")


def comma_separated(objects: Iterable[Mapping[str, Value]], out: BinaryIO) -> None:
    """Events as CSV with a header; ``data`` and ``metadata`` are JSON in one cell, absent is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(EVENT_COLUMNS)
    for value in objects:
        writer.writerow([cell(value, name) or "" for name in EVENT_COLUMNS])
        out.write(text.getvalue().encode("utf-8", "backslashreplace"))
        text.seek(0)
        text.truncate()
    out.write(text.getvalue().encode("utf-8"))


def parquet(objects: Iterable[Mapping[str, Value]], out: BinaryIO) -> None:
    """Events as Parquet, all columns as text but the flags; ``data`` and ``metadata`` are JSON.

    Raises :class:`UsageError` where pyarrow, an extra, is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UsageError("Parquet needs the extra: pip install 'esviewer[parquet]'.") from None
    schema = pyarrow.schema([(name, pyarrow.bool_() if name in _FLAGS else pyarrow.string()) for name in EVENT_COLUMNS])
    with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(out, mode="w"), schema) as writer:
        rows: list[dict[str, Any]] = []
        for value in objects:
            rows.append({n: value.get(n) if n in _FLAGS else _encodable(cell(value, n)) for n in EVENT_COLUMNS})
            if len(rows) == 5_000:
                writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def _encodable(text: str | None) -> str | None:
    """A text as CSV has it: halves of characters, which UTF-8 cannot hold, as escapes."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode("utf-8")


def cell(value: Mapping[str, Value], name: str) -> str | None:
    """One field of an event as text, ``None`` where it has none."""
    held = value.get(name)
    if held is None:
        return None
    if name in ("data", "metadata") or isinstance(held, int | dict | list):
        return json_text.dumps(held).decode("utf-8")
    return str(held)
