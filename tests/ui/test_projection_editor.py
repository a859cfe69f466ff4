"""The editor of a projection's file: completion from the store, keys, and changes that are never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from pytestqt.qtbot import QtBot

from esviewer.session import StoreSession
from esviewer.ui import projection_drafts
from esviewer.ui.main_view import MainView
from esviewer.ui.projection_editor import CodeEditor
from esviewer.ui.projection_file import FilePanel
from esviewer.ui.projection_files import entries_of
from esviewer.ui.projection_known import Known, KnownType, known_job, named_types
from esviewer.ui.projection_starter import starter
from tests.ui.windows import Window, settle

LOAN = "lending.loans:Loan"
STEPS = f'name: loans\nhandlers:\n  "{LOAN}.Started":\n    - insert: {{state: "\'out\'"}}\n'


@pytest.fixture
def panel(qtbot: QtBot) -> FilePanel:
    """A panel by itself; nothing runs in it."""
    panel = FilePanel()
    qtbot.addWidget(panel)
    panel.resize(500, 400)
    panel.show()
    return panel


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "loans.yaml"
    path.write_text(STEPS)
    return path


def store_of(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


def offered(editor: CodeEditor) -> list[str]:
    model = editor.completer.completionModel()
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def typed(editor: CodeEditor, text: str) -> None:
    cursor = editor.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.End)
    cursor.insertText(text)
    editor.setTextCursor(cursor)
    editor.complete()


def test_that_known_attributes_are_those_that_payloads_of_the_store_have(
    window: Window, sample: str, qtbot: QtBot
) -> None:
    view = window(sample)
    found: list[Known] = []
    view.jobs.run("known", lambda control: known_job(store_of(view), control), found.append, view.failed)
    settle(view, qtbot)
    known = {own.name: own for own in found[0].types}
    assert {own.name: own.events for own in found[0].types} == store_of(view).index.type_counts()
    assert set(known[f"{LOAN}.Returned"].attributes) >= {"branch_code", "days_late"}
    assert known[f"{LOAN}.Returned"].category == LOAN
    assert [own.name for own in named_types(store_of(view)).types] == [own.name for own in found[0].types]


def test_that_types_are_offered_behind_on_and_attributes_of_the_type_above_come_first(qtbot: QtBot) -> None:
    editor = CodeEditor()
    qtbot.addWidget(editor)
    editor.show()
    paid = KnownType("shop:Order.Paid", 3, "shop:Order", ("amount", "method"))
    placed = KnownType("shop:Order.Placed", 9, "shop:Order", ("address", "number"))
    editor.set_known(Known((placed, paid)))
    editor.show_text("", "python")
    typed(editor, '@on("shop:Order.P')
    assert offered(editor) == ["shop:Order.Placed", "shop:Order.Paid"]
    editor.completer.activated.emit("shop:Order.Paid")
    assert editor.toPlainText() == '@on("shop:Order.Paid'
    typed(editor, '")\ndef paid(self, event):\n    event.data["')
    assert offered(editor) == ["amount", "method", "address", "number"]
    typed(editor, "meth")
    assert offered(editor) == ["method"]


def test_that_ctrl_s_in_the_editor_saves_the_file_and_asks_for_no_filter(
    window: Window, sample: str, file: Path, qtbot: QtBot
) -> None:
    view = window(sample)
    view.filtering.set_words(store_of(view), "type:Loan.Started")
    view.projections.open_files(store_of(view), [file])
    tab = view.projections.show(store_of(view))
    assert tab is not None
    settle(view, qtbot)
    tab.code.on_save.setChecked(False)
    tab.code.editor.setFocus()
    typed(tab.code.editor, "# more\n")
    assert tab.code.title.startswith("•")
    qtbot.keyClick(tab.code.editor, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    settle(view, qtbot)
    assert file.read_text() == STEPS + "# more\n"
    assert not tab.code.is_changed and tab.code.title == file.name


def test_that_changes_that_were_not_saved_come_back_and_the_file_is_untouched(
    panel: FilePanel, file: Path, qtbot: QtBot
) -> None:
    panel.show_entry(entries_of(str(file))[0])
    typed(panel.editor, "# mine\n")
    panel.leave()
    assert file.read_text() == STEPS
    again = FilePanel()
    qtbot.addWidget(again)
    again.show_entry(entries_of(str(file))[0])
    assert again.editor.toPlainText() == STEPS + "# mine\n" and again.is_changed
    assert not again.notice.isHidden() and "not saved" in again.notice.text
    again.notice.take.click()
    assert again.editor.toPlainText() == STEPS and not again.is_changed
    assert projection_drafts.kept(file) is None
    again.editor.undo()
    assert again.editor.toPlainText() == STEPS + "# mine\n"


def test_that_a_file_that_two_programs_changed_waits_for_a_word_and_keeping_ones_own_writes_it(
    panel: FilePanel, file: Path, qtbot: QtBot
) -> None:
    panel.show_entry(entries_of(str(file))[0])
    typed(panel.editor, "# mine\n")
    file.write_text(STEPS + "# theirs\n")
    qtbot.waitUntil(lambda: not panel.notice.isHidden())
    assert panel.editor.toPlainText() == STEPS + "# mine\n"
    panel.notice.keep.click()
    assert panel.save() and file.read_text() == STEPS + "# mine\n"


def test_that_a_file_that_was_replaced_twice_is_read_twice(panel: FilePanel, file: Path, qtbot: QtBot) -> None:
    panel.show_entry(entries_of(str(file))[0])
    for number in (1, 2):
        new = file.with_suffix(".new")
        new.write_text(f"{STEPS}# {number}\n")
        new.replace(file)
        with qtbot.waitSignal(panel.saved):
            pass
        assert panel.editor.toPlainText() == f"{STEPS}# {number}\n"


def test_that_a_file_that_is_gone_is_said_and_written_again_by_saving(
    panel: FilePanel, file: Path, qtbot: QtBot
) -> None:
    panel.show_entry(entries_of(str(file))[0])
    file.unlink()
    qtbot.waitUntil(lambda: not panel.mistake.isHidden())
    assert "cannot be read" in panel.mistake.text()
    assert panel.editor.toPlainText() == STEPS
    typed(panel.editor, "# more\n")
    assert panel.save() and file.read_text() == STEPS + "# more\n"


def test_that_the_line_that_is_no_python_is_marked_while_typing_and_not_any_more_when_it_is(
    panel: FilePanel, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "p.py"
    path.write_text("a = 1\n")
    panel.show_entry(entries_of(str(path))[0])
    typed(panel.editor, "b = = 2\n")
    qtbot.waitUntil(lambda: panel.editor.wrong_line == 2)
    assert "Line 2" in panel.mistake.text()
    panel.editor.undo()
    qtbot.waitUntil(lambda: panel.editor.wrong_line is None)
    assert panel.mistake.isHidden()


def test_that_starters_take_any_name_that_a_store_may_have() -> None:
    odd = (
        KnownType('a"b\\c:Thing.class', 3, "x", ("class", "a b", 'q"')),
        KnownType("Company.Placed, Company", 2, "x", ("n",)),
        KnownType("1st", 1, "x", ()),
    )
    known = Known(odd)
    text = starter("python", known, "x")
    compile(text, "starter", "exec")
    assert "def class_(" in text and "Company.Placed, Company" in text
    # Names with commas are several in a file of steps, so they are left out there.
    assert "Company" not in starter("steps", known, "x")
