"""What would run if a folder of code were trusted, found out without running any of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from esviewer.domain import UsageError
from esviewer.projections.class_fold import modules_in
from esviewer.projections.classes import check_sources
from esviewer.projections.sandbox import seccomp
from esviewer.projections.sandbox.containment import Limits

FILE_LIMIT = 20_000


@dataclass(frozen=True, slots=True)
class WouldRun:
    """The Python files in a folder, the modules that would be imported, and those that events name and it has not."""

    folder: Path
    files: int
    modules: tuple[str, ...]
    missing: tuple[str, ...]


def what_would_run(sources: Path, types: Iterable[str], check: Callable[[], None] = lambda: None) -> WouldRun:
    """What folding events of these types with the classes in a folder would run.

    ``check`` is called on the way and may raise to end the search. Raises :class:`UsageError` for a folder without
    Python, or with more than :data:`FILE_LIMIT` files of it, which is then the wrong one.
    """
    folder = check_sources(sources)
    files = 0
    for _, _, names in os.walk(folder):
        check()
        files += sum(name.endswith(".py") for name in names)
        if files > FILE_LIMIT:
            raise UsageError(f"{folder} holds more than {FILE_LIMIT:,} Python files: choose the one with the package.")
    topics = set(types)
    modules = modules_in(folder, topics)
    named = {topic.partition(":")[0] for topic in topics}
    return WouldRun(folder, files, tuple(modules), tuple(sorted(named.difference(modules))))


def containment(limits: Limits | None = None) -> tuple[str, ...]:
    """What holds code that runs here, in sentences; on systems without a filter of calls it is less."""
    limits = limits or Limits()
    kept = "" if seccomp.is_possible() else ", as far as Python's own hooks see it: this system has no filter of calls"
    return (
        f"It runs in a process of its own, which cannot start others and cannot write, change or remove files{kept}.",
        f"It is ended after {limits.loading:g} s of importing, or {limits.stall:g} s over one event.",
        f"It may use {limits.memory / (1 << 30):g} GB of memory; {limits.printed // 1024} kB of its output are kept.",
        "It can read what you can read, and it can use the network.",
    )
