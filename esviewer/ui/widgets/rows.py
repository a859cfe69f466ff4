"""Rows of trees, tables and lists."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

ROW_HEIGHT: Final = 26


class RowDelegate(QStyledItemDelegate):
    """Gives every row the same height, which a style sheet cannot as soon as a view has a delegate of its own."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        hint = super().sizeHint(option, index)
        hint.setHeight(ROW_HEIGHT)
        return hint
