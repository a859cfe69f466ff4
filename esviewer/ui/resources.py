"""Where the files of the window are: icons, styles, themes, fonts."""

from __future__ import annotations

from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath


@cache
def _root() -> Path:
    """The ``resources`` folder: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"


def path(name: str) -> Path:
    """The file or folder ``resources/NAME``.

    Raises ``ValueError`` for a name that could leave the folder, ``FileNotFoundError`` where nothing has this name.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or ".." in parts or name.startswith(("/", "\\")) or PureWindowsPath(name).drive:
        raise ValueError(f"not a name inside resources: {name!r}")
    found = _root().joinpath(*parts)
    if not found.exists():
        raise FileNotFoundError(f"esviewer was installed without its resource {name!r}")
    return found


def text(name: str) -> str:
    """The content of ``resources/NAME``, read as UTF-8; raises as ``path`` does."""
    return path(name).read_text(encoding="utf-8")
