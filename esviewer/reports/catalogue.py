"""The catalogue of a store, and how far its upcasters reach: per type and version what today's code makes of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from esviewer.catalogue import files
from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.coverage import Cover, Coverage
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue, EventType, Version, version_text
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Value, iso
from esviewer.reports.document import Cell, Column, Document, Fact, Section, Table, ranges
from esviewer.reports.grounds import HASHES, Grounds, Waiting
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import Index
from esviewer.stores.sheet import Sheet

_TOGETHER: Final = 500
_PARTS: Final = 40
_UNREADABLE: Final = (
    Status.UNKNOWN_TYPE,
    Status.UNDECODABLE,
    Status.FROM_FUTURE,
    Status.BLOCKED,
    Status.UPCAST_FAILED,
    Status.SHAPE_MISMATCH,
)


@dataclass(frozen=True, slots=True)
class Covered:
    """A store that was read against a catalogue; ``is_inferred``: against what it holds itself."""

    catalogue: Catalogue
    is_inferred: bool
    coverage: Coverage
    index: Index


def cover(
    database: Database,
    found: Found,
    catalogue: Catalogue | None,
    *,
    runner: FunctionRunner | None = None,
    waiting: Waiting | None = None,
) -> Covered:
    """Reads every event of a store, twice where no catalogue is given: then it is inferred from the store first."""
    reader = database.reader(found, waiting=waiting)
    try:
        known = infer(reader.events()) if catalogue is None else catalogue

        def read(judge: Judge) -> tuple[Index, Coverage]:
            index, coverage = Index(), Coverage()
            events = reader.events()
            while some := list(islice(events, _TOGETHER)):
                index.extend(Sheet.of(some, reader.dialect))
                for event, assessment in zip(some, judge.assess_all(some), strict=True):
                    coverage.see(event, assessment)
            index.complete = True
            return index, coverage

        judge = Judge(known, runner=runner)
        index, coverage = read(judge)
        if not judge.tells_apart(index.types):
            index, coverage = read(Judge(known, tuple(index.types), runner))
    finally:
        reader.close()
    return Covered(known, catalogue is None, coverage, index)


def catalogue_report(covered: Covered, grounds: Grounds) -> Document:
    """What is known of each event type, and what becomes of its events."""
    coverage = covered.coverage
    rows = sorted(coverage.covers.items(), key=lambda pair: (pair[0][0], _version(pair[0][1])))
    covers = [_cover_object(name, version, cover) for (name, version), cover in rows]
    content: dict[str, Value] = {
        "catalogue": files.json_object(covered.catalogue),
        "inferred": covered.is_inferred,
        "statuses": _statuses(coverage.statuses),
        "coverage": list(covers),
    }
    figures = grounds.figures("catalogue", content, {})
    unreadable = sum(coverage.statuses[status] for status in _UNREADABLE)
    events = coverage.statuses.total()
    name = grounds.found.name
    return Document(
        f"Catalogue of {name}",
        f"Of {events:,} events {unreadable:,} cannot be read by today's code, {coverage.statuses[Status.UPCAST]:,} by "
        f"upcasting.",
        (*_main_facts(covered, unreadable), *grounds.facts(figures)),
        tuple(_sections(covered, covers)),
        figures,
        Table("coverage", tuple(Column(name) for name in _NAMES), tuple(map(_record, covers))),
    )


def _version(version: Version | NoFit) -> str:
    return "fits none" if isinstance(version, NoFit) else version_text(version)


def _statuses(counts: Mapping[Status, int]) -> dict[str, int]:
    return {status.value: counts[status] for status in Status if counts[status]}


_NAMES: Final = (
    "type",
    "version",
    "events",
    "streams",
    "current",
    "upcastable",
    "blocked",
    "failed",
    "first_position",
    "last_position",
    "last_recorded_at",
    "statuses",
    "late",
)


def _cover_object(name: str, version: Version | NoFit, cover: Cover) -> dict[str, Value]:
    return {
        "type": name,
        "version": _version(version),
        "events": cover.count,
        "streams": len(cover.streams),
        "current": cover.current,
        "upcastable": cover.upcastable,
        "blocked": cover.blocked,
        "failed": cover.failed,
        "first_position": cover.first_position,
        "last_position": cover.last_position,
        "last_recorded_at": iso(cover.last_recorded_at),
        "statuses": _statuses(cover.statuses),
        "late": list(cover.late),
    }


def _main_facts(covered: Covered, unreadable: int) -> Iterator[Fact]:
    statuses = covered.coverage.statuses
    yield Fact("Known types", len(covered.catalogue.types), "number", is_main=True)
    yield Fact("Events", statuses.total(), "number", is_main=True)
    yield Fact("Current", statuses[Status.CURRENT], "number", is_main=True)
    yield Fact("To upcast", statuses[Status.UPCAST], "number", is_main=True)
    yield Fact("Unreadable", unreadable, "number", is_main=True)


def _sections(covered: Covered, covers: list[dict[str, Value]]) -> Iterator[Section]:
    counts = tuple(_statuses(covered.coverage.statuses).items())
    table = Table("Events by status", (Column("status"), Column("events", "number")), counts)
    said = "What today's code makes of each event, by the catalogue."
    if covered.is_inferred:
        said = "No catalogue was given: this one is inferred from the store, against which nothing can be unknown."
    yield Section("Statuses", (said,), (table,) if counts else ())
    yield Section("Coverage", ("By type, as the catalogue calls it, and version.",), (_coverage(covers),))
    late = [one for one in covers if one["late"]]
    if late:
        yield _mixed(late)
    yield _types(covered.catalogue)
    yield Section("What the hashes cover", HASHES)


def _coverage(covers: list[dict[str, Value]]) -> Table:
    numbers = tuple(Column(name, "number") for name in ("events", "streams", "current", "upcastable", "blocked"))
    columns = (Column("type", "name"), Column("version"), *numbers, Column("failed", "number"))
    places = (Column("first position", "positions"), Column("last position", "positions"), Column("last recorded at"))
    names = _NAMES[:11]
    rows = tuple((*(_cell(one, name) for name in names), _others(one)) for one in covers)
    return Table("Coverage by type and version", (*columns, *places, Column("statuses", "sentences")), rows)


def _others(told: Mapping[str, Value]) -> tuple[str, ...]:
    statuses = told["statuses"]
    assert isinstance(statuses, dict)
    return tuple(f"{count:,} {status}" for status, count in statuses.items())


def _cell(told: Mapping[str, Value], name: str) -> Cell:
    value = told[name]
    if isinstance(value, int) and not name.endswith("position"):
        return value
    return None if value is None else str(value)


def _mixed(late: list[dict[str, Value]]) -> Section:
    """Versions that were written after a later one was: an old deployment still writes."""
    rows = []
    for one in late:
        positions = one["late"]
        assert isinstance(positions, list)
        rows.append((str(one["type"]), str(one["version"]), len(positions), ranges(positions, _PARTS)))
    columns = (Column("type", "name"), Column("version"), Column("events", "number"), Column("positions", "positions"))
    said = "Events that were written after the next version of their type was: an old deployment still writes."
    return Section("Mixed writers", (said,), (Table("Events of a version after a later one", columns, tuple(rows)),))


def _types(catalogue: Catalogue) -> Section:
    columns = (
        Column("type", "name"),
        Column("current"),
        Column("versions"),
        Column("upcasters"),
        Column("attributes", "name"),
        Column("aliases", "name"),
    )
    rows = tuple(map(_type_row, catalogue.types.values()))
    tables = [Table("Event types of the catalogue", columns, rows)] if rows else []
    if catalogue.ignored:
        ignored = tuple((one.type, one.reason, one.by, one.date) for one in catalogue.ignored.values())
        heads = (Column("type", "name"), Column("reason"), Column("by"), Column("date"))
        tables.append(Table("Types that are passed over on purpose", heads, ignored))
    return Section("Event types", () if tables else ("The catalogue knows no event type.",), tuple(tables))


def _type_row(known: EventType) -> tuple[Cell, ...]:
    shape = known.current_shape
    return (
        known.name,
        version_text(known.current_version) if known.watched else None,
        ", ".join(map(version_text, known.versions)) or None,
        ", ".join(map(str, known.upcasters)) or None,
        None if shape is None else ", ".join(shape.attributes),
        ", ".join(known.aliases) or None,
    )


def _record(told: Mapping[str, Value]) -> tuple[Cell, ...]:
    return tuple(_record_cell(told[name]) for name in _NAMES)


def _record_cell(value: Value) -> Cell:
    if isinstance(value, dict):
        return " ".join(f"{name}={count}" for name, count in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value if value is None or isinstance(value, int) else str(value)
