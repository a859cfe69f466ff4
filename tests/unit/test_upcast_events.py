"""What a fold is given in the place of stored events: what a projection would see; and who is blamed for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.catalogue.status import Judge, Status
from esviewer.domain import Event
from esviewer.projections.edited import EditedFold, FoldRule, FoldRules
from esviewer.projections.fold import Fold
from esviewer.projections.history import AggregateHistory, Writer
from esviewer.projections.inferred import InferredFold
from esviewer.projections.paths import changes
from esviewer.projections.upcast_events import sights_of
from tests.unit.catalogue.drawing import catalogue, event

MEMBERS = """
types:
  Registered:
    current: 3
    upcasters:
      - {from: 1, to: 2, steps: [{rename: {full_name: name}}]}
      - {from: 2, to: 3, steps: [{default: {locale: en}}]}
  Moved:
    current: 3
    upcasters:
      - from: 1
        to: 3
        steps: [{emit: [{type: Left, attributes: [old]}, {type: Settled, attributes: [tag, city]}]}]
      - {from: 2, to: 3, steps: [{discard: null}]}
  Left: {current: 1}
  Settled: {current: 1}
  TagAdded: {current: 1}
  Billed: {current: 4, upcasters: [{from: 1, to: 2, steps: []}, {from: 3, to: 4, function: "shop:bill"}]}
  Renamed: {current: 2, upcasters: [{from: 1, to: 2, steps: [{split: {attribute: cents, into: [a, b]}}]}]}
