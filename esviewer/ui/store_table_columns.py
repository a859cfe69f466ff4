"""The columns of the table of all events."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Column(IntEnum):
    POSITION = 0
    TIME = 1
    TYPE = 2
    STREAM = 3
    VERSION = 4
    SIZE = 5
    PAYLOAD = 6


TITLES: Final = ("Position", "Recorded", "Type", "Stream", "Version", "Size", "Payload")
WIDTHS: Final = (76, 162, 196, 284, 76, 74, 260)
NARROW: Final = (76, 162, 132, 112, 66, 66, 140)
"""Where there is little room. What is between is given to streams, then to types, then to payloads."""
RIGHT: Final = frozenset({Column.POSITION, Column.VERSION, Column.SIZE})
"""Columns of numbers, which end at one line."""
SORTED: Final = tuple(column for column in Column if column is not Column.PAYLOAD)
"""What rows can be sorted by: what stands in the index."""
