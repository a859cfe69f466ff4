"""Which colour and shape an event type has, the same in every view of a store."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QColor, QPainter

from esviewer.ui.marks import draw_mark
from esviewer.ui.theme import theme


class TypeColours:
    """Lanes of a store's types, given in order of frequency; types that turn up later come after them."""

    def __init__(self, types: Iterable[str] = (), *, is_settled: bool = True) -> None:
        self._lanes: dict[str | None, int] = {}
        self.is_settled = False
        self.settle(types)
        self.is_settled = is_settled

    def settle(self, types: Iterable[str]) -> None:
        """Orders the lanes anew, once all types and their frequencies are known."""
        self._lanes.clear()
        for name in types:
            self.lane(name)
        self.is_settled = True

    def lane(self, name: str | None) -> int:
        """The number of a type's lane."""
        return self._lanes.setdefault(name, len(self._lanes))

    def names(self) -> tuple[str, ...]:
        """All types by lane."""
        return tuple(name or "no type" for name in self._lanes)

    def colour(self, name: str | None) -> QColor:
        return theme().lane(self.lane(name))

    def paint(
        self, painter: QPainter, name: str | None, x: int, y: int, *, dimmed: bool = False, size: int = 8
    ) -> None:
        """Paints a type's mark about a point."""
        colour = QColor(self.colour(name))
        if dimmed:
            colour.setAlphaF(0.4)
        draw_mark(painter, theme().lane_shape(self.lane(name)), x, y, size, colour)
