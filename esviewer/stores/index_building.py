"""Reading a store into its index, keeping it up with the store, and checking it against the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from esviewer.stores.index import BLOCK, Index
from esviewer.stores.reader import Reader
from esviewer.stores.sheet import Sheet

LOOK_BACK = 500
"""Rows at the head that are read again for events that were committed late."""

ProgressListener = Callable[[int, float], None]
"""Told how many events have been read and how many a second, at most 20 times a second."""

_TOLD_SECONDS = 0.05
_TOLD_BLOCKS = 16


def build(reader: Reader, index: Index, progress: ProgressListener | None = None) -> Index:
    """Reads the rest of the store into ``index``; raises what the reader raises, and what was read stays."""
    first = index.length
    began = told = time.monotonic()
    for sheet in reader.sheets(index.key_of(first - 1) if first else None):
        index.extend(sheet)
        now = time.monotonic()
        if progress is not None and now - told >= _TOLD_SECONDS:
            told = now
            progress(index.length, (index.length - first) / max(now - began, 1e-9))
    index.complete = True
    if progress is not None:
        progress(index.length, (index.length - first) / max(time.monotonic() - began, 1e-9))
    return index


def tail(reader: Reader, index: Index, look_back: int = LOOK_BACK) -> int:
    """Brings a complete index up to the store's head; returns the first row that is new (its length if none is).

    A transaction that commits late may show events below the newest position: the last ``look_back`` rows are read
    again, and where an event stands that the index does not have, the index is taken up anew from there.
    """
    row = max(0, index.length - look_back)
    known = first = index.length
    for sheet in reader.sheets(index.key_of(row - 1) if row else None):
        same = 0
        if row < known:
            same = index.agreement(row, sheet)
            row += same
            if row < known and same < len(sheet):
                return _again(reader, index, row)
        if same < len(sheet):
            index.extend(sheet.beginning_at(same))
    # Events that were at the end have been taken away.
    return _again(reader, index, row) if row < known else first


def _again(reader: Reader, index: Index, row: int) -> int:
    """Takes the index up anew from a row on, or from the beginning of its block; returns the first new row."""
    first = index.cut(row)
    build(reader, index)
    return min(first, index.length)


def changed_up_to(reader: Reader, index: Index, told: Callable[[int], None]) -> int | None:
    """Compares all that was indexed with the store: the end of the first stretch of rows that is not as it was.

    ``None`` if everything is; ``told`` is called now and then with how many events were compared.
    """

    def compared(block: int) -> None:
        if block % _TOLD_BLOCKS == 0:
            told(block * BLOCK)

    whole = index.digests.count
    block = first_change(reader, index, range(whole), compared)
    if block is not None:
        return (block + 1) * BLOCK
    rest = index.length - whole * BLOCK
    is_changed = rest > 0 and not is_same(reader, index, whole * BLOCK, rest, index.rest_digest())
    return index.length if is_changed else None


def first_change(reader: Reader, index: Index, blocks: range, told: Callable[[int], None] | None = None) -> int | None:
    """The first of some blocks in a row whose events are not those that were indexed; ``None`` if all are the same.

    ``told`` is called with each block that is the same.
    """
    block = blocks.start
    for sheets in _stretches(reader, index, blocks.start * BLOCK, BLOCK, len(blocks)):
        if index.digest_of(sheets) != index.digests.of(block):
            return block
        if told is not None:
            told(block)
        block += 1
    # Events that were there have been taken away.
    return block if block < blocks.stop else None


def is_same(reader: Reader, index: Index, start: int, count: int, digest: bytes) -> bool:
    """Whether the store still has ``count`` events from row ``start`` on that have this digest."""
    return any(index.digest_of(sheets) == digest for sheets in _stretches(reader, index, start, count, 1))


def _stretches(reader: Reader, index: Index, start: int, size: int, count: int) -> Iterator[list[Sheet]]:
    """At most ``count`` stretches of ``size`` events each, from a row on, without one that is not whole."""
    held: list[Sheet] = []
    missing = size
    for sheet in reader.sheets(index.key_of(start - 1) if start else None, first=size):
        rest = sheet
        while len(rest) >= missing:
            yield [*held, rest.ending_at(missing)]
            rest, held, missing, count = rest.beginning_at(missing), [], size, count - 1
            if not count:
                return
        if len(rest):
            held.append(rest)
            missing -= len(rest)
