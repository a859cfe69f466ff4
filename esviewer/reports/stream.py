"""The history of an aggregate: its events, what each changed, the state before and after one of them, and who set it.

It is folded by the same fold as ``state``: what is told of the state here is what that command tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from esviewer.domain import Event, Value, iso
from esviewer.domain.objects import event_object
from esviewer.projections.classes import ClassFoldFailure, sentence_of
from esviewer.projections.edited import EditedFold
from esviewer.projections.fold import Fold
from esviewer.projections.history import AggregateHistory, Writer
from esviewer.projections.paths import MISSING, Change, leaves
from esviewer.reports.document import (
    MOST_BYTES,
    Cell,
    Column,
    Density,
    Document,
    Fact,
    Lane,
    Mark,
    Picture,
    Section,
    Table,
    Timeline,
    content_hash,
    size_in_report,
    value_text,
)
from esviewer.reports.grounds import HASHES, Grounds, Ran, files_hash

_LEAST_BYTES: Final = 2_000_000
"""Bytes of events that a report holds however large the state is."""
_MARKS: Final = 400
"""Events that are marked one by one in the picture."""
_COLUMNS: Final = 138
_STORED: Final = "Payloads are shown as they are stored; nothing is masked."


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a stream: its history up to the event at ``index``, which is the last that is folded."""

    history: AggregateHistory
    index: int
    grounds: Grounds
    trouble: tuple[str, ...] = ()
    """Sentences on what the state may lack."""


def stream_report(told: Told) -> Document:
    """The history of a stream up to one of its events, with the state before and after that one."""
    history, index, grounds = told.history, told.index, told.grounds
    state = {**state_object(history, index), "before": history.state_at(index - 1)}
    room = max(_LEAST_BYTES, MOST_BYTES - size_in_report(state))
    held, left_out = _held(history, index, room)
    content: dict[str, Value] = {
        **state,
        "events_in_stream": len(history.events),
        "events": held,
        "left_out": {"events": left_out},
    }
    # The state at the version comes last, so that the next who asks for it finds it.
    history.state_at(index)
    figures = grounds.figures("stream", content, {"stream_type": history.events[0].category})
    last = history.events[index]
    summary = f"{index + 1:,} event{'' if index == 0 else 's'} up to version {_shown(last.version)}, {_days(told)}."
    return Document(
        f"History of {last.stream}",
        summary,
        (*_main_facts(told), *grounds.facts(figures)),
        tuple(_sections(told, held, left_out)),
        figures,
        _records(held),
    )


def fold_ran(own: Fold, folder: Path | None, history: AggregateHistory) -> Ran:
    """The fold with the hash of its rules, or of the Python files of the application's own package."""
    if folder is not None:
        packages = {(event.type or "").partition(":")[0].partition(".")[0] for event in history.events}
        return Ran("Fold", f"classes in {folder}", files_hash(folder, sorted(filter(None, packages))))
    if isinstance(own, EditedFold):
        return Ran("Fold", own.name, content_hash({"rules": _rules(own)}))
    return Ran("Fold", own.name, None)


def _rules(own: EditedFold) -> Value:
    rules = own.rules
    told = [[one.event_type, one.attribute, one.operation, one.target] for one in rules.rules]
    return [told, list(rules.starts), list(rules.ends), list(rules.ignores)]


def lacks(history: AggregateHistory, index: int, failure: ClassFoldFailure | None) -> list[str]:
    """What the state does not say, in sentences."""
    found = []
    skipped = sum(1 for place in history.undecodable if place <= index)
    if skipped:
        found.append(f"{skipped:,} events could not be decoded and are not in this state.")
    if history.sights is not None:
        if stored := history.sights.as_stored_until(index):
            found.append(f"{stored:,} events that today's code would not read are folded as stored.")
        if passed := history.sights.passed_over_until(index):
            found.append(f"{passed:,} events that the catalogue ignores are not in this state.")
    if failure is not None:
        found.append(f"The classes go no further: {sentence_of(history.events[failure.index], failure.sentence)}")
    return found


