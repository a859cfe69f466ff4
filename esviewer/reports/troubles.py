"""What kept a replay from going on, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from esviewer.domain import Value
from esviewer.projections.replay import HandlerFailure, Stop
from esviewer.reports.document import Column, Table, value_text

Positions = Sequence[int | str | None]


def trouble(stop: Stop | None, failure: HandlerFailure | None) -> Iterator[str]:
    """The event that was stopped at, or the handler that failed and the rows it had touched."""
    if stop is not None:
        yield stop.sentence
    if failure is not None:
        yield failure.text
        for row in failure.rows_before:
            before = "not there" if row["row"] is None else value_text(row["row"])
            yield f"Before it, {row['table']} {value_text(row['key'])} was {before}."


def set_aside(quarantined: Positions, tainted: Mapping[str, Sequence[Value]]) -> Iterator[Table]:
    """The events that were set aside, and the rows that lack one of them."""
    if quarantined:
        rows = tuple((str(position),) for position in quarantined)
        yield Table("Events that were set aside", (Column("position", "positions"),), rows)
    if tainted:
        keys = tuple((table, value_text(key)) for table, some in tainted.items() for key in some)
        yield Table(
            "Rows of which an earlier event is missing", (Column("table", "name"), Column("key", "value")), keys
        )


def without_paths(told: Mapping[str, Value]) -> dict[str, Value]:
    """A verdict as JSON without where files lie, so that it hashes the same elsewhere."""
    failure = told.get("failure")
    if not isinstance(failure, dict) or not isinstance(failure.get("file"), str):
        return dict(told)
    return {**told, "failure": {**failure, "file": failure["file"].replace("\\", "/").rsplit("/", 1)[-1]}}
