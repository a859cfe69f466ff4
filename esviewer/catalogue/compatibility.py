"""Whether readers of one shape can read what writers of another wrote; in theory, and in the events that are there.

BACKWARD: the new reader reads all old data. FORWARD: the old reader reads all new data. FULL: both; NONE: neither. A
*tolerant* reader ignores attributes that it does not know and fills in defaults; for a *strict* one extras are errors.
Verdicts of several changes are intersected. Replays read all of history, so what counts for a new shape is BACKWARD
against every version that is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Flag
from typing import Final, Literal, TypeAlias

from esviewer.catalogue.model import MISSING, Attribute, TypeVersion, Version
from esviewer.catalogue.paths import items, member
from esviewer.catalogue.shapes import Check, fits, problems
from esviewer.catalogue.values import frozen
from esviewer.domain import Value

Reader: TypeAlias = Literal["tolerant", "strict"]


class Level(Flag):
    """What still works; ``&`` combines changes."""

    NONE = 0
    BACKWARD = 1
    FORWARD = 2
    FULL = 3

    def __str__(self) -> str:
        return str(self.name)


ChangeKind: TypeAlias = Literal["added", "removed", "type", "nullable", "enum", "required", "limits", "inside"]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two shapes, with what it does to a tolerant and to a strict reader."""

    path: str
    kind: ChangeKind
    sentence: str
    tolerant: Level
    strict: Level

    def level(self, reader: Reader) -> Level:
        return self.tolerant if reader == "tolerant" else self.strict


@dataclass(frozen=True, slots=True)
class Verdict:
    """What two shapes are to each other. ``silent_losses`` are pairs of optional attributes that look like renames: the
    new reader sees the old value as missing, without any error."""

    changes: tuple[Change, ...]
    silent_losses: tuple[tuple[str, str], ...]

    @property
    def tolerant(self) -> Level:
        """For tolerant readers."""
        return _all(change.tolerant for change in self.changes)

    @property
    def strict(self) -> Level:
        """For strict readers."""
        return _all(change.strict for change in self.changes)

    def level(self, reader: Reader) -> Level:
        """For one of the two."""
        return self.tolerant if reader == "tolerant" else self.strict


def compare(old: TypeVersion, new: TypeVersion) -> Verdict:
    """The verdict between two shapes, with every change by path."""
    losses: list[tuple[str, str]] = []
    changes = tuple(_objects(old.attributes, new.attributes, "", losses))
    return Verdict(changes, tuple(losses))


def transitive(stored: Mapping[Version, TypeVersion], new: TypeVersion) -> dict[Version, Verdict]:
    """The verdict against every version in the store: a replay needs BACKWARD in all of them."""
    return {version: compare(shape, new) for version, shape in stored.items()}


def is_gate_open(verdicts: Mapping[Version, Verdict], reader: Reader = "tolerant") -> bool:
    """Whether a new shape is BACKWARD-TRANSITIVE: it can read all of history."""
    return all(Level.BACKWARD in verdict.level(reader) for verdict in verdicts.values())


def _all(levels: Iterator[Level]) -> Level:
    result = Level.FULL
    for level in levels:
        result &= level
    return result


def _level(backward: bool, forward: bool) -> Level:
    return (Level.BACKWARD if backward else Level.NONE) | (Level.FORWARD if forward else Level.NONE)


def _needs(attribute: Attribute) -> bool:
    """Whether a reader fails without it."""
    return attribute.required and attribute.default is MISSING


def _objects(
    old: Mapping[str, Attribute], new: Mapping[str, Attribute], prefix: str, losses: list[tuple[str, str]]
) -> Iterator[Change]:
    removed = {name: attribute for name, attribute in old.items() if name not in new}
    added = {name: attribute for name, attribute in new.items() if name not in old}
    for name, attribute in removed.items():
        needs = _needs(attribute)
        sentence = f"{member(prefix, name)} is removed, which was {_word(attribute)}"
        strict = _level(False, not needs)
        yield Change(member(prefix, name), "removed", sentence, _level(True, not needs), strict)
    for name, attribute in added.items():
        needs = _needs(attribute)
        sentence = f"{member(prefix, name)} is added as {_word(attribute)}"
        yield Change(member(prefix, name), "added", sentence, _level(not needs, True), _level(not needs, False))
    losses += [
        (member(prefix, left), member(prefix, right))
        for left, was in removed.items()
        for right, is_now in added.items()
        if not _needs(is_now) and was.types == is_now.types
    ]
    for name, was in old.items():
        if name in new:
            yield from _attributes(was, new[name], member(prefix, name), losses)


def _word(attribute: Attribute) -> str:
    if not attribute.required:
        return "optional"
    return "required" if attribute.default is MISSING else "required with a default"


def _attributes(old: Attribute, new: Attribute, path: str, losses: list[tuple[str, str]]) -> Iterator[Change]:
    def change(kind: ChangeKind, sentence: str, backward: bool, forward: bool) -> Change:
        level = _level(backward, forward)
        return Change(path, kind, f"{path} {sentence}", level, level)

    if old.required != new.required or _needs(old) != _needs(new):
        backward = old.required or not _needs(new)
        forward = new.required or not _needs(old)
        if not (backward and forward):
            yield change("required", f"was {_word(old)} and is {_word(new)}", backward, forward)
    if old.is_any != new.is_any or (not old.is_any and old.types != new.types):
        sentence = f"was {_types(old)} and is {_types(new)}"
        yield change("type", sentence, _is_subset(old, new), _is_subset(new, old))
    if old.nullable != new.nullable:
        sentence = "may be null now" if new.nullable else "may not be null any more"
        yield change("nullable", sentence, new.nullable, old.nullable)
    if old.enum != new.enum:
        backward, forward = _enum_within(old.enum, new.enum), _enum_within(new.enum, old.enum)
        if not (backward and forward):
            yield change("enum", _enum_sentence(old, new), backward, forward)
    yield from _limits(old, new, path)
    yield from _inside(old, new, path, losses)


