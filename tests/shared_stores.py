"""The real event stores in `../shared/stores` beside this clone, and what is known of them.

A user's clone has no such folder: tests that need it are marked `shared` (or use one of the fixtures `shared_store`,
`shared_database`, `answers`, which imply it) and are skipped there, counted in one line at the end of the run.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

SHARED = Path(__file__).resolve().parents[2] / "shared"
MISSING = "../shared is not beside this clone"
"""The reason with which every test that needs the folder is skipped; the summary counts by it."""


def is_present() -> bool:
    """Whether the folder is there."""
    return (SHARED / "stores").is_dir()


def stored(name: str, file: str) -> Path:
    """`../shared/stores/NAME/FILE`; raises FileNotFoundError naming what is there instead."""
    path = SHARED / "stores" / name / file
    if not path.is_file():
        there = sorted(f"{other.parent.name}/{other.name}" for other in path.parent.parent.glob("*/*.*"))
        raise FileNotFoundError(f"{name}/{file} is not among the shared stores: {', '.join(there)}")
    return path


def dumps() -> list[tuple[str, str]]:
    """Folder and file of every Postgres dump, by name; empty where the folder is missing."""
    return sorted((path.parent.name, path.name) for path in SHARED.glob("stores/*/*.sql.gz"))


def unpack(name: str, file: str, folder: Path) -> Path:
    """A writable copy in `folder`, without the `.gz`: opening a store may leave side files beside it."""
    copy = folder / file.removesuffix(".gz")
    with gzip.open(stored(name, file)) as packed, copy.open("wb") as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
    return copy


def read_answers(name: str, file: str = "answers.json") -> dict[str, Any]:
    """What was counted and computed of a store without esviewer; keys as in ../shared/stores/README.md."""
    known: dict[str, Any] = json.loads(stored(name, file).read_bytes())
    return known
