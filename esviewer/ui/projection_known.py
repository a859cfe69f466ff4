"""What a projection of a store may name: its event types with the attributes that their payloads have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.session import StoreSession
from esviewer.stores.row_reading import events_of_rows
from esviewer.ui.jobs import Control
from esviewer.ui.opening import reader_of

_EACH: Final = 6
"""Events of each type that are looked at, from the first to the last: attributes come and go."""
_TYPES: Final = 400


@dataclass(frozen=True, slots=True)
class KnownType:
    """An event type, how often it is there, its category, and the attributes seen in some of its payloads."""

    name: str
    events: int
    category: str | None = None
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """All types, the most frequent first."""

    types: tuple[KnownType, ...] = field(default=())

    @property
    def attributes(self) -> list[str]:
        """The attributes of all types, by name."""
        return sorted({name for known in self.types for name in known.attributes})

    def of_category(self, category: str | None) -> list[KnownType]:
        """The types of a category, in the order of their frequency."""
        return [known for known in self.types if known.category == category]

    @property
    def categories(self) -> dict[str | None, int]:
        """Events by category, the one with the most first."""
        counts: dict[str | None, int] = {}
        for known in self.types:
            counts[known.category] = counts.get(known.category, 0) + known.events
        return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


def named_types(store: StoreSession) -> Known:
    """The types alone, from the index: known at once."""
    counts = sorted(store.index.type_counts().items(), key=lambda entry: (-entry[1], entry[0]))
    return Known(tuple(KnownType(name, count) for name, count in counts))


def known_job(store: StoreSession, control: Control) -> Known:
    """The types with what some events of each show."""
    index = store.index
    types = list(index.types)
    codes = index.column("type")
    found: dict[str, tuple[str | None, dict[str, None]]] = {}
    reader = reader_of(store, control)
    try:
        for _, event in events_of_rows(reader, index, [np.sort(_some_of_each(codes, len(types)))]):
            control.check()
            if event is None or event.type is None:
                continue
            _, attributes = found.setdefault(event.type, (event.category, {}))
            if isinstance(event.data, dict):
                attributes.update(dict.fromkeys(event.data))
    finally:
        reader.close()
    counts = sorted(index.type_counts().items(), key=lambda entry: (-entry[1], entry[0]))
    empty: tuple[str | None, dict[str, None]] = (None, {})
    return Known(
        tuple(
            KnownType(name, count, found.get(name, empty)[0], tuple(found.get(name, empty)[1]))
            for name, count in counts
        )
    )


def _some_of_each(codes: NDArray[np.generic], types: int) -> NDArray[np.int64]:
    """Some rows of each type, spread from its first to its last."""
    picked: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for code in range(min(types, _TYPES)):
        rows = np.flatnonzero(codes == code)
        if len(rows):
            picked.append(rows[np.unique(np.linspace(0, len(rows) - 1, _EACH).astype(np.int64))])
    return np.unique(np.concatenate(picked))
