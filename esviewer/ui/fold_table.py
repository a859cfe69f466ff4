"""The table of rules: each event type with its attributes below it, and what becomes of each."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFont, QFontMetrics, QKeyEvent, QPainter
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

from esviewer.projections.draft import OPERATIONS, ROLES, FoldDraft, Role, Row, RuleRow, TypeRow
from esviewer.projections.edited import WHOLE
from esviewer.ui import fonts, icons
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import ROW_HEIGHT, tooltip
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import one_line, short_type

_Index = QModelIndex | QPersistentModelIndex
_ROOT: Final = QModelIndex()


class Column(IntEnum):
    NAME = 0
    RULE = 1
    TARGET = 2
    GUESS = 3
    SEEN = 4


_TITLES: Final = ("Event type, attribute", "Rule", "Into", "Inferred", "Events")
_HINTS: Final = (
    "Types as they are stored, and the attributes of their payloads",
    "What becomes of the attribute",
    "The attribute of the state; the one of the same name if nothing is given",
    "What the inferred fold does with it",
    "Events in which it was seen, of those that were looked at",
)
_ROLE_WORDS: Final[dict[Role, str]] = {
    "changes": "changes the state",
    "starts": "starts it anew",
    "ends": "ends it",
    "ignores": "is ignored",
}
_INDENT: Final = 22


class FoldTableModel(QAbstractTableModel):
    """The rows of a draft, those that a filter lets through; every edit goes to the draft."""

    edited = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft: FoldDraft | None = None
        self.rows: list[Row] = []
        self._words = ""
        self._only_edited = False

    def show_draft(self, draft: FoldDraft) -> None:
        """Shows a draft from its beginning."""
        self.draft = draft
        self.refresh()

    def set_filter(self, words: str, only_edited: bool) -> None:
        """Shows the rows that have all words, and with ``only_edited`` those with rules alone."""
        self._words, self._only_edited = words, only_edited
        self.refresh()

    def refresh(self) -> None:
        """Takes the rows anew; the table is reset only where other rows are shown."""
        rows = [] if self.draft is None else self.draft.rows(self._words, only_edited=self._only_edited)
        if [_place(row) for row in rows] == [_place(row) for row in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(Column) - 1))
            return
        self.beginResetModel()
        try:
            self.rows = rows
        finally:
            self.endResetModel()

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
            side = Qt.AlignmentFlag.AlignRight if section == Column.SEEN else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        result = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        row, column = self.rows[index.row()], Column(index.column())
        is_editable = column == Column.RULE
        if isinstance(row, RuleRow) and not is_editable:
            is_editable = (
                row.operation != "ignore" if column == Column.TARGET else column == Column.NAME and not row.guessed
            )
        return result | Qt.ItemFlag.ItemIsEditable if is_editable else result

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row, column = self.rows[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.EditRole:
            return _edit_text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(_hint(row, column))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{_TITLES[column]}: {self._text(row, column)}"
        return None

    def _text(self, row: Row, column: Column) -> str:
        if isinstance(row, TypeRow):
            texts = (
                short_type(row.event_type),
                _ROLE_WORDS[row.role],
                "",
                "",
                grouped(row.seen) if row.seen else "none",
            )
            return texts[column]
        name = "the whole payload" if row.attribute == WHOLE else one_line(row.attribute)
        own = "" if row.attribute == WHOLE else row.attribute
        target = "" if row.operation == "ignore" else one_line(row.target or own)
        return (name, row.operation, target, row.guessed, grouped(row.seen) if row.seen else "none")[column]

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        draft, row, text = self.draft, self.rows[index.row()], str(value)
        if draft is None or role != Qt.ItemDataRole.EditRole or text == _edit_text(row, Column(index.column())):
            return False
        if isinstance(row, TypeRow):
            draft.set_role(row.event_type, next(own for own, words in _ROLE_WORDS.items() if words == text))
        elif index.column() == Column.RULE:
            draft.set_operation(row, next(own for own in OPERATIONS if own == text))
        elif index.column() == Column.TARGET:
            draft.set_target(row, text)
        else:
            draft.set_attribute(row, text)
        self.edited.emit()
        return True


def _place(row: Row) -> tuple[str, str, int]:
    return (row.event_type, row.attribute, row.number) if isinstance(row, RuleRow) else (row.event_type, "", -1)


def _edit_text(row: Row, column: Column) -> str:
    if isinstance(row, TypeRow):
        return _ROLE_WORDS[row.role] if column == Column.RULE else ""
    return {Column.NAME: row.attribute, Column.RULE: row.operation, Column.TARGET: row.target}.get(column, "")


def _hint(row: Row, column: Column) -> str:
    if isinstance(row, TypeRow):
        return row.event_type
    if row.problem:
        return row.problem
    if column == Column.GUESS:
        return row.why or "The inferred fold does not know this attribute"
    return f"{row.attribute} of {row.event_type}" if column == Column.NAME else ""


class FoldTable(QTableView):
    """The table; what can be edited is edited where it stands, by a click or F2."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_ = FoldTableModel(self)
        self.setModel(self.model_)
        self.setAccessibleName("Rules by event type and attribute")
        self.setItemDelegate(_Delegate(self))
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.SelectedClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT + 4)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        for column, width in ((Column.RULE, 156), (Column.TARGET, 176), (Column.GUESS, 170), (Column.SEEN, 76)):
            self.setColumnWidth(column, width)
        signals().changed.connect(self.viewport().update)
        self.clicked.connect(self._clicked)

    def _clicked(self, index: QModelIndex) -> None:
        """A rule is a choice: one click opens it."""
        if index.column() == Column.RULE:
            self.edit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if (
            event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            and self.state() != QAbstractItemView.State.EditingState
        ):
            # The dialog's own button is not meant.
            self.edit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def chosen(self) -> list[Row]:
        """The selected rows, from top to bottom."""
        rows = sorted({index.row() for index in self.selectionModel().selectedIndexes()})
        return [self.model_.rows[row] for row in rows if row < len(self.model_.rows)]

    def choose(self, event_type: str, attribute: str) -> None:
        """Selects the last rule of an attribute and starts to edit its name."""
        for number in range(len(self.model_.rows) - 1, -1, -1):
            row = self.model_.rows[number]
            if isinstance(row, RuleRow) and row.place == (event_type, attribute):
                index = self.model_.index(number, Column.NAME)
                self.setCurrentIndex(index)
                self.scrollTo(index)
                if index.flags() & Qt.ItemFlag.ItemIsEditable:
                    self.edit(index)
                return


