"""Planning a rebuild, invariants, who wrote what, and what makes a projection impure: the oracles J, K and L."""

from __future__ import annotations

import pytest

from esviewer import Projection, ProjectionEvent, on
from esviewer.domain import Event, UsageError
from esviewer.projections.edited import EditedFold, FoldRules, rule_of
from esviewer.projections.history import AggregateHistory
from esviewer.projections.inferred import InferredFold
from esviewer.projections.invariants import breaks, written
from esviewer.projections.planning import (
    Measured,
    Touched,
    catch_up,
    estimate,
    growth,
    lags,
    reads_of,
    sampled_streams,
    touched_by,
)
from esviewer.projections.purity import impurities


def events(*told: tuple[str, dict[str, object]]) -> list[Event]:
    return [Event((n,), n, "a", None, n, kind, data=data) for n, (kind, data) in enumerate(told, 1)]


def test_J1_a_rebuild_is_not_extrapolated_from_the_oldest_events() -> None:
    """900 streams of 10 cheap events, then 100 of dear ones of the same type: 19 s, and not 10."""
    cost = [0.001] * 900 + [0.010] * 100
    drawn = sampled_streams([10] * 1_000, seed=1)
    assert len(drawn) == 200 and any(number >= 900 for number in drawn)
    found = estimate({"T": 10_000}, [{"T": Measured(10, 10 * cost[number])} for number in drawn])
    assert found is not None and found.low <= 19 <= found.high and found.low > 10
    by_type = estimate({"Old": 9_000, "New": 1_000}, [{"Old": Measured(9, 0.009)}, {"New": Measured(2, 0.02)}])
    assert by_type is not None and by_type.seconds == pytest.approx(19.0) and not by_type.unsampled


def test_J1_types_that_were_not_sampled_are_listed_and_taken_to_be_the_dearest() -> None:
    found = estimate({"A": 100, "B": 10, "Rare": 5}, [{"A": Measured(10, 0.01), "B": Measured(1, 0.1)}])
    assert found is not None and found.unsampled == ("Rare",)
    assert found.seconds == pytest.approx(100 * 0.001 + 10 * 0.1 + 5 * 0.1)
    assert estimate({"A": 1}, []) is None


def test_J1_the_range_holds_the_truth_in_most_draws() -> None:
    cost = [0.001] * 900 + [0.010] * 100
    held = 0
    for seed in range(60):
        drawn = sampled_streams([10] * 1_000, seed=seed)
        found = estimate({"T": 10_000}, [{"T": Measured(10, 10 * cost[number])} for number in drawn], seed)
        held += found is not None and found.low <= 19 <= found.high
    assert held >= 50


def test_that_a_cost_that_grows_with_the_events_is_told_with_its_power() -> None:
    assert growth([(1_000, 1.0), (2_000, 2.1), (4_000, 4.2)]) is None
    assert growth([(1_000, 1.0), (2_000, 4.0), (4_000, 16.0)]) == pytest.approx(2.0)


def test_J2_a_rebuild_catches_up_or_never_does() -> None:
    assert catch_up(1_000_000, 500, 100) == pytest.approx(2_500)
    assert catch_up(1_000_000, 500, 500) is None


class Totals(Projection):
    @on("OrderPlaced")
    def placed(self, event: ProjectionEvent) -> None:
        self.rows[event.stream] = {"total": event.data["total"]}


class Ids(Projection):
    @on("OrderPlaced")
    def placed(self, event: ProjectionEvent) -> None:
        self.rows[event.data["id"]] = {}


class Copies(Projection):
    @on("OrderPlaced")
    def placed(self, event: ProjectionEvent) -> None:
        self.rows[event.stream] = {**event.data}


def test_J3_a_change_touches_the_projections_that_read_what_is_changed() -> None:
    matrix = {"P1": reads_of(Totals().handlers()), "P2": reads_of(Ids().handlers())}
    assert touched_by(matrix, "OrderPlaced", "total") == [Touched("P1", True)]
    assert touched_by(matrix, "OrderPlaced") == [Touched("P1", True), Touched("P2", True)]
    assert touched_by(matrix, "OrderPaid") == []
    copies = {"P3": reads_of(Copies().handlers())}
    assert touched_by(copies, "OrderPlaced", "total") == [Touched("P3", False)]


def test_J4_one_worker_lags_behind_what_arrives_together() -> None:
    found = lags([0, 0, 0, 10], [4, 4, 4, 4])
    assert found == [4, 8, 12, 6] and max(found) == 12


def test_K1_a_field_has_the_event_that_changed_it_and_the_one_that_wrote_it() -> None:
    told = events(
        ("Opened", {"name": "a", "limit": 10}),
        ("Renamed", {"name": "b"}),
        ("LimitSet", {"limit": 10}),
        ("Renamed", {"name": "b"}),
    )
    changed = AggregateHistory(told, InferredFold()).blame(3)
    assert {path: writer.version for path, writer in changed.items()} == {"name": 2, "limit": 1}
    assert {path: event.version for path, event in written(InferredFold(), told).items()} == {"name": 4, "limit": 3}


def test_L1_a_break_is_reported_once_with_what_healed_it() -> None:
    rules = FoldRules("own", (rule_of("Moved", "amount", "add bal"),))
    told = events(*(("Moved", {"amount": amount}) for amount in (50, -80, 100)))
    (found,) = breaks(AggregateHistory(told, EditedFold(rules)), "bal >= `0`")
    assert (found.event.version, found.state["bal"], found.healed) == (2, -30, told[2])
    (last,) = breaks(AggregateHistory(told[:2], EditedFold(rules)), "bal >= `0`")
    assert last.healed is None


def test_that_code_that_hangs_on_more_than_events_is_told_with_its_line() -> None:
    source = """
import random
from datetime import datetime
from time import time as now
import own, shop.domain
from esviewer import Projection, on

class Loans(Projection):
    @on("Started")
    def started(self, event):
        self.rows[event.stream] = {"at": datetime.now(), "n": now(), "f": open("x").read()}
"""
    found = impurities(source, beside=frozenset({"own"}))
    assert [(one.line, one.kind, one.name) for one in found] == [
        (2, "chance", "random"),
        (5, "domain", "shop.domain"),
        (11, "clock", "datetime.datetime.now"),
        (11, "file", "open"),
        (11, "clock", "time.time"),
    ]
    assert found[2].sentence.startswith("Line 11: datetime.datetime.now is a clock")
    with pytest.raises(UsageError, match="line 1 is no Python"):
        impurities("def (")
