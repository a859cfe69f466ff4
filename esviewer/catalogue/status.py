"""The status of every event against a catalogue: one ladder, used by the window, the command line, checks and replays.

First match wins: IGNORED, UNKNOWN-TYPE, ERASED, UNDECODABLE, FROM-FUTURE, BLOCKED, UPCAST-FAILED, UPCAST,
SHAPE-MISMATCH, CURRENT. Against an inferred catalogue nothing is judged by what was merely seen so far: what would be
unknown, from the future, blocked or a mismatch counts as CURRENT until a person confirms the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Final

from esviewer.catalogue.chains import BatchingRunner, Blocked, Chains, FunctionRunner, NeedsCode, is_future
from esviewer.catalogue.model import Catalogue, Erased, EventType, Version, _Unset, version_text
from esviewer.catalogue.shapes import Check, fits, problems
from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.catalogue.versions import Names, NoFit, Teller, Told, suffix
from esviewer.domain import Event, Value


class Status(StrEnum):
    """What today's code makes of an event; in the order of the ladder."""

    IGNORED = "IGNORED"
    UNKNOWN_TYPE = "UNKNOWN-TYPE"
    ERASED = "ERASED"
    UNDECODABLE = "UNDECODABLE"
    FROM_FUTURE = "FROM-FUTURE"
    BLOCKED = "BLOCKED"
    UPCAST_FAILED = "UPCAST-FAILED"
    UPCAST = "UPCAST"
    SHAPE_MISMATCH = "SHAPE-MISMATCH"
    CURRENT = "CURRENT"


STOPPING: Final = frozenset(
    {
        Status.UNKNOWN_TYPE,
        Status.UNDECODABLE,
        Status.FROM_FUTURE,
        Status.BLOCKED,
        Status.UPCAST_FAILED,
        Status.SHAPE_MISMATCH,
    }
)
"""The statuses at which a replay stops or sets events aside."""

UNVERSIONED: Final = frozenset({Status.IGNORED, Status.UNKNOWN_TYPE, Status.ERASED, Status.UNDECODABLE})
"""The statuses that are settled before anybody asks for the version, so that none is told."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The status of one event, and why. ``reasons`` are sentences without a full stop.

    ``known`` is the type in the catalogue. ``events`` are what projections are given where that is not the event as it
    is stored: for UPCAST what the chain makes (it may be empty), for CURRENT the payload without its version field.
    ``unverified``: the chain leads through Python code that was not run, so that ``events`` is ``None`` for an UPCAST.
    """

    status: Status
    known: EventType | None = None
    version: Version | NoFit = None
    reasons: tuple[str, ...] = ()
    hint: str | None = None
    events: tuple[Draft, ...] | None = None
    conflict: str | None = None
    is_alias: bool = False
    unverified: bool = False


@dataclass(slots=True)
class _Decision:
    """What was settled for a type and version: an answer, a shape to check, or a chain to run."""

    answer: Assessment
    check: Check | None = None
    runs_chain: bool = False


class _Entry:
    """All that is settled of one stored type name."""

    __slots__ = ("answer", "decisions", "erasures", "is_alias", "known", "teller")

    def __init__(self, teller: Teller) -> None:
        self.answer: Assessment | None = None
        self.known: EventType | None = None
        self.is_alias = False
        self.teller = teller
        self.erasures: tuple[Erased, ...] = ()
        self.decisions: dict[tuple[type, object], _Decision] = {}


