"""The commands about event types: the catalogue of a store or of sources, and what the rules find in a store."""

from __future__ import annotations

import sys
from functools import reduce
from pathlib import Path
from typing import Annotated, get_args

import typer

from esviewer.catalogue import files
from esviewer.catalogue.inference import infer
from esviewer.catalogue.merging import joined
from esviewer.catalogue.model import Catalogue, EventType, version_text
from esviewer.catalogue.schemas import FromSchemas, from_schemas
from esviewer.catalogue.sources import FromSources, from_sources
from esviewer.checks import Checked, check_store, select
from esviewer.cli import output
from esviewer.cli.commands import (
    AsJson,
    Store,
    UpcasterSources,
    UpcasterTrust,
    app,
    opened,
    reading,
    say_waiting,
)
from esviewer.cli.judging import Known, known_by, running
from esviewer.cli.workspaces import workspace_in
from esviewer.domain import UsageError
from esviewer.domain.finding import Finding, Severity, is_at_least
from esviewer.stores.address import parse
from esviewer.stores.database import Database
from esviewer.workspace import check_folder

_POSITIONS_SHOWN = 6


@app.command("catalogue")
def show_catalogue(
    store: Store,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it to a file: YAML, or JSON if it is called so.")
    ] = None,
    sources: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Take it from the Python sources in this folder, which are not imported."),
    ] = None,
    schemas: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Take it from the JSON Schema and Avro files there; --sources come before."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The event types of a store, with versions and attributes; inferred from its events, from sources or schemas."""
    if write is not None:
        refuse_to_overwrite(store, write)
    if sources is None and schemas is None:
        with reading(store) as reader:
            catalogue = infer(reader.events())
    else:
        # Only to say so where there is none: nothing of the store is asked.
        with opened(store):
            catalogue = _from_elsewhere(sources, schemas)
    if write is not None:
        files.save(catalogue, write)
    if as_json:
        output.document(files.json_object(catalogue))
    elif write is not None:
        output.say(f"{_types(len(catalogue.types))} written to {write}.")
    else:
        _show_catalogue(catalogue)


def _from_elsewhere(sources: Path | None, schemas: Path | None) -> Catalogue:
    found: list[FromSources | FromSchemas] = [] if sources is None else [from_sources(sources)]
    found += [] if schemas is None else [from_schemas(schemas)]
    for note in (note for one in found for note in one.notes):
        print(output.printable(note), file=sys.stderr)
    return reduce(joined, (one.catalogue for one in found))


def refuse_to_overwrite(store: str, target: Path) -> None:
    """Raises UsageError where the file to write is the store, or one that SQLite keeps beside it."""
    path = parse(store).path
    if path is None:
        return
    kept = [path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm", "-journal"))]
    try:
        is_linked = target.exists() and path.exists() and target.samefile(path)
    except OSError as failure:
        raise UsageError(f"{target} cannot be written: {failure.strerror}.") from None
    if is_linked or target.resolve() in [one.resolve() for one in kept]:
        raise UsageError(f"{target} is the store, which esviewer never writes: name another file.")


def _types(count: int) -> str:
    return f"{count:,} event type{'' if count == 1 else 's'}"


def _show_catalogue(catalogue: Catalogue) -> None:
    confirmed = ", inferred and not confirmed" if catalogue.inferred else ""
    output.say(f"{_types(len(catalogue.types))}{confirmed}")
    rows = [_row(known) for known in catalogue.types.values()]
    output.table("", ("type", "current", "versions", "upcasters", "attributes", "aliases"), rows)


def _row(known: EventType) -> list[object]:
    edges = ", ".join(f"{version_text(edge.source)}→{version_text(edge.target)}" for edge in known.upcasters)
    shape = known.current_shape
    attributes = "" if shape is None else ", ".join(shape.attributes)
    current = version_text(known.current_version) if known.watched else None
    versions = ", ".join(map(version_text, known.versions))
    return [known.name, current, versions, edges, attributes, ", ".join(known.aliases)]


@app.command()
def check(
    store: Store,
    catalogue: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The catalogue to check against; without it no type is unknown."),
    ] = None,
    workspace: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder whose esviewer.toml names the catalogue.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", metavar="a,b", help="Only these rules; the README lists all.")
    ] = None,
    sources: UpcasterSources = None,
    trust: UpcasterTrust = False,
    fail_on: Annotated[
        str, typer.Option(metavar="error|warn|info", help="Exit with 1 where something as bad as this is found.")
    ] = "error",
    as_json: AsJson = False,
) -> int:
    """What rules find in a store: events that today's code would not understand, upcasters, drift, gaps, consumers."""
    threshold = _severity(fail_on)
    names = None if rule is None else [name.strip() for given in rule for name in given.split(",")]
    select(names)
    known = known_by(_catalogue_file(catalogue, workspace), sources, trust)
    with opened(store) as database:
        checked = _checked(database, known, names)
    if as_json:
        output.document(
            {
                "store": checked.store,
                "head": checked.head,
                "findings": [finding.as_object() for finding in checked.findings],
                "counts": checked.counts,
            }
        )
    else:
        _show_findings(checked, None if known is None else known.catalogue)
    return 1 if any(is_at_least(finding.severity, threshold) for finding in checked.findings) else 0


def _checked(database: Database, known: Known | None, rules: list[str] | None) -> Checked:
    catalogue = Catalogue({}, inferred=True) if known is None else known.catalogue
    found = database.chosen()
    with running(found, database.codecs, known) as runner:
        return check_store(database, found, catalogue, rules, runner=runner, waiting=say_waiting)


def _severity(text: str) -> Severity:
    for severity in get_args(Severity):
        if text == severity:
            found: Severity = severity
            return found
    raise UsageError(f"--fail-on {text} is not known: error, warn or info.")


def _catalogue_file(file: Path | None, workspace: Path | None) -> Path | None:
    """The catalogue that was named, by itself or by the workspace; ``None`` without one."""
    own = None if workspace is None else workspace_in(check_folder(workspace)).catalogue
    return own if file is None else file


def _show_findings(checked: Checked, known: Catalogue | None) -> None:
    head = "no events" if checked.head is None else f"head {checked.head}"
    against = "without a catalogue" if known is None else f"against {_types(len(known.types))}"
    output.say(f"{checked.store}, {head}, {against}: {_counted(checked)}.")
    if checked.findings:
        output.table("", ("severity", "rule", "scope", "count", "positions"), map(_finding_row, checked.findings))
    for finding in checked.findings:
        output.say("")
        output.say(f"{finding.severity}  {finding.rule}  {finding.scope}  ({finding.confidence})")
        for sentence in finding.evidence:
            # What tables print has no thin spaces: they would be shown as escapes.
            output.say(f"  {sentence}".replace("\u202f", ","))
        output.say(f"  → {finding.next_step}")


def _counted(checked: Checked) -> str:
    count, rules = len(checked.findings), len(checked.counts)
    return f"{count:,} finding{'' if count == 1 else 's'} by {rules} rule{'' if rules == 1 else 's'}"


def _finding_row(finding: Finding) -> list[object]:
    shown = ", ".join(map(str, finding.positions[:_POSITIONS_SHOWN]))
    more = "" if len(finding.positions) <= _POSITIONS_SHOWN else ", …"
    return [finding.severity, finding.rule, finding.scope, finding.count, f"{shown}{more}"]
