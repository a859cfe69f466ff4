"""The overview under the mouse and the keyboard, and on an index that grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from esviewer.domain import Checkpoint
from esviewer.session import StoreSession
from esviewer.stores.index import Index
from esviewer.stores.sheet import NONE
from esviewer.ui.colours import TypeColours
from esviewer.ui.frame import Frame
from esviewer.ui.jobs import Jobs
from esviewer.ui.main_view import MainView
from esviewer.ui.overview import Facts, Overview
from esviewer.ui.overview_data import REST, OverviewData, Picture, Wish
from esviewer.ui.overview_painting import LABEL
from esviewer.ui.samples import sample_path

DAY = 86_400_000_000
BEGIN = 1_700_000_000_000_000


def index_of(types: Sequence[int], times: Sequence[int | None], positions: Sequence[int | None] | None = None) -> Index:
    """An index of events with these types and times, each in the stream of its type's number modulo two."""
    index, count = Index(), len(types)
    index.types = [f"shop:Type{number}" for number in range(max(types, default=0) + 1)]
    index.streams = ["order-1", "cart-2"]
    index.stream_category = ["order", None]
    index.stream_tenant = [None, None]
    index._same_name = dict.fromkeys(index.streams, 1)
    index.columns_.reserve(count)
    numbered = range(1, count + 1) if positions is None else positions
    columns: dict[str, Any] = {
        "position": [NONE if position is None else position for position in numbered],
        "stream": [kind % 2 for kind in types],
        "version": [1] * count,
        "type": list(types),
        "time": [NONE if time is None else time for time in times],
        "size": [100] * count,
        "flags": [0] * count,
    }
    for name, values in columns.items():
        index.columns_.write(name, 0, np.asarray(values, np.int64), count)
    index.length, index.complete = count, True
    return index


def session_of(index: Index) -> StoreSession:
    found = SimpleNamespace(name="shop", confidence=1.0, dialect=SimpleNamespace(title="Shop"))
    return cast(StoreSession, SimpleNamespace(index=index, name="shop", found=found))


Page = Callable[..., Overview]


@pytest.fixture
def page(qtbot: QtBot) -> Iterator[Page]:
    """Shows an index in an overview and waits until it is shown."""
    jobs = Jobs()

    def make(index: Index, facts: Facts | None = None) -> Overview:
        overview = Overview(session_of(index), TypeColours(index.types), jobs)
        qtbot.addWidget(overview)
        overview.resize(1_000, 700)
        overview.show()
        if facts is not None:
            overview.show_facts(facts)
        settle(qtbot, overview)
        return overview

    yield make
    jobs.close()


def settle(qtbot: QtBot, overview: Overview) -> None:
    qtbot.waitUntil(lambda: not overview._jobs.busy, timeout=10_000)


def spread(count: int, kinds: int = 3) -> Index:
    """Events a day apart."""
    return index_of([number % kinds for number in range(count)], [BEGIN + number * DAY for number in range(count)])


def spot(overview: Overview, rank: int) -> QPoint:
    """Where the mark of an event is, in the density view."""
    frame = overview.density.frame
    assert frame is not None
    place = rank - frame.first
    lane = overview.density.lanes_layout.lane(int(frame.marks.lane_of[place]))
    return QPoint(LABEL + round(float(frame.pixels[place])), lane.center().y())


def picture_of(data: OverviewData, **wish: Any) -> Picture:
    picture = data.bring_up(Wish(**wish), lambda: None).picture
    assert picture is not None
    return picture


# Moving


def test_that_a_drag_shows_a_range_and_backspace_leads_back(page: Page, qtbot: QtBot) -> None:
    overview = page(spread(40))
    view, history = overview.density, overview._history
    assert "40 events" in history.crumb.text() and not history.back_button.isEnabled()
    left, right = spot(overview, 10) - QPoint(3, 0), spot(overview, 19) + QPoint(3, 0)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=left)
    qtbot.mouseMove(view, right)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=right)
    assert view.count == 10
    assert history.crumb.text() == "24 Nov 2023 – 4 Dec 2023, 10 events"
    qtbot.keyClick(view, Qt.Key.Key_Backspace)
    assert view.count == 40 and not history.back_button.isEnabled()


