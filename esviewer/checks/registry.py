"""All rules that exist, by name. Add a family here, and its rules are checked, counted and documented."""

from __future__ import annotations

from typing import Final

from esviewer.checks.drift import DriftRules
from esviewer.checks.rules import Family, Rule
from esviewer.checks.statuses import Statuses
from esviewer.checks.upcasters import Upcasters

FAMILIES: Final[tuple[type[Family], ...]] = (Statuses, Upcasters, DriftRules)
RULES: Final[dict[str, Rule]] = {rule.name: rule for family in FAMILIES for rule in family.rules}
