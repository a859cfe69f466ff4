"""The page that stands while nothing is open."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from esviewer.ui import theme
from esviewer.ui.samples import sample_path
from esviewer.ui.welcome import Welcome, describe


@pytest.fixture
def welcome(qtbot: QtBot, qapp: QApplication) -> Welcome:
    theme.apply(qapp, "light")
    page = Welcome()
    qtbot.addWidget(page)
    page.resize(1024, 640)
    with qtbot.waitExposed(page):
        page.show()
    return page


def no_thread_of_it() -> bool:
    return not any("recent" in thread.name for thread in threading.enumerate())


def test_that_an_address_is_described_by_name_and_place_without_its_password(tmp_path: Path) -> None:
    file = describe(f"{tmp_path}/lending.sqlite?store=loans")
    assert (file.name, file.path) == ("lending.sqlite", tmp_path / "lending.sqlite")
    assert file.detail.endswith("store loans")
    server = describe("postgresql://app:geheim@db.example.org:5433/orders?password=geheim&schema=shop")
    assert (server.name, server.detail) == ("orders", "app@db.example.org:5433  ·  schema shop")
    assert "geheim" not in describe("mysql://app:geheim@db/x").name


def test_that_a_file_that_is_gone_is_marked_and_no_thread_stays(qtbot: QtBot, welcome: Welcome, tmp_path: Path) -> None:
    present = tmp_path / "here.sqlite"
    present.touch()
    gone = str(tmp_path / "gone.sqlite")
    welcome.show_recent([str(present), "postgresql://db/orders", gone])
    qtbot.waitUntil(lambda: welcome.recent.missing() == [gone])
    qtbot.waitUntil(no_thread_of_it)


def test_that_everything_can_be_done_with_keys(qtbot: QtBot, welcome: Welcome) -> None:
    addresses = ["postgresql://db/orders", "postgresql://db/clinic"]
    welcome.show_recent(addresses)
    welcome.recent.setFocus()
    QTest.keyClick(welcome.recent, Qt.Key.Key_Down)
    with qtbot.waitSignal(welcome.open_wanted) as opened:
        QTest.keyClick(welcome.recent, Qt.Key.Key_Return)
    assert opened.args == [addresses[1]]
    for expected in reversed(addresses):
        with qtbot.waitSignal(welcome.recent_removed) as removed:
            QTest.keyClick(welcome.recent, Qt.Key.Key_Delete)
        assert removed.args == [expected]
    assert not welcome.recent.isVisible()
    for offer, wanted in ((welcome.open_file, welcome.file_wanted), (welcome.connect_, welcome.connect_wanted)):
        with qtbot.waitSignal(wanted):
            QTest.keyClick(offer, Qt.Key.Key_Return)
    with qtbot.waitSignal(welcome.open_wanted) as sample:
        QTest.keyClick(welcome.open_sample, Qt.Key.Key_Space)
    assert sample.args == [str(sample_path())]


def test_that_copying_a_recent_address_copies_no_password(welcome: Welcome) -> None:
    welcome.show_recent(["postgresql://app:geheim@db/orders"])
    QTest.keyClick(welcome.recent, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "postgresql://app@db/orders"


def test_that_the_column_stands_in_the_middle_and_a_long_list_scrolls_inside_it(qtbot: QtBot, welcome: Welcome) -> None:
    welcome.show_recent([f"postgresql://db/orders_{i}" for i in range(12)])
    qtbot.waitUntil(lambda: welcome.recent.verticalScrollBar().maximum() > 0)
    left = welcome.open_file.mapTo(welcome, welcome.open_file.rect().topLeft()).x()
    right = welcome.width() - left - welcome.open_file.width()
    assert abs(left - right) <= 1
    assert welcome.recent.mapTo(welcome, welcome.recent.rect().bottomLeft()).y() < welcome.height()
