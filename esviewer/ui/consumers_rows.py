"""The table of consumers: its rows, how they are painted, and as text to be taken away."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from esviewer.domain import iso
from esviewer.ui import fonts, icons
from esviewer.ui.consumers_reading import Standing, State, tendency
from esviewer.ui.overview_words import duration, events
from esviewer.ui.theme import theme
from esviewer.ui.widgets import ROW_HEIGHT, tooltip
from esviewer.ui.widgets.format import ABSENT, grouped, when_exact
from esviewer.ui.words import one_line
from esviewer.ui.zone import zone

_Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    STATE = 0
    CONSUMER = 1
    BEHIND = 2
    TREND = 3
    WAITED = 4
    POSITION = 5
    FOLLOWS = 6


TITLES: Final = {
    Column.STATE: "State",
    Column.CONSUMER: "Consumer",
    Column.BEHIND: "Events behind",
    Column.TREND: "Trend",
    Column.WAITED: "Time behind",
    Column.POSITION: "Position",
    Column.FOLLOWS: "Follows",
}
_ABOUT: Final = {
    Column.POSITION: "The last position that the consumer says it has processed",
    Column.BEHIND: "Events after that position, of all types, counted: gaps are no events",
    Column.TREND: "Events behind, reading by reading, since this view was opened",
    Column.WAITED: "From when the oldest event that waits was recorded until now",
}
_NUMBERS: Final = (Column.POSITION, Column.BEHIND, Column.WAITED)
LOOKS: Final[dict[State, tuple[str, str, str]]] = {
    "ahead": ("circle-alert", "removed", "Ahead of the head"),
    "stuck": ("triangle-alert", "changed", "Stuck"),
    "behind": ("clock", "second", "Behind"),
    "caught up": ("circle-check", "added", "Caught up"),
    "unknown": ("circle-help", "third", "Not known"),
}
"""Icon, colour and words of each state, worst first."""
_FIELDS: Final = (
    "consumer", "upstream", "category", "tenant", "position", "lag", "ahead", "oldest_waiting_at", "seconds_waiting",
    "state",
)  # fmt: skip


class ConsumersModel(QAbstractTableModel):
    """A row a consumer, in the order of the store."""

    def __init__(self) -> None:
        super().__init__()
        self.standings: tuple[Standing, ...] = ()

    def show_standings(self, standings: tuple[Standing, ...]) -> None:
        """Shows the consumers as they stand now; rows that stay keep their selection."""
        if [_who(one) for one in standings] == [_who(one) for one in self.standings]:
            self.standings = standings
            if standings:
                self.dataChanged.emit(self.index(0, 0), self.index(len(standings) - 1, len(Column) - 1))
            return
        self.beginResetModel()
        try:
            self.standings = standings
        finally:
            self.endResetModel()

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.standings)

    def columnCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return TITLES[Column(section)]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(Column(section))
        if role == Qt.ItemDataRole.ToolTipRole:
            return _ABOUT.get(Column(section))
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        standing, column = self.standings[index.row()], Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return cell(standing, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{TITLES[column]}: {cell(standing, column)}"
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(_told(standing, column))
        return None


def _who(standing: Standing) -> tuple[str | None, ...]:
    follow = standing.place.follow
    return follow.consumer, follow.upstream, follow.category, follow.tenant


def cell(standing: Standing, column: Column) -> str:
    """What stands in a cell, as text; what is absent is a dash, never 0."""
    place = standing.place
    follow, position = place.follow, place.follow.position
    if column is Column.STATE:
        return LOOKS[standing.state][2]
    if column is Column.CONSUMER:
        return one_line(follow.consumer)
    if column is Column.FOLLOWS:
        part = follow.category or follow.tenant
        whole = one_line(follow.upstream or ABSENT)
        return whole if part is None else f"{whole} (only {one_line(part)})"
    if column is Column.POSITION:
        return grouped(position) if isinstance(position, int) else one_line(position or ABSENT)
    if column is Column.TREND:
        return tendency(standing.trend)
    if column is Column.WAITED:
        return ABSENT if standing.waited is None else duration(standing.waited)
    # A consumer beyond the head has no lag: 0 would say that all is well.
    return ABSENT if place.lag is None or place.ahead is not None else grouped(place.lag)


def _told(standing: Standing, column: Column) -> str:
    """The tooltip of a cell."""
    place = standing.place
    if column is Column.STATE:
        return _about_state(standing)
    if column is Column.CONSUMER:
        return place.follow.consumer
    if column is Column.TREND:
        count = len(standing.trend)
        return "" if count < 2 else f"{count} readings: from {grouped(standing.trend[0])} to {events(place.lag or 0)}"
    if column is Column.WAITED and place.oldest is not None:
        lines = [f"The oldest event that waits was recorded at {when_exact(place.oldest, zone())}"]
        if place.latest is not None:
            lines.append(f"The last event of the store: {when_exact(place.latest, zone())}")
        return "\n".join(lines)
    return cell(standing, column)


def _about_state(standing: Standing) -> str:
    place = standing.place
    if place.ahead is not None:
        return f"{grouped(place.ahead)} positions beyond the last event: it will never see the events in between."
    if standing.state == "stuck":
        return "It has not moved while new events came."
    if standing.state == "behind":
        return f"{events(place.lag or 0)} after its position."
    return place.why_unknown or "No event waits for it."


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in _NUMBERS else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def as_text(standings: Sequence[Standing]) -> str:
    """Rows to be pasted: cells with tabs between them, titles first."""
    lines = [[TITLES[column] for column in Column], *([cell(one, column) for column in Column] for one in standings)]
    return "\n".join("\t".join(line) for line in lines)


def as_csv(standings: Sequence[Standing]) -> str:
    """A line a consumer; numbers bare, times in ISO 8601 UTC, nothing where nothing is known."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_FIELDS)
    for one in standings:
        place, follow = one.place, one.place.follow
        seconds = None if one.waited is None else round(one.waited / 1_000_000, 3)
        lag = None if place.ahead is not None else place.lag
        who = follow.consumer, follow.upstream, follow.category, follow.tenant, follow.position
        writer.writerow((*who, lag, place.ahead, iso(place.oldest), seconds, one.state))
    return out.getvalue()


