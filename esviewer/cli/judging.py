"""A catalogue that was named on the command line, and the status of events by it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.cli import output
from esviewer.domain import Event
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found


def loaded(path: Path) -> Catalogue:
    """The catalogue of a file; what was passed over in it is told on standard error. Raises what ``load`` raises."""
    read = files.load(path)
    for warning in read.warnings:
        print(output.printable(f"{path}{warning}"), file=sys.stderr)
    return read.catalogue


def judged(events: Iterable[Event], catalogue: Catalogue) -> Iterator[Event]:
    """The events with their statuses."""
    judge = Judge(catalogue)
    for event in events:
        yield replace(event, status=judge.status(event).value)


def statuses(database: Database, stores: Iterable[Found], catalogue: Catalogue) -> list[dict[str, int]]:
    """Events by status, for each of these stores; statuses that no event has are left out."""
    return [_statuses(database, found, catalogue) for found in stores]


def _statuses(database: Database, found: Found, catalogue: Catalogue) -> dict[str, int]:
    judge = Judge(catalogue)
    reader = database.reader(found)
    try:
        counts = Counter(judge.status(event).value for event in reader.events())
    finally:
        reader.close()
    return dict(sorted(counts.items()))
