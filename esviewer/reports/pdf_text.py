"""Text of a PDF: the fonts that it embeds, what they cannot show, and where lines are broken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fpdf import FPDF

import esviewer
from esviewer.reports.document import visible

MILLIMETRES: Final = 25.4 / 72
_BREAKS: Final = frozenset(" /:.,;_-–}]")
"""Behind these a line may end."""


@dataclass(frozen=True, slots=True)
class Face:
    """A family and weight in one size (points), with the widths of characters in millimetres."""

    family: str
    style: str
    size: float
    widths: dict[str, float] = field(repr=False, compare=False, hash=False)

    @property
    def leading(self) -> float:
        """From one line to the next, in millimetres."""
        return self.size * 1.35 * MILLIMETRES

    def drawable(self, text: str) -> str:
        """The text with escapes for what cannot be seen, turns the reading direction or is not in the font."""
        shown = visible(text)
        if self.widths.keys() >= set(shown):
            return shown
        return "".join(map(self._character, shown))

    def _character(self, one: str) -> str:
        if one in self.widths:
            return one
        # Our own sentences group digits by thin spaces.
        return " " if one == "\u202f" else one.encode("unicode_escape").decode()

    def width(self, text: str) -> float:
        """The width of a drawable text in one line."""
        return sum(map(self.widths.__getitem__, text))

    def lines(self, text: str, width: float) -> Iterator[str]:
        """A drawable text in lines that are no wider: broken behind a space or a mark, else anywhere."""
        start = last = 0
        used = 0.0
        for place, one in enumerate(text):
            used += self.widths[one]
            # Twice where what follows a mark is too wide by itself.
            while used > width and place > start and one != " ":
                end = last if last > start else place
                yield text[start:end].rstrip(" ")
                start = last = end
                used = self.width(text[start : place + 1])
            if one in _BREAKS:
                last = place + 1
        yield text[start:]


@dataclass(frozen=True, slots=True)
class Faces:
    """All faces of a report."""

    title: Face
    heading: Face
    strong: Face
    body: Face
    figure: Face
    caption: Face
    head: Face
    cell: Face
    mono: Face


def faces_of(pdf: FPDF) -> Faces:
    """Embeds the fonts of the window (Inter and JetBrains Mono), of which only the glyphs that are used stay."""
    folder = _folder()
    widths: dict[str, dict[str, float]] = {}
    for family, style, file in (("sans", "", "sans-400"), ("sans", "B", "sans-600"), ("mono", "", "mono-400")):
        pdf.add_font(family, style, folder / f"esviewer-{file}.ttf")
        known = pdf.fonts[family + style].cw
        widths[family + style] = {chr(int(one)): width / 1_000 * MILLIMETRES for one, width in known.items()}

    def face(family: str, style: str, size: float) -> Face:
        own = {one: width * size for one, width in widths[family + style].items()}
        return Face(family, style, size, own)

    return Faces(
        title=face("sans", "B", 19),
        heading=face("sans", "B", 12.5),
        strong=face("sans", "B", 9),
        body=face("sans", "", 9),
        figure=face("sans", "B", 15),
        caption=face("sans", "", 7.5),
        head=face("sans", "B", 7.5),
        cell=face("sans", "", 7.5),
        mono=face("mono", "", 7),
    )


def _folder() -> Path:
    """The fonts: inside the package in a wheel, beside it in a checkout."""
    package = Path(esviewer.__file__).parent
    installed = package / "resources" / "fonts"
    return installed if installed.is_dir() else package.parent / "resources" / "fonts"
