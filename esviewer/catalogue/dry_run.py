"""Tries an upcaster that is not in the catalogue yet on every stored event that it is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.model import Catalogue, Upcaster, Version
from esviewer.catalogue.preview import Sample
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.catalogue.validation import Problem, Validation
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event

KEPT: Final = 1_000
"""Failing events that are kept with their payloads; all are counted."""
_BLOCK: Final = 200
"""Events that are judged together."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a candidate did. ``failures`` are positions with reasons, in store order; ``problems`` those of its type.

    ``sample`` holds the first :data:`KEPT` failing events at most.

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


def with_candidate(catalogue: Catalogue, type_name: str, edge: Upcaster) -> Catalogue:
    """The catalogue with an upcaster more, which counts although the rest may be inferred.

    One that begins at the current version makes its target the current one: else it would be for no event.
    """
    made = replace(with_upcaster(catalogue, type_name, edge), inferred=False)
    known = made.types[type_name]
    if known.watched and known.current_version == edge.source and edge.target_type in (None, type_name):
        made = replace(made, types={**made.types, type_name: replace(known, current=edge.target)})
    return made


def assessed(judge: Judge, events: Iterable[Event]) -> Iterator[tuple[Event, Assessment]]:
    """Events with what is made of them, by blocks: functions of the user are run together."""
    pending = iter(events)
    while block := list(islice(pending, _BLOCK)):
        yield from zip(block, judge.assess_all(block), strict=True)


def dry_run(
    catalogue: Catalogue,
    type_name: str,
    edge: Upcaster,
    events: Iterable[Event],
    *,
    store_types: Collection[str] = (),
    runner: FunctionRunner | None = None,
) -> DryRun:
    """Runs a candidate over all events whose chain leads through it, in one pass; other events are passed over."""
    before, after = Counter[Status](), Counter[Status]()
    without = Judge(catalogue, store_types)
    judge = Judge(with_candidate(catalogue, type_name, edge), store_types, runner)
    validation = Validation(judge)
    failures: list[tuple[int | str | None, str]] = []
    sample = Sample()
    through: dict[Version, bool] = {}
    tried = 0
    for event, found in assessed(judge, events):
        if found.known is None or found.known.name != type_name:
            continue
        before[without.status(event)] += 1
        after[found.status] += 1
        validation.see(event, found)
        if isinstance(found.version, NoFit):
            continue
        if found.version not in through:
            plan = judge.chains.plan((type_name, found.version)) or ()
            through[found.version] = found.version == edge.source or edge in plan
        if through[found.version]:
            tried += 1
            is_kept = len(sample.failures) < KEPT or found.status is not Status.UPCAST_FAILED
            sample.see(event, found.status if is_kept else Status.UPCAST)
            if found.status is Status.UPCAST_FAILED:
                failures.append((event.position, "; ".join(found.reasons)))
    problems = tuple(problem for problem in validation.problems() if problem.type == type_name)
    return DryRun(tried, tuple(failures), problems, before, after, sample)
