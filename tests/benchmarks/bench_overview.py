"""The overview at 1, 5 and 20 million synthetic events, as ratios to floors of the same run.

Run by name: ``QT_QPA_PLATFORM=offscreen PYTHONPATH=. python tests/benchmarks/bench_overview.py [MILLIONS ...]``.

The floor of a query and of a frame is one ``np.bincount`` of the lanes of the visible events. The longest block is the
longest time between two ticks of a timer on the UI thread while the overview is worked out from nothing, grows 20 times
by 10 000 events, and is zoomed between. On a busy machine all this is noise: look at the ratios and the idle loop.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from PySide6.QtCore import QElapsedTimer, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from esviewer.session import StoreSession
from esviewer.stores.index import Index
from esviewer.timeline.density_range import Sight
from esviewer.ui import theme
from esviewer.ui.colours import TypeColours
from esviewer.ui.density_view import DensityView
from esviewer.ui.jobs import Jobs
from esviewer.ui.overview import Overview
from esviewer.ui.overview_data import AxisName, OverviewData, Wish
from esviewer.ui.overview_frame import Frame, LaneLook
from esviewer.ui.overview_painting import LABEL, RIGHT

LANES, STREAMS, PIXELS, ROUNDS, STEP = 40, 50_000, 2_000, 9, 10_000
FRAME_MS, QUERY_MS, BLOCK_MS = 16.0, 8.0, 50.0


class Growing:
    """An index whose rows are published bit by bit; a share of them carries times that are out of order."""

    def __init__(self, count: int, late: float = 0.0) -> None:
        random = np.random.default_rng(1)
        shares = 1 / np.arange(1, LANES + 1)
        times = np.cumsum(random.integers(0, 2_000_000, count)) + 1_600_000_000_000_000
        if late:
            times = np.where(random.random(count) < late, times - random.integers(0, 10**9, count), times)
        self.index = index = Index()
        index.types = [f"bank:Account.Event{number}" for number in range(LANES)]
        index.streams = [f"account-{number}" for number in range(STREAMS)]
        index.stream_category = [f"category {number % 30}" for number in range(STREAMS)]
        index.stream_tenant = [None] * STREAMS
        index._same_name = dict.fromkeys(index.streams, 1)
        index.columns_.reserve(count)
        columns: dict[str, Any] = {
            "position": np.arange(1, count + 1),
            "stream": random.integers(0, STREAMS, count),
            "version": np.ones(count, np.int32),
            "type": random.choice(LANES, count, p=shares / shares.sum()),
            "time": times,
            "size": random.integers(200, 400, count),
            "flags": np.zeros(count, np.uint8),
        }
        for name, values in columns.items():
            index.columns_.write(name, 0, values, count)
        self.count = count
        self.codes = columns["type"].astype(np.uint8)

    def publish(self, count: int) -> None:
        self.index.length = min(count, self.count)
        self.index.complete = self.index.length == self.count


def best(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The shortest time in ms."""
    return min(_milliseconds(work) for _ in range(rounds))


def _milliseconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def verdict(value: float, aim: float) -> str:
    return f"aim {aim:.0f} ms {'met' if value < aim else 'MISSED'}"


def measure_work(store: Growing) -> OverviewData:
    """From nothing, and with 10 000 events more."""
    data = OverviewData(store.index)
    store.publish(store.count - STEP)
    whole = _milliseconds(lambda: data.bring_up(Wish(), lambda: None))
    floor = best(lambda: np.bincount(store.codes))
    store.publish(store.count)
    part = _milliseconds(lambda: data.bring_up(Wish(), lambda: None))
    print(f"  worked out from nothing     {whole:8.1f} ms  {whole / floor:6.1f} x bincount of all ({floor:.1f} ms)")
    print(f"  with 10 000 events more     {part:8.1f} ms  {part / floor:6.2f} x")
    return data


def _counted(frame: Frame) -> object:
    """The counts of a frame, asked for as if for the first time."""
    return Frame(frame.picture, frame.sight, frame.looks, frame.width, frame.columns).counts


