"""DuckDB as SQL projections have it: in memory, without files, settings that hold, and somebody who ends a long query.

It is made before the child gives up starting threads and opening files; afterwards it needs neither.
"""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.spot import Phase, Wish
from esviewer.projections.sql_file import driver

if TYPE_CHECKING:
    import duckdb

_SETTINGS: Final[tuple[tuple[str, str], ...]] = (
    ("TimeZone", "'UTC'"),
    # One thread: the child may start none, and sums of floats and the order of rows are the same in every run.
    ("threads", "1"),
    ("preserve_insertion_order", "true"),
    ("temp_directory", "''"),
    ("autoinstall_known_extensions", "false"),
    ("autoload_known_extensions", "false"),
    ("allow_community_extensions", "false"),
    ("python_enable_replacements", "false"),
    # So that a plan over an empty table still says what it would read.
    ("disabled_optimizers", "'statistics_propagation'"),
    ("enable_external_access", "false"),
    # The last one: no other can be changed any more.
    ("lock_configuration", "true"),
)
_MEMORY_SHARE: Final = 0.6
"""Of what the child may have: DuckDB then says that it is too little before the system does."""
_QUERY_TIMES_LOADING: Final = 2
"""How long one query may take, in times of what an import may."""
_LOOK_SECONDS: Final = 0.05
_AFTER_THE_END_SECONDS: Final = 10.0
"""What a query may still take where the user has ended the reading before."""


class QueryEnded(Exception):
    """A query was ended: for it took too long (``was_late``), or since the user wished so."""

    def __init__(self, sentence: str, was_late: bool) -> None:
        super().__init__(sentence)
        self.was_late = was_late


class Engine:
    """Gives connections in which nothing can be reached but what is put into them, one for each projection."""

    def __init__(self, limits: Limits, view: Callable[[], memoryview], shares: int) -> None:
        self._guard = _Guard(limits, view)
        self._memory = int(limits.memory * _MEMORY_SHARE / shares)
        # What is loaded and reserved at first use is had now: time zones, the way to JSON, addresses.
        first = [self.connection() for _ in range(shares)]
        for each in first:
            each.execute("SELECT TIMESTAMPTZ '2000-01-01 00:00:00+00', '{}'::JSON").fetchall()
            each.close()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """A new one, empty and locked. It starts no thread, so that it can be had at any time."""
        made: duckdb.DuckDBPyConnection = driver().connect(
            ":memory:", config={"threads": 1, "memory_limit": f"{self._memory}B"}
        )
        for name, value in _SETTINGS:
            made.execute(f"SET {name} = {value}")
        return made

    @contextmanager
    def guarded(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """A query on this connection: it is ended if it takes too long, or where that is wished for.

        Raises :class:`QueryEnded`, and what DuckDB raises.
        """
        duckdb = driver()
        self._guard.begin(connection)
        try:
            yield
        except duckdb.InterruptException:
            raise self._guard.ended() from None
        finally:
            self._guard.end()


class _Guard:
    """A thread that looks after the query that runs now, since who waits for it cannot."""

    def __init__(self, limits: Limits, view: Callable[[], memoryview]) -> None:
        self._seconds = limits.loading * _QUERY_TIMES_LOADING
        self._view = view
        self._lock = threading.Lock()
        self._running: duckdb.DuckDBPyConnection | None = None
        self._until = 0.0
        self._heeds_wish = True
        self._was_late = False
        self._wakes = threading.Event()
        threading.Thread(target=self._watch, name="esviewer-query-guard", daemon=True).start()

    def begin(self, connection: duckdb.DuckDBPyConnection) -> None:
        view = self._view()
        view[0] = Phase.HANDLING
        with self._lock:
            # Where the reading was ended, the rows so far are still wanted.
            self._heeds_wish = Wish.of(view[3]) is not Wish.END
            self._seconds_now = self._seconds if self._heeds_wish else min(self._seconds, _AFTER_THE_END_SECONDS)
            self._until = time.monotonic() + self._seconds_now
            self._was_late = False
            self._running = connection
        self._wakes.set()

    def end(self) -> None:
        with self._lock:
            self._running = None
        self._wakes.clear()
        self._view()[0] = Phase.READING

    def ended(self) -> QueryEnded:
        """Why the query was ended."""
        if self._was_late and self._heeds_wish:
            return QueryEnded(f"the query did not end within {self._seconds_now:g} s", True)
        return QueryEnded("the query was ended", False)

    def _watch(self) -> None:
        while self._wakes.wait():
            with self._lock:
                if self._running is not None:
                    view = self._view()
                    # It lives, as far as whoever looks from outside is concerned.
                    view[2] += 1
                    self._was_late = time.monotonic() >= self._until
                    if self._was_late or (self._heeds_wish and Wish.of(view[3]) is Wish.END):
                        self._running.interrupt()
            time.sleep(_LOOK_SECONDS)


_ready: list[Engine] = []


def make_ready(order: Mapping[str, Any], view: Callable[[], memoryview]) -> None:
    """Makes the engine of this process, where a projection of an order is SQL; before the child is contained.

    Raises :class:`UsageError` where there is no DuckDB.
    """
    shares = sum(projection["kind"] == "sql" for projection in order["projections"])
    if shares and not _ready:
        # Arrow's own way with memory reserves a gigabyte of addresses at first use, which is all that a child may have.
        os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
        driver()
        # Imported here, since what is imported later counts as what the projection needs.
        importlib.import_module("esviewer.projections.sql_projection")
        _ready.append(Engine(Limits(**order.get("limits", {})), view, shares))


def engine() -> Engine:
    """The engine of this process; one of its own with usual limits where none was made ready."""
    if not _ready:
        place = memoryview(bytearray(32)).cast("q")
        _ready.append(Engine(Limits(), lambda: place, 2))
    return _ready[0]
