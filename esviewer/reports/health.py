"""The health of a store: what it holds and what every rule finds in it, by theme."""

from __future__ import annotations

import hashlib
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from esviewer import __version__
from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.model import Catalogue
from esviewer.checks import Checked, check_store
from esviewer.checks.checkpoints import Checkpoints
from esviewer.checks.drift import DriftRules
from esviewer.checks.positions import Positions
from esviewer.checks.registry import RULES
from esviewer.checks.snapshots import Snapshots
from esviewer.checks.statuses import Statuses
from esviewer.checks.store import Waiting
from esviewer.checks.streams import Streams
from esviewer.checks.upcasters import Upcasters
from esviewer.domain import Value, iso
from esviewer.domain.finding import SEVERITIES, Finding
from esviewer.domain.objects import checkpoint_object
from esviewer.reports.document import Column, Density, Document, Fact, Lane, Section, Table, content_hash, ranges
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found
from esviewer.stores.index import NONE, Index
from esviewer.stores.index_shelf import identity_of
from esviewer.stores.summary import Summary, summarise
from esviewer.timeline.bins import density

THEMES: Final = {
    "Schema evolution": (Statuses, Upcasters, DriftRules),
    "Concurrency and order": (Streams, Positions),
    "Projections and consumers": (Checkpoints,),
    "Snapshots": (Snapshots,),
}
"""The families of rules by what they are about, in the order of a report."""

_LANES: Final = 24
_COLUMNS: Final = 138
_PARTS: Final = 40
"""Ranges of positions that are shown of a finding; the JSON has all positions."""
_COVERED: Final = (
    "The content hash is the same for the same store and catalogue, and another after one more event.",
    "It leaves out where the store lies, what its file is called, and when it was read.",
    "The hash of the history covers position, stream, version, type and payload of every event as stored.",
)
_FINDING_COLUMNS: Final = (
    Column("severity", "severity"),
    Column("rule", "name"),
    Column("scope", "name"),
    Column("count", "number"),
    Column("positions", "positions"),
    Column("what was found", "sentences"),
    Column("next step", "sentences"),
    Column("confidence"),
)


@dataclass(frozen=True, slots=True)
class Known:
    """The catalogue that a store was judged by, the file it is from and the SHA-256 of that file.

    ``code`` and ``code_sha256``: the folder of its Python upcasters, where they ran, and the hash of their files.
    """

    catalogue: Catalogue
    file: str
    sha256: str
    code: str | None = None
    code_sha256: str | None = None

    def as_object(self) -> dict[str, Value]:
        """As the JSON has it; ``upcasters`` where such ran."""
        told: dict[str, Value] = {"file": self.file, "sha256": self.sha256}
        if self.code is not None:
            told["upcasters"] = {"folder": self.code, "sha256": self.code_sha256}
        return told

    def hashed(self) -> dict[str, Value]:
        """The same without where things lie."""
        told: dict[str, Value] = {"sha256": self.sha256}
        return told | ({} if self.code is None else {"upcasters": self.code_sha256})


def health_report(
    database: Database,
    found: Found,
    known: Known | None,
    *,
    read_at: int,
    runner: FunctionRunner | None = None,
    waiting: Waiting | None = None,
) -> Document:
    """Reads a store whole, once, and gives its health; ``read_at`` is the time it is read, in µs."""
    reader = database.reader(found, waiting=waiting)
    try:
        identity = identity_of(reader)
    finally:
        reader.close()
    catalogue = Catalogue({}, inferred=True) if known is None else known.catalogue
    checked = check_store(database, found, catalogue, runner=runner, waiting=waiting)
    (summary,) = summarise(database, [found], read={found.name: checked.index}, waiting=waiting)
    figures = _figures(database, summary, checked, known, identity)
    figures["read_at"] = iso(read_at)
    return Document(
        f"Health of {found.name}",
        _verdict(checked),
        tuple(_facts(figures, summary, checked, known)),
        tuple(_sections(summary, checked, known)),
        figures,
        _records(checked.findings),
    )


