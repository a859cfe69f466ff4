"""The list of keys that ``?`` shows."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from esviewer.ui import fonts
from esviewer.ui.widgets import label

# Keys that belong to a part of the window and are no action of the menu.
_OF_PARTS = (
    ("Playhead", "One event back or forward", "Left, Right"),
    ("Playhead", "First or last event", "Home, End"),
    ("Playhead", "Play, pause", "Space"),
    ("Timeline", "Zoom and pan", "W A S D, wheel, pinch"),
    ("Timeline", "All in sight, or the playhead near", "F"),
    ("Timeline", "Open or fold the gap at the playhead", "Shift+G"),
    ("Timeline", "Compare with another version", "Shift+click, Esc"),
    ("Overview", "Zoom and pan", "W A S D, Ctrl+wheel, Shift+drag"),
    ("Overview", "Back to what was in sight, everything", "Backspace, Home"),
    ("Overview", "Next or previous event, open its stream", ". , Enter"),
    ("All events", "Open the stream at the event", "Enter"),
    ("All events", "Go to a position or date", "type a digit"),
    ("All events", "Select all, a range, one more", "Ctrl+A, Shift+arrows, Ctrl+Space"),
    ("All events", "Copy the selected rows", "Ctrl+C"),
    ("Filter", "To its parts", "Left at the start of the line"),
    ("Filter", "Take a part away, make it the opposite, edit it", "Del, -, Enter"),
    ("Trees", "Fold, unfold", "Left, Right"),
    ("Trees", "Go to the event that set a field", "Enter"),
)


def show_shortcuts(actions: list[tuple[str, str, str]], parent: QWidget) -> None:
    """Opens the list of all keys."""
    dialog = QDialog(parent)
    dialog.setWindowTitle("Keyboard shortcuts")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    page = QWidget()
    grid = QGridLayout(page)
    grid.setHorizontalSpacing(28)
    grid.setVerticalSpacing(5)
    row, before = 0, ""
    for group, text, keys in (*_OF_PARTS, *actions):
        if group != before:
            head = label(group)
            head.setFont(fonts.ui(13, 600))
            head.setContentsMargins(0, 8, 0, 0)
            grid.addWidget(head, row, 0, 1, 2)
            row, before = row + 1, group
        shown = label(keys)
        shown.setFont(fonts.mono(12))
        shown.setProperty("tone", "second")
        grid.addWidget(label(text), row, 0)
        grid.addWidget(shown, row, 1)
        row += 1
    scroll = QScrollArea()
    scroll.setWidget(page)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    QVBoxLayout(dialog).addWidget(scroll)
    dialog.resize(460, 600)
    dialog.open()
