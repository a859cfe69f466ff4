"""What replays and comparisons do off the UI thread, and what they come to, ready to be shown."""

from __future__ import annotations

import csv
import io
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from esviewer.catalogue import files as catalogue_files
from esviewer.catalogue.model import Catalogue
from esviewer.domain import UsageError, Value
from esviewer.domain.replacing import replacing
from esviewer.projections.compare import Comparison, DifferingRow, LiveTable, compare, compare_with_table
from esviewer.projections.event_pass import Mode
from esviewer.projections.naming import named
from esviewer.projections.replay import Asked, Progress, Replay, replay
from esviewer.projections.rows import rank
from esviewer.projections.sandbox.process import Sandbox
from esviewer.projections.sandbox.spot import Wish
from esviewer.session import StoreSession
from esviewer.stores.codecs import json_text
from esviewer.stores.index import NONE
from esviewer.ui.jobs import Control

Until: TypeAlias = Literal["head", "position", "time"]
CSV: Final = ".csv"


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: projections as texts (two compare), or one with a table, and over which events.

    ``at`` is the position, or the time in µs, up to which events are replayed, included.
    """

    projections: tuple[str, ...]
    table: LiveTable | None = None
    until: Until = "head"
    at: int | None = None
    on_unknown: Mode = "stop"

    @property
    def compares(self) -> bool:
        """Whether two things are compared."""
        return len(self.projections) > 1 or self.table is not None


@dataclass(frozen=True, slots=True)
class Judging:
    """The catalogue that events are judged by: its file, itself where that does not say the same, and its code."""

    path: Path | None = None
    edited: Catalogue | None = None
    code: Path | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of one table, with the columns they have in the order in which these came."""

    name: str
    rows: list[dict[str, Value]]
    columns: list[str]


