"""Snapshots that do not belong to what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from esviewer.checks.facts import StoreFacts
from esviewer.checks.rules import Rule, shortened
from esviewer.domain import Snapshot
from esviewer.domain.finding import Finding

_ORPHAN: Final = Rule(
    "snapshot-orphan",
    "warn",
    "A snapshot of a stream that has no events.",
    "Delete the snapshot in the application, or find out where the stream went.",
)
_AHEAD: Final = Rule(
    "snapshot-ahead",
    "error",
    "A snapshot of a later version than the last of its stream.",
    "Delete the snapshot in the application: an aggregate that is loaded from it holds what no event says.",
)


class Snapshots:
    """Looks at the stream and version of all snapshots, not into them."""

    rules: ClassVar[tuple[Rule, ...]] = (_ORPHAN, _AHEAD)

    def findings(self, facts: StoreFacts) -> Iterator[Finding]:
        """One finding for each rule and stream."""
        if not facts.snapshots:
            return
        index = facts.index
        rows, streams, _ = facts.by_version
        last = dict(zip(streams.tolist(), rows.tolist(), strict=True))
        versions = index.column("version")
        heads: dict[str, tuple[int, int] | None] = {}
        for entry in index.stream_entries():
            row = last.get(entry.ordinal)
            head = None if row is None else (int(versions[row]), row)
            known = heads.get(entry.name)
            # One name may stand in two tenants, which snapshots do not tell apart.
            heads[entry.name] = head if known is None or (head is not None and head > known) else known
        by_stream: dict[str, list[Snapshot]] = {}
        for snapshot in facts.snapshots:
            by_stream.setdefault(snapshot.stream, []).append(snapshot)
        for stream, own in by_stream.items():
            if stream not in heads:
                sentences = (f"Snapshot of {_named(one)}, of which the store has no stream." for one in own)
                yield _ORPHAN.finding(stream, [], shortened(sentences, len(own)))
            elif (found := heads[stream]) is not None:
                version, row = found
                beyond = [one for one in own if one.version is not None and one.version > version]
                sentences = (f"Snapshot of {_named(one)}; the stream ends with version {version}." for one in beyond)
                if beyond:
                    yield _AHEAD.finding(stream, [index.position_of(row)], shortened(sentences, len(beyond)))


def _named(snapshot: Snapshot) -> str:
    kind = f" ({snapshot.type})" if snapshot.type else ""
    return f"{snapshot.stream} version {'–' if snapshot.version is None else snapshot.version}{kind}"
