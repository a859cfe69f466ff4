"""A picture as a few shapes, drawn alike in every format: its units are those of the SVG's view box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

WIDTH: Final = 1_000
HUES: Final = 16
"""Colours of event types by frequency: eight, and the same eight a step darker or lighter."""

Anchor: TypeAlias = Literal["start", "middle", "end"]
Tone: TypeAlias = Literal["text", "second"]


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text; ``y`` is its baseline."""

    x: float
    y: float
    text: str
    tone: Tone = "text"
    anchor: Anchor = "start"


@dataclass(frozen=True, slots=True)
class Boxes:
    """Rectangles ``(x, y, width, height)`` in the colour of a type, by its rank; ``None``: the ground of a lane."""

    boxes: tuple[tuple[float, float, float, float], ...]
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks of a type by their middles, in its colour and form; ``hollow`` ones are only outlined."""

    places: tuple[tuple[float, float], ...]
    rank: int
    hollow: bool = False


Shape: TypeAlias = Words | Boxes | Marks


@dataclass(frozen=True, slots=True)
class Group:
    """Shapes that belong together, with words that are told where something can be pointed at."""

    title: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture :data:`WIDTH` wide. ``caption`` says what is seen in whole sentences."""

    title: str
    caption: str
    height: int
    groups: tuple[Group, ...]
    rest: tuple[Shape, ...] = ()


def form(rank: int) -> int:
    """The form of the marks of a type: disc, square, diamond, triangle; the next with each round of eight colours."""
    return rank // 8 % 4


def corners(x: float, y: float, rank: int, size: float = 4.5) -> tuple[tuple[float, float], ...]:
    """The corners of a mark, none for a disc. All forms cover about the same area."""
    reach, shape = size * 0.88, form(rank)
    if shape == 1:
        return ((x - reach, y - reach), (x + reach, y - reach), (x + reach, y + reach), (x - reach, y + reach))
    reach = size * 1.25
    if shape == 2:
        return ((x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y))
    if shape == 3:
        return ((x, y - reach), (x + reach, y + reach * 0.75), (x - reach, y + reach * 0.75))
    return ()
