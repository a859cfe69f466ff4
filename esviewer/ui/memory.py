"""When Python's collector of cycles may run: never in a worker thread, and never while a million objects are made."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YOUNG: Final = 2_000
"""New objects from which on a look for cycles among them is worth while; Python itself looks after 700."""
_OFTEN: Final = 10
"""Looks at a generation after which the next one is looked at, too; as Python has it."""

_lock = threading.Lock()
_held = 0
_filling = 0
_is_first = True


def hold_collection() -> None:
    """Ends automatic collection, until :func:`resume_collection` has been called as often as this.

    Python collects in whichever thread makes an object too many. What a window leaves behind is cycles of widgets and
    models: worker threads freed whole windows (measured), which Qt does not survive every time.
    """
    global _held, _is_first
    with _lock:
        _held += 1
        gc.disable()
        if _is_first:
            # What was imported stays: no look for cycles needs to pass through it.
            gc.freeze()
            _is_first = False


def resume_collection() -> None:
    """Lets Python collect by itself again, unless somebody else holds it."""
    global _held
    with _lock:
        _held -= 1
        if not _held:
            gc.enable()


def collect() -> None:
    """Looks for cycles among new objects if there are enough of them, now and then among older ones, too.

    To be called now and then in the thread that widgets belong to, while automatic collection is held.
    """
    young, middle, old = gc.get_count()
    if young >= YOUNG and not _filling:
        gc.collect(0 if middle < _OFTEN else 1 if old < _OFTEN else 2)


@contextmanager
def without_collection() -> Iterator[None]:
    """No collection while many objects are made that will stay, and no look at those afterwards.

    A stream of 200 000 events is some millions of objects. Looking through them for cycles took half of the time of
    folding them, and later held up the window for tenths of a second at a time (measured). What is freed is freed as
    ever, by counting references; cycles that are garbage at this moment are not found any more, which are few.
    """
    global _filling
    hold_collection()
    with _lock:
        _filling += 1
    try:
        yield
    finally:
        gc.freeze()
        with _lock:
            _filling -= 1
        resume_collection()
