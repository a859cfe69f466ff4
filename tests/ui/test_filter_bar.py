"""The filter bar: parts as chips and words, what they mean in every view, saved filters, scans that can be ended."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from esviewer.domain import UsageError
from esviewer.session import StoreSession, recall
from esviewer.stores.filter_words import Part
from esviewer.stores.filters import EventFilter, parse
from esviewer.ui import finding
from esviewer.ui.filter_bar import FilterBar
from esviewer.ui.filter_chips import chip_text
from esviewer.ui.filter_completion import StoreWords, last_word
from esviewer.ui.frame import Frame
from esviewer.ui.jobs import Control
from esviewer.ui.main_view import MainView
from esviewer.ui.samples import sample_path
from esviewer.ui.stream_tab import StreamTab
from tests.stores.dialects.test_eventsourcing import write_store
from tests.ui.windows import settle

BUSY_BOOK = "b9ae5c8f-1fca-4da2-b744-001a6aa45fe0"
LENT, SHELVED = "lending.stock:Copy.LentOut", "lending.stock:Copy.Shelved"


def opened(qtbot: QtBot, address: str) -> MainView:
    frame = Frame()
    qtbot.addWidget(frame)
    frame.show()
    frame.fill([address])
    assert isinstance(frame.view, MainView)
    settle(frame.view, qtbot)
    return frame.view


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[MainView]:
    """A window with the sample."""
    path = sample_path()
    assert path is not None
    view = opened(qtbot, str(path))
    yield view
    view.frame.close()


@pytest.fixture
def store(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


@pytest.fixture
def bar(view: MainView) -> FilterBar:
    return view.filter_bar


@pytest.fixture
def tab(view: MainView, store: StoreSession, qtbot: QtBot) -> StreamTab:
    """The sample's busiest book, with its table."""
    view.open_stream(store, BUSY_BOOK)
    qtbot.waitUntil(lambda: view.current_tab is not None and not view.jobs.busy, timeout=10_000)
    assert view.current_tab is not None
    view.current_tab.show_lower("table")
    return view.current_tab


def enter(bar: FilterBar, words: str, qtbot: QtBot) -> None:
    bar.line.setFocus()
    bar.line.setText(words)
    qtbot.keyClick(bar.line, Qt.Key.Key_Return)


def count_of(view: MainView, qtbot: QtBot) -> str:
    settle(view, qtbot)
    return view.filter_bar.count.replace("\u202f", " ")


def test_that_words_become_chips_and_the_count_follows(view: MainView, bar: FilterBar, qtbot: QtBot) -> None:
    assert count_of(view, qtbot) == "1 605 events"
    enter(bar, "type:copy.lentout since:2024-01-01", qtbot)
    store = bar.store
    assert store is not None and store.filter.words == f"type:{LENT} since:2024-01-01"
    settle(view, qtbot)
    index = store.index
    types, times = index.columns("type", "time")
    wanted = np.flatnonzero((types == index.types.index(LENT)) & (times >= 1_704_067_200_000_000))
    assert store.rows is not None and np.array_equal(store.rows, wanted)
    assert count_of(view, qtbot) == f"{len(wanted)} of 1 605 events"
    assert [chip_text(chip.part) for chip in bar.chips.chips] == [("", "Copy.LentOut"), ("since", "2024-01-01")]
    assert bar.line.text() == ""


def test_that_a_filter_of_an_index_that_still_grows_says_so(
    view: MainView, bar: FilterBar, store: StoreSession, qtbot: QtBot
) -> None:
    store.index.complete = False
    assert count_of(view, qtbot) == "1 605 events"
    enter(bar, f"type:{LENT}", qtbot)
    assert count_of(view, qtbot) == "220 of 1 605 indexed so far"
    store.index.complete = True
    view.filtering.grown(store)
    assert count_of(view, qtbot) == "220 of 1 605 events"


def test_that_the_shortcut_goes_to_the_line_and_escape_back_to_the_view(
    view: MainView, bar: FilterBar, tab: StreamTab, qtbot: QtBot
) -> None:
    view.actions_.filter.trigger()
    assert view.frame.focusWidget() is bar.line
    qtbot.keyClick(bar.line, Qt.Key.Key_Escape)
    assert view.frame.focusWidget() is tab.timeline


def test_that_a_line_that_means_nothing_stays_and_says_why(bar: FilterBar, qtbot: QtBot) -> None:
    enter(bar, "typ:x", qtbot)
    assert bar.trouble.startswith("typ: is no word of a filter") and bar.line.text() == "typ:x"
    assert bar.store is not None and bar.store.filter.is_empty
    qtbot.keyClick(bar.line, Qt.Key.Key_Backspace)
    assert bar.trouble == ""


