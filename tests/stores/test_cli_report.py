"""`report --kind health`: every format agrees with the JSON, hashes say what they should, and nothing of a store runs."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
import shutil
import sqlite3
import tomllib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from esviewer.checks.registry import RULES
from esviewer.cli import run
from esviewer.reports.document import ranges
from esviewer.reports.health import THEMES, health_report
from esviewer.reports.markdown import escaped
from esviewer.reports.tables import comma_separated, parquet
from esviewer.stores.database import open_database
from esviewer.stores.summary import summarise
from tests.stores.drawn_stores import emmett, library

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img/src=x/onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "</style><script>alert(1)</script>",
    "</title><svg/onload=alert(1)>",
    "<!--<script>alert(1)//-->",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "]]><iframe/srcdoc='<script>alert(1)</script>'>",
    "\u202e\x1b[2J<a\u2028href=//evil.example>",
    '=HYPERLINK("http://evil.example")',
    "|`@everyone#1[x](javascript:alert(1))<img/src=//evil.example>",
)
Maker = Callable[..., Path]


@pytest.fixture
def made(tmp_path: Path) -> Maker:
    """Writes a report of a store, with the ending and the options given; gives its file."""

    def make(store: Path, ending: str, *options: str) -> Path:
        target = tmp_path / f"report{ending}"
        assert run(["report", str(store), "-o", str(target), *options]) == 0
        return target

    return make


def figures(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_bytes())
    return loaded


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Findings of every severity: an unknown type, a gap in a stream and in the positions, two versions."""
    drawn = ["1 a/1 Opened", "2 a/2 Bonus", "3 a/4 Paid", "7 b/1 Opened"]
    drawn += [
        f'{position} c{position}/1 Paid {{"total": {position}, "class_version": 1}}' for position in range(8, 1300)
    ]
    return emmett(tmp_path / "shop.sqlite", "\n".join(drawn))


@pytest.fixture
def known(tmp_path: Path) -> Path:
    file = tmp_path / "catalogue.yaml"
    file.write_text("types: {Opened: {}, Paid: {current: 2, upcasters: [{from: 1, to: 2}]}}")
    return file


@dataclass
class Page(HTMLParser):
    """The text of tables and facts of a page, and every element with its attributes."""

    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    inline: list[tuple[str, str]] = field(default_factory=list)
    _text: str = ""
    _label: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in ("td", "th", "dt", "dd", "caption", "script", "style"):
            self._text = ""
        if tag == "tr":
            self.tables[self._label].append([])

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self.inline.append((tag, self._text))
        if tag == "caption":
            self._label = self._text
            self.tables[self._label] = []
        if tag == "dt":
            self._label = self._text
        if tag == "dd":
            self.facts[self._label] = self._text
        if tag in ("td", "th"):
            self.tables[self._label][-1].append(self._text)


def page(file: Path) -> Page:
    parsed = Page()
    parsed.feed(file.read_text("utf-8"))
    return parsed


def markdown(file: Path) -> Page:
    """The same of a report in Markdown, its escapes undone."""
    read = Page()
    title = ""
    for line in file.read_text("utf-8").splitlines():
        if heading := re.fullmatch(r"\*\*(.*)\*\*", line):
            title = heading[1]
        elif line.startswith("| "):
            cells = [undone(cell) for cell in re.split(r"(?<!\\) \| ", line.removeprefix("| ").removesuffix(" |"))]
            read.tables.setdefault(title, []).append(cells)
    read.facts = {row[0]: row[1] for row in next(iter(read.tables.values()))[1:]}
    return read


def undone(cell: str) -> str:
    plain = re.sub(r"\\(.)", r"\1", cell.replace("<!-- -->", ""))
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        plain = plain.replace(entity, character)
    return plain


def number(text: str) -> int:
    return int(text.replace(",", ""))


def places(text: str) -> list[int]:
    """Positions of ``1–50, 61``."""
    found: list[int] = []
    for part in text.split(", ") if text else []:
        first, _, last = part.partition("–")
        found += range(int(first), int(last or first) + 1)
    return found


WORDS = {"error": "error", "warning": "warn", "note": "info", "warn": "warn", "info": "info"}


