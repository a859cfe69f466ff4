"""A catalogue that was named on the command line, and the status of events by it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.checks.store import Waiting, count_statuses
from esviewer.cli import output
from esviewer.domain import Event
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import Index


def loaded(path: Path) -> Catalogue:
    """The catalogue of a file; what was passed over in it is told on standard error. Raises what ``load`` raises."""
    read = files.load(path)
    for warning in read.warnings:
        print(output.printable(f"{path}{warning}"), file=sys.stderr)
    return read.catalogue


def judged(events: Iterable[Event], catalogue: Catalogue, store_types: Callable[[], Iterable[str]]) -> Iterator[Event]:
    """The events with their statuses.

    ``store_types`` is asked for the types of the whole store, by which suffixes are told from names, at the first
    event whose type leaves that open: it must not read by what ``events`` are read by.
    """
    judge, is_settled = Judge(catalogue), False
    for event in events:
        if not is_settled and judge.needs_store_types(event.type):
            judge, is_settled = Judge(catalogue, store_types()), True
        yield replace(event, status=judge.status(event).value)


@dataclass(frozen=True, slots=True)
class Statuses:
    """Stores that were read against a catalogue: their indexes by name, and events by status in the order given."""

    indexes: dict[str, Index]
    counts: list[dict[str, int]]


def statuses(database: Database, stores: Iterable[Found], catalogue: Catalogue | None, waiting: Waiting) -> Statuses:
    """Reads each of these stores once, none without a catalogue; statuses that no event has are left out."""
    result = Statuses({}, [])
    for found in stores if catalogue is not None else ():
        assert catalogue is not None
        result.indexes[found.name], counts = count_statuses(database, found, catalogue, waiting=waiting)
        result.counts.append({status.value: count for status, count in sorted(counts.items())})
    return result
