"""Boxes with a number or a moment."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QAbstractSpinBox

_LEFT: Final = 6


def inset(box: QAbstractSpinBox) -> None:
    """Moves the text of a spin box away from its left border, as it stands in every other field.

    WORKAROUND: Qt 6.11 leaves out border and padding at the left when it places the inner line (measured with
    ``lineEdit().geometry()``); may go when that starts at the padding of the style sheet.
    """
    box.lineEdit().setTextMargins(_LEFT, 0, 0, 0)
