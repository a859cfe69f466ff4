"""Python sources as classes that can be followed from module to module, read with ``ast`` and never imported."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

_SKIPPED: Final = {"__pycache__", "node_modules", "site-packages", "venv", "env", "build", "dist"}
_MOST_FILES: Final = 20_000
_LONGEST: Final = 4_000_000
_UPCAST = re.compile(r"upcast_v(\d+)_v(\d+)\Z")
VERSIONS: Final = ("class_version", "event_version", "schema_version")


@dataclass(eq=False, slots=True)
class ClassSource:
    """A class as it is written. ``fields`` are annotated attributes with annotation and default."""

    module: ModuleSource
    qualname: str
    node: ast.ClassDef
    outer: ClassSource | None
    nested: dict[str, ClassSource] = field(default_factory=dict)
    fields: dict[str, tuple[ast.expr, ast.expr | None]] = field(default_factory=dict)
    constants: dict[str, object] = field(default_factory=dict)
    methods: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=list)
    """All methods in order, several under one name included (setters, ``_``)."""

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def topic(self) -> str:
        """``module:Qualified.Name``."""
        return f"{self.module.name}:{self.qualname}"

    @property
    def own_upcasts(self) -> dict[tuple[int, int], ast.FunctionDef | ast.AsyncFunctionDef]:
        """The methods ``upcast_vX_vY`` of this class alone."""
        matched = ((_UPCAST.match(name), method) for name, method in self.methods.items())
        return {(int(found[1]), int(found[2])): method for found, method in matched if found}


@dataclass(eq=False, slots=True)
class ModuleSource:
    """A module: its classes by name, where its imported names come from, and its tree."""

    name: str
    path: Path
    tree: ast.Module
    is_package: bool
    classes: dict[str, ClassSource] = field(default_factory=dict)
    imported: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Local name to module and the name in it, ``None`` for the module itself."""
    starred: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class External:
    """A name from outside the sources, as far as it is known: ``eventsourcing.domain.Aggregate``."""

    path: str

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]


Target: TypeAlias = ClassSource | ModuleSource | External | None


