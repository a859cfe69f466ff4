"""Indexes as files in the user's cache folder: written by one process, mapped by any number of others.

A folder holds one file a column, ``names.jsonl`` (streams and types in the order of their ordinals), ``keys.jsonl``
(keys that are no integers, positions that are text), ``digests.bin`` and ``head.json``. The head is replaced as a whole
and says how much of the other files counts, so that what a writer leaves behind when it is killed is whole, and a
reader never sees half an event. A later run takes up where the head stands.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import orjson
import platformdirs

from esviewer.stores.index import Index
from esviewer.stores.index_columns import FileColumns, MappedColumns
from esviewer.stores.index_digests import BLOCK, SIZE, Digests
from esviewer.stores.sheet import Opened

FORMAT = 1
"""Changes when what is written or how it is derived changes: an index of another format is made anew."""

_LINES_BYTES = 100_000
"""Bytes of lines that are read at once."""
VARIABLE = "ESVIEWER_CACHE_DIR"


def cache_folder() -> Path:
    """Where indexes are kept: ``ESVIEWER_CACHE_DIR``, else where this system keeps what can be made again."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else platformdirs.user_cache_path("esviewer")


@dataclass(frozen=True, slots=True)
class Head:
    """How far an index has come, and of what it is.

    ``names`` and ``keys`` are the bytes of ``names.jsonl`` and ``keys.jsonl`` that count; ``width`` is that of keys in
    columns. ``key`` tells by which key payloads were opened without telling the key. ``generation`` changes when an
    index is begun anew in its folder, and ``cuts`` when rows were taken off its end. ``rest`` is the digest of the rows
    after the last whole block.
    """

    format: int
    identity: str
    address: str
    store: str
    key: str
    generation: str
    length: int
    complete: bool
    undecodable: int
    dtypes: dict[str, str]
    names: int
    width: int
    keys: int | None
    cuts: int
    rest: str
    written: float


