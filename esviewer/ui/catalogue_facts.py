"""What becomes known of a store by its catalogue and its rules: plain data that jobs make and views show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from esviewer.catalogue.drift_report import TypeDrift
from esviewer.catalogue.model import Catalogue, Version
from esviewer.catalogue.status import Status
from esviewer.catalogue.validation import Problem
from esviewer.catalogue.versions import NoFit
from esviewer.domain.finding import Finding

LISTED: Final = 1_000
"""Events of a finding that are listed; all are counted."""

Cell = tuple[str, Version | NoFit]
"""A type (the catalogue's, else as stored) and a version of it."""


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a pass over all events is, of how many, after so many seconds."""

    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CellFact:
    """The events of one type and version. ``first`` and ``last`` are rows of the index.

    ``statuses`` are counts by status, those without events left out.
    """

    type: str
    version: Version | NoFit
    count: int
    statuses: Mapping[Status, int]
    streams: int
    first: int
    last: int
    names: tuple[str, ...]
    """The stored names of these events, most frequent first."""


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """Where flagged events stand on an axis, ascending: those at which a replay stops, and those to be upcast."""

    stopping: NDArray[np.int64]
    upcast: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a catalogue makes of the first rows of an index: a status code and a cell for each.

    ``counts`` are by status. ``facts`` and ``ticks`` are worked out when all rows have been judged.
    """

    codes: NDArray[np.uint8]
    cells: NDArray[np.int32]
    names: tuple[Cell, ...]
    counts: Mapping[Status, int]
    facts: tuple[CellFact, ...] = ()
    ticks: Mapping[str, Ticks] = field(default_factory=dict)
    seconds: float = 0.0


NOTHING_JUDGED: Final = Judged(np.empty(0, np.uint8), np.empty(0, np.int32), (), {})


@dataclass(frozen=True, slots=True, eq=False)
class Checked:
    """What the rules found of so many events, and by which catalogue. ``rows`` are the listed events, by finding."""

    findings: tuple[Finding, ...]
    rows: tuple[NDArray[np.int64], ...]
    drift: tuple[TypeDrift, ...]
    problems: tuple[Problem, ...]
    catalogue: Catalogue | None
    events: int
    seconds: float
