"""Rules over events: the oracles A and B as findings, and what a run promises."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from esviewer.catalogue.steps import Draft, StepFailed
from esviewer.checks import Checking, run, select
from esviewer.checks.registry import FAMILIES, RULES, STORE_FAMILIES
from esviewer.domain import Event, UsageError
from esviewer.domain.finding import Finding, is_at_least
from tests.unit.catalogue.drawing import catalogue, event, events, versioned


def found(text: str, stored: Iterable[Event], *rules: str) -> dict[tuple[str, str], Finding]:
    return {(one.rule, one.scope): one for one in run(stored, catalogue(text), rules or None)}


def test_A1_unknown_type_is_one_finding_with_all_its_events() -> None:
    stored = events("1 a/1 Opened\n2 a/2 Bonus\n3 a/3 Paid\n4 b/1 Bonus")
    (finding,) = found("types: {Opened: {}, Paid: {}}", stored, "unknown-type").values()
    assert finding.as_object() == {
        "rule": "unknown-type",
        "severity": "error",
        "scope": "Bonus",
        "positions": [2, 4],
        "evidence": ["2 events of type Bonus.", "The catalogue has no type or alias of this name: 2 events."],
        "confidence": "certain",
        "next_step": "Add the type to the catalogue, an alias if it was renamed, or list it under ignored.",
    }


def test_A2_to_A4_are_findings() -> None:
    text = 'types: {Opened: {current: 2}}\nignored: {Ping: {reason: "load test"}}'
    stored = [event("1 a/1 Opened", schema_version=3), event("2 a/2 Ping"), event("3 a/3 old.mod:Opened")]
    seen = found(text, stored, "from-future", "ignored", "unknown-type")
    assert {key: one.positions for key, one in seen.items()} == {
        ("unknown-type", "old.mod:Opened"): (3,),
        ("from-future", "Opened"): (1,),
        ("ignored", "Ping"): (2,),
    }
    renamed = seen["unknown-type", "old.mod:Opened"]
    assert renamed.evidence[-1].startswith("Hint: rename needs alias: if this is Opened")
    assert renamed.next_step.startswith("Rename needs alias: if this is Opened")


def test_B2_gap_end_and_blocked_name_their_events() -> None:
    text = "types: {Paid: {current: 3, upcasters: [{from: 1, to: 2}]}}"
    seen = found(text, versioned("Paid", {1: 40, 2: 10, 3: 50}))
    assert seen["upcaster-gap", "Paid"].positions == tuple(range(41, 51))
    assert seen["upcaster-end", "Paid"].positions == ()
    assert seen["blocked", "Paid"].positions == tuple(range(1, 51))
    assert "Version 1, where 3 is current: 40 events." in seen["blocked", "Paid"].evidence


def test_B7_lossy_merge_says_two_to_one() -> None:
    text = (
        "types: {Named: {current: 2, upcasters: [{from: 1, to: 2, steps: [{merge: {attributes: [a, b], into: c}}]}]}}"
    )
    stored = events('1 a/1 Named {"a": "A B", "b": "C"}\n2 a/2 Named {"a": "A", "b": "B C"}')
    finding = found(text, stored)["upcaster-lossy", "Named"]
    assert finding.positions == (1, 2)
    assert any("2 → 1" in sentence for sentence in finding.evidence)


def test_that_every_code_of_a_function_is_found_from_what_its_runner_says() -> None:
    text = "types: {Paid: {current: 2, versions: {2: {attributes: {n: int}}}, upcasters: [{from: 1, to: 2, function: 'm:f'}]}}"
    ticks = iter(range(100))

    def runner(function: str, draft: Draft, edge: object, event: Event | None) -> list[Draft]:
        assert function == "m:f"
        match draft.data["n"]:
            case 1:
                raise StepFailed("it did not end in time")
            case 2:
                return [Draft("Paid", 2, {"n": "two"})]
            case 3:
                return [Draft("Paid", 2, {"n": next(ticks)})]
            case _:
                return [Draft("Paid", 2, dict(draft.data), touched=("time",), looked_up=("a file",))]

    checking = Checking(catalogue(text), runner=runner)
    for n in range(1, 5):
        checking.see(event(f'{n} a/{n} Paid {{"n": {n}}}', schema_version=1))
    seen = {one.rule: one.positions for one in checking.findings() if one.rule.startswith("upcaster-")}
    assert seen == {
        "upcaster-raises": (1,),
        "upcaster-invalid": (2,),
        "upcaster-nondeterministic": (3,),
        "upcaster-identity": (4,),
        "upcaster-lookup": (4,),
    }
    assert checking.statuses == {"UPCAST-FAILED": 2, "UPCAST": 2}


def test_that_code_that_was_not_run_is_said() -> None:
    text = "types: {Paid: {current: 2, upcasters: [{from: 1, to: 2, function: 'm:f'}]}}"
    finding = found(text, [event("1 a/1 Paid", schema_version=1)])["upcast-needed", "Paid"]
    assert "Led through Python code, which was not run: 1 event." in finding.evidence


def test_that_a_conflict_of_versions_is_a_warning() -> None:
    finding = found("types: {Paid: {current: 3}}", [event('1 a/1 Paid {"class_version": 2}', schema_version=3)])[
        "version-conflict", "Paid"
    ]
    assert (finding.severity, finding.positions) == ("warn", (1,))


def test_that_an_unknown_rule_is_refused_with_advice() -> None:
    with pytest.raises(UsageError, match="There is no rule unkown-type: did you mean unknown-type"):
        select(["unkown-type"])


def test_that_only_chosen_rules_are_found_and_counted() -> None:
    checking = Checking(catalogue("types: {A: {}}"), ["unknown-type", "undecodable"])
    checking.see(event("1 a/1 B"))
    findings = checking.findings()
    assert checking.counts(findings) == {"undecodable": 0, "unknown-type": 1}


def test_that_rules_have_names_of_their_own_and_sentences() -> None:
    assert len(RULES) == sum(len(family.rules) for family in (*FAMILIES, *STORE_FAMILIES))
    for rule in RULES.values():
        assert rule.sentence.endswith(".") and rule.next_step.endswith(".")


def test_that_severities_are_ordered() -> None:
    assert [is_at_least(one, "warn") for one in ("error", "warn", "info")] == [True, True, False]


def test_that_an_event_without_position_is_counted() -> None:
    from dataclasses import replace

    finding = found("types: {A: {}}", [replace(event("1 a/1 B"), position=None)])["unknown-type", "B"]
    assert (finding.positions, finding.evidence[-1]) == ((), "Without a position: 1 event.")


def test_that_drift_is_reported_by_type_with_and_without_a_catalogue() -> None:
    stored = [event(f'{n} a/{n} Paid {{"due": "d{n % 9}", "n": {n}}}', schema_version=1) for n in range(1, 121)]
    stored += [event(f'{n} a/{n} Paid {{"due_on": "d{n % 9}", "n": "{n}"}}', schema_version=2) for n in range(121, 241)]
    stored += [event('241 a/241 Paid {"due": "d1", "n": "x"}', schema_version=1)]
    rules = ("type-change", "mixed-writers", "rename-guess", "rare-shape")
    for text in ("types: {Paid: {current: 2, upcasters: [{from: 1, to: 2}]}}", "inferred: true"):
        seen = found(text, stored, *rules)
        assert seen["mixed-writers", "Paid"].positions == (241,)
        assert seen["type-change", "Paid"].positions == (241,)
        assert seen["type-change", "Paid"].evidence == ("n of version 1 was int and is string from 241 on.",)
        assert seen["rare-shape", "Paid"].positions == (241,)
    renamed = found("types: {Paid: {current: 2}}", stored[:-1], *rules)
    assert renamed["rename-guess", "Paid"].positions == (120, 121)
    known = "types: {Paid: {current: 2, upcasters: [{from: 1, to: 2, steps: [{rename: {due: due_on}}]}]}}"
    assert ("rename-guess", "Paid") not in found(known, stored[:-1], *rules)