@pytest.mark.parametrize(("ending", "read"), [(".html", page), (".md", markdown)])
def test_that_page_and_markdown_have_the_figures_of_the_json(
    made: Maker, shop: Path, known: Path, ending: str, read: Callable[[Path], Page]
) -> None:
    expected = figures(made(shop, ".json", "--catalogue", str(known)))
    shown = read(made(shop, ending, "--catalogue", str(known)))
    store, found = expected["store"], expected["findings"]
    severities = [one["severity"] for one in found]
    assert set(severities) == {"error", "info"} or set(severities) == {"error", "warn", "info"}
    for label, value in {
        "Errors": severities.count("error"),
        "Warnings": severities.count("warn"),
        "Notes": severities.count("info"),
        "Events": store["events"],
        "Streams": store["streams"],
        "Event types": len(store["types"]),
        "Snapshots": store["snapshots"],
        "Undecodable events": store["undecodable"],
        "First position": store["first_position"],
        "Head position": expected["head"],
    }.items():
        assert number(shown.facts[label]) == value, label
    for label, value in {
        "Store identity": expected["identity"],
        "Hash of the history": expected["history"],
        "Hash of the catalogue": expected["catalogue"]["sha256"],
        "Content hash": expected["content_hash"],
        "First recorded at": store["first_recorded_at"],
        "Last recorded at": store["last_recorded_at"],
    }.items():
        assert shown.facts[label] == value, label
    tables = {title: rows[1:] for title, rows in shown.tables.items()}
    assert {name: number(count) for name, count in tables["Events by type"]} == store["types"]
    assert {name: number(count) for name, count in tables["Events by status"]} == store["statuses"]
    assert {row[1]: number(row[2]) for row in tables["Rules that were looked at"]} == expected["counts"]
    told = [row for title, rows in tables.items() if title.startswith("Findings: ") for row in rows]
    assert sorted(
        (WORDS[row[0]], row[1], row[2], number(row[3]), places(row[4]), row[6], row[7]) for row in told
    ) == sorted(
        (
            one["severity"],
            one["rule"],
            one["scope"],
            len(one["positions"]),
            one["positions"],
            one["next_step"],
            one["confidence"],
        )
        for one in found
    )
    assert {row[1]: row[5].replace("<br>", "") for row in told} == {
        one["rule"]: "".join(one["evidence"]) for one in found
    }


