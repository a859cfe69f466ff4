"""Trying changes in the window: drafts of a type, candidates for upcasters, and a second source of a catalogue."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from esviewer.catalogue import files
from esviewer.catalogue.drift import Drift
from esviewer.catalogue.drift_report import report
from esviewer.catalogue.inference import infer
from esviewer.catalogue.model import Catalogue, version_text
from esviewer.catalogue.status import Judge, Status
from esviewer.domain import Event
from esviewer.session import StoreSession
from esviewer.ui import catalogue_work
from esviewer.ui.catalogue_asking import MergeDialog
from esviewer.ui.catalogue_candidate import CandidatePage
from esviewer.ui.catalogue_draft import Column
from esviewer.ui.catalogue_simulator import SimulatorPage
from esviewer.ui.catalogue_tab import CatalogueTab
from esviewer.ui.main_view import MainView
from esviewer.ui.store_table import StoreTableTab
from tests.ui.test_catalogue_window import LOAN, UPCASTERS, events_of
from tests.ui.windows import Window, settle

STARTED = f"{LOAN}.Started"
RENEWED = f"{LOAN}.Renewed"


@pytest.fixture
def tab(window: Window, sample: str, tmp_path: Path, qtbot: QtBot) -> CatalogueTab:
    """The catalogue of the sample, in which loans that were started are upcast and renewals are blocked."""
    text = files.dump(replace(infer(events_of(sample)), inferred=False, origin="file"))
    head, _, tail = text.partition(f"  {STARTED}:\n")
    own, mark, rest = tail.partition("\n  lending.")
    path = tmp_path / "lending.yaml"
    path.write_text(f"{head}  {STARTED}:\n{own}{UPCASTERS}{mark[1:]}{rest}")
    view = window(sample)
    view.catalogues.open(store_of(view), path)
    settle(view, qtbot)
    view.actions_.catalogue.trigger()
    settle(view, qtbot)
    found = view.tabs.currentWidget()
    assert isinstance(found, CatalogueTab)
    return found


def store_of(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


def view_of(tab: CatalogueTab) -> MainView:
    view = tab.window().findChild(MainView)
    assert isinstance(view, MainView)
    return view


def current_of(tab: CatalogueTab) -> Catalogue:
    current = tab.store.catalogue.current
    assert current is not None
    return current


def draft(tab: CatalogueTab, name: str, qtbot: QtBot) -> SimulatorPage:
    tab.table.choose(name)
    tab.details.parts.setCurrentIndex(4)
    settle(view_of(tab), qtbot)
    return tab.details.simulator


def change(page: SimulatorPage, path: str, column: Column, value: object) -> None:
    model = page.table.model_
    place = next(number for number, row in enumerate(model.rows) if row.path == path)
    is_check = column in (Column.REQUIRED, Column.NULLABLE)
    role = Qt.ItemDataRole.CheckStateRole if is_check else Qt.ItemDataRole.EditRole
    assert model.setData(model.index(place, column), value, role)


def judged(page: SimulatorPage, tab: CatalogueTab, qtbot: QtBot) -> SimulatorPage:
    qtbot.waitUntil(lambda: page.verdict.affected is not None, timeout=10_000)
    settle(view_of(tab), qtbot)
    return page


# Drafts


def test_that_a_draft_has_its_verdict_at_once_and_that_of_the_data_a_moment_later(
    tab: CatalogueTab, qtbot: QtBot
) -> None:
    page = draft(tab, STARTED, qtbot)
    assert not page.verdict.isVisible()
    change(page, "desk", Column.NULLABLE, Qt.CheckState.Unchecked)
    assert page.verdict.isVisible() and page.verdict.readers.text.split()[0] == "FORWARD"
    judged(page, tab, qtbot)
    nulls = sum(
        1 for e in events_of(str(tab.store.database.address.path)) if e.type == STARTED and has_null_desk(e.data)
    )
    assert 0 < nulls == len(page._affected().rows)
    assert f"breaking in theory, {nulls} of 220 stored events affected" in page.verdict.readers.text.lower()
    assert page.verdict.reasons.text == f"{nulls} × desk is null"


def has_null_desk(data: object) -> bool:
    return isinstance(data, dict) and "desk" in data and data["desk"] is None


def test_that_what_breaks_in_theory_may_affect_no_stored_event(tab: CatalogueTab, qtbot: QtBot) -> None:
    page = draft(tab, STARTED, qtbot)
    change(page, "desk", Column.REQUIRED, Qt.CheckState.Unchecked)
    change(page, "member_id", Column.NULLABLE, Qt.CheckState.Checked)
    judged(page, tab, qtbot)
    tolerant, strict = page.verdict.readers.text.split("\n")
    assert tolerant == strict == "BACKWARD Compatible in theory, 0 of 220 stored events affected."
    assert not page.verdict.first.isVisible()


def test_that_affected_events_are_gone_to_and_exactly_they_are_shown_in_the_table(
    tab: CatalogueTab, qtbot: QtBot
) -> None:
    view, page = view_of(tab), draft(tab, STARTED, qtbot)
    change(page, "desk", Column.NULLABLE, Qt.CheckState.Unchecked)
    rows = judged(page, tab, qtbot)._affected().rows.tolist()
    with qtbot.waitSignal(tab.row_wanted) as gone:
        page.verdict.first.click()
    assert gone.args == [rows[0]]
    settle(view, qtbot)
    view.tabs.setCurrentWidget(tab)
    page.verdict.table.click()
    settle(view, qtbot)
    table = view.tabs.currentWidget()
    assert isinstance(table, StoreTableTab) and table.view.table.count == len(rows)
    assert tab.store.rows is not None and tab.store.rows.tolist() == rows


def test_that_a_second_edit_is_answered_without_reading_the_store(
    tab: CatalogueTab, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = draft(tab, STARTED, qtbot)
    change(page, "desk", Column.NULLABLE, Qt.CheckState.Unchecked)
    judged(page, tab, qtbot)

    def no_more(*_: object) -> None:
        raise AssertionError("the store was read again")

    monkeypatch.setattr("esviewer.ui.catalogue_trials.reader_of", no_more)
    change(page, "member_id", Column.TYPE, "int")
    judged(page, tab, qtbot)
    assert "220 × member_id is a string, not an int" in page.verdict.reasons.text


def test_that_a_name_that_is_taken_is_refused_and_a_removed_row_stays_to_come_back(
    tab: CatalogueTab, qtbot: QtBot
) -> None:
    page = draft(tab, STARTED, qtbot)
    model = page.table.model_
    assert not model.setData(model.index(0, Column.NAME), "desk")
    assert page._refused.isVisible() and "already" in page._refused.text()
    page.table.setCurrentIndex(model.index(0, Column.NAME))
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert model.rows[0].is_removed and page.verdict.isVisible() and not page._refused.isVisible()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert not page._draft.is_edited and not page.verdict.isVisible()


def test_that_drafts_stay_while_other_types_are_looked_at(tab: CatalogueTab, qtbot: QtBot) -> None:
    page = draft(tab, STARTED, qtbot)
    change(page, "desk", Column.NAME, "counter")
    draft(tab, RENEWED, qtbot)
    assert not page._draft.is_edited
    draft(tab, STARTED, qtbot)
    assert "counter" in [row.name for row in page.table.model_.rows]
    judged(page, tab, qtbot)


def test_that_the_stub_is_copied_and_the_draft_becomes_the_next_version_with_it(
    tab: CatalogueTab, qtbot: QtBot
) -> None:
    page = draft(tab, STARTED, qtbot)
    change(page, "desk", Column.NAME, "counter")
    page.verdict.copy.click()
    assert QGuiApplication.clipboard().text() == "- rename: {desk: counter}"
    page.verdict.version.click()
    settle(view_of(tab), qtbot)
    known = current_of(tab).types[STARTED]
    assert known.current == 4 and set(known.versions[4].attributes) >= {"counter"}
    assert [(edge.source, edge.target) for edge in known.upcasters] == [(1, 2), (2, 3), (3, 4)]
    assert tab.store.catalogue.is_edited and not page._draft.is_edited
    counted = dict(view_of(tab).catalogues.counts_of(tab.store))
    assert Status.UPCAST_FAILED not in counted and counted[Status.UPCAST] == 220


def test_that_advice_is_ranked_and_follows_what_only_a_person_can_say(tab: CatalogueTab, qtbot: QtBot) -> None:
    page = draft(tab, STARTED, qtbot)
    change(page, "desk", Column.NAME, "counter")
    lines = page.verdict.advice.text.split("\n")
    assert lines[0].startswith("1  Upcaster: ") and "✕  Weak schema: not suitable, loses" in page.verdict.advice.text
    page.verdict.kinds["meaning changed"].setChecked(True)
    lines = page.verdict.advice.text.split("\n")
    assert lines[0].startswith("1  New event type: ") and any(line.startswith("✕  Upcaster") for line in lines)


# Candidates


def candidate(tab: CatalogueTab, name: str, qtbot: QtBot) -> CandidatePage:
    tab.table.choose(name)
    tab.details.parts.setCurrentIndex(3)
    settle(view_of(tab), qtbot)
    tab.details.attempt.click()
    return tab.details.candidate


def write(page: CandidatePage, text: str, tab: CatalogueTab, qtbot: QtBot) -> None:
    page.editor.setPlainText(text)
    qtbot.waitUntil(lambda: not page._timer.isActive())
    settle(view_of(tab), qtbot)


def test_that_a_mistake_is_marked_on_its_line_and_cannot_be_tried(tab: CatalogueTab, qtbot: QtBot) -> None:
    page = candidate(tab, RENEWED, qtbot)
    assert (page.source.currentText(), page.target.currentText()) == ("1", "2")
    write(page, "- drop: x\n# why\n- renam: {a: b}\n", tab, qtbot)
    assert page.editor.wrong_line == 3 and page.note.text().startswith("Line 3: 'renam' is no step")
    assert not page.attempt.isEnabled() and not page.keep.isEnabled()
    write(page, "- drop: x\n", tab, qtbot)
    assert page.editor.wrong_line is None and page.attempt.isEnabled()


def test_that_a_candidate_is_tried_on_every_event_and_failures_lead_to_theirs(tab: CatalogueTab, qtbot: QtBot) -> None:
    page = candidate(tab, RENEWED, qtbot)
    write(page, "- convert: {loan_no: int}\n- expression: {half: to_number(nothing.there)}\n- drop: half\n", tab, qtbot)
    before = current_of(tab)
    write(page, "- split: {attribute: nothing, into: [a, b]}\n", tab, qtbot)
    page.attempt.click()
    settle(view_of(tab), qtbot)
    assert page.outcome.text().startswith("0 of 25 events that need it come through.")
    head = page.results.topLevelItem(0)
    assert head is not None and head.text(0) == "25 failing" and head.childCount() == 25
    failing = head.child(3)
    with qtbot.waitSignal(tab.position_wanted) as gone:
        page.results.itemActivated.emit(failing, 0)
    assert failing.text(0) == f"#{gone.args[0]:,}".replace(",", "\u202f")
    assert current_of(tab) is before


def test_that_a_chosen_event_is_shown_as_stored_after_the_hop_and_as_projections_see_it(
    tab: CatalogueTab, qtbot: QtBot
) -> None:
    page = candidate(tab, RENEWED, qtbot)
    write(page, steps_for_renewals(tab), tab, qtbot)
    page.attempt.click()
    settle(view_of(tab), qtbot)
    assert page.outcome.text() == "25 of 25 events that need it come through. Blocked 25 → 0, to upcast 0 → 25."
    stages = page.preview.stages
    assert page.preview.isVisible()
    assert [stages.tabText(place) for place in range(stages.count())] == ["Stored", "1 → 2", "Result"]
    assert {row.change for row in page.preview.view.rows} >= {"added", "removed"}
    page.keep.click()
    settle(view_of(tab), qtbot)
    assert dict(view_of(tab).catalogues.counts_of(tab.store))[Status.UPCAST] == 177 + 25
    assert page.isVisible()


def steps_for_renewals(tab: CatalogueTab) -> str:
    """What brings old renewals into the shape of new ones, in the sample."""
    known = current_of(tab).types[RENEWED]
    old, new = (set(known.versions[version].attributes) for version in (1, 2))
    gone, come = sorted(old - new), sorted(new - old)
    assert gone and come, (version_text(known.current_version), old, new)
    return "".join(f"- rename: {{{a}: {b}}}\n" for a, b in zip(gone, come, strict=False))


def test_that_an_upcaster_of_the_catalogue_is_opened_and_what_was_written_stays(
    tab: CatalogueTab, qtbot: QtBot
) -> None:
    tab.table.choose(STARTED)
    tab.details.parts.setCurrentIndex(3)
    tree = tab.details.upcasters
    version = tree.topLevelItem(0)
    assert version is not None
    tree.itemActivated.emit(version.child(0), 0)
    page = tab.details.candidate
    assert page.isVisible() and page.editor.toPlainText() == "- rename: {due: due_on}\n"
    write(page, "- drop: due\n", tab, qtbot)
    page.source.setCurrentText("2")
    page.target.setCurrentText("3")
    page._choose_edge()
    assert page.editor.toPlainText() == "- default: {desk: unknown}\n"
    page.begin(1, 2)
    assert page.editor.toPlainText() == "- drop: due\n"
    settle(view_of(tab), qtbot)


def test_that_a_trial_can_be_cancelled(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "many.sqlite"
    with sqlite3.connect(path) as writer:
        writer.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB,"
            " PRIMARY KEY (originator_id, originator_version))"
        )
        rows = [("s", number, "m:A.B", json.dumps({"n": number}).encode()) for number in range(1, 40_001)]
        writer.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows)
    view = window(str(path))
    view.catalogues.edit(
        store_of(view), files.parse("types: {'m:A.B': {current: 2, versions: {1: {}, 2: {}}}}").catalogue
    )
    view.actions_.catalogue.trigger()
    settle(view, qtbot)
    tab = view.tabs.currentWidget()
    assert isinstance(tab, CatalogueTab)
    page = candidate(tab, "m:A.B", qtbot)
    page.run()
    assert page.busy.isVisible()
    page.busy.cancel.click()
    settle(view, qtbot)
    assert not page.busy.isVisible() and page.outcome.text() == "It was not tried to the end."
    page.run()
    settle(view, qtbot)
    assert page.outcome.text().startswith("40\u202f000 of 40\u202f000 events")


# Drift


def test_that_drift_after_new_events_is_that_of_one_pass_and_reads_only_them(
    tab: CatalogueTab, sample: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    view, store = view_of(tab), tab.store
    tab.check.click()
    settle(view, qtbot)
    with sqlite3.connect(sample) as writer:
        row = writer.execute("SELECT * FROM stored_events WHERE topic = ?", (RENEWED,)).fetchone()
        new = [(row[0], number, row[2], json.dumps({"due": number}).encode()) for number in range(1_000, 2_000)]
        writer.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", new)
    view.following.look()
    settle(view, qtbot)
    read: list[Event] = []
    every = catalogue_work.all_events

    def counted(*arguments: Any) -> Iterator[Event]:
        for event in every(*arguments):
            read.append(event)
            yield event

    monkeypatch.setattr(catalogue_work, "all_events", counted)
    tab.check.click()
    settle(view, qtbot)
    assert [event.version for event in read] == list(range(1_000, 2_000))
    checked = view.catalogues.checked_of(store)
    judge = Judge(current_of(tab), tuple(store.index.types))
    assert checked is not None
    assert list(checked.drift) == list(report(Drift(current_of(tab)).extend(events_of(sample), judge)))


# A second source


SCHEMA = {"title": "OrderPlaced", "type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of schema files, which is what the reader chooses when asked for one."""
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "order_placed.v2.json").write_text(json.dumps(SCHEMA))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    return folder


