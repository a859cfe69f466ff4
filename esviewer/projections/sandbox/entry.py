"""The child: ``python -P -m esviewer.projections.sandbox.entry``, told by one line of JSON what to do.

It opens what it needs, gives up what user code must not have, runs it, and reports in lines of JSON. Whatever user code
prints goes to standard error, which the parent reads apart.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from esviewer.domain import EsviewerError
from esviewer.projections.sandbox.containment import Limits, contain, live_only_with_parent
from esviewer.projections.sandbox.spot import Phase, Spot

TASKS = {
    "fold-classes": "esviewer.projections.class_fold:prepare",
    "replay": "esviewer.projections.replaying:prepare",
    "replay-sql": "esviewer.projections.sql_replaying:prepare",
    "compare": "esviewer.projections.comparing:prepare",
    "compare-sql": "esviewer.projections.sql_comparing:prepare",
    "compare-table": "esviewer.projections.live_table:prepare",
    "upcast": "esviewer.projections.upcasting:prepare",
}
"""What can be asked for: functions that are given the order, open what is needed, and return what to run contained."""

_SECRETS = ("PGPASSWORD", "ESVIEWER_KEY")


class Tell(Protocol):
    """Reports to the parent."""

    def __call__(self, kind: str, **facts: Any) -> None: ...


Run = Callable[[Tell, Spot], Any]


class UserCodeError(Exception):
    """User code did something that ends the work; ``number`` is that of the event, -1 for none."""

    def __init__(self, sentence: str, number: int, details: str) -> None:
        super().__init__(sentence)
        self.number = number
        self.details = details


def failure_of(error: BaseException, number: int) -> UserCodeError:
    """What an exception of user code says: its kind and text, and where in the user's files it came from."""
    if isinstance(error, SystemExit):
        sentence = f"it called sys.exit({error.code!r})"
    elif isinstance(error, MemoryError):
        sentence = "it ran out of the memory it may have"
    elif isinstance(error, RecursionError):
        sentence = "it called itself without end (RecursionError)"
    else:
        sentence = f"{type(error).__name__}: {_short(error)}"
    try:
        details = "".join(traceback.format_exception(error, limit=-12))[-8_000:]
    except BaseException:  # noqa: BLE001 - a traceback asks user classes for their text, and they may raise anything
        details = ""
    return UserCodeError(sentence, number, details)


def _short(error: BaseException) -> str:
    try:
        text = str(error)
    except BaseException:  # noqa: BLE001 - as above
        text = "(its text cannot be had)"
    return text if len(text) <= 1_000 else text[:999] + "…"


def main() -> None:
    """Never returns: what user code registered to run at the end is not run."""
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    live_only_with_parent()

    def tell(kind: str, **facts: Any) -> None:
        reports.write(json.dumps({"kind": kind, **facts}) + "\n")
        reports.flush()

    order = json.loads(sys.stdin.readline())
    spot = Spot(Path(order["spot"]))
    try:
        module, _, name = TASKS[order["task"]].partition(":")
        run: Run = getattr(importlib.import_module(module), name)(order)
        for secret in _SECRETS:
            os.environ.pop(secret, None)
        tell("contained", by=contain(Limits(**order["limits"])))
        result = run(tell, spot)
        spot.set(Phase.ENDING)
        tell("done", result=result)
    except UserCodeError as error:
        tell("raised", sentence=str(error), number=error.number, details=error.details)
    except EsviewerError as error:
        tell("failed", error=type(error).__name__, sentence=str(error))
    except BaseException as error:  # noqa: BLE001 - the boundary of the process: whatever happened is told
        told = failure_of(error, spot.get()[1])
        tell("raised", sentence=str(told), number=told.number, details=told.details)
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    # Tasks import this module by its name: its errors are to be the same classes here and there.
    from esviewer.projections.sandbox import entry

    entry.main()
