"""Which attributes of a payload a query asks for, told from its tree: those alone are then taken out of payloads.

Only what is certain counts. Where a query may see the payload in any other way (a star, a whole row, another name for
the column, a path that is made up), all of it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import duckdb

_COLUMN: Final = "data"
_ARROWS: Final = frozenset({"->", "->>", "json_extract", "json_extract_string"})
_PATH: Final = re.compile(r"\$\.([A-Za-z_]\w*)(?:[.\[].*)?", re.ASCII | re.DOTALL)
_NAME: Final = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_UNCERTAIN: Final = frozenset({"STAR", "POSITIONAL_REFERENCE", "PIVOT", "SHOW_REF", "NATURAL"})
_CALLING: Final = frozenset({"query", "query_table"})


def attributes_of(connection: duckdb.DuckDBPyConnection, query: str) -> frozenset[str] | None:
    """The attributes of ``data`` that a query reads; ``None`` where it may be any."""
    told = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    tree = json.loads(told[0]) if told is not None else {"error": True}
    return None if tree["error"] else _Reading().result(tree["statements"])


class _Anything(Exception):
    """The payload may be read in any way."""


class _Reading:
    def __init__(self) -> None:
        self._attributes: set[str] = set()
        self._tables: set[str] = set()

    def result(self, tree: Any) -> frozenset[str] | None:
        """The attributes that a tree of DuckDB's json_serialize_sql names (duckdb 2.0, tried)."""
        self._tables = {name.lower() for name in _tables(tree)}
        try:
            self._walk(tree)
        except _Anything:
            return None
        return frozenset(self._attributes)

    def _walk(self, node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                self._walk(item)
        elif isinstance(node, dict):
            self._object(node)
        elif isinstance(node, str) and (node.lower() == _COLUMN or node in _UNCERTAIN):
            # The column under any other circumstances, or as a name for something else, which may hide it.
            raise _Anything

    def _object(self, node: Mapping[str, Any]) -> None:
        if node.get("column_name_alias") or node.get("function_name") in _CALLING:
            raise _Anything
        if node.get("class") == "COLUMN_REF":
            if node["column_names"][-1].lower() in self._tables:
                raise _Anything
        elif node.get("function_name") in _ARROWS:
            rest = self._asked(*[argument["expression"] for argument in node["arguments"]])
            node = node if rest is None else {**node, "arguments": rest}
        elif node.get("class") == "LAMBDA":
            # An arrow of one line is a lambda as well, as far as the parser knows.
            node = node if self._asked(node["lhs"], node["expr"]) is None else {}
        elif node.get("class") == "CONSTANT":
            return
        for item in node.values():
            self._walk(item)

    def _asked(self, first: Any, second: Any, *rest: Any) -> list[Any] | None:
        """Notes the attribute that ``data -> 'name'`` asks for, and returns what else there is to look at.

        ``None`` where it is asked of something else than ``data``.
        """
        if first.get("class") != "COLUMN_REF" or first["column_names"][-1].lower() != _COLUMN:
            return None
        literal = second.get("literal", {})
        if second.get("class") != "CONSTANT" or literal.get("kind") != "STRING" or len(first["column_names"]) > 2:
            raise _Anything
        path = _PATH.fullmatch(literal["text"])
        if path is None and not _NAME.fullmatch(literal["text"]):
            raise _Anything
        self._attributes.add(path[1] if path is not None else literal["text"])
        return list(rest)


def _tables(node: Any) -> Iterator[str]:
    """Names of tables and their other names: a column that is called so is a whole row."""
    if isinstance(node, list):
        for item in node:
            yield from _tables(item)
    elif isinstance(node, dict):
        if "column_name_alias" in node or "ref_type" in node:
            yield from (node[name] for name in ("alias", "table_name") if isinstance(node.get(name), str))
        for item in node.values():
            yield from _tables(item)
