"""Makes imports after Qt's as quick as they are without it.

WORKAROUND: PySide6 (6.11, shibokensupport/feature.py) reads the source of every module that is imported after it, to
see whether "PySide6" stands in it, for a switch of names (``from __feature__ import snake_case``) that nothing here
uses. That took a tenth of the time until the window is filled (measured). To be removed when PySide6 no longer does.
"""

from __future__ import annotations

import sys


def begin() -> None:
    """Says of every module to come that it uses no such switch; does nothing where PySide6 has another inside."""
    feature = sys.modules.get("shibokensupport.feature")
    if feature is not None and hasattr(feature, "_mod_uses_pyside"):
        setattr(feature, "_mod_uses_pyside", lambda module: False)  # noqa: B010 - no attribute that types know
