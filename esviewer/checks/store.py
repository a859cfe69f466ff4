"""Checks a whole store in one pass over its events: rules of the catalogue and rules of the store together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Status
from esviewer.checks.facts import StoreFacts
from esviewer.checks.registry import STORE_FAMILIES
from esviewer.checks.run import Checking, counted_by_rule, ranked, select
from esviewer.checks.snapshots import Snapshots
from esviewer.domain.finding import Finding
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.reader import Reader
from esviewer.stores.sheet import Sheet

Waiting = Callable[[str, float], None]
_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a store. ``head`` is its last position; ``counts`` has every rule that was looked at; ``index``
    is that of the events that were read, complete.

    ``statuses`` counts events by status; it is empty where no rule needed them.
    """

    store: str
    head: int | str | None
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    statuses: Counter[Status]
    index: Index


def check_store(
    database: Database,
    found: Found,
    catalogue: Catalogue,
    rules: Iterable[str] | None = None,
    *,
    runner: FunctionRunner | None = None,
    waiting: Waiting | None = None,
) -> Checked:
    """Checks one store by the rules of these names, all if ``None``; raises :class:`UsageError` for unknown rules."""
    chosen = select(rules)
    checking = Checking(catalogue, chosen, runner=runner)
    is_unsettled = database.has_open_writers()
    reader = database.reader(found, waiting=waiting)
    try:
        if checking.families:
            index, checking = _judged(reader, checking, runner)
        else:
            index = build(reader, Index())
        made = store_findings(database, reader, index, chosen, is_unsettled=is_unsettled)
    finally:
        reader.close()
    findings = ranked([*checking.findings(), *made])
    return Checked(
        found.name,
        index.position_range()[1],
        tuple(findings),
        counted_by_rule(chosen, findings),
        checking.statuses,
        index,
    )


def count_statuses(
    database: Database,
    found: Found,
    catalogue: Catalogue,
    *,
    runner: FunctionRunner | None = None,
    waiting: Waiting | None = None,
) -> tuple[Index, Counter[Status]]:
    """The index of a store and its events by status, from one reading."""
    reader = database.reader(found, waiting=waiting)
    try:
        index, checking = _judged(reader, Checking(catalogue, (), runner=runner), runner)
    finally:
        reader.close()
    return index, checking.statuses


def store_findings(
    database: Database, reader: Reader, index: Index, rules: Collection[str], *, is_unsettled: bool = False
) -> list[Finding]:
    """What those of these rules find that look at a store as a whole, unordered; ``index`` is its complete index.

    ``is_unsettled``: transactions were open before the index was brought to its head.
    """
    found = reader.found
    families = [family() for family in STORE_FAMILIES if any(rule.name in rules for rule in family.rules)]
    needs_snapshots = any(rule.name in rules for rule in Snapshots.rules)
    facts = StoreFacts(
        index,
        one_sequence=_is_one_sequence(found, index),
        implicit_rowid=found.dialect.numbers_rows_itself(found),
        skips=database.skips(found),
        is_unsettled=is_unsettled or database.has_open_writers(),
        snapshots=reader.snapshots() if needs_snapshots else [],
        consumers=[follow for follow in database.follows()[found.name] or () if follow.followed == found.name],
    )
    return [one for family in families for one in family.findings(facts) if one.rule in rules]


def _judged(reader: Reader, checking: Checking, runner: FunctionRunner | None = None) -> tuple[Index, Checking]:
    """Reads every event once; again where only the names of the store's types tell which suffixes are versions."""
    index = _read(reader, checking)
    if not checking.judge.tells_apart(index.types):
        again = Checking(checking.judge.catalogue, checking.rules, store_types=tuple(index.types), runner=runner)
        return _read(reader, again), again
    return index, checking


def _read(reader: Reader, checking: Checking) -> Index:
    """Reads every event once, for the rules and for the index."""
    index = Index()
    events = reader.events()
    while some := list(islice(events, _BLOCK)):
        index.extend(Sheet.of(some, reader.dialect))
        for event, assessment in zip(some, checking.judge.assess_all(some), strict=True):
            checking.see(event, assessment)
    index.complete = True
    return index


def _is_one_sequence(found: Found, index: Index) -> bool:
    """Whether positions are numbers of one sequence: not where tenants count for themselves, or there is no number."""
    if found.dialect.position(found) is None:
        return False
    if len(set(index.stream_tenant)) <= 1:
        return True
    positions = index.column("position")
    return len(np.unique(positions)) == len(positions)
