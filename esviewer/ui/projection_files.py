"""Files of projections as the window lists them: what they define, found without running any of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from esviewer.domain import EsviewerError, UsageError
from esviewer.projections.consent import WouldRun
from esviewer.projections.naming import Kind, names_a_file

KIND_WORDS: Final[dict[Kind, str]] = {"python": "Python", "steps": "Steps", "sql": "SQL"}
_KIND_OF: Final[dict[str, Kind]] = {".py": "python", ".sql": "sql"}
PATTERNS: Final = "Projections (*.py *.yaml *.yml *.toml *.json *.sql)"
LARGEST: Final = 2_000_000
"""Bytes of a file that is still taken for one that somebody wrote."""
_WORD: Final = re.compile(r"""^\s*(?:--\s*)?"?(name|version)"?\s*[:=]\s*["']?([^"'\n,#]*)""", re.MULTILINE)
_REVISION: Final = re.compile(r"(?<=\w)@[^@/\\]+\Z")
_MODULES_AT_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class ProjectionEntry:
    """A projection of the list. ``text`` is what ``replay`` takes; ``name`` and ``version`` as far as its file says.

    ``called`` is its name in the workspace; ``problem`` why it cannot be read.
    """

    text: str
    path: Path
    kind: Kind
    name: str
    version: str = ""
    called: str = ""
    problem: str = ""

    @property
    def title(self) -> str:
        """For people: with the version, where there is one."""
        return f"{self.name} {self.version}".strip()

    @property
    def folder(self) -> str:
        """The folder whose code would run."""
        return str(self.path.resolve().parent)


def entries_of(text: str, called: str = "") -> list[ProjectionEntry]:
    """The projections that a file, or ``file.py:Class``, stands for; one that cannot be read says so.

    Raises :class:`UsageError` where the text names no file of a projection.
    """
    if not names_a_file(text):
        raise UsageError(f"{text} is no projection: choose a file that ends in .py, .yaml, .toml, .json or .sql.")
    path, member = _parts(text)
    kind = _KIND_OF.get(path.suffix, "steps")
    try:
        source = read_text(path)
    except EsviewerError as error:
        return [ProjectionEntry(text, path, kind, called or member or path.stem, called=called, problem=str(error))]
    if kind != "python":
        words = {name: value.strip() for name, value in reversed(_WORD.findall(source))}
        return [ProjectionEntry(text, path, kind, words.get("name") or path.stem, words.get("version", "1"), called)]
    try:
        classes = list(_classes(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError) as wrong:
        problem = f"{path.name} is not Python: {wrong}"
        return [ProjectionEntry(text, path, kind, member or path.stem, called=called, problem=problem)]
    found = [
        ProjectionEntry(f"{path}:{own}", path, kind, name or own.lower(), version, called)
        for own, name, version in classes
        if member in (None, own)
    ]
    return found or [ProjectionEntry(text, path, kind, member or path.stem, called=called)]


def without_revision(text: str) -> str:
    """A projection without the revision of git that it is taken from."""
    return _REVISION.sub("", text)


def _parts(text: str) -> tuple[Path, str | None]:
    """The file, and the class behind a colon."""
    path, colon, member = text.rpartition(":")
    if colon and path.endswith(".py") and member.isidentifier():
        return Path(path), member
    return Path(text), None


def read_text(path: Path) -> str:
    """The text of a file; raises :class:`UsageError` where it cannot be read or is not text."""
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path.name} is larger than {LARGEST // 1_000_000} MB: it is no file of a projection.")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not written in UTF-8.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from None


def _classes(tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Class, name and version of each projection that a module defines."""
    own: set[str] = set()
    for node in tree.body:
        if not isinstance(node, ast.ClassDef):
            continue
        bases = {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in node.bases}
        if not any(base == "Projection" or base in own for base in bases) and not _handles(node):
            continue
        own.add(node.name)
        said = {
            target.id: str(part.value.value)
            for part in node.body
            if isinstance(part, ast.Assign) and isinstance(part.value, ast.Constant)
            for target in part.targets
            if isinstance(target, ast.Name)
        }
        yield node.name, said.get("name", ""), said.get("version", "1")


def _handles(node: ast.ClassDef) -> bool:
    """Whether a class marks methods with ``@on``."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            for mark in part.decorator_list:
                called = mark.func if isinstance(mark, ast.Call) else mark
                if isinstance(called, ast.Name) and called.id == "on":
                    return True
    return False


def what_would_run(paths: Iterable[Path]) -> WouldRun:
    """The Python files that using these ones would run: themselves, and what of their folder they import by name."""
    waiting = [path.resolve() for path in paths]
    folder = waiting[0].parent
    seen: dict[Path, None] = {}
    while waiting and len(seen) < _MODULES_AT_MOST:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen[path] = None
        try:
            tree = ast.parse(read_text(path))
        except (EsviewerError, SyntaxError, ValueError, RecursionError):
            continue
        waiting += [found for name in _imports(tree) for found in _places(folder, name)]
    names = tuple(str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path) for path in seen)
    return WouldRun(folder, len(names), names, ())


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _places(folder: Path, module: str) -> Iterator[Path]:
    """The files in a folder that importing a module runs."""
    place = folder
    for part in module.split("."):
        place = place / part
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                yield file
