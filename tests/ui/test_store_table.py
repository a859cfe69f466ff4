"""The table of all events: of a real store, and of one of 20 million rows that exists only as an index."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from esviewer.domain import ConnectionLost
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.stores.index import DELETED, NONE, UNDECODABLE, Index
from esviewer.stores.reader import Reader
from esviewer.ui.colours import TypeColours
from esviewer.ui.frame import Frame
from esviewer.ui.jobs import Jobs
from esviewer.ui.main_view import MainView
from esviewer.ui.row_pages import KEPT
from esviewer.ui.row_ranges import RowRanges
from esviewer.ui.samples import sample_path
from esviewer.ui.store_table import StoreTableTab
from esviewer.ui.store_table_columns import Column
from esviewer.ui.store_table_menu import menu_of
from esviewer.ui.store_table_rows import Sort, Standing, TableRows, _name_ranks, arrange, stable_order
from esviewer.ui.store_table_words import Target, land, target_of
from esviewer.ui.widgets import ROW_HEIGHT
from tests.benchmarks.synthetic import index_of, store_of

MANY = 20_000_000
NOWHERE = Standing(RowRanges.none(), None, 0)
Make = Callable[[StoreSession], StoreTableTab]


@pytest.fixture(scope="module")
def many() -> Index:
    """20 million rows: 620 MB."""
    return index_of(MANY)


@pytest.fixture
def make(qtbot: QtBot) -> Iterator[Make]:
    """Shows the table of a store, in its size in a window of 1440 x 900."""
    made: list[StoreTableTab] = []
    jobs = Jobs()

    def show(store: StoreSession) -> StoreTableTab:
        tab = StoreTableTab(store, jobs, TypeColours(store.index.types))
        qtbot.addWidget(tab)
        tab.resize(1080, 760)
        tab.show()
        tab.view.setFocus()
        made.append(tab)
        return tab

    yield show
    for tab in made:
        tab.stop()
    jobs.close()


@pytest.fixture
def tab(make: Make, qtbot: QtBot) -> StoreTableTab:
    """A table of 5 000 rows with its first payloads."""
    tab = make(store_of(index_of(5_000, streams=40)))
    settled(tab, qtbot)
    return tab


def settled(tab: StoreTableTab, qtbot: QtBot) -> None:
    tab.view.grab()
    qtbot.waitUntil(lambda: not tab._jobs.busy, timeout=30_000)


def shown_rows(tab: StoreTableTab) -> list[int]:
    first, end = tab.view.places_in_sight()
    return tab.view.table.at(first, end).tolist()


# Selections


@given(st.lists(st.tuples(st.sampled_from(["with", "without", "toggle"]), st.integers(0, 30), st.integers(0, 30))))
def test_that_ranges_hold_what_a_set_of_rows_would(steps: list[tuple[str, int, int]]) -> None:
    ranges, rows = RowRanges.none(), set[int]()
    for how, start, end in steps:
        if how == "with":
            ranges, rows = ranges.with_rows(start, end), rows | set(range(start, end))
        elif how == "without":
            ranges, rows = ranges.without_rows(start, end), rows - set(range(start, end))
        else:
            ranges, rows = ranges.toggled(start), rows ^ {start}
        assert ranges.rows().tolist() == sorted(rows)
        assert ranges.count == len(rows)
        assert [row in ranges for row in range(31)] == [row in rows for row in range(31)]
        assert (ranges.starts < ranges.ends).all() and (ranges.ends[:-1] < ranges.starts[1:]).all()
        assert RowRanges.of(ranges.rows()).starts.tolist() == ranges.starts.tolist()
        assert [row for page in ranges.pages(4) for row in page.tolist()] == sorted(rows)


# Orders


@given(st.lists(st.integers(0, 3) | st.integers(0, 2**32 - 1), max_size=40) | st.lists(st.integers(0, 2**64 - 1)))
def test_that_an_order_sorts_and_leaves_equal_ones_as_they_stood(values: list[int]) -> None:
    order = stable_order(np.array(values, np.uint64)).tolist()
    assert order == sorted(range(len(values)), key=values.__getitem__)


@given(
    st.lists(
        st.text(max_size=5) | st.sampled_from(["a" * 90, "a" * 90 + "b", "é", "\U0001f600", "\uffff"]), max_size=30
    )
)
def test_that_names_are_ranked_by_their_letters_whatever_their_length(names: list[str]) -> None:
    names = [name.replace("\0", "") for name in names]
    distinct = sorted(set(names))
    assert _name_ranks(names, lambda: None).tolist() == [distinct.index(name) for name in names]


@pytest.mark.parametrize("is_descending", [False, True])
@pytest.mark.parametrize(
    "column", [Column.POSITION, Column.TIME, Column.TYPE, Column.STREAM, Column.VERSION, Column.SIZE]
)
def test_that_rows_are_sorted_stably_with_the_absent_last(column: Column, is_descending: bool) -> None:
    index = index_of(400, streams=9, types=5)
    index.column("time")[50:60] = NONE
    index.column("version")[10:20] = np.iinfo(np.int32).min
    index.column("stream")[30:35] = -1
    index.column("type")[70:75] = -1
    chosen = np.arange(5, 400, 3, dtype=np.int64)
    table = arrange(TableRows(index, 400), chosen, Sort(column, is_descending), NOWHERE).table
    name = {Column.STREAM: "stream", Column.TYPE: "type"}.get(column, column.name.lower())
    cells = index.column(name).tolist()
    names = {Column.STREAM: index.streams, Column.TYPE: index.types}.get(column)
    absent = [row for row in chosen.tolist() if cells[row] in (NONE, -1, np.iinfo(np.int32).min)]
    present = [row for row in chosen.tolist() if row not in absent]
    present.sort(key=lambda row: names[cells[row]] if names else cells[row], reverse=is_descending)
    assert table.at(0, table.count).tolist() == present + absent


def test_that_sorting_keeps_selection_and_current_row_and_the_third_click_gives_store_order_back(
    tab: StoreTableTab, qtbot: QtBot
) -> None:
    view = tab.view
    view.go(100)
    view.go(103, extend=True)
    header, x = view.header, view.header.sectionViewportPosition(Column.SIZE) + 20
    orders = []
    for _ in range(3):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 12))
        settled(tab, qtbot)
        rows = view.table.at(0, view.table.count)
        orders.append(view.table.index.column("size")[rows].tolist())
        assert sorted(rows[view.selected.rows()].tolist()) == [100, 101, 102, 103]
        assert view.current is not None and view.row_at(view.current) == 103
    assert orders[0] == sorted(orders[0])
    assert orders[1] == sorted(orders[0], reverse=True)
    assert view.table.order is None and header.sort is None
    assert 103 in shown_rows(tab)


def test_that_what_is_selected_while_rows_are_sorted_is_selected_in_the_new_order(
    make: Make, many: Index, qtbot: QtBot
) -> None:
    tab = make(store_of(many))
    tab.sort_by(Sort(Column.SIZE, True))
    tab.view.go(70_000)
    tab.view.toggle(80_000)
    qtbot.waitUntil(lambda: tab.view.table.order is not None, timeout=60_000)
    assert tab.view.current is not None and tab.view.row_at(tab.view.current) == 80_000
    assert sorted(tab.view.table.among(tab.view.selected.rows()).tolist()) == [70_000, 80_000]


def test_that_what_is_added_while_sorted_stands_at_the_end_until_sorted_again(make: Make, qtbot: QtBot) -> None:
    index = index_of(1_000)
    index.length, index.complete = 600, False
    tab = make(store_of(index))
    tab.sort_by(Sort(Column.SIZE))
    settled(tab, qtbot)
    tab.view.scroll_to_offset(40 * ROW_HEIGHT + 7)
    before = shown_rows(tab)
    index.length, index.complete = 1_000, True
    tab.refresh()
    assert shown_rows(tab) == before
    assert tab.view.table.at(600, 1_000).tolist() == list(range(600, 1_000))
    assert tab.again.isVisible() and "400 newer at the end" in tab.panel._note.text()
    tab.again.click()
    settled(tab, qtbot)
    sizes = index.column("size")[tab.view.table.at(0, 1_000)].tolist()
    assert sizes == sorted(sizes) and not tab.again.isVisible()


def test_that_a_filter_keeps_the_row_one_looks_at(tab: StoreTableTab, qtbot: QtBot) -> None:
    tab.view.go(2_000)
    tab.view.scroll_to_offset(1_990 * ROW_HEIGHT)
    tab.set_rows(np.arange(0, 5_000, 10, dtype=np.int64))
    settled(tab, qtbot)
    assert tab.view.current == 200 and shown_rows(tab)[:2] == [1_990, 2_000]
    assert "500 of 5\u202f000 events" in tab.panel._note.text()
    tab.set_rows(np.zeros(0, np.int64))
    settled(tab, qtbot)
    assert tab._empty.isVisible() and tab._empty.accessibleName().startswith("No event passes the filter")
    tab.set_rows(None)
    settled(tab, qtbot)
    assert tab.view.isVisible() and tab.view.table.count == 5_000


# Keys and the mouse


def test_that_keys_move_and_extend_as_in_any_list(tab: StoreTableTab, qtbot: QtBot) -> None:
    view, key, none = tab.view, Qt.Key, Qt.KeyboardModifier.NoModifier
    shift, ctrl = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
    for pressed, modifiers, current, selected in (
        (key.Key_Down, none, 0, 1),
        (key.Key_Down, none, 1, 1),
        (key.Key_Down, shift, 2, 2),
        (key.Key_PageDown, shift, 2 + view.whole_rows - 1, view.whole_rows + 1),
        (key.Key_End, none, 4_999, 1),
        (key.Key_Home, ctrl, 0, 1),
        (key.Key_Down, ctrl, 1, 1),
        (key.Key_Space, ctrl, 1, 2),
        (key.Key_End, shift, 4_999, 4_999),
        (key.Key_A, ctrl, 4_999, 5_000),
        (key.Key_Escape, none, 4_999, 1),
    ):
        qtbot.keyClick(view, pressed, modifiers)
        assert (view.current, view.selected.count) == (current, selected), (pressed, modifiers)
        assert view.current in range(*view.places_in_sight())


def test_that_clicks_with_shift_and_ctrl_make_ranges_and_take_rows_out(tab: StoreTableTab, qtbot: QtBot) -> None:
    view = tab.view

    def click(place: int, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        at = QPoint(200, place * ROW_HEIGHT + 5)
        qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, modifiers, at)

    click(3)
    click(7, Qt.KeyboardModifier.ShiftModifier)
    click(5, Qt.KeyboardModifier.ControlModifier)
    assert view.selected.rows().tolist() == [3, 4, 6, 7]
    click(12, Qt.KeyboardModifier.ControlModifier)
    assert view.selected.rows().tolist() == [3, 4, 6, 7, 12]


def test_that_enter_leads_to_the_stream_at_that_event(tab: StoreTableTab, qtbot: QtBot) -> None:
    tab.view.go(17)
    with qtbot.waitSignal(tab.event_wanted) as wanted:
        qtbot.keyClick(tab.view, Qt.Key.Key_Return)
    assert wanted.args[0].data == {"row": 17, "note": "as made up"}


def test_that_a_digit_typed_begins_a_jump_and_escape_goes_back(tab: StoreTableTab, qtbot: QtBot) -> None:
    tab.view.go(8)
    qtbot.keyClick(tab.view, Qt.Key.Key_3)
    assert tab.jump.text() == "3"
    tab.jump.setText("")
    qtbot.keyClicks(tab.jump, "3300")
    settled(tab, qtbot)
    position = tab.store.index.column("position")[tab.view.current]
    assert position == 3_301, "of a position that is not there, the next one"
    assert tab.view.current in range(*tab.view.places_in_sight())
    tab.jump.setFocus()
    qtbot.keyClick(tab.jump, Qt.Key.Key_Escape)
    assert tab.view.current == 8 and tab.jump.text() == ""


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("10482", Target("position", 10_482)),
        ("#10\u202f482", Target("position", 10_482)),
        ("2024-03", Target("time", 1_709_251_200_000_000)),
        ("2024-03-05", Target("time", 1_709_596_800_000_000)),
        ("2024-03-05T12:31:22+01:00", Target("time", 1_709_638_282_000_000)),
        ("soon", None),
        ("", None),
    ],
)
def test_that_positions_and_dates_are_told_apart(text: str, target: Target | None) -> None:
    from datetime import UTC

    assert target_of(text, UTC) == target


def test_that_a_jump_in_sorted_rows_lands_on_the_row_with_that_position() -> None:
    index = index_of(500)
    table = arrange(TableRows(index, 500), None, Sort(Column.SIZE, True), NOWHERE).table
    for row in (0, 77, 499):
        place = land(table, Target("position", int(index.column("position")[row]))).place
        assert place is not None and table.at(place, place + 1).tolist() == [row]
    assert land(table, Target("position", 10**9)).sentence == "The last position here is 549."


# Cells


def test_that_rows_in_sight_get_their_payloads_and_no_more_than_some_thousand_are_kept(
    tab: StoreTableTab, qtbot: QtBot
) -> None:
    view = tab.view
    for offset in range(0, 5_000 * ROW_HEIGHT, 60 * ROW_HEIGHT):
        view.scroll_to_offset(offset)
        settled(tab, qtbot)
        assert [tab.pages.get(row) is not None for row in shown_rows(tab)] == [True] * len(shown_rows(tab))
    assert len(tab.pages._kept) == KEPT
    known = tab.pages.get(4_990)
    assert known is not None and known.text == '{"note":"as made up","row":4990}'


def test_that_events_that_cannot_be_read_or_are_gone_say_so(make: Make, qtbot: QtBot) -> None:
    index = index_of(100)
    index.column("flags")[3] = UNDECODABLE
    index.column("flags")[4] = DELETED
    index.column("time")[5] = NONE
    tab = make(store_of(index, frozenset([6])))
    settled(tab, qtbot)
    spans = {span.column: span.left + 20 for span in tab.view.header.spans()}
    tip = lambda place, column: tab.view.tip_at(QPoint(spans[column], place * ROW_HEIGHT + 5))  # noqa: E731
    assert "payload cannot be decoded" in tip(3, Column.PAYLOAD)
    assert "deleted" in tip(4, Column.TYPE)
    assert tip(5, Column.TIME) == "no time recorded"
    assert tip(6, Column.PAYLOAD) == "not in the store any more"
    assert tip(2, Column.TYPE).startswith("shop.orders:Order.Event")
    tab.view.go(4)
    assert "Row 5 of 100" in tab.view.accessibleDescription() and "deleted" in tab.view.accessibleDescription()


def test_that_a_row_that_another_event_has_come_to_stand_in_gets_its_payload(make: Make, qtbot: QtBot) -> None:
    index = index_of(300)
    tab = make(store_of(index))
    settled(tab, qtbot)
    assert tab.pages.get(3) is not None
    index.given["position"][3:] += 1
    tab.refresh()
    tab.view.grab()
    assert tab.pages.get(3) is None
    settled(tab, qtbot)
    assert tab.pages.get(3) is not None


def test_that_the_table_grows_without_moving_what_one_looks_at(make: Make, qtbot: QtBot) -> None:
    index = index_of(3_000)
    index.length, index.complete = 0, False
    tab = make(store_of(index))
    assert tab._empty.isVisible()
    index.length = 1_000
    tab.refresh()
    tab.view.go(999)
    before = shown_rows(tab)
    index.length, index.complete = 3_000, True
    tab.refresh()
    assert shown_rows(tab)[: len(before)] == before and tab.view.current == 999
    assert tab.view.table.count == 3_000


def test_that_a_store_that_cannot_be_read_is_told_of_once_and_in_its_rows(make: Make, qtbot: QtBot) -> None:
    store = store_of(index_of(200))
    store.database.database.reader = no_reader  # type: ignore[method-assign]
    tab = make(store)
    told: list[BaseException] = []
    tab.failed.connect(told.append)
    for _ in range(3):
        settled(tab, qtbot)
    assert [str(error) for error in told] == ["The server went away."]
    known = tab.pages.get(0)
    assert known is not None and known.text == "cannot be read: The server went away."


def no_reader(*_: object, **__: object) -> Reader:
    raise ConnectionLost("The server went away.")


def test_that_widths_made_by_hand_stay_and_the_payload_takes_what_is_left(tab: StoreTableTab, qtbot: QtBot) -> None:
    header = tab.view.header
    assert header.length() == header.viewport().width()
    with qtbot.waitSignal(header.widths_chosen) as chosen:
        header.resizeSection(Column.STREAM, 120)
    assert chosen.args[0][Column.STREAM] == 120 and header.length() == header.viewport().width()
    tab.resize(600, 700)
    assert header.sectionSize(Column.STREAM) == 120
    assert tab.view.horizontalScrollBar().maximum() == header.length() - header.viewport().width() > 0


def test_that_little_room_is_shared_out_before_a_bar_is_needed(tab: StoreTableTab) -> None:
    tab.resize(780, 600)
    assert tab.view.horizontalScrollBar().maximum() == 0
    assert tab.view.header.sectionSize(Column.TIME) == 162, "a time that is cut is no time"


# In the window


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainView]:
    """The window with the sample in it."""
    sample = sample_path()
    assert sample is not None
    frame = Frame()
    qtbot.addWidget(frame)
    frame.show()
    frame.fill([str(sample)])
    view = frame.view
    assert view is not None
    qtbot.waitUntil(lambda: not view.jobs.busy, timeout=20_000)
    yield view
    frame.close()


def test_that_the_window_shows_all_events_and_enter_opens_the_stream_there(window: MainView, qtbot: QtBot) -> None:
    window.actions_.all_events.trigger()
    tab = window.tabs.currentWidget()
    assert isinstance(tab, StoreTableTab) and tab.view.table.count == 1_605
    tab.view.go(900)
    qtbot.waitUntil(lambda: tab.pages.get(900) is not None, timeout=10_000)
    known = tab.pages.get(900)
    qtbot.keyClick(tab.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.session.stream is not None, timeout=10_000)
    stream = window.session.stream
    assert stream is not None and known is not None
    assert stream.event.position == tab.store.index.position_of(900)
    assert json_text.dumps(stream.event.data).decode() == known.text
    window.actions_.all_events.trigger()
    assert window.tabs.currentWidget() is tab
    window.close_current_tab()
    assert window.tables.tab_of(tab.store) is None


def test_that_only_events_of_a_type_are_shown_when_its_menu_says_so(window: MainView, qtbot: QtBot) -> None:
    window.actions_.all_events.trigger()
    tab = window.tabs.currentWidget()
    assert isinstance(tab, StoreTableTab)
    tab.view.go(900)
    index = tab.store.index
    ordinal = int(index.column("type")[900])
    menu = menu_of(tab)
    next(action for action in menu.actions() if action.text().startswith("Only ")).trigger()
    menu.deleteLater()
    expected = int(np.count_nonzero(index.column("type") == ordinal))
    qtbot.waitUntil(lambda: tab.view.table.count == expected, timeout=10_000)
    assert tab.current_row == 900 and 900 in shown_rows(tab)


# Copying and exporting


def test_that_selected_rows_are_copied_under_a_header(tab: StoreTableTab, qtbot: QtBot) -> None:
    tab.view.go(10)
    tab.view.go(12, extend=True)
    with qtbot.waitSignal(tab.said) as said:
        qtbot.keyClick(tab.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    header, *rows = [line.split("\t") for line in QGuiApplication.clipboard().text().splitlines()]
    assert header == ["Position", "Recorded", "Type", "Stream", "Version", "Size", "Payload"]
    assert [row[0] for row in rows] == ["12", "13", "14"]
    assert rows[0][1] == "2023-11-14T22:13:30+00:00" and json.loads(rows[0][6])["row"] == 10
    assert said.args == ["3 rows copied."]


def test_that_too_many_rows_are_not_copied_and_it_is_said(make: Make, many: Index, qtbot: QtBot) -> None:
    tab = make(store_of(many))
    QGuiApplication.clipboard().setText("as it was")
    tab.view.select_all()
    with qtbot.waitSignal(tab.failed) as failed:
        tab.copy()
    assert "20\u202f000\u202f000 rows are selected, and up to 100\u202f000 can be copied" in str(failed.args[0])
    assert QGuiApplication.clipboard().text() == "as it was"


@pytest.mark.parametrize("ending", ["ndjson", "csv", "parquet"])
def test_that_all_rows_are_exported_in_the_order_shown(make: Make, qtbot: QtBot, tmp_path: Path, ending: str) -> None:
    tab = make(store_of(index_of(2_500), frozenset([7])))
    tab.sort_by(Sort(Column.SIZE, True))
    settled(tab, qtbot)
    path = tmp_path / f"all.{ending}"
    with qtbot.waitSignal(tab.said, timeout=20_000) as said:
        tab.export(path)
    positions: list[int]
    if ending == "ndjson":
        positions = [json.loads(line)["position"] for line in path.read_bytes().splitlines()]
    elif ending == "csv":
        with path.open(newline="") as read:
            positions = [int(row["position"]) for row in csv.DictReader(read)]
    else:
        parquet = pytest.importorskip("pyarrow.parquet")
        positions = [int(value) for value in parquet.read_table(path).column("position").to_pylist()]
    rows = [row for row in tab.view.table.at(0, 2_500).tolist() if row != 7]
    assert positions == tab.store.index.column("position")[rows].tolist()
    assert said.args == [f"2\u202f499 events written to all.{ending}; 1 are not in the store any more."]
    assert list(tmp_path.iterdir()) == [path]


def test_that_a_cancelled_export_leaves_what_was_there(make: Make, many: Index, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "all.ndjson"
    path.write_text("as it was")
    tab = make(store_of(many))
    with qtbot.waitSignal(tab.said) as said:
        tab.export(path)
        qtbot.waitUntil(lambda: "of 20\u202f000\u202f000" in tab.busy.figures, timeout=10_000)
        tab.busy.cancel.click()
    assert said.args == ["Cancelled: nothing was written."]
    qtbot.waitUntil(lambda: not tab._jobs._running, timeout=10_000)
    assert path.read_text() == "as it was" and list(tmp_path.iterdir()) == [path]


def test_that_copying_does_not_end_an_export_and_a_second_one_has_to_wait(
    make: Make, qtbot: QtBot, tmp_path: Path
) -> None:
    tab = make(store_of(index_of(30_000)))
    said: list[str] = []
    tab.said.connect(said.append)
    tab.export(tmp_path / "all.csv")
    tab.view.go(1)
    tab.copy()
    tab.export(tmp_path / "again.csv")
    qtbot.waitUntil(lambda: len(said) == 3, timeout=20_000)
    assert sorted(said) == [
        "1 row copied.",
        "30\u202f000 events written to all.csv.",
        "An export is running: wait for it, or cancel it.",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["all.csv"] and not tab.busy.isVisible()


def test_that_a_folder_that_cannot_be_written_is_said(tab: StoreTableTab, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.waitSignal(tab.failed) as failed:
        tab.export(tmp_path / "missing" / "all.csv")
    assert str(failed.args[0]) == "The file cannot be written: No such file or directory."


# Twenty million rows


def test_that_twenty_million_rows_are_reached_to_the_last_and_selected_at_once(
    make: Make, many: Index, qtbot: QtBot
) -> None:
    tab = make(store_of(many))
    view = tab.view
    view.grab()
    qtbot.keyClick(view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    view.grab()
    assert view.selected.count == MANY
    bar = view.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert shown_rows(tab)[-1] == MANY - 1
    bar.setValue(bar.maximum() // 2)
    assert abs(view.first - MANY // 2) < 100
    qtbot.keyClick(view, Qt.Key.Key_End)
    qtbot.keyClick(view, Qt.Key.Key_Up)
    assert view.current == MANY - 2


def test_that_rows_whose_pixels_no_scroll_bar_can_count_are_reached_all(make: Make, qtbot: QtBot) -> None:
    tab = make(store_of(index_of(1_000)))
    view = tab.view
    view.table = TableRows(tab.store.index, 4_000_000_000)
    view._set_range()
    bar = view.verticalScrollBar()
    assert bar.maximum() < 2**31
    bar.setValue(bar.maximum())
    assert view.places_in_sight()[1] == 4_000_000_000
    wheel = QWheelEvent(
        QPointF(50, 50),
        QPointF(50, 50),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    before = view._offset
    QApplication.sendEvent(view.viewport(), wheel)
    assert view._offset == before - 3 * ROW_HEIGHT, "the wheel is exact where the bar's steps are coarse"
