"""What a read-only connection to a database can do, whatever the database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from sqlalchemy import CompoundSelect, Select, TextClause
from sqlalchemy.engine import Dialect as SqlDialect
from sqlalchemy.sql.compiler import SQLCompiler

Statement: TypeAlias = Select[Any] | CompoundSelect[Any] | TextClause
Row: TypeAlias = tuple[Any, ...]


class TornText(str):
    """Text of a column that is not valid UTF-8: readable, with escapes for what is not, and its bytes as stored."""

    __slots__ = ("raw",)

    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> TornText:
        made = cls(raw.decode("utf-8", "backslashreplace"))
        made.raw = raw
        return made


CHUNK = 500
"""Rows fetched at a time: 500 to 1 000 are faster than more on both drivers (performance.md, finding 2)."""


class Connection(ABC):
    """One connection, used by one thread at a time, that refuses every statement that is not a query.

    Statements come as SQLAlchemy objects and are read through the driver's own cursor (2.4 times SQLAlchemy's rows on
    SQLite, 4.5 on Postgres).
    """

    sql: SqlDialect

    def compiled(self, statement: Statement) -> tuple[str, Any]:
        """The text and the parameters that the driver is given."""
        made = statement.compile(dialect=self.sql, compile_kwargs={"render_postcompile": True})
        assert isinstance(made, SQLCompiler)
        parameters = made.construct_params()
        if made.positional:
            return str(made), tuple(parameters[name] for name in made.positiontup or ())
        return str(made), parameters

    def rows(self, statement: Statement) -> Generator[list[Row], None, None]:
        """The answer in lists of at most :data:`CHUNK` rows.

        Raises StoreBusy, StoreUnavailable, ConnectionLost or QueryTimeout.
        """
        text, parameters = self.compiled(statement)
        return self.fetch(text, parameters)

    def all(self, statement: Statement) -> list[Row]:
        """The whole answer; for small ones."""
        return [row for chunk in self.rows(statement) for row in chunk]

    def scalar(self, statement: Statement) -> Any:
        """First column of the first row, or ``None``."""
        rows = self.all(statement)
        return rows[0][0] if rows else None

    @abstractmethod
    def fetch(self, text: str, parameters: Any) -> Generator[list[Row], None, None]:
        """Rows of a compiled query."""

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[None]:
        """Meanwhile all queries see the database as it is at the first of them; only for what is soon done.

        Answers of queries are to be read to their end within.
        """

    def listen(self, channel: str, heard: Callable[[], None], is_wanted: Callable[[], bool]) -> None:
        """Calls ``heard`` whenever a channel is notified, while that is wanted; returns at once where there are none.

        Raises ConnectionLost or StoreUnavailable.
        """

    @abstractmethod
    def interrupt(self) -> None:
        """Ends the running statement; callable from any thread."""

    @abstractmethod
    def close(self) -> None:
        """Gives the connection back; a closed one may be closed again."""
