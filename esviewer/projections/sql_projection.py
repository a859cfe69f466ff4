"""A projection in SQL as the others are used: it takes events, and has tables of rows whenever it is asked for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from esviewer.projections.definition import (
    ANY,
    MAIN,
    DefinitionError,
    Handler,
    Projection,
    ProjectionEvent,
    Row,
    RowKey,
    Table,
)
from esviewer.projections.reads import Reads
from esviewer.projections.sql_engine import Engine, QueryEnded, engine
from esviewer.projections.sql_file import Query, SqlFile, driver, mistake_of, parsed, sentence_of
from esviewer.projections.sql_reads import attributes_of
from esviewer.projections.sql_values import COLUMNS, batch, column, converters

if TYPE_CHECKING:
    import duckdb

_BATCH: Final = 20_000
"""Events that are put into DuckDB at once."""
_FETCHED: Final = 2_000


class SqlFailed(Exception):
    """A query failed over the events that there are; ``line`` is that of the file."""

    def __init__(self, sentence: str, path: Path, line: int, code: str) -> None:
        super().__init__(sentence)
        self.path = path
        self.line = line
        self.code = code

    def __str__(self) -> str:
        return f"{self.path.name}, line {self.line}: {self.args[0]}."


class SqlProjection(Projection):
    """Takes events into the table ``events``; its rows are what its queries give over all that it has taken."""

    def __init__(self, file: SqlFile, connection: duckdb.DuckDBPyConnection, within: Engine) -> None:
        self.name = file.name
        self.version = file.version
        self.file = file
        self._connection = connection
        self._engine = within
        self._kinds = dict(COLUMNS)
        self._used: tuple[str, ...] = ()
        self._buffer: list[tuple[Any, ...]] = []
        self._held = 0
        self._known = -1
        self._attributes: frozenset[str] | None = None
        self.begin(positions_are_numbers=True)

    # Taking events

    def begin(self, *, positions_are_numbers: bool) -> None:
        """Makes room for events; only columns that a query reads are kept."""
        self._kinds["position"] = "BIGINT" if positions_are_numbers else "VARCHAR"
        self._create((*COLUMNS,))
        self._used = self._columns_read()
        self._create(self._used)

    def handlers(self) -> dict[str, Handler]:
        buffer = self._buffer
        # One value, or none, is no tuple.
        get = attrgetter(*self._used, "position", "position")

        def take(event: ProjectionEvent) -> None:
            buffer.append(get(event))
            if len(buffer) >= _BATCH:
                self._flush()

        take.reads = Reads(self._attributes, frozenset(self._used) - {"data"})  # type: ignore[attr-defined]
        return dict.fromkeys(self.file.types or (ANY,), take)

    @property
    def attributes(self) -> frozenset[str] | None:
        """The attributes of payloads that its queries read; ``None`` where it may be any."""
        return self._attributes

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that its queries read."""
        return self._used

    def _flush(self) -> None:
        if not self._buffer:
            return
        positions, *_ = columns = list(zip(*self._buffer, strict=True))[::-1]
        if not self._held:
            numbers = all(position is None or isinstance(position, int) for position in positions)
            self.begin(positions_are_numbers=numbers)
        named: dict[str, Sequence[Any]] = dict(zip(self._used, columns[:1:-1], strict=True))
        if self._attributes is not None and "data" in named:
            # What else there is in them was not looked at.
            picked = self._attributes
            named["data"] = [
                {name: data[name] for name in picked if name in data} if data.__class__ is dict else data
                for data in named["data"]
            ]
        self._insert({name: column(self._kinds[name], values) for name, values in named.items()}, len(self._buffer))
        self._buffer.clear()

    def _insert(self, columns: dict[str, Sequence[Any]], count: int) -> None:
        # A table needs a column; one that nobody reads counts the events.
        named: dict[str, Sequence[Any]] = columns or {"position": [None] * count}
        try:
            held, read = batch(named, self._kinds)
            self._connection.register("batch", held)
            self._connection.execute(f"INSERT INTO held SELECT {read} FROM batch")
            self._connection.unregister("batch")
        except (driver().Error, OverflowError, ValueError, TypeError) as error:
            query = self.file.queries[0]
            raise self._failed(f"the events cannot be held: {mistake_of(error).sentence}", query) from None
        self._held += count

    def _create(self, used: Sequence[str]) -> None:
        """An empty table with these columns, and ``events`` over it with all."""
        kept = used or ("position",)
        columns = ", ".join(f'"{name}" {self._kinds[name]}' for name in kept)
        self._connection.execute("DROP VIEW IF EXISTS events")
        self._connection.execute(f"CREATE OR REPLACE TABLE held ({columns})")
        self._kept = kept
        self._show(None)

    def _show(self, count: int | None) -> None:
        columns = ", ".join(
            f'"{name}"' if name in self._kept else f'NULL::{kind} AS "{name}"' for name, kind in self._kinds.items()
        )
        some = "" if count is None else f" WHERE rowid < {count}"
        self._connection.execute(f"CREATE OR REPLACE VIEW events AS SELECT {columns} FROM held{some}")

    def show_only(self, count: int | None) -> None:
        """Has the tables be those over the first events only, ``None`` for all."""
        self._flush()
        self._show(count)
        self._known = -1

    # Rows

    @property
    def tables(self) -> Mapping[str, Table]:
        """All tables, over the events so far; raises :class:`SqlFailed` and :class:`QueryEnded`."""
        self._flush()
        if self._known != self._held:
            for table in self._tables.values():
                dict.clear(table)
            self._tables.pop(MAIN, None)
            for query in self.file.queries:
                self.table(query.table)
            for query in self.file.queries:
                dict.update(self._tables[query.table], self._rows(query))
            self.rows = self._tables.setdefault(self.file.queries[0].table, Table())
            self._known = self._held
        return self._tables

    def _rows(self, query: Query) -> dict[RowKey, Row]:
        rows: dict[RowKey, Row] = {}
        try:
            with self._engine.guarded(self._connection):
                # What changes something inside of a SELECT is refused by this.
                self._connection.execute("BEGIN TRANSACTION READ ONLY")
                try:
                    self._connection.execute(query.text)
                    for key, row in self._fetched(query):
                        if key in rows:
                            raise self._failed(f"two rows of {query.table} have the key {key!r}", query)
                        rows[key] = row
                finally:
                    self._connection.execute("ROLLBACK")
        except QueryEnded as ended:
            if ended.was_late:
                raise self._failed(str(ended), query) from None
            raise
        except driver().Error as error:
            mistake = mistake_of(error)
            raise self._failed(mistake.sentence, query, mistake.line) from None
        except (MemoryError, ValueError) as error:
            raise self._failed(str(error) or "it ran out of the memory it may have", query) from None
        return rows

    def _fetched(self, query: Query) -> Iterator[tuple[RowKey, Row]]:
        description = self._connection.description or []
        names = [column[0] for column in description]
        keys = self._key_of(query, names)
        made = converters([column[1] for column in description])
        rest = [number for number in range(len(names)) if number not in keys]
        while some := self._connection.fetchmany(_FETCHED):
            for values in some:
                row = [v if convert is None else convert(v) for v, convert in zip(values, made, strict=True)]
                key: Any = tuple(_as_key(row[number]) for number in keys)
                if query.constant is not None:
                    key = query.constant
                elif len(keys) == 1:
                    key = key[0]
                if key is None or (isinstance(key, tuple) and None in key):
                    raise self._failed(f"a row of {query.table} has no key: {', '.join(names[k] for k in keys)}", query)
                yield key, {names[number]: row[number] for number in rest}

    def _key_of(self, query: Query, names: Sequence[str]) -> list[int]:
        """The places of the key's columns."""
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise DefinitionError(f"{self.file.path.name}, line {query.line}: two columns are called {twice}.")
        if query.constant is not None:
            return []
        lower = [name.lower() for name in names]
        found = []
        for name in query.key or (names[0],):
            if name.lower() not in lower:
                listed = ", ".join(names)
                raise DefinitionError(
                    f"{self.file.path.name}, line {query.line}: key {name} is no column of the SELECT: {listed}."
                )
            found.append(names.index(name) if name in names else lower.index(name.lower()))
        return found

    def _failed(self, sentence: str, query: Query, line: int | None = None) -> SqlFailed:
        at = query.line if line is None else line
        code = query.text.split("\n")[at - 1].strip() if at <= query.text.count("\n") + 1 else ""
        return SqlFailed(sentence.rstrip("."), self.file.path, at, code)

    # What it reads

    def _columns_read(self) -> tuple[str, ...]:
        """The columns of ``events`` that plans of its queries read; raises :class:`DefinitionError` for a mistake."""
        read: set[str] = set()
        self._attributes = frozenset()
        for query in self.file.queries:
            try:
                with self._engine.guarded(self._connection):
                    # First this, whose errors have the line.
                    plan = self._connection.execute(f"EXPLAIN (FORMAT json) {query.text}").fetchall()[0][1]
                    columns = self._connection.sql(query.text).columns
            except QueryEnded as ended:
                raise DefinitionError(f"{self.file.path.name}, line {query.line}: {ended}.") from None
            except driver().Error as error:
                raise DefinitionError(sentence_of(error, self.file.path, query)) from None
            self._key_of(query, columns)
            read |= set(_scanned(json.loads(plan)))
            asked = attributes_of(self._connection, query.text)
            self._attributes = None if asked is None or self._attributes is None else self._attributes | asked
        return tuple(name for name in COLUMNS if name in read)


def _scanned(nodes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Names of the columns that scans in a plan read, and those that they filter by."""
    for node in nodes:
        info = node.get("extra_info", {})
        if isinstance(info, dict):
            projected = info.get("Projections", [])
            yield from [projected] if isinstance(projected, str) else projected
            filters = info.get("Filters", [])
            for text in [filters] if isinstance(filters, str) else filters:
                yield from (name for name in COLUMNS if name in text)
        yield from _scanned(node.get("children", []))


def _as_key(value: Any) -> RowKey:
    return tuple(map(_as_key, value)) if isinstance(value, list) else value


def load(path: Path, data: bytes) -> SqlProjection:
    """The projection in a file; raises :class:`DefinitionError`, and :class:`UsageError` where there is no DuckDB."""
    within = engine()
    connection = within.connection()
    return SqlProjection(parsed(data, path, connection), connection, within)
