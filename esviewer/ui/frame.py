"""The outer window: painted at once, filled when the rest has been imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from esviewer.session import Remembered, recall
from esviewer.ui import theme as themes

if TYPE_CHECKING:
    from esviewer.ui.main_view import MainView


class Frame(QMainWindow):
    """Geometry, theme and title; what is inside is :class:`esviewer.ui.main_view.MainView`."""

    def __init__(self, remembered: Remembered | None = None) -> None:
        super().__init__()
        self.remembered = remembered if remembered is not None else recall()
        themes.begin(_application(), _theme_name(self.remembered.theme))
        self.setWindowTitle("esviewer")
        self.setMinimumSize(QSize(760, 520))
        kept = [self.remembered.window.get(name) for name in ("width", "height")]
        width, height = (side if isinstance(side, int) else 0 for side in kept)
        self.resize(QSize(width, height) if width and height else QSize(1440, 900))
        self.setAcceptDrops(True)
        self.view: MainView | None = None

    def fill(self, addresses: list[str]) -> None:
        """Imports and shows the rest, then opens what was named, else what was open last time."""
        themes.apply(_application(), _theme_name(self.remembered.theme))
        from esviewer.ui.main_view import MainView

        view = MainView(self)
        self.view = view
        self.setCentralWidget(view)
        if addresses:
            for address in addresses:
                view.databases.open(address)
        else:
            view.restoring.restore()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self.view is not None:
            for url in event.mimeData().urls():
                if url.isLocalFile():
                    self.view.databases.open(url.toLocalFile())

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.view is not None:
            self.view.shut_down()
        super().closeEvent(event)


def _application() -> QApplication:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    return application


def _theme_name(name: str) -> themes.Choice:
    return "light" if name == "light" else "dark" if name == "dark" else "system"
