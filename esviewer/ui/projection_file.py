"""The open file of a projection: edited, saved, and kept in step with what another editor writes."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QFileSystemWatcher, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QToolButton, QWidget

from esviewer.domain import EsviewerError, UsageError
from esviewer.domain.replacing import replacing
from esviewer.ui import fonts, projection_drafts
from esviewer.ui.icons import icon
from esviewer.ui.projection_drafts import Draft
from esviewer.ui.projection_editor import CodeEditor
from esviewer.ui.projection_files import ProjectionEntry, read_text
from esviewer.ui.widgets import ElidedLabel, IconLabel, Panel, label, tooltip

_SETTLED_MS: Final = 100
"""Editors write a file in several steps; after so long it is read."""
_QUIET_MS: Final = 350
_FILE_LINE: Final = re.compile(r"File \"([^\"]+)\", line (\d+)")
_LINE: Final = re.compile(r"\blines? (\d+)")


@dataclass(slots=True)
class Buffer:
    """A file while it is edited: the text as it stands in the editor, and what the file said when it was read."""

    text: str
    saved: str

    @property
    def is_changed(self) -> bool:
        return self.text != self.saved


class FilePanel(Panel):
    """The editor with its file. Changes that are not saved are never lost: they stay until saved or thrown away."""

    saved = Signal(object)
    """The path of a file that was written, or that says something else now."""
    run_wanted = Signal()
    failed = Signal(object)
    said = Signal(str)

    def __init__(self) -> None:
        super().__init__("No file", "file")
        self.editor = CodeEditor()
        self.entry: ProjectionEntry | None = None
        self._buffers: dict[Path, Buffer] = {}
        self._watcher = QFileSystemWatcher(self)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLED_MS)
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self._touched: set[Path] = set()
        self._lay_out()
        self._watcher.fileChanged.connect(self._file_changed)
        self._settled.timeout.connect(self._look_again)
        self._quiet.timeout.connect(self._check_syntax)
        self.editor.textChanged.connect(self._typed)
        self.editor.save_wanted.connect(self.save)
        self.editor.run_wanted.connect(self.run_wanted)

    def _lay_out(self) -> None:
        self.on_save = QCheckBox("Run on save")
        self.on_save.setChecked(True)
        self.on_save.setToolTip("Replays again whenever the file is saved, here or in another editor")
        self.save_button = QToolButton()
        # Without a word: beside a result the name of the file has little room.
        self.save_button.setIcon(icon("save"))
        self.save_button.setAccessibleName("Save the file")
        self.save_button.setToolTip("Save the file (Ctrl+S in the editor)")
        self.save_button.setEnabled(False)
        self.save_button.clicked.connect(self.save)
        self.add_to_header(self.on_save)
        self.add_to_header(self.save_button)
        self.notice = _Notice()
        self.notice.keep.clicked.connect(self._keep_mine)
        self.notice.take.clicked.connect(self._take_files)
        self.body.addWidget(self.notice)
        self.body.addWidget(self.editor, 1)
        self.mistake = ElidedLabel("", "removed")
        self.mistake.setFont(fonts.ui(12))
        self.mistake.setContentsMargins(14, 3, 12, 0)
        self.mistake.hide()
        self.body.addWidget(self.mistake)

    # Opening

    def show_entry(self, entry: ProjectionEntry) -> None:
        """Shows the file of a projection; what was typed into the one before stays with that."""
        if self.entry is not None and self.entry.path == entry.path:
            self.entry = entry
            return
        self.entry = entry
        self.notice.hide()
        buffer = self._buffers.get(entry.path)
        if buffer is None:
            buffer = self._read(entry)
            self._buffers[entry.path] = buffer
        self.editor.setReadOnly(bool(entry.problem) and not buffer.saved)
        self.editor.blockSignals(True)
        self.editor.show_text(buffer.text, entry.kind)
        self.editor.blockSignals(False)
        self._watch(entry.path)
        self._show_state()
        self.tell_mistake(entry.problem)
        self._look_at(entry.path)

    def _read(self, entry: ProjectionEntry) -> Buffer:
        try:
            text = read_text(entry.path)
        except UsageError:
            return Buffer("", "")
        draft = projection_drafts.kept(entry.path)
        if draft is None or draft.text == text:
            return Buffer(text, text)
        whose = "" if draft.base == text else ", and the file has changed since"
        self.notice.tell(f"Changes that were not saved are back{whose}.")
        return Buffer(draft.text, text)

    def go_to(self, line: int) -> None:
        """Puts the cursor on a line."""
        self.editor.go_to_line(line)

    @property
    def is_changed(self) -> bool:
        """Whether the file that is shown has changes to save."""
        buffer = self._buffer
        return buffer is not None and buffer.is_changed

    @property
    def _buffer(self) -> Buffer | None:
        return None if self.entry is None else self._buffers.get(self.entry.path)

    def _typed(self) -> None:
        buffer = self._buffer
        if buffer is None:
            return
        was, buffer.text = buffer.is_changed, self.editor.toPlainText()
        self._quiet.start()
        if buffer.is_changed != was:
            self._show_state()

    def _show_state(self) -> None:
        if self.entry is not None:
            mark = "• " if self.is_changed else ""
            self.set_title(f"{mark}{self.entry.path.name}")
            self.setToolTip(tooltip(str(self.entry.path)))
        self.save_button.setEnabled(self.is_changed)

    # Saving

    def save(self) -> bool:
        """Writes the file; false where there is nothing to write, or it cannot be done."""
        entry, buffer = self.entry, self._buffer
        if entry is None or buffer is None:
            return False
        if not buffer.is_changed:
            self.said.emit(f"{entry.path.name} has no changes")
            return False
        try:
            with replacing(entry.path) as out:
                out.write(buffer.text.encode("utf-8", "surrogatepass"))
        except OSError as error:
            self.failed.emit(UsageError(f"{entry.path} cannot be written: {error.strerror or error}."))
            return False
        buffer.saved = buffer.text
        projection_drafts.drop(entry.path)
        self.notice.hide()
        self._watch(entry.path)
        self._show_state()
        self._check_syntax()
        self.said.emit(f"{entry.path.name} saved")
        self.saved.emit(entry.path)
        return True

    def leave(self) -> None:
        """Keeps what was not saved, in every file, for the next time."""
        for path, buffer in self._buffers.items():
            if buffer.is_changed:
                try:
                    projection_drafts.keep(path, Draft(buffer.text, buffer.saved))
                except OSError as error:
                    self.failed.emit(UsageError(f"The changes of {path} could not be kept: {error.strerror}."))
            else:
                projection_drafts.drop(path)
        self._settled.stop()
        self._quiet.stop()

    # Another editor

    def _watch(self, path: Path) -> None:
        # A file that was replaced is not watched any more.
        if path.is_file() and str(path) not in self._watcher.files():
            self._watcher.addPath(str(path))

    def _file_changed(self, name: str) -> None:
        self._touched.add(Path(name))
        self._settled.start()

    def _look_again(self) -> None:
        touched, self._touched = self._touched, set()
        for path in touched:
            self._watch(path)
            self._look_at(path)

    def _look_at(self, path: Path) -> None:
        """Takes what a file says now, unless there are changes here that are not saved."""
        buffer = self._buffers.get(path)
        if buffer is None:
            return
        is_shown = self.entry is not None and self.entry.path == path
        try:
            text = read_text(path)
        except EsviewerError as error:
            if is_shown:
                self.tell_mistake(f"{str(error).rstrip('.')}. Saving writes it again.")
            return
        if text == buffer.saved:
            return
        if not buffer.is_changed or text == buffer.text:
            buffer.text = buffer.saved = text
            if is_shown:
                self._replace(text)
                self._check_syntax()
            self.saved.emit(path)
        elif is_shown:
            self.notice.tell(f"{path.name} was changed by another program, and here too.")

    def _replace(self, text: str) -> None:
        self.editor.blockSignals(True)
        self.editor.replace_text(text)
        self.editor.blockSignals(False)
        self._show_state()

    def _keep_mine(self) -> None:
        """What is in the editor counts; saving replaces what the file says."""
        entry, buffer = self.entry, self._buffer
        if entry is not None and buffer is not None:
            try:
                buffer.saved = read_text(entry.path)
            except UsageError:
                buffer.saved = ""
            self._show_state()
        self.notice.hide()
        self.editor.setFocus()

    def _take_files(self) -> None:
        """What the file says counts; the changes can be had back by undoing."""
        entry, buffer = self.entry, self._buffer
        self.notice.hide()
        if entry is None or buffer is None:
            return
        try:
            buffer.text = buffer.saved = read_text(entry.path)
        except UsageError as error:
            self.failed.emit(error)
            return
        projection_drafts.drop(entry.path)
        self._replace(buffer.text)
        self.saved.emit(entry.path)

    # Mistakes

    def _check_syntax(self) -> None:
        """Marks the line on which a file is not Python; what else is wrong is told by a run."""
        if self.entry is None or self.entry.kind != "python":
            self.tell_mistake("")
            return
        try:
            ast.parse(self.editor.toPlainText())
        except SyntaxError as error:
            self.tell_mistake(f"Line {error.lineno}: {error.msg}", error.lineno)
        except (ValueError, RecursionError) as error:
            self.tell_mistake(str(error))
        else:
            self.tell_mistake("")

    def tell_mistake(self, sentence: str, line: int | None = None) -> None:
        """Shows what is wrong below the text, and marks its line; nothing takes it away."""
        self.mistake.setText(sentence)
        self.mistake.setVisible(bool(sentence))
        self.editor.mark(line, sentence)

    def tell_failure(self, sentence: str, details: str, file: str | None = None, line: int | None = None) -> None:
        """Shows what a run said is wrong, on its line where that is in the file that is shown."""
        if self.entry is None:
            return
        own = self.entry.path
        if line is None:
            places = [int(at) for name, at in _FILE_LINE.findall(details) if Path(name).name == own.name]
            told = _LINE.search(sentence)
            line = places[-1] if places else int(told[1]) if told is not None else None
        elif file is not None and Path(file).name != own.name:
            line = None
        self.tell_mistake(sentence, line)
        if line is not None:
            self.editor.go_to_line(line)


class _Notice(QWidget):
    """A line that asks which text counts."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 6)
        row.setSpacing(8)
        row.addWidget(IconLabel("triangle-alert", "changed"))
        self._text = label(font=fonts.ui(12))
        self._text.setWordWrap(True)
        row.addWidget(self._text, 1)
        self.keep = QPushButton("Keep mine")
        self.keep.setToolTip("Go on with the text as it stands here; saving writes it over the file")
        self.take = QPushButton("Take the file's")
        self.take.setToolTip("Show what the file says; your changes come back with Ctrl+Z")
        for button in (self.keep, self.take):
            row.addWidget(button)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def tell(self, sentence: str) -> None:
        """Asks."""
        self._text.setText(sentence)
        self.setAccessibleName(sentence)
        self.show()
