"""Folds by rules that people gave: what each rule does, and that nothing else changes."""

from __future__ import annotations

import copy
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import Event, UsageError
from esviewer.projections.edited import WHOLE, EditedFold, FoldRule, FoldRules, Operation, rule_of
from esviewer.projections.guesses import TYPE_LIMIT, guesses
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.projections.paths import changes, leaves

TYPES = ("TagAdded", "TagRemoved", "m:A.Changed", "Deposited", "LineAdded")


def event(version: int, data: object, kind: str = "T") -> Event:
    return Event((version,), version * 10, "a", "m:A", version, kind, data=data)


def state(rules: str, *events: tuple[str, object], **lists: tuple[str, ...]) -> dict[str, object]:
    """The state after events (type, payload) by rules written ``type attribute: words; …``."""
    return folded(rules, *events, **lists).state_at(len(events) - 1)


def folded(rules: str, *events: tuple[str, object], **lists: tuple[str, ...]) -> AggregateHistory:
    made = []
    for line in filter(None, (part.strip() for part in rules.split(";"))):
        place, _, words = line.partition(": ")
        made.append(rule_of(*place.split(" "), words))
    told = [event(version, data, kind) for version, (kind, data) in enumerate(events, 1)]
    return AggregateHistory(told, EditedFold(FoldRules("own", tuple(made), **lists)))


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab1", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "n", "x.y"]), inner, max_size=3),
    max_leaves=6,
)
payloads = st.dictionaries(st.sampled_from(["tag", "tags", "amount", "line", "d.e"]), values, max_size=4)
streams = st.lists(st.tuples(st.sampled_from(TYPES), payloads | values), min_size=1, max_size=12)
paths = st.sampled_from(["tag", "tags", "amount", "line", "line.id", "line.n", '["d.e"]', "a.b", "a.b.c"])
rules_ = st.builds(
    FoldRule, st.sampled_from(TYPES), paths, st.sampled_from(get_args(Operation)), st.none() | paths
) | st.builds(FoldRule, st.sampled_from(TYPES), st.just(WHOLE), st.sampled_from(["append", "merge", "set"]), paths)
lists = st.lists(st.sampled_from(TYPES), max_size=1).map(tuple)


@given(streams)
def test_that_without_rules_it_is_the_inferred_fold(told: list[tuple[str, object]]) -> None:
    events = [event(version, data, kind) for version, (kind, data) in enumerate(told, 1)]
    ours = AggregateHistory(events, EditedFold(FoldRules("own")))
    inferred = AggregateHistory(events, InferredFold())
    assert ours.changed == inferred.changed
    assert [ours.state_at(i) for i in range(len(events))] == [inferred.state_at(i) for i in range(len(events))]


@given(st.lists(payloads, min_size=1, max_size=8))
def test_that_guesses_to_set_given_as_rules_change_nothing(told: list[dict[str, object]]) -> None:
    events = [event(version, data, "m:A.Changed") for version, data in enumerate(told, 1)]
    rules = tuple(guess.rule for guess in guesses(events).guesses)
    ours = AggregateHistory(events, EditedFold(FoldRules("own", rules)))
    inferred = AggregateHistory(events, InferredFold())
    assert [set(map(repr, some)) for some in ours.changed] == [set(map(repr, some)) for some in inferred.changed]
    assert ours.state_at(len(events) - 1) == inferred.state_at(len(events) - 1)


@given(streams, st.lists(rules_, max_size=6).map(tuple), lists, lists, lists, st.integers(1, 4))
def test_that_touches_are_the_whole_difference_and_events_stay_as_they_are(
    told: list[tuple[str, object]],
    rules: tuple[FoldRule, ...],
    starts: tuple[str, ...],
    ends: tuple[str, ...],
    ignores: tuple[str, ...],
    every: int,
) -> None:
    events = [event(version, data, kind) for version, (kind, data) in enumerate(told, 1)]
    before = copy.deepcopy([one.data for one in events])
    fold = EditedFold(FoldRules("own", rules, starts, ends, ignores))
    history = AggregateHistory(events, fold, every=every)
    plain = fold.initial()
    for index, one in enumerate(events):
        held = copy.deepcopy(plain)
        fold.apply(plain, one)
        assert history.state_at(index) == plain and list(history.state_at(index)) == list(plain)
        told_changes = {change.path for change in history.changed[index]}
        missed = {change.path for change in changes(held, plain) if change.path} - told_changes
        assert not missed, (held, plain)
        present = dict(leaves(plain)) if plain else {}
        assert set(present) <= set(history.writers)
    assert [one.data for one in events] == before


