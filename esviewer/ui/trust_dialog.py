"""Asks whether the code in a folder may run, and shows what would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import EsviewerError
from esviewer.projections.consent import WouldRun, containment, what_would_run
from esviewer.projections.sandbox.containment import Limits
from esviewer.ui import fonts
from esviewer.ui.brief_jobs import BriefJobs
from esviewer.ui.jobs import Control
from esviewer.ui.widgets import ElidedLabel, IconLabel, label, set_tone
from esviewer.ui.widgets.format import grouped

_WIDTH: Final = 600
_NAMED: Final = 4
_OF_CLASSES: Final = (
    "Folding with the application's classes runs Python code of this folder. Nothing of it has run yet."
)


class TrustDialog(QDialog):
    """Shows the folder, what of it would be imported, and what contains it. Nothing runs before ``accepted``."""

    def __init__(
        self,
        folder: Path,
        types: frozenset[str],
        parent: QWidget | None = None,
        *,
        title: str = "Run the application's classes",
        words: str = _OF_CLASSES,
        limits: Limits | None = None,
        look: Callable[[Control], WouldRun] | None = None,
    ) -> None:
        super().__init__(parent)
        self._look = look
        self.setWindowTitle(title)
        self._why = words
        self._sentences = containment(limits)
        self._jobs = BriefJobs(self)
        self._folder = folder.resolve()
        self._types = types
        self.would_run: WouldRun | None = None
        self.files = label()
        self.imported = label()
        self.missing = label(tone="changed")
        self.missing.setWordWrap(True)
        self.missing.hide()
        self.modules = QListWidget()
        self.modules.setFont(fonts.mono(12))
        self.modules.setAccessibleName("Modules that would be imported")
        self.modules.setUniformItemSizes(True)
        self.modules.setFixedHeight(132)
        self.keep = QCheckBox("Trust this folder from now on, whatever comes to lie in it")
        self.keep.setToolTip("Can be taken back in the Fold menu, under Trusted folders")
        self.keep.setChecked(True)
        self.run = QPushButton("Run this code")
        self.run.setProperty("primary", "true")
        self.run.setAutoDefault(False)
        self.run.setEnabled(False)
        self.cancel = QPushButton("Cancel")
        self.cancel.setDefault(True)
        self._lay_out()
        self.run.clicked.connect(self.accept)
        self.cancel.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(IconLabel("triangle-alert", "changed", 20), 0, Qt.AlignmentFlag.AlignTop)
        words = label(self._why)
        words.setWordWrap(True)
        head.addWidget(words, 1)
        column.addLayout(head)
        column.addWidget(self._framed_folder())
        facts = QGridLayout()
        facts.setHorizontalSpacing(16)
        facts.setVerticalSpacing(6)
        facts.setColumnStretch(1, 1)
        for row, (name, value) in enumerate((("Python files", self.files), ("Imported", self.imported))):
            facts.addWidget(label(name, "second"), row, 0, Qt.AlignmentFlag.AlignTop)
            facts.addWidget(value, row, 1)
        column.addLayout(facts)
        column.addWidget(self.modules)
        column.addWidget(self.missing)
        column.addWidget(self._contained())
        column.addWidget(self.keep)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.cancel)
        buttons.addWidget(self.run)
        column.addLayout(buttons)
        self.setFixedWidth(_WIDTH)

    def _framed_folder(self) -> QFrame:
        frame = QFrame()
        frame.setProperty("field", "true")
        row = QHBoxLayout(frame)
        row.setContentsMargins(10, 7, 10, 7)
        row.setSpacing(8)
        row.addWidget(IconLabel("folder-open"))
        path = ElidedLabel(str(self._folder))
        path.setFont(fonts.mono(12))
        row.addWidget(path, 1)
        return frame

    def _contained(self) -> QWidget:
        box = QWidget()
        lines = QGridLayout(box)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setHorizontalSpacing(8)
        lines.setVerticalSpacing(4)
        lines.setColumnStretch(1, 1)
        lines.addWidget(label("What contains it", "second"), 0, 0, 1, 2)
        for row, sentence in enumerate(self._sentences, 1):
            lines.addWidget(label("·", "second"), row, 0, Qt.AlignmentFlag.AlignTop)
            words = label(sentence)
            words.setWordWrap(True)
            lines.addWidget(words, row, 1)
        warning = label(
            "This contains accidents. It is no prison for an attacker: run only what you would run yourself."
        )
        warning.setWordWrap(True)
        warning.setFont(fonts.ui(fonts.BODY, 600))
        lines.addWidget(warning, len(self._sentences) + 1, 0, 1, 2)
        return box

    @property
    def is_kept(self) -> bool:
        """Whether the consent is to be kept."""
        return self.keep.isChecked()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.setFixedHeight(self._column.totalHeightForWidth(_WIDTH))
        if self.would_run is None:
            self.imported.setText("Looking…")
            self.cancel.setFocus()
            folder, types = self._folder, self._types
            look = self._look or (lambda control: what_would_run(folder, types, control.check))
            self._jobs.run("look", look, self._found, self._not_found)

    def _found(self, found: WouldRun) -> None:
        self.would_run = found
        self.files.setText(grouped(found.files))
        count = len(found.modules)
        words = (
            "one module, and whatever it imports" if count == 1 else f"{grouped(count)} modules, and what these import"
        )
        self.imported.setText(words if count else "none")
        self.modules.addItems(found.modules)
        if not count:
            self.modules.hide()
        self.run.setEnabled(count > 0)
        if found.missing:
            named = ", ".join(found.missing[:_NAMED]) + ("…" if len(found.missing) > _NAMED else "")
            advice = "" if count else " Choose the folder that holds the top-level package."
            self._say(f"Modules that are named are not here: {named}.{advice}", is_wrong=not count)
        self._fit()

    def _not_found(self, error: BaseException) -> None:
        self.files.setText("none")
        self.imported.setText("nothing")
        self.modules.hide()
        self._say(
            str(error) if isinstance(error, EsviewerError | OSError) else f"{type(error).__name__}: {error}",
            is_wrong=True,
        )
        self._fit()

    def _say(self, sentence: str, *, is_wrong: bool) -> None:
        self.missing.setText(sentence)
        set_tone(self.missing, "removed" if is_wrong else "changed")
        self.missing.show()

    def _fit(self) -> None:
        self._column.activate()
        self.setFixedHeight(self._column.totalHeightForWidth(_WIDTH))

    def done(self, result: int) -> None:
        self._jobs.leave()
        super().done(result)
