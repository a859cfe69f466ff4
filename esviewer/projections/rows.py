"""The rows of projections in the terms of the contract: ``{key, …columns}``, tuple keys as arrays, sorted by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from esviewer.domain import Value
from esviewer.projections.definition import DefinitionError, Projection, Row, RowKey, Table

Rows: TypeAlias = dict[str, list[dict[str, Value]]]
"""Rows by table."""


def sorted_keys(keys: Iterable[RowKey]) -> list[RowKey]:
    """Keys in their order: nothing, numbers, texts and what else there is, tuples part by part."""
    listed = list(keys)
    if all(key.__class__ is str for key in listed) or all(key.__class__ is int for key in listed):
        return sorted(listed)
    return sorted(listed, key=rank)


def rank(key: RowKey) -> tuple[Any, ...]:
    """What keys are sorted by."""
    if key is None:
        return (0,)
    if isinstance(key, int | float | Decimal):
        return (1, key)
    if isinstance(key, tuple):
        return (3, *map(rank, key))
    return (2, str(key))


def row_object(key: RowKey, row: Row) -> dict[str, Value]:
    """A row as an object; a column that is itself called ``key`` is ``key_``."""
    if "key" not in row:
        return {"key": key, **row}
    # What is called so already moves on, so that no column hides another.
    renamed = {f"{name}_" if name in ("key", "key_") else name: value for name, value in row.items()}
    return {"key": key, **renamed}


def check(projection: Projection) -> Mapping[str, Table]:
    """The tables of a projection; raises :class:`DefinitionError` where something stands for a row that is none."""
    for name, table in projection.tables.items():
        held: Mapping[RowKey, object] = table
        for key, row in held.items():
            if not isinstance(row, dict):
                place = "self.rows" if name == "rows" else f"self.table({name!r})"
                raise DefinitionError(f"{place}[{key!r}] is {_short(row)}: a row is a dict of columns.")
    return projection.tables


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
