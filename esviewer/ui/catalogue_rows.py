"""What the catalogue's table shows, in plain data: a row for each event type, a cell for each version."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.model import Catalogue, EventType, Ignored, Version, version_text
from esviewer.catalogue.status import Status
from esviewer.catalogue.validation import Code
from esviewer.catalogue.versions import NoFit
from esviewer.ui.catalogue_facts import CellFact
from esviewer.ui.statuses import LOOKS

NO_FIT: Final = "no fit"
"""How the version of events that fit no declared shape is written."""

_UNSEEN: Final = frozenset({Status.UNKNOWN_TYPE, Status.IGNORED})

CODE_WORDS: Final[dict[Code, str]] = {
    "U-DUP": "Two upcasters give different results",
    "U-GAP": "A stored version has no upcaster",
    "U-END": "The chain stops before the current version",
    "U-CYCLE": "Upcasters lead round in a circle",
    "U-BACK": "An upcaster leads backwards",
    "U-RAISES": "An upcaster fails on stored events",
    "U-INVALID": "The result does not fit its shape",
    "U-LOSSY": "Information is lost",
    "U-NONDET": "Two runs give different results",
    "U-IDENT": "It wants to change what identifies the event",
    "U-IDEMP": "It changes current events, too",
    "U-LOOKUP": "It reads something outside the event",
    "U-UNUSED": "No stored event needs it",
}


@dataclass(frozen=True, slots=True)
class TypeCell:
    """One version of a type; ``fact`` is ``None`` where no event of it is stored."""

    version: Version | NoFit
    fact: CellFact | None
    is_declared: bool
    is_current: bool

    @property
    def worst(self) -> Status | None:
        """The worst status of its events."""
        return None if self.fact is None else worst_of(self.fact.statuses)


@dataclass(frozen=True, slots=True)
class TypeRow:
    """One event type: of the catalogue, else as it is stored. ``first`` and ``last`` are rows of the index."""

    name: str
    known: EventType | None
    ignored: Ignored | None
    cells: Mapping[str, TypeCell]
    """By version as it is written, oldest first."""
    statuses: Mapping[Status, int]
    count: int
    streams: int
    first: int | None
    last: int | None
    stored: tuple[str, ...]
    """The names under which its events are stored, most frequent first."""

    @property
    def worst(self) -> Status | None:
        """The worst status of its events, ``None`` where none is stored."""
        return worst_of(self.statuses)


def worst_of(statuses: Mapping[Status, int]) -> Status | None:
    """The worst of the statuses that were counted."""
    return next((status for status in LOOKS if statuses.get(status)), None)


def column_of(version: Version | NoFit) -> str:
    """The column of a version, which is also its title."""
    return NO_FIT if isinstance(version, NoFit) else version_text(version)


def rows_of(catalogue: Catalogue | None, facts: Sequence[CellFact]) -> list[TypeRow]:
    """All types that are stored or known, those with the worst statuses first, then by number of events."""
    by_name: dict[str, list[CellFact]] = {}
    for fact in facts:
        by_name.setdefault(fact.type, []).append(fact)
    types = catalogue.types if catalogue is not None else {}
    ignored = catalogue.ignored if catalogue is not None else {}
    names = dict.fromkeys((*by_name, *types, *ignored))
    rows = [_row(name, types.get(name), ignored.get(name), by_name.get(name, [])) for name in names]
    order = {status: place for place, status in enumerate(LOOKS)}
    return sorted(rows, key=lambda row: (order[row.worst] if row.worst else len(order), -row.count))


def _row(name: str, known: EventType | None, ignored: Ignored | None, facts: list[CellFact]) -> TypeRow:
    declared = known.known_versions if known is not None else frozenset()
    # Of what is unknown or ignored nobody has looked at the versions.
    stored = {fact.version: fact for fact in facts if not fact.statuses.keys() <= _UNSEEN}
    plain = {version for version in stored if not isinstance(version, NoFit)} | declared
    order: list[Version | NoFit] = [*in_order(known or EventType(name), plain)]
    order += [version for version in stored if isinstance(version, NoFit)]
    cells = {
        column_of(version): TypeCell(
            version,
            stored.get(version),
            version in declared,
            known is not None and known.watched and version == known.current_version,
        )
        for version in order
    }
    statuses: Counter[Status] = Counter()
    for fact in facts:
        statuses.update(fact.statuses)
    called: Counter[str] = Counter()
    for fact in facts:
        called.update(fact.names)
    return TypeRow(
        name,
        known,
        ignored,
        cells,
        statuses,
        sum(fact.count for fact in facts),
        sum(fact.streams for fact in facts),
        min((fact.first for fact in facts), default=None),
        max((fact.last for fact in facts), default=None),
        tuple(called),
    )


def columns_of(rows: Iterable[TypeRow]) -> list[str]:
    """The columns of versions that some row has: none, whole numbers ascending, texts, what fits nothing."""
    titles = {title: cell.version for row in rows for title, cell in row.cells.items()}

    def rank(title: str) -> tuple[int, int, str]:
        version = titles[title]
        if isinstance(version, NoFit):
            return 3, 0, title
        if version is None:
            return 0, 0, title
        return (1, version, "") if isinstance(version, int) else (2, 0, version)

    return sorted(titles, key=rank)


SORTS: Final[dict[str, Callable[[TypeRow], tuple[bool, float | str]]]] = {
    "Type": lambda row: (False, row.name.casefold()),
    "Events": lambda row: (False, row.count),
    "First": lambda row: (row.first is None, row.first or 0),
    "Last": lambda row: (row.last is None, row.last or 0),
}
"""What rows can be sorted by, beside their statuses."""
