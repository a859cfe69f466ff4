"""The list of statements sent to a store."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from esviewer.stores.database import open_database
from esviewer.stores.query_log import QueryLog
from esviewer.ui import theme
from esviewer.ui.query_log_table import Column, took
from esviewer.ui.query_log_view import QueryLogView
from esviewer.ui.samples import sample_path
from esviewer.ui.widgets import ROW_HEIGHT


def add(log: QueryLog, statement: str, error: str | None = None) -> None:
    log.add(statement, (1,), time.perf_counter(), 1, error)


def opened(qtbot: QtBot, qapp: QApplication, log: QueryLog) -> QueryLogView:
    theme.apply(qapp, "light")
    view = QueryLogView(log)
    qtbot.addWidget(view)
    view.resize(800, 400)
    with qtbot.waitExposed(view):
        view.show()
    return view


def statements(view: QueryLogView) -> list[str]:
    return [entry.statement for entry in view.statements.shown]


def test_that_statements_of_other_threads_arrive_in_order_and_in_few_updates(qtbot: QtBot, qapp: QApplication) -> None:
    log = QueryLog()
    view = opened(qtbot, qapp, log)
    updates: list[int] = []
    view.statements.rowsInserted.connect(lambda _parent, first, last: updates.append(last - first + 1))

    def send() -> None:
        for i in range(400):
            add(log, f"SELECT {i}")

    began = time.monotonic()
    workers = [threading.Thread(target=send) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    qtbot.waitUntil(lambda: len(view.statements.shown) == 1_200)
    assert [entry.at for entry in view.statements.shown] == [entry.at for entry in log.entries()]
    assert len(updates) <= (time.monotonic() - began) * 10 + 1


def test_that_what_a_reader_sends_is_shown_with_rows_and_parameters(qtbot: QtBot, qapp: QApplication) -> None:
    path = sample_path()
    assert path is not None
    database = open_database(str(path))
    try:
        view = opened(qtbot, qapp, database.log)
        before = len(view.statements.shown)
        assert before > 0
        reader = database.reader(database.stores[0])
        worker = threading.Thread(target=reader.snapshot_count)
        worker.start()
        worker.join()
        qtbot.waitUntil(lambda: len(view.statements.shown) > before)
        view.table.setCurrentIndex(view.statements.index(len(view.statements.shown) - 1, 0))
        assert "parameters" in view.detail.toPlainText()
        assert view.statements.shown[-1].statement.strip() in view.detail.toPlainText()
        reader.close()
    finally:
        database.close()


def test_that_closing_ends_the_subscription_and_late_statements_do_no_harm(qtbot: QtBot, qapp: QApplication) -> None:
    log = QueryLog()
    view = opened(qtbot, qapp, log)
    view.close()
    assert not view.is_live
    add(log, "SELECT 1")
    assert statements(view) == []
    with qtbot.waitExposed(view):
        view.show()
    assert statements(view) == ["SELECT 1"]
    view.deleteLater()
    with qtbot.waitSignal(view.destroyed):
        pass
    add(log, "SELECT 2")


def test_that_the_newest_is_followed_until_one_scrolls_up(qtbot: QtBot, qapp: QApplication) -> None:
    log = QueryLog(limit=60)
    for i in range(50):
        add(log, f"SELECT {i}")
    view = opened(qtbot, qapp, log)
    bar = view.table.verticalScrollBar()
    qtbot.waitUntil(lambda: 0 < bar.maximum() == bar.value())
    add(log, "SELECT 50")
    qtbot.waitUntil(lambda: len(view.statements.shown) == 51)
    assert bar.value() == bar.maximum()
    view.table.setFocus()
    view.table.setCurrentIndex(view.statements.index(25, 0))
    QTest.keyClick(view.table, Qt.Key.Key_Up)
    bar.setValue(10 * ROW_HEIGHT)
    assert not view.newest.isChecked()
    for i in range(51, 63):
        add(log, f"SELECT {i}")
    qtbot.waitUntil(lambda: statements(view)[-1] == "SELECT 62")
    # Three went at the start, and what was in sight still is.
    assert statements(view)[0] == "SELECT 3"
    assert statements(view)[view.table.rowAt(0)] == "SELECT 10"
    QTest.keyClick(view.table, Qt.Key.Key_End)
    assert view.newest.isChecked()
    assert bar.value() == bar.maximum()


def test_that_the_filter_looks_into_statement_and_error_and_stays_live(qtbot: QtBot, qapp: QApplication) -> None:
    log = QueryLog()
    add(log, "SELECT a\nFROM stored_events")
    add(log, "SELECT b FROM snapshots", "no such table: snapshots")
    view = opened(qtbot, qapp, log)
    view.filter.setText("FROM STORED")
    assert len(view.statements.shown) == 1
    view.filter.setText("no such")
    assert statements(view) == ["SELECT b FROM snapshots"]
    assert "no such table" in str(view.statements.index(0, Column.STATEMENT).data())
    add(log, "SELECT c")
    add(log, "SELECT d", "no such column: d")
    qtbot.waitUntil(lambda: len(view.statements.shown) == 2)
    view.filter.setText("nowhere")
    assert view.empty.isVisible()
    view.empty.button.click()
    assert len(view.statements.shown) == 4


def test_that_an_empty_log_says_what_would_be_here(qtbot: QtBot, qapp: QApplication) -> None:
    view = opened(qtbot, qapp, QueryLog())
    assert view.empty.isVisible()
    assert view.empty.accessibleName().startswith("No statement has been sent yet.")


def test_that_copies_and_exports_hold_whole_statements(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    log = QueryLog()
    add(log, "SELECT a\nFROM stored_events;")
    add(log, "SELECT b", "line one\nline two")
    view = opened(qtbot, qapp, log)
    view.table.selectAll()
    QTest.keyClick(view.table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    view.export(tmp_path / "log.sql")
    script = (tmp_path / "log.sql").read_text("utf-8")
    assert QGuiApplication.clipboard().text() == script
    code = [line for line in script.splitlines() if line and not line.startswith("-- ")]
    assert code == ["SELECT a", "FROM stored_events;", "SELECT b;"]
    assert "-- line two" in script
    view.export(tmp_path / "log.txt")
    assert "parameters (1,)" in (tmp_path / "log.txt").read_text("utf-8")
    view.export(tmp_path / "missing" / "log.sql")
    assert view.banner.sentence.startswith("log.sql could not be written")


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "—"), (0.0004, "0.4 ms"), (0.0383, "38 ms"), (0.9999, "1.00 s"), (61.2, "61.20 s")]
)
def test_that_a_duration_is_told_in_a_fitting_unit(seconds: float | None, text: str) -> None:
    assert took(seconds) == text
