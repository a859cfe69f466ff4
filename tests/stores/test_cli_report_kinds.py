"""`report` of every kind: agrees with its JSON and with the command that tells the same; nothing of a store runs."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from esviewer.cli import run
from tests.stores.drawn_stores import emmett
from tests.stores.test_cli_report import HOSTILE, figures, hostile_store, markdown, number, page

Make = Callable[..., Path]
STORE = """
1 order-1/1 Placed {"item": "lamp", "price": {"amount": "9.50"}}
2 order-2/1 Placed {"item": "desk", "price": {"amount": "120"}}
3 order-1/2 Moved {"item": "lamp", "to": "<b>Utrecht</b>"}
4 order-1/3 Paid {"amount": "9.50"}
5 order-2/2 Paid {"amount": "100"}
"""
PROJECTIONS = """
from esviewer import Projection, on

class A(Projection):
    name = "orders"
    version = 1

    @on("Placed")
    def placed(self, event):
        self.rows[event.stream] = {"item": event.data["item"], "paid": False}

    @on("Paid")
    def paid(self, event):
        self.rows[event.stream]["paid"] = True

class B(A):
    version = 2

    @on("Paid")
    def paid(self, event):
        self.rows[event.stream]["paid"] = event.data["amount"] != "100"
"""
KINDS = {
    "stream": ("--stream", "order-1"),
    "comparison": ("--a", "p.py:A", "--b", "p.py:B", "--trust"),
    "replay": ("--projection", "p.py:A", "--trust"),
    "catalogue": (),
    "lag": (),
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.py").write_text(PROJECTIONS)
    store = emmett(tmp_path / "shop.sqlite", STORE)
    columns = "subscription_id TEXT, version INTEGER, partition TEXT, last_processed_position BIGINT"
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(f"CREATE TABLE emt_subscriptions ({columns})")
        connection.execute("INSERT INTO emt_subscriptions VALUES ('mailer', 1, 'p', 3)")
    return store


@pytest.fixture
def made(tmp_path: Path) -> Make:
    def make(store: Path, kind: str, ending: str, *options: str) -> Path:
        target = tmp_path / f"{kind}{ending}"
        assert run(["report", str(store), "-o", str(target), "--kind", kind, *(options or KINDS.get(kind, ()))]) == 0
        return target

    return make


@pytest.fixture
def answer(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Any]:
    def ask(*arguments: str) -> Any:
        capfdbinary.readouterr()
        assert run([*arguments, "--json"]) == 0
        return json.loads(capfdbinary.readouterr().out)

    return ask


def test_that_a_stream_report_tells_what_state_tells(shop: Path, made: Make, answer: Callable[..., Any]) -> None:
    told = figures(made(shop, "stream", ".json", "--stream", "order-1", "--version", "2"))
    expected = answer("state", str(shop), "order-1", "--version", "2")
    assert {name: told[name] for name in expected} == expected
    assert told["before"] == answer("state", str(shop), "order-1", "--version", "1")["state"]
    assert [one["version"] for one in told["events"]] == [1, 2]
    assert told["events"][1]["changes"] == [{"path": "to", "kind": "added", "after": "<b>Utrecht</b>"}]


@pytest.mark.parametrize(("ending", "read"), [(".html", page), (".md", markdown)])
def test_that_a_stream_report_shows_the_figures_of_its_json(
    shop: Path, made: Make, ending: str, read: Callable[[Path], Any]
) -> None:
    told, shown = figures(made(shop, "stream", ".json")), read(made(shop, "stream", ending))
    state = {row[0]: row[1:] for row in shown.tables["State and who set it"][1:]}
    assert state.keys() == told["blame"].keys()
    assert state["amount"] == ["–", '"9.50"', "3", "4", "Paid"]
    assert {path: int(row[2]) for path, row in state.items()} == {
        path: writer["version"] for path, writer in told["blame"].items()
    }
    changes = [(int(row[0]), row[3]) for row in shown.tables["What each event changed"][1:]]
    assert changes == [(one["version"], change["path"]) for one in told["events"] for change in one["changes"]]
    assert shown.facts["Content hash"] == told["content_hash"]
    assert number(shown.facts["Events in the store"]) == told["events_in_store"] == 5


def test_that_a_comparison_tells_what_compare_tells_and_what_both_handlers_did(
    shop: Path, made: Make, answer: Callable[..., Any]
) -> None:
    told = figures(made(shop, "comparison", ".json"))
    expected = answer("compare", str(shop), "p.py:A", "p.py:B", "--trust")
    assert {name: told[name] for name in expected} == expected
    assert told["fields"] == {"rows": {"paid": 1}}
    before = {"item": "desk", "paid": False}
    effect = told["effect"]
    assert effect["event"]["position"] == 5
    assert (effect["before"], effect["a"], effect["b"]) == (before, before | {"paid": True}, before)
    shown = page(made(shop, "comparison", ".html"))
    assert ["paid", "false", "true", "false"] in shown.tables["What both handlers made of it"]
    assert number(shown.facts["Changed"]) == told["changed"] == len(shown.tables["Differing rows"]) - 1
    assert [row[0] for row in shown.tables["Handlers of Paid"][1:]] == ["A", "B"]
    assert 'event.data["amount"]' in shown.tables["Handlers of Paid"][2][1]


def test_that_a_replay_report_tells_what_replay_tells(shop: Path, made: Make, answer: Callable[..., Any]) -> None:
    told, expected = figures(made(shop, "replay", ".json")), answer("replay", str(shop), "p.py:A", "--trust")
    measured = ("seconds", "events_per_second")
    assert {n: told[n] for n in expected if n not in measured} == {
        n: v for n, v in expected.items() if n not in measured
    }
    shown = page(made(shop, "replay", ".html"))
    rows = [[json.loads(cell) for cell in row] for row in shown.tables["Rows of rows"][1:]]
    assert rows == [list(row.values()) for row in told["rows"]["rows"]]
    assert number(shown.facts["Applied"]) == told["applied"]


def test_that_a_catalogue_report_covers_every_event(shop: Path, made: Make, tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text("types: {Placed: {}, Paid: {current: 2, upcasters: [{from: 1, to: 2}]}}")
    options = ("--catalogue", str(known))
    told, shown = (
        figures(made(shop, "catalogue", ".json", *options)),
        page(made(shop, "catalogue", ".html", *options)),
    )
    assert told["statuses"] == {"CURRENT": 2, "UNKNOWN-TYPE": 1, "UPCAST": 2}
    assert {row[0]: number(row[1]) for row in shown.tables["Events by status"][1:]} == told["statuses"]
    rows = shown.tables["Coverage by type and version"][1:]
    assert [(row[0], row[1], number(row[2])) for row in rows] == [
        (one["type"], one["version"], one["events"]) for one in told["coverage"]
    ]
    assert sum(one["events"] for one in told["coverage"]) == 5


def test_that_a_lag_report_tells_what_info_tells(shop: Path, made: Make, answer: Callable[..., Any]) -> None:
    told, shown = figures(made(shop, "lag", ".json")), page(made(shop, "lag", ".html"))
    (expected,) = answer("info", str(shop))["stores"][0]["checkpoints"]
    (consumer,) = told["consumers"]
    assert {name: consumer[name] for name in expected} == expected
    assert consumer["waiting"] == {"Paid": 2} and consumer["lag"] == 2
    assert number(shown.tables["Consumers"][1][3]) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_that_the_hash_is_the_same_elsewhere_and_another_after_one_more_event(
    shop: Path, made: Make, kind: str, tmp_path: Path
) -> None:
    before = figures(made(shop, kind, ".json"))
    other = Path(shutil.copy(shop, tmp_path / "elsewhere.sqlite"))
    moved = figures(made(other, kind, ".json"))
    assert moved["content_hash"] == before["content_hash"]
    assert moved["address"] != before["address"] and moved["read_at"] > before["read_at"]
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute(
            "INSERT INTO emt_messages SELECT 'order-9', 1, partition, message_kind, message_data, message_metadata,"
            " message_schema_version, 'Placed', 'late', 0, 9, created FROM emt_messages WHERE global_position = 1"
        )
    assert figures(made(other, kind, ".json"))["content_hash"] != before["content_hash"]


@pytest.mark.parametrize("kind", KINDS)
def test_that_nothing_of_a_store_runs_in_any_kind(tmp_path: Path, made: Make, kind: str, shop: Path) -> None:
    types = ", ".join(map(json.dumps, HOSTILE))
    (tmp_path / "p.py").write_text(
        "from esviewer import Projection, on\n"
        f"class A(Projection):\n    name = '<script>a</script>'\n    version = 1\n    @on({types})\n"
        "    def all(self, event):\n        self.rows[event.stream] = dict(event.data)\n"
        f"class B(A):\n    version = 2\n    @on({types})\n    def all(self, event):\n"
        "        self.rows[event.stream] = {**event.data, 'n': '<script>alert(1)</script>'}\n"
    )
    (tmp_path / "h").mkdir()
    hostile = hostile_store(tmp_path / "h")
    with closing(sqlite3.connect(hostile)) as connection, connection:
        connection.execute("UPDATE emt_messages SET message_data = '{}' WHERE stream_position = 6")
    options = ("--stream", f"{HOSTILE[0]}-0") if kind == "stream" else KINDS[kind]
    shown = page(made(hostile, kind, ".html", *options))
    allowed = {"html", "head", "meta", "title", "style", "body", "header", "h1", "p", "dl", "div", "dt", "dd", "main"}
    allowed |= {"section", "h2", "table", "caption", "thead", "tbody", "tr", "th", "td", "span", "ul", "li", "pre"}
    allowed |= {"figure", "svg", "g", "path", "text", "figcaption", "script"}
    assert {tag for tag, _ in shown.elements} <= allowed
    names = {name for _, attributes in shown.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name in ("href", "src", "style", "srcdoc")]
    assert [tag for tag, _ in shown.inline] == ["style", "script"]
    text = made(hostile, kind, ".md", *options).read_text("utf-8")
    assert set(re.findall(r"<[^>\n]*>?", text)) <= {"<!-- -->", "<br>"}
    rows = csv.reader(made(hostile, kind, ".csv", *options).read_text("utf-8").splitlines())
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("kind", [*KINDS, "health"])
def test_that_a_pdf_embeds_its_fonts_links_its_contents_and_holds_no_picture_or_script(
    shop: Path, made: Make, kind: str
) -> None:
    content = made(shop, kind, ".pdf").read_bytes()
    assert content.startswith(b"%PDF-") and content.count(b"/FontFile2") >= 2
    assert b"/Outlines" in content and b"/Subtype /Link" in content
    for forbidden in (b"/JavaScript", b"/JS", b"/URI", b"/Launch", b"/Subtype /Image", b"/EmbeddedFile"):
        assert forbidden not in content


def test_that_code_is_not_run_without_consent(
    shop: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    target = tmp_path / "r.html"
    assert run(["report", str(shop), "-o", str(target), "--kind", "replay", "--projection", "p.py:A"]) == 2
    assert "add --trust" in capfdbinary.readouterr().err.decode() and not target.exists()


def test_that_a_verdict_other_than_complete_is_written_and_told(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text("types: {Placed: {}}")
    target = tmp_path / "r.json"
    options = ("--kind", "replay", *KINDS["replay"], "--catalogue", str(tmp_path / "known.yaml"))
    assert run(["report", str(shop), "-o", str(target), *options]) == 1
    told = figures(target)
    assert (told["verdict"], told["stopped_at"]["position"]) == ("stopped", 3)
    assert [one["role"] for one in told["ran"]] == ["Projection", "Catalogue"]
