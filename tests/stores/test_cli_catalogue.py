"""`catalogue`, `check`, and statuses in `events` and `info`, on real files: the oracles of the domain guide drawn as
stores of Emmett and of eventsourcing, and the multi-release stores of ../shared."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Judge
from esviewer.cli import run
from esviewer.cli.judging import Known, statuses
from esviewer.stores.database import open_database
from esviewer.stores.summary import summarise
from tests.postgres import PostgresServer
from tests.shared_stores import SHARED
from tests.stores.dialects.test_eventsourcing import TEST_KEY
from tests.stores.drawn_stores import Answer, Checker, emmett, library, places
from tests.unit.catalogue.test_oracles_c import C2

SOURCES = SHARED / "stores" / "make" / "eventsourcing_library" / "r3"


@pytest.fixture
def check(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Checker:
    return Checker(tmp_path, capfdbinary)


def lines(kind: str, versions: dict[int, int], payload: str = "") -> str:
    """So many events of each version, which stands in the payload."""
    drawn, position = [], 0
    for version, count in versions.items():
        for _ in range(count):
            position += 1
            more = f", {payload}" if payload else ""
            drawn.append(f'{position} s{position}/1 {kind} {{"class_version": {version}{more}}}')
    return "\n".join(drawn)


A1 = "1 a/1 Opened\n2 a/2 Bonus\n3 a/3 Paid\n4 b/1 Opened"


def test_A1_unknown_type_is_an_error_with_its_position(check: Checker) -> None:
    answer = check(A1, "types: {Opened: {}, Paid: {}}", status=1)
    assert set(answer) == {"store", "head", "findings", "counts"}
    assert (answer["store"], answer["head"], answer["counts"]["unknown-type"]) == ("drawn", 4, 1)
    assert places(answer) == {("unknown-type", "Bonus"): [2]}
    (finding,) = answer["findings"]
    keys = {"rule", "severity", "scope", "positions", "evidence", "confidence", "next_step"}
    assert set(finding) == keys
    assert (finding["severity"], finding["confidence"]) == ("error", "certain")


def test_A1_statuses_stand_in_events_and_are_counted_in_info(check: Checker) -> None:
    check(A1, "types: {Opened: {}, Paid: {}}")
    store, file = str(check.folder / "drawn.sqlite"), str(check.folder / "catalogue.yaml")
    assert run(["events", store, "--catalogue", file, "--where", "status == 'UNKNOWN-TYPE'", "--json"]) == 0
    (event,) = map(json.loads, check.capture.readouterr().out.splitlines())
    assert (event["position"], event["status"]) == (2, "UNKNOWN-TYPE")
    with_catalogue = check.answer("info", store, "--catalogue", file)["stores"][0]
    assert with_catalogue["statuses"] == {"CURRENT": 3, "UNKNOWN-TYPE": 1}
    assert check.answer("info", store)["stores"][0]["statuses"] is None


def test_A2_later_version_is_from_the_future_even_if_its_payload_fits(check: Checker) -> None:
    known = "types: {Paid: {current: 2, versions: {2: {attributes: {total: int}}}}}"
    answer = check('1 a/1 Paid {"total": 1, "class_version": 3}', known, status=1)
    assert places(answer) == {("from-future", "Paid"): [1]}


def test_A3_ignored_type_is_told_and_no_error(check: Checker) -> None:
    known = "types: {Opened: {}}\nignored: {DebugPing: {reason: load test}}"
    answer = check("1 a/1 Opened\n2 a/2 DebugPing", known, status=0)
    assert places(answer) == {("ignored", "DebugPing"): [2]}


def test_A4_alias_is_current_and_without_it_the_hint_says_so(check: Checker) -> None:
    moved = "1 a/1 old.mod:Opened"
    assert places(check(moved, 'types: {Opened: {aliases: ["old.mod:Opened"]}}', status=0)) == {}
    (finding,) = check(moved, "types: {Opened: {}}", status=1)["findings"]
    assert finding["rule"] == "unknown-type" and "ename needs alias" in finding["next_step"]


def test_B1_event_without_class_version_needs_an_upcast(check: Checker) -> None:
    known = "types: {Registered: {current: 2, upcasters: [{from: 1, to: 2, steps: [{default: {reason: null}}]}]}}"
    before = '1 a/1 Registered {"name": "Ann"}'
    answer = check(before, known, status=0)
    assert places(answer) == {("upcast-needed", "Registered"): [1]}
    assert answer["findings"][0]["severity"] == "info"
    store, file = check.folder / "drawn.sqlite", str(check.folder / "catalogue.yaml")
    written = store.read_bytes()
    with closing(open_database(str(store))) as database:
        (stored,) = database.reader(database.chosen()).events()
    assert stored.raw == b'{"name": "Ann"}'
    known = files.load(Path(file)).catalogue
    (draft,) = Judge(known).assess(stored).events or ()
    assert draft.data == {"name": "Ann", "reason": None}
    assert (stored.raw, stored.data) == (b'{"name": "Ann"}', {"name": "Ann"})
    assert run(["events", str(store), "--catalogue", file, "--json"]) == 0
    assert store.read_bytes() == written


def test_B2_gap_and_end_are_errors_until_the_edge_is_there(check: Checker) -> None:
    stored = lines("Paid", {1: 40, 2: 10, 3: 50})
    answer = check(stored, "types: {Paid: {current: 3, upcasters: [{from: 1, to: 2}]}}", status=1)
    assert places(answer) == {
        ("blocked", "Paid"): list(range(1, 51)),
        ("upcaster-end", "Paid"): [],
        ("upcaster-gap", "Paid"): list(range(41, 51)),
    }
    answer = check(stored, "types: {Paid: {current: 3, upcasters: [{from: 1, to: 2}, {from: 2, to: 3}]}}", status=0)
    assert places(answer) == {("upcast-needed", "Paid"): list(range(1, 51))}


def test_B3_suffix_is_a_version_only_where_the_base_is_known(check: Checker) -> None:
    stored = "1 a/1 OrderPlaced\n2 a/2 OrderPlaced_v2\n3 a/3 Ipv4"
    known = "types: {OrderPlaced: {current: 2, upcasters: [{from: 1, to: 2}]}, Ipv4: {}}"
    assert places(check(stored, known, status=0)) == {("upcast-needed", "OrderPlaced"): [1]}
    inferred = check.answer("catalogue", str(check.folder / "drawn.sqlite"))
    assert {name: list(one["versions"]) for name, one in inferred["types"].items()} == {
        "OrderPlaced": ["1", "2"],
        "Ipv4": ["1"],
    }


@pytest.mark.parametrize("absent", ['{"revision": null}', "{}"], ids=["null", "absent"])
def test_B4_order_of_revisions_is_that_of_the_chain(check: Checker, absent: str) -> None:
    known = """
        version_from: {metadata: revision}
        types:
          Opened:
            current: "10.0"
            upcasters: [{from: "2.0", to: "10.0"}, {from: null, to: "1.0"}, {from: "1.0", to: "2.0"}]
    """
    stored = [f"1 a/1 Opened {{}} {absent}"]
    stored += [
        f'{n} a/{n} Opened {{}} {{"revision": "{revision}"}}'
        for n, revision in enumerate(("1.0", "10.0", "2.0", "11.0"), 2)
    ]
    answer = check("\n".join(stored), known, status=1)
    assert places(answer) == {("from-future", "Opened"): [5], ("upcast-needed", "Opened"): [1, 2, 4]}


def test_B5_shape_alone_tells_the_version(check: Checker) -> None:
    known = """
        types:
          Ordered:
            current: 2
            versions:
              1: {attributes: {id: {type: int, required: true}}}
              2: {attributes: {id: {type: int, required: true}, currency: {type: string, required: true}}}
            upcasters: [{from: 1, to: 2, steps: [{default: {currency: EUR}}]}]
    """
    stored = '1 a/1 Ordered {"id": 1}\n2 a/2 Ordered {"id": 1, "currency": "EUR"}\n3 a/3 Ordered {"ref": 1}'
    answer = check(stored, known, status=1)
    assert places(answer) == {("shape-mismatch", "Ordered"): [3], ("upcast-needed", "Ordered"): [1]}


@pytest.mark.parametrize(
    ("edges", "versions", "rules"),
    [
        ("{from: 1, to: 2, steps: [{set: {b: 1}}]}, {from: 1, to: 2, steps: [{set: {b: 2}}]}", {1: 3}, ["upcaster-duplicate"]),
        ("{from: 1, to: 2, steps: [{set: {b: 1}}]}, {from: 2, to: 1}", {1: 3}, ["upcaster-back", "upcaster-cycle"]),
        ("{from: 0, to: 1}, {from: 1, to: 2, steps: [{set: {b: 1}}]}", {1: 3}, ["upcaster-unused"]),
        ("{from: 3, to: 2}", {2: 3}, ["upcaster-back"]),
    ],
)  # fmt: skip
def test_B6_edges_that_disagree_lead_round_back_or_are_not_needed(
    check: Checker, edges: str, versions: dict[int, int], rules: list[str]
) -> None:
    answer = check(lines("Paid", versions, '"a": 1'), f"types: {{Paid: {{current: 2, upcasters: [{edges}]}}}}")
    assert sorted(rule for rule, _ in places(answer) if rule.startswith("upcaster")) == rules


def test_B7_merge_is_lossy_where_inputs_meet_and_rename_is_not(check: Checker) -> None:
    known = "types: {Named: {current: 2, upcasters: [{from: 1, to: 2, steps: [%s]}]}}"
    stored = '1 a/1 Named {"first": "A B", "last": "C"}\n2 b/1 Named {"first": "A", "last": "B C"}'
    answer = check(stored, known % "{merge: {attributes: [first, last], into: name}}", status=0)
    (lossy,) = [one for one in answer["findings"] if one["rule"] == "upcaster-lossy"]
    assert lossy["severity"] == "warn" and any("2 → 1" in sentence for sentence in lossy["evidence"])
    answer = check(stored, known % "{rename: {first: given}}", status=0)
    assert answer["counts"]["upcaster-lossy"] == 0


def test_B8_event_that_becomes_two_is_one_event_to_upcast(check: Checker) -> None:
    known = """
        types:
          AddressChanged:
            current: 2
            upcasters:
              - {from: 1, to: 2, steps: [{emit: [{type: Moved, attributes: [street]}, {type: PhoneSet, attributes: [phone]}]}]}
          Moved: {current: 1, versions: {1: {attributes: {street: {type: string, required: true}}}}}
          PhoneSet: {current: 1, versions: {1: {attributes: {phone: {type: %s, required: true}}}}}
    """
    stored = '7 a/7 AddressChanged {"street": "Kade 1", "phone": "7"}'
    assert places(check(stored, known % "string", status=0)) == {("upcast-needed", "AddressChanged"): [7]}
    broken = check(stored, known % "int", status=1)
    assert ("upcast-failed", "AddressChanged") in places(broken)


def test_C1_type_that_changes_is_found_where_it_changes(check: Checker) -> None:
    stored = '1 a/1 Noted {"a": 1}\n2 a/2 Noted {"a": 2, "b": null}\n3 a/3 Noted {"a": 3, "b": "x"}\n4 a/4 Noted {"a": "4", "b": "y"}'
    answer = check(stored, "types: {Noted: {}}", status=0)
    (finding,) = answer["findings"]
    assert (finding["rule"], finding["positions"]) == ("type-change", [4])
    assert finding["evidence"] == ["a of version 1 was int and is string from 4 on."]


C2_WRITTEN = {
    "add optional": "{}", "add required with default": "{}", "add required": "{}", "remove optional": '{"b": "x"}',
    "remove required": '{"b": "x"}', "rename required": '{"b": "x"}', "rename optional": '{"b": "x"}',
    "string to int": '{"b": "x"}', "int to string": '{"b": 1}', "scalar to array": '{"b": "x"}', "int to number": '{"b": 1}',
    "number to int": '{"b": 1.5}', "non-null to nullable": '{"b": 1}', "nullable to non-null": '{"b": null}',
    "enum add value": '{"b": "x"}', "enum remove value": '{"b": "y"}', "required to optional": '{"b": 1}',
    "optional to required": "{}", "tighten limits": '{"b": 9}', "loosen limits": '{"b": 2}',
}  # fmt: skip
"""For each row of the table an event that its old shape allows."""


@pytest.mark.parametrize(
    ("change", "new", "tolerant"), [(row[0], row[2], row[3]) for row in C2], ids=[r[0] for r in C2]
)
def test_C2_stored_event_fits_a_new_shape_just_where_the_table_says_backward(
    check: Checker, change: str, new: str, tolerant: str
) -> None:
    known = f"types: {{T: {{current: 1, versions: {{1: {{attributes: {new}}}}}}}}}"
    answer = check(f"1 a/1 T {C2_WRITTEN[change]}", known, "--rule", "shape-mismatch")
    assert answer["counts"] == {"shape-mismatch": 0 if tolerant in ("FULL", "BACKWARD") else 1}


@pytest.mark.parametrize("nulls", [[], [7, 70, 300]], ids=["0 fail", "3 fail"])
def test_C3_data_verdict_is_the_events_that_hold_null(check: Checker, nulls: list[int]) -> None:
    stored = [f'{n} a/{n} T {{"b": {"null" if n in nulls else n}}}' for n in range(1, 501)]
    known = "types: {T: {current: 1, versions: {1: {attributes: {b: {type: int, required: true}}}}}}"
    answer = check("\n".join(stored), known, status=1 if nulls else 0)
    assert places(answer, "shape-mismatch") == ({("shape-mismatch", "T"): nulls} if nulls else {})


# Rules that need no catalogue, on stores of their own


def test_F2_number_that_was_skipped_when_writing_is_no_deletion(check: Checker) -> None:
    answer = check("4 a/2 T\n5 a/4 T", "types: {T: {}}", status=1)
    assert places(answer) == {("stream-gap", "a"): [4, 5]}
    assert answer["counts"]["position-deleted"] == 0


def test_F3_hole_in_the_row_numbers_of_sqlite_is_a_deletion(check: Checker) -> None:
    store = library(check.folder / "lib.sqlite", [(1, "a", 1), (2, "b", 1), (4, "c", 1)])
    answer = check.answer("check", str(store))
    assert places(answer) == {("position-deleted", "store"): [3]}
    assert answer["findings"][0]["severity"] == "warn"
    assert run(["check", str(store), "--fail-on", "warn"]) == 1


def test_F7_snapshots_without_stream_or_beyond_its_head_are_found(check: Checker) -> None:
    stored = [(n, "a", n) for n in range(1, 5)]
    store = library(check.folder / "lib.sqlite", stored, [("z", 2), ("a", 9), ("a", 2)])
    answer = check.answer("check", str(store), status=1)
    assert places(answer) == {("snapshot-orphan", "z"): [], ("snapshot-ahead", "a"): [4]}


def test_F4_checkpoint_beyond_the_head_is_an_error_and_no_lag(check: Checker) -> None:
    store = library(check.folder / "lib.sqlite", [(n, "a", n) for n in range(1, 91)])
    connection = sqlite3.connect(store)
    connection.execute("INSERT INTO tracking VALUES ('lib', 100)")
    connection.commit()
    connection.close()
    (finding,) = check.answer("check", str(store), "--rule", "checkpoint-ahead,checkpoint-lag", status=1)["findings"]
    assert (finding["rule"], finding["scope"]) == ("checkpoint-ahead", "lib")
    assert finding["evidence"][0] == "Checkpoint 100, head 90: ahead 10."


def test_F1_number_of_an_open_transaction_is_not_judged_until_it_ends(check: Checker, postgres: PostgresServer) -> None:
    name = postgres.create_database()
    try:
        with (
            psycopg.connect(postgres.url(name), autocommit=True) as owner,
            psycopg.connect(postgres.url(name)) as other,
        ):
            owner.execute(
                "CREATE TABLE lib_events (originator_id uuid, originator_version bigint, topic text, state bytea,"
                " notification_id bigserial, PRIMARY KEY (originator_id, originator_version))"
            )
            insert = "INSERT INTO lib_events VALUES (gen_random_uuid(), 1, 'm:A.E', '{}')"
            owner.execute(insert)
            other.execute(insert)
            owner.execute(insert)
            answer = check.answer("check", postgres.url(name))
            assert places(answer, "position-gap") == {("position-gap", "unsettled"): [2]}
            other.rollback()  # the number that it drew is burned
            answer = check.answer("check", postgres.url(name))
            assert places(answer, "position-gap") == {("position-gap", "burned"): [2]}
    finally:
        postgres.drop_database(name)


# What the commands promise


def test_that_an_unknown_rule_catalogue_or_severity_is_refused(check: Checker) -> None:
    store = str(emmett(check.folder / "s.sqlite", A1))
    assert "no rule unkown-type" in check.refused("check", store, "--rule", "unkown-type,blocked")
    assert check.refused("check", store, "--catalogue", "gone.yaml") == "There is no catalogue gone.yaml."
    broken = check.folder / "broken.yaml"
    broken.write_text("types:\n  Opened: {}\n  Paid: {current: [1]}\n")
    for command in ("check", "events", "info"):
        assert f"{broken}, line 3: " in check.refused(command, store, "--catalogue", str(broken))
    assert "--fail-on loud" in check.refused("check", store, "--fail-on", "loud")
    assert "holds no esviewer.toml" in check.refused("check", store, "--workspace", str(check.folder))
    assert "Give --estimate or --catalogue" in check.refused("info", store, "--estimate", "--catalogue", str(broken))


def test_that_only_chosen_rules_are_counted(check: Checker) -> None:
    answer = check(A1, "types: {}", "--rule", "unknown-type,stream-gap", status=1)
    assert answer["counts"] == {"stream-gap": 0, "unknown-type": 3}


def test_that_fail_on_settles_the_exit_status(check: Checker) -> None:
    known = "types: {Opened: {}}\nignored: {Bonus: {}, Paid: {}}"
    assert check(A1, known, "--fail-on", "error", status=0)["counts"]["ignored"] == 2
    check(A1, known, "--fail-on", "warn", status=0)
    check(A1, known, "--fail-on", "info", status=1)


def test_that_nothing_is_unknown_without_a_catalogue(check: Checker) -> None:
    store = emmett(check.folder / "s.sqlite", A1)
    answer = check.answer("check", str(store))
    assert answer["findings"] == [] and answer["counts"]["unknown-type"] == 0


def test_that_the_workspace_names_the_catalogue(check: Checker) -> None:
    store = emmett(check.folder / "s.sqlite", A1)
    (check.folder / "esviewer.toml").write_text('catalogue = "known.yaml"\n')
    (check.folder / "known.yaml").write_text("types: {Opened: {}, Paid: {}}")
    answer = check.answer("check", str(store), "--workspace", str(check.folder), status=1)
    (check.folder / "esviewer.toml").write_text("catalogue = 3\n")
    assert "catalogue is to be the path" in check.refused("check", str(store), "--workspace", str(check.folder))
    (check.folder / "esviewer.toml").write_text('catalogue = "known.yaml"\n')
    assert places(answer) == {("unknown-type", "Bonus"): [2]}


def test_that_an_inferred_catalogue_is_written_and_checks_its_own_store(check: Checker) -> None:
    store, file = emmett(check.folder / "s.sqlite", A1), check.folder / "c.yaml"
    shown = check.answer("catalogue", str(store), "--write", str(file))
    assert shown["inferred"] is True and list(shown["types"]) == ["Bonus", "Opened", "Paid"]
    assert "inferred: true" in file.read_text()
    assert check.answer("check", str(store), "--catalogue", str(file))["findings"] == []
    file.write_text(file.read_text().replace("types:", "types: # ours", 1))
    check.answer("catalogue", str(store), "--write", str(file))
    assert "types: # ours" in file.read_text()


STORE_TYPES = "\n".join(f"{n} a/{n} {kind}" for n, kind in enumerate(("Addr_v1", "Addr_v2", "Ping", "Ping_v2"), 1))


def test_that_names_are_told_by_the_types_of_the_store_as_in_the_window(check: Checker) -> None:
    known = "types: {Address: {aliases: [Addr_v2], current: 2}}\nignored: {Ping: {}}"
    answer = check(STORE_TYPES, known)
    store, file = str(check.folder / "drawn.sqlite"), str(check.folder / "catalogue.yaml")
    catalogue = files.load(Path(file)).catalogue
    with closing(open_database(store)) as database:
        events = list(database.reader(database.chosen()).events())
    window = Judge(catalogue, tuple(dict.fromkeys(event.type for event in events if event.type is not None)))
    expected = [window.status(event).value for event in events]
    assert [Judge(catalogue).status(event).value for event in events] != expected
    assert run(["events", store, "--catalogue", file, "--json"]) == 0
    assert [json.loads(line)["status"] for line in check.capture.readouterr().out.splitlines()] == expected
    counts = {status: expected.count(status) for status in sorted(set(expected))}
    assert check.answer("info", store, "--catalogue", file)["stores"][0]["statuses"] == counts
    assert places(answer, "ignored") == {("ignored", "Ping"): [3], ("ignored", "Ping_v2"): [4]}


def test_that_a_store_is_read_once_for_its_figures_and_statuses(tmp_path: Path) -> None:
    store = emmett(tmp_path / "s.sqlite", "\n".join(f"{n} a/{n} T" for n in range(1, 101)))
    with closing(open_database(str(store))) as database:
        read = statuses(database, database.stores, Known(Catalogue({})), lambda *_: None)
        (summary,) = summarise(database, database.stores, read=read.indexes)
        rows = sum(one.rows or 0 for one in database.log.entries() if "message_data" in one.statement)
        assert (summary.index.length, read.counts, rows) == (100, [{"UNKNOWN-TYPE": 100}], 100)
        (apart,) = summarise(database, database.stores)
        assert apart.as_object() == summary.as_object()


@pytest.mark.parametrize(
    "options", [("catalogue", "--write"), ("catalogue", "--sources"), ("report", "-o"), ("check", "--catalogue")]
)
@pytest.mark.parametrize("ending", [".yaml", ".json"])
def test_that_a_name_too_long_for_a_file_is_told_in_one_sentence(
    check: Checker, options: tuple[str, str], ending: str
) -> None:
    if options[0] == "report" and ending == ".yaml":
        ending = ".html"
    store = emmett(check.folder / "s.sqlite", A1)
    sentence = check.refused(options[0], str(store), options[1], str(check.folder / ("x" * 300 + ending)))
    assert sentence.endswith("File name too long.")
    assert [path.name for path in check.folder.iterdir()] == ["s.sqlite"]


@pytest.mark.parametrize("name", ["s.json", "s.json-wal", "link.json"])
def test_that_a_catalogue_is_never_written_over_the_store(check: Checker, name: str) -> None:
    store = emmett(check.folder / "s.json", A1)
    (check.folder / "link.json").hardlink_to(store)
    before = store.read_bytes()
    assert "is the store" in check.refused("catalogue", str(store), "--write", str(check.folder / name))
    assert store.read_bytes() == before


def test_that_people_get_tables(check: Checker) -> None:
    check(A1, "types: {Opened: {}, Paid: {}}")
    store, file = str(check.folder / "drawn.sqlite"), str(check.folder / "catalogue.yaml")
    assert run(["check", store, "--catalogue", file]) == 1
    shown = check.capture.readouterr().out.decode()
    assert "drawn, head 4, against 2 event types: 1 finding by" in shown and "unknown-type" in shown
    assert run(["catalogue", store]) == 0
    assert "3 event types, inferred and not confirmed" in check.capture.readouterr().out.decode()
    assert run(["events", store, "--catalogue", file]) == 0
    assert "UNKNOWN-TYPE" in check.capture.readouterr().out.decode()
    assert run(["info", store, "--catalogue", file]) == 0
    assert "UNKNOWN-TYPE" in check.capture.readouterr().out.decode()


# Stores that three releases wrote


@pytest.mark.shared
@pytest.mark.parametrize(
    ("folder", "context"),
    [
        ("es_library_sqlite", "lending"), ("es_library_sqlite", "membership"), ("es_library_zlib", "lending"),
        ("es_library_aes", "membership"), ("es_library_pg", "lending"), ("es_library_pg", "membership"),
    ],
)  # fmt: skip
def test_that_findings_by_the_sources_of_release_3_are_those_of_the_answers(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    check: Checker,
    answers: Callable[[str], Answer],
    folder: str,
    context: str,
) -> None:
    import base64

    if folder == "es_library_pg":
        store = request.getfixturevalue("shared_database")(folder, "es_library_pg.sql.gz") + f"?store={context}"
    else:
        store = str(request.getfixturevalue("shared_store")(folder, f"{context}.sqlite.gz"))
    monkeypatch.setenv("ESVIEWER_KEY", base64.b64encode(TEST_KEY).decode())
    file = str(check.folder / "r3.yaml")
    check.answer("catalogue", store, "--sources", str(SOURCES), "--write", file)
    known = answers(folder)["contexts"][context]
    unknown, upcast = known["unknown_to_release_3"], known["upcast_needed_by_release_3"]
    answer = check.answer("check", store, "--catalogue", file, status=1 if unknown["count"] else 0)
    found = {one["scope"]: one["positions"] for one in answer["findings"] if one["rule"] == "unknown-type"}
    assert found == unknown["positions_by_topic"]
    needed = [place for one in answer["findings"] if one["rule"] == "upcast-needed" for place in one["positions"]]
    assert sorted(needed) == sorted(place for edge in upcast["positions_by_topic"].values() for place in edge)
    missing = places(answer, "position-gap", "position-deleted").values()
    assert sorted(place for gap in missing for place in gap) == known["gaps_in_positions"]
    assert answer["counts"]["stream-gap"] == answer["counts"]["stream-order"] == 0
    info = check.answer("info", store, "--catalogue", file)["stores"][0]
    counts = {"UNKNOWN-TYPE": unknown["count"], "UPCAST": upcast["count"]}
    assert {name: info["statuses"].get(name, 0) for name in counts} == counts
    assert sum(info["statuses"].values()) == info["events"]


@pytest.mark.shared
def test_that_gaps_which_marten_gave_up_are_recorded_skips(
    check: Checker, shared_database: Callable[[str, str], str], answers: Callable[[str], Answer]
) -> None:
    address = shared_database("layout_marten", "marten.sql.gz")
    burned = answers("layout_marten")["gaps_in_positions"]
    rules = ("--rule", "position-gap,position-deleted")
    assert places(check.answer("check", address, *rules), "position-gap") == {("position-gap", "burned"): burned}
    with psycopg.connect(address) as owner:
        # JasperFx/marten, dialects/marten.md: ranges that the daemon gave up on, from 9.0.
        owner.execute("CREATE TABLE mt_high_water_skips (ending_sequence bigint PRIMARY KEY, starting_sequence bigint)")
        owner.execute("INSERT INTO mt_high_water_skips VALUES (%s, %s)", (burned[0], burned[0]))
    assert places(check.answer("check", address, *rules), "position-gap") == {
        ("position-gap", "recorded-skip"): burned[:1],
        ("position-gap", "burned"): burned[1:],
    }


@pytest.mark.shared
def test_that_versions_which_emmett_lost_in_conflicts_are_stream_gaps(
    check: Checker, shared_store: Callable[[str, str], Path]
) -> None:
    store = shared_store("emmett_shop", "emmett_shop.sqlite.gz")
    known = json.loads((SHARED / "stores" / "emmett_shop" / "answers_sqlite.json").read_text())
    answer = check.answer("check", str(store), "--rule", "stream-gap,position-gap,position-deleted", status=1)
    assert {scope for _, scope in places(answer)} == {lost["stream"] for lost in known["lost_write_conflicts"]}
    assert all("skipped when writing" in one["evidence"][0] for one in answer["findings"])