def test_that_the_json_has_the_figures_of_info_and_check_and_the_csv_all_findings(
    made: Maker, shop: Path, known: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    options = ("--catalogue", str(known))
    report = figures(made(shop, ".json", *options))
    rows = list(csv.DictReader(made(shop, ".csv", *options).read_text("utf-8").splitlines()))
    capfdbinary.readouterr()
    run(["info", str(shop), *options, "--json"])
    assert [report["store"]] == json.loads(capfdbinary.readouterr().out)["stores"]
    run(["check", str(shop), *options, "--json"])
    checked = json.loads(capfdbinary.readouterr().out)
    assert {"store": report["store"]["name"]} | {
        name: report[name] for name in ("head", "findings", "counts")
    } == checked
    assert [(row["rule"], [int(place) for place in row["positions"].split()]) for row in rows] == [
        (one["rule"], one["positions"]) for one in checked["findings"]
    ]
    assert report["catalogue"]["sha256"] == hashlib.sha256(known.read_bytes()).hexdigest()


def test_that_a_moved_store_has_the_same_hash_and_one_more_event_or_a_changed_payload_another(
    made: Maker, shop: Path, known: Path, tmp_path: Path
) -> None:
    options = ("--catalogue", str(known))
    before = figures(made(shop, ".json", *options))
    elsewhere = tmp_path / "elsewhere" / "other.sqlite"
    elsewhere.parent.mkdir()
    shutil.copy(shop, elsewhere)
    moved = figures(made(elsewhere, ".json", *options))
    assert moved["content_hash"] == before["content_hash"] and moved["address"] != before["address"]
    assert moved["read_at"] > before["read_at"]
    assert figures(made(shop, ".json"))["content_hash"] != before["content_hash"]
    hashes = {before["content_hash"]}
    for statement in (
        "UPDATE emt_messages SET message_data = replace(message_data, '700', '701') WHERE global_position = 700",
        "INSERT INTO emt_messages SELECT 'late', 1, partition, message_kind, message_data, message_metadata, message_schema_version, message_type, 'late', 0, 2000, created FROM emt_messages WHERE global_position = 8",
    ):
        with sqlite3.connect(elsewhere) as connection:
            assert connection.execute(statement).rowcount == 1
        connection.close()
        hashes.add(figures(made(elsewhere, ".json", *options))["content_hash"])
    assert len(hashes) == 3


@pytest.mark.parametrize("framework", ["emmett", "eventsourcing"])
def test_that_a_moved_store_with_a_consumer_has_the_same_hash_and_another_when_it_went_on(
    made: Maker, tmp_path: Path, framework: str
) -> None:
    if framework == "emmett":
        store = emmett(tmp_path / "shop.sqlite", "1 a/1 T\n2 a/2 T\n3 a/3 T")
        columns = "subscription_id TEXT, version INTEGER, partition TEXT, last_processed_position BIGINT"
        statements = [
            f"CREATE TABLE emt_subscriptions ({columns})",
            "INSERT INTO emt_subscriptions VALUES ('c', 1, 'p', 1)",
        ]
        forward = "UPDATE emt_subscriptions SET last_processed_position = 2"
    else:
        store = library(tmp_path / "shop.sqlite", [(n, "a", n) for n in range(1, 4)])
        statements = ["INSERT INTO tracking VALUES ('members', 4)"]
        forward = "UPDATE tracking SET notification_id = 5"
    hashes = []
    for some in (statements, [forward]):
        with closing(sqlite3.connect(store)) as connection, connection:
            for statement in some:
                connection.execute(statement)
        before = figures(made(store, ".json"))
        after = figures(made(shutil.copy(store, tmp_path / "elsewhere.sqlite"), ".json"))
        assert before["store"]["checkpoints"] != after["store"]["checkpoints"]
        assert after["content_hash"] == before["content_hash"]
        hashes.append(after["content_hash"])
    assert len(set(hashes)) == 2


def test_that_a_report_reads_its_store_once(shop: Path) -> None:
    with closing(open_database(str(shop))) as database:
        report = health_report(database, database.chosen(), None, read_at=0)
        read = sum(one.rows or 0 for one in database.log.entries() if "message_data" in one.statement)
        (summary,) = summarise(database, database.stores)
    assert read < 1.2 * summary.index.length
    digest = hashlib.sha256(summary.index.digests.blocks + summary.index.rest_digest())
    assert report.figures["history"] == digest.hexdigest()


def test_that_a_long_gap_is_counted_whole_though_its_ends_are_listed(
    made: Maker, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    store = emmett(tmp_path / "gap.sqlite", "1 a/1 T\n5000 a/2 T")
    shown = page(made(store, ".html"))
    table = shown.tables["Findings: Concurrency and order"]
    assert table[0][3] == "count"
    assert [(row[2], number(row[3]), places(row[4])) for row in table[1:]] == [("jump", 4998, [2, 4999])]
    (row,) = csv.DictReader(made(store, ".csv").read_text("utf-8").splitlines())
    assert (row["count"], row["positions"]) == ("4998", "2 4999")
    capfdbinary.readouterr()
    run(["check", str(store)])
    assert re.search(r"jump\s+4998\s+2, 4999", capfdbinary.readouterr().out.decode())


def test_that_parquet_has_halves_of_characters_as_csv_has_them(tmp_path: Path) -> None:
    import pyarrow.parquet

    half = {"position": 1, "stream": "a\ud800b", "type": "T", "data": {"x": "\udfff"}, "deleted": False}
    with (tmp_path / "e.parquet").open("wb") as out:
        parquet([half], out)
    with (tmp_path / "e.csv").open("wb") as out:
        comma_separated([half], out)
    (row,) = csv.DictReader((tmp_path / "e.csv").read_text("utf-8").splitlines())
    (held,) = pyarrow.parquet.read_table(tmp_path / "e.parquet").to_pylist()
    assert (held["stream"], held["data"]) == (row["stream"], row["data"]) and held["stream"] == "a\\ud800b"


def hostile_store(folder: Path) -> Path:
    """Every payload as a type, as a stream id, as an attribute and as a value, and some that cannot be decoded."""
    store = emmett(folder / "hostile.sqlite", "1 plain/1 Plain")
    with sqlite3.connect(store) as connection:
        for number, payload in enumerate(HOSTILE):
            for copy in range(3):
                row = (f"{payload}-{number}", 3 * copy, "p", "E", json.dumps({payload: payload, "n": copy}), "{}", "0")
                place = (payload, f"{payload}{copy}", 0, 100 * number + copy + 2, "2024-01-02 03:04:05")
                connection.execute(
                    "INSERT INTO emt_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, *place)
                )
        broken = "no <script>alert(1)</script> json"
        connection.execute("UPDATE emt_messages SET message_data = ? WHERE stream_position = 6", (broken,))
    connection.close()
    return store


@pytest.fixture
def plain(tmp_path: Path) -> tuple[str, str]:
    """The options for a catalogue that knows none of the hostile types."""
    file = tmp_path / "plain.yaml"
    file.write_text("types: {Plain: {}}")
    return ("--catalogue", str(file))


def test_that_nothing_of_a_store_is_an_element_an_attribute_or_a_script_of_the_page(
    made: Maker, tmp_path: Path, shop: Path, plain: tuple[str, str]
) -> None:
    usual = page(made(shop, ".html", *plain))
    shown = page(made(hostile_store(tmp_path), ".html", *plain))
    allowed = {(tag, name) for tag, attributes in usual.elements for name in attributes}
    assert {tag for tag, _ in shown.elements} <= {tag for tag, _ in usual.elements}
    assert {(tag, name) for tag, attributes in shown.elements for name in attributes} <= allowed
    assert not [name for _, name in allowed if name.startswith("on") or name in ("href", "src", "style")]
    assert shown.inline == usual.inline
    types = {name for name, _ in shown.tables["Events by type"][1:]}
    assert {payload for payload in HOSTILE if payload.isprintable()} <= types
    assert r"\u202e\x1b[2J<a\u2028href=//evil.example>" in types
    scopes = {row[2] for title, rows in shown.tables.items() if title.startswith("Findings") for row in rows}
    assert {f"{payload}-{number}" for number, payload in enumerate(HOSTILE) if payload.isprintable()} <= scopes


def test_that_the_policy_of_a_page_allows_its_own_script_and_style_and_nothing_else(made: Maker, shop: Path) -> None:
    shown = page(made(shop, ".html"))
    policies = [one["content"] for tag, one in shown.elements if tag == "meta" and "http-equiv" in one]
    hashes = {tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for tag, text in shown.inline}
    allowed = f"script-src 'sha256-{hashes['script']}'; style-src 'sha256-{hashes['style']}'"
    assert policies == [f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"]
    order = [tag for tag, _ in shown.elements]
    assert order.index("meta") < order.index("style") and len(shown.inline) == 2


def test_that_markdown_has_no_markup_link_or_mention_from_a_store(
    made: Maker, tmp_path: Path, plain: tuple[str, str]
) -> None:
    text = made(hostile_store(tmp_path), ".md", *plain).read_text("utf-8")
    assert set(re.findall(r"<[^>\n]*>?", text)) <= {"<!-- -->", "<br>"}
    assert not re.search(r"(?<!\\)\]\(|@\w|#\d|(?<!\\)://", text)
    assert escaped("see www.evil.example, a_b*c|d") == r"see www\.evil.example, a\_b\*c\|d"


def test_that_a_cell_of_the_csv_is_no_formula(made: Maker, tmp_path: Path, plain: tuple[str, str]) -> None:
    text = made(hostile_store(tmp_path), ".csv", *plain).read_text("utf-8")
    rows = list(csv.reader(text.splitlines()))
    assert '\'=HYPERLINK("http://evil.example")' in {row[2] for row in rows}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (("-o", "report.odt"), "report.odt has no ending of a report: .html, .pdf, .md, .json, .csv."),
        (("-o", "report"), "no ending of a report"),
        (("-o", "report.html", "--kind", "streams"), "--kind streams is not known: there are health, stream, "),
        (("-o", "report.html", "--kind", "stream"), "A report of kind stream needs --stream."),
        (("-o", "report.html", "--stream", "a"), "A report of kind health does not take --stream."),
        (("-o", "nowhere/report.html"), "its folder does not exist"),
        (("-o", "folder.html"), "is a folder"),
        (("-o", "shop.json"), "is the store"),
        (("-o", "linked.json"), "is the store"),
        (("-o", "catalogue.json", "--catalogue", "catalogue.json"), "is the catalogue"),
        (("-o", "report.html", "--workspace", "folder.html"), "is no workspace"),
        ((), "'-o'"),
    ],
)
def test_that_what_cannot_be_written_is_one_sentence_and_leaves_all_files_as_they_were(
    tmp_path: Path,
    capfdbinary: pytest.CaptureFixture[bytes],
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    part: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    store = emmett(Path("shop.json"), "1 a/1 Opened")
    Path("linked.json").symlink_to(store)
    Path("catalogue.json").write_text('{"types": {"Opened": {}}}')
    Path("folder.html").mkdir()
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    assert run(["report", str(store), *options]) == 2
    sentence = capfdbinary.readouterr().err.decode()
    assert part in sentence and sentence.count("\n") == 1
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_that_a_report_replaces_the_one_before_and_leaves_no_draft(made: Maker, shop: Path, tmp_path: Path) -> None:
    assert made(shop, ".md").read_text("utf-8").startswith("# Health of shop")
    empty = made(library(tmp_path / "lib.sqlite", []), ".md").read_text("utf-8")
    assert empty.startswith("# Health of lib") and "The store holds no events." in empty
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lib.sqlite", "report.md", "shop.sqlite"]


def test_that_the_catalogue_of_a_workspace_is_used(made: Maker, shop: Path, known: Path) -> None:
    (known.parent / "esviewer.toml").write_text('version = 1\ncatalogue = "catalogue.yaml"\n')
    report = figures(made(shop, ".json", "--workspace", str(known.parent)))
    assert report["counts"]["unknown-type"] == 1
    assert report["catalogue"]["sha256"] == hashlib.sha256(known.read_bytes()).hexdigest()


def test_that_a_picture_has_every_event_in_one_lane(made: Maker, tmp_path: Path) -> None:
    drawn = "\n".join(f"{position} s/{position} Type{position % 40}" for position in range(1, 201))
    text = made(emmett(tmp_path / "many.sqlite", drawn), ".html").read_text("utf-8")
    lanes = re.findall(r"<g><title>(.*): ([\d,]+)</title>", text)
    assert len(lanes) == 24 and lanes[-1] == ("17 other types", "85")
    assert sum(number(count) for _, count in lanes) == 200


def test_that_every_rule_has_one_theme() -> None:
    themed = [rule.name for families in THEMES.values() for family in families for rule in family.rules]
    assert sorted(themed) == sorted(RULES)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_that_the_colours_of_a_page_are_those_of_the_window(theme: str) -> None:
    loaded = tomllib.loads((ROOT / "resources" / "themes" / f"{theme}.toml").read_text("utf-8"))
    blocks = re.findall(r":root \{(.*?)\}", (ROOT / "esviewer/reports/report.css").read_text("utf-8"), re.DOTALL)
    used = dict(re.findall(r"--(\w+): (#\w+);", blocks[theme == "dark"]))
    hues = {f"hue{place}": color for place, color in enumerate(loaded["lanes"]["colors"])}
    assert used and used == {name: ({**loaded["colors"], **hues})[name] for name in used}


def test_that_positions_are_told_as_ranges_and_the_rest_is_counted() -> None:
    assert ranges([1, 2, 3, 7, 9, 10], 9) == "1–3, 7, 9–10"
    assert ranges([1, 2, 3, 7, 9, 10], 2) == "1–3, 7, and 2 more"
    assert ranges(["5-1", "5-2"], 9) == "5-1, 5-2"


def test_that_consumers_of_a_store_on_postgres_are_told_without_its_password(
    shared_database: Callable[[str, str], str], tmp_path: Path
) -> None:
    address = shared_database("message_db_bank", "message_db_bank.sql.gz").replace("@", ":geheim@", 1)
    reports = {}
    for ending in (".json", ".html", ".md"):
        target = tmp_path / f"bank{ending}"
        assert run(["report", address, "-o", str(target)]) == 0
        reports[ending] = target
        assert b"geheim" not in target.read_bytes()
    store = figures(reports[".json"])["store"]
    shown = page(reports[".html"])
    assert number(shown.facts["Events"]) == store["events"] > 0
    kept = [(one["consumer"], one["upstream"], one["position"], one["lag"]) for one in store["checkpoints"]]
    rows = shown.tables["Positions of consumers"][1:]
    assert kept and sorted((row[0], row[1], int(row[2]), number(row[3])) for row in rows) == sorted(kept)
