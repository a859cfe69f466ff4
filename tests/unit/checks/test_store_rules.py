"""Rules over a store as a whole: the oracles F1 to F4, F5 for all types, F7 without drift, and laws of position gaps.

Which types a consumer handles (F5) stands in no store, and no rule compares a snapshot with its fold (F7) yet.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.checks.checkpoints import Checkpoints, ahead_by, lag_of
from esviewer.checks.facts import StoreFacts
from esviewer.checks.positions import Kind, Positions, gaps_of, stride_of
from esviewer.checks.snapshots import Snapshots
from esviewer.checks.streams import Streams
from esviewer.domain import Event, Snapshot
from esviewer.stores.dialects.base import Follow
from esviewer.stores.dialects.eventsourcing import EventSourcing
from esviewer.stores.index import Index
from esviewer.stores.sheet import Sheet
from tests.unit.catalogue.drawing import event

DIALECT = EventSourcing()


def indexed(events: Sequence[Event]) -> Index:
    index = Index()
    index.extend(Sheet.of(list(events), DIALECT))
    return index


def drawn(text: str, **facts: object) -> StoreFacts:
    """A store of events like `1 a/1, 2 b/1`, in the order in which they are drawn."""
    events = [event(f"{place.strip()} T") for place in text.split(",")]
    return replace(StoreFacts(indexed(events)), **facts)  # type: ignore[arg-type]


F1 = "1 a/1, 2 b/1, 4 a/2, 6 a/4, 7 b/2, 9 c/1, 60 c/2"


def kinds(facts: StoreFacts) -> dict[str, Kind]:
    return {str(gap): gap.kind for gap in gaps_of(facts)[1]}


def test_F1_gaps_are_told_apart() -> None:
    facts = drawn(F1)
    assert kinds(facts) == {
        "3": Kind.BURNED,
        "5": Kind.DELETED_VERSION,
        "8": Kind.BURNED,
        "10\u201359": Kind.JUMP,
    }
    found = {(one.rule, one.scope): one for one in Positions().findings(facts)}
    assert {key: one.positions for key, one in found.items()} == {
        ("position-gap", "burned"): (3, 8),
        ("position-gap", "jump"): tuple(range(10, 60)),
        ("position-deleted", "a"): (5,),
    }
    deleted = found["position-deleted", "a"]
    assert (deleted.severity, deleted.confidence) == ("warn", "strong")
    assert deleted.evidence == ("5: deleted? a version 3 is missing just there.",)
    (gap,) = [one for one in Streams().findings(facts) if one.rule == "stream-gap"]
    assert gap.evidence == ("Version 3 is missing between positions 4 and 6, and so is 1 position.",)


def test_F1_gap_that_the_store_recorded_is_a_recorded_skip() -> None:
    assert kinds(drawn(F1, skips=[(8, 8)]))["8"] is Kind.SKIPPED


def test_that_gaps_near_the_head_are_not_judged_while_transactions_are_open() -> None:
    assert set(kinds(drawn(F1, is_unsettled=True)).values()) == {Kind.UNSETTLED}
    old = ", ".join(f"{n} s{n}/1" for n in range(10, 1_012))
    assert kinds(drawn(f"1 a/1, 3 b/1, 4 c/1, {old}", is_unsettled=True)) == {"2": Kind.BURNED, "5\u20139": Kind.BURNED}


def test_F1_stride_is_no_gap() -> None:
    facts = drawn("1 a/1, 3 a/2, 5 b/1, 7 b/2, 9 b/3, 10 b/4")
    assert gaps_of(facts) == (2, [])
    (finding,) = Positions().findings(facts)
    assert (finding.rule, finding.severity, finding.scope) == ("position-gap", "info", "stride")


def test_F2_number_skipped_when_writing_is_no_deletion() -> None:
    facts = drawn("4 a/2, 5 a/4")
    (finding,) = Streams().findings(facts)
    assert (finding.rule, finding.severity, finding.scope, finding.positions) == ("stream-gap", "error", "a", (4, 5))
    assert finding.evidence[0].endswith("where no position is missing: skipped when writing.")
    assert gaps_of(facts)[1] == []


def test_F3_hole_is_a_deletion_only_where_rollbacks_leave_none() -> None:
    assert kinds(drawn("1 a/1, 2 b/1, 4 c/1", implicit_rowid=True)) == {"3": Kind.DELETED_ROW}
    assert kinds(drawn("1 a/1, 2 b/1, 4 c/1")) == {"3": Kind.BURNED}


def test_F4_checkpoint_beyond_the_head_is_ahead_and_has_no_lag() -> None:
    facts = drawn(", ".join(f"{n} a/{n}" for n in range(1, 91)), consumers=[Follow("mailer", "shop", 100, "shop")])
    (finding,) = Checkpoints().findings(facts)
    assert (finding.rule, finding.severity, finding.scope) == ("checkpoint-ahead", "error", "mailer")
    assert finding.evidence == ("Checkpoint 100, head 90: ahead 10.",)


def test_F5_lag_counts_the_events_that_are_there_and_tells_the_oldest_of_them() -> None:
    events = [event("100 a/1 Opened"), event("103 a/2 Noted", recorded_at=1), event("110 a/3 Paid", recorded_at=2)]
    index, follow = indexed(events), Follow("mailer", "shop", 100, "shop")
    lag = lag_of(index, follow)
    assert (len(lag.rows), lag.oldest) == (2, 1)
    behind = lag_of(index, replace(follow, position=103))
    assert (len(behind.rows), behind.oldest) == (1, 2)
    (finding,) = Checkpoints().findings(StoreFacts(index, consumers=[follow]))
    assert (finding.rule, finding.severity, finding.positions) == ("checkpoint-lag", "info", (103, 110))


@pytest.mark.parametrize(("position", "expected"), [(None, None), (3, None), (4, None), (5, 1), ("4", None)])
def test_that_only_a_number_beyond_the_head_is_ahead(position: int | str | None, expected: int | None) -> None:
    index = indexed([event("1 a/1 T"), event("4 a/2 T")])
    assert ahead_by(index, Follow("mailer", None, position, "shop")) == expected


def test_that_a_checkpoint_in_an_empty_store_is_ahead() -> None:
    assert ahead_by(Index(), Follow("mailer", None, 7, "shop")) == 7
    assert ahead_by(Index(), Follow("mailer", None, 0, "shop")) is None


def snapshot(stream: str, version: int) -> Snapshot:
    return Snapshot(stream, version, None, "Account", {})


def test_F7_snapshots_are_orphans_or_ahead() -> None:
    kept = [snapshot("z", 2), snapshot("a", 9), snapshot("a", 2), snapshot("a", 4)]
    facts = drawn("1 a/1, 2 a/2, 3 a/3, 5 a/4", snapshots=kept)
    found = {(one.rule, one.severity, one.scope): one for one in Snapshots().findings(facts)}
    assert list(found) == [("snapshot-orphan", "warn", "z"), ("snapshot-ahead", "error", "a")]
    ahead = found["snapshot-ahead", "error", "a"]
    assert ahead.positions == (5,)
    assert ahead.evidence == ("Snapshot of a version 9 (Account); the stream ends with version 4.",)


def test_that_a_version_which_several_events_have_is_found_with_all_of_them() -> None:
    facts = drawn("1 a/1, 2 a/2, 3 b/1, 4 a/2, 5 a/2, 6 a/3")
    (finding,) = Streams().findings(facts)
    assert (finding.rule, finding.scope, finding.positions) == ("stream-duplicate-version", "a", (2, 4, 5))
    assert finding.evidence == ("Version 2 stands at 2, 4, 5.",)


def test_that_events_stored_after_later_versions_are_found() -> None:
    facts = drawn("1 a/1, 2 a/4, 3 a/2, 4 a/3, 5 b/1, 6 a/5")
    (finding,) = Streams().findings(facts)
    assert (finding.rule, finding.severity, finding.positions) == ("stream-order", "warn", (3, 4))
    assert finding.evidence[0] == "Version 2 stands at 3, after version 4."


def test_that_a_deletion_among_burned_numbers_names_all_places() -> None:
    facts = drawn("1 a/1, 3 b/1, 5 b/2, 6 a/3")
    (finding,) = Positions().findings(facts)
    assert (finding.rule, finding.positions, finding.confidence) == ("position-deleted", (2, 4), "heuristic")


def test_that_many_burned_numbers_are_not_taken_for_one_deletion() -> None:
    others = ", ".join(f"{n} s{n}/1, {n + 1} t{n}/1" for n in range(3, 20, 3))
    (finding,) = Positions().findings(drawn(f"1 a/1, {others}, 21 a/3"))
    assert (finding.rule, finding.scope, finding.positions) == ("position-gap", "burned", tuple(range(2, 21, 3)))


def test_that_positions_of_several_sequences_have_no_gaps() -> None:
    assert gaps_of(drawn("1 a/1, 5 a/2", one_sequence=False)) == (1, [])


@given(st.sets(st.integers(1, 200), min_size=2))
def test_that_every_missing_position_is_in_exactly_one_gap(present: set[int]) -> None:
    index = indexed([event(f"{position} s{position}/1 T") for position in sorted(present)])
    stride, gaps = gaps_of(StoreFacts(index))
    missing = [number for gap in gaps for number in gap.numbers]
    expected = set(range(min(present), max(present))) - present
    if stride == 1:
        assert missing == sorted(expected)
    else:
        assert set(missing) <= expected and len(set(missing)) == len(missing)


def test_that_adjacent_skips_of_the_store_are_one_and_what_they_leave_is_judged() -> None:
    facts = drawn("1 a/1, 2 a/2, 3 b/1, 4 b/2, 10 b/3, 11 a/3")
    assert kinds(replace(facts, skips=[(7, 9), (5, 6)])) == {"5\u20139": Kind.SKIPPED}
    assert kinds(replace(facts, skips=[(5, 6), (8, 8)])) == {
        "5\u20136": Kind.SKIPPED,
        "7": Kind.BURNED,
        "8": Kind.SKIPPED,
        "9": Kind.BURNED,
    }


def test_that_a_missing_version_is_not_looked_for_where_the_store_skipped() -> None:
    facts = drawn("1 a/1, 3 b/1, 5 a/3", skips=[(2, 2)])
    deleted = [one for one in Positions().findings(facts) if one.rule == "position-deleted"]
    assert [(one.scope, one.positions, one.confidence) for one in deleted] == [("a", (4,), "strong")]


@given(
    st.sets(st.integers(1, 60), min_size=2),
    st.lists(st.tuples(st.integers(1, 60), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))), max_size=6),
)
def test_that_just_the_missing_positions_that_were_skipped_are_told_as_skipped(
    present: set[int], skips: list[tuple[int, int]]
) -> None:
    index = indexed([event(f"{position} s{position}/1 T") for position in sorted(present)])
    whole = {number for gap in gaps_of(StoreFacts(index))[1] for number in gap.numbers}
    gaps = gaps_of(StoreFacts(index, skips=skips))[1]
    told = [number for gap in gaps for number in gap.numbers]
    assert set(told) == whole and told == sorted(told) and len(told) == len(whole)
    skipped = {number for gap in gaps if gap.kind is Kind.SKIPPED for number in gap.numbers}
    assert skipped == {number for number in whole if any(start <= number <= end for start, end in skips)}


def test_that_the_cost_of_many_gaps_and_skips_does_not_multiply() -> None:
    count = 16_000
    # Steps of 2 and 3 in turn: no stride.
    positions = np.cumsum(np.resize([2, 3], count)).tolist()
    index = indexed([event(f"{position} s/{n} T") for n, position in enumerate(positions, 1)])
    facts = StoreFacts(index, skips=[(position + 1, position + 1) for position in positions])
    began = time.process_time()
    gaps = gaps_of(facts)[1]
    assert [gap.kind for gap in gaps].count(Kind.SKIPPED) == count - 1 and len(gaps) == count - 1 + count // 2
    assert time.process_time() - began < 3


def test_that_a_long_gap_counts_whole_though_only_its_ends_are_listed() -> None:
    (finding,) = Positions().findings(drawn("1 a/1, 5000 a/2"))
    assert (finding.positions, finding.count) == ((2, 4999), 4998)
    assert "count" not in finding.as_object()
    (finding,) = Positions().findings(drawn("1 a/1, 5000 a/3"))
    assert (finding.scope, finding.positions, finding.count) == ("a", (2, 4999), 4998)


def test_that_a_stride_is_a_step_of_four_in_five() -> None:
    assert stride_of(np.array([1, 4, 7, 10, 13, 14])) == 3
    assert stride_of(np.array([1, 4, 7, 10, 11, 12])) == 1
    assert stride_of(np.array([1, 2, 3, 4, 5, 8])) == 1
    assert stride_of(np.array([1, 3])) == 1
