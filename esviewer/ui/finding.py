"""The search behind the find tab: a scan that tells what it finds while it goes on, and can be cancelled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from esviewer.domain import Event
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.stores.dialects.base import Fields
from esviewer.ui.jobs import Control
from esviewer.ui.opening import reader_of

LIMIT = 10_000
"""Events that are shown at most; the command line gives all of them."""
_TOLD_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """What was found since the last part, how many events have been read in all, and in how many seconds."""

    events: list[Event]
    read: int
    seconds: float
    is_cut: bool = False


def text_matcher(text: str) -> Callable[[Event], bool]:
    """Whether a payload or the metadata contains a text, in any case; everything for an empty one."""
    wanted = text.casefold()
    if not wanted:
        return lambda event: True

    def matches(event: Event) -> bool:
        for part in (event.data, event.metadata):
            if part is not None and wanted in json_text.dumps(part).decode("utf-8", "replace").casefold():
                return True
        return False

    return matches


def find_job(
    store: StoreSession, matches: Callable[[Event], bool], types: frozenset[str] | None, control: Control
) -> Part:
    """Reads the store and gives what matches; parts are told as progress, the last one is the result."""
    reader = reader_of(store, control)
    began = told = time.monotonic()
    found: list[Event] = []
    read = count = 0

    def keep(row: Fields) -> bool:
        nonlocal read
        read += 1
        return types is None or row.get("type") is None or row["type"] in types

    try:
        for event in reader.events(keep=keep):
            if (types is None or event.type in types) and matches(event):
                found.append(event)
                count += 1
                if count == LIMIT:
                    return Part(found, read, time.monotonic() - began, True)
            now = time.monotonic()
            if now - told >= _TOLD_EVERY:
                control.check()
                control.progress(Part(found, read, now - began), always=True)
                found, told = [], now
        return Part(found, read, time.monotonic() - began)
    finally:
        reader.close()
