"""Writing a file for the user: whole or not at all, and never over a store (law 1)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from esviewer.domain.errors import UsageError

_DATABASE = b"SQLite format 3\0"
"""The first bytes of every SQLite file (https://www.sqlite.org/fileformat2.html)."""
_BESIDE = ("-wal", "-shm", "-journal")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of ``path`` when the block ends, and leaves nothing when it fails.

    Raises :class:`UsageError` for a database or a file that belongs to one, whatever store is open, and ``OSError``.
    """
    refuse_database(path)
    # A link stays one: what it leads to is replaced.
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=".esviewer-", dir=target.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        unfinished.chmod(_mode(target))
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def refuse_database(path: Path) -> None:
    """Raises :class:`UsageError` where a file is a SQLite database, or one that SQLite keeps beside a database."""
    owners = [path.with_name(path.name.removesuffix(ending)) for ending in _BESIDE if path.name.endswith(ending)]
    if any(_is_database(one) for one in (path, *owners)):
        raise UsageError(f"{path} is a database or belongs to one, and esviewer never writes those: name another file.")


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_DATABASE)) == _DATABASE
    except OSError:
        return False


def _mode(target: Path) -> int:
    """The mode of the file that is replaced, else what a new file gets: a draft is its owner's alone."""
    if target.exists():
        return target.stat().st_mode & 0o777
    # The process's mask can only be read by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask
