"""Two versions of a projection over the same events, as seen from outside: counts, differing rows, first divergence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from esviewer.domain import Cancelled, Value
from esviewer.projections.event_pass import Position
from esviewer.projections.naming import Named
from esviewer.projections.replay import (
    TO_THE_HEAD,
    Asked,
    ChildRun,
    HandlerFailure,
    Progress,
    Stop,
    Verdict,
    broken_failure,
    failure_object,
    failure_of,
    loads,
    order_of,
    stop_object,
    stop_of,
    tainted_of,
    verdict_text,
)
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.process import Sandbox, UserCodeFailed
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found


@dataclass(frozen=True, slots=True)
class FirstDivergence:
    """The event after which the two differed for the first time, and the row in which they did."""

    position: Position
    type: str | None
    stream: str | None
    table: str
    key: Value


@dataclass(frozen=True, slots=True)
class DifferingRow:
    """A row that is not the same in both, ``None`` where it is not there. ``fields`` are the columns that differ.

    ``explained`` are the explanations of a row of a live table, the likeliest first: each with ``kind`` (``lag``,
    ``ahead``, ``missed``, ``doubled``, ``old-logic``, ``unexplained``) and ``position``, ``version`` or ``reason``.
    """

    table: str
    key: Value
    a: dict[str, Value] | None
    b: dict[str, Value] | None
    fields: tuple[str, ...]
    explained: tuple[dict[str, Value], ...] | None = None

    def as_object(self) -> dict[str, Value]:
        """As in ``compare --json``; ``explained`` only where that was asked for."""
        result: dict[str, Value] = {
            "table": self.table,
            "key": self.key,
            "a": self.a,
            "b": self.b,
            "fields": list(self.fields),
        }
        if self.explained is not None:
            result["explained"] = list(self.explained)
        return result


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table that is compared with: ``name`` with its schema or without, ``key`` columns (none: the primary key), and
    what columns are called in the projection where that is not their own name, by column.

    With a ``consumer`` the replay goes to its checkpoint, and differing rows are explained; ``previous`` is the version
    of the projection before, whose consent must have been had, too.
    """

    name: str
    key: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    consumer: str | None = None
    previous: Named | None = None

    def order(self) -> dict[str, Any]:
        """What the child is told."""
        return {"name": self.name, "key": list(self.key), "columns": dict(self.columns), "consumer": self.consumer}


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a comparison ended: ``added`` rows are only in B, ``removed`` ones only in A.

    ``projections`` are name and version of both (of A, where B is a table), ``failed_side`` says whose handler failed,
    ``notes`` are sentences on what of a table could not be compared, ``tainted`` keys of rows by table, as in a replay.
    """

    projections: tuple[tuple[str, int | str], ...]
    verdict: Verdict
    position: Position
    same: int
    added: int
    removed: int
    changed: int
    rows: tuple[DifferingRow, ...]
    first: FirstDivergence | None
    seconds: float
    read: int
    quarantined: tuple[Position, ...] = ()
    tainted: dict[str, list[Value]] = field(default_factory=dict)
    stop: Stop | None = None
    failure: HandlerFailure | None = None
    failed_side: Literal["a", "b"] | None = None
    output: str = ""
    notes: tuple[str, ...] = ()
    first_by: Literal["every-event", "bisection"] | None = None
    """How the first divergence was found where a side is SQL; by bisection it may not be the first."""

    @property
    def text(self) -> str:
        """The verdict for people."""
        return verdict_text(self.verdict, self.position, self.quarantined)

    def as_object(self) -> dict[str, Value]:
        """As in ``compare --json``; ``quarantined``, ``tainted``, ``stopped_at``, ``failure`` only where they apply."""
        first = self.first
        result: dict[str, Value] = {
            "verdict": self.verdict,
            "position": self.position,
            "same": self.same,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "rows": [row.as_object() for row in self.rows],
            "first_divergence": None
            if first is None
            else {
                "position": first.position,
                "type": first.type,
                "stream": first.stream,
                "table": first.table,
                "key": first.key,
            },
        }
        if self.first_by is not None:
            result["first_divergence_by"] = self.first_by
        if self.quarantined:
            result["quarantined"] = list(self.quarantined)
        if self.tainted:
            result["tainted"] = self.tainted
        if self.stop is not None:
            result["stopped_at"] = stop_object(self.stop)
        if self.failure is not None:
            result["failure"] = {**failure_object(self.failure), "side": self.failed_side}
        return result


def compare(
    database: Database,
    found: Found,
    left: Named,
    right: Named,
    asked: Asked = TO_THE_HEAD,
    *,
    limits: Limits | None = None,
    started: Callable[[Sandbox], None] = lambda sandbox: None,
    told: Callable[[Progress], None] = lambda progress: None,
) -> Comparison:
    """Compares two projections, whose consent must have been had before if they are code, over one pass of events.

    Raises as :func:`esviewer.projections.replay.replay`.
    """
    task = "compare-sql" if "sql" in (left.kind, right.kind) else "compare"
    return _ended(ChildRun(task, order_of(database, found, [left, right], asked), limits, told), started)


def compare_with_table(
    database: Database,
    found: Found,
    projection: Named,
    live: LiveTable,
    asked: Asked = TO_THE_HEAD,
    *,
    limits: Limits | None = None,
    started: Callable[[Sandbox], None] = lambda sandbox: None,
    told: Callable[[Progress], None] = lambda progress: None,
) -> Comparison:
    """Compares a projection, as for :func:`compare`, with a table of the database, which is B.

    The head is that at the moment at which the table is read. There is no first divergence, since a table has no
    history. Raises also NotFound, StoreUnavailable or UsageError where the table or its columns are not as asked for.
    """
    projections = [projection] if live.previous is None else [projection, live.previous]
    order = {**order_of(database, found, projections, asked), "table": live.order()}
    return _ended(ChildRun("compare-table", order, limits, told), started)


def _ended(run: ChildRun, started: Callable[[Sandbox], None]) -> Comparison:
    started(run.sandbox)
    try:
        result = run.result()
    except Cancelled:
        return _broken(run, "cancelled", None)
    except UserCodeFailed as failure:
        if run.loaded is None:
            raise
        return _broken(run, "failed", broken_failure(failure))
    return _comparison_of(run, result)


def _comparison_of(run: ChildRun, result: dict[str, Any]) -> Comparison:
    first = result["first"]
    rows = [cast(dict[str, Any], row) for row in run.rows.get("", [])]
    return Comparison(
        _projections(run),
        result["verdict"],
        result["position"],
        result["same"],
        result["added"],
        result["removed"],
        result["changed"],
        tuple(
            DifferingRow(
                r["table"],
                r["key"],
                r["a"],
                r["b"],
                tuple(r["fields"]),
                tuple(r["explained"]) if "explained" in r else None,
            )
            for r in rows
        ),
        None if first is None else FirstDivergence(**{**first, "key": loads(first["key"])}),
        result["seconds"],
        result["read"],
        tuple(result["counts"]["quarantined"]),
        tainted_of(result.get("tainted", ())),
        stop_of(result["trouble"]),
        failure_of(result["failure"]),
        result["side"] if result["failure"] is not None else None,
        run.sandbox.output,
        tuple(result.get("notes", ())),
        result.get("first_by"),
    )


def _projections(run: ChildRun) -> tuple[tuple[str, int | str], ...]:
    loaded = run.loaded["projections"] if run.loaded is not None else []
    return tuple((name, version) for name, version in loaded)


def _broken(run: ChildRun, verdict: Verdict, failure: HandlerFailure | None) -> Comparison:
    """A comparison whose child is gone with its rows."""
    position = run.progress.position if failure is None else failure.position
    return Comparison(
        _projections(run),
        verdict,
        position,
        *(0, 0, 0, 0),
        (),
        None,
        0.0,
        run.progress.read,
        failure=failure,
        output=run.sandbox.output,
    )
