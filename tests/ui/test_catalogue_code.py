"""Python upcasters in the window: they run after consent, off the UI thread, and what they do is shown as any upcast."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from esviewer.catalogue import files
from esviewer.catalogue.inference import infer
from esviewer.catalogue.status import Status
from esviewer.session import StoreSession
from esviewer.ui.catalogue_code import WORDS
from esviewer.ui.main_view import MainView
from esviewer.ui.trust_dialog import TrustDialog
from tests.ui.test_catalogue_window import events_of
from tests.ui.windows import Window, settle

STARTED = "lending.loans:Loan.Started"
UPCASTERS = """
    upcasters:
      - {from: 1, to: 2, steps: [{rename: {due: due_on}}]}
      - {from: 2, to: 3, function: "desks:at_desk"}
"""
CODE = """
import os
def at_desk(data):
    data["desk"] = str(len(data["due_on"]))
"""


@pytest.fixture
def catalogue_file(sample: str, tmp_path: Path) -> Path:
    """What the sample's own events say, confirmed, with an upcaster in Python in a folder of its own."""
    text = files.dump(infer(events_of(sample))).replace("inferred: true\n", "")
    head, _, tail = text.partition(f"  {STARTED}:\n")
    own, mark, rest = tail.partition("\n  lending.")
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "desks.py").write_text(CODE)
    path = folder / "lending.yaml"
    path.write_text(f"{head}  {STARTED}:\n{own}{UPCASTERS}{mark[1:]}{rest}")
    return path


def store_of(view: MainView) -> StoreSession:
    assert view.session.store is not None
    return view.session.store


def opened(view: MainView, qtbot: QtBot, path: Path) -> list[TrustDialog]:
    """The questions that opening a catalogue leads to."""
    view.catalogues.open(store_of(view), path)
    settle(view, qtbot)
    dialogs = view.findChildren(TrustDialog)
    for dialog in dialogs:
        qtbot.waitUntil(lambda dialog=dialog: dialog.imported.text() != "Looking…", timeout=10_000)
    return dialogs


def shown(view: MainView, qtbot: QtBot) -> tuple[list[str], str]:
    """The stages of the first old loan, and what is said above them."""
    index = store_of(view).index
    row = int(np.flatnonzero(index.column("type") == index.types.index(STARTED))[0])
    view.navigation.to_row(store_of(view), row)
    settle(view, qtbot)
    panel = view.inspector.event_panel
    panel.show_part("Upcast")
    settle(view, qtbot)
    stages = panel.upcast.stages
    return [stages.tabText(place) for place in range(stages.count())], panel.upcast.words


def test_that_nothing_runs_before_consent_and_then_outcomes_are_shown(
    window: Window, sample: str, qtbot: QtBot, catalogue_file: Path
) -> None:
    view = window(sample)
    (dialog,) = opened(view, qtbot, catalogue_file)
    assert [dialog.modules.item(i).text() for i in range(dialog.modules.count())] == ["desks"]
    assert dialog.windowTitle() == "Run Python upcasters" and dialog._why == WORDS
    assert store_of(view).catalogue.runner is None
    stages, words = shown(view, qtbot)
    assert stages == ["Stored", "1 → 2"] and "was not run" in words
    dialog.keep.setChecked(False)
    dialog.run.click()
    settle(view, qtbot)
    stages, words = shown(view, qtbot)
    assert stages == ["Stored", "1 → 2", "2 → 3", "Result"] and "not run" not in words
    assert "desk" in {row.path for row in view.inspector.event_panel.upcast.view.rows}
    assert view.frame.remembered.trusted == []


def test_that_upcasters_that_fail_or_end_their_process_are_findings(
    window: Window, sample: str, qtbot: QtBot, catalogue_file: Path
) -> None:
    (catalogue_file.parent / "desks.py").write_text(
        CODE + "    if data['due_on'] is None: os._exit(1)\n    raise ValueError\n"
    )
    view = window(sample)
    view.folding.trust(str(catalogue_file.parent.resolve()), True)
    assert opened(view, qtbot, catalogue_file) == []
    counts = view.catalogues.counts_of(store_of(view))
    assert counts[Status.UPCAST_FAILED] > 10 and Status.UPCAST not in counts
    view.catalogues.check(store_of(view))
    settle(view, qtbot)
    checked = view.catalogues.checked_of(store_of(view))
    assert checked is not None
    (failed,) = [one for one in checked.findings if one.rule == "upcast-failed"]
    assert failed.count == counts[Status.UPCAST_FAILED]
    assert "Upcaster desks:at_desk raised ValueError (desks.py, line" in " ".join(failed.evidence)


def test_that_trust_that_is_taken_back_ends_what_runs(
    window: Window, sample: str, qtbot: QtBot, catalogue_file: Path
) -> None:
    view = window(sample)
    folder = str(catalogue_file.parent.resolve())
    view.folding.trust(folder, True)
    opened(view, qtbot, catalogue_file)
    assert store_of(view).catalogue.runner is not None and not view.catalogues.code.can_run(store_of(view))
    assert shown(view, qtbot)[0][-1] == "Result"
    view.folding._take_back(folder)
    settle(view, qtbot)
    assert store_of(view).catalogue.runner is None and view.catalogues.code.can_run(store_of(view))
    assert shown(view, qtbot)[0] == ["Stored", "1 → 2"]
