"""The window as a person uses it, on a real store."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from esviewer.session import recall
from esviewer.ui.main_view import MainView
from tests.ui.windows import Window, settle

BUSY_BOOK = "b9ae5c8f-1fca-4da2-b744-001a6aa45fe0"


@pytest.fixture
def view(window: Window, sample: str, qtbot: QtBot) -> MainView:
    """The sample with its busiest book open."""
    view = window(sample)
    open_stream(view, qtbot, BUSY_BOOK)
    return view


def open_stream(view: MainView, qtbot: QtBot, name: str) -> None:
    view.open_stream(view.session.store, name)
    qtbot.waitUntil(lambda: view.session.stream is not None and not view.jobs.busy, timeout=10_000)


def test_that_the_first_screen_answers_what_is_in_the_store(window: Window, sample: str) -> None:
    view = window(sample)
    assert view.session.store is not None
    tiles = view.tabs.currentWidget()._tiles._values  # type: ignore[attr-defined]
    assert tiles["Events"].text() == "1\u202f605"
    assert tiles["Streams"].text() == "357"
    assert view.sidebar.model.rowCount() == 357


def test_that_pasting_an_id_into_the_box_and_enter_opens_the_stream(window: Window, sample: str, qtbot: QtBot) -> None:
    view = window(sample)
    view.show_palette()
    view.palette_.box.setText(BUSY_BOOK.replace("-", "").upper())
    qtbot.keyClick(view.palette_.box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: view.session.stream is not None, timeout=10_000)
    assert view.session.stream is not None and view.session.stream.name == BUSY_BOOK


def test_that_arrow_keys_home_and_end_move_the_playhead_and_everything_follows(view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    assert stream is not None
    qtbot.keyClick(view, Qt.Key.Key_Home)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert stream.playhead == 1
    assert view.inspector.state_panel.title == "State at version 2"
    assert view.transport.version.text() == "2"
    assert view.current_tab is not None and view.current_tab.table.playhead == 1
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert stream.playhead == len(stream.events) - 1


def test_that_a_version_or_a_date_typed_in_moves_the_playhead(view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    assert stream is not None
    view.transport.version.setText("19")
    qtbot.keyClick(view.transport.version, Qt.Key.Key_Return)
    assert stream.event.version == 19
    view.transport.time.setText("2024-01-01")
    qtbot.keyClick(view.transport.time, Qt.Key.Key_Return)
    before = stream.event.recorded_at
    after = stream.events[stream.playhead + 1].recorded_at
    assert before is not None and after is not None
    assert before < 1_704_153_600_000_000 <= after
    view.transport.version.setText("999")
    qtbot.keyClick(view.transport.version, Qt.Key.Key_Return)
    assert view.status.said == "This stream has no version 999; it has 1 to 117."


def test_that_a_click_on_a_field_tells_who_set_it_and_who_before(view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    assert stream is not None
    panel = view.inspector.state_panel
    row = next(i for i, row in enumerate(panel.view.rows) if row.path == "condition")
    qtbot.mouseClick(
        panel.view.viewport(),
        Qt.MouseButton.LeftButton,
        pos=panel.view.viewport().rect().topLeft() + point(60, row * 26 + 13 - panel.view.verticalScrollBar().value()),
    )
    assert stream.selected_path == "condition"
    last, before = (label.text() for label, _ in panel.field._rows)
    writer = stream.history.writer("condition", stream.playhead)
    assert writer is not None and f"v{writer.version}" in last
    assert before.startswith("Before that at v")
    panel.field._rows[0][1].click()
    assert stream.playhead == writer.index
    qtbot.keyClick(view, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    assert stream.playhead in stream.history.writers["condition"] and stream.playhead < writer.index


def point(x: int, y: int):  # type: ignore[no-untyped-def]
    from PySide6.QtCore import QPoint

    return QPoint(x, y)


def test_that_the_state_is_right_at_every_version_while_dragging(view: MainView) -> None:
    stream = view.session.stream
    assert stream is not None
    for index in [*range(0, 117, 7), *range(116, -1, -5)]:
        stream.move(index)
        plain: dict[str, object] = {}
        for event in stream.events[: index + 1]:
            if isinstance(event.data, dict):
                plain.update(event.data)
        shown = {name: value for name, value in stream.history.state_at(index).items() if name in plain}
        assert shown == plain
        assert view.inspector.event_panel.title.endswith(str(stream.event.type).rsplit(".", 1)[-1])


def test_that_back_and_forward_walk_the_places_with_their_playheads(view: MainView, qtbot: QtBot) -> None:
    first = view.session.stream
    assert first is not None
    first.move(10)
    open_stream(view, qtbot, "12d26e00-e58a-4374-a112-91fecc5e7a5e")
    qtbot.waitUntil(lambda: view.session.stream is not first)
    view.navigation.go(-1)
    assert view.session.stream is first and first.playhead == 10
    view.navigation.go(1)
    assert view.session.stream is not first


def test_that_a_position_leads_to_its_event(view: MainView, qtbot: QtBot) -> None:
    store = view.session.store
    assert store is not None
    view.navigation.to_position(store, 700)
    qtbot.waitUntil(
        lambda: view.session.stream is not None and view.session.stream.event.position == 700, timeout=10_000
    )


def test_that_what_was_open_comes_back(window: Window, sample: str, qtbot: QtBot) -> None:
    view = window(sample)
    open_stream(view, qtbot, BUSY_BOOK)
    assert view.session.stream is not None and view.current_tab is not None
    view.session.stream.move(30)
    view.current_tab.set_axis("time")
    view.choose_theme("dark")
    view.frame.close()
    assert recall().theme == "dark"
    again = window()
    qtbot.waitUntil(lambda: again.session.stream is not None and not again.jobs.busy, timeout=10_000)
    assert again.session.stream is not None
    assert (again.session.stream.name, again.session.stream.playhead, again.session.stream.axis) == (
        BUSY_BOOK,
        30,
        "time",
    )
    again.choose_theme("light")


def test_that_a_dropped_file_is_opened_and_one_that_is_none_is_told_in_a_sentence(
    window: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    view = window()
    (tmp_path / "text.sqlite").write_text("hello, no database here")
    view.databases.open(str(tmp_path / "text.sqlite"))
    qtbot.waitUntil(lambda: bool(view.told), timeout=10_000)
    (sentence,) = view.told
    assert "not a SQLite database" in sentence
    assert not view.session.databases


def test_that_filtering_streams_takes_parts_of_ids_with_or_without_dashes(view: MainView) -> None:
    view.sidebar.filter.setText("b9ae5c8f1fca")
    assert view.sidebar.model.rowCount() == 1
    view.sidebar.filter.setText("")
    assert view.sidebar.model.rowCount() == 357


def test_that_every_action_is_in_the_menu_and_in_the_box(view: MainView) -> None:
    texts = {entry.text for entry in view.actions_.entries()}
    assert {"Open a file", "Back", "Time axis", "Keyboard shortcuts", "Dark theme"} <= texts
    assert view.palette_.entries("time axis")[0].text == "Time axis"


def test_that_encrypted_payloads_ask_for_their_key_once_and_open_with_it(
    window: Window, shared_store: Callable[[str, str], Path], qtbot: QtBot
) -> None:
    from esviewer.ui.key_dialog import KeyDialog

    view = window(str(shared_store("es_library_aes", "lending.sqlite.gz")))
    qtbot.waitUntil(lambda: view.findChild(KeyDialog) is not None, timeout=10_000)
    dialog = view.findChild(KeyDialog)
    assert dialog is not None
    assert view.session.store is not None and view.session.store.index.undecodable() == 2022
    view.databases.use_key(view.session.store, b"not-a-secret-test-key-32-bytes!!", False)
    dialog.close()
    qtbot.waitUntil(lambda: view.session.store is not None and view.session.store.index.complete, timeout=20_000)
    settle(view, qtbot)
    assert view.session.store is not None and view.session.store.index.undecodable() == 0


def test_that_closing_a_database_brings_the_welcome_back(view: MainView) -> None:
    view.close_database(view.session.databases[0])
    assert view.pages.currentWidget() is view.welcome
    assert view.tabs.count() == 0


def test_that_new_events_appear_while_following_and_the_playhead_stays(
    window: Window, sample: str, qtbot: QtBot
) -> None:
    view = window(sample)
    open_stream(view, qtbot, BUSY_BOOK)
    stream, store = view.session.stream, view.session.store
    assert stream is not None and store is not None
    stream.move(40)
    view.actions_.live.setChecked(True)
    writer = sqlite3.connect(sample)
    row = (BUSY_BOOK.replace("-", ""), 118, "lending.stock:Copy.Shelved", b'{"shelf":"NEW"}')
    writer.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", row)
    writer.commit()
    qtbot.waitUntil(lambda: len(stream.events) == 118, timeout=10_000)
    assert stream.playhead == 40 and store.index.length == 1606
    stream.move(117)
    writer.execute("INSERT INTO stored_events VALUES (?, 119, ?, ?)", (row[0], *row[2:]))
    writer.commit()
    writer.close()
    qtbot.waitUntil(lambda: len(stream.events) == 119, timeout=10_000)
    assert stream.playhead == 118
    assert view.transport.of.text() == "of 119"
    view.actions_.live.setChecked(False)
    settle(view, qtbot)


def test_that_shift_and_click_compare_two_versions(view: MainView, qtbot: QtBot) -> None:
    stream, tab = view.session.stream, view.current_tab
    assert stream is not None and tab is not None
    stream.move(60)
    x = 168 + round(tab.timeline.model.pixel_of(10))
    qtbot.mouseClick(
        tab.timeline, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, point(x, tab.timeline.height() // 2)
    )
    assert stream.mark is not None and abs(stream.mark - 10) <= 1 and stream.playhead == 60
    panel = view.inspector.state_panel
    assert panel.title == f"State from version {stream.mark + 1} to 61"
    before, after = stream.history.state_at(stream.mark)["condition"], stream.history.state_at(60)["condition"]
    (row,) = [row for row in panel.view.rows if row.path == "condition"]
    assert (row.change, row.before, row.text) == ("changed", str(before), str(after))
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert stream.mark is None and panel.title == "State at version 61"


def test_that_text_and_conditions_are_found_and_lead_to_their_events(view: MainView, qtbot: QtBot) -> None:
    store = view.session.store
    assert store is not None
    view.show_find()
    tab, line = view.tables.tab_of(store), view.filter_bar.line
    assert tab is not None
    line.setText("MULTATULI")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    settle(view, qtbot)
    assert tab.view.table.count and store.rows is not None
    assert {store.index.types[ordinal] for ordinal in store.index.column("type")[store.rows].tolist()} == {
        "lending.stock:Copy.Acquired"
    }
    view.filter_bar.clear_filter()
    line.setText("where:\"data.condition < `2` && type != 'x'\"")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    settle(view, qtbot)
    assert store.rows is not None and len(store.rows) == tab.view.table.count > 0
    key = store.index.key_of(tab.view.row_at(0))
    tab.view.activated.emit(0)
    qtbot.waitUntil(lambda: view.session.stream is not None and view.session.stream.event.key == key, timeout=10_000)
    event = view.session.stream.event if view.session.stream is not None else None
    assert event is not None and event.data["condition"] < 2  # type: ignore[index]
