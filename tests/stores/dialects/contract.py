"""What every dialect must do, on a real store of its framework: subclass :class:`DialectContract` once a store.

The answers were computed without esviewer; a subclass maps their own shape to :class:`Expected`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from esviewer.domain import Event, NotFound
from esviewer.domain.objects import event_object
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.stores import reader as reader_module
from esviewer.stores.codecs import json_text
from esviewer.stores.database import Database
from esviewer.stores.index import Index
from esviewer.stores.index_building import build
from esviewer.stores.reader import Reader, Window
from esviewer.stores.row_reading import events_of_rows
from esviewer.stores.summary import summarise


@dataclass(frozen=True)
class StateAnswer:
    """A state that is known: which stream, the stored version or else the number of events, and attributes of it."""

    stream: str
    state: dict[str, object]
    version: int | None = None
    events: int | None = None


@dataclass(frozen=True)
class Expected:
    """The answers for one store. ``None`` means that the answers do not say it."""

    name: str
    dialect: str
    events: int
    streams: int
    types: dict[str, int]
    first_position: int | None
    last_position: int | None
    categories: dict[str, int] | None = None
    snapshots: int | None = None
    checkpoints: list[tuple[str, str | None, int | None, int | None]] | None = field(default_factory=list)
    undecodable: int = 0
    merged: list[StateAnswer] = field(default_factory=list)
    """States that are the events merged field by field: all of them must agree."""


class DialectContract:
    """Give the fixtures ``database`` and ``expected``."""

    @pytest.fixture
    def database(self) -> Database:
        raise NotImplementedError

    @pytest.fixture
    def expected(self) -> Expected:
        raise NotImplementedError

    @pytest.fixture
    def reader(self, database: Database, expected: Expected) -> Iterator[Reader]:
        reader = database.reader(database.named(expected.name))
        yield reader
        reader.close()

    @pytest.fixture
    def events(self, reader: Reader) -> list[Event]:
        return list(reader.events())

    def test_that_info_agrees_with_the_answers(self, database: Database, expected: Expected) -> None:
        (summary,) = summarise(database, [database.named(expected.name)])
        figures = summary.as_object()
        assert figures["dialect"] == expected.dialect
        assert figures["events"] == expected.events
        assert figures["streams"] == expected.streams
        assert figures["types"] == expected.types
        assert (figures["first_position"], figures["last_position"]) == (
            expected.first_position,
            expected.last_position,
        )
        assert figures["undecodable"] == expected.undecodable
        if expected.categories is not None:
            assert figures["categories"] == expected.categories
        if expected.snapshots is not None:
            assert figures["snapshots"] == expected.snapshots
        kept = summary.checkpoints
        found = None if kept is None else sorted((c.consumer, c.upstream, c.position, c.lag) for c in kept)
        assert found == (None if expected.checkpoints is None else sorted(expected.checkpoints))
        assert 0.8 < summary.found.confidence <= 1 and summary.found.evidence

    def test_that_small_pages_give_the_same_events_as_large_ones(
        self, reader: Reader, events: list[Event], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reader_module, "PAGE", 37)
        assert list(reader.events()) == events

    def test_that_rows_of_the_index_lead_to_their_events_in_any_order(
        self, reader: Reader, events: list[Event]
    ) -> None:
        index = build(reader, Index())
        everything, random = np.arange(index.length), np.random.default_rng(1)
        some = np.sort(random.choice(everything, min(len(everything), 300), replace=False))
        for rows in (everything, everything[3:-2], some, random.permutation(everything)[:500]):
            pages = [rows[start : start + 130] for start in range(0, len(rows), 130)]
            assert list(events_of_rows(reader, index, pages)) == [(row, events[row]) for row in rows.tolist()]

    def test_that_keys_are_unique_and_ascend(self, events: list[Event]) -> None:
        keys = [event.key for event in events]
        assert keys == sorted(keys)
        assert len(set(keys)) == len(keys)

    def test_that_reading_backwards_gives_the_reverse(
        self, reader: Reader, events: list[Event], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reader_module, "PAGE", 101)
        assert list(reader.events(Window(reverse=True))) == events[::-1]

    def test_that_reading_goes_on_after_any_key(self, reader: Reader, events: list[Event]) -> None:
        for place in (0, 1, len(events) // 3, len(events) - 2):
            after = list(reader.events(Window(after=events[place].key, limit=5)))
            assert after == events[place + 1 : place + 6]

    def test_that_the_first_event_is_read_in_one_short_statement(self, reader: Reader, events: list[Event]) -> None:
        assert next(reader.events(Window(limit=1))) == events[0]

    def test_that_a_stream_has_exactly_its_events_in_order(self, reader: Reader, events: list[Event]) -> None:
        names = Counter(event.stream for event in events if event.stream)
        chosen = [name for name, _ in names.most_common(3)] + sorted(names)[:3]
        for name in chosen:
            stream = reader.stream(name)
            own = sorted((e for e in events if e.stream == name), key=reader.dialect.order_of_stream)
            assert [e.key for e in stream] == [e.key for e in own]
            assert stream == own

    def test_that_an_unknown_stream_is_not_found(self, reader: Reader) -> None:
        with pytest.raises(NotFound):
            reader.stream("no such stream")

    def test_that_single_events_are_read_by_their_keys(self, reader: Reader, events: list[Event]) -> None:
        chosen = events[:: max(1, len(events) // 7)]
        assert reader.at([event.key for event in chosen]) == chosen

    def test_that_position_bounds_are_both_included(self, reader: Reader, events: list[Event]) -> None:
        positions = [event.position for event in events]
        numbers = [p for p in positions if isinstance(p, int)]
        if len(numbers) != len(positions):
            pytest.skip("this store has no integer positions")
        low, high = sorted(numbers)[len(numbers) // 4], sorted(numbers)[len(numbers) // 2]
        found = list(reader.events(Window(from_position=low, to_position=high)))
        inside = [e for e, position in zip(events, numbers, strict=True) if low <= position <= high]
        assert [e.key for e in found] == [e.key for e in inside]
        assert found == inside

    def test_that_every_event_survives_its_json(self, events: list[Event]) -> None:
        for event in events[:: max(1, len(events) // 200)]:
            line = json_text.dumps(event_object(event))
            back, notes = json_text.loads(line)
            assert not notes
            assert json_text.dumps(back) == line

    def test_that_payloads_are_taken_from_their_encoding(self, events: list[Event], expected: Expected) -> None:
        assert sum(event.undecodable is not None for event in events) == expected.undecodable
        decoded = [event for event in events if event.undecodable is None]
        assert all(isinstance(event.data, dict | type(None)) for event in decoded)

    def test_that_merged_states_agree(self, reader: Reader, expected: Expected) -> None:
        for answer in expected.merged:
            history = AggregateHistory(reader.stream(answer.stream), InferredFold())
            if answer.events is not None:
                index: int | None = answer.events - 1
            else:
                assert answer.version is not None
                index = history.index_of_version(answer.version)
            assert index is not None
            # As it is given out: decimals are written as text.
            state, _ = json_text.loads(json_text.dumps(history.state_at(index)))
            assert isinstance(state, dict)
            assert {name: state.get(name) for name in answer.state} == answer.state
            assert set(history.blame(index)) >= {path for path in state if not isinstance(state[path], dict | list)}

    def test_that_no_statement_can_write(self, database: Database, expected: Expected) -> None:
        from sqlalchemy import text

        from esviewer.domain import EsviewerError

        table = database.named(expected.name).events.full_name
        connection = database.connect()
        for statement in (f"DELETE FROM {table}", "CREATE TABLE x (y int)", f"DROP TABLE {table}"):
            with pytest.raises(EsviewerError):
                connection.all(text(statement))
        database.release(connection)
