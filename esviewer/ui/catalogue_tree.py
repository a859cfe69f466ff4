"""Rows about event types that can be copied, and that lead to the events that they stand on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QFrame, QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QWidget

from esviewer.ui.theme import theme
from esviewer.ui.widgets import RowDelegate, tooltip
from esviewer.ui.words import one_line

_POSITION: Final = Qt.ItemDataRole.UserRole


class Tree(QTreeWidget):
    """Rows that can be copied, and that lead to the events that they stand on."""

    position_wanted = Signal(object)

    def __init__(self, name: str, titles: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setHeaderLabels(list(titles))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(RowDelegate(self))
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.header().setStretchLastSection(True)
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.itemActivated.connect(self._activated)

    def add(
        self,
        under: QTreeWidgetItem | None,
        texts: Sequence[str],
        *,
        tone: str = "",
        position: int | str | None = None,
        tip: str = "",
    ) -> QTreeWidgetItem:
        """A row, with the position of the event that it leads to."""
        made = QTreeWidgetItem([one_line(text) for text in texts])
        made.setData(0, _POSITION, None if position is None else str(position))
        for column, text in enumerate(texts):
            made.setToolTip(column, tooltip(tip or text))
            if tone:
                made.setForeground(column, theme().color(tone))
        (under.addChild if under is not None else self.addTopLevelItem)(made)
        return made

    def _activated(self, item: QTreeWidgetItem) -> None:
        position = item.data(0, _POSITION)
        if position is not None:
            self.position_wanted.emit(int(position) if position.lstrip("-").isdigit() else position)

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        item = self.itemAt(at)
        if item is not None:
            if item.data(0, _POSITION) is not None:
                menu.addAction("Go to the event", lambda: self._activated(item))
            menu.addAction("Copy", lambda: QGuiApplication.clipboard().setText(_line(item)))
        menu.addAction("Copy all", lambda: QGuiApplication.clipboard().setText(self.text()))
        menu.popup(self.viewport().mapToGlobal(at))

    @staticmethod
    def color(tone: str) -> QColor:
        """The colour of a tone, for part of a row."""
        return theme().color(tone)

    def text(self) -> str:
        """All rows, cells separated by tabs."""
        lines: list[str] = ["\t".join(self.headerItem().text(column) for column in range(self.columnCount()))]
        pending = [self.topLevelItem(place) for place in reversed(range(self.topLevelItemCount()))]
        while pending:
            item = pending.pop()
            if item is not None:
                lines.append(_line(item))
                pending += [item.child(place) for place in reversed(range(item.childCount()))]
        return "\n".join(lines)


def _line(item: QTreeWidgetItem) -> str:
    return "\t".join(item.text(column) for column in range(item.columnCount()))