def test_that_the_wheel_zooms_at_the_mouse_only_with_control(page: Page) -> None:
    overview = page(spread(40))
    view = overview.density
    at = spot(overview, 10)

    def turn(modifiers: Qt.KeyboardModifier) -> None:
        QApplication.sendEvent(
            view,
            QWheelEvent(
                QPointF(at), view.mapToGlobal(QPointF(at)), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
                modifiers, Qt.ScrollPhase.NoScrollPhase, False,
            ),
        )  # fmt: skip

    turn(Qt.KeyboardModifier.NoModifier)
    assert view.count == 40
    turn(Qt.KeyboardModifier.ControlModifier)
    assert view.count < 40 and abs(spot(overview, 10).x() - at.x()) <= 1


def test_that_shift_and_drag_pans_and_home_shows_everything(page: Page, qtbot: QtBot) -> None:
    overview = page(spread(40))
    view = overview.density
    assert view.sight is not None
    view.set_sight(view.sight.shown(BEGIN + 10 * DAY, BEGIN + 20 * DAY))
    before = spot(overview, 15)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, before)
    qtbot.mouseMove(view, before + QPoint(60, 0))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, before + QPoint(60, 0))
    assert abs(spot(overview, 15).x() - before.x() - 60) <= 1
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.count == 40


# Single events


def test_that_a_click_on_a_mark_asks_for_the_row_of_its_event(page: Page, qtbot: QtBot) -> None:
    times = [BEGIN + (39 - number) * DAY for number in range(40)]
    overview = page(index_of([number % 3 for number in range(40)], times))
    with qtbot.waitSignal(overview.row_wanted) as wanted:
        qtbot.mouseClick(overview.density, Qt.MouseButton.LeftButton, pos=spot(overview, 7))
    assert wanted.args == [32]


def test_that_hovering_a_mark_tells_type_stream_position_and_time(page: Page) -> None:
    overview = page(spread(40))
    text = overview.density.hover_text(spot(overview, 6))
    assert text.split("\n") == ["shop:Type0", "order 1", "position 7", "2023-11-20 22:13:20.000000 +00:00"]


def test_that_comma_and_full_stop_walk_the_events_and_enter_asks_for_one(page: Page, qtbot: QtBot) -> None:
    overview = page(spread(40))
    for key in (Qt.Key.Key_Period, Qt.Key.Key_Period, Qt.Key.Key_Period, Qt.Key.Key_Comma):
        qtbot.keyClick(overview.density, key)
    with qtbot.waitSignal(overview.row_wanted) as wanted:
        qtbot.keyClick(overview.density, Qt.Key.Key_Return)
    assert wanted.args == [1]


def test_that_events_at_one_time_are_counted_and_can_each_be_chosen(page: Page, qtbot: QtBot) -> None:
    overview = page(index_of([0] * 6, [BEGIN, *[BEGIN + DAY] * 4, BEGIN + 3 * DAY]))
    view = overview.density
    frame = view.frame
    assert frame is not None and frame.marks.count.tolist() == [1, 4, 1]
    assert view.hover_text(spot(overview, 2)).startswith("4 × shop:Type0\nall at 2023-11-15")
    while view.sight is not None and view.sight.span > view.sight.smallest:
        view.zoom(100, (spot(overview, 2).x() - LABEL) / view.lanes_layout.plot_width)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=spot(overview, 2))
    menu = QApplication.activePopupWidget()
    assert menu is not None
    actions = menu.actions()
    assert len(actions) == 4
    with qtbot.waitSignal(overview.row_wanted) as wanted:
        actions[2].trigger()
    menu.close()
    assert wanted.args == [3]


