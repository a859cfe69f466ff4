"""Growing columns of numbers, in memory or in files that other processes may map."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

NO_VERSION: Final = np.iinfo(np.int32).min
"""Stands for "the store has none" in the column ``version``."""

DTYPES: Final[dict[str, Any]] = {
    "position": np.int64,
    "stream": np.int32,
    "version": np.int32,
    "type": np.int16,
    "time": np.int64,
    "size": np.int32,
    "flags": np.uint8,
}
"""The columns that every index has: 31 bytes an event."""

_EXTRA: Final = {"own": np.uint32, "cause": np.uint32, "correlation": np.uint32, "transaction": np.uint32}
"""Columns that come with the first event that needs them, as do those of keys; zero for the events before it."""

_FIRST_SIZE = 4_096
_PART_KEYS = np.int64


class Columns:
    """Arrays of one length that grow at their end. A column that meets a number too large for it becomes wider."""

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}
        self.size = 0
        for name, dtype in DTYPES.items():
            self._arrays[name] = self._made(name, np.dtype(dtype), 0)

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    @property
    def dtypes(self) -> dict[str, str]:
        """Names of columns with numpy's names of their types."""
        return {name: array.dtype.str for name, array in self._arrays.items()}

    def part(self, name: str, length: int) -> NDArray[Any]:
        """The first ``length`` cells of a column; zeros where no event needed it so far."""
        array = self._arrays.get(name)
        return np.zeros(length, _EXTRA.get(name, _PART_KEYS)) if array is None else array[:length]

    def reserve(self, needed: int) -> None:
        """Makes room for ``needed`` cells in every column."""
        if needed <= self.size:
            return
        size = max(needed, _FIRST_SIZE, self.size + self.size // 2)
        for name, array in self._arrays.items():
            self._arrays[name] = self._grown(name, array, size)
        self.size = size

    def write(self, name: str, start: int, values: ArrayLike, count: int) -> None:
        """Sets ``count`` cells from ``start`` on, for which there is room."""
        array = self._arrays.get(name)
        if array is None:
            array = self._arrays[name] = self._made(name, np.dtype(_EXTRA.get(name, _PART_KEYS)), self.size)
        values = np.asarray(values)
        if values.dtype != array.dtype and values.size and not _fits(values, array.dtype):
            array = self._arrays[name] = self._wider(name, array, start)
        array[start : start + count] = values

    def _wider(self, name: str, array: NDArray[Any], filled: int) -> NDArray[Any]:
        wider = self._made(name, np.dtype(np.int64), self.size)
        wider[:filled] = array[:filled]
        self._dropped(name, array.dtype)
        return wider

    # What is different in files

    def _made(self, name: str, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
        return np.zeros(size, dtype)

    def _grown(self, name: str, array: NDArray[Any], size: int) -> NDArray[Any]:
        larger = np.zeros(size, array.dtype)
        larger[: len(array)] = array
        return larger

    def _dropped(self, name: str, dtype: np.dtype[Any]) -> None:
        """A column's former array is not used any more."""


class FileColumns(Columns):
    """Columns in files of a folder, one a column, mapped for writing; what is written can be mapped elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        super().__init__()

    def _made(self, name: str, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
        path = column_file(self._folder, name, dtype.str)
        path.write_bytes(b"")
        return self._mapped(path, dtype, size)

    def _grown(self, name: str, array: NDArray[Any], size: int) -> NDArray[Any]:
        return self._mapped(column_file(self._folder, name, array.dtype.str), array.dtype, size)

    def _dropped(self, name: str, dtype: np.dtype[Any]) -> None:
        column_file(self._folder, name, dtype.str).unlink(missing_ok=True)

    def _mapped(self, path: Path, dtype: np.dtype[Any], size: int) -> NDArray[Any]:
        if not size:
            return np.zeros(0, dtype)
        if path.stat().st_size < size * dtype.itemsize:
            os.truncate(path, size * dtype.itemsize)
        return np.memmap(path, dtype, "r+", shape=(size,))

    @classmethod
    def reopened(cls, folder: Path, dtypes: dict[str, str], length: int) -> FileColumns:
        """The columns that a folder holds, for writing on; raises ``OSError`` or ``ValueError`` if they are damaged."""
        columns = cls.__new__(cls)
        columns._folder = folder
        columns._arrays = {}
        paths = {name: (column_file(folder, name, dtype), np.dtype(dtype)) for name, dtype in dtypes.items()}
        for path, dtype in paths.values():
            _check_length(path, dtype, length)
        # What is mapped elsewhere must not be cut off: files keep at least the length that they have.
        columns.size = min(path.stat().st_size // dtype.itemsize for path, dtype in paths.values())
        for name, (path, dtype) in paths.items():
            columns._arrays[name] = columns._mapped(path, dtype, columns.size)
        return columns

    def trim(self, length: int) -> None:
        """Gives back the room beyond ``length`` cells."""
        self.size = length
        for name, array in self._arrays.items():
            path = column_file(self._folder, name, array.dtype.str)
            self._arrays[name] = self._mapped(path, array.dtype, length)
            os.truncate(path, length * array.dtype.itemsize)


class MappedColumns(Columns):
    """Columns that another process writes, mapped for reading."""

    def __init__(self, folder: Path, dtypes: dict[str, str], length: int) -> None:
        self._arrays = {}
        self.size = length
        for name, dtype in dtypes.items():
            path = column_file(folder, name, dtype)
            _check_length(path, np.dtype(dtype), length)
            self._arrays[name] = (
                np.memmap(path, np.dtype(dtype), "r", shape=(length,)) if length else np.zeros(0, np.dtype(dtype))
            )


def column_file(folder: Path, name: str, dtype: str) -> Path:
    """Where a column of a type lies: ``position.i8``, numbers in this machine's byte order."""
    return folder / f"{name}.{dtype.lstrip('<>|=')}"


def _check_length(path: Path, dtype: np.dtype[Any], length: int) -> None:
    if path.stat().st_size < length * dtype.itemsize:
        raise ValueError(f"{path} is shorter than its {length} events")


def _fits(values: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return bool(values.min() >= limits.min and values.max() <= limits.max)
