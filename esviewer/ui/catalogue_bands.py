"""The shapes of an event type as bands over the history: from when to when payloads looked like this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QMenu, QToolTip, QWidget

from esviewer.catalogue.drift_report import ShapeDrift, TypeDrift
from esviewer.catalogue.model import version_text
from esviewer.stores.index import NONE, Index
from esviewer.ui import fonts
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import ABSENT, grouped, when
from esviewer.ui.words import one_line
from esviewer.ui.zone import zone

Axis = Literal["time", "position"]
ROW: Final = 44
_AXIS: Final = 26
_LEFT: Final = 14
_COUNT: Final = 74
_FIRST_PATHS: Final = 4


@dataclass(frozen=True, slots=True)
class Band:
    """One shape of one version; ``first`` and ``last`` are rows of the index. ``words`` say how it differs."""

    version: str
    words: str
    shape: ShapeDrift
    first: int
    last: int
    is_first_of_version: bool


def bands_of(types: Sequence[TypeDrift]) -> list[Band]:
    """All shapes of a type's versions, in the order in which they were first written."""
    found: list[Band] = []
    before: ShapeDrift | None = None
    pairs = [(one, shape) for one in types for shape in one.shapes]
    known: set[str] = set()
    for one, shape in sorted(pairs, key=lambda pair: pair[1].first_at):
        version = version_text(one.version)
        words = difference(before, shape)
        found.append(Band(version, words, shape, shape.first_at, shape.last_at, version not in known))
        known.add(version)
        before = shape
    return found


def difference(before: ShapeDrift | None, after: ShapeDrift) -> str:
    """How a shape differs from the one before it: ``+due_on  −due  desk: int → string``."""
    new = dict(after.attributes)
    if before is None:
        paths = list(new)
        more = f" and {len(paths) - _FIRST_PATHS} more" if len(paths) > _FIRST_PATHS else ""
        return ", ".join(paths[:_FIRST_PATHS]) + more if paths else "no attributes"
    old = dict(before.attributes)
    parts = [f"+{path}" for path in new if path not in old]
    parts += [f"−{path}" for path in old if path not in new]
    parts += [f"{path}: {old[path]} → {new[path]}" for path in new if path in old and old[path] != new[path]]
    return "   ".join(parts) if parts else "the same attributes"


