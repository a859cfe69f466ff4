"""What a rule found: the one shape of everything that checks report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from esviewer.domain.event import Value

Severity: TypeAlias = Literal["error", "warn", "info"]
Confidence: TypeAlias = Literal["certain", "strong", "heuristic"]

SEVERITIES: tuple[Severity, ...] = ("error", "warn", "info")
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that deserves a look. ``scope`` says of what: an event type, a stream, a consumer, ``store``.

    ``positions`` lists every event concerned, in store order, as :attr:`Event.position` has them; it is empty where the
    finding is about no event, and ``evidence`` then says where to look. ``evidence`` are sentences. ``count``: how many
    events or missing positions there are, of which ``positions`` may list some only: not those without a position, and
    of a long gap its ends.
    """

    rule: str
    severity: Severity
    scope: str
    positions: tuple[int | str, ...]
    evidence: tuple[str, ...]
    confidence: Confidence
    next_step: str
    count: int = 0

    def as_object(self) -> dict[str, Value]:
        """The finding as in ``check --json``."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "scope": self.scope,
            "positions": list(self.positions),
            "evidence": list(self.evidence),
            "confidence": self.confidence,
            "next_step": self.next_step,
        }


def is_at_least(severity: Severity, threshold: Severity) -> bool:
    """Whether ``severity`` is as bad as ``threshold`` or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(threshold)