def test_that_chips_are_walked_negated_edited_and_removed_by_keys(bar: FilterBar, qtbot: QtBot) -> None:
    enter(bar, f"type:{LENT} category:Copy from:10", qtbot)
    assert bar.store is not None
    bar.line.left_at_start.emit()
    position = bar.chips.chips[-1]
    assert bar.chips.chips[-1].part == Part("from-position", "10")
    position.left.emit(-1)
    qtbot.keyClick(bar.chips.chips[0], Qt.Key.Key_Minus)
    assert bar.store.filter.words == f"-type:{LENT} category:lending.stock:Copy from-position:10"
    qtbot.keyClick(bar.chips.chips[2], Qt.Key.Key_Minus)
    assert bar.store.filter.to_position == 9 and bar.store.filter.from_position is None
    qtbot.keyClick(bar.chips.chips[2], Qt.Key.Key_Return)
    assert bar.line.text() == "to-position:9"
    enter(bar, "to:20", qtbot)
    assert bar.store.filter.to_position == 20
    for _ in range(3):
        qtbot.keyClick(bar.chips.chips[0], Qt.Key.Key_Delete)
    assert bar.store.filter.is_empty and bar.chips.chips == []


def test_that_a_click_on_the_cross_removes_a_chip(bar: FilterBar, qtbot: QtBot) -> None:
    enter(bar, "is:undecodable is:deleted", qtbot)
    chip = bar.chips.chips[0]
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton, pos=chip._cross().center())
    assert bar.store is not None and bar.store.filter.words == "is:deleted"


def test_that_a_part_takes_the_place_of_its_opposite_and_of_another_bound(bar: FilterBar) -> None:
    assert bar.store is not None
    for part in (
        Part("type", LENT),
        Part("type", LENT, True),
        Part("since", "2024-01-01"),
        Part("since", "2023-06-01"),
    ):
        bar.add(part)
    assert bar.store.filter.words == f"-type:{LENT} since:2023-06-01"


def test_that_a_type_is_completed_from_the_store_and_taken_at_once(bar: FilterBar, qtbot: QtBot) -> None:
    bar.line.setFocus()
    qtbot.keyClicks(bar.line, "renew")
    assert [offer.shown for offer in bar.line.offers] == ["Loan.Renewed"]
    qtbot.keyClick(bar.line, Qt.Key.Key_Tab)
    assert bar.store is not None and bar.store.filter.words == "type:lending.loans:Loan.Renewed"
    qtbot.keyClicks(bar.line, "-cat")
    qtbot.keyClick(bar.line, Qt.Key.Key_Down)
    qtbot.keyClick(bar.line, Qt.Key.Key_Return)
    assert bar.line.text() == "-category:" and len(bar.line.offers) == 7
    qtbot.keyClick(bar.line, Qt.Key.Key_Escape)
    assert bar.line.offers == [] and bar.line.text() == "-category:"


def test_what_may_be_typed_next(store: StoreSession) -> None:
    words = StoreWords(store)
    assert {"type:", "since:", "where:"} <= {offer.words for offer in words.complete("")}
    assert words.complete("type:a -")[0].words == "-type:"
    assert [offer.words for offer in words.complete("x is:un")] == ["is:undecodable"]
    assert [offer.words for offer in words.complete("stream:B9AE5")] == [f"stream:{BUSY_BOOK}"]
    assert words.complete("since:2024")[0].words == "since:2024-01-01"
    assert last_word('type:A where:"a b') == 'where:"a b' and last_word('"a b" c') == "c"


def test_that_a_type_that_the_store_has_not_is_marked(bar: FilterBar, qtbot: QtBot) -> None:
    enter(bar, "type:Nonsense category:Copy", qtbot)
    assert [chip.is_known for chip in bar.chips.chips] == [False, True]


def test_that_overview_table_and_stream_show_the_same_filter(
    view: MainView, bar: FilterBar, tab: StreamTab, qtbot: QtBot
) -> None:
    store = tab.stream.store
    enter(bar, f"type:{LENT} condition", qtbot)
    settle(view, qtbot)
    assert store.rows is not None and not len(store.rows)
    enter(bar, "-condition", qtbot)
    settle(view, qtbot)
    assert store.rows is not None
    expected = [i for i, event in enumerate(tab.stream.events) if event.type == LENT]
    assert [i for i in range(117) if tab.table.rows.passes(i)] == expected
    view.overviews.show(store)
    settle(view, qtbot)
    overview = view.overviews.of(store)
    assert overview.state.filtered == len(store.rows) == 220
    view.tables.show(store)
    settle(view, qtbot)
    table = view.tables.tab_of(store)
    assert table is not None and table.view.table.count == 220