def _figures(
    database: Database, summary: Summary, checked: Checked, known: Known | None, identity: str
) -> dict[str, Value]:
    """The report as JSON: ``store`` as in ``info``, ``head``, ``findings`` and ``counts`` as in ``check``.

    The hash covers all that the store and the inputs say, not where they lie or when they were read.
    """
    store = summary.as_object()
    if known is not None:
        store["statuses"] = {status.value: count for status, count in sorted(checked.statuses.items())}
    index = summary.index
    content: dict[str, Value] = {
        "report": "health",
        "esviewer": __version__,
        "identity": identity,
        "history": hashlib.sha256(index.digests.blocks + index.rest_digest()).hexdigest(),
        "catalogue": None if known is None else known.hashed(),
        "store": {**_nameless(summary), "statuses": store["statuses"]},
        "head": checked.head,
        "findings": [finding.as_object() for finding in checked.findings],
        "counts": dict(checked.counts),
    }
    return content | {
        "content_hash": content_hash(content),
        "address": database.address.text,
        "catalogue": None if known is None else known.as_object(),
        "store": store,
    }


def _nameless(summary: Summary) -> dict[str, Value]:
    """A store as in ``info`` without its name, which may be its file's: nor as a consumer, nor as what is followed."""
    store = summary.as_object()
    name = store.pop("name")
    kept = summary.checkpoints
    if kept is not None:
        told = [checkpoint_object(one) for one in kept]
        store["checkpoints"] = [{key: None if value == name else value for key, value in one.items()} for one in told]
    return store


def _verdict(checked: Checked) -> str:
    severities = Counter(finding.severity for finding in checked.findings)
    told = [
        f"{severities[severity]:,} {word}{'' if severities[severity] == 1 else 's'}"
        for severity, word in zip(SEVERITIES, ("error", "warning", "note"), strict=True)
    ]
    return f"{told[0]}, {told[1]} and {told[2]} by {len(checked.counts)} rules."


def _facts(figures: dict[str, Value], summary: Summary, checked: Checked, known: Known | None) -> Iterable[Fact]:
    severities = Counter(finding.severity for finding in checked.findings)
    for severity, label in zip(SEVERITIES, ("Errors", "Warnings", "Notes"), strict=True):
        yield Fact(label, severities[severity], "number", is_main=True)
    index = summary.index
    yield Fact("Events", index.length, "number", is_main=True)
    yield Fact("Streams", len(index.streams), "number", is_main=True)
    yield Fact("Event types", len(index.type_counts()), "number", is_main=True)
    first, last = index.position_range()
    earliest, latest = index.time_range()
    yield Fact("Store", summary.found.name, "name")
    yield Fact("Address", str(figures["address"]), "name")
    yield Fact("Framework", summary.found.dialect.title)
    yield Fact("Store identity", str(figures["identity"]), "name")
    yield Fact("Hash of the history", str(figures["history"]), "name")
    yield Fact("First position", first)
    yield Fact("Head position", last)
    yield Fact("First recorded at", iso(earliest))
    yield Fact("Last recorded at", iso(latest))
    yield Fact("Snapshots", summary.snapshots, "number")
    yield Fact("Undecodable events", index.undecodable(), "number")
    yield Fact("Catalogue", None if known is None else known.file, "name")
    yield Fact("Hash of the catalogue", None if known is None else known.sha256, "name")
    if known is not None and known.code is not None:
        yield Fact("Upcasters", known.code, "name")
        yield Fact("Hash of the upcasters", known.code_sha256, "name")
    yield Fact("Read at", str(figures["read_at"]))
    yield Fact("Made by", f"esviewer {__version__}")
    options: tuple[str, ...] = () if known is None else ("--catalogue", known.file)
    options += () if known is None or known.code is None else ("--sources", known.code, "--trust")
    yield Fact(
        "Made again by", shlex.join(("esviewer", "report", str(figures["address"]), "-o", "FILE", *options)), "name"
    )
    yield Fact("Content hash", str(figures["content_hash"]), "name")


def _sections(summary: Summary, checked: Checked, known: Known | None) -> Iterable[Section]:
    for theme, families in THEMES.items():
        names = {rule.name for family in families for rule in family.rules}
        yield _findings_section(theme, [one for one in checked.findings if one.rule in names], len(names))
    yield _history(summary.index)
    if known is not None:
        rows = tuple((status.value, count) for status, count in sorted(checked.statuses.items()))
        table = Table("Events by status", (Column("status"), Column("events", "number")), rows)
        yield Section("Statuses", ("What today's code makes of each event, by the catalogue.",), (table,))
    yield _consumers(summary)
    yield _rules(checked)
    yield Section("What the hashes cover", _COVERED)


