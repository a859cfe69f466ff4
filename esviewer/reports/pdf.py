"""A report as PDF: vectors and embedded fonts only, numbered pages, contents with links, tables that go over pages."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from fpdf import FPDF
from fpdf.outline import OutlineSection

from esviewer import __version__
from esviewer.reports import pdf_picture, pdf_table
from esviewer.reports.document import Document, Fact, Section
from esviewer.reports.pdf_page import MARGIN, Pages
from esviewer.reports.pictures import drawing

_COLUMNS: Final = 3


def pdf(document: Document) -> bytes:
    """The file; the same document gives the same bytes. Tables are cut after 1 000 rows, and say so."""
    pages = Pages(f"{document.title}  ·  content hash {document.figures.get('content_hash')}")
    body = pages.faces.body
    pages.set_title(body.drawable(document.title))
    pages.set_subject(body.drawable(document.summary))
    pages.set_lang("en")
    pages.set_creator(f"esviewer {__version__}")
    pages.set_creation_date(datetime.fromisoformat(str(document.figures["read_at"])))
    pages.add_page()
    pages.paragraph(document.title, pages.faces.title, width=pages.epw)
    pages.paragraph(document.summary, body, "second", pages.epw)
    _figures(pages, [fact for fact in document.facts if fact.is_main])
    _facts(pages, [fact for fact in document.facts if not fact.is_main])
    pages.room(pages.faces.body.leading * (len(document.sections) + 3))
    pages.insert_toc_placeholder(_contents, pages=1)
    for section in document.sections:
        _section(pages, section)
    return bytes(pages.output())


def _figures(pages: Pages, facts: list[Fact]) -> None:
    pages.y += 3
    width = pages.epw / max(6, len(facts))
    for number, fact in enumerate(facts):
        left = MARGIN + number * width
        pages.put(left, pages.y, pages.faces.caption.drawable(fact.label), pages.faces.caption, "second")
        figure = pages.faces.figure.drawable("".join(pdf_table.shown_text(fact.value, fact.kind)))
        pages.put(left, pages.y + pages.faces.caption.leading, figure, pages.faces.figure)
    if facts:
        pages.y += pages.faces.caption.leading + pages.faces.figure.leading + 4


def _facts(pages: Pages, facts: list[Fact]) -> None:
    """Labels and values in columns, row by row."""
    gap = 6.0
    width = (pages.epw - gap * (_COLUMNS - 1)) / _COLUMNS
    caption = pages.faces.caption
    for start in range(0, len(facts), _COLUMNS):
        some = facts[start : start + _COLUMNS]
        shown = []
        for fact in some:
            face = pages.faces.mono if fact.kind == "name" else pages.faces.body
            value = "".join(pdf_table.shown_text(fact.value, fact.kind))
            shown.append((face, list(face.lines(face.drawable(value), width))))
        height = max(len(lines) * face.leading for face, lines in shown) + caption.leading
        pages.room(height)
        for number, (fact, (face, lines)) in enumerate(zip(some, shown, strict=True)):
            left = MARGIN + number * (width + gap)
            pages.put(left, pages.y, caption.drawable(fact.label), caption, "second")
            for place, line in enumerate(lines):
                pages.put(left, pages.y + caption.leading + place * face.leading, line, face)
        pages.y += height + 1.6
    pages.y += 2


def _contents(pages: FPDF, outline: list[OutlineSection]) -> None:
    """Every section with its page; the whole line is a link."""
    assert isinstance(pages, Pages)
    body = pages.faces.body
    pages.paragraph("Contents", pages.faces.strong)
    for section in outline:
        number = str(section.page_number)
        width = min(pages.epw, 140.0)
        pages.put(MARGIN, pages.y, section.name, body, "accent")
        pages.put(MARGIN + width - body.width(number), pages.y, number, body, "accent")
        link = pages.add_link(page=section.page_number, y=max(0.0, pages.h - (section.dest.top or 0.0) / pages.k - 2))
        pages.link(MARGIN, pages.y, width, body.leading, link)
        pages.y += body.leading + 0.6


def _section(pages: Pages, section: Section) -> None:
    picture = None if section.picture is None else drawing(section.picture)
    # A heading is never left alone at the end of a page.
    pages.room(32 if picture is None or section.sentences else 12 + pdf_picture.height(pages, picture))
    pages.y += 2
    heading = pages.faces.heading
    pages.start_section(heading.drawable(section.title))
    pages.paragraph(section.title, heading, width=pages.epw)
    for sentence in section.sentences:
        pages.paragraph(sentence, pages.faces.body)
    if picture is not None:
        pdf_picture.draw(pages, picture)
    for table in section.tables:
        pdf_table.write(pages, table)
    pages.y += 2
