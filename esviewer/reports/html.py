"""A report as one HTML file: no network, light and dark, prints, tables that sort and filter.

Nothing of a store can run in it: all text is escaped, and a policy allows only the one script and the one style sheet
of this package, by their hashes. Where the policy cannot be read (a mail program), the escapes still hold.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from itertools import islice
from typing import Final

from esviewer.reports.colours import part
from esviewer.reports.document import Cell, Column, Document, Fact, Section, Table, shortened, visible
from esviewer.reports.pictures import drawing
from esviewer.reports.svg import svg

MOST_ROWS: Final = 5_000
_MOST_LETTERS: Final = 2_000
"""Characters of a value that a cell shows."""
_MOST_BYTES: Final = 8_000_000
"""Characters of one table: a browser opens such a page, and mail takes it."""
_SEVERITIES: Final = {"error": "error", "warn": "warning", "info": "note"}


def html(document: Document) -> str:
    """The page; tables of more than 5 000 rows are cut, or sooner where rows are long, and say so."""
    return "\n".join(_page(document)) + "\n"


def text(value: str) -> str:
    """Text that is shown as it is, in an element or in an attribute in quotes."""
    return escape(visible(value), quote=True)


def _sha256(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


def _page(document: Document) -> Iterator[str]:
    style, script = part("report.css"), part("report.js")
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
        yield svg(drawing(section.picture))
    for table in section.tables:
        yield from _table(table)
    yield "</section>"


def _table(table: Table) -> Iterator[str]:
    rows = _rows(table)
    shown = table.shown(len(rows))
    if shown.left_out_before:
        yield f'<p class="cut">{text(shown.left_out_before)}</p>'
    yield '<div class="table"><table>'
    yield f"<caption>{text(table.title)}</caption>"
    heads = "".join(f'<th scope="col" class="{column.kind}">{text(column.title)}</th>' for column in table.columns)
    yield f"<thead><tr>{heads}</tr></thead>"
    yield "<tbody>"
    yield from rows
    yield "</tbody></table></div>"
    if shown.left_out_behind:
        yield f'<p class="cut">{text(shown.left_out_behind)}</p>'


def _rows(table: Table) -> list[str]:
    """The rows that there is room for, from the end that the table keeps."""
    made: list[str] = []
    room = _MOST_BYTES
    for row in islice(reversed(table.rows) if table.keeps_end else table.rows, MOST_ROWS):
        cells = zip(row, table.columns, strict=True)
        parts = (f"<td{_attributes(cell, column)}>{_shown(cell, column.kind)}</td>" for cell, column in cells)
        made.append(f"<tr>{''.join(parts)}</tr>")
        room -= len(made[-1])
        if room < 0:
            break
    return made[::-1] if table.keeps_end else made


def _attributes(cell: Cell, column: Column) -> str:
    """The class of a cell, and for numbers the value to sort by."""
    value = f' data-value="{cell}"' if isinstance(cell, int) else ""
    return f' class="{column.kind}"{value}'


def _shown(cell: Cell, kind: str) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, tuple) and kind == "code":
        return f"<pre>{chr(10).join(map(text, cell))}</pre>"
    if isinstance(cell, tuple):
        return f"<ul>{''.join(f'<li>{text(sentence)}</li>' for sentence in cell)}</ul>"
    if isinstance(cell, int):
        return f"{cell:,}" if kind == "number" else str(cell)
    if kind == "value":
        return text(shortened(cell, _MOST_LETTERS))
    if kind == "severity" and cell in _SEVERITIES:
        return f'<span class="{cell}">{_SEVERITIES[cell]}</span>'
    return text(cell)
