"""Work off the UI thread: who frees what it holds."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from typing import ClassVar

import pytest
from pytestqt.qtbot import QtBot

from esviewer.ui import memory
from esviewer.ui.jobs import Control, Jobs


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.close()


class Widget:
    """Stands for one, which Qt lets nobody free but the thread it belongs to. It holds itself, as most of them do."""

    freed_in: ClassVar[list[str]] = []

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        self.freed_in.append(threading.current_thread().name)


def many_objects(control: Control) -> int:
    """Work that makes Python look for cycles."""
    return len([[number] for number in range(50_000)])


def test_that_widgets_that_jobs_hold_are_freed_in_the_thread_of_the_window(jobs: Jobs, qtbot: QtBot) -> None:
    Widget.freed_in = []
    for _ in range(20):
        in_work, in_callback = Widget(), Widget()
        jobs.run(
            "lane",
            lambda control, held=in_work: many_objects(control),  # type: ignore[misc]
            lambda _count, held=in_callback: None,  # type: ignore[misc]
            lambda _error, held=in_callback: None,  # type: ignore[misc]
        )
        del in_work, in_callback
    qtbot.waitUntil(lambda: not jobs.busy)
    assert Widget.freed_in.count("MainThread") == len(Widget.freed_in)
    gc.collect()
    assert Widget.freed_in == ["MainThread"] * 40


def test_that_a_job_that_is_over_holds_nothing_even_without_a_look_for_cycles(jobs: Jobs, qtbot: QtBot) -> None:
    Widget.freed_in = []
    held = Widget()
    del held.itself
    job = jobs.run("lane", lambda control, held=held: None, lambda _, held=held: None, pytest.fail)  # type: ignore[misc]
    del held
    qtbot.waitUntil(lambda: job.is_finished)
    assert Widget.freed_in == ["MainThread"]
    # As callers do who do not know that it is over.
    job.cancel()


def test_that_garbage_is_collected_now_and_then_while_a_window_is_open(jobs: Jobs) -> None:
    assert not gc.isenabled()
    Widget.freed_in = []
    Widget()
    kept = [[number] for number in range(memory.YOUNG)]
    memory.collect()
    assert Widget.freed_in == ["MainThread"] and len(kept) == memory.YOUNG


def test_that_nothing_is_looked_at_while_a_million_objects_are_made(jobs: Jobs) -> None:
    Widget.freed_in = []
    with memory.without_collection():
        Widget()
        kept = [[number] for number in range(memory.YOUNG)]
        memory.collect()
        assert not Widget.freed_in and len(kept) == memory.YOUNG


def test_that_python_collects_by_itself_again_once_no_window_is_open(qtbot: QtBot) -> None:
    was_on = gc.isenabled()
    first, second = Jobs(), Jobs()
    first.close()
    first.close()
    assert not gc.isenabled()
    second.close()
    assert gc.isenabled() == was_on


def test_that_what_is_wanted_after_the_end_of_all_work_is_not_begun(jobs: Jobs, qtbot: QtBot) -> None:
    jobs.close()
    begun: list[Control] = []
    job = jobs.run("lane", begun.append, pytest.fail, pytest.fail)
    assert not job.is_running and not jobs.busy
    qtbot.wait(20)
    assert not begun