class _Delegate(QStyledItemDelegate):
    """Paints a rule as the choice it is, and edits it by a combo box, targets by a line."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        assert isinstance(model, FoldTableModel)
        row, column, current = model.rows[index.row()], Column(index.column()), theme()
        self.initStyleOption(option, index)
        option.text = ""
        if isinstance(row, TypeRow) and not option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, current.color("sunken"))
        option.state &= ~QStyle.StateFlag.State_HasFocus
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        area = option.rect.adjusted(10, 0, -10, 0)
        painter.save()
        if column == Column.NAME and isinstance(row, RuleRow):
            area.adjust(_INDENT, 0, 0, 0)
            if row.is_edited:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(current.color("accent"))
                painter.drawEllipse(QRectF(area.left() - 14, area.center().y() - 2, 6, 6))
        if column == Column.RULE:
            side = QRect(area.right() - 13, area.center().y() - 6, 14, 14)
            icons.paint(painter, "chevron-down", QRectF(side), current.color("third"))
            area.adjust(0, 0, -20, 0)
        font = _font(row, column)
        painter.setFont(font)
        painter.setPen(current.color(_tone(row, column)))
        text = QFontMetrics(font).elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, area.width())
        side_ = Qt.AlignmentFlag.AlignRight if column == Column.SEEN else Qt.AlignmentFlag.AlignLeft
        painter.drawText(area, int(side_ | Qt.AlignmentFlag.AlignVCenter), text)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        model = index.model()
        assert isinstance(model, FoldTableModel)
        if index.column() != Column.RULE:
            line = QLineEdit(parent)
            line.setFont(fonts.mono(12))
            line.setAccessibleName(_TITLES[index.column()])
            row = model.rows[index.row()]
            if isinstance(row, RuleRow) and index.column() == Column.TARGET:
                line.setPlaceholderText("" if row.attribute == WHOLE else row.attribute)
            return line
        box = QComboBox(parent)
        box.setAccessibleName("Rule")
        is_type = isinstance(model.rows[index.row()], TypeRow)
        box.addItems([_ROLE_WORDS[role] for role in ROLES] if is_type else list(OPERATIONS))
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

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _Index) -> None:
        area = option.rect.adjusted(1, 0, -1, -1)
        if index.column() == Column.NAME:
            area.adjust(_INDENT, 0, 0, 0)
        editor.setGeometry(area)

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        if isinstance(editor, QComboBox) and event.type() == QEvent.Type.FocusOut and editor.view().isVisible():
            # Its own list took the keyboard.
            return False
        return super().eventFilter(editor, event)


def _font(row: Row, column: Column) -> QFont:
    if isinstance(row, TypeRow):
        return fonts.ui(fonts.BODY, 600 if column == Column.NAME else 400)
    if column in (Column.NAME, Column.TARGET) and not (column == Column.NAME and row.attribute == WHOLE):
        return fonts.mono(12)
    return fonts.ui(12 if column == Column.GUESS else fonts.BODY)


def _tone(row: Row, column: Column) -> str:
    if isinstance(row, TypeRow):
        is_plain = column == Column.RULE and row.role == "changes"
        return (
            "second"
            if is_plain
            else "accent"
            if column == Column.RULE
            else "text"
            if column == Column.NAME
            else "second"
        )
    if row.problem and column in (Column.RULE, Column.TARGET, Column.NAME):
        return "removed"
    if column in (Column.GUESS, Column.SEEN):
        return "second"
    if column == Column.TARGET and not row.target:
        return "third"
    if row.operation == "ignore":
        return "third"
    return "accent" if row.is_edited and column in (Column.RULE, Column.TARGET) else "text"
