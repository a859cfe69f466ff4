"""All rules that exist, by name. Add a family here, and its rules are checked, counted and documented."""

from __future__ import annotations

from typing import Final

from esviewer.checks.checkpoints import Checkpoints
from esviewer.checks.drift import DriftRules
from esviewer.checks.facts import StoreFamily
from esviewer.checks.positions import Positions
from esviewer.checks.rules import Family, Rule
from esviewer.checks.snapshots import Snapshots
from esviewer.checks.statuses import Statuses
from esviewer.checks.streams import Streams
from esviewer.checks.upcasters import Upcasters

FAMILIES: Final[tuple[type[Family], ...]] = (Statuses, Upcasters, DriftRules)
"""Rules that look at every event, most of them by the catalogue."""
STORE_FAMILIES: Final[tuple[type[StoreFamily], ...]] = (Streams, Positions, Snapshots, Checkpoints)
"""Rules that look at the store as a whole."""
EVENT_RULES: Final[dict[str, Rule]] = {rule.name: rule for family in FAMILIES for rule in family.rules}
RULES: Final[dict[str, Rule]] = EVENT_RULES | {rule.name: rule for family in STORE_FAMILIES for rule in family.rules}
