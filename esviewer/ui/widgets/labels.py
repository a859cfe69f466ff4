"""Small things that show text or an icon; text from a store is never read as HTML."""

from __future__ import annotations

import html
from typing import Literal

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QContextMenuEvent, QFont, QFontMetrics, QGuiApplication, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QLabel, QMenu, QSizePolicy, QWidget

from esviewer.ui import fonts, icons
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets.format import ELLIPSIS, grouped

_TOOLTIP_LIMIT = 1_000
"""Characters: more would cover the window."""

Tone = Literal["", "second", "third", "accent", "added", "removed", "changed"]


def tooltip(text: str) -> str:
    """What to give ``setToolTip`` so that ``text`` is shown letter by letter, with its line breaks; a long one cut."""
    text = text if len(text) <= _TOOLTIP_LIMIT else text[:_TOOLTIP_LIMIT] + ELLIPSIS
    return f'<div style="white-space: pre-wrap">{html.escape(text)}</div>' if text else ""


def label(text: str = "", tone: Tone = "", font: QFont | None = None, parent: QWidget | None = None) -> QLabel:
    """A label of plain text in the colour of a tone (the text colour without one)."""
    made = QLabel(parent)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setText(text)
    if tone:
        made.setProperty("tone", tone)
    if font is not None:
        made.setFont(font)
    return made


def set_tone(widget: QWidget, tone: Tone) -> None:
    """Gives a label that is already shown another tone."""
    widget.setProperty("tone", tone)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class ElidedLabel(QLabel):
    """One line of plain text, shortened in the middle where it does not fit; the tooltip and copies have all of it."""

    def __init__(self, text: str = "", tone: Tone = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        if tone:
            self.setProperty("tone", tone)
        self.setText(text)

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(tooltip(text))

    def shown(self) -> str:
        """What fits: the text in one line, perhaps with an ellipsis in its middle."""
        return self.fontMetrics().elidedText(
            " ".join(self.text().splitlines()), Qt.TextElideMode.ElideMiddle, self.contentsRect().width()
        )

    def minimumSizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(min(metrics.averageCharWidth() * 4, super().minimumSizeHint().width()), metrics.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
            vertical = self.alignment() & Qt.AlignmentFlag.AlignHorizontal_Mask
            painter.drawText(self.contentsRect(), int(vertical | Qt.AlignmentFlag.AlignVCenter), self.shown())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icons.icon("copy"), "Copy", self.copy)
        menu.popup(event.globalPos() + QPoint(1, 1))

    @Slot()
    def copy(self) -> None:
        """Puts the whole text on the clipboard."""
        QGuiApplication.clipboard().setText(self.text())


class Badge(QWidget):
    """A number in a pill, or a word; grey, so that a list of them stays calm."""

    def __init__(self, content: int | str = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFont(fonts.ui(fonts.CAPTION, 500))
        self._text = ""
        self.set_content(content)
        signals().changed.connect(self.update)

    @property
    def text(self) -> str:
        """What is shown."""
        return self._text

    def set_content(self, content: int | str) -> None:
        """Shows a number, grouped, or a word."""
        self._text = grouped(content) if isinstance(content, int) else content
        self.setAccessibleName(self._text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return badge_size(self._text, self.fontMetrics())

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setFont(self.font())
            paint_badge(painter, QRectF(self.rect()), self._text)


def badge_size(text: str, metrics: QFontMetrics) -> QSize:
    """The room that ``paint_badge`` needs for a text in a font."""
    return QSize(max(metrics.horizontalAdvance(text) + 14, 22), 18)


def paint_badge(painter: QPainter, rect: QRectF, text: str, selected: bool = False) -> None:
    """Draws a pill with a text, for delegates too; the painter's font is used."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme().color("panel" if selected else "badge"))
    painter.drawRoundedRect(rect, rect.height() / 2, rect.height() / 2)
    painter.setPen(theme().color("second"))
    painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), text)
    painter.restore()


class IconLabel(QWidget):
    """An icon in a token's colour that follows the theme; silent for a screen reader, as words stand beside it."""

    def __init__(self, name: str, token: str = "second", side: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(side, side)
        self._name = name
        self._token = token
        signals().changed.connect(self.update)

    def set_icon(self, name: str, token: str) -> None:
        """Shows another icon."""
        self._name, self._token = name, token
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            icons.paint(painter, self._name, QRectF(self.rect()), theme().color(self._token))
