"""Validates upcasters, as they are declared and on the real events that they are for.

========== ====================================================================================
U-DUP      two edges from one version whose outputs differ on real events
U-GAP      a stored version has no edge
U-END      a path stops before the current version
U-CYCLE    edges lead round in a circle
U-BACK     an edge leads to its own or a lower number
U-RAISES   an edge fails on real events
U-INVALID  its output does not fit the shape of its version
U-LOSSY    drop, narrowing convert, irreversible merge, or different inputs with one output
U-NONDET   two runs give different outputs
U-IDENT    it wants to change id, stream, version, position or time
U-IDEMP    it changes a current event, too: matters where a framework upcasts new events (Commanded)
U-LOOKUP   it reads something outside the event
U-UNUSED   no stored event needs it
========== ====================================================================================
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np

from esviewer.catalogue.chains import Blocked, Chains, NeedsCode, edges_from, in_order, is_future
from esviewer.catalogue.model import EventType, Upcaster, Version, _Unset, version_text
from esviewer.catalogue.shapes import Check, fits, problems
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.steps import Draft, StepFailed, ambiguous_merges, losses
from esviewer.catalogue.values import digest, frozen, is_same
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event, Value

Code: TypeAlias = Literal[
    "U-DUP", "U-GAP", "U-END", "U-CYCLE", "U-BACK", "U-RAISES", "U-INVALID", "U-LOSSY", "U-NONDET", "U-IDENT",
    "U-IDEMP", "U-LOOKUP", "U-UNUSED",
]  # fmt: skip
_TRIED: Final = 100
"""Current events that the last step is tried on: whether it changes them is a matter of the step."""

_REPEATED: Final = 200
"""Events that a function is run on once more; running code is what costs."""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """An event without a position, by its number in the pass."""

    number: int


Place: TypeAlias = int | str | Unplaced


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with an edge, or with a version that lacks one. ``sentence`` is without a full stop.

    ``positions`` are those of the events that show it, in store order; events that have none are in ``unplaced``.
    """

    code: Code
    type: str
    sentence: str
    edge: Upcaster | None = None
    version: Version = None
    positions: tuple[int | str, ...] = ()
    unplaced: frozenset[Unplaced] = frozenset()


def declared_problems(types: Mapping[str, EventType]) -> list[Problem]:
    """What is wrong with the edges whatever is stored: U-END, U-CYCLE, U-BACK, U-LOSSY, U-LOOKUP."""
    chains = Chains(types)
    found: list[Problem] = []
    for known in types.values():
        for edge in known.upcasters:
            found += _edge_problems(chains, known, edge)
        found += _cycles(types, known)
    return found


def _edge_problems(chains: Chains, known: EventType, edge: Upcaster) -> Iterator[Problem]:
    own = edge.target_type in (None, known.name)
    if own and isinstance(edge.source, int) and isinstance(edge.target, int) and edge.target <= edge.source:
        yield Problem("U-BACK", known.name, f"{edge} leads back", edge, edge.source)
    elif known.watched:
        for name, version in chains.targets(known.name, edge):
            goes_on = chains.plan((name, version)) is not None or any(chains.edges((name, version)))
            if not goes_on and not _is_beyond(chains, name, version):
                where = f"version {version_text(version)} of {name}"
                yield Problem(
                    "U-END", known.name, f"{edge} ends at {where}, from where no chain goes on", edge, version
                )
    for what in edge.reads:
        yield Problem("U-LOOKUP", known.name, f"{edge}: its source reads {what}", edge, edge.source)
    for lost in losses(edge.steps):
        yield Problem("U-LOSSY", known.name, f"{edge}: {lost}", edge, edge.source)


def _is_beyond(chains: Chains, name: str, version: Version) -> bool:
    """Whether a version is later than the current one: an edge made for the next release."""
    known = chains.known(name)
    return known is not None and is_future(known, version)


