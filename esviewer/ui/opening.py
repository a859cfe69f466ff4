"""What the window does off its thread: opening databases, indexing stores, reading streams."""

from __future__ import annotations

from dataclasses import dataclass

from esviewer.domain import Event, Snapshot
from esviewer.session import DatabaseSession, StoreSession
from esviewer.stores.address import Address
from esviewer.stores.database import Database, open_database
from esviewer.stores.keys import payload_key
from esviewer.stores.reader import Reader, Window
from esviewer.stores.summary import checkpoint
from esviewer.ui.jobs import Control
from esviewer.ui.memory import without_collection
from esviewer.ui.overview import Facts
from esviewer.ui.refolding import Folded, columns_of_folded, folded_as_chosen, with_classes
from esviewer.ui.relations import Related, find_related
from esviewer.ui.stream_columns import StreamColumns


def open_job(address: Address, key: bytes | None, password: str | None, control: Control) -> Database:
    """Opens a database with the key that was given, else with the one that is kept for it."""
    control.check()
    return open_database(address, key=key or payload_key(address), password=password)


PATIENCE = 3_600.0
"""Seconds for which a lost connection is tried anew while the window is open; closing it ends the trying at once."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How far an index has grown: events read, events a second, or a sentence about waiting for the server."""

    events: int
    rate: float
    waiting: str = ""


def facts_job(store: StoreSession, control: Control) -> Facts:
    """Snapshots and consumers; lag is counted where what is followed is indexed."""
    reader = reader_of(store, control)
    try:
        snapshots = reader.snapshot_count()
    finally:
        reader.close()
    database = store.database
    listed = database.database.follows()[store.name]
    if listed is None:
        return Facts(snapshots, None, False, database.database.unread)
    kept = []
    for follow in listed:
        followed = database.store(follow.followed)
        index = followed.index if followed is not None and followed.index.complete else None
        kept.append(checkpoint(follow, index))
    return Facts(snapshots, tuple(kept), True, database.database.unread)


@dataclass(frozen=True, slots=True)
class ReadStream:
    """A stream as read: its folded history and its snapshots."""

    name: str
    folded: Folded
    snapshots: list[Snapshot]
    columns: StreamColumns


@without_collection()
def stream_job(store: StoreSession, name: str, control: Control, sources: str | None = None) -> ReadStream:
    """Reads a stream, its name in any spelling, and folds it; with the classes in ``sources`` if they are given."""
    reader = reader_of(store, control)
    try:
        events = reader.aggregate(name)
        # Spellings aside, a stream is called what its events call it; a stream of links is called what it was asked by.
        own = events[0].stream if all(event.stream == events[0].stream for event in events) else None
        own = name_of(store, events[0], own) if own is not None else name
        snapshots = reader.snapshots(name)
        control.check()
        if sources is None:
            folded = folded_as_chosen(store, events, control)
        else:
            folded = with_classes(store, events, sources, control)
        control.check()
        return ReadStream(own, folded, snapshots, columns_of_folded(folded, snapshots))
    finally:
        reader.close()


def position_job(store: StoreSession, position: int, control: Control) -> Event | None:
    """The event at a position, else the next one after it."""
    reader = reader_of(store, control)
    try:
        return next(reader.events(Window(from_position=position, limit=1)), None)
    finally:
        reader.close()


def row_job(store: StoreSession, row: int, control: Control) -> Event | None:
    """The event in a row of the index."""
    reader = reader_of(store, control)
    try:
        events = reader.at([store.index.key_of(row)])
        return events[0] if events else None
    finally:
        reader.close()


def related_job(store: StoreSession, event: Event, control: Control) -> Related:
    """The events that an event is tied to."""
    reader = reader_of(store, control)
    try:
        return find_related(event, store.index, reader)
    finally:
        reader.close()


def name_of(store: StoreSession, event: Event, name: str) -> str:
    """The name by which an event's stream is asked for, with its tenant or type where the name is not unique."""
    ordinal = store.index.ordinal_of(event, store.found.dialect.identity)
    return name if ordinal is None else store.index.stream_name(ordinal)


def reader_of(store: StoreSession, control: Control) -> Reader:
    """A reader that ends when the job should, and tells of a server that is waited for."""

    def waiting(sentence: str, seconds: float) -> None:
        told = f"{sentence} Trying again in {seconds:.0f} s."
        control.progress(Growth(store.index.length, 0.0, told), always=True)

    database: DatabaseSession = store.database
    reader = database.database.reader(store.found, waiting=waiting, patience=PATIENCE)
    control.on_stop(reader.stop)
    return reader
