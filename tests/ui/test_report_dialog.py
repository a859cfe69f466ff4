"""Reports from the window: what can be reported on, the preview, and the file, which is that of the command line."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from esviewer.ui.main_view import MainView
from esviewer.ui.report_dialog import ReportDialog
from tests.ui.windows import Window, settle

BOOK = "b9ae5c8f-1fca-4da2-b744-001a6aa45fe0"


@pytest.fixture
def view(window: Window, sample: str) -> MainView:
    return window(sample)


def dialog_of(view: MainView, qtbot: QtBot, kind: str) -> ReportDialog:
    """The dialog with a kind chosen, and its report made."""
    view.actions_.report.trigger()
    dialog = view.findChildren(ReportDialog)[-1]
    rows = dialog.kinds.model()
    for row in range(rows.rowCount()):
        dialog.kinds.setCurrentIndex(rows.index(row, 0))
        if dialog.subject is not None and dialog.subject.kind == kind:
            break
    settle(view, qtbot)
    assert dialog.subject is not None and dialog.subject.kind == kind
    return dialog


def headless(sample: str, target: Path, *options: str) -> dict[str, object]:
    command = [sys.executable, "-m", "esviewer", "report", sample, "-o", str(target), *options]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    found = json.loads(target.read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("kind", ["health", "catalogue", "lag"])
def test_that_a_report_is_that_of_the_command_line(
    view: MainView, sample: str, tmp_path: Path, qtbot: QtBot, kind: str
) -> None:
    dialog = dialog_of(view, qtbot, kind)
    assert dialog.made is not None and dialog.made.document.title in dialog.preview.toPlainText()
    dialog.save_to(tmp_path / "window.json")
    settle(view, qtbot)
    own = json.loads((tmp_path / "window.json").read_text())
    assert own["content_hash"] == headless(sample, tmp_path / "headless.json", "--kind", kind)["content_hash"]
    assert any("window.json" in sentence for sentence in view.told)


def test_that_a_stream_is_reported_on_up_to_the_playhead(
    view: MainView, sample: str, tmp_path: Path, qtbot: QtBot
) -> None:
    view.open_stream(view.session.store, BOOK)
    settle(view, qtbot)
    stream = view.session.stream
    assert stream is not None
    stream.move(40)
    dialog = dialog_of(view, qtbot, "stream")
    dialog.save_to(tmp_path / "window.json")
    settle(view, qtbot)
    own = json.loads((tmp_path / "window.json").read_text())
    version = stream.events[40].version
    options = ("--kind", "stream", "--stream", BOOK, "--version", str(version))
    assert own["content_hash"] == headless(sample, tmp_path / "headless.json", *options)["content_hash"]


def test_that_a_report_is_never_written_over_the_store(view: MainView, sample: str, qtbot: QtBot) -> None:
    before = Path(sample).read_bytes()
    other = Path(sample).with_suffix(".json")
    other.write_bytes(before)
    dialog = dialog_of(view, qtbot, "lag")
    dialog.save_to(other)
    settle(view, qtbot)
    assert other.read_bytes() == before and view.told
    with sqlite3.connect(sample) as check:
        assert check.execute("SELECT count(*) FROM stored_events").fetchone() == (1605,)


def test_that_a_report_that_is_not_waited_for_ends_with_the_dialog(view: MainView, qtbot: QtBot) -> None:
    view.actions_.report.trigger()
    dialog = view.findChildren(ReportDialog)[-1]
    dialog.reject()
    settle(view, qtbot)
    assert not view.jobs.busy and not view.told
