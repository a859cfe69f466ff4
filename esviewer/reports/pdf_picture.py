"""Pictures of a PDF, drawn as vectors."""

from __future__ import annotations

from typing import Final

from esviewer.reports.colours import light
from esviewer.reports.drawing import HUES, WIDTH, Boxes, Drawing, Marks, Shape, Words, corners
from esviewer.reports.pdf_page import MARGIN, Pages

_DISC: Final = 9.0
"""Across a mark, in units of the drawing."""


_AROUND: Final = 22.0
"""Millimetres on its page that a picture leaves to a heading and its caption."""


def height(pages: Pages, drawing: Drawing) -> float:
    """How much room a picture takes with its caption."""
    return drawing.height * _scale(pages, drawing) + 2 * pages.faces.caption.leading + 2


def _scale(pages: Pages, drawing: Drawing) -> float:
    """Over the whole width; smaller only where it would be higher than a page."""
    return min(pages.epw / WIDTH, (pages.bottom - MARGIN - _AROUND) / drawing.height)


def draw(pages: Pages, drawing: Drawing) -> None:
    """A picture, whole on one page."""
    caption = pages.faces.caption
    scale = _scale(pages, drawing)
    pages.room(height(pages, drawing))
    top = pages.y
    for group in drawing.groups:
        for shape in group.shapes:
            _draw(pages, shape, top, scale)
    for shape in drawing.rest:
        _draw(pages, shape, top, scale)
    pages.y = top + drawing.height * scale + 1
    pages.paragraph(f"{drawing.title}. {drawing.caption}", caption, "second", pages.epw)
    pages.y += 2


def _draw(pages: Pages, shape: Shape, top: float, scale: float) -> None:
    if isinstance(shape, Words):
        _words(pages, shape, top, scale)
    elif isinstance(shape, Boxes):
        pages.set_fill_color(light()["sunken" if shape.rank is None else f"hue{shape.rank % HUES}"])
        for x, y, width, height in shape.boxes:
            pages.rect(MARGIN + x * scale, top + y * scale, width * scale, height * scale, style="F")
    else:
        _marks(pages, shape, top, scale)


def _words(pages: Pages, words: Words, top: float, scale: float) -> None:
    face = pages.faces.caption
    text = face.drawable(words.text)
    shift = {"start": 0.0, "middle": 0.5, "end": 1.0}[words.anchor] * face.width(text)
    pages.face(face)
    pages.set_text_color(light()[words.tone])
    pages.text(MARGIN + words.x * scale - shift, top + words.y * scale, text)


def _marks(pages: Pages, marks: Marks, top: float, scale: float) -> None:
    colour = light()[f"hue{marks.rank % HUES}"]
    pages.set_fill_color(light()["panel"] if marks.hollow else colour)
    pages.set_draw_color(colour)
    pages.set_line_width(0.3)
    style = "DF" if marks.hollow else "F"
    for x, y in marks.places:
        found = corners(x, y, marks.rank)
        if found:
            pages.polygon([(MARGIN + left * scale, top + up * scale) for left, up in found], style=style)
        else:
            across = _DISC * scale
            pages.ellipse(MARGIN + x * scale - across / 2, top + y * scale - across / 2, across, across, style=style)
