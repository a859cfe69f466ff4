"""What dialogs that ask for a secret are made of: a field that hides it, and the offer to keep it."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from esviewer.stores.keys import has_keyring
from esviewer.ui import icons
from esviewer.ui.brief_jobs import BriefJobs
from esviewer.ui.jobs import Control

_SHOW_KEYS: Final = "Alt+E"
_NO_KEYRING: Final = "This machine has no keyring that works, so nothing can be kept."


class SecretField(QLineEdit):
    """A line whose text is dots, until the eye at its right (or Alt+E) shows it."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self._name = name.lower()
        self.eye = QAction(self)
        # The button in the line cannot be reached with Tab.
        self.eye.setShortcut(QKeySequence(_SHOW_KEYS))
        self.eye.triggered.connect(self._toggle)
        self.addAction(self.eye, QLineEdit.ActionPosition.TrailingPosition)
        self._show_eye()

    @property
    def is_hidden(self) -> bool:
        return self.echoMode() is QLineEdit.EchoMode.Password

    def _toggle(self) -> None:
        self.setEchoMode(QLineEdit.EchoMode.Normal if self.is_hidden else QLineEdit.EchoMode.Password)
        self._show_eye()

    def _show_eye(self) -> None:
        verb = "Show" if self.is_hidden else "Hide"
        self.eye.setIcon(icons.icon("eye" if self.is_hidden else "eye-off"))
        self.eye.setText(f"{verb} the {self._name}")
        self.eye.setToolTip(f"{verb} the {self._name} ({QKeySequence(_SHOW_KEYS).toString()})")


class KeepInKeyring(QCheckBox):
    """The offer to keep a secret: off at first, and to be ticked once this machine is known to have a keyring."""

    def __init__(self, offer: str, parent: QWidget | None = None) -> None:
        super().__init__(offer, parent)
        self._offer = offer
        self.setAccessibleName(offer)
        self.setEnabled(False)

    @property
    def is_wanted(self) -> bool:
        return self.isEnabled() and self.isChecked()

    def ask(self, jobs: BriefJobs) -> None:
        """Finds out, off the UI thread, whether there is a keyring: the system's service may be slow to answer."""
        jobs.run("keyring", _has_keyring, self._answered, lambda _error: self._answered(False))

    def _answered(self, has_one: bool) -> None:
        self.setEnabled(has_one)
        self.setText(self._offer if has_one else f"{self._offer} (none works here)")
        self.setToolTip("" if has_one else _NO_KEYRING)
        self.setAccessibleDescription(self.toolTip())


def _has_keyring(_control: Control) -> bool:
    return has_keyring()
