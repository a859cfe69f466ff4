"""How far each consumer of a store is behind: in events, by type, and since when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from esviewer.catalogue.model import Catalogue
from esviewer.checks import Checked, check_store
from esviewer.checks.checkpoints import Checkpoints, ahead_by, lag_of
from esviewer.domain import Value, iso
from esviewer.reports.document import Cell, Column, Document, Fact, Section, Table
from esviewer.reports.grounds import HASHES, Grounds, Waiting
from esviewer.reports.health import finding_table
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Follow, Found
from esviewer.stores.index import Index

_MOST_TYPES = 20
"""Types of waiting events that the page shows of a consumer; the JSON has all."""


@dataclass(frozen=True, slots=True)
class Lags:
    """The consumers listed under a store (``None``: its framework records none), and what the rules say of them."""

    follows: tuple[Follow, ...] | None
    checked: Checked


def lags_of(database: Database, found: Found, *, waiting: Waiting | None = None) -> Lags:
    """Reads a store whole, and where its consumers stand."""
    rules = [rule.name for rule in Checkpoints.rules]
    checked = check_store(database, found, Catalogue({}, inferred=True), rules, waiting=waiting)
    listed = database.follows()[found.name]
    return Lags(None if listed is None else tuple(listed), checked)


def lag_report(lags: Lags, grounds: Grounds) -> Document:
    """Where consumers stand; the JSON has ``checkpoints`` as in ``info`` and ``findings`` as in ``check``."""
    index = lags.checked.index
    told = None if lags.follows is None else [_lag_object(index, grounds.found, one) for one in lags.follows]
    content: dict[str, Value] = {
        "consumers": told,
        "findings": [finding.as_object() for finding in lags.checked.findings],
        "counts": dict(lags.checked.counts),
    }
    # What a consumer follows may be called as the file is: that is no part of the content.
    nameless = content | {"consumers": None if told is None else [_nameless(one, grounds) for one in told]}
    figures = grounds.figures("lag", nameless, content)
    return Document(
        f"Lag of the consumers of {grounds.found.name}",
        _summary(told),
        (*_main_facts(told, index), *grounds.facts(figures)),
        tuple(_sections(told, lags.checked)),
        figures,
        Table("consumers", tuple(map(Column, _NAMES)), tuple(_record(one) for one in told or ())),
    )


_NAMES = (
    "consumer",
    "upstream",
    "position",
    "lag",
    "ahead",
    "category",
    "tenant",
    "oldest_waiting_at",
    "seconds_behind",
    "waiting",
)


def _lag_object(index: Index, found: Found, follow: Follow) -> dict[str, Value]:
    """A consumer as in ``info``, with what waits for it; ``lag`` is ``None`` where what it follows is not this store.

    ``seconds_behind`` is from the oldest event that waits to the latest one of the store, as their times say.
    """
    told: dict[str, Value] = dict.fromkeys(_NAMES)
    told |= {"consumer": follow.consumer, "upstream": follow.upstream, "position": follow.position}
    told |= {"category": follow.category, "tenant": follow.tenant}
    if follow.followed != found.name:
        return told
    lag, latest = lag_of(index, follow), index.time_range()[1]
    types = index.column("type")[np.asarray(lag.rows, np.int64)]
    counts = np.bincount(types[types >= 0], minlength=len(index.types)).tolist()
    waiting = {name: count for name, count in zip(index.types, counts, strict=False) if count}
    told |= {"lag": len(lag.rows), "ahead": ahead_by(index, follow), "oldest_waiting_at": iso(lag.oldest)}
    if lag.oldest is not None and latest is not None:
        told["seconds_behind"] = round((latest - lag.oldest) / 1_000_000, 3)
    return told | {"waiting": waiting}


def _nameless(told: Mapping[str, Value], grounds: Grounds) -> dict[str, Value]:
    return {name: None if value == grounds.found.name else value for name, value in told.items()}


def _summary(told: list[dict[str, Value]] | None) -> str:
    if told is None:
        return "Consumers' positions are not recorded by this framework."
    behind = sum(1 for one in told if one["lag"])
    ahead = sum(1 for one in told if one["ahead"])
    return f"{len(told):,} consumer{'' if len(told) == 1 else 's'}, {behind:,} behind, {ahead:,} ahead of the store."


def _main_facts(told: list[dict[str, Value]] | None, index: Index) -> Iterator[Fact]:
    yield Fact("Consumers", None if told is None else len(told), "number", is_main=True)
    lags = [one["lag"] for one in told or () if isinstance(one["lag"], int)]
    yield Fact("Most events behind", max(lags, default=None), "number", is_main=True)
    yield Fact("Last recorded at", iso(index.time_range()[1]))


def _sections(told: list[dict[str, Value]] | None, checked: Checked) -> Iterator[Section]:
    if told:
        columns = (Column("consumer", "name"), Column("follows", "name"), Column("position", "positions"))
        numbers = (Column("events behind", "number"), Column("positions ahead", "number"))
        times = (Column("oldest waiting since"), Column("behind by"))
        rows = tuple(map(_row, told))
        sentence = (
            "Behind are all events after the position of a consumer in what it follows, of all types; gaps are not "
            "counted. How long it is behind is from the oldest of them to the latest event of the store."
        )
        yield Section("Consumers", (sentence,), (Table("Consumers", (*columns, *numbers, *times), rows),))
        yield _waiting(told)
    else:
        yield Section("Consumers", (_summary(told),))
    if checked.findings:
        yield Section("Findings", (), (finding_table("Findings", checked.findings),))
    yield Section("What the hashes cover", HASHES)


def _row(told: Mapping[str, Value]) -> tuple[Cell, ...]:
    upstream = told["upstream"] if told["category"] is None else f"{told['upstream']} (only {told['category']})"
    seconds = told["seconds_behind"]
    return (
        _text(told["consumer"]),
        _text(upstream),
        _text(told["position"]),
        _number(told["lag"]),
        _number(told["ahead"]),
        _text(told["oldest_waiting_at"]),
        _duration(seconds) if isinstance(seconds, float) else None,
    )


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count:,} {unit}")
    return " ".join(parts[:2])


def _waiting(told: list[dict[str, Value]]) -> Section:
    """Types of the events that wait, most frequent first."""
    rows: list[tuple[Cell, ...]] = []
    left_out = 0
    for one in told:
        waiting = one["waiting"]
        counts = sorted(waiting.items(), key=lambda pair: -pair[1]) if isinstance(waiting, dict) else []
        rows += [(_text(one["consumer"]), name, count) for name, count in counts[:_MOST_TYPES]]
        left_out += len(counts[_MOST_TYPES:])
    columns = (Column("consumer", "name"), Column("type", "name"), Column("events", "number"))
    cut = (f"{left_out:,} rarer types are left out, which the JSON has.",) if left_out else ()
    if not rows:
        return Section("What waits", ("No event waits.",))
    return Section("What waits", cut, (Table("Events that wait, by type", columns, tuple(rows)),))


def _record(told: Mapping[str, Value]) -> tuple[Cell, ...]:
    return tuple(_record_cell(told[name]) for name in _NAMES)


def _record_cell(value: Value) -> Cell:
    if isinstance(value, dict):
        return " ".join(f"{name}={count}" for name, count in value.items())
    return value if value is None or isinstance(value, int) else str(value)
