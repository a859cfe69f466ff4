"""A filter of system calls for Linux: a process that has it can start no other, change no file and harm no other.

The kernel keeps it, so it binds root too, which RLIMIT_NPROC does not, and also code that comes in by ctypes, which
Python's audit hooks do not see. Facts: ``man 2 seccomp``, linux/seccomp.h, linux/filter.h, linux/audit.h, and the
tables of system calls in arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h at Linux 6.12.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass

_LOAD, _EQUAL, _ANY_BIT, _AT_LEAST, _RETURN = 0x20, 0x15, 0x45, 0x35, 0x06
"""BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JSET|BPF_K, BPF_JMP|BPF_JGE|BPF_K, BPF_RET|BPF_K."""
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in struct seccomp_data; arguments are 8 bytes each, the low half first on these machines."""

_CLONE_THREAD = 0x00010000
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_PR_SET_NO_NEW_PRIVS, _SET_MODE_FILTER, _TSYNC = 38, 1, 1


@dataclass(frozen=True, slots=True)
class _Machine:
    """Numbers of system calls on one kind of machine."""

    audit: int
    refused: tuple[int, ...]
    unknown: tuple[int, ...]
    """Answered as an old kernel would: callers then use an older call, whose arguments can be looked at."""
    clone: int
    openings: tuple[tuple[int, int], ...]
    """Calls that open files, with the place of the argument that holds the flags."""
    signals: tuple[int, ...]
    """Calls that send a signal to the process in the first argument: allowed to itself."""
    prlimit: int
    seccomp: int


_X86_64 = _Machine(
    audit=0xC000003E,
    refused=(
        57, 58, 59, 322,  # fork vfork execve execveat
        101, 310, 311, 440, 434, 424, 129, 297,  # ptrace process_vm_* process_madvise pidfd_* rt_*sigqueueinfo
        82, 264, 316, 83, 258, 84, 85, 86, 265, 87, 263, 88, 266, 133, 259,  # rename mkdir link unlink mknod
        76, 77, 285, 90, 91, 268, 452, 92, 93, 94, 260, 132, 235, 261, 280,  # truncate fallocate chmod chown utime
        188, 189, 190, 197, 198, 199, 304,  # setxattr removexattr open_by_handle_at
        165, 166, 155, 161, 308, 272, 321, 425, 426, 427, 298, 248, 249, 250,  # mount unshare bpf io_uring perf keys
        160, 169, 167, 168, 170, 171, 175, 176, 313, 246, 320,  # setrlimit reboot swap hostname modules kexec
        105, 106, 113, 114, 117, 119, 122, 123, 116, 126,  # set*id setgroups capset
    ),
    unknown=(435, 437),
    clone=56,
    openings=((2, 1), (257, 2)),
    signals=(62, 200, 234),
    prlimit=302,
    seccomp=317,
)  # fmt: skip

_AARCH64 = _Machine(
    audit=0xC00000B7,
    refused=(
        221, 281,  # execve execveat
        117, 270, 271, 440, 434, 424, 138, 240,  # ptrace process_vm_* process_madvise pidfd_* rt_*sigqueueinfo
        38, 276, 34, 35, 36, 37, 33,  # renameat renameat2 mkdirat unlinkat symlinkat linkat mknodat
        45, 46, 47, 52, 53, 452, 54, 55, 88,  # truncate fallocate fchmod* fchown* utimensat
        5, 6, 7, 14, 15, 16, 265,  # setxattr removexattr open_by_handle_at
        40, 39, 41, 51, 268, 97, 280, 425, 426, 427, 241, 217, 218, 219,
        164, 142, 224, 225, 161, 162, 105, 106, 273, 104, 294,
        146, 144, 145, 143, 147, 149, 151, 152, 159, 91,
    ),
    unknown=(435, 437),
    clone=220,
    openings=((56, 2),),
    signals=(129, 130, 131),
    prlimit=261,
    seccomp=277,
)  # fmt: skip

_MACHINES = {"x86_64": _X86_64, "aarch64": _AARCH64}


def is_possible() -> bool:
    """Whether this machine is one whose calls are known here."""
    return sys.platform == "linux" and platform.machine() in _MACHINES and sys.maxsize > 2**32


def install() -> bool:
    """Filters the calls of this process and all its threads from now on, for good; false where that cannot be."""
    if not is_possible():
        return False
    machine = _MACHINES[platform.machine()]
    program = _program(machine, os.getpid())
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    filters = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(filters))
    packed = ctypes.create_string_buffer(header, len(header))
    return bool(library.syscall(machine.seccomp, _SET_MODE_FILTER, _TSYNC, packed) == 0)


def _program(machine: _Machine, own: int) -> bytes:
    """The filter: each part looks at one call, and goes on with the next part where it does not decide."""
    refuse = _step(_RETURN, 0, 0, _ERRNO | errno.EPERM)
    parts = [
        _step(_LOAD, 0, 0, _ARCHITECTURE),
        _step(_EQUAL, 1, 0, machine.audit),
        _step(_RETURN, 0, 0, _KILL_PROCESS),
        _step(_LOAD, 0, 0, _NUMBER),
    ]
    if machine is _X86_64:
        # Calls of the x32 kind have numbers of their own.
        parts += [_step(_AT_LEAST, 0, 1, 0x40000000), refuse]
    for number in machine.refused:
        parts += [_step(_EQUAL, 0, 1, number), refuse]
    for number in machine.unknown:
        parts += [_step(_EQUAL, 0, 1, number), _step(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    allow = _step(_RETURN, 0, 0, _ALLOW)
    # Threads are clones too, and allowed.
    parts += _looking(machine.clone, _argument(0), [_step(_ANY_BIT, 0, 1, _CLONE_THREAD), allow, refuse])
    for number, place in machine.openings:
        denied = _step(_RETURN, 0, 0, _ERRNO | errno.EACCES)
        parts += _looking(number, _argument(place), [_step(_ANY_BIT, 0, 1, _WRITES), denied, allow])
    for number in machine.signals:
        parts += _looking(number, _argument(0), [_step(_EQUAL, 0, 1, own), allow, refuse])
    # Limits may be asked for and not set.
    parts += _looking(
        machine.prlimit,
        _argument(2),
        [_step(_EQUAL, 0, 3, 0), _step(_LOAD, 0, 0, _argument(2) + 4), _step(_EQUAL, 0, 1, 0), allow, refuse],
    )
    return b"".join([*parts, allow])


def _looking(number: int, offset: int, steps: list[bytes]) -> list[bytes]:
    """Steps for one call that look at one of its arguments and decide."""
    return [_step(_EQUAL, 0, len(steps) + 1, number), _step(_LOAD, 0, 0, offset), *steps]


def _argument(place: int) -> int:
    return _ARGUMENTS + 8 * place


def _step(code: int, when_true: int, when_false: int, value: int) -> bytes:
    """One instruction, struct sock_filter."""
    return struct.pack("HBBI", code, when_true, when_false, value)
