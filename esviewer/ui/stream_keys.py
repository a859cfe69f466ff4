"""Keys that move the playhead, wherever in the window the keyboard is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from esviewer.session import StreamSession

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


def move_by_key(view: MainView, stream: StreamSession, event: QKeyEvent) -> bool:
    """Does what a key means for a stream that is open; false where it means nothing."""
    key, tab = event.key(), view.current_tab
    if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
        step = 1 if key == Qt.Key.Key_Right else -1
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            stream.step_to_change(step)
        else:
            stream.move(stream.playhead + step)
    elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
        stream.move(0 if key == Qt.Key.Key_Home else len(stream.events) - 1)
    elif key == Qt.Key.Key_Escape:
        stream.set_mark(None)
    elif key == Qt.Key.Key_Space:
        view.transport.toggle_play()
    elif tab is not None and key in (Qt.Key.Key_V, Qt.Key.Key_T):
        tab.set_axis("version" if key == Qt.Key.Key_V else "time")
    elif key == Qt.Key.Key_R:
        view.folding.switch_stored()
    else:
        return tab is not None and tab.timeline.act_on_key(event)
    return True
