"""Tables of a PDF: columns as wide as what stands in them, rows that go on to the next page below the heads again.

Not the library's own tables: at 4 ms a cell a table of 1 000 rows took half a minute (measured, fpdf2 2.8.9).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from esviewer.reports.document import Cell, Column, Table
from esviewer.reports.pdf_page import MARGIN, Pages
from esviewer.reports.pdf_text import Face

MOST_ROWS: Final = 1_000
_MOST_LINES: Final = 30
_MOST_LETTERS: Final = 4_000
_GAP: Final = 3.0
_PAD: Final = 1.1
_SAMPLE: Final = 300
"""Rows by which widths are chosen."""
_WIDEST: Final = 120.0
_LEAST: Final = 12.0
_SEVERITIES: Final = {
    "error": ("■ error", "removed"),
    "warn": ("▲ warning", "changed"),
    "info": ("● note", "second"),
}
_MONO: Final = ("name", "positions", "value", "code")


@dataclass(frozen=True, slots=True)
class _Place:
    """A column on the page."""

    column: Column
    face: Face
    left: float
    width: float


def write(pages: Pages, table: Table) -> None:
    """The table, at most 1 000 rows; what is cut is said."""
    shown = table.shown(MOST_ROWS)
    cells = [[shown_text(cell, column.kind) for cell, column in _pairs(table, row)] for row in shown.rows]
    places = _places(pages, table, cells)
    head = pages.faces.head
    pages.room(head.leading * 5)
    pages.paragraph(table.title, pages.faces.caption, "second")
    pages.y -= 0.5
    if shown.left_out_before:
        pages.paragraph(shown.left_out_before, pages.faces.caption, "second")
    _write_heads(pages, places)
    is_cut = False
    for row in cells:
        is_cut |= _write_row(pages, places, row)
    pages.y += 1
    if is_cut:
        pages.paragraph("A text that ends with … is cut: the JSON has it whole.", pages.faces.caption, "second")
    if shown.left_out_behind:
        pages.paragraph(shown.left_out_behind, pages.faces.caption, "second")
    pages.y += 2


def _pairs(table: Table, row: tuple[Cell, ...]) -> zip[tuple[Cell, Column]]:
    return zip(row, table.columns, strict=True)


def shown_text(cell: Cell, kind: str) -> tuple[str, ...]:
    """A cell as paragraphs of text."""
    if cell is None:
        return ("–",)
    if isinstance(cell, tuple):
        return cell
    if isinstance(cell, int):
        return (f"{cell:,}" if kind == "number" else str(cell),)
    return (_SEVERITIES[cell][0] if kind == "severity" and cell in _SEVERITIES else cell,)


def _places(pages: Pages, table: Table, cells: list[list[tuple[str, ...]]]) -> list[_Place]:
    """Widths after what stands in the columns: the widest give way until all fit."""
    faces = [pages.faces.mono if column.kind in _MONO else pages.faces.cell for column in table.columns]
    head = pages.faces.head
    widths = []
    for number, (column, face) in enumerate(zip(table.columns, faces, strict=True)):
        texts = [text for row in cells[:_SAMPLE] for text in row[number]]
        widest = max((face.width(face.drawable(text[:200])) for text in texts), default=0.0)
        title = max(map(head.width, head.drawable(column.title).split(" ")))
        widths.append(max(title, min(widest, _WIDEST), _LEAST) + 0.3)
    room = pages.epw - _GAP * (len(widths) - 1)
    widths = _fitted(widths, room)
    rest = room - sum(widths)
    # A narrow table stays narrow: numbers far from what they are numbers of are hard to read.
    if 0 < rest < room * 0.4:
        widths[-1 if table.columns[-1].kind != "number" else widths.index(max(widths))] += rest
    places, left = [], MARGIN
    for column, face, width in zip(table.columns, faces, widths, strict=True):
        places.append(_Place(column, face, left, width))
        left += width + _GAP
    return places


def _fitted(widths: list[float], room: float) -> list[float]:
    """Widths that fit into a room: all that are wider than a limit are brought down to it."""
    low, high = 0.0, max(widths)
    if sum(widths) <= room:
        return widths
    for _ in range(40):
        limit = (low + high) / 2
        low, high = (limit, high) if sum(min(width, limit) for width in widths) <= room else (low, limit)
    return [min(width, low) for width in widths]


def _write_heads(pages: Pages, places: list[_Place]) -> None:
    head = pages.faces.head
    lines = [list(head.lines(head.drawable(place.column.title), place.width)) for place in places]
    top = pages.y
    for place, own in zip(places, lines, strict=True):
        for number, line in enumerate(own):
            shift = place.width - head.width(line) if place.column.kind == "number" else 0
            pages.put(place.left + shift, top + number * head.leading, line, head, "second")
    pages.y = top + max(map(len, lines)) * head.leading + _PAD
    pages.rule(pages.y, "strong", _right(places))
    pages.y += _PAD


def _write_row(pages: Pages, places: list[_Place], row: list[tuple[str, ...]]) -> bool:
    """One row; whether a text in it had to be cut."""
    lines: list[list[str]] = []
    is_cut = False
    for place, texts in zip(places, row, strict=True):
        own: list[str] = []
        for text in texts:
            some = text if len(text) <= _MOST_LETTERS else text[:_MOST_LETTERS] + "…"
            own += place.face.lines(place.face.drawable(some), place.width)
        if len(own) > _MOST_LINES or any(len(text) > _MOST_LETTERS for text in texts):
            is_cut = True
            own = [*own[: _MOST_LINES - 1], "…"] if len(own) > _MOST_LINES else own
        lines.append(own)
    height = max(len(own) * place.face.leading for own, place in zip(lines, places, strict=True))
    if pages.room(height + 2 * _PAD):
        _write_heads(pages, places)
    top = pages.y
    for place, own, texts in zip(places, lines, row, strict=True):
        colour = _colour(place.column, texts)
        for number, line in enumerate(own):
            shift = place.width - place.face.width(line) if place.column.kind == "number" else 0
            pages.put(place.left + shift, top + number * place.face.leading, line, place.face, colour)
    pages.y = top + height + _PAD
    pages.rule(pages.y, right=_right(places))
    pages.y += _PAD
    return is_cut


def _right(places: list[_Place]) -> float:
    """The right edge of a table."""
    return places[-1].left + places[-1].width


def _colour(column: Column, texts: tuple[str, ...]) -> str:
    if column.kind == "severity" and texts:
        return next((colour for text, colour in _SEVERITIES.values() if text == texts[0]), "text")
    return "text"
