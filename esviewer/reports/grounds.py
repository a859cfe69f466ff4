"""What every report says of the store that it is about and of how it was made, so that it can be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from esviewer import __version__
from esviewer.catalogue.model import Catalogue
from esviewer.domain import Value, iso
from esviewer.projections.upcast_functions import code_edges
from esviewer.reports.document import Fact, content_hash
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.index_shelf import identity_of

Waiting = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class Ran:
    """Something that was run or looked at beside the store: what for, what it is called, its SHA-256 (or ``None``)."""

    role: str
    name: str
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Grounds:
    """A store as it was read for a report: its identity, all its events, and when; ``read_at`` is µs."""

    address: str
    found: Found
    identity: str
    index: Index
    read_at: int
    ran: tuple[Ran, ...] = ()
    command: str = ""

    @property
    def history(self) -> str:
        """SHA-256 of position, stream, version, type and payload of every event as stored."""
        return hashlib.sha256(self.index.digests.blocks + self.index.rest_digest()).hexdigest()

    @property
    def head(self) -> int | str | None:
        """The last position."""
        return self.index.position_range()[1]

    def figures(self, kind: str, content: Mapping[str, Value], beside: Mapping[str, Value]) -> dict[str, Value]:
        """The JSON of a report. ``beside`` is not hashed: names of files, times, speed."""
        hashed: dict[str, Value] = {
            "report": kind,
            "esviewer": __version__,
            "identity": self.identity,
            "history": self.history,
            "events_in_store": self.index.length,
            "head": self.head,
            "ran": [{"role": one.role, "sha256": one.sha256} for one in self.ran],
            **content,
        }
        return {
            **hashed,
            "content_hash": content_hash(hashed),
            "address": self.address,
            "store": self.found.name,
            "framework": self.found.dialect.title,
            "ran": [{"role": one.role, "name": one.name, "sha256": one.sha256} for one in self.ran],
            "command": self.command,
            "read_at": iso(self.read_at),
            **beside,
        }

    def facts(self, figures: Mapping[str, Value]) -> Iterator[Fact]:
        """What a report says of its store and of itself."""
        yield Fact("Store", self.found.name, "name")
        yield Fact("Address", self.address, "name")
        yield Fact("Framework", self.found.dialect.title)
        yield Fact("Store identity", self.identity, "name")
        yield Fact("Hash of the history", str(figures["history"]), "name")
        yield Fact("Events in the store", self.index.length, "number")
        yield Fact("Head position", self.head)
        for one in self.ran:
            yield Fact(one.role, one.name, "name")
            if one.sha256 is not None:
                yield Fact(f"Hash of {one.role[:1].lower()}{one.role[1:]}", one.sha256, "name")
        yield Fact("Read at", iso(self.read_at))
        yield Fact("Made by", f"esviewer {__version__}")
        yield Fact("Made again by", self.command, "name")
        yield Fact("Content hash", str(figures["content_hash"]), "name")


HASHES = (
    "The content hash is the same for the same store and the same inputs, and another after one more event.",
    "It leaves out where store and files lie, what they are called, when the store was read, and how long it took.",
    "The hash of the history covers position, stream, version, type and payload of every event as stored.",
)
"""What the hashes cover, for people."""


def grounds(
    database: Database,
    found: Found,
    *,
    read_at: int,
    ran: Iterable[Ran] = (),
    command: str = "",
    index: Index | None = None,
    waiting: Waiting | None = None,
) -> Grounds:
    """Reads a store whole, unless its complete ``index`` is given."""
    reader = database.reader(found, waiting=waiting)
    try:
        identity = identity_of(reader)
        read = build(reader, Index()) if index is None else index
    finally:
        reader.close()
    return Grounds(database.address.text, found, identity, read, read_at, tuple(ran), command)


def catalogue_ran(catalogue: Catalogue, file: Path, code: Path | None) -> list[Ran]:
    """A catalogue's file, and its Python upcasters where they may run: the files of the modules that it names.

    What those import is not hashed.
    """
    ran = [Ran("Catalogue", str(file), hashlib.sha256(file.read_bytes()).hexdigest())]
    if code is not None:
        modules = {(edge.function or "").partition(":")[0] for edge in code_edges(catalogue)}
        ran.append(Ran("Upcasters", str(code), files_hash(code, sorted(filter(None, modules)))))
    return ran


def files_hash(folder: Path, modules: Iterable[str]) -> str:
    """SHA-256 over the Python files of modules below a folder, with all that packages among them hold."""
    digest = hashlib.sha256()
    for module in modules:
        place = folder.joinpath(*module.split("."))
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_name(f"{place.name}.py")]
        for file in files:
            if file.is_file():
                digest.update(f"{file.relative_to(folder)}\n".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
