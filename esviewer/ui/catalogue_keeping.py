"""What of catalogues comes back at the next start, and what edits of them are asked."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from esviewer.catalogue import files
from esviewer.catalogue.model import Catalogue
from esviewer.domain.replacing import replacing
from esviewer.session import StoreCatalogue, config_folder

LEFT: Final = "none"
"""Where no catalogue comes from: the reader does not want one, be there one in the workspace."""
KEPT_WITHIN: Final = 1_000_000
"""Characters of a catalogue up to which it is kept within the session, which is read at every start; else beside it."""


def kept(held: StoreCatalogue) -> dict[str, str] | None:
    """What of a store's catalogue comes back at the next start; changes that were not saved do."""
    if held.current is None:
        return {"origin": LEFT} if held.origin == LEFT else None
    found = {} if held.path is None else {"path": str(held.path.absolute())}
    if held.is_edited:
        found |= {"origin": held.origin, **_text(files.dump(held.current, as_json=True))}
    return found or None


def _text(text: str) -> dict[str, str]:
    if len(text) <= KEPT_WITHIN:
        return {"text": text}
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / name) as out:
            out.write(text.encode())
    except OSError:
        # Then the session cannot be kept either.
        return {}
    return {"beside": name}


def _folder() -> Path:
    return config_folder() / "catalogues"


def beside(entry: Mapping[str, Any]) -> Path | None:
    """The file that a catalogue was kept in beside the session; ``None`` where it was not."""
    name = entry.get("beside")
    return _folder() / Path(name).name if isinstance(name, str) else None


def read_kept(entry: Mapping[str, Any]) -> tuple[Path | None, str | Path | None, str]:
    """The file, what was not saved (as text or where it stands), and the origin that :func:`kept` gave."""
    path, text, origin = (entry.get(name) for name in ("path", "text", "origin"))
    return (
        Path(path) if isinstance(path, str) else None,
        text if isinstance(text, str) else beside(entry),
        origin if isinstance(origin, str) else "",
    )


def sweep(entries: Collection[object]) -> None:
    """Removes what was kept beside the session and is not named by one of these any more."""
    wanted = {path.name for entry in entries if isinstance(entry, dict) and (path := beside(entry)) is not None}
    folder = _folder()
    for path in folder.glob("*.json") if folder.is_dir() else ():
        if path.name not in wanted:
            path.unlink(missing_ok=True)


def judges_alike(one: Catalogue, other: Catalogue) -> bool:
    """Whether events have the same statuses by both: what they say for people and of lifecycles does not count."""
    return _judging(one) == _judging(other)


def _judging(catalogue: Catalogue) -> Catalogue:
    types = {
        name: replace(known, note=None, starts_stream=False, ends_stream=False)
        for name, known in catalogue.types.items()
    }
    return replace(catalogue, types=types)
