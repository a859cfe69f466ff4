"""The top of the window: open, back and forward, the box for everything, theme, menu."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from esviewer.ui import theme as themes
from esviewer.ui.actions import Actions
from esviewer.ui.icons import icon
from esviewer.ui.widgets import IconLabel, label


class TopBar(QFrame):
    """Shrinks with the window: the box gives way first."""

    command_wanted = Signal()

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("bar", "top")
        self._actions = actions
        line = QHBoxLayout(self)
        line.setContentsMargins(12, 6, 12, 6)
        line.setSpacing(4)
        opener = QToolButton()
        opener.setText("Open")
        opener.setIcon(icon("folder-open"))
        opener.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        opener.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        opener.setMenu(actions.open_menu(opener))
        opener.setAccessibleName("Open a store")
        line.addWidget(opener)
        for action in (actions.back, actions.forward):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setToolTip(f"{action.text()} ({action.shortcut().toString()})")
            line.addWidget(button)
        line.addSpacing(8)
        box = CommandBox()
        box.clicked.connect(self.command_wanted)
        line.addStretch(1)
        line.addWidget(box, 6)
        line.addStretch(1)
        line.addSpacing(8)
        live = QToolButton()
        live.setDefaultAction(actions.live)
        live.setText("Live")
        live.setToolTip("Follow new events (Ctrl+R)")
        live.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        line.addWidget(live)
        self._theme = QToolButton()
        self._theme.setAccessibleName("Switch between light and dark")
        self._theme.setToolTip("Switch between light and dark")
        self._theme.clicked.connect(self._switch)
        line.addWidget(self._theme)
        log = QToolButton()
        log.setDefaultAction(actions.log)
        log.setToolTip("Statements sent to the store (Ctrl+L)")
        line.addWidget(log)
        menu = QToolButton()
        menu.setIcon(icon("ellipsis"))
        menu.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu.setMenu(actions.menu(menu))
        menu.setAccessibleName("Menu")
        menu.setToolTip("Menu")
        line.addWidget(menu)
        themes.signals().changed.connect(self._show_theme)
        self._show_theme()

    def _show_theme(self) -> None:
        self._theme.setIcon(icon("sun" if themes.theme().name == "dark" else "moon"))

    def _switch(self) -> None:
        (self._actions.light if themes.theme().name == "dark" else self._actions.dark).trigger()


class CommandBox(QFrame):
    """Looks like a search field and opens the box for everything."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("field", "true")
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName("Go to a stream, event type, position or command")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(120)
        self.setMaximumWidth(520)
        line = QHBoxLayout(self)
        line.setContentsMargins(10, 0, 10, 0)
        line.addWidget(IconLabel("search", "third"))
        text = label("Stream, event type, #position, command", "third")
        text.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        line.addWidget(text, 1)
        line.addWidget(label("Ctrl K", "third"))
        self.setFixedHeight(32)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QEvent) -> None:
        self.update()
