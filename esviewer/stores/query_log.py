"""Every statement that was sent to a store, so that anybody can see what esviewer asks of a production database."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoggedStatement:
    """One statement as sent. ``seconds`` and ``rows`` are final once the statement has ended, else ``None``."""

    at: float
    statement: str
    parameters: str
    seconds: float | None
    rows: int | None
    error: str | None


class QueryLog:
    """The last statements in order, bounded; safe to use from several threads."""

    def __init__(self, limit: int = 2_000) -> None:
        self._entries: deque[LoggedStatement] = deque(maxlen=limit)
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def add(self, statement: str, parameters: object, began: float, rows: int | None, error: str | None) -> None:
        """Records a statement that has ended (or failed); ``began`` is from ``time.perf_counter()``."""
        took = time.perf_counter() - began
        self.note(LoggedStatement(time.time() - took, statement, _short(parameters), took, rows, error))

    def note(self, entry: LoggedStatement) -> None:
        """Takes in a statement that was sent, maybe by another process of ours."""
        with self._lock:
            self._entries.append(entry)
        for listener in tuple(self._listeners):
            listener()

    @property
    def last(self) -> LoggedStatement:
        """The statement that was noted last."""
        return self._entries[-1]

    def entries(self) -> tuple[LoggedStatement, ...]:
        """All kept statements, oldest first."""
        with self._lock:
            return tuple(self._entries)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls ``listener`` after each statement, in the thread that sent it; returns the way to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)


def _short(parameters: object) -> str:
    text = repr(parameters)
    return text if len(text) <= 300 else text[:297] + "…"
