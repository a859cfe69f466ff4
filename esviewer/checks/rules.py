"""What a rule is, and what a family of rules is given and gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Final, Protocol, TypeAlias

from esviewer.catalogue.status import Assessment, Judge
from esviewer.domain import Event
from esviewer.domain.finding import Confidence, Finding, Severity

Place: TypeAlias = int | str

MOST_SENTENCES: Final = 5
"""How many sentences of one kind a finding has at most; ``positions`` lists what they are about, whole."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``sentence`` says for people what is found; ``next_step`` what to do, if a finding knows no better."""

    name: str
    severity: Severity
    sentence: str
    next_step: str
    confidence: Confidence = "certain"

    def finding(
        self,
        scope: str,
        positions: Iterable[Place | None],
        evidence: Iterable[str],
        *,
        next_step: str | None = None,
        count: int | None = None,
    ) -> Finding:
        """A finding of this rule; events without a position are counted in the evidence. ``count``: how many there are,
        where the positions are not all.
        """
        listed = list(positions)
        placed = tuple(position for position in listed if position is not None)
        sentences = list(evidence)
        if len(placed) < len(listed):
            sentences.append(f"Without a position: {counted(len(listed) - len(placed))}.")
        return Finding(
            self.name,
            self.severity,
            scope,
            placed,
            tuple(sentences),
            self.confidence,
            next_step or self.next_step,
            len(listed) if count is None else count,
        )


class Family(Protocol):
    """Rules that look at events together. Made once a run, sees every event once, in store order."""

    rules: ClassVar[tuple[Rule, ...]]

    def __init__(self, judge: Judge) -> None: ...

    def see(self, event: Event, found: Assessment) -> None:
        """Takes in one event with its status."""

    def findings(self) -> Iterator[Finding]:
        """What was found, of all rules of the family."""


def counted(number: int, noun: str = "event") -> str:
    """``1 event``, ``12 431 events``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", "\u202f")


def shortened(sentences: Iterable[str], total: int) -> Iterator[str]:
    """The first of so many sentences, and how many more there would be."""
    yield from islice(sentences, MOST_SENTENCES)
    if total > MOST_SENTENCES:
        yield f"And {total - MOST_SENTENCES} more of the kind."
