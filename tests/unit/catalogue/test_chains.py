"""Chains that branch, change types and end in nothing; candidates, previews and samples."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue.chains import Chains, in_order
from esviewer.catalogue.coverage import Coverage
from esviewer.catalogue.dry_run import dry_run
from esviewer.catalogue.model import EventType, Upcaster
from esviewer.catalogue.preview import Sample, preview
from esviewer.catalogue.status import Judge, Status, snapshot_judge
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.catalogue.steps import Draft, run
from tests.unit.catalogue.drawing import catalogue, event, validated, versioned

MOVES = """
types:
  AddressChanged:
    current: 3
    upcasters:
      - {from: 1, to: 2, steps: [{split: {attribute: name, into: [first, last]}}]}
      - from: 2
        to: 3
        steps: [{emit: [{type: Moved, version: 1, attributes: [street], when: street}, {type: Named, attributes: [first, last]}]}]
  Moved:
    current: 2
    upcasters: [{from: 1, to: 2, steps: [{rename: {street: road}}]}]
  Named: {current: 5}
"""


def test_that_each_output_goes_on_by_its_own_chain() -> None:
    judge = Judge(catalogue(MOVES))
    found = judge.assess(event('7 a/1 AddressChanged {"name": "Ann Lee", "street": "Kade"}', schema_version=1))
    assert found.events is not None
    assert [(d.type, d.version, d.data) for d in found.events] == [
        ("Moved", 2, {"road": "Kade"}),
        ("Named", 5, {"first": "Ann", "last": "Lee"}),
    ]
    without = judge.assess(event('8 a/2 AddressChanged {"name": "Ann Lee"}', schema_version=1))
    assert without.events is not None
    assert [d.type for d in without.events] == ["Named"]


def test_that_an_event_whose_outputs_have_no_chain_is_blocked() -> None:
    judge = Judge(catalogue(MOVES.replace("{from: 1, to: 2, steps: [{rename: {street: road}}]}", "")))
    made = event('7 a/1 AddressChanged {"name": "Ann Lee"}', schema_version=1)
    assert judge.status(made) is Status.BLOCKED


def test_that_an_event_may_become_one_of_another_type_or_none() -> None:
    judge = Judge(
        catalogue(
            """
            types:
              Old:
                current: 2
                upcasters: [{from: 1, to: 4, type: New, steps: [{set: {n: 1}}]}]
              Gone: {current: 2, upcasters: [{from: 1, to: 2, steps: [discard]}]}
              New: {current: 4, versions: {4: {attributes: {n: {type: int, required: true}}}}}
            """
        )
    )
    (made,) = judge.assess(event("1 a/1 Old", schema_version=1)).events or ()
    assert (made.type, made.version, made.data) == ("New", 4, {"n": 1})
    gone = judge.assess(event("2 a/2 Gone", schema_version=1))
    assert (gone.status, gone.events) == (Status.UPCAST, ())


def test_that_a_circle_over_two_types_is_found_once() -> None:
    known = catalogue(
        """
        types:
          A: {current: 2, upcasters: [{from: 1, to: 1, type: B}]}
          B: {current: 2, upcasters: [{from: 1, to: 1, type: A}]}
        """
    )
    problems = validated(known, [])
    assert [(p.code, p.type) for p in problems if p.code == "U-CYCLE"] == [("U-CYCLE", "A")]
    assert Judge(known).status(event("1 a/1 A", schema_version=1)) is Status.BLOCKED


def test_that_a_preview_shows_every_hop_and_where_it_stops() -> None:
    judge = Judge(
        catalogue(
            """
            types:
              Named:
                current: 3
                versions: {3: {attributes: {locale: {type: string, required: true}}}}
                upcasters:
                  - {from: 1, to: 2, steps: [{split: {attribute: name, into: [first, last]}}]}
                  - {from: 2, to: 3, steps: [{default: {locale: en}}]}
            """
        )
    )
    shown = preview(judge, event('1 a/1 Named {"name": "Ann Lee", "class_version": 1}'))
    assert [(str(hop.edge), hop.after[0].data) for hop in shown.hops] == [
        ("1→2", {"first": "Ann", "last": "Lee"}),
        ("2→3", {"first": "Ann", "last": "Lee", "locale": "en"}),
    ]
    assert shown.final[0].data == {"first": "Ann", "last": "Lee", "locale": "en"}
    stopped = preview(judge, event('2 a/2 Named {"name": "Ann"}', schema_version=1))
    assert (stopped.hops, stopped.final, stopped.failure) == ((), (), "name has 1 of the 2 parts to be split into")


def test_that_a_candidate_is_tried_on_all_its_events() -> None:
    known = catalogue("types: {Paid: {current: 2, versions: {2: {attributes: {n: int}}}}}")
    stored = [event(f'{n} a/{n} Paid {{"n": "{n if n % 3 else "x"}"}}', schema_version=1) for n in range(1, 10)]
    stored.append(event('10 a/10 Paid {"n": 1}', schema_version=2))
    found = dry_run(known, "Paid", Upcaster(1, 2, parse_steps([{"convert": {"n": "int"}}])), stored)
    assert (found.tried, [position for position, _ in found.failures]) == (9, [3, 6, 9])
    assert found.before == {Status.BLOCKED: 9, Status.CURRENT: 1}
    assert found.after == {Status.UPCAST: 6, Status.UPCAST_FAILED: 3, Status.CURRENT: 1}
    assert {p.code for p in found.problems} == {"U-LOSSY", "U-RAISES"}
    assert [e.position for e in found.sample.failures] == [3, 6, 9]


def test_that_a_sample_has_the_ends_the_extremes_and_all_failures() -> None:
    sample = Sample()
    for n in range(1, 1001):
        size = 50 if n == 300 else 0 if n == 700 else 9
        status = Status.UPCAST_FAILED if n in (400, 401) else Status.UPCAST
        sample.see(event(f'{n} a/{n} T {{"x": "{"y" * size}"}}'), status)
    positions = {e.position for e in sample.events}
    assert positions >= {1, 1000, 300, 700, 400, 401}
    assert len(positions) <= 16


def test_that_snapshots_have_a_chain_of_their_own() -> None:
    judge = snapshot_judge(
        catalogue(
            "types: {}\nsnapshots: {Member: {current: 2, upcasters: [{from: 1, to: 2, steps: [{rename: {a: b}}]}]}}"
        )
    )
    found = judge.assess(event('1 m/9 Member {"a": 1}'))
    assert (found.status, found.events and found.events[0].data) == (Status.UPCAST, {"b": 1})
    assert judge.status(event('1 m/9 Member {"b": 1, "class_version": 2}')) is Status.CURRENT


def test_that_old_writers_are_seen_by_the_order_of_the_chain() -> None:
    judge = Judge(catalogue('types: {A: {current: "10.0", upcasters: [{from: "2.0", to: "10.0"}]}}'))
    coverage = Coverage()
    for made in versioned("A", {"2.0": 2, "10.0": 1}):
        coverage.see(made, judge.assess(made))
    late = event("9 a/1 A", schema_version="2.0")
    coverage.see(late, judge.assess(late))
    cover = coverage.covers["A", "2.0"]
    assert (cover.count, cover.late, cover.first_position, cover.last_position) == (3, [9], 1, 9)
    assert coverage.covers["A", "10.0"].late == []


LABELS = st.lists(st.sampled_from(["1.0", "10.0", "2.0", "a", "b", 3, None]), min_size=2, max_size=5, unique=True)


@given(LABELS, st.randoms())
def test_that_versions_are_in_the_order_of_the_chain_whatever_they_are_called(labels: list[Any], dice: Random) -> None:
    edges = [
        Upcaster(old, new, parse_steps([{"set": {"last": str(new)}}, {"default": {f"v{n}": n}}]))
        for n, (old, new) in enumerate(pairwise(labels))
    ]
    dice.shuffle(edges)
    known = EventType("T", current=labels[-1], upcasters=tuple(edges))
    assert in_order(known) == labels
    chains = Chains({"T": known})
    for left, label in enumerate(labels):
        plan = chains.plan(("T", label))
        assert plan is not None
        assert [edge.source for edge in plan] == labels[left:-1]
        (made,) = chains.upcast(("T", label), {})
        stepwise: dict[str, Any] = {}
        for edge in plan:
            (stepped,) = run(edge.steps, Draft("T", edge.source, stepwise))
            stepwise = stepped.data
        assert (made.version, made.data) == (labels[-1], stepwise)


def test_that_only_the_end_of_a_path_is_reported_and_not_one_made_for_later() -> None:
    known = catalogue("types: {A: {current: 3, upcasters: [{from: 0, to: 1}, {from: 1, to: 2}, {from: 3, to: 4}]}}")
    assert [(p.code, str(p.edge)) for p in validated(known, [])] == [("U-END", "1→2")]
