"""What a catalogue says of one type, to be read and changed: current version, other names, whether it is ignored."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from difflib import SequenceMatcher

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.model import UNSET, Catalogue, EventType, Ignored, Version, _Unset, version_of, version_text
from esviewer.catalogue.status import rename_hint
from esviewer.catalogue.versions import NoFit
from esviewer.ui import fonts
from esviewer.ui.catalogue_rows import TypeRow
from esviewer.ui.widgets import ElidedLabel, label
from esviewer.ui.words import short_type

_NOT_JUDGED = "not judged"


# What edits make of a catalogue


def with_type(catalogue: Catalogue, changed: EventType) -> Catalogue:
    """The catalogue with a type in the place of the one of its name, or added."""
    return replace(catalogue, types={**catalogue.types, changed.name: changed})


def with_ignored(catalogue: Catalogue, name: str, reason: str) -> Catalogue:
    """The catalogue in which a type is passed over, from today on and for a reason."""
    entry = Ignored(name, reason or None, date=date.today().isoformat())
    known = catalogue.ignored.get(name)
    if known is not None:
        entry = replace(known, reason=reason or None)
    return replace(catalogue, ignored={**catalogue.ignored, name: entry})


def without_ignored(catalogue: Catalogue, name: str) -> Catalogue:
    """The catalogue in which a type is not passed over any more."""
    return replace(catalogue, ignored={other: kept for other, kept in catalogue.ignored.items() if other != name})


def without_type(catalogue: Catalogue, name: str) -> Catalogue:
    """The catalogue without a type."""
    return replace(catalogue, types={other: kept for other, kept in catalogue.types.items() if other != name})


def with_alias(catalogue: Catalogue, name: str, alias: str) -> Catalogue:
    """The catalogue in which a type has one more name."""
    known = catalogue.types[name]
    return with_type(catalogue, replace(known, aliases=tuple(dict.fromkeys((*known.aliases, alias)))))


def new_type(row: TypeRow) -> EventType:
    """A stored type as the catalogue would first know it: without shapes, and its versions are not judged."""
    return EventType(row.name)


def _said(catalogue: Catalogue | None, row: TypeRow | None) -> object:
    """All that is shown of the catalogue for a type; ``None`` where there is nothing."""
    if catalogue is None or row is None:
        return None
    others = (tuple(catalogue.by_name()), catalogue.inferred) if row.known is None else None
    return row.name, row.known, row.ignored, others


class TypeEditor(QScrollArea):
    """Shows what the catalogue says of a type; changes count at once, and are written when the catalogue is saved."""

    edited = Signal(object)
    """A changed :class:`Catalogue`."""
    type_wanted = Signal(str)
    """Another type is to be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._catalogue: Catalogue | None = None
        self._row: TypeRow | None = None
        self._is_filling = False
        self._said: object = None
        """What is shown of the catalogue; fields are not filled again while it is the same: somebody may be typing."""
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("What the catalogue says of the type")
        page = QWidget()
        page.setProperty("plain", "true")
        self._column = QVBoxLayout(page)
        self._column.setContentsMargins(14, 8, 14, 12)
        self._column.setSpacing(10)
        self._make_head()
        self._known = self._make_known()
        self._unknown = self._make_unknown()
        self._ignoring = self._make_ignoring()
        for part in (self._known, self._unknown, self._ignoring):
            self._column.addWidget(part)
        self._column.addStretch(1)
        self.setWidget(page)
        self.show_type(None, None)

    # Its parts

    def _make_head(self) -> None:
        self._name = ElidedLabel("")
        self._name.setFont(fonts.mono(12))
        self._stored = label(tone="second", font=fonts.ui(12))
        self._stored.setWordWrap(True)
        self._column.addWidget(self._name)
        self._column.addWidget(self._stored)

    def _make_known(self) -> QWidget:
        box = QWidget()
        form = QFormLayout(box)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(8)
        form.setHorizontalSpacing(14)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.current = QComboBox()
        self.current.setEditable(True)
        self.current.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.current.setToolTip("The version that today's code writes; events of others must be upcast")
        self.current.setAccessibleName("Current version")
        self.aliases = QLineEdit()
        self.aliases.setPlaceholderText("Other stored names, separated by commas")
        self.aliases.setAccessibleName("Other stored names of the type")
        self.note = QLineEdit()
        self.note.setPlaceholderText("A note for people")
        self.note.setAccessibleName("Note")
        self.starts = QCheckBox("starts a stream")
        self.ends = QCheckBox("ends a stream")
        line = QHBoxLayout()
        line.setSpacing(16)
        line.addWidget(self.starts)
        line.addWidget(self.ends)
        line.addStretch(1)
        form.addRow(label("Current version", "second"), self.current)
        form.addRow(label("Other names", "second"), self.aliases)
        form.addRow(label("Note", "second"), self.note)
        form.addRow(label("Lifecycle", "second"), line)
        self.remove = QPushButton("Take out of the catalogue")
        self.remove.setToolTip("Its events will be unknown")
        self.remove.clicked.connect(self._remove)
        row = QHBoxLayout()
        row.addWidget(self.remove)
        row.addStretch(1)
        form.addRow("", row)
        self._connect_known()
        return box

    def _connect_known(self) -> None:
        # Popups close before their choice is taken.
        self.current.activated.connect(lambda _place: self._take())
        line_edit = self.current.lineEdit()
        assert line_edit is not None
        line_edit.editingFinished.connect(self._take)
        for edit in (self.aliases, self.note):
            edit.editingFinished.connect(self._take)
        for check in (self.starts, self.ends):
            check.toggled.connect(lambda _on: self._take())

    def _make_unknown(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._why = label(tone="removed")
        self._why.setWordWrap(True)
        self.add = QPushButton("Add it as a type of its own")
        self.add.clicked.connect(self._add)
        line = QHBoxLayout()
        line.setSpacing(8)
        self.target = QComboBox()
        self.target.setAccessibleName("Type that it is another name of")
        self.target.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.target.setMinimumContentsLength(14)
        self.rename = QPushButton("It is another name of")
        self.rename.clicked.connect(self._rename)
        line.addWidget(self.rename)
        line.addWidget(self.target, 1)
        column.addWidget(self._why)
        row = QHBoxLayout()
        row.addWidget(self.add)
        row.addStretch(1)
        column.addLayout(row)
        column.addLayout(line)
        return box

    def _make_ignoring(self) -> QWidget:
        box = QWidget()
        line = QHBoxLayout(box)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        self.ignore = QCheckBox("Ignore, because")
        self.ignore.setToolTip("Events of this type are passed over on purpose, and counted")
        self.reason = QLineEdit()
        self.reason.setPlaceholderText("why, for those who ask later")
        self.reason.setAccessibleName("Why the type is ignored")
        line.addWidget(self.ignore)
        line.addWidget(self.reason, 1)
        self.ignore.toggled.connect(self._ignore)
        self.reason.editingFinished.connect(self._reason_given)
        return box

    # What is shown

    def show_type(self, catalogue: Catalogue | None, row: TypeRow | None) -> None:
        """Shows what a catalogue says of a type."""
        self._catalogue, self._row = catalogue, row
        has_both = catalogue is not None and row is not None
        known = row.known if row is not None else None
        for part, is_there in (
            (self._known, has_both and known is not None),
            (self._unknown, has_both and known is None and row is not None and row.ignored is None),
            (self._ignoring, has_both),
        ):
            part.setVisible(is_there)
        self._name.setText(row.name if row is not None else "")
        others = [name for name in row.stored if name != row.name] if row is not None else []
        self._stored.setText(f"Stored as {', '.join(others)}" if others else "")
        self._stored.setVisible(bool(others))
        said = _said(catalogue, row)
        is_same, self._said = said is not None and said == self._said, said
        if catalogue is None or row is None:
            return
        self._is_filling = True
        if known is not None:
            self._offer_versions(known, row)
        if not is_same:
            self._fill(catalogue, row)
        self._is_filling = False

    def _fill(self, catalogue: Catalogue, row: TypeRow) -> None:
        if row.known is not None:
            self._fill_known(row.known)
        elif row.ignored is None:
            self._fill_unknown(catalogue, row)
        self.ignore.setChecked(row.ignored is not None)
        self.reason.setText((row.ignored.reason or "") if row.ignored is not None else "")

    def _offer_versions(self, known: EventType, row: TypeRow) -> None:
        """Offers the versions that are known or stored; what is being typed stays."""
        versions = {cell.version for cell in row.cells.values() if not isinstance(cell.version, NoFit)}
        offers = [version_text(version) for version in in_order(known, versions | known.known_versions)]
        offers.append(_NOT_JUDGED)
        if offers != [self.current.itemText(place) for place in range(self.current.count())]:
            text = self.current.currentText()
            self.current.clear()
            self.current.addItems(offers)
            self.current.setCurrentText(text)

    def _fill_known(self, known: EventType) -> None:
        self.current.setCurrentText(version_text(known.current_version) if known.watched else _NOT_JUDGED)
        self.aliases.setText(", ".join(known.aliases))
        self.note.setText(known.note or "")
        self.starts.setChecked(known.starts_stream)
        self.ends.setChecked(known.ends_stream)

    def _fill_unknown(self, catalogue: Catalogue, row: TypeRow) -> None:
        hint = rename_hint(row.name, catalogue.by_name())
        sentence = "The catalogue has no type or alias of this name."
        if catalogue.inferred:
            sentence = "The inferred catalogue has not seen this name."
        self._why.setText(f"{sentence} Hint: {hint}." if hint is not None else sentence)
        self.target.clear()
        own = short_type(row.name).casefold()
        alike = {name: SequenceMatcher(None, own, short_type(name).casefold()).ratio() for name in catalogue.types}
        ranked = sorted(catalogue.types, key=lambda name: (-alike[name], name))
        for name in ranked:
            self.target.addItem(short_type(name), name)
            self.target.setItemData(self.target.count() - 1, name, Qt.ItemDataRole.ToolTipRole)
        for part in (self.target, self.rename):
            part.setEnabled(bool(ranked))

    # What is changed

    def _take(self) -> None:
        catalogue, row = self._catalogue, self._row
        if self._is_filling or catalogue is None or row is None or row.known is None:
            return
        aliases = tuple(part.strip() for part in self.aliases.text().split(",") if part.strip())
        changed = replace(
            row.known,
            current=self._current_version(row.known),
            aliases=tuple(dict.fromkeys(alias for alias in aliases if alias != row.name)),
            note=self.note.text().strip() or None,
            starts_stream=self.starts.isChecked(),
            ends_stream=self.ends.isChecked(),
        )
        if changed != row.known:
            self.edited.emit(with_type(catalogue, changed))

    def _current_version(self, known: EventType) -> Version | _Unset:
        text = self.current.currentText().strip()
        if not text:
            return known.current
        return UNSET if text == _NOT_JUDGED else version_of(text)

    def _remove(self) -> None:
        if self._catalogue is not None and self._row is not None:
            self.edited.emit(without_type(self._catalogue, self._row.name))

    def _add(self) -> None:
        if self._catalogue is not None and self._row is not None:
            self.edited.emit(with_type(self._catalogue, new_type(self._row)))

    def _rename(self) -> None:
        target = self.target.currentData()
        if self._catalogue is not None and self._row is not None and isinstance(target, str):
            name = self._row.name
            self.edited.emit(with_alias(self._catalogue, target, name))
            self.type_wanted.emit(target)

    def _ignore(self, is_on: bool) -> None:
        if self._is_filling or self._catalogue is None or self._row is None:
            return
        if is_on:
            self.edited.emit(with_ignored(self._catalogue, self._row.name, self.reason.text().strip()))
        else:
            self.edited.emit(without_ignored(self._catalogue, self._row.name))

    def _reason_given(self) -> None:
        row = self._row
        if self._is_filling or self._catalogue is None or row is None or row.ignored is None:
            return
        reason = self.reason.text().strip()
        if reason != (row.ignored.reason or ""):
            self.edited.emit(with_ignored(self._catalogue, row.name, reason))
