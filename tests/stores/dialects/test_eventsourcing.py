"""Python eventsourcing: the library's own stores against the answers computed with the library."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from esviewer.domain import NeedsChoice, NotAStore
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.stores.database import Database, open_database
from esviewer.stores.reader import Reader, Window
from esviewer.stores.summary import summarise
from tests.stores.dialects.contract import DialectContract, Expected

TEST_KEY = base64.b64decode("bm90LWEtc2VjcmV0LXRlc3Qta2V5LTMyLWJ5dGVzISE=")


def expected_of(name: str, context: dict[str, Any], checkpoints: list[Any]) -> Expected:
    return Expected(
        name=name,
        dialect="eventsourcing",
        events=context["events"],
        streams=context["streams"],
        types=context["event_types"],
        first_position=context["first_position"],
        last_position=context["last_position"],
        categories=context["streams_by_aggregate_topic"],
        snapshots=context["snapshots"]["count"],
        checkpoints=checkpoints,
    )


def states_agree(reader: Reader, answers: dict[str, Any], context: str) -> int:
    """Checks what an inferred fold can know of the library's states; returns how many values were compared."""
    compared = 0
    for answer in answers["aggregate_states"]:
        if answer["context"] != context or "state" not in answer:
            continue
        history = AggregateHistory(reader.stream(answer["stream"]), InferredFold())
        index = history.index_of_version(answer["version"])
        assert index is not None
        state, blame = history.state_at(index), history.blame(index)
        carried: dict[str, Any] = {}
        for event in history.events[: index + 1]:
            if isinstance(event.data, dict):
                carried.update(event.data)
        for name, value in answer["state"].items():
            if name in carried and carried[name] == value and not name.startswith("_"):
                assert state[name] == value
                compared += 1
                if not isinstance(value, dict | list):
                    assert blame[name].version == last_change(history, name, index)
    return compared


def last_change(history: AggregateHistory, name: str, index: int) -> int | None:
    """The version of the last event that gave an attribute another value, by hand."""
    missing = object()
    present: object = missing
    version = None
    for event in history.events[: index + 1]:
        data = event.data
        if isinstance(data, dict) and name in data and (present is missing or data[name] != present):
            present, version = data[name], event.version
    return version


class _LibraryContract(DialectContract):
    folder: str
    context: str
    file: str
    key: bytes | None = None

    @pytest.fixture
    def database(self, shared_store: Callable[[str, str], Path]) -> Iterator[Database]:  # type: ignore[override]
        database = open_database(str(shared_store(self.folder, self.file)), key=self.key)
        yield database
        database.close()

    @pytest.fixture
    def expected(self, answers: Callable[..., dict[str, Any]]) -> Expected:  # type: ignore[override]
        return expected_of(self.context, answers(self.folder)["contexts"][self.context], [])

    def test_that_states_agree_with_the_library(self, reader: Reader, answers: Callable[..., dict[str, Any]]) -> None:
        assert states_agree(reader, answers(self.folder), self.context) >= 10

    def test_that_versions_of_the_schema_are_counted_as_stored(
        self, reader: Reader, answers: Callable[..., dict[str, Any]]
    ) -> None:
        counted: dict[str, dict[str, int]] = {}
        for event in reader.events():
            versions = counted.setdefault(str(event.type), {})
            versions[str(event.schema_version)] = versions.get(str(event.schema_version), 0) + 1
        for name, versions in answers(self.folder)["contexts"][self.context]["stored_versions"].items():
            assert counted[name] == versions


class TestLendingSqlite(_LibraryContract):
    folder, context, file = "es_library_sqlite", "lending", "lending.sqlite.gz"


class TestMembershipSqlite(_LibraryContract):
    folder, context, file = "es_library_sqlite", "membership", "membership.sqlite.gz"


class TestLendingCompressed(_LibraryContract):
    folder, context, file = "es_library_zlib", "lending", "lending.sqlite.gz"


class TestLendingEncrypted(_LibraryContract):
    folder, context, file, key = "es_library_aes", "lending", "lending.sqlite.gz", TEST_KEY


