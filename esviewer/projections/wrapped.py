"""Python's values carried through upcasters, which see texts: each text remembers which value it stands for.

Upcasters are written for what is stored, and so is the check of what they make: ids, decimals and times are texts.
Handlers are promised Python's values. What an upcaster moves, copies or leaves alone comes out as the value; what it
makes anew is what it made.
"""

from __future__ import annotations

from typing import Any


class WrappedText(str):
    """The text of a value."""

    __slots__ = ("value",)

    value: Any

    # To upcasters and shapes it is a text like any other, also where they ask for just that.
    __class__ = property(lambda self: str)

    @classmethod
    def of(cls, text: str, value: Any) -> WrappedText:
        """The text, with the value that it stands for."""
        made = cls(text)
        made.value = value
        return made


def marked(plain: Any, python: Any) -> Any:
    """``plain`` with a :class:`WrappedText` for each text that is a value of another kind in ``python``."""
    if isinstance(plain, dict) and isinstance(python, dict):
        return {name: marked(value, python.get(name)) for name, value in plain.items()}
    if isinstance(plain, list) and isinstance(python, list) and len(plain) == len(python):
        return [marked(*pair) for pair in zip(plain, python, strict=True)]
    if plain.__class__ is str and not isinstance(python, str | dict | list | None):
        return WrappedText.of(plain, python)
    return plain


def unmarked(value: Any) -> Any:
    """The other way round."""
    kind = type(value)
    if kind is dict:
        return {name: unmarked(item) for name, item in value.items()}
    if kind is list:
        return [unmarked(item) for item in value]
    return value.value if kind is WrappedText else value
