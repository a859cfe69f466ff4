"""What a column of a row can be besides a plain value: statistics of numbers, and a value with its history.

    from esviewer import Projection, Statistics, Temporal, bucket, on

    class Prices(Projection):
        @on("PriceSet")
        def priced(self, event):
            row = self.rows.setdefault(event.stream, {"price": Temporal(), "amounts": Statistics()})
            row["price"].record(event.data["price"], recorded=event.recorded_at, valid=event.data.get("valid_from"))
            row["amounts"].add(event.data["price"])
            month = self.table("months").setdefault(bucket(event.recorded_at, "month"), {"prices": 0})
            month["prices"] += 1

Both are shown, exported and compared as objects. Lists, sets and trees need nothing of their own: a column may hold a
``list``, a ``set`` (compared without order) or nested ``dict``.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Final, Literal, TypeAlias

Number: TypeAlias = int | Decimal
Bucket: TypeAlias = Literal["hour", "day", "week", "month", "year"]

_DIGITS: Final = Context(prec=28)
_SHOWN_PERCENTILES: Final = (25, 75, 95)


class Statistics(Mapping[str, Any]):
    """Count, sum, mean, variance and percentiles of numbers, all from exact sums.

    As an object: ``count sum mean variance sample_variance min p25 median p75 p95 max``, absent where there are too few
    numbers. ``variance`` is that of the population (divided by n), ``sample_variance`` that of a sample (n - 1). What
    is no whole number is a decimal of at most 28 digits. Percentiles are interpolated between neighbours.
    """

    def __init__(self) -> None:
        self._counts: Counter[Fraction] = Counter()
        self._sorted: list[Fraction] = []
        self._sum = Fraction(0)
        self._squares = Fraction(0)

    def add(self, value: int | float | Decimal | str, times: int = 1) -> None:
        """One more number, or the same one several times; raises ValueError for what is none."""
        number = _exact(value)
        if times < 1:
            raise ValueError(f"a number is added once or more, and not {times} times")
        if number not in self._counts:
            insort(self._sorted, number)
        self._counts[number] += times
        self._sum += number * times
        self._squares += number * number * times

    @property
    def count(self) -> int:
        """How many numbers there are."""
        return self._counts.total()

    @property
    def sum(self) -> Number:
        """Their sum, exact."""
        return _shown(self._sum)

    @property
    def mean(self) -> Number | None:
        """Their mean; ``None`` without any."""
        return _shown(self._sum / self.count) if self._counts else None

    @property
    def variance(self) -> Number | None:
        """The variance of the population; ``None`` without any number."""
        return _shown(self._deviation() / self.count) if self._counts else None

    @property
    def sample_variance(self) -> Number | None:
        """The variance as of a sample; ``None`` with fewer than two numbers."""
        return _shown(self._deviation() / (self.count - 1)) if self.count > 1 else None

    def _deviation(self) -> Fraction:
        return self._squares - self._sum * self._sum / self.count

    def percentile(self, percent: float) -> Number | None:
        """The number below which so many percent lie, interpolated; ``None`` without any."""
        if not 0 <= percent <= 100:
            raise ValueError(f"a percentile is from 0 to 100, and not {percent}")
        if not self._counts:
            return None
        place = Fraction(str(percent)) / 100 * (self.count - 1)
        low, high = self._at(int(place)), self._at(min(int(place) + 1, self.count - 1))
        return _shown(low + (high - low) * (place - int(place)))

    def _at(self, place: int) -> Fraction:
        """The number at a place of all, sorted."""
        passed = 0
        for number in self._sorted:
            passed += self._counts[number]
            if place < passed:
                return number
        raise IndexError(place)

    def histogram(self, width: int | float | Decimal | str) -> dict[str, int]:
        """How many numbers are in each interval of that width, by the lower end of it, which belongs to it."""
        step = _exact(width)
        if step <= 0:
            raise ValueError("the width of intervals is more than 0")
        found: Counter[Fraction] = Counter()
        for number in self._sorted:
            found[number // step * step] += self._counts[number]
        return {str(_shown(low)): count for low, count in found.items()}

    def _shown_values(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"count": self.count, "sum": self.sum}
        if self._counts:
            shown |= {"mean": self.mean, "variance": self.variance}
            if self.count > 1:
                shown["sample_variance"] = self.sample_variance
            shown |= {"min": _shown(self._sorted[0]), "median": self.percentile(50), "max": _shown(self._sorted[-1])}
            shown |= {f"p{percent}": self.percentile(percent) for percent in _SHOWN_PERCENTILES}
        return shown

    def __getitem__(self, name: str) -> Any:
        return self._shown_values()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shown_values())

    def __len__(self) -> int:
        return len(self._shown_values())

    def __repr__(self) -> str:
        return f"Statistics({self._shown_values()})"


def _exact(value: object) -> Fraction:
    """A number as it is written: 0.1 is a tenth, also where it is a float."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError(f"{value!r} is no number")
    try:
        return Fraction(value) if isinstance(value, int) else Fraction(str(value))
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is no number") from None


