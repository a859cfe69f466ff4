"""A catalogue that was named on the command line, and the status of events by it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.checks.store import Waiting, count_statuses
from esviewer.cli import output
from esviewer.domain import Event, UsageError
from esviewer.projections.classes import check_sources
from esviewer.projections.upcast_functions import UpcastFunctions, code_edges
from esviewer.stores.codecs import Codecs
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import Index

_TOGETHER = 500
"""Events that are judged together where functions of the user run."""


def loaded(path: Path) -> Catalogue:
    """The catalogue of a file; what was passed over in it is told on standard error. Raises what ``load`` raises."""
    read = files.load(path)
    for warning in read.warnings:
        print(output.printable(f"{path}{warning}"), file=sys.stderr)
    return read.catalogue


@dataclass(frozen=True, slots=True)
class Known:
    """A catalogue by which events are judged; ``code`` is the folder of its Python upcasters, if they may run."""

    catalogue: Catalogue
    code: Path | None = None


def known_by(file: Path | None, sources: Path | None, trust: bool) -> Known | None:
    """The catalogue of a file, ``None`` without one; raises what ``load`` raises, and :class:`UsageError`.

    Its Python upcasters run only with ``trust``: from ``sources``, or from the folder of the file. Where they do not,
    though nothing else stands in for them, it is said on standard error.
    """
    if file is None:
        if sources is not None or trust:
            raise UsageError(
                "--sources and --trust are for the Python upcasters of a catalogue: give --catalogue FILE."
            )
        return None
    catalogue = loaded(file)
    folder = file.resolve().parent if sources is None else check_sources(sources)
    if trust:
        return Known(catalogue, folder if code_edges(catalogue) else None)
    count = len(code_edges(catalogue, only_code=True))
    if count:
        were, them = ("1 Python upcaster was", "it") if count == 1 else (f"{count:,} Python upcasters were", "them")
        print(f"{were} not run: look at the code, and add --sources DIR --trust to let {them} run.", file=sys.stderr)
    return Known(catalogue)


@contextmanager
def running(found: Found, codecs: Codecs, known: Known | None) -> Iterator[UpcastFunctions | None]:
    """What runs a catalogue's Python upcasters for a store, if they may; what they print goes to standard error."""
    if known is None or known.code is None:
        yield None
        return
    with UpcastFunctions.of_store(found, codecs, known.code) as runner:
        try:
            yield runner
        finally:
            # Afterwards all that was printed has come.
            runner.close()
            for line in runner.output.splitlines():
                print(output.printable(line), file=sys.stderr)


def judged(
    events: Iterable[Event],
    catalogue: Catalogue,
    store_types: Callable[[], Iterable[str]],
    runner: UpcastFunctions | None = None,
) -> Iterator[Event]:
    """The events with their statuses.

    ``store_types`` is asked for the types of the whole store, by which suffixes are told from names, at the first
    event whose type leaves that open: it must not read by what ``events`` are read by.
    """
    judge, is_settled = Judge(catalogue, runner=runner), False
    source = iter(events)
    # Without code to run an event is given as soon as it is read.
    while some := list(islice(source, 1 if runner is None else _TOGETHER)):
        if not is_settled and any(judge.needs_store_types(event.type) for event in some):
            judge, is_settled = Judge(catalogue, store_types(), runner), True
        for event, found in zip(some, judge.assess_all(some), strict=True):
            yield replace(event, status=found.status.value)


@dataclass(frozen=True, slots=True)
class Statuses:
    """Stores that were read against a catalogue: their indexes by name, and events by status in the order given."""

    indexes: dict[str, Index]
    counts: list[dict[str, int]]


def statuses(database: Database, stores: Iterable[Found], known: Known | None, waiting: Waiting) -> Statuses:
    """Reads each of these stores once, none without a catalogue; statuses that no event has are left out."""
    result = Statuses({}, [])
    for found in stores if known is not None else ():
        assert known is not None
        with running(found, database.codecs, known) as runner:
            result.indexes[found.name], counts = count_statuses(
                database, found, known.catalogue, runner=runner, waiting=waiting
            )
        result.counts.append({status.value: count for status, count in sorted(counts.items())})
    return result
