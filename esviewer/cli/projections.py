"""``replay`` and ``compare``: projections over the events of a store."""

from __future__ import annotations

import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Final, TypeAlias

import typer

from esviewer.cli import output
from esviewer.cli.commands import AsJson, Store, UpcasterSources, app, opened
from esviewer.cli.workspaces import workspace_in
from esviewer.domain import UsageError, Value
from esviewer.projections.compare import Comparison, LiveTable, compare_with_table
from esviewer.projections.compare import compare as compare_projections
from esviewer.projections.event_pass import MODES
from esviewer.projections.naming import Named, named, names_a_file
from esviewer.projections.replay import Asked, HandlerFailure, Progress, Replay, Stop
from esviewer.projections.replay import replay as replay_projection
from esviewer.projections.rows import Rows
from esviewer.projections.sandbox.process import Sandbox, UserCodeFailed
from esviewer.projections.sandbox.spot import Wish
from esviewer.session import config_folder
from esviewer.stores.address import parse
from esviewer.stores.codecs import json_text
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.workspace import FILE, Workspace, check_folder, default_folder

_SHOWN: Final = 40
"""Rows of a table that people are shown; JSON has all."""

To = Annotated[int | None, typer.Option(metavar="POSITION", help="Up to this position, included.")]
OnUnknown = Annotated[
    str,
    typer.Option(
        metavar="|".join(MODES), help="At an event that is unknown, undecodable, from the future, blocked or misshapen."
    ),
]
CatalogueFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The catalogue: what is known, and how old events are read.")
]
Key = Annotated[
    str | None, typer.Option(metavar="COLUMN,…", help="Columns of the table that are its key; the primary key if none.")
]
Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=PROJECTED", help="What a column of the table is called in A; repeatable."),
]
Consumer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Replay to the checkpoint of this consumer, and explain what differs from a table."
    ),
]
Previous = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="The version of A before: rows of a table that it explains are named."),
]
Folder = Annotated[
    Path | None, typer.Option("--workspace", metavar="DIR", help="The folder whose esviewer.toml names projections.")
]
Trust = Annotated[bool, typer.Option("--trust", help="Let the projection's Python and the catalogue's upcasters run.")]