ignored: {Pinged: {reason: load test}}
erased: [{stream: m, attributes: [name], type: Registered, positions: [50]}]
"""


def folded(*events: Event, fold: Fold | None = None, every: int = 200, text: str = MEMBERS) -> AggregateHistory:
    sights = sights_of(Judge(catalogue(text)), events)
    return AggregateHistory(events, fold or InferredFold(), sights=sights, every=every)


def test_that_a_renamed_field_is_blamed_on_the_event_as_it_is_stored() -> None:
    made = folded(
        event('7 m/1 Registered {"full_name": "Ann"}', schema_version=1),
        event('9 m/2 Registered {"name": "Ann", "locale": "nl"}', schema_version=3),
    )
    assert made.state_at(0) == {"name": "Ann", "locale": "en"}
    assert made.blame(1) == {"name": Writer(0, 1, 7, "Registered"), "locale": Writer(1, 2, 9, "Registered")}
    assert made.events[0].data == {"full_name": "Ann"}
    sight = made.sight(0)
    assert sight is not None and sight.is_upcast and sight.words == "upcast 1 → 3"
    assert made.sight(1) is None
    assert made.sights is not None and made.sights.upcast == (0,) and made.sights.as_stored == ()


def test_that_one_stored_event_may_be_folded_as_several_or_as_none() -> None:
    made = folded(
        event('1 m/1 Moved {"old": "Ede", "tag": "x", "city": "Ede"}', schema_version=1),
        event('2 m/2 Moved {"old": "Oss", "city": "Oss"}', schema_version=2),
    )
    assert made.state_at(1) == {"old": "Ede", "tag": "x", "city": "Ede"}
    assert [change.path for change in made.changed[0]] == ["old", "tag", "city"]
    assert made.changed[1] == () and {writer.index for writer in made.blame(1).values()} == {0}
    words = [sight.words for index in (0, 1) if (sight := made.sight(index))]
    assert words == ["upcast 1 → 2 events", "upcast 2 → no event"]


@pytest.mark.parametrize(
    ("line", "version", "status"),
    [
        ('1 m/1 Billed {"cents": 5}', 1, Status.BLOCKED),
        ('1 m/1 Billed {"cents": 5}', 3, Status.UPCAST),
        ('1 m/1 Renamed {"cents": 5}', 1, Status.UPCAST_FAILED),
        ('1 m/1 Billed {"cents": 5}', 9, Status.FROM_FUTURE),
        ('1 m/1 Strange {"cents": 5}', 1, Status.UNKNOWN_TYPE),
    ],
)
def test_that_what_cannot_be_upcast_is_folded_as_it_is_stored_and_marked(
    line: str, version: int, status: Status
) -> None:
    made = folded(event(line, schema_version=version))
    sight = made.sight(0)
    assert sight is not None and (sight.status, sight.words, sight.events) == (status, "folded as stored", None)
    assert sight.reasons and not sight.is_upcast
    assert made.state_at(0) == {"cents": 5}
    assert made.sights is not None and made.sights.as_stored == (0,) and made.sights.upcast == ()


def test_that_ignored_events_are_left_out_and_erased_ones_give_placeholders() -> None:
    text = MEMBERS.replace("    current: 3\n", "    current: 3\n    versions: {3: {attributes: {name: {}}}}\n", 1)
    lost = replace(event("50 m/2 Registered", schema_version=3), data=None, undecodable="no key")
    made = folded(event('1 m/1 Pinged {"n": 1}'), lost, text=text)
    assert made.state_at(1) == {"name": None} and made.blame(1)["name"].position == 50
    assert made.undecodable == ()
    assert [made.sights.passed_over_until(index) for index in (0, 1)] == [1, 1] if made.sights else False


def test_that_a_payloads_own_version_field_is_not_part_of_the_state() -> None:
    text = "types: {Opened: {current: 1, version_from: {field: v}}}"
    made = folded(event('1 m/1 Opened {"v": 1, "n": 2}'), text=text)
    assert made.state_at(0) == {"n": 2}
    sight = made.sight(0)
    assert sight is not None and not sight.words


def test_that_a_catalogue_that_was_merely_inferred_changes_nothing() -> None:
    known = catalogue("inferred: true\ntypes: {Registered: {current: 3}}")
    assert sights_of(Judge(known), [event('1 m/1 Registered {"class_version": 1}')]) is None


def test_that_rules_for_the_name_an_event_is_stored_under_hold_for_what_it_becomes() -> None:
    text = MEMBERS.replace("  Registered:\n", "  Registered:\n    aliases: [shop:Registered]\n")
    rules = FoldRules("own", (FoldRule("shop:Registered", "name", "set", "called"),))
    made = folded(
        event('1 m/1 shop:Registered {"full_name": "Ann"}', schema_version=1), fold=EditedFold(rules), text=text
    )
    assert made.state_at(0) == {"called": "Ann", "locale": "en"}


_TAGS = st.sampled_from(["x", "y", 1])
_PAYLOADS = st.dictionaries(
    st.sampled_from(["old", "tag", "city", "tags"]), _TAGS | st.dictionaries(st.just("a"), _TAGS)
)
_DRAWN = st.lists(st.tuples(st.sampled_from(["Moved", "TagAdded", "Registered"]), st.integers(1, 3), _PAYLOADS))
SEVERAL = """
types:
  Moved:
    current: 3
    upcasters:
      - from: 1
        to: 3
        steps: [{emit: [{type: TagAdded, attributes: [tag, city]}, {type: TagAdded, attributes: [tag, tags, city]}, {type: TagRemoved, attributes: [tag]}]}]
      - {from: 2, to: 3, steps: [{discard: null}]}
  TagAdded: {current: 3, upcasters: [{from: 1, to: 3, steps: [{default: {city: {b: 1}}}]}, {from: 2, to: 3, steps: []}]}
  TagRemoved: {current: 1}
  Registered: {current: 3, upcasters: [{from: 1, to: 3, steps: [{default: {tags: [x]}}]}, {from: 2, to: 3, steps: []}]}
"""


@given(_DRAWN)
def test_that_what_an_event_changed_is_what_tells_the_states_around_it_apart(
    drawn: list[tuple[str, int, dict]],
) -> None:  # type: ignore[type-arg]
    events = [
        Event((n,), n, "m", None, n, kind, schema_version=version, data=data)
        for n, (kind, version, data) in enumerate(drawn, 1)
    ]
    made = folded(*events, every=2, text=SEVERAL)
    for index in reversed(range(len(events))):
        before = made._thawed(made._frozen(made.state_at(index - 1)))
        told = {change.path: change for change in changes(before, made.state_at(index))}
        assert {change.path: change for change in made.changed[index]} == {p: c for p, c in told.items() if p}