def test_that_density_becomes_marks_at_the_same_place(page: Page) -> None:
    overview = page(spread(2_500))
    view = overview.density
    frame = view.frame
    assert frame is not None and not frame.is_single
    assert view.sight is not None
    view.set_sight(view.sight.shown(BEGIN, BEGIN + 1_800 * DAY))
    closer = view.frame
    assert closer is not None and closer.is_single
    by_column = np.bincount(np.minimum(closer.pixels * closer.columns / closer.width, closer.columns - 1).astype(int))
    assert np.array_equal(by_column, closer.counts.sum(axis=0))


# What is shown


def test_that_a_store_without_times_is_shown_by_position_and_says_so(page: Page) -> None:
    overview = page(index_of([0, 1, 0], [None] * 3, [10, 20, 40]))
    assert overview.state.picture is not None and overview.state.picture.axis == "position"
    assert overview._history.crumb.text() == "everything: positions 10 – 40, 3 events"
    for name in ("First event", "Last event", "Events a day", "Bytes a day"):
        assert overview._tiles._values[name].text() == "no times"


def test_that_events_without_a_time_are_counted_where_they_cannot_be_drawn(page: Page) -> None:
    overview = page(index_of([0, 1, 0], [BEGIN, None, BEGIN + DAY]))
    assert overview.density.count == 2
    assert overview._history.note.text() == "1 event carries no time: see Position"


def test_that_a_consumer_is_a_flag_at_the_event_it_has_reached(page: Page) -> None:
    late = Checkpoint("loans_projector", "shop", 12, 28)
    unknown = Checkpoint("elsewhere", "other", 3, None)
    overview = page(spread(40), Facts(0, (late, unknown)))
    view = overview.density
    (flag,) = view.flags()
    place = QPoint(LABEL + round(flag.x), view.lanes_layout.flags.center().y())
    assert abs(place.x() - spot(overview, 11).x()) <= 1
    assert view.hover_text(place) == "loans_projector at 12, 28 events behind"
    assert overview._tiles._below["Consumers"].text() == "up to 28 behind"


def test_that_a_consumer_in_a_gap_of_positions_stands_at_the_event_before_it() -> None:
    index = index_of([0, 0, 0], [BEGIN, BEGIN + DAY, BEGIN + 2 * DAY], [10, 20, 40])
    kept = tuple(Checkpoint("c", "shop", position, 1) for position in (5, 20, 39, 99))
    stands = OverviewData(index).bring_up(Wish(checkpoints=kept), lambda: None).stands
    assert [stand.row for stand in stands] == [0, 1, 1, 2]


def test_that_a_filter_counts_only_what_passes_and_says_of_how_many(page: Page, qtbot: QtBot) -> None:
    overview = page(spread(40))
    overview.set_rows(np.asarray([0, 3, 4, 39], np.int64))
    settle(qtbot, overview)
    assert overview.density.count == 4
    assert overview._history.note.text() == "filtered: 4 of 40 events"
    frame = overview.density.frame
    assert frame is not None and {look.name for look in frame.looks} == {"shop:Type0", "shop:Type1"}
    with qtbot.waitSignal(overview.row_wanted) as wanted:
        qtbot.mouseClick(overview.density, Qt.MouseButton.LeftButton, pos=spot(overview, 2))
    assert wanted.args == [4]
    overview.set_rows(None)
    settle(qtbot, overview)
    assert overview.density.count == 40 and overview._history.note.text() == ""


# Growing


def test_that_growing_bit_by_bit_gives_what_all_at_once_gives() -> None:
    random = np.random.default_rng(5)
    times = [None if random.random() < 0.05 else BEGIN + int(random.integers(0, 40)) * DAY for _ in range(3_000)]
    index = index_of(random.integers(0, 5, 3_000).tolist(), times)
    data = OverviewData(index)
    for length in (0, 1, 700, 701, 2_999, 3_000):
        index.length = length
        data.bring_up(Wish(by="category"), lambda: None)
        grown = picture_of(data)
    whole = picture_of(OverviewData(index))
    assert np.array_equal(grown.ordered.values, whole.ordered.values)
    assert np.array_equal(grown.counts.codes, whole.counts.codes) and np.array_equal(
        grown.counts.kept, whole.counts.kept
    )
    assert grown.lanes == whole.lanes
    by_category = picture_of(data, by="category")
    assert {lane.name for lane in by_category.lanes} == {"order", None}


