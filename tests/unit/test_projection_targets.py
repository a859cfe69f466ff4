"""Statistics and temporal values as columns of rows: their oracles, and how they are shown and compared."""

from __future__ import annotations

import statistics
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer import Statistics, Temporal, bucket
from esviewer.projections.declarative import made
from esviewer.projections.sameness import are_same
from esviewer.stores.codecs import json_text


def of(*numbers: int | Decimal | float | str) -> Statistics:
    found = Statistics()
    for number in numbers:
        found.add(number)
    return found


def test_I5_statistics() -> None:
    amounts = of(10, 20, 30)
    assert (amounts.count, amounts.sum, amounts.mean, amounts.sample_variance) == (3, 60, 20, 100)
    assert round(amounts.variance or 0, 2) == Decimal("66.67")
    assert amounts.percentile(50) == 20 and amounts["median"] == 20


@given(st.lists(st.decimals(-1000, 1000, places=2), min_size=2, max_size=30))
def test_that_the_running_values_are_those_of_a_batch(numbers: list[Decimal]) -> None:
    found = of(*numbers)
    exact = [Fraction(number) for number in numbers]
    assert found.sum == sum(numbers) and found.count == len(numbers)
    for running, batch in (
        (found.mean, statistics.mean(exact)),
        (found.variance, statistics.pvariance(exact)),
        (found.sample_variance, statistics.variance(exact)),
        (found.percentile(50), statistics.median(exact)),
    ):
        assert running is not None and abs(Fraction(running) - batch) <= abs(batch) / 10**26


def test_that_numbers_are_what_they_are_written_as() -> None:
    assert of(0.1, "0.2", Decimal("0.3")).sum == Decimal("0.6")
    assert of(2**80, 1).sum == 2**80 + 1
    for wrong in (True, "many", float("nan"), None):
        with pytest.raises(ValueError, match="no number"):
            of(wrong)  # type: ignore[arg-type]


def test_that_a_histogram_counts_by_the_lower_end() -> None:
    assert of(0, 4, 5, "9.99", 10, -1).histogram(5) == {"-5": 1, "0": 2, "5": 2, "10": 1}


def test_that_they_are_shown_and_compared_as_objects() -> None:
    assert json_text.loads(json_text.dumps(of(1, 2)))[0] == {
        "count": 2, "sum": 3, "mean": "1.5", "variance": "0.25", "sample_variance": "0.5",
        "min": 1, "median": "1.5", "max": 2, "p25": "1.25", "p75": "1.75", "p95": "1.95",
    }  # fmt: skip
    assert dict(Statistics()) == {"count": 0, "sum": 0}
    assert are_same(of(1, 2), of(2, 1)) and not are_same(of(1, 2), of(1, 3))


def test_I4_temporal() -> None:
    price = Temporal()
    price.record(5, recorded=10)
    price.record(7, recorded=20)
    price.record(6, recorded=30, valid=15)
    assert (price.as_at(), price.as_of(), price.as_of(17)) == (6, 7, 6)
    assert (price.bitemporal(25, 17), price.bitemporal(35, 17)) == (5, 6)
    assert price.as_at(15) == 5 and price.as_at(9) is None and Temporal().as_of() is None
    assert price["as_at"] == 6 and price["history"][2] == {"recorded": 30, "valid": 15, "value": 6}


def test_that_buckets_are_in_utc_and_sort_by_time() -> None:
    moment = datetime.fromisoformat("2024-01-01T00:30:00+02:00")
    sizes = ("hour", "day", "week", "month", "year")
    assert [bucket(moment, size) for size in sizes] == ["2023-12-31T22", "2023-12-31", "2023-12-25", "2023-12", "2023"]  # type: ignore[arg-type]
    assert bucket(datetime(2024, 1, 1, tzinfo=UTC), "week") == "2024-01-01"


def test_that_a_step_measures() -> None:
    projection = made({"handlers": {"Paid": {"key": "'all'", "steps": [{"measure": {"amounts": "data.amount"}}]}}})
    for amount in (10, "20", Decimal(30)):
        projection.given("Paid", {"amount": amount}, stream="a")
    assert projection.rows["all"]["amounts"].mean == 20
    with pytest.raises(Exception, match="step 1: amounts: 'x' is no number"):
        projection.given("Paid", {"amount": "x"}, stream="a")