def measure_queries(store: Growing, data: OverviewData) -> None:
    axes: tuple[AxisName, ...] = ("time", "position")
    for axis in axes:
        picture = data.bring_up(Wish(axis=axis), lambda: None).picture
        assert picture is not None
        looks = tuple(LaneLook(lane.code, "", lane.code, lane.name, "") for lane in picture.lanes)
        low, high = int(picture.ordered.values[0]), int(picture.ordered.values[-1])
        for share in (1.0, 0.5, 0.01):
            sight = Sight.of(low, high).shown(low, low + round((high - low) * share))
            frame = Frame(picture, sight, looks, PIXELS, PIXELS)
            codes = store.codes[frame.first : frame.beyond]
            floor = best(partial(np.bincount, codes))
            ours = best(partial(_counted, frame))
            print(
                f"  {axis:>8}, {share:4.0%} in sight, {LANES} lanes, {PIXELS} px {ours:6.2f} ms"
                f" {ours / floor:6.2f} x bincount of them ({floor:.2f} ms), {verdict(ours, QUERY_MS)}"
            )


def measure_frames(store: Growing, data: OverviewData) -> None:
    """Frames while panning (density, and single marks), against an empty widget of the same size."""
    picture = data.bring_up(Wish(), lambda: None).picture
    assert picture is not None
    looks = [LaneLook(lane.code, f"Event{lane.code}", lane.code, lane.name, "") for lane in picture.lanes]
    view, empty = DensityView(), QWidget()
    view.resize(PIXELS + LABEL + RIGHT, 100)
    view.show_picture(picture, looks, ())
    empty.resize(view.size())
    whole = view.sight
    assert whole is not None
    single = round(whole.span * 1_900 / store.count)
    for name, span in (("half in sight", whole.span // 2), ("1 900 single marks", single)):
        view.set_sight(whole.shown(whole.lower + whole.span // 4, whole.lower + whole.span // 4 + span))
        ours, bare = [], []
        for turn in range(ROUNDS):
            bare.append(_milliseconds(empty.grab))
            view.pan(0.01 if turn % 2 else -0.01)
            ours.append(_milliseconds(view.grab))
        frame, floor, usual = min(ours), min(bare), statistics.median(ours)
        print(
            f"  frame, {name:20} {frame:8.1f} ms (median {usual:.1f})  {frame / floor:6.1f} x empty widget,"
            f" {verdict(frame, FRAME_MS)}"
        )
    view.deleteLater()


def measure_blocks(application: QApplication, store: Growing) -> None:
    jobs, clock, gaps = Jobs(), QElapsedTimer(), [0]
    ticker = QTimer()
    ticker.setInterval(0)
    ticker.timeout.connect(lambda: gaps.append(clock.restart()))
    found = SimpleNamespace(name="bank", confidence=1.0, dialect=SimpleNamespace(title="synthetic"))
    session = cast(StoreSession, SimpleNamespace(index=store.index, name="bank", found=found))
    store.publish(store.count - 20 * STEP)
    clock.start()
    ticker.start()
    page = Overview(session, TypeColours(store.index.types), jobs)
    page.resize(1170, 800)
    page.show()
    for turn in range(21):
        store.publish(store.count - (20 - turn) * STEP)
        page.refresh()
        page.density.zoom(1.5 if turn % 2 else 1 / 1.5)
        while jobs.busy:
            application.processEvents()
    page._by_chosen("category")
    while jobs.busy:
        application.processEvents()
    longest, took = float(max(gaps)), sum(gaps) / 1000
    gaps.clear()
    until = time.monotonic() + took
    while time.monotonic() < until:
        application.processEvents()
    ticker.stop()
    print(
        f"  longest block of the event loop {longest:4.0f} ms ({max(gaps)} ms when idle for as long),"
        f" {verdict(longest, BLOCK_MS)}"
    )
    page.stop()
    page.close()
    jobs.close()


def main() -> None:
    application = QApplication([])
    theme.apply(application, "light")
    for millions in [int(given) for given in sys.argv[1:]] or [1, 5, 20]:
        print(f"{millions} million events")
        store = Growing(millions * 1_000_000)
        data = measure_work(store)
        measure_queries(store, data)
        measure_frames(store, data)
        measure_blocks(application, store)
        if millions <= 5:
            print(f"{millions} million events, one in a hundred up to 1 000 s late")
            store = Growing(millions * 1_000_000, 0.01)
            measure_queries(store, measure_work(store))
            measure_blocks(application, store)


if __name__ == "__main__":
    main()
