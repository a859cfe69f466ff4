"""The command that writes a report about a store to a file."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Annotated

import typer

from esviewer.cli import output
from esviewer.cli.catalogue import refuse_to_overwrite
from esviewer.cli.commands import AsJson, Store, app, opened, say_waiting
from esviewer.cli.judging import loaded
from esviewer.domain import UsageError
from esviewer.reports.files import check_target, save
from esviewer.reports.health import Known, health_report
from esviewer.workspace import check_folder, read

_KINDS = ("health",)


@app.command("report")
def write_report(
    store: Store,
    target: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to: .html, .md, .json or .csv by its ending.")
    ],
    kind: Annotated[
        str, typer.Option(help="health: what the store holds, and what every rule finds in it.")
    ] = "health",
    catalogue: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The catalogue to check against; without it no type is unknown."),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder whose esviewer.toml names the catalogue.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A report to send to someone, as one file that says how it was made."""
    if kind not in _KINDS:
        raise UsageError(f"--kind {kind} is not known: there is {', '.join(_KINDS)}.")
    refuse_to_overwrite(store, target)
    check_target(target)
    named = read(check_folder(workspace)).catalogue if catalogue is None and workspace is not None else catalogue
    if named is not None and target.resolve() == named.resolve():
        raise UsageError(f"{target} is the catalogue: name another file.")
    known = None if named is None else _known(named)
    read_at = time.time_ns() // 1_000
    with opened(store) as database:
        document = health_report(database, database.chosen(), known, read_at=read_at, waiting=say_waiting)
    save(document, target)
    if as_json:
        output.document(dict(document.figures))
    else:
        output.say(f"{document.title}: {document.summary} Written to {target}.")


def _known(file: Path) -> Known:
    catalogue = loaded(file)
    return Known(catalogue, str(file), hashlib.sha256(file.read_bytes()).hexdigest())
