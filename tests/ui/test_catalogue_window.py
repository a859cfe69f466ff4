"""The catalogue in the window: where it comes from, what it says of every event, how it is changed and kept."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from esviewer.catalogue import files
from esviewer.catalogue.coverage import Coverage
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue, EventType
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.versions import NoFit
from esviewer.domain import Event
from esviewer.session import StoreSession, recall
from esviewer.stores.address import parse as parse_address
from esviewer.stores.database import open_database
from esviewer.stores.filters import STATUSES, parse
from esviewer.ui.catalogue_facts import CellFact
from esviewer.ui.catalogue_rows import NO_FIT, columns_of, rows_of
from esviewer.ui.catalogue_tab import CatalogueTab
from esviewer.ui.findings_tab import FindingsTab
from esviewer.ui.main_view import MainView
from esviewer.ui.overview import Overview
from esviewer.ui.statuses import CODES, LOOKS, next_flagged, status_word
from esviewer.ui.store_table import StoreTableTab
from tests.shared_stores import SHARED
from tests.ui.windows import Window, settle

LOAN = "lending.loans:Loan"
MEMBER = "lending.members:Member"
COUNTED = "lending.stock:Branch.StockCounted"
UPCASTERS = """
    upcasters:
      # In release 2 the day got its name.
      - {from: 1, to: 2, steps: [{rename: {due: due_on}}]}
      - {from: 2, to: 3, steps: [{default: {desk: unknown}}]}
"""


def events_of(path: str) -> list[Event]:
    database = open_database(parse_address(path))
    reader = database.reader(next(found for found, _ in database.with_indexes()))
    try:
        return list(reader.events())
    finally:
        reader.close()
        database.close()


@pytest.fixture
def catalogue_file(sample: str, tmp_path: Path) -> Path:
    """What the sample's own events say, confirmed; old loans are upcast, renewals blocked, waived charges unknown."""
    seen = infer(events_of(sample))
    types = {name: known for name, known in seen.types.items() if not name.endswith("Charge.Waived")}
    text = files.dump(replace(seen, types=types, inferred=False, origin="file"))
    head, _, tail = text.partition(f"  {LOAN}.Started:\n")
    own, mark, rest = tail.partition("\n  lending.")
    path = tmp_path / "lending.yaml"
    path.write_text(
        f"# What the lending library writes today.\n{head}  {LOAN}.Started:\n{own}{UPCASTERS}{mark[1:]}{rest}"
    )
    assert len(files.load(path).catalogue.types[f"{LOAN}.Started"].upcasters) == 2
    return path


@pytest.fixture
def view(window: Window, sample: str, catalogue_file: Path, qtbot: QtBot) -> MainView:
    """The sample, judged by a catalogue."""
    view = window(sample)
    view.catalogues.open(store_of(view), catalogue_file)
    settle(view, qtbot)
    return view


