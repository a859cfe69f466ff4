"""A report as Markdown, for an issue or a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from esviewer.reports.document import Cell, Column, Document, Table, shortened, visible

_MOST_ROWS: Final = 200
_MOST_LETTERS: Final = 200
_SPECIAL: Final = re.compile(r"[\\`*_{}\[\]()|~!$+]|(?<=www)\.|:(?=/)")
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@<!-- -->", "#": "#<!-- -->"}


def markdown(document: Document) -> str:
    """The text; tables of more than 200 rows are cut, and say so. Pictures are only in the HTML."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    yield f"# {escaped(document.title)}"
    yield ""
    yield f"**{escaped(document.summary)}**"
    yield ""
    yield "| fact | value |"
    yield "|---|---|"
    for fact in document.facts:
        yield f"| {escaped(fact.label)} | {_cell(fact.value, Column(fact.label, fact.kind))} |"
    for section in document.sections:
        yield ""
        yield f"## {escaped(section.title)}"
        for sentence in section.sentences:
            yield ""
            yield escaped(sentence)
        for table in section.tables:
            yield ""
            yield from _table(table)


def _table(table: Table) -> Iterator[str]:
    shown = table.shown(_MOST_ROWS)
    yield f"**{escaped(table.title)}**"
    yield ""
    if shown.left_out_before:
        yield escaped(shown.left_out_before)
        yield ""
    yield f"| {' | '.join(escaped(column.title) for column in table.columns)} |"
    yield f"|{'|'.join('--:' if column.kind == 'number' else '---' for column in table.columns)}|"
    for row in shown.rows:
        yield f"| {' | '.join(_cell(cell, column) for cell, column in zip(row, table.columns, strict=True))} |"
    if shown.left_out_behind:
        yield ""
        yield escaped(shown.left_out_behind)


def _cell(cell: Cell, column: Column) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, tuple):
        return "<br>".join(_line(line) if column.kind == "code" else escaped(line) for line in cell)
    if isinstance(cell, int):
        return f"{cell:,}" if column.kind == "number" else str(cell)
    return escaped(shortened(cell, _MOST_LETTERS) if column.kind == "value" else cell)


def _line(code: str) -> str:
    """A line of code with the spaces at its beginning."""
    own = code.lstrip(" ")
    return "&nbsp;" * (len(code) - len(own)) + escaped(own)


def escaped(text: str) -> str:
    """Text as Markdown that shows just this text: no markup, no HTML, no link, and nobody is mentioned.

    ``\\@`` still mentions and ``\\#1`` still links on GitHub, which looks for them in what was rendered; a comment
    between the two stops that.
    """
    # Entities first would have their own marks escaped.
    marked = _SPECIAL.sub(r"\\\g<0>", visible(text))
    return "".join(_ENTITIES.get(character, character) for character in marked)
