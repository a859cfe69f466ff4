"""Pictures that own-painted widgets keep, so that a frame paints only what changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap


class Layer:
    """One picture; its memory is used again, for fresh memory costs more than painting into it."""

    def __init__(self) -> None:
        self.pixmap = QPixmap()
        self._is_stale = True

    def outdate(self) -> None:
        """What is shown has changed."""
        self._is_stale = True

    def is_outdated(self, size: QSize, ratio: float) -> bool:
        """Whether it has to be painted for a size in pixels and device pixels for each."""
        return self._is_stale or self.pixmap.size() != size * ratio or self.pixmap.devicePixelRatioF() != ratio

    @contextmanager
    def painted(self, size: QSize, ratio: float, ground: QColor | Layer | None = None) -> Iterator[QPainter]:
        """A painter on the picture, which shows a colour or another layer, or nothing."""
        if self.pixmap.size() != size * ratio:
            self.pixmap = QPixmap(size * ratio)
        self.pixmap.setDevicePixelRatio(ratio)
        if not isinstance(ground, Layer):
            self.pixmap.fill(Qt.GlobalColor.transparent if ground is None else ground)
        with QPainter(self.pixmap) as painter:
            if isinstance(ground, Layer):
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
                painter.drawPixmap(0, 0, ground.pixmap)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
            yield painter
        self._is_stale = False


def bar_image(halves: NDArray[np.float64], colours: NDArray[np.uint32], height: int, bar: int) -> QImage:
    """Upright bars about the middle of ``height`` pixels, ``bar - 1`` wide with one pixel between them.

    ``halves`` are half their heights in whole pixels, 0 for none; ``colours`` premultiplied ARGB; one each a column.
    """
    rows = np.abs(np.arange(height) + 0.5 - height // 2)
    pixels = np.zeros((height, len(halves), bar), np.uint32)
    pixels[:, :, : bar - 1] = np.where(rows[:, None] < halves, colours, np.uint32(0))[:, :, None]
    width = len(halves) * bar
    image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    # The picture outlives the array that it is made of.
    return image.copy()


def premultiplied(colour: QColor, opacity: float) -> int:
    """A colour as a pixel of ``Format_ARGB32_Premultiplied``."""
    red, green, blue = (round(part * opacity) for part in (colour.red(), colour.green(), colour.blue()))
    return round(255 * opacity) << 24 | red << 16 | green << 8 | blue
