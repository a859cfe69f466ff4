"""A list model of Python objects, one a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt

T = TypeVar("T")


class ObjectRows(QAbstractListModel, Generic[T]):
    """Objects as rows of one height, for lists that are filled anew with each key that is typed.

    A model and not a ``QListWidget``: clearing one whose rows were made in Python crashed inside of PySide (6.11.3) now
    and then, as Shiboken still knew the wrapper of a row that had been freed (seen twice, in a core).

    ``text``: what a row says to those who do not see it; ``nothing``: what one row says where there is no object.
    """

    def __init__(self, parent: QObject, height: int, text: Callable[[T], str], nothing: str = "") -> None:
        super().__init__(parent)
        self._height = height
        self._text = text
        self._nothing = nothing
        self._objects: list[T] = []

    def show(self, objects: Sequence[T]) -> None:
        """Shows other objects."""
        self.beginResetModel()
        self._objects = list(objects)
        self.endResetModel()

    def at(self, index: QModelIndex | QPersistentModelIndex) -> T | None:
        """The object of a row; ``None`` where there is none."""
        row = index.row()
        return self._objects[row] if 0 <= row < len(self._objects) else None

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        if parent is not None and parent.isValid():
            return 0
        return len(self._objects) or (1 if self._nothing else 0)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, self._height)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            shown = self.at(index)
            return self._nothing if shown is None else self._text(shown)
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        return Qt.ItemFlag.NoItemFlags if self.at(index) is None else super().flags(index)
