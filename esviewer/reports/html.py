"""A report as one HTML file: no network, light and dark, prints, tables that sort and filter.

Nothing of a store can run in it: all text is escaped, and a policy allows only the one script and the one style sheet
of this package, by their hashes. Where the policy cannot be read (a mail program), the escapes still hold.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.resources import files
from typing import Final

from esviewer.reports.density_picture import svg
from esviewer.reports.document import Cell, Column, Document, Fact, Section, Table, visible

MOST_ROWS: Final = 5_000
_SEVERITIES: Final = {"error": "error", "warn": "warning", "info": "note"}


def html(document: Document) -> str:
    """The page; tables of more than 5 000 rows are cut, and say so."""
    return "\n".join(_page(document)) + "\n"


def text(value: str) -> str:
    """Text that is shown as it is, in an element or in an attribute in quotes."""
    return escape(visible(value), quote=True)


@cache
def _part(name: str) -> str:
    """The style sheet or the script of all reports."""
    return files("esviewer.reports").joinpath(name).read_text("utf-8")


def _sha256(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _page(document: Document) -> Iterator[str]:
    style, script = _part("report.css"), _part("report.js")
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    policy = f"default-src 'none'; script-src {_sha256(script)}; style-src {_sha256(style)}"
    policy += "; base-uri 'none'; form-action 'none'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{text(document.title)}</title>"
    yield f"<style>{style}</style>"
    yield "</head>"
    yield "<body>"
    yield "<header>"
    yield f"<h1>{text(document.title)}</h1>"
    yield f'<p class="summary">{text(document.summary)}</p>'
    yield from _facts(document.facts)
    yield "</header>"
    yield "<main>"
    for number, section in enumerate(document.sections, 1):
        yield from _section(section, number)
    yield "</main>"
    yield f"<script>{script}</script>"
    yield "</body>"
    yield "</html>"


def _facts(facts: tuple[Fact, ...]) -> Iterator[str]:
    for name, is_main in (("figures", True), ("facts", False)):
        yield f'<dl class="{name}">'
        for fact in facts:
            if fact.is_main != is_main:
                continue
            value = f"<dd{_attributes(fact.value, Column(fact.label, fact.kind))}>{_shown(fact.value, fact.kind)}</dd>"
            yield f"<div><dt>{text(fact.label)}</dt>{value}</div>"
        yield "</dl>"


def _section(section: Section, number: int) -> Iterator[str]:
    yield f'<section aria-labelledby="section-{number}">'
    yield f'<h2 id="section-{number}">{text(section.title)}</h2>'
    for sentence in section.sentences:
        yield f"<p>{text(sentence)}</p>"
    if section.picture is not None:
        yield svg(section.picture)
    for table in section.tables:
        yield from _table(table)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    yield '<div class="table"><table>'
    yield f"<caption>{text(table.title)}</caption>"
    heads = "".join(f'<th scope="col" class="{column.kind}">{text(column.title)}</th>' for column in table.columns)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    for row in table.rows[:MOST_ROWS]:
        cells = zip(row, table.columns, strict=True)
        made = (f"<td{_attributes(cell, column)}>{_shown(cell, column.kind)}</td>" for cell, column in cells)
        yield f"<tr>{''.join(made)}</tr>"
    yield "</tbody></table></div>"
    if len(table.rows) > MOST_ROWS:
        yield f'<p class="cut">And {len(table.rows) - MOST_ROWS:,} more rows, which the JSON has.</p>'


def _attributes(cell: Cell, column: Column) -> str:
    """The class of a cell, and for numbers the value to sort by."""
    value = f' data-value="{cell}"' if isinstance(cell, int) else ""
    return f' class="{column.kind}"{value}'


def _shown(cell: Cell, kind: str) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, tuple):
        return f"<ul>{''.join(f'<li>{text(sentence)}</li>' for sentence in cell)}</ul>"
    if isinstance(cell, int):
        return f"{cell:,}" if kind == "number" else str(cell)
    if kind == "severity" and cell in _SEVERITIES:
        return f'<span class="{cell}">{_SEVERITIES[cell]}</span>'
    return text(cell)
