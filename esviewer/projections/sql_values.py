"""Values between events and DuckDB: columns in, rows out, none of them bent.

In: decimals and ids in ``data`` are texts, as ``events --json`` writes them, integers of any size are there as they
are. Out: integers of all sizes (HUGEINT, BIGNUM) are int, DECIMAL is Decimal, TIMESTAMPTZ an aware datetime in UTC,
JSON what it says, UUID its text, INTERVAL its text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

import numpy as np

from esviewer.domain.times import micros
from esviewer.stores.codecs import json_text

try:
    import pyarrow
except ImportError:  # an extra of its own; numpy does the same in twice the time
    pyarrow = None

Converter: TypeAlias = Callable[[Any], Any]

COLUMNS: Final[dict[str, str]] = {
    "position": "BIGINT",
    "stream": "VARCHAR",
    "category": "VARCHAR",
    "version": "BIGINT",
    "type": "VARCHAR",
    "schema_version": "VARCHAR",
    "recorded_at": "TIMESTAMPTZ",
    "event_id": "VARCHAR",
    "correlation_id": "VARCHAR",
    "causation_id": "VARCHAR",
    "transaction": "VARCHAR",
    "tenant": "VARCHAR",
    "deleted": "BOOLEAN",
    "archived": "BOOLEAN",
    "status": "VARCHAR",
    "data": "JSON",
    "metadata": "JSON",
}
"""The columns of ``events``, with their kinds; ``position`` is VARCHAR in stores whose positions are no numbers."""


def column(kind: str, values: Sequence[Any]) -> Sequence[Any]:
    """Values of events as a column of that kind wants them, absent ones as ``None``."""
    if kind == "JSON":
        dumps = json_text.dumps
        return [None if value is None else dumps(value, sort_keys=False).decode() for value in values]
    if kind == "TIMESTAMPTZ":
        return [None if value is None else micros(value) for value in values]
    if kind == "VARCHAR":
        return [value if value is None or value.__class__ is str else str(value) for value in values]
    return values


def batch(columns: Mapping[str, Sequence[Any]], kinds: dict[str, str]) -> tuple[Any, str]:
    """Columns as DuckDB takes them, and the expressions that read them; times are µs since 1970, UTC.

    Raises OverflowError for an integer beyond 64 bits.
    """
    read = ", ".join(
        f'make_timestamptz("{name}") AS "{name}"' if kinds[name] == "TIMESTAMPTZ" else f'"{name}"' for name in columns
    )
    if pyarrow is not None:
        kind = {"BIGINT": pyarrow.int64(), "TIMESTAMPTZ": pyarrow.int64(), "BOOLEAN": pyarrow.bool_()}
        arrays = {
            name: pyarrow.array(values, kind.get(kinds[name], pyarrow.string())) for name, values in columns.items()
        }
        return pyarrow.table(arrays), read
    return {name: _array(values, kinds[name]) for name, values in columns.items()}, read


def _array(values: Sequence[Any], kind: str) -> Any:
    dtype: Any = {"BIGINT": np.int64, "TIMESTAMPTZ": np.int64, "BOOLEAN": np.bool_}.get(kind)
    if dtype is None:
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return made
    absent = [value is None for value in values]
    held = np.array([0 if value is None else value for value in values], dtype=dtype)
    return np.ma.masked_array(held, mask=absent) if any(absent) else held


# Out


def converters(types: Sequence[Any]) -> list[Converter | None]:
    """For each column of a result what makes its value one for rows; ``None`` where it is one already."""
    return [_converter(kind) for kind in types]


_SIMPLE: Final = frozenset(
    (
        *("boolean", "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger"),
        *("ubigint", "uhugeint", "varchar", "decimal", "float", "double", "blob", "date"),
    )
)


def _converter(kind: Any) -> Converter | None:
    name = str(kind.id).lower()
    if str(kind) == "JSON":
        return _guarded(lambda value: json_text.loads(value)[0])
    if name in _SIMPLE:
        return None
    if name == "bignum":
        return _guarded(int)
    if name in ("list", "array"):
        inner = _converter(kind.children[0][1])
        return _guarded(lambda value: [item if inner is None else inner(item) for item in value])
    if name == "struct":
        within = {label: _converter(child) for label, child in kind.children}
        return _guarded(
            lambda value: {
                label: item if (each := within.get(label)) is None else each(item) for label, item in value.items()
            }
        )
    return _guarded(_plain)


def _guarded(convert: Converter) -> Converter:
    return lambda value: None if value is None else convert(value)


def _plain(value: Any) -> Any:
    """What is in columns of other kinds, by what it is."""
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(UTC)
    if isinstance(value, UUID | timedelta):
        return str(value)
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(_plain(name)): _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
