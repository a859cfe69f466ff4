"""The frameworks that are known: one file each. Others come by the entry-point group ``esviewer.dialects``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from esviewer.stores.dialects.base import Dialect

ENTRY_POINT_GROUP = "esviewer.dialects"

# In the order of detection: of two that match the same table the first wins (index_a.md, "Detection").
_OWN = (
    ("emmett", "Emmett"),
    ("message_db", "MessageDb"),
    ("rails_event_store", "RailsEventStore"),
    ("eventsourcing_orm", "EventSourcingDjango"),
    ("eventsourcing_orm", "EventSourcingSqlAlchemy"),
    ("eventsourcing", "EventSourcing"),
    ("marten", "Marten"),
    ("cqrs_es", "CqrsEs"),
    ("neventstore", "NEventStore"),
)


@cache
def known() -> tuple[Dialect, ...]:
    """All dialects in the order of detection; third parties' after our own."""
    made: list[Dialect] = [getattr(import_module(f"{__name__}.{module}"), name)() for module, name in _OWN]
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        dialect = entry.load()()
        if isinstance(dialect, Dialect):
            made.append(dialect)
    return tuple(made)