def test_that_events_that_came_late_between_known_ones_are_seen() -> None:
    index = spread(20)
    data = OverviewData(index)
    data.bring_up(Wish(), lambda: None)
    replaced = index_of([2] * 20, [BEGIN + number * DAY for number in range(20)], range(5, 25))
    index.columns_ = replaced.columns_
    assert [(lane.name, lane.events) for lane in picture_of(data).lanes] == [("shop:Type2", 20)]


def test_that_lanes_keep_their_order_until_the_index_is_complete(page: Page, qtbot: QtBot) -> None:
    index = index_of([0, 0, 1, *[1] * 20, 2], [BEGIN + number * DAY for number in range(24)])
    index.length, index.complete = 3, False
    overview = page(index)

    def names() -> list[str | None]:
        frame = overview.density.frame
        return [] if frame is None else [look.name for look in frame.looks]

    assert names() == ["shop:Type0", "shop:Type1"]
    index.length = 24
    # Twice: the second comes too soon after the first, and is shown all the same.
    overview.refresh()
    overview.refresh()
    qtbot.waitUntil(lambda: overview.density.count == 24, timeout=10_000)
    assert names() == ["shop:Type0", "shop:Type1", "shop:Type2"]
    index.complete = True
    overview.refresh()
    settle(qtbot, overview)
    assert names() == ["shop:Type1", "shop:Type0", "shop:Type2"]


def test_that_the_numbers_in_sight_can_be_copied(page: Page) -> None:
    overview = page(spread(40))
    overview._history.copy()
    lines = QApplication.clipboard().text().split("\n")
    assert lines[0] == overview._history.crumb.text()
    assert lines[1:] == ["shop:Type0\t14", "shop:Type1\t13", "shop:Type2\t13"]


def test_that_kinds_without_a_lane_of_their_own_share_one_and_none_is_lost() -> None:
    kinds = [*range(100), *[99] * 50]
    index = index_of(kinds, [BEGIN + number for number in range(150)])
    lanes = picture_of(OverviewData(index)).lanes
    assert sum(lane.events for lane in lanes) == 150
    assert (lanes[0].name, lanes[0].events) == ("shop:Type99", 51)
    assert (lanes[-1].code, lanes[-1].rest, lanes[-1].events) == (REST, 38, 38)


# In the window


@pytest.fixture
def view(qtbot: QtBot) -> Iterator[MainView]:
    frame = Frame()
    qtbot.addWidget(frame)
    frame.resize(1_440, 900)
    frame.show()
    path = sample_path()
    assert isinstance(path, Path)
    frame.fill([str(path)])
    view = frame.view
    assert isinstance(view, MainView)
    qtbot.waitUntil(lambda: not view.jobs.busy, timeout=20_000)
    yield view
    frame.close()


def test_that_a_click_on_a_mark_opens_its_stream_at_the_event(view: MainView, qtbot: QtBot) -> None:
    overview = view.tabs.currentWidget()
    assert isinstance(overview, Overview)
    frame = overview.density.frame
    assert frame is not None
    alone = int(np.flatnonzero(frame.marks.count == 1)[-1])
    rank = frame.first + int(frame.marks.members(alone)[0])
    row = frame.picture.ordered.row(rank)
    qtbot.mouseClick(overview.density, Qt.MouseButton.LeftButton, pos=spot(overview, rank))
    qtbot.waitUntil(lambda: view.session.stream is not None and not view.jobs.busy, timeout=10_000)
    assert view.session.stream is not None
    assert view.session.stream.event.position == overview.store.index.position_of(row)


def test_that_closing_while_the_overview_is_worked_out_is_no_trouble(view: MainView) -> None:
    overview = view.tabs.currentWidget()
    assert isinstance(overview, Overview)
    overview.refresh()
    overview.refresh()
    view.close_database(view.session.databases[0])
    assert not view.session.databases