def state_object(history: AggregateHistory, index: int) -> dict[str, Value]:
    """The state after an event as in ``state --json``; ``undecodable`` and ``upcast`` where they apply."""
    last = history.events[index]
    result: dict[str, Value] = {
        "stream": last.stream,
        "category": last.category,
        "version": last.version,
        "fold": history.fold.name,
        "state": history.state_at(index),
        "blame": {path: _writer_object(writer) for path, writer in history.blame(index).items()},
    }
    skipped = [history.events[place].version for place in history.undecodable if place <= index]
    if skipped:
        result["undecodable"] = skipped
    if (sights := history.sights) is not None:
        upcast = sights.upcast[: sights.upcast_until(index)]
        result["upcast"] = [history.events[place].position for place in upcast]
    return result


def _writer_object(writer: Writer) -> dict[str, Value]:
    return {"version": writer.version, "position": writer.position, "type": writer.type}


def _held(history: AggregateHistory, index: int, room: int) -> tuple[list[dict[str, Value]], int]:
    """The last events that there is room for, each with its changes, and how many before them are left out."""
    held: list[dict[str, Value]] = []
    for place in range(index, -1, -1):
        told = {**event_object(history.events[place]), "changes": list(map(_change_object, history.changed[place]))}
        if (sight := history.sight(place)) is not None and sight.words:
            told["seen"] = sight.words
        room -= size_in_report(told)
        if room < 0 and held:
            return held[::-1], place + 1
        held.append(told)
    return held[::-1], 0


def _change_object(change: Change) -> dict[str, Value]:
    """A change; ``before`` or ``after`` is left out where the field was not there."""
    told: dict[str, Value] = {"path": change.path, "kind": change.kind}
    if change.before is not MISSING:
        told["before"] = change.before
    if change.after is not MISSING:
        told["after"] = change.after
    return told


def _main_facts(told: Told) -> Iterator[Fact]:
    history, index = told.history, told.index
    last = history.events[index]
    yield Fact("Events told of", index + 1, "number", is_main=True)
    yield Fact("Version", last.version, is_main=True)
    yield Fact("Event types", len({event.type for event in history.events[: index + 1]}), "number", is_main=True)
    yield Fact("Fields set", len(history.blame(index)), "number", is_main=True)
    yield Fact("Stream", last.stream, "name")
    yield Fact("Category", last.category, "name")
    yield Fact("Position", last.position)
    yield Fact("Recorded at", iso(last.recorded_at))


def _sections(told: Told, held: list[dict[str, Value]], left_out: int) -> Iterator[Section]:
    history, index = told.history, told.index
    events = history.events[: index + 1]
    later = len(history.events) - index - 1
    sentences = [] if not later else [f"{later:,} later event{' is' if later == 1 else 's are'} not told of."]
    counts = Counter(event.type for event in events)
    rows = tuple((name, count) for name, count in counts.most_common())
    table = Table("Events of the stream by type", (Column("type", "name"), Column("events", "number")), rows)
    yield Section("Timeline", tuple(sentences), (table,), _picture(told.grounds, events))
    yield _state(told)
    yield _events(held, left_out, str(history.events[0].stream))
    yield _changes(held, left_out)
    yield Section("What the hashes cover, and what is left out", (*HASHES, _STORED))


def _state(told: Told) -> Section:
    """Every field before and after the event, and who set it last; removed ones too, with who removed them."""
    history, index = told.history, told.index
    event = history.events[index]
    before = {path: value_text(value) for path, value in leaves(history.state_at(index - 1)) if path}
    after = {path: value_text(value) for path, value in leaves(history.state_at(index)) if path}
    rows = []
    for path, writer in history.blame(index).items():
        if path in before or path in after or writer.index == index:
            set_by = (writer.version, None if writer.position is None else str(writer.position), writer.type)
            rows.append((path, before.get(path), after.get(path), *set_by))
    columns = (
        Column("field", "name"),
        Column("before", "value"),
        Column("after", "value"),
        Column("set by version"),
        Column("position", "positions"),
        Column("type", "name"),
    )
    sentence = (
        f"Before and after {event.type} at version {_shown(event.version)}, position {_shown(event.position)}; "
        f"the last three columns tell which event last changed a field. Folded by the {history.fold.name} fold."
    )
    return Section("State", (sentence, *told.trouble), (Table("State and who set it", columns, tuple(rows)),))


def _events(held: list[dict[str, Value]], left_out: int, stream: str) -> Section:
    columns = (
        Column("version"),
        Column("position", "positions"),
        Column("recorded at"),
        Column("type", "name"),
        Column("fields changed", "number"),
        Column("data", "value"),
    )
    rows = tuple(map(_event_row, held))
    return Section("Events", _left_out(left_out, stream), (Table("Events of the stream", columns, rows, True),))


