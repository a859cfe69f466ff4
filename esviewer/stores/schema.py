"""Which tables a database has: names and columns only, as detection and dialects need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnClause, TableClause


@dataclass(frozen=True)
class Table:
    """One table. ``columns`` maps the name as the database spells it to its declared type in lower case."""

    name: str
    columns: Mapping[str, str]
    schema: str | None = None
    primary_key: tuple[str, ...] = ()
    without_rowid: bool = False
    readable: bool = True
    indexes: frozenset[tuple[str, ...]] = field(default=frozenset())

    @cached_property
    def _spelling(self) -> dict[str, str]:
        return {name.lower(): name for name in self.columns}

    @cached_property
    def lower(self) -> frozenset[str]:
        """Column names in lower case."""
        return frozenset(self._spelling)

    def has(self, *names: str) -> bool:
        """Whether all these columns exist, whatever their case."""
        return all(name.lower() in self._spelling for name in names)

    def type_of(self, name: str) -> str:
        """Declared type of a column in lower case, or the empty text."""
        return self.columns.get(self._spelling.get(name.lower(), ""), "")

    @cached_property
    def clause(self) -> TableClause:
        """The table for SQLAlchemy statements."""
        return sqlalchemy.table(self.name, *map(sqlalchemy.column, self.columns), schema=self.schema)

    def column(self, name: str) -> ColumnClause[Any]:
        """A column by its name in any case; ``KeyError`` if there is none."""
        found: ColumnClause[Any] = self.clause.c[self._spelling[name.lower()]]
        return found

    @property
    def full_name(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True)
class Catalog:
    """All ordinary tables of a database: no views, no child partitions, no system tables."""

    backend: str
    tables: tuple[Table, ...]
    file_stem: str = ""

    def sibling(self, table: Table, name: str) -> Table | None:
        """The table of that name (in any case) in the same schema."""
        for other in self.tables:
            if other.schema == table.schema and other.name.lower() == name.lower():
                return other
        return None

    def beside(self, table: Table) -> tuple[Table, ...]:
        """All tables of the same schema, the table itself included."""
        return tuple(other for other in self.tables if other.schema == table.schema)