class ConsumerDelegate(QStyledItemDelegate):
    """Cells with the sign of the state, and the trend as a line."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._font = fonts.ui(fonts.BODY)

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(60, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        current, area, column = theme(), QRect(option.rect), Column(index.column())
        model = index.model()
        assert isinstance(model, ConsumersModel)
        standing = model.standings[index.row()]
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif index.row() % 2:
            painter.fillRect(area, current.color("sunken"))
        area.adjust(10, 0, -10, 0)
        if column is Column.TREND:
            _paint_trend(painter, area, standing)
            return
        symbol, token, _ = LOOKS[standing.state]
        if column is Column.STATE:
            icons.paint(painter, symbol, QRectF(area.left(), area.center().y() - 6.5, 14, 14), current.color(token))
            area.adjust(22, 0, 0, 0)
        elif column is Column.BEHIND and standing.place.lag:
            token = "changed" if standing.state == "stuck" else "text"
        else:
            token = "text" if column is Column.CONSUMER else "second"
        painter.setFont(self._font)
        painter.setPen(current.color("text" if token == "third" else token))
        text = QFontMetrics(self._font).elidedText(str(index.data()), Qt.TextElideMode.ElideRight, area.width())
        painter.drawText(area, int(_alignment(column)), text)


def _paint_trend(painter: QPainter, area: QRect, standing: Standing) -> None:
    """The lags as a line from 0 to their greatest; a reading that stands alone is no trend."""
    trend, top = standing.trend, max(standing.trend, default=0)
    if len(trend) < 2:
        return
    height, step = area.height() - 10, area.width() / (len(trend) - 1)
    points = [
        QPointF(area.left() + step * n, area.bottom() - 4 - (height * lag / top if top else 0))
        for n, lag in enumerate(trend)
    ]
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme().color("changed" if standing.state == "stuck" else "accent"), 1.5))
    painter.drawPolyline(QPolygonF(points))
    painter.restore()