def _cycles(types: Mapping[str, EventType], known: EventType) -> Iterator[Problem]:
    """One problem for each circle that begins at the lowest of its versions."""
    chains = Chains(types)
    reported: set[frozenset[tuple[str, Version]]] = set()
    for edge in known.upcasters:
        start = (known.name, edge.source)
        path = _way_back(chains, types, known.name, edge)
        if path is None or frozenset(path) in reported:
            continue
        reported.add(frozenset(path))
        if len({name for name, _ in path}) > 1 and known.name != min(name for name, _ in path):
            continue
        shown = " → ".join(version_text(version) for _, version in [start, *path])
        yield Problem("U-CYCLE", known.name, f"the versions {shown} lead round in a circle", edge, edge.source)


def _way_back(
    chains: Chains, types: Mapping[str, EventType], type_name: str, edge: Upcaster
) -> list[tuple[str, Version]] | None:
    """The nodes from behind an edge to where it begins, or ``None``."""
    start = (type_name, edge.source)
    ways = [[node] for node in chains.targets(type_name, edge)]
    seen: set[tuple[str, Version]] = set()
    while ways:
        way = ways.pop(0)
        if way[-1] == start:
            return way
        if way[-1] in seen:
            continue
        seen.add(way[-1])
        for following in edges_from(types, way[-1]):
            ways += [[*way, node] for node in chains.targets(way[-1][0], following)]
    return None


class _Pairs:
    """Inputs of an edge with its outputs, as digests: 24 bytes an event."""

    def __init__(self) -> None:
        self._inputs = array("Q")
        self._outputs = array("Q")
        self._places: list[Place] = []

    def add(self, given: int, outcome: int, place: Place) -> None:
        """Takes in what became of one event."""
        self._inputs.append(given)
        self._outputs.append(outcome)
        self._places.append(place)

    def collided(self) -> tuple[int, list[Place]]:
        """How many different inputs led to one output, at most, and the first event of each of them in store order.

        Outputs that only one input led to do not count: ``(1, [])``, if there is no other.
        """
        inputs, outputs = np.array(self._inputs, np.uint64), np.array(self._outputs, np.uint64)
        order = np.lexsort((inputs, outputs))
        inputs, outputs = inputs[order], outputs[order]
        is_first = np.ones(len(order), bool)
        is_first[1:] = (inputs[1:] != inputs[:-1]) | (outputs[1:] != outputs[:-1])
        _, which, counts = np.unique(outputs[is_first], return_inverse=True, return_counts=True)
        rows = np.sort(order[is_first][counts[which] > 1])
        return int(counts.max(initial=1)), [self._places[row] for row in rows.tolist()]


@dataclass(slots=True)
class _Seen:
    """What real events showed of one edge."""

    raised: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    invalid: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    differing: list[Place] = field(default_factory=list)
    varying: list[Place] = field(default_factory=list)
    touched: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    looked_up: dict[str, list[Place]] = field(default_factory=lambda: defaultdict(list))
    changed_current: list[Place] = field(default_factory=list)
    ambiguous: list[Place] = field(default_factory=list)
    tried: int = 0
    repeated: int = 0
    pairs: _Pairs = field(default_factory=_Pairs)


