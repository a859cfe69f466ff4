"""Which kept index belongs to which store: by what the store is, not by where it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from esviewer.stores.index_files import Head, Lock, cache_folder, private_folder, read_head, remove_folder
from esviewer.stores.reader import Reader, Window

_FIRST_EVENTS = 64
_KEPT = 40
"""Indexes that are kept at most; the one that was written longest ago goes first."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to write an index to, with the lock that is held on it; ``None`` for a folder that is not kept."""

    folder: Path
    lock: Lock | None

    def leave(self) -> None:
        """Lets others write there; an index that is not kept goes."""
        if self.lock is not None:
            self.lock.close()
        else:
            remove_folder(self.folder)


def identity_of(reader: Reader) -> str:
    """What a store is: its framework and its first 64 events, payloads included, as 32 hexadecimal digits.

    Those are history, which does not change (law 5): a file that was moved or a database that was renamed has the same
    identity, and another store at the same address has not.
    """
    made = hashlib.sha256(f"{reader.dialect.name} on {reader.found.backend}".encode())
    with reader.without_categories():
        for event in reader.events(Window(limit=_FIRST_EVENTS)):
            told = [event.key, event.stream, event.version, event.type]
            made.update(json.dumps(told, default=str).encode())
            made.update(event.raw or b"")
    return made.hexdigest()[:32]


def key_name(key: bytes | None) -> str:
    """What tells one payload key from another without telling the key; empty for none."""
    return "" if key is None else hashlib.sha256(b"esviewer payload key" + key).hexdigest()[:16]


def kept_places(identity: str) -> list[tuple[Path, Head]]:
    """The kept indexes of stores that began so, the newest first: a copy that has gone its own way has its own."""
    found = [(folder, read_head(folder)) for folder in _shelf().glob(f"{identity}-*") if folder.is_dir()]
    heads = [(folder, head) for folder, head in found if head is not None]
    return sorted(heads, key=lambda pair: -pair[1].written)


def new_place(identity: str) -> Place:
    """A folder for an index that begins now."""
    shelf = _shelf()
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_room(shelf)
        for number in range(_KEPT):
            folder = shelf / f"{identity}-{number}"
            if folder.exists() and read_head(folder) is not None:
                continue
            folder.mkdir(exist_ok=True, mode=0o700)
            lock = Lock(folder)
            if lock.is_held:
                return Place(folder, lock)
            lock.close()
    except OSError:
        # A cache that cannot be written is no reason not to look at a store.
        pass
    return Place(private_folder(), None)


def take(folder: Path) -> Place | None:
    """The place of a kept index, ``None`` while another process writes to it, or where we may not."""
    try:
        lock = Lock(folder)
    except OSError:
        return None
    if not lock.is_held:
        lock.close()
        return None
    return Place(folder, lock)


def expected(address: str, store: str, identity: str) -> bool:
    """Whether an address held a store that began so when it was last looked at, or was never looked at.

    Takes note of what it holds now.
    """
    path = _shelf() / "addresses.json"
    name = f"{address}\n{store}"
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict):
        known = {}
    before = known.pop(name, None)
    known[name] = identity
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = path.with_suffix(".new")
        unfinished.write_text(json.dumps(dict(list(known.items())[-400:])), "utf-8")
        unfinished.replace(path)
    except OSError:
        pass
    return before is None or before == identity


def _shelf() -> Path:
    return cache_folder() / "indexes"


def _make_room(shelf: Path) -> None:
    for folder in list(_by_age(shelf))[: -_KEPT + 1]:
        lock = Lock(folder)
        if lock.is_held:
            remove_folder(folder)
        lock.close()


def _by_age(shelf: Path) -> Iterator[Path]:
    heads = [(folder, read_head(folder)) for folder in shelf.iterdir() if folder.is_dir()]
    aged = sorted((0.0 if head is None else head.written, folder.name, folder) for folder, head in heads)
    return (folder for _, _, folder in aged)
