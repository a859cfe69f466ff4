"""What the history says of the place under the mouse, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from esviewer.ui.overview_data import Stand
from esviewer.ui.overview_frame import Frame
from esviewer.ui.overview_words import duration, events, stand_text
from esviewer.ui.widgets.format import grouped, when, when_exact
from esviewer.ui.zone import zone

_LISTED = 8


@dataclass(frozen=True, slots=True)
class Hover:
    """Answers for one frame; ``describe`` gives the lines of the event in a row of the index."""

    frame: Frame
    describe: Callable[[int], str]

    def lane(self, number: int) -> str:
        """A lane as a whole."""
        look = self.frame.looks[number]
        totals = self.frame.picture.counts.totals()
        lines = [look.about, f"{events(int(totals[look.code]))} in all"]
        if not self.frame.sight.is_whole:
            lines.append(f"{grouped(int(self.frame.in_lanes[number]))} in sight")
        return "\n".join(lines)

    def mark(self, mark: int) -> str:
        """One event, or the events that are painted as one mark."""
        frame = self.frame
        members = [frame.first + int(member) for member in frame.marks.members(mark)]
        ordered = frame.picture.ordered
        if len(members) == 1:
            return self.describe(ordered.row(members[0]))
        lane = frame.looks[int(frame.marks.lane[mark])]
        values = ordered.values[members[0]], ordered.values[members[-1]]
        lines = [f"{grouped(len(members))} × {lane.about}"]
        if frame.picture.axis == "time":
            apart = int(values[1] - values[0])
            lines.append(f"all at {when_exact(int(values[0]), zone())}" if not apart else f"within {duration(apart)}")
        lines.append("click to choose one" if values[0] == values[1] else "click to see them apart")
        return "\n".join(lines)

    def place(self, number: int | None, x: float) -> str:
        """A place of the axis: the events in its column, of a lane or of all."""
        frame = self.frame
        column = min(max(int(x * frame.columns / frame.width), 0), frame.columns - 1)
        value = frame.sight.value_at(x / frame.width)
        if frame.picture.axis == "time":
            lines = [when(value, zone())]
        else:
            lines = [f"{'position' if frame.picture.has_positions else 'event'} {grouped(value)}"]
        if frame.is_single:
            return lines[0]
        if number is None:
            ranks = frame.ranks[column : column + 2]
            so_far = int(ranks[1])
            return "\n".join((*lines, f"{events(int(ranks[1] - ranks[0]))} here", f"{grouped(so_far)} until then"))
        return "\n".join((frame.looks[number].about, *lines, f"{events(int(frame.counts[number, column]))} here"))

    @staticmethod
    def stands(stands: Sequence[Stand]) -> str:
        """The consumers at one place."""
        lines = [stand_text(stand) for stand in stands[:_LISTED]]
        if len(stands) > _LISTED:
            lines.append(f"and {grouped(len(stands) - _LISTED)} more")
        return "\n".join(lines)
