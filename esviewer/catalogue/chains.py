"""Chains of upcasters: which edges bring a version to the current one, and what a payload becomes on the way.

A node is a type with a version, an edge is an :class:`Upcaster`. One event may become none, one or several.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, TypeVar, runtime_checkable

from esviewer.catalogue.model import UNSET, EventType, Upcaster, Version, _Unset, version_text
from esviewer.catalogue.steps import Discard, Draft, Emit, SetType, StepFailed, run
from esviewer.domain import Event, Value

Node: TypeAlias = tuple[str, Version]
Result = TypeVar("Result")
_DOTTED = re.compile(r"v?\d+(\.\d+)*\Z", re.IGNORECASE)
MAX_HOPS: Final = 200
"""A chain that is longer does not end."""


class FunctionRunner(Protocol):
    """Runs Python upcasters of the user, somewhere else: in a child process, with limits, and with consent."""

    def __call__(self, function: str, draft: Draft, edge: Upcaster, event: Event | None) -> list[Draft]:
        """What the function makes of a payload; raises :class:`StepFailed` for all that goes wrong, time included.

        The drafts are of ``edge``'s target unless the function says otherwise. ``event`` is the stored event.
        """


@runtime_checkable
class BatchingRunner(FunctionRunner, Protocol):
    """A runner that keeps its answers for a while, and that many calls cost less together than one by one."""

    def together(self, ask: Callable[[Event], Result], events: Iterable[Event]) -> list[Result]:
        """What ``ask`` gives for each event; the functions that it asks for are run in batches."""

    def forget(self, function: str, draft: Draft, event: Event | None) -> None:
        """Runs the function anew for this payload when it is asked for next."""


class Blocked(Exception):
    """There is no full chain from a version; the text says from where."""


class NeedsCode(Exception):
    """A chain leads through Python code, and no runner was given; the text names the function."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One edge on the way of one event, with what came out of it."""

    type: str
    edge: Upcaster
    before: dict[str, Value]
    after: tuple[Draft, ...]


class Chains:
    """All chains of a catalogue (or of its snapshots); plans are made once and kept."""

    def __init__(self, types: Mapping[str, EventType], runner: FunctionRunner | None = None) -> None:
        self._types = types
        self._runner = runner
        self._plans: dict[Node, tuple[Upcaster, ...] | None] = {}

    @property
    def runner(self) -> FunctionRunner | None:
        """What runs Python upcasters."""
        return self._runner

    def known(self, type_name: str) -> EventType | None:
        """The type of this name."""
        return self._types.get(type_name)

    def edges(self, node: Node) -> Iterator[Upcaster]:
        """The edges that begin at a node, in the order of the file."""
        return edges_from(self._types, node)

    def is_current(self, node: Node) -> bool:
        """Whether a chain may end here: at the current version of a known type, or where none is given."""
        known = self._types.get(node[0])
        return known is not None and (not known.watched or known.current_version == node[1])

    def plan(self, node: Node) -> tuple[Upcaster, ...] | None:
        """The shortest full chain from a node, empty at a current version; ``None`` where there is none.

        Behind an edge that makes several events each of them goes on by its own plan.
        """
        if node not in self._plans:
            self._plans[node] = self._search(node, frozenset())
        return self._plans[node]

    def _search(self, start: Node, above: frozenset[Node]) -> tuple[Upcaster, ...] | None:
        seen: set[Node] = {start}
        ways: deque[tuple[Node, tuple[Upcaster, ...]]] = deque([(start, ())])
        while ways:
            node, way = ways.popleft()
            if self.is_current(node):
                return way
            for edge in edges_from(self._types, node):
                targets = self.targets(node[0], edge)
                if len(targets) == 1:
                    if targets[0] not in seen:
                        seen.add(targets[0])
                        ways.append((targets[0], (*way, edge)))
                elif all(self._ends(target, above | {start}) for target in targets):
                    return (*way, edge)
        return None

    def _ends(self, node: Node, above: frozenset[Node]) -> bool:
        return node not in above and self._search(node, above) is not None

    def targets(self, type_name: str, edge: Upcaster) -> list[Node]:
        """Where an edge leads: one node, or several, or none."""
        name = edge.target_type or type_name
        for step in edge.steps:
            operation = step.operation
            if isinstance(operation, SetType):
                name = operation.type
            elif isinstance(operation, Emit):
                return [(o.type, self._settled(o.type, o.version, name, edge)) for o in operation.outputs]
            elif isinstance(operation, Discard) and operation.when is None:
                return []
        return [(name, edge.target)]

    def _settled(self, name: str, version: Version | _Unset, edge_type: str, edge: Upcaster) -> Version:
        """The version of an event that an edge makes: as given, else the edge's, else the current one of its type."""
        if not isinstance(version, _Unset):
            return version
        known = self._types.get(name)
        return edge.target if name == edge_type or known is None else known.current_version

    def upcast(self, node: Node, data: dict[str, Value], event: Event | None = None) -> list[Draft]:
        """What a payload becomes; raises :class:`Blocked`, :class:`NeedsCode` and :class:`StepFailed`."""
        return self._run(node, data, event, None)

    def trace(self, node: Node, data: dict[str, Value], event: Event | None, hops: list[Hop]) -> list[Draft]:
        """As :meth:`upcast`; every hop on the way is added to ``hops``, also where it fails in the end."""
        return self._run(node, data, event, hops)

    def _run(self, node: Node, data: dict[str, Value], event: Event | None, hops: list[Hop] | None) -> list[Draft]:
        done: list[Draft] = []
        pending = [Draft(node[0], node[1], data)]
        for _ in range(MAX_HOPS):
            if not pending:
                return done
            draft = pending.pop()
            edge = self._next(draft)
            if edge is None:
                done.append(draft)
                continue
            made = self.follow(edge, draft, event)
            if hops is not None:
                hops.append(Hop(draft.type, edge, draft.data, tuple(made)))
            pending.extend(reversed(made))
        raise StepFailed(f"the chain does not end within {MAX_HOPS} steps")

    def _next(self, draft: Draft) -> Upcaster | None:
        assert not isinstance(draft.version, _Unset)
        if draft.type not in self._types:
            raise StepFailed(f"it becomes an event of type {draft.type}, which the catalogue does not know")
        plan = self.plan((draft.type, draft.version))
        if plan is None:
            raise Blocked(f"there is no full chain from version {version_text(draft.version)} of {draft.type}")
        return plan[0] if plan else None

    def follow(self, edge: Upcaster, draft: Draft, event: Event | None = None) -> list[Draft]:
        """What one edge makes of a payload; raises :class:`NeedsCode` and :class:`StepFailed`."""
        try:
            made = self._made(edge, draft, event)
        except StepFailed as failure:
            failure.edge = edge
            raise
        for one in made:
            one.version = self._settled(one.type, one.version, self._edge_type(draft.type, edge), edge)
        return made

    def follow_anew(self, edge: Upcaster, draft: Draft, event: Event | None = None) -> list[Draft]:
        """As :meth:`follow`; a function is run, whatever it was known to make."""
        if edge.function is not None and isinstance(self._runner, BatchingRunner):
            self._runner.forget(edge.function, draft, event)
        return self.follow(edge, draft, event)

    def _made(self, edge: Upcaster, draft: Draft, event: Event | None) -> list[Draft]:
        if edge.function is not None and self._runner is not None:
            return self._runner(edge.function, draft, edge, event)
        if edge.is_code:
            raise NeedsCode(f"{edge.function} is Python code, which was not run")
        made = run(edge.steps, Draft(draft.type, UNSET, draft.data))
        for one in made:
            if one.type == draft.type and edge.target_type is not None:
                one.type = edge.target_type
        return made

    def _edge_type(self, type_name: str, edge: Upcaster) -> str:
        names = [step.operation.type for step in edge.steps if isinstance(step.operation, SetType)]
        return names[-1] if names else edge.target_type or type_name


