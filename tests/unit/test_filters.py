"""Filters: the words they are written in, and that index and events answer alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import Event, UsageError, from_iso, micros
from esviewer.stores.dialects.message_db import MessageDb
from esviewer.stores.filter_words import Part, split
from esviewer.stores.filters import FLAGS, EventFilter, parse
from esviewer.stores.index import Index
from esviewer.stores.sheet import Sheet

_NAMES = ("A", "B:c.D", "", "Loan-7", "x y", 'say "hi"\\', "7f3c9d4e-1111-2222-3333-00000000a1b2")
_numbers = count(1)


def event(**fields: object) -> Event:
    position = next(_numbers)
    usual: dict[str, object] = {"stream": "s", "category": "c", "version": 1, "type": "A", "data": {}, "raw": b"{}"}
    return Event(**{"key": (position,), "position": position, **usual, **fields})  # type: ignore[arg-type]


_some_names = st.lists(st.sampled_from(_NAMES), max_size=3, unique=True).map(tuple)
_times = st.none() | st.datetimes().map(micros)
_flags = st.lists(st.sampled_from(sorted(FLAGS)), max_size=2, unique=True).map(tuple)
_bounds = st.none() | st.integers(-(10**25), 10**25) | st.integers(-1, 12)
_texts = st.lists(st.text(min_size=1), max_size=2, unique=True).map(tuple)
_places = st.lists(st.sampled_from(("7", "-1", "2-5,9", "11-3", "-1-0")), max_size=2, unique=True).map(tuple)
_from_index = st.builds(
    EventFilter, types=_some_names, not_types=_some_names, categories=_some_names, not_categories=_some_names,
    streams=_some_names, not_streams=_some_names, since=_times, until=_times, from_position=_bounds,
    to_position=_bounds, positions=_places, not_positions=_places, flags=_flags, not_flags=_flags,
)  # fmt: skip
_filters = st.builds(
    lambda base, where, text, not_text: EventFilter.of(
        [*base.parts, *(Part("where", w) for w in where), *(Part("text", t) for t in text)]
        + [Part("text", t, True) for t in not_text]
    ),
    _from_index,
    st.lists(
        st.sampled_from(("data.amount > `10`", "metadata.\"user id\" == 'x'", "!deleted")), max_size=2, unique=True
    ),
    _texts,
    _texts,
)
_events = st.builds(
    lambda position, stream, category, kind, time, tenant, bad, deleted, archived: event(
        position=position,
        stream=stream,
        # A stream has one category and one tenant, whichever of its events is looked at.
        category=None if stream is None else category[stream],
        tenant=None if stream is None else tenant[stream],
        type=kind,
        recorded_at=time,
        undecodable=bad,
        deleted=deleted,
        archived=archived,
    ),
    st.none() | st.integers(-1, 12),
    st.none() | st.sampled_from(_NAMES),
    st.just({name: _NAMES[i - 3] for i, name in enumerate(_NAMES)}),
    st.none() | st.sampled_from(_NAMES),
    _times,
    st.just({name: (None, "t")[i % 2] for i, name in enumerate(_NAMES)}),
    st.none() | st.just("bad bytes"),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
)


def indexed(events: list[Event]) -> Index:
    index = Index()
    index.extend(Sheet.of(events, MessageDb()))
    return index


@given(_filters)
def test_that_a_filter_is_read_from_its_own_words(wanted: EventFilter) -> None:
    assert parse(wanted.words) == wanted
    assert split(wanted.words) == wanted.parts
    assert "\n" not in wanted.words


@given(_from_index, st.lists(_events, min_size=1, max_size=8), st.integers(0, 8))
def test_that_the_index_and_the_events_answer_alike(wanted: EventFilter, events: list[Event], first: int) -> None:
    accepted = [row for row, each in enumerate(events) if wanted.accepts(each)]
    index = indexed(events)
    assert wanted.rows(index).tolist() == accepted
    assert wanted.rows(index, first).tolist() == [row for row in accepted if row >= first]
    keep = wanted.keep
    if keep is not None:
        assert all(keep({"type": events[row].type}) for row in accepted)


@given(_filters, st.lists(_events, min_size=1, max_size=8))
def test_that_rows_of_the_index_leave_out_nothing_that_the_events_would_let_through(
    wanted: EventFilter, events: list[Event]
) -> None:
    accepted = {row for row, each in enumerate(events) if wanted.accepts(each)}
    assert accepted <= set(wanted.rows(indexed(events)).tolist())


@given(_filters, _events)
def test_that_a_part_and_its_opposite_never_let_the_same_event_through(wanted: EventFilter, one: Event) -> None:
    for part in wanted.parts:
        only, opposite = EventFilter.of([part]), EventFilter.of([part.negated()])
        absent = {"since": one.recorded_at, "until": one.recorded_at}.get(part.kind, one.position) is None
        both = only.accepts(one), opposite.accepts(one)
        assert both in ({(False, False)} if absent and part.kind in _BOUNDS else {(True, False), (False, True)})


_BOUNDS = ("since", "until", "from-position", "to-position")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("", EventFilter()),
        ("  type:Loan.Started   -type:Debug ", EventFilter(types=("Loan.Started",), not_types=("Debug",))),
        ("type:A type:B type:A", EventFilter(types=("A", "B"))),
        ('where:"data.amount > `10`" text:"Utrecht"', EventFilter(where=("data.amount > `10`",), text=("Utrecht",))),
        ("Utrecht -'", EventFilter(text=("Utrecht",), not_text=("'",))),
        (r'"a \"b\" \\ c\n"', EventFilter(text=('a "b" \\ c\n',))),
        (r'where:"data.\d"', None),
        ("since:2024-01-01", EventFilter(since=from_iso("2024-01-01"))),
        ("-since:2024-01-01", EventFilter(until=from_iso("2024-01-01"))),
        ("from:5 -to-position:9 to:20", EventFilter(from_position=10, to_position=20)),
        ("-from:5", EventFilter(to_position=4)),
        ("-is:deleted stream:Loan-*", EventFilter(not_flags=("deleted",), streams=("Loan-*",))),
    ],
)
def test_how_a_line_is_read(line: str, wanted: EventFilter | None) -> None:
    if wanted is None:
        with pytest.raises(UsageError, match="JMESPath"):
            parse(line)
    else:
        assert parse(line) == wanted


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("typ:A", "typ: is no word of a filter: type, category, "),
        ("type:", "type: needs a value"),
        ('text:""', "text: needs a value"),
        ('type:A "open', 'a quote that is not closed in "open'),
        ('"a"b', "something right after a closing quote"),
        ("since:yesterday", "since:yesterday is not a time"),
        ("to:x", "to-position:x is not a position"),
        ("is:odd", "is:odd is not known: undecodable, deleted, archived"),
        ("where:data.[", "not a JMESPath expression"),
    ],
)
def test_that_a_line_that_means_nothing_is_refused_in_a_sentence(line: str, part: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse(line)
    assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("line", "is_meant"),
    [
        ("UTRECHT", True),
        ("user", True),
        ('"\\"city\\":\\"utrecht\\""', True),
        ('"say \\"hi\\""', True),
        ("utrecht ann", True),
        ("utrecht bob", False),
        ("-bob", True),
        ("-utrecht", False),
        ("where:\"metadata.user == 'Ann'\"", True),
        ("-where:\"metadata.user == 'Ann'\"", False),
        ("where:\"data.none == 'x'\"", False),
        ("-where:\"data.none == 'x'\"", True),
    ],
)
def test_what_is_found_in_payload_and_metadata(line: str, is_meant: bool) -> None:
    one = event(data={"city": "Utrecht", "note": 'say "hi"'}, metadata={"user": "Ann"})
    assert parse(line).accepts(one) is is_meant


def test_that_text_is_found_in_bytes_that_could_not_be_decoded() -> None:
    assert parse("utrecht").accepts(event(data=None, undecodable="torn", raw=b"\xff{Utrecht"))


@pytest.mark.parametrize(
    ("pattern", "is_meant"),
    [
        ("7F3C9D4E111122223333-00000000A1B2", True),
        ("7f3c9d4e-1111-2222-3333-00000000a1b2", True),
        ("acme/7f3c9d4e-1111-2222-3333-00000000a1b2", True),
        ("7f3c*", True),
        ("7f3c", False),
        ("other/7f3c9d4e-1111-2222-3333-00000000a1b2", False),
    ],
)
def test_that_a_stream_is_named_in_any_spelling_or_by_a_pattern(pattern: str, is_meant: bool) -> None:
    one = event(stream="7f3c9d4e-1111-2222-3333-00000000a1b2", tenant="acme")
    wanted = EventFilter(streams=(pattern,))
    assert wanted.accepts(one) is is_meant
    assert wanted.rows(indexed([one])).tolist() == [0] * is_meant


def test_that_only_payloads_and_metadata_need_events() -> None:
    quick: Callable[[str], bool] = lambda line: not parse(line).needs_events  # noqa: E731
    assert quick("type:A -type:B since:2024-01-01 from:1 is:deleted stream:x category:y")
    assert not any(map(quick, ("text", "-text", "where:version", "-where:version")))
    assert EventFilter().is_empty and not parse("x").is_empty


def test_that_no_filter_means_every_row() -> None:
    assert np.array_equal(EventFilter().rows(indexed([event(), event()])), [0, 1])
