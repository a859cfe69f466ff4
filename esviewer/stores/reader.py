"""Reads one store: its events in order, the events of a stream, single events, snapshots.

Law 2: there is no other way from a row to an :class:`~esviewer.domain.Event`.
"""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import MISSING, dataclass, field, make_dataclass
from dataclasses import fields as fields_of
from functools import partial
from itertools import islice
from operator import itemgetter
from sys import getsizeof
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, literal_column, or_, select, text, tuple_

from esviewer.domain import Cancelled, ConnectionLost, EsviewerError, Event, Key, NotFound, Snapshot, UsageError
from esviewer.stores.codecs import Codecs, Undecodable
from esviewer.stores.connection import Connection, Row, Statement
from esviewer.stores.dialects.base import Fields, Found
from esviewer.stores.sheet import Sheet

PAGE = 50_000
"""Rows of one statement at most, so that no snapshot stays open for long on a server."""
FIRST_BLOCK = 1_000
"""Rows of the first statement, so that the first events come at once."""
BLOCK_BYTES = 16_000_000
"""Payload held in memory at most, but for the last chunk."""

_EVENT_FIELDS = frozenset(Event.__slots__)
_EventInMaking: Any = make_dataclass(
    "_EventInMaking",
    [(f.name, Any, field(default=None if f.default is MISSING else f.default)) for f in fields_of(Event)],
    slots=True,
    eq=False,
    repr=False,
)
"""An event that is not frozen yet: the same slots, filled four times as fast, since nothing guards them."""
_FIRST_DELAY, _LAST_DELAY = 0.1, 5.0


@dataclass(frozen=True, slots=True)
class Window:
    """Which events to read: positions both included, keys ``after`` excluded, in store order or ``reverse``."""

    after: Key | None = None
    from_position: int | None = None
    to_position: int | None = None
    reverse: bool = False
    limit: int | None = None


