"""The paging keys of an index's rows, and the positions that are text, where they are more than a number each."""

from __future__ import annotations

from typing import Any

import numpy as np

from esviewer.domain import Key
from esviewer.stores.index_columns import Columns
from esviewer.stores.sheet import NONE, Sheet


class Keys:
    """Keys by row. As long as each is its position nothing is kept; tuples of integers are columns, others a list."""

    def __init__(self) -> None:
        self.width = 0
        """Integers in each key, kept in columns ``key_0`` …; 0 while keys are positions or stand in :attr:`listed`."""
        self.listed: list[Key] | None = None
        self.texts: list[str | None] | None = None

    def extend(self, columns: Columns, start: int, sheet: Sheet) -> None:
        """Takes the keys of rows from ``start`` on."""
        if sheet.keys is not None:
            self._prepare(columns, start, sheet.keys)
        keys = sheet.keys
        if keys is None and (self.width or self.listed is not None):
            keys = [(position,) for position in sheet.positions.tolist()]
            if self.width > 1:
                self._to_list(columns, start)
        if self.listed is not None and keys is not None:
            self.listed += keys
        elif self.width and keys is not None:
            self._write(columns, start, keys)
        if sheet.texts is not None and self.texts is None:
            self.texts = [None] * start
        if self.texts is not None:
            self.texts += sheet.texts if sheet.texts is not None else [None] * len(sheet)

    def _prepare(self, columns: Columns, start: int, keys: list[Key]) -> None:
        """Chooses how keys are kept, for those that are there and those that come."""
        widths = {len(key) for key in keys}
        are_integers = len(widths) == 1 and all(type(part) is int and abs(part) < 2**63 for key in keys for part in key)
        width = widths.pop() if are_integers else 0
        if self.listed is not None or (self.width and width == self.width):
            return
        if width and not start:
            self.width = width
            return
        self._to_list(columns, start)

    def _to_list(self, columns: Columns, length: int) -> None:
        if self.listed is None:
            self.listed = [self.of(columns, row) for row in range(length)]
            self.width = 0

    def _write(self, columns: Columns, start: int, keys: list[Key]) -> None:
        for place in range(self.width):
            columns.write(f"key_{place}", start, np.array([key[place] for key in keys], np.int64), len(keys))

    def of(self, columns: Columns, row: int) -> Key:
        """The key of a row."""
        if self.listed is not None:
            return self.listed[row]
        if self.width:
            return tuple(int(columns.part(f"key_{place}", row + 1)[row]) for place in range(self.width))
        return (int(columns.part("position", row + 1)[row]),)

    def text(self, row: int) -> str | None:
        """The position of a row where it is text."""
        return self.texts[row] if self.texts is not None else None

    def cut(self, row: int) -> None:
        """Forgets the keys of rows from ``row`` on."""
        if self.listed is not None:
            del self.listed[row:]
        if self.texts is not None:
            del self.texts[row:]

    def agreement(self, columns: Columns, row: int, sheet: Sheet, count: int) -> int:
        """How many of the first ``count`` cells of a sheet have the keys of the rows from ``row`` on."""
        if sheet.keys is None and not self.width and self.listed is None:
            same = columns.part("position", row + count)[row:] == sheet.positions[:count]
            return count if same.all() else int(np.argmin(same))
        theirs: list[Any] = sheet.keys or [(position,) for position in sheet.positions.tolist()]
        for number in range(count):
            if self.of(columns, row + number) != theirs[number]:
                return number
        return count


__all__ = ["NONE", "Keys"]
