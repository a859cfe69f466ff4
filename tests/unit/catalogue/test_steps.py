"""The declarative steps: what each does to a payload, what it refuses, and how wrong ones are explained."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue.model import UNSET
from esviewer.catalogue.step_syntax import parse_steps
from esviewer.catalogue.steps import Draft, StepError, StepFailed, losses, run


def outcome(steps: list[Any], data: dict[str, Any]) -> dict[str, Any]:
    (made,) = run(parse_steps(steps), Draft("T", UNSET, data))
    return made.data


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ({"rename": {"due": "due_on"}}, {"due": 1, "n": 2}, {"n": 2, "due_on": 1}),
        ({"rename": {"due": "due_on"}}, {"n": 2}, {"n": 2}),
        ({"rename": {"a": "b", "b": "a"}}, {"a": 1, "b": 2}, {"b": 1, "a": 2}),
        ({"rename": {"city": "address.city"}}, {"city": "Delft"}, {"address": {"city": "Delft"}}),
        ({"default": {"n": 1}}, {"n": None}, {"n": None}),
        ({"default": {"n": [1]}}, {}, {"n": [1]}),
        ({"set": {"n": 1}}, {"n": None}, {"n": 1}),
        ({"drop": ["a", "b.c"]}, {"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"d": 3}}),
        ({"remove": "a"}, {"a": 1}, {}),
        ({"copy": {"a": "b"}}, {"a": 1}, {"a": 1, "b": 1}),
        ({"convert": {"a": "int"}}, {"a": "12"}, {"a": 12}),
        ({"convert": {"a": "int"}}, {"a": None}, {"a": None}),
        ({"convert": {"a": "number"}}, {"a": "1.50"}, {"a": 1.5}),
        ({"convert": {"a": "string"}}, {"a": True}, {"a": "true"}),
        ({"convert": {"a": "bool"}}, {"a": "no"}, {"a": False}),
        ({"convert": {"a": "array"}}, {"a": "x"}, {"a": ["x"]}),
        ({"map": {"a": {"open": "OPEN"}}}, {"a": "open"}, {"a": "OPEN"}),
        ({"map": {"a": {1: 2}}}, {"a": True}, {"a": True}),
        ({"split": {"attribute": "a", "into": ["b", "c"]}}, {"a": "Ann van Lee"}, {"b": "Ann", "c": "van Lee"}),
        ({"split": {"attribute": "a", "into": ["b", "c"], "missing": None}}, {"a": "Ann"}, {"b": "Ann", "c": None}),
        ({"merge": {"attributes": ["a", "b"], "into": "c", "with": ", "}}, {"a": "x", "b": 1}, {"c": "x, 1"}),
        ({"expression": {"c": "a.b"}}, {"a": {"b": 1}}, {"a": {"b": 1}, "c": 1}),
        ({"each": {"in": "l", "steps": [{"rename": {"a": "b"}}]}}, {"l": [{"a": 1}]}, {"l": [{"b": 1}]}),
    ],
)
def test_that_a_step_makes_of_a_payload(step: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = repr(before)
    assert outcome([step], before) == after
    assert repr(before) == kept


@pytest.mark.parametrize(
    ("step", "data", "reason"),
    [
        ({"rename": {"a": "b"}}, {"a": 1, "b": 2}, "there is a b already"),
        ({"convert": {"a": "int"}}, {"a": "x"}, "is no number"),
        ({"convert": {"a": "bool"}}, {"a": "perhaps"}, "neither true nor false"),
        ({"convert": {"a": "int"}}, {"a": {}}, "no single value"),
        ({"split": {"attribute": "a", "into": ["b", "c"]}}, {"a": "Ann"}, "1 of the 2 parts"),
        ({"each": {"in": "l", "steps": []}}, {"l": 1}, "holds no list"),
        ({"set": {"a.b": 1}}, {"a": 1}, "holds no object"),
        ({"expression": {"a": "length(b)"}}, {"b": 1}, "fails"),
    ],
)
def test_that_a_step_refuses_what_it_cannot_work_on(step: dict[str, Any], data: dict[str, Any], reason: str) -> None:
    with pytest.raises(StepFailed, match=reason):
        outcome([step], data)


def test_that_an_event_may_become_none_or_several() -> None:
    steps = parse_steps([{"emit": [{"type": "A", "when": "a"}, {"type": "B", "attributes": {"x": "b"}}]}])
    assert [(d.type, d.data) for d in run(steps, Draft("T", UNSET, {"b": 1}))] == [("B", {"x": 1})]
    assert [d.type for d in run(steps, Draft("T", UNSET, {"a": 1}))] == ["A", "B"]
    assert run(parse_steps(["discard"]), Draft("T", UNSET, {})) == []
    assert run(parse_steps([{"discard": {"when": "test"}}]), Draft("T", UNSET, {})) != []


def test_that_losing_steps_say_what_they_lose() -> None:
    lossy = [{"drop": "a"}, {"convert": {"b": "int"}}, {"merge": {"attributes": ["c", "d"], "into": "e", "with": ""}}]
    assert len(losses(parse_steps(lossy))) == 3
    assert losses(parse_steps([{"rename": {"a": "b"}}, {"default": {"c": 1}}, {"convert": {"d": "string"}}])) == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"renam": {}}, "'renam' is no step: there are"),
        ({"rename": {}}, "write it as {rename: {old: new}}"),
        ({"drop": 3}, "write it as {drop: [email, phone]}"),
        ({"split": {"attribute": "a"}}, "into is missing"),
        ({"split": {"attribute": "a", "into": ["b", "c"], "on": "x"}}, "on is not known here"),
        ({"convert": {"a": "money"}}, "nothing to convert to"),
        ({"expression": {"a": "b["}}, "no JMESPath expression"),
        ({"each": {"in": "l", "steps": ["discard"]}}, "discard cannot stand inside each"),
        ("nothing", "a step is one name with its arguments"),
    ],
)
def test_that_a_wrong_step_is_explained(step: Any, said: str) -> None:
    with pytest.raises(StepError) as caught:
        parse_steps([step])
    assert said in str(caught.value)


@given(st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=8), st.none() | st.integers())
def test_that_a_rename_and_its_reverse_change_nothing(old: str, new: str, value: int | None) -> None:
    from esviewer.catalogue.paths import member

    if old == new:
        return
    there, back = {member("", old): member("", new)}, {member("", new): member("", old)}
    assert outcome([{"rename": there}, {"rename": back}], {old: value}) == {old: value}
