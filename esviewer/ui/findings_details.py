"""One finding: its rule in a sentence, what it stands on, what to do, and its events; and findings as text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QBoxLayout, QFrame, QHeaderView, QMenu, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from esviewer.checks.registry import EVENT_RULES, RULES
from esviewer.domain import UsageError
from esviewer.domain.finding import Finding
from esviewer.domain.replacing import replacing
from esviewer.session import StoreSession
from esviewer.stores.index import NONE
from esviewer.ui import fonts
from esviewer.ui.catalogue_facts import LISTED
from esviewer.ui.widgets import ElidedLabel, Panel, RowDelegate, label, tooltip
from esviewer.ui.widgets.format import ABSENT, grouped, when
from esviewer.ui.words import one_line, short_type, stream_title
from esviewer.ui.zone import zone

_CONFIDENCE: Final = {"certain": "", "strong": "very likely", "heuristic": "a guess"}
_PLACE: Final = Qt.ItemDataRole.UserRole


def rule_title(name: str) -> str:
    """A rule's name for people: ``Unknown type``."""
    return name.replace("-", " ").capitalize()


def write_findings(findings: Sequence[Finding], path: Path) -> int:
    """Writes findings to a file, as the ending of its name says, else as CSV; returns how many.

    Raises :class:`UsageError` where it cannot be written.
    """
    text = as_json(findings) if path.suffix.lower() == ".json" else as_csv(findings)
    try:
        with replacing(path) as out:
            out.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
    return len(findings)


def as_json(findings: Sequence[Finding]) -> str:
    """The findings as ``check --json`` has them."""
    return json.dumps([finding.as_object() for finding in findings], ensure_ascii=False, indent=2) + "\n"


