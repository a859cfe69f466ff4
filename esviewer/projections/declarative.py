"""Projections without code: a YAML, TOML or JSON file with steps for each type of event.

::

    name: loans
    version: 1
    key: stream                                   # the default; a list of expressions gives a tuple
    handlers:
      "library_es.lending:Loan.Started":
        - insert: {state: "'out'", member: data.card_no}
      "library_es.lending:Loan.Returned":
        - set: {state: "'back'"}
      "library_es.lending:Fine.Charged, library_es.lending:Charge.Charged":
        key: data.branch                          # key, table and when for all steps of this handler
        table: fines
        steps:
          - add: {count: 1, sum: data.amount}

Steps, each with an optional ``when`` beside it:

=========== ============================== =============================================================================
``insert``  ``{column: expression}``       makes the row, in place of one that is there
``set``     ``{column: expression}``       sets columns; makes the row if it is not there, as the next two do
``add``     ``{column: expression}``       adds a number, exactly; nothing counts as 0. ``subtract`` takes it away
``measure`` ``{column: expression}``       adds a number to statistics: count, sum, mean, variance, percentiles
``append``  ``{column: expression}``       adds an element to the end of a list
``remove``  ``{column: expression}``       takes equal elements out of a list; a name, or a list of them: the columns
``delete``  ``true``                       takes the row away, if it is there
=========== ============================== =============================================================================

Expressions are JMESPath over ``data``, ``meta``, ``row`` and the fields of the event (``stream``, ``recorded_at``, …),
with the comparisons of ``--where``. What is no text stands for itself; a text does in quotes (``"'out'"``), or as
``{value: out}``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from esviewer.domain import UsageError, Value
from esviewer.projections.definition import DefinitionError, Handler, Projection, ProjectionEvent, Row, RowKey, Table
from esviewer.projections.expressions import Expression, Scope, condition, expression, number
from esviewer.projections.reads import of_expressions
from esviewer.projections.sameness import are_same
from esviewer.projections.targets import Statistics

Step: TypeAlias = Callable[[Table, RowKey, Scope], None]

_KNOWN: Final = ("name", "version", "key", "handlers", "description")
_HANDLER: Final = ("key", "table", "when", "steps")
_EXACT: Final = Context(prec=1_000)
"""Sums of any sensible size, to the last digit."""


class StepFailed(Exception):
    """A step met what it cannot work on; the text says which step and why."""


class StepsProjection(Projection):
    """A projection made of steps."""

    def __init__(self, name: str, version: int | str, handlers: Mapping[str, Callable[[Projection], Handler]]) -> None:
        self.name = name
        self.version = version
        self._made = {event_type: make(self) for event_type, make in handlers.items()}

    def handlers(self) -> dict[str, Handler]:
        return dict(self._made)


def load(path: Path, data: bytes | None = None) -> StepsProjection:
    """The projection that a file holds; raises :class:`DefinitionError` with the place of the first mistake.

    ``data`` are bytes to take in place of those that the file has now.
    """
    return made(_tree(path, data), str(path), path.stem)


def made(tree: Value, place: str = "projection", name: str = "projection") -> StepsProjection:
    """The projection that a tree of plain values holds; raises :class:`DefinitionError`."""
    if not isinstance(tree, dict):
        raise DefinitionError(f"{place}: a projection is an object with name, version and handlers.")
    _only(tree, _KNOWN, place)
    given = tree.get("handlers")
    if not isinstance(given, dict) or not given:
        raise DefinitionError(f"{place}: handlers is an object with steps by type of event.")
    version = tree.get("version", 1)
    if isinstance(version, bool) or not isinstance(version, int | str):
        raise DefinitionError(f"{place}: version is a number or a text.")
    handlers: dict[str, Callable[[Projection], Handler]] = {}
    for types, raw in given.items():
        for event_type in (part.strip() for part in str(types).split(",")):
            if event_type in handlers:
                raise DefinitionError(f"{place}: {event_type} is handled twice.")
            handlers[event_type] = _handler(raw, tree.get("key", "stream"), f"{place}, {event_type}")
    return StepsProjection(str(tree.get("name", name)), version, handlers)


def _tree(path: Path, data: bytes | None) -> Value:
    try:
        text = (path.read_bytes() if data is None else data).decode("utf-8-sig")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        # YAML 1.2, in which "on" and "no" are texts, and which takes JSON too.
        return YAML(typ="safe", pure=True).load(text)
    except OSError as failure:
        raise DefinitionError(f"{path} cannot be read: {failure.strerror}.") from None
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark or wrong.context_mark
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise DefinitionError(f"{path}{line}: {wrong.problem or wrong.context}.") from None
    except (YAMLError, ValueError, RecursionError) as wrong:
        raise DefinitionError(f"{path}: {str(wrong).splitlines()[0].rstrip('.')}.") from None


def _only(raw: Mapping[Any, Value], known: tuple[str, ...], place: str) -> None:
    for name in raw:
        if name not in known:
            raise DefinitionError(f"{place}: {name!r} is not known; there are {', '.join(known)}.")


def _handler(raw: Value, key: Value, place: str) -> Callable[[Projection], Handler]:
    options: Mapping[Any, Value] = raw if isinstance(raw, dict) else {"steps": raw}
    _only(options, _HANDLER, place)
    listed, table_name = options.get("steps"), options.get("table", "rows")
    if not isinstance(listed, list) or not listed:
        raise DefinitionError(f"{place}: give a list of steps, such as [{{set: {{state: \"'open'\"}}}}].")
    if not isinstance(table_name, str) or not table_name:
        raise DefinitionError(f"{place}: table is a name.")
    try:
        key_of = _key(options.get("key", key))
        holds = condition(options["when"]) if "when" in options else None
    except UsageError as wrong:
        raise DefinitionError(f"{place}: {wrong}.") from None
    steps = [_step(step, f"{place}, step {number}") for number, step in enumerate(listed, 1)]

    reads = of_expressions(_expressions(options, key, listed))

    def bound(projection: Projection) -> Handler:
        table = projection.table(table_name)

        def handle(event: ProjectionEvent) -> None:
            scope = Scope(event)
            at = key_of(scope)
            scope.row = table.get(at)
            if holds is None or holds(scope):
                for step in steps:
                    step(table, at, scope)

        handle.reads = reads  # type: ignore[attr-defined]
        return handle

    return bound


def _expressions(options: Mapping[Any, Value], key: Value, steps: list[Any]) -> Iterator[Value]:
    """All expressions of one handler."""
    key = options.get("key", key)
    yield from key if isinstance(key, list) else [key]
    for place in (options, *steps):
        yield place.get("when")
    for step in steps:
        for arguments in step.values():
            if isinstance(arguments, dict):
                yield from arguments.values()


def _key(raw: Value) -> Callable[[Scope], RowKey]:
    if isinstance(raw, list):
        parts = [expression(part) for part in raw]
        return lambda scope: tuple([_as_key(part(scope)) for part in parts])
    single = expression(raw)
    return lambda scope: _as_key(single(scope))


def _as_key(value: Any) -> RowKey:
    if isinstance(value, list):
        return tuple(map(_as_key, value))
    if value is None or isinstance(value, dict):
        raise StepFailed(f"the key is {value!r}, which can be none")
    return value


def _step(raw: Value, place: str) -> Step:
    if not isinstance(raw, dict):
        raise DefinitionError(f"{place}: a step is one name with its arguments, such as {{add: {{count: 1}}}}.")
    names = [name for name in raw if name != "when"]
    if len(names) != 1 or names[0] not in _STEPS:
        given = ", ".join(map(str, names)) or "nothing"
        raise DefinitionError(f"{place}: {given} is no step: there are {', '.join(_STEPS)}.")
    try:
        step = _STEPS[names[0]](raw[names[0]])
        holds = condition(raw["when"]) if "when" in raw else None
    except UsageError as wrong:
        raise DefinitionError(f"{place}: {str(wrong).rstrip('.')}.") from None

    def guarded(table: Table, key: RowKey, scope: Scope) -> None:
        try:
            if holds is None or holds(scope):
                step(table, key, scope)
                scope.row = table.get(key)
        except StepFailed as wrong:
            raise StepFailed(f"{place}: {wrong}") from None

    return guarded


def _columns(raw: Value) -> list[tuple[str, Expression]]:
    if not isinstance(raw, dict) or not raw:
        raise UsageError("give columns with expressions, such as {state: data.state}")
    return [(str(name), expression(value)) for name, value in raw.items()]


def _insert(raw: Value) -> Step:
    columns = _columns(raw)

    def insert(table: Table, key: RowKey, scope: Scope) -> None:
        table[key] = {name: value(scope) for name, value in columns}

    return insert


def _set(raw: Value) -> Step:
    columns = _columns(raw)

    def set_columns(table: Table, key: RowKey, scope: Scope) -> None:
        values = [(name, value(scope)) for name, value in columns]
        _row(table, key).update(values)

    return set_columns


def _add(raw: Value, sign: int = 1) -> Step:
    columns = _columns(raw)

    def add(table: Table, key: RowKey, scope: Scope) -> None:
        row = _row(table, key)
        for name, value in columns:
            held, more = row.get(name), number(found := value(scope))
            before = 0 if held is None else number(held)
            if more is None or before is None:
                raise StepFailed(f"{name} is {held!r}, and {found!r} cannot be added: both are to be numbers")
            row[name] = _sum(before, sign * more)

    return add


def _sum(left: int | Decimal, right: int | Decimal) -> int | Decimal:
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return _EXACT.add(Decimal(left), Decimal(right))


def _measure(raw: Value) -> Step:
    columns = _columns(raw)

    def measure(table: Table, key: RowKey, scope: Scope) -> None:
        row = _row(table, key)
        for name, value in columns:
            held = row.setdefault(name, Statistics())
            if not isinstance(held, Statistics):
                raise StepFailed(f"{name} is {held!r}, which is no statistics")
            try:
                held.add(value(scope))
            except ValueError as wrong:
                raise StepFailed(f"{name}: {wrong}") from None

    return measure


def _append(raw: Value) -> Step:
    columns = _columns(raw)

    def append(table: Table, key: RowKey, scope: Scope) -> None:
        row = _row(table, key)
        for name, value in columns:
            _list(row, name).append(value(scope))

    return append


def _remove(raw: Value) -> Step:
    if isinstance(raw, str | list):
        names = [raw] if isinstance(raw, str) else [str(name) for name in raw]

        def drop(table: Table, key: RowKey, scope: Scope) -> None:
            for name in names:
                (table.get(key) or {}).pop(name, None)

        return drop
    columns = _columns(raw)

    def remove(table: Table, key: RowKey, scope: Scope) -> None:
        row = _row(table, key)
        for name, value in columns:
            gone = value(scope)
            row[name] = [item for item in _list(row, name) if not are_same(item, gone)]

    return remove


def _delete(raw: Value) -> Step:
    if raw is not True:
        raise UsageError("write it as {delete: true}, with when beside it if it is not for all")

    def delete(table: Table, key: RowKey, scope: Scope) -> None:
        table.pop(key, None)

    return delete


def _row(table: Table, key: RowKey) -> Row:
    row = table.get(key)
    if row is None:
        row = table[key] = {}
    return row


def _list(row: Row, name: str) -> list[Any]:
    held = row.get(name)
    if held is None:
        held = row[name] = []
    if not isinstance(held, list):
        raise StepFailed(f"{name} is {held!r}, which is no list")
    return held


_STEPS: Final[Mapping[str, Callable[[Value], Step]]] = {
    "insert": _insert,
    "set": _set,
    "add": _add,
    "subtract": lambda raw: _add(raw, -1),
    "measure": _measure,
    "append": _append,
    "remove": _remove,
    "delete": _delete,
}
