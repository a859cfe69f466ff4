"""What the rules found, in the window: grouped, told, gone to, exported, and kept apart from what is no longer so."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from esviewer.catalogue.inference import Inference
from esviewer.checks import check_store
from esviewer.domain import Event
from esviewer.domain.finding import SEVERITIES
from esviewer.session import StoreSession
from esviewer.ui import catalogue_work
from esviewer.ui.catalogue_facts import LISTED
from esviewer.ui.findings_details import finding_text
from esviewer.ui.findings_tab import FindingsTab
from esviewer.ui.main_view import MainView
from tests.ui.windows import Window, settle

RENEWED = "lending.loans:Loan.Renewed"


@pytest.fixture
def view(window: Window, sample: str, qtbot: QtBot) -> MainView:
    """The sample with the catalogue that its own events say, confirmed: what is older has no upcasters."""
    view = window(sample)
    view.catalogues.infer(store_of(view))
    settle(view, qtbot)
    view.catalogues.confirm(store_of(view))
    settle(view, qtbot)
    return view


def store_of(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


def findings_tab(view: MainView, qtbot: QtBot, *, check: bool = True) -> FindingsTab:
    view.actions_.findings.trigger()
    tab = view.tabs.currentWidget()
    assert isinstance(tab, FindingsTab)
    if check:
        tab.check.click()
        settle(view, qtbot)
    return tab


def shown(tab: FindingsTab) -> list[tuple[str, list[str]]]:
    """Rules with the scopes below them, as they stand in the tree."""
    heads = [tab.tree.topLevelItem(place) for place in range(tab.tree.topLevelItemCount())]
    return [(head.text(0), [head.child(n).text(0) for n in range(head.childCount())]) for head in heads if head]


def test_that_before_a_check_the_tab_says_what_one_would_do(window: Window, sample: str, qtbot: QtBot) -> None:
    view = window(sample)
    tab = findings_tab(view, qtbot, check=False)
    assert not tab.tree.isVisible() and tab.title == "Findings"
    assert "Without a catalogue no event can be unknown" in tab.empty.accessibleName()


def test_that_findings_are_those_of_the_rules_grouped_with_the_most_serious_first(view: MainView, qtbot: QtBot) -> None:
    tab = findings_tab(view, qtbot)
    checked = view.catalogues.checked_of(store_of(view))
    assert checked is not None
    assert checked.catalogue is not None
    database = store_of(view).database.database
    assert checked.findings == check_store(database, store_of(view).found, checked.catalogue).findings
    order = [SEVERITIES.index(finding.severity) for finding in checked.findings]
    assert order == sorted(order) and len(order) > 3
    groups = shown(tab)
    assert groups[0] == ("Blocked", ["Loan.Renewed", "Loan.Started", "Member.Registered"])
    assert sum(len(scopes) for _, scopes in groups) == len(checked.findings)
    place = view.tabs.indexOf(tab)
    assert view.tabs.tabText(place) == tab.title == f"Findings {len(checked.findings)}"


def test_that_a_finding_tells_its_rule_its_events_and_what_to_do_and_leads_to_them(
    view: MainView, qtbot: QtBot
) -> None:
    tab = findings_tab(view, qtbot)
    details = tab.details
    assert details.title == "Blocked: Loan.Renewed"
    assert "no chain of upcasters" in details.text and "Write the upcaster that is missing." in details.text
    assert details.events.topLevelItemCount() == 25
    item = details.events.topLevelItem(3)
    assert item is not None
    position = int(item.text(0).replace("\u202f", ""))
    details.events.itemClicked.emit(item, 0)
    settle(view, qtbot)
    stream = view.session.stream
    assert stream is not None and stream.event.position == position and stream.event.type == RENEWED


def test_that_only_what_is_severe_enough_is_shown_and_all_is_counted(view: MainView, qtbot: QtBot) -> None:
    tab = findings_tab(view, qtbot)
    everything = tab.title
    tab.least.setCurrentIndex(tab.least.findData("error"))
    assert {name for name, _ in shown(tab)} == {"Blocked", "Upcaster gap"}
    assert tab.title == everything


def test_that_findings_are_exported_as_the_command_line_gives_them(
    view: MainView, qtbot: QtBot, tmp_path: Path
) -> None:
    tab = findings_tab(view, qtbot)
    checked = view.catalogues.checked_of(store_of(view))
    assert checked is not None
    tab.export(tmp_path / "f.json")
    settle(view, qtbot)
    assert json.loads((tmp_path / "f.json").read_text()) == [one.as_object() for one in checked.findings]
    tab.export(tmp_path / "f.csv")
    settle(view, qtbot)
    with (tmp_path / "f.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rule"], row["scope"], int(row["events"])) for row in rows] == [
        (one.rule, one.scope, len(one.positions)) for one in checked.findings
    ]
    assert view.status.said == f"{len(rows)} findings written to f.csv."
    tab.export(tmp_path / "missing" / "f.csv")
    settle(view, qtbot)
    assert any("f.csv cannot be written: No such file" in sentence for sentence in view.told)


def test_that_a_changed_catalogue_and_new_events_ask_for_another_check(
    view: MainView, sample: str, qtbot: QtBot
) -> None:
    tab = findings_tab(view, qtbot)
    assert tab.stale == ""
    with sqlite3.connect(sample) as writer:
        row = writer.execute("SELECT * FROM stored_events WHERE topic = ?", (RENEWED,)).fetchone()
        writer.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", (row[0], 99, *row[2:]))
    view.following.look()
    settle(view, qtbot)
    tab.refresh()
    assert tab.stale == "1 event came since: check again."
    current = store_of(view).catalogue.current
    assert current is not None
    types = {name: known for name, known in current.types.items() if name != RENEWED}
    view.catalogues.edit(store_of(view), replace(current, types=types))
    settle(view, qtbot)
    assert tab.stale == "The catalogue has changed since: check again."
    tab.check.click()
    settle(view, qtbot)
    assert tab.stale == "" and ("Unknown type", ["Loan.Renewed"]) in shown(tab)


def test_that_a_second_check_reads_only_what_was_added(
    view: MainView, sample: str, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = findings_tab(view, qtbot)
    with sqlite3.connect(sample) as writer:
        row = writer.execute("SELECT * FROM stored_events WHERE topic = ?", (RENEWED,)).fetchone()
        writer.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", (row[0], 99, *row[2:]))
    view.following.look()
    settle(view, qtbot)
    read: list[Event] = []
    every = catalogue_work.all_events

    def counted(*arguments: object) -> Iterator[Event]:
        for event in every(*arguments):  # type: ignore[arg-type]
            read.append(event)
            yield event

    monkeypatch.setattr(catalogue_work, "all_events", counted)
    tab.check.click()
    settle(view, qtbot)
    assert [event.version for event in read] == [99]
    assert tab.details.title == "Blocked: Loan.Renewed" and tab.details.events.topLevelItemCount() == 26


def test_that_a_cancelled_check_leaves_what_was_found_before(view: MainView, qtbot: QtBot) -> None:
    tab = findings_tab(view, qtbot)
    before = view.catalogues.checked_of(store_of(view))
    view.catalogues.check(store_of(view))
    assert tab.busy.isVisible() and not tab.check.isEnabled()
    tab.busy.cancel.click()
    settle(view, qtbot)
    assert not tab.busy.isVisible() and tab.check.isEnabled()
    assert view.catalogues.checked_of(store_of(view)) is before
    tab.check.click()
    settle(view, qtbot)
    again = view.catalogues.checked_of(store_of(view))
    assert before is not None and again is not None and again.findings == before.findings
    assert again.events == store_of(view).index.length


def test_that_the_first_thousand_events_are_listed_and_all_are_counted(
    window: Window, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "many.sqlite"
    with sqlite3.connect(path) as writer:
        writer.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB,"
            " PRIMARY KEY (originator_id, originator_version))"
        )
        rows = [("s", number, "m:A.Old", b'{"n":1}') for number in range(1, 1_501)]
        writer.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows)
    view = window(str(path))
    inference = Inference()
    view.catalogues.edit(store_of(view), replace(inference.catalogue(), inferred=False))
    settle(view, qtbot)
    tab = findings_tab(view, qtbot)
    assert tab.details.events.topLevelItemCount() == LISTED
    assert tab.details.count == "1\u202f500 events, the first 1\u202f000 listed"


def test_that_rows_of_positions_are_found_where_positions_are_not_ascending() -> None:
    find = catalogue_work.finder(np.array([5, 2, 9, 2**40]), None)
    assert find((2, 9, 7, 2**40)).tolist() == [1, 2, 3]
    assert catalogue_work.finder(np.array([0, 0]), ["a/1", "b/1"])(("b/1", "c/1")).tolist() == [1]


def test_that_a_finding_is_copied_with_all_that_somebody_else_needs(view: MainView, qtbot: QtBot) -> None:
    findings_tab(view, qtbot)
    checked = view.catalogues.checked_of(store_of(view))
    assert checked is not None
    lines = finding_text(checked.findings[0]).splitlines()
    assert lines[0] == f"Blocked: {RENEWED}" and lines[-1] == "Write the upcaster that is missing."
    assert any(line.startswith("Events: ") for line in lines)


def test_that_the_keyboard_goes_from_a_finding_to_its_first_event(view: MainView, qtbot: QtBot) -> None:
    tab = findings_tab(view, qtbot)
    tab.tree.setFocus()
    qtbot.keyClick(tab.tree, Qt.Key.Key_Return)
    settle(view, qtbot)
    assert view.session.stream is not None and view.session.stream.event.type == RENEWED


def test_that_an_export_never_replaces_a_store(view: MainView, sample: str, qtbot: QtBot) -> None:
    before = Path(sample).read_bytes()
    view.catalogues.export((), Path(sample))
    settle(view, qtbot)
    assert Path(sample).read_bytes() == before
    assert any("never writes" in sentence for sentence in view.told)
