"""Everything about one event type: what the catalogue says, its attributes, its shapes over time, its upcasters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from esviewer.catalogue.drift_report import PathDrift, TypeDrift
from esviewer.catalogue.model import Catalogue, Upcaster, version_text
from esviewer.catalogue.simulator import Outline
from esviewer.catalogue.status import Status
from esviewer.catalogue.step_text import steps_yaml
from esviewer.catalogue.validation import Problem
from esviewer.session import StoreSession
from esviewer.stores.index import NONE
from esviewer.ui import fonts
from esviewer.ui.catalogue_bands import BandsView, bands_of
from esviewer.ui.catalogue_candidate import CandidatePage
from esviewer.ui.catalogue_edit import TypeEditor
from esviewer.ui.catalogue_facts import Checked
from esviewer.ui.catalogue_rows import CODE_WORDS, TypeRow
from esviewer.ui.catalogue_simulator import SimulatorPage
from esviewer.ui.catalogue_tree import Tree
from esviewer.ui.statuses import LOOKS, as_sentence, status_icon
from esviewer.ui.theme import signals, theme
from esviewer.ui.upcast_panel import edge_text, json_line, steps_text
from esviewer.ui.widgets import EmptyState, Panel
from esviewer.ui.widgets.format import ABSENT, grouped, when
from esviewer.ui.words import short_type
from esviewer.ui.zone import zone

if TYPE_CHECKING:
    from esviewer.ui.catalogue_control import Catalogues

_PARTS: Final = ("Type", "Attributes", "Shapes", "Upcasters", "Draft")
_UPCASTERS, _DRAFT, _NOTHING = 3, 4, 5
_TRY: Final = "Enter or a double click: edit it and try it"
_EDGE: Final = Qt.ItemDataRole.UserRole + 1
_SAMPLE: Final = 60
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class AttributesTree(Tree):
    """Which attributes payloads of each version really have, how often, and from when to when."""

    def __init__(self, parent: QWidget | None = None) -> None:
        titles = ("Attribute", "Type", "Present", "Null", "First", "Last", "Values")
        super().__init__("Attributes of the type", titles, parent)
        for column, width in enumerate((150, 74, 76, 40, 54, 54)):
            self.setColumnWidth(column, width)

    def show_drift(self, types: Sequence[TypeDrift]) -> None:
        """Shows the versions of a type."""
        self.clear()
        for one in types:
            counted = f"{grouped(one.events)} event{'' if one.events == 1 else 's'}"
            head = self.add(
                None,
                (f"Version {version_text(one.version)}", "", counted, "", _place(one.first), _place(one.last), ""),
                position=one.first,
            )
            head.setFont(0, fonts.ui(13, 600))
            for path in one.paths:
                self._add_path(head, path)
            for kind, count in one.others.items():
                self.add(head, ("no object", kind, grouped(count), "", "", "", ""), tone="changed")
            if one.undecodable:
                self.add(head, ("undecodable", "", grouped(one.undecodable), "", "", "", ""), tone="removed")
            head.setExpanded(True)

    def _add_path(self, head: QTreeWidgetItem, path: PathDrift) -> None:
        share = path.present / path.total if path.total else 0.0
        present = "all" if path.is_required else f"{share:.0%}" if 0.01 <= share <= 0.99 else grouped(path.present)
        values = ", ".join(json_line(sample)[:_SAMPLE] for sample in path.samples)
        more = f"{grouped(path.distinct)}{'+' if path.is_capped else ''} values"
        changes = "\n".join(f"{kind} from position {position} on" for kind, position in path.changes)
        row = self.add(
            head,
            (
                path.path,
                " | ".join(path.types) or "null",
                present,
                grouped(path.nulls) if path.nulls else "",
                _place(path.first),
                _place(path.last),
                values[:_SAMPLE] + ("…" if len(values) > _SAMPLE else ""),
            ),
            position=path.first,
            tip=f"{path.path}\n{path.strength}\n{more}\n{values[:300]}\n{changes}".strip(),
        )
        row.setFont(0, fonts.mono(12))
        row.setFont(6, fonts.mono(12))
        if not path.is_required:
            row.setForeground(2, theme().color("changed"))
        if len(path.types) > 1:
            row.setForeground(1, theme().color("changed"))


def _place(position: int | str | None) -> str:
    return ABSENT if position is None else grouped(position) if isinstance(position, int) else position


class UpcastersTree(Tree):
    """How far the upcasters of a type reach, what each does, and what is wrong with them."""

    edge_wanted = Signal(object)
    """An upcaster (:class:`Upcaster`) is to be looked at and tried."""

    def __init__(self, parent: QWidget | None = None) -> None:
        titles = ("Version", "Events", "Current", "To upcast", "Blocked", "Failing", "Streams", "Last")
        super().__init__("Coverage and upcasters of the type", titles, parent)
        for column, width in enumerate((176, 58, 62, 72, 66, 62, 66)):
            self.setColumnWidth(column, width)
            if column:
                self.headerItem().setTextAlignment(column, _RIGHT)
        self._edges: list[Upcaster] = []
        self.itemActivated.connect(self._want_edge)

    def _want_edge(self, item: QTreeWidgetItem) -> None:
        place = item.data(0, _EDGE)
        if isinstance(place, int):
            self.edge_wanted.emit(self._edges[place])

    def show_type(self, store: StoreSession, row: TypeRow, problems: Sequence[Problem], is_checked: bool) -> None:
        """Shows the coverage of a type, its upcasters, and their problems."""
        self.clear()
        self._edges = []
        for title, cell in row.cells.items():
            fact = cell.fact
            counts = fact.statuses if fact is not None else {}
            numbers = [counts.get(s, 0) for s in (Status.CURRENT, Status.UPCAST, Status.BLOCKED, Status.UPCAST_FAILED)]
            last = _day(store, fact.last) if fact is not None else ABSENT
            texts = [grouped(number) if number else ABSENT for number in numbers]
            count, streams = (grouped(fact.count), grouped(fact.streams)) if fact is not None else (ABSENT, ABSENT)
            name = f"Version {title}" + (", current" if cell.is_current else "")
            position = store.index.position_of(fact.first) if fact is not None else None
            made = self.add(None, (name, count, *texts, streams, last), position=position)
            for column in range(1, 7):
                made.setTextAlignment(column, _RIGHT)
            worst = cell.worst
            if worst is not None:
                made.setIcon(0, status_icon(worst))
                made.setForeground(0, theme().color("text"))
            self._add_edges(made, row, title, problems)
            made.setExpanded(True)
        for column, status in ((3, Status.UPCAST), (4, Status.BLOCKED), (5, Status.UPCAST_FAILED)):
            self.setColumnHidden(column, not row.statuses.get(status))
        if not row.cells:
            what = "the type is ignored" if row.ignored is not None else "the catalogue does not have the type"
            self._tell(f"Nothing is said of its versions: {what}.", "second")
        self._add_problems(row, problems, is_checked)

    def _tell(self, text: str, tone: str, position: int | str | None = None) -> QTreeWidgetItem:
        """A row of words over all columns."""
        made = self.add(None, (text,), tone=tone, position=position)
        made.setFirstColumnSpanned(True)
        return made

    def _add_edges(self, under: QTreeWidgetItem, row: TypeRow, title: str, problems: Sequence[Problem]) -> None:
        edges = [edge for edge in row.known.upcasters if version_text(edge.source) == title] if row.known else []
        for edge in edges:
            lines = steps_text(edge).split("\n")
            for number, line in enumerate(lines):
                text = f"{edge_text(edge)}   {line}" if number == 0 else f"          {line}"
                made = self.add(under, (text,), tip=f"{edge_text(edge)}\n{steps_text(edge)}\n{_TRY}")
                made.setData(0, _EDGE, len(self._edges))
                made.setFirstColumnSpanned(True)
                made.setFont(0, fonts.mono(12))
            self._edges.append(edge)
            if edge.is_code:
                made = self.add(under, ("Not run here: its results are not checked",), tone="changed")
                made.setFirstColumnSpanned(True)

    def _add_problems(self, row: TypeRow, problems: Sequence[Problem], is_checked: bool) -> None:
        if not is_checked:
            if row.known is not None and row.known.upcasters:
                self._tell("Check the store to validate these upcasters on real events.", "second")
            return
        for problem in problems:
            first = problem.positions[0] if problem.positions else None
            words = f"{problem.code}  {CODE_WORDS[problem.code]}"
            where = f"  ·  {grouped(len(problem.positions))} events" if problem.positions else ""
            head = self._tell(words + where, _tone(problem), first)
            head.setFont(0, fonts.ui(13, 500))
            told = self.add(head, (as_sentence(problem.sentence),), tone="second", position=first)
            told.setFirstColumnSpanned(True)
            head.setExpanded(True)


def _tone(problem: Problem) -> str:
    quiet = ("U-LOSSY", "U-LOOKUP", "U-IDEMP", "U-UNUSED")
    return "changed" if problem.code in quiet else "removed"


def _day(store: StoreSession, row: int) -> str:
    if row >= store.index.length:
        return ABSENT
    time = int(store.index.column("time")[row])
    return ABSENT if time == NONE else when(time, zone())[:10]


class TypeDetails(Panel):
    """The selected type, from four sides."""

    edited = Signal(object)
    type_wanted = Signal(str)
    position_wanted = Signal(object)
    row_wanted = Signal(int)
    check_wanted = Signal()
    filter_wanted = Signal(object)
    """Parts of a filter: the events that a draft cannot read."""

    def __init__(self, store: StoreSession, catalogues: Catalogues, parent: QWidget | None = None) -> None:
        super().__init__("Event type", "hash", parent)
        self._store = store
        self._catalogue: Catalogue | None = None
        self._row: TypeRow | None = None
        self._checked: Checked | None = None
        self._is_checking = False
        self.parts = QTabBar()
        self.parts.setAccessibleName("Sides of the event type")
        self.parts.setProperty("inner", "true")
        self.parts.setDrawBase(False)
        self.parts.setExpanding(False)
        for name in _PARTS:
            self.parts.addTab(name)
        self.editor = TypeEditor()
        self.attributes = AttributesTree()
        self.bands = BandsView(store.index)
        self.upcasters = UpcastersTree()
        self.candidate = CandidatePage(store, catalogues)
        self.simulator = SimulatorPage(store, catalogues)
        self._workbench = QStackedWidget()
        self._unchecked = EmptyState("activity", "", "Check the store")
        self._stack = QStackedWidget()
        parts = (self.editor, self.attributes, self._shapes(), self._chains(), self.simulator, self._unchecked)
        for widget in parts:
            self._stack.addWidget(widget)
        self.body.addWidget(self.parts)
        self.body.addWidget(self._stack, 1)
        self._connect()

    def _shapes(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        line = QHBoxLayout()
        line.setContentsMargins(8, 2, 8, 2)
        line.setSpacing(0)
        group = QButtonGroup(page)
        self.axis_buttons: dict[str, QToolButton] = {}
        for value, text, tip in (
            ("time", "Time", "Bands along time"),
            ("position", "Position", "Bands in the order of the store"),
        ):
            button = self.axis_buttons[value] = QToolButton()
            button.setText(text)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setChecked(value == "time")
            button.setIconSize(QSize(16, 16))
            button.clicked.connect(lambda _checked=False, own=value: self.bands.set_axis(own))
            group.addButton(button)
            line.addWidget(button)
        line.addStretch(1)
        column.addLayout(line)
        column.addWidget(self.bands, 1)
        return page

    def _chains(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        line = QHBoxLayout()
        line.setContentsMargins(14, 4, 14, 6)
        self.attempt = QPushButton("Try an upcaster…")
        self.attempt.setToolTip("Write steps, and try them on every stored event before they are in the catalogue")
        line.addWidget(self.attempt)
        line.addStretch(1)
        column.addWidget(self.upcasters, 1)
        column.addLayout(line)
        self._workbench.addWidget(page)
        self._workbench.addWidget(self.candidate)
        return self._workbench

    def _connect(self) -> None:
        self._connect_trials()
        self.parts.currentChanged.connect(lambda _place: self._show_part())
        self.editor.edited.connect(self.edited)
        self.editor.type_wanted.connect(self.type_wanted)
        self.attributes.position_wanted.connect(self.position_wanted)
        self.upcasters.position_wanted.connect(self.position_wanted)
        self.bands.row_wanted.connect(self.row_wanted)
        self._unchecked.offered.connect(self.check_wanted)
        signals().changed.connect(self._show_part)

    def _connect_trials(self) -> None:
        candidate, simulator = self.candidate, self.simulator
        self.attempt.clicked.connect(self._begin_candidate)
        self.upcasters.edge_wanted.connect(self._edit_edge)
        candidate.closed.connect(lambda: self._workbench.setCurrentIndex(0))
        candidate.edited.connect(self.edited)
        candidate.position_wanted.connect(self.position_wanted)
        simulator.edited.connect(self.edited)
        simulator.row_wanted.connect(self.row_wanted)
        simulator.filter_wanted.connect(self.filter_wanted)
        simulator.try_wanted.connect(self._try_stub)

    def _begin_candidate(self) -> None:
        """Shows the candidate that was worked at, else one where events are blocked."""
        self._workbench.setCurrentIndex(1)
        gap = self.candidate.first_gap()
        if gap is not None and not self.candidate.is_begun:
            self.candidate.begin(*gap)
        else:
            self.candidate.setFocus()

    def _edit_edge(self, edge: Upcaster) -> None:
        self._workbench.setCurrentIndex(1)
        self.candidate.begin(edge.source, edge.target)

    def _try_stub(self, found: Outline) -> None:
        if found.stub is not None:
            self.parts.setCurrentIndex(_UPCASTERS)
            self._workbench.setCurrentIndex(1)
            self.candidate.begin(found.source, found.target, steps_yaml(found.stub.steps))

    def stop(self) -> None:
        """Ends what is being tried; the tab closes."""
        self.candidate.stop()
        self.simulator.stop()

    def show_type(self, catalogue: Catalogue | None, row: TypeRow | None) -> None:
        """Shows another type."""
        if self._row is None or row is None or self._row.name != row.name:
            self._workbench.setCurrentIndex(0)
        self._catalogue, self._row = catalogue, row
        self.set_title(short_type(row.name) if row is not None else "Event type")
        worst = row.worst if row is not None else None
        self.set_note(LOOKS[worst].word.lower() if worst is not None else "")
        self.editor.show_type(catalogue, row)
        self._show_part()

    def show_zone(self) -> None:
        """Times are shown in another zone."""
        self._show_part()
        self.bands.viewport().update()

    def show_checked(self, checked: Checked | None, is_checking: bool) -> None:
        """Takes what a check found."""
        if checked is self._checked and is_checking == self._is_checking:
            return
        self._checked, self._is_checking = checked, is_checking
        self._show_part()

    def _show_part(self) -> None:
        """Fills the part that is in front."""
        part, row, checked = self.parts.currentIndex(), self._row, self._checked
        drift = [one for one in checked.drift if row is not None and one.type == row.name] if checked else []
        if part in (1, 2) and not drift:
            self._say_unchecked(checked is not None)
            return
        self._stack.setCurrentIndex(part)
        if part == 1:
            self.attributes.show_drift(drift)
        elif part == 2:
            self.bands.show_bands(self._store.index, bands_of(drift))
            self.axis_buttons[self.bands.axis].setChecked(True)
        elif part == _DRAFT and (row is None or row.known is None):
            self._unchecked.set_sentence("A draft begins with a type of the catalogue, which does not have this one.")
            self._stack.setCurrentIndex(_NOTHING)
        elif part == _DRAFT and row is not None:
            self.simulator.show_type(self._catalogue, row.known)
        elif part == _UPCASTERS and row is not None:
            self.candidate.show_type(self._catalogue, row)
            self.attempt.setEnabled(row.known is not None)
            problems = [one for one in checked.problems if one.type == row.name] if checked is not None else []
            self.upcasters.show_type(self._store, row, problems, checked is not None)

    def _say_unchecked(self, is_checked: bool) -> None:
        what = "attributes" if self.parts.currentIndex() == 1 else "shapes"
        if self._is_checking:
            self._unchecked.set_sentence(f"Reading all events: the {what} are shown when that is done.")
        elif is_checked:
            self._unchecked.set_sentence("No event of this type is stored.")
        else:
            self._unchecked.set_sentence(
                f"Which {what} the events of this type really have is known when all events have been read.",
                "Check the store",
            )
        self._stack.setCurrentIndex(_NOTHING)
