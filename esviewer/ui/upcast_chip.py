"""The chip that says whether an event or a state is shown upcast or as stored, and switches between the two."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from esviewer.catalogue.status import Status
from esviewer.ui import fonts
from esviewer.ui.statuses import CODES, paint_status
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip

KEY = "R"
"""The key that does what a click on the chip does, wherever nothing is typed."""
_HIGH = 18
_SIGN = 20
"""Pixels from the left edge to the words."""
_WIDEST = 170


class UpcastChip(QAbstractButton):
    """A filled pill with an arrow where upcasters made what is shown; an outlined one with a bar where it is as stored.

    It is not there where the two are the same.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_upcast = False
        self.setFont(fonts.ui(fonts.CAPTION, 500))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        signals().changed.connect(self.update)
        self.hide()

    @property
    def is_upcast(self) -> bool:
        """Whether it says that what is shown is upcast."""
        return self._is_upcast

    def say(self, words: str, more: str, *, is_upcast: bool) -> None:
        """Says how something is shown, ``more`` of it in the tooltip; nothing to say hides the chip."""
        self.setVisible(bool(words))
        if (words, is_upcast) != (self.text(), self._is_upcast):
            self._is_upcast = is_upcast
            self.setText(words)
            self.updateGeometry()
            self.update()
        what = "as it is stored" if is_upcast else "upcast"
        told = f"{more} Click, or press {KEY}, to see it {what}."
        self.setToolTip(tooltip(told))
        self.setAccessibleName(words)
        self.setAccessibleDescription(told)

    def sizeHint(self) -> QSize:
        return QSize(min(self.fontMetrics().horizontalAdvance(self.text()) + _SIGN + 9, _WIDEST), _HIGH)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme()
        area = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            edge = "focus" if self.hasFocus() else "changed" if self._is_upcast else "strong"
            painter.setPen(QPen(colours.color(edge), 1))
            painter.setBrush(
                colours.color("changed_behind" if self._is_upcast else "hover" if self.underMouse() else "panel")
            )
            painter.drawRoundedRect(area, area.height() / 2, area.height() / 2)
            if self._is_upcast:
                paint_status(painter, CODES[Status.UPCAST], 12, area.center().y(), size=10)
            else:
                painter.fillRect(QRectF(8, area.center().y() - 1, 8, 2), colours.color("second"))
            painter.setPen(colours.color("changed" if self._is_upcast else "second"))
            room = area.adjusted(_SIGN, 0, -7, 0)
            shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, int(room.width()) + 1)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)
