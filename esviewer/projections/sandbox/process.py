"""Running user code from outside: starts the child, watches it, keeps what it prints, and ends it when it must."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Any

import esviewer.domain.errors as errors
from esviewer.domain import Cancelled, EsviewerError
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.spot import Phase, Spot, Wish

Report = Mapping[str, Any]

_LONGEST_REPORT = 256 * 1024 * 1024
_LOOK_SECONDS = 0.1
_NUDGE_SECONDS = 0.2
_ENDING_SECONDS = 60.0


class UserCodeFailed(EsviewerError):
    """User code raised, took too long, ended its process or ran out of memory.

    ``number`` is that of the event it was at (-1: none), ``details`` its traceback, ``output`` what it printed.
    """

    title = "The code failed"

    def __init__(self, sentence: str, number: int = -1, details: str = "", output: str = "") -> None:
        super().__init__(sentence)
        self.number = number
        self.details = details
        self.output = output


class Sandbox:
    """One child for one task. :meth:`run` is called once; :meth:`stop` from any thread."""

    def __init__(self, task: str, order: Mapping[str, Any], limits: Limits | None = None) -> None:
        self._task = task
        self._order = order
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopped = threading.Event()
        self._wish = Wish.GO_ON
        self._spot: Spot | None = None
        self._lock = threading.Lock()
        self._printed = _Printed(self._limits.printed)
        self.contained_by: tuple[str, ...] = ()
        """What keeps the child in bounds on this machine, in words; known once it runs."""

    @property
    def output(self) -> str:
        """What user code printed, its beginning if it was much."""
        return self._printed.text

    def run(self, told: Callable[[Report], None] = lambda report: None) -> Any:
        """The task's result; ``told`` gets its reports on the way.

        Raises :class:`UserCodeFailed`, :class:`Cancelled` after :meth:`stop`, and what opening the store raises.
        """
        spot = Spot.made()
        with self._lock:
            self._spot = spot
            spot.wish(self._wish)
        try:
            process = self._started(spot)
            lines: queue.Queue[bytes | None] = queue.Queue(maxsize=256)
            assert process.stdout is not None and process.stderr is not None
            threads = [
                threading.Thread(target=_take_lines, args=(process.stdout, lines), daemon=True),
                threading.Thread(target=self._printed.drain, args=(process.stderr,), daemon=True),
            ]
            for thread in threads:
                thread.start()
            try:
                return self._watched(process, spot, lines, told)
            finally:
                self._end(process)
                # A reader that waits for room is let go.
                with suppress(queue.Empty):
                    while True:
                        lines.get_nowait()
                for thread in threads:
                    thread.join(5)
                process.stdout.close()
                process.stderr.close()
        finally:
            with self._lock:
                self._spot = None
                spot.remove()

    def ask(self, wish: Wish) -> None:
        """Asks the task to pause, to go on, or to end with what it has; from any thread, also before it runs."""
        with self._lock:
            self._wish = wish
            if self._spot is not None:
                self._spot.wish(wish)

    def stop(self) -> None:
        """Ends the child at once, whatever it does."""
        self._is_stopped.set()
        process = self._process
        if process is not None:
            _kill(process)

    def _started(self, spot: Spot) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "esviewer.projections.sandbox.entry"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONUNBUFFERED": "1",
                "PYTHONIOENCODING": "utf-8:backslashreplace",
                # Its threads would take address space, which is counted.
                "OPENBLAS_NUM_THREADS": "1",
            },
            start_new_session=True,
        )
        self._process = process
        assert process.stdin is not None
        order = {**self._order, "task": self._task, "spot": str(spot.path), "limits": asdict(self._limits)}
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.close()
        return process

    def _watched(
        self,
        process: subprocess.Popen[bytes],
        spot: Spot,
        lines: queue.Queue[bytes | None],
        told: Callable[[Report], None],
    ) -> Any:
        watch, nudged = _Watch(self._limits), time.monotonic()
        while True:
            if self._is_stopped.is_set():
                raise Cancelled("Cancelled.")
            if time.monotonic() - nudged >= _NUDGE_SECONDS:
                nudged = time.monotonic()
                with self._lock:
                    spot.nudge()
            try:
                line = lines.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                late = watch.late(*spot.get())
                if late is not None:
                    raise self._failed(late, spot) from None
                continue
            if line is None:
                if self._is_stopped.is_set():
                    raise Cancelled("Cancelled.")
                process.wait(5)
                raise self._failed(_how_it_ended(process.returncode), spot)
            watch.renew()
            report = self._read(line, spot)
            kind = report["kind"]
            if kind == "done":
                return report["result"]
            if kind == "raised":
                raise self._failed(report["sentence"], spot, report["number"], report["details"])
            if kind == "failed":
                raise _error(report)
            if kind == "contained":
                self.contained_by = tuple(report["by"])
            else:
                told(report)

    def _read(self, line: bytes, spot: Spot) -> dict[str, Any]:
        try:
            report = json.loads(line)
            if isinstance(report, dict) and isinstance(report.get("kind"), str):
                return report
        except ValueError:
            pass
        raise self._failed("it wrote into the channel of its own reports", spot)

    def _failed(self, sentence: str, spot: Spot, number: int | None = None, details: str = "") -> UserCodeFailed:
        return UserCodeFailed(sentence, spot.get()[1] if number is None else number, details, self._printed.text)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        _kill(process)
        process.wait(10)


class _Watch:
    """Tells when user code has been at one thing for too long."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._beats = -1
        self.renew()

    def renew(self) -> None:
        """Something was heard."""
        self._since = time.monotonic()

    def late(self, phase: Phase, number: int, beats: int) -> str | None:
        """Why the child is to be ended now, if it is."""
        if beats != self._beats:
            self._beats = beats
            self.renew()
            return None
        allowed = {
            Phase.LOADING: self._limits.loading,
            Phase.HANDLING: self._limits.stall,
            Phase.ENDING: _ENDING_SECONDS,
        }.get(phase)
        if allowed is None or time.monotonic() - self._since < allowed:
            return None
        if phase is Phase.LOADING:
            return f"its import did not end within {allowed:g} s"
        return f"it did not end within {allowed:g} s over one event"