@pytest.mark.parametrize(
    ("rules", "events", "expected"),
    [
        ("T due_on: set due", [("T", {"due_on": 1})], {"due": 1}),
        ("T a: set b.c", [("S", {"b": {"x": 1}}), ("T", {"a": 2})], {"b": {"x": 1, "c": 2}}),
        ("T q: add total; U q: subtract total", [("T", {"q": 5}), ("U", {"q": "1.5"})], {"total": "3.5"}),
        ("T q: add", [("T", {"q": 2}), ("T", {"q": 3})], {"q": 5}),
        ("T q: add", [("T", {"q": "many"})], {}),
        ("T tag: append tags", [("T", {"tag": 1}), ("T", {"tag": 2})], {"tags": [1, 2]}),
        ("T tag: append a.tags", [("T", {"tag": 1}), ("T", {"tag": 2})], {"a": {"tags": [1, 2]}}),
        ("T tag: append tags", [("S", {"tags": "x"}), ("T", {"tag": 2})], {"tags": "x"}),
        ("T id: remove lines", [("S", {"lines": [{"id": 1}, {"id": 2}]}), ("T", {"id": 1})], {"lines": [{"id": 2}]}),
        ("T x: remove due", [("S", {"due": 3, "a": 1}), ("T", {"x": 0})], {"a": 1}),
        ("T x: remove a.b", [("S", {"a": {"b": 1}}), ("T", {"x": 0})], {}),
        ("T m: merge", [("T", {"m": {"a": 1, "b": 1}}), ("T", {"m": {"b": 2}})], {"m": {"a": 1, "b": 2}}),
        ("T m: merge .", [("T", {"m": {"a": 1}, "k": 2})], {"k": 2, "a": 1}),
        ("T a: ignore", [("T", {"a": 1, "b": 2})], {"b": 2}),
        ("T a.x: ignore", [("T", {"a": {"x": 1, "y": 2}, "b": {"x": 1}})], {"a": {"y": 2}, "b": {"x": 1}}),
        ("T a.x: ignore", [("T", {"a": {"x": 1}})], {}),
        ("T a: set; T a: append all", [("T", {"a": 1}), ("T", {"a": 2})], {"a": 2, "all": [1, 2]}),
        ("T .: append lines; T a: ignore", [("T", {"a": 1})], {"lines": [{"a": 1}]}),
        ("LineAdded .: ignore", [("LineAdded", {"a": 1})], {"a": 1}),
        ("LineAdded a: ignore", [("LineAdded", {"a": 1})], {"lines": [{"a": 1}]}),
        ("TagAdded tag: ignore", [("TagAdded", {"tag": 1, "by": 2})], {"by": 2}),
        ('T ["d.e"]: set f', [("T", {"d.e": 1})], {"f": 1}),
        ("T .: set whole", [("T", [1, 2])], {"whole": [1, 2]}),
    ],
)
def test_that_a_rule_does_what_it_says(
    rules: str, events: list[tuple[str, object]], expected: dict[str, object]
) -> None:
    found = state(rules, *events)
    if "total" in found:
        found["total"] = str(found["total"])
    assert found == expected


def test_that_an_aggregate_starts_ends_and_ignores_by_type() -> None:
    told = [("New", {"a": 1, "b": 2}), ("Seen", {"c": 1}), ("Gone", {"by": 1}), ("New", {"a": 1})]
    history = folded("", *told, starts=("New",), ends=("Gone",), ignores=("Seen",))
    assert [history.state_at(i) for i in range(4)] == [{"a": 1, "b": 2}, {"a": 1, "b": 2}, {}, {"a": 1}]
    assert {change.path for change in history.changed[2]} == {"a", "b"}
    again = folded("", ("New", {"a": 1, "b": 2}), ("New", {"a": 1}), starts=("New",))
    assert [(change.path, change.kind) for change in again.changed[1]] == [("b", "removed")]


@pytest.mark.parametrize(
    ("attribute", "words", "said"),
    [
        ("a", "put b", "'put' is no rule"),
        ("a", "ignore b", "no target"),
        ("a[", "set", "no path"),
        ("a", "set b..", "no path"),
        (".", "append", "needs a target"),
        ("a", "set .", "needs the name of an attribute"),
    ],
)
def test_that_a_rule_that_makes_no_sense_is_refused_with_the_reason(attribute: str, words: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rule_of("T", attribute, words)


def test_that_guesses_are_listed_with_their_reason_and_how_often_they_held() -> None:
    told = [
        event(1, {"tag": "x"}, "TagAdded"),
        event(2, {"tag": "y", "by": 1}, "TagAdded"),
        event(3, {"amount": 1}, "Deposited"),
        event(4, {"n": 1}, "LineAdded"),
        event(5, [1], "List"),
        event(6, None, "Empty"),
    ]
    found = guesses(told)
    assert found.types == {"TagAdded": 2, "Deposited": 1, "LineAdded": 1, "List": 1, "Empty": 1}
    assert [(g.rule.event_type, g.rule.attribute, g.rule.words, g.seen) for g in found.guesses] == [
        ("TagAdded", "tag", "set", 2),
        ("TagAdded", "tag", "append tags", 2),
        ("TagAdded", "by", "set", 1),
        ("Deposited", "amount", "set", 1),
        ("Deposited", "amount", "add amount_total", 1),
        ("LineAdded", "n", "set", 1),
        ("LineAdded", ".", "append lines", 1),
        ("List", ".", "set data", 1),
    ]
    assert found.guesses[1].why == "The type's name says that something is added"
    own = [guess.rule for guess in found.guesses if guess.rule.event_type == "TagAdded"]
    assert [rule.words for rule in own if rule.attribute == "tag"] == ["set", "append tags"]


def test_that_a_payload_of_very_many_attributes_is_listed_in_part_and_counted() -> None:
    found = guesses([event(1, {f"a{i}": i for i in range(5_000)})])
    assert len(found.guesses) == TYPE_LIMIT and found.left_out == 5_000 - TYPE_LIMIT
