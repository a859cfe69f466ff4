"""A candidate for an upcaster: its steps, what they do to every stored event of the type, and the way to keep it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QSplitter,
    QToolButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.dry_run import with_candidate
from esviewer.catalogue.model import Catalogue, Upcaster, Version, version_of, version_text
from esviewer.catalogue.status import Status
from esviewer.catalogue.step_text import StepTextError, read_steps, steps_yaml
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event
from esviewer.session import StoreSession
from esviewer.ui import fonts
from esviewer.ui.catalogue_facts import LISTED, Advance
from esviewer.ui.catalogue_rows import CODE_WORDS, TypeRow
from esviewer.ui.catalogue_tree import Tree
from esviewer.ui.catalogue_trials import Tried, candidate_job, outcome_of
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Job
from esviewer.ui.statuses import as_sentence
from esviewer.ui.step_editor import SNIPPETS, StepEditor
from esviewer.ui.theme import signals
from esviewer.ui.trial_bar import TrialBar
from esviewer.ui.upcast_panel import UpcastPanel
from esviewer.ui.widgets import Tone, label, set_tone
from esviewer.ui.widgets.format import grouped

if TYPE_CHECKING:
    from esviewer.ui.catalogue_control import Catalogues

_EVENT: Final = Qt.ItemDataRole.UserRole + 1
_PROBLEMS: Final = 20
_WIDE: Final = 620


class CandidatePage(QWidget):
    """Between two versions of the type that is shown."""

    edited = Signal(object)
    """A catalogue with the candidate."""
    position_wanted = Signal(object)
    closed = Signal()

    def __init__(self, store: StoreSession, catalogues: Catalogues, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._catalogues = store, catalogues
        self._catalogue: Catalogue | None = None
        self._row: TypeRow | None = None
        self._job: Job[Any] | None = None
        self._texts: dict[tuple[str, str, str], str] = {}
        """What was written, by type and versions."""
        self._shown: tuple[str, str, str] | None = None
        self._tried: Tried | None = None
        self._events: list[Event] = []
        self.source, self.target = QComboBox(), QComboBox()
        self.editor = StepEditor()
        self.note = label("", "second", fonts.ui(12))
        self.attempt = QPushButton("Try it on stored events")
        self.keep = QPushButton("Put it into the catalogue")
        self.busy = TrialBar("Trying it")
        self.outcome = label(font=fonts.ui(12, 500))
        self.results = Tree("What the candidate did", ("Event", "What happened"))
        self.preview = UpcastPanel()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self.results.setColumnWidth(0, 110)
        self.results.setHeaderHidden(True)
        self.note.setWordWrap(True)
        self.note.setContentsMargins(14, 4, 14, 4)
        self.outcome.setWordWrap(True)
        self.outcome.setContentsMargins(14, 4, 14, 4)
        self.outcome.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.busy.setContentsMargins(14, 0, 12, 4)
        self._lay_out_upper()
        self._lower = QSplitter(Qt.Orientation.Vertical)
        self._lower.setHandleWidth(6)
        self._lower.setChildrenCollapsible(False)
        self._lower.addWidget(self.results)
        self._lower.addWidget(self.preview)
        below = QWidget()
        lines = QVBoxLayout(below)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        lines.addWidget(self.busy)
        lines.addWidget(self.outcome)
        lines.addWidget(self._lower, 1)
        self._below = below
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(8)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self._upper)
        self.splitter.addWidget(below)
        self.splitter.setSizes([240, 420])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self.setFocusProxy(self.editor)

    def _lay_out_upper(self) -> None:
        self._upper = QWidget()
        column = QVBoxLayout(self._upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addWidget(self._rule())
        column.addWidget(self.editor, 1)
        column.addWidget(self._rule())
        column.addWidget(self.note)
        column.addLayout(self._buttons())

    def _rule(self) -> QFrame:
        line = QFrame()
        line.setProperty("line", "true")
        return line

    def _head(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setContentsMargins(8, 4, 8, 6)
        line.setSpacing(6)
        back = self._tool("arrow-left", "Back to the upcasters", self.closed.emit)
        for box, name in ((self.source, "From version"), (self.target, "To version")):
            box.setAccessibleName(name)
            box.setToolTip(name)
            box.setMinimumWidth(74)
        self.target.setEditable(True)
        self.target.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.steps = QToolButton()
        self.steps.setText("Add a step")
        self.steps.setIcon(icon("plus"))
        self.steps.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.steps.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.steps)
        for name, snippet in SNIPPETS.items():
            menu.addAction(name, partial(self.editor.insert, snippet)).setToolTip(snippet)
        menu.setToolTipsVisible(True)
        self.steps.setMenu(menu)
        line.addWidget(back)
        line.addWidget(self.source)
        line.addWidget(label("→", "second"))
        line.addWidget(self.target)
        line.addStretch(1)
        line.addWidget(self.steps)
        return line

    def _tool(self, symbol: str, name: str, act: Any) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(name)
        button.setAccessibleName(name)
        button.clicked.connect(lambda _on=False: act())
        return button

    def _buttons(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setContentsMargins(14, 2, 14, 8)
        line.setSpacing(6)
        self.attempt.setProperty("primary", "true")
        self.attempt.setToolTip("Runs the steps over every stored event of the type; nothing is changed  (Ctrl+Return)")
        self.attempt.setShortcut("Ctrl+Return")
        self.keep.setToolTip("Takes the place of an upcaster between the same versions; the file is not saved by that")
        for button in (self.attempt, self.keep):
            button.setAutoDefault(False)
            line.addWidget(button)
        line.addStretch(1)
        return line

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Beside each other where there is room; a hidden page has no size yet that would count."""
        wanted = Qt.Orientation.Horizontal if self.width() >= _WIDE else Qt.Orientation.Vertical
        if self.isVisible() and wanted is not self.splitter.orientation():
            self.splitter.setOrientation(wanted)
            self.splitter.setSizes([400, 500] if wanted is Qt.Orientation.Horizontal else [240, 420])

    def _connect(self) -> None:
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(150)
        self._timer.timeout.connect(self._read)
        self.editor.textChanged.connect(self._written)
        self.source.activated.connect(lambda _place: self._choose_edge())
        self.target.activated.connect(lambda _place: self._choose_edge())
        line_edit = self.target.lineEdit()
        assert line_edit is not None
        line_edit.editingFinished.connect(self._choose_edge)
        self.attempt.clicked.connect(self.run)
        self.keep.clicked.connect(self._keep)
        self.busy.cancelled.connect(self._cancel)
        self.results.position_wanted.connect(self.position_wanted)
        signals().changed.connect(self._show_again)
        self.results.currentItemChanged.connect(lambda item, _before: self._preview(item))

    # Which candidate

    def show_type(self, catalogue: Catalogue | None, row: TypeRow | None) -> None:
        """Takes another type, or another catalogue; what was written stays with its type."""
        if catalogue is self._catalogue and row is self._row:
            return
        is_other = self._row is None or row is None or row.name != self._row.name
        self._keep_text()
        self._catalogue, self._row = catalogue, row
        if is_other:
            self._forget()
            self._offer_versions()

    def begin(self, source: Version, target: Version, text: str | None = None) -> None:
        """Shows a candidate between two versions: with a text, else what was written before, else what is known."""
        self._offer_versions()
        self.source.setCurrentText(version_text(source))
        self.target.setCurrentText(version_text(target))
        self._shown = None
        self._choose_edge()
        if text is not None:
            self.editor.setPlainText(text)
        self.editor.setFocus()

    def _offer_versions(self) -> None:
        row = self._row
        known = row.known if row is not None else None
        if row is None or known is None:
            return
        stored = {cell.version for cell in row.cells.values() if not isinstance(cell.version, NoFit)}
        versions = in_order(known, stored | known.known_versions)
        texts = [version_text(version) for version in versions]
        newest = versions[-1] if versions else None
        more = [str(newest + 1)] if isinstance(newest, int) else []
        for box, offers in ((self.source, texts), (self.target, [*texts[1:], *more])):
            box.clear()
            box.addItems(offers)
        self._shown = None

    @property
    def is_begun(self) -> bool:
        """Whether a candidate for the type is shown."""
        return self._shown is not None

    def first_gap(self) -> tuple[Version, Version] | None:
        """The versions between which an upcaster is most wanted: the first stored one whose events are blocked."""
        row = self._row
        known = row.known if row is not None else None
        if row is None or known is None:
            return None
        versions = in_order(known, {c.version for c in row.cells.values() if not isinstance(c.version, NoFit)})
        blocked = [
            cell.version
            for cell in row.cells.values()
            if cell.fact is not None and cell.fact.statuses.get(Status.BLOCKED) and not isinstance(cell.version, NoFit)
        ]
        begun = {edge.source for edge in known.upcasters}
        source = next((v for v in blocked if v not in begun), next((v for v in versions if v not in begun), None))
        if source is None or source not in versions:
            return None
        place = versions.index(source)
        after = versions[place + 1] if place + 1 < len(versions) else source + 1 if isinstance(source, int) else "next"
        return source, after

    def _choose_edge(self) -> None:
        if self._row is None:
            return
        shown = (self._row.name, self.source.currentText(), self.target.currentText())
        if shown == self._shown:
            return
        self._keep_text()
        self._shown = shown
        known = self._row.known
        edges = known.upcasters if known is not None else ()
        same = (e for e in edges if (version_text(e.source), version_text(e.target)) == shown[1:])
        edge = next(same, None)
        text = self._texts.get(shown, steps_yaml(edge.steps) if edge is not None else "")
        self.editor.setPlainText(text)
        self._forget()
        self._read()

    def _keep_text(self) -> None:
        if self._shown is not None:
            self._texts[self._shown] = self.editor.toPlainText()

    # What is written

    def _written(self) -> None:
        self._timer.start()

    def _read(self) -> Upcaster | None:
        """The candidate as it is written; a mistake is shown on its line."""
        self._timer.stop()
        edge: Upcaster | None = None
        wrong, sentence = None, ""
        try:
            source, target = version_of(self.source.currentText()), version_of(self.target.currentText().strip())
            steps = read_steps(self.editor.toPlainText())
            edge = Upcaster(source, target, steps)
            count = len(steps)
            sentence = f"{count} step{'' if count == 1 else 's'}." if steps else "No steps: payloads stay as they are."
            if source == target:
                edge, sentence = None, "An upcaster leads to another version."
        except StepTextError as mistake:
            wrong, sentence = mistake.line, f"Line {mistake.line}: {mistake.sentence}"
        except ValueError as mistake:
            sentence = as_sentence(str(mistake))
        self.editor.mark(wrong)
        self._say(sentence + self._beyond(edge), "second" if edge is not None else "removed")
        self.attempt.setEnabled(edge is not None)
        self.keep.setEnabled(edge is not None)
        return edge

    def _beyond(self, edge: Upcaster | None) -> str:
        known = self._row.known if self._row is not None else None
        if edge is None or known is None or not known.watched or known.current_version != edge.source:
            return ""
        return f" Version {version_text(edge.target)} becomes the current one."

    def _say(self, sentence: str, tone: Tone) -> None:
        self.note.setText(sentence)
        set_tone(self.note, tone)

    def _keep(self) -> None:
        edge, catalogue, row = self._read(), self._catalogue, self._row
        if edge is not None and catalogue is not None and row is not None and row.known is not None:
            made = with_candidate(catalogue, row.name, edge)
            self.edited.emit(made)
            self._say("It is in the catalogue now; the file is not saved yet.", "added")

    # Trying it

    def run(self) -> None:
        """Tries the candidate on every stored event of the type."""
        edge, catalogue, row, store = self._read(), self._catalogue, self._row, self._store
        if edge is None or catalogue is None or row is None or row.known is None:
            return
        self._forget()
        self.busy.start()
        self._tell("", "second")
        self._job = self._catalogues.jobs.run(
            f"trial {id(store)}",
            lambda control: candidate_job(store, catalogue, row.name, edge, control),
            self._show,
            self._failed,
            self._advanced,
        )

    def _advanced(self, told: object) -> None:
        if isinstance(told, Advance):
            self.busy.advance(told.done, told.total, told.seconds)

    def _failed(self, error: BaseException) -> None:
        self.busy.hide()
        self._catalogues.failed(error)

    def _cancel(self) -> None:
        self.stop()
        self._tell("It was not tried to the end.", "second")

    def stop(self) -> None:
        """Tries it no more."""
        self._timer.stop()
        if self._job is not None and self._job.is_running:
            self._job.cancel()
        self._job = None
        self.busy.hide()

    def _forget(self) -> None:
        self.stop()
        self._tried, self._events = None, []
        self.results.clear()
        self._lower.hide()
        self._tell("Try it to see what becomes of every stored event of the type.", "second")

    def _tell(self, sentence: str, tone: Tone) -> None:
        self.outcome.setText(sentence)
        set_tone(self.outcome, tone)

    # What it did

    def _show(self, found: Tried) -> None:
        self.busy.hide()
        self._tried = found
        self.preview.preview_of = lambda event: found.previews.get(event.key)
        sentence, tone = outcome_of(found)
        self._tell(sentence, tone)
        self.results.clear()
        self._add_failures(found)
        self._add_problems(found)
        self._add_sample(found)
        self._lower.setVisible(self.results.topLevelItemCount() > 0)
        first = next((item for item in self._items() if item.data(0, _EVENT) is not None), None)
        if first is not None:
            self.results.setCurrentItem(first)

    def _show_again(self) -> None:
        """Rows keep the colours that they were given, and the theme is another now."""
        if self._tried is not None:
            self._show(self._tried)

    def _group(self, text: str, tone: Tone) -> QTreeWidgetItem:
        head = self.results.add(None, (text,), tone=tone)
        head.setFirstColumnSpanned(True)
        head.setFont(0, fonts.ui(13, 500))
        head.setExpanded(True)
        return head

    def _add_event(self, under: QTreeWidgetItem, event: Event, words: str, tone: str = "") -> None:
        place = event.position
        shown = f"#{grouped(place)}" if isinstance(place, int) else place or "no position"
        item = self.results.add(under, (shown, words), position=place)
        if tone:
            item.setForeground(1, self.results.color(tone))
        item.setData(0, _EVENT, len(self._events))
        self._events.append(event)

    def _add_failures(self, found: Tried) -> None:
        failures, kept = found.run.failures, found.run.sample.failures
        if not failures:
            return
        head = self._group(f"{grouped(len(failures))} failing", "removed")
        for event, (_, reason) in list(zip(kept, failures, strict=False))[:LISTED]:
            self._add_event(head, event, reason)
        if len(failures) > LISTED:
            self.results.add(head, ("", f"and {grouped(len(failures) - LISTED)} more"), tone="second")

    def _add_problems(self, found: Tried) -> None:
        problems = [one for one in found.run.problems if one.edge is None or one.edge == found.edge]
        if not problems:
            return
        head = self._group("What else is to be known", "changed")
        for problem in problems[:_PROBLEMS]:
            first = problem.positions[0] if problem.positions else None
            words = f"{CODE_WORDS[problem.code]}: {problem.sentence}"
            self.results.add(head, (problem.code, words), position=first)

    def _add_sample(self, found: Tried) -> None:
        sample = found.run.sample
        if sample.first is None:
            return
        head = self._group("Some of the events", "second")
        failing = {event.key for event in sample.failures}
        special = ((sample.first, "first"), (sample.last, "last"), (sample.longest, "longest"))
        words = {event.key: word for event, word in reversed(special) if event is not None}
        if sample.shortest is not None:
            words.setdefault(sample.shortest.key, "shortest")
        for event in sample.events:
            if event.key not in failing:
                self._add_event(head, event, words.get(event.key, "taken at random"))

    def _items(self) -> list[QTreeWidgetItem]:
        heads = [self.results.topLevelItem(place) for place in range(self.results.topLevelItemCount())]
        items = [head.child(place) for head in heads if head is not None for place in range(head.childCount())]
        return [item for item in items if item is not None]

    def _preview(self, item: QTreeWidgetItem | None) -> None:
        place = item.data(0, _EVENT) if item is not None else None
        self.preview.setVisible(place is not None)
        if isinstance(place, int) and place < len(self._events):
            self.preview.show_event(self._events[place])
