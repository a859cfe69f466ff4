"""What a draft of an event type would do: verdicts in theory and on stored events, a first upcaster, advice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from esviewer.catalogue.advisor import Advice, advise_all, kinds_of
from esviewer.catalogue.compatibility import DataVerdict, Reader, Verdict, compare, is_gate_open, transitive
from esviewer.catalogue.model import MISSING, Attribute, TypeVersion, Upcaster, Version
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.domain import Event, Value


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


def simulate(
    judge: Judge, type_name: str, draft: TypeVersion, events: Iterable[Event], reader: Reader = "tolerant"
) -> Simulation:
    """Tries a draft against the catalogue and the events of its type; others are passed over.

    Events are given to the draft as projections see them today: upcast where there is a chain, else as stored.
    """
    known = judge.catalogue.types[type_name]
    data = DataVerdict(draft, reader)
    for event in events:
        found = judge.assess(event)
        if found.known is not known:
            continue
        if found.events is not None:
            for made in found.events:
                if made.type == type_name:
                    data.see(event.position, made.data)
        elif found.status is not Status.UNDECODABLE and event.undecodable is None:
            data.see(event.position, event.data)
    current = known.current_shape or TypeVersion()
    verdict = compare(current, draft)
    against = transitive(known.versions, draft)
    version = known.current_version
    target: Version = version + 1 if isinstance(version, int) else f"{version} next" if version else "next"
    stub = upcaster_stub(current, draft, version, target)
    advice = tuple(advise_all(kinds_of(verdict)))
    return Simulation(type_name, verdict, against, is_gate_open(against, reader), data, stub, advice)


def upcaster_stub(old: TypeVersion, new: TypeVersion, source: Version, target: Version) -> Upcaster | None:
    """The steps that bring payloads of one shape into another, as far as shapes say; ``None`` if none is needed.

    One attribute that goes and one of the same type that comes are taken for a rename.
    """
    steps: list[Value] = []
    gone = [name for name in old.attributes if name not in new.attributes]
    come = [name for name in new.attributes if name not in old.attributes]
    renamed: dict[str, str] = {}
    for name in gone:
        alike = [c for c in come if c not in renamed.values() and _is_alike(old.attributes[name], new.attributes[c])]
        if alike:
            renamed[name] = alike[0]
    if renamed:
        steps.append({"rename": renamed})
    defaults: dict[str, Value] = {}
    for name in come:
        attribute = new.attributes[name]
        if name not in renamed.values() and attribute.required:
            defaults[name] = _example(attribute)
    if defaults:
        steps.append({"default": defaults})
    kinds = {name: kind for name in old.attributes if (kind := _conversion(old, new, name)) is not None}
    if kinds:
        steps.append({"convert": kinds})
    return Upcaster(source, target, parse_steps(steps)) if steps else None


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


def _conversion(old: TypeVersion, new: TypeVersion, name: str) -> str | None:
    after = new.attributes.get(name)
    if after is None or after.is_any or old.attributes[name].types == after.types or len(after.types) != 1:
        return None
    kind = after.types[0]
    if old.attributes[name].types == ("int",) and kind == "number":
        return None
    return kind if kind in ("array", "bool", "int", "number", "string") else None
