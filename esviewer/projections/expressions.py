"""Expressions of declarative projections: JMESPath over an event and a row, with a short way for plain paths."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeAlias
from uuid import UUID

from esviewer.domain import UsageError, Value
from esviewer.projections.definition import ProjectionEvent, Row, copied
from esviewer.stores import where

Expression: TypeAlias = Callable[["Scope"], Any]

_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*\Z", re.ASCII)
_TEXT: Final = re.compile(r"'([^'\\]*)'\Z")
ROOTS: Final = (
    *("data", "meta", "row", "position", "stream", "category", "version", "type", "schema_version", "recorded_at"),
    *("event_id", "correlation_id", "causation_id", "transaction", "tenant", "deleted", "archived"),
)
"""What an expression may begin with: ``meta`` is the metadata, ``row`` the row as it is, the others are the event's."""


class Scope:
    """What the expressions of one event see."""

    __slots__ = ("_seen", "event", "row")

    def __init__(self, event: ProjectionEvent) -> None:
        self.event = event
        self.row: Row | None = None
        self._seen: dict[str, Any] = {}

    def root(self, name: str) -> Any:
        """The value of one of :data:`ROOTS`, ids and times as texts."""
        if name == "row":
            return self.row
        try:
            return self._seen[name]
        except KeyError:
            value = self._seen[name] = plain(getattr(self.event, "metadata" if name == "meta" else name))
            return value

    def __getitem__(self, name: str) -> Any:
        return self.root(name)


def plain(value: Any) -> Any:
    """A value in which ids and times are texts, as JMESPath compares them; decimals stay."""
    kind = value.__class__
    if kind is dict:
        return {name: plain(item) for name, item in value.items()}
    if kind is list:
        return [plain(item) for item in value]
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def expression(raw: Value) -> Expression:
    """The expression of a file: a text is JMESPath, ``{value: …}`` and all that is no text stand for themselves.

    Raises :class:`UsageError` with what is wrong.
    """
    if isinstance(raw, dict) and raw.keys() == {"value"}:
        raw = raw["value"]
        return lambda scope: copied(raw)
    if not isinstance(raw, str):
        return lambda scope: copied(raw)
    if (literal := _TEXT.match(raw)) is not None:
        text = literal[1]
        return lambda scope: text
    if _PATH.match(raw):
        return _path(raw)
    search = where.search(raw)

    def found(scope: Scope) -> Any:
        return copied(search({name: scope.root(name) for name in ROOTS}))

    return found


def _path(text: str) -> Expression:
    first, *names = text.split(".")
    if first not in ROOTS:
        raise UsageError(
            f"{text!r} begins with {first!r}, which is none of {', '.join(ROOTS)}; a text is written \"'{text}'\""
        )

    def found(scope: Scope) -> Any:
        value = scope.root(first)
        for name in names:
            value = value.get(name) if isinstance(value, dict) else None
        # No two columns are to share a list that one of them adds to.
        return copied(value) if value.__class__ in (dict, list) else value

    return found


def condition(raw: Value) -> Callable[[Scope], bool]:
    """An expression as yes or no, by JMESPath's rule: nothing, false and what is empty are no."""
    found = expression(raw)

    def holds(scope: Scope) -> bool:
        value = found(scope)
        return value is not None and value is not False and value not in ("", [], {})

    return holds


def number(value: Any) -> int | Decimal | None:
    """An exact number, of a decimal in a text too; ``None`` for what is none. A float is what it is written as."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return value
    if isinstance(value, float | str):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return None
    return None
