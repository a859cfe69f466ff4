"""The commands of the contract, over the same readers and folds as the window."""

from __future__ import annotations

import fnmatch
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from esviewer import __version__
from esviewer.cli import judging, output, upcast_state
from esviewer.cli.doctor import missing
from esviewer.domain import EsviewerError, Event, NotFound, UsageError, Value, from_iso, iso
from esviewer.domain.objects import event_object
from esviewer.projections.classes import (
    ClassFoldFailure,
    ClassHistory,
    check_sources,
    fold_with_classes,
    sentence_of,
)
from esviewer.projections.fold import Fold
from esviewer.projections.history import AggregateHistory, Writer
from esviewer.projections.inferred import InferredFold
from esviewer.projections.sandbox.process import UserCodeFailed
from esviewer.stores.address import parse
from esviewer.stores.codecs import json_text
from esviewer.stores.database import Database, open_database
from esviewer.stores.dialects.base import Found
from esviewer.stores.filters import EventFilter
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.keys import payload_key
from esviewer.stores.reader import Reader, Window
from esviewer.stores.summary import Summary, estimate_of, summarise

app = typer.Typer(
    name="esviewer",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Inspect an event store in Postgres or SQLite. `esviewer STORE` opens the window.",
)

Store = Annotated[
    str, typer.Argument(metavar="STORE", help="A path or a postgresql:// URL; ?schema= and ?store= choose.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON by the contract.")]
Catalogued = Annotated[
    Path | None, typer.Option("--catalogue", metavar="FILE", help="The catalogue by which events have a status.")
]
UpcasterSources = Annotated[
    Path | None,
    typer.Option("--sources", metavar="DIR", help="The folder of its Python upcasters; that of the file if not given."),
]
UpcasterTrust = Annotated[bool, typer.Option("--trust", help="Let the catalogue's Python upcasters run.")]