def _types(attribute: Attribute) -> str:
    return "any" if attribute.is_any else " or ".join(attribute.types)


def _is_subset(left: Attribute, right: Attribute) -> bool:
    """Whether a reader of ``right`` takes all types of ``left``."""
    if right.is_any:
        return True
    taken = set(right.types) | ({"int"} if "number" in right.types else set())
    return not left.is_any and set(left.types) <= taken


def _enum_within(left: tuple[Value, ...] | None, right: tuple[Value, ...] | None) -> bool:
    if right is None:
        return True
    return left is not None and set(map(frozen, left)) <= set(map(frozen, right))


def _enum_sentence(old: Attribute, new: Attribute) -> str:
    if old.enum is None:
        return f"is bound to {len(new.enum or ())} values"
    if new.enum is None:
        return "is not bound to certain values any more"
    added = len(set(map(frozen, new.enum)) - set(map(frozen, old.enum)))
    removed = len(set(map(frozen, old.enum)) - set(map(frozen, new.enum)))
    return f"has {added} further values and {removed} fewer"


_LOWER: Final = ("minimum", "min_length", "min_items")
_UPPER: Final = ("maximum", "max_length", "max_items")


def _limits(old: Attribute, new: Attribute, path: str) -> Iterator[Change]:
    for name in (*_LOWER, *_UPPER):
        was, is_now = getattr(old, name), getattr(new, name)
        if was == is_now:
            continue
        sign = 1 if name in _LOWER else -1
        tightened = was is None or (is_now is not None and sign * is_now > sign * was)
        level = Level.FORWARD if tightened else Level.BACKWARD
        word = "tightened" if tightened else "loosened"
        yield Change(path, "limits", f"{path}: {name} is {word}", level, level)
    if old.pattern != new.pattern:
        level = _level(new.pattern is None, old.pattern is None)
        yield Change(path, "limits", f"{path}: the pattern is another", level, level)


def _inside(old: Attribute, new: Attribute, path: str, losses: list[tuple[str, str]]) -> Iterator[Change]:
    if old.attributes is not None or new.attributes is not None:
        if old.attributes is not None and new.attributes is not None:
            yield from _objects(old.attributes, new.attributes, path, losses)
        else:
            known = new.attributes is not None
            level = Level.FORWARD if known else Level.BACKWARD
            word = "is described now" if known else "is not described any more"
            yield Change(path, "inside", f"the inside of {path} {word}", level, level)
    if old.items is not None and new.items is not None:
        yield from _attributes(old.items, new.items, items(path), losses)
    elif old.items is not None or new.items is not None:
        known = new.items is not None
        level = Level.FORWARD if known else Level.BACKWARD
        word = "are described now" if known else "are not described any more"
        yield Change(items(path), "inside", f"the elements of {path} {word}", level, level)


# The second verdict


@dataclass(slots=True)
class DataVerdict:
    """What a new shape does to the events that are stored: give it every payload that its reader will be given.

    ``failing`` are the positions of those that it cannot read; ``reasons`` count why, unless nobody wants to know:
    saying why costs ten times what finding out costs.
    """

    shape: TypeVersion
    reader: Reader = "tolerant"
    total: int = 0
    failing: list[int | str | None] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)
    with_reasons: bool = True
    _check: Check | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        # What a strict reader does not know is an error, whatever the shape says of itself.
        self.shape = for_reader(self.shape, self.reader)
        self._check = fits(self.shape)

    def see(self, position: int | str | None, payload: Value) -> None:
        """Takes in one payload, upcast where a chain brings it to the version before this one."""
        self.total += 1
        check = self._check
        if check is None or check({} if payload is None else payload):
            return
        self.failing.append(position)
        for reason in problems(self.shape, {} if payload is None else payload) if self.with_reasons else ():
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def __str__(self) -> str:
        return f"{len(self.failing)} fail"

    def beside(self, verdict: Verdict) -> str:
        """Both verdicts in a sentence: ``breaking in theory, 0 of 12 431 stored events affected``."""
        theory = "compatible" if Level.BACKWARD in verdict.level(self.reader) else "breaking"
        counts = f"{len(self.failing):,} of {self.total:,}".replace(",", "\u202f")
        return f"{theory} in theory, {counts} stored events affected"


def for_reader(shape: TypeVersion, reader: Reader) -> TypeVersion:
    """The shape as a reader takes it: closed for a strict one, open for a tolerant one, on every level."""
    is_open = reader == "tolerant"
    return TypeVersion({name: _for_reader(inner, is_open) for name, inner in shape.attributes.items()}, is_open)


def _for_reader(attribute: Attribute, is_open: bool) -> Attribute:
    inner = attribute.attributes
    return replace(
        attribute,
        attributes=None if inner is None else {name: _for_reader(one, is_open) for name, one in inner.items()},
        items=None if attribute.items is None else _for_reader(attribute.items, is_open),
        open=is_open or inner is None,
    )
