"""What things are. Standard library only; every other room builds on these names."""

from esviewer.domain.errors import (
    Cancelled,
    ConnectionLost,
    EsviewerError,
    NeedsChoice,
    NotAStore,
    NotFound,
    QueryTimeout,
    StoreBusy,
    StoreUnavailable,
    UsageError,
)
from esviewer.domain.event import Checkpoint, Event, Key, Snapshot, Value
from esviewer.domain.times import from_iso, iso, micros

__all__ = [
    "Cancelled",
    "Checkpoint",
    "ConnectionLost",
    "EsviewerError",
    "Event",
    "Key",
    "NeedsChoice",
    "NotAStore",
    "NotFound",
    "QueryTimeout",
    "Snapshot",
    "StoreBusy",
    "StoreUnavailable",
    "UsageError",
    "Value",
    "from_iso",
    "iso",
    "micros",
]
