"""Projections as people write them: a class whose methods handle event types and keep rows by key.

    from esviewer import Projection, on

    class Loans(Projection):
        \"\"\"One row a loan.\"\"\"
        name = "loans"
        version = 1

        @on("library_es.lending:Loan.Started")
        def started(self, event):
            self.rows[event.stream] = {"state": "out", "member": event.data["card_no"]}

The same class is used by a replay and, without any store, by a test of the user's own::

    loans = Loans()
    loans.given("library_es.lending:Loan.Started", {"card_no": "A1"}, stream="loan-7")
    assert loans.rows["loan-7"]["state"] == "out"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol, Self, TypeAlias, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from esviewer.domain import Event, UsageError
from esviewer.domain.times import moment

MAIN: Final = "rows"
"""The name of the table that ``self.rows`` is."""

ANY: Final = "*"
"""Stands for all types that have no handler of their own."""

RowKey: TypeAlias = Any
"""A text, an integer, or a tuple of them; ids, dates and decimals are taken too and shown as their texts."""
Row: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[["ProjectionEvent"], object]

_TYPES = "_esviewer_types"
_Function = TypeVar("_Function", bound=Callable[..., object])


class DefinitionError(UsageError):
    """A projection that makes no sense: two handlers of one type, no handler at all, a step that does not exist."""

    title = "The projection cannot be used"


def on(*types: str) -> Callable[[_Function], _Function]:
    """Makes a method the handler of events of these types: their stored names, or those of the catalogue.

    ``"*"`` stands for all types that have no handler of their own.
    """
    names: tuple[object, ...] = types
    if not names or not all(isinstance(name, str) and name for name in names):
        raise DefinitionError('Write the types of events behind @on, as in @on("OrderPlaced").')

    def mark(function: _Function) -> _Function:
        setattr(function, _TYPES, (*getattr(function, _TYPES, ()), *types))
        return function

    return mark


class Table(dict[RowKey, Row]):
    """Rows by key: a dict, and as fast as one."""


class WatchedTable(Table):
    """A table that tells which keys are used. A table becomes one, and a plain one again, by its ``__class__``.

    What changes a row that was taken out of the table earlier is not seen.
    """

    note: Callable[[RowKey], object]

    def __getitem__(self, key: RowKey) -> Row:
        self.note(key)
        return dict.__getitem__(self, key)

    def __setitem__(self, key: RowKey, row: Row) -> None:
        self.note(key)
        dict.__setitem__(self, key, row)

    def __delitem__(self, key: RowKey) -> None:
        self.note(key)
        dict.__delitem__(self, key)

    def get(self, key: RowKey, default: Any = None) -> Any:
        self.note(key)
        return dict.get(self, key, default)

    def setdefault(self, key: RowKey, default: Any = None) -> Any:
        self.note(key)
        return dict.setdefault(self, key, default)

    def pop(self, key: RowKey, *default: Any) -> Any:
        self.note(key)
        return dict.pop(self, key, *default)

    def popitem(self) -> tuple[RowKey, Row]:
        if self:
            self.note(next(reversed(self)))
        return dict.popitem(self)

    def update(self, *others: Any, **more: Any) -> None:
        for key, row in dict(*others, **more).items():
            self[key] = row

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def clear(self) -> None:
        self._note_all()
        dict.clear(self)

    def values(self) -> Any:
        self._note_all()
        return dict.values(self)

    def items(self) -> Any:
        self._note_all()
        return dict.items(self)

    def copy(self) -> dict[RowKey, Row]:
        self._note_all()
        return dict.copy(self)

    def _note_all(self) -> None:
        for key in list(dict.__iter__(self)):
            self.note(key)


class ProjectionEvent:
    """What a handler is given: the fields of an event, as in ``events --json``, and ``data`` with Python's values.

    ``recorded_at`` is a ``datetime`` in UTC. ``part`` numbers the events that upcasters made of one stored event, from
    0; it is ``None`` where the event is the stored one. What a store does not have is ``None``.
    """

    # What nearly every handler asks for lies in slots, which are filled in a third of the time of a dict.
    __slots__ = ("__dict__", "__weakref__", "_row", "data", "position", "stream", "type", "version")

    position: int | str | None
    stream: str | None
    category: str | None
    version: int | None
    type: str | None
    schema_version: int | str | None
    event_id: str | None
    correlation_id: str | None
    causation_id: str | None
    transaction: str | None
    tenant: str | None
    deleted: bool | None
    archived: bool | None
    status: str | None
    data: Any
    metadata: Any
    # An event that handlers are given was decoded, and nearly none is a part: these need no look at the row.
    undecodable: str | None = None
    part: int | None = None
    _row: Any
    """What it came from by a short way, while nobody asked for more than that gives."""

    def __init__(self, **fields: Any) -> None:
        self._fill(fields)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        """The event that holds just these fields; the dict is used up."""
        made = cls.__new__(cls)
        made._fill(fields)
        return made

    def _fill(self, fields: dict[str, Any]) -> None:
        take = fields.pop
        self.position, self.stream = take("position", None), take("stream", None)
        self.version, self.type = take("version", None), take("type", None)
        self.data = take("data", None)
        self._row = None
        self.__dict__ = fields

    def with_own_payload(self) -> Self:
        """The same event with a payload of its own: what a handler does to one is not seen in the other."""
        made = object.__new__(type(self))
        made.position, made.stream, made.version, made.type = self.position, self.stream, self.version, self.type
        made.data, made._row = copied(self.data), self._row
        if rest := self.__dict__:
            rest = rest.copy()
            if "metadata" in rest:
                rest["metadata"] = copied(rest["metadata"])
            made.__dict__ = rest
        return made

    def whole_payload(self) -> Any:
        """``data`` with all its attributes in order: an event of which little is asked may hold only those as such."""
        source = SOURCES.get(type(self))
        return self.data if self._row is None or source is None else source.whole(self._row)["data"]

    def _later(self, name: str) -> Any:
        """What is not there yet: an event that came by a short way is read whole when a handler asks for more."""
        fields, source, row = self.__dict__, SOURCES.get(type(self)), self._row
        if source is not None:
            if row is not None:
                self._row = None
                for label, value in source.whole(row).items():
                    if label not in _AT_HAND:
                        fields.setdefault(label, value)
            if name == "category" and name not in fields:
                fields[name] = source.category(self)
        return fields.get(name)

    @property
    def recorded_at(self) -> datetime | None:
        """When it was recorded."""
        fields = self.__dict__
        time = fields["recorded_at"] if "recorded_at" in fields else self._later("recorded_at")
        if time.__class__ is int:
            try:
                return moment(time)
            except OverflowError:
                return None
        return datetime.fromisoformat(time) if isinstance(time, str) else time

    @property
    def place(self) -> str:
        """The position for people; of events that were made of one stored event with the number of each: ``7.0``."""
        return str(self.position) if self.part is None else f"{self.position}.{self.part}"

    def __repr__(self) -> str:
        return f"<{self.type} at {self.place} of {self.stream}>"


_AT_HAND: Final = frozenset({"position", "stream", "version", "type", "data"})


class Source(Protocol):
    """What a kind of event is read with."""

    def whole(self, row: Any) -> dict[str, Any]:
        """All fields of the event of a row but its stream's category."""

    def category(self, event: ProjectionEvent) -> str | None:
        """The category of an event's stream, which may have to be looked up."""