def as_csv(findings: Sequence[Finding]) -> str:
    """A line a finding; positions and evidence in one cell each."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("rule", "severity", "scope", "events", "positions", "evidence", "confidence", "next_step"))
    for one in findings:
        positions = " ".join(map(str, one.positions))
        evidence = " ".join(one.evidence)
        writer.writerow(
            (one.rule, one.severity, one.scope, len(one.positions), positions, evidence, one.confidence, one.next_step)
        )
    return out.getvalue()


def finding_text(finding: Finding) -> str:
    """A finding to be sent to somebody."""
    rule = RULES.get(finding.rule)
    places = ", ".join(map(str, finding.positions[:20])) + (" …" if len(finding.positions) > 20 else "")
    lines = [f"{rule_title(finding.rule)}: {finding.scope}", rule.sentence if rule is not None else ""]
    lines += [*finding.evidence, f"Events: {places}" if places else "", finding.next_step]
    return "\n".join(filter(None, lines))


def scope_title(finding: Finding) -> str:
    """What a finding is about, for people: types in short; streams, consumers and the like as they are called."""
    return short_type(finding.scope) if finding.rule in EVENT_RULES else one_line(finding.scope)


class FindingDetails(Panel):
    """One finding: its rule in a sentence, what it stands on, what to do, and its events to go to."""

    row_wanted = Signal(int)

    def __init__(self, store: StoreSession, parent: QWidget | None = None) -> None:
        super().__init__("Finding", "", parent)
        self._store = store
        self._finding: Finding | None = None
        self._rows: NDArray[np.int64] = np.empty(0, np.int64)
        head = QVBoxLayout()
        head.setContentsMargins(14, 0, 14, 8)
        head.setSpacing(6)
        self._scope = ElidedLabel("")
        self._scope.setFont(fonts.mono(12))
        self._rule = label()
        self._evidence = label(tone="second")
        self._step = label()
        for part in (self._rule, self._evidence, self._step):
            part.setWordWrap(True)
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        caption = label("What to do", tone="third", font=fonts.ui(11))
        for part in (self._scope, self._rule, self._evidence, caption, self._step):
            head.addWidget(part)
        self._count = label(tone="third", font=fonts.ui(11))
        self._count.setContentsMargins(14, 4, 14, 2)
        self.events = QTreeWidget()
        self._make_events()
        listed = QVBoxLayout()
        listed.setSpacing(0)
        listed.addWidget(self._count)
        listed.addWidget(self.events, 1)
        head.addStretch(1)
        self._halves = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._halves.addLayout(head)
        self._halves.addLayout(listed, 1)
        self.body.addLayout(self._halves, 1)

    def set_beside(self, is_beside: bool) -> None:
        """Puts the events beside what is said, where there is more width than height, or below it."""
        side, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._halves.setDirection(side if is_beside else below)
        self._halves.setStretch(0, 1 if is_beside else 0)

    def _make_events(self) -> None:
        self.events.setAccessibleName("Events of the finding")
        self.events.setHeaderLabels(["Position", "Type", "Stream", "Recorded"])
        self.events.setRootIsDecorated(False)
        self.events.setUniformRowHeights(True)
        self.events.setFrameShape(QFrame.Shape.NoFrame)
        self.events.setItemDelegate(RowDelegate(self.events))
        self.events.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        self.events.header().setStretchLastSection(True)
        self.events.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        for column, width in enumerate((64, 140, 150)):
            self.events.setColumnWidth(column, width)
        self.events.itemClicked.connect(self._go)
        self.events.itemActivated.connect(self._go)
        self.events.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.events.customContextMenuRequested.connect(self._show_menu)

    @property
    def text(self) -> str:
        """What is said of the finding."""
        return "\n".join(part.text() for part in (self._scope, self._rule, self._evidence, self._step))

    @property
    def count(self) -> str:
        """How many events there are, and how many are listed."""
        return self._count.text()

    def show_zone(self) -> None:
        """Times are shown in another zone."""
        finding, self._finding = self._finding, None
        self.show_finding(finding, self._rows)

    def show_finding(self, finding: Finding | None, rows: NDArray[np.int64]) -> None:
        """Shows another finding, with the rows of its first events in the index."""
        if finding is self._finding and finding is not None:
            return
        self._finding, self._rows = finding, rows
        self.events.clear()
        if finding is None:
            self.set_title("Finding")
            return
        rule = RULES.get(finding.rule)
        self.set_title(f"{rule_title(finding.rule)}: {scope_title(finding)}")
        self.set_note(_CONFIDENCE.get(finding.confidence, ""))
        self._scope.setText(finding.scope)
        self._rule.setText(rule.sentence if rule is not None else "")
        self._evidence.setText("\n".join(map(one_line, finding.evidence)))
        self._evidence.setVisible(bool(finding.evidence))
        self._step.setText(finding.next_step)
        count = len(finding.positions)
        self._count.setText(_listed(count, len(rows)))
        self.events.setVisible(count > 0)
        self._fill(rows)

    def _fill(self, rows: NDArray[np.int64]) -> None:
        index = self._store.index
        rows = rows[rows < index.length]
        types, streams, times = (index.column(name)[rows].tolist() for name in ("type", "stream", "time"))
        items = []
        for row, kind, stream, time in zip(rows.tolist(), types, streams, times, strict=True):
            position = index.position_of(row)
            name = index.streams[stream] if stream >= 0 else ""
            item = QTreeWidgetItem(
                [
                    ABSENT if position is None else grouped(position) if isinstance(position, int) else position,
                    short_type(index.types[kind]) if kind >= 0 else "no type",
                    stream_title(index.stream_category[stream], name, 12) if name else ABSENT,
                    ABSENT if time == NONE else when(time, zone()),
                ]
            )
            item.setData(0, _PLACE, row)
            item.setToolTip(2, tooltip(name))
            for column in (0, 3):
                item.setFont(column, fonts.mono(12))
            items.append(item)
        self.events.addTopLevelItems(items)
        # Most findings are about one type, which stands above.
        self.events.setColumnHidden(1, len(set(types)) <= 1)

    def _go(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        row = item.data(0, _PLACE)
        if row is not None:
            self.row_wanted.emit(int(row))

    def _show_menu(self, at: QPoint) -> None:
        finding = self._finding
        if finding is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        item = self.events.itemAt(at)
        if item is not None:
            menu.addAction("Go to the event", partial(self._go, item))
        positions = finding.positions
        menu.addAction(
            "Copy all positions", lambda: QGuiApplication.clipboard().setText("\n".join(map(str, positions)))
        )
        menu.popup(self.events.viewport().mapToGlobal(at))


def _listed(count: int, listed: int) -> str:
    if not count:
        return "It is about no single event."
    noun = f"{grouped(count)} event{'' if count == 1 else 's'}"
    return f"{noun}; click one to go there" if count <= LISTED else f"{noun}, the first {grouped(listed)} listed"