class TestLendingPostgres(_LibraryContract):
    folder, context, file = "es_library_pg", "lending", "es_library_pg.sql.gz"

    @pytest.fixture
    def database(self, shared_database: Callable[[str, str], str]) -> Iterator[Database]:  # type: ignore[override]
        database = open_database(shared_database(self.folder, self.file))
        yield database
        database.close()

    @pytest.fixture
    def expected(self, answers: Callable[..., dict[str, Any]]) -> Expected:  # type: ignore[override]
        known = answers(self.folder)
        tracking = [
            (consumer, self.context, row["position"], row["unprocessed_events"])
            for consumer, rows in known["tracking"].items()
            for upstream, row in rows.items()
            if upstream == self.context
        ]
        return expected_of(self.context, known["contexts"][self.context], tracking)

    def test_that_each_application_is_a_store_of_its_own(self, database: Database) -> None:
        assert [store.name for store in database.stores] == ["lending", "membership", "notices", "statistics"]
        with pytest.raises(NeedsChoice) as caught:
            database.chosen()
        assert "lending, membership, notices, statistics" in str(caught.value)

    def test_that_a_store_without_events_is_listed_with_zeros(self, database: Database) -> None:
        (summary,) = summarise(database, [database.named("statistics")])
        figures = summary.as_object()
        assert (figures["events"], figures["types"], figures["first_position"]) == (0, {}, None)


def test_that_a_process_application_lists_its_consumers_with_unknown_lag(
    shared_store: Callable[[str, str], Path], answers: Callable[..., dict[str, Any]]
) -> None:
    database = open_database(str(shared_store("es_library_sqlite", "notices.sqlite.gz")))
    (summary,) = summarise(database, database.stores)
    position = answers("es_library_sqlite")["tracking"]["notices"]["lending"]["position"]
    (kept,) = summary.checkpoints or ()
    assert (kept.consumer, kept.upstream, kept.position, kept.lag) == ("notices", "lending", position, None)
    assert summary.index.length == answers("es_library_sqlite")["tracking"]["notices"]["own_events"]
    database.close()


def test_that_encrypted_payloads_without_their_key_are_counted_and_kept_as_bytes(
    shared_store: Callable[[str, str], Path],
) -> None:
    database = open_database(str(shared_store("es_library_aes", "lending.sqlite.gz")))
    (summary,) = summarise(database, database.stores)
    assert summary.index.undecodable() == summary.index.length == 2022
    reader = database.reader(database.stores[0])
    event = next(reader.events())
    assert event.data is None and event.recorded_at is None
    assert event.undecodable and event.raw and event.type
    database.close()


def test_that_tagged_events_are_named_and_not_misread(shared_database: Callable[[str, str], str]) -> None:
    with pytest.raises(NotAStore, match=r"taxi_events_tt_main holds tagged events \(DCB\)"):
        open_database(shared_database("es_dcb_taxi", "taxi.sql.gz"))


def test_that_any_spelling_of_an_id_finds_the_stream(shared_store: Callable[[str, str], Path]) -> None:
    database = open_database(str(shared_store("es_library_sqlite", "lending.sqlite.gz")))
    reader = database.reader(database.stores[0])
    name = str(next(reader.events()).stream)
    bare = name.replace("-", "")
    found = [reader.stream(spelling) for spelling in (name, bare, name.upper(), f"{{{name}}}", f"urn:uuid:{name}")]
    assert all(events == found[0] for events in found)
    assert found[0][0].stream == name and len(name) == 36
    database.close()


def write_store(path: Path, rows: list[tuple[str, int, str, bytes]]) -> Path:
    """A store in the library's own layout (sqlite.py at 9.5.6), in rollback mode."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB, "
        "PRIMARY KEY (originator_id, originator_version))"
    )
    connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def test_that_text_ids_and_topics_without_a_class_are_shown_as_they_are(tmp_path: Path) -> None:
    path = write_store(
        tmp_path / "shop.sqlite", [("order/1", 1, "order-placed", b'{"a":1}'), ("order/1", 2, "order-paid", b'{"b":2}')]
    )
    database = open_database(str(path))
    reader = database.reader(database.stores[0])
    events = reader.stream("order/1")
    assert [(e.stream, e.category, e.type, e.recorded_at) for e in events] == [
        ("order/1", None, "order-placed", None),
        ("order/1", None, "order-paid", None),
    ]
    database.close()


def test_that_the_category_is_that_of_the_first_event_wherever_reading_begins(tmp_path: Path) -> None:
    created = (
        b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00+00:00"},"originator_topic":"shop:Fine"}'
    )
    later = b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-02T00:00:00+00:00"},"x":1}'
    identity = "0" * 31 + "1"
    path = write_store(
        tmp_path / "shop.sqlite",
        [(identity, 1, "shop:Fine.Raised", created), (identity, 2, "shop:Charge.Paid", later)],
    )
    database = open_database(str(path))
    reader = database.reader(database.stores[0])
    (event,) = reader.events(Window(from_position=2))
    assert event.category == "shop:Fine"
    assert event.data == {"x": 1}
    database.close()
