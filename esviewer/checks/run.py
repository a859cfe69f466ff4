"""Runs rules over the events of a store, in one pass. Rules of the store as a whole: :mod:`esviewer.checks.store`."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterable

from esviewer.catalogue.chains import FunctionRunner
from esviewer.catalogue.model import Catalogue
from esviewer.catalogue.status import Assessment, Judge, Status
from esviewer.checks.registry import EVENT_RULES, FAMILIES, RULES
from esviewer.domain import Event, UsageError
from esviewer.domain.finding import SEVERITIES, Finding


def select(names: Iterable[str] | None) -> frozenset[str]:
    """Rules by name, all of them for ``None``; raises :class:`UsageError` for a name that is none."""
    if names is None:
        return frozenset(RULES)
    chosen = frozenset(names)
    for name in sorted(chosen - RULES.keys()):
        close = difflib.get_close_matches(name, RULES, 1)
        advice = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(RULES))}."
        raise UsageError(f"There is no rule {name}: {advice}")
    return chosen


class Checking:
    """One pass: give it every event in store order, then ask for the findings.

    ``rules`` are those of the chosen ones that look at events; the others need :func:`esviewer.checks.check_store`.
    ``statuses`` counts all events by status. Only families of which a rule is chosen look at events.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        rules: Iterable[str] | None = None,
        *,
        store_types: Collection[str] = (),
        runner: FunctionRunner | None = None,
    ) -> None:
        self.rules = select(rules) & EVENT_RULES.keys()
        self.judge = Judge(catalogue, store_types, runner)
        self.families = [
            family(self.judge) for family in FAMILIES if any(rule.name in self.rules for rule in family.rules)
        ]
        self.statuses: Counter[Status] = Counter()

    def see(self, event: Event, assessment: Assessment | None = None) -> Assessment:
        """Takes in one event; gives its status, which is ``assessment`` where it is known already."""
        found = self.judge.assess(event) if assessment is None else assessment
        self.statuses[found.status] += 1
        for family in self.families:
            family.see(event, found)
        return found

    def findings(self) -> list[Finding]:
        """What the chosen rules found, worst first, then by rule and scope."""
        made = [one for family in self.families for one in family.findings() if one.rule in self.rules]
        return ranked(made)

    def counts(self, findings: Iterable[Finding]) -> dict[str, int]:
        """Findings by rule, for every chosen rule, zeros included."""
        return counted_by_rule(self.rules, findings)


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Findings, worst first, then by rule and scope."""
    return sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), one.rule, one.scope))


def counted_by_rule(rules: Iterable[str], findings: Iterable[Finding]) -> dict[str, int]:
    """Findings by rule, for every one of these rules, zeros included."""
    found = Counter(one.rule for one in findings)
    return {name: found[name] for name in sorted(rules)}


def run(
    events: Iterable[Event],
    catalogue: Catalogue,
    rules: Iterable[str] | None = None,
    *,
    store_types: Collection[str] = (),
    runner: FunctionRunner | None = None,
) -> list[Finding]:
    """The findings of rules over events in store order, of all that look at events if ``None``.

    ``store_types`` are the type names of the whole store, by which version suffixes are told from names. Raises
    :class:`UsageError` for unknown rules.
    """
    checking = Checking(catalogue, rules, store_types=store_types, runner=runner)
    for event in events:
        checking.see(event)
    return checking.findings()
