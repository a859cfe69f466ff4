"""A replay as seen from outside: what it is asked for, how far it is, and its verdict with the rows.

The child reads the store itself (pipes cost more than they give); what passes is progress, rows and the verdict.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, cast

from esviewer.domain import Cancelled, Value
from esviewer.projections.event_pass import Mode, Position
from esviewer.projections.naming import Named
from esviewer.projections.rows import Rows
from esviewer.projections.sandbox.containment import Limits
from esviewer.projections.sandbox.process import Report, Sandbox, UserCodeFailed
from esviewer.stores.codecs import json_text
from esviewer.stores.database import Database
from esviewer.stores.dialects.base import Found

Verdict: TypeAlias = Literal["complete", "stopped", "quarantined", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to replay over: events to the head or up to a position, judged by a catalogue if there is one.

    ``patience`` is how many seconds a lost connection is tried anew. ``code`` is the folder of the catalogue's Python
    upcasters, where they may run.
    """

    to: int | None = None
    on_unknown: Mode = "stop"
    catalogue: Path | None = None
    patience: float = 60.0
    code: Path | None = None


TO_THE_HEAD: Final = Asked()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: events read, the position of the last one, events a second.

    ``waiting`` says that the server was lost, and is waited for; ``None`` once events come again.
    """

    read: int
    position: Position
    rate: float
    waiting: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """The event that a replay stopped at, and why."""

    position: Position
    stream: str | None
    type: str | None
    status: str
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """For people, whole."""
        said = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{self.type} at position {self.position} of {self.stream} is {self.status}{said}."


@dataclass(frozen=True, slots=True)
class HandlerFailure:
    """A handler that raised, did not end or ended the process.

    ``rows_before`` are the rows that it touched, each with table and key, as they were before the event (``row`` is
    ``None`` for one that was not there); empty where the child could not tell any more, or had no way back.
    """

    position: Position
    place: str
    stream: str | None
    type: str | None
    sentence: str
    details: str
    file: str | None = None
    line: int | None = None
    code: str | None = None
    data: Value = None
    rows_before: tuple[dict[str, Value], ...] = ()

    @property
    def text(self) -> str:
        """For people, whole: the event, what happened, and the line of their file."""
        where = "" if self.position is None else f"{self.type or 'The event'} at position {self.place}: "
        line = "" if self.file is None else f" ({Path(self.file).name}, line {self.line}: {self.code})"
        return f"{where}{self.sentence.rstrip('.')}{line}."


@dataclass(frozen=True, slots=True)
class Replay:
    """How a replay ended. ``applied`` counts events given to handlers, each part of a split one.

    ``ignored`` are all that were passed over: ``declared`` so by the catalogue, and those without a handler.
    ``tainted`` are keys, by table, of rows touched by a stream of which an event was set aside.
    """

    projection: str
    version: int | str
    verdict: Verdict
    position: Position
    applied: int
    ignored: int
    quarantined: tuple[Position, ...]
    rows: Rows
    seconds: float
    read: int
    declared: int = 0
    erased: int = 0
    tainted: dict[str, list[Value]] = field(default_factory=dict)
    stop: Stop | None = None
    failure: HandlerFailure | None = None
    output: str = ""

    @property
    def events_per_second(self) -> float | None:
        """Events read a second; ``None`` where there was no time to measure."""
        return self.read / self.seconds if self.seconds > 0 else None

    @property
    def text(self) -> str:
        """The verdict for people: ``STOPPED@2``, ``QUARANTINED 2 [2,3]``."""
        return verdict_text(self.verdict, self.position, self.quarantined)

    def as_object(self) -> dict[str, Value]:
        """As in ``replay --json``; ``tainted``, ``stopped_at`` and ``failure`` only where they apply."""
        rate = self.events_per_second
        result: dict[str, Value] = {
            "projection": self.projection,
            "version": self.version,
            "verdict": self.verdict,
            "position": self.position,
            "applied": self.applied,
            "ignored": self.ignored,
            "quarantined": list(self.quarantined),
            "rows": self.rows,
            "seconds": round(self.seconds, 6),
            "events_per_second": None if rate is None else round(rate, 1),
        }
        if self.tainted:
            result["tainted"] = self.tainted
        if self.stop is not None:
            result["stopped_at"] = stop_object(self.stop)
        if self.failure is not None:
            result["failure"] = failure_object(self.failure)
        return result


def verdict_text(verdict: Verdict, position: Position, quarantined: Sequence[Position] = ()) -> str:
    """A verdict for people."""
    if verdict == "quarantined":
        shown = ",".join(map(str, quarantined[:20])) + (",…" if len(quarantined) > 20 else "")
        return f"QUARANTINED {len(quarantined)} [{shown}]"
    word = verdict.upper()
    return word if verdict == "complete" or position is None else f"{word}@{position}"


def stop_object(stop: Stop) -> dict[str, Value]:
    """The event stopped at, for JSON."""
    return {
        "position": stop.position,
        "stream": stop.stream,
        "type": stop.type,
        "status": stop.status,
        "reasons": list(stop.reasons),
    }


def failure_object(failure: HandlerFailure) -> dict[str, Value]:
    """What failed, for JSON."""
    return {
        "position": failure.position,
        "stream": failure.stream,
        "type": failure.type,
        "data": failure.data,
        "sentence": failure.sentence,
        "file": failure.file,
        "line": failure.line,
        "code": failure.code,
        "rows_before": list(failure.rows_before),
    }


def replay(
    database: Database,
    found: Found,
    projection: Named,
    asked: Asked = TO_THE_HEAD,
    *,
    limits: Limits | None = None,
    started: Callable[[Sandbox], None] = lambda sandbox: None,
    told: Callable[[Progress], None] = lambda progress: None,
) -> Replay:
    """Replays a projection, whose consent must have been had before if it is code; ends with a verdict.

    Raises :class:`UserCodeFailed` where the projection cannot be loaded, and what reading the store raises. ``started``
    is given the sandbox: ``ask`` pauses it or ends it with the rows so far, ``stop`` ends it at once, both with the
    verdict ``cancelled``.
    """
    task = "replay-sql" if projection.kind == "sql" else "replay"
    run = ChildRun(task, order_of(database, found, [projection], asked), limits, told)
    started(run.sandbox)
    try:
        result = run.result()
    except Cancelled:
        return run.broken("cancelled", None, projection)
    except UserCodeFailed as failure:
        if run.loaded is None:
            raise
        return run.broken("failed", failure, projection)
    return _replay_of(run, result)


def _replay_of(run: ChildRun, result: dict[str, Any]) -> Replay:
    return Replay(
        result["name"],
        result["version"],
        result["verdict"],
        result["position"],
        result["applied"],
        result["counts"]["ignored"],
        tuple(result["counts"]["quarantined"]),
        {name: run.rows.get(name, []) for name in result["tables"]},
        result["seconds"],
        result["read"],
        result["counts"]["declared"],
        result["counts"]["erased"],
        tainted_of(result.get("tainted", ())),
        stop_of(result["trouble"]),
        failure_of(result["failure"]),
        run.sandbox.output,
    )


def order_of(database: Database, found: Found, projections: Sequence[Named], asked: Asked) -> dict[str, Any]:
    """What the child is told."""
    key = database.key
    return {
        "address": database.address.whole,
        "store": found.name,
        "key": None if key is None else base64.b64encode(key).decode(),
        "password": database.password,
        "projections": [projection.order() for projection in projections],
        "to": asked.to,
        "mode": asked.on_unknown,
        "catalogue": None if asked.catalogue is None else str(asked.catalogue.resolve()),
        "patience": asked.patience,
        "code": None if asked.code is None else str(asked.code.resolve()),
    }


class ChildRun:
    """One task of a child with what it told on the way."""

    def __init__(
        self, task: str, order: dict[str, Any], limits: Limits | None, told: Callable[[Progress], None]
    ) -> None:
        self.sandbox = Sandbox(task, order, limits)
        self.rows: Rows = {}
        self.loaded: Report | None = None
        self.progress = Progress(0, None, 0.0)
        self._told = told
        self._began = time.monotonic()

    def result(self) -> dict[str, Any]:
        """Runs it to its end; raises what :meth:`Sandbox.run` raises."""
        result: dict[str, Any] = self.sandbox.run(self._hear)
        return result

    def _hear(self, report: Report) -> None:
        kind = report["kind"]
        if kind == "rows":
            self.rows.setdefault(report["table"], []).extend(cast(list[dict[str, Value]], loads(report["rows"])))
        elif kind == "progress":
            self.progress = Progress(report["read"], report["position"], report["rate"])
            self._told(self.progress)
        elif kind == "waiting":
            self.progress = replace(self.progress, rate=0.0, waiting=report["sentence"])
            self._told(self.progress)
        elif kind == "loaded":
            self.loaded = report
            self._began = time.monotonic()

    def broken(self, verdict: Verdict, failure: UserCodeFailed | None, projection: Named) -> Replay:
        """A replay whose child is gone with its rows: cancelled at once, or ended by what a handler did."""
        loaded = self.loaded or {"name": projection.member or projection.path.stem, "version": 1}
        told = None if failure is None else broken_failure(failure)
        position = self.progress.position if told is None else told.position
        return Replay(
            loaded["name"],
            loaded["version"],
            verdict,
            position,
            applied=0,
            ignored=0,
            quarantined=(),
            rows={},
            seconds=time.monotonic() - self._began,
            read=self.progress.read,
            failure=told,
            output=self.sandbox.output,
        )


def broken_failure(failure: UserCodeFailed) -> HandlerFailure:
    """What is known where the child is gone: the position it was at, where that is a number."""
    position = failure.number if failure.number >= 0 else None
    return HandlerFailure(position, str(position), None, None, str(failure), failure.details)


def stop_of(told: dict[str, Any] | None) -> Stop | None:
    """The event stopped at as the child told it."""
    if told is None:
        return None
    return Stop(told["position"], told["stream"], told["type"], told["status"], tuple(told["reasons"]))


def tainted_of(told: Iterable[Sequence[str]]) -> dict[str, list[Value]]:
    """Keys of tainted rows by table as the child told them; tables without any are left out."""
    return {table: cast(list[Value], loads(keys)) for table, keys in told if keys != "[]"}


def failure_of(told: dict[str, Any] | None) -> HandlerFailure | None:
    """What failed as the child told it."""
    if told is None:
        return None
    values = {**told, "data": loads(told["data"])}
    values["rows_before"] = tuple(cast(list[dict[str, Value]], loads(told["rows_before"])))
    return HandlerFailure(**values)


def loads(text: str) -> Value:
    """A value that the child told as JSON within JSON."""
    return json_text.loads(text)[0]
