"""Events and states in the window as upcasters have them seen, and as they are stored by one key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from esviewer.catalogue import files
from esviewer.catalogue.files import parse
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue
from esviewer.projections.draft import RuleRow
from esviewer.projections.edited import FoldRules, rule_of
from esviewer.session import FoldChoice, StoreSession, StreamSession
from esviewer.ui.fold_dialog import FoldDialog
from esviewer.ui.main_view import MainView
from esviewer.ui.upcast_chip import KEY
from esviewer.workspace import save_fold
from tests.ui.test_catalogue_window import LOAN, UPCASTERS, events_of
from tests.ui.windows import Window, settle

STARTED = f"{LOAN}.Started"
OTHER = f"""
types:
  {STARTED}:
    current: 2
    upcasters: [{{from: 1, to: 2, steps: [{{rename: {{due: until}}}}]}}]
"""


@pytest.fixture
def upcasting(sample: str, tmp_path: Path) -> Path:
    """What the sample's own events say, confirmed; loans that were started are upcast from 1 to 3."""
    text = files.dump(replace(infer(events_of(sample)), inferred=False, origin="file"))
    head, mark, tail = text.partition(f"  {STARTED}:\n")
    own, following, rest = tail.partition("\n  lending.")
    path = tmp_path / "lending.yaml"
    path.write_text(head + mark + own + UPCASTERS + following[1:] + rest)
    return path


@pytest.fixture
def view(window: Window, sample: str, upcasting: Path, qtbot: QtBot) -> MainView:
    """The sample, judged by the catalogue, with a loan open and the playhead on its beginning."""
    view = window(sample)
    view.catalogues.open(store_of(view), upcasting)
    settle(view, qtbot)
    open_loan(view, qtbot)
    return view


