"""Reports from the window: choose what is reported on, look at it, save it in the format that a file's ending names."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QPainter, QTextCursor, QTextDocument, QTextTable
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QListView,
    QPushButton,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from esviewer.session import StoreSession
from esviewer.ui import fonts
from esviewer.ui import report_work as work
from esviewer.ui.jobs import Job
from esviewer.ui.report_work import Made, Subject
from esviewer.ui.theme import theme
from esviewer.ui.widgets import BusyBar, EmptyState, label
from esviewer.ui.widgets.object_rows import ObjectRows

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView

KINDS: Final = (
    "A page that opens in any browser (*.html);;Pages to print (*.pdf);;Text for an issue (*.md);;"
    "Figures (*.json);;A table (*.csv)"
)
_ROW: Final = 76
_SIDE: Final = 270
_HTML: Final = QTextDocument.MarkdownFeature.MarkdownNoHTML
_TABLES: Final = QTextDocument.MarkdownFeature.MarkdownDialectGitHub


def _told(subject: Subject) -> str:
    return f"{subject.title}. {subject.what}"


class ReportDialog(QDialog):
    """Shows the report that is chosen as soon as it is made. What is made once is not made again while it is open."""

    def __init__(self, view: MainView, store: StoreSession, subjects: list[Subject]) -> None:
        super().__init__(view)
        self._view = view
        self._store = store
        self._job: Job[Made] | None = None
        self._made: dict[str, Made] = {}
        self.setWindowTitle(f"Report on {store.name}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.kinds = QListView()
        self._rows: ObjectRows[Subject] = ObjectRows(self, _ROW, _told)
        self.preview = QTextBrowser()
        self.busy = BusyBar()
        self.trouble = EmptyState("circle-alert", "")
        self.cut = label("", "second", fonts.ui(12))
        self.save = QPushButton("Save as…")
        self.close_button = QPushButton("Close")
        self._pages = QStackedWidget()
        self._lay_out()
        self._rows.show(subjects)
        self.kinds.setModel(self._rows)
        self.kinds.selectionModel().currentChanged.connect(self._chosen)
        self.save.clicked.connect(self._ask_for_file)
        self.close_button.clicked.connect(self.reject)
        self.finished.connect(self._end)
        self.resize(min(980, view.width() - 60), min(680, view.height() - 60))
        self.kinds.setCurrentIndex(self._rows.index(0))

    def _lay_out(self) -> None:
        self.kinds.setItemDelegate(_SubjectDelegate(self.kinds))
        self.kinds.setAccessibleName("What is reported on")
        self.kinds.setFrameShape(QFrame.Shape.NoFrame)
        self.kinds.setFixedWidth(_SIDE)
        self.preview.setAccessibleName("Preview of the report")
        self.preview.setFrameShape(QFrame.Shape.NoFrame)
        # Nothing in a report may lead anywhere from here.
        self.preview.setOpenLinks(False)
        self.save.setProperty("primary", "true")
        self.save.setDefault(True)
        waiting = QWidget()
        column = QVBoxLayout(waiting)
        column.addStretch(1)
        column.addWidget(label("Reading the store…", "second"), 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(self.busy)
        column.addStretch(1)
        for page in (waiting, self.preview, self.trouble):
            self._pages.addWidget(page)
        middle = QHBoxLayout()
        middle.setSpacing(12)
        middle.addWidget(self.kinds)
        middle.addWidget(self._pages, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.cut, 1)
        foot.addWidget(self.close_button)
        foot.addWidget(self.save)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 16, 16, 14)
        whole.setSpacing(12)
        whole.addLayout(middle, 1)
        whole.addLayout(foot)

    @property
    def subject(self) -> Subject | None:
        """What is chosen."""
        return self._rows.at(self.kinds.currentIndex())

    @property
    def made(self) -> Made | None:
        """The report that is shown; ``None`` while it is made, or where it cannot be."""
        subject = self.subject
        return None if subject is None else self._made.get(subject.kind)

    # Making

    def _chosen(self, _now: QModelIndex, _before: QModelIndex) -> None:
        if self._job is not None:
            self._job.cancel()
            self._job = None
        subject = self.subject
        if subject is None:
            return
        if self.made is not None:
            self._show(self.made)
            return
        self._pages.setCurrentIndex(0)
        self.cut.setText("")
        self.save.setEnabled(False)
        store = self._store
        self._job = self._view.jobs.run(
            f"report {id(store)}",
            lambda control: work.report_job(store, subject, control),
            partial(self._take, subject.kind),
            self._failed,
        )

    def _take(self, kind: str, made: Made) -> None:
        self._made[kind] = made
        self._show(made)

    def _show(self, made: Made) -> None:
        document = self.preview.document()
        document.setDefaultFont(fonts.ui(13))
        document.setMarkdown(made.text, QTextDocument.MarkdownFeature(_HTML | _TABLES))
        for frame in document.rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                looks = frame.format()
                looks.setBorderBrush(theme().color("border"))
                looks.setCellPadding(5)
                frame.setFormat(looks)
        self.preview.moveCursor(QTextCursor.MoveOperation.Start)
        self.cut.setText("This is its beginning: the file has all of it." if made.is_cut else "")
        self._pages.setCurrentIndex(1)
        self.save.setEnabled(True)

    def _failed(self, error: BaseException) -> None:
        self.trouble.set_sentence(str(error))
        self._pages.setCurrentIndex(2)

    def _end(self, _result: int) -> None:
        if self._job is not None:
            self._job.cancel()

    # Saving

    def _ask_for_file(self) -> None:
        subject = self.subject
        if subject is None:
            return
        path = self._store.database.address.path
        folder = Path.cwd() if path is None else path.absolute().parent
        name, _ = QFileDialog.getSaveFileName(
            self, "Save the report", str(folder / f"{self._store.name}-{subject.kind}.html"), KINDS
        )
        if name:
            self.save_to(Path(name))

    def save_to(self, target: Path) -> None:
        """Writes the report that is shown, and says where it is."""
        made = self.made
        if made is None:
            return
        document, view = made.document, self._view

        def done(path: Path) -> None:
            view.tell("info", f"The report was written to {path}.")

        view.jobs.run(
            f"report {id(self._store)}", lambda control: work.save_job(document, target, control), done, view.failed
        )
        self.accept()


class _SubjectDelegate(QStyledItemDelegate):
    """Two lines: what, and what is in it."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rows, current = index.model(), theme()
        subject = rows.at(index) if isinstance(rows, ObjectRows) else None
        if subject is None:
            return
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, current.color("selected"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(area, current.color("hover"))
        room = area.adjusted(12, 7, -10, -6)
        painter.setFont(fonts.ui(13, 600))
        painter.setPen(current.color("text"))
        painter.drawText(room, int(Qt.AlignmentFlag.AlignTop), subject.title)
        painter.setFont(fonts.ui(11))
        painter.setPen(current.color("second"))
        below = room.adjusted(0, 20, 0, 0)
        painter.drawText(below, int(Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap), subject.what)
