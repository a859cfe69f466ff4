"""The x axis that the timeline and the field tracks share: zooming or panning one moves the other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from esviewer.timeline.axis import Axis, TimeAxis, VersionAxis
from esviewer.timeline.marks import Marks, no_marks
from esviewer.timeline.scale import Scale

LABELS = 168
"""Pixels of the label column at the left of both views."""
RIGHT = 14
"""Pixels that stay free at the right, so that the last mark is whole."""


class AxisModel(QObject):
    """Which axis, and which part of it is in sight."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.marks = no_marks()
        self.axis: Axis = VersionAxis(self.marks)
        self.kind = "version"
        self.scale = self.axis.fit(100.0)
        self._is_fitted = True

    def set_marks(self, marks: Marks) -> None:
        """Takes another stream and shows the whole of it."""
        self.marks = marks
        self._make()

    def set_kind(self, kind: str) -> None:
        """``version`` (evenly spaced) or ``time`` (true spacing); shows the whole stream if that changes."""
        if kind != self.kind:
            self.kind = kind
            self._make()

    def _make(self) -> None:
        self.axis = TimeAxis(self.marks) if self.kind == "time" else VersionAxis(self.marks)
        self.fit()

    def set_width(self, width: float) -> None:
        """Pixels that the views have now; what is in sight stays."""
        width = max(10.0, width)
        if width != self.scale.width:
            self.scale = self.axis.fit(width) if self._is_fitted else Scale(self.scale.start, self.scale.end, width)
            self.changed.emit()

    def fit(self) -> None:
        """Shows the whole stream."""
        self._is_fitted = True
        self.scale = self.axis.fit(self.scale.width)
        self.changed.emit()

    def zoom(self, pixel: float, factor: float) -> None:
        """Shows ``factor`` times more detail about a pixel."""
        self._set(self.scale.zoomed(pixel, factor))

    def pan(self, pixels: float) -> None:
        """Moves the picture left by pixels."""
        self._set(self.scale.panned(pixels))

    def show(self, start: float, end: float) -> None:
        """Shows a range of values."""
        self._set(Scale(start, max(end, start + 1e-6), self.scale.width))

    def _set(self, scale: Scale) -> None:
        self.scale = self.axis.clamped(scale)
        whole = self.axis.fit(self.scale.width)
        self._is_fitted = self.scale.start <= whole.start and self.scale.end >= whole.end
        self.changed.emit()

    def pixel_of(self, index: int) -> float:
        """The pixel of an event."""
        return self.scale.pixel(float(self.axis.values[index]))

    def reveal(self, index: int) -> None:
        """Pans so that an event is in sight."""
        if not len(self.axis):
            return
        pixel = self.pixel_of(index)
        if pixel < 0:
            self.pan(pixel - self.scale.width * 0.1)
        elif pixel > self.scale.width:
            self.pan(pixel - self.scale.width * 0.9)
