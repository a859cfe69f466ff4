"""eventsourcing's wrapped values."""

from __future__ import annotations

import pytest

from esviewer.stores.codecs.tagged import untag


def tag(kind: object, data: object) -> dict[str, object]:
    """A wrapped value."""
    return {"_type_": kind, "_data_": data}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (tag("uuid_hex", "6451c48ccc1048af9acdb98498159ed9"), "6451c48c-cc10-48af-9acd-b98498159ed9"),
        (tag("decimal_str", "1.50"), "1.50"),
        (tag("datetime_iso", "2026-11-23T23:49:46+00:00"), "2026-11-23T23:49:46+00:00"),
        (tag("uuid_hex", "no uuid"), tag("uuid_hex", "no uuid")),
        (tag("money", [tag("decimal_str", "2"), "EUR"]), tag("money", ["2", "EUR"])),
        ({**tag("decimal_str", "1"), "more": 1}, {**tag("decimal_str", "1"), "more": 1}),
        ([{"a": [tag("decimal_str", "1")]}, 1], [{"a": ["1"]}, 1]),
        (tag("tuple_as_list", tag("decimal_str", "1")), tag("tuple_as_list", "1")),
        (tag(["a"], "b"), tag(["a"], "b")),
    ],
)
def test_that_known_tags_become_values_and_others_stay(value: object, expected: object) -> None:
    assert untag(value) == expected


def test_that_nothing_is_changed_in_place_and_plain_parts_are_shared() -> None:
    plain = {"b": [1, {"c": 2}]}
    assert untag(plain) is plain
    value = {"x": tag("decimal_str", "1"), "plain": plain}
    changed = untag(value)
    assert value["x"] == tag("decimal_str", "1")
    assert isinstance(changed, dict)
    assert changed["plain"] is plain
