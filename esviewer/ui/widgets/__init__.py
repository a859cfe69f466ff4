"""Small parts that the window is made of."""

from __future__ import annotations

from esviewer.ui.widgets.banner import Banner, Severity
from esviewer.ui.widgets.busy import BusyBar
from esviewer.ui.widgets.labels import (
    Badge,
    ElidedLabel,
    IconLabel,
    Tone,
    badge_size,
    label,
    paint_badge,
    set_tone,
    tooltip,
)
from esviewer.ui.widgets.panel import EmptyState, Panel
from esviewer.ui.widgets.rows import ROW_HEIGHT, RowDelegate
from esviewer.ui.widgets.search import SearchField
from esviewer.ui.widgets.spin import inset

__all__ = [
    "ROW_HEIGHT",
    "Badge",
    "Banner",
    "BusyBar",
    "ElidedLabel",
    "EmptyState",
    "IconLabel",
    "Panel",
    "RowDelegate",
    "SearchField",
    "Severity",
    "Tone",
    "badge_size",
    "inset",
    "label",
    "paint_badge",
    "set_tone",
    "tooltip",
]
