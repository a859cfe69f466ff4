"""Work off the UI thread: plain functions in, results back to the UI thread.

Results come through one long-lived ``QObject``: through signals of short-lived ones most were lost (style.md,
measured). Each lane is one thread, so that what uses one connection never runs twice at a time.

Callbacks and work may hold widgets, which must not be freed in a worker thread: a job lets go of them in the UI thread,
and nothing that Python collects as garbage is collected elsewhere.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from esviewer.domain import Cancelled
from esviewer.ui import memory

T = TypeVar("T")

_PROGRESS_SECONDS = 0.05
_SWITCH_SECONDS = 0.0005
"""After so long a busy thread hands over Python's lock. Painting asks for it again after every call of Qt's: at
Python's own 5 ms a repaint beside a scan of payloads took 90 to 260 ms, so 20 to 60, and the scan no longer (measured).
"""
_COLLECT_EVERY = 500
"""ms between two looks for garbage."""
_log = logging.getLogger(__name__)


class Control:
    """What running work may use: whether it should end, and a way to tell how far it is."""

    def __init__(self, tell: Callable[[object], None]) -> None:
        self._requested = threading.Event()
        self._actions: list[Callable[[], None]] = []
        self._tell = tell
        self._told = 0.0

    @property
    def stop_requested(self) -> bool:
        return self._requested.is_set()

    def check(self) -> None:
        """Raises :class:`Cancelled` when the work should end."""
        if self.stop_requested:
            raise Cancelled("Cancelled.")

    def on_stop(self, action: Callable[[], None]) -> None:
        """Calls ``action`` (from another thread) when the work should end; at once if that has been asked for."""
        self._actions.append(action)
        if self.stop_requested:
            action()

    def progress(self, state: object, *, always: bool = False) -> None:
        """Tells the UI thread how far the work is, at most 20 times a second."""
        now = time.monotonic()
        if always or now - self._told >= _PROGRESS_SECONDS:
            self._told = now
            self._tell(state)

    def stop(self) -> None:
        self._requested.set()
        for action in tuple(self._actions):
            action()

    def let_go(self) -> None:
        """Forgets whom to tell and what to do when the work should end: it has ended."""
        self._actions.clear()
        self._tell = _nobody


def _nobody(_result: object) -> None:
    """Nobody waits for it any more."""


@dataclass(eq=False)
class Job(Generic[T]):
    """One piece of work. After :meth:`cancel` none of its callbacks is called."""

    work: Callable[[Control], T] | None
    done: Callable[[T], None]
    failed: Callable[[BaseException], None]
    progressed: Callable[[Any], None] | None
    is_waiting: bool = False
    control: Control = field(init=False)
    is_wanted: bool = True
    is_finished: bool = False

    @property
    def is_running(self) -> bool:
        """Whether an answer is still waited for."""
        return self.is_wanted and not self.is_finished

    def cancel(self) -> None:
        """Ends the work as soon as it can and drops its result; called from the UI thread."""
        self.is_wanted = False
        self.control.stop()

    def let_go(self) -> None:
        """Forgets work and callbacks once they are over; called from the UI thread, which may own what they hold."""
        self.work, self.progressed = None, None
        self.done = self.failed = _nobody
        self.control.let_go()


@dataclass(frozen=True, slots=True)
class _Arrival:
    job: Job[Any]
    kind: str
    value: Any


class Jobs(QObject):
    """Runs work in lanes and calls back on the UI thread, in the order of arrival."""

    _arrived = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._lanes: dict[str, ThreadPoolExecutor] = {}
        self._closed_lanes: list[ThreadPoolExecutor] = []
        """Lanes that take no more work and may not have come to their end."""
        self._running: set[Job[Any]] = set()
        self._is_closed = False
        self._arrived.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        memory.hold_collection()
        self._resume = weakref.finalize(self, memory.resume_collection)
        self._collecting = QTimer(self)
        self._collecting.timeout.connect(memory.collect)
        self._collecting.start(_COLLECT_EVERY)

    def run(
        self,
        lane: str,
        work: Callable[[Control], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
        progressed: Callable[[Any], None] | None = None,
        *,
        is_waiting: bool = False,
    ) -> Job[T]:
        """Starts ``work`` when the lane is free. Exactly one of ``done`` and ``failed`` is called, unless cancelled.

        Work that only waits for something from outside says so: nobody waits for it. What comes after the end of all
        work, from a timer that was still running, is cancelled at once: nobody would wait for its thread.
        """
        job: Job[T] = Job(work, done, failed, progressed, is_waiting)
        job.control = Control(lambda state: self._arrived.emit(_Arrival(job, "progress", state)))
        if self._is_closed:
            job.cancel()
            job.let_go()
            return job
        executor = self._lanes.get(lane)
        if executor is None:
            executor = self._lanes[lane] = ThreadPoolExecutor(1, thread_name_prefix=f"esviewer-{lane}")
        self._running.add(job)
        executor.submit(self._work, job)
        return job

    @property
    def busy(self) -> bool:
        """Whether any wanted work is waiting to run or running."""
        return any(job.is_wanted and not job.is_waiting for job in self._running)

    def _work(self, job: Job[T]) -> None:
        try:
            job.control.check()
            assert job.work is not None
            # No name here holds the work: the UI thread is to be the last that does.
            arrival = _Arrival(job, "done", job.work(job.control))
        except BaseException as error:  # noqa: BLE001 - the boundary of a job: whatever happened is told
            arrival = _Arrival(job, "failed", error)
        self._arrived.emit(arrival)

    @Slot(object)
    def _deliver(self, arrival: _Arrival) -> None:
        job = arrival.job
        if arrival.kind == "progress":
            if job.is_wanted and job.progressed is not None:
                job.progressed(arrival.value)
            return
        self._running.discard(job)
        job.is_finished = True
        try:
            if not job.is_wanted:
                return
            if arrival.kind == "done":
                job.done(arrival.value)
            elif not isinstance(arrival.value, Cancelled):
                job.failed(arrival.value)
        finally:
            job.let_go()

    def close_lanes(self, owners: Iterable[object]) -> None:
        """Ends the threads of the lanes that are named after these; what has been given to them is done before."""
        endings = tuple(f" {id(owner)}" for owner in owners)
        for lane in [lane for lane in self._lanes if lane.endswith(endings)]:
            executor = self._lanes.pop(lane)
            executor.shutdown(wait=False)
            self._closed_lanes.append(executor)

    def close(self) -> None:
        """Ends all work, waits for it, and takes no more."""
        self._is_closed = True
        for job in tuple(self._running):
            job.cancel()
        for executor in (*self._lanes.values(), *self._closed_lanes):
            executor.shutdown(wait=True, cancel_futures=True)
        self._lanes.clear()
        self._closed_lanes.clear()
        for job in self._running:
            job.let_go()
        self._running.clear()
        self._collecting.stop()
        self._resume()
