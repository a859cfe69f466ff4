"""State, blame and changes of one aggregate at every version."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from esviewer.domain import Event
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.projections.paths import MISSING, changes, leaves


def event(version: int, data: object, kind: str = "m:A.Changed", time: int | None = None) -> Event:
    return Event((version,), version * 10, "a", "m:A", version, kind, recorded_at=time, data=data)


def history(*datas: object, every: int = 200) -> AggregateHistory:
    return AggregateHistory([event(i, data) for i, data in enumerate(datas, 1)], InferredFold(), every=every)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
payloads = st.dictionaries(st.sampled_from(["a", "b", "c", "d.e"]), values, max_size=4)


@given(st.lists(payloads, min_size=1, max_size=30), st.integers(1, 7), st.data())
def test_that_any_version_equals_a_plain_refold(
    datas: list[dict[str, object]], every: int, data: st.DataObject
) -> None:
    whole = history(*datas, every=every)
    for index in data.draw(st.lists(st.integers(-1, len(datas) - 1), max_size=12)):
        plain: dict[str, object] = {}
        for payload in datas[: index + 1]:
            plain.update(payload)
        assert whole.state_at(index) == plain


@given(st.lists(payloads, min_size=1, max_size=15))
def test_that_blame_covers_exactly_the_leaves_and_names_the_last_change(datas: list[dict[str, object]]) -> None:
    whole = history(*datas)
    for index in range(len(datas)):
        blame = whole.blame(index)
        state = whole.state_at(index)
        present = dict(leaves(state)) if state else {}
        assert set(present) <= set(blame)
        for path, writer in blame.items():
            before = whole.state_at(writer.index - 1)
            held = dict(leaves(before)).get(path, MISSING) if before else MISSING
            after = whole.state_at(writer.index)
            now = dict(leaves(after)).get(path, MISSING) if after else MISSING
            assert changes(held, now) if MISSING not in (held, now) else held is not now
        del present


def test_that_a_value_written_again_is_blamed_on_its_first_writer() -> None:
    whole = history({"x": 1}, {"x": 1, "y": 2}, {"x": 3})
    assert {path: writer.version for path, writer in whole.blame(1).items()} == {"x": 1, "y": 2}
    assert whole.blame(2)["x"].version == 3


def test_that_true_and_one_are_different_values() -> None:
    whole = history({"x": 1}, {"x": True})
    assert whole.blame(1)["x"].version == 2


def test_that_paths_name_members_elements_and_odd_names() -> None:
    whole = history({"a": {"b": [{"c": 1}]}, "d.e": {"f": 2}, "": 3, 'q"': 4, "empty": {}, "list": []})
    assert list(whole.blame(0)) == ["a.b[0].c", '["d.e"].f', '[""]', '["q\\""]', "empty", "list"]


def test_that_a_removed_leaf_keeps_its_entry() -> None:
    whole = history({"a": {"x": 1, "y": 2}}, {"a": {"y": 2}})
    assert {path: writer.version for path, writer in whole.blame(1).items()} == {"a.x": 2, "a.y": 1}
    (change,) = whole.changed[1]
    assert (change.path, change.kind, change.before, change.after) == ("a.x", "removed", 1, MISSING)


def test_that_added_and_removed_elements_are_kept_in_a_list_of_their_own() -> None:
    events = [
        event(1, {"name": "Fido"}, "m:Dog.Registered"),
        event(2, {"trick": "roll"}, "m:Dog.TrickAdded"),
        event(3, {"trick": "sit"}, "m:Dog.TrickAdded"),
        event(4, {"trick": "roll"}, "m:Dog.TrickRemoved"),
    ]
    whole = AggregateHistory(events, InferredFold())
    assert whole.state_at(2) == {"name": "Fido", "trick": "sit", "tricks": ["roll", "sit"]}
    assert whole.state_at(3)["tricks"] == ["sit"]
    assert whole.state_at(1)["tricks"] == ["roll"]
    assert whole.blame(2)["tricks[1]"].version == 3


def test_that_a_payload_that_is_added_as_a_whole_becomes_an_element() -> None:
    whole = AggregateHistory([event(1, {"isbn": "x", "quantity": 2}, "shop:Order.LineAdded")], InferredFold())
    assert whole.state_at(0)["lines"] == [{"isbn": "x", "quantity": 2}]


def test_that_deposits_and_withdrawals_are_totalled_exactly() -> None:
    events = [event(1, {"amount": "0.10"}, "Deposited"), event(2, {"amount": "0.20"}, "Deposited")]
    events.append(event(3, {"amount": "0.05"}, "Withdrawn"))
    whole = AggregateHistory(events, InferredFold())
    assert whole.state_at(2) == {"amount": "0.05", "amount_total": Decimal("0.25")}


def test_that_what_events_carry_is_never_replaced_by_a_guess() -> None:
    events = [event(1, {"tags": ["a"]}, "Made"), event(2, {"tag": "b", "tags": ["a"]}, "TagAdded")]
    assert AggregateHistory(events, InferredFold()).state_at(1) == {"tag": "b", "tags": ["a"]}


def test_that_lists_of_events_are_not_changed_by_folding() -> None:
    first = event(1, {"tags": ["a"]}, "Made")
    whole = AggregateHistory([first, event(2, {"tag": "b"}, "TagAdded")], InferredFold())
    assert whole.state_at(1)["tags"] == ["a", "b"]
    assert first.data == {"tags": ["a"]}


def test_that_undecodable_events_are_counted_and_change_nothing() -> None:
    lost = Event((2,), 20, "a", "m:A", 2, "m:A.B", undecodable="not JSON")
    whole = AggregateHistory([event(1, {"x": 1}), lost], InferredFold())
    assert whole.state_at(1) == {"x": 1}
    assert whole.undecodable == (1,)


def test_that_a_time_between_events_shows_the_earlier_one() -> None:
    events = [event(i, {"x": i}, time=i * 1_000) for i in (1, 2, 3)]
    whole = AggregateHistory(events, InferredFold())
    assert [whole.index_at(t) for t in (999, 1_000, 2_500, 9_000)] == [-1, 0, 1, 2]


def test_that_changes_of_a_field_are_walked_both_ways() -> None:
    whole = history({"x": 1}, {"y": 1}, {"x": 2}, {"y": 1})
    assert (whole.previous_change("x", 3), whole.next_change("x", 0), whole.next_change("x", 2)) == (2, 2, None)
    assert (whole.previous_change(None, 3), whole.next_change(None, 2)) == (2, None)
