"""What may be typed next in the filter bar: words of a filter, and types, categories and streams of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Generic, TypeVar

from esviewer.domain import iso
from esviewer.session import StoreSession
from esviewer.stores.filter_words import KINDS, Part
from esviewer.stores.filters import FLAGS
from esviewer.ui.statuses import LOOKS, status_word
from esviewer.ui.widgets.format import grouped
from esviewer.ui.words import short_category, short_type

T = TypeVar("T")

LIMIT = 40
_STREAMS_LOOKED_AT = 200_000
_DAY = 86_400_000_000


@dataclass(frozen=True, slots=True)
class Completion:
    """What may take the place of the word that is being typed; ``is_whole`` if it is a part and not only its kind."""

    words: str
    shown: str
    hint: str
    is_whole: bool = True


class _Counted(Generic[T]):
    """A figure of an index, counted anew when it has grown: five million rows take some 30 ms."""

    def __init__(self, store: StoreSession, count: Callable[[], T]) -> None:
        self._store = store
        self._count = count
        self._length = -1

    @property
    def value(self) -> T:
        length = self._store.index.length
        if length != self._length:
            self._length, self._value = length, self._count()
        return self._value


class StoreWords:
    """The names of a store that a filter may use."""

    def __init__(self, store: StoreSession) -> None:
        self.store = store
        self._types = _Counted(store, lambda: store.index.type_counts())
        self._categories = _Counted(store, lambda: store.index.category_counts())
        self._times = _Counted(store, lambda: store.index.time_range())

    @property
    def types(self) -> dict[str, int]:
        """Events by stored type, most frequent first."""
        return self._types.value

    @property
    def categories(self) -> dict[str, int]:
        """Streams by category."""
        return self._categories.value

    def resolved(self, parts: Iterable[Part]) -> list[Part]:
        """The parts with types and categories by their stored names, where one was called as people call it."""
        result: list[Part] = []
        for part in parts:
            names = {"type": self.types, "category": self.categories}.get(part.kind, {})
            say = short_type if part.kind == "type" else short_category
            meant = [name for name in names if say(name).casefold() == part.value.casefold()]
            if part.value in names or not meant:
                result.append(part)
            else:
                result += [Part(part.kind, name, part.is_negated) for name in meant]
        return result

    def is_known(self, part: Part) -> bool:
        """Whether the store has what the part names, as far as that can be said at once."""
        if part.kind == "type":
            return not self.store.index.complete or part.value in self.types
        if part.kind == "category":
            return not self.store.index.complete or part.value in self.categories
        return True

    def complete(self, before: str) -> list[Completion]:
        """What may take the place of the last word of the text before the cursor, best first."""
        word = last_word(before)
        sign, bare = ("-", word[1:]) if word.startswith("-") else ("", word)
        kind, colon, value = bare.partition(":")
        if colon:
            return list(islice(self._values(sign, kind, value.strip('"')), LIMIT))
        kinds = [
            Completion(f"{sign}{name}:", f"{sign}{name}:", meaning, False)
            for name, meaning in KINDS.items()
            if name.startswith(kind.lower())
            and not (sign and name in ("since", "until", "from-position", "to-position"))
        ]
        return list(islice(chain(kinds, self._types_like(sign, kind) if kind else ()), LIMIT))

    def _values(self, sign: str, kind: str, value: str) -> Iterator[Completion]:
        is_negated = bool(sign)
        if kind == "type":
            yield from self._types_like(sign, value)
        elif kind == "category":
            for name, streams in sorted(self.categories.items(), key=lambda pair: -pair[1]):
                if value.casefold() in name.casefold():
                    words = Part(kind, name, is_negated).words
                    yield Completion(words, short_category(name), f"{grouped(streams)} streams")
        elif kind == "stream":
            yield from self._streams_like(is_negated, value)
        elif kind == "is":
            meanings = ("the payload could not be read", "marked as deleted", "moved out of use")
            for flag, meaning in zip(FLAGS, meanings, strict=True):
                if flag.startswith(value.lower()):
                    yield Completion(Part(kind, flag, is_negated).words, flag, meaning)
            if self.store.catalogue.current is not None:
                for status, look in LOOKS.items():
                    word = status_word(status)
                    if word not in FLAGS and word.startswith(value.lower()):
                        yield Completion(Part(kind, word, is_negated).words, word, look.sentence.rstrip(".").lower())
        elif kind in ("since", "until"):
            yield from self._times_like(kind, value)

    def _types_like(self, sign: str, value: str) -> Iterator[Completion]:
        wanted = value.casefold()
        like = [name for name in self.types if wanted in name.casefold()]
        # What people call it by counts before the module it comes from.
        like.sort(key=lambda name: wanted not in short_type(name).casefold())
        for name in like:
            count = self.types[name]
            shown = f"{sign}{short_type(name)}"
            yield Completion(Part("type", name, bool(sign)).words, shown, f"type, {grouped(count)} events")

    def _streams_like(self, is_negated: bool, value: str) -> Iterator[Completion]:
        wanted, index = value.casefold(), self.store.index
        for ordinal in range(min(len(index.streams), _STREAMS_LOOKED_AT)):
            name = index.streams[ordinal]
            if wanted in name.casefold():
                words = Part("stream", index.stream_name(ordinal), is_negated).words
                yield Completion(words, name, short_category(index.stream_category[ordinal]))

    def _times_like(self, kind: str, value: str) -> Iterator[Completion]:
        """Days that one may mean: counted back from the last event, and the first of each year."""
        first, last = self._times.value
        if first is None or last is None:
            return
        day = last - last % _DAY
        offers = [(day, "day of the last event")]
        offers += [(day - n * _DAY, f"{n} days before the last event") for n in (7, 30, 90)]
        offers.append((first - first % _DAY, "day of the first event"))
        texts = [((iso(time) or "")[:10], hint) for time, hint in offers if first - _DAY < time]
        years = range(int((iso(first) or "1")[:4]), int((iso(last) or "0")[:4]) + 1)
        texts += [(f"{year:04}-01-01", f"beginning of {year}") for year in reversed(years)]
        for text, hint in texts:
            if text and text.startswith(value):
                yield Completion(f"{kind}:{text}", text, hint)


def last_word(before: str) -> str:
    """The word that ends at the cursor, spaces in quotes included; empty after a space."""
    start, is_quoted, place = 0, False, 0
    while place < len(before):
        letter = before[place]
        if letter == "\\" and is_quoted:
            place += 1
        elif letter == '"':
            is_quoted = not is_quoted
        elif letter.isspace() and not is_quoted:
            start = place + 1
        place += 1
    return before[start:]
