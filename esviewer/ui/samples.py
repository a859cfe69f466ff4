"""Where the store that comes with esviewer is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

NAME: Final = "lending.sqlite"


def sample_path() -> Path | None:
    """The sample store: inside the package in a wheel, beside it in a checkout; ``None`` where neither has it."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package, package.parent):
        found = folder / "sample_stores" / NAME
        if found.is_file():
            return found
    return None