def store_of(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


def stream_of(view: MainView) -> StreamSession:
    assert view.session.stream is not None
    return view.session.stream


def open_loan(view: MainView, qtbot: QtBot) -> None:
    index = store_of(view).index
    rows = np.flatnonzero(index.column("type") == index.types.index(STARTED))
    view.navigation.to_row(store_of(view), int(rows[0]))
    settle(view, qtbot)


def state_of(view: MainView) -> dict[str, object]:
    stream = stream_of(view)
    return stream.history.state_at(stream.playhead)


def shown(view: MainView) -> set[str]:
    """The fields of the payload that is shown."""
    return set(view.inspector.event_panel.payload.text_of("").replace('"', " ").split())


def use(view: MainView, qtbot: QtBot, catalogue: Catalogue) -> None:
    view.catalogues.edit(store_of(view), catalogue)
    settle(view, qtbot)


def press(view: MainView, qtbot: QtBot) -> None:
    tab = view.current_tab
    assert tab is not None
    QTest.keyClick(tab.timeline, Qt.Key.Key_R)
    settle(view, qtbot)


def test_that_event_state_tracks_and_card_show_the_upcast_event_and_say_so(view: MainView, qtbot: QtBot) -> None:
    event, state, tab = view.inspector.event_panel, view.inspector.state_panel, view.current_tab
    assert tab is not None
    assert {"due_on", "desk"} <= state_of(view).keys() and "due" not in state_of(view)
    assert {"due_on", "desk"} <= shown(view) and "due" not in shown(view)
    assert event.chip.text() == "Upcast 1 → 3" and event.chip.isVisible()
    assert state.fold.chip.text() == "1 upcast" and state.fold.chip.is_upcast
    assert {"desk", "due_on._data_"} <= {track.path for track in tab.columns.tracks}
    tab.timeline.show_card()
    card = tab.timeline.hovering.card
    assert card is not None and "↑ upcast 1 → 3" in card.lines
    assert state.view.note_of("desk") == "Started v1 ↑"
    stream_of(view).select_path("desk")
    stream_of(view).move(1)
    assert event.chip.isHidden() and state.fold.chip.text() == "1 upcast"
    assert "upcast 1 → 3" in state.field._rows[0][0].text()


def test_that_one_key_shows_event_and_state_as_they_are_stored_and_back(view: MainView, qtbot: QtBot) -> None:
    stream = stream_of(view)
    press(view, qtbot)
    assert "due" in state_of(view) and "due_on" not in state_of(view)
    assert "due" in shown(view) and "due_on" not in shown(view)
    assert view.inspector.event_panel.chip.text() == "As stored"
    assert view.inspector.state_panel.fold.chip.text() == "As stored"
    assert stream_of(view) is stream and stream.playhead == 0
    # Remembered for what is opened later.
    view.close_current_tab()
    open_loan(view, qtbot)
    assert "due" in state_of(view)
    press(view, qtbot)
    assert "due_on" in state_of(view) and view.inspector.event_panel.chip.text() == "Upcast 1 → 3"


def test_that_the_chips_do_what_the_key_does_and_say_which_it_is(view: MainView, qtbot: QtBot) -> None:
    for chip in (view.inspector.event_panel.chip, view.inspector.state_panel.fold.chip):
        assert f"press {KEY}" in chip.accessibleDescription()
        chip.click()
        settle(view, qtbot)
    assert "due_on" in state_of(view)


def test_that_another_catalogue_folds_open_streams_anew_and_leaves_the_playhead(view: MainView, qtbot: QtBot) -> None:
    stream = stream_of(view)
    stream.select_path("desk")
    use(view, qtbot, parse(OTHER).catalogue)
    assert stream_of(view) is stream and stream.playhead == 0 and stream.selected_path == "desk"
    assert "until" in state_of(view) and view.inspector.event_panel.chip.text() == "Upcast 1 → 2"
    view.catalogues.leave(store_of(view))
    settle(view, qtbot)
    assert "due" in state_of(view) and stream.history.sights is None
    assert view.inspector.event_panel.chip.isHidden() and view.inspector.state_panel.fold.chip.isHidden()


def test_that_an_edit_that_judges_alike_folds_nothing_anew(view: MainView, qtbot: QtBot) -> None:
    history, current = stream_of(view).history, store_of(view).catalogue.current
    assert current is not None
    known = replace(current.types[STARTED], note="when a loan begins")
    use(view, qtbot, replace(current, types={**current.types, STARTED: known}))
    assert stream_of(view).history is history


def test_that_what_cannot_be_upcast_is_folded_as_stored_and_counted(view: MainView, qtbot: QtBot) -> None:
    text = OTHER.replace("rename: {due: until}", "split: {attribute: due, into: [a, b]}")
    use(view, qtbot, parse(text).catalogue)
    assert "due" in state_of(view)
    assert view.inspector.event_panel.chip.isHidden()
    # The other event is of a type that this catalogue does not know.
    stream_of(view).move(1)
    assert "2 folded as stored" in view.inspector.state_panel.fold.words.text()


def test_that_an_event_that_becomes_none_or_several_is_shown_so(view: MainView, qtbot: QtBot) -> None:
    use(view, qtbot, parse(OTHER.replace("{rename: {due: until}}", "{discard: null}")).catalogue)
    assert state_of(view) == {} and stream_of(view).history.changed[0] == ()
    assert view.inspector.event_panel.chip.text() == "Upcast 1 → no event"
    several = "{emit: [{type: A, attributes: [due]}, {type: B, attributes: [member_id]}]}"
    both = OTHER.replace("{rename: {due: until}}", several) + "  A: {current: 1}\n  B: {current: 1}\n"
    use(view, qtbot, parse(both).catalogue)
    assert set(state_of(view)) == {"due", "member_id"}
    assert view.inspector.event_panel.chip.text() == "Upcast 1 → 2 events"


def test_that_a_fold_of_the_workspace_is_given_upcast_events_and_stays_chosen(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    save_fold(tmp_path, FoldRules("loan", (rule_of(STARTED, "desk", "set place"),)))
    store, stream = store_of(view), stream_of(view)
    store.workspace = tmp_path
    view.folding.choose(store, stream.category, FoldChoice("loan"))
    settle(view, qtbot)
    assert state_of(view)["place"] == "unknown" and stream.history.fold.name == "loan"
    press(view, qtbot)
    assert "place" not in state_of(view) and stream.history.fold.name == "loan"
    assert store.folds[stream.category] == FoldChoice("loan")
    press(view, qtbot)
    view.folding.choose(store, stream.category, FoldChoice())
    press(view, qtbot)
    assert stream.history.fold.name == "inferred" and "desk" not in state_of(view)
    assert store.folds[stream.category] == FoldChoice()


def test_that_the_key_says_that_it_needs_a_catalogue(window: Window, sample: str, qtbot: QtBot) -> None:
    view = window(sample)
    open_loan(view, qtbot)
    history = stream_of(view).history
    press(view, qtbot)
    assert stream_of(view).history is history and not store_of(view).shows_stored


def test_that_rules_are_edited_over_what_upcasters_make_of_events(view: MainView, qtbot: QtBot) -> None:
    view.folding.edit()
    dialog = view.findChildren(FoldDialog)[-1]
    qtbot.waitUntil(lambda: not dialog._jobs.busy and dialog.table.model_.draft is not None, timeout=10_000)
    rows = [row for row in dialog.table.model_.rows if isinstance(row, RuleRow) and row.event_type == STARTED]
    assert {"due_on", "desk"} <= {row.attribute for row in rows} and "due" not in {row.attribute for row in rows}
    assert dialog._after_panel._note.text() == "the same"
    dialog.reject()


def test_that_letters_are_keys_of_the_window_in_the_table_of_events_too(view: MainView, qtbot: QtBot) -> None:
    tab = view.current_tab
    assert tab is not None
    tab.show_lower("table")
    QTest.keyClick(tab.table, Qt.Key.Key_R)
    settle(view, qtbot)
    assert "due" in state_of(view) and stream_of(view).playhead == 0
