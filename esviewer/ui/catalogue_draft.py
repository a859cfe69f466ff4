"""The table in which a draft of an event type is edited: its attributes, each with what it may hold."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from esviewer.catalogue.draft import TYPES, DraftRow, ShapeDraft
from esviewer.catalogue.model import MISSING, TypeVersion
from esviewer.domain import EsviewerError, UsageError, Value
from esviewer.stores.codecs import json_text
from esviewer.ui import fonts, icons
from esviewer.ui.theme import signals, theme
from esviewer.ui.upcast_panel import json_line
from esviewer.ui.widgets import ROW_HEIGHT, tooltip
from esviewer.ui.words import one_line

_Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


class Column(IntEnum):
    NAME = 0
    TYPE = 1
    REQUIRED = 2
    NULLABLE = 3
    DEFAULT = 4


_TITLES: Final = ("Attribute", "Type", "Required", "Null", "Default")
_HINTS: Final = (
    "F2 or a double click renames, Del takes out and back in",
    "What a value may be",
    "Readers fail where it is missing and there is no default",
    "Null is allowed",
    "What readers take where it is missing, as JSON; empty for none",
)
_WIDTHS: Final = {Column.TYPE: 76, Column.REQUIRED: 66, Column.NULLABLE: 44, Column.DEFAULT: 64}
_NARROW: Final = 400
_INDENT: Final = 14
_CHECKS: Final = (Column.REQUIRED, Column.NULLABLE)
_SIGNS: Final = {"added": "+", "changed": "~", "removed": "−", "": ""}


class DraftModel(QAbstractTableModel):
    """The rows of a draft; every edit goes to it at once."""

    edited = Signal()
    refused = Signal(str)
    """An edit could not be taken; why."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft = ShapeDraft(TypeVersion())
        self.rows: list[DraftRow] = []

    def show_draft(self, draft: ShapeDraft) -> None:
        """Shows another draft."""
        self.draft = draft
        self._renew()

    def _renew(self) -> None:
        self.beginResetModel()
        try:
            self.rows = self.draft.rows()
        finally:
            self.endResetModel()

    def add(self, beside: DraftRow | None) -> int:
        """Adds an attribute; gives its row."""
        made = self.draft.add(beside)
        self._renew()
        self.edited.emit()
        return self.rows.index(made)

    def remove(self, row: DraftRow) -> None:
        """Takes an attribute out, or back in."""
        try:
            self.draft.remove(row)
        except EsviewerError as error:
            self.refused.emit(str(error))
            return
        self._renew()
        self.edited.emit()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _HINTS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignHCenter if section in _CHECKS else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        result = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if self.rows[index.row()].is_gone:
            return result
        return result | (Qt.ItemFlag.ItemIsUserCheckable if index.column() in _CHECKS else Qt.ItemFlag.ItemIsEditable)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], Column(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return _text(row, column)
        if role == Qt.ItemDataRole.CheckStateRole and column in _CHECKS:
            return Qt.CheckState.Checked if _is_on(row, column) else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(_hint(row))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            held = ("yes" if _is_on(row, column) else "no") if column in _CHECKS else _text(row, column) or "none"
            return f"{row.path}, {_TITLES[column]}: {held}"
        return None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row, column = self.rows[index.row()], Column(index.column())
        is_check = column in _CHECKS
        if role != (Qt.ItemDataRole.CheckStateRole if is_check else Qt.ItemDataRole.EditRole) or row.is_gone:
            return False
        if not is_check and str(value).strip() == _text(row, column):
            return False
        try:
            self._set(row, column, value)
        except EsviewerError as error:
            self.refused.emit(str(error))
            return False
        shown = self.draft.rows()
        if shown != self.rows:
            self._renew()
        else:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(Column) - 1))
        self.edited.emit()
        return True

    def _set(self, row: DraftRow, column: Column, value: Any) -> None:
        if column == Column.NAME:
            self.draft.rename(row, str(value))
        elif column == Column.TYPE:
            self.draft.change(row, types=tuple(str(value).split(" or ")))
        elif column == Column.DEFAULT:
            self.draft.change(row, default=_default(str(value)))
        else:
            is_on = Qt.CheckState(value) == Qt.CheckState.Checked
            if column == Column.REQUIRED:
                self.draft.change(row, required=is_on)
            else:
                self.draft.change(row, nullable=is_on)


