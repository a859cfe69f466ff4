"""Where consumers stand in the history of a store: flags, those at one place together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from PySide6.QtGui import QFontMetrics

from esviewer.timeline.density_marks import Flag, flags
from esviewer.ui import fonts
from esviewer.ui.overview_data import Stand
from esviewer.ui.overview_frame import Frame
from esviewer.ui.widgets.format import short_id
from esviewer.ui.words import one_line

_NAME: Final = 24
"""Characters of a consumer's name on its flag."""


def flags_of(frame: Frame, stands: Sequence[Stand]) -> list[Flag]:
    """The consumers in sight, those at one place together; members are places in ``stands``."""
    sight = frame.sight
    seen = [
        (number, stand)
        for number, stand in enumerate(stands)
        if stand.value is not None and sight.start <= stand.value <= sight.end
    ]
    metrics = QFontMetrics(fonts.ui(11))
    pixels = [frame.pixel_of(stand.value or 0) for _, stand in seen]
    widths = [float(metrics.horizontalAdvance(_name(stand))) for _, stand in seen]
    together = float(metrics.horizontalAdvance(f"{len(seen)} consumers"))
    found = flags(pixels, widths, together, float(frame.width))
    return [replace(flag, members=tuple(seen[member][0] for member in flag.members)) for flag in found]


def flag_text(flag: Flag, stands: Sequence[Stand]) -> str:
    """What stands beside a flag."""
    if len(flag.members) > 1:
        return f"{len(flag.members)} consumers"
    return _name(stands[flag.members[0]])


def _name(stand: Stand) -> str:
    return short_id(one_line(stand.checkpoint.consumer), _NAME)
