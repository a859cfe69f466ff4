"""``--where``: JMESPath over the event object, with comparisons that suit stored data.

A comparison with a path that is not there, or with a value of another kind, is false (``!=`` too; comparing with a
literal ``null`` asks whether the path is there). Strings that are decimals compare as numbers with numbers.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import jmespath
from jmespath import exceptions, functions, visitor

from esviewer.domain import Event, UsageError
from esviewer.domain.objects import event_object
from esviewer.stores.codecs import json_text

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_NULL: dict[str, Any] = {"type": "literal", "value": None, "children": []}


class _Functions(functions.Functions):  # type: ignore[misc]
    """JMESPath's own functions, for decimals and values of any size too."""

    def _get_allowed_pytypes(self, types: list[str]) -> Any:
        # The library asks for the names of Python's types, of which it knows int and float as numbers.
        whole, parts = super()._get_allowed_pytypes(types)
        return _with_decimals(whole), [_with_decimals(names) for names in parts]

    def _convert_to_jmespath_type(self, pyobject: str) -> Any:
        return "number" if pyobject == "Decimal" else super()._convert_to_jmespath_type(pyobject)

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_type(self, value: Any) -> Any:
        return "number" if isinstance(value, Decimal) else super()._func_type(value)

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str | Decimal):
            return str(value)
        return json_text.dumps(value).decode()

    @functions.signature({"types": []})  # type: ignore[untyped-decorator]
    def _func_to_number(self, value: Any) -> Any:
        # The library makes an int of it, which takes forever for 1e1000000000.
        return value if isinstance(value, Decimal) else super()._func_to_number(value)

    @functions.signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_abs(self, value: Any) -> Any:
        return value.copy_abs() if isinstance(value, Decimal) else abs(value)

    @functions.signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_ceil(self, value: Any) -> Any:
        return math.ceil(_of_sensible_size(value))

    @functions.signature({"types": ["number"]})  # type: ignore[untyped-decorator]
    def _func_floor(self, value: Any) -> Any:
        return math.floor(_of_sensible_size(value))

    @functions.signature({"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_sum(self, values: list[Any]) -> Any:
        return _sum(values)

    @functions.signature({"types": ["array-number"]})  # type: ignore[untyped-decorator]
    def _func_avg(self, values: list[Any]) -> Any:
        if not values:
            return None
        total = _sum(values)
        return _DIVIDING.divide(total, Decimal(len(values))) if isinstance(total, Decimal) else total / len(values)


_EXACT = Context(prec=1_000)
_DIVIDING = Context(prec=34)
"""As many digits as IEEE 754 has in its longest decimals; most quotients have no end."""


def _with_decimals(names: Sequence[str]) -> list[str]:
    return [*names, "Decimal"] if "float" in names else [*names]


def _sum(values: list[Any]) -> Any:
    """The sum, exact where a decimal is in it: a float is then what it is written as."""
    if not any(isinstance(value, Decimal) for value in values):
        return sum(values)
    total = Decimal(0)
    for value in values:
        total = _EXACT.add(total, Decimal(str(value)) if isinstance(value, float) else Decimal(value))
    return total


def _of_sensible_size(value: Any) -> Any:
    """The number; raises ValueError for one of which the integer would take forever to make."""
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() > 1_000:
        raise ValueError("too large")
    return value


class _Interpreter(visitor.TreeInterpreter):  # type: ignore[misc]
    """JMESPath's own interpreter with the comparisons of this module."""

    def visit_comparator(self, node: Any, value: Any) -> bool:
        left_node, right_node = node["children"]
        left, right = self.visit(left_node, value), self.visit(right_node, value)
        compare = _COMPARE[node["value"]]
        if _NULL in (left_node, right_node):
            return bool(compare(left is None, right is None)) if node["value"] in ("eq", "ne") else False
        pair = _comparable(left, right)
        return pair is not None and bool(compare(*pair))


def _comparable(left: Any, right: Any) -> tuple[Any, Any] | None:
    """The two values as values of one kind, ``None`` if they have none in common."""
    if left is None or right is None:
        return None
    if isinstance(left, bool) or isinstance(right, bool):
        return (left, right) if isinstance(left, bool) and isinstance(right, bool) else None
    if isinstance(left, str) and isinstance(right, str):
        return left, right
    if isinstance(left, list | dict) or isinstance(right, list | dict):
        return (left, right) if type(left) is type(right) and not isinstance(left, dict) else None
    numbers = _number(left), _number(right)
    return None if None in numbers else numbers


def _number(value: Any) -> Decimal | None:
    if not isinstance(value, int | float | Decimal | str):
        return None
    try:
        # An integer not by way of its text: Python bounds the digits of that.
        number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
    except InvalidOperation:
        return None
    return None if number.is_nan() else number


def search(expression: str) -> Callable[[Any], Any]:
    """What an expression finds in a value, ``None`` where it fails; raises :class:`UsageError` if it is no JMESPath."""
    try:
        parsed = jmespath.compile(expression).parsed
    except exceptions.JMESPathError as error:
        raise UsageError(f"{expression!r} is not a JMESPath expression: {str(error).splitlines()[0]}") from error
    except (ValueError, RecursionError):
        raise UsageError("This is not a JMESPath expression, or one too deep to be read.") from None
    interpreter = _Interpreter(jmespath.Options(custom_functions=_Functions()))

    def found(value: Any) -> Any:
        try:
            return interpreter.visit(parsed, value)
        except (exceptions.JMESPathError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            return None

    return found


def predicate(expression: str) -> Callable[[Event], bool]:
    """Whether an event matches; raises :class:`UsageError` for an expression that is not JMESPath."""
    try:
        parsed = jmespath.compile(expression).parsed
    except exceptions.JMESPathError as error:
        raise UsageError(f"--where is not a JMESPath expression: {str(error).splitlines()[0]}") from error
    except (ValueError, RecursionError):
        raise UsageError("--where is not a JMESPath expression, or one too deep to be read.") from None
    interpreter = _Interpreter(jmespath.Options(custom_functions=_Functions()))

    def matches(event: Event) -> bool:
        try:
            result = interpreter.visit(parsed, event_object(event))
        except (exceptions.JMESPathError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            # A function was given a value of another type (the library's own checks let some through: an infinity to
            # ceil, mixed types to sort), or there is no such path.
            return False
        return result is not None and result is not False and result not in ("", [], {})

    return matches
