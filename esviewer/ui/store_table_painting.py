"""Paints the rows of the table of all events: column by column, so that fonts and pens change seven times a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPixmap

from esviewer.stores.index import DELETED, NO_VERSION, NONE, UNDECODABLE, Index
from esviewer.ui import fonts, icons
from esviewer.ui.colours import TypeColours
from esviewer.ui.row_pages import Preview
from esviewer.ui.statuses import OF_CODE, SHOWN, SIDE, status_pixmap
from esviewer.ui.store_table_columns import RIGHT, Column
from esviewer.ui.theme import Theme, theme
from esviewer.ui.widgets import ROW_HEIGHT
from esviewer.ui.widgets.format import ELLIPSIS, grouped, short_id, size, when
from esviewer.ui.words import one_line, short_type
from esviewer.ui.zone import zone

ABSENT: Final = "–"
_LEFT, _RIGHT = 12, 10
"""Pixels between the edges of a cell and its text."""
_MARK: Final = 18
"""Pixels that a type's mark takes before its name, as does a sign before a payload."""
_SIGN: Final = 14


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What the index knows of the rows in sight, as lists of one length."""

    rows: list[int]
    positions: list[str]
    times: list[int]
    types: list[str | None]
    streams: list[str | None]
    versions: list[int]
    sizes: list[int]
    flags: list[int]
    statuses: list[int]
    """Codes of what a catalogue makes of the events, 0 where that is not known."""

    @classmethod
    def of(cls, index: Index, rows: NDArray[np.int64], codes: NDArray[np.uint8] | None = None) -> Cells:
        """The cells of these rows; rows beyond the index (it was cut a moment ago) are left out.

        ``codes`` are statuses by row, as far as they are known.
        """
        columns = index.columns("position", "time", "type", "stream", "version", "size", "flags")
        rows = rows[rows < len(columns[0])]
        positions, times, types, streams, versions, sizes, flags = (np.asarray(c)[rows].tolist() for c in columns)
        names, called = index.types, index.streams
        return cls(
            rows.tolist(),
            [grouped(p) if p != NONE else _other(index, r) for p, r in zip(positions, rows.tolist(), strict=True)],
            times,
            [names[ordinal] if ordinal >= 0 else None for ordinal in types],
            [called[ordinal] if ordinal >= 0 else None for ordinal in streams],
            versions,
            sizes,
            flags,
            [0] * len(rows) if codes is None else [int(codes[r]) if r < len(codes) else 0 for r in rows.tolist()],
        )

    def texts(self, column: Column) -> Sequence[str]:
        """A column as it is read, not shortened; payloads are not among what the index knows."""
        if column is Column.POSITION:
            return self.positions
        if column is Column.TIME:
            here = zone()
            return [ABSENT if time == NONE else when(time, here) for time in self.times]
        if column is Column.TYPE:
            return [short_type(name) for name in self.types]
        if column is Column.STREAM:
            return [ABSENT if name is None else one_line(name) for name in self.streams]
        if column is Column.VERSION:
            return [ABSENT if version <= NO_VERSION else grouped(version) for version in self.versions]
        return [size(count) for count in self.sizes]


def _other(index: Index, row: int) -> str:
    position = index.position_of(row)
    return ABSENT if position is None else str(position)


@dataclass(frozen=True, slots=True)
class Span:
    """Where a column stands: pixels from the left edge of the viewport, and its width."""

    column: Column
    left: int
    width: int


@dataclass(frozen=True, slots=True)
class Looks:
    """How rows are lit; places of the table, first of those in sight is ``first``, whose top is at pixel ``y``."""

    first: int
    y: int
    selected: Sequence[bool]
    current: int | None
    hovered: int | None
    has_focus: bool


class RowPainter:
    """Keeps what is the same from frame to frame: metrics, marks as pictures, shortened names of types."""

    def __init__(self, colours: TypeColours) -> None:
        self._colours = colours
        self._mono = fonts.mono(12)
        self._sans = fonts.ui(13)
        self._advance = QFontMetricsF(self._mono).horizontalAdvance("0")
        self._marks: dict[tuple[str, int, float], QPixmap] = {}
        self._elided: dict[tuple[str, int], str] = {}

    def forget(self) -> None:
        """Forgets colours: the theme or the order of lanes has changed."""
        self._marks.clear()

    def fitting(self, text: str, room: int, *, in_middle: bool = False) -> str:
        """As much of a text in the mono face as fits into so many pixels."""
        if not text.isascii():
            mode = Qt.TextElideMode.ElideMiddle if in_middle else Qt.TextElideMode.ElideRight
            return QFontMetricsF(self._mono).elidedText(text[: room + 1], mode, room)
        count = int(room / self._advance)
        if len(text) <= count:
            return text
        return short_id(text, count) if in_middle else text[: max(count - 1, 0)] + ELLIPSIS

    def fitting_type(self, name: str, room: int) -> str:
        """As much of a type's name as fits; kept, since few types fill many rows."""
        known = self._elided.get((name, room))
        if known is None:
            if len(self._elided) > 5_000:
                self._elided.clear()
            known = QFontMetricsF(self._sans).elidedText(name, Qt.TextElideMode.ElideRight, room)
            self._elided[name, room] = known
        return known

    def paint(
        self,
        painter: QPainter,
        width: int,
        cells: Cells,
        spans: Sequence[Span],
        looks: Looks,
        preview: Callable[[int], Preview | None],
    ) -> None:
        """Paints the rows in sight."""
        current = theme()
        self._backgrounds(painter, width, len(cells.rows), looks, current)
        for span in spans:
            if span.left + span.width <= 0 or span.left >= width:
                continue
            if span.column is Column.PAYLOAD:
                self._payloads(painter, cells, span, looks, preview, current)
            elif span.column is Column.TYPE:
                self._types(painter, cells, span, looks, current)
            else:
                self._texts(painter, cells.texts(span.column), span, looks, current)

    def _backgrounds(self, painter: QPainter, width: int, count: int, looks: Looks, current: Theme) -> None:
        chosen, hover = current.color("selected"), current.color("hover")
        for number, is_selected in zip(range(count), looks.selected, strict=False):
            y = looks.y + number * ROW_HEIGHT
            place = looks.first + number
            if is_selected:
                painter.fillRect(0, y, width, ROW_HEIGHT, chosen)
            elif place == looks.hovered:
                painter.fillRect(0, y, width, ROW_HEIGHT, hover)
            if place == looks.current:
                painter.fillRect(0, y, 2, ROW_HEIGHT, current.color("accent"))
            if place == looks.current and looks.has_focus:
                painter.setPen(current.color("focus"))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRect(0, y, width - 1, ROW_HEIGHT - 1))

    def _baseline(self, font: QFont) -> float:
        metrics = QFontMetricsF(font)
        return (ROW_HEIGHT + metrics.ascent() - metrics.descent()) / 2

    def _texts(self, painter: QPainter, texts: Sequence[str], span: Span, looks: Looks, current: Theme) -> None:
        painter.setFont(self._mono)
        painter.setPen(current.color("second"))
        room = span.width - _LEFT - _RIGHT
        base, in_middle = looks.y + self._baseline(self._mono), span.column is Column.STREAM
        is_right = span.column in RIGHT
        for number, text in enumerate(texts):
            shown = self.fitting(text, room, in_middle=in_middle)
            x = float(span.left + _LEFT)
            if is_right:
                x = span.left + span.width - _RIGHT - self._width(shown)
            painter.drawText(QPointF(x, base + number * ROW_HEIGHT), shown)

    def _width(self, text: str) -> float:
        # Groups are set apart by a narrow space, which in this face is as wide as all else.
        return len(text) * self._advance

    def _types(self, painter: QPainter, cells: Cells, span: Span, looks: Looks, current: Theme) -> None:
        painter.setFont(self._sans)
        base = looks.y + self._baseline(self._sans)
        plain, quiet = current.color("text"), current.color("third")
        struck = QFont(self._sans)
        struck.setStrikeOut(True)
        scale = painter.device().devicePixelRatioF()
        painter.setPen(plain)
        for number, (name, flags) in enumerate(zip(cells.types, cells.flags, strict=True)):
            y = number * ROW_HEIGHT
            sign = cells.statuses[number]
            room = span.width - _LEFT - _MARK - _RIGHT - (_MARK if OF_CODE[sign] in SHOWN else 0)
            if OF_CODE[sign] in SHOWN:
                place = QPointF(span.left + span.width - _RIGHT - SIDE, looks.y + y + (ROW_HEIGHT - SIDE) / 2)
                painter.drawPixmap(place, self._sign(sign, current, scale))
            mark = self._mark(name, current, scale)
            painter.drawPixmap(QPointF(span.left + _LEFT - 2, looks.y + y + ROW_HEIGHT / 2 - 6), mark)
            shown = self.fitting_type(short_type(name), room)
            place = QPointF(span.left + _LEFT + _MARK, base + y)
            if flags & DELETED or name is None:
                painter.setPen(quiet)
                painter.setFont(struck if flags & DELETED else self._sans)
                painter.drawText(place, shown)
                painter.setPen(plain)
                painter.setFont(self._sans)
            else:
                painter.drawText(place, shown)

    def _mark(self, name: str | None, current: Theme, scale: float) -> QPixmap:
        lane = self._colours.lane(name)
        key = (current.name, lane, scale)
        mark = self._marks.get(key)
        if mark is None:
            mark = QPixmap(QSize(12, 12) * scale)
            mark.setDevicePixelRatio(scale)
            mark.fill(QColor(0, 0, 0, 0))
            painter = QPainter(mark)
            self._colours.paint(painter, name, 6, 6)
            painter.end()
            self._marks[key] = mark
        return mark

    def _sign(self, code: int, current: Theme, scale: float) -> QPixmap:
        key = (f"{current.name} status", code, scale)
        if key not in self._marks:
            self._marks[key] = status_pixmap(code, scale)
        return self._marks[key]

    def _payloads(
        self,
        painter: QPainter,
        cells: Cells,
        span: Span,
        looks: Looks,
        preview: Callable[[int], Preview | None],
        current: Theme,
    ) -> None:
        painter.setFont(self._mono)
        plain, quiet, bad = current.color("second"), current.color("badge"), current.color("removed")
        base = looks.y + self._baseline(self._mono)
        painter.setPen(plain)
        for number, (row, flags) in enumerate(zip(cells.rows, cells.flags, strict=True)):
            known, y = preview(row), looks.y + number * ROW_HEIGHT
            left, room = span.left + _LEFT, span.width - _LEFT - _RIGHT
            is_bad = bool(flags & UNDECODABLE) or (known is not None and known.is_lost)
            if is_bad or flags & DELETED:
                name, colour = ("triangle-alert", bad) if is_bad else ("x", plain)
                picture = icons.pixmap(name, QSize(_SIGN, _SIGN), colour, painter.device().devicePixelRatioF())
                painter.drawPixmap(QPointF(left, y + (ROW_HEIGHT - _SIGN) / 2), picture)
                left, room = left + _MARK, room - _MARK
            if known is None:
                # As long as what it stands for might be, so that nothing jumps when it arrives.
                bar = QRectF(left, y + ROW_HEIGHT / 2 - 3, min(room, 60 + cells.sizes[number] * 2), 6)
                painter.fillRect(bar, quiet)
                continue
            text = f"deleted  {known.text}" if flags & DELETED else known.text
            if is_bad:
                painter.setPen(bad)
            painter.drawText(QPointF(left, base + number * ROW_HEIGHT), self.fitting(text, room))
            if is_bad:
                painter.setPen(plain)
