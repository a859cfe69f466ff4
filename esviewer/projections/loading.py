"""The child's part of naming: from a file to a projection that can be given events. This runs the user's code."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from importlib.abc import SourceLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from esviewer.projections.declarative import load as load_steps
from esviewer.projections.definition import DefinitionError, Projection
from esviewer.projections.naming import Named
from esviewer.projections.sandbox.entry import UserCodeError, failure_of


def made(named: Named) -> Projection:
    """A new projection; raises :class:`UserCodeError` where its code fails, :class:`DefinitionError` where it is none.

    Called again it gives another one of the same class, with empty tables.
    """
    if named.kind == "steps":
        return load_steps(named.path, named.source)
    if named.kind == "sql":
        from esviewer.projections import sql_projection

        return sql_projection.load(named.path, named.read())
    kind = _kind(named, _module(named))
    try:
        projection = kind()
    except BaseException as error:  # noqa: BLE001 - user code raises what it likes
        raise _failure(f"{named.member or kind.__name__}() cannot be made", error) from None
    if not projection.handlers():
        raise DefinitionError(f"{kind.__name__} in {named.path} handles no type of event: mark methods with @on.")
    return projection


_modules: dict[tuple[Path, str | None], ModuleType] = {}
"""Modules by file and revision."""
_own: dict[str, set[str]] = {}
"""Names of modules that were loaded from the folder of a projection for it, by folder."""


def _module(named: Named) -> ModuleType:
    """The module of a file, run once. What it imports from its own folder is its own, not that of another version.

    Only the file itself is taken from a revision; what it imports is as it is now.
    """
    path, place = named.path, (named.path, named.revision)
    if place in _modules:
        return _modules[place]
    folder = str(path.parent)
    for other, names in _own.items():
        if other != folder:
            for known in names:
                sys.modules.pop(known, None)
            names.clear()
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_{len(_modules)}"
    shown = path if named.revision is None else Path(f"{path}@{named.revision}")
    loader = None if named.source is None else _Given(name, str(shown), named.source)
    spec = importlib.util.spec_from_file_location(name, shown, loader=loader)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - user code raises what it likes
        raise _failure(f"{shown} cannot be imported", error) from None
    finally:
        _own.setdefault(folder, set()).update(_loaded_from(path.parent, sys.modules.keys() - before))
    _modules[place] = module
    return module


def _loaded_from(folder: Path, names: Iterable[str]) -> set[str]:
    """Those of some modules that an import finds in a folder itself, not in what else may lie below it."""
    found = set()
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        place = folder.joinpath(*name.split("."))
        if file is not None and Path(file) in (place.with_suffix(".py"), place / "__init__.py"):
            found.add(name)
    return found


class _Given(SourceLoader):
    """Loads a module from bytes, and gives their lines to tracebacks."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        self._name = name
        self._path = path
        self._source = source

    def get_filename(self, fullname: str) -> str:
        return self._path

    def get_data(self, path: str) -> bytes:
        if path != self._path:
            raise OSError(f"{path} is not looked for")
        return self._source


def _kind(named: Named, module: ModuleType) -> type[Projection]:
    if named.member is None:
        own = [
            kind
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Projection) and kind.__module__ == module.__name__
        ]
        if len(own) != 1:
            names = ", ".join(f"{named.path.name}:{kind.__name__}" for kind in own) or "none"
            raise DefinitionError(f"{named.path} defines {len(own)} projections; name the class: {names}.")
        return own[0]
    kind: Any = getattr(module, named.member, None)
    if not (isinstance(kind, type) and issubclass(kind, Projection)):
        raise DefinitionError(f"{named.path} has no class {named.member} that is a Projection.")
    return kind


def _failure(what: str, error: BaseException) -> UserCodeError:
    if isinstance(error, DefinitionError):
        return UserCodeError(f"{what}: {error}", -1, "")
    told = failure_of(error, -1)
    return UserCodeError(f"{what}: {told}", -1, told.details)