Change: TypeAlias = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Differences:
    """The rows that differ, in how many changed ones each field does (most first), and all columns they have."""

    rows: tuple[DifferingRow, ...] = ()
    fields: tuple[tuple[str, int], ...] = ()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """What an order came to: the sheets of a replay, the differences of a comparison."""

    order: Order
    done: Replay | Comparison
    sheets: tuple[Sheet, ...] = ()
    differences: Differences = Differences()


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a run is: events read of how many, in how many seconds; ``waiting`` for a server that was lost."""

    read: int
    total: int | None
    seconds: float
    waiting: str | None = None
    is_paused: bool = False

    @property
    def left(self) -> float | None:
        """Seconds that it will take on at the same rate; ``None`` while nobody can say."""
        if self.total is None or self.read <= 0 or self.seconds < 0.5 or self.read >= self.total:
            return None
        return self.seconds / self.read * (self.total - self.read)


@dataclass(slots=True)
class Steering:
    """The reins of a run, used from the UI thread."""

    _sandbox: Sandbox | None = None
    _wish: Wish = Wish.GO_ON
    is_ending: bool = False

    def take(self, sandbox: Sandbox) -> None:
        """The child is about to be started."""
        self._sandbox = sandbox
        sandbox.ask(self._wish)

    def pause(self, is_on: bool) -> None:
        """Rests, or goes on."""
        self._ask(Wish.PAUSE if is_on else Wish.GO_ON)

    def end(self) -> None:
        """Ends with the rows so far; asked a second time, at once."""
        if self.is_ending and self._sandbox is not None:
            self._sandbox.stop()
        self.is_ending = True
        self._ask(Wish.END)

    def _ask(self, wish: Wish) -> None:
        self._wish = wish
        if self._sandbox is not None:
            self._sandbox.ask(wish)


def run_job(store: StoreSession, order: Order, judging: Judging, steering: Steering, control: Control) -> Ran:
    """Runs an order in a child process; whoever may run the code in it must have been asked before."""
    to, total = _end(store, order)
    began = time.monotonic()

    def started(sandbox: Sandbox) -> None:
        steering.take(sandbox)
        control.on_stop(sandbox.stop)

    def told(progress: Progress) -> None:
        control.progress(Advance(progress.read, total, time.monotonic() - began, progress.waiting))

    database = store.database.database
    projections = [named(text) for text in order.projections]
    control.progress(Advance(0, total, 0.0), always=True)
    with _catalogue(judging) as catalogue:
        asked = Asked(to, order.on_unknown, catalogue, code=judging.code if catalogue is not None else None)
        done: Replay | Comparison
        if order.table is not None:
            first, live = projections[0], order.table
            done = compare_with_table(database, store.found, first, live, asked, started=started, told=told)
        elif len(projections) > 1:
            left, right = projections
            done = compare(database, store.found, left, right, asked, started=started, told=told)
        else:
            done = replay(database, store.found, projections[0], asked, started=started, told=told)
    control.check()
    if isinstance(done, Comparison):
        return Ran(order, done, differences=differences_of(done.rows))
    return Ran(order, done, tuple(Sheet(name, rows, columns_of(rows)) for name, rows in done.rows.items()))


def change_of(row: DifferingRow) -> Change:
    """What happened to a row on the way from A to B."""
    return "added" if row.a is None else "removed" if row.b is None else "changed"


def differences_of(rows: tuple[DifferingRow, ...]) -> Differences:
    """What is counted over differing rows."""
    counts = Counter(name for row in rows if change_of(row) == "changed" for name in row.fields)
    fields = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    every: dict[str, None] = dict.fromkeys(name for name, _ in fields)
    for row in rows:
        for side in (row.a, row.b):
            if side is not None and not every.keys() >= side.keys():
                every.update(dict.fromkeys(side))
    every.pop("key", None)
    return Differences(rows, tuple(fields), tuple(every))


def sides(row: DifferingRow, name: str) -> tuple[str | None, str | None]:
    """What A and B have in a column, whole; ``None`` where a side has not got it."""
    a = cell_text(row.a[name]) if row.a is not None and name in row.a else None
    b = cell_text(row.b[name]) if row.b is not None and name in row.b else None
    return a, b


def matching_job(
    rows: Sequence[DifferingRow], words: str, change: Change | None, field: str | None, control: Control
) -> list[DifferingRow]:
    """The rows that underwent a change, in which a field differs, and that contain words on either side."""
    found = []
    lowered = words.casefold()
    for place, row in enumerate(rows):
        if place % 2_000 == 0:
            control.check()
        own = change_of(row)
        if change not in (None, own) or (field is not None and (own != "changed" or field not in row.fields)):
            continue
        parts = (row.a or {}, row.b or {}, {"key": row.key})
        if not lowered or any(lowered in cell_text(value).casefold() for part in parts for value in part.values()):
            found.append(row)
    return found


def columns_of(rows: Sequence[dict[str, Value]]) -> list[str]:
    """The columns of rows, in the order in which they first come, the key in front."""
    found: dict[str, None] = {"key": None}
    for row in rows:
        if not found.keys() >= row.keys():
            found.update(dict.fromkeys(row))
    return list(found)


def _end(store: StoreSession, order: Order) -> tuple[int | None, int | None]:
    """The position to end at, and how many events there are up to it; raises :class:`UsageError`."""
    index = store.index
    if order.until == "head" or order.at is None:
        return None, index.length if index.complete else None
    positions = index.column("position")
    known = positions[positions != NONE]
    if index.length and not len(known):
        raise UsageError("The positions of this store are texts: its events can be replayed to the head only.")
    if order.until == "position":
        return order.at, int((positions <= order.at).sum())
    times = index.column("time")
    before = positions[(times != NONE) & (times <= order.at) & (positions != NONE)]
    if not len(before):
        raise UsageError("No event was recorded at or before that time.")
    to = int(before.max())
    return to, int((positions <= to).sum())


@contextmanager
def _catalogue(judging: Judging) -> Iterator[Path | None]:
    """The file of a catalogue as it is now; where it was edited, one that lasts as long as the run."""
    if judging.edited is None:
        yield judging.path
        return
    with tempfile.TemporaryDirectory(prefix="esviewer-") as folder:
        path = Path(folder) / "catalogue.json"
        path.write_text(catalogue_files.dump(judging.edited, as_json=True), "utf-8")
        yield path


# Rows


def cell_text(value: Value) -> str:
    """A value in one cell: texts as they are, all else as JSON."""
    return value if isinstance(value, str) else json_text.dumps(value).decode()


def arranged_job(
    rows: Sequence[dict[str, Value]], words: str, column: str | None, is_descending: bool, control: Control
) -> NDArray[np.int64]:
    """The places of rows that contain the words, sorted by a column; rows without it stand last."""
    places = _matching(rows, words.casefold(), control) if words else range(len(rows))
    if column is not None:
        have = [place for place in places if column in rows[place]]
        lack = [place for place in places if column not in rows[place]]
        have.sort(key=lambda place: _rank(rows[place][column]), reverse=is_descending)
        places = [*have, *lack]
    control.check()
    return np.fromiter(places, np.int64)


def _rank(value: Any) -> tuple[Any, ...]:
    """What values of any kind are sorted by: nothing, truths, numbers, texts, and containers as their texts."""
    if isinstance(value, bool):
        return (0, 1, value)
    if isinstance(value, float) and value != value:
        return (1, float("-inf"))
    if isinstance(value, list):
        return (3, *map(_rank, value))
    return (2, cell_text(value)) if isinstance(value, dict) else rank(value)


def _matching(rows: Sequence[dict[str, Value]], words: str, control: Control) -> list[int]:
    found = []
    for place, row in enumerate(rows):
        if place % 2_000 == 0:
            control.check()
        if any(words in cell_text(value).casefold() for value in row.values()):
            found.append(place)
    return found


def as_lines(rows: Sequence[dict[str, Value]], columns: Sequence[str]) -> str:
    """Rows as lines with tabs between their cells, the titles first: what a spreadsheet takes."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_exported(row, name) for name in columns] for row in rows])
    return out.getvalue()


def export_job(
    rows: Sequence[dict[str, Value]], columns: Sequence[str], path: Path, heading: dict[str, Value], control: Control
) -> int:
    """Writes rows as CSV, or as JSON with the heading around them; returns how many. Quarantined results say so."""
    with replacing(path) as out:
        if path.suffix.lower() == CSV:
            text = io.StringIO()
            for name in ("quarantined", "verdict") if heading.get("quarantined") else ():
                text.write(f"# {name}: {cell_text(heading[name])}\n")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            for row in rows:
                writer.writerow([_exported(row, name) for name in columns])
            out.write(text.getvalue().encode())
        else:
            out.write(json_text.dumps({**heading, "rows": list(rows)}))
        control.check()
    return len(rows)


def _exported(row: dict[str, Value], name: str) -> str:
    if name not in row or row[name] is None:
        return ""
    return cell_text(row[name])
