"""The workspace of a command, with what in its file was not understood told on standard error."""

from __future__ import annotations

import sys
from pathlib import Path

from esviewer.cli import output
from esviewer.workspace import Workspace, read


def workspace_in(folder: Path) -> Workspace:
    """As :func:`esviewer.workspace.read`; keys that this version does not know are named, since they do nothing."""
    found = read(folder)
    if found.unknown:
        listed = ", ".join(found.unknown)
        print(output.printable(f"{found.file}: not known here, and not used: {listed}."), file=sys.stderr)
    return found
