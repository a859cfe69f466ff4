"""What the rules found in a store: by rule, most serious first, each with its events and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QMenu,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from esviewer.catalogue.model import Catalogue
from esviewer.checks.registry import RULES
from esviewer.domain.finding import SEVERITIES, Finding, Severity
from esviewer.session import StoreSession
from esviewer.ui import fonts
from esviewer.ui.catalogue_facts import Checked
from esviewer.ui.findings_details import FindingDetails, finding_text, rule_title, scope_title
from esviewer.ui.icons import icon
from esviewer.ui.store_tab import StoreTab
from esviewer.ui.theme import theme
from esviewer.ui.widgets import BusyBar, ElidedLabel, EmptyState, Panel, tooltip
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from PySide6.QtCore import QModelIndex, QPersistentModelIndex

    from esviewer.ui.catalogue_control import Catalogues

SEVERITY_LOOKS: Final[dict[Severity, tuple[str, str, str]]] = {
    "error": ("circle-alert", "removed", "errors"),
    "warn": ("triangle-alert", "changed", "warnings"),
    "info": ("info", "second", "notes"),
}
"""Icon, colour and word of each severity."""
_WIDE: Final = 900
_SIZES: Final = [600, 420]
_PLACE: Final = Qt.ItemDataRole.UserRole
_COUNT: Final = Qt.ItemDataRole.UserRole + 1
_RULE: Final = Qt.ItemDataRole.UserRole + 2
AT_MOST: Final = 500
"""Findings of a rule that are listed; all are counted and exported."""


class FindingsTab(StoreTab):
    """The findings of one store, and the way to run the rules."""

    row_wanted = Signal(int)

    def __init__(self, store: StoreSession, catalogues: Catalogues, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self._catalogues = catalogues
        self._checked: Checked | None = None
        self.panel = Panel("Findings", "list-checks")
        self.tree = _Tree("Findings")
        self.details = FindingDetails(store)
        self.busy = BusyBar()
        self.empty = EmptyState("list-checks", "", "Check the store")
        self._stack = QStackedWidget()
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        self.least = QComboBox()
        self.least.setAccessibleName("Least severity shown")
        for severity, text in (("info", "All findings"), ("warn", "Warnings and errors"), ("error", "Errors alone")):
            self.least.addItem(text, severity)
        self.check = QToolButton()
        self.check.setText("Check")
        self.check.setIcon(icon("list-checks"))
        self.check.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.check.setToolTip("Run all rules; events that were checked before by the same catalogue are not read again")
        self.export_button = QToolButton()
        self.export_button.setIcon(icon("download"))
        self.export_button.setToolTip("Export the findings, as CSV or JSON…")
        self.export_button.setAccessibleName("Export the findings")
        for widget in (self.least, self.check, self.export_button):
            self.panel.add_to_header(widget)
        self._stale = ElidedLabel("")
        self._stale.setProperty("tone", "changed")
        self._stale.setContentsMargins(14, 0, 12, 4)
        self.busy.setContentsMargins(14, 0, 12, 6)
        for part in (self.busy, self._stale):
            part.hide()
            self.panel.body.addWidget(part)
        self._stack.addWidget(self.tree)
        self._stack.addWidget(self.empty)
        self.panel.body.addWidget(self._stack, 1)
        self.splitter.addWidget(self.panel)
        self.splitter.addWidget(self.details)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(8)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setSizes(_SIZES)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)
        self.setFocusProxy(self.tree)

    def _connect(self) -> None:
        catalogues, store = self._catalogues, self.store
        for signal in self._signals():
            signal.connect(self._told)
        self.check.clicked.connect(lambda: catalogues.check(store))
        self.empty.offered.connect(lambda: catalogues.check(store))
        self.busy.cancelled.connect(lambda: catalogues.cancel_check(store))
        self.least.currentIndexChanged.connect(lambda _place: self._fill())
        self.export_button.clicked.connect(self.ask_and_export)
        self.tree.currentItemChanged.connect(lambda _now, _before: self._choose())
        self.tree.itemActivated.connect(lambda _item, _column: self._go_to_first())
        self.tree.customContextMenuRequested.connect(self._show_menu)
        self.details.row_wanted.connect(self.row_wanted)

    def _signals(self) -> tuple[SignalInstance, ...]:
        own = self._catalogues
        return own.changed, own.checked, own.advanced, own.grew, own.judged

    def stop(self) -> None:
        """Listens no more; the tab closes."""
        for signal in self._signals():
            signal.disconnect(self._told)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wanted = Qt.Orientation.Horizontal if self.width() >= _WIDE else Qt.Orientation.Vertical
        if wanted is not self.splitter.orientation():
            self.splitter.setOrientation(wanted)
            self.splitter.setSizes(_SIZES)
            self.details.set_beside(wanted is Qt.Orientation.Vertical)

    # What is shown

    def show_zone(self) -> None:
        """Times are shown in another zone."""
        self.details.show_zone()

    def _told(self, store: object) -> None:
        if store is self.store:
            self.refresh()

    @property
    def stale(self) -> str:
        """Why the findings are not those of now; empty if they are."""
        return self._stale.text()

    @property
    def title(self) -> str:
        """The title of the tab: with the number of findings, where it is known."""
        return "Findings" if self._checked is None else f"Findings {grouped(len(self._checked.findings))}"

    def refresh(self) -> None:
        """Shows what is known now."""
        store, catalogues = self.store, self._catalogues
        is_checking, advance = catalogues.is_checking(store), catalogues.advance_of(store)
        if is_checking and self.busy.isHidden():
            self.busy.start("Checking")
        self.busy.setVisible(is_checking)
        if is_checking and advance is not None:
            self.busy.advance(advance.done, advance.total, advance.seconds)
        self.check.setEnabled(not is_checking)
        checked = catalogues.checked_of(store)
        if checked is not self._checked or checked is None:
            self._checked = checked
            self._fill()
        stale = self._staleness(checked, store.catalogue.current)
        self._stale.setText(stale)
        self._stale.setVisible(bool(stale) and not is_checking)

    def _staleness(self, checked: Checked | None, current: Catalogue | None) -> str:
        """Why the findings are not those of now; empty if they are."""
        if checked is None:
            return ""
        if checked.catalogue != current:
            return "The catalogue has changed since: check again."
        if self._catalogues.is_overtaken(self.store):
            return "History that was checked has changed since: check again."
        new = self.store.index.length - checked.events
        return f"{grouped(new)} event{'' if new == 1 else 's'} came since: check again." if new > 0 else ""

    def _shown(self) -> list[tuple[int, Finding]]:
        """The findings that are severe enough, each with its place among all."""
        least = SEVERITIES.index(self.least.currentData())
        found = self._checked.findings if self._checked is not None else ()
        return [pair for pair in enumerate(found) if SEVERITIES.index(pair[1].severity) <= least]

    def _fill(self) -> None:
        chosen = self._chosen()
        shown = self._shown()
        self.tree.blockSignals(True)
        self.tree.clear()
        by_rule: dict[str, list[tuple[int, Finding]]] = {}
        for place, finding in shown:
            by_rule.setdefault(finding.rule, []).append((place, finding))
        for name, findings in by_rule.items():
            self._add_rule(name, findings)
        self.tree.blockSignals(False)
        self._say(shown)
        self.tree.choose(chosen)
        self._choose()

    def _add_rule(self, name: str, findings: Sequence[tuple[int, Finding]]) -> None:
        rule = RULES.get(name)
        severity = findings[0][1].severity
        symbol, token, _ = SEVERITY_LOOKS[severity]
        head = QTreeWidgetItem([rule_title(name)])
        head.setIcon(0, icon(symbol, token))
        head.setFont(0, fonts.ui(13, 600))
        sentence = rule.sentence if rule is not None else ""
        head.setToolTip(0, tooltip(f"{name}\n{sentence}"))
        head.setData(0, _RULE, name)
        head.setData(0, _COUNT, sum(len(finding.positions) for _, finding in findings))
        self.tree.addTopLevelItem(head)
        for place, finding in findings[:AT_MOST]:
            row = QTreeWidgetItem([scope_title(finding)])
            row.setData(0, _PLACE, place)
            row.setData(0, _COUNT, len(finding.positions))
            row.setToolTip(0, tooltip("\n".join((finding.scope, *finding.evidence[:6]))))
            head.addChild(row)
        if len(findings) > AT_MOST:
            more = QTreeWidgetItem([f"and {grouped(len(findings) - AT_MOST)} more"])
            more.setToolTip(0, "An export has all of them")
            more.setFlags(Qt.ItemFlag.ItemIsEnabled)
            head.addChild(more)
        head.setExpanded(len(findings) <= 12)

    def _say(self, shown: Sequence[tuple[int, Finding]]) -> None:
        checked = self._checked
        self.export_button.setEnabled(bool(checked is not None and checked.findings))
        self.least.setEnabled(bool(checked is not None and checked.findings))
        if checked is None:
            what = "types, versions, upcasters, payloads" if self.store.catalogue.current else "payloads"
            more = "" if self.store.catalogue.current else " Without a catalogue no event can be unknown or outdated."
            self.empty.set_sentence(
                f"All events are read once, and {what}, streams and positions are checked by rules.{more}",
                "Check the store",
            )
            self.panel.set_note("")
        elif not shown:
            events = grouped(checked.events)
            sentence = (
                f"Nothing was found in {events} events." if not checked.findings else "Nothing as severe as that."
            )
            self.empty.set_sentence(sentence)
        self._stack.setCurrentIndex(0 if shown else 1)
        self.details.setVisible(bool(shown))
        if checked is not None:
            counts = [sum(one.severity == severity for one in checked.findings) for severity in SEVERITIES]
            words = [
                f"{grouped(count)} {SEVERITY_LOOKS[severity][2] if count != 1 else SEVERITY_LOOKS[severity][2][:-1]}"
                for count, severity in zip(counts, SEVERITIES, strict=True)
                if count
            ]
            self.panel.set_note("  ·  ".join(words))

    # One finding

    def _chosen(self) -> int | None:
        item = self.tree.currentItem()
        place = item.data(0, _PLACE) if item is not None else None
        return int(place) if place is not None else None

    def _choose(self) -> None:
        item, checked = self.tree.currentItem(), self._checked
        if item is None or checked is None:
            self.details.show_finding(None, np.empty(0, np.int64))
            return
        place = item.data(0, _PLACE)
        if place is None:
            first = item.child(0)
            place = first.data(0, _PLACE) if first is not None else None
        if place is not None:
            self.details.show_finding(checked.findings[place], checked.rows[place])

    def _go_to_first(self) -> None:
        place, checked = self._chosen(), self._checked
        if place is not None and checked is not None and len(checked.rows[place]):
            self.row_wanted.emit(int(checked.rows[place][0]))

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        place, checked = self._chosen(), self._checked
        if place is not None and checked is not None:
            finding = checked.findings[place]
            if len(checked.rows[place]):
                menu.addAction("Go to its first event", self._go_to_first)
            text = finding_text(finding)
            menu.addAction("Copy the finding", lambda: QGuiApplication.clipboard().setText(text))
        if checked is not None:
            menu.addAction(icon("download"), "Export the findings…", self.ask_and_export)
        if not menu.isEmpty():
            menu.popup(self.tree.viewport().mapToGlobal(at))

    # Leaving the tool

    def ask_and_export(self) -> None:
        """Asks for a file and writes all findings to it, those that are not shown too."""
        name, _ = QFileDialog.getSaveFileName(self, "Export the findings", "findings.csv", "CSV (*.csv);;JSON (*.json)")
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Writes all findings to a file: JSON as ``check --json`` has them, else CSV."""
        self._catalogues.export(self._checked.findings if self._checked is not None else (), path)


