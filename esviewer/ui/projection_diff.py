"""The rows in which two projections differ: a line a row, with what each side has where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from esviewer.domain import Value
from esviewer.projections.compare import DifferingRow
from esviewer.ui import fonts, icons
from esviewer.ui.projection_rows import shown
from esviewer.ui.projection_work import Change, Differences, Sheet, cell_text, change_of, sides
from esviewer.ui.theme import theme
from esviewer.ui.widgets import RowDelegate, Tone, tooltip
from esviewer.ui.widgets.format import ABSENT
from esviewer.ui.words import one_line

CHANGES: Final[dict[Change, tuple[str, Tone, str]]] = {
    "added": ("plus", "added", "only in B"),
    "removed": ("minus", "removed", "only in A"),
    "changed": ("arrow-up-down", "changed", "in both, and not the same"),
}
"""Shape, colour and meaning."""
_FIXED: Final = ("", "table", "key")
_BEHIND: Final = {"added": "added_behind", "removed": "removed_behind", "changed": "changed_behind"}
_Index = QModelIndex | QPersistentModelIndex
ARROW: Final = " → "


class DiffModel(QAbstractTableModel):
    """Differing rows: what happened, the key, and a column for each field that differs anywhere, or for all."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.differences = Differences()
        self.rows: list[DifferingRow] = []
        self.columns: list[str] = []
        self._only_differing = True

    def show(self, differences: Differences) -> None:
        """Shows other rows, all of them."""
        self.beginResetModel()
        self.differences, self.rows = differences, list(differences.rows)
        self.columns = self._columns()
        self.endResetModel()

    def show_rows(self, rows: list[DifferingRow]) -> None:
        """Shows only these of the rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def show_only_differing(self, is_on: bool) -> None:
        """Leaves out, or shows, the columns in which no row differs."""
        self.beginResetModel()
        self._only_differing = is_on
        self.columns = self._columns()
        self.endResetModel()

    def _columns(self) -> list[str]:
        own = self.differences
        differing = [name for name, _ in own.fields]
        has_tables = len({row.table for row in own.rows}) > 1
        shown_ones = differing if self._only_differing and differing else own.columns
        return [*(_FIXED if has_tables else ("", "key")), *shown_ones]

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return one_line(self.columns[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, name = self.rows[index.row()], self.columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(row, name)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self._tip(row, name))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._tip(row, name).replace("\n", ", ")
        return None

    def text(self, row: DifferingRow, name: str) -> str:
        """What a cell says, in one line."""
        if name in _FIXED:
            return {"": change_of(row), "table": row.table, "key": shown(row.key)}[name]
        a, b = sides(row, name)
        if name in row.fields and change_of(row) == "changed":
            return f"{ABSENT if a is None else shown(a)}{ARROW}{ABSENT if b is None else shown(b)}"
        own = b if b is not None else a
        return ABSENT if own is None else shown(own)

    def _tip(self, row: DifferingRow, name: str) -> str:
        if name in _FIXED:
            own = change_of(row)
            return {"": f"{own}: {CHANGES[own][2]}", "table": row.table, "key": cell_text(row.key)}[name]
        a, b = sides(row, name)
        if name in row.fields:
            return f"A: {'absent' if a is None else a}\nB: {'absent' if b is None else b}"
        return f"{name}: {b if b is not None else a}"

    def sheet(self, rows: Sequence[DifferingRow]) -> Sheet:
        """Rows to be taken away: what happened, the key, and A and B of every field that differs."""
        listed: list[dict[str, Value]] = []
        for row in rows:
            made: dict[str, Value] = {"change": change_of(row), "table": row.table, "key": row.key}
            for name in row.fields:
                for side, own in (("a", row.a), ("b", row.b)):
                    if own is not None and name in own:
                        made[f"{name} in {side.upper()}"] = own[name]
            listed.append(made)
        columns = list(dict.fromkeys(name for made in listed for name in made))
        return Sheet("differences", listed, columns or ["change", "table", "key"])


class DiffDelegate(RowDelegate):
    """Marks what differs: A's value in its colour, an arrow, B's in its; rows that one side lacks by their sign."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        model = index.model()
        if not isinstance(model, DiffModel):
            return
        row, name = model.rows[index.row()], model.columns[index.column()]
        painter.save()
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, theme().color("selected"))
        change = change_of(row)
        if name == "":
            self._paint_sign(painter, area, change)
        elif name in _FIXED:
            self._write(painter, area.adjusted(8, 0, -4, 0), model.text(row, name), "text")
        elif name in row.fields and change == "changed":
            self._paint_pair(painter, area, row, name)
        else:
            tone = "third" if change == "changed" else CHANGES[change][1]
            self._write(painter, area.adjusted(8, 0, -4, 0), model.text(row, name), tone)
        painter.restore()

    def _paint_sign(self, painter: QPainter, area: QRect, change: Change) -> None:
        symbol, tone, _ = CHANGES[change]
        colour = theme().color(tone)
        icons.paint(painter, symbol, QRect(area.x() + 8, area.y() + 6, 14, 14).toRectF(), colour)
        painter.setFont(fonts.ui(12))
        painter.setPen(colour)
        painter.drawText(area.adjusted(28, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), change)

    def _paint_pair(self, painter: QPainter, area: QRect, row: DifferingRow, name: str) -> None:
        painter.fillRect(area.adjusted(1, 2, -1, -2), theme().color("changed_behind"))
        a, b = (ABSENT if text is None else shown(text) for text in sides(row, name))
        metrics = QFontMetrics(fonts.mono(12))
        room = area.adjusted(8, 0, -4, 0)
        arrow = metrics.horizontalAdvance(ARROW)
        wide_a, wide_b = metrics.horizontalAdvance(a), metrics.horizontalAdvance(b)
        # What both want beyond the room they share; a side that needs less than its half leaves the rest to the other.
        half = max((room.width() - arrow) // 2, 0)
        width_a = wide_a if wide_a + wide_b + arrow <= room.width() or wide_a <= half else max(
            half, room.width() - arrow - wide_b
        )  # fmt: skip
        left = QRect(room.x(), room.y(), width_a, room.height())
        self._write(painter, left, a, "removed")
        middle = QRect(left.right() + 1, room.y(), arrow, room.height())
        self._write(painter, middle, ARROW, "second")
        self._write(
            painter, QRect(middle.right() + 1, room.y(), room.right() - middle.right(), room.height()), b, "added"
        )

    def _write(self, painter: QPainter, area: QRect, text: str, tone: str) -> None:
        face = fonts.mono(12)
        painter.setFont(face)
        painter.setPen(theme().color(tone or "text"))
        cut = QFontMetrics(face).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), cut)


_SIDES: Final = ("field", "A", "B")


class SidesModel(QAbstractTableModel):
    """One differing row, field by field: what A has and what B has, whole; fields that differ come first."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._lines: list[tuple[str, str | None, str | None, bool]] = []

    def show(self, row: DifferingRow | None) -> None:
        """Shows another row."""
        self.beginResetModel()
        names: dict[str, None] = {}
        if row is not None:
            names = dict.fromkeys([*row.fields, *(row.a or {}), *(row.b or {})])
            names.pop("key", None)
        self._lines = [(name, *sides(row, name), name in row.fields) for name in names] if row is not None else []
        self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._lines)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_SIDES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _SIDES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        name, a, b, differs = self._lines[index.row()]
        text = (name, a, b)[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return ABSENT if text is None else text[:5_000]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(text or "absent")
        if role == Qt.ItemDataRole.ForegroundRole:
            tone = ("changed", "removed", "added")[index.column()] if differs else "second"
            return theme().color("third" if text is None else tone)
        return None
