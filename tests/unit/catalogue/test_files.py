"""The catalogue as a file: mistakes with their lines, and edits that keep comments and order."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue import files
from esviewer.catalogue.model import Attribute, Catalogue, EventType, Ignored, TypeVersion, Upcaster
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.domain import NotFound, UsageError
from esviewer.stores.connection import TornText

KEPT = """\
# Our events. Ask Ana before changing anything.
types:
  Paid:            # money came in
    current: 2
    versions:
      2:
        attributes:
          total: number         # in euros
          currency: {type: string, required: true, enum: [EUR, "USD"]}
    upcasters:
      - {from: 1, to: 2, steps: [{default: {currency: EUR}}]}   # 2023
  Opened: {}
ignored:
  DebugPing: {reason: "load test 2023", by: ana, date: 2024-01-05}
erased: [{stream: user-9, attributes: [email], reason: "request 114"}]
"""


def test_that_the_example_of_the_guide_is_read() -> None:
    known = files.parse(
        """
types:
  OrderPlaced:
    aliases: ["shop.orders:OrderPlaced"]
    current: 3
    starts_stream: true
    versions:
      2: {open: true, attributes: {total: {type: number, required: true}}}
      3: {open: true, attributes: {total: {type: number, required: true}, currency: {type: string, required: true, enum: [EUR, USD], personal: false}}}
    upcasters:
      - {from: 2, to: 3, steps: [{default: {currency: EUR}}]}
