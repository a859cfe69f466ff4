"""Oracles A1 to A4 of the domain guide, on the rule; what replays do of them comes with the projections."""

from __future__ import annotations

from collections import Counter

from esviewer.catalogue.status import STOPPING, Judge, Status
from tests.unit.catalogue.drawing import catalogue, event, events

A1_EVENTS = """
1 a/1 Opened
2 a/2 Bonus
3 a/3 Paid
4 b/1 Opened
"""
A1_CATALOGUE = "types: {Opened: {}, Paid: {}}"


def test_A1_unknown_event_is_found_at_its_position() -> None:
    judge = Judge(catalogue(A1_CATALOGUE))
    statuses = {e.position: judge.status(e) for e in events(A1_EVENTS)}
    assert statuses == {1: Status.CURRENT, 2: Status.UNKNOWN_TYPE, 3: Status.CURRENT, 4: Status.CURRENT}
    assert [position for position, status in statuses.items() if status in STOPPING] == [2]


def test_A2_later_version_is_from_the_future_even_if_its_payload_fits() -> None:
    judge = Judge(catalogue("types: {Paid: {current: 2, versions: {2: {attributes: {total: {type: int}}}}}}"))
    for made in (
        event('1 a/1 Paid {"total": 1}', schema_version=3),
        event('1 a/1 Paid {"total": 1, "class_version": 3}'),
    ):
        found = judge.assess(made)
        assert found.status is Status.FROM_FUTURE
        assert found.reasons == ("version 3 is later than 2, the current one",)
    assert judge.status(event('1 a/1 Paid {"total": 1}', schema_version=2)) is Status.CURRENT


def test_A3_ignored_type_is_counted_as_ignored() -> None:
    judge = Judge(catalogue('types: {Opened: {}}\nignored: {DebugPing: {reason: "load test 2023"}}'))
    counts = Counter(judge.status(e) for e in events("1 a/1 Opened\n2 a/2 DebugPing\n3 a/3 Opened"))
    assert counts == {Status.CURRENT: 2, Status.IGNORED: 1}
    assert not STOPPING & set(counts)


def test_A4_alias_is_current_and_without_it_the_hint_says_so() -> None:
    moved = event("1 a/1 old.mod:Opened")
    assert Judge(catalogue('types: {Opened: {aliases: ["old.mod:Opened"]}}')).status(moved) is Status.CURRENT
    found = Judge(catalogue("types: {Opened: {}}")).assess(moved)
    assert found.status is Status.UNKNOWN_TYPE
    assert found.hint is not None and found.hint.startswith("rename needs alias: if this is Opened")


def test_that_the_ladder_is_climbed_in_order() -> None:
    judge = Judge(
        catalogue(
            """
            types:
              Paid:
                current: 3
                versions: {3: {attributes: {email: string, total: {type: number, required: true}}}}
                upcasters:
                  - {from: 2, to: 3, steps: [{convert: {total: number}}]}
            ignored: {Ping: {}}
            erased: [{stream: gone, attributes: [email], reason: "request 114"}]
            """
        )
    )
    broken = {"undecodable": "no JSON", "data": None}
    cases = [
        (event("1 a/1 Ping", **broken), Status.IGNORED),
        (event("1 gone/1 Bonus", **broken), Status.UNKNOWN_TYPE),
        (event("1 gone/1 Paid", **broken), Status.ERASED),
        (event("1 a/1 Paid", schema_version=9, **broken), Status.UNDECODABLE),
        (event("1 a/1 Paid", schema_version=4), Status.FROM_FUTURE),
        (event("1 a/1 Paid", schema_version=1), Status.BLOCKED),
        (event('1 a/1 Paid {"total": "x"}', schema_version=2), Status.UPCAST_FAILED),
        (event("1 a/1 Paid", schema_version=2), Status.UPCAST_FAILED),
        (event('1 a/1 Paid {"total": "7"}', schema_version=2), Status.UPCAST),
        (event('1 a/1 Paid {"total": "7"}', schema_version=3), Status.SHAPE_MISMATCH),
        (event('1 a/1 Paid {"total": 7}', schema_version=3), Status.CURRENT),
    ]
    assert [judge.status(made) for made, _ in cases] == [status for _, status in cases]


def test_that_nothing_is_unknown_against_an_inferred_catalogue() -> None:
    judge = Judge(catalogue("inferred: true\ntypes: {Opened: {current: 1}}"))
    assert judge.status(event("1 a/1 Bonus")) is Status.CURRENT
    assert judge.status(event("1 a/1 Bonus", undecodable="no JSON", data=None)) is Status.UNDECODABLE