def test_that_a_filter_dims_or_hides_events_and_never_moves_the_playhead(
    view: MainView, bar: FilterBar, tab: StreamTab, qtbot: QtBot
) -> None:
    stream = tab.stream
    stream.move(60)
    state = stream.history.state_at(60)
    enter(bar, f"type:{LENT}", qtbot)
    settle(view, qtbot)
    assert tab.table.rows.rowCount() == 117 and not tab.table.rows.passes(60)
    bar.hides.setChecked(True)
    rows = tab.table.rows
    assert {rows.events[rows.event_at(row)].type for row in range(rows.rowCount())} == {LENT}
    assert stream.playhead == 60 and stream.history.state_at(60) == state
    assert not tab.table.currentIndex().isValid()
    tab.table.setCurrentIndex(rows.index(3, 0))
    assert stream.playhead == rows.event_at(3) and stream.event.type == LENT
    enter(bar, "is:deleted", qtbot)
    settle(view, qtbot)
    assert tab.table.empty.isVisible() and tab.table.empty.words.text() == f"type:{LENT} is:deleted"
    tab.table.empty.clear.click()
    settle(view, qtbot)
    assert tab.table.rows.rowCount() == 117 and not tab.table.empty.isVisible()


def test_that_the_timeline_draws_faint_or_not_at_all_what_the_filter_leaves_out(
    view: MainView, bar: FilterBar, tab: StreamTab, qtbot: QtBot
) -> None:
    left_out = next(i for i, event in enumerate(tab.stream.events) if event.type == SHELVED)
    passing = next(i for i, event in enumerate(tab.stream.events) if event.type == LENT)

    def lightness(index: int) -> int:
        timeline = tab.timeline
        drawing = timeline._drawing()
        x = drawing.plot.x() + round(timeline.model.pixel_of(index))
        y = round(drawing.lane_y(int(drawing.lanes_of(np.array([index]))[0])))
        return timeline.grab().toImage().pixelColor(x, y).lightness()

    clear = lightness(left_out), lightness(passing)
    enter(bar, f"-type:{SHELVED}", qtbot)
    settle(view, qtbot)
    faint = lightness(left_out), lightness(passing)
    assert faint[0] > clear[0] + 40 and faint[1] == clear[1]
    bar.hides.setChecked(True)
    hidden = lightness(left_out), lightness(passing)
    assert hidden[0] > faint[0] and hidden[1] == clear[1]


def test_that_an_export_has_all_that_the_filter_lets_through(
    view: MainView, bar: FilterBar, tab: StreamTab, qtbot: QtBot, tmp_path: Path
) -> None:
    enter(bar, f"-type:{SHELVED}", qtbot)
    settle(view, qtbot)
    path = tmp_path / "some.ndjson"
    tab.table.export_wanted.emit(list(tab.table.rows.passed), path)
    settle(view, qtbot)
    versions = [json.loads(line)["version"] for line in path.read_text().splitlines()]
    assert versions == [event.version for event in tab.stream.events if event.type != SHELVED]
    with pytest.raises(UsageError, match="cannot be written"):
        finding.write_job(tab.stream.events, tmp_path / "none" / "some.csv", Control(lambda told: None))


def test_that_an_event_offers_its_type_time_and_position_as_parts(tab: StreamTab) -> None:
    event = tab.stream.events[5]
    parts = {part.words for _, part in tab.table.filter_offers(5)}
    assert {f"type:{event.type}", f"-type:{event.type}", f"to-position:{event.position}"} < parts
    for words in parts:
        assert parse(words).accepts(event) is not words.startswith("-")


def test_that_a_filter_is_saved_under_a_name_used_and_removed(view: MainView, bar: FilterBar, qtbot: QtBot) -> None:
    enter(bar, f"type:{LENT} Utrecht", qtbot)
    words = f"type:{LENT} text:Utrecht"
    bar.ask_for_name()
    dialog = bar.findChild(QInputDialog, "save filter")
    assert isinstance(dialog, QInputDialog)
    dialog.setTextValue("Lent & in Utrecht")
    dialog.accept()
    assert recall().filters == {"Lent & in Utrecht": words}
    bar.clear_filter()
    menu = bar.saved.menu()
    bar._saved_menu(menu)
    actions: list[QAction] = menu.actions()
    actions[0].trigger()
    assert bar.store is not None and bar.store.filter.words == words
    view.filtering.remove("Lent & in Utrecht")
    assert recall().filters == {}
    settle(view, qtbot)


