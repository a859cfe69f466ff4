"""The hover card of the timeline: one widget, used again for each event, that never takes the focus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QFont,
    QFontMetrics,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from esviewer.ui import fonts
from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import signals, theme
from esviewer.ui.timeline_hover import Card
from esviewer.ui.widgets.format import ABSENT, grouped

DELAY: Final = 300
"""ms that the mouse rests on a mark before its card appears."""
_WIDEST: Final = 400
_NARROWEST: Final = 180
_PADDING: Final = 12
_AWAY: Final = 14
"""Pixels between a mark and its card."""
_LINE: Final = 18
_BETWEEN: Final = 6
"""Pixels between the parts of a card."""
_MARK: Final = 18
_ARROW: Final = "→"
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute)
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute)


class CardWidget(QWidget):
    """Shows a :class:`Card` beside a place of the screen, over everything, until it is hidden."""

    def __init__(self, parent: QWidget) -> None:
        flags = Qt.WindowType.ToolTip | Qt.WindowType.FramelessWindowHint | Qt.WindowType.NoDropShadowWindowHint
        super().__init__(parent, flags | Qt.WindowType.WindowDoesNotAcceptFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.content: Card | None = None
        signals().changed.connect(self.update)

    def show_card(self, content: Card, beside: QRect) -> None:
        """Shows a card below or above a rectangle of the screen, wholly on that screen."""
        self.content = content
        self.setAccessibleName(content.text)
        self.resize(_size(content))
        screen = QGuiApplication.screenAt(beside.center()) or QGuiApplication.primaryScreen()
        self.move(placed(self.size(), beside, screen.availableGeometry()))
        self.update()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.content is not None:
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(theme().color("strong"), 1))
                painter.setBrush(theme().color("raised"))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
                _Writer(painter, self.width()).write(self.content)


def placed(size: QSize, beside: QRect, screen: QRect) -> QPoint:
    """The upper left corner of a card: centred under the rectangle, over it where there is no room, on the screen."""
    x = beside.center().x() - size.width() // 2
    below, above = beside.bottom() + _AWAY, beside.top() - _AWAY - size.height()
    y = below if below + size.height() <= screen.bottom() or above < screen.top() else above
    x = max(screen.left() + 4, min(x, screen.right() - 3 - size.width()))
    return QPoint(x, max(screen.top() + 4, min(y, screen.bottom() - 3 - size.height())))


def _width(text: str, face: QFont) -> int:
    return QFontMetrics(face).horizontalAdvance(text)


def _size(card: Card) -> QSize:
    """As wide as the widest line, within bounds; as high as all lines."""
    caption, mono = fonts.ui(12), fonts.mono(12)
    widths = [_width(card.title, fonts.ui(13, 600)) + (_MARK if card.ordinal is not None else 0)]
    widths += [_width(line, caption) for line in (*card.lines, card.rest)]
    widths += [_width(line, caption) + 20 for line in card.flags]
    widths += [_width(f"{path}  {old} {_ARROW} {new}", mono) + 12 for path, old, new in card.changes]
    widths += [_width(f"{name}  {grouped(count)}", caption) + _MARK + 12 for _, name, count in card.counts]
    parts = [1, len(card.lines) + len(card.flags), len(card.changes) + len(card.counts) + bool(card.rest)]
    height = sum(parts) * _LINE + (sum(part > 0 for part in parts) - 1) * _BETWEEN + 2 * _PADDING - 4
    return QSize(min(max(*widths, _NARROWEST), _WIDEST) + 2 * _PADDING, height)


class _Writer:
    """Writes a card line by line, from the top down."""

    def __init__(self, painter: QPainter, width: int) -> None:
        self._painter = painter
        self._right = width - _PADDING
        self._y = _PADDING - 2

    def write(self, card: Card) -> None:
        left = _PADDING
        if card.ordinal is not None:
            self._mark(card.ordinal)
            left += _MARK
        self._text(card.title, left, self._right, fonts.ui(13, 600), "text")
        self._next()
        for line in card.lines:
            self._text(line, _PADDING, self._right, fonts.ui(12), "second")
            self._next()
        for flag in card.flags:
            self._text(f"⚑ {flag}", _PADDING, self._right, fonts.ui(12), "removed")
            self._next()
        if card.changes or card.counts or card.rest:
            self._rule()
        self._changes(card)
        for ordinal, name, count in card.counts:
            self._mark(ordinal)
            number = self._text(grouped(count), _PADDING, self._right, fonts.ui(12), "text", _RIGHT)
            self._text(name, _PADDING + _MARK, self._right - number - 10, fonts.ui(12), "second")
            self._next()
        if card.rest:
            self._text(card.rest, _PADDING, self._right, fonts.ui(12), "third")

    def _changes(self, card: Card) -> None:
        """Names in one column, so that the values stand below each other; what is too long is cut."""
        face = fonts.mono(12)
        room = self._right - _PADDING
        arrow = _width(f" {_ARROW} ", face)
        values = max((_width(old, face) + arrow + _width(new, face) for _, old, new in card.changes), default=0)
        widest = max((_width(path, face) for path, _, _ in card.changes), default=0)
        names = min(widest, max(room * 2 // 5, room - 12 - values))
        for path, old, new in card.changes:
            x = _PADDING
            self._text(path, x, x + names, face, "json_key", middle=True)
            x += names + 12
            half = (self._right - x - arrow) // 2
            # What one value leaves free, the other may take.
            first = min(_width(old, face), max(half, self._right - x - arrow - _width(new, face)))
            self._text(old, x, x + first, face, "third" if old == ABSENT else "removed")
            self._text(_ARROW, x + first, x + first + arrow, face, "third", int(Qt.AlignmentFlag.AlignCenter))
            self._text(new, x + first + arrow, self._right, face, "third" if new == ABSENT else "added")
            self._next()

    def _mark(self, ordinal: int) -> None:
        current, y = theme(), self._y + _LINE / 2
        draw_mark(self._painter, current.lane_shape(ordinal), _PADDING + 5.0, y, 9, current.lane(ordinal))

    def _rule(self) -> None:
        self._y += _BETWEEN
        y = self._y - _BETWEEN / 2 + 0.5
        self._painter.setPen(QPen(theme().color("border"), 1))
        self._painter.drawLine(QPointF(_PADDING, y), QPointF(self._right, y))

    def _next(self) -> None:
        self._y += _LINE

    def _text(
        self, text: str, left: int, right: int, face: QFont, token: str, align: int = _LEFT, *, middle: bool = False
    ) -> int:
        """Pixels that it took."""
        elide = Qt.TextElideMode.ElideMiddle if middle else Qt.TextElideMode.ElideRight
        shown = QFontMetrics(face).elidedText(text, elide, right - left + 1)
        self._painter.setFont(face)
        self._painter.setPen(theme().color(token))
        self._painter.drawText(QRectF(left, self._y, right - left + 1, _LINE), align, shown)
        return _width(shown, face)


class Hovering(QObject):
    """Shows the card of what the mouse rests on: after a delay, or at once while a card is shown."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._card: CardWidget | None = None
        self._target: object = None
        self._is_pinned = False
        self._make: Callable[[], Card] | None = None
        self._beside = QRect()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self._show)

    @property
    def card(self) -> Card | None:
        """What is shown now."""
        return self._card.content if self._card is not None and self._card.isVisible() else None

    @property
    def is_pinned(self) -> bool:
        """Whether the card was asked for by a key, and stays when the mouse moves on."""
        return self._is_pinned

    def over(self, target: object, beside: QRect, make: Callable[[], Card]) -> None:
        """The mouse is over a target, which fills ``beside`` (pixels of the owner)."""
        if target == self._target:
            return
        self._target, self._beside, self._make, self._is_pinned = target, beside, make, False
        if self.card is not None:
            self._show()
        else:
            self._timer.start()

    def pin(self, target: object, beside: QRect, make: Callable[[], Card]) -> None:
        """Shows a card without waiting, and has it read out; it stays until it is closed."""
        self._target, self._beside, self._make, self._is_pinned = target, beside, make, True
        self._show()
        if self.card is not None:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self._owner, self.card.text))

    def leave(self) -> None:
        """Nothing is hovered any more; takes the card away unless it is pinned."""
        if not self._is_pinned:
            self.close()

    def close(self) -> None:
        """Takes the card away."""
        self._timer.stop()
        self._target, self._make, self._is_pinned = None, None, False
        if self._card is not None:
            self._card.hide()

    def _show(self) -> None:
        self._timer.stop()
        if self._make is None or not self._owner.isVisible():
            return
        if self._card is None:
            self._card = CardWidget(self._owner)
        beside = QRect(self._owner.mapToGlobal(self._beside.topLeft()), self._beside.size())
        self._card.show_card(self._make(), beside)