class Validation:
    """Sees every event once, with its assessment, and then tells what is wrong with the upcasters."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._types = judge.catalogue.types
        self._seen: dict[tuple[str, int], _Seen] = defaultdict(_Seen)
        self._stored: dict[str, dict[Version, list[Place]]] = defaultdict(dict)
        self._events = 0
        self._present: set[str] = set()
        self._checks: dict[tuple[str, Version], Check | None] = {}
        self._last: dict[str, tuple[Upcaster, ...]] = {
            name: tuple(edge for edge in known.upcasters if known.watched and edge.target == known.current_version)
            for name, known in self._types.items()
        }

    def see(self, event: Event, found: Assessment) -> None:
        """Takes in one event."""
        known, version = found.known, found.version
        self._events += 1
        if known is not None:
            self._present.add(known.name)
        if known is None or isinstance(version, NoFit) or not (known.upcasters or known.watched):
            return
        if found.status is Status.CURRENT:
            if self._last[known.name]:
                self._try_current(known, event, self._place(event))
            return
        if found.status in (Status.UPCAST, Status.UPCAST_FAILED, Status.BLOCKED):
            place = self._place(event)
            self._stored[known.name].setdefault(version, []).append(place)
            if isinstance(event.data, dict):
                self._follow(known, version, event, place)

    def _place(self, event: Event) -> Place:
        return event.position if event.position is not None else Unplaced(self._events)

    def _follow(self, known: EventType, version: Version, event: Event, place: Place) -> None:
        data = self._judge.payload(event)
        assert isinstance(data, dict)
        chains = self._judge.chains
        pending = [Draft(known.name, version, data)]
        for _ in range(50):
            if not pending:
                return
            draft = pending.pop()
            assert not isinstance(draft.version, _Unset)
            edges = list(edges_from(self._types, (draft.type, draft.version)))
            if chains.is_current((draft.type, draft.version)) or not edges:
                continue
            plan = chains.plan((draft.type, draft.version))
            edge = plan[0] if plan else edges[0]
            try:
                made = chains.follow(edge, draft, event)
            except StepFailed as failure:
                self._of(draft.type, edge).raised[str(failure)].append(place)
                return
            except (NeedsCode, Blocked):
                return
            self._compare(draft, edge, made, place)
            for other in edges:
                if other is not edge:
                    self._compare_duplicate(draft, edge, other, made, event, place)
            if edge.function is not None and self._of(draft.type, edge).repeated < _REPEATED:
                self._run_again(draft, edge, made, event, place)
            pending.extend(reversed(made))

    def _of(self, type_name: str, edge: Upcaster) -> _Seen:
        return self._seen[type_name, self._types[type_name].upcasters.index(edge)]

    def _compare(self, draft: Draft, edge: Upcaster, made: list[Draft], place: Place) -> None:
        seen = self._of(draft.type, edge)
        for one in made:
            for reason in self._misfits(one):
                seen.invalid[reason].append(place)
            for part in one.touched:
                seen.touched[part].append(place)
            for what in one.looked_up:
                seen.looked_up[what].append(place)
        seen.pairs.add(digest([draft.data]), digest(value for one in made for value in (one.type, one.data)), place)
        if any(merge.is_ambiguous(draft.data) for merge in ambiguous_merges(edge.steps)):
            seen.ambiguous.append(place)

    def _misfits(self, draft: Draft) -> list[str]:
        known = self._types.get(draft.type)
        if known is None or isinstance(draft.version, _Unset):
            return []
        key = (draft.type, draft.version)
        if key not in self._checks:
            shape = known.versions.get(draft.version)
            self._checks[key] = None if shape is None else fits(shape)
        check = self._checks[key]
        return [] if check is None or check(draft.data) else problems(known.versions[draft.version], draft.data)

    def _compare_duplicate(
        self, draft: Draft, edge: Upcaster, other: Upcaster, made: list[Draft], event: Event, place: Place
    ) -> None:
        try:
            others = self._judge.chains.follow(other, draft, event)
        except StepFailed:
            others = []
        except NeedsCode:
            return
        if _outcome(made) != _outcome(others):
            self._of(draft.type, edge).differing.append(place)

    def _run_again(self, draft: Draft, edge: Upcaster, made: list[Draft], event: Event, place: Place) -> None:
        self._of(draft.type, edge).repeated += 1
        try:
            again = self._judge.chains.follow_anew(edge, draft, event)
        except StepFailed:
            again = []
        if _outcome(made) != _outcome(again):
            self._of(draft.type, edge).varying.append(place)

    def _try_current(self, known: EventType, event: Event, place: Place) -> None:
        """Whether the last step changes an event that is current already."""
        if not isinstance(event.data, dict):
            return
        for edge in self._last[known.name]:
            seen = self._of(known.name, edge)
            if seen.tried >= _TRIED:
                continue
            seen.tried += 1
            try:
                made = self._judge.chains.follow(edge, Draft(known.name, edge.source, event.data), event)
            except NeedsCode:
                continue
            except StepFailed:
                made = []
            if len(made) != 1 or not is_same(made[0].data, event.data):
                seen.changed_current.append(place)

    # What was found

    def problems(self) -> list[Problem]:
        """All problems, declared ones first, each with the events that show it."""
        found = declared_problems(self._types)
        for known in self._types.values():
            found += self._gaps(known)
            for index, edge in enumerate(known.upcasters):
                seen = self._seen.get((known.name, index))
                if seen is not None:
                    found += _shown(known.name, edge, seen)
            # A catalogue may be that of several stores: nothing is said of types that are not in this one.
            if known.name in self._present:
                found += self._unused(known)
        return found

    def _gaps(self, known: EventType) -> Iterator[Problem]:
        stored = self._stored.get(known.name, {})
        for version in in_order(known, set(stored)):
            if not any(edges_from(self._types, (known.name, version))):
                said = f"version {version_text(version)} is stored {len(stored[version])} times and has no upcaster"
                yield _problem("U-GAP", known.name, said, None, version, stored[version])

    def _unused(self, known: EventType) -> Iterator[Problem]:
        needed: set[tuple[str, Version]] = set()
        pending = [(name, version) for name, versions in self._stored.items() for version in versions]
        while pending:
            node = pending.pop()
            if node in needed or self._judge.chains.is_current(node):
                continue
            needed.add(node)
            for edge in edges_from(self._types, node):
                pending += self._judge.chains.targets(node[0], edge)
        for edge in known.upcasters:
            if (known.name, edge.source) not in needed and not _leads_back(edge):
                said = f"no stored event needs {edge}: it may be retired"
                yield Problem("U-UNUSED", known.name, said, edge, edge.source)


def _leads_back(edge: Upcaster) -> bool:
    return isinstance(edge.source, int) and isinstance(edge.target, int) and edge.target <= edge.source


def _outcome(made: list[Draft]) -> tuple[tuple[str, Value], ...]:
    return tuple((one.type, frozen(one.data)) for one in made)


def _problem(
    code: Code, name: str, sentence: str, edge: Upcaster | None, version: Version, places: Iterable[Place]
) -> Problem:
    """A problem with the events that show it, each once."""
    each = dict.fromkeys(places)
    positions = tuple(place for place in each if not isinstance(place, Unplaced))
    unplaced = frozenset(place for place in each if isinstance(place, Unplaced))
    return Problem(code, name, sentence, edge, version, positions, unplaced)


def _shown(name: str, edge: Upcaster, seen: _Seen) -> Iterator[Problem]:
    """What the events showed of one edge."""

    def problem(code: Code, sentence: str, places: list[Place]) -> Problem:
        return _problem(code, name, f"{edge}: {sentence}", edge, edge.source, places)

    for code, reasons in (("U-RAISES", seen.raised), ("U-INVALID", seen.invalid)):
        for reason, positions in reasons.items():
            yield problem(code, f"{reason} ({len(positions)} events)", positions)  # type: ignore[arg-type]
    if seen.differing:
        yield problem("U-DUP", f"another edge gives something else for {len(seen.differing)} events", seen.differing)
    if seen.varying:
        yield problem("U-NONDET", f"two runs differ for {len(seen.varying)} events", seen.varying)
    for part, positions in seen.touched.items():
        yield problem("U-IDENT", f"it changes the {part} of the event", positions)
    for what, positions in seen.looked_up.items():
        yield problem("U-LOOKUP", f"it reads {what}", positions)
    most, together = seen.pairs.collided()
    if together:
        yield problem("U-LOSSY", f"different inputs give one output ({most} → 1)", together)
    if seen.ambiguous:
        yield problem("U-LOSSY", f"merge cannot be undone for {len(seen.ambiguous)} events", seen.ambiguous)
    if seen.changed_current:
        said = f"it changes {len(seen.changed_current)} of {seen.tried} current events, too"
        yield problem("U-IDEMP", said, seen.changed_current)
