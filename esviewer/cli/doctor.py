"""What a machine lacks for the window: Qt's system libraries, which pip cannot bring."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path

# Library → Debian package, as PySide6-Essentials 6.11 needs them (ldd of QtGui and of the xcb platform plugin).
_ALWAYS = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
_FOR_X11 = {
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}


@dataclass(frozen=True, slots=True)
class Lacking:
    """What was found, in one sentence, and the command that mends it (empty: nothing to mend)."""

    sentence: str
    command: str


def missing() -> Lacking:
    """What this machine lacks for the window."""
    if importlib.util.find_spec("PySide6") is None:
        return Lacking("PySide6 is not installed.", f"{sys.executable} -m pip install 'PySide6-Essentials>=6.10,<6.12'")
    if not sys.platform.startswith("linux"):
        return Lacking("Nothing is missing: Qt brings all it needs on this system.", "")
    packages = [package for library, package in (_ALWAYS | _FOR_X11).items() if not _loads(library)]
    if packages:
        count = len(packages)
        verb = "library is" if count == 1 else "libraries are"
        return Lacking(f"{count} system {verb} missing for the window:", _install(packages))
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    where = "" if display else " There is no display here; info, streams, events and state work without one."
    return Lacking(f"Nothing is missing for the window.{where}", "")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _install(packages: list[str]) -> str:
    prefix = "" if hasattr(os, "geteuid") and os.geteuid() == 0 else "sudo "
    if Path("/usr/bin/dnf").exists():
        names = "mesa-libEGL mesa-libGL libxkbcommon-x11 xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms"
        return f"{prefix}dnf install -y {names} xcb-util-renderutil"
    return f"{prefix}apt-get update && {prefix}apt-get install -y {' '.join(packages)}"
