"""What tests of the window share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from esviewer.ui.frame import Frame
from esviewer.ui.main_view import MainView
from esviewer.ui.samples import sample_path
from tests.ui.windows import Window, settle


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[Window]:
    """Opens a window as the program does, and waits until it is ready; all of them are closed at the end."""
    frames: list[Frame] = []

    def make(*addresses: str) -> MainView:
        frame = Frame()
        frames.append(frame)
        qtbot.addWidget(frame)
        frame.show()
        frame.fill(list(addresses))
        assert isinstance(frame.view, MainView)
        settle(frame.view, qtbot)
        return frame.view

    yield make
    for frame in frames:
        frame.close()


@pytest.fixture
def sample(tmp_path: Path) -> str:
    """The address of a copy of the sample store."""
    path = sample_path()
    assert path is not None
    return str(shutil.copy(path, tmp_path / "lending.sqlite"))
