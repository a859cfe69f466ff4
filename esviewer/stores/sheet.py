"""Some events as columns: what the index takes in, whichever way the rows came."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, Key
from esviewer.stores.dialects.base import Dialect, PlainRows

NONE: Final = np.iinfo(np.int64).min
"""Stands for "the store has none" in the columns ``position``, ``version`` and ``time``."""

UNDECODABLE, DELETED, ARCHIVED = 1, 2, 4

RELATIONS: Final = ("own", "cause", "correlation", "transaction")
"""Columns of hashed names by which events are tied to others."""

_UNRELATED = [None, None, None, None]


class Opened(NamedTuple):
    """A stream: what tells it from others, its name, its category and its tenant."""

    identity: Hashable
    name: str
    category: str | None
    tenant: str | None

    @classmethod
    def by(cls, event: Event, names: tuple[str, ...]) -> Opened | None:
        """The stream of an event; ``None`` where it has none."""
        if event.stream is None:
            return None
        return cls(identities_of([event], names)[0], event.stream, event.category, event.tenant)


@dataclass(slots=True, eq=False)
class Sheet:
    """Columns of one cell an event, in store order.

    ``keys`` is ``None`` where each key is the position alone, ``texts`` where no position is text. ``identities`` tell
    streams apart: names, as stored where ``spelled`` gives their spelling, or tuples of several fields. ``relations``
    holds hashed names, and nothing where no event is tied to another. ``opened`` tells about the stream of a cell, as
    it is to be known from then on.
    """

    positions: NDArray[np.int64]
    identities: Sequence[Hashable]
    versions: NDArray[np.int64]
    types: Sequence[str | None]
    times: NDArray[np.int64]
    raws: Sequence[bytes | None]
    opened: Callable[[int], Opened | None]
    flags: NDArray[np.uint8] | None = None
    keys: list[Key] | None = None
    texts: list[str | None] | None = None
    relations: dict[str, NDArray[np.uint32]] = field(default_factory=dict)
    spelled: Callable[[Any], Hashable] | None = None

    def __len__(self) -> int:
        return len(self.positions)

    def beginning_at(self, start: int) -> Sheet:
        """The cells from ``start`` on."""
        return self._part(start, len(self)) if start else self

    def ending_at(self, end: int) -> Sheet:
        """The first ``end`` cells, all if there are no more."""
        return self._part(0, end) if end < len(self) else self

    def _part(self, start: int, end: int) -> Sheet:
        opened = self.opened
        return Sheet(
            self.positions[start:end],
            self.identities[start:end],
            self.versions[start:end],
            self.types[start:end],
            self.times[start:end],
            self.raws[start:end],
            lambda number: opened(start + number),
            None if self.flags is None else self.flags[start:end],
            None if self.keys is None else self.keys[start:end],
            None if self.texts is None else self.texts[start:end],
            {name: column[start:end] for name, column in self.relations.items()},
            self.spelled,
        )

    @classmethod
    def plain(cls, rows: PlainRows, event: Callable[[int], Event], names: tuple[str, ...]) -> Sheet:
        """The cells of rows that the dialect vouched for; ``event`` reads one of them the long way."""

        identities, tenants = rows.streams, rows.tenants
        spelled: Callable[[Any], Hashable] = rows.spelled
        if tenants is not None:
            identities = list(zip(tenants, rows.streams, strict=True))
            spelled = partial(_spelled_pair, rows.spelled)

        def opened(number: int) -> Opened | None:
            if rows.versions[number] in (0, 1):
                name, tenant = rows.spelled(rows.streams[number]), None if tenants is None else tenants[number]
                return Opened(name if tenant is None else (tenant, name), name, rows.category(number), tenant)
            # Not its first event: the reader looks up what that says of the stream.
            return Opened.by(event(number), names)

        return cls(
            rows.positions, identities, rows.versions, rows.types, rows.times, rows.raws, opened, spelled=spelled
        )

    @classmethod
    def of(cls, events: list[Event], dialect: Dialect) -> Sheet:
        """The cells of events."""
        keys, positions = [e.key for e in events], [e.position for e in events]
        is_plain = all(e.undecodable is None and not e.deleted and not e.archived for e in events)
        has_text = any(isinstance(position, str) for position in positions)
        return cls(
            np.array([p if isinstance(p, int) else NONE for p in positions], np.int64),
            identities_of(events, dialect.identity),
            np.array([NONE if e.version is None else e.version for e in events], np.int64),
            [e.type for e in events],
            np.array([NONE if e.recorded_at is None else e.recorded_at for e in events], np.int64),
            [e.raw for e in events],
            lambda number: Opened.by(events[number], dialect.identity),
            None if is_plain else np.array([_flags(e) for e in events], np.uint8),
            None if not has_text and keys == [(position,) for position in positions] else keys,
            [p if isinstance(p, str) else None for p in positions] if has_text else None,
            _relations(events, dialect),
        )


def _spelled_pair(spelled: Callable[[Any], str], pair: tuple[str, Any]) -> tuple[str, str]:
    """Tenant and stream with the stream as the contract writes it."""
    tenant, stream = pair
    return tenant, spelled(stream)


def identities_of(events: list[Event], names: tuple[str, ...]) -> list[Any]:
    """What tells each event's stream from others: its name, or a tuple where several fields together do."""
    if names == ("stream",):
        return [event.stream for event in events]
    return [tuple([getattr(event, name) for name in names]) for event in events]


def name_hash(name: str | None) -> int:
    """32 bits of a name; 0 stands for no name."""
    return 0 if name is None else zlib.crc32(name.encode("utf-8", "surrogatepass")) or 1


def _relations(events: list[Event], dialect: Dialect) -> dict[str, NDArray[np.uint32]]:
    recorded = ([e.event_id, e.causation_id, e.correlation_id, e.transaction] for e in events)
    if type(dialect).related is Dialect.related and all(names == _UNRELATED for names in recorded):
        # Some frameworks record nothing of the kind.
        return {}
    related = [dialect.related(event) for event in events]
    return {name: np.array([name_hash(getattr(r, name)) for r in related], np.uint32) for name in RELATIONS}


def _flags(event: Event) -> int:
    flags = UNDECODABLE if event.undecodable is not None else 0
    if event.deleted:
        flags |= DELETED
    if event.archived:
        flags |= ARCHIVED
    return flags
