"""Which events are meant: one filter for the command line, the window, and whatever leaves the tool (law 2).

A filter has parts. Of parts between which an event can only choose (its type, category, stream) any may hold; of all
others every one must. What is absent is in no bounds: an event without time has not been recorded since or until
anything, one whose position is no integer lies in no range of positions.
"""

from __future__ import annotations

import fnmatch
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from esviewer.domain import Event, UsageError, from_iso, iso
from esviewer.stores.codecs import json_text
from esviewer.stores.filter_words import Part, split
from esviewer.stores.index import ARCHIVED, DELETED, NONE, UNDECODABLE, Index
from esviewer.stores.where import predicate

FLAGS: Final[dict[str, int]] = {"undecodable": UNDECODABLE, "deleted": DELETED, "archived": ARCHIVED}
"""What ``is:`` may ask, with its bit in the index's column ``flags``."""

STATUSES: Final = (
    "ignored", "unknown-type", "erased", "undecodable", "from-future", "blocked", "upcast-failed", "upcast",
    "shape-mismatch", "current",
)  # fmt: skip
"""What ``is:`` may ask beyond :data:`FLAGS`: what a catalogue makes of an event, in the order of its codes, from 1 on.

The index knows nothing of catalogues: codes of rows, or a way to tell an event's status, are given by whoever asks.
"""

