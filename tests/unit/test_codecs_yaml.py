"""YAML as Ruby writes it, read as plain data."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.stores.codecs import Codecs, Undecodable


def decode(text: str) -> object:
    """The value of a YAML payload."""
    return Codecs().decode(text.encode(), "yaml").value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (':a: :b\n:"c d": ":e"\n', {"a": "b", "c d": ":e"}),
        (
            "- !ruby/object:BigDecimal 27:0.1999e2\n- !ruby/object:BigDecimal 9:0.5e3\n",
            [Decimal("19.99"), Decimal(500)],
        ),
        ("- 123456789012345678901234567890\n- 0.1234567890123456789\n- 1.5\n- 0x1f\n- 017\n", None),
        ("- 2026-05-02 10:11:12.123456789 Z\n- 2026-05-02 10:11:12.500000000 +02:00\n- 2026-05-02\n", None),
        ("!ruby/object:Set\nhash:\n  1: true\n  2: true\n", [1, 2]),
        ("--- !ruby/hash:ActiveSupport::HashWithIndifferentAccess\na: ~\n", {"a": None}),
        ("!binary |-\n  AP8=\n", b"\x00\xff"),
        ("- &1 {a: 1}\n- *1\n- <<: *1\n  b: 2\n", [{"a": 1}, {"a": 1}, {"a": 1, "b": 2}]),
        ("- yes\n- 'yes'\n- null\n- !ruby/symbol x\n- !!int nothing\n", [True, "yes", None, "x", "nothing"]),
        ('{"a": 1}', {"a": 1}),
        ("? [1, 2]\n: 3\n", {"[1,2]": 3}),
    ],
)
def test_that_rubys_values_are_plain_ones(text: str, expected: object) -> None:
    value = decode(text)
    if text.startswith("- 1234"):
        expected = [123456789012345678901234567890, Decimal("0.1234567890123456789"), 1.5, 31, 15]
    if text.startswith("- 2026"):
        expected = ["2026-05-02T10:11:12.123456789+00:00", "2026-05-02T10:11:12.500000+02:00", "2026-05-02"]
    assert value == expected


def test_that_a_time_with_zone_is_its_utc_time() -> None:
    text = (
        ":at: !ruby/object:ActiveSupport::TimeWithZone\n  utc: 2026-01-01 11:00:00.000000000 Z\n"
        "  zone: !ruby/object:ActiveSupport::TimeZone\n    name: Europe/Amsterdam\n"
        "  time: 2026-01-01 12:00:00.000000000 Z\n"
    )
    assert decode(text) == {"at": "2026-01-01T11:00:00+00:00"}


def test_that_infinities_are_floats() -> None:
    value = decode("[.inf, -.Inf, .NaN]")
    assert isinstance(value, list)
    assert value[:2] == [math.inf, -math.inf]
    assert math.isnan(value[2])


def test_that_no_object_is_constructed_and_its_class_is_told() -> None:
    decoded = Codecs().decode(b"!ruby/object:Money\ncents: 5\nrun: !!python/object/apply:os.system [echo]\n", "yaml")
    assert decoded.value == {"cents": 5, "run": ["echo"]}
    assert decoded.notes == ("!ruby/object:Money is shown as plain data",)


def test_that_a_symbol_and_a_text_of_one_name_are_told() -> None:
    decoded = Codecs().decode(b":a: 1\na: 2\n", "yaml")
    assert decoded.value == {"a": 2}
    assert decoded.notes == ("key 'a' occurs twice; the last value is shown",)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "YAML aliases that repeat too much"),
        ("&a [*a]", "YAML alias *a stands before or inside of what it names"),
        ("[" * 100_000, "nested deeper than 254 levels"),
        ("a: 1\n---\nb: 2\n", "several YAML documents in one payload"),
        ("- &a " + "[" * 200 + "]" * 200 + "\n- &b " + "[" * 100 + "*a" + "]" * 100, "nested deeper than 254 levels"),
        ("# nothing", "empty"),
        ('a: "', "not YAML: found unexpected end of stream in line 1"),
    ],
)
def test_that_the_reason_is_told(text: str, reason: str) -> None:
    with pytest.raises(Undecodable) as caught:
        decode(text)
    assert caught.value.reason == reason


@given(st.binary(max_size=60) | st.text(max_size=60) | st.text("-:&*!<{}[],|>'\"ab \n0.", max_size=40))
def test_that_garbage_is_undecodable_at_worst(raw: bytes | str) -> None:
    try:
        Codecs().decode(raw, "yaml")
    except Undecodable as error:
        assert error.reason
