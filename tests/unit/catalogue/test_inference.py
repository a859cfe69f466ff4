"""The catalogue of a store's events."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from esviewer.catalogue import files
from esviewer.catalogue.inference import infer
from esviewer.catalogue.merging import merged
from esviewer.catalogue.model import Attribute
from esviewer.catalogue.status import Judge, Status
from tests.unit.catalogue.drawing import catalogue, event, versioned
from tests.unit.catalogue.test_drift import STORES, made


def test_that_types_versions_and_shapes_are_as_they_were_seen() -> None:
    stored = [
        event(f'{n} a/{n} Paid {{"total": {n}, "note": null, "lines": [{{"n": 1.5}}, {{"n": 1}}]}}')
        for n in range(1, 21)
    ]
    known = infer(stored)
    assert (known.inferred, known.origin) == (True, "store")
    paid = known.types["Paid"]
    assert (paid.current, list(paid.versions)) == (1, [1])
    line = Attribute(("object",), attributes={"n": Attribute(("number",), required=True)})
    assert paid.versions[1].attributes == {
        "total": Attribute(("int",), required=True),
        "note": Attribute(required=True, nullable=True),
        "lines": Attribute(("array",), required=True, items=line),
    }


def test_that_nothing_is_required_of_a_handful_of_events() -> None:
    known = infer(event(f'{n} a/{n} Paid {{"total": 1}}') for n in range(1, 20))
    assert not known.types["Paid"].versions[1].attributes["total"].required


def test_that_suffixes_are_versions_and_null_is_one_beside_others() -> None:
    stored = [event("1 a/1 OrderPlaced"), event("2 a/2 OrderPlaced_v2"), event("3 a/3 Ipv4")]
    known = infer(stored)
    assert {name: list(t.versions) for name, t in known.types.items()} == {"OrderPlaced": [1, 2], "Ipv4": [1]}
    defaulted = infer([event("1 a/1 Paid", schema_version=1), event("2 a/2 Paid_v2", schema_version=1)])
    assert list(defaulted.types["Paid"].versions) == [1, 2]
    revised = infer(versioned("Opened", {None: 2, "1.0": 1, "10.0": 1, "2.0": 1}))
    assert list(revised.types["Opened"].versions) == [None, "1.0", "2.0", "10.0"]
    assert revised.types["Opened"].current == "10.0"


@given(STORES)
def test_that_events_fit_the_catalogue_that_was_inferred_of_them(payloads: list[tuple[dict[str, object], int]]) -> None:
    stored = made(payloads)
    known = infer(stored)
    assert files.parse(files.dump(known)).catalogue == known
    confirmed = Judge(replace(known, inferred=False))
    assert {confirmed.status(one) for one in stored} <= {Status.CURRENT, Status.BLOCKED}
    assert {Judge(known).status(one) for one in stored} <= {Status.CURRENT}


def test_that_what_is_kept_by_hand_is_right_in_a_merge() -> None:
    mine = catalogue("types: {Paid: {current: 2, versions: {2: {attributes: {total: number}}}}}")
    theirs = catalogue('types: {Paid: {aliases: ["shop:Paid"], current: 1, versions: {1: {}, 2: {}}}, Opened: {}}')
    found = merged(mine, theirs)
    paid = found.types["Paid"]
    assert (paid.current, paid.aliases, set(paid.versions), set(found.types)) == (
        2,
        ("shop:Paid",),
        {1, 2},
        {"Paid", "Opened"},
    )
    assert list(paid.versions[2].attributes) == ["total"]
    assert set(merged(mine, theirs, add_types=False).types) == {"Paid"}