@app.command()
def replay(
    store: Store,
    projection: Annotated[
        str,
        typer.Argument(metavar="PROJECTION", help="file.py:Class, file.yaml, file.sql, or a name of the workspace."),
    ],
    to: To = None,
    on_unknown: OnUnknown = "stop",
    catalogue: CatalogueFile = None,
    workspace: Folder = None,
    sources: UpcasterSources = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> int:
    """Replay a projection from the first event on; ends with a verdict and the rows."""
    chosen = consented("replay", meant([projection], store, workspace), trust)[0]
    asked = asked_for(to, on_unknown, catalogue, sources, trust)
    with opened(store) as database, interruptible() as started:
        found = database.chosen()
        done = ran(lambda: replay_projection(database, found, chosen, asked, started=started, told=shown_progress()))
    sys.stderr.write(done.output)
    if as_json:
        output.document(done.as_object())
    else:
        _show_replay(done)
    return 0 if done.verdict == "complete" else 1


@app.command()
def compare(
    store: Store,
    a: Annotated[str, typer.Argument(metavar="A", help="A projection, as for replay.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another version of it, or table:SCHEMA.NAME, a read model.")],
    to: To = None,
    on_unknown: OnUnknown = "stop",
    catalogue: CatalogueFile = None,
    key: Key = None,
    columns: Mapped = None,
    consumer: Consumer = None,
    previous: Previous = None,
    workspace: Folder = None,
    sources: UpcasterSources = None,
    trust: Trust = False,
    as_json: AsJson = False,
) -> int:
    """Replay two projections side by side: the rows that differ, and the event that made the first difference.

    Or one beside a table of the database: the rows in which it is not what a replay gives.
    """
    pair = comparing(store, a, b, (key, columns, consumer, previous), workspace, trust)
    asked = asked_for(to, on_unknown, catalogue, sources, trust, pair.live)
    with opened(store) as database, interruptible() as started:
        done = pair.run(database, database.chosen(), asked, started)
    sys.stderr.write(done.output)
    for note in done.notes:
        print(output.printable(note), file=sys.stderr)
    if as_json:
        output.document(done.as_object())
    else:
        _show_comparison(done, pair.left.text, pair.right_text)
    return 0 if done.verdict == "complete" else 1


@dataclass(frozen=True, slots=True)
class Pair:
    """What is compared: two projections, or one with a table (``right`` is ``None``). Consent has been had."""

    left: Named
    right: Named | None
    live: LiveTable | None
    right_text: str

    def run(self, database: Database, found: Found, asked: Asked, started: Callable[[Sandbox], None]) -> Comparison:
        """Compares; how far it is is shown on a terminal."""
        told, left, right, live = shown_progress(), self.left, self.right, self.live
        result: Comparison
        if live is not None:
            result = ran(lambda: compare_with_table(database, found, left, live, asked, started=started, told=told))
        else:
            assert right is not None
            result = ran(lambda: compare_projections(database, found, left, right, asked, started=started, told=told))
        return result


TableOptions: TypeAlias = tuple[str | None, Sequence[str] | None, str | None, str | None]
"""``--key``, ``--map``, ``--consumer`` and ``--previous``."""


def comparing(store: str, a: str, b: str, table: TableOptions, workspace: Path | None, trust: bool) -> Pair:
    """What two words of the command line mean; raises :class:`UsageError`, also where consent is lacking."""
    live, previous = live_table(b, *table), table[3]
    others = [b] if live is None else [] if previous is None else [previous]
    sides = consented("compare", meant([a, *others], store, workspace), trust)
    if live is None:
        return Pair(sides[0], sides[1], None, sides[1].text)
    return Pair(sides[0], None, live if previous is None else replace(live, previous=sides[1]), b)


def live_table(
    b: str, key: str | None, columns: Sequence[str] | None, consumer: str | None, previous: str | None
) -> LiveTable | None:
    """The table that ``table:NAME`` means; ``None`` where B is a projection."""
    name = b.removeprefix("table:")
    if name == b or not name:
        if key is not None or columns or consumer is not None or previous is not None:
            raise UsageError("--key, --map, --consumer and --previous are for a table: give table:SCHEMA.NAME as B.")
        if not name:
            raise UsageError("Name the table: table:SCHEMA.NAME, or table:NAME.")
        return None
    if previous is not None and consumer is None:
        raise UsageError("--previous explains differences at a checkpoint: give --consumer, too.")
    mapped: dict[str, str] = {}
    for pair in columns or ():
        column, equals, projected = pair.partition("=")
        if not (column and equals and projected):
            raise UsageError(f"--map {pair} is not COLUMN=PROJECTED.")
        mapped[column] = projected
    return LiveTable(name, tuple(part.strip() for part in key.split(",")) if key else (), mapped, consumer)


def meant(texts: Sequence[str], store: str, folder: Path | None) -> list[str]:
    """The projections as their files are named, names of the workspace looked up; raises NotFound with those it has."""
    if folder is not None or not all(map(names_a_file, texts)):
        known = _workspace(store, folder)
        return [text if names_a_file(text) else known.projection(text) for text in texts]
    return list(texts)


def _workspace(store: str, folder: Path | None) -> Workspace:
    """The one that was named, else that of the store; where that names no projections, that of the current folder."""
    if folder is not None:
        return workspace_in(check_folder(folder))
    own = workspace_in(default_folder(parse(store), config_folder()))
    here = Path.cwd()
    return own if own.projections or not (here / FILE).is_file() else workspace_in(here)


def consented(command: str, texts: Sequence[str], trust: bool) -> list[Named]:
    """The projections; raises :class:`UsageError` where one is code that nobody has allowed to run."""
    projections = [named(text) for text in texts]
    code = list(dict.fromkeys(projection.text for projection in projections if projection.runs_code))
    if code and not trust:
        listed = " and ".join(code)
        raise UsageError(f"{command} runs the Python code in {listed}: look at it, and add --trust to let it run.")
    return projections


def asked_for(
    to: int | None,
    on_unknown: str,
    catalogue: Path | None,
    sources: Path | None,
    trust: bool,
    live: LiveTable | None = None,
) -> Asked:
    """What is replayed over; raises :class:`UsageError` for what does not go together."""
    if live is not None and live.consumer is not None and to is not None:
        raise UsageError("--consumer replays to its checkpoint: leave out --to.")
    if on_unknown not in MODES:
        raise UsageError(f"--on-unknown {on_unknown} is not known: {', '.join(MODES)}.")
    code = None
    if catalogue is not None or sources is not None:
        # What is wrong with it, and what was not understood, is told before anything runs.
        from esviewer.cli.judging import known_by

        known = known_by(catalogue, sources, trust)
        code = known.code if known is not None else None
    return Asked(to, on_unknown, catalogue, code=code)


def ran(run: Callable[[], Any]) -> Any:
    """Runs something in a child; what failing code printed goes to standard error."""
    try:
        return run()
    except UserCodeFailed as failure:
        sys.stderr.write(failure.output)
        raise
    finally:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")


@contextmanager
def interruptible() -> Iterator[Callable[[Sandbox], None]]:
    """Ctrl-C ends a run with the rows that it has so far, and a second one at once."""
    running: list[Sandbox] = []
    asked: list[int] = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        for sandbox in running:
            if len(asked) == 1:
                sandbox.ask(Wish.END)
            else:
                sandbox.stop()

    if threading.current_thread() is not threading.main_thread():
        yield running.append
        return
    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield running.append
    finally:
        signal.signal(signal.SIGINT, before)


def shown_progress() -> Callable[[Progress], None]:
    """Shows on a terminal how far it is."""

    def show(progress: Progress) -> None:
        if not sys.stderr.isatty():
            return
        if progress.waiting is not None:
            text = f"{progress.read:,} events; waiting for the server: {output.printable(progress.waiting)[:100]}"
        else:
            text = f"{progress.read:,} events, position {progress.position}, {progress.rate:,.0f}/s"
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()

    return show


def _show_replay(done: Replay) -> None:
    output.say(f"{done.projection} {done.version}: {done.text}")
    ignored = f"{done.ignored:,} ignored"
    if done.declared:
        ignored += f" ({done.declared:,} declared so in the catalogue)"
    rate = "" if done.events_per_second is None else f", {done.events_per_second:,.0f} events/s"
    output.say(f"{done.applied:,} applied, {ignored}, position {done.position}, {done.seconds:.2f} s{rate}.")
    if done.erased:
        output.say(f"{done.erased:,} events were erased, and applied with what is left of them.")
    _show_trouble(done.stop, done.failure)
    for table, keys in done.tainted.items():
        listed = ", ".join(map(_cell, keys[:_SHOWN])) + (", …" if len(keys) > _SHOWN else "")
        output.say(f"{len(keys):,} rows of {table} are tainted, an earlier event of their stream is missing: {listed}")
    _show_rows(done.rows)


def _show_trouble(stop: Stop | None, failure: HandlerFailure | None) -> None:
    if stop is not None:
        output.say(stop.sentence)
    if failure is not None:
        output.say(failure.text)
        for row in failure.rows_before:
            before = "not there" if row["row"] is None else _cell(row["row"])
            output.say(f"Before it, {row['table']} {_cell(row['key'])} was {before}")


def _show_rows(rows: Rows) -> None:
    for table, listed in rows.items():
        columns = list(dict.fromkeys(name for row in listed[:_SHOWN] for name in row))
        cells = [[_cell(row[name]) if name in row else None for name in columns] for row in listed[:_SHOWN]]
        output.say("")
        output.table(f"{table}: {len(listed):,} rows", columns, cells)
        if len(listed) > _SHOWN:
            output.say(f"… and {len(listed) - _SHOWN:,} more; --json has all.")


def _show_comparison(done: Comparison, left: str, right: str) -> None:
    output.say(f"A {left}, B {right}: {done.text}")
    output.say(f"{done.same:,} same, {done.added:,} added, {done.removed:,} removed, {done.changed:,} changed.")
    if done.failed_side is not None:
        output.say(f"A handler of {done.failed_side.upper()} failed; the rows are compared as they were before.")
    _show_trouble(done.stop, done.failure)
    first = done.first
    if first is not None:
        said = "A difference, found by bisection, maybe not the first" if done.first_by == "bisection" else None
        output.say(
            f"{said or 'First difference'}: position {first.position}, {first.type} of {first.stream}, "
            f"in {first.table} {_cell(first.key)}."
        )
    _show_explanations(done)
    cells: list[list[object]] = []
    for row in done.rows[:_SHOWN]:
        kind = "added" if row.a is None else "removed" if row.b is None else "changed"
        for name in row.fields:
            pair = [_cell(side[name]) if side is not None and name in side else None for side in (row.a, row.b)]
            cells.append([row.table, _cell(row.key), kind, name, *pair])
    if cells:
        output.table("", ("table", "key", "", "column", "A", "B"), cells)
    if len(done.rows) > _SHOWN:
        output.say(f"… and {len(done.rows) - _SHOWN:,} more rows; --json has all.")


def _show_explanations(done: Comparison) -> None:
    """How many rows each kind of explanation explains best, and those of each row."""
    explained = [row for row in done.rows if row.explained]
    if not explained:
        return
    kinds = Counter(str(row.explained[0]["kind"]) for row in explained if row.explained)
    output.say(f"Explained: {', '.join(f'{count:,} {kind}' for kind, count in kinds.most_common())}.")
    cells = [[row.table, _cell(row.key), "; ".join(map(_explanation, row.explained or ()))] for row in explained]
    output.table("", ("table", "key", "explanation"), cells[:_SHOWN])


def _explanation(told: dict[str, Value]) -> str:
    kind, position = told["kind"], told.get("position")
    if kind == "lag":
        return "lag: no event yet" if position is None else f"lag: as after position {position}"
    if kind == "ahead":
        return f"ahead: as after position {position}"
    if kind == "old-logic":
        return f"old logic: version {told['version']}"
    if kind == "unexplained":
        return "unexplained" + (f": {told['reason']}" if "reason" in told else "")
    return f"{kind} position {position}"


def _cell(value: Value) -> str:
    text = value if isinstance(value, str) else json_text.dumps(value).decode()
    return text if len(text) <= 200 else text[:199] + "…"