def edges_from(types: Mapping[str, EventType], node: Node) -> Iterator[Upcaster]:
    """The edges that begin at a node, in the order of the file."""
    known = types.get(node[0])
    if known is not None:
        yield from (edge for edge in known.upcasters if edge.source == node[1])


# Order of versions


def _dotted(version: Version) -> tuple[int, ...] | None:
    """``"1.10"`` → ``(1, 10)``, without zeros at its end; ``None`` for what is no dotted number."""
    if isinstance(version, int):
        return (version,) if version else ()
    if version is None or len(version) > 100 or not _DOTTED.match(version):
        return None
    numbers = [int(part) for part in version.lstrip("vV").split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def distances(known: EventType) -> dict[Version, int]:
    """How many edges of its own type lie between a version and the current one, for those that reach it."""
    reached = {known.current_version: 0} if known.watched else {}
    pending = deque(reached)
    while pending:
        version = pending.popleft()
        for edge in known.upcasters:
            if edge.target == version and edge.target_type in (None, known.name) and edge.source not in reached:
                reached[edge.source] = reached[version] + 1
                pending.append(edge.source)
    return reached


def is_future(known: EventType, version: Version) -> bool:
    """Whether a version is later than the current one.

    Whole numbers compare as such. Else the chain decides; of versions that no chain knows, only a dotted number that is
    greater is later ("10.0" after "2.0"): all others count as older.
    """
    current = known.current_version
    if not known.watched or version == current:
        return False
    if isinstance(version, int) and isinstance(current, int):
        return version > current
    if version in distances(known):
        return False
    if version in _reached_from(known, current):
        return True
    left, right = _dotted(version), _dotted(current)
    return version not in known.versions and left is not None and right is not None and left > right


def _reached_from(known: EventType, start: Version) -> set[Version]:
    reached, pending = set[Version](), [start]
    while pending:
        version = pending.pop()
        for edge in known.upcasters:
            if edge.source == version and edge.target not in reached:
                reached.add(edge.target)
                pending.append(edge.target)
    return reached


def in_order(known: EventType, versions: frozenset[Version] | set[Version] | None = None) -> list[Version]:
    """Versions from oldest to newest: whole numbers by value, others by the chain, unknown ones by dotted number."""
    listed = known.known_versions if versions is None else versions
    if all(isinstance(version, int) for version in listed):
        return sorted(listed, key=lambda version: version if isinstance(version, int) else 0)
    away = distances(known)
    lowest = -max(away.values(), default=0) - 1

    def rank(version: Version) -> tuple[int, tuple[int, ...], str]:
        group = -away[version] if version in away else 1 if is_future(known, version) else lowest
        return group, () if version in away else _dotted(version) or (), version_text(version)

    return sorted(listed, key=rank)
