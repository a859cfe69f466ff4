"""The child's part of ``--fold classes``: an aggregate folded with the user's own classes of Python's eventsourcing.

The library's mapper makes domain events of the stored ones, upcasts included, and its events change the aggregate, as
``Repository.get`` does without a snapshot (eventsourcing/application.py, persistence.py and domain.py, 9.5.6). What is
imported is the modules that topics name, and those that register topics or transcodings or define applications.
"""

from __future__ import annotations

import ast
import base64
import importlib
import sys
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from esviewer.domain import Event, UsageError
from esviewer.projections.paths import changes
from esviewer.projections.sandbox.entry import Run, Tell, UserCodeError, failure_of
from esviewer.projections.sandbox.spot import Phase, Spot
from esviewer.stores.codecs import Undecodable
from esviewer.stores.database import open_database

_MARKS = ("register_topic", "register_transcodings", "Application")
_INTERNAL = ("_pending_events",)
"""Attributes that say nothing about the state: events that were not saved yet."""
_BATCH = 500
_DEEPEST = 100


def prepare(order: dict[str, Any]) -> Run:
    """Reads the stream, and returns what folds it once user code may run."""
    key = base64.b64decode(order["key"]) if order["key"] else None
    database = open_database(order["address"], key=key, password=order["password"])
    try:
        found = database.named(order["store"])
        if not found.dialect.has_python_classes:
            raise UsageError(
                f"{found.name} is a store of {found.dialect.title}: only those of Python's eventsourcing have classes."
            )
        reader = database.reader(found)
        events = reader.aggregate(order["stream"])
        states = [_opened(database.codecs.opened, event) for event in events]
    finally:
        database.close()
    try:
        importlib.import_module("eventsourcing.persistence")
        importlib.import_module("eventsourcing.application")
    except ImportError:
        raise UsageError(
            "The library eventsourcing is not installed beside esviewer: pip install 'esviewer[eventsourcing]'."
        ) from None
    sources = Path(order["sources"])
    return lambda tell, spot: _fold(sources, events, states, tell, spot)


def modules_in(sources: Path, topics: Iterable[str]) -> list[str]:
    """Modules of a folder that a fold imports, found without importing: those of topics, and those with marks."""
    named = {topic.partition(":")[0] for topic in topics}
    found = []
    for path in sorted(sources.rglob("*.py")):
        parts = path.relative_to(sources).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not parts or not all(part.isidentifier() for part in parts) or len(parts) > 12:
            continue
        name = ".".join(parts)
        if name in named or (parts[0] in {topic.split(".")[0] for topic in named} and _is_marked(path)):
            found.append(name)
    return found


