"""Missing positions: which numbers were burned, which were jumped over, and which may have been deleted.

Numbers that a sequence gave out and nobody kept are normal: a rollback, a conflict, a crash, a shared sequence.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
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
    skipped, holes = _holes(positions, stride, facts.skips)
    inside = _inside(facts, holes)
    gaps = [Gap(hole.first, hole.last, stride, Kind.SKIPPED) for hole in skipped]
    for number, hole in enumerate(holes):
        versions, is_only_place = inside.get(number, ((), True))
        if facts.is_unsettled and hole.after >= near_head:
            kind, versions = Kind.UNSETTLED, ()
        elif versions:
            kind = Kind.DELETED_VERSION
        elif facts.implicit_rowid:
            kind = Kind.DELETED_ROW
        else:
            is_jump = min(hole.after, hole.last + stride) - hole.first + stride - 1 >= _JUMP
            kind = Kind.JUMP if is_jump else Kind.BURNED
        gaps.append(Gap(hole.first, hole.last, stride, kind, versions, is_only_place))
    return stride, sorted(gaps, key=lambda gap: gap.first)


@dataclass(frozen=True, slots=True)
class _Hole:
    """Missing positions ``first`` to ``last``; ``before`` and ``after`` are the positions around that are there."""

    first: int
    last: int
    before: int
    after: int
    count: int


def _holes(
    positions: NDArray[np.int64], stride: int, skips: Iterable[tuple[int, int]]
) -> tuple[list[_Hole], list[_Hole]]:
    """What is missing and was recorded as skipped, and what else is missing; both in order."""
    united = _united(skips)
    ends = [end for _, end in united]
    skipped: list[_Hole] = []
    others: list[_Hole] = []
    places = np.flatnonzero(np.diff(positions) > stride)
    for low, high in zip(positions[places].tolist(), positions[places + 1].tolist(), strict=True):
        last = low + stride * ((high - low - 1) // stride)
        at = low + stride
        number = bisect_left(ends, at)
        while at <= last:
            start, end = united[number] if number < len(united) else (last + 1, last + 1)
            is_skipped = start <= at
            # The last of the positions that are alike: to the end of the skip, or up to its start.
            until = min(last, at + ((end if is_skipped else start - 1) - at) // stride * stride)
            (skipped if is_skipped else others).append(_Hole(at, until, low, high, (until - at) // stride + 1))
            at = until + stride
            while number < len(united) and united[number][1] < at:
                number += 1
    return skipped, others


def _united(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges, both ends included, in order; those that touch or overlap as one."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if united and start <= united[-1][1] + 1:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        elif start <= end:
            united.append((start, end))
    return united


def _inside(facts: StoreFacts, holes: Sequence[_Hole]) -> dict[int, tuple[tuple[VersionGap, ...], bool]]:
    """The missing versions that may have stood in each position gap, by the number of the gap.

    Where exactly as many positions are missing around a version gap as versions, they stood there. Where more are, the
    gaps that have just so many are candidates, else all that have enough; many candidates say nothing.
    """
    before = np.array([hole.before for hole in holes], np.int64)
    after = np.array([hole.after for hole in holes], np.int64)
    places = _Places(np.array([hole.count for hole in holes], np.int64))
    found: dict[int, list[tuple[int, bool]]] = {}
    # Those that need as many positions one after another: what is worked out for a size is used again.
    gaps = facts.version_gaps
    for which in sorted(range(len(gaps)), key=lambda number: gaps[number].count):
        gap = gaps[which]
        low, high = facts.index.position_of(gap.before), facts.index.position_of(gap.after)
        if not isinstance(low, int) or not isinstance(high, int):
            continue
        start, end = int(np.searchsorted(before, low)), int(np.searchsorted(after, high, side="right"))
        candidates, is_exact = places.candidates(start, end, gap.count)
        for number in candidates:
            found.setdefault(number, []).append((which, is_exact or len(candidates) == 1))
    return {
        number: (tuple(gaps[which] for which, _ in sorted(pairs)), all(is_alone for _, is_alone in pairs))
        for number, pairs in found.items()
    }


class _Places:
    """The sizes of position gaps, of which a range is asked for those into which so many versions fit.

    Neither sums nor sizes are looked through once for each question: a store may have many gaps of both kinds.
    """

    def __init__(self, sizes: NDArray[np.int64]) -> None:
        self._sizes = sizes
        self._sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        self._needed = 0
        self._equal = self._enough = np.zeros(0, np.int64)

    def candidates(self, start: int, end: int, needed: int) -> tuple[Sequence[int], bool]:
        """The numbers of the gaps in a range into which so many fit, none if there are many; whether just these do."""
        if start >= end:
            return (), False
        if int(self._sums[end] - self._sums[start]) == needed:
            return range(start, end), True
        if needed != self._needed:
            self._needed = needed
            self._equal = np.flatnonzero(self._sizes == needed)
            self._enough = np.flatnonzero(self._sizes >= needed)
        for fitting in (self._equal, self._enough):
            low, high = np.searchsorted(fitting, (start, end)).tolist()
            if low < high:
                return (fitting[low:high].tolist() if high - low <= _MOST_CANDIDATES else ()), False
        return (), False


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
                count = sum(gap.count for gap in own)
                total = counted(count, "position")
                sentences = shortened((f"{gap}: {said}." for gap in own), len(own))
                rule = _DELETED if kind is Kind.DELETED_ROW else _GAP
                scope = "store" if kind is Kind.DELETED_ROW else kind
                yield rule.finding(scope, numbers, [f"{total} in {counted(len(own), 'gap')}.", *sentences], count=count)
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
        count = sum({gap.first: gap.count for gap, _ in pairs}.values())
        sentences = (
            f"{gap}: deleted? {name} {versions.missing} is missing "
            + ("just there." if gap.is_only_place else "there or at another missing position.")
            for gap, versions in pairs
        )
        finding = _DELETED.finding(name, numbers, shortened(sentences, len(pairs)), count=count)
        is_sure = all(gap.is_only_place for gap, _ in pairs)
        yield finding if is_sure else replace(finding, confidence="heuristic")