Test = Callable[[Event], bool]
StatusOf = Callable[[Event], str]
"""The status of an event, as it is written in :data:`STATUSES`."""
_Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant; without parts, all of them.

    Types are whole stored names. Streams are names in any spelling, with their tenant or category before a slash where
    the name alone is not unique, or patterns with ``*``; what counts is the stream an event was written to, not the
    links it stands in. Times are µs since the epoch, UTC, ``until`` excluded; positions are included, ``positions`` are
    some of them and spans, by number. ``where`` are JMESPath expressions over the event object, ``text`` is looked for
    in payload and metadata, in any case.
    """

    types: _Names = ()
    not_types: _Names = ()
    categories: _Names = ()
    not_categories: _Names = ()
    streams: _Names = ()
    not_streams: _Names = ()
    since: int | None = None
    until: int | None = None
    from_position: int | None = None
    to_position: int | None = None
    positions: _Names = ()
    not_positions: _Names = ()
    flags: _Names = ()
    not_flags: _Names = ()
    where: _Names = ()
    not_where: _Names = ()
    text: _Names = ()
    not_text: _Names = ()

    @classmethod
    def of(cls, parts: Iterable[Part]) -> EventFilter:
        """The filter with these parts, of two bounds of a kind the tighter; raises :class:`UsageError`."""
        fields: dict[str, Any] = {}
        for part in parts:
            name = _FIELDS[part.kind]
            if part.kind in _BOUNDS:
                tighter = max if part.kind in ("since", "from-position") else min
                fields[name] = tighter(_bound(part), fields.get(name, _bound(part)))
            else:
                name = f"not_{name}" if part.is_negated else name
                fields[name] = tuple(dict.fromkeys((*fields.get(name, ()), part.value)))
        made = cls(**fields)
        made.matcher()
        return made

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts, in the order of the fields."""
        found = []
        for kind, name in _FIELDS.items():
            held = getattr(self, name)
            if kind in _BOUNDS:
                found += [] if held is None else [Part(kind, _written(kind, held))]
            else:
                found += [Part(kind, value) for value in held]
                found += [Part(kind, value, True) for value in getattr(self, f"not_{name}")]
        return tuple(found)

    def adding(self, new: Iterable[Part], instead_of: Part | None = None) -> EventFilter:
        """The filter with more parts; each takes the place of its opposite, and a bound of any other of its kind."""
        new = tuple(new)
        gone = {instead_of, *(part.negated() for part in new)}
        bounds = {part.kind for part in new if part.kind in _BOUNDS}
        kept = [part for part in self.parts if part not in gone and part.kind not in bounds]
        return EventFilter.of((*kept, *new))

    def replacing(self, part: Part, by: Iterable[Part] = ()) -> EventFilter:
        """The filter with other parts in the place of one, or without it."""
        by = tuple(by)
        return EventFilter.of(new for old in self.parts for new in (by if old == part else (old,)))

    @property
    def words(self) -> str:
        """The filter as one line; :func:`parse` reads it."""
        return " ".join(part.words for part in self.parts)

    @property
    def is_empty(self) -> bool:
        """Whether every event is meant."""
        return self == _EMPTY

    @property
    def needs_events(self) -> bool:
        """Whether events must be read: the index knows no payloads and no metadata."""
        return bool(self.where or self.not_where or self.text or self.not_text)

    @property
    def needs_statuses(self) -> bool:
        """Whether it is asked what a catalogue makes of events."""
        return any(name not in FLAGS for name in (*self.flags, *self.not_flags))

    @property
    def without_statuses(self) -> EventFilter:
        """The same filter for events whose status has been asked already."""
        if not self.needs_statuses:
            return self
        flags, not_flags = (tuple(name for name in names if name in FLAGS) for names in (self.flags, self.not_flags))
        return replace(self, flags=flags, not_flags=not_flags)

    def rows(self, index: Index, first: int = 0, statuses: NDArray[np.uint8] | None = None) -> NDArray[np.int64]:
        """Ascending rows of the index, from ``first`` on, that its columns let through.

        These are the events that are meant, unless :attr:`needs_events`: then every event that is meant is among them.
        ``statuses`` are codes by row, 0 where none is known (as for rows beyond them): such rows are never meant.
        Raises :class:`UsageError` where statuses are asked and none are given.
        """
        columns = dict(zip(_COLUMNS, (column[first:] for column in index.columns(*_COLUMNS)), strict=True))
        mask = np.ones(len(columns["type"]), np.bool_)
        for keep in self._index_masks(columns, index):
            mask &= keep
        if self.needs_statuses:
            if statuses is None:
                raise UsageError(_NO_STATUSES)
            mask &= _status_mask(statuses[first:], len(mask), *self._statuses)
        return np.flatnonzero(mask) + first

    def _index_masks(self, columns: Mapping[str, NDArray[Any]], index: Index) -> Iterable[NDArray[np.bool_]]:
        if self.types or self.not_types:
            yield _lookup(index.types, columns["type"], _choice(self.types, self.not_types))
        if self.categories or self.not_categories:
            yield _lookup(index.stream_category, columns["stream"], _choice(self.categories, self.not_categories))
        if self.streams or self.not_streams:
            # Named after the columns were taken: streams that turned up since have no row in them.
            names = list(zip(index.streams, index.stream_tenant, index.stream_category, strict=False))
            is_wanted = _stream_choice(self.streams, self.not_streams)
            yield _lookup(names, columns["stream"], lambda own: is_wanted(*(own or (None, None, None))))
        for column, low, high in (
            ("time", self.since, None if self.until is None else self.until - 1),
            ("position", self.from_position, self.to_position),
        ):
            if low is not None or high is not None:
                yield _between(columns[column], low, high)
        if self.positions:
            yield _among(columns["position"], self.positions)
        if self.not_positions:
            yield ~_among(columns["position"], self.not_positions)
        for name in self.flags:
            if name in FLAGS:
                yield (columns["flags"] & FLAGS[name]) != 0
        for name in self.not_flags:
            if name in FLAGS:
                yield (columns["flags"] & FLAGS[name]) == 0

    @property
    def _statuses(self) -> tuple[_Names, _Names]:
        """Statuses that are wanted (any of them), and those that are not."""
        wanted, unwanted = (
            tuple(name for name in names if name not in FLAGS) for names in (self.flags, self.not_flags)
        )
        return wanted, unwanted

    def accepts(self, event: Event) -> bool:
        """Whether an event is meant; for many events use :meth:`matcher`."""
        return self.matcher()(event)

    def matcher(self, status_of: StatusOf | None = None) -> Test:
        """Whether an event is meant, as a function; raises :class:`~esviewer.domain.UsageError` for a bad ``where``.

        Where statuses are asked and ``status_of`` is not given, the function raises it.
        """
        test = _matcher(self)
        if not self.needs_statuses:
            return test
        is_wanted = _choice(*self._statuses)

        def meant(event: Event) -> bool:
            if status_of is None:
                raise UsageError(_NO_STATUSES)
            return is_wanted(status_of(event)) and test(event)

        return meant

    @property
    def keep(self) -> Callable[[Mapping[str, Any]], bool] | None:
        """What :meth:`Reader.events` may ask before it decodes a row: false where no event of it can be meant."""
        if not self.types and not self.not_types:
            return None
        is_wanted = _choice(self.types, self.not_types)
        # Where the type is no column of the row, only the decoded event tells.
        return lambda row: row.get("type") is None or is_wanted(row["type"])


def parse(line: str) -> EventFilter:
    """The filter that a line of words means; raises :class:`UsageError` with a sentence on the first that means none.

    >>> parse('type:Paid -type:Debug since:2024-01-01 Utrecht').words
    'type:Paid -type:Debug since:2024-01-01 text:Utrecht'
    """
    return EventFilter.of(split(line))


