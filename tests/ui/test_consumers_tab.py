"""Where consumers stand, in the window: as `info` says, as they move on or do not, and where none are recorded."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from esviewer.cli import run
from esviewer.stores.dialects.base import Follow
from esviewer.ui.consumers_reading import KEPT, PATIENCE, Place, Reading, Trends, tendency
from esviewer.ui.consumers_rows import Column
from esviewer.ui.consumers_tab import ConsumersTab
from esviewer.ui.main_view import MainView
from tests.stores.drawn_stores import emmett
from tests.ui.windows import Window, settle

_COLUMNS = "subscription_id TEXT, version INTEGER, partition TEXT, last_processed_position BIGINT"


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Four events with a gap; one consumer at the head, one behind the gap, one beyond the head."""
    path = emmett(tmp_path / "shop.sqlite", "1 a/1 T\n2 a/2 T\n8 b/1 T\n9 a/3 T")
    values = "('done', 1, 'p', 9), ('late', 1, 'p', 2), ('lost', 1, 'p', 12)"
    execute(path, f"CREATE TABLE emt_subscriptions ({_COLUMNS})", f"INSERT INTO emt_subscriptions VALUES {values}")
    return path


def opened(view: MainView, qtbot: QtBot) -> ConsumersTab:
    (entry,) = [entry for entry in view.actions_.entries() if entry.text == "Consumers"]
    entry.act()
    settle(view, qtbot)
    tab = view.tabs.currentWidget()
    assert isinstance(tab, ConsumersTab)
    return tab


def column(tab: ConsumersTab, of: Column) -> dict[str, str]:
    """The cells of a column by consumer."""
    model = tab.model
    return {model.index(row, Column.CONSUMER).data(): model.index(row, of).data() for row in range(model.rowCount())}


def test_that_every_consumer_is_shown_with_its_state(window: Window, shop: Path, qtbot: QtBot) -> None:
    tab = opened(window(str(shop)), qtbot)
    assert column(tab, Column.STATE) == {"done": "Caught up", "late": "Behind", "lost": "Ahead of the head"}
    assert column(tab, Column.BEHIND) == {"done": "0", "late": "2", "lost": "—"}
    assert column(tab, Column.POSITION) == {"done": "9", "late": "2", "lost": "12"}
    waited = column(tab, Column.WAITED)
    assert (waited["done"], waited["lost"]) == ("—", "—") and "year" in waited["late"]
    (ahead,) = [one for one in tab.model.standings if one.state == "ahead"]
    assert (ahead.place.ahead, ahead.trend) == (3, ())


