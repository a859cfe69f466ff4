"""A projection in SQL: a file of SELECT statements over ``events``, with what they are in comments.

::

    -- name: fines
    -- version: 1
    -- types: library_es.lending:Fine.Charged, library_es.lending:Fine.Paid

    -- table: members
    -- key: member
    SELECT data->>'card_no' AS member, count(*) AS fines, sum((data->>'amount')::DECIMAL(18, 2)) AS sum
    FROM events GROUP BY ALL;

    -- table: months
    -- key: branch, month
    SELECT data->>'branch' AS branch, strftime(recorded_at, '%Y-%m') AS month, count(*) AS fines
    FROM events GROUP BY ALL;

======= ============ ===================================================================================================
word    stands       means
======= ============ ===================================================================================================
name    at the top   the projection's name; that of the file without it
version at the top   its version; 1 without it
types   at the top   types of events that ``events`` holds, with commas; all without it, and more than are needed cost
table   before its   the table that the rows of the SELECT are; ``rows`` without it
        SELECT
key     before its   columns that are the key, with commas, or a text in quotes where there is one row; the first
        SELECT       column without it
======= ============ ===================================================================================================

Words are read from comments of the form ``-- word: value``; other comments are just that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from esviewer.domain import UsageError
from esviewer.projections.definition import MAIN, DefinitionError

if TYPE_CHECKING:
    import duckdb

_OF_FILE: Final = ("name", "version", "types")
_OF_SELECT: Final = ("table", "key")
_WORDS: Final = (*_OF_FILE, *_OF_SELECT)
_COMMENT: Final = re.compile(r"--[ \t]*(\w+)[ \t]*:[ \t]*(.*?)[ \t]*\Z")
_LARGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Query:
    """One SELECT. ``text`` begins with as many empty lines as stand before it, so that errors have the file's lines.

    ``line`` is the first line of the SELECT itself. ``key`` are names of columns, none for the first; ``constant`` is a
    key for the only row.
    """

    table: str
    text: str
    line: int
    key: tuple[str, ...] = ()
    constant: str | None = None


@dataclass(frozen=True, slots=True)
class SqlFile:
    """What a file of SQL says; ``types`` are those of the events that it wants, ``None`` for all."""

    path: Path
    name: str
    version: int | str
    types: tuple[str, ...] | None
    queries: tuple[Query, ...]


def driver() -> Any:
    """The module ``duckdb``; raises :class:`UsageError` where it is not installed."""
    try:
        import duckdb
    except ImportError:
        raise UsageError("Projections in SQL need DuckDB: install it with pip install 'esviewer[sql]'.") from None
    return duckdb


def parsed(data: bytes, path: Path, connection: duckdb.DuckDBPyConnection) -> SqlFile:
    """The projection that a file holds; raises :class:`DefinitionError` with the line of the first mistake."""
    if len(data) > _LARGEST:
        raise DefinitionError(f"{path} is larger than {_LARGEST // 1024} kB.")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise DefinitionError(f"{path} is not written in UTF-8.") from None
    if "\0" in text:
        raise DefinitionError(f"{path} is no SQL: it has a null character.")
    return _Reading(path, connection).file(text)


class _Reading:
    def __init__(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self._path = path
        self._connection = connection
        self._said: dict[str, str] = {}

    def file(self, text: str) -> SqlFile:
        queries: list[Query] = []
        line = 0
        for statement in self._statements(text):
            queries.append(self._query(statement, line, is_first=not queries))
            line += statement.count("\n")
        if not queries:
            raise DefinitionError(f"{self._path} holds no SELECT.")
        tables = [query.table for query in queries]
        for number, query in enumerate(queries):
            if query.table in tables[:number]:
                self._wrong(query.line, f"there are two SELECTs for {query.table}: write -- table: NAME before each")
        version = self._said.get("version", "1")
        types = self._said.get("types")
        return SqlFile(
            self._path,
            self._said.get("name", self._path.stem),
            int(version) if re.fullmatch(r"\d{1,18}", version, re.ASCII) else version,
            None if types is None else tuple(dict.fromkeys(_parts(types))),
            tuple(queries),
        )

    def _statements(self, text: str) -> list[str]:
        """The texts of the statements, each with what stands before it; raises where one is no SELECT."""
        duckdb = driver()
        try:
            found = self._connection.extract_statements(text)
        except duckdb.Error as error:
            raise DefinitionError(sentence_of(error, self._path)) from None
        texts, line = [], 0
        for statement in found:
            kind = str(statement.type).rpartition(".")[2]
            if statement.type != duckdb.StatementType.SELECT:
                first, body = _begin(statement.query)
                word = (re.match(r"\w+", body) or [kind])[0].upper()
                self._wrong(line + first, f"{word} is not allowed: a projection is made of SELECT only")
            texts.append(statement.query)
            line += statement.query.count("\n")
        return texts

    def _query(self, text: str, before: int, *, is_first: bool) -> Query:
        said = self._words(text, before, is_first)
        first, _ = _begin(text)
        line = before + first
        table = said.get("table", MAIN)
        key = said.get("key", "")
        quoted = re.fullmatch(r"'(.+)'", key)
        if "key" in said and not _parts(key):
            self._wrong(line, "key is to be columns, or a text in quotes")
        own = () if quoted else tuple(_parts(key))
        return Query(table, "\n" * before + text, line, own, quoted[1] if quoted else None)

    def _words(self, text: str, before: int, is_first: bool) -> dict[str, str]:
        """What the comments say before a statement begins."""
        found: dict[str, str] = {}
        for number, written in enumerate(text.split("\n"), before + 1):
            bare = written.strip()
            if bare and not bare.startswith("--"):
                break
            comment = _COMMENT.fullmatch(bare)
            if comment is None:
                continue
            word, value = comment[1], comment[2]
            if word not in _WORDS:
                if near := get_close_matches(word.lower(), _WORDS, 1, 0.8):
                    self._wrong(number, f"{word}: is not known; is {near[0]}: meant")
                continue
            into = self._said if word in _OF_FILE else found
            if word in _OF_FILE and not is_first:
                self._wrong(number, f"{word}: belongs before the first SELECT")
            if word in into:
                self._wrong(number, f"{word}: is there twice")
            if not value:
                self._wrong(number, f"{word}: says nothing")
            into[word] = value
        return found

    def _wrong(self, line: int, sentence: str) -> None:
        raise DefinitionError(f"{self._path.name}, line {line}: {sentence}.")


def _begin(text: str) -> tuple[int, str]:
    """The line of a statement, from 1, in which it begins behind empty lines and comments, and the rest from there."""
    rest, line = text, 1
    while True:
        blank = re.match(r"\s+|--[^\n]*|/\*.*?\*/", rest, re.DOTALL)
        if blank is None or not blank[0]:
            return line, rest
        line += blank[0].count("\n")
        rest = rest[blank.end() :]


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


# What DuckDB says of mistakes


@dataclass(frozen=True, slots=True)
class SqlMistake:
    """What an error of DuckDB says, without its kind and its drawing: a sentence without a stop, and the line."""

    sentence: str
    line: int | None


def mistake_of(error: BaseException) -> SqlMistake:
    """The parts of ``Binder Error: sentence\\n\\nLINE 4: text\\n     ^`` (duckdb 2.0, tried)."""
    text = str(error)
    told, _, drawing = text.partition("\nLINE ")
    line = re.match(r"(\d+):", drawing)
    lines = [part.strip() for part in told.splitlines() if part.strip()]
    joined = " ".join(part if part[-1] in ".!?:,;" else f"{part}." for part in lines) or type(error).__name__
    sentence = re.sub(r"\A[A-Z][\w ]* Error: ", "", joined).rstrip(".! ")
    return SqlMistake(sentence if len(sentence) <= 600 else sentence[:599] + "…", int(line[1]) if line else None)


def sentence_of(error: BaseException, path: Path, query: Query | None = None) -> str:
    """For people, whole: the file, the line, and what is wrong there."""
    mistake = mistake_of(error)
    line = mistake.line if mistake.line is not None else query.line if query is not None else None
    return f"{path.name}{'' if line is None else f', line {line}'}: {mistake.sentence}."
