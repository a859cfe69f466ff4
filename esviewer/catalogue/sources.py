"""The catalogue that an application's Python sources say, read with ``ast`` and without importing anything.

Known idioms, of the Python ``eventsourcing`` library (9.2 to 9.5, ``eventsourcing/domain.py``, ``utils.py``): event
classes nested in aggregates; events that ``@event("Name")``, ``@event(Class)`` and a bare ``@event`` define by the
parameters of the method they decorate; the event of ``__init__``; ``class_version``, ``upcast_vX_vY``, ``TOPIC``,
``register_topic``; events of a base aggregate, which exist again in each aggregate derived from it. Of other libraries:
classes that derive from something called ``…Event``, by their own names, with ``event_type`` and ``event_version``.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from esviewer.catalogue.annotations import attribute_of
from esviewer.catalogue.model import Attribute, Catalogue, EventType, TypeVersion, Upcaster, Version
from esviewer.catalogue.python_sources import VERSIONS, ClassSource, External, ModuleSource, Sources
from esviewer.catalogue.upcast_code import outside_reads, translated
from esviewer.domain import NotFound, UsageError

_AGGREGATES: Final = ("Aggregate", "AggregateRoot", "BaseAggregate")
_CREATED: Final = ("Created", "AggregateCreated", "CanInitAggregate")
_ENVELOPE: Final = frozenset(
    {"originator_id", "originator_version", "originator_topic", "timestamp", "event_id", "metadata"}
)
"""What dialects take out of payloads, or what is never in them."""


@dataclass(frozen=True, slots=True)
class FromSources:
    """The catalogue and what could not be read of the sources, as sentences."""

    catalogue: Catalogue
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _EventSource:
    """One event class, written out or implied by a method."""

    attributes: Mapping[str, Attribute]
    version: Version
    upcasters: tuple[Upcaster, ...] = ()
    topic: str | None = None
    line: int | None = None
    is_created: bool = False


def from_sources(folder: Path) -> FromSources:
    """The catalogue of all sources below a folder, which holds the top-level package; nothing is imported or run.

    Raises :class:`NotFound` and :class:`UsageError`.
    """
    try:
        is_there, is_folder = folder.exists(), folder.is_dir()
    except OSError as failure:
        raise UsageError(f"{folder} cannot be read: {failure.strerror}.") from None
    if not is_there:
        raise NotFound(f"There is no folder {folder}.")
    if not is_folder:
        raise UsageError(f"{folder} is a file: name the folder that holds the top-level package.")
    sources = Sources(folder)
    reading = _Reading(sources)
    types = reading.types()
    if not types:
        sources.notes.append(f"No event classes were found below {folder}.")
    return FromSources(Catalogue(types, snapshots=reading.snapshots(), origin="sources"), tuple(sources.notes))


class _Reading:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._events: dict[ClassSource, dict[str, _EventSource]] = {}
        self._derived_from = {
            base for one in sources.classes() for base in sources.lineage(one)[1:] if isinstance(base, ClassSource)
        }

    # Kinds of classes

    def _is_aggregate(self, one: ClassSource) -> bool:
        lineage = self._sources.lineage(one)
        return any(
            base.name in _AGGREGATES if isinstance(base, External) else self._is_decorated(base) for base in lineage
        )

    def _is_decorated(self, one: ClassSource) -> bool:
        """Whether ``@aggregate`` makes an aggregate of a class that derives from nothing."""
        decorators = (d.func if isinstance(d, ast.Call) else d for d in one.node.decorator_list)
        targets = (self._sources.resolve(decorator, one.module) for decorator in decorators)
        return any(
            isinstance(target, External) and target.path == "eventsourcing.domain.aggregate" for target in targets
        )

    def _is_event(self, one: ClassSource) -> bool:
        return not self._is_aggregate(one) and any(
            isinstance(base, External) and (base.name.endswith("Event") or base.name in _CREATED)
            for base in self._sources.lineage(one)
        )

    def _is_of_library(self, one: ClassSource) -> bool:
        """Whether stored names are topics, as in the ``eventsourcing`` library."""
        return any(
            isinstance(base, External) and base.path.partition(".")[0] == "eventsourcing"
            for base in self._sources.lineage(one)
        )

    # Types

    def types(self) -> dict[str, EventType]:
        found: dict[str, EventType] = {}
        for one in self._sources.classes():
            if self._is_aggregate(one):
                for name, event in self._events_of(one).items():
                    topic = event.topic or f"{one.topic}.{name}"
                    found[topic] = self._type(topic, event)
            elif self._is_event(one) and (one.outer is None or not self._is_aggregate(one.outer)):
                made = self._plain_type(one)
                if made is not None:
                    found.setdefault(made.name, made)
        return self._with_aliases(found)

    def snapshots(self) -> dict[str, EventType]:
        """Chains of aggregate classes that have a version."""
        found = {}
        for one in self._sources.classes():
            if self._is_aggregate(one):
                version, upcasters = self._version(one), self._upcasters(one)
                if version != 1 or upcasters:
                    topic = str(one.constants.get("TOPIC") or one.topic)
                    found[topic] = EventType(topic, current=version, upcasters=upcasters, line=one.node.lineno)
        return found

    def _type(self, name: str, event: _EventSource) -> EventType:
        return EventType(
            name=name,
            current=event.version,
            versions={event.version: TypeVersion(event.attributes)},
            upcasters=event.upcasters,
            starts_stream=event.is_created,
            line=event.line,
        )

    def _plain_type(self, one: ClassSource) -> EventType | None:
        """An event class that stands alone; one that others derive from and that says nothing is no type."""
        if one in self._derived_from and not one.fields:
            return None
        event = self._event(one)
        if self._is_of_library(one):
            return self._type(event.topic or one.topic, event)
        stored = one.constants.get("event_type")
        name = stored if isinstance(stored, str) and stored else one.name
        aliases = tuple(alias for alias in (one.topic, one.topic.replace(":", "."), one.name) if alias != name)
        return replace(self._type(name, event), aliases=aliases)

    # Events of aggregates

    def _events_of(self, aggregate: ClassSource) -> dict[str, _EventSource]:
        """All events of an aggregate by their name inside it, those of its bases too."""
        if aggregate in self._events:
            return self._events[aggregate]
        found: dict[str, _EventSource] = {}
        self._events[aggregate] = found
        for base in self._sources.lineage(aggregate)[1:]:
            if isinstance(base, ClassSource) and self._is_aggregate(base):
                for name, event in self._events_of(base).items():
                    # What creates a base creates nothing here unless it is defined again.
                    if not event.is_created and name not in found:
                        found[name] = replace(event, topic=None)
        for name, nested in aggregate.nested.items():
            if self._is_event(nested) and name != "Event":
                found[name] = self._event(nested)
        for method in aggregate.functions:
            found.update(self._implied(aggregate, method))
        created = self._created(aggregate, found)
        if created is not None:
            found[created[0]] = created[1]
        return found

    def _event(self, one: ClassSource) -> _EventSource:
        attributes: dict[str, Attribute] = {}
        for base in reversed([base for base in self._sources.lineage(one) if isinstance(base, ClassSource)]):
            attributes.update(_fields(base))
        topic = one.constants.get("TOPIC")
        is_created = any(isinstance(b, External) and b.name in _CREATED for b in self._sources.lineage(one))
        return _EventSource(
            attributes,
            self._version(one),
            self._upcasters(one),
            topic if isinstance(topic, str) else None,
            one.node.lineno,
            is_created,
        )

    def _implied(
        self, aggregate: ClassSource, method: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> Iterator[tuple[str, _EventSource]]:
        """The event that a decorator ``@event`` on a method defines, if it does not name a class."""
        for decorator in method.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            target = self._sources.resolve(call.func if call else decorator, aggregate.module, aggregate)
            if not (isinstance(target, External) and target.name in ("event", "triggers")):
                continue
            name = _decorated_name(method, call)
            if name is not None:
                topic = _keyword(call, "topic") if call else None
                is_created = method.name == "__init__"
                yield name, _EventSource(_parameters(method), 1, (), topic, method.lineno, is_created)

    def _created(self, aggregate: ClassSource, found: dict[str, _EventSource]) -> tuple[str, _EventSource] | None:
        """The event of ``__init__`` where neither a decorator nor a nested class is it."""
        init = aggregate.methods.get("__init__")
        own = [name for name, event in found.items() if event.is_created]
        named = _created_name(aggregate)
        if named in own or (named is None and own):
            return None
        if init is None and not aggregate.fields and (aggregate in self._derived_from or not found):
            return None
        if init is not None and init.decorator_list:
            return None
        name, base = self._inherited(aggregate)
        if init is not None:
            attributes = _parameters(init)
        elif aggregate.fields or base is None:
            attributes = _fields(aggregate, is_dataclass=True)
        else:
            attributes = dict(base.attributes)
        event = base or _EventSource(attributes, 1)
        line = aggregate.node.lineno
        return named or name, replace(event, attributes=attributes, topic=None, line=line, is_created=True)

    def _inherited(self, aggregate: ClassSource) -> tuple[str, _EventSource | None]:
        """The event that creates a base, whose class the event of a derived aggregate derives from."""
        for base in self._sources.lineage(aggregate)[1:]:
            if isinstance(base, ClassSource):
                created = [pair for pair in self._events_of(base).items() if pair[1].is_created]
                if len(created) == 1:
                    return created[0]
        return "Created", None

    # Versions

    def _version(self, one: ClassSource) -> Version:
        for base in self._sources.lineage(one):
            if isinstance(base, ClassSource):
                for name in VERSIONS:
                    value = base.constants.get(name)
                    if isinstance(value, int | str) and not isinstance(value, bool):
                        return value
        return 1

    def _upcasters(self, one: ClassSource) -> tuple[Upcaster, ...]:
        found: dict[tuple[int, int], Upcaster] = {}
        for base in self._sources.lineage(one):
            if isinstance(base, ClassSource):
                for (source, target), method in base.own_upcasts.items():
                    function = f"{base.topic}.{method.name}"
                    steps, reads = translated(method) or (), outside_reads(method)
                    edge = Upcaster(source, target, steps, function, reads=reads, line=method.lineno)
                    found.setdefault((source, target), edge)
        return tuple(found[pair] for pair in sorted(found))

    # Aliases

    def _with_aliases(self, types: dict[str, EventType]) -> dict[str, EventType]:
        """With the old topics that ``register_topic`` keeps readable, also of what is inside a renamed class."""
        aliases: dict[str, list[str]] = {}
        for module in self._sources.modules.values():
            for old, target in self._registrations(module):
                new = target.name if isinstance(target, ModuleSource) else target.topic
                for topic in types:
                    rest = topic[len(new) :]
                    if topic.startswith(new) and (not rest or rest[0] in ".:"):
                        aliases.setdefault(topic, []).append(old + rest)
        result = {}
        for topic, known in types.items():
            added = [alias for alias in dict.fromkeys(aliases.get(topic, [])) if alias not in types]
            result[topic] = replace(known, aliases=(*known.aliases, *added)) if added else known
        return result

    def _registrations(self, module: ModuleSource) -> Iterator[tuple[str, ClassSource | ModuleSource]]:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call) or len(node.args) + len(node.keywords) != 2:
                continue
            called = self._sources.resolve(node.func, module)
            if not (isinstance(called, External) and called.name == "register_topic"):
                continue
            given = [*node.args, *(keyword.value for keyword in node.keywords)]
            old, target = given[0], self._sources.resolve(given[1], module)
            if isinstance(old, ast.Constant) and isinstance(old.value, str):
                if isinstance(target, ClassSource | ModuleSource):
                    yield old.value, target
                else:
                    self._sources.notes.append(
                        f"{module.path}, line {node.lineno}: {old.value} is of a class not found."
                    )


def _fields(one: ClassSource, *, is_dataclass: bool = False) -> dict[str, Attribute]:
    """Annotated attributes that are stored."""
    found = {}
    for name, (annotation, default) in one.fields.items():
        text = ast.unparse(annotation)
        if name in _ENVELOPE or name in VERSIONS or name.startswith("_") or "ClassVar" in text or name == "event_type":
            continue
        if is_dataclass and (name == "id" or _is_not_given(default)):
            continue
        found[name] = attribute_of(annotation, default)
    return found


def _is_not_given(default: ast.expr | None) -> bool:
    """Whether a dataclass field is no parameter: ``field(init=False)``."""
    return isinstance(default, ast.Call) and any(
        keyword.arg == "init" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        for keyword in default.keywords
    )


def _parameters(method: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, Attribute]:
    """Parameters as attributes; what has a default is stored all the same, and read by it where it is missing."""
    arguments = method.args
    positional = [*arguments.posonlyargs, *arguments.args][1:]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    pairs = [*zip(positional, [*defaults, *arguments.defaults], strict=False)]
    pairs += [*zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    found = {}
    for argument, default in pairs:
        # The id of a new aggregate stands in the envelope.
        if argument.arg in _ENVELOPE or (argument.arg == "id" and method.name == "__init__"):
            continue
        found[argument.arg] = attribute_of(argument.annotation, default)
    return found


def _decorated_name(method: ast.FunctionDef | ast.AsyncFunctionDef, call: ast.Call | None) -> str | None:
    """``@event("Name")`` → Name; a bare ``@event`` names the event after its method; a class defines nothing."""
    if call is not None and call.args:
        given = call.args[0]
        return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
    if method.name == "__init__":
        return None
    return "".join(part.capitalize() for part in method.name.split("_"))


def _created_name(aggregate: ClassSource) -> str | None:
    """The name that ``created_event_name`` gives, as class keyword or in the decorator ``@aggregate``."""
    calls = [decorator for decorator in aggregate.node.decorator_list if isinstance(decorator, ast.Call)]
    keywords = [*aggregate.node.keywords, *(keyword for call in calls for keyword in call.keywords)]
    for keyword in keywords:
        if keyword.arg == "created_event_name" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _keyword(call: ast.Call, name: str) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            return keyword.value.value
    return None
