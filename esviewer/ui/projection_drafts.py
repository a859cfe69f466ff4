"""Changes of files that were not saved when they were left: kept beside the settings, and brought back."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from esviewer.domain.replacing import replacing
from esviewer.session import config_folder


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that was not saved, and what its file said when it was begun."""

    text: str
    base: str


def _place(path: Path) -> Path:
    name = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return config_folder() / "drafts" / f"{name}.json"


def keep(path: Path, draft: Draft) -> None:
    """Keeps a draft of a file; raises ``OSError`` where that cannot be done."""
    place = _place(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place) as out:
        out.write(json.dumps({"path": str(path), "text": draft.text, "base": draft.base}).encode())


def kept(path: Path) -> Draft | None:
    """The draft of a file, if there is one that can be read."""
    try:
        told = json.loads(_place(path).read_bytes())
        return Draft(str(told["text"]), str(told["base"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def drop(path: Path) -> None:
    """Forgets the draft of a file."""
    with suppress(OSError):
        _place(path).unlink(missing_ok=True)
