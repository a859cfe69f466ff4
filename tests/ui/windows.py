"""Windows as the program opens them, for tests of what is in them."""

from __future__ import annotations

from collections.abc import Callable

from pytestqt.qtbot import QtBot

from esviewer.ui.main_view import MainView

Window = Callable[..., MainView]
"""Opens a window with addresses; the fixture ``window`` is one."""


def settle(view: MainView, qtbot: QtBot) -> None:
    """Waits until the window has nothing to do."""
    qtbot.waitUntil(lambda: not view.jobs.busy, timeout=30_000)