_EMPTY: Final = EventFilter()
_NO_STATUSES: Final = "Only a catalogue tells the status of events: name one, or leave out is: with a status."
_FIELDS: Final = {
    "type": "types",
    "category": "categories",
    "stream": "streams",
    "since": "since",
    "until": "until",
    "from-position": "from_position",
    "to-position": "to_position",
    "position": "positions",
    "is": "flags",
    "where": "where",
    "text": "text",
}
_BOUNDS: Final = frozenset(("since", "until", "from-position", "to-position"))
_COLUMNS: Final = ("type", "stream", "time", "position", "flags")


def _bound(part: Part) -> int:
    if part.kind in ("since", "until"):
        time = from_iso(part.value)
        if time is None:
            raise UsageError(
                f"{part.kind}:{part.value} is not a time: write it as 2024-03-05 or 2024-03-05T12:31:22+00:00."
            )
        return time
    try:
        return int(part.value)
    except ValueError:
        raise UsageError(f"{part.kind}:{part.value} is not a position: write a whole number.") from None


def _written(kind: str, bound: int) -> str:
    """A bound as :func:`_bound` reads it; a midnight, which is most of them, as the date alone."""
    if kind in ("since", "until"):
        return (iso(bound) or str(bound)).removesuffix("+00:00").removesuffix("T00:00:00")
    return str(bound)


def _lookup(names: Iterable[Any], ordinals: NDArray[Any], is_wanted: Callable[[Any], bool]) -> NDArray[np.bool_]:
    """For each ordinal, whether its name is wanted; -1 stands for no name."""
    table = np.asarray([*map(is_wanted, tuple(names)), is_wanted(None)], np.bool_)
    wanted: NDArray[np.bool_] = table[ordinals]
    return wanted


def _between(column: NDArray[np.int64], low: int | None, high: int | None) -> NDArray[np.bool_]:
    """Both ends included; what is absent is in no bounds. Bounds may lie beyond 64 bits."""
    least = NONE + 1 if low is None else max(low, NONE + 1)
    most = np.iinfo(np.int64).max if high is None else min(high, np.iinfo(np.int64).max)
    if least > most:
        return np.zeros(len(column), np.bool_)
    return (column >= least) & (column <= most)


_SPAN: Final = re.compile(r"(-?[0-9]{1,40})(?:-(-?[0-9]{1,40}))?")


@lru_cache(maxsize=64)
def _spans(written: _Names) -> tuple[tuple[int, int], ...]:
    """Positions and spans of them, both ends included; raises :class:`UsageError` for what is none."""
    found = []
    for part in (part.strip() for text in written for part in text.split(",")):
        match = _SPAN.fullmatch(part)
        if match is None:
            raise UsageError(f"position:{part} is no position: write whole numbers and spans, such as 7,9,20-25.")
        found.append((int(match[1]), int(match[2] or match[1])))
    return tuple(found)


def _among(column: NDArray[np.int64], written: _Names) -> NDArray[np.bool_]:
    """Which positions are named; what is absent is not."""
    mask = np.zeros(len(column), np.bool_)
    for low, high in _spans(written):
        mask |= _between(column, low, high)
    return mask


def _status_mask(codes: NDArray[np.uint8], count: int, wanted: _Names, unwanted: _Names) -> NDArray[np.bool_]:
    """For each of so many rows, whether its status is meant."""
    is_wanted = _choice(wanted, unwanted)
    table = np.zeros(256, np.bool_)
    table[1 : len(STATUSES) + 1] = [is_wanted(name) for name in STATUSES]
    mask = np.zeros(count, np.bool_)
    known = codes[:count]
    mask[: len(known)] = table[known]
    return mask


def _choice(wanted: _Names, unwanted: _Names) -> Callable[[str | None], bool]:
    some, none = frozenset(wanted), frozenset(unwanted)
    return lambda name: (not some or name in some) and name not in none


def _stream_choice(wanted: _Names, unwanted: _Names) -> Callable[[str | None, str | None, str | None], bool]:
    is_some, is_none = _any_stream(wanted), _any_stream(unwanted)

    def chosen(stream: str | None, tenant: str | None, category: str | None) -> bool:
        names = () if stream is None else (stream, f"{tenant}/{stream}", f"{category}/{stream}")
        return (not wanted or is_some(names)) and not is_none(names)

    return chosen


