"""esviewer: an inspector for event stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esviewer.projections.definition import Projection as Projection
    from esviewer.projections.definition import ProjectionEvent as ProjectionEvent
    from esviewer.projections.definition import on as on
    from esviewer.projections.targets import Statistics as Statistics
    from esviewer.projections.targets import Temporal as Temporal
    from esviewer.projections.targets import bucket as bucket

__version__ = "0.1.0"
__all__ = ["Projection", "ProjectionEvent", "Statistics", "Temporal", "bucket", "on"]


def __getattr__(name: str) -> object:
    """The public names, looked up when they are asked for: importing ``esviewer`` imports nothing else."""
    if name in __all__:
        from esviewer.projections import definition, targets

        return getattr(definition if hasattr(definition, name) else targets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
