"""Edits a fold as a table of rules over the guesses, beside what it makes of the state at the playhead."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from esviewer.domain import EsviewerError, UsageError
from esviewer.projections.draft import FoldDraft, RuleRow
from esviewer.projections.edited import RESERVED, EditedFold
from esviewer.projections.fold import State
from esviewer.projections.guesses import Guesses
from esviewer.session import StreamSession
from esviewer.ui import fonts
from esviewer.ui.brief_jobs import BriefJobs
from esviewer.ui.fold_jobs import Beginning, Preview, begin_job, preview_job, save_job
from esviewer.ui.fold_table import FoldTable
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Job
from esviewer.ui.value_view import ValueView
from esviewer.ui.widgets import ElidedLabel, Panel, SearchField, Tone, label, set_tone
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import short_category
from esviewer.workspace import FILE, Workspace, check_name

_WIDTH: Final = 1_040
_HEIGHT: Final = 760
_MARGIN: Final = 48


class FoldDialog(QDialog):
    """For the category of a stream. ``saved`` is emitted with the fold's name once it is in the workspace."""

    saved = Signal(str)
    folder_chosen = Signal(object)
    """Another folder became the workspace."""

    def __init__(self, stream: StreamSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Fold of {short_category(stream.category)}")
        self._jobs = BriefJobs(self)
        self._preview_job: Job[Preview] | None = None
        self._stream = stream
        self._folder = stream.store.workspace or Path()
        self._workspace: Workspace | None = None
        self._draft = FoldDraft(Guesses((), {}))
        self._broken = ""
        self._is_changed = self._is_warned = False
        fold = stream.history.fold
        self._opened = fold.rules if isinstance(fold, EditedFold) else None
        self._before: State | None = None
        if stream.is_known(stream.playhead):
            self._before = stream.history.state_at(stream.playhead)
        self.name = QLineEdit()
        self.search = SearchField("Filter types and attributes")
        self.only_edited = QCheckBox("With rules only")
        self.table = FoldTable()
        self.add = QPushButton("Add rule")
        self.reset = QPushButton("Reset to guess")
        self.reset_all = QPushButton("Reset all")
        self.count = label(tone="second")
        self.before = ValueView("State as it is shown")
        self.after = ValueView("State by these rules")
        self._after_panel = Panel("By these rules")
        self.note = label(tone="second", font=fonts.ui(12))
        self.place = ElidedLabel("", "second")
        self.folder = QPushButton("Another folder…")
        self.cancel = QPushButton("Cancel")
        self.save = QPushButton("Save")
        self._lay_out()
        self._connect()
        self._begin()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(10)
        column.addLayout(self._head())
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setHandleWidth(8)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self._rules())
        splitter.addWidget(self._previews())
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        column.addWidget(splitter, 1)
        column.addWidget(self.note)
        column.addLayout(self._foot())
        self.note.setWordWrap(True)
        parent = self.parentWidget()
        room = parent.window().size() if parent is not None else None
        width, height = (_WIDTH, _HEIGHT) if room is None else (room.width() - _MARGIN, room.height() - _MARGIN)
        self.resize(max(640, min(_WIDTH, width)), max(460, min(_HEIGHT, height)))

    def _head(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        name = label("Name")
        name.setBuddy(self.name)
        self.name.setAccessibleName("Name of the fold")
        self.name.setMaximumWidth(220)
        row.addWidget(name)
        row.addWidget(self.name, 1)
        row.addSpacing(8)
        row.addWidget(self.search, 2)
        row.addWidget(self.only_edited)
        return row

    def _rules(self) -> QWidget:
        panel = Panel("Rules", "sliders-horizontal")
        for button, hint in (
            (self.add, "A further rule for the selected attribute, or one for a path such as address.city"),
            (self.reset, "The selected attributes and types go by the guess again"),
            (self.reset_all, "Everything goes by the guess again"),
        ):
            button.setToolTip(hint)
            button.setAutoDefault(False)
            panel.add_to_header(button)
        panel.body.addWidget(self.table, 1)
        self._rules_panel = panel
        return panel

    def _previews(self) -> QWidget:
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(8)
        splitter.setChildrenCollapsible(False)
        before = Panel("As it is shown")
        before.set_note(_at(self._stream))
        before.body.addWidget(self.before, 1)
        self._after_panel.body.addWidget(self.after, 1)
        for panel in (before, self._after_panel):
            splitter.addWidget(panel)
        splitter.setSizes([500, 500])
        return splitter

    def _foot(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.place, 1)
        self.folder.setToolTip(
            "Keeps the workspace of this store in a folder of your choice, beside your sources for example"
        )
        self.folder.setIcon(icon("folder-open"))
        self.save.setProperty("primary", "true")
        self.save.setDefault(True)
        for button in (self.folder, self.cancel):
            button.setAutoDefault(False)
        row.addWidget(self.folder)
        row.addSpacing(16)
        row.addWidget(self.cancel)
        row.addWidget(self.save)
        return row

    def _connect(self) -> None:
        self.name.textChanged.connect(self._judge)
        self.search.textChanged.connect(self._filter)
        self.only_edited.toggled.connect(self._filter)
        self.table.model_.edited.connect(self._changed)
        self.table.selectionModel().selectionChanged.connect(self._judge)
        self.table.model_.modelReset.connect(self._judge)
        self.add.clicked.connect(self._add)
        self.reset.clicked.connect(self._reset)
        self.reset_all.clicked.connect(self._reset_all)
        self.folder.clicked.connect(self._ask_for_folder)
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)

    # Beginning

    def _begin(self) -> None:
        self._show_place()
        if self._before is None:
            self.before.show_message("The state is not known here.")
        else:
            self.before.show_value(self._before)
        self.after.show_message("Reading the events of the category…")
        self._rules_panel.set_note("reading…")
        self._judge()
        stream, folder = self._stream, self._folder
        self._jobs.run("begin", lambda control: begin_job(stream, folder, control), self._begun, self._failed)

    def _begun(self, beginning: Beginning) -> None:
        self._workspace = beginning.workspace
        self._draft = FoldDraft(beginning.guesses, self._opened)
        self.table.model_.show_draft(self._draft)
        self.name.setText(self._opened.name if self._opened is not None else self._free_name())
        looked = f"by {grouped(beginning.looked_at)} events of this category"
        left_out = beginning.guesses.left_out
        self._rules_panel.set_note(looked + (f"; {grouped(left_out)} attributes not listed" if left_out else ""))
        self._broken = beginning.problem
        self.table.setFocus()
        if self.table.model_.rows:
            self.table.setCurrentIndex(self.table.model_.index(0, 1))
        self._preview()
        self._judge()

    def _free_name(self) -> str:
        base = re.sub(r"\W+", "-", short_category(self._stream.category).lower()).strip("-") or "fold"
        base = f"{base}-fold" if base in RESERVED else base
        known = {} if self._workspace is None else self._workspace.folds
        numbers = (f"{base}-{number}" for number in range(2, len(known) + 3))
        return base if base not in known else next(name for name in numbers if name not in known)

    def _failed(self, error: BaseException) -> None:
        words = (
            str(error)
            if isinstance(error, EsviewerError)
            else f"esviewer made a mistake: {type(error).__name__}: {error}"
        )
        self._say(words, "removed")
        self.after.show_message(words)

    # Editing

    def _filter(self) -> None:
        self.table.model_.set_filter(self.search.text(), self.only_edited.isChecked())

    def _changed(self) -> None:
        self._is_changed, self._is_warned = True, False
        self.table.model_.refresh()
        self._preview()
        self._judge()

    def _add(self) -> None:
        chosen = self.table.chosen()
        if not chosen:
            return
        row = chosen[0]
        attribute = row.attribute if isinstance(row, RuleRow) else self._draft.new_attribute(row.event_type)
        self._draft.add(row.event_type, attribute)
        self._changed()
        self.table.choose(row.event_type, attribute)

    def _reset(self) -> None:
        for row in self.table.chosen():
            self._draft.reset(row)
        self._changed()

    def _reset_all(self) -> None:
        self._draft.reset_all()
        self._changed()

    def _preview(self) -> None:
        if self._preview_job is not None:
            self._preview_job.cancel()
        self._after_panel.set_note("working…")
        stream, rules, before = self._stream, self._draft.rules("draft"), self._before
        history, index = stream.history, stream.playhead
        self._preview_job = self._jobs.run(
            "preview",
            lambda control: preview_job(history, index, rules, before, control),
            self._show_preview,
            self._failed,
        )

    def _show_preview(self, preview: Preview) -> None:
        self.after.show_value(preview.state, preview.changed)
        self.after.reveal_changes()
        count = len(preview.changed)
        words = (
            "the same"
            if not count
            else f"{grouped(count)} field{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}"
        )
        self._after_panel.set_note(words if self._before is not None else "")

    def _judge(self, *_: Any) -> None:
        """Shows what can be done now, and why the fold cannot be saved as it is."""
        count = self._draft.count
        self._rules_panel.set_title(f"Rules: {grouped(count)}" if count else "Rules: none, all is guessed")
        chosen = self.table.chosen()
        self.add.setEnabled(bool(chosen))
        self.reset.setEnabled(
            any(row.is_edited if isinstance(row, RuleRow) else row.rules or row.role != "changes" for row in chosen)
        )
        self.reset_all.setEnabled(count > 0)
        name, is_wrong = self.name.text(), False
        problem = self._broken or next(iter(self._draft.problems), "")
        if self._workspace is not None and not problem:
            try:
                check_name(name)
            except UsageError as error:
                problem, is_wrong = str(error), True
        self.name.setProperty("invalid", "true" if is_wrong else "false")
        self.name.style().polish(self.name)
        own = self._opened is not None and self._opened.name == name
        is_replaced = self._workspace is not None and name in self._workspace.folds and not own
        self.save.setText("Replace" if is_replaced else "Save")
        self.save.setEnabled(self._workspace is not None and not problem)
        if problem:
            self._say(problem, "removed")
        elif is_replaced:
            self._say(f"There is a fold {name} already: it would be replaced.", "changed")
        elif self._workspace is not None:
            self._say(
                "What has no rule goes by the guess. A click on a rule changes it, F2 or a double click its target.",
                "second",
            )

    def _say(self, sentence: str, tone: Tone) -> None:
        self.note.setText(sentence)
        set_tone(self.note, tone)

    # The workspace

    def _show_place(self) -> None:
        self.place.setText(f"Kept in {self._folder / FILE}")

    def _ask_for_folder(self) -> None:
        start = self._stream.store.database.address.path
        folder = QFileDialog.getExistingDirectory(
            self, "The folder of the workspace", str(start.parent if start else "")
        )
        if folder:
            self.use_folder(Path(folder))

    def use_folder(self, folder: Path) -> None:
        """Keeps the workspace of this store in another folder; what is edited stays."""
        self._folder = folder
        self._show_place()
        self.folder_chosen.emit(folder)
        stream = self._stream
        self._jobs.run("begin", lambda control: begin_job(stream, folder, control), self._moved, self._failed)

    def _moved(self, beginning: Beginning) -> None:
        self._workspace, self._broken = beginning.workspace, beginning.problem
        self._judge()

    def _save(self) -> None:
        folder, rules = self._folder, self._draft.rules(self.name.text())
        self.save.setEnabled(False)
        self._jobs.run(
            "save", lambda control: save_job(folder, rules, control), lambda _: self._saved(rules.name), self._not_saved
        )

    def _saved(self, name: str) -> None:
        self.saved.emit(name)
        self.accept()

    def _not_saved(self, error: BaseException) -> None:
        self.save.setEnabled(True)
        self._failed(error)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._is_changed and not self._is_warned:
            self._is_warned = True
            self._say("These rules are not saved. Esc once more leaves without them.", "changed")
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.name.setCursorPosition(0)

    def done(self, result: int) -> None:
        self._jobs.leave()
        super().done(result)


def _at(stream: StreamSession) -> str:
    version = stream.event.version
    return f"at version {grouped(version)}" if version is not None else f"at event {grouped(stream.playhead + 1)}"
