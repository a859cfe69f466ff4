"""Indexing as the window shows it: at once a glimpse, then the index of another process, stopped and gone on with."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from pytestqt.qtbot import QtBot

from esviewer.stores.database import open_database
from esviewer.stores.glimpse import look
from esviewer.stores.index import BLOCK
from esviewer.ui import indexing
from esviewer.ui.frame import Frame
from esviewer.ui.main_view import MainView
from tests.postgres import PostgresServer
from tests.stores.dialects.test_eventsourcing import write_store
from tests.stores.test_index_kept import rows, same

Window = Callable[[str], MainView]


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    """Opens a window for which 1 000 events are too many to be read in its own process."""
    monkeypatch.setattr(indexing, "IN_MEMORY", 1_000)
    frames: list[Frame] = []

    def make(address: str) -> MainView:
        frame = Frame()
        frames.append(frame)
        qtbot.addWidget(frame)
        frame.show()
        frame.fill([address])
        assert isinstance(frame.view, MainView)
        return frame.view

    yield make
    for frame in frames:
        frame.close()


def settled(view: MainView, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(view.session.databases) and not view.jobs.busy, timeout=30_000)


def test_that_a_glimpse_tells_the_ends_without_counting(tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 20_000))
    with closing(open_database(str(path))) as database:
        reader = database.reader(database.chosen())
        seen = look(reader)
        read = sum(entry.rows or 0 for entry in database.log.entries())
    positions = [event.position for event in seen.events]
    assert positions[:200] == list(range(1, 201)) and positions[-200:] == list(range(19_801, 20_001))
    assert len(positions) == 464 and positions == sorted(positions)  # type: ignore[type-var]
    assert seen.estimate == 20_000 and len(seen.types) == 3 and len(seen.streams) == 7 and read < 700


def test_that_a_large_store_is_shown_at_once_and_indexed_by_a_process_of_its_own(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 5_000))
    view = window(str(path))
    settled(view, qtbot)
    (store,) = view.session.databases[0].stores
    assert store.indexing is not None and same(store.index, path)
    assert view.databases.glimpses[store].estimate == 5_000
    assert not view.told


def test_that_a_change_of_history_is_said_at_the_next_opening(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 5_000))
    view = window(str(path))
    settled(view, qtbot)
    view.frame.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE stored_events SET topic = 'm:A.T9' WHERE rowid = 1500")
    view = window(str(path))
    settled(view, qtbot)
    (told,) = view.told
    assert f"history before position {2 * BLOCK:,}".replace(",", "\u202f") in told and "has changed" in told
    assert same(view.session.databases[0].stores[0].index, path)


def test_that_a_change_in_a_small_store_is_said_too(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 500))
    for _ in range(2):
        view = window(str(path))
        settled(view, qtbot)
        assert not view.told
        view.frame.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE stored_events SET topic = 'm:A.T9' WHERE rowid = 77")
    view = window(str(path))
    settled(view, qtbot)
    (told,) = view.told
    assert "history before position 500 has changed" in told


@pytest.mark.parametrize("count", [500, 5_000])
def test_that_the_whole_history_can_be_compared_on_demand(
    window: Window, qtbot: QtBot, tmp_path: Path, count: int
) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, count))
    view = window(str(path))
    settled(view, qtbot)
    view.actions_.check.trigger()
    settled(view, qtbot)
    assert "are as they were" in view.told[0]
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE stored_events SET topic = 'm:A.T9' WHERE rowid = 100")
    view.actions_.check.trigger()
    settled(view, qtbot)
    assert "has changed" in view.told[-1]


def test_that_reading_can_be_stopped_and_gone_on_with(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 200_000))
    view = window(str(path))
    qtbot.waitUntil(lambda: bool(view.session.databases), timeout=20_000)
    (store,) = view.session.databases[0].stores
    qtbot.waitUntil(lambda: store.index.length > 0, timeout=30_000)
    view.databases.switch_indexing()
    assert not store.index.complete and "stopped" in view.status.said
    settled(view, qtbot)
    view.databases.switch_indexing()
    settled(view, qtbot)
    assert same(store.index, path) and not view.told


def test_that_following_a_large_store_goes_by_its_process(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    path = write_store(tmp_path / "a.sqlite", rows(1, 3_000))
    view = window(str(path))
    settled(view, qtbot)
    (store,) = view.session.databases[0].stores
    view.actions_.live.setChecked(True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany("INSERT INTO stored_events VALUES (?, ?, ?, ?)", rows(3_001, 3_005))
    qtbot.waitUntil(lambda: store.index.length == 3_005, timeout=10_000)
    view.actions_.live.setChecked(False)
    settled(view, qtbot)
    assert same(store.index, path)


def test_that_a_framework_that_notifies_is_heard(postgres: PostgresServer, tmp_path: Path) -> None:
    name = postgres.create_database()
    try:
        with psycopg.connect(postgres.url(name), autocommit=True) as writer:
            writer.execute(
                "CREATE TABLE shop_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
                " notification_id bigserial, PRIMARY KEY (originator_id, originator_version))"
            )
            with closing(open_database(postgres.url(name))) as database:
                heard, is_over = threading.Event(), threading.Event()
                listener = threading.Thread(
                    target=database.listen, args=(database.chosen(), heard.set, lambda: not is_over.is_set())
                )
                listener.start()
                # The listener may not have begun yet: it is told until it hears.
                for _ in range(200):
                    writer.execute("NOTIFY shop_events")
                    if heard.wait(0.05):
                        break
                is_over.set()
                listener.join(10)
                assert heard.is_set() and not listener.is_alive()
                assert 'LISTEN "shop_events"' in {entry.statement for entry in database.log.entries()}
    finally:
        postgres.drop_database(name)
