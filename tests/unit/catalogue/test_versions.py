"""Where the version of an event is read: every convention, alone and against another."""

from __future__ import annotations

from typing import Any

import pytest

from esviewer.catalogue.status import Judge, Status
from esviewer.stores.codecs import json_text
from tests.unit.catalogue.drawing import catalogue, event

WATCHED = "types: {Paid: {current: 3, upcasters: [{from: 1, to: 2}, {from: 2, to: 3}]%s}}"


def exact(text: str) -> object:
    """The value of a JSON text, integers of any size included."""
    return json_text.loads(text)[0]


def told(text: str, line: str, **fields: object) -> Any:
    return Judge(catalogue(text), [line.split()[2]]).assess(event(line, **fields)).version


@pytest.mark.parametrize(
    ("rule", "line", "fields", "version"),
    [
        ("", "1 a/1 Paid", {"schema_version": 2}, 2),
        ("", "1 a/1 Paid", {"schema_version": "2"}, 2),
        ("", '1 a/1 Paid {"class_version": 2}', {}, 2),
        ("", '1 a/1 Paid {"version": 2}', {}, 2),
        ("", "1 a/1 Paid_v2", {}, 2),
        ("", "1 a/1 PaidV2", {}, 2),
        ("", "1 a/1 Paid.v2", {"schema_version": 1}, 2),
        ("", "1 a/1 Paid", {}, 1),
        (", version_from: {metadata: schema.rev}", "1 a/1 Paid", {"metadata": {"schema": {"rev": "2"}}}, 2),
        (", version_from: {metadata: rev}", "1 a/1 Paid", {"metadata": {}}, 1),
        (", version_from: {field: v}", '1 a/1 Paid {"v": 2}', {"schema_version": 3}, 2),
        (", version_from: {field: v}", "1 a/1 Paid", {}, 1),
        (", version_from: column", '1 a/1 Paid {"class_version": 9}', {"schema_version": 2}, 2),
        (', aliases: [Shop.Paid.v2], version_from: {type: "v(?P<n>[0-9]+)$"}', "1 a/1 Shop.Paid.v2", {}, 2),
    ],
)  # fmt: skip
def test_that_a_version_is_read_where_it_stands(rule: str, line: str, fields: dict[str, object], version: int) -> None:
    assert told(WATCHED % rule, line, **fields) == version


def test_that_a_version_field_is_no_attribute() -> None:
    judge = Judge(catalogue("types: {Paid: {current: 2, versions: {2: {open: false, attributes: {total: int}}}}}"))
    made = event('1 a/1 Paid {"total": 1, "class_version": 2}')
    found = judge.assess(made)
    assert found.status is Status.CURRENT
    assert found.events is not None
    assert found.events[0].data == {"total": 1}
    assert judge.status(event('1 a/1 Paid {"total": 1, "extra": 2, "class_version": 2}')) is Status.SHAPE_MISMATCH


def test_that_an_attribute_called_version_is_left_alone() -> None:
    judge = Judge(catalogue("types: {Published: {current: 1, versions: {1: {attributes: {version: int}}}}}"))
    assert judge.status(event('1 a/1 Published {"version": 7}')) is Status.CURRENT


def test_that_two_sources_that_disagree_are_a_conflict_and_the_higher_counts() -> None:
    judge = Judge(catalogue(WATCHED % ""))
    found = judge.assess(event('1 a/1 Paid {"class_version": 2}', schema_version=3))
    assert (found.version, found.conflict) == (3, "column says version 3, class_version says 2")
    assert judge.assess(event('1 a/1 Paid {"class_version": 3}', schema_version=3)).conflict is None


def test_that_a_type_of_its_own_wins_over_the_suffix() -> None:
    judge = Judge(catalogue("types: {Paid: {current: 1}, Paid_v2: {current: 1}}"))
    found = judge.assess(event("1 a/1 Paid_v2"))
    assert (found.known and found.known.name, found.version) == ("Paid_v2", 1)


def test_that_numbers_in_names_of_types_of_their_own_are_no_versions() -> None:
    judge = Judge(catalogue("types: {Ipv4: {current: 1}, Ipv6: {current: 1}}"), ["Ipv4", "Ipv6"])
    assert [judge.status(event(f"1 a/1 {name}")) for name in ("Ipv4", "Ipv6")] == [Status.CURRENT, Status.CURRENT]


@pytest.mark.parametrize("odd", ["1.5", "true", "[1]", "{}", '"x"', "9" * 5000, "-1"])
def test_that_what_can_be_no_version_is_older_and_blocked(odd: str) -> None:
    judge = Judge(catalogue(WATCHED % ""))
    found = judge.assess(event("1 a/1 Paid {}", data={"class_version": exact(odd)}))
    assert found.status is Status.BLOCKED


def test_that_no_version_among_texts_is_a_version_of_its_own() -> None:
    judge = Judge(catalogue('types: {Opened: {current: "1.0"}}'))
    found = judge.assess(event("1 a/1 Opened"))
    assert (found.status, found.reasons) == (Status.BLOCKED, ("no full chain from version (none) to 1.0",))


def test_that_a_regular_expression_may_name_the_type_too() -> None:
    judge = Judge(catalogue('types: {Paid: {current: 2}}\nversion_from: {type: "^(?P<n>[0-9]+)-(?P<base>.*)$"}'))
    found = judge.assess(event("1 a/1 3-Paid"))
    assert (found.status, found.version) == (Status.FROM_FUTURE, 3)
