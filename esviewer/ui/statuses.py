"""How the status of an event looks and is called, the same in every view: a sign, a colour and words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from esviewer.catalogue.model import version_text
from esviewer.catalogue.status import STOPPING, Assessment, Status
from esviewer.catalogue.versions import NoFit
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import Tone

CODES: Final[dict[Status, int]] = {status: code for code, status in enumerate(Status, 1)}
"""The code of each status in arrays of bytes; 0 stands for events that have not been judged."""
OF_CODE: Final[tuple[Status | None, ...]] = (None, *Status)
SIDE: Final = 13
"""Pixels of the square that a sign is drawn in."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one status is shown. ``counted`` follows a number, ``sentence`` says what it means."""

    token: Tone
    word: str
    counted: str
    sentence: str


LOOKS: Final[dict[Status, Look]] = {
    Status.UNKNOWN_TYPE: Look("removed", "Unknown type", "unknown", "The catalogue has no type or alias of this name."),
    Status.UNDECODABLE: Look("removed", "Undecodable", "undecodable", "The payload cannot be read."),
    Status.FROM_FUTURE: Look(
        "removed", "From the future", "from the future", "Its version is later than the current one of its type."
    ),
    Status.BLOCKED: Look("removed", "Blocked", "blocked", "No full chain of upcasters leads to the current version."),
    Status.UPCAST_FAILED: Look(
        "removed", "Upcast fails", "failing upcasts", "Its upcasters fail, or what they make does not fit."
    ),
    Status.SHAPE_MISMATCH: Look(
        "removed", "Does not fit", "not fitting", "It is of the current version, but does not fit its shape."
    ),
    Status.UPCAST: Look("changed", "To upcast", "to upcast", "It is older, and upcasters bring it to the current one."),
    Status.ERASED: Look("second", "Erased", "erased", "Declared as erased: projections see placeholders."),
    Status.IGNORED: Look("second", "Ignored", "ignored", "Its type is passed over on purpose."),
    Status.CURRENT: Look("added", "Current", "current", "Today's code reads it as it is stored."),
}
"""Worst first."""

SHOWN: Final = tuple(status for status in LOOKS if status is not Status.CURRENT)
"""What has a sign, worst first."""
_FLAGGED: Final = (*STOPPING, Status.UPCAST)


def _table(statuses: tuple[Status, ...]) -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[[CODES[status] for status in statuses]] = True
    return table


_IS_FLAGGED: Final = _table(_FLAGGED)
_IS_STOPPING: Final = _table(tuple(STOPPING))


