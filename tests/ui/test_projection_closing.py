"""The window closes while a projection runs: its child ends with it, and what was typed is kept."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from esviewer.ui import projection_drafts
from tests.ui.windows import Window, settle

ENDLESS = """
from esviewer import Projection, on

class Loans(Projection):
    @on("lending.loans:Loan.Started")
    def started(self, event):
        while True:
            pass
"""


def test_that_closing_the_window_ends_the_child_and_keeps_what_was_not_saved(
    window: Window, sample: str, tmp_path: Path, qtbot: QtBot
) -> None:
    path = tmp_path / "loans.py"
    path.write_text(ENDLESS.lstrip())
    view = window(sample)
    store = view.session.store
    assert store is not None
    view.folding.trust(str(tmp_path.resolve()), False)
    view.projections.open_files(store, [path])
    tab = view.projections.show(store)
    assert tab is not None
    settle(view, qtbot)
    tab.run()
    work = view.projections.work(store)
    steering = work.steering
    qtbot.waitUntil(lambda: steering._sandbox is not None and steering._sandbox._process is not None)
    process = steering._sandbox._process  # type: ignore[union-attr]
    assert process is not None and process.poll() is None
    tab.code.editor.insertPlainText("# not saved\n")
    view.frame.close()
    assert process.poll() is not None
    assert not view.jobs.busy
    draft = projection_drafts.kept(path)
    assert draft is not None and draft.text.startswith("# not saved\n")
    assert path.read_text() == ENDLESS.lstrip()