def _event_row(told: dict[str, Value]) -> tuple[Cell, ...]:
    changes = told["changes"]
    assert isinstance(changes, list)
    reason = told.get("undecodable")
    data = value_text(told["data"]) if reason is None else f"undecodable: {reason}"
    name = str(told["type"]) + (f" ({told['seen']})" if "seen" in told else "")
    return (*_place_cells(told), _cell(told["recorded_at"]), name, len(changes), data)


def _place_cells(told: dict[str, Value]) -> tuple[Cell, Cell]:
    version, position = told["version"], told["position"]
    return version if isinstance(version, int) else None, _cell(position)


def _cell(value: Value) -> str | None:
    return None if value is None else str(value)


def _changes(held: list[dict[str, Value]], left_out: int) -> Section:
    columns = (
        Column("version"),
        Column("position", "positions"),
        Column("type", "name"),
        Column("field", "name"),
        Column("before", "value"),
        Column("after", "value"),
    )
    rows = tuple(_change_rows(held))
    sentence = "A dash stands for a field that is not there."
    cut = (f"Those of the first {left_out:,} events are left out.",) if left_out else ()
    table = Table("What each event changed", columns, rows, True)
    return Section("Changes", (sentence, *cut), (table,))


def _change_rows(held: list[dict[str, Value]]) -> Iterator[tuple[Cell, ...]]:
    for told in held:
        changes = told["changes"]
        assert isinstance(changes, list)
        for change in changes:
            yield (*_place_cells(told), _cell(told["type"]), change["path"], *_sides(change))


def _left_out(count: int, stream: str) -> tuple[str, ...]:
    if not count:
        return ()
    what = f"The first {count:,} events are left out, here and in the JSON, since a report of them would be too large"
    return (f"{what} to send: esviewer events STORE --stream {stream!r} --json gives all.",)


def _picture(grounds: Grounds, events: Sequence[Event]) -> Picture:
    """A mark an event, or where they are too many their number along the stream. Colours are those of the store."""
    ranks = {name: rank for rank, name in enumerate(grounds.index.type_counts())}
    names = [name for name, _ in Counter(event.type or "" for event in events).most_common()]
    lanes = {name: place for place, name in enumerate(names)}
    if len(events) <= _MARKS:
        marks = tuple(
            Mark(lanes[event.type or ""], _label(event), iso(event.recorded_at), event.undecodable is not None)
            for event in events
        )
        return Timeline("Events of the stream", tuple((name, ranks.get(name, 0)) for name in names), marks)
    counts = [[0] * _COLUMNS for _ in names]
    for place, event in enumerate(events):
        counts[lanes[event.type or ""]][place * _COLUMNS // len(events)] += 1
    rows = tuple(Lane(name, tuple(own), ranks.get(name, 0)) for name, own in zip(names, counts, strict=True))
    return Density("Events of the stream in its order", rows, f"first: {_label(events[0])}", f"{_label(events[-1])}")


def _label(event: Event) -> str:
    return f"v{event.version}" if event.version is not None else f"#{_shown(event.position)}"


def _days(told: Told) -> str:
    """From when to when it goes."""
    first, last = (iso(told.history.events[place].recorded_at) for place in (0, told.index))
    if first is None or last is None:
        return "without times"
    return f"{first[:10]} to {last[:10]}"


def _shown(value: int | str | None) -> str:
    return "–" if value is None else str(value)


def _records(held: list[dict[str, Value]]) -> Table:
    """One row a change, and one for an event that changed nothing."""
    names = ("position", "version", "recorded_at", "type", "field", "kind", "before", "after")
    rows: list[tuple[Cell, ...]] = []
    for told in held:
        changes = told["changes"]
        assert isinstance(changes, list)
        place = tuple(_cell(told[name]) for name in ("position", "version", "recorded_at", "type"))
        rows += [(*place, change["path"], change["kind"], *_sides(change)) for change in changes]
        if not changes:
            rows.append((*place, None, None, None, None))
    return Table("changes", tuple(map(Column, names)), tuple(rows))


def _sides(change: Mapping[str, Value]) -> tuple[str | None, str | None]:
    """A change as two cells of JSON."""
    before, after = (value_text(change[side]) if side in change else None for side in ("before", "after"))
    return before, after
