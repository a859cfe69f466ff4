"""Asks for the key of encrypted payloads."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from esviewer.domain import UsageError
from esviewer.stores.keys import parse_key
from esviewer.ui import fonts
from esviewer.ui.brief_jobs import BriefJobs
from esviewer.ui.secret_input import KeepInKeyring, SecretField
from esviewer.ui.widgets import IconLabel, label, set_tone
from esviewer.ui.widgets.format import grouped

_WIDTH: Final = 540
_HINT: Final = "Base64 of 16, 24 or 32 bytes. It stays in memory unless you keep it."


class KeyDialog(QDialog):
    """Says how many of the payloads looked at are unreadable; :meth:`key` and :meth:`keep` after ``accepted``."""

    def __init__(self, undecodable: int, looked_at: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Key of the payloads")
        self._jobs = BriefJobs(self)
        self._key: bytes | None = None
        self.field = SecretField("Key")
        self.field.setPlaceholderText("Key in base64")
        self.field.setFont(fonts.mono(12))
        self.verdict = label(_HINT, "second", fonts.ui(12))
        self.keep_ = KeepInKeyring("Keep it in the system keyring")
        self.use = QPushButton("Use")
        self.use.setProperty("primary", "true")
        self.use.setDefault(True)
        self.use.setEnabled(False)
        self.not_now = QPushButton("Not now")
        self.not_now.setAutoDefault(False)
        self._lay_out(_sentence(undecodable, looked_at))
        self.field.textChanged.connect(self._judge)
        self.use.clicked.connect(self.accept)
        self.not_now.clicked.connect(self.reject)

    def _lay_out(self, sentence: str) -> None:
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(12)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(IconLabel("key-round", "accent", 20), 0, Qt.AlignmentFlag.AlignTop)
        words = label(sentence)
        words.setWordWrap(True)
        head.addWidget(words, 1)
        column.addLayout(head)
        column.addWidget(self.field)
        column.addWidget(self.verdict)
        column.addWidget(self.keep_)
        column.addStretch(1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(self.not_now)
        buttons.addWidget(self.use)
        column.addLayout(buttons)
        self.setFixedWidth(_WIDTH)

    def key(self) -> bytes | None:
        """The key, ``None`` unless one was given with Use."""
        return self._key if self.result() == QDialog.DialogCode.Accepted else None

    def keep(self) -> bool:
        """Whether the key is to be kept in the keyring."""
        return self.key() is not None and self.keep_.is_wanted

    def _judge(self, text: str) -> None:
        self._key = None
        if not text.strip():
            self._say(_HINT, is_wrong=False)
            return
        try:
            self._key = parse_key(text)
        except UsageError as error:
            self._say(str(error), is_wrong=True)
            return
        self._say(f"An AES key of {len(self._key) * 8} bits.", is_wrong=False)
        set_tone(self.verdict, "added")

    def _say(self, sentence: str, *, is_wrong: bool) -> None:
        self.verdict.setText(sentence)
        set_tone(self.verdict, "removed" if is_wrong else "second")
        self.field.setProperty("invalid", "true" if is_wrong else "false")
        self.field.style().polish(self.field)
        self.field.setAccessibleDescription(sentence)
        self.use.setEnabled(self._key is not None)

    def accept(self) -> None:
        if self._key is not None:
            super().accept()

    def done(self, result: int) -> None:
        self._jobs.leave()
        super().done(result)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.keep_.ask(self._jobs)
        self.setMinimumHeight(self._column.totalHeightForWidth(_WIDTH))


def _sentence(undecodable: int, looked_at: int) -> str:
    count = f"{grouped(undecodable)} of {grouped(looked_at)} payloads looked at cannot be decoded."
    return f"{count} If this application encrypts its events (AES), give its key (base64, CIPHER_KEY)."
