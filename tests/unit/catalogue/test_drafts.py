"""Drafts of a type and candidates for its upcasters: what is edited, what it would do, and what is taken over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue.draft import ShapeDraft
from esviewer.catalogue.dry_run import dry_run, with_candidate
from esviewer.catalogue.merging import joined
from esviewer.catalogue.model import Attribute, Catalogue, EventType, TypeVersion, Upcaster
from esviewer.catalogue.simulator import outline, payloads, upcaster_stub, with_draft
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.catalogue.step_text import StepTextError, read_steps, steps_yaml
from esviewer.cli import run
from esviewer.domain import UsageError
from tests.unit.catalogue.drawing import catalogue, events

PAID = """
types:
  Paid:
    current: 2
    versions:
      1: {attributes: {total: {type: number, required: true}}}
      2:
        attributes:
          total: {type: number, required: true}
          address: {type: object, required: true, attributes: {city: {type: string, required: true}, zip: string}}
          lines: {type: array, items: {type: object, attributes: {sku: {type: string, required: true}}}}
    upcasters: [{from: 1, to: 2, steps: [{default: {address: {city: Utrecht}}}]}]
"""


def draft_of(known: Catalogue) -> ShapeDraft:
    shape = known.types["Paid"].current_shape
    assert shape is not None
    return ShapeDraft(shape)


def test_that_an_untouched_draft_means_what_it_began_with() -> None:
    known = catalogue(PAID)
    draft = draft_of(known)
    assert draft.shape() == known.types["Paid"].versions[2] and not draft.is_edited
    assert [(row.path, row.depth) for row in draft.rows()] == [
        ("total", 0), ("address", 0), ("address.city", 1), ("address.zip", 1), ("lines", 0), ("lines[].sku", 1),
    ]  # fmt: skip


def test_that_renames_are_steps_from_the_outside_in_and_bring_a_payload_into_the_draft() -> None:
    known = catalogue(PAID)
    draft = draft_of(known)
    rows = {row.path: row for row in draft.rows()}
    draft.rename(rows["address"], "place")
    draft.rename(rows["address.city"], "town")
    draft.rename(rows["lines[].sku"], "article")
    assert draft.renames() == {"address": "place", "place.city": "place.town"}
    found = outline(known.types["Paid"], draft.shape(), draft.renames())
    assert found.stub is not None and (found.source, found.target) == (2, 3)
    assert steps_yaml(found.stub.steps) == "- rename: {address: place}\n- rename: {place.city: place.town}\n"
    made = with_draft(known, found, draft.shape(), found.stub.steps)
    stored = events('1 a/1 Paid {"class_version": 2, "total": 3, "address": {"city": "Gouda"}}')
    ((_, _, payload),) = payloads(Judge(made), "Paid", stored)
    assert payload == {"total": 3, "place": {"town": "Gouda"}}


def test_that_a_stub_gives_what_is_required_and_converts_what_has_another_type_inside_objects_too() -> None:
    draft = draft_of(catalogue(PAID))
    rows = {row.path: row for row in draft.rows()}
    new = draft.add(rows["address.city"])
    draft.change(new, required=True, types=("int",))
    draft.change(rows["total"], types=("string",))
    stub = upcaster_stub(catalogue(PAID).types["Paid"].versions[2], draft.shape(), 2, 3, draft.renames())
    assert stub is not None
    assert steps_yaml(stub.steps) == "- default: {address.attribute: 0}\n- convert: {total: string}\n"


def test_that_a_stub_gives_a_value_where_null_is_allowed_no_more() -> None:
    known = catalogue("types: {T: {current: 1, versions: {1: {attributes: {a b: {type: string, required: true,"
                      " nullable: true}}}}}}")  # fmt: skip
    draft = ShapeDraft(known.types["T"].versions[1])
    draft.change(draft.rows()[0], nullable=False, default="it`s")
    found = outline(known.types["T"], draft.shape(), draft.renames())
    assert found.stub is not None
    made = with_draft(known, found, draft.shape(), found.stub.steps)
    stored = events('1 a/1 T {"a b": null}\n2 a/2 T {"a b": ""}')
    assert [payload for _, _, payload in payloads(Judge(made), "T", stored)] == [{"a b": "it`s"}, {"a b": ""}]


def test_that_removed_rows_stay_to_come_back_and_names_are_not_taken_twice() -> None:
    known = catalogue(PAID)
    draft = draft_of(known)
    total = draft.rows()[0]
    draft.remove(total)
    assert "total" not in draft.shape().attributes and total.mark == "removed" and total in draft.rows()
    other = draft.add()
    draft.rename(other, "total")
    with pytest.raises(UsageError, match="rename it first"):
        draft.remove(total)
    draft.remove(other)
    draft.remove(total)
    assert not draft.is_edited
    with pytest.raises(UsageError, match="already"):
        draft.rename(total, "address")


def test_that_a_type_without_an_inside_hides_what_lay_inside_and_brings_it_back() -> None:
    draft = draft_of(catalogue(PAID))
    address = draft.rows()[1]
    draft.change(address, types=("string",))
    assert len(draft.rows()) == 4 and draft.shape().attributes["address"].attributes is None
    draft.change(address, types=("object",))
    assert not draft.is_edited


def test_that_a_draft_takes_the_place_of_the_shape_or_becomes_the_next_version() -> None:
    known = catalogue(PAID)
    draft = draft_of(known)
    draft.add()
    found = outline(known.types["Paid"], draft.shape(), {})
    assert found.stub is None
    same = with_draft(known, found, draft.shape(), None).types["Paid"]
    assert same.current == 2 and "attribute" in same.versions[2].attributes and len(same.upcasters) == 1
    new = with_draft(known, found, draft.shape(), ()).types["Paid"]
    assert new.current == 3 and new.versions[2] == known.types["Paid"].versions[2]
    assert new.upcasters[-1] == Upcaster(2, 3)
    unjudged = Catalogue({"T": EventType("T")})
    first = with_draft(unjudged, outline(unjudged.types["T"], draft.shape()), draft.shape(), ()).types["T"]
    assert first.current == 1 and first.upcasters == ()


def test_that_a_candidate_from_the_current_version_is_tried_on_all_events_whose_chain_leads_through_it() -> None:
    known = catalogue(PAID)
    stored = events(
        '1 a/1 Paid {"total": 3}\n2 a/2 Paid {"class_version": 2, "total": 4, "address": {"city": "x"}}\n'
        '3 a/3 Paid {"class_version": 2, "total": "?", "address": {"city": "x"}}'
    )
    edge = Upcaster(2, 3, parse_steps([{"convert": {"total": "int"}}]))
    assert with_candidate(known, "Paid", edge).types["Paid"].current == 3
    found = dry_run(known, "Paid", edge, stored)
    assert found.tried == 3 and [position for position, _ in found.failures] == [3]
    assert found.after[Status.UPCAST] == 2 and found.after[Status.UPCAST_FAILED] == 1


# Steps as text


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("- rename: {a: b}\n- renme: {c: d}\n", 2, "'renme' is no step"),
        ("- drop: x\n\n# why\n- convert:\n    price: money\n", 4, "Step convert: 'money' is nothing to convert to"),
        ("- emit: [{type: A, attributes: [x]}]\n- drop: x\n", 2, "Emit ends a list"),
        ("- rename: {a: b\n- drop: x\n", 2, "Expected"),
        ("rename: {a: b}\n", 1, "Steps are no list"),
    ],
)
def test_that_a_mistake_in_steps_names_its_line(text: str, line: int, words: str) -> None:
    with pytest.raises(StepTextError) as wrong:
        read_steps(text)
    assert wrong.value.line == line and words in wrong.value.sentence


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: name.isidentifier()),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(max_size=5), max_size=3),
        min_size=1,
    )
)
def test_that_steps_come_back_from_their_text(values: dict[str, object]) -> None:
    steps = parse_steps([{"set": values}, {"drop": "x"}])
    assert read_steps(steps_yaml(steps)) == steps


def test_that_an_empty_text_is_no_steps() -> None:
    assert read_steps("# nothing yet\n") == ()


# A second source


def test_that_what_a_store_shows_comes_after_sources_and_makes_no_type_known() -> None:
    shape = TypeVersion({"n": Attribute(("int",))})
    seen = Catalogue({"A": EventType("A", current=1, versions={1: shape}), "Old": EventType("Old")}, inferred=True,
                     origin="store")  # fmt: skip
    sources = Catalogue({"A": EventType("A", current=2, versions={2: TypeVersion()})}, origin="sources")
    for one in (joined(seen, sources), joined(sources, seen)):
        assert set(one.types) == {"A"} and one.types["A"].current == 2 and set(one.types["A"].versions) == {1, 2}
        assert not one.inferred


def test_that_the_command_line_reads_schema_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    schema = {"title": "OrderPlaced", "type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    (tmp_path / "order_placed.v2.json").write_text(json.dumps(schema))
    with sqlite3.connect(tmp_path / "s.sqlite") as writer:
        writer.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB,"
            " PRIMARY KEY (originator_id, originator_version))"
        )
    assert run(["catalogue", str(tmp_path / "s.sqlite"), "--schemas", str(tmp_path), "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["types"]["OrderPlaced"]["versions"]["2"]["attributes"]["id"] == {"type": "string", "required": True}
