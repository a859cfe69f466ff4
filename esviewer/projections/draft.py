"""A fold while it is edited: the guesses as a table, and the rules that were put in their place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias, get_args

from esviewer.domain import UsageError
from esviewer.projections.edited import OPERATIONS, FoldRule, FoldRules, Operation, rule_of
from esviewer.projections.guesses import Guesses

Role: TypeAlias = Literal["changes", "starts", "ends", "ignores"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

_Place: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TypeRow:
    """What all events of a type do: change the state, begin it anew, end it, or nothing. ``seen`` counts them."""

    event_type: str
    role: Role
    seen: int
    rules: int
    """How many of its attributes have rules."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule of an attribute, the ``number``-th of those it has; ``target`` is as it was typed.

    ``guessed`` is what the inferred fold does with the attribute, in words; ``problem`` why the rule cannot be used.
    """

    event_type: str
    attribute: str
    number: int
    operation: Operation
    target: str
    is_edited: bool
    guessed: str
    why: str
    seen: int
    problem: str = ""

    @property
    def place(self) -> _Place:
        return self.event_type, self.attribute


Row: TypeAlias = TypeRow | RuleRow


class FoldDraft:
    """Rules by type and attribute over guesses; a rule that says what is guessed anyway is none."""

    def __init__(self, guesses: Guesses, rules: FoldRules | None = None) -> None:
        self._guesses = guesses
        self._guessed: dict[_Place, tuple[FoldRule, ...]] = {}
        self._why: dict[_Place, list[str]] = {}
        self._seen: dict[_Place, int] = {}
        for guess in guesses.guesses:
            place = (guess.rule.event_type, guess.rule.attribute)
            self._guessed[place] = (*self._guessed.get(place, ()), guess.rule)
            self._why.setdefault(place, []).append(guess.why)
            self._seen[place] = max(guess.seen, self._seen.get(place, 0))
        self._roles: dict[str, Role] = {}
        self._edited: dict[_Place, tuple[FoldRule, ...]] = {}
        if rules is not None:
            self._take(rules)

    def _take(self, rules: FoldRules) -> None:
        for role, types in (("starts", rules.starts), ("ends", rules.ends), ("ignores", rules.ignores)):
            self._roles |= dict.fromkeys(types, role)  # type: ignore[arg-type]
        for rule in rules.rules:
            place = (rule.event_type, rule.attribute)
            self._edited[place] = (*self._edited.get(place, ()), rule)

    @property
    def count(self) -> int:
        """How many attributes have rules, and types a part of their own."""
        return len(self._edited) + len(self._roles)

    def rows(self, words: str = "", *, only_edited: bool = False) -> list[Row]:
        """The table: each type with its attributes below it; with ``words``, those in which all of them occur."""
        wanted = words.lower().split()
        result: list[Row] = []
        for event_type, places in self._by_type().items():
            own = [row for place in places for row in self._rows_of(place)]
            edited = len({row.attribute for row in own if row.is_edited})
            head = TypeRow(
                event_type, self._roles.get(event_type, "changes"), self._guesses.types.get(event_type, 0), edited
            )
            if only_edited:
                own = [row for row in own if row.is_edited]
                if not own and head.role == "changes":
                    continue
            if wanted and not _has(wanted, event_type):
                own = [row for row in own if _has(wanted, f"{event_type} {row.attribute} {row.operation} {row.target}")]
                if not own:
                    continue
            result += [head, *own]
        return result

    def _by_type(self) -> dict[str, list[_Place]]:
        types: dict[str, list[_Place]] = {event_type: [] for event_type in self._guesses.types}
        for place in dict.fromkeys((*self._guessed, *self._edited)):
            types.setdefault(place[0], []).append(place)
        for event_type in self._roles:
            types.setdefault(event_type, [])
        return types

    def _rows_of(self, place: _Place) -> Iterable[RuleRow]:
        guessed = self._guessed.get(place, ())
        rules = self._edited.get(place, guessed)
        words = ", ".join(rule.words for rule in guessed)
        for number, rule in enumerate(rules):
            whys = self._why.get(place, [])
            why = whys[number] if place not in self._edited and number < len(whys) else "; ".join(dict.fromkeys(whys))
            yield RuleRow(
                rule.event_type,
                rule.attribute,
                number,
                rule.operation,
                rule.target or "",
                place in self._edited,
                words,
                why,
                self._seen.get(place, 0),
                _problem(rule),
            )

    # Editing

    def set_role(self, event_type: str, role: Role) -> None:
        """Says what events of a type do as a whole."""
        self._roles.pop(event_type, None)
        if role != "changes":
            self._roles[event_type] = role

    def set_operation(self, row: RuleRow, operation: Operation) -> None:
        """Gives a rule another operation; what is ignored has no target."""
        target = None if operation == "ignore" else row.target or None
        self._change(row, FoldRule(row.event_type, row.attribute, operation, target))

    def set_target(self, row: RuleRow, target: str) -> None:
        """Gives a rule another target, the attribute's own path if empty."""
        self._change(row, FoldRule(row.event_type, row.attribute, row.operation, target.strip() or None))

    def set_attribute(self, row: RuleRow, attribute: str) -> None:
        """Gives a rule that was added another attribute, a path below one that is known for example."""
        attribute = attribute.strip()
        if attribute == row.attribute or not attribute or row.place in self._guessed:
            return
        moved = tuple(replace(rule, attribute=attribute) for rule in self._edited.pop(row.place, ()))
        place = (row.event_type, attribute)
        self._edited[place] = (*self._edited.get(place, ()), *moved)

    def add(self, event_type: str, attribute: str) -> None:
        """Adds a rule to what an attribute has; for one that is not known, its first."""
        place = (event_type, attribute)
        present = self._edited.get(place, self._guessed.get(place, ()))
        self._edited[place] = (*present, FoldRule(event_type, attribute, "set"))

    def new_attribute(self, event_type: str, base: str = "") -> str:
        """A name for a rule to be added that no other has yet."""
        number, name = 1, f"{base}.part" if base else "attribute"
        while (event_type, name if number == 1 else f"{name}_{number}") in {**self._guessed, **self._edited}:
            number += 1
        return name if number == 1 else f"{name}_{number}"

    def reset(self, row: Row) -> None:
        """Goes back to what is guessed: for an attribute, or for a whole type."""
        if isinstance(row, RuleRow):
            self._edited.pop(row.place, None)
            return
        self._roles.pop(row.event_type, None)
        for place in [place for place in self._edited if place[0] == row.event_type]:
            del self._edited[place]

    def reset_all(self) -> None:
        """Goes back to the inferred fold."""
        self._edited.clear()
        self._roles.clear()

    def _change(self, row: RuleRow, rule: FoldRule) -> None:
        guessed = self._guessed.get(row.place, ())
        rules = list(self._edited.get(row.place, guessed))
        rules[row.number] = rule
        self._edited[row.place] = tuple(rules)
        if tuple(map(_plain, rules)) == tuple(map(_plain, guessed)):
            del self._edited[row.place]

    # What comes of it

    def rules(self, name: str) -> FoldRules:
        """The fold as it is to be kept; rules with problems are left out."""
        kept: list[FoldRule] = []
        for rules in self._edited.values():
            usable = [rule for rule in rules if not _problem(rule)]
            acting = [rule for rule in usable if rule.operation != "ignore"]
            kept += dict.fromkeys(acting or usable[:1])
        roles = {role: tuple(kind for kind, own in self._roles.items() if own == role) for role in ROLES}
        return FoldRules(name, tuple(kept), roles["starts"], roles["ends"], roles["ignores"])

    @property
    def problems(self) -> list[str]:
        """Why some rules cannot be used, each with its place."""
        return [
            f"{rule.attribute} of {rule.event_type}: {problem}"
            for rules in self._edited.values()
            for rule in rules
            if (problem := _problem(rule))
        ]


def _plain(rule: FoldRule) -> FoldRule:
    """The rule without a target that it would have anyway."""
    return replace(rule, target=None) if rule.target == rule.attribute else rule


def _problem(rule: FoldRule) -> str:
    try:
        rule_of(rule.event_type, rule.attribute, rule.words)
    except UsageError as error:
        return str(error)
    return ""


def _has(wanted: list[str], text: str) -> bool:
    text = text.lower()
    return all(word in text for word in wanted)


__all__ = ["OPERATIONS", "ROLES", "FoldDraft", "Role", "Row", "RuleRow", "TypeRow"]
