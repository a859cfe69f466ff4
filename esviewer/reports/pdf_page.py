"""The pages of a PDF: where the pen stands, text in a face and a colour, and what stands at the foot of each page."""

from __future__ import annotations

from typing import Final

from fpdf import FPDF

from esviewer.reports.colours import light
from esviewer.reports.pdf_text import MILLIMETRES, Face, Faces, faces_of

MARGIN: Final = 14.0
_FOOT: Final = 16.0


class Pages(FPDF):
    """A4, lying. All lengths are millimetres; ``y`` is where the next thing begins."""

    def __init__(self, foot: str) -> None:
        super().__init__(orientation="landscape", format="A4")
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.c_margin = 0.0
        self.set_auto_page_break(False)
        self._foot = foot
        self.faces: Faces = faces_of(self)

    @property
    def bottom(self) -> float:
        """Where the room of a page ends."""
        return float(self.h) - _FOOT

    def header(self) -> None:
        """Nothing: the room begins below the margin."""
        self.set_y(MARGIN)

    def footer(self) -> None:
        """What the page belongs to, and its number."""
        caption, left, top = self.faces.caption, MARGIN, float(self.h) - 12
        self.rule(top)
        foot = next(caption.lines(caption.drawable(self._foot), self.epw - 40))
        self.put(left, top + 2, foot, caption, "second")
        self.face(caption)
        self.set_text_color(light()["second"])
        # Put where it begins, since how many pages there are is filled in at the end.
        self.set_xy(left + self.epw - caption.width("page 888 of 888"), top + 2)
        self.cell(None, caption.leading, f"page {self.page_no()} of {{nb}}")

    def face(self, face: Face) -> None:
        """Writes on in a face."""
        self.set_font(face.family, face.style, face.size)

    def put(self, x: float, y: float, text: str, face: Face, colour: str = "text") -> None:
        """One drawable line; ``y`` is its upper edge."""
        self.face(face)
        self.set_text_color(light()[colour])
        self.text(x, y + face.size * MILLIMETRES * 0.98, text)

    def rule(self, y: float, colour: str = "border", right: float | None = None) -> None:
        """A thin line from the left margin, over the whole width if not said otherwise."""
        self.set_draw_color(light()[colour])
        self.set_line_width(0.2)
        self.line(MARGIN, y, MARGIN + self.epw if right is None else right, y)

    def room(self, height: float) -> bool:
        """Goes to the next page if there is not so much room on this one; whether it did."""
        if self.y + height <= self.bottom:
            return False
        self.add_page()
        return True

    def paragraph(self, text: str, face: Face, colour: str = "text", width: float | None = None) -> None:
        """Lines of text, with a little room behind them; ``width`` is that of a line, 200 mm if not given."""
        for line in face.lines(face.drawable(text), min(self.epw, 200.0) if width is None else width):
            self.room(face.leading)
            self.put(MARGIN, self.y, line, face, colour)
            self.y += face.leading
        self.y += 1.5