class Judge:
    """Assesses events against one catalogue.

    ``store_types`` are the type names of the store, by which suffixes are told from names (``Ipv4``) beside those of
    the catalogue, which mostly suffice (:meth:`needs_store_types`): give all or none. ``runner`` runs Python upcasters.
    """

    def __init__(
        self, catalogue: Catalogue, store_types: Iterable[str] = (), runner: FunctionRunner | None = None
    ) -> None:
        self.catalogue = catalogue
        self.chains = Chains(catalogue.types, runner)
        self._by_name = catalogue.by_name()
        self._names = Names([*store_types, *self._by_name, *catalogue.ignored])
        self._entries: dict[str | None, _Entry] = {}
        self._checks: dict[tuple[str, Version], Check | None] = {}
        self._runs_code: dict[str | None, bool] = {}

    def needs_store_types(self, name: str | None) -> bool:
        """Whether a stored name ends like a version of which the names that were given say nothing: others of the
        store might (and what says that it is one is not contradicted by others).
        """
        return name is not None and suffix(name) is not None and self._names.split(name)[1] is None

    def tells_apart(self, store_types: Iterable[str]) -> bool:
        """Whether names and versions are told as if these had been given as types of the store."""
        given = set(store_types)
        if not any(map(self.needs_store_types, given)):
            return True
        whole = Names([*given, *self._by_name, *self.catalogue.ignored])
        return all(self._names.split(name) == whole.split(name) for name in given)

    def status(self, event: Event) -> Status:
        """The status alone."""
        return self.assess(event).status

    def assess(self, event: Event) -> Assessment:
        """The status of one event with what it says: reasons, hint, and the events of a chain."""
        entry = self._entries.get(event.type)
        if entry is None:
            entry = self._settled(event.type)
        if entry.answer is not None:
            return entry.answer if event.undecodable is None else self._unknown_undecodable(entry.answer, event)
        for erased in entry.erasures:
            if _is_erased(erased, event, entry.known):
                return Assessment(Status.ERASED, entry.known, reasons=(erased.reason or "declared as erased",))
        if event.undecodable is not None:
            return Assessment(Status.UNDECODABLE, entry.known, reasons=(event.undecodable,))
        told = entry.teller.tell(event)
        key = (told.version.__class__, told.version)
        decision = entry.decisions.get(key)
        if decision is None:
            decision = entry.decisions[key] = self._decision(entry, told.version)
        if told.conflict is not None or told.field is not None:
            return self._special(entry, decision, told, event)
        if decision.runs_chain:
            return self._upcast(entry, told, event)
        if decision.check is not None and not decision.check({} if event.data is None else event.data):
            return self._mismatch(entry, told, event.data)
        return decision.answer

    def assess_all(self, events: Sequence[Event]) -> list[Assessment]:
        """As :meth:`assess` for some hundred events: the Python upcasters that they need run together.

        That is many times faster than one by one.
        """
        runner = self.chains.runner
        if not isinstance(runner, BatchingRunner):
            return list(map(self.assess, events))
        with_code = [event for event in events if self._may_run_code(event.type)]
        found = iter(runner.together(self.assess, with_code) if with_code else ())
        return [next(found) if self._may_run_code(event.type) else self.assess(event) for event in events]

    def _may_run_code(self, name: str | None) -> bool:
        """Whether a chain from a stored type leads through a function."""
        found = self._runs_code.get(name)
        if found is None:
            known = self._settled(name).known
            pending, seen = ([known.name] if known is not None else []), set[str]()
            found = False
            while pending and not found:
                meant = self.catalogue.types.get(pending.pop())
                if meant is None or meant.name in seen:
                    continue
                seen.add(meant.name)
                found = any(edge.function is not None for edge in meant.upcasters)
                pending += [target for edge in meant.upcasters for target, _ in self.chains.targets(meant.name, edge)]
            self._runs_code[name] = found
        return found

    def settled(self, name: str | None) -> Assessment | None:
        """What all events of a stored type are told, whatever is in them; ``None`` where each must be asked."""
        answer = self._settled(name).answer
        # What is current for want of a confirmed catalogue may still be undecodable.
        return None if answer is None or answer.status is Status.CURRENT else answer

    def entry_type(self, name: str | None) -> EventType | None:
        """The type in the catalogue that a stored name means, or ``None``."""
        return self._find(name)[0]

    def version(self, event: Event) -> Version | NoFit:
        """The version of an event, whatever its status; of unknown types by what the event itself says."""
        return self._settled(event.type).teller.tell(event).version

    def payload(self, event: Event) -> Value:
        """The payload without the field that says its version."""
        return _without(event.data, self._settled(event.type).teller.tell(event).field)

    # What is settled once a type

    def _settled(self, name: str | None) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = self._entry(name)
        return entry

    def _entry(self, name: str | None) -> _Entry:
        base = self._names.split(name)[0] if name is not None else ""
        known, number = self._find(name)
        entry = _Entry(Teller(known or EventType(base), self.catalogue.version_rule, number, name or ""))
        ignored = self.catalogue.ignored.get(name or "") or self.catalogue.ignored.get(base)
        if ignored is not None:
            reasons = (ignored.reason,) if ignored.reason else ()
            entry.answer = Assessment(Status.IGNORED, known, reasons=reasons)
        elif known is None:
            entry.answer = self._unknown(name, base)
        else:
            entry.known = known
            entry.is_alias = name in known.aliases and name != known.name
            meant = {known.name, name}
            entry.erasures = tuple(e for e in self.catalogue.erased if e.type is None or e.type in meant)
        return entry

    def _find(self, name: str | None) -> tuple[EventType | None, int | None]:
        """The type that a stored name means, with the version that its suffix says."""
        if name is None:
            return None, None
        base, number = self._names.split(name)
        exact = self._by_name.get(name)
        if exact is None:
            return self._by_name.get(base) or self._by_rule(name), number
        # Not of a type of its own that is called so (Ipv4 beside Ipv6), unless the base means the same type.
        is_version = name != exact.name or self._by_name.get(base) is exact
        return exact, number if is_version else None

    def _by_rule(self, name: str) -> EventType | None:
        """The type that the group ``base`` of a regular expression for versioned types names."""
        rule = self.catalogue.version_rule
        matched = re.search(rule.argument or "", name) if rule.source == "type" else None
        return self._by_name.get(matched.groupdict().get("base") or "") if matched else None

    def _unknown(self, name: str | None, base: str) -> Assessment:
        if self.catalogue.inferred:
            return Assessment(Status.CURRENT, reasons=("the catalogue is inferred and not confirmed",))
        if name is None:
            return Assessment(Status.UNKNOWN_TYPE, reasons=("the event has no type",))
        hint = rename_hint(name, self._by_name)
        return Assessment(Status.UNKNOWN_TYPE, reasons=("the catalogue has no type or alias of this name",), hint=hint)

    def _unknown_undecodable(self, answer: Assessment, event: Event) -> Assessment:
        """What cannot be decoded cannot be decoded, also where a type is merely not known yet."""
        if answer.status is Status.CURRENT:
            return Assessment(Status.UNDECODABLE, reasons=(event.undecodable or "",))
        return answer

    # What is settled once a type and version

    def _decision(self, entry: _Entry, version: Version | NoFit) -> _Decision:
        known, lenient = entry.known, self.catalogue.inferred
        assert known is not None
        current = Assessment(Status.CURRENT, known, version, is_alias=entry.is_alias)
        if isinstance(version, NoFit):
            return _Decision(current, None if lenient else lambda _: False)
        if not known.watched or version == known.current_version:
            shape = known.current_shape if known.watched else known.versions.get(version)
            return _Decision(current, fits(shape) if shape is not None and not lenient else None)
        if is_future(known, version):
            latest = version_text(known.current_version)
            reason = f"version {version_text(version)} is later than {latest}, the current one"
            answer = Assessment(Status.FROM_FUTURE, known, version, (reason,), is_alias=entry.is_alias)
            return _Decision(current if lenient else answer)
        if self.chains.plan((known.name, version)) is None:
            reason = f"no full chain from version {version_text(version)} to {version_text(known.current_version)}"
            answer = Assessment(Status.BLOCKED, known, version, (reason,), is_alias=entry.is_alias)
            return _Decision(current if lenient else answer)
        return _Decision(current, runs_chain=True)

    # What is asked once an event

    def _special(self, entry: _Entry, decision: _Decision, told: Told, event: Event) -> Assessment:
        """An event whose version stands in its payload, or is contradicted."""
        data = _without(event.data, told.field)
        if decision.runs_chain:
            return self._upcast(entry, told, event)
        if decision.check is not None and not decision.check({} if data is None else data):
            return self._mismatch(entry, told, data)
        answer = decision.answer
        return Assessment(
            answer.status,
            answer.known,
            answer.version,
            answer.reasons,
            events=self._given(entry, told, data) if answer.status is Status.CURRENT else None,
            conflict=told.conflict,
            is_alias=entry.is_alias,
        )

    def _given(self, entry: _Entry, told: Told, data: Value) -> tuple[Draft, ...] | None:
        if entry.known is None or not isinstance(data, dict) or isinstance(told.version, NoFit):
            return None
        return (Draft(entry.known.name, told.version, data),)

    def _mismatch(self, entry: _Entry, told: Told, data: Value) -> Assessment:
        known = entry.known
        assert known is not None
        shape = known.current_shape
        if not known.watched and not isinstance(told.version, NoFit):
            shape = known.versions.get(told.version)
        reasons = tuple(problems(shape, {} if data is None else data)) if shape is not None else ()
        return Assessment(
            Status.SHAPE_MISMATCH, known, told.version, reasons, conflict=told.conflict, is_alias=entry.is_alias
        )

    def _upcast(self, entry: _Entry, told: Told, event: Event) -> Assessment:
        known, version = entry.known, told.version
        assert known is not None and not isinstance(version, NoFit)

        def answer(status: Status, reasons: tuple[str, ...] = (), made: tuple[Draft, ...] | None = None) -> Assessment:
            unverified = status is Status.UPCAST and made is None
            return Assessment(
                status, known, version, reasons, None, made, told.conflict, entry.is_alias, unverified=unverified
            )

        data = _without(event.data, told.field)
        if data is not None and not isinstance(data, dict):
            return answer(Status.UPCAST_FAILED, ("the payload is no object",))
        try:
            made = self.chains.upcast((known.name, version), data or {}, event)
        except StepFailed as failure:
            return answer(Status.UPCAST_FAILED, (str(failure),))
        except Blocked as failure:
            return answer(Status.BLOCKED, (str(failure),))
        except NeedsCode as needed:
            return answer(Status.UPCAST, (str(needed),))
        reasons = [reason for draft in made for reason in self._misfits(draft)]
        if reasons:
            return answer(Status.UPCAST_FAILED, tuple(reasons))
        return answer(Status.UPCAST, (), tuple(made))

    def _misfits(self, draft: Draft) -> list[str]:
        """Why the outcome of a chain does not fit the shape that it should have."""
        known = self.catalogue.types[draft.type]
        version = known.current_version
        if not known.watched and not isinstance(draft.version, _Unset):
            version = draft.version
        key = (draft.type, version)
        if key not in self._checks:
            shape = known.versions.get(version)
            self._checks[key] = fits(shape) if shape is not None else None
        check = self._checks[key]
        if check is None or check(draft.data):
            return []
        return [f"after the chain {reason}" for reason in problems(known.versions[version], draft.data)]