class Sources:
    """All modules below a folder. ``notes`` name files that cannot be read, as sentences."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules: dict[str, ModuleSource] = {}
        self.notes: list[str] = []
        for path in _files(folder):
            module = self._read(path)
            if module is not None:
                self.modules[module.name] = module

    def classes(self) -> Iterator[ClassSource]:
        """All classes, nested ones after what they are nested in."""
        for module in self.modules.values():
            pending = list(module.classes.values())
            while pending:
                one = pending.pop(0)
                yield one
                pending = [*one.nested.values(), *pending]

    def _read(self, path: Path) -> ModuleSource | None:
        parts = list(path.relative_to(self.folder).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        try:
            if path.stat().st_size > _LONGEST:
                raise ValueError("the file is too large")
            with warnings.catch_warnings():
                # Invalid escapes of somebody else's sources are not our warnings.
                warnings.simplefilter("ignore")
                tree = ast.parse(path.read_bytes(), str(path))
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as failure:
            line = f", line {failure.lineno}" if isinstance(failure, SyntaxError) else ""
            self.notes.append(f"{path}{line} cannot be read as Python: {failure.args[0] if failure.args else failure}.")
            return None
        module = ModuleSource(name, path, tree, is_package)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                _note_import(module, node)
        for statement in _statements(tree.body):
            if isinstance(statement, ast.ClassDef):
                module.classes[statement.name] = _class(module, statement, None)
        return module

    # Following names

    def resolve(self, expression: ast.expr, module: ModuleSource, inside: ClassSource | None = None) -> Target:
        """What an expression names: a class or module of the sources, else something external; ``None`` if unclear."""
        if isinstance(expression, ast.Subscript):
            return self.resolve(expression.value, module, inside)
        if isinstance(expression, ast.Name):
            if inside is not None and expression.id in inside.nested:
                return inside.nested[expression.id]
            return self.member(module, expression.id)
        if isinstance(expression, ast.Attribute):
            owner = self.resolve(expression.value, module, inside)
            return self.attribute(owner, expression.attr)
        return None

    def attribute(self, owner: Target, name: str) -> Target:
        """A member of what was resolved; of classes through their bases."""
        if isinstance(owner, ModuleSource):
            return self.member(owner, name)
        if isinstance(owner, External):
            return External(f"{owner.path}.{name}")
        if isinstance(owner, ClassSource):
            for base in self.lineage(owner):
                if isinstance(base, External):
                    return External(f"{base.path}.{name}")
                if name in base.nested:
                    return base.nested[name]
        return None

    def member(self, module: ModuleSource, name: str, depth: int = 0) -> Target:
        """A name in a module, followed through imports."""
        if name in module.classes:
            return module.classes[name]
        if depth > 20:
            return None
        if name in module.imported:
            origin, attribute = module.imported[name]
            if attribute is None:
                return self.modules.get(origin) or External(origin)
            if origin in self.modules:
                found = self.member(self.modules[origin], attribute, depth + 1)
                return found or self.modules.get(f"{origin}.{attribute}") or External(f"{origin}.{attribute}")
            return self.modules.get(f"{origin}.{attribute}") or External(f"{origin}.{attribute}")
        for origin in module.starred:
            other = self.modules.get(origin)
            found = self.member(other, name, depth + 1) if other is not None else None
            if found is not None:
                return found
        return self.modules.get(f"{module.name}.{name}") if module.is_package else None

    def lineage(self, one: ClassSource) -> list[ClassSource | External]:
        """A class and its bases, near ones first; circles and repetitions left out."""
        found: list[ClassSource | External] = []
        pending: list[ClassSource | External] = [one]
        while pending:
            current = pending.pop(0)
            if current in found:
                continue
            found.append(current)
            if isinstance(current, ClassSource):
                for base in current.node.bases:
                    target = self.resolve(base, current.module, current.outer)
                    if isinstance(target, ClassSource | External):
                        pending.append(target)
                    elif target is None and isinstance(base, ast.Name):
                        pending.append(External(base.id))
        return found


def _files(folder: Path) -> list[Path]:
    found: list[Path] = []
    pending = [folder]
    while pending and len(found) < _MOST_FILES:
        current = pending.pop()
        try:
            inside = sorted(current.iterdir())
        except OSError:
            continue
        for path in inside:
            if path.name.startswith(".") or path.name in _SKIPPED or path.is_symlink():
                continue
            if path.is_dir():
                pending.append(path)
            elif path.suffix == ".py":
                found.append(path)
    return sorted(found)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a body, those under ``if`` and ``try`` too."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If):
            yield from _statements([*statement.body, *statement.orelse])
        elif isinstance(statement, ast.Try):
            yield from _statements([*statement.body, *statement.orelse, *statement.finalbody])


def _note_import(module: ModuleSource, node: ast.Import | ast.ImportFrom) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname is not None:
                module.imported[alias.asname] = (alias.name, None)
            else:
                first = alias.name.partition(".")[0]
                module.imported.setdefault(first, (first, None))
        return
    origin = node.module or ""
    if node.level:
        package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
        kept = package[: len(package) - node.level + 1]
        origin = ".".join([*kept, *([node.module] if node.module else [])])
    for alias in node.names:
        if alias.name == "*":
            module.starred.append(origin)
        else:
            module.imported[alias.asname or alias.name] = (origin, alias.name)


def _class(module: ModuleSource, node: ast.ClassDef, outer: ClassSource | None) -> ClassSource:
    qualname = f"{outer.qualname}.{node.name}" if outer is not None else node.name
    made = ClassSource(module, qualname, node, outer)
    for statement in _statements(node.body):
        if isinstance(statement, ast.ClassDef):
            made.nested[statement.name] = _class(module, statement, made)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            made.methods[statement.name] = statement
            made.functions.append(statement)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            made.fields[statement.target.id] = (statement.annotation, statement.value)
            if statement.value is not None:
                _note_constant(made, statement.target.id, statement.value)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                if isinstance(target, ast.Name):
                    _note_constant(made, target.id, statement.value)
    return made


def _note_constant(made: ClassSource, name: str, value: ast.expr) -> None:
    try:
        made.constants[name] = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        made.constants.pop(name, None)
