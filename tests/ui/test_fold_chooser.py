"""Choosing a fold in the window: by rules that are edited there, and by the application's own classes with consent."""

from __future__ import annotations

import sqlite3
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QMenu
from pytestqt.qtbot import QtBot

from esviewer.projections.draft import FoldDraft, RuleRow, TypeRow
from esviewer.projections.edited import FoldRules, rule_of
from esviewer.projections.guesses import guesses
from esviewer.session import FoldChoice, StreamSession, recall
from esviewer.ui.fold_dialog import FoldDialog
from esviewer.ui.fold_table import Column
from esviewer.ui.folding import why_no_classes
from esviewer.ui.main_view import MainView
from esviewer.ui.samples import sample_path
from esviewer.ui.trust_dialog import TrustDialog
from esviewer.workspace import FILE, read, save_fold
from tests.stores.dialects.test_eventsourcing import write_store
from tests.ui.windows import Window, settle

BOOK = "b9ae5c8f-1fca-4da2-b744-001a6aa45fe0"
COPY = "lending.stock:Copy"
STREAM = "3ecc6757-8d79-911b-4049-298065948120"
TIME = '"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"}'
FIRST = f'{TIME},"originator_topic":"shop.things:Thing"'


def opened(view: MainView, qtbot: QtBot, name: str) -> StreamSession:
    view.open_stream(view.session.store, name)
    qtbot.waitUntil(lambda: view.session.stream is not None and not view.jobs.busy, timeout=10_000)
    assert view.session.stream is not None
    return view.session.stream


def menu_of(view: MainView) -> dict[str, bool]:
    """What the menu of folds says now, and which entry is chosen."""
    view.folding.fill_menu()
    return {
        action.text(): action.isChecked() for action in view.inspector.state_panel.fold.menu.actions() if action.text()
    }


def choose(view: MainView, qtbot: QtBot, words: str) -> None:
    view.folding.fill_menu()
    next(a for a in view.inspector.state_panel.fold.menu.actions() if a.text() == words).trigger()
    settle(view, qtbot)


def editing(view: MainView, qtbot: QtBot) -> FoldDialog:
    view.folding.edit()
    dialog = view.findChildren(FoldDialog)[-1]
    qtbot.waitUntil(lambda: not dialog._jobs.busy and dialog.table.model_.draft is not None, timeout=10_000)
    return dialog


def row_of(dialog: FoldDialog, event_type: str, attribute: str | None) -> int:
    rows = dialog.table.model_.rows
    return next(
        i for i, row in enumerate(rows)
        if row.event_type.endswith(event_type) and (row.attribute if isinstance(row, RuleRow) else None) == attribute
    )  # fmt: skip


def put(dialog: FoldDialog, qtbot: QtBot, row: int, column: Column, text: str) -> None:
    model = dialog.table.model_
    model.setData(model.index(row, column), text)
    qtbot.waitUntil(lambda: not dialog._jobs.busy, timeout=10_000)


@pytest.fixture
def view(window: Window, qtbot: QtBot) -> MainView:
    """The sample with its busiest book open."""
    path = sample_path()
    assert path is not None
    view = window(str(path))
    opened(view, qtbot, BOOK)
    return view


# Rules


