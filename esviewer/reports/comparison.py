"""A projection beside another version of it, or a table: how many rows differ, in what, and since which event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from esviewer.domain import Event, Value, iso
from esviewer.domain.objects import event_object
from esviewer.projections.compare import Comparison, DifferingRow, FirstDivergence, compare
from esviewer.projections.naming import Named
from esviewer.projections.replay import Asked
from esviewer.projections.replay import replay as replay_projection
from esviewer.projections.sandbox.process import Sandbox
from esviewer.reports.document import Cell, Column, Document, Fact, Section, Table, value_text, within
from esviewer.reports.grounds import HASHES, Grounds
from esviewer.reports.handlers import handler_code
from esviewer.reports.troubles import set_aside, trouble, without_paths
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found

Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Effect:
    """What both sides made of the event of the first divergence: the row before it, and after it in A and in B.

    A row is ``None`` where it is not there.
    """

    event: Event | None
    before: Row | None
    a: Row | None
    b: Row | None

    def as_object(self) -> dict[str, Value]:
        """For the JSON of a report."""
        event = None if self.event is None else event_object(self.event)
        return {"event": event, "before": self.before, "a": self.a, "b": self.b}


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison with what its report needs: both sides (B is ``None`` for a table), and the effect, if known."""

    done: Comparison
    a: Named
    b: Named | None
    b_name: str
    effect: Effect | None
    grounds: Grounds


def effect_of(
    database: Database,
    found: Found,
    left: Named,
    right: Named,
    asked: Asked,
    done: Comparison,
    started: Callable[[Sandbox], None] = lambda sandbox: None,
) -> Effect | None:
    """Replays both to the event of the first divergence, and one to just before it, where both are alike.

    ``None`` where there is none, or positions are no numbers. Raises as :func:`esviewer.projections.compare.compare`.
    """
    first = done.first
    if first is None or not isinstance(first.position, int):
        return None
    there = compare(database, found, left, right, replace(asked, to=first.position), started=started)
    until = replay_projection(database, found, left, replace(asked, to=first.position - 1), started=started)
    differing = next((row for row in there.rows if _is_row(first, row.table, row.key)), None)
    before = next((row for row in until.rows.get(first.table, ()) if _is_row(first, first.table, row["key"])), None)
    reader = database.reader(found)
    try:
        event = next(iter(reader.at_positions([first.position])), None)
    finally:
        reader.close()
    if differing is None:
        return None
    known = None if before is None else {name: value for name, value in before.items() if name != "key"}
    return Effect(event, known, differing.a, differing.b)


def _is_row(first: FirstDivergence, table: str, key: Value) -> bool:
    return table == first.table and value_text(key) == value_text(first.key)


def comparison_report(compared: Compared) -> Document:
    """What differs; the figures are those of ``compare --json`` as far as there is room for the rows."""
    done, grounds = compared.done, compared.grounds
    told = done.as_object()
    rows, left_out = within(row.as_object() for row in done.rows)
    effect = None if compared.effect is None else compared.effect.as_object()
    content = without_paths(told) | {
        "rows": rows,
        "left_out": {"rows": left_out},
        "fields": {table: dict(counts) for table, counts in _fields(done.rows).items()},
        "effect": effect,
        "projections": [[name, version] for name, version in done.projections],
        "classes": [None if named is None else named.member for named in (compared.a, compared.b)],
    }
    figures = grounds.figures("comparison", content, {**told, "rows": rows})
    held = done.rows[: len(rows)]
    counts = f"{done.same:,} rows same, {done.added:,} added, {done.removed:,} removed, {done.changed:,} changed"
    return Document(
        f"Comparison of {short_name(compared.a)} and {compared.b_name}",
        f"{done.text}: {counts}.",
        (*_main_facts(done), *grounds.facts(figures)),
        tuple(_sections(compared, held, left_out)),
        figures,
        _records(held),
    )


def short_name(named: Named) -> str:
    """A projection without where its file lies."""
    return f"{named.path.name}{'' if named.member is None else f':{named.member}'}"


