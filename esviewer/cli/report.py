"""The command that writes a report about a store to a file."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from esviewer.cli import output
from esviewer.cli.catalogue import refuse_to_overwrite
from esviewer.cli.commands import (
    AsJson,
    Store,
    UpcasterSources,
    app,
    failed_at,
    fold_named,
    folded,
    opened,
    place_of,
    say_waiting,
    time_of,
    trusted_sources,
)
from esviewer.cli.judging import Known, known_by, running
from esviewer.cli.projections import (
    Consumer,
    Key,
    Mapped,
    OnUnknown,
    Previous,
    To,
    asked_for,
    comparing,
    consented,
    interruptible,
    meant,
    ran,
    shown_progress,
)
from esviewer.cli.workspaces import workspace_in
from esviewer.domain import UsageError
from esviewer.projections.naming import Named
from esviewer.projections.replay import replay
from esviewer.reports import catalogue as of_catalogue
from esviewer.reports import lag as of_lag
from esviewer.reports.comparison import Compared, comparison_report, effect_of, short_name
from esviewer.reports.document import Document
from esviewer.reports.files import check_target, save
from esviewer.reports.grounds import Grounds, Ran, catalogue_ran, grounds
from esviewer.reports.health import Known as KnownForHealth
from esviewer.reports.health import health_report
from esviewer.reports.replay import replay_report
from esviewer.reports.stream import Told, fold_ran, lacks, stream_report
from esviewer.stores.database import Database
from esviewer.stores.index import Index
from esviewer.workspace import check_folder


@dataclass(frozen=True, slots=True)
class Request:
    """A report as it is asked for: the kind, and the options by their names without dashes, those not given absent."""

    store: str
    target: Path
    kind: str
    given: dict[str, Any]
    read_at: int

    def __getitem__(self, name: str) -> Any:
        return self.given.get(name)

    @property
    def command(self) -> str:
        """What makes the report again."""
        words = ["esviewer", "report", self.store, "-o", f"FILE{self.target.suffix}", "--kind", self.kind]
        for name, value in self.given.items():
            for one in value if isinstance(value, list) else [value]:
                words += [f"--{name}"] if one is True else [f"--{name}", str(one)]
        return shlex.join(words)

    def needs(self, *names: str) -> list[str]:
        """Options without which the kind cannot be; raises :class:`UsageError`."""
        lacking = [f"--{name}" for name in names if name not in self.given]
        if lacking:
            raise UsageError(f"A report of kind {self.kind} needs {' and '.join(lacking)}.")
        return [self.given[name] for name in names]

    def protects(self, *files: Path | None) -> None:
        """Raises :class:`UsageError` where the report would be written over one of these."""
        for file in files:
            if file is not None and self.target.resolve() == file.resolve():
                what = "the catalogue" if file == self["catalogue"] else "what is reported on"
                raise UsageError(f"{self.target} is {what}: name another file.")


Report = tuple[Document, int]
"""A report, and the exit status: 1 for a verdict other than complete."""

_CATALOGUE: Final = ("catalogue", "sources", "trust")
_REPLAYED: Final = (*_CATALOGUE, "workspace", "to", "on-unknown")
_TAKES: Final = {
    "health": (*_CATALOGUE, "workspace"),
    "stream": (*_CATALOGUE, "workspace", "stream", "version", "at", "fold"),
    "comparison": (*_REPLAYED, "a", "b", "key", "map", "consumer", "previous"),
    "replay": (*_REPLAYED, "projection"),
    "catalogue": (*_CATALOGUE, "workspace"),
    "lag": (),
}
"""The options that each kind takes."""

Target = Annotated[
    Path,
    typer.Option("-o", "--output", metavar="FILE", help="Where to: .html, .pdf, .md, .json or .csv by its ending."),
]
KindOption = Annotated[str, typer.Option(metavar="|".join(_TAKES), help="What is reported on.")]
Trusted = Annotated[
    bool, typer.Option("--trust", help="Let the Python of projections, classes and the catalogue's upcasters run.")
]


@app.command("report")
def write_report(
    store: Store,
    target: Target,
    kind: KindOption = "health",
    stream: Annotated[str | None, typer.Option(metavar="NAME", help="stream: whose history.")] = None,
    version: Annotated[int | None, typer.Option(help="stream: up to the event with this version.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="stream: up to the last event by then.")] = None,
    fold: Annotated[str | None, typer.Option(help="stream: the fold, as for state.")] = None,
    a: Annotated[str | None, typer.Option("--a", help="comparison: A, as for compare.")] = None,
    b: Annotated[str | None, typer.Option("--b", help="comparison: B, as for compare.")] = None,
    projection: Annotated[str | None, typer.Option(help="replay: what is replayed, as for replay.")] = None,
    to: To = None,
    on_unknown: OnUnknown = "stop",
    key: Key = None,
    columns: Mapped = None,
    consumer: Consumer = None,
    previous: Previous = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The catalogue to check against; without it no type is unknown."),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder whose esviewer.toml names the catalogue, folds and projections."),
    ] = None,
    sources: UpcasterSources = None,
    trust: Trusted = False,
    as_json: AsJson = False,
) -> int:
    """A report to send to someone, as one file that says how it was made."""
    given = {
        "stream": stream,
        "version": version,
        "at": at,
        "fold": fold,
        "a": a,
        "b": b,
        "projection": projection,
        "to": to,
        "on-unknown": None if on_unknown == "stop" else on_unknown,
        "key": key,
        "map": columns or None,
        "consumer": consumer,
        "previous": previous,
        "catalogue": catalogue,
        "workspace": workspace,
        "sources": sources,
        "trust": trust or None,
    }
    asked = {name: value for name, value in given.items() if value is not None}
    request = Request(store, target, kind, asked, time.time_ns() // 1_000)
    document, status = _made(request)
    save(document, target)
    if as_json:
        output.document(dict(document.figures))
    else:
        output.say(f"{document.title}: {document.summary} Written to {target}.")
    return status


def _made(request: Request) -> Report:
    """The report, once it is sure that it can be written."""
    if request.kind not in _KINDS:
        raise UsageError(f"--kind {request.kind} is not known: there are {', '.join(_KINDS)}.")
    foreign = [f"--{name}" for name in request.given if name not in _TAKES[request.kind]]
    if foreign:
        raise UsageError(f"A report of kind {request.kind} does not take {', '.join(foreign)}.")
    refuse_to_overwrite(request.store, request.target)
    check_target(request.target)
    return _KINDS[request.kind](request)


def _catalogue_of(request: Request) -> tuple[Path | None, Known | None]:
    """The catalogue that was named, by itself or by the workspace."""
    folder = None if request["workspace"] is None else check_folder(request["workspace"])
    file = (
        workspace_in(folder).catalogue if request["catalogue"] is None and folder is not None else request["catalogue"]
    )
    if file is not None and request.target.resolve() == file.resolve():
        raise UsageError(f"{request.target} is the catalogue: name another file.")
    return file, known_by(file, request["sources"], bool(request["trust"]))


def _ran_by(file: Path | None, known: Known | None) -> list[Ran]:
    return [] if file is None or known is None else catalogue_ran(known.catalogue, file, known.code)


def _grounds(request: Request, database: Database, ran_: list[Ran], index: Index | None = None) -> Grounds:
    return grounds(
        database,
        database.chosen(),
        read_at=request.read_at,
        ran=ran_,
        command=request.command,
        index=index,
        waiting=say_waiting,
    )


def _health(request: Request) -> Report:
    file, known = _catalogue_of(request)
    judged = None
    if file is not None and known is not None:
        hashes = [one.sha256 or "" for one in _ran_by(file, known)]
        code = None if known.code is None else str(known.code)
        judged = KnownForHealth(known.catalogue, str(file), hashes[0], code, hashes[1] if code is not None else None)
    with opened(request.store) as database:
        found = database.chosen()
        with running(found, database.codecs, known) as runner:
            return health_report(
                database, found, judged, read_at=request.read_at, runner=runner, waiting=say_waiting
            ), 0


def _catalogue(request: Request) -> Report:
    file, known = _catalogue_of(request)
    with opened(request.store) as database:
        found = database.chosen()
        with running(found, database.codecs, known) as runner:
            covered = of_catalogue.cover(
                database, found, None if known is None else known.catalogue, runner=runner, waiting=say_waiting
            )
        return of_catalogue.catalogue_report(
            covered, _grounds(request, database, _ran_by(file, known), covered.index)
        ), 0


def _lag(request: Request) -> Report:
    with opened(request.store) as database:
        lags = of_lag.lags_of(database, database.chosen(), waiting=say_waiting)
        return of_lag.lag_report(lags, _grounds(request, database, [], lags.checked.index)), 0


def _stream(request: Request) -> Report:
    (stream,) = request.needs("stream")
    name, file = request["fold"] or "inferred", request["catalogue"]
    if name == "classes" and file is not None:
        raise UsageError("--fold classes upcasts events by itself: leave --catalogue out.")
    if request["version"] is not None and request["at"] is not None:
        raise UsageError("Give --version or --at, not both.")
    request.protects(file)
    moment = time_of("--at", request["at"])
    trust = bool(request["trust"])
    folder = trusted_sources(request["sources"], trust) if name == "classes" else None
    own = fold_named(name, request["workspace"], request.store)
    known = None if folder is not None else known_by(file, request["sources"], trust)
    with opened(request.store) as database:
        history, failure = folded(database, request.store, stream, own, folder, known)
        index = place_of(history, stream, request["version"], moment)
        # By default it goes to where the classes give up; beyond that there is no state.
        if failure is not None and index >= failure.index:
            if failure.index == 0 or request["version"] is not None or moment is not None:
                raise failed_at(history, failure)
            index = failure.index - 1
        made = [fold_ran(own, folder, history), *_ran_by(file, known)]
        told = Told(history, index, _grounds(request, database, made), tuple(lacks(history, index, failure)))
        return stream_report(told), 0


def _replay(request: Request) -> Report:
    (text,) = request.needs("projection")
    trust = bool(request["trust"])
    (projection,) = consented("report", meant([text], request.store, request["workspace"]), trust)
    request.protects(request["catalogue"], projection.path)
    asked = asked_for(request["to"], request["on-unknown"] or "stop", request["catalogue"], request["sources"], trust)
    with opened(request.store) as database, interruptible() as started:
        found = database.chosen()
        done = ran(lambda: replay(database, found, projection, asked, started=started, told=shown_progress()))
        sys.stderr.write(output.printable(done.output) if done.output else "")
        made = [Ran("Projection", projection.text, projection.hash), *_upcast_by(asked.catalogue, asked.code)]
        return replay_report(done, _grounds(request, database, made)), _status(done.verdict)


def _comparison(request: Request) -> Report:
    a, b = request.needs("a", "b")
    trust = bool(request["trust"])
    table = (request["key"], request["map"], request["consumer"], request["previous"])
    pair = comparing(request.store, a, b, table, request["workspace"], trust)
    sides: list[tuple[str, Named]] = [("Projection A", pair.left)]
    sides += [] if pair.right is None else [("Projection B", pair.right)]
    if pair.live is not None and pair.live.previous is not None:
        sides.append(("Version of A before", pair.live.previous))
    request.protects(request["catalogue"], *(named.path for _, named in sides))
    asked = asked_for(
        request["to"], request["on-unknown"] or "stop", request["catalogue"], request["sources"], trust, pair.live
    )
    with opened(request.store) as database, interruptible() as started:
        found = database.chosen()
        done = pair.run(database, found, asked, started)
        right = pair.right
        effect = None
        if right is not None:
            effect = ran(lambda: effect_of(database, found, pair.left, right, asked, done, started))
        sys.stderr.write(output.printable(done.output) if done.output else "")
        made = [Ran(role, named.text, named.hash) for role, named in sides]
        made += [] if pair.live is None else [Ran("Table B", pair.live.name, None)]
        made += _upcast_by(asked.catalogue, asked.code)
        name = pair.right_text if right is None else short_name(right)
        compared = Compared(done, pair.left, right, name, effect, _grounds(request, database, made))
        return comparison_report(compared), _status(done.verdict)


def _upcast_by(file: Path | None, code: Path | None) -> list[Ran]:
    if file is None:
        return []
    from esviewer.catalogue import files

    return catalogue_ran(files.load(file).catalogue, file, code)


def _status(verdict: str) -> int:
    return 0 if verdict == "complete" else 1


_KINDS: Final[dict[str, Callable[[Request], Report]]] = {
    "health": _health,
    "stream": _stream,
    "comparison": _comparison,
    "replay": _replay,
    "catalogue": _catalogue,
    "lag": _lag,
}
