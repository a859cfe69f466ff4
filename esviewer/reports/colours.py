"""The colours of reports: those of the style sheet of the page, which are those of the window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def part(name: str) -> str:
    """The style sheet or the script of all pages."""
    return files("esviewer.reports").joinpath(name).read_text("utf-8")


@cache
def light() -> Mapping[str, str]:
    """Colours of the light theme as ``#rrggbb`` by name; those of types are ``hue0`` … ``hue7``."""
    block = part("report.css").partition(":root {")[2].partition("}")[0]
    return dict(re.findall(r"--(\w+): (#\w{6});", block))
