"""One frame of the timeline against one of an empty widget of the same size, interleaved in one run.

Run by name: ``QT_QPA_PLATFORM=offscreen PYTHONPATH=. python tests/benchmarks/bench_timeline.py``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
from PySide6.QtWidgets import QApplication, QWidget

from esviewer.timeline.marks import Marks
from esviewer.ui import theme
from esviewer.ui.timeline_view import TimelineView

ROUNDS = 21


def stream(count: int) -> Marks:
    """Events of eight types over some months, in bursts."""
    random = np.random.default_rng(1)
    types = random.choice(8, count, p=[0.3, 0.2, 0.15, 0.12, 0.1, 0.06, 0.04, 0.03]).astype(np.int32)
    gaps = random.exponential(3e7, count) * random.choice([0.0, 1.0, 20.0], count, p=[0.2, 0.7, 0.1])
    times = np.cumsum(gaps).astype(np.int64) + 1_709_600_000_000_000
    names = tuple(f"Loan.Event{ordinal}" for ordinal in range(8))
    return Marks(list(range(1, count + 1)), times, types, names, np.zeros(count, np.uint8))


def milliseconds(frame: Callable[[], object]) -> float:
    began = time.perf_counter()
    frame()
    return (time.perf_counter() - began) * 1000


def measure(view: TimelineView, empty: QWidget, change: Callable[[int], object]) -> tuple[float, float]:
    """Medians of a frame after ``change(round)``, and of an empty widget's."""
    ours, theirs = [], []
    for turn in range(ROUNDS):
        theirs.append(milliseconds(empty.grab))
        ours.append(milliseconds(lambda turn=turn: (change(turn), view.grab())))  # type: ignore[misc]
    return statistics.median(ours), statistics.median(theirs)


def main() -> None:
    app = QApplication([])
    theme.apply(app, "light")
    empty, view = QWidget(), TimelineView()
    for widget in (empty, view):
        widget.resize(1100, 420)
        widget.show()
        widget.grab()
    print("events   axis     move the playhead       zoom (all but 1 % in sight)")
    for count in (1_000, 100_000, 200_000):
        for axis in ("version", "time"):
            view.set_stream(stream(count))
            view.set_axis(axis)
            view.set_playhead(count // 2)
            view.grab()
            moved, bare = measure(view, empty, lambda turn, at=count // 2: view.set_playhead(at + turn + 1))  # type: ignore[misc]
            zoomed, bare_again = measure(view, empty, lambda turn: view.model.zoom(400.0, 1.01 if turn % 2 else 0.99))
            print(
                f"{count:7} {axis:>8} {moved:7.1f} ms {moved / bare:6.1f} x empty"
                f" {zoomed:7.1f} ms {zoomed / bare_again:6.1f} x empty"
            )


if __name__ == "__main__":
    main()