def store_of(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


def current_of(view: MainView) -> Catalogue:
    current = store_of(view).catalogue.current
    assert current is not None
    return current


def open_first(view: MainView, qtbot: QtBot, type_name: str) -> None:
    """Opens the stream of the first event of a type, with the playhead on it."""
    index = store_of(view).index
    rows = np.flatnonzero(index.column("type") == index.types.index(type_name))
    view.navigation.to_row(store_of(view), int(rows[0]))
    settle(view, qtbot)


def catalogue_tab(view: MainView, qtbot: QtBot) -> CatalogueTab:
    view.actions_.catalogue.trigger()
    settle(view, qtbot)
    tab = view.tabs.currentWidget()
    assert isinstance(tab, CatalogueTab)
    return tab


def counts(view: MainView) -> dict[Status, int]:
    return dict(view.catalogues.counts_of(store_of(view)))


# Words


def test_that_filters_know_every_status_by_the_code_that_the_window_gives_it() -> None:
    assert [status_word(status) for status in Status] == list(STATUSES)
    assert [CODES[status] for status in Status] == list(range(1, len(STATUSES) + 1))
    assert set(LOOKS) == set(Status)


def test_that_statuses_in_a_filter_are_a_choice_and_unjudged_rows_are_never_meant(view: MainView) -> None:
    index, codes = store_of(view).index, store_of(view).catalogue.statuses
    assert codes is not None
    either = parse("is:upcast is:blocked").rows(index, statuses=codes)
    assert either.tolist() == np.flatnonzero(np.isin(codes, [CODES[Status.UPCAST], CODES[Status.BLOCKED]])).tolist()
    part = parse("-is:current").rows(index, statuses=codes[:300])
    assert part.tolist() == np.flatnonzero(codes[:300] != CODES[Status.CURRENT]).tolist()


def test_that_the_nearest_flagged_place_leaves_out_what_is_ignored_or_current() -> None:
    codes = np.array([CODES[s] for s in (Status.UPCAST, Status.CURRENT, Status.IGNORED, Status.BLOCKED)], np.uint8)
    assert next_flagged(codes, 0, 1) == 3
    assert next_flagged(codes, 3, -1) == 0
    assert next_flagged(codes, 3, 1) is None
    assert next_flagged(codes, -1, 1) == 0


# What every event is told


def test_that_every_row_has_the_status_and_every_cell_the_figures_that_the_rules_give(
    view: MainView, sample: str
) -> None:
    store = store_of(view)
    judge, coverage = Judge(current_of(view), tuple(store.index.types)), Coverage()
    expected = []
    for event in events_of(sample):
        found = judge.assess(event)
        coverage.see(event, found)
        expected.append(CODES[found.status])
    judged = view.catalogues.judged_of(store)
    assert judged.codes.tolist() == expected
    assert judged.counts == {status: count for status, count in coverage.statuses.items() if count}
    told = {
        (fact.type, fact.version): (fact.count, dict(fact.statuses), fact.streams, store.index.position_of(fact.first))
        for fact in judged.facts
    }
    assert told == {
        key: (cover.count, dict(cover.statuses), len(cover.streams), cover.first_position)
        for key, cover in coverage.covers.items()
    }
    assert {Status.UNKNOWN_TYPE, Status.BLOCKED, Status.UPCAST} < set(judged.counts)


def test_that_a_number_in_the_status_line_shows_exactly_these_events(view: MainView, qtbot: QtBot) -> None:
    found = counts(view)
    assert view.status.statuses.texts == [
        f"{found[Status.UNKNOWN_TYPE]} unknown", f"{found[Status.BLOCKED]} blocked", f"{found[Status.UPCAST]} to upcast",
    ]  # fmt: skip
    view.status.statuses.button(Status.BLOCKED).click()
    settle(view, qtbot)
    assert store_of(view).filter.words == "is:blocked"
    tab = view.tabs.currentWidget()
    assert isinstance(tab, StoreTableTab) and tab.view.table.count == found[Status.BLOCKED]
    view.status.statuses.button(Status.UPCAST).click()
    settle(view, qtbot)
    assert store_of(view).filter.words == "is:upcast"


def test_that_a_status_without_a_catalogue_is_told_to_need_one(window: Window, sample: str, qtbot: QtBot) -> None:
    view = window(sample)
    view.filtering.set_words(store_of(view), "is:upcast")
    settle(view, qtbot)
    assert any("Only a catalogue tells" in sentence for sentence in view.told)
    assert view.status.statuses.texts == []


def test_that_a_filter_by_status_follows_the_catalogue(view: MainView, qtbot: QtBot) -> None:
    store = store_of(view)
    view.filtering.set_words(store, "is:unknown-type")
    settle(view, qtbot)
    assert store.rows is not None and len(store.rows) == counts(view)[Status.UNKNOWN_TYPE] > 0
    types = {name: known for name, known in current_of(view).types.items() if name != f"{LOAN}.Renewed"}
    view.catalogues.edit(store, replace(current_of(view), types=types))
    settle(view, qtbot)
    assert store.rows is not None and len(store.rows) == counts(view)[Status.UNKNOWN_TYPE] > 40


def test_that_a_stream_shows_statuses_on_its_timeline_and_in_its_table(view: MainView, qtbot: QtBot) -> None:
    open_first(view, qtbot, f"{LOAN}.Started")
    tab = view.current_tab
    assert tab is not None and tab.statuses is not None
    assert tab.statuses[0] == CODES[Status.UPCAST]
    assert tab.table.rows.status(0) is Status.UPCAST
    assert "to upcast" in str(tab.table.rows.index(0, 0).data(Qt.ItemDataRole.ToolTipRole))
    tab.timeline.show_card()
    card = tab.timeline.hovering.card
    assert card is not None and "to upcast" in card.flags
    view.filtering.set_words(store_of(view), "is:upcast")
    settle(view, qtbot)
    assert [tab.table.rows.passes(place) for place in range(2)] == [True, False]


def test_that_keys_walk_the_flagged_events_of_the_store_from_the_overview_and_then_of_the_stream(
    view: MainView, qtbot: QtBot
) -> None:
    codes = store_of(view).catalogue.statuses
    assert codes is not None
    view.navigation.to_flagged(1)
    settle(view, qtbot)
    stream = view.session.stream
    assert stream is not None
    first = next_flagged(codes, -1, 1)
    assert first is not None and stream.event.position == store_of(view).index.position_of(first)
    view.navigation.to_flagged(1)
    assert view.status.said == "No later event of this stream is flagged."
    view.overviews.show(store_of(view))
    view.navigation.to_flagged(1)
    settle(view, qtbot)
    second = next_flagged(codes, first, 1)
    assert second is not None and view.session.stream is not None
    assert view.session.stream.event.position == store_of(view).index.position_of(second)


def test_that_the_inspector_tells_why_and_shows_what_projections_see(view: MainView, qtbot: QtBot) -> None:
    open_first(view, qtbot, f"{LOAN}.Started")
    panel = view.inspector.event_panel
    assert panel.status.text.startswith("To upcast: version 1 → 3.")
    panel.show_part("Upcast")
    stages = [panel.upcast.stages.tabText(place) for place in range(panel.upcast.stages.count())]
    assert stages == ["Stored", "1 → 2", "2 → 3", "Result"]
    marks = {row.path: row.change for row in panel.upcast.view.rows}
    assert (
        marks["due_on._data_"] == "added"
        and marks["due._data_"] == "removed"
        and marks["desk"] == "added"
        and marks["member_id"] is None
    )
    panel.upcast.stages.setCurrentIndex(1)
    assert panel.upcast.words == "rename due → due_on"
    assert "desk" not in {row.path for row in panel.upcast.view.rows}


def test_that_the_upcast_goes_with_an_event_that_needs_none_and_comes_back_with_the_next(
    view: MainView, qtbot: QtBot
) -> None:
    open_first(view, qtbot, f"{LOAN}.Started")
    panel, stream = view.inspector.event_panel, view.session.stream
    assert stream is not None
    panel.show_part("Upcast")
    stream.move(1)
    assert not panel.upcast.isVisible() and panel.payload.isVisible() and panel.status.isHidden()
    stream.move(0)
    assert panel.upcast.isVisible() and not panel.payload.isVisible()


# Where it comes from


def test_that_against_an_inferred_catalogue_nothing_is_unknown_until_it_is_confirmed(
    window: Window, sample: str, qtbot: QtBot
) -> None:
    view = window(sample)
    view.catalogues.infer(store_of(view))
    settle(view, qtbot)
    assert set(counts(view)) == {Status.CURRENT} and view.status.statuses.texts == ["all current"]
    tab = catalogue_tab(view, qtbot)
    tab.hint.confirm.click()
    settle(view, qtbot)
    assert not current_of(view).inferred and tab.hint.isHidden()
    assert counts(view)[Status.BLOCKED] == 217


@pytest.mark.shared
def test_that_sources_of_the_last_release_flag_what_the_answers_name(
    window: Window, shared_store: Callable[[str, str], Path], answers: Callable[..., dict[str, Any]], qtbot: QtBot
) -> None:
    view = window(str(shared_store("es_library_sqlite", "lending.sqlite.gz")))
    view.catalogues.read_sources(store_of(view), SHARED / "stores" / "make" / "eventsourcing_library" / "r3")
    settle(view, qtbot)
    assert counts(view)[Status.UNKNOWN_TYPE] == 71 and counts(view)[Status.UPCAST] == 2_693
    assert not {Status.BLOCKED, Status.FROM_FUTURE, Status.UPCAST_FAILED, Status.SHAPE_MISMATCH} & set(counts(view))


def test_that_a_file_that_is_no_catalogue_is_told_and_changes_nothing(
    view: MainView, qtbot: QtBot, tmp_path: Path
) -> None:
    before = current_of(view)
    broken = tmp_path / "broken.yaml"
    broken.write_text("types: {A: {current: [1]}}")
    view.catalogues.open(store_of(view), broken)
    settle(view, qtbot)
    assert current_of(view) is before
    assert any("broken.yaml" in sentence for sentence in view.told)


# The tab


def test_that_types_stand_down_and_versions_across_with_the_worst_first(view: MainView, qtbot: QtBot) -> None:
    tab = catalogue_tab(view, qtbot)
    assert tab.table.types.titles == ["Type", "Events", "1", "2", "3", "First", "Last"]
    names = [row.name for row in tab.table.types.rows]
    assert names[0].endswith("Charge.Waived")
    tab.table.choose(f"{LOAN}.Started")
    row = tab.table.chosen
    assert row is not None
    assert [cell.worst for cell in row.cells.values()] == [Status.UPCAST, Status.UPCAST, Status.CURRENT]
    assert [cell.is_current for cell in row.cells.values()] == [False, False, True]


def test_that_a_version_that_fits_nothing_has_a_column_of_its_own_at_the_end(view: MainView) -> None:
    facts = [
        CellFact("A", version, 1, {Status.CURRENT: 1}, 1, 0, 0, ("A",)) for version in (10, 2, None, "1.0", NoFit())
    ]
    assert columns_of(rows_of(None, facts)) == ["(none)", "2", "10", "1.0", NO_FIT]


def test_that_an_edit_counts_at_once_and_saving_keeps_the_comments(
    view: MainView, qtbot: QtBot, catalogue_file: Path
) -> None:
    tab = catalogue_tab(view, qtbot)
    before = catalogue_file.read_text()
    tab.table.choose(COUNTED)
    tab.details.editor.reason.setText("counted elsewhere")
    tab.details.editor.ignore.setChecked(True)
    settle(view, qtbot)
    assert counts(view)[Status.IGNORED] == 6
    assert catalogue_file.read_text() == before and tab.save.isEnabled()
    tab.save.click()
    settle(view, qtbot)
    text = catalogue_file.read_text()
    assert "# What the lending library writes today." in text and "# In release 2 the day got its name." in text
    assert files.load(catalogue_file).catalogue.ignored[COUNTED].reason == "counted elsewhere"
    assert not tab.save.isEnabled()


def test_that_two_edits_in_a_row_both_count(view: MainView, qtbot: QtBot) -> None:
    tab = catalogue_tab(view, qtbot)
    tab.table.choose(f"{MEMBER}.Moved")
    editor = tab.details.editor
    editor.note.setText("since 2023")
    editor.note.editingFinished.emit()
    editor.starts.setChecked(True)
    known = current_of(view).types[f"{MEMBER}.Moved"]
    assert known.note == "since 2023" and known.starts_stream


def test_that_going_back_to_the_file_undoes_all_edits(view: MainView, qtbot: QtBot) -> None:
    tab = catalogue_tab(view, qtbot)
    tab.table.choose(f"{LOAN}.Started")
    editor = tab.details.editor
    editor.current.setCurrentText("2")
    editor.current.lineEdit().editingFinished.emit()  # type: ignore[union-attr]
    settle(view, qtbot)
    assert counts(view)[Status.FROM_FUTURE] == 43
    assert tab.hint.revert.isVisible()
    tab.hint.revert.click()
    settle(view, qtbot)
    assert Status.FROM_FUTURE not in counts(view) and not store_of(view).catalogue.is_edited


def test_that_an_unknown_type_can_be_another_name_of_a_known_one(view: MainView, qtbot: QtBot) -> None:
    tab = catalogue_tab(view, qtbot)
    tab.table.choose("lending.money:Charge.Waived")
    editor = tab.details.editor
    editor.target.setCurrentIndex(editor.target.findData("lending.money:Charge.Raised"))
    editor.rename.click()
    settle(view, qtbot)
    assert current_of(view).types["lending.money:Charge.Raised"].aliases == ("lending.money:Charge.Waived",)
    assert Status.UNKNOWN_TYPE not in counts(view)
    chosen = tab.table.chosen
    assert chosen is not None and chosen.name == "lending.money:Charge.Raised" and len(chosen.stored) == 2


def test_that_attributes_shapes_and_problems_come_with_a_check(view: MainView, qtbot: QtBot) -> None:
    tab = catalogue_tab(view, qtbot)
    tab.table.choose(f"{LOAN}.Renewed")
    tab.details.parts.setCurrentIndex(1)
    assert not tab.details.attributes.isVisible()
    tab.check.click()
    settle(view, qtbot)
    assert tab.details.attributes.isVisible()
    assert "Version 1" in tab.details.attributes.text() and "Version 2" in tab.details.attributes.text()
    tab.details.parts.setCurrentIndex(3)
    assert "U-GAP  A stored version has no upcaster" in tab.details.upcasters.text()
    tab.table.choose(f"{LOAN}.Started")
    tab.details.parts.setCurrentIndex(2)
    bands = tab.details.bands.bands
    assert [band.version for band in bands] == ["1", "2", "3"]
    assert "+due_on" in bands[1].words and "−due" in bands[1].words and bands[2].words == "+desk"
    with qtbot.waitSignal(tab.row_wanted) as gone:
        tab.details.bands.setFocus()
        qtbot.keyClick(tab.details.bands, Qt.Key.Key_Down)
        qtbot.keyClick(tab.details.bands, Qt.Key.Key_Return)
    assert gone.args == [bands[0].first]


# Growth and restart


def test_that_added_events_are_judged_and_only_they(view: MainView, sample: str, qtbot: QtBot) -> None:
    store = store_of(view)
    before = view.catalogues.judged_of(store)
    with sqlite3.connect(sample) as writer:
        row = writer.execute("SELECT * FROM stored_events WHERE topic = ?", (f"{LOAN}.Started",)).fetchone()
        writer.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", (row[0], 99, *row[2:]))
    view.following.look()
    settle(view, qtbot)
    after = view.catalogues.judged_of(store)
    assert len(after.codes) == len(before.codes) + 1 == store.index.length
    assert after.codes[-1] == CODES[Status.UPCAST]
    assert after.counts[Status.UPCAST] == before.counts[Status.UPCAST] + 1


def test_that_a_catalogue_comes_back_with_the_changes_that_were_not_saved(
    window: Window, sample: str, catalogue_file: Path, qtbot: QtBot
) -> None:
    view = window(sample)
    view.catalogues.open(store_of(view), catalogue_file)
    settle(view, qtbot)
    types = dict(current_of(view).types)
    del types[COUNTED]
    view.catalogues.edit(store_of(view), replace(current_of(view), types=types))
    settle(view, qtbot)
    found = counts(view)
    view.frame.close()
    assert recall().open[0]["catalogues"]["lending"]["path"] == str(catalogue_file)
    again = window()
    assert counts(again) == found and found[Status.UNKNOWN_TYPE] == 8
    held = store_of(again).catalogue
    assert held.path == catalogue_file and held.is_edited
    assert held.saved is not None and COUNTED in held.saved.types


def test_that_a_remark_is_no_reason_to_judge_anew(view: MainView, qtbot: QtBot) -> None:
    store = store_of(view)
    before = view.catalogues.judged_of(store)
    known = current_of(view).types[f"{MEMBER}.Moved"]
    changed = replace(known, note="since 2023", starts_stream=True)
    types = {**current_of(view).types, known.name: changed}
    view.catalogues.edit(store, replace(current_of(view), types=types))
    assert not view.catalogues.is_judging(store) and view.catalogues.judged_of(store) is before
    assert store.catalogue.is_edited


def test_that_what_is_being_typed_stays_while_figures_come_in(view: MainView, qtbot: QtBot) -> None:
    tab = catalogue_tab(view, qtbot)
    tab.table.choose(f"{MEMBER}.Moved")
    tab.details.editor.note.setText("half a sen")
    tab.refresh()
    assert tab.details.editor.note.text() == "half a sen"
    tab.table.choose(f"{LOAN}.Started")
    assert tab.details.editor.note.text() == ""


def test_that_a_file_that_is_no_catalogue_is_not_saved_over(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    other = tmp_path / "pipeline.yaml"
    other.write_text("stages: [build, test]\n")
    view.catalogues.save(store_of(view), other)
    settle(view, qtbot)
    assert other.read_text() == "stages: [build, test]\n"
    assert any("holds something else" in sentence for sentence in view.told)


def test_that_changes_come_back_though_the_file_is_gone(
    window: Window, sample: str, catalogue_file: Path, qtbot: QtBot
) -> None:
    view = window(sample)
    view.catalogues.open(store_of(view), catalogue_file)
    settle(view, qtbot)
    types = dict(current_of(view).types)
    del types[COUNTED]
    view.catalogues.edit(store_of(view), replace(current_of(view), types=types))
    settle(view, qtbot)
    view.frame.close()
    catalogue_file.unlink()
    again = window()
    assert COUNTED not in current_of(again).types and counts(again)[Status.UNKNOWN_TYPE] == 8


def test_that_closing_a_store_ends_its_threads(view: MainView, qtbot: QtBot) -> None:
    store = store_of(view)
    mine = tuple(f" {id(owner)}_0" for owner in (store, store.database))
    assert [thread for thread in threading.enumerate() if thread.name.endswith(mine)]
    view.close_database(store.database)
    qtbot.waitUntil(lambda: not [thread for thread in threading.enumerate() if thread.name.endswith(mine)])


def test_that_a_store_judged_by_nothing_shows_nothing(view: MainView, qtbot: QtBot) -> None:
    open_first(view, qtbot, f"{LOAN}.Started")
    view.catalogues.leave(store_of(view))
    settle(view, qtbot)
    assert store_of(view).catalogue.statuses is None and view.status.statuses.texts == []
    assert view.inspector.event_panel.status.isHidden()
    assert view.current_tab is not None and view.current_tab.statuses is None


# The overview


def test_that_the_overview_has_a_strip_of_flagged_events_that_leads_to_them(view: MainView, qtbot: QtBot) -> None:
    view.overviews.show(store_of(view))
    settle(view, qtbot)
    overview = view.tabs.currentWidget()
    assert isinstance(overview, Overview)
    density = overview.density
    layout, frame = density.lanes_layout, density.frame
    assert layout.has_ticks and frame is not None
    stopping = density.strip.ticks["time"].stopping
    assert len(stopping) == counts(view)[Status.UNKNOWN_TYPE] + counts(view)[Status.BLOCKED]
    x = layout.plot_width + layout.ticks.x()
    place = layout.ticks.center()
    place.setX(round(layout.ticks.x() + frame.pixel_of(int(stopping[-1]))))
    assert place.x() <= x and "not understood" in density.hover_text(place)
    with qtbot.waitSignal(overview.row_wanted) as gone:
        qtbot.mouseClick(density, Qt.MouseButton.LeftButton, pos=place)
    codes = store_of(view).catalogue.statuses
    assert codes is not None and codes[gone.args[0]] in (CODES[Status.BLOCKED], CODES[Status.UNKNOWN_TYPE])
    settle(view, qtbot)


def test_that_a_chain_through_python_code_is_shown_up_to_there_and_says_so(
    view: MainView, catalogue_file: Path, qtbot: QtBot
) -> None:
    text = catalogue_file.read_text()
    assert "steps: [{default: {desk: unknown}}]" in text
    catalogue_file.write_text(text.replace("steps: [{default: {desk: unknown}}]", "function: lending.old:loan_2_3"))
    view.catalogues.open(store_of(view), catalogue_file)
    settle(view, qtbot)
    open_first(view, qtbot, f"{LOAN}.Started")
    panel = view.inspector.event_panel
    panel.show_part("Upcast")
    stages = panel.upcast.stages
    assert [stages.tabText(place) for place in range(stages.count())] == ["Stored", "1 → 2"]
    assert panel.upcast.words.startswith("lending.old:loan_2_3 is Python code, which was not run.")
    assert "What comes before is shown." in panel.upcast.words


def test_that_the_overview_says_what_is_not_understood_and_leads_to_the_findings(view: MainView, qtbot: QtBot) -> None:
    view.overviews.show(store_of(view))
    settle(view, qtbot)
    overview = view.tabs.currentWidget()
    assert isinstance(overview, Overview)
    assert overview.wrong.text == "42 events are not understood by today's code: 2 unknown, 40 blocked."
    overview.wrong.findings_wanted.emit()
    assert isinstance(view.tabs.currentWidget(), FindingsTab)


def test_that_a_store_is_judged_by_the_catalogue_of_its_workspace_unless_it_was_sent_away(
    window: Window, sample: str, catalogue_file: Path, qtbot: QtBot
) -> None:
    (catalogue_file.parent / "esviewer.toml").write_text(f'catalogue = "{catalogue_file.name}"\n')
    view = window(sample)
    assert store_of(view).catalogue.path == catalogue_file and counts(view)[Status.UNKNOWN_TYPE] == 2
    view.catalogues.leave(store_of(view))
    settle(view, qtbot)
    view.frame.close()
    assert store_of(window()).catalogue.current is None


def test_that_judging_can_be_stopped_and_taken_up_again(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "many.sqlite"
    with sqlite3.connect(path) as writer:
        writer.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB,"
            " PRIMARY KEY (originator_id, originator_version))"
        )
        rows = [("s", number, "m:A.B", b'{"n":1}') for number in range(1, 40_001)]
        writer.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows)
    view = window(str(path))
    store = store_of(view)
    view.catalogues.edit(store, Catalogue(types={"m:A.B": EventType("m:A.B", current=1)}))
    view.catalogues.stop_judging(store)
    settle(view, qtbot)
    assert view.catalogues.is_stopped(store) and len(view.catalogues.judged_of(store).codes) < 40_000
    view.catalogues.go_on_judging(store)
    settle(view, qtbot)
    assert not view.catalogues.is_stopped(store) and counts(view) == {Status.CURRENT: 40_000}


def test_that_of_many_statuses_the_line_shows_the_worst_and_what_is_to_upcast(view: MainView) -> None:
    found = dict.fromkeys(Status, 2)
    view.status.show_statuses(found, False)
    assert view.status.statuses.texts == ["2 unknown", "2 undecodable", "2 from the future", "2 to upcast", "+5"]