class Reader:
    """Reads a store on a connection of its own, in one thread at a time; reconnects when a server went away."""

    def __init__(
        self,
        found: Found,
        connect: Callable[[], Connection],
        release: Callable[[Connection], None],
        codecs: Codecs,
        *,
        waiting: Callable[[str, float], None] | None = None,
        patience: float = 60.0,
    ) -> None:
        self.found = found
        self.dialect = found.dialect
        self.codecs = codecs
        self._connect = connect
        self._release = release
        self._connection: Connection | None = None
        self._waiting = waiting
        self._patience = patience
        self._stop_requested = threading.Event()
        self._width = len(found.dialect.key(found))
        self._key_labels = tuple(f"key_{i}" for i in range(self._width))
        self._categories: dict[tuple[object, ...], str | None] = {}
        self._foreign: tuple[str, ...] = self._key_labels
        self._takes_first_category = found.dialect.category_from_first_event
        self._identity = found.dialect.identity
        self._label = self._key_labels[0]

    @contextmanager
    def without_categories(self) -> Iterator[None]:
        """Meanwhile events have the category of their own row, and no stream's first event is looked up for it."""
        before, self._takes_first_category = self._takes_first_category, False
        try:
            yield
        finally:
            self._takes_first_category = before

    def close(self) -> None:
        """Gives the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._release(connection)

    def stop(self) -> None:
        """Ends what the reader is doing, from any thread; it then raises :class:`Cancelled`. Final."""
        self._stop_requested.set()
        connection = self._connection
        if connection is not None:
            connection.interrupt()

    # Events in store order

    def events(
        self, window: Window = Window(), *, keep: Callable[[Fields], bool] | None = None
    ) -> Generator[Event, None, None]:
        """Events of the whole store in its order. ``keep`` sees each row before it is decoded and may drop it."""
        for row in self.drafts(window, keep=keep):
            yield self._finished(row)

    def drafts(self, window: Window = Window(), *, keep: Callable[[Fields], bool] | None = None) -> Iterator[Fields]:
        """The fields of each event, in store order, decoded; what :meth:`events` makes events of."""
        given = 0
        if window.limit is not None and window.limit <= 0:
            return
        # A filter may drop most rows: then a limit says nothing about how many to read.
        first = FIRST_BLOCK if keep is not None or window.limit is None else min(FIRST_BLOCK, window.limit)
        within = self._within if self._must_compare(window) else None
        begun_in = window.after if window.after is not None and len(window.after) > self._width else None
        expand, codecs, categories = self.dialect.expand, self.codecs, self._takes_first_category
        for fields in self._fields(window, first):
            if keep is None or keep(fields):
                drafts: Iterable[Fields] = expand(fields, codecs)
                if window.reverse:
                    drafts = reversed(list(drafts))
                for draft in drafts:
                    if begun_in is not None and not self._is_beyond(draft, begun_in, window.reverse):
                        continue
                    if within is None or within(draft, window):
                        if categories:
                            self._note_category(draft)
                        yield draft
                        given += 1
                        if given == window.limit:
                            return
            # Only the first row can be the one that the key names an event in.
            begun_in = None

    def chunks(self, window: Window = Window()) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        """The rows of a window as they are stored, in lists, each with the labels of its columns.

        For who takes a short way with most rows, and gives :meth:`drafts_of` the others.
        """
        return self._chunks(window, FIRST_BLOCK)

    def drafts_of(self, row: Row, labels: tuple[str, ...]) -> Iterator[Fields]:
        """The fields of the events of one row, decoded, as :meth:`drafts` gives them."""
        for draft in self.dialect.expand(dict(zip(labels, row, strict=True)), self.codecs):
            self._note_category(draft)
            yield draft

    def _is_beyond(self, draft: Fields, after: Key, reverse: bool) -> bool:
        """Whether an event comes after the one that a key names, which is longer than its row's."""
        return bool(draft["key"] < after if reverse else draft["key"] > after)

    def _must_compare(self, window: Window) -> bool:
        """Whether positions are bounded and SQL cannot apply the bounds."""
        bounded = window.from_position is not None or window.to_position is not None
        return bounded and self.dialect.position(self.found) is None

    def _within(self, draft: Fields, window: Window) -> bool:
        """What has no integer position is in no bounds."""
        low, high = window.from_position, window.to_position
        position = draft.get("position")
        return isinstance(position, int) and (low is None or position >= low) and (high is None or position <= high)

    def sheets(self, after: Key | None = None, first: int = FIRST_BLOCK) -> Iterator[Sheet]:
        """Events of the whole store in its order, from a key on, as columns: what the index is made of.

        ``first`` is how many the first statement asks for. The dialect may know a short way from rows to columns; what
        it will not vouch for goes by way of events.
        """
        if after is not None and len(after) > self._width:
            # Such a key names an event in a row, which only the long way tells apart.
            events = self.events(Window(after=after))
            while some := list(islice(events, 500)):
                yield Sheet.of(some, self.dialect)
            return
        for labels, rows in self._chunks(Window(after=after), first):
            plain = self.dialect.plain(rows, labels)
            if plain is None:
                yield Sheet.of(self._events_of(rows, labels), self.dialect)
            else:
                yield Sheet.plain(plain, partial(self._event_of, rows, labels), self._identity)

    def _events_of(self, rows: Sequence[Row], labels: tuple[str, ...]) -> list[Event]:
        return [self._finished(draft) for row in rows for draft in self.drafts_of(row, labels)]

    def _event_of(self, rows: Sequence[Row], labels: tuple[str, ...], number: int) -> Event:
        (event,) = self._events_of(rows[number : number + 1], labels)
        return event

    def _fields(self, window: Window, first: int) -> Iterator[Fields]:
        """The rows of a window by label."""
        for labels, rows in self._chunks(window, first):
            for row in rows:
                # Not strict, which takes as long as the rest: a driver's rows are as wide as the statement.
                yield dict(zip(labels, row))  # noqa: B905

    def _chunks(self, window: Window, first: int) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
        """The rows of a window in lists, from growing blocks; goes on after the last row if the connection is lost.

        A block is taken whole before its first row is given out: a consumer that pauses holds no snapshot on a server
        and no lock on a file, and may use this reader meanwhile.
        """
        patience = _Patience(self._patience)
        after, asked = window.after, min(first, PAGE)
        while True:
            statement = self._statement(window, after, asked)
            labels = labels_of(statement)
            block = self._block(statement, labels)
            for chunk in block.chunks:
                self._check_stopped()
                yield labels, chunk
            if block.chunks:
                after = self._row_key(dict(zip(labels, block.chunks[-1][-1], strict=True)))
                patience.renew()
            if isinstance(block.failure, ConnectionLost):
                self._wait(block.failure, patience)
            elif block.failure is not None:
                raise block.failure
            elif block.whole and block.rows < asked:
                return
            asked = max(1, min(PAGE, asked * 4, block.rows_that_fit))

    def _block(self, statement: Select[Any], labels: tuple[str, ...]) -> _Block:
        """What the server answers, up to a size in memory, or until it fails."""
        block = _Block()
        weighed = labels.index("data") if "data" in labels else 0
        try:
            with closing(self._rows(statement)) as chunks:
                for chunk in chunks:
                    block.chunks.append(chunk)
                    block.rows += len(chunk)
                    block.size += sum(map(getsizeof, map(itemgetter(weighed), chunk)))
                    self._check_stopped()
                    if block.size > BLOCK_BYTES:
                        return block
            block.whole = True
        except Cancelled:
            raise
        except EsviewerError as failure:
            block.failure = failure
        return block

    def _statement(self, window: Window, after: Key | None, size: int) -> Select[Any]:
        columns = self.dialect.key(self.found)
        statement = self.dialect.select(self.found)
        if after is not None:
            statement = statement.where(self._beyond(columns, after, window.reverse))
        position = self.dialect.position(self.found)
        if position is not None:
            if window.from_position is not None:
                statement = statement.where(position >= _storable(window.from_position))
            if window.to_position is not None:
                statement = statement.where(position <= _storable(window.to_position))
        return self.dialect.ordered(self.found, statement, columns, limit=size, reverse=window.reverse)

    def _beyond(self, columns: Sequence[ColumnElement[Any]], after: Key, reverse: bool) -> ColumnElement[bool]:
        """Strictly beyond a row's key; a longer key names an event in a row, so that row is read once more."""
        values = self.dialect.stored_key(after[: len(columns)], self.found)
        left = tuple_(*columns)
        right = tuple_(*(v if isinstance(v, ColumnElement) else literal(v) for v in values))
        compare = {(False, False): operator.gt, (True, False): operator.lt, (False, True): operator.ge}.get(
            (reverse, len(after) > len(columns)), operator.le
        )
        condition: ColumnElement[bool] = compare(left, right)
        if len(columns) == 1:
            condition = compare(columns[0], values[0])
        return condition

    def _row_key(self, fields: Fields) -> Key:
        return (fields[self._label],) if self._width == 1 else tuple([fields[label] for label in self._key_labels])

    # One stream

    def stream(self, name: str) -> list[Event]:
        """All events of a stream in its own order, the name in any spelling; raises :class:`NotFound` if none."""
        if not _is_storable(name):
            raise NotFound(f"Store {self.found.name} has no stream {name!r}.")
        statement = self.dialect.select(self.found).where(self.dialect.of_stream(self.found, name))
        statement = self.dialect.ordered(self.found, statement, self.dialect.order_in(self.found, name))
        events = [self._finished(draft) for draft in self._expanded(statement)]
        if not events:
            raise NotFound(f"Store {self.found.name} has no stream {name!r}.")
        return events

    def aggregate(self, name: str) -> list[Event]:
        """The events of a stream that is to be folded: raises :class:`UsageError` where the name means two of them.

        The same name may stand in two tenants, or under two types: folding both as one would show a state that never
        was.
        """
        events = self.stream(name)
        beside = tuple(field for field in self.dialect.identity if field != "stream")
        owners = {tuple(getattr(event, field) for field in beside) for event in events}
        if len(owners) > 1:
            known = sorted("/".join(map(str, (*owner, name))) for owner in owners)
            word = {"tenant": "tenants", "category": "types"}.get(beside[0], beside[0])
            raise UsageError(f"Stream {name!r} stands in several {word}: name one of {', '.join(known)}.")
        return events

    def at(self, keys: Sequence[Key]) -> list[Event]:
        """The events with these keys, in store order; keys that are not there are left out."""
        columns = self.dialect.key(self.found)
        result: list[Event] = []
        for start in range(0, len(keys), 200):
            some = [self.dialect.stored_key(key[: len(columns)], self.found) for key in keys[start : start + 200]]
            condition: ColumnElement[bool] = columns[0].in_([key[0] for key in some])
            if len(columns) > 1:
                condition = or_(*(and_(*map(operator.eq, columns, key)) for key in some))
            statement = self.dialect.select(self.found).where(condition)
            statement = self.dialect.ordered(self.found, statement, columns)
            wanted = set(keys[start : start + 200])
            events = (self._finished(draft) for draft in self._expanded(statement))
            result += [event for event in events if event.key in wanted]
        return result

    def at_positions(self, positions: Sequence[int]) -> list[Event]:
        """The events with these positions, in store order, by one statement; none where positions cannot be asked for.

        Positions that no event has are left out.
        """
        column = self.dialect.position(self.found)
        if column is None:
            return []
        statement = self.dialect.select(self.found).where(column.in_([_storable(position) for position in positions]))
        statement = self.dialect.ordered(self.found, statement, self.dialect.key(self.found))
        return [self._finished(draft) for draft in self._expanded(statement)]

    def snapshots(self, stream: str | None = None) -> list[Snapshot]:
        """Stored snapshots, of one stream or of all, ordered by stream and version."""
        statement = self.dialect.snapshots(self.found)
        if statement is None:
            return []
        if stream is not None:
            statement = statement.where(self.dialect.snapshots_of(self.found, stream))
        labels = labels_of(statement)
        made = [self._snapshot(dict(zip(labels, row, strict=True))) for row in self._all(statement)]
        return sorted(made, key=lambda snapshot: (snapshot.stream, snapshot.version or 0))

    def snapshot_count(self) -> int:
        """How many snapshots are stored."""
        statement = self.dialect.snapshots(self.found)
        if statement is None:
            return 0
        return int(self._all(_count(statement))[0][0])

    def _snapshot(self, row: Fields) -> Snapshot:
        raw = row.pop("data", None)
        raw = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
        row["raw"] = raw
        try:
            row["state"] = self.codecs.decode(raw, self.dialect.hint(row, "data")).value
        except Undecodable as reason:
            row["state"], row["undecodable"] = None, str(reason.reason)
        row.setdefault("recorded_at", None)
        row = self.dialect.snapshot_fields(self.found, row)
        fields = {name: value for name, value in row.items() if name in Snapshot.__slots__}
        return Snapshot(**fields)

    def planner_count(self) -> int | None:
        """The server's own estimate of the number of rows; ``None`` where it has none. Never a scan."""
        table = self.found.events
        if self.found.backend == "sqlite":
            if table.without_rowid:
                return None
            rowid = literal_column("rowid", Integer)
            return int(self._all(select(func.coalesce(func.max(rowid), 0)).select_from(table.clause))[0][0])
        statement = text(
            "SELECT CASE WHEN min(c.reltuples) < 0 THEN NULL ELSE sum(c.reltuples)::bigint END FROM pg_class c"
            " WHERE c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(:name)) WHERE isleaf)"
            " OR (c.oid = to_regclass(:name) AND c.relkind = 'r')"
        ).bindparams(name=".".join(map(_quoted, (table.schema or "public", table.name))))
        count = self._all(statement)[0][0]
        return None if count is None else int(count)

    def is_longer_than(self, count: int) -> bool:
        """Whether the store has more rows than that; never reads more than those."""
        estimate = self.planner_count() if self.found.backend == "sqlite" else None
        if estimate is not None and estimate <= count:
            # The greatest rowid: there are no more rows than that.
            return False
        some = select(literal(1)).select_from(self.found.events.clause).limit(count + 1).subquery()
        return int(self._all(select(func.count()).select_from(some))[0][0]) > count

    # Rows

    def _expanded(self, statement: Select[Any]) -> Iterator[Fields]:
        labels = labels_of(statement)
        for row in self._all(statement):
            yield from self.drafts_of(row, labels)

    def _all(self, statement: Statement) -> list[Row]:
        """The whole answer; asked again after a lost connection, since nothing was given out yet."""
        patience = _Patience(self._patience)
        while True:
            try:
                return [row for chunk in self._rows(statement) for row in chunk]
            except ConnectionLost as error:
                self._wait(error, patience)

    def _rows(self, statement: Statement) -> Generator[list[Row], None, None]:
        self._check_stopped()
        if self._connection is None:
            self._connection = self._connect()
        return self._connection.rows(statement)

    def _wait(self, error: ConnectionLost, patience: _Patience) -> None:
        """Connects anew, with growing pauses; raises ``error`` when patience is at its end."""
        self.close()
        while self._connection is None:
            pause = patience.next_pause()
            if pause is None:
                raise error
            if self._waiting is not None:
                self._waiting(str(error), pause)
            if self._stop_requested.wait(pause):
                self._check_stopped()
            try:
                self._connection = self._connect()
            except EsviewerError as failure:
                error = ConnectionLost(f"{error} {failure}") if str(failure) not in str(error) else error

    def _check_stopped(self) -> None:
        if self._stop_requested.is_set():
            raise Cancelled("Reading was cancelled.")

    # Categories of streams

    def learn_categories(self, known: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Takes stream, tenant and category of streams that are known: of others each is looked up in the store."""
        if self._takes_first_category:
            for stream, tenant, category in known:
                named = {"stream": stream, "tenant": tenant, "category": category}
                self._categories[tuple([named.get(name) for name in self._identity])] = category

    def _finished(self, draft: Fields) -> Event:
        """The event of a draft, which is used up."""
        if not draft.get("key"):
            draft["key"] = self._row_key(draft)
        # What is no field of an event is the same in nearly all rows: taken out by name, not looked for in each.
        for label in self._foreign:
            draft.pop(label, None)
        try:
            made = _EventInMaking(**draft)
        except TypeError:
            foreign = draft.keys() - _EVENT_FIELDS
            self._foreign += tuple(foreign)
            made = _EventInMaking(**{name: value for name, value in draft.items() if name not in foreign})
        made.__class__ = Event
        event: Event = made
        return event

    def _note_category(self, draft: Fields) -> None:
        """Gives the event its stream's category: that of the stream's first event."""
        if not self._takes_first_category:
            return
        identity = self._identity_of(draft)
        try:
            draft["category"] = self._categories[identity]
        except KeyError:
            draft["category"] = self._categories[identity] = self._category_of(draft)

    def category_of(self, fields: Fields) -> str | None:
        """The category of an event's stream, also :meth:`without_categories`; looked up at most once a stream."""
        own: str | None = fields.get("category")
        if not self.dialect.category_from_first_event:
            return own
        identity = self._identity_of(fields)
        if identity not in self._categories:
            self._categories[identity] = self._category_of(fields)
        return self._categories[identity]

    def _identity_of(self, draft: Fields) -> tuple[object, ...]:
        if len(self._identity) == 1:
            return (draft.get(self._identity[0]),)
        return tuple([draft.get(name) for name in self._identity])

    def _category_of(self, draft: Fields) -> str | None:
        stream, version = draft.get("stream"), draft.get("version")
        own: str | None = draft.get("category")
        if stream is None or version in (0, 1):
            return own
        statement = self.dialect.select(self.found).where(self.dialect.of_same_stream(self.found, draft))
        statement = statement.order_by(*self.dialect.stream_order(self.found)).limit(1)
        labels = labels_of(statement)
        for row in self._all(statement):
            for first in self.dialect.expand(dict(zip(labels, row, strict=True)), self.codecs):
                found: str | None = first.get("category")
                return found
        return own


@dataclass(slots=True)
class _Block:
    """Rows taken off the server in chunks; ``whole`` if the answer came to its end."""

    chunks: list[list[Row]] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    whole: bool = False
    failure: EsviewerError | None = None

    @property
    def rows_that_fit(self) -> int:
        """How many rows like these fill most of a block."""
        return self.rows * BLOCK_BYTES * 4 // (5 * self.size) if self.size else PAGE


class _Patience:
    """How long to go on trying: pauses double up to a bound, until the patience is at its end."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Begins anew, since something arrived."""
        self._deadline: float | None = None
        self._pause = _FIRST_DELAY

    def next_pause(self) -> float | None:
        """Seconds to wait before the next attempt, ``None`` when it is time to give up."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self._seconds
        pause, self._pause = self._pause, min(self._pause * 2, _LAST_DELAY)
        return pause if now + pause <= self._deadline else None


def labels_of(statement: Select[Any]) -> tuple[str, ...]:
    """The labels of a statement's columns, in order."""
    return tuple(str(column.key) for column in statement.selected_columns)


def _storable(position: int) -> int:
    """The nearest position that a column of 64 bits can hold: drivers refuse to send a longer integer."""
    return max(-(2**63), min(position, 2**63 - 1))


def _is_storable(name: str) -> bool:
    """Whether a name is text that can be sent to a database: bytes of a command line may hold lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _quoted(name: str) -> str:
    """A name of Postgres as ``to_regclass`` reads it."""
    return '"' + name.replace('"', '""') + '"'


def _count(statement: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(statement.subquery())
