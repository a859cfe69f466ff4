"""What a timeline draws: the events of one stream as columns, in the order of the stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

NO_TIME: Final = int(np.iinfo(np.int64).min)
"""Stands in ``Marks.times`` for an event without a time."""

UNDECODABLE: Final = 1
"""Bit of ``Marks.flags``: the payload cannot be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Events 0 … n-1 of a stream, one entry of each column per event.

    ``types`` are ordinals into ``type_names``, which is ordered by frequency in the *store*, so that an
    ordinal is also a colour; ``times`` are µs since the epoch or ``NO_TIME``; ``snapshots`` are ascending
    indexes of the events after which a snapshot was stored; ``positions`` are ready texts, or empty where
    the store has none. Raises ``ValueError`` if the columns differ in length, an ordinal has no name or a
    snapshot no event.
    """

    versions: Sequence[int | None]
    times: NDArray[np.int64]
    types: NDArray[np.int16] | NDArray[np.int32]
    type_names: tuple[str, ...]
    flags: NDArray[np.uint8]
    snapshots: Sequence[int] = ()
    positions: Sequence[str] = ()
    first_version: int | None = field(init=False)
    """The version of event 0 where versions rise by one from event to event, else ``None``."""

    def __post_init__(self) -> None:
        count = len(self.versions)
        columns = [len(self.times), len(self.types), len(self.flags)]
        if self.positions:
            columns.append(len(self.positions))
        if any(length != count for length in columns):
            raise ValueError(f"The columns of a timeline differ in length: {count} versions, {columns}.")
        if count and not 0 <= int(self.types.min()) <= int(self.types.max()) < len(self.type_names):
            raise ValueError("An event's type ordinal has no name.")
        if self.snapshots and not 0 <= min(self.snapshots) <= max(self.snapshots) < count:
            raise ValueError("A snapshot follows an event that is not there.")
        object.__setattr__(self, "first_version", _consecutive_from(self.versions))

    def __len__(self) -> int:
        return len(self.versions)

    def type_name(self, index: int) -> str:
        """The full type name of event ``index``."""
        return self.type_names[int(self.types[index])]

    def time(self, index: int) -> int | None:
        """µs since the epoch of event ``index``, ``None`` where it has no time."""
        time = int(self.times[index])
        return None if time == NO_TIME else time

    def is_undecodable(self, index: int) -> bool:
        """Whether the payload of event ``index`` cannot be read."""
        return bool(self.flags[index] & UNDECODABLE)


def no_marks() -> Marks:
    """A stream without events."""
    return Marks([], np.empty(0, np.int64), np.empty(0, np.int16), (), np.empty(0, np.uint8))


def short_name(type_name: str) -> str:
    """What follows the last ``.`` or ``:`` of a type name (``Loan.Extended`` gives ``Extended``), else
    the whole.

    A name that ends in such a character, or is empty, stays whole.
    """
    tail = type_name.replace(":", ".").rpartition(".")[2].strip()
    return tail or type_name


def _consecutive_from(versions: Sequence[int | None]) -> int | None:
    first = versions[0] if versions else None
    if first is None:
        return None
    if isinstance(versions, range):
        return first if versions.step == 1 or len(versions) == 1 else None
    return first if all(version == first + index for index, version in enumerate(versions)) else None
