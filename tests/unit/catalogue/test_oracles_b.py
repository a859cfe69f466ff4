"""Oracles B1 to B8 of the domain guide, on the rule."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue.chains import in_order
from esviewer.catalogue.coverage import Coverage
from esviewer.catalogue.inference import infer
from esviewer.catalogue.status import Judge, Status
from esviewer.catalogue.values import digest, is_same
from esviewer.checks import run
from esviewer.checks.drift import DriftRules
from esviewer.domain import Value
from tests.unit.catalogue.drawing import catalogue, event, validated, versioned


def test_B1_event_without_class_version_is_upcast_and_left_alone() -> None:
    made = event('1 a/1 Registered {"name": "Ann"}')
    found = Judge(
        catalogue(
            "types: {Registered: {current: 2, upcasters: [{from: 1, to: 2, steps: [{default: {reason: null}}]}]}}"
        )
    ).assess(made)
    assert found.status is Status.UPCAST
    assert found.events is not None
    assert [draft.data for draft in found.events] == [{"name": "Ann", "reason": None}]
    assert made.data == {"name": "Ann"}


def test_B3_suffix_is_a_version_only_where_the_base_is_known() -> None:
    seen = infer(event(f"{n} a/{n} {name}") for n, name in enumerate(("OrderPlaced", "OrderPlaced_v2", "Ipv4")))
    assert {name: set(known.versions) for name, known in seen.types.items()} == {"OrderPlaced": {1, 2}, "Ipv4": {1}}
    judge = Judge(catalogue("types: {OrderPlaced: {current: 2}, Ipv4: {current: 1}}"))
    assert judge.assess(event("1 a/1 OrderPlaced_v2")).version == 2
    assert judge.assess(event("1 a/1 Ipv4")).version == 1
    assert judge.assess(event("1 a/1 Ipv4", schema_version=4)).version == 1


def test_B4_order_of_revisions_is_that_of_the_chain() -> None:
    known = catalogue(
        """
        types:
          Opened:
            current: "10.0"
            upcasters:
              - {from: "2.0", to: "10.0"}
              - {from: null, to: "1.0", steps: [{default: {n: 0}}]}
              - {from: "1.0", to: "2.0"}
        """
    )
    judge = Judge(known)
    assert in_order(known.types["Opened"]) == [None, "1.0", "2.0", "10.0"]
    found = judge.assess(event("1 a/1 Opened", schema_version=None))
    assert found.status is Status.UPCAST
    assert len(judge.chains.plan(("Opened", None)) or ()) == 3
    statuses = [judge.status(event("1 a/1 Opened", schema_version=v)) for v in ("1.0", "2.0", "10.0", "11.0")]
    assert statuses == [Status.UPCAST, Status.UPCAST, Status.CURRENT, Status.FROM_FUTURE]


def test_B5_shape_alone_tells_the_version() -> None:
    judge = Judge(
        catalogue(
            """
            types:
              Ordered:
                current: 2
                versions:
                  1: {attributes: {id: {type: int, required: true}}}
                  2: {attributes: {id: {type: int, required: true}, currency: {type: string, required: true}}}
                upcasters: [{from: 1, to: 2, steps: [{default: {currency: EUR}}]}]
            """
        )
    )
    old = judge.assess(event('1 a/1 Ordered {"id": 1}'))
    assert (old.version, old.status) == (1, Status.UPCAST)
    assert judge.status(event('1 a/1 Ordered {"id": 1, "currency": "EUR"}')) is Status.CURRENT
    assert judge.status(event('1 a/1 Ordered {"ref": 1}')) is Status.SHAPE_MISMATCH


def test_B8_one_event_becomes_two() -> None:
    found = Judge(
        catalogue(
            """
            types:
              AddressChanged:
                current: 2
                upcasters:
                  - from: 1
                    to: 2
                    steps: [{emit: [{type: Moved, attributes: [street]}, {type: PhoneSet, attributes: [phone]}]}]
              Moved: {current: 1}
              PhoneSet: {current: 1}
            """
        )
    ).assess(event('7 a/7 AddressChanged {"street": "Kade 1", "phone": "7"}'))
    assert found.status is Status.UPCAST
    assert found.events is not None
    assert [(d.type, d.version, d.data) for d in found.events] == [
        ("Moved", 1, {"street": "Kade 1"}),
        ("PhoneSet", 1, {"phone": "7"}),
    ]


B2_TYPE = "types: {Paid: {current: 3, upcasters: [%s]}}"
B2_STORED: dict[int | str | None, int] = {1: 40, 2: 10, 3: 50}


def covered(text: str) -> tuple[int, int, int]:
    judge, coverage = Judge(catalogue(text)), Coverage()
    for made in versioned("Paid", B2_STORED):
        coverage.see(made, judge.assess(made))
    total = coverage.totals("Paid")
    return total.current, total.upcastable, total.blocked


def test_B2_gap_blocks_all_versions_before_it() -> None:
    text = B2_TYPE % "{from: 1, to: 2}"
    problems = validated(catalogue(text), versioned("Paid", B2_STORED))
    assert [(p.code, p.version) for p in problems] == [("U-END", 2), ("U-GAP", 2)]
    assert str(problems[0].edge) == "1→2"
    assert problems[1].positions == tuple(range(41, 51))
    assert covered(text) == (50, 0, 50)


def test_B2_with_the_missing_edge_nothing_is_blocked() -> None:
    text = B2_TYPE % "{from: 1, to: 2}, {from: 2, to: 3}"
    assert validated(catalogue(text), versioned("Paid", B2_STORED)) == []
    assert covered(text) == (50, 50, 0)


def codes(known: str, stored: dict[int | str | None, int]) -> list[str]:
    return sorted(p.code for p in validated(catalogue(known), versioned("Paid", stored, {"a": 1})))


def test_B6_edges_that_disagree_lead_round_back_or_are_not_needed() -> None:
    two = "types: {Paid: {current: 2, upcasters: [{from: 1, to: 2, steps: [{set: {b: 1}}]}, %s]}}"
    assert codes(two % "{from: 1, to: 2, steps: [{set: {b: 2}}]}", {1: 3}) == ["U-DUP"]
    assert codes(two % "{from: 1, to: 2, steps: [{default: {b: 1}}]}", {1: 3}) == []
    assert codes(two % "{from: 2, to: 1}", {1: 3}) == ["U-BACK", "U-CYCLE"]
    assert codes("types: {Paid: {current: 3, upcasters: [{from: 3, to: 2}]}}", {3: 3}) == ["U-BACK"]
    assert codes(two % "{from: 0, to: 1}", {1: 3}) == ["U-UNUSED"]


def test_B7_merge_is_lossy_where_inputs_meet_and_rename_is_not() -> None:
    one = "types: {Named: {current: 2, upcasters: [{from: 1, to: 2, steps: [%s]}]}}"
    stored = [
        event('1 a/1 Named {"first": "A B", "last": "C"}'),
        event('2 b/1 Named {"first": "A", "last": "B C"}'),
    ]
    problems = validated(catalogue(one % "{merge: {attributes: [first, last], into: name}}"), stored)
    assert {p.code for p in problems} == {"U-LOSSY"}
    (collided,) = [p for p in problems if "2 → 1" in p.sentence]
    assert collided.positions == (1, 2)
    assert validated(catalogue(one % "{rename: {first: given}}"), stored) == []


def test_that_outputs_are_told_apart_that_python_hashes_alike() -> None:
    known = catalogue("types: {Paid: {current: 2, upcasters: [{from: 1, to: 2, steps: [{convert: {n: int}}]}]}}")
    stored = [event(f'{n} s/{n} Paid {{"n": "{value}"}}', schema_version=1) for n, value in enumerate((-1, -2), 1)]
    assert [one for one in validated(known, stored) if one.positions] == []


def test_that_the_first_of_inputs_that_meet_is_listed_even_at_position_0() -> None:
    known = catalogue("types: {Paid: {current: 2, upcasters: [{from: 1, to: 2, steps: [{set: {n: 7}}]}]}}")
    stored = [event(f'{n} s/{n} Paid {{"n": {n % 3}}}', schema_version=1) for n in range(5)]
    (lossy,) = validated(known, stored)
    assert (lossy.code, lossy.positions, "3 → 1" in lossy.sentence) == ("U-LOSSY", (0, 1, 2), True)


def test_that_events_without_a_position_are_counted_and_not_given_one() -> None:
    steps = "steps: [{set: {n: 7}}]"
    known = catalogue(f"types: {{Paid: {{current: 3, upcasters: [{{from: 1, to: 3, {steps}}}]}}}}")
    stored = [
        event(f'{n} s/{n} Paid {{"n": {n}}}', schema_version=version, position=None)
        for n, version in enumerate((1, 1, 2, 3), 1)
    ]
    found = {problem.code: problem for problem in validated(known, stored)}
    assert {code: (problem.positions, len(problem.unplaced)) for code, problem in found.items()} == {
        "U-GAP": ((), 1),
        "U-LOSSY": ((), 2),
        "U-IDEMP": ((), 1),
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(width=16) | st.text("a:{", max_size=3)
    | st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(VALUES, VALUES)
def test_that_a_digest_is_the_same_just_for_what_is_the_same(left: Value, right: Value) -> None:
    assert (digest([left]) == digest([right])) == is_same(left, right)
    assert digest([left, right]) != digest([[left, right]])


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (0.0, -0.0),
        (float("nan"), float("nan")),
        (Decimal("1.0"), Decimal("1.00")),
        (Decimal("0"), Decimal("-0E+5")),
        (Decimal("100"), Decimal("1E+2")),
        ([1], (1,)),
    ],
)
def test_that_spellings_of_one_value_have_one_digest(left: Value, right: Value) -> None:
    assert digest([left]) == digest([right]) and is_same(left, right)


def test_that_statuses_without_a_version_make_no_mixed_writers() -> None:
    known = catalogue(
        "types: {Paid: {current: 2, upcasters: [{from: 1, to: 2}]}, Ping: {current: 2}}\n"
        "erased: [{stream: gone}]\nignored: {Ping: {}}"
    )
    stored = [
        event('1 a/1 Paid {"n": 1}', schema_version=2),
        event("2 b/1 Paid", schema_version=2, data=None, undecodable="torn"),
        event('3 gone/1 Paid {"n": "x"}', schema_version=2),
        *[event(f'{n} c/{n} Ping {{"n": {n if n % 2 else chr(34) * 2}}}', schema_version=2) for n in range(4, 9)],
    ]
    judge, coverage = Judge(known), Coverage()
    for one in stored:
        coverage.see(one, judge.assess(one))
    assert [cover.late for cover in coverage.covers.values() if cover.late] == []
    assert run(stored, known, [rule.name for rule in DriftRules.rules]) == []