def merging(view: MainView) -> MergeDialog:
    (found,) = (dialog for dialog in view.findChildren(MergeDialog) if dialog.isVisible())
    return found


def test_that_schema_files_are_read_without_a_question_where_there_is_no_catalogue(
    window: Window, sample: str, schemas: Path, qtbot: QtBot
) -> None:
    view = window(sample)
    view.actions_.catalogue.trigger()
    tab = view.tabs.currentWidget()
    assert isinstance(tab, CatalogueTab)
    tab._none.schemas.click()
    settle(view, qtbot)
    assert set(current_of(tab).types) == {"OrderPlaced"} and view.findChild(MergeDialog) is None
    assert "schema files" in (tab.store.catalogue.origin or "")


def test_that_a_second_source_adds_to_the_present_catalogue_or_takes_its_place(
    tab: CatalogueTab, schemas: Path, qtbot: QtBot
) -> None:
    view, before = view_of(tab), current_of(tab)
    path = tab.store.catalogue.path
    view.catalogues.asking.for_schemas(tab.store)
    merging(view).cancel.click()
    settle(view, qtbot)
    assert current_of(tab) is before
    view.catalogues.asking.for_schemas(tab.store)
    merging(view).merge.click()
    settle(view, qtbot)
    assert set(current_of(tab).types) == {*before.types, "OrderPlaced"}
    assert tab.store.catalogue.path == path and tab.store.catalogue.is_edited
    view.catalogues.asking.for_schemas(tab.store)
    merging(view).replace.click()
    settle(view, qtbot)
    assert set(current_of(tab).types) == {"OrderPlaced"} and tab.store.catalogue.path is None


def test_that_a_folder_without_schemas_is_told_and_changes_nothing(
    tab: CatalogueTab, tmp_path: Path, qtbot: QtBot
) -> None:
    before = current_of(tab)
    (tmp_path / "empty").mkdir()
    view_of(tab).catalogues.read_schemas(tab.store, tmp_path / "empty")
    settle(view_of(tab), qtbot)
    assert current_of(tab) is before
    assert any("no JSON Schema or Avro file" in sentence for sentence in view_of(tab).told)
