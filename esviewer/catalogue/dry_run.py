"""Tries an upcaster that is not in the catalogue yet on every stored event that it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.model import Catalogue, Upcaster
from esviewer.catalogue.preview import Sample
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.validation import Problem, Validation
from esviewer.domain import Event


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a candidate did. ``failures`` are positions with reasons, in store order; ``problems`` those of its type.

    ``before`` and ``after`` count the events of the type by status, without and with the candidate.
    """

    tried: int
    failures: tuple[tuple[int | str | None, str], ...]
    problems: tuple[Problem, ...]
    before: Counter[Status]
    after: Counter[Status]
    sample: Sample


def with_upcaster(catalogue: Catalogue, type_name: str, edge: Upcaster) -> Catalogue:
    """The catalogue with an upcaster more; it takes the place of one between the same versions."""
    known = catalogue.types[type_name]
    others = [
        o
        for o in known.upcasters
        if (o.source, o.target, o.target_type) != (edge.source, edge.target, edge.target_type)
    ]
    return replace(catalogue, types={**catalogue.types, type_name: replace(known, upcasters=(*others, edge))})


def dry_run(
    catalogue: Catalogue,
    type_name: str,
    edge: Upcaster,
    events: Iterable[Event],
    *,
    store_types: Collection[str] = (),
    runner: FunctionRunner | None = None,
) -> DryRun:
    """Runs a candidate over the events of its version, in one pass; other events are passed over."""
    before, after = Counter[Status](), Counter[Status]()
    without = Judge(catalogue, store_types)
    judge = Judge(with_upcaster(catalogue, type_name, edge), store_types, runner)
    validation = Validation(judge)
    failures: list[tuple[int | str | None, str]] = []
    sample = Sample()
    tried = 0
    for event in events:
        known = judge.entry_type(event.type)
        if known is None or known.name != type_name:
            continue
        found = judge.assess(event)
        before[without.status(event)] += 1
        after[found.status] += 1
        validation.see(event, found)
        if found.version == edge.source:
            tried += 1
            sample.see(event, found.status)
            if found.status is Status.UPCAST_FAILED:
                failures.append((event.position, "; ".join(found.reasons)))
    problems = tuple(problem for problem in validation.problems() if problem.type == type_name)
    return DryRun(tried, tuple(failures), problems, before, after, sample)
