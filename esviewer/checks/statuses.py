"""Events that today's code would not understand: one finding for each rule and event type, from the status ladder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Final

from esviewer.catalogue.model import Version, version_text
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.versions import NoFit
from esviewer.checks.rules import Place, Rule, counted
from esviewer.domain import Event
from esviewer.domain.finding import Finding

_RULES: Final[dict[Status, Rule]] = {
    Status.UNKNOWN_TYPE: Rule(
        "unknown-type",
        "error",
        "An event whose type is neither in the catalogue nor an alias there.",
        "Add the type to the catalogue, an alias if it was renamed, or list it under ignored.",
    ),
    Status.UNDECODABLE: Rule(
        "undecodable",
        "error",
        "An event whose payload cannot be read.",
        "Look at its bytes; give the key if it is encrypted, or declare it under erased.",
    ),
    Status.FROM_FUTURE: Rule(
        "from-future",
        "error",
        "An event of a version that is later than the current one of its type.",
        "Deploy the code that knows this version before replaying, or raise current in the catalogue.",
    ),
    Status.BLOCKED: Rule(
        "blocked",
        "error",
        "An event of an older version from which no chain of upcasters leads to the current one.",
        "Write the upcaster that is missing.",
    ),
    Status.UPCAST_FAILED: Rule(
        "upcast-failed",
        "error",
        "An event on which its chain of upcasters fails, or whose outcome does not fit the current shape.",
        "Look at the preview of these events and mend the upcaster.",
    ),
    Status.UPCAST: Rule(
        "upcast-needed",
        "info",
        "An event of an older version that a chain of upcasters brings to the current one.",
        "Keep the upcasters as long as such events are stored.",
    ),
    Status.SHAPE_MISMATCH: Rule(
        "shape-mismatch",
        "error",
        "An event of the current version whose payload does not fit its shape.",
        "Correct the shape in the catalogue, or give these events a version and an upcaster.",
    ),
    Status.ERASED: Rule(
        "erased",
        "info",
        "An event that is declared to be erased, of which replays see placeholders.",
        "Nothing, if it was erased on purpose.",
    ),
    Status.IGNORED: Rule(
        "ignored",
        "info",
        "An event of a type that the catalogue lists under ignored.",
        "Nothing, if it is still to be passed over.",
    ),
}
_CONFLICT: Final = Rule(
    "version-conflict",
    "warn",
    "An event of which two sources say different schema versions; the higher source counts.",
    "Say with version_from in the catalogue where versions of this type are read.",
)
_REASONS: Final = 5


@dataclass(slots=True)
class _Group:
    places: list[Place | None] = field(default_factory=list)
    by_version: dict[Version | NoFit, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    hint: str | None = None
    current: str | None = None
    known_as: str | None = None
    unverified: int = 0


class Statuses:
    """Groups events by status and stored type."""

    rules: ClassVar[tuple[Rule, ...]] = (*_RULES.values(), _CONFLICT)

    def __init__(self, judge: Judge) -> None:
        self._groups: dict[tuple[Status, str], _Group] = {}
        self._conflicts: dict[str, _Group] = {}

    def see(self, event: Event, found: Assessment) -> None:
        """Takes in one event."""
        name = event.type or "(no type)"
        if found.conflict is not None:
            self._note(self._conflicts.setdefault(name, _Group()), event, found, (found.conflict,))
        if found.status is not Status.CURRENT:
            group = self._groups.get((found.status, name))
            if group is None:
                group = self._groups[found.status, name] = _Group()
            self._note(group, event, found, found.reasons)

    def _note(self, group: _Group, event: Event, found: Assessment, reasons: tuple[str, ...]) -> None:
        group.places.append(event.position)
        group.by_version[found.version] = group.by_version.get(found.version, 0) + 1
        for reason in reasons:
            if reason in group.reasons or len(group.reasons) < 1_000:
                group.reasons[reason] = group.reasons.get(reason, 0) + 1
        group.hint = group.hint or found.hint
        group.unverified += found.unverified
        known = found.known
        if known is not None:
            group.current = version_text(known.current_version) if known.watched else None
            group.known_as = known.name

    def findings(self) -> Iterator[Finding]:
        """One finding for each rule and stored type."""
        for (status, name), group in self._groups.items():
            rule = _RULES[status]
            step = None if group.hint is None else _sentence(group.hint)
            yield rule.finding(name, group.places, _evidence(status, name, group), next_step=step)
        for name, group in self._conflicts.items():
            yield _CONFLICT.finding(name, group.places, _reasons(group))


def _evidence(status: Status, name: str, group: _Group) -> Iterator[str]:
    yield f"{counted(len(group.places))} of type {name}."
    if group.known_as not in (None, name):
        yield f"The catalogue knows it as {group.known_as}."
    if status in (Status.UPCAST, Status.BLOCKED, Status.UPCAST_FAILED, Status.FROM_FUTURE):
        for version, count in group.by_version.items():
            if not isinstance(version, NoFit):
                yield f"Version {version_text(version)}, where {group.current} is current: {counted(count)}."
    if group.unverified:
        yield f"Led through Python code, which was not run: {counted(group.unverified)}."
    yield from _reasons(group)
    if group.hint is not None:
        yield f"Hint: {group.hint}."


def _reasons(group: _Group) -> Iterator[str]:
    """The commonest reasons."""
    ranked = sorted(group.reasons.items(), key=lambda pair: -pair[1])
    for reason, count in ranked[:_REASONS]:
        yield f"{reason[:1].upper()}{reason[1:]}: {counted(count)}."
    if len(ranked) > _REASONS:
        yield f"And {counted(len(ranked) - _REASONS, 'further reason')}."


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
