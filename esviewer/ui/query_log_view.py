"""The statements that were sent to a store, as they are sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QItemSelection, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import EsviewerError
from esviewer.domain.replacing import replacing
from esviewer.stores.query_log import QueryLog
from esviewer.ui import fonts, icons
from esviewer.ui.query_log_table import StatementsModel, StatementsTable, as_sql, as_text
from esviewer.ui.theme import signals, theme
from esviewer.ui.widgets import ROW_HEIGHT, Banner, EmptyState, SearchField, label
from esviewer.ui.widgets.format import grouped

_SHOW_MS: Final = 100
_NOTHING: Final = "No statement has been sent yet. Every statement that esviewer sends to this store will stand here."


class _Bell(QObject):
    """Rings on the UI thread when a statement was logged in any thread: once until it is heard."""

    rang = Signal()

    def __init__(self, log: QueryLog, parent: QObject) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._is_rung = False
        self._leave: Callable[[], None] | None = log.subscribe(self._ring)

    def _ring(self) -> None:
        with self._lock:
            # A statement that ended while the bell was taken down still calls it.
            if self._is_rung or self._leave is None:
                return
            self._is_rung = True
            self.rang.emit()

    def heard(self) -> None:
        """Lets the bell ring again; to be called before the log is read."""
        with self._lock:
            self._is_rung = False

    def take_down(self) -> None:
        """Ends the subscription; nothing is emitted afterwards. May be called again."""
        with self._lock:
            leave, self._leave = self._leave, None
        if leave is not None:
            leave()


class QueryLogView(QWidget):
    """Table, filter, and the whole of the statement that is selected; live until it is closed."""

    def __init__(self, log: QueryLog, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Statements sent to the store")
        self.setAccessibleName("Statements sent to the store")
        self._log = log
        self._bell: _Bell | None = None
        self._is_following = True
        self.statements = StatementsModel()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SHOW_MS)
        self._timer.timeout.connect(self._catch_up)
        self._make_parts()
        self._lay_out()
        self._connect_signals()
        self._listen()

    def _make_parts(self) -> None:
        self.filter = SearchField("Filter statements", "Ctrl+F")
        self.filter.setMaximumWidth(360)
        self._count = label(tone="second", font=fonts.ui(12))
        self.newest = QToolButton()
        self.newest.setIcon(icons.icon("arrow-down"))
        self.newest.setText("Follow")
        self.newest.setCheckable(True)
        self.newest.setChecked(True)
        self.newest.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.newest.setToolTip("Keep the newest statement in sight (End)")
        self.newest.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.save = QPushButton("Export…")
        self.save.setIcon(icons.icon("download"))
        self.save.setToolTip("Write the statements shown to a file")
        self.banner = Banner()
        self.table = StatementsTable(self.statements)
        self.empty = EmptyState("terminal", _NOTHING)
        self.detail = QPlainTextEdit()
        self.detail.setReadOnly(True)
        self.detail.setProperty("flush", "true")
        self.detail.setFont(fonts.mono(12))
        self.detail.setAccessibleName("Statement and parameters")
        self.detail.setPlaceholderText("Choose a statement to see all of it, with its parameters.")
        self.copy = QPushButton("Copy")
        self.copy.setIcon(icons.icon("copy"))
        self.copy.setToolTip("Copy the selected statements with their parameters")

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 8, 8, 8)
        bar.setSpacing(8)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self._count)
        bar.addStretch(1)
        for button in (self.newest, self.copy, self.save):
            bar.addWidget(button)
        self._lower = QWidget()
        lower = QVBoxLayout(self._lower)
        lower.setContentsMargins(0, 0, 0, 0)
        lower.setSpacing(0)
        line = QFrame()
        line.setProperty("line", "true")
        lower.addWidget(line)
        lower.addWidget(self.detail)
        self.detail.document().setDocumentMargin(8)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self.table)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self._pages)
        self.splitter.addWidget(self._lower)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setSizes([360, 160])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.banner)
        column.addWidget(self.splitter, 1)

    def _connect_signals(self) -> None:
        self.filter.textChanged.connect(self._filter_changed)
        self.empty.offered.connect(self.filter.clear)
        self.newest.toggled.connect(self._follow)
        self.save.clicked.connect(self.ask_where_to_export)
        self.copy.clicked.connect(self.table.copy_selected)
        self.table.export_wanted.connect(self.ask_where_to_export)
        self.table.selectionModel().selectionChanged.connect(self._show_detail)
        self.table.verticalScrollBar().actionTriggered.connect(lambda _action: self._scrolled())
        self.table.walked.connect(self._scrolled)
        signals().changed.connect(self.table.viewport().update)
        shortcut = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(self.filter.setFocus)

    # Living with the log

    @property
    def is_live(self) -> bool:
        return self._bell is not None

    def _listen(self) -> None:
        bell = _Bell(self._log, self)
        bell.rang.connect(self._rung, Qt.ConnectionType.QueuedConnection)
        self.destroyed.connect(bell.take_down)
        self._bell = bell
        self._catch_up()

    def _rung(self) -> None:
        if self._bell is not None and not self._timer.isActive():
            self._timer.start()

    def _catch_up(self) -> None:
        if self._bell is not None:
            self._bell.heard()
        bar = self.table.verticalScrollBar()
        place = bar.value()
        removed = self.statements.update_to(self._log.entries())
        if self._is_following:
            self.table.scrollToBottom()
        elif removed:
            bar.setValue(place - removed * ROW_HEIGHT)
        self._show_count()

    def _follow(self, is_wanted: bool) -> None:
        self._is_following = is_wanted
        if is_wanted:
            self.table.scrollToBottom()

    def _scrolled(self) -> None:
        """Going up by hand lets go of the newest, going to the end takes hold of it; new rows are neither."""
        bar = self.table.verticalScrollBar()
        self.newest.setChecked(bar.sliderPosition() >= bar.maximum())

    def _filter_changed(self, text: str) -> None:
        self.statements.set_filter(text)
        if self._is_following:
            self.table.scrollToBottom()
        self._show_count()
        self._show_detail()

    def _show_count(self) -> None:
        total, shown = self.statements.total, len(self.statements.shown)
        noun = "statement" if total == 1 else "statements"
        self._count.setText(f"{grouped(total)} {noun}" if shown == total else f"{grouped(shown)} of {grouped(total)}")
        if total and not shown:
            self.empty.set_sentence(f"None of the {grouped(total)} {noun} contains this text.", "Clear the filter")
        else:
            self.empty.set_sentence(_NOTHING)
        self._pages.setCurrentIndex(1 if shown else 0)
        self._lower.setVisible(bool(shown))
        self.save.setEnabled(bool(shown))
        self.copy.setEnabled(bool(self.table.selected()))

    def _show_detail(self, _now: QItemSelection | None = None, _before: QItemSelection | None = None) -> None:
        chosen = self.table.selected()
        self.copy.setEnabled(bool(chosen))
        text = as_text(chosen[-1:])
        if text != self.detail.toPlainText():
            self.detail.setPlainText(text)

    # Taking it away

    def ask_where_to_export(self) -> None:
        """Lets the reader name a file for the statements shown."""
        kinds = "SQL with comments (*.sql);;Text (*.txt)"
        name, kind = QFileDialog.getSaveFileName(self, "Export statements", "statements.sql", kinds)
        if name:
            path = Path(name)
            self.export(path if path.suffix else path.with_suffix(".txt" if "txt" in kind else ".sql"))

    def export(self, path: Path) -> None:
        """Writes the statements shown: a script, or text where the name ends in ``.txt``."""
        write = as_text if path.suffix.lower() == ".txt" else as_sql
        try:
            with replacing(path) as out:
                out.write(write(self.statements.shown).encode("utf-8", "backslashreplace"))
        except OSError as error:
            self.banner.tell("error", f"{path.name} could not be written: {error.strerror}.", str(error))
            return
        except EsviewerError as error:
            self.banner.tell("error", str(error))
            return
        self.banner.tell("success", f"{grouped(len(self.statements.shown))} statements were written to {path}")

    # Coming and going

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.isWindow():
            self.close()
        else:
            super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._bell is None:
            self._listen()
        elif self._is_following:
            self.table.scrollToBottom()
        self.table.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._timer.stop()
        if self._bell is not None:
            self._bell.take_down()
            self._bell.deleteLater()
            self._bell = None
        super().closeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(self.rect(), theme().color("panel"))
