"""Field tracks: each field of the state as a row of labelled segments along the timeline's axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractScrollArea, QToolTip, QWidget

from esviewer.timeline.tracks import Segment, Track, segments
from esviewer.ui import fonts, timeline_gaps
from esviewer.ui.axis_model import LABELS, RIGHT, AxisModel
from esviewer.ui.theme import signals, theme
from esviewer.ui.timeline_view import TimelineView
from esviewer.ui.widgets import tooltip
from esviewer.ui.widgets.format import grouped

ROW = 26
_SHORTEST = 18
"""Pixels for a label below which it is shown only whole: a lone ellipsis is of no use."""


class FieldTracksView(QAbstractScrollArea):
    """Rows of segments; the one under the playhead is lit, and an edge leads to the event that made it."""

    edge_clicked = Signal(int)
    track_selected = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Field tracks")
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self._model = AxisModel(self)
        self._tracks: list[Track] = []
        self._starts: dict[str, NDArray[np.int64]] = {}
        self._laid_out: dict[str, list[Segment]] = {}
        self._playhead = -1
        self._selected: str | None = None
        signals().changed.connect(self.viewport().update)

    def share_axis(self, timeline: TimelineView) -> None:
        """Follows a timeline's axis, whatever moves it."""
        self._model = timeline.model
        self._model.changed.connect(self._lay_out_anew)
        self._lay_out_anew()

    def set_tracks(self, tracks: Sequence[Track]) -> None:
        """Shows other tracks, top to bottom."""
        self._tracks = list(tracks)
        self._starts.clear()
        self._laid_out.clear()
        self.verticalScrollBar().setValue(0)
        self._sized()

    def _lay_out_anew(self) -> None:
        self._laid_out.clear()
        self.viewport().update()

    def set_playhead(self, index: int) -> None:
        """Lights the segments under an event."""
        self._playhead = index
        self.viewport().update()

    def select_path(self, path: str | None) -> None:
        """Marks a track and brings it into sight; tells nobody."""
        self._selected = path
        row = next((i for i, track in enumerate(self._tracks) if track.path == path), None)
        if row is not None:
            bar, height = self.verticalScrollBar(), self.viewport().height()
            if row * ROW < bar.value():
                bar.setValue(row * ROW)
            elif (row + 1) * ROW > bar.value() + height:
                bar.setValue((row + 1) * ROW - height)
        self.viewport().update()

    def _sized(self) -> None:
        bar, height = self.verticalScrollBar(), self.viewport().height()
        bar.setPageStep(height)
        bar.setSingleStep(ROW)
        bar.setRange(0, max(0, len(self._tracks) * ROW - height))
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._laid_out.clear()
        self._sized()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            self._paint(painter)

    def _paint(self, painter: QPainter) -> None:
        current = theme()
        if not self._tracks:
            painter.setPen(current.color("third"))
            painter.setFont(fonts.ui(13))
            text = "The fields of the state are shown here, each with the versions that changed it."
            painter.drawText(self.viewport().rect(), int(Qt.AlignmentFlag.AlignCenter), text)
            return
        top = self.verticalScrollBar().value()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        height = min(self.viewport().height(), len(self._tracks) * ROW - top)
        gaps = QRect(LABELS, 0, self.viewport().width() - LABELS, height)
        timeline_gaps.paint_gaps(painter, gaps, self._model.gaps(), has_labels=False)
        for row in range(top // ROW, min(len(self._tracks), (top + self.viewport().height()) // ROW + 1)):
            self._paint_track(painter, self._tracks[row], row * ROW - top)
        if self._playhead >= 0:
            x = LABELS + self._model.pixel_of(self._playhead)
            if LABELS - 1 <= x <= self.viewport().width():
                painter.setPen(QPen(current.color("accent"), 1.2))
                painter.drawLine(QPointF(x, 0), QPointF(x, height))

    def _paint_track(self, painter: QPainter, track: Track, y: int) -> None:
        current = theme()
        if track.path == self._selected:
            painter.fillRect(QRect(0, y, self.viewport().width(), ROW), current.color("selected"))
        face = fonts.mono(12)
        painter.setFont(face)
        painter.setPen(current.color("json_key"))
        name = QFontMetrics(face).elidedText(track.path, Qt.TextElideMode.ElideMiddle, LABELS - 22)
        painter.drawText(QRect(12, y, LABELS - 20, ROW), int(Qt.AlignmentFlag.AlignVCenter), name)
        painter.save()
        painter.setClipRect(QRect(LABELS - 1, y, self.viewport().width() - LABELS, ROW))
        lit = track.segment_at(self._playhead) if self._playhead >= 0 else None
        for segment in self._segments(track):
            self._paint_segment(painter, track, segment, y, lit)
        painter.restore()

    def _edges(self, track: Track) -> NDArray[np.float64]:
        """Pixels at which the segments begin: those of the marks in the timeline."""
        starts = self._starts.get(track.path)
        if starts is None:
            starts = self._starts[track.path] = np.asarray(track.starts, np.int64)
        return self._model.placement.pixels_of(starts)

    def _segments(self, track: Track) -> list[Segment]:
        # The playhead moves far more often than the axis does.
        found = self._laid_out.get(track.path)
        if found is None:
            scale = self._model.scale
            found = segments(self._edges(track), scale.pixel(self._model.axis.upper), scale.width + RIGHT)
            self._laid_out[track.path] = found
        return found

    def _paint_segment(self, painter: QPainter, track: Track, segment: Segment, y: int, lit: int | None) -> None:
        current = theme()
        if track.removed[segment.first] and segment.count == 1:
            painter.setPen(QPen(current.color("strong"), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(LABELS + segment.left, y + ROW / 2), QPointF(LABELS + segment.right, y + ROW / 2))
            return
        is_lit = lit is not None and segment.first <= lit <= segment.last
        area = QRectF(LABELS + segment.left + 0.5, y + 4, max(2.0, segment.right - segment.left - 1.5), ROW - 8)
        behind = current.color("accent" if is_lit else "panel" if track.path == self._selected else "badge")
        if is_lit:
            behind.setAlphaF(0.22)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(behind)
        painter.drawRoundedRect(area, 4, 4)
        text = track.labels[segment.first] if segment.count == 1 else f"{grouped(segment.count)} changes"
        metrics, room = QFontMetrics(fonts.mono(12)), int(area.width()) - 10
        if room < _SHORTEST and metrics.horizontalAdvance(text[:4]) > room:
            return
        painter.setFont(fonts.mono(12))
        painter.setPen(current.color("text" if is_lit else "second"))
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(area.adjusted(6, 0, -4, 0), int(Qt.AlignmentFlag.AlignVCenter), shown)

    # Mouse

    def _track_at(self, y: float) -> Track | None:
        row = int(y + self.verticalScrollBar().value()) // ROW
        return self._tracks[row] if 0 <= row < len(self._tracks) else None

    def _segment_at(self, track: Track, x: float) -> Segment | None:
        return next((s for s in self._segments(track) if s.left <= x - LABELS <= s.right), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        track = self._track_at(event.position().y())
        if track is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self.track_selected.emit(track.path)
        segment = self._segment_at(track, event.position().x())
        if event.position().x() >= LABELS and segment is not None:
            # Where many segments are drawn as one, the change that is under the mouse.
            inside = np.maximum.accumulate(self._edges(track)[segment.first : segment.last + 1])
            place = int(np.searchsorted(inside, event.position().x() - LABELS, side="right")) - 1
            self.edge_clicked.emit(int(track.starts[segment.first + max(place, 0)]))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        over = event.position().x() >= LABELS and self._track_at(event.position().y()) is not None
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._model.zoom(event.position().x() - LABELS, 1.0015 ** event.angleDelta().y())
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._model.pan(-float(event.angleDelta().x() or event.angleDelta().y()))
        else:
            super().wheelEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            track = self._track_at(event.pos().y())
            text = track.path if track is not None else ""
            segment = (
                self._segment_at(track, event.pos().x()) if track is not None and event.pos().x() >= LABELS else None
            )
            if track is not None and segment is not None:
                text += (
                    f"\n{track.labels[segment.first][:300]}"
                    if segment.count == 1
                    else f"\n{grouped(segment.count)} changes"
                )
            QToolTip.showText(event.globalPos(), tooltip(text), self)
            return True
        return super().viewportEvent(event)