def test_that_a_filter_comes_back_with_the_session(view: MainView, bar: FilterBar, qtbot: QtBot) -> None:
    enter(bar, f"type:{LENT}", qtbot)
    settle(view, qtbot)
    view.frame.close()
    path = sample_path()
    assert path is not None
    frame = Frame()
    qtbot.addWidget(frame)
    frame.show()
    frame.fill([])
    assert isinstance(frame.view, MainView)
    again = frame.view
    qtbot.waitUntil(lambda: again.session.store is not None and not again.jobs.busy, timeout=20_000)
    store = again.session.store
    assert store is not None and store.filter == EventFilter(types=(LENT,))
    assert store.rows is not None and len(store.rows) == 220 and store.covered == 1_605
    frame.close()


def test_that_new_events_are_asked_while_following(qtbot: QtBot, tmp_path: Path) -> None:
    path = sample_path()
    assert path is not None
    copy = tmp_path / "lending.sqlite"
    shutil.copyfile(path, copy)
    view = opened(qtbot, str(copy))
    store = view.session.store
    assert store is not None
    enter(view.filter_bar, f"type:{SHELVED} brandnew", qtbot)
    settle(view, qtbot)
    assert store.rows is not None and not len(store.rows)
    writer = sqlite3.connect(copy)
    for version, shelf in ((118, "BrandNew"), (119, "old")):
        row = (BUSY_BOOK.replace("-", ""), version, SHELVED, json.dumps({"shelf": shelf}))
        writer.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", row)
    writer.commit()
    writer.close()
    view.actions_.live.setChecked(True)
    qtbot.waitUntil(lambda: store.covered == 1_607, timeout=10_000)
    assert store.rows.tolist() == [1_605]
    view.actions_.live.setChecked(False)
    settle(view, qtbot)
    view.frame.close()


def test_that_a_scan_counts_while_it_runs_and_can_be_stopped_and_taken_up_again(qtbot: QtBot, tmp_path: Path) -> None:
    rows = [("s", n, "m:A.B", b'{"n":%d,"odd":"%s"}' % (n, b"yes" if n % 2 else b"no")) for n in range(1, 80_001)]
    view = opened(qtbot, str(write_store(tmp_path / "many.sqlite", rows)))
    store, bar = view.session.store, view.filter_bar
    assert store is not None
    enter(bar, "yes", qtbot)
    qtbot.waitUntil(lambda: 0 < store.covered < 80_000, timeout=10_000)
    assert "found" in bar.count and "% read" in bar.count and bar.stop.text() == "Cancel"
    bar.stop.click()
    covered = store.covered
    settle(view, qtbot)
    assert store.covered == covered and store.rows is not None
    assert store.rows.tolist() == list(range(0, covered, 2))
    assert "in the first" in bar.count and bar.stop.text() == "Go on"
    bar.stop.click()
    settle(view, qtbot)
    assert store.rows.tolist() == list(range(0, 80_000, 2)) and not bar.stop.isVisible()
    view.frame.close()


@pytest.mark.parametrize("words", ["yes", "type:m:Rare.One yes", "type:m:Rare.One", "-type:m:A.B no", "from:900 yes"])
def test_that_rows_are_those_whose_events_pass_however_they_are_read(words: str, qtbot: QtBot, tmp_path: Path) -> None:
    kinds = ["m:Rare.One" if n % 37 == 0 else "m:A.B" for n in range(1_500)]
    rows = [("s", n + 1, kind, b'{"odd":"%s"}' % (b"yes" if n % 2 else b"no")) for n, kind in enumerate(kinds)]
    view = opened(qtbot, str(write_store(tmp_path / "some.sqlite", rows)))
    store = view.session.store
    assert store is not None
    wanted = parse(words)
    answer = finding.resolve_job(store, wanted, np.empty(0, np.int64), 0, Control(lambda told: None))
    reader = store.database.database.reader(store.found)
    passing = [row for row, event in enumerate(reader.events()) if wanted.accepts(event)]
    reader.close()
    assert passing and answer.rows.tolist() == passing and answer.covered == 1_500
    view.frame.close()


def test_that_scattered_events_are_read_without_asking_for_the_category_of_each_stream(
    qtbot: QtBot, tmp_path: Path
) -> None:
    rows = [
        (f"s{stream}", n, "m:Last.One" if n == 30 else "m:A.B", b'{"n":%d}' % n)
        for stream in range(40)
        for n in range(1, 31)
    ]
    view = opened(qtbot, str(write_store(tmp_path / "some.sqlite", rows)))
    store = view.session.store
    assert store is not None
    log = store.database.database.log
    before = len(log.entries())
    answer = finding.resolve_job(
        store, parse("type:m:Last.One 30"), np.empty(0, np.int64), 0, Control(lambda told: None)
    )
    assert len(answer.rows) == 40
    assert len(log.entries()) - before <= 2
    view.frame.close()
