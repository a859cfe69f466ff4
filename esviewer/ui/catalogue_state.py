"""What is known and going on for one store and its catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from esviewer.catalogue.status import Judge
from esviewer.ui.catalogue_facts import NOTHING_JUDGED, Advance, Checked, Judged
from esviewer.ui.catalogue_work import Pass, counted
from esviewer.ui.jobs import Job


@dataclass(eq=False)
class Work:
    """The present state; ``begun`` is how far the index went when the judging of its events began."""

    judged: Judged = NOTHING_JUDGED
    judging: Job[Any] | None = None
    begun: int = 0
    is_stopped: bool = False
    is_new: bool = True
    """Whether nothing has been told of the present catalogue yet."""
    judge: Judge | None = None
    going: Pass | None = None
    checked: Checked | None = None
    is_overtaken: bool = False
    """Whether events that the last check saw are no longer there, or stand elsewhere."""
    checking: Job[Any] | None = None
    checked_from: int = 0
    """How far the index went when the running check began."""
    making: Job[Any] | None = None
    making_words: str = ""
    uses: int = 0
    """How often another catalogue was taken: a save that ends late must not speak for it."""
    advance: Advance | None = None

    @property
    def is_judging(self) -> bool:
        return self.judging is not None and self.judging.is_running

    @property
    def is_checking(self) -> bool:
        return self.checking is not None and self.checking.is_running

    @property
    def is_making(self) -> bool:
        return self.making is not None and self.making.is_running

    def cut(self, first: int) -> bool:
        """Forgets what was judged from a row on, and ends the judging of such rows; whether there was any."""
        if self.judging is not None and self.is_judging and first < self.begun:
            self.judging.cancel()
        known = self.judged
        if first >= len(known.codes):
            return False
        codes = known.codes[:first]
        self.judged = Judged(codes, known.cells[:first], known.names, counted(codes), seconds=known.seconds)
        return True
