"""Indexes that are kept in files: gone on with, checked against the store, and never mistaken for another's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import Event, from_iso
from esviewer.stores.database import open_database
from esviewer.stores.dialects.cqrs_es import CqrsEs
from esviewer.stores.index import NONE, Index
from esviewer.stores.index_building import build
from esviewer.stores.index_files import IndexReader, IndexWriter, cache_folder, read_head
from esviewer.stores.index_process import IndexProcess, Report
from esviewer.stores.iso_times import micros_of
from esviewer.stores.sheet import Sheet
from tests.stores.dialects.test_eventsourcing import write_store

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
COLUMNS = ("position", "stream", "version", "type", "time", "size", "flags")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESVIEWER_CACHE_DIR", str(tmp_path / "cache"))


def state(number: int, text: str = "") -> bytes:
    time = (BEGIN + timedelta(seconds=number)).isoformat(timespec="microseconds")
    return b'{"timestamp":{"_type_":"datetime_iso","_data_":"%s"},"n":%d,"t":"%s"}' % (
        time.encode(),
        number,
        text.encode(),
    )


def rows(first: int, last: int) -> list[tuple[str, int, str, bytes]]:
    return [(f"s{n % 7}", n // 7 + 1, f"m:A.T{n % 3}", state(n)) for n in range(first, last + 1)]


def add(path: Path, some: list[tuple[str, int, str, bytes]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", some)


@contextmanager
def indexing(path: Path) -> Iterator[tuple[Index, IndexProcess, list[Report], Callable[[], int]]]:
    """An index with its process, what it reported, and how many rows were read so far."""
    database = open_database(str(path))
    index = Index()
    process = IndexProcess(database, database.chosen(), index)
    try:
        yield index, process, [], lambda: sum(entry.rows or 0 for entry in database.log.entries())
    finally:
        process.close()
        database.close()


def same(index: Index, path: Path) -> bool:
    """Whether an index says what one says that was just built in memory."""
    with closing(open_database(str(path))) as database:
        fresh = build(database.reader(database.chosen()), Index())
    assert index.length == fresh.length and index.complete
    assert list(index.stream_entries()) == list(fresh.stream_entries())
    return index.types == fresh.types and all((index.column(n) == fresh.column(n)).all() for n in COLUMNS)


def kinds(reports: list[Report]) -> list[str]:
    return [report["kind"] for report in reports if report["kind"] not in ("grown", "placed")]


def test_that_a_kept_index_is_gone_on_with_and_little_is_read_again(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 40_000))
    with indexing(path) as (index, process, reports, _):
        assert process.run("build", reports.append) == 0 and same(index, path)
    add(path, rows(40_001, 40_050))
    with indexing(path) as (index, process, reports, read):
        process.run("build", reports.append)
        assert same(index, path) and kinds(reports) == []
        # A sample of 18 blocks at most, the rows after the last whole block twice, and what is new.
        assert read() < 22 * 1_024


def test_that_a_tail_reads_what_was_added_while_the_process_stays(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        assert process.run("tail", reports.append) == 3_000
        add(path, rows(3_001, 3_010))
        assert process.run("tail", reports.append) == 3_000 and same(index, path)


def test_that_rows_taken_off_the_end_are_taken_off_the_index(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("DELETE FROM stored_events WHERE rowid > 2990")
        process.run("tail", reports.append)
        assert index.length == 2_990 and same(index, path)


def test_that_a_moved_file_is_recognised(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 40_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
    moved = path.rename(tmp_path / "elsewhere.sqlite")
    with indexing(moved) as (index, process, reports, read):
        process.run("build", reports.append)
        assert same(index, moved) and kinds(reports) == [] and read() < 22 * 1_024


def test_that_another_store_at_the_same_address_is_not_mistaken(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
    path.unlink()
    write_store(path, rows(500, 3_600))
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        assert same(index, path) and kinds(reports) == ["replaced"]


def test_that_a_copy_with_a_history_of_its_own_is_no_change_of_history(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
    copy = write_store(
        tmp_path / "b.sqlite", [*rows(1, 2_000), *((s, v, t, state(1)) for s, v, t, _ in rows(2_001, 3_000))]
    )
    for one in (copy, path, copy):
        with indexing(one) as (index, process, reports, _):
            process.run("build", reports.append)
            assert same(index, one) and kinds(reports) == []


@pytest.mark.parametrize("changed", [2_000, 2_999, 65])
def test_that_a_change_of_history_is_said_and_the_index_made_anew(tmp_path: Path, changed: int) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            'UPDATE stored_events SET state = replace(state, \'"t":""\', \'"t":"x"\') WHERE rowid = ?', (changed,)
        )
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        (told,) = [report for report in reports if report["kind"] == "changed"]
        assert changed <= told["position"] < changed + 1_024 and same(index, path)
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        assert kinds(reports) == []


def test_that_checking_all_finds_a_change_while_the_store_is_open(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 40_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
        assert process.run("check", reports.append) == 40_000
        assert "changed" not in kinds(reports)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE stored_events SET topic = 'm:A.T9' WHERE rowid = 20000")
        process.run("check", reports.append)
        assert [r["position"] for r in reports if r["kind"] == "changed"] == [20 * 1_024]


def test_that_checking_all_looks_at_the_last_events_too(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE stored_events SET topic = 'm:A.T9' WHERE rowid = 2999")
        process.run("check", reports.append)
        assert [r["position"] for r in reports if r["kind"] == "changed"] == [3_000]


def test_that_a_kept_index_that_may_not_be_written_is_no_obstacle(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
        (folder,) = [Path(report["folder"]) for report in reports if report["kind"] == "placed"]
    # A lock that cannot be opened, for root neither.
    (folder / "lock").unlink()
    (folder / "lock").mkdir()
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        assert same(index, path)


def test_that_what_a_killed_process_published_is_gone_on_with(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 60_000))
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        (folder,) = [Path(report["folder"]) for report in reports if report["kind"] == "placed"]
    head = read_head(folder)
    assert head is not None
    # As a kill leaves it: rows and names beyond what the head counts.
    for name, torn in (("names.jsonl", b'["t","m:A.Unpublished"]\n["s","x'), ("time.i8", b"torn")):
        with (folder / name).open("ab") as file:
            file.write(torn)
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        assert same(index, path)


@pytest.mark.parametrize("name", ["position.i8", "names.jsonl", "digests.bin", "head.json"])
def test_that_a_damaged_index_is_made_anew(tmp_path: Path, name: str) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 5_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
        (folder,) = [Path(report["folder"]) for report in reports if report["kind"] == "placed"]
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        assert same(index, path)


def test_that_two_at_once_do_not_write_to_one_folder(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    folders = []
    with indexing(path) as (one, first, reports, _), indexing(path) as (other, second, others, _):
        first.run("build", reports.append)
        second.run("build", others.append)
        folders = [r["folder"] for r in (*reports, *others) if r["kind"] == "placed"]
        assert same(one, path) and same(other, path)
    assert len(set(folders)) == 2


def test_that_a_cache_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ESVIEWER_CACHE_DIR", str(tmp_path / "file" / "below"))
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (index, process, reports, _):
        process.run("build", reports.append)
        (folder,) = [Path(report["folder"]) for report in reports if report["kind"] == "placed"]
        assert same(index, path) and folder.exists()
    assert not folder.exists()


def test_that_stopping_ends_the_process(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    with indexing(path) as (_, process, reports, _):
        process.run("build", reports.append)
        running = process._process
        process.close()
        assert running is not None and running.poll() is not None


def test_that_no_argument_of_the_process_tells_a_secret(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 100))
    with closing(open_database(str(path), key=b"k" * 16)) as database:
        process = IndexProcess(database, database.chosen(), Index())
        process.run("build", lambda report: None)
        assert process._process is not None
        told = " ".join(map(str, process._process.args))  # type: ignore[arg-type]
        process.close()
    assert str(path) not in told and "kkkk" not in told
    assert not any(b"kkkk" in file.read_bytes() for file in cache_folder().rglob("*.json"))


Names = st.text(st.characters(codec=None), max_size=4)


@st.composite
def some_events(draw: st.DrawFn) -> list[Event]:
    made = []
    for number in range(draw(st.integers(1, 12))):
        parts: list[Any] = [
            draw(st.one_of(st.integers(-(2**62), 2**62), Names)) for _ in range(draw(st.integers(1, 2)))
        ]
        position = draw(st.one_of(st.none(), st.integers(-(2**62), 2**62), Names))
        made.append(
            Event(
                (number, *parts) if draw(st.booleans()) else (position,),
                position,
                draw(st.one_of(st.none(), Names)),
                draw(st.one_of(st.none(), Names)),
                draw(st.one_of(st.none(), st.integers(-(2**62), 2**62))),
                draw(st.one_of(st.none(), Names)),
                recorded_at=draw(st.one_of(st.none(), st.integers(0, 2**50))),
                event_id=draw(st.one_of(st.none(), Names)),
                deleted=draw(st.booleans()),
                raw=draw(st.one_of(st.none(), st.binary(max_size=9))),
            )
        )
    return made


@given(st.lists(some_events(), min_size=1, max_size=4), st.integers(0, 3))
def test_that_a_mapped_index_is_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[Event]], cut: int
) -> None:
    """Whatever stores hold: names that are no UTF-8, keys of every kind, and rows taken off the end in between."""
    folder = tmp_path_factory.mktemp("index")
    dialect = CqrsEs()
    memory, mapped = Index(), Index()
    writer = IndexWriter(folder, "identity", "address", "store", "")
    writer.begin()
    reader = IndexReader(folder, mapped)
    for number, events in enumerate(parts):
        for index in (memory, writer.index):
            index.extend(Sheet.of(events, dialect))
        if number == 1:
            row = max(0, memory.length - cut)
            memory.cut(row)
            writer.cut(row)
        writer.publish()
        reader.refresh()
        assert mapped.length == memory.length
        assert [mapped.key_of(row) for row in range(memory.length)] == [
            memory.key_of(row) for row in range(memory.length)
        ]
        everywhere = range(memory.length)
        assert [mapped.position_of(row) for row in everywhere] == [memory.position_of(row) for row in everywhere]
        assert (mapped.streams, mapped.types, mapped.stream_category) == (
            memory.streams,
            memory.types,
            memory.stream_category,
        )
        for name in (*COLUMNS, "own"):
            assert np.array_equal(mapped.column(name), memory.column(name)), name


def test_that_the_short_way_and_the_long_way_say_the_same(tmp_path: Path) -> None:
    odd = [
        ("3ecc67578d79911b4049298065948120", 1, "m:A.B", state(1)),
        ("3ECC6757-8D79-911B-4049-298065948120", 2, "m:A.B", state(2)),
        ("late", 5, "m:A.B", b'{"timestamp":{"_type_":"datetime_iso","_data_":"2024-01-01T00:00:00.000001"},"n":NaN}'),
        ("late", 6, "m:A.B", b"{torn"),
        ("late", 7, "m:A.B", b'{"timestamp":"2024-01-01"}'),
        ("none", 1, "m:A.B", b"[" * 300 + b"]" * 300),
        ("topic", 1, "m:A.B", state(3).replace(b'"n"', b'"originator_topic":"other:Kind","n"')),
    ]
    # In chunks of their own and among plain ones.
    filler = [("f", n, "m:A.C", state(n)) for n in range(1, 1_500)]
    for some in (odd, [*filler, *odd], *([row] for row in odd)):
        path = tmp_path / "odd.sqlite"
        path.unlink(missing_ok=True)
        write_store(path, some)
        with closing(open_database(str(path))) as database:
            reader = database.reader(database.chosen())
            short, long = build(reader, Index()), Index()
            long.extend(Sheet.of(list(reader.events()), reader.dialect))
        assert list(short.stream_entries()) == list(long.stream_entries())
        assert all(np.array_equal(short.column(name), long.column(name)) for name in COLUMNS)
        assert short.rest_digest() == long.rest_digest()


@given(st.lists(st.datetimes(timezones=st.sampled_from([None, UTC])), min_size=1, max_size=3), st.data())
def test_that_many_times_are_read_as_each_is(moments: list[datetime], data: st.DataObject) -> None:
    texts = [moment.isoformat(timespec="microseconds") for moment in moments]
    place = data.draw(st.integers(0, len(texts[0]) - 1))
    torn = texts[0][:place] + data.draw(st.sampled_from("0123459T -:.+Zx٣")) + texts[0][place + 1 :]
    for some in (texts, [torn, *texts[1:]]):
        times = micros_of(some)
        assert times is None or times.tolist() == [from_iso(text) for text in some]
    assert micros_of(texts) is not None or len(set(map(len, texts))) > 1


def test_that_columns_become_wider_when_they_must() -> None:
    events = [Event((n,), n, "s", None, version, "t", raw=b"") for n, version in enumerate((1, None, 2**40), 1)]
    index = Index()
    for event in events:
        index.extend(Sheet.of([event], CqrsEs()))
    assert index.column("version").tolist() == [1, int(np.iinfo(np.int32).min), 2**40]
    assert index.column("time").tolist() == [NONE] * 3