class _Printed:
    """The beginning of what was printed, and how much it was."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._data = bytearray()
        self._size = 0

    def drain(self, pipe: IO[bytes]) -> None:
        """Reads until the other end closes; keeps no more than it may."""
        with suppress(OSError, ValueError):
            while data := os.read(pipe.fileno(), 65_536):
                self._size += len(data)
                self._data += data[: max(0, self._kept - len(self._data))]

    @property
    def text(self) -> str:
        text = bytes(self._data).decode("utf-8", "replace")
        if self._size > len(self._data):
            text += f"\n… {self._size:,} bytes were printed in all."
        return text


def _take_lines(pipe: IO[bytes], lines: queue.Queue[bytes | None]) -> None:
    with suppress(OSError, ValueError):
        while line := pipe.readline(_LONGEST_REPORT):
            lines.put(line)
    lines.put(None)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the child; it could start no other, but what is in its group goes with it."""
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _how_it_ended(status: int | None) -> str:
    if status is None:
        return "its process closed its channel"
    if status >= 0:
        return f"it ended its process with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    meaning = {"SIGKILL": ", as the system does when memory runs out", "SIGXCPU": ": it used all its processor time"}
    return f"its process was ended by {name}{meaning.get(name, '')}"


def _error(report: Report) -> EsviewerError:
    kind = getattr(errors, report["error"], None)
    if isinstance(kind, type) and issubclass(kind, EsviewerError) and kind is not errors.NeedsChoice:
        return kind(report["sentence"])
    return EsviewerError(report["sentence"])