SOURCES: Final[WeakKeyDictionary[type[ProjectionEvent], Source]] = WeakKeyDictionary()
"""Kept here and not with the events, from which handlers could come to the connection and the key."""


class _Later:
    """A field that is looked for when a handler asks for it, once."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, event: ProjectionEvent | None, owner: type) -> Any:
        return self if event is None else event._later(self._name)


LATER: Final = ProjectionEvent.__annotations__.keys() - _AT_HAND - {"undecodable", "part", "_row"}
"""Fields that are looked for when a handler asks for them."""

for _name in LATER:
    setattr(ProjectionEvent, _name, _Later(_name))

UNCHANGING: Final = frozenset({str, int, float, bool, type(None), Decimal, UUID, datetime})
"""Kinds of values that may be shared."""


def copied(value: Any) -> Any:
    """A payload of its own: dicts and lists are copied, what cannot change is not."""
    kind = value.__class__
    if kind is dict:
        if UNCHANGING.issuperset(map(type, value.values())):
            return value.copy()
        return {name: copied(item) if item.__class__ in (dict, list) else item for name, item in value.items()}
    if kind is list:
        return [copied(item) for item in value]
    return value


class Projection:
    """Base of all projections. ``self.rows`` maps keys to dicts of columns; ``self.table(name)`` is a further table.

    ``name`` and ``version`` say which projection it is; without them it is called as its class, version 1. Tables are
    there before ``__init__``, which need not be called by subclasses.
    """

    name: str = ""
    version: int | str = 1
    rows: Table
    watching: Callable[[str, Table], None] | None = None
    """Told of every new table, for whoever watches them."""
    _tables: dict[str, Table]

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        made = super().__new__(cls)
        made.rows = Table()
        made._tables = {MAIN: made.rows}
        return made

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "name" not in vars(cls) and not cls.name:
            cls.name = cls.__name__

    def table(self, name: str) -> Table:
        """The table of that name, empty at first; ``self.rows`` is the one that is called ``rows``."""
        try:
            return self._tables[name]
        except KeyError:
            if name.__class__ is not str or not name:
                raise DefinitionError(f"A table is named by a text, not by {name!r}.") from None
            made = self._tables[name] = Table()
            if self.watching is not None:
                self.watching(name, made)
            return made

    @property
    def tables(self) -> Mapping[str, Table]:
        """All tables by name; raises :class:`DefinitionError` if a handler put something else in place of ``rows``."""
        if self.rows is not self._tables[MAIN]:
            raise DefinitionError("self.rows was replaced: use self.rows.clear() and self.rows.update() instead.")
        return self._tables

    def handlers(self) -> dict[str, Handler]:
        """The handler of each type of event, by the names in ``@on``; raises :class:`DefinitionError`."""
        return {event_type: getattr(self, method) for event_type, method in methods_of(type(self)).items()}

    # For tests of the user's own

    def given(self, type: str, data: Any = None, **fields: Any) -> Self:
        """Hands one event to its handler: ``given("OrderPaid", {"amount": 5}, stream="order-1")``."""
        return self.feed([ProjectionEvent(type=type, data={} if data is None else data, **fields)])

    def feed(self, events: Iterable[ProjectionEvent | Event | Mapping[str, Any]]) -> Self:
        """Hands events to their handlers, in order; those of types without a handler are passed over.

        Events may also be objects as ``events --json`` writes them.
        """
        handlers = self.handlers()
        for given in events:
            event = _event_of(given)
            handler = handlers.get(event.type or "") or handlers.get(ANY)
            if handler is not None:
                handler(event)
        return self


def _event_of(given: ProjectionEvent | Event | Mapping[str, Any]) -> ProjectionEvent:
    if isinstance(given, ProjectionEvent):
        return given
    if isinstance(given, Mapping):
        return ProjectionEvent.of(dict(given))
    return ProjectionEvent.of({name: getattr(given, name) for name in Event.__slots__})


def methods_of(kind: type[Projection]) -> dict[str, str]:
    """The name of the method that handles each type of event.

    A method that overrides a handler handles the same types unless it has an ``@on`` of its own; ``started = None``
    takes a handler away. Raises :class:`DefinitionError` where two methods handle one type.
    """
    marked: dict[str, tuple[str, ...]] = {}
    for owner in reversed(kind.__mro__):
        for name, member in vars(owner).items():
            types = getattr(member, _TYPES, None)
            if isinstance(types, tuple):
                marked[name] = types
            elif member is None:
                marked.pop(name, None)
    methods: dict[str, str] = {}
    for name, types in marked.items():
        for event_type in dict.fromkeys(types):
            other = methods.setdefault(event_type, name)
            if other != name:
                raise DefinitionError(f"{kind.__name__} handles {event_type} twice: in {other} and in {name}.")
    return methods
