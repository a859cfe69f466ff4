"""What the timeline says of the thing under the mouse, as plain text: stored names are shown letter by letter."""

from __future__ import annotations

import numpy as np

from esviewer.timeline.lanes import Lanes
from esviewer.timeline.marks import Marks
from esviewer.timeline.placement import Placement
from esviewer.timeline.ticks import version_label
from esviewer.ui.widgets.format import grouped, when_exact
from esviewer.ui.zone import zone


def snapshot_text(marks: Marks, placement: Placement, x: float) -> str:
    """Which snapshot is at pixel ``x`` of the plot; empty if none is."""
    pixels = placement.pixels_of(np.asarray(marks.snapshots, np.int64))
    near = np.flatnonzero(np.abs(pixels - x) <= 6)
    if not len(near):
        return ""
    return f"Snapshot stored at version {version_label(marks, marks.snapshots[int(near[-1])])}"


def event_text(marks: Marks, lanes: Lanes, placement: Placement, index: int) -> str:
    """Lines on an event: type, version, position, time, and how many of its type are drawn at the same place."""
    lines = [marks.type_name(index), f"version {version_label(marks, index)}"]
    if marks.positions and marks.positions[index]:
        lines.append(f"position {marks.positions[index]}")
    time = marks.time(index)
    lines.append("no time" if time is None else when_exact(time, zone()))
    if marks.is_undecodable(index):
        lines.append("undecodable")
    x = placement.pixel_of(index)
    near = lanes.lane_of_event[placement.between(x - 1.5, x + 1.5)]
    count = int((near == lanes.lane_of_event[index]).sum())
    if count > 1:
        lines.append(f"one of {grouped(count)} of this type here")
    return "\n".join(lines)
