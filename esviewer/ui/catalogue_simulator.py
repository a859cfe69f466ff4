"""The change simulator: a draft of an event type, and beside it at once what it would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from esviewer.catalogue.draft import ShapeDraft
from esviewer.catalogue.model import Catalogue, EventType, TypeVersion, version_text
from esviewer.catalogue.simulator import Outline, outline, with_draft
from esviewer.session import StoreSession
from esviewer.ui import fonts
from esviewer.ui.catalogue_draft import DraftTable
from esviewer.ui.catalogue_facts import Advance
from esviewer.ui.catalogue_trials import Affected, Given, draft_job
from esviewer.ui.catalogue_verdict import VerdictView
from esviewer.ui.icons import icon
from esviewer.ui.jobs import Job
from esviewer.ui.widgets import ElidedLabel, EmptyState, label

if TYPE_CHECKING:
    from esviewer.ui.catalogue_control import Catalogues

_WAIT: Final = 200
"""Milliseconds after the last edit until stored events are asked."""
_WIDE: Final = 620
"""Pixels from which on the verdict stands beside the table, and not below it."""


class SimulatorPage(QWidget):
    """Drafts by type: they stay while other types are looked at."""

    edited = Signal(object)
    """A catalogue into which the draft was taken."""
    row_wanted = Signal(int)
    filter_wanted = Signal(object)
    try_wanted = Signal(object)
    """An upcaster to begin with (:class:`Outline`)."""

    def __init__(self, store: StoreSession, catalogues: Catalogues, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._store, self._catalogues = store, catalogues
        self._drafts: dict[str, tuple[TypeVersion, ShapeDraft]] = {}
        self._catalogue: Catalogue | None = None
        self._known: EventType | None = None
        self._given: Given | None = None
        self._job: Job[Any] | None = None
        self._outline: Outline | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_WAIT)
        self.table = DraftTable()
        self.verdict = VerdictView()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        self._head = ElidedLabel("", "second")
        self._head.setFont(fonts.ui(12))
        self.add = self._button("plus", "Add an attribute", "Add an attribute behind the chosen one  (Ins)")
        self.remove = self._button("minus", "Take the attribute out", "Take the attribute out, or back in  (Del)")
        self.reset = self._button("skip-back", "Begin anew", "Begin the draft anew")
        line = QHBoxLayout()
        line.setContentsMargins(14, 2, 8, 2)
        line.setSpacing(2)
        line.addWidget(self._head, 1)
        for button in (self.add, self.remove, self.reset):
            line.addWidget(button)
        self._refused = label(tone="removed", font=fonts.ui(12))
        self._refused.setWordWrap(True)
        self._refused.setContentsMargins(14, 0, 14, 4)
        self._refused.hide()
        words = (
            "Add, rename or change attributes: what that does to readers and to stored events is shown here at once."
        )
        self._empty = EmptyState("git-branch", words)
        self._side = QStackedWidget()
        self._side.addWidget(self._empty)
        self._side.addWidget(self.verdict)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(8)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.table)
        self.splitter.addWidget(self._side)
        self.splitter.setSizes([220, 380])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        column.addWidget(self._refused)
        column.addWidget(self.splitter, 1)
        self.setFocusProxy(self.table)

    def _button(self, symbol: str, name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tip)
        button.setAccessibleName(name)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._arrange()
        is_asked = self.verdict.affected is not None or self._job is not None
        if self._known is not None and self._draft.is_edited and not is_asked:
            self._timer.start()

    def _arrange(self) -> None:
        """Beside each other where there is room; a hidden page has no size yet that would count."""
        wanted = Qt.Orientation.Horizontal if self.width() >= _WIDE else Qt.Orientation.Vertical
        if self.isVisible() and wanted is not self.splitter.orientation():
            self.splitter.setOrientation(wanted)
            self.splitter.setSizes([500, 400] if wanted is Qt.Orientation.Horizontal else [220, 380])

    def _connect(self) -> None:
        model, verdict = self.table.model_, self.verdict
        model.edited.connect(self._edited)
        model.refused.connect(self._refuse)
        self.add.clicked.connect(self.table.add)
        self.remove.clicked.connect(self.table.remove)
        self.reset.clicked.connect(self._begin_anew)
        self._timer.timeout.connect(self._ask)
        verdict.busy.cancelled.connect(self.stop)
        verdict.first_wanted.connect(lambda: self.row_wanted.emit(int(self._affected().rows[0])))
        verdict.table_wanted.connect(lambda: self.filter_wanted.emit(list(self._affected().filter or ())))
        verdict.try_wanted.connect(lambda: self.try_wanted.emit(self._outline))
        verdict.version_wanted.connect(lambda: self._take_over(is_new=True))
        verdict.shape_wanted.connect(lambda: self._take_over(is_new=False))

    def _affected(self) -> Affected:
        found = self.verdict.affected
        assert found is not None
        return found

    # What is shown

    def show_type(self, catalogue: Catalogue | None, known: EventType | None) -> None:
        """Shows the draft of a type, begun from its current shape where there is none."""
        if catalogue is self._catalogue and known is self._known:
            return
        self.stop()
        self._catalogue, self._known = catalogue, known
        self._refused.hide()
        if known is None:
            return
        shape = known.current_shape or TypeVersion()
        held = self._drafts.get(known.name)
        if held is None or held[0] != shape:
            held = self._drafts[known.name] = (shape, ShapeDraft(shape))
        self._show(known, held[1])

    def _show(self, known: EventType, draft: ShapeDraft) -> None:
        self.table.model_.show_draft(draft)
        found = outline(known, draft.shape(), draft.renames())
        source = f", from version {version_text(found.source)}" if known.watched else ""
        self._head.setText(f"Draft of version {version_text(found.target)}{source}")
        self.verdict.shape_.setVisible(known.watched)
        self._judge()

    def _edited(self) -> None:
        self._refused.hide()
        self._judge()

    def _refuse(self, sentence: str) -> None:
        self._refused.setText(sentence)
        self._refused.show()

    def _begin_anew(self) -> None:
        if self._known is not None:
            shape = self._known.current_shape or TypeVersion()
            self._drafts[self._known.name] = (shape, ShapeDraft(shape))
            self._refused.hide()
            self._show(self._known, self._drafts[self._known.name][1])

    @property
    def _draft(self) -> ShapeDraft:
        return self.table.model_.draft

    def _judge(self) -> None:
        """Shows what holds in theory, and asks stored events a moment later."""
        self.stop()
        is_edited = self._draft.is_edited
        self._side.setCurrentIndex(int(is_edited))
        self.reset.setEnabled(is_edited)
        if not is_edited or self._known is None:
            return
        self._outline = outline(self._known, self._draft.shape(), self._draft.renames())
        self.verdict.show_outline(self._outline)
        self._timer.start()

    # Stored events

    def _ask(self) -> None:
        catalogue, known, store = self._catalogue, self._known, self._store
        # A hidden page asks when it is shown again; that of a closed window never does.
        if catalogue is None or known is None or not self.isVisible():
            return
        shape, kept = self._draft.shape(), self._given
        self._job = self._catalogues.jobs.run(
            f"trial {id(store)}",
            lambda control: draft_job(store, catalogue, known.name, shape, kept, control),
            self._found,
            self._failed,
            self._advanced,
        )

    def _advanced(self, told: object) -> None:
        if isinstance(told, Advance):
            if self.verdict.busy.isHidden():
                # What takes a moment is not worth a bar that comes and goes.
                self.verdict.busy.start()
            self.verdict.busy.advance(told.done, told.total, told.seconds)

    def _found(self, found: Affected) -> None:
        self._given = found.given
        self.verdict.busy.hide()
        self.verdict.show_affected(found)

    def _failed(self, error: BaseException) -> None:
        self.verdict.busy.hide()
        self._catalogues.failed(error)

    def stop(self) -> None:
        """Asks stored events no more."""
        self._timer.stop()
        self.verdict.busy.hide()
        if self._job is not None and self._job.is_running:
            self._job.cancel()
            self.verdict.show_unasked()
        self._job = None

    # Taking it over

    def _take_over(self, *, is_new: bool) -> None:
        catalogue, known, found = self._catalogue, self._known, self._outline
        if catalogue is None or known is None or found is None:
            return
        steps = found.stub.steps if found.stub is not None else ()
        made = with_draft(catalogue, found, self._draft.shape(), steps if is_new else None)
        del self._drafts[known.name]
        self.edited.emit(made)
