"""The looks as data: colours by name, the palette and style sheet made of them, and the switch between light and dark.

Colours live in ``resources/themes``, the style sheet in ``resources/styles/app.qss`` with ``$token`` for a colour and
``${icon_NAME__TOKEN}`` for an icon in that colour (``chevron_down`` for ``chevron-down``).
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import Final, Literal

from PySide6.QtCore import QDir, QObject, Qt, QTemporaryDir, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QToolTip

from esviewer.ui import fonts, resources

Name = Literal["light", "dark"]
Choice = Literal["light", "dark", "system"]
Shape = Literal["circle", "diamond", "square", "triangle", "triangle_down", "hexagon", "plus", "star"]

# Neighbours differ as much as possible: at 8 px a hexagon is taken for a circle.
SHAPES: Final[tuple[Shape, ...]] = (
    "circle", "diamond", "square", "triangle", "plus", "triangle_down", "star", "hexagon",
)  # fmt: skip
HUES: Final = 8

_PLACE: Final = re.compile(r"\$(?:\{icon_(\w+?)__(\w+)\}|(\w+))")
_TINTED: Final = "esviewer-tinted"

_ROLES: Final = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "panel",
    QPalette.ColorRole.AlternateBase: "sunken",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.Button: "panel",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "removed",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.PlaceholderText: "third",
    QPalette.ColorRole.Highlight: "selected",
    QPalette.ColorRole.HighlightedText: "text",
    QPalette.ColorRole.Accent: "accent",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.LinkVisited: "accent",
    QPalette.ColorRole.Light: "raised",
    QPalette.ColorRole.Midlight: "hover",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Dark: "strong",
    QPalette.ColorRole.Shadow: "strong",
}
_WRITTEN_ON: Final = (
    QPalette.ColorRole.WindowText,
    QPalette.ColorRole.Text,
    QPalette.ColorRole.ButtonText,
    QPalette.ColorRole.HighlightedText,
)


class Theme:
    """One set of colours; never changes, so a widget may keep what it made from it until ``signals().changed``."""

    def __init__(self, name: Name) -> None:
        data = tomllib.loads(resources.text(f"themes/{name}.toml"))
        self.name: Name = name
        self.is_dark: bool = data["dark"]
        self._colors = {token: QColor(value) for token, value in data["colors"].items()}
        self._lanes = [QColor(value) for value in data["lanes"]["colors"]]

    @property
    def tokens(self) -> frozenset[str]:
        """The names that ``color`` knows."""
        return frozenset(self._colors)

    def color(self, token: str) -> QColor:
        """The colour of a token, a copy of its own; raises ``KeyError`` for an unknown one."""
        return QColor(self._colors[token])

    def lane(self, i: int) -> QColor:
        """The colour of the event type that is ``i``-th by frequency, from 0: eight hues, a step of each, and again."""
        return QColor(self._lanes[i % len(self._lanes)])

    def lane_shape(self, i: int) -> Shape:
        """The shape of its marks; colour and shape together are unique for the first 128 lanes."""
        hue, turn = i % HUES, i // HUES
        return SHAPES[(hue + turn // 2 + 4 * (turn % 2)) % len(SHAPES)]

    def palette(self) -> QPalette:
        """The palette for what Qt draws without the style sheet."""
        palette = QPalette()
        for role, token in _ROLES.items():
            palette.setColor(role, self._colors[token])
        for role in _WRITTEN_ON:
            palette.setColor(QPalette.ColorGroup.Disabled, role, self._colors["third"])
        return palette

    def stylesheet(self) -> str:
        """The style sheet in these colours; raises ``KeyError`` where it names an unknown token."""
        return _PLACE.sub(self._fill, resources.text("styles/app.qss"))

    def _fill(self, place: re.Match[str]) -> str:
        icon, tint, token = place.groups()
        if token is not None:
            return self._colors[token].name()
        return f"url({_tinted_icon(icon.replace('_', '-'), self._colors[tint].name())})"


@cache
def _tinted_folder() -> QTemporaryDir:
    """Where icons for the style sheet lie (it takes only files); goes away with the process."""
    folder = QTemporaryDir()
    QDir.addSearchPath(_TINTED, folder.path())
    return folder


@cache
def _tinted_icon(name: str, color: str) -> str:
    """The address, for a style sheet, of an icon in a colour."""
    file = f"{name}-{color.removeprefix('#')}.svg"
    source = resources.text(f"icons/{name}.svg").replace("currentColor", color)
    with open(_tinted_folder().filePath(file), "w", encoding="utf-8") as out:  # noqa: PTH123 - Qt's path, as it is
        out.write(source)
    return f"{_TINTED}:{file}"


class Signals(QObject):
    """Tells own-painted widgets that the theme became another one."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.choice: Choice = "light"
        self.current: Theme | None = None
        self.app: QApplication | None = None

    def follow_system(self) -> None:
        """Takes the scheme of the system, unless the user chose one."""
        if self.app is not None and self.choice == "system":
            _wear(self.app, _system(self.app))


@cache
def signals() -> Signals:
    """The one holder of ``changed``."""
    return Signals()


@cache
def load(name: Name) -> Theme:
    """The theme of this name, read once."""
    return Theme(name)


def theme() -> Theme:
    """The theme that is worn now; light before the first ``apply``."""
    return signals().current or load("light")


def begin(app: QApplication, name: Choice) -> None:
    """Gives an empty window its background, for the first paint; :func:`apply` does the rest, which takes longer."""
    app.setStyle("Fusion")
    app.setPalette(load(_system(app) if name == "system" else name).palette())


def apply(app: QApplication, name: Choice) -> None:
    """Dresses the application: Fusion, palette, fonts, style sheet; "system" follows the system from now on."""
    holder = signals()
    holder.choice = name
    if holder.app is not app:
        holder.app = app
        holder.current = None
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(holder.follow_system)
    _wear(app, _system(app) if name == "system" else name)


def _system(app: QApplication) -> Name:
    return "dark" if app.styleHints().colorScheme() is Qt.ColorScheme.Dark else "light"


def _wear(app: QApplication, name: Name) -> None:
    holder = signals()
    new = load(name)
    if holder.current is new:
        return
    holder.current = new
    fonts.load()
    app.setFont(fonts.ui())
    app.setPalette(new.palette())
    QToolTip.setPalette(new.palette())
    QToolTip.setFont(fonts.ui(12))
    app.setStyleSheet(new.stylesheet())
    holder.changed.emit()
