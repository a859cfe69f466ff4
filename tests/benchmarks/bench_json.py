"""What exactness costs: ours and its floor, interleaved, on states of some 300 bytes. Run it by name.

python tests/benchmarks/bench_json.py
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import orjson

from esviewer.stores.codecs import json_text
from esviewer.stores.codecs.tagged import untag

STATES = 3_000
ROUNDS = 15


def states() -> list[dict[str, object]]:
    """As eventsourcing writes them, wrapped values included."""
    chance = random.Random(1)
    return [
        {
            "timestamp": {
                "_type_": "datetime_iso",
                "_data_": f"2026-11-23T23:49:46.{chance.randrange(10**6):06}+00:00",
            },
            "originator_topic": "library_es.lending:Loan",
            "copy_id": {"_type_": "uuid_hex", "_data_": UUID(int=chance.getrandbits(128)).hex},
            "fee": {"_type_": "decimal_str", "_data_": str(Decimal(chance.randrange(10_000)) / 100)},
            "card_no": f"C{chance.randrange(10**6):06}",
            "note": "Ø" + "x" * chance.randrange(20, 60),
        }
        for _ in range(STATES)
    ]


def nanoseconds(works: list[Callable[[], object]]) -> list[float]:
    """The best round of each, per state; rounds are interleaved so that a busy machine hits all alike."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            start = time.perf_counter_ns()
            work()
            best[index] = min(best[index], (time.perf_counter_ns() - start) / STATES)
    return best


def measure(name: str, raws: list[bytes]) -> None:
    """Prints both times and their ratio."""
    ours, floor = json_text.loads, orjson.loads
    floor_ns, ours_ns = nanoseconds([lambda: [floor(raw) for raw in raws], lambda: [ours(raw) for raw in raws]])
    mean = sum(map(len, raws)) // len(raws)
    ratio = ours_ns / floor_ns
    print(f"loads {name:28} {mean} bytes: orjson {floor_ns:5.0f} ns, ours {ours_ns:5.0f} ns, {ratio:.2f} times")


def main() -> None:
    """All measurements, one line each."""
    values = states()
    measure("compact", [orjson.dumps(value) for value in values])
    measure("with spaces, as jsonb", [json.dumps(value, ensure_ascii=False).encode() for value in values])
    measure("with escapes", [json.dumps(value).encode() for value in values])
    measure("exact (a long decimal)", [orjson.dumps(value)[:-1] + b',"x":0.12345678901234567890}' for value in values])
    flat = [{f"k{n}": n for n in range(6)} for _ in values]
    empty, wrapped, plain = nanoseconds(
        [
            lambda: [value for value in values],  # noqa: C416 - the loop alone
            lambda: [untag(value) for value in values],
            lambda: [untag(value) for value in flat],
        ]
    )
    print(f"untag 6 keys, 3 of them wrapped: {wrapped - empty:.0f} ns; none wrapped: {plain - empty:.0f} ns")
    ours_ns, floor_ns = nanoseconds(
        [
            lambda: [json_text.dumps(value) for value in values],
            lambda: [orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for value in values],
        ]
    )
    print(f"dumps: orjson {floor_ns:.0f} ns, ours {ours_ns:.0f} ns, {ours_ns / floor_ns:.2f} times")


if __name__ == "__main__":
    main()
