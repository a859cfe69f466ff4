"""Where the child stands, seen from outside at any time, even when it cannot say anything any more."""

from __future__ import annotations

import mmap
import struct
import tempfile
from enum import IntEnum
from pathlib import Path

_FORM = struct.Struct("qqq")
_WISH = 3
"""The place of the wish behind phase, number and beats."""
_WISHES = 3
"""The bits that hold the wish; those above count."""
_SIZE = (_WISH + 1) * 8


class Phase(IntEnum):
    """What the child is doing."""

    OPENING = 0
    LOADING = 1
    """Importing user code."""
    READING = 2
    """Waiting for the store."""
    HANDLING = 3
    """In user code, over one event."""
    ENDING = 4


class Wish(IntEnum):
    """What whoever started the child would like it to do; a task looks at every event."""

    GO_ON = 0
    PAUSE = 1
    END = 2
    """To end with what it has so far."""

    @classmethod
    def of(cls, word: int) -> Wish:
        """The wish in the fourth integer of a spot, which changes with each word of the parent."""
        return cls(word & _WISHES)


class Spot:
    """A phase and a number of an event in memory that two processes share. Writing costs some 0.3 µs, no call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _SIZE)
        self._beats = 0
        self._wish = Wish.GO_ON
        self._words = 0

    @classmethod
    def made(cls) -> Spot:
        """A new one, in a file that is to be removed with :meth:`remove`."""
        with tempfile.NamedTemporaryFile(prefix="esviewer-spot-", delete=False) as file:
            file.write(bytes(_SIZE))
        return cls(Path(file.name))

    def set(self, phase: Phase, number: int = -1) -> None:
        """Notes what is done next."""
        self._beats += 1
        _FORM.pack_into(self._memory, 0, phase, number, self._beats)

    def get(self) -> tuple[Phase, int, int]:
        """The phase, the number of the event (-1: none), and a number that changes with each note."""
        phase, number, beats = _FORM.unpack_from(self._memory, 0)
        return Phase(phase if 0 <= phase < len(Phase) else Phase.HANDLING), number, beats

    def view(self) -> memoryview:
        """Phase, number, beats and wish as four integers that can be written: 0.04 µs each, where a call is too much.

        Whoever writes here must change the third with each note, and not call :meth:`set` in between.
        """
        return memoryview(self._memory).cast("q")

    def wish(self, wish: Wish) -> None:
        """Says what is wanted of the child."""
        self._wish = wish
        self.nudge()

    def nudge(self) -> None:
        """Has the child look up: it tells how far it is, which costs it no look at a clock."""
        self._words += 1
        struct.pack_into("q", self._memory, _WISH * 8, (self._words << 2) | self._wish)

    def remove(self) -> None:
        """Takes the file away."""
        self._memory.close()
        self.path.unlink(missing_ok=True)
