"""The picture of a density as SVG inside HTML: one lane a type, a bar for each column that has events.

Loan.Started   ▁▂▅▇▃▁ ▂▃      1,204
Loan.Returned    ▁▃▅▂▁▂▃        980
               2024-01-01 … 2024-12-31
"""

from __future__ import annotations

from html import escape
from math import sqrt
from typing import Final

from esviewer.reports.document import Density, Lane, visible

_WIDTH: Final = 1_000
_LEFT: Final = 250
_RIGHT: Final = 72
_LANE: Final = 24
_BAR: Final = 18.0
_AXIS: Final = 26
_LABEL: Final = 36
"""Letters of a name that fit beside its lane; the whole name is a tooltip."""
_HUES: Final = 8


def svg(picture: Density) -> str:
    """The picture as an element with a caption. A bar's height is the square root of its events: rare ones are seen."""
    peak = max((count for lane in picture.lanes for count in lane.counts), default=0)
    height = len(picture.lanes) * _LANE + _AXIS
    caption = f"Heights are square roots; the tallest bar stands for {peak:,} event{'' if peak == 1 else 's'}."
    parts = [
        "<figure>",
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{_text(picture.title)}">',
        *(_lane(lane, row, peak) for row, lane in enumerate(picture.lanes)),
        f'<text class="tick" x="{_LEFT}" y="{height - 6}">{_text(_day(picture.start))}</text>',
        f'<text class="tick end" x="{_WIDTH - _RIGHT}" y="{height - 6}">{_text(_day(picture.end))}</text>',
        "</svg>",
        f"<figcaption>{_text(picture.title)}. {caption}</figcaption>",
        "</figure>",
    ]
    return "\n".join(parts)


def _lane(lane: Lane, row: int, peak: int) -> str:
    top = row * _LANE
    base = top + _LANE - 3
    total = sum(lane.counts)
    name = visible(lane.name)
    # The end of a name tells more: library_es.lending:Loan.Started.
    label = name if len(name) <= _LABEL else "…" + name[-_LABEL + 1 :]
    return (
        f'<g><title>{escape(name)}: {total:,}</title><rect class="ground" x="{_LEFT}" y="{top + 2}" '
        f'width="{_WIDTH - _LEFT - _RIGHT}" height="{_LANE - 4}"/>'
        f'<text x="{_LEFT - 10}" y="{base - 4}" class="end">{escape(label)}</text>'
        f'<path class="hue{row % _HUES}" d="{_bars(lane, base, peak)}"/>'
        f'<text class="count end" x="{_WIDTH}" y="{base - 4}">{total:,}</text></g>'
    )


def _bars(lane: Lane, base: int, peak: int) -> str:
    step = (_WIDTH - _LEFT - _RIGHT) / len(lane.counts)
    width = f"{step * 0.86:.2f}"
    bars = []
    for column, count in enumerate(lane.counts):
        if count:
            high = f"{max(1.5, _BAR * sqrt(count / peak)):.1f}"
            bars.append(f"M{_LEFT + column * step:.1f} {base}v-{high}h{width}v{high}z")
    return "".join(bars)


def _day(time: str) -> str:
    """A time to the minute; other words as they are."""
    return time[:16].replace("T", " ") if time[:4].isdigit() else time


def _text(value: str) -> str:
    return escape(visible(value), quote=True)
