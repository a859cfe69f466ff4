"""The small parts of the window, and how numbers and times are written in them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox, QTableWidget, QWidget
from pytestqt.qtbot import QtBot

from esviewer.ui import theme
from esviewer.ui.widgets import (
    ROW_HEIGHT,
    Badge,
    Banner,
    BusyBar,
    ElidedLabel,
    EmptyState,
    Panel,
    RowDelegate,
    SearchField,
    inset,
    label,
    tooltip,
)
from esviewer.ui.widgets.format import ago, grouped, rate, short_id, size, when, when_exact

HOSTILE = '<img src="file:///etc/passwd"><b>bold</b> &amp; "quoted"\n  second line'
MARCH = 1_709_638_282_000_417  # 2024-03-05 11:31:22.000417 UTC


@pytest.fixture(autouse=True)
def _light(qapp: QApplication) -> None:
    theme.apply(qapp, "light")


def shown(qtbot: QtBot, widget: QWidget, width: int = 400) -> QWidget:
    qtbot.addWidget(widget)
    widget.resize(width, widget.sizeHint().height())
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


@given(st.text())
def test_that_a_tooltip_shows_any_text_letter_by_letter(text: str) -> None:
    # What no document can hold is left out: controls, lone surrogates and the separators it takes for its own.
    text = "".join(letter for letter in text if letter.isprintable())
    document = QTextDocument()
    document.setHtml(tooltip(text))
    assert document.toPlainText() == text


def test_that_html_from_a_store_is_never_rendered() -> None:
    document = QTextDocument()
    document.setHtml(tooltip(HOSTILE))
    assert document.toPlainText() == HOSTILE
    assert label(HOSTILE).textFormat() is Qt.TextFormat.PlainText
    assert ElidedLabel(HOSTILE).textFormat() is Qt.TextFormat.PlainText


def test_that_every_label_inside_the_parts_is_plain_text(qtbot: QtBot) -> None:
    banner = Banner()
    for part in (Panel(HOSTILE, "box"), EmptyState("box", HOSTILE, "Open"), banner, BusyBar(HOSTILE)):
        qtbot.addWidget(part)
        labels = part.findChildren(QLabel)
        assert labels
        assert {each.textFormat() for each in labels} == {Qt.TextFormat.PlainText}


def test_that_an_elided_label_keeps_both_ends_and_copies_the_whole(qtbot: QtBot) -> None:
    whole = "0e9f6b1c-7f3c-9d4e-a1b2-00000000beef"
    short = ElidedLabel(whole)
    shown(qtbot, short, 120)
    assert len(short.shown()) < len(whole)
    assert (short.shown()[:2], short.shown()[-2:]) == ("0e", "ef")
    assert whole in short.toolTip()
    short.copy()
    assert QGuiApplication.clipboard().text() == whole


def test_that_an_elided_label_does_not_hold_a_window_wide(qtbot: QtBot) -> None:
    wide = ElidedLabel("x" * 500)
    qtbot.addWidget(wide)
    assert wide.minimumSizeHint().width() < 60


def test_that_a_badge_groups_its_number_and_says_it(qtbot: QtBot) -> None:
    badge = Badge(8120)
    qtbot.addWidget(badge)
    narrow = badge.sizeHint().width()
    assert badge.accessibleName() == badge.text == "8\u202f120"
    badge.set_content(12_345_678)
    assert badge.sizeHint().width() > narrow


def test_that_escape_clears_a_search_and_then_is_for_others(qtbot: QtBot) -> None:
    field = SearchField("Filter streams", "Ctrl+K")
    shown(qtbot, field)
    assert field.hint_rect() is not None
    field.setText("loan")
    assert field.hint_rect() is None
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert field.text() == ""


def test_that_the_hint_gives_way_in_a_narrow_search_field(qtbot: QtBot) -> None:
    field = SearchField("Search events, streams and everything else", "Ctrl+K")
    shown(qtbot, field, 150)
    assert field.hint_rect() is None


def test_that_the_clear_button_is_away_while_there_is_nothing_to_clear(qtbot: QtBot) -> None:
    field = SearchField("Filter")
    shown(qtbot, field)
    buttons = [child for child in field.findChildren(QWidget) if child.x() > field.width() / 2]
    assert [button.isVisible() for button in buttons] == [False]
    field.setText("x")
    assert [button.isVisible() for button in buttons] == [True]


def test_that_a_banner_copies_its_sentence_and_details(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    assert banner.isHidden()
    banner.tell("error", "The store is locked.", "OperationalError: database is locked")
    assert not banner.isHidden()
    assert banner.action.isHidden()
    assert banner.accessibleName() == "Error: The store is locked."
    banner.copy_details()
    assert QGuiApplication.clipboard().text() == "The store is locked.\n\nOperationalError: database is locked"
    with qtbot.waitSignal(banner.closed):
        banner.dismiss()
    assert banner.isHidden()


def test_that_a_banner_without_details_offers_none_to_copy(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.tell("info", "New events have arrived.", action="Show them")
    assert banner.copy.isHidden()
    with qtbot.waitSignal(banner.acted):
        banner.action.click()


def test_that_an_empty_view_offers_its_one_thing(qtbot: QtBot) -> None:
    empty = EmptyState("activity", "Marks of the stream would be here.", "Open the sample")
    qtbot.addWidget(empty)
    with qtbot.waitSignal(empty.offered):
        empty.button.click()
    empty.set_sentence("Nothing matches.")
    assert empty.button.isHidden()


def test_that_a_busy_bar_counts_beyond_32_bits(qtbot: QtBot) -> None:
    bar = BusyBar("Indexing")
    qtbot.addWidget(bar)
    assert bar.progress.maximum() == 0
    bar.advance(2**40, 2**41, 1.0)
    assert bar.progress.value() / bar.progress.maximum() == 0.5
    bar.advance(2_500, None, 2.0)
    assert bar.progress.maximum() == 0
    assert bar.figures == "2\u202f500 · 1\u202f250/s"
    with qtbot.waitSignal(bar.cancelled):
        bar.cancel.click()


def test_that_a_panel_carries_its_title_as_accessible_name(qtbot: QtBot) -> None:
    panel = Panel("Timeline", "activity")
    qtbot.addWidget(panel)
    panel.set_title("Loan 7f3c")
    assert panel.accessibleName() == panel.title == "Loan 7f3c"


def test_that_rows_have_their_height_with_a_delegate(qtbot: QtBot) -> None:
    table = QTableWidget(1, 1)
    table.setShowGrid(False)
    table.setItemDelegate(RowDelegate(table))
    shown(qtbot, table)
    table.resizeRowsToContents()
    assert table.rowHeight(0) == ROW_HEIGHT


def test_that_the_number_in_a_spin_box_stands_off_its_border(qtbot: QtBot) -> None:
    box = QSpinBox()
    inset(box)
    shown(qtbot, box)
    line = box.lineEdit()
    assert line.x() + line.textMargins().left() >= 6


@given(st.integers())
def test_that_grouping_changes_no_digit(n: int) -> None:
    assert int(grouped(n).replace("\u202f", "")) == n


@given(st.text(), st.integers(min_value=3, max_value=40))
def test_that_a_short_id_keeps_its_ends_within_its_width(text: str, width: int) -> None:
    short = short_id(text, width)
    assert len(short) == min(len(text), width)
    if len(text) > width:
        head, tail = short[:1], short.rpartition("…")[2]
        assert text.startswith(head)
        assert text.endswith(tail)
    else:
        assert short == text


def test_how_ids_numbers_and_times_are_written() -> None:
    assert grouped(20134) == "20\u202f134"
    assert short_id("7f3c9d4e-1111-2222-3333-00000000a1b2") == "7f3c9d4e…a1b2"
    assert when(MARCH, UTC) == "2024-03-05 11:31:22"
    assert when(MARCH, timezone(timedelta(hours=1))) == "2024-03-05 12:31:22"
    assert when_exact(MARCH, timezone(timedelta(hours=-5))) == "2024-03-05 06:31:22.000417 -05:00"
    assert [size(n) for n in (0, 999, 1_400, 99_960, 1_400_000)] == ["0 B", "999 B", "1.4 kB", "100 kB", "1.4 MB"]
    assert [rate(*each) for each in ((0, 1.0), (2, 5.0), (12, 1.0), (184_000, 1.0))] == [
        "0/s", "0.4/s", "12/s", "184 k/s",
    ]  # fmt: skip


def test_that_an_absent_time_is_shown_as_absent() -> None:
    assert {when(None, UTC), when_exact(None, UTC), ago(None, MARCH)} == {"—"}


def test_that_a_time_beyond_the_calendar_is_shown_and_not_raised() -> None:
    assert when(10**18, UTC) == "1\u202f000\u202f000\u202f000\u202f000\u202f000\u202f000 µs"
    assert when(-62_135_596_800_000_000, timezone(timedelta(hours=-5))).endswith("µs")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "now"), (1, "1 second ago"), (7_300, "2 hours ago"), (86_400 * 400, "1 year ago"), (-172_800, "in 2 days")],
)
def test_that_an_age_is_told_in_its_largest_unit(seconds: int, words: str) -> None:
    assert ago(MARCH - seconds * 1_000_000, MARCH) == words
