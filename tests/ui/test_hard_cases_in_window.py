"""The worst stores in the window: everything is shown as text, nothing raises, nothing hangs."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from esviewer.ui.inspector import RAW_LINE, raw_text
from esviewer.ui.main_view import MainView
from esviewer.ui.value_rows import PORTION
from tests.stores.dialects.test_eventsourcing import write_store
from tests.stores.test_hard_cases import HTML, ODD_ROWS, loose, state
from tests.ui.windows import Window


def tooltip(widget: QWidget) -> str:
    """What a reader would see of a widget's tooltip."""
    return re.sub(r"<[^>]*>", "", widget.toolTip())


def walk(view: MainView, qtbot: QtBot, name: str) -> None:
    """Opens a stream and looks at every part of every event of it."""
    view.open_stream(view.session.store, name)
    qtbot.waitUntil(lambda: not view.jobs.busy and view.session.stream is not None, timeout=60_000)
    stream = view.session.stream
    assert stream is not None
    for part in ("Payload", "Metadata", "Related", "Raw"):
        view.inspector.event_panel.show_part(part)
        qtbot.waitUntil(lambda: not view.jobs.busy, timeout=30_000)
        for index in range(len(stream.events)):
            stream.move(index)
    assert view.current_tab is not None
    view.current_tab.show_lower("table")
    view.current_tab.set_axis("time")
    assert not view.frame.grab().isNull()


def test_that_markup_in_every_string_is_shown_as_text(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    quoted = HTML.encode()
    path = write_store(
        tmp_path / "html.sqlite", [(HTML, 1, f"{HTML}:{HTML}.{HTML}", state(b'"%s":"%s"' % (quoted, quoted)))]
    )
    view = window(str(path))
    walk(view, qtbot, HTML)
    for label in view.findChildren(QLabel):
        assert label.textFormat() == Qt.TextFormat.PlainText or "<" not in label.text()
    shown = view.findChildren(QWidget)
    assert not [widget for widget in shown if "<img" in widget.toolTip()]
    assert any("&lt;img" in widget.toolTip() for widget in shown)
    assert "<img" in "".join(row.text for row in view.inspector.event_panel.payload.rows)


def test_that_names_with_line_ends_and_overrides_stay_in_their_line(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    names = ["a\nb\tc", "\u202eRTL אבג", "x" * 10_000, "模块"]
    rows = [(name, 1, f"模块:{name}.B\nC", state(b'"k\\nk":"v\\nv"')) for name in names]
    view = window(str(write_store(tmp_path / "names.sqlite", rows)))
    for name in names:
        walk(view, qtbot, name)
        assert view.session.stream is not None and view.session.stream.name == name
    assert view.told == []
    titles = [view.tabs.tabText(place) for place in range(view.tabs.count())]
    assert not [title for title in titles if "\n" in title or "\u202e" in title]
    assert all(len(tooltip(widget)) < 2_000 for widget in view.findChildren(QWidget))


def test_that_the_list_of_streams_is_that_of_the_store_in_front(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    view = window(
        str(write_store(tmp_path / "empty.sqlite", [])),
        str(write_store(tmp_path / "one.sqlite", [("a", 1, "m:A.B", state(b'"x":1'))])),
    )
    for database in view.session.databases:
        (store,) = database.stores
        view.overviews.show(store)
        assert view.sidebar.model.rowCount() == len(store.index.streams)


def test_that_every_kind_of_row_can_be_walked(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    payloads: list[object] = [
        b"",
        b"[1]",
        b"null",
        b"\x00\x01",
        None,
        42,
        state(b'"x":NaN,"y":%s' % (b"9" * 5_000)),
        b'{"x":"\xff"}',
    ]
    rows: list[tuple[object, ...]] = [("a", n, "m:A.B", raw) for n, raw in enumerate(payloads, 1)]
    rows += [
        ("\u202eRTL אבג", 1, None, state(b'"x":1')),
        ("t", "abc", "m:A.B", state(b'"x":1')),
        ("t", None, "m:A.B", b"{}"),
    ]
    view = window(str(loose(tmp_path / "rows.sqlite", *rows, *ODD_ROWS)))
    for name in ("a", "\u202eRTL אבג", "t", "odd", "7", "a\nb\x1b[31m[red]x[/red]"):
        walk(view, qtbot, name)
    assert view.told == []


def test_that_a_megabyte_in_one_line_is_laid_out_in_lines(window: Window, qtbot: QtBot, tmp_path: Path) -> None:
    text = raw_text(b'{"x":"' + b"y" * 5_000_000 + b'"}')
    assert max(map(len, text.splitlines())) == RAW_LINE and text.endswith("more bytes")
    assert max(map(len, raw_text(b"\xff" * 100).splitlines())) < 46
    many = b",".join(b'"k%d":%d' % (i, i) for i in range(100_000))
    rows = [
        ("a", 1, "m:A.B", state(b'"x":"' + b"y" * 20_000_000 + b'"')),
        ("a", 2, "m:A.B", state(b'"x":1')),
        ("b", 1, "m:A.B", state(many)),
        ("b", 2, "m:A.B", state(b'"k5":7')),
        ("c", 1, "m:A.B", state(b'"' + b"k" * 1_000_000 + b'":{"x":1}')),
    ]
    view = window(str(write_store(tmp_path / "large.sqlite", rows)))
    for name in ("a", "b", "c"):
        walk(view, qtbot, name)
        assert len(view.inspector.state_panel.view.rows) <= PORTION + 1
    assert view.told == []


def test_that_an_empty_store_says_so(window: Window, tmp_path: Path) -> None:
    view = window(str(write_store(tmp_path / "empty.sqlite", [])))
    assert view.told == [] and view.session.store is not None and view.session.store.index.complete
    assert not view.frame.grab().isNull()


def test_that_what_cannot_be_opened_is_one_banner_and_all_else_goes_on(
    window: Window, qtbot: QtBot, tmp_path: Path
) -> None:
    good = write_store(tmp_path / "good.sqlite", [("a", 1, "m:A.B", state(b'"x":1'))])
    (tmp_path / "text.sqlite").write_text("no database")
    whole = write_store(tmp_path / "cut.sqlite", [("a", n, "m:A.B", state(b'"x":1')) for n in range(1, 2_000)])
    whole.write_bytes(whole.read_bytes()[:20_000])
    locked = write_store(tmp_path / "locked.sqlite", [("a", 1, "m:A.B", b"{}")])
    writer = sqlite3.connect(locked, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    view = window(str(good))
    bad = [tmp_path, tmp_path / "none.sqlite", tmp_path / "text.sqlite", whole, locked]
    for path in [*map(str, bad), "postgresql://127.0.0.1:1/none", "mongodb://x"]:
        view.databases.open(path)
    qtbot.waitUntil(lambda: len(view.told) == 7, timeout=30_000)
    writer.execute("ROLLBACK")
    writer.close()
    parts = [
        "is a folder",
        "There is no file",
        "not a SQLite",
        "damaged",
        "locked",
        "listening",
        "not a kind of database",
    ]
    assert all(any(part in sentence for sentence in view.told) for part in parts)
    assert len(view.session.databases) == 1
    walk(view, qtbot, "a")
