"""The two faces of the window, brought along so that it looks the same everywhere.

Both are static instances, because Qt draws variable fonts wrong (500 and 600 come out regular), subset to Latin, Greek,
Cyrillic and symbols, under private names: Inter and JetBrains Mono, whose licences stand beside the files. Neither
holds ligatures, so that ``->`` in a payload stays what it is.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtGui import QFont, QFontDatabase

from esviewer.ui import resources

SANS: Final = "Esviewer Sans"
MONO: Final = "Esviewer Mono"

CAPTION: Final = 11
BODY: Final = 13
TITLE: Final = 16

_WEIGHTS: Final = (400, 500, 600)


@cache
def load() -> None:
    """Makes both families known to Qt, once; needs a running application."""
    for face in ("sans", "mono"):
        for weight in _WEIGHTS:
            name = f"fonts/esviewer-{face}-{weight}.ttf"
            if QFontDatabase.addApplicationFont(str(resources.path(name))) < 0:
                raise RuntimeError(f"Qt cannot read the font {name}")


def ui(size: int = BODY, weight: int = 400) -> QFont:
    """The face of words, ``size`` in pixels, with digits of one width so that numbers do not shake as they change."""
    font = QFont(SANS)
    font.setStyleHint(QFont.StyleHint.SansSerif)
    font.setPixelSize(size)
    font.setWeight(QFont.Weight(weight))
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono(size: int = 12, weight: int = 400) -> QFont:
    """The face of payloads, ids and code, ``size`` in pixels."""
    font = QFont(MONO)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setFixedPitch(True)
    font.setPixelSize(size)
    font.setWeight(QFont.Weight(weight))
    return font
