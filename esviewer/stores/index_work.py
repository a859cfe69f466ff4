"""The process that indexes one store: ``python -m esviewer.stores.index_work``, spoken to in lines of JSON.

The first line of its input says what to open, each further one what to do: ``build``, ``tail`` or ``check``. It answers
with reports, and ends with its input. Secrets come by that line and stand in no argument that others can see.
"""

from __future__ import annotations

import base64
import json
import os
import queue
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from esviewer.domain import EsviewerError
from esviewer.stores.database import open_database
from esviewer.stores.index import Index
from esviewer.stores.index_building import build, changed_up_to, first_change, is_same, tail
from esviewer.stores.index_digests import BLOCK
from esviewer.stores.index_files import Head, IndexWriter
from esviewer.stores.index_shelf import Place, expected, identity_of, kept_places, key_name, new_place, take
from esviewer.stores.query_log import QueryLog
from esviewer.stores.reader import Reader

_PUBLISHED_SECONDS = 0.25
_PATIENCE = 3_600.0
_LAST_SECONDS = 1.0
"""How long an end in good order may take."""
_SAMPLE = 16
"""Blocks that are compared when an index is opened again: first and last, and others by chance."""


def say(kind: str, **facts: Any) -> None:
    """Reports to the process that asked."""
    sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Order:
    """What to open."""

    address: str
    kept: str
    store: str
    key: bytes | None
    password: str | None

    @classmethod
    def read(cls, line: str) -> Order:
        told = json.loads(line)
        key = base64.b64decode(told["key"]) if told["key"] else None
        return cls(told["address"], told["kept"], told["store"], key, told["password"])


class Work:
    """One store's index in its folder."""

    def __init__(self, order: Order, reader: Reader) -> None:
        self._order = order
        self._reader = reader
        self._writer: IndexWriter | None = None
        self._place: Place | None = None
        self._published = 0.0

    def build(self) -> int:
        """Finds the kept index or begins one, and reads the rest of the store into it; returns the first new row."""
        writer = self._opened()
        first = writer.index.length
        build(self._reader, writer.index, self._grown)
        writer.publish()
        writer.close()
        return first

    def tail(self) -> int:
        """Reads what was added to the store; returns the first new row."""
        writer = self._opened()
        if not writer.index.complete:
            return self.build()
        length = writer.index.length
        first = tail(self._reader, writer.index)
        if first < length:
            writer.note_cut()
        if first < length or writer.index.length != length:
            writer.publish()
        return first

    def check(self) -> int:
        """Compares all that was indexed with the store, and says what has changed; returns how many events it is."""
        index = self._opened().index
        end = changed_up_to(self._reader, index, lambda events: say("checked", events=events))
        if end is not None:
            _say_changed(index, end, None)
        return index.length

    def close(self) -> None:
        """Lets others write to the folder."""
        if self._place is not None:
            self._place.leave()

    def _opened(self) -> IndexWriter:
        if self._writer is not None:
            return self._writer
        order = self._order
        identity = identity_of(self._reader)
        if not expected(order.kept, order.store, identity):
            say("replaced")
        writer = self._kept(identity)
        if writer is None:
            self._place = new_place(identity)
            writer = self._writer_at(self._place, identity)
            writer.begin()
            writer.publish()
        self._writer = writer
        say("placed", folder=str(writer.folder))
        return writer

    def _kept(self, identity: str) -> IndexWriter | None:
        """A kept index that agrees with the store; where the one of this very address does not, that is said."""
        order = self._order
        for folder, head in kept_places(identity):
            place = take(folder)
            if place is None:
                continue
            writer = self._writer_at(place, identity)
            changed = self._resumed(writer, head)
            is_own = (head.address, head.store) == (order.kept, order.store)
            if changed is None or is_own:
                if changed is not None:
                    writer.begin()
                    writer.publish()
                self._place = place
                return writer
            place.leave()
        return None

    def _writer_at(self, place: Place, identity: str) -> IndexWriter:
        order = self._order
        return IndexWriter(place.folder, identity, order.kept, order.store, key_name(order.key))

    def _resumed(self, writer: IndexWriter, head: Head) -> str | None:
        """Goes on with a kept index; the reason why that cannot be."""
        order = self._order
        # How many of an unfinished one could not be decoded is not known.
        if (head.undecodable or not head.complete) and head.key != key_name(order.key):
            return "payloads were read with another key"
        try:
            writer.resume(head)
        except (OSError, ValueError):
            return "files are damaged"
        index = writer.index
        changed = self._first_change(index, head)
        if changed is not None:
            if (head.address, head.store) == (order.kept, order.store):
                _say_changed(index, changed, head)
            return "history has changed"
        # Rows after the last whole block are read again: what has a digest is whole blocks.
        if index.length % BLOCK:
            writer.cut(index.length // BLOCK * BLOCK)
        index.complete = False
        return None

    def _first_change(self, index: Index, head: Head) -> int | None:
        """The end of the first stretch of rows, of some that are compared, that is not as it was indexed."""
        count = index.digests.count
        chosen = {0, count - 1, *random.sample(range(count), min(_SAMPLE, count))} if count else set()
        for block in sorted(chosen):
            if first_change(self._reader, index, range(block, block + 1)) is not None:
                return (block + 1) * BLOCK
        rest = index.length - count * BLOCK
        if rest and head.rest and not is_same(self._reader, index, count * BLOCK, rest, bytes.fromhex(head.rest)):
            return index.length
        return None

    def _grown(self, events: int, rate: float) -> None:
        now = time.monotonic()
        if now - self._published >= _PUBLISHED_SECONDS:
            self._published = now
            self._opened().publish()
            say("grown", events=events, rate=rate)


def _say_changed(index: Index, end: int, head: Head | None) -> None:
    position = index.position_of(min(end, index.length) - 1)
    say("changed", position=position, indexed=None if head is None else int(head.written * 1_000_000))


def work(lines: queue.Queue[str]) -> int:
    """Opens what the first line says and does what the others say; returns the exit status."""
    order = Order.read(lines.get())
    log = QueryLog()
    log.subscribe(lambda: say("statement", **asdict(log.last)))
    try:
        database = open_database(order.address, key=order.key, password=order.password, log=log)
    except EsviewerError as error:
        return _failed(error)
    reader = database.reader(database.named(order.store), waiting=_waiting, patience=_PATIENCE)
    one = Work(order, reader)
    try:
        while True:
            command = json.loads(lines.get())
            if command["do"] == "end":
                return 0
            first = {"build": one.build, "tail": one.tail, "check": one.check}[command["do"]]()
            say("done", first=first)
    except EsviewerError as error:
        return _failed(error)
    finally:
        one.close()
        database.close()


def _waiting(sentence: str, seconds: float) -> None:
    say("waiting", sentence=sentence, seconds=seconds)


def _failed(error: EsviewerError) -> int:
    say("failed", error=type(error).__name__, sentence=str(error))
    return 2


def _take_lines(lines: queue.Queue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    # Nobody waits for the answer any more. What was published stays; what is under way is not waited for.
    lines.put('{"do": "end"}')
    time.sleep(_LAST_SECONDS)
    os._exit(0)


def main() -> int:
    """Speaks with the process that started this one."""
    with suppress(OSError, AttributeError):
        os.nice(5)
    # Asked to end, it leaves in good order where it can.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    lines: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_take_lines, args=(lines,), daemon=True).start()
    return work(lines)


if __name__ == "__main__":
    sys.exit(main())
