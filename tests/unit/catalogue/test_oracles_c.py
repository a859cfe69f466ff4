"""Oracles C1 to C3 of the domain guide, on the rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue.advisor import Kind, advise, advise_all, kinds_of
from esviewer.catalogue.compatibility import (
    DataVerdict,
    Level,
    Reader,
    compare,
    for_reader,
    is_gate_open,
    transitive,
)
from esviewer.catalogue.drift import Drift
from esviewer.catalogue.drift_report import report
from esviewer.catalogue.model import MISSING, Attribute, TypeVersion
from esviewer.catalogue.shapes import fits
from esviewer.catalogue.simulator import simulate
from esviewer.catalogue.status import Judge
from tests.unit.catalogue.drawing import catalogue, event, events

C1 = """
1 a/1 Noted {"a": 1}
2 a/2 Noted {"a": 2, "b": null}
3 a/3 Noted {"a": 3, "b": "x"}
4 a/4 Noted {"a": "4", "b": "y"}
"""


def test_C1_presence_types_nulls_and_shape_ranges() -> None:
    drift = Drift().extend(events(C1), Judge(catalogue("types: {Noted: {}}")))
    (found,) = report(drift)
    a, b = found.paths
    assert (a.path, a.present, a.total, a.types, a.changes) == ("a", 4, 4, {"int": 3, "string": 1}, (("string", 4),))
    assert (b.path, b.present, b.total, b.nulls, b.first, b.last) == ("b", 3, 4, 1, 2, 4)
    assert [(str(shape), shape.first, shape.last) for shape in found.shapes] == [
        ("{a: int}", 1, 1),
        ("{a: int, b: string?}", 2, 3),
        ("{a: string, b: string?}", 4, 4),
    ]
    assert a.strength == "too few"


def shape(attributes: str) -> TypeVersion:
    known = catalogue(f"types: {{T: {{versions: {{1: {{attributes: {attributes}}}}}}}}}")
    return known.types["T"].versions[1]


C2 = [
    ("add optional", "{}", "{b: string}", "FULL", "BACKWARD"),
    ("add required with default", "{}", "{b: {type: string, required: true, default: x}}", "FULL", "BACKWARD"),
    ("add required", "{}", "{b: {type: string, required: true}}", "FORWARD", "NONE"),
    ("remove optional", "{b: string}", "{}", "FULL", "FORWARD"),
    ("remove required", "{b: {type: string, required: true}}", "{}", "BACKWARD", "NONE"),
    ("rename required", "{b: {type: string, required: true}}", "{c: {type: string, required: true}}", "NONE", "NONE"),
    ("rename optional", "{b: string}", "{c: string}", "FULL", "NONE"),
    ("string to int", "{b: string}", "{b: int}", "NONE", "NONE"),
    ("int to string", "{b: int}", "{b: string}", "NONE", "NONE"),
    ("scalar to array", "{b: string}", "{b: {type: array, items: string}}", "NONE", "NONE"),
    ("int to number", "{b: int}", "{b: number}", "BACKWARD", "BACKWARD"),
    ("number to int", "{b: number}", "{b: int}", "FORWARD", "FORWARD"),
    ("non-null to nullable", "{b: int}", "{b: 'int?'}", "BACKWARD", "BACKWARD"),
    ("nullable to non-null", "{b: 'int?'}", "{b: int}", "FORWARD", "FORWARD"),
    ("enum add value", "{b: {type: string, enum: [x]}}", "{b: {type: string, enum: [x, y]}}", "BACKWARD", "BACKWARD"),
    ("enum remove value", "{b: {type: string, enum: [x, y]}}", "{b: {type: string, enum: [x]}}", "FORWARD", "FORWARD"),
    ("required to optional", "{b: {type: int, required: true}}", "{b: int}", "BACKWARD", "BACKWARD"),
    ("optional to required", "{b: int}", "{b: {type: int, required: true}}", "FORWARD", "FORWARD"),
    ("tighten limits", "{b: {type: int, maximum: 9}}", "{b: {type: int, maximum: 5}}", "FORWARD", "FORWARD"),
    ("loosen limits", "{b: {type: int, minimum: 2}}", "{b: {type: int}}", "BACKWARD", "BACKWARD"),
]


@pytest.mark.parametrize(("change", "old", "new", "tolerant", "strict"), C2, ids=[row[0] for row in C2])
def test_C2_verdict_of_every_row(change: str, old: str, new: str, tolerant: str, strict: str) -> None:
    verdict = compare(shape(old), shape(new))
    assert (str(verdict.tolerant), str(verdict.strict)) == (tolerant, strict)
    assert bool(verdict.silent_losses) == (change == "rename optional")


def test_C2_nested_objects_and_items_recurse_and_changes_intersect() -> None:
    old = shape(
        "{lines: {type: array, items: {type: object, attributes: {n: int}}}, o: {type: object, attributes: {x: int}}}"
    )
    new = shape(
        "{lines: {type: array, items: {type: object, attributes: {n: number}}}, o: {type: object, attributes: {x: int}}}"
    )
    both = shape(
        "{lines: {type: array, items: {type: object, attributes: {n: number}}}, o: {type: object, attributes: {x: {type: int, required: true}}}}"
    )
    (change,) = compare(old, new).changes
    assert (change.path, str(change.tolerant)) == ("lines[].n", "BACKWARD")
    assert str(compare(old, both).tolerant) == "NONE"


def test_C3_data_verdict_counts_the_nulls_that_are_there() -> None:
    old, new = shape("{b: {type: 'int?', required: true}}"), shape("{b: {type: int, required: true}}")
    verdict = compare(old, new)
    assert str(verdict.tolerant) == "FORWARD"
    clean, soiled = DataVerdict(new), DataVerdict(new)
    for position in range(1, 501):
        clean.see(position, {"b": position})
        soiled.see(position, {"b": None if position in (7, 70, 300) else position})
    assert (str(clean), clean.failing) == ("0 fail", [])
    assert (str(soiled), soiled.failing) == ("3 fail", [7, 70, 300])
    assert soiled.beside(verdict) == "breaking in theory, 3 of 500 stored events affected"


# By brute force: what a verdict promises holds for every document.

ATTRIBUTES = st.builds(
    Attribute,
    types=st.sampled_from([("int",), ("number",), ("string",), ("int", "string"), ()]),
    required=st.booleans(),
    nullable=st.booleans(),
    default=st.sampled_from([MISSING, 1]),
    enum=st.sampled_from([None, (1,), (1, "x")]),
    minimum=st.sampled_from([None, 1]),
)
SHAPES = st.dictionaries(st.sampled_from("abc"), ATTRIBUTES, max_size=3).map(TypeVersion)
VALUES = (MISSING, None, 0, 1, 1.5, "x", "y")


def documents(shape: TypeVersion) -> Iterator[dict[str, object]]:
    """All documents that a writer of this shape may write, of some values."""
    writes = TypeVersion({n: replace(a, default=MISSING) for n, a in shape.attributes.items()}, open=False)
    check = fits(writes) or (lambda _: True)
    for values in product(VALUES, repeat=len(shape.attributes)):
        made: dict[str, object] = {n: v for n, v in zip(shape.attributes, values, strict=True) if v is not MISSING}
        if check(made):
            yield made


@given(SHAPES, SHAPES, st.sampled_from(["tolerant", "strict"]))
def test_that_what_a_verdict_promises_holds_for_every_document(
    old: TypeVersion, new: TypeVersion, reader: Reader
) -> None:
    level = compare(old, new).level(reader)
    for promise, written, read in ((Level.BACKWARD, old, new), (Level.FORWARD, new, old)):
        if promise in level:
            check = fits(for_reader(read, reader)) or (lambda _: True)
            assert all(check(made) for made in documents(written))


def test_that_the_gate_asks_every_stored_version() -> None:
    new = shape("{b: {type: int, required: true}}")
    stored: dict[int | str | None, TypeVersion] = {1: shape("{b: int}"), 2: shape("{b: {type: int, required: true}}")}
    assert not is_gate_open(transitive(stored, new))
    assert is_gate_open(transitive({2: stored[2]}, new))


def test_that_a_draft_is_tried_on_upcast_events() -> None:
    known = catalogue(
        """
        types:
          Paid:
            current: 2
            versions: {1: {attributes: {sum: int}}, 2: {attributes: {total: int}}}
            upcasters: [{from: 1, to: 2, steps: [{rename: {sum: total}}]}]
        """
    )
    stored = [event('1 a/1 Paid {"sum": 1}', schema_version=1), event("2 a/2 Paid {}", schema_version=2)]
    found = simulate(Judge(known), "Paid", shape("{amount: {type: int, required: true}}"), stored)
    assert found.data.failing == [1, 2]
    assert found.stub is not None
    assert (found.stub.source, found.stub.target, [s.name for s in found.stub.steps]) == (2, 3, ["default"])
    assert simulate(Judge(known), "Paid", shape("{total: {type: int, required: true}}"), stored).data.failing == [2]


@pytest.mark.parametrize(
    ("kind", "first", "unsuitable"),
    [
        ("optional attribute added", "weak schema", "in-place"),
        ("attributes reshaped", "upcaster", "weak schema"),
        ("meaning changed", "new event type", "upcaster"),
        ("one event becomes several", "upcaster", "in-place"),
        ("several events become one", "copy-and-transform", "upcaster"),
        ("events change streams", "copy-and-transform", "upcaster"),
        ("a fact was wrong", "compensating event", "in-place"),
    ],
)
def test_that_tactics_are_ranked_as_the_guide_has_them(kind: Kind, first: str, unsuitable: str) -> None:
    advice = advise(kind)
    assert (advice[0].tactic, advice[0].rank) == (first, 1)
    assert unsuitable in [one.tactic for one in advice if one.rank is None]


def test_that_a_rename_beside_an_addition_calls_for_an_upcaster() -> None:
    verdict = compare(shape("{b: {type: int, required: true}}"), shape("{c: {type: int, required: true}, d: int}"))
    advice = advise_all(kinds_of(verdict))
    assert advice[0].tactic == "upcaster"
    assert {one.tactic for one in advice if one.rank is None} == {"weak schema", "in-place"}