def are_flagged(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For each code, whether keys that walk flagged events stop there: to be upcast, or not understood."""
    mask: NDArray[np.bool_] = _IS_FLAGGED[codes]
    return mask


def are_stopping(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For each code, whether a replay would stop there."""
    mask: NDArray[np.bool_] = _IS_STOPPING[codes]
    return mask


def next_flagged(codes: NDArray[np.uint8], at: int, step: int) -> int | None:
    """The nearest flagged place after (1) or before (-1) a place, ``None`` where there is none."""
    part = codes[max(at + 1, 0) :] if step > 0 else codes[: max(at, 0)]
    found = np.flatnonzero(are_flagged(part))
    if not len(found):
        return None
    return int(found[0]) + max(at + 1, 0) if step > 0 else int(found[-1])


def status_word(status: Status) -> str:
    """A status as filters write it: ``unknown-type``."""
    return status.value.lower()


def headline(found: Assessment) -> str:
    """A status with its versions: ``To upcast: version 1 → 3``."""
    look, known, version = LOOKS[found.status], found.known, found.version
    if known is None or isinstance(version, NoFit):
        return look.word
    current = version_text(known.current_version)
    if found.status in (Status.UPCAST, Status.UPCAST_FAILED):
        return f"{look.word}: version {version_text(version)} → {current}"
    if found.status in (Status.BLOCKED, Status.FROM_FUTURE):
        return f"{look.word}: version {version_text(version)}, where {current} is current"
    return look.word


def explanation(found: Assessment) -> list[str]:
    """Why an event has its status, and what may help: sentences."""
    parts = [reason for reason in found.reasons if reason] or [LOOKS[found.status].sentence]
    if found.hint is not None:
        parts.append(f"hint: {found.hint}")
    if found.conflict is not None:
        parts.append(found.conflict)
    return [as_sentence(part) for part in parts]


def as_sentence(text: str) -> str:
    """Words without a full stop as a sentence; a name at its beginning stays as it is written."""
    first = text.partition(" ")[0]
    is_name = any(sign in first.rstrip(":,") for sign in "._:")
    return f"{text if is_name else text[:1].upper() + text[1:]}".rstrip(".") + "."


# Signs

_Draw = Callable[[QPainter, float], None]


def paint_status(painter: QPainter, code: int, x: float, y: float, *, size: float = SIDE, ground: bool = False) -> None:
    """Paints the sign of a status about a point; with ``ground``, set off against what lies beneath."""
    status = OF_CODE[code]
    draw = _SIGNS.get(status) if status is not None else None
    if status is None or draw is None:
        return
    colour = theme().color(LOOKS[status].token)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(x, y)
    painter.scale(size / SIDE, size / SIDE)
    if ground:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().color("panel"))
        painter.drawEllipse(QPointF(0, 0), SIDE / 2, SIDE / 2)
    painter.setPen(QPen(colour, 1.7, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(colour)
    draw(painter, SIDE / 2 - 1.5)
    painter.restore()


def status_pixmap(code: int, ratio: float, *, ground: bool = False) -> QPixmap:
    """The sign of a status as a picture of :data:`SIDE` pixels."""
    made = QPixmap(QSize(SIDE, SIDE) * ratio)
    made.setDevicePixelRatio(ratio)
    made.fill(QColor(0, 0, 0, 0))
    with QPainter(made) as painter:
        paint_status(painter, code, SIDE / 2, SIDE / 2, ground=ground)
    return made


def status_icon(status: Status) -> QIcon:
    """The sign of a status for buttons and menus, in the colours of the theme that is worn now."""
    return QIcon(status_pixmap(CODES[status], 2.0))


class StatusSign(QWidget):
    """The sign of a status, beside a text that names it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._code = 0
        self.setFixedSize(SIDE + 1, SIDE + 1)
        signals().changed.connect(self.update)

    def show_status(self, status: Status) -> None:
        """Shows another status."""
        self._code = CODES[status]
        self.setAccessibleName(LOOKS[status].word)
        self.update()

    def paintEvent(self, event: object) -> None:
        with QPainter(self) as painter:
            paint_status(painter, self._code, self.width() / 2, self.height() / 2)


def _question(painter: QPainter, r: float) -> None:
    """A filled disc with a question mark cut out."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawEllipse(QPointF(0, 0), r + 0.6, r + 0.6)
    pen = QPen(theme().color("panel"), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawArc(QRectF(-2.0, -3.6, 4.0, 4.0), -60 * 16, 230 * 16)
    painter.drawPoint(QPointF(0, 3.0))


def _cross(painter: QPainter, r: float) -> None:
    arm = r * 0.75
    painter.drawLine(QPointF(-arm, -arm), QPointF(arm, arm))
    painter.drawLine(QPointF(-arm, arm), QPointF(arm, -arm))


def _forward(painter: QPainter, r: float) -> None:
    """Two triangles to the right: ahead of today."""
    painter.setPen(Qt.PenStyle.NoPen)
    for left in (-r, 0.0):
        painter.drawPolygon(QPolygonF([QPointF(left, -r * 0.85), QPointF(left + r, 0), QPointF(left, r * 0.85)]))


def _no_entry(painter: QPainter, r: float) -> None:
    """A filled square with a bar."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(QRectF(-r, -r, 2 * r, 2 * r), 1.5, 1.5)
    painter.setBrush(theme().color("panel"))
    painter.drawRect(QRectF(-r * 0.6, -1.1, r * 1.2, 2.2))


def _alarm(painter: QPainter, r: float) -> None:
    """A filled triangle with an exclamation mark."""
    painter.drawPolygon(QPolygonF([QPointF(0, -r), QPointF(r, r * 0.8), QPointF(-r, r * 0.8)]))
    painter.setPen(QPen(theme().color("panel"), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(QPointF(0, -1.8), QPointF(0, 0.6))
    painter.drawPoint(QPointF(0, 3.0))


def _unequal(painter: QPainter, r: float) -> None:
    for y in (-2.0, 2.0):
        painter.drawLine(QPointF(-r * 0.9, y), QPointF(r * 0.9, y))
    painter.drawLine(QPointF(-r * 0.5, r * 0.9), QPointF(r * 0.5, -r * 0.9))


def _up(painter: QPainter, r: float) -> None:
    """A filled arrow that points up."""
    painter.setPen(Qt.PenStyle.NoPen)
    points = [(0, -r), (r, 0.4), (r * 0.38, 0.4), (r * 0.38, r), (-r * 0.38, r), (-r * 0.38, 0.4), (-r, 0.4)]
    painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))


def _struck(painter: QPainter, r: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(QPointF(0, 0), r * 0.85, r * 0.85)
    painter.drawLine(QPointF(-r * 0.6, r * 0.6), QPointF(r * 0.6, -r * 0.6))


def _dash(painter: QPainter, r: float) -> None:
    painter.drawLine(QPointF(-r * 0.75, 0), QPointF(r * 0.75, 0))


def _dot(painter: QPainter, r: float) -> None:
    """A small tick."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF([QPointF(-r * 0.8, 0.2), QPointF(-r * 0.2, r * 0.7), QPointF(r * 0.9, -r * 0.6)]))


_SIGNS: Final[dict[Status, _Draw]] = {
    Status.UNKNOWN_TYPE: _question,
    Status.UNDECODABLE: _cross,
    Status.FROM_FUTURE: _forward,
    Status.BLOCKED: _no_entry,
    Status.UPCAST_FAILED: _alarm,
    Status.SHAPE_MISMATCH: _unequal,
    Status.UPCAST: _up,
    Status.ERASED: _struck,
    Status.IGNORED: _dash,
    Status.CURRENT: _dot,
}
