"""Streams whose versions do not run on: missing ones, double ones, and ones that were stored in another order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np

from esviewer.checks.facts import StoreFacts, VersionGap
from esviewer.checks.rules import MOST_SENTENCES, Place, Rule, counted, shortened
from esviewer.domain.finding import Finding

_GAP: Final = Rule(
    "stream-gap",
    "error",
    "A version of a stream that no event has, between two that are there.",
    "Find out whether events were deleted (position-deleted tells) or a number was skipped when writing: frameworks "
    "that check versions cannot load this stream.",
)
_DUPLICATE: Final = Rule(
    "stream-duplicate-version",
    "error",
    "A version of a stream that several events have.",
    "Look at both events: two writers did not see each other, or events were imported twice.",
)
_ORDER: Final = Rule(
    "stream-order",
    "warn",
    "An event that is stored after one of a later version of its stream.",
    "Consumers that follow positions see these events in another order than the aggregate does.",
)


class Streams:
    """Looks at stream, version and order of all events."""

    rules: ClassVar[tuple[Rule, ...]] = (_GAP, _DUPLICATE, _ORDER)

    def findings(self, facts: StoreFacts) -> Iterator[Finding]:
        """One finding for each rule and stream."""
        index = facts.index
        gaps: dict[int, list[VersionGap]] = {}
        for gap in facts.version_gaps:
            gaps.setdefault(gap.stream, []).append(gap)
        for stream, own in gaps.items():
            rows = sorted({row for gap in own for row in (gap.before, gap.after)})
            sentences = shortened((_gap_sentence(facts, gap) for gap in own), len(own))
            yield _GAP.finding(index.stream_name(stream), map(index.position_of, rows), sentences)
        yield from _duplicates(facts)
        yield from _disordered(facts)


def _gap_sentence(facts: StoreFacts, gap: VersionGap) -> str:
    index = facts.index
    before, after = index.position_of(gap.before), index.position_of(gap.after)
    missing = f"{gap.missing[:1].upper()}{gap.missing[1:]}"
    verb = "is" if gap.first == gap.last else "are"
    said = f"{missing} {verb} missing between positions {before} and {after}"
    if not facts.one_sequence or not isinstance(before, int) or not isinstance(after, int) or after <= before:
        return f"{said}."
    positions = facts.positions
    between = int(np.searchsorted(positions, after) - np.searchsorted(positions, before)) - 1
    if between == after - before - 1:
        return f"{said}, where no position is missing: skipped when writing."
    burned = after - before - 1 - between
    return f"{said}, and so {'is' if burned == 1 else 'are'} {counted(burned, 'position')}."


def _duplicates(facts: StoreFacts) -> Iterator[Finding]:
    index, (rows, streams, versions) = facts.index, facts.by_version
    same = (streams[1:] == streams[:-1]) & (versions[1:] == versions[:-1])
    found: dict[int, dict[int, list[int]]] = {}
    for i in np.flatnonzero(same).tolist():
        of_version = found.setdefault(int(streams[i]), {}).setdefault(int(versions[i]), [int(rows[i])])
        of_version.append(int(rows[i + 1]))
    for stream, by_number in found.items():
        places = [index.position_of(row) for row in sorted(row for own in by_number.values() for row in own)]
        sentences = (
            f"Version {version} stands at {_listed([index.position_of(row) for row in own])}."
            for version, own in by_number.items()
        )
        yield _DUPLICATE.finding(index.stream_name(stream), places, shortened(sentences, len(by_number)))


def _disordered(facts: StoreFacts) -> Iterator[Finding]:
    index, (rows, streams, versions) = facts.index, facts.by_version
    # Where the order by version is not that of the rows, an event stands before one of a lower version.
    turned = np.unique(streams[1:][(streams[1:] == streams[:-1]) & (rows[1:] < rows[:-1])])
    for stream in turned.tolist():
        own = slice(np.searchsorted(streams, stream), np.searchsorted(streams, stream, side="right"))
        order = np.argsort(rows[own])
        stored, numbers = rows[own][order], versions[own][order]
        highest = np.maximum.accumulate(numbers)
        late = np.flatnonzero(numbers < highest).tolist()
        sentences = (
            f"Version {numbers[i]} stands at {index.position_of(int(stored[i]))}, after version {highest[i]}."
            for i in late
        )
        places = [index.position_of(int(stored[i])) for i in late]
        yield _ORDER.finding(index.stream_name(stream), places, shortened(sentences, len(late)))


def _listed(places: list[Place | None]) -> str:
    shown = ["no position" if place is None else str(place) for place in places[:MOST_SENTENCES]]
    more = "" if len(places) <= len(shown) else f" and {len(places) - len(shown)} more"
    return ", ".join(shown) + more