class IndexWriter:
    """An index that grows in a folder; only one process writes to a folder at a time (:class:`Lock`)."""

    index: Index

    def __init__(self, folder: Path, identity: str, address: str, store: str, key: str) -> None:
        """Neither begins nor goes on yet: :meth:`begin` or :meth:`resume` does."""
        self.folder = folder
        self._of = (identity, address, store, key)

    def begin(self) -> None:
        """Begins with nothing, whatever the folder held."""
        # The head goes first: without it nothing in the folder counts.
        for path in (self.folder / "head.json", *self.folder.glob("*.*")):
            path.unlink(missing_ok=True)
        self.index = Index(FileColumns(self.folder))
        self._generation = os.urandom(8).hex()
        self._types = self._streams = self._names = 0
        self._listed = self._keys = self._digests = self._cuts = self._most = 0

    def resume(self, head: Head) -> None:
        """Goes on with what the folder holds; raises ``OSError`` or ``ValueError`` if that is damaged."""
        index = Index(FileColumns.reopened(self.folder, head.dtypes, head.length))
        IndexReader(self.folder, index).read_names(head)
        index.digests = Digests((self.folder / "digests.bin").read_bytes()[: head.length // BLOCK * SIZE])
        index.length, index.complete = head.length, head.complete
        self._generation = head.generation
        self._types, self._streams, self._names = len(index.types), len(index.streams), head.names
        self._listed, self._keys = 0 if head.keys is None else head.length, head.keys or 0
        self._digests, self._cuts, self._most = index.digests.count, head.cuts, head.length
        self.index = index

    def cut(self, row: int) -> None:
        """Takes rows from ``row`` on off the index's end."""
        self.index.cut(row)
        self.note_cut()

    def note_cut(self) -> None:
        """Takes note that rows were taken off the index's end: keys are written anew, readers read them anew."""
        self._cuts += 1
        self._listed = self._keys = 0
        self._digests = min(self._digests, self.index.digests.count)

    def publish(self) -> None:
        """Makes what the index holds now count for those who read it."""
        index = self.index
        self._write_names(index)
        has_list = index.keys.listed is not None or index.keys.texts is not None
        if has_list:
            self._write_keys(index)
        _append(self.folder / "digests.bin", self._digests * SIZE, index.digests.blocks[self._digests * SIZE :])
        self._digests = index.digests.count
        self._most = max(self._most, index.length)
        head = Head(
            FORMAT,
            *self._of,
            self._generation,
            index.length,
            index.complete,
            index.undecodable() if index.complete else 0,
            index.columns_.dtypes,
            self._names,
            index.keys.width,
            self._keys if has_list else None,
            self._cuts,
            index.rest_digest().hex() if index.complete else "",
            time.time(),
        )
        write_head(self.folder, head)

    def _write_names(self, index: Index) -> None:
        lines = [json.dumps(["t", name]) for name in index.types[self._types :]]
        for ordinal in range(self._streams, len(index.streams)):
            identity = index.identity_of(ordinal)
            category, tenant = index.stream_category[ordinal], index.stream_tenant[ordinal]
            lines.append(json.dumps(["s", identity, index.streams[ordinal], category, tenant]))
        self._types, self._streams = len(index.types), len(index.streams)
        self._names += _append(self.folder / "names.jsonl", self._names, _lines(lines))

    def _write_keys(self, index: Index) -> None:
        listed, texts = index.keys.listed, index.keys.texts
        lines = []
        for row in range(self._listed, index.length):
            key = None if listed is None else [_written(part) for part in listed[row]]
            lines.append(json.dumps([key, texts[row] if texts is not None else None]))
        self._keys += _append(self.folder / "keys.jsonl", self._keys, _lines(lines))
        self._listed = index.length

    def close(self) -> None:
        """Gives back the room that the files do not need, but for what others may have mapped."""
        columns = self.index.columns_
        if isinstance(columns, FileColumns):
            columns.trim(max(self.index.length, self._most))


class IndexReader:
    """Shows in an index what a folder holds, in place, while another process may write to it."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder = folder
        self.index = index
        self._names = self._keys = self._cuts = 0
        self._texts: list[str | None] = []
        self._generation: str | None = None

    def refresh(self) -> Head | None:
        """Brings the index to where the folder's head stands; ``None`` if there is nothing more to show yet.

        What was read before is not read again. An index that shows more already, from another folder, stays until this
        one has come as far: who looks at it must not find fewer streams than before. Raises ``OSError`` or
        ``ValueError`` where the folder is damaged.
        """
        head = read_head(self.folder)
        if head is None:
            return None
        index = self.index
        columns = MappedColumns(self.folder, head.dtypes, head.length)
        if head.generation != self._generation:
            if head.length < index.length:
                return None
            self._names, self._keys, self._texts, self._cuts = 0, 0, [], head.cuts
            fresh, self.index = index, Index()
            self.read_names(head)
            fresh.adopt(self.index)
            self.index, self._generation = fresh, head.generation
        else:
            self.read_names(head)
        index.columns_ = columns
        index.length, index.complete = head.length, head.complete
        return head

    def read_names(self, head: Head) -> None:
        """Names and keys that were written since the last time; raises ``OSError`` or ``ValueError``."""
        for line in _read_lines(self.folder / "names.jsonl", self._names, head.names):
            _learn(self.index, line)
        self._names = head.names
        keys = self.index.keys
        keys.width = head.width
        if head.keys is None:
            return
        if head.cuts != self._cuts:
            self._cuts, self._keys = head.cuts, 0
            keys.listed, keys.texts, self._texts = None, None, []
        for key, text in _read_lines(self.folder / "keys.jsonl", self._keys, head.keys):
            if key is not None:
                keys.listed = keys.listed if keys.listed is not None else []
                keys.listed.append(tuple(_read(part) for part in key))
            self._texts.append(text)
            if text is not None:
                keys.texts = self._texts
        self._keys = head.keys


def _learn(index: Index, line: list[Any]) -> None:
    if line[0] == "t":
        index.learn_type(line[1])
    else:
        _, identity, name, category, tenant = line
        index.learn_stream(Opened(tuple(identity) if isinstance(identity, list) else identity, name, category, tenant))


def _lines(lines: list[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()


def _read_lines(path: Path, start: int, end: int) -> Iterator[Any]:
    """The JSON lines between two places of a file."""
    if start == end:
        return
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(end - start)
    if len(data) < end - start:
        raise ValueError(f"{path} is cut short")
    place = 0
    while place < len(data):
        # Many lines in one go take a fifth of the time; all of them would hold Python's lock for long.
        cut = data.find(b"\n", min(place + _LINES_BYTES, len(data) - 1)) + 1
        some, place = data[place:cut], cut
        try:
            yield from orjson.loads(b"[" + some.rstrip(b"\n").replace(b"\n", b",") + b"]")
        except orjson.JSONDecodeError:
            # Lone surrogates, which orjson refuses.
            for line in some.splitlines():
                yield json.loads(line)


def _written(part: object) -> object:
    return {"base64": base64.b64encode(part).decode()} if isinstance(part, bytes) else part


def _read(part: Any) -> object:
    return base64.b64decode(part["base64"]) if isinstance(part, dict) else part


def _append(path: Path, start: int, data: bytes) -> int:
    """Writes at a place of a file and ends it there: what a killed writer left beyond it is dropped."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.truncate(start)
        file.seek(start)
        return file.write(data)


def write_head(folder: Path, head: Head) -> None:
    """Replaces the head of a folder."""
    unfinished = folder / "head.json.new"
    unfinished.write_text(json.dumps(asdict(head)), "utf-8")
    unfinished.replace(folder / "head.json")


def read_head(folder: Path) -> Head | None:
    """The head of a folder; ``None`` if it has none that this version can use."""
    try:
        kept = json.loads((folder / "head.json").read_text("utf-8"))
        if kept.get("format") != FORMAT:
            return None
        return Head(**{field.name: kept[field.name] for field in fields(Head)})
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None


class Lock:
    """Keeps other processes from writing to a folder; given back when this process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "lock").open("ab")
        self.is_held = self._take()

    def _take(self) -> bool:
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def close(self) -> None:
        self._file.close()


def private_folder() -> Path:
    """A folder for an index that is not kept, to be removed by who asked for it."""
    return Path(tempfile.mkdtemp(prefix="esviewer-index-"))


def remove_folder(folder: Path) -> None:
    """Removes an index."""
    shutil.rmtree(folder, ignore_errors=True)
