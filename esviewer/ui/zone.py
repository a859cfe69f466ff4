"""The time zone in which times are shown; stored times are UTC."""

from __future__ import annotations

from datetime import UTC, tzinfo

_zone: tzinfo = UTC


def zone() -> tzinfo:
    """The zone that every view shows times in."""
    return _zone


def set_zone(chosen: tzinfo | None) -> None:
    """Chooses the zone, UTC for ``None``; views are to be painted anew."""
    global _zone
    _zone = chosen or UTC