def run(arguments: list[str]) -> int:
    """Runs one command; returns its exit status. Failures are one sentence on standard error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Where the terminal's encoding lacks a letter it is written as an escape; JSON is UTF-8 everywhere.
        sys.stdout.reconfigure(errors="backslashreplace")
    command = typer.main.get_command(app)
    try:
        status = command.main(args=arguments, prog_name="esviewer", standalone_mode=False)
    except EsviewerError as error:
        return _refuse(str(error))
    except TyperException as error:
        tell = getattr(error, "format_message", None)
        return _refuse(f"{tell() if tell else error} See esviewer {arguments[0]} --help.")
    except (typer.Abort, KeyboardInterrupt):
        return _refuse("Cancelled.")
    except BrokenPipeError:
        # Whoever read our output has had enough. Nothing more may be written, not even when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status if isinstance(status, int) else 0


def _refuse(sentence: str) -> int:
    print(output.printable(" ".join(sentence.split())), file=sys.stderr)
    return 2


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        print(f"esviewer {__version__}")


@contextmanager
def opened(store: str) -> Iterator[Database]:
    address = parse(store)
    database = open_database(address, key=payload_key(address))
    for sentence in database.unread:
        print(output.printable(sentence), file=sys.stderr)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def reading(store: str) -> Iterator[Reader]:
    """A reader of the one store that is meant."""
    with opened(store) as database:
        reader = database.reader(database.chosen(), waiting=say_waiting)
        try:
            yield reader
        finally:
            reader.close()


def say_waiting(sentence: str, seconds: float) -> None:
    print(output.printable(f"{sentence} Trying again in {seconds:.1f} s."), file=sys.stderr)


@app.command()
def info(
    store: Store,
    as_json: AsJson = False,
    estimate: Annotated[bool, typer.Option(help="Planner figures instead of exact counts.")] = False,
    catalogue: Catalogued = None,
    sources: UpcasterSources = None,
    trust: UpcasterTrust = False,
) -> None:
    """What is in a database: its stores, events, streams, types, consumers."""
    if estimate and catalogue is not None:
        raise UsageError("Give --estimate or --catalogue, not both: a status needs the event.")
    known = judging.known_by(catalogue, sources, trust)
    with opened(store) as database:
        chosen = (database.chosen(),) if database.address.store else database.stores
        if estimate:
            figures = [estimate_of(database, found) for found in chosen]
        else:
            by_catalogue = judging.statuses(database, chosen, known, say_waiting)
            by_status = by_catalogue.counts
            summaries = summarise(database, chosen, read=by_catalogue.indexes, waiting=say_waiting)
            figures = [summary.as_object() for summary in summaries]
            for figure, counts in zip(figures, by_status, strict=False):
                figure["statuses"] = counts
        address = database.address
        result: dict[str, Value] = {"address": address.text, "database": address.database, "stores": figures}
        if as_json:
            output.document(result)
        elif estimate:
            columns = ("name", "dialect", "events", "last_position")
            output.table(address.text, columns, [[f[c] for c in columns] for f in figures], right=columns[2:])
        else:
            _show_info(address.text, summaries)
            rows = [(s.found.name, *pair) for s, own in zip(summaries, by_status, strict=False) for pair in own.items()]
            if rows:
                output.table("", ("store", "status", "events"), rows, right=("events",))


def _show_info(address: str, summaries: list[Summary]) -> None:
    output.say(f"{address}  (read-only)")
    for summary in summaries:
        index = summary.index
        earliest, latest = (iso(t) or "–" for t in index.time_range())
        first, last = index.position_range()
        output.say("")
        output.say(f"{summary.found.name}: {summary.found.dialect.title}, confidence {summary.found.confidence:.0%}")
        output.say(
            f"{index.length:,} events in {len(index.streams):,} streams, positions {first} to {last}, "
            f"{earliest} to {latest}; {summary.snapshots:,} snapshots, {index.undecodable():,} undecodable."
        )
        output.table("", ("events", "type"), [(n, t) for t, n in index.type_counts().items()], right=("events",))
        counts = index.category_counts()
        if counts:
            output.table("", ("streams", "category"), [(n, c) for c, n in counts.items()], right=("streams",))
        if summary.checkpoints is None:
            output.say("Consumers' positions are not recorded by this framework.")
        elif summary.checkpoints:
            rows = [(c.consumer, c.upstream, c.position, c.lag) for c in summary.checkpoints]
            output.table("", ("consumer", "follows", "position", "lag"), rows, right=("position", "lag"))


@app.command()
def streams(
    store: Store,
    category: Annotated[str | None, typer.Option(help="Only streams of this category.")] = None,
    like: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Only streams whose name matches, as in *-7f3c*.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0)] = None,
    as_json: AsJson = False,
) -> None:
    """All streams in the order of their first event."""
    with reading(store) as reader:
        index = build(reader, Index())
    rows: list[dict[str, Value]] = []
    for entry in index.stream_entries():
        if limit is not None and len(rows) >= limit:
            break
        if category is not None and entry.category != category:
            continue
        if like is not None and not fnmatch.fnmatchcase(entry.name, like):
            continue
        first, last = index.position_of(entry.first), index.position_of(entry.last)
        rows.append(
            {
                "stream": entry.name,
                "category": entry.category,
                "events": entry.events,
                "first_position": first,
                "last_position": last,
                "last_recorded_at": iso(entry.last_recorded_at),
            }
        )
    if as_json:
        output.document(rows)
    else:
        columns = ("stream", "category", "events", "first_position", "last_position", "last_recorded_at")
        output.table("", columns, [[row[c] for c in columns] for row in rows], right=columns[2:5])


@app.command()
def events(
    store: Store,
    stream: Annotated[str | None, typer.Option(help="Only this stream, its name in any spelling.")] = None,
    event_type: Annotated[list[str] | None, typer.Option("--type", help="Only this type; repeatable.")] = None,
    not_type: Annotated[list[str] | None, typer.Option(help="Not this type; repeatable.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="Recorded at or after.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Recorded before.")] = None,
    from_position: Annotated[int | None, typer.Option(help="First position.")] = None,
    to_position: Annotated[int | None, typer.Option(help="Last position.")] = None,
    where: Annotated[str | None, typer.Option(metavar="EXPR", help="JMESPath over the event object.")] = None,
    limit: Annotated[int | None, typer.Option(min=0)] = None,
    output_format: Annotated[str | None, typer.Option("--format", metavar="ndjson|csv|parquet")] = None,
    catalogue: Catalogued = None,
    sources: UpcasterSources = None,
    trust: UpcasterTrust = False,
    as_json: AsJson = False,
) -> None:
    """Events in store order."""
    form = "ndjson" if as_json and output_format is None else output_format
    if form not in (None, "ndjson", "csv", "parquet"):
        raise UsageError(f"--format {form} is not known: ndjson, csv or parquet.")
    wanted = EventFilter(
        types=tuple(event_type or ()),
        not_types=tuple(not_type or ()),
        since=time_of("--since", since),
        until=time_of("--until", until),
        from_position=from_position,
        to_position=to_position,
        where=() if where is None else (where,),
    )
    accepts = wanted.matcher()
    known = judging.known_by(catalogue, sources, trust)
    with reading(store) as reader, judging.running(reader.found, reader.codecs, known) as runner:
        source = _source(reader, stream, wanted)
        if known is not None:
            source = judging.judged(source, known.catalogue, lambda: types_of(store), runner)
        found = _limited(filter(accepts, source), limit)
        if form is None:
            _show_events(found, with_status=known is not None)
            return
        write = {"ndjson": output.lines, "csv": output.comma_separated, "parquet": output.parquet}[form]
        write(event_object(event) for event in found)


def types_of(store: str) -> tuple[str, ...]:
    """All types of a store, read by a connection of its own."""
    with reading(store) as reader:
        return tuple(build(reader, Index()).types)


def _source(reader: Reader, stream: str | None, wanted: EventFilter) -> Iterator[Event]:
    """The events to choose from, in store order: what the store can leave out by itself is left out."""
    if stream is not None:
        yield from sorted(reader.stream(stream), key=lambda event: event.key)
        return
    window = Window(from_position=wanted.from_position, to_position=wanted.to_position)
    yield from reader.events(window, keep=wanted.keep)


def _limited(events: Iterator[Event], limit: int | None) -> Iterator[Event]:
    if limit == 0:
        return
    for count, event in enumerate(events, 1):
        yield event
        if count == limit:
            return


def time_of(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    time = from_iso(text)
    if time is None:
        raise UsageError(f"{option} {text!r} is not a time: write it as 2024-03-05 or 2024-03-05T12:31:22+00:00.")
    return time


def _show_events(events: Iterator[Event], *, with_status: bool) -> None:
    columns = ("position", "recorded_at", "stream", "version", "type", *(("status",) if with_status else ()), "data")
    block: list[list[object]] = []
    for event in events:
        data = f"undecodable: {event.undecodable}" if event.undecodable else json_text.dumps(event.data).decode()
        status = [event.status] if with_status else []
        place = [event.position, iso(event.recorded_at), event.stream, event.version, event.type]
        block.append([*place, *status, _cut(data, 60)])
        if len(block) == 500:
            output.table("", columns, block, right=("position", "version"))
            block = []
    if block:
        output.table("", columns, block, right=("position", "version"))


def _cut(text: str, length: int = 1_000) -> str:
    """What a table for people shows of a text that may have megabytes; JSON has all of it."""
    return text if len(text) <= length else text[: length - 1] + "…"


@app.command()
def state(
    store: Store,
    stream: Annotated[str, typer.Argument(metavar="STREAM", help="The name of a stream, in any spelling.")],
    version: Annotated[int | None, typer.Option(help="After the event with this version, as stored.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="After the last event recorded at or before.")] = None,
    fold: Annotated[
        str,
        typer.Option(help="inferred; classes: those of the application, run with --trust; or a fold of the workspace."),
    ] = "inferred",
    workspace: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder whose esviewer.toml has the fold.")
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder that holds the application's top-level package.")
    ] = None,
    trust: Annotated[bool, typer.Option("--trust", help="Let the code in --sources run.")] = False,
    catalogue: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Fold events as this catalogue's upcasters have them seen.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The state of an aggregate, and which event set each field."""
    if fold == "classes" and catalogue is not None:
        raise UsageError("--fold classes upcasts events by itself: leave --catalogue out.")
    folder = trusted_sources(sources, trust) if fold == "classes" else None
    if version is not None and at is not None:
        raise UsageError("Give --version or --at, not both.")
    time = time_of("--at", at)
    own = fold_named(fold, workspace, store)
    known = None if catalogue is None else judging.known_by(catalogue, sources, trust)
    with opened(store) as database:
        history, failure = folded(database, store, stream, own, folder, known)
    index = place_of(history, stream, version, time)
    if failure is not None and index >= failure.index:
        raise failed_at(history, failure)
    last = history.events[index]
    result: dict[str, Value] = {
        "stream": last.stream,
        "category": last.category,
        "version": last.version,
        "fold": history.fold.name,
        "state": history.state_at(index),
        "blame": {path: _writer_object(writer) for path, writer in history.blame(index).items()},
    }
    skipped = [history.events[i].version for i in history.undecodable if i <= index]
    if skipped:
        result["undecodable"] = skipped
        print(f"{len(skipped)} events could not be decoded and are not in this state.", file=sys.stderr)
    if known is not None:
        result["upcast"] = upcast_state.upcast_positions(history, index)
    if as_json:
        output.document(result)
    else:
        _show_state(history, index)


