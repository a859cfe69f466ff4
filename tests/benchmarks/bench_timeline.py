"""One frame of the timeline against one of an empty widget of the same size, interleaved in one run.

Run by name: ``QT_QPA_PLATFORM=offscreen PYTHONPATH=. python tests/benchmarks/bench_timeline.py [EVENTS …]``.
20 million events take about 2 GB of memory.
"""

from __future__ import annotations

import os
import statistics
import sys
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
    return Marks(range(1, count + 1), times, types, names, np.zeros(count, np.uint8))


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
    print(f"load {os.getloadavg()[0]:.1f}; medians of {ROUNDS}; x = times an empty widget's paint; first = new stream")
    print("    events     axis   first        move the playhead        zoom, all in sight       zoom, 2 000 in sight")
    for count in (int(number) for number in sys.argv[1:] or ("1000", "200000", "1000000", "5000000", "20000000")):
        marks = stream(count)
        for axis in ("version", "time"):
            view.set_axis(axis)
            first = milliseconds(lambda marks=marks: (view.set_stream(marks), view.grab()))  # type: ignore[misc,func-returns-value]
            view.set_playhead(count // 2)
            view.grab()
            found = [measure(view, empty, lambda turn, at=count // 2: view.set_playhead(at + turn + 1))]  # type: ignore[misc]
            zoom = lambda turn: view.model.zoom(400.0, 1.01 if turn % 2 else 0.99)  # noqa: E731
            found.append(measure(view, empty, zoom))
            view.model.show(*view.model.axis.around(count // 2, 1_000))
            found.append(measure(view, empty, zoom))
            frames = "".join(f"{ours:10.1f} ms {ours / bare:6.0f} x   " for ours, bare in found)
            print(f"{count:10} {axis:>8} {first:7.0f}{frames}")


if __name__ == "__main__":
    main()
