"""The timeline and the field tracks under the mouse and the keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from esviewer.timeline.marks import NO_TIME, UNDECODABLE, Marks
from esviewer.timeline.tracks import Track
from esviewer.ui.axis_model import LABELS
from esviewer.ui.field_tracks_view import FieldTracksView
from esviewer.ui.timeline_view import TOP, TimelineView

HTML = "<b>Paid</b>"


def marks(count: int = 40, *, first: int = 1) -> Marks:
    kinds = np.arange(count, dtype=np.int32) % 3
    times = np.arange(count, dtype=np.int64) * 60_000_000 + 1_700_000_000_000_000
    if count > 4:
        times[4] = NO_TIME
    flags = np.zeros(count, np.uint8)
    if count > 2:
        flags[2] = UNDECODABLE
    return Marks(
        list(range(first, first + count)),
        times,
        kinds,
        ("shop:Placed", "shop:Noted", HTML),
        flags,
        [i for i in (9, 19) if i < count],
    )


@pytest.fixture
def view(qtbot: QtBot) -> TimelineView:
    view = TimelineView()
    qtbot.addWidget(view)
    view.resize(900, 320)
    view.show()
    view.set_stream(marks())
    view.set_playhead(39)
    return view


def spot(view: TimelineView, index: int) -> QPoint:
    lane = int(view._lanes.lane_of_event[index])
    return QPoint(LABELS + round(view.model.pixel_of(index)), round(view._lane_y(lane)))


def test_that_a_click_on_a_mark_moves_the_playhead_to_its_event(view: TimelineView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.playhead_moved) as moved:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=spot(view, 17))
    assert moved.args == [17] and view.playhead == 17


def test_that_dragging_tells_every_event_passed_at_once(view: TimelineView, qtbot: QtBot) -> None:
    told: list[int] = []
    view.playhead_moved.connect(told.append)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(spot(view, 30).x(), TOP - 10))
    for index in range(29, 4, -3):
        qtbot.mouseMove(view, QPoint(spot(view, index).x(), TOP + 60))
        assert told[-1] == index
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=spot(view, 5))
    assert told == sorted(told, reverse=True)


def test_that_zooming_keeps_what_is_under_the_cursor(view: TimelineView) -> None:
    before = view.model.scale.to_value(300.0)
    event = QWheelEvent(
        QPointF(LABELS + 300.0, 100.0),
        QPointF(LABELS + 300.0, 100.0),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)
    assert view.model.scale.span < 40
    assert view.model.scale.to_value(300.0) == pytest.approx(before)


def test_that_a_drag_reaches_each_event_of_one_moment(view: TimelineView, qtbot: QtBot) -> None:
    burst = marks(9)
    burst.times[5:8] = burst.times[5]
    view.set_stream(burst)
    view.set_axis("time")
    view.set_playhead(8)
    told: list[int] = []
    view.playhead_moved.connect(told.append)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(spot(view, 8).x(), TOP - 10))
    for x in range(spot(view, 8).x(), spot(view, 3).x(), -1):
        qtbot.mouseMove(view, QPoint(x, TOP - 10))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=spot(view, 3))
    assert told[:4] == [7, 6, 5, 4]


def test_that_events_after_the_playhead_are_dimmed_and_the_unreadable_are_not(view: TimelineView) -> None:
    def reddest(index: int) -> QColor:
        image, at = view.grab().toImage(), spot(view, index)
        return image.pixelColor(at.x(), at.y())

    bright, cross = reddest(20), reddest(2)
    view.set_playhead(0)
    assert reddest(20).lightness() > bright.lightness()
    assert reddest(2) == cross


def test_that_highlighted_events_get_a_ring_until_others_do(view: TimelineView) -> None:
    before = view.grab().toImage()
    view.highlight([3, 11, 10_000])
    assert view.grab().toImage() != before
    view.highlight([])
    assert view.grab().toImage() == before


def test_that_new_events_at_the_end_leave_in_sight_what_was(view: TimelineView) -> None:
    view.set_view_range(5.0, 15.0)
    view.set_stream(marks(45))
    assert view.view_range() == (5.0, 15.0)
    view.set_stream(marks(45, first=100))
    assert view.view_range() == (-0.5, 44.5)


def test_that_moving_the_playhead_paints_no_lane_again(view: TimelineView) -> None:
    view.grab()
    back, front = view._back, view._front
    view.set_playhead(12)
    view.grab()
    assert view._back is back and view._front is front


def test_that_the_playhead_is_brought_into_sight(view: TimelineView) -> None:
    view.set_view_range(0.0, 10.0)
    view.set_playhead(35)
    start, end = view.view_range()
    assert start <= 35 <= end


def test_that_keys_zoom_pan_and_fit(view: TimelineView, qtbot: QtBot) -> None:
    whole = view.view_range()
    qtbot.keyClick(view, Qt.Key.Key_W)
    assert view.view_range()[1] - view.view_range()[0] < whole[1] - whole[0]
    inside = view.view_range()
    qtbot.keyClick(view, Qt.Key.Key_A)
    assert view.view_range()[0] < inside[0]
    view.fit()
    assert view.view_range() == whole


def test_that_a_lane_label_names_its_type(view: TimelineView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.type_activated) as activated:
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(60, round(view._lane_y(1))))
    assert activated.args == [view._marks.type_names[view._lanes.types[1]]]


def test_that_hovering_shows_stored_text_as_it_is(view: TimelineView) -> None:
    text = view._hover_text(spot(view, 5))
    assert text.splitlines()[:2] == [HTML, "version 6"]
    assert "undecodable" in view._hover_text(spot(view, 2))
    view.set_axis("time")
    assert "no time" in view._hover_text(spot(view, 4))


@pytest.mark.parametrize("count", [0, 1, 2, 200_000])
@pytest.mark.parametrize("axis", ["version", "time"])
def test_that_any_number_of_events_is_painted(qtbot: QtBot, count: int, axis: str) -> None:
    view = TimelineView()
    qtbot.addWidget(view)
    view.resize(900, 300)
    view.show()
    kinds = np.arange(count, dtype=np.int32) % 2
    times = np.full(count, 5, np.int64)
    view.set_stream(Marks(list(range(count)), times, kinds, ("a", "b"), np.zeros(count, np.uint8)))
    view.set_axis(axis)
    view.set_playhead(count - 1)
    assert not view.grab().isNull()


def test_that_tracks_follow_the_timelines_axis_and_lead_to_events(view: TimelineView, qtbot: QtBot) -> None:
    tracks = FieldTracksView()
    qtbot.addWidget(tracks)
    tracks.resize(900, 200)
    tracks.show()
    tracks.share_axis(view)
    tracks.set_tracks([Track("status", [0, 20], ['"new"', '"paid"'], [False, False]), Track(HTML, [5], ["1"], [False])])
    tracks.set_playhead(25)
    with qtbot.waitSignals([tracks.track_selected, tracks.edge_clicked]):
        x = LABELS + round(view.model.pixel_of(22))
        qtbot.mouseClick(tracks.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 13))
    with qtbot.waitSignal(tracks.edge_clicked) as clicked:
        qtbot.mouseClick(tracks.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 13))
    assert clicked.args == [20]
    assert not tracks.grab().isNull()


def test_that_a_click_among_merged_segments_leads_to_the_change_under_it(qtbot: QtBot) -> None:
    timeline, tracks = TimelineView(), FieldTracksView()
    for widget in (timeline, tracks):
        qtbot.addWidget(widget)
        widget.resize(900, 200)
        widget.show()
    timeline.set_stream(marks(5_000))
    tracks.share_axis(timeline)
    tracks.set_tracks([Track("count", range(5_000), ["1"] * 5_000, [False] * 5_000)])
    with qtbot.waitSignal(tracks.edge_clicked) as clicked:
        x = LABELS + round(timeline.model.pixel_of(4_000))
        qtbot.mouseClick(tracks.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 13))
    assert abs(clicked.args[0] - 4_000) <= 7


def test_that_many_tracks_cost_only_those_in_sight(qtbot: QtBot) -> None:
    tracks, timeline = FieldTracksView(), TimelineView()
    for widget in (tracks, timeline):
        qtbot.addWidget(widget)
    tracks.resize(900, 200)
    tracks.show()
    timeline.set_stream(marks())
    tracks.share_axis(timeline)
    tracks.set_tracks([Track(f"field{i}", [i % 40], ["1"], [False]) for i in range(100_000)])
    tracks.select_path("field99999")
    tracks.grab()
    assert 0 < len(tracks._starts) <= 10
