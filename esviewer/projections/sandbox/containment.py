"""What the child gives up before it runs a line of user code, and how it says so when that code asks for it."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from esviewer.projections.sandbox import seccomp

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4

_PROCESSES = frozenset(
    [
        "os.fork",
        "os.forkpty",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "os.startfile",
        "subprocess.Popen",
        "pty.spawn",
    ]
)
_CHANGES = frozenset(
    f"os.{name}"
    for name in (
        *("remove", "rename", "rmdir", "mkdir", "truncate", "link", "symlink", "chmod", "chown", "utime"),
        *("setxattr", "removexattr", "kill", "killpg"),
    )
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True)
class Limits:
    """What user code may use. ``stall`` is how many seconds it may take over one event, ``loading`` over its import."""

    stall: float = 10.0
    loading: float = 30.0
    memory: int = 1 << 30
    """Bytes beyond what the child needs without user code."""
    processor: int = 24 * 3600
    """Seconds of processor time in all."""
    printed: int = 64 * 1024
    """Bytes of output that are kept; the rest is counted."""


def live_only_with_parent() -> None:
    """Ends this process when the one that started it does (Linux; elsewhere it ends with its input)."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)


def contain(limits: Limits) -> tuple[str, ...]:
    """Gives up what user code must not have, for good; returns what keeps it so, in words.

    Whatever reading needs (connections, drivers) is to be there before: afterwards no file can be written, no process
    started, and no more memory had than allowed.
    """
    kept = []
    if _limit(limits):
        kept.append("resource limits")
    if seccomp.install():
        kept.append("a filter of system calls")
    sys.addaudithook(_refuse)
    kept.append("audit hooks")
    return tuple(kept)


def _limit(limits: Limits) -> bool:
    try:
        import resource
    except ImportError:
        return False
    wanted = {
        resource.RLIMIT_CORE: 0,
        # Nothing can be written to any file; pipes are not files.
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CPU: limits.processor,
        # Does not bind root; the filter of system calls does.
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_AS: _address_space() + limits.memory,
    }
    import signal

    # A file that may not grow is to be an error and not the end.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    for kind, value in wanted.items():
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))
    return True


def _address_space() -> int:
    """Bytes of address space that this process has now; a guess where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 4 << 30


def _refuse(event: str, arguments: Sequence[Any]) -> None:
    """Says in words what the kernel would refuse with a number."""
    if event in _PROCESSES:
        raise PermissionError("Code that runs in esviewer may not start processes.")
    if event in _CHANGES:
        raise PermissionError("Code that runs in esviewer may not change files or signal processes.")
    if event == "open":
        path, mode, flags = arguments
        writes = isinstance(flags, int) and bool(flags & _WRITING)
        if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
            raise PermissionError(f"Code that runs in esviewer may not write files: {path!r}.")
