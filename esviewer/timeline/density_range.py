"""Which part of a history is in sight, and the way back to what was in sight before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

Kind = Literal["brush", "drift"]

_DEPTH: Final = 64
"""Ranges that one can go back to."""


@dataclass(frozen=True, slots=True)
class Sight:
    """The range in sight, both ends included, within the whole; all integers (µs, or positions).

    Each change gives a new one. A brush can be walked back by itself; zooming and panning step by step ("drift") are
    walked back together, since nobody wants to undo thirty turns of a wheel one by one.
    """

    lower: int
    upper: int
    start: int
    end: int
    smallest: int = 1
    """The least that ``end - start`` may be, unless the whole is less."""
    behind: tuple[tuple[int, int], ...] = ()
    is_drifting: bool = False

    @classmethod
    def of(cls, lower: int, upper: int, smallest: int = 1) -> Sight:
        """Everything in sight."""
        upper = max(upper, lower + 1)
        return cls(lower, upper, lower, upper, smallest)

    @property
    def span(self) -> int:
        return self.end - self.start

    @property
    def is_whole(self) -> bool:
        """Whether everything is in sight."""
        return (self.start, self.end) == (self.lower, self.upper)

    def value_at(self, share: float) -> int:
        """The value at a share (0 … 1) of the width."""
        return self.start + round(min(1.0, max(0.0, share)) * self.span)

    def shown(self, start: int, end: int, kind: Kind = "brush") -> Sight:
        """Another range in sight, fitted into the whole."""
        least = min(self.smallest, self.upper - self.lower)
        if end - start < least:
            start = (start + end) // 2 - least // 2
            end = start + least
        if end - start >= self.upper - self.lower:
            start, end = self.lower, self.upper
        else:
            shift = max(self.lower - start, 0) + min(self.upper - end, 0)
            start, end = start + shift, end + shift
        if (start, end) == (self.start, self.end):
            return self
        behind = self.behind
        if kind == "brush" or not self.is_drifting:
            behind = (*behind, (self.start, self.end))[-_DEPTH:]
        return replace(self, start=start, end=end, behind=behind, is_drifting=kind == "drift")

    def zoomed(self, share: float, factor: float) -> Sight:
        """``factor`` times more detail; what is at ``share`` of the width stays there."""
        anchor = self.value_at(share)
        span = round(self.span / factor)
        least = min(self.smallest, self.upper - self.lower)
        # A span of a few units must still change.
        span = max(min(span, self.span - 1) if factor > 1 else max(span, self.span + 1), least)
        start = anchor - round(span * share)
        return self.shown(start, start + span, "drift")

    def panned(self, share: float) -> Sight:
        """Moved by a share of the width towards later values; stops at the ends."""
        shift = round(share * self.span)
        shift = max(self.lower - self.start, min(self.upper - self.end, shift))
        return self.shown(self.start + shift, self.end + shift, "drift")

    def everything(self) -> Sight:
        """The whole in sight; the way back is kept."""
        return self.shown(self.lower, self.upper)

    def back(self) -> Sight:
        """What was in sight before; the same where there is nothing before."""
        if not self.behind:
            return self
        start, end = self.behind[-1]
        gone = replace(self, behind=(), is_drifting=False).shown(start, end)
        return replace(gone, behind=self.behind[:-1], is_drifting=False)

    def grown(self, lower: int, upper: int) -> Sight:
        """The same of a history that has grown (or shrunk): who sees all goes on seeing all, others stay."""
        upper = max(upper, lower + 1)
        if (lower, upper) == (self.lower, self.upper):
            return self
        wider = replace(self, lower=lower, upper=upper)
        was_whole = (self.lower, self.upper)
        behind = tuple((lower, upper) if old == was_whole else old for old in self.behind)
        if self.is_whole:
            return replace(wider, start=lower, end=upper, behind=behind)
        fitted = wider.shown(self.start, self.end)
        return replace(fitted, behind=behind, is_drifting=self.is_drifting)
