"""Starts the window: a first paint with QtWidgets alone, everything else after it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

HEADLESS = "Without one, these work: esviewer info STORE, streams STORE, events STORE, state STORE STREAM."


def run_window(arguments: list[str]) -> int:
    """Opens the window with the stores named; returns the exit status. Says so where there is no display."""
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    unknown = [argument for argument in arguments if argument.startswith("-")]
    if unknown:
        print(f"esviewer: {unknown[0]} is no option of the window; see esviewer --help.", file=sys.stderr)
        return 2
    if not _has_display():
        print(f"esviewer: there is no display for the window. {HEADLESS}", file=sys.stderr)
        return 2
    try:
        from PySide6.QtWidgets import QApplication
    except ImportError as error:
        print(f"esviewer: Qt cannot be loaded ({error}); `esviewer doctor` says what is missing.", file=sys.stderr)
        return 2
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    return _run(application, addresses)


def _run(application: QApplication, addresses: list[str]) -> int:
    from PySide6.QtCore import QTimer

    from esviewer.ui import quick_imports

    quick_imports.begin()
    from esviewer.ui.frame import Frame

    application.setApplicationName("esviewer")
    application.setDesktopFileName("esviewer")
    frame = Frame()
    frame.show()
    # The rest is imported after the first paint, which needs QtWidgets alone (performance.md, G).
    QTimer.singleShot(0, lambda: frame.fill(addresses))
    return int(application.exec())


def _has_display() -> bool:
    if os.environ.get("QT_QPA_PLATFORM") or not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
