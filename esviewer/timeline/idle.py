"""Idle time: stretches of the time axis without events, so long that they would eat the width."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FOLD: Final = 48.0
"""Pixels of a folded stretch, whatever its length; shorter ones are drawn at their true length."""
_ABOVE_SHORT: Final = 16
"""How many times the lower quartile of all waits a wait must take to be called idle."""
_ABOVE_USUAL: Final = 5
"""And how many times the mean of all waits but the longest tenth."""
_SHARE: Final = 10
"""At most one wait in so many is idle, or two of a few: what is not rare is how the stream goes."""
_MOST: Final = 10_000
"""Idle stretches kept, the longest: a frame's work is bounded by it."""
_SAMPLE: Final = 100_000
_UNITS: Final = (
    (31_556_952_000_000, "years"),
    (2_629_746_000_000, "months"),
    (86_400_000_000, "days"),
    (3_600_000_000, "hours"),
    (60_000_000, "min"),
    (1_000_000, "s"),
    (1_000, "ms"),
    (1, "µs"),
)


@dataclass(frozen=True, slots=True, eq=False)
class IdleTime:
    """Stretches from ``starts[k]`` (an event) to ``ends[k]`` (the next event), ascending, none within another."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Units between the ends of each."""
        return self.ends - self.starts

    def chosen(self, which: NDArray[np.bool_]) -> IdleTime:
        """Those for which ``which`` is true."""
        return IdleTime(self.starts[which], self.ends[which])

    def without(self, starts: Container[int]) -> IdleTime:
        """All but those that begin at one of ``starts``."""
        return self.chosen(np.fromiter((start not in starts for start in self.starts.tolist()), np.bool_, len(self)))


def no_idle_time() -> IdleTime:
    """Nothing to fold."""
    return IdleTime(np.empty(0, np.int64), np.empty(0, np.int64))


def idle_time(ascending: NDArray[np.int64]) -> IdleTime:
    """The waits between neighbouring values that are far longer than the others, and few.

    Compared with the short ones and with the usual ones, so that silence between bursts is told from the pace
    of a stream; among events at a steady rate nothing is idle. At most the longest 10 000.
    """
    waits = np.diff(ascending)
    sample = waits[:: max(len(waits) // _SAMPLE, 1)]
    sample = sample[sample > 0]
    # The longest tenth, and one at least, is what is to be judged.
    usual = len(sample) - max(1, len(sample) // 10)
    if usual < 1:
        return no_idle_time()
    sample.partition(sorted({(usual - 1) // 4, usual - 1}))
    least = max(_ABOVE_SHORT * float(sample[(usual - 1) // 4]), _ABOVE_USUAL * float(sample[:usual].mean()))
    places = np.flatnonzero(waits > least)
    most = min(_MOST, max(2, int(np.count_nonzero(waits)) // _SHARE))
    if len(places) > most:
        longest = np.argpartition(waits[places], len(places) - most)[-most:]
        places = np.sort(places[longest])
    return IdleTime(ascending[places], ascending[places + 1])


def in_words(length: int) -> str:
    """A number of µs in its largest unit that gives at least two: ``41 days``, ``90 min``, ``18 months``."""
    size, unit = next(((size, unit) for size, unit in _UNITS if length >= 2 * size), _UNITS[-1])
    return f"{length // size if size == 1 else round(length / size)} {unit}"
