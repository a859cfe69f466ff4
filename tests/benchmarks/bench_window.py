"""How long the window stands still while a large store is opened, walked and scrubbed. Run it by name.

    python tests/benchmarks/bench_window.py STORE [STORE ...]

STORE is a SQLite file as tests/benchmarks/make_store.py writes it. The window is a real one on the offscreen platform.
A block is the time between two turns of the event loop that do nothing else than come by; the same loop without a
window is measured first. Every state shown is compared with a plain refold. Only ratios and longest blocks mean anything.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from esviewer.session import StreamSession
    from esviewer.ui.main_view import MainView

SEEKS = 1_000
_PATIENCE = 1_800.0


class Loop:
    """Runs the event loop and keeps the times between its turns."""

    def __init__(self) -> None:
        self.blocks: list[float] = []

    def until(self, is_reached: Callable[[], bool]) -> float:
        """Seconds until a condition holds."""
        self.blocks = []
        began = last = time.perf_counter()
        while not is_reached():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)
            time.sleep(0.0005)
            now = time.perf_counter()
            self.blocks.append(now - last)
            last = now
            if now - began > _PATIENCE:
                raise SystemExit("The window does not come to an end.")
        return last - began

    def told(self, what: str, seconds: float) -> None:
        """Prints what a stretch took."""
        longest = sorted(self.blocks)[-3:] if self.blocks else [0.0]
        shown = ", ".join(f"{block * 1000:.0f}" for block in reversed(longest))
        print(f"  {what:44} {seconds:7.2f} s; longest blocks {shown} ms", flush=True)


def measure(path: Path, folder: Path) -> None:
    """Opens one store in a new window, twice, and scrubs its longest stream."""
    os.environ["ESVIEWER_CACHE_DIR"] = str(folder / f"cache-{path.stem}")
    os.environ["ESVIEWER_CONFIG_DIR"] = str(folder / "config")
    print(f"{path.name}: {path.stat().st_size / 1e6:,.0f} MB")
    loop = Loop()
    end = time.perf_counter() + 2
    loop.told("an event loop that has nothing to do", loop.until(lambda: time.perf_counter() > end))
    _open(path, "first", loop).close()
    frame = _open(path, "second", loop)
    _scrub(frame.view, loop)
    frame.close()


def _open(path: Path, time_of: str, loop: Loop) -> Any:
    frame, view = _window(path)
    seconds = loop.until(lambda: bool(view.databases.glimpses) or _is_ready(view))
    loop.told(f"{time_of} opening: until the first figures", seconds)
    loop.told(f"{time_of} opening: until the index is whole", loop.until(lambda: _is_ready(view)))
    return frame


def _window(path: Path) -> tuple[Any, MainView]:
    from esviewer.ui.frame import Frame

    frame = Frame()
    frame.resize(1440, 900)
    frame.show()
    frame.fill([str(path)])
    return frame, frame.view  # type: ignore[return-value]


def _is_ready(view: MainView) -> bool:
    return (
        bool(view.session.databases)
        and all(store.index.complete and store.index.length for store in view.session.databases[0].stores)
        and not view.jobs.busy
    )


def _scrub(view: MainView, loop: Loop) -> None:
    (store,) = view.session.databases[0].stores
    table = store.index.stream_table()
    name = store.index.stream_name(int(table.events.argmax()))
    view.open_stream(store, name)
    seconds = loop.until(lambda: view.session.stream is not None and not view.jobs.busy)
    stream = view.session.stream
    assert stream is not None
    loop.told(f"opening a stream of {len(stream.events):,} events", seconds)
    loop.told("settling", loop.until(lambda: not view.jobs.busy))
    took = _drag(stream)
    shown = f"median {statistics.median(took) * 1000:.1f}, p99 {sorted(took)[len(took) * 99 // 100] * 1000:.1f} ms"
    print(f"  {SEEKS:,} random versions, each painted: {shown}; every state equals a plain refold")


def _drag(stream: StreamSession) -> list[float]:
    """Moves the playhead about and paints; compares the states in the order of versions, by one plain refold."""
    from esviewer.projections.inferred import InferredFold

    rng = random.Random(7)
    places = [rng.randrange(len(stream.events)) for _ in range(SEEKS)]
    took = []
    digests: dict[int, str] = {}
    for place in places:
        began = time.perf_counter()
        stream.move(place)
        QApplication.processEvents()
        took.append(time.perf_counter() - began)
        digests[place] = _digest(stream.history.state_at(place))
    fold = InferredFold()
    state = fold.initial()
    wanted = set(places)
    for index, event in enumerate(stream.events):
        fold.apply(state, event)
        if index in wanted and _digest(state) != digests[index]:
            raise SystemExit(f"The state at index {index} is not that of a plain refold.")
    return took


def _digest(state: dict[str, Any]) -> str:
    import hashlib

    from esviewer.stores.codecs import json_text

    return hashlib.sha256(json_text.dumps(state)).hexdigest()


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    application = QApplication.instance() or QApplication([])
    from esviewer.ui import theme

    theme.apply(application, "light")  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments:
            measure(Path(name), Path(folder))
    return 0


if __name__ == "__main__":
    with closing(sys.stdout):
        sys.exit(main(sys.argv[1:]))
