"""Payloads that do not look as they did: types that change, rare shapes, renames, old writers, other units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from esviewer.catalogue.coverage import Writers
from esviewer.catalogue.drift import Drift
from esviewer.catalogue.drift_report import RenameGuess, jumps, mixed_writers, rename_guesses, report
from esviewer.catalogue.model import Version, version_text
from esviewer.catalogue.paths import parse
from esviewer.catalogue.status import UNVERSIONED, Assessment, Judge
from esviewer.catalogue.steps import Rename
from esviewer.catalogue.versions import NoFit
from esviewer.checks.rules import Place, Rule, counted
from esviewer.domain import Event
from esviewer.domain.finding import Finding

_TYPE: Final = Rule(
    "type-change",
    "warn",
    "An attribute that holds values of another type from some event on, within one version.",
    "Raise the version and convert older values, or allow both types in the catalogue.",
)
_RARE: Final = Rule(
    "rare-shape",
    "info",
    "A shape that less than one in a hundred events of its type and version has.",
    "Look at one of these events: it may come from a bug, an import or an old writer.",
    "heuristic",
)
_RENAME: Final = Rule(
    "rename-guess",
    "info",
    "An attribute that vanishes where another of the same type, with the same values, appears.",
    "If it was renamed, write an upcaster with a rename step.",
    "heuristic",
)
_WRITERS: Final = Rule(
    "mixed-writers",
    "warn",
    "Events of a version that were written after the next one was: an old deployment still wrote.",
    "Find out what still runs the old release.",
    "strong",
)
_JUMP: Final = Rule(
    "distribution-jump",
    "info",
    "Numbers that became ten times larger or smaller: perhaps another unit.",
    "If the meaning changed, use a new event type.",
    "heuristic",
)


class DriftRules:
    """Follows the drift of all payloads."""

    rules: ClassVar[tuple[Rule, ...]] = (_TYPE, _RARE, _RENAME, _WRITERS, _JUMP)

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.drift = Drift(judge.catalogue)
        self._writers = Writers()
        self._late: dict[tuple[str, Version], list[Place | None]] = {}

    def see(self, event: Event, found: Assessment) -> None:
        """Takes in one event."""
        self.drift.see_assessed(event, found, self._judge)
        known, version = found.known, found.version
        if known is None or found.status in UNVERSIONED or isinstance(version, NoFit):
            return
        if self._writers.is_late(known, version):
            self._late.setdefault((known.name, version), []).append(event.position)

    def findings(self) -> Iterator[Finding]:
        """One finding for each rule and type."""
        found: dict[tuple[str, str], tuple[Rule, list[Place | None], list[str]]] = {}

        def note(rule: Rule, name: str, sentence: str, places: list[Place | None]) -> None:
            _, positions, evidence = found.setdefault((rule.name, name), (rule, [], []))
            positions += places
            evidence.append(sentence)

        for one in report(self.drift):
            where = f"version {version_text(one.version)}"
            for path in one.paths:
                for kind, position in path.changes:
                    was = next(iter(path.types))
                    note(
                        _TYPE,
                        one.type,
                        f"{path.path} of {where} was {was} and is {kind} from {position} on.",
                        [position],
                    )
            for shape in one.shapes:
                if shape.is_rare:
                    sentence = f"{counted(shape.count)} of {one.events} of {where}: {shape}."
                    note(_RARE, one.type, sentence, [*dict.fromkeys((shape.first, shape.last))])
        for guess in rename_guesses(self.drift):
            if self._is_known(guess):
                continue
            sentence = f"{guess.old} vanishes after {guess.last_old}, {guess.new} appears at {guess.first_new}."
            note(_RENAME, guess.type, sentence, [guess.last_old, guess.first_new])
        for (name, version), late in self._late.items():
            sentence = f"{counted(len(late))} of version {version_text(version)} came after a later version."
            note(_WRITERS, name, sentence, late)
        for mixed in mixed_writers(self.drift):
            if mixed.type not in self._judge.catalogue.types:
                older, newer = version_text(mixed.older), version_text(mixed.newer)
                sentence = f"Version {older} was written up to {mixed.older_last}, {newer} from {mixed.newer_first} on."
                note(_WRITERS, mixed.type, sentence, [mixed.older_last])
        for jump in jumps(self.drift):
            sentence = f"The median of {jump.path} was {jump.before:g} at first and is {jump.after:g} at last."
            note(_JUMP, jump.type, sentence, [])
        for (_, name), (rule, positions, evidence) in found.items():
            yield rule.finding(name, positions, evidence)

    def _is_known(self, guess: RenameGuess) -> bool:
        """Whether an upcaster renames it already."""
        known = self._judge.catalogue.types.get(guess.type)
        steps = [step.operation for edge in known.upcasters for step in edge.steps] if known is not None else []
        pairs = [pair for step in steps if isinstance(step, Rename) for pair in step.pairs]
        return (parse(guess.old), parse(guess.new)) in pairs
