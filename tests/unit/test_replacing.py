"""Files that are written for the user: whole or not at all, and never a database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from esviewer.domain import UsageError
from esviewer.domain.replacing import replacing


def write(path: Path, text: bytes = b"new") -> None:
    with replacing(path) as out:
        out.write(text)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
    return path


def test_that_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write(path)
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o640


def test_that_a_new_file_has_the_mode_that_new_files_have(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_that_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as out:
        out.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and [one.name for one in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("ending", ["", "-wal", "-shm", "-journal"])
def test_that_a_database_and_what_belongs_to_it_is_refused(tmp_path: Path, database: Path, ending: str) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match="never writes"):
        write(database.with_name(database.name + ending))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_that_no_name_leads_round_the_refusal(tmp_path: Path, database: Path) -> None:
    os.link(database, tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to(database)
    for name in ("hard.csv", "soft.csv"):
        with pytest.raises(UsageError):
            write(tmp_path / name)
    # A link to something else is followed, and stays.
    shutil.copy(database, tmp_path / "other.txt")
    (tmp_path / "other.txt").write_bytes(b"old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "other.txt")
    write(tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink() and (tmp_path / "other.txt").read_bytes() == b"new"
