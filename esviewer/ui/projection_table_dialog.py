"""Asks for the read model in the database that a projection is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from esviewer.domain import EsviewerError
from esviewer.projections.compare import LiveTable
from esviewer.projections.naming import named
from esviewer.session import StoreSession
from esviewer.ui.projection_files import ProjectionEntry
from esviewer.ui.projection_list import label_of
from esviewer.ui.widgets import label, set_tone


class TableDialog(QDialog):
    """``chosen`` is emitted with a :class:`LiveTable` once it makes sense; whether it is there, the run tells."""

    chosen = Signal(object)

    def __init__(self, store: StoreSession, entries: Sequence[ProjectionEntry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare with a table of the database")
        self.name = _line("Name of the table", "public.loans", "The read model, with its schema where it has one")
        self.key = _line("Key columns", "the primary key", "Columns that find a row, with commas")
        self.columns = _line(
            "Names of columns", "column=projected, …", "Only those that the projection calls otherwise"
        )
        self.consumer = QComboBox()
        self.previous = QComboBox()
        self.problem = label(tone="removed")
        self.compare = QPushButton("Compare")
        self._fill(store, entries)
        self._lay_out()
        self.compare.clicked.connect(self._accept)

    def _fill(self, store: StoreSession, entries: Sequence[ProjectionEntry]) -> None:
        self.consumer.setEditable(True)
        self.consumer.setAccessibleName("Consumer whose checkpoint is replayed to")
        self.consumer.setToolTip(
            "Replays to what it has recorded, and explains each row that differs; empty: to the head"
        )
        self.consumer.addItem("")
        for entry in entries:
            self.previous.addItem(label_of(entry), entry.text)
        self.previous.insertItem(0, "None", "")
        self.previous.setCurrentIndex(0)
        self.previous.setAccessibleName("Version of the projection before")
        self.previous.setToolTip("Rows that it explains are named: old logic. Only with a consumer")
        self.setAccessibleDescription(f"The table lies in the database of {store.name}")

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        parts: tuple[tuple[str, QWidget], ...] = (
            ("Table", self.name),
            ("Key", self.key),
            ("Names", self.columns),
            ("Consumer", self.consumer),
            ("Version before", self.previous),
        )
        for row, (words, widget) in enumerate(parts):
            grid.addWidget(label(words, tone="second"), row, 0)
            grid.addWidget(widget, row, 1)
        self.problem.setWordWrap(True)
        self.problem.hide()
        self.compare.setProperty("primary", "true")
        self.compare.setDefault(True)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.compare)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        what = label("The rows of a table of the database, as it is at one moment, beside what a replay gives.")
        what.setWordWrap(True)
        column.addWidget(what)
        column.addLayout(grid)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self.setMinimumWidth(480)

    def _accept(self) -> None:
        try:
            table = self.table()
        except EsviewerError as error:
            self.problem.setText(str(error))
            set_tone(self.problem, "removed")
            self.problem.show()
            return
        self.chosen.emit(table)
        self.accept()

    def table(self) -> LiveTable:
        """What the fields say; raises :class:`EsviewerError` where they say nothing that can be used."""
        name = self.name.text().strip()
        if not name:
            raise EsviewerError("Name the table.")
        columns = {}
        for pair in filter(None, (part.strip() for part in self.columns.text().split(","))):
            column, equals, projected = (part.strip() for part in pair.partition("="))
            if not (column and equals and projected):
                raise EsviewerError(f"{pair} is not column=projected.")
            columns[column] = projected
        keys = tuple(part.strip() for part in self.key.text().split(",") if part.strip())
        consumer = self.consumer.currentText().strip() or None
        text = str(self.previous.currentData() or "")
        if text and consumer is None:
            raise EsviewerError("A version before explains differences at a checkpoint: name the consumer, too.")
        return LiveTable(name, keys, columns, consumer, named(text) if text else None)


def _line(name: str, hint: str, tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(hint)
    line.setAccessibleName(name)
    line.setToolTip(tip)
    return line
