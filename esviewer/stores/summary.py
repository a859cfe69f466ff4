"""What is in a store, in numbers: the figures of ``info``, from one pass over all events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from esviewer.domain import Checkpoint, Value, iso
from esviewer.domain.objects import checkpoint_object
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Follow, Found
from esviewer.stores.index import Index
from esviewer.stores.index_building import ProgressListener, build
from esviewer.stores.reader import Window


@dataclass(frozen=True)
class Summary:
    """One store with its index, its number of snapshots and its consumers (``None``: the framework records none)."""

    found: Found
    index: Index
    snapshots: int
    checkpoints: tuple[Checkpoint, ...] | None

    def as_object(self) -> dict[str, Value]:
        """The store as in ``info --json``."""
        index = self.index
        first, last = index.position_range()
        earliest, latest = index.time_range()
        kept = self.checkpoints
        return {
            "name": self.found.name,
            "dialect": self.found.dialect.name,
            "confidence": self.found.confidence,
            "evidence": list(self.found.evidence),
            "events": index.length,
            "streams": len(index.streams),
            "first_position": first,
            "last_position": last,
            "first_recorded_at": iso(earliest),
            "last_recorded_at": iso(latest),
            "types": index.type_counts(),
            "categories": index.category_counts(),
            "snapshots": self.snapshots,
            "checkpoints": None if kept is None else [checkpoint_object(c) for c in kept],
            "undecodable": index.undecodable(),
            "statuses": None,
        }


def summarise(
    database: Database,
    stores: Iterable[Found],
    progress: ProgressListener | None = None,
    *,
    read: Mapping[str, Index] | None = None,
    waiting: Callable[[str, float], None] | None = None,
) -> list[Summary]:
    """Reads stores whole, and those that are followed by a consumer listed under them; in the order given.

    Stores of which ``read`` has a complete index, by name, are not read again.
    """
    indexes: dict[str, Index] = dict(read or {})

    def index_of(name: str) -> Index:
        if name not in indexes:
            reader = database.reader(database.named(name), waiting=waiting)
            try:
                indexes[name] = build(reader, Index(), progress)
            finally:
                reader.close()
        return indexes[name]

    follows = database.follows()
    result = []
    for found in stores:
        reader = database.reader(found, waiting=waiting)
        try:
            snapshots = reader.snapshot_count()
        finally:
            reader.close()
        listed = follows[found.name]
        kept = (
            None
            if listed is None
            else tuple(checkpoint(f, index_of(f.followed) if f.followed else None) for f in listed)
        )
        result.append(Summary(found, index_of(found.name), snapshots, kept))
    return result


def estimate_of(database: Database, found: Found) -> dict[str, Value]:
    """The store as in ``info --estimate``: the planner's figure for events, exact first and last positions, no scan."""
    reader = database.reader(found)
    try:
        first = next(reader.events(Window(limit=1)), None)
        last = next(reader.events(Window(limit=1, reverse=True)), None)
        events = reader.planner_count()
    finally:
        reader.close()
    return {
        "name": found.name,
        "dialect": found.dialect.name,
        "confidence": found.confidence,
        "evidence": list(found.evidence),
        "events": events,
        "first_position": first.position if first else None,
        "last_position": last.position if last else None,
        "first_recorded_at": iso(first.recorded_at) if first else None,
        "last_recorded_at": iso(last.recorded_at) if last else None,
    }


def checkpoint(follow: Follow, followed: Index | None) -> Checkpoint:
    """A consumer with its lag, counted in the index of what it follows; ``None`` if that is not in this database."""
    lag = None if followed is None else followed.events_after(follow.position, follow.category, follow.tenant)
    return Checkpoint(follow.consumer, follow.upstream, follow.position, lag)


__all__ = ["Summary", "checkpoint", "summarise"]
