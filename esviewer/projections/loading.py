"""The child's part of naming: from a file to a projection that can be given events. This runs the user's code."""

from __future__ import annotations

import importlib.util
import sys
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
        return load_steps(named.path)
    kind = _kind(named, _module(named.path))
    try:
        projection = kind()
    except BaseException as error:  # noqa: BLE001 - user code raises what it likes
        raise _failure(f"{named.member or kind.__name__}() cannot be made", error) from None
    if not projection.handlers():
        raise DefinitionError(f"{kind.__name__} in {named.path} handles no type of event: mark methods with @on.")
    return projection


_modules: dict[Path, ModuleType] = {}


def _module(path: Path) -> ModuleType:
    """The module of a file, run once. What it imports from its own folder is its own, not that of another version."""
    if path in _modules:
        return _modules[path]
    folder = str(path.parent)
    for other in {str(known.parent) for known in _modules} - {folder}:
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(other):
                del sys.modules[name]
    if folder in sys.path:
        sys.path.remove(folder)
    sys.path.insert(0, folder)
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_{len(_modules)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # noqa: BLE001 - user code raises what it likes
        raise _failure(f"{path} cannot be imported", error) from None
    _modules[path] = module
    return module


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