def _shown(number: Fraction) -> Number:
    if number.denominator == 1:
        return number.numerator
    return _DIGITS.divide(Decimal(number.numerator), Decimal(number.denominator))


# Values with a history


@dataclass(frozen=True, slots=True)
class _Entry:
    recorded: Any
    valid: Any
    value: Any


class Temporal(Mapping[str, Any]):
    """A value with all that it ever was, by when that was recorded and from when it was valid.

    As an object: ``as_at`` (recorded last), ``as_of`` (valid when the last one was recorded) and ``history``. Times are
    whatever can be compared: datetimes, numbers, positions. What is recorded without validity is valid from then on.
    """

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def record(self, value: Any, *, recorded: Any, valid: Any = None) -> None:
        """One more value; those of one moment count in the order in which they are given."""
        self._entries.append(_Entry(recorded, recorded if valid is None else valid, value))

    def as_at(self, recorded: Any = None) -> Any:
        """What had been recorded last at a moment, now without one; ``None`` where nothing had."""
        return _last(self._entries, lambda entry: entry.recorded, recorded)

    def as_of(self, valid: Any = None) -> Any:
        """What was valid at a moment by all that is known; without one when the last was recorded."""
        return self.bitemporal(None, valid)

    def bitemporal(self, recorded: Any, valid: Any) -> Any:
        """What was valid at a moment by what had been recorded at another one."""
        known = [entry for entry in self._entries if recorded is None or entry.recorded <= recorded]
        if valid is None and known:
            valid = max(entry.recorded for entry in known)
        return _last(known, lambda entry: entry.valid, valid)

    def _shown_values(self) -> dict[str, Any]:
        history = [{"recorded": e.recorded, "valid": e.valid, "value": e.value} for e in self._entries]
        return {"as_at": self.as_at(), "as_of": self.as_of(), "history": history}

    def __getitem__(self, name: str) -> Any:
        return self._shown_values()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("as_at", "as_of", "history"))

    def __len__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return f"Temporal({self._shown_values()})"


def _last(entries: list[_Entry], time_of: Callable[[_Entry], Any], moment: Any) -> Any:
    """The value of the last entry up to a moment, by time and then in the order in which they came."""
    ordered = sorted(entries, key=time_of)
    count = len(ordered) if moment is None else bisect_right(ordered, moment, key=time_of)
    return ordered[count - 1].value if count else None


def bucket(moment: datetime, size: Bucket) -> str:
    """The hour, day, week (by its Monday), month or year that a moment is in, UTC, as a text that sorts by time."""
    utc = moment.astimezone(UTC) if moment.tzinfo is not None else moment
    if size == "week":
        return (utc.date() - timedelta(days=utc.weekday())).isoformat()
    forms = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
    if size not in forms:
        raise ValueError(f"{size!r} is no size: hour, day, week, month or year")
    return utc.strftime(forms[size])
