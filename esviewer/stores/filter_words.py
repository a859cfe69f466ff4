r"""The line in which a filter is written, in the words of the command line's options.

line  = parts between spaces, such as   type:Loan.Started -type:Debug where:"data.amount > `10`" Utrecht
part  = [-] [kind:] value               without a kind it is text; the minus means the opposite
value = a word, or any text in double quotes, in which \" \\ \n \r and \t are escapes
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from esviewer.domain import UsageError

KINDS: Final[dict[str, str]] = {
    "type": "of an event type, its stored name",
    "category": "in streams of a category",
    "stream": "in a stream; * stands for any characters",
    "since": "recorded at or after a time",
    "until": "recorded before a time",
    "from-position": "from a position on",
    "to-position": "up to a position",
    "position": "at certain positions, such as 7,9,20-25",
    "is": "undecodable, deleted, archived, or of a status such as upcast",
    "where": "for which an expression holds (JMESPath)",
    "text": "with a text in payload or metadata",
}
"""What may stand before the colon, with a few words for people: events …"""

_OTHER_NAMES: Final = {"from": "from-position", "to": "to-position"}
_OPPOSITES: Final = {"since": "until", "until": "since", "from-position": "to-position", "to-position": "from-position"}

_PART = re.compile(
    r'\s*(?P<minus>-)?(?:(?P<kind>[A-Za-z][A-Za-z-]*):)?(?P<value>"(?:[^"\\]|\\.)*"|[^\s"]\S*)?(?P<end>\s|\Z)',
    re.DOTALL,
)
_BARE = re.compile(r'[^\s"]\S*')
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_WRITTEN: Final = str.maketrans({value: f"\\{name}" for name, value in _ESCAPES.items()})


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a filter; of times and positions the opposite is another part (``since``, ``until``)."""

    kind: str
    value: str
    is_negated: bool = False

    @property
    def words(self) -> str:
        """The part as it is written."""
        is_bare = _BARE.fullmatch(self.value) is not None
        value = self.value if is_bare else f'"{self.value.translate(_WRITTEN)}"'
        return f"{'-' if self.is_negated else ''}{self.kind}:{value}"

    def negated(self) -> Part:
        """The part that means the opposite, but that what is absent is in no bounds either way."""
        if self.kind not in _OPPOSITES:
            return Part(self.kind, self.value, not self.is_negated)
        value = self.value
        if self.kind.endswith("position") and _is_number(value):
            value = str(int(value) + (-1 if self.kind == "from-position" else 1))
        return Part(_OPPOSITES[self.kind], value)


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?[0-9]{1,40}", value) is not None


def split(line: str) -> tuple[Part, ...]:
    """The parts of a line; raises :class:`UsageError` where one cannot be read."""
    return tuple(_parts(line.strip()))


def _parts(line: str) -> Iterator[Part]:
    place = 0
    while place < len(line):
        match = _PART.match(line, place)
        rest = line[place:].strip()
        if match is None:
            is_open = rest.count('"') % 2
            trouble = "a quote that is not closed" if is_open else "something right after a closing quote"
            raise UsageError(f"There is {trouble} in {_short(rest)}.")
        place = match.end()
        kind = _OTHER_NAMES.get(match["kind"] or "text", match["kind"] or "text")
        if kind not in KINDS:
            raise UsageError(
                f'{match["kind"]}: is no word of a filter: {", ".join(KINDS)}; for the text write "{_short(rest)}".'
            )
        written = match["value"]
        if written is None:
            if match["kind"] is None:
                # A minus on its own is looked for like any other text.
                written = "-"
                yield Part("text", written)
                continue
            raise UsageError(f"{kind}: needs a value.")
        part = Part(kind, _value(written))
        if not part.value and kind not in ("type", "category", "stream"):
            raise UsageError(f"{kind}: needs a value.")
        yield part.negated() if match["minus"] else part


def _value(written: str) -> str:
    if not written.startswith('"'):
        return written
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), written[1:-1], flags=re.DOTALL)


def _short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"
