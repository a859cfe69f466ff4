"""A file as it was at a revision of git, read without a checkout and without changing anything."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from esviewer.domain import NotFound, UsageError

_SECONDS: Final = 20.0
_LARGEST: Final = 4 * 1024 * 1024
_QUIET: Final = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # What a partial clone has not is not fetched: that would run what the repository's settings say.
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}


def at_revision(path: Path, revision: str) -> bytes:
    """The file's bytes at a revision: a commit, branch, tag, or what else ``git rev-parse`` knows.

    The file need not be there any more, its folder must be. Raises :class:`NotFound` where the revision or the file in
    it is not, :class:`UsageError` where there is no git or no repository.
    """
    git = shutil.which("git")
    if git is None:
        raise UsageError(f"{path.name}@{revision} needs git, which is not installed here.")
    folder = path.parent
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}.")
    if _run(git, folder, "rev-parse", "--is-inside-work-tree").stdout.strip() != b"true":
        raise UsageError(f"{folder} is in no git repository: leave out @{revision}.")
    found = _run(git, folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    commit = found.stdout.decode("ascii", "replace").strip()
    if found.returncode != 0 or not commit:
        raise NotFound(f"The git repository of {folder} has no revision {revision!r}.")
    # The blob as it is stored: no filter and no text conversion, which could run programs.
    blob = _run(git, folder, "cat-file", "blob", f"{commit}:./{path.name}")
    if blob.returncode != 0:
        raise NotFound(f"There is no {path.name} in {folder} at revision {revision} ({commit[:10]}).")
    if len(blob.stdout) > _LARGEST:
        raise UsageError(f"{path.name} at revision {revision} is larger than {_LARGEST // 1024 // 1024} MB.")
    return blob.stdout


def _run(git: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    # What git sets for its hooks would point to another repository.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        return subprocess.run(
            [git, "-C", str(folder), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={**kept, **_QUIET},
        )
    except subprocess.TimeoutExpired:
        raise UsageError(f"git did not answer within {_SECONDS:g} s in {folder}.") from None
    except (OSError, ValueError) as failure:
        raise UsageError(f"git cannot be run in {folder}: {failure}.") from None
