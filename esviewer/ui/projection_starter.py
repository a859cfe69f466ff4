"""A projection to begin with, made from the types and attributes that a store has, ready to run."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable
from typing import Final

from esviewer.projections.naming import Kind
from esviewer.ui.projection_known import Known, KnownType
from esviewer.ui.words import short_category, short_type

ENDINGS: Final[dict[Kind, str]] = {"python": ".py", "steps": ".yaml", "sql": ".sql"}
_TYPES: Final = 40
_ATTRIBUTES: Final = 12


def starter(kind: Kind, known: Known, category: str | None) -> str:
    """The text of a new file: one row for each stream of a category, with what its events say last."""
    types = known.of_category(category)[:_TYPES]
    title = short_category(category) if category else "stream"
    return {"python": _python, "steps": _steps, "sql": _sql}[kind](title, types)


def file_name(kind: Kind, category: str | None) -> str:
    """What the file may be called."""
    return f"{_slug(short_category(category) if category else 'streams')}{ENDINGS[kind]}"


def _slug(text: str, otherwise: str = "streams") -> str:
    """A name in small letters that code and file systems take."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    slug = re.sub(r"\W+", "_", words, flags=re.ASCII).strip("_").lower()
    slug = slug if slug and not slug[0].isdigit() else f"{otherwise}_{slug}".rstrip("_")
    return f"{slug}_" if keyword.iskeyword(slug) else slug


def _attributes(known: KnownType) -> Iterable[str]:
    return known.attributes[:_ATTRIBUTES]


def _quoted(text: str) -> str:
    """A text as Python, JSON and YAML all read it."""
    return json.dumps(text)


def _python(title: str, types: list[KnownType]) -> str:
    name = _slug(title)
    kind = "".join(part.capitalize() for part in name.split("_")) or "Streams"
    lines = [
        "from esviewer import Projection, on",
        "",
        "",
        f"class {kind}(Projection):",
        f"    {json.dumps(f'One row for each {title}: what its events said last.', ensure_ascii=True)}",
        "",
        f"    name = {_quoted(name)}",
        "    version = 1",
    ]
    taken = {"name", "version", "rows", "table", "tables", "handlers", "given", "feed"}
    for known in types:
        method = _slug(short_type(known.name).rsplit(".", 1)[-1], "event")
        while method in taken:
            method += "_"
        taken.add(method)
        lines += [
            "",
            f"    @on({_quoted(known.name)})",
            f"    def {method}(self, event):",
            "        row = self.rows.setdefault(event.stream, {})",
            '        row["last"] = event.type',
        ]
        lines += [f"        row[{_quoted(own)}] = event.data.get({_quoted(own)})" for own in _attributes(known)]
    if not types:
        lines += ["", '    @on("*")', "    def anything(self, event):"]
        lines += ['        row = self.rows.setdefault(event.stream, {"events": 0})', '        row["events"] += 1']
    return "\n".join(lines) + "\n"


def _steps(title: str, types: list[KnownType]) -> str:
    lines = [
        f"# One row for each {title}: what its events said last.".replace("\n", " "),
        f"name: {_quoted(_slug(title))}",
        "version: 1",
        "key: stream",
        "handlers:",
    ]
    usable = [known for known in types if "," not in known.name]
    for known in usable:
        lines += [f"  {_quoted(known.name)}:", "    - set:", "        last: type"]
        lines += [f"        {_quoted(own)}: {_quoted(f'data.{_quoted(own)}')}" for own in _attributes(known)]
    if not usable:
        lines += ['  "*":', "    - add: {events: 1}"]
    return "\n".join(lines) + "\n"


def _sql(title: str, types: list[KnownType]) -> str:
    usable = [known.name for known in types if "," not in known.name]
    lines = [f"-- name: {_slug(title)}", "-- version: 1"]
    if usable and len(usable) == len(types):
        lines.append(f"-- types: {', '.join(usable)}")
    lines += [
        "",
        "-- key: stream",
        "SELECT stream, count(*) AS events, min(recorded_at) AS first_at, max(recorded_at) AS last_at,",
        "       max_by(type, version) AS last",
        "FROM events GROUP BY stream;",
        "",
        "-- table: types",
        "-- key: type",
        "SELECT type, count(*) AS events, count(DISTINCT stream) AS streams",
        "FROM events GROUP BY type;",
    ]
    return "\n".join(lines) + "\n"