def snapshot_judge(catalogue: Catalogue, runner: FunctionRunner | None = None) -> Judge:
    """Judges snapshots by their own chains: for events whose type is the aggregate's, with its state as data."""
    return Judge(replace(catalogue, types=catalogue.snapshots, ignored={}, erased=()), runner=runner)


def _without(data: Value, field: str | None) -> Value:
    """The payload without the field that says its version."""
    if field is None or not isinstance(data, dict) or field not in data:
        return data
    return {name: value for name, value in data.items() if name != field}


def _is_erased(erased: Erased, event: Event, known: EventType | None) -> bool:
    """Whether a declared erasure is about this event: its stream, its position, and an attribute that it has.

    A payload that can no longer be decoded is, whatever attributes are named; its key was destroyed.
    """
    if erased.stream is not None and erased.stream != event.stream:
        return False
    if erased.positions and event.position not in erased.positions:
        return False
    if not erased.attributes or event.undecodable is not None:
        return True
    held = set(event.data) if isinstance(event.data, dict) else set()
    declared = {name for shape in known.versions.values() for name in shape.attributes} if known else set()
    return any(path.partition(".")[0] in held | declared for path in erased.attributes)


# Hints


@lru_cache(maxsize=16_384)
def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[.:/\\$+]+", name) if part)


def rename_hint(name: str, known: dict[str, EventType]) -> str | None:
    """*rename needs alias*, with the types that end alike, if any does; those that share most of the name."""
    parts = _parts(name)
    ranked: dict[str, int] = {}
    for other, meant in known.items():
        shared = 0
        for left, right in zip(reversed(parts), reversed(_parts(other)), strict=False):
            if left.lower() != right.lower():
                break
            shared += 1
        if shared:
            ranked[meant.name] = max(shared, ranked.get(meant.name, 0))
    if not ranked:
        return None
    best = sorted(other for other, shared in ranked.items() if shared == max(ranked.values()))
    listed = ", ".join(best[:3]) + (f" and {len(best) - 3} more" if len(best) > 3 else "")
    return f"rename needs alias: if this is {listed}, add it to the aliases there"