class _Tree(QTreeWidget):
    """Rules with their findings below; the number of events at the right."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setItemDelegate(_RowDelegate(self))
        self.setIndentation(18)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    def choose(self, place: int | None) -> None:
        """Makes a finding the current one, the first one where it is not there."""
        first: QTreeWidgetItem | None = None
        for number in range(self.topLevelItemCount()):
            head = self.topLevelItem(number)
            for child in range(head.childCount() if head is not None else 0):
                item = head.child(child) if head is not None else None
                first = first or item
                if item is not None and place is not None and item.data(0, _PLACE) == place:
                    self.setCurrentItem(item)
                    return
        if first is not None:
            self.setCurrentItem(first)


class _RowDelegate(QStyledItemDelegate):
    """A row with its number of events in a pill at the right; of rules also the sentence."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, 30)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        current, area = theme(), QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        is_rule = index.data(_RULE) is not None
        x = area.x() + 4
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if picture is not None:
            picture.paint(painter, QRect(x, area.center().y() - 7, 16, 16))
            x += 24
        count = grouped(int(index.data(_COUNT) or 0))
        painter.setFont(fonts.mono(12))
        width = QFontMetrics(painter.font()).horizontalAdvance(count) if count != "0" else 0
        if width:
            painter.setPen(current.color("second"))
            painter.drawText(QRect(area.right() - width - 12, area.y(), width + 2, area.height()), _END, count)
        painter.setFont(fonts.ui(13, 600) if is_rule else fonts.ui(13))
        painter.setPen(current.color("text"))
        room = area.right() - width - 24 - x
        shown = QFontMetrics(painter.font()).elidedText(str(index.data() or ""), Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(x, area.y(), room, area.height()), _BEGIN, shown)
        if is_rule:
            self._paint_sentence(painter, index, QRect(x, area.y(), room, area.height()), shown)

    def _paint_sentence(
        self, painter: QPainter, index: QModelIndex | QPersistentModelIndex, area: QRect, title: str
    ) -> None:
        rule = RULES.get(str(index.data(_RULE)))
        used = QFontMetrics(painter.font()).horizontalAdvance(title) + 14
        if rule is None or area.width() - used < 60:
            return
        painter.setFont(fonts.ui(12))
        painter.setPen(theme().color("third"))
        room = area.width() - used
        shown = QFontMetrics(painter.font()).elidedText(rule.sentence, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(area.x() + used, area.y(), room, area.height()), _BEGIN, shown)


_BEGIN: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
_END: Final = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight)
