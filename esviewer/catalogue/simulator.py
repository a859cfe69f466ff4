"""What a draft of an event type would do: verdicts in theory and on stored events, a first upcaster, advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from esviewer.catalogue.advisor import Advice, Kind, advise_all, kinds_of
from esviewer.catalogue.compatibility import DataVerdict, Reader, Verdict, compare, is_gate_open, transitive
from esviewer.catalogue.dry_run import assessed, with_upcaster
from esviewer.catalogue.model import MISSING, Attribute, Catalogue, EventType, Step, TypeVersion, Upcaster, Version
from esviewer.catalogue.paths import member, parse
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.domain import Event, Value
from esviewer.stores.codecs import json_text

_WITHOUT_PAYLOAD: Final = frozenset({Status.UNDECODABLE, Status.IGNORED, Status.ERASED})


@dataclass(frozen=True, slots=True)
class Simulation:
    """The outcome of a draft. ``against`` has the verdict for every version that is declared, the current included.

    ``stub`` is where to begin with an upcaster from the current version: what it cannot know is an example value.
    """

    type: str
    verdict: Verdict
    against: dict[Version, Verdict]
    is_gate_open: bool
    data: DataVerdict
    stub: Upcaster | None
    advice: tuple[Advice, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """What a draft of a type is to the versions that are declared, without a look at any event.

    ``source`` is the version that is current, ``target`` the one that the draft would be. ``stub`` is ``None`` where
    old payloads can stay as they are. ``kinds`` are the kinds of change that the shapes show.
    """

    type: str
    verdict: Verdict
    against: dict[Version, Verdict]
    source: Version
    target: Version
    stub: Upcaster | None
    kinds: tuple[Kind, ...]

    def is_gate_open(self, reader: Reader) -> bool:
        """Whether the draft reads every version that is declared."""
        return is_gate_open(self.against, reader)

    def advice(self, also: Iterable[Kind] = ()) -> tuple[Advice, ...]:
        """The tactics, best first, for what the shapes show and what only a person can say beside it."""
        return tuple(advise_all((*self.kinds, *also)))


def outline(known: EventType, draft: TypeVersion, renames: Mapping[str, str] | None = None) -> Outline:
    """What a draft is in theory. ``renames`` are old paths with new ones; without any they are guessed."""
    current = known.current_shape or TypeVersion()
    verdict = compare(current, draft)
    version = known.current_version
    target: Version = 1 if not known.watched else version + 1 if isinstance(version, int) else _next(version)
    stub = upcaster_stub(current, draft, version, target, renames) if known.watched else None
    return Outline(known.name, verdict, transitive(known.versions, draft), version, target, stub, kinds_of(verdict))


def _next(version: str | None) -> str:
    return f"{version} next" if version else "next"


def with_draft(catalogue: Catalogue, found: Outline, draft: TypeVersion, steps: tuple[Step, ...] | None) -> Catalogue:
    """The catalogue in which the draft is the current version, and older events come to it by these steps.

    With ``None`` for the steps the draft takes the place of the shape that is current: a change that old events bear.
    """
    known = catalogue.types[found.type]
    if steps is None and known.watched:
        changed = replace(known, versions={**known.versions, found.source: draft})
        return replace(catalogue, types={**catalogue.types, known.name: changed})
    changed = replace(known, current=found.target, versions={**known.versions, found.target: draft})
    made = replace(catalogue, types={**catalogue.types, known.name: changed})
    if not known.watched:
        return made
    return with_upcaster(made, known.name, Upcaster(found.source, found.target, steps or ()))


def simulate(
    judge: Judge, type_name: str, draft: TypeVersion, events: Iterable[Event], reader: Reader = "tolerant"
) -> Simulation:
    """Tries a draft against the catalogue and the events of its type; others are passed over."""
    known = judge.catalogue.types[type_name]
    data = DataVerdict(draft, reader)
    for _, position, payload in payloads(judge, type_name, events):
        data.see(position, payload)
    found = outline(known, draft)
    return Simulation(
        type_name, found.verdict, found.against, found.is_gate_open(reader), data, found.stub, found.advice()
    )


def payloads(judge: Judge, type_name: str, events: Iterable[Event]) -> Iterator[tuple[int, int | str | None, Value]]:
    """What a draft is given: payloads of a type as projections see them today, each with the number of its event, from
    0 on, and its position.

    Upcast where there is a chain, else as stored. What is ignored, erased or cannot be decoded is left out.
    """
    known = judge.catalogue.types[type_name]
    for number, (event, found) in enumerate(assessed(judge, events)):
        if found.known is not known:
            continue
        if found.events is not None:
            for made in found.events:
                if made.type == type_name:
                    yield number, event.position, made.data
        elif found.status not in _WITHOUT_PAYLOAD and event.undecodable is None:
            yield number, event.position, judge.payload(event)


def upcaster_stub(
    old: TypeVersion, new: TypeVersion, source: Version, target: Version, renames: Mapping[str, str] | None = None
) -> Upcaster | None:
    """The steps that bring payloads of one shape into another, as far as shapes say; ``None`` if none is needed.

    Without ``renames``, one attribute that goes and one of the same type that comes are taken for a rename. What lies
    inside objects is gone into, what lies inside arrays is not. Old paths of ``renames`` begin with the new path of the
    object that they lie in, which may have been renamed before.
    """
    moved = dict(_guessed(old, new)) if renames is None else dict(renames)
    steps: list[Value] = [{"rename": pairs} for pairs in _by_depth(moved)]
    defaults: dict[str, Value] = {}
    kinds: dict[str, Value] = {}
    nulls: dict[str, Value] = {}
    found = _Found(defaults, kinds, nulls, {after: before for before, after in moved.items()})
    _compare(old.attributes, new.attributes, "", found)
    if defaults:
        steps.append({"default": defaults})
    if kinds:
        steps.append({"convert": kinds})
    if nulls:
        steps.append({"expression": nulls})
    return Upcaster(source, target, parse_steps(steps)) if steps else None


def _by_depth(moved: Mapping[str, str]) -> list[dict[str, str]]:
    """Renames by how deep they lie, outer ones first: one step takes all its values before it gives any."""
    found: dict[int, dict[str, str]] = {}
    for before, after in moved.items():
        found.setdefault(len(parse(after)), {})[before] = after
    return [found[depth] for depth in sorted(found)]


def _guessed(old: TypeVersion, new: TypeVersion) -> Iterator[tuple[str, str]]:
    come = {name: attribute for name, attribute in new.attributes.items() if name not in old.attributes}
    for name, attribute in old.attributes.items():
        if name in new.attributes:
            continue
        alike = next((other for other, made in come.items() if _is_alike(attribute, made)), None)
        if alike is not None:
            del come[alike]
            yield member("", name), member("", alike)


@dataclass(frozen=True, slots=True)
class _Found:
    """What has to be done to payloads, by path in the new shape; ``came_from`` are old paths by new ones."""

    defaults: dict[str, Value]
    kinds: dict[str, Value]
    nulls: dict[str, Value]
    came_from: Mapping[str, str]


def _compare(old: Mapping[str, Attribute], new: Mapping[str, Attribute], prefix: str, found: _Found) -> None:
    """Fills in what has to be given, what has to be converted, and what takes the place of null."""
    for name, attribute in new.items():
        path = member(prefix, name)
        before = found.came_from.get(path)
        # A rename stays within its object: what is moved is named by the last part of its path.
        was = next((old[own] for own in old if member(prefix, own) == before), None) if before else old.get(name)
        if was is None:
            if attribute.required and attribute.default is MISSING:
                found.defaults[path] = _example(attribute)
            continue
        kind = _conversion(was, attribute)
        if kind is not None:
            found.kinds[path] = kind
        if was.nullable and not attribute.nullable and attribute.required and not prefix:
            # In an object that may be missing this would make one.
            value = json_text.dumps(_example(attribute)).decode().replace("`", "\\u0060")
            found.nulls[path] = f"not_null({_jmespath(path)}, `{value}`)"
        if was.attributes is not None and attribute.attributes is not None:
            _compare(was.attributes, attribute.attributes, path, found)


def _jmespath(path: str) -> str:
    return ".".join(json_text.dumps(name).decode() for name in parse(path))


def _is_alike(old: Attribute, new: Attribute) -> bool:
    return old.types == new.types and old.required == new.required


def _example(attribute: Attribute) -> Value:
    if attribute.default is not MISSING:
        return attribute.default
    if attribute.nullable:
        return None
    if attribute.enum:
        return attribute.enum[0]
    examples: dict[str, Any] = {"string": "?", "int": 0, "number": 0, "bool": False, "object": {}, "array": []}
    return examples.get(attribute.types[0]) if attribute.types else None


def _conversion(was: Attribute, after: Attribute) -> str | None:
    if after.is_any or was.types == after.types or len(after.types) != 1:
        return None
    kind = after.types[0]
    if was.types == ("int",) and kind == "number":
        return None
    return kind if kind in ("array", "bool", "int", "number", "string") else None
