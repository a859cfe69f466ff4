"""The one envelope that every store's rows are mapped to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

# Decoded payload values. JSON's types, plus what other encodings hold: bytes, exact decimals, integers of any size.
# Not spelled out recursively: mypy's recursive aliases make every use site a cast.
Value: TypeAlias = object

Key: TypeAlias = tuple[object, ...]
"""Where an event stands in its store's order: chosen by the dialect, comparable within one store, opaque elsewhere."""


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded fact. ``None`` means that the store does not have it, never zero.

    ``position`` orders the store for people (an integer, or text where a store has no single number); ``key`` is what
    paging uses. ``version`` is as stored: first is 0 or 1. ``recorded_at`` is µs since the epoch, UTC. ``type`` is the
    stored name, whole. ``data`` is ``None`` and ``undecodable`` a reason where the payload could not be read; ``raw``
    then still holds its bytes. ``notes`` tell what a reader should know of a payload that was read, such as a key that
    occurs twice. ``links`` are further streams that this event stands in.
    """

    key: Key
    position: int | str | None
    stream: str | None
    category: str | None
    version: int | None
    type: str | None
    schema_version: int | str | None = None
    recorded_at: int | None = None
    event_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    transaction: str | None = None
    tenant: str | None = None
    deleted: bool | None = None
    archived: bool | None = None
    status: str | None = None
    data: Value = None
    metadata: Value = None
    undecodable: str | None = None
    notes: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stored fold of one aggregate at ``version``; a cache of the framework, not the truth."""

    stream: str
    version: int | None
    recorded_at: int | None
    type: str | None
    state: Value
    undecodable: str | None = None
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The last position that a consumer says it processed of ``upstream``; ``lag`` counts events after it."""

    consumer: str
    upstream: str | None
    position: int | str | None
    lag: int | None
