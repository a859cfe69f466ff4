"""Which of the tactics of schema evolution fits a change (after SANER 2017, arXiv 2104.01146 and G. Young)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from esviewer.catalogue.compatibility import Change, Level, Verdict

Tactic: TypeAlias = Literal[
    "weak schema", "upcaster", "new event type", "copy-and-transform", "compensating event", "crypto-shredding",
    "in-place",
]  # fmt: skip
Kind: TypeAlias = Literal[
    "optional attribute added", "attributes reshaped", "meaning changed", "one event becomes several",
    "several events become one", "events change streams", "a fact was wrong", "legal erasure",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Advice:
    """One tactic for a change. ``rank`` 1 is the first choice; ``None`` means not suitable. ``reason`` says why."""

    tactic: Tactic
    rank: int | None
    reason: str


_AUDIT: Final = "edits what was recorded: the audit value is lost, and old backups disagree"
_COPY: Final = "writes a converted store of its own; slow, and every consumer has to switch"
_TABLE: Final[dict[Kind, tuple[tuple[Tactic, str], ...]]] = {
    "optional attribute added": (
        ("weak schema", "the reader fills in a default where the attribute is missing"),
        ("upcaster", "says the default once, at the cost of a version"),
        ("copy-and-transform", _COPY),
    ),
    "attributes reshaped": (
        ("upcaster", "renames, converts, splits or merges while reading; what is stored stays"),
        ("new event type", "readers have to know both"),
        ("copy-and-transform", _COPY),
    ),
    "meaning changed": (
        ("new event type", "old events keep their meaning under their name"),
        ("copy-and-transform", _COPY),
    ),
    "one event becomes several": (
        ("upcaster", "one input may give several outputs, under the position of the source"),
        ("copy-and-transform", _COPY),
    ),
    "several events become one": (("copy-and-transform", "only a copy sees several events at once"),),
    "events change streams": (("copy-and-transform", "streams and versions are given anew in a copy"),),
    "a fact was wrong": (("compensating event", "says what is right, and when that was known"),),
    "legal erasure": (
        ("crypto-shredding", "the key of the person is destroyed, the event stays"),
        ("in-place", "masks what has to go; declare it under erased in the catalogue"),
    ),
}
_UNSUITABLE: Final[dict[Kind, tuple[tuple[Tactic, str], ...]]] = {
    "optional attribute added": (("in-place", _AUDIT),),
    "attributes reshaped": (("weak schema", "loses what stood under the old name, silently"), ("in-place", _AUDIT)),
    "meaning changed": (
        ("upcaster", "a new version of the same type hides that the meaning is another"),
        ("weak schema", "cannot see that a value means something else"),
        ("in-place", _AUDIT),
    ),
    "one event becomes several": (("in-place", _AUDIT),),
    "several events become one": (("upcaster", "sees one event at a time"), ("in-place", _AUDIT)),
    "events change streams": (("upcaster", "may not change the stream of an event"), ("in-place", _AUDIT)),
    "a fact was wrong": (("in-place", _AUDIT),),
    "legal erasure": (),
}


def advise(kind: Kind) -> list[Advice]:
    """The tactics for one kind of change, best first, unsuitable ones last."""
    suited = [Advice(tactic, rank, reason) for rank, (tactic, reason) in enumerate(_TABLE[kind], 1)]
    return suited + [Advice(tactic, None, reason) for tactic, reason in _UNSUITABLE[kind]]


def advise_all(kinds: Iterable[Kind]) -> list[Advice]:
    """The tactics that fit several kinds at once; what is unsuitable for one is so for all, with that reason.

    Tactics are ranked by their worst place. Where no tactic fits all, each kind has to be dealt with on its own.
    """
    lists = [advise(kind) for kind in dict.fromkeys(kinds)]
    worst: dict[Tactic, Advice] = {}
    for advice in (one for listed in lists for one in listed):
        held = worst.get(advice.tactic)
        if held is None or (held.rank is not None and (advice.rank is None or advice.rank > held.rank)):
            worst[advice.tactic] = advice
    everywhere = [
        one
        for one in worst.values()
        if one.rank and all(any(a.tactic == one.tactic for a in listed) for listed in lists)
    ]
    suited = sorted(everywhere, key=lambda advice: advice.rank or 0)
    ranked = [Advice(advice.tactic, place, advice.reason) for place, advice in enumerate(suited, 1)]
    return ranked + [advice for advice in worst.values() if advice.rank is None]


def kinds_of(verdict: Verdict) -> tuple[Kind, ...]:
    """The kinds of change that two shapes show; what they mean (a unit, a wrong fact) no shape can say."""
    found = dict.fromkeys(_kind(change) for change in verdict.changes)
    if verdict.silent_losses:
        found["attributes reshaped"] = None
    return tuple(kind for kind in KINDS if kind in found)


def _kind(change: Change) -> Kind:
    # What old events lack has to be given to them: a reader that merely tolerates fails there.
    is_harmless = change.kind in ("added", "nullable", "limits", "required", "enum")
    return "optional attribute added" if is_harmless and Level.BACKWARD in change.tolerant else "attributes reshaped"
