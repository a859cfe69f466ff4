"""Missing positions: which numbers were burned, which were jumped over, and which may have been deleted.

Numbers that a sequence gave out and nobody kept are normal: a rollback, a conflict, a crash, a shared sequence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.checks.facts import StoreFacts, VersionGap
from esviewer.checks.rules import Rule, counted, shortened
from esviewer.domain.finding import Finding

_GAP: Final = Rule(
    "position-gap",
    "info",
    "Positions that no event has, of which nothing says that there were events: burned or jumped over.",
    "Nothing: readers must not wait for these positions.",
    "strong",
)
_DELETED: Final = Rule(
    "position-deleted",
    "warn",
    "Positions of events that seem to have been deleted: a version of a stream is missing with them, or the store's "
    "numbers have no holes of their own.",
    "Find out who deleted these events and why: projections that saw them differ from a rebuild.",
    "strong",
)
_JUMP: Final = 32
"""Missing numbers from which on a gap is a jump: a cache of numbers was lost, or a bulk rolled back."""
_STRIDE_SHARE: Final = 0.8
_FEWEST_STEPS: Final = 5
_NEAR_HEAD: Final = 1_000
"""Last positions among which a missing one may belong to a transaction that is still open."""
_MOST_CANDIDATES: Final = 5
_MOST_LISTED: Final = 1_000
"""Missing numbers of one gap that are listed; of a longer one its first and last."""


class Kind(StrEnum):
    """What a gap is. The values are for people."""

    SKIPPED = "recorded-skip"
    UNSETTLED = "unsettled"
    DELETED_VERSION = "deleted? (version)"
    DELETED_ROW = "deleted? (row)"
    JUMP = "jump"
    BURNED = "burned"


@dataclass(frozen=True, slots=True)
class Gap:
    """Missing positions from ``first`` to ``last`` in steps of the store's stride. ``versions`` may have stood there.

    ``is_only_place``: nothing else is missing where these versions must have stood.
    """

    first: int
    last: int
    step: int
    kind: Kind
    versions: tuple[VersionGap, ...] = ()
    is_only_place: bool = True

    @property
    def count(self) -> int:
        return (self.last - self.first) // self.step + 1

    @property
    def numbers(self) -> list[int]:
        """The missing positions, or the ends of a gap that has too many."""
        if self.count > _MOST_LISTED:
            return [self.first, self.last]
        return list(range(self.first, self.last + 1, self.step))

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}\u2013{self.last}"


def stride_of(positions: NDArray[np.int64]) -> int:
    """The step by which at least four in five positions follow one another; 1 if there is no such step above 1.

    Fewer than five steps say nothing.
    """
    steps = np.diff(positions)
    if len(steps) < _FEWEST_STEPS:
        return 1
    values, counts = np.unique(steps, return_counts=True)
    commonest = int(np.argmax(counts))
    return int(values[commonest]) if counts[commonest] >= _STRIDE_SHARE * len(steps) else 1


def gaps_of(facts: StoreFacts) -> tuple[int, list[Gap]]:
    """The stride of a store, and its gaps in order; none of both where its positions are not of one sequence."""
    positions = facts.positions
    if not facts.one_sequence or len(positions) < 2:
        return 1, []
    stride, near_head = stride_of(positions), int(positions[-_NEAR_HEAD:][0])
    places = np.flatnonzero(np.diff(positions) > stride)
    before, after = positions[places], positions[places + 1]
    missing = (after - before - 1) // stride
    inside = _inside(facts, before, after, missing)
    gaps = []
    for number, (low, high) in enumerate(zip(before.tolist(), after.tolist(), strict=True)):
        first, last = low + stride, low + stride * int(missing[number])
        versions, is_only_place = inside.get(number, ((), True))
        if any(start <= first and last <= end for start, end in facts.skips):
            kind, versions = Kind.SKIPPED, ()
        elif facts.is_unsettled and high >= near_head:
            kind, versions = Kind.UNSETTLED, ()
        elif versions:
            kind = Kind.DELETED_VERSION
        elif facts.implicit_rowid:
            kind = Kind.DELETED_ROW
        else:
            kind = Kind.JUMP if high - low - 1 >= _JUMP else Kind.BURNED
        gaps.append(Gap(first, last, stride, kind, versions, is_only_place))
    return stride, gaps


def _inside(
    facts: StoreFacts, before: NDArray[np.int64], after: NDArray[np.int64], missing: NDArray[np.int64]
) -> dict[int, tuple[tuple[VersionGap, ...], bool]]:
    """The missing versions that may have stood in each position gap, by the number of the gap.

    Where exactly as many positions are missing around a version gap as versions, they stood there. Where more are, the
    gaps that have just so many are candidates, else all that have enough; many candidates say nothing.
    """
    found: dict[int, tuple[tuple[VersionGap, ...], bool]] = {}
    for gap in facts.version_gaps:
        low, high = facts.index.position_of(gap.before), facts.index.position_of(gap.after)
        if not isinstance(low, int) or not isinstance(high, int):
            continue
        start, end = int(np.searchsorted(before, low)), int(np.searchsorted(after, high, side="right"))
        sizes = missing[start:end]
        needed = gap.last - gap.first + 1
        is_exact = int(sizes.sum()) == needed
        fitting = sizes == needed if (sizes == needed).any() else sizes >= needed
        candidates = range(start, end) if is_exact else (start + np.flatnonzero(fitting)).tolist()
        if not is_exact and len(candidates) > _MOST_CANDIDATES:
            continue
        for number in candidates:
            versions, is_only_place = found.get(number, ((), True))
            is_alone = is_exact or len(candidates) == 1
            found[number] = (*versions, gap), is_only_place and is_alone
    return found


class Positions:
    """Looks at the numbers between the positions that are there."""

    rules: ClassVar[tuple[Rule, ...]] = (_GAP, _DELETED)

    def findings(self, facts: StoreFacts) -> Iterator[Finding]:
        """One finding for each kind of gap; of what seems deleted one for each stream."""
        stride, gaps = gaps_of(facts)
        if stride > 1:
            sentence = f"Positions advance by {stride}: the sequence is shared or has an increment."
            yield _GAP.finding("stride", [], [sentence])
        for kind, said in _SENTENCES.items():
            own = [gap for gap in gaps if gap.kind is kind]
            if own:
                numbers = [number for gap in own for number in gap.numbers]
                total = counted(sum(gap.count for gap in own), "position")
                sentences = shortened((f"{gap}: {said}." for gap in own), len(own))
                rule = _DELETED if kind is Kind.DELETED_ROW else _GAP
                scope = "store" if kind is Kind.DELETED_ROW else kind
                yield rule.finding(scope, numbers, [f"{total} in {counted(len(own), 'gap')}.", *sentences])
        yield from _deleted(facts, [gap for gap in gaps if gap.kind is Kind.DELETED_VERSION])


_SENTENCES: Final = {
    Kind.DELETED_ROW: "deleted? SQLite leaves no such hole when a save is rolled back",
    Kind.SKIPPED: "recorded as skipped by the store itself (recorded-skip)",
    Kind.UNSETTLED: "not judged, since a transaction was open that may still fill it: check again",
    Kind.BURNED: "burned by a save that was not kept",
    Kind.JUMP: "a jump, after a crash, of a cache of numbers or by a bulk that was rolled back",
}


def _deleted(facts: StoreFacts, gaps: Sequence[Gap]) -> Iterator[Finding]:
    by_stream: dict[int, list[tuple[Gap, VersionGap]]] = {}
    for gap in gaps:
        for versions in gap.versions:
            by_stream.setdefault(versions.stream, []).append((gap, versions))
    for ordinal, pairs in by_stream.items():
        name = facts.index.stream_name(ordinal)
        numbers = sorted({number for gap, _ in pairs for number in gap.numbers})
        sentences = (
            f"{gap}: deleted? {name} {versions.missing} is missing "
            + ("just there." if gap.is_only_place else "there or at another missing position.")
            for gap, versions in pairs
        )
        finding = _DELETED.finding(name, numbers, shortened(sentences, len(pairs)))
        is_sure = all(gap.is_only_place for gap, _ in pairs)
        yield finding if is_sure else replace(finding, confidence="heuristic")
