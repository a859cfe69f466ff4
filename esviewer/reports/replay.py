"""The verdict of a replay: whether a projection takes every event there is, and the rows that it gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from esviewer.domain import Value
from esviewer.projections.replay import Replay
from esviewer.reports.document import Cell, Column, Document, Fact, Section, Table, value_text, within
from esviewer.reports.grounds import HASHES, Grounds
from esviewer.reports.troubles import set_aside, trouble, without_paths

_MEASURED = ("seconds", "events_per_second")
_MOST_COLUMNS = 12
"""Columns of a table that stand side by side; a row of more is shown as JSON."""

Held = dict[str, list[dict[str, Any]]]


def replay_report(done: Replay, grounds: Grounds) -> Document:
    """What a replay ended with; its figures are those of ``replay --json`` as far as there is room for the rows."""
    told = done.as_object()
    held, left_out = _held(done)
    content = without_paths({name: value for name, value in told.items() if name not in _MEASURED})
    content |= {"rows": held, "left_out": {"rows": left_out}}
    figures = grounds.figures("replay", content, {**told, "rows": held})
    return Document(
        f"Replay of {done.projection} {done.version}",
        f"{done.text}: {done.applied:,} events applied, {done.ignored:,} ignored.",
        (*_main_facts(done), *grounds.facts(figures)),
        tuple(_sections(done, held, left_out)),
        figures,
        _records(held),
    )


def _held(done: Replay) -> tuple[Held, int]:
    rows, left_out = within([table, row] for table, listed in done.rows.items() for row in listed)
    held: Held = {table: [] for table in done.rows}
    pairs: list[Any] = rows
    for table, row in pairs:
        held[table].append(row)
    return held, left_out


def _main_facts(done: Replay) -> Iterator[Fact]:
    yield Fact("Verdict", done.verdict, is_main=True)
    yield Fact("Applied", done.applied, "number", is_main=True)
    yield Fact("Ignored", done.ignored, "number", is_main=True)
    yield Fact("Set aside", len(done.quarantined), "number", is_main=True)
    yield Fact("Rows", sum(map(len, done.rows.values())), "number", is_main=True)
    yield Fact("Projection", f"{done.projection} {done.version}", "name")
    yield Fact("Replayed to position", done.position)


def _sections(done: Replay, held: Held, left_out: int) -> Iterator[Section]:
    sentences = [f"{done.text}.", *trouble(done.stop, done.failure)]
    if done.declared:
        sentences.append(f"Of the ignored events {done.declared:,} are declared so in the catalogue.")
    if done.erased:
        sentences.append(f"{done.erased:,} events were erased, and applied with what is left of them.")
    counts = tuple((name, len(listed)) for name, listed in done.rows.items())
    table = Table("Rows by table", (Column("table", "name"), Column("rows", "number")), counts)
    yield Section("Verdict", tuple(sentences), (table, *set_aside(done.quarantined, done.tainted)))
    cut = () if not left_out else (f"{left_out:,} rows are left out, here and in the JSON: replay --json gives all.",)
    tables = tuple(_table(name, listed) for name, listed in held.items() if listed)
    yield Section("Rows", cut if tables else ("There are no rows.",), tables)
    yield Section("What the hashes cover", (*HASHES, "The hash of a projection is that of its file alone."))


def _table(name: str, listed: list[dict[str, Any]]) -> Table:
    names = list(dict.fromkeys(column for row in listed for column in row))
    title = f"Rows of {name}"
    if len(names) > _MOST_COLUMNS:
        whole = tuple((value_text(row["key"]), value_text(row)) for row in listed)
        return Table(title, (Column("key", "value"), Column("row", "value")), whole)
    rows = tuple(tuple(_cell(row, column) for column in names) for row in listed)
    return Table(title, tuple(Column(column, "value") for column in names), rows)


def _cell(row: dict[str, Any], column: str) -> str | None:
    return value_text(row[column]) if column in row else None


def _records(held: Held) -> Table:
    def rows() -> Iterable[tuple[Cell, ...]]:
        for table, listed in held.items():
            for row in listed:
                values: dict[str, Value] = {name: value for name, value in row.items() if name != "key"}
                yield table, value_text(row["key"]), value_text(values)

    return Table("rows", (Column("table"), Column("key"), Column("row")), tuple(rows()))
