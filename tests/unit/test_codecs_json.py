"""JSON text: read exactly, written in one way."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esviewer.stores.codecs import json_text
from esviewer.stores.codecs.json_text import dumps, loads

PAIRED = "[\ud800-\udbff][\udc00-\udfff]"


def joined(text: str) -> str:
    """Adjacent surrogates as the one character that any JSON reader makes of their escapes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


texts = st.text(st.characters(exclude_categories=())).map(joined)
numbers = st.integers() | st.integers(-(10**40), 10**40) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
literals = st.one_of(
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?", fullmatch=True),
    st.sampled_from(['"é"', '"\\u00e9"', '"\\/"', '"a b"', '"\\": "', "NaN", "-Infinity", "null", "-0", "1e5", "1.50"]),
)
keys = st.sampled_from(['"a"', '"b"', '"a b"', '"ab"', '"\\u0061"', '":"'])
gaps = st.sampled_from(["", "", " ", "\n"])
documents = st.recursive(
    literals,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).flatmap(lambda items: gaps.map(lambda gap: "[" + ("," + gap).join(items) + "]")),
        st.lists(st.tuples(keys, gaps, inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f"{key}{gap}:{gap}{item}" for key, gap, item in pairs) + "}"
        ),
    ),
    max_leaves=12,
)


def same(left: object, right: object) -> bool:
    """Equal in value and in type, at every depth."""
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and repr(left) == repr(right)


@given(values, st.booleans())
def test_that_what_is_written_is_read_back_the_same(value: object, pretty: bool) -> None:
    assert same(loads(dumps(value, pretty=pretty, sort_keys=False))[0], value)


@given(documents)
def test_that_the_fast_path_reads_what_the_exact_one_does(document: str) -> None:
    def outcome(raw: str | bytes, read: object) -> object:
        try:
            value, notes = read(raw)  # type: ignore[operator]
        except ValueError:
            return "refused"
        return repr(value), notes

    expected = outcome(document, json_text._loads_exact)
    assert outcome(document.encode(), loads) == expected
    assert outcome(document, loads) == expected


@given(values.filter(lambda value: value is not None), st.booleans(), st.booleans())
def test_that_both_writers_give_the_same_text(value: object, pretty: bool, sort_keys: bool) -> None:
    option = json_text._OPTION
    option |= orjson.OPT_SORT_KEYS if sort_keys else 0
    option |= orjson.OPT_INDENT_2 if pretty else 0
    assert json_text._dumps_exact(value, option) == dumps(value, pretty=pretty, sort_keys=sort_keys)


@given(values)
def test_that_written_text_is_utf8_and_json_to_others(value: object) -> None:
    assert json.dumps(json.loads(dumps(value).decode()), sort_keys=True) == json.dumps(value, sort_keys=True)


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_that_garbage_is_a_value_error(raw: bytes | str) -> None:
    try:
        loads(raw)
    except ValueError as error:
        assert str(error)


def test_that_numbers_keep_their_value() -> None:
    value, notes = loads(b'{"big":123456789012345678901234567890,"long":0.1234567890123456789,"huge":1e400,"f":1.50}')
    assert value == {
        "big": 123456789012345678901234567890,
        "long": Decimal("0.1234567890123456789"),
        "huge": Decimal("1e400"),
        "f": 1.5,
    }
    assert notes == ()


def test_that_integers_beyond_pythons_limit_of_digits_are_read_and_written() -> None:
    digits = b"7" * 20_000
    assert dumps(loads(digits)[0]) == digits
    with pytest.raises(ValueError, match="an integer of 200,000 digits"):
        loads(b"7" * 200_000)


def test_that_a_repeated_key_is_told_and_the_last_value_shown() -> None:
    assert loads(b'{"a":1,"b":{"a":2,"a":3,"a":4}}') == (
        {"a": 1, "b": {"a": 4}},
        ("key 'a' occurs 3 times; the last value is shown",),
    )
    many = ",".join(f'"{n}":1,"{n}":2' for n in range(13))
    notes = loads("{" + many + "}")[1]
    assert notes[0] == "key '0' occurs twice; the last value is shown"
    assert len(notes) == 11
    assert notes[-1] == "and 3 more"


def test_that_no_numbers_and_lone_surrogates_are_read() -> None:
    value = loads(b'["\\ud800",NaN,Infinity,-Infinity]')[0]
    assert isinstance(value, list)
    assert value[0] == "\ud800"
    assert math.isnan(value[1])
    assert value[2:] == [math.inf, -math.inf]


def test_that_a_byte_order_mark_is_accepted() -> None:
    assert loads(b'\xef\xbb\xbf{"a":1}') == ({"a": 1}, ())
    assert loads("\ufeff1e400") == (Decimal("1e400"), ())


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"a":"\xff"}', "not valid UTF-8 at byte 6"),
        (b'{"a":1', "JSON that is cut off after 6 characters"),
        (b'{"a":"x', "JSON that is cut off after 7 characters"),
        (b"[1,]", "not JSON: expecting value at character 3"),
        (b" ", "empty"),
        (b"[" * 300 + b"]" * 300, "nested deeper than 254 levels"),
        (b"[" * 100_000, "nested deeper than 254 levels"),
        (b"1e99999999999999999999", "a number whose exponent is out of range"),
    ],
)
def test_that_the_reason_is_told(raw: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as caught:
        loads(raw)
    assert str(caught.value) == reason


def test_that_other_types_have_one_form() -> None:
    value = {
        "bytes": b"\x00\xff",
        "decimal": Decimal("1.50"),
        "nan": math.nan,
        "infinities": (math.inf, -math.inf),
        "none": None,
        "time": datetime(2026, 1, 2, tzinfo=UTC),
        "uuid": UUID(int=1),
        "set": {2, 1},
        3: {None: 1, True: 2},
    }
    assert json.loads(dumps(value)) == {
        "bytes": {"base64": "AP8="},
        "decimal": "1.50",
        "nan": "NaN",
        "infinities": ["Infinity", "-Infinity"],
        "none": None,
        "time": "2026-01-02T00:00:00+00:00",
        "uuid": "00000000-0000-0000-0000-000000000001",
        "set": [1, 2],
        "3": {"null": 1, "true": 2},
    }


def test_that_keys_that_become_the_same_text_are_both_kept() -> None:
    assert dumps({1: "a", "1": "b"}) == b'{"1":"b","1 (int)":"a"}'


def test_that_keys_with_lone_surrogates_are_escaped_and_indented() -> None:
    value = {"b": 1, "\ud800": {"\udfff": [1]}}
    assert dumps({"x": value}) == b'{"x":{"b":1,"\\ud800":{"\\udfff":[1]}}}'
    expected = json.dumps({"x": value}, indent=2).encode()
    assert dumps({"x": value}, pretty=True) == expected


def test_that_deep_values_are_written_like_shallow_ones() -> None:
    value: object = 2**70
    for _ in range(300):
        value = [value]
    assert dumps(value) == b"[" * 300 + str(2**70).encode() + b"]" * 300
    assert dumps(value, pretty=True) == json.dumps(value, indent=2).encode()


def test_that_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        dumps({"a": object()})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="contains itself"):
        dumps(circle)