ignored: {DebugPing: {reason: "load test 2023", by: ana, date: 2024-01-05}}
erased: [{stream: user-9, attributes: [email], reason: "request 114"}]
"""
    )
    assert known.warnings == ()
    placed = known.catalogue.types["OrderPlaced"]
    assert (placed.current, placed.starts_stream, list(placed.versions)) == (3, True, [2, 3])
    assert placed.versions[3].attributes["currency"] == Attribute(("string",), required=True, enum=("EUR", "USD"))
    assert str(placed.upcasters[0]) == "2→3"
    assert known.catalogue.ignored["DebugPing"] == Ignored("DebugPing", "load test 2023", "ana", "2024-01-05")
    assert known.catalogue.erased[0].attributes == ("email",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("types: [", "c.yaml, line 1: "),
        ("types:\n  Paid: 3", "c.yaml, line 2: type Paid is a number, where names with values are wanted"),
        ("types:\n  Paid:\n    current: 1.0", 'c.yaml, line 3: 1.0 is read as a number and can be no version: write it in quotes, "1.0"'),
        ("types:\n  A:\n    versions:\n      1: {attributes: {a: money}}", "c.yaml, line 4: money is no type of an attribute"),
        ("types:\n  A: {versions: {1: {attributes: {a: {type: int, required: 1}}}}}", "required is a number, where true or false is wanted"),
        ("types:\n  A:\n    upcasters:\n      - {from: 1}", "c.yaml, line 4: an upcaster of A names no versions"),
        ("types:\n  A:\n    upcasters:\n      - {from: 1, to: 2, steps: [{renam: {a: b}}]}", "line 4: an upcaster of A: 'renam' is no step"),
        ("types:\n  A: {aliases: [X]}\n  B: {aliases: [X]}", "line 3: X is an alias of both A and B"),
        ("types:\n  A: {aliases: [B]}\n  B: {}", "line 2: B is a type of its own"),
        ("types:\n  A: {versions: {'x': {}, 'y': {}}}", "line 2: type A has several versions: say which one is current"),
        ("types:\n  A: {}\n  A: {}", "line 3: "),
        ("version_from: colum\n", "line 1: version_from is auto, column"),
        ("version_from: {type: 'v[0-9]'}\n", "has no group n"),
        ("erased: [{reason: x}]", "an erasure names a stream, a type or positions"),
        ("- a", "the file is a list"),
    ],
)  # fmt: skip
def test_that_a_mistake_is_told_with_its_line_and_what_to_do(text: str, said: str) -> None:
    with pytest.raises(files.CatalogueError) as caught:
        files.parse(text, "c.yaml")
    assert said in str(caught.value)


def test_that_unknown_keys_are_reported_and_passed_over() -> None:
    loaded = files.parse("types:\n  A:\n    curent: 2\nsomething: 1\n")
    assert [(note.line, note.sentence[:36]) for note in loaded.warnings] == [
        (4, "something is not known in the catalo"),
        (3, "curent is not known in type A and pa"),
    ]
    assert "did you mean current?" in loaded.warnings[1].sentence


def test_that_an_edit_keeps_comments_order_and_shorthands() -> None:
    known = files.parse(KEPT).catalogue
    paid = known.types["Paid"]
    shape = TypeVersion({**paid.versions[2].attributes, "note": Attribute(("string",), nullable=True)})
    edge = Upcaster(2, 3, parse_steps([{"drop": "note"}]))
    changed = replace(
        known,
        types={
            **known.types,
            "Paid": replace(paid, versions={2: shape}, upcasters=(*paid.upcasters, edge)),
            "Closed": replace(known.types["Opened"], name="Closed", current=1),
        },
    )
    text = files.edited(KEPT, changed)
    assert files.parse(text).catalogue == changed
    for line in (
        "# Our events. Ask Ana before changing anything.",
        "# money came in",
        "total: number         # in euros",
        "# 2023",
    ):
        assert line in text
    assert '[EUR, "USD"]' in text
    assert text.index("Paid") < text.index("Opened") < text.index("Closed") < text.index("DebugPing")


def test_that_an_edit_without_change_changes_no_byte() -> None:
    odd = KEPT.replace("  ", "   ").replace("current: 2", "current:   '2'")
    assert files.edited(odd, files.parse(odd).catalogue) == odd


def test_that_what_is_removed_is_gone_and_the_rest_stays() -> None:
    known = files.parse(KEPT).catalogue
    fewer = replace(known, types={"Paid": replace(known.types["Paid"], upcasters=())}, ignored={}, erased=())
    text = files.edited(KEPT, fewer)
    assert files.parse(text).catalogue == fewer
    assert "in euros" in text
    assert "DebugPing" not in text


def test_that_a_written_catalogue_is_read_back_as_it_was(tmp_path: Path) -> None:
    known = files.parse(KEPT + "\nsnapshots: {Account: {current: 2, versions: {null: {}, 2: {}}}}\n").catalogue
    for name in ("new.yaml", "new.json"):
        files.save(known, tmp_path / name)
        assert files.load(tmp_path / name).catalogue == known
    json.loads((tmp_path / "new.json").read_text())
    kept = tmp_path / "kept.yaml"
    kept.write_text(KEPT)
    files.save(Catalogue(), kept)
    assert kept.read_text().startswith("# Our events.")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.yaml", "new.json", "new.yaml"]


def test_that_a_missing_or_torn_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"There is no catalogue .*none\.yaml"):
        files.load(tmp_path / "none.yaml")
    (tmp_path / "torn.yaml").write_bytes(b"types: \xff")
    with pytest.raises(files.CatalogueError, match="is not UTF-8 text"):
        files.load(tmp_path / "torn.yaml")


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)


@given(st.dictionaries(NAMES, NAMES, max_size=4))
def test_that_names_of_any_text_survive_writing(names: dict[str, str]) -> None:
    types = {
        name: EventType(name, current=1, note=note, versions={1: TypeVersion({note: Attribute(("int",), enum=(1,))})})
        for name, note in names.items()
    }
    for as_json in (False, True):
        assert files.parse(files.dump(Catalogue(types), as_json=as_json)).catalogue.types == types


def test_that_types_added_to_an_empty_list_stand_in_lines_of_their_own() -> None:
    known = Catalogue({name: EventType(name, current=1) for name in ("A", "B")})
    assert files.edited("# ours\ntypes: {}\n", known) == "# ours\ntypes:\n  A:\n    current: 1\n  B:\n    current: 1\n"


def test_that_types_may_be_a_list_or_a_set_of_names() -> None:
    for text in ("types: [Opened, Paid]", "types: {Opened, Paid}"):
        assert list(files.parse(text).catalogue.types) == ["Opened", "Paid"]


def test_that_attributes_nested_without_end_are_a_mistake() -> None:
    inner = "int"
    for _ in range(60):
        inner = f"{{type: object, attributes: {{a: {inner}}}}}"
    with pytest.raises(files.CatalogueError, match="nested deeper than 40 levels"):
        files.parse(f"types: {{T: {{versions: {{1: {{attributes: {{a: {inner}}}}}}}}}}}")


def test_that_escapes_of_json_are_read_as_json_means_them() -> None:
    assert list(files.parse('{"types": {"\\ud83d\\ude00": {"current": 1}}}').catalogue.types) == ["\U0001f600"]


def test_that_a_fingerprint_is_that_of_the_meaning() -> None:
    spaced = KEPT.replace("total: number         # in euros", "total: {type: float, nullable: false}")
    assert files.fingerprint(files.parse(spaced).catalogue) == files.fingerprint(files.parse(KEPT).catalogue)
    other = KEPT.replace("current: 2", "current: 3")
    assert files.fingerprint(files.parse(other).catalogue) != files.fingerprint(files.parse(KEPT).catalogue)


def test_that_names_that_are_no_valid_utf8_are_written_as_they_are_shown(tmp_path: Path) -> None:
    torn = TornText.of(b"Caf\xe9")
    known = Catalogue({torn: EventType(torn, versions={1: TypeVersion({torn: Attribute(("string",), enum=(torn,))})})})
    for name in ("c.yaml", "c.json"):
        files.save(known, tmp_path / name)
        assert list(files.load(tmp_path / name).catalogue.types) == ["Caf\\xe9"]


def test_that_what_is_no_catalogue_is_never_replaced_by_one(tmp_path: Path) -> None:
    for name, text in (
        ("p.json", '{"name": "a package", "types": 3}'),
        ("p.yaml", "- a list"),
        ("t.json", "no JSON {"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(files.CatalogueError, match=name):
            files.save(Catalogue({"A": EventType("A")}), tmp_path / name)
        assert (tmp_path / name).read_text() == text
    (tmp_path / "empty.json").write_text("\n")
    files.save(Catalogue({"A": EventType("A")}), tmp_path / "empty.json")
    assert list(files.load(tmp_path / "empty.json").catalogue.types) == ["A"]


def test_that_a_file_that_cannot_be_written_is_told_and_leaves_no_draft(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written: File name too long"):
        files.save(Catalogue({}), tmp_path / ("c" * 300 + ".yaml"))
    (tmp_path / "c.yaml").mkdir()
    with pytest.raises(UsageError, match="cannot be"):
        files.save(Catalogue({}), tmp_path / "c.yaml")
    assert [path.name for path in tmp_path.iterdir()] == ["c.yaml"]