def _any_stream(patterns: _Names) -> Callable[[_Names], bool]:
    """Whether one of the names of a stream is meant."""
    exact = frozenset(spelling for pattern in patterns for spelling in _spellings(pattern))
    globs = [re.compile(fnmatch.translate(pattern)) for pattern in patterns if "*" in pattern]

    def meant(names: _Names) -> bool:
        return not exact.isdisjoint(names) or any(glob.match(name) for glob in globs for name in names[:1])

    return meant


def _spellings(name: str) -> set[str]:
    """A name as it may be stored: a uuid with and without dashes, in small and capital letters."""
    try:
        own = uuid.UUID(name)
    except ValueError:
        return {name}
    return {name, str(own), own.hex, str(own).upper(), own.hex.upper()}


@lru_cache(maxsize=64)
def _matcher(wanted: EventFilter) -> Test:
    tests = [*_envelope_tests(wanted), *_content_tests(wanted)]
    if len(tests) == 1:
        return tests[0]
    return lambda event: all(test(event) for test in tests)


def _envelope_tests(wanted: EventFilter) -> Iterable[Test]:
    if wanted.types or wanted.not_types:
        of_type = _choice(wanted.types, wanted.not_types)
        yield lambda event: of_type(event.type)
    if wanted.categories or wanted.not_categories:
        of_category = _choice(wanted.categories, wanted.not_categories)
        # The index knows categories by stream, so here too they are a stream's.
        yield lambda event: of_category(event.category if event.stream is not None else None)
    if wanted.streams or wanted.not_streams:
        of_stream = _stream_choice(wanted.streams, wanted.not_streams)
        yield lambda event: of_stream(event.stream, event.tenant, event.category)
    if wanted.since is not None or wanted.until is not None:
        since, until = wanted.since, None if wanted.until is None else wanted.until - 1
        yield lambda event: _is_within(event.recorded_at, since, until)
    if wanted.from_position is not None or wanted.to_position is not None:
        yield lambda event: _is_within(event.position, wanted.from_position, wanted.to_position)
    if wanted.positions:
        yield _at(_spans(wanted.positions))
    if wanted.not_positions:
        yield _not(_at(_spans(wanted.not_positions)))
    for name in (*wanted.flags, *wanted.not_flags):
        if name not in FLAGS and name not in STATUSES:
            raise UsageError(f"is:{name} is not known: {', '.join(dict.fromkeys((*FLAGS, *STATUSES)))}.")
    yield from (_FLAG_TESTS[name] for name in wanted.flags if name in FLAGS)
    yield from (_not(_FLAG_TESTS[name]) for name in wanted.not_flags if name in FLAGS)


def _content_tests(wanted: EventFilter) -> Iterable[Test]:
    for expression in wanted.where:
        yield predicate(expression)
    for expression in wanted.not_where:
        yield _not(predicate(expression))
    if wanted.text or wanted.not_text:
        some, none = [*map(_findings, wanted.text)], [*map(_findings, wanted.not_text)]

        def has_text(event: Event) -> bool:
            texts = _texts(event)
            return all(_is_in(each, texts) for each in some) and not any(_is_in(each, texts) for each in none)

        yield has_text


def _is_within(value: int | str | None, low: int | None, high: int | None) -> bool:
    return isinstance(value, int) and (low is None or value >= low) and (high is None or value <= high)


def _at(spans: tuple[tuple[int, int], ...]) -> Test:
    return lambda event: any(_is_within(event.position, low, high) for low, high in spans)


def _not(test: Test) -> Test:
    return lambda event: not test(event)


_FLAG_TESTS: Final[dict[str, Test]] = {
    "undecodable": lambda event: event.undecodable is not None,
    "deleted": lambda event: bool(event.deleted),
    "archived": lambda event: bool(event.archived),
}


def _findings(text: str) -> frozenset[str]:
    """A text as it may stand in JSON: as it is, which may span names and values, and as the content of a string."""
    escaped = json_text.dumps(text).decode("utf-8", "replace")[1:-1]
    return frozenset((text.casefold(), escaped.casefold()))


def _is_in(spellings: Iterable[str], texts: Iterable[str]) -> bool:
    return any(spelling in text for spelling in spellings for text in texts)


def _texts(event: Event) -> list[str]:
    """What text is looked for in: payload and metadata as JSON, and the bytes of what could not be decoded."""
    parts = [json_text.dumps(part) for part in (event.data, event.metadata) if part is not None]
    if event.undecodable is not None and event.raw is not None:
        parts.append(event.raw)
    return [part.decode("utf-8", "replace").casefold() for part in parts]