def folded(
    database: Database, store: str, stream: str, own: Fold, classes: Path | None, known: judging.Known | None
) -> tuple[AggregateHistory, ClassFoldFailure | None]:
    """The history of a stream: by a fold, upcast where a catalogue is known, or by the classes in a folder."""
    found = database.chosen()
    events = database.reader(found, waiting=say_waiting).aggregate(stream)
    if classes is not None:
        by_classes = _folded_with_classes(database, found, events, classes)
        return by_classes.history, by_classes.failure
    sights = None
    if known is not None:
        with judging.running(found, database.codecs, known) as runner:
            sights = upcast_state.sights(events, known.catalogue, lambda: types_of(store), runner)
    return AggregateHistory(events, own, sights=sights), None


def failed_at(history: AggregateHistory, failure: ClassFoldFailure) -> UserCodeFailed:
    """The error that says which event the classes could not take."""
    sentence = sentence_of(history.events[failure.index], failure.sentence)
    return UserCodeFailed(sentence, failure.index, failure.details)


def fold_named(name: str, workspace: Path | None, store: str) -> Fold:
    """The fold of that name; raises NotFound with the names there are. In the place of classes the inferred one."""
    if name in ("inferred", "classes"):
        return InferredFold()
    from esviewer.cli.workspaces import workspace_in
    from esviewer.projections.edited import EditedFold
    from esviewer.session import config_folder
    from esviewer.workspace import check_folder, default_folder

    folder = default_folder(parse(store), config_folder()) if workspace is None else check_folder(workspace)
    return EditedFold(workspace_in(folder).fold(name))