def _is_marked(path: Path) -> bool:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    for node in ast.walk(tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        name = node.name if isinstance(node, ast.FunctionDef) else name
        if name in _MARKS or name.endswith("Application"):
            return True
    return False


def _opened(opened: Any, event: Event) -> bytes | str:
    """The payload as the library's transcoder takes it, or why it cannot be had."""
    try:
        return bytes(opened(event.raw or b""))
    except Undecodable as reason:
        return str(reason.reason)


def _fold(sources: Path, events: list[Event], states: list[bytes | str], tell: Tell, spot: Spot) -> dict[str, Any]:
    spot.set(Phase.LOADING)
    sys.path.insert(0, str(sources))
    mapper = library_mapper(modules_in(sources, {event.type for event in events if event.type}))
    aggregate: Any = None
    known: dict[str, Any] = {}
    batch: list[list[Any]] = []
    for number, (event, state) in enumerate(zip(events, states, strict=True)):
        spot.set(Phase.HANDLING, number)
        try:
            aggregate = _applied(mapper, aggregate, event, state)
            now = _state_of(aggregate)
        except BaseException as error:  # noqa: BLE001 - user code raises what it likes
            tell("deltas", deltas=batch)
            failed = failure_of(error, number)
            if isinstance(error, Exception):
                # Up to here the states are right: whoever asked for an earlier one gets it.
                return {"failed": {"number": number, "sentence": str(failed), "details": failed.details}}
            raise failed from None
        # Not by ``!=``, to which True is 1.
        changed = {name: value for name, value in now.items() if name not in known or changes(known[name], value)}
        batch.append([changed, [name for name in known if name not in now]])
        known = now
        if len(batch) == _BATCH:
            tell("deltas", deltas=batch)
            batch = []
    spot.set(Phase.ENDING)
    tell("deltas", deltas=batch)
    return {"failed": None}


def library_mapper(modules: list[str]) -> Any:
    """The library's mapper with the transcodings of the applications in these modules, which are imported.

    Raises :class:`UserCodeError` for a module that cannot be.
    """
    from eventsourcing.application import Application
    from eventsourcing.persistence import JSONTranscoder, Mapper

    for name in modules:
        try:
            importlib.import_module(name)
        except BaseException as error:  # noqa: BLE001 - user code raises what it likes
            told = failure_of(error, -1)
            raise UserCodeError(f"module {name} cannot be imported: {told}", -1, told.details) from None
    transcoder = JSONTranscoder()
    for kind in (Application, *_applications(Application, set(modules))):
        # Making an application would connect to its database; its transcodings are all that is wanted of it.
        kind.register_transcodings(object.__new__(kind), transcoder)
    return Mapper(transcoder)


def _applications(base: Any, modules: set[str]) -> list[Any]:
    found = []
    for kind in base.__subclasses__():
        if kind.__module__ in modules:
            found.append(kind)
        found += _applications(kind, modules)
    return found


def _applied(mapper: Any, aggregate: Any, event: Event, state: bytes | str) -> Any:
    from eventsourcing.persistence import StoredEvent

    if isinstance(state, str):
        raise ValueError(f"its payload cannot be read: {state}")
    stream = event.stream or ""
    try:
        identity: Any = UUID(stream)
    except ValueError:
        identity = stream
    stored = StoredEvent(identity, event.version or 0, event.type or "", state)
    return mapper.to_domain_event(stored).mutate(aggregate)


def _state_of(aggregate: Any) -> dict[str, Any]:
    if aggregate is None:
        return {}
    return {name: plain(value) for name, value in _members(aggregate).items() if name not in _INTERNAL}


def _members(value: Any) -> dict[str, Any]:
    """The attributes of an object, those in slots too."""
    members: dict[str, Any] = {}
    for kind in reversed(type(value).__mro__):
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if not name.startswith("__") and hasattr(value, name):
                members[name] = getattr(value, name)
    return {**members, **getattr(value, "__dict__", {})}


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    """A dict with texts as keys; those that another key has already are told apart by their kind: ``1 (int)``."""
    made = {key: plain(item, depth + 1) for key, item in value.items() if type(key) is str}
    for key, item in value.items():
        if type(key) is not str:
            name = str(plain(key) if isinstance(key, Enum) else key)
            if name in made:
                name = f"{name} ({type(key).__name__})"
            while name in made:
                name += "'"
            made[name] = plain(item, depth + 1)
    return made


def plain(value: Any, depth: int = 0) -> Any:
    """A value of an aggregate in JSON's terms: objects as their attributes, ids, decimals and times as their texts."""
    if value is None or (isinstance(value, bool | int | float | str) and not isinstance(value, Enum)):
        return value
    if depth > _DEEPEST:
        raise ValueError(f"its state is nested deeper than {_DEEPEST} levels")
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Enum):
        return plain(value.value, depth + 1)
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, set | frozenset):
        return sorted((plain(item, depth + 1) for item in value), key=lambda item: (str(type(item)), str(item)))
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, bytes | bytearray):
        return {"base64": base64.b64encode(value).decode()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), depth + 1) for field in fields(value)}
    members = {} if isinstance(value, type) else _members(value)
    return {name: plain(item, depth + 1) for name, item in members.items()} if members else repr(value)
