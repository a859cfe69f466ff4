"""What payloads really look like: every path with its types and nulls, every shape with where it was written.

One pass, in store order, that costs little because payloads of one shape are counted together. The state can be saved
(:mod:`esviewer.catalogue.drift_state`), and goes on with new events only. What it means is read by
:mod:`esviewer.catalogue.drift_report`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from esviewer.catalogue.drift_tree import Objects, Position, ShapeKey, Span
from esviewer.catalogue.model import Attribute, Catalogue, Version
from esviewer.catalogue.paths import items, member
from esviewer.catalogue.shapes import kind_of
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event, Key


class Shapes:
    """All payloads of one type and version. ``wholes`` are shapes of whole payloads, nested parts included."""

    __slots__ = ("others", "root", "undecodable", "wholes")

    def __init__(self, is_personal: Callable[[str], bool]) -> None:
        self.root = Objects("", is_personal)
        self.wholes: dict[ShapeKey, Span] = {}
        self.others: dict[str, Span] = {}
        self.undecodable = Span()

    @property
    def span(self) -> Span:
        """All events of the type and version that could be decoded."""
        whole = Span()
        for signature in self.root.signatures.values():
            whole.join(signature.span)
        for span in self.others.values():
            whole.join(span)
        return whole


class Drift:
    """The drift of a store. Give it every event once, in store order; it can be saved and go on."""

    def __init__(self, catalogue: Catalogue | None = None) -> None:
        self.catalogue = catalogue or Catalogue()
        self.events = 0
        self.last_position: Position = None
        self.last_key: Key | None = None
        """Where to go on reading."""
        self.shapes: dict[tuple[str, Version], Shapes] = {}

    def see(self, event: Event, name: str | None, version: Version | NoFit) -> None:
        """Takes in one event under the name of its type and its version; ``None`` names the type as stored."""
        at, self.events = self.events, self.events + 1
        position = self.last_position = event.position
        self.last_key = event.key
        type_name = name or event.type or ""
        stored: Version = None if isinstance(version, NoFit) else version
        shapes = self.room(type_name, stored)
        data = event.data
        if event.undecodable is not None:
            shapes.undecodable.hit(at, position)
        elif data.__class__ is dict:
            key = shapes.root.see(data, at, position)
            # Flat payloads are counted by their signature alone.
            if key.__class__ is tuple:
                whole = shapes.wholes.get(key)
                if whole is None:
                    whole = shapes.wholes[key] = Span()
                whole.hit(at, position)
        elif data is not None:
            shapes.others.setdefault(kind_of(data), Span()).hit(at, position)

    def see_assessed(self, event: Event, found: Assessment, judge: Judge) -> None:
        """Takes in one event by its assessment. What is ignored or erased counts as read, and its payload as nothing:
        it is no longer what was written, or of no interest.
        """
        if found.status in (Status.IGNORED, Status.ERASED):
            self.events += 1
            self.last_position, self.last_key = event.position, event.key
            return
        known = found.known
        has_version = known is not None and found.status is not Status.UNDECODABLE
        version = found.version if has_version else judge.version(event)
        self.see(event, known.name if known is not None else event.type, version)

    def room(self, type_name: str, version: Version) -> Shapes:
        """The shapes of a type and version, made if there are none."""
        shapes = self.shapes.get((type_name, version))
        if shapes is None:
            shapes = self.shapes[type_name, version] = Shapes(personal_test(self.catalogue, type_name))
        return shapes

    def extend(self, events: Iterable[Event], judge: Judge) -> Drift:
        """Takes in events with the names and versions that a judge gives them; gives itself."""
        for event in events:
            self.see_assessed(event, judge.assess(event), judge)
        return self

    def merge(self, later: Drift) -> Drift:
        """Takes in the drift of the events after these; ``later`` must not be used any more. Gives itself."""
        by = self.events
        for key, theirs in later.shapes.items():
            mine = self.room(*key)
            written = [(theirs.root.content(whole), span) for whole, span in theirs.wholes.items()]
            mine.root.join(theirs.root, by)
            for content, span in written:
                mine.wholes.setdefault(mine.root.key_of(content), Span()).join(span.moved(by))
            for kind, span in theirs.others.items():
                mine.others.setdefault(kind, Span()).join(span.moved(by))
            mine.undecodable.join(theirs.undecodable.moved(by))
        self.events += later.events
        if later.events:
            self.last_position, self.last_key = later.last_position, later.last_key
        return self


def personal_test(catalogue: Catalogue, type_name: str) -> Callable[[str], bool]:
    """Whether a path of a type is personal in any version, or lies below one that is."""
    paths = personal_paths(catalogue, type_name)
    beginnings = tuple(path + sign for path in paths for sign in ".[")
    return lambda path: path in paths or path.startswith(beginnings)


def personal_paths(catalogue: Catalogue, type_name: str) -> frozenset[str]:
    """Paths of a type that are personal in any version."""
    known = catalogue.by_name().get(type_name)
    found: set[str] = set()
    pending = [("", shape.as_attribute()) for shape in known.versions.values()] if known is not None else []
    while pending:
        path, attribute = pending.pop()
        if attribute.personal:
            found.add(path)
        inner: Mapping[str, Attribute] = attribute.attributes or {}
        pending += [(member(path, name), below) for name, below in inner.items()]
        if attribute.items is not None:
            pending.append((items(path), attribute.items))
    return frozenset(found)
