"""Whether a store that is read whole each time still begins as it did the last time (law 5)."""

from __future__ import annotations

import hashlib
import json

from esviewer.stores.index import BLOCK, Index
from esviewer.stores.index_digests import SIZE
from esviewer.stores.index_files import FORMAT, cache_folder


def changed_since_last_time(index: Index, address: str, store: str) -> int | str | None:
    """The position up to which history is not as it was when this address was last read whole; ``None`` if it is.

    What was read now is kept for the next time. Blocks of 1 024 events and the rest are compared by their digests. A
    store that is shorter than it was, or begins with another event, is taken for another store and not for a change.
    """
    named = hashlib.sha256(f"{address}\n{store}".encode()).hexdigest()[:32]
    path = cache_folder() / "digests" / f"{named}.json"
    try:
        before = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        before = None
    changed = None
    if isinstance(before, dict) and before.get("format") == FORMAT and before.get("first") == _first(index):
        changed = _first_change(index, before)
    told = {"format": FORMAT, "first": _first(index), "length": index.length, "blocks": index.digests.blocks.hex()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_text(json.dumps({**told, "rest": index.rest_digest().hex()}), "utf-8")
    except OSError:
        pass
    return changed


def _first(index: Index) -> str:
    """What the first event is known by, without its payload: a change of that is to be seen."""
    if not index.length:
        return ""
    stream, kind = int(index.column("stream")[0]), int(index.column("type")[0])
    names = (index.streams[stream] if stream >= 0 else "", index.types[kind] if kind >= 0 else "")
    return hashlib.sha256(repr((index.key_of(0), *names)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _first_change(index: Index, before: dict[str, object]) -> int | str | None:
    length, blocks, rest = int(str(before["length"])), bytes.fromhex(str(before["blocks"])), str(before["rest"])
    if length > index.length or not length:
        return None
    now = index.digests.blocks
    for block in range(length // BLOCK):
        if now[block * SIZE : (block + 1) * SIZE] != blocks[block * SIZE : (block + 1) * SIZE]:
            return index.position_of((block + 1) * BLOCK - 1)
    end_digest = index.digest_between(length // BLOCK * BLOCK, length)
    return index.position_of(length - 1) if end_digest is not None and end_digest.hex() != rest else None
