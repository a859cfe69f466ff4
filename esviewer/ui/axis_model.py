"""The x axis that the timeline and the field tracks share: zooming or panning one moves the other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from esviewer.timeline.axis import Axis, TimeAxis, VersionAxis
from esviewer.timeline.gaps import Gap, gaps_in_sight
from esviewer.timeline.idle import idle_time, no_idle_time
from esviewer.timeline.marks import Marks, no_marks
from esviewer.timeline.placement import Placement, place
from esviewer.timeline.scale import Scale

LABELS = 168
"""Pixels of the label column at the left of both views."""
RIGHT = 14
"""Pixels that stay free at the right, so that the last mark is whole."""

_NEIGHBOURS = 12
"""Events on either side of one that is focused."""


class AxisModel(QObject):
    """Which axis, and which part of it is in sight."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.marks = no_marks()
        self.axis: Axis = VersionAxis(self.marks)
        self.kind = "version"
        self.scale = self.axis.fit(100.0)
        self.is_folding = True
        """Whether idle time is folded on the time axis."""
        self._opened: set[int] = set()
        self._is_fitted = True
        self._placement: Placement | None = None

    def set_marks(self, marks: Marks) -> None:
        """Takes another stream and shows the whole of it; of a stream that only grew, what is in sight stays."""
        goes_on = _goes_on(self.marks, marks)
        if not goes_on:
            self._opened.clear()
        self.marks = marks
        self._make(None if self._is_fitted or not goes_on else self.scale)

    def set_kind(self, kind: str) -> None:
        """``version`` (evenly spaced) or ``time`` (true spacing); shows the whole stream if that changes."""
        if kind != self.kind:
            self.kind = kind
            self._make(None)

    def _make(self, kept: Scale | None) -> None:
        self.axis = self._folded(TimeAxis(self.marks)) if self.kind == "time" else VersionAxis(self.marks)
        if kept is None:
            self.fit()
        else:
            self.show(kept.start, kept.end)

    def _folded(self, axis: TimeAxis) -> TimeAxis:
        if not self.is_folding:
            return axis.folding(no_idle_time())
        idle = idle_time(axis.ordered)
        return axis.folding(idle.without(self._opened) if self._opened else idle)

    def set_folding(self, is_on: bool) -> None:
        """Folds idle time, or shows all of it at its true length; single stretches that were opened fold again."""
        self._opened.clear()
        if is_on != self.is_folding:
            self.is_folding = is_on
            self._refold()

    def switch_gap(self, gap: Gap) -> None:
        """Opens a folded stretch, or folds one that was opened; what is in sight stays in sight."""
        self._opened ^= {gap.start}
        self._refold()

    def _refold(self) -> None:
        if not isinstance(self.axis, TimeAxis):
            return
        start, end, was_fitted = self.scale.start, self.scale.end, self._is_fitted
        self.axis = self._folded(self.axis)
        if was_fitted:
            self.fit()
        else:
            self.show(start, end)

    def gaps(self) -> list[Gap]:
        """The idle stretches in sight that are folded or were opened, from left to right."""
        return gaps_in_sight(self.scale, self.axis.ordered, self._opened)

    def set_width(self, width: float) -> None:
        """Pixels that the views have now; what is in sight stays."""
        width = max(10.0, width)
        if width != self.scale.width:
            if self._is_fitted:
                self._take(self.axis.fit(width))
            else:
                self._take(self.axis.clamped(self.axis.scale(self.scale.start, self.scale.end, width)))

    def fit(self) -> None:
        """Shows the whole stream."""
        self._is_fitted = True
        self._take(self.axis.fit(self.scale.width))

    @property
    def is_fitted(self) -> bool:
        """Whether the whole stream is in sight."""
        return self._is_fitted

    def focus(self, index: int) -> None:
        """Shows an event and its neighbours."""
        if 0 <= index < len(self.axis):
            self.show(*self.axis.around(index, _NEIGHBOURS))

    def zoom(self, pixel: float, factor: float) -> None:
        """Shows ``factor`` times more detail about a pixel."""
        self._set(self.scale.zoomed(min(max(pixel, 0.0), self.scale.width), factor))

    def pan(self, pixels: float) -> None:
        """Moves the picture left by pixels."""
        self._set(self.scale.panned(pixels))

    def show(self, start: float, end: float) -> None:
        """Shows a range of values."""
        self._set(self.axis.scale(start, max(end, start + 1e-6), self.scale.width))

    def _set(self, scale: Scale) -> None:
        scale = self.axis.clamped(scale)
        whole = self.axis.fit(scale.width)
        self._is_fitted = scale.start <= whole.start and scale.end >= whole.end
        self._take(scale)

    def _take(self, scale: Scale) -> None:
        self.scale = scale
        self._placement = None
        self.changed.emit()

    @property
    def placement(self) -> Placement:
        """Where the events in sight are drawn, with bursts fanned out; the same in both views."""
        if self._placement is None:
            self._placement = place(self.axis, self.scale, self.marks.types)
        return self._placement

    def pixel_of(self, index: int) -> float:
        """The pixel at which an event is drawn."""
        return self.placement.pixel_of(index)

    def reveal(self, index: int) -> None:
        """Pans so that an event is in sight."""
        if not len(self.axis):
            return
        pixel = self.scale.pixel(float(self.axis.values[index]))
        if pixel < 0:
            self.pan(pixel - self.scale.width * 0.1)
        elif pixel > self.scale.width:
            self.pan(pixel - self.scale.width * 0.9)


def _goes_on(before: Marks, after: Marks) -> bool:
    """Whether one is the other with perhaps more events at its end, as far as its ends tell."""
    last = len(before) - 1
    return 0 <= last < len(after) and all(
        before.versions[index] == after.versions[index] and before.time(index) == after.time(index)
        for index in (0, last)
    )
