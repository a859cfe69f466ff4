"""What a reader is asked when another catalogue is to be taken: where it is, and what becomes of the present one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from esviewer.session import StoreSession
from esviewer.ui import fonts
from esviewer.ui.widgets import IconLabel, label

if TYPE_CHECKING:
    from esviewer.ui.catalogue_control import Catalogues
    from esviewer.ui.main_view import MainView

KINDS: Final = "Catalogues (*.yaml *.yml *.json);;All files (*)"
_WIDTH: Final = 520


class MergeDialog(QDialog):
    """Over a present catalogue: whether another one takes its place or adds to it. ``chosen`` says whether it adds."""

    chosen = Signal(bool)

    def __init__(self, present: str, other: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("There is a catalogue already")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.merge = QPushButton("Add what it lacks")
        self.merge.setProperty("primary", "true")
        self.merge.setDefault(True)
        self.replace = QPushButton("Replace it")
        self.cancel = QPushButton("Cancel")
        words = label(f"The store is judged by {present}. What shall become of it with {other}?")
        words.setWordWrap(True)
        more = label(
            "Adding brings in types, versions, upcasters and other names that the catalogue does not have. Where both "
            "say something, a kept file is right before sources, these before schema files, and these before what a "
            "store shows.",
            "second",
            fonts.ui(12),
        )
        more.setWordWrap(True)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(IconLabel("book-open", "second", 20), 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        column.addLayout(head)
        column.addWidget(more)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addStretch(1)
        for button in (self.cancel, self.replace, self.merge):
            row.addWidget(button)
        column.addLayout(row)
        self.setFixedSize(_WIDTH, column.totalHeightForWidth(_WIDTH))
        self.merge.clicked.connect(lambda: self._choose(True))
        self.replace.clicked.connect(lambda: self._choose(False))
        self.cancel.clicked.connect(self.reject)

    def _choose(self, is_merged: bool) -> None:
        self.accept()
        self.chosen.emit(is_merged)


class Asking(QObject):
    """The questions, each followed by what was answered."""

    def __init__(self, view: MainView, catalogues: Catalogues) -> None:
        super().__init__(catalogues)
        self._view = view
        self._catalogues = catalogues

    def for_file(self, store: StoreSession) -> None:
        """Lets the reader choose a catalogue file."""
        name, _ = QFileDialog.getOpenFileName(self._view, "Open a catalogue", self._folder(store), KINDS)
        if name:
            path = Path(name)
            self.what_to_do(store, path.name, lambda adds: self._catalogues.open(store, path, adds=adds))

    def for_sources(self, store: StoreSession) -> None:
        """Lets the reader choose a folder of Python sources."""
        title = "Folder that holds the top-level package"
        name = QFileDialog.getExistingDirectory(self._view, title, self._folder(store))
        if name:
            other = f"the sources in {Path(name).name}"
            self.what_to_do(store, other, lambda adds: self._catalogues.read_sources(store, Path(name), adds=adds))

    def for_schemas(self, store: StoreSession | None) -> None:
        """Lets the reader choose a folder of JSON Schema or Avro files."""
        if store is None:
            return
        title = "Folder that holds JSON Schema or Avro files"
        name = QFileDialog.getExistingDirectory(self._view, title, self._folder(store))
        if name:
            other = f"the schema files in {Path(name).name}"
            self.what_to_do(store, other, lambda adds: self._catalogues.read_schemas(store, Path(name), adds=adds))

    def to_infer(self, store: StoreSession) -> None:
        """Infers, over a present catalogue after a question."""
        self.what_to_do(store, "what the store itself shows", lambda adds: self._catalogues.infer(store, adds=adds))

    def what_to_do(self, store: StoreSession, other: str, then: Callable[[bool], None]) -> None:
        """Asks whether another catalogue replaces the present one or adds to it; without one nothing is asked."""
        held = store.catalogue
        if held.current is None:
            then(False)
            return
        present = held.path.name if held.path is not None else f"a catalogue {held.origin or 'that is not saved'}"
        dialog = MergeDialog(present, other, self._view)
        dialog.chosen.connect(then)
        dialog.open()

    def and_save(self, store: StoreSession) -> None:
        """Saves the catalogue of a store, to a file that is asked for where it has none."""
        if store.catalogue.path is not None:
            self._catalogues.save(store, store.catalogue.path)
        else:
            self.and_save_as(store)

    def and_save_as(self, store: StoreSession) -> None:
        """Asks for a file, and saves the catalogue of a store to it."""
        proposed = str(Path(self._folder(store)) / "catalogue.yaml")
        name, _ = QFileDialog.getSaveFileName(self._view, "Save the catalogue", proposed, KINDS)
        if name:
            self._catalogues.save(store, Path(name))

    def _folder(self, store: StoreSession) -> str:
        path = store.catalogue.path or store.database.address.path
        return str(path.absolute().parent) if path is not None else ""