def _findings_section(theme: str, findings: list[Finding], rules: int) -> Section:
    if not findings:
        return Section(theme, (f"Nothing was found by {rules} rule{'' if rules == 1 else 's'}.",))
    return Section(theme, (), (finding_table(f"Findings: {theme}", findings),))


def finding_table(title: str, findings: Iterable[Finding]) -> Table:
    """Findings, with some ranges of their positions."""
    rows = tuple(
        (
            one.severity,
            one.rule,
            one.scope,
            one.count,
            ranges(one.positions, _PARTS),
            one.evidence,
            (one.next_step,),
            one.confidence,
        )
        for one in findings
    )
    return Table(title, _FINDING_COLUMNS, rows)


def _history(index: Index) -> Section:
    if not index.length:
        return Section("History", ("The store holds no events.",))
    counts = index.type_counts()
    columns = (Column("type", "name"), Column("events", "number"))
    tables = [Table("Events by type", columns, tuple(counts.items()))]
    categories = index.category_counts()
    if categories:
        columns = (Column("category", "name"), Column("streams", "number"))
        tables.append(Table("Streams by category", columns, tuple(categories.items())))
    return Section("History", (), tuple(tables), picture(index))


def picture(index: Index) -> Density:
    """Events per type over time, the most frequent types first and the rest as one; by order where there are no times.

    Events without a time are left out of a picture over time.
    """
    times, types = index.columns("time", "type")
    has_times = bool((times != NONE).any())
    along = times if has_times else np.arange(len(types), dtype=np.int64)
    start, end = int(along[along != NONE].min()), int(along.max())
    ordinals = {name: ordinal for ordinal, name in enumerate(index.types)}
    names = list(index.type_counts())
    # One type alone is not "the rest".
    apart = names if len(names) <= _LANES else names[: _LANES - 1]
    rows = [(name, types == ordinals[name]) for name in apart]
    if len(apart) < len(names):
        rest = [ordinals[name] for name in names[len(apart) :]]
        rows.append((f"{len(rest):,} other types", np.isin(types, rest)))
    lanes = []
    for rank, (name, is_of_type) in enumerate(rows):
        own = np.sort(along[is_of_type & (along != NONE)])
        lanes.append(Lane(name, tuple(density(own, start, end, _COLUMNS).tolist()), rank))
    if has_times:
        return Density("Events per type over time", tuple(lanes), iso(start) or "", iso(end) or "")
    return Density("Events per type in store order", tuple(lanes), "first event", "last event")


def _consumers(summary: Summary) -> Section:
    kept = summary.checkpoints
    if kept is None:
        return Section("Consumers", ("Consumers' positions are not recorded by this framework.",))
    if not kept:
        return Section("Consumers", ("No consumer is recorded.",))
    columns = (Column("consumer", "name"), Column("follows", "name"), Column("position", "positions"))
    rows = tuple((one.consumer, one.upstream, _place(one.position), one.lag) for one in kept)
    table = Table("Positions of consumers", (*columns, Column("events behind", "number")), rows)
    return Section("Consumers", (), (table,))


def _place(position: int | str | None) -> str | None:
    return None if position is None else str(position)


def _rules(checked: Checked) -> Section:
    columns = (Column("severity", "severity"), Column("rule", "name"), Column("findings", "number"), Column("finds"))
    rows = tuple((RULES[name].severity, name, count, RULES[name].sentence) for name, count in checked.counts.items())
    return Section("Rules", ("What was looked at.",), (Table("Rules that were looked at", columns, rows),))


def _records(findings: Iterable[Finding]) -> Table:
    """All findings with all their positions."""
    names = ("severity", "rule", "scope", "count", "positions", "evidence", "confidence", "next_step")
    rows = tuple(
        (
            one.severity,
            one.rule,
            one.scope,
            one.count,
            " ".join(map(str, one.positions)),
            " ".join(one.evidence),
            one.confidence,
            one.next_step,
        )
        for one in findings
    )
    return Table("findings", tuple(map(Column, names)), rows)