def trusted_sources(sources: Path | None, trust: bool) -> Path:
    """The folder of classes to fold with; raises UsageError without consent."""
    if sources is None:
        raise UsageError(
            "--fold classes needs --sources DIR, the folder that holds the application's top-level package."
        )
    folder = check_sources(sources)
    if not trust:
        raise UsageError(f"--fold classes runs the code in {folder}: look at it, and add --trust to let it run.")
    return folder


def _folded_with_classes(database: Database, found: Found, events: list[Event], folder: Path) -> ClassHistory:
    try:
        folded = fold_with_classes(database, found, events, folder)
    except UserCodeFailed as failure:
        sys.stderr.write(failure.output)
        raise
    # What the classes print is theirs to say, and not part of the answer.
    sys.stderr.write(folded.output)
    return folded


def place_of(history: AggregateHistory, stream: str, version: int | None, time: int | None) -> int:
    index: int | None = len(history.events) - 1
    if version is not None:
        index = history.index_of_version(version)
        if index is None:
            first, last = history.events[0].version, history.events[-1].version
            known = "its events have no versions" if first is None else f"it has {first} to {last}"
            raise NotFound(f"Stream {stream!r} has no version {version}; {known}.")
    elif time is not None:
        index = history.index_at(time)
        if index < 0:
            raise NotFound(f"Stream {stream!r} has no event at or before {iso(time)}.")
    assert index is not None
    return index


def _writer_object(writer: Writer) -> dict[str, Value]:
    return {"version": writer.version, "position": writer.position, "type": writer.type}


def _show_state(history: AggregateHistory, index: int) -> None:
    from esviewer.projections.paths import leaves

    event = history.events[index]
    output.say(f"{event.stream}  version {event.version}  ({history.fold.name} fold)")
    rows: list[list[object]] = []
    for path, value in leaves(history.state_at(index)):
        writer = history.writer(path, index)
        sight = history.sight(writer.index) if writer else None
        words = f" ({sight.words})" if sight is not None and sight.words else ""
        setter = (writer.version, f"{writer.type}{words}") if writer else (None, None)
        rows.append([_cut(path), _cut(json_text.dumps(value).decode()), *setter])
    output.table("", ("field", "value", "version", "set by"), rows, right=("version",))


@app.command()
def doctor(as_json: AsJson = False) -> int:
    """What this machine lacks for the window, as one command to paste."""
    lacking = missing()
    if as_json:
        output.document({"sentence": lacking.sentence, "command": lacking.command or None})
        return 1 if lacking.command else 0
    output.say(lacking.sentence)
    if lacking.command:
        print(lacking.command)
    return 1 if lacking.command else 0
