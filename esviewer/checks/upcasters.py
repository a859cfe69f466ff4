"""Upcasters that are missing, wrong or not needed, as declared and on the real events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from esviewer.catalogue.status import Assessment, Judge
from esviewer.catalogue.validation import Code, Problem, Unplaced, Validation
from esviewer.checks.rules import Place, Rule
from esviewer.domain import Event
from esviewer.domain.finding import Finding

_RULES: Final[dict[Code, Rule]] = {
    "U-DUP": Rule(
        "upcaster-duplicate",
        "error",
        "Two upcasters from one version whose outputs differ on stored events.",
        "Keep one of them.",
    ),
    "U-GAP": Rule(
        "upcaster-gap",
        "error",
        "A stored version that is not current and has no upcaster.",
        "Write an upcaster from this version.",
    ),
    "U-END": Rule(
        "upcaster-end",
        "error",
        "An upcaster behind which the chain stops before the current version.",
        "Write the upcaster that goes on from there.",
    ),
    "U-CYCLE": Rule(
        "upcaster-cycle",
        "error",
        "Upcasters that lead round in a circle.",
        "Take out the edge that leads back.",
    ),
    "U-BACK": Rule(
        "upcaster-back",
        "error",
        "An upcaster that leads to its own or a lower version.",
        "Give it a higher target, or take it out.",
    ),
    "U-RAISES": Rule(
        "upcaster-raises",
        "error",
        "An upcaster that fails on stored events.",
        "Look at the preview of these events and mend the upcaster.",
    ),
    "U-INVALID": Rule(
        "upcaster-invalid",
        "error",
        "An upcaster whose output does not fit the shape of its version.",
        "Mend the upcaster, or the shape in the catalogue.",
    ),
    "U-LOSSY": Rule(
        "upcaster-lossy",
        "warn",
        "An upcaster that loses information: it drops, narrows or merges, or gives one output for different inputs.",
        "Make sure that nothing which is lost is needed; what is stored stays as it is.",
    ),
    "U-NONDET": Rule(
        "upcaster-nondeterministic",
        "error",
        "An upcaster that gives different outputs for the same event.",
        "Take clocks, random numbers and ids out of it.",
    ),
    "U-IDENT": Rule(
        "upcaster-identity",
        "error",
        "An upcaster that wants to change the id, stream, version, position or time of an event.",
        "Change the payload only.",
    ),
    "U-IDEMP": Rule(
        "upcaster-not-idempotent",
        "info",
        "An upcaster that changes current events, too.",
        "Matters only where the framework upcasts new events as well (Commanded): let it leave current ones alone.",
    ),
    "U-LOOKUP": Rule(
        "upcaster-lookup",
        "warn",
        "An upcaster that reads something outside the event.",
        "Bring what it needs into the event, or a new event type.",
    ),
    "U-UNUSED": Rule(
        "upcaster-unused",
        "info",
        "An upcaster that no stored event needs.",
        "It may be retired, if no other store needs it.",
    ),
}


class Upcasters:
    """Validates the catalogue's upcasters on every event."""

    rules: ClassVar[tuple[Rule, ...]] = tuple(_RULES.values())

    def __init__(self, judge: Judge) -> None:
        self.validation = Validation(judge)

    def see(self, event: Event, found: Assessment) -> None:
        """Takes in one event."""
        self.validation.see(event, found)

    def findings(self) -> Iterator[Finding]:
        """One finding for each rule and type of the catalogue."""
        grouped: dict[tuple[Code, str], list[Problem]] = {}
        for problem in self.validation.problems():
            grouped.setdefault((problem.code, problem.type), []).append(problem)
        for (code, name), problems in grouped.items():
            places: dict[Place | Unplaced, None] = dict.fromkeys(
                place for problem in problems for place in (*problem.positions, *problem.unplaced)
            )
            listed = [None if isinstance(place, Unplaced) else place for place in places]
            sentences = (f"{problem.sentence[:1].upper()}{problem.sentence[1:]}." for problem in problems)
            yield _RULES[code].finding(name, listed, dict.fromkeys(sentences))
