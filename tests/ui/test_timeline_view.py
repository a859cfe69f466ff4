"""The timeline and the field tracks under the mouse and the keyboard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from esviewer.projections.paths import Change
from esviewer.timeline import placement
from esviewer.timeline.gaps import Gap
from esviewer.timeline.marks import NO_TIME, UNDECODABLE, Marks
from esviewer.timeline.tracks import Track
from esviewer.ui import timeline_painting
from esviewer.ui.axis_model import LABELS
from esviewer.ui.field_tracks_view import FieldTracksView
from esviewer.ui.timeline_canvas import TOP
from esviewer.ui.timeline_card import placed
from esviewer.ui.timeline_gaps import label_y
from esviewer.ui.timeline_hover import Card, Facts
from esviewer.ui.timeline_view import TimelineView

HTML = "<b>Paid</b>"
SHIFT = Qt.KeyboardModifier.ShiftModifier


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
    before = [layer.pixmap.cacheKey() for layer in (view._ground, view._back, view._front)]
    view.set_playhead(12)
    view.grab()
    assert [layer.pixmap.cacheKey() for layer in (view._ground, view._back, view._front)] == before
    view.zoom_in()
    view.grab()
    assert [view._ground.pixmap.cacheKey()] == before[:1] and view._front.pixmap.cacheKey() != before[2]


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


def card(view: TimelineView, index: int, qtbot: QtBot) -> Card:
    qtbot.mouseMove(view, QPoint(LABELS + 3, TOP - 10))
    qtbot.mouseMove(view, spot(view, index))
    qtbot.waitUntil(lambda: view.hovering.card is not None)
    assert view.hovering.card is not None
    return view.hovering.card


def test_that_a_card_shows_stored_text_as_it_is(view: TimelineView, qtbot: QtBot) -> None:
    assert card(view, 5, qtbot).text.splitlines()[:2] == [HTML, "version 6"]
    view.hovering.close()
    assert "undecodable" in card(view, 2, qtbot).flags
    view.hovering.close()
    view.set_axis("time")
    assert "no time" in card(view, 4, qtbot).lines


def test_that_a_card_tells_the_first_changes_and_how_many_more(view: TimelineView, qtbot: QtBot) -> None:
    changes = [Change(f"field{n}", "changed", n, "<i>new</i>") for n in range(7)]
    view.set_facts(lambda index: Facts(changes, is_deleted=True))
    shown = card(view, 6, qtbot)
    assert len(shown.changes) == 5 and shown.changes[1] == ("field1", "1", '"<i>new</i>"')
    assert shown.rest == "and 2 more changes" and shown.flags == ("deleted",)


def test_that_a_card_of_a_crowd_counts_its_types(qtbot: QtBot, view: TimelineView) -> None:
    view.set_stream(marks(30_000))
    view.set_playhead(0)
    shown = card(view, 15_000, qtbot)
    assert shown.title.endswith(" events")
    assert sorted(name for _, name, _ in shown.counts) == sorted(("shop:Placed", "shop:Noted", HTML))
    together = sum(count for _, _, count in shown.counts)
    assert shown.title == f"{together} events" and together == pytest.approx(30_000 * 3 / view.model.scale.width, abs=3)


def test_that_the_card_of_the_playhead_follows_it_until_a_key_takes_it_away(view: TimelineView, qtbot: QtBot) -> None:
    view.setFocus()
    view.set_playhead(7)
    for away in (Qt.Key.Key_I, Qt.Key.Key_Escape):
        qtbot.keyClick(view, Qt.Key.Key_I)
        assert view.hovering.card is not None and view.hovering.card.lines[0] == "version 8"
        qtbot.keyClick(view, Qt.Key.Key_Period)
        assert view.hovering.card is not None and view.hovering.card.lines[0] == "version 11"
        view.set_playhead(7)
        view.zoom_in()
        assert view.hovering.card is not None and view.hovering.card.lines[0] == "version 8"
        assert view.hasFocus()
        qtbot.keyClick(view, away)
        assert view.hovering.card is None


@given(st.integers(0, 1900), st.integers(0, 1000), st.integers(50, 430), st.integers(50, 400))
def test_that_a_card_lies_on_the_screen_and_not_on_its_mark(x: int, y: int, width: int, height: int) -> None:
    screen, mark = QRect(0, 0, 1920, 1080), QRect(x, y, 9, 9)
    found = QRect(placed(QSize(width, height), mark, screen), QSize(width, height))
    assert screen.contains(found) and not found.intersects(mark)


def test_that_comma_and_period_walk_the_events_of_one_type(view: TimelineView, qtbot: QtBot) -> None:
    view.set_playhead(10)
    told: list[int] = []
    view.playhead_moved.connect(told.append)
    for key in (Qt.Key.Key_Period, Qt.Key.Key_Comma, Qt.Key.Key_Comma):
        qtbot.keyClick(view, key)
    assert told == [13, 10, 7]


def test_that_f_focuses_the_playhead_when_all_is_in_sight(view: TimelineView, qtbot: QtBot) -> None:
    whole = view.view_range()
    view.set_playhead(20)
    qtbot.keyClick(view, Qt.Key.Key_F)
    start, end = view.view_range()
    assert start < 20 < end and end - start < whole[1] - whole[0]
    qtbot.keyClick(view, Qt.Key.Key_F)
    assert view.view_range() == whole


def idle_marks() -> Marks:
    """Two bursts of twenty events, 41 days apart."""
    stream = marks(40)
    stream.times[4] = stream.times[3] + 60_000_000
    stream.times[20:] += 41 * 86_400_000_000
    return stream


def test_that_a_click_on_folded_time_opens_it_and_on_its_label_folds_it(view: TimelineView, qtbot: QtBot) -> None:
    view.set_stream(idle_marks())
    view.set_axis("time")
    (gap,) = view.model.gaps()
    assert not gap.is_open and "41 days" in view._hover_text(QPoint(middle(gap), TOP + 3))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(middle(gap), TOP + 3))
    (opened,) = view.model.gaps()
    assert opened.is_open and opened.right - opened.left > 10 * (gap.right - gap.left)
    assert view.playhead == 39
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(middle(opened), round(label_y(view._plot()))))
    assert view.model.gaps() == [gap]


def middle(gap: Gap) -> int:
    return LABELS + round((gap.left + gap.right) / 2)


def test_that_g_switches_folding_and_with_shift_the_gap_at_the_playhead(view: TimelineView, qtbot: QtBot) -> None:
    view.set_stream(idle_marks())
    view.set_axis("time")
    view.set_playhead(19)
    qtbot.keyClick(view, Qt.Key.Key_G, SHIFT)
    assert [gap.is_open for gap in view.model.gaps()] == [True]
    qtbot.keyClick(view, Qt.Key.Key_G, SHIFT)
    assert [gap.is_open for gap in view.model.gaps()] == [False]
    qtbot.keyClick(view, Qt.Key.Key_G)
    assert view.model.gaps() == [] and not view.fold_action.isChecked()
    view.set_axis("version")
    assert not view.fold_action.isEnabled()
    view.set_axis("time")
    assert view.model.gaps() == [] and view.fold_action.isEnabled()


def test_that_new_events_leave_opened_time_open(view: TimelineView) -> None:
    view.set_stream(idle_marks())
    view.set_axis("time")
    view.model.switch_gap(view.model.gaps()[0])
    grown = marks(41)
    grown.times[:40] = idle_marks().times
    grown.times[40] = grown.times[39] + 1_000_000
    view.set_stream(grown)
    assert [gap.is_open for gap in view.model.gaps()] == [True]


def test_that_tracks_break_where_time_is_folded(view: TimelineView, qtbot: QtBot) -> None:
    view.set_stream(idle_marks())
    tracks = FieldTracksView()
    qtbot.addWidget(tracks)
    tracks.resize(900, 200)
    tracks.show()
    tracks.share_axis(view)
    tracks.set_tracks([Track("status", [0, 20], ['"new"', '"paid"'], [False, False])])
    view.set_axis("time")
    (gap,) = view.model.gaps()
    assert tracks._edges(tracks._tracks[0])[1] == pytest.approx(gap.right, abs=15)


@pytest.mark.parametrize("axis", ["version", "time"])
def test_that_there_is_no_seam_between_single_events_and_counts(
    view: TimelineView, axis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    view.set_stream(marks(4_000))
    view.set_axis(axis)
    view.set_playhead(1_000)
    singly = view.grab().toImage()
    monkeypatch.setattr(placement, "MANY", 100)
    monkeypatch.setattr(timeline_painting, "MANY", 100)
    view._repaint_all()
    view.fit()
    assert view.model.placement.is_dense
    assert view.grab().toImage() == singly


def test_that_the_menu_offers_what_the_keys_do(view: TimelineView) -> None:
    texts = [action.text().partition("\t")[2] for action in view.menu().actions() if not action.isSeparator()]
    assert texts == ["G", "I", ",", ".", "W", "S", "F"]


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