class BandsView(QAbstractScrollArea):
    """A band for each shape, along time or position; a click goes to its first event."""

    row_wanted = Signal(int)

    def __init__(self, index: Index, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._index = index
        self._bands: list[Band] = []
        self._axis: Axis = "time"
        self._current = -1
        self._hover = -1
        self.setAccessibleName("Shapes over the history")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        signals().changed.connect(self.viewport().update)

    @property
    def bands(self) -> list[Band]:
        """What is shown, top to bottom."""
        return list(self._bands)

    @property
    def axis(self) -> Axis:
        """What the bands lie along: time, unless events carry none."""
        return self._axis if self._axis == "position" or self._has_times() else "position"

    def _has_times(self) -> bool:
        earliest, latest = self._ends("time")
        return latest > earliest

    def show_bands(self, index: Index, bands: list[Band]) -> None:
        """Shows the shapes of another type."""
        self._index, self._bands = index, bands
        self._current = self._hover = -1
        self.setAccessibleDescription(f"{len(bands)} shape{'' if len(bands) == 1 else 's'}")
        self._sized()

    def set_axis(self, axis: Axis) -> None:
        """Time, or the order of the store."""
        self._axis = axis
        self.viewport().update()

    def _sized(self) -> None:
        height = len(self._bands) * ROW + _AXIS
        bar = self.verticalScrollBar()
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(ROW // 2)
        bar.setRange(0, max(0, height - self.viewport().height()))
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._sized()

    # Where things are

    def _ends(self, axis: Axis) -> tuple[int, int]:
        """The ends of the whole history: times, or rows. Looks at the first and last row alone."""
        length = self._index.length
        if axis == "position" or not length:
            return 0, max(1, length - 1)
        times = self._index.column("time")
        ends = [int(times[row]) for row in (0, length - 1)] + [
            self._value(row, "time") for band in self._bands for row in (band.first, band.last)
        ]
        known = [time for time in ends if time != NONE]
        return (min(known), max(known)) if known else (0, 0)

    def _value(self, row: int, axis: Axis) -> int:
        """Where a row lies on an axis; :data:`NONE` for the time of one that has none, or that is no longer there."""
        if axis == "position":
            return row
        return int(self._index.column("time")[row]) if 0 <= row < self._index.length else NONE

    def _plot(self) -> QRect:
        return QRect(_LEFT, 0, max(40, self.viewport().width() - _LEFT - _COUNT), 0)

    def _row_at(self, y: int) -> int:
        place = (y + self.verticalScrollBar().value()) // ROW
        return place if 0 <= place < len(self._bands) else -1

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            axis = self.axis
            start, end = self._ends(axis)
            top = self.verticalScrollBar().value()
            for place, band in enumerate(self._bands):
                y = place * ROW - top
                if -ROW < y < self.viewport().height():
                    self._paint_band(painter, place, band, y, (start, end), axis)
            self._paint_axis(painter, len(self._bands) * ROW - top, (start, end), axis)

    def _paint_band(self, painter: QPainter, place: int, band: Band, y: int, ends: tuple[int, int], axis: Axis) -> None:
        current, plot = theme(), self._plot()
        area = QRect(0, y, self.viewport().width(), ROW)
        if place in (self._current, self._hover):
            painter.fillRect(area, current.color("selected" if place == self._current else "hover"))
        badge = f"v{band.version}" if band.version[:1].isdigit() else band.version
        painter.setFont(fonts.ui(11, 600))
        painter.setPen(current.color("text"))
        width = QFontMetrics(painter.font()).horizontalAdvance(badge)
        painter.drawText(QRect(plot.x(), y + 5, width + 4, 16), _LEFT_MIDDLE, badge)
        painter.setFont(fonts.mono(12))
        painter.setPen(current.color("changed" if band.shape.is_rare else "second"))
        words = f"rare   {band.words}" if band.shape.is_rare else band.words
        room = plot.width() - width - 14
        shown = QFontMetrics(painter.font()).elidedText(one_line(words), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(plot.x() + width + 12, y + 5, room, 16), _LEFT_MIDDLE, shown)
        painter.setPen(current.color("second"))
        count = grouped(band.shape.count)
        painter.drawText(QRect(plot.right() + 6, y, _COUNT - 16, ROW), _RIGHT_MIDDLE, count)
        left, right = (self._pixel(row, ends, axis) for row in (band.first, band.last))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(current.color("border"))
        painter.drawRoundedRect(QRectF(plot.x(), y + 29, plot.width(), 3), 1.5, 1.5)
        painter.setBrush(current.color("changed" if band.shape.is_rare else "accent"))
        painter.drawRoundedRect(QRectF(left, y + 26, max(6.0, right - left), 9), 3, 3)

    def _pixel(self, row: int, ends: tuple[int, int], axis: Axis) -> float:
        plot, value = self._plot(), self._value(row, axis)
        if value == NONE:
            value = ends[0]
        return plot.x() + (value - ends[0]) * (plot.width() - 6) / max(1, ends[1] - ends[0])

    def _paint_axis(self, painter: QPainter, y: int, ends: tuple[int, int], axis: Axis) -> None:
        plot = self._plot()
        painter.setFont(fonts.ui(11))
        painter.setPen(theme().color("third"))
        texts = [self._end_text(value, axis) for value in ends]
        painter.drawText(QRect(plot.x(), y + 2, plot.width(), 20), _LEFT_MIDDLE, texts[0])
        painter.drawText(QRect(plot.x(), y + 2, plot.width(), 20), _RIGHT_MIDDLE, texts[1])

    def _end_text(self, value: int, axis: Axis) -> str:
        if axis == "time":
            return when(value, zone())[:10]
        position = self._index.position_of(value) if value < self._index.length else None
        return f"position {position}" if position is not None else ABSENT

    # Mouse, keyboard

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover = self._row_at(event.position().toPoint().y())
        self.setCursor(Qt.CursorShape.PointingHandCursor if self._hover >= 0 else Qt.CursorShape.ArrowCursor)
        self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.viewport().update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._row_at(event.position().toPoint().y()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._go()

    def _choose(self, place: int) -> None:
        self._current = place
        if place >= 0:
            self.setAccessibleDescription(self._text(self._bands[place]).replace("\n", ", "))
        self.viewport().update()

    def _go(self) -> None:
        if 0 <= self._current < len(self._bands):
            self.row_wanted.emit(self._bands[self._current].first)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps: dict[int, int] = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        if event.key() in steps and self._bands:
            self._choose(max(0, min(self._current + steps[event.key()], len(self._bands) - 1)))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        place = self._row_at(event.pos().y())
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if place >= 0:
            self._choose(place)
            band = self._bands[place]
            menu.addAction("Go to its first event", lambda: self.row_wanted.emit(band.first))
            menu.addAction("Go to its last event", lambda: self.row_wanted.emit(band.last))
            menu.addAction("Copy the shape", self._copy)
        if not menu.isEmpty():
            menu.popup(event.globalPos())

    def _copy(self) -> None:
        if 0 <= self._current < len(self._bands):
            QGuiApplication.clipboard().setText(self._text(self._bands[self._current]))

    def _text(self, band: Band) -> str:
        shape = band.shape
        where = f"positions {shape.first} to {shape.last}"
        times = [self._value(row, "time") for row in (band.first, band.last)]
        if all(time != NONE for time in times):
            where += "\n" + " to ".join(when(time, zone()) for time in times)
        lines = [f"version {band.version}, {grouped(shape.count)} event{'' if shape.count == 1 else 's'}", where]
        if shape.is_rare:
            lines.append("rare: less than one in a hundred of its version")
        return "\n".join([*lines, *(f"{path}: {kind}" for path, kind in shape.attributes)])

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._row_at(event.pos().y())
            text = f"{self._text(self._bands[place])}\nDouble-click: go to its first event" if place >= 0 else ""
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().viewportEvent(event)


_LEFT_MIDDLE: Final = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_RIGHT_MIDDLE: Final = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