@pytest.mark.parametrize("file", ["lending", "notices", "statistics"])
def test_that_figures_are_those_of_info(
    window: Window,
    shared_store: Callable[[str, str], Path],
    file: str,
    qtbot: QtBot,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    path = shared_store("es_library_sqlite", f"{file}.sqlite.gz")
    run(["info", str(path), "--json"])
    (store,) = json.loads(capfdbinary.readouterr().out)["stores"]
    tab = opened(window(str(path)), qtbot)
    shown = [(one.place.follow, one.place.lag) for one in tab.model.standings]
    listed = [(one["consumer"], one["upstream"], one["position"], one["lag"]) for one in store["checkpoints"]]
    assert [(follow.consumer, follow.upstream, follow.position, lag) for follow, lag in shown] == listed
    assert bool(listed) == (file != "lending")


def test_that_a_store_without_consumers_says_so(window: Window, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "orders.sqlite"
    columns = (
        "aggregate_type TEXT, aggregate_id TEXT, sequence BIGINT, event_type TEXT, event_version TEXT, payload TEXT"
    )
    key = "PRIMARY KEY (aggregate_type, aggregate_id, sequence)"
    event = "('Order', 'o-1', 1, 'Placed', '1.0', '{}', '{}')"
    execute(path, f"CREATE TABLE events ({columns}, metadata TEXT, {key})", f"INSERT INTO events VALUES {event}")
    tab = opened(window(str(path)), qtbot)
    assert tab.empty.isVisible() and tab.empty.accessibleName() == "This store records no consumers."
    assert not tab.export_button.isEnabled()


def test_that_growth_and_a_consumer_that_moves_are_seen_while_live(window: Window, shop: Path, qtbot: QtBot) -> None:
    view = window(str(shop))
    tab = opened(view, qtbot)
    view.actions_.live.setChecked(True)
    execute(
        shop,
        "INSERT INTO emt_messages SELECT stream_id, 4, partition, message_kind, message_data, message_metadata,"
        " message_schema_version, message_type, 'm10', is_archived, 10, created FROM emt_messages"
        " WHERE global_position = 9",
    )
    qtbot.waitUntil(lambda: column(tab, Column.BEHIND) == {"done": "1", "late": "3", "lost": "—"}, timeout=20_000)
    assert column(tab, Column.TREND)["late"] == "falling behind"
    execute(shop, "UPDATE emt_subscriptions SET last_processed_position = 10 WHERE subscription_id = 'late'")
    qtbot.waitUntil(lambda: column(tab, Column.STATE)["late"] == "Caught up", timeout=20_000)
    assert column(tab, Column.TREND)["late"] == "catching up"


def test_that_a_consumer_leads_to_the_event_at_its_position(window: Window, shop: Path, qtbot: QtBot) -> None:
    view = window(str(shop))
    tab = opened(view, qtbot)
    at = tab.table.visualRect(tab.model.index(1, Column.CONSUMER)).center()
    for press in (qtbot.mouseClick, qtbot.mouseDClick):
        press(tab.table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: view.session.stream is not None)
    stream = view.session.stream
    assert stream is not None and stream.event is not None and stream.event.position == 2


def test_that_consumers_are_copied_and_exported(window: Window, shop: Path, tmp_path: Path, qtbot: QtBot) -> None:
    tab = opened(window(str(shop)), qtbot)
    tab.table.selectRow(2)
    tab.copy()
    assert QGuiApplication.clipboard().text().splitlines()[1].split("\t")[:2] == ["Ahead of the head", "lost"]
    tab.export(tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text("utf-8").splitlines()))
    assert [(row["consumer"], row["lag"], row["ahead"]) for row in rows] == [
        ("done", "0", ""),
        ("late", "2", ""),
        ("lost", "", "3"),
    ]


def test_that_what_was_known_stays_where_the_store_does_not_answer(window: Window, shop: Path, qtbot: QtBot) -> None:
    view = window(str(shop))
    tab = opened(view, qtbot)
    execute(shop, "DROP TABLE emt_subscriptions")
    tab.refresh_button.click()
    settle(view, qtbot)
    assert tab.banner.isVisible() and tab.model.rowCount() == 3


def test_that_the_view_closes_with_its_store(window: Window, shop: Path, qtbot: QtBot) -> None:
    view = window(str(shop))
    tab = opened(view, qtbot)
    view.close_database(tab.store.database)
    assert view.tabs.indexOf(tab) < 0


# What readings one after the other say


def reading(at: int, position: int, lag: int) -> Reading:
    return Reading(at, (Place(Follow("c", "shop", position, "shop"), lag, None, 0),))


def states(*readings: Reading) -> list[str]:
    trends = Trends()
    return [trends.add(one)[0].state for one in readings]


def test_that_only_a_consumer_that_leaves_new_events_alone_is_stuck() -> None:
    soon, late = PATIENCE // 2, PATIENCE * 3
    assert states(reading(0, 5, 3), reading(late, 5, 3)) == ["behind"] * 2
    assert states(reading(0, 5, 3), reading(soon, 5, 4), reading(late, 5, 4)) == ["behind", "behind", "stuck"]
    assert states(reading(0, 5, 0), reading(soon, 5, 1), reading(late, 5, 2)) == ["caught up", "behind", "stuck"]
    moved = states(reading(0, 5, 3), reading(soon, 5, 4), reading(late, 5, 4), reading(late + 1, 6, 9))
    assert moved[-2:] == ["stuck", "behind"]


def test_that_a_trend_keeps_the_latest_readings() -> None:
    trends = Trends()
    for n in range(KEPT + 3):
        (standing,) = trends.add(reading(n, n, 1_000 - n))
    assert standing.trend == tuple(range(1_000 - 3, 1_000 - KEPT - 3, -1))
    assert [tendency(one) for one in (standing.trend, (1, 2), (2, 2), (1,))] == [
        "catching up",
        "falling behind",
        "stable",
        "",
    ]