def _default(text: str) -> Value:
    if not text.strip():
        return MISSING
    try:
        return json_text.loads(text.encode())
    except ValueError:
        # A text without quotes is what most people write for a text.
        if text.strip()[0] in '"[{':
            raise UsageError(f"{text.strip()[:40]} is no JSON: a default is a number, a text, true or null.") from None
        return text.strip()


def _types(row: DraftRow) -> str:
    return " or ".join(row.attribute.types) or "any"


def _text(row: DraftRow, column: Column) -> str:
    if column == Column.NAME:
        return row.name
    if column == Column.TYPE:
        return _types(row)
    if column == Column.DEFAULT:
        return "" if row.attribute.default is MISSING else json_line(row.attribute.default)
    return ""


def _is_on(row: DraftRow, column: Column) -> bool:
    return row.attribute.required if column == Column.REQUIRED else row.attribute.nullable


def _hint(row: DraftRow) -> str:
    said = {
        "added": "new",
        "removed": "taken out; Del takes it back in",
        "changed": "changed" if row.was == row.name else f"was called {row.was}",
        "": "as it was",
    }[row.mark]
    return f"{one_line(row.path)}\n{said}"


class DraftTable(QTableView):
    """The table; texts are edited where they stand, checks by a click or the space bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_ = DraftModel(self)
        self.setModel(self.model_)
        self.setAccessibleName("Attributes of the draft")
        self.setItemDelegate(_Delegate(self))
        self.setShowGrid(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.SelectedClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
        )
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT + 2)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        signals().changed.connect(self.viewport().update)
        self.clicked.connect(self._clicked)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        more = max(0, self.viewport().width() - _NARROW)
        self.setColumnWidth(Column.DEFAULT, _WIDTHS[Column.DEFAULT] + more // 3)
        self.setColumnWidth(Column.TYPE, _WIDTHS[Column.TYPE] + more // 6)

    def _clicked(self, index: QModelIndex) -> None:
        """A type is a choice: one click opens it."""
        if index.column() == Column.TYPE and index.flags() & Qt.ItemFlag.ItemIsEditable:
            self.edit(index)

    @property
    def chosen(self) -> DraftRow | None:
        """The row with the keyboard."""
        row = self.currentIndex().row()
        return self.model_.rows[row] if 0 <= row < len(self.model_.rows) else None

    def add(self) -> None:
        """Adds an attribute behind the chosen one, and lets its name be written."""
        place = self.model_.add(self.chosen)
        index = self.model_.index(place, Column.NAME)
        self.setCurrentIndex(index)
        self.scrollTo(index)
        self.setFocus()
        self.edit(index)

    def remove(self) -> None:
        """Takes the chosen attribute out, or back in."""
        chosen, place = self.chosen, self.currentIndex()
        if chosen is None:
            return
        self.model_.remove(chosen)
        if self.model_.rows:
            row = min(place.row(), len(self.model_.rows) - 1)
            self.setCurrentIndex(self.model_.index(row, max(place.column(), 0)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        is_editing = self.state() == QAbstractItemView.State.EditingState
        if event.key() == Qt.Key.Key_Delete and not is_editing:
            self.remove()
        elif event.key() == Qt.Key.Key_Insert and not is_editing:
            self.add()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not is_editing:
            self.edit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class _Delegate(QStyledItemDelegate):
    """Paints marks of what changed, and edits types by a combo box, texts by a line."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model, column, current = index.model(), Column(index.column()), theme()
        assert isinstance(model, DraftModel)
        row = model.rows[index.row()]
        if column in _CHECKS:
            self._paint_check(painter, option, row, column)
            return
        self.initStyleOption(option, index)
        option.text = ""
        option.state &= ~QStyle.StateFlag.State_HasFocus
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        area = option.rect.adjusted(10, 0, -6, 0)
        painter.save()
        if column == Column.NAME:
            painter.setFont(fonts.mono(12))
            painter.setPen(current.color(_tone(row, "third")))
            painter.drawText(QRect(area.left(), area.top(), 10, area.height()), _MIDDLE, _SIGNS[row.mark])
            area.adjust(14 + row.depth * _INDENT, 0, 0, 0)
        elif column == Column.TYPE and not row.is_gone:
            side = QRect(area.right() - 11, area.center().y() - 6, 12, 12)
            icons.paint(painter, "chevron-down", QRectF(side), current.color("third"))
            area.adjust(0, 0, -14, 0)
        font = QFont(fonts.ui(12) if column == Column.TYPE else fonts.mono(12))
        font.setStrikeOut(row.is_gone)
        painter.setFont(font)
        painter.setPen(
            current.color("third" if row.is_gone else _tone(row, "text") if column == Column.NAME else "text")
        )
        text = QFontMetrics(font).elidedText(one_line(str(index.data())), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, _MIDDLE, text)
        painter.restore()

    def _paint_check(self, painter: QPainter, option: QStyleOptionViewItem, row: DraftRow, column: Column) -> None:
        style, current = option.widget.style(), theme()
        panel = QStyleOptionViewItem(option)
        panel.state &= ~QStyle.StateFlag.State_HasFocus
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, panel, painter, option.widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(0, 0, 14, 14)
        box.moveCenter(QRectF(option.rect).center())
        is_on = _is_on(row, column)
        painter.setPen(current.color("strong" if row.is_gone else "accent" if is_on else "third"))
        painter.setBrush(current.color("accent" if is_on and not row.is_gone else "panel"))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        if is_on:
            token = "third" if row.is_gone else "on_accent"
            icons.paint(painter, "check", box.adjusted(2, 2, -2, -2), current.color(token))
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        if index.column() != Column.TYPE:
            line = QLineEdit(parent)
            line.setFont(fonts.mono(12))
            line.setAccessibleName(_TITLES[index.column()])
            return line
        box = QComboBox(parent)
        box.setAccessibleName("Type")
        present = str(index.data())
        box.addItems([*TYPES, *([] if present in TYPES else [present])])
        box.activated.connect(lambda: self._commit(box))
        QTimer.singleShot(0, box, box.showPopup)
        return box

    def _commit(self, box: QComboBox) -> None:
        self.commitData.emit(box)
        self.closeEditor.emit(box)

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        text = str(index.data(Qt.ItemDataRole.EditRole))
        if isinstance(editor, QComboBox):
            editor.setCurrentText(text)
        elif isinstance(editor, QLineEdit):
            editor.setText(text)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText())
        elif isinstance(editor, QLineEdit):
            model.setData(index, editor.text())

    def editorEvent(self, event: Any, model: QAbstractItemModel, option: QStyleOptionViewItem, index: _Index) -> bool:
        if index.column() in _CHECKS and event.type() in (event.Type.MouseButtonRelease, event.Type.KeyPress):
            is_key = event.type() == event.Type.KeyPress
            if (is_key and event.key() != Qt.Key.Key_Space) or not index.flags() & Qt.ItemFlag.ItemIsUserCheckable:
                return False
            is_on = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
            state = Qt.CheckState.Unchecked if is_on else Qt.CheckState.Checked
            return model.setData(index, state, Qt.ItemDataRole.CheckStateRole)
        return super().editorEvent(event, model, option, index)


_MIDDLE: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)


def _tone(row: DraftRow, plain: str) -> str:
    return row.mark or plain
