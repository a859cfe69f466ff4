"""Catalogues from several sources as one: what is kept by hand first, then sources, schemas, and what a store shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from esviewer.catalogue.model import Catalogue, EventType, Origin


def merged(first: Catalogue, second: Catalogue, *, add_types: bool = True) -> Catalogue:
    """``first`` with what only ``second`` knows: types (if ``add_types``), versions, upcasters, aliases.

    Where both say something, the first is right. It is inferred only if both are.
    """
    by_name = first.by_name()
    types = dict(first.types)
    for name, other in second.types.items():
        known = by_name.get(name) or next((by_name[alias] for alias in other.aliases if alias in by_name), None)
        if known is not None:
            types[known.name] = _joined(types[known.name], other, taken=by_name)
        elif add_types:
            types[name] = other
    snapshots = {**second.snapshots, **first.snapshots}
    return replace(
        first,
        types=types,
        snapshots=snapshots,
        ignored={**second.ignored, **first.ignored},
        erased=(*first.erased, *(erased for erased in second.erased if erased not in first.erased)),
        inferred=first.inferred and second.inferred,
    )


def _joined(known: EventType, other: EventType, taken: dict[str, EventType]) -> EventType:
    names = (other.name, *other.aliases)
    added = tuple(n for n in names if n != known.name and n not in known.aliases and taken.get(n, known) == known)
    edges = {(edge.source, edge.target, edge.target_type) for edge in known.upcasters}
    new = tuple(e for e in other.upcasters if (e.source, e.target, e.target_type) not in edges)
    return replace(
        known,
        aliases=(*known.aliases, *added),
        current=known.current if known.watched else other.current,
        versions={**other.versions, **known.versions},
        upcasters=(*known.upcasters, *new),
    )


_RANKS: Final[dict[Origin, int]] = {"file": 0, "sources": 1, "schemas": 2, "store": 3}


def joined(present: Catalogue, second: Catalogue) -> Catalogue:
    """A present catalogue and one from another source as one, whichever was there first: the better source is right.

    What a store shows makes no type known beside another source: else nothing could be unknown.
    """
    first, other = sorted((present, second), key=lambda one: _RANKS[one.origin])
    return merged(first, other, add_types=first.origin == "store" or other.origin != "store")
