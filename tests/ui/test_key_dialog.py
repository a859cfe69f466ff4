"""Asking for the key of encrypted payloads."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import keyring
import keyring.backends.null
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from esviewer.ui import theme
from esviewer.ui.key_dialog import KeyDialog

KEY = b"0123456789abcdef"


class WorkingKeyring(keyring.backends.null.Keyring):
    """A keyring that says that it works."""

    priority = 1.0


@pytest.fixture
def working_keyring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(WorkingKeyring())  # type: ignore[no-untyped-call]
    yield
    keyring.set_keyring(before)


def opened(qtbot: QtBot, qapp: QApplication) -> KeyDialog:
    theme.apply(qapp, "light")
    dialog = KeyDialog(12, 1_200)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.open()
    return dialog


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("not base64!", "The payload key is not base64."),
        ("YWJj", "The payload key has 3 bytes; AES keys have 16, 24 or 32."),
        (base64.b64encode(KEY).decode(), "An AES key of 128 bits."),
        (f"  {base64.b64encode(KEY * 2).decode()}\t", "An AES key of 256 bits."),
    ],
)
def test_that_a_key_is_judged_as_it_is_typed(qtbot: QtBot, qapp: QApplication, text: str, sentence: str) -> None:
    dialog = opened(qtbot, qapp)
    dialog.field.setText(text)
    assert dialog.verdict.text() == sentence
    assert dialog.use.isEnabled() == sentence.startswith("An AES")
    dialog.reject()
    assert dialog.key() is None


def test_that_enter_uses_a_right_key_and_does_nothing_with_a_wrong_one(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = opened(qtbot, qapp)
    dialog.field.setText("YWJj")
    QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    dialog.field.setText(base64.b64encode(KEY).decode())
    with qtbot.waitSignal(dialog.accepted):
        QTest.keyClick(dialog.field, Qt.Key.Key_Return)
    assert (dialog.key(), dialog.keep()) == (KEY, False)


def test_that_escape_gives_no_key(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = opened(qtbot, qapp)
    dialog.field.setText(base64.b64encode(KEY).decode())
    with qtbot.waitSignal(dialog.rejected):
        QTest.keyClick(dialog.field, Qt.Key.Key_Escape)
    assert dialog.key() is None


def test_that_the_key_is_dots_until_the_eye_shows_it(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = opened(qtbot, qapp)
    assert dialog.field.echoMode() is QLineEdit.EchoMode.Password
    dialog.field.setFocus()
    QTest.keyClick(dialog.field, Qt.Key.Key_E, Qt.KeyboardModifier.AltModifier)
    assert dialog.field.echoMode() is QLineEdit.EchoMode.Normal
    dialog.reject()


def test_that_keeping_is_not_offered_without_a_keyring(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = opened(qtbot, qapp)
    qtbot.waitUntil(lambda: "none works here" in dialog.keep_.text())
    assert not dialog.keep_.isEnabled()
    assert dialog.keep_.accessibleDescription().startswith("This machine has no keyring")
    dialog.reject()


@pytest.mark.usefixtures("working_keyring")
def test_that_keeping_is_off_until_it_is_ticked(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = opened(qtbot, qapp)
    qtbot.waitUntil(dialog.keep_.isEnabled)
    assert not dialog.keep_.isChecked()
    dialog.keep_.click()
    dialog.field.setText(base64.b64encode(KEY).decode())
    dialog.use.click()
    assert dialog.keep()


def test_that_the_dialog_says_how_many_payloads_are_unreadable(qtbot: QtBot, qapp: QApplication) -> None:
    dialog = opened(qtbot, qapp)
    words = " ".join(each.text() for each in dialog.findChildren(QLabel))
    assert "12 of 1\u202f200 payloads" in words
    dialog.reject()
