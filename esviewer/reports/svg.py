"""A picture as SVG inside HTML."""

from __future__ import annotations

from html import escape

from esviewer.reports.document import visible
from esviewer.reports.drawing import HUES, WIDTH, Boxes, Drawing, Marks, Shape, Words, corners


def svg(drawing: Drawing) -> str:
    """The picture as an element with a caption."""
    title = _text(drawing.title)
    parts = [
        "<figure>",
        f'<svg viewBox="0 0 {WIDTH} {drawing.height}" role="img" aria-label="{title}">',
        *(
            f"<g><title>{_text(group.title)}</title>{''.join(map(_shape, group.shapes))}</g>"
            for group in drawing.groups
        ),
        *map(_shape, drawing.rest),
        "</svg>",
        f"<figcaption>{title}. {_text(drawing.caption)}</figcaption>",
        "</figure>",
    ]
    return "\n".join(parts)


def _shape(shape: Shape) -> str:
    if isinstance(shape, Words):
        names = [name for name in (shape.tone, shape.anchor) if name not in ("text", "start")]
        named = f' class="{" ".join(names)}"' if names else ""
        return f'<text x="{shape.x:g}" y="{shape.y:g}"{named}>{_text(shape.text)}</text>'
    if isinstance(shape, Boxes):
        path = "".join(
            f"M{x:.1f} {y:.1f}h{width:.2f}v{height:.1f}h-{width:.2f}z" for x, y, width, height in shape.boxes
        )
        return f'<path class="{"ground" if shape.rank is None else f"hue{shape.rank % HUES}"}" d="{path}"/>'
    return _marks(shape)


def _marks(shape: Marks) -> str:
    path = "".join(_mark(x, y, shape.rank) for x, y in shape.places)
    return f'<path class="hue{shape.rank % HUES}{" hollow" if shape.hollow else ""}" d="{path}"/>'


def _mark(x: float, y: float, rank: int) -> str:
    found = corners(x, y, rank)
    if not found:
        return f"M{x - 4.5:.1f} {y:.1f}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z"
    return f"M{'L'.join(f'{left:.1f} {top:.1f}' for left, top in found)}z"


def _text(value: str) -> str:
    return escape(visible(value), quote=True)
