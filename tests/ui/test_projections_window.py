"""Projections in the window: replayed, compared, edited; nothing of them runs before the reader agrees."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from esviewer.projections.compare import Comparison, DifferingRow
from esviewer.projections.naming import Kind, named
from esviewer.projections.replay import Replay, replay
from esviewer.session import recall
from esviewer.stores.database import open_database
from esviewer.ui.main_view import MainView
from esviewer.ui.projection_files import entries_of, what_would_run
from esviewer.ui.projection_rows import RowsView
from esviewer.ui.projection_starter import file_name
from esviewer.ui.projection_starting import begin
from esviewer.ui.projection_tab import ProjectionTab
from esviewer.ui.projection_table_dialog import TableDialog
from esviewer.ui.projection_work import Sheet, differences_of
from esviewer.ui.trust_dialog import TrustDialog
from tests.ui.windows import Window, settle

LOANS = '''
from esviewer import Projection, on

class Loans(Projection):
    """One row a loan."""
    name = "loans"
    version = 1

    @on("lending.loans:Loan.Started")
    def started(self, event):
        self.rows[event.stream] = {"state": "out", "renewals": 0}

    @on("lending.loans:Loan.Renewed")
    def renewed(self, event):
        self.rows[event.stream]["renewals"] += 1

    @on("lending.loans:Loan.Returned")
    def returned(self, event):
        self.rows[event.stream]["state"] = "back"

    @on("lending.loans:Loan.DeclaredLost")
    def lost(self, event):
        self.rows[event.stream]["state"] = "lost"
'''
BUG = LOANS.replace("version = 1", "version = 2").replace('= "lost"', '= "back" if event.position > 500 else "lost"')
SLOW = LOANS.replace('"""One row a loan."""', "import time").replace(
    '["renewals"] += 1', '["renewals"] += 1; __import__("time").sleep(0.2)'
)


def written(path: Path, text: str) -> Path:
    path.write_text(text.lstrip())
    return path


@pytest.fixture
def view(window: Window, sample: str) -> MainView:
    return window(sample)


def tab_of(view: MainView, qtbot: QtBot, *paths: Path, trusts: bool = True) -> ProjectionTab:
    """The tab with these files opened, the first of them chosen."""
    store = view.session.store
    assert store is not None
    if trusts and paths:
        view.folding.trust(str(paths[0].parent.resolve()), False)
    view.actions_.projections.trigger()
    tab = view.tabs.currentWidget()
    assert isinstance(tab, ProjectionTab)
    if paths:
        view.projections.open_files(store, list(paths))
    settle(view, qtbot)
    return tab


def ran(tab: ProjectionTab, view: MainView, qtbot: QtBot) -> Replay | Comparison:
    settle(view, qtbot)
    done = view.projections.work(tab.store).ran
    assert done is not None, view.projections.work(tab.store).failure
    return done.done


def dialog_of(view: MainView, qtbot: QtBot) -> TrustDialog:
    qtbot.waitUntil(lambda: bool(view.findChildren(TrustDialog)), timeout=5_000)
    dialog = view.findChildren(TrustDialog)[-1]
    qtbot.waitUntil(lambda: dialog.would_run is not None, timeout=10_000)
    return dialog


def cells(rows: RowsView) -> list[list[str]]:
    model = rows.model_
    return [
        [model.index(row, column).data() for column in range(model.columnCount())] for row in range(model.rowCount())
    ]


# Replay


def test_that_rows_and_verdict_are_those_of_the_headless_replay(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    path = written(tmp_path / "loans.py", LOANS)
    tab = tab_of(view, qtbot, path)
    QTest.mouseClick(tab.bar.run, Qt.MouseButton.LeftButton)
    done = ran(tab, view, qtbot)
    database = open_database(str(view.session.databases[0].address.path))
    try:
        headless = replay(database, database.chosen(), named(f"{path}:Loans"))
    finally:
        database.close()
    assert isinstance(done, Replay) and done.rows == headless.rows
    assert tab.result.verdict.word.text() == headless.text == "COMPLETE"
    assert (done.applied, done.ignored) == (headless.applied, headless.ignored)
    shown = tab.result.rows.model_
    assert [shown.row(number) for number in range(shown.rowCount())] == headless.rows["rows"]
    first = headless.rows["rows"][0]
    assert cells(tab.result.rows)[0] == [str(first[name]) for name in shown.sheet.columns]


def test_that_a_replay_ends_at_a_position_and_at_the_last_event_before_a_time(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    tab = tab_of(view, qtbot, written(tmp_path / "loans.py", LOANS))
    tab.bar.show_end("position", 700)
    tab.run()
    assert ran(tab, view, qtbot).position == 700
    index = tab.store.index
    time = int(index.column("time")[899])
    tab.bar.show_end("time", time)
    tab.run()
    expected = max(
        int(position)
        for position, own in zip(index.column("position"), index.column("time"), strict=True)
        if own <= time
    )
    assert ran(tab, view, qtbot).position == expected
    tab.bar.at.setText("soon")
    tab.run()
    assert tab.bar.at.property("invalid") == "true" and not view.jobs.busy


def test_that_a_handler_that_raises_shows_event_line_and_row_before(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    raising = LOANS.replace(
        'self.rows[event.stream]["state"] = "lost"', 'self.rows[event.stream].update(event.data["nope"])'
    )
    path = written(tmp_path / "loans.py", raising)
    tab = tab_of(view, qtbot, path)
    tab.run()
    done = ran(tab, view, qtbot)
    assert done.failure is not None and done.verdict == "failed"
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "nope" in text)
    assert tab.code.editor.wrong_line == line
    told = tab.result.verdict.trouble.text()
    assert "KeyError" in told and f"line {line}" in told and '"state":"out"' in told.replace(" ", "")
    QTest.mouseClick(tab.result.verdict.go, Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    assert view.session.stream is not None
    assert view.session.stream.event.position == done.failure.position
    assert view.session.stream.event.type == "lending.loans:Loan.DeclaredLost"


def test_that_an_event_the_catalogue_does_not_know_stops_or_is_set_aside(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    catalogue = written(
        tmp_path / "c.yaml", "types: {'lending.loans:Loan.Started': {}, 'lending.loans:Loan.Renewed': {}}"
    )
    tab = tab_of(view, qtbot, written(tmp_path / "loans.py", LOANS.replace("lending.loans:Loan.DeclaredLost", "*")))
    view.catalogues.open(tab.store, catalogue)
    settle(view, qtbot)
    tab.run()
    done = ran(tab, view, qtbot)
    assert done.verdict == "stopped" and done.stop is not None
    assert tab.result.verdict.word.text() == f"STOPPED@{done.stop.position}"
    tab.bar.mode.setCurrentIndex(1)
    tab.run()
    done = ran(tab, view, qtbot)
    assert done.verdict == "quarantined" and tab.result.verdict.word.text().startswith("QUARANTINED ")
    menu = tab.result.verdict.aside.menu()
    assert isinstance(menu, QMenu) and len(menu.actions()) == 31


# Compare


def test_that_a_planted_bug_is_found_in_two_acts(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    old, new = written(tmp_path / "old.py", LOANS), written(tmp_path / "new.py", BUG)
    tab_of(view, qtbot, new, old)
    view._close_tab(view.tabs.currentIndex())
    # One: the tab. Two: the button.
    view.actions_.projections.trigger()
    tab = view.tabs.currentWidget()
    assert isinstance(tab, ProjectionTab)
    QTest.mouseClick(tab.bar.compare, Qt.MouseButton.LeftButton, pos=tab.bar.compare.rect().center() / 2)
    done = ran(tab, view, qtbot)
    assert isinstance(done, Comparison)
    lost = [
        int(position)
        for position, code in zip(tab.store.index.column("position"), tab.store.index.column("type"), strict=True)
        if tab.store.index.types[int(code)] == "lending.loans:Loan.DeclaredLost" and position > 500
    ]
    assert done.first is not None and done.first.position == lost[0]
    assert (done.added, done.removed, done.changed) == (0, 0, len(lost))
    model = tab.result.differences.model_
    assert model.columns == ["", "key", "state"]
    assert {model.text(row, "state") for row in model.rows} == {"lost → back"}
    assert "Loan.DeclaredLost" in tab.result.differences.first.sentence.text()
    QTest.mouseClick(tab.result.differences.first.go, Qt.MouseButton.LeftButton)
    settle(view, qtbot)
    assert view.session.stream is not None and view.session.stream.event.position == lost[0]


def test_that_differing_rows_are_filtered_by_change_field_and_words(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    tab = tab_of(view, qtbot)
    rows = (
        DifferingRow("rows", "a", {"x": 1, "y": 1}, {"x": 2, "y": 1}, ("x",)),
        DifferingRow("rows", "b", None, {"x": 2, "y": 7}, ("x", "y")),
        DifferingRow("rows", "c", {"x": 1, "y": "old"}, {"x": 1, "y": "new"}, ("y",)),
    )
    done = Comparison((), "complete", 3, 0, 1, 0, 2, rows, None, 1.0, 3)
    shown = tab.result.differences
    shown.show_comparison(done, differences_of(rows))
    chips = {chip.text(): chip for chip in (*shown._changes.values(), *shown._fields) if not chip.isHidden()}
    assert chips.keys() == {"1 added", "0 removed", "2 changed", "x 1", "y 1"}
    for words, keys in (("1 added", ["b"]), ("2 changed", ["a", "c"]), ("y 1", ["c"])):
        chips[words].click()
        settle(view, qtbot)
        assert [row.key for row in shown.model_.rows] == keys
    chips["y 1"].click()
    shown.search.setText("OLD")
    settle(view, qtbot)
    assert [row.key for row in shown.model_.rows] == ["c"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_that_a_file_is_compared_with_its_last_commit(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    path = written(tmp_path / "loans.py", LOANS)
    own = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for arguments in (("init",), ("add", "loans.py"), (*own, "commit", "-m", "one")):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True, capture_output=True, timeout=60)
    written(path, BUG)
    tab = tab_of(view, qtbot, path)
    tab.compare_with_head()
    done = ran(tab, view, qtbot)
    assert isinstance(done, Comparison) and done.projections == (("loans", 1), ("loans", 2)) and done.changed > 0


def test_that_a_table_of_the_database_is_compared_with(
    window: Window, sample: str, tmp_path: Path, qtbot: QtBot
) -> None:
    with closing(sqlite3.connect(sample)) as connection:
        connection.execute("CREATE TABLE loans (loan TEXT PRIMARY KEY, state TEXT, renewals INTEGER)")
        connection.execute("INSERT INTO loans VALUES ('nowhere', 'out', 0)")
        connection.commit()
    view = window(sample)
    tab = tab_of(view, qtbot, written(tmp_path / "loans.py", LOANS))
    tab.compare_with_table()
    dialog = tab.findChildren(TableDialog)[-1]
    dialog.compare.click()
    assert dialog.problem.text() == "Name the table."
    dialog.name.setText("loans")
    dialog.compare.click()
    done = ran(tab, view, qtbot)
    assert isinstance(done, Comparison) and (done.added, done.removed, done.changed) == (1, 220, 0)
    assert "221 rows differ." in tab.result.verdict.means.text()


# Consent


def test_that_nothing_runs_when_trust_is_refused_and_that_it_is_asked_again(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    ran_at = tmp_path / "ran"
    path = written(tmp_path / "loans.py", f"open({str(ran_at)!r}, 'w')\n{LOANS}")
    tab = tab_of(view, qtbot, path, trusts=False)
    tab.run()
    dialog = dialog_of(view, qtbot)
    assert dialog.would_run is not None and dialog.would_run.modules == ("loans.py",)
    dialog.cancel.click()
    assert not ran_at.exists() and not view.jobs.busy
    assert "Nothing was run" in tab.result.notice.sentence
    assert view.projections.work(tab.store).ran is None and not view.frame.remembered.trusted
    tab.run()
    dialog = view.findChildren(TrustDialog)[-1]
    qtbot.waitUntil(lambda: dialog.run.isEnabled(), timeout=10_000)
    dialog.run.click()
    settle(view, qtbot)
    # It may not write files even then, and the failure is told.
    assert not ran_at.exists() and view.projections.work(tab.store).failure is not None
    assert view.frame.remembered.trusted == [str(tmp_path.resolve())]


def test_that_what_would_run_lists_what_a_file_imports_from_its_folder(tmp_path: Path) -> None:
    written(tmp_path / "shared.py", "import json\n")
    (tmp_path / "parts").mkdir()
    written(tmp_path / "parts/__init__.py", "")
    written(tmp_path / "parts/names.py", "")
    written(tmp_path / "other.py", "")
    path = written(tmp_path / "p.py", "import shared, os\nfrom parts.names import x\n")
    assert set(what_would_run([path]).modules) == {"p.py", "shared.py", "parts/__init__.py", "parts/names.py"}


def test_that_steps_run_without_being_asked(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    path = written(
        tmp_path / "loans.yaml", "name: lent\nhandlers:\n  'lending.loans:Loan.Started':\n    - insert: {n: 1}\n"
    )
    tab = tab_of(view, qtbot, path, trusts=False)
    tab.run()
    done = ran(tab, view, qtbot)
    assert isinstance(done, Replay) and len(done.rows["rows"]) == 220 and not view.findChildren(TrustDialog)


# Files


def test_that_a_file_changed_by_another_editor_is_read_and_run_again(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    path = written(tmp_path / "loans.py", LOANS)
    tab = tab_of(view, qtbot, path)
    tab.run()
    ran(tab, view, qtbot)
    # As editors do: a new file in the place of the old one.
    written(tmp_path / "new", BUG).replace(path)
    qtbot.waitUntil(lambda: "version = 2" in tab.code.editor.toPlainText(), timeout=5_000)
    settle(view, qtbot)
    done = ran(tab, view, qtbot)
    assert isinstance(done, Replay) and done.version == 2


def test_that_changes_that_are_not_saved_stay_when_the_file_changes_on_disk(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    path = written(tmp_path / "loans.py", LOANS)
    tab = tab_of(view, qtbot, path)
    tab.code.editor.insertPlainText("# mine\n")
    path.write_text(BUG)
    qtbot.waitUntil(lambda: not tab.code.notice.isHidden(), timeout=5_000)
    assert tab.code.editor.toPlainText().startswith("# mine\n") and path.read_text() == BUG
    tab.run()
    assert not view.jobs.busy and path.read_text() == BUG
    view._close_tab(view.tabs.currentIndex())
    again = tab_of(view, qtbot)
    assert again.code.editor.toPlainText().startswith("# mine\n")


def test_that_saving_runs_again_and_marks_the_line_of_a_mistake(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    path = written(tmp_path / "loans.py", LOANS)
    tab = tab_of(view, qtbot, path)
    tab.code.editor.insertPlainText("import nowhere_to_be_found\n")
    QTest.keyClick(tab.code.editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    settle(view, qtbot)
    assert path.read_text().startswith("import nowhere")
    failure = view.projections.work(tab.store).failure
    assert failure is not None and "nowhere_to_be_found" in failure.sentence
    assert tab.code.editor.wrong_line == 1


def test_that_opened_projections_are_there_again_in_the_next_window(
    window: Window, sample: str, tmp_path: Path, qtbot: QtBot
) -> None:
    first = window(sample)
    tab_of(first, qtbot, written(tmp_path / "old.py", LOANS), written(tmp_path / "new.py", BUG))
    first.frame.close()
    assert list(recall().projections.values()) == [[str(tmp_path / "old.py"), str(tmp_path / "new.py")]]
    second = window(sample)
    tab = tab_of(second, qtbot)
    assert [entry.title for entry in second.projections.entries(tab.store)] == ["loans 1", "loans 2"]


def test_that_projections_of_the_workspace_are_listed(
    window: Window, sample: str, tmp_path: Path, qtbot: QtBot
) -> None:
    written(tmp_path / "loans.py", LOANS)
    written(tmp_path / "esviewer.toml", 'version = 1\n[projections]\nlent = "loans.py:Loans"\n')
    view = window(sample)
    tab = tab_of(view, qtbot)
    assert [(entry.called, entry.title) for entry in view.projections.entries(tab.store)] == [("lent", "loans 1")]


def test_that_entries_say_what_a_file_defines_without_running_it(tmp_path: Path) -> None:
    two = textwrap.dedent(
        """
        raise SystemExit
        class Base(Projection): name = "base"
        class Other(Base): version = "b"
        class Plain: pass
        """
    )
    entries = entries_of(str(written(tmp_path / "two.py", two)))
    assert [(entry.text.rpartition(":")[2], entry.title) for entry in entries] == [
        ("Base", "base 1"),
        ("Other", "other b"),
    ]
    assert "not Python" in entries_of(str(written(tmp_path / "bad.py", "def (")))[0].problem
    assert entries_of(str(written(tmp_path / "x.sql", "-- name: fines\n-- version: 3\nSELECT 1")))[0].title == "fines 3"


@pytest.mark.parametrize("kind", ["python", "steps", "sql"])
def test_that_a_starter_runs_as_it_is(view: MainView, tmp_path: Path, qtbot: QtBot, kind: Kind) -> None:
    if kind == "sql":
        pytest.importorskip("duckdb")
    category = "lending.loans:Loan"
    path = tmp_path / file_name(kind, category)
    tab = tab_of(view, qtbot)
    view.folding.trust(str(tmp_path.resolve()), False)
    begin(view, tab.store, view.projections, path, kind, category)
    settle(view, qtbot)
    settle(view, qtbot)
    assert tab.list.current is not None and tab.list.current.path == path
    tab.run()
    done = ran(tab, view, qtbot)
    assert isinstance(done, Replay) and done.verdict == "complete" and len(done.rows["rows"]) >= 220


# Running


def test_that_cancelling_keeps_the_rows_so_far(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    tab = tab_of(view, qtbot, written(tmp_path / "loans.py", SLOW))
    tab.run()
    qtbot.waitUntil(lambda: (view.projections.work(tab.store).advance or _NEW).read > 0, timeout=20_000)
    assert tab.result.is_running and not tab.bar.run.isEnabled()
    tab.result.busy.cancel.click()
    done = ran(tab, view, qtbot)
    assert done.verdict == "cancelled" and tab.result.verdict.word.text().startswith("CANCELLED")
    assert isinstance(done, Replay) and 0 < len(done.rows["rows"]) < 220
    assert not tab.result.is_running and tab.bar.run.isEnabled()


def test_that_a_database_is_closed_while_its_projection_runs(view: MainView, tmp_path: Path, qtbot: QtBot) -> None:
    tab = tab_of(view, qtbot, written(tmp_path / "loans.py", SLOW))
    tab.run()
    store = tab.store
    qtbot.waitUntil(lambda: view.projections.work(store).advance is not None, timeout=20_000)
    view.close_database(view.session.databases[0])
    settle(view, qtbot)
    assert not view.session.databases and view.told == []


# Many rows


def test_that_two_hundred_thousand_rows_are_sorted_filtered_and_exported(
    view: MainView, tmp_path: Path, qtbot: QtBot
) -> None:
    tab = tab_of(view, qtbot, written(tmp_path / "loans.py", LOANS))
    tab.run()
    ran(tab, view, qtbot)
    rows = [{"key": f"k{n}", "n": (n * 7919) % 200_003, "odd": "yes" if n % 2 else "no"} for n in range(200_000)]
    shown = tab.result.rows
    shown.show_sheet(Sheet("rows", rows, ["key", "n", "odd"]))
    shown._sort_by(1)
    settle(view, qtbot)
    assert [shown.model_.row(n)["n"] for n in (0, 1)] == sorted(row["n"] for row in rows)[:2]
    shown.show_matching("k1999")
    settle(view, qtbot)
    assert shown.model_.rowCount() == sum("k1999" in str(row["key"]) for row in rows)
    shown.export(tmp_path / "rows.json")
    settle(view, qtbot)
    told = json.loads((tmp_path / "rows.json").read_bytes())
    assert len(told["rows"]) == shown.model_.rowCount() and told["verdict"] == "complete"
    shown.export(tmp_path / "rows.csv")
    settle(view, qtbot)
    assert (tmp_path / "rows.csv").read_text().splitlines()[0] == "key,n,odd"


class _Nothing:
    read = 0


_NEW = _Nothing()
