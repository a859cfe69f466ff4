"""Every picture of a report as shapes."""

from __future__ import annotations

from esviewer.reports import density_picture, timeline_picture
from esviewer.reports.document import Density, Picture
from esviewer.reports.drawing import Drawing


def drawing(picture: Picture) -> Drawing:
    """The shapes of a picture."""
    return density_picture.drawn(picture) if isinstance(picture, Density) else timeline_picture.drawn(picture)
