"""The panel with the history: how it is looked at, what is in sight, and the way back."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QMenu, QToolButton, QWidget

from esviewer.ui import fonts
from esviewer.ui.density_view import DensityView
from esviewer.ui.icons import icon
from esviewer.ui.overview_data import AxisName, By
from esviewer.ui.overview_words import events, place_range, range_text
from esviewer.ui.widgets import ElidedLabel, Panel, label
from esviewer.ui.widgets.format import when
from esviewer.ui.zone import zone

_AXES: tuple[tuple[AxisName, str, str], ...] = (
    ("time", "Time", "Events where they stand in time"),
    ("position", "Position", "Events in the order of the store, evenly spaced"),
)
_BY: tuple[tuple[By, str, str], ...] = (
    ("type", "Event types", "A lane for each event type"),
    ("category", "Categories", "A lane for each category of streams"),
)


class History(Panel):
    """The density view with its switches, and a line that says what is in sight."""

    axis_wanted = Signal(str)
    by_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("History", "activity", parent)
        self.density = DensityView()
        self.axis_buttons: dict[str, QToolButton] = {}
        self.by_buttons: dict[str, QToolButton] = {}
        self.add_to_header(self._switch("Axis", _AXES, self.axis_buttons, self.axis_wanted.emit))
        self.add_to_header(self._switch("Lanes", _BY, self.by_buttons, self.by_wanted.emit))
        self.back_button = self._button("arrow-left", "Back to what was in sight before (Backspace)", self.density.back)
        self.whole_button = self._button("maximize", "Show everything (Home)", self.density.everything)
        self.zoom_out_button = self._button("zoom-out", "Zoom out (-)", lambda: self.density.zoom(1 / 1.5))
        self.zoom_in_button = self._button("zoom-in", "Zoom in (+)", lambda: self.density.zoom(1.5))
        self.crumb = ElidedLabel(tone="second")
        self.note = label(tone="changed", font=fonts.ui(12))
        line = QHBoxLayout()
        line.setContentsMargins(12, 0, 14, 4)
        line.setSpacing(2)
        for button in (self.back_button, self.whole_button, self.zoom_out_button, self.zoom_in_button):
            line.addWidget(button)
        line.addSpacing(6)
        line.addWidget(self.crumb, 1)
        line.addWidget(self.note)
        self.body.addLayout(line)
        self.body.addWidget(self.density)
        self.density.sight_changed.connect(self.show_sight)
        self.density.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.density.customContextMenuRequested.connect(self._show_menu)

    def _switch(
        self,
        name: str,
        options: tuple[tuple[str, str, str], ...],
        kept: dict[str, QToolButton],
        chosen: Callable[[str], object],
    ) -> QWidget:
        box = QWidget()
        box.setAccessibleName(name)
        line = QHBoxLayout(box)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(0)
        group = QButtonGroup(box)
        for value, text, about in options:
            button = kept[value] = QToolButton()
            button.setText(text)
            button.setToolTip(about)
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, own=value: chosen(own))
            group.addButton(button)
            line.addWidget(button)
        return box

    def _button(self, symbol: str, text: str, action: Callable[[], object]) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(symbol))
        button.setToolTip(text)
        button.setAccessibleName(text.split(" (")[0])
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(icon("copy"), "Copy the numbers in sight", self.copy)
        menu.addSeparator()
        for button in (self.back_button, self.whole_button, self.zoom_in_button, self.zoom_out_button):
            action = menu.addAction(button.icon(), button.accessibleName(), button.click)
            action.setEnabled(button.isEnabled())
        menu.popup(self.density.mapToGlobal(place))

    def copy(self) -> None:
        """Puts what is in sight on the clipboard: the range, then each lane with its events, separated by tabs."""
        frame = self.density.frame
        if frame is None:
            return
        lines = [self.crumb.text()]
        lines += [f"{look.about}\t{count}" for look, count in zip(frame.looks, frame.in_lanes.tolist(), strict=True)]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def show_choices(self, axis: AxisName, by: By) -> None:
        """Marks what is shown in the switches."""
        self.axis_buttons[axis].setChecked(True)
        self.by_buttons[by].setChecked(True)

    def set_remark(self, remark: str) -> None:
        """A few words on what is not shown; none hides them."""
        self.note.setText(remark)
        self.note.setVisible(bool(remark))

    def show_sight(self) -> None:
        """Says what is in sight, and whether there is a way back."""
        frame = self.density.frame
        for button in (self.whole_button, self.zoom_out_button):
            button.setEnabled(frame is not None and not frame.sight.is_whole)
        self.zoom_in_button.setEnabled(frame is not None)
        self.back_button.setEnabled(frame is not None and bool(frame.sight.behind))
        if frame is None:
            self.crumb.setText("")
            return
        sight, picture = frame.sight, frame.picture
        values = picture.ordered.values
        if picture.axis == "time" and sight.is_whole and values[0] == values[-1]:
            shown = when(int(values[0]), zone())
        elif picture.axis == "time":
            shown = range_text(sight.start, sight.end, zone())
        else:
            shown = place_range(sight.start, sight.end, has_positions=picture.has_positions)
        self.crumb.setText(f"{'everything: ' if sight.is_whole else ''}{shown}, {events(frame.count)}")
        self.density.setAccessibleDescription(self.crumb.text())