def _fields(rows: Sequence[DifferingRow]) -> dict[str, Counter[str]]:
    """Changed rows by the columns that differ in them, by table."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        if row.a is not None and row.b is not None:
            found.setdefault(row.table, Counter()).update(row.fields)
    return found


def _main_facts(done: Comparison) -> Iterator[Fact]:
    yield Fact("Verdict", done.verdict, is_main=True)
    for label, count in (("Same", done.same), ("Added", done.added), ("Removed", done.removed)):
        yield Fact(label, count, "number", is_main=True)
    yield Fact("Changed", done.changed, "number", is_main=True)
    yield Fact("Compared at position", done.position)
    for side, (name, version) in zip("AB", done.projections, strict=False):
        yield Fact(f"{side} calls itself", f"{name} {version}", "name")


def _sections(compared: Compared, held: Sequence[DifferingRow], left_out: int) -> Iterator[Section]:
    done = compared.done
    meaning = "Added rows are only in B, removed ones only in A."
    sentences = [f"{done.text}. {meaning}", *trouble(done.stop, done.failure), *done.notes]
    if done.failed_side is not None:
        sentences.append(f"A handler of {done.failed_side.upper()} failed; rows are compared as they were before.")
    counts = tuple((table, name, n) for table, own in _fields(done.rows).items() for name, n in own.most_common())
    columns = (Column("table", "name"), Column("column", "name"), Column("rows", "number"))
    tables = [Table("Changed rows by column", columns, counts)] if counts else []
    yield Section("Summary", tuple(sentences), (*tables, *set_aside(done.quarantined, done.tainted)))
    yield _first(compared)
    cut = () if not left_out else (f"{left_out:,} rows are left out, here and in the JSON: compare --json gives all.",)
    rows = Table("Differing rows", _DIFFERING, tuple(_row_cells(held)))
    yield Section("Differing rows", cut if held else ("There are none.",), (rows,) if held else ())
    yield Section("What the hashes cover", (*HASHES, "The hash of a projection is that of its file alone."))


_DIFFERING = (
    Column("table", "name"),
    Column("key", "value"),
    Column("is"),
    Column("column", "name"),
    Column("A", "value"),
    Column("B", "value"),
    Column("explained by", "sentences"),
)


def _first(compared: Compared) -> Section:
    done, first = compared.done, compared.done.first
    title = "First difference"
    if first is None:
        why = "A table has no history." if compared.b is None else "Nothing differs at any event."
        return Section(title, (why,))
    said = "Found by bisection, and maybe not the first: after" if done.first_by == "bisection" else "After"
    place = f"{first.type} at position {first.position} of {first.stream}"
    sentence = f"{said} {place}, {first.table} {value_text(first.key)} is not the same in both."
    effect, tables = compared.effect, []
    if effect is not None:
        tables.append(_effect_table(effect))
        if effect.event is not None:
            tables.append(_event_table(effect.event))
    sides = [("A", compared.a), ("B", compared.b)]
    code = [(side, handler_code(named, first.type or "")) for side, named in sides if named is not None]
    rows = tuple((side, lines) for side, lines in code if lines is not None)
    if rows:
        tables.append(Table(f"Handlers of {first.type}", (Column("side"), Column("code", "code")), rows))
    return Section(title, (sentence, *_missing(effect)), tuple(tables))


def _missing(effect: Effect | None) -> Iterator[str]:
    if effect is None:
        yield "What both made of the event could not be told."
        return
    for row, said in ((effect.before, "Before it"), (effect.a, "After it, in A,"), (effect.b, "After it, in B,")):
        if row is None:
            yield f"{said} the row is not there."


def _effect_table(effect: Effect) -> Table:
    rows = (effect.before, effect.a, effect.b)
    names = dict.fromkeys(name for row in rows if row is not None for name in row)
    cells = tuple((name, *(_value(row, name) for row in rows)) for name in names)
    columns = (Column("column", "name"), Column("before", "value"), Column("after, A", "value"))
    return Table("What both handlers made of it", (*columns, Column("after, B", "value")), cells)


def _event_table(event: Event) -> Table:
    told = event_object(event)
    names = ("position", "stream", "version", "type", "recorded_at", "event_id", "data", "metadata")
    told["recorded_at"] = iso(event.recorded_at)
    cells = tuple((name, _plain(told[name])) for name in names)
    return Table("The event", (Column("field", "name"), Column("value", "value")), cells)


def _plain(value: Value) -> str | None:
    return value if value is None or isinstance(value, str) else value_text(value)


def _value(row: Row | None, name: str) -> str | None:
    return value_text(row[name]) if row is not None and name in row else None


def _row_cells(rows: Sequence[DifferingRow]) -> Iterator[tuple[Cell, ...]]:
    """A line for each column that differs."""
    for row in rows:
        kind = "added" if row.a is None else "removed" if row.b is None else "changed"
        explained = tuple(map(_explanation, row.explained or ()))
        for name in row.fields or ("",):
            yield row.table, value_text(row.key), kind, name, _value(row.a, name), _value(row.b, name), explained


def _explanation(told: Mapping[str, Any]) -> str:
    kind, place = str(told["kind"]), told.get("position")
    if kind == "lag":
        return "lag: no event yet" if place is None else f"lag: as after position {place}"
    parts = (told.get("reason"), None if place is None else f"position {place}", told.get("version"))
    return ": ".join((kind, *(str(part) for part in parts if part is not None)))


def _records(rows: Sequence[DifferingRow]) -> Table:
    names = ("table", "key", "is", "column", "a", "b", "explained")
    cells = tuple((*row[:-1], "; ".join(row[-1]) if isinstance(row[-1], tuple) else None) for row in _row_cells(rows))
    return Table("differing rows", tuple(map(Column, names)), cells)
