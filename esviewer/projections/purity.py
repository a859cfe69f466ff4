"""What makes the outcome of a projection's code depend on more than its events, found by reading it.

Clocks, chance, the network, files and live tables; and modules that are neither Python's nor beside the file, which
are mostly the domain's. Nothing is run: what hides behind a name or an attribute of the user's own is not seen.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from esviewer.domain import UsageError

Kind: TypeAlias = Literal["clock", "chance", "network", "live table", "file", "domain"]

_MODULES: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("random", "secrets"), "chance"),
    **dict.fromkeys(
        ("socket", "ssl", "urllib", "http", "smtplib", "ftplib", "requests", "httpx", "aiohttp"), "network"
    ),
    **dict.fromkeys(("sqlite3", "psycopg", "psycopg2", "sqlalchemy", "asyncpg", "django"), "live table"),
}
_CALLS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("datetime.now", "datetime.utcnow", "datetime.today", "date.today"), "clock"),
    **dict.fromkeys(("time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.localtime"), "clock"),
    **dict.fromkeys(("time.gmtime", "time.strftime"), "clock"),
    **dict.fromkeys(("uuid.uuid1", "uuid.uuid4", "os.urandom"), "chance"),
    "open": "file",
}
_SENTENCES: Final[Mapping[Kind, str]] = {
    "clock": "a clock: a replay on another day gives other rows; use event.recorded_at",
    "chance": "chance: no two replays give the same rows",
    "network": "the network: a replay would ask, or tell, the world outside again",
    "live table": "a database: its rows are those of today, not those at the event",
    "file": "a file: its content is that of today, not that at the event",
    "domain": "code that is not a projection's: when it changes, old events mean something else",
}


@dataclass(frozen=True, slots=True)
class Impurity:
    """A place in a projection's code that does not depend on events alone."""

    line: int
    kind: Kind
    name: str

    @property
    def sentence(self) -> str:
        """For people, whole."""
        return f"Line {self.line}: {self.name} is {_SENTENCES[self.kind]}."


def impurities(
    source: bytes | str, name: str = "the projection", beside: frozenset[str] = frozenset()
) -> list[Impurity]:
    """What is impure in a file of Python, by line. ``beside`` are modules in its own folder, which are its own.

    Raises :class:`UsageError` for what is no Python.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError) as wrong:
        line = f", line {wrong.lineno}" if isinstance(wrong, SyntaxError) else ""
        raise UsageError(f"{name}{line} is no Python: {getattr(wrong, 'msg', wrong)}.") from None
    found = [*_imports(tree, beside), *_calls(tree, _meanings(tree))]
    return sorted(set(found), key=lambda one: (one.line, one.name))


def _imports(tree: ast.Module, beside: frozenset[str]) -> Iterator[Impurity]:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            kind = _MODULES.get(top)
            if kind is None and top not in sys.stdlib_module_names and top not in beside and top != "esviewer":
                kind = "domain"
            if kind is not None:
                yield Impurity(getattr(node, "lineno", 0), kind, name)


def _meanings(tree: ast.Module) -> dict[str, str]:
    """What local names stand for: ``now`` for ``time.time`` after ``from time import time as now``."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _calls(tree: ast.Module, meanings: dict[str, str]) -> Iterator[Impurity]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        first, dot, rest = ast.unparse(node.func).partition(".")
        name = meanings.get(first, first) + dot + rest
        # datetime.datetime.now and datetime.now are the same.
        kind = _CALLS.get(name) or _CALLS.get(name.removeprefix("datetime."))
        if kind is not None:
            yield Impurity(node.lineno, kind, name)
