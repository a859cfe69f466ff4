"""Events, snapshots and checkpoints as the plain objects that the contract's JSON describes."""

from __future__ import annotations

from esviewer.domain.event import Checkpoint, Event, Value
from esviewer.domain.times import iso


def event_object(event: Event) -> dict[str, Value]:
    """The event as in ``events --json``; ``undecodable`` and ``notes`` only where they apply."""
    result: dict[str, Value] = {
        "position": event.position,
        "stream": event.stream,
        "category": event.category,
        "version": event.version,
        "type": event.type,
        "schema_version": event.schema_version,
        "recorded_at": iso(event.recorded_at),
        "event_id": event.event_id,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "transaction": event.transaction,
        "tenant": event.tenant,
        "deleted": event.deleted,
        "archived": event.archived,
        "status": event.status,
        "data": event.data,
        "metadata": event.metadata,
    }
    if event.undecodable is not None:
        result["undecodable"] = event.undecodable
    if event.notes:
        result["notes"] = list(event.notes)
    return result


def checkpoint_object(checkpoint: Checkpoint) -> dict[str, Value]:
    """The checkpoint as in ``info --json``."""
    return {
        "consumer": checkpoint.consumer,
        "upstream": checkpoint.upstream,
        "position": checkpoint.position,
        "lag": checkpoint.lag,
    }