def test_that_a_rule_given_in_the_table_is_previewed_saved_and_folded(view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    assert stream is not None and view.current_tab is not None
    assert menu_of(view).keys() >= {"Inferred", "Edit…"} and menu_of(view)["Inferred"]
    stream.move(60)
    stream.select_path("condition")
    view.current_tab.set_axis("time")
    view.current_tab.timeline.zoom_in()
    shown = view.current_tab.timeline.view_range()
    dialog = editing(view, qtbot)
    assert isinstance(dialog.table.model_.rows[0], TypeRow)
    put(dialog, qtbot, row_of(dialog, "Copy.Shelved", "shelf"), Column.RULE, "append")
    put(dialog, qtbot, row_of(dialog, "Copy.Shelved", "shelf"), Column.TARGET, "shelves")
    assert [row.path for row in dialog.after.rows if row.path.startswith("shelves")]
    assert dialog.after.rows and not [row for row in dialog.before.rows if row.path.startswith("shelves")]
    assert str(view.session.store.workspace / FILE) in dialog.place.text()  # type: ignore[operator,union-attr]
    with qtbot.waitSignal(dialog.saved):
        dialog.save.click()
    settle(view, qtbot)
    assert stream.history.fold.name == "copy" and stream.store.workspace is not None
    assert read(stream.store.workspace).fold("copy").rules == (rule_of(f"{COPY}.Shelved", "shelf", "append shelves"),)
    shelves = stream.history.state_at(60)["shelves"]
    assert isinstance(shelves, list) and len(shelves) > 10 and "shelf" not in stream.history.state_at(60)
    assert (stream.playhead, stream.selected_path, stream.axis) == (60, "condition", "time")
    assert view.current_tab.timeline.view_range() == pytest.approx(shown)
    assert view.inspector.state_panel.fold.words.text() == "Fold copy: 1 rule, the rest is guessed"
    assert any(track.path.startswith("shelves") for track in view.current_tab.columns.tracks)
    assert menu_of(view)["copy"] and "Edit copy…" in menu_of(view)
    choose(view, qtbot, "Inferred")
    assert stream.history.fold.name == "inferred" and "shelf" in stream.history.state_at(60)


def test_that_the_choice_holds_for_the_category_and_comes_back(window: Window, view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    assert stream is not None and stream.store.workspace is not None
    save_fold(stream.store.workspace, FoldRules("mine", (rule_of(f"{COPY}.Shelved", "shelf", "ignore"),)))
    choose(view, qtbot, "mine")
    others = [e.name for e in stream.store.index.stream_entries() if e.category == COPY and e.name != BOOK]
    assert opened(view, qtbot, others[0]).history.fold.name == "mine"
    hold = next(e.name for e in stream.store.index.stream_entries() if e.category != COPY)
    assert opened(view, qtbot, hold).history.fold.name == "inferred"
    view.frame.close()
    again = window()
    assert {tab.stream.history.fold.name for tab in again.stream_tabs() if tab.stream.category == COPY} == {"mine"}
    again.frame.close()
    (stream.store.workspace / FILE).write_text("[folds.other]\n")
    third = window()
    assert {tab.stream.history.fold.name for tab in third.stream_tabs()} == {"inferred"}
    assert any("no fold 'mine'" in told for told in third.told)


def test_that_a_rule_that_cannot_be_used_or_a_bad_name_is_told_and_not_saved(view: MainView, qtbot: QtBot) -> None:
    dialog = editing(view, qtbot)
    put(dialog, qtbot, row_of(dialog, "Copy.Shelved", "shelf"), Column.TARGET, "a..b")
    assert "no path" in dialog.note.text() and not dialog.save.isEnabled()
    dialog.table.setCurrentIndex(dialog.table.model_.index(row_of(dialog, "Copy.Shelved", "shelf"), 1))
    dialog.reset.click()
    assert dialog.save.isEnabled() and not dialog.reset.isEnabled()
    dialog.name.setText("inferred")
    assert "fold already" in dialog.note.text() and not dialog.save.isEnabled()
    dialog.reject()


def test_that_the_table_is_filtered_and_its_rules_are_chosen_with_the_keyboard(view: MainView, qtbot: QtBot) -> None:
    dialog = editing(view, qtbot)
    every = len(dialog.table.model_.rows)
    dialog.search.setText("shelved shelf")
    assert [row.event_type for row in dialog.table.model_.rows] == [f"{COPY}.Shelved"] * 2
    dialog.table.setCurrentIndex(dialog.table.model_.index(1, Column.RULE))
    qtbot.keyClick(dialog.table, Qt.Key.Key_F2)
    box = dialog.table.findChild(QComboBox)
    assert box is not None
    qtbot.keyClicks(box, "ign")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not dialog._jobs.busy)
    row = dialog.table.model_.rows[1]
    assert isinstance(row, RuleRow) and row.operation == "ignore" and row.is_edited
    dialog.search.clear()
    dialog.only_edited.setChecked(True)
    assert len(dialog.table.model_.rows) == 2 < every
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible() and "not saved" in dialog.note.text()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_that_a_rule_for_a_path_is_added_and_the_type_can_end_the_aggregate(view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    dialog = editing(view, qtbot)
    assert stream is not None
    dialog.table.clearSelection()
    dialog.table.setCurrentIndex(dialog.table.model_.index(row_of(dialog, "Copy.Acquired", None), Column.NAME))
    dialog.add.click()
    put(dialog, qtbot, row_of(dialog, "Copy.Acquired", "attribute"), Column.NAME, "work.title")
    put(dialog, qtbot, row_of(dialog, "Copy.Acquired", "work.title"), Column.TARGET, "title")
    assert [row.path for row in dialog.after.rows if row.path == "title"]
    put(dialog, qtbot, row_of(dialog, "Copy.CameBack", None), Column.RULE, "ends it")
    assert [row.path for row in dialog.after.rows if row.change != "removed"] == ["shelf"]
    with qtbot.waitSignal(dialog.saved):
        dialog.save.click()
    settle(view, qtbot)
    assert stream.history.state_at(0)["title"] == "Max Havelaar" and list(stream.history.state_at(116)) == ["shelf"]


def test_that_another_folder_is_used_and_remembered_and_nothing_is_left_beside_the_store(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    store = thing_store(tmp_path / "data")
    view = window(str(store))
    stream = opened(view, qtbot, STREAM)
    (tmp_path / "team").mkdir()
    save_fold(tmp_path / "team", FoldRules("thing"))
    dialog = editing(view, qtbot)
    dialog.use_folder(tmp_path / "team")
    qtbot.waitUntil(lambda: not dialog._jobs.busy)
    assert (
        dialog.name.text() == "thing" and dialog.save.text() == "Replace" and "would be replaced" in dialog.note.text()
    )
    put(dialog, qtbot, row_of(dialog, "Thing.Poked", "n"), Column.RULE, "add")
    with qtbot.waitSignal(dialog.saved):
        dialog.save.click()
    settle(view, qtbot)
    assert stream.history.state_at(2) == {"n": 6} and [path.name for path in store.parent.iterdir()] == ["a.sqlite"]
    view.frame.close()
    assert recall().workspaces == {str(store): str(tmp_path / "team")}


def test_that_a_broken_workspace_is_told_in_the_menu_and_in_the_table(view: MainView, qtbot: QtBot) -> None:
    stream = view.session.stream
    assert stream is not None and stream.store.workspace is not None
    stream.store.workspace.mkdir(parents=True)
    (stream.store.workspace / FILE).write_text("[folds")
    assert "The workspace cannot be read" in menu_of(view)
    dialog = editing(view, qtbot)
    assert "is no TOML" in dialog.note.text() and not dialog.save.isEnabled()
    dialog.reject()
    assert (stream.store.workspace / FILE).read_text() == "[folds"


# The draft behind the table


def test_that_a_draft_that_says_what_is_guessed_has_no_rules(view: MainView) -> None:
    stream = view.session.stream
    assert stream is not None
    draft = FoldDraft(guesses(stream.events))
    row = next(row for row in draft.rows() if isinstance(row, RuleRow) and row.attribute == "shelf")
    draft.set_operation(row, "append")
    assert draft.count == 1
    edited = next(row for row in draft.rows(only_edited=True) if isinstance(row, RuleRow))
    draft.set_operation(edited, "set")
    draft.set_target(
        next(row for row in draft.rows() if isinstance(row, RuleRow) and row.attribute == "shelf"), "shelf"
    )
    assert draft.count == 0 and draft.rules("x") == FoldRules("x")


# Classes


def thing_store(folder: Path) -> Path:
    folder.mkdir(parents=True)
    rows = [("Made", 1), ("Poked", 2), ("Poked", 3)]
    states = [
        (STREAM.replace("-", ""), v, f"shop.things:Thing.{kind}", f'{{{TIME if v > 1 else FIRST},"n":{n}}}'.encode())
        for v, (kind, n) in enumerate(rows, 1)
    ]
    return write_store(folder / "a.sqlite", states)


@pytest.fixture
def sources(tmp_path: Path) -> Callable[[str], Path]:
    """A folder with the package of the store's aggregate, whose second event does what is given."""

    def write(body: str) -> Path:
        package = tmp_path / "sources" / "shop"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "things.py").write_text(
            "from eventsourcing.domain import Aggregate, event\nclass Thing(Aggregate):\n"
            '    @event("Made")\n    def __init__(self, n: int):\n        self.n = n\n'
            '    @event("Poked")\n    def poke(self, n: int):\n' + textwrap.indent(textwrap.dedent(body), " " * 8)
        )
        return tmp_path / "sources"

    return write


@pytest.fixture
def things(window: Window, qtbot: QtBot, tmp_path: Path) -> MainView:
    pytest.importorskip("eventsourcing")
    view = window(str(thing_store(tmp_path / "data")))
    opened(view, qtbot, STREAM)
    return view


def asked(view: MainView, qtbot: QtBot, folder: Path) -> TrustDialog:
    stream = view.session.stream
    assert stream is not None
    view.folding.fold_with(stream, folder)
    dialog = view.findChildren(TrustDialog)[-1]
    qtbot.waitUntil(lambda: dialog.imported.text() != "Looking…", timeout=10_000)
    return dialog


def test_that_what_would_run_is_shown_and_nothing_runs_without_consent(
    things: MainView, qtbot: QtBot, sources: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = sources("self.n += n")
    dialog = asked(things, qtbot, folder)
    assert dialog.files.text() == "2" and dialog.would_run is not None
    assert [dialog.modules.item(i).text() for i in range(dialog.modules.count())] == ["shop.things"]
    assert dialog.run.isEnabled() and not dialog.run.isDefault() and dialog.cancel.isDefault()
    dialog.reject()
    assert things.session.stream is not None and things.session.stream.history.fold.name == "inferred"
    assert not recall().trusted
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.py").write_text("")
    wrong = asked(things, qtbot, tmp_path / "other")
    assert not wrong.run.isEnabled() and "shop.things" in wrong.missing.text()
    wrong.reject()


def test_that_classes_make_the_state_and_trust_is_kept_and_taken_back(
    window: Window, things: MainView, qtbot: QtBot, sources: Callable[[str], Path]
) -> None:
    stream = things.session.stream
    assert stream is not None
    folder = sources("print('poked')\nself.n += n")
    asked(things, qtbot, folder).run.click()
    settle(things, qtbot)
    assert stream.history.fold.name == "classes" and stream.history.state_at(2)["n"] == 6
    assert "poked" in stream.output and str(folder) in things.inspector.state_panel.fold.words.text()
    assert recall().trusted == [str(folder)]
    things.frame.close()
    again = window()
    (tab,) = again.stream_tabs()
    assert tab.stream.history.fold.name == "classes" and tab.stream.history.state_at(2)["n"] == 6
    again.folding.fill_menu()
    inner = next(a for a in again.inspector.state_panel.fold.menu.actions() if a.text() == "Trusted folders").menu()
    assert isinstance(inner, QMenu)
    inner.actions()[0].trigger()
    settle(again, qtbot)
    assert tab.stream.history.fold.name == "inferred" and not recall().trusted
    again.frame.close()
    assert window().stream_tabs()[0].stream.history.fold.name == "inferred"


def test_that_consent_for_once_does_not_outlive_the_window(
    window: Window, things: MainView, qtbot: QtBot, sources: Callable[[str], Path]
) -> None:
    dialog = asked(things, qtbot, sources("self.n += n"))
    dialog.keep.setChecked(False)
    dialog.run.click()
    settle(things, qtbot)
    assert things.session.stream is not None and things.session.stream.history.fold.name == "classes"
    things.frame.close()
    again = window()
    assert again.stream_tabs()[0].stream.history.fold.name == "inferred"
    assert any("not trusted" in told for told in again.told)


def test_that_from_a_failing_event_on_the_state_is_not_known(
    things: MainView, qtbot: QtBot, sources: Callable[[str], Path]
) -> None:
    stream, panel = things.session.stream, things.inspector.state_panel
    assert stream is not None
    asked(things, qtbot, sources("print('at', n)\nif n == 3: raise ValueError('no threes')\nself.n = n")).run.click()
    settle(things, qtbot)
    assert stream.failure is not None and stream.failure.index == 2 and not stream.is_known(2)
    assert panel.unknown.isVisible() and not panel.view.isVisible()
    assert "Not known from version 3 on: Thing.Poked" in panel.unknown.sentence.text()
    panel.unknown.copy.click()
    copied = QGuiApplication.clipboard().text()
    assert "no threes" in copied and "things.py" in copied and "at 3" in copied and STREAM in copied
    panel.unknown.back.click()
    assert stream.playhead == 1 and panel.view.isVisible() and stream.history.state_at(1)["n"] == 2
    assert "not known from version 3 on" in panel.fold.words.text()
    stream.set_mark(2)
    assert panel.unknown.isVisible()
    assert things.current_tab is not None
    assert all(track.starts[-1] == 2 and track.removed[-1] for track in things.current_tab.columns.tracks)


def test_that_code_that_cannot_be_used_is_a_banner_and_the_state_stays(
    things: MainView, qtbot: QtBot, sources: Callable[[str], Path]
) -> None:
    stream = things.session.stream
    assert stream is not None
    asked(things, qtbot, sources("import os\nos._exit(3)")).run.click()
    settle(things, qtbot)
    assert stream.history.fold.name == "inferred" and "status 3" in things.told[-1] and "Thing.Poked" in things.told[-1]
    folder = sources("pass")
    (folder / "shop" / "things.py").write_text("import no_such_module")
    things.folding.choose(stream.store, stream.category, FoldChoice("classes", str(folder)))
    settle(things, qtbot)
    assert stream.history.fold.name == "inferred" and "shop.things cannot be imported" in things.told[-1]


def test_that_a_stream_that_grows_keeps_its_fold(
    things: MainView, qtbot: QtBot, sources: Callable[[str], Path]
) -> None:
    stream = things.session.stream
    assert stream is not None and stream.store.database.address.path is not None
    asked(things, qtbot, sources("self.n += n")).run.click()
    settle(things, qtbot)
    added = (STREAM.replace("-", ""), 4, "shop.things:Thing.Poked", f'{{{TIME},"n":4}}'.encode())
    with closing(sqlite3.connect(stream.store.database.address.path)) as connection, connection:
        connection.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", added)
    things.reread(stream)
    settle(things, qtbot)
    assert len(stream.events) == 4 and stream.history.fold.name == "classes" and stream.history.state_at(3)["n"] == 10
    assert stream.store.workspace is not None
    save_fold(stream.store.workspace, FoldRules("sum", (rule_of("shop.things:Thing.Poked", "n", "add"),)))
    choose(things, qtbot, "sum")
    with closing(sqlite3.connect(stream.store.database.address.path)) as connection, connection:
        connection.execute("INSERT INTO stored_events VALUES (?, ?, ?, ?)", (added[0], 5, *added[2:]))
    things.reread(stream)
    settle(things, qtbot)
    assert stream.history.fold.name == "sum" and stream.history.state_at(4) == {"n": 14} and stream.playhead == 4


def test_that_endless_code_is_stopped_by_cancel(things: MainView, qtbot: QtBot, sources: Callable[[str], Path]) -> None:
    stream, line = things.session.stream, things.inspector.state_panel.fold
    assert stream is not None
    asked(things, qtbot, sources("while True: pass")).run.click()
    qtbot.waitUntil(line.cancel.isVisible, timeout=5_000)
    assert not line.button.isVisible()
    stream.move(0)
    assert stream.playhead == 0
    QTest.mouseClick(line.cancel, Qt.MouseButton.LeftButton)
    assert line.button.isVisible() and not line.cancel.isVisible()
    qtbot.waitUntil(lambda: not things.jobs._running, timeout=8_000)
    assert stream.history.fold.name == "inferred" and not things.told


def test_that_a_store_of_another_framework_says_why_it_has_no_classes(
    window: Window, qtbot: QtBot, shared_store: Callable[..., Path]
) -> None:
    view = window(str(shared_store("emmett_shop", "emmett_shop.sqlite.gz")))
    assert view.session.store is not None
    opened(view, qtbot, view.session.store.index.streams[0])
    view.folding.fill_menu()
    action = next(a for a in view.inspector.state_panel.fold.menu.actions() if "classes" in a.text())
    assert not action.isEnabled() and "can be folded with classes" in action.toolTip()
    assert "store of Emmett" in why_no_classes(view.session.store)
