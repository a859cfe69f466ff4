"""Icons: Lucide's outlines in a colour of the current theme, drawn anew at every size and scale.

The files are those of npm ``lucide-static`` 1.62.0, unchanged; the licence stands beside them.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from esviewer.ui import resources
from esviewer.ui.theme import theme

# Lucide's 2 of 24 looks heavy beside text of weight 400 at 16 px.
_STROKE: Final = "1.75"


@cache
def _source(name: str) -> str:
    """The SVG of an icon with a lighter stroke; raises ``FileNotFoundError`` for a name that is not brought along."""
    return resources.text(f"icons/{name}.svg").replace('stroke-width="2"', f'stroke-width="{_STROKE}"')


def paint(painter: QPainter, name: str, rect: QRectF, color: QColor) -> None:
    """Draws an icon into ``rect``, centred and square, in any colour."""
    side = min(rect.width(), rect.height())
    square = QRectF(0, 0, side, side)
    square.moveCenter(rect.center())
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", color.name()).encode()))
    painter.save()
    painter.setOpacity(painter.opacity() * color.alphaF())
    renderer.render(painter, square)
    painter.restore()


def pixmap(name: str, size: QSize, color: QColor, scale: float = 1.0) -> QPixmap:
    """An icon as a picture of ``size`` logical pixels at a device pixel ratio; kept by Qt for the next time."""
    key = f"esviewer/{name}/{color.rgba():x}/{size.width()}x{size.height()}@{scale}"
    kept = QPixmap()
    if QPixmapCache.find(key, kept):
        return kept
    made = QPixmap(size * scale)
    made.setDevicePixelRatio(scale)
    made.fill(Qt.GlobalColor.transparent)
    painter = QPainter(made)
    paint(painter, name, QRectF(0, 0, size.width(), size.height()), color)
    painter.end()
    QPixmapCache.insert(key, made)
    return made


class _Engine(QIconEngine):
    """Paints with the theme of the moment, so that an icon set once follows every change of it."""

    def __init__(self, name: str, token: str) -> None:
        super().__init__()
        self._name = name
        self._token = token

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._token)

    def key(self) -> str:
        return "esviewer"

    def _color(self, mode: QIcon.Mode, state: QIcon.State) -> QColor:
        token = self._token
        if mode is QIcon.Mode.Disabled:
            token = "third"
        elif token == "second" and state is QIcon.State.On:
            token = "accent"
        elif token == "second" and mode is QIcon.Mode.Active:
            token = "text"
        return theme().color(token)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        paint(painter, self._name, QRectF(rect), self._color(mode, state))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        return pixmap(self._name, size, self._color(mode, state))

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        return pixmap(self._name, size, self._color(mode, state), scale)


def icon(name: str, token: str = "second") -> QIcon:
    """The icon of this name in a token's colour; disabled in ``third``, switched on in ``accent`` where it is second.

    Raises ``FileNotFoundError`` for an icon and ``KeyError`` for a token that is not there.
    """
    _source(name)
    theme().color(token)
    return QIcon(_Engine(name, token))
